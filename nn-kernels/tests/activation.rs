//! g and g' over slices, in every instruction set, against the reference number by number.

mod support;

use nn_kernels::activation::{activate, activate_with_derivative};
use nn_kernels::isa::{Kernel, Simd};
use nn_kernels::reference::{self, Matrix};
use nn_kernels::{Activation, Element, InstructionSet};
use support::{HIDDEN, Numbers, cast, poison, widen};

/// g of a slice; with room for them, g' too.
struct Activate<'a, T> {
    activation: Activation,
    width: usize,
    z: &'a mut [T],
    a: Option<&'a mut [T]>,
}

impl<T: Element> Kernel<T> for Activate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        match self.a {
            Some(a) => activate_with_derivative(s, self.activation, self.width, self.z, a),
            None => activate(s, self.activation, self.width, self.z),
        }
    }
}

/// g(z) and g'(z), the former by both functions, which must agree to the bit.
fn run<T: Element>(set: InstructionSet, activation: Activation, width: usize, z: &[T]) -> (Vec<f64>, Vec<f64>) {
    let mut alone = z.to_vec();
    T::dispatch(set, Activate { activation, width, z: &mut alone, a: None });
    let mut derivative = z.to_vec();
    let mut a = poison::<T>(z.len());
    T::dispatch(set, Activate { activation, width, z: &mut derivative, a: Some(&mut a) });
    // All NaN are one here: of their signs nothing is said.
    let one_nan = |value: &f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    let bits = |values: &[T]| widen(values).iter().map(one_nan).collect::<Vec<_>>();
    assert_eq!(bits(&alone), bits(&a), "{activation} in {set}");
    (widen(&a), widen(&derivative))
}

fn is_the_reference<T: Element>() {
    let largest = if T::NAME == "f32" { 3e38 } else { 1.7e308 };
    let mut numbers = Numbers::new(1);
    let mut z = numbers.between(-6.0, 6.0, 2000);
    z.extend(numbers.between(-100.0, 100.0, 500));
    z.extend([0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, 1e30, -1e30, largest, -largest, 20.0, -20.0, 760.0, -760.0]);
    let z = cast::<T>(&z);
    let column = Matrix::from_samples(&widen(&z), 1);
    for set in InstructionSet::available() {
        for activation in HIDDEN {
            let (a, derivative) = run(set, activation, 1, &z);
            let expected = reference::activate(activation, &column).to_samples();
            let expected_derivative = reference::activation_derivative(activation, &column).to_samples();
            for (i, z) in widen(&z).into_iter().enumerate() {
                let what = format!("{activation}({z:e}) in {set}, {}", T::NAME);
                // Parts of the result, or of 1 where it is smaller: a(1 - a) and its kin cancel.
                let bound = |value: f64| 8.0 * T::EPSILON.to_f64() * value.abs().max(1.0);
                let (error, allowed) = ((a[i] - expected[i]).abs(), bound(expected[i]));
                assert!(error <= allowed, "{what} = {:e}, expected {:e}", a[i], expected[i]);
                let (error, allowed) = ((derivative[i] - expected_derivative[i]).abs(), bound(expected_derivative[i]));
                assert!(error <= allowed, "{what}' = {:e}, expected {:e}", derivative[i], expected_derivative[i]);
            }
        }
    }
}

#[test]
fn f32_is_the_reference() {
    is_the_reference::<f32>();
}

#[test]
fn f64_is_the_reference() {
    is_the_reference::<f64>();
}

#[test]
fn nan_stays_nan() {
    for set in InstructionSet::available() {
        for activation in HIDDEN {
            // Long enough for whole vectors and a rest.
            let (a, _) = run(set, activation, 1, &[f32::NAN; 37]);
            assert!(a.iter().all(|a| a.is_nan()), "{activation} in {set}");
        }
        let mut row = [0.5_f32; 21];
        row[3] = f32::NAN;
        assert!(run(set, Activation::Softmax, 21, &row).0.iter().all(|a| a.is_nan()), "softmax in {set}");
    }
}

#[test]
fn a_number_does_not_depend_on_its_place() {
    let z = cast::<f32>(&Numbers::new(2).between(-5.0, 5.0, 100));
    for set in InstructionSet::available() {
        for activation in HIDDEN {
            let whole = run(set, activation, 1, &z);
            for start in [1, 7, 50, 99] {
                let (a, derivative) = run(set, activation, 1, &z[start..]);
                assert_eq!((&whole.0[start..], &whole.1[start..]), (&a[..], &derivative[..]), "{activation} in {set}");
            }
        }
    }
}

#[test]
fn softmax_rows_are_distributions() {
    for set in InstructionSet::available() {
        for width in [1, 2, 3, 8, 10, 16, 17, 40] {
            let mut z = Numbers::new(3).between(-30.0, 30.0, 5 * width);
            z[0] = 3e38;
            z[width] = -3e38;
            let z = cast::<f32>(&z);
            let (a, ones) = run(set, Activation::Softmax, width, &z);
            let expected = reference::activate(Activation::Softmax, &Matrix::from_samples(&widen(&z), width));
            for (a, expected) in a.iter().zip(expected.to_samples()) {
                assert!((a - expected).abs() <= 1e-6, "{a} {expected}, {width} in {set}");
            }
            for row in a.chunks(width) {
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-5);
            }
            assert!(ones.iter().all(|&one| one == 1.0));
        }
    }
}
