//! Metrics against numbers worked out by hand, and what holds for all of them.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::metrics::Regression;
use nn_train::prelude::*;
use proptest::prelude::*;

const ACTUAL: [usize; 10] = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2];
const PREDICTED: [usize; 10] = [0, 0, 0, 1, 1, 1, 0, 2, 1, 2];

#[test]
fn a_matrix_by_hand() {
    let matrix = ConfusionMatrix::from_labels(&ACTUAL, &PREDICTED, 4).unwrap();
    let rows: Vec<Vec<usize>> = (0..4).map(|actual| (0..4).map(|p| matrix.count(actual, p)).collect()).collect();
    assert_eq!(rows, [[3, 1, 0, 0], [1, 2, 0, 0], [0, 1, 2, 0], [0, 0, 0, 0]]);
    assert_eq!((matrix.total(), matrix.accuracy()), (10, 0.7));
    assert_eq!((matrix.support(0), matrix.predicted(1), matrix.count(0, 7)), (4, 4, 0));
    let expected = "\
is \\ taken for   0  1  2  3
             0   3  1  .  .
             1   1  2  .  .
             2   .  1  2  .
             3   .  .  .  .";
    assert_eq!(matrix.to_string(), expected);
}

#[test]
fn a_report_by_hand() {
    let report = ClassificationReport::from_labels(&ACTUAL, &PREDICTED, 4).unwrap();
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-15, "{found} and {expected}");
    for (class, [precision, recall, f1], support) in
        [(0, [3.0 / 4.0, 3.0 / 4.0, 0.75], 4), (1, [0.5, 2.0 / 3.0, 4.0 / 7.0], 3), (2, [1.0, 2.0 / 3.0, 0.8], 3)]
    {
        let scores = report.classes[class];
        close(scores.precision, precision);
        close(scores.recall, recall);
        close(scores.f1, f1);
        assert_eq!(scores.support, support);
    }
    // No sample is of class 3 and none was taken for it: 0 by definition.
    assert_eq!((report.classes[3].precision, report.classes[3].recall, report.classes[3].f1), (0.0, 0.0, 0.0));
    close(report.macro_average.precision, 2.25 / 4.0);
    close(report.weighted_average.recall, 0.7);
    close(report.weighted_average.f1, 0.3 * (4.0 / 7.0) + 0.3 * 0.8 + 0.4 * 0.75);
    let expected = [
        "           class  precision    recall        f1   support",
        "               0     0.7500    0.7500    0.7500         4",
        "               1     0.5000    0.6667    0.5714         3",
        "               2     1.0000    0.6667    0.8000         3",
        "               3     0.0000    0.0000    0.0000         0",
        "   macro average     0.5625    0.5208    0.5304        10",
        "weighted average     0.7500    0.7000    0.7114        10",
        "        accuracy                         0.7000        10",
    ];
    assert_eq!(report.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn bad_labels_are_named() {
    assert_eq!(ConfusionMatrix::from_labels(&[], &[], 2).unwrap_err(), Error::Empty { what: "labels" });
    let lengths = ConfusionMatrix::from_labels(&[0, 1], &[0], 2).unwrap_err();
    assert_eq!(lengths, Error::Length { what: "predicted labels", expected: 2, found: 1 });
    let label = ClassificationReport::from_labels(&[0, 1], &[0, 5], 2).unwrap_err();
    assert_eq!(label, Error::Label { sample: 1, label: 5, classes: 2 });
}

network! { struct Chooses<2 => 3 softmax>; }
network! { struct Decides<1 => 1>; }
network! { struct Line<1 => 2 linear>: f64; }

#[test]
fn networks_are_judged_by_their_highest_output() {
    let mut net = Chooses::zeros();
    net.layer1_mut().weights = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]];
    let data = Dataset::from_labels(vec![[2.0, 1.0], [1.0, 2.0], [-1.0, -1.0], [1.0, 0.0]], &[0, 1, 2, 1]).unwrap();
    let matrix = ConfusionMatrix::evaluate(&net, &data).unwrap();
    assert_eq!((matrix.count(1, 0), matrix.count(1, 1), matrix.accuracy()), (1, 1, 0.75));
    assert_eq!(metrics::accuracy(&net, &data), Ok(0.75));
    assert_eq!(metrics::accuracy(&net, &data), Ok(0.75));
    assert_eq!(ClassificationReport::evaluate(&net, &data).unwrap(), matrix.report());

    let mut net = Decides::zeros();
    net.layer1_mut().weights = [[1.0]];
    let data = Dataset::from_labels(vec![[2.0], [-2.0], [0.0], [0.0]], &[1, 0, 1, 0]).unwrap();
    let matrix = ConfusionMatrix::evaluate(&net, &data).unwrap();
    // An output of exactly ½ counts as class 1.
    assert_eq!((matrix.classes(), matrix.count(1, 1), matrix.count(0, 1), matrix.count(0, 0)), (2, 2, 1, 1));
    let soft = Dataset::new(vec![[0.0]], vec![[0.3]]).unwrap();
    assert_eq!(metrics::accuracy(&net, &soft), Err(Error::NotAClass { sample: 0, expected: "0 or 1" }));
}

#[test]
fn regression_by_hand() {
    let targets = [[1.0], [2.0], [3.0], [6.0]];
    let measured = Regression::from_rows(&targets, &[[1.0], [2.5], [2.0], [6.0]]).unwrap();
    assert_eq!((measured.mse, measured.mae), (1.25 / 4.0, 1.5 / 4.0));
    assert!((measured.r2 - (1.0 - 1.25 / 14.0)).abs() < 1e-15);
    assert_eq!(measured.to_string(), "mse 0.312500, mae 0.375000, r² 0.910714");
    assert_eq!(Regression::from_rows(&[[5.0]; 2], &[[5.0], [4.0]]).unwrap().r2, 0.0);
    assert_eq!(Regression::from_rows(&[[5.0]; 2], &[[5.0]; 2]).unwrap().r2, 1.0);
    assert!(Regression::from_rows::<[f64; 1]>(&[], &[]).is_err());

    let data = Dataset::new(vec![[1.0], [2.0]], vec![[0.0, 0.0], [2.0, 0.0]]).unwrap();
    let measured = Regression::evaluate(&Line::zeros(), &data).unwrap();
    assert_eq!((measured.mse, measured.mae, measured.r2), (1.0, 0.5, -1.0));
}

proptest! {
    #[test]
    fn what_holds_for_every_report(pairs in prop::collection::vec((0_usize..5, 0_usize..5), 1..100)) {
        let (actual, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        let matrix = ConfusionMatrix::from_labels(&actual, &predicted, 5).unwrap();
        let report = matrix.report();
        let right = pairs.iter().filter(|(actual, predicted)| actual == predicted).count();
        prop_assert_eq!(matrix.total(), pairs.len());
        prop_assert_eq!(report.accuracy, right as f64 / pairs.len() as f64);
        prop_assert_eq!(report.classes.iter().map(|class| class.support).sum::<usize>(), pairs.len());
        // Each sample counts once, so the recall weighted by support is the accuracy.
        prop_assert!((report.weighted_average.recall - report.accuracy).abs() < 1e-12);
        for class in &report.classes {
            prop_assert!((0.0..=1.0).contains(&class.precision) && (0.0..=1.0).contains(&class.recall));
            let sum = class.precision + class.recall;
            let f1 = if sum == 0.0 { 0.0 } else { 2.0 * class.precision * class.recall / sum };
            prop_assert!((class.f1 - f1).abs() < 1e-12);
        }
        // Transposing swaps precision and recall.
        let swapped = ClassificationReport::from_labels(&predicted, &actual, 5).unwrap();
        for (class, other) in report.classes.iter().zip(&swapped.classes) {
            prop_assert_eq!((class.precision, class.recall), (other.recall, other.precision));
        }
    }
}
