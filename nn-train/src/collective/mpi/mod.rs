//! The processes that `mpirun` has started.

mod keeper;
mod notice;
mod ranks;
mod wait;
mod world;

use std::fmt::{self, Display};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use self::keeper::Keeper;
use self::ranks::Ranks;
use self::world::Transfer;
use super::{Collective, CollectiveFault, HandOver, Numbers};
use crate::Error;

/// The processes that `mpirun`, or what a cluster has in its place, has started: on one machine or on many.
///
/// The feature `mpi` needs an MPI library to build and to run: on Debian the packages `libopenmpi-dev`, `openmpi-bin` and
/// `libclang-dev`, or `libmpich-dev` and `mpich` in place of the first two.
///
/// ```no_run
/// use nn_train::collective::{Collective, Mpi, Numbers};
///
/// let mpi = Mpi::start()?;
/// let (own, mut sum) = ([1.0, mpi.rank() as f64], [0.0; 2]);
/// mpi.all_reduce(Numbers::new(&own, &mut sum))?;
/// if mpi.rank() == 0 {
///     println!("{} ranks; their sum is {}", sum[0], sum[1]);
/// }
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// Clones are the same rank. Where the last is dropped the rank has come to its end: there it waits for the others, so that all
/// end together. Keep it in a variable, as nothing is dropped by [`exit`](std::process::exit).
///
/// # A rank that cannot go on
///
/// It says so to the others where it [leaves](Self::leave), or panics, or is dropped before they are. Who waits for it gets
/// [`CollectiveFault::Left`] a second later. Nothing can be summed after that; every call returns the same fault.
/// The last clone of each rank, when it is dropped, then waits some five seconds for the others, and does not end MPI: `mpirun`
/// ends the job when the first process is gone. So say what there is to say before it is dropped.
///
/// A rank that is gone without a word, as its process was killed, is noticed by `mpirun`, which ends the job. Where nobody notices
/// there is [`patience`](Self::patience).
///
/// # Sums
///
/// They are MPI's nonblocking ones. Up to 32 KiB are copied into buffers of the library's own. Before larger ones all ranks
/// meet. From there on one that stays away cannot be done without: should it panic or be silent for too long in what it does
/// beside them ([`all_reduce_beside`](Collective::all_reduce_beside)), the job is aborted.
///
/// What is summed beside other work is moved on by a thread that wakes up every 1 to 16 ms. It needs little of a core, but the sums of
/// ranks on one machine are a core's work themselves: there is more to be gained between machines.
///
/// The MPI standard asks, but does not demand, that a sum has the same bits on all ranks. OpenMPI does so, and parameters are compared by a checksum.
#[derive(Clone)]
pub struct Mpi {
    life: Arc<Life>,
}

/// From the start to the end of MPI.
struct Life {
    ranks: Arc<Ranks>,
    keeper: Keeper,
}

impl Mpi {
    /// Starts MPI, once all processes have come here. Without `mpirun` a process is alone, rank 0 of 1.
    ///
    /// # Errors
    /// [`CollectiveFault::Started`] if it was started in this process before, by whomever, [`CollectiveFault::Threads`] if it
    /// cannot be called from threads, and [`CollectiveFault::System`] otherwise. Most of what can go wrong here MPI itself
    /// takes for a reason to end the process.
    pub fn start() -> Result<Self, Error> {
        let (keeper, ranks) = Keeper::start()?;
        Ok(Self { life: Arc::new(Life { ranks, keeper }) })
    }

    /// How long a rank waits for the others before it returns [`CollectiveFault::Silence`]; 10 minutes unless set. One of them
    /// may be writing a file, or measuring, meanwhile; so it is at the end, where the others wait for rank 0. It goes for all clones.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        self.life.ranks.set_patience(patience);
        self
    }

    /// Tells the others that this rank cannot go on, and why. They get [`CollectiveFault::Left`] with the reason, and so does
    /// this rank from now on. A reason of more than 1,000 bytes is cut.
    pub fn leave(&self, reason: impl Display) {
        self.life.ranks.leave(reason.to_string());
    }

    fn ranks(&self) -> &Ranks {
        &self.life.ranks
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mpi").field("rank", &self.rank()).field("size", &self.size()).finish()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if thread::panicking() {
            self.ranks.leave("it has panicked".to_owned());
        }
        let well = self.ranks.farewell();
        self.keeper.end(well);
    }
}

impl Collective for Mpi {
    fn rank(&self) -> usize {
        self.ranks().rank
    }

    fn size(&self) -> usize {
        self.ranks().size
    }

    fn all_reduce(&self, part: Numbers<'_>) -> Result<(), CollectiveFault> {
        let operation = "all_reduce";
        let transfer = Transfer::sum(part)?;
        let _turn = self.ranks().turn(operation)?;
        self.ranks().transfer(operation, transfer)
    }

    fn all_reduce_beside<'g>(&self, work: &mut (dyn FnMut(HandOver<'_, 'g>) + Send)) -> Result<(), CollectiveFault> {
        let (operation, ranks) = ("all_reduce_beside", self.ranks());
        let turn = match ranks.turn(operation).and_then(|turn| ranks.meet(operation).map(|()| turn)) {
            Ok(turn) => turn,
            Err(fault) => {
                work(&mut |_| {});
                return Err(fault);
            }
        };
        let mut wrong = None;
        let flights = Flights(ranks);
        self.life.keeper.move_on();
        work(&mut |part| match Transfer::sum(part) {
            // SAFETY: the buffers are borrowed for `'g`, so for longer than this call. It ends by `await_flights`, or, where `work`
            // unwinds, by the end of the process in the drop of `flights`.
            Ok(transfer) => unsafe { ranks.hand_over(operation, transfer) },
            Err(fault) => wrong = wrong.take().or(Some(fault)),
        });
        self.life.keeper.rest();
        std::mem::forget(flights);
        let summed = ranks.await_flights(operation);
        drop(turn);
        wrong.map_or(summed, Err)
    }

    fn broadcast(&self, bytes: &mut [u8], root: usize) -> Result<(), CollectiveFault> {
        let operation = "broadcast";
        if root >= self.size() {
            return Err(CollectiveFault::Root { root, size: self.size() });
        }
        let _turn = self.ranks().turn(operation)?;
        self.ranks().transfer(operation, Transfer::broadcast(bytes, root))
    }

    fn barrier(&self) -> Result<(), CollectiveFault> {
        let _turn = self.ranks().turn("barrier")?;
        self.ranks().barrier("barrier")
    }
}

/// What was handed over is under way. Where that is left by unwinding the job ends: the buffers would be gone.
struct Flights<'a>(&'a Ranks);

impl Drop for Flights<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
