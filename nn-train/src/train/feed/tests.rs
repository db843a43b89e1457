//! The rows of several feeds beside those of one.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::data::Stream;

/// Rows that are numbered, and how they are to be asked for.
struct Numbered {
    data: DynDataset<f64>,
    /// The number of the first.
    first: u64,
    access: Access,
    files: Vec<u64>,
    weighted: bool,
    resident: bool,
    read: Mutex<Vec<u64>>,
    told: Mutex<Vec<u64>>,
}

impl Numbered {
    fn new(rows: Range<u64>, access: Access) -> Self {
        let numbers: Vec<f64> = rows.clone().map(|row| row as f64).collect();
        let data = DynDataset::new(numbers.clone(), 1, numbers, 1).unwrap();
        let (read, told) = (Mutex::default(), Mutex::default());
        Self { data, first: rows.start, access, files: Vec::new(), weighted: false, resident: false, read, told }
    }

    fn weights(self) -> Self {
        let first = self.first;
        let weights = (0..self.data.len() as u64).map(|row| weight(first + row)).collect();
        Self { data: self.data.with_weights(weights).unwrap(), weighted: true, ..self }
    }
}

/// What row number `row` weighs.
fn weight(row: u64) -> f64 {
    1.0 + row as f64 / 7.0
}

impl Source for Numbered {
    type Scalar = f64;

    fn len(&self) -> u64 {
        self.data.len() as u64
    }

    fn input_width(&self) -> usize {
        1
    }

    fn target_width(&self) -> usize {
        1
    }

    fn access(&self) -> Access {
        self.access
    }

    fn files(&self) -> Vec<u64> {
        self.files.clone()
    }

    fn weighted(&self) -> bool {
        self.weighted
    }

    fn prefetch(&self, blocks: &[u64]) {
        self.told.lock().unwrap().extend(blocks);
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f64>) -> Result<(), Error> {
        self.read.lock().unwrap().extend(indices);
        self.data.read(indices, rows)
    }

    fn resident(&self) -> Option<&DynDataset<f64>> {
        self.resident.then_some(&self.data)
    }
}

fn architecture() -> Architecture {
    "1 => 1 linear".parse().unwrap()
}

const SEED: u64 = 11;

fn feed(source: &Numbered, batch_size: usize, ranks: Ranks, parts: Option<u64>) -> Result<Feed<'_, f64>, Error> {
    Feed::new(source, &architecture(), batch_size, true, SEED, ranks, parts)
}

fn rank(rank: usize, size: usize) -> Ranks {
    Ranks { rank, size, shards: None }
}

/// The numbers of the rows of the last share.
fn numbers(feed: &Feed<'_, f64>) -> Vec<u64> {
    let own = chosen(&feed.division, &feed.order, &feed.own);
    match &feed.rows {
        Kind::Resident { data, .. } => own.iter().map(|&row| data.inputs()[row as usize] as u64).collect(),
        Kind::Read { .. } if own.is_empty() => Vec::new(),
        Kind::Read { rows, .. } => rows.inputs().iter().map(|&number| number as u64).collect(),
    }
}

/// What a share says of itself, but for its rows.
fn facts(share: &Share<'_, f64>) -> (usize, u64, u64, f64, Option<f64>) {
    let Share { batch, first, rows, weight, total, .. } = share;
    (batch.as_ref().map_or(0, |batch| batch.rows()), *first, *rows, *weight, *total)
}

/// The steps of an epoch from a step on: the rows of all feeds one behind the other. Each share says where it is.
fn steps(feeds: &mut [Feed<'_, f64>], epoch: usize, from: u64) -> Vec<Vec<u64>> {
    for feed in feeds.iter_mut() {
        feed.begin(epoch).unwrap();
        feed.skip(from).unwrap();
    }
    let steps = feeds[0].batches().steps();
    (from..steps)
        .map(|step| {
            let mut rows = Vec::new();
            let (mut leader, mut count, mut total, mut weight) = (None, 0, None, 0.0);
            for (rank, feed) in feeds.iter_mut().enumerate() {
                let (batch, first, all, weighs, known) = facts(&feed.batch(step).unwrap());
                let own = numbers(feed);
                assert_eq!((batch, first), (own.len(), rows.len() as u64));
                if !own.is_empty() {
                    leader = leader.or(Some(rank));
                }
                if rank > 0 {
                    assert_eq!((all, known), (count, total), "all ranks know the same");
                }
                (count, total) = (all, known);
                weight += weighs;
                rows.extend(own);
            }
            for feed in feeds.iter() {
                let last = feed.last().unwrap().unwrap();
                assert_eq!((Some(last.leader), last.rows), (leader, rows.len() as u64));
            }
            if let Some(total) = total {
                assert!((total - weight).abs() <= 1e-12 * weight, "{total} {weight}");
            }
            rows
        })
        .collect()
}

fn sorted(steps: &[Vec<u64>]) -> Vec<u64> {
    let mut rows = steps.concat();
    rows.sort_unstable();
    rows
}

/// The lengths of files of so many rows together.
fn files(rows: u64, cuts: &[u64]) -> Vec<u64> {
    let mut borders: Vec<u64> = cuts.iter().map(|cut| cut % rows).filter(|&cut| cut > 0).collect();
    borders.extend([0, rows]);
    borders.sort_unstable();
    borders.dedup();
    borders.windows(2).map(|file| file[1] - file[0]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A slice of each step: the order of one process, whatever the number of ranks.
    #[test]
    fn slices_of_whole_data_are_the_steps_of_one_process(
        rows in 1_u64..120, batch_size in 1_usize..50, size in 1_usize..7, weighted: bool, resident: bool, epoch in 1_usize..4,
    ) {
        let mut source = Numbered::new(0..rows, Access::Random);
        if weighted {
            source = source.weights();
        }
        source.resident = resident;
        let expected = steps(&mut [feed(&source, batch_size, rank(0, 1), None).unwrap()], epoch, 0);
        prop_assert_eq!(sorted(&expected), (0..rows).collect::<Vec<_>>());
        let feeds = || (0..size).map(|number| feed(&source, batch_size, rank(number, size), None).unwrap()).collect::<Vec<_>>();
        prop_assert_eq!(&steps(&mut feeds(), epoch, 0), &expected);
        let from = expected.len() as u64 / 2;
        prop_assert_eq!(&steps(&mut feeds(), epoch, from)[..], &expected[from as usize..]);
        let mut own = feeds();
        own[size - 1].begin(1).unwrap();
        let total = own[size - 1].batch(0).unwrap().total;
        prop_assert_eq!(total.is_some(), size == 1 || !weighted || resident);
    }

    /// Parts of rows and of blocks of one file or several, on as many ranks as there are parts or fewer.
    #[test]
    fn parts_are_the_steps_of_one_process_that_has_them_all(
        rows in 1_u64..200,
        batch_size in 1_usize..60,
        parts in 1_u64..6,
        block in 1_u64..20,
        window in 1_u64..8,
        borders in proptest::collection::vec(0_u64..200, 0..5),
        in_blocks: bool,
        epoch in 1_usize..4,
    ) {
        let access = if in_blocks { Access::Blocks { rows: block, window } } else { Access::Random };
        let mut source = Numbered::new(0..rows, access);
        source.files = files(rows, &borders);
        let blocks: u64 = source.files.iter().map(|file| file.div_ceil(block)).sum();
        let parts = parts.min(if in_blocks { blocks } else { rows });
        let expected = steps(&mut [feed(&source, batch_size, rank(0, 1), Some(parts)).unwrap()], epoch, 0);
        prop_assert_eq!(sorted(&expected), (0..rows).collect::<Vec<_>>());
        if parts == 1 {
            let whole = steps(&mut [feed(&source, batch_size, rank(0, 1), None).unwrap()], epoch, 0);
            prop_assert_eq!(&whole, &expected);
        }
        for size in 1..=parts as usize {
            let feeds = || (0..size).map(|number| feed(&source, batch_size, rank(number, size), Some(parts)).unwrap()).collect::<Vec<_>>();
            prop_assert_eq!(&steps(&mut feeds(), epoch, 0), &expected);
            for from in [expected.len() as u64 / 2, expected.len() as u64 - 1] {
                prop_assert_eq!(&steps(&mut feeds(), epoch, from)[..], &expected[from as usize..]);
            }
            // From a state of the midst of the epoch, whatever the trainer says of parts.
            let state = feed(&source, batch_size, rank(0, 1), Some(parts)).unwrap().batches().clone();
            if in_blocks && parts < size as u64 || parts == 1 && in_blocks && size > 1 {
                continue;
            }
            let mut adopting: Vec<_> = (0..size).map(|number| feed(&source, batch_size, rank(number, size), None)).filter_map(Result::ok).collect();
            if adopting.len() == size {
                adopting.iter_mut().for_each(|feed| feed.adopt(&state).unwrap());
                prop_assert_eq!(&steps(&mut adopting, epoch, 0), &expected);
            }
        }
    }

    /// Shards of any lengths: each row once, and the steps of one process whose parts they are.
    #[test]
    fn shards_of_any_lengths_lose_no_row(
        lengths in proptest::collection::vec(1_u64..60, 1..6),
        batch_size in 1_usize..50,
        epoch in 1_usize..4,
        streams: bool,
        weighted: bool,
    ) {
        let total: u64 = lengths.iter().sum();
        let size = lengths.len();
        let mut first = 0;
        let shards: Vec<Numbered> = lengths.iter().map(|length| {
            first += length;
            let access = if streams { Access::Stream } else { Access::Random };
            let shard = Numbered::new(first - length..first, access);
            if weighted { shard.weights() } else { shard }
        }).collect();
        let ranks = |rank| Ranks { rank, size, shards: Some(Shards { lengths: lengths.clone(), weighted }) };
        let feeds = || shards.iter().enumerate().map(|(number, shard)| feed(shard, batch_size, ranks(number), None).unwrap()).collect::<Vec<_>>();
        let expected = steps(&mut feeds(), epoch, 0);
        prop_assert_eq!(sorted(&expected), (0..total).collect::<Vec<_>>());
        for from in 0..expected.len() {
            prop_assert_eq!(&steps(&mut feeds(), epoch, from as u64)[..], &expected[from..]);
        }
        let state = feeds()[size - 1].batches().clone();
        let first = feeds()[0].batches().clone();
        prop_assert_eq!(&state, &first);
        if size > 1 {
            prop_assert_eq!(&state.parts, &lengths);
            if !streams {
                // One process that has all rows goes on from there.
                let all = Numbered::new(0..total, Access::Random);
                let mut alone = feed(&all, batch_size, rank(0, 1), None).unwrap();
                alone.adopt(&state).unwrap();
                prop_assert_eq!(&steps(&mut [alone], epoch, 0), &expected);
            }
        }
    }
}

#[test]
fn a_rank_reads_and_is_told_of_its_own_blocks_only() {
    let mut source = Numbered::new(0..100, Access::Blocks { rows: 8, window: 6 });
    source.files = vec![50, 3, 47];
    // 7 blocks, 1 and 6; 50 rows are just the first 7.
    for (number, own, blocks) in [(0, 0..50, 0..7), (1, 50..100, 7..14)] {
        let mut feed = feed(&source, 10, rank(number, 2), None).unwrap();
        assert_eq!((feed.batches().parts.as_slice(), feed.batches().blocks), (&[50, 50][..], Some((8, 3))));
        for epoch in 1..4 {
            feed.begin(epoch).unwrap();
            for step in 0..10 {
                assert_eq!(facts(&feed.batch(step).unwrap()).0, 5);
            }
        }
        let mut read = std::mem::take(&mut *source.read.lock().unwrap());
        read.sort_unstable();
        read.dedup();
        assert_eq!(read, own.collect::<Vec<_>>());
        let mut told = std::mem::take(&mut *source.told.lock().unwrap());
        told.sort_unstable();
        told.dedup();
        assert_eq!(told, blocks.collect::<Vec<_>>());
    }
    // What is in memory as a whole is not asked for it.
    source.resident = true;
    let parted = feed(&source, 10, rank(0, 2), None).unwrap();
    assert!(matches!(parted.rows, Kind::Read { .. }));
    assert!(matches!(feed(&source, 10, rank(0, 1), Some(2)).unwrap().rows, Kind::Resident { .. }));
}

#[test]
fn other_seeds_give_other_orders_and_parts_have_orders_of_their_own() {
    let source = Numbered::new(0..200, Access::Random);
    let mut fed = feed(&source, 20, rank(0, 1), Some(2)).unwrap();
    let first = steps(std::slice::from_mut(&mut fed), 1, 0);
    let order = |steps: &[Vec<u64>], part: u64| {
        let rows = steps.concat().into_iter().filter(move |row| row / 100 == part);
        rows.map(|row| row % 100).collect::<Vec<_>>()
    };
    assert_ne!(order(&first, 0), order(&first, 1));
    let second = steps(std::slice::from_mut(&mut fed), 2, 0);
    assert_ne!(first, second);
    fed.reseed(SEED + 1);
    assert_ne!(steps(std::slice::from_mut(&mut fed), 1, 0), first);
    fed.reseed(SEED);
    assert_eq!(steps(std::slice::from_mut(&mut fed), 1, 0), first);
}

/// A change of these is a change of everybody's results.
#[test]
fn orders_of_parts_are_pinned() {
    let source = Numbered::new(0..14, Access::Random);
    let rows = steps(&mut [feed(&source, 5, rank(0, 1), Some(3)).unwrap()], 2, 0);
    assert_eq!(rows, [vec![1, 4, 7, 12, 11], vec![2, 6, 5, 13, 9], vec![0, 3, 8, 10]]);
}

#[test]
fn orders_of_blocks_of_several_files_are_pinned() {
    let mut source = Numbered::new(0..14, Access::Blocks { rows: 3, window: 4 });
    source.files = vec![5, 2, 7];
    let rows = steps(&mut [feed(&source, 5, rank(0, 1), Some(2)).unwrap()], 2, 0);
    assert_eq!(rows, [vec![3, 4, 7, 12, 11], vec![5, 6, 10, 8, 9], vec![1, 0, 2, 13]]);
}

#[test]
fn what_cannot_be_divided_is_an_error_that_says_what_could() {
    let message = |source: &Numbered, ranks: Ranks, parts| feed(source, 10, ranks, parts).err().unwrap().to_string();
    let stream = Numbered::new(0..100, Access::Stream);
    assert_eq!(
        message(&stream, rank(1, 3), None),
        "a stream, of which each rank would read all rows, cannot be divided among 3 ranks; expected a `Shard` on each rank, \
         whose stream is of rows of its own; or a source that is no stream, such as files of records"
    );
    assert_eq!(
        message(&stream, rank(0, 1), Some(2)),
        "a stream cannot be divided into 2 parts; expected 1 part, since its rows come in one order only"
    );
    let blocks = Numbered::new(0..100, Access::Blocks { rows: 40, window: 1 });
    assert_eq!(
        message(&blocks, rank(0, 4), None),
        "3 blocks of 40 rows cannot be divided into 4 parts; expected at least one of them a part: write smaller blocks, or \
         start fewer ranks, or set fewer `parts`"
    );
    assert_eq!(
        message(&blocks, rank(0, 3), Some(2)),
        "2 parts cannot be divided among 3 ranks; expected at least one part a rank: set no `parts` in the trainer, or more, \
         or start fewer ranks"
    );
    assert!(message(&blocks, rank(0, 2), Some(1)).starts_with("1 part cannot be divided among 2 ranks"));
    assert_eq!(message(&blocks, rank(0, 1), Some(0)), "parts is 0; expected at least 1");
    let few = Numbered::new(0..3, Access::Random);
    assert!(message(&few, rank(0, 1), Some(4)).starts_with("3 rows cannot be divided into 4 parts"));
    let shards = |lengths: Vec<u64>| Ranks { rank: 0, size: 2, shards: Some(Shards { lengths, weighted: false }) };
    assert_eq!(message(&few, shards(vec![3, 0]), None), "rank 1: the shard holds no sample; expected at least 1");
    assert!(
        message(&few, shards(vec![3, 5]), Some(3)).starts_with("the shards of 2 ranks cannot be divided into 3 parts")
    );
    assert!(feed(&few, 10, shards(vec![3, 5]), Some(2)).is_ok());
    assert!(
        message(&few, shards(vec![3, u64::MAX]), None)
            .starts_with("Source::len is 3; expected a number that 64 bits hold")
    );
    let mut files = Numbered::new(0..100, Access::Blocks { rows: 40, window: 1 });
    for wrong in [vec![50, 49], vec![100, 0], vec![u64::MAX, 101]] {
        files.files = wrong;
        assert!(message(&files, rank(0, 1), None).starts_with("Source::files is ["));
    }
}

#[test]
fn weights_that_a_source_did_not_speak_of_are_an_error_among_ranks() {
    let mut source = Numbered::new(0..20, Access::Blocks { rows: 5, window: 2 }).weights();
    source.weighted = false;
    let mut alone = feed(&source, 10, rank(0, 1), None).unwrap();
    alone.begin(1).unwrap();
    assert!(alone.batch(0).is_ok());
    let mut one = feed(&source, 10, rank(1, 2), None).unwrap();
    one.begin(1).unwrap();
    let error = one.batch(0).unwrap_err().to_string();
    assert!(error.starts_with("Source::weighted is false; expected true"), "{error}");
}

#[test]
fn a_state_of_other_parts_is_an_error_in_the_midst_of_an_epoch() {
    let blocks = Numbered::new(0..100, Access::Blocks { rows: 10, window: 10 });
    let of = |ranks, parts| feed(&blocks, 10, ranks, parts).unwrap();
    let state = of(rank(0, 1), Some(4)).batches().clone();
    assert_eq!(state.parts, [20, 30, 20, 30]);
    let message = |mut feed: Feed<'_, f64>, state: &Batches| feed.adopt(state).unwrap_err().to_string();
    assert_eq!(
        message(of(rank(4, 5), None), &state),
        "an epoch that began with its rows in 4 parts cannot be divided among 5 ranks; expected no more ranks than parts, since \
         the state is from the midst of the epoch; from a state of an epoch's end any number of ranks goes on"
    );
    let whole = of(rank(0, 1), None).batches().clone();
    assert!(whole.parts.is_empty());
    assert!(message(of(rank(0, 2), None), &whole).starts_with("an epoch that began with its rows in 1 part cannot be"));
    // The state's parts go before the trainer's.
    let mut other = of(rank(0, 1), Some(2));
    other.adopt(&whole).unwrap();
    assert_eq!(other.batches(), &whole);
    let border = Batches { parts: vec![25, 75], ..state.clone() };
    assert_eq!(
        message(of(rank(0, 1), None), &border),
        "the parts of the rows in the state: 2 of 25 and 75 rows; expected whole blocks that are 100 rows together, as in this \
         run, since the state is from the midst of an epoch"
    );
    for parts in [vec![50, 51], vec![100, 0], vec![u64::MAX, 101]] {
        assert!(of(rank(0, 1), None).adopt(&Batches { parts, ..state.clone() }).is_err());
    }
    let batch = Batches { batch_size: 11, parts: vec![1, 1], ..state.clone() };
    assert!(message(of(rank(0, 1), None), &batch).contains("batch_size"));
    let files = Batches { files: vec![60, 40], ..state.clone() };
    assert!(message(of(rank(0, 1), Some(4)), &files).contains("files"));
    // Whole rows in no blocks are divided among any number of ranks.
    let random = Numbered::new(0..100, Access::Random);
    let state = feed(&random, 10, rank(0, 1), None).unwrap().batches().clone();
    assert_eq!(feed(&random, 10, rank(0, 2), Some(4)).unwrap().adopt(&state), Ok(()));
    let shards = |lengths| Ranks { rank: 0, size: 2, shards: Some(Shards { lengths, weighted: false }) };
    let state = feed(&random, 10, shards(vec![100, 7]), None).unwrap().batches().clone();
    let error = feed(&random, 10, shards(vec![100, 7]), None).unwrap().adopt(&Batches { parts: vec![7, 100], ..state });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("2 of 7 and 100 rows; expected 2 of 100 and 7 rows as in this run"), "{error}");
}

#[test]
fn a_stream_is_skipped_up_to_its_place() {
    let rows = |first: u64, count: u64| {
        Stream::new(count, 1, 1, move || (first..first + count).map(|row| ([row as f64], [0.0])))
    };
    let lengths = vec![30, 10];
    let ranks = |rank| Ranks { rank, size: 2, shards: Some(Shards { lengths: lengths.clone(), weighted: true }) };
    let (one, other) = (rows(0, 30), rows(30, 10));
    let feeds = || {
        let one = Feed::new(&one, &architecture(), 8, true, SEED, ranks(0), None).unwrap();
        [one, Feed::new(&other, &architecture(), 8, true, SEED, ranks(1), None).unwrap()]
    };
    let all = steps(&mut feeds(), 1, 0);
    assert_eq!(all[0], [0, 1, 2, 3, 4, 5, 30, 31]);
    assert_eq!(sorted(&all), (0..40).collect::<Vec<_>>());
    for from in 0..5 {
        assert_eq!(steps(&mut feeds(), 1, from), all[from as usize..]);
    }
}
