//! Nonlinear conjugate gradients.

use std::sync::Arc;

use nn_kernels::{Element, EngineKind, InstructionSet};

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

/// Nonlinear conjugate gradients by Polak and Ribière, PR+: each direction is the steepest descent plus β times the
/// direction before. Each evaluation takes the whole data set, as with [`Lbfgs`](crate::Lbfgs), which nearly always
/// needs fewer of them. Conjugate gradients need less memory.
///
/// ```
/// use nn_train::prelude::*;
///
/// network! { struct Xor<2 => 4 tanh => 1>: f64; }
///
/// let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// let mut net = Xor::new(42);
/// let solution = ConjugateGradient::default().l2(0.01).minimize(&mut net, &data)?;
/// println!("{solution}");
/// assert!(net.predict(&[1.0, 0.0])[0] > 0.9);
/// # Ok::<(), Error>(())
/// ```
///
/// # Method
/// d = -Δ' + β d with β = max(0, Δ'·(Δ' - Δ) / Δ·Δ): Polak and Ribière 1969, with the bound at 0 of Gilbert and
/// Nocedal, "Global convergence properties of conjugate gradient methods for optimization", SIAM Journal on
/// Optimization 2, 1992 (Nocedal and Wright, "Numerical Optimization", second edition, 2006, algorithm 5.4 with
/// equation 5.45).
///
/// The line search is that of Moré and Thuente, 1994. It looks for a step that satisfies the strong Wolfe conditions
/// with c₁ = 10⁻⁴ and c₂ = 0.1, the c₂ that the book names for conjugate gradients: a c₂ of ½ or more may lead to
/// directions that do not descend. For this β not even a small c₂ rules them out. So a d that descends by less than a
/// hundredth of what -Δ' would, d·Δ' > -0.01 Δ'·Δ', is given up for d = -Δ', which starts anew: Gilbert and Nocedal ask
/// for such a bound, and SciPy takes the same hundredth. Where rounding or a kink keeps the search from a step of that
/// kind, the lowest point that it has seen is the next one.
///
/// SciPy's `CG` differs in c₂ = 0.4 and in first steps of at most 1, and takes a quarter more evaluations on the
/// problems of the tests.
///
/// # Memory
/// 7 vectors as long as the parameters.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is trained before `minimize`"]
pub struct ConjugateGradient {
    settings: Settings,
}

impl ConjugateGradient {
    /// What several processes must have alike.
    fn described(&self) -> String {
        "conjugate gradients".to_owned()
    }

    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }
}

settings!(ConjugateGradient, |_: &Self, set| Conjugate { set, last: None });

/// How much of the steepest descent's slope a direction must have.
const DESCENT: f64 = 0.01;

/// The directions -Δ + β d.
struct Conjugate {
    set: InstructionSet,
    last: Option<Last>,
}

/// What the last step told.
struct Last {
    /// β.
    beta: f64,
    /// By how much the cost fell.
    fall: f64,
}

impl<T: Element> Directions<T> for Conjugate {
    const CONDITIONS: Conditions = Conditions { decrease: 1e-4, curvature: 0.1, width: 1e-14 };

    fn direct(&mut self, point: &Point<T>, direction: &mut [T]) -> Option<f64> {
        let set = self.set;
        let Last { beta, fall } = *self.last.as_ref()?;
        let gradient = point.gradient();
        add(set, direction, (-1.0, gradient), beta);
        let (mut slope, steepest) = (dot(set, gradient, direction), dot(set, gradient, gradient));
        if slope.is_nan() || slope > -DESCENT * steepest {
            combine(set, direction, (-1.0, gradient), (0.0, gradient));
            slope = -steepest;
        }
        // The step on which a parabola of this slope falls as far as the last step did (Nocedal and Wright, equation
        // 3.60).
        let step = -2.0 * fall / slope;
        Some(if step > 0.0 { step } else { 1.0 })
    }

    fn learn(&mut self, before: &Point<T>, after: &Point<T>) -> Result<(), Error> {
        let (set, old, new) = (self.set, before.gradient(), after.gradient());
        let change = dot(set, new, new) - dot(set, old, new);
        let beta = (change / dot(set, old, old)).max(0.0);
        self.last = Some(Last { beta, fall: before.cost - after.cost });
        Ok(())
    }

    fn forget(&mut self) {
        self.last = None;
    }
}
