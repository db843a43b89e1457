//! This library, as a program uses it.

use nn_train::{DynNetwork, Network, Session, Sgd, Trainer};

use crate::{Failure, Problem, Step};

struct Library<'a, 'b> {
    session: &'a mut Session<'b, DynNetwork<f32>>,
    problem: &'a Problem,
}

impl Step for Library<'_, '_> {
    fn step(&mut self) -> Result<(), Failure> {
        let samples = &self.problem.samples;
        self.session.step(&samples.inputs, &samples.targets)?;
        Ok(())
    }

    fn theta(&mut self) -> Result<Vec<f32>, Failure> {
        Ok(self.session.network().parameters().to_vec())
    }
}

/// Runs `work` with the library on so many threads, on the problem's parameters and batch.
///
/// # Errors
/// What the library says of the problem.
pub fn with_library<R: Send>(
    problem: &Problem,
    threads: usize,
    work: impl FnOnce(&mut dyn Step) -> R + Send,
) -> Result<R, Failure> {
    let mut network = DynNetwork::<f32>::zeros(problem.workload.architecture.clone())?;
    network.parameters_mut().copy_from_slice(&problem.theta);
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(problem.learning_rate).l2(problem.l2);
    let trainer = trainer.batch_size(problem.rows()).threads(threads).build()?;
    let mut session = trainer.session(&mut network)?;
    Ok(session.install(|session| work(&mut Library { session, problem })))
}
