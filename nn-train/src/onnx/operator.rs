//! An operator that is read, with its attributes.

use std::rc::Rc;

use super::OnnxFault;
use super::proto::{self, Attribute};
use super::tensors::decode;

/// The most attributes that are looked at.
const MAX_ATTRIBUTES: usize = 16;

/// An operator with its attributes.
pub(super) struct Operator<'a> {
    pub(super) node: &'a proto::Node,
    pub(super) attributes: Vec<Attribute>,
}

impl<'a> Operator<'a> {
    pub(super) fn of(node: &'a proto::Node) -> Result<Self, OnnxFault> {
        let found = node.attributes.len();
        if found > MAX_ATTRIBUTES {
            return Err(OnnxFault::Many { what: "attributes of an operator", found, limit: MAX_ATTRIBUTES });
        }
        let attributes = node.attributes.iter().map(|bytes| decode(bytes.clone())).collect::<Result<_, _>>()?;
        Ok(Self { node, attributes })
    }

    /// Whether it is one of ONNX' own domain.
    pub(super) fn is_own(&self) -> bool {
        ["", "ai.onnx"].contains(&self.node.domain.as_str())
    }
}

impl Operator<'_> {
    /// The names of the operator and its node.
    pub(super) fn by(&self) -> Rc<[String; 2]> {
        Rc::new([self.node.operator.clone(), self.name()])
    }

    /// The node's name, or that of its output.
    pub(super) fn name(&self) -> String {
        let output = self.node.outputs.first();
        if self.node.name.is_empty() { output.cloned().unwrap_or_default() } else { self.node.name.clone() }
    }

    /// The name of an operand, if there is one at this place.
    pub(super) fn operand_name(&self, place: usize) -> Option<&str> {
        self.node.inputs.get(place).map(String::as_str).filter(|name| !name.is_empty())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.find(name).map_or(default, |attribute| attribute.int.unwrap_or(0))
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        self.find(name).map_or(default, |attribute| attribute.float.unwrap_or(0.0))
    }

    pub(super) fn check_attributes(&self, known: &[&str]) -> Result<(), OnnxFault> {
        match self.attributes.iter().find(|attribute| !known.contains(&attribute.name.as_str())) {
            None => Ok(()),
            Some(other) => {
                let expected =
                    if known.is_empty() { "none".to_owned() } else { format!("no others than {}", known.join(", ")) };
                Err(self.attribute("an attribute", format!("{:?}", other.name), &expected))
            }
        }
    }

    pub(super) fn refuse(&self, expected: &'static str) -> OnnxFault {
        let proto::Node { operator, domain, .. } = self.node;
        let operator = if self.is_own() { operator.clone() } else { format!("{domain}.{operator}") };
        OnnxFault::Operator { operator, node: self.name(), expected }
    }

    pub(super) fn attribute(&self, what: &'static str, found: String, expected: &str) -> OnnxFault {
        OnnxFault::Attribute {
            operator: self.node.operator.clone(),
            node: self.name(),
            what,
            found,
            expected: expected.to_owned(),
        }
    }
}
