//! Tables from CSV files, and what preprocessing makes of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::prelude::*;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how the others are read.
    let [settings, bytes @ ..] = bytes else { return };
    let mut csv = Csv::new().delimiter(if settings & 1 == 0 { b',' } else { b';' });
    if settings & 2 != 0 {
        csv = csv.no_header();
    }
    if settings & 4 != 0 {
        csv = csv.lossy();
    }
    if settings & 8 != 0 {
        csv = csv.trim();
    }
    if settings & 16 != 0 {
        csv = csv.missing(["0", "-"]);
    }
    let Ok(table) = csv.read_bytes(bytes) else { return };
    again(&table);
    let target = table.names()[0].clone();
    for missing in [Missing::Error, Missing::Mean, Missing::MostFrequent] {
        for scaling in [Scaling::Standard, Scaling::RobustClipped, Scaling::Quantile] {
            let settings = Preprocess::for_target(&target).missing(missing).scaling(scaling).indicators();
            if let Ok(preprocess) = settings.fit(&table)
                && let Ok(inputs) = preprocess.inputs::<f32>(&table)
            {
                assert!(inputs.iter().all(|input| input.is_finite()));
                let _ = preprocess.dataset::<f32>(&table);
            }
        }
    }
});

/// What is written is read as the same table, each column as what it is.
fn again(table: &Table) {
    let mut bytes = Vec::new();
    table.write_csv_to(&mut bytes).expect("it is written");
    let kinds = table.columns().fold(Csv::new().names(table.names()), |csv, (name, column)| match column {
        Column::Number(_) => csv.number(name),
        Column::Text(_) => csv.text(name),
    });
    let read = kinds.read_bytes(&bytes).expect("what is written is read");
    assert_eq!(read.rows(), table.rows());
    for ((name, column), (_, read)) in table.columns().zip(read.columns()) {
        for row in 0..table.rows() {
            let (written, read) = (column.value(row), read.value(row));
            // A text that is a marker of missing values comes back as one.
            let marker = written.text().is_some_and(|text| Csv::MISSING.contains(&text.trim_ascii()));
            assert!(written == read || (marker && read.is_missing()), "{name:?}, row {row}: {written:?}, {read:?}");
        }
    }
}
