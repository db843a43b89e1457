//! Threads that stay together for a step: one hand-over a step, not one for each product in it.
//!
//! To give work to a thread of a pool and to wait for it takes microseconds, and tens of them where it sleeps; a step of a small
//! network has a dozen products of as much. So the pool is asked once: its threads then wait for jobs, at first awake, and
//! take a job's parts as they come. The caller does not wait for them to begin: what nobody else has taken it does itself.

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::yield_now;

use super::{count, join};

/// Rounds of waiting awake, some 10 to 50 µs, before a thread lets others have its core.
const AWAKE: u32 = 1000;
/// No job will come. Odd, as is every number of a job.
const OVER: usize = usize::MAX;

type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// Ranges of parts, each of which one thread takes before others help it: at most so many.
const RANGES: usize = 32;

/// Parts to be done: `work` is told the number of its thread, and of the part.
#[derive(Clone, Copy)]
struct Job {
    work: *const Work<'static>,
    parts: usize,
    ranges: usize,
}

impl Job {
    /// Where a range begins, and the one before it ends.
    fn first(&self, range: usize) -> usize {
        self.parts * range / self.ranges
    }
}

/// In a line of the cache by itself.
#[repr(align(128))]
struct Apart<T>(T);

/// What the threads of a team share.
struct Board {
    /// Even where there is no job; the number of the job; or [`OVER`].
    number: Apart<AtomicUsize>,
    /// Helpers that may be looking at the job, or working on it.
    busy: Apart<AtomicUsize>,
    /// The next part of each range.
    next: [Apart<AtomicUsize>; RANGES],
    threads: usize,
    job: UnsafeCell<Option<Job>>,
}

// SAFETY: the job is written by the leader alone, while `number` is even and nobody is busy. A helper reads it only between
// counting itself among the busy and leaving them, after it has seen that `number` still is that of the job: all four are
// sequentially consistent, so that either it sees that the job has been taken back, or the leader sees it busy and waits.
unsafe impl Sync for Board {}

impl Board {
    /// Takes parts until there are none: first those of a range that is this thread's in every job of as many parts, so that
    /// what they leave in its caches is found there again.
    fn take(&self, job: Job, worker: usize) {
        for range in (0..job.ranges).map(|i| (worker + i) % job.ranges) {
            let end = job.first(range + 1);
            loop {
                // Only the numbers' being different matters: who waits for the threads sees what they wrote.
                let part = self.next[range].0.fetch_add(1, Ordering::Relaxed);
                if part >= end {
                    break;
                }
                // SAFETY: `for_each` does not return, or let go of the closure, before nobody is busy with it.
                unsafe { (*job.work)(worker, part) };
            }
        }
    }

    /// Helps with jobs until there are no more.
    fn help(&self, worker: usize) {
        let (mut seen, mut rounds) = (0, 0);
        loop {
            let number = self.number.0.load(Ordering::SeqCst);
            if number == OVER {
                return;
            }
            if number % 2 == 1 && number != seen {
                (seen, rounds) = (number, 0);
                let _busy = Busy::new(&self.busy.0);
                if self.number.0.load(Ordering::SeqCst) == number {
                    // SAFETY: the job stands, as said at `Sync`.
                    if let Some(job) = unsafe { *self.job.get() } {
                        self.take(job, worker);
                    }
                }
            } else {
                wait(&mut rounds);
            }
        }
    }

    /// Takes the job back, and waits for those who are busy with it.
    fn close(&self, number: usize) {
        self.number.0.store(number + 1, Ordering::SeqCst);
        let mut rounds = 0;
        while self.busy.0.load(Ordering::SeqCst) != 0 {
            wait(&mut rounds);
        }
    }
}

/// A round of waiting: awake at first.
fn wait(rounds: &mut u32) {
    if *rounds < AWAKE {
        *rounds += 1;
        spin_loop();
    } else {
        yield_now();
    }
}

/// One of the busy, also where its work panics.
struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The threads of the current pool, for as long as [`team_if`] runs.
pub(crate) struct Team<'t> {
    board: Option<&'t Board>,
}

impl Team<'_> {
    /// Runs `work` for the parts 0..`parts`, each once. It is told a number of its thread, too: those of threads at work
    /// differ, and are below the number of threads.
    pub(crate) fn for_each(&mut self, parts: usize, work: impl Fn(usize, usize) + Sync) {
        let Some(board) = self.board.filter(|_| parts > 1) else {
            return (0..parts).for_each(|part| work(0, part));
        };
        let work: *const Work<'_> = &raw const work;
        // SAFETY: only the lifetime changes, and `Closed` sees to it that no one has the pointer when the closure goes.
        let work = unsafe { std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work) };
        let job = Job { work, parts, ranges: board.threads.min(RANGES) };
        let number = board.number.0.load(Ordering::Relaxed) + 1;
        // SAFETY: there is no job, and after the last one was taken back nobody was busy: see `Sync`. `&mut self` keeps others,
        // and the work itself, from calling this meanwhile.
        unsafe { *board.job.get() = Some(job) };
        for (range, next) in board.next[..job.ranges].iter().enumerate() {
            next.0.store(job.first(range), Ordering::Relaxed);
        }
        board.number.0.store(number, Ordering::SeqCst);
        let _closed = Closed { board, number };
        board.take(job, 0);
    }
}

/// Takes a job back when its work is done or has panicked.
struct Closed<'a> {
    board: &'a Board,
    number: usize,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.board.close(self.number);
    }
}

/// Runs `lead` with the threads of the current pool at hand, where there is `work` to share; else `lead` is alone, and nobody
/// is woken.
pub(crate) fn team_if<R: Send>(work: bool, lead: impl FnOnce(&mut Team<'_>) -> R + Send) -> R {
    let threads = if work { count() } else { 1 };
    if threads == 1 {
        return lead(&mut Team { board: None });
    }
    let board = Board {
        number: Apart(AtomicUsize::new(0)),
        busy: Apart(AtomicUsize::new(0)),
        next: [const { Apart(AtomicUsize::new(0)) }; RANGES],
        threads,
        job: UnsafeCell::new(None),
    };
    let leads = || {
        // Also when `lead` panics.
        struct Over<'a>(&'a Board);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.number.0.store(OVER, Ordering::SeqCst);
            }
        }
        let _over = Over(&board);
        lead(&mut Team { board: Some(&board) })
    };
    join(leads, || help_from(&board, 1, threads)).0
}

/// Helpers of the numbers from `worker` on.
fn help_from(board: &Board, worker: usize, threads: usize) {
    if worker + 1 == threads {
        board.help(worker);
    } else {
        join(|| board.help(worker), || help_from(board, worker + 1, threads));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn on_threads<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(run)
    }

    #[test]
    fn every_part_of_every_job_is_done_once_and_before_the_next_job() {
        for threads in [1, 2, 3, 8] {
            on_threads(threads, || {
                for _ in 0..50 {
                    team_if(true, |team| {
                        let mut before = vec![0_usize; 40];
                        for parts in (0..40).cycle().take(200) {
                            let done: Vec<_> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                            team.for_each(parts, |worker, part| {
                                assert!(worker < threads);
                                // What the last job left is seen by whoever works on this one.
                                done[part].fetch_add(before[part] + 1, Ordering::Relaxed);
                            });
                            for (before, done) in before.iter_mut().zip(done) {
                                let done = done.into_inner();
                                assert_eq!(done, *before + 1);
                                *before = done;
                            }
                        }
                    });
                }
            });
        }
    }

    #[test]
    fn no_two_threads_at_work_have_the_same_number() {
        on_threads(4, || {
            team_if(true, |team| {
                let at_work: Vec<_> = (0..4).map(|_| AtomicUsize::new(0)).collect();
                team.for_each(1000, |worker, _| {
                    assert_eq!(at_work[worker].fetch_add(1, Ordering::SeqCst), 0);
                    yield_now();
                    at_work[worker].fetch_sub(1, Ordering::SeqCst);
                });
            });
        });
    }

    #[test]
    fn a_panic_of_any_part_comes_out_and_the_pool_lives_on() {
        on_threads(3, || {
            for part in [0, 5, 99] {
                let panics = || team_if(true, |team| team.for_each(100, |_, index| assert_ne!(index, part)));
                assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
            }
            assert!(catch_unwind(|| team_if(true, |_| panic!("as a callback may"))).is_err());
            let sum = AtomicUsize::new(0);
            team_if(true, |team| team.for_each(100, |_, index| _ = sum.fetch_add(index, Ordering::Relaxed)));
            assert_eq!(sum.into_inner(), 4950);
        });
    }
}
