//! The expansion is free of warnings where everything is denied.

#![deny(warnings, missing_docs, unsafe_code, unused, nonstandard_style, future_incompatible)]
#![deny(unreachable_pub, unused_qualifications, unused_lifetimes, trivial_casts, unused_results, let_underscore_drop)]
#![deny(non_local_definitions, missing_debug_implementations, single_use_lifetimes, unnameable_types)]
#![deny(absolute_paths_not_starting_with_crate, explicit_outlives_requirements, variant_size_differences)]

use nn_train::{Declared as _, Network as _, network};

/// A constant.
pub const HIDDEN: usize = 4;

/// A module.
pub mod public {
    nn_train::network! { pub struct Undocumented<2 => super::HIDDEN relu dropout(0.5) => 1 linear>, loss = mae; }
}

network! { struct Private<2 => HIDDEN => 1>; }

fn main() {
    network! { struct Local<2 => HIDDEN => 1>; }
    let value = network!(2 => HIDDEN => HIDDEN);
    assert!(value.parameters().len() > 0);
    assert_eq!(Private::zeros().parameters().len() + Local::zeros().parameters().len(), 34);
    assert_eq!(public::Undocumented::zeros().parameters().len(), 17);
}
