//! The threads that work is divided among: those of the current rayon pool, or the calling one alone.

mod shared;
mod team;

use std::cell::Cell;

pub(crate) use self::shared::Shared;
pub(crate) use self::team::{Team, team_if};

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with this crate's work in it done by the calling thread alone, whatever pool it is in. The results are
/// the same, bit for bit.
///
/// A pool of one thread does the same, but for the hand-over: to wake its thread and to wait takes tens of microseconds,
/// many times what a small network's step takes.
///
/// ```
/// use nn_kernels::threads;
///
/// assert_eq!(threads::alone(threads::count), 1);
/// ```
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    // Also put back when `work` panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _before = Before(ALONE.replace(true));
    work()
}

/// How many threads work is divided among here, at least 1.
#[must_use]
pub fn count() -> usize {
    if ALONE.get() { 1 } else { rayon::current_num_threads() }
}

/// Both results, computed side by side where there are threads for it: [`rayon::join`], or one after the other.
pub fn join<A: FnOnce() -> R + Send, B: FnOnce() -> S + Send, R: Send, S: Send>(a: A, b: B) -> (R, S) {
    if ALONE.get() { (a(), b()) } else { rayon::join(a, b) }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::thread;

    use super::*;

    #[test]
    fn alone_ends_with_its_work() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        pool.install(|| {
            assert_eq!(count(), 3);
            let here = thread::current().id();
            alone(|| {
                assert_eq!(alone(count), 1);
                assert_eq!(count(), 1);
                assert_eq!(join(|| thread::current().id(), || thread::current().id()), (here, here));
            });
            assert_eq!(count(), 3);
            assert!(catch_unwind(|| alone(|| panic!("as a callback may"))).is_err());
            assert_eq!(count(), 3);
        });
    }

    /// Another pool that is entered from there has its own threads.
    #[test]
    fn a_pool_within_has_its_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        assert_eq!(alone(|| pool.install(count)), 2);
    }
}
