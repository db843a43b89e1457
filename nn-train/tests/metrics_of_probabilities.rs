//! Metrics of probabilities and scores against numbers worked out by hand, and where they have no value.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::metrics::{PrecisionRecallPoint, Ranking, RocPoint};
use nn_train::prelude::*;
use proptest::prelude::*;

network! { struct Chooses<2 => 3 softmax>; }
network! { struct Decides<1 => 1>: f64; }
network! { struct Answers<1 => 2>: f64; }
network! { struct Rates<1 => 1 linear>: f64; }

const NONE: Option<&[f64]> = None;

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-15, "{found} and {expected}");
}

/// Of positive samples 0.8 and 0.35, of negative ones 0.4 and 0.1.
fn ranking() -> Ranking {
    Ranking::new(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8], None).unwrap()
}

#[test]
fn a_ranking_by_hand() {
    let ranking = ranking();
    // Three of four pairs are in order.
    assert_eq!(ranking.roc_auc(), Some(0.75));
    close(ranking.average_precision().unwrap(), 0.5 * 1.0 + 0.5 * (2.0 / 3.0));
    let points: Vec<_> = ranking.roc_curve().unwrap();
    let points: Vec<_> =
        points.iter().map(|p: &RocPoint| (p.threshold, p.false_positive_rate, p.true_positive_rate)).collect();
    let expected = [(f64::INFINITY, 0.0, 0.0), (0.8, 0.0, 0.5), (0.4, 0.5, 0.5), (0.35, 0.5, 1.0), (0.1, 1.0, 1.0)];
    assert_eq!(points, expected);
    let points = ranking.precision_recall_curve().unwrap();
    let points: Vec<_> = points.iter().map(|p: &PrecisionRecallPoint| (p.threshold, p.recall, p.precision)).collect();
    let expected =
        [(f64::INFINITY, 0.0, 1.0), (0.8, 0.5, 1.0), (0.4, 0.5, 0.5), (0.35, 1.0, 2.0 / 3.0), (0.1, 1.0, 0.5)];
    assert_eq!(points, expected);
    let best = ranking.best_f1().unwrap();
    assert_eq!((best.threshold, best.value), (0.35, 0.8));
    // ½ at 0.8 and at 0.35: the higher one.
    let best = ranking.best_youden().unwrap();
    assert_eq!((best.threshold, best.value), (0.8, 0.5));
}

#[test]
fn equal_scores_are_taken_together() {
    let ranking = Ranking::new(&[true, false, true, false], &[0.5_f32, 0.5, 0.0, -0.0], None).unwrap();
    assert_eq!((ranking.roc_auc(), ranking.average_precision()), (Some(0.5), Some(0.5)));
    // 0 and -0 are one score.
    assert_eq!(ranking.roc_curve().unwrap().len(), 3);
    let all = Ranking::new(&[true, false, false], &[0.25; 3], None).unwrap();
    assert_eq!((all.roc_auc(), all.average_precision()), (Some(0.5), Some(1.0 / 3.0)));
    assert_eq!(all.best_youden().unwrap().value, 0.0);
    // Infinite scores are in order too.
    let infinite = [f64::NEG_INFINITY, 1e308, f64::INFINITY, f64::INFINITY];
    assert_eq!(Ranking::new(&[false, false, true, true], &infinite, None).unwrap().roc_auc(), Some(1.0));
}

#[test]
fn one_class_only_has_no_order() {
    let positive = Ranking::new(&[true, true], &[0.1, 0.9], None).unwrap();
    assert_eq!((positive.roc_auc(), positive.roc_curve(), positive.best_youden()), (None, None, None));
    assert_eq!((positive.average_precision(), positive.best_f1().unwrap().threshold), (Some(1.0), 0.1));
    let negative = Ranking::new(&[false, false], &[0.1, 0.9], None).unwrap();
    assert_eq!((negative.roc_auc(), negative.roc_curve(), negative.best_youden()), (None, None, None));
    assert_eq!((negative.average_precision(), negative.best_f1()), (None, None));
    assert_eq!(negative.precision_recall_curve(), None);
    // The positive sample counts nothing.
    let left_out = Ranking::new(&[true, false], &[0.1, 0.9], Some(&[0.0, 1.0])).unwrap();
    assert_eq!((left_out.roc_auc(), left_out.average_precision()), (None, None));
    assert_eq!(left_out, Ranking::new(&[false], &[0.9], None).unwrap());
}

#[test]
fn bad_scores_are_named() {
    let refused = |positive: &[bool], scores: &[f64], weights| Ranking::new(positive, scores, weights).unwrap_err();
    assert_eq!(refused(&[], &[], None), Error::Empty { what: "labels" });
    assert_eq!(refused(&[true], &[], None), Error::Length { what: "scores", expected: 1, found: 0 });
    assert_eq!(refused(&[true; 2], &[1.0, f64::NAN], None), Error::NaNOutput { sample: 1, column: 0 });
    assert_eq!(refused(&[true], &[1.0], Some(&[-1.0])), Error::Weight { sample: 0, value: -1.0 });

    let refused = |labels: &[usize], numbers: &[f64], width, weights| {
        Probabilities::from_labels(labels, numbers, width, weights).unwrap_err()
    };
    assert_eq!(refused(&[0], &[], 0, None).to_string(), "the width of a row is 0; expected at least 1");
    assert_eq!(refused(&[], &[], 2, None), Error::Empty { what: "labels" });
    assert_eq!(refused(&[0, 2], &[0.5; 2], 1, None), Error::Label { sample: 1, label: 2, classes: 2 });
    assert_eq!(refused(&[0, 3], &[0.5; 6], 3, None), Error::Label { sample: 1, label: 3, classes: 3 });
    assert!(refused(&[0, 1], &[0.5; 3], 2, None).to_string().contains("probabilities"));
    let length = Error::Length { what: "probabilities", expected: 2, found: 1 };
    assert_eq!(refused(&[0, 1], &[0.5; 2], 2, None), length);
    assert_eq!(refused(&[0, 1], &[0.5, 0.5, 0.5, f64::NAN], 2, None), Error::NaNOutput { sample: 1, column: 1 });
    assert_eq!(refused(&[0], &[0.5], 1, Some(&[0.0])), Error::Weightless { what: "the labels" });
    let target = Error::Target { sample: 0, column: 1, value: 2.0, expected: "0 or 1" };
    assert_eq!(Probabilities::from_flat(&[1.0, 2.0], &[0.5; 2], 2, None), Err(target));
    assert_eq!(
        Probabilities::from_flat(&[1.0, 0.0], &[0.5; 2], 1, Some(&[1.0])),
        Err(Error::Length { what: "weights", expected: 2, found: 1 })
    );
}

#[test]
fn probabilities_of_one_output_by_hand() {
    let (labels, probabilities) = ([0, 0, 1, 1], [0.125, 0.5, 0.25, 0.75]);
    let measured = Probabilities::from_labels(&labels, &probabilities, 1, NONE).unwrap().calibration_bins(2);
    assert_eq!(measured.outputs(), 1);
    close(measured.log_loss().unwrap(), -(0.875 * 0.5 * 0.25 * 0.75_f64).ln() / 4.0);
    assert_eq!(measured.brier_score(), Ok((1.0 / 64.0 + 0.25 + 0.5625 + 0.0625) / 4.0));
    // ½ is the end of the first bin, and belongs to it.
    let curve = measured.reliability_curve(0).unwrap();
    let points: Vec<_> = curve.iter().map(|b| (b.lower, b.upper, b.confidence, b.frequency, b.share)).collect();
    assert_eq!(points, [(0.0, 0.5, 0.875 / 3.0, 1.0 / 3.0, 0.75), (0.5, 1.0, 0.75, 1.0, 0.25)]);
    close(measured.calibration_error().unwrap(), (1.0 - 0.875) / 4.0 + 0.25 / 4.0);
    // Decided for with the probabilities ⅞ (right), ½, ¾ (wrong), ¾ (right).
    let curve = measured.confidence_curve().unwrap();
    let points: Vec<_> = curve.iter().map(|b| (b.lower, b.confidence, b.frequency, b.share)).collect();
    assert_eq!(points, [(0.0, 0.5, 0.0, 0.25), (0.5, (0.875 + 0.75 + 0.75) / 3.0, 2.0 / 3.0, 0.75)]);
    assert_eq!(measured.top_k_accuracy(1), Ok(0.5));
    assert_eq!(measured.top_k_accuracy(2), Ok(1.0));

    let weights = [1.0, 0.0, 3.0, 0.0];
    let measured = Probabilities::from_labels(&labels, &probabilities, 1, Some(&weights)).unwrap();
    close(measured.log_loss().unwrap(), -(0.875_f64.ln() + 3.0 * 0.25_f64.ln()) / 4.0);
    assert_eq!(measured.brier_score(), Ok((1.0 / 64.0 + 3.0 * 0.5625) / 4.0));
    assert_eq!((measured.roc_auc(), measured.weighted_roc_auc()), (Some(1.0), Some(1.0)));
    close(measured.calibration_error().unwrap(), 0.25 * 0.125 + 0.75 * 0.75);
}

#[test]
fn probabilities_of_classes_by_hand() {
    let rows = [0.5, 0.25, 0.25, 0.125, 0.125, 0.75, 0.25, 0.5, 0.25];
    let measured = Probabilities::from_labels(&[0, 1, 1], &rows, 3, NONE).unwrap();
    close(measured.log_loss().unwrap(), -(0.5 * 0.125 * 0.5_f64).ln() / 3.0);
    let squares = [0.25 + 2.0 / 16.0, 1.0 / 64.0 + 49.0 / 64.0 + 0.5625, 0.25 + 2.0 / 16.0];
    assert_eq!(measured.brier_score(), Ok(squares.iter().sum::<f64>() / 3.0));
    // Confidences ½, ¾ and ½; the second is wrong. ½ is in the eighth bin of 15, ¾ in the twelfth.
    close(measured.calibration_error().unwrap(), (2.0 * 0.5 + 0.75) / 3.0);
    assert_eq!(measured.confidence_curve().unwrap().len(), 2);
    assert_eq!(measured.confidence_curve().unwrap()[0].lower, 7.0 / 15.0);
    // Of the equal outputs ⅛ the first is class 0.
    let top = |k| measured.top_k_accuracy(k).unwrap();
    assert_eq!((top(1), top(2), top(3), top(9)), (2.0 / 3.0, 2.0 / 3.0, 1.0, 1.0));
    // No sample is of class 2. Class 0 is ranked perfectly; of class 1, ½ is above ¼ and ⅛ below it.
    assert_eq!((measured.roc_auc(), measured.average_precision()), (None, None));
    assert_eq!(measured.weighted_roc_auc(), Some((1.0 + 2.0 * 0.5) / 3.0));
    assert_eq!(measured.ranking(0).unwrap().roc_auc(), Some(1.0));
    assert_eq!(measured.ranking(1).unwrap().roc_auc(), Some(0.5));
    // All samples are of one class.
    let single = Probabilities::from_labels(&[1, 1, 1], &rows, 3, NONE).unwrap();
    assert_eq!((single.roc_auc(), single.weighted_roc_auc()), (None, None));

    // Two classes are the same with one output and with two.
    let pairs = Probabilities::from_labels(&[0, 1, 1], &[0.75, 0.25, 0.5, 0.5, 0.25, 0.75], 2, NONE).unwrap();
    let one = Probabilities::from_labels(&[0, 1, 1], &[0.25, 0.5, 0.75], 1, NONE).unwrap();
    assert_eq!(pairs.brier_score(), one.brier_score());
    assert_eq!(pairs.log_loss(), one.log_loss());
    assert_eq!(pairs.roc_auc(), one.roc_auc());
}

#[test]
fn a_certain_mistake_costs_a_finite_number() {
    let loss = |wrong: f64| Probabilities::from_labels(&[1, 1], &[1.0, wrong], 1, NONE).unwrap().log_loss().unwrap();
    close(loss(0.0), (-f64::EPSILON.ln() - (1.0 - f64::EPSILON).ln()) / 2.0);
    let loss = Probabilities::from_labels(&[1, 0], &[0.0_f32, 1.0], 1, None).unwrap().log_loss().unwrap();
    close(loss, -f64::from(f32::EPSILON).ln());
}

#[test]
fn scores_that_are_no_probabilities_are_only_compared() {
    let measured = Probabilities::from_labels(&[0, 1, 1], &[-3.0, 0.5, 7.0], 1, NONE).unwrap();
    assert_eq!((measured.roc_auc(), measured.top_k_accuracy(1)), (Some(1.0), Ok(1.0)));
    let error = measured.log_loss().unwrap_err();
    assert_eq!(error.to_string(), "output 0 for sample 0 is -3; expected a probability, a number in [0, 1]");
    assert_eq!(measured.brier_score(), Err(error.clone()));
    assert_eq!(measured.calibration_error(), Err(error.clone()));
    assert_eq!(measured.reliability_curve(0), Err(error));
    for outside in [-0.25, 1.25, f64::INFINITY] {
        let measured = Probabilities::from_labels(&[1], &[outside], 1, NONE).unwrap();
        assert!(matches!(measured.log_loss(), Err(Error::Output { value, .. }) if value == outside));
    }
    let expected = [
        "          ROC AUC   1.000000",
        "average precision   1.000000",
        "         log loss  undefined",
        "      Brier score  undefined",
        "calibration error  undefined",
    ];
    assert_eq!(measured.to_string().lines().collect::<Vec<_>>(), expected);

    // Numbers in [0, 1] that are not those of classes that exclude each other.
    let rows = [0.5, 0.75, 0.25, 0.75];
    let measured = Probabilities::from_labels(&[0, 1], &rows, 2, NONE).unwrap();
    let sum = measured.log_loss().unwrap_err();
    assert_eq!(sum, Error::OutputSum { sample: 0, sum: 1.25, tolerance: 1e-6 });
    assert!(sum.to_string().starts_with("the outputs for sample 0 sum to 1.25; expected 1 ± 0.000001"), "{sum}");
    assert_eq!(measured.roc_auc(), Some(0.75));
    // As answers to two questions they are.
    let answers = Probabilities::from_flat(&[1.0, 0.0, 0.0, 1.0], &rows, 2, NONE).unwrap();
    close(answers.log_loss().unwrap(), -(0.5 * 0.25 * 0.75 * 0.75_f64).ln() / 4.0);
    assert_eq!(answers.top_k_accuracy(1), Ok(0.5));
    assert_eq!(answers.confidence_curve().unwrap().len(), 1);
    let several = Probabilities::from_flat(&[1.0, 0.0, 1.0, 1.0], &rows, 2, NONE).unwrap();
    let class = Error::NotAClass { sample: 1, expected: "a single 1 among zeros" };
    assert_eq!(several.top_k_accuracy(1), Err(class.clone()));
    assert_eq!(several.confidence_curve(), Err(class));
}

#[test]
fn bad_settings_of_measures_are_named() {
    let measured = Probabilities::from_labels(&[0, 1], &[0.25, 0.75], 1, NONE).unwrap();
    assert_eq!(measured.top_k_accuracy(0).unwrap_err().to_string(), "k is 0; expected at least 1");
    let output = measured.ranking(1).unwrap_err();
    assert_eq!(output.to_string(), "output is 1; expected below the number of outputs");
    assert_eq!(measured.reliability_curve(1), Err(output));
    let none = measured.clone().calibration_bins(0);
    let bins = none.calibration_error().unwrap_err();
    assert_eq!(bins.to_string(), "calibration_bins is 0; expected at least 1");
    assert_eq!((none.reliability_curve(0), none.confidence_curve()), (Err(bins.clone()), Err(bins)));
    // Any number of bins: each sample is alone.
    assert_eq!(measured.calibration_bins(usize::MAX).reliability_curve(0).unwrap().len(), 2);
}

#[test]
fn bins_end_where_their_probabilities_do() {
    // An edge belongs to the bin below, the next number to the one above, however the product with the number of bins is
    // rounded: 100 times 0.07 is more than 7, and 15 times the number after 11/15 is 11.
    for bins in [1, 2, 7, 10, 15, 100] {
        let bin = |probability: f64| {
            let measured = Probabilities::from_labels(&[1], &[probability], 1, NONE).unwrap();
            let curve = measured.calibration_bins(bins).reliability_curve(0).unwrap();
            assert_eq!(curve.len(), 1);
            (curve[0].lower, curve[0].upper)
        };
        let of = |bin: usize| (bin as f64 / bins as f64, (bin + 1) as f64 / bins as f64);
        assert_eq!((bin(0.0), bin(1.0)), (of(0), of(bins - 1)));
        for edge in 1..bins {
            let probability = edge as f64 / bins as f64;
            assert_eq!((bin(probability), bin(probability.next_up())), (of(edge - 1), of(edge)), "{edge} / {bins}");
        }
    }
}

#[test]
fn networks_are_measured_with_the_weights_of_the_data() {
    let mut net = Decides::zeros();
    net.layer1_mut().weights = [[1.0]];
    let data = Dataset::from_labels(vec![[2.0], [-2.0], [0.0], [1.0]], &[1, 0, 1, 0]).unwrap();
    let data = data.with_weights(vec![1.0, 2.0, 0.5, 1.0]).unwrap();
    let outputs: Vec<f64> = data.inputs().iter().map(|input| net.predict(input)[0]).collect();
    let measured = Probabilities::evaluate(&net, &data).unwrap();
    assert_eq!(measured, Probabilities::from_labels(&[1, 0, 1, 0], &outputs, 1, data.weights()).unwrap());
    assert_eq!(measured.roc_auc(), Some((1.0 * 3.0 + 0.5 * 2.0) / (1.5 * 3.0)));
    assert!((measured.log_loss().unwrap() - net.cost_on(&data, 0.0).unwrap()).abs() < 1e-12);
    assert_eq!(measured.top_k_accuracy(1), metrics::accuracy(&net, &data));

    // A softmax has classes.
    let mut net = Chooses::zeros();
    net.layer1_mut().weights = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]];
    let data = Dataset::from_labels(vec![[2.0, 1.0], [1.0, 2.0], [-1.0, -1.0], [1.0, 0.0]], &[0, 1, 2, 1]).unwrap();
    let measured = Probabilities::evaluate(&net, &data).unwrap();
    assert!((measured.log_loss().unwrap() - net.cost_on(&data, 0.0).unwrap()).abs() < 1e-6);
    assert_eq!(measured.top_k_accuracy(1), metrics::accuracy(&net, &data));
    assert!(measured.to_string().lines().count() == 5 && !measured.to_string().contains("undefined"));
    let soft = Dataset::new(vec![[2.0, 1.0]], vec![[0.5, 0.5, 0.0]]).unwrap();
    let class = Error::NotAClass { sample: 0, expected: "a single 1 among zeros" };
    assert_eq!(Probabilities::evaluate(&net, &soft), Err(class));
    net.layer1_mut().bias = [0.0, f32::NAN, 0.0];
    assert!(matches!(Probabilities::evaluate(&net, &data), Err(Error::NaNOutput { sample: 0, .. })));

    // Other outputs are labels; the cost sums over them, and the measure is the mean.
    let mut net = Answers::zeros();
    net.layer1_mut().weights = [[1.0], [-1.0]];
    let data = Dataset::new(vec![[2.0], [-2.0], [0.5]], vec![[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]).unwrap();
    let measured = Probabilities::evaluate(&net, &data).unwrap();
    assert!((measured.log_loss().unwrap() - net.cost_on(&data, 0.0).unwrap() / 2.0).abs() < 1e-12);
    let dynamic = Probabilities::evaluate(&net.to_dynamic(), &data);
    assert_eq!(dynamic, Ok(measured));

    // A linear output is a score.
    let mut net = Rates::zeros();
    net.layer1_mut().weights = [[-3.0]];
    let data = Dataset::from_labels(vec![[2.0], [1.0]], &[0, 1]).unwrap();
    let measured = Probabilities::evaluate(&net, &data).unwrap();
    assert_eq!(measured.roc_auc(), Some(1.0));
    assert!(matches!(measured.log_loss(), Err(Error::Output { sample: 0, column: 0, value: -6.0, .. })));
}

#[test]
fn sums_do_not_drift() {
    // 0.1 is rounded; a plain sum of a million of them is off by 10⁻¹¹ of itself.
    let samples = 1_000_000;
    let weights = vec![0.1; samples];
    let labels: Vec<usize> = (0..samples).map(|sample| sample % 2).collect();
    let probabilities = vec![0.75; samples];
    let measured = Probabilities::from_labels(&labels, &probabilities, 1, Some(&weights)).unwrap();
    assert_eq!(measured.roc_auc(), Some(0.5));
    close(measured.brier_score().unwrap(), (0.0625 + 0.5625) / 2.0);
    close(measured.calibration_error().unwrap(), 0.25);
    let report = ClassificationReport::from_weighted_labels(&labels, &labels, &weights, 2).unwrap();
    assert_eq!(report.support, 1e5);
    assert_eq!(ConfusionMatrix::from_weighted_labels(&labels, &labels, &weights, 2).unwrap().total(), 1e5);
}

proptest! {
    #[test]
    fn what_holds_for_every_ranking(rows in prop::collection::vec((any::<bool>(), 0_u8..9, 0_u8..4), 1..40)) {
        prop_assume!(rows.iter().any(|row| row.2 > 0));
        let positive: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.1) / 8.0).collect();
        let weights: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
        let ranking = Ranking::new(&positive, &scores, Some(&weights)).unwrap();

        // The area by its definition: how likely a positive sample is above a negative one.
        let (mut above, mut pairs) = (0.0, 0.0);
        for one in rows.iter().filter(|row| row.0) {
            for other in rows.iter().filter(|row| !row.0) {
                let weight = f64::from(one.2) * f64::from(other.2);
                pairs += weight;
                above += weight * if one.1 > other.1 { 1.0 } else if one.1 == other.1 { 0.5 } else { 0.0 };
            }
        }
        match ranking.roc_auc() {
            Some(area) => prop_assert!((area - above / pairs).abs() < 1e-12),
            None => prop_assert_eq!(pairs, 0.0),
        }

        // A weight is so many samples, and only the order counts.
        let repeated: Vec<_> = rows.iter().flat_map(|&row| std::iter::repeat_n(row, row.2.into())).collect();
        let (all, exponents): (Vec<bool>, Vec<f64>) =
            repeated.iter().map(|row| (row.0, f64::from(row.1).exp())).unzip();
        let other = Ranking::new(&all, &exponents, None).unwrap();
        let is_near = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() < 1e-12,
            (one, other) => one == other,
        };
        prop_assert!(is_near(ranking.roc_auc(), other.roc_auc()));
        prop_assert!(is_near(ranking.average_precision(), other.average_precision()));

        // No threshold reaches more than the best one, and it reaches what it says.
        if let Some(best) = ranking.best_f1() {
            let f1 = |threshold: f64| {
                let decided: Vec<bool> = scores.iter().map(|&score| score >= threshold).collect();
                let report = metrics::MultiLabelReport::from_decisions(&positive, &decided, 1, Some(&weights));
                report.unwrap().labels[0].f1
            };
            prop_assert!((f1(best.threshold) - best.value).abs() < 1e-12);
            prop_assert!(scores.iter().all(|&score| f1(score) <= best.value + 1e-12));
        }
    }
}
