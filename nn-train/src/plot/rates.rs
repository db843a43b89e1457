//! Learning rates: schedules, and what a test of rates found.

use nn_kernels::number_text;

use super::color::{self, BLUE, VERMILION};
use super::panel::{ABOVE, BELOW, CURVE, MARGIN, Panel, Sign, WIDTH, legend, legend_height, title};
use super::picture::{Picture, Shape, Stroke};
use super::scale::{MARKS, Scale, short};
use crate::error::Error;
use crate::train::Schedule;

const HEIGHT: f64 = 280.0;
/// Points of a curve at most.
const POINTS: u64 = 700;

/// The learning rates of some schedules, each under its name, over the first so many steps.
///
/// ```
/// use nn_train::{Cosine, OneCycle, Schedule, plot};
///
/// let (cosine, cycle) = (Cosine::new(0.01, 900).warm_up(100), OneCycle::new(0.02, 1000));
/// plot::schedules(&[("cosine", &cosine), ("one cycle", &cycle)], 1000)?;
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without a schedule, [`Error::Argument`] for no step, and what [`Schedule::validate`] returns.
pub fn schedules(schedules: &[(&str, &dyn Schedule)], steps: u64) -> Result<Picture, Error> {
    if schedules.is_empty() {
        return Err(Error::Empty { what: "the schedules" });
    }
    if steps == 0 {
        return Err(Error::argument("steps", steps, "at least 1"));
    }
    let last = steps - 1;
    let points = steps.min(POINTS);
    let at = |point: u64| (u128::from(point) * u128::from(last) / u128::from((points - 1).max(1))) as u64;
    let (mut entries, mut curves) = (Vec::new(), Vec::new());
    for (index, (name, schedule)) in schedules.iter().enumerate() {
        schedule.validate()?;
        let (color, dashed) = color::of(index);
        let stroke = Stroke::new(color, CURVE).dashed(dashed);
        entries.push(((*name).to_owned(), Sign::Line(stroke)));
        let rate = |point| (at(point) as f64, schedule.rate(at(point)));
        curves.push(((0..points).map(rate).collect::<Vec<_>>(), stroke));
    }
    let rates = curves.iter().flat_map(|(curve, _)| curve).map(|(_, rate)| *rate).filter(|rate| rate.is_finite());
    let (x, y) = (Scale::counts(0.0, last as f64), Scale::around(rates.chain([0.0]), MARKS));
    let mut picture = Picture::new("Learning rate".to_owned(), WIDTH, 0.0);
    let panel = framed(&mut picture, &entries, x, y);
    panel.axes(&mut picture, "step", "rate");
    for (curve, stroke) in curves {
        panel.curve(&mut picture, curve.into_iter(), stroke);
    }
    Ok(picture)
}

/// The cost over the learning rate, of steps whose rate grows from one to the next (Smith, "Cyclical learning rates for
/// training neural networks", WACV 2017). `suggested` is the rate to mark, if any. Past its lowest point the curve is
/// shown only as high as it was before.
///
/// ```
/// use nn_train::plot;
///
/// let rates: Vec<f64> = (0..100).map(|step| 1e-5 * 1.15_f64.powi(step)).collect();
/// let costs: Vec<f64> = rates.iter().map(|rate| 1.0 / (1.0 + 100.0 * rate) + 0.5 * rate * rate).collect();
/// plot::rate_range(&rates, &costs, Some(0.01))?;
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] when there is not one cost for each rate, [`Error::Empty`] without a finite cost, and
/// [`Error::Argument`] for a rate, or a suggested one, that is not a finite number above 0.
pub fn rate_range(rates: &[f64], costs: &[f64], suggested: Option<f64>) -> Result<Picture, Error> {
    if rates.len() != costs.len() {
        return Err(Error::Length { what: "the costs", expected: rates.len(), found: costs.len() });
    }
    if let Some(&rate) = rates.iter().chain(&suggested).find(|rate| !(rate.is_finite() && **rate > 0.0)) {
        return Err(Error::argument("the learning rate", number_text(rate), "a finite number above 0"));
    }
    let finite = |place: &usize| costs[*place].is_finite();
    let places = 0..costs.len();
    let Some(lowest) = places.clone().filter(finite).min_by(|a, b| costs[*a].total_cmp(&costs[*b])) else {
        return Err(Error::Empty { what: "the costs" });
    };
    let before = costs[..=lowest].iter().copied().filter(|cost| cost.is_finite()).fold(costs[lowest], f64::max);
    // Where the cost has been falling only, there is something to see above its end.
    let limit = before + 0.15 * (before - costs[lowest]).max(costs[lowest].abs() * 0.1);
    let shown = |place: &usize| *place <= lowest || costs[*place] <= limit;
    let end = (lowest..costs.len()).take_while(shown).last().unwrap_or(lowest);
    let kept = || (0..=end).filter(finite);

    let mut entries = vec![("cost".to_owned(), Sign::Line(Stroke::new(BLUE, CURVE)))];
    let mark = Stroke::new(VERMILION, 1.5).dashed(true);
    if let Some(rate) = suggested {
        entries.push((format!("suggested: {}", short(rate)), Sign::Line(mark)));
    }
    let x = Scale::exactly_logarithmic(rates.iter().copied().chain(suggested));
    let y = Scale::around(kept().map(|place| costs[place]).chain((end + 1 < costs.len()).then_some(limit)), MARKS);
    let mut picture = Picture::new("Learning rate range".to_owned(), WIDTH, 0.0);
    let panel = framed(&mut picture, &entries, x, y);
    panel.axes(&mut picture, "learning rate (logarithmic)", "cost");
    if let Some(rate) = suggested {
        let (x, _) = panel.at(rate, y.high());
        picture.line([(x, panel.top), (x, panel.top + panel.height)], mark);
    }
    let mut points: Vec<(f64, f64)> = (0..=end).map(|place| (rates[place], costs[place])).collect();
    // The last piece ends where it leaves the panel.
    if let (Some(&cost), Some(&rate)) = (costs.get(end + 1), rates.get(end + 1)) {
        let share = (y.high() - costs[end]) / (cost - costs[end]);
        if cost.is_finite() && share.is_finite() {
            let share = share.clamp(0.0, 1.0);
            points.push((rates[end] * (rate / rates[end]).powf(share), costs[end] + (cost - costs[end]) * share));
        }
    }
    panel.curve(&mut picture, points.into_iter(), Stroke::new(BLUE, CURVE));
    if let Some(place) = suggested.and_then(|rate| (0..=end).filter(finite).find(|place| rates[*place] >= rate)) {
        let center = panel.at(rates[place], costs[place]);
        let edge = Some(Stroke::new(color::WHITE, 1.5));
        picture.shapes.push(Shape::Circle { center, radius: 5.0, fill: VERMILION, edge });
    }
    Ok(picture)
}

/// Title, legend, and the panel below them.
fn framed(picture: &mut Picture, entries: &[(String, Sign)], x: Scale, y: Scale) -> Panel {
    let below_title = title(picture);
    legend(picture, entries, below_title);
    let top = below_title + legend_height(entries, WIDTH) + ABOVE + 4.0;
    let left = Panel::room(&y);
    picture.height = top + HEIGHT + BELOW + 6.0;
    Panel { left, top, width: WIDTH - left - MARGIN, height: HEIGHT, x, y }
}
