//! Parquet and Arrow IPC: what is read, what is refused, and how much memory a file can ask for.
//!
//! The files are pyarrow's (fixtures/typed_tables.py). tests/parquet_agreement.py holds many more against pyarrow.
#![cfg(all(feature = "arrow", feature = "parquet"))]
#![allow(clippy::unwrap_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;

use nn_train::Error;
use nn_train::table::{Arrow, Column, Parquet, Table, TableFault};

/// Counts what a thread holds, so that tests may run side by side.
struct Counting;

thread_local! {
    /// What another thread has taken may be given back here.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn more(bytes: usize) {
    let held = HELD.get() + bytes as isize;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: every call is the system allocator's, whose contract is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/typed_tables").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn read(name: &str, bytes: &[u8]) -> Result<Table, Error> {
    if name.ends_with("parquet") { Parquet::new().read_bytes(bytes) } else { Arrow::new().read_bytes(bytes) }
}

fn fault(result: Result<Table, Error>) -> TableFault {
    match result.unwrap_err() {
        Error::Table { fault, .. } => *fault,
        other => panic!("{other}"),
    }
}

fn message(result: Result<Table, Error>) -> String {
    result.unwrap_err().to_string()
}

const NAN: f64 = f64::NAN;

/// What the fixtures hold.
fn expected() -> Table {
    Table::new([
        ("whole", vec![1.0, NAN, -3.0, 250.0].into()),
        ("unsigned", vec![0.0, 4_294_967_295.0, 7.0, 7.0].into()),
        ("float", vec![0.5, NAN, NAN, -0.0].into()),
        ("half", vec![1.5, NAN, -2.0, 65504.0].into()),
        ("truth", vec![1.0, 0.0, NAN, 1.0].into()),
        ("decimal", vec![1.25, NAN, -0.1, 1_234_567.89].into()),
        ("date", vec![1.0, -1.0, NAN, 19782.0].into()),
        ("time", vec![1.5, NAN, -0.5, 0.0].into()),
        ("text", Column::optional_text([Some("naïve"), None, Some(""), Some("a text of more than twelve bytes")])),
        ("category", Column::optional_text([Some("b"), Some("a"), None, Some("b")])),
        ("nothing", vec![NAN; 4].into()),
    ])
    .unwrap()
}

#[test]
fn every_type_is_read() {
    for name in ["dictionary.parquet", "encodings.parquet", "plain.parquet", "lz4.arrow", "zstd.arrows"] {
        assert_eq!(read(name, &bytes(name)).unwrap(), expected(), "{name}");
    }
    assert_eq!(Table::from_parquet(path("dictionary.parquet")).unwrap(), expected());
    assert_eq!(Table::from_arrow(path("zstd.arrows")).unwrap(), expected());
    let few = expected().select(&["whole", "text", "category"]).unwrap();
    for name in ["gzip.parquet", "plain.arrow"] {
        assert_eq!(read(name, &bytes(name)).unwrap(), few, "{name}");
    }
    // Categories stand in the order in which they occur, and none that does not.
    let Column::Text(category) = few.column("category").unwrap() else { panic!("text") };
    assert_eq!(category.categories().collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn columns_are_chosen_by_name() {
    let expected = expected();
    let few = expected.select(&["text", "whole"]).unwrap();
    assert_eq!(Parquet::new().columns(["text", "whole"]).read(path("dictionary.parquet")).unwrap(), few);
    assert_eq!(Arrow::new().columns(["text", "whole"]).read(path("zstd.arrows")).unwrap(), few);
    let others = expected.without(&["text", "date"]).unwrap();
    assert_eq!(Parquet::new().without(["date", "text"]).read(path("encodings.parquet")).unwrap(), others);
    assert_eq!(Arrow::new().without(["date", "text"]).read(path("lz4.arrow")).unwrap(), others);
    for result in [
        Parquet::new().columns(["tex"]).read_bytes(&bytes("plain.parquet")),
        Arrow::new().without(["tex"]).read_bytes(&bytes("plain.arrow")),
    ] {
        let message = message(result);
        let wanted =
            "the input, column \"tex\": there is no such column; expected one that there is; did you mean \"text\"?";
        assert_eq!(message, wanted);
    }
    for result in [
        Parquet::new().columns(["text", "text"]).read_bytes(&bytes("plain.parquet")),
        Arrow::new().columns(["text", "text"]).read_bytes(&bytes("plain.arrow")),
    ] {
        assert_eq!(fault(result), TableFault::DuplicateName { first: 1, second: 2 });
    }
    assert_eq!(fault(Parquet::new().columns([""; 0]).read_bytes(&bytes("plain.parquet"))), TableFault::Empty);
}

#[test]
fn what_a_table_cannot_hold_is_named() {
    for name in ["nested.parquet", "nested.arrow"] {
        let place = path(name);
        let (all, without, file) = if name.ends_with("parquet") {
            (Table::from_parquet(&place), Parquet::new().without(["nested"]).read(&place), "nested.parquet")
        } else {
            (Table::from_arrow(&place), Arrow::new().without(["nested"]).read(&place), "nested.arrow")
        };
        let message = message(all);
        assert!(message.contains(file) && message.contains("column \"nested\": found "), "{message}");
        assert!(message.contains("list") && message.contains("without([…])"), "{message}");
        assert_eq!(without.unwrap().names(), ["x", "y"]);
    }
    let brotli = message(read("brotli.parquet", &bytes("brotli.parquet")));
    assert!(brotli.contains("row group 0, column \"whole\"") && brotli.contains("Brotli (4)"), "{brotli}");
    for (name, bytes, part) in [
        ("x.parquet", &b"PARE\0\0\0\0PARE"[..], "an encrypted file"),
        ("x.parquet", b"", "found nothing; expected a Parquet file"),
        ("x.parquet", b"a,b\n1,2\n", "found \"a,b\\n\" at its beginning; expected \"PAR1\""),
        ("x.parquet", b"PAR1PAR1", "found 8 bytes; expected at least 12"),
        ("x.parquet", b"PAR1\xFF\xFF\xFF\x7FPAR1", "a footer of 2147483647 bytes in a file of 12"),
        ("x.arrow", b"", "at its beginning"),
        ("x.arrow", b"FEA1....", "the Feather format of version 1"),
        ("x.arrow", b"ARROW1\0\0\xFF\xFF\xFF\x7FARROW1", "a footer of 2147483647 bytes in a file of 18"),
        ("x.arrow", b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "found 8 bytes; expected 2147483647 more from byte 8 on"),
        ("x.arrow", b"\xFF\xFF\xFF\xFF\0\0\0\0", "no schema"),
    ] {
        let message = message(read(name, bytes));
        assert!(message.starts_with("the input: ") && message.contains(part), "{message}");
    }
    for result in [Table::from_parquet("none.parquet"), Table::from_arrow("none.arrow")] {
        assert!(matches!(result, Err(Error::Io { operation: "read", .. })), "{result:?}");
    }
}

/// All fixtures that are small.
const FILES: [&str; 9] = [
    "dictionary.parquet",
    "encodings.parquet",
    "gzip.parquet",
    "plain.parquet",
    "nested.parquet",
    "lz4.arrow",
    "plain.arrow",
    "nested.arrow",
    "zstd.arrows",
];

#[test]
fn files_that_end_too_soon_are_errors() {
    for name in FILES {
        let bytes = bytes(name);
        let whole = expected();
        for length in 0..bytes.len() {
            match read(name, &bytes[..length]) {
                Err(Error::Table { .. }) => {}
                // A stream may end after any of its batches.
                Ok(table) if name.ends_with("arrows") => assert_eq!(table, whole.head(table.rows()), "{length}"),
                other => panic!("{name}, {length} bytes: {other:?}"),
            }
        }
    }
}

/// Changed bytes are an error or another table, and take no more memory than is said; nothing panics.
#[test]
fn damage_is_an_error_or_other_values() {
    for name in FILES {
        let whole = bytes(name);
        // What the documentation says: the table and what is unpacked, each 100 times the file and 16 MiB; and the file itself.
        let bound = 2 * (100 * whole.len() + (16 << 20)) + 64 * whole.len() + (1 << 20);
        let mut changed = whole.clone();
        for place in 0..whole.len() {
            for value in [0xFF, whole[place] ^ 1, whole[place] ^ 0x40] {
                changed[place] = value;
                let before = HELD.get();
                MOST.set(before);
                let result = read(name, &changed);
                let taken = MOST.get() - before;
                assert!(taken <= bound as isize, "{name}, byte {place}: {taken} bytes, {result:?}");
                assert!(
                    matches!(result, Ok(_) | Err(Error::Table { .. } | Error::Step(_))),
                    "{name}, byte {place}: {result:?}"
                );
            }
            changed[place] = whole[place];
        }
    }
}

#[test]
fn a_checksum_tells_damage() {
    let mut bytes = bytes("dictionary.parquet");
    // Somewhere in the texts, so that nothing else is wrong.
    let place = bytes.windows(5).position(|part| part == b"twelv").unwrap();
    bytes[place] ^= 0x20;
    let message = message(read("dictionary.parquet", &bytes));
    assert!(message.contains("column \"text\": a page: found the checksum"), "{message}");
}

#[test]
fn a_small_file_of_many_rows_needs_leave() {
    for name in ["many.parquet", "many.arrow"] {
        let bytes = bytes(name);
        let limit = 100 * bytes.len() as u64 + (16 << 20);
        let before = HELD.get();
        MOST.set(before);
        assert_eq!(fault(read(name, &bytes)), TableFault::TooLarge { limit });
        assert!(MOST.get() - before < 1 << 20, "{name}: {}", MOST.get() - before);
        let table = if name.ends_with("parquet") {
            Parquet::new().max_bytes(50_000_000).read_bytes(&bytes)
        } else {
            Arrow::new().max_bytes(50_000_000).read_bytes(&bytes)
        };
        assert_eq!(table.unwrap().rows(), 5_000_000);
    }
}

#[test]
fn progress_is_told() {
    let mut seen = Vec::new();
    Parquet::new().on_progress(|done, all| seen.push((done, all))).read(path("dictionary.parquet")).unwrap();
    // 11 columns of 2 row groups.
    assert_eq!(seen.len(), 22);
    assert!(seen.is_sorted() && seen.last().is_some_and(|(done, all)| done == all), "{seen:?}");
    for (name, calls) in [("lz4.arrow", 4), ("zstd.arrows", 4)] {
        let mut seen = Vec::new();
        Arrow::new().on_progress(|done, all| seen.push((done, all))).read(path(name)).unwrap();
        assert!(seen.len() >= calls && seen.is_sorted(), "{name}: {seen:?}");
        assert!(seen.last().is_some_and(|(done, all)| done == all), "{name}: {seen:?}");
    }
}
