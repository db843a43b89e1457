//! A step that several processes take together: each computes the gradient of its rows, and all make the same update of the
//! sum.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytemuck::cast_slice;
use nn_kernels::{Batch, Buffer, Dropout, Element, Finished, StepEngine, Stepped};

use super::{Core, Place, last_faulty};
use crate::collective::{Ballot, Collective, Group, HandOver, Numbers, is_same_mark, mark};
use crate::error::{Error, Quantity};
use crate::optim::{Gradient, Step};
use crate::train::share::Share;
use crate::train::trainer::ALIKE;

/// The most parameters whose gradient goes round in one message, in `f64`, with the cost and the ballot: 32 KiB. To be sent, a
/// message takes about as long as so many bytes.
const SMALL: usize = 1 << 12;

/// What a process needs to take steps with others.
pub(super) struct Together<T: Element> {
    collective: Arc<dyn Collective>,
    /// Whether what a step's rows weigh is known only when the ranks have been asked.
    asks_total: bool,
    /// After how many steps the ranks compare their parameters.
    verify_every: u64,
    room: Room<T>,
}

/// Where sums come.
enum Room<T: Element> {
    /// Of gradients that go round with everything else.
    Small { own: Vec<f64>, sum: Vec<f64> },
    /// Of those that are sent part by part while the rest is computed.
    Large { sum: Buffer<T> },
}

impl<T: Element> Room<T> {
    fn new(params: usize) -> Result<Self, Error> {
        if params <= SMALL {
            let numbers = vec![0.0; params + BESIDE];
            return Ok(Self::Small { own: numbers.clone(), sum: numbers });
        }
        Ok(Self::Large { sum: Buffer::zeros(params)? })
    }
}

/// Numbers that go round beside a gradient: the cost, the ballot, and a mark of what the step depends on.
const BESIDE: usize = 6;

impl<T: Element> Together<T> {
    pub(super) fn new(collective: Arc<dyn Collective>, params: usize, verify_every: u64) -> Result<Self, Error> {
        Ok(Self { collective, asks_total: false, verify_every, room: Room::new(params)? })
    }

    pub(super) fn group(&self) -> Group<'_> {
        Group::of(&*self.collective)
    }

    /// Room for a plan in whose layout there are so many parameters.
    pub(super) fn replan(&mut self, params: usize) -> Result<(), Error> {
        self.room = Room::new(params)?;
        Ok(())
    }
}

/// A step that all ranks have taken.
#[derive(Debug, Clone, Copy)]
pub(in crate::train) struct Taken {
    /// The cost of all their rows before it.
    pub(in crate::train) cost: f64,
    /// What those rows weigh together.
    pub(in crate::train) weight: f64,
}

/// What came of a step's sums.
enum Summed {
    /// The gradient is in its place; this is the cost.
    Cost(f64),
    /// A callback of some rank wants the run to stop before this step.
    Stop,
}

impl<T: Element> Core<T> {
    /// Whether steps are taken by this process alone.
    pub(in crate::train) fn is_alone(&self) -> bool {
        self.together.is_none()
    }

    /// The processes that take steps together.
    pub(in crate::train) fn group(&self) -> Group<'_> {
        self.together.as_ref().map_or(Group::alone(), Together::group)
    }

    /// Says whether no rank knows what a step's rows weigh before the ranks have been asked.
    pub(in crate::train) fn ask_for_totals(&mut self, ask: bool) {
        if let Some(together) = &mut self.together {
            together.asks_total = ask;
        }
    }

    /// The cost of a step before it, all ranks' rows together, and the parameters moved; `None` where a callback of some rank has
    /// stopped the run. `said` is what those of this rank have said before. Where it is an error, or a rank has an error in place
    /// of its rows, or the step diverges, all ranks get an error. In both cases everything is as it was.
    pub(in crate::train) fn step_together(
        &mut self,
        own: Option<Result<Share<'_, T>, Error>>,
        said: Result<bool, Error>,
        place: Place,
    ) -> Result<Option<Taken>, Error> {
        let own = own.map(|own| {
            own.and_then(|share| {
                self.check_next_rate()?;
                if let Some(batch) = &share.batch {
                    self.plan.engine_mut().reserve(batch.rows(), true)?;
                }
                Ok(share)
            })
        });
        let (share, lack) = match own {
            Some(Ok(share)) => (Some(share), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let mut vote = Vote { stops: *said.as_ref().unwrap_or(&false), fault: said.err(), lack };
        let Some(total) = self.total(share, &vote)? else { return Ok(None) };
        let batch = share.and_then(|share| share.batch).map(|batch| {
            let batch = self.smoothing.map_or(batch, |smoothing| smoothing.of(&batch));
            batch.with_total(total)
        });
        let first_sample = self.samples + share.map_or(0, |share| share.first);
        let dropout = self.dropout.then_some(Dropout { seed: self.seed, first_sample });
        let leads = share.is_some_and(|share| share.leader == self.group().rank());
        let decay = if leads { self.decay } else { 0.0 };
        let cost = match self.sum_gradients(batch, decay, dropout, &mut vote)? {
            Summed::Cost(cost) => cost,
            Summed::Stop => return Ok(None),
        };
        let learning_rate = self.learning_rate();
        if !self.scalars.is_empty() {
            self.scalars_before.copy_from_slice(&self.scalars);
        }
        let number = self.steps + 1;
        let (optimizer, scalars, work, span) = self.work_on(Gradient::Given { cost });
        let outcome = optimizer.step(Step { number, learning_rate, scalars }, work, span);
        match outcome {
            Ok(outcome) if outcome.is_taken() => {
                self.take(outcome, share.map_or(0, |share| share.rows));
                if self.together.as_ref().is_some_and(|together| self.steps.is_multiple_of(together.verify_every)) {
                    self.verify()?;
                }
                Ok(Some(Taken { cost: outcome.stepped.cost, weight: total }))
            }
            other => {
                self.scalars.copy_from_slice(&self.scalars_before);
                let stepped = other?.stepped;
                Err(self.fault_together(batch, decay, dropout, stepped, place)?)
            }
        }
    }

    /// What the step's rows weigh together; `None` where a callback of some rank stops the run, as far as that is known here.
    fn total(&self, share: Option<Share<'_, T>>, vote: &Vote) -> Result<Option<f64>, Error> {
        let total = if self.together.as_ref().is_some_and(|together| together.asks_total) {
            let weight = share.map_or(0.0, |share| share.weight);
            let [fails, stops, lacks] = vote.ballot().numbers();
            let [total, fails, stops, lacks] =
                self.group().sum("the weight of a step", [weight, fails, stops, lacks])?;
            if vote.is_stopped(Ballot::of_sum([fails, stops, lacks]), self.group())? {
                return Ok(None);
            }
            total
        } else {
            // Without rows the step is not taken, whatever they weigh.
            share.map_or(1.0, |share| share.total.unwrap_or(f64::NAN))
        };
        if total.is_finite() {
            return Ok(Some(total));
        }
        let expected = "weights whose sum over all ranks is finite";
        Err(Error::argument("the weight of a step", total, expected))
    }

    /// What the next step depends on beside parameters and rows: the same on all ranks.
    fn mark(&self) -> [f64; 2] {
        let numbers = [self.learning_rate().to_bits(), self.rate_factor.to_bits(), self.steps, self.samples, self.seed];
        mark(cast_slice(&numbers))
    }

    /// The error where ranks are about to take different steps: what differs first.
    #[cold]
    fn another_step(&self) -> Result<Error, Error> {
        let numbers: [(&str, f64); 6] = [
            ("number of steps taken", self.steps as f64),
            ("learning rate", self.learning_rate()),
            ("factor of the rate", self.rate_factor),
            ("number of samples trained on", self.samples as f64),
            ("seed, its upper half", (self.seed >> 32) as f64),
            ("seed, its lower half", f64::from(self.seed as u32)),
        ];
        for (what, own) in numbers {
            let all = self.group().gather("the difference of a step", [own])?;
            if let Some(rank) = all.iter().position(|number| *number != all[0]) {
                let ([found], [expected]) = (all[rank], all[0]);
                let step = self.steps + 1;
                let reason = format!("before step {step} its {what} is {found}; expected {expected}, as on rank 0");
                return Ok(Error::Rank { rank, reason });
            }
        }
        let reason = "it is about to take another step than other ranks".to_owned();
        Ok(Error::Rank { rank: self.group().rank(), reason })
    }

    /// Sums the gradients of all ranks' rows, and with them their costs and ballots. The sum is where a step's gradient is.
    fn sum_gradients(
        &mut self,
        batch: Option<Batch<'_, T>>,
        decay: f64,
        dropout: Option<Dropout>,
        vote: &mut Vote,
    ) -> Result<Summed, Error> {
        let mark = self.mark();
        let Self { together, plan, theta, gradient, .. } = self;
        let Some(Together { collective, room, .. }) = together else { return Ok(Summed::Cost(f64::NAN)) };
        let engine = plan.engine_mut();
        let mut said = [0.0; BESIDE];
        match room {
            Room::Small { own, sum } => {
                let numbers = gradient.as_mut_slice();
                let computed = match batch {
                    Some(batch) => engine.gradient(theta.as_slice(), batch, decay, dropout, numbers),
                    None => Ok(0.0),
                };
                let cost = computed.unwrap_or_else(|fault| {
                    vote.lack = Some(Error::from(fault));
                    0.0
                });
                if batch.is_none() || vote.lack.is_some() {
                    numbers.fill(T::ZERO);
                }
                let (wide, last) = own.split_at_mut(numbers.len());
                wide.iter_mut().zip(&*numbers).for_each(|(wide, number)| *wide = number.to_f64());
                last.copy_from_slice(&beside(cost, vote.ballot(), mark));
                collective.all_reduce(Numbers::F64 { own, sum })?;
                let (wide, last) = sum.split_at(numbers.len());
                numbers.iter_mut().zip(wide).for_each(|(number, wide)| *number = T::from_f64(*wide));
                said.copy_from_slice(last);
            }
            Room::Large { sum } => {
                let (zeros, last) = (OnceLock::new(), OnceLock::new());
                let mut sending = Sending {
                    engine,
                    theta: theta.as_slice(),
                    batch,
                    decay,
                    dropout,
                    mark,
                    vote: &mut *vote,
                    gradient: Some(gradient.as_mut_slice()),
                    sums: Pieces::new(sum.as_mut_slice()),
                    zeros: &zeros,
                    own_beside: &last,
                    beside: Some(&mut said),
                };
                collective.all_reduce_beside(&mut |hand_over| sending.run(hand_over))?;
                std::mem::swap(gradient, sum);
            }
        }
        let [cost, fails, stops, lacks, sum, squares] = said;
        if vote.is_stopped(Ballot::of_sum([fails, stops, lacks]), self.group())? {
            return Ok(Summed::Stop);
        }
        if !is_same_mark([sum, squares], self.group().size()) {
            return Err(self.another_step()?);
        }
        Ok(Summed::Cost(cost))
    }

    /// The error of a step that failed, the same on all ranks: whose rows were at fault, or that it was the sum.
    #[cold]
    fn fault_together(
        &mut self,
        batch: Option<Batch<'_, T>>,
        decay: f64,
        dropout: Option<Dropout>,
        stepped: Stepped,
        place: Place,
    ) -> Result<Error, Error> {
        let update = self.faulty_update();
        let Self { plan, theta, gradient, together, .. } = self;
        let engine = plan.engine_mut();
        let last = engine.ranges().len();
        let group = together.as_ref().map_or(Group::alone(), Together::group);
        let part = (batch, decay, dropout);
        let (rank, quantity, layer) =
            match fault_of_ranks(group, engine, theta.as_slice(), part, gradient.as_mut_slice())? {
                Some(fault) => fault,
                None if !stepped.cost.is_finite() => (None, Quantity::Cost, last),
                None => (None, Quantity::Update, update),
            };
        let Place { epoch, step } = place;
        Ok(Error::Diverged { epoch, step, layer, quantity, learning_rate: Some(self.learning_rate()), rank })
    }

    /// As [`gradient`](Core::gradient), of all ranks' rows.
    pub(super) fn gradient_together(&mut self, own: &Share<'_, T>, out: &mut [T]) -> Result<f64, Error> {
        // Ranks that do not ask for it are elsewhere, and all get to know.
        let [total] = self.group().sum("the gradient that a callback asks for", [own.weight])?;
        let batch = own.batch.map(|batch| {
            let batch = self.smoothing.map_or(batch, |smoothing| smoothing.of(&batch));
            batch.with_total(total)
        });
        let decay = if own.leader == self.group().rank() { self.decay } else { 0.0 };
        let Summed::Cost(cost) = self.sum_gradients(batch, decay, None, &mut Vote::default())? else {
            return Ok(f64::NAN);
        };
        let Self { plan, theta, gradient, adjustment, .. } = self;
        let engine = plan.engine_mut();
        adjustment.add_l1(engine, theta.as_slice(), gradient.as_mut_slice());
        engine.export(gradient.as_slice(), out)?;
        Ok(cost + adjustment.penalty(engine, theta.as_slice()))
    }

    /// All ranks compute in the same way, from the same parameters.
    pub(in crate::train) fn check_alike(&self) -> Result<(), Error> {
        let plan = self.explain();
        let same = [(ALIKE, format!("{}, {}, {}", plan.engine, plan.set, plan.precision))];
        self.group().same("the plan of training", &same)?;
        self.verify()
    }

    /// All ranks have the same parameters, the same memory of the optimiser and the same counts, bit for bit.
    pub(in crate::train) fn verify(&self) -> Result<(), Error> {
        if self.is_alone() {
            return Ok(());
        }
        let mut digest = crc32fast::Hasher::new();
        digest.update(cast_slice(self.theta.as_slice()));
        for [memory, _] in &self.slots {
            digest.update(cast_slice(memory.as_slice()));
        }
        digest.update(cast_slice(&self.scalars));
        digest.update(cast_slice(&[self.steps, self.samples, self.seed, self.dropped_steps]));
        digest.update(cast_slice(&[self.learning_rate(), self.rate_factor]));
        let differs = || format!("after step {} its state is not that of rank 0, bit for bit", self.steps);
        self.group().same_digest("the comparison of the ranks", digest.finalize(), differs)
    }
}

/// What a rank says before a step.
#[derive(Debug, Default)]
struct Vote {
    /// A callback has stopped the run.
    stops: bool,
    /// The error of a callback, by which the run ends.
    fault: Option<Error>,
    /// Why this step cannot be taken, which is no matter where the run stops before it.
    lack: Option<Error>,
}

impl Vote {
    fn ballot(&self) -> Ballot {
        Ballot { fails: self.fault.is_some(), stops: self.stops, lacks: self.lack.is_some() }
    }

    /// Whether the run stops before this step, when the ranks have voted; an error where it ends by one.
    fn is_stopped(&self, all: Ballot, group: Group<'_>) -> Result<bool, Error> {
        if all.fails {
            return Err(group.failure(self.fault.clone())?);
        }
        if all.lacks && !all.stops {
            return Err(group.failure(self.lack.clone())?);
        }
        Ok(all.stops)
    }
}

/// Whose part of a gradient is not finite, of parts that are each computed once more: the lowest rank, what, and in which layer;
/// without a rank where only the sum is at fault; none where that is finite. `room` is a gradient's.
pub(crate) fn fault_of_ranks<T: Element>(
    group: Group<'_>,
    engine: &mut dyn StepEngine<T>,
    theta: &[T],
    (batch, decay, dropout): (Option<Batch<'_, T>>, f64, Option<Dropout>),
    room: &mut [T],
) -> Result<Option<(Option<usize>, Quantity, usize)>, Error> {
    let cost = match batch {
        Some(batch) => engine.gradient(theta, batch, decay, dropout, room),
        None => Ok(0.0),
    };
    if batch.is_none() || cost.is_err() {
        room.fill(T::ZERO);
    }
    let own = match last_faulty(engine.ranges(), room) {
        Some(layer) => [1.0, layer as f64],
        None if cost.is_ok_and(|cost| !cost.is_finite()) => [2.0, engine.ranges().len() as f64],
        None => [0.0; 2],
    };
    let all = group.gather("the fault of a step", own)?;
    if let Some(rank) = all.iter().position(|[what, _]| *what != 0.0) {
        let [what, layer] = all[rank];
        let quantity = if what == 1.0 { Quantity::Gradient } else { Quantity::Cost };
        return Ok(Some((Some(rank), quantity, layer as usize)));
    }
    let mut sum = vec![T::ZERO; room.len()];
    if let Some(ranks) = group.ranks() {
        ranks.all_reduce(Numbers::new(room, &mut sum))?;
    }
    Ok(last_faulty(engine.ranges(), &sum).map(|layer| (None, Quantity::Gradient, layer)))
}

/// What goes round beside a gradient. A cost that is no number does not hide the ballot: each number has a sum of its own.
fn beside(cost: f64, ballot: Ballot, mark: [f64; 2]) -> [f64; BESIDE] {
    let ([fails, stops, lacks], [own, square]) = (ballot.numbers(), mark);
    [cost, fails, stops, lacks, own, square]
}

/// A gradient that is computed and sent, part by part.
struct Sending<'g, 'e, T: Element> {
    engine: &'e mut dyn StepEngine<T>,
    theta: &'e [T],
    batch: Option<Batch<'e, T>>,
    decay: f64,
    dropout: Option<Dropout>,
    mark: [f64; 2],
    /// To which the engine's error is added, if it has one.
    vote: &'e mut Vote,
    gradient: Option<&'g mut [T]>,
    sums: Pieces<'g, T>,
    /// What is sent in place of a gradient that there is not.
    zeros: &'g OnceLock<Vec<T>>,
    own_beside: &'g OnceLock<[f64; BESIDE]>,
    beside: Option<&'g mut [f64; BESIDE]>,
}

impl<'g, T: Element> Sending<'g, '_, T> {
    fn run(&mut self, hand_over: HandOver<'_, 'g>) {
        let (Some(gradient), Some(sum)) = (self.gradient.take(), self.beside.take()) else { return };
        let count = gradient.len();
        let cost = match self.batch {
            Some(batch) => {
                let sums = &mut self.sums;
                let finished: Finished<'_, 'g, T> = &mut |range, numbers| {
                    hand_over(Numbers::new(numbers, sums.take(range)));
                };
                self.engine.gradient_in_parts(self.theta, batch, self.decay, self.dropout, gradient, finished)
            }
            None => {
                gradient.fill(T::ZERO);
                self.send(gradient, hand_over);
                Ok(0.0)
            }
        };
        let cost = cost.unwrap_or_else(|error| {
            // Nothing of it was handed over, and the others wait for as much.
            let zeros = self.zeros.get_or_init(|| vec![T::ZERO; count]);
            self.send(zeros, hand_over);
            self.vote.lack = Some(Error::from(error));
            0.0
        });
        let own = self.own_beside.get_or_init(|| beside(cost, self.vote.ballot(), self.mark));
        hand_over(Numbers::F64 { own, sum });
    }

    /// Hands over a whole gradient.
    fn send(&mut self, gradient: &'g [T], hand_over: HandOver<'_, 'g>) {
        for part in self.engine.parts() {
            hand_over(Numbers::new(&gradient[part.clone()], self.sums.take(part)));
        }
    }
}

/// Numbers of which ranges are taken, each once.
struct Pieces<'g, T> {
    /// What has not been taken, and where it begins.
    rest: Vec<(usize, &'g mut [T])>,
}

impl<'g, T> Pieces<'g, T> {
    fn new(numbers: &'g mut [T]) -> Self {
        Self { rest: vec![(0, numbers)] }
    }

    /// Takes a range; what is not there comes out shorter, and its length is then not that of the part it is for.
    fn take(&mut self, range: Range<usize>) -> &'g mut [T] {
        let holds = |(first, piece): &(usize, &mut [T])| *first <= range.start && range.end <= first + piece.len();
        let Some(index) = self.rest.iter().position(holds) else { return &mut [] };
        let (first, piece) = self.rest.swap_remove(index);
        let (before, piece) = piece.split_at_mut(range.start - first);
        let (taken, behind) = piece.split_at_mut(range.len());
        for (first, rest) in [(first, before), (range.end, behind)] {
            if !rest.is_empty() {
                self.rest.push((first, rest));
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_taken_in_any_order_and_once() {
        let mut numbers: Vec<usize> = (0..10).collect();
        let mut pieces = Pieces::new(&mut numbers);
        for (range, expected) in
            [(4..7, &[4, 5, 6][..]), (0..1, &[0]), (7..10, &[7, 8, 9]), (1..4, &[1, 2, 3]), (2..3, &[])]
        {
            assert_eq!(pieces.take(range), expected);
        }
    }
}
