//! Plans of one-off predictions, costs and gradients, kept for the next one on the same thread.
//!
//! To plan takes longer than to predict with a small network. A call takes the plan out of the thread's list, or makes
//! one, and puts it back behind the others; so what falls off the front is what was not used for longest. While the call
//! works, the plan is in no list: a thread that waits for its pool may run another call in between.

use std::any::Any;
use std::cell::RefCell;

use nn_kernels::threads::count;
use nn_kernels::{Architecture, Element, InstructionSet};

use super::compute::Planned;
use crate::error::Error;

/// Plans of a thread for each element type, at most.
const MAX_PLANS: usize = 8;
/// Bytes of a thread's plans for each element type, at most. A network whose plan alone takes more computes so long that
/// planning does not count.
const MAX_BYTES: usize = 4 << 20;

/// What a plan depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Key<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) rows: usize,
    pub(super) threads: usize,
    pub(super) set: InstructionSet,
    /// Whether gradients are computed too.
    pub(super) backward: bool,
}

impl<'a> Key<'a> {
    /// For the current rayon pool, and the instruction set that the environment asks for.
    pub(super) fn new(architecture: &'a Architecture, rows: usize, backward: bool) -> Result<Self, Error> {
        let set = InstructionSet::from_environment().map_err(nn_kernels::StepError::from)?;
        Ok(Self { architecture, rows, threads: count(), set, backward })
    }
}

struct Entry<T: Element> {
    architecture: Architecture,
    rows: usize,
    threads: usize,
    set: InstructionSet,
    backward: bool,
    planned: Planned<T>,
}

impl<T: Element> Entry<T> {
    fn new(key: &Key<'_>) -> Result<Self, Error> {
        let Key { architecture, rows, threads, set, backward } = *key;
        let planned = Planned::new(key)?;
        Ok(Self { architecture: architecture.clone(), rows, threads, set, backward, planned })
    }

    fn key(&self) -> Key<'_> {
        let Self { ref architecture, rows, threads, set, backward, .. } = *self;
        Key { architecture, rows, threads, set, backward }
    }
}

/// The plans of a thread, the one that was used last at the end.
#[derive(Default)]
struct Plans {
    single: Vec<Entry<f32>>,
    double: Vec<Entry<f64>>,
}

thread_local! {
    static PLANS: RefCell<Plans> = RefCell::default();
}

/// Calls `work` with the thread's plans for numbers of type `T`; `None` where the thread is ending and has none.
fn with_plans<T: Element, R>(work: impl FnOnce(&mut Vec<Entry<T>>) -> R) -> Option<R> {
    PLANS
        .try_with(|plans| {
            let Plans { single, double } = &mut *plans.try_borrow_mut().ok()?;
            let lists: [&mut dyn Any; 2] = [single, double];
            lists.into_iter().find_map(|list| list.downcast_mut::<Vec<Entry<T>>>()).map(work)
        })
        .ok()
        .flatten()
}

/// Calls `work` with a plan for `key` that holds `parameters`.
pub(super) fn with<T: Element, R>(
    key: &Key<'_>,
    parameters: &[T],
    work: impl FnOnce(&mut Planned<T>) -> Result<R, Error>,
) -> Result<R, Error> {
    let kept = with_plans(|plans: &mut Vec<Entry<T>>| {
        let place = plans.iter().rposition(|entry| entry.key() == *key)?;
        Some(plans.remove(place))
    });
    let mut entry = match kept.flatten() {
        Some(entry) => entry,
        None => Entry::new(key)?,
    };
    entry.planned.import(parameters)?;
    let result = work(&mut entry.planned)?;
    // What has grown too large is dropped outside of the list, whose borrow ends before that.
    let _dropped = with_plans(|plans| keep(plans, entry));
    Ok(result)
}

/// Puts a plan behind the others, and takes out those for which there is no room any more.
fn keep<T: Element>(plans: &mut Vec<Entry<T>>, entry: Entry<T>) -> Vec<Entry<T>> {
    if entry.planned.bytes() > MAX_BYTES {
        return vec![entry];
    }
    if plans.capacity() == 0 {
        plans.reserve_exact(MAX_PLANS + 1);
    }
    plans.push(entry);
    let (mut count, mut bytes) = (0, 0);
    for entry in plans.iter().rev() {
        bytes += entry.planned.bytes();
        if count == MAX_PLANS || bytes > MAX_BYTES {
            break;
        }
        count += 1;
    }
    plans.drain(..plans.len() - count).collect()
}

#[cfg(test)]
mod tests {
    use nn_kernels::{Activation, Layer, Loss};

    use super::*;

    fn architecture(width: usize) -> Architecture {
        let layers = vec![Layer::new(width, width, Activation::Tanh), Layer::new(width, 1, Activation::Sigmoid)];
        Architecture::new(layers, Loss::CrossEntropy).expect("a network")
    }

    fn plan(architecture: &Architecture, rows: usize) {
        let key = Key::new(architecture, rows, false).expect("an instruction set");
        let parameters = vec![0.5_f32; architecture.params()];
        with(&key, &parameters, |_| Ok(())).expect("a plan");
    }

    fn kept() -> Vec<usize> {
        with_plans(|plans: &mut Vec<Entry<f32>>| plans.iter().map(|entry| entry.rows).collect()).expect("a list")
    }

    #[test]
    fn the_last_few_plans_are_kept() {
        let network = architecture(3);
        for rows in 1..=MAX_PLANS + 2 {
            plan(&network, rows);
        }
        assert_eq!(kept(), (3..=MAX_PLANS + 2).collect::<Vec<_>>());
        plan(&network, 3);
        assert_eq!(kept().last(), Some(&3));
        assert_eq!(kept().len(), MAX_PLANS);
        // Another network of the same widths has a plan of its own.
        plan(&architecture(4), 3);
        assert_eq!(kept().iter().filter(|rows| **rows == 3).count(), 2);
    }

    #[test]
    fn plans_are_bounded_in_bytes() {
        let network = architecture(8);
        plan(&network, 1);
        plan(&architecture(1100), 2);
        assert_eq!(kept(), [1], "a plan of more than the limit is not kept");
        for rows in [1000, 1001, 1002, 1003] {
            plan(&architecture(500), rows);
        }
        let bytes: usize =
            with_plans(|plans: &mut Vec<Entry<f32>>| plans.iter().map(|entry| entry.planned.bytes()).sum())
                .expect("a list");
        assert!(bytes <= MAX_BYTES, "{bytes} bytes");
    }

    #[test]
    fn a_call_within_a_call_has_a_plan_of_its_own() {
        let network = architecture(3);
        let key = Key::new(&network, 5, false).expect("an instruction set");
        let parameters = vec![0.5_f32; network.params()];
        let outer = with(&key, &parameters, |_| with(&key, &parameters, |planned| Ok(planned.bytes())));
        assert!(outer.is_ok_and(|bytes| bytes > 0));
        assert_eq!(kept(), [5, 5]);
    }
}
