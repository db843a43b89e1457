//! The program `nn-train`: see [`nn_train_cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    nn_train_cli::run(std::env::args_os())
}
