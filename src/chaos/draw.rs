//! Drawing a schedule from a seed: a pure function, whose result a test holds to a golden value.
//!
//! Faults come in five streams, each with a pace of its own and drawn independently of the others, so that leaving one kind
//! out changes nothing in the rest. Within a stream every pair of target and fault comes once before any comes again, in a
//! new order each time: a short run reaches everything, and no validator gets more than its share.

use super::schedule::{Entry, Schedule};
use super::target::{Fault, Part, Target};
use protocol::types::Millis;

/// Hangs and blocks are that far apart at least: until one is found by its deadline and over.
const STALLS_APART: Millis = Millis(8_000);
/// So are faults of whole processes: until one is back and signs.
const PROCESSES_APART: Millis = Millis(8_000);
/// Holds of stopped processes and workers.
const HOLD: std::ops::Range<u64> = 500..3_000;

/// From what a schedule is drawn.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub seed: u64,
    /// No fault is due later.
    pub span: Millis,
    /// Between two panics or terminations in the network; the other streams are slower by a factor of their own.
    pub interval: Millis,
    pub targets: Vec<Target>,
    pub faults: Vec<Fault>,
}

/// Faults that come at one pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Quick,
    Flood,
    Worker,
    Stall,
    Process,
}

impl Stream {
    const ALL: [Stream; 5] = [Stream::Quick, Stream::Flood, Stream::Worker, Stream::Stall, Stream::Process];

    fn of(fault: Fault, part: &Part) -> Stream {
        match (fault, part) {
            (_, Part::Process) => Stream::Process,
            (_, Part::Worker) => Stream::Worker,
            (Fault::Panic | Fault::Terminate, Part::Actor(_)) => Stream::Quick,
            (Fault::Flood, Part::Actor(_)) => Stream::Flood,
            (Fault::Hang | Fault::Block | Fault::Kill | Fault::Stop | Fault::Restart, Part::Actor(_)) => Stream::Stall,
        }
    }

    /// The mean interval, in those of the quick stream, and the least one.
    fn pace(self, interval: Millis) -> Millis {
        match self {
            Stream::Quick => interval,
            Stream::Flood | Stream::Worker => interval.times(25),
            Stream::Stall => Millis(interval.times(60).0.max(STALLS_APART.0 * 2)),
            Stream::Process => Millis(interval.times(100).0.max(PROCESSES_APART.0 * 2)),
        }
    }
}

/// The schedule of a seed.
pub fn draw(recipe: &Recipe) -> Schedule {
    let faults = Stream::ALL.iter().flat_map(|stream| draw_stream(recipe, *stream)).collect();
    Schedule::new(false, faults)
}

/// Intervals are uniform between half of the pace and one and a half of it.
fn draw_stream(recipe: &Recipe, stream: Stream) -> Vec<Entry> {
    let mut draws = Draws::new(recipe.seed, stream as u64);
    let pairs = pairs(recipe, stream);
    let pace = stream.pace(recipe.interval).0.max(1);
    let (mut entries, mut bag) = (Vec::new(), Vec::new());
    let mut at = 0;
    while !pairs.is_empty() {
        at += pace / 2 + draws.below(pace + 1);
        let hold = draws.below(HOLD.end - HOLD.start) + HOLD.start;
        if at > recipe.span.0 {
            break;
        }
        if bag.is_empty() {
            bag = pairs.clone();
            draws.shuffle(&mut bag);
        }
        let Some((target, fault)) = bag.pop() else { break };
        let hold = (fault == Fault::Stop).then_some(Millis(hold));
        entries.push(Entry { at: Millis(at), target, fault, hold });
    }
    entries
}

fn pairs(recipe: &Recipe, stream: Stream) -> Vec<(Target, Fault)> {
    let mut pairs = Vec::new();
    for target in &recipe.targets {
        let possible = Fault::of(&target.part).iter().filter(|fault| recipe.faults.contains(fault));
        let of_stream = possible.filter(|fault| Stream::of(**fault, &target.part) == stream);
        pairs.extend(of_stream.map(|fault| (target.clone(), *fault)));
    }
    pairs
}

/// SplitMix64 (Steele, Lea, Flood: *Fast splittable pseudorandom number generators*, OOPSLA 2014): the same numbers for one
/// seed on every machine and in every release.
struct Draws(u64);

impl Draws {
    fn new(seed: u64, stream: u64) -> Draws {
        let mut of_seed = Draws(seed);
        let start = of_seed.next();
        Draws(start ^ Draws(stream).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Uniform below a bound, but for a bias of bound ÷ 2⁶⁴.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn recipe(seed: u64) -> Recipe {
        Recipe {
            seed,
            span: Millis(60_000),
            interval: Millis(200),
            targets: Target::all(&["node_1", "node_2", "node_3", "node_4"].map(str::to_owned)),
            faults: Fault::ALL.to_vec(),
        }
    }

    /// A schedule that somebody wrote down by its seed must stay what it was.
    #[test]
    fn the_schedule_of_a_seed_is_the_golden_one() {
        let text = draw(&recipe(7)).text();
        assert_eq!(text, draw(&recipe(7)).text());
        assert_ne!(text, draw(&recipe(8)).text());
        let golden = "649df9dd2538bfad080dc15ad017abb2012c666bfbd4d17c65b5c5f34f3e0cad";
        assert_eq!(hex::encode(blake3::hash(text.as_bytes()).as_bytes()), golden, "{text}");
    }

    #[test]
    fn everything_has_its_turn_and_nobody_more_than_a_share() {
        let schedule = draw(&recipe(1));
        let mut quick = BTreeMap::new();
        for entry in schedule.faults.iter().filter(|entry| matches!(entry.fault, Fault::Panic | Fault::Terminate)) {
            *quick.entry((entry.target.clone(), entry.fault)).or_insert(0u32) += 1;
        }
        assert_eq!(quick.len(), 4 * ACTORS * 2, "each actor of each validator, each way");
        let (least, most) = (quick.values().min().unwrap(), quick.values().max().unwrap());
        assert!(most - least <= 1, "{least} to {most}");
        let total: u32 = quick.values().sum();
        assert!((280..=320).contains(&total), "{total} in a minute at one every 200 ms");
        let long = draw(&Recipe { span: Millis(600_000), ..recipe(1) });
        for fault in Fault::ALL {
            assert!(long.faults.iter().any(|entry| entry.fault == fault), "{fault} never comes in ten minutes");
        }
    }

    const ACTORS: usize = super::super::target::ACTORS.len();

    #[test]
    fn stalls_and_processes_keep_their_distance() {
        for seed in 0..50 {
            let schedule = draw(&Recipe { span: Millis(600_000), ..recipe(seed) });
            let times = |is: fn(&Entry) -> bool| {
                schedule.faults.iter().filter(move |entry| is(entry)).map(|entry| entry.at.0).collect::<Vec<_>>()
            };
            let apart = |times: Vec<u64>| times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
            assert!(apart(times(|entry| entry.fault.is_stall())) >= STALLS_APART.0);
            assert!(apart(times(|entry| entry.target.part == Part::Process)) >= PROCESSES_APART.0);
        }
    }

    #[test]
    fn leaving_a_kind_out_changes_nothing_in_the_rest() {
        let all = draw(&recipe(3));
        let fewer = draw(&Recipe { faults: vec![Fault::Panic, Fault::Terminate, Fault::Flood], ..recipe(3) });
        let rest: Vec<_> = all
            .faults
            .into_iter()
            .filter(|entry| matches!(entry.fault, Fault::Panic | Fault::Terminate | Fault::Flood))
            .collect();
        assert_eq!(fewer.faults, rest);
    }

    #[test]
    fn nothing_is_due_after_the_span_and_no_target_gives_no_fault() {
        let schedule = draw(&recipe(5));
        assert!(schedule.faults.iter().all(|entry| entry.at <= Millis(60_000)));
        assert_eq!(draw(&Recipe { targets: Vec::new(), ..recipe(5) }).faults, []);
        let workers = Target::all(&["node_1".to_owned()]).into_iter().filter(|target| target.part == Part::Worker);
        assert_eq!(draw(&Recipe { faults: vec![Fault::Restart], targets: workers.collect(), ..recipe(5) }).faults, []);
    }
}
