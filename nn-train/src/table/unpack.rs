//! What pages of Parquet files and buffers of Arrow files are packed by. None unpacks to more than it is said to.

use std::borrow::Cow;
use std::io::Read;

use ruzstd::decoding::StreamingDecoder;

use super::TableFault;
use super::typed::{Budget, Damage};

/// The window that every reader of Zstandard has room for, whatever it unpacks.
const LEAST_WINDOW: u64 = 8 << 20;

/// A method of packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    #[cfg(feature = "parquet")]
    Snappy,
    #[cfg(feature = "parquet")]
    Gzip,
    Zstd,
    /// A block without a frame.
    #[cfg(feature = "parquet")]
    Lz4Block,
    #[cfg(feature = "arrow")]
    Lz4Frame,
}

impl Codec {
    /// The most bytes that a packed byte can be, where room for all is made before anything is unpacked.
    fn most(self) -> Option<u64> {
        match self {
            // A copy of 64 bytes takes 3, and a byte of a length stands for 255.
            #[cfg(feature = "parquet")]
            Self::Snappy => Some(22),
            #[cfg(feature = "parquet")]
            Self::Lz4Block => Some(255),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "nothing",
            #[cfg(feature = "parquet")]
            Self::Snappy => "Snappy",
            #[cfg(feature = "parquet")]
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
            #[cfg(feature = "parquet")]
            Self::Lz4Block => "LZ4",
            #[cfg(feature = "arrow")]
            Self::Lz4Frame => "LZ4",
        }
    }
}

/// Bytes as they are in a file.
pub(super) struct Packed<'b> {
    pub(super) codec: Codec,
    pub(super) bytes: &'b [u8],
    /// How many they are said to be unpacked.
    pub(super) unpacked: u64,
}

impl<'b> Packed<'b> {
    /// The bytes as they were, if the budget allows it.
    pub(super) fn unpack(self, budget: &mut Budget) -> Result<Cow<'b, [u8]>, TableFault> {
        let Self { codec, bytes, unpacked } = self;
        if codec == Codec::None {
            return Ok(Cow::Borrowed(bytes));
        }
        budget.unpack(unpacked)?;
        let wrong = |found: String| {
            let expected = format!("{unpacked} bytes packed by {}", codec.name());
            TableFault::from(Damage::new("what is packed", found, expected))
        };
        let length = usize::try_from(unpacked).map_err(|_| wrong("too much for this machine".to_owned()))?;
        if length == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        // Where room is made for what is said, what is said must be possible.
        if codec.most().is_some_and(|most| unpacked / most > bytes.len() as u64) {
            return Err(wrong(format!("no more than {} bytes", bytes.len())));
        }
        let mut output = Vec::new();
        output.try_reserve_exact(length).map_err(|_| wrong("no memory for it".to_owned()))?;
        let found = match codec {
            Codec::None => Ok(0),
            #[cfg(feature = "parquet")]
            Codec::Snappy => {
                output.resize(length, 0);
                snap::raw::Decoder::new().decompress(bytes, &mut output).map_err(|error| error.to_string())
            }
            #[cfg(feature = "parquet")]
            Codec::Lz4Block => {
                output.resize(length, 0);
                lz4_flex::block::decompress_into(bytes, &mut output).map_err(|error| error.to_string())
            }
            #[cfg(feature = "parquet")]
            Codec::Gzip => all(flate2::read::MultiGzDecoder::new(bytes), &mut output, unpacked),
            #[cfg(feature = "arrow")]
            Codec::Lz4Frame => all(lz4_flex::frame::FrameDecoder::new(bytes), &mut output, unpacked),
            // A window may be larger than what it packs, where the writer did not know how much that would be.
            Codec::Zstd => StreamingDecoder::new_with_max_window_size(bytes, unpacked.max(LEAST_WINDOW))
                .map_err(|error| error.to_string())
                .and_then(|reader| all(reader, &mut output, unpacked)),
        };
        match found {
            Ok(found) if found == length => Ok(Cow::Owned(output)),
            Ok(found) => Err(wrong(format!("{found} bytes"))),
            Err(reason) => Err(wrong(format!("a fault ({reason})"))),
        }
    }
}

/// Everything that `reader` gives, and one byte more than it should at most.
fn all(reader: impl Read, output: &mut Vec<u8>, expected: u64) -> Result<usize, String> {
    reader.take(expected.saturating_add(1)).read_to_end(output).map_err(|error| error.to_string())
}
