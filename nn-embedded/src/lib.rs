//! Predictions of trained networks on microcontrollers: no standard library, no allocation, no dependency, no panic.
//!
//! `nn_train::embedded` writes a network as a file. Here the compiler checks the file and puts it into the program:
//!
//! ```
//! use nn_embedded::{Predictor, include_model};
//!
//! // 2 inputs, 1 output, and room on the stack for 2 numbers. A file of other sizes does not compile.
//! static XOR: Predictor<f32, 2, 1, 2> = include_model!("../tests/data/xor.nne");
//!
//! let mut output = [0.0];
//! XOR.predict(&[1.0, 0.0], &mut output);
//! assert!(output[0] > 0.9);
//! assert_eq!(XOR.classify(&[1.0, 1.0]), Some(0));
//! ```
//!
//! `nn_train::embedded` also writes a network as one Rust source file, which needs no crate at all: the functions of
//! [`math`], [`layer`] and [`int8`] are copied into it, so it computes the same bits.
//!
//! | module | what |
//! |---|---|
//! | [`math`] | exp and the activations, each with its error in ULP |
//! | [`layer`], [`int8`] | a layer in `f32`, and in whole numbers of 8 bits |
//! | [`format`](mod@format) | what is in a file, and what can be wrong with it |
//! | [`Model`] | a network in the bytes of its file, sizes known at run time |
//! | [`Predictor`] | the same with sizes in its type |
//!
//! # What is computed
//!
//! Each sum begins with the bias and goes through the inputs in their order; products are rounded before they are
//! added. So every CPU whose `f32` is that of IEEE 754, in hardware or in software, comes to the same bits, and so does
//! `nn_train::embedded` on the machine that exports. (x86 without SSE, which computes in 80 bits, does not.)
//!
//! With weights of 8 bits, numbers are rounded to the nearest whole one, half to even, and held in -128 to 127. Sums
//! are whole numbers of 32 bits, which up to [`format::MAX_INT8_INPUTS`] inputs cannot overflow. Each is multiplied by
//! the scale of its row and added to the bias in `f32`, where the activation is computed too.

#![no_std]
#![forbid(unsafe_code)]

pub mod format;
pub mod int8;
pub mod layer;
pub mod math;
mod model;
mod predictor;

pub use format::{Activation, Fault, Layer, Quantization};
pub use model::{Frame, Model, Weight};
pub use predictor::Predictor;

/// The text of [`math`], [`layer`] and [`int8`], from which a source file takes the functions that it needs.
#[doc(hidden)]
pub const SOURCES: [&str; 3] = [include_str!("math.rs"), include_str!("layer.rs"), include_str!("int8.rs")];

/// A [`Predictor`] of the file at a path, which is looked for beside the source file. The compiler checks the file: one
/// that is damaged, or has other sizes than the predictor's type, is an error.
#[macro_export]
macro_rules! include_model {
    ($path:expr) => {
        const {
            match $crate::Predictor::read(include_bytes!($path)) {
                Ok(predictor) => predictor,
                Err(fault) => panic!("{}", fault.message()),
            }
        }
    };
}
