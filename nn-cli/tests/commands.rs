//! The program, run as a user runs it.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nn_train::arrays::{Array, Npz};
use nn_train::bundle::AnyBundle;
use nn_train::preprocess::Preprocess;
use nn_train::table::{Column, Csv, Table};
use nn_train::{Bundle, DynNetwork, Init, Network, Records, Source};
use serde_json::Value;

#[path = "commands/files.rs"]
mod files;
#[path = "commands/reading.rs"]
mod reading;

/// A folder of a test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-train-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-train"));
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command
    }

    /// Runs a command with a text on its standard input.
    fn run_on(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A program that fails does not read to the end.
            scope.spawn(move || stdin.write_all(input).is_ok());
            child.wait_with_output().unwrap()
        })
    }

    /// What a command prints that should go well.
    fn prints(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {message}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The object that a command prints.
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.prints(&[arguments, &["--json"]].concat());
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The status and the message of a command that should fail.
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(!message.contains("panicked"), "{arguments:?}: {message}");
        (output.status.code().unwrap(), message)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Flats whose price is area and town, and whose size is a class.
fn flats(rows: usize) -> String {
    let mut text = "id,area,town,price,size\n".to_owned();
    for row in 0..rows {
        let (area, town) = (20 + row * 37 % 100, ["Ulm", "Aalen", "Bonn"][row % 3]);
        let price = 1000 * area + 5000 * (row % 3) + row * 7919 % 1000;
        let size = ["small", "medium", "large"][usize::from(area > 50) + usize::from(area > 90)];
        writeln!(text, "0{row:04},{area},{town},{price},{size}").unwrap();
    }
    text
}

/// What makes training short. Threads that wait for each other are slow where tests run side by side.
const SHORT: [&str; 8] = ["--layers", "16", "--epochs", "12", "--seed", "3", "--threads", "1"];

/// A folder with flats and models of them.
fn trained(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("flats.csv", flats(300));
    let arguments = ["train", "flats.csv", "-t", "price", "--without", "id,size", "-q"];
    folder.prints(&[&arguments[..], &SHORT].concat());
    let arguments = ["train", "flats.csv", "-t", "size", "--without", "id,price", "-q", "--out", "size.nn"];
    folder.prints(&[&arguments[..], &SHORT].concat());
    folder
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

#[test]
fn a_table_becomes_a_model_that_is_measured_and_predicts() {
    let folder = Folder::new("path");
    folder.write("flats.csv", flats(300));
    let train = [
        "train",
        "flats.csv",
        "--target",
        "price",
        "--without",
        "id,size",
        "--layers",
        "32",
        "--epochs",
        "40",
        "--threads",
        "1",
    ];
    let report = folder.json(&[&train[..], &["--test", "0.2", "--learning-rate", "0.01"]].concat());
    assert_eq!((report["task"].as_str(), report["rows"].as_u64()), (Some("numbers"), Some(240)));
    assert_eq!((report["train_rows"].as_u64(), report["validation_rows"].as_u64()), (Some(192), Some(48)));
    assert_eq!((report["epochs"].as_u64(), report["interrupted"].as_bool()), (Some(40), Some(false)));
    assert!(report["validation"]["r2"].as_f64().unwrap() > 0.95, "{report}");
    assert!(report["test"]["r2"].as_f64().unwrap() > 0.95, "{report}");

    // The library makes the same of the same rows, to the last digit.
    let bundle = AnyBundle::load(folder.path("flats.nn")).unwrap();
    let table = bundle.preprocess().unwrap().csv().read(folder.path("flats.csv")).unwrap();
    let expected = bundle.predict(&table).unwrap();
    folder.prints(&["predict", "flats.nn", "flats.csv", "--keep", "id,price", "--out", "predicted.csv"]);
    let predicted = Csv::new().text("id").read(folder.path("predicted.csv")).unwrap();
    assert_eq!(predicted.names(), ["id", "price", "predicted price"]);
    assert_eq!(predicted.numbers("predicted price").unwrap(), expected.values());
    assert_eq!(predicted.column("id").unwrap().value(7).text(), Some("00007"));

    // What `evaluate` says is what comes of the predictions.
    let measured = folder.json(&["evaluate", "flats.nn", "flats.csv"]);
    let errors = predicted.numbers("price").unwrap().iter().zip(expected.values()).map(|(y, a)| (y - a) * (y - a));
    let mse = errors.sum::<f64>() / 300.0;
    assert!((measured["mse"].as_f64().unwrap() / mse - 1.0).abs() < 1e-4, "{measured}, {mse}");
    assert_eq!((measured["rows"].as_u64(), measured["target"].as_str()), (Some(300), Some("price")));
    assert!(folder.prints(&["evaluate", "flats.nn", "flats.csv"]).starts_with("300 rows\nmse "));
}

#[test]
fn classes_have_labels_probabilities_and_scores() {
    let folder = trained("classes");
    let lines = folder.prints(&["predict", "size.nn", "flats.csv"]);
    let head = "size,probability of large,probability of medium,probability of small";
    assert_eq!((lines.lines().next(), lines.lines().count()), (Some(head), 301));
    let table = Csv::new().read_bytes(lines.as_bytes()).unwrap();
    let sums =
        |row: usize| (0..3).map(|k| table.columns().nth(1 + k).unwrap().1.value(row).number().unwrap()).sum::<f64>();
    assert!((0..300).all(|row| (sums(row) - 1.0).abs() < 1e-6));
    let labels = folder.prints(&["predict", "size.nn", "flats.csv", "--no-probabilities"]);
    assert_eq!((labels.lines().next(), labels.lines().count()), (Some("size"), 301));

    let measured = folder.json(&["evaluate", "size.nn", "flats.csv"]);
    let actual = Table::from_csv(folder.path("flats.csv")).unwrap();
    let right = (0..300).filter(|&row| actual.value(row, "size").unwrap() == table.value(row, "size").unwrap()).count();
    assert!(near(measured["accuracy"].as_f64().unwrap(), right as f64 / 300.0), "{measured}");
    assert_eq!(measured["classes"][2]["class"], "small");
    let counts: f64 = measured["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|n| n.as_f64().unwrap())
        .sum();
    assert!(near(counts, 300.0), "{measured}");
    let text = folder.prints(&["evaluate", "size.nn", "flats.csv", "--confusion"]);
    assert!(text.contains("\nmedium") && text.contains("rows: the class"), "{text}");
}

#[test]
fn rows_come_from_the_standard_input_and_predictions_go_to_the_standard_output() {
    let folder = trained("pipe");
    let whole = folder.prints(&["predict", "flats.nn", "flats.csv", "--keep", "id"]);
    let output = folder.run_on(&["predict", "flats.nn", "--keep", "id"], flats(300).as_bytes());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), whole);
    let object: Value =
        serde_json::from_str(&folder.prints(&["predict", "flats.nn", "flats.csv", "--keep", "id", "--json"])).unwrap();
    assert_eq!((object["rows"].as_u64(), object["predictions"][3]["id"].as_str()), (Some(300), Some("00003")));
    let number = object["predictions"][299]["price"].as_f64().unwrap();
    assert!(whole.lines().last().unwrap() == format!("00299,{number}"), "{number}");

    let output = folder.run_on(
        &["train", "-", "-t", "price", "--layers", "4", "--epochs", "1", "-q", "--threads", "1"],
        flats(50).as_bytes(),
    );
    assert!(output.status.success() && folder.path("model.nn").exists());
}

#[test]
fn a_large_file_is_predicted_part_by_part() {
    let folder = trained("parts");
    // 12 MB: three parts.
    let mut text = String::from("area,town,note,price\n");
    let note = "x".repeat(100);
    for row in 0..100_000 {
        let town = ["Ulm", "Aalen", "Bonn"][row % 3];
        writeln!(text, "{},{town},\"{note}, \"\"{row}\"\"\n\",", 20 + row % 100).unwrap();
    }
    folder.write("large.csv", &text);
    folder.prints(&["predict", "flats.nn", "large.csv", "--keep", "note", "--out", "predicted.csv"]);
    let predicted = Table::from_csv(folder.path("predicted.csv")).unwrap();
    assert_eq!(predicted.rows(), 100_000);
    assert_eq!(predicted.column("note").unwrap().value(99_999).text(), Some(&*format!("{note}, \"99999\"\n")));
    let prices = predicted.numbers("price").unwrap();
    assert!((0..300).all(|row| near(prices[row], prices[row + 99_000])), "rows of equal inputs have equal prices");

    // A fault in the last part is found in its line, and nothing is written.
    text += "x,Ulm,,\n";
    folder.write("large.csv", &text);
    let (status, message) = folder.fails(&["predict", "flats.nn", "large.csv", "--out", "other.csv"]);
    assert_eq!(
        (status, &*message),
        (1, "error: large.csv, line 200002, column \"area\": found \"x\"; expected a number\n")
    );
    assert!(!folder.path("other.csv").exists());
}

#[test]
fn nothing_is_overwritten_unless_it_is_wanted() {
    let folder = trained("overwrite");
    let model = fs::read(folder.path("flats.nn")).unwrap();
    folder.write("there", "something");
    let cases: [&[&str]; 4] = [
        &["train", "flats.csv", "-t", "price"],
        &["predict", "flats.nn", "flats.csv", "--out", "there"],
        &["export", "flats.nn", "--to", "there", "--format", "rust"],
        &["convert", "flats.csv", "there", "--to", "csv"],
    ];
    for case in cases {
        let (status, message) = folder.fails(case);
        assert!(
            status == 1 && message.contains("is there already; use --force, or another name"),
            "{case:?}: {message}"
        );
    }
    assert_eq!((folder.read("there"), fs::read(folder.path("flats.nn")).unwrap()), ("something".to_owned(), model));
    folder.prints(&["predict", "flats.nn", "flats.csv", "--out", "there", "--force"]);
    assert!(folder.read("there").starts_with("price\n"));
    // Nothing half written is left.
    let left = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(left.filter(|name| name.contains("unfinished")).count() == 0);
}

#[test]
fn arguments_that_make_no_sense_have_the_status_2() {
    let folder = Folder::new("usage");
    folder.write("flats.csv", flats(20));
    let cases: [(&[&str], &str); 17] = [
        (&["train"], "--target"),
        (&["train", "flats.csv", "-t", "price", "--layers", "0"], "expected widths above 0"),
        (&["train", "flats.csv", "-t", "price", "--activation", "relo"], "relu"),
        (&["train", "flats.csv", "-t", "price", "--epochs", "0"], "0 is not in 1.."),
        (&["train", "flats.csv", "-t", "price", "--validation", "0.9"], "at most 0.5"),
        (&["train", "flats.csv", "-t", "price", "--resume"], "--checkpoints"),
        (&["train", "flats.csv", "-t", "price", "--classes", "--numbers"], "cannot be used"),
        (&["train", "flats.csv", "-t", "price", "--optimizer", "adam", "--weight-decay", "0.1"], "--l2"),
        (&["train", "flats.csv", "-t", "price", "--schedule", "cosin"], "cosine"),
        (&["train", "flats.csv", "-t", "price", "--log", "log.txt"], ".jsonl"),
        (&["train", "flats.xlsx", "-t", "price"], "--format"),
        (&["predict"], "<MODEL>"),
        (&["export", "x.nn", "--to", "x.zip"], "--format"),
        (&["convert", "flats.csv", "x.zip"], "--to"),
        (&["convert", "flats.csv", "x.nnr"], "--target"),
        (&["bench"], "--layers"),
        (&["bench", "--layers", "5"], "at least an input and an output"),
    ];
    for (case, expected) in cases {
        let (status, message) = folder.fails(case);
        assert!(
            status == 2 && message.contains(expected) && message.contains("--help"),
            "{case:?}: {status} {message}"
        );
    }
}

#[test]
fn work_that_fails_says_what_to_do() {
    let folder = trained("work");
    folder.write("latin.csv", b"area,town\n50,K\xF6ln\n");
    folder.write("ragged.csv", "area,town\n50\n");
    folder.write("mixed.csv", format!("{}09999,50,Ulm,unknown,small\n", flats(20)));
    folder.write("cut.nn", &fs::read(folder.path("flats.nn")).unwrap()[..500]);
    let cases: [(&[&str], &str); 14] = [
        (&["train", "flats.csv", "-t", "prize", "--out", "x.nn"], "did you mean \"price\"?"),
        (&["train", "nothing.csv", "-t", "price"], "could not read nothing.csv"),
        (&["train", "latin.csv", "-t", "area"], "--lossy"),
        (&["train", "mixed.csv", "-t", "price"], "--missing unknown"),
        (&["train", "flats.csv", "-t", "price", "--without", "are", "--out", "x.nn"], "did you mean \"area\"?"),
        (&["train", "flats.csv", "-t", "price", "--out", "none/x.nn"], "the folder none for none/x.nn is not there"),
        (&["predict", "flats.nn", "ragged.csv"], "ragged.csv, line 2: found 1 fields; expected 2"),
        (&["predict", "flats.nn", "flats.csv", "--keep", "towm"], "did you mean \"town\"?"),
        (&["predict", "flats.csv", "flats.csv"], "flats.csv: this is no model"),
        (&["predict", "cut.nn", "flats.csv"], "cut.nn: it ends after 500 bytes"),
        (&["predict", "none.nn", "flats.csv"], "could not read none.nn"),
        (&["evaluate", "size.nn", "latin.csv"], "--lossy"),
        (&["convert", "flats.csv", "x.npy"], "leave it out by --without"),
        (&["inspect", "none"], "could not read none"),
    ];
    for (case, expected) in cases {
        let (status, message) = folder.fails(case);
        assert!(
            status == 1 && message.starts_with("error: ") && message.contains(expected),
            "{case:?}: {status} {message}"
        );
        assert!(!message.contains("()"), "{case:?} names functions: {message}");
    }
    // With --json the message is an object on the standard output as well.
    let output = folder.command(&["predict", "none.nn", "--json"]).output().unwrap();
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), object["status"].as_u64()), (Some(1), Some(1)));
    assert!(object["error"].as_str().unwrap().contains("none.nn"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = trained("reader");
    let mut text = String::from("area,town\n");
    (0..300_000).for_each(|row| writeln!(text, "{},Ulm", row % 90).unwrap());
    folder.write("many.csv", text);
    for more in [&[][..], &["--json"]] {
        let mut command = folder.command(&[&["predict", "flats.nn", "many.csv"], more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
    }
    let child = folder.command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
fn the_same_seed_gives_the_same_model_on_any_number_of_threads() {
    let folder = Folder::new("threads");
    folder.write("flats.csv", flats(200));
    let model = |name: &str, more: &[&str]| {
        let train = ["train", "flats.csv", "-t", "price", "-q", "--out", name, "--layers", "16", "--epochs", "6"];
        folder.prints(&[&train[..], more].concat());
        fs::read(folder.path(name)).unwrap()
    };
    let one = model("1.nn", &["--threads", "1"]);
    assert!(one == model("2.nn", &["--threads", "2"]));
    assert!(one != model("3.nn", &["--threads", "1", "--activation", "tanh"]));
    for (name, optimizer) in ["adam", "sgd", "rmsprop", "adagrad", "lion"].iter().enumerate() {
        let other = model(&format!("o{name}.nn"), &["--threads", "1", "--optimizer", optimizer, "--clip-norm", "1"]);
        assert!(one != other, "{optimizer}");
    }
}

/// Whether a run has written a checkpoint.
#[cfg(unix)]
fn has_checkpoint(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().ends_with(".ckpt")))
    })
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_keeps_its_model_and_goes_on_to_the_same_end() {
    let folder = Folder::new("resume");
    folder.write("flats.csv", flats(500));
    let settings = "train flats.csv -t price --without id --layers 64 --epochs 150 --patience 150 --threads 1 -q";
    let train = |files: &'static str| settings.split(' ').chain(files.split(' ')).collect::<Vec<_>>();
    folder.prints(&train("--out whole.nn --checkpoints whole --log whole.csv"));
    let whole = fs::read(folder.path("whole.nn")).unwrap();
    assert_eq!(folder.read("whole.csv").lines().count(), 151);

    let parts = train("--out parts.nn --checkpoints parts --log parts.jsonl");
    let mut epochs = 150;
    // On a busy machine the run may be over before the signal comes.
    for _ in 0..10 {
        let mut child = folder.command(&[&parts[..], &["--force"]].concat()).stderr(Stdio::piped()).spawn().unwrap();
        while !has_checkpoint(&folder.path("parts")) && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        epochs = folder.read("parts.jsonl").lines().count();
        if epochs < 150 {
            assert_eq!(output.status.code(), Some(130), "{message}");
            break;
        }
        fs::remove_dir_all(folder.path("parts")).unwrap();
    }
    assert!(epochs < 150, "no run was interrupted");
    assert!(fs::read(folder.path("parts.nn")).unwrap() != whole);

    // Without --resume the folder is another run's.
    let (status, message) = folder.fails(&train("--out new.nn --checkpoints parts"));
    assert!(status == 1 && message.contains("--resume"), "{message}");
    folder.prints(&[&parts[..], &["--resume"]].concat());
    assert!(fs::read(folder.path("parts.nn")).unwrap() == whole);
    assert_eq!(folder.read("parts.jsonl").lines().count(), 150);
    let checkpoint = fs::read_dir(folder.path("parts")).unwrap().next().unwrap().unwrap().path();
    let state = folder.json(&["inspect", checkpoint.to_str().unwrap()]);
    assert_eq!((state["kind"].as_str(), state["optimizer"].as_str()), (Some("checkpoint"), Some("adamw")));
}

#[test]
fn validation_rows_may_be_a_file() {
    let folder = Folder::new("validation");
    folder.write("flats.csv", flats(200));
    folder.write("valid.csv", flats(60));
    let train = ["train", "flats.csv", "-t", "price", "--validation", "valid.csv"];
    let report = folder.json(&[&train[..], &SHORT].concat());
    assert_eq!((report["train_rows"].as_u64(), report["validation_rows"].as_u64()), (Some(200), Some(60)));
    assert_eq!(report["left_out"][0], "id");
}

#[test]
fn rows_without_a_target_are_left_out_and_counted() {
    let folder = Folder::new("targets");
    folder.write("flats.csv", format!("{}09998,50,Ulm,,small\n09999,50,Ulm,-,small\n", flats(100)));
    let train = ["train", "flats.csv", "-t", "price", "--missing", "-", "--test", "0.2"];
    let output = folder.command(&[&train[..], &SHORT].concat()).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && notes.contains("2 of 102 rows have no target"), "{notes}");
    let quiet = folder.command(&[&train[..], &SHORT, &["--force", "--quiet"]].concat()).output().unwrap();
    assert!(quiet.status.success() && quiet.stderr.is_empty() && !quiet.stdout.is_empty());
}

#[test]
fn inspect_says_what_is_in_every_kind_of_file() {
    let folder = trained("inspect");
    let model = folder.json(&["inspect", "size.nn"]);
    assert_eq!((model["kind"].as_str(), model["classes"][0].as_str()), (Some("model"), Some("large")));
    let declaration = model["declaration"].as_str().unwrap();
    assert!(
        declaration.starts_with("network! { pub struct Size<") && declaration.ends_with("=> 3 softmax>; }"),
        "{declaration}"
    );
    let text = folder.prints(&["inspect", "size.nn"]);
    assert!(text.starts_with(declaration) && text.contains("town: one-hot of Aalen, Bonn, Ulm"), "{text}");

    let table = folder.json(&["inspect", "flats.csv"]);
    assert_eq!((table["kind"].as_str(), table["rows"].as_u64()), (Some("table"), Some(300)));
    assert_eq!(
        (table["columns"][2]["name"].as_str(), table["columns"][2]["categories"].as_u64()),
        (Some("town"), Some(3))
    );

    folder.prints(&["convert", "flats.csv", "flats.nnr", "--target", "price", "--without", "id"]);
    let records = folder.json(&["inspect", "flats.nnr"]);
    assert_eq!(
        (records["kind"].as_str(), records["rows"].as_u64(), records["inputs"].as_u64()),
        (Some("records"), Some(300), Some(7))
    );

    folder.prints(&["export", "flats.nn", "--to", "flats.nnb"]);
    let embedded = folder.json(&["inspect", "flats.nnb"]);
    assert_eq!((embedded["kind"].as_str(), embedded["weights"].as_str()), (Some("embedded"), Some("f32")));
    folder.prints(&["export", "flats.nn", "--to", "small.nnb", "--int8", "flats.csv"]);
    assert_eq!(folder.json(&["inspect", "small.nnb"])["weights"], "8 bits");
    folder.prints(&["export", "flats.nn", "--to", "flats.rs"]);
    assert!(folder.read("flats.rs").contains("pub fn predict("));
}

/// A file as PyTorch writes it: linear layers of 2 => 1 => 2 units, and nothing about activations.
fn tensors(number_type: &str) -> Vec<u8> {
    let numbers = [1.0_f64, -1.0, 0.5, 2.0, -2.0, 0.0, 0.25];
    let size = if number_type == "F64" { 8 } else { 4 };
    let (mut header, mut place) = (Vec::new(), 0);
    for (name, shape, count) in
        [("0.weight", "[1,2]", 2), ("0.bias", "[1]", 1), ("2.weight", "[2,1]", 2), ("2.bias", "[2]", 2)]
    {
        let end = place + count * size;
        header.push(format!(r#""{name}":{{"dtype":"{number_type}","shape":{shape},"data_offsets":[{place},{end}]}}"#));
        place = end;
    }
    let header = format!("{{{}}}", header.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    for number in numbers {
        if size == 8 { file.extend(number.to_le_bytes()) } else { file.extend((number as f32).to_le_bytes()) }
    }
    file
}

#[test]
fn models_of_other_programs_become_models_and_back() {
    let folder = trained("safetensors");
    for (number_type, expected) in [("F32", "f32"), ("F64", "f64")] {
        folder.write("torch.safetensors", tensors(number_type));
        let (status, message) = folder.fails(&["inspect", "torch.safetensors"]);
        assert!(status == 1 && message.contains("--hidden and --output"), "{message}");
        let named = ["--hidden", "tanh", "--output", "softmax"];
        let found = folder.json(&[&["inspect", "torch.safetensors"][..], &named].concat());
        assert_eq!(
            (found["number_type"].as_str(), found["network"].as_str()),
            (Some(expected), Some("2 => 1 tanh => 2 softmax, cross_entropy"))
        );
        folder.prints(&[&["export", "torch.safetensors", "--to", "torch.nn", "--force"][..], &named].concat());
        folder.write("rows.csv", "a,b\n1,0.5\n");
        let object: Value =
            serde_json::from_str(&folder.prints(&["predict", "torch.nn", "rows.csv", "--json"])).unwrap();
        // tanh(1 - 0.5 + 0.5) = tanh 1; z = (2 tanh 1, 0.25 - 2 tanh 1).
        let z = 4.0 * 1.0_f64.tanh() - 0.25;
        let found = object["predictions"][0]["output 1"].as_f64().unwrap();
        assert!((found - 1.0 / (1.0 + (-z).exp())).abs() < 1e-6, "{object}");
    }
    let report = folder.json(&["export", "size.nn", "--to", "size.safetensors"]);
    assert!(report["sequential"].as_str().unwrap().starts_with("nn.Sequential("), "{report}");
    let (one, other) = (folder.json(&["inspect", "size.nn"]), folder.json(&["inspect", "size.safetensors"]));
    assert_eq!((&one["declaration"], other["kind"].as_str()), (&other["declaration"], Some("safetensors")));
}

#[test]
fn onnx_is_written_with_the_columns_and_read_without() {
    let folder = trained("onnx");
    let report = folder.json(&["export", "size.nn", "--to", "size.onnx"]);
    assert!(report["opset"].as_u64().unwrap() >= 11 && report["bytes"].as_u64().unwrap() > 1000, "{report}");
    // A graph that begins with columns is none of a plain network, and is shown as it is.
    let found = folder.json(&["inspect", "size.onnx"]);
    assert_eq!((found["kind"].as_str(), found["opset"]["ai.onnx"].as_u64()), (Some("onnx"), report["opset"].as_u64()));
    let input = serde_json::json!({ "name": "town", "type": "STRING", "sizes": ["N", "1"] });
    assert!(found["inputs"].as_array().unwrap().contains(&input), "{found}");
    assert_eq!(found["outputs"][0]["name"], "label");
    assert!(found["metadata"]["nn-train.architecture"].as_str().unwrap().contains("3 softmax"), "{found}");
    assert!(folder.prints(&["inspect", "size.onnx"]).contains("\ninput   area: DOUBLE [N, 1]\n"));
    let (status, message) = folder.fails(&["predict", "size.onnx", "flats.csv"]);
    assert!(status == 1 && message.starts_with("error: size.onnx: "), "{message}");

    let network = DynNetwork::<f64>::new("2 => 3 tanh => 2 softmax".parse().unwrap(), Init::default(), 1).unwrap();
    Bundle::of_arrays(network).unwrap().with_classes(["no", "yes"]).unwrap().save(folder.path("plain.nn")).unwrap();
    folder.prints(&["export", "plain.nn", "--to", "plain.onnx"]);
    folder.prints(&["export", "plain.onnx", "--to", "back.nn"]);
    assert!(fs::read(folder.path("plain.nn")).unwrap() == fs::read(folder.path("back.nn")).unwrap());
    let found = folder.json(&["inspect", "plain.onnx"]);
    assert_eq!((found["kind"].as_str(), found["classes"][1].as_str()), (Some("onnx"), Some("yes")));
    folder.write("bad.onnx", "not a graph");
    let (status, message) = folder.fails(&["predict", "bad.onnx", "flats.csv"]);
    assert!(status == 1 && message.starts_with("error: bad.onnx: "), "{message}");
}

#[test]
fn data_is_converted_and_back() {
    let folder = Folder::new("convert");
    let text = "a,b\n1,0.5\n-2,1e300\n0.1,3\n";
    folder.write("a.csv", text);
    folder.prints(&["convert", "a.csv", "a.npz"]);
    let (status, message) = folder.fails(&["convert", "a.csv", "narrow.npz", "--precision", "f32"]);
    assert!(status == 1 && message.contains("column \"b\" holds 1e300, which f32 does not"), "{message}");
    folder.prints(&["convert", "a.npz", "b.csv"]);
    assert_eq!(Table::from_csv(folder.path("b.csv")).unwrap(), Table::from_csv(folder.path("a.csv")).unwrap());
    folder.prints(&["convert", "a.csv", "a.npy", "--select", "b,a", "--precision", "f64"]);
    let array = Array::<f64>::read_npy(folder.path("a.npy")).unwrap();
    assert_eq!((array.sizes(), array.numbers()), (&[3, 2][..], &[0.5, 1.0, 1e300, -2.0, 3.0, 0.1][..]));

    folder.write("flats.csv", flats(100));
    let report = folder.json(&["convert", "flats.csv", "size.nnr", "--target", "size", "--without", "id,price"]);
    assert_eq!((report["inputs"].as_u64(), report["classes"][1].as_str()), (Some(4), Some("medium")));
    let records = Records::<f32>::open(folder.path("size.nnr")).unwrap();
    assert_eq!((records.len(), records.input_width(), records.target_width()), (100, 4, 3));
    drop(records);
    folder.prints(&["convert", "size.nnr", "size.npz"]);
    let mut archive = Npz::open(folder.path("size.npz")).unwrap();
    let (x, y) = (archive.array::<f32>("x").unwrap(), archive.array::<usize>("y").unwrap());
    assert_eq!((x.sizes(), y.sizes()), (&[100, 4][..], &[100][..]));
    // 20, Ulm: small.
    assert_eq!((&x.numbers()[..4], y.numbers()[0]), (&[20.0, 0.0, 0.0, 1.0][..], 2));
    folder.prints(&["convert", "size.nnr", "size.csv"]);
    let table = Table::from_csv(folder.path("size.csv")).unwrap();
    assert_eq!((table.names().last().map(String::as_str), table.numbers("x 1").unwrap()[1]), (Some("y"), 57.0));
}

#[test]
fn a_file_of_any_size_becomes_records_by_a_model() {
    let folder = trained("streamed");
    // Three parts.
    let mut text = String::from("price,town,note,area\n");
    let note = "x".repeat(200);
    for row in 0..40_000 {
        writeln!(text, "{row},{},{note},{}", ["Ulm", "Aalen", "Bonn"][row % 3], 20 + row % 100).unwrap();
    }
    text += ",Ulm,without a price,50\n";
    folder.write("large.csv", &text);
    let report = folder.json(&["convert", "large.csv", "large.nnr", "--model", "flats.nn"]);
    assert_eq!(report["rows"], 40_000);
    folder.prints(&["convert", "large.csv", "at once.npz", "--model", "flats.nn"]);
    folder.prints(&["convert", "large.nnr", "in parts.npz"]);
    for name in ["x", "y"] {
        let read = |file: &str| Npz::open(folder.path(file)).unwrap().array::<f32>(name).unwrap();
        assert!(read("at once.npz") == read("in parts.npz"), "{name}");
    }
    text += "1,Ulm,,\n2,Ulm,,many\n";
    folder.write("large.csv", &text);
    let (status, message) = folder.fails(&["convert", "large.csv", "other.nnr", "--model", "flats.nn"]);
    assert!(status == 1 && message.contains("large.csv, line 40004, column \"area\": found \"many\""), "{message}");
    assert!(!folder.path("other.nnr").exists());
}

#[test]
fn images_become_records_of_bytes() {
    let folder = Folder::new("images");
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 3];
    images.extend((0..24).map(|pixel| pixel * 10));
    folder.write("images-idx3-ubyte", images);
    folder.write("labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 4, 2, 0, 1, 0]);
    let convert =
        ["convert", "images-idx3-ubyte", "images.nnr", "--labels", "labels-idx1-ubyte", "--scale", "255", "--bytes"];
    let report = folder.json(&convert);
    assert_eq!((report["inputs"].as_u64(), report["classes"].as_u64()), (Some(6), Some(3)));
    assert!(report["bytes"].as_u64().unwrap() < 64 + 4 * 10 + 8, "{report}");
    let state = folder.json(&["inspect", "images.nnr"]);
    assert_eq!(state["target_format"], "label");
    folder.prints(&["convert", "images-idx3-ubyte", "images.npy"]);
    // 24 bytes behind a header of 128.
    assert_eq!(fs::metadata(folder.path("images.npy")).unwrap().len(), 152);
    let array = Array::<u8>::read_npy(folder.path("images.npy")).unwrap();
    assert_eq!((array.sizes(), array.numbers()[5]), (&[4, 2, 3][..], 50));
}

#[test]
fn a_model_of_numbers_takes_their_columns() {
    let folder = Folder::new("numbers");
    let network = DynNetwork::<f64>::new("2 => 3 tanh => 2 softmax".parse().unwrap(), Init::default(), 1).unwrap();
    let expected = network.predict(&[0.5, -1.0]).unwrap();
    Bundle::of_arrays(network).unwrap().with_classes(["no", "yes"]).unwrap().save(folder.path("kind.nn")).unwrap();
    folder.write("rows.csv", "id,a,b\nx,0.5,-1\n");
    let object: Value =
        serde_json::from_str(&folder.prints(&["predict", "kind.nn", "rows.csv", "--keep", "id", "--json"])).unwrap();
    let row = &object["predictions"][0];
    assert_eq!(row["id"], "x");
    assert!((row["probability of yes"].as_f64().unwrap() - expected[1]).abs() < 1e-12, "{row} {expected:?}");
    let (status, message) = folder.fails(&["predict", "kind.nn", "rows.csv"]);
    assert!(status == 1 && message.contains("column \"id\""), "{message}");
    folder.write("wide.csv", "a,b,c\n1,2,3\n");
    let (status, message) = folder.fails(&["predict", "kind.nn", "wide.csv"]);
    assert!(status == 1 && message.contains("the rows are 3 wide; expected 2"), "{message}");
}

#[test]
fn other_files_of_data_are_read() {
    let folder = Folder::new("formats");
    let comma = flats(120);
    folder.write("flats.tsv", comma.replace(',', "\t"));
    folder.write("flats.txt", comma.replace(',', ";"));
    folder.write("flats.csv", &comma);
    let model = |data: &str, more: &[&str]| {
        let train = ["train", data, "-t", "price", "-q", "--out", "x.nn", "--force"];
        folder.prints(&[&train[..], &SHORT, more].concat());
        let bundle = AnyBundle::load(folder.path("x.nn")).unwrap();
        let table: &Preprocess = bundle.preprocess().unwrap();
        let AnyBundle::F32(bundle) = &bundle else { unreachable!("it is trained in f32") };
        (bundle.network().parameters().to_vec(), table.input_names())
    };
    let expected = model("flats.csv", &[]);
    assert!(model("flats.tsv", &[]) == expected);
    // The name of the file said it, and says it of the next one.
    let predicted = folder.prints(&["predict", "x.nn", "flats.csv"]);
    assert_eq!(folder.prints(&["predict", "x.nn", "flats.tsv"]), predicted);
    // A delimiter that was asked for goes with the model, as far as files to predict from are concerned.
    assert!(model("flats.txt", &["--delimiter", ";"]) == expected);
    assert_eq!(folder.prints(&["predict", "x.nn", "flats.txt", "--keep", "id"]).lines().count(), 121);
    assert_eq!(folder.prints(&["predict", "x.nn", "flats.csv", "--delimiter", ","]), predicted);
    // The numbers of a table as an archive of arrays.
    let table = Table::from_csv(folder.path("flats.csv")).unwrap().select(&["area", "price"]).unwrap();
    table.write_csv(folder.path("numbers.csv")).unwrap();
    folder.prints(&["convert", "numbers.csv", "numbers.npz", "--precision", "f64"]);
    assert!(model("numbers.npz", &[]) == model("numbers.csv", &[]));
    assert!(matches!(table.column("area").unwrap(), Column::Number(_)));
}

#[test]
fn parquet_and_arrow_are_tables_like_others() {
    let folder = Folder::new("columnar");
    // Of pyarrow 26: 60 flats, of which texts are a dictionary, packed by snappy and by lz4.
    folder.write("flats.parquet", include_bytes!("fixtures/flats.parquet"));
    folder.write("flats.feather", include_bytes!("fixtures/flats.feather"));
    let mut expected = String::from("area,town,price\n");
    for row in 0..60 {
        let area = 20 + row * 37 % 100;
        writeln!(expected, "{area},{},{}", ["Ulm", "Aalen", "Bonn"][row % 3], 1000 * area + 5000 * (row % 3)).unwrap();
    }
    for name in ["flats.parquet", "flats.feather"] {
        folder.prints(&["convert", name, "flats.csv", "--force"]);
        assert_eq!(folder.read("flats.csv"), expected, "{name}");
        let report = folder.json(&[&["train", name, "-t", "price", "--force"][..], &SHORT].concat());
        assert_eq!(report["rows"], 60);
        let lines = folder.prints(&["predict", "flats.nn", name, "--keep", "area,town"]);
        assert!(lines.starts_with("area,town,price\n20,Ulm,"), "{lines}");
        assert_eq!(lines, folder.prints(&["predict", "flats.nn", "flats.csv", "--keep", "area,town"]));
    }
    folder.write("cut.parquet", &include_bytes!("fixtures/flats.parquet")[..300]);
    let (status, message) = folder.fails(&["inspect", "cut.parquet"]);
    assert!(status == 1 && message.starts_with("error: cut.parquet: "), "{message}");
    let (status, message) = folder.fails(&["inspect", "-", "--format", "parquet"]);
    assert!(status != 0, "{message}");
}

#[test]
fn bench_reports_figures() {
    let folder = Folder::new("bench");
    let short = ["--seconds", "0.001", "--repeats", "2", "--threads", "1", "--batch-size", "16"];
    let report = folder.json(&[&["bench", "--layers", "8,16,3"][..], &short].concat());
    assert_eq!(report["network"], "8 => 16 relu => 3 softmax, cross_entropy");
    assert!(report["samples_per_second"].as_f64().unwrap() > 0.0 && report["percent_of_peak"].as_f64().unwrap() > 0.0);
    let text = folder.prints(&[&["bench", "--network", "4 => 2 tanh => 1 linear", "--explain"][..], &short].concat());
    assert!(text.contains("samples/s") && text.contains("engine"), "{text}");
}

#[test]
fn every_command_has_help_with_examples_and_every_shell_completions() {
    let folder = Folder::new("help");
    for command in ["train", "evaluate", "predict", "export", "inspect", "convert", "bench", "completions"] {
        for help in [&[command, "--help"][..], &["help", command]] {
            let text = folder.prints(help);
            assert!(text.contains("Examples:\n  nn-train ") || text.contains("Examples:\n  z"), "{command}: {text}");
            assert!(text.contains("Usage: nn-train"), "{command}: {text}");
        }
    }
    assert!(folder.prints(&["--version"]).starts_with("nn-train 0."));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = folder.prints(&["completions", shell]);
        assert!(script.contains("learning-rate") && script.contains("predict"), "{shell}");
    }
}
