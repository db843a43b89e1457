//! How much memory a checkpoint asks for, whatever it says. One test, so that no other allocates beside it.
#![cfg(feature = "checkpoints")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use nn_train::CallbackState;
use nn_train::prelude::*;

network! { struct Line<1 => 1 linear>: f64; }

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is the system allocator's, whose contract is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most bytes in use while a file is read, for each of its own.
fn share(file: &[u8]) -> f64 {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let _ = RunState::<f64>::from_bytes(file);
    (MOST.load(Ordering::Relaxed) - before) as f64 / file.len() as f64
}

#[test]
fn a_checkpoint_asks_for_a_small_multiple_of_its_own_bytes() {
    let data = Dataset::new(vec![[0.0], [1.0]], vec![[1.0], [2.0]]).unwrap();
    let mut net = Line::new(1);
    let state = Trainer::builder().threads(1).build().unwrap().run(&mut net, &data).unwrap().state().unwrap();

    let mut usual = state.clone();
    usual.callbacks = vec![CallbackState::new("usual", vec![1.0], vec![vec![0.5; 100_000]; 2])];
    let usual = share(&usual.to_bytes());
    assert!(usual > 0.9 && usual < 1.2, "{usual}");

    // What is short in a file and long in memory: empty lists, just too many for a vector that grows by doubling.
    for count in [1, 100, (1 << 16) + 1, 14_563 * 8 + 1] {
        let (mut callbacks, mut lists, mut slots) = (state.clone(), state.clone(), state.clone());
        callbacks.callbacks = vec![CallbackState::new("", Vec::new(), Vec::new()); count];
        lists.callbacks = vec![CallbackState::new("", Vec::new(), vec![Vec::new(); count])];
        slots.session.optimizer.slots = vec![Vec::new(); count];
        for (name, state) in [("callbacks", callbacks), ("lists", lists), ("slots", slots)] {
            let share = share(&state.to_bytes());
            assert!(share < 100.0, "{count} {name}: {share}");
        }
    }

    // Any length in place of each byte.
    let bytes = state.to_bytes();
    for at in 20..bytes.len() - 4 {
        for length in [127, 1 << 14, 1 << 20, 1 << 30, 1 << 60, u64::MAX] {
            let mut file = [&bytes[..at], &postcard::to_stdvec::<u64>(&length).unwrap(), &bytes[at + 1..]].concat();
            let (whole, end) = (file.len() as u64, file.len() - 4);
            file[12..20].copy_from_slice(&whole.to_le_bytes());
            let checksum = crc32fast::hash(&file[..end]).to_le_bytes();
            file[end..].copy_from_slice(&checksum);
            let share = share(&file);
            assert!(share < 100.0, "{length} at {at}: {share}");
        }
    }
}
