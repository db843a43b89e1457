//! Two dropouts behind one width; dropout without parentheses.

use nn_train::network;

network! { struct Digits<64 => 48 dropout(0.5) relu dropout(0.5) => 32 dropout = 0.5 => 16 dropout 0.5 => 10>; }

fn main() {}
