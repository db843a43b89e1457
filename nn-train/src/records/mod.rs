//! Files of fixed-size records: training data larger than memory.
//!
//! [`convert`] writes any [`Source`](crate::Source) to one, a data set or a [`Stream`](crate::Stream) made of an iterator among
//! them; [`Writer`] has settings. [`Records`] is a source that reads it.
//!
//! ```
//! use nn_train::prelude::*;
//! use nn_train::records;
//!
//! # let file = std::env::temp_dir().join(format!("nn-train-doc-file-{}.nnr", std::process::id()));
//! // y = x², a row at a time: nothing of it need fit into memory.
//! let rows = 100_000;
//! let squares = Stream::new(rows, 1, 1, || (0..rows).map(|i| i as f32 / 1e5).map(|x| ([x], [x * x])));
//! records::convert(&squares, &file, |progress| {
//!     if progress.records == progress.of {
//!         println!("{} records written", progress.of);
//!     }
//! })?;
//!
//! let data = Records::<f32>::open_within(&file, 3 << 19)?; // of 800 kB within 1.5 MiB
//! let mut net: DynNetwork<f32> = DynNetwork::new("1 => 8 tanh => 1 linear".parse()?, Init::default(), 1)?;
//! let history = Trainer::builder().batch_size(500).epochs(2).build()?.fit(&mut net, &data, None)?;
//! assert!(history.best().is_some_and(|epoch| epoch.cost < 0.1));
//! # drop(data);
//! # std::fs::remove_file(file).map_err(Error::source)?;
//! # Ok::<(), Error>(())
//! ```
//!
//! # Order
//!
//! An epoch draws the order of the file's blocks from the trainer's seed, and the order of the records within a window: as many
//! blocks, side by side in that order, as fit twice into the memory allowed. So a file is read a block at a time, and neighbours
//! in a step come from all over it. A file that is sorted, by class say, mixes the better the more blocks a window has
//! ([`Records::window`]); where it has few, write smaller blocks ([`Writer::block_records`]) or allow more memory. A file that
//! fits into the memory allowed is one window, whose records are shuffled all together.
//!
//! The blocks of several files ([`Records::open_files`]) are shuffled with each other as those of one. Of processes that
//! train together each reads its own part of the blocks, whose windows are smaller: those of all parts together have as many
//! blocks as one.
//!
//! # The format
//!
//! Version 1. Numbers are in little-endian order.
//!
//! ```text
//! offset  bytes
//!      0      8  89 4E 4E 52 0D 0A 1A 0A: no text, and spoilt by whoever takes it for one
//!      8      4  version of the format, u32
//!     12      4  B, records of a block, u32
//!     16      8  m, records, u64
//!     24      8  S_1, numbers of an input, u64
//!     32      8  S_L, numbers of a target, u64
//!     40      1  inputs: 1 f32, 2 f64, 3 bytes times the scale
//!     41      1  targets: 1 f32, 2 f64, 3 the label as one u32
//!     42      1  weight: 0 none, 1 f32, 2 f64
//!     43      1  0
//!     44      8  scale of the inputs, f64; 1 unless they are bytes
//!     52      8  0
//!     60      4  CRC-32 (as in zlib) of the bytes before it
//!     64      …  m records, one behind the other: input, target, weight
//!      …      …  CRC-32 of each block of B records, u32 each
//! ```
//!
//! Nothing stands between records. So other programs read them at once; of 28 inputs and a target in `f32`, NumPy does by
//!
//! ```python
//! np.memmap(path, dtype=[("input", "<f4", 28), ("target", "<f4", 1)], mode="r", offset=64, shape=m)
//! ```
//!
//! Signature and version will stand where they are in every version to come, and every version that there has been will be read.
//!
//! # Limits
//!
//! - A block has at most 64 MiB, and labels tell at most 1,048,576 classes apart.
//! - The length of the file is compared with what its header says before anything is allocated for it. Memory for blocks and
//!   orders is bounded by what [`Records::open_within`] allows, whatever the file says.
//! - A block's checksum is compared whenever the block is read, and its numbers are looked at as every source's are: none that is
//!   infinite or NaN, no label that is no class, no target that the loss does not take. The checksum protects from accidents,
//!   not from somebody who writes files.
//! - The file is read into buffers; it is not mapped into memory. Mapped pages count as the program's memory and need as many
//!   addresses as the file has bytes, which a limit may forbid; and where somebody shortens a mapped file or writes to it, the
//!   program ends by a signal or does anything at all. Here that is an [`Error`](crate::Error): a block that is not there any
//!   more, or has another checksum. Reading and decoding runs at some gigabytes a second from the page cache, many times what a
//!   network takes.
//! - A file is written whole or not at all, under another name until it is on the disk, as checkpoints are. Its source must
//!   know how many rows it has.

mod block;
mod cache;
mod fault;
mod files;
mod layout;
mod reader;
mod writer;

pub use fault::RecordsFault;
pub use layout::{InputFormat, TargetFormat};
pub use reader::Records;
pub use writer::{Progress, Writer, convert};
