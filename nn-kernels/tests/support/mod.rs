//! What the tests share: deterministic data, networks of every kind, and comparators that fail on NaN.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses a part")]

pub mod compare;

use nn_kernels::gemm::MatrixMultiply;
use nn_kernels::random::{Purpose, stream};
use nn_kernels::{
    Activation, Architecture, Batch, Dropout, Element, InstructionSet, Layer, LayerRange, Layered, Loss, Narrow,
    StepEngine, StepError, Tile,
};
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

pub fn network(widths: &[usize], hidden: Activation, output: Activation, loss: Loss) -> Architecture {
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

/// Makes an engine for a network.
type Make<T> = dyn Fn(&Architecture) -> Box<dyn StepEngine<T>> + Sync;

/// A maker of engines, with its name: what the suite is run over.
pub struct EngineKind<T> {
    pub name: String,
    pub make: Box<Make<T>>,
}

/// Every engine in every instruction set that this CPU has. Sets that it lacks are reported, not silently skipped.
#[allow(clippy::print_stderr, reason = "a test's report")]
pub fn engines<T: Element>() -> Vec<EngineKind<T>> {
    let available: Vec<InstructionSet> = InstructionSet::available().collect();
    for name in ["portable", "avx2", "avx512"] {
        if !available.iter().any(|set| set.name() == name) {
            eprintln!("NOT RUN: this CPU lacks {name}");
        }
    }
    let native = available.into_iter().flat_map(|set| {
        let layered = EngineKind {
            name: format!("layered/{set}/{}", T::NAME),
            make: Box::new(move |architecture| Box::new(Layered::with_set(architecture, set).expect("memory"))),
        };
        let tile = EngineKind {
            name: format!("tile/{set}/{}", T::NAME),
            make: Box::new(move |architecture| {
                InNetworkLayout::around(Box::new(Tile::with_set(architecture, set).expect("memory")))
            }),
        };
        // What is too wide for the narrow engine is the tile engine's.
        let narrow = EngineKind {
            name: format!("narrow/{set}/{}", T::NAME),
            make: Box::new(move |architecture| match Narrow::with_set(architecture, set) {
                Err(StepError::TooWide { .. }) => {
                    InNetworkLayout::around(Box::new(Tile::with_set(architecture, set).expect("memory")))
                }
                engine => Box::new(engine.expect("memory")),
            }),
        };
        [layered, tile, narrow]
    });
    let crates_own = EngineKind {
        name: format!("layered/matrixmultiply/{}", T::NAME),
        make: Box::new(|architecture| {
            let gemm = Box::new(MatrixMultiply);
            Box::new(Layered::with_gemm(architecture, InstructionSet::best(), gemm).expect("memory"))
        }),
    };
    native.chain([crates_own]).collect()
}

/// An engine whose parameters and gradients are seen in the network's own layout.
pub struct InNetworkLayout<T: Element> {
    engine: Box<dyn StepEngine<T>>,
    ranges: Vec<LayerRange>,
    theta: Vec<T>,
    gradient: Vec<T>,
}

impl<T: Element> InNetworkLayout<T> {
    pub fn around(engine: Box<dyn StepEngine<T>>) -> Box<dyn StepEngine<T>> {
        let ranges = engine.architecture().ranges().collect();
        let (theta, gradient) = (vec![T::ZERO; engine.params()], poison(engine.params()));
        Box::new(Self { engine, ranges, theta, gradient })
    }
}

impl<T: Element> StepEngine<T> for InNetworkLayout<T> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }
    fn architecture(&self) -> &Architecture {
        self.engine.architecture()
    }
    fn set(&self) -> InstructionSet {
        self.engine.set()
    }
    fn ranges(&self) -> &[LayerRange] {
        &self.ranges
    }
    fn import(&self, theta: &[T], own: &mut [T]) -> Result<(), StepError> {
        own.copy_from_slice(theta);
        Ok(())
    }
    fn export(&self, own: &[T], theta: &mut [T]) -> Result<(), StepError> {
        theta.copy_from_slice(own);
        Ok(())
    }
    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        l2: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError> {
        self.engine.import(theta, &mut self.theta)?;
        if gradient.len() != self.params() {
            return Err(StepError::Length { what: "gradient", expected: self.params(), found: gradient.len() });
        }
        let cost = self.engine.gradient(&self.theta, batch, l2, dropout, &mut self.gradient)?;
        self.engine.export(&self.gradient, gradient)?;
        Ok(cost)
    }
    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, l2: f64) -> Result<f64, StepError> {
        self.engine.import(theta, &mut self.theta)?;
        self.engine.cost(&self.theta, batch, l2)
    }
    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError> {
        self.engine.import(theta, &mut self.theta)?;
        self.engine.predict(&self.theta, inputs, outputs)
    }
    fn scratch_bytes(&self) -> usize {
        self.engine.scratch_bytes()
    }
}

/// Runs `work` in a pool of `threads`.
pub fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(work)
}
