//! What is written, where, and over what.

use super::*;

#[test]
fn a_run_is_resumed_from_a_checkpoint_with_the_settings_that_it_began_with() {
    let folder = Folder::new("begun");
    folder.write("flats.csv", flats(100));
    folder.write("x.nn", "not to be touched");
    let train = ["train", "flats.csv", "-t", "price", "--checkpoints", "run", "--out", "x.nn", "--log", "x.csv", "-q"];
    let train = [&train[..], &SHORT].concat();
    let with = |more: &[&'static str]| [&train[..], more].concat();
    let (status, message) = folder.fails(&with(&["--resume"]));
    assert!(status == 1 && message.contains("run has no checkpoint to resume from"), "{message}");
    assert_eq!(folder.read("x.nn"), "not to be touched");

    folder.prints(&with(&["--force"]));
    let model = fs::read(folder.path("x.nn")).unwrap();
    folder.prints(&with(&["--resume"]));
    assert!(fs::read(folder.path("x.nn")).unwrap() == model);
    let cases: [(&[&str], &str); 3] = [
        (&["--l2", "0.1"], "run: --l2 was not given when this run began, now 0.1"),
        (&["--classes"], "run: --classes was not given when this run began"),
        (&["--validation", "0.3"], "run: --validation was not given when this run began, now 0.3"),
    ];
    for (more, expected) in cases {
        let (status, message) = folder.fails(&[&with(&["--resume"])[..], more].concat());
        assert!(status == 1 && message.contains(expected), "{message}");
    }
    let mut other = with(&["--resume"]);
    let seed = other.iter().position(|argument| *argument == "--seed").unwrap();
    other[seed + 1] = "4";
    assert!(folder.fails(&other).1.contains("run: --seed was 3 when this run began, now 4"));
    folder.write("flats.csv", flats(101));
    let (status, message) = folder.fails(&with(&["--resume"]));
    assert!(status == 1 && message.contains("run: the data had 100 rows when this run began, now 101"), "{message}");
    assert!(fs::read(folder.path("x.nn")).unwrap() == model);
}

#[test]
fn what_cannot_be_written_is_said_before_the_work() {
    let folder = trained("places");
    let data = folder.read("flats.csv");
    let long = ["train", "flats.csv", "-t", "price", "--epochs", "1000000", "--patience", "1000000"];
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--out", "sub/"], 1, "sub/ is a folder; expected the name of a file"),
        (&["--out", "sub/x.nn"], 1, "the folder sub for sub/x.nn is not there"),
        (&["--out", "x.nn", "--log", "sub/x.csv"], 1, "the folder sub for sub/x.csv is not there"),
        (&["--out", "-"], 2, "not the standard output"),
        (&["--out", "x.onnx"], 2, "`nn-train export` writes it"),
        (&["--out", "x.nn", "--force", "--log", "flats.csv"], 2, "flats.csv is a file of this command already"),
        (&["--out", "x.jsonl", "--log", "x.jsonl"], 2, "x.jsonl is a file of this command already"),
        (&["--out", "x.nn", "--validation", "-"], 2, "not the standard input"),
        (&["--out", "x.nn", "--log", "x.txt"], 2, ".jsonl"),
    ];
    for (more, expected_status, expected) in cases {
        let (status, message) = folder.fails(&[&long[..], more].concat());
        assert!(status == expected_status && message.contains(expected), "{more:?}: {status} {message}");
    }
    let cases: [&[&str]; 4] = [
        &["predict", "flats.nn", "flats.csv", "--out", "./flats.csv", "--force"],
        &["predict", "flats.nn", "flats.csv", "--out", "flats.nn", "--force"],
        &["convert", "flats.csv", "./flats.csv", "--force"],
        &["export", "flats.nn", "--to", "./flats.nn", "--force"],
    ];
    for case in cases {
        let (status, message) = folder.fails(case);
        assert!(status == 2 && message.contains("is a file of this command already"), "{case:?}: {message}");
    }
    assert_eq!(folder.read("flats.csv"), data);
    assert_eq!(folder.fails(&["convert", "flats.csv", "-", "--to", "csv"]).0, 2);
}

#[cfg(unix)]
#[test]
fn devices_pipes_and_links_are_written_to() {
    use std::os::unix::fs::symlink;

    let folder = trained("links");
    let data = folder.read("flats.csv");
    let converted = folder.command(&["convert", "flats.csv", "/dev/stdout", "--to", "csv", "-q"]).output().unwrap();
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
    let text = String::from_utf8(converted.stdout).unwrap();
    assert!(text.starts_with("id,area,town,price,size\n0,20,Ulm,") && text.lines().count() == 301, "{text}");
    // A file that is open already is not renamed over.
    let file = fs::File::create(folder.path("redirected.csv")).unwrap();
    let mut convert = folder.command(&["convert", "flats.csv", "/dev/stdout", "--to", "csv", "-q"]);
    assert!(convert.stdout(file).status().unwrap().success());
    assert_eq!(folder.read("redirected.csv"), text);
    folder.prints(&["predict", "flats.nn", "flats.csv", "--out", "/dev/null"]);
    folder.prints(&["convert", "flats.csv", "/dev/null", "--to", "npz", "--without", "town,size"]);
    let predicted = folder.prints(&["predict", "flats.nn", "flats.csv"]);
    assert_eq!(folder.prints(&["predict", "flats.nn", "flats.csv", "--out", "/dev/stdout"]), predicted);

    fs::create_dir(folder.path("far")).unwrap();
    folder.write("far/there.csv", "something");
    symlink("far/there.csv", folder.path("link.csv")).unwrap();
    symlink("far/new.csv", folder.path("new.csv")).unwrap();
    let predict = ["predict", "flats.nn", "flats.csv", "--out", "link.csv"];
    assert_eq!(folder.fails(&predict).0, 1);
    folder.prints(&[&predict[..], &["--force"]].concat());
    folder.prints(&["predict", "flats.nn", "flats.csv", "--out", "new.csv"]);
    assert_eq!((folder.read("far/there.csv"), folder.read("far/new.csv")), (predicted.clone(), predicted));
    assert!(folder.path("link.csv").is_symlink() && folder.path("new.csv").is_symlink());
    // A link to the input is the input.
    symlink("flats.csv", folder.path("input.csv")).unwrap();
    assert_eq!(folder.fails(&["predict", "flats.nn", "flats.csv", "--out", "input.csv", "--force"]).0, 2);
    assert_eq!(folder.read("flats.csv"), data);
}

#[test]
fn training_goes_on_when_nobody_reads_its_lines() {
    let folder = Folder::new("unheeded");
    folder.write("flats.csv", flats(100));
    let train = ["train", "flats.csv", "-t", "price", "--without", "id,size"];
    let mut command = folder.command(&[&train[..], &SHORT].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(AnyBundle::load(folder.path("flats.nn")).is_ok());
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_and_options() {
    let folder = Folder::new("bash");
    let script = folder.prints(&["completions", "bash"]);
    folder.write("script.bash", script);
    let complete = |words: &str| {
        let run = format!(
            "source script.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _nn__train nn-train \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\"; \
             echo \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["-c", &run]).current_dir(&folder.0).output();
        // Not every system has one.
        output.ok().map(|output| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    let cases = [
        ("nn-train tr", "train"),
        ("nn-train train --epo", "--epochs"),
        ("nn-train predict --no-pro", "--no-probabilities"),
        ("nn-train train --activation gel", "gelu"),
        ("nn-train bench --output sof", "softmax"),
        ("nn-train convert --to np", "npy npz"),
        ("nn-train help tra", "train"),
    ];
    for (words, expected) in cases {
        if let Some(found) = complete(words) {
            assert_eq!(found, expected, "{words}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_nothing_unfinished() {
    let folder = trained("signals");
    // 12 MB: three parts.
    let note = "x".repeat(110);
    let mut text = String::from("area,town,note,price\n");
    (0..100_000).for_each(|row| writeln!(text, "{},Ulm,{note},{row}", row % 90).unwrap());
    folder.write("large.csv", text);
    let unfinished = || {
        let names = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".unfinished")).count()
    };
    let cases: [(&[&str], &str, i32); 2] = [
        (&["predict", "flats.nn", "large.csv", "--out", "x.csv", "--force"], "-INT", 130),
        (&["convert", "large.csv", "x.nnr", "--model", "flats.nn", "--force"], "-TERM", 143),
    ];
    for (arguments, signal, expected) in cases {
        // On a busy machine the work may be over before the signal comes.
        let ended = (0..10).any(|_| {
            let mut child = folder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            while unfinished() == 0 && child.try_wait().unwrap().is_none() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(unfinished(), 0, "{arguments:?}");
            output.status.code() == Some(expected)
        });
        assert!(ended, "{arguments:?} was never ended");
    }
}
