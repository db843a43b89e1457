//! `export`: a model for other programs and for small devices.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nn_train::bundle::AnyBundle;
use nn_train::embedded::{Export, Sizes};
use nn_train::{Bundle, DynNetwork, Element, Error, onnx, safetensors};
use serde_json::json;

use crate::data::Reading;
use crate::failure::Failure;
use crate::model::{Activations, Model, unknown_numbers};
use crate::output::{Destination, Output};

/// Write a model for other programs or for a small device, or import a model from PyTorch or ONNX
///
/// Safetensors, a source file and a file of bytes for a device hold the network alone: what a model makes of the columns of a table
/// is not in them, and `inspect` lists the inputs that they take.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The model, a checkpoint, safetensors or ONNX
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
    #[command(flatten)]
    activations: Activations,
}

const EXAMPLES: &str = "Examples:
  nn-train export iris.nn --to iris.onnx                      for onnxruntime: columns in, classes out
  nn-train export iris.nn --to iris.safetensors               for PyTorch
  nn-train export sensor.nn --to sensor.rs                    a Rust source file without dependencies
  nn-train export sensor.nn --to sensor.nnb --int8 rows.csv   8 bits, for include_model! of nn-embedded
  nn-train export torch.safetensors --to digits.nn --hidden relu --output softmax";

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For onnxruntime and other programs, with what a model makes of columns: .onnx
    Onnx,
    /// Parameters under the names of PyTorch's nn.Sequential: .safetensors
    Safetensors,
    /// A Rust source file that predicts by itself: .rs
    Rust,
    /// A file for `include_model!` of the crate nn-embedded: .nnb
    Embedded,
    /// A model of this program: .nn
    Model,
}

/// The names by which files are known, for messages.
const NAMES: &str = ".onnx, .safetensors, .rs, .nnb or .nn";

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "onnx" => Some(Self::Onnx),
            "safetensors" => Some(Self::Safetensors),
            "rs" => Some(Self::Rust),
            "nnb" => Some(Self::Embedded),
            "nn" => Some(Self::Model),
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
    let inputs: Vec<&Path> = [&*arguments.model].into_iter().chain(arguments.int8.as_deref()).collect();
    let destination = Destination::new(to, arguments.force, &inputs)?;
    let model = Model::load(&arguments.model, &arguments.activations)?;
    let network = model.architecture().to_string();
    let table = matches!(&model, Model::Bundle(bundle) if bundle.preprocess().is_some());
    if table && !matches!(format, Format::Model | Format::Onnx) {
        output.note("the network alone is written: `nn-train inspect` lists its inputs and outputs");
    }
    let mut value = json!({ "model": arguments.model, "file": to, "network": network });
    let written = match format {
        Format::Model => {
            match model.into_bundle()? {
                AnyBundle::F32(bundle) => destination.write(|path| bundle.save(path))?,
                AnyBundle::F64(bundle) => destination.write(|path| bundle.save(path))?,
                _ => return Err(unknown_numbers()),
            }
            network
        }
        Format::Onnx => {
            match &model.into_bundle()? {
                AnyBundle::F32(bundle) => destination.write(|path| onnx::Export::bundle(bundle).write(path))?,
                AnyBundle::F64(bundle) => destination.write(|path| onnx::Export::bundle(bundle).write(path))?,
                _ => return Err(unknown_numbers()),
            }
            value["opset"] = json!(onnx::OPSET);
            format!("operators of version {}", onnx::OPSET)
        }
        Format::Safetensors => {
            let sequential = safetensors::sequential(model.architecture());
            match model.into_bundle()? {
                AnyBundle::F32(bundle) => {
                    destination.write(|path| safetensors::Writer::of_bundle(&bundle).save(path))?
                }
                AnyBundle::F64(bundle) => {
                    destination.write(|path| safetensors::Writer::of_bundle(&bundle).save(path))?
                }
                _ => return Err(unknown_numbers()),
            }
            value["sequential"] = json!(sequential);
            format!("for {sequential}")
        }
        Format::Rust | Format::Embedded => {
            let sizes = arguments.device(&model, format, &destination, output)?;
            value["flash_bytes"] = json!(sizes.numbers);
            value["stack_bytes"] = json!(sizes.scratch);
            sizes.to_string()
        }
    };
    value["bytes"] = json!(destination.bytes());
    output.result_of(&destination, &value, format_args!("{}: {written}", to.display()))
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
    fn device(
        &self,
        model: &Model,
        format: Format,
        destination: &Destination,
        output: &Output,
    ) -> Result<Sizes, Failure> {
        let export = match model {
            Model::F32(network) => Export::new(network)?,
            Model::F64(network) => Export::new(network)?,
            Model::Bundle(bundle) => match &**bundle {
                AnyBundle::F32(bundle) => of_bundle(bundle)?,
                AnyBundle::F64(bundle) => of_bundle(bundle)?,
                _ => return Err(unknown_numbers()),
            },
        };
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
        destination.stream(|writer| Ok(writer.write_all(&contents)?))?;
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
