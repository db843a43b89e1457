//! Event files, read by a reader that shares no code with the writer. `tests/tensorboard_agreement.py` reads them with
//! TensorBoard's own.
#![cfg(feature = "tensorboard")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nn_train::TensorBoard;
use nn_train::prelude::*;

network! { struct Net<3 => 7 tanh => 2 softmax>; }
network! { struct Line<3 => 2 linear>; }

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut remainder = !0_u32;
    for &byte in bytes {
        remainder ^= u32::from(byte);
        for _ in 0..8 {
            remainder = (remainder >> 1) ^ (0x82f6_3b78 & (remainder & 1).wrapping_neg());
        }
    }
    !remainder
}

fn mask(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The records of a file to the last whole one, and how many bytes are left.
fn records(mut bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let mut records = Vec::new();
    while bytes.len() >= 12 {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        assert_eq!(word(&bytes[8..12]), mask(crc32c(&bytes[..8])), "the checksum of a length");
        if bytes.len() < 16 + length {
            break;
        }
        let (record, rest) = bytes[12..].split_at(length);
        assert_eq!(word(&rest[..4]), mask(crc32c(record)), "the checksum of a record");
        records.push(record);
        bytes = &rest[4..];
    }
    (records, bytes.len())
}

/// A field of a message: its number, and its bits or bytes.
enum Field<'a> {
    Bits(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn number(bytes: &mut &[u8]) -> u64 {
        let mut number = 0;
        for place in 0.. {
            let (&byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                break;
            }
        }
        number
    }
    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        taken
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes);
        let field = match key & 7 {
            0 => Field::Bits(number(&mut bytes)),
            1 => Field::Bits(u64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
            2 => {
                let length = number(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, length))
            }
            5 => Field::Bits(u64::from(u32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap()))),
            kind => panic!("wire type {kind}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

#[derive(Debug, Default)]
struct Histogram {
    min: f64,
    max: f64,
    count: f64,
    sum: f64,
    ends: Vec<f64>,
    counts: Vec<f64>,
}

/// What a folder's event files hold, in the order of their names.
#[derive(Debug, Default)]
struct Log {
    versions: Vec<String>,
    /// The steps at which runs went on.
    starts: Vec<u64>,
    scalars: BTreeMap<String, Vec<(u64, f32)>>,
    histograms: BTreeMap<String, Vec<(u64, Histogram)>>,
}

impl Log {
    fn read(folder: &Path) -> Self {
        let mut log = Self::default();
        for path in files(folder) {
            let bytes = fs::read(path).unwrap();
            let (records, left) = records(&bytes);
            assert_eq!(left, 0, "bytes after the last record");
            records.iter().for_each(|record| log.add(record));
        }
        log
    }

    fn add(&mut self, record: &[u8]) {
        let (mut step, mut time) = (0, 0.0);
        for (number, field) in fields(record) {
            match (number, field) {
                (1, Field::Bits(bits)) => time = f64::from_bits(bits),
                (2, Field::Bits(bits)) => step = bits,
                (3, Field::Bytes(bytes)) => self.versions.push(String::from_utf8(bytes.to_vec()).unwrap()),
                (5, Field::Bytes(bytes)) => fields(bytes).into_iter().for_each(|(number, field)| {
                    let (1, Field::Bytes(value)) = (number, field) else { panic!("a field of a summary") };
                    self.value(step, value);
                }),
                (7, Field::Bytes(bytes)) => {
                    assert_eq!(bytes, [8, 1], "SessionLog {{ status: START }}");
                    self.starts.push(step);
                }
                (number, _) => panic!("field {number} of an event"),
            }
        }
        assert!(time > 1.7e9, "seconds since 1970: {time}");
    }

    fn value(&mut self, step: u64, value: &[u8]) {
        let mut tag = String::new();
        for (number, field) in fields(value) {
            match (number, field) {
                (1, Field::Bytes(bytes)) => tag = String::from_utf8(bytes.to_vec()).unwrap(),
                (2, Field::Bits(bits)) => {
                    self.scalars.entry(tag.clone()).or_default().push((step, f32::from_bits(bits as u32)));
                }
                (5, Field::Bytes(bytes)) => {
                    let numbers =
                        |bytes: &[u8]| bytes.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
                    let mut histogram = Histogram::default();
                    for (number, field) in fields(bytes) {
                        match (number, field) {
                            (1, Field::Bits(bits)) => histogram.min = f64::from_bits(bits),
                            (2, Field::Bits(bits)) => histogram.max = f64::from_bits(bits),
                            (3, Field::Bits(bits)) => histogram.count = f64::from_bits(bits),
                            (4, Field::Bits(bits)) => histogram.sum = f64::from_bits(bits),
                            (5, Field::Bits(_)) => {}
                            (6, Field::Bytes(bytes)) => histogram.ends = numbers(bytes),
                            (7, Field::Bytes(bytes)) => histogram.counts = numbers(bytes),
                            (number, _) => panic!("field {number} of a histogram"),
                        }
                    }
                    self.histograms.entry(tag.clone()).or_default().push((step, histogram));
                }
                (number, _) => panic!("field {number} of a value"),
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A folder of this test's own, which is not there.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("nn-train-{name}-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

fn data() -> Dataset<[f32; 3], [f32; 2]> {
    let inputs = (0..20).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f32).sin())).collect();
    Dataset::from_labels(inputs, &(0..20).map(|i| i % 2).collect::<Vec<_>>()).unwrap()
}

fn trainer(epochs: usize) -> Trainer {
    let builder = Trainer::builder().batch_size(6).epochs(epochs).gradient_norm(true);
    builder.schedule(|step| 0.1 / (1.0 + step as f64)).build().unwrap()
}

#[test]
fn a_reader_finds_the_numbers_of_a_run() {
    let (folder, data, mut net) = (folder("events"), data(), Net::new(1));
    let (mut costs, mut nets, mut gradients) = (Vec::new(), Vec::new(), Vec::new());
    let run = trainer(3).run(&mut net, &data).unwrap().validation(&data).unwrap();
    let run = run.callback(TensorBoard::folder(folder.join("of/a/run")).every_steps(5)).on_step(|context| {
        if context.step() % 5 == 0 {
            costs.push((context.step(), context.cost().unwrap() as f32));
        }
        Ok(Signal::Continue)
    });
    let kept = run.on_epoch(|context| {
        nets.push(context.network().clone());
        gradients.extend(context.gradient()?.map(|(_, gradient)| gradient));
        Ok(Signal::Continue)
    });
    let history = kept.finish().unwrap();
    let log = Log::read(&folder.join("of/a/run"));
    fs::remove_dir_all(&folder).unwrap();

    assert_eq!((log.versions, log.starts), (vec!["brain.Event:2".to_owned()], vec![]));
    let of = |number: &dyn Fn(&Epoch) -> f64| -> Vec<(u64, f32)> {
        history.iter().map(|epoch| (4 * epoch.number as u64, number(epoch) as f32)).collect()
    };
    assert_eq!(log.scalars["epoch/cost"], of(&|epoch| epoch.cost));
    assert_eq!(log.scalars["epoch/validation_cost"], of(&|epoch| epoch.validation_cost.unwrap()));
    assert_eq!(log.scalars["epoch/accuracy"], of(&|epoch| epoch.accuracy.unwrap()));
    assert_eq!(log.scalars["epoch/samples_per_second"], of(&|epoch| epoch.samples_per_second));
    assert_eq!(log.scalars["epoch/learning_rate"], of(&|epoch| 0.1 / (1.0 + 4.0 * epoch.number as f64)));
    assert_eq!(log.scalars["epoch/gradient_norm"].len(), 3);
    assert_eq!(log.scalars["step/cost"], costs);
    assert_eq!(log.scalars["step/learning_rate"], [(5, (0.1 / 6.0) as f32), (10, (0.1 / 11.0) as f32)]);
    assert!(log.scalars["step/gradient_norm"].iter().all(|&(step, norm)| step % 5 == 0 && norm > 0.0));
    assert_eq!(log.scalars.len(), 9);

    let tags: Vec<&str> = log.histograms.keys().map(String::as_str).collect();
    let of_layer =
        |layer: &str| ["bias", "bias_gradient", "weights", "weights_gradient"].map(|name| format!("{layer}/{name}"));
    assert_eq!(tags, [of_layer("layer1"), of_layer("layer2")].concat());
    for (tag, nets) in [("layer1/weights", &nets), ("layer1/weights_gradient", &gradients)] {
        assert_eq!((log.histograms[tag].len(), nets.len()), (3, 3));
        for ((step, histogram), (epoch, net)) in log.histograms[tag].iter().zip((1..).zip(nets)) {
            assert_eq!(*step, 4 * epoch);
            check(histogram, net.layer1().weights.as_flattened());
        }
    }
    for ((_, histogram), gradient) in log.histograms["layer2/bias_gradient"].iter().zip(&gradients) {
        check(histogram, &gradient.layer2().bias);
    }
}

/// A histogram is one of these numbers.
#[track_caller]
fn check(histogram: &Histogram, numbers: &[f32]) {
    let Histogram { min, max, count, sum, ends, counts } = histogram;
    assert_eq!(*count, numbers.len() as f64);
    let least = numbers.iter().copied().fold(f32::INFINITY, f32::min);
    let most = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    assert_eq!((*min, *max), (f64::from(least), f64::from(most)));
    assert!((sum - numbers.iter().map(|&number| f64::from(number)).sum::<f64>()).abs() < 1e-9);
    assert_eq!((ends.len(), counts.iter().sum::<f64>(), ends.last()), (30, *count, Some(max)));
    for (end, pair) in ends.windows(2).zip(counts.windows(2)).skip(1) {
        let inside = numbers.iter().filter(|&&number| (end[0]..end[1]).contains(&f64::from(number))).count();
        assert!(end[0] < end[1] && (pair[1] == inside as f64 || end[1] == *max), "{histogram:?}");
    }
}

/// Steps that were dropped have a curve where a run may drop some, and a gradient that is not finite has no histogram.
#[test]
fn dropped_steps_are_seen() {
    let folder = folder("dropped");
    // The last batch makes the gradient overflow.
    let mut rows: Vec<[f32; 3]> = vec![[0.1, 0.2, 0.3]; 20];
    rows[19] = [1e38; 3];
    let data = Dataset::new(rows, vec![[1e10, 0.0]; 20]).unwrap();
    let divergence = nn_train::Divergence::SkipAndShrink { factor: 0.5, at_most: 9 };
    let builder = Trainer::builder().batch_size(6).epochs(2).shuffle(false).learning_rate(1e-12);
    let trainer = builder.on_divergence(divergence).build().unwrap();
    let history =
        trainer.run(&mut Line::new(1), &data).unwrap().callback(TensorBoard::folder(&folder)).finish().unwrap();
    let log = Log::read(&folder);
    fs::remove_dir_all(&folder).unwrap();
    assert!(history.iter().all(|epoch| epoch.dropped_steps == 1));
    assert_eq!(log.scalars["epoch/dropped_steps"], [(3, 1.0), (6, 1.0)]);
    assert!(log.histograms.contains_key("layer1/weights") && !log.histograms.contains_key("layer1/weights_gradient"));
}

#[test]
fn histograms_can_be_left_out() {
    let folder = folder("no-histograms");
    let logs = TensorBoard::folder(&folder).histograms(false);
    trainer(2).run(&mut Net::new(1), &data()).unwrap().callback(logs).finish().unwrap();
    let log = Log::read(&folder);
    fs::remove_dir_all(&folder).unwrap();
    assert!(log.histograms.is_empty());
    let tags: Vec<&str> = log.scalars.keys().map(String::as_str).collect();
    assert_eq!(tags, ["epoch/cost", "epoch/gradient_norm", "epoch/learning_rate", "epoch/samples_per_second"]);
}

#[test]
fn a_file_that_is_cut_anywhere_is_read_to_its_last_whole_record() {
    let folder = folder("cut");
    trainer(2).run(&mut Net::new(1), &data()).unwrap().callback(TensorBoard::folder(&folder)).finish().unwrap();
    let bytes = fs::read(&files(&folder)[0]).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let (all, _) = records(&bytes);
    let ends: Vec<usize> = all
        .iter()
        .scan(0, |end, record| {
            *end += record.len() + 16;
            Some(*end)
        })
        .collect();
    assert_eq!((ends.len(), ends[2]), (3, bytes.len()));
    for length in 0..bytes.len() {
        let whole = ends.iter().filter(|&&end| end <= length).count();
        assert_eq!(records(&bytes[..length]).0, all[..whole]);
    }
}

#[test]
fn a_run_that_goes_on_says_from_where() {
    let (folder, data, mut net) = (folder("resumed"), data(), Net::new(1));
    let mut state = None;
    let keep = |context: &mut Context<'_, Net>| {
        if context.epoch() == 2 {
            state = Some(context.state()?);
        }
        Ok(Signal::Continue)
    };
    trainer(3).run(&mut net, &data).unwrap().callback(TensorBoard::folder(&folder)).on_epoch(keep).finish().unwrap();
    let run = trainer(4).run(&mut net, &data).unwrap().resume(state.as_ref().unwrap()).unwrap();
    run.callback(TensorBoard::folder(&folder)).finish().unwrap();
    let log = Log::read(&folder);
    assert_eq!(files(&folder).len(), 2);
    fs::remove_dir_all(&folder).unwrap();
    // Two epochs of four steps are kept; what is from the ninth step on is written anew.
    assert_eq!((log.versions.len(), log.starts), (2, vec![9]));
    let steps: Vec<u64> = log.scalars["epoch/cost"].iter().map(|&(step, _)| step).collect();
    assert_eq!(steps, [4, 8, 12, 12, 16]);
}

#[test]
fn a_folder_with_event_files_is_refused_unless_they_may_be_removed() {
    let folder = folder("refused");
    let run = |logs: TensorBoard| trainer(1).run(&mut Net::new(1), &data()).unwrap().callback(logs).finish();
    run(TensorBoard::folder(&folder)).unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let before = files(&folder);
    let error = run(TensorBoard::folder(&folder)).unwrap_err();
    assert_eq!(error, Error::Exists { place: before[0].display().to_string() });
    assert_eq!(files(&folder), before);
    run(TensorBoard::folder(&folder).overwrite(true)).unwrap();
    let after = files(&folder);
    assert_eq!((after.len(), after.last()), (2, Some(&folder.join("notes.txt"))), "other files are left alone");
    fs::remove_file(folder.join("notes.txt")).unwrap();
    assert_eq!(Log::read(&folder).scalars["epoch/cost"].len(), 1);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_and_a_bad_setting_are_errors() {
    let path = folder("a-file");
    fs::write(&path, "").unwrap();
    let run = |logs: TensorBoard| trainer(1).run(&mut Net::new(1), &data()).unwrap().callback(logs).finish();
    let error = run(TensorBoard::folder(&path)).unwrap_err();
    fs::remove_file(&path).unwrap();
    let Error::Io { place, .. } = error else { panic!("{error}") };
    assert_eq!(place, path.display().to_string());
    let error = run(TensorBoard::folder(folder("none")).every_steps(0)).unwrap_err();
    assert_eq!(error.to_string(), "every_steps is 0; expected at least 1");
}
