//! The reliability diagram.

use super::color::{BLUE, Color, GREY};
use super::panel::{ABOVE, BELOW, BELOW_TITLE, CURVE, MARGIN, Mark, Panel, Sign, legend, legend_height};
use super::picture::{Picture, Stroke};
use super::scale::{FEW, Scale};
use crate::error::Error;
use crate::metrics::ReliabilityBin;

/// How wide the panels are, and how high the upper one.
const SIDE: f64 = 400.0;

/// Whether what is predicted with a probability happens as often: the bins of
/// [`confidence_curve`](crate::metrics::Probabilities::confidence_curve) or
/// [`reliability_curve`](crate::metrics::Probabilities::reliability_curve), over the diagonal of a calibrated network;
/// below, the share of samples in each, which the size of the dots shows too. Over the diagonal a network is too
/// careful, under it too sure.
///
/// ```
/// use nn_train::metrics::Probabilities;
/// use nn_train::plot;
///
/// let measured = Probabilities::from_labels(&[0, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8], 1, None)?;
/// let picture = plot::reliability(&measured.reliability_curve(0)?)?;
/// assert!(picture.to_svg().contains("expected error"));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without a bin.
pub fn reliability(bins: &[ReliabilityBin]) -> Result<Picture, Error> {
    if bins.is_empty() {
        return Err(Error::Empty { what: "the reliability curve" });
    }
    let error: f64 = bins.iter().map(|bin| bin.share * (bin.frequency - bin.confidence).abs()).sum();
    let curve = Stroke::new(BLUE, CURVE);
    let ideal = Stroke::new(GREY, 1.2).dashed(true);
    let entries = vec![
        (format!("the network, expected error {error:.4}"), Sign::Line(curve)),
        ("calibrated".to_owned(), Sign::Line(ideal)),
    ];
    let (x, y) = (Scale::exact(0.0, 1.0), Scale::exact(0.0, 1.0));
    let shares = Scale::around(bins.iter().map(|bin| bin.share).chain([0.0]), FEW);
    let left = Panel::room(&y).max(Panel::room(&shares));
    let width = left + SIDE + MARGIN;
    let top = BELOW_TITLE + legend_height(&entries, width) + ABOVE + 4.0;
    let panel = Panel { left, top, width: SIDE, height: SIDE, x, y };
    let below = Panel { top: top + SIDE + ABOVE + 36.0, height: 80.0, y: shares, ..panel };
    Picture::draw("Reliability", width, below.top + below.height + BELOW + 6.0, &[], |canvas| {
        legend(canvas, &entries, width, BELOW_TITLE)?;
        panel.axes(canvas, "", "share that came true")?;
        panel.curve(canvas, [(0.0, 0.0), (1.0, 1.0)].into_iter(), ideal)?;
        panel.curve(canvas, bins.iter().map(|bin| (bin.confidence, bin.frequency)), curve)?;
        for bin in bins {
            let center = panel.at(bin.confidence, bin.frequency);
            Mark::Circle.draw(canvas, center, 3.0 + 4.0 * bin.share.sqrt(), BLUE)?;
        }
        below.axes(canvas, "predicted probability", "share of the samples")?;
        for bin in bins {
            let ((left, top), (right, bottom)) = (below.at(bin.lower, bin.share), below.at(bin.upper, 0.0));
            canvas.rectangle((left + 0.5, top), right - left - 1.0, bottom - top, Color(120, 170, 205))?;
        }
        Ok(())
    })
}
