//! The same training step in nn-train, burn and candle: forward, backward, L2 on weights, plain SGD, in f32.
//!
//! | system | settings |
//! |---|---|
//! | burn | flex backend with features `simd`, `rayon` and `x86-v4` (AVX-512 products); gradients through its autodiff |
//! | candle | CPU backend with rayon; its `gemm` crate is the one that burn uses, so that `x86-v4` holds for it as well |
//!
//! Both are built in release mode with `lto = "fat"` and one codegen unit for `target-cpu=native` (`.cargo/config.toml`), and
//! allocate through mimalloc. Their parameters are bare tensors rather than modules with an optimiser, which is less
//! work for them: weights are kept as S_l × S_{l+1}, so that no gradient has to be transposed, and the update is
//! Θ(1 - αλ/m) - αΔ. They use as many threads as `RAYON_NUM_THREADS` says.
//!
//! `cargo bench` in this folder times all three; the program `nn-peers` is what `compare.py` asks.

mod burn;
mod candle;
mod library;
mod problem;
mod timing;

pub use library::with_library;
pub use problem::{Problem, ProblemError};
pub use timing::{Timing, timed};

/// A peer's failure is whatever the peer says.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A system with its parameters and one batch, to be stepped on over and over.
pub trait Step {
    /// Takes one training step.
    ///
    /// # Errors
    /// What the system says.
    fn step(&mut self) -> Result<(), Failure>;

    /// Θ as it is now, in the order of [`Problem::theta`].
    ///
    /// # Errors
    /// What the system says.
    fn theta(&mut self) -> Result<Vec<f32>, Failure>;
}

/// Another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// <https://github.com/tracel-ai/burn>
    Burn,
    /// <https://github.com/huggingface/candle>
    Candle,
}

impl Peer {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Burn, Self::Candle];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Burn => "burn",
            Self::Candle => "candle",
        }
    }

    /// The peer with the problem's parameters and batch.
    ///
    /// # Errors
    /// A [`ProblemError`] for an activation that the peers are not asked for, or what the peer says.
    pub fn prepare(self, problem: &Problem) -> Result<Box<dyn Step>, Failure> {
        Ok(match self {
            Self::Burn => Box::new(burn::Burn::new(problem)?),
            Self::Candle => Box::new(candle::Candle::new(problem)?),
        })
    }
}
