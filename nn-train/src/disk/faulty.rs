//! A file system for tests, one of whose operations fails.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Disk, System};

/// What happens at the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It returns an error of this kind, a write after half of its bytes unless it is only interrupted.
    Error(ErrorKind),
    /// The program is killed there: it does nothing any more.
    Killed,
}

/// The real files of a folder, through operations that are counted from 1.
pub(crate) struct Faulty {
    state: Rc<State>,
}

struct State {
    fails_at: usize,
    failure: Failure,
    count: Cell<usize>,
    names: RefCell<Vec<&'static str>>,
}

impl State {
    /// Counts an operation, which fails if it is that one.
    fn operation(&self, name: &'static str) -> io::Result<()> {
        self.count.set(self.count.get() + 1);
        self.names.borrow_mut().push(name);
        match self.failure {
            Failure::Error(kind) if self.count.get() == self.fails_at => Err(kind.into()),
            Failure::Killed if self.count.get() >= self.fails_at => Err(io::Error::other("the program is dead")),
            _ => Ok(()),
        }
    }
}

impl Faulty {
    pub(crate) fn new(fails_at: usize, failure: Failure) -> Self {
        let (count, names) = (Cell::new(0), RefCell::new(Vec::new()));
        Self { state: Rc::new(State { fails_at, failure, count, names }) }
    }

    /// The operations so far, by name.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.state.names.borrow().clone()
    }
}

/// A file that takes no more than 100 bytes at a time.
pub(crate) struct FaultyFile {
    file: File,
    state: Rc<State>,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(100)];
        if let Err(error) = self.state.operation("write") {
            if error.kind() != ErrorKind::Interrupted {
                // A disk that is full has taken what it had room for.
                self.file.write_all(&bytes[..bytes.len() / 2])?;
            }
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Disk for Faulty {
    type File = FaultyFile;

    fn create(&self, path: &Path) -> io::Result<FaultyFile> {
        self.state.operation("create")?;
        Ok(FaultyFile { file: System.create(path)?, state: Rc::clone(&self.state) })
    }

    fn flush(&self, file: &FaultyFile) -> io::Result<()> {
        self.state.operation("flush")?;
        System.flush(&file.file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state.operation("rename")?;
        System.rename(from, to)
    }

    fn flush_folder(&self, folder: &Path) -> io::Result<()> {
        self.state.operation("flush_folder")?;
        System.flush_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state.operation("remove")?;
        System.remove(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.state.operation("names")?;
        System.names(folder)
    }

    fn abandoned(&self, path: &Path) -> io::Result<Option<FaultyFile>> {
        self.state.operation("abandoned")?;
        Ok(System.abandoned(path)?.map(|file| FaultyFile { file, state: Rc::clone(&self.state) }))
    }
}

/// A folder of one test, which is removed with what is in it.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-train-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }

    /// The names in it, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = System.names(&self.0).expect("it is there");
        let mut names: Vec<_> = names.into_iter().map(|name| name.into_string().expect("UTF-8")).collect();
        names.sort_unstable();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
