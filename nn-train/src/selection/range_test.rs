//! The learning-rate range test.

use std::fmt;
use std::ops::RangeInclusive;

use super::short;
use crate::data::TrainingData;
use crate::error::Error;
use crate::network::Network;
use crate::optim::{check_learning_rate, power};
use crate::train::{Callback, Context, Signal, Trainer};

impl Trainer {
    /// The learning-rate range test: trains a copy of `network` while the learning rate grows from step to step, and
    /// says at which rates the cost falls and where it begins to rise. See [`RangeTest`] for its settings.
    ///
    /// ```
    /// use nn_train::prelude::*;
    ///
    /// # network! { struct Xor<2 => 4 tanh => 1>; }
    /// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
    /// # let mut net = Xor::new(1);
    /// let builder = Trainer::builder().batch_size(4).epochs(200);
    /// let curve = builder.clone().build()?.lr_find(&net, &data).run()?;
    /// println!("{curve}");
    ///
    /// if let Some(rate) = curve.steepest() {
    ///     builder.learning_rate(rate).build()?.fit(&mut net, &data, None)?;
    /// }
    /// # assert!(curve.steepest().is_some());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn lr_find<'a, N: Network, D: TrainingData<N> + ?Sized>(
        &'a self,
        network: &'a N,
        data: &'a D,
    ) -> RangeTest<'a, N, D> {
        RangeTest { trainer: self, network, data, rates: 1e-7..=10.0, steps: 100, smoothing: 0.98, divergence: 4.0 }
    }
}

/// The learning-rate range test before it runs: see [`Trainer::lr_find`].
///
/// Step t of n takes the rate least · (most / least)^(t / (n - 1)), t from 0. All else is as the trainer trains:
/// optimiser, λ, batch size, dropout, order of samples. Epochs follow one another until the steps are taken, or until
/// the smoothed cost is more than `divergence` times its lowest value, or a number is not finite. The network itself
/// stays as it is.
///
/// Smith, "Cyclical learning rates for training neural networks", 2017
/// ([arXiv 1506.01186](https://arxiv.org/abs/1506.01186)), section 3.3. Smoothing, bounds and suggestions are those of
/// fastai's `lr_find`.
#[derive(Debug, Clone)]
#[must_use = "nothing is tested before `run`"]
pub struct RangeTest<'a, N, D: ?Sized> {
    trainer: &'a Trainer,
    network: &'a N,
    data: &'a D,
    rates: RangeInclusive<f64>,
    steps: usize,
    smoothing: f64,
    divergence: f64,
}

impl<N: Network, D: TrainingData<N> + ?Sized> RangeTest<'_, N, D> {
    /// The fewest steps, of which some are left for a suggestion.
    const LEAST_STEPS: usize = 10;

    /// Sets the first and the last rate, finite, positive and growing; 10⁻⁷ to 10 unless set.
    pub fn rates(self, rates: RangeInclusive<f64>) -> Self {
        Self { rates, ..self }
    }

    /// Sets the number of steps, at least 10; 100 unless set.
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Sets β in [0, 1) of the smoothed cost, 0 for none; 0.98 unless set. After t steps it is the average of their
    /// costs weighted by 1, β, β², … from the last one back: a_t = β a_{t-1} + (1 - β) J_t, divided by 1 - βᵗ.
    pub fn smoothing(self, smoothing: f64) -> Self {
        Self { smoothing, ..self }
    }

    /// Sets how many times its lowest value the smoothed cost may be, above 1, before the test ends; 4 unless set.
    /// Infinity is for never.
    pub fn divergence(self, divergence: f64) -> Self {
        Self { divergence, ..self }
    }

    /// Runs the test.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting that is out of its range, and for an optimiser that does not follow the learning
    /// rate, as [`Rprop`](crate::Rprop); [`Error::Diverged`] when not even the first step can
    /// be taken, otherwise as [`Trainer::fit`]. A later step that diverges is the end of the curve and no error.
    pub fn run(self) -> Result<RangeCurve, Error> {
        self.check()?;
        let Self { trainer, network, data, rates, steps, smoothing, divergence } = self;
        let (least, most) = rates.into_inner();
        let rate = move |step: u64| match step as usize {
            0 => least,
            step if step + 1 >= steps => most,
            // Of logarithms, since most / least may overflow.
            step => {
                let share = step as f64 / (steps - 1) as f64;
                (least.ln() * (1.0 - share) + most.ln() * share).exp().clamp(least, most)
            }
        };
        let mut copy = network.clone();
        let mut record = Record {
            rate,
            steps,
            smoothing,
            divergence,
            average: 0.0,
            lowest: f64::INFINITY,
            points: Vec::new(),
            diverged: false,
        };
        // An epoch has at least one step, so there are enough of them.
        match trainer.with(rate, steps).run(&mut copy, data)?.callback(&mut record).finish() {
            // Or a rate that the optimiser cannot work with, such as one that is 1 when multiplied by AdamW's decay.
            Err(Error::Diverged { .. } | Error::Setting { .. }) if !record.points.is_empty() => record.diverged = true,
            finished => drop(finished?),
        }
        Ok(RangeCurve { points: record.points, diverged: record.diverged, steps })
    }

    fn check(&self) -> Result<(), Error> {
        let optimizer = &self.trainer.optimizer();
        if !optimizer.follows_learning_rate() {
            return Err(Error::setting(
                "optimizer",
                optimizer.name(),
                "one whose every step follows the learning rate",
            ));
        }
        let (least, most) = (*self.rates.start(), *self.rates.end());
        for rate in [least, most] {
            if rate == 0.0 {
                return Err(Error::number("rates", rate, "finite, positive numbers"));
            }
            check_learning_rate::<N::Scalar>(rate)?;
        }
        if least >= most {
            return Err(Error::setting("rates", format!("{least:e}..={most:e}"), "a rate and a higher one"));
        }
        if self.steps < Self::LEAST_STEPS {
            return Err(Error::setting("steps", self.steps, "at least 10"));
        }
        if !(0.0..1.0).contains(&self.smoothing) {
            return Err(Error::number("smoothing", self.smoothing, "a number in [0, 1)"));
        }
        if self.divergence.is_nan() || self.divergence <= 1.0 {
            return Err(Error::number("divergence", self.divergence, "a number above 1"));
        }
        Ok(())
    }
}

/// What is taken down in the course of a test.
struct Record<F> {
    rate: F,
    steps: usize,
    smoothing: f64,
    divergence: f64,
    /// a_t, before it is divided.
    average: f64,
    /// The lowest smoothed cost.
    lowest: f64,
    points: Vec<RangePoint>,
    diverged: bool,
}

impl<F> Record<F> {
    fn signal(&self) -> Signal {
        if self.diverged || self.points.len() == self.steps { Signal::Stop } else { Signal::Continue }
    }
}

impl<N: Network, F: Fn(u64) -> f64 + Send> Callback<N> for Record<F> {
    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let Some(cost) = context.cost() else { return Ok(Signal::Continue) };
        let taken = self.points.len() as u64;
        self.average = self.smoothing * self.average + (1.0 - self.smoothing) * cost;
        let smoothed = self.average / (1.0 - power(self.smoothing, taken + 1));
        self.points.push(RangePoint { rate: (self.rate)(taken), cost, smoothed });
        self.lowest = smoothed.min(self.lowest);
        self.diverged = smoothed > self.divergence * self.lowest;
        Ok(self.signal())
    }

    /// An epoch's last step may have been the last one.
    fn on_epoch(&mut self, _: &mut Context<'_, N>) -> Result<Signal, Error> {
        Ok(self.signal())
    }
}

/// One step of a [`RangeTest`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RangePoint {
    /// The learning rate of the step.
    pub rate: f64,
    /// The cost of its batch before the step, with dropout and the term in λ.
    pub cost: f64,
    /// The costs so far, [smoothed](RangeTest::smoothing).
    pub smoothed: f64,
}

/// The result of a [`RangeTest`]: the cost step by step while the learning rate grows.
///
/// [`steepest`](Self::steepest) and [`tenth_of_minimum`](Self::tenth_of_minimum) are two suggestions for a rate. Both
/// leave out the first tenth of the steps, where the average has few costs yet, and the last five, where the cost
/// rises. The lower of the two is the careful choice.
///
/// Displayed, it is a line of bars as high as the smoothed cost, at most as high as before its lowest value, with marks
/// below the places of the two.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeCurve {
    points: Vec<RangePoint>,
    diverged: bool,
    /// The steps that there would have been.
    steps: usize,
}

impl RangeCurve {
    /// The steps, the first first; at least one.
    #[must_use]
    pub fn points(&self) -> &[RangePoint] {
        &self.points
    }

    /// Whether the test ended early, since the cost rose too far or a number was not finite.
    #[must_use]
    pub fn diverged(&self) -> bool {
        self.diverged
    }

    /// The rate where the smoothed cost falls most steeply over the logarithm of the rate, before it is lowest. `None`
    /// where it never falls, or too few steps were taken. It is fastai's `steep`, which looks beyond the lowest cost too.
    #[must_use]
    pub fn steepest(&self) -> Option<f64> {
        self.steepest_step().map(|step| self.points[step].rate)
    }

    /// A tenth of the rate where the smoothed cost is lowest: fastai's `minimum`. `None` where too few steps were
    /// taken.
    #[must_use]
    pub fn tenth_of_minimum(&self) -> Option<f64> {
        self.lowest_step().map(|step| self.points[step].rate / 10.0)
    }

    /// The steps that suggestions come from.
    fn considered(&self) -> std::ops::Range<usize> {
        self.steps / 10..self.points.len().saturating_sub(5)
    }

    fn steepest_step(&self) -> Option<usize> {
        // Steps are evenly spaced over the logarithm of the rate, so that differences are slopes.
        let fall = |step: usize| self.points[step].smoothed - self.points[step + 1].smoothed;
        // A cost that has diverged may fall again, and the more steeply the higher it was.
        let steps = self.considered().start..self.lowest_step()?;
        // Of equal ones the first.
        let steepest = steps.rev().max_by(|&a, &b| fall(a).total_cmp(&fall(b)))?;
        // The average of a constant cost moves as it is rounded.
        (fall(steepest) > 8.0 * f64::EPSILON * self.points[steepest].smoothed).then_some(steepest)
    }

    fn lowest_step(&self) -> Option<usize> {
        self.considered().min_by(|&a, &b| self.points[a].smoothed.total_cmp(&self.points[b].smoothed))
    }
}

impl fmt::Display for RangeCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const MOST_COLUMNS: usize = 72;
        let Self { points, diverged, steps } = self;
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
        let smoothed = || points.iter().map(|point| point.smoothed);
        let (lowest, highest) =
            (smoothed().fold(f64::INFINITY, f64::min), smoothed().fold(f64::NEG_INFINITY, f64::max));
        // Where a cost diverges it would dwarf all others.
        let fall = smoothed().take_while(|&cost| cost > lowest).fold(f64::NEG_INFINITY, f64::max);
        let ceiling = if fall > lowest { fall } else { highest };
        let ended = if *diverged { ", ended by divergence" } else { "" };
        writeln!(
            f,
            "rates {} to {} in {} of {steps} steps{ended}; smoothed cost {} to {}",
            short(first.rate),
            short(last.rate),
            points.len(),
            short(lowest),
            short(highest)
        )?;
        let columns = points.len().min(MOST_COLUMNS);
        for column in 0..columns {
            let steps = &points[column * points.len() / columns..(column + 1) * points.len() / columns];
            let mean = steps.iter().map(|point| point.smoothed).sum::<f64>() / steps.len() as f64;
            let height = (mean - lowest) / (ceiling - lowest).max(f64::MIN_POSITIVE);
            write!(f, "{}", BARS[((height * BARS.len() as f64) as usize).min(BARS.len() - 1)])?;
        }
        let column = |step: usize| ((step + 1) * columns).div_ceil(points.len()) - 1;
        if let (Some(step), Some(rate)) = (self.steepest_step(), self.steepest()) {
            write!(f, "\n{:1$}^ steepest at {2}", "", column(step), short(rate))?;
        }
        if let (Some(step), Some(rate)) = (self.lowest_step(), self.tenth_of_minimum()) {
            write!(f, "\n{:1$}^ lowest, a tenth of it is {2}", "", column(step), short(rate))?;
        }
        Ok(())
    }
}
