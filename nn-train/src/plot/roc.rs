//! The receiver operating characteristic.

use super::color::{self, GREY};
use super::panel::{ABOVE, BELOW, CURVE, MARGIN, Panel, Sign, entry, title};
use super::picture::{Picture, Stroke};
use super::scale::Scale;
use super::{font, panel};
use crate::error::Error;
use crate::metrics::Ranking;

/// How wide and how high the panel is.
const SIDE: f64 = 400.0;

/// The receiver operating characteristic of some rankings, each under its name, with the area under it. The dashed
/// diagonal is what scores without any knowledge reach.
///
/// ```
/// use nn_train::metrics::Ranking;
/// use nn_train::plot;
///
/// let ranking = Ranking::new(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8], None)?;
/// let picture = plot::roc(&[("the network", &ranking)])?;
/// assert!(picture.to_svg().contains("the network: 0.7500"));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without a ranking, and [`Error::Argument`] for one whose samples are all positive or all negative,
/// which has no such curve.
pub fn roc(rankings: &[(&str, &Ranking)]) -> Result<Picture, Error> {
    if rankings.is_empty() {
        return Err(Error::Empty { what: "the rankings" });
    }
    let mut curves = Vec::new();
    for (index, (name, ranking)) in rankings.iter().enumerate() {
        let (Some(points), Some(area)) = (ranking.roc_curve(), ranking.roc_auc()) else {
            return Err(Error::argument("the ranking", format!("`{name}`"), "one of positive and of negative samples"));
        };
        let (color, dashed) = color::of(index);
        curves.push((format!("{name}: {area:.4}"), points, Stroke::new(color, CURVE).dashed(dashed)));
    }
    let (x, y) = (Scale::exact(0.0, 1.0), Scale::exact(0.0, 1.0));
    let mut picture = Picture::new("Receiver operating characteristic".to_owned(), 0.0, 0.0);
    let top = title(&mut picture) + ABOVE;
    let left = Panel::room(&y);
    let panel = Panel { left, top, width: SIDE, height: SIDE, x, y };
    panel.axes(&mut picture, "false positive rate", "true positive rate");
    let chance = Stroke::new(GREY, 1.2).dashed(true);
    panel.curve(&mut picture, [(0.0, 0.0), (1.0, 1.0)].into_iter(), chance);
    for (_, points, stroke) in curves.iter().rev() {
        let points = points.iter().map(|point| (point.false_positive_rate, point.true_positive_rate));
        panel.curve(&mut picture, points, *stroke);
    }
    let beside = left + SIDE + 28.0;
    picture.text((beside, top + 4.0), "area under the curve", panel::LABEL, super::picture::Anchor::Start, color::INK);
    let entries = curves.iter().map(|(name, _, stroke)| (name.as_str(), *stroke)).chain([("chance: 0.5", chance)]);
    let mut widest = font::width("area under the curve", panel::LABEL);
    let mut middle = top + 22.0;
    for (name, stroke) in entries {
        entry(&mut picture, (beside, middle), name, Sign::Line(stroke));
        widest = widest.max(22.0 + font::width(name, panel::LABEL));
        middle += 20.0;
    }
    picture.width = beside + widest + MARGIN;
    picture.height = (top + SIDE + BELOW + 6.0).max(middle + MARGIN);
    Ok(picture)
}
