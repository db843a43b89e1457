//! Optimisers behind a pointer, so that a trainer is one type whatever its optimiser.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use nn_kernels::{Element, Update};

use super::{Optimizer, Step};
use crate::error::Error;

/// An optimiser of which only the interface is known.
pub(crate) trait AnyOptimizer: fmt::Debug + Send + Sync {
    fn default_learning_rate(&self) -> f64;
    /// The settings' ranges, in the widest number type.
    fn validate(&self) -> Result<(), Error>;
    fn single(self: Arc<Self>) -> Arc<dyn TypedOptimizer<f32>>;
    fn double(self: Arc<Self>) -> Arc<dyn TypedOptimizer<f64>>;
}

/// The same for networks of one number type.
pub(crate) trait TypedOptimizer<T>: Send + Sync {
    fn name(&self) -> &'static str;
    fn slots(&self) -> usize;
    fn scalars(&self) -> usize;
    fn validate(&self) -> Result<(), Error>;
    /// Makes the step's update on the stack and hands it to `apply`.
    fn with_update(
        &self,
        step: Step<'_>,
        apply: &mut dyn FnMut(&dyn Update<T>) -> Result<(), Error>,
    ) -> Result<(), Error>;
}

impl<O: Optimizer> AnyOptimizer for O {
    fn default_learning_rate(&self) -> f64 {
        Optimizer::default_learning_rate(self)
    }

    fn validate(&self) -> Result<(), Error> {
        Optimizer::validate::<f64>(self)
    }

    fn single(self: Arc<Self>) -> Arc<dyn TypedOptimizer<f32>> {
        self
    }

    fn double(self: Arc<Self>) -> Arc<dyn TypedOptimizer<f64>> {
        self
    }
}

impl<O: Optimizer, T: Element> TypedOptimizer<T> for O {
    fn name(&self) -> &'static str {
        Optimizer::name(self)
    }

    fn slots(&self) -> usize {
        Optimizer::slots(self)
    }

    fn scalars(&self) -> usize {
        Optimizer::scalars(self)
    }

    fn validate(&self) -> Result<(), Error> {
        Optimizer::validate::<T>(self)
    }

    fn with_update(
        &self,
        step: Step<'_>,
        apply: &mut dyn FnMut(&dyn Update<T>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        apply(&self.update::<T>(step)?)
    }
}

/// An optimiser for networks of type `T`, which is `f32` or `f64`.
pub(crate) fn typed<T: Element>(optimizer: &Arc<dyn AnyOptimizer>) -> Arc<dyn TypedOptimizer<T>> {
    let both: [Box<dyn Any>; 2] = [Box::new(Arc::clone(optimizer).single()), Box::new(Arc::clone(optimizer).double())];
    let found = both.into_iter().find_map(|either| either.downcast::<Arc<dyn TypedOptimizer<T>>>().ok());
    *found.expect("an element is an f32 or an f64")
}
