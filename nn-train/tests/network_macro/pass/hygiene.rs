//! Nothing that the caller has in scope changes what is emitted.

#![allow(dead_code, unused_macros, non_upper_case_globals)]

mod nn_train {}
mod std {}
mod core {}
mod alloc {}

struct Box;
struct Option;
struct Some;
enum Clone {}
trait PartialEq {}
trait Debug {}
struct Network;
struct Dense;
struct Layer;
struct Architecture;
struct Init;
struct Loss;
struct Activation;
struct HasLayer;
struct Formatter;
struct Result;
struct Row;
const None: usize = 3;
const f: usize = 4;
const other: usize = 2;
const layer1: usize = 2;
const N: usize = 5;

macro_rules! assert { ($($anything:tt)*) => { compile_error!("the caller's assert!") }; }
macro_rules! compile_error { ($($anything:tt)*) => {}; }
macro_rules! impl_serde { ($($anything:tt)*) => {}; }

::nn_train::network! {
    pub struct Digits<None => N relu dropout(0.5) => other tanh => layer1 linear>, loss = huber(1), init = symmetric(1);
}

fn main() {
    let network = 1;
    let __network = 2;
    let value = ::nn_train::network!(None => 4 => f => other => 1);
    let outputs = <Digits as ::nn_train::Network>::predict(
        &<Digits as ::nn_train::Declared>::new(network),
        &[0.0; None],
    );
    let copy = value.clone();
    ::std::assert!(copy == value && outputs.len() == __network);
}
