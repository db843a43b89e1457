//! Limited-memory BFGS.

use std::collections::VecDeque;
use std::sync::Arc;

use nn_kernels::{Buffer, Element, EngineKind, InstructionSet};

use super::descent::{self, Directions};
use super::line_search::Conditions;
use super::objective::Point;
use super::settings::{Settings, settings};
use super::solution::{Iteration, Solution};
use crate::collective::Collective;
use crate::data::TrainingData;
use crate::error::Error;
use crate::network::Network;
use crate::train::{Signal, Threads};
use crate::vector::{add, combine, dot};

/// Limited-memory BFGS, a quasi-Newton method: each evaluation takes the whole data set, and the last few steps with
/// the changes of the gradient along them stand for the curvature of the cost. There is no learning rate, no batch size
/// and no epoch.
///
/// It is the better way where the data is small and the minimum is wanted to many digits: fits to some thousand
/// samples, curves, calibrations. Adam in small batches is the better way where the data is large. It goes
/// to the minimum of the training cost, which is no virtue in a large network: set [`l2`](Self::l2).
///
/// ```
/// use nn_train::prelude::*;
///
/// network! { struct Curve<1 => 8 tanh => 1 linear>: f64; }
///
/// let xs: Vec<[f64; 1]> = (0..50).map(|i| [i as f64 / 25.0 - 1.0]).collect();
/// let ys: Vec<[f64; 1]> = xs.iter().map(|[x]| [(3.0 * x).sin()]).collect();
/// let data = Dataset::new(xs, ys)?;
///
/// let mut net = Curve::new(1);
/// let solution = Lbfgs::default().memory(20).max_iterations(500).l2(1e-4).minimize(&mut net, &data)?;
/// println!("{solution}");
/// assert!(solution.reason.is_converged() && solution.cost < 1e-3);
/// # Ok::<(), Error>(())
/// ```
///
/// # Method
/// Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming 45,
/// 1989; the two-loop recursion is algorithm 7.4 of Nocedal and Wright, "Numerical Optimization", second edition, 2006.
/// The line search of Moré and Thuente, 1994, looks for a step that satisfies the strong Wolfe conditions with c₁ = 10⁻³
/// and c₂ = 0.9: the constants and the search of SciPy's `L-BFGS-B`, which is what scikit-learn's `solver="lbfgs"`
/// calls. Where it finds none, since its interval is narrower than a tenth of the step, the lowest point that it has
/// seen is the next one. The conditions make s·y positive, which keeps the inverse curvature positive definite; a step
/// on which it is not, beyond rounding, is not remembered.
///
/// # Memory
/// 2 · [`memory`](Self::memory) + 9 vectors as long as the parameters.
#[derive(Debug, Clone)]
#[must_use = "nothing is trained before `minimize`"]
pub struct Lbfgs {
    memory: usize,
    settings: Settings,
}

impl Default for Lbfgs {
    /// The last 10 steps, at most 1000 iterations and 15 000 evaluations, the tolerances 10⁻⁵ for the gradient and
    /// 2.2 · 10⁻⁹ for the cost, no λ, all threads.
    fn default() -> Self {
        Self { memory: 10, settings: Settings::default() }
    }
}

impl Lbfgs {
    /// How many of the last steps stand for the curvature, at least 1; 10 unless set. 3 to 20 are usual.
    pub fn memory(self, memory: usize) -> Self {
        Self { memory, ..self }
    }

    /// What several processes must have alike.
    fn described(&self) -> String {
        format!("L-BFGS with a memory of {}", self.memory)
    }

    fn validate(&self) -> Result<(), Error> {
        if self.memory == 0 {
            return Err(Error::setting("memory", self.memory, "at least 1"));
        }
        Ok(())
    }
}

settings!(Lbfgs, |lbfgs: &Self, set| QuasiNewton { set, memory: lbfgs.memory, pairs: VecDeque::new(), spare: None });

/// A step s = Θ' - Θ, and the change of the gradient y = Δ' - Δ along it.
struct Pair<T> {
    s: Buffer<T>,
    y: Buffer<T>,
    /// ρ = 1 / s·y.
    rho: f64,
    /// s·y / y·y, the scale of the inverse curvature.
    gamma: f64,
    /// α of the first loop, for the second.
    alpha: f64,
}

impl<T: Element> Pair<T> {
    fn new(params: usize) -> Result<Self, Error> {
        let (s, y) = (Buffer::zeros(params)?, Buffer::zeros(params)?);
        Ok(Self { s, y, rho: 0.0, gamma: 0.0, alpha: 0.0 })
    }
}

/// The directions -H Δ, in which H is the inverse of the curvature that the last pairs tell.
struct QuasiNewton<T> {
    set: InstructionSet,
    memory: usize,
    /// The oldest first.
    pairs: VecDeque<Pair<T>>,
    /// Room for the next one.
    spare: Option<Pair<T>>,
}

impl<T: Element> Directions<T> for QuasiNewton<T> {
    const CONDITIONS: Conditions = Conditions { decrease: 1e-3, curvature: 0.9, width: 0.1 };

    fn direct(&mut self, point: &Point<T>, direction: &mut [T]) -> Option<f64> {
        let set = self.set;
        let gamma = self.pairs.back()?.gamma;
        let gradient = point.gradient();
        combine(set, direction, (-1.0, gradient), (0.0, gradient));
        for pair in self.pairs.iter_mut().rev() {
            pair.alpha = pair.rho * dot(set, pair.s.as_slice(), direction);
            add(set, direction, (-pair.alpha, pair.y.as_slice()), 1.0);
        }
        // H of before the first pair is γ times the identity.
        let mut scale = gamma;
        for pair in &self.pairs {
            let beta = pair.rho * scale * dot(set, pair.y.as_slice(), direction);
            add(set, direction, (pair.alpha - beta, pair.s.as_slice()), scale);
            scale = 1.0;
        }
        Some(1.0)
    }

    fn learn(&mut self, before: &Point<T>, after: &Point<T>) -> Result<(), Error> {
        let set = self.set;
        let mut pair = match self.spare.take() {
            Some(pair) => pair,
            None => Pair::new(before.theta().len())?,
        };
        combine(set, pair.s.as_mut_slice(), (1.0, after.theta()), (-1.0, before.theta()));
        combine(set, pair.y.as_mut_slice(), (1.0, after.gradient()), (-1.0, before.gradient()));
        let (s, y) = (pair.s.as_slice(), pair.y.as_slice());
        let (sy, ss, yy) = (dot(set, s, y), dot(set, s, s), dot(set, y, y));
        // Without curvature above rounding the pair would make H indefinite, or its numbers infinite.
        let floor = T::EPSILON.to_f64() * (ss * yy).sqrt();
        if sy > floor && (1.0 / sy).is_finite() {
            (pair.rho, pair.gamma) = (1.0 / sy, sy / yy);
            self.pairs.push_back(pair);
            if self.pairs.len() > self.memory {
                self.spare = self.pairs.pop_front();
            }
        } else {
            self.spare = Some(pair);
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.pairs.clear();
    }
}
