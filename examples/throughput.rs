//! How fast a full training step is (forward, back-propagation, L2, plain SGD), and how much of what the machine's
//! arithmetic allows that is: on the standard workloads, or on a network of any sizes.
//!
//! One batch is stepped on over and over. After a warm-up come several repeats of as many steps as fill their time;
//! SAMPLES_PER_S, GFLOP_S and PERCENT_OF_FMA_PEAK are the median's, the columns behind them the best repeat's. The peak is
//! measured between the repeats, on the same threads, in the same instruction set and number type; in bfloat16 it is that
//! of dot products of pairs.
//!
//! With the feature `mpi` and `--mpi`, the processes that mpirun has started step together, each on its share of the batch, and the
//! figures are those of all.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use nn_benches::{Target, Workload, WorkloadError, hidden};
use nn_examples::arguments::{count_in, number_in};
use nn_train::throughput::{Samples, Throughput};
use nn_train::{
    Activation, DynNetwork, Element, EngineKind, Explanation, Init, InstructionSet, Precision, Sgd, Trainer,
    TrainerBuilder,
};
use serde_json::json;

/// λ and α; what they are changes no time.
const L2: f64 = 1e-4;
const LEARNING_RATE: f64 = 0.01;

/// Time full training steps, in samples a second and as a share of the FMA peak
#[derive(Parser)]
#[command(name = "throughput")]
struct Arguments {
    /// Threads to train on [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
    /// A standard workload, such as mnist-b128; may be given several times [default: all]
    #[arg(long = "workload", value_name = "NAME")]
    workloads: Vec<Workload>,
    /// A network by its sizes from input to output, such as 7,23,41,2
    #[arg(long, value_name = "SIZES", value_delimiter = ',')]
    network: Option<Vec<usize>>,
    /// The activation of the network's hidden layers [default: sigmoid]
    #[arg(long, requires = "network", value_parser = hidden)]
    activation: Option<Activation>,
    /// The network's loss: bce on sigmoid outputs, ce on softmax, mse on linear ones [default: bce]
    #[arg(long, requires = "network")]
    loss: Option<Target>,
    /// Samples in a batch of the network's [default: 128]
    #[arg(long, requires = "network", value_parser = count_in(1, u32::MAX as usize))]
    batch: Option<usize>,
    /// The number type
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    /// The engine: narrow, tile or blocked [default: the plan's choice]
    #[arg(long)]
    engine: Option<EngineKind>,
    /// The instruction set: avx512, avx2 or portable [default: what NN_ISA says, or else the widest]
    #[arg(long)]
    isa: Option<InstructionSet>,
    /// In what numbers products are computed: full, bf16 or bf16-emulated
    #[arg(long, default_value_t = Precision::Full)]
    precision: Precision,
    /// Repeats, of which the median and the best are taken
    #[arg(long, default_value_t = 7, value_parser = count_in(1, 10_000))]
    repeats: usize,
    /// Seconds that a repeat takes, unless one step takes longer
    #[arg(long, default_value_t = 0.2, value_parser = number_in(1e-6..=3600.0, "seconds from 0.000001 to 3600"))]
    seconds: f64,
    /// Say on stderr how each step is computed, and why so
    #[arg(long)]
    explain: bool,
    /// Print one JSON object a line instead of the table
    #[arg(long)]
    json: bool,
    /// Say what would be timed, one JSON object a line, and time nothing
    #[arg(long)]
    list: bool,
    /// Share each batch with the other processes that mpirun has started
    #[cfg(feature = "mpi")]
    #[arg(long, conflicts_with = "list")]
    mpi: bool,
}

/// The processes that step together: this one, or those that mpirun has started.
#[derive(Debug, Clone)]
enum Ranks {
    Alone,
    #[cfg(feature = "mpi")]
    Mpi(nn_train::collective::Mpi),
}

impl Ranks {
    fn start(arguments: &Arguments) -> Result<Self, nn_train::Error> {
        #[cfg(feature = "mpi")]
        if arguments.mpi {
            return nn_train::collective::Mpi::start().map(Self::Mpi);
        }
        let _ = arguments;
        Ok(Self::Alone)
    }

    /// Which one this is, of how many.
    fn place(&self) -> (usize, usize) {
        match self {
            Self::Alone => (0, 1),
            #[cfg(feature = "mpi")]
            Self::Mpi(mpi) => {
                use nn_train::collective::Collective;
                (mpi.rank(), mpi.size())
            }
        }
    }

    fn share(&self, trainer: TrainerBuilder) -> TrainerBuilder {
        match self {
            Self::Alone => trainer,
            #[cfg(feature = "mpi")]
            Self::Mpi(mpi) => trainer.collective(mpi.clone()),
        }
    }

    /// The rows of a batch that are this process's: as many as the others', or one more or less.
    fn rows<T: Element>(&self, batch: Samples<T>, rows: usize) -> Samples<T> {
        let (rank, size) = self.place();
        let part = |mut numbers: Vec<T>| {
            let width = numbers.len() / rows;
            numbers.truncate((rank + 1) * rows / size * width);
            numbers.drain(..rank * rows / size * width);
            numbers
        };
        Samples { inputs: part(batch.inputs), targets: part(batch.targets) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dtype {
    F32,
    F64,
}

impl Arguments {
    /// What is to be timed.
    fn jobs(&self) -> Result<Vec<Workload>, WorkloadError> {
        let mut jobs = self.workloads.clone();
        if let Some(sizes) = &self.network {
            let activation = self.activation.unwrap_or(Activation::Sigmoid);
            let (loss, batch) = (self.loss.unwrap_or(Target::Labels), self.batch.unwrap_or(128));
            jobs.push(Workload::new(sizes, activation, loss, batch)?);
        }
        if jobs.is_empty() {
            jobs.extend(Workload::standard());
        }
        Ok(jobs)
    }

    fn trainer(&self, workload: &Workload, ranks: &Ranks) -> Result<Trainer, nn_train::Error> {
        let mut builder = Trainer::builder()
            .optimizer(Sgd::default())
            .learning_rate(LEARNING_RATE)
            .l2(L2)
            .batch_size(workload.rows)
            .precision(self.precision);
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(engine) = self.engine {
            builder = builder.engine(engine);
        }
        if let Some(set) = self.isa {
            builder = builder.instruction_set(set);
        }
        ranks.share(builder).build()
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.dtype {
        Dtype::F32 => run::<f32>(&arguments),
        Dtype::F64 => run::<f64>(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the lines, as `head` does, has read enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run<T: Element>(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let ranks = Ranks::start(arguments)?;
    let (rank, size) = ranks.place();
    // Errors come before anything is timed.
    let jobs = prepare::<T>(arguments, &ranks)
        .unwrap_or_else(|error| Arguments::command().error(ErrorKind::ValueValidation, error).exit());
    if arguments.list {
        return Ok(list(jobs.iter().map(|(workload, _)| workload))?);
    }
    let width = jobs.iter().map(|(workload, _)| workload.name.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    if !arguments.json && rank == 0 {
        writeln!(
            out,
            "{:<width$} THREADS DTYPE ENGINE  ISA       SAMPLES_PER_S   GFLOP_S PERCENT_OF_FMA_PEAK \
             BEST_SAMPLES_PER_S BEST_PERCENT",
            "WORKLOAD"
        )?;
    }
    for (workload, trainer) in jobs {
        let report = Report::measure::<T>(&workload, &trainer, &ranks, arguments)?;
        if rank > 0 {
            continue;
        }
        if arguments.explain {
            eprintln!("{}", report.measured.explanation);
        }
        if arguments.json {
            writeln!(out, "{}", report.json(size))?;
        } else {
            writeln!(out, "{}", report.line(width))?;
        }
    }
    Ok(())
}

/// The jobs, each with its trainer; all of them can be planned.
fn prepare<T: Element>(arguments: &Arguments, ranks: &Ranks) -> Result<Vec<(Workload, Trainer)>, Box<dyn Error>> {
    let mut jobs = Vec::new();
    for workload in arguments.jobs()? {
        let trainer = arguments.trainer(&workload, ranks)?;
        let network = DynNetwork::<T>::zeros(workload.architecture.clone())?;
        trainer.explain(&network).map_err(|error| format!("{}: {error}", workload.name))?;
        workload.samples::<T>()?;
        jobs.push((workload, trainer));
    }
    Ok(jobs)
}

/// Prints what the workloads are: what another system needs to know to take the same steps.
fn list<'a>(mut workloads: impl Iterator<Item = &'a Workload>) -> io::Result<()> {
    workloads.try_for_each(|workload| {
        let (layers, outputs) = (workload.architecture.layers(), workload.architecture.outputs());
        let sizes: Vec<usize> = layers.iter().map(|layer| layer.inputs).chain([outputs]).collect();
        let line = json!({
            "workload": workload.name,
            "sizes": sizes,
            "activation": if layers.len() > 1 { layers[0].activation.name() } else { "none" },
            "loss": workload.target.name(),
            "batch": workload.rows,
            "flops_per_sample": workload.architecture.step_flops(1),
        });
        writeln!(io::stdout(), "{line}")
    })
}

/// What was measured of a workload.
struct Report<'a> {
    workload: &'a Workload,
    measured: Throughput,
}

impl<'a> Report<'a> {
    fn measure<T: Element>(
        workload: &'a Workload,
        trainer: &Trainer,
        ranks: &Ranks,
        arguments: &Arguments,
    ) -> Result<Self, Box<dyn Error>> {
        let mut network = DynNetwork::<T>::new(workload.architecture.clone(), Init::default(), 1)?;
        let samples = ranks.rows(workload.samples::<T>()?, workload.rows);
        let measured = Throughput::measure(trainer, &mut network, &samples, arguments.repeats, arguments.seconds)?;
        Ok(Self { workload, measured })
    }

    fn line(&self, width: usize) -> String {
        let measured = &self.measured;
        let Explanation { threads_given, element, engine, set, .. } = &measured.explanation;
        let (median, best) = (measured.median(), measured.best());
        format!(
            "{:<width$} {threads_given:>7} {element:<5} {engine:<7} {set:<8} {:>14.0} {:>9.2} {:>19.1} {:>18.0} {:>12.1}",
            self.workload.name,
            measured.samples_per_second(),
            measured.flops_at(median) / 1e9,
            measured.percent_of_peak(),
            measured.samples_per_second_at(best),
            measured.percent_of_peak_at(best),
        )
    }

    fn json(&self, ranks: usize) -> serde_json::Value {
        let measured = &self.measured;
        let explanation = &measured.explanation;
        let (median, best) = (measured.median(), measured.best());
        json!({
            "workload": self.workload.name,
            "network": explanation.architecture,
            "batch": self.workload.rows,
            "ranks": ranks,
            "threads": explanation.threads_given,
            "threads_used": explanation.threads,
            "dtype": explanation.element,
            "engine": explanation.engine.name(),
            "isa": explanation.set.name(),
            "samples_per_s": measured.samples_per_second(),
            "gflop_s": measured.flops_at(median) / 1e9,
            "percent_of_fma_peak": measured.percent_of_peak(),
            "us_per_step": median * 1e6,
            "best_samples_per_s": measured.samples_per_second_at(best),
            "best_gflop_s": measured.flops_at(best) / 1e9,
            "best_percent_of_fma_peak": measured.percent_of_peak_at(best),
            "best_us_per_step": best * 1e6,
            "precision": explanation.precision.name(),
            "peak_gflop_s": measured.peak / 1e9,
            "repeats": measured.seconds.len(),
            "steps_per_repeat": measured.steps,
            "scratch_bytes": explanation.scratch_bytes,
        })
    }
}
