//! Runs: callbacks, states to go on from, sources, weights, and threads.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;

use nn_train::prelude::*;
use nn_train::{EngineKind, InstructionSet, Rows, RunState, TrainerBuilder};
use rayon::prelude::*;

network! { struct Net<3 => 33 relu dropout(0.25) => 17 gelu => 3 softmax>; }
network! { struct Line<1 => 1 linear>: f64; }

fn blobs(count: usize) -> Dataset<[f32; 3], [f32; 3]> {
    let inputs = (0..count).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f32).sin())).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn line(count: usize) -> Dataset<[f64; 1], [f64; 1]> {
    let xs: Vec<[f64; 1]> = (0..count).map(|index| [index as f64 / count as f64]).collect();
    let ys = xs.iter().map(|[x]| [3.0 * x - 1.0]).collect();
    Dataset::new(xs, ys).unwrap()
}

/// A run that is cut anywhere, at an epoch's end too, goes on to the same bits on another number of threads.
fn goes_on_bit_for_bit_from_every_step(optimizer: impl Optimizer + Copy) {
    let data = blobs(50);
    let trainer = |threads| {
        let builder = Trainer::builder().optimizer(optimizer).schedule(|step| 0.01 / (1.0 + step as f64));
        builder.l2(0.01).batch_size(16).epochs(3).seed(5).threads(threads).build().unwrap()
    };
    let mut whole = Net::new(1);
    let mut states: Vec<RunState<f32>> = Vec::new();
    let run = trainer(2).run(&mut whole, &data).unwrap().validation(&data).unwrap();
    let keep = |context: &mut Context<'_, Net>| {
        assert_eq!(context.step(), states.len() as u64 + 1);
        states.push(context.state()?);
        Ok(Signal::Continue)
    };
    let history = run.on_step(keep).finish().unwrap();
    assert_eq!(states.len(), 12);
    for (taken, state) in (1..).zip(&states) {
        let mut net = Net::zeros();
        let trainer = trainer(1 + taken % 3);
        let mut run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap().resume(state).unwrap();
        assert_eq!(run.state().unwrap(), *state);
        let rest = run.by_ref().map(Result::unwrap).count();
        assert_eq!(rest, 3 - (taken - 1) / 4, "from step {taken}");
        let costs = |history: &History| {
            history.iter().map(|epoch| (epoch.number, epoch.cost, epoch.validation_cost)).collect::<Vec<_>>()
        };
        assert_eq!(costs(run.history()), costs(&history), "from step {taken}");
        drop(run);
        assert_eq!(net, whole, "{optimizer:?}, from step {taken}");
    }
}

#[test]
fn a_run_goes_on_bit_for_bit_from_every_step_under_each_optimiser() {
    goes_on_bit_for_bit_from_every_step(AdamW::default());
    goes_on_bit_for_bit_from_every_step(AdamW::default().amsgrad(true));
    goes_on_bit_for_bit_from_every_step(RmsProp::default().centered(true).momentum(0.9));
    goes_on_bit_for_bit_from_every_step(Adagrad::default().learning_rate_decay(0.1));
    goes_on_bit_for_bit_from_every_step(Lion::default().weight_decay(0.1));
    goes_on_bit_for_bit_from_every_step(Rprop::default());
}

/// Between epochs, too, and a run that is over has nothing left.
#[test]
fn a_run_goes_on_from_an_epochs_end() {
    let data = blobs(50);
    let trainer = Trainer::builder().batch_size(16).epochs(2).build().unwrap();
    let mut whole = Net::new(1);
    let mut states = Vec::new();
    let run = trainer.run(&mut whole, &data).unwrap().on_epoch(|context| {
        states.push(context.state()?);
        Ok(Signal::Continue)
    });
    run.finish().unwrap();
    for (state, rest) in states.iter().zip([1, 0]) {
        assert_eq!(state.position.step, 0);
        let mut net = Net::zeros();
        let run = trainer.run(&mut net, &data).unwrap().resume(state).unwrap();
        assert_eq!(run.map(Result::unwrap).count(), rest);
        assert_eq!(net, whole);
    }
    let fewer = Trainer::builder().batch_size(16).epochs(1).build().unwrap();
    let mut net = Net::new(1);
    let error = fewer.run(&mut net, &data).unwrap().resume(&states[1]).unwrap_err();
    assert_eq!(error.to_string(), "the epochs begun in the state: 2; expected at most 1");
    let mut spoilt = states[0].clone();
    spoilt.position.step = 5;
    let error = trainer.run(&mut net, &data).unwrap().resume(&spoilt).unwrap_err();
    assert_eq!(error.to_string(), "the steps taken in the epoch in the state: 5; expected at most 4");
}

/// What a position within an epoch depends on is the state's; at an epoch's end it may be another.
#[test]
fn a_run_goes_on_within_an_epoch_of_the_same_batches_only() {
    type Set = fn(TrainerBuilder) -> TrainerBuilder;
    let (data, more) = (blobs(50), blobs(66));
    let builder = || Trainer::builder().batch_size(16).epochs(2);
    let mut states = Vec::new();
    let run = |set: Set, data, state: &RunState<f32>| {
        let mut net = Net::zeros();
        set(builder()).build().unwrap().run(&mut net, data)?.resume(state)?.finish()
    };
    let mut net = Net::new(1);
    let trainer = builder().build().unwrap();
    let keep = |context: &mut Context<'_, Net>| {
        states.push(context.state()?);
        Ok(Signal::Continue)
    };
    trainer.run(&mut net, &data).unwrap().on_step(keep).finish().unwrap();
    let mut end = states[3].clone();
    (end.position.step, end.position.cost, end.position.weight) = (0, 0.0, 0.0);
    let same: Set = |builder| builder;
    let others: [(&str, Set, _); 4] = [
        ("the number of samples in the state: 50; expected 66", same, &more),
        ("batch_size in the state: 16; expected 17", |builder| builder.batch_size(17), &data),
        ("batch_size in the state: 16; expected 50", |builder| builder.batch_size(99), &data),
        ("shuffle in the state: true; expected false", |builder| builder.shuffle(false), &data),
    ];
    for (message, set, data) in others {
        // After the last step of an epoch, too: it is over when its validation is.
        for state in [&states[1], &states[3]] {
            let error = run(set, data, state).unwrap_err();
            let rest = " as in this run, since the state is from the midst of an epoch";
            assert_eq!(error.to_string(), format!("{message}{rest}"));
        }
        assert!(run(set, data, &end).is_ok(), "{message}");
    }
    // All else may be another.
    let free: [Set; 6] = [
        |builder| builder.epochs(5),
        |builder| builder.learning_rate(0.5),
        |builder| builder.seed(9),
        |builder| builder.threads(3),
        |builder| builder.l2(0.1).clip_norm(1.0),
        |builder| builder.label_smoothing(0.1),
    ];
    for set in free {
        assert!(run(set, &data, &states[1]).is_ok());
    }
}

/// A run that is over goes on under a trainer with more epochs as if it had had them from the first, although callbacks
/// have put other weights into the network at its end.
#[test]
fn the_state_after_the_end_is_that_of_the_last_step() {
    struct Meddler;
    impl Callback<Net> for Meddler {
        fn on_end(&mut self, context: &mut Context<'_, Net>) -> Result<(), Error> {
            context.set_learning_rate(0.5)?;
            context.set_network(&Net::new(7))?;
            context.set_network(&Net::new(8))?;
            assert_eq!(context.network(), &Net::new(8));
            Ok(())
        }
    }
    let data = blobs(50);
    let trainer =
        |epochs| Trainer::builder().optimizer(AdamW::default()).batch_size(16).epochs(epochs).build().unwrap();
    let stopping = || EarlyStopping::new(Monitor::Cost).min_delta(1e9).patience(50);
    let average = || WeightAverage::exponential(0.5).apply_at_end(true);
    let (three, six) = (trainer(3), trainer(6));
    let mut whole = Net::new(1);
    six.run(&mut whole, &data).unwrap().callback(stopping()).callback(average()).finish().unwrap();
    for meddles in [false, true] {
        let mut net = Net::new(1);
        let mut run = three.run(&mut net, &data).unwrap().callback(stopping()).callback(average());
        if meddles {
            run = run.callback(Meddler);
        }
        run.by_ref().for_each(|epoch| assert!(epoch.is_ok()));
        let state = run.state().unwrap();
        assert_ne!(run.network().parameters(), state.session.parameters);
        assert_eq!(state.session.learning_rate, None);
        let mut resumed = Net::zeros();
        let run = six.run(&mut resumed, &data).unwrap().resume(&state).unwrap();
        run.callback(stopping()).callback(average()).finish().unwrap();
        assert_eq!(resumed, whole);
    }
}

/// A state goes on as it was computed, whatever a trainer would plan now.
#[test]
fn a_run_goes_on_by_the_plan_that_it_began_with() {
    let data = blobs(50);
    let builder = || Trainer::builder().optimizer(AdamW::default()).batch_size(16).epochs(2).threads(1);
    let own = builder().build().unwrap();
    let planned = own.explain(&Net::new(1)).unwrap().engine;
    // Features along lanes and samples along lanes: sums are added up in another order.
    let other = [EngineKind::Narrow, EngineKind::Tile].into_iter().find(|kind| *kind != planned).unwrap();
    let forced = builder().engine(other).build().unwrap();
    let mut whole = Net::new(1);
    let mut states = Vec::new();
    let keep = |context: &mut Context<'_, Net>| {
        states.push(context.state()?);
        Ok(Signal::Continue)
    };
    forced.run(&mut whole, &data).unwrap().on_step(keep).finish().unwrap();
    let mut state = states.swap_remove(2);
    let resume = |trainer: &Trainer, state: &RunState<f32>| {
        let mut net = Net::zeros();
        let run = trainer.run(&mut net, &data).unwrap().resume(state)?;
        let engine = run.explain().engine;
        run.finish()?;
        Ok::<_, Error>((engine, net))
    };
    assert_eq!(resume(&own, &state).unwrap(), (other, whole));
    // What a trainer is told goes before what a state says.
    assert_eq!(resume(&builder().engine(planned).build().unwrap(), &state).unwrap().0, planned);
    // A session that has gone on by one state's plan goes on by the trainer's own where the next state has none.
    let mut net = Net::zeros();
    let mut session = own.session(&mut net).unwrap();
    session.resume(&state.session).unwrap();
    assert_eq!(session.explain().engine, other);
    let mut unplanned = state.session.clone();
    unplanned.plan = None;
    session.resume(&unplanned).unwrap();
    assert_eq!(session.explain().engine, planned);
    for (name, what) in [("quick", "the plan's engine"), ("sse9", "the plan's instruction set")] {
        // A set that the environment forces is taken whatever the state says.
        if name == "sse9" && InstructionSet::forced().is_ok_and(|set| set.is_some()) {
            continue;
        }
        let mut spoilt = state.clone();
        let plan = spoilt.session.plan.as_mut().unwrap();
        *(if name == "quick" { &mut plan.engine } else { &mut plan.set }) = name.to_owned();
        let error = resume(&own, &spoilt).unwrap_err().to_string();
        let (begins, ends) =
            (format!("{what} in the state: {name}; expected what there is here ("), "as the trainer plans");
        assert!(error.starts_with(&begins) && error.ends_with(ends), "{error}");
    }
    state.session.plan = None;
    assert_eq!(resume(&own, &state).unwrap().0, planned);
}

/// What was called, in order.
#[derive(Default)]
struct Log {
    calls: Vec<String>,
    stop_at: Option<&'static str>,
}

impl Log {
    fn call(&mut self, name: String) -> Result<Signal, Error> {
        let stop = self.stop_at.is_some_and(|stop| stop == name);
        self.calls.push(name);
        Ok(if stop { Signal::Stop } else { Signal::Continue })
    }
}

impl<N: Network> Callback<N> for Log {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        assert_eq!((context.cost(), context.epochs(), context.epoch_steps()), (None, 2, 2));
        self.call("start".to_owned())
    }

    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        assert!(context.cost().is_some_and(f64::is_finite));
        self.call(format!("step {}.{}", context.epoch(), context.epoch_step()))
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        assert_eq!(context.last_epoch().map(|epoch| epoch.number), Some(context.epoch()));
        self.call(format!("epoch {}", context.epoch()))
    }

    fn on_end(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        self.call(format!("end after {}", context.step())).map(|_| ())
    }
}

#[test]
fn callbacks_are_called_in_order_and_may_stop_the_run() {
    let data = line(10);
    let trainer = Trainer::builder().batch_size(5).epochs(2).build().unwrap();
    let all = ["start", "step 1.1", "step 1.2", "epoch 1", "step 2.1", "step 2.2", "epoch 2"];
    for (stop_at, called, end, epochs) in [
        (None, 7, "end after 4", 2),
        (Some("start"), 1, "end after 0", 0),
        (Some("step 1.1"), 2, "end after 1", 0),
        (Some("epoch 1"), 4, "end after 2", 1),
        (Some("step 2.1"), 5, "end after 3", 1),
        // The epoch is over all the same.
        (Some("step 2.2"), 7, "end after 4", 2),
    ] {
        let (mut log, mut other) = (Log { stop_at, ..Log::default() }, Log::default());
        let mut net = Line::new(1);
        let run = trainer.run(&mut net, &data).unwrap().callback(&mut log).callback(&mut other);
        assert_eq!(run.finish().unwrap().len(), epochs);
        let expected: Vec<&str> = all[..called].iter().copied().chain([end]).collect();
        assert_eq!(log.calls, expected);
        assert_eq!(other.calls, expected);
    }
}

#[test]
fn an_error_of_a_callback_ends_the_run() {
    let data = line(10);
    let trainer = Trainer::builder().batch_size(5).build().unwrap();
    let mut net = Line::new(1);
    let mut run = trainer.run(&mut net, &data).unwrap().on_step(|_| Err(Error::callback("no room on the disk")));
    let error = run.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "a callback ended the run: no room on the disk");
    assert!(run.next().is_none());
}

#[test]
fn a_callback_sets_the_rate_and_keeps_the_best_network() {
    let data = line(10);
    let trainer = Trainer::builder().learning_rate(0.1).batch_size(5).epochs(6).build().unwrap();
    let mut net = Line::new(1);
    let (mut rates, mut best) = (Vec::new(), None);
    let run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap().on_epoch(|context| {
        rates.push(context.learning_rate());
        match context.epoch() {
            2 => context.set_learning_rate(0.05)?,
            3 => best = Some(context.network().clone()),
            6 => context.set_network(best.as_ref().unwrap())?,
            _ => {}
        }
        Ok(Signal::Continue)
    });
    run.finish().unwrap();
    assert_eq!(rates, [0.1, 0.1, 0.05, 0.05, 0.05, 0.05]);
    assert_eq!(Some(net), best);
}

#[test]
fn a_schedule_is_asked_before_each_step_and_checked() {
    let data = line(10);
    let mut net = Line::new(1);
    let asked = std::sync::Arc::new(Mutex::new(HashSet::new()));
    let log = std::sync::Arc::clone(&asked);
    let schedule = move |step: u64| {
        log.lock().unwrap().insert(step);
        if step == 3 { f64::NAN } else { 0.0 }
    };
    let trainer = Trainer::builder().schedule(schedule).batch_size(5).build().unwrap();
    let before = net.clone();
    let error = trainer.fit(&mut net, &data, None).unwrap_err();
    assert!(matches!(error, Error::Setting { name: "learning_rate", .. }), "{error}");
    assert_eq!(net, before, "a rate of 0 moves nothing");
    assert_eq!(*asked.lock().unwrap(), HashSet::from([0, 1, 2, 3]));
}

/// Rows that are made when they are asked for.
struct Made<'a>(&'a Dataset<[f32; 3], [f32; 3]>);

impl Source for Made<'_> {
    type Scalar = f32;

    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn input_width(&self) -> usize {
        3
    }

    fn target_width(&self) -> usize {
        3
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f32>) -> Result<(), Error> {
        indices.iter().try_for_each(|&index| {
            let index = index as usize;
            match self.0.weights() {
                Some(weights) => rows.push_weighted(&self.0.inputs()[index], &self.0.targets()[index], weights[index]),
                None => rows.push(&self.0.inputs()[index], &self.0.targets()[index]),
            }
        })
    }
}

fn costs(history: &History) -> Vec<(f64, Option<f64>, Option<f64>)> {
    history.iter().map(|epoch| (epoch.cost, epoch.validation_cost, epoch.accuracy)).collect()
}

/// Data from elsewhere gives the bits that the same data gives from memory, with weights too.
#[test]
fn a_source_trains_as_a_data_set_does() {
    let plain = blobs(101);
    let weighted = plain.clone().with_weights((0..101).map(|i| (i % 4) as f32).collect()).unwrap();
    let trainer = Trainer::builder().l2(0.01).batch_size(16).epochs(2).build().unwrap();
    let mut cost_of = Vec::new();
    for data in [plain, weighted] {
        let [mut resident, mut made, mut dynamic] = [Net::new(1), Net::new(1), Net::new(1)];
        let history = trainer.fit(&mut resident, &data, Some(&data)).unwrap();
        let other = trainer.fit(&mut made, &Made(&data), Some(&Made(&data))).unwrap();
        assert_eq!(made, resident);
        assert_eq!(costs(&other), costs(&history));
        let other = trainer.fit(&mut dynamic, &*data, Some(&*data)).unwrap();
        assert_eq!((dynamic, costs(&other)), (resident, costs(&history)));
        cost_of.push(history[1].cost);
    }
    assert_ne!(cost_of[0], cost_of[1]);
}

/// A stream comes in its own order, whatever is asked for.
#[test]
fn a_stream_trains_as_unshuffled_data_does() {
    let data = blobs(101);
    let begin = || data.inputs().iter().zip(data.targets()).map(|(x, y)| (*x, *y));
    let stream = Stream::new(101, 3, 3, begin);
    let trainer = |shuffle| Trainer::builder().batch_size(16).epochs(2).shuffle(shuffle).build().unwrap();
    let (mut from_memory, mut streamed) = (Net::new(1), Net::new(1));
    trainer(false).fit(&mut from_memory, &data, None).unwrap();
    trainer(true).fit(&mut streamed, &stream, None).unwrap();
    assert_eq!(streamed, from_memory);
}

#[test]
fn data_that_does_not_fit_is_refused_before_anything_moves() {
    let trainer = Trainer::builder().build().unwrap();
    let mut net = Net::new(1).to_dynamic();
    let before = net.clone();
    let narrow = DynDataset::new(vec![0.0; 4], 2, vec![0.0; 6], 3).unwrap();
    let error = Error::Width { what: "inputs", expected: 3, found: 2 };
    assert_eq!(trainer.fit(&mut net, &narrow, None), Err(error));
    let mut data = blobs(2);
    data = Dataset::new(data.inputs().to_vec(), vec![[0.0, 1.0, 0.0], [0.5, 0.5, 0.5]]).unwrap();
    let error = trainer.fit(&mut net, &*data, None).unwrap_err();
    assert!(matches!(error, Error::TargetSum { sample: 1, .. }), "{error}");
    let fine = blobs(2);
    let error = trainer.fit(&mut net, &*fine, Some(&*data)).unwrap_err();
    assert!(matches!(error, Error::TargetSum { sample: 1, .. }), "{error}");
    assert_eq!(net, before);
}

/// λ is divided by the size of a full batch in every step: a last batch of one sample is pulled no harder. The rate is so
/// small, and the data so plain (x = y = 0), that a step multiplies the weight by 1 - αλ/64.
#[test]
fn a_last_batch_of_one_is_regularised_as_any_other() {
    let shrunk = |samples: usize| {
        let data = Dataset::new(vec![[0.0]; samples], vec![[0.0]; samples]).unwrap();
        let mut net = Line::zeros();
        net.layer1_mut().weights[0][0] = 1.0;
        let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(0.1).l2(6.4).batch_size(64).epochs(1);
        let history = trainer.build().unwrap().fit(&mut net, &data, None).unwrap();
        (net.layer1().weights[0][0], history[0].cost)
    };
    let (factor, half) = (1.0 - 0.1 * 6.4 / 64.0, 0.5 * 6.4 / 64.0);
    let (one, two) = (shrunk(64), shrunk(65));
    assert!((one.0 - factor).abs() < 1e-15 && (one.1 - half).abs() < 1e-15, "{one:?}");
    assert!((two.0 - factor * factor).abs() < 1e-15, "{two:?}");
    assert!((two.1 - half * (64.0 + factor * factor) / 65.0).abs() < 1e-15, "{two:?}");
}

/// Eight fits at a time on two threads are done by those two.
#[test]
fn fits_in_the_callers_pool_start_no_thread() {
    let data = blobs(200);
    let trainer = Trainer::builder().threads(Threads::Current).batch_size(64).epochs(2).build().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let workers = Mutex::new(HashSet::new());
    let nets: Vec<Net> = pool.install(|| {
        (0..8_u64)
            .into_par_iter()
            .map(|seed| {
                let mut net = Net::new(seed);
                let watch = |_: &mut Context<'_, Net>| {
                    workers.lock().unwrap().insert(thread::current().id());
                    assert_eq!(rayon::current_num_threads(), 2);
                    Ok(Signal::Continue)
                };
                trainer.run(&mut net, &data).unwrap().on_step(watch).finish().unwrap();
                net
            })
            .collect()
    });
    assert!(workers.lock().unwrap().len() <= 2);
    // The same bits as by threads of the trainer's own.
    let own = Trainer::builder().threads(3).batch_size(64).epochs(2).build().unwrap();
    for (seed, net) in (0..).zip(&nets) {
        let mut other = Net::new(seed);
        own.fit(&mut other, &data, None).unwrap();
        assert_eq!(other, *net);
    }
}

/// A trainer and its clones have one set of threads, whatever they train.
#[test]
fn a_trainers_threads_are_started_once() {
    let data = line(10);
    let trainer = Trainer::builder().threads(2).batch_size(5).epochs(1).build().unwrap();
    let mut workers = HashSet::new();
    for trainer in [trainer.clone(), trainer] {
        for _ in 0..3 {
            let mut net = Line::new(1);
            let watch = |_: &mut Context<'_, Line>| {
                assert!(thread::current().name().is_some_and(|name| name.starts_with("nn-train ")));
                workers.insert(thread::current().id());
                Ok(Signal::Continue)
            };
            trainer.run(&mut net, &data).unwrap().on_epoch(watch).finish().unwrap();
        }
    }
    assert!(workers.len() <= 2, "{workers:?}");
    for threads in [0, Threads::MAX + 1, usize::MAX] {
        let error = Trainer::builder().threads(threads).build().unwrap_err();
        assert_eq!(error.to_string(), format!("threads is {threads}; expected at least 1 and at most 1024"));
    }
    assert!(Trainer::builder().threads(Threads::MAX).build().is_ok());
}

/// One thread is the caller's, also within a pool.
#[test]
fn one_thread_is_the_calling_one() {
    let data = blobs(200);
    let train = |threads: Threads| {
        let here = thread::current().id();
        let trainer = Trainer::builder().threads(threads).batch_size(64).epochs(2).build().unwrap();
        let mut net = Net::new(1);
        let watch = |_: &mut Context<'_, Net>| {
            assert!(threads != Threads::Own(1) || thread::current().id() == here);
            Ok(Signal::Continue)
        };
        trainer.run(&mut net, &data).unwrap().validation(&data).unwrap().on_step(watch).finish().unwrap();
        net
    };
    let expected = train(Threads::Own(2));
    assert_eq!(train(Threads::Own(1)), expected);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert_eq!(pool.install(|| train(Threads::Own(1))), expected);
}

/// A cost that is NaN, whatever its sign, is not the best.
#[test]
fn no_number_is_not_the_best_epoch() {
    let data = line(10);
    let fitted = Trainer::builder().epochs(3).build().unwrap().fit(&mut Line::new(1), &data, None).unwrap();
    let with = |costs: [f64; 3]| -> History {
        let epochs = fitted.iter().zip(costs).map(|(epoch, cost)| {
            let mut epoch = *epoch;
            epoch.validation_cost = Some(cost);
            epoch
        });
        epochs.collect()
    };
    let best = |costs| with(costs).best().map(|epoch| epoch.number);
    assert_eq!(best([f64::NAN, 2.0, 1.0]), Some(3));
    assert_eq!(best([-f64::NAN, 1.0, 1.0]), Some(2));
    assert_eq!(best([-f64::NAN, f64::INFINITY, f64::NAN]), Some(2));
    assert_eq!(best([f64::NAN, -f64::NAN, f64::NAN]), None);
}

/// The settings that only a network's number type shows to be none.
#[test]
fn what_the_number_type_cannot_express_is_refused() {
    let (single, double) = (blobs(4), line(4));
    let refused = |builder: nn_train::TrainerBuilder| {
        let trainer = builder.epochs(1).build().unwrap();
        let mut net = Net::new(1);
        let before = net.clone();
        let error = trainer.fit(&mut net, &single, None).unwrap_err();
        assert_eq!(net, before);
        assert!(trainer.fit(&mut Line::new(1), &double, None).is_ok(), "an f64 can express it");
        match error {
            Error::Setting { name, .. } => name,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(Trainer::builder().optimizer(Adam::default().epsilon(1e-50))), "epsilon");
    assert_eq!(refused(Trainer::builder().learning_rate(1e-60)), "learning_rate");
    assert_eq!(refused(Trainer::builder().l2(1e-50)), "l2");
    let error = Trainer::builder().l2(1e300).build().unwrap().fit(&mut Net::new(1), &single, None).unwrap_err();
    assert!(error.to_string().starts_with("l2 is 1e300; expected"), "{error}");
    assert!(Trainer::builder().learning_rate(0.0).build().is_err());
}
