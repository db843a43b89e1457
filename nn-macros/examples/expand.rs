//! Prints what a call of `network!` expands to:
//!
//! ```text
//! cargo run -p nn-macros --example expand -- 'pub struct Digits<64 => 48 relu => 10 softmax>;'
//! ```
//!
//! The argument is what stands between the delimiters of the call. Of a call with errors it prints those too, as the
//! `compile_error!`s that the compiler would show. A procedural macro cannot be called from outside of a
//! compilation, so this program is made of the macro's own files.

#[path = "../src/ast.rs"]
mod ast;
#[path = "../src/check/mod.rs"]
mod check;
#[path = "../src/expand.rs"]
mod expand;
#[path = "../src/names.rs"]
mod names;
#[path = "../src/parse/mod.rs"]
mod parse;
#[path = "../src/report.rs"]
mod report;

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let call = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    match pretty(&call) {
        Ok(code) => match std::io::stdout().write_all(code.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "{call:?} is not made of Rust's tokens: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// The expansion of `call`, formatted.
fn pretty(call: &str) -> Result<String, String> {
    let tokens: proc_macro2::TokenStream = call.parse().map_err(|fault| format!("{fault}"))?;
    let expansion = expand::expand(tokens);
    // The expression form is no file of items; it is formatted as the body of a function.
    let file = syn::parse2::<syn::File>(expansion.clone())
        .or_else(|_| syn::parse2(quote::quote!(fn value() -> impl ::nn_train::Network { #expansion })))
        .map_err(|fault| fault.to_string())?;
    Ok(prettyplease::unparse(&file))
}
