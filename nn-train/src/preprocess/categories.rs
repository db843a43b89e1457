//! The places of a column's values among known categories.

use std::borrow::Cow;
use std::collections::HashMap;

use nn_kernels::number_text;

use crate::error::Error;
use crate::table::{Column, Table, TableFault, number};

/// What a row has where a category is wanted.
#[derive(Debug, Clone)]
pub(super) enum Category<'a> {
    /// The category at this place.
    Known(usize),
    /// One that is not known.
    Other(Cow<'a, str>),
    Missing,
}

/// A number as the name of a category: 0 and -0 are one.
pub(super) fn category_of(number: f64) -> String {
    number_text(number + 0.0)
}

/// The category of each row. The known ones are numbers if they were in the training rows.
///
/// A file's reader may have taken the column for the other kind: for text because of one value, or for numbers where a few
/// rows look like them. Then numbers decide, unless the text of a known category cannot be told from its number.
pub(super) fn categories_of<'a>(
    table: &'a Table,
    name: &str,
    known: &[String],
    numbers: bool,
) -> Result<Vec<Category<'a>>, Error> {
    let places: HashMap<_, _> = known.iter().enumerate().map(|(place, category)| (category.as_str(), place)).collect();
    let find =
        |text: &str, shown: Cow<'a, str>| places.get(text).map_or(Category::Other(shown), |&at| Category::Known(at));
    match table.column(name)? {
        Column::Text(text) => {
            let category = |text: &'a str| match number(text.as_bytes()).filter(|_| numbers) {
                Some(number) if number.is_nan() => Category::Missing,
                Some(number) => find(&category_of(number), text.into()),
                None => find(text, text.into()),
            };
            let categories: Vec<_> = text.categories().map(category).collect();
            Ok(text.codes().map(|code| code.map_or(Category::Missing, |code| categories[code].clone())).collect())
        }
        Column::Number(found) => {
            let ambiguous = |text: &String| {
                number(text.as_bytes()).is_some_and(|number| number.is_nan() || category_of(number) != *text)
            };
            if !numbers && known.iter().any(ambiguous) {
                let expected = "text as in the training rows, which has a number written in another way, such as 07030 or \
                                1.0: preprocess.csv() reads a file so";
                return Err(Error::table(table.place().column(name), TableFault::Kind { found: "numbers", expected }));
            }
            let category = |&number: &f64| match category_of(number) {
                _ if number.is_nan() => Category::Missing,
                text => find(&text.clone(), text.into()),
            };
            Ok(found.iter().map(category).collect())
        }
    }
}
