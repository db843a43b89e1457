//! Prices of diamonds with burn.

use std::{env, error::Error, time::Instant};

use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::module::Param;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::activation::relu;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

const CUTS: [&str; 5] = ["Fair", "Good", "Very Good", "Premium", "Ideal"];
const COLORS: [&str; 7] = ["J", "I", "H", "G", "F", "E", "D"];
const CLARITIES: [&str; 8] = ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"];

/// A line of the file: carat, cut, colour, clarity, depth, table, price, x, y, z.
type Diamond = (f32, String, String, String, f32, f32, f32, f32, f32, f32);

/// A grade as its place among all, the worst first.
fn place(grades: &[&str], name: &str) -> Result<f32, String> {
    let place = grades.iter().position(|grade| *grade == name);
    Ok(place.ok_or_else(|| format!("there is no grade {name}"))? as f32)
}

/// The network, and what its inputs and prices are standardised by.
#[derive(Module, Debug)]
struct Price {
    means: Param<Tensor<2>>,
    deviations: Param<Tensor<2>>,
    price_mean: Param<Tensor<2>>,
    price_deviation: Param<Tensor<2>>,
    hidden1: Linear,
    hidden2: Linear,
    output: Linear,
}

impl Price {
    fn new(scales: [Tensor<2>; 4], device: &Device) -> Self {
        let [means, deviations, price_mean, price_deviation] =
            scales.map(|scale| Param::from_tensor(scale).set_require_grad(false));
        Self {
            means,
            deviations,
            price_mean,
            price_deviation,
            hidden1: LinearConfig::new(9, 64).init(device),
            hidden2: LinearConfig::new(64, 32).init(device),
            output: LinearConfig::new(32, 1).init(device),
        }
    }

    /// Diamonds and prices, standardised.
    fn standardize(&self, (diamonds, prices): (Tensor<2>, Tensor<2>)) -> (Tensor<2>, Tensor<2>) {
        let diamonds = (diamonds - self.means.val()) / self.deviations.val();
        (
            diamonds,
            (prices - self.price_mean.val()) / self.price_deviation.val(),
        )
    }

    /// Standardised prices of standardised diamonds.
    fn forward(&self, diamonds: Tensor<2>) -> Tensor<2> {
        let hidden = relu(self.hidden1.forward(diamonds));
        let hidden = relu(self.hidden2.forward(hidden));
        self.output.forward(hidden)
    }

    /// Prices in dollars of diamonds as they are.
    fn predict(&self, diamonds: Tensor<2>) -> Tensor<2> {
        let diamonds = (diamonds - self.means.val()) / self.deviations.val();
        self.forward(diamonds) * self.price_deviation.val() + self.price_mean.val()
    }
}

fn tensors(rows: &[([f32; 9], f32)], device: &Device) -> (Tensor<2>, Tensor<2>) {
    let diamonds: Vec<f32> = rows.iter().flat_map(|(diamond, _)| *diamond).collect();
    let prices: Vec<f32> = rows.iter().map(|(_, price)| *price).collect();
    let diamonds = Tensor::from_data(TensorData::new(diamonds, [rows.len(), 9]), device);
    (
        diamonds,
        Tensor::from_data(TensorData::new(prices, [rows.len(), 1]), device),
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let seed = env::args().nth(1).ok_or("usage: SEED")?.parse()?;
    let mut random = StdRng::seed_from_u64(seed);
    let (device, autodiff) = (Device::flex(), Device::flex().autodiff());
    autodiff.seed(seed);

    let mut rows = Vec::new();
    for row in csv::Reader::from_path("diamonds.csv")?.deserialize::<Diamond>() {
        let (carat, cut, color, clarity, depth, table, price, x, y, z) = row?;
        let cut = place(&CUTS, &cut)?;
        let color = place(&COLORS, &color)?;
        let clarity = place(&CLARITIES, &clarity)?;
        rows.push(([carat, cut, color, clarity, depth, table, x, y, z], price));
    }
    rows.shuffle(&mut random);
    let (test, rest) = rows.split_at(rows.len() / 5);
    let (valid, train) = rest.split_at(rest.len() / 10);
    let (diamonds, prices) = tensors(train, &autodiff);
    let (test_diamonds, test_prices) = tensors(test, &device);

    let (variances, means) = diamonds.clone().var_mean_bias(0);
    let (price_variance, price_mean) = prices.clone().var_mean_bias(0);
    let scales = [means, variances.sqrt(), price_mean, price_variance.sqrt()];
    let mut model = Price::new(scales, &autodiff);
    let (diamonds, prices) = model.standardize((diamonds, prices));
    let (valid_diamonds, valid_prices) = model.valid().standardize(tensors(valid, &device));

    let loss = MseLoss::new();
    let mut optimizer = AdamConfig::new().init();
    let steps = 100 * train.len().div_ceil(32);
    let warm_up = steps / 20;
    let rising = LinearLrSchedulerConfig::new(0.003 / warm_up as f64, 0.003, warm_up);
    let falling = CosineAnnealingLrSchedulerConfig::new(0.003, steps - warm_up);
    let mut rate = SequentialLrSchedulerConfig::new(
        vec![
            LrSchedulerConfig::Linear(rising),
            LrSchedulerConfig::Cosine(falling),
        ],
        vec![warm_up],
    )
    .init()?;
    let mut order: Vec<i64> = (0..train.len() as i64).collect();
    let (mut best, mut best_cost, mut waited, mut epochs) = (model.valid(), f32::INFINITY, 0, 0);
    let start = Instant::now();
    while epochs < 100 && waited < 10 {
        order.shuffle(&mut random);
        for batch in order.chunks(32) {
            let batch = Tensor::<1, Int>::from_data(batch, &autodiff);
            let predicted = model.forward(diamonds.clone().select(0, batch.clone()));
            let wanted = prices.clone().select(0, batch);
            let cost = loss.forward(predicted, wanted, Reduction::Mean);
            let gradients = GradientsParams::from_grads(cost.backward(), &model);
            model = optimizer.step(rate.step(), model, gradients);
        }
        epochs += 1;
        let network = model.valid();
        let predicted = network.forward(valid_diamonds.clone());
        let cost = loss.forward(predicted, valid_prices.clone(), Reduction::Mean);
        let cost = cost.into_scalar::<f32>();
        if cost < best_cost {
            (best, best_cost, waited) = (network, cost, 0);
        } else {
            waited += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();

    let predicted = best.predict(test_diamonds.clone());
    let error = loss.forward(predicted, test_prices.clone(), Reduction::Mean);
    let variance = test_prices.var_bias(0).into_scalar::<f32>();
    let r2 = 1.0 - error.into_scalar::<f32>() / variance;
    println!("{epochs} epochs in {seconds:.3} s, test R² {r2:.4}");

    best.save_file("diamonds.bpk")?;
    let scales = [9, 9, 1, 1].map(|width| Tensor::zeros([1, width], &device));
    let model = Price::new(scales, &device).load_file("diamonds.bpk");
    let price = model
        .predict(test_diamonds.slice([0..1]))
        .into_scalar::<f32>();
    println!(
        "diamonds.bpk: a diamond of {} dollars is given {price:.0}",
        test[0].1
    );
    Ok(())
}
