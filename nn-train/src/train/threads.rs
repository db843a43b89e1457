//! The threads that training runs on.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nn_kernels::threads::{alone, count};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Error;

/// The threads that a trainer works on. The result is the same, bit for bit, on any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threads {
    /// So many, at least 1 and at most [`Threads::MAX`]. One means the calling thread, and nothing is started. More are
    /// threads of the trainer's own, which are started when they are first needed, once for a trainer and its clones.
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
pub(crate) enum Workers {
    Current,
    /// The calling thread alone.
    Caller,
    Own {
        threads: usize,
        pool: Arc<Mutex<Option<Arc<ThreadPool>>>>,
    },
}

impl Workers {
    pub(crate) fn new(threads: Threads) -> Result<Self, Error> {
        match threads {
            Threads::Current => Ok(Self::Current),
            Threads::Own(1) => Ok(Self::Caller),
            Threads::Own(threads) if (2..=Threads::MAX).contains(&threads) => {
                Ok(Self::Own { threads, pool: Arc::default() })
            }
            Threads::Own(threads) => Err(Error::setting("threads", threads, "at least 1 and at most 1024")),
        }
    }

    /// Starts the threads if there are none yet.
    pub(crate) fn ready(&self) -> Result<Ready, Error> {
        let (threads, pool) = match self {
            Self::Current => return Ok(Ready::Current),
            Self::Caller => return Ok(Ready::Caller),
            Self::Own { threads, pool } => (threads, pool),
        };
        // What a panic elsewhere has left is a pool or none.
        let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = &*pool {
            return Ok(Ready::Own(Arc::clone(pool)));
        }
        let builder = ThreadPoolBuilder::new().num_threads(*threads).thread_name(|index| format!("nn-train {index}"));
        let started =
            builder.build().map_err(|error| Error::Threads { threads: *threads, reason: error.to_string() })?;
        Ok(Ready::Own(Arc::clone(pool.insert(Arc::new(started)))))
    }

    /// How many there are, for a plan.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Own { threads, .. } => *threads,
            Self::Caller => 1,
            Self::Current => count(),
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("Current"),
            Self::Caller => f.write_str("Own(1)"),
            Self::Own { threads, .. } => write!(f, "Own({threads})"),
        }
    }
}

/// Threads that have been started, or the caller's.
#[derive(Clone)]
pub(crate) enum Ready {
    Current,
    Caller,
    Own(Arc<ThreadPool>),
}

impl Ready {
    /// Runs `work` on one of them.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match self {
            Self::Current => work(),
            Self::Caller => alone(work),
            Self::Own(pool) => pool.install(work),
        }
    }
}
