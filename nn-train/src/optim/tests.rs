//! The optimisers against the papers' formulas, written out in plain `f64`.

use nn_kernels::{
    Activation, Architecture, Buffer, InstructionSet, Layer, LayerRange, Loss, Part, Slot, Span, update_all,
};

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
type Formula<'a> = &'a dyn Fn(usize, &mut [f64; 2], f64, f64, i32) -> f64;

/// Ten steps of an optimiser against ten of a formula, on 3 × 7 weights and 3 bias numbers: a tail of the vectors.
fn compare<T: Element>(optimizer: impl Optimizer, rate: f64, tolerance: f64, formula: Formula<'_>) {
    let architecture = architecture(7, 3);
    let count = architecture.params();
    let start = |index: usize| (index as f64 * 0.7).cos();
    let mut theta: Vec<T> = (0..count).map(|index| T::from_f64(start(index))).collect();
    let mut expected: Vec<(f64, [f64; 2])> = (0..count).map(|index| (theta[index].to_f64(), [0.0; 2])).collect();
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
    compare_both(Sgd::default().momentum(0.9), 0.1, &|_, [v, _], theta, g, _| {
        *v = 0.9 * *v + g;
        theta - 0.1 * *v
    });
}

#[test]
fn nesterov_momentum() {
    compare_both(Sgd::default().momentum(0.8).nesterov(true), 0.1, &|_, [v, _], theta, g, _| {
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

fn adam(slots: &mut [f64; 2], g: f64, t: i32, [beta1, beta2]: [f64; 2]) -> f64 {
    let [m, v] = slots;
    *m = beta1 * *m + (1.0 - beta1) * g;
    *v = beta2 * *v + (1.0 - beta2) * g * g;
    let (m_hat, v_hat) = (*m / (1.0 - beta1.powi(t)), *v / (1.0 - beta2.powi(t)));
    m_hat / (v_hat.sqrt() + 1e-8)
}

#[test]
fn adam_by_the_paper() {
    compare_both(Adam::default(), 0.01, &|_, slots, theta, g, t| theta - 0.01 * adam(slots, g, t, [0.9, 0.999]));
    compare_both(Adam::default().betas(0.5, 0.0), 0.01, &|_, slots, theta, g, t| {
        theta - 0.01 * adam(slots, g, t, [0.5, 0.0])
    });
}

#[test]
fn adamw_decays_weights_and_spares_the_bias() {
    compare_both(AdamW::default().weight_decay(0.1), 0.01, &|index, slots, theta, g, t| {
        let decay = if index < 21 { 0.1 } else { 0.0 };
        theta - 0.01 * (adam(slots, g, t, [0.9, 0.999]) + decay * theta)
    });
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
}

fn what_is_not_finite_is_seen(optimizer: impl Optimizer + Copy) {
    let architecture = architecture(7, 3);
    let theta = vec![1.0_f32; architecture.params()];
    for place in 0..architecture.params() {
        // 1e30 is finite, but its square, which Adam remembers, is not.
        for (bad, fails) in [(f32::NAN, true), (f32::INFINITY, true), (1e30, optimizer.slots() == 2), (1e18, false)] {
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
    what_is_not_finite_is_seen(Sgd::default());
    what_is_not_finite_is_seen(Sgd::default().momentum(0.5));
    what_is_not_finite_is_seen(Adam::default());
    what_is_not_finite_is_seen(AdamW::default().weight_decay(0.1));
}

/// The parameter 1 after `steps` steps without a gradient.
fn decayed<T: Element>(rate: f64, decay: f64, steps: usize) -> f64 {
    let architecture = architecture(1, 1);
    let mut worker = Worker::<_, T>::new(AdamW::default().weight_decay(decay), rate, 2);
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
    let lost = 1.0 - decayed::<f32>(1e-5, 1e-4, 100_000);
    // 10⁵ steps of 10⁻⁹, of which the last, up to 4 · 10⁻⁶, may be owed.
    assert!((0.96e-4..1.001e-4).contains(&lost), "{lost:e}");
    for (rate, decay, steps) in [(1e-3, 1e-2, 10_000), (1e-2, 0.1, 1000), (1e-4, 3e-3, 100_000), (0.5, 1.0, 3)] {
        let expected = (1.0_f64 - rate * decay).powi(steps as i32);
        for found in [decayed::<f32>(rate, decay, steps), decayed::<f64>(rate, decay, steps)] {
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
    // Gradients whose squares are below the normal numbers.
    let architecture = architecture(1, 1);
    let mut worker = Worker::<_, f32>::new(Adam::default().betas(0.0, 0.0), 1.0, 2);
    let mut buffer = [1e-20_f32, 2e-19];
    assert!(worker.propose(&ranges(&architecture), &[0.0; 2], &mut buffer));
    assert_eq!(worker.slots[1][0].as_slice(), [0.0, 2e-19 * 2e-19]);
}

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
    }
    for bad in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(check::<f64>(Sgd::default().momentum(bad)), "momentum");
        assert_eq!(check::<f64>(Adam::default().betas(bad, 0.9)), "beta1");
        assert_eq!(check::<f64>(AdamW::default().betas(0.9, bad)), "beta2");
    }
    for bad in [-0.1, f64::NAN, f64::INFINITY] {
        assert_eq!(check::<f64>(AdamW::default().weight_decay(bad)), "weight_decay");
        assert_eq!(fault(check_learning_rate::<f64>(bad)), "learning_rate");
    }
    assert_eq!(check::<f64>(Sgd::default().nesterov(true)), "momentum");
    assert_eq!(check::<f64>(Sgd::default()), "none");
    assert_eq!(check::<f32>(Adam::default()), "none");
    assert_eq!(check::<f32>(AdamW::default().weight_decay(0.0)), "none");
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
    for (rate, single) in [(1e-50, "learning_rate"), (1e50, "learning_rate"), (1e-30, "none"), (0.0, "none")] {
        assert_eq!(fault(check_learning_rate::<f32>(rate)), single, "{rate}");
        assert_eq!(fault(check_learning_rate::<f64>(rate)), "none", "{rate}");
    }
}

/// A decay that would turn weights around is refused before a step is taken.
#[test]
fn a_decay_of_everything_is_named() {
    for (rate, decay, expected) in [(0.1, 10.0, "weight_decay"), (0.1, 9.0, "none"), (1.0, 1e300, "weight_decay")] {
        let (optimizer, scalars) = (AdamW::default().weight_decay(decay), &mut [0.0]);
        let update = optimizer.update::<f32>(Step { number: 1, learning_rate: rate, scalars });
        assert_eq!(fault(update.map(|_| ())), expected, "{rate} · {decay}");
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
