//! How a rank waits for the others.

use std::hint::spin_loop;
use std::thread;
use std::time::{Duration, Instant};

/// So often MPI is asked at once, which takes some microseconds: a small sum on one machine is complete by then.
const SPINS: u32 = 64;
/// So long only other threads that want the core come in between. Then the core is left to them for [`NAP`]s.
const AWAKE: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_micros(50);
/// How often a rank that waits looks for those that have left, from this long on.
const LOOKS: Duration = Duration::from_millis(1);

pub(super) struct Wait {
    asked: u32,
    begun: Option<Instant>,
    looked: Duration,
}

impl Wait {
    pub(super) fn new() -> Self {
        Self { asked: 0, begun: None, looked: Duration::ZERO }
    }

    /// To be called where MPI has nothing new. Says now and then for how long that has been so.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        if self.asked < SPINS {
            self.asked += 1;
            spin_loop();
            return None;
        }
        let waited = self.begun.get_or_insert_with(Instant::now).elapsed();
        if waited < AWAKE {
            thread::yield_now();
        } else {
            thread::sleep(NAP);
        }
        if waited < self.looked + LOOKS {
            return None;
        }
        self.looked = waited;
        Some(waited)
    }
}
