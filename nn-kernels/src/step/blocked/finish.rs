//! What is done with the finished numbers of a product, strip by strip, while they are in L2.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::panels::Panels;
use super::product::{Finish, Source, Target};
use crate::isa::{Kernel, Simd};
use crate::step::passes::{Activate as ActivateAll, ActivateWithDerivative, Finish as Scale, Run};
use crate::step::slope::{QuadraticSlope, Slope, SlopeOf, StepSlope, StoredSlope};
use crate::step::update::{Part, Span, Update};
use crate::{Activation, Element, InstructionSet, LayerRange};

/// z as it is.
pub(super) struct Nothing;

impl<T> Finish<T> for Nothing {
    fn finish(&self, _set: InstructionSet, _panel: usize, _rows: Range<usize>, _strip: &mut [T]) {}
}

/// A = g(z); g' goes to `slope` where there is one.
pub(super) struct Activate<T> {
    pub(super) activation: Activation,
    pub(super) slope: Option<Target<T>>,
}

impl<T: Element> Finish<T> for Activate<T> {
    fn finish(&self, set: InstructionSet, panel: usize, rows: Range<usize>, strip: &mut [T]) {
        // All numbers of a strip are one long row: softmax, which would mind, is not for hidden layers.
        let (activation, width) = (self.activation, strip.len());
        match self.slope {
            Some(slope) => {
                // SAFETY: the slopes are shaped as C, and this strip of them belongs to who has the strip of C.
                let slope = unsafe { slope.strip(panel, rows) };
                slope.copy_from_slice(strip);
                T::dispatch(set, ActivateWithDerivative { activation, width, row: width, z: slope, a: strip });
            }
            None => T::dispatch(set, ActivateAll { activation, width, row: width, z: strip }),
        }
    }
}

/// δ^(l) = (Θ_wᵀ δ^(l+1)) ⊙ g', and the same turned.
pub(super) struct Backward<T> {
    /// a or g', shaped as δ.
    pub(super) values: Source<T>,
    pub(super) slope: Slope,
    /// δ with samples as rows.
    pub(super) turned: Target<T>,
}

impl<T: Element> Finish<T> for Backward<T> {
    fn finish(&self, set: InstructionSet, panel: usize, rows: Range<usize>, strip: &mut [T]) {
        // SAFETY: the slopes are shaped as δ, and nobody writes to them.
        let values = unsafe {
            std::slice::from_raw_parts(self.values.data.add(self.values.panels.at(rows.start, panel)), strip.len())
        };
        T::dispatch(set, TimesSlope { slope: self.slope, values, delta: &mut *strip });
        let width = self.turned.panels.width;
        let samples = panel * width..(panel + 1) * width;
        for (block, units) in strip.chunks(width * width).enumerate() {
            // SAFETY: a part begins with a panel of the turned matrix, and its rows are this part's alone.
            let turned = unsafe { self.turned.strip(rows.start / width + block, samples.clone()) };
            T::dispatch(set, TurnSquare { from: units, to: turned });
        }
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
pub(super) struct TurnSquare<'a, T> {
    pub(super) from: &'a [T],
    pub(super) to: &'a mut [T],
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

/// Δ ← Δ/m + λ/m Θ_w, Σ Θ_w², and the parameters that the gradient leads to, if they are wanted.
pub(super) struct Gradient<'a, T> {
    /// Where the layer's parameters lie among all.
    pub(super) range: &'a LayerRange,
    pub(super) panels: Panels,
    /// All parameters.
    pub(super) theta: &'a [T],
    pub(super) scale: T,
    pub(super) decay: T,
    /// Σ Θ_w² of this part.
    pub(super) squares: Target<f64>,
    /// The part's number.
    pub(super) part: usize,
    /// Whether more is to be added before Δ is finished.
    pub(super) more: bool,
    pub(super) update: Option<&'a Updating<'a, T>>,
}

/// What a fused update needs.
pub(super) struct Updating<'a, T> {
    pub(super) update: &'a dyn Update<T>,
    /// What the optimiser remembers, as long as the parameters, or nothing.
    pub(super) memory: [Memory<T>; 2],
    /// Whether everything that came of it was finite.
    pub(super) finite: AtomicBool,
}

/// Numbers that threads write in parts of their own.
#[derive(Clone, Copy)]
pub(super) struct Memory<T> {
    data: *mut T,
    len: usize,
}

// SAFETY: a pointer by itself does nothing; whoever uses it vouches for the part that it touches.
unsafe impl<T: Send> Sync for Memory<T> {}

impl<T> Memory<T> {
    pub(super) fn new(numbers: &mut [T]) -> Self {
        Self { data: numbers.as_mut_ptr(), len: numbers.len() }
    }

    /// The numbers of `range`, or none where there are none at all.
    ///
    /// # Safety
    /// The numbers are still borrowed and nobody else uses these meanwhile.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that no one else has these numbers")]
    pub(super) unsafe fn part(&self, range: &Range<usize>) -> &mut [T] {
        if self.len == 0 {
            return &mut [];
        }
        assert!(range.end <= self.len, "{range:?} of {} numbers", self.len);
        // SAFETY: within the numbers, by the assertion; the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(range.start), range.len()) }
    }
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
        let [first, second] = &self.memory;
        // SAFETY: the optimiser's memory is borrowed as long as this; the caller vouches for the range.
        let (first, second) = unsafe { (first.part(&range), second.part(&range)) };
        if !self.update.update(set, part, Span { theta, gradient, first, second }) {
            self.finite.store(false, Ordering::Relaxed);
        }
    }
}

impl<T: Element> Gradient<'_, T> {
    /// Where the strip lies among all parameters.
    fn place(&self, panel: usize, rows: &Range<usize>) -> Range<usize> {
        let start = self.range.weights.start + self.panels.at(rows.start, panel);
        start..start + rows.len() * self.panels.width
    }
}

impl<T: Element> Finish<T> for Gradient<'_, T> {
    fn finish(&self, set: InstructionSet, panel: usize, rows: Range<usize>, strip: &mut [T]) {
        if self.more {
            return;
        }
        let place = self.place(panel, &rows);
        let theta = &self.theta[place.clone()];
        let run = Run { theta, first: place.start, ranges: std::slice::from_ref(self.range) };
        let squares = T::dispatch(set, Scale { gradient: strip, run, scale: self.scale, decay: self.decay });
        // SAFETY: the part's own number.
        unsafe { self.squares.strip(0, self.part..self.part + 1)[0] += squares };
        if let Some(updating) = self.update {
            // SAFETY: the strip of Δ is this call's alone, and so are the parameters of the same place.
            unsafe { updating.run(set, Part::Weights, theta, strip, place) };
        }
    }
}
