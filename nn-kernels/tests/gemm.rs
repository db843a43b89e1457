//! Every GEMM backend against the sum that defines it.

mod support;

use nn_kernels::gemm::{Gemm, MatMut, MatRef, MatrixMultiply, Packed};
use nn_kernels::{Element, InstructionSet};
use support::{Numbers, cast};

/// How a matrix lies in memory.
#[derive(Debug, Clone, Copy)]
enum Layout {
    RowMajor,
    ColMajor,
    /// Rows apart by more than their length, every second column.
    Strided,
}

const LAYOUTS: [Layout; 3] = [Layout::RowMajor, Layout::ColMajor, Layout::Strided];

impl Layout {
    fn strides(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Self::RowMajor => (cols.max(1), 1),
            Self::ColMajor => (1, rows.max(1)),
            Self::Strided => (2 * cols + 3, 2),
        }
    }

    fn len(self, rows: usize, cols: usize) -> usize {
        let (row, col) = self.strides(rows, cols);
        if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row + (cols - 1) * col + 1 }
    }
}

/// One product against the definition: each element within (k + 2) ε Σ|a·b|, and nothing written between.
fn check<T: Element>(
    gemm: &dyn Gemm<T>,
    (m, n, k): (usize, usize, usize),
    [a_layout, b_layout, c_layout]: [Layout; 3],
    (alpha, beta): (f64, f64),
) {
    let what = format!("{} {m} × {n} over {k}, {a_layout:?} {b_layout:?} {c_layout:?}, {alpha} {beta}", gemm.name());
    let mut numbers = Numbers::new((m * 10_000 + n * 100 + k) as u64);
    let a = cast::<T>(&numbers.between(-1.0, 1.0, a_layout.len(m, k)));
    let b = cast::<T>(&numbers.between(-1.0, 1.0, b_layout.len(k, n)));
    let mut c = cast::<T>(&numbers.between(-1.0, 1.0, c_layout.len(m, n)));
    if beta == 0.0 {
        c.fill(T::from_f64(f64::NAN));
    }
    let before = c.clone();

    let (row, col) = a_layout.strides(m, k);
    let a = MatRef::strided(&a, m, k, row, col).expect("a");
    let (row, col) = b_layout.strides(k, n);
    let b = MatRef::strided(&b, k, n, row, col).expect("b");
    let (row, col) = c_layout.strides(m, n);
    let mut workspace = vec![T::from_f64(f64::NAN); gemm.workspace(m, n, k)];
    let view = MatMut::strided(&mut c, m, n, row, col).expect("c");
    let (alpha, beta) = (T::from_f64(alpha), T::from_f64(beta));
    gemm.gemm(alpha, a, b, beta, view, &mut workspace);

    let mut untouched = vec![true; c.len()];
    for i in 0..m {
        for j in 0..n {
            let place = i * row + j * col;
            untouched[place] = false;
            let (mut sum, mut size) = (0.0, 0.0);
            for p in 0..k {
                let product = a.at(i, p).to_f64() * b.at(p, j).to_f64();
                sum += product;
                size += product.abs();
            }
            let old = if beta == T::ZERO { 0.0 } else { beta.to_f64() * before[place].to_f64() };
            let expected = alpha.to_f64() * sum + old;
            let bound = (k + 2) as f64 * T::EPSILON.to_f64() * (alpha.to_f64().abs() * size + old.abs());
            let error = (c[place].to_f64() - expected).abs();
            assert!(error <= bound, "{what}: ({i}, {j}) is {}, expected {expected} ± {bound:e}", c[place]);
        }
    }
    for (place, _) in untouched.iter().enumerate().filter(|&(_, &untouched)| untouched) {
        let same = c[place] == before[place] || (c[place].to_f64().is_nan() && before[place].to_f64().is_nan());
        assert!(same, "{what}: wrote between the elements, at {place}");
    }
}

fn check_backend<T: Element>(gemm: &dyn Gemm<T>) {
    let all_layouts =
        || LAYOUTS.into_iter().flat_map(|a| LAYOUTS.into_iter().flat_map(move |b| LAYOUTS.map(move |c| [a, b, c])));
    for m in 0..=9 {
        for n in 0..=9 {
            for k in 0..=9 {
                let layouts = all_layouts().nth((m * 100 + n * 10 + k) % 27).expect("27 combinations");
                check(gemm, (m, n, k), layouts, (1.0, 0.0));
                check(gemm, (m, n, k), layouts, (-0.5, 1.0));
                check(gemm, (m, n, k), layouts, (1.0, 2.3));
            }
        }
    }
    for size in [(8, 32, 5), (17, 33, 31), (65, 31, 64), (1, 100, 70), (100, 1, 70), (129, 67, 257)] {
        for layouts in all_layouts() {
            for scalars in [(1.0, 0.0), (1.0, 1.0), (0.3, 2.3)] {
                check(gemm, size, layouts, scalars);
            }
        }
    }
    // More than one block of each dimension.
    check(gemm, (140, 2100, 300), [Layout::RowMajor, Layout::ColMajor, Layout::RowMajor], (1.0, 0.0));
    check(gemm, (2100, 140, 520), [Layout::ColMajor, Layout::RowMajor, Layout::ColMajor], (1.0, 1.0));
}

#[test]
fn matrixmultiply_is_the_definition() {
    check_backend::<f32>(&MatrixMultiply);
    check_backend::<f64>(&MatrixMultiply);
}

#[test]
fn packed_is_the_definition_in_every_set() {
    for set in InstructionSet::available() {
        check_backend::<f32>(&Packed::new(set));
        check_backend::<f64>(&Packed::new(set));
    }
}

#[test]
fn nan_and_infinity_come_through() {
    let packed = Packed::default();
    let backends: [&dyn Gemm<f64>; 2] = [&packed, &MatrixMultiply];
    for gemm in backends {
        let mut workspace = vec![0.0; gemm.workspace(2, 2, 2)];
        for (value, place) in [(f64::NAN, 0), (f64::INFINITY, 3)] {
            let mut a = [0.0; 4];
            a[place] = value;
            let mut c = [0.0; 4];
            let (a, b) = (MatRef::row_major(&a, 2, 2).expect("a"), MatRef::row_major(&[0.0; 4], 2, 2).expect("b"));
            gemm.gemm(1.0, a, b, 0.0, MatMut::row_major(&mut c, 2, 2).expect("c"), &mut workspace);
            assert!(c.iter().filter(|c| c.is_nan()).count() == 2, "{}: 0 · {value} in {c:?}", gemm.name());
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_a_bug_and_panic() {
    let product = |k| {
        let (a, b, mut c) = ([0.0; 6], [0.0; 6], [0.0; 4]);
        let (a, b) = (MatRef::row_major(&a, 2, 3).expect("a"), MatRef::row_major(&b, k, 2).expect("b"));
        let mut workspace = vec![0.0; 100_000];
        MatrixMultiply.gemm(1.0, a, b, 0.0, MatMut::row_major(&mut c, 2, 2).expect("c"), &mut workspace);
    };
    product(3);
    let panic = std::panic::catch_unwind(|| product(2)).expect_err("2 × 3 times 2 × 2");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert_eq!(message, "a product of 2 × 3 and 2 × 2 into 2 × 2");
}
