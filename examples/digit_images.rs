//! The 1,797 hand-written digits of the UCI repository, embedded in the program.

use std::fmt;

/// Pixels on each side of an image.
pub const SIDE: usize = 8;
/// Pixels in an image.
pub const PIXELS: usize = SIDE * SIDE;
/// The digits 0 to 9.
pub const CLASSES: usize = 10;

/// One hand-written digit, its pixels row by row from the top left, 0 for paper to 1 for ink.
pub type Image = [f32; PIXELS];

/// See data/README.md for where it comes from.
const CSV: &str = include_str!("data/digits.csv");
/// The ink of a full pixel in the file.
const INK: f32 = 16.0;

/// What is wrong with the embedded file; never seen unless somebody edits it.
#[derive(Debug)]
pub enum DataError {
    /// It is not CSV, or has a field that is not a small number.
    Csv(csv::Error),
    /// A line's numbers are too few, too many or too large.
    Line {
        /// The line, the header being line 1.
        line: u64,
        /// What was found.
        found: String,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv(error) => write!(f, "digits.csv: {error}"),
            Self::Line { line, found } => {
                write!(f, "digits.csv, line {line}: expected 64 pixels in 0..=16 and a digit in 0..=9, found {found}")
            }
        }
    }
}

impl std::error::Error for DataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Csv(error) => Some(error),
            Self::Line { .. } => None,
        }
    }
}

/// All images, and the digit that each one shows.
///
/// # Errors
/// A [`DataError`] when the embedded file is damaged.
pub fn load() -> Result<(Vec<Image>, Vec<usize>), DataError> {
    parse(CSV)
}

fn parse(text: &str) -> Result<(Vec<Image>, Vec<usize>), DataError> {
    let (mut images, mut digits) = (Vec::new(), Vec::new());
    for (index, record) in csv::Reader::from_reader(text.as_bytes()).deserialize::<Vec<u8>>().enumerate() {
        let record = record.map_err(DataError::Csv)?;
        match record.split_last() {
            Some((&digit, pixels))
                if usize::from(digit) < CLASSES
                    && pixels.len() == PIXELS
                    && pixels.iter().all(|&p| f32::from(p) <= INK) =>
            {
                images.push(std::array::from_fn(|i| f32::from(pixels[i]) / INK));
                digits.push(usize::from(digit));
            }
            _ => return Err(DataError::Line { line: index as u64 + 2, found: format!("{record:?}") }),
        }
    }
    Ok((images, digits))
}

/// The image moved by half a pixel: `right` and `down` are -1, 0 or 1 halves.
///
/// Half way between two pixels the ink is the mean of both, so moving by half a pixel averages neighbours, with
/// paper beyond the edge.
#[must_use]
pub fn shifted(image: &Image, right: isize, down: isize) -> Image {
    let ink = |row: Option<usize>, column: Option<usize>| match (row, column) {
        (Some(row), Some(column)) if row < SIDE && column < SIDE => image[row * SIDE + column],
        _ => 0.0,
    };
    std::array::from_fn(|i| {
        let (row, column) = (i / SIDE, i % SIDE);
        let (above, before) = (row.checked_add_signed(-down), column.checked_add_signed(-right));
        let here = Some(row);
        let this = Some(column);
        0.25 * (ink(here, this) + ink(here, before) + ink(above, this) + ink(above, before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_has_the_counts_that_its_readme_states() {
        let (images, digits) = load().expect("the embedded file is sound");
        assert_eq!((images.len(), digits.len()), (1797, 1797));
        let counts: [usize; CLASSES] = std::array::from_fn(|d| digits.iter().filter(|&&x| x == d).count());
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert!(images.iter().flatten().all(|p| (0.0..=1.0).contains(p)));
    }

    #[test]
    fn a_damaged_line_is_named() {
        let header = CSV.lines().next().expect("there is a header");
        let line = CSV.lines().nth(1).expect("there is a first sample");
        for damaged in [line.replacen("0,", "17,", 1), line.trim_end_matches('0').to_owned() + "10"] {
            let error = parse(&format!("{header}\n{line}\n{damaged}\n")).expect_err("a number is out of range");
            assert!(matches!(error, DataError::Line { line: 3, .. }), "{error}");
        }
        assert!(matches!(parse(&format!("{header}\n1,2\n")), Err(DataError::Csv(_))));
        assert!(matches!(parse(&format!("{header}\n{}\n", line.replacen('0', "x", 1))), Err(DataError::Csv(_))));
    }

    #[test]
    fn half_a_pixel_averages_neighbours() {
        let mut image = [0.0; PIXELS];
        image[3 * SIDE + 3] = 1.0;
        assert_eq!(shifted(&image, 0, 0), image);
        let right = shifted(&image, 1, 0);
        assert_eq!((right[3 * SIDE + 3], right[3 * SIDE + 4]), (0.5, 0.5));
        let up_left = shifted(&image, -1, -1);
        assert!([2 * SIDE + 2, 2 * SIDE + 3, 3 * SIDE + 2, 3 * SIDE + 3].iter().all(|&i| up_left[i] == 0.25));
        let mut corner = [0.0; PIXELS];
        corner[0] = 1.0;
        assert_eq!(shifted(&corner, -1, -1).iter().sum::<f32>(), 0.25, "three quarters leave the image");
    }
}
