//! A column: numbers, or text as categories.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::sync::Arc;

/// A value of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A number; it may be infinite, but is not NaN.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// None: the field was empty, or held another marker of missing values.
    Missing,
}

impl<'a> Value<'a> {
    /// The number, if it is one.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_missing(self) -> bool {
        self == Self::Missing
    }
}

/// The values of one name, all of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; NaN stands for a missing one.
    Number(Vec<f64>),
    /// Texts.
    Text(TextColumn),
}

impl Column {
    /// Texts, none of them missing.
    #[must_use]
    pub fn text<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        Self::optional_text(texts.into_iter().map(Some))
    }

    /// Texts, `None` where one is missing.
    #[must_use]
    pub fn optional_text<S: AsRef<str>>(texts: impl IntoIterator<Item = Option<S>>) -> Self {
        let mut column = Interner::default();
        for text in texts {
            match text {
                Some(text) => column.push(text.as_ref()),
                None => column.push_missing(),
            }
        }
        Self::Text(column.finish())
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Number(numbers) => numbers.len(),
            Self::Text(text) => text.codes.len(),
        }
    }

    /// The value of a row, missing past the last one.
    #[must_use]
    pub fn value(&self, row: usize) -> Value<'_> {
        match self {
            Self::Number(numbers) => match numbers.get(row) {
                Some(&number) if !number.is_nan() => Value::Number(number),
                _ => Value::Missing,
            },
            Self::Text(text) => text.get(row).map_or(Value::Missing, Value::Text),
        }
    }

    /// The number of missing values.
    #[must_use]
    pub fn missing(&self) -> usize {
        (0..self.rows()).filter(|&row| self.value(row).is_missing()).count()
    }

    /// The rows at `indices`, which are within the column.
    pub(super) fn gather(&self, indices: &[usize]) -> Self {
        match self {
            Self::Number(numbers) => Self::Number(indices.iter().map(|&row| numbers[row]).collect()),
            Self::Text(text) => {
                let codes = indices.iter().map(|&row| text.codes[row]).collect();
                Self::Text(TextColumn { codes, categories: Arc::clone(&text.categories) })
            }
        }
    }
}

impl From<Vec<f64>> for Column {
    fn from(numbers: Vec<f64>) -> Self {
        Self::Number(numbers)
    }
}

/// Different texts, one behind the other.
#[derive(Debug, Clone, Default)]
struct Categories {
    texts: String,
    ends: Vec<usize>,
}

impl Categories {
    fn get(&self, code: u32) -> Option<&str> {
        let code = code as usize;
        let end = *self.ends.get(code)?;
        let start = code.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.texts[start..end])
    }
}

/// The code of a missing text.
const MISSING: u32 = u32::MAX;

/// Texts, each kept once: a row is the code of its category.
#[derive(Debug, Clone)]
pub struct TextColumn {
    codes: Vec<u32>,
    categories: Arc<Categories>,
}

impl TextColumn {
    /// The text of a row, if it has one.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        self.categories.get(*self.codes.get(row)?)
    }

    /// The code of each row, its place in [`categories`](Self::categories); `None` where the text is missing.
    pub fn codes(&self) -> impl ExactSizeIterator<Item = Option<usize>> {
        self.codes.iter().map(|&code| (code != MISSING).then_some(code as usize))
    }

    /// The different texts, in the order in which they first stood in the file. Where rows have been taken out of a
    /// table, some may belong to none that is left.
    pub fn categories(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.categories.ends.len()).map(|code| self.categories.get(code as u32).unwrap_or_default())
    }
}

/// The same texts in the same rows, whatever their codes.
impl PartialEq for TextColumn {
    fn eq(&self, other: &Self) -> bool {
        let rows = self.codes.len();
        rows == other.codes.len() && (0..rows).all(|row| self.get(row) == other.get(row))
    }
}

/// A text column that grows row by row.
#[derive(Debug, Default)]
pub(super) struct Interner {
    codes: Vec<u32>,
    categories: Categories,
    /// The code by the hash of the text. Where two texts have one hash, the second stands under the next free number.
    by_hash: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Interner {
    /// Bytes that each different text takes beside its own: where it ends, and its place by its hash with the room that is kept free.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(super) const BESIDE: u64 = 48;

    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { codes: Vec::with_capacity(rows), ..Self::default() }
    }

    /// The same, unless there is no memory for so many.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(super) fn try_with_capacity(rows: usize) -> Option<Self> {
        let mut interner = Self::default();
        interner.codes.try_reserve_exact(rows).ok()?;
        Some(interner)
    }

    /// Adds so many rows of a text whose code is known.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(super) fn push_code(&mut self, code: u32, rows: usize) {
        self.codes.extend(std::iter::repeat_n(code, rows));
    }

    /// The code of the last row's text.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(super) fn last_code(&self) -> u32 {
        self.codes.last().copied().unwrap_or(MISSING)
    }

    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(super) fn rows(&self) -> usize {
        self.codes.len()
    }

    /// The code of a row, if it has a text.
    #[cfg(feature = "arrow")]
    pub(super) fn code(&self, row: usize) -> Option<u32> {
        self.codes.get(row).copied().filter(|&code| code != MISSING)
    }

    /// The text of a code.
    #[cfg(feature = "arrow")]
    pub(super) fn text(&self, code: u32) -> &str {
        self.categories.get(code).unwrap_or_default()
    }

    /// The number of different texts.
    #[cfg(feature = "arrow")]
    pub(super) fn different(&self) -> usize {
        self.categories.ends.len()
    }

    /// Moves the rows from `start` on to where `present` says that there is one; the others are missing.
    #[cfg(feature = "parquet")]
    pub(super) fn spread(&mut self, start: usize, present: &[bool]) {
        super::typed::spread(&mut self.codes, start, present, MISSING);
    }

    pub(super) fn push_missing(&mut self) {
        self.codes.push(MISSING);
    }

    pub(super) fn push(&mut self, text: &str) {
        let code = self.find(text.as_bytes()).unwrap_or_else(|place| {
            let code = self.categories.ends.len() as u32;
            self.categories.texts.push_str(text);
            self.categories.ends.push(self.categories.texts.len());
            self.by_hash.insert(place, code);
            code
        });
        self.codes.push(code);
    }

    /// Adds a row of a text that is there already. These bytes need not be checked for UTF-8 again.
    pub(super) fn push_known(&mut self, bytes: &[u8]) -> bool {
        let known = self.find(bytes);
        self.codes.extend(known.ok());
        known.is_ok()
    }

    /// The code of a text, or the number under which a new one is to stand.
    fn find(&mut self, bytes: &[u8]) -> Result<u32, u64> {
        let mut place = self.hasher.hash_one(bytes);
        while let Entry::Occupied(code) = self.by_hash.entry(place) {
            if self.categories.get(*code.get()).is_some_and(|text| text.as_bytes() == bytes) {
                return Ok(*code.get());
            }
            place = place.wrapping_add(1);
        }
        Err(place)
    }

    pub(super) fn finish(mut self) -> TextColumn {
        self.codes.shrink_to_fit();
        TextColumn { codes: self.codes, categories: Arc::new(self.categories) }
    }
}
