//! The library's side of tests/onnx_agreement.py: it writes ONNX files, says what it predicts itself, and reads the files of
//! others.
//!
//! A line of the standard input is a request in JSON; it is answered by a line in JSON.

use std::error::Error;
use std::process::ExitCode;

use nn_examples::program::{answer_lines, ended};
use nn_train::Element;
use nn_train::onnx::{Export, Import};
use nn_train::prelude::*;
use nn_train::preprocess::Predictions;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    /// A network of this architecture is written, and predicts.
    Network {
        file: String,
        architecture: String,
        element: String,
        rows: usize,
        standardized: bool,
        classes: Vec<String>,
    },
    /// A preprocessing is learned from a table and written with a network of random weights, which predicts for another.
    Table(Box<TableRequest>),
    /// A network is trained on the digits and written, with what it says of those that it has not seen.
    Digits { file: String, data: String },
    /// A file is read, and its network predicts.
    Import { file: String, inputs: Vec<Vec<f64>> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRequest {
    file: String,
    train: String,
    test: String,
    targets: Vec<String>,
    classes: bool,
    scale_targets: bool,
    element: String,
    scaling: String,
    missing: String,
    indicators: bool,
    unseen: String,
    ordinal: Vec<(String, Vec<String>)>,
    one_hot: Vec<String>,
    bins: usize,
    common: Option<usize>,
}

/// Of this shape, with biases that are not 0.
fn network<T: Element>(architecture: Architecture) -> Result<DynNetwork<T>, nn_train::Error> {
    let mut network = DynNetwork::new(architecture, Init::default(), 7)?;
    for (k, parameter) in network.parameters_mut().iter_mut().enumerate() {
        *parameter += T::from_f64(0.1 * (k as f64).sin());
    }
    Ok(network)
}

/// Rows of numbers between -2 and 2.
fn samples<T: Element>(rows: usize, width: usize) -> Vec<T> {
    (0..rows * width).map(|k| T::from_f64(2.0 * ((k * k + k) as f64 * 0.37).sin())).collect()
}

fn numbers<T: Element>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|number| number.to_f64()).collect()
}

fn write_network<T: Element>(
    file: &str,
    architecture: &str,
    rows: usize,
    standardized: bool,
    classes: Vec<String>,
) -> Result<Value, Box<dyn Error>> {
    let network: DynNetwork<T> = network(architecture.parse()?)?;
    let (width, outputs) = (network.architecture().inputs(), network.architecture().outputs());
    let inputs: Vec<T> = samples(rows, width);
    let constants = |width: usize, far: f64| {
        let (means, deviations) = (0..width).map(|k| (far + k as f64, 0.5 + k as f64)).unzip();
        Standardizer::from_constants(means, deviations)
    };
    let (before, after) = (constants(width, 0.1)?, constants(outputs, 1e3)?);
    let mut export = Export::new(&network).name("agreement");
    let mut scaled = inputs.clone();
    if standardized {
        export = export.standardized_inputs(&before);
        scaled = before.apply(inputs.as_slice())?;
    }
    let mut answers = vec![T::ZERO; rows * outputs];
    network.predict_batch(&scaled, &mut answers)?;
    if classes.is_empty() && standardized {
        export = export.standardized_targets(&after);
        answers = after.invert(answers.as_slice())?;
    }
    if !classes.is_empty() {
        export = export.classes(classes);
    }
    export.write(file)?;
    // As the raw network is read again.
    let mut read = false;
    if !standardized {
        let import = Import::read(file)?;
        read = import.network::<T>()? == network && import.architecture() == network.architecture();
    }
    Ok(json!({ "inputs": numbers(&inputs), "outputs": numbers(&answers), "read": read }))
}

/// Predictions row by row, null where there are none because of an error.
fn rows(
    preprocess: &Preprocess,
    predict: impl Fn(&Table) -> Result<Predictions, nn_train::Error>,
    table: &Table,
) -> Value {
    let row = |row: usize| {
        let predictions = predict(&table.subset(&[row]).ok()?).ok()?;
        Some(match preprocess.classes() {
            Some(_) => json!({ "label": predictions.labels()[0], "probabilities": predictions.probabilities() }),
            None => json!({ "values": predictions.values() }),
        })
    };
    (0..table.rows()).map(row).map(|row| row.unwrap_or(Value::Null)).collect()
}

fn write_table<T: Element>(request: &TableRequest) -> Result<Value, Box<dyn Error>> {
    let mut builder = Preprocess::for_targets(request.targets.clone())
        .scale_targets(request.scale_targets)
        .scaling(scaling(&request.scaling)?)
        .missing(match request.missing.as_str() {
            "error" => Missing::Error,
            "mean" => Missing::Mean,
            "median" => Missing::Median,
            "most_frequent" => Missing::MostFrequent,
            "constant" => Missing::Constant(-1.0),
            other => return Err(format!("no policy {other}").into()),
        })
        .unseen(match request.unseen.as_str() {
            "zeros" => Unseen::Zeros,
            "missing" => Unseen::Missing,
            "error" => Unseen::Error,
            other => return Err(format!("no policy {other}").into()),
        });
    builder = builder.bins(request.bins);
    if let Some(categories) = request.common {
        builder = builder.common_categories(categories);
    }
    for (name, categories) in &request.ordinal {
        builder = builder.ordinal(name, categories);
    }
    for name in &request.one_hot {
        builder = builder.one_hot(name);
    }
    if request.indicators {
        builder = builder.indicators();
    }
    if request.classes {
        builder = builder.classes();
    }
    let preprocess = builder.fit(&Csv::new().read(&request.train)?)?;
    let network: DynNetwork<T> = network(preprocess.architecture(&[8])?)?;
    Export::new(&network).preprocess(&preprocess).write(&request.file)?;
    let table = preprocess.csv().read(&request.test)?;
    let kinds = table.columns().map(|(name, column)| (name.to_owned(), json!(matches!(column, Column::Number(_)))));
    let kinds: serde_json::Map<String, Value> = kinds.collect();
    let predict = |table: &Table| preprocess.predict(&network, table);
    Ok(json!({ "numbers": kinds, "inputs": preprocess.input_names(), "rows": rows(&preprocess, predict, &table) }))
}

fn scaling(name: &str) -> Result<Scaling, String> {
    Ok(match name {
        "standard" => Scaling::Standard,
        "robust" => Scaling::Robust,
        "robust_clipped" => Scaling::RobustClipped,
        "quantile" => Scaling::Quantile,
        "none" => Scaling::None,
        other => return Err(format!("no scaling {other}")),
    })
}

fn digits(file: &str, data: &str) -> Result<Value, Box<dyn Error>> {
    let table = Table::from_csv(data)?;
    let (test, train) = table.split(0.25, 3)?;
    let preprocess = Preprocess::for_target("digit").classes().fit(&train)?;
    let mut network = DynNetwork::<f32>::new(preprocess.architecture(&[32])?, Init::default(), 3)?;
    let trainer = Trainer::builder().learning_rate(0.01).batch_size(64).epochs(8).seed(3).threads(1).build()?;
    trainer.fit(&mut network, &preprocess.dataset(&train)?, None)?;
    Export::new(&network).preprocess(&preprocess).name("digits").write(file)?;
    let predictions = preprocess.predict(&network, &test)?;
    let columns = test.columns().filter(|(name, _)| *name != "digit");
    let columns = columns.map(|(name, _)| Ok((name.to_owned(), json!(test.numbers(name)?))));
    let columns: serde_json::Map<String, Value> = columns.collect::<Result<_, nn_train::Error>>()?;
    let truth: Vec<String> = test.numbers("digit")?.iter().map(|digit| digit.to_string()).collect();
    Ok(json!({
        "columns": columns, "truth": truth, "labels": predictions.labels(), "probabilities": predictions.probabilities(),
    }))
}

fn import(file: &str, inputs: &[Vec<f64>]) -> Result<Value, Box<dyn Error>> {
    let import = match Import::read(file) {
        Ok(import) => import,
        Err(error) => return Ok(json!({ "error": error.to_string() })),
    };
    let outputs = match import.element() {
        "f32" => outputs(&import.network::<f32>()?, inputs)?,
        _ => outputs(&import.network::<f64>()?, inputs)?,
    };
    let architecture = import.architecture().to_string();
    Ok(json!({
        "architecture": architecture, "element": import.element(), "classes": import.classes(), "producer": import.producer(),
        "outputs": outputs,
    }))
}

fn outputs<T: Element>(network: &DynNetwork<T>, inputs: &[Vec<f64>]) -> Result<Vec<f64>, nn_train::Error> {
    let inputs: Vec<T> = inputs.iter().flatten().map(|&number| T::from_f64(number)).collect();
    let architecture = network.architecture();
    let mut outputs = vec![T::ZERO; inputs.len() / architecture.inputs() * architecture.outputs()];
    network.predict_batch(&inputs, &mut outputs)?;
    Ok(numbers(&outputs))
}

fn answer(line: &str) -> Result<Value, Box<dyn Error>> {
    match serde_json::from_str(line)? {
        Request::Network { file, architecture, element, rows, standardized, classes } => match element.as_str() {
            "f32" => write_network::<f32>(&file, &architecture, rows, standardized, classes),
            _ => write_network::<f64>(&file, &architecture, rows, standardized, classes),
        },
        Request::Table(request) if request.element == "f32" => write_table::<f32>(&request),
        Request::Table(request) => write_table::<f64>(&request),
        Request::Digits { file, data } => digits(&file, &data),
        Request::Import { file, inputs } => import(&file, &inputs),
    }
}

fn main() -> ExitCode {
    ended(answer_lines(answer))
}
