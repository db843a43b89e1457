//! Which columns can be learned from.

use std::fmt;

use super::Recipe;
use crate::error::Error;
use crate::table::{Column, Table, TableFault, Value};

/// A column of which the recipe makes no input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The column.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// Why a column is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It has no value in any row.
    Empty,
    /// It has the same value in all rows.
    Constant,
    /// Its texts are names: more than half of them occur once, and there are more than [`Recipe::categories`] allows.
    Names,
    /// It numbers the rows: whole numbers without a gap, each once, in any order; and it is not the only column there is.
    RowNumber,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it has no value",
            Self::Constant => "it has the same value in all rows",
            Self::Names => "it looks like names or ids",
            Self::RowNumber => "it numbers the rows",
        })
    }
}

impl fmt::Display for LeftOut {
    /// `"id": it numbers the rows`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.name, self.reason)
    }
}

/// The columns to learn from, and those that are left out though nobody asked for it.
pub(super) struct Columns {
    pub(super) inputs: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    /// How many of the inputs are columns of numbers.
    pub(super) numbers: usize,
}

impl Columns {
    pub(super) fn of(recipe: &Recipe, table: &Table) -> Result<Self, Error> {
        for name in recipe.without.iter().chain(&recipe.weights).chain(recipe.inputs.iter().flatten()) {
            table.column(name)?;
        }
        let mut columns = Self { inputs: Vec::new(), left_out: Vec::new(), numbers: 0 };
        for (name, column) in table.columns() {
            let named = |names: &[String]| names.iter().any(|other| other == name);
            let asked_for = recipe.inputs.as_ref().map(|inputs| named(inputs));
            let apart = name == recipe.target || named(&recipe.without) || recipe.weights.as_deref() == Some(name);
            if apart || asked_for == Some(false) {
                continue;
            }
            // What was asked for by name is left out only where nothing can be made of it.
            let reason = useless(column, recipe.categories)
                .filter(|reason| asked_for.is_none() || matches!(reason, Reason::Empty | Reason::Constant));
            match reason {
                Some(reason) => columns.left_out.push(LeftOut { name: name.to_owned(), reason }),
                None => {
                    columns.inputs.push(name.to_owned());
                    columns.numbers += usize::from(matches!(column, Column::Number(_)));
                }
            }
        }
        if columns.inputs.is_empty() {
            // A curve over the number of the row.
            if let Some(place) = columns.left_out.iter().position(|column| column.reason == Reason::RowNumber) {
                columns.inputs.push(columns.left_out.remove(place).name);
                columns.numbers += 1;
                return Ok(columns);
            }
            let reason = "no column is left to learn from; expected one beside the target that has different values";
            return Err(Error::table(table.place(), TableFault::Settings { reason }));
        }
        Ok(columns)
    }
}

/// Why nothing can be learned from a column.
fn useless(column: &Column, categories: usize) -> Option<Reason> {
    let rows = column.rows();
    let first = column.value(0);
    if (1..rows).all(|row| column.value(row) == first) {
        return Some(if first == Value::Missing { Reason::Empty } else { Reason::Constant });
    }
    match column {
        // Two or three rows may count by chance.
        Column::Number(numbers) => (rows >= 10 && consecutive(numbers)).then_some(Reason::RowNumber),
        Column::Text(text) => {
            let mut counts = vec![0_usize; text.categories().len()];
            text.codes().flatten().for_each(|code| counts[code] += 1);
            let different = counts.iter().filter(|&&count| count > 0).count();
            let once = counts.iter().filter(|&&count| count == 1).count();
            let present: usize = counts.iter().sum();
            (different > categories && 2 * once > present).then_some(Reason::Names)
        }
    }
}

/// Whether these are whole numbers without a gap, each once, in any order.
fn consecutive(numbers: &[f64]) -> bool {
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let mut seen = vec![false; numbers.len()];
    numbers.iter().all(|&number| {
        let place = number - least;
        // Nothing of this holds for NaN.
        let within = number.fract() == 0.0 && place < numbers.len() as f64;
        within && !std::mem::replace(&mut seen[place as usize], true)
    })
}
