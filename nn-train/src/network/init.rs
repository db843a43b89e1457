//! Initial parameters.

use std::fmt;
use std::str::FromStr;

use nn_kernels::random::{self, ChaCha8Rng, Purpose};
use nn_kernels::{Architecture, Element, Layer, number_text};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::error::{Error, is_expressible};

/// The distribution of initial parameters, layer by layer, with n_in = S_l and n_out = S_{l+1}.
///
/// | | weights | from |
/// |---|---|---|
/// | Xavier | variance 2 / (n_in + n_out) | Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010, equations 12 and 16 |
/// | He | variance 2 / n_in | He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", ICCV 2015, equation 10 |
/// | LeCun | variance 1 / n_in | LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6 |
///
/// A uniform distribution of variance v lies in [-√(3v), √(3v)); a normal one has the deviation √v. In all three
/// the bias starts at 0.
///
/// Numbers are drawn in `f64` and rounded to the network's type; layer l (from 0) has the random stream
/// [`Purpose::Initialisation`] with index l to itself.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// Uniform, variance 2 / (n_in + n_out).
    XavierUniform,
    /// Normal, variance 2 / (n_in + n_out).
    XavierNormal,
    /// Uniform, variance 2 / n_in.
    HeUniform,
    /// Normal, variance 2 / n_in.
    HeNormal,
    /// Uniform, variance 1 / n_in.
    LecunUniform,
    /// Normal, variance 1 / n_in.
    LecunNormal,
    /// Every parameter, the bias among them, uniform in [-ε, ε): the symmetry breaking of A. Ng's machine-learning
    /// course (week 5), from which this crate's derivation comes. ε is finite and positive.
    Symmetric(f64),
}

impl Init {
    /// The default: Xavier uniform, whatever the activations.
    ///
    /// For relu He et al. derive twice the variance. On six sets of tabular data He's weights came to 8 to 12 % larger test
    /// errors than Xavier's, in networks of 2, 3 and 8 hidden layers: docs/initialisation.md in the repository has the
    /// table.
    pub const DEFAULT: Self = Self::XavierUniform;

    /// The name by which `network!` and messages know the distribution.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XavierUniform => "xavier_uniform",
            Self::XavierNormal => "xavier_normal",
            Self::HeUniform => "he_uniform",
            Self::HeNormal => "he_normal",
            Self::LecunUniform => "lecun_uniform",
            Self::LecunNormal => "lecun_normal",
            Self::Symmetric(_) => "symmetric",
        }
    }

    /// Whether numbers of type `T` can be drawn from the distribution: ε is finite and above 0, in `T` too.
    ///
    /// # Errors
    /// [`Error::Setting`] otherwise, as for `symmetric(1e300)` in `f32`.
    pub fn check<T: Element>(self) -> Result<(), Error> {
        let Self::Symmetric(epsilon) = self else { return Ok(()) };
        let wrong = |expected| Err(Error::number("init = symmetric", epsilon, expected));
        if !(epsilon.is_finite() && epsilon > 0.0) {
            return wrong("a finite number above 0");
        }
        if !is_expressible::<T>(epsilon) {
            return wrong("a number that is neither 0 nor infinite in f32");
        }
        Ok(())
    }

    /// The weights' variance in a layer, and whether they are normal rather than uniform.
    fn variance(self, layer: &Layer) -> (f64, bool) {
        let (inputs, outputs) = (layer.inputs as f64, layer.outputs as f64);
        match self {
            Self::XavierUniform => (2.0 / (inputs + outputs), false),
            Self::XavierNormal => (2.0 / (inputs + outputs), true),
            Self::HeUniform => (2.0 / inputs, false),
            Self::HeNormal => (2.0 / inputs, true),
            Self::LecunUniform => (1.0 / inputs, false),
            Self::LecunNormal => (1.0 / inputs, true),
            Self::Symmetric(epsilon) => (epsilon * epsilon / 3.0, false),
        }
    }
}

impl Default for Init {
    /// [`DEFAULT`](Self::DEFAULT).
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Init {
    /// As `network!` writes it: `he_normal`, `symmetric(0.12)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symmetric(epsilon) => write!(f, "symmetric({})", number_text(*epsilon)),
            other => f.write_str(other.name()),
        }
    }
}

/// A text that is no [`Init`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown initialisation {found:?}; expected xavier_uniform, xavier_normal, he_uniform, he_normal, lecun_uniform, \
     lecun_normal, or symmetric(ε) with a finite ε above 0"
)]
pub struct UnknownInit {
    /// The text found.
    pub found: String,
}

impl FromStr for Init {
    type Err = UnknownInit;

    /// The inverse of `Display`.
    fn from_str(text: &str) -> Result<Self, UnknownInit> {
        let name = text.trim();
        let epsilon = || {
            let argument = name.strip_prefix("symmetric")?.trim_start().strip_prefix('(')?.strip_suffix(')')?;
            argument.trim().parse().ok().filter(|epsilon: &f64| epsilon.is_finite() && *epsilon > 0.0)
        };
        let plain = [
            Self::XavierUniform,
            Self::XavierNormal,
            Self::HeUniform,
            Self::HeNormal,
            Self::LecunUniform,
            Self::LecunNormal,
        ];
        let known = plain.into_iter().find(|init| init.name() == name);
        known.or_else(|| epsilon().map(Self::Symmetric)).ok_or_else(|| UnknownInit { found: text.to_owned() })
    }
}

/// Uniform in [-bound, bound), 53 random bits a number.
fn uniform(generator: &mut ChaCha8Rng, bound: f64) -> f64 {
    bound * (2.0 * generator.random::<f64>() - 1.0)
}

/// Writes the initial parameters of a network into its flat slice.
pub(crate) fn initialize<T: Element>(architecture: &Architecture, init: Init, seed: u64, parameters: &mut [T]) {
    for ((index, layer), range) in (0_u32..).zip(architecture.layers()).zip(architecture.ranges()) {
        let mut generator = random::stream(seed, Purpose::Initialisation, index);
        if let Init::Symmetric(epsilon) = init {
            for parameter in &mut parameters[range.weights.start..range.bias.end] {
                *parameter = T::from_f64(uniform(&mut generator, epsilon));
            }
            continue;
        }
        let (variance, normal) = init.variance(layer);
        let (deviation, bound) = (variance.sqrt(), (3.0 * variance).sqrt());
        for weight in &mut parameters[range.weights] {
            *weight = T::from_f64(if normal {
                let standard: f64 = StandardNormal.sample(&mut generator);
                deviation * standard
            } else {
                uniform(&mut generator, bound)
            });
        }
        parameters[range.bias].fill(T::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let inits = [
            Init::XavierUniform,
            Init::XavierNormal,
            Init::HeUniform,
            Init::HeNormal,
            Init::LecunUniform,
            Init::LecunNormal,
            Init::Symmetric(0.12),
            Init::Symmetric(1e-300),
            Init::Symmetric(f64::MAX),
        ];
        for init in inits {
            assert_eq!(init.to_string().parse(), Ok(init));
        }
        assert_eq!(" symmetric ( 1e-3 ) ".parse(), Ok(Init::Symmetric(0.001)));
        for found in
            ["", "he", "He_normal", "symmetric", "symmetric(0)", "symmetric(-1)", "symmetric(NaN)", "symmetric(inf)"]
        {
            assert_eq!(found.parse::<Init>(), Err(UnknownInit { found: found.to_owned() }));
        }
        let message = "glorot".parse::<Init>().expect_err("is none").to_string();
        assert!(message.starts_with("unknown initialisation \"glorot\"; expected xavier_uniform, "), "{message}");
    }

    #[test]
    fn epsilon_is_a_number_above_0_in_the_networks_own_type() {
        let refused = |result: Result<(), Error>| result.expect_err("is refused").to_string();
        for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let message = refused(Init::Symmetric(epsilon).check::<f64>());
            assert_eq!(message, format!("init = symmetric is {epsilon}; expected a finite number above 0"));
        }
        for epsilon in [1e300, 1e-300] {
            assert_eq!(Init::Symmetric(epsilon).check::<f64>(), Ok(()));
            let message = refused(Init::Symmetric(epsilon).check::<f32>());
            assert!(message.ends_with("expected a number that is neither 0 nor infinite in f32"), "{message}");
        }
    }
}
