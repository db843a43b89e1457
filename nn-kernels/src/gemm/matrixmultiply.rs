//! The `matrixmultiply` crate, which finds the instruction set by itself.

use super::{Gemm, MatMut, MatRef, product_shape};

/// `matrixmultiply`: portable, fast, always there. It allocates a packing buffer in every call.
#[derive(Debug, Clone, Copy, Default)]
pub struct MatrixMultiply;

macro_rules! backend {
    ($T:ident, $gemm:path) => {
        impl Gemm<$T> for MatrixMultiply {
            fn name(&self) -> &'static str {
                "matrixmultiply"
            }

            fn workspace(&self, _m: usize, _n: usize, _k: usize) -> usize {
                0
            }

            #[allow(clippy::cast_possible_wrap, reason = "views have strides that fit into an isize")]
            fn gemm(
                &self,
                alpha: $T,
                a: MatRef<'_, $T>,
                b: MatRef<'_, $T>,
                beta: $T,
                mut c: MatMut<'_, $T>,
                _workspace: &mut [$T],
            ) {
                let (m, k, n) = product_shape(&a, &b, &c);
                let (row_stride, col_stride) = (c.row_stride() as isize, c.col_stride() as isize);
                // SAFETY: the views vouch that all their elements lie within their slices, and that those of C are
                // apart from each other; C is borrowed mutably, so it shares nothing with A or B. The shapes fit.
                unsafe {
                    $gemm(
                        m,
                        k,
                        n,
                        alpha,
                        a.data().as_ptr(),
                        a.row_stride() as isize,
                        a.col_stride() as isize,
                        b.data().as_ptr(),
                        b.row_stride() as isize,
                        b.col_stride() as isize,
                        beta,
                        c.data_mut().as_mut_ptr(),
                        row_stride,
                        col_stride,
                    );
                }
            }
        }
    };
}

backend!(f32, matrixmultiply::sgemm);
backend!(f64, matrixmultiply::dgemm);
