//! What can be wrong with a table, and where.

use std::fmt;

use nn_kernels::number_text;
use thiserror::Error;

/// Where in a table something is: `diamonds.csv, line 17, column "carat"`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Place {
    /// The file that the table was read from.
    pub source: Option<String>,
    /// The part of that file, where it has parts: `row group 3` of a Parquet file, `record batch 3` of an Arrow file, from 0.
    pub part: Option<String>,
    /// The line of that file, from 1.
    pub line: Option<u64>,
    /// The row of the table, from 0.
    pub row: Option<usize>,
    /// The name of the column.
    pub column: Option<String>,
}

impl Place {
    /// The same place in a column.
    pub(crate) fn column(mut self, name: &str) -> Self {
        self.column = Some(name.to_owned());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source.as_deref().unwrap_or("the table"))?;
        if let Some(part) = &self.part {
            write!(f, ", {part}")?;
        }
        match (self.line, self.row) {
            (Some(line), _) => write!(f, ", line {line}")?,
            (None, Some(row)) => write!(f, ", row {row}")?,
            (None, None) => {}
        }
        self.column.as_ref().map_or(Ok(()), |column| write!(f, ", column {column:?}"))
    }
}

/// What is wrong with a table, or with a value in it.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum TableFault {
    /// There is not even a header.
    #[error("it is empty; expected a header and rows")]
    Empty,
    /// There are columns and no row.
    #[error("it has no row; expected at least 1")]
    NoRows,
    /// A file, or what a packed file holds, is larger than allowed.
    #[error("it holds more than {limit} bytes; expected no more, unless max_bytes allows it")]
    TooLarge {
        /// How many bytes are allowed.
        limit: u64,
    },
    /// A part of a file is not what its format says, or not what is read of it.
    #[error("{what}: found {found}; expected {expected}")]
    Damaged {
        /// The part.
        what: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
    },
    /// The values of a column are of a type that a table has not.
    #[error(
        "found {found}; expected numbers, truth values, text, dates or times, one a row: choose the columns with \
         columns([…]) or without([…])"
    )]
    Type {
        /// The type.
        found: String,
    },
    /// There are more rows than a table holds.
    #[error("it has more than {limit} rows; expected no more")]
    TooManyRows {
        /// How many rows a table holds.
        limit: usize,
    },
    /// There are more columns than a reader takes.
    #[error("it has {found} columns; expected at most {limit}")]
    TooManyColumns {
        /// The columns of the first line.
        found: usize,
        /// The most that are read.
        limit: usize,
    },
    /// The bytes are no UTF-8.
    #[error("found {found:?}, which is not UTF-8; expected UTF-8, or lossy() to read it with replacement characters")]
    NotUtf8 {
        /// The value with replacement characters.
        found: String,
    },
    /// A row has more or fewer fields than the header.
    #[error("found {found} fields; expected {expected}, as in the first line")]
    Fields {
        /// The fields of this row.
        found: usize,
        /// The fields of the first line.
        expected: usize,
    },
    /// A quoted value does not end.
    #[error("a quoted value begins and the file ends in it; expected a closing quote")]
    OpenQuote,
    /// A value should be a number.
    #[error("found {found:?}; expected a number")]
    NotANumber {
        /// The value.
        found: String,
    },
    /// A number is infinite.
    #[error("found {found}; expected a finite number")]
    NotFinite {
        /// The number.
        found: f64,
    },
    /// A number is finite, and what is computed of it is not.
    #[error("found {}, which is too far from the numbers of the training rows to be scaled", number_text(*.found))]
    TooFar {
        /// The number.
        found: f64,
    },
    /// A value is missing where the policy takes none.
    #[error("the value is missing; expected one, or a policy such as missing(Missing::Median)")]
    Missing,
    /// The value to be predicted, or a weight, is missing.
    #[error("the {what} is missing; expected one in each row: drop_missing leaves out rows without")]
    MissingTarget {
        /// `"target"` or `"weight"`.
        what: &'static str,
    },
    /// A weight is negative, infinite, or too large for the numbers of the network.
    #[error("found {}; expected a finite weight of at least 0", number_text(*.found))]
    Weight {
        /// The weight.
        found: f64,
    },
    /// A category did not occur in the training rows.
    #[error("found {found:?}; expected {expected}")]
    Unseen {
        /// The value.
        found: String,
        /// The categories.
        expected: String,
    },
    /// Two columns have one name.
    #[error("columns {first} and {second} have the same name; expected each name once")]
    DuplicateName {
        /// The place of the first, from 1.
        first: usize,
        /// The place of the second, from 1.
        second: usize,
    },
    /// There is no such column.
    #[error("there is no such column; expected {expected}")]
    UnknownColumn {
        /// The columns that there are.
        expected: String,
    },
    /// There are more or fewer names than columns.
    #[error("{found} names are given; expected {expected}, one for each column")]
    Names {
        /// The names given.
        found: usize,
        /// The columns.
        expected: usize,
    },
    /// A column has more or fewer rows than the first.
    #[error("it has {found} rows; expected {expected}, as many as the first column")]
    Rows {
        /// The rows of this column.
        found: usize,
        /// The rows of the first.
        expected: usize,
    },
    /// A column holds the other kind of values.
    #[error("it holds {found}; expected {expected}")]
    Kind {
        /// `"numbers"` or `"text"`.
        found: &'static str,
        /// What is needed.
        expected: &'static str,
    },
    /// A column has no value at all, so nothing can be learned from it.
    #[error("no row has a value; expected one at least, from which the others can be filled")]
    NoValue,
    /// The numbers of a column differ, and not enough for a standard deviation.
    #[error("the numbers vary so little that their standard deviation rounds to 0; expected more, or the scaling None")]
    Deviation,
    /// One-hot encoding would make very many inputs.
    #[error(
        "it has {found} categories; expected at most {limit}, as each becomes an input: leave it out with without, or \
         raise max_categories; if it should hold numbers, number(name) of the reader says which value is none"
    )]
    Categories {
        /// The categories in the training rows.
        found: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// The target is a number that never varies.
    #[error("the target has the same value in all rows; expected different ones to learn from")]
    ConstantTarget,
    /// There are very few rows.
    #[error("{found} rows have a target; expected at least {expected} to learn from")]
    FewRows {
        /// The rows with a target.
        found: usize,
        /// The fewest that are enough.
        expected: usize,
    },
    /// No class has two rows.
    #[error(
        "no class has more than one row; expected several, of which some are trained on and others choose the epoch"
    )]
    SingleRows,
    /// There is one class only, or none.
    #[error("the target has {found} classes in the training rows; expected at least 2")]
    Classes {
        /// The classes.
        found: usize,
    },
    /// A target has very many classes: it may not be one of classes at all.
    #[error(
        "the target has {found} classes; expected at most {limit}, as each becomes an output: raise max_categories"
    )]
    ManyClasses {
        /// The classes.
        found: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// Most values of the target are numbers, but not all.
    #[error(
        "found {found:?}, and most values of the target are numbers; expected a number, or classes(), or text(name) of \
         the reader, where the target is classes"
    )]
    MixedTarget {
        /// The first value that is no number.
        found: String,
    },
    /// A setting of the preprocessing contradicts another.
    #[error("{reason}")]
    Settings {
        /// How.
        reason: &'static str,
    },
    /// A network takes another number of inputs, or has another number of outputs.
    #[error("the network has {found} {what}; expected {expected}: {columns}")]
    Width {
        /// `"inputs"` or `"outputs"`.
        what: &'static str,
        /// The network's.
        found: usize,
        /// What the columns make.
        expected: usize,
        /// Each column with how many it makes.
        columns: String,
    },
}

/// The first of `names`, for a message.
pub(crate) fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let more = names.len().saturating_sub(SHOWN);
    let mut text = names.take(SHOWN).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// What `name` may have been meant to be, or all that it could be.
pub(crate) fn expected_name<'a>(name: &str, names: impl ExactSizeIterator<Item = &'a str> + Clone) -> String {
    let nearest = names.clone().map(|known| (strsim::osa_distance(&name.to_lowercase(), &known.to_lowercase()), known));
    match nearest.min() {
        Some((distance, known)) if distance * 3 <= known.chars().count() => {
            format!("one that there is; did you mean {known:?}?")
        }
        _ => format!("one of {}", list(names)),
    }
}
