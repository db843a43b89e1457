//! The library's side of the comparison with NumPy, which tests/numpy_agreement.py drives: `arrays FOLDER NAME …`.
//!
//! Each `NAME.npy` of the folder is read and written again as `NAME.f64.npy` and `NAME.f32.npy`, and as `NAME.i64.npy` where all its
//! numbers are whole; `stored.npz` and `deflated.npz` as `stored.f64.npz` and `deflated.f64.npz`. And `rows.nnr` is written, a file of
//! 1000 weighted records.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use nn_examples::program::ended;
use nn_train::Stream;
use nn_train::arrays::{Array, Npz, NpzWriter};
use nn_train::records;

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("expected a folder and names of arrays")?);
    for name in arguments {
        let file = |end: &str| folder.join(format!("{name}{end}"));
        Array::<f64>::read_npy(file(".npy"))?.write_npy(file(".f64.npy"))?;
        Array::<f32>::read_npy(file(".npy"))?.write_npy(file(".f32.npy"))?;
        if let Ok(whole) = Array::<i64>::read_npy(file(".npy")) {
            whole.write_npy(file(".i64.npy"))?;
        }
    }
    for name in ["stored", "deflated"] {
        let mut archive = Npz::open(folder.join(format!("{name}.npz")))?;
        let names = archive.names().to_vec();
        let arrays = names.iter().map(|name| archive.array::<f64>(name)).collect::<Result<Vec<_>, _>>()?;
        let writer =
            names.iter().zip(&arrays).fold(NpzWriter::new(), |writer, (name, array)| writer.array(name, array));
        writer.write(folder.join(format!("{name}.f64.npz")))?;
    }
    // Row i is the numbers 6 i to 6 i + 5, by 8.
    let number = |row: u64, column: u64| (6 * row + column) as f32 / 8.0;
    let rows = Stream::new(1000, 3, 2, || {
        (0..1000).map(|row| {
            let input = [0, 1, 2].map(|column| number(row, column));
            (input, [number(row, 3), number(row, 4)], number(row, 5))
        })
    });
    records::convert(&rows, folder.join("rows.nnr"), |_| ())?;
    Ok(())
}
