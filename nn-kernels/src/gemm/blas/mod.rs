//! The CBLAS library that the program is linked with.

mod threads;

use std::ffi::c_int;

use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE, cblas_dgemm, cblas_sgemm};

use self::threads::ThreadControl;
use super::{Gemm, MatMut, MatRef, product_shape, scale};
use crate::Element;

#[cfg(feature = "openblas-system")]
#[link(name = "openblas")]
unsafe extern "C" {}

/// The greatest size and leading dimension that CBLAS can express.
const MAX: usize = c_int::MAX as usize;
/// Rows, columns and depth of the blocks in which matrices are multiplied that CBLAS cannot read in place.
const BLOCK: usize = 128;

/// The system's BLAS, through CBLAS.
///
/// The feature `blas` declares CBLAS and leaves it to the program which library it is linked with: by depending on one of
/// the `-src` crates (`openblas-src`, `blis-src`, `intel-mkl-src`, `accelerate-src`, `netlib-src`; with `use … as _;`, so
/// that it is linked), or by a build script of its own. The feature `openblas-system` links the system's `libopenblas`, as
/// of Debian's `libopenblas-dev`.
///
/// # Threads
/// The engines call from several threads at a time, so each product is to be computed by the thread that asks for it.
/// Before its first product on a thread the backend therefore asks the library for one thread, by what
/// [`thread_control`](Self::thread_control) names. Where the library has only a setting for the whole process, as OpenBLAS
/// on POSIX threads has, that holds for calls from elsewhere in the program too. A library that is linked statically
/// hides its functions: its own environment variable (such as `OPENBLAS_NUM_THREADS=1`) does it then.
///
/// # Memory
/// A library allocates its packing buffers itself. CBLAS takes a leading dimension and transposition only: views with
/// neither stride 1, and sizes that no C `int` holds, go through the workspace in blocks.
#[derive(Debug, Clone, Copy)]
pub struct Blas {
    control: Option<ThreadControl>,
}

impl Blas {
    /// The library, asked for one thread a product.
    #[must_use]
    pub fn new() -> Self {
        Self { control: ThreadControl::find() }
    }

    /// The library's function that keeps it to one thread, or `None` where none was found.
    #[must_use]
    pub fn thread_control(&self) -> Option<&'static str> {
        self.control.map(ThreadControl::name)
    }
}

impl Default for Blas {
    fn default() -> Self {
        Self::new()
    }
}

/// An operand as CBLAS takes it: row-major, or the transpose of that.
#[derive(Debug, Clone, Copy)]
struct Operand<T> {
    data: *const T,
    transposed: CBLAS_TRANSPOSE,
    leading: c_int,
}

/// The leading dimension with which `rows` × `cols` is row-major, if it is and sizes are a C `int`'s.
fn leading(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Option<c_int> {
    // A stride between no two elements may be anything.
    let contiguous = col_stride == 1 || cols == 1;
    let stride = if rows == 1 { cols } else { row_stride };
    (contiguous && stride >= cols && rows.max(cols).max(stride) <= MAX).then_some(stride.max(1) as c_int)
}

impl<T> Operand<T> {
    /// `matrix` in place, if CBLAS can read it so.
    fn in_place(matrix: &MatRef<'_, T>) -> Option<Self> {
        let (rows, cols) = (matrix.rows(), matrix.cols());
        let (row_stride, col_stride) = (matrix.row_stride(), matrix.col_stride());
        let data = matrix.data().as_ptr();
        if let Some(leading) = leading(rows, cols, row_stride, col_stride) {
            return Some(Self { data, transposed: CBLAS_TRANSPOSE::CblasNoTrans, leading });
        }
        let leading = leading(cols, rows, col_stride, row_stride)?;
        Some(Self { data, transposed: CBLAS_TRANSPOSE::CblasTrans, leading })
    }
}

/// Matrices where elements lie, without the slices' lengths: what blocks are cut from.
#[derive(Debug, Clone, Copy)]
struct Source<T> {
    data: *const T,
    row_stride: usize,
    col_stride: usize,
}

impl<T: Element> Source<T> {
    fn new(matrix: &MatRef<'_, T>) -> Self {
        let (row_stride, col_stride) = (matrix.row_stride(), matrix.col_stride());
        Self { data: matrix.data().as_ptr(), row_stride, col_stride }
    }

    /// The block at (`row`, `col`) of `rows` × `cols`, row behind row.
    ///
    /// # Safety
    /// The block lies within the matrix, and `target` holds as many numbers.
    unsafe fn copy(self, (row, col): (usize, usize), (rows, cols): (usize, usize), target: &mut [T]) {
        for (r, line) in target.chunks_exact_mut(cols).take(rows).enumerate() {
            for (c, slot) in line.iter_mut().enumerate() {
                // SAFETY: within the matrix, so the caller vouches for it.
                *slot = unsafe { *self.data.add((row + r) * self.row_stride + (col + c) * self.col_stride) };
            }
        }
    }
}

/// `cblas_sgemm` or `cblas_dgemm`, row-major.
trait CblasElement: Element {
    /// C ← α·A·B + β·C, with C row-major.
    ///
    /// # Safety
    /// Operands and C are valid for those sizes and apart, and no size is 0.
    unsafe fn cblas(
        shape: (c_int, c_int, c_int),
        alpha: Self,
        a: Operand<Self>,
        b: Operand<Self>,
        beta: Self,
        c: *mut Self,
        leading: c_int,
    );
}

macro_rules! element {
    ($T:ident, $gemm:ident) => {
        impl CblasElement for $T {
            unsafe fn cblas(
                (m, k, n): (c_int, c_int, c_int),
                alpha: Self,
                a: Operand<Self>,
                b: Operand<Self>,
                beta: Self,
                c: *mut Self,
                leading: c_int,
            ) {
                let layout = CBLAS_LAYOUT::CblasRowMajor;
                // SAFETY: the caller's guarantees are the library's own.
                unsafe {
                    $gemm(
                        layout,
                        a.transposed,
                        b.transposed,
                        m,
                        n,
                        k,
                        alpha,
                        a.data,
                        a.leading,
                        b.data,
                        b.leading,
                        beta,
                        c,
                        leading,
                    );
                }
            }
        }

        impl Gemm<$T> for Blas {
            fn name(&self) -> &'static str {
                "blas"
            }

            fn workspace(&self, m: usize, n: usize, k: usize) -> usize {
                workspace(m, n, k)
            }

            fn gemm(
                &self,
                alpha: $T,
                a: MatRef<'_, $T>,
                b: MatRef<'_, $T>,
                beta: $T,
                c: MatMut<'_, $T>,
                workspace: &mut [$T],
            ) {
                if let Some(control) = self.control {
                    control.once_on_this_thread();
                }
                gemm(alpha, a, b, beta, c, workspace);
            }
        }
    };
}

element!(f32, cblas_sgemm);
element!(f64, cblas_dgemm);

/// A block of each matrix.
fn workspace(m: usize, n: usize, k: usize) -> usize {
    let (m, n, k) = (m.min(BLOCK), n.min(BLOCK), k.min(BLOCK));
    m * k + k * n + m * n
}

fn gemm<T: CblasElement>(
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    mut c: MatMut<'_, T>,
    workspace: &mut [T],
) {
    let (m, k, n) = product_shape(&a, &b, &c);
    let needed = self::workspace(m, n, k);
    assert!(workspace.len() >= needed, "a workspace of {} for {m} × {n} over {k}", workspace.len());
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        return scale(beta, &mut c);
    }
    // C's rows are to be the contiguous ones: otherwise Cᵀ = Bᵀ·Aᵀ is computed.
    let (mut m, mut n, mut a, mut b) = (m, n, a, b);
    if leading(m, n, c.row_stride(), c.col_stride()).is_none()
        && leading(n, m, c.col_stride(), c.row_stride()).is_some()
    {
        (m, n, a, b, c) = (n, m, b.t(), a.t(), c.t());
    }
    let (row_stride, col_stride) = (c.row_stride(), c.col_stride());
    if let (Some(left), Some(right), Some(leading)) =
        (Operand::in_place(&a), Operand::in_place(&b), leading(m, n, row_stride, col_stride))
    {
        let shape = (m as c_int, k as c_int, n as c_int);
        // SAFETY: the views vouch for their elements, C is borrowed mutably, and `leading` says that sizes fit.
        unsafe { T::cblas(shape, alpha, left, right, beta, c.data_mut().as_mut_ptr(), leading) };
        return;
    }
    in_blocks(alpha, &a, &b, beta, &mut c, workspace);
}

/// C ← α·A·B + β·C for matrices that CBLAS cannot read or write in place: blocks of them, one after the other.
fn in_blocks<T: CblasElement>(
    alpha: T,
    a: &MatRef<'_, T>,
    b: &MatRef<'_, T>,
    beta: T,
    c: &mut MatMut<'_, T>,
    workspace: &mut [T],
) {
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    let (m_block, k_block, n_block) = (m.min(BLOCK), k.min(BLOCK), n.min(BLOCK));
    let (left, rest) = workspace.split_at_mut(m_block * k_block);
    let (right, sums) = rest.split_at_mut(k_block * n_block);
    let (a, b) = (Source::new(a), Source::new(b));
    let (row_stride, col_stride) = (c.row_stride(), c.col_stride());
    for i in (0..m).step_by(BLOCK) {
        let rows = BLOCK.min(m - i);
        for j in (0..n).step_by(BLOCK) {
            let cols = BLOCK.min(n - j);
            for p in (0..k).step_by(BLOCK) {
                let depth = BLOCK.min(k - p);
                // SAFETY: the blocks lie within A and B, whose views vouch for them, and fit into the workspace.
                unsafe {
                    a.copy((i, p), (rows, depth), left);
                    b.copy((p, j), (depth, cols), right);
                }
                let plain = |data: *const T, leading: usize| {
                    let transposed = CBLAS_TRANSPOSE::CblasNoTrans;
                    Operand { data, transposed, leading: leading as c_int }
                };
                let (left, right) = (plain(left.as_ptr(), depth), plain(right.as_ptr(), cols));
                let shape = (rows as c_int, depth as c_int, cols as c_int);
                let beta = if p == 0 { T::ZERO } else { T::ONE };
                // SAFETY: three blocks of the workspace, each as large as its shape says.
                unsafe { T::cblas(shape, alpha, left, right, beta, sums.as_mut_ptr(), cols as c_int) };
            }
            let data = c.data_mut();
            for (r, line) in sums.chunks_exact(cols).take(rows).enumerate() {
                for (c, &sum) in line.iter().enumerate() {
                    let old = &mut data[(i + r) * row_stride + (j + c) * col_stride];
                    *old = if beta == T::ZERO { sum } else { beta * *old + sum };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_c_int_holds_goes_in_place() {
        assert_eq!(leading(3, 4, 4, 1), Some(4));
        assert_eq!(leading(3, 4, 9, 1), Some(9));
        assert_eq!(leading(1, 4, 0, 1), Some(4), "one row has no next one");
        assert_eq!(leading(3, 1, 7, 5), Some(7), "one column has no next one");
        for (rows, cols, row_stride, col_stride) in
            [(3, 4, 3, 1), (3, 4, 0, 1), (3, 4, 8, 2), (3, 4, MAX + 1, 1), (MAX + 1, 1, 1, 1), (1, MAX + 1, 0, 1)]
        {
            assert_eq!(leading(rows, cols, row_stride, col_stride), None, "{rows} × {cols}");
        }
    }

    #[test]
    fn more_than_a_c_int_holds_is_not_read_in_place() {
        // One number, repeated by strides of 0: no memory is needed for so many.
        let (one, many) = ([1.0_f32], MAX + 2);
        for (rows, cols) in [(1, many), (many, 1), (2, many)] {
            let matrix = MatRef::strided(&one, rows, cols, 0, 0).expect("a number");
            assert!(Operand::in_place(&matrix).is_none(), "{rows} × {cols}");
        }
    }
}
