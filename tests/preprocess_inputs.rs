//! The library's side of the comparison with scikit-learn's preprocessing, which tests/preprocess_agreement.py drives.
//!
//! A line of the standard input is a request in JSON: two files, one to learn from and one to apply it to, and settings. It
//! is answered by a line in JSON: the names of the inputs, the inputs row by row, and the targets.

use std::error::Error;
use std::process::ExitCode;

use nn_examples::program::{answer_lines, ended};
use nn_train::preprocess::{Missing, Preprocess, Scaling};
use nn_train::table::Csv;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    train: String,
    test: String,
    targets: Vec<String>,
    classes: bool,
    ordinal: Vec<String>,
    scaling: String,
    missing: String,
    indicators: bool,
}

fn answer(line: &str) -> Result<serde_json::Value, Box<dyn Error>> {
    let request: Request = serde_json::from_str(line)?;
    let scaling = match request.scaling.as_str() {
        "standard" => Scaling::Standard,
        "robust" => Scaling::Robust,
        "quantile" => Scaling::Quantile,
        "none" => Scaling::None,
        other => return Err(format!("no scaling {other}").into()),
    };
    let missing = match request.missing.as_str() {
        "error" => Missing::Error,
        "mean" => Missing::Mean,
        "median" => Missing::Median,
        "most_frequent" => Missing::MostFrequent,
        "constant" => Missing::Constant(-1.0),
        other => return Err(format!("no policy {other}").into()),
    };
    let mut builder = Preprocess::for_targets(request.targets).ordinal("ordinal", request.ordinal);
    builder = builder.scaling(scaling).missing(missing);
    if request.indicators {
        builder = builder.indicators();
    }
    if request.classes {
        builder = builder.classes();
    }
    let preprocess = builder.fit(&Csv::new().read(&request.train)?)?;
    let data = preprocess.dataset::<f64>(&preprocess.csv().read(&request.test)?)?;
    Ok(json!({ "names": preprocess.input_names(), "inputs": data.inputs(), "targets": data.targets() }))
}

fn main() -> ExitCode {
    ended(answer_lines(answer))
}
