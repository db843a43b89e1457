//! The blocks of files that are in memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nn_kernels::Element;

use super::block::Block;
use super::fault::RecordsFault as Fault;
use super::files::{Files, Place};
use super::layout::Layout;
use crate::error::Error;
use crate::memory::reserve;

/// Marks a block that is not in memory.
const ABSENT: u32 = u32::MAX;

/// Files and those of their blocks that are in memory, for several threads.
///
/// They are read into buffers and not mapped: what becomes of a mapping when somebody shortens or writes the file is the
/// end of the program or worse, and mapped pages count as the program's memory.
pub(super) struct Cache<T> {
    pub(super) files: Files,
    /// The most blocks that are in memory.
    slots: usize,
    /// Who has this reads: a block is read by one thread, and blocks one after the other.
    input: Mutex<Input>,
    /// Locked for moments only, and never while the pool works: a thread that waits there may take up other work, which may
    /// ask for the same lock.
    memory: Mutex<Memory<T>>,
}

struct Input {
    /// Files that are open, and their numbers, the one that was read last at the end.
    open: Vec<(usize, File)>,
    /// The bytes of a block.
    bytes: Vec<u8>,
}

/// The most files that are open at a time: systems allow a program some hundreds.
pub(super) const MOST_OPEN: usize = 64;

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
    /// Where it is in the [`Found::blocks`] of those who asked last.
    found: u32,
    /// Also the room for a next one. Who copies records shares it, and then it makes room for another only if it must.
    records: Option<Arc<Block<T>>>,
}

/// Records that are in memory, and stay there as long as this does.
pub(super) struct Found<T> {
    pub(super) blocks: Vec<Arc<Block<T>>>,
    /// Of each record, its block among these, and its row there.
    pub(super) places: Vec<(u32, u32)>,
}

/// Bytes that a block in memory takes beside its records. It is the same on every machine, since the order of an epoch
/// depends on how many blocks there is memory for.
const BESIDE: u64 = 240;
/// A block's slot, the block as it is shared, and its place in the queue of what is read ahead.
const _: () =
    assert!(size_of::<Slot<f64>>() + size_of::<[usize; 2]>() + size_of::<Block<f64>>() + 32 <= BESIDE as usize);

impl<T: Element> Cache<T> {
    /// A cache for `slots` blocks of files, of which some are open.
    pub(super) fn new(files: Files, open: Vec<(usize, File)>, slots: u64) -> Result<Self, Error> {
        let blocks = filled(files.blocks, || ABSENT)?;
        let slots = filled(slots, || Slot { block: None, asked: 0, found: 0, records: None })?;
        let bytes = filled(files.layout.record() * files.layout.block_records(0), || 0)?;
        let memory = Memory { slot_of: blocks, slots, clock: 0 };
        let slots = memory.slots.len();
        Ok(Self { files, slots, input: Mutex::new(Input { open, bytes }), memory: Mutex::new(memory) })
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory<T>> {
        // Nobody panics while a block is neither here nor there.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a block that was asked for at the time `asked`, unless it is in memory. It takes the place of that which has not
    /// been asked for the longest, but of one as new as itself only if it `must` be read.
    pub(super) fn load(&self, block: u64, asked: u64, must: bool) -> Result<(), Error> {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((slot, mut records)) = self.memory().take(block, asked, must) else { return Ok(()) };
        let read = input.read(&self.files, block, &mut records);
        self.memory().give(slot, records, read.is_ok().then_some(block));
        read
    }

    /// Reads all files, block by block in their order, and `each` adds a block to what `room` has made room for. Meanwhile no other
    /// block is read, and none stays in memory: what is made of them may take all that is allowed.
    pub(super) fn read_all<R>(
        &self,
        room: impl FnOnce() -> Result<R, Error>,
        mut each: impl FnMut(&mut R, &Block<T>),
    ) -> Result<R, Error> {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        self.memory().clear();
        let (mut all, mut records) = (room()?, Block::default());
        for block in 0..self.files.blocks {
            input.read(&self.files, block, &mut records)?;
            each(&mut all, &records);
        }
        Ok(all)
    }

    /// The records number `indices`, up to the first whose block is not in memory.
    pub(super) fn find(&self, indices: &[u64]) -> Result<Found<T>, Error> {
        let count = indices.len();
        let mut found = Found { blocks: Vec::new(), places: Vec::new() };
        reserve(&mut found.places, count)?;
        reserve(&mut found.blocks, count.min(self.slots))?;
        self.memory().find(&self.files, indices, &mut found);
        Ok(found)
    }

    /// Bytes of memory that `slots` blocks take, beside what each file takes.
    pub(super) fn bytes(layout: &Layout, slots: u64) -> u64 {
        let records = Block::<T>::memory(layout, layout.block_records(0));
        slots.saturating_mul(records.saturating_add(BESIDE))
    }

    /// Bytes of memory that files take, beside their blocks.
    pub(super) fn fixed_bytes(files: &Files) -> u64 {
        let blocks = files.blocks.saturating_mul(size_of::<u32>() as u64);
        blocks.saturating_add(files.layout.record() * files.layout.block_records(0))
    }
}

impl<T: Element> Memory<T> {
    /// The time at which blocks are asked for.
    pub(super) fn now(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Forgets all blocks but those that somebody copies records of.
    fn clear(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| !slot.is_shared()) {
            if let Some(block) = slot.block.take() {
                self.slot_of[block as usize] = ABSENT;
            }
            (slot.asked, slot.records) = (0, None);
        }
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

    /// Finds the records number `indices`, up to the first whose block is not in memory.
    fn find(&mut self, files: &Files, indices: &[u64], found: &mut Found<T>) {
        let now = self.now();
        for &index in indices {
            let Place { block, row } = files.place_of(index);
            let Some(slot) = self.slots.get_mut(self.slot_of[block as usize] as usize) else { return };
            let Some(records) = &slot.records else { return };
            // No other time is this one: the block has not been met yet.
            if slot.asked != now {
                (slot.asked, slot.found) = (now, found.blocks.len() as u32);
                found.blocks.push(Arc::clone(records));
            }
            found.places.push((slot.found, row));
        }
    }

    /// Takes the room for a block that is to be read, if it is to be.
    fn take(&mut self, block: u64, asked: u64, must: bool) -> Option<(usize, Block<T>)> {
        if self.ask(block, asked) {
            return None;
        }
        let oldest = self.slots.iter_mut().enumerate().min_by_key(|(_, slot)| (slot.is_shared(), slot.asked));
        let (place, slot) =
            oldest.filter(|(_, slot)| must || !slot.is_shared() && (slot.block.is_none() || slot.asked < asked))?;
        slot.asked = asked;
        if let Some(block) = slot.block.take() {
            self.slot_of[block as usize] = ABSENT;
        }
        // To wait for those who share it could be to wait for oneself: they keep it, and this one takes other memory.
        Some((place, slot.records.take().and_then(Arc::into_inner).unwrap_or_default()))
    }

    /// Gives the room back, with the records of `block` in it, or of none.
    fn give(&mut self, place: usize, records: Block<T>, block: Option<u64>) {
        let slot = &mut self.slots[place];
        (slot.block, slot.records) = (block, Some(Arc::new(records)));
        match block {
            Some(block) => self.slot_of[block as usize] = place as u32,
            None => slot.asked = 0,
        }
    }
}

impl<T> Slot<T> {
    /// Whether somebody copies records of it.
    fn is_shared(&self) -> bool {
        self.records.as_ref().is_some_and(|records| Arc::strong_count(records) > 1)
    }
}

impl Input {
    /// Reads a block and compares its checksum.
    fn read<T: Element>(&mut self, files: &Files, block: u64, records: &mut Block<T>) -> Result<(), Error> {
        let (number, file, block) = files.file_of(block);
        let place = &*file.place;
        match self.open.iter().position(|&(open, _)| open == number) {
            Some(last) if last + 1 == self.open.len() => {}
            Some(open) => self.open[open..].rotate_left(1),
            None => {
                let opened = file.open_again()?;
                if self.open.len() >= MOST_OPEN {
                    self.open.remove(0);
                }
                self.open.push((number, opened));
            }
        }
        let Self { open, bytes } = self;
        let Some((_, opened)) = open.last_mut() else { return Ok(()) };
        let layout = &file.layout;
        let bytes = &mut bytes[..(layout.block_records(block) * layout.record()) as usize];
        let mut checksum = [0; 4];
        let mut read_at = |at, bytes: &mut [u8]| {
            opened
                .seek(SeekFrom::Start(at))
                .and_then(|_| opened.read_exact(bytes))
                .map_err(|error| Error::io("read", place, &error))
        };
        read_at(layout.block_place(block), bytes)?;
        read_at(layout.checksum_place(block), &mut checksum)?;
        let (expected, found) = (u32::from_le_bytes(checksum), crc32fast::hash(bytes));
        if expected != found {
            let fault = Fault::Checksum { what: format!("block {block}"), expected, found };
            return Err(Error::Records { place: place.to_owned(), fault });
        }
        records.decode(layout, bytes, file.first_row + block * u64::from(layout.block))
    }
}

/// A list of so many.
fn filled<V>(count: u64, value: impl FnMut() -> V) -> Result<Vec<V>, Error> {
    let mut list = Vec::new();
    reserve(&mut list, count)?;
    list.resize_with(count as usize, value);
    Ok(list)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Writer;
    use super::*;
    use crate::data::DynDataset;

    #[test]
    fn no_block_is_in_memory_while_the_whole_file_is_read() {
        let path = std::env::temp_dir().join(format!("nn-train-records-cache-{}", std::process::id()));
        let data = DynDataset::new((0..30).map(|x| x as f32).collect(), 3, vec![0.5; 10], 1).unwrap();
        Writer::new().block_records(4).write(&data, &path).unwrap();
        let (files, open) = Files::open(&[&path]).unwrap();
        let cache = Cache::<f32>::new(files, open, 3).unwrap();
        let held = || cache.memory().slots.iter().filter(|slot| slot.records.is_some()).count();
        for block in 0..3 {
            cache.load(block, 1, true).unwrap();
        }
        assert_eq!(held(), 3);
        let room = || {
            assert_eq!(held(), 0);
            Ok([const { Vec::new() }; 3])
        };
        let read = cache.read_all(room, |lists, block| {
            assert_eq!(held(), 0);
            block.append(1, lists.each_mut());
        });
        assert_eq!(read.unwrap(), [data.inputs().to_vec(), vec![0.5; 10], Vec::new()]);
        assert_eq!(held(), 0);
        std::fs::remove_file(path).unwrap();
    }
}
