//! Rows in parts: several files as one source, several ranks that read their own parts, and shards.
#![cfg(feature = "records")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/ranks.rs"]
mod ranks;
mod scratch;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use nn_train::prelude::*;
use nn_train::records::{InputFormat, Records, RecordsFault, TargetFormat, Writer};
use nn_train::{Access, Rows, Shard, Source, TrainerBuilder};
use proptest::prelude::*;
use ranks::on_ranks;
use scratch::Scratch;

/// Samples with these numbers: y = sin x and cos x.
fn samples(rows: std::ops::Range<usize>) -> DynDataset<f64> {
    let inputs: Vec<f64> = rows.map(|row| row as f64 / 100.0).collect();
    let targets = inputs.iter().flat_map(|x| [x.sin(), x.cos()]).collect();
    DynDataset::new(inputs, 1, targets, 2).unwrap()
}

/// Files of so many samples each, one behind the other, in blocks of 8.
fn files(scratch: &Scratch, lengths: &[usize]) -> Vec<PathBuf> {
    let mut first = 0;
    let write = |(number, &length): (usize, &usize)| {
        let path = scratch.0.join(format!("part-{number}.nnr"));
        Writer::new().block_records(8).write(&samples(first..first + length), &path).unwrap();
        first += length;
        path
    };
    lengths.iter().enumerate().map(write).collect()
}

fn builder() -> TrainerBuilder {
    Trainer::builder().batch_size(13).epochs(3).seed(5).threads(1).learning_rate(0.01)
}

fn network() -> DynNetwork<f64> {
    DynNetwork::new("1 => 5 tanh => 2 linear".parse().unwrap(), Init::default(), 3).unwrap()
}

fn difference(one: &DynNetwork<f64>, other: &DynNetwork<f64>) -> f64 {
    one.parameters().iter().zip(other.parameters()).fold(0.0, |most: f64, (x, y)| most.max((x - y).abs()))
}

/// Trains on one process; the network that comes of it.
fn alone<D: TrainingDataOf>(builder: &TrainerBuilder, data: &D) -> DynNetwork<f64> {
    let mut net = network();
    builder.clone().build().unwrap().fit(&mut net, data, None).unwrap();
    net
}

trait TrainingDataOf: nn_train::TrainingData<DynNetwork<f64>> {}

impl<D: nn_train::TrainingData<DynNetwork<f64>>> TrainingDataOf for D {}

#[test]
fn rows_of_several_files_stand_one_behind_the_other() {
    let scratch = Scratch::new("parts-files");
    // More files than are open at a time.
    let lengths: Vec<usize> = (0..70).map(|number| 1 + number * 7 % 20).collect();
    let total = lengths.iter().sum();
    let (paths, expected) = (files(&scratch, &lengths), samples(0..total));
    assert_eq!(scratch.names().len(), 70);
    for memory in [None, Some(4000)] {
        let records = match memory {
            Some(memory) => Records::<f64>::open_files_within(&paths, memory),
            None => Records::open_files(&paths),
        };
        let records = records.unwrap();
        assert_eq!((records.len(), records.block_records()), (total as u64, 8));
        assert_eq!(records.files(), lengths.iter().map(|&length| length as u64).collect::<Vec<_>>());
        let mut rows = Rows::of(&records).unwrap();
        for stride in [1, 7, 101] {
            let indices: Vec<u64> = (0..total as u64).map(|row| row * stride % total as u64).collect();
            rows.fill(&records, &indices).unwrap();
            let right: Vec<f64> = indices.iter().map(|&row| expected.inputs()[row as usize]).collect();
            assert_eq!(rows.inputs(), right);
        }
        // Trained on as a source of the same blocks is, whether all of it is in memory or not.
        let made = Made { data: &expected, window: records.window(), files: records.files(), read: Mutex::default() };
        assert_eq!(alone(&builder(), &records), alone(&builder(), &made));
        assert!(format!("{records:?}").contains("and 69 more"));
    }
    assert!(Records::<f64>::open_files(&paths[..1]).unwrap().files().is_empty());
}

/// A source of blocks in memory.
struct Made<'a> {
    data: &'a DynDataset<f64>,
    window: u64,
    files: Vec<u64>,
    read: Mutex<Vec<u64>>,
}

impl Source for Made<'_> {
    type Scalar = f64;

    fn len(&self) -> u64 {
        self.data.len() as u64
    }

    fn input_width(&self) -> usize {
        1
    }

    fn target_width(&self) -> usize {
        2
    }

    fn access(&self) -> Access {
        Access::Blocks { rows: 8, window: self.window }
    }

    fn files(&self) -> Vec<u64> {
        self.files.clone()
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f64>) -> Result<(), Error> {
        self.read.lock().unwrap().extend(indices);
        self.data.read(indices, rows)
    }
}

#[test]
fn files_that_differ_are_named_with_what_differs() {
    let scratch = Scratch::new("parts-unlike");
    let path = |name: &str| scratch.0.join(name);
    let write = |name: &str, writer: Writer<'_>, data: &DynDataset<f64>| {
        writer.write(data, path(name)).unwrap();
        path(name)
    };
    let (data, blocks) = (samples(0..20), || Writer::new().block_records(8));
    let first = write("first", blocks(), &data);
    let wide = DynDataset::new(vec![0.0; 40], 2, vec![0.0; 40], 2).unwrap();
    let classes = DynDataset::new(vec![0.0; 20], 1, [1.0, 0.0].repeat(20), 2).unwrap();
    let weighted = data.clone().with_weights(vec![2.0; 20]).unwrap();
    let cases = [
        (write("wide", blocks(), &wide), "the width of the inputs: 2; expected 1"),
        (write("f32", blocks().input_format(InputFormat::F32), &data), "the format of the inputs: F32; expected F64"),
        (
            write("label", blocks().target_format(TargetFormat::Label), &classes),
            "the format of the targets: Label; expected F64",
        ),
        (write("weights", blocks(), &weighted), "the format of the weights: F64; expected None"),
        (write("blocks", Writer::new().block_records(9), &data), "the records of a block: 9; expected 8"),
        (write("one", Writer::new().block_records(50), &data), "the records of a block: 20; expected 8"),
    ];
    for (other, expected) in &cases {
        let error = Records::<f64>::open_files(&[&first, other]).unwrap_err();
        assert!(matches!(&error, Error::Records { fault: RecordsFault::Unlike { .. }, .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(expected) && message.contains(&format!("{}", other.display())), "{message}");
        assert!(message.ends_with(&format!("as in {}", first.display())), "{message}");
    }
    // One block may be shorter than others, wherever it stands.
    let short = write("short", Writer::new().block_records(50), &samples(20..27));
    assert_eq!(Records::<f64>::open_files(&[&short, &first, &short]).unwrap().len(), 34);
    let error = Records::<f64>::open_files::<PathBuf>(&[]).unwrap_err();
    assert_eq!(error.to_string(), "there is no file of records; expected at least one path");
    let error = Records::<f64>::open_files(&[first, path("none")]).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "open", .. }), "{error}");
}

/// What is damaged in the part of another rank is never noticed: it is not read.
#[test]
fn a_rank_reads_its_own_part_only() {
    let scratch = Scratch::new("parts-damage");
    let paths = files(&scratch, &[40, 50, 30]);
    // Records of 24 bytes behind the header, from a block on.
    let damage = |path: &PathBuf, blocks: usize, records: usize| {
        let mut bytes = fs::read(path).unwrap();
        bytes[64 + blocks * 8 * 24..64 + records * 24].iter_mut().for_each(|byte| *byte ^= 1);
        fs::write(path, bytes).unwrap();
    };
    damage(&paths[1], 2, 50);
    damage(&paths[2], 0, 30);
    // 5 blocks, 7 and 4: of two ranks the first has those before row 56, which are whole, the second all that are damaged.
    for memory in [3000, 64 << 20] {
        let errors = on_ranks(2, |rank| {
            let records = Records::<f64>::open_files_within(&paths, memory).unwrap();
            let mut net = network();
            let trainer = builder().collective(rank).build().unwrap();
            trainer.fit(&mut net, &records, None).unwrap_err().to_string()
        });
        for error in &errors {
            assert!(error.contains("rank 1") && error.contains("is damaged"), "{error}");
        }
        // The damage is on the way of who reads all.
        let all = Records::<f64>::open_files(&paths).unwrap();
        assert!(builder().build().unwrap().fit(&mut network(), &all, None).is_err());
    }
}

/// Several ranks, one a part, and one process with as many parts take the same steps, to rounding; so they do if fewer ranks
/// have the parts.
#[test]
fn ranks_on_files_take_the_steps_of_one_process_in_parts() {
    let scratch = Scratch::new("parts-steps");
    let paths = files(&scratch, &[100, 3, 77]);
    for memory in [3000, 64 << 20] {
        let open = || Records::<f64>::open_files_within(&paths, memory).unwrap();
        let expected = alone(&builder().parts(3), &open());
        assert!(difference(&expected, &alone(&builder(), &open())) > 1e-6, "another order");
        for (size, parts) in [(3, None), (2, Some(3)), (3, Some(3))] {
            let nets = on_ranks(size, |rank| {
                let mut net = network();
                let builder = builder().collective(rank);
                let builder = parts.map_or(builder.clone(), |parts| builder.parts(parts));
                builder.build().unwrap().fit(&mut net, &open(), None).unwrap();
                net
            });
            for net in &nets {
                assert_eq!(net, &nets[0]);
                assert!(difference(net, &expected) < 1e-12, "{}", difference(net, &expected));
            }
        }
    }
}

/// A run on some ranks that ends in the midst of an epoch goes on with another number of ranks, in the same parts to the end
/// of that epoch. The next ones have the parts of those ranks, whether the run goes on to there or begins there.
#[test]
fn a_run_goes_on_with_other_ranks_in_the_same_parts() {
    let scratch = Scratch::new("parts-resumed");
    let paths = files(&scratch, &[100, 3, 77]);
    let open = || Records::<f64>::open_files_within(&paths, 3000).unwrap();
    // What comes of a state, or of the beginning, on so many ranks: the network, the state after step `stop` and at each epoch's end.
    let trained = |size: usize, from: Option<&RunState<f64>>, stop: u64| {
        let all = on_ranks(size, |rank| {
            let (mut net, data) = (network(), open());
            let (at, ends) = (Mutex::new(None), Mutex::new(Vec::new()));
            let trainer = builder().collective(rank).build().unwrap();
            let mut run = trainer.run(&mut net, &data).unwrap();
            if let Some(state) = from {
                run = run.resume(state).unwrap();
            }
            let run = run.on_step(|context| {
                if context.step() == stop {
                    *at.lock().unwrap() = Some(context.state()?);
                }
                Ok(Signal::Continue)
            });
            let run = run.on_epoch(|context| {
                ends.lock().unwrap().push(context.state()?);
                Ok(Signal::Continue)
            });
            run.finish().unwrap();
            (net, at.into_inner().unwrap(), ends.into_inner().unwrap())
        });
        assert!(all.iter().all(|(net, ..)| *net == all[0].0));
        all.into_iter().next().unwrap()
    };
    for stop in [1, 9, 20, 29, 41] {
        let (expected, state, _) = trained(3, None, stop);
        let state = state.unwrap();
        assert_eq!((state.batches.parts.len(), state.position.step), (3, stop % 14));
        for size in [1, 2, 3] {
            let (net, _, ends) = trained(size, Some(&state), 0);
            if size == 3 {
                assert_eq!(net, expected);
            } else if stop > 28 {
                assert!(difference(&net, &expected) < 1e-12, "{stop} on {size}: {}", difference(&net, &expected));
            }
            for end in &ends {
                assert_eq!(trained(size, Some(end), 0).0, net, "from the end of epoch {}", end.position.epoch);
            }
        }
        let errors = on_ranks(4, |rank| {
            let (mut net, data) = (network(), open());
            let trainer = builder().collective(rank).build().unwrap();
            trainer.run(&mut net, &data).unwrap().resume(&state).map(|_| ()).unwrap_err().to_string()
        });
        assert!(errors[3].contains("began with its rows in 3 parts"), "{}", errors[3]);
    }
    // Of one process, on several: only from an epoch's end.
    let (_, state, ends) = trained(1, None, 20);
    let errors = on_ranks(2, |rank| {
        let (mut net, data) = (network(), open());
        let trainer = builder().collective(rank).build().unwrap();
        trainer.run(&mut net, &data).unwrap().resume(state.as_ref().unwrap()).map(|_| ()).unwrap_err().to_string()
    });
    assert!(errors[0].contains("began with its rows in 1 part cannot be divided among 2 ranks"), "{}", errors[0]);
    trained(2, Some(&ends[1]), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// Shards of any lengths take the steps of one process that has all rows in parts as long.
    #[test]
    fn shards_take_the_steps_of_one_process(lengths in proptest::collection::vec(1_usize..40, 2..5), weighted: bool) {
        let total: usize = lengths.iter().sum();
        let weigh = |data: DynDataset<f64>, first: usize| {
            let weights = (first..first + data.len()).map(|row| 1.0 + (row % 3) as f64).collect();
            if weighted { data.with_weights(weights).unwrap() } else { data }
        };
        let nets = on_ranks(lengths.len(), |rank| {
            let number = nn_train::collective::Collective::rank(&*rank);
            let first: usize = lengths[..number].iter().sum();
            let data = weigh(samples(first..first + lengths[number]), first);
            let mut net = network();
            let trainer = builder().epochs(1).collective(rank).build().unwrap();
            let mut state = None;
            let shard = Shard::new(&data);
            let run = trainer.run(&mut net, &shard).unwrap().on_step(|context| {
                if context.step() == 1 {
                    state = Some(context.state()?);
                }
                Ok(Signal::Continue)
            });
            run.finish().unwrap();
            (net, state.unwrap())
        });
        // One process goes on from their state, and comes to the same network.
        let (first, state) = &nets[0];
        for (net, _) in &nets {
            prop_assert_eq!(net, first);
        }
        if state.position.step > 0 {
            let all = weigh(samples(0..total), 0);
            let trainer = builder().epochs(1).build().unwrap();
            let mut alone = network();
            let history = trainer.run(&mut alone, &all).unwrap().resume(state).unwrap().finish().unwrap();
            prop_assert_eq!((history.len(), state.batches.parts.len()), (1, lengths.len()));
            prop_assert!(difference(&alone, first) < 1e-12, "{}", difference(&alone, first));
        }
    }
}

/// The standardizer of shards on ranks, or what is wrong; the same on each.
fn standardized(shards: &[Vec<f64>], width: usize) -> Result<Standardizer, String> {
    let mut all = on_ranks(shards.len(), |rank| {
        let own = &shards[nn_train::collective::Collective::rank(&*rank)];
        Standardizer::fit_flat_together(own, width, &*rank).map_err(|error| error.to_string())
    });
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    all.swap_remove(0)
}

#[test]
fn a_standardizer_over_ranks_is_that_of_all_rows() {
    // Beside random numbers: one that is the same everywhere, one that differs between ranks only, a large one that hardly varies.
    let row = |index: usize, rank: usize| {
        let x = (index as f64 * 0.7).sin();
        [x * 1e-3, 7.0, rank as f64, 1e15 + (index % 2) as f64, x * 1e300, x * 1e-300]
    };
    for lengths in [vec![4, 4], vec![1, 30, 7], vec![1, 1], vec![100, 1, 1, 3]] {
        let mut first = 0;
        let shards: Vec<Vec<f64>> = lengths
            .iter()
            .enumerate()
            .map(|(rank, length)| {
                first += length;
                (first - length..first).flat_map(|index| row(index, rank)).collect()
            })
            .collect();
        let found = standardized(&shards, 6).unwrap();
        let right = Standardizer::fit_flat(&shards.concat(), 6).unwrap();
        let pairs = found.means().iter().zip(right.means()).chain(found.deviations().iter().zip(right.deviations()));
        for (found, right) in pairs {
            assert!((found - right).abs() <= 1e-14 * right.abs(), "{lengths:?}: {found} {right}");
        }
        assert_eq!((found.means()[1], found.deviations()[1]), (7.0, 1.0));
    }
    let one = standardized(&[vec![1.0, 2.0, 3.0]], 1).unwrap();
    assert_eq!(one, Standardizer::fit(&[[1.0], [2.0], [3.0]]).unwrap());
}

#[test]
fn what_is_wrong_with_a_shard_names_its_rank() {
    let message = |shards: &[Vec<f64>]| standardized(shards, 1).unwrap_err();
    let nan = message(&[vec![1.0], vec![2.0, f64::NAN]]);
    assert_eq!(nan, "rank 1: inputs, row 1, column 0 is NaN; expected a finite number");
    assert_eq!(message(&[vec![1.0], vec![1.0], vec![]]), "rank 2: inputs holds no sample; expected at least 1");
    let errors = on_ranks(2, |rank| {
        let width = 1 + nn_train::collective::Collective::rank(&*rank);
        Standardizer::fit_flat_together(&[1.0, 2.0], width, &*rank).unwrap_err().to_string()
    });
    assert_eq!(errors[0], errors[1]);
    assert!(errors[0].contains("rank 1: the number of features is `2`; expected `1`, as on rank 0"), "{}", errors[0]);
}

#[test]
fn a_shard_without_rows_or_of_another_width_is_an_error_on_all_ranks() {
    let errors = on_ranks(3, |rank| {
        let length = [5, 0, 4][nn_train::collective::Collective::rank(&*rank)];
        let stream = Stream::new(length, 1, 2, move || (0..length).map(|_| ([0.0_f64], [0.0_f64; 2])));
        let mut net = network();
        let trainer = builder().collective(rank).build().unwrap();
        trainer.fit(&mut net, &Shard::new(&stream), None).unwrap_err().to_string()
    });
    for error in errors {
        assert!(error.contains("rank 1: ") && error.contains("holds no sample; expected at least 1"), "{error}");
    }
}
