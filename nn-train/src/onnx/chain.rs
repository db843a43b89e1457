//! From the operators of a graph to the layers of a network.
//!
//! A tensor that depends on the graph's input is a [`Stage`]: which layer it comes from, and what has been made of the
//! layer's z since, as values at the points of [`functions`]. An operator makes one of others; a product with weights
//! ends a layer and begins the next.

use std::collections::HashMap;
use std::rc::Rc;

use nn_kernels::Activation;

use super::OnnxFault;
use super::functions::{self, points};
use super::operator::Operator;
use super::proto::{self, data_type};
use super::tensors::{Tensor, Tensors, decode, shortest};

/// A layer of the network.
pub(super) struct Draft {
    pub(super) weights: Rc<Tensor>,
    /// Whether the weights stand as `[in, out]`.
    pub(super) turned: bool,
    pub(super) bias: Option<Rc<Tensor>>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) activation: Activation,
}

/// What a tensor is.
#[derive(Clone)]
enum Value {
    Stage(Stage),
    /// A number that is the same for all.
    Single(f64),
    /// A constant, the other way round where it is `turned`.
    Constant {
        tensor: Rc<Tensor>,
        turned: bool,
    },
}

/// A tensor that depends on the graph's input.
#[derive(Clone)]
struct Stage {
    /// How many products with weights are behind it.
    layer: usize,
    /// Whether the bias has been added.
    biased: bool,
    /// The sizes of its shape, as far as they are known: how many, and the last of two.
    rank: Option<usize>,
    width: Option<usize>,
    /// What it is of z, at the points.
    values: Rc<Vec<f64>>,
    /// The operator that has made it last, and its node.
    by: Rc<[String; 2]>,
    end: End,
}

/// What can only stand at the end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Open,
    Softmax,
    /// 1 - p beside p.
    Both,
}

/// The operators of a graph as they are gone through.
pub(super) struct Chain {
    pub(super) tensors: Tensors,
    values: HashMap<String, Value>,
    points: Rc<Vec<f64>>,
    layers: Vec<Draft>,
    /// The version of the operators.
    version: i64,
    /// Whether the weights are `f64`, once there are some.
    double: Option<bool>,
    /// The nodes that cast to `f32` and to `f64`.
    casts: [Option<String>; 2],
}

impl Chain {
    pub(super) fn new(tensors: Tensors, version: i64, input: &str, rank: Option<usize>, width: Option<usize>) -> Self {
        let points = Rc::new(points());
        let stage =
            Stage { layer: 0, biased: true, rank, width, values: points.clone(), by: Rc::default(), end: End::Open };
        let values = HashMap::from([(input.to_owned(), Value::Stage(stage))]);
        Self { tensors, values, points, layers: Vec::new(), version, double: None, casts: [None, None] }
    }

    /// Goes on by one operator.
    pub(super) fn take(&mut self, node: &proto::Node) -> Result<(), OnnxFault> {
        let operator = Operator::of(node)?;
        if !operator.is_own() {
            return Err(operator.refuse("an operator of a plain network"));
        }
        let value = self.value(&operator)?;
        let output = node.outputs.first().filter(|name| !name.is_empty());
        let output = output.ok_or_else(|| operator.refuse("one with an output"))?;
        if self.tensors.contains(output) || self.values.insert(output.clone(), value).is_some() {
            return Err(operator.refuse("one whose output has a name of its own"));
        }
        Ok(())
    }

    /// The layers up to the tensor `output`, and whether their weights are `f64`.
    pub(super) fn finish(&mut self, output: &str, last: &proto::Node) -> Result<(Vec<Draft>, bool), OnnxFault> {
        let operator = Operator::of(last)?;
        let Some(Value::Stage(stage)) = self.values.get(output).cloned() else {
            return Err(operator.refuse("an output that depends on the input"));
        };
        let (true, Some(double)) = (stage.layer > 0, self.double) else {
            return Err(operator.refuse("a layer: a product with weights"));
        };
        self.end_layer(&operator, &stage)?;
        if stage.end == End::Both && self.layers.last().is_some_and(|layer| layer.activation != Activation::Sigmoid) {
            return Err(operator.refuse("probabilities of a sigmoid"));
        }
        if let Some(node) = self.casts[usize::from(!double)].take() {
            let types = [data_type::FLOAT, data_type::DOUBLE].map(data_type::name);
            let expected = format!("{}, the type of the weights", types[usize::from(double)]);
            let found = types[usize::from(!double)].clone();
            return Err(OnnxFault::Attribute { operator: "Cast".to_owned(), node, what: "to", found, expected });
        }
        Ok((std::mem::take(&mut self.layers), double))
    }

    fn value(&mut self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        match operator.node.operator.as_str() {
            "Constant" => constant(operator),
            "Identity" => {
                operator.check_attributes(&[])?;
                self.operand(operator, 0)
            }
            "Dropout" => self.dropout(operator),
            "Cast" | "CastLike" => self.cast(operator),
            "Flatten" => self.flatten(operator),
            "Reshape" => self.reshape(operator),
            "Transpose" => self.transpose(operator),
            "Gemm" => self.gemm(operator),
            "MatMul" => {
                operator.check_attributes(&[])?;
                self.affine(operator, true)
            }
            "Softmax" => self.softmax(operator),
            "Concat" => self.concat(operator),
            "Add" => match self.bias(operator)? {
                Some(stage) => Ok(stage),
                None => self.elementwise(operator),
            },
            _ => self.elementwise(operator),
        }
    }

    /// The operand at a place.
    fn operand(&self, operator: &Operator<'_>, place: usize) -> Result<Value, OnnxFault> {
        let Some(name) = operator.operand_name(place) else {
            return Err(operator.attribute(
                "the count of its inputs",
                format!("{}", operator.node.inputs.len()),
                "more",
            ));
        };
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        match self.tensors.get(name)? {
            Some(tensor) => Ok(Value::Constant { tensor, turned: false }),
            None => Err(OnnxFault::Missing {
                name: name.to_owned(),
                operator: operator.node.operator.clone(),
                node: operator.name(),
            }),
        }
    }

    /// The operand, which has to depend on the graph's input, and on the last layer that has begun.
    fn stage(&self, operator: &Operator<'_>, place: usize) -> Result<Stage, OnnxFault> {
        let Value::Stage(stage) = self.operand(operator, place)? else {
            return Err(operator.refuse("one whose first input depends on the graph's input"));
        };
        self.check_stage(operator, &stage)?;
        Ok(stage)
    }

    fn check_stage(&self, operator: &Operator<'_>, stage: &Stage) -> Result<(), OnnxFault> {
        let biased = self.layers.last().is_none_or(|layer| layer.bias.is_some());
        if stage.layer != self.layers.len() || (stage.biased != biased && stage.layer > 0) {
            return Err(
                operator.refuse("a chain: each layer takes what the one before it gives, and nothing from before that")
            );
        }
        Ok(())
    }

    fn open_stage(&self, operator: &Operator<'_>, place: usize) -> Result<Stage, OnnxFault> {
        let stage = self.stage(operator, place)?;
        if stage.end == End::Open {
            return Ok(stage);
        }
        Err(operator.refuse("nothing behind the probabilities"))
    }

    // --- what changes nothing ---

    fn dropout(&self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["ratio", "seed", "is_test"])?;
        // From version 12 on a third input may turn it on; 0 is off.
        if operator.operand_name(2).is_some() {
            let training = match self.operand(operator, 2)? {
                Value::Single(number) => Some(number),
                Value::Constant { tensor, .. } => tensor.single(),
                Value::Stage(_) => None,
            };
            if training != Some(0.0) {
                return Err(operator.attribute(
                    "training_mode",
                    "set".to_owned(),
                    "a network to predict with, where it is not",
                ));
            }
        }
        self.operand(operator, 0)
    }

    fn cast(&mut self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["to", "saturate"])?;
        let value = self.operand(operator, 0)?;
        let kind = if operator.node.operator == "Cast" {
            i32::try_from(operator.int("to", 0)).unwrap_or(-1)
        } else {
            match self.operand(operator, 1)? {
                // In the type of the network's own numbers.
                Value::Stage(_) => return Ok(value),
                Value::Constant { tensor, .. } => tensor.kind(),
                Value::Single(_) => return Err(operator.refuse("one whose second input is a tensor of the file's")),
            }
        };
        let number = match value {
            Value::Stage(_) => {
                match kind {
                    data_type::FLOAT => self.casts[0] = Some(operator.name()),
                    data_type::DOUBLE => self.casts[1] = Some(operator.name()),
                    _ => return Err(operator.attribute("to", data_type::name(kind), "FLOAT or DOUBLE")),
                }
                return Ok(value);
            }
            // Numbers of f32 are numbers of f64.
            Value::Constant { ref tensor, .. }
                if tensor.kind() == kind || (tensor.kind(), kind) == (data_type::FLOAT, data_type::DOUBLE) =>
            {
                return Ok(value);
            }
            Value::Constant { tensor, .. } => tensor.single(),
            Value::Single(number) => Some(number),
        };
        match number.and_then(|number| cast(number, kind)) {
            Some(number) => Ok(Value::Single(number)),
            None => {
                let expected = match number {
                    Some(_) => "FLOAT, DOUBLE, INT32, INT64 or BOOL, and a number that the type can hold",
                    None => "the type that the numbers have, as there are several",
                };
                Err(operator.attribute("to", data_type::name(kind), expected))
            }
        }
    }

    fn flatten(&self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["axis"])?;
        let stage = self.stage(operator, 0)?;
        match operator.int("axis", 1) {
            1 => Ok(Value::Stage(Stage { rank: Some(2), ..stage })),
            axis => Err(operator.attribute("axis", axis.to_string(), "1")),
        }
    }

    fn reshape(&self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["allowzero"])?;
        let stage = self.stage(operator, 0)?;
        let Value::Constant { tensor, .. } = self.operand(operator, 1)? else {
            return Err(operator.refuse("a constant shape"));
        };
        let rows = if operator.int("allowzero", 0) == 0 { vec![-1.0, 0.0] } else { vec![-1.0] };
        let width = match tensor.few().as_deref() {
            Some(&[first, width]) if rows.contains(&first) => match (stage.width, width) {
                // As many as there are.
                (width, -1.0) if first == 0.0 => Some(width),
                (Some(known), width) if width == known as f64 => Some(Some(known)),
                (None, width) if width >= 1.0 => Some(Some(width as usize)),
                _ => None,
            },
            _ => None,
        };
        let Some(width) = width else {
            let found = tensor.few().map_or_else(|| "of other sizes".to_owned(), |sizes| format!("{sizes:?}"));
            return Err(operator.attribute("the shape", found, "[-1, width], which leaves the rows as they are"));
        };
        Ok(Value::Stage(Stage { rank: Some(2), width, ..stage }))
    }

    fn transpose(&self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["perm"])?;
        match self.operand(operator, 0)? {
            Value::Constant { tensor, turned } if tensor.sizes.len() == 2 => {
                let perm = operator.find("perm").map(|attribute| attribute.ints.as_slice());
                if perm.is_none_or(|perm| perm == [1, 0]) {
                    return Ok(Value::Constant { tensor, turned: !turned });
                }
                Err(operator.attribute("perm", format!("{perm:?}"), "[1, 0]"))
            }
            _ => Err(operator.refuse("one of weights")),
        }
    }

    // --- layers ---

    fn gemm(&mut self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["alpha", "beta", "transA", "transB"])?;
        for (name, expected) in [("alpha", 1.0), ("beta", 1.0)] {
            let found = operator.float(name, 1.0);
            if found != expected {
                return Err(operator.attribute(name, found.to_string(), "1"));
            }
        }
        if operator.int("transA", 0) != 0 {
            return Err(operator.attribute("transA", "set".to_owned(), "0"));
        }
        let turned = match operator.int("transB", 0) {
            0 => true,
            1 => false,
            other => return Err(operator.attribute("transB", other.to_string(), "0 or 1")),
        };
        let value = self.affine(operator, turned)?;
        if operator.operand_name(2).is_none() {
            return Ok(value);
        }
        match (value, self.operand(operator, 2)?) {
            (Value::Stage(stage), Value::Constant { tensor, turned: false }) if self.is_bias(&tensor) => {
                Ok(self.add_bias(stage, tensor))
            }
            _ => Err(operator.refuse("one whose third input is a bias, a constant number for each output")),
        }
    }

    /// The product with weights, which stand as `[in, out]` where they are `turned`: the next layer.
    fn affine(&mut self, operator: &Operator<'_>, turned: bool) -> Result<Value, OnnxFault> {
        let stage = self.open_stage(operator, 0)?;
        let (weights, otherwise) = match self.operand(operator, 1)? {
            Value::Constant { tensor, turned } => (tensor, turned),
            _ => return Err(operator.refuse("one whose second input is a constant, the weights")),
        };
        let turned = turned != otherwise;
        let &[first, second] = &weights.sizes[..] else {
            let found = format!("a tensor of {} sizes", weights.sizes.len());
            return Err(operator.attribute("its matrix of weights", found, "a matrix"));
        };
        let (inputs, outputs) = if turned { (first, second) } else { (second, first) };
        if let Some(rank) = stage.rank.filter(|&rank| rank != 2) {
            return Err(operator.attribute(
                "its first input",
                format!("a tensor of {rank} sizes"),
                "one of 2, a row for each sample",
            ));
        }
        if let Some(width) = stage.width.filter(|&width| width != inputs) {
            return Err(operator.attribute(
                "its matrix of weights",
                format!("for {inputs} inputs"),
                &format!("for {width}"),
            ));
        }
        let double = weights.is_double()?;
        if self.double.is_some_and(|others| others != double) {
            return Err(operator.attribute(
                "its matrix of weights",
                "of another type than those before".to_owned(),
                "one type for all",
            ));
        }
        self.double = Some(double);
        weights.claim(&mut self.tensors)?;
        if stage.layer > 0 {
            self.end_layer(operator, &stage)?;
        } else if *stage.values != *self.points {
            return Err(operator.refuse("inputs that go to the first layer as they are"));
        }
        let activation = Activation::Linear;
        self.layers.push(Draft { weights, turned, bias: None, inputs, outputs, activation });
        Ok(Value::Stage(Stage {
            layer: self.layers.len(),
            biased: false,
            rank: Some(2),
            width: Some(outputs),
            values: self.points.clone(),
            by: operator.by(),
            end: End::Open,
        }))
    }

    /// What has been made of z becomes the activation of the last layer.
    fn end_layer(&mut self, operator: &Operator<'_>, stage: &Stage) -> Result<(), OnnxFault> {
        self.check_stage(operator, stage)?;
        let activation = match stage.end {
            End::Softmax => Some(Activation::Softmax),
            End::Open | End::Both => functions::activation(&stage.values),
        };
        match (activation, self.layers.last_mut()) {
            (Some(activation), Some(layer)) => layer.activation = activation,
            _ => {
                let [operator, node] = stage.by.as_ref().clone();
                return Err(OnnxFault::Activation {
                    operator,
                    node,
                    layer: stage.layer,
                    expected: Activation::NAMES.join(", "),
                });
            }
        }
        Ok(())
    }

    /// Whether a tensor is a number for each output of the last layer, which has no bias yet.
    fn is_bias(&self, tensor: &Tensor) -> bool {
        let Some(layer) = self.layers.last().filter(|layer| layer.bias.is_none()) else { return false };
        let fits = tensor.sizes == [layer.outputs] || tensor.sizes == [1, layer.outputs];
        fits && tensor.is_double().is_ok_and(|double| self.double == Some(double))
    }

    fn add_bias(&mut self, stage: Stage, bias: Rc<Tensor>) -> Value {
        if let Some(layer) = self.layers.last_mut() {
            layer.bias = Some(bias);
        }
        Value::Stage(Stage { biased: true, ..stage })
    }

    /// An addition that is the bias of a product before it.
    fn bias(&mut self, operator: &Operator<'_>) -> Result<Option<Value>, OnnxFault> {
        operator.check_attributes(&[])?;
        let (stage, tensor) = match (self.operand(operator, 0)?, self.operand(operator, 1)?) {
            (Value::Stage(stage), Value::Constant { tensor, turned: false }) => (stage, tensor),
            (Value::Constant { tensor, turned: false }, Value::Stage(stage)) => (stage, tensor),
            _ => return Ok(None),
        };
        let plain = stage.layer == self.layers.len() && !stage.biased && *stage.values == *self.points;
        if !plain || !self.is_bias(&tensor) {
            return Ok(None);
        }
        Ok(Some(self.add_bias(stage, tensor)))
    }

    // --- activations ---

    fn softmax(&self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["axis"])?;
        let stage = self.open_stage(operator, 0)?;
        let axis = operator.int("axis", if self.version < 13 { 1 } else { -1 });
        if ![1, -1].contains(&axis) {
            return Err(operator.attribute("axis", axis.to_string(), "1 or -1"));
        }
        if stage.layer == 0 || *stage.values != *self.points {
            return Err(operator.refuse("softmax of a layer's sums alone"));
        }
        Ok(Value::Stage(Stage { end: End::Softmax, ..stage }))
    }

    /// 1 - p beside p, the probabilities of two classes.
    fn concat(&self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        operator.check_attributes(&["axis"])?;
        let axis = operator.int("axis", 1);
        if operator.node.inputs.len() == 2 && [1, -1].contains(&axis) {
            let (other, stage) = (self.open_stage(operator, 0)?, self.open_stage(operator, 1)?);
            let complements =
                other.values.iter().zip(stage.values.iter()).all(|(other, p)| (other - (1.0 - p)).abs() < 1e-12);
            if complements && stage.width == Some(1) {
                return Ok(Value::Stage(Stage { width: Some(2), end: End::Both, ..stage }));
            }
        }
        Err(operator.refuse("two tensors of one column each, 1 - p and p"))
    }

    /// An operator that works number by number, on operands that are stages of one layer or single numbers.
    fn elementwise(&self, operator: &Operator<'_>) -> Result<Value, OnnxFault> {
        let function = functions::of(operator)?;
        let mut of: Option<Stage> = None;
        let mut operands: Vec<Result<Rc<Vec<f64>>, f64>> = Vec::new();
        for place in 0..operator.node.inputs.len() {
            match self.operand(operator, place)? {
                Value::Stage(stage) => {
                    self.check_stage(operator, &stage)?;
                    if stage.end != End::Open || stage.layer == 0 {
                        return Err(operator.refuse(
                            "activations behind a layer, and nothing before the first or behind the probabilities",
                        ));
                    }
                    operands.push(Ok(stage.values.clone()));
                    of = Some(stage);
                }
                Value::Single(number) => operands.push(Err(number)),
                Value::Constant { tensor, .. } => match tensor.single() {
                    Some(number) => operands.push(Err(number)),
                    None => {
                        return Err(operator.refuse("constants of one number, or weights and biases at their places"));
                    }
                },
            }
        }
        let at = |point: usize| {
            let numbers: Vec<f64> = operands
                .iter()
                .map(|operand| match operand {
                    Ok(values) => values[point],
                    Err(number) => *number,
                })
                .collect();
            function(&numbers)
        };
        Ok(match of {
            Some(stage) => {
                let values = Rc::new((0..self.points.len()).map(at).collect());
                Value::Stage(Stage { values, by: operator.by(), ..stage })
            }
            None => Value::Single(at(0)),
        })
    }
}

/// A number in another type; none where it is not known what becomes of it.
fn cast(number: f64, kind: i32) -> Option<f64> {
    let cast = match kind {
        data_type::FLOAT => shortest(number as f32),
        data_type::DOUBLE => number,
        // Towards 0, and without a sign there.
        data_type::INT64 if number.abs() < 2_f64.powi(63) => number.trunc() + 0.0,
        data_type::INT32 if number.abs() < 2_f64.powi(31) => number.trunc() + 0.0,
        data_type::BOOL => f64::from(u8::from(number != 0.0)),
        _ => f64::NAN,
    };
    Some(cast).filter(|cast| cast.is_finite())
}

/// The operator that is a constant.
fn constant(operator: &Operator<'_>) -> Result<Value, OnnxFault> {
    operator.check_attributes(&["value", "value_float", "value_int", "value_ints"])?;
    let [attribute] = &operator.attributes[..] else {
        return Err(operator.attribute("the count of its attributes", operator.attributes.len().to_string(), "1"));
    };
    match (&attribute.tensor, attribute.float, attribute.int) {
        (Some(bytes), ..) => {
            let tensor = Tensor::of(&operator.name(), decode(bytes.clone())?)?;
            Ok(Value::Constant { tensor: Rc::new(tensor), turned: false })
        }
        (_, Some(number), _) => Ok(Value::Single(shortest(number))),
        (_, _, Some(number)) => Ok(Value::Single(number as f64)),
        _ => {
            let sizes = vec![i64::try_from(attribute.ints.len()).unwrap_or(i64::MAX)];
            let ints = attribute.ints.clone();
            let tensor = proto::Tensor { sizes, kind: data_type::INT64, ints, ..Default::default() };
            Ok(Value::Constant { tensor: Rc::new(Tensor::of(&operator.name(), tensor)?), turned: false })
        }
    }
}
