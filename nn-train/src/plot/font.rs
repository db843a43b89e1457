//! The font of pictures, which is part of the library so that no system needs to have one.

use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb::Database;
use ttf_parser::{Face, GlyphId};

/// Roboto, under the Apache License 2.0: see `font/README.md`.
static ROBOTO: &[u8] = include_bytes!("font/Roboto-Regular.ttf");

/// The font, and what comes near it where an SVG is shown without it.
pub(super) const FAMILY: &str = "Roboto, Helvetica, Arial, sans-serif";

/// What letters are taken from for a PNG.
pub(super) fn database() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_data(ROBOTO.to_vec());
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

/// How wide a text is.
pub(super) fn width(text: &str, size: f64) -> f64 {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    // The font is part of the library and can be read: a test does.
    let Some(face) = FACE.get_or_init(|| Face::parse(ROBOTO, 0).ok()) else { return 0.0 };
    // The first glyph is the one for letters that the font lacks.
    let advance = |letter| face.glyph_hor_advance(face.glyph_index(letter).unwrap_or(GlyphId(0))).unwrap_or(0);
    let units: f64 = text.chars().map(|letter| f64::from(advance(letter))).sum();
    size * units / f64::from(face.units_per_em())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_the_letters_that_pictures_and_names_need() {
        let face = Face::parse(ROBOTO, 0).expect("the font is part of the library");
        for letter in "azAZ09 .,:()%/+-−–…·×≤≥∞λθ₁₂⁰¹²³⁴⁵⁶⁷⁸⁹⁻éüñçøßЖя".chars()
        {
            assert!(face.glyph_index(letter).is_some(), "{letter}");
        }
        let families: Vec<_> = database().faces().map(|face| face.families[0].0.clone()).collect();
        assert!(FAMILY.starts_with(&families.concat()), "{families:?}");
        assert!((width("0000000000", 10.0) - 56.2).abs() < 0.3, "{}", width("0000000000", 10.0));
        assert_eq!(width("", 10.0), 0.0);
        assert!(width("漢", 10.0) > 0.0, "a box stands for what is not there");
    }
}
