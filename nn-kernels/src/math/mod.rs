//! Elementary functions over [`Simd`], lane by lane.
//!
//! Every function takes the token and a vector, and is `#[inline(always)]`, so that a kernel that calls it is one
//! piece of straight-line code. Each states its method, its source and its error in ULP (units in the last place of
//! the correctly rounded result), which `tests/math.rs` holds it to.

mod exp;
mod log;
mod sigmoid;

pub use exp::{ExpConstants, exp, exp_clamped, exp_m1};
pub(crate) use log::ln_1p;
pub use log::{LogConstants, ln, softplus, softplus_from_exp};
pub use sigmoid::{sigmoid, sigmoid_from_exp, tanh};

use crate::Element;
use crate::isa::{Simd, Vector};

/// The constants that the functions of this module need of an element type.
pub trait MathConstants: ExpConstants + LogConstants {}
impl<T: ExpConstants + LogConstants> MathConstants for T {}

/// Horner's scheme; the constant term comes first.
///
/// A loop rather than a fold: a closure would be a function of its own, compiled without the instruction set.
#[inline(always)]
fn polynomial<T: Element, S: Simd<T>>(s: S, x: S::V, coefficients: &'static [T]) -> S::V {
    let mut sum = s.splat(T::ZERO);
    let mut rest = coefficients.len();
    while rest > 0 {
        rest -= 1;
        sum = if rest + 1 == coefficients.len() {
            s.splat(coefficients[rest])
        } else {
            sum.mul_add(x, s.splat(coefficients[rest]))
        };
    }
    sum
}
