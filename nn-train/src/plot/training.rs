//! How a run went.

use super::color::{BLUE, GREY, INK, VERMILION};
use super::panel::{ABOVE, BELOW, BELOW_TITLE, CURVE, MARGIN, Mark, Panel, Sign, WIDTH, legend, legend_height};
use super::picture::{Picture, Stroke};
use super::scale::{FEW, Scale, short};
use crate::error::Error;
use crate::train::History;

/// The cost and the validation cost of each epoch, the best epoch marked; below, the learning rates, one for each
/// epoch, unless there are none. The axis of the cost is logarithmic where costs are far apart.
///
/// ```
/// use nn_train::plot;
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let mut rates = Vec::new();
/// let trainer = Trainer::builder().schedule(nn_train::Cosine::new(0.05, 100)).epochs(100).build()?;
/// let history = trainer.run(&mut net, &data)?.validation(&data)?.on_epoch(|context| {
///     rates.push(context.learning_rate());
///     Ok(Signal::Continue)
/// }).finish()?;
/// let picture = plot::training(&history, &rates)?;
/// assert!(picture.to_svg().contains("validation cost"));
/// # Ok::<(), Error>(())
/// ```
///
/// Costs that are not finite interrupt the curve.
///
/// # Errors
/// [`Error::Empty`] for a history without an epoch that has a finite cost, [`Error::Length`] when there are rates, and
/// not one for each epoch.
pub fn training(history: &History, rates: &[f64]) -> Result<Picture, Error> {
    let costs = || history.iter().map(|epoch| epoch.cost);
    let validations = || history.iter().filter_map(|epoch| epoch.validation_cost);
    let finite = || costs().chain(validations()).filter(|cost| cost.is_finite());
    if finite().next().is_none() {
        return Err(Error::Empty { what: "the history" });
    }
    if !rates.is_empty() && rates.len() != history.len() {
        return Err(Error::Length { what: "the learning rates", expected: history.len(), found: rates.len() });
    }
    let mut entries = vec![("cost".to_owned(), Sign::Line(Stroke::new(BLUE, CURVE)))];
    if validations().next().is_some() {
        entries.push(("validation cost".to_owned(), Sign::Line(Stroke::new(VERMILION, CURVE))));
    }
    let best = history.best().filter(|epoch| epoch.validation_cost.unwrap_or(epoch.cost).is_finite());
    if let Some(epoch) = best {
        let cost = epoch.validation_cost.unwrap_or(epoch.cost);
        let name = format!("best: epoch {}, {}", epoch.number, short(cost));
        entries.push((name, Sign::Line(Stroke::new(GREY, 1.2).dashed(true))));
    }

    let y = Scale::of_costs(finite());
    let numbers = || history.iter().map(|epoch| epoch.number as f64);
    let first = numbers().next().unwrap_or(1.0);
    let x = Scale::counts(first, numbers().next_back().unwrap_or(first));
    let rate_scale = Scale::around(rates.iter().copied().filter(|rate| rate.is_finite()), FEW);
    let left = if rates.is_empty() { Panel::room(&y) } else { Panel::room(&y).max(Panel::room(&rate_scale)) };
    let top = BELOW_TITLE + legend_height(&entries, WIDTH) + ABOVE + 4.0;
    let cost_panel = Panel { left, top, width: WIDTH - left - MARGIN, height: 260.0, x, y };
    let bottom = top + cost_panel.height;
    let rate_panel = Panel { top: bottom + ABOVE + 36.0, height: 90.0, y: rate_scale, ..cost_panel };
    let end = if rates.is_empty() { bottom } else { rate_panel.top + rate_panel.height };
    let validations = history.iter().map(|epoch| epoch.validation_cost.unwrap_or(f64::NAN));
    Picture::draw("Training", WIDTH, end + BELOW + 6.0, &[], |canvas| {
        legend(canvas, &entries, WIDTH, BELOW_TITLE)?;
        cost_panel.axes(canvas, if rates.is_empty() { "epoch" } else { "" }, "cost")?;
        let mark = best.map(|epoch| cost_panel.at(epoch.number as f64, epoch.validation_cost.unwrap_or(epoch.cost)));
        if let Some((x, _)) = mark {
            canvas.line(&[(x, top), (x, bottom)], Stroke::new(GREY, 1.2).dashed(true))?;
        }
        cost_panel.curve(canvas, numbers().zip(costs()), Stroke::new(BLUE, CURVE))?;
        cost_panel.curve(canvas, numbers().zip(validations), Stroke::new(VERMILION, CURVE))?;
        if let (Some(epoch), Some(center)) = (best, mark) {
            let fill = if epoch.validation_cost.is_some() { VERMILION } else { BLUE };
            Mark::Circle.draw(canvas, center, 5.0, fill)?;
        }
        if !rates.is_empty() {
            rate_panel.axes(canvas, "epoch", "learning rate")?;
            rate_panel.curve(canvas, numbers().zip(rates.iter().copied()), Stroke::new(INK, CURVE))?;
        }
        Ok(())
    })
}
