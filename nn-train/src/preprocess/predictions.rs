//! What a network's outputs say, in the words of the table.

use nn_kernels::Element;

use super::Target;
use crate::data::highest;
use crate::error::Error;
use crate::table::{Column, Table};

/// Predictions for the rows of a table: made by [`Preprocess::predict`](super::Preprocess::predict).
///
/// ```
/// # use nn_train::preprocess::Preprocess;
/// # use nn_train::table::Csv;
/// let rows = Csv::new().read_bytes(b"size,kind\n1,cat\n2,dog\n3,dog\n")?;
/// let preprocess = Preprocess::for_target("kind").fit(&rows)?;
/// // The output is the probability of the second class.
/// let predictions = preprocess.invert(&[0.25, 0.75])?;
/// assert_eq!(predictions.labels(), ["cat", "dog"]);
/// assert_eq!(predictions.probabilities(), [0.75, 0.25, 0.25, 0.75]);
/// assert_eq!(predictions.to_table()?.names(), ["kind", "probability of cat", "probability of dog"]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    names: Vec<String>,
    /// Rows of values, of targets that are numbers.
    values: Vec<f64>,
    /// The names of the classes, and the rows' classes and probabilities.
    classes: Vec<String>,
    labels: Vec<usize>,
    probabilities: Vec<f64>,
}

impl Predictions {
    pub(super) fn of<T: Element>(target: &Target, outputs: &[T]) -> Result<Self, Error> {
        let width = target.width();
        if !outputs.len().is_multiple_of(width) {
            return Err(Error::Features { what: "the output", expected: width, found: outputs.len() });
        }
        let names = target.names().into_iter().map(str::to_owned).collect();
        let values: Vec<f64> = outputs.iter().map(|output| output.to_f64()).collect();
        let (labels, probabilities) = (Vec::new(), Vec::new());
        match target {
            Target::Numbers { standardizer, .. } => {
                let values = match standardizer {
                    Some(standardizer) if !values.is_empty() => standardizer.invert(&values)?,
                    _ => values,
                };
                Ok(Self { names, values, classes: Vec::new(), labels, probabilities })
            }
            Target::Classes { classes, .. } => {
                let label = |(sample, row): (usize, &[f64])| {
                    let column = row.iter().position(|output| output.is_nan()).unwrap_or_default();
                    highest(row).ok_or(Error::NaNOutput { sample, column })
                };
                let labels = values.chunks_exact(width).enumerate().map(label).collect::<Result<_, _>>()?;
                let probabilities =
                    if width == 1 { values.iter().flat_map(|&one| [1.0 - one, one]).collect() } else { values };
                Ok(Self { names, values: Vec::new(), classes: classes.clone(), labels, probabilities })
            }
        }
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        if self.classes.is_empty() { self.values.len() / self.names.len() } else { self.labels.len() }
    }

    /// The predicted values in the units of the table, row by row with one for each target; none where the target is
    /// classes.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The names of the classes; none where the targets are numbers.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The most probable class of each row, the first of several; of two classes the second from ½ on. None where the
    /// targets are numbers.
    #[must_use]
    pub fn labels(&self) -> Vec<&str> {
        self.labels.iter().map(|&label| self.classes[label].as_str()).collect()
    }

    /// The probability of each class, row by row; none where the targets are numbers.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The predictions as a table: a column for each target, and for classes one more for the probability of each.
    ///
    /// # Errors
    /// [`Error::Table`] when a target is called like one of these columns.
    pub fn to_table(&self) -> Result<Table, Error> {
        let column = |numbers: &[f64], width: usize, column| {
            Column::Number(numbers.iter().skip(column).step_by(width).copied().collect())
        };
        if self.classes.is_empty() {
            let width = self.names.len();
            return Table::new(
                self.names.iter().enumerate().map(|(index, name)| (name.clone(), column(&self.values, width, index))),
            );
        }
        let width = self.classes.len();
        let labels = self.names.iter().map(|name| (name.clone(), Column::text(self.labels())));
        let probabilities = self
            .classes
            .iter()
            .enumerate()
            .map(|(index, class)| (format!("probability of {class}"), column(&self.probabilities, width, index)));
        Table::new(labels.chain(probabilities))
    }
}
