//! The `matrixmultiply` crate, which finds the instruction set by itself.

use super::{Gemm, MatMut, MatRef, product_shape};
use crate::Element;

/// `matrixmultiply`: portable, fast, always there. It allocates a packing buffer in every call.
#[derive(Debug, Clone, Copy, Default)]
pub struct MatrixMultiply;

/// A matrix as `matrixmultiply` takes it: where (0, 0) lies, and the strides of rows and columns.
#[derive(Debug, Clone, Copy)]
pub struct Strided<P> {
    pointer: P,
    row_stride: isize,
    col_stride: isize,
}

impl<P> Strided<P> {
    #[allow(clippy::cast_possible_wrap, reason = "views have strides that fit into an isize")]
    const fn new(pointer: P, row_stride: usize, col_stride: usize) -> Self {
        Self { pointer, row_stride: row_stride as isize, col_stride: col_stride as isize }
    }
}

/// An element type that `matrixmultiply` knows. The trait is sealed.
pub trait MatrixMultiplyElement: crate::sealed::Sealed + Sized {
    /// C ← α·A·B + β·C, where A is `m` × `k` and B is `k` × `n`.
    ///
    /// # Safety
    /// All elements of A and B are valid for reads, those of C for writes, and for reads unless β = 0; those of C
    /// are apart from each other and from A and B.
    unsafe fn product(
        shape: (usize, usize, usize),
        alpha: Self,
        a: Strided<*const Self>,
        b: Strided<*const Self>,
        beta: Self,
        c: Strided<*mut Self>,
    );
}

macro_rules! element {
    ($T:ident, $gemm:path) => {
        impl MatrixMultiplyElement for $T {
            #[inline]
            unsafe fn product(
                (m, k, n): (usize, usize, usize),
                alpha: Self,
                a: Strided<*const Self>,
                b: Strided<*const Self>,
                beta: Self,
                c: Strided<*mut Self>,
            ) {
                // SAFETY: the caller's guarantees are the crate's own.
                unsafe {
                    $gemm(
                        m,
                        k,
                        n,
                        alpha,
                        a.pointer,
                        a.row_stride,
                        a.col_stride,
                        b.pointer,
                        b.row_stride,
                        b.col_stride,
                        beta,
                        c.pointer,
                        c.row_stride,
                        c.col_stride,
                    );
                }
            }
        }
    };
}

element!(f32, matrixmultiply::sgemm);
element!(f64, matrixmultiply::dgemm);

impl<T: Element> Gemm<T> for MatrixMultiply {
    fn name(&self) -> &'static str {
        "matrixmultiply"
    }

    fn workspace(&self, _m: usize, _n: usize, _k: usize) -> usize {
        0
    }

    fn gemm(&self, alpha: T, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: T, mut c: MatMut<'_, T>, _workspace: &mut [T]) {
        let shape = product_shape(&a, &b, &c);
        let (row_stride, col_stride) = (c.row_stride(), c.col_stride());
        let a = Strided::new(a.data().as_ptr(), a.row_stride(), a.col_stride());
        let b = Strided::new(b.data().as_ptr(), b.row_stride(), b.col_stride());
        let c = Strided::new(c.data_mut().as_mut_ptr(), row_stride, col_stride);
        // SAFETY: the views vouch that all their elements lie within their slices, and that those of C are apart
        // from each other; C is borrowed mutably, so it shares nothing with A or B; the shapes fit each other.
        unsafe { T::product(shape, alpha, a, b, beta, c) }
    }
}
