//! Files of records: what is written is read, in any format; orders, resumed runs, memory; and files that are damaged.
#![cfg(feature = "records")]
#![allow(clippy::unwrap_used, missing_docs)]

mod scratch;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nn_train::prelude::*;
use nn_train::records::{self, InputFormat, RecordsFault, TargetFormat, Writer};
use rayon::prelude::*;
use scratch::Scratch;

/// `count` rows of three numbers and two, all different.
fn data(count: usize) -> DynDataset<f32> {
    let inputs = (0..3 * count).map(|i| (i as f32 * 0.37).sin()).collect();
    DynDataset::new(inputs, 3, (0..2 * count).map(|i| (i as f32 * 0.11).cos()).collect(), 2).unwrap()
}

fn all<S: Source>(source: &S) -> Rows<S::Scalar> {
    let mut rows = Rows::of(source).unwrap();
    rows.fill(source, &(0..source.len()).collect::<Vec<_>>()).unwrap();
    rows
}

fn file(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.0.join(name)
}

#[test]
fn what_is_written_is_read() {
    let scratch = Scratch::new("records-round-trip");
    for (count, block) in [(1, 1), (10, 1), (10, 3), (10, 10), (10, 99), (1000, 64)] {
        let (data, path) = (data(count), file(&scratch, "data"));
        Writer::new().block_records(block).write(&data, &path).unwrap();
        let records = Records::<f32>::open(&path).unwrap();
        assert_eq!(all(&records), all(&data), "{count} rows in blocks of {block}");
        assert_eq!(records.block_records(), u64::from(block));
        assert!(!records.is_weighted());
        // As other numbers, and written as these, it is the same numbers.
        let wide = Records::<f64>::open(&path).unwrap();
        let inputs: Vec<f64> = data.inputs().iter().map(|&number| f64::from(number)).collect();
        assert_eq!(all(&wide).inputs(), inputs);
        let copy = file(&scratch, "copy");
        Writer::new().block_records(7).write(&wide, &copy).unwrap();
        assert_eq!(all(&Records::<f32>::open(&copy).unwrap()), all(&data));
        assert_eq!(all(&Records::<f64>::open(&copy).unwrap()), all(&wide));
    }
}

#[test]
fn rows_come_in_the_order_asked_for() {
    let scratch = Scratch::new("records-random");
    let (data, path) = (data(500), file(&scratch, "data"));
    Writer::new().block_records(16).write(&data, &path).unwrap();
    // Of 32 blocks only a few are in memory.
    let records = Records::<f32>::open_within(&path, 4000).unwrap();
    assert!(records.window() < 8, "{records:?}");
    let (mut found, mut expected) = (Rows::of(&records).unwrap(), Rows::of(&data).unwrap());
    let indices: Vec<u64> = (0..2000).map(|i| i * 7919 % 500).collect();
    found.fill(&records, &indices).unwrap();
    expected.fill(&data, &indices).unwrap();
    assert_eq!(found, expected);
    assert_eq!(found.fill(&records, &[1, 500]).unwrap_err().to_string(), "index 500 points past the 500 samples");
}

#[test]
fn labels_bytes_and_weights_are_written_as_such() {
    let scratch = Scratch::new("records-formats");
    let path = file(&scratch, "data");
    let pixels: Vec<f32> = (0..4 * 300).map(|i| (i % 256) as f32 / 255.0).collect();
    let labels: Vec<usize> = (0..300).map(|i| i * i % 5).collect();
    let data = DynDataset::from_labels(pixels, 4, &labels, 5).unwrap();
    let data = data.with_weights((0..300).map(|i| (i % 3) as f32).collect()).unwrap();
    let writer = || {
        let writer = Writer::new().input_format(InputFormat::Bytes { scale: 1.0 / 255.0 });
        writer.target_format(TargetFormat::Label).block_records(100)
    };
    writer().write(&data, &path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 64 + 300 * (4 + 4 + 4) + 3 * 4);
    let records = Records::<f32>::open(&path).unwrap();
    assert_eq!(all(&records), all(&data));
    assert_eq!(records.input_format(), InputFormat::Bytes { scale: 1.0 / 255.0 });
    assert_eq!((records.target_format(), records.is_weighted()), (TargetFormat::Label, true));
    // Two classes are one number.
    let two = DynDataset::from_labels(vec![0.0, 1.0, 1.0], 1, &[1, 0, 1], 1).unwrap();
    writer().write(&two, &path).unwrap();
    assert_eq!(all(&Records::<f32>::open(&path).unwrap()).targets(), [1.0, 0.0, 1.0]);

    // What does not fit the format is refused, and what stood there stands there still.
    let message = |data: &DynDataset<f64>, writer: Writer<'_>| writer.write(data, &path).unwrap_err().to_string();
    let between = DynDataset::new(vec![0.0, 0.3], 1, vec![1.0, 0.0], 1).unwrap();
    assert_eq!(
        message(&between, writer()),
        "InputFormat::Bytes::scale is 0.00392156862745098, and the input of row 1, column 0 is 0.3; expected each input to be \
         the scale times a whole number from 0 to 255"
    );
    let sum = DynDataset::new(vec![0.0; 2], 1, vec![0.0, 0.5], 1).unwrap();
    assert_eq!(message(&sum, writer()), "the target of sample 1 is no class; expected 0 or 1");
    let large = DynDataset::new(vec![0.0, 1e300], 1, vec![0.0; 2], 1).unwrap();
    let narrow = Writer::new().input_format(InputFormat::F32);
    assert_eq!(message(&large, narrow), "input is 1e300 in row 1, column 0; expected one that f32 can hold");
    let zero = Writer::new().input_format(InputFormat::Bytes { scale: 0.0 });
    assert!(
        message(&sum, zero).ends_with("the scale of the inputs in its header: 0; expected a finite number above 0")
    );
    let nothing = Writer::new().block_records(0);
    assert!(message(&sum, nothing).ends_with("the records of a block in its header: 0; expected at least 1"));
    assert_eq!(all(&Records::<f32>::open(&path).unwrap()).len(), 3);
    assert_eq!(scratch.names(), ["data"]);
}

#[test]
fn a_stream_is_written_with_its_weights_and_its_progress() {
    let scratch = Scratch::new("records-stream");
    let path = file(&scratch, "data");
    let mut seen = Vec::new();
    let stream = Stream::new(10, 1, 1, || (0..10).map(|i| ([f64::from(i)], [0.0])));
    let progress = |progress: records::Progress| seen.push((progress.records, progress.of));
    Writer::new().block_records(4).on_progress(progress).write(&stream, &path).unwrap();
    assert_eq!(seen, [(4, 10), (8, 10), (10, 10)]);
    let mut last = None;
    records::convert(&stream, &path, |progress| last = Some(progress.records)).unwrap();
    assert_eq!(last, Some(10));

    let late = Stream::new(9, 1, 1, || (0..9).map(|i| Weighted(f64::from(i), if i < 5 { None } else { Some(2.0) })));
    let error = Writer::new().block_records(3).write(&late, &path).unwrap_err().to_string();
    assert_eq!(
        error,
        "Writer::weighted is false, and row 3 or one near it has a weight; expected true where a row has a weight and no row \
         of the first block has one"
    );
    Writer::new().block_records(3).weighted(true).write(&late, &path).unwrap();
    let weights = all(&Records::<f64>::open(&path).unwrap()).weights().unwrap().to_vec();
    assert_eq!(weights, [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
    let failing = Stream::new(5, 1, 1, || (0..3).map(|i| ([f64::from(i)], [0.0])));
    let error = records::convert(&failing, &path, |_| ()).unwrap_err();
    assert_eq!(error, Error::StreamEnded { expected: 5, found: 3 });
    assert_eq!(Records::<f64>::open(&path).unwrap().len(), 9);
}

/// A row that may have a weight.
struct Weighted(f64, Option<f64>);

impl nn_train::StreamItem<f64> for Weighted {
    fn push_onto(self, rows: &mut Rows<f64>) -> Result<(), Error> {
        match self.1 {
            Some(weight) => rows.push_weighted(&[self.0], &[0.0], weight),
            None => rows.push(&[self.0], &[0.0]),
        }
    }
}

/// Blocks, and how many rows had been read when the source was told of them.
type Told = (Vec<u64>, usize);

/// A source of blocks in memory that notes which rows are read, and what it is told of.
struct Noting {
    data: DynDataset<f32>,
    window: u64,
    read: Mutex<Vec<u64>>,
    told: Mutex<Vec<Told>>,
}

impl Noting {
    fn new(count: usize, window: u64) -> Self {
        Self { data: data(count), window, read: Mutex::default(), told: Mutex::default() }
    }

    /// What was noted since the last time.
    fn noted(&self) -> (Vec<u64>, Vec<Told>) {
        (std::mem::take(&mut self.read.lock().unwrap()), std::mem::take(&mut self.told.lock().unwrap()))
    }
}

impl Source for Noting {
    type Scalar = f32;

    fn len(&self) -> u64 {
        self.data.len() as u64
    }

    fn input_width(&self) -> usize {
        3
    }

    fn target_width(&self) -> usize {
        2
    }

    fn access(&self) -> Access {
        Access::Blocks { rows: 8, window: self.window }
    }

    fn prefetch(&self, blocks: &[u64]) {
        self.told.lock().unwrap().push((blocks.to_vec(), self.read.lock().unwrap().len()));
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f32>) -> Result<(), Error> {
        self.read.lock().unwrap().extend(indices);
        self.data.read(indices, rows)
    }
}

fn network() -> DynNetwork<f32> {
    DynNetwork::new("3 => 5 tanh dropout(0.2) => 2 linear".parse().unwrap(), Init::default(), 1).unwrap()
}

fn trainer(seed: u64, shuffle: bool) -> Trainer {
    let builder = Trainer::builder().batch_size(13).epochs(2).seed(seed).shuffle(shuffle).threads(1);
    builder.learning_rate(0.01).build().unwrap()
}

/// The rows of an epoch, and what the source is told of.
fn epoch(source: &Noting, seed: u64, shuffle: bool) -> [(Vec<u64>, Vec<Told>); 2] {
    let (mut net, trainer) = (network(), trainer(seed, shuffle));
    let mut run = trainer.run(&mut net, source).unwrap();
    std::array::from_fn(|_| {
        run.next().unwrap().unwrap();
        source.noted()
    })
}

#[test]
fn an_epoch_goes_through_blocks_and_mixes_the_rows_of_a_window() {
    for (count, window) in [(100, 3), (96, 3), (96, 4), (5, 2), (100, 1), (100, 99)] {
        let source = Noting::new(count, window);
        let blocks = (count as u64).div_ceil(8);
        let [(first, told), (second, _)] = epoch(&source, 7, true);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..count as u64).collect::<Vec<_>>());
        // The same seed gives the same orders; another epoch, or another seed, others.
        let [again, other] = epoch(&source, 7, true);
        assert_eq!((&again.0, &other.0), (&first, &second));
        assert_ne!(first, second);
        assert_ne!(epoch(&source, 8, true)[0].0, first);
        // Each window is made of its own blocks, which were told of with the next ones.
        let window = window.min(blocks) as usize;
        let mut order: Vec<u64> = Vec::new();
        for &block in told.iter().flat_map(|(blocks, _)| blocks) {
            if !order.contains(&block) {
                order.push(block);
            }
        }
        assert_eq!(order.len() as u64, blocks);
        // A step of 13 rows reaches more than one window only where these are shorter.
        assert!(told.len() == (blocks as usize).div_ceil(window) || window == 1, "{told:?}");
        let mut rest = &first[..];
        for (number, blocks) in order.chunks(window).enumerate() {
            let rows = |block: u64| block * 8..(block * 8 + 8).min(count as u64);
            let expected: Vec<u64> = blocks.iter().flat_map(|&block| rows(block)).collect();
            let (begin, (these, others)) = (first.len() - rest.len(), rest.split_at(expected.len()));
            rest = others;
            let mut sorted = these.to_vec();
            sorted.sort_unstable();
            let mut unordered = expected.clone();
            unordered.sort_unstable();
            assert_eq!(sorted, unordered);
            assert!(these != expected || expected.len() < 6, "window {number} is not shuffled");
            let next = &order[number * window..(number * window + 2 * window).min(order.len())];
            // Before its rows are read, but not before those that the same step reads of the window before.
            let read = begin.next_multiple_of(13).min(count);
            let told = told.iter().find(|(told, _)| told[0] == next[0]);
            assert!(told.is_none_or(|told| (&told.0[..], told.1) == (next, read)), "{told:?}, {next:?}, {read}");
            assert!(told.is_some() || window == 1);
        }
        // Unshuffled, rows come as they stand.
        let [(plain, told), _] = epoch(&source, 7, false);
        assert_eq!(plain, (0..count as u64).collect::<Vec<_>>());
        assert_eq!(told[0].0, (0..(2 * window as u64).min(blocks)).collect::<Vec<_>>());
    }
}

#[test]
fn orders_are_pinned() {
    // A change of these is a change of what a seed means.
    let [(first, _), (second, _)] = epoch(&Noting::new(40, 2), 7, true);
    assert_eq!([&first[..12], &second[..12]], PINNED);
}

const PINNED: [[u64; 12]; 2] =
    [[16, 18, 17, 19, 10, 15, 13, 20, 8, 14, 22, 11], [6, 4, 19, 21, 22, 17, 3, 5, 2, 23, 7, 0]];

#[test]
fn blocks_of_nothing_are_refused() {
    struct Nothing(u64, u64);
    impl Source for Nothing {
        type Scalar = f32;
        fn len(&self) -> u64 {
            u64::MAX
        }
        fn input_width(&self) -> usize {
            3
        }
        fn target_width(&self) -> usize {
            2
        }
        fn access(&self) -> Access {
            Access::Blocks { rows: self.0, window: self.1 }
        }
        fn read(&self, _: &[u64], _: &mut Rows<f32>) -> Result<(), Error> {
            Ok(())
        }
    }
    let message = |source: &Nothing| trainer(1, true).run(&mut network(), source).err().unwrap().to_string();
    assert_eq!(message(&Nothing(0, 1)), "Access::Blocks::rows is 0; expected at least 1");
    assert_eq!(message(&Nothing(1, 0)), "Access::Blocks::window is 0; expected at least 1");
    assert!(message(&Nothing(u64::MAX, 1)).contains("memory"), "{}", message(&Nothing(u64::MAX, 1)));
    assert!(message(&Nothing(1, 1)).contains("memory"));
}

#[test]
fn a_run_on_records_is_that_on_any_source_of_their_blocks() {
    let scratch = Scratch::new("records-run");
    let path = file(&scratch, "data");
    let source = Noting::new(300, 4);
    Writer::new().block_records(8).write(&source, &path).unwrap();
    let fit = |data: &dyn Fn(&Trainer, &mut DynNetwork<f32>) -> History, threads| {
        let mut net = network();
        let builder = Trainer::builder().batch_size(13).epochs(3).seed(3).threads(threads).learning_rate(0.01);
        let history = data(&builder.build().unwrap(), &mut net);
        (net, history.iter().map(|epoch| epoch.cost).collect::<Vec<_>>())
    };
    let expected = fit(&|trainer, net| trainer.fit(net, &source, None).unwrap(), 1);
    // The least memory that gives windows of 4 blocks.
    let within = |memory| Records::<f32>::open_within(&path, memory);
    let memory = (0..).step_by(100).find(|&memory| within(memory).is_ok_and(|records| records.window() == 4)).unwrap();
    for threads in [1, 2] {
        let records = within(memory).unwrap();
        assert_eq!(fit(&|trainer, net| trainer.fit(net, &records, None).unwrap(), threads), expected);
    }
}

#[test]
fn a_run_goes_on_from_the_midst_of_an_epoch_bit_for_bit() {
    let scratch = Scratch::new("records-resume");
    let path = file(&scratch, "data");
    Writer::new().block_records(8).write(&data(300), &path).unwrap();
    let open = || Records::<f32>::open_within(&path, 3000).unwrap();
    assert!(open().window() < 12, "the file is larger than the memory: {:?}", open());
    let trainer = trainer(5, true);
    let (records, mut net, mut states) = (open(), network(), Vec::new());
    let run = trainer.run(&mut net, &records).unwrap().validation(&records).unwrap();
    let history = run
        .on_step(|context| {
            states.push(context.state()?);
            Ok(Signal::Continue)
        })
        .finish()
        .unwrap();
    assert_eq!(states.len(), 2 * 24);
    for state in states.iter().step_by(5) {
        // Another program would open the file anew.
        let (records, mut resumed) = (open(), network());
        let run = trainer.run(&mut resumed, &records).unwrap().validation(&records).unwrap();
        let again = run.resume(state).unwrap().finish().unwrap();
        assert_eq!(resumed, net);
        let costs =
            |history: &History| history.iter().map(|epoch| (epoch.cost, epoch.validation_cost)).collect::<Vec<_>>();
        assert_eq!(costs(&again), costs(&history));
    }
}

#[test]
fn several_threads_read_the_same_file() {
    let scratch = Scratch::new("records-threads");
    let (data, path) = (data(1000), file(&scratch, "data"));
    Writer::new().block_records(10).write(&data, &path).unwrap();
    let records = Records::<f32>::open_within(&path, 6000).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (records, data) = (&records, &data);
            scope.spawn(move || {
                let (mut found, mut expected) = (Rows::of(records).unwrap(), Rows::of(data).unwrap());
                for round in 0..50 {
                    records.prefetch(&[round % 100, (round * 7) % 100, 1 << 40]);
                    let indices: Vec<u64> = (0..64).map(|i| (i * 331 + round * 17 + thread * 250) % 1000).collect();
                    found.fill(records, &indices).unwrap();
                    expected.fill(data, &indices).unwrap();
                    assert_eq!(found, expected);
                }
            });
        }
    });
}

/// A thread of a pool that waits for its part of a copy may take up other work, which reads the same file.
#[test]
fn steps_side_by_side_in_one_pool_read_the_same_file() {
    let scratch = Scratch::new("records-pool");
    let (data, path) = (data(20_000), file(&scratch, "data"));
    Writer::new().block_records(500).write(&data, &path).unwrap();
    let indices: Arc<Vec<u64>> = Arc::new((0..4096).map(|i| i * 7919 % 20_000).collect());
    let mut expected = Rows::of(&data).unwrap();
    expected.fill(&data, &indices).unwrap();
    for (memory, steps) in [(64 << 20, 1500), (200_000, 1)] {
        let records = Arc::new(Records::<f32>::open_within(&path, memory).unwrap());
        let (done, filled) = mpsc::channel();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        // They wait in the pool's queue, from which each of its threads takes what it finds no other work before.
        for _ in 0..steps {
            let (records, indices, done) = (Arc::clone(&records), Arc::clone(&indices), done.clone());
            pool.spawn(move || {
                let mut rows = Rows::of(&*records).unwrap();
                rows.fill(&*records, &indices).unwrap();
                done.send(rows).unwrap();
            });
        }
        for step in 0..steps {
            // Threads that hang cannot be joined.
            let rows = filled.recv_timeout(Duration::from_secs(60));
            assert!(rows.is_ok_and(|rows| rows == expected), "step {step} within {memory} bytes");
        }
    }
}

/// The same in whole runs.
#[test]
fn runs_side_by_side_in_one_pool_read_the_same_file() {
    let scratch = Scratch::new("records-runs");
    let path = file(&scratch, "data");
    Writer::new().block_records(500).write(&data(10_000), &path).unwrap();
    let records = Arc::new(Records::<f32>::open_within(&path, 200_000).unwrap());
    assert!(records.window() < 10, "the file is larger than the memory: {records:?}");
    let fit = |records: &Records<f32>| {
        let mut net = network();
        let builder = Trainer::builder().batch_size(4096).epochs(2).threads(Threads::Current);
        builder.build().unwrap().fit(&mut net, records, None).unwrap();
        net
    };
    let expected = fit(&records);
    let (done, nets) = mpsc::channel();
    std::thread::spawn(move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| (0..4).into_par_iter().with_max_len(1).for_each(|_| done.send(fit(&records)).unwrap()));
    });
    for run in 0..4 {
        let net = nets.recv_timeout(Duration::from_secs(60));
        assert!(net.is_ok_and(|net| net == expected), "run {run}");
    }
}

#[test]
fn many_rows_are_copied_by_several_threads() {
    let scratch = Scratch::new("records-copies");
    let path = file(&scratch, "data");
    let inputs = (0..7 * 5000).map(|i| (i as f32 * 0.37).sin()).collect();
    let labels: Vec<usize> = (0..5000).map(|i| i * i % 5).collect();
    let data = DynDataset::from_labels(inputs, 7, &labels, 5).unwrap();
    let data = data.with_weights((0..5000).map(|i| (i % 11) as f32).collect()).unwrap();
    Writer::new().target_format(TargetFormat::Label).block_records(333).write(&data, &path).unwrap();
    let records = Records::<f32>::open(&path).unwrap();
    let indices: Vec<u64> = (0..5000).map(|i| i * 7919 % 5000).collect();
    let (mut found, mut expected) = (Rows::of(&records).unwrap(), Rows::of(&data).unwrap());
    expected.fill(&data, &indices).unwrap();
    rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap().install(|| {
        // The first time blocks are read on the way; then all are in memory, and the rows are divided.
        for _ in 0..3 {
            found.fill(&records, &indices).unwrap();
            assert_eq!(found, expected);
        }
    });
    found.fill(&records, &[]).unwrap();
    assert!(found.is_empty());
}

#[test]
fn memory_is_what_was_allowed() {
    let scratch = Scratch::new("records-memory");
    let path = file(&scratch, "data");
    Writer::new().block_records(50).write(&data(1000), &path).unwrap();
    let open = |memory| Records::<f32>::open_within(&path, memory);
    let Err(Error::Records { fault: RecordsFault::Memory { expected, found: 0 }, .. }) = open(0) else {
        panic!("no file is read without memory")
    };
    // Two blocks of 50 records of 5 numbers, one as it is in the file, and their orders; little more.
    assert!((3000..5500).contains(&expected), "{expected}");
    assert!(matches!(open(expected - 1), Err(Error::Records { fault: RecordsFault::Memory { .. }, .. })));
    assert_eq!(open(expected).unwrap().window(), 1);
    let windows: Vec<u64> = (expected..60_000).step_by(500).map(|memory| open(memory).unwrap().window()).collect();
    assert!(windows.is_sorted() && windows.last() == Some(&20), "{windows:?}");
    assert_eq!(Records::<f32>::open(&path).unwrap().memory(), 64 << 20);
}

fn fault(error: Error) -> RecordsFault {
    match error {
        Error::Records { fault, .. } => fault,
        other => panic!("another error: {other}"),
    }
}

#[test]
fn damage_is_named() {
    let scratch = Scratch::new("records-damage");
    let (path, damaged) = (file(&scratch, "data"), file(&scratch, "damaged"));
    Writer::new().block_records(4).write(&data(10), &path).unwrap();
    let sound = fs::read(&path).unwrap();
    let open = |bytes: &[u8]| {
        fs::write(&damaged, bytes).unwrap();
        Records::<f32>::open(&damaged)
    };
    let opened = |bytes: &[u8]| fault(open(bytes).unwrap_err());
    for end in 0..sound.len() {
        let found = opened(&sound[..end]);
        match end {
            0 => assert_eq!(found, RecordsFault::NotRecords),
            1..64 => assert_eq!(found, RecordsFault::Length { expected: 64, found: end as u64 }),
            _ => assert_eq!(found, RecordsFault::Length { expected: 64 + 200 + 12, found: end as u64 }),
        }
    }
    let longer = [&sound[..], &[0]].concat();
    assert_eq!(opened(&longer).to_string(), "it has 277 bytes; expected 276 by its header");
    assert_eq!(opened(b"\x93NUMPY and more"), RecordsFault::NotRecords);
    let error = Records::<f32>::open(file(&scratch, "none")).unwrap_err().to_string();
    assert!(error.starts_with("could not open") && error.contains("none"), "{error}");
    assert!(matches!(Records::<f32>::open(&scratch.0), Err(Error::Io { .. })));

    // A bit anywhere is found: in the header at once, elsewhere when its block is read.
    for place in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[place] ^= 16;
        match open(&bytes) {
            Err(_) => assert!(place < 64),
            Ok(records) => {
                assert!(place >= 64);
                let mut rows = Rows::of(&records).unwrap();
                let bad = if place < 264 { (place as u64 - 64) / 80 } else { (place as u64 - 264) / 4 };
                for block in 0..3 {
                    let read = rows.fill(&records, &[block * 4]);
                    assert_eq!(read.is_err(), block == bad, "byte {place}, block {block}");
                    if let Err(error) = read {
                        let message = error.to_string();
                        assert!(message.contains(&format!("block {bad} is damaged: its checksum is")), "{message}");
                    }
                }
            }
        }
    }
}

/// The file with other bytes in its header, under a checksum that is right.
fn sealed(sound: &[u8], place: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = sound.to_vec();
    file[place..place + bytes.len()].copy_from_slice(bytes);
    let checksum = crc32fast::hash(&file[..60]).to_le_bytes();
    file[60..64].copy_from_slice(&checksum);
    file
}

#[test]
fn a_header_that_lies_is_refused_before_memory_is_taken() {
    let scratch = Scratch::new("records-header");
    let (path, lying) = (file(&scratch, "data"), file(&scratch, "lying"));
    Writer::new().block_records(4).write(&data(10), &path).unwrap();
    let sound = fs::read(&path).unwrap();
    let message = |place: usize, bytes: &[u8]| {
        fs::write(&lying, sealed(&sound, place, bytes)).unwrap();
        fault(Records::<f32>::open(&lying).unwrap_err()).to_string()
    };
    let huge = u64::MAX.to_le_bytes();
    assert_eq!(
        message(8, &[2]),
        "it is in version 2 of the format; expected at most 1, the newest that this version reads"
    );
    assert_eq!(
        message(8, &[0]),
        "it is in version 0 of the format; expected at most 1, the newest that this version reads"
    );
    assert_eq!(message(12, &[0; 4]), "the records of a block in its header: 0; expected at least 1");
    assert_eq!(message(16, &[0; 8]), "it holds 0 records; expected at least 1");
    assert_eq!(message(16, &[11]), "it has 276 bytes; expected 296 by its header");
    assert_eq!(
        message(16, &huge),
        "the bytes of the file in its header: more than can be counted in 64 bits; expected less"
    );
    assert_eq!(message(24, &[0; 8]), "the width of the inputs in its header: 0; expected at least 1");
    assert_eq!(
        message(24, &huge),
        "the bytes of a record in its header: more than can be counted in 64 bits; expected less"
    );
    assert_eq!(message(32, &[0; 8]), "the width of the targets in its header: 0; expected at least 1");
    assert_eq!(
        message(32, &(1_u64 << 40).to_le_bytes()),
        "the bytes of a block in its header: 17592186044464; expected at most 67,108,864 (64 MiB)"
    );
    assert_eq!(message(40, &[9]), "the format of the inputs in its header: 9; expected 1, 2 or 3");
    assert_eq!(message(41, &[0]), "the format of the targets in its header: 0; expected 1, 2 or 3");
    assert_eq!(message(42, &[3]), "the format of the weights in its header: 3; expected 0, 1 or 2");
    let nan = [&[3, 1, 0, 0][..], &f64::NAN.to_le_bytes()].concat();
    assert_eq!(message(40, &nan), "the scale of the inputs in its header: NaN; expected a finite number above 0");
    let classes = sealed(&sound, 41, &[3]);
    let mut wide = classes.clone();
    wide[32..40].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    fs::write(&lying, sealed(&wide, 41, &[3])).unwrap();
    assert_eq!(
        fault(Records::<f32>::open(&lying).unwrap_err()).to_string(),
        "the width of the targets in its header: 1152921504606846976; expected at most 1,048,576 where they are labels"
    );
}

#[test]
fn numbers_and_labels_that_are_none_are_named() {
    let scratch = Scratch::new("records-numbers");
    let path = file(&scratch, "data");
    let labels = DynDataset::from_labels(vec![0.5_f32; 20], 2, &[0, 1, 2, 0, 1, 2, 0, 1, 2, 0], 3).unwrap();
    Writer::new().target_format(TargetFormat::Label).block_records(4).write(&labels, &path).unwrap();
    let sound = fs::read(&path).unwrap();
    // Row 5, the second of the second block of 4 records of 12 bytes.
    let message = |at: usize, bytes: &[u8]| {
        let mut file = sound.clone();
        file[64 + 5 * 12 + at..][..bytes.len()].copy_from_slice(bytes);
        let checksum = crc32fast::hash(&file[64 + 48..64 + 96]).to_le_bytes();
        file[64 + 120 + 4..][..4].copy_from_slice(&checksum);
        fs::write(&path, &file).unwrap();
        let records = Records::<f32>::open(&path).unwrap();
        let mut rows = Rows::of(&records).unwrap();
        rows.fill(&records, &[1, 4]).err().or(rows.fill(&records, &[5]).err()).unwrap().to_string()
    };
    assert_eq!(message(4, &f32::NAN.to_le_bytes()), "inputs, row 5, column 1 is NaN; expected a finite number");
    assert_eq!(message(8, &[3]), "the label of sample 5 is 3; expected one of the 3 classes 0..=2");
    // Other widths than the network's are refused before anything is read.
    let records = Records::<f32>::open(&path).unwrap();
    let error = trainer(1, true).run(&mut network(), &records).err().unwrap();
    assert_eq!(error, Error::Width { what: "inputs", expected: 3, found: 2 });
}

#[test]
fn a_file_that_is_shortened_while_it_is_read_is_an_error() {
    let scratch = Scratch::new("records-shortened");
    let path = file(&scratch, "data");
    Writer::new().block_records(10).write(&data(1000), &path).unwrap();
    let records = Records::<f32>::open_within(&path, 3000).unwrap();
    let mut rows = Rows::of(&records).unwrap();
    rows.fill(&records, &[0, 999]).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10_000).unwrap();
    let error = rows.fill(&records, &[700]).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "read", .. }), "{error}");
    assert!(error.to_string().contains("data"), "{error}");
}
