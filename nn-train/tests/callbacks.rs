//! The library's callbacks, and what callbacks keep in the state of a run.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Mutex;

use nn_train::prelude::*;
use nn_train::{CallbackState, EngineKind, Goal};
use serde_json::Value;

network! { struct Net<3 => 17 relu dropout(0.25) => 3 softmax>; }
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

/// A metric that is what the list says, epoch by epoch.
fn told(numbers: &[f64]) -> impl FnMut(&mut Context<'_, Line>) -> Result<f64, Error> {
    |context: &mut Context<'_, Line>| Ok(numbers[context.epoch() - 1])
}

/// The epochs that a run has under `stopping`, and whether it ends with the weights of the epoch `best`.
#[track_caller]
fn stops<M: nn_train::Metric<Line>>(mut stopping: EarlyStopping<M>, epochs: usize, ends: usize, best: Option<usize>) {
    let data = line(10);
    let trainer = Trainer::builder().learning_rate(0.1).batch_size(5).epochs(epochs).build().unwrap();
    let (mut net, mut nets) = (Line::new(1), Vec::new());
    let keep = |context: &mut Context<'_, Line>| {
        nets.push(context.network().clone());
        Ok(Signal::Continue)
    };
    let history = trainer.run(&mut net, &data).unwrap().callback(&mut stopping).on_epoch(keep).finish().unwrap();
    assert_eq!((history.len(), stopping.best_epoch()), (ends, best));
    assert_eq!(net, nets[best.unwrap_or(ends) - 1]);
    assert!(nets.windows(2).all(|pair| pair[0] != pair[1]), "each epoch moves something");
}

#[test]
fn early_stopping_ends_a_run_and_restores_the_best_weights() {
    const CURVE: [f64; 8] = [5.0, 4.0, 4.5, 3.0, 3.0, 2.95, 3.5, 1.0];
    let stopping = || EarlyStopping::new(told(&CURVE));
    stops(stopping().patience(1), 8, 3, Some(2));
    stops(stopping().patience(2), 8, 8, Some(8));
    stops(stopping().patience(2).min_delta(0.1), 8, 6, Some(4));
    // A number that is better by just the least difference is not better by more than that.
    stops(stopping().patience(1).min_delta(1.0), 8, 2, Some(1));
    // By the last epoch.
    stops(stopping().patience(5), 5, 5, Some(4));
    stops(stopping().patience(100), 3, 3, Some(2));
    stops(stopping().goal(Goal::Highest).patience(3), 8, 4, Some(1));
    stops(EarlyStopping::new(told(&[0.1, 0.5, 0.2, 0.9, 0.3])).goal(Goal::Highest).patience(2), 5, 5, Some(4));
}

#[test]
fn what_is_no_number_is_not_the_best() {
    let (nan, infinity) = (f64::NAN, f64::INFINITY);
    stops(EarlyStopping::new(told(&[nan, 2.0, nan, nan, 1.0])).patience(2), 5, 4, Some(2));
    stops(EarlyStopping::new(told(&[nan, infinity, nan, nan])).patience(3), 4, 3, None);
    stops(EarlyStopping::new(told(&[nan, -infinity, nan, 2.0])).goal(Goal::Highest).patience(9), 4, 4, Some(4));
}

#[test]
fn early_stopping_may_leave_the_last_weights() {
    let data = line(10);
    let trainer = Trainer::builder().learning_rate(0.1).batch_size(5).epochs(9).build().unwrap();
    let mut net = Line::new(1);
    let stopping = EarlyStopping::new(told(&[1.0, 2.0, 3.0])).patience(2).restore_best(false);
    assert_eq!(trainer.run(&mut net, &data).unwrap().callback(stopping).finish().unwrap().len(), 3);
    let mut other = Line::new(1);
    let trainer = Trainer::builder().learning_rate(0.1).batch_size(5).epochs(3).build().unwrap();
    trainer.fit(&mut other, &data, None).unwrap();
    assert_eq!(net, other);
}

/// One that has watched a run begins anew with the next.
#[test]
fn early_stopping_serves_for_several_runs() {
    let data = line(10);
    let trainer = Trainer::builder().learning_rate(0.1).batch_size(5).epochs(4).build().unwrap();
    let mut stopping = EarlyStopping::new(Monitor::Cost).patience(1);
    let mut train = || {
        let mut net = Line::new(1);
        let history = trainer.run(&mut net, &data).unwrap().callback(&mut stopping).finish().unwrap();
        (history.iter().map(|epoch| epoch.cost).collect::<Vec<_>>(), net, stopping.best_epoch())
    };
    let first = train();
    assert_eq!(first.2, Some(4));
    assert_eq!(train(), first);
}

/// The epoch that the history says is the best, by each number of an epoch.
#[test]
fn monitors_are_the_numbers_of_the_epoch() {
    let (data, validation) = (blobs(60), blobs(31));
    let trainer = Trainer::builder().learning_rate(0.05).batch_size(8).epochs(12).threads(1).build().unwrap();
    for monitor in [Monitor::ValidationCost, Monitor::Cost, Monitor::Accuracy] {
        let mut stopping = EarlyStopping::new(monitor).patience(100);
        let mut net = Net::new(1);
        let run = trainer.run(&mut net, &data).unwrap().validation(&validation).unwrap();
        let history = run.callback(&mut stopping).finish().unwrap();
        let number = |epoch: &nn_train::Epoch| match monitor {
            Monitor::ValidationCost => epoch.validation_cost.unwrap(),
            Monitor::Cost => epoch.cost,
            Monitor::Accuracy => -epoch.accuracy.unwrap(),
        };
        let best = history.iter().min_by(|a, b| number(a).total_cmp(&number(b))).unwrap();
        assert_eq!(
            (stopping.best_epoch(), stopping.best().map(f64::abs)),
            (Some(best.number), Some(number(best).abs()))
        );
    }
}

#[test]
fn a_number_that_there_is_not_ends_the_run() {
    let data = line(10);
    let trainer = Trainer::builder().batch_size(5).build().unwrap();
    let refused = |monitor, validated| {
        let mut net = Line::new(1);
        let mut run = trainer.run(&mut net, &data).unwrap().callback(ReduceOnPlateau::new(monitor));
        if validated {
            run = run.validation(&data).unwrap();
        }
        run.finish().unwrap_err().to_string()
    };
    assert_eq!(
        refused(Monitor::ValidationCost, false),
        "there is no validation cost; expected a run with validation data, or another metric"
    );
    for validated in [false, true] {
        assert_eq!(
            refused(Monitor::Accuracy, validated),
            "there is no accuracy; expected a run with validation data, cross-entropy and targets that are classes, \
             or another metric"
        );
    }
}

#[test]
fn a_plateau_lowers_the_rate_as_in_pytorch() {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/schedules.json")).unwrap();
    // Numbers that are not finite stand there as texts.
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap());
    let numbers = |list: &Value| list.as_array().unwrap().iter().map(number).collect::<Vec<f64>>();
    type Choice<M> = fn(ReduceOnPlateau<M>) -> ReduceOnPlateau<M>;
    fn replay<M: nn_train::Metric<Line>>(name: &str, metric: M, choose: Choice<M>, wanted: &[f64]) {
        let data = line(10);
        let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(0.4).epochs(wanted.len());
        let mut net = Line::new(1);
        let mut found = Vec::new();
        let watch = |context: &mut Context<'_, Line>| {
            found.push(context.learning_rate());
            Ok(Signal::Continue)
        };
        let trainer = trainer.build().unwrap();
        let run = trainer.run(&mut net, &data).unwrap().callback(choose(ReduceOnPlateau::new(metric)));
        run.on_epoch(watch).finish().unwrap();
        for (epoch, (found, wanted)) in found.iter().zip(wanted).enumerate() {
            assert!((found - wanted).abs() <= 1e-12 * wanted, "{name}, {epoch}: {found:e}, expected {wanted:e}");
        }
        let falls = wanted.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(falls >= 2 && found.len() == wanted.len(), "{name}: {falls} falls");
    }
    let runs = &fixture["plateaus"];
    let of = |name: &str| (numbers(&runs[name]["metrics"]), numbers(&runs[name]["rates"]));
    let (metrics, rates) = of("lowest");
    replay("lowest", told(&metrics), |it| it.factor(0.5).patience(3).min_delta(0.01).cooldown(2).floor(0.01), &rates);
    let (metrics, rates) = of("highest");
    replay("highest", told(&metrics), |it| it.goal(Goal::Highest).factor(0.3).patience(0), &rates);
    let (metrics, rates) = of("not_a_number");
    replay("not_a_number", told(&metrics), |it| it.patience(1), &rates);
}

/// A rate that the network's numbers do not reach is not set: the run goes on at the one before.
#[test]
fn a_plateau_that_lasts_does_not_end_the_run() {
    let data = blobs(4);
    let trainer = Trainer::builder().learning_rate(1e-30).batch_size(4).epochs(40).build().unwrap();
    let worse = |context: &mut Context<'_, Net>| Ok(context.epoch() as f64);
    let (mut net, mut rate) = (Net::new(1), 0.0);
    let run = trainer.run(&mut net, &data).unwrap().callback(ReduceOnPlateau::new(worse).patience(0));
    let watch = |context: &mut Context<'_, Net>| {
        rate = context.learning_rate();
        Ok(Signal::Continue)
    };
    assert_eq!(run.on_epoch(watch).finish().unwrap().len(), 40);
    assert!(rate as f32 > 0.0 && rate < 1e-43, "{rate:e}");
}

#[test]
fn settings_out_of_range_are_refused_before_the_first_step() {
    let data = line(10);
    let trainer = Trainer::builder().batch_size(5).build().unwrap();
    let refused = |callback: &mut dyn Callback<Line>| {
        let mut net = Line::new(1);
        let error = trainer.run(&mut net, &data).unwrap().callback(callback).finish().unwrap_err();
        assert_eq!(net, Line::new(1));
        assert!(matches!(error, Error::Setting { .. }), "{error:?}");
        error.to_string()
    };
    let stopping = || EarlyStopping::new(Monitor::Cost);
    let plateau = || ReduceOnPlateau::new(Monitor::Cost);
    let difference = "a finite number that is not negative";
    let epochs = "one of the run's epochs, from 1";
    for (found, wanted) in [
        (refused(&mut WeightAverage::exponential(1.0)), "decay is 1; expected a number in [0, 1)".to_owned()),
        (refused(&mut WeightAverage::exponential(f64::NAN)), "decay is NaN; expected a number in [0, 1)".to_owned()),
        (refused(&mut WeightAverage::from_epoch(0)), format!("from_epoch is 0; expected {epochs}")),
        (refused(&mut WeightAverage::from_epoch(11)), format!("from_epoch is 11; expected {epochs}")),
        (refused(&mut stopping().patience(0)), "patience is 0; expected at least 1".to_owned()),
        (refused(&mut stopping().min_delta(-1.0)), format!("min_delta is -1; expected {difference}")),
        (refused(&mut plateau().min_delta(f64::NAN)), format!("min_delta is NaN; expected {difference}")),
        (refused(&mut plateau().factor(1.0)), "factor is 1; expected a number in (0, 1)".to_owned()),
        (refused(&mut plateau().factor(0.0)), "factor is 0; expected a number in (0, 1)".to_owned()),
        (refused(&mut plateau().floor(f64::INFINITY)), format!("floor is inf; expected {difference}")),
    ] {
        assert_eq!(found, wanted);
    }
}

network! { struct Wide<8 => 300 silu => 300 => 2 linear>; }

/// The averages beside the plain formulas, over the weights that the run had, in each engine's layout and on a network
/// so wide that threads divide the work.
#[test]
fn averages_are_those_of_the_formulas() {
    fn check<N: Declared + Network<Scalar = f32>>(data: &nn_train::DatasetOf<N>, engine: Option<EngineKind>) {
        let mut builder = Trainer::builder().learning_rate(0.01).batch_size(16).epochs(6).threads(2);
        if let Some(engine) = engine {
            builder = builder.engine(engine);
        }
        let trainer = builder.build().unwrap();
        let (mut ema, mut swa) = (WeightAverage::exponential(0.9), WeightAverage::from_epoch(3));
        let (steps, epochs) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let numbers = |net: &N| net.parameters().iter().copied().map(f64::from).collect::<Vec<_>>();
        let mut net = N::new(1);
        let run = trainer.run(&mut net, data).unwrap().callback(&mut ema).callback(&mut swa);
        let run = run.on_step(|context| {
            steps.lock().unwrap().push(numbers(context.network()));
            Ok(Signal::Continue)
        });
        let run = run.on_epoch(|context| {
            epochs.lock().unwrap().push(numbers(context.network()));
            Ok(Signal::Continue)
        });
        run.finish().unwrap();
        let (steps, epochs) = (steps.into_inner().unwrap(), epochs.into_inner().unwrap());
        assert_eq!((ema.count(), swa.count()), (steps.len() as u64, 4));

        let params = net.parameters().len();
        let mut wanted = [vec![0.0; params], vec![0.0; params]];
        for step in &steps {
            wanted[0].iter_mut().zip(step).for_each(|(sum, theta)| *sum = 0.9 * *sum + 0.1 * theta);
        }
        wanted[0].iter_mut().for_each(|sum| *sum /= 1.0 - 0.9_f64.powi(steps.len() as i32));
        for epoch in &epochs[2..] {
            wanted[1].iter_mut().zip(epoch).for_each(|(sum, theta)| *sum += theta / 4.0);
        }
        for (average, wanted) in [ema, swa].iter().zip(&wanted) {
            let mut averaged = N::zeros();
            average.write_to(&mut averaged).unwrap();
            assert_ne!(averaged, net);
            for (index, (found, wanted)) in averaged.parameters().iter().zip(wanted).enumerate() {
                // Half a unit in the last place of an `f32`.
                let error = (f64::from(*found) - wanted).abs();
                assert!(error <= 6.1e-8 * wanted.abs() + 1e-12, "{engine:?}, {index}: {found:e}, expected {wanted:e}");
            }
        }
    }
    let small = blobs(50);
    for engine in [EngineKind::Narrow, EngineKind::Tile, EngineKind::Blocked] {
        check::<Net>(&small, Some(engine));
    }
    let rows: Vec<[f32; 8]> = (0..40).map(|i| std::array::from_fn(|k| ((i * 5 + k) as f32).sin())).collect();
    check::<Wide>(&Dataset::new(rows, vec![[0.5, -0.5]; 40]).unwrap(), None);
}

#[test]
fn an_average_is_put_into_the_network_where_it_is_told_so() {
    let data = line(10);
    let trainer = Trainer::builder().learning_rate(0.1).batch_size(5).epochs(4).build().unwrap();
    for average in [WeightAverage::exponential(0.8), WeightAverage::from_epoch(2)] {
        let (mut plain, mut applied) = (average.clone(), average.apply_at_end(true));
        let (mut last, mut averaged) = (Line::new(1), Line::new(1));
        trainer.run(&mut last, &data).unwrap().callback(&mut plain).finish().unwrap();
        trainer.run(&mut averaged, &data).unwrap().callback(&mut applied).finish().unwrap();
        assert_ne!(last, averaged);
        plain.write_to(&mut last).unwrap();
        assert_eq!(last, averaged);
        let error = plain.write_to(&mut Net::new(1)).unwrap_err();
        assert!(matches!(error, Error::AnotherArchitecture { .. }), "{error}");
        // It begins anew with the next run.
        let mut again = Line::new(1);
        trainer.run(&mut again, &data).unwrap().callback(&mut applied).finish().unwrap();
        assert_eq!(again, averaged);
    }
    let error = WeightAverage::exponential(0.8).write_to(&mut Line::new(1)).unwrap_err();
    assert_eq!(error.to_string(), "there is no average of weights yet; expected one of a run before");
}

/// Callbacks end in the order in which they were added, so the last of those that put weights into the network wins.
#[test]
fn an_average_and_the_best_weights_compose_by_their_order() {
    let data = line(10);
    let trainer = Trainer::builder().learning_rate(0.1).batch_size(5).epochs(8).build().unwrap();
    let train = |average_last: bool, apply: bool| {
        let (mut net, mut best) = (Line::new(1), None);
        let mut stopping = EarlyStopping::new(told(&[5.0, 3.0, 4.0, 4.0, 1.0])).patience(2);
        let mut average = WeightAverage::exponential(0.8).apply_at_end(apply);
        let mut run = trainer.run(&mut net, &data).unwrap();
        run = if average_last {
            run.callback(&mut stopping).callback(&mut average)
        } else {
            run.callback(&mut average).callback(&mut stopping)
        };
        let keep = |context: &mut Context<'_, Line>| {
            if context.epoch() == 2 {
                best = Some(context.network().clone());
            }
            Ok(Signal::Continue)
        };
        assert_eq!(run.on_epoch(keep).finish().unwrap().len(), 4);
        let mut averaged = Line::zeros();
        average.write_to(&mut averaged).unwrap();
        // Of the steps after the best epoch too.
        assert_eq!(average.count(), 8);
        (net, best.unwrap(), averaged)
    };
    let (net, best, averaged) = train(true, true);
    assert_eq!(net, averaged);
    assert_ne!(net, best);
    for (average_last, apply) in [(false, true), (true, false), (false, false)] {
        let (net, best, other) = train(average_last, apply);
        assert_eq!(net, best);
        // What was restored is no part of the average.
        assert_eq!(other, averaged);
    }
}

fn costs(history: &History) -> Vec<(usize, f64, Option<f64>)> {
    history.iter().map(|epoch| (epoch.number, epoch.cost, epoch.validation_cost)).collect()
}

/// A run of `trainer` from `state`, if there is one, with every callback that keeps something: its states after each
/// step and each epoch, its last state and its network.
fn watched(threads: usize, state: Option<&RunState<f32>>) -> (Vec<RunState<f32>>, RunState<f32>, Net) {
    let (data, validation) = (blobs(50), blobs(31));
    let builder = Trainer::builder().schedule(Cosine::new(0.05, 100).warm_up(5)).l2(0.01).batch_size(16);
    let trainer = builder.epochs(20).seed(5).threads(threads).build().unwrap();
    let mut net = if state.is_none() { Net::new(1) } else { Net::zeros() };
    let states = Mutex::new(Vec::new());
    let mut run = trainer.run(&mut net, &data).unwrap().validation(&validation).unwrap();
    if let Some(state) = state {
        run = run.resume(state).unwrap();
        assert_eq!(run.state().unwrap(), *state);
    }
    let save = |context: &mut Context<'_, Net>| {
        states.lock().unwrap().push(context.state()?);
        Ok(Signal::Continue)
    };
    let mut run = run
        .callback(EarlyStopping::new(Monitor::ValidationCost).patience(4).min_delta(0.01))
        .callback(ReduceOnPlateau::new(Monitor::Accuracy).factor(0.5).patience(0).cooldown(1))
        .callback(WeightAverage::exponential(0.9))
        .callback(WeightAverage::from_epoch(3))
        .callback(WeightAverage::exponential(0.5).apply_at_end(true))
        .on_step(save)
        .on_epoch(save);
    assert!(run.by_ref().all(|epoch| epoch.is_ok()));
    let last = run.state().unwrap();
    drop(run);
    (states.into_inner().unwrap(), last, net)
}

/// From every step and from every epoch's end, on another number of threads, through a file where there are files.
#[test]
fn a_run_with_callbacks_goes_on_bit_for_bit() {
    let (states, last, net) = watched(1, None);
    assert!((6..20).contains(&last.history.len()), "it was stopped early, after {} epochs", last.history.len());
    assert!(last.session.learning_rate.is_some(), "its rate was lowered");
    assert_eq!(states.len(), last.history.len() * 5, "4 steps and an end in each epoch");
    let timeless = |state: &RunState<f32>| {
        (state.session.clone(), state.callbacks.clone(), costs(&state.history), state.position.epoch)
    };
    for (index, state) in states.iter().enumerate() {
        #[cfg(feature = "serde")]
        let state = &serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
        let (_, resumed, other) = watched(1 + index % 2, Some(state));
        assert_eq!(other, net, "from state {index}");
        let (mut resumed, mut wanted) = (timeless(&resumed), timeless(&last));
        // Named by the plan: as many as there are.
        (resumed.0.plan, wanted.0.plan) = (None, None);
        assert_eq!(resumed, wanted, "from state {index}");
    }
}

/// What keeps something, under a name of its own.
#[derive(Default)]
struct Counter {
    name: &'static str,
    epochs: u64,
}

impl<N: Network> Callback<N> for Counter {
    fn on_epoch(&mut self, _: &mut Context<'_, N>) -> Result<Signal, Error> {
        self.epochs += 1;
        Ok(Signal::Continue)
    }

    fn state(&self) -> Option<CallbackState> {
        Some(CallbackState::new(self.name, vec![self.epochs as f64], Vec::new()))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<(), Error> {
        let [epochs] = state.numbers()?;
        self.epochs = state.count(epochs)?;
        Ok(())
    }
}

fn counter(name: &'static str) -> Counter {
    Counter { name, epochs: 0 }
}

#[test]
fn states_find_their_callbacks_by_name() {
    let data = line(10);
    let trainer = Trainer::builder().batch_size(5).epochs(4).build().unwrap();
    let mut net = Line::new(1);
    let mut run = trainer.run(&mut net, &data).unwrap().callback(counter("one")).callback(counter("other"));
    assert!(run.by_ref().take(2).all(|epoch| epoch.is_ok()));
    let mut state = run.state().unwrap();
    drop(run);
    let named: Vec<_> = state.callbacks.iter().map(|state| (state.name.as_str(), state.numbers[0])).collect();
    assert_eq!(named, [("one", 2.0), ("other", 2.0)]);

    // In another order, before and after the state, and one of the two from 10.
    state.callbacks[1].numbers[0] = 10.0;
    let (mut one, mut other) = (counter("one"), counter("other"));
    let run = trainer.run(&mut net, &data).unwrap().callback(&mut other).resume(&state).unwrap().callback(&mut one);
    assert_eq!(run.finish().unwrap().len(), 4);
    assert_eq!((one.epochs, other.epochs), (4, 12));

    let resumed = |callbacks: &mut [Counter], state: &RunState<f64>| {
        let mut net = Line::new(1);
        let mut run = trainer.run(&mut net, &data).unwrap();
        for callback in callbacks {
            run = run.callback(callback);
        }
        run.resume(state).unwrap().finish().map(|history| history.len()).map_err(|error| {
            assert!(matches!(error, Error::State { .. }), "{error:?}");
            error.to_string()
        })
    };
    // One that is new begins anew when the state says so.
    let mut with_new = state.clone();
    with_new.callbacks.push(Callback::<Line>::state(&counter("new")).unwrap());
    let mut three = [counter("one"), counter("new"), counter("other")];
    assert_eq!(resumed(&mut three, &with_new), Ok(4));
    assert_eq!(three.map(|counter| counter.epochs), [4, 2, 12]);

    let error = |callbacks: &mut [Counter], state: &RunState<f64>| resumed(callbacks, state).unwrap_err();
    assert_eq!(error(&mut [], &state), "the callbacks in the state: `one`, `other`; expected none");
    assert_eq!(error(&mut [counter("one")], &state), "the callbacks in the state: `one`, `other`; expected `one`");
    state.callbacks.pop();
    let mut two = [counter("one"), counter("one")];
    assert_eq!(error(&mut two, &state), "the callbacks in the state: `one`; expected `one`, `one`");
    state.callbacks[0].numbers[0] = 0.5;
    let wanted = "a callback's count in the state: 0.5; expected a whole number that is not negative for `one`";
    assert_eq!(error(&mut [counter("one")], &state), wanted);
    state.callbacks[0].numbers.clear();
    assert_eq!(error(&mut [counter("one")], &state), "a callback's numbers in the state: 0; expected 1 for `one`");
}

/// What a state of the library's callbacks may not be.
#[test]
fn states_that_do_not_fit_are_refused() {
    let (_, last, _) = watched(1, None);
    let data = blobs(50);
    let trainer = Trainer::builder().batch_size(16).epochs(20).build().unwrap();
    let refused = |spoil: &dyn Fn(&mut [CallbackState])| {
        let mut state = last.clone();
        spoil(&mut state.callbacks);
        let mut net = Net::new(1);
        let run = trainer.run(&mut net, &data).unwrap().callback(EarlyStopping::new(Monitor::Cost));
        let run = run.callback(ReduceOnPlateau::new(Monitor::Cost)).callback(WeightAverage::exponential(0.9));
        let run = run.callback(WeightAverage::exponential(0.5)).callback(WeightAverage::from_epoch(3));
        let error = run.resume(&state).unwrap().finish().unwrap_err();
        assert!(matches!(error, Error::State { .. }), "{error:?}");
        error.to_string()
    };
    let of = "for `early_stopping`";
    for (found, wanted) in [
        (
            refused(&|states| states[0].numbers.truncate(3)),
            format!("a callback's numbers in the state: 3; expected 4 {of}"),
        ),
        (refused(&|states| states[0].lists.clear()), format!("a callback's lists in the state: 0; expected 1 {of}")),
        (
            refused(&|states| states[0].lists[0][3] = f64::NAN),
            format!("a callback's lists in the state: NaN; expected finite numbers {of}"),
        ),
        (
            refused(&|states| states[0].lists[0].truncate(121)),
            format!("a callback's parameters in the state: 121; expected 122 {of}, as the network has"),
        ),
        (
            refused(&|states| states[0].numbers[1] = f64::NAN),
            format!("a callback's best number in the state: NaN; expected a number {of}"),
        ),
        (
            refused(&|states| states[0].numbers[0] = 2.0),
            format!("a callback's count of best numbers in the state: 2; expected 0 or 1 {of}"),
        ),
        (
            refused(&|states| states[0].numbers[3] = -1.0),
            format!("a callback's count in the state: -1; expected a whole number that is not negative {of}"),
        ),
        (
            refused(&|states| states[1].lists.push(Vec::new())),
            "a callback's lists in the state: 1; expected 0 for `reduce_on_plateau`".to_owned(),
        ),
        (
            refused(&|states| states[2].lists[0].truncate(121)),
            "a callback's parameters in the state: 121; expected 122 for `exponential_average`, as the network has".to_owned(),
        ),
        (
            refused(&|states| states[3].lists[0].clear()),
            "a callback's parameters in the state: 0; expected as many as the network has, once weights were averaged for \
             `stochastic_average`"
                .to_owned(),
        ),
    ] {
        assert_eq!(found, wanted);
    }
}

/// A state that lacked what a callback is yet to do would not go on as the run does.
#[test]
fn a_callback_that_saves_the_run_comes_after_those_that_keep_something() {
    let data = line(10);
    let trainer = Trainer::builder().batch_size(5).build().unwrap();
    let mut net = Line::new(1);
    let save = |context: &mut Context<'_, Line>| context.state().map(|_| Signal::Continue);
    let run = trainer.run(&mut net, &data).unwrap().callback(counter("one")).on_epoch(save).callback(counter("other"));
    assert_eq!(
        run.finish().unwrap_err().to_string(),
        "a callback saves the run's state before `other` has been called; expected it to be added after those that keep \
         something"
    );
}

#[cfg(feature = "logs")]
mod logs {
    use std::io::{self, ErrorKind, Write};
    use std::path::PathBuf;
    use std::{env, fs, process};

    use nn_train::{CsvLog, JsonLines};

    use super::*;

    /// Training and validation; without a class, and so without an accuracy, on a line.
    fn train(trainer: &Trainer, callback: impl Callback<Line>) -> Result<History, Error> {
        let data = line(10);
        let mut net = Line::new(1);
        trainer.run(&mut net, &data)?.validation(&data)?.callback(callback).finish()
    }

    fn trainer(epochs: usize) -> Trainer {
        let schedule = nn_train::Exponential::new(0.1, 0.9, 1);
        Trainer::builder().schedule(schedule).batch_size(5).epochs(epochs).build().unwrap()
    }

    /// A file of its own, which goes with this value.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            Self(env::temp_dir().join(format!("nn-train-{}-{name}", process::id())))
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.0).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    /// Every number of the table reads back to the bits of the history.
    #[test]
    fn a_table_has_every_number_to_the_last_bit() {
        let mut table = Vec::new();
        let history = train(&trainer(4), CsvLog::writer(&mut table)).unwrap();
        let table = String::from_utf8(table).unwrap();
        let mut lines = table.lines();
        let names = "epoch,steps,dropped_steps,learning_rate,cost,validation_cost,accuracy,samples_per_second,seconds";
        assert_eq!(lines.next(), Some(names));
        for epoch in &history {
            let fields: Vec<&str> = lines.next().unwrap().split(',').collect();
            let number = |index: usize| fields[index].parse::<f64>().unwrap();
            assert_eq!((number(0), number(1)), (epoch.number as f64, 2.0 * epoch.number as f64));
            assert_eq!(number(3), nn_train::Exponential::new(0.1, 0.9, 1).rate(2 * epoch.number as u64));
            assert_eq!((number(2), number(4), Some(number(5))), (0.0, epoch.cost, epoch.validation_cost));
            assert_eq!((fields[6], number(7)), ("", epoch.samples_per_second));
            assert_eq!((number(8), fields.len()), (epoch.duration.as_secs_f64(), 9));
        }
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn lines_of_json_have_every_number_to_the_last_bit() {
        let mut text = Vec::new();
        let history = train(&trainer(4), JsonLines::writer(&mut text)).unwrap();
        let lines: Vec<Value> =
            text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        assert_eq!((lines.len(), text.last()), (4, Some(&b'\n')));
        for (line, epoch) in lines.iter().zip(&history) {
            assert_eq!(line["epoch"], epoch.number);
            assert_eq!(line["steps"], 2 * epoch.number);
            assert_eq!(line["cost"].as_f64(), Some(epoch.cost));
            assert_eq!(line["validation_cost"].as_f64(), epoch.validation_cost);
            assert_eq!(line["accuracy"], Value::Null);
            assert_eq!(line["samples_per_second"].as_f64(), Some(epoch.samples_per_second));
            assert_eq!(line["seconds"].as_f64(), Some(epoch.duration.as_secs_f64()));
            let rate = nn_train::Exponential::new(0.1, 0.9, 1).rate(2 * epoch.number as u64);
            assert_eq!(line["learning_rate"].as_f64(), Some(rate));
        }
    }

    /// An accuracy, and a validation cost that is no number.
    #[test]
    fn what_is_there_and_what_is_no_number_are_told_apart() {
        let data = blobs(30);
        let trainer = Trainer::builder().learning_rate(0.01).epochs(1).build().unwrap();
        let (mut table, mut net) = (Vec::new(), Net::new(1));
        let run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap();
        let history = run.callback(CsvLog::writer(&mut table)).finish().unwrap();
        let last = String::from_utf8(table).unwrap().lines().last().unwrap().to_owned();
        let fields: Vec<&str> = last.split(',').collect();
        assert_eq!(fields[6].parse().ok(), history[0].accuracy);

        // So large a target that its square is infinite.
        let (few, huge) = (line(4), Dataset::new(vec![[1.0]], vec![[1e200]]).unwrap());
        let (mut table, mut lines, mut net) = (Vec::new(), Vec::new(), Line::new(1));
        let run = trainer.run(&mut net, &few).unwrap().validation(&huge).unwrap();
        run.callback(CsvLog::writer(&mut table)).callback(JsonLines::writer(&mut lines)).finish().unwrap();
        assert_eq!(String::from_utf8(table).unwrap().lines().last().unwrap().split(',').nth(5), Some("inf"));
        assert_eq!(serde_json::from_slice::<Value>(&lines).unwrap()["validation_cost"], "inf");
    }

    #[test]
    fn steps_that_were_dropped_are_in_the_logs() {
        // So large an input that the gradient of the weight is infinite.
        let data = Dataset::new(vec![[0.5], [1e200]], vec![[1.0], [0.0]]).unwrap();
        let divergence = nn_train::Divergence::SkipAndShrink { factor: 0.5, at_most: 9 };
        let trainer = Trainer::builder().batch_size(1).epochs(2).on_divergence(divergence).build().unwrap();
        let (mut table, mut lines, mut net) = (Vec::new(), Vec::new(), Line::new(1));
        let run = trainer.run(&mut net, &data).unwrap().callback(CsvLog::writer(&mut table));
        run.callback(JsonLines::writer(&mut lines)).finish().unwrap();
        let (table, lines) = (String::from_utf8(table).unwrap(), String::from_utf8(lines).unwrap());
        let starts: Vec<&str> = table.lines().skip(1).map(|line| &line[..6]).collect();
        assert_eq!(starts, ["1,1,1,", "2,2,1,"]);
        assert_eq!(lines.matches(r#""dropped_steps":1,"#).count(), 2);
    }

    /// Both logs of a run of so many epochs, from a state if there is one, and the state in the end.
    fn log(
        epochs: usize,
        state: Option<&RunState<f64>>,
        [table, lines]: [&Scratch; 2],
        overwrite: bool,
    ) -> Result<RunState<f64>, Error> {
        let (data, trainer, mut net) = (line(10), trainer(epochs), Line::new(1));
        let mut run = trainer.run(&mut net, &data).unwrap();
        if let Some(state) = state {
            run = run.resume(state).unwrap();
        }
        let mut run = run.callback(CsvLog::file(&table.0).overwrite(overwrite));
        run = run.callback(JsonLines::file(&lines.0).overwrite(overwrite));
        for epoch in run.by_ref() {
            let number = epoch?.number;
            let count = (table.text().lines().count(), lines.text().lines().count());
            assert_eq!(count, (number + 1, number), "written through");
        }
        run.state()
    }

    /// A line without the times, which differ from run to run.
    fn timeless(text: &str) -> Vec<&str> {
        text.lines()
            .map(|line| line.split("samples_per_second\":").next().unwrap().rsplitn(3, ',').last().unwrap())
            .collect()
    }

    #[test]
    fn a_run_that_begins_overwrites_no_log_unless_it_may() {
        let files = [&Scratch::new("kept.csv"), &Scratch::new("kept.jsonl")];
        log(5, None, files, false).unwrap();
        let before = files.map(Scratch::text);
        let exists = |file: &Scratch| Error::Exists { place: file.0.display().to_string() };
        assert_eq!(log(3, None, files, false), Err(exists(files[0])));
        assert_eq!(train(&trainer(3), JsonLines::file(&files[1].0)), Err(exists(files[1])));
        assert_eq!(files.map(Scratch::text), before);
        let overwritten = log(3, None, files, true).unwrap();
        assert_eq!((overwritten.history.len(), files[1].text().lines().count()), (3, 3));
        // Nothing is lost with an empty file.
        fs::write(&files[0].0, "").unwrap();
        train(&trainer(2), CsvLog::file(&files[0].0)).unwrap();
        assert_eq!(files[0].text().lines().count(), 3);
    }

    #[test]
    fn a_run_that_is_resumed_goes_on_with_its_own_log() {
        let files = [&Scratch::new("resumed.csv"), &Scratch::new("resumed.jsonl")];
        let whole = [&Scratch::new("whole.csv"), &Scratch::new("whole.jsonl")];
        log(6, None, whole, false).unwrap();
        let state = log(3, None, files, false).unwrap();
        let three = files.map(Scratch::text);
        // Further than the state, and killed within a line.
        for epochs in [4, 5] {
            log(epochs, Some(&state), files, false).unwrap();
        }
        for file in files {
            let text = file.text();
            fs::write(&file.0, &text[..text.len() - 20]).unwrap();
        }
        log(6, Some(&state), files, false).unwrap();
        for ((file, whole), three) in files.into_iter().zip(whole).zip(&three) {
            assert!(file.text().starts_with(three.as_str()), "what was there before the state stays as it was");
            assert_eq!(timeless(&file.text()), timeless(&whole.text()));
        }
        // A run that goes on where there is no file, or an empty one, makes it, with the names.
        fs::remove_file(&files[0].0).unwrap();
        fs::write(&files[1].0, "").unwrap();
        let mut net = Line::new(1);
        let (trainer, data) = (trainer(4), line(10));
        let resumed = trainer.run(&mut net, &data).unwrap().resume(&state).unwrap();
        resumed.callback(CsvLog::file(&files[0].0)).callback(JsonLines::file(&files[1].0)).finish().unwrap();
        let table = files[0].text();
        assert!(table.starts_with("epoch,") && table.lines().nth(1).unwrap().starts_with("4,8,"), "{table}");
        assert!(files[1].text().starts_with(r#"{"epoch":4,"#));
    }

    #[test]
    fn a_run_that_is_resumed_refuses_the_log_of_another_one() {
        let files = [&Scratch::new("other.csv"), &Scratch::new("other.jsonl")];
        let state = log(3, None, files, false).unwrap();
        let refused = |place: usize, text: String, line: usize| {
            let own = files.map(Scratch::text);
            fs::write(&files[place].0, &text).unwrap();
            let (place_name, why) = (files[place].0.display().to_string(), format!("line {line} is none of its lines"));
            assert_eq!(log(4, Some(&state), files, true), Err(Error::AnotherRun { place: place_name, why }));
            assert_eq!(files[place].text(), text);
            fs::write(&files[place].0, &own[place]).unwrap();
        };
        let text = files.map(Scratch::text);
        refused(0, "name,age\nIda,7\n".to_owned(), 1);
        refused(1, "[1]\n".to_owned(), 1);
        // Of other costs, of columns that are fewer, and with a line twice as from a run that went on with another's.
        let other = timeless(&text[0]).into_iter().map(|line| format!("{line},1,1\n")).collect::<String>();
        let digit = state.history[1].cost.to_string();
        refused(0, text[0].replace(&digit, &format!("{}", state.history[1].cost * 2.0)), 3);
        refused(0, other.replacen("1,1\n", "samples_per_second,seconds\n", 1).replace(",0,", ","), 2);
        refused(1, text[1].replace(&digit, "0.125"), 2);
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::new(ErrorKind::StorageFull, "no room on the disk"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_cannot_be_written_ends_the_run() {
        let wanted = Error::Io {
            operation: "write",
            place: "the log".to_owned(),
            kind: ErrorKind::StorageFull,
            reason: "no room on the disk".to_owned(),
        };
        assert_eq!(train(&trainer(2), CsvLog::writer(Full)), Err(wanted.clone()));
        assert_eq!(train(&trainer(2), JsonLines::writer(Full)), Err(wanted.clone()));
        assert_eq!(wanted.to_string(), "could not write the log: no room on the disk");
        let nowhere = Scratch::new("no-such-folder").0.join("table.csv");
        match train(&trainer(2), CsvLog::file(&nowhere)) {
            Err(Error::Io { operation: "open", place, kind: ErrorKind::NotFound, reason }) => {
                assert_eq!(place, nowhere.display().to_string());
                assert!(!reason.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
}
