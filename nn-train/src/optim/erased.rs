//! Optimisers behind a pointer, so that a trainer is one type whatever its optimiser.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use nn_kernels::{Batch, Dropout, Element, Span, StepEngine, Stepped, Update, update_all};

use super::norm::Norm;
use super::{Adjustment, Optimizer, Step};
use crate::error::Error;

/// An optimiser of which only the interface is known.
pub(crate) trait AnyOptimizer: fmt::Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn default_learning_rate(&self) -> f64;
    fn follows_learning_rate(&self) -> bool;
    /// The settings' ranges, in the widest number type.
    fn validate(&self) -> Result<(), Error>;
    fn single(self: Arc<Self>) -> Arc<dyn TypedOptimizer<f32>>;
    fn double(self: Arc<Self>) -> Arc<dyn TypedOptimizer<f64>>;
}

/// The same for networks of one number type.
pub(crate) trait TypedOptimizer<T: Element>: Send + Sync {
    fn name(&self) -> &'static str;
    fn slots(&self) -> usize;
    fn scalars(&self) -> usize;
    fn validate(&self) -> Result<(), Error>;
    /// Makes the step's update on the stack, and takes the step with it.
    fn step(&self, step: Step<'_>, work: Work<'_, T>, span: Span<'_, T>) -> Result<Outcome, Error>;
}

/// A step before it is known how the optimiser updates parameters.
pub(crate) struct Work<'a, T: Element> {
    pub(crate) engine: &'a mut dyn StepEngine<T>,
    pub(crate) gradient: Gradient<'a, T>,
    /// The slots that the span has.
    pub(crate) slots: usize,
    /// Whether the gradient's norm is measured.
    pub(crate) measures_norm: bool,
    /// What becomes of the gradient before the optimiser sees it.
    pub(crate) adjustment: Adjustment,
}

/// Where a step's gradient comes from.
pub(crate) enum Gradient<'a, T: Element> {
    /// It is computed.
    Of {
        batch: &'a Batch<'a, T>,
        /// λ/B.
        decay: f64,
        dropout: Option<Dropout>,
    },
    /// It is in the span, with the terms of λ, and the cost is known.
    Given { cost: f64 },
}

/// The result of a step, and the norm of its gradient where it is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) stepped: Stepped,
    pub(crate) norm: Option<f64>,
}

impl Outcome {
    /// Whether the step may be taken: all of it is finite.
    pub(crate) fn is_taken(&self) -> bool {
        let Stepped { cost, updated, finite } = self.stepped;
        cost.is_finite() && updated && finite
    }
}

impl<T: Element> Work<'_, T> {
    #[inline]
    fn run(self, update: &dyn Update<T>, span: Span<'_, T>) -> Result<Outcome, Error> {
        let Self { engine, gradient, slots, measures_norm, adjustment } = self;
        if update.slots() != slots {
            return Err(Error::Slots { found: slots, expected: "as many as its update has, Update::slots" });
        }
        let penalty = adjustment.penalty(engine, span.theta);
        let measures_norm = measures_norm || adjustment.clip_norm < f64::INFINITY;
        let cost = match gradient {
            Gradient::Of { batch, decay, dropout } if !measures_norm => {
                let stepped = if adjustment.is_elementwise() {
                    engine.step(*batch, decay, dropout, &adjustment.before(update), span)?
                } else {
                    engine.step(*batch, decay, dropout, update, span)?
                };
                return Ok(Outcome { stepped: Stepped { cost: stepped.cost + penalty, ..stepped }, norm: None });
            }
            // The whole gradient must be there before any parameter moves.
            Gradient::Of { batch, decay, dropout } => {
                engine.gradient(span.theta, *batch, decay, dropout, &mut *span.gradient)?
            }
            Gradient::Given { cost } => cost,
        };
        let cost = cost + penalty;
        let norm = measures_norm.then(|| {
            adjustment.add_l1(engine, span.theta, &mut *span.gradient);
            Norm::of(engine.set(), span.gradient)
        });
        let value = norm.map(Norm::value);
        if !cost.is_finite() {
            return Ok(Outcome { stepped: Stepped { cost, updated: false, finite: false }, norm: value });
        }
        let factor = norm.map_or(1.0, |norm| norm.factor(adjustment.clip_norm));
        let (set, ranges) = (engine.set(), engine.ranges());
        let finite = match norm {
            None if adjustment.is_elementwise() => update_all(&adjustment.before(update), set, ranges, span),
            Some(_) if factor != 1.0 || adjustment.clip_value < f64::INFINITY => {
                update_all(&adjustment.scaled_before(factor, update), set, ranges, span)
            }
            _ => update_all(update, set, ranges, span),
        };
        Ok(Outcome { stepped: Stepped { cost, updated: true, finite }, norm: value })
    }
}

impl<O: Optimizer> AnyOptimizer for O {
    fn name(&self) -> &'static str {
        Optimizer::name(self)
    }

    fn default_learning_rate(&self) -> f64 {
        Optimizer::default_learning_rate(self)
    }

    fn follows_learning_rate(&self) -> bool {
        Optimizer::follows_learning_rate(self)
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

    fn step(&self, step: Step<'_>, work: Work<'_, T>, span: Span<'_, T>) -> Result<Outcome, Error> {
        let update = self.update::<T>(step)?;
        work.run(&update, span)
    }
}

/// An optimiser for networks of type `T`, which is `f32` or `f64`.
pub(crate) fn typed<T: Element>(optimizer: &Arc<dyn AnyOptimizer>) -> Arc<dyn TypedOptimizer<T>> {
    let both: [Box<dyn Any>; 2] = [Box::new(Arc::clone(optimizer).single()), Box::new(Arc::clone(optimizer).double())];
    let found = both.into_iter().find_map(|either| either.downcast::<Arc<dyn TypedOptimizer<T>>>().ok());
    *found.expect("an element is an f32 or an f64")
}
