//! L-BFGS and conjugate gradients: beside SciPy's, on problems whose minimum is known, and where they stop.
//!
//! fixtures/batch_trainers.py makes the file of SciPy's results.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{EngineKind, InstructionSet, Iteration, Quantity, Solution, StepError, StopReason};
use serde_json::Value;

network! { struct Line<1 => 1 linear>; }
network! { struct Kink<1 => 1 linear>: f64, loss = mae; }
network! { struct Linear<3 => 2 linear>: f64; }
network! { struct LinearSingle<3 => 2 linear>; }
network! { struct Curve<2 => 6 tanh => 2 linear>: f64; }
network! { struct Wide<20 => 800 tanh => 20 linear>; }
network! { struct Dropped<2 => 6 tanh dropout(0.2) => 2 linear>: f64; }
network! { struct Probability<2 => 1 sigmoid>: f64; }

/// Both algorithms as one, so that a test can go through them.
#[derive(Debug, Clone)]
enum Either {
    Lbfgs(Lbfgs),
    Conjugate(ConjugateGradient),
}

macro_rules! each {
    ($either:expr, $trainer:ident => $work:expr) => {
        match $either {
            Either::Lbfgs($trainer) => Either::Lbfgs($work),
            Either::Conjugate($trainer) => Either::Conjugate($work),
        }
    };
}

impl Either {
    fn minimize<N: Network>(&self, network: &mut N, data: &N::Data) -> Result<Solution, Error> {
        match self {
            Self::Lbfgs(trainer) => trainer.minimize(network, data),
            Self::Conjugate(trainer) => trainer.minimize(network, data),
        }
    }

    fn minimize_with<N: Network>(
        &self,
        network: &mut N,
        data: &N::Data,
        callback: impl FnMut(&Iteration) -> Result<Signal, Error> + Send,
    ) -> Result<Solution, Error> {
        match self {
            Self::Lbfgs(trainer) => trainer.minimize_with(network, data, callback),
            Self::Conjugate(trainer) => trainer.minimize_with(network, data, callback),
        }
    }
}

/// Both at their defaults, on one thread.
fn both() -> [Either; 2] {
    [Either::Lbfgs(Lbfgs::default().threads(1)), Either::Conjugate(ConjugateGradient::default().threads(1))]
}

fn wave(count: usize, rate: f64) -> Vec<f64> {
    // Without the square, neighbours would depend on each other.
    (0..count).map(|index| (0.3 + rate * index as f64 + 0.1 * (index * index) as f64).sin()).collect()
}

fn rows<const N: usize>(count: usize, rate: f64) -> Vec<[f64; N]> {
    wave(count * N, rate).as_chunks::<N>().0.to_vec()
}

fn curve() -> Dataset<[f64; 2], [f64; 2]> {
    let xs = rows::<2>(40, 1.7);
    let ys = xs.iter().map(|[x, y]| [(2.0 * x).sin() + y, x * y]).collect();
    Dataset::new(xs, ys).unwrap()
}

// Beside SciPy.

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(number).collect()
}

/// One start of a problem: how this library and SciPy end.
struct Ends {
    ours: Solution,
    cost: f64,
    evaluations: u64,
}

impl Ends {
    /// By how much our cost is higher, as a share.
    fn higher(&self) -> f64 {
        self.ours.cost / self.cost - 1.0
    }
}

/// A problem of the file, from each of its starts, by SciPy's `method` and by `trainer`.
fn beside(problem: &Value, method: &str, trainer: &Either) -> Vec<Ends> {
    let architecture: Architecture = problem["architecture"].as_str().unwrap().parse().unwrap();
    let (inputs, targets) = (numbers(&problem["inputs"]), numbers(&problem["targets"]));
    let mut data = DynDataset::new(inputs, architecture.inputs(), targets, architecture.outputs()).unwrap();
    if !problem["weights"].is_null() {
        data = data.with_weights(numbers(&problem["weights"])).unwrap();
    }
    let l2 = number(&problem["l2"]);
    let trainer = each!(trainer.clone(), t => t.l2(l2).cost_tolerance(0.0).max_iterations(10_000));
    let solve = |run: &Value| {
        let mut net = DynNetwork::zeros(architecture.clone()).unwrap();
        net.parameters_mut().copy_from_slice(&numbers(&run["start"]));
        let (ours, theirs) = (net.cost_on(&data, l2).unwrap(), number(&run["start_cost"]));
        assert!((ours - theirs).abs() <= 1e-12 * theirs, "another objective: {ours}, SciPy's {theirs}");
        let ours = trainer.minimize(&mut net, &data).unwrap();
        assert_eq!(ours.reason, StopReason::Gradient, "{ours}");
        Ends { ours, cost: number(&run[method]["cost"]), evaluations: run[method]["evaluations"].as_u64().unwrap() }
    };
    problem["runs"].as_array().unwrap().iter().map(solve).collect()
}

/// Each problem of the file by one method: its name, whether it is convex, and how it ended from each start.
fn beside_scipy(method: &str, trainer: &Either) -> Vec<(String, bool, Vec<Ends>)> {
    let file: Value = serde_json::from_str(include_str!("fixtures/batch_trainers.json")).unwrap();
    assert_eq!(number(&file["tolerance"]), 1e-5, "the default of gradient_tolerance");
    let problems = file["problems"].as_object().unwrap();
    assert!(problems.len() >= 8);
    let solve = |(name, problem): (&String, &Value)| {
        // Without a hidden layer.
        let convex = problem["architecture"].as_str().unwrap().matches("=>").count() == 1;
        (name.clone(), convex, beside(problem, method, trainer))
    };
    problems.iter().map(solve).collect()
}

/// At most 1.2 times SciPy's evaluations on each problem, over its ten starts.
fn check_evaluations(name: &str, ends: &[Ends]) {
    let ours: usize = ends.iter().map(|end| end.ours.evaluations).sum();
    let theirs: u64 = ends.iter().map(|end| end.evaluations).sum();
    assert!(ours as f64 <= 1.2 * theirs as f64, "{name}: {ours} evaluations, SciPy {theirs}");
}

/// The search and its constants are SciPy's, so paths stay together for hundreds of iterations: from every start the
/// end is the same minimum or a lower one.
#[test]
fn lbfgs_ends_where_scipy_does_in_as_many_evaluations() {
    for (name, _, ends) in beside_scipy("L-BFGS-B", &both()[0]) {
        for end in &ends {
            assert!(end.higher() <= 1e-6, "{name}: {}, SciPy's cost {}", end.ours, end.cost);
        }
        check_evaluations(&name, &ends);
    }
}

/// c₂ and the first steps are not SciPy's, so from the same start paths part, and where there are several minima they
/// end in different ones, as SciPy's own two solvers do. Where there is one minimum, each start must end there. Where
/// there are several, every start ends at one (the gradient says so), which is as low or lower than SciPy's at least as
/// often as it is higher, and over all starts no more than half a per cent higher in the mean.
#[test]
fn conjugate_gradients_end_as_low_as_scipys_in_as_many_evaluations() {
    let mut parted = Vec::new();
    for (name, convex, ends) in beside_scipy("CG", &both()[1]) {
        check_evaluations(&name, &ends);
        let higher = ends.iter().map(Ends::higher);
        if convex {
            assert!(higher.clone().all(|higher| higher <= 1e-6), "{name}");
        } else {
            parted.extend(higher);
        }
    }
    let above = parted.iter().filter(|higher| **higher > 1e-6).count();
    let mean = parted.iter().sum::<f64>() / parted.len() as f64;
    assert!(2 * above <= parted.len() && mean <= 5e-3, "{above} of {} higher, {mean:.1e} in the mean", parted.len());
}

// Minima that are known.

/// The minimum of a linear layer's squared error with λ, one row of [bias, weights] an output: (XᵀX + λ I') θ = Xᵀ y,
/// in which I' has no 1 for the bias. By Gauss' elimination, which needs no pivot on a positive definite matrix.
fn ridge(xs: &[[f64; 3]], ys: &[[f64; 2]], l2: f64) -> [[f64; 4]; 2] {
    let row = |x: &[f64; 3]| [1.0, x[0], x[1], x[2]];
    let mut system = [[0.0; 6]; 4];
    for (x, y) in xs.iter().zip(ys) {
        for (line, a) in system.iter_mut().zip(row(x)) {
            line.iter_mut().zip(row(x).into_iter().chain(*y)).for_each(|(sum, b)| *sum += a * b);
        }
    }
    (1..4).for_each(|place| system[place][place] += l2);
    for pivot in 0..4 {
        let above = system[pivot].map(|number| number / system[pivot][pivot]);
        system[pivot] = above;
        for (place, line) in system.iter_mut().enumerate().filter(|(place, _)| *place != pivot) {
            let factor = line[pivot];
            assert!(factor.is_finite(), "line {place}");
            line.iter_mut().zip(above).for_each(|(number, above)| *number -= factor * above);
        }
    }
    [4, 5].map(|column| system.map(|line| line[column]))
}

fn linear() -> (Vec<[f64; 3]>, Vec<[f64; 2]>) {
    let xs = rows::<3>(30, 2.3);
    let ys = xs.iter().zip(rows::<2>(30, 5.1)).map(|([a, b, c], [d, e])| [a - 2.0 * b + d, 3.0 * c + 1.0 + e]);
    (xs.clone(), ys.collect())
}

#[test]
fn a_linear_layer_goes_to_its_closed_form() {
    let (xs, ys) = linear();
    let data = Dataset::new(xs.clone(), ys.clone()).unwrap();
    for l2 in [0.0, 0.7, 20.0] {
        let expected = ridge(&xs, &ys, l2);
        for trainer in both() {
            let mut net = Linear::new(3);
            let solution = each!(trainer, t => t.l2(l2).gradient_tolerance(1e-10)).minimize(&mut net, &data).unwrap();
            assert_eq!(solution.reason, StopReason::Gradient, "{solution}");
            let layer = net.layer1();
            for (unit, [bias, weights @ ..]) in expected.iter().enumerate() {
                assert!((layer.bias[unit] - bias).abs() < 1e-8, "λ = {l2}, bias {unit}: {solution}");
                for (found, weight) in layer.weights[unit].iter().zip(weights) {
                    assert!((found - weight).abs() < 1e-8, "λ = {l2}, unit {unit}: {found}, expected {weight}");
                }
            }
        }
    }
}

/// The cost alone would stop at half the digits; the slope goes on.
#[test]
fn a_network_of_f32_meets_the_tolerance_of_the_gradient() {
    let (xs, ys) = linear();
    let expected = ridge(&xs, &ys, 0.7);
    let single = |row: &[f64]| row.iter().map(|number| *number as f32).collect::<Vec<_>>();
    let (xs, ys) = (xs.iter().map(|x| single(x).try_into().unwrap()), ys.iter().map(|y| single(y).try_into().unwrap()));
    let data = Dataset::new(xs.collect(), ys.collect()).unwrap();
    for trainer in both() {
        let mut net = LinearSingle::new(3);
        let solution = each!(trainer, t => t.l2(0.7).gradient_tolerance(1e-6)).minimize(&mut net, &data).unwrap();
        assert_eq!(solution.reason, StopReason::Gradient, "{solution}");
        for (unit, [bias, ..]) in expected.iter().enumerate() {
            assert!((f64::from(net.layer1().bias[unit]) - bias).abs() < 1e-5, "{solution}");
        }
    }
}

#[test]
fn a_sample_counts_as_it_weighs() {
    let (xs, ys) = linear();
    let twice = |index: &usize| index.is_multiple_of(3);
    let weights = (0..30).map(|index| if twice(&index) { 2.0 } else { 1.0 }).collect();
    let weighted = Dataset::new(xs.clone(), ys.clone()).unwrap().with_weights(weights).unwrap();
    let indices: Vec<usize> = (0..30).chain((0..30).filter(twice)).collect();
    let repeated = Dataset::new(xs, ys).unwrap().subset(&indices).unwrap();
    for trainer in both() {
        let trainer = each!(trainer, t => t.gradient_tolerance(1e-10));
        let mut nets = [Linear::new(1), Linear::new(1)];
        trainer.minimize(&mut nets[0], &weighted).unwrap();
        trainer.minimize(&mut nets[1], &repeated).unwrap();
        for (a, b) in nets[0].parameters().iter().zip(nets[1].parameters()) {
            assert!((a - b).abs() < 1e-8, "{a} {b}");
        }
    }
}

// Bits.

#[test]
fn the_bits_are_the_same_on_any_number_of_threads() {
    let single = |count, rate| wave(count, rate).into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let xs = single(20 * 300, 1.3).as_chunks::<20>().0.to_vec();
    let ys = single(20 * 300, 0.9).as_chunks::<20>().0.to_vec();
    let data = Dataset::new(xs, ys).unwrap();
    // Vectors of 32,820 numbers, more than one thread adds up at a time.
    for trainer in both() {
        let solve = |threads: Threads| {
            let mut net = Wide::new(2);
            let trainer = each!(trainer.clone(), t => t.max_iterations(6).l2(0.1).threads(threads));
            let mut costs = Vec::new();
            let watch = |iteration: &Iteration| {
                costs.push((iteration.cost, iteration.max_gradient, iteration.step_length));
                Ok(Signal::Continue)
            };
            let solution = trainer.minimize_with(&mut net, &data, watch).unwrap();
            assert_eq!((solution.iterations, costs.len()), (6, 6));
            (net, costs)
        };
        let expected = solve(Threads::Own(1));
        for threads in [Threads::Own(2), Threads::Own(3), Threads::Current] {
            assert_eq!(solve(threads), expected, "{threads:?}");
        }
    }
}

// Why they stop.

#[test]
fn a_minimum_is_no_step_away() {
    for trainer in both() {
        let mut net = Curve::new(1);
        let trainer = each!(trainer, t => t.l2(0.1));
        let solution = trainer.minimize(&mut net, &curve()).unwrap();
        assert!(solution.reason.is_converged() && solution.max_gradient <= 1e-5, "{solution}");
        let there = net.clone();
        let again = trainer.minimize(&mut net, &curve()).unwrap();
        assert_eq!((again.reason, again.iterations, again.evaluations), (StopReason::Gradient, 0, 1));
        assert_eq!((again.cost, net), (solution.cost, there));
    }
}

#[test]
fn a_cost_that_falls_too_little_stops() {
    for trainer in both() {
        let mut net = Curve::new(1);
        let trainer = each!(trainer, t => t.l2(0.1).cost_tolerance(1e-3));
        let mut costs = vec![net.cost_on(&curve(), 0.1).unwrap()];
        let watch = |iteration: &Iteration| {
            costs.push(iteration.cost);
            Ok(Signal::Continue)
        };
        let solution = trainer.minimize_with(&mut net, &curve(), watch).unwrap();
        assert_eq!(solution.reason, StopReason::Cost, "{solution}");
        assert!(solution.reason.is_converged() && solution.max_gradient > 1e-5);
        // Ten iterations together, and not more of them.
        let fall = |iterations: usize| costs[costs.len() - 1 - iterations] - solution.cost;
        assert!(fall(10) <= 1e-3 && fall(20) > 1e-3, "{costs:?}");
    }
}

#[test]
fn the_limits_stop() {
    for trainer in both() {
        let start = Curve::new(1);
        let mut net = start.clone();
        let solution = each!(trainer.clone(), t => t.max_iterations(3)).minimize(&mut net, &curve()).unwrap();
        assert_eq!((solution.reason, solution.iterations), (StopReason::Iterations, 3));
        assert!(!solution.reason.is_converged());
        let cost = start.cost_on(&curve(), 0.0).unwrap();
        for limit in 1..12 {
            let mut net = start.clone();
            let solution = each!(trainer.clone(), t => t.max_evaluations(limit)).minimize(&mut net, &curve()).unwrap();
            assert_eq!((solution.reason, solution.evaluations), (StopReason::Evaluations, limit));
            // The best that was seen, in the midst of a line search too.
            assert!(solution.cost <= cost, "{solution}");
            assert_eq!(net == start, limit == 1, "{solution}");
            assert!((net.cost_on(&curve(), 0.0).unwrap() - solution.cost).abs() < 1e-14, "{solution}");
        }
    }
}

#[test]
fn rounding_stops_where_no_tolerance_does() {
    let (xs, ys) = linear();
    let data = Dataset::new(xs, ys).unwrap();
    for (trainer, reason) in both().into_iter().zip([StopReason::Rounding, StopReason::LineSearch]) {
        let mut net = Linear::new(3);
        let trainer = each!(trainer, t => t.l2(0.5).gradient_tolerance(0.0).cost_tolerance(0.0));
        let solution = trainer.minimize(&mut net, &data).unwrap();
        assert_eq!(solution.reason, reason, "{solution}");
        assert!(solution.max_gradient < 1e-13 && solution.evaluations < 500, "{solution}");
    }
}

/// The first step, of length 1, ends on the kink at 1 of the mean of |b|, |b - 1| and |b - 1|. The slope there is ⅓, that
/// of |b| alone, and the cost rises on both sides.
#[test]
fn the_line_search_stops_at_a_kink() {
    let data = Dataset::new(vec![[0.0]; 3], vec![[0.0], [1.0], [1.0]]).unwrap();
    for trainer in both() {
        let mut net = Kink::zeros();
        net.layer1_mut().bias[0] = 1e-300;
        let solution = trainer.minimize(&mut net, &data).unwrap();
        assert_eq!((solution.reason, net.layer1().bias[0]), (StopReason::LineSearch, 1.0), "{solution}");
        assert!((solution.cost - 1.0 / 3.0).abs() < 1e-15 && !solution.reason.is_converged(), "{solution}");
    }
}

#[test]
fn a_callback_watches_and_stops() {
    for trainer in both() {
        let mut net = Curve::new(1);
        let mut seen: Vec<Iteration> = Vec::new();
        let watch = |iteration: &Iteration| {
            seen.push(*iteration);
            Ok(if iteration.number == 5 { Signal::Stop } else { Signal::Continue })
        };
        let start = net.cost_on(&curve(), 0.0).unwrap();
        let solution = trainer.minimize_with(&mut net, &curve(), watch).unwrap();
        assert_eq!((solution.reason, solution.iterations, seen.len()), (StopReason::Callback, 5, 5));
        assert!(seen.iter().map(|i| i.number).eq(1..=5));
        assert!(seen[0].cost < start && seen.is_sorted_by(|a, b| a.cost > b.cost), "{seen:?}");
        assert!(seen.is_sorted_by(|a, b| a.evaluations < b.evaluations));
        assert!(seen.iter().all(|i| i.step_length > 0.0 && i.max_gradient > 0.0));
        let last = seen[4];
        let end = (solution.cost, solution.max_gradient, solution.evaluations);
        assert_eq!(end, (last.cost, last.max_gradient, last.evaluations));
        let (cost, gradient) = net.gradient_on(&curve(), 0.0).unwrap();
        let largest = gradient.parameters().iter().fold(0.0, |most, d| d.abs().max(most));
        assert!((cost - solution.cost).abs() < 1e-14 && (largest - solution.max_gradient).abs() < 1e-14);
    }
}

#[test]
fn a_solution_says_how_it_went() {
    let mut net = Curve::new(1);
    let text = Lbfgs::default().max_iterations(2).minimize(&mut net, &curve()).unwrap().to_string();
    assert!(text.starts_with("stopped at the limit of iterations: cost 0."), "{text}");
    assert!(text.contains(", 2 iterations, ") && text.ends_with(" s"), "{text}");
    let reasons = [
        (StopReason::Gradient, "gradient"),
        (StopReason::Cost, "cost"),
        (StopReason::Iterations, "iterations"),
        (StopReason::Evaluations, "evaluations"),
        (StopReason::LineSearch, "line search"),
        (StopReason::Rounding, "rounding"),
        (StopReason::Callback, "callback"),
    ];
    for (reason, word) in reasons {
        assert!(reason.to_string().contains(word), "{reason}");
    }
}

// Numbers that are not finite.

/// A first step of length 1 makes an output of 10²⁰, and a gradient of 10⁴⁰, which is no f32.
#[test]
fn a_step_beyond_the_numbers_is_shortened() {
    let data = Dataset::new(vec![[1e20_f32]], vec![[1.0]]).unwrap();
    for trainer in both() {
        let mut net = Line::zeros();
        let mut other = Line::zeros();
        other.layer1_mut().weights[0][0] = 1.0;
        assert!(!other.gradient_on(&data, 0.0).unwrap().1.parameters()[0].is_finite());
        let solution = trainer.minimize(&mut net, &data).unwrap();
        assert!(solution.cost < 1e-9, "{solution}");
        assert!((net.predict(&[1e20])[0] - 1.0).abs() < 1e-4);
    }
}

#[test]
fn a_start_that_is_not_finite_is_an_error_and_stays() {
    let data = Dataset::new(vec![[1.0_f32]], vec![[1.0]]).unwrap();
    for trainer in both() {
        for (weight, quantity) in [(f32::NAN, Quantity::Gradient), (f32::INFINITY, Quantity::Gradient)] {
            let mut net = Line::zeros();
            net.layer1_mut().weights[0][0] = weight;
            let before: Vec<u32> = net.parameters().iter().map(|x| x.to_bits()).collect();
            let error = trainer.minimize(&mut net, &data).unwrap_err();
            assert_eq!(
                error,
                Error::Diverged { epoch: None, step: 1, layer: 1, quantity, learning_rate: None, rank: None }
            );
            assert!(net.parameters().iter().map(|x| x.to_bits()).eq(before));
        }
    }
    // The cost alone: a residual of 10²⁰⁰ is a gradient, and its square is no f64.
    let data = DynDataset::new(vec![1.0], 1, vec![1e200], 1).unwrap();
    let mut net = DynNetwork::<f64>::zeros("1 => 1 linear".parse().unwrap()).unwrap();
    let error = Lbfgs::default().minimize(&mut net, &data).unwrap_err();
    assert_eq!(
        error,
        Error::Diverged { epoch: None, step: 1, layer: 1, quantity: Quantity::Cost, learning_rate: None, rank: None }
    );
}

// What is refused.

#[test]
fn an_error_of_the_callback_keeps_what_was_reached() {
    for trainer in both() {
        let end = |fails: bool| {
            let (mut net, mut cost) = (Curve::new(1), f64::NAN);
            let watch = |iteration: &Iteration| {
                cost = iteration.cost;
                match iteration.number {
                    4 if fails => Err(Error::callback("no room")),
                    4 => Ok(Signal::Stop),
                    _ => Ok(Signal::Continue),
                }
            };
            let result = trainer.minimize_with(&mut net, &curve(), watch);
            assert_eq!(result.err(), fails.then(|| Error::callback("no room")));
            assert!((net.cost_on(&curve(), 0.0).unwrap() - cost).abs() < 1e-14);
            net
        };
        assert_eq!(end(true), end(false));
        assert_ne!(end(true), Curve::new(1));
    }
}

#[test]
fn dropout_is_refused() {
    for trainer in both() {
        let mut net = Dropped::new(1);
        let error = trainer.minimize(&mut net, &curve()).unwrap_err();
        assert!(matches!(&error, Error::Setting { name: "dropout", value, .. } if value == "0.2"), "{error}");
        assert_eq!(net, Dropped::new(1));
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |trainer: &Either, wanted: &str, found: &str| {
        let error = trainer.minimize(&mut Curve::new(1), &curve()).unwrap_err();
        assert!(matches!(&error, Error::Setting { name, value, .. } if *name == wanted && value == found), "{error}");
    };
    refused(&Either::Lbfgs(Lbfgs::default().memory(0)), "memory", "0");
    for trainer in both() {
        refused(&each!(trainer.clone(), t => t.max_iterations(0)), "max_iterations", "0");
        refused(&each!(trainer.clone(), t => t.max_evaluations(0)), "max_evaluations", "0");
        for (wrong, text) in [(-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
            refused(&each!(trainer.clone(), t => t.gradient_tolerance(wrong)), "gradient_tolerance", text);
            refused(&each!(trainer.clone(), t => t.cost_tolerance(wrong)), "cost_tolerance", text);
            refused(&each!(trainer.clone(), t => t.l2(wrong)), "l2", text);
        }
        for threads in [0, Threads::MAX + 1] {
            refused(&each!(trainer.clone(), t => t.threads(threads)), "threads", &threads.to_string());
        }
        // λ/m rounds to 0.
        refused(&each!(trainer.clone(), t => t.l2(f64::from_bits(1))), "l2", "5e-324");
    }
}

#[test]
fn data_that_does_not_suit_the_network_is_refused() {
    for trainer in both() {
        let mut net = DynNetwork::<f64>::zeros("3 => 2 linear".parse().unwrap()).unwrap();
        let data = DynDataset::new(wave(8, 0.3), 2, wave(8, 0.7), 2).unwrap();
        let error = trainer.minimize(&mut net, &data).unwrap_err();
        assert_eq!(error, Error::Width { what: "inputs", expected: 3, found: 2 });
        let data = Dataset::new(rows::<2>(4, 0.3), vec![[0.0], [1.0], [0.5], [1.5]]).unwrap();
        let mut net = Probability::new(1);
        let error = trainer.minimize(&mut net, &data).unwrap_err();
        assert!(matches!(error, Error::Target { sample: 3, .. }), "{error}");
        assert_eq!(net, Probability::new(1));
    }
}

#[test]
fn the_engine_and_the_instruction_set_are_as_asked() {
    let set = InstructionSet::available().last().unwrap();
    for trainer in both() {
        let mut costs = Vec::new();
        for engine in [EngineKind::Narrow, EngineKind::Tile, EngineKind::Blocked] {
            let mut net = Curve::new(1);
            let trainer = each!(trainer.clone(), t => t.engine(engine).instruction_set(set).max_iterations(4));
            costs.push(trainer.minimize(&mut net, &curve()).unwrap().cost);
        }
        assert!(costs.iter().all(|cost| (cost / costs[0] - 1.0).abs() < 1e-9), "{costs:?}");
        // Widths of 800 are none for the narrow engine.
        let data = Dataset::new(vec![[0.5; 20]], vec![[0.5; 20]]).unwrap();
        let error = each!(trainer, t => t.engine(EngineKind::Narrow)).minimize(&mut Wide::new(1), &data).unwrap_err();
        assert!(matches!(error, Error::Step(StepError::Unsuited { .. })), "{error:?}");
    }
}
