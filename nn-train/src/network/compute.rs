//! Prediction, cost and gradient on slices, whatever the type of the network that they belong to.

use std::any::Any;
use std::cell::RefCell;

use nn_kernels::{Architecture, Batch, Buffer, Element, Explanation, Plan, PlanOptions, StepError, predict_one};

use super::cache::{self, Key};
use crate::data::Samples;
use crate::error::{Error, check_not_negative};

/// The scratch of single predictions, kept for the next one on this thread.
#[derive(Default)]
struct Scratch {
    single: Vec<f32>,
    double: Vec<f64>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Calls `work` with this thread's scratch for numbers of type `T`.
fn with_scratch<T: Element, R>(work: impl FnOnce(&mut Vec<T>) -> R) -> R {
    let mut work = Some(work);
    let result = SCRATCH.try_with(|scratch| {
        let mut scratch = scratch.try_borrow_mut().ok()?;
        let Scratch { single, double } = &mut *scratch;
        let vectors: [&mut dyn Any; 2] = [single, double];
        let vector = vectors.into_iter().find_map(|vector| vector.downcast_mut::<Vec<T>>())?;
        work.take().map(|work| work(vector))
    });
    match (result, work) {
        (Ok(Some(result)), _) => result,
        // The thread is ending and its scratch is gone; nothing has run yet.
        (_, Some(work)) => work(&mut Vec::new()),
        (_, None) => unreachable!("the work is taken only to be done"),
    }
}

/// A^(L) of one sample.
pub(super) fn predict<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    input: &[T],
    output: &mut [T],
) -> Result<(), Error> {
    Ok(with_scratch(|scratch| predict_one(architecture, parameters, input, output, scratch))?)
}

/// `count` zeros, or an error where the system has no memory for them.
pub(crate) fn zeros<T: Element>(count: usize) -> Result<Vec<T>, Error> {
    let mut numbers = Vec::new();
    let bytes = count.saturating_mul(size_of::<T>());
    numbers.try_reserve_exact(count).map_err(|_| StepError::Memory { bytes })?;
    numbers.resize(count, T::ZERO);
    Ok(numbers)
}

/// An engine for batches of up to so many rows on the current rayon pool, and a network's parameters in its layout.
pub(super) struct Planned<T: Element> {
    plan: Plan<T>,
    theta: Buffer<T>,
    /// Δ in the engine's layout, where gradients are computed.
    gradient: Buffer<T>,
}

impl<T: Element> Planned<T> {
    /// A plan; the parameters are to be [imported](Self::import).
    pub(super) fn new(key: &Key<'_>) -> Result<Self, Error> {
        let options = PlanOptions::default().instruction_set(key.set);
        let options = if key.backward { options } else { options.forward_only() };
        let plan = Plan::new(key.architecture, key.rows, key.threads, &options)?;
        let params = plan.engine().params();
        let gradient = if key.backward { Buffer::zeros(params)? } else { Buffer::empty() };
        Ok(Self { plan, theta: Buffer::zeros(params)?, gradient })
    }

    /// How steps are computed.
    pub(super) fn explain(&self) -> &Explanation {
        self.plan.explain()
    }

    /// Widths, activations, dropout and loss.
    pub(super) fn architecture(&self) -> &Architecture {
        self.plan.engine().architecture()
    }

    /// Takes a network's parameters.
    pub(super) fn import(&mut self, parameters: &[T]) -> Result<(), Error> {
        Ok(self.plan.engine().import(parameters, self.theta.as_mut_slice())?)
    }

    /// A^(L) of every sample.
    pub(super) fn predict(&mut self, inputs: &[T], outputs: &mut [T]) -> Result<(), Error> {
        Ok(self.plan.engine_mut().predict(self.theta.as_slice(), inputs, outputs)?)
    }

    /// J.
    pub(super) fn cost(&mut self, batch: Batch<'_, T>, l2: f64) -> Result<f64, Error> {
        let decay = l2 / batch.rows() as f64;
        Ok(self.plan.engine_mut().cost(self.theta.as_slice(), batch, decay)?)
    }

    /// J, and Δ in the network's layout.
    fn gradient(&mut self, batch: Batch<'_, T>, l2: f64, gradient: &mut [T]) -> Result<f64, Error> {
        let decay = l2 / batch.rows() as f64;
        let engine = self.plan.engine_mut();
        let cost = engine.gradient(self.theta.as_slice(), batch, decay, None, self.gradient.as_mut_slice())?;
        engine.export(self.gradient.as_slice(), gradient)?;
        Ok(cost)
    }

    /// The memory held.
    pub(super) fn bytes(&self) -> usize {
        self.plan.scratch_bytes() + self.theta.bytes() + self.gradient.bytes()
    }
}

/// A^(L) of every sample; `inputs` is m × S_1 with m ≥ 1, `outputs` m × S_L.
pub(crate) fn predict_batch<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    inputs: &[T],
    outputs: &mut [T],
) -> Result<(), Error> {
    let rows = inputs.len() / architecture.inputs();
    if rows == 1 {
        return predict(architecture, parameters, inputs, outputs);
    }
    cache::with(&Key::new(architecture, rows, false)?, parameters, |planned| planned.predict(inputs, outputs))
}

/// Samples as a batch of the network, checked number by number, and λ.
pub(super) fn checked<'a, T: Element>(
    architecture: &Architecture,
    samples: Samples<'a, T>,
    l2: f64,
) -> Result<Batch<'a, T>, Error> {
    samples.check()?;
    check_not_negative("l2", l2)?;
    samples.batch(architecture)
}

/// J.
pub(super) fn cost<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    samples: Samples<'_, T>,
    l2: f64,
) -> Result<f64, Error> {
    let batch = checked(architecture, samples, l2)?;
    cache::with(&Key::new(architecture, batch.rows(), false)?, parameters, |planned| planned.cost(batch, l2))
}

/// J, and Δ written to `gradient`.
pub(super) fn gradient<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    samples: Samples<'_, T>,
    l2: f64,
    gradient: &mut [T],
) -> Result<f64, Error> {
    let batch = checked(architecture, samples, l2)?;
    let key = Key::new(architecture, batch.rows(), true)?;
    cache::with(&key, parameters, |planned| planned.gradient(batch, l2, gradient))
}
