//! A confusion matrix, in shades.

use plotters::style::text_anchor::HPos;

use super::color::{Color, FAINT, GREY, INK, ink_on, shade};
use super::font;
use super::panel::{BELOW_TITLE, LABEL, MARGIN, SMALL, frame};
use super::picture::{Canvas, Drawn, Image, Picture, Point, Stroke};
use crate::error::Error;
use crate::metrics::ConfusionMatrix;

/// How large the matrix is, and its cells at most.
const SIDE: f64 = 480.0;
const LARGEST: f64 = 64.0;
/// Classes of which each cell shows its count.
const READABLE: f64 = 14.0;
/// How wide the bar is that explains the shades.
const BAR: f64 = 14.0;

/// A confusion matrix: a row for each actual class, a column for each predicted one. A cell shows its count, and the
/// shade what share of the actual class that is. `names` are those of the classes, or none for their numbers.
///
/// ```
/// use nn_train::metrics::ConfusionMatrix;
/// use nn_train::plot;
///
/// let matrix = ConfusionMatrix::from_labels(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
/// let picture = plot::confusion(&matrix, &["cat", "dog"])?;
/// assert!(picture.to_svg().contains("accuracy 0.600"));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] when there are names, and not one for each class.
pub fn confusion(matrix: &ConfusionMatrix, names: &[&str]) -> Result<Picture, Error> {
    let classes = matrix.classes();
    if !names.is_empty() && names.len() != classes {
        return Err(Error::Length { what: "the names of the classes", expected: classes, found: names.len() });
    }
    let names: Vec<String> = match names {
        [] => (0..classes).map(|class| class.to_string()).collect(),
        names => names.iter().map(ToString::to_string).collect(),
    };
    let cell = (SIDE / classes as f64).min(LARGEST);
    let side = cell * classes as f64;
    let widest = names.iter().map(|name| font::width(name, SMALL)).fold(0.0, f64::max);
    // Names that are wider than a column are turned.
    let turned = widest > cell - 6.0;
    let above = if turned { widest } else { SMALL } + 12.0;
    let (left, right) = (MARGIN + 20.0 + widest + 10.0, BAR + 64.0);

    let top = BELOW_TITLE + 24.0 + above;
    let size = ((left + side + 24.0 + right).max(360.0), top + side + MARGIN + 6.0);
    let share = |actual, predicted| {
        let support = matrix.support(actual);
        if support > 0.0 { matrix.count(actual, predicted) / support } else { 0.0 }
    };
    let cells = || (0..classes).flat_map(|actual| (0..classes).map(move |predicted| (actual, predicted)));
    let pixels = cells().map(|(actual, predicted)| shade(share(actual, predicted))).collect();
    let image = Image { corner: (left, top), width: side, height: side, columns: classes, pixels };
    let whole = cells().all(|(actual, predicted)| matrix.count(actual, predicted).fract() == 0.0);
    let title = format!("Confusion matrix, accuracy {:.3}", matrix.accuracy());
    Picture::draw(&title, size.0, size.1, &[image], |canvas| {
        canvas.text((left + 0.5 * side, top - above - 10.0), "predicted class", LABEL, HPos::Center, INK)?;
        canvas.upright((MARGIN + LABEL, top + 0.5 * side), "actual class", LABEL, HPos::Center, INK)?;
        // Every so many names where there is no room for all.
        let every = ((SMALL + 2.0) / cell).ceil().max(1.0) as usize;
        for (class, name) in names.iter().enumerate().step_by(every) {
            let middle = (class as f64 + 0.5) * cell;
            canvas.text((left - 8.0, top + middle + 4.0), name, SMALL, HPos::Right, GREY)?;
            if turned {
                canvas.upright((left + middle + 4.0, top - 8.0), name, SMALL, HPos::Left, GREY)?;
            } else {
                canvas.text((left + middle, top - 8.0), name, SMALL, HPos::Center, GREY)?;
            }
        }
        if cell >= READABLE {
            for place in (1..classes).map(|place| place as f64 * cell) {
                let stroke = Stroke::new(FAINT, 1.0);
                canvas.line(&[(left, top + place), (left + side, top + place)], stroke)?;
                canvas.line(&[(left + place, top), (left + place, top + side)], stroke)?;
            }
        }
        for (actual, predicted) in cells() {
            let count = matrix.count(actual, predicted);
            let text = if whole { format!("{count}") } else { format!("{count:.1}") };
            if count > 0.0 && cell >= READABLE && font::width(&text, SMALL) < cell - 2.0 {
                let at = (left + (predicted as f64 + 0.5) * cell, top + (actual as f64 + 0.5) * cell + 4.0);
                canvas.text(at, &text, SMALL, HPos::Center, ink_on(shade(share(actual, predicted))))?;
            }
        }
        frame(canvas, (left, top), side, side)?;
        bar(canvas, (left + side + 24.0, top), side, &["100 %", "50 %", "0 %"], "of the class", shade)
    })
}

/// Draws a bar that explains colours, from 0 at its lower end to 1 at its upper one, with texts beside it from above.
pub(super) fn bar(
    canvas: &Canvas<'_>,
    (left, top): Point,
    height: f64,
    texts: &[impl AsRef<str>],
    name: &str,
    color: impl Fn(f64) -> Color,
) -> Drawn {
    const STEPS: usize = 64;
    for step in 0..STEPS {
        // Each step goes down to the end: there is no gap where the next one covers it.
        let above = height * step as f64 / STEPS as f64;
        let shown = color(1.0 - step as f64 / (STEPS - 1) as f64);
        canvas.rectangle((left, top + above), BAR, height - above, shown)?;
    }
    frame(canvas, (left, top), BAR, height)?;
    let gap = height / (texts.len() - 1).max(1) as f64;
    for (index, text) in texts.iter().enumerate() {
        let y = top + gap * index as f64 + 4.0;
        canvas.text((left + BAR + 7.0, y), text.as_ref(), SMALL, HPos::Left, GREY)?;
    }
    canvas.text((left, top - 15.0), name, SMALL, HPos::Left, INK)
}
