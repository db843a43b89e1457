//! A file of TFRecords: for each its length in eight bytes, a checksum of those, what it holds, and a checksum of that,
//! little end first.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc};
use prost::Message;

use super::event::Event;
use crate::error::Error;

/// CRC-32C.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// What TensorBoard knows an event file by.
const MARK: &str = "tfevents";

/// Makes sure that a folder, which may not be there, has no event files: it is an error unless they may be removed.
pub(super) fn clear(folder: &Path, remove: bool) -> Result<(), Error> {
    let failed = |error: &std::io::Error| Error::io("read the folder", folder.display(), error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| failed(&error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| failed(&error))?;
        let path = entry.path();
        match entry.file_name().to_string_lossy().contains(MARK) {
            true if remove => fs::remove_file(&path).map_err(|error| Error::io("remove", path.display(), &error))?,
            true => return Err(Error::Exists { place: path.display().to_string() }),
            false => {}
        }
    }
    Ok(())
}

/// An event file that grows.
#[derive(Debug)]
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
    record: Vec<u8>,
}

impl EventFile {
    /// Makes a file of its own in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        let failed = |path: &Path, error: &std::io::Error| Error::write(path.display(), error);
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut number = 0;
        loop {
            // TensorBoard reads the files of a folder by their names, so the seconds come first, in ten digits.
            let name = format!("events.out.{MARK}.{seconds:010}.nn-train.{}.{number}", std::process::id());
            let path = folder.join(name);
            match OpenOptions::new().create_new(true).write(true).open(&path) {
                Ok(file) => return Ok(Self { path, file, record: Vec::new() }),
                // An earlier run of this program, less than a second ago.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
                Err(error) => return Err(failed(&path, &error)),
            }
        }
    }

    /// Writes a whole record at once.
    pub(super) fn write(&mut self, event: &Event) -> Result<(), Error> {
        let length = (event.encoded_len() as u64).to_le_bytes();
        self.record.clear();
        self.record.extend(length);
        self.record.extend(masked_checksum(&length));
        let start = self.record.len();
        event.encode_raw(&mut self.record);
        let checksum = masked_checksum(&self.record[start..]);
        self.record.extend(checksum);
        self.file.write_all(&self.record).map_err(|error| Error::write(self.path.display(), &error))
    }
}

/// The CRC-32C, turned and shifted as TFRecords have it, so that one of bytes that hold checksums is no weaker.
fn masked_checksum(bytes: &[u8]) -> [u8; 4] {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
