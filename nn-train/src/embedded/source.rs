//! A network as one Rust source file.

use std::fmt::Write;

use nn_embedded::format::Words;
use nn_embedded::layer::Stored;
use nn_embedded::{Activation, Layer, Model, Quantization, SOURCES, Weight};

use super::items::needed;
use super::{ExportFault, MAX_SOURCE_PARAMETERS, Sizes};
use crate::error::Error;

/// The longest line of a table.
const LINE: usize = 100;

/// What the two types of weights are written like.
pub(super) trait Written: Weight {
    /// As Rust writes the type.
    const TYPE: &'static str;
    /// How many of [`SOURCES`] there is a need for.
    const SOURCES: usize;
    /// 0, as the type's literal.
    const ZERO_LITERAL: &'static str;

    fn literals(weights: &[u8]) -> impl Iterator<Item = String>;
}

impl Written for f32 {
    const TYPE: &'static str = "f32";
    const SOURCES: usize = 2;
    const ZERO_LITERAL: &'static str = "0.0";

    fn literals(weights: &[u8]) -> impl Iterator<Item = String> {
        literals(weights.as_chunks().0)
    }
}

impl Written for i8 {
    const TYPE: &'static str = "i8";
    const SOURCES: usize = 3;
    const ZERO_LITERAL: &'static str = "0_i8";

    fn literals(weights: &[u8]) -> impl Iterator<Item = String> {
        weights.iter().map(|&weight| (weight as i8).to_string())
    }
}

/// Numbers that are read back to the bit.
fn literals(words: Words<'_>) -> impl Iterator<Item = String> {
    words.iter().map(|word| format!("{:?}", Stored::<f32>::get(*word)))
}

/// The file. The same network gives the same text.
pub(super) fn source<W: Written>(model: &Model<'_, W>, sizes: Sizes) -> Result<String, Error> {
    let (frame, layers): (_, Vec<Layer<'_>>) = (model.frame(), model.layers().collect());
    let parameters = layers.iter().map(|layer| layer.outputs * (layer.inputs + 1)).sum();
    if parameters > MAX_SOURCE_PARAMETERS {
        return Err(ExportFault::SourceTooLarge { parameters, max: MAX_SOURCE_PARAMETERS }.into());
    }
    let mut code = function_predict::<W>(model, &layers);
    if matches!(layers.last().map(|layer| layer.activation), Some(Activation::Softmax | Activation::Sigmoid)) {
        code.push_str(&function_classify(frame.inputs, frame.outputs));
    }
    let functions = needed(&SOURCES[..W::SOURCES], &code);

    let mut text = format!(
        "// A network that nn-train has trained, with weights of {}:\n// {}.\n//\n// Written by nn-train {}. It needs `core` \
         and nothing else, allocates nothing, and never panics.\n// In flash: {} bytes of numbers, beside the code. On the \
         stack: {} bytes of activations.\n\n",
        W::TYPE,
        description(frame.inputs, &layers),
        env!("CARGO_PKG_VERSION"),
        sizes.numbers,
        sizes.scratch,
    );
    text.push_str(&code);
    text.push_str("\n// What these are made of, from nn-embedded: ");
    text.push_str("its documentation says how exact the functions are.\n\n");
    text.push_str(&functions);
    text.push_str("\n// The numbers: a row of weights leads to one unit.\n");
    let [means, factors] = frame.input_scales;
    array(&mut text, "INPUT_MEANS", means);
    array(&mut text, "INPUT_FACTORS", factors);
    for (l, layer) in (1..).zip(&layers) {
        let (inputs, outputs) = (layer.inputs, layer.outputs);
        let mut weights = W::literals(layer.weights);
        table(&mut text, &format!("WEIGHTS_{l}: &[[{}; {inputs}]; {outputs}]", W::TYPE), |table| {
            for _ in 0..outputs {
                row(table, "    [", weights.by_ref().take(inputs), "],\n");
            }
        });
        array(&mut text, &format!("SCALES_{l}"), layer.scales);
        array(&mut text, &format!("BIASES_{l}"), layer.biases);
    }
    let [means, deviations] = frame.output_scales;
    array(&mut text, "OUTPUT_MEANS", means);
    array(&mut text, "OUTPUT_DEVIATIONS", deviations);
    Ok(text)
}

/// `64 => 32 relu => 10 softmax`.
fn description(inputs: usize, layers: &[Layer<'_>]) -> String {
    layers.iter().fold(inputs.to_string(), |text, layer| {
        let name = match layer.activation {
            Activation::LeakyRelu(slope) => format!("leaky_relu({slope:?})"),
            other => function(other).to_owned(),
        };
        format!("{text} => {} {name}", layer.outputs)
    })
}

/// The name of g among the functions of nn-embedded.
fn function(activation: Activation) -> &'static str {
    match activation {
        Activation::Relu => "relu",
        Activation::LeakyRelu(_) => "leaky_relu",
        Activation::Elu => "elu",
        Activation::Sigmoid => "sigmoid",
        Activation::Tanh => "tanh",
        Activation::Gelu => "gelu",
        Activation::Silu => "silu",
        Activation::Softplus => "softplus",
        Activation::Softmax => "softmax",
        _ => "linear",
    }
}

fn function_predict<W: Written>(model: &Model<'_, W>, layers: &[Layer<'_>]) -> String {
    let frame = model.frame();
    let mut code = format!(
        "/// The network's outputs for these inputs.\n#[allow(dead_code)]\npub fn predict(inputs: &[f32; {}], outputs: &mut [f32; {}]) {{\n",
        frame.inputs, frame.outputs
    );
    let mut line = |text: &str| {
        code.push_str("    ");
        code.push_str(text);
        code.push('\n');
    };
    for (name, length) in ["first", "second"].into_iter().zip(frame.buffers) {
        if length > 0 {
            line(&format!("let mut {name} = [{}; {length}];", W::ZERO_LITERAL));
        }
    }
    let (mut from, mut to) = ("first", "second");
    if frame.input_scales[0].is_empty() && !W::IS_INT8 {
        (from, to) = ("inputs", "first");
    } else {
        let standardized = "standardize(*x, *mean, *factor)";
        let (each, zip, x) = match frame.input_scales {
            [[], _] => ("(place, x)", "", "*x"),
            _ => ("((place, x), (mean, factor))", ".zip(scales)", standardized),
        };
        if !zip.is_empty() {
            line("let scales = INPUT_MEANS.iter().zip(&INPUT_FACTORS);");
        }
        line(&format!("for {each} in first.iter_mut().zip(inputs){zip} {{"));
        line(&format!("    *place = {};", finish::<W>(x, frame.quantization)));
        line("}");
    }
    for (l, layer) in (1..).zip(layers) {
        let last = l == layers.len();
        let value = match layer.activation {
            Activation::LeakyRelu(slope) => format!("leaky_relu(z, {slope:?})"),
            Activation::Linear | Activation::Softmax => "z".to_owned(),
            other => format!("{}(z)", function(other)),
        };
        let value = if last { value } else { finish::<W>(&value, layer.quantization) };
        let g = match value.strip_suffix("(z)") {
            Some(name) => name.to_owned(),
            None if value == "z" => "linear".to_owned(),
            None => {
                line(&format!("let g = |z| {value};"));
                "g".to_owned()
            }
        };
        let input = if from == "inputs" { "inputs".to_owned() } else { format!("&{from}") };
        let output = if last { "outputs".to_owned() } else { format!("&mut {to}") };
        let (call, scales) =
            if W::IS_INT8 { ("dense_int8", format!(", &SCALES_{l}")) } else { ("dense", String::new()) };
        line(&format!("{call}(WEIGHTS_{l}{scales}, &BIASES_{l}, {input}, {output}, {g});"));
        (from, to) = if to == "first" { ("first", "second") } else { ("second", "first") };
    }
    if layers.last().is_some_and(|layer| layer.activation == Activation::Softmax) {
        line("softmax(outputs);");
    }
    if !frame.output_scales[0].is_empty() {
        line("restore(outputs, &OUTPUT_MEANS, &OUTPUT_DEVIATIONS);");
    }
    code.push_str("}\n");
    code
}

/// A number as the next layer takes it.
fn finish<W: Written>(value: &str, Quantization { factor, zero }: Quantization) -> String {
    if W::IS_INT8 { format!("quantize({value}, {factor:?}, {zero:?})") } else { value.to_owned() }
}

fn function_classify(inputs: usize, outputs: usize) -> String {
    let rule = if outputs == 1 { "1 if the output is at least ½, else 0" } else { "that of the highest output" };
    format!(
        "\n/// The class: {rule}. None where an output is NaN.\n#[allow(dead_code)]\npub fn classify(inputs: &[f32; {inputs}]) -> \
         Option<usize> {{\n    let mut outputs = [0.0; {outputs}];\n    predict(inputs, &mut outputs);\n    class(&outputs)\n}}\n"
    )
}

/// `static NAME: [f32; N]`, where there are numbers.
fn array(text: &mut String, name: &str, words: Words<'_>) {
    if !words.is_empty() {
        table(text, &format!("{name}: [f32; {}]", words.len()), |table| row(table, "    ", literals(words), ",\n"));
    }
}

/// A weight may look like π by chance, and rustfmt would take a line for each.
fn table(text: &mut String, declaration: &str, fill: impl FnOnce(&mut String)) {
    let open = if declaration.contains('&') { "&[" } else { "[" };
    let _ = write!(text, "\n#[rustfmt::skip]\n#[allow(clippy::approx_constant)]\nstatic {declaration} = {open}\n");
    fill(text);
    text.push_str("];\n");
}

/// Numbers between `open` and `close`, in lines that are not too long.
fn row(text: &mut String, open: &str, numbers: impl Iterator<Item = String>, close: &str) {
    text.push_str(open);
    let mut length = open.len();
    for (index, number) in numbers.enumerate() {
        let break_before = length + number.len() + 3 > LINE;
        if index > 0 {
            text.push_str(if break_before { ",\n     " } else { ", " });
        }
        length = if break_before { 5 } else { length + 2 } + number.len();
        text.push_str(&number);
    }
    text.push_str(close);
}
