//! The lines that show how far a run has come. The bar of a terminal is tested beside its code.
#![cfg(feature = "progress")]
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::Progress;
use nn_train::prelude::*;

network! { struct Xor<2 => 4 tanh => 1>; }
network! { struct Wide<2 => 1 linear>; }

fn corners() -> Dataset<[f32; 2], [f32; 1]> {
    Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0]).unwrap()
}

/// The lines of a run of so many epochs.
fn lines(epochs: usize, rate: f64, set: impl Fn(Progress<'_>) -> Progress<'_>, validated: bool) -> Vec<String> {
    let (data, mut net, mut text) = (corners(), Xor::new(1), Vec::new());
    let trainer = Trainer::builder().learning_rate(rate).epochs(epochs).batch_size(2).build().unwrap();
    let mut run = trainer.run(&mut net, &data).unwrap().callback(set(Progress::writer(&mut text)));
    if validated {
        run = run.validation(&data).unwrap();
    }
    run.finish().unwrap();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

/// A line without what depends on the machine.
fn without_speed(line: &str) -> &str {
    assert!(line.ends_with(" samples/s"), "{line}");
    line.trim_end_matches(" samples/s").rsplit_once("  ").unwrap().0
}

#[test]
fn each_epoch_has_a_line_with_what_there_is_of_it() {
    let written = lines(10, 0.05, |progress| progress, true);
    assert_eq!(written.len(), 10);
    let (data, mut net) = (corners(), Xor::new(1));
    let trainer = Trainer::builder().learning_rate(0.05).epochs(10).batch_size(2).build().unwrap();
    let history = trainer.fit(&mut net, &data, Some(&data)).unwrap();
    for (line, epoch) in written.iter().zip(history.iter()) {
        let words: Vec<&str> = without_speed(line).split_whitespace().collect();
        let [_, place, "cost", cost, "validation", validation, "accuracy", accuracy] = words[..] else {
            panic!("{line}");
        };
        assert_eq!(place.trim_start_matches(' '), format!("{}/10", epoch.number));
        let near = |text: &str, number: f64| (text.parse::<f64>().unwrap() / number - 1.0).abs() < 5e-4;
        assert!(near(cost, epoch.cost) && near(validation, epoch.validation_cost.unwrap()), "{line}\n{epoch}");
        assert_eq!(accuracy.parse::<f64>().unwrap(), epoch.accuracy.unwrap());
    }
    let words = lines(1, 0.05, |progress| progress, false);
    assert!(
        without_speed(&words[0]).starts_with("epoch 1/1  cost 0.") && !words[0].contains("validation"),
        "{words:?}"
    );
}

#[test]
fn a_cost_that_hardly_changes_is_seen_to() {
    let costs: Vec<String> = lines(5, 1e-6, |progress| progress, false)
        .iter()
        .map(|line| line.split("cost ").nth(1).unwrap().split("  ").next().unwrap().to_owned())
        .collect();
    assert!(costs.windows(2).all(|pair| pair[0] != pair[1]), "{costs:?}");
}

#[test]
fn lines_are_for_every_so_many_epochs_and_the_last_one() {
    let places = |epochs, every| -> Vec<String> {
        let lines = lines(epochs, 0.05, |progress| progress.every_epochs(every), false);
        lines.iter().map(|line| line.split("  cost").next().unwrap().to_owned()).collect()
    };
    assert_eq!(places(11, 4), ["epoch  4/11", "epoch  8/11", "epoch 11/11"]);
    assert_eq!(places(8, 4), ["epoch 4/8", "epoch 8/8"]);
    assert_eq!(lines(5, 0.05, |progress| progress.quiet(true), true), Vec::<String>::new());
}

#[test]
fn a_run_that_another_callback_ends_has_a_line_for_its_last_epoch() {
    let (data, mut net, mut text) = (corners(), Xor::new(1), Vec::new());
    let trainer = Trainer::builder().epochs(100).build().unwrap();
    let stop = |context: &mut Context<'_, Xor>| Ok(if context.epoch() == 7 { Signal::Stop } else { Signal::Continue });
    let run =
        trainer.run(&mut net, &data).unwrap().callback(Progress::writer(&mut text).every_epochs(5)).on_epoch(stop);
    run.finish().unwrap();
    let text = String::from_utf8(text).unwrap();
    let starts: Vec<&str> = text.lines().map(|line| &line[..13]).collect();
    assert_eq!(starts, ["epoch   5/100", "epoch   7/100"]);
}

#[test]
fn steps_that_were_dropped_are_a_word_in_their_epochs_line() {
    // The second sample makes the gradient overflow in each epoch.
    let data = Dataset::new(vec![[0.5, 1.0], [1e30, 1e30]], vec![[1.0], [0.0]]).unwrap();
    let (mut net, mut text) = (Wide::new(1), Vec::new());
    let divergence = nn_train::Divergence::SkipAndShrink { factor: 0.5, at_most: 9 };
    let trainer = Trainer::builder().batch_size(1).epochs(2).on_divergence(divergence).build().unwrap();
    trainer.run(&mut net, &data).unwrap().callback(Progress::writer(&mut text)).finish().unwrap();
    for line in String::from_utf8(text).unwrap().lines() {
        assert!(without_speed(line).ends_with("  steps dropped 1"), "{line}");
    }
    assert!(!lines(1, 0.05, |progress| progress, false)[0].contains("dropped"));
}

/// A pipe whose reader has gone.
struct Gone;

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_written_and_a_bad_setting_are_errors() {
    let data = corners();
    let trainer = Trainer::builder().epochs(3).build().unwrap();
    let run = |progress: Progress<'_>| trainer.run(&mut Xor::new(1), &data).unwrap().callback(progress).finish();
    let Err(Error::Io { place, kind, .. }) = run(Progress::writer(Gone)) else { panic!("it was written") };
    assert_eq!((place.as_str(), kind), ("the progress", std::io::ErrorKind::BrokenPipe));
    let error = run(Progress::writer(Vec::new()).every_epochs(0)).unwrap_err();
    assert_eq!(error.to_string(), "every_epochs is 0; expected at least 1");
}
