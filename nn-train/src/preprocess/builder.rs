//! What is to be done with which column.

use super::{Missing, Scaling, Unseen};

/// The settings of a [`Preprocess`](super::Preprocess), which [`fit`](Self::fit) makes of them and of training rows.
///
/// ```
/// use nn_train::prelude::*;
///
/// let text = b"id,carat,cut,price\n1,0.3,Fair,400\n2,,Ideal,600\n3,1.2,Good,2400\n";
/// let preprocess = Preprocess::for_target("price")
///     .without(["id"])
///     .ordinal("cut", ["Fair", "Good", "Ideal"])
///     .scaling(Scaling::Robust)
///     .scaling_of("cut", Scaling::Standard)
///     .missing(Missing::Median)
///     .indicators()
///     .fit(&Csv::new().read_bytes(text)?)?;
/// assert_eq!(preprocess.input_names(), ["carat", "carat missing", "cut"]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct PreprocessBuilder {
    pub(super) targets: Vec<String>,
    pub(super) classes: bool,
    pub(super) scale_targets: bool,
    pub(super) inputs: Option<Vec<String>>,
    pub(super) without: Vec<String>,
    pub(super) weights: Option<String>,
    pub(super) ordinals: Vec<(String, Vec<String>)>,
    pub(super) one_hot: Vec<String>,
    pub(super) scaling: Scaling,
    pub(super) scaling_of: Vec<(String, Scaling)>,
    pub(super) missing: Missing,
    pub(super) missing_of: Vec<(String, Missing)>,
    pub(super) indicators: bool,
    pub(super) unseen: Unseen,
    pub(super) max_categories: usize,
    pub(super) common_categories: Option<usize>,
    pub(super) bins: usize,
    pub(super) bins_of: Vec<(String, usize)>,
}

impl PreprocessBuilder {
    pub(super) fn new(targets: Vec<String>) -> Self {
        Self {
            targets,
            classes: false,
            scale_targets: true,
            inputs: None,
            without: Vec::new(),
            weights: None,
            ordinals: Vec::new(),
            one_hot: Vec::new(),
            scaling: Scaling::default(),
            scaling_of: Vec::new(),
            missing: Missing::default(),
            missing_of: Vec::new(),
            indicators: false,
            unseen: Unseen::default(),
            max_categories: 256,
            common_categories: None,
            bins: 0,
            bins_of: Vec::new(),
        }
    }

    /// The numbers of the target are classes: 0 and 1, or 1 to 7. A target of text always is, but for one
    /// most of whose values are numbers: it is an error unless this is said, or [`text`](crate::table::Csv::text) of the reader.
    pub fn classes(mut self) -> Self {
        self.classes = true;
        self
    }

    /// Whether targets that are numbers are standardised. They are by default.
    pub fn scale_targets(mut self, scale: bool) -> Self {
        self.scale_targets = scale;
        self
    }

    /// The columns to predict from, in this order. By default all that are neither target nor weight, in the table's.
    pub fn inputs<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.inputs = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Columns that are not used: a row's number, say.
    pub fn without<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.without.extend(names.into_iter().map(Into::into));
        self
    }

    /// The column that says how many times each row counts. It is no input. Scalings and fillings do not ask for it.
    pub fn weights(mut self, name: impl Into<String>) -> Self {
        self.weights = Some(name.into());
        self
    }

    /// The categories of a column of text have this order, so it becomes one number: 0 for the first. Another value, even in
    /// the training rows, is an error unless it is to count as [missing](Unseen::Missing).
    pub fn ordinal<S: Into<String>>(
        mut self,
        name: impl Into<String>,
        categories: impl IntoIterator<Item = S>,
    ) -> Self {
        self.ordinals.push((name.into(), categories.into_iter().map(Into::into).collect()));
        self
    }

    /// The numbers of this column are categories: a month, or a code.
    pub fn one_hot(mut self, name: impl Into<String>) -> Self {
        self.one_hot.push(name.into());
        self
    }

    /// How numbers and ordinals are scaled: [`Scaling::Standard`] by default.
    pub fn scaling(mut self, scaling: Scaling) -> Self {
        self.scaling = scaling;
        self
    }

    /// How one column is scaled.
    pub fn scaling_of(mut self, name: impl Into<String>, scaling: Scaling) -> Self {
        self.scaling_of.push((name.into(), scaling));
        self
    }

    /// What takes the place of missing values: nothing by default, they are an error.
    ///
    /// In a one-hot column they make all inputs 0, with one more input that says so where training rows miss a value; only
    /// [`Missing::MostFrequent`] fills them with a category. In an ordinal column mean, median and constant are places.
    pub fn missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }

    /// What takes the place of missing values in one column.
    pub fn missing_of(mut self, name: impl Into<String>, missing: Missing) -> Self {
        self.missing_of.push((name.into(), missing));
        self
    }

    /// One more input for each column that misses values in the training rows: 1 where a value is missing, otherwise 0.
    pub fn indicators(mut self) -> Self {
        self.indicators = true;
        self
    }

    /// What becomes of categories that did not occur in the training rows.
    pub fn unseen(mut self, unseen: Unseen) -> Self {
        self.unseen = unseen;
        self
    }

    /// The most categories of a one-hot column that get an input: the most frequent ones of the training rows, the first by
    /// name where several are as frequent. The others are as good as [unseen](Self::unseen) ones. All get one unless this is
    /// set; at least 1. [`max_categories`](Self::max_categories) counts those that get one.
    ///
    /// ```
    /// # use nn_train::preprocess::Preprocess;
    /// # use nn_train::table::Csv;
    /// let flats = Csv::new().read_bytes(b"town,price\nUlm,200\nAalen,300\nUlm,220\nBonn,330\nBonn,300\n")?;
    /// let preprocess = Preprocess::for_target("price").common_categories(2).fit(&flats)?;
    /// assert_eq!(preprocess.input_names(), ["town=Bonn", "town=Ulm"]);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    pub fn common_categories(mut self, categories: usize) -> Self {
        self.common_categories = Some(categories);
        self
    }

    /// Beside its scaled number each column of numbers gets about `bins` inputs that say where in its distribution the number
    /// is; 0 unless set. Quantiles of the training rows divide the numbers into bins of about as many rows each, and the
    /// input of a bin is how far the number has come through it, from 0 at its lower edge to 1 at its upper one:
    ///
    /// ```text
    /// min(1, max(0, (x - low) / (high - low)))
    /// ```
    ///
    /// That is the piecewise linear encoding of Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in
    /// tabular deep learning", NeurIPS 2022 (arXiv 2203.05556), with two differences. No number goes beyond 0 and 1, so that an
    /// outlier stays within bounds. And the outermost bins are divided again, where a quarter of their rows, a quarter of these,
    /// and so on lie beyond, as long as that are 4 rows: outliers can be told from each other.
    ///
    /// It lets the first layer bend at each edge. A column with few different numbers gets fewer bins, and none where there would
    /// be only one. Ordinals and one-hot columns get none.
    ///
    /// ```
    /// # use nn_train::preprocess::{Preprocess, Scaling};
    /// # use nn_train::table::Csv;
    /// let rows = Csv::new().read_bytes(b"x,y\n0,1\n1,2\n2,3\n10,4\n20,5\n")?;
    /// let preprocess = Preprocess::for_target("y").scaling(Scaling::None).bins(2).fit(&rows)?;
    /// assert_eq!(preprocess.input_names(), ["x", "x from 0 to 2", "x from 2 to 20"]);
    /// assert_eq!(preprocess.inputs::<f64>(&rows.head(2))?, [0.0, 0.0, 0.0, 1.0, 0.5, 0.0]);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    pub fn bins(mut self, bins: usize) -> Self {
        self.bins = bins;
        self
    }

    /// [`bins`](Self::bins) of one column.
    pub fn bins_of(mut self, name: impl Into<String>, bins: usize) -> Self {
        self.bins_of.push((name.into(), bins));
        self
    }

    /// The most categories that a one-hot column may have, and the most classes of a target: 256 by default. With more it is
    /// an error, as a column of names or numbers of rows would make very many inputs of which none helps.
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.max_categories = categories;
        self
    }
}
