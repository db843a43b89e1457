//! Hand-written digits on a microcontroller: trains a network, exports it as a source file and as a file of bytes, in
//! `f32` and in whole numbers of 8 bits, and says what each takes and how many test images each reads.
//!
//! The files are those that docs/embedded.md shows how to use.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nn_examples::arguments::count_in;
use nn_examples::digit_images::{self, CLASSES, Image};
use nn_train::embedded::Export;
use nn_train::prelude::*;

network! {
    /// From the 8 × 8 pixels of an image to the probability of each digit.
    pub struct Digits<64 => 64 relu dropout(0.2) => 32 relu => 10 softmax>;
}

/// Train a network on hand-written digits, and export it for a small device
#[derive(Parser)]
struct Arguments {
    /// Seed of the split, the initial parameters, the order of the samples and the dropout
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the images are gone through
    #[arg(long, default_value_t = 60, value_parser = count_in(1, 10_000))]
    epochs: usize,
    /// Folder for digits.rs, digits.nne, digits_int8.rs, digits_int8.nne and expected.rs [default: none is written]
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (images, digits) = digit_images::load()?;
    let all = Dataset::<Image, [f32; CLASSES]>::from_labels(images, &digits)?;
    let (test, train) = all.stratified_split(0.2, arguments.seed)?;
    let mut network = Digits::new(arguments.seed);
    let trainer =
        Trainer::builder().learning_rate(0.002).batch_size(32).epochs(arguments.epochs).seed(arguments.seed).build()?;
    trainer.fit(&mut network, &train, None)?;

    // The range of the activations in 8 bits comes from images that the network has learnt from.
    let export = Export::new(&network)?;
    let small = export.quantized(train.inputs().as_flattened())?;
    if let Some(folder) = &arguments.folder {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("digits.rs"), export.source()?)?;
        fs::write(folder.join("digits.nne"), export.bytes())?;
        fs::write(folder.join("digits_int8.rs"), small.source()?)?;
        fs::write(folder.join("digits_int8.nne"), small.bytes())?;
        fs::write(folder.join("expected.rs"), expected(&export, &small, &test.inputs()[..10])?)?;
    }

    println!("{}, seed {}, {} test images", Digits::ARCHITECTURE, arguments.seed, test.len());
    println!("f32:  {}", export.sizes());
    println!("int8: {}", small.sizes());
    let library = ConfusionMatrix::evaluate(&network, &test)?.accuracy();
    let accuracy = |classify: &dyn Fn(&Image) -> Result<Option<usize>, Error>| -> Result<f64, Error> {
        let mut right = 0;
        for (image, target) in test.iter() {
            let class = classify(image)?;
            right += usize::from(class.is_some_and(|class| target[class] == 1.0));
        }
        Ok(right as f64 / test.len() as f64)
    };
    let single = accuracy(&|image| export.classify(image))?;
    let int8 = accuracy(&|image| small.classify(image))?;
    println!("test accuracy: library {library:.4}, f32 {single:.4}, int8 {int8:.4}");
    Ok(())
}

/// Images and the bits of their outputs, as a Rust expression: what a test on the device compares with.
fn expected(export: &Export<f32>, small: &Export<i8>, images: &[Image]) -> Result<String, Error> {
    let mut text = "[\n".to_owned();
    for image in images {
        let bits = |outputs: Vec<f32>| outputs.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        let (single, int8) = (bits(export.predict(image)?), bits(small.predict(image)?));
        text.push_str(&format!("    ({image:?}, {single:?}, {int8:?}),\n"));
    }
    text.push_str("]\n");
    Ok(text)
}
