//! Parquet files: an error, or a table whose columns are as long as each other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::table::{Parquet, Column};

fuzz_target!(|bytes: &[u8]| {
    // What the documentation says of memory is tested elsewhere; here a round must be short.
    let Ok(table) = Parquet::new().max_bytes(1 << 20).read_bytes(bytes) else { return };
    for (_, column) in table.columns() {
        assert_eq!(column.rows(), table.rows());
        if let Column::Text(text) = column {
            let count = text.categories().len();
            assert!(text.codes().all(|code| code.is_none_or(|code| code < count)));
        }
    }
});
