//! A rate that rises to its peak and falls far below its start.

use super::{Schedule, along_cosine, along_line, check_steps};
use crate::error::Error;
use crate::optim::check_positive;

/// The rate rises from a start to its peak over a share s of n steps, then falls to an end far below the start: Smith
/// and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018 (arXiv
/// 1708.07120).
///
/// ```text
/// start = peak / start_divisor        end = start / end_divisor
/// step       0        s n - 1                n - 1            two phases
/// rate     start  →    peak        →          end
///
/// step       0        s n - 1    2 s n - 2   n - 1            three phases, the paper's own
/// rate     start  →    peak   →    start   →  end
/// ```
///
/// Between these the rate goes along half a period of a cosine, or in a straight line. So PyTorch's `OneCycleLR`
/// computes it, with the same defaults. That also moves the momentum, against the rate; here the optimiser's settings
/// stay as they are, which is its `cycle_momentum=False`. From step n on the rate is `end`.
///
/// ```
/// use nn_train::prelude::*;
///
/// # let (samples, epochs) = (5000, 20);
/// let builder = Trainer::builder().batch_size(32).epochs(epochs);
/// let schedule = OneCycle::new(0.1, builder.steps(samples));
/// assert_eq!(schedule.rate(0), 0.1 / 25.0);
/// let trainer = builder.schedule(schedule).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OneCycle {
    /// The highest rate, finite and positive.
    pub peak: f64,
    /// n, at least 1.
    pub steps: u64,
    /// s in [0, 1], the share of the steps in which the rate rises; 0.3 unless set. With three phases in [0, ½].
    pub rising: f64,
    /// The peak divided by the first rate, finite and at least 1; 25 unless set.
    pub start_divisor: f64,
    /// The first rate divided by the last one, finite and at least 1; 10⁴ unless set.
    pub end_divisor: f64,
    /// How the rate goes from one to the next; along a cosine unless set.
    pub annealing: Annealing,
    /// Whether it falls to the first rate as fast as it rose, and from there to the end; false unless set.
    pub three_phases: bool,
}

/// How a rate goes from one value to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Annealing {
    /// Along half a period of a cosine.
    #[default]
    Cosine,
    /// In a straight line.
    Linear,
}

impl OneCycle {
    /// Up to `peak` and down again over `steps` steps.
    #[must_use]
    pub const fn new(peak: f64, steps: u64) -> Self {
        Self {
            peak,
            steps,
            rising: 0.3,
            start_divisor: 25.0,
            end_divisor: 1e4,
            annealing: Annealing::Cosine,
            three_phases: false,
        }
    }

    /// Sets the share of the steps in which the rate rises.
    #[must_use]
    pub const fn rising(self, rising: f64) -> Self {
        Self { rising, ..self }
    }

    /// Sets the peak divided by the first rate, and the first rate divided by the last one.
    #[must_use]
    pub const fn divisors(self, start_divisor: f64, end_divisor: f64) -> Self {
        Self { start_divisor, end_divisor, ..self }
    }

    /// Sets how the rate goes from one to the next.
    #[must_use]
    pub const fn annealing(self, annealing: Annealing) -> Self {
        Self { annealing, ..self }
    }

    /// Sets whether there are three phases.
    #[must_use]
    pub const fn three_phases(self, three_phases: bool) -> Self {
        Self { three_phases, ..self }
    }

    fn between(&self, start: f64, end: f64, share: f64) -> f64 {
        match self.annealing {
            Annealing::Cosine => along_cosine(start, end, share),
            Annealing::Linear => along_line(start, end, share),
        }
    }
}

impl Schedule for OneCycle {
    fn rate(&self, step: u64) -> f64 {
        let start = self.peak / self.start_divisor;
        let end = start / self.end_divisor;
        let last = self.steps.saturating_sub(1);
        if step >= last {
            // A cycle that only rises ends at its peak.
            return if self.rising == 1.0 && step == last { self.peak } else { end };
        }
        let (step, last, top) = (step as f64, last as f64, self.rising * self.steps as f64 - 1.0);
        if top > 0.0 && step <= top {
            return self.between(start, self.peak, step / top);
        }
        if !self.three_phases {
            return self.between(self.peak, end, (step - top) / (last - top));
        }
        let down = 2.0 * top;
        if step < down {
            self.between(self.peak, start, (step - top) / (down - top))
        } else {
            self.between(start, end, (step - down) / (last - down))
        }
    }

    fn validate(&self) -> Result<(), Error> {
        check_positive::<f64>("peak", self.peak)?;
        check_steps("steps", self.steps)?;
        let (most, expected) = if self.three_phases {
            (0.5, "a number in [0, 0.5], since there are three phases")
        } else {
            (1.0, "a number in [0, 1]")
        };
        if !(0.0..=most).contains(&self.rising) {
            return Err(Error::number("rising", self.rising, expected));
        }
        for (name, divisor) in [("start_divisor", self.start_divisor), ("end_divisor", self.end_divisor)] {
            if !(divisor.is_finite() && divisor >= 1.0) {
                return Err(Error::number(name, divisor, "a finite number that is at least 1"));
            }
        }
        Ok(())
    }
}
