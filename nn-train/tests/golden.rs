//! Random streams are part of the format: the same seed gives the same numbers tomorrow and elsewhere.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_kernels::random::{Purpose, stream};
use nn_train::prelude::*;
use nn_train::{EngineKind, InstructionSet};
use rand::Rng;

network! { struct Golden<3 => 2 relu => 2>: f64; }

#[test]
fn streams() {
    // Computed apart from this project, from the definition of ChaCha.
    let first = |purpose, index| {
        let mut generator = stream(7, purpose, index);
        [generator.next_u64(), generator.next_u64(), generator.next_u64()]
    };
    for (purpose, index, expected) in [
        (Purpose::Initialisation, 0, [2301523547682202894, 2638103952649655356, 2566733580281509753]),
        (Purpose::Initialisation, 1, [17370064830539787872, 316227964544980203, 10208248029440328597]),
        (Purpose::Shuffle, 0, [10280219455571465826, 11165385976634144173, 10216299848759679337]),
        (Purpose::Split, 0, [16509262582552422184, 9724207831591592604, 2638552099343227497]),
        (Purpose::Dropout, 0, [15960658881242550016, 7555583598081820028, 8595927452120510123]),
    ] {
        assert_eq!(first(purpose, index), expected, "{purpose:?} {index}");
    }
}

#[test]
fn initial_parameters() {
    // Xavier uniform: the first is √(6/5) (2u - 1) with u = 2301523547682202894 / 2^64, the first number of `streams`.
    let expected = [
        // relu.
        -0.8220968517812738,
        -0.7821217365027703,
        -0.7905982812474421,
        -0.5395495969017164,
        0.46083101049254044,
        0.9019790237635166,
        0.0,
        0.0,
        // sigmoid.
        1.0817757516448354,
        -1.1827538754500293,
        0.1307788318693023,
        0.575343192042544,
        0.0,
        0.0,
    ];
    assert_eq!(Golden::new(7).parameters(), expected);
}

fn numbered(count: u16) -> Dataset<[f32; 1], [f32; 1]> {
    let labels: Vec<usize> = (0..usize::from(count)).map(|index| index % 2).collect();
    Dataset::from_labels((0..count).map(|index| [f32::from(index)]).collect(), &labels).unwrap()
}

fn numbers(data: &Dataset<[f32; 1], [f32; 1]>) -> Vec<u16> {
    data.inputs().iter().map(|&[number]| number as u16).collect()
}

#[test]
fn a_shuffled_order() {
    assert_eq!(numbers(&numbered(10).shuffled(7)), [2, 9, 4, 0, 7, 6, 8, 5, 3, 1]);
}

#[test]
fn splits() {
    let data = numbered(10);
    let (first, second) = data.split(0.7, 7).unwrap();
    assert_eq!((numbers(&first), numbers(&second)), (vec![0, 2, 3, 4, 5, 7, 8], vec![1, 6, 9]));
    let (first, second) = data.stratified_split(0.6, 7).unwrap();
    assert_eq!((numbers(&first), numbers(&second)), (vec![0, 1, 5, 6, 7, 8], vec![2, 3, 4, 9]));
}

network! { struct Digits<64 => 32 relu dropout(0.2) => 10 softmax>; }

/// FNV-1a of the parameters' bits.
fn hash(parameters: &[f32]) -> u64 {
    let bytes = parameters.iter().flat_map(|parameter| parameter.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A whole training, bit for bit: initialisation, order, dropout, engine, optimiser, schedule and λ. A change of these
/// numbers is a change of everybody's results.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_trained_network() {
    let csv = include_str!("../../examples/data/digits.csv");
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for line in csv.lines().skip(1) {
        let mut numbers = line.split(',').map(|number| number.parse::<u16>().unwrap());
        images.push(std::array::from_fn(|_| f32::from(numbers.next().unwrap()) / 16.0));
        labels.push(usize::from(numbers.next().unwrap()));
    }
    let data = Dataset::from_labels(images, &labels).unwrap();
    for set in InstructionSet::available() {
        let builder = Trainer::builder().optimizer(AdamW::default()).schedule(|step| 0.01 / (1.0 + 0.01 * step as f64));
        // Left to itself, the plan takes another engine on some CPUs.
        let builder = builder.l2(0.1).batch_size(64).epochs(3).seed(7).instruction_set(set).engine(EngineKind::Tile);
        let mut net = Digits::new(7);
        let history = builder.build().unwrap().fit(&mut net, &data, Some(&data)).unwrap();
        assert!(history[2].accuracy.unwrap() > 0.9, "{set}: {}", history[2]);
        let expected = match set.name() {
            "avx512" => 0x50dfc06e2aba0d88,
            "avx2" => 0x50dfc06e2aba0d88,
            _ => 0xaec397f6545ee13f,
        };
        assert_eq!(hash(net.parameters()), expected, "{set}: {:#x}", hash(net.parameters()));
    }
}
