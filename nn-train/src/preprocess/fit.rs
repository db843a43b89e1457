//! Learning from training rows.

use std::cmp::Reverse;

use super::categories::category_of;
use super::input::{Encoding, unseen};
use super::scale::{mean_and_deviation, median, sorted};
use super::{Input, Missing, Preprocess, PreprocessBuilder, Scale, Target, Unseen, bins};
use crate::Standardizer;
use crate::error::Error;
use crate::table::{Column, Table, TableFault, expected_name, number};

impl PreprocessBuilder {
    /// Learns from training rows: categories, scales, what fills missing values, and the classes or scale of the target.
    ///
    /// # Errors
    /// [`Error::Table`] for a table without a row, a column that is not there, settings that contradict each other, and
    /// whatever in the rows cannot be learned from, with its line and column.
    pub fn fit(&self, table: &Table) -> Result<Preprocess, Error> {
        table.check_rows()?;
        let names = self.input_columns(table)?;
        let inputs = names.iter().map(|name| self.input(table, name)).collect::<Result<_, _>>()?;
        let target = self.target(table)?;
        if let Some(name) = &self.weights {
            table.numbers(name)?;
        }
        Ok(Preprocess { inputs, target, weights: self.weights.clone(), format: table.format() })
    }

    /// The columns to predict from, after all names that are mentioned have been looked up.
    fn input_columns(&self, table: &Table) -> Result<Vec<String>, Error> {
        let settings = |reason| Error::table(table.place(), TableFault::Settings { reason });
        let apart: Vec<&String> = self.targets.iter().chain(&self.weights).collect();
        if self.common_categories == Some(0) {
            return Err(settings("common_categories is 0; expected at least 1"));
        }
        if self.targets.is_empty() {
            return Err(settings("there is no target; expected the name of a column"));
        }
        let twice = |(index, name): (usize, &&String)| apart[..index].contains(name);
        if apart.iter().enumerate().any(twice) {
            return Err(settings("a column is target or weight twice; expected each once"));
        }
        for name in self.without.iter().chain(apart.iter().copied()) {
            table.column(name)?;
        }
        let names = match &self.inputs {
            Some(names) => {
                names.iter().try_for_each(|name| table.column(name).map(drop))?;
                if names.iter().any(|name| apart.contains(&name)) {
                    return Err(settings("an input is the target or the weight too; expected one of both"));
                }
                names.clone()
            }
            None => table.names().iter().filter(|name| !apart.contains(name)).cloned().collect(),
        };
        let names: Vec<String> = names.into_iter().filter(|name| !self.without.contains(name)).collect();
        if names.is_empty() {
            return Err(settings("no column is left as an input; expected at least 1"));
        }
        if names.iter().enumerate().any(|(index, name)| names[..index].contains(name)) {
            return Err(settings("a column is named twice in inputs; expected each once"));
        }
        let special = self.ordinals.iter().map(|(name, _)| name).chain(&self.one_hot);
        let special = special.chain(self.scaling_of.iter().map(|(name, _)| name));
        let special = special.chain(self.bins_of.iter().map(|(name, _)| name));
        for name in special.chain(self.missing_of.iter().map(|(name, _)| name)) {
            if !names.contains(name) {
                let expected = expected_name(name, names.iter().map(String::as_str));
                let expected = format!("an input, {expected}");
                return Err(Error::table(table.place().column(name), TableFault::UnknownColumn { expected }));
            }
        }
        Ok(names)
    }

    /// What a column becomes.
    fn input(&self, table: &Table, name: &str) -> Result<Input, Error> {
        let column = table.column(name)?;
        let missing = setting(&self.missing_of, name).unwrap_or(self.missing);
        let scaling = setting(&self.scaling_of, name).unwrap_or(self.scaling);
        let order = self.ordinals.iter().rev().find(|(other, _)| other == name).map(|(_, categories)| categories);
        let misses = column.missing() > 0;
        let mut input = Input {
            name: name.to_owned(),
            encoding: Encoding::Number { fill: None, scale: Scale::None },
            indicator: misses && self.indicators && missing != Missing::Error,
            optional: missing != Missing::Error,
            unseen: self.unseen,
            constant: (1..column.rows()).all(|row| column.value(row) == column.value(0)),
        };
        if misses && missing == Missing::Error {
            let row = (0..table.rows()).find(|&row| column.value(row).is_missing()).unwrap_or_default();
            return Err(table.fault(row, name, TableFault::Missing));
        }
        let of_column = |fault| Error::table(table.place().column(name), fault);
        input.encoding = match (column, order) {
            (Column::Text(text), Some(categories)) => {
                if categories.iter().enumerate().any(|(index, category)| categories[..index].contains(category)) {
                    return Err(of_column(TableFault::Settings {
                        reason: "a category of the ordinal column is named twice; expected each once",
                    }));
                }
                let mut places = Vec::with_capacity(table.rows());
                let known: Vec<Option<usize>> =
                    text.categories().map(|text| categories.iter().position(|category| category == text)).collect();
                for (row, code) in text.codes().enumerate() {
                    let place = code.and_then(|code| known[code]);
                    if let (None, Some(found)) = (place, text.get(row)) {
                        if self.unseen != Unseen::Missing || missing == Missing::Error {
                            return Err(table.fault(row, name, unseen(found.into(), categories)));
                        }
                        input.indicator = self.indicators;
                    }
                    places.push(place.map_or(f64::NAN, |place| place as f64));
                }
                let filled = fill_gaps(missing, places).map_err(of_column)?;
                let scale = Scale::fit(scaling, &filled.numbers).map_err(of_column)?;
                Encoding::Ordinal { categories: categories.clone(), fill: filled.fill, scale }
            }
            (Column::Number(_), Some(_)) => {
                let expected = "text, for its categories to have an order";
                return Err(of_column(TableFault::Kind { found: "numbers", expected }));
            }
            (Column::Number(numbers), None) if !self.one_hot.iter().any(|other| other == name) => {
                if let Some(row) = numbers.iter().position(|number| number.is_infinite()) {
                    return Err(table.fault(row, name, TableFault::NotFinite { found: numbers[row] }));
                }
                let filled = fill_gaps(missing, numbers.clone()).map_err(of_column)?;
                let scale = Scale::fit(scaling, &filled.numbers).map_err(of_column)?;
                let edges = bins::edges(&filled.numbers, setting(&self.bins_of, name).unwrap_or(self.bins));
                match edges {
                    Some(edges) => Encoding::Binned { fill: filled.fill, scale, edges },
                    None => Encoding::Number { fill: filled.fill, scale },
                }
            }
            _ => {
                let counts = self.common(counts(column));
                if counts.is_empty() {
                    return Err(of_column(TableFault::NoValue));
                }
                if counts.len() > self.max_categories {
                    let (found, limit) = (counts.len(), self.max_categories);
                    return Err(of_column(TableFault::Categories { found, limit }));
                }
                let most = counts.iter().map(|(_, count)| *count).max();
                let first = counts.iter().position(|(_, count)| Some(*count) == most);
                let fill = first.filter(|_| missing == Missing::MostFrequent);
                input.indicator |= misses && fill.is_none();
                let categories = counts.into_iter().map(|(category, _)| category).collect();
                Encoding::OneHot { categories, fill, numbers: matches!(column, Column::Number(_)) }
            }
        };
        Ok(input)
    }

    /// The most frequent categories, as many as get an input, in their order.
    fn common(&self, mut counts: Vec<(String, usize)>) -> Vec<(String, usize)> {
        let Some(limit) = self.common_categories.filter(|&limit| limit < counts.len()) else { return counts };
        let mut places: Vec<usize> = (0..counts.len()).collect();
        places.sort_by_key(|&place| (Reverse(counts[place].1), place));
        let mut kept = vec![false; counts.len()];
        places[..limit].iter().for_each(|&place| kept[place] = true);
        let mut kept = kept.into_iter();
        counts.retain(|_| kept.next().unwrap_or_default());
        counts
    }

    /// What is predicted.
    fn target(&self, table: &Table) -> Result<Target, Error> {
        if let [name] = &self.targets[..] {
            let column = table.column(name)?;
            let numbers = matches!(column, Column::Number(_));
            if !self.classes {
                check_text(table, name)?;
            }
            if self.classes || !numbers {
                let classes: Vec<String> = counts(column).into_iter().map(|(class, _)| class).collect();
                if classes.len() < 2 {
                    let fault = TableFault::Classes { found: classes.len() };
                    return Err(Error::table(table.place().column(name), fault));
                }
                if classes.len() > self.max_categories {
                    let fault = TableFault::ManyClasses { found: classes.len(), limit: self.max_categories };
                    return Err(Error::table(table.place().column(name), fault));
                }
                return Ok(Target::Classes { name: name.clone(), classes, numbers });
            }
        } else if self.classes {
            let reason = "several targets are numbers; expected one target where it is classes";
            return Err(Error::table(table.place(), TableFault::Settings { reason }));
        }
        let names = self.targets.clone();
        let mut target = Target::Numbers { names, standardizer: None };
        if self.scale_targets {
            let rows = target.rows::<f64>(table)?;
            let fitted = Standardizer::fit_flat(&rows, self.targets.len()).map_err(|error| match error {
                Error::Deviation { column, .. } => {
                    Error::table(table.place().column(&self.targets[column]), TableFault::Deviation)
                }
                other => other,
            })?;
            if let Target::Numbers { standardizer, .. } = &mut target {
                *standardizer = Some(fitted);
            }
        }
        Ok(target)
    }
}

/// A target that was found to be text does not look like numbers, of which one is misspelt.
pub(crate) fn check_text(table: &Table, name: &str) -> Result<(), Error> {
    let text = match table.column(name)? {
        Column::Text(text) if table.inferred(name) => text,
        _ => return Ok(()),
    };
    let numbers: Vec<bool> = text.categories().map(|text| number(text.as_bytes()).is_some()).collect();
    let rows = || text.codes().enumerate().filter_map(|(row, code)| Some((row, numbers[code?])));
    let others = rows().filter(|&(_, number)| !number).count();
    if 2 * others >= rows().count() {
        return Ok(());
    }
    match rows().find(|&(_, number)| !number) {
        Some((row, _)) => {
            let found = text.get(row).unwrap_or_default().to_owned();
            Err(table.fault(row, name, TableFault::MixedTarget { found }))
        }
        // What is misspelt is in another part of the table.
        None => {
            let expected =
                "numbers, as which number(name) of the reader reads it, or classes() where the target is classes";
            let fault = TableFault::Kind { found: "numbers as text, for another row of the file holds none", expected };
            Err(Error::table(table.place().column(name), fault))
        }
    }
}

/// The last setting of a column.
fn setting<S: Copy>(settings: &[(String, S)], name: &str) -> Option<S> {
    settings.iter().rev().find(|(other, _)| other == name).map(|&(_, setting)| setting)
}

/// Each value of a column and how often it occurs: texts by name, numbers by size.
fn counts(column: &Column) -> Vec<(String, usize)> {
    match column {
        Column::Text(text) => {
            let mut counts = vec![0; text.categories().len()];
            text.codes().flatten().for_each(|code| counts[code] += 1);
            let counted = text.categories().zip(counts).filter(|&(_, count)| count > 0);
            let mut counted: Vec<_> = counted.map(|(category, count)| (category.to_owned(), count)).collect();
            counted.sort_unstable();
            counted
        }
        Column::Number(numbers) => {
            let present = sorted(numbers).into_iter().filter(|number| !number.is_nan());
            let mut counted: Vec<(f64, usize)> = Vec::new();
            for number in present {
                match counted.last_mut() {
                    Some((last, count)) if *last == number => *count += 1,
                    _ => counted.push((number, 1)),
                }
            }
            counted.into_iter().map(|(number, count)| (category_of(number), count)).collect()
        }
    }
}

/// Numbers without a gap, at least one, and what their gaps were filled with.
struct Filled {
    numbers: Vec<f64>,
    fill: Option<f64>,
}

/// Fills the gaps (NaN) in numbers.
fn fill_gaps(missing: Missing, mut numbers: Vec<f64>) -> Result<Filled, TableFault> {
    let present: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    let known = || if present.is_empty() { Err(TableFault::NoValue) } else { Ok(&present) };
    let fill = match missing {
        Missing::Error => None,
        Missing::Constant(number) if number.is_finite() => Some(number),
        Missing::Constant(found) => return Err(TableFault::NotFinite { found }),
        Missing::Mean => Some(mean_and_deviation(known()?)?.0),
        Missing::Median => Some(median(&sorted(known()?))),
        Missing::MostFrequent => Some(most_frequent(known()?)),
    };
    if let Some(fill) = fill {
        numbers.iter_mut().filter(|number| number.is_nan()).for_each(|number| *number = fill);
    }
    numbers.retain(|number| !number.is_nan());
    if numbers.is_empty() {
        return Err(TableFault::NoValue);
    }
    Ok(Filled { numbers, fill })
}

/// The number that occurs most often, the smallest of several.
fn most_frequent(numbers: &[f64]) -> f64 {
    let (mut best, mut most) = (numbers[0], 0);
    for alike in sorted(numbers).chunk_by(|a, b| a == b) {
        if alike.len() > most {
            (best, most) = (alike[0], alike.len());
        }
    }
    best
}
