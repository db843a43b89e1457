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

#[test]
fn nothing_that_is_emitted_is_unsafe_or_bypasses_the_path_of_the_crate() {
    for call in [
        "pub struct A<64 => H leaky_relu(0.5) dropout(0.2) => { H + 1 } softmax>: f64, init = symmetric(1), crate = \"my::nn\";",
        "2 => 4 => 1 linear, loss = huber(1), crate = my::nn",
        // With a fault, too.
        "struct A<64 => 48 relo => =>>, crate = my::nn;",
    ] {
        let expansion = expand(tokens(call)).to_string();
        assert!(!expansion.contains("unsafe") && !expansion.contains("nn_train"), "{expansion}");
        assert!(expansion.contains("compile_error") || expansion.contains("my :: nn :: Declared"), "{expansion}");
    }
}
