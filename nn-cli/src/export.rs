//! `export`: a model for other programs and for small devices.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nn_train::bundle::AnyBundle;
use nn_train::embedded::{Export, Sizes};
use nn_train::{Bundle, DynNetwork, Element, Error};
use serde_json::json;

use crate::data::Reading;
use crate::failure::Failure;
use crate::model::Model;
use crate::output::{Output, check_new, write_file};

/// Write a model for other programs or for a small device
///
/// A source file and a file of bytes for a device hold the network alone: what a model makes of the columns of a table is not in
/// them, and `inspect` lists the inputs that they take.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The model, or a checkpoint
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The file to write; its name tells the format
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The format, where the name does not tell it
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// For a device, weights and activations of 8 bits, with scales that suit these rows: a few hundred as the device will see
    #[arg(long, value_name = "DATA")]
    int8: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "Examples:
  nn-train export sensor.nn --to sensor.rs                    a Rust source file without dependencies
  nn-train export sensor.nn --to sensor.nnb --int8 rows.csv   8 bits, for include_model! of nn-embedded";

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A Rust source file that predicts by itself: .rs
    Rust,
    /// A file for `include_model!` of the crate nn-embedded: .nnb
    Embedded,
}

/// The names by which files are known, for messages.
const NAMES: &str = ".rs or .nnb";

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "rs" => Some(Self::Rust),
            "nnb" => Some(Self::Embedded),
            _ => None,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let to = &arguments.to;
    let format = arguments.format.or_else(|| Format::of(to)).ok_or_else(|| {
        Failure::usage(format!(
            "the format of {} cannot be told by its name; expected {NAMES}, or --format",
            to.display()
        ))
    })?;
    if arguments.int8.is_some() && !matches!(format, Format::Rust | Format::Embedded) {
        return Err(Failure::usage("--int8 is for a small device: the formats rust and embedded"));
    }
    if !arguments.force && to.exists() {
        return Err(Failure::work(format!("{} is there already; --force overwrites it", to.display())));
    }
    check_new(to, arguments.force)?;
    let model = Model::load(&arguments.model)?;
    let written = match format {
        Format::Rust | Format::Embedded => arguments.device(&model, format, output)?,
    };
    let value = json!({
        "model": arguments.model,
        "file": to,
        "bytes": to.metadata().map_or(0, |metadata| metadata.len()),
        "network": model.architecture().to_string(),
        "flash_bytes": written.numbers,
        "stack_bytes": written.scratch,
    });
    output.result(&value, format_args!("{}: {written}", to.display()))
}

/// A network for a small device, in one of its two number types.
enum Device {
    F32(Export<f32>),
    Int8(Export<i8>),
}

impl Device {
    fn sizes(&self) -> Sizes {
        match self {
            Self::F32(export) => export.sizes(),
            Self::Int8(export) => export.sizes(),
        }
    }
}

impl Arguments {
    /// Writes a source file or a file of bytes.
    fn device(&self, model: &Model, format: Format, output: &Output) -> Result<Sizes, Failure> {
        let export = match model {
            Model::F32(network) => Export::new(network)?,
            Model::F64(network) => Export::new(network)?,
            Model::Bundle(bundle) => match &**bundle {
                AnyBundle::F32(bundle) => of_bundle(bundle)?,
                AnyBundle::F64(bundle) => of_bundle(bundle)?,
                _ => return Err(Failure::work("the model is of a number type that this program does not know")),
            },
        };
        if let Model::Bundle(bundle) = model
            && let Some(preprocess) = bundle.preprocess()
        {
            output.note(format_args!(
                "the network alone is written: its {} inputs are those that `nn-train inspect` lists, and its outputs as well",
                preprocess.input_width()
            ));
        }
        let export = match &self.int8 {
            Some(path) => Device::Int8(export.quantized(&samples(model, path, output)?)?),
            None => Device::F32(export),
        };
        let contents = match (&export, format) {
            (Device::F32(export), Format::Rust) => export.source()?.into_bytes(),
            (Device::Int8(export), Format::Rust) => export.source()?.into_bytes(),
            (Device::F32(export), _) => export.bytes().to_vec(),
            (Device::Int8(export), _) => export.bytes().to_vec(),
        };
        write_file(&self.to, |writer| Ok(writer.write_all(&contents)?))?;
        Ok(export.sizes())
    }
}

fn of_bundle<T: Element>(bundle: &Bundle<DynNetwork<T>>) -> Result<Export<f32>, Error> {
    Export::scaled(bundle.network(), bundle.standardizer(), bundle.target_standardizer())
}

/// The inputs of the network for rows as the device will see them.
fn samples(model: &Model, path: &Path, output: &Output) -> Result<Vec<f32>, Failure> {
    let preprocess = if let Model::Bundle(bundle) = model { bundle.preprocess() } else { None };
    let csv = preprocess.map_or_else(nn_train::table::Csv::new, |preprocess| preprocess.csv());
    let table = Reading::default().table(path, csv, output)?;
    if let Some(preprocess) = preprocess {
        return Ok(preprocess.inputs(&table)?);
    }
    let expected = model.architecture().inputs();
    if table.names().len() != expected {
        return Err(Error::Width { what: "rows", expected, found: table.names().len() }.into());
    }
    let columns: Vec<&[f64]> = table.names().iter().map(|name| table.numbers(name)).collect::<Result<_, _>>()?;
    Ok((0..table.rows()).flat_map(|row| columns.iter().map(move |column| column[row] as f32)).collect())
}
