//! The parts of an epoch that the ranks own: where they are cut, and how each step is divided among them.

use std::ops::Range;

/// Where to cut `count` things, the first rows of which `start` tells, into so many runs: at borders as near as can be to equal
/// numbers of rows, with one thing at least in each run. There are no more runs than things. Run number k goes from cut k
/// to the next.
pub(super) fn cuts(count: u64, total: u64, start: impl Fn(u64) -> u64, runs: u64) -> Vec<u64> {
    let mut cuts = vec![0];
    for run in 1..runs {
        let wanted = portion(run, total, runs);
        let above = partition_point(0..count, |place| start(place) < wanted);
        let below = above.saturating_sub(1);
        let nearest = if wanted.abs_diff(start(below)) <= start(above).abs_diff(wanted) { below } else { above };
        let least = cuts.last().map_or(0, |cut| cut + 1);
        cuts.push(nearest.clamp(least, count - (runs - run)));
    }
    cuts.push(count);
    cuts
}

/// The first place of a range for which `holds` does not hold, or its end. Up to there it holds.
pub(super) fn partition_point(places: Range<u64>, holds: impl Fn(u64) -> bool) -> u64 {
    let Range { mut start, mut end } = places;
    while start < end {
        let middle = start + (end - start) / 2;
        if holds(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}

/// ⌊number · of / all⌋, for number ≤ all.
pub(super) fn portion(number: u64, of: u64, all: u64) -> u64 {
    match number.checked_mul(of) {
        Some(product) => product / all,
        None => (u128::from(number) * u128::from(of) / u128::from(all)) as u64,
    }
}

/// How the steps of an epoch are divided among its parts.
///
/// Of a step's g rows a part gets about g/R of the rows that it has left, R being those that all have: with a and b the rows
/// left of the parts before it, and of them and itself, ⌊b·g/R⌋ - ⌊a·g/R⌋. So no part gets more rows than it has, and all end
/// with the epoch's last step, whatever their lengths.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    batch_size: u64,
    lengths: Vec<u64>,
    /// The rows that the steps before have taken of each.
    taken: Vec<u64>,
    /// The rows of each in the step, which comes before this one.
    counts: Vec<u64>,
    next: u64,
    /// The parts of rank number r are those from cut r up to the next.
    cuts: Vec<u64>,
    rank: usize,
}

impl Parts {
    /// Parts of which each has a row, divided among `ranks` in runs of about equal length. There are at least as many parts
    /// as ranks.
    pub(super) fn new(lengths: Vec<u64>, batch_size: u64, rank: usize, ranks: usize) -> Self {
        let starts: Vec<u64> = starts(&lengths).collect();
        let count = lengths.len();
        let cuts = cuts(count as u64, starts[count], |part| starts[part as usize], ranks as u64);
        Self { batch_size, taken: vec![0; count], counts: vec![0; count], next: 0, lengths, cuts, rank }
    }

    /// Rows of each part.
    pub(super) fn lengths(&self) -> &[u64] {
        &self.lengths
    }

    /// The parts of this rank.
    pub(super) fn own(&self) -> Range<usize> {
        self.of(self.rank)
    }

    fn of(&self, rank: usize) -> Range<usize> {
        self.cuts[rank] as usize..self.cuts[rank + 1] as usize
    }

    /// Goes to step `step` of the epoch, from 0, which is that after the last one as a rule.
    pub(super) fn go_to(&mut self, step: u64) {
        if step + 1 == self.next {
            return;
        }
        if step < self.next {
            self.taken.fill(0);
            self.counts.fill(0);
            self.next = 0;
        }
        while self.next <= step {
            self.advance();
        }
    }

    fn advance(&mut self) {
        let Self { batch_size, lengths, taken, counts, next, .. } = self;
        let mut all = 0;
        for ((length, taken), count) in lengths.iter().zip(&mut *taken).zip(&*counts) {
            *taken += count;
            all += length - *taken;
        }
        let rows = all.min(*batch_size);
        let (mut left, mut given) = (0, 0);
        for ((length, taken), count) in lengths.iter().zip(&*taken).zip(counts) {
            left += length - taken;
            let end = if rows == all { left } else { portion(left, rows, all) };
            (*count, given) = (end - given, end);
        }
        *next += 1;
    }

    /// The rows of the step that come before this rank's.
    pub(super) fn first(&self) -> u64 {
        self.counts[..self.own().start].iter().sum()
    }

    /// Which of a part's rows, in its order, the step has.
    pub(super) fn places(&self, part: usize) -> Range<u64> {
        self.taken[part]..self.taken[part] + self.counts[part]
    }

    /// The lowest rank that has rows in the step.
    pub(super) fn leader(&self) -> usize {
        let part = self.counts.iter().position(|&count| count > 0).unwrap_or(0) as u64;
        self.cuts.partition_point(|&cut| cut <= part).saturating_sub(1)
    }
}

/// Where things of these lengths begin that stand one behind the other, and where the last ends.
pub(super) fn starts(lengths: &[u64]) -> impl Iterator<Item = u64> {
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    std::iter::once(0).chain(ends)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_row_is_in_one_step_and_all_parts_end_with_the_last(
            lengths in proptest::collection::vec(1_u64..200, 1..9),
            batch_size in 1_u64..300,
            ranks in 1_usize..9,
        ) {
            let ranks = ranks.min(lengths.len());
            let total: u64 = lengths.iter().sum();
            let steps = total.div_ceil(batch_size);
            let mut feeds: Vec<Parts> =
                (0..ranks).map(|rank| Parts::new(lengths.clone(), batch_size, rank, ranks)).collect();
            let mut taken = vec![0; lengths.len()];
            for step in 0..steps {
                let rows = batch_size.min(total - step * batch_size);
                let (mut first, mut leader) = (0, None);
                for (rank, parts) in feeds.iter_mut().enumerate() {
                    parts.go_to(step);
                    prop_assert_eq!(parts.first(), first);
                    for part in parts.own() {
                        let places = parts.places(part);
                        prop_assert_eq!(places.start, taken[part]);
                        taken[part] = places.end;
                        first += places.end - places.start;
                        if places.end > places.start {
                            leader = leader.or(Some(rank));
                        }
                    }
                }
                prop_assert_eq!(first, rows);
                for parts in &feeds {
                    prop_assert_eq!(Some(parts.leader()), leader);
                }
                if step + 1 < steps {
                    // To each its share, but for a row for each step's rounding.
                    let left: Vec<u64> = lengths.iter().zip(&taken).map(|(length, taken)| length - taken).collect();
                    prop_assert!(left.iter().sum::<u64>() > 0);
                }
            }
            prop_assert_eq!(&taken, &lengths);
            // From any step as from the one before.
            let mut other = Parts::new(lengths.clone(), batch_size, 0, ranks);
            for step in [steps - 1, 0, steps / 2, steps / 2] {
                other.go_to(step);
                let mut fresh = Parts::new(lengths.clone(), batch_size, 0, ranks);
                (0..=step).for_each(|step| fresh.go_to(step));
                prop_assert_eq!(&other.counts, &fresh.counts);
                prop_assert_eq!(&other.taken, &fresh.taken);
            }
        }

        #[test]
        fn cuts_leave_no_run_empty_and_are_near_to_equal(
            lengths in proptest::collection::vec(1_u64..50, 1..40),
            runs in 1_u64..40,
        ) {
            let runs = runs.min(lengths.len() as u64);
            let places: Vec<u64> = starts(&lengths).collect();
            let total = places[lengths.len()];
            let cuts = cuts(lengths.len() as u64, total, |place| places[place as usize], runs);
            prop_assert_eq!(cuts.len() as u64, runs + 1);
            prop_assert_eq!((cuts[0], cuts[runs as usize]), (0, lengths.len() as u64));
            prop_assert!(cuts.is_sorted_by(|one, next| one < next));
            if total / runs > 50 {
                for run in cuts.windows(2) {
                    let rows = places[run[1] as usize] - places[run[0] as usize];
                    prop_assert!(rows.abs_diff(total / runs) <= 51, "{rows} of {total} / {runs}");
                }
            }
        }
    }

    #[test]
    fn equal_things_are_cut_equally() {
        assert_eq!(cuts(12, 120, |place| place * 10, 4), [0, 3, 6, 9, 12]);
        assert_eq!(cuts(10, 10, |place| place, 4), [0, 2, 5, 7, 10]);
        assert_eq!(cuts(3, 300, |place| place * 100, 3), [0, 1, 2, 3]);
        // The first thing is as long as all others.
        assert_eq!(cuts(4, 103, |place| [0, 100, 101, 102, 103][place as usize], 4), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn products_of_any_size_are_exact() {
        assert_eq!(portion(u64::MAX - 1, u64::MAX, u64::MAX), u64::MAX - 1);
        assert_eq!(portion(u64::MAX / 2, 1 << 40, u64::MAX), (1 << 39) - 1);
        let mut parts = Parts::new(vec![u64::MAX / 2, u64::MAX / 4], u64::MAX / 4, 0, 1);
        parts.go_to(3);
        assert_eq!(parts.taken[0] + parts.counts[0], u64::MAX / 2);
    }
}
