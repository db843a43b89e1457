//! C ← α·A·B + β·C, behind one trait.
//!
//! | backend | what | memory |
//! |---|---|---|
//! | [`Packed`] | own kernels over [`isa`](crate::isa) | packs into the workspace that its caller hands in |
//! | [`MatrixMultiply`] | the `matrixmultiply` crate | allocates its packing buffer in every call |
//! | `Blas` | the CBLAS library that the program is linked with; the feature `blas` | allocates as it likes |
//!
//! A step must not allocate, so the layered engine uses [`Packed`] unless it is told otherwise: by a [`GemmKind`], which
//! has a name, in [`PlanOptions::gemm`](crate::PlanOptions::gemm). All of them compute a product on the calling thread.
//!
//! ```
//! use nn_kernels::gemm::{Gemm, MatMut, MatRef, MatrixMultiply};
//!
//! // (1 2)   (5)   (17)
//! // (3 4) · (6) = (39)
//! let mut c = [f64::NAN; 2]; // β = 0 overwrites whatever was there
//! let a = MatRef::row_major(&[1.0, 2.0, 3.0, 4.0], 2, 2)?;
//! let b = MatRef::row_major(&[5.0, 6.0], 2, 1)?;
//! MatrixMultiply.gemm(1.0, a, b, 0.0, MatMut::row_major(&mut c, 2, 1)?, &mut []);
//! assert_eq!(c, [17.0, 39.0]);
//! # Ok::<(), nn_kernels::gemm::ShapeError>(())
//! ```

#[cfg(feature = "blas")]
mod blas;
mod kind;
mod matrixmultiply;
mod packed;
mod view;

#[cfg(feature = "blas")]
pub use blas::Blas;
pub use kind::{GemmError, GemmKind};
pub use matrixmultiply::{MatrixMultiply, MatrixMultiplyElement};
pub use packed::Packed;
pub use view::{MatMut, MatRef, ShapeError};

use crate::Element;

/// A way to multiply matrices of `T`.
pub trait Gemm<T>: Send + Sync {
    /// The backend's name, as documentation and messages write it.
    fn name(&self) -> &'static str;

    /// Numbers of workspace that an M × N product over K needs.
    fn workspace(&self, m: usize, n: usize, k: usize) -> usize;

    /// C ← α·A·B + β·C, where A is M × K, B is K × N and C is M × N, each with any strides.
    ///
    /// Where β = 0, C is only written: what it held, NaN included, does not matter. An element's bits depend on the
    /// shapes and on its own row and column of A and B, not on what thread computes it.
    ///
    /// # Panics
    /// When the shapes do not fit each other, or `workspace` is shorter than [`workspace`](Self::workspace) says.
    /// Views cannot reach out of bounds, so this is a bug of the caller, never a matter of data.
    fn gemm(&self, alpha: T, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, workspace: &mut [T]);
}

/// M, K and N of a product.
///
/// # Panics
/// When the shapes do not fit each other.
fn product_shape<T>(a: &MatRef<'_, T>, b: &MatRef<'_, T>, c: &MatMut<'_, T>) -> (usize, usize, usize) {
    let fits = a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols();
    assert!(
        fits,
        "a product of {} × {} and {} × {} into {} × {}",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols(),
        c.rows(),
        c.cols()
    );
    (a.rows(), a.cols(), b.cols())
}

/// C ← β·C: a product over no k. C is not read where β = 0.
fn scale<T: Element>(beta: T, c: &mut MatMut<'_, T>) {
    let (rows, cols, row_stride, col_stride) = (c.rows(), c.cols(), c.row_stride(), c.col_stride());
    let data = c.data_mut();
    for i in 0..rows {
        for j in 0..cols {
            let value = &mut data[i * row_stride + j * col_stride];
            *value = if beta == T::ZERO { T::ZERO } else { beta * *value };
        }
    }
}
