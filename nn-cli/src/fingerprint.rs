//! With what a run was begun: kept beside its checkpoints, so that it is continued with the same.

use std::fs;
use std::path::{Path, PathBuf};

use nn_train::table::{Column, Table};
use nn_train::write_whole_file;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// Settings by their options, and what tells the data apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Fingerprint {
    settings: Map<String, Value>,
    data: Map<String, Value>,
}

/// Options as they were given: a text, true for one that has no value, nothing for one that was not given.
pub(crate) type Settings = Map<String, Value>;

impl Fingerprint {
    /// Of the data and of the rows that choose the epoch, where they are a file.
    pub(crate) fn new(settings: Settings, table: &Table, validation: Option<&Table>) -> Self {
        let mut data = Map::new();
        for (name, table) in [("the data", Some(table)), ("the file of --validation", validation)] {
            let Some(table) = table else { continue };
            let hash = format!("{:016x}", hash(table));
            data.insert(name.to_owned(), json!({ "rows": table.rows(), "columns": table.names(), "hash": hash }));
        }
        Self { settings, data }
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join("run.json")
    }

    /// Writes it to a folder of checkpoints, which is made if it is not there.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), Failure> {
        fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
        let text = json!({ "settings": self.settings, "data": self.data });
        Ok(write_whole_file(Self::file(folder), |writer| writeln!(writer, "{text:#}"))?)
    }

    /// Refuses to continue a run that was begun with something else. Whether there was something to compare with.
    pub(crate) fn check(&self, folder: &Path) -> Result<bool, Failure> {
        let path = Self::file(folder);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Failure::file("read", &path, &error)),
        };
        let damaged = |why: &dyn std::fmt::Display| Failure::work(format!("{}: {why}", path.display()));
        let found: Value = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        let (Some(settings), Some(data)) = (found["settings"].as_object(), found["data"].as_object()) else {
            return Err(damaged(&"expected the settings and the data of a run"));
        };
        match self.difference(settings, data) {
            Some(why) => Err(Failure::work(format!(
                "{}: {why}; --resume continues a run with the settings and the data that it began with",
                folder.display()
            ))),
            None => Ok(true),
        }
    }

    /// What is not as it was.
    fn difference(&self, settings: &Settings, data: &Map<String, Value>) -> Option<String> {
        let began = "when this run began";
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let options = settings.keys().chain(self.settings.keys().filter(|&key| !settings.contains_key(key)));
        let setting = options.into_iter().find_map(|option| match (settings.get(option), self.settings.get(option)) {
            (Some(was), Some(now)) if was == now => None,
            (Some(was), Some(now)) => Some(format!("{option} was {} {began}, now {}", text(was), text(now))),
            (Some(Value::Bool(_)), None) => Some(format!("{option} was given {began}, not now")),
            (Some(was), None) => Some(format!("{option} was {} {began}, now it is not given", text(was))),
            (None, Some(Value::Bool(_))) => Some(format!("{option} was not given {began}")),
            (None, now) => Some(format!("{option} was not given {began}, now {}", now.map(text).unwrap_or_default())),
        });
        setting.or_else(|| {
            self.data.iter().find_map(|(name, now)| {
                let was = data.get(name)?;
                let (rows_were, rows) = (&was["rows"], &now["rows"]);
                match now {
                    _ if was == now => None,
                    _ if was["columns"] != now["columns"] => Some(format!("{name} had other columns {began}")),
                    _ if rows_were != rows => Some(format!("{name} had {rows_were} rows {began}, now {rows}")),
                    _ => Some(format!("{name} had other values {began}")),
                }
            })
        })
    }
}

/// A number that tells tables apart: FNV-1a over words of 64 bits.
fn hash(table: &Table) -> u64 {
    let mut hash = Hash(0xCBF2_9CE4_8422_2325);
    for (name, column) in table.columns() {
        hash.text(name);
        match column {
            Column::Number(numbers) => {
                // All NaN are missing values, and alike.
                let bits = |number: &f64| if number.is_nan() { u64::MAX } else { number.to_bits() };
                numbers.iter().for_each(|number| hash.word(bits(number)));
            }
            Column::Text(text) => {
                text.categories().for_each(|category| hash.text(category));
                text.codes().for_each(|code| hash.word(code.map_or(u64::MAX, |code| code as u64)));
            }
        }
    }
    hash.0
}

struct Hash(u64);

impl Hash {
    fn word(&mut self, word: u64) {
        // The high bits of a product depend on all bits before, the low ones do not.
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29);
    }

    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        text.bytes().for_each(|byte| self.word(byte.into()));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use nn_train::table::Csv;

    use super::*;

    fn of(settings: Value, text: &str) -> Fingerprint {
        let table = Csv::new().read_bytes(text.as_bytes()).unwrap();
        Fingerprint::new(settings.as_object().unwrap().clone(), &table, None)
    }

    #[test]
    fn what_differs_is_named() {
        let begun = of(json!({ "--seed": "1", "--classes": true, "--l2": "0.1" }), "a,b\n1,x\n2,y\n");
        let difference = |settings, text| of(settings, text).difference(&begun.settings, &begun.data);
        let same = || json!({ "--seed": "1", "--classes": true, "--l2": "0.1" });
        assert_eq!(difference(same(), "a,b\n1,x\n2,y\n"), None);
        let cases = [
            (json!({ "--seed": "2", "--classes": true, "--l2": "0.1" }), "--seed was 1 when this run began, now 2"),
            (json!({ "--seed": "1", "--l2": "0.1" }), "--classes was given when this run began, not now"),
            (json!({ "--seed": "1", "--classes": true }), "--l2 was 0.1 when this run began, now it is not given"),
        ];
        for (settings, expected) in cases {
            assert_eq!(difference(settings, "a,b\n1,x\n2,y\n").as_deref(), Some(expected));
        }
        let mut more = same();
        more["--epochs"] = json!("3");
        let expected = "--epochs was not given when this run began, now 3";
        assert_eq!(difference(more, "a,b\n1,x\n2,y\n").as_deref(), Some(expected));
        let cases = [
            ("a,c\n1,x\n2,y\n", "the data had other columns when this run began"),
            ("a,b\n1,x\n", "the data had 2 rows when this run began, now 1"),
            ("a,b\n1,x\n2,z\n", "the data had other values when this run began"),
            ("a,b\n1,x\n3,y\n", "the data had other values when this run began"),
            ("a,b\n2,x\n1,y\n", "the data had other values when this run began"),
            ("a,b\n1,x\n2,\n", "the data had other values when this run began"),
        ];
        for (text, expected) in cases {
            assert_eq!(difference(same(), text).as_deref(), Some(expected), "{text}");
        }
    }
}
