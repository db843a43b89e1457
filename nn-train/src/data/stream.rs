//! A source made of an iterator.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use nn_kernels::Element;

use super::{Access, Rows, Source};
use crate::error::Error;

/// A [`Source`] that reads an iterator, which a closure makes anew for each epoch.
///
/// ```
/// use nn_train::prelude::*;
///
/// // One input and one target a line; say that it is too large for memory.
/// let file = "0.0, 1.0\n0.5, 2.0\n1.0, 3.0\n";
/// let lines = Stream::new(3, 1, 1, || {
///     file.lines().map(|line| -> Result<_, Error> {
///         let (x, y) = line.split_once(',').ok_or(Error::source("expected two numbers"))?;
///         let number = |text: &str| text.trim().parse::<f32>().map_err(Error::source);
///         Ok(([number(x)?], [number(y)?]))
///     })
/// });
///
/// let mut rows = Rows::of(&lines)?;
/// rows.fill(&lines, &[0, 1, 2])?;
/// assert_eq!(rows.targets(), [1.0, 2.0, 3.0]);
/// # Ok::<(), Error>(())
/// ```
///
/// An item is a pair of an input and a target, a triple with a weight, or a `Result` of one of these: see
/// [`StreamItem`]. Each iterator ends after exactly as many items as were stated; one that ends early or goes on is an
/// error.
pub struct Stream<T, F, I> {
    len: u64,
    input_width: usize,
    target_width: usize,
    state: Mutex<State<F, I>>,
    scalar: PhantomData<fn() -> T>,
}

struct State<F, I> {
    begin: F,
    /// This epoch's items.
    items: Option<I>,
    /// The row that comes next.
    next: u64,
}

/// What a [`Stream`]'s iterator gives: `(input, target)`, `(input, target, weight)`, or a `Result` of one of these.
/// Inputs and targets are arrays, slices or `Vec`s of `f32` or `f64`.
pub trait StreamItem<T> {
    /// Pushes the row.
    ///
    /// # Errors
    /// What [`Rows::push`] returns, or the item's own.
    fn push_onto(self, rows: &mut Rows<T>) -> Result<(), Error>;
}

impl<T: Element, X: AsRef<[T]>, Y: AsRef<[T]>> StreamItem<T> for (X, Y) {
    fn push_onto(self, rows: &mut Rows<T>) -> Result<(), Error> {
        rows.push(self.0.as_ref(), self.1.as_ref())
    }
}

impl<T: Element, X: AsRef<[T]>, Y: AsRef<[T]>> StreamItem<T> for (X, Y, T) {
    fn push_onto(self, rows: &mut Rows<T>) -> Result<(), Error> {
        rows.push_weighted(self.0.as_ref(), self.1.as_ref(), self.2)
    }
}

impl<T, R: StreamItem<T>> StreamItem<T> for Result<R, Error> {
    fn push_onto(self, rows: &mut Rows<T>) -> Result<(), Error> {
        self?.push_onto(rows)
    }
}

impl<T, F, I> Stream<T, F, I>
where
    T: Element,
    F: FnMut() -> I + Send,
    I: Iterator<Item: StreamItem<T>> + Send,
{
    /// A source of `len` rows an epoch, which are the items of the iterator that `begin` makes.
    pub fn new(len: u64, input_width: usize, target_width: usize, begin: F) -> Self {
        let state = Mutex::new(State { begin, items: None, next: 0 });
        Self { len, input_width, target_width, state, scalar: PhantomData }
    }
}

impl<T, F, I> Source for Stream<T, F, I>
where
    T: Element,
    F: FnMut() -> I + Send,
    I: Iterator<Item: StreamItem<T>> + Send,
{
    type Scalar = T;

    fn len(&self) -> u64 {
        self.len
    }

    fn input_width(&self) -> usize {
        self.input_width
    }

    fn target_width(&self) -> usize {
        self.target_width
    }

    fn access(&self) -> Access {
        Access::Stream
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<T>) -> Result<(), Error> {
        // After a panic in the iterator the next epoch begins anew as after an error.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for &index in indices {
            if index == 0 {
                state.items = Some((state.begin)());
                state.next = 0;
            }
            let expected = state.next;
            let Some(items) = state.items.as_mut().filter(|_| index == expected) else {
                return Err(Error::StreamOrder { expected, found: index });
            };
            let Some(item) = items.next() else {
                return Err(Error::StreamEnded { expected: self.len, found: index });
            };
            item.push_onto(rows)?;
            state.next += 1;
            if state.next == self.len {
                // What it holds, an open file say, is free until the next epoch.
                if state.items.take().is_some_and(|mut items| items.next().is_some()) {
                    return Err(Error::StreamGoesOn { expected: self.len });
                }
            }
        }
        Ok(())
    }
}

impl<T, F, I> fmt::Debug for Stream<T, F, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, input_width, target_width, .. } = self;
        f.debug_struct("Stream")
            .field("len", len)
            .field("input_width", input_width)
            .field("target_width", target_width)
            .finish_non_exhaustive()
    }
}
