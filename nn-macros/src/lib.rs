//! The procedural macro of [nn-train](https://docs.rs/nn-train), which re-exports it: use it from there.
//!
//! [`network!`](macro@network) turns one line into a network type whose shapes the compiler checks. This page is
//! for those who change the macro; what it accepts stands at the macro itself.
//!
//! # The rooms
//!
//! | file | what it does |
//! |---|---|
//! | `names.rs` | the tables of activations, losses, initialisations and options, and the nearest name to a wrong one |
//! | `ast.rs` | what a call says, names still names and numbers still literals |
//! | `parse/` | tokens to that, past every fault to the end |
//! | `check/` | that to a network that makes sense |
//! | `expand.rs` | the network to code |
//! | `report.rs` | the faults, and the wording of each in one table |
//!
//! A call with faults is still expanded: the type exists, and a width that could not be read is a constant whose
//! value is the error itself, which the compiler takes for equal to anything. So the faults are reported, and
//! nothing that merely follows from them.
//!
//! # What a call expands to
//!
//! On stable Rust, with nothing but this repository:
//!
//! ```text
//! cargo run -p nn-macros --example expand -- 'pub struct Digits<64 => 48 relu => 10 softmax>, seed = 7;'
//! ```
//!
//! prints the expansion of the call between the quotes, formatted. The one of a call in its place in a program is
//! shown by [cargo-expand](https://crates.io/crates/cargo-expand), or without it by
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo rustc --bin NAME -- -Zunpretty=expanded
//! ```
//!
//! A snapshot of one expansion is `src/tests/digits.expanded.rs`; `UPDATE_SNAPSHOT=1 cargo test -p nn-macros` rewrites it.

mod ast;
mod check;
mod expand;
mod names;
mod parse;
mod report;
#[cfg(test)]
mod tests;

/// Declares a fully-connected network: as a type, or as a value.
///
/// ```text
/// network! { #[attribute] pub struct Name<INPUT => LAYER => … => LAYER>: f64, option = value, …; }
/// network!(INPUT => LAYER => … => LAYER, option = value, …)
/// network!(<INPUT => LAYER => … => LAYER>: f64, option = value, …)
/// ```
///
/// The first form declares a struct; attributes, visibility, element type and options may be left out. The other
/// two are expressions: their value is a `Box` of a new, initialised network whose type has no name.
///
/// ```
/// use nn_train::{Network, network};
///
/// const HIDDEN: usize = 48;
///
/// network! {
///     /// Reads 8 × 8 images of digits.
///     pub struct Digits<64 => HIDDEN relu dropout(0.2) => 10 softmax>, init = he_normal;
/// }
///
/// let digits = Digits::new(42);
/// let probabilities: [f32; 10] = digits.predict(&[0.0; 64]);
/// assert_eq!(digits.layer1.weights[47].len(), 64);
///
/// let tiny = network!(2 => 4 => 4 => 4);
/// assert_eq!(tiny.predict(&[0.0, 1.0]).len(), 4);
/// # assert_eq!(probabilities.len(), 10);
/// ```
///
/// # A layer
///
/// `width [activation] [dropout(p)]`, the last two in either order. The width is an integer literal or the path to
/// a `const …: usize`. The input layer has a width only. `dropout(p)`, 0 ≤ p < 1, belongs to hidden layers: in
/// training, each unit of the layer is silenced with probability p.
///
/// | activation | g(z) |
/// |---|---|
/// | `sigmoid` | 1 / (1 + e^-z); what a layer has when none is named, the output too |
/// | `tanh` | tanh z |
/// | `relu` | max(0, z) |
/// | `leaky_relu(a)` | z where z > 0, a·z elsewhere |
/// | `elu` | z where z > 0, e^z - 1 elsewhere |
/// | `gelu` | z · Φ(z), in its tanh form |
/// | `silu` | z · sigmoid(z), also known as swish |
/// | `softplus` | ln(1 + e^z) |
/// | `linear` | z |
/// | `softmax` | e^z_k / Σ_j e^z_j; on the output only |
///
/// # Options
///
/// The element type is `f32`, or what stands behind a colon: `f32` or `f64`.
///
/// | option | values | when left out |
/// |---|---|---|
/// | `loss` | `cross_entropy` (on sigmoid or softmax), `mse`, `mae`, `huber(d)` with d > 0 (not on softmax) | `cross_entropy` for a sigmoid or softmax output, `mse` for others |
/// | `init` | `xavier_uniform`, `xavier_normal`, `he_uniform`, `he_normal`, `lecun_uniform`, `lecun_normal`, or `symmetric(ε)`: every parameter, the bias too, uniform in \[-ε, ε\] | by each layer's activation |
/// | `seed` | an integer literal, a `u64` | 0 |
///
/// The seed is that of `initialized()`, and so of the expression forms; `new(seed)` takes its own.
///
/// # What it declares
///
/// ```
/// # use nn_train::Dense;
/// # const HIDDEN: usize = 48;
/// #[repr(C)]
/// pub struct Digits {
///     pub layer1: Dense<f32, 64, HIDDEN>,
///     pub layer2: Dense<f32, HIDDEN, 10>,
/// }
/// ```
///
/// with the struct's visibility on its fields; `Network`; `HasLayer<1>` and `HasLayer<2>`, on which
/// `theta::<1>()` rests; `Clone`, `PartialEq`, a `Debug` that prints shapes and not numbers; and, with the feature
/// `serde` of nn-train, `Serialize` and `Deserialize`. Attributes go to the struct; a `#[cfg(…)]` governs the
/// implementations too. Deriving one of these traits again is an error, as is `#[repr(…)]`.
///
/// # Pitfalls
///
/// - `net.clone()` on a `Box<Digits>` is a method of its own that copies on the heap; the `clone` of `Box` itself
///   may pass the whole network over the stack. The method hides `Clone`'s in paths: for a network that is not in
///   a box write `Clone::clone(&net)` or `net.clone()`, not `Digits::clone(&net)`.
/// - A local variable or a generic parameter cannot be a width: the type is declared outside of the function that
///   has them.
/// - The expansion holds an `unsafe impl`, allowed where it stands. `#![deny(unsafe_code)]` accepts that;
///   `#![forbid(unsafe_code)]` does not, as with any derive of an unsafe trait, bytemuck's for instance. Declare
///   networks in a module or crate that denies instead.
///
/// # Faults
///
/// All faults of a call are reported at once, each where it is and with the mend:
///
/// ```compile_fail
/// # use nn_train::network;
/// network! { pub struct Digits<64 => 48 relo => 10>, sed = 1; }
/// // error: unknown activation `relo`; did you mean `relu`?
/// // error: unknown option `sed`; did you mean `seed`?
/// ```
#[proc_macro]
pub fn network(call: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::expand(call.into()).into()
}
