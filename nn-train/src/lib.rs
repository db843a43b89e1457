//! Train fully-connected neural networks on CPUs.
//!
//! A general framework does not know the network before the program runs, so each step pays for graphs, dispatch and
//! temporary arrays. Here the compiler knows the network. [`network!`] makes a type whose layers, samples and predictions
//! have their widths in their types. A wrong shape does not compile, and a training step is planned once.
//!
//! ```
//! use nn_train::prelude::*;
//!
//! network! { pub struct Xor<2 => 4 tanh => 1>; }
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
//! | [`network!`], [`Declared`] | declaring a network as a type |
//! | [`DynNetwork`], [`Architecture`] | a network whose widths come from data or text |
//! | [`Network`] | the methods of both kinds: predictions, the cost J, the gradient Δ and its [check](GradientCheck), the [matrices Θ^(l)](Theta) |
//! | [`declaration`] | the `network!` line that declares the network of a file |
//! | [`Predictor`] | predictions for many batches, planned once |
//! | [`Dataset`], [`DynDataset`] | samples with targets or class labels, in memory: splits, sample and class weights |
//! | [`Source`], [`Stream`] | samples that are read as they are needed, for data larger than memory |
//! | `arrays` (features `arrays`, `npz`) | NumPy's NPY and NPZ and MNIST's IDX, to and from data sets |
//! | `Records`, `records` (feature `records`) | files of fixed-size records, for data larger than memory |
//! | [`Standardizer`] | scales of inputs and targets, which travel with the data |
//! | `table::Table`, `preprocess::Preprocess` (feature `tables`) | CSV files, with the features `parquet` and `arrow` those too, and what makes their columns inputs and targets and predictions values or classes again |
//! | `tabular::Recipe` (feature `tabular`) | a preset that makes a trained network of an unknown table |
//! | [`Trainer`], [`History`] | training, all epochs at once: [`Trainer::fit`] |
//! | [`Run`], [`Callback`], [`Context`] | training epoch by epoch, watched, stopped and [resumed](Run::resume) |
//! | [`EarlyStopping`], [`ReduceOnPlateau`], [`WeightAverage`] | ending a run that gets no better, lowering its rate, averaging its weights |
//! | `Bundle`, `bundle` (feature `bundle`) | a network in one file with what prepares its inputs and names its outputs |
//! | `safetensors` (feature `safetensors`) | parameters to and from PyTorch's `nn.Sequential` |
//! | `Checkpoints`, `Interrupt`, `checkpoint` (feature `checkpoints`) | files from which a run goes on, and ending one by Ctrl-C |
//! | `embedded` (feature `embedded`) | networks for microcontrollers: a source file or a checked file of bytes, in `f32` or 8 bits |
//! | `onnx` (feature `onnx`) | ONNX files: networks out, with preprocessing, and plain networks in |
//! | [`collective`] (`Mpi` with feature `mpi`) | several processes, on one machine or many, that train one network |
//! | [`Session`] | training step by step, on batches of your own |
//! | [`l2`](TrainerBuilder::l2), [`l1`](TrainerBuilder::l1), [`label_smoothing`](TrainerBuilder::label_smoothing) | regularisation, beside dropout, the decay of [`AdamW`] and [`WeightAverage`] |
//! | [`clip_norm`](TrainerBuilder::clip_norm), [`clip_value`](TrainerBuilder::clip_value), [`Divergence`] | gradients that are too large, and steps that overflow |
//! | [`Schedule`] | the learning rate as a function of the step: [`Cosine`], [`OneCycle`], a closure and others |
//! | [`Sgd`], [`Adam`], [`AdamW`], [`RmsProp`], [`Adagrad`], [`Lion`], [`Rprop`] | optimisers |
//! | [`Lbfgs`], [`ConjugateGradient`], [`Solution`] | training on the whole data set at once, down to a minimum |
//! | [`Optimizer`], [`Rule`], [`Elementwise`] | writing an optimiser of your own |
//! | [`Threads`] | threads of the trainer's own, or the caller's |
//! | [`metrics`] | accuracy, confusion matrix, precision and recall, ROC AUC, log loss, calibration, regression errors |
//! | [`selection`] | a learning rate by the [range test](Trainer::lr_find), [cross-validation](Trainer::cross_validate), a [search](selection::Search) over settings and widths |
//! | `throughput` (feature `throughput`) | how fast steps are, as a share of the machine's peak |
//! | [`Error`] | everything that can go wrong |
//!
//! # Guarantees
//!
//! - On one machine the same seed and instruction set give the same parameters, bit for bit, on any number of threads.
//!   The random streams come from one generator by purpose ([`nn_kernels::random`]) and are pinned by tests. Instruction
//!   sets differ in the last bits. So may machines: the plan may choose another engine for another CPU, and the cosines
//!   and powers of [schedules](Schedule) are those of the platform's mathematical library.
//! - A run or session that is resumed from its state goes on bit for bit as it would have.
//! - No input panics: bad data, settings and shapes are an [`Error`] that names the thing, what it was, and what was
//!   expected, and the network is as it was.
//! - A number that is not finite stops training with an error that names the epoch, the step, the layer and the
//!   learning rate. The parameters and the optimiser's memory are those from before the step.
//! - A training step allocates nothing once the first epoch is over, nor does a declared network's
//!   [`predict`](Network::predict) after a thread's first call.
//! - A network owns its memory, on the heap. Moving, cloning or reading one puts no layer on the stack.
//!
//! # Pitfalls
//!
//! - The methods of a network are those of the traits [`Network`] and [`Declared`]: bring the [`prelude`] into scope.
//! - The learning rate is the trainer's, not the optimiser's: [`TrainerBuilder::learning_rate`] or
//!   [`schedule`](TrainerBuilder::schedule). Unless it is set it is the optimiser's default: 0.001 for [`Adam`] and
//!   [`AdamW`], 0.0001 for [`Lion`], 0.01 for the others.
//! - [`l2`](TrainerBuilder::l2) is λ of the term λ/2B Σ‖Θ_w‖², in which B is the batch size, or the number of samples
//!   if that is less, in every step; so it is with [`l1`](TrainerBuilder::l1). Half the batch size is twice the pull.
//!   [`Network::cost`] and [`gradient`](Network::gradient) divide by the number of samples that they are given.
//!   [`AdamW::weight_decay`] and [`Lion::weight_decay`] are not divided by anything.
//! - The cost of the loss `mse` is not the metric [`mse`](metrics::Regression::mse): it has a factor ½ and is summed over
//!   the outputs.
//! - Standardise the training data, the other parts [like it](DynDataset::standardized_like), and new samples with the same
//!   [`Standardizer`]. [`predict`](Network::predict) of a network that was trained on standardised targets returns standardised
//!   numbers; [`Standardizer::invert`] brings them back.
//! - A [`Session`] or [`Run`] keeps the parameters to itself. They are written to the network when it ends, and when you
//!   call [`Session::network`], [`Run::network`] or [`Context::network`].
//! - A second [`fit`](Trainer::fit) starts the optimiser afresh and sees the same orders of samples. To go on where a run
//!   ended, [`resume`](Run::resume) its state under a trainer with more epochs.
//!
//! # Features
//!
//! `arrays` reads and writes NPY files and reads IDX files (`arrays`); `npz` adds NPZ archives to it.
//!
//! `bundle` writes and reads a network with its preprocessing or standardizer and its classes as one file (`bundle`); with it
//! come `serde` and `tables`.
//!
//! `checkpoints` writes and reads the states of runs and sessions as files that are whole or not there (`checkpoint`),
//! with the callbacks `Checkpoints` and `Interrupt`; with it comes `serde`.
//!
//! `embedded` writes networks for devices without a standard library (`embedded`).
//!
//! `logs` adds callbacks that write a line an epoch, `CsvLog` and `JsonLines`; with it comes `serde`.
//!
//! `mpi` adds `collective::Mpi`, the processes that `mpirun` has started, which train one network together. It needs an MPI library
//! to build and to run: on Debian `libopenmpi-dev`, `openmpi-bin` and `libclang-dev`.
//!
//! `onnx` writes ONNX files and reads those of plain networks (`onnx`); with it comes `tables`.
//!
//! `progress` adds `Progress`, which shows how far a run has come; `tensorboard` adds `TensorBoard`, which writes what that
//! program shows; and `plot` adds `plot`, pictures of runs, networks and metrics.
//!
//! `records` adds `Records`, a source that reads a file larger than memory block by block, and `records`, which writes such files.
//!
//! `safetensors` writes and reads files of PyTorch's (`safetensors`); with it comes `bundle`.
//!
//! `serde` writes and reads networks, standardizers, preprocessings, histories, reports, optimiser settings, and the states
//! of runs and sessions.
//!
//! `parquet` and `arrow` add `table::Parquet` and `table::Arrow`, which read such files into tables; with them comes `tables`.
//!
//! `tables` adds CSV files (`table`), and what makes inputs and targets of their columns and values or classes of
//! predictions (`preprocess`).
//!
//! `tabular` adds a preset that makes a trained network of an unknown table (`tabular`); with it comes `bundle`.
//!
//! `throughput` adds `throughput`, which times training steps beside the machine's FMA peak.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(feature = "arrays")]
pub mod arrays;
#[cfg(feature = "bundle")]
pub mod bundle;
pub mod collective;
mod data;
#[cfg(any(feature = "arrays", feature = "checkpoints", feature = "records", feature = "tables"))]
mod disk;
#[cfg(feature = "embedded")]
pub mod embedded;
#[cfg(any(feature = "bundle", feature = "checkpoints"))]
mod envelope;
mod error;
#[cfg(any(feature = "arrays", feature = "arrow", feature = "parquet", feature = "safetensors"))]
mod half;
mod memory;
pub mod metrics;
mod minimize;
mod network;
#[cfg(feature = "serde")]
mod number;
#[cfg(feature = "onnx")]
pub mod onnx;
mod optim;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "tables")]
pub mod preprocess;
#[cfg(feature = "records")]
pub mod records;
#[cfg(feature = "safetensors")]
pub mod safetensors;
pub mod selection;
#[cfg(feature = "tables")]
pub mod table;
#[cfg(feature = "tabular")]
pub mod tabular;
#[cfg(feature = "throughput")]
pub mod throughput;
mod train;
mod vector;

#[cfg(feature = "bundle")]
pub use bundle::Bundle;
pub use data::{
    Access, Dataset, DynDataset, Rows, Shard, Source, Spread, Standardizer, Stream, StreamItem, TrainingData,
};
#[cfg(any(feature = "arrays", feature = "checkpoints", feature = "records", feature = "tables"))]
pub use disk::write_whole_file;
pub use error::{Error, Quantity};
pub use minimize::{ConjugateGradient, Iteration, Lbfgs, Solution, StopReason};
pub use network::{
    DatasetOf, Declared, Dense, DenseLayer, DynNetwork, GradientCheck, HasLayer, Init, Network, Parameters, Predictor,
    Row, Theta, UnknownInit, WorstParameter, declaration,
};
pub use nn_kernels::isa::{IsaError, Simd, Vector};
pub use nn_kernels::{
    Activation, Architecture, ArchitectureError, Element, Elementwise, EngineKind, Explanation, InstructionSet, Layer,
    Loss, MAX_SLOTS, ParseError, Part, Precision, Rule, Slot, Span, StepError, UnknownPrecision, Update,
};
pub use nn_macros::network;
pub use optim::{Adagrad, Adam, AdamW, Lion, Optimizer, RmsProp, Rprop, Sgd, Step};
#[cfg(feature = "records")]
pub use records::Records;
#[cfg(feature = "progress")]
pub use train::Progress;
#[cfg(feature = "tensorboard")]
pub use train::TensorBoard;
pub use train::{
    Annealing, Batches, Callback, CallbackState, Constant, Context, Cosine, CosineRestarts, Divergence, EarlyStopping,
    Epoch, Exponential, FlatCosine, Goal, History, Metric, Monitor, OneCycle, OptimizerState, PlanState, Position,
    ReduceOnPlateau, Run, RunState, Schedule, Session, SessionState, Signal, StepDecay, Threads, Trainer,
    TrainerBuilder, WarmUp, WeightAverage,
};
#[cfg(feature = "checkpoints")]
pub use train::{Checkpoints, Interrupt, Interruption, Latest, checkpoint};
#[cfg(feature = "logs")]
pub use train::{CsvLog, JsonLines};

/// The examples in the documentation of [`network!`].
#[cfg(doctest)]
#[doc = include_str!("../../nn-macros/src/network.md")]
struct ExamplesOfTheMacro;

/// The programs of the README.
#[cfg(all(doctest, feature = "bundle"))]
#[doc = include_str!("../../README.md")]
struct ProgramsOfTheReadme;

/// The programs of docs/data.md.
#[cfg(all(doctest, feature = "bundle", feature = "parquet"))]
#[doc = include_str!("../../docs/data.md")]
struct ProgramsOfTheDocumentation;

/// The programs of docs/models.md.
#[cfg(all(doctest, feature = "onnx", feature = "safetensors"))]
#[doc = include_str!("../../docs/models.md")]
struct ProgramsOfModels;

/// The program of docs/tabular.md.
#[cfg(all(doctest, feature = "tabular"))]
#[doc = include_str!("../../docs/tabular.md")]
struct ProgramOfTheTables;

/// The names that most programs need.
pub mod prelude {
    #[cfg(feature = "bundle")]
    pub use crate::Bundle;
    #[cfg(feature = "records")]
    pub use crate::Records;
    pub use crate::metrics::{self, ClassificationReport, ConfusionMatrix, Probabilities, Regression};
    #[cfg(feature = "tables")]
    pub use crate::preprocess::{Missing, Preprocess, Scaling, Unseen};
    pub use crate::selection::{self, Choice, KFold, LogUniform, Search, Space, Uniform};
    #[cfg(feature = "tables")]
    pub use crate::table::{Column, Csv, Table};
    pub use crate::{
        Access, Activation, Adagrad, Adam, AdamW, Architecture, Callback, ConjugateGradient, Context, Cosine, Dataset,
        Declared, DynDataset, DynNetwork, EarlyStopping, Epoch, Error, Goal, HasLayer, History, Init, Layer, Lbfgs,
        Lion, Loss, Monitor, Network, OneCycle, Optimizer, Precision, Predictor, ReduceOnPlateau, RmsProp, Rows, Rprop,
        Run, RunState, Schedule, Session, SessionState, Sgd, Signal, Source, Standardizer, Stream, Threads, Trainer,
        WeightAverage, network,
    };
    #[cfg(feature = "checkpoints")]
    pub use crate::{Checkpoints, Interrupt};
}
