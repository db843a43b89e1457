//! The font of pictures, which is part of the library so that no system needs to have one.

use std::sync::OnceLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// Roboto, under the Apache License 2.0: see `font/README.md`.
static ROBOTO: &[u8] = include_bytes!("font/Roboto-Regular.ttf");

/// The font, which is part of the library and can be read: a test does.
fn face() -> Option<&'static Face<'static>> {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(ROBOTO, 0).ok()).as_ref()
}

/// The glyphs of a text, each with the place where it begins, and the text's width, for a size of 1.
fn glyphs(face: &Face<'_>, text: &str) -> (Vec<(GlyphId, f64)>, f64) {
    let em = f64::from(face.units_per_em());
    let mut width = 0.0;
    let glyphs = text.chars().map(|letter| {
        // The first glyph is the one for letters that the font lacks.
        let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0));
        let begin = width;
        width += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / em;
        (glyph, begin)
    });
    (glyphs.collect(), width)
}

/// How wide a text is.
pub(super) fn width(text: &str, size: f64) -> f64 {
    face().map_or(0.0, |face| glyphs(face, text).1 * size)
}

/// Draws the outlines of a text, whose baseline begins at (0, 0), up being negative.
pub(super) fn outline(text: &str, size: f64, builder: &mut impl OutlineBuilder) {
    let Some(face) = face() else { return };
    let scale = size / f64::from(face.units_per_em());
    for (glyph, begin) in glyphs(face, text).0 {
        face.outline_glyph(glyph, &mut Placed { builder, left: (begin * size) as f32, scale: scale as f32 });
    }
}

/// A glyph in its place and size.
struct Placed<'b, B> {
    builder: &'b mut B,
    left: f32,
    scale: f32,
}

impl<B> Placed<'_, B> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.left + x * self.scale, -y * self.scale)
    }
}

impl<B: OutlineBuilder> OutlineBuilder for Placed<'_, B> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.builder.curve_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_the_letters_that_pictures_and_names_need() {
        let face = face().expect("the font is part of the library");
        for letter in "azAZ09 .,:()%/+-−–…·×≤≥∞λθ₁₂⁰¹²³⁴⁵⁶⁷⁸⁹⁻éüñçøßЖя".chars()
        {
            assert!(face.glyph_index(letter).is_some(), "{letter}");
        }
        assert!((width("0000000000", 10.0) - 56.2).abs() < 0.3, "{}", width("0000000000", 10.0));
        assert_eq!(width("", 10.0), 0.0);
        assert!(width("漢", 10.0) > 0.0, "a box stands for what is not there");
    }
}
