//! A column of a table as inputs of a network.

use std::borrow::Cow;
use std::iter;

use nn_kernels::{Element, number_text};

use super::categories::{Category, categories_of};
use super::{Scale, Unseen, bins};
use crate::error::Error;
use crate::table::{Table, TableFault, expected_name};

/// A column, and the inputs that it becomes: those of its encoding, and perhaps one that says that a value is missing.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) encoding: Encoding,
    pub(crate) indicator: bool,
    /// Whether a value may be missing.
    pub(crate) optional: bool,
    pub(crate) unseen: Unseen,
    /// Whether all training rows had the same value.
    pub(crate) constant: bool,
}

/// How a value becomes numbers.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) enum Encoding {
    /// A number, scaled; `fill` where it is missing.
    Number { fill: Option<f64>, scale: Scale },
    /// The place of a category, scaled.
    Ordinal { categories: Vec<String>, fill: Option<f64>, scale: Scale },
    /// A number for each category, all 0 but one; all 0 where it is missing and there is no category to fill in.
    OneHot { categories: Vec<String>, fill: Option<usize>, numbers: bool },
    /// A number, scaled, and how far it has come through each bin between two edges, of which there are at least 2.
    Binned { fill: Option<f64>, scale: Scale, edges: Vec<f64> },
}

impl Input {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the column holds numbers.
    pub(crate) fn is_number(&self) -> bool {
        match self.encoding {
            Encoding::Number { .. } | Encoding::Binned { .. } => true,
            Encoding::Ordinal { .. } => false,
            Encoding::OneHot { numbers, .. } => numbers,
        }
    }

    /// How many inputs it becomes.
    pub(crate) fn width(&self) -> usize {
        let encoded = match &self.encoding {
            Encoding::Number { .. } | Encoding::Ordinal { .. } => 1,
            Encoding::OneHot { categories, .. } => categories.len(),
            Encoding::Binned { edges, .. } => edges.len(),
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
            Encoding::Binned { edges, .. } => {
                let bin = |edges: &[f64]| format!("{name} from {} to {}", number_text(edges[0]), number_text(edges[1]));
                iter::once(name.clone()).chain(edges.windows(2).map(bin)).collect()
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
        let cells = rows.chunks_exact_mut(width).map(|row| &mut row[first..][..self.width()]).enumerate();
        let last = self.width() - 1;
        match &self.encoding {
            Encoding::Number { fill, scale } | Encoding::Binned { fill, scale, .. } => {
                let edges = if let Encoding::Binned { edges, .. } = &self.encoding { &edges[..] } else { &[] };
                for ((row, cells), &number) in cells.zip(table.numbers(&self.name)?) {
                    let found = Some(number).filter(|number| !number.is_nan());
                    if self.indicator && found.is_none() {
                        cells[last] = T::ONE;
                    }
                    let number = found.or(*fill);
                    cells[0] = self.scaled(table, row, number, scale)?;
                    if let Some(number) = number {
                        bins::write(edges, number, &mut cells[1..]);
                    }
                }
            }
            Encoding::Ordinal { categories, fill, scale } => {
                for ((row, cells), category) in cells.zip(self.places(table, categories)?) {
                    let found = if let Place::At(place) = category { Some(place as f64) } else { None };
                    if self.indicator && found.is_none() {
                        cells[last] = T::ONE;
                    }
                    cells[0] = self.scaled(table, row, found.or(*fill), scale)?;
                }
            }
            Encoding::OneHot { categories, fill, .. } => {
                for ((_, cells), category) in cells.zip(self.places(table, categories)?) {
                    let missing = category == Place::Missing;
                    if self.indicator && missing {
                        cells[last] = T::ONE;
                    }
                    match (category, fill) {
                        (Place::At(place), _) => cells[place] = T::ONE,
                        (Place::Missing, Some(fill)) => cells[*fill] = T::ONE,
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn scaled<T: Element>(&self, table: &Table, row: usize, found: Option<f64>, scale: &Scale) -> Result<T, Error> {
        let found = found.ok_or_else(|| table.fault(row, &self.name, TableFault::Missing))?;
        if found.is_infinite() {
            return Err(table.fault(row, &self.name, TableFault::NotFinite { found }));
        }
        let input = T::from_f64(scale.apply(found));
        if input.is_finite() {
            return Ok(input);
        }
        Err(table.fault(row, &self.name, TableFault::TooFar { found }))
    }

    /// The place of each row's category; none where it is missing, or treated so or as one of which nothing is known.
    fn places(&self, table: &Table, known: &[String]) -> Result<Vec<Place>, Error> {
        let ordinal = matches!(self.encoding, Encoding::Ordinal { .. });
        let place = |(row, category)| match (category, self.unseen) {
            (Category::Known(place), _) => Ok(Place::At(place)),
            (Category::Missing, _) if self.optional => Ok(Place::Missing),
            (Category::Missing, _) => Err(table.fault(row, &self.name, TableFault::Missing)),
            (Category::Other(_), Unseen::Zeros) if !ordinal => Ok(Place::Zeros),
            (Category::Other(_), Unseen::Missing) if self.optional => Ok(Place::Missing),
            (Category::Other(found), _) => Err(table.fault(row, &self.name, unseen(found, known))),
        };
        categories_of(table, &self.name, known, self.is_number())?.into_iter().enumerate().map(place).collect()
    }
}

/// A category is none of the known ones.
pub(super) fn unseen(found: Cow<'_, str>, known: &[String]) -> TableFault {
    let expected = expected_name(&found, known.iter().map(String::as_str));
    TableFault::Unseen { found: found.into_owned(), expected }
}

/// What a row's inputs are made of.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The category at this place.
    At(usize),
    /// One of which nothing is known.
    Zeros,
    Missing,
}
