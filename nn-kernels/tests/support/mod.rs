//! What the tests share: deterministic data, networks of every kind, and comparators that fail on NaN.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "every test binary uses a part")]

pub mod compare;
pub mod cover;
pub mod engines;
#[cfg(unix)]
pub mod guarded;

pub use engines::{EngineKind, engines, in_bfloat16};

use nn_kernels::random::{Purpose, stream};
use nn_kernels::reference::Matrix;
use nn_kernels::{Activation, Architecture, Dropout, Element, InstructionSet, Layer, Loss, Part, Slot, Span, Update};
use rand::Rng;

/// Numbers that are the same on every machine.
pub struct Numbers(nn_kernels::random::ChaCha8Rng);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(stream(seed, Purpose::Initialisation, 0))
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// `count` numbers in [low, high).
    pub fn between(&mut self, low: f64, high: f64, count: usize) -> Vec<f64> {
        (0..count).map(|_| low + (high - low) * self.unit()).collect()
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.0.next_u64() % bound as u64) as usize
    }
}

/// A network's problem: parameters, inputs and targets.
#[derive(Clone)]
pub struct Problem {
    pub architecture: Architecture,
    pub theta: Vec<f64>,
    pub inputs: Vec<f64>,
    pub targets: Vec<f64>,
}

pub const HIDDEN: [Activation; 9] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu(0.1),
    Activation::Elu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Softplus,
    Activation::Linear,
];

pub const LOSSES: [Loss; 4] = [Loss::CrossEntropy, Loss::Mse, Loss::Mae, Loss::Huber(0.3)];

pub const SIZES: [&[usize]; 4] = [&[2, 4, 4, 4], &[1, 1], &[3, 17, 5], &[65, 33, 2]];

/// Every pair of an output activation and a loss that fits it.
pub fn outputs() -> Vec<(Activation, Loss)> {
    let activations = HIDDEN.into_iter().chain([Activation::Softmax]);
    activations.flat_map(|g| LOSSES.into_iter().filter(move |loss| loss.fits(g)).map(move |loss| (g, loss))).collect()
}

/// A softmax over one unit, which there is not, becomes a sigmoid.
pub fn network(widths: &[usize], hidden: Activation, output: Activation, loss: Loss) -> Architecture {
    let single = widths.last() == Some(&1) && output == Activation::Softmax;
    let output = if single { Activation::Sigmoid } else { output };
    let count = widths.len() - 1;
    let layers = (0..count).map(|l| Layer::new(widths[l], widths[l + 1], if l + 1 == count { output } else { hidden }));
    Architecture::new(layers.collect(), loss).expect("a valid network")
}

impl Problem {
    /// `rows` samples. Parameters scale with the widths, so that units neither saturate nor vanish.
    pub fn new(architecture: Architecture, rows: usize, seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let theta = architecture.layers().iter().flat_map(|layer| {
            let scale = (3.0 / layer.inputs as f64).sqrt();
            numbers.between(-scale, scale, layer.params())
        });
        let theta = theta.collect();
        let inputs = numbers.between(-1.0, 1.0, rows * architecture.inputs());
        let targets = match architecture.loss() {
            Loss::CrossEntropy if architecture.output_activation() == Activation::Softmax => {
                // Distributions: soft targets that sum to 1.
                let mut targets = numbers.between(0.0, 1.0, rows * architecture.outputs());
                for row in targets.chunks_mut(architecture.outputs()) {
                    let sum: f64 = row.iter().sum();
                    row.iter_mut().for_each(|y| *y /= sum);
                }
                targets
            }
            Loss::CrossEntropy => numbers.between(0.0, 1.0, rows * architecture.outputs()),
            _ => numbers.between(-1.0, 1.0, rows * architecture.outputs()),
        };
        Self { architecture, theta, inputs, targets }
    }

    /// The same problem in numbers that an `f32` holds, so that one reference serves both element types.
    #[must_use]
    pub fn in_f32(mut self) -> Self {
        for values in [&mut self.theta, &mut self.inputs, &mut self.targets] {
            values.iter_mut().for_each(|value| *value = f64::from(*value as f32));
        }
        self
    }

    pub fn rows(&self) -> usize {
        self.inputs.len() / self.architecture.inputs()
    }
}

/// The same numbers in an engine's element type.
pub fn cast<T: Element>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::from_f64(value)).collect()
}

/// The same numbers as `f64`.
pub fn widen<T: Element>(values: &[T]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

/// `count` numbers that a test must see overwritten.
pub fn poison<T: Element>(count: usize) -> Vec<T> {
    vec![T::from_f64(f64::NAN); count]
}

/// Weights of `rows` samples, of which some are 0, in numbers that an `f32` holds.
pub fn sample_weights(rows: usize, seed: u64) -> Vec<f64> {
    let mut numbers = Numbers::new(seed ^ 0x5eed);
    let mut weight = |_| if numbers.below(5) == 0 { 0.0 } else { f64::from((3.0 * numbers.unit()) as f32) };
    (0..rows).map(&mut weight).collect()
}

/// One step's masks of [`Dropout`], from its documentation: a block of 16 words at a time, sample by sample.
pub fn masks(architecture: &Architecture, dropout: Dropout, rows: usize) -> Vec<Matrix> {
    let hidden = &architecture.layers()[..architecture.layers().len() - 1];
    let mask = |(index, layer): (usize, &Layer)| {
        let blocks = layer.outputs.div_ceil(16) as u64;
        let mut words = Vec::new();
        for row in 0..rows as u64 {
            let mut generator = stream(dropout.seed, Purpose::Dropout, index as u32);
            generator.set_block_pos((dropout.first_sample + row) * blocks);
            words.extend((0..layer.outputs).map(|_| f64::from(generator.next_u32())));
        }
        Matrix::from_samples(&words, layer.outputs)
            .map(|word| if word >= layer.dropout * 2.0_f64.powi(32) { 1.0 / (1.0 - layer.dropout) } else { 0.0 })
    };
    hidden.iter().enumerate().map(mask).collect()
}

/// Runs `work` in a pool of `threads`.
pub fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(work)
}

/// θ - ¼ Δ, which remembers nothing.
pub struct Descent;

impl<T: Element> Update<T> for Descent {
    fn update(&self, _set: InstructionSet, _part: Part, span: Span<'_, T>) -> bool {
        let mut finite = true;
        for (theta, gradient) in span.theta.iter().zip(span.gradient) {
            *gradient = *theta - T::from_f64(0.25) * *gradient;
            finite &= gradient.is_finite();
        }
        finite
    }

    fn slots(&self) -> usize {
        0
    }

    fn minds_part(&self) -> bool {
        false
    }
}

/// What a [`Rule`] remembers, before a step and after it.
pub struct Memory<T> {
    pub old: [Vec<T>; 2],
    pub new: [Vec<T>; 2],
}

impl<T: Element> Memory<T> {
    /// Zeros, and NaN where the step is to write.
    pub fn new(params: usize) -> Self {
        let filled = |number: f64| [(); 2].map(|()| vec![T::from_f64(number); params]);
        Self { old: filled(0.0), new: filled(f64::NAN) }
    }

    pub fn slots(&mut self) -> impl Iterator<Item = Slot<'_, T>> {
        self.old.iter().zip(&mut self.new).map(|(old, new)| Slot { old, new })
    }

    /// What the step has written is what the next one remembers.
    pub fn keep(&mut self) {
        std::mem::swap(&mut self.old, &mut self.new);
        self.new.iter_mut().for_each(|numbers| numbers.fill(T::from_f64(f64::NAN)));
    }
}

/// A rule that remembers two numbers, and treats biases in a way of their own.
pub struct Rule {
    pub minds_part: bool,
}

impl<T: Element> Update<T> for Rule {
    fn update(&self, _set: InstructionSet, part: Part, span: Span<'_, T>) -> bool {
        let rate = T::from_f64(if self.minds_part && part == Part::Bias { 0.5 } else { 0.25 });
        let mut finite = true;
        let [first, second, ..] = span.slots;
        for (i, (theta, gradient)) in span.theta.iter().zip(span.gradient).enumerate() {
            first.new[i] = first.old[i] * rate + *gradient;
            second.new[i] = second.old[i] + *gradient * *gradient;
            *gradient = *theta - rate * first.new[i];
            finite &= gradient.is_finite() && second.new[i].is_finite();
        }
        finite
    }

    fn slots(&self) -> usize {
        2
    }

    fn minds_part(&self) -> bool {
        self.minds_part
    }
}
