//! A rectangle with two axes, in which numbers are drawn, and the legend above it.

use plotters::prelude::{ChartBuilder, LabelAreaPosition};
use plotters::style::Color as _;
use plotters::style::text_anchor::HPos;

use super::color::{Color, FAINT, FRAME, GREY, INK, WHITE};
use super::font;
use super::picture::{Canvas, Drawn, Point, Stroke, fine, text_style};
use super::scale::Scale;

/// How wide pictures are with axes, and how far from their edges everything is.
pub(super) const WIDTH: f64 = 720.0;
pub(super) const MARGIN: f64 = 20.0;

/// Sizes of letters.
pub(super) const TITLE: f64 = 17.0;
pub(super) const LABEL: f64 = 12.5;
pub(super) const SMALL: f64 = 11.5;

/// Where the title ends, and how high a row of a legend is.
pub(super) const BELOW_TITLE: f64 = MARGIN + 30.0;
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

    /// Draws a mark with a white edge, so that those that overlap are told apart.
    pub(super) fn draw(self, canvas: &Canvas<'_>, (x, y): Point, radius: f64, fill: Color) -> Drawn {
        let edge = Stroke::new(WHITE, 1.0);
        let corners: &[(f64, f64)] = match self {
            Self::Circle => {
                canvas.circle((x, y), radius + 0.5, WHITE)?;
                return canvas.circle((x, y), radius - 0.5, fill);
            }
            Self::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Self::Triangle => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        };
        let corners: Vec<Point> = corners.iter().map(|(a, b)| (x + a * radius, y + b * radius)).collect();
        canvas.polygon(&corners, fill)?;
        canvas.line(&[&corners[..], &corners[..2]].concat(), edge)
    }
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
pub(super) fn legend(canvas: &Canvas<'_>, entries: &[(String, Sign)], width: f64, top: f64) -> Drawn {
    for (index, row) in rows(entries, width).into_iter().enumerate() {
        let middle = top + (index as f64 + 0.5) * ROW - 2.0;
        for (left, (name, sign)) in row {
            entry(canvas, (left, middle), name, *sign)?;
        }
    }
    Ok(())
}

/// One name of a legend, from the left, its middle at `at`.
pub(super) fn entry(canvas: &Canvas<'_>, (left, middle): Point, name: &str, sign: Sign) -> Drawn {
    match sign {
        Sign::Line(stroke) => canvas.line(&[(left, middle), (left + SIGN - 6.0, middle)], stroke)?,
        Sign::Mark(mark, color) => mark.draw(canvas, (left + 8.0, middle), 5.0, color)?,
    }
    canvas.text((left + SIGN, middle + 4.3), name, LABEL, HPos::Left, INK)
}

/// Draws a frame around an image.
pub(super) fn frame(canvas: &Canvas<'_>, (left, top): Point, width: f64, height: f64) -> Drawn {
    let (right, bottom) = (left + width, top + height);
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    canvas.line(&corners, Stroke::new(FRAME, 1.0))
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
        let widest = y.marks().into_iter().map(|mark| font::width(&y.text(mark), SMALL)).fold(0.0, f64::max);
        MARGIN + widest + 8.0
    }

    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        (self.left + self.x.share(x) * self.width, self.top + (1.0 - self.y.share(y)) * self.height)
    }

    /// Draws the grid, the numbers and the names. The name of the ordinate is above it, where it need not be turned.
    pub(super) fn axes(&self, canvas: &Canvas<'_>, x_name: &str, y_name: &str) -> Drawn {
        self.axes_with_grid(canvas, x_name, y_name, 1.0)
    }

    /// The same around an image, which no grid covers.
    pub(super) fn axes_of_image(&self, canvas: &Canvas<'_>, x_name: &str, y_name: &str) -> Drawn {
        self.axes_with_grid(canvas, x_name, y_name, 0.0)
    }

    fn axes_with_grid(&self, canvas: &Canvas<'_>, x_name: &str, y_name: &str, opacity: f64) -> Drawn {
        let Self { left, top, width, height, .. } = *self;
        let (across, down) = (fine(left) + fine(width) + 1, fine(height) + fine(BELOW) + 1);
        let area = canvas.0.clone().shrink((0, fine(top)), (across, down));
        ChartBuilder::on(&area)
            .y_label_area_size(fine(left))
            .x_label_area_size(fine(BELOW))
            .build_cartesian_2d(self.x, self.y)?
            .configure_mesh()
            .max_light_lines(0)
            .bold_line_style(FAINT.mix(opacity).stroke_width(fine(1.0) as u32))
            .axis_style(Stroke::new(GREY, 1.0).style())
            .set_tick_mark_size(LabelAreaPosition::Left, fine(4.0))
            .set_tick_mark_size(LabelAreaPosition::Bottom, fine(5.0))
            .label_style(text_style(SMALL, GREY))
            .axis_desc_style(text_style(LABEL, INK))
            .x_desc(x_name)
            .draw()?;
        let name = if self.y.is_logarithmic() { format!("{y_name} (logarithmic)") } else { y_name.to_owned() };
        canvas.text((MARGIN, top - 15.0), &name, LABEL, HPos::Left, INK)
    }

    /// Draws a curve; a point that is no number interrupts it, and one that cannot be told from the point before is
    /// left out. A single point is a dot.
    pub(super) fn curve(&self, canvas: &Canvas<'_>, points: impl Iterator<Item = Point>, stroke: Stroke) -> Drawn {
        const APART: f64 = 0.2;
        let mut piece: Vec<Point> = Vec::new();
        let places = points.map(|(x, y)| (x.is_finite() && y.is_finite()).then(|| self.at(x, y)));
        for place in places.chain([None]) {
            match (place, &piece[..]) {
                (Some(place), &[.., before]) if (place.0 - before.0).hypot(place.1 - before.1) < APART => {}
                (Some(place), _) => piece.push(place),
                (None, []) => {}
                (None, &[center]) => {
                    canvas.circle(center, 3.0, stroke.color)?;
                    piece.clear();
                }
                (None, _) => canvas.line(&std::mem::take(&mut piece), stroke)?,
            }
        }
        Ok(())
    }
}
