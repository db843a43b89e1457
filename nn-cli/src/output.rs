//! Where results, notes and errors go, and how files are written.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nn_train::{Interrupt, write_whole_file};
use serde_json::{Value, json};

use crate::data::is_standard;
use crate::failure::Failure;

/// How a program speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    /// Whether another process speaks for this one.
    silent: bool,
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
        Self { json, quiet, silent: false }
    }

    /// Of a process for which another one speaks.
    pub(crate) fn silent() -> Self {
        Self { json: false, quiet: true, silent: true }
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

    /// The result of a command that has written a file: beside it, where that is the standard output.
    pub(crate) fn result_of(self, file: &Destination, value: &Value, text: impl fmt::Display) -> Result<(), Failure> {
        if is_stdout(file.named()) {
            self.note(text);
            return Ok(());
        }
        self.result(value, text)
    }

    /// Writes the standard output.
    pub(crate) fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        if self.silent {
            return Ok(());
        }
        let mut out = BufWriter::new(io::stdout().lock());
        write(&mut out).and_then(|()| out.flush()).map_err(|error| stdout_failed(&error))
    }

    /// Says why a command failed; the exit status.
    pub(crate) fn failure(self, command: &str, failure: &Failure) -> ExitCode {
        let status = failure.status();
        let message = match failure {
            Failure::Reader | Failure::Quiet(_) | Failure::Ended { message: None, .. } => {
                return ExitCode::from(status);
            }
            failure => failure.message(),
        };
        if self.json && !matches!(failure, Failure::Told(_)) {
            let _ = writeln!(io::stdout(), "{}", json!({ "error": message, "status": status }));
        }
        let _ = writeln!(io::stderr(), "error: {message}");
        if status == 2 {
            let _ = writeln!(io::stderr(), "\nFor more information, try 'nn-train {command} --help'.");
        }
        ExitCode::from(status)
    }
}

/// Signals that end work between two parts of a file, so that nothing unfinished is left. What is read from a pipe may be waited
/// for, and there a signal ends the program at once.
pub(crate) fn signals_for(data: &Path) -> Result<Option<Interrupt>, Failure> {
    Ok(data.is_file().then(Interrupt::on_signals).transpose()?)
}

/// The standard error for lines that nobody has to read: where it is closed, work goes on.
pub(crate) struct Unheeded;

impl Write for Unheeded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

/// Where a command writes a file.
#[derive(Debug)]
pub(crate) struct Destination {
    /// As it was named.
    named: PathBuf,
    /// Where a symbolic link leads, otherwise the same.
    path: PathBuf,
    /// A device or a pipe, which is written to as it is.
    special: bool,
}

/// Whether two names are those of one file.
fn same_file(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Whether this is a device or a pipe, or the name of a file that is open already.
fn is_special(path: &Path) -> bool {
    let open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|place| path.starts_with(place));
    path.metadata().is_ok_and(|metadata| open || !metadata.is_file())
}

/// Whether this is the standard output under its name as a file.
pub(crate) fn is_stdout(path: &Path) -> bool {
    ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Where a symbolic link leads, though nothing may be there yet.
fn followed(path: &Path) -> PathBuf {
    /// Links that lead to each other are a ring.
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        let Ok(target) = path.read_link() else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Refuses a name under which no file can be written, and one of a file that the command reads. It is asked before long work
/// begins.
pub(crate) fn check_place(path: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let name = path.display();
    if is_standard(path) {
        return Err(Failure::usage("a file is written, not the standard output; expected the name of a file, not -"));
    }
    let text = path.to_string_lossy();
    if path.is_dir() || path.file_name().is_none() || text.ends_with(std::path::is_separator) {
        return Err(Failure::work(format!("{name} is a folder; expected the name of a file")));
    }
    if !is_special(path) && inputs.iter().any(|input| same_file(input, path)) {
        return Err(Failure::usage(format!("{name} is a file of this command already; write to another one")));
    }
    let path = followed(path);
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => {
            let folder = folder.display();
            Err(Failure::work(format!("the folder {folder} for {name} is not there; make it, or name another one")))
        }
        _ => Ok(()),
    }
}

impl Destination {
    /// Refuses also to write where something stands already, unless that is wanted.
    pub(crate) fn new(path: &Path, force: bool, inputs: &[&Path]) -> Result<Self, Failure> {
        check_place(path, inputs)?;
        let special = is_special(path);
        if path.exists() && !force && !special {
            let name = path.display();
            return Err(Failure::work(format!("{name} is there already; use --force, or another name")));
        }
        Ok(Self { named: path.to_owned(), path: if special { path.to_owned() } else { followed(path) }, special })
    }

    /// The name that was given.
    pub(crate) fn named(&self) -> &Path {
        &self.named
    }

    /// How many bytes have been written.
    pub(crate) fn bytes(&self) -> u64 {
        self.path.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Writes by a function that makes a file of a name. What goes to a device or a pipe is a file before.
    pub(crate) fn write(&self, write: impl FnOnce(&Path) -> Result<(), nn_train::Error>) -> Result<(), Failure> {
        if !self.special {
            return Ok(write(&self.path)?);
        }
        let whole = std::env::temp_dir().join(format!("nn-train-{}.whole", std::process::id()));
        write(&whole)?;
        let copied = File::open(&whole).and_then(|mut file| io::copy(&mut file, &mut self.open()?));
        let removed = fs::remove_file(&whole);
        copied.map_err(|error| self.failed(&error))?;
        removed.map_err(|error| Failure::file("remove", &whole, &error))
    }

    /// Writes a file whole or not at all, with contents that may fail by themselves; to a device or a pipe, as they come.
    pub(crate) fn stream(&self, write: impl FnOnce(&mut dyn Write) -> Result<(), Contents>) -> Result<(), Failure> {
        if self.special {
            let mut writer = BufWriter::new(self.open().map_err(|error| self.failed(&error))?);
            return match write(&mut writer).and_then(|()| Ok(writer.flush()?)) {
                Ok(()) => Ok(()),
                Err(Contents::Disk(error)) => Err(self.failed(&error)),
                Err(Contents::Failure(failure)) => Err(failure),
            };
        }
        let mut reason = None;
        let written = write_whole_file(&self.path, |writer| {
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

    /// A device or a pipe.
    fn open(&self) -> io::Result<Box<dyn Write>> {
        if is_stdout(&self.path) {
            return Ok(Box::new(io::stdout()));
        }
        Ok(Box::new(OpenOptions::new().write(true).open(&self.path)?))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        match error.kind() {
            ErrorKind::BrokenPipe => Failure::Reader,
            _ => Failure::file("write", &self.named, error),
        }
    }
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
