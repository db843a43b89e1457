//! A model of an unknown table, from the command line: `tabular train.csv --target price --predict new.csv`.
//!
//! All of it is `nn_train::tabular::Recipe` with its defaults, each of which can be set to another value:
//! docs/tabular.md measures with this program what each of them earns.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use nn_train::Activation;
use nn_train::prelude::*;
use nn_train::tabular::{Rates, Recipe};

/// Learn to predict a column of a table from all others.
#[derive(Parser)]
struct Arguments {
    /// The rows to learn from, as comma-separated values.
    train: PathBuf,
    /// The column to predict.
    #[arg(long)]
    target: String,
    /// Rows to predict.
    #[arg(long)]
    predict: Option<PathBuf>,
    /// Where their predictions go.
    #[arg(long, default_value = "predicted.csv")]
    output: PathBuf,
    /// The target is classes, also where its numbers do not look so.
    #[arg(long)]
    classes: bool,
    /// The target is numbers, also where they look like classes.
    #[arg(long, conflicts_with = "classes")]
    numbers: bool,
    /// Columns that are not used.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// The seed of everything that is drawn.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads to work on; all unless set.
    #[arg(long)]
    threads: Option<usize>,
    /// The widths of the hidden layers.
    #[arg(long, value_delimiter = ',')]
    hidden: Option<Vec<usize>>,
    /// The activation of the hidden layers.
    #[arg(long)]
    activation: Option<Activation>,
    /// The bins of each column of numbers.
    #[arg(long)]
    bins: Option<usize>,
    /// How numbers are scaled.
    #[arg(long)]
    scaling: Option<HowToScale>,
    /// The course of the learning rate.
    #[arg(long)]
    rates: Option<Course>,
    /// The share of each hidden layer's outputs that is dropped in a step.
    #[arg(long)]
    dropout: Option<f64>,
    /// The largest learning rate.
    #[arg(long)]
    learning_rate: Option<f64>,
    /// The decay of the weights.
    #[arg(long)]
    weight_decay: Option<f64>,
    /// The share of each class that is spread over all.
    #[arg(long)]
    label_smoothing: Option<f64>,
    /// Samples in a step.
    #[arg(long)]
    batch_size: Option<usize>,
    /// The most passes over the rows.
    #[arg(long)]
    epochs: Option<usize>,
    /// Epochs without a better validation score after which training ends.
    #[arg(long)]
    patience: Option<usize>,
    /// The share of the rows that chooses the best epoch.
    #[arg(long)]
    validation: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum HowToScale {
    Standard,
    Robust,
    RobustClipped,
    Quantile,
    None,
}

#[derive(Clone, Copy, ValueEnum)]
enum Course {
    Constant,
    Cosine,
    FlatCosine,
    OneCycle,
}

/// The recipe with this setting, where there is one.
fn with<V>(recipe: Recipe, value: Option<V>, set: impl FnOnce(Recipe, V) -> Recipe) -> Recipe {
    match value {
        Some(value) => set(recipe, value),
        None => recipe,
    }
}

fn recipe(arguments: &Arguments) -> Recipe {
    let recipe = Recipe::for_target(&arguments.target).without(arguments.without.iter().cloned()).seed(arguments.seed);
    let recipe = with(recipe, arguments.classes.then_some(()), |recipe, ()| recipe.classes());
    let recipe = with(recipe, arguments.numbers.then_some(()), |recipe, ()| recipe.numbers());
    let recipe = with(recipe, arguments.threads, |recipe, threads| recipe.threads(threads));
    let recipe = with(recipe, arguments.hidden.clone(), |recipe, widths| recipe.hidden(widths));
    let recipe = with(recipe, arguments.activation, Recipe::activation);
    let recipe = with(recipe, arguments.bins, Recipe::bins);
    let recipe = with(recipe, arguments.scaling.map(Scaling::from), Recipe::scaling);
    let recipe = with(recipe, arguments.rates.map(Rates::from), Recipe::rates);
    let recipe = with(recipe, arguments.dropout, Recipe::dropout);
    let recipe = with(recipe, arguments.learning_rate, Recipe::learning_rate);
    let recipe = with(recipe, arguments.weight_decay, Recipe::weight_decay);
    let recipe = with(recipe, arguments.label_smoothing, Recipe::label_smoothing);
    let recipe = with(recipe, arguments.batch_size, Recipe::batch_size);
    let recipe = with(recipe, arguments.epochs, Recipe::epochs);
    let recipe = with(recipe, arguments.patience, Recipe::patience);
    with(recipe, arguments.validation, Recipe::validation)
}

impl From<HowToScale> for Scaling {
    fn from(scaling: HowToScale) -> Self {
        match scaling {
            HowToScale::Standard => Self::Standard,
            HowToScale::Robust => Self::Robust,
            HowToScale::RobustClipped => Self::RobustClipped,
            HowToScale::Quantile => Self::Quantile,
            HowToScale::None => Self::None,
        }
    }
}

impl From<Course> for Rates {
    fn from(course: Course) -> Self {
        match course {
            Course::Constant => Self::Constant,
            Course::Cosine => Self::Cosine,
            Course::FlatCosine => Self::FlatCosine,
            Course::OneCycle => Self::OneCycle,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let train = Table::from_csv(&arguments.train)?;
    let start = Instant::now();
    let fitted = recipe(&arguments).fit(&train)?;
    println!("{fitted}\nfitted in {:.3} seconds", start.elapsed().as_secs_f64());
    if let Some(path) = &arguments.predict {
        let new = fitted.preprocess().csv().read(path)?;
        fitted.predict(&new)?.to_table()?.write_csv(&arguments.output)?;
        println!("predictions of {} rows are in {}", new.rows(), arguments.output.display());
    }
    Ok(())
}
