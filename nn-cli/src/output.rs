//! Where results, notes and errors go, and how files are written.

use std::fmt;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use nn_train::write_whole_file;
use serde_json::{Value, json};

use crate::failure::Failure;

/// How a program speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

/// What an error of the standard output is.
pub(crate) fn stdout_failed(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::Reader,
        _ => Failure::work(format!("could not write the standard output: {error}")),
    }
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether the result is one JSON object.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether nothing is shown but the result.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// A line beside the result.
    pub(crate) fn note(self, text: impl fmt::Display) {
        if !self.quiet {
            // Where nobody listens, nobody misses it.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// The result of a command, for people or for programs.
    pub(crate) fn result(self, value: &Value, text: impl fmt::Display) -> Result<(), Failure> {
        self.write(|out| if self.json { writeln!(out, "{value}") } else { writeln!(out, "{text}") })
    }

    /// Writes the standard output.
    pub(crate) fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        write(&mut out).and_then(|()| out.flush()).map_err(|error| stdout_failed(&error))
    }

    /// Says why a command failed; the exit status.
    pub(crate) fn failure(self, command: &str, failure: &Failure) -> ExitCode {
        let (message, status) = match failure {
            Failure::Usage(message) => (message, 2),
            Failure::Work(message) => (message, 1),
            Failure::Reader => return ExitCode::SUCCESS,
        };
        if self.json {
            let _ = writeln!(io::stdout(), "{}", json!({ "error": message, "status": status }));
        }
        let _ = writeln!(io::stderr(), "error: {message}");
        if status == 2 {
            let _ = writeln!(io::stderr(), "\nFor more information, try 'nn-train {command} --help'.");
        }
        ExitCode::from(status)
    }
}

/// Refuses to write where something stands already, unless that is wanted. It is asked before long work begins. `option` names
/// another file.
pub(crate) fn check_new(path: &Path, force: bool, option: &str) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::work(format!("{} is a folder; expected the name of a file", path.display())));
    }
    if path.exists() && !force {
        let path = path.display();
        return Err(Failure::work(format!(
            "{path} is there already; --force overwrites it, {option} names another file"
        )));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            let (folder, name) = (folder.display(), path.display());
            Err(Failure::work(format!("the folder {folder} for {name} is not there; make it, or name another one")))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all, with contents that may fail by themselves.
pub(crate) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Contents>,
) -> Result<(), Failure> {
    let mut reason = None;
    let written = write_whole_file(path, |writer| {
        write(writer).map_err(|contents| match contents {
            Contents::Disk(error) => error,
            Contents::Failure(failure) => {
                reason = Some(failure);
                io::Error::other("the contents failed")
            }
        })
    });
    reason.map_or_else(|| Ok(written?), Err)
}

/// Why a file or the standard output could not be written: the writer, or what was to be written.
pub(crate) enum Contents {
    Disk(io::Error),
    Failure(Failure),
}

impl From<io::Error> for Contents {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<Failure> for Contents {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<nn_train::Error> for Contents {
    fn from(error: nn_train::Error) -> Self {
        Self::Failure(error.into())
    }
}
