//! The memory that reading a table takes is bounded by the size of its file, whatever the file holds.
#![cfg(feature = "tables")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/counting.rs"]
mod counting;

use std::fmt::Write;

use counting::most;
use nn_train::table::Csv;

/// The most memory that reading takes, the text aside, which is held by the caller, is within the bound.
fn read(name: &str, text: &str, columns: usize) {
    let taken = most(|| Csv::new().read_bytes(text.as_bytes()));
    // One for the text, which a reader of files holds.
    let bound = 31 * text.len() + 1024 * columns + (1 << 16);
    assert!(taken <= bound, "{name}: {taken} bytes for {} of text and {columns} columns", text.len());
}

/// One test, so that no other runs beside it and allocates too.
#[test]
fn memory_is_bounded_by_the_text() {
    let size = 60_000;
    let lines = |line: &str| format!("a,b,c,d\n{}", line.repeat(size / line.len()));
    let distinct = |digits: usize, quote: &str| {
        let mut text = "a,b\n".to_owned();
        let mut number = 0_u64;
        while text.len() < size {
            let mut word = |text: &mut String| {
                let word: String = (0..digits)
                    .map(|place| char::from(b'a' + (number / 26_u64.pow(place as u32) % 26) as u8))
                    .collect();
                number += 1;
                write!(text, "{quote}{word}{quote}").unwrap();
            };
            word(&mut text);
            text.push(',');
            word(&mut text);
            text.push('\n');
        }
        text
    };
    let mut wide = (0..20_000).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    let header = wide.clone();
    wide.push('\n');
    wide += &"x,".repeat(19_999);
    wide += "x\n";
    for (name, text, columns) in [
        ("no values", lines(",,,\n"), 4),
        ("digits", lines("1,2,3,4\n"), 4),
        ("empty lines", lines("\n"), 4),
        ("long numbers", lines("1.2345678901234567,2.2345678901234567,3.5,4.5\n"), 4),
        ("texts", lines("a,b,c,d\n"), 4),
        ("different texts of 3", distinct(3, ""), 2),
        ("different texts of 4", distinct(4, ""), 2),
        ("different texts of 3 in quotes", distinct(3, "\""), 2),
        ("one long text", lines(&format!("a,b,c,\"{}\"\n", "x".repeat(size - 10))), 4),
        ("an open quote", format!("a,b\n1,\"{}", "2\n".repeat(size / 2)), 2),
        ("many columns", wide, 20_000),
        ("many columns, no row", header, 20_000),
        ("too many columns", ",".repeat(100_000), 0),
    ] {
        read(name, &text, columns);
    }
}
