//! Label smoothing: what becomes of targets before a training step.

use nn_kernels::{Architecture, Batch, Element};

use crate::data::TargetRule;
use crate::error::{Error, is_expressible};

/// y ← (1 - ε) y + ε/K.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Smoothing<T> {
    /// 1 - ε.
    keep: T,
    /// ε/K.
    share: T,
}

impl<T: Element> Smoothing<T> {
    /// What a trainer's ε comes to for a network; `None` for 0.
    pub(super) fn new(epsilon: f64, architecture: &Architecture) -> Result<Option<Self>, Error> {
        if epsilon == 0.0 {
            return Ok(None);
        }
        let classes = match TargetRule::of(architecture) {
            TargetRule::Distribution => architecture.outputs(),
            TargetRule::Probabilities => 2,
            TargetRule::Any => {
                let expected = "0, as only targets of the loss cross_entropy are smoothed";
                return Err(Error::number("label_smoothing", epsilon, expected));
            }
        };
        let [keep, share] = [1.0 - epsilon, epsilon / classes as f64];
        if !(is_expressible::<T>(keep) && is_expressible::<T>(share)) || T::from_f64(keep) == T::ONE {
            let expected = "a number ε of which neither 1 - ε nor ε/K rounds to 0 or 1 in the network's type";
            return Err(Error::number("label_smoothing", epsilon, expected));
        }
        Ok(Some(Self { keep: T::from_f64(keep), share: T::from_f64(share) }))
    }

    /// The same batch with smoothed targets.
    pub(super) fn of<'b>(self, batch: &Batch<'b, T>) -> Batch<'b, T> {
        batch.with_smoothing(self.keep, self.share)
    }
}
