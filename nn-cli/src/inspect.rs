//! `inspect`: what is in a file.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use nn_train::checkpoint::CheckpointFault;
use nn_train::onnx::{Port, Summary};
use nn_train::preprocess::Preprocess;
use nn_train::records::{InputFormat, TargetFormat};
use nn_train::table::{Column, Csv, Table};
use nn_train::{Element, Error, Records, RunState, SessionState, Source};
use serde_json::{Map, Value, json};

use crate::data::Reading;
use crate::failure::Failure;
use crate::model::{Activations, Kind, Model};
use crate::output::Output;

/// Say what is in a file: a model, a checkpoint, safetensors, ONNX, records, a network for a device, or data
///
/// Of a model the line of `network!` that declares its network, its columns and classes; of a table its columns with their kinds.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The file, or - for CSV on the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    activations: Activations,
    #[command(flatten)]
    reading: Reading,
}

const EXAMPLES: &str = "Examples:
  nn-train inspect diamonds.nn
  nn-train inspect run1/000012-step-4800.ckpt
  nn-train inspect diamonds.csv
  nn-train inspect diamonds.nn --json | jq -r .declaration";

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let path = &arguments.file;
    let (mut value, text) = match Kind::of(path)? {
        Kind::Bundle => model(path, &arguments.activations, "model")?,
        Kind::Safetensors => model(path, &arguments.activations, "safetensors")?,
        Kind::Onnx => onnx(path, &arguments.activations)?,
        Kind::Checkpoint => checkpoint(path)?,
        Kind::Records => records(path)?,
        Kind::Embedded => embedded(path)?,
        Kind::Other => {
            let found = arguments.reading.table(path, Csv::new(), output)?;
            for column in arguments.reading.nearly_numbers(&found, path) {
                output.note(column);
            }
            table(&found)
        }
    };
    value["file"] = json!(path);
    output.result(&value, text)
}

/// A network's part of an answer.
fn network(path: &Path, model: &Model) -> Result<(Value, String), Failure> {
    let architecture = model.architecture();
    let name = struct_name(path);
    let (number_type, declaration) = match model.number_type() {
        "f64" => ("f64", nn_train::declaration::<f64>(&name, architecture)?),
        _ => ("f32", nn_train::declaration::<f32>(&name, architecture)?),
    };
    let value = json!({
        "declaration": declaration,
        "network": architecture.to_string(),
        "number_type": number_type,
        "parameters": architecture.params(),
        "inputs": architecture.inputs(),
        "outputs": architecture.outputs(),
    });
    let text = format!("{declaration}\n{} parameters, {number_type}", architecture.params());
    Ok((value, text))
}

/// A name for a struct, after that of a file: `my-model.nn` becomes `MyModel`.
fn struct_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let words = stem.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect();
    if name.starts_with(|char: char| char.is_ascii_alphabetic()) && name != "Self" { name } else { "Model".to_owned() }
}

fn model(path: &Path, activations: &Activations, kind: &str) -> Result<(Value, String), Failure> {
    let model = Model::load(path, activations)?;
    let (mut value, mut text) = network(path, &model)?;
    value["kind"] = json!(kind);
    let Model::Bundle(bundle) = &model else { return Ok((value, text)) };
    match bundle.preprocess() {
        Some(preprocess) => {
            let _ = write!(text, "\n\n{preprocess}");
            columns(&mut value, preprocess);
            let bins = bins(preprocess)?;
            if !bins.is_empty() {
                text += "\nthe edges of the bins are in .bins of --json";
            }
            value["bins"] = json!(bins);
        }
        None => text += "\n\nit takes rows of numbers",
    }
    if let Some(classes) = bundle.classes() {
        value["classes"] = json!(classes);
        let quoted: Vec<String> = classes.iter().map(|class| format!("{class:?}")).collect();
        let _ = write!(text, "\nclasses: {}", quoted.join(", "));
    }
    Ok((value, text))
}

/// A plain network, or whatever else a graph is.
fn onnx(path: &Path, activations: &Activations) -> Result<(Value, String), Failure> {
    let failure = match model(path, activations, "onnx") {
        Ok(found) => return Ok(found),
        Err(failure) => failure,
    };
    // Why it is no network matters where it is an ONNX file at all.
    let Ok(summary) = Summary::read(path) else { return Err(failure) };
    let ports = |ports: &[Port]| -> Vec<Value> {
        let port = |port: &Port| json!({ "name": port.name, "type": port.element, "sizes": port.sizes });
        ports.iter().map(port).collect()
    };
    let operators: Map<String, Value> =
        summary.operators.iter().map(|(domain, version)| (domain.clone(), json!(version))).collect();
    let metadata: Map<String, Value> = summary.metadata.iter().map(|(key, text)| (key.clone(), json!(text))).collect();
    let value = json!({
        "kind": "onnx",
        "name": summary.name,
        "producer": summary.producer,
        "opset": operators,
        "nodes": summary.nodes,
        "inputs": ports(&summary.inputs),
        "outputs": ports(&summary.outputs),
        "metadata": metadata,
    });
    let mut text = format!("an ONNX graph of {} operators, from {}", summary.nodes, summary.producer);
    for (domain, version) in &summary.operators {
        let _ = write!(text, "\nopset   {domain} {version}");
    }
    for (what, ports) in [("input ", &summary.inputs), ("output", &summary.outputs)] {
        for port in ports {
            let _ = write!(text, "\n{what}  {port}");
        }
    }
    for (key, found) in &summary.metadata {
        let _ = write!(text, "\n{key}: {found}");
    }
    Ok((value, text))
}

/// The edges of the bins of columns.
fn bins(preprocess: &Preprocess) -> Result<Map<String, Value>, Failure> {
    let whole = serde_json::to_value(preprocess).map_err(Failure::work)?;
    let inputs = whole["inputs"].as_array().cloned().unwrap_or_default();
    let edges = |input: &Value| {
        let edges = &input["encoding"]["Binned"]["edges"];
        Some((input["name"].as_str()?.to_owned(), edges.as_array().map(|edges| json!(edges))?))
    };
    Ok(inputs.iter().filter_map(edges).collect())
}

/// What a model makes of a table.
fn columns(value: &mut Value, preprocess: &Preprocess) {
    value["targets"] = json!(preprocess.target_names());
    value["input_names"] = json!(preprocess.input_names());
    let lines: Vec<String> = preprocess.to_string().lines().map(str::to_owned).collect();
    value["preprocessing"] = json!(lines);
}

fn checkpoint(path: &Path) -> Result<(Value, String), Failure> {
    let model = Model::load(path, &Activations::default())?;
    let (mut value, mut text) = network(path, &model)?;
    value["kind"] = json!("checkpoint");
    let more = if model.number_type() == "f64" { state::<f64>(path)? } else { state::<f32>(path)? };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more.0) {
        value.extend(more);
    }
    text += &more.1;
    Ok((value, text))
}

/// How far a run or a session had come.
fn state<T: Element>(path: &Path) -> Result<(Value, String), Failure> {
    let (session, history) = match RunState::<T>::load(path) {
        Ok(state) => (state.session, Some(state.history)),
        Err(Error::Checkpoint { fault: CheckpointFault::Kind { .. }, .. }) => (SessionState::<T>::load(path)?, None),
        Err(error) => return Err(error.into()),
    };
    let mut value = json!({ "optimizer": session.optimizer.name, "steps": session.steps, "seed": session.seed });
    let mut text = format!("\n\n{} steps of {}, seed {}", session.steps, session.optimizer.name, session.seed);
    if let Some(history) = history {
        value["epochs"] = json!(history.len());
        if let Some(last) = history.last() {
            value["cost"] = json!(last.cost);
            value["validation_cost"] = json!(last.validation_cost);
            let _ = write!(text, "\n{last}");
        }
    }
    Ok((value, text))
}

fn records(path: &Path) -> Result<(Value, String), Failure> {
    let records = Records::<f64>::open(path)?;
    let inputs = match records.input_format() {
        InputFormat::F32 => "f32".to_owned(),
        InputFormat::F64 => "f64".to_owned(),
        InputFormat::Bytes { scale } => format!("bytes times {scale}"),
        _ => "unknown".to_owned(),
    };
    let targets = match records.target_format() {
        TargetFormat::F32 => "f32",
        TargetFormat::F64 => "f64",
        TargetFormat::Label => "label",
        _ => "unknown",
    };
    let (rows, width, target_width) = (records.len(), records.input_width(), records.target_width());
    let value = json!({
        "kind": "records",
        "rows": rows,
        "inputs": width,
        "outputs": target_width,
        "input_format": inputs,
        "target_format": targets,
        "weighted": records.is_weighted(),
        "block_records": records.block_records(),
    });
    let weighted = if records.is_weighted() { ", weighted" } else { "" };
    let text = format!(
        "{rows} records{weighted}, in blocks of {}\ninputs: {width}, {inputs}\ntargets: {target_width}, {targets}",
        records.block_records()
    );
    Ok((value, text))
}

fn embedded(path: &Path) -> Result<(Value, String), Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let failed = |fault: nn_embedded::Fault| Failure::work(format!("{}: {fault}", path.display()));
    let (weights, frame, scratch, widths) = match nn_embedded::Model::<f32>::read(&bytes) {
        Ok(model) => ("f32", *model.frame(), 4 * model.scratch(), widths(&model)),
        Err(nn_embedded::Fault::Kind { .. }) => {
            let model = nn_embedded::Model::<i8>::read(&bytes).map_err(failed)?;
            ("8 bits", *model.frame(), model.scratch(), widths(&model))
        }
        Err(fault) => return Err(failed(fault)),
    };
    let value = json!({
        "kind": "embedded",
        "weights": weights,
        "inputs": frame.inputs,
        "outputs": frame.outputs,
        "layers": widths,
        "bytes": bytes.len(),
        "scratch_bytes": scratch,
    });
    let text = format!(
        "a network for small devices: {}, {weights}\n{} bytes of flash, {scratch} bytes of activations on the stack",
        widths.iter().map(usize::to_string).collect::<Vec<_>>().join(" => "),
        bytes.len()
    );
    Ok((value, text))
}

/// The widths of all layers, the input's first.
fn widths<W: nn_embedded::Weight>(model: &nn_embedded::Model<'_, W>) -> Vec<usize> {
    std::iter::once(model.frame().inputs).chain(model.layers().map(|layer| layer.outputs)).collect()
}

/// A table's columns.
fn table(table: &Table) -> (Value, String) {
    /// The values that are shown of a column of text.
    const SHOWN: usize = 5;
    let mut lines = Vec::new();
    let mut columns = Vec::new();
    for (name, column) in table.columns() {
        let missing = column.missing();
        let mut value = json!({ "name": name, "missing": missing });
        let mut line = match column {
            Column::Number(numbers) => {
                let known = || numbers.iter().copied().filter(|number| !number.is_nan());
                let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
                value["kind"] = json!("number");
                if missing < table.rows() {
                    value["least"] = json!(least);
                    value["most"] = json!(most);
                    format!("number, {least} to {most}")
                } else {
                    "number, no value".to_owned()
                }
            }
            Column::Text(text) => {
                let categories = text.categories().len();
                value["kind"] = json!("text");
                value["categories"] = json!(categories);
                let shown: Vec<&str> = text.categories().take(SHOWN).collect();
                let more = if categories > SHOWN { ", …" } else { "" };
                format!("text, {categories} categories: {}{more}", shown.join(", "))
            }
        };
        if missing > 0 {
            let _ = write!(line, "; {missing} missing");
        }
        columns.push(value);
        lines.push((name, line));
    }
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("{} rows, {} columns", table.rows(), lines.len());
    for (name, line) in lines {
        let _ = write!(text, "\n{name:<width$}  {line}");
    }
    (json!({ "kind": "table", "rows": table.rows(), "columns": columns }), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_name_to_a_struct() {
        let name = |path: &str| struct_name(Path::new(path));
        assert_eq!((name("a/my-model.nn"), name("diamonds.nn")), ("MyModel".to_owned(), "Diamonds".to_owned()));
        assert_eq!(
            (name("000012-step-3.ckpt"), name("-"), name("self.nn")),
            ("Model".to_owned(), "Model".to_owned(), "Model".to_owned())
        );
        assert_eq!(name("größe.nn"), "GrE");
    }
}
