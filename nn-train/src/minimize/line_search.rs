//! How far to go along a direction: the line search of Moré and Thuente.

/// The strong Wolfe conditions on a step α along a direction, and when to give up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    /// c₁: the cost falls by at least c₁ times what the slope at 0 promises, φ(α) ≤ φ(0) + c₁ α φ'(0).
    pub(super) decrease: f64,
    /// c₂: the slope flattens to at most c₂ times that at 0, |φ'(α)| ≤ c₂ |φ'(0)|.
    pub(super) curvature: f64,
    /// The width, as a share of its upper end, below which an interval is not searched further.
    pub(super) width: f64,
}

/// A step, and the cost and slope there.
#[derive(Debug, Clone, Copy)]
struct Trial {
    step: f64,
    cost: f64,
    slope: f64,
}

/// What to do after a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Evaluate at [`LineSearch::step`].
    Try,
    /// The last trial satisfies the conditions.
    Accept,
    /// No other trial would help. The one of the lowest cost is what there is.
    Exhausted,
}

/// The search along one direction. It is told the cost φ(α) = J(Θ + α d) and the slope φ'(α) of each trial, and names
/// the next.
///
/// Moré and Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM Transactions on Mathematical
/// Software 20, 1994; their `dcsrch`, which SciPy's L-BFGS-B and CG search with as well. An interval that holds a step
/// as wanted is narrowed by cubics and secants through its ends. Beyond the paper, a trial whose cost or slope is not
/// finite is a step too far: the search comes back to a tenth of the way, and goes at most half of it from then on. And
/// where a decrease would be lost in the rounding of the cost, the slope alone decides, as in the approximate Wolfe
/// conditions of Hager and Zhang, "A new conjugate gradient method with guaranteed descent and an efficient line
/// search", SIAM Journal on Optimization 16, 2005.
#[derive(Debug)]
pub(super) struct LineSearch {
    conditions: Conditions,
    start: Trial,
    /// A cost that is no higher than what has been reached, up to rounding.
    reached: f64,
    /// The lowest trial, by the auxiliary function in the first stage, and the interval's other end.
    best: Trial,
    other: Trial,
    /// Whether a minimum lies between the two.
    bracketed: bool,
    /// Until a trial has a low enough cost and a slope that is not negative, the auxiliary function is searched.
    first_stage: bool,
    step: f64,
    /// Where the next trial may be.
    low: f64,
    high: f64,
    /// The longest step.
    most: f64,
    /// The interval's width, and the one before that.
    widths: [f64; 2],
    trials: usize,
}

/// The longest step of all.
const MOST: f64 = 1e20;
/// Trials of one search.
const TRIALS: usize = 20;
/// How far beyond a trial the next may be while there is no interval, in distances from the best one.
const EXTRAPOLATION: [f64; 2] = [1.1, 4.0];
/// An interval that has not shrunk to this share of its width in two trials is cut in two.
const SHRINKS: f64 = 0.66;

impl LineSearch {
    /// A search from a point of this cost, along a direction of this slope, which is negative. The first trial is at
    /// `first`. A cost up to `reached` is told from the lowest so far by rounding alone.
    pub(super) fn new(conditions: Conditions, (cost, reached): (f64, f64), slope: f64, first: f64) -> Self {
        let start = Trial { step: 0.0, cost, slope };
        let step = first.min(MOST);
        Self {
            conditions,
            start,
            reached,
            best: start,
            other: start,
            bracketed: false,
            first_stage: true,
            step,
            low: 0.0,
            high: step + EXTRAPOLATION[1] * step,
            most: MOST,
            widths: [MOST, 2.0 * MOST],
            trials: 0,
        }
    }

    /// The step α to evaluate next.
    pub(super) fn step(&self) -> f64 {
        self.step
    }

    /// Takes the cost and the slope at [`step`](Self::step).
    pub(super) fn advance(&mut self, cost: f64, slope: f64) -> Verdict {
        self.trials += 1;
        if !(cost.is_finite() && slope.is_finite()) {
            return self.retreat();
        }
        let trial = Trial { step: self.step, cost, slope };
        let promised = self.conditions.decrease * self.start.slope;
        let enough = self.start.cost + trial.step * promised;
        if cost <= enough.max(self.reached) && slope.abs() <= -self.conditions.curvature * self.start.slope {
            return Verdict::Accept;
        }
        let narrow = self.bracketed
            && (trial.step <= self.low
                || trial.step >= self.high
                || self.high - self.low <= self.conditions.width * self.high);
        let longest = trial.step == self.most && cost <= enough && slope <= promised;
        if narrow || longest || self.trials == TRIALS {
            return Verdict::Exhausted;
        }
        if cost <= enough && slope >= 0.0 {
            self.first_stage = false;
        }
        let next = if self.first_stage && cost <= self.best.cost && cost > enough {
            // ψ(α) = φ(α) - φ(0) - c₁ α φ'(0), of which a lower value is known to lie ahead.
            let (below, above) = (|t: Trial| tilted(t, -promised), |t: Trial| tilted(t, promised));
            (self.best, self.other) = (below(self.best), below(self.other));
            let next = self.narrow(below(trial));
            (self.best, self.other) = (above(self.best), above(self.other));
            next
        } else {
            self.narrow(trial)
        };
        self.choose(next)
    }

    /// Makes `next` the step, within what is allowed.
    fn choose(&mut self, mut next: f64) -> Verdict {
        let (best, other) = (self.best.step, self.other.step);
        if self.bracketed {
            let [width, before] = &mut self.widths;
            let now = (other - best).abs();
            if now >= SHRINKS * *before {
                next = best + 0.5 * (other - best);
            }
            (*before, *width) = (*width, now);
            (self.low, self.high) = (best.min(other), best.max(other));
        } else {
            [self.low, self.high] = EXTRAPOLATION.map(|factor| next + factor * (next - best));
        }
        next = next.clamp(0.0, self.most);
        let narrow = self.bracketed
            && (next <= self.low || next >= self.high || self.high - self.low <= self.conditions.width * self.high);
        if narrow || !next.is_finite() || next == self.step {
            return Verdict::Exhausted;
        }
        self.step = next;
        Verdict::Try
    }

    /// Comes back from a step whose cost or slope is not finite.
    fn retreat(&mut self) -> Verdict {
        let (best, ahead) = (self.best.step, self.step - self.best.step);
        if !self.bracketed {
            self.most = best + 0.5 * ahead;
        }
        let next = best + 0.1 * ahead;
        if next == best || self.trials == TRIALS {
            return Verdict::Exhausted;
        }
        self.step = next;
        Verdict::Try
    }

    /// Puts a trial into the interval and names a step within, or ahead while there is no interval: `dcstep`.
    fn narrow(&mut self, trial: Trial) -> f64 {
        let (best, other) = (self.best, self.other);
        let turned = trial.slope * best.slope.signum() < 0.0;
        let ahead = trial.step > best.step;
        let secant = trial.step + trial.slope / (trial.slope - best.slope) * (best.step - trial.step);
        let from_trial = |step: f64| (step - trial.step).abs();
        let next;
        if trial.cost > best.cost {
            // A higher cost: a minimum is in between. The cubic's if that is the nearer one to the best step, otherwise
            // half way to the parabola's.
            let cubic = cubic(best, trial).unwrap_or(f64::NAN);
            let rise = (best.cost - trial.cost) / (trial.step - best.step);
            let parabola = best.step + 0.5 * best.slope / (rise + best.slope) * (trial.step - best.step);
            let nearer = (cubic - best.step).abs() <= (parabola - best.step).abs();
            next = if nearer { cubic } else { cubic + 0.5 * (parabola - cubic) };
            self.bracketed = true;
            self.other = trial;
            return next;
        }
        if turned {
            // A slope of the other sign: a minimum is in between. The further one from the trial.
            let cubic = cubic(trial, best).unwrap_or(f64::NAN);
            next = if from_trial(cubic) > from_trial(secant) { cubic } else { secant };
            self.bracketed = true;
            self.other = best;
        } else if trial.slope.abs() < best.slope.abs() {
            // A flatter slope: the minimum is ahead. Where the cubic has none there, as far as is allowed.
            let limit = if ahead { self.high } else { self.low };
            let is_beyond = |step: &f64| if ahead { *step > trial.step } else { *step < trial.step };
            let cubic = cubic(trial, best).filter(is_beyond).unwrap_or(limit);
            let nearer = from_trial(cubic) < from_trial(secant);
            next = if self.bracketed {
                let step = if nearer { cubic } else { secant };
                let most = trial.step + SHRINKS * (other.step - trial.step);
                if ahead { step.min(most) } else { step.max(most) }
            } else {
                let step = if nearer { secant } else { cubic };
                // `clamp` would panic if the limits were no numbers.
                step.max(self.low).min(self.high)
            };
        } else if self.bracketed {
            // A steeper slope within an interval: the cubic through its other end.
            next = cubic(trial, other).unwrap_or(f64::NAN);
        } else {
            next = if ahead { self.high } else { self.low };
        }
        self.best = trial;
        next
    }
}

/// The trial as a function sees it to which the line of this slope through 0 is added.
fn tilted(trial: Trial, slope: f64) -> Trial {
    Trial { cost: trial.cost + trial.step * slope, slope: trial.slope + slope, ..trial }
}

/// The minimum of the cubic through two trials with their slopes, as seen from the first; `None` where it has none.
fn cubic(from: Trial, to: Trial) -> Option<f64> {
    let theta = 3.0 * (from.cost - to.cost) / (to.step - from.step) + from.slope + to.slope;
    let scale = theta.abs().max(from.slope.abs()).max(to.slope.abs());
    let square = (theta / scale).powi(2) - (from.slope / scale) * (to.slope / scale);
    if square.is_nan() || square < 0.0 {
        return None;
    }
    let gamma = scale * square.sqrt() * if to.step < from.step { -1.0 } else { 1.0 };
    let share = (gamma - from.slope + theta) / (gamma - from.slope + gamma + to.slope);
    Some(from.step + share * (to.step - from.step))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    type Function = Box<dyn Fn(f64) -> (f64, f64)>;

    /// The paper's functions, each with its slope: 5.1 to 5.3, and 5.4 with three pairs of β₁ and β₂; c₁ and c₂.
    fn functions() -> [(Function, f64, f64); 6] {
        let one = |a: f64| (-a / (a * a + 2.0), (a * a - 2.0) / (a * a + 2.0).powi(2));
        let two = |a: f64| {
            let t = a + 0.004;
            (t.powi(5) - 2.0 * t.powi(4), 5.0 * t.powi(4) - 8.0 * t.powi(3))
        };
        let three = |a: f64| {
            let (b, l) = (0.01, 39.0);
            let (value, slope) = match a {
                a if a <= 1.0 - b => (1.0 - a, -1.0),
                a if a >= 1.0 + b => (a - 1.0, 1.0),
                a => ((a - 1.0).powi(2) / (2.0 * b) + b / 2.0, (a - 1.0) / b),
            };
            let rate = l * PI / 2.0;
            (value + 2.0 * (1.0 - b) / (l * PI) * (rate * a).sin(), slope + (1.0 - b) * (rate * a).cos())
        };
        let four = |b1: f64, b2: f64| -> Function {
            let gamma = |b: f64| (1.0 + b * b).sqrt() - b;
            Box::new(move |a: f64| {
                let (x, y) = ((1.0 - a).hypot(b2), a.hypot(b1));
                (gamma(b1) * x + gamma(b2) * y, -gamma(b1) * (1.0 - a) / x + gamma(b2) * a / y)
            })
        };
        [
            (Box::new(one), 0.001, 0.1),
            (Box::new(two), 0.1, 0.1),
            (Box::new(three), 0.1, 0.1),
            (four(0.001, 0.001), 0.001, 0.001),
            (four(0.01, 0.001), 0.001, 0.001),
            (four(0.001, 0.01), 0.001, 0.001),
        ]
    }

    /// A search without an allowance for rounding.
    fn search(function: &dyn Fn(f64) -> (f64, f64), conditions: Conditions, first: f64) -> (Verdict, Vec<f64>) {
        let (cost, slope) = function(0.0);
        let mut search = LineSearch::new(conditions, (cost, f64::NEG_INFINITY), slope, first);
        let mut steps = Vec::new();
        loop {
            steps.push(search.step());
            let (cost, slope) = function(search.step());
            let verdict = search.advance(cost, slope);
            if verdict != Verdict::Try {
                return (verdict, steps);
            }
        }
    }

    /// The paper's tables 1 to 6: how many trials from the first steps 10⁻³, 10⁻¹, 10 and 10³, and where they end. The
    /// digits beyond the paper's two are those of SciPy 1.17.1's `DCSRCH`.
    #[test]
    fn trials_are_those_of_the_paper() {
        let expected = [
            [(6, 1.365), (3, 1.441372079), (1, 10.0), (4, 36.887606964)],
            [(12, 1.596), (8, 1.596), (8, 1.596), (11, 1.595999999)],
            [(12, 0.99999968), (12, 0.999998803), (10, 0.999999988), (13, 0.999999902)],
            [(4, 0.085), (1, 0.1), (3, 0.349104616), (4, 0.829401243)],
            [(6, 0.075010871), (3, 0.077510422), (7, 0.073142011), (8, 0.076159273)],
            [(13, 0.927903229), (11, 0.926150014), (8, 0.924781673), (11, 0.924397907)],
        ];
        for (number, ((function, decrease, curvature), row)) in functions().iter().zip(expected).enumerate() {
            let conditions = Conditions { decrease: *decrease, curvature: *curvature, width: 1e-14 };
            for (first, (trials, end)) in [1e-3, 0.1, 10.0, 1e3].into_iter().zip(row) {
                let (verdict, steps) = search(function, conditions, first);
                let found = steps[steps.len() - 1];
                assert_eq!((verdict, steps.len()), (Verdict::Accept, trials), "function {}: {steps:?}", number + 1);
                assert!((found - end).abs() < 1e-8, "function {} from {first}: {found}, expected {end}", number + 1);
            }
        }
    }
    #[test]
    fn a_step_that_satisfies_the_conditions_is_taken_at_once() {
        let conditions = Conditions { decrease: 1e-4, curvature: 0.9, width: 0.1 };
        // φ(α) = ½ (α - 1)², at its minimum.
        let (verdict, steps) = search(&|a| (0.5 * (a - 1.0) * (a - 1.0), a - 1.0), conditions, 1.0);
        assert_eq!((verdict, steps), (Verdict::Accept, vec![1.0]));
    }

    #[test]
    fn a_parabola_takes_one_more_trial() {
        let conditions = Conditions { decrease: 1e-4, curvature: 1e-6, width: 1e-14 };
        for first in [0.3, 1.7, 3.0] {
            let (verdict, steps) = search(&|a| (0.5 * (a - 1.0) * (a - 1.0), a - 1.0), conditions, first);
            assert_eq!((verdict, steps.len()), (Verdict::Accept, 2), "{steps:?}");
            assert!((steps[1] - 1.0).abs() < 1e-9, "{steps:?}");
        }
    }

    #[test]
    fn a_step_to_where_nothing_is_finite_is_shortened() {
        let conditions = Conditions { decrease: 1e-4, curvature: 0.1, width: 0.1 };
        for (cost, slope) in [(f64::NAN, f64::NAN), (f64::INFINITY, 1.0), (0.0, f64::NEG_INFINITY)] {
            // A minimum at 0.02, and a wall at 0.03.
            let walled = |a: f64| if a > 0.03 { (cost, slope) } else { (0.5 * (a - 0.02).powi(2), a - 0.02) };
            let (verdict, steps) = search(&walled, conditions, 1.0);
            assert_eq!(verdict, Verdict::Accept, "{steps:?}");
            assert!(steps.len() <= 6 && (steps[steps.len() - 1] - 0.02).abs() <= 0.002, "{steps:?}");
        }
    }

    #[test]
    fn a_search_ends_without_a_step_where_there_is_none() {
        let conditions = Conditions { decrease: 1e-4, curvature: 0.9, width: 1e-14 };
        // A slope that promises what the cost does not keep, and nothing but walls.
        for wrong in [|a: f64| (a, -1.0), |a: f64| (if a > 0.0 { f64::NAN } else { 0.0 }, -1.0)] {
            let (verdict, steps) = search(&wrong, conditions, 1.0);
            assert_eq!(verdict, Verdict::Exhausted);
            assert!(steps.len() <= TRIALS, "{steps:?}");
        }
    }

    #[test]
    fn where_the_cost_is_rounded_away_the_slope_decides() {
        let conditions = Conditions { decrease: 1e-4, curvature: 0.9, width: 0.1 };
        // φ(α) = 1 + 10⁻²⁰ (½ α² - α) in f64.
        let tiny = |a: f64| (1.0, 1e-20 * (a - 1.0));
        let (cost, slope) = tiny(0.0);
        for (reached, expected) in [(1.0 + 1e-15, Verdict::Accept), (1.0 - 1e-15, Verdict::Try)] {
            let mut search = LineSearch::new(conditions, (cost + 1e-16, reached), slope, 1.5);
            let (cost, slope) = tiny(search.step());
            // One rounding higher than at 0.
            assert_eq!(search.advance(cost + f64::EPSILON, slope), expected);
        }
    }
}
