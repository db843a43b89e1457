//! What the loop around a training step costs: each way to do a thing beside the plainest one.
//!
//! `cargo bench -p nn-benches --bench loop` prints a table a question. The ways have their turns in every round, the
//! first one being what the others are compared with. The best round counts; the last column is the median of what the
//! rounds say, each within itself, and tells how far the machine was quiet. What follows `--` may be parts of the
//! questions, such as `callback`, of which a question must have one.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::io::sink;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Instant;

use nn_benches::{Samples, Workload};
use nn_train::prelude::*;
use nn_train::{Element, Elementwise, EngineKind, JsonLines, Progress, Rule, Simd, Step, Vector, records};
use rayon::ThreadPoolBuilder;

type Failure = Box<dyn Error + Send + Sync>;

/// How long and how often.
#[derive(Clone, Copy)]
struct Extent {
    rounds: usize,
    /// What a turn takes, in seconds, unless doing the thing once takes longer.
    turn: f64,
}

const FULL: Extent = Extent { rounds: 201, turn: 0.003 };
/// Enough to see that everything works.
const TEST: Extent = Extent { rounds: 1, turn: 1e-6 };

/// Steps of an epoch whose steps are timed.
const STEPS: usize = 1024;
/// α, which changes no time; small, so that nothing diverges.
const LEARNING_RATE: f64 = 1e-4;
const MOMENTUM: f64 = 0.9;

/// Ways to do the same thing.
struct Question<'a> {
    name: String,
    /// What the difference from the first way should be, for the reader.
    goal: &'static str,
    ways: Vec<Way<'a>>,
}

struct Way<'a> {
    name: &'static str,
    /// How often a call does the thing.
    times: usize,
    call: Box<dyn FnMut() -> Result<(), Failure> + 'a>,
}

impl<'a> Question<'a> {
    fn new(name: impl Into<String>, goal: &'static str) -> Self {
        Self { name: name.into(), goal, ways: Vec::new() }
    }

    /// Adds a way, which does the thing so many `times` in a call.
    fn way(&mut self, name: &'static str, times: usize, call: impl FnMut() -> Result<(), Failure> + 'a) {
        self.ways.push(Way { name, times, call: Box::new(call) });
    }

    /// Times every way, and prints a table.
    fn answer(mut self, extent: Extent) -> Result<(), Failure> {
        let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); self.ways.len()];
        let mut counts = vec![1_usize; self.ways.len()];
        for round in 0..extent.rounds + 2 {
            for ((way, found), count) in self.ways.iter_mut().zip(&mut rounds).zip(&mut counts) {
                let start = Instant::now();
                for _ in 0..*count {
                    (way.call)()?;
                }
                let call = start.elapsed().as_secs_f64() / *count as f64;
                // Two rounds warm up, and tell how many calls fill a turn.
                if round < 2 {
                    *count = (extent.turn / call.max(1e-9)).clamp(1.0, 1e6) as usize;
                } else {
                    found.push(call / way.times as f64);
                }
            }
        }
        println!("\n{} (goal: {})", self.name, self.goal);
        println!("{:<44} {:>12} {:>14} {:>9} {:>9}", "", "best µs", "difference µs", "%", "median %");
        let best = |found: &[f64]| found.iter().copied().fold(f64::INFINITY, f64::min);
        let least = best(&rounds[0]);
        for (way, found) in self.ways.iter().zip(&rounds) {
            let time = best(found);
            let ratio = median(found.iter().zip(&rounds[0]).map(|(this, first)| this / first).collect());
            let [percent, median] = [time / least, ratio].map(|ratio| 100.0 * (ratio - 1.0));
            let (time, difference) = (1e6 * time, 1e6 * (time - least));
            println!("{:<44} {time:>12.4} {difference:>14.4} {percent:>9.2} {median:>9.2}", way.name);
        }
        Ok(())
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn standard(name: &str) -> Result<(Workload, DynNetwork<f32>, Samples<f32>), Failure> {
    let workload: Workload = name.parse()?;
    let network = DynNetwork::new(workload.architecture.clone(), Init::default(), 1)?;
    let samples = workload.samples()?;
    Ok((workload, network, samples))
}

/// As many samples as `steps` batches of the workload have.
fn dataset(workload: &Workload, steps: usize) -> Result<DynDataset<f32>, Failure> {
    let (input_width, target_width) = (workload.architecture.inputs(), workload.architecture.outputs());
    let Samples { inputs, targets } = Workload { rows: steps * workload.rows, ..workload.clone() }.samples()?;
    Ok(DynDataset::new(inputs, input_width, targets, target_width)?)
}

/// A fit of one step, beside the step.
fn fit_of_one_step(workload: &str, threads: Threads, extent: Extent) -> Result<(), Failure> {
    let (workload, mut network, samples) = standard(workload)?;
    let data = dataset(&workload, 1)?;
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(LEARNING_RATE).batch_size(workload.rows);
    let trainer = trainer.epochs(1).threads(threads).build()?;
    let (mut other, mut another) = (network.clone(), network.clone());
    let (mut session, mut outside) = (trainer.session(&mut other)?, trainer.session(&mut another)?);

    let name = format!("a fit of one step of {}, {threads:?}", workload.name);
    let mut question = Question::new(name, "less than 30 µs beyond the step");
    question.way("Session::step, within install", STEPS, || {
        session.install(|session| {
            (0..STEPS).try_for_each(|_| session.step(&samples.inputs, &samples.targets).map(|_| ()))
        })?;
        Ok(())
    });
    question.way("Session::step, on its own", 1, || {
        outside.step(&samples.inputs, &samples.targets)?;
        Ok(())
    });
    question.way("Trainer::fit", 1, || {
        trainer.fit(&mut network, &data, None)?;
        Ok(())
    });
    question.answer(extent)
}

/// Epochs of a run, with and without callbacks, beside the bare steps.
fn run_of_steps(threads: usize, extent: Extent) -> Result<(), Failure> {
    let (workload, network, _) = standard("seed-b32")?;
    let data = dataset(&workload, STEPS)?;
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(LEARNING_RATE).batch_size(workload.rows);
    // An epoch a call, and more than there will be calls.
    let trainer = trainer.shuffle(false).epochs(usize::MAX).threads(threads);
    let shuffling = trainer.clone().shuffle(true).build()?;
    let trainer = trainer.build()?;
    let mut networks: [DynNetwork<f32>; 6] = std::array::from_fn(|_| network.clone());
    let [bare, at, run, counted, watched, shuffled] = &mut networks;
    let (mut bare, mut at) = (trainer.session(bare)?, trainer.session(at)?);
    let indices: Vec<u64> = (0..data.len() as u64).collect();
    let (mut steps, mut epochs) = (0_u64, 0_u64);
    let mut run = trainer.run(run, &data)?;
    let mut counted = trainer.run(counted, &data)?.on_step(|_| {
        steps += 1;
        Ok(Signal::Continue)
    });
    let mut watched = trainer.run(watched, &data)?.on_epoch(|_| {
        epochs += 1;
        Ok(Signal::Continue)
    });
    let mut shuffled = shuffling.run(shuffled, &data)?;

    let plural = if threads == 1 { "" } else { "s" };
    let name = format!("a step of seed-b32 in an epoch, with a callback or none, {threads} thread{plural}");
    let mut question = Question::new(name, "a run costs no more than its steps, a callback less than 1 %");
    let (input_width, target_width) = (workload.rows * data.input_width(), workload.rows * data.target_width());
    question.way("Session::step_at", STEPS, || {
        at.install(|session| {
            let mut batches = indices.chunks(workload.rows);
            batches.try_for_each(|indices| session.step_at(&data, indices).map(|_| ()))
        })?;
        Ok(())
    });
    question.way("Session::step", STEPS, || {
        bare.install(|session| {
            let batches = data.inputs().chunks(input_width).zip(data.targets().chunks(target_width));
            batches.map(|(inputs, targets)| session.step(inputs, targets)).try_for_each(|cost| cost.map(|_| ()))
        })?;
        Ok(())
    });
    question.way("Run", STEPS, || next(&mut run));
    question.way("Run, a callback that counts epochs", STEPS, || next(&mut watched));
    question.way("Run, a callback that counts steps", STEPS, || next(&mut counted));
    question.way("Run, shuffled", STEPS, || next(&mut shuffled));
    question.answer(extent)
}

/// Epochs of seed-b1024 with what people add to a run, beside bare ones.
fn run_that_is_watched(extent: Extent) -> Result<(), Failure> {
    let (workload, network, _) = standard("seed-b1024")?;
    let data = dataset(&workload, STEPS / 16)?;
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(LEARNING_RATE).batch_size(workload.rows);
    let trainer = trainer.epochs(usize::MAX).threads(1).build()?;
    let mut networks: [DynNetwork<f32>; 4] = std::array::from_fn(|_| network.clone());
    let [bare, stopped, shown, all] = &mut networks;
    let stopping = || EarlyStopping::new(Monitor::Cost).patience(usize::MAX);
    let mut bare = trainer.run(bare, &data)?;
    let mut stopped = trainer.run(stopped, &data)?.callback(stopping());
    let mut shown = trainer.run(shown, &data)?.callback(Progress::writer(sink())).callback(JsonLines::writer(sink()));
    let all = trainer.run(all, &data)?.callback(stopping()).callback(Progress::writer(sink()));
    let mut all = all.callback(JsonLines::writer(sink()));

    let mut question = Question::new("an epoch of seed-b1024, watched by callbacks of the library", "less than 1 %");
    question.way("Run", 1, || next(&mut bare));
    question.way("Run, early stopping", 1, || next(&mut stopped));
    question.way("Run, progress and a log of JSON lines", 1, || next(&mut shown));
    question.way("Run, all of these", 1, || next(&mut all));
    question.answer(extent)
}

/// Shuffled epochs of tabular-b8k from memory, and from a file of records in the page cache.
fn run_on_records(threads: usize, extent: Extent) -> Result<(), Failure> {
    let (workload, network, _) = standard("tabular-b8k")?;
    let data = dataset(&workload, 32)?;
    let file = env::temp_dir().join(format!("nn-train-bench-{}.nnr", std::process::id()));
    records::convert(&data, &file, |_| ())?;
    // A quarter of its 35 MB, and all of it.
    let (part, whole) = (Records::open_within(&file, 9 << 20)?, Records::open(&file)?);
    // Open files stay, and a failure leaves none behind.
    std::fs::remove_file(&file)?;
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(LEARNING_RATE).batch_size(workload.rows);
    let trainer = trainer.epochs(usize::MAX).threads(threads).build()?;
    let mut networks: [DynNetwork<f32>; 3] = std::array::from_fn(|_| network.clone());
    let [memory, parts, all] = &mut networks;
    let mut memory = trainer.run(memory, &data)?;
    let mut parts = trainer.run(parts, &part)?;
    let mut all = trainer.run(all, &whole)?;

    let plural = if threads == 1 { "" } else { "s" };
    let name = format!("an epoch of tabular-b8k from a file of records, {threads} thread{plural}");
    let mut question = Question::new(name, "less than 5 %");
    question.way("a data set in memory", 1, || next(&mut memory));
    question.way("Records, 35 MB within 9 MiB", 1, || next(&mut parts));
    question.way("Records that fit into the memory allowed", 1, || next(&mut all));
    question.answer(Extent { rounds: extent.rounds.min(21), ..extent })
}

fn next(run: &mut Run<'_, DynNetwork<f32>>) -> Result<(), Failure> {
    match run.next() {
        Some(epoch) => black_box(epoch.map(|_| ()).map_err(Failure::from)),
        None => Err("the run is over".into()),
    }
}

/// A step whose gradient is 0, long after Adam's moments have decayed below the normal numbers, beside an ordinary one.
fn decayed_moments(extent: Extent) -> Result<(), Failure> {
    let workload = Workload::new(&[256, 256, 10], Activation::Tanh, nn_benches::Target::Class, 1)?;
    let network = DynNetwork::<f32>::new(workload.architecture.clone(), Init::default(), 1)?;
    let Samples { inputs, targets } = workload.samples::<f32>()?;
    // 0.9 to the power of 2,000 is 10⁻⁹².
    let adam = Adam::default().betas(0.9, 0.9);
    let trainer = Trainer::builder().optimizer(adam).learning_rate(LEARNING_RATE).batch_size(1).threads(1).build()?;
    let (mut moving, mut still) = (network.clone(), network);
    let (mut moving, mut still) = (trainer.session(&mut moving)?, trainer.session(&mut still)?);
    still.step_weighted(&inputs, &targets, &[1.0])?;
    for _ in 0..2000 {
        // A sample that weighs nothing has no gradient.
        still.step_weighted(&inputs, &targets, &[0.0])?;
    }

    let mut question = Question::new("Adam's moments, 68,362 parameters, 1 thread", "no difference");
    question.way("a gradient that is not 0", 1, || {
        moving.step_weighted(&inputs, &targets, &[1.0])?;
        Ok(())
    });
    question.way("a gradient that has been 0 for 2,000 steps", 1, || {
        still.step_weighted(&inputs, &targets, &[0.0])?;
        Ok(())
    });
    question.answer(extent)
}

/// A step with each of the library's optimisers, beside plain gradient descent; `at` says by which of a session's two
/// ways to take one.
fn updates(name: &str, threads: usize, at: bool, extent: Extent) -> Result<(), Failure> {
    let (workload, network, samples) = standard(name)?;
    let data = DynDataset::new(
        samples.inputs,
        workload.architecture.inputs(),
        samples.targets,
        workload.architecture.outputs(),
    )?;
    let indices: Vec<u64> = (0..data.len() as u64).collect();
    let trainer = Trainer::builder().learning_rate(LEARNING_RATE).batch_size(workload.rows).threads(threads);
    let momentum = Sgd::default().momentum(MOMENTUM);
    let builders = [
        ("Sgd", trainer.clone().optimizer(Sgd::default())),
        ("Sgd, momentum", trainer.clone().optimizer(momentum)),
        ("Sgd, Nesterov's momentum", trainer.clone().optimizer(momentum.nesterov(true))),
        ("Adam", trainer.clone().optimizer(Adam::default())),
        ("Adam, AMSGrad", trainer.clone().optimizer(Adam::default().amsgrad(true))),
        ("AdamW", trainer.clone().optimizer(AdamW::default())),
        ("RmsProp", trainer.clone().optimizer(RmsProp::default())),
        ("RmsProp, centred, momentum", trainer.clone().optimizer(RmsProp::default().centered(true).momentum(MOMENTUM))),
        ("Adagrad", trainer.clone().optimizer(Adagrad::default())),
        ("Lion", trainer.clone().optimizer(Lion::default().weight_decay(0.1))),
        ("Rprop", trainer.optimizer(Rprop::default())),
    ];
    let mut networks = builders.each_ref().map(|_| network.clone());

    let plural = if threads == 1 { "" } else { "s" };
    let (how, goal) = (if at { "step_at" } else { "step" }, "less than 5 % on tabular-b8k");
    let mut question = Question::new(format!("Session::{how} of {name}, {threads} thread{plural}"), goal);
    for ((name, builder), network) in builders.into_iter().zip(&mut networks) {
        let trainer = builder.build()?;
        let mut session = trainer.session(network)?;
        let (data, indices) = (&data, &indices);
        // As often as a batch stays in cache for the next step, as in a run.
        question.way(name, 4, move || {
            for _ in 0..4 {
                if at {
                    session.step_at(data, indices)?
                } else {
                    session.step(data.inputs(), data.targets())?
                };
            }
            Ok(())
        });
    }
    question.answer(extent)
}

/// Predictions by a predictor, by the network, and one by one.
fn predictions(name: &str, rows: usize, extent: Extent) -> Result<(), Failure> {
    let (workload, network, _) = standard(name)?;
    let Samples { inputs, .. } = Workload { rows, ..workload.clone() }.samples::<f32>()?;
    let outputs = vec![0.0; rows * workload.architecture.outputs()];
    let pool = ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        let mut predictor = network.predictor(rows)?;
        let mut rooms: [Vec<f32>; 4] = std::array::from_fn(|_| outputs.clone());
        let [by_predictor, by_network, one_by_one, by_new_predictor] = &mut rooms;
        let name = format!("predictions for {rows} samples of {name}, 1 thread");
        let mut question = Question::new(name, "a one-off call does not plan");
        question.way("Predictor::predict_batch", 1, || Ok(predictor.predict_batch(&inputs, black_box(by_predictor))?));
        question.way("Network::predict_batch", 1, || Ok(network.predict_batch(&inputs, black_box(by_network))?));
        question.way("Network::predict_into, sample by sample", 1, || {
            let (input_width, output_width) = (workload.architecture.inputs(), workload.architecture.outputs());
            let mut samples = inputs.chunks(input_width).zip(one_by_one.chunks_mut(output_width));
            Ok(samples.try_for_each(|(input, output)| network.predict_into(input, output))?)
        });
        question.way("Network::predictor, and its predict_batch", 1, || {
            Ok(network.predictor(rows)?.predict_batch(&inputs, black_box(by_new_predictor))?)
        });
        question.answer(extent)
    })
}

/// Sgd's momentum, written as a user would: v ← μ v + g, θ ← θ - α v, and a v below the normal numbers is 0.
#[derive(Debug)]
struct OwnMomentum;

struct OwnMomentumRule<T> {
    rate: T,
    momentum: T,
}

impl<T: Element> Rule<T> for OwnMomentumRule<T> {
    const SLOTS: usize = 1;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let velocity = isa.splat(self.momentum) * slots[0] + gradient;
        let normal = isa.splat(T::MIN_POSITIVE);
        slots[0] = S::V::select(velocity.abs().lt(normal), isa.splat(T::ZERO), velocity);
        theta - isa.splat(self.rate) * slots[0]
    }
}

impl Optimizer for OwnMomentum {
    type Update<T: Element> = Elementwise<OwnMomentumRule<T>>;

    fn name(&self) -> &'static str {
        "own momentum"
    }

    fn default_learning_rate(&self) -> f64 {
        LEARNING_RATE
    }

    fn slots(&self) -> usize {
        1
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Self::Update<T>, nn_train::Error> {
        let [rate, momentum] = [step.learning_rate, MOMENTUM].map(T::from_f64);
        Ok(Elementwise::new(OwnMomentumRule { rate, momentum }))
    }
}

/// A step with an optimiser that a user has written, beside the library's that does the same.
fn own_optimizer(name: &str, engine: EngineKind, extent: Extent) -> Result<(), Failure> {
    let (workload, network, samples) = standard(name)?;
    let trainer = Trainer::builder().learning_rate(LEARNING_RATE).batch_size(workload.rows).threads(1).engine(engine);
    let library = trainer.clone().optimizer(Sgd::default().momentum(MOMENTUM)).build()?;
    let own = trainer.optimizer(OwnMomentum).build()?;
    let steps = (200_000 / network.parameters().len() / workload.rows).max(1);
    let mut networks = [network.clone(), network];
    let [by_library, by_own] = &mut networks;
    let (mut by_library, mut by_own) = (library.session(by_library)?, own.session(by_own)?);

    let mut question = Question::new(format!("an optimiser, {name}, {engine} engine, 1 thread"), "no difference");
    for (name, session) in [("Sgd with momentum", &mut by_library), ("momentum by a rule of the user's", &mut by_own)] {
        question.way(name, steps, || {
            session.install(|session| {
                (0..steps).try_for_each(|_| session.step(&samples.inputs, &samples.targets).map(|_| ()))
            })?;
            Ok(())
        });
    }
    question.answer(extent)
}

fn run(extent: Extent, names: &[String]) -> Result<(), Failure> {
    let wanted = |question: &str| names.is_empty() || names.iter().any(|name| question.contains(&**name));
    let mut counts = vec![1, available_parallelism().map_or(1, usize::from)];
    counts.dedup();
    if wanted("fit") {
        for workload in ["seed-b32", "control-b64"] {
            for &threads in &counts {
                fit_of_one_step(workload, Threads::Own(threads), extent)?;
            }
            fit_of_one_step(workload, Threads::Current, extent)?;
        }
    }
    if wanted("callback") {
        run_of_steps(1, extent)?;
        run_that_is_watched(extent)?;
    }
    if wanted("records") {
        for &threads in &counts {
            run_on_records(threads, extent)?;
        }
    }
    if wanted("optimiser") {
        for (workload, engine) in
            [("seed-b32", EngineKind::Narrow), ("mnist-b128", EngineKind::Tile), ("mnist-b128", EngineKind::Blocked)]
        {
            own_optimizer(workload, engine, extent)?;
        }
    }
    // Elsewhere than on tabular-b8k parameters weigh as much as samples, and memory is what binds.
    for (workload, rounds, ways) in [("tabular-b8k", 61, 2), ("mnist-b128", 41, 1), ("wide-b64", 15, 1)] {
        if wanted(&format!("update {workload}")) {
            let extent = Extent { rounds: extent.rounds.min(rounds), ..extent };
            for (&threads, at) in
                counts.iter().flat_map(|threads| [false, true][..ways].iter().map(move |at| (threads, at)))
            {
                updates(workload, threads, *at, extent)?;
            }
        }
    }
    if wanted("moments") {
        decayed_moments(extent)?;
    }
    if wanted("predictions") {
        for (name, rows) in [("seed-b32", 1), ("seed-b32", 32), ("mnist-b128", 1), ("mnist-b128", 128)] {
            predictions(name, rows, extent)?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let (mut extent, mut names) = (FULL, Vec::new());
    for argument in env::args().skip(1) {
        match &*argument {
            "--test" => extent = TEST,
            // Of cargo's.
            flag if flag.starts_with("--") => {}
            _ => names.push(argument),
        }
    }
    match run(extent, &names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
