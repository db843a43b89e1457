//! How fast training steps are, and how much of what the machine's arithmetic allows that is (feature `throughput`).
//!
//! ```
//! use nn_train::prelude::*;
//! use nn_train::throughput::{Samples, Throughput};
//!
//! let mut net: DynNetwork<f32> = DynNetwork::new("32 => 64 relu => 1 linear".parse()?, Init::default(), 1)?;
//! let trainer = Trainer::builder().batch_size(256).threads(1).build()?;
//! let samples = Samples::random(net.architecture(), 256)?;
//! let measured = Throughput::measure(&trainer, &mut net, &samples, 3, 0.005)?;
//! println!("{measured}");
//! assert!(measured.samples_per_second() > 0.0 && measured.percent_of_peak() > 0.0);
//! # Ok::<(), Error>(())
//! ```

mod peak;
mod samples;

use std::fmt;
use std::time::Instant;

use nn_kernels::{Element, Explanation};
pub use peak::Peak;
pub use samples::Samples;

use crate::error::Error;
use crate::network::{DynNetwork, Network};
use crate::train::{Session, Trainer};

/// How long nothing but FMAs are done before each repeat, in seconds.
const PEAK_SECONDS: f64 = 0.04;

/// What was measured of a network's training steps.
///
/// One batch is stepped on over and over. After a warm-up come several repeats of as many steps as fill their time. The peak is
/// measured between the repeats, on the same threads, in the same instruction set and number type: what the machine does of
/// fused multiplications and additions if it does nothing else, or in bfloat16 of dot products of pairs. A step counts as 6
/// operations a weight and sample, but 4 for the weights of the first layer.
///
/// Where the trainer's steps are taken by [several processes](crate::TrainerBuilder::collective), all of them measure together,
/// each on rows of its own, and rows, operations and peak are those of all.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Throughput {
    /// How steps are computed.
    pub explanation: Explanation,
    /// Samples in a step.
    pub rows: usize,
    /// Operations (FLOPs) in a step.
    pub step_flops: f64,
    /// Seconds a step took in each repeat, the least first.
    pub seconds: Vec<f64>,
    /// Steps in a repeat.
    pub steps: usize,
    /// The FMA peak, in FLOP/s.
    pub peak: f64,
}

impl Throughput {
    /// Times steps of `trainer` on all of `samples` at once, in `repeats` repeats of about `seconds` each. The network is trained by
    /// that. Of several ranks each has samples of its own, and some may have none.
    ///
    /// # Errors
    /// [`Error::Argument`] without a repeat or for seconds that are not finite and positive, and what
    /// [`Trainer::session`] and its steps return.
    pub fn measure<T: Element>(
        trainer: &Trainer,
        network: &mut DynNetwork<T>,
        samples: &Samples<T>,
        repeats: usize,
        seconds: f64,
    ) -> Result<Self, Error> {
        if repeats == 0 {
            return Err(Error::argument("repeats", repeats, "at least 1"));
        }
        if !(seconds.is_finite() && seconds > 0.0) {
            return Err(Error::argument("seconds", seconds, "a finite number above 0"));
        }
        let group = trainer.group();
        let own_rows = samples.inputs.len() / network.architecture().inputs();
        let mut session = trainer.session(network)?;
        let explanation = session.explain().clone();
        let mut peak = Peak::new(explanation.set).precision(explanation.precision);
        // Ranks begin together, and the last to end counts: all have the same seconds, and so take the same number of steps.
        let steps = |session: &mut Session<'_, DynNetwork<T>>, count: usize| {
            group.sum("throughput", [0.0])?;
            let own = steps(session, samples, count)?;
            Ok::<_, Error>(
                group
                    .gather("throughput", [own])?
                    .into_iter()
                    .fold(0.0, |longest: f64, [seconds]| longest.max(seconds)),
            )
        };
        let (mut times, steps) = session.install(|session| {
            // Caches, branch predictors and the clock get used to it.
            let (mut count, mut taken) = (2, steps(session, 2)?);
            while taken < seconds / 4.0 {
                count *= 2;
                taken = steps(session, count)?;
            }
            let count = (seconds * count as f64 / taken).ceil().max(1.0) as usize;
            let mut times = Vec::new();
            for _ in 0..repeats {
                peak.measure::<T>(PEAK_SECONDS.min(seconds));
                times.push(steps(session, count)? / count as f64);
            }
            Ok::<_, Error>((times, count))
        })?;
        times.sort_by(f64::total_cmp);
        let [rows, peak] = group.sum("throughput", [own_rows as f64, peak.flops()])?;
        let rows = rows as usize;
        let step_flops = session.network().architecture().step_flops(rows);
        Ok(Self { explanation, rows, step_flops, seconds: times, steps, peak })
    }

    /// The seconds of a step: the median of the repeats, of an even number the slower one of the two in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.seconds.get(self.seconds.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The seconds of a step in the fastest repeat.
    #[must_use]
    pub fn best(&self) -> f64 {
        self.seconds.first().copied().unwrap_or(f64::NAN)
    }

    /// Samples a second, where a step takes [`median`](Self::median) seconds.
    #[must_use]
    pub fn samples_per_second(&self) -> f64 {
        self.samples_per_second_at(self.median())
    }

    /// Samples a second where a step takes `seconds`.
    #[must_use]
    pub fn samples_per_second_at(&self, seconds: f64) -> f64 {
        self.rows as f64 / seconds
    }

    /// FLOP/s where a step takes `seconds`.
    #[must_use]
    pub fn flops_at(&self, seconds: f64) -> f64 {
        self.step_flops / seconds
    }

    /// The share of the peak in per cent, where a step takes [`median`](Self::median) seconds.
    #[must_use]
    pub fn percent_of_peak(&self) -> f64 {
        self.percent_of_peak_at(self.median())
    }

    /// The share of the peak in per cent where a step takes `seconds`.
    #[must_use]
    pub fn percent_of_peak_at(&self, seconds: f64) -> f64 {
        100.0 * self.flops_at(seconds) / self.peak
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (samples, percent) = (self.samples_per_second(), self.percent_of_peak());
        write!(
            f,
            "{samples:.0} samples/s, {:.2} GFLOP/s, {percent:.1} % of the peak",
            self.flops_at(self.median()) / 1e9
        )
    }
}

/// The seconds that `count` steps take.
fn steps<T: Element>(
    session: &mut Session<'_, DynNetwork<T>>,
    samples: &Samples<T>,
    count: usize,
) -> Result<f64, Error> {
    let start = Instant::now();
    for _ in 0..count {
        session.step(&samples.inputs, &samples.targets)?;
    }
    Ok(start.elapsed().as_secs_f64())
}
