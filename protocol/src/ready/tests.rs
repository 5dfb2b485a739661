//! Standing and refusal, on four equal stakes.

use super::*;
use crate::quorum::Validator;
use crate::types::{Epoch, NodeId, PublicKey, Stake};
use alloc::format;

const PROOF: Hash = Hash([1; 32]);
const NOW: Millis = Millis(1_000);

fn four() -> ValidatorSet {
    let validators = (0..4u8).map(|index| Validator {
        node_id: NodeId::new(&format!("node_{index}")).unwrap(),
        key: PublicKey([index; 32]),
        stake: Stake(10),
    });
    ValidatorSet::new(Hash::ZERO, Epoch(1), validators.collect()).unwrap()
}

fn ready() -> (ValidatorSet, Ready) {
    let set = four();
    let mut ready = Ready::new(ValidatorIndex(0));
    for peer in 1..4 {
        ready.session_opened(&set, ValidatorIndex(peer));
    }
    (set, ready)
}

fn mine(word: Word) -> Checked {
    Checked { proof: PROOF, statement: Hash([2; 32]), word }
}

fn confirmed(count: u64) -> Word {
    Word::Confirmed(ResourceCount(count))
}

#[test]
fn a_quorum_makes_a_proof_contested_and_everybody_makes_it_uncontested() {
    let (set, mut ready) = ready();
    ready.checked(&set, NOW, mine(confirmed(5)));
    ready.told(&set, NOW, ValidatorIndex(1), PROOF, confirmed(5));
    assert_eq!(ready.standing(&PROOF), Standing::Waiting);
    ready.told(&set, NOW, ValidatorIndex(2), PROOF, confirmed(5));
    assert_eq!(ready.standing(&PROOF), Standing::Contested);
    assert_eq!(ready.contested().count(), 1);
    ready.told(&set, NOW, ValidatorIndex(3), PROOF, confirmed(5));
    assert_eq!(ready.standing(&PROOF), Standing::Uncontested);
    assert_eq!((ready.uncontested().count(), ready.contested().count()), (1, 0));
}

#[test]
fn of_my_attestations_only_those_on_what_the_mempool_holds_are_retained() {
    let (set, mut ready) = ready();
    let proofs = [1, 2, 3, 4].map(|value| Hash([value; 32]));
    for proof in &proofs[..3] {
        ready.checked(&set, NOW, Checked { proof: *proof, ..mine(confirmed(5)) });
    }
    ready.told(&set, NOW, ValidatorIndex(1), proofs[3], confirmed(5));
    ready.retain_mine(&[proofs[0], proofs[2]]);
    assert_eq!(proofs.map(|proof| ready.mine(&proof).is_some()), [true, false, true, false]);
    assert_eq!(ready.announcers(&proofs[3], ResourceCount(5)).len(), 1, "a peer's is the peer's");
}

#[test]
fn a_quorum_without_the_missing_session_is_uncontested() {
    let (set, mut ready) = ready();
    ready.session_closed(&set, ValidatorIndex(3));
    ready.checked(&set, NOW, mine(confirmed(5)));
    ready.told(&set, NOW, ValidatorIndex(1), PROOF, confirmed(5));
    ready.told(&set, NOW, ValidatorIndex(2), PROOF, confirmed(5));
    assert_eq!(ready.standing(&PROOF), Standing::Uncontested);
    ready.session_closed(&set, ValidatorIndex(2));
    assert_eq!(ready.standing(&PROOF), Standing::Waiting, "words lapse with the session");
}

#[test]
fn another_count_is_not_mine() {
    let (set, mut ready) = ready();
    ready.checked(&set, NOW, mine(confirmed(5)));
    for peer in 1..4 {
        ready.told(&set, NOW, ValidatorIndex(peer), PROOF, confirmed(6));
    }
    assert_eq!(ready.standing(&PROOF), Standing::Waiting);
}

#[test]
fn doubted_announcers_do_not_make_a_contested_quorum() {
    let (set, mut ready) = ready();
    ready.checked(&set, NOW, mine(confirmed(5)));
    ready.told(&set, NOW, ValidatorIndex(1), PROOF, confirmed(5));
    ready.told(&set, NOW, ValidatorIndex(2), PROOF, confirmed(5));
    ready.set_doubted(&set, BTreeSet::from([ValidatorIndex(2)]));
    assert_eq!(ready.standing(&PROOF), Standing::Waiting);
    ready.told(&set, NOW, ValidatorIndex(3), PROOF, confirmed(5));
    assert_eq!(ready.standing(&PROOF), Standing::Uncontested, "everybody is Ready: doubt does not matter");
}

#[test]
fn a_proof_is_refused_when_every_count_has_a_third_against_it() {
    let (set, mut ready) = ready();
    assert_eq!(ready.checked(&set, NOW, mine(Word::Refuted)), None, "one of four is less than a third");
    let refusal = ready.told(&set, NOW, ValidatorIndex(1), PROOF, Word::NoVerdict).unwrap();
    assert_eq!(refusal.words, [(ValidatorIndex(0), Word::Refuted), (ValidatorIndex(1), Word::NoVerdict)]);
    assert_eq!(ready.told(&set, NOW, ValidatorIndex(2), PROOF, Word::Refuted), None, "said once");
}

#[test]
fn two_counts_contradict_each_other() {
    let (set, mut ready) = ready();
    ready.checked(&set, NOW, mine(confirmed(5)));
    ready.told(&set, NOW, ValidatorIndex(1), PROOF, confirmed(5));
    assert_eq!(ready.told(&set, NOW, ValidatorIndex(2), PROOF, confirmed(6)), None, "a quarter is against 5");
    assert!(ready.told(&set, NOW, ValidatorIndex(3), PROOF, confirmed(6)).is_some());
}

#[test]
fn one_dissenter_of_four_refuses_nothing() {
    let (set, mut ready) = ready();
    ready.checked(&set, NOW, mine(confirmed(5)));
    assert_eq!(ready.told(&set, NOW, ValidatorIndex(1), PROOF, Word::Refuted), None);
    assert_eq!(ready.told(&set, NOW, ValidatorIndex(2), PROOF, confirmed(5)), None);
    assert_eq!(ready.told(&set, NOW, ValidatorIndex(3), PROOF, confirmed(5)), None);
    assert_eq!(ready.standing(&PROOF), Standing::Contested);
}

#[test]
fn harder_proofs_go_first_and_old_ones_overtake_them() {
    let (set, mut ready) = ready();
    let announce = |ready: &mut Ready, proof: u8, count: u64, now: u64| {
        let proof = Hash([proof; 32]);
        let word = confirmed(count);
        ready.checked(&set, Millis(now), Checked { proof, statement: proof, word });
        (1..4).for_each(|peer| _ = ready.told(&set, Millis(now), ValidatorIndex(peer), proof, word));
    };
    announce(&mut ready, 1, 2, 10_000);
    announce(&mut ready, 2, 1 << 20, 10_000);
    announce(&mut ready, 3, 1 << 20, 60_000);
    let order: Vec<u8> = ready.uncontested().map(|checked| checked.proof.0[0]).collect();
    assert_eq!(order, [2, 1, 3]);
}

#[test]
fn forgotten_proofs_leave_every_place() {
    let (set, mut ready) = ready();
    ready.checked(&set, NOW, mine(confirmed(5)));
    (1..4).for_each(|peer| _ = ready.told(&set, NOW, ValidatorIndex(peer), PROOF, confirmed(5)));
    ready.forget(&PROOF);
    assert_eq!(ready.uncontested().count() + ready.contested().count() + ready.my_words().count(), 0);
    assert!(ready.sessions.values().all(|count| *count == 0));
}
