//! What a network of two inputs decides, over the plane.

use nn_kernels::Element;

use super::color::{self, Color, WHITE};
use super::panel::{ABOVE, BELOW, BELOW_TITLE, MARGIN, Mark, Panel, Sign, frame, legend, legend_height};
use super::picture::{Image, Picture};
use super::scale::Scale;
use crate::data::highest;
use crate::error::Error;
use crate::network::Network;

/// How wide the panel is, and the points at which the network is asked, each way.
const SIDE: f64 = 440.0;
const POINTS: usize = 220;
/// How far the plane goes beyond the data, as a share of its extent.
const BEYOND: f64 = 0.15;
/// Steps of a colour from a class that is hardly the likeliest to one that is sure.
const LEVELS: f64 = 6.0;

/// The class that a network of two inputs decides for over the plane, the darker the surer it is, and the samples of a
/// data set, each with the colour and the shape of its class. `names` are those of the classes, or none for their
/// numbers. Of several outputs the highest one decides, and the higher it is the surer.
///
/// ```
/// use nn_train::plot;
/// use nn_train::prelude::*;
///
/// network! { struct Xor<2 => 4 tanh => 1>; }
/// let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// let mut net = Xor::new(42);
/// Trainer::builder().learning_rate(0.05).epochs(300).build()?.fit(&mut net, &data, None)?;
/// let picture = plot::decision_surface(&net, &data, &["equal", "different"])?;
/// assert!(picture.to_svg().contains("different"));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`Error::Width`] for a network or data that has not two inputs, or another number of outputs,
/// [`Error::NotAClass`] when a target stands for no class, [`Error::NaNOutput`] when an output is NaN, and
/// [`Error::Length`] when there are names, and not one for each class.
pub fn decision_surface<N: Network>(network: &N, data: &N::Data, names: &[&str]) -> Result<Picture, Error> {
    let data = N::dataset(data);
    let architecture = network.architecture();
    let width =
        |what, expected, found| if expected == found { Ok(()) } else { Err(Error::Width { what, expected, found }) };
    width("inputs", 2, architecture.inputs())?;
    width("inputs", 2, data.input_width())?;
    width("targets", architecture.outputs(), data.target_width())?;
    let labels = data.labels()?;
    let classes = data.classes();
    if !names.is_empty() && names.len() != classes {
        return Err(Error::Length { what: "the names of the classes", expected: classes, found: names.len() });
    }
    let axis = |column: usize| {
        let numbers = data.inputs().iter().skip(column).step_by(2).map(|number| number.to_f64());
        let ends = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(n), high.max(n)));
        let beyond = if ends.1 > ends.0 { BEYOND * (ends.1 - ends.0) } else { 1.0 };
        (ends.0 - beyond, ends.1 + beyond)
    };
    let (across, up) = (axis(0), axis(1));
    let middle = |(low, high): (f64, f64), place: usize| low + (high - low) * (place as f64 + 0.5) / POINTS as f64;
    let mut output = vec![N::Scalar::ZERO; architecture.outputs()];
    let mut pixels = Vec::with_capacity(POINTS * POINTS);
    for sample in 0..POINTS * POINTS {
        let (row, column) = (POINTS - 1 - sample / POINTS, sample % POINTS);
        let input = [middle(across, column), middle(up, row)].map(N::Scalar::from_f64);
        network.predict_into(&input, &mut output)?;
        pixels.push(decided(&output).ok_or(Error::NaNOutput { sample, column: 0 })?);
    }

    let mut entries = Vec::new();
    for class in 0..classes {
        let name = names.get(class).map_or_else(|| format!("class {class}"), ToString::to_string);
        entries.push((name, Sign::Mark(Mark::of(class), color::of(class).0)));
    }
    let (x, y) = (Scale::exact(across.0, across.1), Scale::exact(up.0, up.1));
    let left = Panel::room(&y);
    let width = left + SIDE + MARGIN;
    let top = BELOW_TITLE + legend_height(&entries, width) + ABOVE + 4.0;
    let panel = Panel { left, top, width: SIDE, height: SIDE, x, y };
    let image = Image { corner: (left, top), width: SIDE, height: SIDE, columns: POINTS, pixels };
    let radius = if labels.len() > 400 { 3.5 } else { 5.0 };
    Picture::draw("Decision surface", width, top + SIDE + BELOW + 6.0, &[image], |canvas| {
        legend(canvas, &entries, width, BELOW_TITLE)?;
        panel.axes_of_image(canvas, "first input", "second input")?;
        frame(canvas, (left, top), SIDE, SIDE)?;
        for (input, &class) in data.inputs().chunks_exact(2).zip(&labels) {
            let center = panel.at(input[0].to_f64(), input[1].to_f64());
            Mark::of(class).draw(canvas, center, radius, color::of(class).0)?;
        }
        Ok(())
    })
}

/// The colour of what outputs decide for.
fn decided<T: Element>(output: &[T]) -> Option<Color> {
    let class = highest(output)?;
    // 0 where the class is hardly the likeliest one, 1 where it is sure.
    let sure = match output {
        [probability] => (2.0 * probability.to_f64() - 1.0).abs(),
        _ => {
            let least = 1.0 / output.len() as f64;
            (output[class].to_f64() - least) / (1.0 - least)
        }
    };
    let level = (sure.clamp(0.0, 1.0) * LEVELS).floor().min(LEVELS - 1.0) / (LEVELS - 1.0);
    Some(color::between(WHITE, color::of(class).0, 0.12 + 0.43 * level))
}
