//! The product at the heart of the tile engine and the blocked engine: C = start + L · R.
//!
//! L is read number by number and broadcast, R and C by vectors of columns. A [register tile](tile) of C stays in
//! registers while k runs; around it are three loops: blocks of k whose part of R stays near, groups of R's vectors as wide as a
//! tile, and the rows of C. (The scheme is that of K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix
//! Multiplication", ACM TOMS 34(3), 2008, with operands taken as they lie.) Where tiles end sums, bias, relu and ⊙ g' are
//! applied in registers; what else is to be done with finished numbers is done by [`Strips`] while they are near.
//!
//! The parts of the room:
//!
//! | file | what |
//! |---|---|
//! | `blocking` | how large tiles and blocks are, by registers and caches |
//! | `operand` | how operands lie: evenly, or in panels |
//! | `tile` | the register tile: its innermost loop, its beginning and its end |
//! | `pairs` | operands rounded to bfloat16 and packed in pairs of k |
//! | `turn` | matrices turned: rows become columns |
//! | `dot` | sums along the lanes |

mod blocking;
mod dot;
mod operand;
mod pairs;
mod tile;
mod turn;

use std::ops::Range;

pub(crate) use self::blocking::{Blocking, Outer};
pub(crate) use self::dot::{dot, matrix_vector};
pub(crate) use self::operand::{Left, Out, Right, Steps};
pub(crate) use self::pairs::{InPairs, LEFT_ROOM, LEFT_ROWS, RIGHT_ROOM};
pub(crate) use self::tile::{Finish, Start};
pub(crate) use self::turn::{turn, turn_rows};

use self::blocking::{MOST_VECTORS, widest};
use self::tile::{Products, Terms};
use crate::isa::{Kernel, MAX_LANES, Simd};
use crate::slope::Slope;
use crate::{Element, InstructionSet};

/// What is done with finished numbers of C, beyond what tiles do in registers.
pub(crate) trait Strips<T>: Sync {
    /// Takes the product's rows of some vectors of columns.
    ///
    /// # Safety
    /// They are finished, come once, and are the caller's alone.
    unsafe fn finish(&self, vectors: Range<usize>);
}

/// C = start + L · R for some rows of C and some vectors of its columns.
pub(crate) struct Product<'a, T> {
    pub(crate) rows: Range<usize>,
    pub(crate) vectors: Range<usize>,
    /// k.
    pub(crate) depth: usize,
    pub(crate) left: Left<T>,
    /// Vectors in groups of as many as the widest tile has, or of a multiple, if in groups.
    pub(crate) right: Right<T>,
    /// In groups as `right` is.
    pub(crate) out: Out<T>,
    pub(crate) start: Start<T>,
    pub(crate) finish: Finish<T>,
    /// What strips will read that lies as C does and may be far away.
    pub(crate) beside: Option<*const T>,
    pub(crate) strips: Option<&'a dyn Strips<T>>,
    pub(crate) blocking: Blocking,
}

/// The k of one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth {
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// Whether sums begin here, and whether they end here.
    begins: bool,
    ends: bool,
}

/// The vectors of the next register tile where there are `left`: groups of nearly the same width, since a single vector at
/// the end would read L for itself alone.
const fn group(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

impl<T: Element> Product<'_, T> {
    /// Computes the product in the instructions of `set`.
    ///
    /// # Safety
    /// L is valid for reads of all `rows` and k, counted from its first; R of all k for all `vectors`; C for writes of all
    /// rows and vectors and, where it is what sums start from, for reads; what sums start from and are finished with has a
    /// number wherever C has one. C shares nothing with what is read, but for what a finish reads in its own place.
    ///
    /// All of it is read and written through the pointers given, of which no references are made: no borrow that the caller
    /// holds of other numbers is ended, and none of the same numbers may be in use, but shared ones of what is only read.
    pub(crate) unsafe fn run(self, set: InstructionSet) {
        T::dispatch(set, Checked(self));
    }
}

/// A product whose operands someone vouched for.
struct Checked<'a, T>(Product<'a, T>);

impl<T: Element> Kernel<T> for Checked<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Product { left, right, .. } = self.0;
        // SAFETY: the caller of `Product::run` vouches for the operands.
        unsafe { self.0.compute(s, Direct { left, right }) };
    }
}

/// How the operands of register tiles are had.
trait Operands<T: Element, S: Simd<T>> {
    type Terms: Terms<T, S>;

    fn terms(&self) -> Self::Terms;

    /// L at these rows and k, counted from the first of each.
    ///
    /// # Safety
    /// L has these rows and k.
    unsafe fn left(&mut self, rows: &Range<usize>, depth: Depth) -> Left<T>;

    /// R at these vectors and k, counted from the first of each.
    ///
    /// # Safety
    /// R has these vectors and k.
    unsafe fn right(&mut self, vectors: Range<usize>, depth: Depth) -> Right<T>;

    /// k that a block of `count` comes to.
    fn steps(&self, count: usize) -> usize;
}

/// L and R as they lie.
struct Direct<T> {
    left: Left<T>,
    right: Right<T>,
}

impl<T: Element, S: Simd<T>> Operands<T, S> for Direct<T> {
    type Terms = Products;

    #[inline(always)]
    fn terms(&self) -> Products {
        Products
    }

    #[inline(always)]
    unsafe fn left(&mut self, rows: &Range<usize>, depth: Depth) -> Left<T> {
        self.left.from(rows.start, depth.first)
    }

    #[inline(always)]
    unsafe fn right(&mut self, vectors: Range<usize>, depth: Depth) -> Right<T> {
        self.right.from(vectors.start, depth.first)
    }

    #[inline(always)]
    fn steps(&self, count: usize) -> usize {
        count
    }
}

/// Tiles of ever fewer rows, from the tallest that there are registers for.
macro_rules! heights {
    ($sweep:ident, $s:ident, $operands:ident, $vectors:literal: $($rows:literal),+) => {{
        let mut row = 0;
        $( row = $sweep.tiles::<S, O, $rows, $vectors>($s, $operands, row); )+
        debug_assert_eq!(row, $sweep.product.rows.len(), "the smallest tile has one row");
    }};
}

impl<T: Element> Product<'_, T> {
    /// The product, its operands had in some way.
    ///
    /// # Safety
    /// As for [`run`](Self::run), of which `operands` are the operands.
    #[inline(always)]
    unsafe fn compute<S: Simd<T>, O: Operands<T, S>>(&self, s: S, mut operands: O) {
        let widest = widest(S::SUMS);
        // Where all of C is one tile wide, every number of L is read once.
        let most = if self.vectors.len() <= widest { widest } else { self.blocking.vectors.clamp(1, widest) };
        // Whole groups of k, which lie in panels or in pairs.
        let blocks = self.depth.div_ceil(self.blocking.depth).max(1);
        let step = self.depth.div_ceil(blocks).next_multiple_of(MAX_LANES).max(1);
        let block = |first: usize| {
            let count = step.min(self.depth - first);
            Depth { first, count, begins: first == 0, ends: first + count == self.depth }
        };
        let mut left = None;
        let mut place = (!self.vectors.is_empty()).then_some((0, self.vectors.start));
        while let Some((k, vector)) = place {
            let depth = block(k);
            let vectors = vector..vector + group(self.vectors.end - vector, most);
            place = self.after(depth, &vectors);
            let (next_k, next_vector) = place.unwrap_or((self.depth, self.vectors.end));
            let next = self.right.from(next_vector, next_k);
            // SAFETY: the caller vouches for all rows, vectors and k.
            unsafe {
                let left = match left {
                    Some((first, left)) if first == k => left,
                    _ => left.insert((k, operands.left(&self.rows, depth))).1,
                };
                let right = operands.right(vectors.clone(), depth);
                Sweep { product: self, depth, left, right, vectors: vectors.clone(), next }.run(s, &operands);
                if let (true, Some(strips)) = (depth.ends, self.strips) {
                    strips.finish(vectors);
                }
            }
        }
    }

    /// The first k and vector of what comes next.
    fn after(&self, depth: Depth, vectors: &Range<usize>) -> Option<(usize, usize)> {
        let (more_k, more_vectors) = (!depth.ends, vectors.end < self.vectors.end);
        let k = depth.first + depth.count;
        match self.blocking.outer {
            Outer::Depth if more_vectors => Some((depth.first, vectors.end)),
            Outer::Depth if more_k => Some((k, self.vectors.start)),
            Outer::Vectors if more_k => Some((k, vectors.start)),
            Outer::Vectors if more_vectors => Some((0, vectors.end)),
            _ => None,
        }
    }
}

/// All rows of a product, for the vectors of one tile and the k of one block.
struct Sweep<'a, 'p, T> {
    product: &'a Product<'p, T>,
    depth: Depth,
    left: Left<T>,
    right: Right<T>,
    vectors: Range<usize>,
    /// What R's part will be next.
    next: Right<T>,
}

impl<T: Element> Sweep<'_, '_, T> {
    /// # Safety
    /// The operands are valid for the rows, vectors and k.
    #[inline(always)]
    unsafe fn run<S: Simd<T>, O: Operands<T, S>>(&self, s: S, operands: &O) {
        // SAFETY: the caller's guarantees.
        unsafe {
            if const { S::SUMS >= 24 } {
                match self.vectors.len() {
                    1 => heights!(self, s, operands, 1: 16, 8, 2, 1),
                    2 => heights!(self, s, operands, 2: 12, 6, 2, 1),
                    3 => heights!(self, s, operands, 3: 8, 4, 2, 1),
                    _ => heights!(self, s, operands, 4: 6, 4, 2, 1),
                }
            } else if const { S::SUMS >= 12 } {
                match self.vectors.len() {
                    1 => heights!(self, s, operands, 1: 8, 4, 2, 1),
                    _ => heights!(self, s, operands, 2: 6, 4, 2, 1),
                }
            } else {
                heights!(self, s, operands, 1: 6, 4, 2, 1);
            }
        }
    }

    /// Tiles of `ROWS` rows from `row` on, as many as there are rows for; where they end.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    #[inline(always)]
    unsafe fn tiles<S: Simd<T>, O: Operands<T, S>, const ROWS: usize, const VECTORS: usize>(
        &self,
        s: S,
        operands: &O,
        mut row: usize,
    ) -> usize {
        let rows = self.product.rows.len();
        // So many k of R's next part for each tile that all of it has been asked for in the end.
        let share = self.depth.count.div_ceil((rows / ROWS).max(1));
        let mut asked = 0;
        while rows - row >= ROWS {
            if self.next.is_far {
                for k in asked..(asked + share).min(self.depth.count) {
                    for v in 0..VECTORS {
                        s.prefetch_to_l2(self.next.data.wrapping_add(v * self.next.vectors.near + k * self.next.k));
                    }
                }
                asked += share;
            }
            // SAFETY: the rows are there.
            unsafe { self.tile::<S, O, ROWS, VECTORS>(s, operands, row) };
            row += ROWS;
        }
        row
    }
}

/// δ ⊙ g', as a tile's finish: what g' comes from, and where that lies.
impl<T: Element> Finish<T> {
    /// ⊙ g', had from `values`, which lie as C does.
    pub(crate) fn slope(slope: Slope, values: *const T) -> Self {
        match slope {
            Slope::Quadratic(coefficients) => Self::Quadratic(coefficients.map(T::from_f64), values),
            Slope::Step => Self::Step(values),
            Slope::Stored => Self::Stored(values),
        }
    }
}
