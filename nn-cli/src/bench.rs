//! `bench`: how fast a network trains on this machine.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use nn_train::throughput::{Samples, Throughput};
use nn_train::{
    Activation, Architecture, DynNetwork, Element, EngineKind, Explanation, Init, InstructionSet, Layer, Loss, Network,
    Sgd, Trainer,
};
use serde_json::json;

use crate::arguments::{ActivationParser, NumberType, Widths, count_in, positive, widths};
use crate::failure::Failure;
use crate::model;
use crate::output::Output;

/// Measure how many samples a second a network trains on, and what share of the machine's peak that is
///
/// One batch of random numbers is stepped on over and over, with plain SGD. The peak is what the machine does of fused
/// multiplications and additions if it does nothing else; it is measured in the same run. The median of the repeats counts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A model whose network is timed
    #[arg(value_name = "MODEL", conflicts_with_all = ["layers", "network"])]
    model: Option<PathBuf>,
    /// A network by its widths from the input to the output, such as 784,256,10
    #[arg(long, value_name = "WIDTHS", value_parser = widths)]
    layers: Option<Widths>,
    /// A network as `network!` writes it, such as "784 => 256 relu => 10 softmax"
    #[arg(long, value_name = "NETWORK", conflicts_with = "layers")]
    network: Option<Architecture>,
    /// The activation of hidden layers, or leaky_relu(0.01) and the like
    #[arg(
        long, value_name = "NAME", requires = "layers", conflicts_with_all = ["model", "network"], default_value = "relu",
        value_parser = ActivationParser::Hidden
    )]
    activation: Activation,
    /// The activation of the output; the loss is that which goes with it
    #[arg(
        long, value_name = "NAME", requires = "layers", conflicts_with_all = ["model", "network"], default_value = "softmax",
        value_parser = ActivationParser::Output
    )]
    output: Activation,
    /// Samples in a batch
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = count_in(1..=u64::from(u32::MAX)))]
    batch_size: usize,
    /// Threads to train on [default: all cores]
    #[arg(long, value_name = "N", value_parser = count_in(1..=1024))]
    threads: Option<usize>,
    /// The numbers to compute in
    #[arg(long, value_enum, default_value_t = NumberType::F32)]
    precision: NumberType,
    /// The engine: narrow, tile or blocked [default: the plan's choice]
    #[arg(long, value_name = "NAME")]
    engine: Option<EngineKind>,
    /// The instruction set: avx512, avx2 or portable [default: what NN_ISA says, or else the widest]
    #[arg(long, value_name = "NAME")]
    isa: Option<InstructionSet>,
    /// Repeats, of which the median and the best are taken
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = count_in(1..=10_000))]
    repeats: usize,
    /// Seconds that a repeat takes, unless one step takes longer
    #[arg(long, value_name = "SECONDS", default_value_t = 0.2, value_parser = positive)]
    seconds: f64,
    /// Say how a step is computed, and why so
    #[arg(long)]
    explain: bool,
}

const EXAMPLES: &str = "Examples:
  nn-train bench --layers 784,256,10 --batch-size 128
  nn-train bench --network \"32 => 64 silu => 64 silu => 1 linear\" --threads 1 --explain
  nn-train bench model.nn --json";

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let architecture = arguments.architecture()?;
    if cfg!(debug_assertions) {
        output.note("this program was built without optimisation: the figures mean nothing");
    }
    let measured = match arguments.precision {
        NumberType::F64 => arguments.measure::<f64>(architecture)?,
        NumberType::F32 | NumberType::Bf16 => arguments.measure::<f32>(architecture)?,
    };
    let Explanation { threads_given, element, engine, set, precision, .. } = &measured.explanation;
    let (median, best) = (measured.median(), measured.best());
    let value = json!({
        "network": measured.explanation.architecture,
        "batch_size": measured.rows,
        "threads": threads_given,
        "number_type": element,
        "precision": precision.name(),
        "engine": engine.name(),
        "isa": set.name(),
        "samples_per_second": measured.samples_per_second(),
        "gflops": measured.flops_at(median) / 1e9,
        "percent_of_peak": measured.percent_of_peak(),
        "microseconds_per_step": median * 1e6,
        "best_samples_per_second": measured.samples_per_second_at(best),
        "best_percent_of_peak": measured.percent_of_peak_at(best),
        "peak_gflops": measured.peak / 1e9,
        "repeats": measured.seconds.len(),
        "steps_per_repeat": measured.steps,
        "scratch_bytes": measured.explanation.scratch_bytes,
    });
    let mut text = format!(
        "{}\nbatches of {}, {element}, {threads_given} {}, engine {engine}, {set}\n\
         median  {:>14.0} samples/s  {:>9.2} GFLOP/s  {:>5.1} % of the peak\n\
         best    {:>14.0} samples/s  {:>9.2} GFLOP/s  {:>5.1} %\n\
         the peak is {:.1} GFLOP/s",
        measured.explanation.architecture,
        measured.rows,
        if *threads_given == 1 { "thread" } else { "threads" },
        measured.samples_per_second(),
        measured.flops_at(median) / 1e9,
        measured.percent_of_peak(),
        measured.samples_per_second_at(best),
        measured.flops_at(best) / 1e9,
        measured.percent_of_peak_at(best),
        measured.peak / 1e9,
    );
    if arguments.explain {
        let _ = write!(text, "\n\n{}", measured.explanation);
    }
    output.result(&value, text)
}

impl Arguments {
    fn architecture(&self) -> Result<Architecture, Failure> {
        if let Some(architecture) = &self.network {
            return Ok(architecture.clone());
        }
        if let Some(path) = &self.model {
            return Ok(model::Model::load(path, &model::Activations::default())?.architecture().clone());
        }
        let Some(Widths(widths)) = &self.layers else {
            return Err(Failure::usage("there is no network to time: name a model, or give --layers or --network"));
        };
        if widths.len() < 2 {
            return Err(Failure::usage("--layers needs at least an input and an output, such as 784,10"));
        }
        let last = widths.len() - 2;
        let activation = |index| if index == last { self.output } else { self.activation };
        let layers = widths.windows(2).enumerate().map(|(index, pair)| Layer::new(pair[0], pair[1], activation(index)));
        Architecture::new(layers.collect(), Loss::for_output(self.output)).map_err(Failure::usage)
    }

    fn measure<T: Element>(&self, architecture: Architecture) -> Result<Throughput, Failure> {
        let mut builder = Trainer::builder()
            .optimizer(Sgd::default())
            .learning_rate(1e-3)
            .batch_size(self.batch_size)
            .precision(self.precision.precision());
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(engine) = self.engine {
            builder = builder.engine(engine);
        }
        if let Some(set) = self.isa {
            builder = builder.instruction_set(set);
        }
        let mut network = DynNetwork::<T>::new(architecture, Init::default(), 1)?;
        let samples = Samples::random(network.architecture(), self.batch_size)?;
        Ok(Throughput::measure(&builder.build()?, &mut network, &samples, self.repeats, self.seconds)?)
    }
}
