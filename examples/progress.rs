//! Progress on the screen: a line that updates in place on a terminal, a line an epoch anywhere else.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far training has come.
pub struct Progress {
    bar: Option<ProgressBar>,
    epochs: usize,
}

impl Progress {
    /// For `epochs` epochs, on the standard output.
    #[must_use]
    pub fn new(epochs: usize) -> Self {
        let bar = std::io::stdout().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}  {msg}")
                .expect("the template is a constant, and valid")
                .progress_chars("━╸─");
            ProgressBar::with_draw_target(Some(epochs as u64), ProgressDrawTarget::stdout()).with_style(style)
        });
        Self { bar, epochs }
    }

    /// After epoch number `epoch`, counted from 1.
    pub fn epoch(&self, epoch: usize, message: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(message.to_owned());
                bar.set_position(epoch as u64);
            }
            None => println!("epoch {epoch:>3}/{} {message}", self.epochs),
        }
    }

    /// Leaves the last line on the screen and goes on below it.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

/// A rate that reads at a glance: `950`, `12 k`, `4.6 M`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 999.5e3 => format!("{:.1} M", r / 1e6),
        r if r >= 999.5 => format!("{:.0} k", r / 1e3),
        r => format!("{r:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        let rates = [0.4, 950.0, 999.6, 12_345.0, 999_400.0, 999_600.0, 4.56e6, f64::INFINITY].map(rate);
        assert_eq!(rates, ["0", "950", "1 k", "12 k", "999 k", "1.0 M", "4.6 M", "inf M"]);
    }
}
