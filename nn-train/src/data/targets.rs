//! Checks of targets: which numbers a loss takes.

use bytemuck::cast_slice;
use nn_kernels::isa::{Kernel, Simd};
use nn_kernels::threads::join;
use nn_kernels::{Activation, Architecture, Element, InstructionSet, Loss};

use crate::error::Error;

/// What a loss asks of targets, beyond finite numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetRule {
    /// The loss takes any number.
    Any,
    /// Cross-entropy on a sigmoid takes probabilities: each number is in [0, 1]. Beyond that the loss has no lower
    /// bound, and training runs away along it.
    Probabilities,
    /// Cross-entropy on a softmax takes a distribution over the classes: each number is in [0, 1], and each row sums
    /// to 1 within [`sum_tolerance`].
    Distribution,
}

/// How far from 1 a row of class probabilities may sum: 10⁻³ in `f32`, 10⁻⁶ in `f64`.
///
/// A row that sums to 1 + e makes the gradient a - y off by e · a. In `f32` that is 10⁻³ at most, less than rounding to
/// bfloat16 does, and it lets probabilities pass that were written with four decimals. In `f64` the gradient should
/// agree with central differences, which are good to 10⁻⁶ or so; probabilities from an `f32` softmax still pass.
/// A row that is no distribution at all (zeros, two classes at once, per cent) is far beyond either.
pub(crate) fn sum_tolerance<T: Element>() -> f64 {
    if size_of::<T>() == size_of::<f32>() { 1e-3 } else { 1e-6 }
}

/// Numbers that one thread checks at a time.
const CHUNK: usize = 1 << 15;

const PROBABILITY: &str = "a number in [0, 1], as cross-entropy takes probabilities";

impl TargetRule {
    /// What a network's loss takes.
    pub(crate) fn of(architecture: &Architecture) -> Self {
        let output = architecture.layers().last().map(|layer| layer.activation);
        match (architecture.loss(), output) {
            (Loss::CrossEntropy, Some(Activation::Softmax)) => Self::Distribution,
            (Loss::CrossEntropy, _) => Self::Probabilities,
            _ => Self::Any,
        }
    }

    /// Checks the rows of `targets`, each of `width` numbers, in the instructions of `set`, and on the current rayon pool
    /// if there are many. Samples are counted from the first row.
    pub(crate) fn check<T: Element>(self, set: InstructionSet, targets: &[T], width: usize) -> Result<(), Error> {
        if self == Self::Any || self.accepts(set, targets, width) { Ok(()) } else { self.find_fault(targets, width) }
    }

    /// Whether there is surely no fault.
    fn accepts<T: Element>(self, set: InstructionSet, targets: &[T], width: usize) -> bool {
        if targets.len() <= CHUNK.max(width) {
            return T::dispatch(set, Acceptance { rule: self, targets, width });
        }
        let rows = targets.len() / width;
        let (left, right) = targets.split_at(rows.div_ceil(2) * width);
        let (left, right) = join(|| self.accepts(set, left, width), || self.accepts(set, right, width));
        left && right
    }

    /// The first fault, if there is one.
    #[cold]
    fn find_fault<T: Element>(self, targets: &[T], width: usize) -> Result<(), Error> {
        let is_probability = |number: &T| *number >= T::ZERO && *number <= T::ONE;
        if let Some(place) = targets.iter().position(|number| !is_probability(number)) {
            let (sample, column, value) = (place / width, place % width, targets[place].to_f64());
            return Err(Error::Target { sample, column, value, expected: PROBABILITY });
        }
        if self == Self::Distribution {
            let tolerance = sum_tolerance::<T>();
            for (sample, target) in targets.chunks_exact(width).enumerate() {
                let sum: f64 = target.iter().map(|number| number.to_f64()).sum();
                if (sum - 1.0).abs() > tolerance {
                    return Err(Error::TargetSum { sample, sum, tolerance });
                }
            }
        }
        Ok(())
    }
}

/// Whether targets are surely what a rule takes. It is fast and may be wrong in one direction: then
/// [`TargetRule::find_fault`] looks at each number.
struct Acceptance<'a, T> {
    rule: TargetRule,
    targets: &'a [T],
    width: usize,
}

impl<T: Element> Kernel<T> for Acceptance<'_, T> {
    type Output = bool;

    // The loops are plain Rust: inside the kernel the compiler turns them into vectors of the instruction set.
    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) -> bool {
        let Self { rule, targets, width } = self;
        within_0_and_1(targets) && (rule != TargetRule::Distribution || sums_are_1(targets, width))
    }
}

/// Whether all numbers are in [0, 1] by their bits. The bits of numbers that are not negative are in the numbers' order;
/// those of negative numbers, -0 included, and of NaN are greater than those of 1.
#[inline(always)]
fn within_0_and_1<T: Element>(numbers: &[T]) -> bool {
    if size_of::<T>() == size_of::<u32>() {
        cast_slice::<T, u32>(numbers).iter().fold(0, |most, &bits| most.max(bits)) <= 1.0_f32.to_bits()
    } else {
        cast_slice::<T, u64>(numbers).iter().fold(0, |most, &bits| most.max(bits)) <= 1.0_f64.to_bits()
    }
}

/// Whether all rows of `width` numbers in [0, 1] sum to 1 within half the tolerance. The other half is for rounding: the
/// sum of n such numbers near 1 is off by n ε at the most.
#[inline(always)]
fn sums_are_1<T: Element>(numbers: &[T], width: usize) -> bool {
    let half = sum_tolerance::<T>() / 2.0;
    let tolerance = T::from_f64(half);
    let sums_to_1 = |row: &[T]| {
        let sum = row.iter().fold(T::ZERO, |sum, &number| sum + number);
        (sum - T::ONE <= tolerance) & (T::ONE - sum <= tolerance)
    };
    width as f64 * T::EPSILON.to_f64() <= half
        && numbers.chunks_exact(width).fold(true, |all, row| all & sums_to_1(row))
}
