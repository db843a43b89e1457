//! How much memory a checkpoint asks for, whatever it says. One test, so that no other allocates beside it.
#![cfg(feature = "checkpoints")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/lengths.rs"]
mod lengths;
#[path = "support/sealed.rs"]
mod sealed;

use counting::most;
use lengths::any_lengths;
use nn_train::CallbackState;
use nn_train::prelude::*;

network! { struct Line<1 => 1 linear>: f64; }

/// The most bytes in use while a file is read, for each of its own.
fn share(file: &[u8]) -> f64 {
    most(|| RunState::<f64>::from_bytes(file)) as f64 / file.len() as f64
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
    for (place, file) in any_lengths(&bytes) {
        let share = share(&file);
        assert!(share < 100.0, "{place:?}: {share}");
    }
}
