//! Whether the target is a number or a class.

use std::fmt;

use crate::error::Error;
use crate::table::{Column, Table, TableFault};

/// With so many different whole numbers or fewer, a target is taken for classes.
const CLASSES: usize = 10;

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Task {
    /// A number: regression.
    Numbers,
    /// One of several classes.
    Classes,
}

impl fmt::Display for Task {
    /// `numbers` or `classes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Numbers => "numbers",
            Self::Classes => "classes",
        })
    }
}

impl Task {
    /// What the target of a table is unless somebody says so: classes where it is text, has two different values, or up to
    /// 10 different whole numbers; otherwise numbers.
    ///
    /// ```
    /// use nn_train::prelude::*;
    /// use nn_train::tabular::Task;
    ///
    /// let table = Csv::new().read_bytes(b"town,rooms,price\nUlm,1,200.5\nAalen,2,310\nUlm,1,250\n")?;
    /// assert_eq!(Task::of(&table, "town")?, Task::Classes);
    /// assert_eq!(Task::of(&table, "rooms")?, Task::Classes);
    /// assert_eq!(Task::of(&table, "price")?, Task::Numbers);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Table`] when there is no such column.
    pub fn of(table: &Table, target: &str) -> Result<Self, Error> {
        let Column::Number(numbers) = table.column(target)? else { return Ok(Self::Classes) };
        let mut different: Vec<f64> = Vec::with_capacity(CLASSES);
        for &number in numbers.iter().filter(|number| !number.is_nan()) {
            if !different.contains(&number) {
                if different.len() == CLASSES {
                    return Ok(Self::Numbers);
                }
                different.push(number);
            }
        }
        let whole = different.iter().all(|number| number.fract() == 0.0);
        Ok(if whole || different.len() <= 2 { Self::Classes } else { Self::Numbers })
    }

    /// The target can be learned as this.
    pub(super) fn check(self, table: &Table, target: &str) -> Result<(), Error> {
        let column = table.column(target)?;
        if self == Self::Numbers {
            table.numbers(target)?;
        }
        let varies = (1..column.rows()).any(|row| column.value(row) != column.value(0));
        if varies {
            return Ok(());
        }
        let found = column.rows().min(1);
        let fault = match self {
            Self::Classes => TableFault::Classes { found },
            Self::Numbers => TableFault::ConstantTarget,
        };
        Err(Error::table(table.place().column(target), fault))
    }
}
