//! How stable an obligation is: what came of checking it again with other seeds.
//!
//! A seed changes the way of the solver's search and nothing else. Whether one is brittle is decided by answers and by the
//! solver's own steps, which are the same on every machine; processor time is for people. Must never: be remembered, or
//! change what an obligation came to.

use protocol::seed::Seed;
use protocol::verdict::{NoVerdict, Report, Verdict};
use serde::Serialize;

/// The slowest seed may take so many times the steps of the fastest one.
const STEPS_FACTOR: u64 = 4;
/// Fewer steps are over before anybody waits: about half a second.
const STEPS_MIN: u64 = 1_000_000;

/// What all seeds came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stability {
    /// Without a seed.
    first: Came,
    /// In the order of the seeds.
    pub runs: Vec<Run>,
}

/// One seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    pub seed: Seed,
    pub outcome: Came,
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// The solver's steps, if it lived to tell.
    pub resource_count: Option<u64>,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    Holds,
    Refuted,
    NoVerdict,
}

/// Why an obligation is listed; the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Brittle {
    /// Some seeds take many times the steps of others.
    Slow,
    /// Some seeds have a verdict, and others none.
    NoVerdict,
    /// Some hold and some are refuted: a fault of the solver.
    Contradiction,
}

/// Milliseconds of processor time over all seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub fastest_ms: u64,
    pub median_ms: u64,
    pub slowest_ms: u64,
}

impl Came {
    /// None of what is not accepted: no seed changes that.
    pub fn of(verdict: &Verdict) -> Option<Came> {
        match verdict {
            Verdict::Confirmed { .. } => Some(Came::Holds),
            Verdict::Refuted { .. } => Some(Came::Refuted),
            Verdict::NoVerdict { reason: NoVerdict::IllSorted { .. } } => None,
            Verdict::NoVerdict { .. } => Some(Came::NoVerdict),
            Verdict::Rejected { .. } => None,
        }
    }
}

impl Run {
    pub fn of(seed: Seed, report: &Report) -> Run {
        Run {
            seed,
            outcome: Came::of(&report.verdict).unwrap_or(Came::NoVerdict),
            cpu_ms: report.cpu.0,
            resource_count: report.resource_count.map(|count| count.0),
        }
    }
}

impl Stability {
    pub fn new(first: Came, runs: Vec<Run>) -> Stability {
        Stability { first, runs }
    }

    /// How many seeds came to this.
    pub fn count(&self, came: Came) -> usize {
        self.runs.iter().filter(|run| run.outcome == came).count()
    }

    /// Why it is brittle, if it is.
    pub fn brittle(&self) -> Option<Brittle> {
        let has = |came| self.first == came || self.count(came) > 0;
        if has(Came::Holds) && has(Came::Refuted) {
            Some(Brittle::Contradiction)
        } else if has(Came::NoVerdict) && (has(Came::Holds) || has(Came::Refuted)) {
            Some(Brittle::NoVerdict)
        } else {
            let (fewest, most) = self.steps()?;
            (most >= STEPS_MIN && most >= fewest.saturating_mul(STEPS_FACTOR)).then_some(Brittle::Slow)
        }
    }

    /// The fewest and the most steps of seeds with a verdict.
    fn steps(&self) -> Option<(u64, u64)> {
        let steps =
            || self.runs.iter().filter(|run| run.outcome != Came::NoVerdict).filter_map(|run| run.resource_count);
        Some((steps().min()?, steps().max()?))
    }

    pub fn times(&self) -> Times {
        let mut times: Vec<u64> = self.runs.iter().map(|run| run.cpu_ms).collect();
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        // Of an even number, the slower one in the middle.
        Times { fastest_ms: at(0), median_ms: at(times.len() / 2), slowest_ms: at(times.len().saturating_sub(1)) }
    }

    /// Sorts the worst first: contradictions, then the share without a verdict, then the spread of steps.
    pub fn badness(&self) -> impl Ord + use<> {
        let (fewest, most) = self.steps().unwrap_or_default();
        let undecided = self.count(Came::NoVerdict) * 1_000 / self.runs.len().max(1);
        std::cmp::Reverse((self.brittle(), undecided, most.saturating_mul(1_000) / fewest.max(1)))
    }

    /// The first seed that came to the opposite of what the check without one did, and of what most came to otherwise.
    pub fn contradicts(&self) -> Option<(Seed, Came)> {
        let opposite = match self.first {
            Came::Holds => Came::Refuted,
            Came::Refuted => Came::Holds,
            Came::NoVerdict if self.count(Came::Holds) < self.count(Came::Refuted) => Came::Holds,
            Came::NoVerdict => Came::Refuted,
        };
        let first = self.runs.iter().find(|run| run.outcome == opposite)?;
        (self.brittle() == Some(Brittle::Contradiction)).then_some((first.seed, opposite))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stability(first: Came, runs: &[(Came, u64)]) -> Stability {
        let run = |(seed, (outcome, steps)): (Seed, &(Came, u64))| Run {
            seed,
            outcome: *outcome,
            cpu_ms: steps / 2_000,
            resource_count: Some(*steps),
        };
        Stability::new(first, Seed::first(100).zip(runs).map(run).collect())
    }

    #[test]
    fn what_varies_is_brittle_and_the_worst_is_first() {
        use Came::{Holds, NoVerdict, Refuted};
        const M: u64 = 1_000_000;
        let steady = stability(Holds, &[(Holds, 2 * M), (Holds, 3 * M), (Holds, 7 * M)]);
        let slow = stability(Holds, &[(Holds, M), (Holds, 4 * M)]);
        let slower = stability(Refuted, &[(Refuted, M), (Refuted, 9 * M)]);
        let short = stability(Holds, &[(Holds, 10), (Holds, M - 1)]);
        let lost = stability(Holds, &[(Holds, M), (NoVerdict, 100 * M)]);
        let all_lost = stability(Holds, &[(NoVerdict, 100 * M)]);
        let found = stability(NoVerdict, &[(NoVerdict, 100 * M), (Holds, M), (Holds, M)]);
        let undecided = stability(NoVerdict, &[(NoVerdict, M), (NoVerdict, 100 * M)]);
        let flipped = stability(Holds, &[(Holds, M), (Refuted, M)]);
        for (stability, brittle) in [
            (&steady, None),
            (&slow, Some(Brittle::Slow)),
            (&slower, Some(Brittle::Slow)),
            (&short, None),
            (&lost, Some(Brittle::NoVerdict)),
            (&all_lost, Some(Brittle::NoVerdict)),
            (&found, Some(Brittle::NoVerdict)),
            (&undecided, None),
            (&flipped, Some(Brittle::Contradiction)),
        ] {
            assert_eq!(stability.brittle(), brittle, "{stability:?}");
        }
        let mut listed = [&slow, &found, &flipped, &slower, &all_lost, &lost];
        listed.sort_by_key(|stability| stability.badness());
        assert_eq!(listed, [&flipped, &all_lost, &lost, &found, &slower, &slow]);
        assert_eq!(flipped.contradicts().map(|(seed, came)| (u32::from(seed), came)), Some((2, Refuted)));
        assert_eq!(lost.contradicts(), None);
        assert_eq!(steady.times(), Times { fastest_ms: 1_000, median_ms: 1_500, slowest_ms: 3_500 });
    }
}
