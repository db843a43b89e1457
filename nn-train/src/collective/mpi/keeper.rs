//! The thread that MPI belongs to: it starts it, ends it, and moves sums on while the others compute.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::ranks::Ranks;
use super::world::World;
use crate::collective::CollectiveFault;

/// Between two looks at what is under way. Where a rank has one core, each look is taken from its work, with two changes of
/// threads: so the pauses double as long as nothing has come to its end.
const LEAST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// What the thread is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Rest,
    MoveOn,
    End { well: bool },
}

pub(super) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    task: Mutex<Task>,
    changed: Condvar,
}

impl Keeper {
    /// Starts MPI on a thread of its own.
    pub(super) fn start() -> Result<(Self, Arc<Ranks>), CollectiveFault> {
        let shared = Arc::new(Shared { task: Mutex::new(Task::Rest), changed: Condvar::new() });
        let (say, hear) = std::sync::mpsc::sync_channel(1);
        let work = {
            let shared = shared.clone();
            move || {
                let (universe, ranks) = match World::start() {
                    Ok((universe, world, rank, size)) => (universe, Arc::new(Ranks::new(world, rank, size))),
                    Err(fault) => {
                        let _ = say.send(Err(fault));
                        return;
                    }
                };
                let _ = say.send(Ok(ranks.clone()));
                if !shared.serve(&ranks) {
                    // Others are not at their end, or gone: MPI would wait for them.
                    std::mem::forget(universe);
                }
            }
        };
        let thread = thread::Builder::new().name("mpi".to_owned()).spawn(work);
        let thread =
            thread.map_err(|error| CollectiveFault::System { operation: "start", reason: error.to_string() })?;
        let ended = || CollectiveFault::System { operation: "start", reason: "its thread has ended".to_owned() };
        let ranks = hear.recv().map_err(|_| ended())??;
        Ok((Self { shared, thread: Some(thread) }, ranks))
    }

    /// From now on sums are moved on.
    pub(super) fn move_on(&self) {
        self.shared.set(Task::MoveOn);
    }

    /// No more, as the caller does so.
    pub(super) fn rest(&self) {
        self.shared.set(Task::Rest);
    }

    /// Ends MPI if all ranks have ended `well`, and the thread.
    pub(super) fn end(&mut self, well: bool) {
        self.shared.set(Task::End { well });
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn task(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, task: Task) {
        *self.task() = task;
        self.changed.notify_one();
    }

    /// Does what it is told, and says whether MPI is to be ended when it is told to end.
    fn serve(&self, ranks: &Ranks) -> bool {
        let (mut pause, mut before) = (LEAST_PAUSE, 0);
        let mut task = self.task();
        loop {
            task = match *task {
                Task::Rest => {
                    (pause, before) = (LEAST_PAUSE, 0);
                    self.changed.wait(task).unwrap_or_else(PoisonError::into_inner)
                }
                Task::MoveOn => {
                    // The first look comes after a pause: what has just been handed over is under way by itself.
                    let (task, waited) = self.changed.wait_timeout(task, pause).unwrap_or_else(PoisonError::into_inner);
                    if !waited.timed_out() || *task != Task::MoveOn {
                        task
                    } else {
                        drop(task);
                        let under_way = ranks.move_on();
                        pause = if under_way < before { LEAST_PAUSE } else { (2 * pause).min(LONGEST_PAUSE) };
                        before = under_way;
                        self.task()
                    }
                }
                Task::End { well } => return well,
            };
        }
    }
}
