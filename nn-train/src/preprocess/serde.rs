//! What was learned, in files. Whatever a file says, computing with it cannot go wrong.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::input::Encoding;
use super::{Input, Preprocess, Target};

impl Serialize for Preprocess {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Derived, under the type's own name.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Preprocess {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let preprocess = Self::deserialize(deserializer)?;
        preprocess.check().map_err(|(name, fault)| D::Error::custom(format!("column {name:?} has {fault}")))?;
        Ok(preprocess)
    }
}

impl Preprocess {
    /// What is wrong, and of which column.
    pub(crate) fn check(&self) -> Result<(), (&str, &'static str)> {
        if self.inputs.is_empty() {
            return Err(("", "no name: there are no inputs"));
        }
        self.inputs.iter().try_for_each(|input| input.check().map_err(|fault| (input.name.as_str(), fault)))?;
        match &self.target {
            Target::Numbers { names, standardizer } => {
                let name = names.first().ok_or(("", "no name: there is no target"))?;
                let features = standardizer.as_ref().map_or(names.len(), crate::Standardizer::features);
                if features == names.len() { Ok(()) } else { Err((name, "a standardizer of another width")) }
            }
            Target::Classes { name, classes, .. } if classes.len() < 2 || twice(classes) => {
                Err((name, "less than two classes, or one of them twice"))
            }
            Target::Classes { .. } => Ok(()),
        }
    }
}

impl Input {
    fn check(&self) -> Result<(), &'static str> {
        match &self.encoding {
            Encoding::Number { fill, scale } => check_fill(*fill).and(scale.check()),
            Encoding::Ordinal { categories, fill, scale } => {
                check_categories(categories).and(check_fill(*fill)).and(scale.check())
            }
            Encoding::OneHot { categories, fill, .. } => {
                let filled = fill.is_none_or(|fill| fill < categories.len());
                check_categories(categories).and(if filled { Ok(()) } else { Err("a filling that is no category") })
            }
            Encoding::Binned { fill, scale, edges } => {
                check_fill(*fill).and(scale.check()).and(super::bins::check(edges))
            }
        }
    }
}

fn check_fill(fill: Option<f64>) -> Result<(), &'static str> {
    if fill.is_none_or(f64::is_finite) { Ok(()) } else { Err("a filling that is not finite") }
}

fn check_categories(categories: &[String]) -> Result<(), &'static str> {
    if categories.is_empty() || twice(categories) { Err("no category, or one of them twice") } else { Ok(()) }
}

fn twice(names: &[String]) -> bool {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}
