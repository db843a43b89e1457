//! Parquet and Arrow IPC: what is read, what is refused, and how much memory a file can ask for.
//!
//! The files are pyarrow's (fixtures/typed_tables.py). tests/parquet_agreement.py holds many more against pyarrow.
#![cfg(all(feature = "arrow", feature = "parquet"))]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/typed_files.rs"]
mod typed_files;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use nn_train::Error;
use nn_train::table::{Arrow, Column, Parquet, Table, TableFault};
use polars_arrow_format::ipc::{Type, Utf8, Utf8View};
use typed_files::Thrift::{self, Number, Struct, Text};

/// Counts what a thread holds, so that tests may run side by side.
struct Counting;

thread_local! {
    /// What another thread has taken may be given back here.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
    /// All that was ever taken.
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

fn more(bytes: usize) {
    let held = HELD.get() + bytes as isize;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
    TAKEN.set(TAKEN.get() + bytes);
}

/// What `work` makes, and the most bytes that it holds at a time.
fn most<V>(work: impl FnOnce() -> V) -> (V, isize) {
    let before = HELD.get();
    MOST.set(before);
    let value = work();
    (value, MOST.get() - before)
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
                let (result, taken) = most(|| read(name, &changed));
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
        let (result, taken) = most(|| read(name, &bytes));
        assert_eq!(fault(result), TableFault::TooLarge { limit });
        assert!(taken < 1 << 20, "{name}: {taken}");
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

const MEBIBYTE: u64 = 1 << 20;

/// Texts that lie over each other in a small file are as many bytes as they are long, whether they are the same or not.
#[test]
fn texts_that_lie_over_each_other_are_not_free() {
    const LENGTH: usize = 1 << 15;
    const ROWS: usize = 4096;
    // No two of its parts are the same.
    let bytes: Vec<u8> = (0..2 * LENGTH as u32).flat_map(|number| format!("{number:05}").into_bytes()).collect();
    let bytes = &bytes[..2 * LENGTH];
    let view = |row: usize, step: usize| {
        [LENGTH as u32, 0, 0, (row * step) as u32].into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>()
    };
    let views = |step| (0..ROWS).flat_map(|row| view(row, step)).collect::<Vec<_>>();
    let utf8_view = || typed_files::schema(vec![(Type::Utf8View(Box::new(Utf8View {})), None)]);
    // From each offset to the next; every second row, which goes back, is null.
    let ends: Vec<u8> =
        (0..=ROWS).flat_map(|row| (row as u32 / 2 + (row as u32 % 2) * LENGTH as u32).to_le_bytes()).collect();
    let every_second = [0b0101_0101; ROWS / 8];
    let utf8 = typed_files::schema(vec![(Type::Utf8(Box::new(Utf8 {})), None)]);
    for (name, file) in [
        ("views", [utf8_view(), typed_files::records(ROWS, 1, &[&[], &views(1), bytes], false)].concat()),
        ("one view", [utf8_view(), typed_files::records(ROWS, 1, &[&[], &views(0), bytes], false)].concat()),
        ("offsets", [utf8, typed_files::records(ROWS, 1, &[&every_second, &ends, bytes], false)].concat()),
    ] {
        let limit = 4 * MEBIBYTE;
        let (result, taken) = most(|| Arrow::new().max_bytes(limit).read_bytes(&file));
        assert_eq!(fault(result), TableFault::TooLarge { limit }, "{name}");
        // The room for the texts doubles, and the old one is held beside the new one for a moment.
        assert!(taken < 3 * limit as isize + (1 << 20), "{name}: {taken}");
    }
}

/// What is unpacked for texts is not charged again as texts.
#[test]
fn a_packed_text_is_charged_once() {
    let text = vec![b'x'; MEBIBYTE as usize];
    let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    packer.write_all(&text).unwrap();
    let packed = [&(text.len() as u64).to_le_bytes()[..], &packer.finish().unwrap()].concat();
    // Not packed.
    let ends = [&(-1_i64).to_le_bytes()[..], &0_u32.to_le_bytes(), &(text.len() as u32).to_le_bytes()].concat();
    let schema = typed_files::schema(vec![(Type::Utf8(Box::new(Utf8 {})), None)]);
    let file = [schema, typed_files::records(1, 1, &[&[], &ends, &packed], true)].concat();
    let table = Arrow::new().max_bytes(MEBIBYTE + 100).read_bytes(&file).unwrap();
    assert_eq!(table.rows(), 1);
    let limit = MEBIBYTE - 1;
    assert_eq!(fault(Arrow::new().max_bytes(limit).read_bytes(&file)), TableFault::TooLarge { limit });
}

/// The places of 4 bytes in a dictionary.
fn places(places: &[u32]) -> Vec<u8> {
    places.iter().flat_map(|place| place.to_le_bytes()).collect()
}

#[test]
fn dictionaries_that_grow_or_are_replaced_have_other_codes() {
    let column = || (Type::Utf8(Box::new(Utf8 {})), Some(0));
    let row = |a, b| typed_files::records(1, 2, &[&[], &places(&[a]), &[], &places(&[b])], false);
    let file = [
        typed_files::schema(vec![column(), column()]),
        typed_files::texts(["a", "b"], false),
        row(1, 0),
        typed_files::texts(["c"], true),
        row(2, 1),
        row(1, 2),
        typed_files::texts(["x", "b", "a"], false),
        row(0, 2),
        row(1, 1),
    ];
    let expected =
        Table::new([("a", Column::text(["b", "c", "b", "x", "b"])), ("b", Column::text(["a", "b", "c", "a", "b"]))]);
    assert_eq!(Arrow::new().read_bytes(&file.concat()).unwrap(), expected.unwrap());
}

#[test]
fn a_dictionary_is_gone_through_once_and_not_in_each_batch() {
    const TEXTS: usize = 10_000;
    const BATCHES: usize = 1000;
    let texts: Vec<String> = (0..TEXTS).map(|number| number.to_string()).collect();
    let batch = typed_files::records(1, 1, &[&[], &places(&[7])], false);
    let file = [
        typed_files::schema(vec![(Type::Utf8(Box::new(Utf8 {})), Some(0))]),
        typed_files::texts(texts.iter().map(String::as_str), false),
        batch.repeat(BATCHES),
    ]
    .concat();
    let before = TAKEN.get();
    let table = Arrow::new().read_bytes(&file).unwrap();
    let taken = TAKEN.get() - before;
    assert_eq!(table, Table::new([("a", Column::text(vec!["7"; BATCHES]))]).unwrap());
    // A byte for each text in each batch would be this much.
    assert!(taken < TEXTS * BATCHES, "{taken}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What the schema says of a column of texts.
fn text_element(optional: bool) -> Vec<(u8, Thrift)> {
    vec![(1, Number(6)), (3, Number(i64::from(optional))), (4, Text("x")), (6, Number(0))]
}

#[test]
fn a_dictionary_takes_of_what_is_allowed() {
    // A row group of one row, and before it a dictionary of as many empty texts as asked for: 4 bytes each, of which nothing is left
    // once they are packed.
    let group = |texts: usize| {
        let bytes = vec![0; 4 * texts];
        // 1 bit a place, and a run of one 0.
        let places = [1, 2, 0];
        let pages =
            [typed_files::dictionary(texts, &gzip(&bytes), bytes.len()), typed_files::data(1, 8, &gzip(&places), 3)];
        (1, pages.concat())
    };
    let limit = MEBIBYTE;
    let read = |groups: &[(usize, Vec<u8>)]| {
        let file = typed_files::parquet(text_element(false), 2, groups);
        most(|| Parquet::new().max_bytes(limit).read_bytes(&file))
    };
    // The place of a text and its code are 24 bytes.
    let (result, taken) = read(&[group(200_000)]);
    assert_eq!(fault(result), TableFault::TooLarge { limit });
    assert!(taken < 2 * limit as isize, "{taken}");
    // Behind the row group its memory is free again.
    let (table, _) = read(&[group(40_000), group(40_000)]);
    assert_eq!(table.unwrap(), Table::new([("x", Column::text(["", ""]))]).unwrap());
    // More texts than their lengths have room for.
    let pages = [typed_files::dictionary(1 << 40, &[0; 8], 8), typed_files::data(1, 8, &[1, 2, 0], 3)].concat();
    let message = message(Parquet::new().read_bytes(&typed_files::parquet(text_element(false), 0, &[(1, pages)])));
    assert!(message.contains("a dictionary: found 1099511627776 values in 8 bytes"), "{message}");
}

#[test]
fn lengths_of_texts_take_of_what_is_allowed() {
    const ROWS: usize = 100_000;
    // In blocks of 2^20 numbers: the first is 0, and so is each difference, of no bits.
    let mut page = Vec::new();
    [1 << 20, 1, ROWS as u64, 0, 0, 0].into_iter().for_each(|number| typed_files::varint(number, &mut page));
    let file = typed_files::parquet(
        text_element(false),
        0,
        &[1, 2].map(|_| (ROWS, typed_files::data(ROWS, 6, &page, page.len()))),
    );
    let read = |limit| most(|| Parquet::new().max_bytes(limit).read_bytes(&file));
    // 4 bytes a row in the table, and 8 a length, which are free again behind the page.
    let (table, _) = read(16 * ROWS as u64 + 100);
    assert_eq!(table.unwrap().rows(), 2 * ROWS);
    let limit = 15 * ROWS as u64;
    let (result, taken) = read(limit);
    assert_eq!(fault(result), TableFault::TooLarge { limit });
    assert!(taken < limit as isize, "{taken}");
}

#[test]
fn the_row_of_a_wrong_text_counts_those_that_are_missing() {
    // Whether there is a value, in runs: none twice, one, none, two.
    let levels = [4, 0, 2, 1, 2, 0, 4, 1];
    let page = |values: &[u8]| [&(levels.len() as u32).to_le_bytes()[..], &levels, values].concat();
    let file = |pages: Vec<u8>| typed_files::parquet(text_element(true), 0, &[(6, pages)]);
    // "a", "a", FF; and the same as places in a dictionary of "a" and FF.
    let texts = page(&[1, 0, 0, 0, b'a', 1, 0, 0, 0, b'a', 1, 0, 0, 0, 0xFF]);
    let places = page(&[1, 4, 0, 2, 1]);
    let dictionary = typed_files::dictionary(2, &[1, 0, 0, 0, b'a', 1, 0, 0, 0, 0xFF], 10);
    for (name, pages) in [
        ("plain", typed_files::data(6, 0, &texts, texts.len())),
        ("dictionary", [dictionary, typed_files::data(6, 8, &places, places.len())].concat()),
    ] {
        let message = message(Parquet::new().read_bytes(&file(pages)));
        assert!(message.starts_with("the input, row group 0, row 5, column \"x\": "), "{name}: {message}");
    }
}

#[test]
fn the_scale_of_a_decimal_is_read_where_it_stands_today() {
    let page = typed_files::data(1, 0, &12_345_i32.to_le_bytes(), 4);
    let read = |old: Option<i64>| {
        let decimal = Struct(vec![(1, Number(2)), (2, Number(9))]);
        let mut element = vec![(1, Number(1)), (3, Number(0)), (4, Text("x"))];
        element.extend(old.map(|scale| (7, Number(scale))));
        element.push((10, Struct(vec![(5, decimal)])));
        Parquet::new().read_bytes(&typed_files::parquet(element, 0, &[(1, page.clone())]))
    };
    let expected = Table::new([("x", vec![123.45].into())]).unwrap();
    assert_eq!(read(None).unwrap(), expected);
    assert_eq!(read(Some(2)).unwrap(), expected);
    let message = message(read(Some(3)));
    assert!(message.contains("column \"x\": found a decimal whose scale is 2, and in the older way 3"), "{message}");
}
