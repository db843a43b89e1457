//! What becomes of each column, for people.

use std::fmt;

use nn_kernels::number_text;

use super::input::Encoding;
use super::{Input, Preprocess, Scale, Target, Unseen};

/// The categories that are shown of many.
const SHOWN: usize = 8;

/// One line for each column, with the inputs that it makes, and one for each target.
///
/// ```
/// # use nn_train::preprocess::{Missing, Preprocess};
/// # use nn_train::table::Csv;
/// let text = b"area,town,price\n50,Ulm,200\n,Aalen,300\n70,Ulm,\n";
/// let flats = Csv::new().read_bytes(text)?.drop_missing(&["price"])?;
/// let preprocess = Preprocess::for_target("price").missing(Missing::Mean).fit(&flats)?;
/// assert_eq!(preprocess.to_string(), "\
/// input 0    area: number, missing is 50, x - 50
/// input 1-2  town: one-hot of Aalen, Ulm; others are 0
/// output 0   price: number, (x - 250) / 50");
/// # Ok::<(), nn_train::Error>(())
/// ```
impl fmt::Display for Preprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        let mut first = 0;
        for input in &self.inputs {
            let end = first + input.width();
            lines.push((range("input", first, end), format!("{}: {input}", input.name)));
            first = end;
        }
        match &self.target {
            Target::Numbers { names, standardizer } => {
                for (index, name) in names.iter().enumerate() {
                    let scale = standardizer.as_ref().map_or(Scale::None, |standardizer| Scale::Affine {
                        center: standardizer.means()[index],
                        unit: standardizer.deviations()[index],
                    });
                    lines.push((range("output", index, index + 1), format!("{name}: number, {scale}")));
                }
            }
            target @ Target::Classes { name, classes, .. } => {
                let what = if classes.len() == 2 { "probability of the second of" } else { "probabilities of" };
                lines.push((range("output", 0, target.width()), format!("{name}: {what} {}", names(classes))));
            }
        }
        lines.extend(self.weights.iter().map(|name| ("weight".to_owned(), name.clone())));
        let width = lines.iter().map(|(place, _)| place.len()).max().unwrap_or_default();
        let lines = lines.iter().map(|(place, what)| format!("{place:<width$}  {what}")).collect::<Vec<_>>();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.encoding {
            Encoding::Number { fill, scale } => {
                f.write_str("number, ")?;
                if let Some(fill) = fill {
                    write!(f, "missing is {}, ", rounded(*fill))?;
                }
                write!(f, "{scale}")?;
            }
            Encoding::Binned { fill, scale, edges } => {
                f.write_str("number, ")?;
                if let Some(fill) = fill {
                    write!(f, "missing is {}, ", rounded(*fill))?;
                }
                write!(f, "{scale}; {} bins", edges.len() - 1)?;
            }
            Encoding::Ordinal { categories, fill, scale } => {
                write!(f, "place in {}, ", names(categories))?;
                if let Some(fill) = fill {
                    write!(f, "missing is {}, ", rounded(*fill))?;
                }
                write!(f, "{scale}")?;
            }
            Encoding::OneHot { categories, fill, .. } => {
                write!(f, "one-hot of {}", names(categories))?;
                if let Some(category) = fill.and_then(|fill| categories.get(fill)) {
                    write!(f, "; missing is {category}")?;
                }
                if self.unseen == Unseen::Zeros {
                    f.write_str("; others are 0")?;
                }
            }
        }
        if self.indicator {
            f.write_str("; the last input says that it is missing")?;
        }
        if self.constant {
            f.write_str("; always the same in training")?;
        }
        Ok(())
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("as it is"),
            Self::Affine { center, unit } => f.write_str(&affine(*center, *unit)),
            Self::Clipped { center, unit } => write!(f, "{}, smoothly within ±3", affine(*center, *unit)),
            Self::Quantile { knots } => write!(f, "normal quantile by {} quantiles", knots.len()),
        }
    }
}

/// A number to six digits.
fn rounded(number: f64) -> String {
    number_text(format!("{number:.5e}").parse().unwrap_or(number))
}

/// (x - center) / unit.
fn affine(center: f64, unit: f64) -> String {
    let distance = if center < 0.0 { format!("x + {}", rounded(-center)) } else { format!("x - {}", rounded(center)) };
    if unit == 1.0 { distance } else { format!("({distance}) / {}", rounded(unit)) }
}

fn range(what: &str, first: usize, end: usize) -> String {
    if end == first + 1 { format!("{what} {first}") } else { format!("{what} {first}-{}", end - 1) }
}

fn names(names: &[String]) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let text = names[..names.len() - more].join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}
