//! The library's side of the comparison with pyarrow, which tests/parquet_agreement.py drives: `typed_tables FOLDER`.
//!
//! Each `.parquet`, `.arrow` and `.arrows` file of the folder is read, without the column `nested` if it has one, and a file of the
//! same name and `.json` written with its columns, each as its name and its values: a number as the 64 bits of its `f64`, a text, or null for a missing value. Where
//! reading fails, also with `nested`, that file has the message.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nn_examples::program::ended;
use nn_train::table::{Arrow, Parquet, Table, Value};
use serde_json::json;

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("expected a folder")?);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let nested = path.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with("nested"));
        let result = match path.extension().and_then(|end| end.to_str()) {
            Some("parquet") if nested => [Parquet::new().without(["nested"]).read(&path), Table::from_parquet(&path)],
            Some("parquet") => [Table::from_parquet(&path), Parquet::new().read_bytes(&std::fs::read(&path)?)],
            Some("arrow" | "arrows") if nested => {
                [Arrow::new().without(["nested"]).read(&path), Table::from_arrow(&path)]
            }
            Some("arrow" | "arrows") => [Table::from_arrow(&path), Arrow::new().read_bytes(&std::fs::read(&path)?)],
            _ => continue,
        };
        std::fs::write(written(&path), serde_json::to_vec(&result.map(contents))?)?;
    }
    Ok(())
}

fn written(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".json");
    path.into()
}

fn contents(table: Result<Table, nn_train::Error>) -> serde_json::Value {
    let table = match table {
        Ok(table) => table,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let columns = table.columns().map(|(name, column)| {
        let values = (0..table.rows()).map(|row| match column.value(row) {
            Value::Number(number) => json!(number.to_bits()),
            Value::Text(text) => json!(text),
            Value::Missing => serde_json::Value::Null,
        });
        json!([name, values.collect::<Vec<_>>()])
    });
    columns.collect()
}
