//! How programs end that the scripts in the folder `tests` drive, and how they answer requests.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

/// The exit status of what a program came to; an error is said on the standard error.
pub fn ended(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers each line of the standard input by a line.
///
/// # Errors
/// That of the first line that has no answer, and of the standard input and output.
pub fn answer_lines<A: Display>(answer: impl Fn(&str) -> Result<A, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(output, "{}", answer(&line?)?)?;
    }
    Ok(())
}
