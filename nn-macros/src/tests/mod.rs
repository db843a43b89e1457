//! The macro from the inside. What it does inside of a program is tested in nn-train, with trybuild.

mod faults;
mod fuzz;
mod snapshot;

use proc_macro2::TokenStream;

/// The tokens of a call.
fn tokens(call: &str) -> TokenStream {
    match call.parse() {
        Ok(tokens) => tokens,
        Err(fault) => panic!("{call:?} is not made of tokens: {fault}"),
    }
}
