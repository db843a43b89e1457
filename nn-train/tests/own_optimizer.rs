//! An optimiser that a user has written: RMSProp, in every engine. `cargo bench -p nn-benches --bench loop -- optimiser`
//! measures that it is as fast as one of the library's.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{Element, Elementwise, EngineKind, MAX_SLOTS, Rule, Simd, Step, Vector};

/// v ← β v + (1 - β) g², θ ← θ - α g / (√v + ε).
#[derive(Debug)]
struct RmsProp {
    beta: f64,
    /// What it says of its slots, which is 1 where it is right.
    slots: usize,
}

struct RmsPropRule<T>([T; 4]);

impl<T: Element> Rule<T> for RmsPropRule<T> {
    const SLOTS: usize = 1;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let [rate, beta, rest, epsilon] = self.0.map(|number| isa.splat(number));
        slots[0] = beta * slots[0] + rest * gradient * gradient;
        theta - rate * gradient / (slots[0].sqrt() + epsilon)
    }
}

impl Optimizer for RmsProp {
    type Update<T: Element> = Elementwise<RmsPropRule<T>>;

    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn default_learning_rate(&self) -> f64 {
        0.01
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Elementwise<RmsPropRule<T>>, Error> {
        Ok(Elementwise::new(RmsPropRule([step.learning_rate, self.beta, 1.0 - self.beta, 1e-8].map(T::from_f64))))
    }
}

network! { struct Net<3 => 5 tanh => 2 linear>: f64; }

const INPUTS: [[f64; 3]; 4] = [[0.1, -0.4, 0.9], [-0.7, 0.2, 0.3], [0.5, 0.5, -0.5], [1.0, -1.0, 0.25]];
const TARGETS: [[f64; 2]; 4] = [[0.3, -0.1], [0.2, 0.8], [-0.6, 0.4], [0.9, 0.0]];

#[test]
fn it_trains_in_every_engine() {
    let mut by_hand = Net::new(1);
    let mut memory = [0.0; Net::PARAMS];
    for _ in 0..50 {
        let (_, gradient) = by_hand.gradient(&INPUTS, &TARGETS, 0.0).unwrap();
        for ((theta, v), g) in by_hand.parameters_mut().iter_mut().zip(&mut memory).zip(gradient.parameters()) {
            *v = 0.9 * *v + 0.1 * g * g;
            *theta -= 0.01 * g / (v.sqrt() + 1e-8);
        }
    }
    for engine in EngineKind::ALL {
        let trainer = Trainer::builder().optimizer(RmsProp { beta: 0.9, slots: 1 }).engine(engine).batch_size(4);
        let mut net = Net::new(1);
        let trainer = trainer.build().unwrap();
        let mut session = trainer.session(&mut net).unwrap();
        assert_eq!(session.explain().engine, engine);
        for _ in 0..50 {
            session.step(&INPUTS, &TARGETS).unwrap();
        }
        let differences = session.network().parameters().iter().zip(by_hand.parameters()).map(|(a, b)| (a - b).abs());
        let most = differences.fold(0.0, f64::max);
        assert!(most < 1e-12, "{engine}: {most:e}");
    }
}

#[test]
fn slots_that_its_rule_does_not_have_are_refused() {
    for slots in [0, 2, MAX_SLOTS + 1, usize::MAX] {
        let trainer = Trainer::builder().optimizer(RmsProp { beta: 0.9, slots }).batch_size(4).build().unwrap();
        let mut net = Net::new(1);
        let result = trainer.session(&mut net).and_then(|mut session| session.step(&INPUTS, &TARGETS));
        let Err(Error::Slots { found, .. }) = result else { panic!("{result:?}") };
        assert_eq!(found, slots);
        assert_eq!(net, Net::new(1));
    }
}
