//! The program `nn-train`: from a file of data to a model, and from a model to predictions, without a line of code.
//!
//! ```sh
//! nn-train train diamonds.csv --target price --out diamonds.nn
//! nn-train evaluate diamonds.nn test.csv
//! nn-train predict diamonds.nn new.csv --keep id > prices.csv
//! nn-train export diamonds.nn --to diamonds.onnx
//! ```
//!
//! docs/command-line.md of the repository shows every command. This library is the program's code, with one file a command;
//! [`run`] is all that it offers. What the commands do is nn-train's: a program of your own does the same with
//! `nn_train::tabular::Recipe` and `nn_train::Bundle`.
//!
//! # What holds for every command
//!
//! - The result goes to the standard output, everything else to the standard error: notes, progress and errors. With `--json` the
//!   result is one JSON object, and of an error too. With `--quiet` there are no notes and no progress.
//! - The exit status is 0 when the work is done, 1 when it failed, 2 for arguments that make no sense, 130 or 143 when Ctrl-C or
//!   SIGTERM ended it.
//! - A file is written whole or not at all, and none is overwritten without `--force`. Devices and pipes are written to as they are.
//! - A reader that goes away, as `head` does, ends the program without an error.

mod arguments;
mod bench;
mod completions;
mod convert;
mod csv_stream;
mod data;
mod evaluate;
mod export;
mod failure;
mod fingerprint;
mod inspect;
mod model;
mod output;
mod predict;
mod ranks;
mod streamed;
mod train;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use failure::Failure;
use output::Output;
use serde_json::json;

/// Train, evaluate, run, export and convert fully-connected neural networks
#[derive(Debug, Parser)]
#[command(name = "nn-train", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    general: General,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  nn-train train diamonds.csv --target price           from a table to a model, diamonds.nn
  nn-train evaluate diamonds.nn test.csv               how good it is on other rows
  nn-train predict diamonds.nn new.csv > prices.csv    what it says of new rows
  nn-train export diamonds.nn --to diamonds.onnx       for other programs
  nn-train help train                                  all about a command

Exit status: 0 if all went well, 1 if the work failed, 2 for arguments that make no sense, 130 or 143 if Ctrl-C or SIGTERM ended it.";

/// What every command understands.
#[derive(Debug, Clone, Copy, Args)]
struct General {
    /// Print the result as one JSON object
    #[arg(long, global = true, help_heading = "General")]
    json: bool,
    /// No progress and no notes: only the result, and errors
    #[arg(long, short, global = true, help_heading = "General")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Arguments>),
    Evaluate(evaluate::Arguments),
    Predict(predict::Arguments),
    Export(export::Arguments),
    Inspect(inspect::Arguments),
    Convert(convert::Arguments),
    Bench(bench::Arguments),
    Completions(completions::Arguments),
}

impl Command {
    fn run(&self, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Train(arguments) => train::run(arguments, output),
            Self::Evaluate(arguments) => evaluate::run(arguments, output),
            Self::Predict(arguments) => predict::run(arguments, output),
            Self::Export(arguments) => export::run(arguments, output),
            Self::Inspect(arguments) => inspect::run(arguments, output),
            Self::Convert(arguments) => convert::run(arguments, output),
            Self::Bench(arguments) => bench::run(arguments, output),
            Self::Completions(arguments) => completions::run(arguments, output),
        }
    }
}

/// Runs the program on these arguments, the first of which is its name, and returns its exit status: 0 if all went well, 1 if
/// the work failed, 2 for arguments that make no sense, 130 or 143 if a signal ended it.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let mut command = Arguments::command();
    let parsed = command.try_get_matches_from_mut(arguments);
    let (name, parsed) = match parsed.and_then(|matches| {
        let name = matches.subcommand_name().unwrap_or_default().to_owned();
        Ok((name, Arguments::from_arg_matches(&matches)?))
    }) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are errors to clap, of the status 0. Whoever does not read them has read enough.
            let _ = error.print();
            if json && error.use_stderr() {
                let _ = writeln!(io::stdout(), "{}", json!({ "error": message(&error), "status": error.exit_code() }));
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = Output::new(parsed.general.json, parsed.general.quiet);
    match parsed.command.run(&output) {
        Ok(()) | Err(Failure::Reader) => ExitCode::SUCCESS,
        Err(failure) => output.failure(&name, &failure),
    }
}

/// The first paragraph of what clap says, as one line.
fn message(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "there is no command; expected one such as train".to_owned();
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}
