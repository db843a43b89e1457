//! Files that are written whole or not at all.

#[cfg(test)]
pub(crate) mod faulty;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// The end of the name of a file that is being written.
const UNFINISHED: &str = ".unfinished";

/// What of a file system is needed here, so that tests can let each operation fail.
pub(crate) trait Disk {
    type File: Write;
    /// A new file, which must not be there yet.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Everything written is on the disk afterwards.
    fn flush(&self, file: &Self::File) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// The names in a folder are on the disk afterwards.
    fn flush_folder(&self, folder: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names of all that is in a folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;
    /// An unfinished file that nobody is writing any more, locked.
    fn abandoned(&self, path: &Path) -> io::Result<Option<Self::File>>;
}

/// The system's.
pub(crate) struct System;

impl Disk for System {
    type File = File;

    fn create(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        match file.try_lock() {
            // Somebody takes it for abandoned in this moment, and will remove it.
            Err(TryLockError::WouldBlock) => Err(ErrorKind::AlreadyExists.into()),
            // Where there are no locks, nothing is ever taken for abandoned.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn flush_folder(&self, folder: &Path) -> io::Result<()> {
        if !cfg!(unix) {
            // Elsewhere a folder cannot be opened, and a rename is on the disk when it returns, as far as the system
            // can tell.
            return Ok(());
        }
        match File::open(folder)?.sync_all() {
            // Some file systems of networks know no such thing.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            flushed => flushed,
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn abandoned(&self, path: &Path) -> io::Result<Option<File>> {
        // The lock of a program that has ended is free.
        match OpenOptions::new().write(true).open(path) {
            Ok(file) => Ok(file.try_lock().is_ok().then_some(file)),
            // Finished in the meantime, or somebody else's.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Writes a file under another name in the same folder, and renames it once it is on the disk. After an error what
/// stood at `path` stands there still, unless only the folder could not be flushed, and nothing is left of the new
/// one.
pub(crate) fn write_whole<D: Disk>(
    disk: &D,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let place = path.display();
    let Some(name) = path.file_name() else {
        let error = io::Error::new(ErrorKind::InvalidInput, "the path does not end in the name of a file");
        return Err(Error::io("write", place, &error));
    };
    let folder = folder_of(path);
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let prefix = prefix.to_string_lossy();
    remove_unfinished(disk, folder, |name| name.starts_with(&*prefix))?;
    let (unfinished, file) =
        create(disk, folder, &prefix).map_err(|error| Error::io("create a file beside", &place, &error))?;
    let finished = finish(disk, file, &unfinished, path, write);
    if finished.is_err() {
        // Why it could not be written is what the caller should learn. What cannot be removed now is when it is
        // abandoned.
        let _ = disk.remove(&unfinished);
    }
    finished?;
    disk.flush_folder(folder).map_err(|error| Error::io("flush to disk the folder of", &place, &error))
}

/// Writes a file whole or not at all, as this library writes all of its own: under another name in the same folder, flushed to
/// the disk, and renamed. After an error, or when the program is killed, what stood at `path` stands there still.
///
/// ```
/// # let file = std::env::temp_dir().join(format!("nn-train-doc-whole-{}.txt", std::process::id()));
/// nn_train::write_whole_file(&file, |writer| writer.write_all(b"either all of this or none"))?;
/// # assert_eq!(std::fs::read(&file).map_err(nn_train::Error::source)?.len(), 26);
/// # std::fs::remove_file(file).map_err(nn_train::Error::source)?;
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] names the file and what could not be done with it.
pub fn write_whole_file(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    write_whole(&System, path.as_ref(), write)
}

/// Why a file was not written: the disk, or what was to be written.
#[cfg(any(feature = "arrays", feature = "records", feature = "tables"))]
pub(crate) enum Failure {
    Disk(io::Error),
    Contents(Error),
}

#[cfg(any(feature = "arrays", feature = "records", feature = "tables"))]
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

#[cfg(any(feature = "arrays", feature = "records", feature = "tables"))]
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Contents(error)
    }
}

/// [`write_whole`] on the system's disk, for contents that may fail by themselves.
#[cfg(any(feature = "arrays", feature = "records", feature = "tables"))]
pub(crate) fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Error> {
    let mut reason = None;
    let written = write_whole(&System, path, |writer| {
        write(writer).map_err(|failure| match failure {
            Failure::Disk(error) => error,
            Failure::Contents(error) => {
                reason = Some(error);
                io::Error::other("the contents failed")
            }
        })
    });
    reason.map_or(written, Err)
}

/// From a new file to its place.
fn finish<D: Disk>(
    disk: &D,
    file: D::File,
    unfinished: &Path,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let failed = |operation| move |error: io::Error| Error::io(operation, path.display(), &error);
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    write(&mut writer).map_err(failed("write"))?;
    let file = writer.into_inner().map_err(|error| failed("write")(error.into_error()))?;
    disk.flush(&file).map_err(failed("flush to disk"))?;
    disk.rename(unfinished, path).map_err(failed("rename a file to"))
    // Closed, and so unlocked, once it has its name.
}

/// A new file whose name begins with `prefix`.
fn create<D: Disk>(disk: &D, folder: &Path, prefix: &str) -> io::Result<(PathBuf, D::File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{prefix}{}-{number}{UNFINISHED}", std::process::id()));
        match disk.create(&path) {
            // Another machine's program of the same number, on a disk that is shared.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (path, file)),
        }
    }
}

/// Removes what programs have left that were killed while they were writing: unfinished files whose names are `ours`.
pub(crate) fn remove_unfinished<D: Disk>(disk: &D, folder: &Path, ours: impl Fn(&str) -> bool) -> Result<(), Error> {
    let names = disk.names(folder).map_err(|error| Error::io("read the folder", folder.display(), &error))?;
    for name in names {
        let Some(name) = name.to_str().filter(|name| ours(name) && name.ends_with(UNFINISHED)) else {
            continue;
        };
        let path = folder.join(name);
        // Its lock is kept until it is gone, so that nobody takes the name for a new file in between.
        let removed =
            disk.abandoned(&path).and_then(|locked| if locked.is_some() { disk.remove(&path) } else { Ok(()) });
        match removed {
            // Somebody else has.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.map_err(|error| Error::io("remove", path.display(), &error))?,
        }
    }
    Ok(())
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
