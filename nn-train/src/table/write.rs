//! Tables as files of comma-separated values.

use std::io::Write;
use std::path::Path;

use nn_kernels::number_text;

use super::{Table, Value};
use crate::disk::write_file;
use crate::error::Error;

impl Table {
    /// Writes a file of comma-separated values that [`Table::from_csv`] reads as the same table. A missing value is an
    /// empty field, and numbers have the digits that it takes to read the same number.
    ///
    /// A text that a reader takes for something else, `"NA"` or `"007"`, is written as it is:
    /// [`Csv::missing`](super::Csv::missing) and [`Csv::text`](super::Csv::text) say how to read it.
    ///
    /// The file is written whole or not at all: after an error what stood there stands there still.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        write_file(path, |writer| Ok(self.write_rows(writer, &path.display().to_string())?))
    }

    /// As [`write_csv`](Self::write_csv), to anything: the standard output, for instance.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_csv_to(&self, writer: impl Write) -> Result<(), Error> {
        self.write_rows(writer, "the output")
    }

    fn write_rows(&self, writer: impl Write, place: &str) -> Result<(), Error> {
        let failed = |error: csv::Error| Error::write(place, &std::io::Error::from(error));
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(&self.names).map_err(failed)?;
        for row in 0..self.rows {
            for column in &self.columns {
                match column.value(row) {
                    Value::Number(number) => writer.write_field(number_text(number)).map_err(failed)?,
                    Value::Text(text) => writer.write_field(text).map_err(failed)?,
                    Value::Missing => writer.write_field("").map_err(failed)?,
                }
            }
            writer.write_record(None::<&[u8]>).map_err(failed)?;
        }
        writer.flush().map_err(|error| Error::write(place, &error))
    }
}
