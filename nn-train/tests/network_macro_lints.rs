//! `network!` raises no lint in a caller's crate, clippy's among them: `cargo clippy --all-targets` checks this file.

#![deny(warnings, missing_docs, unsafe_code, unused, clippy::all, clippy::pedantic, clippy::nursery, clippy::cargo)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block, clippy::absolute_paths)]
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::allow_attributes)]
#![deny(clippy::missing_inline_in_public_items, clippy::missing_docs_in_private_items)]
#![allow(clippy::cargo_common_metadata, clippy::multiple_crate_versions, reason = "of the dependencies")]

use nn_train::{Declared, Network, network};

/// A width.
pub const HIDDEN: usize = 5;

network! {
    /// Documented by its author.
    pub struct Documented<64 => HIDDEN relu dropout(0.25) => 10 softmax>, init = he_uniform, seed = 3;
}
network! { pub struct Undocumented<2 => 4 leaky_relu(-0.5) => 1 linear>: f64, loss = huber(1); }
network! { pub(crate) struct Inside<2 => 1>; }
network! { struct Private<2 => HIDDEN => 1>; }

#[test]
fn networks_of_every_kind_are_made_and_cloned() {
    network! { struct Local<2 => 1>; }
    let value = network!(2 => HIDDEN => 1);
    let private = Private::zeros();
    let params = [
        Documented::new(1).parameters().len(),
        Undocumented::initialized().parameters().len(),
        Inside::zeros().parameters().len(),
        private.parameters().len(),
        Local::zeros().parameters().len(),
        value.parameters().len(),
    ];
    assert_eq!(params, [385, 17, 3, 21, 3, 21]);
    let copy = private.clone();
    assert!(copy == private && Private::default() == Private::initialized());
}
