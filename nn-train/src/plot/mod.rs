//! Pictures of runs, networks and metrics, as SVG and PNG (feature `plot`).
//!
//! ```
//! use nn_train::plot;
//! use nn_train::prelude::*;
//!
//! network! { struct Xor<2 => 4 tanh => 1>; }
//! let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
//! let mut net = Xor::new(42);
//! let history = Trainer::builder().learning_rate(0.05).epochs(200).build()?.fit(&mut net, &data, Some(&data))?;
//! # let folder = std::env::temp_dir();
//! # let path = |name: &str| folder.join(format!("nn-train-doc-{}-{name}", std::process::id()));
//!
//! plot::training(&history, &[])?.save(path("training.svg"))?;
//! plot::decision_surface(&net, &data, &["equal", "different"])?.save(path("surface.png"))?;
//! # for name in ["training.svg", "surface.png"] { std::fs::remove_file(path(name)).unwrap(); }
//! # Ok::<(), Error>(())
//! ```
//!
//! | | |
//! |---|---|
//! | [`training`] | cost and validation cost of a [`History`](crate::History), and the learning rates |
//! | [`schedules`] | learning rates of schedules, step by step |
//! | [`rate_range`] | the cost over a growing learning rate |
//! | [`confusion`] | a [`ConfusionMatrix`](crate::metrics::ConfusionMatrix) |
//! | [`roc`] | receiver operating characteristics of [`Ranking`](crate::metrics::Ranking)s, with the areas under them |
//! | [`reliability`] | whether probabilities come true, by [`ReliabilityBin`](crate::metrics::ReliabilityBin)s |
//! | [`decision_surface`] | what a network of two inputs decides |
//! | [`first_layer`] | the weights of the first layer, as images |
//!
//! Each returns a [`Picture`]. Both formats show the same shapes in the same places. A PNG has two pixels a unit; its
//! letters are those of a font that is part of the library, so nothing need be installed. Colours are told apart by
//! those who are colour-blind, and dashes and shapes tell apart what colours alone might not.

mod color;
mod confusion;
mod font;
mod panel;
mod picture;
mod rates;
mod reliability;
mod roc;
mod scale;
mod surface;
mod training;
mod weights;

pub use confusion::confusion;
pub use picture::Picture;
pub use rates::{rate_range, schedules};
pub use reliability::reliability;
pub use roc::roc;
pub use surface::decision_surface;
pub use training::training;
pub use weights::first_layer;
