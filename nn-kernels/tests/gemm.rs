//! Every GEMM backend against the sum that defines it.
//!
//! A case is computed once in `f64` and then by all backends that are compiled in, own kernels in every instruction set,
//! in both number types.

mod support;

use nn_kernels::gemm::{Gemm, MatMut, MatRef};
use nn_kernels::{Element, GemmKind, InstructionSet};
use rayon::prelude::*;
use support::engines::report_missing_sets;
use support::{Numbers, cast};

/// How a matrix lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    RowMajor,
    ColMajor,
    /// Rows, or columns, with a gap behind each.
    PaddedRows,
    PaddedCols,
    /// Gaps between all elements.
    Strided,
    StridedCols,
    /// Rows, or columns, that begin a page apart.
    PageRows,
    PageCols,
}

use Layout::{ColMajor, PageCols, PageRows, RowMajor};

const LAYOUTS: [Layout; 6] =
    [RowMajor, ColMajor, Layout::PaddedRows, Layout::PaddedCols, Layout::Strided, Layout::StridedCols];
/// Those of A, B and C in the engines: forward, gradient, back-propagation; and the transposes of all.
const ENGINES: [[Layout; 3]; 6] = [
    [RowMajor, ColMajor, RowMajor],
    [ColMajor, RowMajor, RowMajor],
    [RowMajor, RowMajor, RowMajor],
    [RowMajor, ColMajor, ColMajor],
    [ColMajor, RowMajor, ColMajor],
    [ColMajor, ColMajor, ColMajor],
];

impl Layout {
    fn strides(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Self::RowMajor => (cols.max(1), 1),
            Self::ColMajor => (1, rows.max(1)),
            Self::PaddedRows => (cols + 5, 1),
            Self::PaddedCols => (1, rows + 3),
            Self::Strided => (2 * cols + 3, 2),
            Self::StridedCols => (3, 3 * rows + 1),
            Self::PageRows => (4096, 1),
            Self::PageCols => (1, 4096),
        }
    }

    fn len(self, rows: usize, cols: usize) -> usize {
        let (row, col) = self.strides(rows, cols);
        if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row + (cols - 1) * col + 1 }
    }

    /// Any three of [`LAYOUTS`], by a number.
    fn three(number: usize) -> [Self; 3] {
        let count = LAYOUTS.len();
        [number, number / count, number / count / count].map(|number| LAYOUTS[number % count])
    }
}

/// What numbers a case is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Real,
    /// So small that every sum is exact.
    Integers,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    m: usize,
    n: usize,
    k: usize,
    layouts: [Layout; 3],
    alpha: f64,
    beta: f64,
    values: Values,
}

/// Scalars, exact in both number types.
const SCALARS: [(f64, f64); 6] = [(1.0, 0.0), (1.0, 1.0), (-0.5, 2.25), (-0.5, 0.0), (0.75, 1.0), (1.0, 2.25)];
/// A β that is not.
const BETA: f64 = 2.3;

impl Case {
    fn new((m, n, k): (usize, usize, usize), layouts: [Layout; 3], (alpha, beta): (f64, f64)) -> Self {
        Self { m, n, k, layouts, alpha, beta, values: Values::Real }
    }

    fn numbers(&self, numbers: &mut Numbers, count: usize) -> Vec<f64> {
        // Exact in f32, so that one reference serves both types.
        match self.values {
            Values::Real => numbers.between(-1.0, 1.0, count).iter().map(|&x| f64::from(x as f32)).collect(),
            Values::Integers => (0..count).map(|_| numbers.below(7) as f64 - 3.0).collect(),
        }
    }
}

/// A case with its operands, and what comes out.
struct Problem {
    case: Case,
    a: Vec<f64>,
    b: Vec<f64>,
    /// What is in C before, NaN where β = 0.
    c: Vec<f64>,
    /// Each element with the sum of the sizes of what it is the sum of.
    expected: Vec<(f64, f64)>,
}

impl Problem {
    fn new(case: Case) -> Self {
        let Case { m, n, k, layouts: [a_layout, b_layout, c_layout], alpha, beta, .. } = case;
        let mut numbers = Numbers::new((m * 10_000 + n * 100 + k) as u64);
        let a = case.numbers(&mut numbers, a_layout.len(m, k));
        let b = case.numbers(&mut numbers, b_layout.len(k, n));
        let mut c = case.numbers(&mut numbers, c_layout.len(m, n));
        if beta == 0.0 {
            c.fill(f64::NAN);
        }
        let ((a_row, a_col), (b_row, b_col)) = (a_layout.strides(m, k), b_layout.strides(k, n));
        let (c_row, c_col) = c_layout.strides(m, n);
        let mut expected = Vec::with_capacity(m * n);
        for i in 0..m {
            for j in 0..n {
                let (mut sum, mut size) = (0.0, 0.0);
                for p in 0..k {
                    let product = a[i * a_row + p * a_col] * b[p * b_row + j * b_col];
                    sum += product;
                    size += product.abs();
                }
                let old = if beta == 0.0 { 0.0 } else { beta * c[i * c_row + j * c_col] };
                expected.push((alpha * sum + old, alpha.abs() * size + old.abs()));
            }
        }
        Self { case, a, b, c, expected }
    }

    /// Each element within (k + 2) ε Σ|a·b|, or exact where the numbers are integers, and nothing written between.
    fn check<T: Element>(&self, name: &str, gemm: &dyn Gemm<T>) {
        let Case { m, n, k, layouts: [a_layout, b_layout, c_layout], alpha, beta, values } = self.case;
        let (a, b, before) = (cast::<T>(&self.a), cast::<T>(&self.b), cast::<T>(&self.c));
        let mut c = before.clone();
        let (row, col) = a_layout.strides(m, k);
        let a = MatRef::strided(&a, m, k, row, col).expect("a");
        let (row, col) = b_layout.strides(k, n);
        let b = MatRef::strided(&b, k, n, row, col).expect("b");
        let (row, col) = c_layout.strides(m, n);
        let view = MatMut::strided(&mut c, m, n, row, col).expect("c");
        // A number more than is asked for, which must stay as it is.
        let needed = gemm.workspace(m, n, k);
        let mut workspace = vec![T::from_f64(f64::NAN); needed];
        workspace.push(T::ONE);
        gemm.gemm(T::from_f64(alpha), a, b, T::from_f64(beta), view, &mut workspace);
        assert!(workspace[needed] == T::ONE, "{name} {}: wrote behind its workspace: {:?}", T::NAME, self.case);

        let mut untouched = vec![true; c.len()];
        for (index, &(expected, size)) in self.expected.iter().enumerate() {
            let place = index / n * row + index % n * col;
            untouched[place] = false;
            let bound = match values {
                Values::Real => (k + 2) as f64 * T::EPSILON.to_f64() * size,
                Values::Integers => 0.0,
            };
            let error = (c[place].to_f64() - expected).abs();
            assert!(
                error <= bound,
                "{name} {}: ({}, {}) is {}, expected {expected} ± {bound:e}: {:?}",
                T::NAME,
                index / n,
                index % n,
                c[place],
                self.case,
            );
        }
        for (place, _) in untouched.iter().enumerate().filter(|&(_, &untouched)| untouched) {
            let same = c[place] == before[place] || (c[place].to_f64().is_nan() && before[place].to_f64().is_nan());
            assert!(same, "{name} {}: wrote between the elements, at {place}: {:?}", T::NAME, self.case);
        }
    }
}

/// Every backend that is compiled in, the own kernels in every set, each with a name.
fn backends<T: Element>() -> Vec<(String, Box<dyn Gemm<T>>)> {
    report_missing_sets();
    let own = InstructionSet::available().map(|set| (format!("packed/{set}"), GemmKind::Packed.backend(set)));
    let others = GemmKind::available().filter(|&kind| kind != GemmKind::Packed);
    own.chain(others.map(|kind| (kind.to_string(), kind.backend(InstructionSet::best())))).collect()
}

/// Every case by every backend.
fn check_all(cases: impl IntoIterator<Item = Case>) {
    let (single, double) = (backends::<f32>(), backends::<f64>());
    let cases: Vec<Case> = cases.into_iter().collect();
    assert!(!cases.is_empty());
    cases.into_par_iter().with_max_len(8).for_each(|case| {
        let problem = Problem::new(case);
        single.iter().for_each(|(name, gemm)| problem.check(name, &**gemm));
        double.iter().for_each(|(name, gemm)| problem.check(name, &**gemm));
    });
}

#[test]
fn every_small_shape() {
    let mut cases = Vec::new();
    for (number, (m, n, k)) in
        (0..=17).flat_map(|m| (0..=17).flat_map(move |n| (0..=17).map(move |k| (m, n, k)))).enumerate()
    {
        // Neighbours have other layouts, and each shape has every β.
        let real = |number: usize, scalars| Case::new((m, n, k), Layout::three(number), scalars);
        cases.push(real(7 * number, (1.0, 0.0)));
        cases.push(real(7 * number + 83, (-0.5, 1.0)));
        cases.push(real(7 * number + 150, (0.3, BETA)));
        cases.push(Case { values: Values::Integers, ..real(11 * number + 1, (-2.0, [0.0, 1.0, 3.0][number % 3])) });
    }
    check_all(cases.into_iter().map(Case::in_single));
}

impl Case {
    /// α and β that an `f32` holds.
    fn in_single(self) -> Self {
        Self { alpha: f64::from(self.alpha as f32), beta: f64::from(self.beta as f32), ..self }
    }
}

#[test]
fn every_layout_with_every_scalar() {
    let sizes =
        [(8, 32, 5), (17, 33, 31), (65, 31, 64), (1, 100, 70), (100, 1, 70), (2, 3, 40), (70, 3, 3), (67, 50, 130)];
    check_all(sizes.into_iter().flat_map(|size| {
        (0..216).flat_map(move |number| SCALARS.map(|scalars| Case::new(size, Layout::three(number), scalars)))
    }));
}

/// Sizes at the edges of tiles, `side` × n over k: rows of a tile, vectors of a panel.
#[test]
fn the_edges_of_tiles() {
    let around = |sizes: &[usize]| sizes.iter().flat_map(|&size| [size - 1, size, size + 1]).collect::<Vec<_>>();
    let (heights, widths) = (around(&[4, 8, 16, 24]), around(&[16, 24, 32, 48, 64, 80, 96, 112]));
    let mut cases = Vec::new();
    for (i, &m) in heights.iter().enumerate() {
        for (j, &n) in widths.iter().enumerate() {
            for (p, k) in [1, 5, 16, 17, 33].into_iter().enumerate() {
                for (q, layouts) in ENGINES.into_iter().enumerate() {
                    let scalars = SCALARS[(i + j + p + q) % 6];
                    let case = Case::new(if (i + j + p) % 2 == 0 { (m, n, k) } else { (n, m, k) }, layouts, scalars);
                    cases.push(case);
                }
            }
        }
    }
    check_all(cases);
}

/// Sizes at the edges of blocks in every set and number type.
#[test]
fn the_edges_of_blocks() {
    let mut cases = Vec::new();
    let depths = [48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 3072];
    for (i, k) in depths.into_iter().flat_map(|k| [k - 1, k, k + 1]).enumerate() {
        for (j, (m, n)) in [(9, 97), (41, 49), (33, 65), (65, 33), (49, 17), (5, 4)].into_iter().enumerate() {
            if k > 300 && (i + j) % 3 != 0 {
                continue;
            }
            for (q, layouts) in ENGINES.into_iter().enumerate() {
                if (i + j + q) % 3 == 0 {
                    cases.push(Case::new((m, n, k), layouts, SCALARS[(i + q) % 6]));
                }
            }
        }
    }
    // Rows of the left operand, of which a block holds 512 KiB, and C beside an operand that is read in place.
    for (m, n, k) in [(255, 50, 256), (257, 50, 256), (512, 51, 257), (513, 52, 255), (40, 3300, 8), (3300, 40, 9)] {
        for layouts in ENGINES {
            cases.push(Case::new((m, n, k), layouts, (1.0, 1.0)));
        }
    }
    // The blocks of a system's BLAS that cannot read in place.
    for side in [127, 128, 129] {
        let layouts = [Layout::Strided, Layout::StridedCols, Layout::Strided];
        cases.push(Case::new((side, 129, 128), layouts, (0.75, 2.25)));
        cases.push(Case::new((128, side, 129), layouts, (0.75, 0.0)));
        cases.push(Case::new((129, 128, side), layouts, (1.0, 1.0)));
    }
    check_all(cases);
}

/// Strides of 4,096, which put all rows into one set of the cache.
#[test]
fn rows_that_begin_a_page_apart() {
    let mut cases = Vec::new();
    let sizes = [(9, 100, 60), (70, 10, 65), (41, 130, 17), (3, 70, 200), (64, 1, 40), (40, 64, 64)];
    for (i, size) in sizes.into_iter().enumerate() {
        for a in [PageRows, PageCols] {
            for b in [PageRows, PageCols] {
                for c in [PageRows, PageCols] {
                    cases.push(Case::new(size, [a, b, c], SCALARS[i % 6]));
                    cases.push(Case::new(size, [a, b, RowMajor], SCALARS[(i + 1) % 6]));
                }
            }
        }
    }
    check_all(cases);
}

#[test]
fn the_workspace_of_the_largest_products_does_not_overflow() {
    fn is_small<T: Element>() {
        let most = usize::MAX;
        for (name, gemm) in backends::<T>() {
            for (m, n, k) in [(most, most, most), (most, 1, 1), (1, most, 1), (1, 1, most), (most - 1, 3, 1 << 40)] {
                let needed = gemm.workspace(m, n, k);
                assert!(needed < 1 << 24, "{name}, {m} × {n} over {k}: {needed}");
            }
        }
    }
    is_small::<f32>();
    is_small::<f64>();
}

/// Nothing beyond the operands is read, nothing beyond C and the workspace touched: all of them end where a page begins that
/// nobody may touch, or begin behind one. A fault kills the process.
#[cfg(unix)]
#[test]
fn nothing_beyond_the_operands() {
    use support::guarded::{Guard, Guarded};

    fn check<T: Element>(case: Case, guard: Guard) {
        let Case { m, n, k, layouts: [a_layout, b_layout, c_layout], .. } = case;
        let guarded = |count: usize| Guarded::new(&vec![T::ONE; count], guard);
        let (a, b) = (guarded(a_layout.len(m, k)), guarded(b_layout.len(k, n)));
        let ((a_row, a_col), (b_row, b_col)) = (a_layout.strides(m, k), b_layout.strides(k, n));
        let (row, col) = c_layout.strides(m, n);
        for (name, gemm) in backends::<T>() {
            let (mut c, mut workspace) = (guarded(c_layout.len(m, n)), guarded(gemm.workspace(m, n, k)));
            let a = MatRef::strided(&a, m, k, a_row, a_col).expect("a");
            let b = MatRef::strided(&b, k, n, b_row, b_col).expect("b");
            gemm.gemm(T::ONE, a, b, T::ONE, MatMut::strided(&mut c, m, n, row, col).expect("c"), &mut workspace);
            assert!(c[0] == T::from_f64(1.0 + k as f64), "{name}: {case:?}");
        }
    }
    let mut sizes =
        vec![(1, 1, 1), (3, 4, 2), (9, 4, 7), (20, 10, 33), (5, 65, 3), (130, 7, 40), (40, 100, 70), (33, 129, 300)];
    sizes.extend((1..=17).map(|size| (18 - size, size, 3 + size)));
    sizes.into_par_iter().for_each(|size| {
        for layouts in ENGINES.into_iter().chain([[Layout::Strided; 3], [PageRows; 3]]) {
            for guard in [Guard::Before, Guard::Behind] {
                check::<f32>(Case::new(size, layouts, (1.0, 1.0)), guard);
                check::<f64>(Case::new(size, layouts, (1.0, 1.0)), guard);
            }
        }
    });
}

#[test]
fn nan_and_infinity_come_through() {
    for (name, gemm) in backends::<f64>() {
        for (m, n, k) in [(2, 2, 2), (20, 50, 9), (50, 3, 20)] {
            let mut workspace = vec![0.0; gemm.workspace(m, n, k)];
            for (value, row, p) in [(f64::NAN, 0, 0), (f64::INFINITY, m - 1, k - 1)] {
                let (mut a, b, mut c) = (vec![0.0; m * k], vec![0.0; k * n], vec![0.0; m * n]);
                a[row * k + p] = value;
                let (a, b) = (MatRef::row_major(&a, m, k).expect("a"), MatRef::row_major(&b, k, n).expect("b"));
                gemm.gemm(1.0, a, b, 0.0, MatMut::row_major(&mut c, m, n).expect("c"), &mut workspace);
                for (i, c) in c.chunks(n).enumerate() {
                    let all = c.iter().all(|c| c.is_nan() == (i == row));
                    assert!(all, "{name}: 0 · {value} in row {row} of {m} × {n}, and row {i} is {c:?}");
                }
            }
        }
    }
}

#[test]
fn an_operand_may_repeat_a_row() {
    for (name, gemm) in backends::<f32>() {
        let (row, k) = ([1.0, 2.0, 3.0], 40_000);
        // Every row of B is the same, and A is the number 1.
        let a = MatRef::strided(&[1.0], 3, k, 0, 0).expect("a");
        let b = MatRef::strided(&row, k, 3, 0, 1).expect("b");
        let mut c = [f32::NAN; 9];
        let mut workspace = vec![0.0; gemm.workspace(3, 3, k)];
        gemm.gemm(1.0, a, b, 0.0, MatMut::row_major(&mut c, 3, 3).expect("c"), &mut workspace);
        let expected = [1.0, 2.0, 3.0].map(|value| value * k as f32);
        assert!(c.chunks(3).all(|c| c == expected), "{name}: {c:?}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_a_bug_and_panic() {
    for (name, gemm) in backends::<f64>() {
        let product = |k, workspace: usize| {
            let (a, b, mut c) = ([0.0; 6], [0.0; 6], [0.0; 4]);
            let (a, b) = (MatRef::row_major(&a, 2, 3).expect("a"), MatRef::row_major(&b, k, 2).expect("b"));
            let mut workspace = vec![0.0; workspace];
            gemm.gemm(1.0, a, b, 0.0, MatMut::row_major(&mut c, 2, 2).expect("c"), &mut workspace);
        };
        let caught = |k, workspace| {
            let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| product(k, workspace)));
            panic.err().and_then(|panic| panic.downcast_ref::<String>().cloned())
        };
        let needed = gemm.workspace(2, 2, 3);
        assert_eq!(caught(3, needed), None, "{name}");
        assert_eq!(caught(2, needed).as_deref(), Some("a product of 2 × 3 and 2 × 2 into 2 × 2"), "{name}");
        if needed > 0 {
            let message = format!("a workspace of {} for 2 × 2 over 3", needed - 1);
            assert_eq!(caught(3, needed - 1), Some(message), "{name}");
        }
    }
}
