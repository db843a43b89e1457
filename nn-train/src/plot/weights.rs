//! The weights of a first layer, as images.

use nn_kernels::Element;

use super::color::{Color, signed};
use super::confusion::bar;
use super::panel::{BELOW_TITLE, MARGIN, frame};
use super::picture::{Image, Picture};
use super::scale::short;
use crate::error::Error;
use crate::network::Network;

/// How wide the images of all units are together, about, and how large a weight is at most.
const SIDE: f64 = 560.0;
const LARGEST: f64 = 8.0;
/// Pixels between two images, and of a weight each way where an image has few of them.
const BETWEEN: usize = 2;
const WEIGHT: usize = 4;
const FEW: usize = 12;
/// What is between images, and where there is none.
const GAP: Color = Color(215, 215, 215);

/// The weights that lead to each unit of the first layer, as an image of so many columns and rows: what of an input
/// image a unit answers to. Blue weights are negative, white ones 0, orange ones positive, on one scale for all units.
/// Units are in the layer's order, row by row.
///
/// ```
/// use nn_train::plot;
/// use nn_train::prelude::*;
///
/// network! { struct Digits<64 => 20 relu => 10 softmax>; }
/// plot::first_layer(&Digits::new(1), 8, 8)?;
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`Error::Width`] when the network has not as many inputs as such an image has pixels.
pub fn first_layer<N: Network>(network: &N, columns: usize, rows: usize) -> Result<Picture, Error> {
    let (expected, found) = (columns.saturating_mul(rows), network.architecture().inputs());
    let range = network.architecture().ranges().next().filter(|_| expected == found);
    let Some(range) = range else { return Err(Error::Width { what: "inputs", expected, found }) };
    let weights: Vec<f64> = network.parameters()[range.weights].iter().map(|weight| weight.to_f64()).collect();
    let units = range.bias.len();
    let largest = weights.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
    let scale = if largest > 0.0 { largest } else { 1.0 };

    // As many images beside each other as make the whole about a third wider than it is high.
    let beside = (units as f64 * 1.3 * rows as f64 / columns as f64).sqrt().ceil().clamp(1.0, units as f64) as usize;
    let below = units.div_ceil(beside);
    let pixels = if columns.max(rows) <= FEW { WEIGHT } else { 1 };
    // From the beginning of an image to that of the next.
    let (column_step, row_step) = (columns * pixels + BETWEEN, rows * pixels + BETWEEN);
    let (across, down) = (beside * column_step - BETWEEN, below * row_step - BETWEEN);
    let color = |row: usize, column: usize| {
        let (unit, row, column) =
            (row / row_step * beside + column / column_step, row % row_step, column % column_step);
        let (row, column) = (row / pixels, column / pixels);
        match weights.get(unit * expected..(unit + 1) * expected) {
            Some(image) if row < rows && column < columns => signed(image[row * columns + column] / scale),
            _ => GAP,
        }
    };
    let places = (0..down).flat_map(|row| (0..across).map(move |column| (row, column)));
    let colors = places.map(|(row, column)| color(row, column)).collect();
    let pixel = (SIDE / across as f64).min(LARGEST / pixels as f64);
    let (width, height) = (pixel * across as f64, pixel * down as f64);
    let corner = (MARGIN, BELOW_TITLE + 22.0);
    let beside = (MARGIN + width + 24.0, corner.1);
    let tall = height.max(90.0);
    let texts = [short(scale), "0".to_owned(), short(-scale)];
    let size = ((beside.0 + 14.0 + 7.0 + 42.0).max(320.0), corner.1 + tall + MARGIN + 4.0);
    let image = Image { corner, width, height, columns: across, pixels: colors };
    Picture::draw(&format!("Weights of the first layer, {units} units"), size.0, size.1, &[image], |canvas| {
        frame(canvas, corner, width, height)?;
        bar(canvas, beside, tall, &texts, "weight", |share| signed(2.0 * share - 1.0))
    })
}
