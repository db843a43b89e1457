//! Pictures as PNG.

use tiny_skia::{
    FillRule, FilterQuality, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, PremultipliedColorU8,
    StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::color::Color;
use super::font;
use super::picture::{Anchor, Picture, Point, Shape, Stroke, Text};
use crate::error::Error;

/// Pixels a unit.
const SCALE: f32 = 2.0;
/// How long a dash is, and how long it is to the next.
pub(super) const DASHES: [f32; 2] = [5.0, 4.0];

pub(super) fn write(picture: &Picture) -> Result<Vec<u8>, Error> {
    let (width, height) = (picture.width() * SCALE as u32, picture.height() * SCALE as u32);
    let too_large = || Error::argument("the picture's pixels", format!("{width} × {height}"), "fewer");
    let mut pixmap = Pixmap::new(width, height).ok_or_else(too_large)?;
    pixmap.fill(tiny_skia::Color::WHITE);
    for shape in &picture.shapes {
        draw(&mut pixmap, shape);
    }
    pixmap.encode_png().map_err(|_| too_large())
}

/// Rows of pixels, as an image of its own.
pub(super) fn encode(columns: usize, pixels: &[Color]) -> Option<Vec<u8>> {
    image(columns, pixels)?.encode_png().ok()
}

fn image(columns: usize, pixels: &[Color]) -> Option<Pixmap> {
    let rows = pixels.len().checked_div(columns)?;
    let mut pixmap = Pixmap::new(u32::try_from(columns).ok()?, u32::try_from(rows).ok()?)?;
    for (pixel, &Color(red, green, blue)) in pixmap.pixels_mut().iter_mut().zip(pixels) {
        *pixel = PremultipliedColorU8::from_rgba(red, green, blue, 255)?;
    }
    Some(pixmap)
}

fn draw(pixmap: &mut Pixmap, shape: &Shape) {
    let scale = Transform::from_scale(SCALE, SCALE);
    match shape {
        Shape::Line { points, stroke } => {
            if let Some(path) = path(points, false) {
                line(pixmap, &path, stroke, scale);
            }
        }
        Shape::Polygon { points, fill, edge } => area(pixmap, path(points, true), *fill, edge.as_ref(), scale),
        Shape::Circle { center: (x, y), radius, fill, edge } => {
            let circle = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32);
            area(pixmap, circle, *fill, edge.as_ref(), scale);
        }
        Shape::Text(Text { at: (x, y), text, size, anchor, color, upright }) => {
            let width = font::width(text, *size) as f32;
            let before = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => -0.5 * width,
                Anchor::End => -width,
            };
            let mut outline = Outline(PathBuilder::new());
            font::outline(text, *size, &mut outline);
            let mut place = scale.pre_translate(*x as f32, *y as f32);
            if *upright {
                place = place.pre_rotate(-90.0);
            }
            area(pixmap, outline.0.finish(), *color, None, place.pre_translate(before, 0.0));
        }
        Shape::Image { corner: (x, y), width, height, columns, pixels } => {
            if let Some(image) = image(*columns, pixels) {
                let (across, down) = (*width as f32 / image.width() as f32, *height as f32 / image.height() as f32);
                let paint = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
                let place = scale.pre_translate(*x as f32, *y as f32).pre_scale(across, down);
                pixmap.draw_pixmap(0, 0, image.as_ref(), &paint, place, None);
            }
        }
    }
}

fn path(points: &[Point], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        match index {
            0 => builder.move_to(x as f32, y as f32),
            _ => builder.line_to(x as f32, y as f32),
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

fn paint(Color(red, green, blue): Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

fn line(pixmap: &mut Pixmap, path: &Path, stroke: &Stroke, place: Transform) {
    let style = tiny_skia::Stroke {
        width: stroke.width as f32,
        line_cap: LineCap::Butt,
        line_join: LineJoin::Round,
        dash: if stroke.dashed { StrokeDash::new(DASHES.to_vec(), 0.0) } else { None },
        ..tiny_skia::Stroke::default()
    };
    pixmap.stroke_path(path, &paint(stroke.color), &style, place, None);
}

fn area(pixmap: &mut Pixmap, path: Option<Path>, fill: Color, edge: Option<&Stroke>, place: Transform) {
    let Some(path) = path else { return };
    pixmap.fill_path(&path, &paint(fill), FillRule::Winding, place, None);
    if let Some(stroke) = edge {
        line(pixmap, &path, stroke, place);
    }
}

/// Takes the outlines of letters.
struct Outline(PathBuilder);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}
