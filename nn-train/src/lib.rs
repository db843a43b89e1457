//! Declare a fully-connected neural network in one line of Rust, and train it on the CPU.
//!
//! Frameworks pay for not knowing a network before the program runs: a step of a small one costs them hundreds of
//! microseconds, whatever it computes. Here the compiler knows it. [`network!`] makes a type of it whose layers,
//! samples and predictions have their widths in their types, so a wrong shape does not compile.
//!
//! ```
//! use nn_train::prelude::*;
//!
//! network! { struct Xor<2 => 4 tanh => 1>; }
//!
//! let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
//! let mut net = Xor::new(42);
//! let trainer = Trainer::builder().learning_rate(0.05).batch_size(4).epochs(400).seed(7).build()?;
//! let history = trainer.fit(&mut net, &data, None)?;
//!
//! assert!(net.predict(&[1.0, 0.0])[0] > 0.9);
//! assert!(net.predict(&[1.0, 1.0])[0] < 0.1);
//! assert!(history.best().is_some_and(|epoch| epoch.cost < 0.1));
//! # Ok::<(), Error>(())
//! ```
//!
//! # What is where
//!
//! | | |
//! |---|---|
//! | [`network!`], [`Declared`] | declaring a network; its layers and their [matrices Θ^(l)](Theta) |
//! | [`DynNetwork`] | a network whose widths come from data, for a search over widths |
//! | [`Network`] | what both can do: predict, cost, gradient and its [check](GradientCheck) |
//! | [`Predictor`] | predictions of many batches |
//! | [`Dataset`], [`DynDataset`] | samples with targets or class labels, weights, splits, standardisation |
//! | [`Source`], [`Stream`] | data that is not in memory, or comes as it is made |
//! | [`Trainer`], [`History`] | training: [`fit`](Trainer::fit) does all of it |
//! | [`Run`], [`Callback`] | training epoch by epoch: to be watched, stopped, and resumed |
//! | [`Session`] | training step by step, in a loop of your own |
//! | [`Sgd`], [`Adam`], [`AdamW`], [`Optimizer`] | optimisers, and the trait to write your own |
//! | [`Schedule`] | the learning rate as a function of the step |
//! | [`metrics`] | accuracy, confusion matrix, precision and recall, regression errors |
//! | [`Error`] | everything that can go wrong |
//!
//! # What may be relied on
//!
//! - The same seed and instruction set give the same parameters, bit for bit, on any number of threads. The random
//!   streams come from one generator by purpose ([`nn_kernels::random`]) and are pinned by tests. Instruction sets
//!   differ in the last bits.
//! - A run that is resumed from its [state](RunState) goes on bit for bit, from the midst of an epoch too.
//! - No input panics: bad data, settings and shapes are an [`Error`] that names the thing, what it was, and what was
//!   expected, and the network is as it was.
//! - A number that is not finite stops training with an error that names the epoch, the step and the layer. The
//!   parameters and what the optimiser remembers are those from before the step.
//! - A training step allocates nothing once the first epoch is over, nor does [`predict`](Network::predict) of a declared
//!   network after a thread's first call.
//!
//! # Pitfalls
//!
//! - Most methods of a network are those of the traits [`Network`] and [`Declared`]: bring them into scope, or the whole
//!   [`prelude`].
//! - [`l2`](TrainerBuilder::l2) is λ and enters as λ/B, B the size of a full batch: half the batch size, twice the
//!   pull. [`AdamW::weight_decay`] is another thing with another name.
//! - The loss `mse` is ½ Σ (a - y)² of a sample; the metric [`mse`](metrics::Regression::mse) has no ½, and is a mean over
//!   the outputs too.
//! - Standardise the part to train on, and the others [like it](Dataset::standardized_like); samples that come
//!   later too.
//!
//! # Features
//!
//! `serde` writes and reads networks, standardizers, states, histories, reports and optimiser settings.
//!
//! `blas` adds the [`GemmKind`] of that name to what the layered engine can multiply with: the CBLAS library that the
//! program is linked with, for example by depending on `openblas-src`. `openblas-system` links the system's OpenBLAS.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod data;
mod error;
pub mod metrics;
mod network;
mod optim;
mod train;

pub use data::{Access, Dataset, DynDataset, Rows, Source, Standardizer, Stream, StreamItem, TrainingData};
pub use error::{Error, Quantity};
pub use network::{
    DatasetOf, Declared, Dense, DenseLayer, DynNetwork, GradientCheck, HasLayer, Init, Network, Parameters, Predictor,
    Row, Theta, UnknownInit, WorstParameter,
};
pub use nn_kernels::isa::{IsaError, Simd, Vector};
pub use nn_kernels::{
    Activation, Architecture, ArchitectureError, Element, Elementwise, EngineKind, Explanation, GemmError, GemmKind,
    InstructionSet, Layer, Loss, MAX_SLOTS, ParseError, Part, Precision, Rule, Slot, Span, StepError, UnknownPrecision,
    Update,
};
pub use nn_macros::network;
pub use optim::{Adam, AdamW, Optimizer, Sgd, Step};
pub use train::{
    Callback, Context, Epoch, History, OptimizerState, Position, Run, RunState, Schedule, Session, SessionState,
    Signal, Threads, Trainer, TrainerBuilder,
};

/// The examples in the documentation of [`network!`].
#[cfg(doctest)]
#[doc = include_str!("../../nn-macros/src/network.md")]
struct ExamplesOfTheMacro;

/// The programs in the README.
#[cfg(all(doctest, feature = "serde"))]
#[doc = include_str!("../../README.md")]
struct ProgramsOfTheReadme;

/// What most programs want in scope.
pub mod prelude {
    pub use crate::metrics::{self, ClassificationReport, ConfusionMatrix, Regression};
    pub use crate::{
        Activation, Adam, AdamW, Architecture, Callback, Context, Dataset, Declared, DynDataset, DynNetwork, Epoch,
        Error, HasLayer, History, Init, Layer, Loss, Network, Optimizer, Run, Schedule, Session, Sgd, Signal, Source,
        Standardizer, Stream, Threads, Trainer, network,
    };
}
