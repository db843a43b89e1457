//! A confusion matrix, in shades.

use super::color::{Color, FAINT, GREY, INK, shade};
use super::font;
use super::panel::{LABEL, MARGIN, SMALL, title};
use super::picture::{Anchor, Picture, Shape, Stroke, Text};
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

    let mut picture = Picture::new(format!("Confusion matrix, accuracy {:.3}", matrix.accuracy()), 0.0, 0.0);
    let top = title(&mut picture) + 24.0 + above;
    picture.width = (left + side + 24.0 + right).max(360.0);
    picture.height = top + side + MARGIN + 6.0;
    picture.text((left + 0.5 * side, top - above - 10.0), "predicted class", LABEL, Anchor::Middle, INK);
    let (at, text) = ((MARGIN + LABEL, top + 0.5 * side), "actual class".to_owned());
    let text = Text { at, text, size: LABEL, anchor: Anchor::Middle, color: INK, upright: true };
    picture.shapes.push(Shape::Text(text));

    // Every so many names where there is no room for all.
    let every = ((SMALL + 2.0) / cell).ceil().max(1.0) as usize;
    for (class, name) in names.iter().enumerate().step_by(every) {
        let middle = (class as f64 + 0.5) * cell;
        picture.text((left - 8.0, top + middle + 4.0), name, SMALL, Anchor::End, GREY);
        let (at, anchor) = if turned {
            ((left + middle + 4.0, top - 8.0), Anchor::Start)
        } else {
            ((left + middle, top - 8.0), Anchor::Middle)
        };
        let text = Text { at, text: name.clone(), size: SMALL, anchor, color: GREY, upright: turned };
        picture.shapes.push(Shape::Text(text));
    }
    let share = |actual, predicted| {
        let support = matrix.support(actual);
        if support > 0.0 { matrix.count(actual, predicted) / support } else { 0.0 }
    };
    let cells = || (0..classes).flat_map(|actual| (0..classes).map(move |predicted| (actual, predicted)));
    let pixels = cells().map(|(actual, predicted)| shade(share(actual, predicted))).collect();
    picture.shapes.push(Shape::Image { corner: (left, top), width: side, height: side, columns: classes, pixels });
    if cell >= READABLE {
        for place in 1..classes {
            let place = place as f64 * cell;
            picture.line([(left, top + place), (left + side, top + place)], Stroke::new(FAINT, 1.0));
            picture.line([(left + place, top), (left + place, top + side)], Stroke::new(FAINT, 1.0));
        }
    }
    let whole = cells().all(|(actual, predicted)| matrix.count(actual, predicted).fract() == 0.0);
    for (actual, predicted) in cells() {
        let count = matrix.count(actual, predicted);
        let text = if whole { format!("{count}") } else { format!("{count:.1}") };
        if count > 0.0 && cell >= READABLE && font::width(&text, SMALL) < cell - 2.0 {
            let at = (left + (predicted as f64 + 0.5) * cell, top + (actual as f64 + 0.5) * cell + 4.0);
            picture.text(at, text, SMALL, Anchor::Middle, shade(share(actual, predicted)).ink());
        }
    }
    frame(&mut picture, (left, top), side, side);
    let corner = (left + side + 24.0, top);
    bar(&mut picture, corner, side, &["100 %", "50 %", "0 %"], "of the class", shade, 0.0);
    Ok(picture)
}

/// A frame around an image.
pub(super) fn frame(picture: &mut Picture, (left, top): (f64, f64), width: f64, height: f64) {
    let (right, bottom) = (left + width, top + height);
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    picture.line(corners, Stroke::new(Color(190, 190, 190), 1.0));
}

/// A bar that explains colours: `texts` from its upper end, which is 1, to the lower one, which is `low`.
pub(super) fn bar(
    picture: &mut Picture,
    corner: (f64, f64),
    height: f64,
    texts: &[&str],
    name: &str,
    color: fn(f64) -> Color,
    low: f64,
) {
    const STEPS: usize = 64;
    let pixels = (0..STEPS).map(|row| color(1.0 + (low - 1.0) * row as f64 / (STEPS - 1) as f64)).collect();
    picture.shapes.push(Shape::Image { corner, width: BAR, height, columns: 1, pixels });
    frame(picture, corner, BAR, height);
    let gap = height / (texts.len() - 1).max(1) as f64;
    for (index, text) in texts.iter().enumerate() {
        let y = corner.1 + gap * index as f64 + 4.0;
        picture.text((corner.0 + BAR + 7.0, y), *text, SMALL, Anchor::Start, GREY);
    }
    picture.text((corner.0, corner.1 - 15.0), name, SMALL, Anchor::Start, INK);
}
