//! How often this validator's own checks agree with what becomes final: its verification accuracy.
//!
//! Each final proof that was checked here counts once, whether its check ended before or after the others had made it
//! final. It outlives the actor, like the verdicts. Nothing is decided by it; below the threshold the operator is
//! notified.

use super::verdicts::Verdicts;
use crate::tap;
use parking_lot::Mutex;
use protocol::block::Entry;
use protocol::mempool::Judgement;
use protocol::message::Word;
use protocol::types::{Hash, ResourceCount};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Final proofs that count: the newest.
pub const WINDOW: usize = 1_000;
/// Below this share of agreement the operator is told,
const THRESHOLD: f64 = 0.95;
/// once so many proofs are in the window.
const TOLD_MIN: usize = 20;
/// Final proofs whose check here has not ended, or never will; the oldest give way.
const AWAITED_MAX: usize = 4_096;

/// The outcome of the own check of a final proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Agreed,
    /// The other answer, or the same one at another resource count.
    Refuted,
    NoVerdict,
}

impl Outcome {
    fn of(word: Word, difficulty: ResourceCount) -> Outcome {
        match word {
            Word::Confirmed(count) | Word::ConfirmedBeyondSoft(count) if count == difficulty => Outcome::Agreed,
            Word::Confirmed(_) | Word::ConfirmedBeyondSoft(_) | Word::Refuted => Outcome::Refuted,
            Word::NoVerdict => Outcome::NoVerdict,
        }
    }
}

/// How many proofs of the window had which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shares {
    pub agreed: usize,
    pub refuted: usize,
    pub no_verdict: usize,
}

impl Shares {
    fn of(&mut self, outcome: Outcome) -> &mut usize {
        match outcome {
            Outcome::Agreed => &mut self.agreed,
            Outcome::Refuted => &mut self.refuted,
            Outcome::NoVerdict => &mut self.no_verdict,
        }
    }

    fn total(&self) -> usize {
        self.agreed + self.refuted + self.no_verdict
    }

    /// The share that agreed; 1 before the first.
    pub fn ratio(&self) -> f64 {
        match self.total() {
            0 => 1.0,
            total => self.agreed as f64 / total as f64,
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    newest: VecDeque<Outcome>,
    shares: Shares,
    /// Statements of final proofs whose check has not ended here, and the difficulties at which they are final.
    awaited: HashMap<Hash, Vec<ResourceCount>>,
    /// The statements among them, oldest first.
    order: VecDeque<Hash>,
    /// The operator was told, and it has not recovered since.
    told: bool,
}

/// What is to be said to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Fell,
    Recovered,
}

#[derive(Default)]
pub struct Accuracy {
    verdicts: Arc<Verdicts>,
    inner: Mutex<Inner>,
}

impl Inner {
    fn add(&mut self, outcome: Outcome) -> Option<News> {
        if self.newest.len() >= WINDOW
            && let Some(oldest) = self.newest.pop_front()
        {
            *self.shares.of(oldest) -= 1;
        }
        self.newest.push_back(outcome);
        *self.shares.of(outcome) += 1;
        let low = self.shares.ratio() < THRESHOLD && self.shares.total() >= TOLD_MIN;
        let changed = low != std::mem::replace(&mut self.told, low);
        changed.then_some(if low { News::Fell } else { News::Recovered })
    }

    fn await_check(&mut self, entry: &Entry) {
        if !self.awaited.contains_key(&entry.statement) {
            if self.order.len() >= AWAITED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.awaited.remove(&oldest);
            }
            self.order.push_back(entry.statement);
        }
        let difficulties = self.awaited.entry(entry.statement).or_default();
        if difficulties.len() < WINDOW {
            difficulties.push(entry.difficulty);
        }
    }
}

impl Accuracy {
    pub fn new(verdicts: Arc<Verdicts>) -> Accuracy {
        Accuracy { verdicts, inner: Mutex::default() }
    }

    /// A block is final: each of its proofs counts now, or when its check ends.
    pub fn on_final(&self, proofs: &[Entry]) {
        let inner = &mut *self.inner.lock();
        for entry in proofs {
            match self.word(&entry.statement) {
                Some(word) => self.count(inner, Outcome::of(word, entry.difficulty)),
                None => inner.await_check(entry),
            }
        }
    }

    /// The verdict on a statement is remembered from here on.
    pub fn on_checked(&self, statement: &Hash) {
        let inner = &mut *self.inner.lock();
        if inner.awaited.is_empty() {
            return;
        }
        let Some(word) = self.word(statement) else { return };
        let Some(difficulties) = inner.awaited.remove(statement) else { return };
        inner.order.retain(|awaited| awaited != statement);
        for difficulty in difficulties {
            self.count(inner, Outcome::of(word, difficulty));
        }
    }

    fn word(&self, statement: &Hash) -> Option<Word> {
        match self.verdicts.judgement(statement)? {
            Judgement::Word(word) => Some(word),
            Judgement::Again => None,
        }
    }

    fn count(&self, inner: &mut Inner, outcome: Outcome) {
        if outcome != Outcome::Agreed {
            tap::proofs::disagreed();
        }
        let Some(news) = inner.add(outcome) else { return };
        let Shares { agreed, refuted, no_verdict } = inner.shares;
        let percent = inner.shares.ratio() * 100.0;
        match news {
            News::Fell => tracing::warn!(
                agreed,
                refuted,
                no_verdict,
                "Node shows verification accuracy below 95%: {percent:.1}% of the last final proofs that were checked here. \
                 Check that the Z3 solver is installed correctly, and review the log for verification errors"
            ),
            News::Recovered => {
                tracing::info!(agreed, refuted, no_verdict, "verification accuracy is {percent:.1}% again");
            }
        }
    }

    pub fn shares(&self) -> Shares {
        self.inner.lock().shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::verdict::{Answer, NoVerdict, Report, Verdict};

    const COUNT: ResourceCount = ResourceCount(7);

    fn statement(value: u64) -> Hash {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&value.to_be_bytes());
        Hash(bytes)
    }

    fn entry(value: u64) -> Entry {
        Entry { proof: statement(value | 1 << 60), statement: statement(value), difficulty: COUNT }
    }

    fn confirmed(resource_count: ResourceCount) -> Report {
        Report::of(Verdict::Confirmed { resource_count, within_soft_limits: true })
    }

    fn refuted() -> Report {
        Report::of(Verdict::Refuted { answer: Answer::Sat, resource_count: COUNT })
    }

    fn undecided() -> Report {
        Report::of(Verdict::NoVerdict { reason: NoVerdict::NothingAsked })
    }

    struct Bench {
        verdicts: Arc<Verdicts>,
        accuracy: Accuracy,
    }

    fn bench() -> Bench {
        let verdicts = Arc::new(Verdicts::default());
        Bench { accuracy: Accuracy::new(Arc::clone(&verdicts)), verdicts }
    }

    impl Bench {
        fn check(&self, value: u64, report: Report) {
            self.verdicts.keep(statement(value), report);
            self.accuracy.on_checked(&statement(value));
        }
    }

    #[test]
    fn a_final_proof_counts_once_whenever_its_check_ends() {
        let recorder = crate::metrics::recorder().unwrap().build_recorder();
        ::metrics::with_local_recorder(&recorder, || {
            crate::metrics::describe();
            let bench = bench();
            assert_eq!(bench.accuracy.shares().ratio(), 1.0, "before the first");
            bench.check(1, confirmed(COUNT));
            bench.accuracy.on_final(&[entry(1), entry(2), entry(3), entry(4)]);
            assert_eq!(bench.accuracy.shares(), Shares { agreed: 1, ..Shares::default() });
            bench.check(2, refuted());
            bench.check(2, refuted());
            bench.check(3, undecided());
            bench.check(4, confirmed(ResourceCount(8)));
            assert_eq!(bench.accuracy.shares(), Shares { agreed: 1, refuted: 2, no_verdict: 1 });
            assert_eq!(bench.accuracy.shares().ratio(), 0.25);
        });
        assert!(recorder.handle().render().contains("pop_proofs_disagreements_total 3\n"));
    }

    #[test]
    fn two_proofs_of_one_statement_count_both_and_what_is_never_checked_does_not() {
        let bench = bench();
        bench.accuracy.on_final(&[entry(1), Entry { proof: Hash([9; 32]), ..entry(1) }, entry(2)]);
        bench.check(1, confirmed(COUNT));
        assert_eq!(bench.accuracy.shares(), Shares { agreed: 2, ..Shares::default() });
    }

    #[test]
    fn a_check_that_was_ended_from_outside_is_waited_for() {
        let bench = bench();
        bench.accuracy.on_final(&[entry(1)]);
        let outside = NoVerdict::EndedFromOutside { attempts: 3 };
        bench.check(1, Report::of(Verdict::NoVerdict { reason: outside }));
        assert_eq!(bench.accuracy.shares(), Shares::default());
        bench.check(1, confirmed(COUNT));
        assert_eq!(bench.accuracy.shares().agreed, 1);
    }

    #[test]
    fn what_is_awaited_is_bounded_and_the_oldest_gives_way() {
        let bench = bench();
        (0..AWAITED_MAX as u64 + 3).for_each(|value| bench.accuracy.on_final(&[entry(value)]));
        assert_eq!(bench.accuracy.inner.lock().awaited.len(), AWAITED_MAX);
        bench.check(2, refuted());
        assert_eq!(bench.accuracy.shares(), Shares::default());
        bench.check(3, refuted());
        assert_eq!(bench.accuracy.shares().refuted, 1);
    }

    #[test]
    fn the_window_holds_the_newest_thousand_and_news_come_once_for_each_fall() {
        let mut inner = Inner::default();
        let mut add = |outcome, count: usize| (0..count).filter_map(|_| inner.add(outcome)).collect::<Vec<_>>();
        assert!(add(Outcome::Refuted, TOLD_MIN - 1).is_empty(), "too few to tell");
        assert_eq!(add(Outcome::NoVerdict, 5), [News::Fell]);
        assert_eq!(add(Outcome::Agreed, WINDOW - TOLD_MIN - 4), [News::Recovered]);
        assert_eq!(add(Outcome::Refuted, 100), [News::Fell], "the first of them push out those at the beginning");
        assert_eq!(add(Outcome::Agreed, WINDOW), [News::Recovered]);
        assert_eq!(inner.shares, Shares { agreed: WINDOW, ..Shares::default() });
    }
}
