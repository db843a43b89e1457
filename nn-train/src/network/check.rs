//! The gradient against central differences.

use std::fmt;

use nn_kernels::threads::count;
use nn_kernels::{Architecture, ArchitectureError, Batch, Element, Layer, Plan, PlanOptions, StepEngine};

use super::compute::{checked, zeros};
use crate::data::Samples;
use crate::error::Error;

/// The result of comparing the analytic gradient Δ with central differences of J.
///
/// Both are computed in `f64`, on the network's parameters and data converted to it. A difference is of fourth
/// order, [J(θ-2h) - 8 J(θ-h) + 8 J(θ+h) - J(θ+2h)] / 12h, at the largest of the steps h = 10⁻³, 10⁻⁴ … 10⁻⁷
/// (from 10⁻¹ on in a layer whose gradient is less than 10⁻⁵ of J) that agrees with the step h/2 (up to rounding); where none does (J has a kink nearby, as with relu), it is the h that comes
/// nearest to agreeing. On smooth networks the relative error is near 10⁻¹¹.
///
/// Each layer is judged by the size of its own gradient, so that an error in a layer shows however small that is.
///
/// Every parameter is compared up to [`GradientCheck::MAX_COMPARED`] of them. Of a larger network it is that many, shared
/// out among the layers, at even distances, and always the same ones.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// ‖Δ - differences‖ / (‖Δ‖ + ‖differences‖), Euclidean, over the compared parameters of one layer; 0 when both are
    /// 0. It is that of the worst layer.
    pub relative_error: f64,
    /// The number of parameters compared.
    pub compared: usize,
    /// The number of parameters in the network.
    pub parameters: usize,
    /// J at the network's parameters.
    pub cost: f64,
    /// In the worst layer, the parameter whose two derivatives are furthest apart.
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
    /// λ/m.
    decay: f64,
    /// J with nothing moved.
    cost: f64,
}

impl Cost<'_> {
    /// J with θ_k moved by `delta`.
    fn moved(&mut self, k: usize, delta: f64) -> Result<f64, Error> {
        let kept = self.theta[k];
        self.theta[k] = kept + delta;
        let cost = self.engine.cost(&self.theta, self.batch, self.decay);
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
        // Where the derivative is lost in the rounding of J over a small step, a larger one shows it.
        let first = if scale < 1e-5 * self.cost.abs() { 1 } else { 3 };
        for exponent in first..=7 {
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

/// Where every parameter of the flat slice lies in the engine's layout: what the engine makes of numbers that count.
fn places(engine: &dyn StepEngine<f64>) -> Result<Vec<usize>, Error> {
    let own: Vec<f64> = (0..engine.params()).map(|place| place as f64).collect();
    let mut flat = vec![0.0; engine.architecture().params()];
    engine.export(&own, &mut flat)?;
    Ok(flat.into_iter().map(|place| place as usize).collect())
}

/// How many parameters of each layer are compared, of layers with `counts` of them: all, or where they are too many an
/// equal share for each layer that has as many. At least one.
fn shares(counts: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&layer| counts[layer]);
    let mut shares = vec![0; counts.len()];
    let mut left = GradientCheck::MAX_COMPARED;
    for (place, layer) in order.into_iter().enumerate() {
        shares[layer] = counts[layer].min((left / (counts.len() - place)).max(1));
        left = left.saturating_sub(shares[layer]);
    }
    shares
}

/// The comparison of one layer.
struct LayerCheck {
    relative_error: f64,
    worst: WorstParameter,
}

/// Compares one layer, the one that `analytic` is the gradient of, at `compared` parameters evenly spaced from the first
/// on. `derivative` differentiates by the parameter at a place of the layer, given the size of derivative that matters.
fn check_layer(
    (number, layer): (usize, &Layer),
    analytic: &[f64],
    compared: usize,
    mut derivative: impl FnMut(usize, f64) -> Result<f64, Error>,
) -> Result<LayerCheck, Error> {
    let count = analytic.len();
    let scale = (analytic.iter().map(|d| d * d).sum::<f64>() / count as f64).sqrt();
    let (mut apart, mut back, mut central) = (0.0, 0.0, 0.0);
    let mut worst = (-1.0, 0, 0.0, 0.0);
    for sample in 0..compared {
        // u128 because the product of two counts may not fit.
        let place = (sample as u128 * count as u128 / compared as u128) as usize;
        let (found, expected) = (analytic[place], derivative(place, scale)?);
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
    let (_, place, analytic, numeric) = worst;
    let weights = layer.inputs * layer.outputs;
    let (row, column) =
        if place < weights { (place / layer.inputs, place % layer.inputs + 1) } else { (place - weights, 0) };
    Ok(LayerCheck { relative_error, worst: WorstParameter { layer: number, row, column, analytic, numeric } })
}

/// Compares `analytic`, in the network's layout, with differences of the cost, layer by layer.
fn compare(
    architecture: &Architecture,
    analytic: &[f64],
    places: &[usize],
    mut function: Cost<'_>,
) -> Result<GradientCheck, Error> {
    let counts: Vec<usize> = architecture.layers().iter().map(Layer::params).collect();
    let shares = shares(&counts);
    let mut found: Option<LayerCheck> = None;
    for (((number, layer), range), &compared) in
        (1..).zip(architecture.layers()).zip(architecture.ranges()).zip(&shares)
    {
        let start = range.weights.start;
        let own = &analytic[start..range.bias.end];
        let check = check_layer((number, layer), own, compared, |place, scale| {
            function.derivative(places[start + place], scale)
        })?;
        // NaN is the worst of all.
        let worse = found.as_ref().is_none_or(|worst| {
            check.relative_error > worst.relative_error
                || (check.relative_error.is_nan() && !worst.relative_error.is_nan())
        });
        if worse {
            found = Some(check);
        }
    }
    let compared = shares.iter().sum();
    match found {
        Some(LayerCheck { relative_error, worst }) => {
            Ok(GradientCheck { relative_error, compared, parameters: analytic.len(), cost: function.cost, worst })
        }
        None => Err(ArchitectureError::NoLayer.into()),
    }
}

/// Compares the gradient of a network with differences.
pub(super) fn check_gradient<T: Element>(
    architecture: &Architecture,
    parameters: &[T],
    samples: Samples<'_, T>,
    l2: f64,
) -> Result<GradientCheck, Error> {
    let double = |numbers: &[T]| numbers.iter().map(|number| number.to_f64()).collect::<Vec<f64>>();
    let (inputs, targets, flat) = (double(samples.inputs), double(samples.targets), double(parameters));
    let weights = samples.weights.map(double);
    let Samples { input_width, target_width, .. } = samples;
    let (inputs, targets, weights) = (&inputs, &targets, weights.as_deref());
    let samples = Samples { inputs, targets, weights, input_width, target_width };
    let batch = checked(architecture, samples, l2)?;
    let (analytic, places, function) = differentiate(architecture, &flat, batch, l2)?;
    compare(architecture, &analytic, &places, function)
}

/// The gradient at `flat` by back-propagation, where each parameter lies in the engine's layout, and the cost as a
/// function of each.
fn differentiate<'a>(
    architecture: &Architecture,
    flat: &[f64],
    batch: Batch<'a, f64>,
    l2: f64,
) -> Result<(Vec<f64>, Vec<usize>, Cost<'a>), Error> {
    let plan = Plan::new(architecture, batch.rows(), count(), &PlanOptions::default())?;
    let mut engine = plan.into_engine();
    let places = places(&*engine)?;
    let (mut theta, mut own) = (zeros(engine.params())?, zeros(engine.params())?);
    engine.import(flat, &mut theta)?;
    let decay = l2 / batch.rows() as f64;
    let cost = engine.gradient(&theta, batch, decay, None, &mut own)?;
    let mut analytic = zeros(flat.len())?;
    engine.export(&own, &mut analytic)?;
    Ok((analytic, places, Cost { engine, theta, batch, decay, cost }))
}

#[cfg(test)]
mod tests {
    use nn_kernels::{Activation, Loss};

    use super::*;

    /// Six layers of parameters whose first gradient is some 10⁻⁵ of the last.
    fn deep() -> (Architecture, Vec<f64>) {
        let widths = [3, 4, 4, 4, 4, 4, 2];
        let layers = widths.windows(2).map(|pair| Layer::new(pair[0], pair[1], Activation::Sigmoid)).collect();
        let architecture = Architecture::new(layers, Loss::CrossEntropy).expect("a network");
        let flat = (0..architecture.params()).map(|index| 0.6 * (index as f64 * 0.7).sin()).collect();
        (architecture, flat)
    }

    #[test]
    fn an_error_in_a_layer_shows_however_small_its_gradient() {
        let (architecture, flat) = deep();
        let inputs: Vec<f64> = (0..15).map(|index| (index as f64).cos()).collect();
        let targets: Vec<f64> = (0..10).map(|index| f64::from(index % 3 == 0)).collect();
        let batch = Batch::new(&architecture, &inputs, &targets).expect("samples");
        let check = |wrong: Option<usize>| {
            let (mut analytic, places, function) = differentiate(&architecture, &flat, batch, 0.0).expect("a gradient");
            let norm = |range: std::ops::Range<usize>| analytic[range].iter().map(|d| d * d).sum::<f64>().sqrt();
            let ranges: Vec<_> = architecture.ranges().map(|range| range.weights.start..range.bias.end).collect();
            assert!(norm(ranges[0].clone()) < 1e-4 * norm(ranges[5].clone()), "the first gradient is not small");
            if let Some(layer) = wrong {
                analytic[ranges[layer].clone()].iter_mut().for_each(|d| *d *= 1.01);
            }
            compare(&architecture, &analytic, &places, function).expect("a comparison")
        };
        let right = check(None);
        assert!(right.relative_error < 1e-6, "{right}");
        for layer in 0..6 {
            let found = check(Some(layer));
            // ‖1.01 Δ - Δ‖ / (‖1.01 Δ‖ + ‖Δ‖)
            assert!((found.relative_error - 0.01 / 2.01).abs() < 1e-6, "layer {}: {found}", layer + 1);
            assert_eq!(found.worst.layer, layer + 1);
        }
    }

    #[test]
    fn each_layer_has_its_share() {
        let most = GradientCheck::MAX_COMPARED;
        assert_eq!(shares(&[3, 5]), [3, 5]);
        assert_eq!(shares(&[most, most]), [most / 2, most / 2]);
        assert_eq!(shares(&[10 * most, 6, 10 * most]), [(most - 6) / 2, 6, (most - 6) / 2]);
        assert!(shares(&vec![2; 2 * most]).iter().all(|share| *share >= 1));
    }

    #[test]
    fn a_gradient_that_is_no_number_is_the_worst() {
        let (architecture, flat) = deep();
        let batch = Batch::new(&architecture, &[0.5; 3], &[1.0, 0.0]).expect("a sample");
        let (mut analytic, places, function) = differentiate(&architecture, &flat, batch, 0.0).expect("a gradient");
        analytic[1] = f64::NAN;
        let found = compare(&architecture, &analytic, &places, function).expect("a comparison");
        assert!(found.relative_error.is_nan());
        assert_eq!((found.worst.layer, found.worst.row, found.worst.column), (1, 0, 2));
    }
}
