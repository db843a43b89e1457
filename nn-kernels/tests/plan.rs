//! What a plan chooses, what it says of it, and what it refuses.

use std::process::Command;
use std::{env, str};

use nn_kernels::isa::IsaError;
use nn_kernels::{
    Activation, Architecture, Blocked, Candidate, EngineKind, Explanation, InstructionSet, Layer, Loss, Plan,
    PlanOptions, Precision, Share, StepError, Tile, predict_one,
};

fn network(widths: &[usize], activation: Activation) -> Architecture {
    let layers = widths.windows(2).map(|pair| Layer::new(pair[0], pair[1], activation)).collect();
    Architecture::new(layers, Loss::for_output(activation)).expect("valid")
}

fn explain(widths: &[usize], rows: usize, threads: usize) -> Explanation {
    let plan = Plan::<f32>::new(&network(widths, Activation::Sigmoid), rows, threads, &PlanOptions::default());
    plan.expect("a plan").explain().clone()
}

const SHAPES: &[&[usize]] = &[
    &[1, 1],
    &[2, 4, 4, 4],
    &[7, 23, 41, 2],
    &[1, 100, 1],
    &[64, 64, 64],
    &[65, 65, 1],
    &[300, 3, 300],
    &[784, 128, 10],
    &[1024, 1024, 10],
];
const BATCHES: &[usize] = &[1, 2, 17, 64, 128, 1000, 8192, 65_536];

#[test]
fn the_lowest_estimate_is_chosen_or_one_little_above_it_that_threads_can_share() {
    let mut shared = 0;
    for width in 1..=130 {
        for &rows in BATCHES {
            let explanation = explain(&[width, width, width, width], rows, 1);
            let estimate = |candidate: &Candidate| candidate.nanoseconds.unwrap_or(f64::INFINITY);
            let candidates = &explanation.candidates;
            let lowest = candidates.iter().min_by(|a, b| estimate(a).total_cmp(&estimate(b))).expect("an engine");
            let chosen = candidates.iter().find(|candidate| candidate.engine == explanation.engine).expect("there");
            assert_eq!(chosen.parts, explanation.parts);
            assert!(!explanation.engine_is_forced);
            if chosen.engine != lowest.engine {
                assert!(chosen.parts > 1 && lowest.parts == 1, "{explanation}");
                assert!(estimate(chosen) <= 1.15 * estimate(lowest), "{explanation}");
                assert!(explanation.to_string().contains("for several threads"), "{explanation}");
                shared += 1;
            }
        }
    }
    assert!(shared < 130, "an exception");
}

/// bfloat16 is a permission: it is taken where it is estimated to be faster, and in any case with its engine.
#[test]
fn bfloat16_is_taken_where_it_is_faster_or_forced() {
    let options = PlanOptions::default().precision(Precision::Bf16);
    let plan = |widths: &[usize], rows, options: &PlanOptions| {
        let plan = Plan::<f32>::new(&network(widths, Activation::Sigmoid), rows, 1, options);
        plan.map(|plan| plan.explain().clone())
    };
    match plan(&[2, 4, 4, 4], 32, &options) {
        Err(error) => return assert!(matches!(error, StepError::Precision { .. }), "{error}"),
        Ok(small) => {
            assert_eq!((small.precision, small.wanted), (Precision::Full, Precision::Bf16), "{small}");
            assert!(small.to_string().contains("full: bf16 is not estimated to be faster"), "{small}");
        }
    }
    let forced = plan(&[2, 4, 4, 4], 32, &options.engine(EngineKind::Blocked)).expect("a plan");
    assert_eq!((forced.engine, forced.precision), (EngineKind::Blocked, Precision::Bf16));
    for width in [64, 256, 1024] {
        let wide = plan(&[width, width, width], 1024, &options).expect("a plan");
        let estimate = |candidate: &&Candidate| candidate.nanoseconds.unwrap_or(f64::INFINITY);
        let lowest = wide.candidates.iter().min_by(|a, b| estimate(a).total_cmp(&estimate(b))).expect("an engine");
        assert_eq!((wide.engine, wide.precision), (lowest.engine, lowest.precision), "{wide}");
        assert!(wide.candidates.iter().any(|candidate| candidate.precision == Precision::Bf16), "{wide}");
    }
}

#[test]
fn an_estimate_is_the_sum_of_its_shares() {
    for &shape in SHAPES {
        for &rows in BATCHES {
            for candidate in explain(shape, rows, 1).candidates {
                let sum: f64 = candidate.shares.iter().map(Share::nanoseconds).sum();
                match candidate.nanoseconds {
                    Ok(estimate) => assert!(estimate > 0.0 && (sum - estimate).abs() <= 1e-9 * estimate, "{candidate}"),
                    Err(_) => assert!(candidate.shares.is_empty() && candidate.parts == 0, "{candidate}"),
                }
            }
        }
    }
}

#[test]
fn threads_change_neither_engine_nor_split() {
    for &shape in SHAPES {
        for &rows in BATCHES {
            let alone = explain(shape, rows, 1);
            for threads in [2, 3, 8, 64] {
                let several = explain(shape, rows, threads);
                assert_eq!(
                    (several.engine, several.parts, several.shard_rows),
                    (alone.engine, alone.parts, alone.shard_rows)
                );
                assert_eq!((several.threads, several.threads_given), (threads.min(several.parts), threads));
            }
        }
    }
}

#[test]
fn larger_batches_have_no_fewer_parts_and_hardly_lower_estimates() {
    for (set, engine, shape) in everything() {
        let (mut parts, mut estimate) = (0, 0.0);
        for rows in (0..=17).map(|power| 1 << power) {
            let options = PlanOptions::default().engine(engine).instruction_set(set);
            let plan = match Plan::<f32>::new(&network(shape, Activation::Tanh), rows, 4, &options) {
                Err(StepError::Unsuited { .. }) => break,
                plan => plan.expect("a plan"),
            };
            let explanation = plan.explain();
            let candidate = explanation.candidates.iter().find(|candidate| candidate.engine == engine);
            let now = candidate.expect("a candidate").nanoseconds.expect("an estimate");
            // Four rows may fill a register block that two leave to its latency.
            assert!(explanation.parts >= parts && now >= 0.8 * estimate, "{explanation}");
            (parts, estimate) = (explanation.parts, now);
        }
    }
}

/// Every engine in every set for every shape.
fn everything() -> impl Iterator<Item = (InstructionSet, EngineKind, &'static [usize])> {
    let engines = |set| EngineKind::ALL.into_iter().map(move |engine| (set, engine));
    let shapes = |(set, engine)| SHAPES.iter().map(move |&shape| (set, engine, shape));
    InstructionSet::available().flat_map(engines).flat_map(shapes)
}

#[test]
fn a_single_sample_wakes_no_one_and_a_large_batch_wakes_all() {
    for &shape in SHAPES {
        // A sample of a million weights is work for several.
        if shape.iter().max() < Some(&1024) {
            assert_eq!(explain(shape, 1, 8).threads, 1, "{shape:?}");
        }
        assert_eq!(explain(shape, 1 << 20, 8).threads, 8, "{shape:?}");
    }
}

#[test]
fn the_narrow_engine_is_for_narrow_networks() {
    assert_eq!(explain(&[2, 4, 4, 4], 8192, 1).engine, EngineKind::Narrow);
    for shape in [&[784, 128, 10][..], &[2, 512, 512, 2], &[65, 1]] {
        assert_ne!(explain(shape, 1024, 1).engine, EngineKind::Narrow, "{shape:?}");
    }
}

#[test]
fn scratch_of_the_fused_engines_is_bounded_whatever_the_batch() {
    for engine in [EngineKind::Narrow, EngineKind::Tile] {
        let scratch = |rows| {
            let options = PlanOptions::default().engine(engine);
            Plan::<f32>::new(&network(&[7, 23, 41, 2], Activation::Relu), rows, 2, &options)
                .expect("a plan")
                .scratch_bytes()
        };
        assert!(scratch(1) > 0);
        assert_eq!(scratch(1 << 18), scratch(1 << 22), "{engine}");
    }
}

#[test]
fn what_is_explained_can_be_read() {
    let options = PlanOptions::default().engine(EngineKind::Tile);
    let plan = Plan::<f64>::new(&network(&[784, 128, 10], Activation::Relu), 128, 2, &options).expect("a plan");
    let text = plan.explain().to_string();
    let set = plan.set().name();
    let scratch = plan.scratch_bytes().to_string();
    for part in [
        "784 => 128 relu => 10 relu",
        "f64, batches of 128",
        "tile, as asked for",
        "narrow not, it takes layers up to 64 wide",
        set,
        "2 of 2: 2 parts, ",
        " rows at a time",
        &scratch,
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(explain(&[784, 128, 10], 128, 1).to_string().contains("the lowest estimate"));
}

#[test]
fn what_cannot_be_planned_is_an_error_that_names_it() {
    let narrow = network(&[2, 4], Activation::Relu);
    let plan =
        |architecture, rows, threads, options| Plan::<f32>::new(architecture, rows, threads, options).map(|_| ());
    let default = PlanOptions::default();
    assert!(matches!(plan(&narrow, 0, 1, &default), Err(StepError::Zero { what: "batch_rows" })));
    assert!(matches!(plan(&narrow, 1, 0, &default), Err(StepError::Zero { what: "threads" })));
    let wide = network(&[2, 65], Activation::Relu);
    let error = plan(&wide, 8, 1, &default.engine(EngineKind::Narrow)).expect_err("too wide");
    assert!(matches!(error, StepError::Unsuited { engine: EngineKind::Narrow, .. }), "{error}");
    assert!(error.to_string().contains("64"), "{error}");
}

#[test]
fn every_set_of_this_cpu_can_be_forced() {
    for set in InstructionSet::available() {
        for engine in EngineKind::ALL {
            let options = PlanOptions::default().instruction_set(set).engine(engine);
            let plan = Plan::<f32>::new(&network(&[5, 9, 2], Activation::Gelu), 33, 1, &options).expect("a plan");
            assert_eq!((plan.set(), plan.engine().set(), plan.kind()), (set, set, engine));
            assert!(plan.explain().engine_is_forced);
        }
    }
}

/// Runs in a process of its own, for the environment is the process's.
#[test]
fn a_set_that_the_environment_asks_for_in_vain_is_an_error() {
    const NAME: &str = "a_set_that_the_environment_asks_for_in_vain_is_an_error";
    if env::var("NN_ISA").as_deref() == Ok("mmx") {
        let architecture = network(&[2, 4], Activation::Relu);
        let error = Plan::<f32>::new(&architecture, 1, 1, &PlanOptions::default()).expect_err("there is no such set");
        assert!(matches!(&error, StepError::Isa(IsaError::Unknown { name }) if name == "mmx"), "{error}");
        // A set that is named leaves the environment out of it.
        let options = PlanOptions::default().instruction_set(InstructionSet::best());
        assert!(Plan::<f32>::new(&architecture, 1, 1, &options).is_ok());
        return;
    }
    let program = env::current_exe().expect("this program");
    let output = Command::new(program).args(["--exact", NAME]).env("NN_ISA", "mmx").output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// One sample by `predict_one`, as bits.
fn predicted() -> String {
    let architecture = network(&[1000, 3], Activation::Linear);
    let theta: Vec<f32> = (0..architecture.params()).map(|i| (i as f32).sin()).collect();
    let mut out = [f32::NAN; 3];
    predict_one(&architecture, &theta, &[0.1; 1000], &mut out, &mut Vec::new()).expect("a prediction");
    format!("predicted {:?}", out.map(f32::to_bits))
}

/// Runs itself in processes of its own, for the environment is read once in each.
#[test]
#[allow(clippy::print_stdout, reason = "what another process reads")]
fn a_single_sample_is_predicted_in_the_set_that_the_environment_asks_for() {
    const NAME: &str = "a_single_sample_is_predicted_in_the_set_that_the_environment_asks_for";
    if env::var("NN_ISA").as_deref() == Ok("mmx") {
        let architecture = network(&[2, 1], Activation::Relu);
        let mut out = [7.0];
        let error = predict_one(&architecture, &[0.0; 3], &[0.0; 2], &mut out, &mut Vec::new());
        assert!(matches!(error, Err(StepError::Isa(IsaError::Unknown { name })) if name == "mmx"));
        assert_eq!(out, [7.0]);
        return;
    }
    if env::var_os("NN_PREDICT").is_some() {
        println!("{}", predicted());
        return;
    }
    let run = |set: &str| {
        let program = env::current_exe().expect("this program");
        let arguments = ["--exact", NAME, "--nocapture"];
        let child = Command::new(program).args(arguments).env("NN_ISA", set).env("NN_PREDICT", "1").output();
        let output = child.expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        text.lines().find(|line| line.contains("predicted")).unwrap_or_default().to_owned()
    };
    run("mmx");
    // Sets add up in orders of their own, so that a thousand products differ in the last bits.
    let best = InstructionSet::best().name();
    assert_eq!(run(""), run(best));
    assert!(run(best).contains("predicted") && (best == "portable" || run(best) != run("portable")));
}

/// What no process has memory for is an error, at once: a plan looks at layers, not at their units.
#[test]
fn networks_beyond_all_memory_are_an_error_at_once() {
    let engines = || EngineKind::ALL.into_iter().filter(|&kind| kind != EngineKind::Narrow);
    for widths in [&[1 << 56, 1][..], &[1, 1 << 56], &[1 << 44, 1], &[1, 1 << 44, 1], &[3, 1, 1 << 43]] {
        let architecture = network(widths, Activation::Relu);
        for engine in engines().map(Some).chain([None]) {
            let error = Plan::<f32>::new(&architecture, 64, 1, &PlanOptions::default().engine(engine)).map(|_| ());
            assert!(matches!(error, Err(StepError::Memory { .. })), "{widths:?} {engine:?}: {error:?}");
        }
        for set in InstructionSet::available() {
            assert!(Tile::<f64>::with_set(&architecture, set).is_err(), "{set} {widths:?}");
            assert!(Blocked::<f64>::with_set(&architecture, set).is_err(), "{set} {widths:?}");
        }
    }
}

/// A batch may have more rows than there is memory for. An engine either goes through it in shards, or says what it
/// would need.
#[test]
fn the_largest_batches_do_not_overflow() {
    for &shape in &[&[2, 4, 4][..], &[1, 1], &[300, 200, 10]] {
        let architecture = network(shape, Activation::Relu);
        for rows in [usize::MAX, usize::MAX - 1, 1 << 62, 1 << 45] {
            let narrow = shape.iter().all(|&width| width <= 64);
            let engines = EngineKind::ALL.into_iter().filter(|&kind| narrow || kind != EngineKind::Narrow);
            for engine in engines.map(Some).chain([None]) {
                for threads in [1, 2] {
                    let plan = Plan::<f32>::new(&architecture, rows, threads, &PlanOptions::default().engine(engine));
                    match plan.map(|_| ()) {
                        Ok(()) | Err(StepError::Memory { .. }) => {}
                        Err(other) => panic!("{shape:?}, {rows} rows, {engine:?}: {other}"),
                    }
                }
            }
        }
    }
}

/// Estimates are of panels of several vectors: the last one may have fewer, and counts as it is.
#[test]
fn a_wider_layer_is_estimated_to_take_longer() {
    for set in InstructionSet::available() {
        let mut before = 0.0;
        for width in [1_000, 1_001, 1_100, 2_000, 100_000] {
            let options = PlanOptions::default().instruction_set(set).engine(EngineKind::Tile).forward_only();
            let plan = Plan::<f32>::new(&network(&[width, 40], Activation::Relu), 64, 1, &options).expect("a plan");
            let tile = plan.explain().candidates.iter().find(|candidate| candidate.engine == EngineKind::Tile);
            let estimate = *tile.expect("there").nanoseconds.as_ref().expect("an estimate");
            assert!(estimate > before, "{set}, {width}: {estimate} after {before}");
            before = estimate;
        }
    }
}

#[test]
fn numbers_that_round_to_nothing_are_refused() {
    let network = |slope| network(&[2, 3], Activation::LeakyRelu(slope));
    let new32 = |slope| Plan::<f32>::new(&network(slope), 1, 1, &PlanOptions::default()).map(|_| ());
    let error = new32(1e300).expect_err("infinite");
    assert_eq!(error.to_string(), "leaky_relu(1e300) is inf in f32; expected a number that f32 holds");
    assert!(matches!(new32(1e-50), Err(StepError::Architecture(_))));
    assert_eq!(new32(0.01), Ok(()));
    for slope in [1e300, 1e-50] {
        assert!(Plan::<f64>::new(&network(slope), 1, 1, &PlanOptions::default()).is_ok());
    }
}
