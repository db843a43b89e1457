//! Metrics against numbers worked out by hand, and what holds for all of them.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::metrics::MultiLabelReport;
use nn_train::prelude::*;
use proptest::prelude::*;

const ACTUAL: [usize; 10] = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2];
const PREDICTED: [usize; 10] = [0, 0, 0, 1, 1, 1, 0, 2, 1, 2];

#[test]
fn a_matrix_by_hand() {
    let matrix = ConfusionMatrix::from_labels(&ACTUAL, &PREDICTED, 4).unwrap();
    let rows: Vec<Vec<f64>> = (0..4).map(|actual| (0..4).map(|p| matrix.count(actual, p)).collect()).collect();
    assert_eq!(rows, [[3.0, 1.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0], [0.0; 4]]);
    assert_eq!((matrix.total(), matrix.accuracy()), (10.0, 0.7));
    assert_eq!((matrix.support(0), matrix.predicted(1), matrix.count(0, 7)), (4.0, 4.0, 0.0));
    let expected = "\
actual \\ predicted   0  1  2  3
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
        [(0, [3.0 / 4.0, 3.0 / 4.0, 0.75], 4.0), (1, [0.5, 2.0 / 3.0, 4.0 / 7.0], 3.0), (2, [1.0, 2.0 / 3.0, 0.8], 3.0)]
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
    close(report.balanced_accuracy, (3.0 / 4.0 + 2.0 / 3.0 + 2.0 / 3.0) / 3.0);
    // 4, 3 and 3 samples, of which 7 are right, taken for 4, 4 and 2.
    close(report.matthews, f64::from(7 * 10 - (4 * 4 + 3 * 4 + 3 * 2)) / (64.0_f64 * 66.0).sqrt());
    let expected = [
        "            class  precision    recall        f1   support",
        "                0     0.7500    0.7500    0.7500         4",
        "                1     0.5000    0.6667    0.5714         3",
        "                2     1.0000    0.6667    0.8000         3",
        "                3     0.0000    0.0000    0.0000         0",
        "    macro average     0.5625    0.5208    0.5304        10",
        " weighted average     0.7500    0.7000    0.7114        10",
        "         accuracy                         0.7000        10",
        "balanced accuracy                         0.6944",
        "         Matthews                         0.5539",
    ];
    assert_eq!(report.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn measures_of_one_class_and_of_none_right() {
    let report = |actual: &[usize], predicted: &[usize], classes| {
        ClassificationReport::from_labels(actual, predicted, classes).unwrap()
    };
    // A correlation needs two classes on either side.
    for (actual, predicted) in [([0, 0, 0], [0, 0, 0]), ([0, 0, 0], [0, 1, 1]), ([0, 1, 1], [1, 1, 1])] {
        assert_eq!(report(&actual, &predicted, 2).matthews, 0.0);
    }
    assert_eq!(report(&[0, 0, 0], &[0, 1, 1], 2).balanced_accuracy, 1.0 / 3.0);
    let worst = report(&[0, 0, 1], &[1, 1, 0], 2);
    assert_eq!((worst.accuracy, worst.balanced_accuracy, worst.matthews), (0.0, 0.0, -1.0));
    let best = report(&[0, 2, 1, 1], &[0, 2, 1, 1], 7);
    assert_eq!((best.accuracy, best.balanced_accuracy), (1.0, 1.0));
    assert!((best.matthews - 1.0).abs() < 1e-15);
}

#[test]
fn a_report_of_labels_by_hand() {
    // Three samples, two labels; the last sample counts twice.
    let actual = [true, false, true, true, false, false];
    let decided = [true, true, false, true, false, false];
    let report = MultiLabelReport::from_decisions(&actual, &decided, 2, Some(&[1.0, 1.0, 2.0])).unwrap();
    assert_eq!((report.accuracy, report.support), (0.5, 3.0));
    let [first, second] = [report.labels[0], report.labels[1]].map(|label| (label.precision, label.recall, label.f1));
    assert_eq!((first, second), ((1.0, 0.5, 2.0 / 3.0), (0.5, 1.0, 2.0 / 3.0)));
    assert_eq!((report.labels[0].support, report.labels[1].support), (2.0, 1.0));
    assert_eq!((report.micro_average.precision, report.micro_average.recall), (2.0 / 3.0, 2.0 / 3.0));
    assert_eq!((report.macro_average.precision, report.macro_average.recall), (0.75, 0.75));
    assert!((report.weighted_average.precision - 2.5 / 3.0).abs() < 1e-15);
    let expected = [
        "            label  precision    recall        f1   support",
        "                0     1.0000    0.5000    0.6667         2",
        "                1     0.5000    1.0000    0.6667         1",
        "    micro average     0.6667    0.6667    0.6667         3",
        "    macro average     0.7500    0.7500    0.6667         3",
        " weighted average     0.8333    0.6667    0.6667         3",
        " all labels right                         0.5000",
    ];
    assert_eq!(report.to_string().lines().collect::<Vec<_>>(), expected);

    let none = MultiLabelReport::from_decisions(&[false; 4], &[false; 4], 2, None).unwrap();
    let zeros = |average: metrics::Averages| (average.precision, average.recall, average.f1) == (0.0, 0.0, 0.0);
    assert!(zeros(none.micro_average) && zeros(none.macro_average) && zeros(none.weighted_average));
    assert_eq!((none.accuracy, none.support), (1.0, 0.0));

    let message = |actual: &[bool], decided: &[bool], labels, weights| {
        MultiLabelReport::from_decisions(actual, decided, labels, weights).unwrap_err().to_string()
    };
    assert_eq!(message(&[true], &[true], 0, None), "labels is 0; expected at least 1");
    assert_eq!(message(&[], &[], 1, None), "targets holds no sample; expected at least 1");
    assert!(message(&[true; 4], &[true; 2], 2, None).starts_with("predictions holds 1 rows, expected 2"));
    assert!(message(&[true; 3], &[true; 4], 2, None).contains("targets"));
    assert!(message(&[true; 2], &[true; 2], 1, Some(&[0.0; 2])).starts_with("all samples of the targets"));
}

#[test]
fn a_network_decides_each_label() {
    let mut net = Two::zeros();
    net.layer1_mut().weights = [[1.0], [-1.0]];
    let data = Dataset::new(vec![[2.0], [-2.0], [0.0]], vec![[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]).unwrap();
    let report = MultiLabelReport::evaluate(&net, &data).unwrap();
    // An output of exactly ½ is a yes.
    assert_eq!((report.labels[0].recall, report.labels[1].recall, report.accuracy), (2.0 / 3.0, 1.0, 2.0 / 3.0));
    let weighted = data.with_weights(vec![1.0, 2.0, 0.0]).unwrap();
    assert_eq!(MultiLabelReport::evaluate(&net, &weighted).unwrap().accuracy, 1.0 / 3.0);
    let soft = Dataset::new(vec![[2.0], [1.0]], vec![[1.0, 0.0], [1.0, 0.25]]).unwrap();
    let expected = Error::Target { sample: 1, column: 1, value: 0.25, expected: "0 or 1" };
    assert_eq!(MultiLabelReport::evaluate(&net, &soft), Err(expected));
    net.layer1_mut().bias[1] = f32::NAN;
    let nan = MultiLabelReport::evaluate(&net, &weighted).unwrap_err();
    assert_eq!(nan, Error::NaNOutput { sample: 0, column: 1 });
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
network! { struct Two<1 => 2>; }
network! { struct Line<1 => 2 linear>: f64; }

#[test]
fn networks_are_judged_by_their_highest_output() {
    let mut net = Chooses::zeros();
    net.layer1_mut().weights = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]];
    let data = Dataset::from_labels(vec![[2.0, 1.0], [1.0, 2.0], [-1.0, -1.0], [1.0, 0.0]], &[0, 1, 2, 1]).unwrap();
    let matrix = ConfusionMatrix::evaluate(&net, &data).unwrap();
    assert_eq!((matrix.count(1, 0), matrix.count(1, 1), matrix.accuracy()), (1.0, 1.0, 0.75));
    assert_eq!(metrics::accuracy(&net, &data), Ok(0.75));
    assert_eq!(metrics::accuracy(&net, &data), Ok(0.75));
    assert_eq!(ClassificationReport::evaluate(&net, &data).unwrap(), matrix.report());

    let mut net = Decides::zeros();
    net.layer1_mut().weights = [[1.0]];
    let data = Dataset::from_labels(vec![[2.0], [-2.0], [0.0], [0.0]], &[1, 0, 1, 0]).unwrap();
    let matrix = ConfusionMatrix::evaluate(&net, &data).unwrap();
    // An output of exactly ½ counts as class 1.
    assert_eq!((matrix.classes(), matrix.count(1, 1), matrix.count(0, 1), matrix.count(0, 0)), (2, 2.0, 1.0, 1.0));
    let soft = Dataset::new(vec![[0.0]], vec![[0.3]]).unwrap();
    assert_eq!(metrics::accuracy(&net, &soft), Err(Error::NotAClass { sample: 0, expected: "0 or 1" }));
}

#[test]
fn regression_by_hand() {
    let targets = [[1.0], [2.0], [3.0], [6.0]];
    let measured = Regression::from_rows(&targets, &[[1.0], [2.5], [2.0], [6.0]]).unwrap();
    assert_eq!((measured.mse, measured.mae), (1.25 / 4.0, 1.5 / 4.0));
    assert!((measured.r2 - (1.0 - 1.25 / 14.0)).abs() < 1e-15);
    assert_eq!((measured.median_absolute_error, measured.max_error), (0.25, 1.0));
    // The errors are ½ and -1 besides zeros, -⅛ in the mean; the targets vary by 14/4.
    assert!((measured.explained_variance - (1.0 - (1.25 / 4.0 - 1.0 / 64.0) / 3.5)).abs() < 1e-15);
    let line =
        "mse 0.312500, rmse 0.559017, mae 0.375000, median 0.250000, max 1.00000, r² 0.910714, explained 0.915179";
    assert_eq!((measured.to_string(), measured.outputs[0].to_string()), (line.to_owned(), line.to_owned()));
    let mut other = measured.clone();
    (other.mse, other.rmse, other.mae) = (3_292_093.918, 1_814.412_83, 0.0);
    assert!(other.to_string().starts_with("mse 3.29209e6, rmse 1814.41, mae 0, median 0.25"));
    (other.mse, other.rmse, other.r2) = (1e-8, 1e-4, f64::NAN);
    assert!(other.to_string().starts_with("mse 1.00000e-8, rmse 0.000100000, mae 0, median 0.25"));
    assert!(other.to_string().ends_with("r² NaN, explained 0.915179"));
}

#[test]
fn each_output_has_its_errors() {
    let targets = [[1.0, 10.0], [2.0, 10.0], [3.0, 10.0], [6.0, 10.0]];
    let predictions = [[1.0, 12.0], [2.5, 12.0], [2.0, 12.0], [6.0, 12.0]];
    let measured = Regression::from_rows(&targets, &predictions).unwrap();
    let first: Vec<[f64; 1]> = targets.iter().map(|row| [row[0]]).collect();
    let alone: Vec<[f64; 1]> = predictions.iter().map(|row| [row[0]]).collect();
    assert_eq!(measured.outputs[0], Regression::from_rows(&first, &alone).unwrap().outputs[0]);
    let second = measured.outputs[1];
    assert_eq!((second.mse, second.rmse, second.mae), (4.0, 2.0, 2.0));
    assert_eq!((second.median_absolute_error, second.max_error), (2.0, 2.0));
    // Nothing varies: R² counts the distance, the explained variance does not.
    assert_eq!((second.r2, second.explained_variance), (0.0, 1.0));
    assert_eq!((measured.mse, measured.mae, measured.max_error), ((1.25 / 4.0 + 4.0) / 2.0, (0.375 + 2.0) / 2.0, 2.0));
    assert_eq!((measured.median_absolute_error, measured.r2), (1.125, measured.outputs[0].r2 / 2.0));
    let text = measured.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1], format!("output 0: {}", measured.outputs[0]));
    assert!(lines[2].starts_with("output 1: mse 4.00000, rmse 2.00000, mae 2.00000, median 2.00000, max 2.00000"));

    // NaN stays with its output, but all together are NaN.
    let mut predictions = predictions;
    predictions[2][1] = f64::NAN;
    let measured = Regression::from_rows(&targets, &predictions).unwrap();
    assert!(measured.mse.is_nan() && measured.max_error.is_nan() && measured.outputs[1].median_absolute_error.is_nan());
    assert_eq!((measured.outputs[0].mse, measured.outputs[0].max_error), (1.25 / 4.0, 1.0));
}

#[test]
fn half_of_the_weight_is_off_by_no_more_than_the_median() {
    let median = |errors: &[f64], weights: &[f64]| {
        let measured = Regression::from_flat(&vec![0.0; errors.len()], errors, 1, Some(weights)).unwrap();
        (measured.median_absolute_error, measured.max_error)
    };
    assert_eq!(median(&[3.0, -1.0, 2.0], &[1.0; 3]), (2.0, 3.0));
    assert_eq!(median(&[3.0, -1.0, 2.0, -8.0], &[1.0; 4]), (2.5, 8.0));
    assert_eq!(median(&[3.0, -1.0, 2.0, -8.0], &[1.0, 3.0, 1.0, 0.5]), (1.0, 8.0));
    // Half of the weight ends at 1, and the next that counts is 3.
    assert_eq!(median(&[3.0, -1.0, 2.0], &[1.0, 1.0, 0.0]), (2.0, 3.0));
    assert_eq!(median(&[3.0, -1.0, 9.0], &[1.0, 0.0, 0.0]), (3.0, 3.0));
    assert_eq!(median(&[f64::INFINITY, -1.0, 2.0], &[1.0; 3]), (2.0, f64::INFINITY));
    assert_eq!(median(&[1.5e308, -1.5e308], &[1.0; 2]), (1.5e308, 1.5e308));
}

#[test]
fn explained_variance_where_it_has_no_denominator_or_no_end() {
    let explained = |targets: &[f64], predictions: &[f64]| {
        Regression::from_flat(targets, predictions, 1, None).unwrap().explained_variance
    };
    assert_eq!(explained(&[5.0; 3], &[5.0, 5.0, 6.0]), 0.0);
    assert_eq!(explained(&[5.0; 3], &[7.0; 3]), 1.0);
    assert_eq!(explained(&[5.0], &[7.0]), 1.0);
    assert!(explained(&[5.0, 6.0], &[f64::INFINITY, 6.0]).is_nan());
    // Predictions that are right but for a constant, far from it.
    assert_eq!(explained(&[1.0, 2.0, 4.0], &[1e15 + 1.0, 1e15 + 2.0, 1e15 + 4.0]), 1.0);
    for scale in [1e-300, 1e-160, 1e160, 1e300] {
        let (targets, predictions) = ([scale, 2.0 * scale, 3.0 * scale], [scale, 2.0 * scale, 2.0 * scale]);
        assert!((explained(&targets, &predictions) - (1.0 - 2.0 / 9.0 / (2.0 / 3.0))).abs() < 1e-15);
    }
}

#[test]
fn outputs_that_are_nan_are_no_class() {
    let mut net = Chooses::zeros();
    net.layer1_mut().bias = [0.0, f32::NAN, 0.0];
    let data = Dataset::from_labels(vec![[2.0, 1.0], [1.0, 2.0]], &[0, 1]).unwrap();
    let error = metrics::accuracy(&net, &data).unwrap_err();
    assert!(error.to_string().contains("for sample 0 is NaN; expected a number"), "{error}");
    assert_eq!(ConfusionMatrix::evaluate(&net, &data).unwrap_err(), error);
    assert_eq!(ClassificationReport::evaluate(&net, &data).unwrap_err(), error);

    // An infinite output is a number still; infinity times 0 is none.
    let mut net = Line::zeros();
    net.layer1_mut().weights = [[f64::INFINITY], [0.0]];
    let data = Dataset::from_labels(vec![[1.0], [2.0]], &[0, 1]).unwrap();
    assert_eq!(metrics::accuracy(&net, &data), Ok(0.5));
    let data = Dataset::from_labels(vec![[1.0], [0.0]], &[0, 1]).unwrap();
    assert_eq!(metrics::accuracy(&net, &data), Err(Error::NaNOutput { sample: 1, column: 0 }));

    let mut net = Decides::zeros();
    net.layer1_mut().bias = [f32::NAN];
    let data = Dataset::from_labels(vec![[2.0]], &[0]).unwrap();
    assert_eq!(metrics::accuracy(&net, &data).unwrap_err(), Error::NaNOutput { sample: 0, column: 0 });
}

#[test]
fn the_weights_of_a_data_set_enter_every_metric() {
    let mut net = Chooses::zeros();
    net.layer1_mut().weights = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]];
    let data = Dataset::from_labels(vec![[2.0, 1.0], [1.0, 2.0], [-1.0, -1.0], [1.0, 0.0]], &[0, 1, 2, 1]).unwrap();
    // The last sample, of class 1, is taken for 0.
    let data = data.with_weights(vec![1.0, 0.5, 0.0, 2.5]).unwrap();
    let matrix = ConfusionMatrix::evaluate(&net, &data).unwrap();
    assert_eq!((matrix.count(1, 0), matrix.count(1, 1), matrix.count(2, 2), matrix.total()), (2.5, 0.5, 0.0, 4.0));
    assert_eq!(metrics::accuracy(&net, &data), Ok(0.375));
    let report = ClassificationReport::evaluate(&net, &data).unwrap();
    assert_eq!(report, matrix.report());
    assert_eq!((report.accuracy, report.support, report.classes[1].support), (0.375, 4.0, 3.0));

    let data = Dataset::new(vec![[1.0], [2.0]], vec![[0.0, 0.0], [2.0, 4.0]]).unwrap();
    let data = data.with_weights(vec![3.0, 1.0]).unwrap();
    let measured = Regression::evaluate(&Line::zeros(), &data).unwrap();
    assert_eq!((measured.mse, measured.mae), ((4.0 + 16.0) / 8.0, (2.0 + 4.0) / 8.0));
    // The means are ½ and 1, so the spread is 3 · (¼ + 1) + 2¼ + 9.
    assert!((measured.r2 - (1.0 - 20.0 / 15.0)).abs() < 1e-15);
}

#[test]
fn errors_are_in_original_units_where_targets_are_standardised() {
    let raw = Dataset::new(vec![[0.0]; 4], vec![[100.0, 7.0], [300.0, 7.0], [100.0, 9.0], [300.0, 9.0]]).unwrap();
    let data = raw.targets_standardized().unwrap();
    assert_eq!(data.target_standardizer().unwrap().deviations(), [100.0, 1.0]);
    // In standardised units it predicts ½ and 2, which is 250 and 10.
    let mut net = Line::zeros();
    net.layer1_mut().bias = [0.5, 2.0];
    let measured = Regression::evaluate(&net, &data).unwrap();
    let predictions = [[250.0, 10.0]; 4];
    assert_eq!(data.to_original_units(&net.predict(&[0.0])).unwrap(), predictions[0]);
    let expected = Regression::from_rows(raw.targets(), &predictions).unwrap();
    assert_eq!(measured, expected);
    assert_eq!(measured.mae, (150.0 + 50.0 + 3.0 + 1.0) / 4.0);
    // Weights in the middle of it.
    let weights = vec![1.0, 0.0, 0.0, 3.0];
    let measured = Regression::evaluate(&net, &data.with_weights(weights.clone()).unwrap()).unwrap();
    let (targets, predictions) = (raw.targets().as_flattened(), predictions.as_flattened());
    assert_eq!(Regression::from_flat(targets, predictions, 2, Some(&weights)), Ok(measured));
}

#[test]
fn r2_of_targets_that_do_not_vary() {
    let r2 = |targets: &[f64], predictions: &[f64]| {
        Regression::from_flat(targets, predictions, 1, None).map(|measured| measured.r2).unwrap()
    };
    // The mean of nine times 5.0, or of ten times 0.1, need not round to the number itself.
    assert_eq!(r2(&[5.0; 9], &[5.5; 9]), 0.0);
    assert_eq!(r2(&[5.0; 9], &[5.0; 9]), 1.0);
    assert_eq!(r2(&[0.1; 10], &[0.2; 10]), 0.0);
    assert_eq!(r2(&[1e300; 3], &[-1e300; 3]), 0.0);
    assert_eq!(r2(&[0.0; 3], &[1e-200; 3]), 0.0);
    let mut predictions = [5.0; 9];
    predictions[4] = f64::NAN;
    assert!(r2(&[5.0; 9], &predictions).is_nan());
    assert!(r2(&[1.0, 2.0], &[1.0, f64::NAN]).is_nan());
    assert!(r2(&[f64::NAN, 2.0], &[1.0, 2.0]).is_nan());
    assert_eq!(r2(&[5.0; 2], &[f64::INFINITY, 5.0]), 0.0);
    assert_eq!(r2(&[5.0, 6.0], &[f64::INFINITY, 6.0]), f64::NEG_INFINITY);
}

#[test]
fn r2_of_targets_that_vary_a_little_or_a_lot() {
    // The mean 10¹⁶ + 1 is no f64. Predictions are right for one of two.
    let targets = [1e16, 1e16 + 2.0];
    assert_eq!(Regression::from_flat(&targets, &[1e16; 2], 1, None).unwrap().r2, 1.0 - 4.0 / 2.0);
    for scale in [1e-300, 1e-160, 1.0, 1e160, 1e300] {
        let (targets, predictions) = ([scale, 2.0 * scale, 3.0 * scale], [scale, 2.0 * scale, 2.0 * scale]);
        let measured = Regression::from_flat(&targets, &predictions, 1, None).unwrap();
        assert!((measured.r2 - 0.5).abs() < 1e-15, "{scale}: {measured:?}");
        let rmse = scale / 3.0_f64.sqrt();
        assert!((measured.rmse / rmse - 1.0).abs() < 1e-15, "{scale}: {measured:?}");
    }
    // An output that never varies, far from one that does.
    let measured = Regression::from_rows(&[[1e300, 1e-300], [1e300, 3e-300]], &[[1e300, 1e-300]; 2]).unwrap();
    assert_eq!((measured.outputs[0].r2, measured.outputs[1].r2, measured.r2), (1.0, 1.0 - 4.0 / 2.0, 0.0));
    // NaN makes all of them NaN, in the first place as in the last.
    for place in 0..2 {
        let mut predictions = [0.0; 2];
        predictions[place] = f64::NAN;
        let Regression { mse, rmse, mae, r2, .. } = Regression::from_flat(&[0.0; 2], &predictions, 1, None).unwrap();
        assert!([mse, rmse, mae, r2].iter().all(|number| number.is_nan()));
    }
}

#[test]
fn bad_rows_are_named() {
    let message = |targets: &[f64], predictions: &[f64], width, weights| {
        Regression::from_flat(targets, predictions, width, weights).unwrap_err().to_string()
    };
    assert_eq!(message(&[], &[], 1, None), "targets holds no sample; expected at least 1");
    assert_eq!(message(&[1.0], &[1.0], 0, None), "the width of a row is 0; expected at least 1");
    assert!(message(&[1.0; 3], &[1.0; 3], 2, None).contains("targets"));
    assert!(message(&[1.0; 4], &[1.0; 2], 2, None).starts_with("predictions holds 1 rows, expected 2"));
    let negative = message(&[1.0; 2], &[1.0; 2], 1, Some(&[1.0, -1.0]));
    assert_eq!(negative, "the weight of sample 1 is -1; expected a finite number that is not negative");
    assert_eq!(
        message(&[1.0; 2], &[1.0; 2], 1, Some(&[0.0; 2])),
        "all samples of the targets have the weight 0; expected one above 0"
    );
}

#[test]
fn more_classes_than_there_is_memory_for_are_refused() {
    for classes in [1 << 23, 1 << 31, 1 << 45, usize::MAX] {
        let error = ConfusionMatrix::from_labels(&[0, 1], &[1, 1], classes).unwrap_err();
        let Error::Argument { name: "classes", value, expected } = error else { panic!("{error}") };
        assert_eq!(value, classes.to_string());
        assert_eq!(expected, "fewer, so that K × K counts fit into memory");
    }
    for classes in [1 << 45, usize::MAX] {
        let error = ClassificationReport::from_labels(&[0, 1], &[1, 1], classes).unwrap_err();
        assert!(matches!(error, Error::Argument { name: "classes", .. }), "{error}");
    }
    // A report needs no matrix: a million classes would take 8 TB of counts.
    let report = ClassificationReport::from_labels(&[0, 999_999], &[0, 0], 1_000_000).unwrap();
    assert_eq!((report.accuracy, report.classes[999_999].support), (0.5, 1.0));
    for error in [
        ConfusionMatrix::from_labels(&[0], &[0], 0).unwrap_err(),
        ClassificationReport::from_labels(&[0], &[0], 0).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "classes is 0; expected at least 1");
    }
    let none = Error::Label { sample: 0, label: 0, classes: 0 };
    assert_eq!(none.to_string(), "the label of sample 0 is 0; expected no label at all, as there are no classes");
}

#[test]
fn weights_enter_the_counts() {
    let (actual, predicted, weights) = ([0, 0, 1, 1], [0, 1, 1, 0], [0.5, 1.5, 2.0, 0.0]);
    let matrix = ConfusionMatrix::from_weighted_labels(&actual, &predicted, &weights, 2).unwrap();
    assert_eq!((matrix.count(0, 0), matrix.count(0, 1), matrix.count(1, 0)), (0.5, 1.5, 0.0));
    assert_eq!((matrix.total(), matrix.support(0), matrix.predicted(1)), (4.0, 2.0, 3.5));
    assert_eq!(matrix.accuracy(), 2.5 / 4.0);
    let expected = "\
actual \\ predicted     0    1
                 0  0.50 1.50
                 1     . 2.00";
    assert_eq!(matrix.to_string(), expected);
    let report = ClassificationReport::from_weighted_labels(&actual, &predicted, &weights, 2).unwrap();
    assert_eq!(report, matrix.report());
    assert_eq!((report.classes[0].precision, report.classes[0].recall), (1.0, 0.25));
    assert_eq!((report.classes[1].precision, report.classes[1].recall), (2.0 / 3.5, 1.0));
    let wrong = ConfusionMatrix::from_weighted_labels(&actual, &predicted, &[1.0; 3], 2).unwrap_err();
    assert_eq!(wrong, Error::Length { what: "weights", expected: 4, found: 3 });
    // 2 · right and the sum of all would overflow here.
    let heavy = ClassificationReport::from_weighted_labels(&[0, 0], &[0, 0], &[8e307; 2], 1).unwrap();
    assert_eq!((heavy.classes[0].f1, heavy.accuracy), (1.0, 1.0));
}

proptest! {
    #[test]
    fn what_holds_for_every_report(pairs in prop::collection::vec((0_usize..5, 0_usize..5), 1..100)) {
        let (actual, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        let matrix = ConfusionMatrix::from_labels(&actual, &predicted, 5).unwrap();
        let report = matrix.report();
        let right = pairs.iter().filter(|(actual, predicted)| actual == predicted).count();
        prop_assert_eq!(matrix.total(), pairs.len() as f64);
        prop_assert_eq!(report.accuracy, right as f64 / pairs.len() as f64);
        prop_assert_eq!(report.classes.iter().map(|class| class.support).sum::<f64>(), pairs.len() as f64);
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

    /// A weight of w is as good as the sample w times; a weight of 0 leaves it out.
    #[test]
    fn a_weight_is_so_many_samples(
        rows in prop::collection::vec((0_usize..4, 0_usize..4, -9.0..9.0, -9.0..9.0, 0_u8..4), 1..60),
    ) {
        prop_assume!(rows.iter().any(|row| row.4 > 0));
        let repeated: Vec<_> = rows.iter().flat_map(|&row| std::iter::repeat_n(row, row.4.into())).collect();
        let labels = |rows: &[(usize, usize, f64, f64, u8)]| -> (Vec<_>, Vec<_>) {
            rows.iter().map(|&(actual, predicted, ..)| (actual, predicted)).unzip()
        };
        let numbers = |rows: &[(usize, usize, f64, f64, u8)]| -> (Vec<_>, Vec<_>) {
            rows.iter().map(|&(_, _, target, prediction, _)| (target, prediction)).unzip()
        };
        let weights: Vec<f64> = rows.iter().map(|row| row.4.into()).collect();
        let (actual, predicted) = labels(&rows);
        let weighted = ConfusionMatrix::from_weighted_labels(&actual, &predicted, &weights, 4).unwrap();
        let (actual, predicted) = labels(&repeated);
        prop_assert_eq!(&weighted, &ConfusionMatrix::from_labels(&actual, &predicted, 4).unwrap());

        let (targets, predictions) = numbers(&rows);
        let weighted = Regression::from_flat(&targets, &predictions, 1, Some(&weights)).unwrap();
        let (targets, predictions) = numbers(&repeated);
        let plain = Regression::from_flat(&targets, &predictions, 1, None).unwrap();
        for (one, other) in [
            (weighted.mse, plain.mse),
            (weighted.rmse, plain.rmse),
            (weighted.mae, plain.mae),
            (weighted.r2, plain.r2),
        ] {
            prop_assert!((one - other).abs() <= 1e-12 * other.abs().max(1.0), "{one} and {other}");
        }
    }
}
