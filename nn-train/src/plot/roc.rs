//! The receiver operating characteristic.

use plotters::style::text_anchor::HPos;

use super::color::{self, GREY};
use super::font;
use super::panel::{ABOVE, BELOW, BELOW_TITLE, CURVE, LABEL, MARGIN, Panel, Sign, entry};
use super::picture::{Picture, Stroke};
use super::scale::Scale;

use crate::error::Error;
use crate::metrics::Ranking;

/// How wide and how high the panel is.
const SIDE: f64 = 400.0;
/// What is above the legend.
const HEADING: &str = "area under the curve";

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
    let top = BELOW_TITLE + ABOVE;
    let left = Panel::room(&y);
    let panel = Panel { left, top, width: SIDE, height: SIDE, x, y };
    let chance = Stroke::new(GREY, 1.2).dashed(true);
    let entries = || curves.iter().map(|(name, _, stroke)| (name.as_str(), *stroke)).chain([("chance: 0.5", chance)]);
    let names = entries().map(|(name, _)| 22.0 + font::width(name, LABEL));
    let widest = names.fold(font::width(HEADING, LABEL), f64::max);
    let beside = left + SIDE + 28.0;
    let height = (SIDE + BELOW + 6.0).max(22.0 + 20.0 * (curves.len() + 1) as f64 + MARGIN);
    Picture::draw("Receiver operating characteristic", beside + widest + MARGIN, top + height, &[], |canvas| {
        panel.axes(canvas, "false positive rate", "true positive rate")?;
        panel.curve(canvas, [(0.0, 0.0), (1.0, 1.0)].into_iter(), chance)?;
        for (_, points, stroke) in curves.iter().rev() {
            let points = points.iter().map(|point| (point.false_positive_rate, point.true_positive_rate));
            panel.curve(canvas, points, *stroke)?;
        }
        canvas.text((beside, top + 4.0), HEADING, LABEL, HPos::Left, color::INK)?;
        for (index, (name, stroke)) in entries().enumerate() {
            entry(canvas, (beside, top + 22.0 + 20.0 * index as f64), name, Sign::Line(stroke))?;
        }
        Ok(())
    })
}
