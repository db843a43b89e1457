//! The optimisers against the papers' formulas, written out in plain `f64`.

use nn_kernels::{
    Activation, Architecture, Buffer, InstructionSet, Layer, LayerRange, Loss, Part, Slot, Span, update_all,
};

use super::*;

mod settings;

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

/// An optimiser at work at a learning rate, with its memory.
struct Worker<O, T: Element> {
    optimizer: O,
    rate: f64,
    step: u64,
    slots: Vec<[Buffer<T>; 2]>,
    scalars: Vec<f64>,
}

impl<O: Optimizer, T: Element> Worker<O, T> {
    fn new(optimizer: O, rate: f64, params: usize) -> Self {
        let zeros = || Buffer::zeros(params).expect("memory");
        let slots = (0..optimizer.slots()).map(|_| [zeros(), zeros()]).collect();
        Self { rate, step: 0, slots, scalars: vec![0.0; optimizer.scalars()], optimizer }
    }

    /// A step: the gradient is replaced by the new parameters, and the memory by the new memory.
    fn with(
        &mut self,
        apply: impl FnOnce(&dyn Update<T>, Span<'_, T>) -> bool,
        theta: &[T],
        gradient: &mut [T],
    ) -> bool {
        self.step += 1;
        let Self { optimizer, rate, step, slots, scalars } = self;
        let update = optimizer.update::<T>(Step { number: *step, learning_rate: *rate, scalars });
        let slots = slots.iter_mut().map(|[old, new]| Slot { old: old.as_slice(), new: new.as_mut_slice() });
        let span = Span::new(theta, gradient).with_slots(slots);
        let finite = apply(&update.expect("the rate is sound"), span);
        self.slots.iter_mut().for_each(|[old, new]| std::mem::swap(old, new));
        finite
    }

    fn propose(&mut self, ranges: &[LayerRange], theta: &[T], gradient: &mut [T]) -> bool {
        self.with(|update, span| update_all(update, set(), ranges, span), theta, gradient)
    }
}

/// A gradient that differs from parameter to parameter and from step to step.
fn gradient(step: usize, index: usize) -> f64 {
    ((step * 31 + index * 17) as f64).sin() * 0.3
}

/// What a formula makes of each parameter: (index, its slots, θ, g, t) to θ.
type Formula<'a> = &'a dyn Fn(usize, &mut [f64; 3], f64, f64, i32) -> f64;

/// Ten steps of an optimiser against ten of a formula, on 3 × 7 weights and 3 bias numbers: a tail of the vectors.
fn compare<T: Element>(optimizer: impl Optimizer, rate: f64, tolerance: f64, formula: Formula<'_>) {
    let architecture = architecture(7, 3);
    let count = architecture.params();
    let start = |index: usize| (index as f64 * 0.7).cos();
    let mut theta: Vec<T> = (0..count).map(|index| T::from_f64(start(index))).collect();
    let mut expected: Vec<(f64, [f64; 3])> = (0..count).map(|index| (theta[index].to_f64(), [0.0; 3])).collect();
    let mut worker = Worker::<_, T>::new(optimizer, rate, count);
    for step in 1..=10 {
        let mut buffer: Vec<T> = (0..count).map(|index| T::from_f64(gradient(step, index))).collect();
        for (index, (parameter, slots)) in expected.iter_mut().enumerate() {
            *parameter = formula(index, slots, *parameter, buffer[index].to_f64(), step as i32);
        }
        assert!(worker.propose(&ranges(&architecture), &theta, &mut buffer));
        theta.copy_from_slice(&buffer);
        for (index, (&found, (expected, _))) in theta.iter().zip(&expected).enumerate() {
            let distance = (found.to_f64() - expected).abs();
            assert!(distance <= tolerance, "step {step}, parameter {index}: {found} and {expected}");
        }
    }
}

/// The same in both number types.
fn compare_both(optimizer: impl Optimizer + Copy, rate: f64, formula: Formula<'_>) {
    compare::<f64>(optimizer, rate, 1e-14, formula);
    compare::<f32>(optimizer, rate, 2e-6, formula);
}

#[test]
fn plain_descent() {
    compare_both(Sgd::default(), 0.1, &|_, _, theta, g, _| theta - 0.1 * g);
}

#[test]
fn polyak_momentum() {
    compare_both(Sgd::default().momentum(0.9), 0.1, &|_, [v, ..], theta, g, _| {
        *v = 0.9 * *v + g;
        theta - 0.1 * *v
    });
}

#[test]
fn nesterov_momentum() {
    compare_both(Sgd::default().momentum(0.8).nesterov(true), 0.1, &|_, [v, ..], theta, g, _| {
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
    let mut worker = Worker::<_, f64>::new(Sgd::default().momentum(momentum).nesterov(true), rate, 2);
    let mut ours = [1.0, 1.0];
    for _ in 0..20 {
        velocity = momentum * velocity - rate * slope(theta + momentum * velocity);
        theta += velocity;
        let mut buffer = ours.map(slope);
        assert!(worker.propose(&ranges(&architecture), &ours, &mut buffer));
        ours = buffer;
        assert!((ours[0] - (theta + momentum * velocity)).abs() < 1e-14);
    }
}

fn adam(slots: &mut [f64; 3], g: f64, t: i32, [beta1, beta2]: [f64; 2]) -> f64 {
    let [m, v, _] = slots;
    *m = beta1 * *m + (1.0 - beta1) * g;
    *v = beta2 * *v + (1.0 - beta2) * g * g;
    let (m_hat, v_hat) = (*m / (1.0 - beta1.powi(t)), *v / (1.0 - beta2.powi(t)));
    m_hat / (v_hat.sqrt() + 1e-8)
}

/// As PyTorch has it: the largest v is that before the correction.
fn amsgrad(slots: &mut [f64; 3], g: f64, t: i32, [beta1, beta2]: [f64; 2]) -> f64 {
    let [m, v, most] = slots;
    *m = beta1 * *m + (1.0 - beta1) * g;
    *v = beta2 * *v + (1.0 - beta2) * g * g;
    *most = most.max(*v);
    *m / (1.0 - beta1.powi(t)) / ((*most / (1.0 - beta2.powi(t))).sqrt() + 1e-8)
}

#[test]
fn adam_by_the_paper() {
    compare_both(Adam::default(), 0.01, &|_, slots, theta, g, t| theta - 0.01 * adam(slots, g, t, [0.9, 0.999]));
    compare_both(Adam::default().betas(0.5, 0.0), 0.01, &|_, slots, theta, g, t| {
        theta - 0.01 * adam(slots, g, t, [0.5, 0.0])
    });
}

/// With a β₂ so small that v falls from step to step.
#[test]
fn amsgrad_divides_by_the_largest_square() {
    compare_both(Adam::default().betas(0.9, 0.5).amsgrad(true), 0.01, &|_, slots, theta, g, t| {
        theta - 0.01 * amsgrad(slots, g, t, [0.9, 0.5])
    });
}

#[test]
fn adamw_decays_weights_and_spares_the_bias() {
    let decay = |index| if index < 21 { 0.1 } else { 0.0 };
    compare_both(AdamW::default().weight_decay(0.1), 0.01, &|index, slots, theta, g, t| {
        theta - 0.01 * (adam(slots, g, t, [0.9, 0.999]) + decay(index) * theta)
    });
    let with_amsgrad = AdamW::default().betas(0.9, 0.5).amsgrad(true).weight_decay(0.1);
    compare_both(with_amsgrad, 0.01, &|index, slots, theta, g, t| {
        theta - 0.01 * (amsgrad(slots, g, t, [0.9, 0.5]) + decay(index) * theta)
    });
}

#[test]
fn rmsprop_plain_centred_and_with_momentum() {
    let optimizer = RmsProp::default().alpha(0.8).epsilon(0.01);
    let mean = |mean: &mut f64, x: f64| {
        *mean = 0.8 * *mean + 0.2 * x;
        *mean
    };
    compare_both(optimizer, 0.01, &|_, [v, ..], theta, g, _| theta - 0.01 * g / (mean(v, g * g).sqrt() + 0.01));
    compare_both(optimizer.momentum(0.7), 0.01, &|_, [v, b, _], theta, g, _| {
        *b = 0.7 * *b + g / (mean(v, g * g).sqrt() + 0.01);
        theta - 0.01 * *b
    });
    compare_both(optimizer.centered(true), 0.01, &|_, [v, m, _], theta, g, _| {
        theta - 0.01 * g / ((mean(v, g * g) - mean(m, g).powi(2)).sqrt() + 0.01)
    });
    compare_both(optimizer.centered(true).momentum(0.7), 0.01, &|_, [v, m, b], theta, g, _| {
        *b = 0.7 * *b + g / ((mean(v, g * g) - mean(m, g).powi(2)).sqrt() + 0.01);
        theta - 0.01 * *b
    });
}

/// v - m² of a constant gradient is rounding error, of either sign.
#[test]
fn a_gradient_that_does_not_vary_leaves_a_centred_rmsprop_finite() {
    let architecture = architecture(7, 3);
    let theta = vec![0.0_f32; architecture.params()];
    let mut worker = Worker::new(RmsProp::default().alpha(0.9).centered(true), 0.01, theta.len());
    let mut negative = false;
    for step in 1..=300 {
        let mut buffer: Vec<f32> = (0..theta.len()).map(|index| gradient(1, index) as f32).collect();
        assert!(worker.propose(&ranges(&architecture), &theta, &mut buffer), "step {step}");
        let [v, m] = [0, 1].map(|slot| worker.slots[slot][0].as_slice());
        negative |= v.iter().zip(m).any(|(v, m)| v - m * m < 0.0);
    }
    assert!(negative, "no step had a root of a negative number to avoid");
}

#[test]
fn adagrad_by_the_paper() {
    compare_both(Adagrad::default(), 0.1, &|_, [s, ..], theta, g, _| {
        *s += g * g;
        theta - 0.1 * g / (s.sqrt() + 1e-10)
    });
    let optimizer = Adagrad::default().epsilon(0.01).learning_rate_decay(0.3).initial_accumulator_value(0.2);
    compare_both(optimizer, 0.1, &|_, [s, ..], theta, g, t| {
        *s += g * g;
        theta - 0.1 / (1.0 + 0.3 * f64::from(t - 1)) * g / ((0.2 + *s).sqrt() + 0.01)
    });
}

#[test]
fn lion_by_the_paper() {
    compare_both(Lion::default().betas(0.6, 0.9).weight_decay(0.1), 0.01, &|index, [m, ..], theta, g, _| {
        let decay = if index < 21 { 0.1 } else { 0.0 };
        let along = (0.6 * *m + 0.4 * g).signum();
        *m = 0.9 * *m + 0.1 * g;
        theta - 0.01 * (along + decay * theta)
    });
}

/// Igel and Hüsken, with bounds that are reached.
#[test]
fn rprop_by_the_paper() {
    let optimizer = Rprop::default().etas(0.4, 1.5).step_sizes(0.02, 0.1);
    compare_both(optimizer, 0.05, &|_, [last, size, _], theta, mut g, t| {
        if t == 1 {
            *size = 0.05;
        }
        if g * *last > 0.0 {
            *size = (*size * 1.5).min(0.1);
        } else if g * *last < 0.0 {
            *size = (*size * 0.4).max(0.02);
            g = 0.0;
        }
        *last = g;
        theta - if g == 0.0 { 0.0 } else { g.signum() * *size }
    });
}

/// The parameters (0, 0) after a step with each of the gradients, at rates that change.
fn resilient(optimizer: Rprop, steps: &[(f64, f32)]) -> f32 {
    let architecture = architecture(1, 1);
    let mut worker = Worker::<_, f32>::new(optimizer, 0.0, 2);
    let mut theta = [0.0; 2];
    for &(rate, gradient) in steps {
        worker.rate = rate;
        let mut buffer = [gradient; 2];
        assert!(worker.propose(&ranges(&architecture), &theta, &mut buffer));
        theta = buffer;
    }
    assert_eq!(theta[0], theta[1]);
    theta[0]
}

#[test]
fn the_first_learning_rate_is_rprops_first_step_size() {
    let optimizer = Rprop::default();
    assert_eq!(resilient(optimizer, &[(0.5, 1.0)]), -0.5);
    // It grows from 0.5, whatever the later rates are, and also where the first gradient comes later.
    assert_eq!(resilient(optimizer, &[(0.5, 1.0), (7.0, 1.0)]), -0.5 - 1.2 * 0.5);
    assert_eq!(resilient(optimizer, &[(0.5, 0.0), (7.0, 1.0)]), -0.5);
    // Within the bounds.
    assert_eq!(resilient(optimizer, &[(70.0, 1.0)]), -50.0);
    assert_eq!(resilient(optimizer, &[(0.0, 1.0)]), -1e-6);
}

/// The product of these gradients is 0 in `f32`.
#[test]
fn signs_of_small_gradients_count() {
    assert_eq!(resilient(Rprop::default(), &[(0.5, 1e-30), (0.5, 1e-30)]), -0.5 - 1.2 * 0.5);
    assert_eq!(resilient(Rprop::default(), &[(0.5, 1e-30), (0.5, -1e-30), (0.5, -1e-30)]), -0.5 + 0.5 * 0.5);
}

/// Engines fill up their layouts with such parameters.
#[test]
fn zeros_without_a_gradient_stay_zeros() {
    fn stay(optimizer: impl Optimizer + Copy) {
        let architecture = architecture(7, 3);
        let zeros = vec![0.0_f32; architecture.params()];
        let mut worker = Worker::new(optimizer, 0.1, zeros.len());
        for _ in 0..3 {
            let mut buffer = zeros.clone();
            assert!(worker.propose(&ranges(&architecture), &zeros, &mut buffer));
            assert_eq!(buffer, zeros, "{optimizer:?}");
            assert!(worker.slots.iter().all(|[memory, _]| memory.as_slice() == zeros), "{optimizer:?}");
        }
    }
    stay(Sgd::default().momentum(0.9).nesterov(true));
    stay(AdamW::default().amsgrad(true));
    stay(RmsProp::default().centered(true).momentum(0.9));
    stay(Adagrad::default().initial_accumulator_value(1.0));
    stay(Lion::default().weight_decay(0.1));
    stay(Rprop::default());
}

/// Long enough to be divided among threads, and no multiple of a vector.
fn pieces_by_several_threads(optimizer: impl Optimizer + Copy) {
    // Far more than `update_all` gives to one thread at a time.
    let architecture = architecture(100_003, 3);
    let (count, weights) = (architecture.params(), architecture.params() - 3);
    let theta: Vec<f32> = (0..count).map(|index| (index as f32).cos()).collect();
    let (mut pieces, mut whole) = (Worker::new(optimizer, 0.1, count), Worker::new(optimizer, 0.1, weights));
    for step in 1..=3 {
        let before: Vec<f32> = (0..count).map(|index| gradient(step, index) as f32).collect();
        let mut cut = before.clone();
        assert!(pieces.propose(&ranges(&architecture), &theta, &mut cut));

        let mut alone = before[..weights].to_vec();
        let update = |update: &dyn Update<f32>, span: Span<'_, f32>| update.update(set(), Part::Weights, span);
        assert!(whole.with(update, &theta[..weights], &mut alone));
        assert!(cut[..weights] == alone, "{optimizer:?}, step {step}");
        for ([cut, _], [alone, _]) in pieces.slots.iter().zip(&whole.slots) {
            assert!(cut.as_slice().starts_with(alone.as_slice()), "{optimizer:?}, step {step}");
        }
    }
}

#[test]
fn pieces_by_several_threads_make_no_difference() {
    pieces_by_several_threads(Sgd::default());
    pieces_by_several_threads(Sgd::default().momentum(0.9));
    pieces_by_several_threads(AdamW::default());
    pieces_by_several_threads(Adam::default().amsgrad(true));
    pieces_by_several_threads(RmsProp::default().centered(true).momentum(0.9));
    pieces_by_several_threads(Adagrad::default());
    pieces_by_several_threads(Lion::default().weight_decay(0.1));
    pieces_by_several_threads(Rprop::default());
}

fn what_is_not_finite_is_seen(optimizer: impl Optimizer + Copy, squares: bool) {
    let architecture = architecture(7, 3);
    let theta = vec![1.0_f32; architecture.params()];
    for place in 0..architecture.params() {
        // 1e30 is finite, but its square, which some remember, is not.
        for (bad, fails) in [(f32::NAN, true), (f32::INFINITY, true), (1e30, squares), (1e18, false)] {
            let mut buffer = vec![0.5; theta.len()];
            buffer[place] = bad;
            let mut worker = Worker::new(optimizer, 1.0, theta.len());
            let finite = worker.propose(&ranges(&architecture), &theta, &mut buffer);
            assert_eq!(finite, !fails, "{optimizer:?}, parameter {place}, {bad}");
        }
    }
}

#[test]
fn what_is_not_finite_is_seen_wherever_it_is() {
    what_is_not_finite_is_seen(Sgd::default(), false);
    what_is_not_finite_is_seen(Sgd::default().momentum(0.5), false);
    what_is_not_finite_is_seen(Adam::default(), true);
    what_is_not_finite_is_seen(Adam::default().amsgrad(true), true);
    what_is_not_finite_is_seen(AdamW::default().weight_decay(0.1), true);
    what_is_not_finite_is_seen(RmsProp::default(), true);
    what_is_not_finite_is_seen(RmsProp::default().centered(true).momentum(0.5), true);
    what_is_not_finite_is_seen(Adagrad::default(), true);
    what_is_not_finite_is_seen(Lion::default().weight_decay(0.1), false);
    what_is_not_finite_is_seen(Rprop::default(), false);
}

/// The parameter 1 after `steps` steps without a gradient.
fn decayed<T: Element>(optimizer: impl Optimizer, rate: f64, steps: usize) -> f64 {
    let architecture = architecture(1, 1);
    let mut worker = Worker::<_, T>::new(optimizer, rate, 2);
    let mut theta = [T::ONE, T::ONE];
    for _ in 0..steps {
        let mut buffer = [T::ZERO; 2];
        assert!(worker.propose(&ranges(&architecture), &theta, &mut buffer));
        theta = buffer;
    }
    assert_eq!(theta[1], T::ONE, "the bias does not decay");
    theta[0].to_f64()
}

/// (1 - αw)ⁿ, in `f32` too, where a factor of 1 - 10⁻⁹ is 1.
#[test]
fn decay_is_not_lost_in_rounding() {
    let (adamw, lion) = (AdamW::default(), Lion::default());
    let lost = 1.0 - decayed::<f32>(adamw.weight_decay(1e-4), 1e-5, 100_000);
    // 10⁵ steps of 10⁻⁹, of which the last, up to 4 · 10⁻⁶, may be owed.
    assert!((0.96e-4..1.001e-4).contains(&lost), "{lost:e}");
    assert_eq!(1.0 - decayed::<f32>(lion.weight_decay(1e-4), 1e-5, 100_000), lost);
    for (rate, decay, steps) in [(1e-3, 1e-2, 10_000), (1e-2, 0.1, 1000), (1e-4, 3e-3, 100_000), (0.5, 1.0, 3)] {
        let expected = (1.0_f64 - rate * decay).powi(steps as i32);
        let (single, double) = (lion.weight_decay(decay), adamw.weight_decay(decay));
        for found in [decayed::<f32>(single, rate, steps), decayed::<f64>(double, rate, steps)] {
            assert!((found - expected).abs() <= 1e-4 * (1.0 - expected) + 5e-6, "{found} and {expected}");
        }
    }
}

/// The memory of a parameter whose gradient has become 0 ends at 0, not among the denormal numbers.
#[test]
fn memories_below_the_normal_numbers_are_0() {
    fn ends_at_0(optimizer: impl Optimizer + Copy) {
        let architecture = architecture(1, 1);
        let mut worker = Worker::<_, f32>::new(optimizer, 0.1, 2);
        for (step, gradient) in [1e-18_f32, 0.0].into_iter().chain([0.0; 1200]).enumerate() {
            let mut buffer = [gradient; 2];
            assert!(worker.propose(&ranges(&architecture), &[1.0; 2], &mut buffer));
            for [memory, _] in &worker.slots {
                let normal = |number: &f32| *number == 0.0 || number.abs() >= f32::MIN_POSITIVE;
                assert!(memory.as_slice().iter().all(normal), "{optimizer:?}, step {step}");
            }
        }
        assert!(worker.slots.iter().all(|[memory, _]| memory.as_slice() == [0.0; 2]), "{optimizer:?}");
    }
    ends_at_0(Adam::default().betas(0.9, 0.9));
    ends_at_0(AdamW::default().betas(0.9, 0.9));
    ends_at_0(Sgd::default().momentum(0.9));
    ends_at_0(RmsProp::default().alpha(0.9).centered(true).momentum(0.9));
    ends_at_0(Lion::default().betas(0.9, 0.9));
    // Gradients whose squares are below the normal numbers.
    let architecture = architecture(1, 1);
    let mut worker = Worker::<_, f32>::new(Adam::default().betas(0.0, 0.0), 1.0, 2);
    let mut buffer = [1e-20_f32, 2e-19];
    assert!(worker.propose(&ranges(&architecture), &[0.0; 2], &mut buffer));
    assert_eq!(worker.slots[1][0].as_slice(), [0.0, 2e-19 * 2e-19]);
    let mut worker = Worker::<_, f32>::new(Adagrad::default(), 1.0, 2);
    let mut buffer = [1e-20_f32, 2e-19];
    assert!(worker.propose(&ranges(&architecture), &[0.0; 2], &mut buffer));
    assert_eq!(worker.slots[0][0].as_slice(), [0.0, 2e-19 * 2e-19]);
}
