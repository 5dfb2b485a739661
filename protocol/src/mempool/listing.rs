//! What the mempool holds and remembers, for listings and searches: the newest of it, and ids that begin with the given
//! digits.
//!
//! Must never: change anything, or return more than was asked for.

use super::Mempool;
use super::ended::{End, Ended};
use super::events::Whereabouts;
use crate::prefix::HashPrefix;
use crate::types::Hash;
use alloc::vec::Vec;

/// A proof with its statement, where that is known, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub proof: Hash,
    pub statement: Option<Hash>,
    pub whereabouts: Whereabouts,
}

/// The newest proofs, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newest {
    /// Held, and neither final nor refused, by when they were admitted.
    pub held: Vec<Listed>,
    /// Final or refused, by when they ended here.
    pub ended: Vec<Listed>,
}

impl Mempool {
    fn listed(&self, proof: Hash) -> Listed {
        Listed { proof, statement: self.statement(&proof), whereabouts: self.find(&proof) }
    }

    /// One that became final is so, though it may still be held for a late Prepare.
    fn ended(&self, proof: Hash) -> Listed {
        match self.ended.get(&proof) {
            Some(End::Final(sequence)) => {
                Listed { proof, statement: self.statement(&proof), whereabouts: Whereabouts::Final(*sequence) }
            }
            Some(End::Refused { .. }) | None => self.listed(proof),
        }
    }

    /// At most `count` of each kind. O(count), and what was forgotten since.
    pub fn newest(&self, count: usize) -> Newest {
        let held = self.pending.newest().filter(|entry| entry.final_in.is_none());
        Newest {
            held: held.take(count).map(|entry| self.listed(entry.proof)).collect(),
            ended: self.ended.newest().take(count).map(|proof| self.ended(proof)).collect(),
        }
    }

    /// Proofs that are held or remembered and whose id, or whose statement's, begins so: at most `count`, ascending.
    pub fn with_prefix(&self, prefix: &HashPrefix, count: usize) -> Vec<Listed> {
        let Ended { judged, malformed, .. } = &self.ended;
        let ids =
            self.pending.with_prefix(prefix).chain(judged.with_prefix(prefix)).chain(malformed.with_prefix(prefix));
        let mut found: Vec<Hash> = ids.take(3 * count).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().take(count).map(|proof| self.listed(proof)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::{Candidate, Input, Judgement, Limits, Refusal, Source};
    use super::*;
    use crate::message::Word;
    use crate::types::{Millis, PublicKey, ResourceCount, Sequence};
    use alloc::vec;

    const NOW: Millis = Millis(1_000);

    fn id(value: u8) -> Hash {
        Hash([value; 32])
    }

    /// Five proofs: 1 became final, 2 was refused, 3 to 5 are held.
    fn mempool() -> Mempool {
        let mut mempool = Mempool::new(Limits::new(10, 1_000, 10));
        for value in 1..=5 {
            let source = Source::Submitter(PublicKey([1; 32]));
            let candidate = Candidate { proof: id(value), statement: id(value + 100), size: 1, source };
            mempool.admit(NOW, candidate).unwrap();
            mempool.step(NOW, Input::Stored(vec![id(value)]));
        }
        let judgement = Judgement::Word(Word::Confirmed(ResourceCount(1)));
        mempool.step(NOW, Input::Judged { proof: id(3), judgement });
        mempool.step(NOW, Input::Final { sequence: Sequence(7), proofs: vec![id(1)] });
        mempool.step(NOW, Input::Refused { proof: id(2), words: vec![] });
        mempool
    }

    #[test]
    fn the_newest_come_first_and_no_more_than_asked_for() {
        let mut mempool = mempool();
        let ids = |listed: &[Listed]| listed.iter().map(|one| one.proof).collect::<Vec<_>>();
        let newest = mempool.newest(10);
        assert_eq!(ids(&newest.held), [id(5), id(4), id(3)]);
        assert_eq!(ids(&newest.ended), [id(2), id(1)]);
        assert_eq!(newest.ended[1].whereabouts, Whereabouts::Final(Sequence(7)));
        assert_eq!(
            newest.held[0],
            Listed { proof: id(5), statement: Some(id(105)), whereabouts: Whereabouts::Checking }
        );
        let newest = mempool.newest(1);
        assert_eq!((ids(&newest.held), ids(&newest.ended)), (vec![id(5)], vec![id(2)]));
        let refusal = Refusal::Malformed { line: 1, column: 1, text: "no".into() };
        mempool.step(NOW, Input::Malformed { proof: id(9), refusal });
        assert_eq!(ids(&mempool.newest(2).ended), [id(9), id(2)], "of both memories");
    }

    #[test]
    fn ids_and_statements_are_found_by_their_beginning() {
        let mempool = mempool();
        let found = |text: &str, count| mempool.with_prefix(&text.parse().unwrap(), count);
        let names = |text| found(text, 10).into_iter().map(|one| one.proof).collect::<Vec<_>>();
        assert_eq!(names("010101"), [id(1)], "final");
        assert_eq!(names("020202"), [id(2)], "refused");
        assert_eq!(names("0404040"), [id(4)], "held");
        assert_eq!(names("686868"), [id(4)], "by its statement");
        assert_eq!(names("777777"), []);
        assert_eq!(found("010101", 0), []);
    }
}
