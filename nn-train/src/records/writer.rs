//! Writing a source to a file of records.

use std::fmt;
use std::io::Write;
use std::path::Path;

use nn_kernels::{Element, number_text};

use super::layout::{InputFormat, Layout, TargetFormat, WeightFormat};
use crate::data::{Rows, Source, class_of};
use crate::disk::{Failure, write_file};
use crate::error::Error;

/// Bytes of a block unless the number of its records is set: large enough to be read at the disk's speed, small enough that a
/// window has many.
const BLOCK: u64 = 256 << 10;
/// How far a number may be from a multiple of the scale, in parts of it.
const TOLERANCE: f64 = 1e-3;

/// How far a file has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Records written.
    pub records: u64,
    /// Records in all.
    pub of: u64,
}

/// Writes every row of a source to a file of records, as the numbers that they are: `Writer::new().on_progress(…).write(…)`.
/// `progress` is called after each block.
///
/// # Errors
/// As [`Writer::write`].
pub fn convert<S: Source + ?Sized>(
    source: &S,
    path: impl AsRef<Path>,
    progress: impl FnMut(Progress),
) -> Result<(), Error> {
    Writer::new().on_progress(progress).write(source, path)
}

/// How a source is written to a file of records.
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::records::{InputFormat, Records, TargetFormat, Writer};
///
/// # let file = std::env::temp_dir().join(format!("nn-train-doc-writer-{}.nnr", std::process::id()));
/// // 60,000 rows of 784 pixels and ten classes, made on the way: 47 MB instead of 190.
/// # let (rows, side) = (60, 28);
/// # let rows = rows as u64;
/// let images = Stream::new(rows, 784, 10, || {
///     (0..rows).map(|row| {
///         let pixels: Vec<f32> = (0..784).map(|k| ((row + k) % 256) as f32 / 255.0).collect();
///         let mut class = [0.0; 10];
///         class[row as usize % 10] = 1.0;
///         (pixels, class)
///     })
/// });
/// Writer::new()
///     .input_format(InputFormat::Bytes { scale: 1.0 / 255.0 })
///     .target_format(TargetFormat::Label)
///     .write(&images, &file)?;
/// assert_eq!(Records::<f32>::open(&file)?.len(), rows);
/// # std::fs::remove_file(file).map_err(Error::source)?;
/// # Ok::<(), Error>(())
/// ```
#[must_use = "nothing is written before `write`"]
pub struct Writer<'a> {
    input: Option<InputFormat>,
    target: Option<TargetFormat>,
    block: Option<u32>,
    weighted: bool,
    progress: Box<dyn FnMut(Progress) + 'a>,
}

impl Default for Writer<'_> {
    /// Inputs and targets as the numbers that they are, blocks of 256 KiB.
    fn default() -> Self {
        Self { input: None, target: None, block: None, weighted: false, progress: Box::new(|_| ()) }
    }
}

impl<'a> Writer<'a> {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the numbers of an input are written; as those of the source unless set.
    pub fn input_format(self, format: InputFormat) -> Self {
        Self { input: Some(format), ..self }
    }

    /// How a target is written; as the numbers of the source unless set.
    pub fn target_format(self, format: TargetFormat) -> Self {
        Self { target: Some(format), ..self }
    }

    /// Records of a block, which is what is read and shuffled at a time; as many as fill 256 KiB unless set.
    pub fn block_records(self, records: u32) -> Self {
        Self { block: Some(records), ..self }
    }

    /// Whether each record has a weight though the first ones of the source have none. Unless set, records have weights where
    /// a row of the first block has one.
    pub fn weighted(self, weighted: bool) -> Self {
        Self { weighted, ..self }
    }

    /// Calls `progress` after each block.
    pub fn on_progress(self, progress: impl FnMut(Progress) + 'a) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    /// Reads every row of a source once, from the first to the last, and writes them to a file, whole or not at all: after an
    /// error what stood at `path` stands there still. Of the rows one block at a time is in memory.
    ///
    /// An iterator is written as the [`Stream`](crate::Stream) made of it.
    ///
    /// # Errors
    /// What the source returns, [`Error::Io`] when the file cannot be written, [`Error::Records`] for a setting that the
    /// format does not know or a source without rows, [`Error::Argument`] for a number that is too large for `f32` where it
    /// is written as one, [`Error::NotAClass`] for a target that has no label, [`Error::Setting`] for an input that is no
    /// byte times the scale, or for a weight where the first block had none.
    pub fn write<S: Source + ?Sized>(mut self, source: &S, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let layout = self.layout(source).map_err(|fault| Error::Records { place: place.clone(), fault })?;
        write_file(path, |writer| self.write_to(source, layout, &place, writer))
    }

    /// The layout, still without weights unless they were asked for.
    fn layout<S: Source + ?Sized>(&self, source: &S) -> Result<Layout, super::RecordsFault> {
        let mut layout = Layout {
            count: source.len(),
            block: self.block.unwrap_or(1),
            input_width: source.input_width() as u64,
            target_width: source.target_width() as u64,
            input: self.input.unwrap_or(InputFormat::of::<S::Scalar>()),
            target: self.target.unwrap_or(TargetFormat::of::<S::Scalar>()),
            weight: if self.weighted { WeightFormat::of::<S::Scalar>() } else { WeightFormat::None },
        };
        layout.check()?;
        if self.block.is_none() {
            layout.block = (BLOCK / layout.record()).clamp(1, u64::from(u32::MAX)) as u32;
        }
        Ok(layout)
    }

    fn write_to<S: Source + ?Sized>(
        &mut self,
        source: &S,
        mut layout: Layout,
        place: &str,
        writer: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut rows = Rows::of(source)?;
        let (mut indices, mut bytes, mut checksums) = (Vec::new(), Vec::new(), Vec::new());
        for block in 0..layout.blocks() {
            let first = block * u64::from(layout.block);
            let end = first + layout.block_records(block);
            indices.clear();
            indices.extend(first..end);
            rows.fill(source, &indices)?;
            if block == 0 {
                if rows.weights().is_some() {
                    layout.weight = WeightFormat::of::<S::Scalar>();
                    layout.check().map_err(|fault| Error::Records { place: place.to_owned(), fault })?;
                }
                writer.write_all(&layout.to_bytes())?;
            }
            bytes.clear();
            encode(&layout, &rows, first, &mut bytes)?;
            writer.write_all(&bytes)?;
            checksums.extend(crc32fast::hash(&bytes).to_le_bytes());
            (self.progress)(Progress { records: end, of: layout.count });
        }
        Ok(writer.write_all(&checksums)?)
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, target, block, weighted, .. } = self;
        f.debug_struct("Writer")
            .field("input", input)
            .field("target", target)
            .field("block", block)
            .field("weighted", weighted)
            .finish_non_exhaustive()
    }
}

/// Appends rows as records, the first of which is record number `first`.
fn encode<T: Element>(layout: &Layout, rows: &Rows<T>, first: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
    let (inputs, targets) = (layout.input_width as usize, layout.target_width as usize);
    let each = rows.inputs().chunks_exact(inputs).zip(rows.targets().chunks_exact(targets));
    for (row, (input, target)) in each.enumerate() {
        let sample = usize::try_from(first).unwrap_or(usize::MAX).saturating_add(row);
        match layout.input {
            InputFormat::F32 => put_f32("input", sample, input, bytes)?,
            InputFormat::F64 => put_f64(input, bytes),
            InputFormat::Bytes { scale } => {
                for (column, number) in input.iter().enumerate() {
                    bytes.push(byte(number.to_f64() / scale).ok_or_else(|| Error::Setting {
                        name: "InputFormat::Bytes::scale",
                        value: format!("{scale}, and the input of row {sample}, column {column} is {number}"),
                        expected: "each input to be the scale times a whole number from 0 to 255",
                    })?);
                }
            }
        }
        match layout.target {
            TargetFormat::F32 => put_f32("target", sample, target, bytes)?,
            TargetFormat::F64 => put_f64(target, bytes),
            TargetFormat::Label => {
                let expected = if targets == 1 { "0 or 1" } else { "a single 1 among zeros" };
                let label = class_of(target).ok_or(Error::NotAClass { sample, expected })?;
                bytes.extend((label as u32).to_le_bytes());
            }
        }
        let weight = rows.weights().map_or(T::ONE, |weights| weights[row]);
        match layout.weight {
            WeightFormat::F32 => put_f32("weight", sample, &[weight], bytes)?,
            WeightFormat::F64 => put_f64(&[weight], bytes),
            WeightFormat::None if rows.weights().is_some() => {
                return Err(Error::setting(
                    "Writer::weighted",
                    format!("false, and row {sample} or one near it has a weight"),
                    "true where a row has a weight and no row of the first block has one",
                ));
            }
            WeightFormat::None => {}
        }
    }
    Ok(())
}

/// The byte that a multiple of the scale is.
fn byte(multiple: f64) -> Option<u8> {
    let nearest = multiple.round();
    let is_one = (0.0..=255.0).contains(&nearest) && (multiple - nearest).abs() <= TOLERANCE;
    is_one.then_some(nearest as u8)
}

fn put_f32<T: Element>(what: &'static str, row: usize, numbers: &[T], bytes: &mut Vec<u8>) -> Result<(), Error> {
    for (column, number) in numbers.iter().enumerate() {
        let narrow = number.to_f64() as f32;
        if !narrow.is_finite() {
            let number = number_text(number.to_f64());
            return Err(Error::argument(
                what,
                format!("{number} in row {row}, column {column}"),
                "one that f32 can hold",
            ));
        }
        bytes.extend(narrow.to_le_bytes());
    }
    Ok(())
}

fn put_f64<T: Element>(numbers: &[T], bytes: &mut Vec<u8>) {
    for number in numbers {
        bytes.extend(number.to_f64().to_le_bytes());
    }
}
