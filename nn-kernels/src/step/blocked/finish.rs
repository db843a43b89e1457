//! What is done with the finished numbers of a product, strip by strip, while they are in L2.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::panels::Panels;
use super::product::{Finish, Strip};
use super::shared::{Shared, Source, Target};
use crate::isa::{Kernel, Simd};
use crate::step::passes::{Activate as ActivateAll, ActivateWithDerivative, Finish as Scale, Run};
use crate::step::slope::{QuadraticSlope, Slope, SlopeOf, StepSlope, StoredSlope};
use crate::step::update::{MAX_SLOTS, Part, Slot, Span, Update};
use crate::{Activation, Element, InstructionSet, LayerRange};

/// z as it is.
pub(super) struct Nothing;

impl<T> Finish<T> for Nothing {
    unsafe fn finish(&self, _set: InstructionSet, _strip: Strip, _numbers: &mut [T]) {}
}

/// A = g(z); g' goes to `slope` where there is one.
pub(super) struct Activate<'a, T> {
    pub(super) activation: Activation,
    /// Shaped as C.
    pub(super) slope: Option<Target<'a, T>>,
}

impl<T: Element> Finish<T> for Activate<'_, T> {
    unsafe fn finish(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]) {
        // All numbers of a strip are one long row: softmax, which would mind, is not for hidden layers.
        let (activation, width) = (self.activation, numbers.len());
        match &self.slope {
            Some(slope) => {
                // SAFETY: each strip comes once.
                let slope = unsafe { slope.strip(strip.panel, strip.rows) };
                slope.copy_from_slice(numbers);
                T::dispatch(set, ActivateWithDerivative { activation, width, row: width, z: slope, a: numbers });
            }
            None => T::dispatch(set, ActivateAll { activation, width, row: width, z: numbers }),
        }
    }
}

/// δ^(l) = (Θ_wᵀ δ^(l+1)) ⊙ g', and the same turned.
pub(super) struct Backward<'a, T> {
    /// a or g', shaped as δ.
    pub(super) values: Source<'a, T>,
    pub(super) slope: Slope,
    /// δ with samples as rows.
    pub(super) turned: Target<'a, T>,
}

impl<T: Element> Finish<T> for Backward<'_, T> {
    unsafe fn finish(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]) {
        let Strip { panel, rows, .. } = strip;
        let values = self.values.strip(panel, rows.clone());
        T::dispatch(set, TimesSlope { slope: self.slope, values, delta: &mut *numbers });
        // SAFETY: each strip comes once, and a part begins with a panel of the turned matrix.
        unsafe { turn(set, numbers, &self.turned, rows.start, panel) };
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
        T::dispatch(set, TurnSquare { from: units, to: square });
    }
}

/// `delta` ⊙= g', which `values` hold or tell.
struct TimesSlope<'a, T> {
    slope: Slope,
    values: &'a [T],
    delta: &'a mut [T],
}

impl<T: Element> Kernel<T> for TimesSlope<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        match self.slope {
            Slope::Quadratic(c) => self.times(s, QuadraticSlope::new(c)),
            Slope::Step => self.times(s, StepSlope),
            Slope::Stored => self.times(s, StoredSlope),
        }
    }
}

impl<T: Element> TimesSlope<'_, T> {
    #[inline(always)]
    fn times<S: Simd<T>, G: SlopeOf<T>>(self, s: S, slope_of: G) {
        for (delta, value) in self.delta.chunks_exact_mut(S::LANES).zip(self.values.chunks_exact(S::LANES)) {
            let slope = slope_of.slope(s, s.load(value));
            s.store(s.load(delta) * slope, delta);
        }
    }
}

/// A square of whole vectors turned; where `from` has fewer rows, the columns for them are zero.
struct TurnSquare<'a, T> {
    from: &'a [T],
    to: &'a mut [T],
}

impl<T: Element> Kernel<T> for TurnSquare<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { from, to } = self;
        let width = S::LANES;
        assert!(to.len() == width * width && from.len() <= to.len(), "{} numbers to {}", from.len(), to.len());
        if from.len() < to.len() {
            to.fill(T::ZERO);
            for (r, row) in from.chunks_exact(width).enumerate() {
                for (c, value) in row.iter().enumerate() {
                    to[c * width + r] = *value;
                }
            }
            return;
        }
        for row in (0..width).step_by(S::BLOCK) {
            for column in (0..width).step_by(S::BLOCK) {
                // SAFETY: a block lies within both squares, whose lengths the assertion checks.
                unsafe {
                    let (source, target) = (from.as_ptr().add(row * width + column), to.as_mut_ptr());
                    s.transpose(source, width, target.add(column * width + row), width);
                }
            }
        }
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

/// What a fused update needs.
pub(super) struct Updating<'a, T> {
    pub(super) update: &'a dyn Update<T>,
    /// The optimiser's memory before and after the step, as long as the parameters, or empty.
    pub(super) slots: [(&'a [T], Shared<'a, T>); MAX_SLOTS],
    /// Whether everything that came of it was finite.
    pub(super) finite: AtomicBool,
}

impl<T: Element> Updating<'_, T> {
    /// Updates the parameters of `range`, whose gradient is `gradient`.
    ///
    /// # Safety
    /// Nobody else updates these parameters meanwhile.
    pub(super) unsafe fn run(
        &self,
        set: InstructionSet,
        part: Part,
        theta: &[T],
        gradient: &mut [T],
        range: Range<usize>,
    ) {
        let slots = self.slots.each_ref().map(|(old, new)| {
            let range = if old.is_empty() { 0..0 } else { range.clone() };
            // SAFETY: the caller vouches for the range.
            Slot { old: &old[range.clone()], new: unsafe { new.part(range) } }
        });
        if !self.update.update(set, part, Span { theta, gradient, slots }) {
            self.finite.store(false, Ordering::Relaxed);
        }
    }
}

impl<T: Element> Finish<T> for Gradient<'_, T> {
    unsafe fn finish(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]) {
        if self.more {
            return;
        }
        let first = self.range.weights.start + self.panels.at(strip.rows.start, strip.panel);
        let place = first..first + numbers.len();
        let theta = &self.theta[place.clone()];
        let run = Run { theta, first, ranges: std::slice::from_ref(self.range) };
        let squares = Scale { gradient: numbers, run, scale: self.scale, decay: self.decay }.run_in(set);
        // SAFETY: one thread computes a part.
        unsafe { self.squares.part(strip.part..strip.part + 1)[0] += squares };
        if let Some(updating) = self.update {
            // SAFETY: each strip comes once, and with it the parameters of the same place.
            unsafe { updating.run(set, Part::Weights, theta, numbers, place) };
        }
    }
}
