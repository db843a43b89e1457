//! `evaluate`: how good a model is on rows whose target is known.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use nn_train::bundle::AnyBundle;
use nn_train::metrics::{ClassificationReport, ConfusionMatrix, Probabilities, Regression};
use nn_train::preprocess::Preprocess;
use nn_train::table::Table;
use nn_train::{DynDataset, DynNetwork, Element};
use serde_json::{Value, json};

use crate::arguments::{count_in, set_threads};
use crate::data::{Reading, name_of};
use crate::failure::Failure;
use crate::model;
use crate::output::Output;

/// Measure a model on rows whose target is known
///
/// Of classes: accuracy, log loss, area under the ROC curve, precision and recall of each class. Of numbers: errors in the units
/// of the table, and R². Rows that the model was trained on say little about how good it is.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The rows, with the target: a file, or - for the standard input
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Print the confusion matrix too
    #[arg(long)]
    confusion: bool,
    /// Threads to work on [default: all cores]
    #[arg(long, value_name = "N", value_parser = count_in(1..=1024))]
    threads: Option<usize>,
    #[command(flatten)]
    reading: Reading,
}

const EXAMPLES: &str = "Examples:
  nn-train evaluate diamonds.nn test.csv
  nn-train evaluate iris.nn test.csv --confusion
  nn-train evaluate diamonds.nn test.csv --json | jq .r2";

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    set_threads(arguments.threads)?;
    let bundle = model::bundle(&arguments.model)?;
    let Some(preprocess) = bundle.preprocess() else {
        return Err(Failure::work(format!(
            "{}: this model takes rows of numbers, not tables with a target; `predict` runs it",
            arguments.model.display()
        )));
    };
    let table = arguments.reading.table(&arguments.data, preprocess.csv(), output)?;
    let targets = preprocess.target_names();
    for target in &targets {
        // An error that says which columns there are.
        table.column(target)?;
    }
    if arguments.confusion && bundle.classes().is_none() {
        return Err(Failure::usage("--confusion is for classes, and this model predicts a number"));
    }
    let table = match preprocess.weights() {
        Some(name) if !table.names().iter().any(|other| other == name) => {
            output.note(format_args!("{}: without weights, {name:?}: each row counts once", name_of(&arguments.data)));
            table.with(name, vec![1.0; table.rows()])?
        }
        _ => table,
    };
    let table = known(&table, &targets, &name_of(&arguments.data), output)?;
    let (mut value, text) = match &bundle {
        AnyBundle::F32(bundle) => of_table(bundle.network(), preprocess, &table, arguments.confusion)?,
        AnyBundle::F64(bundle) => of_table(bundle.network(), preprocess, &table, arguments.confusion)?,
        _ => return Err(model::unknown_numbers()),
    };
    value["model"] = json!(arguments.model);
    value["rows"] = json!(table.rows());
    value["target"] = json!(targets.join(", "));
    output.result(&value, text)
}

/// The rows that have a target.
pub(crate) fn known(table: &Table, targets: &[&str], name: &str, output: &Output) -> Result<Table, Failure> {
    let known = table.drop_missing(targets)?;
    let missing = table.rows() - known.rows();
    if missing > 0 {
        output.note(format_args!("{name}: {missing} of {} rows have no target and are left out", table.rows()));
    }
    if known.rows() == 0 {
        return Err(Failure::work(format!("{name}: no row has a target; expected one at least")));
    }
    Ok(known)
}

/// What is measured on the rows of a table.
pub(crate) fn of_table<T: Element>(
    network: &DynNetwork<T>,
    preprocess: &Preprocess,
    table: &Table,
    confusion: bool,
) -> Result<(Value, String), Failure> {
    measure(network, &preprocess.dataset_for(network, table)?, preprocess.classes(), confusion)
}

/// What is measured, for programs and for people.
pub(crate) fn measure<T: Element>(
    network: &DynNetwork<T>,
    data: &DynDataset<T>,
    classes: Option<&[String]>,
    confusion: bool,
) -> Result<(Value, String), Failure> {
    let Some(classes) = classes else {
        let measured = Regression::evaluate(network, data)?;
        let mut value = serde_json::to_value(&measured).map_err(Failure::work)?;
        value["task"] = json!("numbers");
        return Ok((value, format!("{} rows\n{measured}", data.len())));
    };
    let matrix = ConfusionMatrix::evaluate(network, data)?;
    let report = ClassificationReport::from_confusion(&matrix);
    let probabilities = Probabilities::evaluate(network, data)?;
    let (log_loss, auc) = (probabilities.log_loss()?, probabilities.roc_auc());
    let counts: Vec<Vec<f64>> =
        (0..classes.len()).map(|row| (0..classes.len()).map(|column| matrix.count(row, column)).collect()).collect();
    let of_classes: Vec<Value> = classes
        .iter()
        .zip(&report.classes)
        .map(|(name, scores)| {
            json!({
                "class": name, "precision": scores.precision, "recall": scores.recall, "f1": scores.f1,
                "support": scores.support,
            })
        })
        .collect();
    let value = json!({
        "task": "classes",
        "accuracy": report.accuracy,
        "balanced_accuracy": report.balanced_accuracy,
        "matthews": report.matthews,
        "log_loss": log_loss,
        "roc_auc": auc,
        "classes": of_classes,
        "confusion": counts,
    });
    let width = classes.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("class".len());
    let mut text = format!(
        "{} rows\naccuracy {:.4}, balanced {:.4}, log loss {log_loss:.4}",
        data.len(),
        report.accuracy,
        report.balanced_accuracy
    );
    if let Some(auc) = auc {
        let _ = write!(text, ", ROC AUC {auc:.4}");
    }
    let _ = write!(text, "\n{:<width$}  precision  recall      f1  support", "class");
    for (name, scores) in classes.iter().zip(&report.classes) {
        let _ = write!(
            text,
            "\n{name:<width$}  {:>9.4}  {:.4}  {:.4}  {:>7}",
            scores.precision, scores.recall, scores.f1, scores.support
        );
    }
    if confusion {
        let cell = counts.iter().flatten().map(|count| format!("{count}").len()).max().unwrap_or(1);
        let _ = write!(text, "\n\nrows: the class, columns in the same order: what it was taken for");
        for (name, row) in classes.iter().zip(&counts) {
            let row: Vec<String> = row.iter().map(|count| format!("{count:>cell$}")).collect();
            let _ = write!(text, "\n{name:<width$}  {}", row.join(" "));
        }
    }
    Ok((value, text))
}
