//! One rank of those that tests/mpi_agreement.py and tests/two_hosts.py start: what it is to do is its argument.
//!
//! It prints a line when all was as it should be, and says on the standard error what was not.

use std::error::Error;
use std::hint::black_box;
use std::process::{self, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nn_train::Element;
use nn_train::collective::{Collective, CollectiveFault, Mpi, Numbers};

type Outcome = Result<(), Box<dyn Error>>;

/// Some around where a sum takes another way, 4,096 numbers of 8 bytes, and what a large layer has.
const LENGTHS: [usize; 14] = [0, 1, 2, 3, 7, 64, 1000, 4095, 4096, 4097, 8192, 8193, 65_537, 1_500_000];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mpi = match Mpi::start() {
        Ok(mpi) => mpi,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let rank = mpi.rank();
    match run(&mpi, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // In one piece, as the others say something, too.
            let line = format!("rank {rank}: error: {error}\n");
            eprint!("{line}");
            ExitCode::FAILURE
        }
    }
}

fn run(mpi: &Mpi, arguments: &[&str]) -> Outcome {
    let rank = mpi.rank();
    match *arguments {
        ["sums"] => {
            sums::<f32>(mpi)?;
            sums::<f64>(mpi)?;
            let long = mpi.all_reduce(Numbers::new(&[1.0_f32; 3], &mut [0.0; 2]));
            expect(long == Err(CollectiveFault::Length { own: 3, sum: 2 }), format_args!("{long:?}"))?;
            let twice = Mpi::start().map(|_| ());
            expect(twice == Err(CollectiveFault::Started.into()), format_args!("{twice:?}"))?;
        }
        ["beside"] => {
            beside::<f32>(mpi)?;
            beside::<f64>(mpi)?;
        }
        ["broadcast"] => broadcast(mpi)?,
        // More numbers than one call is given.
        ["long"] => sum_of::<f32>(mpi, (1 << 26) + 3)?,
        ["barrier"] => barrier(mpi)?,
        ["same"] => same(mpi)?,
        ["leave", leaver, reason] if leaver.parse() == Ok(rank) => {
            mpi.barrier()?;
            mpi.leave(reason);
            let after = mpi.barrier();
            expect(matches!(&after, Err(CollectiveFault::Left { .. })), format_args!("{after:?}"))?;
            return Err(reason.into());
        }
        ["end", leaver] if leaver.parse() == Ok(rank) => mpi.barrier()?,
        ["panic", leaver] if leaver.parse() == Ok(rank) => {
            mpi.barrier()?;
            panic!("on purpose");
        }
        ["panic_beside", leaver] if leaver.parse() == Ok(rank) => {
            mpi.all_reduce_beside(&mut |_| panic!("on purpose"))?;
        }
        ["panic_beside", _] => return Ok(sum_beside(mpi)?),
        ["kill", leaver] if leaver.parse() == Ok(rank) => {
            mpi.barrier()?;
            process::Command::new("sh").args(["-c", &format!("kill -KILL {}", process::id())]).status()?;
            sleep(Duration::from_secs(60));
        }
        ["silent", leaver] if leaver.parse() == Ok(rank) => {
            mpi.barrier()?;
            sleep(Duration::from_secs(20));
        }
        ["silent", _] => {
            let mpi = mpi.clone().patience(Duration::from_secs(2));
            mpi.barrier()?;
            sum_for_ever(&mpi, 1)?;
        }
        // The others have come to different places when one leaves.
        ["leave" | "end" | "panic" | "kill", ..] => {
            mpi.barrier()?;
            match rank % 3 {
                0 => sum_for_ever(mpi, 1)?,
                1 => sum_for_ever(mpi, 1_000_000)?,
                _ => loop {
                    sum_beside(mpi)?;
                },
            }
        }
        ["late", seconds] => {
            // As where rank 0 alone writes and measures at the end.
            mpi.barrier()?;
            if rank == 0 {
                sleep(Duration::from_secs_f64(seconds.parse()?));
            }
        }
        ["times"] => times(mpi)?,
        _ => return Err(format!("unknown: {arguments:?}").into()),
    }
    let line = format!("rank {rank} of {}: {} as it should be\n", mpi.size(), arguments.join(" "));
    print!("{line}");
    Ok(())
}

fn expect(truth: bool, what: std::fmt::Arguments<'_>) -> Outcome {
    if truth { Ok(()) } else { Err(what.to_string().into()) }
}

/// Numbers whose sums are exact, another one for each rank and place.
fn small<T: Element>(len: usize, rank: usize) -> Vec<T> {
    (0..len).map(|k| T::from_f64(((k % 11) * (rank + 1)) as f64 - 5.0)).collect()
}

/// What they come to in place `k`.
fn small_sum<T: Element>(k: usize, size: usize) -> T {
    T::from_f64((k % 11 * (size * (size + 1) / 2)) as f64 - 5.0 * size as f64)
}

fn sums<T: Element>(mpi: &Mpi) -> Outcome {
    for len in LENGTHS {
        for _ in 0..3 {
            sum_of::<T>(mpi, len)?;
        }
    }
    Ok(())
}

fn sum_of<T: Element>(mpi: &Mpi, len: usize) -> Outcome {
    let mut sum = vec![T::from_f64(f64::NAN); len];
    mpi.all_reduce(Numbers::new(&small::<T>(len, mpi.rank()), &mut sum))?;
    let right = (0..len).all(|k| sum[k] == small_sum::<T>(k, mpi.size()));
    expect(right, format_args!("a sum of {len} {}", T::NAME))
}

/// Parts of several lengths, handed over while the next is made, some of them late on one rank.
fn beside<T: Element>(mpi: &Mpi) -> Outcome {
    for round in 0..6 {
        let own: Vec<Vec<T>> = LENGTHS.iter().map(|&len| small(len, mpi.rank())).collect();
        let mut sums: Vec<Vec<T>> = LENGTHS.iter().map(|&len| vec![T::from_f64(f64::NAN); len]).collect();
        let mut parts: Vec<_> = own.iter().zip(&mut sums).collect();
        mpi.all_reduce_beside(&mut |hand_over| {
            for (k, (own, sum)) in parts.drain(..).enumerate() {
                if (k + round) % mpi.size() == mpi.rank() {
                    sleep(Duration::from_millis(3));
                }
                hand_over(Numbers::new(own, sum));
            }
        })?;
        for (sum, len) in sums.iter().zip(LENGTHS) {
            let right = (0..len).all(|k| sum[k] == small_sum::<T>(k, mpi.size()));
            expect(right, format_args!("a sum of {len} {} beside others", T::NAME))?;
        }
    }
    let busy = {
        let mut inner = Ok(());
        mpi.all_reduce_beside(&mut |_| inner = mpi.barrier())?;
        inner
    };
    expect(busy == Err(CollectiveFault::Busy { operation: "barrier" }), format_args!("{busy:?}"))
}

fn broadcast(mpi: &Mpi) -> Outcome {
    for root in 0..mpi.size() {
        for len in LENGTHS {
            let of_rank = |rank: usize| -> Vec<u8> { (0..len).map(|k| (k * (rank + 3) + rank) as u8).collect() };
            let mut bytes = of_rank(mpi.rank());
            mpi.broadcast(&mut bytes, root)?;
            expect(bytes == of_rank(root), format_args!("{len} bytes from rank {root}"))?;
        }
    }
    let nobody = mpi.broadcast(&mut [0], mpi.size());
    expect(nobody == Err(CollectiveFault::Root { root: mpi.size(), size: mpi.size() }), format_args!("{nobody:?}"))
}

/// Nobody is through before the last has come.
fn barrier(mpi: &Mpi) -> Outcome {
    for last in 0..mpi.size() {
        mpi.barrier()?;
        let begun = Instant::now();
        if last == mpi.rank() {
            sleep(Duration::from_millis(100));
        }
        mpi.barrier()?;
        expect(begun.elapsed() > Duration::from_millis(80), format_args!("through after {:?}", begun.elapsed()))?;
    }
    Ok(())
}

/// Sums of numbers that round have the same bits on all ranks, each time.
fn same(mpi: &Mpi) -> Outcome {
    for len in LENGTHS {
        let own: Vec<f32> = (0..len).map(|k| ((k * 7 + mpi.rank() * 31) as f32 * 0.37).sin()).collect();
        let (mut first, mut sum) = (Vec::new(), vec![0.0; len]);
        for round in 0..3 {
            mpi.all_reduce(Numbers::new(&own, &mut sum))?;
            let mut bytes: Vec<u8> = sum.iter().flat_map(|number| number.to_le_bytes()).collect();
            let mine = bytes.clone();
            mpi.broadcast(&mut bytes, 0)?;
            expect(bytes == mine, format_args!("{len} sums have other bits than on rank 0"))?;
            if round == 0 {
                first = mine;
            } else {
                expect(first == mine, format_args!("{len} sums have other bits than the first time"))?;
            }
        }
    }
    Ok(())
}

fn sum_for_ever(mpi: &Mpi, len: usize) -> Outcome {
    let (own, mut sum) = (vec![1.0_f32; len], vec![0.0; len]);
    loop {
        mpi.all_reduce(Numbers::new(&own, &mut sum))?;
    }
}

fn sum_beside(mpi: &Mpi) -> Result<(), CollectiveFault> {
    let own = vec![1.0_f32; 1_000_000];
    let (mut one, mut two) = (vec![0.0; 1_000_000], vec![0.0; 1_000_000]);
    let mut sums = vec![&mut one, &mut two];
    mpi.all_reduce_beside(&mut |hand_over| {
        for sum in sums.drain(..) {
            hand_over(Numbers::new(&own, sum));
        }
    })
}

/// How long sums take, and how much of that a rank that computes meanwhile still waits.
fn times(mpi: &Mpi) -> Outcome {
    let tell = |line: String| {
        if mpi.rank() == 0 {
            println!("{line}");
        }
    };
    for len in [1, 64, 1024, 4096, 16_384, 32_768, 65_536, 65_537, 131_072, 262_144, 1_048_576, 3_145_728] {
        let (own, mut sum) = (vec![1.0_f32; len], vec![0.0_f32; len]);
        let rounds = (20_000_000 / (len + 2000)).clamp(10, 5000);
        for _ in 0..rounds / 10 + 1 {
            mpi.all_reduce(Numbers::new(&own, &mut sum))?;
        }
        mpi.barrier()?;
        let begun = Instant::now();
        for _ in 0..rounds {
            mpi.all_reduce(Numbers::new(&own, &mut sum))?;
        }
        let plain = begun.elapsed().as_secs_f64() / rounds as f64;
        let mut spent = [0.0; 2];
        for (beside, spent) in [false, true].into_iter().zip(&mut spent) {
            mpi.barrier()?;
            let begun = Instant::now();
            for _ in 0..20 {
                if beside {
                    let mut part = Some((&own, &mut sum));
                    mpi.all_reduce_beside(&mut |hand_over| {
                        if let Some((own, sum)) = part.take() {
                            hand_over(Numbers::new(own, sum));
                        }
                        compute(2.0 * plain);
                    })?;
                } else {
                    compute(2.0 * plain);
                }
            }
            *spent = begun.elapsed().as_secs_f64() / 20.0;
        }
        tell(format!(
            "{len:8} numbers: {:9.1} µs, {:6.2} GB/s; work of {:9.1} µs takes {:9.1} µs beside it",
            plain * 1e6,
            len as f64 * 4.0 / plain / 1e9,
            spent[0] * 1e6,
            spent[1] * 1e6
        ));
    }
    Ok(())
}

/// So much work, whatever else the core does: what it takes alone on it.
fn compute(seconds: f64) {
    let mut x = black_box(0.5_f64);
    for _ in 0..(seconds * CHAINS) as u64 {
        x = x * 0.999 + 0.1;
    }
    black_box(x);
}

/// Multiplications and additions that a core does in a second where each needs the last, about.
const CHAINS: f64 = 5e8;
