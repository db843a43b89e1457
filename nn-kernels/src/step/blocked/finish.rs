//! What is done with the finished numbers of a product, strip by strip, while they are in L2.

use super::matrix::Target;
use super::panels::Panels;
use super::product::{Complete, Strip};
use crate::product;
use crate::step::passes::{Activate as ActivateAll, Finish as Scale, Run};
use crate::step::update::{Part, Updating};
use crate::threads::Shared;
use crate::{Activation, Element, InstructionSet, LayerRange};

/// A = g(z); g' goes to `slope` where there is one.
pub(super) struct Activate<'a, T> {
    pub(super) activation: Activation,
    /// Shaped as C.
    pub(super) slope: Option<Target<'a, T>>,
}

impl<T: Element> Complete<T> for Activate<'_, T> {
    unsafe fn complete(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]) {
        // All numbers of a strip are one long row: softmax, which would mind, is not for hidden layers.
        let (activation, width) = (self.activation, numbers.len());
        // SAFETY: each strip comes once.
        let slope = self.slope.as_ref().map(|slope| unsafe { slope.strip(strip.panel, strip.rows) });
        T::dispatch(set, ActivateAll { activation, width, row: width, a: numbers, slope });
    }
}

/// δ once more with samples as rows.
pub(super) struct Turned<'a, T>(pub(super) Target<'a, T>);

impl<T: Element> Complete<T> for Turned<'_, T> {
    unsafe fn complete(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]) {
        // SAFETY: each strip comes once, and a part begins with a panel of the turned matrix.
        unsafe { turn(set, numbers, &self.0, strip.rows.start, strip.panel) };
    }
}

/// Writes units from a multiple of the width on, `first_unit`, of the samples of a panel to where they are columns.
///
/// # Panics
/// When `first_unit` is no multiple of the width.
///
/// # Safety
/// Nobody else uses these samples' rows of `to` in the panels of these units meanwhile, all of the last one included.
pub(super) unsafe fn turn<T: Element>(
    set: InstructionSet,
    units: &[T],
    to: &Target<'_, T>,
    first_unit: usize,
    samples: usize,
) {
    let width = to.panels.width;
    assert!(first_unit.is_multiple_of(width), "unit {first_unit} begins no panel of {width}");
    let rows = samples * width..(samples + 1) * width;
    for (panel, units) in (first_unit / width..).zip(units.chunks(width * width)) {
        // SAFETY: the caller vouches for them.
        let square = unsafe { to.strip(panel, rows.clone()) };
        if units.len() < square.len() {
            // There are columns without a unit.
            square.fill(T::ZERO);
        }
        product::turn(set, (units, width), (units.len() / width, width), (square, width));
    }
}

/// Δ ← `scale` Δ + `decay` Θ_w, Σ Θ_w², and the parameters that the gradient leads to, if they are wanted.
pub(super) struct Gradient<'a, T> {
    /// Where the layer's parameters lie among all.
    pub(super) range: &'a LayerRange,
    pub(super) panels: Panels,
    /// All parameters.
    pub(super) theta: &'a [T],
    pub(super) scale: T,
    pub(super) decay: f64,
    /// Σ Θ_w² of each part.
    pub(super) squares: Shared<'a, f64>,
    /// Whether more is to be added before Δ is finished.
    pub(super) more: bool,
    pub(super) update: Option<&'a Updating<'a, T>>,
}

impl<T: Element> Complete<T> for Gradient<'_, T> {
    unsafe fn complete(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]) {
        if self.more {
            return;
        }
        let first = self.range.weights.start + self.panels.at(strip.rows.start, strip.panel);
        let place = first..first + numbers.len();
        let theta = &self.theta[place.clone()];
        let run = Run { theta, first, ranges: std::slice::from_ref(self.range) };
        let squares = Scale { gradient: numbers, run, scale: self.scale, decay: self.decay }.run_in(set);
        // SAFETY: one thread computes a part.
        unsafe { *self.squares.one(strip.part) += squares };
        if let Some(updating) = self.update {
            // SAFETY: each strip comes once, and with it the parameters of the same place.
            unsafe { updating.run(set, Part::Weights, theta, numbers, place) };
        }
    }
}
