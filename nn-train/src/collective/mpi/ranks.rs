//! How ranks wait for each other, and what they do where one does not come.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::notice::Notice;
use super::wait::Wait;
use super::world::{STAGED, Transfer, World};
use crate::collective::CollectiveFault;

/// How long the others may be silent, unless told otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// What a rank that has left had sent before may still be on its way.
const GRACE: Duration = Duration::from_secs(1);
/// A rank that has come to its end tells the others after so long, if they have not.
const END: Duration = Duration::from_secs(1);
/// How long a rank that cannot go on waits for the others to hear of it, before it may end and mpirun the others.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) struct Ranks {
    pub(super) rank: usize,
    pub(super) size: usize,
    world: Mutex<World>,
    /// Milliseconds.
    patience: AtomicU64,
    /// Who is in a sum.
    turn: Mutex<()>,
    /// Who has left, as another rank says, and since when that is known. What was sent before may come all the same.
    heard: Mutex<Option<(Instant, Notice)>>,
    /// Why nothing can be summed any more.
    fault: OnceLock<CollectiveFault>,
}

impl Ranks {
    pub(super) fn new(world: World, rank: usize, size: usize) -> Self {
        let patience = AtomicU64::new(PATIENCE.as_millis() as u64);
        Self {
            rank,
            size,
            world: Mutex::new(world),
            patience,
            turn: Mutex::new(()),
            heard: Mutex::new(None),
            fault: OnceLock::new(),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_patience(&self, patience: Duration) {
        self.patience.store(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.patience.load(Ordering::Relaxed))
    }

    /// The right to be in a sum.
    pub(super) fn turn(&self, operation: &'static str) -> Result<MutexGuard<'_, ()>, CollectiveFault> {
        if let Some(fault) = self.fault.get() {
            return Err(fault.clone());
        }
        match self.turn.try_lock() {
            Ok(turn) => Ok(turn),
            Err(std::sync::TryLockError::Poisoned(turn)) => Ok(turn.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => Err(CollectiveFault::Busy { operation }),
        }
    }

    /// Nothing can be summed any more. The others are told, unless they know already.
    fn failed(&self, fault: CollectiveFault, all_know: bool) -> CollectiveFault {
        let mut news = false;
        let fault = self.fault.get_or_init(|| {
            news = true;
            fault
        });
        if news && !all_know {
            let notice = Notice::of(fault, self.rank);
            for rank in (0..self.size).filter(|&rank| rank != self.rank) {
                // One that cannot be told will end by its patience.
                let _ = self.world().send_notice(&notice, rank);
            }
        }
        fault.clone()
    }

    /// This rank leaves the others, and tells them why.
    pub(super) fn leave(&self, reason: String) {
        self.failed(CollectiveFault::Left { rank: self.rank, reason }, false);
    }

    /// Sums or sends a part, and waits for it. Who has the turn calls.
    pub(super) fn transfer(&self, operation: &'static str, mut transfer: Transfer<'_>) -> Result<(), CollectiveFault> {
        if transfer.bytes() <= STAGED {
            let started = self.world().start_staged(operation, &transfer);
            started.map_err(|fault| self.failed(fault, false))?;
            self.await_staged(operation)?;
            self.world().fetch(&mut transfer);
            return Ok(());
        }
        self.meet(operation)?;
        // SAFETY: the buffers are borrowed for longer than this call, which ends only when nothing is under way.
        unsafe { self.hand_over(operation, transfer) };
        self.await_flights(operation)
    }

    /// Waits until all ranks have come here.
    pub(super) fn barrier(&self, operation: &'static str) -> Result<(), CollectiveFault> {
        let started = self.world().start_barrier(operation);
        started.map_err(|fault| self.failed(fault, false))?;
        self.await_staged(operation)
    }

    fn await_staged(&self, operation: &'static str) -> Result<(), CollectiveFault> {
        let mut wait = Wait::new();
        loop {
            let done = self.world().test_staged(operation);
            if done.map_err(|fault| self.failed(fault, false))? {
                return Ok(());
            }
            if let Some(waited) = wait.pause() {
                self.look(operation, waited)?;
            }
        }
    }

    /// Before what is handed over next.
    pub(super) fn meet(&self, operation: &'static str) -> Result<(), CollectiveFault> {
        let met = self.world().meet(operation);
        met.map_err(|fault| self.failed(fault, false))
    }

    /// Sums or sends a part as soon as the ranks have met.
    ///
    /// # Safety
    /// Its buffers stay where they are until [`Self::await_flights`] has returned. Until then nobody writes to what is read and
    /// touches what is written.
    pub(super) unsafe fn hand_over(&self, operation: &'static str, transfer: Transfer<'_>) {
        let mut world = self.world();
        // SAFETY: as the caller guarantees; `await_flights` returns when one of the two is so.
        unsafe { world.hand_over(transfer) };
        world.advance(operation);
    }

    /// Moves on what was handed over, and says how much of it is under way.
    pub(super) fn move_on(&self) -> usize {
        let mut world = self.world();
        world.advance("all_reduce_beside");
        world.under_way()
    }

    /// Waits until nothing that was handed over is under way. Where the ranks have met and one does not do its part, the job is
    /// ended: MPI may still write to the buffers.
    pub(super) fn await_flights(&self, operation: &'static str) -> Result<(), CollectiveFault> {
        let mut wait = Wait::new();
        loop {
            let mut world = self.world();
            if world.advance(operation) {
                let fault = world.take_fault();
                drop(world);
                return fault.map_or(Ok(()), |fault| Err(self.failed(fault, false)));
            }
            let met = world.have_met();
            drop(world);
            match wait.pause() {
                Some(waited) if met && waited > self.patience() => self.abort(),
                Some(waited) if !met => {
                    // They may have met since then.
                    if let Err(fault) = self.look(operation, waited)
                        && self.world().forget_queue()
                    {
                        return Err(fault);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether it is in vain to have waited for so long, and to go on.
    fn look(&self, operation: &'static str, waited: Duration) -> Result<(), CollectiveFault> {
        // Another thread may have left.
        if let Some(fault) = self.fault.get() {
            return Err(fault.clone());
        }
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two the one that has a reason.
        if heard.as_ref().is_none_or(|(_, notice)| notice.ended) {
            // The lock is let go of before anybody is told.
            let notice = self.world().notice(operation);
            let notice = notice.map_err(|fault| self.failed(fault, false))?;
            let since = heard.as_ref().map_or_else(Instant::now, |(since, _)| *since);
            if let Some(notice) = notice {
                *heard = Some((since, notice));
            }
        }
        if let Some((since, notice)) = &*heard
            && waited.min(since.elapsed()) > GRACE
        {
            // Who has failed tells all; who has come to its end tells one.
            return Err(self.failed(notice.fault(), !notice.ended));
        }
        drop(heard);
        if waited > self.patience() {
            let seconds = self.patience().as_secs();
            return Err(self.failed(CollectiveFault::Silence { operation, seconds }, false));
        }
        Ok(())
    }

    /// Ends the job at once.
    pub(super) fn abort(&self) -> ! {
        self.world().abort()
    }

    /// Waits for the others at the end: whether all have come there as they should.
    pub(super) fn farewell(&self) -> bool {
        let failed = self.fault.get().is_some();
        let begun = Instant::now();
        // One of the others may be writing a file for an hour; of one that is gone mpirun knows.
        let mut limit = if failed { FAREWELL } else { Duration::MAX };
        let (mut wait, mut told) = (Wait::new(), false);
        loop {
            match self.world().farewell(failed) {
                Ok(Some(any_failed)) => return !any_failed,
                Ok(None) => {}
                Err(_) => return false,
            }
            if wait.pause().is_none() {
                continue;
            }
            let waited = begun.elapsed();
            if waited > limit {
                return false;
            }
            if !failed && !told && waited > END {
                told = true;
                // It tells the next in turn when it has come to its end itself: whoever has not gets to know.
                let _ = self.world().send_notice(&Notice::end(self.rank), (self.rank + 1) % self.size);
            }
            let notice = self.world().notice("end");
            if matches!(notice, Ok(Some(Notice { ended: false, .. }))) {
                limit = limit.min(waited.saturating_add(FAREWELL));
            }
        }
    }
}
