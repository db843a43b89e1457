//! Data sets: what they refuse, how they divide, and the constants that travel with them.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{Activation, Architecture, DynDataset, Layer, Loss};
use proptest::prelude::*;

type Classes = Dataset<[f64; 1], [f64; 3]>;

fn classes(labels: &[usize]) -> Classes {
    let inputs = (0..labels.len()).map(|index| [index as f64]).collect();
    Dataset::from_labels(inputs, labels).unwrap()
}

fn numbers(data: &Classes) -> Vec<usize> {
    data.inputs().iter().map(|&[number]| number as usize).collect()
}

#[test]
fn bad_data_is_named() {
    let empty = Dataset::<[f32; 2], [f32; 1]>::new(vec![], vec![]).unwrap_err();
    assert_eq!(empty, Error::Empty { what: "inputs" });

    let lengths = Dataset::new(vec![[1.0_f32; 2]; 3], vec![[0.0]; 2]).unwrap_err();
    assert_eq!(lengths, Error::Length { what: "targets", expected: 3, found: 2 });
    let lengths = Dataset::<_, [f32; 1]>::from_labels(vec![[1.0_f32; 2]; 3], &[1]).unwrap_err();
    assert_eq!(lengths, Error::Length { what: "labels", expected: 3, found: 1 });

    let infinite = Dataset::new(vec![[1.0_f32, 2.0], [3.0, f32::INFINITY]], vec![[0.0]; 2]).unwrap_err();
    assert_eq!(infinite.to_string(), "inputs, row 1, column 1 is inf; expected a finite number");
    let nan = Dataset::new(vec![[1.0_f32, 2.0], [3.0, 4.0]], vec![[0.0], [f32::NAN]]).unwrap_err();
    assert_eq!(nan.to_string(), "targets, row 1, column 0 is NaN; expected a finite number");

    let label = Classes::from_labels(vec![[0.0]; 2], &[2, 3]).unwrap_err();
    assert_eq!(label.to_string(), "the label of sample 1 is 3; expected one of the 3 classes 0..=2");
    let label = Dataset::<_, [f64; 1]>::from_labels(vec![[0.0]; 2], &[2, 0]).unwrap_err();
    assert_eq!(label.to_string(), "the label of sample 0 is 2; expected one of the 2 classes 0..=1");
}

#[test]
fn labels_become_targets_and_labels_again() {
    let data = classes(&[2, 0, 1, 2]);
    assert_eq!(data.targets()[0], [0.0, 0.0, 1.0]);
    assert_eq!(data.labels().unwrap(), [2, 0, 1, 2]);
    assert_eq!(data.class_counts().unwrap(), [1, 1, 2]);
    let binary = Dataset::<_, [f32; 1]>::from_labels(vec![[0.0_f32]; 3], &[0, 1, 1]).unwrap();
    assert_eq!(binary.targets(), [[0.0], [1.0], [1.0]]);
    assert_eq!(binary.labels().unwrap(), [0, 1, 1]);
    assert_eq!(binary.class_counts().unwrap(), [1, 2]);

    let many_hot = Dataset::new(vec![[0.0]; 2], vec![[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]).unwrap();
    assert_eq!(many_hot.labels(), Err(Error::NotAClass { sample: 1, expected: "a single 1 among zeros" }));
    assert!(many_hot.stratified_split(0.5, 0).is_err());
}

#[test]
fn subsets_keep_their_order() {
    let data = classes(&[0, 1, 2, 0]);
    assert_eq!(numbers(&data.subset(&[3, 1, 1]).unwrap()), [3, 1, 1]);
    assert_eq!(data.subset(&[]).unwrap_err(), Error::Empty { what: "subset" });
    assert_eq!(data.subset(&[0, 4]).unwrap_err(), Error::Index { index: 4, len: 4 });
}

#[test]
fn impossible_splits_are_refused() {
    let data = classes(&[0, 1, 2]);
    for fraction in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(data.split(fraction, 0), Err(Error::Argument { name: "fraction", .. })), "{fraction}");
        assert!(matches!(data.stratified_split(fraction, 0), Err(Error::Argument { name: "fraction", .. })));
    }
    assert_eq!(data.split(0.1, 0).unwrap_err(), Error::EmptyPart { samples: 3, fraction: 0.1, part: "first" });
    assert_eq!(data.split(0.9, 0).unwrap_err(), Error::EmptyPart { samples: 3, fraction: 0.9, part: "second" });
    // Each class has one sample, and each goes into the larger part.
    let single = data.stratified_split(0.5, 0).unwrap_err();
    assert_eq!(single, Error::EmptyPart { samples: 3, fraction: 0.5, part: "second" });
}

#[test]
fn a_single_sample_of_a_class_goes_into_the_larger_part() {
    let data = classes(&[0, 0, 0, 0, 1, 2, 2]);
    let (first, second) = data.stratified_split(0.6, 3).unwrap();
    assert_eq!(first.class_counts().unwrap(), [2, 1, 1]);
    assert_eq!(second.class_counts().unwrap(), [2, 0, 1]);
    let (first, second) = data.stratified_split(0.4, 3).unwrap();
    assert_eq!(first.class_counts().unwrap(), [2, 0, 1]);
    assert_eq!(second.class_counts().unwrap(), [2, 1, 1]);
}

proptest! {
    #[test]
    fn a_split_is_a_partition(count in 2_usize..200, fraction in 0.01..0.99, seed in any::<u64>()) {
        let labels: Vec<usize> = (0..count).map(|index| index % 3).collect();
        let data = classes(&labels);
        if let Ok((first, second)) = data.split(fraction, seed) {
            prop_assert_eq!(first.len(), (fraction * count as f64).round() as usize);
            let mut all = numbers(&first);
            prop_assert!(all.is_sorted());
            all.extend(numbers(&second));
            all.sort_unstable();
            prop_assert_eq!(all, (0..count).collect::<Vec<_>>());
            prop_assert_eq!(data.split(fraction, seed).unwrap(), (first, second));
        }
    }

    #[test]
    fn a_stratified_split_is_a_partition_class_by_class(
        labels in prop::collection::vec(0_usize..3, 4..200),
        fraction in 0.01..0.99,
        seed in any::<u64>(),
    ) {
        let data = classes(&labels);
        if let Ok((first, second)) = data.stratified_split(fraction, seed) {
            let mut all = numbers(&first);
            all.extend(numbers(&second));
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            let parts = first.class_counts().unwrap().into_iter().zip(second.class_counts().unwrap());
            for (count, (in_first, in_second)) in data.class_counts().unwrap().into_iter().zip(parts) {
                prop_assert_eq!(in_first + in_second, count);
                prop_assert!((in_first as f64 - fraction * count as f64).abs() <= 1.0);
                prop_assert!(count < 2 || (in_first > 0 && in_second > 0));
            }
        }
    }

    #[test]
    fn shuffling_is_a_permutation(count in 1_usize..100, seed in any::<u64>()) {
        let data = classes(&vec![0; count]);
        let mut all = numbers(&data.shuffled(seed));
        all.sort_unstable();
        prop_assert_eq!(all, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn standardised_features_have_mean_0_and_deviation_1(
        rows in prop::collection::vec([-1e3..1e3, 5.0..5.1, 1e6..2e6], 3..50),
    ) {
        let data = Dataset::new(rows.clone(), vec![[0.0]; rows.len()]).unwrap().standardized().unwrap();
        let standardizer = data.standardizer().unwrap();
        for column in 0..3 {
            let count = rows.len() as f64;
            let mean = data.inputs().iter().map(|row| row[column]).sum::<f64>() / count;
            let square = data.inputs().iter().map(|row| row[column] * row[column]).sum::<f64>() / count;
            prop_assert!(mean.abs() < 1e-8, "mean {}", mean);
            prop_assert!((square - 1.0).abs() < 1e-8, "variance {}", square);
        }
        for (raw, row) in rows.iter().zip(data.inputs()) {
            prop_assert_eq!(standardizer.apply(raw).unwrap(), *row);
            for (there, back) in raw.iter().zip(standardizer.invert(row).unwrap()) {
                prop_assert!((there - back).abs() <= 1e-9 * there.abs().max(1.0));
            }
        }
    }
}

#[test]
fn constant_features_are_centred_and_left_at_their_scale() {
    // The sum of ten times 0.1 is not 1, so the mean must not come from a sum.
    let data = Dataset::new(vec![[0.1_f64]; 10], vec![[0.0]; 10]).unwrap().standardized().unwrap();
    assert_eq!(data.inputs(), [[0.0]; 10]);
    assert_eq!(data.standardizer().unwrap().deviations(), [1.0]);
    assert_eq!(data.standardizer().unwrap().apply(&[0.6]).unwrap(), [0.5]);
}

#[test]
fn the_constants_travel_with_the_data() {
    let raw = Dataset::new(vec![[1.0_f32], [2.0], [3.0], [6.0]], vec![[0.0]; 4]).unwrap();
    let (train, test) = raw.split(0.5, 1).unwrap();
    assert_eq!(test.standardized_like(&train).unwrap_err(), Error::NotStandardized { by: "standardized" });
    let train = train.standardized().unwrap();
    let alike = test.standardized_like(&train).unwrap();
    assert_eq!(alike.standardizer(), train.standardizer());
    assert_eq!(alike.inputs()[0], train.standardizer().unwrap().apply(&test.inputs()[0]).unwrap());
    assert_eq!(train.standardized().unwrap_err(), Error::AlreadyStandardized { what: "inputs" });
    assert_eq!(alike.standardized_like(&train).unwrap_err(), Error::AlreadyStandardized { what: "inputs" });
    assert_eq!(train.subset(&[0]).unwrap().standardizer(), train.standardizer());
}

#[test]
fn standardisation_that_overflows_is_refused() {
    let narrow = Standardizer::from_constants(vec![0.0], vec![1e-30]).unwrap();
    let data = Dataset::new(vec![[1e30_f32]], vec![[0.0]]).unwrap();
    assert!(matches!(data.standardized_by(&narrow), Err(Error::NonFinite { row: 0, column: 0, .. })));
    // Half of the smallest number is none.
    let narrow = Dataset::new(vec![[0.0_f64], [5e-324]], vec![[0.0]; 2]).unwrap().standardized().unwrap_err();
    assert_eq!(narrow.to_string(), "feature 0 has the standard deviation 0; expected a finite number above 0");
    for (means, deviations, message) in [
        (vec![], vec![], "there is no mean; expected at least 1, that of a feature"),
        (vec![0.0, 1.0], vec![1.0], "the standardizer has 1 deviations; expected 2, one for each mean"),
        (vec![0.0], vec![0.0], "feature 0 has the standard deviation 0; expected a finite number above 0"),
        (vec![0.0; 2], vec![1.0, -1.0], "feature 1 has the standard deviation -1; expected a finite number above 0"),
        (vec![0.0, f64::NAN], vec![1.0; 2], "feature 1 has the mean NaN; expected a finite number"),
    ] {
        assert_eq!(Standardizer::from_constants(means, deviations).unwrap_err().to_string(), message);
    }
}

/// For 10¹⁵ + {0, 1} sums of the numbers, or of their squares, round everything away.
#[test]
fn standardising_is_exact_far_from_0() {
    for count in [2, 6, 1_000_000] {
        let inputs = (0..count).map(|index| [1e15 + f64::from(index % 2)]).collect();
        let data = Dataset::new(inputs, vec![[0.0]; count as usize]).unwrap().standardized().unwrap();
        let standardizer = data.standardizer().unwrap();
        assert_eq!((standardizer.means(), standardizer.deviations()), (&[1e15 + 0.5][..], &[0.5][..]), "{count}");
        assert!(data.inputs().chunks(2).all(|pair| pair == [[-1.0], [1.0]]), "{count}");
    }
    // Squares that overflow, and squares that vanish.
    for scale in [1e-300, 1e-160, 1e160, 1e300, f64::MAX] {
        let data = Dataset::new(vec![[-scale], [scale]], vec![[0.0]; 2]).unwrap().standardized().unwrap();
        assert_eq!(data.standardizer().unwrap().means(), [0.0]);
        let deviation = data.standardizer().unwrap().deviations()[0];
        assert!((deviation / scale - 1.0).abs() < 1e-15, "{scale}: {deviation}");
        assert!((data.inputs()[1][0] - 1.0).abs() < 1e-15);
    }
}

#[test]
fn standardizers_serve_rows_of_either_kind_and_refuse_others() {
    let standardizer = Standardizer::from_constants(vec![1.0, 10.0], vec![2.0, 5.0]).unwrap();
    assert_eq!(standardizer.apply(&[3.0_f32, 0.0]).unwrap(), [1.0, -2.0]);
    assert_eq!(standardizer.apply(&vec![3.0, 0.0, 1.0, 10.0]).unwrap(), vec![1.0, -2.0, 0.0, 0.0]);
    assert_eq!(standardizer.invert([1.0, -2.0].as_slice()).unwrap(), vec![3.0, 0.0]);
    let message = "the row has 3 features; expected 2, as many as the standardizer has constants for";
    assert_eq!(standardizer.apply(&[0.0; 3]).unwrap_err().to_string(), message);
    assert!(standardizer.apply::<f64, [f64]>(&[]).is_err());
    let data = Dataset::new(vec![[0.0; 3]], vec![[0.0]]).unwrap();
    let message = "a row has 3 features; expected 2, as many as the standardizer has constants for";
    assert_eq!(data.standardized_by(&standardizer).unwrap_err().to_string(), message);
    assert_eq!(Standardizer::fit_flat(&[1.0, 7.0, 3.0, 7.0], 2), Standardizer::fit(&[[1.0, 7.0], [3.0, 7.0]]));
    assert_eq!(Standardizer::fit_flat::<f32>(&[], 2), Err(Error::Empty { what: "inputs" }));
    assert!(Standardizer::fit_flat(&[1.0, 2.0, 3.0], 2).is_err());
    assert!(matches!(Standardizer::fit_flat::<f32>(&[], 0), Err(Error::Argument { name: "width", .. })));
}

#[test]
fn targets_are_standardised_and_brought_back() {
    let prices = Dataset::new(vec![[1.0_f32], [2.0], [3.0], [4.0]], vec![[300.0], [500.0], [700.0], [100.0]]).unwrap();
    let (train, test) = (prices.subset(&[0, 1]).unwrap(), prices.subset(&[2, 3]).unwrap());
    let missing = test.targets_standardized_like(&train).unwrap_err().to_string();
    assert_eq!(missing, "the data has not been standardised; expected data that `targets_standardized()` made");
    let train = train.standardized().unwrap().targets_standardized().unwrap();
    assert_eq!(train.targets(), [[-1.0], [1.0]]);
    assert_eq!(train.inputs(), [[-1.0], [1.0]]);
    assert_eq!(train.target_standardizer().unwrap().means(), [400.0]);
    assert_eq!(train.targets_standardized().unwrap_err(), Error::AlreadyStandardized { what: "targets" });

    let test = test.targets_standardized_like(&train).unwrap();
    assert_eq!(test.targets(), [[3.0], [-3.0]]);
    assert_eq!(test.standardizer(), None);
    assert_eq!(test.subset(&[0]).unwrap().target_standardizer(), train.target_standardizer());
    assert_eq!(test.to_original_units(&test.targets()[0]).unwrap(), [700.0]);
    assert_eq!(test.to_original_units(test.targets().as_flattened()).unwrap(), vec![700.0, 100.0]);
    assert!(matches!(
        Dataset::new(vec![[0.0]], vec![[0.0; 2]])
            .unwrap()
            .targets_standardized_by(train.target_standardizer().unwrap()),
        Err(Error::Features { expected: 1, found: 2, .. })
    ));
    assert_eq!(prices.to_original_units(&[7.0]).unwrap(), [7.0]);
}

#[test]
fn bad_weights_are_named() {
    let message = |weights: Vec<f64>| classes(&[0, 1, 2]).with_weights(weights).unwrap_err().to_string();
    assert_eq!(message(vec![1.0; 2]), "weights holds 2 rows, expected 3, one for each of the inputs");
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let expected = format!("the weight of sample 1 is {bad}; expected a finite number that is not negative");
        assert_eq!(message(vec![1.0, bad, 1.0]), expected);
    }
    assert_eq!(message(vec![0.0; 3]), "all samples of the data have the weight 0; expected one above 0");
    assert_eq!(
        message(vec![f64::MAX; 3]),
        "the sum of the weights is inf; expected a finite number of the data's type"
    );
    let single = Dataset::new(vec![[0.0_f32]; 2], vec![[0.0]; 2]).unwrap().with_weights(vec![f32::MAX; 2]);
    assert!(matches!(single, Err(Error::Sum { what: "the weights", .. })));

    let data = classes(&[0, 1, 2]);
    let message = |weights: &[f64]| data.clone().with_class_weights(weights).unwrap_err().to_string();
    assert_eq!(message(&[1.0; 2]), "there are 2 class weights; expected 3, one for each class");
    assert_eq!(
        message(&[1.0, -2.0, 1.0]),
        "the weight of class 1 is -2; expected 0 or a positive number that does not round to 0 or ∞"
    );
    assert_eq!(message(&[0.0; 3]), "all samples of the data have the weight 0; expected one above 0");
    let single = Dataset::<[f32; 1], [f32; 1]>::from_labels(vec![[0.0]; 2], &[0, 1]).unwrap();
    for weight in [1e-50, 1e50] {
        let error = single.clone().with_class_weights(&[1.0, weight]).unwrap_err();
        assert_eq!(error, Error::ClassWeight { class: 1, value: weight });
    }
    let soft = Dataset::new(vec![[0.0]], vec![[0.3]]).unwrap();
    assert_eq!(soft.balanced().unwrap_err(), Error::NotAClass { sample: 0, expected: "0 or 1" });
}

#[test]
fn weights_travel_with_their_samples() {
    let data = classes(&[0, 1, 2, 0, 1, 2]).with_weights(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    // Sample number i weighs i.
    let together = |data: &Classes| {
        let weights = data.weights().unwrap();
        assert_eq!(weights.len(), data.len());
        assert!(data.inputs().iter().zip(weights).all(|(&[number], weight)| number == *weight));
    };
    together(&data);
    together(&data.subset(&[5, 0, 5, 3]).unwrap());
    together(&data.shuffled(7));
    for (first, second) in [data.split(0.5, 3).unwrap(), data.stratified_split(0.5, 3).unwrap()] {
        together(&first);
        together(&second);
    }
    let unweighted = classes(&[0, 1, 2, 0, 1, 2]);
    let standardized = data.standardized().unwrap();
    assert_eq!(standardized.weights(), data.weights());
    // A feature has one scale however its samples are weighted, and classes are counted sample by sample.
    assert_eq!(standardized.standardizer(), unweighted.standardized().unwrap().standardizer());
    assert_eq!(data.targets_standardized().unwrap().weights(), data.weights());
    assert_eq!(data.class_counts(), unweighted.class_counts());

    assert_eq!(data.subset(&[0]).unwrap_err(), Error::Weightless { what: "the subset" });
    let one = classes(&[0, 0]).with_weights(vec![1.0, 0.0]).unwrap();
    let error = one.split(0.5, 0).unwrap_err();
    assert!(matches!(error, Error::Weightless { what: "the first part" | "the second part" }), "{error}");
}

#[test]
fn balanced_weights_are_those_of_scikit_learn() {
    // compute_sample_weight("balanced", [0, 0, 0, 1, 1, 2]); the fourth class has no sample and does not count.
    let labels = [0, 0, 0, 1, 1, 2];
    let inputs: Vec<[f64; 1]> = labels.iter().map(|_| [0.0]).collect();
    let data = Dataset::<_, [f64; 4]>::from_labels(inputs, &labels).unwrap().balanced().unwrap();
    let third = 6.0 / (3.0 * 3.0);
    assert_eq!(data.weights(), Some(&[third, third, third, 1.0, 1.0, 2.0][..]));
    let twice = data.clone().balanced().unwrap();
    for (once, twice) in data.weights().unwrap().iter().zip(twice.weights().unwrap()) {
        assert!((once - twice).abs() < 1e-15);
    }
    let doubled = data.with_class_weights(&[2.0, 1.0, 0.5, 9.0]).unwrap();
    assert_eq!(doubled.weights(), Some(&[2.0 * third, 2.0 * third, 2.0 * third, 1.0, 1.0, 1.0][..]));

    // A class that is left out altogether stays out.
    let some = classes(&[0, 0, 1]).with_weights(vec![1.0, 3.0, 0.0]).unwrap().balanced().unwrap();
    assert_eq!(some.weights(), Some(&[1.0, 3.0, 0.0][..]));
}

#[test]
fn sizes_beyond_memory_are_refused() {
    for width in [1 << 45, 1 << 61, usize::MAX] {
        let error = DynDataset::<f32>::from_labels(vec![0.0; 3], 1, &[0, 1, 2], width).unwrap_err();
        let Error::Argument { name: "target_width", value, .. } = error else { panic!("{error}") };
        assert_eq!(value, width.to_string());
    }
    assert!(DynDataset::<f32>::from_labels(vec![0.0], usize::MAX, &[0], 2).is_err());
    for (inputs, targets) in [(0, 1), (1, 0)] {
        let error = DynDataset::new(vec![0.0], inputs, vec![0.0], targets).unwrap_err();
        assert!(matches!(error, Error::Argument { name: "input_width" | "target_width", .. }), "{error}");
    }
}

#[test]
fn a_typed_data_set_is_a_view_of_the_other() {
    let typed = Dataset::new(vec![[1.0, 2.0], [3.0, 4.0]], vec![[5.0], [6.0]]).unwrap();
    let dynamic = DynDataset::from(typed.clone().with_weights(vec![1.0, 2.0]).unwrap());
    assert_eq!((dynamic.inputs(), dynamic.targets()), (&[1.0, 2.0, 3.0, 4.0][..], &[5.0, 6.0][..]));
    assert_eq!((dynamic.len(), dynamic.input_width(), dynamic.target_width(), dynamic.classes()), (2, 2, 1, 2));
    let back = Dataset::<[f64; 2], [f64; 1]>::try_from(dynamic.clone()).unwrap();
    assert_eq!((back.inputs(), back.targets(), back.weights()), (typed.inputs(), typed.targets(), dynamic.weights()));
    let wider = Dataset::<[f64; 2], [f64; 2]>::try_from(dynamic.clone()).unwrap_err();
    assert_eq!(wider, Error::Width { what: "targets", expected: 2, found: 1 });
    // The same samples, split and standardised alike.
    let plain = DynDataset::new(vec![1.0, 2.0, 3.0, 4.0], 2, vec![5.0, 6.0], 1).unwrap();
    let (typed_split, split) = (typed.split(0.5, 4).unwrap(), plain.split(0.5, 4).unwrap());
    assert_eq!(DynDataset::from(typed_split.0), split.0);
    assert_eq!(DynDataset::from(typed.standardized().unwrap()), plain.standardized().unwrap());
    assert_eq!(
        plain.iter().map(|(x, y)| x[0] + y[0]).sum::<f64>(),
        typed.iter().map(|(x, y)| x[0] + y[0]).sum::<f64>()
    );
}

#[test]
fn targets_are_checked_against_the_loss() {
    let with = |activation, loss| Architecture::new(vec![Layer::new(1, 3, activation)], loss).unwrap();
    let single =
        |targets: &[[f32; 3]]| DynDataset::from(Dataset::new(vec![[0.0]; targets.len()], targets.to_vec()).unwrap());
    let double = |target: [f64; 3]| DynDataset::from(Dataset::new(vec![[0.0]], vec![target]).unwrap());

    let sigmoid = with(Activation::Sigmoid, Loss::CrossEntropy);
    assert_eq!(single(&[[0.0, 1.0, 0.3], [1.0; 3]]).check_targets(&sigmoid), Ok(()));
    let error = single(&[[0.0; 3], [0.0, 0.5, 1.5]]).check_targets(&sigmoid).unwrap_err().to_string();
    let expected = "expected a number in [0, 1], as cross-entropy takes probabilities";
    assert_eq!(error, format!("the target of sample 1, column 2 is 1.5; {expected}"));
    assert!(single(&[[-0.1, 0.0, 0.0]]).check_targets(&sigmoid).is_err());

    let softmax = with(Activation::Softmax, Loss::CrossEntropy);
    assert_eq!(single(&[[0.0, 1.0, 0.0], [0.25, 0.25, 0.5]]).check_targets(&softmax), Ok(()));
    let error = single(&[[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]).check_targets(&softmax).unwrap_err();
    assert_eq!(error, Error::TargetSum { sample: 1, sum: 2.0, tolerance: 1e-3 });
    assert!(error.to_string().starts_with("the targets of sample 1 sum to 2; expected 1 ± 0.001"), "{error}");
    assert!(single(&[[2.0, -1.0, 0.0]]).check_targets(&softmax).is_err());
    // The tolerance: 10⁻³ in f32, 10⁻⁶ in f64.
    assert_eq!(single(&[[0.3333, 0.3333, 0.3333]]).check_targets(&softmax), Ok(()));
    assert!(single(&[[0.333, 0.333, 0.332]]).check_targets(&softmax).is_err());
    assert_eq!(double([0.1_f32, 0.2, 0.7].map(f64::from)).check_targets(&softmax), Ok(()));
    assert_eq!(double([0.5, 0.25, 0.25 + 9e-7]).check_targets(&softmax), Ok(()));
    assert!(double([0.5, 0.25, 0.25 + 2e-6]).check_targets(&softmax).is_err());

    for (activation, loss) in [(Activation::Linear, Loss::Mse), (Activation::Sigmoid, Loss::Mse)] {
        assert_eq!(single(&[[-7.0, 0.0, 9.0]]).check_targets(&with(activation, loss)), Ok(()));
    }
}
