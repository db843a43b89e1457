//! Files of records that are one source: where each record of them all is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::cache::MOST_OPEN;
use super::fault::RecordsFault as Fault;
use super::layout::{HEADER, Layout};
use crate::error::Error;
use crate::memory::reserve;

/// One or more files of the same widths and formats, whose records stand one behind the other.
pub(super) struct Files {
    /// What they have in common: the records of them all, and of a block that is not the last of its file.
    pub(super) layout: Layout,
    /// Blocks of all files.
    pub(super) blocks: u64,
    pub(super) files: Vec<FileOf>,
}

/// One of them.
pub(super) struct FileOf {
    path: PathBuf,
    /// The path as messages name it.
    pub(super) place: String,
    pub(super) layout: Layout,
    pub(super) first_block: u64,
    pub(super) first_row: u64,
}

/// Where a record is.
pub(super) struct Place {
    pub(super) block: u64,
    pub(super) row: u32,
}

impl Files {
    /// Looks at the headers of files, and leaves open as many as may be.
    pub(super) fn open<P: AsRef<Path>>(paths: &[P]) -> Result<(Self, Vec<(usize, File)>), Error> {
        let (mut files, mut open): (Vec<FileOf>, _) = (Vec::new(), Vec::new());
        reserve(&mut files, paths.len())?;
        let (mut first_block, mut first_row) = (0, 0_u64);
        for (number, path) in paths.iter().enumerate() {
            let path = path.as_ref().to_owned();
            let place = path.display().to_string();
            let (file, layout) = read_header(&path, &place)?;
            let too_many = || {
                let expected = "fewer than 64 bits count, of all files together";
                let fault = Fault::Header { what: "the records", found: layout.count.to_string(), expected };
                Error::Records { place: place.clone(), fault }
            };
            let next = first_row.checked_add(layout.count).ok_or_else(too_many)?;
            files.push(FileOf { path, place, layout, first_block, first_row });
            (first_block, first_row) = (first_block + layout.blocks(), next);
            if number < MOST_OPEN {
                open.push((number, file));
            }
        }
        let Some(first) = files.first() else {
            return Err(Error::Missing { what: "file of records", expected: "at least one path" });
        };
        let mut layout = first.layout;
        if files.len() > 1 {
            let block = common_block(&files)?;
            layout = Layout { count: first_row, block, ..layout };
        }
        Ok((Self { layout, blocks: first_block, files }, open))
    }

    /// What messages call them all.
    pub(super) fn place(&self) -> String {
        let first = self.files.first().map_or("", |file| &file.place);
        if self.files.len() < 2 { first.to_owned() } else { format!("{first} and {} more", self.files.len() - 1) }
    }

    /// The block of a record, and its place there.
    pub(super) fn place_of(&self, index: u64) -> Place {
        let next = if self.files.len() == 1 { 1 } else { self.files.partition_point(|file| file.first_row <= index) };
        let FileOf { layout, first_block, first_row, .. } = &self.files[next - 1];
        let (index, block) = (index - first_row, u64::from(layout.block));
        Place { block: first_block + index / block, row: (index % block) as u32 }
    }

    /// The file of a block, that file's number, and the block's number there.
    pub(super) fn file_of(&self, block: u64) -> (usize, &FileOf, u64) {
        let next = self.files.partition_point(|file| file.first_block <= block);
        let file = &self.files[next - 1];
        (next - 1, file, block - file.first_block)
    }
}

impl FileOf {
    /// Opens the file once more. It must be as it was.
    pub(super) fn open_again(&self) -> Result<File, Error> {
        let (file, layout) = read_header(&self.path, &self.place)?;
        match difference(&self.layout, &layout) {
            None if layout == self.layout => Ok(file),
            None => {
                let [expected, found] =
                    [self.layout, layout].map(|layout| format!("{} in blocks of {}", layout.count, layout.block));
                Err(self.changed("the records", expected, found))
            }
            Some((what, expected, found)) => Err(self.changed(what, expected, found)),
        }
    }

    fn changed(&self, what: &'static str, expected: String, found: String) -> Error {
        Error::Records { place: self.place.clone(), fault: Fault::Changed { what, expected, found } }
    }
}

/// Opens a file and reads what its header says.
fn read_header(path: &Path, place: &str) -> Result<(File, Layout), Error> {
    let failed = |operation| move |error: std::io::Error| Error::io(operation, place, &error);
    let mut file = File::open(path).map_err(failed("open"))?;
    let length = file.metadata().map_err(failed("open"))?.len();
    let mut header = Vec::new();
    file.by_ref().take(HEADER).read_to_end(&mut header).map_err(failed("read"))?;
    let layout = Layout::read(&header, length).map_err(|fault| Error::Records { place: place.to_owned(), fault })?;
    Ok((file, layout))
}

/// What one file's records are made of and another's are not: what, the first one's, the other's.
fn difference(one: &Layout, other: &Layout) -> Option<(&'static str, String, String)> {
    let differs = |what, one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| {
        let (one, other) = (format!("{one:?}"), format!("{other:?}"));
        (one != other).then_some((what, one, other))
    };
    differs("the width of the inputs", &one.input_width, &other.input_width)
        .or_else(|| differs("the width of the targets", &one.target_width, &other.target_width))
        .or_else(|| differs("the format of the inputs", &one.input, &other.input))
        .or_else(|| differs("the format of the targets", &one.target, &other.target))
        .or_else(|| differs("the format of the weights", &one.weight, &other.weight))
}

/// The records of a block, which are the same in all files; one that is a single block may have fewer. Also all else is alike.
fn common_block(files: &[FileOf]) -> Result<u32, Error> {
    let records = |file: &FileOf| file.layout.block_records(0);
    // Who has several blocks says how long they are.
    let several = files.iter().find(|file| file.layout.blocks() > 1);
    let longest = || files.iter().max_by_key(|file| records(file));
    let Some(model) = several.or_else(longest) else { return Ok(1) };
    let first = &files[0];
    for file in files {
        let fault = |like: &FileOf, what, expected, found| {
            let like = like.place.clone();
            Err(Error::Records { place: file.place.clone(), fault: Fault::Unlike { what, expected, found, like } })
        };
        if let Some((what, expected, found)) = difference(&first.layout, &file.layout) {
            return fault(first, what, expected, found);
        }
        let (expected, found) = (records(model), records(file));
        if found > expected || file.layout.blocks() > 1 && found < expected {
            return fault(model, "the records of a block", expected.to_string(), found.to_string());
        }
    }
    Ok(records(model) as u32)
}
