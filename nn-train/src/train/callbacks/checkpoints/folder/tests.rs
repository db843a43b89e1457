//! Retention, whatever fails.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::ErrorKind;

use super::Folder;
use crate::disk::faulty::{Failure, Faulty, Scratch};
use crate::disk::{Disk, System};
use crate::train::checkpoint::BestNumber;
use crate::train::checkpoint::tests::state;
use crate::{Goal, RunState};

/// The states of a folder that can be loaded, the newest first, by their steps.
fn loadable(folder: &Folder) -> Vec<u64> {
    let paths = folder.newest_first(&System).unwrap();
    paths.iter().filter_map(|path| RunState::<f64>::load(path).ok()).map(|state| state.session.steps).collect()
}

fn folder(scratch: &Scratch) -> Folder {
    let mut folder = Folder::new(scratch.0.clone());
    folder.open(&System, true, false).unwrap();
    folder
}

/// Saves of the steps 1, 2, …, with the last two kept.
fn saves<D: Disk>(disk: &D, folder: &mut Folder, steps: std::ops::RangeInclusive<u64>) -> Result<(), crate::Error> {
    steps.into_iter().try_for_each(|steps| folder.save(disk, &state(steps), 2).map(drop))
}

#[test]
fn the_last_files_are_kept() {
    let scratch = Scratch::new("retention");
    let mut folder = folder(&scratch);
    saves(&System, &mut folder, 1..=5).unwrap();
    assert_eq!(scratch.names(), ["000004-step-4.ckpt", "000005-step-5.ckpt"]);
    let best = BestNumber { metric: "cost".to_owned(), goal: Goal::Lowest, number: 0.5 };
    folder.save_best(&System, &state(3), &best).unwrap();
    assert_eq!(loadable(&folder), [5, 4, 3]);
    // Newer by its number, whatever its steps, and beyond six digits.
    fs::rename(scratch.0.join("000005-step-5.ckpt"), scratch.0.join("999999-step-5.ckpt")).unwrap();
    let mut again = self::folder(&scratch);
    let path = again.save(&System, &state(2), 2).unwrap();
    assert!(path.ends_with("1000000-step-2.ckpt"), "{path:?}");
    assert_eq!(loadable(&folder), [2, 5, 3]);
}

#[test]
fn foreign_files_stay() {
    let scratch = Scratch::new("foreign");
    let names = [".hidden.tmp", "model.ckpt", "step-5.ckpt", "x-step-1.ckpt", "1-step-x.ckpt", "notes.txt"];
    for name in names {
        fs::write(scratch.0.join(name), "mine").unwrap();
    }
    let mut folder = folder(&scratch);
    saves(&System, &mut folder, 1..=4).unwrap();
    for name in names {
        assert!(scratch.0.join(name).exists(), "{name}");
    }
    assert_eq!(loadable(&folder), [4, 3]);
}

#[test]
fn whatever_fails_no_file_fewer_can_be_loaded() {
    for failure in [Failure::Error(ErrorKind::StorageFull), Failure::Killed] {
        let mut number = 1;
        loop {
            let scratch = Scratch::new("whatever-fails");
            let mut folder = folder(&scratch);
            saves(&System, &mut folder, 1..=2).unwrap();
            let disk = Faulty::new(number, failure);
            let failed = folder.save(&disk, &state(3), 2).is_err();
            let left = loadable(&folder);
            assert!(left == [2, 1] || left == [3, 2, 1] || left == [3, 2], "{failure:?} {number}: {left:?}");
            if !failed {
                assert_eq!(left, [3, 2]);
                assert!(number > 10);
                break;
            }
            // The next one is written all the same, and all is as it should be.
            let mut folder = self::folder(&scratch);
            folder.save(&System, &state(4), 2).unwrap();
            assert_eq!(loadable(&folder).len(), 2, "{failure:?} {number}");
            assert!(scratch.names().iter().all(|name| name.ends_with(".ckpt")));
            number += 1;
        }
    }
}

/// A damaged file counts as one of the last, but a good one goes only when another good one has come.
#[test]
fn damaged_files_cost_no_good_one() {
    let scratch = Scratch::new("damaged");
    let mut folder = folder(&scratch);
    saves(&System, &mut folder, 1..=2).unwrap();
    fs::write(scratch.0.join("000002-step-2.ckpt"), "spoilt").unwrap();
    assert_eq!(loadable(&folder), [1]);
    saves(&System, &mut folder, 3..=3).unwrap();
    assert_eq!(loadable(&folder), [3]);
    saves(&System, &mut folder, 4..=4).unwrap();
    assert_eq!(loadable(&folder), [4, 3]);
}
