//! A picture: shapes in their places, before they are written in one format or another.

use std::fmt;
use std::path::Path;

use super::color::Color;
use super::{png, svg};
use crate::error::Error;

/// A picture, which [`save`](Self::save) writes to a file: what the functions of [`plot`](crate::plot) return.
#[derive(Clone, PartialEq)]
pub struct Picture {
    pub(super) title: String,
    pub(super) width: f64,
    pub(super) height: f64,
    /// What is drawn later covers what was drawn before.
    pub(super) shapes: Vec<Shape>,
}

/// A place in a picture: to the right, and down, in units of 1/96 inch.
pub(super) type Point = (f64, f64);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Line {
        points: Vec<Point>,
        stroke: Stroke,
    },
    Polygon {
        points: Vec<Point>,
        fill: Color,
        edge: Option<Stroke>,
    },
    Circle {
        center: Point,
        radius: f64,
        fill: Color,
        edge: Option<Stroke>,
    },
    Text(Text),
    /// Rows of pixels, the uppermost first, over a rectangle.
    Image {
        corner: Point,
        width: f64,
        height: f64,
        columns: usize,
        pixels: Vec<Color>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub(super) color: Color,
    pub(super) width: f64,
    pub(super) dashed: bool,
}

impl Stroke {
    pub(super) const fn new(color: Color, width: f64) -> Self {
        Self { color, width, dashed: false }
    }

    pub(super) const fn dashed(self, dashed: bool) -> Self {
        Self { dashed, ..self }
    }
}

/// A line of text, its baseline at `at`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) at: Point,
    pub(super) text: String,
    pub(super) size: f64,
    pub(super) anchor: Anchor,
    pub(super) color: Color,
    /// Whether it is read from below.
    pub(super) upright: bool,
}

/// Which part of a text is at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Picture {
    pub(super) fn new(title: String, width: f64, height: f64) -> Self {
        Self { title, width, height, shapes: Vec::new() }
    }

    /// How wide it is, in CSS pixels of 1/96 inch.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width.ceil() as u32
    }

    /// How high it is, in the same unit.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height.ceil() as u32
    }

    /// As SVG, which is sharp at any size and whose text can be searched.
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::write(self)
    }

    /// As PNG, two pixels a unit each way, for screens that show it so.
    ///
    /// # Errors
    /// [`Error::Argument`] for a picture that there is no memory for.
    pub fn to_png(&self) -> Result<Vec<u8>, Error> {
        png::write(self)
    }

    /// Writes it to a file, as SVG or PNG as the name ends.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name that ends otherwise, [`Error::Io`] when the file cannot be written, and as
    /// [`to_png`](Self::to_png).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let bytes = match extension.to_ascii_lowercase().as_str() {
            "svg" => self.to_svg().into_bytes(),
            "png" => self.to_png()?,
            _ => return Err(Error::argument("the picture's file", path.display(), "a name that ends in .svg or .png")),
        };
        std::fs::write(path, bytes).map_err(|error| Error::write(path.display(), &error))
    }

    pub(super) fn line(&mut self, points: impl Into<Vec<Point>>, stroke: Stroke) {
        self.shapes.push(Shape::Line { points: points.into(), stroke });
    }

    pub(super) fn rectangle(&mut self, (left, top): Point, width: f64, height: f64, fill: Color) {
        let (right, bottom) = (left + width, top + height);
        let points = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        self.shapes.push(Shape::Polygon { points, fill, edge: None });
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, size: f64, anchor: Anchor, color: Color) {
        self.shapes.push(Shape::Text(Text { at, text: text.into(), size, anchor, color, upright: false }));
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture {{ {:?}, {} × {} }}", self.title, self.width(), self.height())
    }
}
