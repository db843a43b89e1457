//! Each operation of every instruction set, lane by lane, against the same in scalar f64: sets as they are, and in bundles.

mod support;

use nn_kernels::Element;
use nn_kernels::isa::{InstructionSet, Kernel, Simd, Vector};

use support::Numbers;

/// Room for a vector of any set, or a bundle of them.
const ROOM: usize = 64;

/// What one operation made of the lanes of three vectors.
struct Outcome<T> {
    operation: &'static str,
    lanes: Vec<T>,
    /// Of a, b and c.
    expected: fn(f64, f64, f64) -> f64,
    /// What the result may be off by, in units of [`Element::EPSILON`] times this, of a, b and c; 0 where it is exact.
    scale: fn(f64, f64, f64) -> f64,
}

const EXACT: fn(f64, f64, f64) -> f64 = |_, _, _| 0.0;

struct Operations<'a, T> {
    numbers: [&'a [T]; 3],
}

#[inline(always)]
fn operations<T: Element, S: Simd<T>>(s: S, [a, b, c]: [&[T]; 3]) -> Vec<Outcome<T>> {
    let [x, y, z] = [s.load(a), s.load(b), s.load(c)];
    let lanes = |vector: S::V| {
        let mut lanes = vec![T::from_f64(f64::NAN); S::LANES];
        s.store(vector, &mut lanes);
        lanes
    };
    let truth = |mask| lanes(S::V::select(mask, s.splat(T::ONE), s.splat(T::ZERO)));
    let outcome = |operation, lanes, expected, scale| Outcome { operation, lanes, expected, scale };
    vec![
        outcome("+", lanes(x + y), |a, b, _| a + b, |a, b, _| (a + b).abs()),
        outcome("-", lanes(x - y), |a, b, _| a - b, |a, b, _| (a - b).abs()),
        outcome("*", lanes(x * y), |a, b, _| a * b, |a, b, _| (a * b).abs()),
        outcome("/", lanes(x / y), |a, b, _| a / b, |a, b, _| (a / b).abs()),
        outcome("quotient", lanes(x.quotient(y)), |a, b, _| a / b, |a, b, _| 2.0 * (a / b).abs()),
        outcome("neg", lanes(-x), |a, _, _| -a, EXACT),
        outcome("mul_add", lanes(x.mul_add(y, z)), |a, b, c| a * b + c, |a, b, c| (a * b).abs() + c.abs()),
        outcome("neg_mul_add", lanes(x.neg_mul_add(y, z)), |a, b, c| c - a * b, |a, b, c| (a * b).abs() + c.abs()),
        outcome("min", lanes(x.min(y)), |a, b, _| a.min(b), EXACT),
        outcome("max", lanes(x.max(y)), |a, b, _| a.max(b), EXACT),
        outcome("abs", lanes(x.abs()), |a, _, _| a.abs(), EXACT),
        outcome("copysign", lanes(x.copysign(y)), |a, b, _| a.abs().copysign(b), EXACT),
        outcome("sqrt", lanes(x.abs().sqrt()), |a, _, _| a.abs().sqrt(), |a, _, _| a.abs().sqrt()),
        outcome("round", lanes(x.round()), |a, _, _| a.round_ties_even(), EXACT),
        outcome("exp2_integral", lanes(x.round().exp2_integral()), |a, _, _| a.round_ties_even().exp2(), EXACT),
        outcome("mul_exp2", lanes(y.mul_exp2(x.round())), |a, b, _| b * a.round_ties_even().exp2(), EXACT),
        outcome("round_and_exp2, n", lanes(x.round_and_exp2(s.splat(T::ONE)).0), |a, _, _| a.round_ties_even(), EXACT),
        outcome(
            "round_and_exp2, 2ⁿ",
            lanes(x.round_and_exp2(s.splat(T::ONE)).1),
            |a, _, _| a.round_ties_even().exp2(),
            EXACT,
        ),
        outcome(
            "split_exponent, mantissa",
            lanes(x.abs().split_exponent().0),
            |a, _, _| a.abs() / exponent(a).exp2(),
            EXACT,
        ),
        outcome("split_exponent, exponent", lanes(x.abs().split_exponent().1), |a, _, _| exponent(a), EXACT),
        outcome("lt", truth(x.lt(y)), |a, b, _| f64::from(a < b), EXACT),
        outcome("lt itself", truth(x.lt(x)), |_, _, _| 0.0, EXACT),
        outcome("le", truth(x.le(y)), |a, b, _| f64::from(a <= b), EXACT),
        outcome("le itself", truth(x.le(x)), |_, _, _| 1.0, EXACT),
        outcome("is_nan", truth(x.is_nan()), |_, _, _| 0.0, EXACT),
        outcome("select", lanes(S::V::select(x.lt(y), y, z)), |a, b, c| if a < b { b } else { c }, EXACT),
        outcome("load_first", lanes(first_lanes(s, a)), |a, _, _| a, EXACT),
    ]
}

/// ⌊log₂ |a|⌋.
fn exponent(a: f64) -> f64 {
    f64::from(((a.to_bits() >> 52) & 0x7ff) as i32 - 1023)
}

/// All lanes by way of the load that is told how many.
#[inline(always)]
fn first_lanes<T: Element, S: Simd<T>>(s: S, a: &[T]) -> S::V {
    assert!(a.len() >= S::LANES);
    // SAFETY: there are as many numbers.
    unsafe { s.load_first(a.as_ptr(), S::LANES) }
}

impl<T: Element> Kernel<T> for Operations<'_, T> {
    type Output = [(usize, Vec<Outcome<T>>); 2];

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> Self::Output {
        let Self { numbers } = self;
        [(S::LANES, operations(s, numbers)), (<S::Wide as Simd<T>>::LANES, operations(s.wide(), numbers))]
    }
}

fn every_operation<T: Element>() {
    let mut numbers = Numbers::new(15);
    for set in InstructionSet::available() {
        for round in 0..200 {
            // From the smallest exponents that all operations allow for to the largest, ties among them.
            let reach = [1.0, 8.0, 60.0][round % 3];
            let draw = |numbers: &mut Numbers| -> Vec<T> {
                let halves = |value: f64| if round % 4 == 0 { (2.0 * value).round() / 2.0 } else { value };
                numbers
                    .between(-reach, reach, ROOM)
                    .into_iter()
                    .map(|v| T::from_f64(halves(v) + 2.0_f64.powi(-10)))
                    .collect()
            };
            let (a, b, c) = (draw(&mut numbers), draw(&mut numbers), draw(&mut numbers));
            for (lanes, outcomes) in T::dispatch(set, Operations { numbers: [&a, &b, &c] }) {
                for Outcome { operation, lanes: found, expected, scale } in outcomes {
                    assert_eq!(found.len(), lanes);
                    for (lane, found) in found.into_iter().enumerate() {
                        let [a, b, c] = [a[lane], b[lane], c[lane]].map(T::to_f64);
                        let (found, expected) = (found.to_f64(), expected(a, b, c));
                        let bound = scale(a, b, c) * T::EPSILON.to_f64();
                        assert!(
                            (found - expected).abs() <= bound,
                            "{set}, {}, {lanes} lanes: {operation} of {a}, {b}, {c} is {found}, not {expected}",
                            T::NAME
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn every_operation_is_that_of_each_lane() {
    every_operation::<f32>();
    every_operation::<f64>();
}

/// What the lanes of a vector come to together, and what part of it is loaded and stored.
struct Lanes<'a, T> {
    numbers: &'a [T],
}

impl<T: Element> Kernel<T> for Lanes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        lanes(s, self.numbers);
        lanes(s.wide(), self.numbers);
        blocks(s);
    }
}

#[inline(always)]
fn lanes<T: Element, S: Simd<T>>(s: S, numbers: &[T]) {
    let (all, name) = (&numbers[..S::LANES], S::NAME);
    let vector = s.load(numbers);
    let sum: f64 = all.iter().map(|number| number.to_f64()).sum();
    let size: f64 = all.iter().map(|number| number.to_f64().abs()).sum();
    assert!((vector.sum().to_f64() - sum).abs() <= size * T::EPSILON.to_f64() * 8.0, "{name}: the sum of {all:?}");
    let most = all.iter().map(|number| number.to_f64()).fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(vector.max_lane().to_f64(), most, "{name}: the greatest of {all:?}");

    let mut found = vec![T::ZERO; 2 * S::LANES];
    let (even, odd) = s.load(numbers).unzip(s.load(&numbers[S::LANES..]));
    s.store(even, &mut found);
    s.store(odd, &mut found[S::LANES..]);
    let pairs = numbers[..2 * S::LANES].chunks(2);
    let expected: Vec<T> = pairs.clone().map(|pair| pair[0]).chain(pairs.map(|pair| pair[1])).collect();
    assert_eq!(found, expected, "{name}: unzip");

    let nan = T::from_f64(f64::NAN);
    for count in 0..=S::LANES {
        let fill = T::from_f64(-7.0);
        let filled = |fill: T| -> Vec<T> { (0..S::LANES).map(|i| if i < count { numbers[i] } else { fill }).collect() };
        let mut found = vec![nan; S::LANES];
        s.store(s.load_partial(&numbers[..count], fill), &mut found);
        assert_eq!(found, filled(fill), "{name}: load_partial of {count}");
        // SAFETY: there are as many numbers.
        s.store(unsafe { s.load_first(numbers.as_ptr(), count) }, &mut found);
        assert_eq!(found, filled(T::ZERO), "{name}: load_first of {count}");
        let mut target = vec![fill; S::LANES];
        s.store_partial(vector, &mut target[..count]);
        assert_eq!(target, filled(fill), "{name}: store_partial of {count}");
        target.fill(fill);
        // SAFETY: there is as much room.
        unsafe { s.store_first(vector, target.as_mut_ptr(), count) };
        assert_eq!(target, filled(fill), "{name}: store_first of {count}");
    }

    // A NaN as the other operand comes out of both.
    for vector in [vector.min(s.splat(nan)), vector.max(s.splat(nan))] {
        s.store(vector, &mut found);
        assert!(found[..S::LANES].iter().all(|lane| lane.to_f64().is_nan()), "{name}: {found:?}");
    }
    let (mut is_nan, nan) = (vec![T::ZERO; S::LANES], s.splat(nan));
    s.store(S::V::select(nan.is_nan(), s.splat(T::ONE), s.splat(T::ZERO)), &mut is_nan);
    assert_eq!(is_nan, vec![T::ONE; S::LANES], "{name}: is_nan");
    for mask in [nan.lt(vector), vector.lt(nan), nan.le(nan)] {
        s.store(S::V::select(mask, s.splat(T::ONE), s.splat(T::ZERO)), &mut is_nan);
        assert_eq!(is_nan, vec![T::ZERO; S::LANES], "{name}: NaN compared");
    }
}

#[inline(always)]
fn blocks<T: Element, S: Simd<T>>(s: S) {
    let (name, block) = (S::NAME, S::BLOCK);
    let (from_row, to_row) = (block + 3, block + 5);
    let from: Vec<T> = (0..block * from_row).map(|i| T::from_f64(i as f64)).collect();
    let untouched = T::from_f64(-1.0);
    let mut to = vec![untouched; block * to_row];
    // SAFETY: both have rows of a block.
    unsafe { s.transpose(from.as_ptr(), from_row, to.as_mut_ptr(), to_row) };
    for (place, found) in to.into_iter().enumerate() {
        let (row, column) = (place / to_row, place % to_row);
        let expected = if column < block { from[column * from_row + row] } else { untouched };
        assert_eq!(found, expected, "{name}: row {row}, column {column} of a block turned");
    }

    let vectors: Vec<T> = (0..S::LANES * S::LANES).map(|i| T::from_f64((i * i % 97) as f64)).collect();
    let mut sums = vec![T::ZERO; S::LANES];
    // SAFETY: there are as many vectors as lanes.
    s.store(unsafe { s.sum_each(vectors.as_ptr()) }, &mut sums);
    let expected: Vec<T> = vectors.chunks(S::LANES).map(|vector| vector.iter().copied().sum()).collect();
    assert_eq!(sums, expected, "{name}: sum_each");
}

#[test]
fn lanes_find_their_places() {
    fn check<T: Element>() {
        let numbers: Vec<T> = Numbers::new(16).between(-5.0, 5.0, 2 * ROOM).into_iter().map(T::from_f64).collect();
        for set in InstructionSet::available() {
            T::dispatch(set, Lanes { numbers: &numbers });
        }
    }
    check::<f32>();
    check::<f64>();
}
