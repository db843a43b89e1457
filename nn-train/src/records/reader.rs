//! Files of records as a source.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use nn_kernels::Element;

use super::cache::Cache;
use super::fault::RecordsFault as Fault;
use super::files::Files;
use super::layout::{InputFormat, Layout, TargetFormat, WeightFormat};
use crate::data::{Access, DynDataset, Rows, Source};
use crate::error::Error;
use crate::memory::reserve;

/// Bytes of memory unless said otherwise.
const MEMORY: u64 = 64 << 20;
/// Bytes that the order of an epoch takes for a block or a row of a window.
const PLACE: u64 = 8;

/// A file of records, or [several](Self::open_files), of which only some blocks are in memory at a time: a [`Source`] for
/// data larger than memory.
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::records::{self, Records};
///
/// # let file = std::env::temp_dir().join(format!("nn-train-doc-records-{}.nnr", std::process::id()));
/// let data = DynDataset::new((0..3000).map(|x| x as f32 / 3000.0).collect(), 1, (0..3000).map(|x| (x % 2) as f32).collect(), 1)?;
/// records::convert(&data, &file, |_| ())?;
///
/// let records = Records::<f32>::open(&file)?;
/// assert_eq!((records.len(), records.input_width(), records.target_width()), (3000, 1, 1));
/// let mut net: DynNetwork<f32> = DynNetwork::new("1 => 8 tanh => 1".parse()?, Init::default(), 1)?;
/// Trainer::builder().epochs(2).build()?.fit(&mut net, &records, None)?;
/// # drop(records);
/// # std::fs::remove_file(file).map_err(Error::source)?;
/// # Ok::<(), Error>(())
/// ```
///
/// A trainer shuffles the blocks of the file, and the records within a [window](Self::window) of some of them at a time, by
/// its seed: see [`Access::Blocks`]. While it trains on one window, a thread reads the next. A run goes on from a checkpoint
/// bit for bit, from the midst of an epoch too; where only the memory or the blocks of the file differ, the order does.
///
/// Rows may be asked for in any order otherwise, at the cost of reading a block of the file where it is not in memory.
pub struct Records<T: Element> {
    cache: Arc<Cache<T>>,
    window: u64,
    memory: u64,
    /// All records, where they fit into the memory and a run has asked for them; none where reading them has failed, which the
    /// reading of a block then tells.
    whole: OnceLock<Option<DynDataset<T>>>,
    reader: Option<Reader>,
}

/// The thread that reads ahead: it ends when nothing more can be asked of it.
struct Reader {
    /// Blocks, and the times at which they were asked for.
    asked: SyncSender<(u64, u64)>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl<T: Element> Records<T> {
    /// Opens a file, to be read within 64 MiB of memory, or what two of its blocks take if that is more.
    ///
    /// # Errors
    /// [`Error::Records`] for a file that is not one of records, is damaged, has another length than it says, holds no
    /// record, or was written by a newer version; [`Error::Io`] when it cannot be read; [`Error::Threads`] when there
    /// is no thread to read ahead. Blocks are looked at when they are read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_paths(&[path], None)
    }

    /// Opens a file, to be read within so many bytes of memory: those of two windows and of the order of a window's
    /// records, 12 for each block of the file, and of one block as it is in the file. A file that fits is in memory as
    /// a whole once it has been read, and is one window. The room for a step's rows, which is the trainer's, comes on
    /// top; and where several runs read at once, that for blocks of which one copies records while another needs their room.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::Records`] with [`RecordsFault::Memory`](super::RecordsFault::Memory) where
    /// two blocks do not fit.
    pub fn open_within(path: impl AsRef<Path>, memory: u64) -> Result<Self, Error> {
        Self::open_paths(&[path], Some(memory))
    }

    /// Opens several files as one source: their records stand one behind the other in the order of the paths. Nothing else
    /// differs from [`open`](Self::open): one memory, one order of all blocks.
    ///
    /// The files have the same widths and formats, and as many records to a block; one that is a single block may have fewer. Up to
    /// 64 of them are open at a time.
    ///
    /// ```
    /// use nn_train::prelude::*;
    /// use nn_train::records;
    ///
    /// # let folder = std::env::temp_dir();
    /// # let name = |part| folder.join(format!("nn-train-doc-part-{part}-{}.nnr", std::process::id()));
    /// let files = [name(1), name(2), name(3)];
    /// for (part, file) in files.iter().enumerate() {
    ///     let data = DynDataset::new(vec![part as f32; 100], 1, vec![0.0; 100], 1)?;
    ///     records::convert(&data, file, |_| ())?;
    /// }
    ///
    /// let data = Records::<f32>::open_files(&files)?;
    /// assert_eq!(data.len(), 300);
    /// # drop(data);
    /// # files.iter().try_for_each(std::fs::remove_file).map_err(Error::source)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open); [`Error::Missing`] without a path, and [`Error::Records`] with
    /// [`RecordsFault::Unlike`](super::RecordsFault::Unlike) for a file that differs from the others.
    pub fn open_files<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        Self::open_paths(paths, None)
    }

    /// Opens several files as one source, to be read within so many bytes of memory, for all together.
    ///
    /// # Errors
    /// As [`open_files`](Self::open_files) and [`open_within`](Self::open_within).
    pub fn open_files_within<P: AsRef<Path>>(paths: &[P], memory: u64) -> Result<Self, Error> {
        Self::open_paths(paths, Some(memory))
    }

    fn open_paths<P: AsRef<Path>>(paths: &[P], memory: Option<u64>) -> Result<Self, Error> {
        let (files, open) = Files::open(paths)?;
        let memory = memory.unwrap_or_else(|| MEMORY.max(least::<T>(&files)));
        let extent = extent::<T>(&files, memory);
        let (window, slots) = extent.map_err(|fault| Error::Records { place: files.place(), fault })?;
        let cache = Arc::new(Cache::new(files, open, slots)?);
        let reader = Some(Reader::start(&cache, slots)?);
        Ok(Self { cache, window, memory, whole: OnceLock::new(), reader })
    }

    fn layout(&self) -> &Layout {
        &self.cache.files.layout
    }

    /// Bytes of memory that reading takes at most.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Blocks whose records are shuffled with each other.
    #[must_use]
    pub fn window(&self) -> u64 {
        self.window
    }

    /// Records of a block, but for the last one of each file.
    #[must_use]
    pub fn block_records(&self) -> u64 {
        u64::from(self.layout().block)
    }

    /// All records, if they are in memory.
    fn whole(&self) -> Option<&DynDataset<T>> {
        self.whole.get()?.as_ref()
    }

    /// Reads all records.
    fn read_whole(&self) -> Result<DynDataset<T>, Error> {
        let Layout { count, input_width, target_width, .. } = *self.layout();
        let weights = if self.is_weighted() { count } else { 0 };
        let numbers = [count.saturating_mul(input_width), count.saturating_mul(target_width), weights];
        let room = || {
            let mut lists = [const { Vec::new() }; 3];
            for (list, numbers) in lists.iter_mut().zip(numbers) {
                reserve(list, numbers)?;
            }
            Ok(lists)
        };
        let [input_width, target_width] = [input_width, target_width].map(|width| width as usize);
        let [inputs, targets, weights] =
            self.cache.read_all(room, |lists, block| block.append(target_width, lists.each_mut()))?;
        let data = DynDataset::new(inputs, input_width, targets, target_width)?;
        if self.is_weighted() { data.with_weights(weights) } else { Ok(data) }
    }

    /// How the inputs are written.
    #[must_use]
    pub fn input_format(&self) -> InputFormat {
        self.layout().input
    }

    /// How the targets are written.
    #[must_use]
    pub fn target_format(&self) -> TargetFormat {
        self.layout().target
    }

    /// Whether each record has a weight.
    #[must_use]
    pub fn is_weighted(&self) -> bool {
        self.layout().weight != WeightFormat::None
    }
}

/// Bytes for so many blocks in memory, and for the order of the records of a window of so many.
fn bytes<T: Element>(files: &Files, slots: u64, window: u64) -> u64 {
    let layout = &files.layout;
    let rows = layout.count.min(window.saturating_mul(u64::from(layout.block)));
    let order = rows.saturating_add(files.blocks).saturating_mul(PLACE);
    Cache::<T>::bytes(layout, slots).saturating_add(Cache::<T>::fixed_bytes(files)).saturating_add(order)
}

/// Bytes for all records as a data set, with a block and the order of them.
fn whole_bytes<T: Element>(files: &Files) -> u64 {
    let layout = &files.layout;
    let weights = u64::from(layout.weight != WeightFormat::None);
    let numbers = layout.input_width.saturating_add(layout.target_width).saturating_add(weights);
    let records = layout.count.saturating_mul(numbers).saturating_mul(size_of::<T>() as u64);
    records.saturating_add(bytes::<T>(files, 1, files.blocks))
}

/// The least memory that files can be read within.
fn least<T: Element>(files: &Files) -> u64 {
    bytes::<T>(files, files.blocks.min(2), 1)
}

/// The blocks of a window, and those in memory, within so many bytes.
fn extent<T: Element>(files: &Files, memory: u64) -> Result<(u64, u64), Fault> {
    let (layout, blocks) = (&files.layout, files.blocks);
    if bytes::<T>(files, blocks, blocks) <= memory {
        return Ok((blocks, blocks));
    }
    let expected = least::<T>(files);
    let Some(left) = memory.checked_sub(expected) else { return Err(Fault::Memory { expected, found: memory }) };
    // Each further block of a window is in memory twice, and its records in the order.
    let more = Cache::<T>::bytes(layout, 2).saturating_add(u64::from(layout.block).saturating_mul(PLACE));
    let window = 1 + left / more;
    Ok((window.min(blocks), (2 * window).min(blocks)))
}

impl Reader {
    /// Starts a thread for what is asked of it, which may be as many blocks as there are slots.
    fn start<T: Element>(cache: &Arc<Cache<T>>, slots: u64) -> Result<Self, Error> {
        let (asked, blocks) = sync_channel(usize::try_from(slots).unwrap_or(usize::MAX));
        let over = Arc::new(AtomicBool::new(false));
        let (cache, ends) = (Arc::clone(cache), Arc::clone(&over));
        let read = move || {
            for (block, asked) in blocks {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                // Whoever needs a block that could not be read reads it again, and learns why.
                let _ = cache.load(block, asked, false);
            }
        };
        let thread = thread::Builder::new().name("nn-train records".to_owned()).spawn(read);
        let thread = thread.map_err(|error| Error::Threads { threads: 1, reason: error.to_string() })?;
        Ok(Self { asked, over, thread })
    }
}

impl<T: Element> Drop for Records<T> {
    fn drop(&mut self) {
        if let Some(Reader { asked, over, thread }) = self.reader.take() {
            over.store(true, Ordering::Relaxed);
            drop(asked);
            // It does not panic, and if it did nobody could be told any more.
            let _ = thread.join();
        }
    }
}

impl<T: Element> Source for Records<T> {
    type Scalar = T;

    fn len(&self) -> u64 {
        self.layout().count
    }

    fn input_width(&self) -> usize {
        usize::try_from(self.layout().input_width).unwrap_or(usize::MAX)
    }

    fn target_width(&self) -> usize {
        usize::try_from(self.layout().target_width).unwrap_or(usize::MAX)
    }

    fn access(&self) -> Access {
        Access::Blocks { rows: self.block_records(), window: self.window }
    }

    fn files(&self) -> Vec<u64> {
        let files = &self.cache.files.files;
        if files.len() > 1 { files.iter().map(|file| file.layout.count).collect() } else { Vec::new() }
    }

    fn weighted(&self) -> bool {
        self.is_weighted()
    }

    fn resident(&self) -> Option<&DynDataset<T>> {
        if whole_bytes::<T>(&self.cache.files) > self.memory {
            return None;
        }
        self.whole.get_or_init(|| self.read_whole().ok()).as_ref()
    }

    fn prefetch(&self, blocks: &[u64]) {
        let Some(reader) = &self.reader.as_ref().filter(|_| self.whole().is_none()) else { return };
        let mut memory = self.cache.memory();
        let now = memory.now();
        // The thread waits for the memory until all are known, so that none of them makes room for another.
        let absent = blocks.iter().filter(|&&block| block < self.cache.files.blocks && !memory.ask(block, now));
        for &block in absent {
            // Where more is asked for than there is room for, the rest is read when it is needed.
            let _ = reader.asked.try_send((block, now));
        }
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<T>) -> Result<(), Error> {
        let layout = self.layout();
        let count = layout.count;
        if let Some(&index) = indices.iter().find(|&&index| index >= count) {
            let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
            return Err(Error::Index { index: number(index), len: number(count) });
        }
        let widths = [layout.input_width, layout.target_width].map(|width| width as usize);
        if let Some(data) = self.whole() {
            return rows.push_known(widths, indices, indices, &|index| data.known(index as usize));
        }
        let mut rest = indices;
        loop {
            let found = self.cache.find(rest)?;
            let (these, others) = rest.split_at(found.places.len());
            rows.push_known(widths, these, &found.places, &|(block, row)| {
                found.blocks[block as usize].record(row as usize, widths)
            })?;
            let Some(index) = others.first() else { return Ok(()) };
            // So that the room of these blocks is free for that one.
            drop(found);
            let now = self.cache.memory().now();
            self.cache.load(self.cache.files.place_of(*index).block, now, true)?;
            rest = others;
        }
    }
}

impl<T: Element> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { count, block, input_width, target_width, .. } = *self.layout();
        f.debug_struct("Records")
            .field("place", &self.cache.files.place())
            .field("count", &count)
            .field("block", &block)
            .field("input_width", &input_width)
            .field("target_width", &target_width)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
