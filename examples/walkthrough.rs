//! Back-propagation with a pencil: every number of one training step, formula by formula.
//!
//! The network is the smallest that shows everything, 2 => 4 => 4 => 4. Its task: in which quadrant does a point
//! lie? The formulas and their numbers are those of docs/derivation.md.
//!
//! Everything is computed here once more, in plain loops, and then compared: with `nn_kernels::reference`, with the
//! network's own `gradient`, and with central differences, which know nothing of derivatives.

use std::process::ExitCode;

use clap::Parser;
use nn_examples::arguments::{count_in, number_in};
use nn_kernels::reference;
use nn_train::prelude::*;

network! {
    /// The network of the derivation. A symmetric start gives the biases a value too.
    pub struct Quadrant<2 => 4 => 4 => 4>: f64, init = symmetric(1.0);
}

/// Print every z, A, δ and Δ of one training step, and check each
#[derive(Parser)]
struct Arguments {
    /// Seed of the initial parameters
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// λ, the strength of the L2 penalty
    #[arg(long, default_value_t = 0.1, value_parser = number_in(0.0.., "a finite number ≥ 0"), allow_negative_numbers = true)]
    lambda: f64,
    /// η, the learning rate of the update at the end
    #[arg(long, default_value_t = 1.0, value_parser = number_in(f64::MIN_POSITIVE.., "a finite number > 0"), allow_negative_numbers = true)]
    learning_rate: f64,
    /// Samples in the batch, one a quadrant
    #[arg(long, default_value_t = 4, value_parser = count_in(1, 4))]
    samples: usize,
}

/// One point a quadrant; its target is a 1 in the quadrant's place.
const POINTS: [[f64; 2]; 4] = [[1.0, 0.5], [-0.5, 1.0], [-1.0, -0.5], [0.5, -1.0]];
const QUADRANTS: [[f64; 4]; 4] =
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];

/// Layers of units: 1 is the input, 4 the output.
const LAYERS: usize = 4;
/// How far two ways to add the same numbers up may lie apart.
const ROUNDING: f64 = 1e-12;
/// How far a central difference may lie from the derivative: its own error is about 1e-10 here.
const TRUNCATION: f64 = 1e-8;

/// A matrix as it stands on paper: rows of numbers. A column is a sample.
type Matrix = Vec<Vec<f64>>;

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// (4.3): log(1 + e^z), the larger exponential taken out.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// (2.2): z = Θ [1; A], the ones being the bias unit.
fn weighted_sums(theta: &Matrix, a: &Matrix) -> Matrix {
    let sum = |row: &Vec<f64>, i: usize| row[0] + row[1..].iter().zip(a).map(|(t, a)| t * a[i]).sum::<f64>();
    theta.iter().map(|row| (0..a[0].len()).map(|i| sum(row, i)).collect()).collect()
}

/// (2.3), element by element.
fn activations(z: &Matrix) -> Matrix {
    z.iter().map(|row| row.iter().map(|&z| sigmoid(z)).collect()).collect()
}

/// (3.1) without the penalty and times m, from z by (4.2).
fn data_cost(z: &Matrix, y: &Matrix) -> f64 {
    z.iter().flatten().zip(y.iter().flatten()).map(|(&z, &y)| softplus(z) - y * z).sum()
}

/// Σ_l ‖Θ_w^(l)‖²: every column but 0.
fn squared_weights(thetas: &[Matrix]) -> f64 {
    thetas.iter().flatten().flat_map(|row| &row[1..]).map(|t| t * t).sum()
}

/// (5.2): δ^(L) = A^(L) - Y.
fn output_delta(a: &Matrix, y: &Matrix) -> Matrix {
    a.iter().zip(y).map(|(a, y)| a.iter().zip(y).map(|(a, y)| a - y).collect()).collect()
}

/// (6.4): δ^(l) = (Θ_w^(l))ᵀ δ^(l+1) ⊙ a (1 - a).
fn hidden_delta(theta: &Matrix, next_delta: &Matrix, a: &Matrix) -> Matrix {
    let back = |i: usize, s: usize| theta.iter().zip(next_delta).map(|(row, d)| row[i + 1] * d[s]).sum::<f64>();
    let unit = |(i, a): (usize, &Vec<f64>)| a.iter().enumerate().map(|(s, a)| back(i, s) * a * (1.0 - a)).collect();
    a.iter().enumerate().map(unit).collect()
}

/// (7.3): Δ^(l) = δ^(l+1) [1; A^(l)]ᵀ / m + λ/m [0 Θ_w^(l)].
fn gradient(theta: &Matrix, delta: &Matrix, a: &Matrix, lambda: f64) -> Matrix {
    let m = a[0].len() as f64;
    let row = |(delta, theta): (&Vec<f64>, &Vec<f64>)| {
        let bias = delta.iter().sum::<f64>() / m;
        let weight =
            |(a, t): (&Vec<f64>, &f64)| delta.iter().zip(a).map(|(d, a)| d * a).sum::<f64>() / m + lambda * t / m;
        std::iter::once(bias).chain(a.iter().zip(&theta[1..]).map(weight)).collect()
    };
    delta.iter().zip(theta).map(row).collect()
}

/// m times the data cost when layer `l` (from 2) receives `z`: the rest of the forward pass.
fn data_cost_from(l: usize, z: &Matrix, thetas: &[Matrix], y: &Matrix) -> f64 {
    let rest = thetas[l - 1..].iter().fold(z.clone(), |z, theta| weighted_sums(theta, &activations(&z)));
    data_cost(&rest, y)
}

/// J, the penalty included.
fn cost(thetas: &[Matrix], x: &Matrix, y: &Matrix, lambda: f64) -> f64 {
    let m = x[0].len() as f64;
    let data = data_cost_from(2, &weighted_sums(&thetas[0], x), thetas, y);
    data / m + lambda / (2.0 * m) * squared_weights(thetas)
}

/// (12.1) for every element of `at` in turn, `f` being a function of the whole matrix.
fn central_differences(at: &Matrix, f: impl Fn(&Matrix) -> f64) -> Matrix {
    let step = f64::EPSILON.cbrt();
    let mut moved = at.clone();
    let mut difference = |j: usize, i: usize| {
        let (above, below) = (at[j][i] + step, at[j][i] - step);
        moved[j][i] = above;
        let upper = f(&moved);
        moved[j][i] = below;
        let lower = f(&moved);
        moved[j][i] = at[j][i];
        (upper - lower) / (above - below)
    };
    (0..at.len()).map(|j| (0..at[j].len()).map(|i| difference(j, i)).collect()).collect()
}

/// The largest differences seen, and whether all were small enough.
#[derive(Default)]
struct Checks {
    reference: f64,
    library: f64,
    central: f64,
    failures: usize,
}

impl Checks {
    /// Compares one matrix, printing nothing; `true` when every element is near. NaN is never near.
    fn near(ours: &Matrix, other: impl Fn(usize, usize) -> f64, tolerance: f64, largest: &mut f64) -> bool {
        let mut near = true;
        for (j, row) in ours.iter().enumerate() {
            for (i, &value) in row.iter().enumerate() {
                let difference = (value - other(j, i)).abs();
                near &= difference <= tolerance;
                *largest = if difference > *largest || difference.is_nan() { difference } else { *largest };
            }
        }
        near
    }

    /// Compares with the reference, and a derivative with its central differences too; says so in a line.
    fn matrix(&mut self, ours: &Matrix, reference: &reference::Matrix, differences: Option<&Matrix>) {
        let same_shape = (reference.rows(), reference.cols()) == (ours.len(), ours[0].len());
        let (mut from_reference, mut from_differences) = (0.0, 0.0);
        let mut near = same_shape && Self::near(ours, |j, i| reference[(j, i)], ROUNDING, &mut from_reference);
        let mut line = format!("within {from_reference:.0e} of the reference");
        if let Some(differences) = differences {
            near &= Self::near(ours, |j, i| differences[j][i], TRUNCATION, &mut from_differences);
            line += &format!(", {from_differences:.0e} of central differences");
        }
        self.reference = self.reference.max(from_reference);
        self.central = self.central.max(from_differences);
        self.verdict(near, &line);
    }

    fn verdict(&mut self, near: bool, line: &str) {
        self.failures += usize::from(!near);
        println!("    {} {line}\n", if near { "✓" } else { "✗ DISAGREES:" });
    }
}

/// `z⁽³⁾` for ("z", 3).
fn symbol(name: &str, l: usize) -> String {
    format!("{name}⁽{}⁾", ['⁰', '¹', '²', '³', '⁴'][l])
}

fn heading(text: &str) {
    println!("── {text} {}\n", "─".repeat(96_usize.saturating_sub(text.chars().count())));
}

fn show(name: &str, matrix: &Matrix) {
    for (j, row) in matrix.iter().enumerate() {
        let label = if j == 0 { format!("{name} =") } else { String::new() };
        let numbers: Vec<String> = row.iter().map(|x| format!("{x:9.5}")).collect();
        println!("    {label:8}[{} ]", numbers.join(""));
    }
}

/// A sum written out: `0.50000·1.00000 - 0.20000·0.73106`.
fn products<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> String {
    let term = |(a, b): (&f64, &f64)| {
        let factor = if *b < 0.0 { format!("({b:.5})") } else { format!("{b:.5}") };
        format!("{} {:.5}·{factor}", if *a < 0.0 { "-" } else { "+" }, a.abs())
    };
    let sum = pairs.map(term).collect::<Vec<_>>().join(" ");
    sum.strip_prefix("+ ").map_or(sum.clone(), str::to_owned)
}

/// `1.00000 - 0.50000`.
fn sum(numbers: &[f64]) -> String {
    let mut text = format!("{:.5}", numbers[0]);
    for number in &numbers[1..] {
        text += &format!(" {} {:.5}", if *number < 0.0 { "-" } else { "+" }, number.abs());
    }
    text
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match walk(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the step; whether everything agrees.
fn walk(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let &Arguments { seed, lambda, learning_rate, samples: m } = arguments;
    let architecture = Quadrant::ARCHITECTURE;
    let mut network = Quadrant::new(seed);
    for parameter in network.parameters_mut() {
        *parameter = (*parameter * 100.0).round() / 100.0;
    }
    let (points, quadrants) = (&POINTS[..m], &QUADRANTS[..m]);
    let x: Matrix = (0..2).map(|i| points.iter().map(|point| point[i]).collect()).collect();
    let y: Matrix = (0..4).map(|k| quadrants.iter().map(|quadrant| quadrant[k]).collect()).collect();
    let rows = |theta: nn_train::Theta<'_, f64>| -> Matrix {
        (0..theta.rows()).map(|j| (0..theta.cols()).map(|i| theta[(j, i)]).collect()).collect()
    };
    let thetas = [rows(network.theta::<1>()), rows(network.theta::<2>()), rows(network.theta::<3>())];

    let reference_forward = reference::forward(architecture, network.parameters(), points.as_flattened());
    let decay = lambda / m as f64;
    let reference_backward =
        reference::backward(architecture, network.parameters(), &reference_forward, quadrants.as_flattened(), decay);
    let mut checks = Checks::default();

    println!("One training step of {architecture}: in which quadrant does a point lie?");
    println!("m = {m} samples, λ = {lambda}, seed {seed}. Formula numbers are those of docs/derivation.md.");
    println!(
        "A⁽¹⁾ is the input; a column is a sample; Θ has the bias in column 0. Parameters are rounded to two decimals.\n"
    );

    heading("The parameters and the samples");
    for (theta, l) in thetas.iter().zip(1..) {
        show(&symbol("Θ", l), theta);
        println!();
    }
    show(&symbol("A", 1), &x);
    println!();
    show("Y", &y);
    println!();

    // Forward: z[l] and a[l] are z^(l) and A^(l); layer 1, the input, has no z.
    let mut z: Vec<Matrix> = vec![Vec::new(); LAYERS + 1];
    let mut a = z.clone();
    a[1] = x.clone();
    for l in 1..LAYERS {
        heading(&format!("Forward, layer {l} to {}", l + 1));
        z[l + 1] = weighted_sums(&thetas[l - 1], &a[l]);
        let (next, theta) = (l + 1, &thetas[l - 1]);
        println!("    {} = {} [1; {}]   (2.2)", symbol("z", next), symbol("Θ", l), symbol("A", l));
        let first: Vec<f64> = a[l].iter().map(|row| row[0]).collect();
        println!(
            "    unit 1, sample 1: {} = {:.5}",
            products(theta[0].iter().zip(std::iter::once(&1.0).chain(&first))),
            z[next][0][0]
        );
        show(&symbol("z", next), &z[next]);
        checks.matrix(&z[next], &reference_forward.z[next - 2], None);

        a[next] = activations(&z[next]);
        println!("    {} = 1 / (1 + e^-z)   (2.3)", symbol("A", next));
        let (z1, a1) = (z[next][0][0], a[next][0][0]);
        println!("    unit 1, sample 1: 1 / (1 + e^{:.5}) = {a1:.5}", -z1);
        show(&symbol("A", next), &a[next]);
        checks.matrix(&a[next], &reference_forward.a[next - 1], None);
    }

    heading("The cost");
    let (data, squares) = (data_cost(&z[LAYERS], &y), squared_weights(&thetas));
    let j = data / m as f64 + lambda / (2.0 * m as f64) * squares;
    println!("    J = 1/m Σ [softplus(z) - y z] + λ/2m Σ ‖Θ_w‖²   (3.1), its logarithms from z by (4.2)");
    let (z1, y1) = (z[LAYERS][0][0], y[0][0]);
    println!("    output 1, sample 1: log(1 + e^{z1:.5}) - {y1}·{z1:.5} = {:.5}", softplus(z1) - y1 * z1);
    println!("    J = {data:.5} / {m} + {lambda} / {} · {squares:.5} = {j:.5}", 2 * m);
    let reference_cost =
        reference::cost(architecture, network.parameters(), &reference_forward, quadrants.as_flattened(), decay);
    let (library_cost, library_gradient) = network.gradient(points, quadrants, lambda)?;
    let (from_reference, from_library) = ((j - reference_cost).abs(), (j - library_cost).abs());
    checks.reference = checks.reference.max(from_reference);
    checks.library = checks.library.max(from_library);
    checks.verdict(
        from_reference <= ROUNDING && from_library <= ROUNDING,
        &format!("within {from_reference:.0e} of the reference, {from_library:.0e} of the network's gradient()"),
    );

    // Backward: delta[l] is δ^(l), from the output down to layer 2.
    let mut delta: Vec<Matrix> = vec![Vec::new(); LAYERS + 1];
    for l in (2..=LAYERS).rev() {
        if l == LAYERS {
            heading("Backward, the output");
            delta[l] = output_delta(&a[l], &y);
            println!("    δ⁽⁴⁾ = A⁽⁴⁾ - Y   (5.2)");
            println!("    unit 1, sample 1: {:.5} - {} = {:.5}", a[l][0][0], y[0][0], delta[l][0][0]);
        } else {
            heading(&format!("Backward, layer {} to {l}", l + 1));
            let (theta, d, a1) = (&thetas[l - 1], &delta[l + 1], a[l][0][0]);
            let (column, first): (Vec<f64>, Vec<f64>) = theta.iter().zip(d).map(|(t, d)| (t[1], d[0])).unzip();
            let here = hidden_delta(theta, d, &a[l]);
            println!(
                "    {} = (Θ_w⁽{}⁾)ᵀ {} ⊙ A (1 - A)   (6.4), with (6.5)",
                symbol("δ", l),
                ['⁰', '¹', '²', '³'][l],
                symbol("δ", l + 1)
            );
            println!(
                "    unit 1, sample 1: ({}) · {a1:.5} · (1 - {a1:.5}) = {:.5}",
                products(column.iter().zip(&first)),
                here[0][0]
            );
            delta[l] = here;
        }
        show(&symbol("δ", l), &delta[l]);
        let differences = central_differences(&z[l], |z| data_cost_from(l, z, &thetas, &y));
        checks.matrix(&delta[l], &reference_backward.delta[l - 2], Some(&differences));
    }
    println!("    Layer 1 is the input: nobody asks how the cost changes with the data, so δ⁽¹⁾ is not computed.\n");

    let mut gradients = Vec::new();
    let library_rows =
        [rows(library_gradient.theta::<1>()), rows(library_gradient.theta::<2>()), rows(library_gradient.theta::<3>())];
    for l in 1..LAYERS {
        heading(&format!("The gradient of {}", symbol("Θ", l)));
        let (theta, d) = (&thetas[l - 1], &delta[l + 1]);
        let ours = gradient(theta, d, &a[l], lambda);
        println!(
            "    {} = {} [1; {}]ᵀ / m + λ/m [0 Θ_w⁽{}⁾]   (7.3)",
            symbol("Δ", l),
            symbol("δ", l + 1),
            symbol("A", l),
            ['⁰', '¹', '²', '³'][l]
        );
        println!("    row 1, column 0 (bias): ({}) / {m} = {:.5}", sum(&d[0]), ours[0][0]);
        println!(
            "    row 1, column 1: ({}) / {m} + {lambda}/{m} · {:.5} = {:.5}",
            products(d[0].iter().zip(&a[l][0])),
            theta[0][1],
            ours[0][1]
        );
        show(&symbol("Δ", l), &ours);
        let differences = central_differences(theta, |moved| {
            let mut thetas = thetas.clone();
            thetas[l - 1].clone_from(moved);
            cost(&thetas, &x, &y, lambda)
        });
        let mut from_library = 0.0;
        let near = Checks::near(&ours, |j, i| library_rows[l - 1][j][i], ROUNDING, &mut from_library);
        checks.failures += usize::from(!near);
        checks.library = checks.library.max(from_library);
        checks.matrix(&ours, &reference_backward.gradient[l - 1], Some(&differences));
        gradients.push(ours);
    }

    heading("The step");
    let moved: Vec<Matrix> = (thetas.iter().zip(&gradients))
        .map(|(theta, gradient)| {
            let row = |(t, g): (&Vec<f64>, &Vec<f64>)| t.iter().zip(g).map(|(t, g)| t - learning_rate * g).collect();
            theta.iter().zip(gradient).map(row).collect()
        })
        .collect();
    println!("    Θ ← Θ - η Δ with η = {learning_rate}; then the next batch goes forward.");
    println!("    J before: {j:.5}, after: {:.5}\n", cost(&moved, &x, &y, lambda));

    let Checks { reference, library, central, failures } = checks;
    let largest = format!(
        "largest difference from the reference {reference:.1e}, from the network's gradient() {library:.1e}, \
         from central differences {central:.1e}"
    );
    if failures == 0 {
        println!("All agree: {largest}.");
    } else {
        println!("{failures} of the steps above DISAGREE: {largest}.");
    }
    Ok(failures == 0)
}
