//! The function that is minimised: the cost J of the whole data set, and its gradient Δ.

use std::ops::Range;

use bytemuck::cast_slice;
use nn_kernels::{Architecture, Batch, Buffer, Element, InstructionSet, Plan};

use super::settings::Settings;
use crate::collective::{Group, Numbers};
use crate::data::{DynDataset, Source};
use crate::error::{Error, Quantity, per_row};
use crate::train::{Workers, fault_of_ranks, last_faulty, share_of};
use crate::vector::{combine, largest};

/// J of the data as a function of Θ, computed by a planned engine. All vectors are in its layout, in which what pads a
/// matrix is 0.
pub(super) struct Objective<'a, T: Element> {
    plan: Plan<T>,
    /// This rank's rows; none where others have all.
    batch: Option<Batch<'a, T>>,
    /// λ/m; 0 on all ranks but the lowest with rows.
    decay: f64,
    evaluations: usize,
    group: Group<'a>,
    /// This rank's part of a gradient, where there are several.
    own: Buffer<T>,
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

/// What all ranks' rows come to.
struct Mass {
    rows: usize,
    weight: f64,
    /// Whether this rank is the lowest with rows.
    leads: bool,
}

/// What samples weigh together.
fn weigh<T: Element>(data: &DynDataset<T>) -> f64 {
    let weights = data.samples().weights;
    weights.map_or(data.len() as f64, |weights| weights.iter().map(|weight| weight.to_f64()).sum())
}

/// This rank's share of rows that all ranks have.
fn whole<T: Element>(data: &DynDataset<T>, group: Group<'_>) -> (Range<usize>, Mass) {
    let share = share_of(group, data.len() as u64);
    let share = share.start as usize..share.end as usize;
    let leads = share.start == 0 && !share.is_empty();
    (share, Mass { rows: data.len(), weight: weigh(data), leads })
}

impl Mass {
    /// That of rows of which each rank has its own.
    fn of_shards<T: Element>(source: &dyn Source<Scalar = T>, group: Group<'_>) -> Result<Self, Error> {
        let all =
            group.gather("the shards of the ranks", [source.len() as f64, source.resident().map_or(0.0, weigh)])?;
        if let Some(rank) = all.iter().position(|[rows, _]| *rows == 0.0) {
            return Err(Error::Rank { rank, reason: Error::Empty { what: "the shard" }.to_string() });
        }
        let sum = |place: usize| all.iter().map(|one| one[place]).sum::<f64>();
        Ok(Self { rows: sum(0) as usize, weight: sum(1), leads: group.rank() == 0 })
    }
}

impl<'a, T: Element> Objective<'a, T> {
    /// Plans evaluations of a network of the given architecture, and checks that it, its data and λ have a minimum to
    /// be looked for.
    pub(super) fn new(
        settings: &'a Settings,
        workers: &Workers,
        architecture: &Architecture,
        source: &'a dyn Source<Scalar = T>,
    ) -> Result<Self, Error> {
        let group = settings.group();
        // The ranks tell each other of their shards before anything that one of them may fail in.
        let shards = if source.is_shard() { Some(Mass::of_shards(source, group)?) } else { None };
        if let Some(layer) = architecture.layers().iter().find(|layer| layer.dropout > 0.0) {
            let expected = "0 in every layer, since a line search needs a cost that is the same each time";
            return Err(Error::number("dropout", layer.dropout, expected));
        }
        let Some(data) = source.resident() else {
            let expected = "a data set in memory, whose cost a line search can ask for again and again";
            return Err(Error::argument("data", "a source that is read", expected));
        };
        data.check_targets(architecture)?;
        let (share, mass) = shards.map_or_else(|| whole(data, group), |mass| (0..data.len(), mass));
        let expected =
            "a number that, divided by the samples, rounds neither to 0 nor to infinity in the network's type";
        let decay = per_row::<T>("l2", settings.l2, mass.rows, expected)?;
        let mut batch = None;
        if !share.is_empty() {
            let own = data.samples().slice(share).batch(architecture)?;
            batch = Some(if group.ranks().is_some() { own.with_total(mass.weight) } else { own });
        }
        let planned = mass.rows.div_ceil(group.size());
        let plan = Plan::new(architecture, planned, workers.count(), &settings.plan)?;
        let own = if group.ranks().is_some() { Buffer::zeros(plan.engine().params())? } else { Buffer::empty() };
        Ok(Self { plan, batch, decay: if mass.leads { decay } else { 0.0 }, evaluations: 0, group, own })
    }

    /// Whether no part of an evaluation is worth giving to another thread.
    pub(super) fn is_undivided(&self) -> bool {
        self.batch.is_none_or(|batch| self.plan.is_undivided(batch.rows()))
    }

    /// How it is computed: what all ranks must do alike.
    pub(super) fn plan_name(&self) -> String {
        let plan = self.plan.explain();
        format!("{}, {}", plan.engine, plan.set)
    }

    /// All ranks are at the same point, bit for bit.
    pub(super) fn verify(&self, point: &Point<T>, iterations: usize) -> Result<(), Error> {
        let digest = crc32fast::hash(cast_slice(point.theta()));
        let differs = || format!("after iteration {iterations} its parameters are not those of rank 0, bit for bit");
        self.group.same_digest("the comparison of the ranks", digest, differs)
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
        if self.group.ranks().is_some() {
            return Err(self.own_fault(&point)?);
        }
        let ranges = self.plan.engine().ranges();
        let (layer, quantity) = match last_faulty(ranges, point.gradient()) {
            Some(layer) => (layer, Quantity::Gradient),
            None => (ranges.len(), Quantity::Cost),
        };
        Err(Error::Diverged { epoch: None, step: 1, layer, quantity, learning_rate: None, rank: None })
    }

    /// The error of a start that is not finite, the same on all ranks.
    fn own_fault(&mut self, point: &Point<T>) -> Result<Error, Error> {
        let Self { plan, batch, own, decay, group, .. } = self;
        let engine = plan.engine_mut();
        let last = engine.ranges().len();
        let part = (*batch, *decay, None);
        let fault = fault_of_ranks(*group, engine, point.theta(), part, own.as_mut_slice())?;
        let (rank, quantity, layer) = fault.unwrap_or((None, Quantity::Cost, last));
        Ok(Error::Diverged { epoch: None, step: 1, layer, quantity, learning_rate: None, rank })
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
        let (theta, sum) = (theta.as_slice(), gradient.as_mut_slice());
        *cost = match (self.group.ranks(), self.batch) {
            (None, Some(batch)) => engine.gradient(theta, batch, self.decay, None, sum)?,
            (None, None) => return Err(Error::Empty { what: "the data set" }),
            (Some(ranks), batch) => {
                let numbers = self.own.as_mut_slice();
                let own = match batch {
                    Some(batch) => engine.gradient(theta, batch, self.decay, None, &mut *numbers),
                    None => Ok(0.0),
                };
                if batch.is_none() || own.is_err() {
                    numbers.fill(T::ZERO);
                }
                ranks.all_reduce(Numbers::new(numbers, sum))?;
                let fails = f64::from(own.is_err());
                let [cost, fails] = self.group.sum("an evaluation", [*own.as_ref().unwrap_or(&0.0), fails])?;
                if fails != 0.0 {
                    return Err(self.group.failure(own.err().map(Error::from))?);
                }
                cost
            }
        };
        *max_gradient = largest(self.plan.set(), gradient.as_slice());
        Ok(())
    }

    /// Writes the parameters of a point to a network.
    pub(super) fn write(&self, point: &Point<T>, parameters: &mut [T]) -> Result<(), Error> {
        Ok(self.plan.engine().export(point.theta(), parameters)?)
    }
}
