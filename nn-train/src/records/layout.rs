//! What a file's header says: which numbers its records are made of, and where they lie.

use nn_kernels::Element;

use super::fault::RecordsFault as Fault;

pub(super) const SIGNATURE: [u8; 8] = *b"\x89NNR\r\n\x1a\n";
pub(super) const VERSION: u32 = 1;
/// Bytes before the records.
pub(super) const HEADER: u64 = 64;
/// Bytes of a block's checksum.
pub(super) const CHECKSUM: u64 = 4;
/// The most bytes of a block, since a reader has memory for whole ones.
pub(super) const MAX_BLOCK: u64 = 1 << 26;

/// The most classes of labels, since a reader has memory for the target that one stands for.
const MAX_CLASSES: u64 = 1 << 20;

/// How the numbers of an input are written.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum InputFormat {
    /// 4 bytes each.
    F32,
    /// 8 bytes each.
    F64,
    /// One byte each, times a scale: of pixels from 0 to 1 in 256 shades a scale of 1/255. A number is
    /// rounded to the nearest such multiple; one that is further than a thousandth of the scale from it is an error.
    Bytes {
        /// What 1 stands for, finite and above 0.
        scale: f64,
    },
}

/// How a target is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetFormat {
    /// Its numbers, 4 bytes each.
    F32,
    /// Its numbers, 8 bytes each.
    F64,
    /// The class that it stands for, 4 bytes in all. A target that stands for none is an error.
    Label,
}

/// How the weight of a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WeightFormat {
    None,
    F32,
    F64,
}

impl InputFormat {
    /// The numbers of `T` themselves.
    pub(super) fn of<T: Element>() -> Self {
        if size_of::<T>() == size_of::<f32>() { Self::F32 } else { Self::F64 }
    }

    fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Bytes { .. } => 1,
        }
    }
}

impl TargetFormat {
    /// The numbers of `T` themselves.
    pub(super) fn of<T: Element>() -> Self {
        if size_of::<T>() == size_of::<f32>() { Self::F32 } else { Self::F64 }
    }
}

impl WeightFormat {
    /// The numbers of `T` themselves.
    pub(super) fn of<T: Element>() -> Self {
        if size_of::<T>() == size_of::<f32>() { Self::F32 } else { Self::F64 }
    }
}

/// Everything that the header says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    /// m, records in all.
    pub(super) count: u64,
    /// Records of a block; the last block may have fewer.
    pub(super) block: u32,
    pub(super) input_width: u64,
    pub(super) target_width: u64,
    pub(super) input: InputFormat,
    pub(super) target: TargetFormat,
    pub(super) weight: WeightFormat,
}

impl Layout {
    pub(super) fn to_bytes(self) -> [u8; HEADER as usize] {
        let mut bytes = [0; HEADER as usize];
        let (input, scale) = match self.input {
            InputFormat::F32 => (1, 1.0),
            InputFormat::F64 => (2, 1.0),
            InputFormat::Bytes { scale } => (3, scale),
        };
        let target = match self.target {
            TargetFormat::F32 => 1,
            TargetFormat::F64 => 2,
            TargetFormat::Label => 3,
        };
        let weight = match self.weight {
            WeightFormat::None => 0,
            WeightFormat::F32 => 1,
            WeightFormat::F64 => 2,
        };
        bytes[..8].copy_from_slice(&SIGNATURE);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.block.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.count.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.input_width.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.target_width.to_le_bytes());
        bytes[40..43].copy_from_slice(&[input, target, weight]);
        bytes[44..52].copy_from_slice(&scale.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The inverse, of the first bytes of a file that is `length` bytes long. `bytes` are as many of the header's as it has.
    pub(super) fn read(bytes: &[u8], length: u64) -> Result<Self, Fault> {
        let seen = bytes.len().min(SIGNATURE.len());
        if seen == 0 || bytes[..seen] != SIGNATURE[..seen] {
            return Err(Fault::NotRecords);
        }
        let Some(bytes) = bytes.first_chunk::<{ HEADER as usize }>() else {
            return Err(Fault::Length { expected: HEADER, found: length });
        };
        // The version stands before the checksum: where another one has its checksum is its own affair.
        let version = u32_at(bytes, 8);
        if !(1..=VERSION).contains(&version) {
            return Err(Fault::Version { found: version, newest: VERSION });
        }
        let (expected, found) = (u32_at(bytes, 60), crc32fast::hash(&bytes[..60]));
        if expected != found {
            return Err(Fault::Checksum { what: "the header".to_owned(), expected, found });
        }
        let scale = f64::from_bits(u64_at(bytes, 44));
        let layout = Self {
            count: u64_at(bytes, 16),
            block: u32_at(bytes, 12),
            input_width: u64_at(bytes, 24),
            target_width: u64_at(bytes, 32),
            input: match bytes[40] {
                1 => InputFormat::F32,
                2 => InputFormat::F64,
                3 => InputFormat::Bytes { scale },
                found => return Err(header("the format of the inputs", found, "1, 2 or 3")),
            },
            target: match bytes[41] {
                1 => TargetFormat::F32,
                2 => TargetFormat::F64,
                3 => TargetFormat::Label,
                found => return Err(header("the format of the targets", found, "1, 2 or 3")),
            },
            weight: match bytes[42] {
                0 => WeightFormat::None,
                1 => WeightFormat::F32,
                2 => WeightFormat::F64,
                found => return Err(header("the format of the weights", found, "0, 1 or 2")),
            },
        };
        let expected = layout.check()?;
        if expected == length { Ok(layout) } else { Err(Fault::Length { expected, found: length }) }
    }

    /// The length of the whole file, once all numbers are what they may be.
    pub(super) fn check(&self) -> Result<u64, Fault> {
        if self.count == 0 {
            return Err(Fault::Empty);
        }
        for (what, number) in [
            ("the records of a block", u64::from(self.block)),
            ("the width of the inputs", self.input_width),
            ("the width of the targets", self.target_width),
        ] {
            if number == 0 {
                return Err(header(what, number, "at least 1"));
            }
        }
        if let InputFormat::Bytes { scale } = self.input
            && !(scale.is_finite() && scale > 0.0)
        {
            return Err(header("the scale of the inputs", scale, "a finite number above 0"));
        }
        if self.target == TargetFormat::Label && self.target_width > MAX_CLASSES {
            return Err(header(
                "the width of the targets",
                self.target_width,
                "at most 1,048,576 where they are labels",
            ));
        }
        let too_long = |what| move || header(what, "more than can be counted in 64 bits", "less");
        let record = self.record_bytes().ok_or_else(too_long("the bytes of a record"))?;
        let block = record.checked_mul(self.block_records(0)).filter(|&bytes| bytes <= MAX_BLOCK);
        if block.is_none() {
            let block = record.saturating_mul(self.block_records(0));
            return Err(header("the bytes of a block", block, "at most 67,108,864 (64 MiB)"));
        }
        let records = record.checked_mul(self.count);
        let length = records.and_then(|bytes| bytes.checked_add(HEADER + CHECKSUM * self.blocks()));
        length.ok_or_else(too_long("the bytes of the file"))
    }

    /// The bytes of a record, if they can be counted.
    fn record_bytes(&self) -> Option<u64> {
        let weight = match self.weight {
            WeightFormat::None => 0,
            WeightFormat::F32 => 4,
            WeightFormat::F64 => 8,
        };
        let target = match self.target {
            TargetFormat::F32 => self.target_width.checked_mul(4)?,
            TargetFormat::F64 => self.target_width.checked_mul(8)?,
            TargetFormat::Label => 4,
        };
        self.input_width.checked_mul(self.input.bytes())?.checked_add(target)?.checked_add(weight)
    }

    /// The bytes of a record of a layout that has been checked.
    pub(super) fn record(&self) -> u64 {
        self.record_bytes().unwrap_or(u64::MAX)
    }

    pub(super) fn blocks(&self) -> u64 {
        self.count.div_ceil(u64::from(self.block))
    }

    /// The records of block number `block`.
    pub(super) fn block_records(&self, block: u64) -> u64 {
        u64::from(self.block).min(self.count - block * u64::from(self.block))
    }

    /// Where a block begins.
    pub(super) fn block_place(&self, block: u64) -> u64 {
        HEADER + block * u64::from(self.block) * self.record()
    }

    /// Where the checksum of a block stands.
    pub(super) fn checksum_place(&self, block: u64) -> u64 {
        HEADER + self.count * self.record() + CHECKSUM * block
    }
}

fn header(what: &'static str, found: impl ToString, expected: &'static str) -> Fault {
    Fault::Header { what, found: found.to_string(), expected }
}

fn u32_at(bytes: &[u8], place: usize) -> u32 {
    bytes[place..].first_chunk().map_or(0, |&bytes| u32::from_le_bytes(bytes))
}

fn u64_at(bytes: &[u8], place: usize) -> u64 {
    bytes[place..].first_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes))
}
