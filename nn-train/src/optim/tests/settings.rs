//! Settings out of range, which an error names.

use super::super::*;

/// The setting that a validation complains of.
fn fault(result: Result<(), Error>) -> &'static str {
    match result {
        Ok(()) => "none",
        Err(Error::Setting { name, .. }) => name,
        Err(_) => "another error",
    }
}

fn check<T: Element>(optimizer: impl Optimizer) -> &'static str {
    fault(optimizer.validate::<T>())
}

#[test]
fn settings_out_of_range_are_named() {
    for bad in [0.0, -0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(check::<f64>(Adam::default().epsilon(bad)), "epsilon");
        assert_eq!(check::<f64>(RmsProp::default().epsilon(bad)), "epsilon");
        assert_eq!(check::<f64>(Adagrad::default().epsilon(bad)), "epsilon");
        assert_eq!(check::<f64>(Rprop::default().etas(bad, 1.2)), "eta_minus");
        assert_eq!(check::<f64>(Rprop::default().etas(0.5, bad)), "eta_plus");
        assert_eq!(check::<f64>(Rprop::default().step_sizes(bad, 50.0)), "step_size_min");
        assert_eq!(check::<f64>(Rprop::default().step_sizes(1e-6, bad)), "step_size_max");
    }
    for bad in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(check::<f64>(Sgd::default().momentum(bad)), "momentum");
        assert_eq!(check::<f64>(Adam::default().betas(bad, 0.9)), "beta1");
        assert_eq!(check::<f64>(AdamW::default().betas(0.9, bad)), "beta2");
        assert_eq!(check::<f64>(RmsProp::default().alpha(bad)), "alpha");
        assert_eq!(check::<f64>(RmsProp::default().momentum(bad)), "momentum");
        assert_eq!(check::<f64>(Lion::default().betas(bad, 0.9)), "beta1");
        assert_eq!(check::<f64>(Lion::default().betas(0.9, bad)), "beta2");
    }
    for bad in [-0.1, f64::NAN, f64::INFINITY] {
        assert_eq!(check::<f64>(AdamW::default().weight_decay(bad)), "weight_decay");
        assert_eq!(check::<f64>(Lion::default().weight_decay(bad)), "weight_decay");
        assert_eq!(check::<f64>(Adagrad::default().learning_rate_decay(bad)), "learning_rate_decay");
        assert_eq!(check::<f64>(Adagrad::default().initial_accumulator_value(bad)), "initial_accumulator_value");
        assert_eq!(fault(check_learning_rate::<f64>(bad)), "learning_rate");
    }
    assert_eq!(check::<f64>(Sgd::default().nesterov(true)), "momentum");
    assert_eq!(check::<f64>(Rprop::default().etas(1.0, 1.2)), "eta_minus");
    assert_eq!(check::<f64>(Rprop::default().etas(0.5, 1.0)), "eta_plus");
    assert_eq!(check::<f64>(Rprop::default().step_sizes(0.1, 0.09)), "step_size_max");
    assert_eq!(check::<f64>(Sgd::default()), "none");
    assert_eq!(check::<f32>(Adam::default()), "none");
    assert_eq!(check::<f32>(AdamW::default().weight_decay(0.0)), "none");
    assert_eq!(check::<f32>(RmsProp::default().centered(true)), "none");
    assert_eq!(check::<f32>(Adagrad::default()), "none");
    assert_eq!(check::<f32>(Lion::default()), "none");
    assert_eq!(check::<f32>(Rprop::default().step_sizes(0.1, 0.1)), "none");
}

/// What rounds to 0, 1 or infinity in the network's type is another setting than the one asked for.
#[test]
fn settings_that_the_type_cannot_express_are_named() {
    assert_eq!(check::<f64>(Adam::default().epsilon(1e-50)), "none");
    assert_eq!(check::<f32>(Adam::default().epsilon(1e-50)), "epsilon");
    assert_eq!(check::<f32>(AdamW::default().epsilon(1e50)), "epsilon");
    assert_eq!(check::<f64>(Adam::default().betas(0.9, 1.0 - 1e-12)), "none");
    assert_eq!(check::<f32>(Adam::default().betas(0.9, 1.0 - 1e-12)), "beta2");
    assert_eq!(check::<f32>(Sgd::default().momentum(1.0 - 1e-12)), "momentum");
    for (bad, name) in [
        (Rprop::default().etas(1e-50, 1.2), "eta_minus"),
        (Rprop::default().etas(1.0 - 1e-12, 1.2), "eta_minus"),
        (Rprop::default().etas(0.5, 1.0 + 1e-12), "eta_plus"),
        (Rprop::default().etas(0.5, 1e50), "eta_plus"),
        (Rprop::default().step_sizes(1e-50, 50.0), "step_size_min"),
        (Rprop::default().step_sizes(1e-6, 1e50), "step_size_max"),
    ] {
        assert_eq!((check::<f64>(bad), check::<f32>(bad)), ("none", name));
    }
    for (bad, name) in [
        (Adagrad::default().epsilon(1e-50), "epsilon"),
        (Adagrad::default().initial_accumulator_value(1e-50), "initial_accumulator_value"),
    ] {
        assert_eq!((check::<f64>(bad), check::<f32>(bad)), ("none", name));
    }
    assert_eq!(check::<f32>(RmsProp::default().alpha(1.0 - 1e-12)), "alpha");
    assert_eq!(check::<f32>(RmsProp::default().epsilon(1e-50)), "epsilon");
    assert_eq!(check::<f32>(RmsProp::default().momentum(1.0 - 1e-12)), "momentum");
    assert_eq!(check::<f32>(Lion::default().betas(0.9, 1.0 - 1e-12)), "beta2");
    for (rate, single) in [(1e-50, "learning_rate"), (1e50, "learning_rate"), (1e-30, "none"), (0.0, "none")] {
        assert_eq!(fault(check_learning_rate::<f32>(rate)), single, "{rate}");
        assert_eq!(fault(check_learning_rate::<f64>(rate)), "none", "{rate}");
    }
}

/// A decay that would turn weights around is refused before a step is taken.
#[test]
fn a_decay_of_everything_is_named() {
    fn refused(optimizer: impl Optimizer, learning_rate: f64) -> &'static str {
        fault(optimizer.update::<f32>(Step { number: 1, learning_rate, scalars: &mut [0.0] }).map(|_| ()))
    }
    for (rate, decay, expected) in [(0.1, 10.0, "weight_decay"), (0.1, 9.0, "none"), (1.0, 1e300, "weight_decay")] {
        assert_eq!(refused(AdamW::default().weight_decay(decay), rate), expected, "{rate} · {decay}");
        assert_eq!(refused(Lion::default().weight_decay(decay), rate), expected, "{rate} · {decay}");
    }
}

#[test]
fn powers_by_squaring() {
    for exponent in [0_u64, 1, 2, 3, 10, 1000, 12345] {
        let (found, expected) = (power(0.999, exponent), 0.999_f64.powf(exponent as f64));
        assert!((found - expected).abs() <= 1e-12 * expected);
    }
    assert_eq!(power(0.9, u64::MAX), 0.0);
    assert_eq!(power(0.0, 0), 1.0);
}
