//! The layered engine: one GEMM a layer, elementwise passes between.

use std::marker::PhantomData;

use super::{Batch, Dropout, StepEngine};
use crate::{Architecture, Element, StepError};

/// The layered engine: any shape, any batch; the fallback and the yardstick of the others.
///
/// It works on the current rayon pool.
#[derive(Debug)]
pub struct Layered<T> {
    architecture: Architecture,
    element: PhantomData<T>,
}

impl<T: Element> Layered<T> {
    /// An engine for `architecture`. Its scratch is made by the first step, and grows only when a larger batch
    /// brings more shards into play; it is bounded whatever the batch.
    ///
    /// # Errors
    /// [`StepError::Memory`] when there is no memory for the plan.
    pub fn new(architecture: &Architecture) -> Result<Self, StepError> {
        Ok(Self { architecture: architecture.clone(), element: PhantomData })
    }
}

impl<T: Element> StepEngine<T> for Layered<T> {
    fn name(&self) -> &'static str {
        "layered"
    }

    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn gradient(
        &mut self,
        _theta: &[T],
        batch: Batch<'_, T>,
        _l2: f64,
        _dropout: Option<Dropout>,
        _gradient: &mut [T],
    ) -> Result<f64, StepError> {
        batch.check(&self.architecture)?;
        unimplemented!("lands shortly")
    }

    fn cost(&mut self, _theta: &[T], _batch: Batch<'_, T>, _l2: f64) -> Result<f64, StepError> {
        unimplemented!("lands shortly")
    }

    fn predict(&mut self, _theta: &[T], _inputs: &[T], _outputs: &mut [T]) -> Result<(), StepError> {
        unimplemented!("lands shortly")
    }

    fn scratch_bytes(&self) -> usize {
        0
    }
}
