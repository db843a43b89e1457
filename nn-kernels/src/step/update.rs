//! What becomes of parameters, given their gradient: an engine may ask for it piece by piece, while a piece is in cache.

use crate::threads::join;
use crate::{Element, InstructionSet, LayerRange};

/// Parameters that one thread updates at a time: 128 KiB of f32, which is long compared with handing them over.
pub(super) const CHUNK: usize = 1 << 15;

/// Which parameters of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Θ_w.
    Weights,
    /// Column 0.
    Bias,
}

/// The most numbers that an optimiser may keep for each parameter. AMSGrad and a centred RMSProp with momentum have three.
pub const MAX_SLOTS: usize = 4;

/// One number that an optimiser keeps for each parameter: its values before the step, and room for those after it.
///
/// Two places, so that a step that fails leaves the optimiser's memory as it was. Both are empty in a slot that the
/// optimiser does not use.
#[derive(Debug)]
pub struct Slot<'a, T> {
    /// Before the step.
    pub old: &'a [T],
    /// After the step; what stands here before is not read. An engine may leave out what pads its layout: let it be zeros
    /// the first time.
    pub new: &'a mut [T],
}

impl<T> Default for Slot<'_, T> {
    /// A slot that is not used.
    fn default() -> Self {
        Self { old: &[], new: &mut [] }
    }
}

impl<T> Slot<'_, T> {
    fn split_at(self, middle: usize) -> (Self, Self) {
        let Self { old, new } = self;
        let (old, old_tail) = old.split_at(middle.min(old.len()));
        let (new, new_tail) = new.split_at_mut(middle.min(new.len()));
        (Self { old, new }, Self { old: old_tail, new: new_tail })
    }
}

/// A run of parameters with all that belongs to them.
#[derive(Debug)]
pub struct Span<'a, T> {
    /// Θ before the step.
    pub theta: &'a [T],
    /// The gradient Δ, which becomes Θ after the step.
    pub gradient: &'a mut [T],
    /// The optimiser's memory of each parameter.
    pub slots: [Slot<'a, T>; MAX_SLOTS],
}

impl<'a, T> Span<'a, T> {
    /// Parameters of an optimiser without memory.
    #[must_use]
    pub fn new(theta: &'a [T], gradient: &'a mut [T]) -> Self {
        Self { theta, gradient, slots: Default::default() }
    }

    /// The same with the first slots in use, up to [`MAX_SLOTS`] of them.
    #[must_use]
    pub fn with_slots(mut self, slots: impl IntoIterator<Item = Slot<'a, T>>) -> Self {
        for (place, slot) in self.slots.iter_mut().zip(slots) {
            *place = slot;
        }
        self
    }

    /// The parameters before `middle`, and the others.
    ///
    /// # Panics
    /// When there are fewer than `middle`.
    #[must_use]
    pub fn split_at(self, middle: usize) -> (Self, Self) {
        let Self { theta, gradient, slots } = self;
        let (theta, theta_tail) = theta.split_at(middle);
        let (gradient, gradient_tail) = gradient.split_at_mut(middle);
        let mut tails: [Slot<'a, T>; MAX_SLOTS] = Default::default();
        let mut tail = tails.iter_mut();
        let slots = slots.map(|slot| {
            let (head, rest) = slot.split_at(middle);
            if let Some(tail) = tail.next() {
                *tail = rest;
            }
            head
        });
        (Self { theta, gradient, slots }, Self { theta: theta_tail, gradient: gradient_tail, slots: tails })
    }
}

/// An optimiser's rule, parameter by parameter. Into which pieces the parameters are cut changes no bit.
///
/// A parameter that is zero, with a gradient and a memory of zeros, stays zero: engines fill up their layouts with such
/// parameters.
pub trait Update<T>: Sync {
    /// Replaces the gradient Δ of a run of parameters of one layer by the new parameters, writes the optimiser's new memory,
    /// and returns whether all of that is finite. Θ and the old memory stay as they are.
    fn update(&self, set: InstructionSet, part: Part, span: Span<'_, T>) -> bool;

    /// The numbers that it keeps for each parameter: the slots that a span must have, [`MAX_SLOTS`] at the most.
    fn slots(&self) -> usize;

    /// Whether weights and biases have rules of their own. Where they do not, a run may go on from one to the other.
    fn minds_part(&self) -> bool;
}

/// The result of a step with its update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stepped {
    /// J before the step, the λ term included.
    pub cost: f64,
    /// Whether the update has been computed: not where the cost was known not to be finite before.
    pub updated: bool,
    /// Whether the new parameters and the optimiser's new memory are finite; it says nothing of the cost.
    pub finite: bool,
}

/// Applies a rule to all parameters of a network, whose layers are `ranges`, on the current rayon pool if there are many;
/// returns whether all results are finite. The ranges adjoin, each layer's weights before its bias, from 0 on.
///
/// # Panics
/// When the span is shorter than the ranges.
pub fn update_all<T: Element>(
    update: &dyn Update<T>,
    set: InstructionSet,
    ranges: &[LayerRange],
    span: Span<'_, T>,
) -> bool {
    if !update.minds_part() {
        return update_part(update, set, Part::Weights, span);
    }
    let mut rest = span;
    let mut finite = true;
    for range in ranges {
        for (part, len) in [(Part::Weights, range.weights.len()), (Part::Bias, range.bias.len())] {
            let (head, tail) = rest.split_at(len);
            finite &= update_part(update, set, part, head);
            rest = tail;
        }
    }
    finite
}

fn update_part<T: Element>(update: &dyn Update<T>, set: InstructionSet, part: Part, span: Span<'_, T>) -> bool {
    let count = span.theta.len();
    if count <= CHUNK {
        return update.update(set, part, span);
    }
    let (left, right) = span.split_at((count / 2).next_multiple_of(CHUNK));
    let (left, right) = join(|| update_part(update, set, part, left), || update_part(update, set, part, right));
    left && right
}
