//! Sources: training data that need not all be in memory.

#[cfg(feature = "records")]
use std::hint::black_box;

#[cfg(feature = "records")]
use nn_kernels::threads::join;
use nn_kernels::{Architecture, Element, InstructionSet};

#[cfg(feature = "records")]
use super::labels::write_labels;
use super::samples::check_finite;
use super::targets::TargetRule;
use super::{DynDataset, Samples};
use crate::error::Error;
use crate::memory::reserve;

/// In which order a [`Source`] gives its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// In any order: an epoch is shuffled as a data set's is, which takes 8 bytes of memory for each row.
    Random,
    /// From the first row to the last, each once an epoch: a source that wants another order shuffles by itself.
    Stream,
    /// In any order, but fastest block by block: rows 0 to `rows` - 1 are the first block, the next `rows` the second, and so
    /// on; the last may be shorter, and where there are [several files](Source::files) that of each. An epoch draws the order
    /// of the blocks, and then of the rows within each `window` of blocks that have come to stand beside each other. It takes
    /// 8 bytes of memory for each block and each row of a window.
    Blocks {
        /// Rows of a block, at least 1.
        rows: u64,
        /// Blocks whose rows are mixed with each other, at least 1.
        window: u64,
    },
}

/// Samples with their targets, row by row as a step asks for them: a file larger than memory, a data base, numbers
/// made on the way.
///
/// A [`DynDataset`] is a source whose rows are in memory and are not copied. [`Stream`](super::Stream) makes one of an
/// iterator. What a source gives is checked as it comes, and an error names its row and column.
///
/// ```
/// use nn_train::prelude::*;
///
/// /// x and x², for x in [0, 1).
/// struct Squares;
///
/// impl Source for Squares {
///     type Scalar = f32;
///
///     fn len(&self) -> u64 {
///         10_000_000_000
///     }
///
///     fn input_width(&self) -> usize {
///         1
///     }
///
///     fn target_width(&self) -> usize {
///         1
///     }
///
///     fn read(&self, indices: &[u64], rows: &mut Rows<f32>) -> Result<(), Error> {
///         indices.iter().try_for_each(|&index| {
///             let x = (index as f64 / self.len() as f64) as f32;
///             rows.push(&[x], &[x * x])
///         })
///     }
/// }
///
/// let mut rows = Rows::of(&Squares)?;
/// rows.fill(&Squares, &[5_000_000_000, 0])?;
/// assert_eq!(rows.targets(), [0.25, 0.0]);
/// # Ok::<(), Error>(())
/// ```
#[expect(clippy::len_without_is_empty, reason = "nothing can be trained on an empty source")]
pub trait Source: Sync {
    /// The number type of the rows.
    type Scalar: Element;

    /// m, how many rows an epoch has.
    fn len(&self) -> u64;

    /// S_1, the numbers of an input.
    fn input_width(&self) -> usize;

    /// S_L, the numbers of a target.
    fn target_width(&self) -> usize;

    /// Whether rows may be asked for in any order, as unless said otherwise, or only one after the other. As a
    /// [`Stream`](Access::Stream) they are asked for from 0 on, and an epoch that breaks off is followed by one that
    /// begins at 0.
    fn access(&self) -> Access {
        Access::Random
    }

    /// Of a source of [`Blocks`](Access::Blocks) that is made of several files, the rows of each: blocks begin anew with each
    /// file, and the last one of each may be shorter. None, as unless said otherwise, where all rows are one file's.
    fn files(&self) -> Vec<u64> {
        Vec::new()
    }

    /// Whether rows may have weights, as unless said otherwise. Where it is known that none has, processes that train together
    /// need not ask each other in every step what its rows weigh.
    fn weighted(&self) -> bool {
        true
    }

    /// The rows of these blocks are asked for next: a source of [`Blocks`](Access::Blocks) may begin to read them, in a thread
    /// of its own. Blocks are numbered from 0. A run says so whenever its steps reach a window, of that one's blocks and of
    /// the next one's: before a step that begins with a window, and after one that reaches it from another. Unless a source
    /// does something, nothing is done.
    fn prefetch(&self, _blocks: &[u64]) {}

    /// Pushes the rows number `indices`, in this order, onto `rows`, which is empty: exactly one row an index. Each
    /// index is below [`len`](Self::len).
    ///
    /// # Errors
    /// What [`Rows::push`] returns, and [`Error::source`] for what goes wrong in here.
    fn read(&self, indices: &[u64], rows: &mut Rows<Self::Scalar>) -> Result<(), Error>;

    /// Whether these are this rank's own rows, and other ranks have others: see [`Shard`](crate::Shard).
    #[doc(hidden)]
    fn is_shard(&self) -> bool {
        false
    }

    /// The data set that this is, which needs no reading.
    #[doc(hidden)]
    fn resident(&self) -> Option<&DynDataset<Self::Scalar>> {
        None
    }
}

impl<T: Element> Source for DynDataset<T> {
    type Scalar = T;

    fn len(&self) -> u64 {
        self.len() as u64
    }

    fn input_width(&self) -> usize {
        self.input_width()
    }

    fn target_width(&self) -> usize {
        self.target_width()
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<T>) -> Result<(), Error> {
        let Samples { inputs, targets, weights, input_width, target_width } = self.samples();
        for &index in indices {
            let place = place(index);
            if place >= self.len() {
                return Err(Error::Index { index: place, len: self.len() });
            }
            let (input, target) =
                (&inputs[place * input_width..][..input_width], &targets[place * target_width..][..target_width]);
            match weights {
                Some(weights) => rows.push_weighted(input, target, weights[place])?,
                None => rows.push(input, target)?,
            }
        }
        Ok(())
    }

    fn weighted(&self) -> bool {
        self.weights().is_some()
    }

    fn resident(&self) -> Option<&Self> {
        Some(self)
    }
}

/// An index as memory counts.
fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The rows of one step, which a [`Source`] fills. The memory is reused from step to step: from the second
/// [`fill`](Self::fill) of the same length on, nothing is allocated.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    inputs: Vec<T>,
    targets: Vec<T>,
    weights: Vec<T>,
    /// Whether any row has been given a weight; the others then have 1.
    weighted: bool,
    /// The rows so far. What lies behind them in the lists is from rows before, to be written over; weights there are 1.
    count: usize,
    /// The numbers of the rows that are being asked for.
    indices: Vec<u64>,
    input_width: usize,
    target_width: usize,
    rule: TargetRule,
}

impl<T: Element> Rows<T> {
    /// Rows as wide as those of `source`.
    ///
    /// # Errors
    /// [`Error::Argument`] for a width of 0.
    pub fn of<S: Source<Scalar = T> + ?Sized>(source: &S) -> Result<Self, Error> {
        let (input_width, target_width) = (source.input_width(), source.target_width());
        for (name, width) in [("input_width", input_width), ("target_width", target_width)] {
            if width == 0 {
                return Err(Error::argument(name, width, "at least 1"));
            }
        }
        Ok(Self {
            inputs: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
            weighted: false,
            count: 0,
            indices: Vec::new(),
            input_width,
            target_width,
            rule: TargetRule::Any,
        })
    }

    /// Rows that take no other targets than the loss of a network of this architecture takes: see
    /// [`DynDataset::check_targets`].
    #[must_use]
    pub fn checked_for(self, architecture: &Architecture) -> Self {
        Self { rule: TargetRule::of(architecture), ..self }
    }

    /// Replaces all rows by those number `indices` of `source`.
    ///
    /// # Errors
    /// What the source returns, [`Error::SourceRows`] when it pushes another number of rows than `indices`, and
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for them.
    pub fn fill<S: Source<Scalar = T> + ?Sized>(&mut self, source: &S, indices: &[u64]) -> Result<(), Error> {
        self.count = 0;
        if self.weighted {
            self.weights.fill(T::ONE);
        }
        self.weighted = false;
        self.indices.clear();
        reserve(&mut self.indices, indices.len())?;
        self.indices.extend_from_slice(indices);
        reserve(&mut self.inputs, indices.len().saturating_mul(self.input_width))?;
        reserve(&mut self.targets, indices.len().saturating_mul(self.target_width))?;
        reserve(&mut self.weights, indices.len())?;
        let read = source.read(indices, self);
        self.inputs.truncate(self.count * self.input_width);
        self.targets.truncate(self.count * self.target_width);
        self.weights.truncate(self.count);
        read?;
        if self.len() == indices.len() {
            Ok(())
        } else {
            Err(Error::SourceRows { expected: indices.len(), found: self.len() })
        }
    }

    /// Pushes the next row that was asked for.
    ///
    /// # Errors
    /// [`Error::RowWidth`] for an input or target of another width, [`Error::NonFinite`] for a number that is infinite
    /// or NaN, [`Error::Target`] or [`Error::TargetSum`] for a target that the network's loss does not take,
    /// [`Error::SourceRows`] for a row more than was asked for.
    pub fn push(&mut self, input: &[T], target: &[T]) -> Result<(), Error> {
        let Some(&index) = self.indices.get(self.len()) else {
            return Err(Error::SourceRows { expected: self.indices.len(), found: self.len() + 1 });
        };
        let parts = [("input", input, self.input_width), ("target", target, self.target_width)];
        for (what, numbers, expected) in parts {
            if numbers.len() != expected {
                return Err(Error::RowWidth { what, row: index, expected, found: numbers.len() });
            }
        }
        check_finite("inputs", input, self.input_width)
            .and_then(|()| check_finite("targets", target, self.target_width))
            .and_then(|()| self.rule.check(InstructionSet::best(), target, self.target_width))
            .map_err(|error| error.at_sample(place(index)))?;
        put(&mut self.inputs, self.count * self.input_width, input);
        put(&mut self.targets, self.count * self.target_width, target);
        put(&mut self.weights, self.count, &[T::ONE]);
        self.count += 1;
        Ok(())
    }

    /// Pushes the next row that was asked for, to count `weight` times: see
    /// [`DynDataset::with_weights`]. Rows of the same step that are pushed without a weight count once.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`Error::Weight`] for a weight that is negative or not finite.
    pub fn push_weighted(&mut self, input: &[T], target: &[T], weight: T) -> Result<(), Error> {
        if !(weight.is_finite() && weight >= T::ZERO) {
            let sample = self.indices.get(self.len()).map_or(usize::MAX, |&index| place(index));
            return Err(Error::Weight { sample, value: weight.to_f64() });
        }
        self.push(input, target)?;
        if let Some(last) = self.weights.get_mut(self.count - 1) {
            *last = weight;
        }
        self.weighted = true;
        Ok(())
    }

    /// Pushes the rows number `indices`, which a source has looked at before so that each need not be looked at for itself:
    /// `known` gives what is at the place of each, the input and weight, which are such as [`push_weighted`](Self::push_weighted)
    /// takes, and the target, finite or a label that is a class. They are copied on the current pool.
    #[cfg(feature = "records")]
    pub(crate) fn push_known<'r, P, K>(
        &mut self,
        widths: [usize; 2],
        indices: &[u64],
        places: &[P],
        known: &K,
    ) -> Result<(), Error>
    where
        P: Copy + Sync,
        K: Fn(P) -> Known<'r, T> + Sync,
    {
        let (Some(&row), Some(&one)) = (indices.first(), places.first()) else { return Ok(()) };
        let first = self.len();
        let parts = [("input", self.input_width, widths[0]), ("target", self.target_width, widths[1])];
        if let Some((what, expected, found)) = parts.into_iter().find(|(_, expected, found)| expected != found) {
            return Err(Error::RowWidth { what, row, expected, found });
        }
        let all = first + indices.len();
        // What is there from the rows of another step is written over: to make it 0 first would take a part of what copying takes.
        grow(&mut self.inputs, all * self.input_width, T::ZERO);
        grow(&mut self.targets, all * self.target_width, T::ZERO);
        grow(&mut self.weights, all, T::ONE);
        let inputs = &mut self.inputs[first * self.input_width..all * self.input_width];
        let targets = &mut self.targets[first * self.target_width..all * self.target_width];
        copy(places, inputs, targets, &mut self.weights[first..all], known);
        self.count = all;
        self.weighted |= known(one).weight.is_some();
        let targets = &self.targets[first * self.target_width..all * self.target_width];
        let set = InstructionSet::best();
        if self.rule.check(set, targets, self.target_width).is_ok() {
            return Ok(());
        }
        for (target, &index) in targets.chunks_exact(self.target_width).zip(indices) {
            let checked = self.rule.check(set, target, self.target_width);
            checked.map_err(|error| error.at_sample(place(index)))?;
        }
        Ok(())
    }

    /// The rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no row yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The inputs so far, row by row.
    #[must_use]
    pub fn inputs(&self) -> &[T] {
        &self.inputs[..self.count * self.input_width]
    }

    /// The targets so far, row by row.
    #[must_use]
    pub fn targets(&self) -> &[T] {
        &self.targets[..self.count * self.target_width]
    }

    /// The weights so far, if any row has been given one.
    #[must_use]
    pub fn weights(&self) -> Option<&[T]> {
        self.weighted.then_some(&self.weights[..self.count])
    }

    /// The rows as a step takes them.
    pub(crate) fn samples(&self) -> Samples<'_, T> {
        let Self { input_width, target_width, .. } = *self;
        let (inputs, targets, weights) = (self.inputs(), self.targets(), self.weights());
        Samples { inputs, targets, weights, input_width, target_width }
    }
}

/// Writes numbers at a place of a list or at its end.
fn put<T: Copy>(list: &mut Vec<T>, place: usize, numbers: &[T]) {
    match list.get_mut(place..place + numbers.len()) {
        Some(room) => room.copy_from_slice(numbers),
        None => {
            list.truncate(place);
            list.extend_from_slice(numbers);
        }
    }
}

/// Makes a list at least so long.
#[cfg(feature = "records")]
fn grow<T: Copy>(list: &mut Vec<T>, count: usize, filler: T) {
    if list.len() < count {
        list.resize(count, filler);
    }
}

/// A row of [`Rows::push_known`].
#[cfg(feature = "records")]
#[derive(Clone, Copy)]
pub(crate) struct Known<'r, T> {
    pub(crate) input: &'r [T],
    pub(crate) target: KnownTarget<'r, T>,
    pub(crate) weight: Option<T>,
}

/// A target of [`Rows::push_known`].
#[cfg(feature = "records")]
#[derive(Clone, Copy)]
pub(crate) enum KnownTarget<'r, T> {
    Numbers(&'r [T]),
    Label(usize),
}

/// Rows that one thread copies.
#[cfg(feature = "records")]
const SHARE: usize = 1024;
/// Rows that are looked for before they are copied: as many as lie in the first cache without crowding it out.
#[cfg(feature = "records")]
const AT_ONCE: usize = 64;

/// Copies the rows at some places, at least one, to where any numbers are and the weight 1.
#[cfg(feature = "records")]
fn copy<'r, T: Element, P: Copy + Sync, K: Fn(P) -> Known<'r, T> + Sync>(
    places: &[P],
    inputs: &mut [T],
    targets: &mut [T],
    weights: &mut [T],
    known: &K,
) {
    let [input_width, target_width] = [inputs.len(), targets.len()].map(|numbers| numbers / places.len());
    if places.len() > SHARE {
        let half = places.len() / 2;
        let (places, other_places) = places.split_at(half);
        let (inputs, other_inputs) = inputs.split_at_mut(half * input_width);
        let (targets, other_targets) = targets.split_at_mut(half * target_width);
        let (weights, other_weights) = weights.split_at_mut(half);
        join(
            || copy(places, inputs, targets, weights, known),
            || copy(other_places, other_inputs, other_targets, other_weights, known),
        );
        return;
    }
    let rows = inputs.chunks_mut(AT_ONCE * input_width).zip(targets.chunks_mut(AT_ONCE * target_width));
    for ((places, weights), (inputs, targets)) in places.chunks(AT_ONCE).zip(weights.chunks_mut(AT_ONCE)).zip(rows) {
        // Rows lie all over memory: what is touched here is on its way to the cache while others are looked for.
        for &place in places {
            black_box(known(place).input.first().copied());
        }
        let rows = inputs.chunks_exact_mut(input_width).zip(targets.chunks_exact_mut(target_width)).zip(weights);
        for (((input, target), weight), &place) in rows.zip(places) {
            let known = known(place);
            input.copy_from_slice(known.input);
            match (known.target, &mut *target) {
                // Less than to call what copies many.
                (KnownTarget::Numbers(&[from]), [to]) => *to = from,
                (KnownTarget::Numbers(numbers), target) => target.copy_from_slice(numbers),
                (KnownTarget::Label(label), target) => {
                    target.fill(T::ZERO);
                    write_labels(&[label], target_width, target);
                }
            }
            if let Some(known) = known.weight {
                *weight = known;
            }
        }
    }
}
