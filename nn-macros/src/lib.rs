//! The procedural macro of [nn-train](https://docs.rs/nn-train), which re-exports it: use it from there.
//!
//! [`network!`](macro@network) turns one line into a network type whose shapes the compiler checks. This page is
//! for those who change the macro. What it accepts is documented at the macro itself.
//!
//! # The rooms
//!
//! | file | what it does |
//! |---|---|
//! | `names.rs` | the tables of activations, losses, initialisations and options, and the nearest name to a wrong one |
//! | `ast.rs` | what a call says: names and literals whose meaning is not checked yet |
//! | `parse/` | reads tokens into that, past every error to the end; first it resolves what other macros forward |
//! | `check/` | makes a network of it, and reports what makes no sense |
//! | `expand.rs` | writes the code |
//! | `report.rs` | collects the errors; the wording of each stands in one table |
//!
//! A call with errors is still expanded, so that the type exists. A width that could not be read becomes a constant whose
//! value is the error itself, which the compiler takes for equal to anything. So errors are reported once, and nothing
//! that merely follows from them.
//!
//! # Names
//!
//! Whatever a caller has in scope, the expansion means what it says:
//!
//! - Paths begin with `::core` or with the path of nn-train, `::nn_train` unless the option `crate` says otherwise.
//! - Primitive types are `::core::primitive::f32` and so on.
//! - A pattern such as a parameter's name could be taken for a constant of the caller's. A function of the same name in the
//!   block around it hides the constant, and a pattern may hide a function.
//!
//! # What a call expands to
//!
//! On stable Rust, with nothing but this repository:
//!
//! ```text
//! cargo run -p nn-macros --example expand -- 'pub struct Digits<64 => 48 relu => 10 softmax>, seed = 7;'
//! ```
//!
//! prints the expansion of the call between the quotes, formatted. The one of a call in its place in a program is
//! shown by [cargo-expand](https://crates.io/crates/cargo-expand), or without it by
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo rustc --bin NAME -- -Zunpretty=expanded
//! ```
//!
//! A snapshot of one expansion is `src/tests/digits.expanded.rs`; `UPDATE_SNAPSHOT=1 cargo test -p nn-macros` rewrites it.

mod ast;
mod check;
mod expand;
mod names;
mod parse;
mod report;
#[cfg(test)]
mod tests;

// The examples in it need nn-train, which tests them: as a dependency of this crate's tests it would have the kernels
// compiled twice, once for macros.
#[cfg_attr(not(doctest), doc = include_str!("network.md"))]
#[proc_macro]
pub fn network(call: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::expand(call.into()).into()
}
