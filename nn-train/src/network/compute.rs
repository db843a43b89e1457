//! Prediction, cost and gradient on slices, whatever the type of the network that they belong to.

use std::any::Any;
use std::cell::RefCell;

use nn_kernels::{Architecture, Element, Plan, PlanOptions, StepError, predict_one};

use crate::data::Samples;
use crate::error::{Error, check_l2};

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
) -> Result<(), StepError> {
    with_scratch(|scratch| predict_one(architecture, parameters, input, output, scratch))
}

/// `count` zeros, or an error where the system has no memory for them.
pub(crate) fn zeros<T: Element>(count: usize) -> Result<Vec<T>, Error> {
    let mut numbers = Vec::new();
    let bytes = count.saturating_mul(size_of::<T>());
    numbers.try_reserve_exact(count).map_err(|_| StepError::Memory { bytes })?;
    numbers.resize(count, T::ZERO);
    Ok(numbers)
}

/// An engine for `rows` samples on the current rayon pool, and a network's parameters in its layout.
struct Planned<T: Element> {
    plan: Plan<T>,
    theta: Vec<T>,
}

impl<T: Element> Planned<T> {
    fn new(architecture: &Architecture, parameters: &[T], rows: usize, options: PlanOptions) -> Result<Self, Error> {
        let plan = Plan::new(architecture, rows, rayon::current_num_threads(), &options)?;
        let mut theta = zeros(plan.engine().params())?;
        plan.engine().import(parameters, &mut theta)?;
        Ok(Self { plan, theta })
    }
}

/// Options for costs and predictions.
fn forward_only() -> PlanOptions {
    PlanOptions::default().forward_only()
}

/// A^(L) of every sample; `inputs` is m × S_1 with m ≥ 1, `outputs` m × S_L.
pub(crate) fn predict_batch<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    inputs: &[T],
    outputs: &mut [T],
) -> Result<(), Error> {
    let rows = inputs.len() / architecture.inputs();
    let mut planned = Planned::new(architecture, parameters, rows, forward_only())?;
    Ok(planned.plan.engine_mut().predict(&planned.theta, inputs, outputs)?)
}

/// J.
pub(super) fn cost<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    samples: Samples<'_, T>,
    l2: f64,
) -> Result<f64, Error> {
    samples.check()?;
    check_l2(l2)?;
    let batch = samples.batch(architecture)?;
    let mut planned = Planned::new(architecture, parameters, batch.rows(), forward_only())?;
    Ok(planned.plan.engine_mut().cost(&planned.theta, batch, l2)?)
}

/// J, and Δ written to `gradient`.
pub(super) fn gradient<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    samples: Samples<'_, T>,
    l2: f64,
    gradient: &mut [T],
) -> Result<f64, Error> {
    samples.check()?;
    check_l2(l2)?;
    let batch = samples.batch(architecture)?;
    let mut planned = Planned::new(architecture, parameters, batch.rows(), PlanOptions::default())?;
    let engine = planned.plan.engine_mut();
    let mut own = zeros(engine.params())?;
    let cost = engine.gradient(&planned.theta, batch, l2, None, &mut own)?;
    engine.export(&own, gradient)?;
    Ok(cost)
}
