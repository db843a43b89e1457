//! What the blocked engine does beyond other engines: deep sums, shards, updates piece by piece, bfloat16.

use crate::support::compare::{assert_within, layer_error, max_norm_error, norm_error};
use crate::support::cover::quick;
use crate::support::{Memory, Problem, Rule, cast, network, on_threads, poison, widen};
use nn_kernels::isa::{Bf16, PairKernel, PairProducts, PairSimd, Simd, round_to_bf16};
use nn_kernels::{
    Activation, Architecture, Batch, Blocked, Dropout, Element, EngineKind, InstructionSet, Loss, Plan, PlanOptions,
    Precision, Slot, Span, StepEngine, StepError, update_all,
};

fn blocked<T: Element>(
    architecture: &Architecture,
    set: InstructionSet,
    precision: Precision,
) -> Box<dyn StepEngine<T>> {
    let options = PlanOptions::default().engine(EngineKind::Blocked).instruction_set(set).precision(precision);
    Plan::new(architecture, 1, 1, &options).expect("a plan").into_engine()
}

/// J and Δ of a problem, in the network's layout.
fn step<T: Element>(
    engine: &mut dyn StepEngine<T>,
    problem: &Problem,
    decay: f64,
    dropout: Option<Dropout>,
) -> (f64, Vec<T>) {
    let [theta, x, y] = [&problem.theta, &problem.inputs, &problem.targets].map(|values| cast::<T>(values));
    let batch = Batch::new(&problem.architecture, &x, &y).expect("a batch");
    let mut own = vec![T::ZERO; engine.params()];
    engine.import(&theta, &mut own).expect("lengths");
    let mut gradient = poison::<T>(engine.params());
    let cost = engine.gradient(&own, batch, decay, dropout, &mut gradient).expect("a step");
    let mut flat = poison::<T>(theta.len());
    engine.export(&gradient, &mut flat).expect("lengths");
    (cost, flat)
}

/// More than a block of k in every product, more than a part in both directions, and more than a shard.
fn large() -> Vec<Problem> {
    let relu = |widths: &[usize]| network(widths, Activation::Relu, Activation::Softmax, Loss::CrossEntropy);
    let tanh = |widths: &[usize]| network(widths, Activation::Tanh, Activation::Linear, Loss::Mse);
    let mut problems = vec![
        Problem::new(relu(&[530, 70, 1030, 3]), 35, 1),
        Problem::new(tanh(&[1, 600, 5]), 1, 2),
        Problem::new(tanh(&[40, 200, 9]), 700, 3),
    ];
    if !quick() {
        problems.push(Problem::new(
            network(&[700, 690, 2], Activation::Silu, Activation::Sigmoid, Loss::CrossEntropy),
            1300,
            4,
        ));
    }
    problems.into_iter().map(Problem::in_f32).collect()
}

fn large_products_are_the_references<T: Element>(bound: f64) {
    for problem in large() {
        let Problem { architecture, theta, inputs, targets } = &problem;
        let decay = 1.0 / problem.rows() as f64;
        let (cost, expected) = nn_kernels::reference::gradient(architecture, theta, inputs, targets, decay);
        for set in InstructionSet::available() {
            let what = |part: &str| format!("{set}/{} {architecture}: {part}", T::NAME);
            let mut engine = blocked::<T>(architecture, set, Precision::Full);
            let (found_cost, found) = step(&mut *engine, &problem, decay, None);
            assert_within((found_cost - cost).abs() / cost.abs().max(1.0), bound, &what("J"));
            let error = |error| layer_error(architecture, &widen(&found), &expected, error);
            assert_within(error(norm_error), bound, &what("Δ"));
            assert_within(error(max_norm_error), bound, &what("Δ, worst"));
        }
    }
}

#[test]
fn large_products_are_the_references_f32() {
    large_products_are_the_references::<f32>(1e-4);
}

#[test]
fn large_products_are_the_references_f64() {
    large_products_are_the_references::<f64>(1e-12);
}

/// Steps with their update, against a gradient that is updated afterwards: Θ and all that is remembered, to the bit.
fn updates_piece_by_piece_change_no_bit<T: Element>(precision: Precision) {
    let dropping = |widths: &[usize]| {
        let network = network(widths, Activation::Gelu, Activation::Softmax, Loss::CrossEntropy);
        let mut layers = network.layers().to_vec();
        let last_hidden = layers.len() - 2;
        layers[last_hidden] = layers[last_hidden].with_dropout(0.3);
        Architecture::new(layers, Loss::CrossEntropy).expect("valid")
    };
    // The second of each: more samples than a block of k; but for the emulation, two shards of such.
    let problems = match precision {
        Precision::Bf16Emulated => [(dropping(&[33, 130, 40, 7]), 40), (dropping(&[2, 40, 3]), 600)],
        _ => [(dropping(&[33, 130, 40, 7]), 150), (dropping(&[2, 1000, 3]), 1300)],
    };
    for (architecture, rows) in problems {
        let problem = Problem::new(architecture.clone(), rows, 9);
        let [theta, x, y] = [&problem.theta, &problem.inputs, &problem.targets].map(|values| cast::<T>(values));
        for set in sets_of::<T>(precision) {
            let run = |fused: bool, minds_part: bool| {
                let mut engine = blocked::<T>(&architecture, set, precision);
                let params = engine.params();
                let (mut own, mut memory) = (vec![T::ZERO; params], Memory::new(params));
                engine.import(&theta, &mut own).expect("lengths");
                let mut costs = Vec::new();
                for number in 0..3 {
                    let batch = Batch::new(&architecture, &x, &y).expect("a batch");
                    let dropout = Some(Dropout { seed: 1, first_sample: number * rows as u64 });
                    let mut next = poison::<T>(params);
                    let update = Rule { minds_part };
                    if fused {
                        let span = Span::new(&own, &mut next).with_slots(memory.slots());
                        let stepped = engine.step(batch, 2.0, dropout, &update, span).expect("a step");
                        assert!(stepped.updated && stepped.finite);
                        costs.push(stepped.cost.to_bits());
                    } else {
                        let cost = engine.gradient(&own, batch, 2.0, dropout, &mut next).expect("a step");
                        let ranges = engine.ranges().to_vec();
                        let span = Span::new(&own, &mut next).with_slots(memory.slots());
                        assert!(update_all(&update, set, &ranges, span));
                        costs.push(cost.to_bits());
                    }
                    own = next;
                    memory.keep();
                }
                // What pads the layout is not asked for.
                let mut bits = Vec::new();
                for numbers in [&own, &memory.old[0], &memory.old[1]] {
                    let mut flat = poison::<T>(architecture.params());
                    engine.export(numbers, &mut flat).expect("lengths");
                    bits.extend(flat.iter().map(|x| x.to_f64().to_bits()));
                }
                (costs, bits)
            };
            for minds_part in [false, true] {
                let apart = run(false, minds_part);
                for threads in [1, 2, 5] {
                    let same = on_threads(threads, || run(true, minds_part)) == apart;
                    assert!(same, "{set}/{} {architecture}, {precision}, {threads} threads", T::NAME);
                }
            }
        }
    }
}

#[test]
fn updates_piece_by_piece_change_no_bit_f32() {
    updates_piece_by_piece_change_no_bit::<f32>(Precision::Full);
}

#[test]
fn updates_piece_by_piece_change_no_bit_bf16_emulated() {
    updates_piece_by_piece_change_no_bit::<f32>(Precision::Bf16Emulated);
}

#[test]
fn updates_piece_by_piece_change_no_bit_bf16() {
    if hardware().is_some() {
        updates_piece_by_piece_change_no_bit::<f32>(Precision::Bf16);
    }
}

/// The sets that have a precision.
fn sets_of<T: Element>(precision: Precision) -> impl Iterator<Item = InstructionSet> {
    let small = network(&[1, 1], Activation::Relu, Activation::Linear, Loss::Mse);
    InstructionSet::available().filter(move |&set| Blocked::<T>::with_precision(&small, set, precision).is_ok())
}

#[test]
fn updates_piece_by_piece_change_no_bit_f64() {
    updates_piece_by_piece_change_no_bit::<f64>(Precision::Full);
}

#[test]
fn a_cost_that_is_not_finite_updates_nothing() {
    let architecture = network(&[3, 70, 2], Activation::Relu, Activation::Linear, Loss::Mse);
    let (x, y) = ([1.0_f32, f32::NAN, 0.0], [0.0, 1.0]);
    for kind in EngineKind::ALL.into_iter().filter(|&kind| kind != EngineKind::Narrow) {
        let plan = Plan::<f32>::new(&architecture, 1, 1, &PlanOptions::default().engine(kind));
        let mut engine = plan.expect("a plan").into_engine();
        let theta = vec![0.1; engine.params()];
        let (mut gradient, mut memory) = (vec![0.0; theta.len()], Memory::new(theta.len()));
        let span = Span::new(&theta, &mut gradient).with_slots(memory.slots());
        let batch = Batch::new(&architecture, &x, &y).expect("a batch");
        let stepped = engine.step(batch, 0.0, None, &Rule { minds_part: false }, span).expect("a step");
        assert!(!stepped.updated && !stepped.finite && !stepped.cost.is_finite(), "{kind}");
        assert!(memory.new.iter().flatten().all(|x: &f32| x.is_nan()), "{kind}");
        // What is remembered of other parameters than these is refused.
        let short = memory.slots().map(|slot| Slot { old: &slot.old[1..], ..slot });
        let span = Span::new(&theta, &mut gradient).with_slots(short);
        let error = engine.step(batch, 0.0, None, &Rule { minds_part: false }, span).expect_err("a number too few");
        assert!(matches!(error, StepError::Length { what: "the optimiser's memory", .. }), "{kind}: {error}");
    }
}

/// Where only the λ term is infinite, an engine may have computed the update before it knew, and then says so; what was
/// remembered before the step is as it was in any case.
#[test]
fn a_term_of_lambda_that_is_infinite_is_told() {
    let architecture = network(&[3, 70, 2], Activation::Relu, Activation::Linear, Loss::Mse);
    for kind in EngineKind::ALL.into_iter().filter(|&kind| kind != EngineKind::Narrow) {
        let plan = Plan::<f64>::new(&architecture, 1, 1, &PlanOptions::default().engine(kind));
        let mut engine = plan.expect("a plan").into_engine();
        let mut theta = vec![0.0; engine.params()];
        engine.import(&vec![1e200; architecture.params()], &mut theta).expect("lengths");
        let ranges = engine.ranges().to_vec();
        ranges.iter().for_each(|range| theta[range.bias.clone()].fill(0.0));
        let (mut gradient, mut memory) = (vec![0.0; theta.len()], Memory::new(theta.len()));
        let span = Span::new(&theta, &mut gradient).with_slots(memory.slots());
        let batch = Batch::new(&architecture, &[0.0; 3], &[0.0, 1.0]).expect("a batch");
        let stepped = engine.step(batch, 1.0, None, &Rule { minds_part: false }, span).expect("a step");
        assert_eq!(stepped.cost, f64::INFINITY, "{kind}: {stepped:?}");
        assert_eq!(stepped.updated, memory.new.iter().flatten().all(|x: &f64| !x.is_nan()), "{kind}");
        assert!(memory.old.iter().flatten().all(|&x| x == 0.0), "{kind}");
    }
}

/// Where the λ term is too much for f32 but not for f64, it is finite, and no reason not to update.
#[test]
fn a_term_of_lambda_beyond_f32_is_no_reason_not_to_update() {
    let architecture = network(&[3, 70, 2], Activation::Relu, Activation::Linear, Loss::Mse);
    for kind in EngineKind::ALL.into_iter().filter(|&kind| kind != EngineKind::Narrow) {
        let plan = Plan::<f32>::new(&architecture, 1, 1, &PlanOptions::default().engine(kind));
        let mut engine = plan.expect("a plan").into_engine();
        let mut flat = vec![0.0; architecture.params()];
        flat[0] = 1e20;
        let mut theta = vec![0.0; engine.params()];
        engine.import(&flat, &mut theta).expect("lengths");
        let mut gradient = vec![0.0; theta.len()];
        let span = Span::new(&theta, &mut gradient);
        let batch = Batch::new(&architecture, &[0.0; 3], &[0.0; 2]).expect("a batch");
        let stepped = engine.step(batch, 1.0, None, &crate::support::Descent, span).expect("a step");
        assert!(stepped.updated && stepped.finite, "{kind}: {stepped:?}");
        assert_within((stepped.cost / 5e39 - 1.0).abs(), 1e-6, &format!("{kind}"));
        let mut moved = vec![f32::NAN; flat.len()];
        engine.export(&gradient, &mut moved).expect("lengths");
        // θ - ¼ λ θ
        assert_within(f64::from((moved[0] / 0.75e20 - 1.0).abs()), 1e-6, &format!("{kind}"));
    }
}

/// What no address space holds is an error, before anything of it is touched.
#[test]
fn layers_beyond_all_memory_are_an_error() {
    for widths in [[1, 1 << 58, 1], [1 << 58, 1, 1], [3, 1, 1 << 57]] {
        let architecture = network(&widths, Activation::Relu, Activation::Linear, Loss::Mse);
        for set in InstructionSet::available() {
            let error = Blocked::<f32>::with_set(&architecture, set).and_then(|mut engine| engine.reserve(1, true));
            assert!(matches!(error, Err(StepError::Memory { .. })), "{set} {architecture}: {error:?}");
        }
    }
}

/// The way to multiply pairs that this CPU has, or a report that there is none.
#[allow(clippy::print_stderr, reason = "a test's report")]
fn hardware() -> Option<Bf16> {
    let found = Bf16::hardware(InstructionSet::best());
    if found.is_none() {
        eprintln!("bf16: NOT RUN, this CPU lacks AVX512-BF16");
    }
    found
}

/// Numbers of every sort, and those around which rounding and flushing turn.
fn odd_numbers() -> Vec<f32> {
    let mut numbers = vec![0.0, 1.0, 1.5, f32::MAX, f32::MIN_POSITIVE, 1e-40, f32::INFINITY, f32::NAN, 3.39e38];
    let mut bits = 0x9E37_79B9_u32;
    for index in 0..300 {
        bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Any bits; ties of bfloat16; denormal numbers; moderate ones.
        numbers.push(f32::from_bits(match index % 4 {
            0 => bits,
            1 => bits & 0xFFFF_0000 | 0x8000,
            2 => bits & 0x807F_FFFF,
            _ => bits & 0x807F_FFFF | (120 + bits % 13) << 23,
        }));
    }
    numbers.iter().flat_map(|&x| [x, -x]).collect()
}

/// `sum` + the product of two pairs, as a lane of `products` computes it.
fn dot_pairs(products: Bf16, a: [f32; 2], b: [f32; 2], sum: f32) -> f32 {
    struct One<'a> {
        a: [f32; 2],
        b: [f32; 2],
        sum: &'a mut f32,
    }
    impl PairKernel<f32> for One<'_> {
        #[inline(always)]
        fn run<P: PairSimd<f32>>(self, p: P) {
            let s = p.simd();
            let pair = |[even, odd]: [f32; 2]| p.pair(s.splat(even), s.splat(odd));
            let dot = p.dot(pair(self.a), pair(self.b), s.splat(*self.sum));
            s.store_partial(dot, std::slice::from_mut(self.sum));
        }
    }
    let mut result = sum;
    products.run(One { a, b, sum: &mut result });
    result
}

#[test]
fn numbers_of_pairs_are_rounded_before_they_are_multiplied() {
    for set in InstructionSet::available() {
        // 1.001 is no bfloat16: it is rounded to 1.
        assert_eq!(dot_pairs(Bf16::Emulated(set), [1.001, 2.0], [3.0, 4.0], 0.5), 11.5, "{set}");
    }
}

#[test]
fn emulated_pairs_are_the_hardwares_to_the_bit() {
    let Some(hardware) = hardware() else { return };
    let numbers = odd_numbers();
    for set in InstructionSet::available() {
        let emulated = Bf16::Emulated(set);
        for (i, &a) in numbers.iter().enumerate() {
            for (j, &b) in numbers.iter().enumerate().step_by(7) {
                let (c, d) = (numbers[(3 * i + j) % numbers.len()], numbers[(i + 5 * j) % numbers.len()]);
                let sum = numbers[(7 * i + 11 * j) % numbers.len()];
                let (found, expected) =
                    (dot_pairs(emulated, [a, c], [b, d], sum), dot_pairs(hardware, [a, c], [b, d], sum));
                let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
                assert!(same, "{set}: {a:e} {c:e} · {b:e} {d:e} + {sum:e} is {found:e}, and {expected:e} by the CPU");
            }
        }
    }
}

/// Sums just below the least normal number, which 24 bits round to it or do not.
#[test]
fn emulated_pairs_flush_as_the_hardware_does() {
    let Some(hardware) = hardware() else { return };
    let power = |exponent: i32| 2.0_f32.powi(exponent);
    for sign in [1.0, -1.0] {
        for factor in [1.0, 1.25, 1.5, 1.75, 1.9921875] {
            for exponent in -79..=-72 {
                let (a, b, sum) = (power(-75), -sign * factor * power(exponent), sign * f32::MIN_POSITIVE);
                for (a, b) in [([a, 0.0], [b, 0.0]), ([0.0, a], [0.0, b]), ([a, power(-75)], [b, sign * power(-76)])] {
                    let expected = dot_pairs(hardware, a, b, sum);
                    for set in InstructionSet::available() {
                        let found = dot_pairs(Bf16::Emulated(set), a, b, sum);
                        assert_eq!(found.to_bits(), expected.to_bits(), "{set}: {a:?} · {b:?} + {sum:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn numbers_are_rounded_to_the_nearest_bfloat16() {
    for value in odd_numbers().into_iter().filter(|x| x.is_finite() && x.abs() >= f32::MIN_POSITIVE) {
        let rounded = f32::from_bits(u32::from(round_to_bf16(value)) << 16);
        let below = f32::from_bits(value.to_bits() & 0xFFFF_0000);
        let above = f32::from_bits((value.to_bits() & 0xFFFF_0000).wrapping_add(0x1_0000));
        assert!(rounded == below || rounded == above, "{value:e} to {rounded:e}");
        if above.is_finite() {
            let [to_below, to_above] = [below, above].map(|end| (f64::from(end) - f64::from(value)).abs());
            let wrong = (to_below < to_above && rounded != below) || (to_above < to_below && rounded != above);
            let tie = to_below == to_above && rounded.to_bits() >> 16 & 1 == 1;
            assert!(!wrong && !tie, "{value:e} to {rounded:e}");
        }
    }
    assert_eq!([1e-40, -1e-40, 0.0].map(round_to_bf16), [0, 0x8000, 0]);
    assert!(f32::from_bits(u32::from(round_to_bf16(f32::NAN)) << 16).is_nan());
}

/// In whole numbers up to 256, which are bfloat16, nothing is rounded.
#[test]
fn small_whole_numbers_are_exact_in_bfloat16() {
    for sizes in [&[1, 1][..], &[2, 4, 4, 4], &[17, 33, 1], &[40, 31, 5, 9], &[600, 20, 16], &[5, 97, 3]] {
        for rows in [1, 2, 16, 128] {
            let architecture = network(sizes, Activation::Relu, Activation::Linear, Loss::Mse);
            let mut numbers = crate::support::Numbers::new(rows as u64);
            let mut whole = |count: usize| -> Vec<f64> {
                (0..count).map(|_| if numbers.below(8) == 0 { numbers.below(3) as f64 - 1.0 } else { 0.0 }).collect()
            };
            let (theta, inputs, targets) =
                (whole(architecture.params()), whole(rows * sizes[0]), whole(rows * architecture.outputs()));
            let (cost, expected) = nn_kernels::reference::gradient(&architecture, &theta, &inputs, &targets, 0.0);
            let problem = Problem { architecture: architecture.clone(), theta, inputs, targets };
            for set in InstructionSet::available() {
                for precision in precisions(set) {
                    let found = step::<f32>(&mut *blocked(&architecture, set, precision), &problem, 0.0, None);
                    assert_eq!(found.0, cost, "{set} {precision} {architecture} {rows}");
                    assert_eq!(widen(&found.1), expected, "{set} {precision} {architecture} {rows}");
                }
            }
        }
    }
}

/// The bfloat16 that can be had in a set.
fn precisions(set: InstructionSet) -> Vec<Precision> {
    let there = Bf16::hardware(set).is_some();
    [Precision::Bf16, Precision::Bf16Emulated].into_iter().filter(|&p| p != Precision::Bf16 || there).collect()
}

/// Odd widths, depths and batches; the emulation steps as the hardware does, and both are near the reference.
#[test]
fn steps_in_bfloat16() {
    let shapes: [(&[usize], usize); 6] = [
        (&[1, 1], 1),
        (&[3, 5, 2], 7),
        (&[31, 17, 33], 16),
        (&[64, 40, 10], 95),
        (&[513, 50, 3], 33),
        (&[20, 530, 4], 17),
    ];
    for (sizes, rows) in shapes {
        for (hidden, output, loss) in [
            (Activation::Relu, Activation::Softmax, Loss::CrossEntropy),
            (Activation::Tanh, Activation::Linear, Loss::Mse),
            (Activation::Gelu, Activation::Sigmoid, Loss::CrossEntropy),
        ] {
            let problem = Problem::new(network(sizes, hidden, output, loss), rows, 6).in_f32();
            let Problem { architecture, theta, inputs, targets } = &problem;
            let (cost, expected) = nn_kernels::reference::gradient(architecture, theta, inputs, targets, 1.0);
            for set in InstructionSet::available() {
                let mut outcomes = precisions(set).into_iter().map(|precision| {
                    let mut engine = blocked::<f32>(architecture, set, precision);
                    // What is left over of other numbers does not matter.
                    let nan = Problem { inputs: vec![f64::NAN; inputs.len()], ..problem.clone() };
                    assert!(step(&mut *engine, &nan, 1.0, None).0.is_nan());
                    (precision, step(&mut *engine, &problem, 1.0, None))
                });
                let (precision, (found_cost, found)) = outcomes.next().expect("there is an emulation");
                let what = |part: &str| format!("{set} {precision} {architecture}, {rows} rows: {part}");
                // A product's operands are each within 2⁻⁹ of themselves.
                assert_within((found_cost - cost).abs() / cost.abs().max(1.0), 0.02, &what("J"));
                assert_within(norm_error(&widen(&found), &expected), 0.02, &what("Δ"));
                for (other, (other_cost, other_gradient)) in outcomes {
                    let bits = |gradient: &[f32]| gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>();
                    assert_eq!(other_cost.to_bits(), found_cost.to_bits(), "{} and {other}", what("J"));
                    assert!(bits(&other_gradient) == bits(&found), "{} and {other}", what("Δ"));
                }
            }
        }
    }
}

#[test]
fn threads_change_no_bit_in_bfloat16() {
    if hardware().is_some() {
        let set = InstructionSet::best();
        let problem =
            Problem::new(network(&[300, 400, 7], Activation::Relu, Activation::Softmax, Loss::CrossEntropy), 333, 5);
        let on = |threads| {
            on_threads(threads, || {
                let (cost, gradient) =
                    step::<f32>(&mut *blocked(&problem.architecture, set, Precision::Bf16), &problem, 1.0, None);
                (cost.to_bits(), gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>())
            })
        };
        let one = on(1);
        assert!([2, 3, 8].into_iter().all(|threads| on(threads) == one));
    }
}

#[test]
fn a_precision_that_cannot_be_had_is_an_error() {
    let architecture = network(&[3, 2], Activation::Relu, Activation::Linear, Loss::Mse);
    let plan = |options: &PlanOptions| Plan::<f32>::new(&architecture, 1, 1, options).map(|plan| plan.kind());
    let emulated = PlanOptions::default().precision(Precision::Bf16Emulated);
    assert_eq!(plan(&emulated), Ok(EngineKind::Blocked), "the only engine that has it");
    let error = plan(&emulated.engine(EngineKind::Tile)).expect_err("the tile engine has no bfloat16");
    assert_eq!(
        error.to_string(),
        "the tile engine does not suit this network: only the blocked engine computes in bfloat16"
    );
    let portable = "portable".parse::<InstructionSet>().expect("always there");
    let error = plan(&PlanOptions::default().precision(Precision::Bf16).instruction_set(portable));
    let error = error.expect_err("no instructions").to_string();
    assert!(error.starts_with("the precision bf16 is not available: it takes the instruction set avx512"), "{error}");
    let double = Plan::<f64>::new(&architecture, 1, 1, &emulated).map(|_| ()).expect_err("f64 has none").to_string();
    assert_eq!(double, "the precision bf16-emulated is not available: it is for networks of f32");
    assert_eq!(
        Blocked::<f32>::with_precision(&architecture, portable, Precision::Bf16Emulated).map(|e| e.precision()),
        Ok(Precision::Bf16Emulated)
    );
}
