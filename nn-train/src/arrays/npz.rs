//! NPZ, NumPy's archive of arrays: a zip of NPY files.

use std::fmt;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::Path;

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::array::{Array, error, open};
use super::fault::ArrayFault as Fault;
use super::item::Item;
use super::npy;
use super::numbers::{Bytes, Trouble};
use crate::disk::write_file;
use crate::error::Error;

/// The most arrays of an archive.
const MOST: usize = 1 << 16;

/// Where an archive is read from.
trait Input: Read + Seek {}
impl<R: Read + Seek> Input for R {}

/// An NPZ archive, whose arrays are read as they are asked for.
///
/// ```
/// use nn_train::arrays::{Array, Npz, NpzWriter};
/// use nn_train::prelude::*;
///
/// # let file = std::env::temp_dir().join(format!("nn-train-doc-{}.npz", std::process::id()));
/// let (x, y) = (Array::new(vec![0.0_f32, 0.5, 1.0], [3, 1])?, Array::new(vec![0_usize, 0, 1], [3])?);
/// NpzWriter::new().array("x", &x).array("y", &y).write(&file)?; // np.savez_compressed(file, x=x, y=y)
///
/// let mut archive = Npz::open(&file)?;
/// assert_eq!(archive.names(), ["x", "y"]);
/// let data = archive.array::<f32>("x")?.with_labels(&archive.array("y")?, 1)?;
/// # std::fs::remove_file(file).map_err(Error::source)?;
/// # assert_eq!(data.len(), 3);
/// # Ok::<(), Error>(())
/// ```
pub struct Npz {
    place: String,
    archive: ZipArchive<Box<dyn Input + Send>>,
    names: Vec<String>,
    /// Bytes of the file.
    length: u64,
    limit: Option<u64>,
    on_progress: Option<OnProgress>,
}

/// What is called with the bytes of an array that have been read, and how many there are.
type OnProgress = Box<dyn FnMut(u64, u64) + Send>;

impl Npz {
    /// Opens an archive and reads what is in it.
    ///
    /// # Errors
    /// [`Error::Array`] names the file and what is wrong with it; [`Error::Io`] when it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (reader, length, place) = open(path.as_ref())?;
        Self::of(Box::new(reader), length, place)
    }

    /// The same of the bytes of a file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        let length = bytes.len() as u64;
        Self::of(Box::new(Cursor::new(bytes)), length, "the archive".to_owned())
    }

    fn of(input: Box<dyn Input + Send>, length: u64, place: String) -> Result<Self, Error> {
        let mut archive = ZipArchive::new(input).map_err(|fault| zip_error(&place, fault))?;
        if archive.len() > MOST {
            let found = archive.len().to_string();
            let fault = Fault::Header { what: "the count of its files", found, expected: "at most 65536" };
            return Err(Error::Array { place, fault });
        }
        let mut names = Vec::with_capacity(archive.len());
        for number in 0..archive.len() {
            let file = archive.by_index_raw(number).map_err(|fault| zip_error(&place, fault))?;
            let name = file.name().map_err(|fault| zip_error(&place, fault))?;
            names.push(name.strip_suffix(".npy").unwrap_or(&name).to_owned());
        }
        Ok(Self { place, archive, names, length, limit: None, on_progress: None })
    }

    /// Arrays of up to so many bytes are unpacked. Unless set the limit is 100 times the packed bytes of an array and 1 MiB, so that a
    /// small file cannot ask for all memory.
    #[must_use]
    pub fn limit(self, bytes: u64) -> Self {
        Self { limit: Some(bytes), ..self }
    }

    /// Calls `report` with the bytes of an array that have been read and the bytes that it has, about once a mebibyte and at its end.
    #[must_use]
    pub fn on_progress(self, report: impl FnMut(u64, u64) + Send + 'static) -> Self {
        Self { on_progress: Some(Box::new(report)), ..self }
    }

    /// The names of the arrays, as `np.savez` was given them.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads an array.
    ///
    /// # Errors
    /// [`Error::Array`] for a name that there is not, and as [`Array::read_npy`].
    pub fn array<T: Item>(&mut self, name: &str) -> Result<Array<T>, Error> {
        let Self { place, archive, names, length, limit, on_progress } = self;
        let Some(number) = names.iter().position(|found| found == name) else {
            let fault = Fault::Missing { name: name.to_owned(), names: names.clone() };
            return Err(Error::Array { place: place.clone(), fault });
        };
        let file = archive.by_index(number).map_err(|fault| zip_error(place, fault))?;
        // An archive can say of a file in it that it is longer than the archive itself.
        let known = Bytes::packed(file.compressed_size().min(*length), *limit);
        let place = format!("{place}, array {name}");
        let mut silent = |_, _| ();
        let report: &mut dyn FnMut(u64, u64) = match on_progress {
            Some(report) => report,
            None => &mut silent,
        };
        npy::read(file, known, report).map_err(|trouble| error(&place, trouble.unpacking("zip")))
    }
}

impl fmt::Debug for Npz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Npz").field("place", &self.place).field("names", &self.names).finish_non_exhaustive()
    }
}

fn zip_error(place: &str, fault: ZipError) -> Error {
    let trouble = match fault {
        ZipError::Io(fault) => Trouble::Read(fault).unpacking("zip"),
        other => Fault::Packed { format: "zip", reason: other.to_string() }.into(),
    };
    error(place, trouble)
}

/// Writes one array.
type Write1<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

/// Arrays to be written as an NPZ archive.
#[derive(Default)]
#[must_use = "nothing is written before `write`"]
pub struct NpzWriter<'a> {
    arrays: Vec<(String, Write1<'a>)>,
}

impl<'a> NpzWriter<'a> {
    /// An archive without an array yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an array under a name, by which `np.load` finds it.
    pub fn array<T: Item>(mut self, name: impl Into<String>, array: &'a Array<T>) -> Self {
        self.arrays.push((name.into(), Box::new(move |writer| npy::write(array, writer))));
        self
    }

    /// Writes the archive, packed as by `np.savez_compressed`, whole or not at all: after an error what stood there stands
    /// there still.
    ///
    /// # Errors
    /// [`Error::Io`] names the file and what could not be done with it, two arrays of the same name among it.
    pub fn write(self, path: impl AsRef<Path>) -> Result<(), Error> {
        write_file(path.as_ref(), |writer| {
            let mut archive = ZipWriter::new_stream(writer);
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
            for (name, write) in &self.arrays {
                archive.start_file(format!("{name}.npy"), options).map_err(io::Error::other)?;
                write(&mut archive)?;
            }
            archive.finish().map_err(io::Error::other)?;
            Ok(())
        })
    }
}

impl fmt::Debug for NpzWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.arrays.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("NpzWriter").field("names", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::SeekFrom;

    use super::*;

    /// A disk that fails after so many reads.
    struct Failing(Cursor<Vec<u8>>, usize);

    impl Read for Failing {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            // EIO.
            self.1 = self.1.checked_sub(1).ok_or_else(|| io::Error::from_raw_os_error(5))?;
            self.0.read(bytes)
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
            self.0.seek(place)
        }
    }

    #[test]
    fn a_disk_that_fails_is_no_damage() {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("x.npy", SimpleFileOptions::default()).unwrap();
        npy::write(&Array::of(vec![0.5_f32; 1000], vec![1000]), &mut archive).unwrap();
        let bytes = archive.finish().unwrap();
        let read = |reads| {
            let input = Box::new(Failing(bytes.clone(), reads));
            Npz::of(input, bytes.get_ref().len() as u64, "x.npz".to_owned())?.array::<f32>("x")
        };
        let enough = (0..1000).find(|&reads| read(reads).is_ok()).unwrap();
        assert!(enough > 3, "{enough}");
        for reads in 0..enough {
            let error = read(reads).unwrap_err();
            assert!(matches!(error, Error::Io { operation: "read", .. }), "after {reads} reads: {error}");
        }
    }
}
