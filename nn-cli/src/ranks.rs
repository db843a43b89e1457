//! The processes that `mpirun` has started, with `--mpi`.

use std::env;
use std::fmt::Display;
use std::sync::Arc;

use nn_train::Interruption;
use nn_train::collective::{self, Collective, CollectiveFault, Numbers};

use crate::failure::Failure;
use crate::output::Output;

/// The processes that train together, or one.
#[derive(Debug, Clone)]
pub(crate) struct Ranks {
    collective: Option<Arc<dyn Collective>>,
}

impl Ranks {
    /// Those that `mpirun` has started, where `--mpi` says so; it is refused to train the same model several times side by side.
    pub(crate) fn start(mpi: bool) -> Result<Self, Failure> {
        if mpi {
            return Ok(Self { collective: Some(started()?) });
        }
        match processes() {
            Some(count) => Err(Failure::usage(format!(
                "{count} processes have been started, by mpirun or srun, and each would train by itself; --mpi lets them train together"
            ))),
            None => Ok(Self { collective: None }),
        }
    }

    /// The processes, if they are to be told to a trainer.
    pub(crate) fn collective(&self) -> Option<Arc<dyn Collective>> {
        self.collective.clone()
    }

    /// Whether this is the one that prints and writes files.
    pub(crate) fn is_first(&self) -> bool {
        self.collective.as_ref().is_none_or(|collective| collective.rank() == 0)
    }

    /// How this process speaks: the first alone does.
    pub(crate) fn output(&self, output: &Output) -> Output {
        if self.is_first() { *output } else { Output::silent() }
    }

    /// All processes have come to a result, or none goes on: the first one then says why.
    pub(crate) fn agree<V>(&self, own: Result<V, Failure>) -> Result<V, Failure> {
        let Some(collective) = &self.collective else { return own };
        let status = own.as_ref().err().map(Failure::status);
        let told = own.as_ref().map(|_| ()).map_err(Failure::message);
        match (self.same(collective::agree(&**collective, told)), own) {
            (Ok(()), own) => own,
            // What is the same on all of them needs no number of a rank.
            (Err(_), Err(own)) if collective.rank() == 0 => Err(own),
            (Err(failure), _) => Err(if status == Some(2) { Failure::Quiet(2) } else { failure }),
        }
    }

    /// The signal that any of the processes has received.
    pub(crate) fn received(&self, own: Option<Interruption>) -> Result<Option<Interruption>, Failure> {
        const SIGNALS: [Interruption; 2] = [Interruption::Terminate, Interruption::Interrupt];
        let Some(collective) = &self.collective else { return Ok(own) };
        let own = SIGNALS.map(|signal| f64::from(own == Some(signal)));
        let mut sum = [0.0; SIGNALS.len()];
        self.same(collective.all_reduce(Numbers::new(&own, &mut sum)))?;
        Ok(SIGNALS.into_iter().zip(sum).find(|(_, sum)| *sum > 0.0).map(|(signal, _)| signal))
    }

    /// The bytes that the first process has, on all of them.
    pub(crate) fn first_bytes(&self, make: impl FnOnce() -> Result<Vec<u8>, Failure>) -> Result<Vec<u8>, Failure> {
        let Some(collective) = &self.collective else { return make() };
        let mut own = None;
        let bytes = collective::from_first(&**collective, || {
            make().map_err(|failure| {
                let told = nn_train::Error::source(failure.message());
                own = Some(failure);
                told
            })
        });
        match own {
            Some(failure) => Err(failure),
            None => self.same(bytes),
        }
    }

    /// Says why the work failed while the other processes still wait for this one: once one has ended with an error, `mpirun`
    /// ends the others.
    pub(crate) fn tell(&self, failure: Failure, output: &Output) -> Failure {
        if self.collective.is_none() || !self.is_first() {
            return failure;
        }
        let status = failure.status();
        output.failure("train", &failure);
        Failure::Quiet(status)
    }

    /// An error of training: the first process says it, but for one that it may not have.
    pub(crate) fn failure(&self, error: nn_train::Error) -> Failure {
        let own =
            matches!(&error, nn_train::Error::Collective(fault) if !matches!(fault, CollectiveFault::Left { .. }));
        if self.is_first() || own { error.into() } else { Failure::Quiet(1) }
    }

    /// What all processes have alike: the first one says it.
    pub(crate) fn same<V, E: Display>(&self, result: Result<V, E>) -> Result<V, Failure> {
        result.map_err(|error| if self.is_first() { Failure::work(error) } else { Failure::Quiet(1) })
    }
}

/// How many processes the usual programs for that have started, where it is more than one.
fn processes() -> Option<usize> {
    let count = |name| env::var(name).ok()?.parse().ok();
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"].into_iter().find_map(count).filter(|count| *count > 1)
}

#[cfg(feature = "mpi")]
fn started() -> Result<Arc<dyn Collective>, Failure> {
    Ok(Arc::new(nn_train::collective::Mpi::start()?))
}

#[cfg(not(feature = "mpi"))]
fn started() -> Result<Arc<dyn Collective>, Failure> {
    Err(Failure::usage(
        "--mpi: this program was built without MPI; build it with the feature mpi, as docs/distributed.md shows",
    ))
}
