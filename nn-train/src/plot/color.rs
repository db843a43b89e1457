//! Colours, which those who are colour-blind can tell apart.

pub(super) use plotters::style::RGBColor as Color;
pub(super) use plotters::style::WHITE;

/// Of text.
pub(super) const INK: Color = Color(38, 38, 38);
/// Of text that matters less, and of axes.
pub(super) const GREY: Color = Color(100, 100, 100);
/// Of the grid.
pub(super) const FAINT: Color = Color(228, 228, 228);
/// Of frames around images.
pub(super) const FRAME: Color = Color(190, 190, 190);

pub(super) const BLUE: Color = Color(0, 114, 178);
pub(super) const VERMILION: Color = Color(213, 94, 0);

/// The palette of Okabe and Ito ("Color universal design", 2008) without its yellow, which is hard to see on white.
const PALETTE: [Color; 6] =
    [BLUE, VERMILION, Color(0, 158, 115), Color(204, 121, 167), Color(230, 159, 0), Color(86, 180, 233)];

/// The colour of number `index`, and whether it is told from an earlier one by dashes.
pub(super) fn of(index: usize) -> (Color, bool) {
    (PALETTE[index % PALETTE.len()], index / PALETTE.len() % 2 == 1)
}

/// From white at 0 to a dark blue at 1: darker is more, in grey too.
pub(super) fn shade(share: f64) -> Color {
    const STOPS: [Color; 4] = [WHITE, Color(189, 215, 231), Color(49, 130, 189), Color(8, 48, 107)];
    along(&STOPS, share)
}

/// Blue at -1, white at 0, vermilion at 1.
pub(super) fn signed(number: f64) -> Color {
    const STOPS: [Color; 5] = [Color(0, 68, 136), Color(86, 160, 206), WHITE, Color(238, 150, 80), Color(170, 60, 0)];
    along(&STOPS, 0.5 + 0.5 * number)
}

/// A colour between stops at equal distances. NaN is the first.
fn along(stops: &[Color], share: f64) -> Color {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let place = share * (stops.len() - 1) as f64;
    let stop = (place as usize).min(stops.len() - 2);
    between(stops[stop], stops[stop + 1], place - stop as f64)
}

/// The first colour at a share of 0, the second at 1.
pub(super) fn between(first: Color, second: Color, share: f64) -> Color {
    let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8;
    Color(mix(first.0, second.0), mix(first.1, second.1), mix(first.2, second.2))
}

/// White or nearly black, whichever is easier to read on a colour.
pub(super) fn ink_on(color: Color) -> Color {
    let luminance = 0.299 * f64::from(color.0) + 0.587 * f64::from(color.1) + 0.114 * f64::from(color.2);
    if luminance < 140.0 { WHITE } else { INK }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_go_from_end_to_end_and_texts_on_them_can_be_read() {
        assert_eq!((shade(0.0), shade(1.0)), (WHITE, Color(8, 48, 107)));
        assert_eq!((ink_on(shade(0.0)), ink_on(shade(1.0))), (INK, WHITE));
        assert_eq!(signed(0.0), WHITE);
        assert_eq!((signed(-2.0), signed(2.0)), (signed(-1.0), signed(1.0)), "past the ends");
        assert_eq!(shade(f64::NAN), WHITE);
        assert_eq!(shade(1.0 / 6.0), Color(222, 235, 243), "half way to the second stop");
    }
}
