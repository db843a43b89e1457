//! The procedural macro of [nn-train](https://docs.rs/nn-train), which re-exports it: use it from there.
//!
//! [`network!`](macro@network) turns one line into a network type whose shapes the compiler checks. This page is
//! for those who change the macro; what it accepts stands at the macro itself.
//!
//! # The rooms
//!
//! | file | what it does |
//! |---|---|
//! | `names.rs` | the tables of activations, losses, initialisations and options, and the nearest name to a wrong one |
//! | `ast.rs` | what a call says, names still names and numbers still literals |
//! | `parse/` | tokens to that, past every fault to the end |
//! | `check/` | that to a network that makes sense |
//! | `expand.rs` | the network to code |
//! | `report.rs` | the faults, and the wording of each in one table |
//!
//! A call with faults is still expanded: the type exists, and a width that could not be read is a constant whose
//! value is the error itself, which the compiler takes for equal to anything. So the faults are reported, and
//! nothing that merely follows from them.
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
