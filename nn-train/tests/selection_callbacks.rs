//! Callbacks of the folds of a cross-validation and of the trials of a search.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex};

use nn_train::prelude::*;
use nn_train::selection::{SearchResult, Trial};
use nn_train::{CallbackState, TrainerBuilder};

network! { struct Net<3 => 19 relu dropout(0.25) => 3 softmax>; }

type Blobs = Dataset<[f32; 3], [f32; 3]>;
type Callbacks = Vec<Box<dyn Callback<Net>>>;

fn blobs(count: usize) -> Blobs {
    let noise = |i: usize, k: usize| ((i * 7 + k * 13) as f32).sin();
    let inputs = (0..count).map(|i| std::array::from_fn(|k| noise(i, k) + f32::from(u8::from(i % 3 == k)))).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn builder(rate: f64) -> TrainerBuilder {
    Trainer::builder().learning_rate(rate).batch_size(8).seed(6)
}

fn stopping(patience: usize) -> EarlyStopping {
    EarlyStopping::new(Monitor::ValidationCost).patience(patience)
}

fn costs(history: &History) -> Vec<(f64, Option<f64>)> {
    history.iter().map(|epoch| (epoch.cost, epoch.validation_cost)).collect()
}

#[test]
fn each_fold_has_callbacks_of_its_own() {
    let data = blobs(45);
    let folds = KFold::new(3).shuffle(1).split(45).unwrap();
    let trainer = builder(0.1).epochs(60).threads(1).build().unwrap();
    let made = Mutex::new(Vec::new());
    let validation = trainer.cross_validate(|_| Ok(Net::new(1)), &data, &folds).keep_networks(true);
    let found = validation.callbacks(|fold| {
        made.lock().unwrap().push(fold);
        Ok(vec![Box::new(stopping(2))])
    });
    let found = found.run().unwrap();
    assert_eq!(made.into_inner().unwrap(), [0, 1, 2]);
    for (fold, found) in folds.iter().zip(&found.folds) {
        let (train, validation) = (data.subset(&fold.train).unwrap(), data.subset(&fold.validation).unwrap());
        let mut net = Net::new(1);
        let run = trainer.run(&mut net, &train).unwrap().validation(&validation).unwrap().callback(stopping(2));
        let history = run.finish().unwrap();
        assert!(history.len() < 60);
        assert_eq!(costs(&found.history), costs(&history));
        // With the best weights restored.
        assert_eq!(Some(found.score), history.best().unwrap().validation_cost);
        assert_eq!(found.network.as_ref(), Some(&net));
    }
    // What making them or one of them returns is what the whole returns.
    let failing = |fold: usize| {
        trainer.cross_validate(|_| Ok(Net::new(1)), &data, &folds).callbacks(move |number| {
            if number == fold { Err(Error::callback("no such fold")) } else { Ok(vec![Box::new(stopping(0))]) }
        })
    };
    assert_eq!(failing(0).run().unwrap_err(), Error::callback("no such fold"));
    assert!(matches!(failing(1).run().unwrap_err(), Error::Setting { name: "patience", .. }));
}

/// A search over three rates, without halving or with it.
fn search(
    halving: bool,
    epochs: usize,
    threads: usize,
    callbacks: impl Fn(&Trial<f64>, usize) -> Result<Callbacks, Error> + Sync,
) -> SearchResult<f64, Net> {
    let (train, validation) = (blobs(40), blobs(21));
    let search = Search::new([0.003, 0.01, 0.1, 0.3]).epochs(1..=epochs).threads(threads).callbacks(callbacks);
    let search = if halving { search.halving(2) } else { search };
    search.run(&train, &validation, |&rate| Ok((builder(rate), Net::new(3)))).unwrap()
}

/// What a single run comes to with the same callbacks: its history and its score.
fn alone(rate: f64, epochs: usize, callbacks: Callbacks) -> (History, f64, Net) {
    let (train, validation, mut net) = (blobs(40), blobs(21), Net::new(3));
    let trainer = builder(rate).epochs(epochs).threads(1).build().unwrap();
    let run = trainer.run(&mut net, &train).unwrap().validation(&validation).unwrap().callbacks(callbacks);
    let history = run.finish().unwrap();
    let score = net.cost_on(&validation, 0.0).unwrap();
    (history, score, net)
}

fn average() -> WeightAverage {
    WeightAverage::exponential(0.9).apply_at_end(true)
}

#[test]
fn a_trial_that_is_stopped_early_is_scored_by_its_best_weights() {
    for threads in [1, 2] {
        let result = search(false, 80, threads, |_, _| Ok(vec![Box::new(stopping(2))]));
        let mut scores = Vec::new();
        for trial in result.trials() {
            let (history, score, net) = alone(trial.candidate, 80, vec![Box::new(stopping(2))]);
            assert_eq!((costs(trial.history().unwrap()), trial.epochs), (costs(&history), history.len()));
            assert_eq!(trial.score(), Some(score));
            if scores.is_empty() {
                assert_eq!(*result.network(), net);
            }
            scores.push(score);
        }
        // The number of epochs does not matter any more.
        assert!(scores.is_sorted(), "{scores:?}");
        let lengths: Vec<usize> = result.trials().iter().map(|trial| trial.epochs).collect();
        assert!(lengths.iter().min() < lengths.iter().max() && lengths.iter().min() < Some(&80), "{lengths:?}");
    }
}

/// From rung to rung callbacks get back what they keep, and what they put into the network at a rung's end is scored, and
/// is gone in the next one.
#[test]
fn rungs_go_on_bit_for_bit_with_callbacks() {
    let callbacks = || -> Callbacks {
        vec![Box::new(ReduceOnPlateau::new(Monitor::ValidationCost).patience(0)), Box::new(average())]
    };
    for threads in [1, 2] {
        let result = search(true, 8, threads, |_, _| Ok(callbacks()));
        assert_eq!(result.trials().iter().map(|trial| trial.epochs).collect::<Vec<_>>(), [8, 4, 2, 2]);
        for (rank, trial) in result.trials().iter().enumerate() {
            let (history, score, net) = alone(trial.candidate, trial.epochs, callbacks());
            assert_eq!(costs(trial.history().unwrap()), costs(&history));
            assert_eq!(trial.score(), Some(score));
            assert!(rank > 0 || *result.network() == net);
        }
    }
}

/// Stops its run after so many epochs, and is asked before each part of it.
struct StopAt {
    epochs: usize,
    starts: Arc<Mutex<Vec<(usize, usize)>>>,
    trial: usize,
}

impl<N: Network> Callback<N> for StopAt {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        self.starts.lock().unwrap().push((self.trial, context.epoch()));
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        Ok(if context.epoch() >= self.epochs { Signal::Stop } else { Signal::Continue })
    }

    fn state(&self) -> Option<CallbackState> {
        Some(CallbackState::new("stop_at", vec![self.trial as f64], Vec::new()))
    }
}

/// One that was stopped goes up the rungs by its score, and is not trained again.
#[test]
fn a_trial_that_was_stopped_takes_part_in_the_rungs_to_come() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let result = search(true, 8, 1, |trial, fold| {
        assert_eq!(fold, 0);
        // That with the rate 0.1 learns the fastest.
        let epochs = if trial.candidate == 0.1 { 2 } else { usize::MAX };
        Ok(vec![Box::new(StopAt { epochs, starts: Arc::clone(&starts), trial: trial.number })])
    });
    let places: Vec<_> = result.trials().iter().map(|trial| (trial.candidate, trial.epochs)).collect();
    let mut starts = starts.lock().unwrap().clone();
    starts.sort_unstable();
    let stopped = places.iter().position(|&(rate, _)| rate == 0.1).unwrap();
    assert_eq!(places[stopped].1, 2, "{places:?}");
    assert!(stopped < 2, "it came to the second rung at least: {places:?}");
    assert_eq!(starts.iter().filter(|(trial, _)| *trial == 2).count(), 1, "{starts:?}");
    // Every other one began a rung where the one before ended.
    for (trial, epoch) in starts {
        assert!([0, 2, 4].contains(&epoch), "trial {trial} went on from epoch {epoch}");
    }
}

#[test]
fn each_fold_of_a_trial_has_callbacks_of_its_own() {
    let data = blobs(45);
    let folds = KFold::new(3).shuffle(1).split(45).unwrap();
    let part = |indices: &[usize]| data.subset(indices).unwrap();
    let parts: Vec<(Blobs, Blobs)> = folds.iter().map(|fold| (part(&fold.train), part(&fold.validation))).collect();
    let made = Mutex::new(Vec::new());
    let search = Search::new([0.01, 0.1]).epochs(1..=40).threads(1).callbacks(|trial: &Trial<f64>, fold| {
        made.lock().unwrap().push((trial.number, fold));
        Ok(vec![Box::new(stopping(2))])
    });
    let result = search.run_on_folds(&parts, |&rate| Ok((builder(rate), Net::new(1)))).unwrap();
    for trial in result.trials() {
        let trainer = builder(trial.candidate).epochs(40).build().unwrap();
        let validation = trainer.cross_validate(|_| Ok(Net::new(1)), &data, &folds);
        let found = validation.callbacks(|_| Ok(vec![Box::new(stopping(2))])).run().unwrap();
        assert_eq!(trial.scores, found.folds.iter().map(|fold| fold.score).collect::<Vec<_>>());
        assert_eq!(Some(trial.epochs), found.folds.iter().map(|fold| fold.history.len()).min());
    }
    let mut made = made.into_inner().unwrap();
    made.sort_unstable();
    assert_eq!(made, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
}
