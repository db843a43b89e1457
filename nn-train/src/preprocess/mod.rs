//! From the rows of a table to the numbers of a network, and back.

mod bins;
mod builder;
mod categories;
mod display;
mod fit;
mod input;
mod normal;
mod predictions;
mod scale;
#[cfg(feature = "serde")]
mod serde;
mod target;

#[cfg(feature = "tabular")]
pub(crate) use bins::most as most_bins;
pub use builder::PreprocessBuilder;
#[cfg(feature = "tabular")]
pub(crate) use fit::check_text;
#[cfg(feature = "onnx")]
pub(crate) use input::Encoding;
pub(crate) use input::Input;
use nn_kernels::{Activation, Architecture, Element, Layer, Loss};
#[cfg(feature = "onnx")]
pub(crate) use normal::LEAST;
pub use predictions::Predictions;
#[cfg(feature = "onnx")]
pub(crate) use scale::CLIP;
pub(crate) use scale::Scale;
pub(crate) use target::Target;
#[cfg(any(feature = "bundle", feature = "onnx"))]
pub(crate) use target::{name_twice, no_probabilities};

use crate::data::DynDataset;
use crate::error::Error;
use crate::network::{Network, compute};
use crate::table::{Csv, Format, Table, TableFault, list};

/// How a column of numbers is brought to the size that networks learn from best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Scaling {
    /// To mean 0 and standard deviation 1, as [`Standardizer`](crate::Standardizer) and scikit-learn's `StandardScaler` do.
    #[default]
    Standard,
    /// (x - median) / (third quartile - first quartile), as scikit-learn's `RobustScaler`. Where the quartiles are alike it
    /// divides by half the distance from the least to the largest number.
    Robust,
    /// [`Robust`](Self::Robust), then x / √(1 + (x/3)²), which is nearly x around 0 and never more than 3: outliers
    /// stay within bounds (RealMLP, arXiv 2407.04491).
    RobustClipped,
    /// To the quantile of a normal distribution: the numbers become normally distributed, whatever they were. As
    /// scikit-learn's `QuantileTransformer(output_distribution="normal")`, with 1000 quantiles of all rows.
    Quantile,
    /// As it is.
    None,
}

/// What takes the place of a missing value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Missing {
    /// Nothing: it is an error that names the line and the column.
    #[default]
    Error,
    /// The mean of the training rows' values.
    Mean,
    /// Their median.
    Median,
    /// The value that most of them have; the smallest, or the first by name, of several.
    MostFrequent,
    /// This number.
    Constant(f64),
}

/// What becomes of a category that did not occur in the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[non_exhaustive]
pub enum Unseen {
    /// In a one-hot column all inputs are 0. In an ordinal one, where it has no place, it is an error.
    #[default]
    Zeros,
    /// It is treated as a missing value.
    Missing,
    /// It is an error in both.
    Error,
}

/// What was learned from training rows: how each column becomes inputs, and how outputs become values or classes.
///
/// [`for_target`](Self::for_target) begins; [`fit`](PreprocessBuilder::fit) learns from the training rows and from nothing
/// else. Everything after that, for validation, test or tomorrow's rows, uses what it learned, so that whoever predicts has
/// the numbers of training. With the feature `serde` it goes into a file beside its network.
///
/// ```
/// use nn_train::prelude::*;
///
/// let text = b"area,town,price\n51,Ulm,200\n80,Aalen,280\n66,Ulm,250\n40,Aalen,150\n";
/// let flats = Csv::new().read_bytes(text)?;
/// let preprocess = Preprocess::for_target("price").fit(&flats)?;
/// assert_eq!(preprocess.input_names(), ["area", "town=Aalen", "town=Ulm"]);
///
/// let data = preprocess.dataset::<f32>(&flats)?;
/// let mut network = DynNetwork::new(preprocess.architecture(&[16])?, Init::default(), 1)?;
/// Trainer::builder().learning_rate(0.01).epochs(200).build()?.fit(&mut network, &data, None)?;
///
/// // A new flat needs no price, and its columns may stand in any order.
/// let new = Csv::new().read_bytes(b"town,area\nUlm,51\n")?;
/// let prices = preprocess.predict(&network, &new)?;
/// assert!((prices.values()[0] - 200.0).abs() < 20.0);
/// # Ok::<(), Error>(())
/// ```
///
/// # What becomes of a column
///
/// | column | inputs | settings |
/// |---|---|---|
/// | numbers | one, scaled; with [`bins`](PreprocessBuilder::bins) one more a bin | [`scaling`](PreprocessBuilder::scaling), `bins` |
/// | text | one a category of the training rows, 1 or 0, by name | [`max_categories`](PreprocessBuilder::max_categories), [`common_categories`](PreprocessBuilder::common_categories), [`unseen`](PreprocessBuilder::unseen) |
/// | text, declared [`ordinal`](PreprocessBuilder::ordinal) | the place of its category, a number, scaled | [`unseen`](PreprocessBuilder::unseen) |
/// | numbers, declared [`one_hot`](PreprocessBuilder::one_hot) | as text | |
/// | with missing values | as above, filled | [`missing`](PreprocessBuilder::missing), [`indicators`](PreprocessBuilder::indicators) |
/// | the same in all training rows | one, 0 unless its scaling is `None` | |
///
/// A scaling is fitted to the filled column, as in a scikit-learn pipeline of `SimpleImputer` and a scaler.
///
/// # What becomes of the target
///
/// | target | output | loss |
/// |---|---|---|
/// | numbers | linear; the targets are standardised unless [`scale_targets(false)`](PreprocessBuilder::scale_targets) | squared error |
/// | text, or numbers with [`classes`](PreprocessBuilder::classes): 2 | one sigmoid, the probability of the second class by name or number | cross-entropy |
/// | the same: 3 and more | softmax | cross-entropy |
/// | several columns of numbers | linear, one output each | squared error |
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(remote = "Self", deny_unknown_fields))]
pub struct Preprocess {
    pub(crate) inputs: Vec<Input>,
    pub(crate) target: Target,
    weights: Option<String>,
    /// How the file of the training rows was written.
    format: Format,
}

impl Preprocess {
    /// Settings for the prediction of a column from all others.
    pub fn for_target(name: impl Into<String>) -> PreprocessBuilder {
        PreprocessBuilder::new(vec![name.into()])
    }

    /// Settings for the prediction of several columns of numbers at once.
    pub fn for_targets<S: Into<String>>(names: impl IntoIterator<Item = S>) -> PreprocessBuilder {
        PreprocessBuilder::new(names.into_iter().map(Into::into).collect())
    }

    /// S_1, the number of inputs.
    #[must_use]
    pub fn input_width(&self) -> usize {
        self.inputs.iter().map(Input::width).sum()
    }

    /// S_L, the number of outputs.
    #[must_use]
    pub fn target_width(&self) -> usize {
        self.target.width()
    }

    /// A name for each input: the column's, with the category that it stands for, `town=Ulm`, or with `missing` where it
    /// says that a value was.
    #[must_use]
    pub fn input_names(&self) -> Vec<String> {
        self.inputs.iter().flat_map(Input::names).collect()
    }

    /// The columns that are predicted.
    #[must_use]
    pub fn target_names(&self) -> Vec<&str> {
        self.target.names()
    }

    /// The names of the classes, in the order of the outputs; none for a target of numbers.
    #[must_use]
    pub fn classes(&self) -> Option<&[String]> {
        match &self.target {
            Target::Classes { classes, .. } => Some(classes),
            Target::Numbers { .. } => None,
        }
    }

    /// A network for this table: hidden layers of these widths with `relu`, and an output and a loss that suit the target.
    ///
    /// # Errors
    /// [`Error::Architecture`] for a width of 0.
    pub fn architecture(&self, hidden: &[usize]) -> Result<Architecture, Error> {
        let activation = self.target.activation();
        let mut layers = Vec::with_capacity(hidden.len() + 1);
        let mut inputs = self.input_width();
        let outputs = hidden.iter().map(|&width| (width, Activation::Relu));
        for (outputs, activation) in outputs.chain([(self.target_width(), activation)]) {
            layers.push(Layer { inputs, outputs, activation, dropout: 0.0 });
            inputs = outputs;
        }
        Ok(Architecture::new(layers, Loss::for_output(activation))?)
    }

    /// The column of the weights of rows, if there is one.
    #[must_use]
    pub fn weights(&self) -> Option<&str> {
        self.weights.as_deref()
    }

    /// How a file is read in which these columns stand: numbers as numbers and text as text, whatever they look like. So a
    /// value that is no number where there were numbers in training is an error with its line. Markers of missing values,
    /// delimiter, [`trim`](Csv::trim) and [`lossy`](Csv::lossy) are those that the training rows were read with, unless you
    /// set others; names and [`no_header`](Csv::no_header) are to be set again.
    pub fn csv(&self) -> Csv<'static> {
        let inputs = self.inputs.iter().map(|input| (input.name(), input.is_number()));
        let targets = self.target.names().into_iter().map(|name| (name, self.target.is_number()));
        let weights = self.weights.iter().map(|name| (name.as_str(), true));
        let csv = Csv::new().format(&self.format);
        inputs.chain(targets).chain(weights).fold(csv, |csv, (name, number)| csv.kind(name, number))
    }

    /// The inputs of each row, row by row: what a network predicts from. Targets need not be there.
    ///
    /// # Errors
    /// [`Error::Table`], with file, line and column: when a column is not there or holds the other kind of values, for a
    /// missing value or an unseen category where the policy is an error, for a number that is infinite or becomes so, and
    /// for a table without a row. [`StepError::Memory`](crate::StepError::Memory) where there is no memory for the inputs.
    pub fn inputs<T: Element>(&self, table: &Table) -> Result<Vec<T>, Error> {
        table.check_rows()?;
        let width = self.input_width();
        let mut numbers = compute::zeros(table.rows().saturating_mul(width))?;
        let mut first = 0;
        for input in &self.inputs {
            input.write(table, &mut numbers, first, width)?;
            first += input.width();
        }
        Ok(numbers)
    }

    /// The samples of a table: inputs, targets and, where they were asked for, weights.
    ///
    /// Metrics such as [`Regression`](crate::metrics::Regression) on it are in the units of the table.
    ///
    /// # Errors
    /// As [`inputs`](Self::inputs), [`Error::Table`] for a missing target, a class that the training rows have not, and a
    /// weight that is missing, negative or infinite, and [`Error::Weightless`] where all weights are 0.
    pub fn dataset<T: Element>(&self, table: &Table) -> Result<DynDataset<T>, Error> {
        let inputs = self.inputs(table)?;
        let data = self.target.dataset(table, inputs, self.input_width())?;
        let Some(name) = &self.weights else { return Ok(data) };
        let weight = |(row, &found): (usize, &f64)| match T::from_f64(found) {
            _ if found.is_nan() => Err(table.fault(row, name, TableFault::MissingTarget { what: "weight" })),
            weight if weight.is_finite() && found >= 0.0 => Ok(weight),
            _ => Err(table.fault(row, name, TableFault::Weight { found })),
        };
        data.with_weights(table.numbers(name)?.iter().enumerate().map(weight).collect::<Result<_, _>>()?)
    }

    /// [`dataset`](Self::dataset) as the data that `network` is trained on: for a declared network a
    /// [`Dataset`](crate::Dataset) with its widths in the type.
    ///
    /// ```
    /// use nn_train::prelude::*;
    /// use nn_train::preprocess::Preprocess;
    /// use nn_train::table::Csv;
    ///
    /// network! { struct Price<2 => 8 relu => 1 linear>; }
    ///
    /// let flats = Csv::new().read_bytes(b"area,town,price\n51,Ulm,200\n80,Aalen,280\n66,Ulm,250\n")?;
    /// let error = Preprocess::for_target("price").fit(&flats)?.dataset_for(&Price::new(1), &flats).unwrap_err();
    /// let expected = "the table: the network has 2 inputs; expected 3: 1 from \"area\", 2 from \"town\"";
    /// assert_eq!(error.to_string(), expected.replace("the table", "the input"));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`dataset`](Self::dataset), and [`Error::Table`] when the network has other widths, with the columns that make
    /// them.
    pub fn dataset_for<N: Network>(&self, network: &N, table: &Table) -> Result<N::Data, Error> {
        self.check_widths(network.architecture(), table)?;
        N::data(self.dataset(table)?)
    }

    /// What `network` makes of each row, in the units of the targets or as classes with their probabilities.
    ///
    /// # Errors
    /// As [`inputs`](Self::inputs), [`Error::Table`] when the network has other widths, and [`Error::NaNOutput`] where a
    /// class should be read from an output that is NaN.
    pub fn predict<N: Network>(&self, network: &N, table: &Table) -> Result<Predictions, Error> {
        self.check_widths(network.architecture(), table)?;
        let inputs = self.inputs(table)?;
        let mut outputs = compute::zeros(table.rows().saturating_mul(self.target_width()))?;
        compute::predict_batch(network.architecture(), network.parameters(), &inputs, &mut outputs)?;
        self.invert(&outputs)
    }

    /// The predictions that a network's outputs stand for, row by row.
    ///
    /// # Errors
    /// [`Error::Features`] when they are not whole rows, [`Error::NaNOutput`] where a class should be read from an output
    /// that is NaN.
    pub fn invert<T: Element>(&self, outputs: &[T]) -> Result<Predictions, Error> {
        Predictions::of(&self.target, outputs)
    }

    fn check_widths(&self, architecture: &Architecture, table: &Table) -> Result<(), Error> {
        self.width_fault(architecture).map_or(Ok(()), |fault| Err(Error::table(table.place(), fault)))
    }

    /// What is wrong where a network of this architecture has other widths.
    pub(crate) fn width_fault(&self, architecture: &Architecture) -> Option<TableFault> {
        let found = architecture.inputs();
        let expected = self.input_width();
        if found != expected {
            let columns = self.inputs.iter().map(|input| format!("{} from {:?}", input.width(), input.name()));
            let columns = columns.collect::<Vec<_>>().join(", ");
            return Some(TableFault::Width { what: "inputs", found, expected, columns });
        }
        let found = architecture.outputs();
        let expected = self.target_width();
        if found != expected {
            let columns = match &self.target {
                Target::Classes { name, classes, .. } => {
                    format!("{name:?} has the classes {}", list(classes.iter().map(String::as_str)))
                }
                Target::Numbers { names, .. } => list(names.iter().map(String::as_str)),
            };
            return Some(TableFault::Width { what: "outputs", found, expected, columns });
        }
        None
    }
}
