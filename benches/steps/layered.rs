//! The yardstick: a training step as one writes it over a matrix library. The whole batch is one matrix; there is one product
//! a layer and direction, and elementwise passes between, with the same activations and losses as the engines'.
//!
//! Products are by the crate `matrixmultiply`, on one thread, or with the feature `openblas-system` by OpenBLAS, on as many
//! as it is told. Each line of [`Layered::step`] is a formula of docs/derivation.md, for samples as rows.

use nn_kernels::activation::activate_with_derivative;
use nn_kernels::isa::{Kernel, Simd};
use nn_kernels::loss::{Output, cost_and_delta};
use nn_kernels::{Architecture, Dispatch, InstructionSet, LayerRange};
use rayon::prelude::*;

/// Rows that one thread takes at a time in an elementwise pass.
pub(crate) const ROWS: usize = 64;

pub(crate) use self::library::{HAS_THREADS, NAME, set_threads};

/// Numbers that one thread updates at a time.
const NUMBERS: usize = 1 << 14;

/// A network with the matrices of a batch.
pub(crate) struct Layered {
    architecture: Architecture,
    set: InstructionSet,
    ranges: Vec<LayerRange>,
    /// Θ as the network holds it, and Δ.
    pub(crate) theta: Vec<f32>,
    pub(crate) gradient: Vec<f32>,
    /// A^(l+1) of each layer; z^(L) of the last, which becomes δ^(L).
    a: Vec<Vec<f32>>,
    /// g' of each hidden layer, which becomes δ.
    slopes: Vec<Vec<f32>>,
    /// Θᵀδ of the widest layer, and room for the loss.
    spare: Vec<f32>,
}

impl Layered {
    /// Room for batches of `rows` samples.
    pub(crate) fn new(architecture: &Architecture, theta: Vec<f32>, rows: usize) -> Self {
        assert!(architecture.layers().iter().all(|layer| layer.dropout == 0.0), "the yardstick drops nothing");
        let layers = architecture.layers();
        let matrix = |layer: &nn_kernels::Layer| vec![0.0; rows * layer.outputs];
        let widest = layers.iter().map(|layer| layer.outputs).max().unwrap_or(0);
        Self {
            architecture: architecture.clone(),
            set: InstructionSet::best(),
            ranges: architecture.ranges().collect(),
            gradient: vec![0.0; theta.len()],
            theta,
            a: layers.iter().map(matrix).collect(),
            slopes: layers[..layers.len() - 1].iter().map(matrix).collect(),
            spare: vec![0.0; rows * widest],
        }
    }

    /// J of the batch, and Θ after a step of gradient descent. `decay` is λ/m.
    pub(crate) fn step(&mut self, inputs: &[f32], targets: &[f32], decay: f64, rate: f32) -> f64 {
        let Self { architecture, set, ranges, theta, gradient, a, slopes, spare } = self;
        let layers = architecture.layers();
        let rows = inputs.len() / architecture.inputs();
        for (l, (layer, range)) in layers.iter().zip(&*ranges).enumerate() {
            let (before, rest) = a.split_at_mut(l);
            let (input, z) = (before.last().map_or(inputs, Vec::as_slice), &mut rest[0]);
            let shape = (rows, layer.inputs, layer.outputs);
            z.par_chunks_mut(ROWS * layer.outputs).for_each(|rows| {
                rows.chunks_exact_mut(layer.outputs).for_each(|row| row.copy_from_slice(&theta[range.bias.clone()]));
            });
            product(shape, (input, false), (&theta[range.weights.clone()], true), 1.0, z);
            if let Some(slope) = slopes.get_mut(l) {
                let chunk = ROWS * layer.outputs;
                z.par_chunks_mut(chunk).zip(slope.par_chunks_mut(chunk)).for_each(|(a, slope)| {
                    slope.copy_from_slice(a);
                    f32::dispatch(*set, Hidden { activation: layer.activation, width: layer.outputs, a, slope });
                });
            }
        }
        let (last, width) = (layers.len() - 1, architecture.outputs());
        let (loss, activation) = (architecture.loss(), architecture.output_activation());
        let output = Output { loss, activation, width, scale: 1.0 / rows as f64 };
        let chunk = ROWS * width;
        let parts = a[last].par_chunks_mut(chunk).zip(targets.par_chunks(chunk)).zip(spare.par_chunks_mut(chunk));
        let data: f64 = parts
            .map(|((z, targets), spare)| {
                let spare = &mut spare[..z.len()];
                f32::dispatch(*set, Loss { output, z, targets, spare })
            })
            .sum();

        for (l, (layer, range)) in layers.iter().zip(&*ranges).enumerate().rev() {
            let (inner, outer) = slopes.split_at_mut(l);
            let delta = outer.first().unwrap_or(&a[l]);
            let (input, shape) = (if l == 0 { inputs } else { &a[l - 1] }, (layer.outputs, rows, layer.inputs));
            product(shape, (delta, true), (input, false), 0.0, &mut gradient[range.weights.clone()]);
            let sums = delta.par_chunks(ROWS * layer.outputs).map(|rows| {
                let mut sums = vec![0.0; layer.outputs];
                for row in rows.chunks_exact(layer.outputs) {
                    sums.iter_mut().zip(row).for_each(|(sum, delta)| *sum += delta);
                }
                sums
            });
            let sums = sums.reduce_with(|mut sums, others| {
                sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
                sums
            });
            gradient[range.bias.clone()].copy_from_slice(&sums.expect("there are samples"));
            if let Some(slope) = inner.last_mut() {
                let (shape, back) = ((rows, layer.outputs, layer.inputs), &mut spare[..rows * layer.inputs]);
                product(shape, (delta, false), (&theta[range.weights.clone()], false), 0.0, back);
                slope.par_chunks_mut(1 << 12).zip(back.par_chunks(1 << 12)).for_each(|(slope, back)| {
                    slope.iter_mut().zip(back).for_each(|(slope, back)| *slope *= back);
                });
            }
        }

        let (scale, decay_of_weights) = (1.0 / rows as f32, decay as f32);
        let mut squares = 0.0;
        for range in &*ranges {
            for (part, decay) in [(range.weights.clone(), decay_of_weights), (range.bias.clone(), 0.0)] {
                let parts = theta[part.clone()].par_chunks_mut(NUMBERS).zip(gradient[part].par_chunks_mut(NUMBERS));
                let sums = parts.map(|(theta, gradient)| {
                    let mut sum = 0.0;
                    for (theta, gradient) in theta.iter_mut().zip(gradient) {
                        sum += *theta * *theta;
                        *gradient = scale * *gradient + decay * *theta;
                        *theta -= rate * *gradient;
                    }
                    f64::from(sum)
                });
                let sum: f64 = sums.sum();
                squares += if decay == 0.0 { 0.0 } else { sum };
            }
        }
        data + 0.5 * decay * squares
    }
}

/// A = g(z) and g'(z).
struct Hidden<'a> {
    activation: nn_kernels::Activation,
    width: usize,
    a: &'a mut [f32],
    slope: &'a mut [f32],
}

impl Kernel<f32> for Hidden<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f32>>(self, s: S) {
        activate_with_derivative(s, self.activation, self.width, self.slope, self.a);
    }
}

/// The cost; z becomes δ^(L).
struct Loss<'a> {
    output: Output,
    z: &'a mut [f32],
    targets: &'a [f32],
    spare: &'a mut [f32],
}

impl Kernel<f32> for Loss<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, s: S) -> f64 {
        cost_and_delta(s, self.output, self.z, self.targets, self.spare)
    }
}

/// C ← A·B + β·C, where A is m × k, B is k × n, and either may be given as its transpose.
fn product(
    (m, k, n): (usize, usize, usize),
    (a, a_turned): (&[f32], bool),
    (b, b_turned): (&[f32], bool),
    beta: f32,
    c: &mut [f32],
) {
    assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n, "{m} × {k} × {n}");
    // SAFETY: the slices hold the matrices, by the assertion, and C is borrowed mutably.
    unsafe { library::multiply((m, k, n), (a.as_ptr(), a_turned), (b.as_ptr(), b_turned), beta, c.as_mut_ptr()) }
}

#[cfg(not(feature = "openblas-system"))]
mod library {
    /// The library that multiplies.
    pub(crate) const NAME: &str = "matrixmultiply";
    /// Whether it multiplies on several threads.
    pub(crate) const HAS_THREADS: bool = false;

    pub(crate) fn set_threads(_threads: usize) {}

    /// # Safety
    /// The pointers are to row-major matrices of these shapes, or of their transposes; C shares nothing with them.
    #[allow(clippy::cast_possible_wrap, reason = "strides of slices")]
    pub(super) unsafe fn multiply(
        (m, k, n): (usize, usize, usize),
        (a, a_turned): (*const f32, bool),
        (b, b_turned): (*const f32, bool),
        beta: f32,
        c: *mut f32,
    ) {
        let strides = |rows: usize, columns: usize, turned: bool| {
            if turned { (1, rows as isize) } else { (columns as isize, 1) }
        };
        let ((a_row, a_column), (b_row, b_column)) = (strides(m, k, a_turned), strides(k, n, b_turned));
        // SAFETY: the caller's guarantees are the crate's own.
        unsafe {
            matrixmultiply::sgemm(m, k, n, 1.0, a, a_row, a_column, b, b_row, b_column, beta, c, n as isize, 1);
        }
    }
}

#[cfg(feature = "openblas-system")]
mod library {
    use std::ffi::c_int;

    use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE, cblas_sgemm};

    #[link(name = "openblas")]
    unsafe extern "C" {
        safe fn openblas_set_num_threads(threads: c_int);
    }

    /// The library that multiplies.
    pub(crate) const NAME: &str = "OpenBLAS";
    /// Whether it multiplies on several threads.
    pub(crate) const HAS_THREADS: bool = true;

    /// How many threads it multiplies on, in the whole process.
    pub(crate) fn set_threads(threads: usize) {
        openblas_set_num_threads(threads.try_into().unwrap_or(1));
    }

    /// # Safety
    /// The pointers are to row-major matrices of these shapes, or of their transposes; C shares nothing with them.
    pub(super) unsafe fn multiply(
        (m, k, n): (usize, usize, usize),
        (a, a_turned): (*const f32, bool),
        (b, b_turned): (*const f32, bool),
        beta: f32,
        c: *mut f32,
    ) {
        let size = |size: usize| c_int::try_from(size).expect("a standard workload's sizes are small");
        let operand = |rows, columns, turned| {
            if turned {
                (CBLAS_TRANSPOSE::CblasTrans, size(rows))
            } else {
                (CBLAS_TRANSPOSE::CblasNoTrans, size(columns))
            }
        };
        let ((a_order, a_leading), (b_order, b_leading)) = (operand(m, k, a_turned), operand(k, n, b_turned));
        let order = CBLAS_LAYOUT::CblasRowMajor;
        let (rows, columns, depth) = (size(m), size(n), size(k));
        // SAFETY: the caller's guarantees are the library's own.
        unsafe {
            cblas_sgemm(
                order, a_order, b_order, rows, columns, depth, 1.0, a, a_leading, b, b_leading, beta, c, columns,
            );
        }
    }
}
