//! What is read, what is said of it, and in which form.

use super::*;

impl Folder {
    /// What a command says beside its result.
    fn notes(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {notes}");
        notes
    }

    /// The one object that a command prints which fails.
    fn error(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat()).output().unwrap();
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code().map(i64::from), object["status"].as_i64(), "{object}");
        object
    }
}

#[test]
fn markers_of_missing_values_are_added_or_replaced() {
    let folder = Folder::new("missing");
    folder.write("a.csv", "x,y\n1,NA\n-999,2\n,3\n");
    let missing = |more: &[&str]| {
        let found = folder.json(&[&["inspect", "a.csv"], more].concat());
        [0, 1].map(|column| (found["columns"][column]["kind"].clone(), found["columns"][column]["missing"].as_u64()))
    };
    let number = |missing| (Value::from("number"), Some(missing));
    assert_eq!(missing(&[]), [number(1), number(1)]);
    assert_eq!(missing(&["--missing", "-999"]), [number(2), number(1)]);
    assert_eq!(missing(&["--only-missing", "-999"]), [number(2), ("text".into(), Some(0))]);
    assert_eq!(folder.fails(&["inspect", "a.csv", "--missing", "a", "--only-missing", "b"]).0, 2);
}

#[test]
fn a_value_that_makes_text_of_numbers_is_named() {
    let folder = Folder::new("nearly");
    let mut text = flats(200).replace("00098,", "00098,?");
    folder.write("flats.csv", &text);
    let train = [&["train", "flats.csv", "-t", "price", "--force"][..], &SHORT].concat();
    let wrong = text.lines().nth(99).unwrap().split(',').nth(1).unwrap();
    let expected = format!(
        "area: 199 of 200 values are numbers, line 100 is \"{wrong}\"; --missing '{wrong}' if it stands for none, --number area \
         to make it an error\n"
    );
    assert!(folder.notes(&train).contains(&expected), "{}", folder.notes(&train));
    assert!(folder.notes(&["inspect", "flats.csv"]).contains(&expected));
    for more in [&["--without", "area"][..], &["--text", "area"], &["--missing", wrong]] {
        assert!(!folder.notes(&[&train[..], more].concat()).contains("values are numbers"), "{more:?}");
    }
    let (status, message) = folder.fails(&[&train[..], &["--number", "area"]].concat());
    assert!(status == 1 && message.contains(&format!("line 100, column \"area\": found \"{wrong}\"")), "{message}");

    text = flats(50).replace(',', ";");
    folder.write("semicolons.csv", &text);
    let (status, message) = folder.fails(&["train", "semicolons.csv", "-t", "price"]);
    assert!(status == 1 && message.contains("try --delimiter ';'"), "{message}");
    assert!(folder.notes(&["inspect", "semicolons.csv"]).contains("try --delimiter ';'"));
    folder.write("spaces.csv", "town , area\n Ulm , 1\nUlm, 2\n");
    assert_eq!(folder.json(&["inspect", "spaces.csv"])["columns"][0]["categories"], 2);
    let found = folder.json(&["inspect", "spaces.csv", "--trim"]);
    assert_eq!(
        (found["columns"][0]["name"].as_str(), found["columns"][0]["categories"].as_u64()),
        (Some("town"), Some(1))
    );
}

#[test]
fn row_numbers_are_found_before_rows_are_set_aside() {
    let folder = Folder::new("numbers of rows");
    folder.write("flats.csv", flats(100));
    for more in [&[][..], &["--test", "0.3"]] {
        let train = ["train", "flats.csv", "-t", "price", "--force"];
        let report = folder.json(&[&train[..], &SHORT, more].concat());
        assert_eq!(report["left_out"][0], "id", "{more:?}");
    }
    let (status, message) = folder.fails(&["train", "flats.csv", "-t", "price", "--force", "--test", "0.999"]);
    assert_eq!((status, &*message), (1, "error: --test 0.999 leaves no rows to train on\n"));
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let folder = trained("nothing");
    folder.write("flats.parquet", include_bytes!("../fixtures/flats.parquet"));
    let cases: [(&[&str], &str); 14] = [
        (&["bench", "flats.nn", "--activation", "tanh"], "--activation"),
        (&["bench", "--network", "2 => 1 linear", "--output", "linear"], "--output"),
        (&["train", "flats.csv", "-t", "price", "--force", "--label-smoothing", "0.1"], "is for classes"),
        (&["train", "flats.csv", "-t", "price", "--layers", "none", "--activation", "tanh"], "--layers none has none"),
        (&["train", "flats.csv", "-t", "price", "--layers", "none", "--dropout", "0.1"], "--layers none has none"),
        (&["train", "flats.parquet", "-t", "price", "--force", "--delimiter", ";"], "--delimiter does nothing"),
        (&["inspect", "flats.parquet", "--missing", "NA"], "--missing does nothing"),
        (&["convert", "flats.csv", "x.csv", "--target", "price"], "--model and --target are for records"),
        (&["convert", "flats.csv", "x.npy", "--model", "flats.nn"], "--model and --target are for records"),
        (&["convert", "flats.csv", "x.csv", "--precision", "f32"], "--precision does nothing"),
        (&["evaluate", "flats.nn", "flats.csv", "--confusion"], "--confusion is for classes"),
        (&["predict", "flats.nn", "flats.csv", "--no-probabilities"], "--no-probabilities is for classes"),
        (&["predict", "-", "flats.csv"], "a model is read from a file"),
        (&["train", "flats.csv", "-t", "price", "--scaling", "clipped"], "robust-clipped"),
    ];
    for (case, expected) in cases {
        let (status, message) = folder.fails(case);
        assert!(status == 2 && message.contains(expected), "{case:?}: {status} {message}");
    }
}

#[test]
fn files_that_are_no_data_are_called_what_they_are() {
    let folder = trained("kinds");
    folder.prints(&["convert", "flats.csv", "flats.nnr", "--target", "price", "--without", "id"]);
    for name in ["empty.csv", "empty", "empty.nn"] {
        folder.write(name, "");
    }
    let cases: [(&[&str], &str); 8] = [
        (&["train", "flats.nnr", "-t", "price", "--force"], "records are for programs (docs/larger-than-memory.md)"),
        (&["predict", "flats.nn", "flats.nnr"], "records are for programs (docs/larger-than-memory.md)"),
        (&["evaluate", "flats.nn", "size.nn"], "this is a model; expected data"),
        (&["train", "empty.csv", "-t", "price", "--out", "y.nn"], "empty.csv: the file is empty"),
        (&["inspect", "empty"], "empty: the file is empty"),
        (&["predict", "empty.nn", "flats.csv"], "empty.nn: the file is empty"),
        (&["inspect", "flats.csv", "--max-bytes", "100"], "flats.csv: the file is larger than --max-bytes 100"),
        (&["train", "flats.csv", "-t", "id", "--classes", "--out", "x.nn"], "drop --classes"),
    ];
    // 2000 classes of five rows.
    let mut rows = String::from("id,area\n");
    (0..10_000).for_each(|row| writeln!(rows, "{},{}", row / 5, row % 7).unwrap());
    folder.write("many.csv", rows);
    for (case, expected) in cases {
        let case: Vec<&str> = case
            .iter()
            .map(|&word| if expected == "drop --classes" && word == "flats.csv" { "many.csv" } else { word })
            .collect();
        let (status, message) = folder.fails(&case);
        assert!(status == 1 && message.contains(expected), "{case:?}: {status} {message}");
    }
}

#[test]
fn the_standard_input_is_inspected_and_converted() {
    let folder = Folder::new("standard");
    let output = folder.run_on(&["inspect", "-", "--json"], flats(20).as_bytes());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((found["rows"].as_u64(), found["file"].as_str()), (Some(20), Some("-")));
    let output = folder.run_on(&["convert", "-", "x.npz", "--select", "area,price"], flats(20).as_bytes());
    assert!(output.status.success() && folder.path("x.npz").exists());
}

#[test]
fn json_is_one_object_whatever_happens() {
    let folder = trained("json");
    let object = folder.error(&["train", "flats.csv"]);
    assert!(object["error"].as_str().unwrap().contains("--target"), "{object}");
    assert!(folder.error(&["train", "flats.csv", "-t", "price", "--epochs", "0"])["error"].is_string());
    assert!(folder.error(&["predict", "flats.nn", "none.csv"])["error"].is_string());
    // Two parts, and the fault is in the second.
    let mut text = String::from("area,town,price,id\n");
    (0..300_000).for_each(|row| writeln!(text, "{},Ulm,{row},0{row}", row % 90).unwrap());
    folder.write("late.csv", format!("{text}x,Ulm,1,2\n"));
    let object = folder.error(&["predict", "flats.nn", "late.csv"]);
    assert!(object["error"].as_str().unwrap().contains("late.csv, line 300002"), "{object}");
    assert_eq!(object["predictions"].as_array().map(Vec::len), object["rows"].as_u64().map(|rows| rows as usize));

    folder.write("kept.csv", "area,town,price,id,n\n50,Ulm,7,007,1\n50,Ulm,NA,008,\n50,Ulm,0.5,009,3\n");
    let text = folder.prints(&["predict", "size.nn", "kept.csv", "--keep", "price,id,n", "--json"]);
    let object: Value = serde_json::from_str(&text).unwrap();
    let kept = |name: &str| [0, 1, 2].map(|row| object["predictions"][row][name].to_string());
    assert_eq!(kept("price"), ["7", "null", "0.5"]);
    assert_eq!(kept("id"), ["\"007\"", "\"008\"", "\"009\""]);
    assert_eq!(kept("n"), ["1", "null", "3"]);
}

#[test]
fn weights_are_not_needed_to_measure() {
    let folder = Folder::new("weights");
    let weighted: String = flats(100)
        .lines()
        .enumerate()
        .fold(String::new(), |text, (row, line)| text + line + if row == 0 { ",w\n" } else { ",1\n" });
    folder.write("weighted.csv", weighted);
    folder.write("flats.csv", flats(100));
    let train = ["train", "weighted.csv", "-t", "price", "--weights", "w", "--out", "x.nn", "-q"];
    folder.prints(&[&train[..], &SHORT].concat());
    let (with, without) =
        (folder.json(&["evaluate", "x.nn", "weighted.csv"]), folder.json(&["evaluate", "x.nn", "flats.csv"]));
    assert_eq!(with["mse"], without["mse"]);
    assert!(folder.notes(&["evaluate", "x.nn", "flats.csv"]).contains("each row counts once"));
}

#[test]
fn bins_and_scaling_are_options() {
    let folder = Folder::new("bins");
    folder.write("flats.csv", flats(200));
    let model = |more: &[&str]| {
        let train = ["train", "flats.csv", "-t", "price", "--without", "id,size", "--force"];
        folder.prints(&[&train[..], &SHORT, more].concat());
        folder.json(&["inspect", "flats.nn"])
    };
    let plain = model(&["--bins", "0", "--scaling", "standard"]);
    assert_eq!((plain["inputs"].as_u64(), plain["bins"].as_object().map(serde_json::Map::len)), (Some(4), Some(0)));
    let binned = model(&["--bins", "4"]);
    let edges = binned["bins"]["area"].as_array().unwrap();
    assert!(edges.len() >= 5 && edges[0] == 20.0, "{binned}");
    assert!(folder.prints(&["inspect", "flats.nn"]).contains("the edges of the bins are in .bins of --json"));
}
