//! One sample forward, for control loops: no threads, no packing.

use crate::activation::activate;
use crate::error::check_length;
use crate::isa::{Kernel, Simd};
use crate::product::dot;
use crate::{Architecture, Element, InstructionSet, StepError};

/// A^(L) of one sample: `x` has S_1 numbers, `out` S_L. `scratch` grows once, to twice the widest hidden layer.
///
/// It computes in the instruction set that the environment forces, or else the widest, as engines do.
///
/// ```
/// use nn_kernels::{Activation, Architecture, Layer, Loss, predict_one};
///
/// // 2 => 1: Θ_w = [1, -1], bias 0.5
/// let architecture = Architecture::new(vec![Layer::new(2, 1, Activation::Relu)], Loss::Mse)?;
/// let mut out = [f32::NAN];
/// predict_one(&architecture, &[1.0, -1.0, 0.5], &[3.0, 2.0], &mut out, &mut Vec::new())?;
/// assert_eq!(out, [1.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StepError::Length`] when a length is not the architecture's, [`StepError::Isa`] when the environment forces a set that
/// the CPU lacks; `out` is then as it was.
pub fn predict_one<T: Element>(
    architecture: &Architecture,
    theta: &[T],
    x: &[T],
    out: &mut [T],
    scratch: &mut Vec<T>,
) -> Result<(), StepError> {
    check_length("theta", theta, architecture.params())?;
    check_length("input", x, architecture.inputs())?;
    check_length("output", out, architecture.outputs())?;
    let set = InstructionSet::from_environment()?;
    let layers = architecture.layers();
    let widest = layers[..layers.len() - 1].iter().map(|layer| layer.outputs).max().unwrap_or(0);
    if scratch.len() < 2 * widest {
        scratch.resize(2 * widest, T::ZERO);
    }
    T::forward_one(set, architecture, theta, x, out, scratch);
    Ok(())
}

/// [`predict_one`] on lengths that have been checked.
pub(super) fn forward_one<T: Element>(
    set: InstructionSet,
    architecture: &Architecture,
    theta: &[T],
    x: &[T],
    out: &mut [T],
    scratch: &mut [T],
) {
    let (a, next) = scratch.split_at_mut(scratch.len() / 2);
    T::dispatch(set, Forward { architecture, theta, x, out, a, next });
}

/// One sample's way through the network; `a` and `next` hold the activations before and behind a layer.
struct Forward<'a, T> {
    architecture: &'a Architecture,
    theta: &'a [T],
    x: &'a [T],
    out: &'a mut [T],
    a: &'a mut [T],
    next: &'a mut [T],
}

impl<T: Element> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { architecture, mut theta, x, out, mut a, mut next } = self;
        let layers = architecture.layers();
        for (l, layer) in layers.iter().enumerate() {
            let (weights, rest) = theta.split_at(layer.inputs * layer.outputs);
            let (bias, behind) = rest.split_at(layer.outputs);
            theta = behind;
            let input = if l == 0 { x } else { &a[..layer.inputs] };
            let z = if l + 1 == layers.len() { &mut *out } else { &mut next[..layer.outputs] };
            for ((z, row), &bias) in z.iter_mut().zip(weights.chunks_exact(layer.inputs)).zip(bias) {
                *z = bias + dot(s, row, input);
            }
            activate(s, layer.activation, layer.outputs, z);
            std::mem::swap(&mut a, &mut next);
        }
    }
}
