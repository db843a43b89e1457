//! What goes with a network on plain arrays.

use nn_kernels::{Architecture, Element};
use serde::{Deserialize, Serialize};

use super::{BundleFault, check_probabilities};
use crate::Standardizer;
use crate::data::highest;
use crate::error::Error;
use crate::network::{Network, check_ragged, compute};
use crate::preprocess::name_twice;

/// The scales of inputs and targets, and the names of classes, as far as there are any.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Arrays {
    pub(super) inputs: Option<Standardizer>,
    pub(super) targets: Option<Standardizer>,
    pub(super) classes: Vec<String>,
}

impl Arrays {
    /// It fits a network of this architecture.
    pub(super) fn check(&self, architecture: &Architecture) -> Result<(), BundleFault> {
        let (inputs, outputs) = (architecture.inputs(), architecture.outputs());
        for (what, standardizer, expected) in [("inputs", &self.inputs, inputs), ("targets", &self.targets, outputs)] {
            let found = standardizer.as_ref().map_or(expected, Standardizer::features);
            if found != expected {
                return Err(BundleFault::Standardizer { what, expected, found });
            }
        }
        if self.classes.is_empty() {
            return Ok(());
        }
        check_probabilities(architecture)?;
        if self.targets.is_some() {
            return Err(BundleFault::StandardizedClasses);
        }
        let (expected, found) = (if outputs == 1 { 2 } else { outputs }, self.classes.len());
        if found != expected {
            return Err(BundleFault::Classes { expected, found });
        }
        match name_twice(&self.classes) {
            Some(name) => Err(BundleFault::ClassTwice { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// What the network makes of rows in their own units, in those of the targets.
    pub(super) fn predict<N: Network>(&self, network: &N, inputs: &[N::Scalar]) -> Result<Vec<N::Scalar>, Error> {
        let architecture = network.architecture();
        check_ragged("inputs", inputs, architecture.inputs())?;
        if inputs.is_empty() {
            return Err(Error::Empty { what: "inputs" });
        }
        let standardized = self.inputs.as_ref().map(|standardizer| standardizer.apply(inputs)).transpose()?;
        let inputs = standardized.as_deref().unwrap_or(inputs);
        let rows = inputs.len() / architecture.inputs();
        let mut outputs = compute::zeros(rows.saturating_mul(architecture.outputs()))?;
        compute::predict_batch(architecture, network.parameters(), inputs, &mut outputs)?;
        match &self.targets {
            Some(standardizer) => standardizer.invert(&outputs),
            None => Ok(outputs),
        }
    }
}

/// The class of each row of `width` outputs.
pub(super) fn labels<'c, T: Element>(
    classes: &'c [String],
    outputs: &[T],
    width: usize,
) -> Result<Vec<&'c str>, Error> {
    if !outputs.len().is_multiple_of(width) {
        return Err(Error::Features { what: "the output", expected: width, found: outputs.len() });
    }
    let label = |(sample, row): (usize, &[T])| {
        let column = row.iter().position(|output| output.to_f64().is_nan()).unwrap_or_default();
        let class = highest(row).ok_or(Error::NaNOutput { sample, column })?;
        // There is a name for each class that outputs can decide for.
        Ok(classes.get(class).map_or("", String::as_str))
    };
    outputs.chunks_exact(width).enumerate().map(label).collect()
}
