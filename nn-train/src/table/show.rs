//! Tables for people.

use std::fmt;

use nn_kernels::number_text;

use super::{Column, Table, Value};

/// The rows that are shown of a longer table.
const SHOWN: usize = 10;
/// The longest text that is shown whole.
const LONGEST: usize = 24;

/// The first ten rows, numbers on the right and text on the left, and how many rows and columns there are.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.min(SHOWN);
        let cells = |(name, column): (&str, &Column)| {
            let value = |row| match column.value(row) {
                Value::Number(number) => number_text(number),
                Value::Text(text) => short(text),
                Value::Missing => String::new(),
            };
            std::iter::once(short(name)).chain((0..rows).map(value)).collect::<Vec<_>>()
        };
        let cells: Vec<Vec<String>> = self.columns().map(cells).collect();
        for line in 0..=rows {
            let mut text = String::new();
            for (column, cells) in self.columns.iter().zip(&cells) {
                let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or_default();
                let cell = &cells[line];
                text += &match column {
                    Column::Number(_) => format!("{cell:>width$}  "),
                    Column::Text(_) => format!("{cell:<width$}  "),
                };
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        write!(f, "{} rows, {} columns", self.rows, self.columns.len())
    }
}

/// One line of a text.
fn short(text: &str) -> String {
    let line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() { line + "…" } else { line }
}
