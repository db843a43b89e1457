//! The gradient against central differences.

use std::fmt;

use nn_kernels::{Architecture, Batch, Element, Plan, PlanOptions, StepEngine};

use super::compute::zeros;
use crate::data::Samples;
use crate::error::{Error, check_l2};

/// What a comparison of the analytic gradient Δ with central differences of J found.
///
/// Both are computed in `f64`, on the network's parameters and data converted to it. A difference is of fourth
/// order, [J(θ-2h) - 8 J(θ-h) + 8 J(θ+h) - J(θ+2h)] / 12h, at the largest of the steps h = 10⁻³, 10⁻⁴ … 10⁻⁷
/// that agrees with the step h/2 (up to rounding); where none does (J has a kink nearby, as with relu), it is the h that comes
/// nearest to agreeing. On smooth networks the relative error is near 10⁻¹¹.
///
/// Every parameter is compared up to [`GradientCheck::MAX_COMPARED`] of them; of a larger network, that many at
/// even distances, always the same ones.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// ‖Δ - differences‖ / (‖Δ‖ + ‖differences‖), Euclidean, over the compared parameters; 0 when both are 0.
    pub relative_error: f64,
    /// How many parameters were compared.
    pub compared: usize,
    /// How many the network has.
    pub parameters: usize,
    /// J at the network's parameters.
    pub cost: f64,
    /// The parameter whose two derivatives are furthest apart.
    pub worst: WorstParameter,
}

/// One parameter θ_{j,i}^(l) and its two derivatives.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct WorstParameter {
    /// l, from 1.
    pub layer: usize,
    /// The row j of Θ^(l), from 0, as in [`Theta`](crate::Theta).
    pub row: usize,
    /// The column i of Θ^(l), 0 being the bias.
    pub column: usize,
    /// ∂J/∂θ by back-propagation.
    pub analytic: f64,
    /// ∂J/∂θ by central differences.
    pub numeric: f64,
}

impl GradientCheck {
    /// The most parameters that are compared.
    pub const MAX_COMPARED: usize = 4096;
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WorstParameter { layer, row, column, analytic, numeric } = self.worst;
        write!(
            f,
            "relative error {:.1e} over {} of {} parameters; furthest apart: Θ^({layer})[{row}, {column}], \
             {analytic:e} by back-propagation, {numeric:e} by differences",
            self.relative_error, self.compared, self.parameters
        )
    }
}

/// J as a function of one parameter, the others held.
struct Cost<'a> {
    engine: Box<dyn StepEngine<f64>>,
    /// In the engine's layout.
    theta: Vec<f64>,
    batch: Batch<'a, f64>,
    l2: f64,
    /// J with nothing moved.
    cost: f64,
}

impl Cost<'_> {
    /// J with θ_k moved by `delta`.
    fn moved(&mut self, k: usize, delta: f64) -> Result<f64, Error> {
        let kept = self.theta[k];
        self.theta[k] = kept + delta;
        let cost = self.engine.cost(&self.theta, self.batch, self.l2);
        self.theta[k] = kept;
        Ok(cost?)
    }

    /// J(θ + h) - J(θ - h), moving θ_k alone.
    fn rise(&mut self, k: usize, h: f64) -> Result<f64, Error> {
        Ok(self.moved(k, h)? - self.moved(k, -h)?)
    }

    /// ∂J/∂θ_k, where `scale` is the size of derivative that matters.
    fn derivative(&mut self, k: usize, scale: f64) -> Result<f64, Error> {
        let (mut best, mut least) = (f64::NAN, f64::INFINITY);
        for exponent in 3..=7 {
            let h = 10_f64.powi(-exponent);
            let [half, one, two] = [self.rise(k, 0.5 * h)?, self.rise(k, h)?, self.rise(k, 2.0 * h)?];
            let (fine, coarse) = ((8.0 * half - one) / (6.0 * h), (8.0 * one - two) / (12.0 * h));
            let disagreement = (coarse - fine).abs();
            if disagreement < least {
                (best, least) = (fine, disagreement);
            }
            // Below the rounding of J itself, a smaller step would only be worse.
            let rounding = 8.0 * f64::EPSILON * self.cost.abs() / h;
            if disagreement <= rounding + 1e-10 * (fine.abs() + scale) {
                break;
            }
        }
        Ok(best)
    }
}

/// Where the parameter at `place` of the flat slice stands: layer (from 1), row and column of Θ^(l).
fn position(architecture: &Architecture, place: usize) -> (usize, usize, usize) {
    for ((index, layer), range) in architecture.layers().iter().enumerate().zip(architecture.ranges()) {
        if range.weights.contains(&place) {
            let within = place - range.weights.start;
            return (index + 1, within / layer.inputs, within % layer.inputs + 1);
        }
        if range.bias.contains(&place) {
            return (index + 1, place - range.bias.start, 0);
        }
    }
    (architecture.layers().len(), 0, 0)
}

/// Where every parameter of the flat slice lies in the engine's layout: what the engine makes of numbers that count.
fn places(engine: &dyn StepEngine<f64>) -> Result<Vec<usize>, Error> {
    let own: Vec<f64> = (0..engine.params()).map(|place| place as f64).collect();
    let mut flat = vec![0.0; engine.architecture().params()];
    engine.export(&own, &mut flat)?;
    Ok(flat.into_iter().map(|place| place as usize).collect())
}

/// Compares the gradient of a network with differences.
pub(super) fn check_gradient<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    samples: Samples<'_, T>,
    l2: f64,
) -> Result<GradientCheck, Error> {
    samples.check()?;
    check_l2(l2)?;
    samples.batch(architecture)?;
    let double = |numbers: &[T]| numbers.iter().map(|number| number.to_f64()).collect::<Vec<f64>>();
    let (inputs, targets, flat) = (double(samples.inputs), double(samples.targets), double(parameters));
    let batch = Batch::new(architecture, &inputs, &targets)?;
    let plan = Plan::new(architecture, batch.rows(), rayon::current_num_threads(), &PlanOptions::default())?;
    let mut engine = plan.into_engine();
    let places = places(&*engine)?;
    let (mut theta, mut own) = (zeros(engine.params())?, zeros(engine.params())?);
    engine.import(&flat, &mut theta)?;
    let cost = engine.gradient(&theta, batch, l2, None, &mut own)?;
    let mut analytic = flat;
    engine.export(&own, &mut analytic)?;

    let count = analytic.len();
    let compared = count.min(GradientCheck::MAX_COMPARED);
    let norm = analytic.iter().map(|d| d * d).sum::<f64>().sqrt();
    let scale = norm / (count as f64).sqrt();
    let mut function = Cost { engine, theta, batch, l2, cost };
    let (mut apart, mut back, mut central) = (0.0, 0.0, 0.0);
    let mut worst = (-1.0, 0, 0.0, 0.0);
    for sample in 0..compared {
        // Evenly spaced, first to last; u128 because the product of two counts may not fit.
        let place = (sample as u128 * count as u128 / compared as u128) as usize;
        let (found, expected) = (analytic[place], function.derivative(places[place], scale)?);
        let distance = (found - expected).abs();
        apart += distance * distance;
        back += found * found;
        central += expected * expected;
        // NaN is the furthest apart of all.
        if distance > worst.0 || distance.is_nan() {
            worst = (distance, place, found, expected);
        }
    }
    let size = f64::sqrt(back) + f64::sqrt(central);
    let relative_error = if size == 0.0 { 0.0 } else { f64::sqrt(apart) / size };
    let (layer, row, column) = position(architecture, worst.1);
    let worst = WorstParameter { layer, row, column, analytic: worst.2, numeric: worst.3 };
    Ok(GradientCheck { relative_error, compared, parameters: count, cost, worst })
}
