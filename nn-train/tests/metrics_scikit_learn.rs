//! The metrics beside scikit-learn's, on random cases with ties, weights of 0 and classes without samples.
//!
//! fixtures/metrics.py makes the file.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::metrics::{Averages, BestThreshold, ClassScores, MultiLabelReport, Ranking};
use nn_train::prelude::*;
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

/// The cases of a kind, and where each stands.
fn cases(kind: &str) -> Vec<(String, Value)> {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap();
    let cases = fixture[kind].as_array().unwrap();
    assert_eq!(cases.len(), 60);
    cases.iter().enumerate().map(|(number, case)| (format!("{kind} {number}"), case.clone())).collect()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn labels(list: &Value) -> Vec<usize> {
    numbers(list).into_iter().map(|number| number as usize).collect()
}

fn whole(number: &Value) -> usize {
    number.as_u64().unwrap().try_into().unwrap()
}

/// None where all samples count the same.
fn weights(case: &Value) -> Option<Vec<f64>> {
    let weights = &case["weights"];
    (!weights.is_null()).then(|| numbers(weights))
}

/// Relative to the number, or to 1 if that is more. Fails on NaN.
#[track_caller]
fn close(place: &str, found: f64, wanted: f64) {
    let error = (found - wanted).abs();
    assert!(error <= TOLERANCE * wanted.abs().max(1.0), "{place}: {found}, expected {wanted}");
}

#[track_caller]
fn all_close(place: &str, found: &[f64], wanted: &Value) {
    let wanted = numbers(wanted);
    assert_eq!(found.len(), wanted.len(), "{place}");
    found.iter().zip(&wanted).for_each(|(&found, &wanted)| close(place, found, wanted));
}

/// Both a number, or both none.
#[track_caller]
fn same(place: &str, found: Option<f64>, wanted: &Value) {
    match found {
        Some(found) => close(place, found, wanted.as_f64().unwrap_or_else(|| panic!("{place}: {found}, not {wanted}"))),
        None => assert!(wanted.is_null(), "{place}: undefined, expected {wanted}"),
    }
}

/// Points of a curve; -1 is the threshold ∞.
#[track_caller]
fn same_curve(place: &str, found: Option<Vec<[f64; 3]>>, wanted: &Value) {
    let Some(found) = found else { return assert!(wanted.is_null(), "{place}: undefined") };
    let wanted = wanted.as_array().unwrap();
    assert_eq!(found.len(), wanted.len(), "{place}");
    for (point, wanted) in found.into_iter().zip(wanted) {
        let [first, x, y] = point;
        all_close(place, &[if first == f64::INFINITY { -1.0 } else { first }, x, y], wanted);
    }
}

#[track_caller]
fn same_best(place: &str, found: Option<BestThreshold>, wanted: &Value) {
    match found {
        Some(best) => all_close(place, &[best.threshold, best.value], wanted),
        None => assert!(wanted.is_null(), "{place}: undefined"),
    }
}

fn same_average(place: &str, found: Averages, wanted: &Value) {
    all_close(place, &[found.precision, found.recall, found.f1], wanted);
}

fn same_scores(place: &str, found: &[ClassScores], wanted: &Value) {
    let wanted = wanted.as_array().unwrap();
    assert_eq!(found.len(), wanted.len());
    for (scores, wanted) in found.iter().zip(wanted) {
        all_close(place, &[scores.precision, scores.recall, scores.f1, scores.support], wanted);
    }
}

#[test]
fn decisions() {
    for (place, case) in cases("decisions") {
        let (actual, predicted) = (labels(&case["actual"]), labels(&case["predicted"]));
        let classes = whole(&case["classes"]);
        let matrix = match weights(&case) {
            Some(weights) => ConfusionMatrix::from_weighted_labels(&actual, &predicted, &weights, classes),
            None => ConfusionMatrix::from_labels(&actual, &predicted, classes),
        };
        let report = match weights(&case) {
            Some(weights) => ClassificationReport::from_weighted_labels(&actual, &predicted, &weights, classes),
            None => ClassificationReport::from_labels(&actual, &predicted, classes),
        }
        .unwrap();
        assert_eq!(matrix.unwrap().report(), report, "{place}");
        same(&place, Some(report.accuracy), &case["accuracy"]);
        same(&place, Some(report.balanced_accuracy), &case["balanced_accuracy"]);
        same(&place, Some(report.matthews), &case["matthews"]);
        same_scores(&place, &report.classes, &case["each"]);
        same_average(&place, report.macro_average, &case["macro"]);
        same_average(&place, report.weighted_average, &case["weighted"]);
        // Each sample has one class, so the three micro averages are the accuracy.
        all_close(&place, &[report.accuracy; 3], &case["micro"]);
    }
}

#[test]
fn one_output() {
    for (place, case) in cases("binary") {
        let (actual, scores) = (labels(&case["actual"]), numbers(&case["scores"]));
        let weights = weights(&case);
        let measured = Probabilities::from_labels(&actual, &scores, 1, weights.as_deref()).unwrap();
        let measured = measured.calibration_bins(whole(&case["bins"]));
        same(&place, measured.roc_auc(), &case["roc_auc"]);
        same(&place, measured.average_precision(), &case["average_precision"]);
        same(&place, measured.log_loss().ok(), &case["log_loss"]);
        same(&place, measured.brier_score().ok(), &case["brier_score"]);
        same(&place, measured.calibration_error().ok(), &case["calibration_error"]);
        let reliability = measured.reliability_curve(0).unwrap();
        let reliability = reliability.iter().map(|bin| [bin.confidence, bin.frequency, bin.share]).collect();
        same_curve(&place, Some(reliability), &case["reliability"]);

        let ranking = measured.ranking(0).unwrap();
        let positive: Vec<bool> = actual.iter().map(|&label| label == 1).collect();
        assert_eq!(ranking, Ranking::new(&positive, &scores, weights.as_deref()).unwrap());
        let roc = ranking
            .roc_curve()
            .map(|points| points.iter().map(|p| [p.threshold, p.false_positive_rate, p.true_positive_rate]).collect());
        same_curve(&place, roc, &case["roc"]);
        let curve = ranking.precision_recall_curve();
        let curve = curve.map(|points| points.iter().map(|p| [p.threshold, p.recall, p.precision]).collect());
        same_curve(&place, curve, &case["precision_recall"]);
        same_best(&place, ranking.best_f1(), &case["best_f1"]);
        same_best(&place, ranking.best_youden(), &case["best_youden"]);

        // The same as answers, and as two classes.
        let answers: Vec<f64> = actual.iter().map(|&label| label as f64).collect();
        let other = Probabilities::from_flat(&answers, &scores, 1, weights.as_deref()).unwrap();
        assert_eq!(other.calibration_bins(whole(&case["bins"])), measured);
        let pairs: Vec<f64> = scores.iter().flat_map(|&p| [1.0 - p, p]).collect();
        let pairs = Probabilities::from_labels(&actual, &pairs, 2, weights.as_deref()).unwrap();
        same(&place, pairs.log_loss().ok(), &case["log_loss"]);
        same(&place, pairs.brier_score().ok(), &case["brier_score"]);
    }
}

#[test]
fn classes_that_exclude_each_other() {
    for (place, case) in cases("classes") {
        let (actual, probabilities) = (labels(&case["actual"]), numbers(&case["probabilities"]));
        let width = whole(&case["width"]);
        let measured = Probabilities::from_labels(&actual, &probabilities, width, weights(&case).as_deref()).unwrap();
        let measured = measured.calibration_bins(whole(&case["bins"]));
        same(&place, measured.roc_auc(), &case["roc_auc"]);
        same(&place, measured.weighted_roc_auc(), &case["weighted_roc_auc"]);
        same(&place, measured.average_precision(), &case["average_precision"]);
        same(&place, measured.log_loss().ok(), &case["log_loss"]);
        same(&place, measured.brier_score().ok(), &case["brier_score"]);
        same(&place, measured.calibration_error().ok(), &case["calibration_error"]);
        let top: Vec<f64> = (1..=width).map(|k| measured.top_k_accuracy(k).unwrap()).collect();
        all_close(&place, &top, &case["top_k"]);
    }
}

#[test]
fn labels_that_do_not_exclude_each_other() {
    for (place, case) in cases("labels") {
        let (targets, scores) = (numbers(&case["targets"]), numbers(&case["scores"]));
        let (width, weights) = (whole(&case["width"]), weights(&case));
        let measured = Probabilities::from_flat(&targets, &scores, width, weights.as_deref()).unwrap();
        let measured = measured.calibration_bins(whole(&case["bins"]));
        same(&place, measured.roc_auc(), &case["roc_auc"]);
        same(&place, measured.weighted_roc_auc(), &case["weighted_roc_auc"]);
        same(&place, measured.average_precision(), &case["average_precision"]);
        same(&place, measured.log_loss().ok(), &case["log_loss"]);
        same(&place, measured.brier_score().ok(), &case["brier_score"]);
        same(&place, measured.calibration_error().ok(), &case["calibration_error"]);

        let answers: Vec<bool> = targets.iter().map(|&target| target == 1.0).collect();
        let decided: Vec<bool> = scores.iter().map(|&score| score >= 0.5).collect();
        let report = MultiLabelReport::from_decisions(&answers, &decided, width, weights.as_deref()).unwrap();
        same(&place, Some(report.accuracy), &case["accuracy"]);
        same_scores(&place, &report.labels, &case["each"]);
        same_average(&place, report.micro_average, &case["micro"]);
        same_average(&place, report.macro_average, &case["macro"]);
        same_average(&place, report.weighted_average, &case["weighted"]);
    }
}

#[test]
fn regression() {
    for (place, case) in cases("regression") {
        let (targets, predictions) = (numbers(&case["targets"]), numbers(&case["predictions"]));
        let (width, weights) = (whole(&case["width"]), weights(&case));
        let found = Regression::from_flat(&targets, &predictions, width, weights.as_deref()).unwrap();
        assert_eq!(found.outputs.len(), width);
        // The outputs one by one, and then all together.
        macro_rules! compare {
            ($($name:ident: $all:expr),*) => {$(
                let mut values: Vec<f64> = found.outputs.iter().map(|output| output.$name).collect();
                values.push($all(&values, found.$name));
                all_close(&format!("{place}, {}", stringify!($name)), &values, &case[stringify!($name)]);
            )*};
        }
        let own = |_: &[f64], all: f64| all;
        // scikit-learn has the mean of the roots, this library the root of the mean.
        let mean_root = |roots: &[f64], _| roots.iter().sum::<f64>() / roots.len() as f64;
        compare!(
            mse: own, rmse: mean_root, mae: own, median_absolute_error: own, max_error: own, r2: own,
            explained_variance: own
        );
        close(&place, found.rmse, found.mse.sqrt());
    }
}
