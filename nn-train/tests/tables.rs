//! Tables: what is read from files, what is refused, and what is done with rows and columns.
#![cfg(feature = "tables")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::RefCell;
use std::io::{Cursor, Read, Write};

use flate2::{Compression, write::GzEncoder};
use nn_train::Error;
use nn_train::table::{Column, Csv, Table, TableFault, Value};
use proptest::prelude::*;

fn read(text: impl AsRef<[u8]>) -> Result<Table, Error> {
    Csv::new().read_bytes(text.as_ref())
}

fn message(result: Result<Table, Error>) -> String {
    result.unwrap_err().to_string()
}

fn fault(result: Result<Table, Error>) -> TableFault {
    match result.unwrap_err() {
        Error::Table { fault, .. } => *fault,
        other => panic!("{other}"),
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn table<const N: usize>(columns: [(&str, Column); N]) -> Table {
    Table::new(columns).unwrap()
}

const NAN: f64 = f64::NAN;

#[test]
fn kinds_are_found_column_by_column() {
    let text = "n,i,t,mixed,none\n1.5,1,a,1,\n-2e3, 2 ,b,x,NA\n.5,+3,a,NaN,null\n";
    let expected = table([
        ("n", vec![1.5, -2000.0, 0.5].into()),
        ("i", vec![1.0, 2.0, 3.0].into()),
        ("t", Column::text(["a", "b", "a"])),
        ("mixed", Column::optional_text([Some("1"), Some("x"), None])),
        ("none", vec![NAN; 3].into()),
    ]);
    // Line ends, a byte order mark, quotes and empty lines make no difference.
    for end in ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"] {
        let text = text.replace('\n', end);
        for text in [text.clone(), format!("\u{feff}{text}"), text.trim_end().to_owned(), format!("{end}{text}")] {
            assert_eq!(read(&text).unwrap(), expected, "{text:?}");
            assert_eq!(read(text.replace("a,", "\"a\",")).unwrap(), expected, "{text:?}");
        }
    }
    let tabs = text.replace(',', "\t");
    assert_eq!(Csv::new().delimiter(b'\t').read_bytes(tabs.as_bytes()).unwrap(), expected);
}

#[test]
fn a_column_that_is_text_late_is_text_from_the_beginning() {
    for quote in ["", "\""] {
        let mut text = String::from("id,x\n");
        (0..3000).for_each(|row| text += &format!("{row:04},{quote}{row}{quote}\n"));
        let numbers = read(&text).unwrap();
        assert_eq!(numbers.numbers("id").unwrap()[7], 7.0);
        text += "12a,5\n";
        let seen = RefCell::new(Vec::new());
        let table = Csv::new().on_progress(|done, all| seen.borrow_mut().push((done, all))).read_bytes(text.as_bytes());
        let table = table.unwrap();
        assert_eq!(table.value(7, "id").unwrap(), Value::Text("0007"));
        assert_eq!(table.value(3000, "x").unwrap(), Value::Number(5.0));
        let body = text.len() as u64 - 5;
        assert_eq!(seen.into_inner(), [(body, body)]);
    }
}

#[test]
fn settings_do_what_they_say() {
    let text = b"zip;x;y\n07030;-999;a \n10001;-999.0; -\n;2;\n";
    let csv = || Csv::new().delimiter(b';').missing(["-999", "-"]);
    let read = csv().text("zip").read_bytes(text).unwrap();
    let expected = table([
        ("zip", Column::text(["07030", "10001", ""])),
        ("x", vec![NAN, NAN, 2.0].into()),
        ("y", Column::optional_text([Some("a "), None, Some("")])),
    ]);
    assert_eq!(read, expected);
    assert_eq!(csv().trim().read_bytes(text).unwrap().value(0, "y").unwrap(), Value::Text("a"));

    let no_header = Csv::new().no_header().read_bytes(b"1,a\n2,b\n").unwrap();
    assert_eq!(no_header.names(), ["column 1", "column 2"]);
    let named = Csv::new().no_header().names(["x", "y"]).read_bytes(b"1,a\n2,b\n").unwrap();
    assert_eq!((named.names()[1].as_str(), named.rows()), ("y", 2));
    assert_eq!(Csv::new().names(["x", "y"]).read_bytes(b"p,q\n1,a\n").unwrap().rows(), 1);
    let error = message(Csv::new().names(["x"]).read_bytes(b"p,q\n1,a\n"));
    assert_eq!(error, "the input: 1 names are given; expected 2, one for each column");

    let nameless = Csv::new().read_bytes(b",x\n1,2\n").unwrap();
    assert_eq!(nameless.names(), ["column 1", "x"]);

    for delimiter in [b'"', b'\n', b'\r', b'1', b'e', b'.', b'-', 0xE9] {
        let error = Csv::new().delimiter(delimiter).read_bytes(b"x\n1\n").unwrap_err();
        assert!(matches!(error, Error::Setting { name: "delimiter", .. }), "{error}");
    }
    let long: String = "x,y\n".to_owned() + &format!("1.{},2.5\n", "25".repeat(45)).repeat(36_000);
    let seen = RefCell::new(Vec::new());
    Csv::new().on_progress(|done, all| seen.borrow_mut().push((done, all))).read_bytes(long.as_bytes()).unwrap();
    let seen = seen.into_inner();
    let body = long.len() as u64 - 4;
    assert!(seen.len() == 4 && seen.is_sorted() && *seen.last().unwrap() == (body, body), "{seen:?}");
}

#[test]
fn malformed_files_are_refused_by_line_and_column() {
    for (text, expected) in [
        ("", "the input: it is empty; expected a header and rows"),
        ("\n\r\n", "the input: it is empty; expected a header and rows"),
        ("a,b\n1,2\n3\n", "the input, line 3: found 1 fields; expected 2, as in the first line"),
        ("a,b\r\n1,2\r\n\r\n3,4,5\r\n", "the input, line 4: found 3 fields; expected 2, as in the first line"),
        ("a,b\n\"1\n\",2\n3\n", "the input, line 4: found 1 fields; expected 2, as in the first line"),
        ("a,b\r\n\"1\",2\r\n3\r\n", "the input, line 3: found 1 fields; expected 2, as in the first line"),
        ("a,b\r1,2\r3\r", "the input, line 3: found 1 fields; expected 2, as in the first line"),
        ("a,b\n1,2,\n", "the input, line 2: found 3 fields; expected 2, as in the first line"),
        (
            "a,b\n1,\"2\n3,4\n",
            "the input, line 2: a quoted value begins and the file ends in it; expected a closing quote",
        ),
        ("a\n1\n\"2\"\"", "the input, line 3: a quoted value begins and the file ends in it; expected a closing quote"),
        ("a,b,a\n", "the input, column \"a\": columns 1 and 3 have the same name; expected each name once"),
        (
            ",x,column 1\n",
            "the input, column \"column 1\": columns 1 and 3 have the same name; expected each name once",
        ),
    ] {
        assert_eq!(message(read(text)), expected, "{text:?}");
    }
    let number = |text: &str| message(Csv::new().number("b").read_bytes(text.as_bytes()));
    let expected = "the input, line 4, column \"b\": found \"2,5\"; expected a number";
    assert_eq!(number("a,b\n1,2\n\n1,\"2,5\"\n"), expected);
    assert_eq!(number("a,b\n1,x\n"), "the input, line 2, column \"b\": found \"x\"; expected a number");
    let long = number(&format!("a,b\n1,{}\n", "é".repeat(1000)));
    assert_eq!(long, format!("the input, line 2, column \"b\": found \"{}…\"; expected a number", "é".repeat(40)));
    let expected = "the input, column \"b\": there is no such column; expected one of \"a\"";
    assert_eq!(number("a\n1\n"), expected);
    let error = message(Csv::new().number("prise").read_bytes(b"price,x\n1,2\n"));
    assert!(error.ends_with("expected one that there is; did you mean \"price\"?"), "{error}");

    let latin = b"name,x\nJos\xE9,1\nAna,2\n";
    let expected = "the input, line 2, column \"name\": found \"Jos\u{fffd}\", which is not UTF-8; expected UTF-8, or lossy() \
                    to read it with replacement characters";
    assert_eq!(message(Csv::new().read_bytes(latin)), expected);
    let lossy = Csv::new().lossy().read_bytes(latin).unwrap();
    assert_eq!(lossy.value(0, "name").unwrap(), Value::Text("Jos\u{fffd}"));
    assert!(message(read(b"na\xE9,x\n1,2\n")).starts_with("the input, line 1, column \"column 1\": found"));
    assert!(matches!(fault(read(b"\xFF\xFEa\0,\0b\0\n\0")), TableFault::NotUtf8 { .. }));

    // A header only is a table without a row.
    for text in ["a,b", "a,b\n", "\"a\",b\r\n\r\n"] {
        let table = read(text).unwrap();
        assert_eq!((table.rows(), table.names().len()), (0, 2));
    }
    assert_eq!(
        fault(Table::new([("a", Column::from(vec![1.0])), ("b", vec![].into())])),
        TableFault::Rows { found: 0, expected: 1 }
    );
    assert_eq!(fault(Table::new::<&str>([])), TableFault::Empty);
}

#[test]
fn gzip_is_unpacked_within_bounds() {
    let text = b"a,b\n1,x\n2,y\n".as_slice();
    let expected = read(text).unwrap();
    let packed = gzip(text);
    assert_eq!(read(&packed).unwrap(), expected);
    assert_eq!(Csv::new().read_from(Cursor::new(&packed)).unwrap(), expected);
    // One byte at a time, as a pipe may give them; two members, as gzip writes them one behind the other.
    struct Drops<'a>(&'a [u8]);
    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let few = buffer.len().min(1);
            Read::read(&mut self.0, &mut buffer[..few])
        }
    }
    let members = [gzip(&text[..5]), gzip(&text[5..])].concat();
    for bytes in [&packed, &members] {
        assert_eq!(Csv::new().read_from(Drops(bytes)).unwrap(), expected);
    }
    for end in 2..packed.len() {
        assert!(matches!(read(&packed[..end]), Err(Error::Io { operation: "read", .. })), "cut at {end}");
    }
    let text = format!("x\n{}", format!("1.{}\n", "0".repeat(1000)).repeat(3000));
    let bomb = gzip(text.as_bytes());
    assert!(bomb.len() < 1 << 15);
    let limit = 100 * bomb.len() as u64 + (1 << 20);
    assert_eq!(fault(read(&bomb)), TableFault::TooLarge { limit });
    assert_eq!(Csv::new().max_bytes(1 << 22).read_bytes(&bomb).unwrap().rows(), 3000);
    let text = b"a,b\n1,x\n2,y\n".as_slice();
    assert_eq!(fault(Csv::new().max_bytes(9).read_from(text)), TableFault::TooLarge { limit: 9 });
    assert_eq!(Csv::new().max_bytes(12).read_from(text).unwrap(), expected);
}

#[test]
fn files_are_named_in_errors() {
    let folder = std::env::temp_dir().join(format!("nn-train-tables-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("new.tsv.gz");
    std::fs::write(&path, gzip(b"a\tb\n1\t2\n3\tx\n")).unwrap();
    let table = Table::from_csv(&path).unwrap();
    assert_eq!(table.numbers("a").unwrap(), [1.0, 3.0]);
    let expected = format!("{}, line 3, column \"b\": found \"x\"; expected a number", path.display());
    assert_eq!(table.numbers("b").unwrap_err().to_string(), expected);
    // Rows keep their lines when they are taken out.
    let second = table.subset(&[1]).unwrap();
    assert_eq!(second.numbers("b").unwrap_err().to_string(), expected);

    let copy = folder.join("copy.csv");
    table.write_csv(&copy).unwrap();
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "a,b\n1,2\n3,x\n");
    assert_eq!(Table::from_csv(&copy).unwrap(), table);
    let missing = Table::from_csv(folder.join("none.csv")).unwrap_err();
    assert!(matches!(missing, Error::Io { operation: "read", kind: std::io::ErrorKind::NotFound, .. }), "{missing}");
    // Written whole or not at all, with nothing left beside.
    assert!(matches!(table.write_csv(&folder), Err(Error::Io { operation: "rename a file to", .. })));
    table.head(1).write_csv(&copy).unwrap();
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "a,b\n1,2\n");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    assert!(matches!(Table::from_csv(&folder), Err(Error::Io { .. })));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn rows_and_columns_are_picked() {
    let flats = read("area,town,rooms\n51,Ulm,2\n80,Aalen,3\n,Ulm,1\n66,,2\n").unwrap();
    assert_eq!(flats.select(&["rooms", "area"]).unwrap().names(), ["rooms", "area"]);
    assert_eq!(flats.without(&["town"]).unwrap().names(), ["area", "rooms"]);
    assert!(flats.select(&["rooms", "rooms"]).is_err() && flats.without(&["x"]).is_err());
    assert_eq!(fault(flats.without(&["area", "town", "rooms"])), TableFault::Empty);
    assert_eq!(flats.drop_missing(&["town", "area"]).unwrap().rows(), 2);
    let ulm = flats.filter("town", |town| town.text() == Some("Ulm")).unwrap();
    assert_eq!(ulm.numbers("rooms").unwrap(), [2.0, 1.0]);
    assert_eq!(ulm.column("town").unwrap(), &Column::text(["Ulm", "Ulm"]));
    assert_eq!(flats.filter("rooms", |_| false).unwrap().rows(), 0);
    assert_eq!(flats.head(2).rows(), 2);
    assert_eq!(flats.head(9), flats);
    assert!(matches!(flats.subset(&[4]), Err(Error::Index { index: 4, len: 4 })));
    assert!(matches!(flats.value(4, "area"), Err(Error::Index { .. })));
    assert_eq!(flats.column("area").unwrap().missing(), 1);
    let shown = "area  town   rooms\n  51  Ulm        2\n  80  Aalen      3\n      Ulm        1\n  66             2\n4 rows, 3 columns";
    assert_eq!(flats.to_string(), shown);
    let replaced = flats.with("rooms", Column::text(["a"; 4])).unwrap().with("new", vec![0.0; 4]).unwrap();
    assert_eq!(replaced.names(), ["area", "town", "rooms", "new"]);
    assert_ne!(flats, replaced.without(&["new"]).unwrap());
    assert!(flats.with("new", vec![0.0; 3]).is_err());
}

#[test]
fn splits_are_those_of_data_sets() {
    let rows = 103;
    let numbers: Vec<f64> = (0..rows).map(f64::from).collect();
    let labels: Vec<usize> = (0..rows as usize).map(|row| row * row % 3).collect();
    let data = nn_train::DynDataset::from_labels(numbers.clone(), 1, &labels, 3).unwrap();
    let names = ["b", "c", "d"];
    let table = table([
        ("row", numbers.into()),
        ("text", Column::text(labels.iter().map(|&label| names[label]))),
        ("class", labels.iter().map(|&label| label as f64).collect::<Vec<_>>().into()),
    ]);
    let (first, second) = table.split(0.3, 5).unwrap();
    let (left, right) = data.split(0.3, 5).unwrap();
    assert_eq!((first.numbers("row").unwrap(), second.numbers("row").unwrap()), (left.inputs(), right.inputs()));
    let (left, right) = data.stratified_split(0.3, 5).unwrap();
    for column in ["text", "class"] {
        let (first, second) = table.stratified_split(column, 0.3, 5).unwrap();
        assert_eq!((first.numbers("row").unwrap(), second.numbers("row").unwrap()), (left.inputs(), right.inputs()));
    }
    assert!(matches!(table.split(1.0, 5), Err(Error::Argument { .. })));
    assert!(matches!(table.head(1).split(0.5, 5), Err(Error::EmptyPart { .. })));
    // Zeros of both signs are one class, and what is missing is one.
    let odd = Table::new([("x", Column::from([0.0, -0.0, NAN, -NAN].repeat(3)))]).unwrap();
    let (first, _) = odd.stratified_split("x", 0.5, 1).unwrap();
    assert_eq!((first.rows(), first.column("x").unwrap().missing()), (6, 3));
}

/// Columns of either kind, one text in which can be anything that is not taken for a missing value.
fn tables() -> impl Strategy<Value = Table> {
    let number = prop_oneof![
        any::<f64>().prop_filter("NaN is missing", |number| !number.is_nan()),
        Just(NAN),
        (-1000..1000).prop_map(f64::from)
    ];
    let word = "[a-c\",\n\r;é ]{0,5}".prop_filter("a marker", |word| !Csv::MISSING.contains(&word.trim_ascii()));
    let column = move |rows: usize| {
        prop_oneof![
            prop::collection::vec(number.clone(), rows).prop_map(Column::from),
            prop::collection::vec(prop::option::of(word.clone()), rows).prop_map(Column::optional_text)
        ]
    };
    let columns =
        (0..20_usize, 1..5_usize).prop_flat_map(move |(rows, width)| prop::collection::vec(column(rows), width));
    columns.prop_map(|columns| {
        Table::new(columns.into_iter().enumerate().map(|(index, column)| (format!("\"{index}\", é"), column))).unwrap()
    })
}

/// A reader for which each column is of the kind that it has in `table`.
fn reader(table: &Table) -> Csv<'static> {
    table.columns().fold(Csv::new(), |csv, (name, column)| match column {
        Column::Number(_) => csv.number(name),
        Column::Text(_) => csv.text(name),
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_table(table in tables(), packed: bool) {
        let mut bytes = Vec::new();
        table.write_csv_to(&mut bytes).unwrap();
        let bytes = if packed { gzip(&bytes) } else { bytes };
        prop_assert_eq!(reader(&table).read_bytes(&bytes).unwrap(), table);
    }

    #[test]
    fn quotes_make_no_difference(fields in prop::collection::vec(prop::collection::vec("[0-9a.e+ ﬁ-]{0,3}|NaN|inf", 3), 1..20)) {
        let text = |quote: &str| {
            let row = |row: &Vec<String>| row.iter().map(|field| format!("{quote}{field}{quote}")).collect::<Vec<_>>().join(",");
            format!("x,y,z\n{}", fields.iter().map(row).collect::<Vec<_>>().join("\n"))
        };
        prop_assert_eq!(read(text("")).unwrap(), read(text("\"")).unwrap());
    }

    #[test]
    fn nothing_panics(bytes: Vec<u8>, lines in "[\",\n\r1a]{0,40}") {
        let _ = read(&bytes);
        let _ = read(lines);
    }
}
