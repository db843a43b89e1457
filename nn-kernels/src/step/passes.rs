//! The elementwise passes between the products, each a kernel that is run in an engine's instruction set.

use std::ops::Range;

use crate::activation::{activate, activate_with_derivative};
use crate::isa::{Kernel, Simd, Vector};
use crate::loss::{Output, cost_and_delta, weighted_cost_and_delta};
use crate::{Activation, Element, InstructionSet, LayerRange};

/// A = g(z) in place: `width` numbers of every `row`. g'(z) goes to `slope`, where there is one.
pub(super) struct Activate<'a, T> {
    pub(super) activation: Activation,
    pub(super) width: usize,
    pub(super) row: usize,
    pub(super) a: &'a mut [T],
    pub(super) slope: Option<&'a mut [T]>,
}

impl<T: Element> Kernel<T> for Activate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { activation, width, row, a, slope } = self;
        // Rows without a gap are one long row; softmax alone minds where they end.
        let (width, row) =
            if width == row && activation != Activation::Softmax { (a.len(), a.len()) } else { (width, row) };
        let rows = a.chunks_exact_mut(row.max(1));
        match slope {
            None => rows.for_each(|a| activate(s, activation, width, &mut a[..width])),
            Some(slope) => {
                for (a, slope) in rows.zip(slope.chunks_exact_mut(row.max(1))) {
                    slope.copy_from_slice(a);
                    activate_with_derivative(s, activation, width, &mut slope[..width], &mut a[..width]);
                }
            }
        }
    }
}

/// The rows' share of the cost, with a weight for each row where there are weights; z becomes δ^(L).
pub(super) struct CostAndDelta<'a, T> {
    pub(super) output: Output,
    pub(super) z: &'a mut [T],
    pub(super) targets: &'a [T],
    pub(super) weights: Option<&'a [T]>,
    pub(super) spare: &'a mut [T],
}

impl<T: Element> Kernel<T> for CostAndDelta<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        match self.weights {
            None => s.run(Unweighted(self)),
            Some(weights) => s.run(Weighted(self, weights)),
        }
    }
}

struct Unweighted<'a, T>(CostAndDelta<'a, T>);

impl<T: Element> Kernel<T> for Unweighted<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let CostAndDelta { output, z, targets, spare, .. } = self.0;
        cost_and_delta(s, output, z, targets, spare)
    }
}

/// A kernel of its own, so that the other one is the same with it and without it.
struct Weighted<'a, T>(CostAndDelta<'a, T>, &'a [T]);

impl<T: Element> Kernel<T> for Weighted<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let CostAndDelta { output, z, targets, spare, .. } = self.0;
        weighted_cost_and_delta(s, output, z, targets, self.1, spare)
    }
}

/// `values` += `others`.
pub(super) struct Add<'a, T> {
    pub(super) values: &'a mut [T],
    pub(super) others: &'a [T],
}

impl<T: Element> Kernel<T> for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _s: S) {
        for (value, &other) in self.values.iter_mut().zip(self.others) {
            *value += other;
        }
    }
}

/// A run of parameters of which `first` is the number of the first, and whose layers are `ranges`.
#[derive(Clone, Copy)]
pub(super) struct Run<'a, T> {
    pub(super) theta: &'a [T],
    pub(super) first: usize,
    pub(super) ranges: &'a [LayerRange],
}

impl<T> Run<'_, T> {
    /// Where in the run a layer's weights (`true`) and biases lie.
    #[inline(always)]
    fn parts(&self, range: &LayerRange) -> [(Range<usize>, bool); 2] {
        let end = self.first + self.theta.len();
        let [weights, bias] = [&range.weights, &range.bias]
            .map(|part| part.start.clamp(self.first, end) - self.first..part.end.clamp(self.first, end) - self.first);
        [(weights, true), (bias, false)]
    }
}

/// `gradient` ← `scale` · `gradient` + `decay` · Θ_w; returns Σ Θ_w², or 0 where `decay` is 0, in which case Θ is not
/// read. (`decay` is an `f64`, for one that rounds to 0 in `T` still has its term in the cost.)
pub(super) struct Finish<'a, T> {
    pub(super) gradient: &'a mut [T],
    pub(super) run: Run<'a, T>,
    pub(super) scale: T,
    pub(super) decay: f64,
}

impl<T: Element> Finish<'_, T> {
    /// Finishes the gradient in the instructions of `set`; the sum is finite where it is in `f64`.
    pub(super) fn run_in(self, set: InstructionSet) -> f64 {
        let run = self.run;
        let squares = T::dispatch(set, self);
        if squares.is_finite() { squares } else { squares_in_f64(run) }
    }
}

impl<T: Element> Kernel<T> for Finish<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let Self { gradient, run, scale, decay } = self;
        if decay == 0.0 {
            for gradient in gradient {
                *gradient *= scale;
            }
            return 0.0;
        }
        let (scale, decay) = (s.splat(scale), s.splat(T::from_f64(decay)));
        let mut squares = SumOfSquares::new(s);
        for range in run.ranges {
            for (part, weights) in run.parts(range) {
                let (gradient, theta) = (&mut gradient[part.clone()], &run.theta[part]);
                if weights {
                    squares.add(s, theta);
                }
                for (gradient, theta) in gradient.chunks_mut(S::LANES).zip(theta.chunks(S::LANES)) {
                    let whole = gradient.len() == S::LANES;
                    let scaled = scale * if whole { s.load(gradient) } else { s.load_partial(gradient, T::ZERO) };
                    let sum = match (weights, whole) {
                        (true, true) => decay.mul_add(s.load(theta), scaled),
                        (true, false) => decay.mul_add(s.load_partial(theta, T::ZERO), scaled),
                        (false, _) => scaled,
                    };
                    if whole {
                        s.store(sum, gradient);
                    } else {
                        s.store_partial(sum, gradient);
                    }
                }
            }
        }
        squares.total()
    }
}

/// Σ Θ_w².
pub(super) struct Squares<'a, T> {
    pub(super) run: Run<'a, T>,
}

impl<T: Element> Squares<'_, T> {
    /// Adds up in the instructions of `set`; the sum is finite where it is in `f64`.
    pub(super) fn run_in(self, set: InstructionSet) -> f64 {
        let run = self.run;
        let squares = T::dispatch(set, self);
        if squares.is_finite() { squares } else { squares_in_f64(run) }
    }
}

impl<T: Element> Kernel<T> for Squares<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let mut squares = SumOfSquares::new(s);
        for range in self.run.ranges {
            let [(weights, _), _] = self.run.parts(range);
            squares.add(s, &self.run.theta[weights]);
        }
        squares.total()
    }
}

/// Σ Θ², in vectors of the element type: the sum of a run is short enough for it. Where it overflows there, who
/// runs the kernel adds it up once more in `f64`.
struct SumOfSquares<V> {
    /// Side by side, which hides the latency of an addition.
    sums: [V; 4],
}

impl<V> SumOfSquares<V> {
    #[inline(always)]
    fn new<T: Element, S: Simd<T, V = V>>(s: S) -> Self
    where
        V: Vector<T>,
    {
        Self { sums: [s.splat(T::ZERO); 4] }
    }

    #[inline(always)]
    fn add<T: Element, S: Simd<T, V = V>>(&mut self, s: S, theta: &[T])
    where
        V: Vector<T>,
    {
        let mut blocks = theta.chunks_exact(4 * S::LANES);
        for block in &mut blocks {
            for (i, sum) in self.sums.iter_mut().enumerate() {
                let theta = s.load(&block[i * S::LANES..]);
                *sum = theta.mul_add(theta, *sum);
            }
        }
        for (rest, sum) in blocks.remainder().chunks(S::LANES).zip(&mut self.sums) {
            let theta = s.load_partial(rest, T::ZERO);
            *sum = theta.mul_add(theta, *sum);
        }
    }

    #[inline(always)]
    fn total<T: Element>(&self) -> f64
    where
        V: Vector<T>,
    {
        let [a, b, c, d] = self.sums;
        ((a + b) + (c + d)).sum().to_f64()
    }
}

/// Σ Θ_w² where it has no finite value in `T`: the square of 10²⁰ is past the end of `f32`.
#[cold]
#[inline(never)]
fn squares_in_f64<T: Element>(run: Run<'_, T>) -> f64 {
    let mut sum = 0.0;
    for range in run.ranges {
        let [(weights, _), _] = run.parts(range);
        for theta in &run.theta[weights] {
            sum += theta.to_f64() * theta.to_f64();
        }
    }
    sum
}

/// Σ of every column of rows of whole vectors.
pub(super) struct ColumnSums<'a, T> {
    pub(super) values: &'a [T],
    pub(super) width: usize,
    pub(super) add: bool,
    pub(super) sums: &'a mut [T],
}

impl<T: Element> Kernel<T> for ColumnSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { values, width, add, sums } = self;
        for (vector, sums) in sums.chunks_exact_mut(S::LANES).enumerate() {
            let at = vector * S::LANES;
            let mut totals = [s.splat(T::ZERO); 4];
            let mut fours = values.chunks_exact(4 * width);
            for rows in &mut fours {
                for (r, total) in totals.iter_mut().enumerate() {
                    *total = *total + s.load(&rows[r * width + at..]);
                }
            }
            for row in fours.remainder().chunks_exact(width) {
                totals[0] = totals[0] + s.load(&row[at..]);
            }
            let total = (totals[0] + totals[1]) + (totals[2] + totals[3]);
            s.store(if add { s.load(sums) + total } else { total }, sums);
        }
    }
}
