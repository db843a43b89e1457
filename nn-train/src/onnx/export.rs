//! A network as an ONNX file.

use std::path::Path;

use nn_kernels::Element;
use prost::Message;
use prost::bytes::Bytes;

use super::graph::{Graph, bytes_of, element, int, ints};
use super::proto::{self, data_type};
use super::{ARCHITECTURE_KEY, LOSS_KEY, MAX_BYTES, ML_OPSET, OPSET, OnnxFault, activation, columns};
use crate::Standardizer;
use crate::disk::write_file;
use crate::error::Error;
use crate::network::Network;
use crate::preprocess::{Preprocess, Target, name_twice, no_probabilities};

/// The version of the format that goes with [`OPSET`].
const IR_VERSION: i64 = 6;

/// What messages call a file that is none yet.
const MODEL: &str = "the ONNX model";

/// A network as an ONNX file: with what makes its inputs of a table's columns and values or classes of its outputs, if you
/// say so. See the [module](super) for what is in the file.
///
/// ```
/// use nn_train::onnx::Export;
/// use nn_train::prelude::*;
///
/// network! { struct Iris<4 => 8 relu => 3 softmax>; }
///
/// let net = Iris::new(1);
/// let bytes = Export::new(&net).classes(["setosa", "versicolor", "virginica"]).name("iris").to_bytes()?;
/// assert!(bytes.len() < 2000);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Export<'a, N> {
    network: &'a N,
    preprocess: Option<&'a Preprocess>,
    input_scales: Option<&'a Standardizer>,
    target_scales: Option<&'a Standardizer>,
    classes: Option<Vec<String>>,
    name: String,
    description: String,
    metadata: Vec<(String, String)>,
}

impl<'a, N: Network> Export<'a, N> {
    /// The network as it is: one input, `input`, `[N, S_1]`, and one output, `output`, `[N, S_L]`, in the network's numbers.
    pub fn new(network: &'a N) -> Self {
        Self {
            network,
            preprocess: None,
            input_scales: None,
            target_scales: None,
            classes: None,
            name: network.name().to_owned(),
            description: String::new(),
            metadata: Vec::new(),
        }
    }

    /// A bundle: its network with its preprocessing, or with its standardizers and the names of its classes.
    ///
    /// ```
    /// # use nn_train::onnx::Export;
    /// # use nn_train::prelude::*;
    /// let fruit = Csv::new().read_bytes(b"size,color,kind\n1,red,cherry\n8,red,apple\n7,green,apple\n2,red,cherry\n")?;
    /// let preprocess = Preprocess::for_target("kind").fit(&fruit)?;
    /// let network = DynNetwork::<f32>::new(preprocess.architecture(&[16])?, Init::default(), 1)?;
    /// let bundle = Bundle::new(network, preprocess)?;
    /// let bytes = Export::bundle(&bundle).name("fruit").to_bytes()?;
    /// # assert!(bytes.len() < 5000);
    /// # Ok::<(), Error>(())
    /// ```
    #[cfg(feature = "bundle")]
    pub fn bundle(bundle: &'a crate::bundle::Bundle<N>) -> Self {
        Self {
            preprocess: bundle.preprocess(),
            input_scales: bundle.standardizer(),
            target_scales: bundle.target_standardizer(),
            // Those of a table are the preprocessing's.
            classes: bundle.classes().filter(|_| bundle.preprocess().is_none()).map(<[String]>::to_vec),
            ..Self::new(bundle.network())
        }
    }

    /// With an input for each column of the table, and values in the table's units or classes as outputs. The graph computes
    /// what [`Preprocess::predict`] does.
    pub fn preprocess(mut self, preprocess: &'a Preprocess) -> Self {
        self.preprocess = Some(preprocess);
        self
    }

    /// The network was trained on inputs that this has standardised: the graph takes raw ones.
    pub fn standardized_inputs(mut self, standardizer: &'a Standardizer) -> Self {
        self.input_scales = Some(standardizer);
        self
    }

    /// The network was trained on targets that this has standardised: the graph gives outputs in the original units.
    pub fn standardized_targets(mut self, standardizer: &'a Standardizer) -> Self {
        self.target_scales = Some(standardizer);
        self
    }

    /// The names of the classes: the graph gives `label` and `probabilities` in place of `output`. Two for a network of one
    /// output, which is the probability of the second; otherwise one for each output. The output layer is sigmoid or softmax.
    pub fn classes<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.classes = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// What the graph is called; by default as the network's type is.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What stands in the file as the model's documentation.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// An entry of the file's metadata, beside those of the library's own.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes), and [`Error::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = self.bytes(&path.display().to_string())?;
        write_file(path, |writer| Ok(writer.write_all(&bytes)?))
    }

    /// The file.
    ///
    /// # Errors
    /// [`OnnxFault`] in [`Error::Onnx`]: settings that contradict each other, widths that differ, classes where the outputs are no
    /// probabilities or of which two have one name, a key of the metadata that is there twice, a parameter that is not finite, a column that cannot be an input, by its name, and more than 2 GiB. [`Error::Features`] for a standardizer of
    /// another width than the network.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.bytes(MODEL)
    }

    fn bytes(&self, place: &str) -> Result<Vec<u8>, Error> {
        let at = |fault| Error::onnx(place, fault);
        self.check_settings().map_err(at)?;
        let architecture = self.network.architecture();
        check_features("the network's input", self.input_scales, architecture.inputs())?;
        check_features("the network's output", self.target_scales, architecture.outputs())?;
        let mut graph = Graph::default();
        self.write_graph(&mut graph).map_err(at)?;
        let mut operator_sets = vec![proto::OperatorSet { domain: String::new(), version: OPSET }];
        if graph.learned {
            operator_sets.push(proto::OperatorSet { domain: "ai.onnx.ml".to_owned(), version: ML_OPSET });
        }
        let model = proto::Model {
            ir_version: IR_VERSION,
            producer_name: "nn-train".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            doc_string: self.description.clone(),
            graph: Some(graph.finish(&self.name)),
            operator_sets: operator_sets.iter().map(bytes_of).collect(),
            metadata: self.entries().map_err(at)?,
            functions: Vec::new(),
        };
        let found = model.encoded_len() as u64;
        if found > MAX_BYTES {
            return Err(at(OnnxFault::TooLarge { found, limit: MAX_BYTES }));
        }
        Ok(model.encode_to_vec())
    }

    fn check_settings(&self) -> Result<(), OnnxFault> {
        let architecture = self.network.architecture();
        let scaled = self.input_scales.is_some() || self.target_scales.is_some();
        let Some(preprocess) = self.preprocess else {
            let Some(classes) = &self.classes else { return Ok(()) };
            if self.target_scales.is_some() {
                let reason =
                    "there are classes and standardised targets; expected one of both, as classes are no numbers";
                return Err(OnnxFault::Settings { reason });
            }
            let (found, expected) = (classes.len(), architecture.outputs().max(2));
            return if found == expected {
                self.check_classes(classes)
            } else {
                Err(OnnxFault::Classes { found, expected })
            };
        };
        if scaled || self.classes.is_some() {
            let reason = "there is a preprocessing beside classes or a standardizer; expected it alone, as it has its own of both";
            return Err(OnnxFault::Settings { reason });
        }
        let widths = [
            ("inputs", architecture.inputs(), preprocess.input_width()),
            ("outputs", architecture.outputs(), preprocess.target_width()),
        ];
        match widths.into_iter().find(|(_, found, expected)| found != expected) {
            None => preprocess.classes().map_or(Ok(()), |classes| self.check_classes(classes)),
            Some((what, found, expected)) => Err(OnnxFault::Width { what, found, expected, of: "the preprocessing" }),
        }
    }

    /// The outputs are the probabilities of classes, each of which has a name of its own.
    fn check_classes(&self, classes: &[String]) -> Result<(), OnnxFault> {
        if let Some((found, expected)) = no_probabilities(self.network.architecture()) {
            return Err(OnnxFault::Output { found, expected });
        }
        match name_twice(classes) {
            None => Ok(()),
            Some(name) => Err(OnnxFault::ClassTwice { name: name.clone() }),
        }
    }

    /// The metadata.
    fn entries(&self) -> Result<Vec<Bytes>, OnnxFault> {
        let architecture = self.network.architecture();
        let own = [(ARCHITECTURE_KEY, architecture.to_string()), (LOSS_KEY, architecture.loss().to_string())];
        let own = own.map(|(key, value)| (key.to_owned(), value));
        let entries: Vec<(String, String)> = own.into_iter().chain(self.metadata.iter().cloned()).collect();
        for (index, (key, _)) in entries.iter().enumerate() {
            if entries[..index].iter().any(|(other, _)| other == key) {
                return Err(OnnxFault::Key { key: key.clone() });
            }
        }
        Ok(entries.into_iter().map(|(key, value)| bytes_of(&proto::Entry { key, value })).collect())
    }

    fn write_graph(&self, graph: &mut Graph) -> Result<(), OnnxFault> {
        let architecture = self.network.architecture();
        let element = element::<N::Scalar>();
        let Some(preprocess) = self.preprocess else {
            let _ = graph.input("input", element, architecture.inputs());
            let inputs = self.input_scales.map(|scales| standardize::<N::Scalar>(graph, scales));
            let rows = self.layers(graph, inputs.as_deref().unwrap_or("input"))?;
            match (&self.classes, self.target_scales) {
                (Some(classes), _) => self.write_classes(graph, &rows, classes),
                (None, Some(scales)) => {
                    let values = invert::<N::Scalar>(graph, &rows, scales);
                    let values = if element == data_type::DOUBLE { values } else { graph.cast(&values, element) };
                    graph.output("output", &values, element, Some(architecture.outputs()), "");
                }
                (None, None) => graph.output("output", &rows, element, Some(architecture.outputs()), ""),
            }
            return Ok(());
        };
        let inputs = columns::inputs::<N::Scalar>(graph, &preprocess.inputs)?;
        let poison = columns::poison(graph, &inputs);
        let rows = self.layers(graph, &inputs)?;
        let rows = graph.apply("Add", &[&rows, &poison]);
        match &preprocess.target {
            Target::Classes { classes, .. } => self.write_classes(graph, &rows, classes),
            Target::Numbers { names, standardizer } => {
                let values = match standardizer {
                    Some(scales) => invert::<N::Scalar>(graph, &rows, scales),
                    None if element == data_type::DOUBLE => rows,
                    None => graph.cast(&rows, data_type::DOUBLE),
                };
                graph.output("predictions", &values, data_type::DOUBLE, Some(names.len()), &names.join(", "));
            }
        }
        Ok(())
    }

    /// The network alone: of each layer the weights as PyTorch writes them, `[out, in]`.
    fn layers(&self, graph: &mut Graph, inputs: &str) -> Result<String, OnnxFault> {
        let architecture = self.network.architecture();
        let mut rows = inputs.to_owned();
        for (index, (layer, range)) in architecture.layers().iter().zip(architecture.ranges()).enumerate() {
            let number = index + 1;
            let mut constant = |what, sizes: &[usize], numbers: &[N::Scalar]| {
                if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
                    let value = numbers[index].to_f64();
                    return Err(OnnxFault::Parameter { layer: number, what, index, value });
                }
                Ok(graph.constant(&format!("layer{number}.{what}"), sizes, numbers))
            };
            let parameters = self.network.parameters();
            let weights = constant("weight", &[layer.outputs, layer.inputs], &parameters[range.weights])?;
            let bias = constant("bias", &[layer.outputs], &parameters[range.bias])?;
            let z = graph.node("Gemm", &[&rows, &weights, &bias], vec![int("transB", 1)]);
            let name = layer.activation.name();
            rows = activation::activation::<N::Scalar>(graph, layer.activation, &z)
                .ok_or(OnnxFault::NoForm { layer: number, name })?;
        }
        Ok(rows)
    }

    /// `label`, the name of the most probable class, and `probabilities`. Where a row is NaN there is no label: it is empty.
    fn write_classes(&self, graph: &mut Graph, rows: &str, classes: &[String]) {
        let element = element::<N::Scalar>();
        let names: Vec<&str> = classes.iter().map(String::as_str).chain([""]).collect();
        let names = graph.texts("classes", &names);
        let none = graph.whole("none", &[], &[classes.len() as i64]);
        // One number a row: the probability itself of a single output, and of several something that is NaN if one is.
        let sum = graph.node("ReduceSum", &[rows], vec![ints("axes", vec![1]), int("keepdims", 0)]);
        let (probabilities, best) = if self.network.architecture().outputs() == 1 {
            let (one, half) = (graph.number::<N::Scalar>(1.0), graph.number::<N::Scalar>(0.5));
            let other = graph.apply("Sub", &[&one, rows]);
            let probabilities = graph.node("Concat", &[&other, rows], vec![int("axis", 1)]);
            let first = graph.apply("Less", &[&sum, &half]);
            let second = graph.apply("Not", &[&first]);
            (probabilities, graph.cast(&second, data_type::INT64))
        } else {
            (rows.to_owned(), graph.node("ArgMax", &[rows], vec![int("axis", 1), int("keepdims", 0)]))
        };
        let nan = graph.apply("IsNaN", &[&sum]);
        let place = graph.apply("Where", &[&nan, &none, &best]);
        let label = graph.node("Gather", &[&names, &place], vec![int("axis", 0)]);
        graph.output("label", &label, data_type::STRING, None, "");
        graph.output("probabilities", &probabilities, element, Some(classes.len()), &classes.join(", "));
    }
}

/// The graph's input, standardised in `f64`.
fn standardize<T: Element>(graph: &mut Graph, scales: &Standardizer) -> String {
    let double = T::NAME == "f64";
    let raw = if double { "input".to_owned() } else { graph.cast("input", data_type::DOUBLE) };
    let means = graph.constant("mean", &[scales.features()], scales.means());
    let deviations = graph.constant("deviation", &[scales.features()], scales.deviations());
    let centered = graph.apply("Sub", &[&raw, &means]);
    let scaled = graph.apply("Div", &[&centered, &deviations]);
    if double { scaled } else { graph.cast(&scaled, element::<T>()) }
}

/// Outputs in the original units, in `f64`.
fn invert<T: Element>(graph: &mut Graph, rows: &str, scales: &Standardizer) -> String {
    let rows = if T::NAME == "f64" { rows.to_owned() } else { graph.cast(rows, data_type::DOUBLE) };
    let means = graph.constant("mean", &[scales.features()], scales.means());
    let deviations = graph.constant("deviation", &[scales.features()], scales.deviations());
    let scaled = graph.apply("Mul", &[&rows, &deviations]);
    graph.apply("Add", &[&scaled, &means])
}

fn check_features(what: &'static str, standardizer: Option<&Standardizer>, found: usize) -> Result<(), Error> {
    match standardizer.map(Standardizer::features) {
        Some(expected) if expected != found => Err(Error::Features { what, expected, found }),
        _ => Ok(()),
    }
}
