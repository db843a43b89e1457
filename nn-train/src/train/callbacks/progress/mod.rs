//! How far a run has come, on a terminal or as lines.

mod pace;
mod text;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Context, Epoch, Signal};
use pace::Pace;
use text::{changed, clock, quantity, short};

/// Shows how far a run has come (feature `progress`): on a terminal a bar for the epoch that is under way, and a line
/// for each that is over; in a file or a pipe the lines alone. Keras' progress bar, or `tqdm` around your loop.
///
/// ```
/// use nn_train::Progress;
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let trainer = Trainer::builder().learning_rate(0.1).epochs(20).build()?;
/// trainer.run(&mut net, &data)?.callback(Progress::stderr().every_epochs(10)).finish()?;
///
/// let mut text = Vec::new();
/// trainer.run(&mut net, &data)?.callback(Progress::writer(&mut text).every_epochs(10)).finish()?;
/// let text = String::from_utf8_lossy(&text);
/// assert_eq!(text.lines().count(), 2);
/// assert!(text.starts_with("epoch 10/20  cost 0."));
/// # Ok::<(), Error>(())
/// ```
///
/// | shown | |
/// |---|---|
/// | `cost` | of a line, that of the [`Epoch`]; of the bar, the mean over the epoch so far |
/// | `validation`, `accuracy` | cost and accuracy on the validation data, where there is some |
/// | `steps dropped` | how many steps of the epoch [diverged](crate::Divergence), where any has |
/// | `rate` | the learning rate of the next step |
/// | `k/s`, `samples/s` | samples trained on a second, without validation |
/// | `left`, `run` | the time that the rest of the epoch will take, and that of the run, as it has gone so far; with validation |
///
/// A number has four significant digits, and more where the one before would otherwise look the same.
///
/// The bar is drawn twelve times a second at most. In between a step costs a count: the clock is looked at every 20 ms
/// or so, however short a step is.
///
/// What it shows is no part of the run's state. A run that ends with an error leaves the bar as it was.
pub struct Progress<'a> {
    output: Output<'a>,
    every_epochs: usize,
    quiet: bool,
    pace: Pace,
    /// When the run began, and how many steps had been taken.
    begun: Option<(Instant, u64)>,
    /// The last epoch that has a line.
    before: Option<Epoch>,
}

enum Output<'a> {
    Bar(ProgressBar),
    Lines(Box<dyn Write + Send + 'a>),
}

/// How often a terminal is written to, a second.
const REDRAWS: u8 = 12;

impl<'a> Progress<'a> {
    /// On the standard error, so that what a program prints can go elsewhere.
    #[must_use]
    pub fn stderr() -> Self {
        if io::stderr().is_terminal() {
            Self::bar(ProgressDrawTarget::stderr_with_hz(REDRAWS))
        } else {
            Self::writer(io::stderr())
        }
    }

    /// On the standard output.
    #[must_use]
    pub fn stdout() -> Self {
        if io::stdout().is_terminal() {
            Self::bar(ProgressDrawTarget::stdout_with_hz(REDRAWS))
        } else {
            Self::writer(io::stdout())
        }
    }

    /// Lines without a bar, to any writer.
    #[must_use]
    pub fn writer(writer: impl Write + Send + 'a) -> Self {
        Self::of(Output::Lines(Box::new(writer)))
    }

    fn bar(target: ProgressDrawTarget) -> Self {
        // As it is where it is dropped, which is after an error.
        let bar = ProgressBar::with_draw_target(None, target).with_finish(ProgressFinish::Abandon);
        // The template is right, which a test sees to; the crate's own bar is no worse than an error would be.
        let style = ProgressStyle::with_template("{prefix} {wide_bar} {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::of(Output::Bar(bar.with_style(style.progress_chars("━╸─"))))
    }

    fn of(output: Output<'a>) -> Self {
        Self { output, every_epochs: 1, quiet: false, pace: Pace::new(Instant::now()), begun: None, before: None }
    }

    /// Writes a line after every so many epochs, at least 1, and after the last one of the run; after each unless set.
    #[must_use]
    pub fn every_epochs(self, epochs: usize) -> Self {
        Self { every_epochs: epochs, ..self }
    }

    /// Sets whether nothing is shown, for instance as a program's user likes it; false unless set.
    #[must_use]
    pub fn quiet(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// Writes the line of an epoch.
    fn line(&mut self, epoch: &Epoch, epochs: usize) -> Result<(), Error> {
        let before = self.before.replace(*epoch);
        let mut line = format!("{}  cost {}", place(epoch.number, epochs), changed(epoch.cost, before.map(|e| e.cost)));
        if let Some(cost) = epoch.validation_cost {
            line += &format!("  validation {}", changed(cost, before.and_then(|e| e.validation_cost)));
        }
        if let Some(accuracy) = epoch.accuracy {
            line += &format!("  accuracy {}", changed(accuracy, before.and_then(|e| e.accuracy)));
        }
        line += &dropped(epoch.dropped_steps);
        line += &format!("  {} samples/s", quantity(epoch.samples_per_second));
        match &mut self.output {
            Output::Bar(bar) => {
                // The bar below the line is that of the next epoch.
                bar.set_prefix(place(epochs.min(epoch.number.saturating_add(1)), epochs));
                bar.set_position(0);
                bar.println(line);
            }
            Output::Lines(writer) => {
                line.push('\n');
                let written = writer.write_all(line.as_bytes()).and_then(|()| writer.flush());
                written.map_err(|error| Error::write("the progress", &error))?;
            }
        }
        Ok(())
    }
}

/// `epoch  3/30`.
fn place(epoch: usize, epochs: usize) -> String {
    let width = epochs.to_string().len();
    format!("epoch {epoch:>width$}/{epochs}")
}

/// `  steps dropped 2`, and nothing for none.
fn dropped(steps: u64) -> String {
    if steps == 0 { String::new() } else { format!("  steps dropped {steps}") }
}

/// Steps of the run so far, those that were dropped among them.
fn tried<N: Network>(context: &Context<'_, N>) -> u64 {
    context.step() + context.core.dropped_steps()
}

/// Where a run is, for a bar.
fn draw<N: Network>(bar: &ProgressBar, context: &Context<'_, N>, begun: Option<(Instant, u64)>) {
    let (epoch, epochs) = (context.epoch(), context.epochs());
    let (step, steps) = (context.epoch_step(), context.epoch_steps());
    let position = context.position;
    let taken = position.elapsed + context.under_way_since.map_or(Duration::ZERO, |start| start.elapsed());
    // All batches are of one size, but the last of an epoch.
    let samples = step as f64 * context.core.explain().batch_rows as f64;
    let left = |taken: Duration, done: u64, all: u64| {
        taken.as_secs_f64() / done.max(1) as f64 * all.saturating_sub(done) as f64
    };
    let mut text = format!(
        "cost {}{}  rate {}  {}/s  {} left",
        changed(position.mean_cost(), None),
        dropped(position.dropped_steps),
        short(context.learning_rate()),
        quantity(samples / taken.as_secs_f64()),
        clock(left(taken, step, steps)),
    );
    if let Some((start, first)) = begun {
        let all = steps.saturating_mul(epochs as u64).saturating_sub(first);
        let done = tried(context).saturating_sub(first);
        text += &format!(", run {}", clock(left(start.elapsed(), done, all)));
    }
    bar.set_prefix(place(epoch, epochs));
    bar.set_message(text);
    bar.update(|state| {
        state.set_len(steps);
        state.set_pos(step);
    });
}

impl<N: Network> Callback<N> for Progress<'_> {
    fn only_on_first_rank(&self) -> bool {
        true
    }

    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if self.every_epochs == 0 {
            return Err(Error::setting("every_epochs", self.every_epochs, "at least 1"));
        }
        let now = Instant::now();
        (self.begun, self.pace, self.before) = (Some((now, tried(context))), Pace::new(now), None);
        if let Output::Bar(bar) = &self.output
            && bar.is_finished()
            && !self.quiet
        {
            // It has shown another run.
            bar.reset();
        }
        Ok(Signal::Continue)
    }

    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if let Output::Bar(bar) = &self.output
            && self.pace.is_due()
            && !self.quiet
        {
            draw(bar, context, self.begun);
        }
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let epochs = context.epochs();
        if let Some(epoch) = context.last_epoch()
            && !self.quiet
            && (epoch.number.is_multiple_of(self.every_epochs) || epoch.number == epochs)
        {
            self.line(epoch, epochs)?;
        }
        Ok(Signal::Continue)
    }

    fn on_end(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        // Another callback has ended the run at an epoch that has no line yet.
        if let Some(epoch) = context.last_epoch()
            && !self.quiet
            && self.before.is_none_or(|before| before.number != epoch.number)
        {
            self.line(epoch, context.epochs())?;
        }
        if let Output::Bar(bar) = &self.output {
            bar.finish_and_clear();
        }
        Ok(())
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { every_epochs, quiet, .. } = self;
        f.debug_struct("Progress").field("every_epochs", every_epochs).field("quiet", quiet).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
