//! Data sets: what they refuse, how they divide, and the constants that travel with them.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
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
    assert_eq!(label.to_string(), "the label of sample 1 is 3; expected one of 3 classes, counted from 0");
    let label = Dataset::<_, [f64; 1]>::from_labels(vec![[0.0]; 2], &[2, 0]).unwrap_err();
    assert_eq!(label.to_string(), "the label of sample 0 is 2; expected one of 2 classes, counted from 0");
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
        assert!(matches!(data.split(fraction, 0), Err(Error::Setting { name: "fraction", .. })), "{fraction}");
        assert!(matches!(data.stratified_split(fraction, 0), Err(Error::Setting { name: "fraction", .. })));
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
        (vec![], vec![], "the number of means is 0; expected at least 1"),
        (vec![0.0, 1.0], vec![1.0], "the standardizer has 1 deviations; expected 2, one for each mean"),
        (vec![0.0], vec![0.0], "feature 0 has the standard deviation 0; expected a finite number above 0"),
        (vec![0.0; 2], vec![1.0, -1.0], "feature 1 has the standard deviation -1; expected a finite number above 0"),
        (vec![0.0, f64::NAN], vec![1.0; 2], "feature 1 has the mean NaN; expected a finite number"),
    ] {
        assert_eq!(Standardizer::from_constants(means, deviations).unwrap_err().to_string(), message);
    }
}
