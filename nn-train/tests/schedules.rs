//! Schedules of the learning rate: beside PyTorch's, by hand, and refused.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{Annealing, Constant, CosineRestarts, Exponential, FlatCosine, StepDecay};
use serde_json::Value;

/// Relative to the rate.
const TOLERANCE: f64 = 1e-12;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/schedules.json")).unwrap()
}

#[track_caller]
fn near(found: f64, wanted: f64, what: &str) {
    let error = (found - wanted).abs();
    assert!(error <= TOLERANCE * wanted.abs(), "{what}: {found:e}, expected {wanted:e}");
}

/// The rates of the file under `name`, which fixtures/schedules.py has made.
#[track_caller]
fn as_pytorch(name: &str, schedule: impl Schedule) {
    schedule.validate().unwrap();
    let fixture = fixture();
    let wanted = fixture["schedules"][name].as_array().unwrap();
    assert_eq!(wanted.len(), 100);
    for (step, wanted) in (0..).zip(wanted) {
        near(schedule.rate(step), wanted.as_f64().unwrap(), &format!("{name}, step {step}"));
    }
}

#[test]
fn decays_are_those_of_pytorch() {
    as_pytorch("step_decay", StepDecay::new(0.3, 0.7, 9));
    as_pytorch("exponential", Exponential::new(0.3, 0.97, 1));
    as_pytorch("exponential", Exponential::new(0.3, 0.97 * 0.97, 2));
}

#[test]
fn cosines_are_those_of_pytorch() {
    as_pytorch("cosine", Cosine::new(0.3, 99).floor(0.02));
    as_pytorch("cosine_to_zero", Cosine::new(0.3, 99));
    as_pytorch("cosine", FlatCosine::new(0.3, 99).flat(0.0).floor(0.02));
    as_pytorch("restarts", CosineRestarts::new(0.3, 11).floor(0.02));
    as_pytorch("growing_restarts", CosineRestarts::new(0.3, 11).growth(2).floor(0.02));
}

#[test]
fn one_cycle_is_that_of_pytorch() {
    let cycle = OneCycle::new(0.5, 100);
    as_pytorch("one_cycle", cycle);
    as_pytorch("one_cycle_linear", cycle.annealing(Annealing::Linear).rising(0.45).divisors(10.0, 50.0));
    as_pytorch("one_cycle_three_phases", cycle.three_phases(true).rising(0.37));
    as_pytorch("one_cycle_at_once", cycle.rising(0.0));
    as_pytorch("one_cycle_three_linear", cycle.three_phases(true).annealing(Annealing::Linear).rising(0.5));
}

#[test]
fn a_warm_up_is_that_of_pytorch() {
    let steps = fixture()["warm_up"].as_u64().unwrap();
    as_pytorch("warm_up_constant", Constant::new(0.3).warm_up(steps));
    as_pytorch("warm_up_step_decay", StepDecay::new(0.3, 0.7, 9).warm_up(steps));
    as_pytorch("warm_up_constant", (|_: u64| 0.3).warm_up(steps));
}

/// t / n = 3/4 and 1/2 of the cosine's way: cos(3π/4) = -√½ and cos(π/2) = 0.
#[test]
fn a_flat_cosine_is_flat_then_falls() {
    let schedule = FlatCosine::new(0.4, 100).flat(0.2).floor(0.1);
    for (step, wanted) in
        [(0, 0.4), (20, 0.4), (60, 0.25), (80, 0.25 - 0.15 * 0.5_f64.sqrt()), (100, 0.1), (u64::MAX, 0.1)]
    {
        near(schedule.rate(step), wanted, &format!("step {step}"));
    }
    assert_eq!(FlatCosine::new(0.4, 100).flat(1.0).rate(99), 0.4);
}

/// What comes after the steps that a schedule was given is its last rate.
#[test]
fn schedules_stay_where_they_end() {
    for step in [100, 101, 1 << 40, u64::MAX] {
        assert_eq!(Cosine::new(0.4, 100).floor(0.1).rate(step), 0.1);
        assert_eq!(Cosine::new(0.4, 100).rate(step), 0.0);
        near(OneCycle::new(0.5, 100).rate(step), 0.5 / 25.0 / 1e4, "one cycle");
        assert_eq!(OneCycle::new(0.5, 100).rate(step), OneCycle::new(0.5, 100).rate(99));
    }
    assert_eq!(StepDecay::new(0.4, 0.5, 1).floor(0.1).rate(u64::MAX), 0.1);
    assert_eq!(Exponential::new(0.4, 0.5, 1).floor(0.1).rate(u64::MAX), 0.1);
    assert!(CosineRestarts::new(0.4, 3).growth(2).rate(u64::MAX).is_finite());
    assert_eq!(CosineRestarts::new(0.4, 3).growth(u64::MAX).rate(3), 0.4);
}

/// The ends of a cycle's ranges: it begins at its peak, ends there, has no step between, or has one step.
#[test]
fn a_cycle_has_a_rate_in_every_step() {
    for steps in 1..12 {
        for rising in [0.0, 0.1, 0.25, 0.5, 1.0 / 3.0, 1.0] {
            for three_phases in [false, true] {
                let cycle = OneCycle::new(0.5, steps).rising(rising).three_phases(three_phases);
                if three_phases && rising > 0.5 {
                    assert!(cycle.validate().is_err());
                    continue;
                }
                cycle.validate().unwrap();
                for step in 0..steps + 2 {
                    let rate = cycle.rate(step);
                    assert!(rate > 0.0 && rate <= 0.5, "{cycle:?}, step {step}: {rate}");
                }
            }
        }
    }
    assert_eq!(OneCycle::new(0.5, 10).rising(1.0).rate(9), 0.5);
    assert_eq!(OneCycle::new(0.5, 10).rising(0.1).rate(0), 0.5);
}

#[test]
fn settings_out_of_range_are_refused_when_the_trainer_is_built() {
    fn refused(schedule: impl Schedule + 'static) -> String {
        // Also where nobody has checked: a rate of a schedule that is none, and no panic.
        for step in [0, 1, u64::MAX] {
            schedule.rate(step);
        }
        match Trainer::builder().schedule(schedule).build() {
            Err(error @ Error::Setting { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }
    let (rate, floor) = ("a finite, positive number", "a number that is not negative and at most the learning rate");
    for (found, wanted) in [
        (refused(Constant::new(0.0)), format!("learning_rate is 0; expected {rate}")),
        (refused(Constant::new(f64::NAN)), format!("learning_rate is NaN; expected {rate}")),
        (refused(StepDecay::new(-1.0, 0.5, 1)), format!("learning_rate is -1; expected {rate}")),
        (refused(StepDecay::new(0.1, 0.0, 1)), "factor is 0; expected a number in (0, 1]".to_owned()),
        (refused(StepDecay::new(0.1, 0.5, 0)), "steps is 0; expected at least 1".to_owned()),
        (refused(StepDecay::new(0.1, 0.5, 1).floor(0.2)), format!("floor is 0.2; expected {floor}")),
        (refused(Exponential::new(f64::INFINITY, 0.5, 1)), format!("learning_rate is inf; expected {rate}")),
        (refused(Exponential::new(0.1, 1.5, 1)), "factor is 1.5; expected a number in (0, 1]".to_owned()),
        (refused(Exponential::new(0.1, 0.5, 0)), "steps is 0; expected at least 1".to_owned()),
        (refused(Exponential::new(0.1, 0.5, 1).floor(f64::NAN)), format!("floor is NaN; expected {floor}")),
        (refused(Cosine::new(0.0, 5)), format!("learning_rate is 0; expected {rate}")),
        (refused(Cosine::new(0.1, 0)), "steps is 0; expected at least 1".to_owned()),
        (refused(Cosine::new(0.1, 5).floor(-0.1)), format!("floor is -0.1; expected {floor}")),
        (refused(CosineRestarts::new(0.1, 0)), "steps is 0; expected at least 1".to_owned()),
        (refused(CosineRestarts::new(0.1, 5).growth(0)), "growth is 0; expected at least 1".to_owned()),
        (refused(CosineRestarts::new(0.1, 5).floor(0.2)), format!("floor is 0.2; expected {floor}")),
        (refused(FlatCosine::new(0.1, 0)), "steps is 0; expected at least 1".to_owned()),
        (refused(FlatCosine::new(0.1, 5).flat(1.1)), "flat is 1.1; expected a number in [0, 1]".to_owned()),
        (refused(OneCycle::new(-0.1, 5)), format!("peak is -0.1; expected {rate}")),
        (refused(OneCycle::new(0.1, 0)), "steps is 0; expected at least 1".to_owned()),
        (refused(OneCycle::new(0.1, 5).rising(-0.1)), "rising is -0.1; expected a number in [0, 1]".to_owned()),
        (
            refused(OneCycle::new(0.1, 5).rising(0.6).three_phases(true)),
            "rising is 0.6; expected a number in [0, 0.5], since there are three phases".to_owned(),
        ),
        (
            refused(OneCycle::new(0.1, 5).divisors(0.5, 1.0)),
            "start_divisor is 0.5; expected a finite number that is at least 1".to_owned(),
        ),
        (
            refused(OneCycle::new(0.1, 5).divisors(1.0, f64::INFINITY)),
            "end_divisor is inf; expected a finite number that is at least 1".to_owned(),
        ),
        (refused(Constant::new(0.1).warm_up(0)), "warm_up is 0; expected at least 1".to_owned()),
        (refused(Cosine::new(0.1, 0).warm_up(5)), "steps is 0; expected at least 1".to_owned()),
    ] {
        assert_eq!(found, wanted);
    }
}

network! { struct Line<1 => 1 linear>: f64; }

/// The rate of each step is the schedule's, and there are as many steps as the builder had counted.
#[test]
fn a_run_follows_its_schedule_and_has_the_steps_that_the_builder_counts() {
    let xs: Vec<[f64; 1]> = (0..10).map(|index| [f64::from(index) / 10.0]).collect();
    let data = Dataset::new(xs.clone(), xs).unwrap();
    for batch_size in [1, 3, 5, 10, 64] {
        let builder = Trainer::builder().optimizer(Sgd::default()).batch_size(batch_size).epochs(4).threads(1);
        let steps = builder.steps(data.len());
        let schedule = Cosine::new(0.1, steps - 2).warm_up(2);
        let trainer = builder.schedule(schedule).build().unwrap();
        let mut rates = vec![schedule.rate(0)];
        let mut net = Line::new(1);
        let watch = |context: &mut Context<'_, Line>| {
            rates.push(context.learning_rate());
            Ok(Signal::Continue)
        };
        trainer.run(&mut net, &data).unwrap().on_step(watch).finish().unwrap();
        assert_eq!(rates, (0..=steps).map(|step| schedule.rate(step)).collect::<Vec<_>>());
        assert_eq!(rates.last(), Some(&0.0), "the rate is at its floor when the run is over");
    }
    assert_eq!(Trainer::builder().batch_size(0).steps(10), 100, "no panic before `build` refuses it");
}

/// Chosen while the program runs, checked and warmed up as any.
#[test]
fn a_schedule_in_a_box_is_one() {
    let chosen = |name: &str| -> Box<dyn Schedule> {
        match name {
            "cosine" => Box::new(Cosine::new(0.1, 0)),
            _ => Box::new(StepDecay::new(0.1, 0.5, 3)),
        }
    };
    let plain = StepDecay::new(0.1, 0.5, 3).warm_up(4);
    let boxed = chosen("steps").warm_up(4);
    assert!((0..20).all(|step| boxed.rate(step) == plain.rate(step)));
    assert!(Trainer::builder().schedule(boxed).build().is_ok());
    let error = Trainer::builder().schedule(chosen("cosine")).build().unwrap_err();
    assert_eq!(error.to_string(), "steps is 0; expected at least 1");
}

#[cfg(feature = "serde")]
#[test]
fn schedules_are_written_and_read() {
    fn again<S: Schedule + PartialEq + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned>(schedule: S) {
        let text = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<S>(&text).unwrap(), schedule, "{text}");
    }
    again(Constant::new(0.1));
    again(StepDecay::new(0.1, 0.5, 7).floor(0.01));
    again(Exponential::new(0.1, 0.5, 7).floor(0.01));
    again(Cosine::new(0.1, 7).floor(0.01).warm_up(3));
    again(CosineRestarts::new(0.1, 7).growth(3).floor(0.01));
    again(FlatCosine::new(0.1, 7).flat(0.5).floor(0.01));
    again(OneCycle::new(0.1, 7).annealing(Annealing::Linear).three_phases(true).divisors(2.0, 3.0).rising(0.4));
}
