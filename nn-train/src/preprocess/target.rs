//! What is predicted: numbers or classes.

#[cfg(any(feature = "bundle", feature = "onnx"))]
use nn_kernels::Architecture;
use nn_kernels::{Activation, Element};

use super::categories::{Category, categories_of};
use super::input::unseen;
use crate::Standardizer;
use crate::data::DynDataset;
use crate::error::Error;
use crate::network::compute;
use crate::table::{Table, TableFault};

#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) enum Target {
    /// Numbers, one or several columns of them.
    Numbers { names: Vec<String>, standardizer: Option<Standardizer> },
    /// Classes, at least two, in the order of the outputs.
    Classes { name: String, classes: Vec<String>, numbers: bool },
}

/// Why the outputs of a network are no probabilities of classes: the activation that it has, and what would be right.
#[cfg(any(feature = "bundle", feature = "onnx"))]
pub(crate) fn no_probabilities(architecture: &Architecture) -> Option<(Activation, &'static str)> {
    match architecture.output_activation() {
        Activation::Sigmoid | Activation::Softmax => None,
        found => Some((found, if architecture.outputs() == 1 { "sigmoid" } else { "softmax or sigmoid" })),
    }
}

/// The first by the alphabet of the names that are there twice.
#[cfg(any(feature = "bundle", feature = "onnx"))]
pub(crate) fn name_twice(names: &[String]) -> Option<&String> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

impl Target {
    /// How many outputs a network needs. Two classes need one: the probability of the second.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Numbers { names, .. } => names.len(),
            Self::Classes { classes, .. } if classes.len() == 2 => 1,
            Self::Classes { classes, .. } => classes.len(),
        }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Numbers { names, .. } => names.iter().map(String::as_str).collect(),
            Self::Classes { name, .. } => vec![name],
        }
    }

    /// Whether the columns hold numbers.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Numbers { .. } | Self::Classes { numbers: true, .. })
    }

    /// What the output layer computes.
    pub(super) fn activation(&self) -> Activation {
        match self {
            Self::Numbers { .. } => Activation::Linear,
            Self::Classes { .. } if self.width() == 1 => Activation::Sigmoid,
            Self::Classes { .. } => Activation::Softmax,
        }
    }

    /// The targets of each row, as they stand in the table.
    pub(super) fn rows<T: Element>(&self, table: &Table) -> Result<Vec<T>, Error> {
        let names = self.names();
        let width = names.len();
        let mut rows = compute::zeros(table.rows().saturating_mul(width))?;
        for (column, name) in names.into_iter().enumerate() {
            for (row, &found) in table.numbers(name)?.iter().enumerate() {
                let number = T::from_f64(found);
                if !number.is_finite() {
                    let missing = TableFault::MissingTarget { what: "target" };
                    let fault = if found.is_nan() { missing } else { TableFault::NotFinite { found } };
                    return Err(table.fault(row, name, fault));
                }
                rows[row * width + column] = number;
            }
        }
        Ok(rows)
    }

    /// The class of each row.
    fn labels(table: &Table, name: &str, classes: &[String], numbers: bool) -> Result<Vec<usize>, Error> {
        let label = |(row, category)| match category {
            Category::Known(class) => Ok(class),
            Category::Other(found) => Err(table.fault(row, name, unseen(found, classes))),
            Category::Missing => Err(table.fault(row, name, TableFault::MissingTarget { what: "target" })),
        };
        categories_of(table, name, classes, numbers)?.into_iter().enumerate().map(label).collect()
    }

    /// The samples of these inputs with their targets.
    pub(super) fn dataset<T: Element>(
        &self,
        table: &Table,
        inputs: Vec<T>,
        input_width: usize,
    ) -> Result<DynDataset<T>, Error> {
        match self {
            Self::Numbers { names, standardizer } => {
                let data = DynDataset::new(inputs, input_width, self.rows(table)?, names.len())?;
                match standardizer {
                    Some(standardizer) => data.targets_standardized_by(standardizer),
                    None => Ok(data),
                }
            }
            Self::Classes { name, classes, numbers } => {
                let labels = Self::labels(table, name, classes, *numbers)?;
                DynDataset::from_labels(inputs, input_width, &labels, self.width())
            }
        }
    }
}
