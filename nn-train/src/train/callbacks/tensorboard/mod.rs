//! What TensorBoard shows of a run.

mod event;
mod file;
mod histogram;

use std::fs;
use std::path::PathBuf;

use nn_kernels::Element;

use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Context, Divergence, Epoch, Signal};
use event::{Event, Value};
use file::{EventFile, event_files};

/// Writes a run as event files, which `tensorboard --logdir FOLDER` shows while it trains (feature `tensorboard`):
/// numbers an epoch, numbers every so many steps if asked for, and the distribution of each layer's weights and biases
/// and of their gradients. Keras' `TensorBoard` callback, or PyTorch's `SummaryWriter`.
///
/// ```
/// use nn_train::TensorBoard;
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// # let folder = std::env::temp_dir().join(format!("nn-train-tensorboard-{}", std::process::id()));
/// // Runs in folders beside each other are compared: logs/small, logs/large, …
/// let logs = TensorBoard::folder(folder.join("small")).every_steps(10);
/// let trainer = Trainer::builder().learning_rate(0.1).epochs(20).build()?;
/// trainer.run(&mut net, &data)?.validation(&data)?.callback(logs).finish()?;
/// # assert_eq!(std::fs::read_dir(folder.join("small")).map(Iterator::count).unwrap_or(0), 1);
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), Error>(())
/// ```
///
/// The abscissa of everything is the number of steps taken.
///
/// | tag | |
/// |---|---|
/// | `epoch/cost`, `epoch/validation_cost`, `epoch/accuracy`, `epoch/samples_per_second` | as in [`Epoch`] |
/// | `epoch/learning_rate` | of the next step, as the callbacks before this one have left it |
/// | `epoch/gradient_norm` | in the epoch's last step, where it [is measured](crate::TrainerBuilder::gradient_norm) |
/// | `epoch/dropped_steps` | as in [`Epoch`], where the run may [drop steps](crate::Divergence) |
/// | `step/cost`, `step/learning_rate`, `step/gradient_norm` | the same in a step, [every so many steps](Self::every_steps) |
/// | `layer1/weights`, `layer1/bias`, … | histograms of 30 bins, after each epoch |
/// | `layer1/weights_gradient`, `layer1/bias_gradient`, … | the same of the [gradient](Context::gradient) on the epoch's last batch; none where a number of it is not finite |
///
/// The gradients take about as long as one more step an epoch.
///
/// Each run writes a file of its own, of TFRecords with masked CRC-32C. A record is written through in one piece, so
/// that a run that is killed leaves a file that can be read to its last whole record. Earlier event files of the folder
/// are [treated as all files are](Callback#files): where a run is resumed it begins another file, and TensorBoard drops
/// what the earlier ones have after the step at which it goes on.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    every_steps: Option<u64>,
    histograms: bool,
    overwrite: bool,
    /// There once there is something to write: until then another callback may refuse the run.
    file: Option<EventFile>,
    /// The step at which the run was resumed, if it was.
    resumed: Option<u64>,
    /// Whether this process writes: of several, rank 0 does. All of them compute gradients.
    writes: bool,
}

impl TensorBoard {
    /// To a file in a folder, which is made if it is not there once the run has begun.
    #[must_use]
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Self {
            folder: path.into(),
            every_steps: None,
            histograms: true,
            overwrite: false,
            file: None,
            resumed: None,
            writes: true,
        }
    }

    /// Writes cost, learning rate and gradient norm of a step every so many steps too, at least 1.
    #[must_use]
    pub fn every_steps(self, steps: u64) -> Self {
        Self { every_steps: Some(steps), ..self }
    }

    /// Sets whether histograms of weights, biases and their gradients are written; true unless set.
    #[must_use]
    pub fn histograms(self, histograms: bool) -> Self {
        Self { histograms, ..self }
    }

    /// Sets whether a run that begins anew removes the event files that the folder has; false unless set, and then it
    /// is [refused](Callback#files).
    #[must_use]
    pub fn overwrite(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }

    /// Writes an event, the first one to a file of its own.
    fn write(&mut self, event: &Event) -> Result<(), Error> {
        if !self.writes {
            return Ok(());
        }
        if let Some(file) = &mut self.file {
            return file.write(event);
        }
        if self.resumed.is_none() {
            for old in event_files(&self.folder)? {
                fs::remove_file(&old).map_err(|error| Error::io("remove", old.display(), &error))?;
            }
        }
        let file = self.file.insert(EventFile::create(&self.folder)?);
        file.write(&Event::version())?;
        if let Some(step) = self.resumed {
            file.write(&Event::start(step))?;
        }
        file.write(event)
    }
}

impl<N: Network> Callback<N> for TensorBoard {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if let Some(steps @ 0) = self.every_steps {
            return Err(Error::setting("every_steps", steps, "at least 1"));
        }
        (self.file, self.resumed) = (None, (context.epoch() > 0).then_some(context.step()));
        self.writes = context.rank() == 0;
        if !self.writes {
            return Ok(Signal::Continue);
        }
        match event_files(&self.folder)?.first() {
            Some(old) if self.resumed.is_none() && !self.overwrite => {
                Err(Error::Exists { place: old.display().to_string() })
            }
            _ => Ok(Signal::Continue),
        }
    }

    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if self.every_steps.is_some_and(|steps| context.step().is_multiple_of(steps)) {
            let numbers = [
                ("step/cost", context.cost()),
                ("step/learning_rate", Some(context.learning_rate())),
                ("step/gradient_norm", context.gradient_norm()),
            ];
            self.write(&Event::summary(context.step(), scalars(numbers)))?;
        }
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let Some(&Epoch { cost, validation_cost, accuracy, samples_per_second, dropped_steps, .. }) =
            context.last_epoch()
        else {
            return Ok(Signal::Continue);
        };
        let dropped = (context.core.divergence != Divergence::Stop).then_some(dropped_steps as f64);
        let mut values = scalars([
            ("epoch/cost", Some(cost)),
            ("epoch/validation_cost", validation_cost),
            ("epoch/accuracy", accuracy),
            ("epoch/learning_rate", Some(context.learning_rate())),
            ("epoch/gradient_norm", context.gradient_norm()),
            ("epoch/samples_per_second", Some(samples_per_second)),
            ("epoch/dropped_steps", dropped),
        ]);
        let step = context.step();
        if self.histograms {
            values.extend(histograms(context.network(), ""));
            if let Some((_, gradient)) = context.gradient()? {
                values.extend(histograms(&gradient, "_gradient"));
            }
        }
        self.write(&Event::summary(step, values))?;
        Ok(Signal::Continue)
    }
}

/// The numbers that there are.
fn scalars<const COUNT: usize>(numbers: [(&str, Option<f64>); COUNT]) -> Vec<Value> {
    numbers.into_iter().filter_map(|(tag, number)| Some(Value::scalar(tag, number?))).collect()
}

/// How the numbers of each layer are distributed, of those that are finite.
fn histograms<N: Network>(numbers: &N, suffix: &str) -> Vec<Value> {
    let mut values = Vec::new();
    for (layer, range) in (1..).zip(numbers.architecture().ranges()) {
        for (name, part) in [("weights", range.weights), ("bias", range.bias)] {
            let part: Vec<f64> = numbers.parameters()[part].iter().map(|number| number.to_f64()).collect();
            if part.iter().all(|number| number.is_finite()) {
                values.push(Value::histogram(format!("layer{layer}/{name}{suffix}"), &part));
            }
        }
    }
    values
}
