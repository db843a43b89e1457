//! The function that is minimised: the cost J of the whole data set, and its gradient Δ.

use nn_kernels::{Architecture, Batch, Buffer, Element, InstructionSet, Plan};

use super::settings::Settings;
use crate::data::DynDataset;
use crate::error::{Error, Quantity, per_row};
use crate::train::{Workers, last_faulty};
use crate::vector::{combine, largest};

/// J of the data as a function of Θ, computed by a planned engine. All vectors are in its layout, in which what pads a
/// matrix is 0.
pub(super) struct Objective<'a, T: Element> {
    plan: Plan<T>,
    batch: Batch<'a, T>,
    /// λ/m.
    decay: f64,
    evaluations: usize,
}

/// Parameters Θ with the cost and the gradient there.
pub(super) struct Point<T: Element> {
    theta: Buffer<T>,
    gradient: Buffer<T>,
    pub(super) cost: f64,
    /// The largest |∂J/∂θ|.
    pub(super) max_gradient: f64,
}

impl<T: Element> Point<T> {
    fn new(params: usize) -> Result<Self, Error> {
        let (theta, gradient) = (Buffer::zeros(params)?, Buffer::zeros(params)?);
        Ok(Self { theta, gradient, cost: f64::INFINITY, max_gradient: f64::INFINITY })
    }

    /// Θ.
    pub(super) fn theta(&self) -> &[T] {
        self.theta.as_slice()
    }

    /// Δ.
    pub(super) fn gradient(&self) -> &[T] {
        self.gradient.as_slice()
    }
}

impl<'a, T: Element> Objective<'a, T> {
    /// Plans evaluations of a network of the given architecture, and checks that it, its data and λ have a minimum to
    /// be looked for.
    pub(super) fn new(
        settings: &Settings,
        workers: &Workers,
        architecture: &Architecture,
        data: &'a DynDataset<T>,
    ) -> Result<Self, Error> {
        if let Some(layer) = architecture.layers().iter().find(|layer| layer.dropout > 0.0) {
            let expected = "0 in every layer, since a line search needs a cost that is the same each time";
            return Err(Error::number("dropout", layer.dropout, expected));
        }
        let batch = data.samples().batch(architecture)?;
        data.check_targets(architecture)?;
        let expected =
            "a number that, divided by the samples, rounds neither to 0 nor to infinity in the network's type";
        let decay = per_row::<T>("l2", settings.l2, batch.rows(), expected)?;
        let plan = Plan::new(architecture, batch.rows(), workers.count(), &settings.plan)?;
        Ok(Self { plan, batch, decay, evaluations: 0 })
    }

    /// Whether no part of an evaluation is worth giving to another thread.
    pub(super) fn is_undivided(&self) -> bool {
        self.plan.is_undivided(self.batch.rows())
    }

    /// Evaluations so far.
    pub(super) fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// The instruction set of the engine.
    pub(super) fn set(&self) -> InstructionSet {
        self.plan.set()
    }

    /// Zeros in the engine's layout.
    pub(super) fn zeros(&self) -> Result<Buffer<T>, Error> {
        Ok(Buffer::zeros(self.plan.engine().params())?)
    }

    /// A point that has not been evaluated.
    pub(super) fn point(&self) -> Result<Point<T>, Error> {
        Point::new(self.plan.engine().params())
    }

    /// The point at a network's parameters, where cost and gradient must be finite.
    pub(super) fn start(&mut self, parameters: &[T]) -> Result<Point<T>, Error> {
        let mut point = self.point()?;
        self.plan.engine().import(parameters, point.theta.as_mut_slice())?;
        self.evaluate(&mut point)?;
        if point.cost.is_finite() && point.max_gradient.is_finite() {
            return Ok(point);
        }
        let ranges = self.plan.engine().ranges();
        let (layer, quantity) = match last_faulty(ranges, point.gradient()) {
            Some(layer) => (layer, Quantity::Gradient),
            None => (ranges.len(), Quantity::Cost),
        };
        Err(Error::Diverged { epoch: None, step: 1, layer, quantity, learning_rate: None })
    }

    /// Goes to Θ + α d: the cost there, and the gradient. Where a parameter is not finite, neither is the cost, and it
    /// is not evaluated.
    pub(super) fn go(
        &mut self,
        from: &Point<T>,
        step: f64,
        direction: &[T],
        point: &mut Point<T>,
    ) -> Result<(), Error> {
        let set = self.set();
        if combine(set, point.theta.as_mut_slice(), (1.0, from.theta()), (step, direction)) {
            return self.evaluate(point);
        }
        (point.cost, point.max_gradient) = (f64::INFINITY, f64::INFINITY);
        Ok(())
    }

    fn evaluate(&mut self, point: &mut Point<T>) -> Result<(), Error> {
        self.evaluations += 1;
        let Point { theta, gradient, cost, max_gradient } = point;
        let engine = self.plan.engine_mut();
        *cost = engine.gradient(theta.as_slice(), self.batch, self.decay, None, gradient.as_mut_slice())?;
        *max_gradient = largest(self.plan.set(), gradient.as_slice());
        Ok(())
    }

    /// Writes the parameters of a point to a network.
    pub(super) fn write(&self, point: &Point<T>, parameters: &mut [T]) -> Result<(), Error> {
        Ok(self.plan.engine().export(point.theta(), parameters)?)
    }
}
