//! Axes: where a number lies, and where marks with readable numbers go.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// From numbers to a share of an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Whether the numbers are counts, which have no fractions.
    whole: bool,
    /// About how many marks there are.
    marks: f64,
}

/// About how many marks an axis has, and a short one.
pub(super) const MARKS: f64 = 5.0;
pub(super) const FEW: f64 = 2.0;
/// How many times the least number the greatest is, from where on costs are better seen on a logarithmic axis.
const WIDE: f64 = 50.0;

impl Scale {
    /// From one number to another, as they are.
    pub(super) fn exact(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, logarithmic: false, whole: false, marks: MARKS }
    }

    /// The same for counts.
    pub(super) fn counts(low: f64, high: f64) -> Self {
        Self { whole: true, ..Self::exact(low, high) }
    }

    /// From the mark below the least of some finite numbers to the one above the greatest, and from 0 unless that would
    /// press the numbers together.
    pub(super) fn around(numbers: impl Iterator<Item = f64>, marks: f64) -> Self {
        let (mut low, mut high) = ends(numbers);
        if low > 0.0 && low < 0.6 * high {
            low = 0.0;
        }
        if high <= low {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        let step = step(low, high, marks);
        // A number at a mark belongs to it, however it was rounded.
        let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        Self { low, high, logarithmic: false, whole: false, marks }
    }

    /// The same on a logarithmic axis, for numbers above 0; below 10⁻³⁰⁰ there is no room for a power of ten.
    pub(super) fn logarithmic(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = ends(numbers.map(|number| number.max(1e-300)));
        let room = ((high.ln() - low.ln()) * 0.04).exp().clamp(1.05, 1e6);
        Self { low: low / room, high: high * room, logarithmic: true, whole: false, marks: MARKS }
    }

    /// From the least to the greatest of numbers above 0, on a logarithmic axis.
    pub(super) fn exactly_logarithmic(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = ends(numbers.map(|number| number.max(1e-300)));
        let high = if high > low { high } else { low * 10.0 };
        Self { low, high, logarithmic: true, whole: false, marks: MARKS }
    }

    /// Around costs: logarithmic where they are above 0 and far apart.
    pub(super) fn of_costs(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = ends(numbers.clone());
        if low > 0.0 && high / low > WIDE { Self::logarithmic(numbers) } else { Self::around(numbers, MARKS) }
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// Where a number lies: 0 at the low end, 1 at the high one.
    pub(super) fn share(&self, number: f64) -> f64 {
        let Self { low, high, .. } = *self;
        let share = if self.logarithmic {
            (number.ln() - low.ln()) / (high.ln() - low.ln())
        } else {
            (number - low) / (high - low)
        };
        share.clamp(0.0, 1.0)
    }

    /// The numbers that are marked.
    pub(super) fn marks(&self) -> Vec<f64> {
        let Self { low, high, .. } = *self;
        if self.logarithmic {
            return self.powers();
        }
        let step = self.step();
        // A mark at an end belongs to it, however it was rounded.
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        (0..=(last - first).max(0.0) as usize).map(|index| (first + index as f64) * step).collect()
    }

    /// How a mark is written.
    pub(super) fn text(&self, mark: f64) -> String {
        let step = match self.logarithmic {
            true => 10_f64.powf((mark.log10() + 1e-9).floor()) * if self.decades() < 0.7 { 0.5 } else { 1.0 },
            false => self.step(),
        };
        label(mark, step)
    }

    /// How far marks are apart that are not on a logarithmic axis.
    fn step(&self) -> f64 {
        step(self.low, self.high, self.marks).max(if self.whole { 1.0 } else { 0.0 })
    }

    fn decades(&self) -> f64 {
        self.high.log10() - self.low.log10()
    }

    /// Powers of ten, with the numbers between where there are few of them.
    fn powers(&self) -> Vec<f64> {
        let Self { low, high, .. } = *self;
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let factors: &[f64] = match self.decades() {
            d if d < 0.7 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
            d if d < 2.5 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let every = (self.decades() / 8.0).ceil().max(1.0) as i32;
        let powers = (first..=last).filter(|power| power.rem_euclid(every) == 0);
        let numbers = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
        numbers.filter(|number| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(number)).collect()
    }
}

/// The axis as plotters knows one.
impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.share(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.marks() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, mark: &f64) -> String {
        self.text(*mark)
    }
}

/// The least and the greatest of some finite numbers; 0 and 1 if there are none.
fn ends(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    // Beyond this, the distance between two numbers may be infinite.
    let numbers = numbers.map(|number| number.clamp(-1e300, 1e300));
    let ends = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(n), high.max(n)));
    if ends.0 <= ends.1 { ends } else { (0.0, 1.0) }
}

/// 1, 2 or 5 times a power of ten, so that there are about so many of them from `low` to `high`.
fn step(low: f64, high: f64, marks: f64) -> f64 {
    let rough = ((high - low) / marks).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    // The nearest, by ratio.
    let factor = match rough / power {
        ratio if ratio < 2_f64.sqrt() => 1.0,
        ratio if ratio < 10_f64.sqrt() => 2.0,
        ratio if ratio < 50_f64.sqrt() => 5.0,
        _ => 10.0,
    };
    factor * power
}

/// A number between marks that are `step` apart, with the digits that this takes.
fn label(number: f64, step: f64) -> String {
    let minus = if number < 0.0 { "−" } else { "" };
    let size = number.abs();
    if size < step * 1e-6 {
        return "0".to_owned();
    }
    if step >= 1e9 {
        return format!("{minus}{}", scientific(size));
    }
    if step >= 1e6 || (size >= 1e6 && step >= 1e5) {
        return format!("{minus}{} M", trimmed(size / 1e6));
    }
    if step >= 1e3 {
        return format!("{minus}{} k", trimmed(size / 1e3));
    }
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    if decimals <= 4 { format!("{minus}{size:.decimals$}") } else { format!("{minus}{}", scientific(size)) }
}

/// `1.5·10⁻⁷`, of a number above 0.
fn scientific(size: f64) -> String {
    let text = format!("{size:.2e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let factor = if mantissa == "1" { String::new() } else { format!("{mantissa}·") };
    format!("{factor}10{}", superscript(power))
}

/// A number with three significant digits at most.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    let minus = if number < 0.0 { "−" } else { "" };
    match size {
        0.0 => return "0".to_owned(),
        size if !(1e-4..1e5).contains(&size) => return format!("{minus}{}", scientific(size)),
        _ => {}
    }
    let decimals = (2 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{size:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{minus}{text}")
}

fn trimmed(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn superscript(power: &str) -> String {
    let raised = |letter| match letter {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit.to_digit(10).unwrap_or(0) as usize],
    };
    power.chars().map(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: &Scale) -> Vec<String> {
        scale.marks().into_iter().map(|mark| scale.text(mark)).collect()
    }

    #[test]
    fn marks_are_at_round_numbers_with_the_digits_that_tell_them_apart() {
        assert_eq!(texts(&Scale::exact(0.0, 1.0)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&Scale::counts(1.0, 3.0)), ["1", "2", "3"]);
        assert_eq!(texts(&Scale::counts(1.0, 30.0)), ["5", "10", "15", "20", "25", "30"]);
        assert_eq!(texts(&Scale::counts(0.0, 20_000.0)), ["0", "5 k", "10 k", "15 k", "20 k"]);
        assert_eq!(texts(&Scale::counts(0.0, 4e6)), ["0", "1 M", "2 M", "3 M", "4 M"]);
        assert_eq!(texts(&Scale::exact(-0.2, 0.2)), ["−0.2", "−0.1", "0", "0.1", "0.2"]);
        assert_eq!(
            texts(&Scale::exact(0.0, 7e300)),
            ["0", "10³⁰⁰", "2·10³⁰⁰", "3·10³⁰⁰", "4·10³⁰⁰", "5·10³⁰⁰", "6·10³⁰⁰", "7·10³⁰⁰"]
        );
        assert_eq!(texts(&Scale::exact(0.0, 2e-6)), ["0", "5·10⁻⁷", "10⁻⁶", "1.5·10⁻⁶", "2·10⁻⁶"]);
    }

    #[test]
    fn an_axis_goes_around_its_numbers_to_the_next_marks() {
        let scale = Scale::around([0.31, 2.27].into_iter(), MARKS);
        assert_eq!((scale.share(0.0), scale.share(2.5), texts(&scale).len()), (0.0, 1.0, 6));
        let narrow = Scale::around([0.91, 0.97].into_iter(), MARKS);
        assert_eq!(texts(&narrow), ["0.91", "0.92", "0.93", "0.94", "0.95", "0.96", "0.97"]);
        let one = Scale::around([0.5, 0.5].into_iter(), MARKS);
        assert!(one.share(0.5) > 0.3 && one.share(0.5) < 0.7, "{one:?}");
        assert!(Scale::around(std::iter::empty(), MARKS).share(0.5).is_finite());
    }

    #[test]
    fn numbers_in_a_legend_are_short() {
        let numbers = [0.005, 0.001234, 1.0, 123.4, 1.5e-7, 0.0, -0.25, 2e6, 1e-310];
        assert_eq!(numbers.map(short), ["0.005", "0.00123", "1", "123", "1.5·10⁻⁷", "0", "−0.25", "2·10⁶", "10⁻³¹⁰"]);
    }

    #[test]
    fn costs_that_are_far_apart_have_a_logarithmic_axis() {
        let scale = Scale::of_costs([2.3, 0.001].into_iter());
        assert!(scale.is_logarithmic());
        assert_eq!(texts(&scale), ["0.001", "0.01", "0.1", "1"]);
        assert!(!Scale::of_costs([2.3, 0.1].into_iter()).is_logarithmic());
        assert!(!Scale::of_costs([2.3, -0.1].into_iter()).is_logarithmic());
        assert!(!Scale::of_costs([2.3, 0.0].into_iter()).is_logarithmic());
        let all = Scale::around([f64::MAX, -f64::MAX].into_iter(), MARKS);
        assert_eq!((texts(&all).len(), all.share(0.0)), (5, 0.5), "{all:?}");
        assert_eq!(texts(&Scale::exactly_logarithmic([1e-300, 1e300].into_iter())).len(), 9);
        let rates = Scale::exactly_logarithmic([1e-7, 10.0].into_iter());
        assert_eq!(texts(&rates), ["10⁻⁷", "10⁻⁶", "10⁻⁵", "0.0001", "0.001", "0.01", "0.1", "1", "10"]);
        assert!((rates.share(1e-3) - 0.5).abs() < 1e-12);
        assert_eq!(texts(&Scale::logarithmic([0.011, 0.07].into_iter())), ["0.02", "0.05"]);
    }
}
