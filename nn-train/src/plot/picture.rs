//! A picture: what plotters draws as SVG, and what resvg makes of that as PNG.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::{
    Circle, DrawingArea, DrawingAreaErrorKind, FontTransform, IntoDrawingArea, IntoFont, PathElement, Polygon,
    SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use resvg::tiny_skia::{Pixmap, PremultipliedColorU8, Transform};
use resvg::usvg;

use super::color::{Color, INK};
use super::font;
use super::panel::{MARGIN, TITLE};
use crate::error::Error;

/// A picture, which [`save`](Self::save) writes to a file: what the functions of [`plot`](crate::plot) return.
#[derive(Clone, PartialEq)]
pub struct Picture {
    title: String,
    width: u32,
    height: u32,
    svg: String,
}

/// A place in a picture: to the right, and down, in units of 1/96 inch.
pub(super) type Point = (f64, f64);

/// What drawing returns.
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

#[derive(Debug, Clone, Copy)]
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

    pub(super) fn style(self) -> ShapeStyle {
        ShapeStyle::from(self.color).stroke_width(fine(self.width) as u32)
    }
}

/// Rows of pixels, the uppermost first, over a rectangle, below everything else.
pub(super) struct Image {
    pub(super) corner: Point,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) columns: usize,
    pub(super) pixels: Vec<Color>,
}

impl Image {
    fn svg(&self) -> Option<String> {
        let rows = self.pixels.len().checked_div(self.columns)?;
        let mut pixmap = Pixmap::new(u32::try_from(self.columns).ok()?, u32::try_from(rows).ok()?)?;
        for (pixel, &Color(red, green, blue)) in pixmap.pixels_mut().iter_mut().zip(&self.pixels) {
            *pixel = PremultipliedColorU8::from_rgba(red, green, blue, 255)?;
        }
        let ((x, y), png) = (self.corner, STANDARD.encode(pixmap.encode_png().ok()?));
        Some(format!(
            "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{:.2}\" preserveAspectRatio=\"none\" \
             image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{png}\"/>\n",
            self.width, self.height
        ))
    }
}

/// The grid on which plotters draws, whose places are whole numbers, is so many times as fine as a picture's units.
const FINE: f64 = 10.0;

pub(super) fn fine(number: f64) -> i32 {
    (number * FINE).round() as i32
}

/// A text's look to plotters, whose sizes are those of letters with the room about them.
pub(super) fn text_style(size: f64, color: Color) -> TextStyle<'static> {
    TextStyle { color: color.to_backend_color(), ..(font::FAMILY, size * FINE * 1.24).into_font().into() }
}

/// Where a picture is drawn.
pub(super) struct Canvas<'s>(pub(super) DrawingArea<SVGBackend<'s>, Shift>);

impl Canvas<'_> {
    pub(super) fn line(&self, points: &[Point], stroke: Stroke) -> Drawn {
        let points: Vec<_> = points.iter().map(|&(x, y)| (fine(x), fine(y))).collect();
        if stroke.dashed {
            return self.0.draw(&DashedPathElement::new(points, fine(5.0), fine(4.0), stroke.style()));
        }
        self.0.draw(&PathElement::new(points, stroke.style()))
    }

    pub(super) fn polygon(&self, points: &[Point], fill: Color) -> Drawn {
        let points: Vec<_> = points.iter().map(|&(x, y)| (fine(x), fine(y))).collect();
        self.0.draw(&Polygon::new(points, fill))
    }

    pub(super) fn rectangle(&self, (left, top): Point, width: f64, height: f64, fill: Color) -> Drawn {
        let (right, bottom) = (left + width, top + height);
        self.polygon(&[(left, top), (right, top), (right, bottom), (left, bottom)], fill)
    }

    pub(super) fn circle(&self, (x, y): Point, radius: f64, fill: Color) -> Drawn {
        self.0.draw(&Circle::new((fine(x), fine(y)), fine(radius), ShapeStyle::from(fill).filled()))
    }

    /// Writes a text, its baseline at a place, from that place, up to it or around it.
    pub(super) fn text(&self, at: Point, text: &str, size: f64, anchor: HPos, color: Color) -> Drawn {
        self.write((at.0, at.1 - 0.25 * size), text, &text_style(size, color).pos(Pos::new(anchor, VPos::Center)))
    }

    /// The same for a text that is read from below.
    pub(super) fn upright(&self, at: Point, text: &str, size: f64, anchor: HPos, color: Color) -> Drawn {
        let style = text_style(size, color).transform(FontTransform::Rotate270).pos(Pos::new(anchor, VPos::Center));
        self.write((at.0 - 0.25 * size, at.1), text, &style)
    }

    fn write(&self, (x, y): Point, text: &str, style: &TextStyle<'_>) -> Drawn {
        // XML has no place for some characters.
        let text: String = text.chars().filter(|&c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
        self.0.draw_text(&text, style, (fine(x), fine(y)))
    }
}

impl Picture {
    /// What is drawn later covers what was drawn before.
    pub(super) fn draw(
        title: &str,
        width: f64,
        height: f64,
        images: &[Image],
        draw: impl FnOnce(&Canvas<'_>) -> Drawn,
    ) -> Result<Self, Error> {
        let (width, height) = (width.ceil() as u32, height.ceil() as u32);
        let images: String = images.iter().filter_map(Image::svg).collect();
        let mut shapes = String::new();
        let canvas = {
            let backend = SVGBackend::with_string(&mut shapes, (width * FINE as u32, height * FINE as u32));
            Canvas(backend.into_drawing_area())
        };
        let drawn =
            canvas.text((MARGIN, MARGIN + TITLE - 2.0), title, TITLE, HPos::Left, INK).and_then(|()| draw(&canvas));
        drawn
            .and_then(|()| canvas.0.present())
            .map_err(|error| Error::argument("the picture", error, "one to draw"))?;
        drop(canvas);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" stroke-linejoin=\"round\">\n<title>{title}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{images}\
             <g transform=\"scale({})\">\n{shapes}</g>\n</svg>\n",
            1.0 / FINE
        );
        Ok(Self { title: title.to_owned(), width, height, svg })
    }

    /// How wide it is, in CSS pixels of 1/96 inch.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// How high it is, in the same unit.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// As SVG, which is sharp at any size and whose text can be searched.
    #[must_use]
    pub fn to_svg(&self) -> String {
        self.svg.clone()
    }

    /// As PNG, two pixels a unit each way, for screens that show it so.
    ///
    /// # Errors
    /// [`Error::Argument`] for a picture that there is no memory for.
    pub fn to_png(&self) -> Result<Vec<u8>, Error> {
        const SCALE: u32 = 2;
        let (width, height) = (self.width * SCALE, self.height * SCALE);
        let too_large = || Error::argument("the picture's pixels", format!("{width} × {height}"), "fewer");
        let options = usvg::Options { fontdb: font::database(), ..usvg::Options::default() };
        let tree = usvg::Tree::from_str(&self.svg, &options)
            .map_err(|error| Error::argument("the picture", error, "one that is SVG"))?;
        let mut pixmap = Pixmap::new(width, height).ok_or_else(too_large)?;
        resvg::render(&tree, Transform::from_scale(SCALE as f32, SCALE as f32), &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|_| too_large())
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
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture {{ {:?}, {} × {} }}", self.title, self.width(), self.height())
    }
}
