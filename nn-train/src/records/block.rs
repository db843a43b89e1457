//! The records of a block, in the number type of a network.

use nn_kernels::Element;

use super::layout::{InputFormat, Layout, TargetFormat, WeightFormat};
use crate::data::{Known, KnownTarget, check_finite, classes, write_labels};
use crate::error::Error;
use crate::memory::reserve;

/// Some records after each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Block<T> {
    inputs: Vec<T>,
    /// Where targets are written as numbers.
    targets: Vec<T>,
    /// Where they are written as labels.
    labels: Vec<u32>,
    weights: Vec<T>,
}

impl<T: Element> Block<T> {
    /// Bytes of memory that so many records take.
    pub(super) fn memory(layout: &Layout, records: u64) -> u64 {
        let number = size_of::<T>() as u64;
        let target = match layout.target {
            TargetFormat::Label => 4,
            TargetFormat::F32 | TargetFormat::F64 => layout.target_width.saturating_mul(number),
        };
        let weight = if layout.weight == WeightFormat::None { 0 } else { number };
        let record = layout.input_width.saturating_mul(number).saturating_add(target).saturating_add(weight);
        records.saturating_mul(record)
    }

    /// Replaces everything by the records that `bytes` are, the first of which is record number `first`. A second block of
    /// the same size takes no new memory.
    pub(super) fn decode(&mut self, layout: &Layout, bytes: &[u8], first: u64) -> Result<(), Error> {
        let record = layout.record() as usize;
        let records = bytes.len() / record;
        let (inputs, targets) = (layout.input_width as usize, layout.target_width as usize);
        let label = layout.target == TargetFormat::Label;
        let weight = usize::from(layout.weight != WeightFormat::None);
        resize(&mut self.inputs, records * inputs, T::ZERO)?;
        resize(&mut self.targets, if label { 0 } else { records * targets }, T::ZERO)?;
        resize(&mut self.labels, if label { records } else { 0 }, 0)?;
        resize(&mut self.weights, records * weight, T::ZERO)?;
        for (row, bytes) in bytes.chunks_exact(record).enumerate() {
            let sample = usize::try_from(first).unwrap_or(usize::MAX).saturating_add(row);
            let input = &mut self.inputs[row * inputs..][..inputs];
            let bytes = match layout.input {
                InputFormat::F32 => take(bytes, input, from_f32),
                InputFormat::F64 => take(bytes, input, from_f64),
                InputFormat::Bytes { scale } => take(bytes, input, |[byte]| T::from_f64(f64::from(byte) * scale)),
            };
            let bytes = match layout.target {
                TargetFormat::F32 => take(bytes, &mut self.targets[row * targets..][..targets], from_f32),
                TargetFormat::F64 => take(bytes, &mut self.targets[row * targets..][..targets], from_f64),
                TargetFormat::Label => {
                    let bytes = take(bytes, &mut self.labels[row..=row], u32::from_le_bytes);
                    let (label, classes) = (self.labels[row] as usize, classes(targets));
                    if label >= classes {
                        return Err(Error::Label { sample, label, classes });
                    }
                    bytes
                }
            };
            match layout.weight {
                WeightFormat::None => bytes,
                WeightFormat::F32 => take(bytes, &mut self.weights[row..=row], from_f32),
                WeightFormat::F64 => take(bytes, &mut self.weights[row..=row], from_f64),
            };
        }
        self.check(layout, first)
    }

    /// Adds all records to lists of inputs, targets and weights.
    pub(super) fn append(&self, target_width: usize, [inputs, targets, weights]: [&mut Vec<T>; 3]) {
        inputs.extend_from_slice(&self.inputs);
        targets.extend_from_slice(&self.targets);
        weights.extend_from_slice(&self.weights);
        for &label in &self.labels {
            let first = targets.len();
            targets.resize(first + target_width, T::ZERO);
            write_labels(&[label as usize], target_width, &mut targets[first..]);
        }
    }

    /// A record, as it is pushed onto rows.
    pub(super) fn record(&self, row: usize, [inputs, targets]: [usize; 2]) -> Known<'_, T> {
        let target = match self.labels.get(row) {
            Some(&label) => KnownTarget::Label(label as usize),
            None => KnownTarget::Numbers(&self.targets[row * targets..][..targets]),
        };
        Known { input: &self.inputs[row * inputs..][..inputs], target, weight: self.weights.get(row).copied() }
    }

    /// All numbers are finite, and weights not negative.
    fn check(&self, layout: &Layout, first: u64) -> Result<(), Error> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let (inputs, targets) = (layout.input_width as usize, layout.target_width as usize);
        let checked =
            check_finite("inputs", &self.inputs, inputs).and_then(|()| check_finite("targets", &self.targets, targets));
        if let Err(Error::NonFinite { what, row, column, value }) = checked {
            return Err(Error::NonFinite { what, row: first.saturating_add(row), column, value });
        }
        match self.weights.iter().position(|&weight| !(weight.is_finite() && weight >= T::ZERO)) {
            Some(row) => Err(Error::Weight { sample: first.saturating_add(row), value: self.weights[row].to_f64() }),
            None => Ok(()),
        }
    }
}

/// Fills `numbers` from the front of `bytes`, and returns the rest of these.
fn take<'b, N, const BYTES: usize>(bytes: &'b [u8], numbers: &mut [N], number: impl Fn([u8; BYTES]) -> N) -> &'b [u8] {
    let (these, rest) = bytes.split_at(numbers.len() * BYTES);
    for (place, &bytes) in numbers.iter_mut().zip(these.as_chunks().0) {
        *place = number(bytes);
    }
    rest
}

fn from_f32<T: Element>(bytes: [u8; 4]) -> T {
    T::from_f64(f64::from(f32::from_le_bytes(bytes)))
}

fn from_f64<T: Element>(bytes: [u8; 8]) -> T {
    T::from_f64(f64::from_le_bytes(bytes))
}

fn resize<N: Copy>(numbers: &mut Vec<N>, count: usize, fill: N) -> Result<(), Error> {
    reserve(numbers, count)?;
    numbers.resize(count, fill);
    Ok(())
}
