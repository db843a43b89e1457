//! Widths that are computed in place.

use nn_train::network;

const HIDDEN: usize = 8;
network! { struct Digits<8 * 8 => { 48 } => (HIDDEN + 1) => HIDDEN / 2 => { HIDDEN - 8 }>; }

fn main() {}
