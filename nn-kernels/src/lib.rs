//! Numbers: what the engines of `nn-train` compute with.
//!
//! A training step takes the parameters Θ of a network and a batch of m samples, and returns the cost J and its
//! gradient Δ = ∂J/∂Θ. This crate computes that, and predictions, as fast as the machine allows. It knows no
//! optimiser, no file and no macro: those are in `nn-train`, which is what most people want.
//!
//! ```
//! use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, StepEngine, Tile, reference};
//!
//! // 2 => 3 => 1, and its 13 parameters: Θ_w row by row, then the bias, layer behind layer.
//! let layers = vec![Layer::new(2, 3, Activation::Tanh), Layer::new(3, 1, Activation::Sigmoid)];
//! let architecture = Architecture::new(layers, Loss::CrossEntropy)?;
//! let theta: Vec<f64> = (0..architecture.params()).map(|i| (i as f64).sin()).collect();
//!
//! // Exclusive or. Samples lie one behind the other.
//! let inputs = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
//! let targets = [0.0, 1.0, 1.0, 0.0];
//!
//! let mut engine = Tile::new(&architecture)?;
//! let mut own = vec![0.0; engine.params()]; // the engine keeps Θ in a layout of its own
//! engine.import(&theta, &mut own)?;
//! let mut own_gradient = vec![0.0; engine.params()];
//! let batch = Batch::new(&architecture, &inputs, &targets)?;
//! let cost = engine.gradient(&own, batch, 0.1, None, &mut own_gradient)?;
//! let mut gradient = vec![0.0; architecture.params()];
//! engine.export(&own_gradient, &mut gradient)?;
//!
//! // The same from the formulas as they stand on paper.
//! let (expected_cost, expected) = reference::gradient(&architecture, &theta, &inputs, &targets, 0.1);
//! assert!((cost - expected_cost).abs() < 1e-12);
//! assert!(gradient.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-12));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The floors, from the ground up
//!
//! | module | what |
//! |---|---|
//! | [`architecture`] | what a network is made of, checked once: an [`Architecture`] is always valid; from and to text |
//! | [`random`] | one documented generator, one seed, a stream for every purpose |
//! | [`isa`] | instruction sets: [`Simd`](isa::Simd) to write a kernel against, a token for each set |
//! | [`math`] | exp, ln, softplus, σ, tanh over vectors, each with its error in ULP |
//! | [`activation`], [`loss`] | g, g', the cost and δ^(L) over slices |
//! | [`threads`] | how many threads share the work |
//! | [`step`] | the engines behind [`StepEngine`]: [`Narrow`], [`Tile`], [`Blocked`], and the [`Plan`] that picks one |
//! | [`mod@reference`] | the formulas in scalar `f64`, against which all of the above is tested |
//!
//! # What to know
//!
//! - Samples are rows in all slices that go into an engine and come out of it, and columns in the derivation and the
//!   [`mod@reference`]. An engine may lay out samples and parameters differently inside;
//!   [`import`](StepEngine::import) and [`export`](StepEngine::export) copy parameters between the two layouts.
//! - λ enters as `decay` = λ/m, divided by the caller, and not at all into the bias.
//! - Samples may have [weights](Batch::with_weights); the cost is then their weighted mean.
//! - Results are bit-identical on any number of threads, but not in different instruction sets, nor in `f32` and
//!   `f64`.
//! - An engine works on the current rayon pool. Call it from inside the pool's
//!   [`install`](rayon::ThreadPool::install), for a whole training run at once: entering a pool costs some
//!   microseconds, and now and then an allocation. [`threads::alone`] keeps it on the calling thread.
//! - NaN and infinity pass through to the cost or the gradient. What to do about them is the caller's decision.
//! - Wrong lengths are a [`StepError`], found before anything is computed or written.

pub mod activation;
pub mod architecture;
mod buffer;
mod element;
mod error;
pub mod isa;
pub mod loss;
pub mod math;
mod product;
pub mod random;
pub mod reference;
mod slope;
pub mod step;
pub mod threads;

/// What a trait asks for that may be used elsewhere but not implemented: unsafe code relies on what implementations say of
/// themselves, so they are all in this crate.
pub(crate) mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

pub use architecture::{Activation, Architecture, ArchitectureError, Layer, LayerRange, Loss, ParseError, number_text};
pub use buffer::Buffer;
pub use element::Element;
pub use error::{Shown, StepError};
pub use isa::{Dispatch, InstructionSet};
pub use step::{
    Batch, Blocked, Candidate, Dropout, Elementwise, EngineKind, Explanation, Finished, MAX_SLOTS, Narrow, Part, Plan,
    PlanOptions, Precision, Rule, Sharded, Share, Slot, Span, StepEngine, Stepped, Tile, UnknownEngine,
    UnknownPrecision, Update, predict_one, predict_one_on_threads, update_all,
};
