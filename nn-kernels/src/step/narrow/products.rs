//! The three products of the narrow engine over one tile: units are rows of `stride` samples, of which the kernels
//! take `GROUPS` vectors.
//!
//! Each works on a block of units such that its sums stay in registers; a weight is broadcast once for all vectors.

use crate::Element;
use crate::isa::{Kernel, Simd, Vector};
use crate::slope::SlopeOf;

/// Units as rows of samples.
#[derive(Clone, Copy)]
pub(super) struct Units<T> {
    pub(super) data: *mut T,
    pub(super) stride: usize,
}

impl<T> Units<T> {
    /// The same from a sample on.
    #[inline(always)]
    fn from(self, sample: usize) -> Self {
        Self { data: self.data.wrapping_add(sample), ..self }
    }

    /// The row of `unit`.
    ///
    /// # Safety
    /// There are more than `unit` rows.
    #[inline(always)]
    unsafe fn row(self, unit: usize) -> *mut T {
        // SAFETY: the caller vouches for the row.
        unsafe { self.data.add(unit * self.stride) }
    }
}

/// A matrix of weights by output and input: Θ_w, or, with the strides exchanged, its transpose.
#[derive(Clone, Copy)]
pub(super) struct Weights<T> {
    pub(super) data: *const T,
    pub(super) output: usize,
    pub(super) input: usize,
}

/// Sums of a block that stay in registers beside the weights and a vector of samples.
const fn most_sums<T, S: Simd<T>>() -> usize {
    match S::SUMS {
        24.. => 16,
        _ => 8,
    }
}

/// Whether eight vectors go forward and back as twice four.
const fn in_halves<T, S: Simd<T>>() -> bool {
    most_sums::<T, S>() < 16
}

/// Whether blocks of three rows are taken: 12 sums, 3 weights and a vector of samples are sixteen registers.
const fn three_rows<T, S: Simd<T>>(groups: usize) -> bool {
    most_sums::<T, S>() == 8 && groups == 4
}

/// `OUTPUTS` units of a forward pass from unit `o` on: z = Θ_w a + b.
///
/// # Safety
/// Every unit named has a row of `GROUPS` vectors, and weights and bias are valid for reads.
#[inline(always)]
unsafe fn forward_block<T: Element, S: Simd<T>, const GROUPS: usize, const OUTPUTS: usize>(
    s: S,
    (inputs, o): (usize, usize),
    weights: Weights<T>,
    bias: *const T,
    a: Units<T>,
    z: Units<T>,
) {
    // SAFETY: the caller vouches for units, weights and bias.
    unsafe {
        let mut sums = [[s.splat(T::ZERO); GROUPS]; OUTPUTS];
        for (r, sums) in sums.iter_mut().enumerate() {
            *sums = [s.splat(*bias.add(o + r)); GROUPS];
        }
        for i in 0..inputs {
            let mut weight = [s.splat(T::ZERO); OUTPUTS];
            for (r, weight) in weight.iter_mut().enumerate() {
                *weight = s.splat(*weights.data.add((o + r) * weights.output + i * weights.input));
            }
            for g in 0..GROUPS {
                let column = s.load_ptr(a.row(i).add(g * S::LANES));
                for (sums, weight) in sums.iter_mut().zip(weight) {
                    sums[g] = weight.mul_add(column, sums[g]);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (g, sum) in sums.iter().enumerate() {
                s.store_ptr(*sum, z.row(o + r).add(g * S::LANES));
            }
        }
    }
}

/// z = Θ_w a + b of a whole layer.
///
/// # Safety
/// As [`forward_block`], for all `inputs` and `outputs`.
#[inline(always)]
unsafe fn forward<T: Element, S: Simd<T>, const GROUPS: usize>(
    s: S,
    (inputs, outputs): (usize, usize),
    weights: Weights<T>,
    bias: *const T,
    a: Units<T>,
    z: Units<T>,
) {
    let mut o = 0;
    // SAFETY: every block lies within the layer that the caller vouches for.
    unsafe {
        if const { GROUPS * 4 <= most_sums::<T, S>() } {
            while outputs - o >= 4 {
                forward_block::<T, S, GROUPS, 4>(s, (inputs, o), weights, bias, a, z);
                o += 4;
            }
        }
        if const { three_rows::<T, S>(GROUPS) } {
            while outputs - o >= 3 && outputs - o != 4 {
                forward_block::<T, S, GROUPS, 3>(s, (inputs, o), weights, bias, a, z);
                o += 3;
            }
        }
        while outputs - o >= 2 {
            forward_block::<T, S, GROUPS, 2>(s, (inputs, o), weights, bias, a, z);
            o += 2;
        }
        if outputs > o {
            forward_block::<T, S, GROUPS, 1>(s, (inputs, o), weights, bias, a, z);
        }
    }
}

/// `INPUTS` units of back-propagation from unit `i` on: δ^(l) = (Θ_wᵀ δ^(l+1)) ⊙ g'.
///
/// # Safety
/// Every unit named has a row of `GROUPS` vectors, and the weights are valid for reads.
#[inline(always)]
unsafe fn backward_block<T: Element, S: Simd<T>, G: SlopeOf<T>, const GROUPS: usize, const INPUTS: usize>(
    s: S,
    (outputs, i): (usize, usize),
    weights: Weights<T>,
    delta: Units<T>,
    (slope_of, slope): (G, Units<T>),
    out: Units<T>,
) {
    // SAFETY: the caller vouches for units and weights.
    unsafe {
        let mut sums = [[s.splat(T::ZERO); GROUPS]; INPUTS];
        for o in 0..outputs {
            let mut weight = [s.splat(T::ZERO); INPUTS];
            for (r, weight) in weight.iter_mut().enumerate() {
                *weight = s.splat(*weights.data.add(o * weights.output + (i + r) * weights.input));
            }
            for g in 0..GROUPS {
                let column = s.load_ptr(delta.row(o).add(g * S::LANES));
                for (sums, weight) in sums.iter_mut().zip(weight) {
                    sums[g] = weight.mul_add(column, sums[g]);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (g, sum) in sums.iter().enumerate() {
                let value = s.load_ptr(slope.row(i + r).add(g * S::LANES));
                s.store_ptr(*sum * slope_of.slope(s, value), out.row(i + r).add(g * S::LANES));
            }
        }
    }
}

/// δ^(l) of a whole layer.
///
/// # Safety
/// As [`backward_block`], for all `inputs` and `outputs`.
#[inline(always)]
unsafe fn backward<T: Element, S: Simd<T>, G: SlopeOf<T>, const GROUPS: usize>(
    s: S,
    (inputs, outputs): (usize, usize),
    weights: Weights<T>,
    delta: Units<T>,
    slope: (G, Units<T>),
    out: Units<T>,
) {
    let mut i = 0;
    // SAFETY: every block lies within the layer that the caller vouches for.
    unsafe {
        if const { GROUPS * 4 <= most_sums::<T, S>() } {
            while inputs - i >= 4 {
                backward_block::<T, S, G, GROUPS, 4>(s, (outputs, i), weights, delta, slope, out);
                i += 4;
            }
        }
        if const { three_rows::<T, S>(GROUPS) } {
            while inputs - i >= 3 && inputs - i != 4 {
                backward_block::<T, S, G, GROUPS, 3>(s, (outputs, i), weights, delta, slope, out);
                i += 3;
            }
        }
        while inputs - i >= 2 {
            backward_block::<T, S, G, GROUPS, 2>(s, (outputs, i), weights, delta, slope, out);
            i += 2;
        }
        if inputs > i {
            backward_block::<T, S, G, GROUPS, 1>(s, (outputs, i), weights, delta, slope, out);
        }
    }
}

/// Σ over the tile's samples of δ_o a_i for a block of units, lane by lane: written to the accumulators where they are
/// `fresh`, or added to them.
///
/// # Safety
/// Every unit named has a row of `GROUPS` vectors; `sums` has a vector for each of `outputs` × `inputs`.
#[inline(always)]
unsafe fn gradient_block<T: Element, S: Simd<T>, const GROUPS: usize, const OUTPUTS: usize, const INPUTS: usize>(
    s: S,
    (inputs, o, i): (usize, usize, usize),
    delta: Units<T>,
    a: Units<T>,
    (fresh, sums): (bool, *mut T),
) {
    // SAFETY: the caller vouches for units and accumulators.
    unsafe {
        let mut totals = [[s.splat(T::ZERO); INPUTS]; OUTPUTS];
        if !fresh {
            for (r, totals) in totals.iter_mut().enumerate() {
                for (c, total) in totals.iter_mut().enumerate() {
                    *total = s.load_ptr(sums.add(((o + r) * inputs + i + c) * S::LANES));
                }
            }
        }
        for g in 0..GROUPS {
            let mut columns = [s.splat(T::ZERO); INPUTS];
            for (c, column) in columns.iter_mut().enumerate() {
                *column = s.load_ptr(a.row(i + c).add(g * S::LANES));
            }
            for (r, totals) in totals.iter_mut().enumerate() {
                let delta = s.load_ptr(delta.row(o + r).add(g * S::LANES));
                for (total, column) in totals.iter_mut().zip(columns) {
                    *total = delta.mul_add(column, *total);
                }
            }
        }
        for (r, totals) in totals.iter().enumerate() {
            for (c, total) in totals.iter().enumerate() {
                s.store_ptr(*total, sums.add(((o + r) * inputs + i + c) * S::LANES));
            }
        }
    }
}

/// Σ δ aᵀ of a whole layer, and Σ δ for its bias.
///
/// # Safety
/// As [`gradient_block`], for all `inputs` and `outputs`; `bias` has a vector for each output.
#[inline(always)]
unsafe fn gradient<T: Element, S: Simd<T>, const GROUPS: usize>(
    s: S,
    (inputs, outputs): (usize, usize),
    delta: Units<T>,
    a: Units<T>,
    (fresh, weights, bias): (bool, *mut T, *mut T),
) {
    // SAFETY: every block lies within the layer that the caller vouches for.
    unsafe {
        let mut o = 0;
        if const { most_sums::<T, S>() >= 16 } {
            while outputs - o >= 4 {
                gradient_rows::<T, S, GROUPS, 4>(s, (inputs, o), delta, a, (fresh, weights));
                o += 4;
            }
        }
        while outputs - o >= 2 {
            gradient_rows::<T, S, GROUPS, 2>(s, (inputs, o), delta, a, (fresh, weights));
            o += 2;
        }
        while outputs > o {
            gradient_rows::<T, S, GROUPS, 1>(s, (inputs, o), delta, a, (fresh, weights));
            o += 1;
        }
        for o in 0..outputs {
            let mut total = if fresh { s.splat(T::ZERO) } else { s.load_ptr(bias.add(o * S::LANES)) };
            for g in 0..GROUPS {
                total = total + s.load_ptr(delta.row(o).add(g * S::LANES));
            }
            s.store_ptr(total, bias.add(o * S::LANES));
        }
    }
}

/// All inputs of `OUTPUTS` rows of the gradient.
///
/// # Safety
/// As [`gradient`].
#[inline(always)]
unsafe fn gradient_rows<T: Element, S: Simd<T>, const GROUPS: usize, const OUTPUTS: usize>(
    s: S,
    (inputs, o): (usize, usize),
    delta: Units<T>,
    a: Units<T>,
    (fresh, weights): (bool, *mut T),
) {
    // SAFETY: every block lies within the layer that the caller vouches for.
    unsafe {
        let mut i = 0;
        while inputs - i >= 4 {
            gradient_block::<T, S, GROUPS, OUTPUTS, 4>(s, (inputs, o, i), delta, a, (fresh, weights));
            i += 4;
        }
        if inputs - i >= 2 {
            gradient_block::<T, S, GROUPS, OUTPUTS, 2>(s, (inputs, o, i), delta, a, (fresh, weights));
            i += 2;
        }
        if inputs > i {
            gradient_block::<T, S, GROUPS, OUTPUTS, 1>(s, (inputs, o, i), delta, a, (fresh, weights));
        }
    }
}

/// Runs a product over as many vectors as the tile has: eight only where `$eight` says so, for bodies that nobody runs are not
/// to be compiled.
macro_rules! by_groups {
    ($groups:expr, $eight:expr, $function:ident, ($($generic:ty),*), $arguments:tt) => {
        match $groups {
            8 if const { $eight } => $function::<$($generic,)* 8> $arguments,
            4 => $function::<$($generic,)* 4> $arguments,
            2 => $function::<$($generic,)* 2> $arguments,
            _ => $function::<$($generic,)* 1> $arguments,
        }
    };
}

/// z = Θ_w a + b of a layer.
pub(super) struct Forward<T> {
    pub(super) groups: usize,
    /// Inputs and outputs.
    pub(super) shape: (usize, usize),
    pub(super) weights: Weights<T>,
    pub(super) bias: *const T,
    pub(super) a: Units<T>,
    pub(super) z: Units<T>,
}

/// δ^(l) = (Θ_wᵀ δ^(l+1)) ⊙ g' of a layer.
pub(super) struct Backward<T> {
    pub(super) groups: usize,
    /// Inputs and outputs.
    pub(super) shape: (usize, usize),
    pub(super) weights: Weights<T>,
    pub(super) delta: Units<T>,
    /// a, or g' where it is stored.
    pub(super) slope: Units<T>,
    pub(super) out: Units<T>,
}

/// Σ δ aᵀ and Σ δ of a layer, lane by lane.
pub(super) struct Gradient<T> {
    pub(super) groups: usize,
    /// Inputs and outputs.
    pub(super) shape: (usize, usize),
    pub(super) delta: Units<T>,
    pub(super) a: Units<T>,
    /// Whether the sums begin here; what they hold is not read then.
    pub(super) fresh: bool,
    /// A vector for every weight, and for every output's bias.
    pub(super) sums: (*mut T, *mut T),
}

/// A product whose operands someone vouched for, in its `run`.
struct Checked<P>(P);

impl<T: Element> Forward<T> {
    /// # Safety
    /// `a` and `z` have a row of `groups` vectors of `s` for every unit of the layer, no row being in both; weights
    /// and bias are valid for reads of the layer's shape.
    pub(super) unsafe fn run<S: Simd<T>>(self, s: S) {
        s.run(Checked(self));
    }
}

impl<T: Element> Kernel<T> for Checked<Forward<T>> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Forward { groups, shape, weights, bias, a, z } = self.0;
        // SAFETY: the caller of `Forward::run` vouches for the operands.
        unsafe {
            if groups == 8 && const { in_halves::<T, S>() } {
                forward::<T, S, 4>(s, shape, weights, bias, a, z);
                let [a, z] = [a, z].map(|units| units.from(4 * S::LANES));
                return forward::<T, S, 4>(s, shape, weights, bias, a, z);
            }
            by_groups!(groups, !in_halves::<T, S>(), forward, (T, S), (s, shape, weights, bias, a, z));
        }
    }
}

impl<T: Element> Backward<T> {
    /// # Safety
    /// Units have a row of `groups` vectors of `s` for every unit of their layer, `out`'s being apart from the
    /// others; the weights are valid for reads of the layer's shape.
    pub(super) unsafe fn run<S: Simd<T>, G: SlopeOf<T>>(self, s: S, slope_of: G) {
        s.run(Checked((self, slope_of)));
    }
}

impl<T: Element, G: SlopeOf<T>> Kernel<T> for Checked<(Backward<T>, G)> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (Backward { groups, shape, weights, delta, slope, out }, slope_of) = self.0;
        // SAFETY: the caller of `Backward::run` vouches for the operands.
        unsafe {
            if groups == 8 && const { in_halves::<T, S>() } {
                backward::<T, S, G, 4>(s, shape, weights, delta, (slope_of, slope), out);
                let [delta, slope, out] = [delta, slope, out].map(|units| units.from(4 * S::LANES));
                return backward::<T, S, G, 4>(s, shape, weights, delta, (slope_of, slope), out);
            }
            by_groups!(
                groups,
                !in_halves::<T, S>(),
                backward,
                (T, S, G),
                (s, shape, weights, delta, (slope_of, slope), out)
            );
        }
    }
}

impl<T: Element> Gradient<T> {
    /// # Safety
    /// Units have a row of `groups` vectors of `s` for every unit of their layer; the sums a vector for every
    /// parameter.
    pub(super) unsafe fn run<S: Simd<T>>(self, s: S) {
        s.run(Checked(self));
    }
}

impl<T: Element> Kernel<T> for Checked<Gradient<T>> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Gradient { groups, shape, delta, a, fresh, sums } = self.0;
        let sums = (fresh, sums.0, sums.1);
        // SAFETY: the caller of `Gradient::run` vouches for the operands.
        unsafe { by_groups!(groups, true, gradient, (T, S), (s, shape, delta, a, sums)) }
    }
}
