//! Gradients that are handed over in parts, as soon as they are finished.

use std::ops::Range;

use crate::support::cover::quick;
use crate::support::{EngineKind, Problem, cast, engines, in_bfloat16, network, on_threads, poison, sample_weights};
use nn_kernels::{Activation, Architecture, Batch, Dropout, Element, Loss, StepEngine, StepError};

/// Networks with their batches: small ones, which are one part, and ones of which every layer is a part or shares one; of one
/// shard and of several.
pub(crate) fn problems() -> Vec<Problem> {
    let network = |sizes: &[usize], dropout: f64| {
        let network = network(sizes, Activation::Gelu, Activation::Softmax, Loss::CrossEntropy);
        let mut layers = network.layers().to_vec();
        let hidden = layers.len() - 1;
        layers[..hidden].iter_mut().for_each(|layer| *layer = layer.with_dropout(dropout));
        Architecture::new(layers, Loss::CrossEntropy).expect("a valid network")
    };
    let mut problems = vec![
        Problem::new(network(&[3, 17, 5], 0.2), 33, 1),
        // f32: the last two layers are a part, and the first is; the weights of each but the last are at f64.
        Problem::new(network(&[301, 897, 301, 3], 0.0), 5, 2),
        // The layers before the wide ones are what is left.
        Problem::new(network(&[4, 31, 1027, 600, 9, 70], 0.3), 21, 3),
        Problem::new(network(&[1029, 513], 0.0), 2, 4),
    ];
    if !quick() {
        problems.push(Problem::new(network(&[4, 521, 517, 3], 0.1), 1061, 5));
    }
    problems.into_iter().map(Problem::in_f32).collect()
}

fn bits<T: Element>(numbers: &[T]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_f64().to_bits()).collect()
}

/// What a step hands over: ranges, with the bits of their numbers at that time.
struct HandedOver {
    cost: u64,
    parts: Vec<(Range<usize>, Vec<u64>)>,
}

/// A step that hands its gradient over to somebody who overwrites it.
fn hand_over<T: Element>(
    engine: &mut dyn StepEngine<T>,
    theta: &[T],
    batch: Batch<'_, T>,
    dropout: Option<Dropout>,
    gradient: &mut [T],
) -> HandedOver {
    let begin = gradient.as_ptr() as usize;
    let mut parts = Vec::new();
    let mut kept: Vec<&mut [T]> = Vec::new();
    let mut finished = |range: Range<usize>, numbers: &mut [T]| {
        assert_eq!(numbers.as_ptr() as usize, begin + range.start * size_of::<T>(), "the numbers of {range:?}");
        assert_eq!(numbers.len(), range.len(), "the numbers of {range:?}");
        parts.push((range, bits(numbers)));
    };
    let cost = engine.gradient_in_parts(theta, batch, 0.25, dropout, gradient, &mut |range, numbers| {
        finished(range, numbers);
        // They are whose they have been given to: nobody reads or writes them meanwhile.
        numbers.fill(T::from_f64(f64::NAN));
        kept.push(numbers);
    });
    assert!(kept.iter().all(|numbers| numbers.iter().all(|number| !number.is_finite())), "{}", engine.name());
    HandedOver { cost: cost.expect("a step").to_bits(), parts }
}

/// In the order of `parts`, each number once, with the bits that `gradient` gives it.
pub(crate) fn check<T: Element>(
    what: &str,
    engine: &mut dyn StepEngine<T>,
    theta: &[T],
    batch: Batch<'_, T>,
    dropout: Option<Dropout>,
    gradient: &mut [T],
) {
    let mut expected = poison::<T>(engine.params());
    let cost = engine.gradient(theta, batch, 0.25, dropout, &mut expected).expect("a step");
    gradient.fill(T::from_f64(f64::NAN));
    let found = hand_over(engine, theta, batch, dropout, gradient);
    assert_eq!(found.cost, cost.to_bits(), "{what}");
    let ranges: Vec<_> = found.parts.iter().map(|(range, _)| range.clone()).collect();
    assert_eq!(ranges, engine.parts(), "{what}");
    let mut sorted = ranges;
    sorted.sort_unstable_by_key(|range| range.start);
    let ends: Vec<_> = std::iter::once(0).chain(sorted.iter().map(|range| range.end)).collect();
    assert!(
        sorted.iter().zip(&ends).all(|(range, &end)| range.start == end && !range.is_empty()),
        "{what}: {sorted:?}"
    );
    assert_eq!(ends.last(), Some(&engine.params()), "{what}");
    for (range, numbers) in found.parts {
        assert!(numbers == bits(&expected[range.clone()]), "{what}: {range:?}");
    }
}

fn parts_have_the_bits_of_the_gradient<T: Element>(kinds: &[EngineKind<T>], most_rows: usize) {
    for problem in problems().into_iter().filter(|problem| problem.rows() <= most_rows) {
        let Problem { architecture, theta, inputs, targets } = &problem;
        let [flat, x, y] = [theta, inputs, targets].map(|values| cast::<T>(values));
        let weights = cast::<T>(&sample_weights(problem.rows(), 1));
        let plain = Batch::new(architecture, &x, &y).expect("a batch");
        let weighted = plain.with_weights(&weights).expect("weights").with_total(2.0 * problem.rows() as f64);
        for kind in kinds {
            for threads in [1, 3] {
                on_threads(threads, || {
                    let mut engine = kind.make_bare(architecture);
                    let mut own = vec![T::ZERO; engine.params()];
                    engine.import(&flat, &mut own).expect("lengths");
                    let mut gradient = poison::<T>(engine.params());
                    for (batch, dropout) in [(plain, None), (weighted, Some(Dropout { seed: 1, first_sample: 9 }))] {
                        let what = format!("{} {architecture}, {} rows, {threads} threads", kind.name, batch.rows());
                        check(&what, &mut *engine, &own, batch, dropout, &mut gradient);
                    }
                });
            }
        }
    }
}

#[test]
fn parts_have_the_bits_of_the_gradient_f32() {
    parts_have_the_bits_of_the_gradient::<f32>(&engines(), usize::MAX);
}

#[test]
fn parts_have_the_bits_of_the_gradient_f64() {
    parts_have_the_bits_of_the_gradient::<f64>(&engines(), usize::MAX);
}

#[test]
fn parts_have_the_bits_of_the_gradient_bf16() {
    // Emulated, many rows take long.
    parts_have_the_bits_of_the_gradient::<f32>(&[in_bfloat16()], 100);
}

/// Wide layers are handed over one by one, so that others may be summed over processes meanwhile.
#[test]
fn wide_layers_are_parts_of_their_own() {
    let counts: Vec<_> = problems()
        .iter()
        .map(|problem| {
            let blocked = in_bfloat16().make_bare(&problem.architecture);
            let first = blocked.parts()[0].clone();
            assert_eq!(first.end == blocked.params(), blocked.parts().len() == 1);
            blocked.parts().len()
        })
        .collect();
    assert_eq!(counts[..4], [1, 3, 3, 1]);
}

/// Of a step that is an error nobody is told.
#[test]
fn an_error_hands_nothing_over() {
    let problem = &problems()[1];
    let [theta, x, y] = [&problem.theta, &problem.inputs, &problem.targets].map(|values| cast::<f32>(values));
    let batch = Batch::new(&problem.architecture, &x, &y).expect("a batch");
    for kind in engines::<f32>() {
        let mut engine = kind.make_bare(&problem.architecture);
        let mut own = vec![0.0; engine.params()];
        engine.import(&theta, &mut own).expect("lengths");
        let params = engine.params();
        for (theta, decay, room) in [(&own[1..], 0.0, params), (&own[..], -1.0, params), (&own[..], 0.0, params - 1)] {
            let mut gradient = vec![7.0; room];
            let told = &mut |range: Range<usize>, _: &mut [f32]| panic!("{}: {range:?}", kind.name);
            let error = engine.gradient_in_parts(theta, batch, decay, None, &mut gradient, told);
            assert!(
                matches!(error, Err(StepError::Length { .. } | StepError::Decay { .. })),
                "{}: {error:?}",
                kind.name
            );
            assert!(gradient.iter().all(|&g| g == 7.0), "{}", kind.name);
        }
    }
}
