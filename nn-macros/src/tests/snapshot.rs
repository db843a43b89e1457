//! One expansion, to be read by people, and to show in a review what a change of the macro changes.

use std::path::Path;

use super::tokens;
use crate::expand::expand;

const CALL: &str = "
    /// Reads digits.
    pub struct Digits<64 => HIDDEN leaky_relu(-0.01) dropout(0.2) => 10 softmax>: f32, init = symmetric(0.12), seed = 7;
";

#[test]
fn digits_expands_to_its_snapshot() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/digits.expanded.rs");
    let file: syn::File = syn::parse2(expand(tokens(CALL))).expect("the expansion is items");
    let expansion = prettyplease::unparse(&file);
    if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
        std::fs::write(&path, &expansion).expect("the snapshot is writable");
    }
    let snapshot = std::fs::read_to_string(&path).expect("the snapshot is readable");
    assert!(expansion == snapshot, "the expansion changed; UPDATE_SNAPSHOT=1 accepts it:\n{expansion}");
}

#[test]
fn a_value_is_a_block_that_ends_in_the_new_network() {
    let block: syn::Block = syn::parse2(expand(tokens("2 => 4 => 4"))).expect("the expansion is a block");
    let Some(syn::Stmt::Expr(value, None)) = block.stmts.last() else { panic!("the block has no value") };
    let value = quote::ToTokens::to_token_stream(value).to_string().replace(' ', "");
    assert_eq!(value, "<__Networkas::nn_train::Declared>::initialized()");
}
