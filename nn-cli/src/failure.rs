//! Why a command failed, and what to do about it.

use std::fmt;
use std::io;
use std::path::Path;

use nn_train::arrays::ArrayFault;
use nn_train::embedded::ExportFault;
use nn_train::table::TableFault;
use nn_train::{Error, Interruption};

/// Why a command came to no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments make no sense.
    Usage(String),
    /// The work failed.
    Work(String),
    /// The work failed, and the JSON object on the standard output says so already.
    Told(String),
    /// A signal has ended the work, and the exit status says which.
    Ended { message: Option<String>, status: u8 },
    /// Another process, which has the work in common, says why it failed; this is the exit status.
    Quiet(u8),
    /// Whoever read the standard output has read enough.
    Reader,
}

impl Failure {
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn work(message: impl fmt::Display) -> Self {
        Self::Work(message.to_string())
    }

    /// What is said.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Usage(message) | Self::Work(message) | Self::Told(message) => message,
            Self::Ended { message, .. } => message.as_deref().unwrap_or("ended by a signal"),
            Self::Quiet(_) => "another process has failed",
            Self::Reader => "whoever read the output has gone away",
        }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Reader => 0,
            Self::Work(_) | Self::Told(_) => 1,
            Self::Usage(_) => 2,
            Self::Ended { status, .. } | Self::Quiet(status) => *status,
        }
    }

    /// A signal has ended the work.
    pub(crate) fn ended(signal: Interruption, message: Option<String>) -> Self {
        // 128 and the number of the signal, as shells have it.
        let status = if signal == Interruption::Terminate { 143 } else { 130 };
        Self::Ended { message, status }
    }

    /// The system refused to do something with a file.
    pub(crate) fn file(operation: &str, path: &Path, error: &io::Error) -> Self {
        Self::Work(format!("could not {operation} {}: {error}", path.display()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Work(message(&error))
    }
}

/// What the library says, in terms of this program's options where it speaks of functions.
fn message(error: &Error) -> String {
    match error {
        Error::Table { place, fault } => match table_advice(fault) {
            Some(advice) => format!("{place}: {advice}"),
            None => error.to_string(),
        },
        Error::Export(ExportFault::SourceTooLarge { parameters, max }) => format!(
            "the source would hold {parameters} numbers, and a compiler takes {max} at most; --format embedded writes a file \
             of any size"
        ),
        Error::Array { fault: ArrayFault::Unpacked { .. }, .. } => {
            format!("{error}; --max-bytes allows more, of an archive whose origin you know")
        }
        Error::Exists { place } => {
            format!("{place} is there already; --force begins anew in its place, --resume continues that run")
        }
        Error::Diverged { .. } => format!(
            "{}: --learning-rate, --schedule, --clip-norm",
            error.to_string().replace("clip_norm", "a limit for the gradient")
        ),
        _ => error.to_string(),
    }
}

/// What to do about a fault of a table, where the library names functions for it.
fn table_advice(fault: &TableFault) -> Option<String> {
    Some(match fault {
        TableFault::NotUtf8 { found } => {
            format!("found {found:?}, which is not UTF-8; save the file as UTF-8, or read it as it is by --lossy")
        }
        TableFault::MissingTarget { what } => format!("the {what} is missing; expected one in each row"),
        TableFault::Missing => "the value is missing; the model knows no value for it".to_owned(),
        TableFault::MixedTarget { found } => format!(
            "found {found:?}, and most values of the target are numbers; mend the value, or say what it stands for: \
             --missing {found} for a missing value, --classes where the target is classes"
        ),
        TableFault::Categories { found, limit } => format!(
            "it has {found} categories, and at most {limit} are taken, as each becomes an input; leave the column out by \
             --without, or say by --missing what stands for a missing number, if it should hold numbers"
        ),
        TableFault::ManyClasses { found, limit } => format!(
            "the target has {found} classes, and at most {limit} are taken, as each becomes an output; if it should be a \
             number, --missing says what stands for a missing one"
        ),
        TableFault::TooLarge { limit } => {
            format!("it unpacks to more than {limit} bytes; unpack it by gzip, or allow more by --max-bytes")
        }
        TableFault::Kind { found: "text", .. } => {
            "it holds text where numbers are needed; --missing says what stands for a missing number".to_owned()
        }
        _ => return None,
    })
}
