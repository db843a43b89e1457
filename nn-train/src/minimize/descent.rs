//! The loop that both algorithms share: a direction, a line search along it, and the tests for when to stop.

use std::mem::swap;
use std::time::Instant;

use bytemuck::cast_slice;
use nn_kernels::{Buffer, Element, InstructionSet};

use super::line_search::{Conditions, LineSearch, Verdict};
use super::objective::{Objective, Point};
use super::settings::Settings;
use super::solution::{Iteration, Solution, StopReason};
use crate::data::Source;
use crate::error::Error;
use crate::network::Network;
use crate::train::{ALIKE, Ready, Signal, Workers, described, kind_of};
use crate::vector::{combine, dot};

/// What tells one algorithm from another: its directions.
pub(super) trait Directions<T: Element>: Send {
    /// What the line search asks of a step.
    const CONDITIONS: Conditions;

    /// Writes the direction d from `point`, and names the first step α to try; `None` where the algorithm knows of no
    /// better direction than the steepest descent. What was written before comes back in `direction`.
    fn direct(&mut self, point: &Point<T>, direction: &mut [T]) -> Option<f64>;

    /// Learns from a step.
    fn learn(&mut self, before: &Point<T>, after: &Point<T>) -> Result<(), Error>;

    /// Forgets all steps.
    fn forget(&mut self);
}

/// After how many iterations ranks compare their parameters, besides at the end.
const VERIFY_EVERY: usize = 100;

/// What an iteration tells the callback.
pub(super) type OnIteration<'a> = &'a mut (dyn FnMut(&Iteration) -> Result<Signal, Error> + Send);

/// Minimises the cost of `network` on `data` along the directions that `directions` makes.
pub(super) fn minimize<N: Network, D: Directions<N::Scalar>>(
    settings: &Settings,
    (algorithm, validated): (String, Result<(), Error>),
    directions: impl FnOnce(InstructionSet) -> D + Send,
    network: &mut N,
    data: &dyn Source<Scalar = N::Scalar>,
    callback: OnIteration<'_>,
) -> Result<Solution, Error> {
    const PLACE: &str = "the start of a minimisation";
    let start = Instant::now();
    let group = settings.group();
    if group.ranks().is_some() {
        let Settings { max_iterations, max_evaluations, gradient_tolerance, cost_tolerance, l2, .. } = settings;
        let settings = [
            ("the algorithm", algorithm),
            ("max_iterations, max_evaluations", format!("{max_iterations}, {max_evaluations}")),
            ("the tolerances and l2", format!("{gradient_tolerance:?}, {cost_tolerance:?}, {l2:?}")),
            ("the data", described(data)),
            ("the checksum of the parameters", format!("{:08x}", crc32fast::hash(cast_slice(network.parameters())))),
        ];
        group.same(PLACE, &[&kind_of(network)[..], &settings].concat())?;
    }
    let valid = validated.and_then(|()| settings.validate());
    let workers = valid.and_then(|()| Workers::new(settings.threads));
    let workers = group.agree(PLACE, workers)?;
    let mut objective = group.agree(PLACE, Objective::new(settings, &workers, network.architecture(), data))?;
    group.same(PLACE, &[(ALIKE, objective.plan_name())])?;
    let threads = if objective.is_undivided() { Ok(Ready::Caller) } else { workers.ready() };
    let points = threads.and_then(|threads| Ok((threads, objective.zeros()?, objective.point()?, objective.point()?)));
    let (threads, direction, best, trial) = group.agree(PLACE, points)?;
    threads.install(|| {
        let current = objective.start(network.parameters())?;
        let directions = directions(objective.set());
        let progress = Progress::new(current.cost, current.max_gradient);
        let mut descent = Descent { settings, objective, directions, current, best, trial, iterations: 0, progress };
        let stopped = descent.run(direction, callback);
        let Descent { objective, current, iterations, .. } = descent;
        // An hour's work is not lost with a callback that cannot write its file.
        objective.write(&current, network.parameters_mut())?;
        let reason = stopped?;
        objective.verify(&current, iterations)?;
        Ok(Solution {
            reason,
            cost: current.cost,
            max_gradient: current.max_gradient,
            iterations,
            evaluations: objective.evaluations(),
            duration: start.elapsed(),
        })
    })
}

struct Descent<'a, T: Element, D> {
    settings: &'a Settings,
    objective: Objective<'a, T>,
    directions: D,
    /// Where the descent is.
    current: Point<T>,
    /// The lowest point of a line search, and the one that was there before after it.
    best: Point<T>,
    /// A point to be tried.
    trial: Point<T>,
    iterations: usize,
    progress: Progress,
}

impl<T: Element, D: Directions<T>> Descent<'_, T, D> {
    /// Goes down until there is a reason to stop, or an error. `current` is the lowest point then, up to rounding.
    fn run(&mut self, mut direction: Buffer<T>, callback: OnIteration<'_>) -> Result<StopReason, Error> {
        let Settings { max_iterations, max_evaluations, gradient_tolerance, cost_tolerance, .. } = *self.settings;
        if self.current.max_gradient <= gradient_tolerance {
            return Ok(StopReason::Gradient);
        }
        loop {
            if self.iterations == max_iterations {
                return Ok(StopReason::Iterations);
            }
            if self.objective.evaluations() >= max_evaluations {
                return Ok(StopReason::Evaluations);
            }
            let Some(step_length) = self.iterate(direction.as_mut_slice())? else {
                let limited = self.objective.evaluations() >= max_evaluations;
                return Ok(if limited { StopReason::Evaluations } else { StopReason::LineSearch });
            };
            self.iterations += 1;
            let Point { cost, max_gradient, .. } = self.current;
            let (number, evaluations) = (self.iterations, self.objective.evaluations());
            let own = callback(&Iteration { number, cost, max_gradient, step_length, evaluations });
            let stops = self.settings.group().decide("an iteration", own.map(|signal| signal == Signal::Stop))?;
            if max_gradient <= gradient_tolerance {
                return Ok(StopReason::Gradient);
            }
            if let Some(reason) = self.progress.note(cost, max_gradient, cost_tolerance) {
                return Ok(reason);
            }
            if self.iterations.is_multiple_of(VERIFY_EVERY) {
                self.objective.verify(&self.current, self.iterations)?;
            }
            if stops {
                return Ok(StopReason::Callback);
            }
            self.directions.learn(&self.best, &self.current)?;
        }
    }

    /// One iteration: how far it went. `None` where no step lowers the cost, not even along the steepest descent, or no
    /// more evaluations are allowed.
    fn iterate(&mut self, direction: &mut [T]) -> Result<Option<f64>, Error> {
        let set = self.objective.set();
        loop {
            let first = self.directions.direct(&self.current, direction);
            if let Some(first) = first {
                let slope = dot(set, self.current.gradient(), direction);
                // A direction that is no descent comes of rounding.
                if slope < 0.0
                    && slope.is_finite()
                    && let Some(step) = self.search(direction, slope, first)?
                {
                    return Ok(Some(step));
                }
                if self.objective.evaluations() >= self.settings.max_evaluations {
                    return Ok(None);
                }
                self.directions.forget();
                continue;
            }
            let gradient = self.current.gradient();
            combine(set, direction, (-1.0, gradient), (0.0, gradient));
            let slope = -dot(set, direction, direction);
            // The first step is as long as 1, whatever the scale of the cost.
            return self.search(direction, slope, 1.0 / (-slope).sqrt());
        }
    }

    /// Searches along the direction. Where a point is lower than the current one, it becomes that, and the one before
    /// is in `best`.
    fn search(&mut self, direction: &[T], slope: f64, first: f64) -> Result<Option<f64>, Error> {
        let Self { objective, current, best, trial, .. } = self;
        let set = objective.set();
        let reached = self.progress.reached(T::EPSILON.to_f64());
        let mut search = LineSearch::new(D::CONDITIONS, (current.cost, reached), slope, first);
        let mut found = None;
        while objective.evaluations() < self.settings.max_evaluations {
            objective.go(current, search.step(), direction, trial)?;
            let slope = if trial.cost.is_finite() { dot(set, trial.gradient(), direction) } else { f64::NAN };
            let is_lower = trial.cost < if found.is_some() { best.cost } else { current.cost };
            let step = search.step();
            let verdict = search.advance(trial.cost, slope);
            if (is_lower && slope.is_finite()) || verdict == Verdict::Accept {
                found = Some(step);
                swap(best, trial);
            }
            if verdict != Verdict::Try {
                break;
            }
        }
        if found.is_some() {
            swap(current, best);
        }
        Ok(found)
    }
}

/// Iterations that a descent may go without progress: near a minimum the cost falls by less than it is rounded, and a
/// plateau looks like a minimum for a while.
const PATIENCE: usize = 10;

/// By how many roundings two costs may differ that are the same but for rounding: that of the mean over the samples, and
/// that of the parameters after a step.
const ROUNDINGS: f64 = 2.0;

/// Whether a descent gets on.
#[derive(Debug)]
struct Progress {
    /// The lowest cost and the smallest gradient so far.
    lowest: f64,
    flattest: f64,
    /// Iterations since one of the two fell at all.
    idle: usize,
    /// The cost that the tolerance is counted from, and the iterations since the cost was that.
    mark: f64,
    waiting: usize,
}

impl Progress {
    fn new(cost: f64, max_gradient: f64) -> Self {
        Self { lowest: cost, flattest: max_gradient, idle: 0, mark: cost, waiting: 0 }
    }

    /// The highest cost that may be the lowest so far, but for rounding.
    fn reached(&self, epsilon: f64) -> f64 {
        self.lowest + ROUNDINGS * epsilon * self.lowest.abs()
    }

    /// Takes notice of an iteration; a reason to stop if there is one.
    fn note(&mut self, cost: f64, max_gradient: f64, tolerance: f64) -> Option<StopReason> {
        self.idle = if cost < self.lowest || max_gradient < self.flattest { 0 } else { self.idle + 1 };
        self.lowest = self.lowest.min(cost);
        self.flattest = self.flattest.min(max_gradient);
        if self.mark - cost > tolerance * self.mark.abs().max(1.0) {
            (self.mark, self.waiting) = (cost, 0);
        } else {
            self.waiting += 1;
        }
        if self.idle == PATIENCE {
            return Some(StopReason::Rounding);
        }
        (tolerance > 0.0 && self.waiting == PATIENCE).then_some(StopReason::Cost)
    }
}
