//! The elementary functions against better arithmetic: f32 against the standard library's f64, f64 against 160-bit
//! numbers, for every instruction set that this CPU has.
//!
//! `cargo test --release -p nn-kernels --test math -- --ignored --nocapture` tries every f32 there is and prints the
//! worst case of each function; `docs/performance.md` records its outcome.

use astro_float::{BigFloat, Consts, RoundingMode};
use nn_kernels::Element;
use nn_kernels::isa::{InstructionSet, Kernel, Simd};
use nn_kernels::math;

/// A function under test: its vector form, its exact value, its bound in ULP, and where it is held to it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Exp,
    ExpM1,
    Ln,
    Sigmoid,
    Tanh,
    Softplus,
}

const FUNCTIONS: [Function; 6] =
    [Function::Exp, Function::ExpM1, Function::Ln, Function::Sigmoid, Function::Tanh, Function::Softplus];

impl Function {
    #[inline(always)]
    fn vector<T: Element, S: Simd<T>>(self, s: S, x: S::V) -> S::V {
        match self {
            Self::Exp => math::exp(s, x),
            Self::ExpM1 => math::exp_m1(s, x),
            Self::Ln => math::ln(s, x),
            Self::Sigmoid => math::sigmoid(s, x),
            Self::Tanh => math::tanh(s, x),
            Self::Softplus => math::softplus(s, x),
        }
    }

    /// In f64, accurate to far less than an f32's ULP.
    fn in_f64(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            Self::ExpM1 => x.exp_m1(),
            Self::Ln => x.ln(),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        }
    }

    /// In 160 bits.
    fn in_160_bits(self, x: f64, consts: &mut Consts) -> BigFloat {
        const P: usize = 160;
        const RM: RoundingMode = RoundingMode::ToEven;
        let one = BigFloat::from_f64(1.0, P);
        let big = BigFloat::from_f64(x, P);
        match self {
            Self::Exp => big.exp(P, RM, consts),
            // 160 bits leave enough behind the cancellation for |x| > 2^-60.
            Self::ExpM1 => big.exp(P, RM, consts).sub(&one, P, RM),
            Self::Ln => big.ln(P, RM, consts),
            Self::Sigmoid => one.div(&one.add(&big.neg().exp(P, RM, consts), P, RM), P, RM),
            Self::Tanh => big.tanh(P, RM, consts),
            // e^-700 is 2^-1010: 1 + e^x needs that many bits to keep any of it.
            Self::Softplus => one.add(&big.exp(P, RM, consts), 1200, RM).ln(1200, RM, consts),
        }
    }

    /// What the documentation promises.
    fn bound(self) -> f64 {
        match self {
            Self::Exp => 1.0,
            Self::ExpM1 | Self::Ln => 2.0,
            Self::Sigmoid | Self::Tanh | Self::Softplus => 3.0,
        }
    }

    /// Whether the bound is promised at `x` with the exact result `y`.
    fn promised<T: Float>(self, x: f64, y: f64) -> bool {
        match self {
            Self::Exp | Self::ExpM1 | Self::Tanh => true,
            Self::Ln => x >= T::MIN_NORMAL && x < f64::INFINITY,
            // They saturate at about the least normal number.
            Self::Sigmoid | Self::Softplus => y >= 4.0 * T::MIN_NORMAL,
        }
    }
}

/// What the tests need to know of the element types.
trait Float: Element {
    const MIN_NORMAL: f64;
    const MAX: f64;
    const MANTISSA_BITS: i32;
    const MIN_EXPONENT: i32;
}

impl Float for f32 {
    const MIN_NORMAL: f64 = f32::MIN_POSITIVE as f64;
    const MAX: f64 = f32::MAX as f64;
    const MANTISSA_BITS: i32 = 23;
    const MIN_EXPONENT: i32 = -126;
}

impl Float for f64 {
    const MIN_NORMAL: f64 = f64::MIN_POSITIVE;
    const MAX: f64 = f64::MAX;
    const MANTISSA_BITS: i32 = 52;
    const MIN_EXPONENT: i32 = -1022;
}

/// The unit in the last place of `T` at a finite value `y`.
fn ulp<T: Float>(y: f64) -> f64 {
    let exponent = if y == 0.0 { T::MIN_EXPONENT } else { y.abs().log2().floor() as i32 };
    f64::from(exponent.max(T::MIN_EXPONENT) - T::MANTISSA_BITS).exp2()
}

/// Applies a function to a slice, whole vectors and the rest.
struct Apply<'a, T> {
    function: Function,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Element> Kernel<T> for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        for (x, y) in self.x.chunks(S::LANES).zip(self.y.chunks_mut(S::LANES)) {
            let v = s.load_partial(x, T::ONE);
            s.store_partial(self.function.vector(s, v), y);
        }
    }
}

/// The sets of this CPU; those that it lacks are reported.
#[allow(clippy::print_stdout, reason = "a set that was not tested must be seen")]
fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::NAMES.into_iter().filter_map(|name| {
        let set = name.parse().ok();
        if set.is_none() {
            println!("not run: this CPU has no {name}");
        }
        set
    })
}

fn apply<T: Element>(isa: InstructionSet, function: Function, x: &[T]) -> Vec<T> {
    let mut y = vec![T::from_f64(f64::NAN); x.len()];
    T::dispatch(isa, Apply { function, x, y: &mut y });
    y
}

/// Fails on NaN: a result that is not a number has an infinite error.
fn error_in_ulp<T: Float>(found: f64, exact: f64) -> f64 {
    if exact.abs() > T::MAX * (1.0 + 1e-9) {
        return if found == exact.signum() * f64::INFINITY { 0.0 } else { f64::INFINITY };
    }
    if found.is_infinite() && exact.abs() > T::MAX * (1.0 - 2.0 * 2.0_f64.powi(-T::MANTISSA_BITS)) {
        return 0.0;
    }
    let error = (found - exact).abs() / ulp::<T>(exact);
    if error.is_nan() { f64::INFINITY } else { error }
}

#[test]
fn the_measure_of_errors_fails_where_it_should() {
    assert_eq!(error_in_ulp::<f32>(f64::NAN, 1.0), f64::INFINITY);
    assert_eq!(error_in_ulp::<f32>(f64::INFINITY, 1.0), f64::INFINITY);
    assert!(error_in_ulp::<f32>(1.0, 0.0) > 1e30, "an exact zero is no excuse");
    assert_eq!(error_in_ulp::<f32>(1.0 + 2.0_f64.powi(-23), 1.0), 1.0);
    assert_eq!(error_in_ulp::<f64>(2.0 - 2.0_f64.powi(-51), 2.0), 1.0);
}

/// The worst error of a function over `xs`, and where.
fn worst_f32(isa: InstructionSet, function: Function, xs: &[f32]) -> (f64, f32) {
    let ys = apply(isa, function, xs);
    let mut worst = (0.0, 0.0);
    for (&x, &y) in xs.iter().zip(&ys) {
        let exact = function.in_f64(x.into());
        if exact.is_nan() {
            continue;
        }
        if function.promised::<f32>(x.into(), exact) {
            let error = error_in_ulp::<f32>(y.into(), exact);
            if error > worst.0 {
                worst = (error, x);
            }
        } else if function != Function::Ln {
            assert!((0.0..=8.0 * f32::MIN_POSITIVE).contains(&y), "{function:?}({x}) = {y} under {isa}");
        }
    }
    worst
}

#[test]
fn f32_within_bounds_on_a_dense_sample() {
    // Every 4,001st bit pattern, and every one near the points where a range ends.
    let mut xs: Vec<f32> = (0..u32::MAX / 4001).map(|i| f32::from_bits(i * 4001)).collect();
    for centre in
        [0.0_f32, 0.346_573_6, -0.346_573_6, 1.0, 88.7228, -87.3365, -103.97, 20.0, -20.0, 1.333_333_4, -2.036_292_8]
    {
        let bits = centre.to_bits();
        xs.extend((0..2000).map(|i| f32::from_bits(bits.wrapping_add(i).wrapping_sub(1000))));
    }
    for (isa, function) in sets().flat_map(|isa| FUNCTIONS.map(|function| (isa, function))) {
        let (error, x) = worst_f32(isa, function, &xs);
        assert!(error <= function.bound(), "{function:?}({x:e}) is {error} ULP off under {isa}");
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "its outcome is recorded by hand")]
#[ignore = "2^32 values for every function and set take minutes; run by hand in release, see the head of the file"]
fn f32_within_bounds_everywhere() {
    let mut beyond = vec![];
    for function in FUNCTIONS {
        for isa in sets() {
            let mut worst = (0.0, 0.0);
            for block in 0..1 << 12 {
                let xs: Vec<f32> = (0..1 << 20).map(|i| f32::from_bits((block << 20) | i)).collect();
                let found = worst_f32(isa, function, &xs);
                if found.0 > worst.0 {
                    worst = found;
                }
            }
            println!("{function:?} f32 {isa}: {:.3} ULP at {:e}", worst.0, worst.1);
            if worst.0 > function.bound() {
                beyond.push((function, isa, worst));
            }
        }
    }
    assert!(beyond.is_empty(), "{beyond:?}");
}

#[test]
fn f64_within_bounds_on_a_sample() {
    let mut consts = Consts::new().expect("memory for a few constants");
    for function in FUNCTIONS {
        let limit = if function == Function::Ln { 1e300 } else { 700.0 };
        let mut xs = vec![];
        for i in 1..600 {
            // Dense around 1, thinner towards both ends, of both signs.
            let x = (f64::from(i) / 100.0).powi(5) / 6.0_f64.powi(5) * limit;
            xs.extend([x, -x, 1.0 / (1.0 + x), f64::from(i) * 0.011_37, -f64::from(i) * 0.011_37]);
        }
        xs.retain(|&x| x.abs() > 1e-16 && (function != Function::Ln || x > 0.0) && x != 1.0);
        let exact: Vec<BigFloat> = xs.iter().map(|&x| function.in_160_bits(x, &mut consts)).collect();
        for isa in sets() {
            let ys = apply(isa, function, &xs);
            for ((&x, &y), exact) in xs.iter().zip(&ys).zip(&exact) {
                // The difference is taken in 160 bits; only its size is needed as an f64.
                let difference = BigFloat::from_f64(y, 160).sub(exact, 160, RoundingMode::ToEven);
                let nearest: f64 = function.in_f64(x);
                if !function.promised::<f64>(x, nearest) {
                    continue;
                }
                let error = difference.to_string().parse::<f64>().expect("a number").abs() / ulp::<f64>(nearest);
                assert!(error <= function.bound(), "{function:?}({x:e}) is {error} ULP off under {isa}");
            }
        }
    }
}

/// The values at the edges of arithmetic, for either element type.
fn special_values<T: Float>() {
    let at = |function: Function, x: f64, set: &mut dyn FnMut(Function, T) -> T| set(function, T::from_f64(x)).to_f64();
    let check = |set: &mut dyn FnMut(Function, T) -> T| {
        let inf = f64::INFINITY;
        for function in FUNCTIONS {
            assert!(at(function, f64::NAN, set).is_nan(), "{function:?}(NaN)");
        }
        assert_eq!(at(Function::Exp, inf, set), inf);
        assert_eq!(at(Function::Exp, -inf, set), 0.0);
        assert_eq!(at(Function::Exp, 0.0, set), 1.0);
        assert_eq!(at(Function::Exp, T::MAX, set), inf);
        assert_eq!(at(Function::Exp, -T::MAX, set), 0.0);
        assert_eq!(at(Function::ExpM1, inf, set), inf);
        assert_eq!(at(Function::ExpM1, -inf, set), -1.0);
        assert_eq!(at(Function::Ln, 1.0, set), 0.0);
        assert_eq!(at(Function::Sigmoid, inf, set), 1.0);
        assert!((0.0..=4.0 * T::MIN_NORMAL).contains(&at(Function::Sigmoid, -inf, set)));
        assert_eq!(at(Function::Sigmoid, 0.0, set), 0.5);
        assert_eq!(at(Function::Tanh, inf, set), 1.0);
        assert_eq!(at(Function::Tanh, -inf, set), -1.0);
        assert_eq!(at(Function::Softplus, inf, set), inf);
        assert!((0.0..=4.0 * T::MIN_NORMAL).contains(&at(Function::Softplus, -inf, set)));
        for function in [Function::ExpM1, Function::Tanh] {
            for zero in [0.0, -0.0] {
                let y = at(function, zero, set);
                assert!(y == 0.0 && y.is_sign_negative() == zero.is_sign_negative(), "{function:?}({zero:?}) = {y:?}");
            }
            let denormal = T::MIN_NORMAL / 4.0;
            assert_eq!(at(function, denormal, set), denormal, "{function:?} of a denormal number");
            assert_eq!(at(function, -denormal, set), -denormal, "{function:?} of a denormal number");
        }
    };
    for isa in sets() {
        check(&mut |function, x| apply(isa, function, &[x])[0]);
    }
}

#[test]
fn special_values_f32() {
    special_values::<f32>();
}

#[test]
fn special_values_f64() {
    special_values::<f64>();
}
