//! The bar, on a terminal in memory. Lines are tested in `tests/progress.rs`.

use std::thread::sleep;
use std::time::Duration;

use indicatif::InMemoryTerm;

use super::*;
use crate::prelude::*;

/// What stands on a terminal after each step of two epochs of four, each step 30 ms long, and in the end.
fn shown(setting: impl FnOnce(Progress<'static>) -> Progress<'static>) -> (Vec<String>, String) {
    let terminal = InMemoryTerm::new(10, 80);
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 200);
    let data = DynDataset::new(vec![0.0, 1.0, 2.0, 3.0], 1, vec![1.0, 3.0, 5.0, 7.0], 1).expect("the data fits");
    let architecture = "1 => 1 linear".parse().expect("it is an architecture");
    let mut network = DynNetwork::<f64>::new(architecture, Init::default(), 1).expect("the network is small");
    let trainer = Trainer::builder().batch_size(1).epochs(2).learning_rate(0.05).build().expect("settings are right");
    let run = trainer.run(&mut network, &data).expect("the data is the network's");
    let mut screens = Vec::new();
    let watched = run.callback(setting(Progress::bar(target))).on_step(|_| {
        sleep(Duration::from_millis(30));
        screens.push(terminal.contents());
        Ok(Signal::Continue)
    });
    watched.finish().expect("nothing fails");
    let end = terminal.contents();
    (screens, end)
}

#[test]
fn a_terminal_has_a_bar_for_the_epoch_and_a_line_for_each_that_is_over() {
    let (screens, end) = shown(|progress| progress);
    let mut bars = screens.iter().flat_map(|screen| screen.lines()).filter(|line| line.contains("━"));
    let bar = bars.rfind(|line| line.contains('─')).expect("eight steps of 30 ms are long enough for a bar");
    assert!(bar.starts_with("epoch 1/2 ━") || bar.starts_with("epoch 2/2 ━"), "{bar}");
    for part in [" cost ", "  rate 0.05  ", "/s  0:0", " left, run 0:0"] {
        assert!(bar.contains(part), "'{part}' in '{bar}'");
    }
    assert!(bar.chars().count() <= 80, "{bar}");
    let lines: Vec<&str> = end.lines().collect();
    assert_eq!(lines.len(), 2, "{end}");
    assert!(lines[0].starts_with("epoch 1/2  cost ") && lines[1].starts_with("epoch 2/2  cost "), "{end}");
}

#[test]
fn a_quiet_one_shows_nothing() {
    let (screens, end) = shown(|progress| progress.quiet(true));
    assert_eq!((screens.len(), screens.concat() + &end), (8, String::new()));
}
