//! Under which keys a finding is remembered: by the bytes that were read, and by the statement that they make.
//!
//! Everything that decides a verdict is in a key: the claim, the solver's pin (the normaliser's version is part of it) and
//! the limits. Must never: let two checks that could end differently share a key.

use protocol::bytes::Layout;
use protocol::types::Hash;
use protocol::verdict::{Claim, SolverPin, VerifierParameters};

/// A key of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub [u8; 32]);

/// Who makes the claim, as far as it is known before the script is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    Given(Claim),
    /// The script says it itself, which its bytes decide: a caller that knows them need not look for it.
    ByScript,
}

/// What all obligations of a run have in common.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    pin: SolverPin,
    limits: VerifierParameters,
}

impl Keys {
    pub fn new(pin: SolverPin, limits: VerifierParameters) -> Keys {
        Keys { pin, limits }
    }

    pub fn pin(&self) -> SolverPin {
        self.pin
    }

    /// Of a script as it was read.
    pub fn of_bytes(&self, script: &Hash, claimed: Claimed) -> Key {
        let claimed = match claimed {
            Claimed::Given(claim) => claim.tag(),
            Claimed::ByScript => u8::MAX,
        };
        self.finish(Layout::new("pop/check/bytes/v1").hash(script).u8(claimed))
    }

    /// Of a query's script, where a solver answered that had answered other queries of its log before: nothing else may rest on
    /// that.
    pub fn of_query_in_series(&self, script: &Hash, claim: Claim) -> Key {
        self.finish(Layout::new("pop/check/incremental/v1").hash(script).u8(claim.tag()))
    }

    /// Of what a script and its claim say, whoever wrote it down.
    pub fn of_statement(&self, statement: &Hash) -> Key {
        self.finish(Layout::new("pop/check/statement/v1").hash(statement))
    }

    fn finish(&self, layout: Layout) -> Key {
        Key(self.limits.write(self.pin.write(layout)).digest().0)
    }
}

/// The hash of a script's bytes.
pub fn hash_of(script: &[u8]) -> Hash {
    Hash(*blake3::hash(script).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn whatever_may_change_a_verdict_changes_the_key() {
        let pin = SolverPin { library: Hash([1; 32]), normaliser_version: 5 };
        let limits = VerifierParameters::default();
        let mut longer = limits;
        longer.hard.cpu_ms += 1;
        let script = hash_of(b"(check-sat)");
        let contexts = [
            Keys::new(pin, limits),
            Keys::new(SolverPin { library: Hash([2; 32]), ..pin }, limits),
            Keys::new(SolverPin { normaliser_version: 6, ..pin }, limits),
            Keys::new(pin, longer),
        ];
        let mut keys = HashSet::new();
        for context in contexts {
            for claimed in [Claimed::Given(Claim::Sat), Claimed::Given(Claim::Unsat), Claimed::ByScript] {
                keys.insert(context.of_bytes(&script, claimed));
                keys.insert(context.of_bytes(&hash_of(b"(check-sat) "), claimed));
            }
            keys.insert(context.of_statement(&script));
            keys.insert(context.of_query_in_series(&script, Claim::Sat));
            keys.insert(context.of_query_in_series(&script, Claim::Unsat));
        }
        assert_eq!(keys.len(), 4 * 9);
    }
}
