//! One sample forward: no packing, and threads for large networks only.

use crate::activation::activate;
use crate::error::check_length;
use crate::isa::{Kernel, MAX_LANES, Simd};
use crate::product::matrix_vector;
use crate::threads::{Shared, Team, team_if};
use crate::{Architecture, Element, InstructionSet, Layer, StepError};

/// Parameters, in bytes, from which on threads share a sample: reading them from the last level of the caches or from memory takes
/// some 50 µs, more than it takes to wake a thread.
const SHARED_BYTES: usize = 2 << 20;
/// Parameters of a part of a layer, in bytes, at least: some microseconds' work.
const PART_BYTES: usize = 128 << 10;

/// A^(L) of one sample: `x` has S_1 numbers, `out` S_L. `scratch` grows once, to twice the widest hidden layer. No thread is
/// woken.
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
    predict(architecture, theta, x, out, scratch, false)
}

/// As [`predict_one`], to the last bit, but the threads of the current rayon pool share the sample where the network has more than
/// 2 MiB of parameters.
///
/// # Errors
/// As [`predict_one`].
pub fn predict_one_on_threads<T: Element>(
    architecture: &Architecture,
    theta: &[T],
    x: &[T],
    out: &mut [T],
    scratch: &mut Vec<T>,
) -> Result<(), StepError> {
    predict(architecture, theta, x, out, scratch, size_of_val(theta) > SHARED_BYTES)
}

/// A^(L), `shared` among the threads of the pool: checks lengths and makes room.
fn predict<T: Element>(
    architecture: &Architecture,
    theta: &[T],
    x: &[T],
    out: &mut [T],
    scratch: &mut Vec<T>,
    shared: bool,
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
    T::forward_one(set, architecture, theta, x, out, scratch, shared);
    Ok(())
}

/// [`predict_one`] on lengths that have been checked; `shared` among the threads of the pool.
pub(super) fn forward_one<T: Element>(
    set: InstructionSet,
    architecture: &Architecture,
    theta: &[T],
    x: &[T],
    out: &mut [T],
    scratch: &mut [T],
    shared: bool,
) {
    let forward = Forward { architecture, theta, x, out, scratch };
    if shared {
        team_if(true, |team| forward.walk(&mut OnThreads { set, team }));
    } else {
        T::dispatch(set, forward);
    }
}

/// One sample's way through the network; `scratch` has room for the activations before and behind a layer.
struct Forward<'a, T> {
    architecture: &'a Architecture,
    theta: &'a [T],
    x: &'a [T],
    out: &'a mut [T],
    scratch: &'a mut [T],
}

/// A layer's share of it: `z` becomes g(bias + Θ_w · a).
struct Sample<'a, T> {
    weights: &'a [T],
    bias: &'a [T],
    a: &'a [T],
    z: &'a mut [T],
}

/// Who computes a layer. (A trait rather than closures: those cannot be `#[inline(always)]`.)
trait LayerOfSample<T> {
    fn layer(&mut self, layer: &Layer, sample: Sample<'_, T>);
}

impl<T: Element> Forward<'_, T> {
    /// Layer by layer.
    #[inline(always)]
    fn walk(self, by: &mut impl LayerOfSample<T>) {
        let Self { architecture, mut theta, x, out, scratch } = self;
        let (mut a, mut next) = scratch.split_at_mut(scratch.len() / 2);
        let layers = architecture.layers();
        for (l, layer) in layers.iter().enumerate() {
            let (weights, rest) = theta.split_at(layer.inputs * layer.outputs);
            let (bias, behind) = rest.split_at(layer.outputs);
            theta = behind;
            let input = if l == 0 { x } else { &a[..layer.inputs] };
            let z = if l + 1 == layers.len() { &mut *out } else { &mut next[..layer.outputs] };
            by.layer(layer, Sample { weights, bias, a: input, z });
            std::mem::swap(&mut a, &mut next);
        }
    }
}

impl<T: Element> Kernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        self.walk(&mut Alone(s));
    }
}

/// The calling thread, in an instruction set.
struct Alone<S>(S);

impl<T: Element, S: Simd<T>> LayerOfSample<T> for Alone<S> {
    #[inline(always)]
    fn layer(&mut self, layer: &Layer, Sample { weights, bias, a, z }: Sample<'_, T>) {
        matrix_vector(self.0, weights, bias, a, z);
        activate(self.0, layer.activation, layer.outputs, z);
    }
}

/// The threads of a team, who share a layer's outputs.
struct OnThreads<'a, 't> {
    set: InstructionSet,
    team: &'a mut Team<'t>,
}

impl<T: Element> LayerOfSample<T> for OnThreads<'_, '_> {
    fn layer(&mut self, layer: &Layer, Sample { weights, bias, a, z }: Sample<'_, T>) {
        let set = self.set;
        // Outputs that are summed up together stay together, so that a part's bits are those of the whole.
        let at_least = PART_BYTES.div_ceil(layer.inputs * size_of::<T>());
        let rows = at_least.next_multiple_of(MAX_LANES).min(layer.outputs);
        let shared = Shared::new(z);
        self.team.for_each(layer.outputs.div_ceil(rows), |_, part| {
            let (first, end) = (part * rows, layer.outputs.min((part + 1) * rows));
            // SAFETY: each part has its own outputs, and is worked on by one thread.
            let z = unsafe { shared.part(first..end) };
            let weights = &weights[first * layer.inputs..end * layer.inputs];
            T::dispatch(set, Product(Sample { weights, bias: &bias[first..end], a, z }));
        });
        T::dispatch(set, Activate(layer, z));
    }
}

/// z of some outputs.
struct Product<'a, T>(Sample<'a, T>);

impl<T: Element> Kernel<T> for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Sample { weights, bias, a, z } = self.0;
        matrix_vector(s, weights, bias, a, z);
    }
}

/// g of a layer's z.
struct Activate<'a, T>(&'a Layer, &'a mut [T]);

impl<T: Element> Kernel<T> for Activate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        activate(s, self.0.activation, self.0.outputs, self.1);
    }
}
