//! The library's side of the comparison with PyTorch and scikit-learn, which tests/torch_agreement.py drives.
//!
//! `models write FOLDER` writes networks of every activation and both number types as `NAME.safetensors`, with samples
//! `NAME.x.npy` and what the network makes of them, `NAME.ours.npy`, and prints a line for each: its name, its number type, and
//! the PyTorch module that takes the file.
//!
//! `models read FOLDER` reads lines from its input, a name, a number type and either the activations of the layers or `-`, and
//! writes what the network of `NAME.safetensors` makes of `NAME.x.npy` to `NAME.ours.npy`, and to `NAME.labels.txt` the
//! classes where the file names some.

use std::error::Error;
use std::fs;
use std::io::stdin;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nn_examples::program::ended;
use nn_train::arrays::{Array, Item};
use nn_train::prelude::*;
use nn_train::safetensors::{Reader, Writer, sequential};
use nn_train::{Element, ParseError};

const ARCHITECTURES: [(&str, &str); 9] = [
    ("digits", "64 => 32 relu dropout(0.2) => 10 softmax"),
    ("sigmoid", "5 => 7 sigmoid => 3 sigmoid"),
    ("tanh", "5 => 7 tanh => 6 tanh dropout(0.5) => 2 linear"),
    ("slopes", "4 => 9 leaky_relu(0.125) => 5 leaky_relu(-0.01) => 1 linear, huber(0.5)"),
    ("elu", "4 => 9 elu => 3 elu, mae"),
    ("gelu", "4 => 9 gelu => 3 gelu"),
    ("silu", "4 => 9 silu => 3 silu"),
    ("softplus", "4 => 9 softplus => 3 softplus"),
    ("linear", "3 => 4 linear => 5 linear => 2 linear"),
];

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, folder] = arguments.as_slice() else { return Err("expected write or read, and a folder".into()) };
    let folder = PathBuf::from(folder);
    if command == "write" {
        for (name, architecture) in ARCHITECTURES {
            write::<f32>(&folder, &format!("{name}-f32"), architecture)?;
            write::<f64>(&folder, &format!("{name}-f64"), architecture)?;
        }
        return Ok(());
    }
    for line in stdin().lines() {
        let line = line?;
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, "f32", activations] => read::<f32>(&folder, name, activations)?,
            [name, "f64", activations] => read::<f64>(&folder, name, activations)?,
            _ => return Err(format!("{line:?}; expected a name, f32 or f64, and activations").into()),
        }
    }
    Ok(())
}

fn write<T: Element + Item>(folder: &Path, name: &str, architecture: &str) -> Result<(), Box<dyn Error>> {
    let mut network = DynNetwork::<T>::new(architecture.parse()?, Init::default(), 3)?;
    // Biases, which initialisation leaves at 0, and samples that reach the ends of the activations.
    let number = |index: usize| (index as f64 * 0.7).sin();
    for (index, parameter) in network.parameters_mut().iter_mut().enumerate() {
        *parameter = T::from_f64(parameter.to_f64() + 0.25 * number(index));
    }
    let (inputs, outputs) = (network.architecture().inputs(), network.architecture().outputs());
    let rows = 40;
    let samples: Vec<T> = (0..rows * inputs).map(|index| T::from_f64(4.0 * number(31 * index + 1))).collect();
    let mut ours = vec![T::from_f64(0.0); rows * outputs];
    network.predict_batch(&samples, &mut ours)?;
    Writer::new(&network).save(folder.join(format!("{name}.safetensors")))?;
    Array::new(samples, [rows, inputs])?.write_npy(folder.join(format!("{name}.x.npy")))?;
    Array::new(ours, [rows, outputs])?.write_npy(folder.join(format!("{name}.ours.npy")))?;
    println!("{name} {} {}", T::NAME, sequential(network.architecture()));
    Ok(())
}

fn read<T: Element + Item>(folder: &Path, name: &str, activations: &str) -> Result<(), Box<dyn Error>> {
    let reader = if activations == "-" {
        Reader::new()
    } else {
        let activations: Result<Vec<Activation>, ParseError> = activations.split(',').map(str::parse).collect();
        Reader::new().activations(activations?)
    };
    let bundle: Bundle<DynNetwork<T>> = reader.load(folder.join(format!("{name}.safetensors")))?;
    let samples = Array::<T>::read_npy(folder.join(format!("{name}.x.npy")))?;
    let ours = bundle.predict_rows(samples.numbers())?;
    if bundle.classes().is_some() {
        fs::write(folder.join(format!("{name}.labels.txt")), bundle.labels(&ours)?.join("\n"))?;
    }
    let outputs = bundle.network().architecture().outputs();
    Array::new(ours, [samples.sizes()[0], outputs])?.write_npy(folder.join(format!("{name}.ours.npy")))?;
    Ok(())
}
