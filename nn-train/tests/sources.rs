//! Sources: rows as they are asked for, and what is wrong with them.
#![allow(clippy::unwrap_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use nn_train::prelude::*;
use nn_train::{Access, Activation, Architecture, Layer, Loss, Rows, Source, Stream, TrainingData};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is the system allocator's, whose contract is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// y = 2x, for x = 0, 1, 2, … as far as f64 counts; `bad` is what row 3 holds instead.
struct Doubles {
    len: u64,
    bad: Option<(Vec<f64>, Vec<f64>)>,
}

impl Source for Doubles {
    type Scalar = f64;

    fn len(&self) -> u64 {
        self.len
    }

    fn input_width(&self) -> usize {
        1
    }

    fn target_width(&self) -> usize {
        1
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f64>) -> Result<(), Error> {
        indices.iter().try_for_each(|&index| match &self.bad {
            Some((input, target)) if index == 3 => rows.push(input, target),
            _ => rows.push(&[index as f64], &[2.0 * index as f64]),
        })
    }
}

fn doubles(input: &[f64], target: &[f64]) -> Doubles {
    Doubles { len: 10, bad: Some((input.to_vec(), target.to_vec())) }
}

#[test]
fn rows_come_in_the_order_asked_for() {
    let source = Doubles { len: u64::MAX, bad: None };
    assert_eq!(source.access(), Access::Random);
    let mut rows = Rows::of(&source).unwrap();
    // Beyond 2³² there are rows too.
    rows.fill(&source, &[1 << 40, 7, 7]).unwrap();
    assert_eq!((rows.len(), rows.weights()), (3, None));
    assert_eq!(rows.inputs(), [1_099_511_627_776.0, 7.0, 7.0]);
    assert_eq!(rows.targets(), [2_199_023_255_552.0, 14.0, 14.0]);
    rows.fill(&source, &[1]).unwrap();
    assert_eq!((rows.inputs(), rows.targets()), (&[1.0][..], &[2.0][..]));
}

#[test]
fn what_is_wrong_with_a_row_is_named_by_its_number() {
    let message = |source: &Doubles| {
        let mut rows = Rows::of(source).unwrap();
        rows.fill(source, &[1, 3]).unwrap_err().to_string()
    };
    assert_eq!(message(&doubles(&[0.0; 2], &[0.0])), "the input of row 3 is 2 wide; expected 1");
    assert_eq!(message(&doubles(&[0.0], &[])), "the target of row 3 is 0 wide; expected 1");
    let nan = message(&doubles(&[f64::NAN], &[0.0]));
    assert_eq!(nan, "inputs, row 3, column 0 is NaN; expected a finite number");
    let infinite = message(&doubles(&[0.0], &[f64::INFINITY]));
    assert_eq!(infinite, "targets, row 3, column 0 is inf; expected a finite number");

    // What the loss takes is checked as well, where there is a network.
    let layers = vec![Layer::new(1, 1, Activation::Sigmoid)];
    let architecture = Architecture::new(layers, Loss::CrossEntropy).unwrap();
    let source = doubles(&[0.0], &[1.5]);
    let mut rows = Rows::of(&source).unwrap().checked_for(&architecture);
    let error = rows.fill(&source, &[0, 3]).unwrap_err();
    assert!(error.to_string().starts_with("the target of sample 3, column 0 is 1.5; expected a number in [0, 1]"));
}

/// Pushes too few rows, or too many.
struct Careless(usize);

impl Source for Careless {
    type Scalar = f32;

    fn len(&self) -> u64 {
        10
    }

    fn input_width(&self) -> usize {
        1
    }

    fn target_width(&self) -> usize {
        1
    }

    fn read(&self, _: &[u64], rows: &mut Rows<f32>) -> Result<(), Error> {
        (0..self.0).try_for_each(|_| rows.push(&[0.0], &[0.0]))
    }
}

#[test]
fn a_source_pushes_as_many_rows_as_it_is_asked_for() {
    let mut rows = Rows::of(&Careless(2)).unwrap();
    assert_eq!(rows.fill(&Careless(2), &[4, 5]), Ok(()));
    let few = rows.fill(&Careless(2), &[4, 5, 6]).unwrap_err();
    assert_eq!(few, Error::SourceRows { expected: 3, found: 2 });
    let many = rows.fill(&Careless(usize::MAX), &[4, 5, 6]).unwrap_err();
    assert_eq!(many.to_string(), "the source was asked for 3 rows and pushed 4; expected one for each index");
}

#[test]
fn a_data_set_is_a_source() {
    let data = DynDataset::new(vec![1.0, 2.0, 3.0, 4.0], 2, vec![5.0, 6.0], 1).unwrap();
    let mut rows = Rows::of(&data).unwrap();
    rows.fill(&data, &[1, 0, 1]).unwrap();
    assert_eq!((rows.inputs(), rows.targets()), (&[3.0, 4.0, 1.0, 2.0, 3.0, 4.0][..], &[6.0, 5.0, 6.0][..]));
    assert_eq!(rows.fill(&data, &[u64::MAX]), Err(Error::Index { index: usize::MAX, len: 2 }));
    let weighted = data.with_weights(vec![0.5, 2.0]).unwrap();
    rows.fill(&weighted, &[1, 0]).unwrap();
    assert_eq!(rows.weights(), Some(&[2.0, 0.5][..]));
    assert_eq!(Source::len(&weighted), 2);
}

#[test]
fn a_stream_is_read_from_the_start_in_every_epoch() {
    let mut epochs = 0;
    let stream = Stream::new(5, 1, 1, || {
        epochs += 1;
        let epoch = epochs as f32;
        (0..5).map(move |row| ([row as f32], vec![epoch]))
    });
    assert_eq!(stream.access(), Access::Stream);
    let mut rows = Rows::of(&stream).unwrap();
    for epoch in [1.0, 2.0] {
        rows.fill(&stream, &[0, 1, 2]).unwrap();
        assert_eq!((rows.inputs(), rows.targets()), (&[0.0, 1.0, 2.0][..], &[epoch; 3][..]));
        rows.fill(&stream, &[3, 4]).unwrap();
        assert_eq!((rows.inputs(), rows.targets()), (&[3.0, 4.0][..], &[epoch; 2][..]));
    }
    // An epoch that broke off is followed by one from the start.
    rows.fill(&stream, &[0, 1]).unwrap();
    let skipped = rows.fill(&stream, &[3]).unwrap_err();
    assert_eq!(skipped.to_string(), "row 3 of a stream was asked for; expected row 2, the next, or row 0");
    rows.fill(&stream, &[0]).unwrap();
    assert_eq!(rows.targets(), [4.0]);
    let before = Stream::new(5, 1, 1, || (0..5).map(|_| ([0.0], [0.0])));
    assert_eq!(rows.fill(&before, &[2]), Err(Error::StreamOrder { expected: 0, found: 2 }));
}

#[test]
fn a_stream_ends_when_it_said() {
    let rows_of = |count: u64| Stream::new(4, 1, 1, move || (0..count).map(|_| ([0.0_f32], [0.0])));
    let read = |count: u64| {
        let stream = rows_of(count);
        let mut rows = Rows::of(&stream).unwrap();
        rows.fill(&stream, &[0, 1]).and_then(|()| rows.fill(&stream, &[2, 3]))
    };
    assert_eq!(read(4), Ok(()));
    let early = read(3).unwrap_err();
    assert_eq!(early.to_string(), "the stream ended after 3 rows; expected 4");
    assert_eq!(read(0), Err(Error::StreamEnded { expected: 4, found: 0 }));
    let late = read(u64::MAX).unwrap_err();
    assert_eq!(late.to_string(), "the stream goes on after 4 rows; expected it to end there");
}

#[test]
fn a_stream_may_fail_and_may_weigh() {
    let failing = Stream::new(2, 1, 1, || {
        let row = |row: u64| {
            if row == 0 { Ok(([0.0_f32], [0.0])) } else { Err(Error::source("the disk is gone")) }
        };
        (0..2).map(row)
    });
    let mut rows = Rows::of(&failing).unwrap();
    let error = rows.fill(&failing, &[0, 1]).unwrap_err();
    assert_eq!(error.to_string(), "the source failed: the disk is gone");

    let weighing = Stream::new(2, 1, 1, || [([0.0_f32], [0.0], 1.5), ([1.0], [0.0], 0.0)].into_iter());
    rows.fill(&weighing, &[0, 1]).unwrap();
    assert_eq!(rows.weights(), Some(&[1.5, 0.0][..]));
    let negative = Stream::new(2, 1, 1, || [([0.0_f32], [0.0], 1.5), ([1.0], [0.0], -1.0)].into_iter());
    let error = rows.fill(&negative, &[0, 1]).unwrap_err().to_string();
    assert_eq!(error, "the weight of sample 1 is -1; expected a finite number that is not negative");
}

#[test]
fn nothing_is_allocated_after_the_first_rows() {
    let source = Doubles { len: 1 << 40, bad: None };
    let stream = Stream::new(64, 2, 1, || (0..64).map(|row| ([row as f32; 2], [1.0])));
    let (mut rows, mut streamed) = (Rows::of(&source).unwrap(), Rows::of(&stream).unwrap());
    let mut epoch = || {
        for first in 0..4 {
            let indices: [u64; 16] = std::array::from_fn(|row| 16 * first + row as u64);
            rows.fill(&source, &indices).unwrap();
            streamed.fill(&stream, &indices).unwrap();
        }
    };
    epoch();
    let before = ALLOCATIONS.get();
    epoch();
    assert_eq!(ALLOCATIONS.get(), before);
    // The counter counts.
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert_ne!(ALLOCATIONS.get(), before);
}

network! { struct Xor<2 => 4 tanh => 1>; }

/// What `fit` asks of its data.
fn rows_for<N: Network, D: TrainingData<N>>(_: &N, data: &D) -> (u64, usize, bool) {
    let source = data.source();
    (source.len(), source.input_width(), source.resident().is_some())
}

#[test]
fn a_network_is_trained_on_data_sets_and_on_sources() {
    let net = Xor::new(1);
    // The numbers and the width of the target are the network's.
    let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0]], &[0, 1]).unwrap();
    assert_eq!(rows_for(&net, &data), (2, 2, true));
    assert_eq!(rows_for(&net, &DynDataset::from(data.clone())), (2, 2, true));
    let stream = Stream::new(3, 2, 1, || (0..3).map(|_| ([0.0_f32; 2], [0.0])));
    assert_eq!(rows_for(&net, &stream), (3, 2, false));
    assert_eq!(rows_for(&net.to_dynamic(), &stream), (3, 2, false));
    assert_eq!(rows_for(&net.to_dynamic(), &*data), (2, 2, true));
}
