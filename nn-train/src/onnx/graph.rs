//! Writing a graph: operators, constants, and names of which each stands for one thing.

use std::collections::{HashMap, HashSet};

use nn_kernels::Element;
use prost::Message;
use prost::bytes::Bytes;

use super::proto::{self, Attribute, TensorType, TypeInfo, ValueInfo, attribute_type, data_type};

/// A graph that grows. What a method returns is the name of a tensor.
#[derive(Default)]
pub(super) struct Graph {
    written: proto::Graph,
    names: HashSet<String>,
    /// The last number behind a name.
    numbers: HashMap<String, usize>,
    /// Whether there is an operator of `ai.onnx.ml`.
    pub(super) learned: bool,
}

impl Graph {
    /// `wanted`, or with a number behind it where that is taken.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        if self.names.insert(wanted.to_owned()) {
            return wanted.to_owned();
        }
        let number = self.numbers.entry(wanted.to_owned()).or_insert(1);
        loop {
            *number += 1;
            let name = format!("{wanted}_{number}");
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }

    /// An input of this name, or of none where another has it.
    pub(super) fn input(&mut self, name: &str, element: i32, width: usize) -> bool {
        let new = self.names.insert(name.to_owned());
        if new {
            self.written.inputs.push(value(name, element, Some(width), ""));
        }
        new
    }

    /// What a tensor is called as an output: as `wanted`, where nothing else is. `description` is kept beside it.
    pub(super) fn output(&mut self, wanted: &str, tensor: &str, element: i32, width: Option<usize>, description: &str) {
        let name = self.name(wanted);
        self.push("Identity", "", &[tensor], Vec::new(), &name);
        self.written.outputs.push(value(&name, element, width, description));
    }

    /// An operator of one output.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let name = self.name(&operator.to_lowercase());
        self.push(operator, "", inputs, attributes, &name);
        name
    }

    /// The same without attributes.
    pub(super) fn apply(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.node(operator, inputs, Vec::new())
    }

    /// An operator of `ai.onnx.ml`.
    pub(super) fn learned(&mut self, operator: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        self.learned = true;
        let name = self.name(&operator.to_lowercase());
        self.push(operator, "ai.onnx.ml", inputs, attributes, &name);
        name
    }

    fn push(&mut self, operator: &str, domain: &str, inputs: &[&str], attributes: Vec<Attribute>, output: &str) {
        let node = proto::Node {
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            outputs: vec![output.to_owned()],
            name: output.to_owned(),
            operator: operator.to_owned(),
            attributes: attributes.iter().map(bytes_of).collect(),
            domain: domain.to_owned(),
        };
        self.written.nodes.push(bytes_of(&node));
    }

    /// A constant of these sizes, none for a single number.
    pub(super) fn constant<T: Element>(&mut self, name: &str, sizes: &[usize], numbers: &[T]) -> String {
        let raw = if T::NAME == "f32" {
            numbers.iter().flat_map(|number| (number.to_f64() as f32).to_le_bytes()).collect()
        } else {
            numbers.iter().flat_map(|number| number.to_f64().to_le_bytes()).collect()
        };
        self.tensor(name, sizes, proto::Tensor { kind: element::<T>(), raw, ..Default::default() })
    }

    /// A single number.
    pub(super) fn number<T: Element>(&mut self, number: f64) -> String {
        self.constant("constant", &[], &[T::from_f64(number)])
    }

    /// A constant of whole numbers.
    pub(super) fn whole(&mut self, name: &str, sizes: &[usize], numbers: &[i64]) -> String {
        let raw = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(name, sizes, proto::Tensor { kind: data_type::INT64, raw, ..Default::default() })
    }

    /// A constant of texts, side by side.
    pub(super) fn texts(&mut self, name: &str, texts: &[&str]) -> String {
        let strings = texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
        self.tensor(name, &[texts.len()], proto::Tensor { kind: data_type::STRING, strings, ..Default::default() })
    }

    fn tensor(&mut self, name: &str, sizes: &[usize], tensor: proto::Tensor) -> String {
        let name = self.name(name);
        let sizes = sizes.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect();
        self.written.initializers.push(bytes_of(&proto::Tensor { name: name.clone(), sizes, ..tensor }));
        name
    }

    /// The tensor in another type of numbers.
    pub(super) fn cast(&mut self, tensor: &str, element: i32) -> String {
        self.node("Cast", &[tensor], vec![int("to", i64::from(element))])
    }

    /// The graph as it is written to a file.
    pub(super) fn finish(self, name: &str) -> proto::Graph {
        proto::Graph { name: name.to_owned(), ..self.written }
    }
}

/// The type of an element in a file.
pub(super) fn element<T: Element>() -> i32 {
    if T::NAME == "f32" { data_type::FLOAT } else { data_type::DOUBLE }
}

fn value(name: &str, element: i32, width: Option<usize>, description: &str) -> Bytes {
    let tensor = TensorType { element, shape: Some(proto::batch_of(width)) };
    let kind = Some(TypeInfo { tensor: Some(tensor) });
    bytes_of(&ValueInfo { name: name.to_owned(), kind, doc_string: description.to_owned() })
}

pub(super) fn bytes_of(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

/// An attribute that is a number.
pub(super) fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.to_owned(), float: Some(value), kind: attribute_type::FLOAT, ..Default::default() }
}

/// An attribute that is a whole number.
pub(super) fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.to_owned(), int: Some(value), kind: attribute_type::INT, ..Default::default() }
}

/// An attribute of whole numbers.
pub(super) fn ints(name: &str, values: Vec<i64>) -> Attribute {
    Attribute { name: name.to_owned(), ints: values, kind: attribute_type::INTS, ..Default::default() }
}

/// An attribute of texts.
pub(super) fn strings<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Attribute {
    let strings = values.into_iter().map(|value| Bytes::copy_from_slice(value.as_bytes())).collect();
    Attribute { name: name.to_owned(), strings, kind: attribute_type::STRINGS, ..Default::default() }
}
