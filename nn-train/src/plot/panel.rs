//! A rectangle with two axes, in which numbers are drawn, and the legend above it.

use super::color::{Color, FAINT, GREY, INK};
use super::font;
use super::picture::{Anchor, Picture, Point, Shape, Stroke};
use super::scale::Scale;

/// How wide pictures are with axes, and how far from their edges everything is.
pub(super) const WIDTH: f64 = 720.0;
pub(super) const MARGIN: f64 = 20.0;

/// Sizes of letters.
pub(super) const TITLE: f64 = 17.0;
pub(super) const LABEL: f64 = 12.5;
pub(super) const SMALL: f64 = 11.5;

/// How high the title and a row of a legend are.
pub(super) const TITLE_HEIGHT: f64 = 30.0;
const ROW: f64 = 20.0;
/// How high the names of the ordinate and of the abscissa are, with the room about them.
pub(super) const ABOVE: f64 = 32.0;
pub(super) const BELOW: f64 = 40.0;

/// How wide curves are.
pub(super) const CURVE: f64 = 2.0;

/// What stands beside a name in a legend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sign {
    Line(Stroke),
    Mark(Mark, Color),
}

/// The shape of a sample. Colours are not all that tells classes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Mark {
    pub(super) fn of(index: usize) -> Self {
        [Self::Circle, Self::Square, Self::Triangle, Self::Diamond][index % 4]
    }

    /// A mark with a white edge, so that those that overlap are told apart.
    pub(super) fn shape(self, center: Point, radius: f64, fill: Color) -> Shape {
        let (x, y) = center;
        let edge = Some(Stroke::new(super::color::WHITE, 1.0));
        let around = |corners: &[(f64, f64)]| corners.iter().map(|(a, b)| (x + a * radius, y + b * radius)).collect();
        let points: Vec<Point> = match self {
            Self::Circle => return Shape::Circle { center, radius, fill, edge },
            Self::Square => around(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Self::Triangle => around(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
            Self::Diamond => around(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        };
        Shape::Polygon { points, fill, edge }
    }
}

/// Writes the title of a picture; where it ends below.
pub(super) fn title(picture: &mut Picture) -> f64 {
    let text = picture.title.clone();
    picture.text((MARGIN, MARGIN + TITLE - 2.0), text, TITLE, Anchor::Start, INK);
    MARGIN + TITLE_HEIGHT
}

const SIGN: f64 = 22.0;
const GAP: f64 = 20.0;

/// The rows that the names of a legend take in a picture of this width.
fn rows(entries: &[(String, Sign)], width: f64) -> Vec<Vec<(f64, &(String, Sign))>> {
    let mut rows: Vec<Vec<_>> = Vec::new();
    let mut left = f64::INFINITY;
    for entry in entries {
        let needed = SIGN + font::width(&entry.0, LABEL);
        if left + needed > width - MARGIN {
            rows.push(Vec::new());
            left = MARGIN;
        }
        if let Some(row) = rows.last_mut() {
            row.push((left, entry));
        }
        left += needed + GAP;
    }
    rows
}

/// How high a legend is.
pub(super) fn legend_height(entries: &[(String, Sign)], width: f64) -> f64 {
    rows(entries, width).len() as f64 * ROW
}

/// Writes a legend in rows from `top`, where it covers no data.
pub(super) fn legend(picture: &mut Picture, entries: &[(String, Sign)], top: f64) {
    for (index, row) in rows(entries, picture.width).into_iter().enumerate() {
        let middle = top + (index as f64 + 0.5) * ROW - 2.0;
        for (left, (name, sign)) in row {
            entry(picture, (left, middle), name, *sign);
        }
    }
}

/// One name of a legend, from the left, its middle at `at`.
pub(super) fn entry(picture: &mut Picture, at: Point, name: &str, sign: Sign) {
    let (left, middle) = at;
    match sign {
        Sign::Line(stroke) => picture.line([(left, middle), (left + SIGN - 6.0, middle)], stroke),
        Sign::Mark(mark, color) => picture.shapes.push(mark.shape((left + 8.0, middle), 5.0, color)),
    }
    picture.text((left + SIGN, middle + 4.3), name, LABEL, Anchor::Start, INK);
}

/// A rectangle of a picture, with the scales of its axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Panel {
    /// The room that the numbers beside an axis take.
    pub(super) fn room(y: &Scale) -> f64 {
        let widest = y.marks().iter().map(|(_, text)| font::width(text, SMALL)).fold(0.0, f64::max);
        MARGIN + widest + 8.0
    }

    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        (self.left + self.x.share(x) * self.width, self.top + (1.0 - self.y.share(y)) * self.height)
    }

    /// Draws the grid, the numbers and the names. The name of the ordinate is above it, where it need not be turned.
    pub(super) fn axes(&self, picture: &mut Picture, x_name: &str, y_name: &str) {
        let Self { left, top, width, height, .. } = *self;
        let (right, bottom) = (left + width, top + height);
        for (number, text) in self.y.marks() {
            let (_, y) = self.at(0.0, number);
            picture.line([(left, y), (right, y)], Stroke::new(FAINT, 1.0));
            picture.text((left - 8.0, y + 4.0), text, SMALL, Anchor::End, GREY);
        }
        let mut free = f64::NEG_INFINITY;
        for (number, text) in self.x.marks() {
            let x = left + self.x.share(number) * width;
            picture.line([(x, top), (x, bottom)], Stroke::new(FAINT, 1.0));
            picture.line([(x, bottom), (x, bottom + 5.0)], Stroke::new(GREY, 1.0));
            // Where numbers would touch, one is left out.
            let half = 0.5 * font::width(&text, SMALL);
            if x - half > free {
                picture.text((x, bottom + 18.0), text, SMALL, Anchor::Middle, GREY);
                free = x + half + 8.0;
            }
        }
        picture.line([(left, bottom), (right, bottom)], Stroke::new(GREY, 1.0));
        picture.text((left + 0.5 * width, bottom + 35.0), x_name, LABEL, Anchor::Middle, INK);
        let name = if self.y.is_logarithmic() { format!("{y_name} (logarithmic)") } else { y_name.to_owned() };
        picture.text((MARGIN, top - 15.0), name, LABEL, Anchor::Start, INK);
    }

    /// Draws a curve; a point that is no number interrupts it, and one that cannot be told from the point before is
    /// left out. A single point is a dot.
    pub(super) fn curve(&self, picture: &mut Picture, points: impl Iterator<Item = (f64, f64)>, stroke: Stroke) {
        const APART: f64 = 0.2;
        let mut piece: Vec<Point> = Vec::new();
        let places =
            points.map(|(x, y)| self.at(x, y)).map(|(x, y)| (x.is_finite() && y.is_finite()).then_some((x, y)));
        for place in places.chain([None]) {
            match (place, &piece[..]) {
                (Some(place), &[.., before]) if (place.0 - before.0).hypot(place.1 - before.1) < APART => {}
                (Some(place), _) => piece.push(place),
                (None, []) => {}
                (None, &[center]) => {
                    picture.shapes.push(Shape::Circle { center, radius: 3.0, fill: stroke.color, edge: None });
                    piece.clear();
                }
                (None, _) => picture.line(std::mem::take(&mut piece), stroke),
            }
        }
    }
}
