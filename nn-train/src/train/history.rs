//! The history of a run: the results of its epochs.

use std::fmt;
use std::ops::Deref;

use super::Epoch;

/// The epochs of a training run, in order. It can be read as a slice of [`Epoch`].
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct History {
    epochs: Vec<Epoch>,
}

impl History {
    /// The epochs, the first first.
    #[must_use]
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The epoch with the lowest validation cost, or where there was no validation the lowest cost; the earliest
    /// if several are alike. A cost that is NaN is no cost. `None` without an epoch that has one.
    #[must_use]
    pub fn best(&self) -> Option<&Epoch> {
        let cost = |epoch: &Epoch| epoch.validation_cost.unwrap_or(epoch.cost);
        let epochs = self.epochs.iter().filter(|epoch| !cost(epoch).is_nan());
        epochs.min_by(|a, b| cost(a).total_cmp(&cost(b)))
    }

    pub(super) fn push(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
    }
}

impl Deref for History {
    type Target = [Epoch];

    fn deref(&self) -> &[Epoch] {
        &self.epochs
    }
}

impl FromIterator<Epoch> for History {
    fn from_iter<I: IntoIterator<Item = Epoch>>(epochs: I) -> Self {
        Self { epochs: epochs.into_iter().collect() }
    }
}

impl Extend<Epoch> for History {
    fn extend<I: IntoIterator<Item = Epoch>>(&mut self, epochs: I) {
        self.epochs.extend(epochs);
    }
}

impl<'a> IntoIterator for &'a History {
    type Item = &'a Epoch;
    type IntoIter = std::slice::Iter<'a, Epoch>;

    fn into_iter(self) -> Self::IntoIter {
        self.epochs.iter()
    }
}

impl fmt::Display for History {
    /// A table, one line an epoch, the best one marked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch        cost  validation  accuracy   samples/s")?;
        let best = self.best().map(|epoch| epoch.number);
        let optional = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |n| format!("{n:.4}"));
        for epoch in &self.epochs {
            write!(
                f,
                "\n{:>5}  {:>10.6}  {:>10}  {:>8}  {:>10.0}",
                epoch.number,
                epoch.cost,
                optional(epoch.validation_cost),
                optional(epoch.accuracy),
                epoch.samples_per_second
            )?;
            if Some(epoch.number) == best {
                write!(f, "  best")?;
            }
        }
        Ok(())
    }
}
