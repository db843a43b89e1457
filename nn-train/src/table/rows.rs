//! Some rows of a table, and parts of it.

use super::{Column, Table, TableFault, Value};
use crate::data::split;
use crate::error::Error;

impl Table {
    /// The rows at `indices`, in that order; an index may appear more than once, and none gives a table without a row.
    ///
    /// # Errors
    /// [`Error::Index`] for an index past the last row.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, Error> {
        match indices.iter().find(|&&index| index >= self.rows) {
            Some(&index) => Err(Error::Index { index, len: self.rows }),
            None => Ok(self.gather(indices)),
        }
    }

    /// The first rows, as many as there are up to `count`.
    #[must_use]
    pub fn head(&self, count: usize) -> Self {
        self.gather(&(0..count.min(self.rows)).collect::<Vec<_>>())
    }

    /// The rows whose value in a column is one to `keep`.
    ///
    /// ```
    /// # use nn_train::table::{Column, Table, Value};
    /// let flats = Table::new([("area", Column::from(vec![51.0, 80.0, f64::NAN])), ("rooms", vec![2.0, 3.0, 1.0].into())])?;
    /// let large = flats.filter("area", |area| area.number().is_some_and(|area| area > 60.0))?;
    /// assert_eq!(large.numbers("rooms")?, [3.0]);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Table`] when there is no such column.
    pub fn filter(&self, name: &str, mut keep: impl FnMut(Value<'_>) -> bool) -> Result<Self, Error> {
        let column = self.column(name)?;
        Ok(self.gather(&(0..self.rows).filter(|&row| keep(column.value(row))).collect::<Vec<_>>()))
    }

    /// The rows that have a value in each of these columns.
    ///
    /// # Errors
    /// [`Error::Table`] when there is no such column.
    pub fn drop_missing<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, Error> {
        let columns = names.iter().map(|name| self.column(name.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let whole = |&row: &usize| !columns.iter().any(|column| column.value(row).is_missing());
        Ok(self.gather(&(0..self.rows).filter(whole).collect::<Vec<_>>()))
    }

    /// Two parts, drawn under `seed`: the first with `fraction` of the rows, the second with the others. They are the
    /// rows that [`DynDataset::split`](crate::DynDataset::split) would put there.
    ///
    /// # Errors
    /// [`Error::Argument`] for a fraction outside (0, 1), [`Error::EmptyPart`] when a part would get no row.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), Error> {
        self.divide(&split::plain(self.rows, fraction, seed)?, fraction)
    }

    /// Two parts like [`split`](Self::split)'s, but drawn class by class: the values of a column, text or number, have
    /// the same shares in both. A missing value is a class of its own.
    ///
    /// # Errors
    /// As [`split`](Self::split), and [`Error::Table`] when there is no such column.
    pub fn stratified_split(&self, column: &str, fraction: f64, seed: u64) -> Result<(Self, Self), Error> {
        let (labels, classes) = match self.column(column)? {
            Column::Number(numbers) => places(numbers),
            Column::Text(text) => {
                // By name, not by code: which value comes first in a file must not matter.
                let mut order: Vec<_> = text.categories().enumerate().collect();
                order.sort_by_key(|&(_, name)| name);
                let missing = order.len();
                let mut places = vec![missing; missing];
                order.iter().enumerate().for_each(|(place, &(code, _))| places[code] = place);
                (text.codes().map(|code| code.map_or(missing, |code| places[code])).collect(), missing + 1)
            }
        };
        self.divide(&split::stratified(&labels, classes, fraction, seed)?, fraction)
    }

    fn divide(&self, in_first: &[bool], fraction: f64) -> Result<(Self, Self), Error> {
        let (first, second) = split::parts(in_first, fraction)?;
        Ok((self.gather(&first), self.gather(&second)))
    }

    /// The rows at `indices`, which are within the table.
    fn gather(&self, indices: &[usize]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| column.gather(indices)).collect(),
            rows: indices.len(),
            origin: self.origin.gather(indices),
        }
    }

    /// There is a row.
    pub(crate) fn check_rows(&self) -> Result<(), Error> {
        if self.rows == 0 { Err(Error::table(self.place(), TableFault::NoRows)) } else { Ok(()) }
    }
}

/// The place of each number among the different ones, and how many of these there are. Zeros are alike, and so are NaN.
fn places(numbers: &[f64]) -> (Vec<usize>, usize) {
    let number = |row: usize| if numbers[row].is_nan() { f64::NAN } else { numbers[row] + 0.0 };
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| number(a).total_cmp(&number(b)));
    let mut places = vec![0; numbers.len()];
    let mut place = 0;
    for pair in order.windows(2) {
        place += usize::from(number(pair[0]).total_cmp(&number(pair[1])).is_ne());
        places[pair[1]] = place;
    }
    (places, place + 1)
}
