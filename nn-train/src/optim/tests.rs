//! The optimisers against the papers' formulas, written out in plain `f64`.

use nn_kernels::{Activation, Architecture, Layer, LayerRange, Loss, update_all};

use super::*;

fn architecture(inputs: usize, outputs: usize) -> Architecture {
    Architecture::new(vec![Layer::new(inputs, outputs, Activation::Sigmoid)], Loss::CrossEntropy)
        .expect("a valid architecture")
}

fn set() -> InstructionSet {
    InstructionSet::best()
}

fn ranges(architecture: &Architecture) -> Vec<LayerRange> {
    architecture.ranges().collect()
}

/// A step of `optimizer`: Δ in `gradient` becomes Θ.
fn propose<T: Element>(
    optimizer: &Optimizer,
    state: &mut State<T>,
    ranges: &[LayerRange],
    theta: &[T],
    gradient: &mut [T],
) -> bool {
    state.step += 1;
    let [first, second] = &mut state.slots;
    let span = Span { theta, gradient, first: first.as_mut_slice(), second: second.as_mut_slice() };
    update_all(&optimizer.at::<T>(state.step), set(), ranges, span)
}

/// A gradient that differs from parameter to parameter and from step to step.
fn gradient(step: usize, index: usize) -> f64 {
    ((step * 31 + index * 17) as f64).sin() * 0.3
}

/// What a formula makes of each parameter: (index, its slots, θ, g, t) to θ.
type Formula<'a> = &'a dyn Fn(usize, &mut [f64; 2], f64, f64, i32) -> f64;

/// Ten steps of an optimiser against ten of a formula, on 3 × 7 weights and 3 bias numbers: a tail of the vectors.
fn compare<T: Element>(optimizer: impl Into<Optimizer>, tolerance: f64, formula: Formula<'_>) {
    let (optimizer, architecture) = (optimizer.into(), architecture(7, 3));
    let count = architecture.params();
    let start = |index: usize| (index as f64 * 0.7).cos();
    let mut theta: Vec<T> = (0..count).map(|index| T::from_f64(start(index))).collect();
    let mut expected: Vec<(f64, [f64; 2])> = (0..count).map(|index| (theta[index].to_f64(), [0.0; 2])).collect();
    let mut state = optimizer.state::<T>(count).expect("memory");
    for step in 1..=10 {
        let mut buffer: Vec<T> = (0..count).map(|index| T::from_f64(gradient(step, index))).collect();
        for (index, (parameter, slots)) in expected.iter_mut().enumerate() {
            *parameter = formula(index, slots, *parameter, buffer[index].to_f64(), step as i32);
        }
        assert!(propose(&optimizer, &mut state, &ranges(&architecture), &theta, &mut buffer));
        theta.copy_from_slice(&buffer);
        for (index, (&found, (expected, _))) in theta.iter().zip(&expected).enumerate() {
            let distance = (found.to_f64() - expected).abs();
            assert!(distance <= tolerance, "step {step}, parameter {index}: {found} and {expected}");
        }
    }
}

/// The same in both number types.
fn compare_both(optimizer: impl Into<Optimizer> + Copy, formula: Formula<'_>) {
    compare::<f64>(optimizer, 1e-14, formula);
    compare::<f32>(optimizer, 2e-6, formula);
}

#[test]
fn plain_descent() {
    compare_both(Sgd::new(0.1), &|_, _, theta, g, _| theta - 0.1 * g);
}

#[test]
fn polyak_momentum() {
    compare_both(Sgd::new(0.1).momentum(0.9), &|_, [v, _], theta, g, _| {
        *v = 0.9 * *v + g;
        theta - 0.1 * *v
    });
}

#[test]
fn nesterov_momentum() {
    compare_both(Sgd::new(0.1).momentum(0.8).nesterov(true), &|_, [v, _], theta, g, _| {
        *v = 0.8 * *v + g;
        theta - 0.1 * (g + 0.8 * *v)
    });
}

/// Sutskever et al., equations 3 and 4, whose parameters are those at which the gradient is taken less μ v: the
/// two forms are the same method.
#[test]
fn nesterov_momentum_is_a_look_ahead() {
    let (rate, momentum) = (0.05, 0.9);
    let slope = |theta: f64| 3.0 * theta;
    let (mut theta, mut velocity) = (1.0, 0.0);
    let architecture = architecture(1, 1);
    let optimizer = Optimizer::from(Sgd::new(rate).momentum(momentum).nesterov(true));
    let mut state = optimizer.state::<f64>(2).expect("memory");
    let mut ours = [1.0, 1.0];
    for _ in 0..20 {
        velocity = momentum * velocity - rate * slope(theta + momentum * velocity);
        theta += velocity;
        let mut buffer = ours.map(slope);
        assert!(propose(&optimizer, &mut state, &ranges(&architecture), &ours, &mut buffer));
        ours = buffer;
        assert!((ours[0] - (theta + momentum * velocity)).abs() < 1e-14);
    }
}

fn adam(slots: &mut [f64; 2], g: f64, t: i32, [beta1, beta2]: [f64; 2]) -> f64 {
    let [m, v] = slots;
    *m = beta1 * *m + (1.0 - beta1) * g;
    *v = beta2 * *v + (1.0 - beta2) * g * g;
    let (m_hat, v_hat) = (*m / (1.0 - beta1.powi(t)), *v / (1.0 - beta2.powi(t)));
    m_hat / (v_hat.sqrt() + 1e-8)
}

#[test]
fn adam_by_the_paper() {
    compare_both(Adam::new(0.01), &|_, slots, theta, g, t| theta - 0.01 * adam(slots, g, t, [0.9, 0.999]));
    compare_both(Adam::new(0.01).betas(0.5, 0.0), &|_, slots, theta, g, t| {
        theta - 0.01 * adam(slots, g, t, [0.5, 0.0])
    });
}

#[test]
fn adamw_decays_weights_and_spares_the_bias() {
    compare_both(AdamW::new(0.01).weight_decay(0.1), &|index, slots, theta, g, t| {
        let decay = if index < 21 { 0.1 } else { 0.0 };
        theta - 0.01 * (adam(slots, g, t, [0.9, 0.999]) + decay * theta)
    });
}

/// Long enough to be divided among threads, and no multiple of a vector.
#[test]
fn pieces_by_several_threads_make_no_difference() {
    // Far more than `update_all` gives to one thread at a time.
    let architecture = architecture(100_003, 3);
    let (count, weights) = (architecture.params(), architecture.params() - 3);
    let theta: Vec<f32> = (0..count).map(|index| (index as f32).cos()).collect();
    for optimizer in [Sgd::new(0.1).into(), Sgd::new(0.1).momentum(0.9).into(), AdamW::default().into()] {
        let optimizer: Optimizer = optimizer;
        let (mut state, mut whole) =
            (optimizer.state(count).expect("memory"), optimizer.state(weights).expect("memory"));
        for step in 1..=3 {
            let before: Vec<f32> = (0..count).map(|index| gradient(step, index) as f32).collect();
            let mut cut = before.clone();
            assert!(propose(&optimizer, &mut state, &ranges(&architecture), &theta, &mut cut));

            let mut alone = before[..weights].to_vec();
            let [first, second] = &mut whole.slots;
            let span = Span {
                theta: &theta[..weights],
                gradient: &mut alone,
                first: first.as_mut_slice(),
                second: second.as_mut_slice(),
            };
            assert!(optimizer.at(step as u64).update(set(), Part::Weights, span));
            assert!(cut[..weights] == alone, "{optimizer:?}, step {step}");
            for (cut, alone) in state.slots.iter().zip(&whole.slots) {
                assert!(cut.as_slice().starts_with(alone.as_slice()), "{optimizer:?}, step {step}");
            }
        }
    }
}

#[test]
fn what_is_not_finite_is_seen_wherever_it_is() {
    let architecture = architecture(7, 3);
    let theta = vec![1.0_f32; architecture.params()];
    let optimizers: [Optimizer; 4] =
        [Sgd::new(1.0).into(), Sgd::new(1.0).momentum(0.5).into(), Adam::default().into(), AdamW::default().into()];
    for optimizer in optimizers {
        for place in 0..architecture.params() {
            // 1e30 is finite, but its square, which Adam remembers, is not.
            for (bad, fails) in [(f32::NAN, true), (f32::INFINITY, true), (1e30, optimizer.slots() == 2), (1e18, false)]
            {
                let mut buffer = vec![0.5; theta.len()];
                buffer[place] = bad;
                let mut state = optimizer.state(theta.len()).expect("memory");
                let finite = propose(&optimizer, &mut state, &ranges(&architecture), &theta, &mut buffer);
                assert_eq!(finite, !fails, "{optimizer:?}, parameter {place}, {bad}");
            }
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let name = |optimizer: Optimizer| match optimizer.validate() {
        Ok(()) => "none",
        Err(Error::Setting { name, .. }) => name,
        Err(_) => "another error",
    };
    for bad in [0.0, -0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(name(Sgd::new(bad).into()), "learning_rate");
        assert_eq!(name(Adam::new(bad).into()), "learning_rate");
        assert_eq!(name(AdamW::new(bad).into()), "learning_rate");
        assert_eq!(name(Adam::default().epsilon(bad).into()), "epsilon");
    }
    for bad in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(name(Sgd::new(0.1).momentum(bad).into()), "momentum");
        assert_eq!(name(Adam::default().betas(bad, 0.9).into()), "beta1");
        assert_eq!(name(AdamW::default().betas(0.9, bad).into()), "beta2");
    }
    for bad in [-0.1, f64::NAN, f64::INFINITY, 1000.0] {
        assert_eq!(name(AdamW::default().weight_decay(bad).into()), "weight_decay");
    }
    assert_eq!(name(Sgd::new(0.1).nesterov(true).into()), "momentum");
    for good in [Sgd::default().into(), Sgd::new(1e-9).momentum(0.0).into(), Adam::default().into()] {
        assert_eq!(name(good), "none");
    }
    assert_eq!(name(AdamW::default().weight_decay(0.0).into()), "none");
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
