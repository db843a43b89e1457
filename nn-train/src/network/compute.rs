//! Prediction, cost and gradient on slices, whatever the type of the network that they belong to.

use std::any::Any;
use std::cell::RefCell;

use nn_kernels::{Architecture, Batch, Element, Layered, StepEngine, predict_one};

use super::Row;
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
pub(super) fn predict<T: Element>(architecture: &Architecture, parameters: &[T], input: &[T], output: &mut [T]) {
    let result = with_scratch(|scratch| predict_one(architecture, parameters, input, output, scratch));
    debug_assert_eq!(result, Ok(()), "the types of a network fix every length");
}

/// A^(L) of every sample.
pub(crate) fn predict_batch<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    inputs: &[T],
    outputs: &mut [T],
) -> Result<(), Error> {
    Ok(Layered::new(architecture)?.predict(parameters, inputs, outputs)?)
}

/// Samples and targets are of one length, at least one each, and finite.
pub(crate) fn check_samples<X: Row, Y: Row>(inputs: &[X], targets: &[Y]) -> Result<(), Error> {
    if inputs.is_empty() {
        return Err(Error::Empty { what: "inputs" });
    }
    if inputs.len() != targets.len() {
        return Err(Error::Length { what: "targets", expected: inputs.len(), found: targets.len() });
    }
    check_finite("inputs", inputs)?;
    check_finite("targets", targets)
}

/// No number in `rows` is infinite or NaN.
pub(crate) fn check_finite<R: Row>(what: &'static str, rows: &[R]) -> Result<(), Error> {
    match R::flatten(rows).iter().position(|number| !number.is_finite()) {
        None => Ok(()),
        Some(place) => Err(Error::NonFinite {
            what,
            row: place / R::WIDTH,
            column: place % R::WIDTH,
            value: R::flatten(rows)[place].to_f64(),
        }),
    }
}

/// J on samples that have been checked.
pub(super) fn cost<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    (inputs, targets): (&[T], &[T]),
    l2: f64,
) -> Result<f64, Error> {
    check_l2(l2)?;
    let batch = Batch::new(architecture, inputs, targets)?;
    Ok(Layered::new(architecture)?.cost(parameters, batch, l2)?)
}

/// J, and Δ written to `gradient`, on samples that have been checked.
pub(super) fn gradient<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    (inputs, targets): (&[T], &[T]),
    l2: f64,
    gradient: &mut [T],
) -> Result<f64, Error> {
    check_l2(l2)?;
    let batch = Batch::new(architecture, inputs, targets)?;
    Ok(Layered::new(architecture)?.gradient(parameters, batch, l2, None, gradient)?)
}
