//! What came of the runs, as Markdown.

use std::fmt::Write as _;

use crate::tabular::Tabular;
use crate::{Case, INITS, Study};

/// The mean, and its standard error.
fn mean(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

/// A table for each shape: the mean error and its standard error over the seeds; the geometric mean over the sets of
/// the ratio to the first initialisation, seed by seed; and in how many of the pairs the error is less than the first's.
pub(crate) fn markdown(sets: &[Tabular], study: Study, cases: &[Case], errors: &[f64]) -> String {
    let names: Vec<&str> = sets.iter().map(|set| &*set.name).collect();
    let of = |shape, set, init| -> Vec<f64> {
        let here = |case: &Case| (case.shape, case.set, case.init) == (shape, set, init);
        cases.iter().zip(errors).filter(|(case, _)| here(case)).map(|(_, &error)| error).collect()
    };
    let mut text = String::new();
    // Writing to a string does not fail.
    for (shape, hidden) in study.shapes.iter().enumerate() {
        let widths: Vec<String> = hidden.iter().map(usize::to_string).collect();
        let _ = writeln!(text, "\n{} {}, {} seeds:\n", widths.join("-"), study.activation, study.seeds);
        let _ = writeln!(text, "| hidden weights | {} | beside {} | better |", names.join(" | "), INITS[0]);
        let _ = writeln!(text, "|---|{}", "---:|".repeat(sets.len() + 2));
        for (init, name) in INITS.iter().enumerate() {
            let _ = write!(text, "| {name} |");
            let mut ratios = Vec::new();
            for set in 0..sets.len() {
                let these = of(shape, set, init);
                let (mean, error) = mean(&these);
                let _ = write!(text, " {mean:.4} ± {error:.4} |");
                ratios.extend(these.iter().zip(of(shape, set, 0)).map(|(this, first)| this / first));
            }
            let ratio = mean(&ratios.iter().map(|ratio| ratio.ln()).collect::<Vec<_>>()).0.exp();
            let better = ratios.iter().filter(|&&ratio| ratio < 1.0).count();
            let _ = writeln!(text, " {ratio:.3} | {better} of {} |", ratios.len());
        }
    }
    text
}
