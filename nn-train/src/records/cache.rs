//! The blocks of a file that are in memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nn_kernels::{Element, StepError};

use super::block::Block;
use super::fault::RecordsFault as Fault;
use super::layout::Layout;
use crate::data::Rows;
use crate::error::Error;

/// Marks a block that is not in memory.
const ABSENT: u32 = u32::MAX;

/// A file and those of its blocks that are in memory, for several threads.
///
/// The file is read into buffers and not mapped: what becomes of a mapping when somebody shortens or writes the file is the
/// end of the program or worse, and mapped pages count as the program's memory.
pub(super) struct Cache<T> {
    pub(super) layout: Layout,
    /// The file's path.
    pub(super) place: String,
    /// Who has this reads: a block is read by one thread, and blocks one after the other.
    file: Mutex<Input>,
    /// Locked for moments only.
    memory: Mutex<Memory<T>>,
}

struct Input {
    file: File,
    /// The bytes of a block.
    bytes: Vec<u8>,
}

pub(super) struct Memory<T> {
    /// The slot of each block.
    slot_of: Vec<u32>,
    slots: Vec<Slot<T>>,
    /// Counts how often blocks were asked for.
    clock: u64,
}

struct Slot<T> {
    block: Option<u64>,
    /// When it was last asked for.
    asked: u64,
    records: Block<T>,
}

impl<T: Element> Cache<T> {
    /// A cache for `slots` blocks of a file.
    pub(super) fn new(layout: Layout, place: String, file: File, slots: u64) -> Result<Self, Error> {
        let blocks = filled(layout.blocks(), || ABSENT)?;
        let slots = filled(slots, || Slot { block: None, asked: 0, records: Block::default() })?;
        let bytes = filled(layout.record() * layout.block_records(0), || 0)?;
        let memory = Memory { slot_of: blocks, slots, clock: 0 };
        Ok(Self { layout, place, file: Mutex::new(Input { file, bytes }), memory: Mutex::new(memory) })
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        // Nobody panics while a block is neither here nor there.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a block that was asked for at the time `asked`, unless it is in memory. It takes the place of that which has not
    /// been asked for the longest, but of one as new as itself only if it `must` be read.
    pub(super) fn load(&self, block: u64, asked: u64, must: bool) -> Result<(), Error> {
        let mut input = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((slot, mut records)) = self.memory().take(block, asked, must) else { return Ok(()) };
        let read = input.read(&self.layout, block, &self.place, &mut records);
        self.memory().give(slot, records, read.is_ok().then_some(block));
        read
    }

    /// Bytes of memory that `slots` blocks take, beside what each file takes.
    pub(super) fn bytes(layout: &Layout, slots: u64) -> u64 {
        let records = Block::<T>::memory(layout, layout.block_records(0));
        // Twice, for its place in the queue of what is read ahead.
        let slot = records.saturating_add(2 * size_of::<Slot<T>>() as u64);
        slots.saturating_mul(slot)
    }

    /// Bytes of memory that a file takes, beside its blocks.
    pub(super) fn fixed_bytes(layout: &Layout) -> u64 {
        let blocks = layout.blocks().saturating_mul(size_of::<u32>() as u64);
        blocks.saturating_add(layout.record() * layout.block_records(0))
    }
}

impl<T: Element> Memory<T> {
    /// The time at which blocks are asked for.
    pub(super) fn now(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Whether a block is in memory. Then it was last asked for at the time `asked`.
    pub(super) fn ask(&mut self, block: u64, asked: u64) -> bool {
        match self.slots.get_mut(self.slot_of[block as usize] as usize) {
            Some(slot) => {
                slot.asked = slot.asked.max(asked);
                true
            }
            None => false,
        }
    }

    /// Pushes the records number `indices`, or none of them where a block of one is not in memory; whether it did.
    pub(super) fn push(&self, layout: &Layout, indices: &[u64], rows: &mut Rows<T>) -> Result<bool, Error> {
        let widths = [layout.input_width, layout.target_width].map(|width| width as usize);
        let records = u64::from(layout.block);
        let known = |index: u64| {
            let slot = self.slots.get(self.slot_of[(index / records) as usize] as usize)?;
            Some(slot.records.record((index % records) as usize, widths))
        };
        rows.push_known(widths, indices, &known)
    }

    /// Takes the room for a block that is to be read, if it is to be.
    fn take(&mut self, block: u64, asked: u64, must: bool) -> Option<(usize, Block<T>)> {
        if self.ask(block, asked) {
            return None;
        }
        let oldest = self.slots.iter_mut().enumerate().min_by_key(|(_, slot)| slot.asked);
        let (place, slot) = oldest.filter(|(_, slot)| must || slot.block.is_none() || slot.asked < asked)?;
        slot.asked = asked;
        if let Some(block) = slot.block.take() {
            self.slot_of[block as usize] = ABSENT;
        }
        Some((place, std::mem::take(&mut slot.records)))
    }

    /// Gives the room back, with the records of `block` in it, or of none.
    fn give(&mut self, place: usize, records: Block<T>, block: Option<u64>) {
        let slot = &mut self.slots[place];
        (slot.block, slot.records) = (block, records);
        match block {
            Some(block) => self.slot_of[block as usize] = place as u32,
            None => slot.asked = 0,
        }
    }
}

impl Input {
    /// Reads a block and compares its checksum.
    fn read<T: Element>(
        &mut self,
        layout: &Layout,
        block: u64,
        place: &str,
        records: &mut Block<T>,
    ) -> Result<(), Error> {
        let Self { file, bytes } = self;
        let bytes = &mut bytes[..(layout.block_records(block) * layout.record()) as usize];
        let mut checksum = [0; 4];
        let mut read_at = |at, bytes: &mut [u8]| {
            file.seek(SeekFrom::Start(at))
                .and_then(|_| file.read_exact(bytes))
                .map_err(|error| Error::io("read", place, &error))
        };
        read_at(layout.block_place(block), bytes)?;
        read_at(layout.checksum_place(block), &mut checksum)?;
        let (expected, found) = (u32::from_le_bytes(checksum), crc32fast::hash(bytes));
        if expected != found {
            let fault = Fault::Checksum { what: format!("block {block}"), expected, found };
            return Err(Error::Records { place: place.to_owned(), fault });
        }
        records.decode(layout, bytes, block * u64::from(layout.block))
    }
}

/// A list of so many.
fn filled<V>(count: u64, value: impl FnMut() -> V) -> Result<Vec<V>, Error> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut list = Vec::new();
    let bytes = count.saturating_mul(size_of::<V>());
    list.try_reserve_exact(count).map_err(|_| StepError::Memory { bytes })?;
    list.resize_with(count, value);
    Ok(list)
}
