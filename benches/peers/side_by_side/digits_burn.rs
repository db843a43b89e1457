//! Hand-written digits with burn.

use std::{env, error::Error, time::Instant};

use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::module::Param;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::activation::relu;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

/// The network, and what its inputs are standardised by.
#[derive(Module, Debug)]
struct Digits {
    mean: Param<Tensor<2>>,
    deviation: Param<Tensor<2>>,
    hidden1: Linear,
    hidden2: Linear,
    output: Linear,
}

impl Digits {
    fn new(mean: Tensor<2>, deviation: Tensor<2>, device: &Device) -> Self {
        Self {
            mean: Param::from_tensor(mean).set_require_grad(false),
            deviation: Param::from_tensor(deviation).set_require_grad(false),
            hidden1: LinearConfig::new(64, 128).init(device),
            hidden2: LinearConfig::new(128, 64).init(device),
            output: LinearConfig::new(64, 10).init(device),
        }
    }

    fn standardize(&self, images: Tensor<2>) -> Tensor<2> {
        (images - self.mean.val()) / self.deviation.val()
    }

    /// Logits of standardised images.
    fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        let hidden = relu(self.hidden1.forward(images));
        let hidden = relu(self.hidden2.forward(hidden));
        self.output.forward(hidden)
    }
}

fn tensors(rows: &[Vec<f32>], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let images: Vec<f32> = rows.iter().flat_map(|row| &row[..64]).copied().collect();
    let digits: Vec<i64> = rows.iter().map(|row| row[64] as i64).collect();
    let images = Tensor::from_data(TensorData::new(images, [rows.len(), 64]), device);
    (images, Tensor::from_data(digits.as_slice(), device))
}

fn main() -> Result<(), Box<dyn Error>> {
    let seed = env::args().nth(1).ok_or("usage: SEED")?.parse()?;
    let mut random = StdRng::seed_from_u64(seed);
    let (device, autodiff) = (Device::flex(), Device::flex().autodiff());
    autodiff.seed(seed);

    let mut file = csv::Reader::from_path("digits.csv")?;
    let mut rows = file.deserialize().collect::<Result<Vec<Vec<f32>>, _>>()?;
    rows.shuffle(&mut random);
    let (test, rest) = rows.split_at(rows.len() / 5);
    let (valid, train) = rest.split_at(rest.len() / 10);
    let (images, digits) = tensors(train, &autodiff);
    let (valid_images, valid_digits) = tensors(valid, &device);
    let (test_images, test_digits) = tensors(test, &device);

    let (variance, mean) = images.clone().var_mean_bias(0);
    let deviation = variance.sqrt().mask_fill(
        images.clone().max_dim(0).equal(images.clone().min_dim(0)),
        1.0,
    );
    let mut model = Digits::new(mean, deviation, &autodiff);
    let images = model.standardize(images);
    let valid_images = model.valid().standardize(valid_images);

    let loss = CrossEntropyLossConfig::new();
    let (loss, valid_loss) = (loss.init(&autodiff), loss.init(&device));
    let mut optimizer = AdamConfig::new().init();
    let steps = 100 * train.len().div_ceil(32);
    let warm_up = steps / 20;
    let rising = LinearLrSchedulerConfig::new(0.002 / warm_up as f64, 0.002, warm_up);
    let falling = CosineAnnealingLrSchedulerConfig::new(0.002, steps - warm_up);
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
            let logits = model.forward(images.clone().select(0, batch.clone()));
            let cost = loss.forward(logits, digits.clone().select(0, batch));
            let gradients = GradientsParams::from_grads(cost.backward(), &model);
            model = optimizer.step(rate.step(), model, gradients);
        }
        epochs += 1;
        let network = model.valid();
        let logits = network.forward(valid_images.clone());
        let cost = valid_loss
            .forward(logits, valid_digits.clone())
            .into_scalar::<f32>();
        if cost < best_cost {
            (best, best_cost, waited) = (network, cost, 0);
        } else {
            waited += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();

    let read = best
        .forward(best.standardize(test_images.clone()))
        .argmax(1)
        .squeeze_dim::<1>(1);
    let right = read
        .equal(test_digits.clone())
        .int()
        .sum()
        .into_scalar::<i64>();
    let accuracy = right as f64 / test.len() as f64;
    println!("{epochs} epochs in {seconds:.3} s, test accuracy {accuracy:.4}");

    best.save_file("digits.bpk")?;
    let blank = Tensor::zeros([1, 64], &device);
    let model = Digits::new(blank.clone(), blank, &device).load_file("digits.bpk");
    let image = model.standardize(test_images.slice([0..1]));
    let digit = model.forward(image).argmax(1).into_scalar::<i64>();
    println!("digits.bpk: an image of {} is read as {digit}", test[0][64]);
    Ok(())
}
