//! The threads that training runs on.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Error;

/// The threads that a trainer works on. The result is the same, bit for bit, on any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threads {
    /// A pool of the trainer's own, of so many threads, at least 1 and at most [`Threads::MAX`]. They are started when they are first
    /// needed, once for a trainer and its clones, and wait in between.
    Own(usize),
    /// Those of the rayon pool that the caller is in, or of rayon's global pool. Nothing is started: eight trainings in
    /// a `par_iter` on two threads take two threads.
    Current,
}

impl Threads {
    /// The most threads of a trainer. A step is cut into far fewer parts.
    pub const MAX: usize = 1024;
}

impl Default for Threads {
    /// As many of the trainer's own as the machine offers.
    fn default() -> Self {
        Self::Own(thread::available_parallelism().map_or(1, NonZero::get).min(Self::MAX))
    }
}

impl From<usize> for Threads {
    fn from(count: usize) -> Self {
        Self::Own(count)
    }
}

/// Threads that are there once they have been needed.
#[derive(Clone)]
pub(super) enum Workers {
    Current,
    Own { threads: usize, pool: Arc<Mutex<Option<Arc<ThreadPool>>>> },
}

impl Workers {
    pub(super) fn new(threads: Threads) -> Result<Self, Error> {
        match threads {
            Threads::Current => Ok(Self::Current),
            Threads::Own(threads) if (1..=Threads::MAX).contains(&threads) => {
                Ok(Self::Own { threads, pool: Arc::default() })
            }
            Threads::Own(threads) => Err(Error::setting("threads", threads, "at least 1 and at most 1024")),
        }
    }

    /// Starts the threads if there are none yet.
    pub(super) fn ready(&self) -> Result<Ready, Error> {
        let Self::Own { threads, pool } = self else { return Ok(Ready(None)) };
        // What a panic elsewhere has left is a pool or none.
        let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = &*pool {
            return Ok(Ready(Some(Arc::clone(pool))));
        }
        let builder = ThreadPoolBuilder::new().num_threads(*threads).thread_name(|index| format!("nn-train {index}"));
        let started =
            builder.build().map_err(|error| Error::Threads { threads: *threads, reason: error.to_string() })?;
        Ok(Ready(Some(Arc::clone(pool.insert(Arc::new(started))))))
    }

    /// How many there are, for a plan.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Own { threads, .. } => *threads,
            Self::Current => rayon::current_num_threads(),
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("Current"),
            Self::Own { threads, .. } => write!(f, "Own({threads})"),
        }
    }
}

/// Threads that have been started, or the caller's.
#[derive(Clone)]
pub(super) struct Ready(Option<Arc<ThreadPool>>);

impl Ready {
    /// Runs `work` on one of them.
    pub(super) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}
