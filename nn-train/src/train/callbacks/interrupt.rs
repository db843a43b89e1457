//! Ending a run by a signal.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Context, Signal};

/// Ends a run when the program receives SIGINT, which Ctrl-C sends, or SIGTERM: the step that is under way is
/// finished, [`Checkpoints`](crate::Checkpoints) writes its file, and the run ends as by any
/// [`Signal::Stop`].
///
/// ```
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let trainer = Trainer::builder().epochs(10).build()?;
/// let mut interrupt = Interrupt::on_signals()?;
/// trainer.run(&mut net, &data)?.callback(&mut interrupt).finish()?;
/// match interrupt.received() {
///     Some(signal) => println!("ended by {signal}"),
///     None => println!("ended by itself"),
/// }
/// # Ok::<(), Error>(())
/// ```
///
/// While there is one, the first signal does not end the program. A second one does at once, in the middle of a step,
/// as any signal does once the last `Interrupt` is dropped. Signals are the program's: all values of this type see the
/// same. A run that begins after a signal ends before its first step.
///
/// On Windows it is Ctrl-C.
#[derive(Debug)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

/// The signal that ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: `kill`, a batch system or a container asks the program to end.
    Terminate,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// What the handlers of the signals set. They stay for good, as the system knows no way to take one out in safety.
#[derive(Debug)]
struct Shared {
    /// The last signal, or 0.
    received: Arc<AtomicUsize>,
    /// Whether a signal ends the program, as if nobody waited for it.
    ends: Arc<AtomicBool>,
}

/// The handlers once they are there, and how many wait for a signal.
static HANDLERS: Mutex<(Option<Arc<Shared>>, usize)> = Mutex::new((None, 0));

fn handlers() -> MutexGuard<'static, (Option<Arc<Shared>>, usize)> {
    HANDLERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn register() -> io::Result<Self> {
        let (received, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
        for signal in [SIGINT, SIGTERM] {
            // In this order: whether the program ends is decided by what was so before the signal.
            flag::register_conditional_default(signal, Arc::clone(&ends))?;
            flag::register_usize(signal, Arc::clone(&received), signal as usize)?;
            flag::register(signal, Arc::clone(&ends))?;
        }
        Ok(Self { received, ends })
    }
}

impl Interrupt {
    /// Waits for signals from now on.
    ///
    /// # Errors
    /// [`Error::Io`] when the system refuses it.
    pub fn on_signals() -> Result<Self, Error> {
        let mut handlers = handlers();
        let shared = match &handlers.0 {
            Some(shared) => Arc::clone(shared),
            None => {
                let registered = Shared::register();
                let shared = registered.map_err(|error| Error::io("wait for", "SIGINT and SIGTERM", &error))?;
                Arc::clone(handlers.0.insert(Arc::new(shared)))
            }
        };
        if handlers.1 == 0 {
            shared.received.store(0, Ordering::SeqCst);
            shared.ends.store(false, Ordering::SeqCst);
        }
        handlers.1 += 1;
        Ok(Self { shared })
    }

    /// The signal that was received, if one was: why a run has ended, or is about to.
    #[must_use]
    pub fn received(&self) -> Option<Interruption> {
        match self.shared.received.load(Ordering::SeqCst) {
            0 => None,
            signal if signal == SIGTERM as usize => Some(Interruption::Terminate),
            _ => Some(Interruption::Interrupt),
        }
    }

    fn signal(&self) -> Signal {
        if self.received().is_some() { Signal::Stop } else { Signal::Continue }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let mut handlers = handlers();
        handlers.1 -= 1;
        if handlers.1 == 0 {
            self.shared.ends.store(true, Ordering::SeqCst);
        }
    }
}

impl<N: Network> Callback<N> for Interrupt {
    fn on_start(&mut self, _: &mut Context<'_, N>) -> Result<Signal, Error> {
        Ok(self.signal())
    }

    fn on_step(&mut self, _: &mut Context<'_, N>) -> Result<Signal, Error> {
        Ok(self.signal())
    }

    fn on_dropped_step(&mut self, _: &mut Context<'_, N>, _: &Error) -> Result<Signal, Error> {
        Ok(self.signal())
    }

    fn on_epoch(&mut self, _: &mut Context<'_, N>) -> Result<Signal, Error> {
        Ok(self.signal())
    }
}
