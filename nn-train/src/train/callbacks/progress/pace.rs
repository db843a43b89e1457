//! When a bar is drawn, without a look at the clock in each step: a small network's step takes less than such a look.

use std::time::{Duration, Instant};

/// How long it is from one look at the clock to the next, about.
const LOOK: Duration = Duration::from_millis(20);
/// How long it is from one drawing to the next, at least.
const DRAW: Duration = Duration::from_millis(80);
/// How much longer the next wait may be than the last one, in steps. Steps may have become slower.
const GROWTH: f64 = 4.0;

/// Counts steps, and looks at the clock after as many as take about [`LOOK`].
#[derive(Debug)]
pub(super) struct Pace {
    /// Steps from look to look, at least 1, and how many of them are left.
    stride: u64,
    left: u64,
    looked: Instant,
    drawn: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { stride: 1, left: 1, looked: now, drawn: now }
    }

    /// Whether it is time to draw, after another step.
    pub(super) fn is_due(&mut self) -> bool {
        self.is_due_at(Instant::now)
    }

    fn is_due_at(&mut self, now: impl FnOnce() -> Instant) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        let now = now();
        let factor = LOOK.as_secs_f64() / now.duration_since(self.looked).as_secs_f64().max(f64::MIN_POSITIVE);
        self.stride = ((self.stride as f64 * factor.min(GROWTH)) as u64).max(1);
        (self.left, self.looked) = (self.stride, now);
        let due = now.duration_since(self.drawn) >= DRAW;
        if due {
            self.drawn = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many steps that take `step` each, how many looked at the clock, and how many drew.
    fn count(pace: &mut Pace, start: Instant, steps: u32, step: Duration) -> (u32, u32) {
        let (mut looks, mut draws) = (0, 0);
        for number in 1..=steps {
            let now = || {
                looks += 1;
                start + step * number
            };
            draws += u32::from(pace.is_due_at(now));
        }
        (looks, draws)
    }

    #[test]
    fn the_clock_is_looked_at_fifty_times_a_second_and_drawn_twelve_times_however_short_a_step_is() {
        let start = Instant::now();
        for (steps, micros) in [(1_000_000, 1), (10_000, 100), (1_000, 1_000)] {
            let (looks, draws) = count(&mut Pace::new(start), start, steps, Duration::from_micros(micros));
            assert!((45..=65).contains(&looks), "{looks} looks in a second of steps of {micros} µs");
            assert!((9..=13).contains(&draws), "{draws} drawings in a second of steps of {micros} µs");
        }
        // Of long steps each is drawn.
        assert_eq!(count(&mut Pace::new(start), start, 20, Duration::from_millis(500)), (20, 20));
    }

    #[test]
    fn steps_that_become_slower_are_drawn_after_one_long_wait() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        count(&mut pace, start, 1_000_000, Duration::from_micros(1));
        let waited = pace.left;
        assert!(waited <= 25_000, "{waited} steps");
        let (looks, draws) = count(&mut pace, start + Duration::from_secs(1), 100_000, Duration::from_millis(10));
        assert!(looks > 40_000 && draws > 9_000, "{looks} looks, {draws} drawings");
    }
}
