//! Named columns of numbers and text, and the files that they come from.

#[cfg(feature = "arrow")]
mod arrow;
mod column;
mod csv;
mod fault;
mod lines;
mod number;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod rows;
mod show;
mod source;
#[cfg(any(feature = "arrow", feature = "parquet"))]
mod typed;
#[cfg(any(feature = "arrow", feature = "parquet"))]
mod unpack;
mod write;

use std::path::Path;

#[cfg(feature = "arrow")]
pub use arrow::Arrow;
pub use column::{Column, TextColumn, Value};
pub use csv::Csv;
pub(crate) use csv::Format;
pub use fault::{Place, TableFault};
pub(crate) use fault::{expected_name, list};
use lines::Origin;
pub(crate) use number::number;
#[cfg(feature = "parquet")]
pub use parquet::Parquet;

use crate::error::Error;

/// The most columns of a file, so that a line of nothing but commas cannot fill the memory.
const MOST_COLUMNS: usize = 1 << 16;

/// Rows and named columns, in memory. Each column holds numbers or text; a value may be missing.
///
/// [`Table::from_csv`] reads one from a file, [`Csv`] with settings, [`Table::new`] makes one of columns that are there
/// already. [`Preprocess`](crate::preprocess::Preprocess) turns a table into a [`DynDataset`](crate::DynDataset).
///
/// ```
/// use nn_train::table::{Csv, Table, Value};
///
/// let flowers = Csv::new().read_bytes(b"length,species\n5.1,setosa\n7.0,versicolor\n,virginica\n")?;
/// assert_eq!((flowers.rows(), flowers.names()), (3, &["length".to_owned(), "species".to_owned()][..]));
/// assert_eq!(flowers.value(1, "species")?, Value::Text("versicolor"));
/// assert_eq!(flowers.value(2, "length")?, Value::Missing);
///
/// let known = flowers.drop_missing(&["length"])?;
/// assert_eq!(known.numbers("length")?, [5.1, 7.0]);
/// println!("{}", known.head(5));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Memory
/// A number takes 8 bytes. A text takes 4, and each different text of a column is kept once. Columns are copied where rows are
/// taken out of a table.
#[derive(Debug, Clone)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
    origin: Origin,
}

impl Table {
    /// Reads a file of comma-separated values whose first line names the columns: [`Csv`] with its defaults.
    ///
    /// # Errors
    /// As [`Csv::read`].
    pub fn from_csv(path: impl AsRef<Path>) -> Result<Self, Error> {
        Csv::new().read(path)
    }

    /// A table of columns that are in memory.
    ///
    /// ```
    /// use nn_train::table::{Column, Table};
    ///
    /// let columns = [("area", Column::from(vec![51.0, 80.0])), ("town", Column::text(["Ulm", "Aalen"]))];
    /// assert_eq!(Table::new(columns)?.rows(), 2);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Table`] without a column, when two have one name, or when they are not equally long.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = (S, Column)>) -> Result<Self, Error> {
        let (names, columns): (Vec<String>, Vec<Column>) =
            columns.into_iter().map(|(name, column)| (name.into(), column)).unzip();
        Self::of(names, columns, Origin::default())
    }

    fn of(names: Vec<String>, columns: Vec<Column>, origin: Origin) -> Result<Self, Error> {
        check_names(&names).map_err(|(name, fault)| Error::table(origin.source().column(name), fault))?;
        let Some(expected) = columns.first().map(Column::rows) else {
            return Err(Error::table(origin.source(), TableFault::Empty));
        };
        for (name, column) in names.iter().zip(&columns) {
            let found = column.rows();
            if found != expected {
                return Err(Error::table(origin.source().column(name), TableFault::Rows { found, expected }));
            }
        }
        Ok(Self { names, columns, rows: expected, origin })
    }

    /// The number of rows. It may be 0.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The names of the columns, in their order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Each column with its name.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &Column)> {
        self.names.iter().map(String::as_str).zip(&self.columns)
    }

    /// The column of a name.
    ///
    /// # Errors
    /// [`Error::Table`] when there is none, with the name that may be meant.
    pub fn column(&self, name: &str) -> Result<&Column, Error> {
        Ok(&self.columns[self.index(name)?])
    }

    /// The numbers of a column, NaN where one is missing.
    ///
    /// # Errors
    /// [`Error::Table`] when there is no such column or it holds text; then with the first value that is no number.
    pub fn numbers(&self, name: &str) -> Result<&[f64], Error> {
        match self.column(name)? {
            Column::Number(numbers) => Ok(numbers),
            Column::Text(text) => {
                let number = |text: &str| number(text.as_bytes()).is_some();
                let wrong = (0..self.rows).find_map(|row| Some((row, text.get(row).filter(|text| !number(text))?)));
                Err(match wrong {
                    Some((row, found)) => self.fault(row, name, TableFault::NotANumber { found: found.to_owned() }),
                    None => {
                        let fault =
                            TableFault::Kind { found: "text", expected: "numbers: number(name) reads it as such" };
                        Error::table(self.origin.source().column(name), fault)
                    }
                })
            }
        }
    }

    /// The value of a row in a column.
    ///
    /// # Errors
    /// [`Error::Table`] when there is no such column, [`Error::Index`] past the last row.
    pub fn value(&self, row: usize, name: &str) -> Result<Value<'_>, Error> {
        let column = self.column(name)?;
        if row < self.rows { Ok(column.value(row)) } else { Err(Error::Index { index: row, len: self.rows }) }
    }

    /// The columns of these names, in this order.
    ///
    /// # Errors
    /// [`Error::Table`] when there is no such column, when one is named twice, or without a name.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, Error> {
        let columns = names.iter().map(|name| self.column(name.as_ref()).cloned()).collect::<Result<_, _>>()?;
        Self::of(names.iter().map(|name| name.as_ref().to_owned()).collect(), columns, self.origin.clone())
    }

    /// All columns but these.
    ///
    /// # Errors
    /// [`Error::Table`] when there is no such column, or none is left.
    pub fn without<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, Error> {
        names.iter().try_for_each(|name| self.index(name.as_ref()).map(drop))?;
        let left = |name: &&String| !names.iter().any(|other| other.as_ref() == name.as_str());
        self.select(&self.names.iter().filter(left).collect::<Vec<_>>())
    }

    /// The table with one more column at its end, or with another one in place of that name.
    ///
    /// ```
    /// # use nn_train::table::{Column, Table};
    /// let table = Table::new([("length", Column::from(vec![2.0, 3.0]))])?;
    /// let squares = table.numbers("length")?.iter().map(|length| length * length).collect::<Vec<_>>();
    /// assert_eq!(table.with("square", squares)?.numbers("square")?, [4.0, 9.0]);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Table`] unless the column is as long as the others.
    pub fn with(&self, name: &str, column: impl Into<Column>) -> Result<Self, Error> {
        let (mut names, mut columns) = (self.names.clone(), self.columns.clone());
        match names.iter().position(|other| other == name) {
            Some(index) => columns[index] = column.into(),
            None => {
                names.push(name.to_owned());
                columns.push(column.into());
            }
        }
        Self::of(names, columns, self.origin.clone())
    }

    /// The place of a column.
    fn index(&self, name: &str) -> Result<usize, Error> {
        self.names.iter().position(|other| other == name).ok_or_else(|| {
            let expected = expected_name(name, self.names.iter().map(String::as_str));
            Error::table(self.origin.source().column(name), TableFault::UnknownColumn { expected })
        })
    }

    /// The file that the table is from, for an error about no row in particular.
    pub(crate) fn place(&self) -> Place {
        self.origin.source()
    }

    /// How values stand in the file that the table is from.
    pub(crate) fn format(&self) -> Format {
        self.origin.format().cloned().unwrap_or_default()
    }

    /// Whether a column of text is text because of what stood in the file, not because somebody said so.
    pub(crate) fn inferred(&self, name: &str) -> bool {
        self.origin.inferred(name)
    }

    /// What is wrong with the value of a row.
    pub(crate) fn fault(&self, row: usize, name: &str, fault: TableFault) -> Error {
        Error::table(self.origin.place(row).column(name), fault)
    }
}

/// The same names and values, wherever they come from. A missing number is like another.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        let alike = |(a, b): (&Column, &Column)| match (a, b) {
            (Column::Number(a), Column::Number(b)) => {
                a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
            }
            (a, b) => a == b,
        };
        self.names == other.names && self.rows == other.rows && self.columns.iter().zip(&other.columns).all(alike)
    }
}

/// Each name once; otherwise the name and its two places.
fn check_names(names: &[String]) -> Result<(), (&str, TableFault)> {
    let mut places = std::collections::HashMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = places.insert(name, index) {
            return Err((name, TableFault::DuplicateName { first: first + 1, second: index + 1 }));
        }
    }
    Ok(())
}

/// Adds a row of a text, if the budget allows a new one, and returns its code.
#[cfg(any(feature = "arrow", feature = "parquet"))]
fn text_of(column: &mut column::Interner, text: &[u8], budget: &mut typed::Budget) -> Result<u32, TableFault> {
    if !column.push_known(text) {
        budget.table(text.len() as u64 + column::Interner::BESIDE)?;
        column.push(&read::text(text, false)?);
    }
    Ok(column.last_code())
}
