//! The result of one epoch.

use std::fmt;
use std::time::Duration;

/// One pass over the training data.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Epoch {
    /// Which one, from 1.
    pub number: usize,
    /// J as the steps saw it: the mean over the epoch's samples, with dropout, smoothed targets and the terms
    /// in λ, while the parameters were moving. NaN where all steps of the epoch were dropped.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub cost: f64,
    /// The mean loss on the validation data after the epoch, without dropout, smoothing and terms in λ.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::optional"))]
    pub validation_cost: Option<f64>,
    /// The share of the validation data that is classified right after the epoch, in [0, 1]. There is one where
    /// the loss is cross-entropy and every validation target is a class.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::optional"))]
    pub accuracy: Option<f64>,
    /// Samples trained on a second of [`duration`](Self::duration).
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub samples_per_second: f64,
    /// Steps of the epoch that diverged and were [dropped](crate::Divergence).
    #[cfg_attr(feature = "serde", serde(default))]
    pub dropped_steps: u64,
    /// How long training took, with the callbacks after its steps, without validation.
    pub duration: Duration,
}

impl fmt::Display for Epoch {
    /// `epoch 3: cost 0.1234, validation cost 0.1312, accuracy 0.9722, 250000 samples/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}: cost {:.4}", self.number, self.cost)?;
        if let Some(cost) = self.validation_cost {
            write!(f, ", validation cost {cost:.4}")?;
        }
        if let Some(accuracy) = self.accuracy {
            write!(f, ", accuracy {accuracy:.4}")?;
        }
        write!(f, ", {:.0} samples/s", self.samples_per_second)?;
        if self.dropped_steps > 0 {
            write!(f, ", steps dropped: {}", self.dropped_steps)?;
        }
        Ok(())
    }
}
