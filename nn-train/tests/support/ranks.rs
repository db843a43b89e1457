//! Ranks that are threads of one process: what a collective promises, without MPI.
#![allow(dead_code, reason = "not every test program uses all of it")]

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use nn_train::collective::{Collective, CollectiveFault, Numbers};

/// What one rank brings to a meeting.
#[derive(Debug, Clone, PartialEq)]
enum Brought {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(Vec<u8>, usize),
    Nothing,
}

#[derive(Debug, Default)]
struct Meeting {
    number: u64,
    brought: Vec<Option<Brought>>,
    /// What all brought to the meeting that is over.
    over: Arc<Vec<Brought>>,
    left: Option<usize>,
}

#[derive(Debug, Default)]
struct Shared {
    meeting: Mutex<Meeting>,
    changed: Condvar,
}

/// A rank. When it is dropped, the others get an error where they wait for it.
#[derive(Debug)]
pub(crate) struct Rank {
    rank: usize,
    size: usize,
    shared: Arc<Shared>,
}

impl Rank {
    fn lock(&self) -> MutexGuard<'_, Meeting> {
        self.shared.meeting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings something, waits for the others, and returns what all have brought.
    fn meet(&self, own: Brought) -> Result<Arc<Vec<Brought>>, CollectiveFault> {
        let mut meeting = self.lock();
        let number = meeting.number;
        meeting.brought[self.rank] = Some(own);
        if meeting.brought.iter().all(Option::is_some) {
            meeting.over = Arc::new(meeting.brought.iter_mut().filter_map(Option::take).collect());
            meeting.number += 1;
            self.shared.changed.notify_all();
            return Ok(Arc::clone(&meeting.over));
        }
        while meeting.number == number {
            if let Some(rank) = meeting.left {
                return Err(CollectiveFault::Left { rank, reason: "its thread has ended".to_owned() });
            }
            meeting = self.shared.changed.wait(meeting).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(Arc::clone(&meeting.over))
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        self.lock().left.get_or_insert(self.rank);
        self.shared.changed.notify_all();
    }
}

/// Σ over the ranks in their order, which must all have brought as much.
fn add<T: Copy + std::ops::AddAssign + Default>(all: &[&Vec<T>], sum: &mut [T]) {
    sum.fill(T::default());
    for own in all {
        assert_eq!(own.len(), sum.len(), "ranks sum parts of different lengths");
        sum.iter_mut().zip(own.iter()).for_each(|(sum, own)| *sum += *own);
    }
}

impl Collective for Rank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_reduce(&self, numbers: Numbers<'_>) -> Result<(), CollectiveFault> {
        numbers.checked_len()?;
        match numbers {
            Numbers::F32 { own, sum } => {
                let all = self.meet(Brought::F32(own.to_vec()))?;
                let all: Vec<_> =
                    all.iter().map(|one| if let Brought::F32(own) = one { own } else { panic!("{one:?}") }).collect();
                add(&all, sum);
            }
            Numbers::F64 { own, sum } => {
                let all = self.meet(Brought::F64(own.to_vec()))?;
                let all: Vec<_> =
                    all.iter().map(|one| if let Brought::F64(own) = one { own } else { panic!("{one:?}") }).collect();
                add(&all, sum);
            }
        }
        Ok(())
    }

    fn broadcast(&self, bytes: &mut [u8], root: usize) -> Result<(), CollectiveFault> {
        let all = self.meet(Brought::Bytes(bytes.to_vec(), root))?;
        for one in all.iter() {
            let Brought::Bytes(other, from) = one else { panic!("{one:?}") };
            assert_eq!((other.len(), *from), (bytes.len(), root), "ranks broadcast different things");
        }
        let Brought::Bytes(from, _) = &all[root] else { unreachable!() };
        bytes.copy_from_slice(from);
        Ok(())
    }

    fn barrier(&self) -> Result<(), CollectiveFault> {
        let all = self.meet(Brought::Nothing)?;
        assert!(all.iter().all(|one| *one == Brought::Nothing), "not all ranks are at a barrier");
        Ok(())
    }
}

/// What each of so many ranks returns, in their order. A rank that panics makes the others end with an error.
pub(crate) fn on_ranks<R: Send>(size: usize, work: impl Fn(Arc<Rank>) -> R + Sync) -> Vec<R> {
    let meeting = Meeting { brought: vec![None; size], ..Meeting::default() };
    let shared = Arc::new(Shared { meeting: Mutex::new(meeting), changed: Condvar::new() });
    thread::scope(|scope| {
        let threads: Vec<_> = (0..size)
            .map(|rank| {
                let rank = Arc::new(Rank { rank, size, shared: Arc::clone(&shared) });
                scope.spawn(|| work(rank))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
