//! A column of a table as inputs of a network.

use nn_kernels::Element;

use super::fit::category_of;
use super::{Scale, Unseen};
use crate::error::Error;
use crate::table::{Column, Table, TableFault, Value, expected_name};

/// A column, and the inputs that it becomes: those of its encoding, and perhaps one that says that a value is missing.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) encoding: Encoding,
    pub(super) indicator: bool,
    /// Whether a value may be missing.
    pub(super) optional: bool,
    pub(super) unseen: Unseen,
    /// Whether all training rows had the same value.
    pub(super) constant: bool,
}

/// How a value becomes numbers.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(super) enum Encoding {
    /// A number, scaled; `fill` where it is missing.
    Number { fill: Option<f64>, scale: Scale },
    /// The place of a category, scaled.
    Ordinal { categories: Vec<String>, fill: Option<f64>, scale: Scale },
    /// A number for each category, all 0 but one; all 0 where it is missing and there is no category to fill in.
    OneHot { categories: Vec<String>, fill: Option<usize>, numbers: bool },
}

impl Input {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the column holds numbers.
    pub(super) fn is_number(&self) -> bool {
        match self.encoding {
            Encoding::Number { .. } => true,
            Encoding::Ordinal { .. } => false,
            Encoding::OneHot { numbers, .. } => numbers,
        }
    }

    /// How many inputs it becomes.
    pub(super) fn width(&self) -> usize {
        let encoded = match &self.encoding {
            Encoding::Number { .. } | Encoding::Ordinal { .. } => 1,
            Encoding::OneHot { categories, .. } => categories.len(),
        };
        encoded + usize::from(self.indicator)
    }

    /// A name for each input.
    pub(super) fn names(&self) -> Vec<String> {
        let name = &self.name;
        let mut names = match &self.encoding {
            Encoding::Number { .. } | Encoding::Ordinal { .. } => vec![name.clone()],
            Encoding::OneHot { categories, .. } => {
                categories.iter().map(|category| format!("{name}={category}")).collect()
            }
        };
        names.extend(self.indicator.then(|| format!("{name} missing")));
        names
    }

    /// Writes the inputs of each row of `table` to `rows`, zeros that are `width` wide, from column `first` on.
    pub(super) fn write<T: Element>(
        &self,
        table: &Table,
        rows: &mut [T],
        first: usize,
        width: usize,
    ) -> Result<(), Error> {
        let cells = || rows_of(first, width);
        match &self.encoding {
            Encoding::Number { fill, scale } => {
                let numbers = table.numbers(&self.name)?;
                for (row, &number) in numbers.iter().enumerate() {
                    let found = Some(number).filter(|number| !number.is_nan());
                    let number = self.filled(table, row, found, *fill)?;
                    rows[cells()(row)] = self.scaled(table, row, number, scale)?;
                }
            }
            Encoding::Ordinal { categories, fill, scale } => {
                for (row, place) in self.places(table, categories)?.into_iter().enumerate() {
                    let place = self.filled(table, row, place.map(|place| place as f64), *fill)?;
                    rows[cells()(row)] = self.scaled(table, row, place, scale)?;
                }
            }
            Encoding::OneHot { categories, fill, .. } => {
                for (row, place) in self.places(table, categories)?.into_iter().enumerate() {
                    if let Some(place) = place.or(*fill) {
                        rows[cells()(row) + place] = T::ONE;
                    }
                }
            }
        }
        if self.indicator {
            let column = table.column(&self.name)?;
            for row in (0..table.rows()).filter(|&row| column.value(row).is_missing()) {
                rows[cells()(row) + self.width() - 1] = T::ONE;
            }
        }
        Ok(())
    }

    fn filled(&self, table: &Table, row: usize, value: Option<f64>, fill: Option<f64>) -> Result<f64, Error> {
        value.or(fill).ok_or_else(|| table.fault(row, &self.name, TableFault::Missing))
    }

    fn scaled<T: Element>(&self, table: &Table, row: usize, found: f64, scale: &Scale) -> Result<T, Error> {
        if found.is_infinite() {
            return Err(table.fault(row, &self.name, TableFault::NotFinite { found }));
        }
        let input = T::from_f64(scale.apply(found));
        if input.is_finite() {
            return Ok(input);
        }
        Err(table.fault(row, &self.name, TableFault::TooFar { found }))
    }

    /// The place of each row's category; none where it is missing, or unseen and nothing follows from it.
    fn places(&self, table: &Table, categories: &[String]) -> Result<Vec<Option<usize>>, Error> {
        let ordinal = matches!(self.encoding, Encoding::Ordinal { .. });
        let places = categories.iter().enumerate().map(|(place, category)| (category.as_str(), place));
        let places: std::collections::HashMap<_, _> = places.collect();
        let missing = |row| match self.optional {
            true => Ok(None),
            false => Err(table.fault(row, &self.name, TableFault::Missing)),
        };
        let place = |row, text: &str| match (places.get(text), self.unseen) {
            (Some(&place), _) => Ok(Some(place)),
            (None, Unseen::Zeros) if !ordinal => Ok(None),
            (None, Unseen::Missing) => missing(row),
            (None, _) => {
                let expected = expected_name(text, categories.iter().map(String::as_str));
                Err(table.fault(row, &self.name, TableFault::Unseen { found: text.to_owned(), expected }))
            }
        };
        match table.column(&self.name)? {
            Column::Text(text) => {
                let categories: Vec<&str> = text.categories().collect();
                let row = |(row, code): (usize, Option<usize>)| match code {
                    Some(code) => place(row, categories[code]),
                    None => missing(row),
                };
                text.codes().enumerate().map(row).collect()
            }
            // A few rows may look like numbers where there was text in training.
            column => (0..table.rows())
                .map(|row| match column.value(row) {
                    Value::Number(number) => place(row, &category_of(number)),
                    _ => missing(row),
                })
                .collect(),
        }
    }
}

/// Where the inputs of a row begin.
fn rows_of(first: usize, width: usize) -> impl Fn(usize) -> usize {
    move |row| row * width + first
}
