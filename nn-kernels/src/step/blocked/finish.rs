//! What is done with the finished numbers of a product, strip by strip, while they are in L2.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::panels::Panels;
use super::product::{Finish, Source, Target};
use crate::activation::{activate, activate_with_derivative};
use crate::isa::{Kernel, Simd};
use crate::step::passes::{Finish as Scale, Run};
use crate::step::slope::SlopeOf;
use crate::step::update::{Part, Span, Update};
use crate::{Activation, Element, InstructionSet, LayerRange};

/// z as it is.
pub(super) struct Nothing;

impl<T> Finish<T> for Nothing {
    #[inline(always)]
    fn finish<S: Simd<T>>(&self, _s: S, _panel: usize, _rows: Range<usize>, _strip: &mut [T]) {}
}

/// A = g(z); g' goes to `slope` where there is one.
pub(super) struct Activate<T> {
    pub(super) activation: Activation,
    pub(super) slope: Option<Target<T>>,
}

impl<T: Element> Finish<T> for Activate<T> {
    #[inline(always)]
    fn finish<S: Simd<T>>(&self, s: S, panel: usize, rows: Range<usize>, strip: &mut [T]) {
        // All numbers of a strip are one long row: softmax, which would mind, is not for hidden layers.
        let width = strip.len();
        match self.slope {
            Some(slope) => {
                // SAFETY: the slopes are shaped as C, and this strip of them belongs to who has the strip of C.
                let slope = unsafe { slope.strip(panel, rows) };
                slope.copy_from_slice(strip);
                activate_with_derivative(s, self.activation, width, slope, strip);
            }
            None => activate(s, self.activation, width, strip),
        }
    }
}

/// δ^(l) = (Θ_wᵀ δ^(l+1)) ⊙ g', and the same turned.
pub(super) struct Backward<T, G> {
    /// a or g', shaped as δ.
    pub(super) slope: Source<T>,
    pub(super) slope_of: G,
    /// δ with samples as rows.
    pub(super) turned: Target<T>,
}

impl<T: Element, G: SlopeOf<T> + Sync> Finish<T> for Backward<T, G> {
    #[inline(always)]
    fn finish<S: Simd<T>>(&self, s: S, panel: usize, rows: Range<usize>, strip: &mut [T]) {
        // SAFETY: the slopes are shaped as δ.
        let slopes = unsafe {
            std::slice::from_raw_parts(self.slope.data.add(self.slope.panels.at(rows.start, panel)), strip.len())
        };
        for (delta, slope) in strip.chunks_exact_mut(S::LANES).zip(slopes.chunks_exact(S::LANES)) {
            let slope = self.slope_of.slope(s, s.load(slope));
            s.store(s.load(delta) * slope, delta);
        }
        let samples = panel * S::LANES..(panel + 1) * S::LANES;
        for (block, units) in strip.chunks(S::LANES * S::LANES).enumerate() {
            // SAFETY: a part begins with a panel of the turned matrix, and its rows are this part's alone.
            let turned = unsafe { self.turned.strip(rows.start / S::LANES + block, samples.clone()) };
            turn(s, units, turned);
        }
    }
}

/// A square of whole vectors turned; where `from` has fewer rows, the columns for them are zero.
#[inline(always)]
pub(super) fn turn<T: Element, S: Simd<T>>(s: S, from: &[T], to: &mut [T]) {
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

/// Δ ← Δ/m + λ/m Θ_w, Σ Θ_w², and the parameters that the gradient leads to, if they are wanted.
pub(super) struct Gradient<'a, T> {
    pub(super) set: InstructionSet,
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
    #[inline(always)]
    fn place(&self, panel: usize, rows: &Range<usize>) -> Range<usize> {
        let start = self.range.weights.start + self.panels.at(rows.start, panel);
        start..start + rows.len() * self.panels.width
    }
}

impl<T: Element> Finish<T> for Gradient<'_, T> {
    #[inline(always)]
    fn finish<S: Simd<T>>(&self, s: S, panel: usize, rows: Range<usize>, strip: &mut [T]) {
        if self.more {
            return;
        }
        let place = self.place(panel, &rows);
        let theta = &self.theta[place.clone()];
        let run = Run { theta, first: place.start, ranges: std::slice::from_ref(self.range) };
        let squares = Scale { gradient: strip, run, scale: self.scale, decay: self.decay }.run(s);
        // SAFETY: the part's own number.
        unsafe { self.squares.strip(0, self.part..self.part + 1)[0] += squares };
        if let Some(updating) = self.update {
            // SAFETY: the strip of Δ is this call's alone, and so are the parameters of the same place.
            unsafe { updating.run(self.set, Part::Weights, theta, strip, place) };
        }
    }

    #[inline(always)]
    fn prefetch<S: Simd<T>>(&self, s: S, panel: usize, row: usize) {
        s.prefetch(self.theta.as_ptr().wrapping_add(self.place(panel, &(row..row)).start));
    }
}
