//! Small scripts on their way to the peers: those that come in quick succession go together.
//!
//! The first after a pause goes at once; after that a message to each peer at intervals, so that no peer is sent more
//! messages than it reads.

use protocol::message::limits::PROOFS_MAX;
use protocol::proof::Proof;
use protocol::types::ValidatorIndex;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two messages of pushed scripts to one peer.
const INTERVAL: Duration = Duration::from_millis(8);
/// Bytes of scripts that wait for one peer. What is beyond is not pushed: the peer learns its id, and asks.
const BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Pushes {
    waiting: BTreeMap<ValidatorIndex, Vec<Proof>>,
    sent: Option<Instant>,
}

impl Pushes {
    /// Puts a script to those that wait. Says after how long they are to be taken, unless that was said already.
    pub(super) fn add(&mut self, proof: &Proof, to: &[ValidatorIndex]) -> Option<Duration> {
        let begins = self.waiting.is_empty();
        for peer in to {
            let waiting = self.waiting.entry(*peer).or_default();
            let bytes: usize = waiting.iter().map(|proof| proof.script.len()).sum();
            if waiting.len() < PROOFS_MAX && bytes + proof.script.len() <= BYTES_MAX {
                waiting.push(proof.clone());
            }
        }
        let rest = || self.sent.map_or(Duration::ZERO, |sent| INTERVAL.saturating_sub(sent.elapsed()));
        (begins && !self.waiting.is_empty()).then(rest)
    }

    pub(super) fn take(&mut self) -> BTreeMap<ValidatorIndex, Vec<Proof>> {
        self.sent = Some(Instant::now());
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::types::{PublicKey, Signature};
    use protocol::verdict::Claim;

    const PEER: ValidatorIndex = ValidatorIndex(1);

    fn proof(bytes: usize) -> Proof {
        let (submitter, signature) = (PublicKey([0; 32]), Signature([0; 64]));
        Proof { claim: Claim::Unsat, submitter, nonce: 0, script: vec![b' '; bytes], signature }
    }

    #[test]
    fn the_first_goes_at_once_and_the_next_ones_go_together_a_little_later() {
        let mut pushes = Pushes::default();
        assert_eq!(pushes.add(&proof(1), &[PEER]), Some(Duration::ZERO));
        assert_eq!(pushes.take()[&PEER].len(), 1);
        let wait = pushes.add(&proof(1), &[PEER]).unwrap();
        assert!(wait <= INTERVAL);
        assert_eq!(pushes.add(&proof(1), &[PEER]), None, "that was said already");
        assert_eq!(pushes.take()[&PEER].len(), 2);
    }

    #[test]
    fn what_waits_for_a_peer_is_bounded_in_count_and_bytes() {
        let mut pushes = Pushes::default();
        (0..2 * PROOFS_MAX).for_each(|_| _ = pushes.add(&proof(1), &[PEER]));
        assert_eq!(pushes.take()[&PEER].len(), PROOFS_MAX);
        (0..4).for_each(|_| _ = pushes.add(&proof(BYTES_MAX / 2), &[PEER]));
        assert_eq!(pushes.take()[&PEER].len(), 2);
    }
}
