//! Where the candidates of a search come from.

use nn_kernels::random::{self, ChaCha8Rng, Purpose};
use rand::RngExt;

use super::rounded;
use crate::error::Error;

/// The stream of candidates within `Purpose::Split`, after those of folds.
const CANDIDATES: u32 = 5;

/// A set of values that candidates of a [`Search`](super::Search) are drawn from, or laid out on a grid of: a
/// [`Choice`], [`Uniform`], [`LogUniform`], or a tuple of up to six spaces, whose values are tuples.
///
/// ```
/// use nn_train::prelude::*;
///
/// let space = (Choice::new([32, 64, 128]), LogUniform::new(1e-4, 1e-1));
/// let drawn: Vec<(usize, f64)> = space.sample(20, 7)?;
/// assert!(drawn.iter().all(|(_, rate)| (1e-4..=1e-1).contains(rate)));
///
/// let grid = space.grid(4)?;
/// assert_eq!(grid[..5], [(32, 0.0001), (32, 0.001), (32, 0.01), (32, 0.1), (64, 0.0001)]);
/// # Ok::<(), Error>(())
/// ```
///
/// A list of candidates of your own needs no space: [`Search`](super::Search) takes any.
pub trait Space {
    /// What a candidate is, or one of its numbers.
    type Value;

    /// The settings of the space are in their range.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is not.
    fn validate(&self) -> Result<(), Error>;

    /// A value at random.
    fn draw(&self, draw: &mut Draw) -> Self::Value;

    /// Values that cover the space evenly: all that there are, or as many as `points` of an interval.
    fn points(&self, points: usize) -> Vec<Self::Value>;

    /// `count` values drawn under `seed`. Fewer under the same seed are the first of them.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    fn sample(&self, count: usize, seed: u64) -> Result<Vec<Self::Value>, Error> {
        self.validate()?;
        let mut draw = Draw { generator: random::stream(seed, Purpose::Split, CANDIDATES) };
        Ok((0..count).map(|_| self.draw(&mut draw)).collect())
    }

    /// A grid: all values of a [`Choice`] and `points` of an interval, at least 2, from end to end; of a tuple each
    /// with each, the last one running fastest.
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 2 points, and as [`validate`](Self::validate).
    fn grid(&self, points: usize) -> Result<Vec<Self::Value>, Error> {
        if points < 2 {
            return Err(Error::argument("points", points, "at least 2"));
        }
        self.validate()?;
        Ok(self.points(points))
    }
}

/// Random numbers for [`Space::draw`].
#[derive(Debug)]
pub struct Draw {
    generator: ChaCha8Rng,
}

impl Draw {
    /// The next number, uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.generator.random()
    }
}

/// One of some values, each as likely as the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice<V> {
    values: Vec<V>,
}

impl<V> Choice<V> {
    /// One of these, at least one.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = V>) -> Self {
        Self { values: values.into_iter().collect() }
    }
}

impl<V: Clone> Space for Choice<V> {
    type Value = V;

    fn validate(&self) -> Result<(), Error> {
        if self.values.is_empty() {
            return Err(Error::Missing { what: "choice", expected: "at least 1" });
        }
        Ok(())
    }

    fn draw(&self, draw: &mut Draw) -> V {
        self.values[((draw.unit() * self.values.len() as f64) as usize).min(self.values.len() - 1)].clone()
    }

    fn points(&self, _: usize) -> Vec<V> {
        self.values.clone()
    }
}

/// A number of an interval, each as likely as the others: a dropout probability, a momentum. Rounded to three
/// significant digits, so that it can be read and written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uniform {
    least: f64,
    most: f64,
}

impl Uniform {
    /// From `least` to `most`, finite and growing.
    #[must_use]
    pub const fn new(least: f64, most: f64) -> Self {
        Self { least, most }
    }

    fn at(&self, share: f64) -> f64 {
        rounded(self.least * (1.0 - share) + self.most * share).clamp(self.least, self.most)
    }
}

impl Space for Uniform {
    type Value = f64;

    fn validate(&self) -> Result<(), Error> {
        check_interval("Uniform", self.least, self.most, f64::NEG_INFINITY, "two finite numbers, the lower first")
    }

    fn draw(&self, draw: &mut Draw) -> f64 {
        self.at(draw.unit())
    }

    fn points(&self, points: usize) -> Vec<f64> {
        shares(points).map(|share| self.at(share)).collect()
    }
}

/// A positive number whose logarithm is uniform, so that each power of ten is as likely as the others: a learning rate,
/// a λ. Rounded to three significant digits, so that it can be read and written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogUniform {
    least: f64,
    most: f64,
}

impl LogUniform {
    /// From `least` to `most`, finite, positive and growing.
    #[must_use]
    pub const fn new(least: f64, most: f64) -> Self {
        Self { least, most }
    }

    fn at(&self, share: f64) -> f64 {
        rounded((self.least.ln() * (1.0 - share) + self.most.ln() * share).exp()).clamp(self.least, self.most)
    }
}

impl Space for LogUniform {
    type Value = f64;

    fn validate(&self) -> Result<(), Error> {
        check_interval("LogUniform", self.least, self.most, 0.0, "two finite, positive numbers, the lower first")
    }

    fn draw(&self, draw: &mut Draw) -> f64 {
        self.at(draw.unit())
    }

    fn points(&self, points: usize) -> Vec<f64> {
        shares(points).map(|share| self.at(share)).collect()
    }
}

/// From 0 to 1, both included.
fn shares(points: usize) -> impl Iterator<Item = f64> {
    (0..points).map(move |point| point as f64 / points.saturating_sub(1).max(1) as f64)
}

/// An interval above `above`, which is not empty.
fn check_interval(name: &'static str, least: f64, most: f64, above: f64, expected: &'static str) -> Result<(), Error> {
    if least.is_finite() && most.is_finite() && above < least && least < most {
        return Ok(());
    }
    Err(Error::setting(name, format!("from {least} to {most}"), expected))
}

macro_rules! tuples {
    ($($space:ident $place:tt),+) => {
        impl<$($space: Space<Value: Clone>),+> Space for ($($space,)+) {
            type Value = ($($space::Value,)+);

            fn validate(&self) -> Result<(), Error> {
                $(self.$place.validate()?;)+
                Ok(())
            }

            fn draw(&self, draw: &mut Draw) -> Self::Value {
                ($(self.$place.draw(draw),)+)
            }

            fn points(&self, points: usize) -> Vec<Self::Value> {
                let axes = ($(self.$place.points(points),)+);
                let lengths = [$(axes.$place.len()),+];
                let count = lengths.iter().product();
                (0..count)
                    .map(|number| {
                        // The digits of a number whose last place runs fastest.
                        let mut rest = number;
                        let mut digits = lengths.map(|_| 0);
                        for (digit, length) in digits.iter_mut().zip(lengths).rev() {
                            *digit = rest % length;
                            rest /= length;
                        }
                        ($(axes.$place[digits[$place]].clone(),)+)
                    })
                    .collect()
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
