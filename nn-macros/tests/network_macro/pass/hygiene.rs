//! Nothing that the caller has in scope changes what is emitted.

#![allow(dead_code, unused_macros, non_upper_case_globals, non_camel_case_types)]

mod nn_train {}
mod std {}
mod core {}
mod alloc {}

// The primitive types.
struct u64;
type f32 = f64;
struct f64;
struct usize;
struct str;
enum bool {}

// What the prelude has.
struct Box;
struct Option;
struct Some;
struct Ok;
struct Vec;
enum Clone {}
enum Default {}
enum Sized {}
enum Send {}
trait PartialEq {}
trait Debug {}

// What nn-train has.
struct Network;
struct Declared;
struct Stored;
struct Parameters;
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

// Names that the expansion might give to what it takes.
mod constants {
    pub type width = ::core::primitive::usize;
}
const None: constants::width = 3;
const f: constants::width = 4;
const other: constants::width = 2;
const layer1: constants::width = 2;
const parameters: constants::width = 2;
const numbers: constants::width = 2;
const formatter: constants::width = 2;
const serializer: constants::width = 2;
const deserializer: constants::width = 2;
const network: constants::width = 2;
const N: constants::width = 5;
const S: constants::width = 2;
const T: constants::width = 2;

macro_rules! assert { ($($anything:tt)*) => { compile_error!("the caller's assert!") }; }
macro_rules! compile_error { ($($anything:tt)*) => {}; }
macro_rules! impl_serde { ($($anything:tt)*) => {}; }

::nn_train::network! {
    pub struct Digits<None => N relu dropout(0.5) => other tanh => layer1 linear>, loss = huber(1), init = symmetric(1);
}
::nn_train::network! {
    pub struct All<f => parameters => numbers => formatter => serializer => deserializer => network => S => { T + N }>: f64,
        seed = 3;
}

fn main() {
    let __network = 2;
    let value = ::nn_train::network!(None => 4 => f => other => 1);
    let outputs: [::core::primitive::f32; 2] =
        <Digits as ::nn_train::Network>::predict(&<Digits as ::nn_train::Declared>::new(1), &[0.0; None]);
    let copy = value.clone();
    ::std::assert!(copy == value && outputs.len() == __network);
    let all: All = ::core::default::Default::default();
    let outputs: [::core::primitive::f64; 7] = ::nn_train::Network::predict(&all, &[0.0; 4]);
    ::std::assert!(outputs.len() == 7 && ::std::format!("{all:?}").contains("All"));
}
