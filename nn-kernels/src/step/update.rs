//! What becomes of parameters, given their gradient: an engine may ask for it piece by piece, while a piece is in cache.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::threads::{Shared, team_if};
use crate::{Element, InstructionSet, LayerRange};

/// Parameters that one thread updates at a time: 128 KiB of f32, which takes long compared with handing them over.
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
/// returns whether all results are finite.
///
/// # Panics
/// When the gradient is not as long as the parameters, or a slot that is in use is shorter.
pub fn update_all<T: Element>(
    update: &dyn Update<T>,
    set: InstructionSet,
    ranges: &[LayerRange],
    span: Span<'_, T>,
) -> bool {
    let Span { theta, gradient, slots } = span;
    let count = theta.len();
    assert_eq!(gradient.len(), count, "a gradient for every parameter");
    let updating = Updating::new(update, slots);
    let gradient = Shared::new(gradient);
    team_if(count > CHUNK, |team| {
        team.for_each(count.div_ceil(CHUNK), |_, chunk| {
            let range = chunk * CHUNK..count.min((chunk + 1) * CHUNK);
            // SAFETY: chunks share nothing, and each comes once.
            unsafe { updating.run_over(set, ranges, &theta[range.clone()], gradient.part(range.clone()), range) };
        });
    });
    updating.is_finite()
}

/// The update that belongs to a step, done piece by piece by several threads.
pub(super) struct Updating<'a, T> {
    update: &'a dyn Update<T>,
    /// The optimiser's memory before and after the step, as long as the parameters, or empty.
    slots: [(&'a [T], Shared<'a, T>); MAX_SLOTS],
    /// Whether everything that came of it was finite.
    finite: AtomicBool,
}

impl<'a, T: Element> Updating<'a, T> {
    pub(super) fn new(update: &'a dyn Update<T>, slots: [Slot<'a, T>; MAX_SLOTS]) -> Self {
        let slots = slots.map(|slot| (slot.old, Shared::new(slot.new)));
        Self { update, slots, finite: AtomicBool::new(true) }
    }

    /// Whether everything so far has been finite.
    pub(super) fn is_finite(&self) -> bool {
        self.finite.load(Ordering::Relaxed)
    }

    /// Updates the parameters of `range`, whose gradient is `gradient`: a part of one layer, or any where the rule does not mind.
    ///
    /// # Safety
    /// Nobody else updates these parameters meanwhile.
    pub(super) unsafe fn run(
        &self,
        set: InstructionSet,
        part: Part,
        theta: &[T],
        gradient: &mut [T],
        range: Range<usize>,
    ) {
        let slots = self.slots.each_ref().map(|(old, new)| {
            let range = if old.is_empty() { 0..0 } else { range.clone() };
            // SAFETY: the caller vouches for the range.
            Slot { old: &old[range.clone()], new: unsafe { new.part(range) } }
        });
        if !self.update.update(set, part, Span { theta, gradient, slots }) {
            self.finite.store(false, Ordering::Relaxed);
        }
    }

    /// As [`run`](Self::run), for parameters of any of the layers `ranges`.
    ///
    /// # Safety
    /// As for [`run`](Self::run).
    pub(super) unsafe fn run_over(
        &self,
        set: InstructionSet,
        ranges: &[LayerRange],
        theta: &[T],
        gradient: &mut [T],
        range: Range<usize>,
    ) {
        if !self.update.minds_part() {
            // SAFETY: the caller vouches for the range.
            return unsafe { self.run(set, Part::Weights, theta, gradient, range) };
        }
        for layer in ranges {
            for (part, of) in [(Part::Weights, &layer.weights), (Part::Bias, &layer.bias)] {
                let piece = of.start.max(range.start)..of.end.min(range.end);
                if piece.is_empty() {
                    continue;
                }
                let within = piece.start - range.start..piece.end - range.start;
                // SAFETY: a piece of the range that the caller vouches for.
                unsafe { self.run(set, part, &theta[within.clone()], &mut gradient[within], piece) };
            }
        }
    }
}
