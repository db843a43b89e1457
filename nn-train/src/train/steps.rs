//! One step: J and Δ of a batch, what the optimiser makes of them, and Θ moved, or an error and Θ as it was.

use nn_kernels::{
    Architecture, Batch, Buffer, Dropout, Element, Explanation, LayerRange, Plan, Span, StepEngine, Stepped,
};

use super::Trainer;
use crate::error::{Error, Quantity};
use crate::optim::{Optimizer, State};

/// What steps need and what they leave behind, whoever feeds them.
pub(super) struct Steps<T: Element> {
    optimizer: Optimizer,
    l2: f64,
    seed: u64,
    plan: Plan<T>,
    /// Θ, in the layout of the plan's engine, as are Δ and what the optimiser remembers.
    theta: Buffer<T>,
    /// Δ, and then what the optimiser makes of Θ.
    gradient: Buffer<T>,
    state: State<T>,
    /// Whether any layer drops units.
    dropout: bool,
    /// Samples trained on.
    samples: u64,
    /// Whether numbers that were not finite have reached what the optimiser remembers.
    spoilt: bool,
}

/// Which step it is: what an error names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// From 1, where there are epochs.
    pub(super) epoch: Option<usize>,
    /// From 1, within the epoch.
    pub(super) step: usize,
}

impl<T: Element> Steps<T> {
    /// Steps on batches of the trainer's size, or of `rows` if that is less. Θ is to be [imported](Self::import).
    pub(super) fn new(trainer: &Trainer, architecture: &Architecture, rows: usize) -> Result<Self, Error> {
        let plan = trainer.plan_for(architecture, rows)?;
        let params = plan.engine().params();
        Ok(Self {
            optimizer: trainer.optimizer,
            l2: trainer.l2,
            seed: trainer.seed,
            plan,
            theta: Buffer::zeros(params)?,
            gradient: Buffer::zeros(params)?,
            state: trainer.optimizer.state(params)?,
            dropout: architecture.layers().iter().any(|layer| layer.dropout > 0.0),
            samples: 0,
            spoilt: false,
        })
    }

    /// Takes Θ from a network.
    pub(super) fn import(&mut self, parameters: &[T]) -> Result<(), Error> {
        Ok(self.plan.engine().import(parameters, self.theta.as_mut_slice())?)
    }

    /// Writes Θ to a network.
    pub(super) fn export(&self, parameters: &mut [T]) -> Result<(), Error> {
        Ok(self.plan.engine().export(self.theta.as_slice(), parameters)?)
    }

    /// How steps are computed.
    pub(super) fn explain(&self) -> &Explanation {
        self.plan.explain()
    }

    /// The engine, and Θ in its layout.
    pub(super) fn engine(&mut self) -> (&mut dyn StepEngine<T>, &[T]) {
        (self.plan.engine_mut(), self.theta.as_slice())
    }

    /// Whether what the optimiser remembers was made of numbers that were not finite.
    pub(super) fn is_spoilt(&self) -> bool {
        self.spoilt
    }

    /// J of `batch` before the step, and Θ moved, or an error and Θ as it was.
    pub(super) fn step(&mut self, batch: Batch<'_, T>, place: Place) -> Result<f64, Error> {
        let dropout = self.dropout.then_some(Dropout { seed: self.seed, first_sample: self.samples });
        let Self { plan, theta, gradient, state, optimizer, l2, .. } = self;
        let engine = plan.engine_mut();
        let update = optimizer.at::<T>(state.step + 1);
        let [first, second] = &mut state.slots;
        let span = Span {
            theta: theta.as_slice(),
            gradient: gradient.as_mut_slice(),
            first: first.as_mut_slice(),
            second: second.as_mut_slice(),
        };
        let stepped = engine.step(batch, *l2, dropout, &update, span)?;
        if stepped.cost.is_finite() && stepped.updated && stepped.finite {
            state.step += 1;
            std::mem::swap(theta, gradient);
            self.samples += batch.rows() as u64;
            return Ok(stepped.cost);
        }
        Err(self.fault(batch, dropout, stepped, place)?)
    }

    /// What was wrong with a step that came to nothing.
    fn fault(
        &mut self,
        batch: Batch<'_, T>,
        dropout: Option<Dropout>,
        stepped: Stepped,
        place: Place,
    ) -> Result<Error, Error> {
        let Self { plan, theta, gradient, state, l2, .. } = self;
        let engine = plan.engine_mut();
        let Place { epoch, step } = place;
        let diverged = |quantity, layer| Error::Diverged { epoch, step, layer, quantity };
        let slots = || state.slots.iter().map(Buffer::as_slice);
        if stepped.updated && slots().any(|slot| !slot.is_empty()) {
            state.step += 1;
            self.spoilt = true;
        }
        let faulty =
            |range: &LayerRange| is_faulty(gradient.as_slice(), range) || slots().any(|slot| is_faulty(slot, range));
        let update = engine.ranges().iter().position(faulty).unwrap_or(0) + 1;
        // Δ may have been replaced by parameters; the same step once more tells whether it was at fault.
        engine.gradient(theta.as_slice(), batch, *l2, dropout, gradient.as_mut_slice())?;
        Ok(match last_faulty(engine.ranges(), gradient.as_slice()) {
            Some(layer) => diverged(Quantity::Gradient, layer),
            None if !stepped.cost.is_finite() => diverged(Quantity::Cost, engine.ranges().len()),
            None => diverged(Quantity::Update, update),
        })
    }
}

/// The last layer, from 1, whose gradient is not finite. Back-propagation goes from the last to the first, so the
/// fault came from there or from the forward pass.
fn last_faulty<T: Element>(ranges: &[LayerRange], gradient: &[T]) -> Option<usize> {
    let layers = (1..).zip(ranges);
    layers.filter(|(_, range)| is_faulty(gradient, range)).last().map(|(layer, _)| layer)
}

/// Whether a layer's share of `numbers` holds one that is not finite; a slot without numbers does not.
fn is_faulty<T: Element>(numbers: &[T], range: &LayerRange) -> bool {
    let share = numbers.get(range.weights.start..range.bias.end).unwrap_or(&[]);
    share.iter().any(|number| !number.is_finite())
}
