//! The peers take the same step: forward, loss, L2 and update are those of this library.

use nn_benches::Workload;
use nn_peers::{Peer, Problem, Step, with_library};

/// Of the largest change of a parameter.
const TOLERANCE: f32 = 1e-4;
/// Enough to have every row of a product's tile, and no more than a debug build has time for.
const ROWS: usize = 96;

fn after_a_step(system: &mut dyn Step) -> Vec<f32> {
    system.step().expect("the step is finite");
    system.theta().expect("there are parameters")
}

/// The largest difference of two steps as a share of the largest change; NaN where a number is.
fn difference(before: &[f32], ours: &[f32], theirs: &[f32]) -> f32 {
    assert!(before.len() == ours.len() && before.len() == theirs.len(), "{} and {}", ours.len(), theirs.len());
    let largest = |from: &[f32], to: &[f32]| {
        let differences = from.iter().zip(to).map(|(from, to)| (to - from).abs());
        differences.fold(0.0_f32, |most, next| if most.is_nan() || next <= most { most } else { next })
    };
    largest(ours, theirs) / largest(before, ours)
}

/// NaN agrees with nothing.
fn agrees(difference: f32) -> bool {
    difference <= TOLERANCE
}

#[test]
fn peers_take_the_step_of_this_library() {
    for workload in Workload::standard() {
        // The largest is the wide one again, with more of the same.
        if workload.name.starts_with("big") {
            continue;
        }
        let name = workload.name.clone();
        let problem = Problem::telling(workload.with_at_most(ROWS)).expect("there is memory");
        let ours = with_library(&problem, 1, |library| after_a_step(library)).expect("the library can do it");
        for peer in Peer::ALL {
            let mut system = peer.prepare(&problem).expect("the peer can do it");
            let theirs = after_a_step(&mut *system);
            let found = difference(&problem.theta, &ours, &theirs);
            assert!(agrees(found), "{}, {name}: {found:e} of the largest change", peer.name());
        }
    }
}

#[test]
fn a_difference_is_seen() {
    let (before, ours) = ([1.0, 2.0, 3.0], [1.5, 2.0, 2.0]);
    assert_eq!(difference(&before, &ours, &ours), 0.0);
    for theirs in [[1.5, 2.0005, 2.0], [1.5, f32::NAN, 2.0], before] {
        assert!(!agrees(difference(&before, &ours, &theirs)), "{theirs:?}");
    }
}
