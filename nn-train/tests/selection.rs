//! Choosing settings: the range test, folds, cross-validation, spaces and the search.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nn_train::prelude::*;
use nn_train::selection::{Fold, RangeCurve, SearchResult, Trial};
use nn_train::{Divergence, Rows, Threads, TrainerBuilder};
use proptest::prelude::*;
use serde_json::Value;

network! { struct Net<3 => 19 relu dropout(0.25) => 3 softmax>; }
network! { struct Line<1 => 1 linear>: f64; }
network! { struct Single<1 => 1 linear>; }

fn blobs(count: usize) -> Dataset<[f32; 3], [f32; 3]> {
    let noise = |i: usize, k: usize| ((i * 7 + k * 13) as f32).sin();
    let inputs = (0..count).map(|i| std::array::from_fn(|k| noise(i, k) + f32::from(u8::from(i % 3 == k)))).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn line(count: usize) -> Dataset<[f64; 1], [f64; 1]> {
    let xs: Vec<[f64; 1]> = (0..count).map(|index| [index as f64 / count as f64]).collect();
    let ys = xs.iter().map(|[x]| [3.0 * x - 1.0]).collect();
    Dataset::new(xs, ys).unwrap()
}

#[track_caller]
fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-6 * wanted.abs(), "{found:e}, expected {wanted:e}");
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>, message: &str) {
    assert_eq!(outcome.unwrap_err().to_string(), message);
}

// --- the range test -------------------------------------------------------------------------------------------------

/// Only the bias learns, and its error is multiplied by 1 - α in each step.
fn worked_out(steps: usize, smoothing: f64, divergence: f64) -> Vec<(f64, f64, f64)> {
    let (mut error, mut average, mut lowest) = (1.0_f64, 0.0, f64::INFINITY);
    let mut points = Vec::new();
    for step in 0..steps {
        let rate = 1e-3 * 1e4_f64.powf(step as f64 / (steps - 1) as f64);
        let cost = 0.5 * error * error;
        average = smoothing * average + (1.0 - smoothing) * cost;
        let smoothed = average / (1.0 - smoothing.powi(step as i32 + 1));
        points.push((rate, cost, smoothed));
        lowest = smoothed.min(lowest);
        if smoothed > divergence * lowest {
            break;
        }
        error *= 1.0 - rate;
    }
    points
}

fn bias_alone() -> Dataset<[f64; 1], [f64; 1]> {
    Dataset::new(vec![[0.0]], vec![[1.0]]).unwrap()
}

fn range_of(smoothing: f64, divergence: f64) -> RangeCurve {
    let trainer = Trainer::builder().optimizer(Sgd::default()).build().unwrap();
    let (net, data) = (Line::zeros(), bias_alone());
    let test = trainer.lr_find(&net, &data).rates(1e-3..=10.0).steps(60);
    test.smoothing(smoothing).divergence(divergence).run().unwrap()
}

#[test]
fn the_curve_is_the_one_worked_out_by_hand() {
    for (smoothing, divergence) in [(0.0, 4.0), (0.5, 2.0), (0.98, 4.0), (0.9, f64::INFINITY)] {
        let curve = range_of(smoothing, divergence);
        let wanted = worked_out(60, smoothing, divergence);
        assert_eq!(curve.points().len(), wanted.len());
        for (point, &(rate, cost, smoothed)) in curve.points().iter().zip(&wanted) {
            near(point.rate, rate);
            near(point.cost, cost);
            near(point.smoothed, smoothed);
        }
        assert_eq!(curve.points()[0].rate, 1e-3);
        assert_eq!(curve.diverged(), divergence.is_finite() && wanted.len() < 60, "{smoothing} {divergence}");
        // As fastai: without the first tenth and the last five.
        let considered = &wanted[6..wanted.len() - 5];
        let (place, lowest) = considered.iter().enumerate().min_by(|a, b| a.1.2.total_cmp(&b.1.2)).unwrap();
        let falls = considered[..=place].windows(2);
        let steepest = falls.min_by(|a, b| (a[1].2 - a[0].2).total_cmp(&(b[1].2 - b[0].2))).unwrap();
        near(curve.steepest().unwrap(), steepest[0].0);
        near(curve.tenth_of_minimum().unwrap(), lowest.0 / 10.0);
    }
    // Without a limit the last step takes the highest rate.
    assert_eq!(range_of(0.9, f64::INFINITY).points()[59].rate, 10.0);
    // A cost that falls the most at once: the first step that counts is the steepest.
    let trainer = Trainer::builder().optimizer(Sgd::default()).build().unwrap();
    let (net, data) = (Line::zeros(), bias_alone());
    let curve = trainer.lr_find(&net, &data).rates(0.3..=1.0).steps(60).smoothing(0.0).divergence(1e9).run().unwrap();
    assert_eq!(curve.steepest(), Some(curve.points()[6].rate));
    // |1 - α| < 1 up to α = 2: without smoothing the cost is lowest before the first step beyond.
    assert!((0.2..0.24).contains(&range_of(0.0, 1e9).tenth_of_minimum().unwrap()));
}

#[test]
fn the_range_test_takes_every_optimiser_that_follows_the_rate_and_leaves_the_network_alone() {
    fn check(optimizer: impl Optimizer + Clone) {
        let (net, data) = (Net::new(1), blobs(10));
        let curve = |threads| {
            let builder = Trainer::builder().optimizer(optimizer.clone()).batch_size(4).epochs(1).seed(3);
            builder.threads(threads).build().unwrap().lr_find(&net, &data).rates(1e-6..=1.0).run().unwrap()
        };
        let one = curve(1);
        assert_eq!(net, Net::new(1));
        // Three steps an epoch: the data is gone through again and again.
        assert!(one.points().len() == 100 || one.diverged(), "{optimizer:?}");
        assert!(one.points().len() > 20, "{optimizer:?}");
        assert!(one.points().windows(2).all(|pair| pair[0].rate < pair[1].rate));
        for threads in [2, 3] {
            assert_eq!(curve(threads), one, "{optimizer:?}");
        }
    }
    check(Sgd::default());
    check(Sgd::default().momentum(0.9));
    check(Adam::default());
    check(AdamW::default());
    check(RmsProp::default());
    check(Adagrad::default());
    check(Lion::default());
}

#[test]
fn a_number_that_is_not_finite_is_the_end_of_the_curve() {
    let trainer = Trainer::builder().optimizer(Sgd::default()).build().unwrap();
    let data = Dataset::<[f32; 1], [f32; 1]>::new(vec![[1.0]], vec![[1.0]]).unwrap();
    let net = Single::zeros();
    let curve = trainer.lr_find(&net, &data).rates(1e-3..=1e30).divergence(f64::INFINITY).run().unwrap();
    assert!(curve.diverged());
    assert!((20..100).contains(&curve.points().len()));
    assert!(curve.points().iter().all(|point| point.cost.is_finite()));
    // Also where a run would go on at a lower rate, which is not what is asked for.
    let shrinks = Divergence::SkipAndShrink { factor: 0.5, at_most: 1000 };
    let lenient = Trainer::builder().optimizer(Sgd::default()).on_divergence(shrinks).build().unwrap();
    let test = lenient.lr_find(&net, &data).rates(1e-3..=1e30).divergence(f64::INFINITY);
    assert_eq!(test.run().unwrap(), curve);
    // Without a single step there is no curve.
    let data = Dataset::<[f32; 1], [f32; 1]>::new(vec![[1e30]], vec![[1e30]]).unwrap();
    let error = trainer.lr_find(&net, &data).run().unwrap_err();
    assert!(matches!(error, Error::Diverged { epoch: Some(1), step: 1, .. }), "{error}");
}

#[test]
fn a_cost_that_never_falls_suggests_nothing() {
    let trainer = Trainer::builder().optimizer(Sgd::default()).build().unwrap();
    // The best there is to begin with.
    let data = Dataset::new(vec![[0.0], [0.0]], vec![[1.0], [-1.0]]).unwrap();
    let curve = trainer.lr_find(&Line::zeros(), &data).run().unwrap();
    assert_eq!((curve.points().len(), curve.steepest()), (100, None));
    // Ten steps have four left, ended early none.
    let data = bias_alone();
    let net = Line::zeros();
    let test = || trainer.lr_find(&net, &data).steps(10);
    assert!(test().run().unwrap().steepest().is_some());
    let early = test().rates(5.0..=10.0).run().unwrap();
    assert!(early.diverged());
    assert_eq!((early.steepest(), early.tenth_of_minimum()), (None, None));
}

#[test]
fn bad_settings_of_the_range_test_are_named() {
    let trainer = Trainer::builder().build().unwrap();
    let (net, data) = (Single::zeros(), Dataset::<[f32; 1], [f32; 1]>::new(vec![[1.0]], vec![[1.0]]).unwrap());
    let test = || trainer.lr_find(&net, &data);
    refused(test().rates(0.0..=1.0).run(), "rates is 0; expected finite, positive numbers");
    refused(test().rates(1.0..=0.1).run(), "rates is 1e0..=1e-1; expected a rate and a higher one");
    refused(test().rates(-1.0..=1.0).run(), "learning_rate is -1; expected a finite number that is not negative");
    let expected = "expected a number that rounds neither to 0 nor to infinity in the network's type";
    refused(test().rates(1e-60..=1.0).run(), &format!("learning_rate is 1e-60; {expected}"));
    refused(test().steps(9).run(), "steps is 9; expected at least 10");
    refused(test().smoothing(1.0).run(), "smoothing is 1; expected a number in [0, 1)");
    refused(test().divergence(f64::NAN).run(), "divergence is NaN; expected a number above 1");
    let wide = DynDataset::new(vec![1.0_f32, 2.0], 2, vec![1.0], 1).unwrap();
    refused(trainer.lr_find(&net, &wide).run(), "the inputs are 2 wide; expected 1");
    let resilient = Trainer::builder().optimizer(Rprop::default()).build().unwrap();
    let message = "optimizer is rprop; expected one whose every step follows the learning rate";
    refused(resilient.lr_find(&net, &data).run(), message);
}

#[test]
fn the_curve_is_displayed_as_bars_with_marks() {
    let curve = range_of(0.5, 4.0);
    let text = curve.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let taken = curve.points().len();
    assert!(lines[0].starts_with("rates 0.001 to "), "{text}");
    assert!(lines[0].contains(&format!("in {taken} of 60 steps, ended by divergence; smoothed cost ")), "{text}");
    assert_eq!(lines[1].chars().count(), taken);
    // The marks stand below the bars that they mean.
    let steepest = curve.points().iter().position(|point| Some(point.rate) == curve.steepest()).unwrap();
    assert!(lines[2][steepest..].starts_with("^ steepest at "), "{text}");
    let mark = lines[3].find('^').unwrap();
    near(curve.points()[mark].rate / 10.0, curve.tenth_of_minimum().unwrap());
    assert_eq!(lines[1].chars().nth(mark), Some('▁'), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

/// At rates so low that nothing is learnt, costs are those of the samples, here step by step.
#[test]
fn the_steepest_fall_is_looked_for_before_the_lowest_cost() {
    let mut costs: Vec<f64> = (0..20).map(|step| 40.0 - f64::from(step)).collect();
    costs[10..].iter_mut().for_each(|cost| *cost -= 5.0);
    costs.extend([900.0; 10]);
    costs.extend([30.0; 10]);
    let targets = costs.iter().map(|cost| [(2.0 * cost).sqrt()]).collect();
    let data = Dataset::new(vec![[0.0]; 40], targets).unwrap();
    let trainer = Trainer::builder().optimizer(Sgd::default()).batch_size(1).shuffle(false).build().unwrap();
    let net = Line::zeros();
    let test = trainer.lr_find(&net, &data).rates(1e-18..=1e-15).steps(40).smoothing(0.0);
    let curve = test.divergence(f64::INFINITY).run().unwrap();
    curve.points().iter().zip(&costs).for_each(|(point, &cost)| near(point.cost, cost));
    assert_eq!(curve.steepest(), Some(curve.points()[9].rate));
    assert_eq!(curve.tenth_of_minimum(), Some(curve.points()[19].rate / 10.0));
}

/// A cost that diverges does not make all others look alike.
#[test]
fn bars_are_no_higher_than_before_the_lowest_cost() {
    let trainer = Trainer::builder().optimizer(Sgd::default()).build().unwrap();
    let (net, data) = (Line::zeros(), bias_alone());
    let test = || trainer.lr_find(&net, &data).smoothing(0.0).divergence(f64::INFINITY);
    let curve = test().rates(1e-2..=1e3).run().unwrap();
    assert!(curve.points()[99].cost > 1e6);
    let text = curve.to_string();
    let bars = text.lines().nth(1).unwrap();
    assert_eq!(bars.chars().count(), 72, "{text}");
    assert!(bars.starts_with('█') && bars.ends_with('█') && bars.contains('▁'), "{text}");
    // One that only rises is seen whole.
    let text = test().rates(2.5..=3.0).steps(60).run().unwrap().to_string();
    assert!(text.lines().nth(1).unwrap().starts_with("▁▁▁") && text.contains('█'), "{text}");
}

// --- folds ----------------------------------------------------------------------------------------------------------

/// Every sample is in one part to validate on, and in the part to train on of all other folds.
fn check_folds(folds: &[Fold], count: usize) -> Result<(), TestCaseError> {
    let mut seen = vec![0; count];
    for fold in folds {
        prop_assert!(fold.train.is_sorted() && fold.validation.is_sorted());
        let mut both: Vec<usize> = fold.train.iter().chain(&fold.validation).copied().collect();
        both.sort_unstable();
        prop_assert_eq!(both, (0..count).collect::<Vec<_>>());
        fold.validation.iter().for_each(|&sample| seen[sample] += 1);
    }
    prop_assert_eq!(seen, vec![1; count]);
    Ok(())
}

/// The least and the most of what is counted in the parts.
fn extremes(folds: &[Fold], counted: impl Fn(usize) -> bool) -> (usize, usize) {
    let counts = || folds.iter().map(|fold| fold.validation.iter().filter(|&&sample| counted(sample)).count());
    (counts().min().unwrap(), counts().max().unwrap())
}

fn seeded(folds: usize, seed: Option<u64>) -> KFold {
    seed.map_or(KFold::new(folds), |seed| KFold::new(folds).shuffle(seed))
}

proptest! {
    #[test]
    fn folds_divide_the_samples_evenly(folds in 2_usize..9, more in 0_usize..60, seed: Option<u64>) {
        let count = folds + more;
        let found = seeded(folds, seed).split(count).unwrap();
        prop_assert_eq!(found.len(), folds);
        check_folds(&found, count)?;
        let (least, most) = extremes(&found, |_| true);
        prop_assert!(most - least <= 1);
        prop_assert_eq!(&found, &seeded(folds, seed).split(count).unwrap());
    }

    #[test]
    fn stratified_folds_divide_each_class_evenly(
        folds in 2_usize..7,
        classes in prop::collection::vec(0_usize..5, 0..60),
        seed: Option<u64>,
    ) {
        let mut labels = classes;
        labels.extend(vec![3; folds]);
        let found = seeded(folds, seed).stratified(&labels).unwrap();
        check_folds(&found, labels.len())?;
        let (least, most) = extremes(&found, |_| true);
        prop_assert!(most - least <= 1);
        for class in 0..5 {
            let (least, most) = extremes(&found, |sample| labels[sample] == class);
            prop_assert!(most - least <= 1, "class {}", class);
        }
        prop_assert_eq!(&found, &seeded(folds, seed).stratified(&labels).unwrap());
    }

    #[test]
    fn grouped_folds_keep_groups_together(
        folds in 2_usize..7,
        members in prop::collection::vec(0_usize..12, 0..60),
        seed: Option<u64>,
    ) {
        let mut groups = members;
        groups.extend(0..folds);
        let found = seeded(folds, seed).grouped(&groups).unwrap();
        check_folds(&found, groups.len())?;
        for fold in &found {
            prop_assert!(!fold.validation.is_empty());
            let apart = |here: usize| fold.train.iter().all(|&there| groups[here] != groups[there]);
            prop_assert!(fold.validation.iter().all(|&sample| apart(sample)));
        }
        // The last group to come into the fullest part found it the emptiest.
        let largest = (0..12).map(|group| groups.iter().filter(|&&g| g == group).count()).max().unwrap();
        let (least, most) = extremes(&found, |_| true);
        prop_assert!(most - least <= largest);
        prop_assert_eq!(&found, &seeded(folds, seed).grouped(&groups).unwrap());
    }
}

#[test]
fn unshuffled_folds_are_those_of_scikit_learn() {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/folds.json")).unwrap();
    let list =
        |value: &Value| value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect::<Vec<_>>();
    let mut compared = 0;
    for kind in ["plain", "stratified", "grouped"] {
        for case in fixture[kind].as_array().unwrap() {
            let folds = KFold::new(case["folds"].as_u64().unwrap() as usize);
            let found = match kind {
                "plain" => folds.split(case["count"].as_u64().unwrap() as usize),
                "stratified" => folds.stratified(&list(&case["labels"])),
                _ => folds.grouped(&list(&case["labels"])),
            };
            let found: Vec<Vec<usize>> = found.unwrap().into_iter().map(|fold| fold.validation).collect();
            let wanted: Vec<Vec<usize>> = case["parts"].as_array().unwrap().iter().map(list).collect();
            assert_eq!(found, wanted, "{kind}: {case}");
            compared += 1;
        }
    }
    assert_eq!(compared, 75);
}

#[test]
fn a_seed_draws_other_folds_than_another() {
    let parts = |seed| KFold::new(4).shuffle(seed).split(40).unwrap();
    assert_ne!(parts(1), parts(2));
    assert_ne!(parts(1), KFold::new(4).split(40).unwrap());
    let labels: Vec<usize> = (0..40).map(|i| i % 2).collect();
    let parts = |seed| KFold::new(4).shuffle(seed).stratified(&labels).unwrap();
    assert_ne!(parts(1), parts(2));
    let groups: Vec<usize> = (0..40).map(|i| i / 2).collect();
    let parts = |seed| KFold::new(4).shuffle(seed).grouped(&groups).unwrap();
    assert_ne!(parts(1), parts(2));
}

#[test]
fn folds_that_cannot_be_are_named() {
    let expected = "expected at least 2 and at most the number of samples";
    refused(KFold::new(1).split(5), &format!("folds is 1; {expected}"));
    refused(KFold::new(6).split(5), &format!("folds is 6; {expected}"));
    refused(KFold::new(2).split(0), &format!("folds is 2; {expected}"));
    let expected = "expected at least 2 and at most the samples of the most frequent class";
    refused(KFold::new(3).stratified(&[0, 1, 0, 1]), &format!("folds is 3; {expected}"));
    refused(KFold::new(2).stratified(&[]), &format!("folds is 2; {expected}"));
    let expected = "expected at least 2 and at most the number of groups";
    refused(KFold::new(3).grouped(&["a", "b", "a"]), &format!("folds is 3; {expected}"));
}

// --- cross-validation -----------------------------------------------------------------------------------------------

type Blobs = Dataset<[f32; 3], [f32; 3]>;

fn standardized(train: Blobs, validation: Blobs) -> Result<(Blobs, Blobs), Error> {
    let train = train.standardized()?;
    let validation = validation.standardized_like(&train)?;
    Ok((train, validation))
}

#[test]
fn cross_validation_is_a_fit_on_each_fold() {
    let data = blobs(62);
    let folds = KFold::new(4).shuffle(5).stratified(&data.labels().unwrap()).unwrap();
    let trainer = |threads| Trainer::builder().batch_size(16).epochs(3).seed(2).threads(threads).build().unwrap();
    let trainer1 = trainer(1);
    let mut wanted = Vec::new();
    for (number, fold) in folds.iter().enumerate() {
        let (train, validation) = (data.subset(&fold.train).unwrap(), data.subset(&fold.validation).unwrap());
        let (train, validation) = standardized(train, validation).unwrap();
        let mut net = Net::new(number as u64);
        let history = trainer1.fit(&mut net, &train, Some(&validation)).unwrap();
        let accuracy = metrics::accuracy(&net, &validation).unwrap();
        assert_eq!(history.last().unwrap().accuracy, Some(accuracy));
        wanted.push((accuracy, history.last().unwrap().validation_cost.unwrap(), net));
    }
    for threads in [1, 2, 3] {
        let trainer = trainer(threads);
        let validation =
            || trainer.cross_validate(|fold| Ok(Net::new(fold as u64)), &data, &folds).prepare(standardized);
        let found = validation().score(Goal::Highest, metrics::accuracy).keep_networks(true).run().unwrap();
        assert_eq!(found.goal, Goal::Highest);
        for (fold, (accuracy, _, net)) in found.folds.iter().zip(&wanted) {
            assert_eq!((fold.score, fold.history.len(), fold.network.as_ref()), (*accuracy, 3, Some(net)));
        }
        // Unless set, the score is the validation cost.
        let found = validation().run().unwrap();
        assert_eq!((found.folds.len(), found.goal), (4, Goal::Lowest));
        for (fold, (_, cost, _)) in found.folds.iter().zip(&wanted) {
            assert!((fold.score - cost).abs() < 1e-6 && fold.network.is_none());
            assert_eq!(fold.history.last().unwrap().validation_cost, Some(*cost));
        }
        let mean = found.folds.iter().map(|fold| fold.score).sum::<f64>() / 4.0;
        near(found.mean(), mean);
        let squares = found.folds.iter().map(|fold| (fold.score - mean).powi(2)).sum::<f64>();
        near(found.deviation(), (squares / 4.0).sqrt());
        let text = found.to_string();
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.ends_with(&format!("{mean:.4} ± {:.4}", found.deviation())), "{text}");
    }
}

/// What is fitted in the hook knows the rows to train on, and no others.
#[test]
fn standardizers_are_fitted_to_the_rows_to_train_on() {
    let data = line(20);
    let folds = KFold::new(4).split(20).unwrap();
    let trainer = Trainer::builder().epochs(1).build().unwrap();
    let mut means = Vec::new();
    let validation = trainer.cross_validate(|_| Ok(Line::new(1)), &data, &folds).prepare(|train, validation| {
        let train = train.standardized()?;
        means.push(train.standardizer().unwrap().means()[0]);
        let validation = validation.standardized_like(&train)?;
        assert_eq!((train.len(), validation.len()), (15, 5));
        Ok((train, validation))
    });
    validation.run().unwrap();
    let wanted = folds.iter().map(|fold| fold.train.iter().map(|&row| row as f64 / 20.0).sum::<f64>() / 15.0);
    assert_eq!(means.len(), 4);
    means.iter().zip(wanted).for_each(|(&found, wanted)| near(found, wanted));
}

#[test]
fn networks_of_any_width_are_cross_validated() {
    let data: DynDataset<f32> = blobs(30).into();
    let folds = KFold::new(3).split(30).unwrap();
    let trainer = Trainer::builder().epochs(2).seed(4).build().unwrap();
    let declared = trainer.cross_validate(|_| Ok(Net::new(1)), &blobs(30), &folds).run().unwrap();
    let dynamic = trainer.cross_validate(|_| Ok(Net::new(1).to_dynamic()), &data, &folds).run().unwrap();
    let scores = |folds: &[f64]| folds.to_vec();
    assert_eq!(
        scores(&declared.folds.iter().map(|fold| fold.score).collect::<Vec<_>>()),
        scores(&dynamic.folds.iter().map(|fold| fold.score).collect::<Vec<_>>())
    );
}

#[test]
fn what_goes_wrong_in_a_fold_is_returned() {
    let data = line(6);
    let trainer = Trainer::builder().epochs(1).build().unwrap();
    let make = |_| Ok(Line::new(1));
    refused(trainer.cross_validate(make, &data, &[]).run(), "there is no fold; expected at least 1");
    let folds = [Fold { train: vec![0, 6], validation: vec![1] }];
    refused(trainer.cross_validate(make, &data, &folds).run(), "index 6 points past the 6 samples");
    let folds = [Fold { train: vec![0, 1], validation: vec![] }];
    refused(trainer.cross_validate(make, &data, &folds).run(), "subset holds no sample; expected at least 1");
    let folds = KFold::new(2).split(6).unwrap();
    let failing = |_: &Line, _: &Dataset<[f64; 1], [f64; 1]>| Err(Error::callback("no score"));
    refused(
        trainer.cross_validate(make, &data, &folds).score(Goal::Lowest, failing).run(),
        "a callback ended the run: no score",
    );
    let wild = Trainer::builder().optimizer(Sgd::default()).learning_rate(1e150).epochs(9).build().unwrap();
    let error = wild.cross_validate(make, &data, &folds).run().unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
}

// --- spaces ---------------------------------------------------------------------------------------------------------

const GOLDEN: [(&str, f64, f64); 4] =
    [("adam", -0.0294, 0.0581), ("sgd", -0.709, 2.32e-5), ("adam", -0.137, 0.025), ("sgd", 0.477, 8.88e-5)];

#[test]
fn draws_are_pinned() {
    let space = (Choice::new(["sgd", "adam"]), Uniform::new(-1.0, 1.0), LogUniform::new(1e-5, 1e-1));
    let drawn = space.sample(4, 3).unwrap();
    assert_eq!(drawn, GOLDEN);
    assert_eq!(space.sample(2, 3).unwrap(), drawn[..2]);
    assert_ne!(space.sample(4, 2).unwrap(), drawn);
}

#[test]
fn draws_are_spread_as_they_should_be() {
    let space = (Choice::new([0_usize, 1, 2]), Uniform::new(2.0, 6.0), LogUniform::new(1e-4, 1.0));
    let drawn = space.sample(3000, 9).unwrap();
    for value in 0..3 {
        let count = drawn.iter().filter(|draw| draw.0 == value).count();
        // Six standard deviations, √(n p (1 - p)) = 26.
        assert!((845..=1155).contains(&count), "{value}: {count}");
    }
    // Each quarter of an interval, and each power of ten: √(3000 · 3/16) = 24.
    for quarter in 0..4 {
        let low = 2.0 + f64::from(quarter);
        let count = drawn.iter().filter(|draw| (low..low + 1.0).contains(&draw.1)).count();
        assert!((600..=900).contains(&count), "{low}: {count}");
        let low = 1e-4 * 10_f64.powi(quarter);
        let count = drawn.iter().filter(|draw| (low..low * 10.0).contains(&draw.2)).count();
        assert!((600..=900).contains(&count), "{low}: {count}");
    }
    assert!(drawn.iter().all(|draw| (2.0..=6.0).contains(&draw.1) && (1e-4..=1.0).contains(&draw.2)));
    // Three digits, but never beyond the ends.
    assert!(drawn.iter().all(|draw| format!("{:.2e}", draw.2).parse() == Ok(draw.2)));
    let narrow = LogUniform::new(0.123_44, 0.123_46).sample(50, 1).unwrap();
    assert!(narrow.iter().all(|number| (0.123_44..=0.123_46).contains(number)));
}

#[test]
fn a_grid_has_each_with_each() {
    let space = (Choice::new(['a', 'b']), Uniform::new(0.0, 1.0), Choice::new([true, false]));
    let grid = space.grid(3).unwrap();
    assert_eq!(grid.len(), 12);
    assert_eq!(grid[..3], [('a', 0.0, true), ('a', 0.0, false), ('a', 0.5, true)]);
    assert_eq!(grid[11], ('b', 1.0, false));
    assert_eq!(LogUniform::new(1e-4, 1e-2).grid(3).unwrap(), [1e-4, 1e-3, 1e-2]);
}

#[test]
fn spaces_that_cannot_be_are_named() {
    let empty = Choice::new(Vec::<u8>::new());
    refused(empty.sample(1, 1), "there is no choice; expected at least 1");
    refused((Choice::new([1]), empty).grid(2), "there is no choice; expected at least 1");
    refused(
        Uniform::new(1.0, 1.0).sample(1, 1),
        "Uniform is from 1 to 1; expected two finite numbers, the lower first",
    );
    let expected = "expected two finite, positive numbers, the lower first";
    refused(LogUniform::new(0.0, 1.0).sample(1, 1), &format!("LogUniform is from 0 to 1; {expected}"));
    refused(LogUniform::new(1.0, f64::INFINITY).grid(2), &format!("LogUniform is from 1 to inf; {expected}"));
    refused(LogUniform::new(1.0, 2.0).grid(1), "points is 1; expected at least 2");
}

// --- the search -----------------------------------------------------------------------------------------------------

fn sgd(rate: f64) -> TrainerBuilder {
    Trainer::builder().optimizer(Sgd::default()).learning_rate(rate).batch_size(8)
}

/// A trial without what depends on the clock.
fn timeless<C: Clone>(trial: &Trial<C>) -> Trial<C> {
    let mut trial = trial.clone();
    for history in &mut trial.histories {
        let epochs = history.iter().map(|epoch| {
            let mut epoch = *epoch;
            (epoch.samples_per_second, epoch.duration) = (0.0, Duration::ZERO);
            epoch
        });
        *history = epochs.collect();
    }
    trial
}

#[test]
fn the_best_rate_is_found_and_the_one_that_diverges_comes_last() {
    let (train, validation) = (line(40), line(16));
    // Of a line through 40 points gradient descent learns the faster the higher its rate, until it diverges.
    let rates = [1e-3, 1e200, 0.5, 0.05];
    let search = Search::new(rates).epochs(1..=30).threads(2);
    let result = search.run(&train, &validation, |&rate| Ok((sgd(rate), Line::zeros()))).unwrap();
    let order: Vec<f64> = result.trials().iter().map(|trial| trial.candidate).collect();
    assert_eq!(order, [0.5, 0.05, 1e-3, 1e200]);
    assert_eq!(result.best().epochs, 30);
    assert_eq!(result.best().history().unwrap().len(), 30);
    let cost = result.network().cost_on(&validation, 0.0).unwrap();
    assert_eq!(result.best().score(), Some(cost));
    assert!(cost < 1e-3);
    let failed = &result.trials()[3];
    assert!(matches!(failed.failure, Some(Error::Diverged { epoch: Some(1), .. })), "{failed:?}");
    assert_eq!((failed.number, failed.epochs, failed.score()), (1, 0, None));
    let text = result.to_string();
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.lines().nth(1).unwrap().starts_with("   1      2      30"), "{text}");
    assert!(text.contains("failed  1e200: epoch 1, step "), "{text}");
}

#[test]
fn a_score_of_your_own_may_be_the_higher_the_better() {
    let (train, validation) = (blobs(60), blobs(31));
    let search = || Search::new([1e-5, 0.01, 0.03]).epochs(1..=10);
    let make = |&rate: &f64| Ok((Trainer::builder().learning_rate(rate).seed(1), Net::new(1)));
    let result = search().score(Goal::Highest, metrics::accuracy).run(&train, &validation, make).unwrap();
    assert_eq!(result.goal(), Goal::Highest);
    assert!(result.trials().is_sorted_by(|a, b| a.score() >= b.score()));
    assert_eq!(result.best().score(), Some(metrics::accuracy(result.network(), &validation).unwrap()));
    assert_eq!(result.trials()[2].candidate, 1e-5);
    // A score that is no number is a failure.
    for (number, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let no_number = |net: &Net, data: &Blobs| {
            let accuracy = metrics::accuracy(net, data)?;
            Ok(if accuracy > 0.6 { number } else { accuracy })
        };
        let result = search().score(Goal::Highest, no_number).run(&train, &validation, make).unwrap();
        assert_eq!(result.best().candidate, 1e-5);
        let failure = result.trials()[2].failure.clone().unwrap();
        assert_eq!(failure.to_string(), format!("the score is {text}; expected a finite number"));
    }
}

#[test]
fn rungs_have_the_trials_and_epochs_of_the_paper() {
    let (train, validation) = (line(4), line(3));
    let epochs = |trials: usize, epochs, factor| {
        let candidates = LogUniform::new(1e-3, 1e-1).sample(trials, 1).unwrap();
        let search = Search::new(candidates).epochs(epochs).halving(factor).threads(1);
        let result = search.run(&train, &validation, |&rate| Ok((sgd(rate), Line::zeros()))).unwrap();
        result.trials().iter().map(|trial| trial.epochs).collect::<Vec<_>>()
    };
    let repeated = |counts: &[(usize, usize)]| {
        counts.iter().flat_map(|&(epochs, count)| std::iter::repeat_n(epochs, count)).collect::<Vec<_>>()
    };
    assert_eq!(epochs(27, 1..=27, 3), repeated(&[(27, 1), (9, 2), (3, 6), (1, 18)]));
    // The fewest epochs leave fewer rungs, with more trials in the last.
    assert_eq!(epochs(27, 3..=27, 3), repeated(&[(27, 3), (9, 6), (3, 18)]));
    assert_eq!(epochs(27, 4..=27, 3), repeated(&[(27, 9), (9, 18)]));
    // Fewer trials take more epochs from the first.
    assert_eq!(epochs(4, 1..=20, 2), repeated(&[(20, 1), (10, 1), (5, 2)]));
    // Divisions round down.
    assert_eq!(epochs(11, 1..=10, 3), repeated(&[(10, 1), (3, 2), (1, 8)]));
    assert_eq!(epochs(1, 1..=5, 3), [5]);
    assert_eq!(epochs(2, 1..=5, 3), [5, 5]);
}

#[test]
fn rungs_go_on_bit_for_bit_as_one_long_run() {
    let (train, validation) = (blobs(50), blobs(20));
    let make = |&(rate, adam): &(f64, bool)| {
        let builder = Trainer::builder().schedule(move |step| rate / (1.0 + step as f64 / 9.0)).l2(0.01);
        let builder = builder.batch_size(16).seed(5).threads(2).epochs(1);
        let builder = if adam { builder.optimizer(AdamW::default()) } else { builder.optimizer(RmsProp::default()) };
        Ok((builder, Net::new(3)))
    };
    let candidates = (LogUniform::new(1e-4, 1e-1), Choice::new([true, false])).sample(9, 4).unwrap();
    let result = Search::new(candidates).epochs(1..=9).halving(3).run(&train, &validation, make).unwrap();
    assert_eq!(result.trials().iter().map(|trial| trial.epochs).collect::<Vec<_>>(), [9, 3, 3, 1, 1, 1, 1, 1, 1]);
    for (rank, trial) in result.trials().iter().enumerate() {
        let (builder, mut net) = make(&trial.candidate).unwrap();
        let trainer = builder.epochs(trial.epochs).build().unwrap();
        let history = trainer.fit(&mut net, &train, Some(&validation)).unwrap();
        let costs = |history: &History| history.iter().map(|e| (e.cost, e.validation_cost)).collect::<Vec<_>>();
        assert_eq!(costs(trial.history().unwrap()), costs(&history));
        assert_eq!(trial.score(), Some(net.cost_on(&validation, 0.0).unwrap()));
        if rank == 0 {
            assert_eq!(*result.network(), net);
        }
    }
}

#[test]
fn the_result_is_the_same_on_any_number_of_threads() {
    let (train, validation): (DynDataset<f32>, DynDataset<f32>) = (blobs(50).into(), blobs(21).into());
    let search = |threads: Threads| -> SearchResult<(usize, f64), DynNetwork<f32>> {
        let space = (Choice::new([5, 40]), LogUniform::new(1e-3, 1e5));
        let search = Search::new(space.sample(14, 3).unwrap()).epochs(2..=8).halving(2).threads(threads);
        let make = |&(width, rate): &(usize, f64)| {
            let layers = vec![
                Layer::new(3, width, Activation::Relu).with_dropout(0.1),
                Layer::new(width, 3, Activation::Softmax),
            ];
            let network = DynNetwork::new(Architecture::new(layers, Loss::CrossEntropy)?, Init::default(), 1)?;
            Ok((sgd(rate).seed(7), network))
        };
        search.run(&train, &validation, make).unwrap()
    };
    let one = search(Threads::Own(1));
    assert!(one.trials().iter().any(|trial| trial.failure.is_some()));
    assert!(one.trials().iter().filter(|trial| trial.failure.is_none()).count() > 3);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let others = [search(Threads::Own(2)), search(Threads::Own(3)), pool.install(|| search(Threads::Current))];
    for other in &others {
        assert_eq!(other.network(), one.network());
        assert!(other.trials().iter().map(timeless).eq(one.trials().iter().map(timeless)));
        assert_eq!(other.to_string(), one.to_string());
    }
}

/// No more trials at a time than threads.
#[test]
fn trials_run_on_no_more_threads_than_set() {
    let (train, validation) = (line(20), line(5));
    for threads in [1, 2] {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let score = |net: &Line, data: &Dataset<[f64; 1], [f64; 1]>| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
            running.fetch_sub(1, Ordering::SeqCst);
            net.cost_on(data, 0.0)
        };
        let search = Search::new([0.1; 12]).epochs(1..=1).threads(threads).score(Goal::Lowest, score);
        search.run(&train, &validation, |&rate| Ok((sgd(rate), Line::zeros()))).unwrap();
        assert_eq!(most.load(Ordering::SeqCst), threads);
    }
}

/// A trial is one thread's, whatever its builder says: what makes the network, takes the steps and scores.
#[test]
fn a_trial_works_on_one_thread() {
    let here = || thread::current().id();
    let (train, validation) = (line(2000), line(5));
    let makers = Mutex::new(Vec::new());
    let score = |net: &Line, data: &Dataset<[f64; 1], [f64; 1]>| {
        assert_eq!(nn_kernels::threads::count(), 1);
        makers.lock().unwrap().push(here());
        net.cost_on(data, 0.0)
    };
    let make = |&rate: &f64| {
        let maker = here();
        let schedule = move |_| {
            assert_eq!(here(), maker);
            rate
        };
        Ok((sgd(1.0).schedule(schedule).batch_size(2000).threads(3), Line::zeros()))
    };
    let search = Search::new([0.1; 8]).epochs(1..=2).threads(2).score(Goal::Lowest, score);
    search.run(&train, &validation, make).unwrap();
    assert_eq!(makers.lock().unwrap().len(), 8);
}

/// Not the best score counts, but the best of those that took the most epochs.
#[test]
fn trials_that_come_further_come_first() {
    let (train, validation) = (line(16), line(5));
    let make = |&rate: &f64| Ok((sgd(rate), Line::zeros()));
    // The higher the cost the better: the trial that pauses early is ahead.
    let cost = |net: &Line, data: &Dataset<[f64; 1], [f64; 1]>| net.cost_on(data, 0.0);
    let search = Search::new([0.1, 0.01]).epochs(1..=20).halving(2).score(Goal::Highest, cost);
    let result = search.run(&train, &validation, make).unwrap();
    let [best, other] = result.trials() else { panic!("two trials") };
    assert_eq!((best.candidate, best.epochs, other.epochs), (0.01, 20, 10));
    let search = Search::new([0.1, 0.099]).epochs(1..=20).halving(2).score(Goal::Highest, cost);
    let result = search.run(&train, &validation, make).unwrap();
    assert_eq!((result.best().candidate, result.best().epochs), (0.099, 20));
    assert!(result.best().score() < result.trials()[1].score());
}

/// The best one of the rung before is the best when all that went on have failed.
#[test]
fn trials_that_fail_later_come_last() {
    let (train, validation) = (line(16), line(5));
    // Two steps an epoch: the first epoch goes well.
    let make = |&late: &bool| {
        let schedule = move |step| {
            if !late {
                0.1
            } else if step < 2 {
                0.5
            } else {
                1e200
            }
        };
        Ok((sgd(1.0).schedule(schedule), Line::zeros()))
    };
    let result = Search::new([true, false]).epochs(1..=2).halving(2).run(&train, &validation, make).unwrap();
    assert_eq!((result.best().number, result.best().epochs), (1, 1));
    let mut net = Line::zeros();
    make(&false).unwrap().0.epochs(1).build().unwrap().fit(&mut net, &train, None).unwrap();
    assert_eq!(*result.network(), net);
    let failed = &result.trials()[1];
    assert!(matches!(failed.failure, Some(Error::Diverged { epoch: Some(2), .. })), "{failed:?}");
    assert_eq!((failed.epochs, failed.history().unwrap().len()), (1, 1));
    // The epochs before are part of the history on a single rung too.
    let result = Search::new([true, false]).epochs(1..=3).run(&train, &validation, make).unwrap();
    let failed = &result.trials()[1];
    assert_eq!((failed.candidate, failed.epochs, failed.history().unwrap().len()), (true, 1, 1));
}

#[test]
fn a_search_on_folds_scores_as_cross_validation_does() {
    let data = blobs(45);
    let folds = KFold::new(3).shuffle(1).split(45).unwrap();
    let parts: Vec<(Blobs, Blobs)> = folds
        .iter()
        .map(|fold| standardized(data.subset(&fold.train).unwrap(), data.subset(&fold.validation).unwrap()).unwrap())
        .collect();
    let builder = |rate| Trainer::builder().learning_rate(rate).batch_size(8).seed(6);
    let search = Search::new([0.001, 0.1]).epochs(2..=4).halving(2);
    let result = search.run_on_folds(&parts, |&rate| Ok((builder(rate), Net::new(1)))).unwrap();
    for trial in result.trials() {
        let trainer = builder(trial.candidate).epochs(trial.epochs).build().unwrap();
        let validation = trainer.cross_validate(|_| Ok(Net::new(1)), &data, &folds).prepare(standardized);
        let found = validation.keep_networks(true).run().unwrap();
        assert_eq!(trial.scores, found.folds.iter().map(|fold| fold.score).collect::<Vec<_>>());
        assert_eq!(trial.score(), Some(found.mean()));
        if trial.number == result.best().number {
            assert!(result.networks().iter().eq(found.folds.iter().filter_map(|fold| fold.network.as_ref())));
        }
    }
    assert_eq!(result.networks().len(), 3);
    assert!(result.to_string().contains(" ± "));
    refused(
        Search::new([0.1]).run_on_folds(&[], |&rate| Ok((builder(rate), Net::new(1)))),
        "there is no fold; expected at least 1",
    );
}

/// x and 3x - 1, made on the way.
struct Made;

impl Source for Made {
    type Scalar = f64;

    fn len(&self) -> u64 {
        40
    }

    fn input_width(&self) -> usize {
        1
    }

    fn target_width(&self) -> usize {
        1
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f64>) -> Result<(), Error> {
        indices.iter().try_for_each(|&index| {
            let x = index as f64 / 40.0;
            rows.push(&[x], &[3.0 * x - 1.0])
        })
    }
}

#[test]
fn any_source_can_be_searched_on() {
    let make = |&rate: &f64| Ok((sgd(rate), Line::zeros()));
    let search = || Search::new([0.01, 0.1, 0.5]).epochs(1..=6).halving(3);
    let read = search().run(&Made, &line(9), make).unwrap();
    let resident = search().run(&line(40), &line(9), make).unwrap();
    assert_eq!(read.network(), resident.network());
    let trainer = sgd(0.1).build().unwrap();
    let net = Line::zeros();
    assert_eq!(trainer.lr_find(&net, &Made).run().unwrap(), trainer.lr_find(&net, &line(40)).run().unwrap());
}

#[test]
fn searches_that_cannot_be_are_named() {
    let (train, validation) = (line(10), line(5));
    let make = |&rate: &f64| Ok((sgd(rate), Line::zeros()));
    let run = |search: Search<'_, f64, Line>| search.run(&train, &validation, make);
    refused(run(Search::new([])), "there is no candidate; expected at least 1");
    let expected = "expected at least 1, and then no fewer";
    refused(run(Search::new([0.1]).epochs(0..=3)), &format!("epochs is 0..=3; {expected}"));
    #[expect(clippy::reversed_empty_ranges, reason = "it is refused")]
    let reversed = 4..=3;
    refused(run(Search::new([0.1]).epochs(reversed)), &format!("epochs is 4..=3; {expected}"));
    refused(run(Search::new([0.1]).halving(1)), "halving is 1; expected a factor of at least 2");
    refused(run(Search::new([0.1]).threads(0)), "threads is 0; expected at least 1 and at most 1024");
    // A setting is the caller's fault, and of several the first one's.
    for threads in [1, 3] {
        let search = Search::new([0.1, -1.0, 0.2, -2.0]).threads(threads);
        refused(run(search), "learning_rate is -1; expected a finite, positive number");
    }
    let narrow = DynDataset::new(vec![1.0; 4], 2, vec![1.0; 2], 1).unwrap();
    refused(Search::new([0.1]).run(&narrow, &validation, make), "the inputs are 2 wide; expected 1");
    let error = run(Search::new([1e200, 1e210]).epochs(1..=4)).unwrap_err();
    assert!(matches!(error, Error::AllFailed { trials: 2, .. }));
    let begins = "all 2 trials of the search failed, the first of them so: epoch 1, step ";
    assert!(error.to_string().starts_with(begins), "{error}");
}
