//! Files are written whole or not at all, whatever fails.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::ErrorKind;

use super::{Contents, save};
use crate::disk::faulty::{Failure, Faulty, Scratch};
use crate::error::Error;
use crate::prelude::*;

/// A state of a small network after `steps` steps, longer than one write.
pub(crate) fn state(steps: u64) -> RunState<f64> {
    let layers = vec![Layer::new(2, 17, Activation::Tanh), Layer::new(17, 1, Activation::Linear)];
    let architecture = Architecture::new(layers, Loss::Mse).unwrap();
    let mut net = DynNetwork::<f64>::new(architecture, Init::default(), 1).unwrap();
    let inputs = (0..40).map(|index| (index as f64).sin()).collect();
    let data = DynDataset::new(inputs, 2, (0..20).map(|index| (index as f64).cos()).collect(), 1).unwrap();
    let trainer = Trainer::builder().batch_size(4).epochs(4).threads(1).build().unwrap();
    let mut found = None;
    let run = trainer.run(&mut net, &data).unwrap().on_step(|context| {
        if context.step() == steps {
            found = Some(context.state()?);
        }
        Ok(Signal::Continue)
    });
    run.finish().unwrap();
    found.unwrap()
}

/// The operations of a save that nothing disturbs.
fn operations(scratch: &Scratch) -> Vec<&'static str> {
    let disk = Faulty::new(usize::MAX, Failure::Killed);
    save(&disk, &scratch.0.join("undisturbed"), &Contents::Run(&state(1), None)).unwrap();
    fs::remove_file(scratch.0.join("undisturbed")).unwrap();
    disk.operations()
}

#[test]
fn an_error_at_any_operation_leaves_the_old_file_and_no_litter() {
    let scratch = Scratch::new("errors");
    let path = scratch.0.join("run.ckpt");
    let (old, new) = (state(3), state(4));
    let operations = operations(&scratch);
    assert!(operations.iter().filter(|name| **name == "write").count() > 10, "{operations:?}");
    assert_eq!(operations[..2], ["names", "create"]);
    assert_eq!(operations[operations.len() - 3..], ["flush", "rename", "flush_folder"]);
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for (number, name) in operations.iter().enumerate() {
            old.save(&path).unwrap();
            let error = save(&Faulty::new(number + 1, Failure::Error(kind)), &path, &Contents::Run(&new, None));
            match error {
                Err(Error::Io { operation, kind: found, place, .. }) => {
                    assert_eq!(found, kind, "{name}");
                    assert!(!operation.is_empty());
                    assert!(place.ends_with("run.ckpt") || *name == "names", "{place}");
                }
                other => panic!("{name}: {other:?}"),
            }
            assert_eq!(scratch.names(), ["run.ckpt"], "{name}");
            let wanted = if *name == "flush_folder" { &new } else { &old };
            assert_eq!(&RunState::load(&path).unwrap(), wanted, "{name}");
        }
    }
}

#[test]
fn an_interrupted_write_is_repeated() {
    let scratch = Scratch::new("interrupted");
    let (path, state) = (scratch.0.join("run.ckpt"), state(2));
    for (number, _) in operations(&scratch).iter().enumerate().filter(|(_, name)| **name == "write") {
        let disk = Faulty::new(number + 1, Failure::Error(ErrorKind::Interrupted));
        save(&disk, &path, &Contents::Run(&state, None)).unwrap();
        assert_eq!(RunState::load(&path).unwrap(), state);
    }
}

#[test]
fn a_program_killed_at_any_operation_leaves_one_of_both_files_and_the_next_save_tidies_up() {
    let scratch = Scratch::new("killed");
    let path = scratch.0.join("run.ckpt");
    let (old, new) = (state(3), state(4));
    let operations = operations(&scratch);
    let mut unfinished = 0;
    for (number, name) in operations.iter().enumerate() {
        old.save(&path).unwrap();
        let killed = save(&Faulty::new(number + 1, Failure::Killed), &path, &Contents::Run(&new, None));
        assert!(killed.is_err(), "{name}");
        let wanted = if *name == "flush_folder" { &new } else { &old };
        assert_eq!(&RunState::load(&path).unwrap(), wanted, "{name}");
        unfinished += scratch.names().len() - 1;
        old.save(&path).unwrap();
        assert_eq!(scratch.names(), ["run.ckpt"], "{name}");
    }
    assert_eq!(unfinished, operations.len() - 3, "from the first write to the rename");
}

#[test]
fn what_somebody_is_writing_is_no_litter() {
    let scratch = Scratch::new("busy");
    let path = scratch.0.join("run.ckpt");
    let busy = scratch.0.join(".run.ckpt.1-0.unfinished");
    let file = fs::File::create(&busy).unwrap();
    file.lock().unwrap();
    state(1).save(&path).unwrap();
    assert!(busy.exists());
    drop(file);
    state(1).save(&path).unwrap();
    assert_eq!(scratch.names(), ["run.ckpt"]);
}

#[test]
fn a_path_that_names_no_file_and_a_folder_that_is_not_there_are_errors() {
    let scratch = Scratch::new("nowhere");
    for path in ["..", "/", ""] {
        match state(1).save(path).unwrap_err() {
            Error::Io { operation: "write", kind: ErrorKind::InvalidInput, .. } => {}
            other => panic!("{path:?}: {other}"),
        }
    }
    let error = state(1).save(scratch.0.join("none/run.ckpt")).unwrap_err();
    assert!(matches!(error, Error::Io { kind: ErrorKind::NotFound, .. }), "{error}");
    let error = RunState::<f64>::load(scratch.0.join("none.ckpt")).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "open", kind: ErrorKind::NotFound, .. }), "{error}");
    let error = RunState::<f64>::load(&scratch.0).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "read", .. }), "{error}");
    fs::create_dir(scratch.0.join("folder")).unwrap();
    let error = state(1).save(scratch.0.join("folder")).unwrap_err();
    assert!(error.to_string().contains("could not rename a file to "), "{error}");
    assert_eq!(scratch.names(), ["folder"]);
}
