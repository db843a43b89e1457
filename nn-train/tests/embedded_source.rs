//! The source files of embedded networks: that a compiler, clippy and rustfmt have nothing to say about them, and that
//! they compute what the library computes.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nn_train::embedded::Export;
use nn_train::prelude::*;

#[path = "support/embedded.rs"]
mod support;
use support::{CASES, network, samples};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-train-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Runs a program that must have nothing to say but its output.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let (text, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && errors.is_empty(), "{program} {arguments:?}: {text}{errors}");
    text
}

/// The source of each case, in each type of weights, without scales and with; and what it must print.
fn files() -> Vec<(String, String, Vec<Vec<f32>>)> {
    let mut files = Vec::new();
    for (number, case) in CASES.into_iter().enumerate() {
        let net = network::<f32>(case, number as u64);
        let (width, outputs) = (net.architecture().inputs(), net.architecture().outputs());
        let rows = samples(width, 10);
        let scales = |width: usize| {
            let (means, deviations) = (0..width).map(|k| (0.3 * k as f64, 1.5 + 0.1 * k as f64)).unzip();
            Standardizer::from_constants(means, deviations).unwrap()
        };
        let (inputs, targets) = (scales(width), scales(outputs));
        let plain = Export::new(&net).unwrap();
        let scaled = Export::scaled(&net, Some(&inputs), (number % 2 == 0).then_some(&targets)).unwrap();
        let predict = |predict: &dyn Fn(&[f32]) -> Vec<f32>| rows.chunks_exact(width).map(predict).collect();
        for (name, export) in [("plain", plain), ("scaled", scaled)] {
            let int8 = export.quantized(&rows).unwrap();
            let outputs = predict(&|row| export.predict(row).unwrap());
            files.push((format!("{name}_{number}"), export.source().unwrap(), outputs));
            let outputs = predict(&|row| int8.predict(row).unwrap());
            files.push((format!("{name}_int8_{number}"), int8.source().unwrap(), outputs));
        }
    }
    files
}

#[test]
fn it_compiles_without_a_warning_and_computes_the_same_bits() {
    let folder = Folder::new("source");
    let files = files();
    let (mut modules, mut calls) = (String::new(), String::new());
    for (name, source, outputs) in &files {
        std::fs::write(folder.0.join(format!("{name}.rs")), source).unwrap();
        // Half of them as modules, half included.
        if name.starts_with("plain") {
            writeln!(modules, "mod {name};").unwrap();
        } else {
            writeln!(modules, "mod {name} {{\n    include!(\"{name}.rs\");\n}}").unwrap();
        }
        writeln!(calls, "    run({name}::predict, &[f32::NAN; {}]);", outputs[0].len()).unwrap();
    }
    let program = format!(
        "//! Prints the bits of predictions.\n#![forbid(unsafe_code)]\n{modules}\n\
         fn run<const I: usize, const O: usize>(predict: fn(&[f32; I], &mut [f32; O]), start: &[f32; O]) {{\n    \
             for row in 0..10 {{\n        \
                 let input = std::array::from_fn(|k| {{\n            \
                     let k = row * I + k;\n            \
                     2.0 * ((k * k + k) as f32 * 0.37).sin()\n        \
                 }});\n        \
                 let mut output = *start;\n        \
                 predict(&input, &mut output);\n        \
                 let bits: Vec<String> = output.iter().map(|number| number.to_bits().to_string()).collect();\n        \
                 println!(\"{{}}\", bits.join(\" \"));\n    \
             }}\n}}\n\nfn main() {{\n{calls}}}\n"
    );
    std::fs::write(folder.0.join("main.rs"), program).unwrap();
    let strict = ["--edition", "2024", "-D", "warnings", "main.rs"];
    run(&folder.0, "rustc", &strict);
    let printed = run(&folder.0, &folder.0.join("main").display().to_string(), &[]);
    let mut lines = printed.lines();
    for (name, _, outputs) in &files {
        for output in outputs {
            let bits: Vec<String> = output.iter().map(|number| number.to_bits().to_string()).collect();
            assert_eq!(lines.next(), Some(bits.join(" ").as_str()), "{name}");
            assert!(output.iter().all(|number| number.is_finite()), "{name}: {output:?}");
        }
    }
    assert_eq!(lines.next(), None);
    run(&folder.0, "clippy-driver", &["--edition", "2024", "-D", "warnings", "--emit", "metadata", "main.rs"]);
    for (name, ..) in &files {
        run(&folder.0, "rustfmt", &["--check", "--edition", "2024", &format!("{name}.rs")]);
    }
}

#[test]
fn the_same_network_gives_the_same_text() {
    let texts = || files().into_iter().map(|(_, source, _)| source);
    assert!(texts().eq(texts()));
    // No more code than it needs, and every line short.
    let text = Export::new(&network::<f32>("2 => 3 relu => 1 linear", 1)).unwrap().source().unwrap();
    for absent in ["exp", "softmax", "sigmoid", "quantize", "classify", "round"] {
        assert!(!text.contains(&format!("fn {absent}")), "{absent}");
    }
    assert!(text.contains("fn relu(") && text.contains("fn dense<"));
    assert!(files().iter().flat_map(|(_, source, _)| source.lines()).all(|line| line.chars().count() <= 130));
}
