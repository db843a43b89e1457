//! The system's BLAS leaves the work to the thread that asks for it. Alone in its binary: what is watched is the process.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fs;
use std::path::PathBuf;
use std::thread::{available_parallelism, sleep};
use std::time::Duration;

use nn_kernels::gemm::{Blas, Gemm, MatMut, MatRef};

unsafe extern "C" {
    safe fn openblas_set_num_threads(threads: c_int);
    safe fn openblas_get_num_threads() -> c_int;
}

/// A thread: whether it sleeps, and how often it has gone to sleep or been put to it.
#[derive(Debug, Clone, PartialEq)]
struct Thread {
    sleeps: bool,
    switches: u64,
}

/// The process's threads, without those of `own`.
fn others(own: &[String]) -> BTreeMap<String, Thread> {
    let thread = |path: PathBuf| {
        let status = fs::read_to_string(path.join("status")).ok()?;
        let fields = |name: &'static str| status.lines().filter_map(move |line| Some(line.split_once(name)?.1.trim()));
        let sleeps = fields("State:").any(|state| state.starts_with('S'));
        let switches = fields("ctxt_switches:").filter_map(|count| count.parse::<u64>().ok()).sum();
        Some(Thread { sleeps, switches })
    };
    let tasks = fs::read_dir("/proc/self/task").expect("a folder of threads").flatten();
    let named = tasks.filter_map(|task| Some((task.file_name().into_string().ok()?, thread(task.path())?)));
    named.filter(|(name, _)| !own.contains(name)).collect()
}

/// The same, once all of them sleep and go on sleeping.
fn at_rest(own: &[String]) -> BTreeMap<String, Thread> {
    let mut before = others(own);
    for _ in 0..200 {
        sleep(Duration::from_millis(50));
        let after = others(own);
        if before == after && after.values().all(|thread| thread.sleeps) {
            break;
        }
        before = after;
    }
    before
}

fn own_name() -> String {
    let link = fs::read_link("/proc/thread-self").expect("the thread's own folder");
    link.file_name().expect("a number").to_string_lossy().into_owned()
}

/// A product that a library would share among its threads.
fn multiply(blas: &Blas) {
    let side = 700;
    let (a, b, mut c) = (vec![1.0_f32; side * side], vec![2.0_f32; side * side], vec![0.0_f32; side * side]);
    let view = |data| MatRef::row_major(data, side, side).expect("a square");
    let mut workspace = vec![0.0_f32; Gemm::<f32>::workspace(blas, side, side, side)];
    let target = MatMut::row_major(&mut c, side, side).expect("a square");
    blas.gemm(1.0, view(&a), view(&b), 0.0, target, &mut workspace);
    assert!(c.iter().all(|&c| c == 2.0 * side as f32));
}

#[test]
fn the_library_starts_and_wakes_no_thread_of_its_own() {
    let blas = Blas::new();
    assert!(blas.thread_control().is_some_and(|name| name.starts_with("openblas_set_num_threads")), "{blas:?}");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    let mut own = pool.broadcast(|_| own_name());
    own.push(own_name());

    // The threads that the library started when it was loaded, and the harness's.
    let before = at_rest(&own);
    pool.broadcast(|_| (0..4).for_each(|_| multiply(&blas)));
    (0..4).for_each(|_| multiply(&blas));
    assert_eq!(at_rest(&own), before, "threads, and how often they went to sleep");
    assert_eq!(openblas_get_num_threads(), 1);

    // It would have been seen.
    if available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        openblas_set_num_threads(2);
        (0..4).for_each(|_| multiply(&blas));
        assert_ne!(at_rest(&own), before, "two threads of the library's");
    }
}
