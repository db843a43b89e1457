//! The standard workloads: networks with the batches that they are trained on.

use std::fmt;
use std::str::FromStr;

use nn_kernels::random::{self, ChaCha8Rng, Purpose};
use nn_kernels::{Activation, Architecture, ArchitectureError, Element, Layer, Loss};
use nn_train::throughput::Samples;
use rand_distr::{Distribution, StandardNormal};
use thiserror::Error;

/// The seed of the parameters.
const SEED: u64 = 1;

/// A network and the size of the batches that it is trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// One of [`NAMES`](Self::NAMES), or the shape as in `7-23-41-2-b700`.
    pub name: String,
    /// The network.
    pub architecture: Architecture,
    /// What the samples are labelled with.
    pub target: Target,
    /// m, samples in a batch, at least 1.
    pub rows: usize,
}

/// What a network is to say of a sample. Output activation and loss follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Which of the S_L labels apply: sigmoid and cross-entropy, `bce`.
    Labels,
    /// Which of S_L classes it is: softmax and cross-entropy, `ce`.
    Class,
    /// S_L real numbers: linear outputs and ½ Σ (a - y)², `mse`.
    Numbers,
}

/// A workload as the tables have it.
type Row = (&'static str, &'static [usize], Activation, Target, usize);

const STANDARD: [Row; 15] = {
    use Activation::{Relu, Sigmoid, Tanh};
    use Target::{Class, Labels, Numbers};
    const SEED: &[usize] = &[2, 4, 4, 4];
    const MNIST: &[usize] = &[784, 256, 128, 10];
    const TABULAR: &[usize] = &[32, 64, 64, 64, 1];
    const WIDE: &[usize] = &[1024, 1024, 1024, 1024, 10];
    const BIG: &[usize] = &[1024, 4096, 4096, 1000];
    [
        ("seed-b32", SEED, Sigmoid, Labels, 32),
        ("seed-b1024", SEED, Sigmoid, Labels, 1024),
        ("seed-b64k", SEED, Sigmoid, Labels, 65_536),
        ("control-b64", &[8, 64, 64, 4], Tanh, Numbers, 64),
        ("chains-b10k", &[4, 32, 16, 4], Tanh, Numbers, 10_000),
        ("digits-b128", &[784, 128, 10], Sigmoid, Labels, 128),
        ("mnist-b128", MNIST, Relu, Class, 128),
        ("mnist-b1024", MNIST, Relu, Class, 1024),
        ("tabular-b8k", TABULAR, Relu, Labels, 8192),
        ("tabular-b64k", TABULAR, Relu, Labels, 65_536),
        ("sig-b64k", &[64, 128, 128, 8], Sigmoid, Labels, 65_536),
        ("wide-b1024", WIDE, Relu, Class, 1024),
        ("wide-b64", WIDE, Relu, Class, 64),
        ("big-b64", BIG, Relu, Class, 64),
        ("big-b512", BIG, Relu, Class, 512),
    ]
};

/// A name that no workload has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown workload {name:?}; expected one of {}", Workload::NAMES.join(", "))]
pub struct UnknownWorkload {
    /// The name found.
    pub name: String,
}

/// A loss without workloads.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown loss {name:?}; expected one of {}", Target::ALL.map(Target::name).join(", "))]
pub struct UnknownTarget {
    /// The name found.
    pub name: String,
}

/// A name that no activation of hidden layers has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown activation {name:?}; expected one of {}", HIDDEN.map(Activation::name).join(", "))]
pub struct UnknownActivation {
    /// The name found.
    pub name: String,
}

/// Why a workload cannot be.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum WorkloadError {
    /// There are fewer than two widths.
    #[error("a network of {found} sizes; expected at least 2, an input and an output")]
    Widths {
        /// The widths found.
        found: usize,
    },
    /// The batch is empty.
    #[error("a batch of 0 samples; expected at least 1")]
    Batch,
    /// Nobody has so much memory.
    #[error("{rows} samples of {width} numbers are more than fit into memory")]
    TooLarge {
        /// The samples.
        rows: usize,
        /// Inputs or outputs of one.
        width: usize,
    },
    /// The widths make no network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
}

/// The activations that hidden layers of workloads may have.
const HIDDEN: [Activation; 8] = [
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::Elu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Softplus,
    Activation::Linear,
];

/// The activation of hidden layers that has this name.
///
/// # Errors
/// [`UnknownActivation`] lists the names.
pub fn hidden(name: &str) -> Result<Activation, UnknownActivation> {
    let known = HIDDEN.into_iter().find(|activation| activation.name() == name);
    known.ok_or_else(|| UnknownActivation { name: name.to_owned() })
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Labels, Self::Class, Self::Numbers];

    /// The loss's short name: `"bce"`, `"ce"` or `"mse"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Labels => "bce",
            Self::Class => "ce",
            Self::Numbers => "mse",
        }
    }

    const fn output(self) -> Activation {
        match self {
            Self::Labels => Activation::Sigmoid,
            Self::Class => Activation::Softmax,
            Self::Numbers => Activation::Linear,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        let known = Self::ALL.into_iter().find(|target| target.name() == name);
        known.ok_or_else(|| UnknownTarget { name: name.to_owned() })
    }
}

impl FromStr for Workload {
    type Err = UnknownWorkload;

    /// The standard workload of that name.
    fn from_str(name: &str) -> Result<Self, UnknownWorkload> {
        Self::standard().find(|workload| workload.name == name).ok_or_else(|| UnknownWorkload { name: name.to_owned() })
    }
}

impl Workload {
    /// The names of the standard workloads.
    pub const NAMES: [&'static str; STANDARD.len()] = {
        let mut names = [""; STANDARD.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = STANDARD[index].0;
            index += 1;
        }
        names
    };

    /// A workload by its shape: `widths` from the input S_1 to the output S_L, the activation of all hidden layers, and
    /// `rows` samples in a batch.
    ///
    /// ```
    /// use nn_benches::{Target, Workload};
    /// use nn_kernels::Activation;
    ///
    /// let workload = Workload::new(&[7, 23, 41, 2], Activation::Tanh, Target::Numbers, 700)?;
    /// assert_eq!(workload.name, "7-23-41-2-b700");
    /// assert_eq!(workload.samples::<f32>()?.inputs.len(), 700 * 7);
    /// # Ok::<(), nn_benches::WorkloadError>(())
    /// ```
    ///
    /// # Errors
    /// A [`WorkloadError`] for fewer than two widths, a width of 0, no rows, or more numbers than memory can hold.
    pub fn new(widths: &[usize], hidden: Activation, target: Target, rows: usize) -> Result<Self, WorkloadError> {
        let name = widths.iter().map(|width| format!("{width}-")).chain([format!("b{rows}")]).collect();
        Self::named(name, widths, hidden, target, rows)
    }

    /// The workloads of the comparison with other systems, in its order.
    pub fn standard() -> impl Iterator<Item = Self> {
        // None has a fault, as the tests check.
        STANDARD.into_iter().filter_map(|(name, widths, hidden, target, rows)| {
            Self::named(name.to_owned(), widths, hidden, target, rows).ok()
        })
    }

    fn named(
        name: String,
        widths: &[usize],
        hidden: Activation,
        target: Target,
        rows: usize,
    ) -> Result<Self, WorkloadError> {
        if widths.len() < 2 {
            return Err(WorkloadError::Widths { found: widths.len() });
        }
        if rows == 0 {
            return Err(WorkloadError::Batch);
        }
        let last = widths.len() - 2;
        let activation = |index| if index == last { target.output() } else { hidden };
        let layers = widths.windows(2).enumerate().map(|(i, pair)| Layer::new(pair[0], pair[1], activation(i)));
        let loss = if target == Target::Numbers { Loss::Mse } else { Loss::CrossEntropy };
        Ok(Self { name, architecture: Architecture::new(layers.collect(), loss)?, target, rows })
    }

    /// The same network on batches of at most `rows` samples.
    #[must_use]
    pub fn with_at_most(self, rows: usize) -> Self {
        Self { rows: self.rows.min(rows), ..self }
    }

    /// Θ in the order of [`Architecture::ranges`]: weights drawn from N(0, 1/S_l), biases of 0. The same numbers on every
    /// machine.
    #[must_use]
    pub fn theta<T: Element>(&self) -> Vec<T> {
        let mut stream = random::stream(SEED, Purpose::Initialisation, 0);
        let mut theta = Vec::with_capacity(self.architecture.params());
        for layer in self.architecture.layers() {
            let deviation = 1.0 / (layer.inputs as f64).sqrt();
            let weights = layer.inputs * layer.outputs;
            theta.extend((0..weights).map(|_| T::from_f64(deviation * normal(&mut stream))));
            theta.resize(theta.len() + layer.outputs, T::ZERO);
        }
        theta
    }

    /// m samples of S_1 numbers from N(0, 1) with their targets: labels of which three in ten apply, a class drawn
    /// uniformly, or numbers from N(0, 1). The same on every machine, and in `f32` those of `f64`, rounded.
    ///
    /// # Errors
    /// [`WorkloadError::TooLarge`] when there is no memory for them.
    pub fn samples<T: Element>(&self) -> Result<Samples<T>, WorkloadError> {
        Samples::random(&self.architecture, self.rows)
            .map_err(|_| WorkloadError::TooLarge { rows: self.rows, width: self.architecture.inputs() })
    }
}

fn normal(stream: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_workload_is_there_and_is_found_by_its_name() {
        let names: Vec<String> = Workload::standard().map(|workload| workload.name).collect();
        assert_eq!(names, Workload::NAMES);
        for name in Workload::NAMES {
            let workload: Workload = name.parse().expect("it is a standard workload");
            let (batch, rows) = (name.rsplit("-b").next().expect("a name has a batch"), workload.rows);
            match batch.strip_suffix('k') {
                Some(thousands) => {
                    assert_eq!(rows / 1000, thousands.parse().map_or(0, |k| if k == 64 { 65 } else { k }))
                }
                None => assert_eq!(Ok(rows), batch.parse()),
            }
        }
        let error = "seed".parse::<Workload>().expect_err("the name is no workload's");
        let message = "unknown workload \"seed\"; expected one of seed-b32, seed-b1024, seed-b64k, control-b64";
        assert!(error.to_string().starts_with(message), "{error}");
        assert!("bce".parse() == Ok(Target::Labels) && "huber".parse::<Target>().is_err());
        assert!(hidden("gelu") == Ok(Activation::Gelu) && hidden("softmax").is_err());
    }

    #[test]
    fn what_is_no_workload_is_refused() {
        let new = |widths: &[usize], rows| Workload::new(widths, Activation::Tanh, Target::Class, rows);
        assert_eq!(new(&[], 1), Err(WorkloadError::Widths { found: 0 }));
        assert_eq!(new(&[3], 1), Err(WorkloadError::Widths { found: 1 }));
        assert_eq!(new(&[3, 2], 0), Err(WorkloadError::Batch));
        assert!(matches!(new(&[3, 0, 2], 1), Err(WorkloadError::Architecture(ArchitectureError::ZeroWidth { .. }))));
        let overflowing = new(&[usize::MAX, usize::MAX], 1);
        assert!(matches!(overflowing, Err(WorkloadError::Architecture(ArchitectureError::TooLarge { .. }))));
        let endless = new(&[3, 2], usize::MAX).expect("the network is small");
        assert_eq!(endless.samples::<f32>(), Err(WorkloadError::TooLarge { rows: usize::MAX, width: 3 }));
    }

    #[test]
    fn samples_are_what_their_targets_say() {
        let rows = 1000;
        for target in Target::ALL {
            let workload = Workload::new(&[3, 5], Activation::Relu, target, rows).expect("it is sound");
            let single: Samples<f32> = workload.samples().expect("there is memory");
            let double: Samples<f64> = workload.samples().expect("there is memory");
            assert_eq!(single.inputs, double.inputs.iter().map(|&x| x as f32).collect::<Vec<_>>());
            let mean = double.inputs.iter().sum::<f64>() / 3000.0;
            let square = double.inputs.iter().map(|x| x * x).sum::<f64>() / 3000.0;
            assert!(mean.abs() < 0.1 && (square - 1.0).abs() < 0.1, "{mean}, {square}");
            let ones = double.targets.iter().filter(|&&y| y == 1.0).count();
            let zeros = double.targets.iter().filter(|&&y| y == 0.0).count();
            match target {
                Target::Labels => assert!((1400..1600).contains(&ones) && ones + zeros == 5 * rows, "{ones}"),
                Target::Class => {
                    assert!(double.targets.chunks(5).all(|y| y.iter().sum::<f64>() == 1.0) && ones == rows)
                }
                Target::Numbers => assert_eq!(ones + zeros, 0),
            }
            let theta: Vec<f32> = workload.theta();
            assert_eq!(theta.len(), workload.architecture.params());
            assert!(theta[15..].iter().all(|&bias| bias == 0.0) && theta[..15].iter().all(|&weight| weight != 0.0));
        }
    }
}
