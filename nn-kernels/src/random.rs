//! Random streams: one generator, one seed, and a stream of its own for every purpose.
//!
//! The generator is ChaCha with 8 rounds (D. J. Bernstein, "ChaCha, a variant of Salsa20", 2008), counter-based
//! and the same on every platform. Its 256-bit key is the seed, little-endian, followed by zeros; its 64-bit
//! stream number is the [`Purpose`] in the high half and an index within the purpose in the low half. Streams
//! are therefore independent of each other, of the order in which they are drawn, and of the number of threads.

use rand::SeedableRng;

pub use chacha20::ChaCha8Rng;

/// What a stream of random numbers is for. The numbers are part of the format: golden values pin them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial parameters; the index is the layer, from 0.
    Initialisation = 1,
    /// The order of the samples; the index is the epoch, from 0.
    Shuffle = 2,
    /// Which samples go into which part of a split.
    Split = 3,
    /// Which units are dropped; the index is the layer, from 0.
    Dropout = 4,
}

/// The stream for `purpose` and `index` under `seed`.
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, index: u32) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream((u64::from(purpose as u32) << 32) | u64::from(index));
    generator
}
