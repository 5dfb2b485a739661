//! The mempool's rules by their effects, and its bounds under arbitrary inputs.

use super::*;
use crate::message::limits::{IDS_MAX, PROOFS_MAX};
use crate::message::{Message, Word};
use crate::ready::Checked;
use crate::types::{PublicKey, ResourceCount};
use alloc::vec;
use proptest::prelude::*;

mod bounds;
mod exchanging;

const NOW: Millis = Millis(1_000_000);
const ALICE: Source = Source::Submitter(PublicKey([1; 32]));
const BOB: Source = Source::Submitter(PublicKey([2; 32]));
const P1: ValidatorIndex = ValidatorIndex(1);
const P2: ValidatorIndex = ValidatorIndex(2);
const CONFIRMED: Word = Word::Confirmed(ResourceCount(100));

fn id(value: u64) -> Hash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&value.to_be_bytes());
    bytes[8] = 1;
    Hash(bytes)
}

fn statement(value: u64) -> Hash {
    Hash([id(value).0[7]; 32])
}

fn candidate(value: u64, size: u64, source: Source) -> Candidate {
    Candidate { proof: id(value), statement: statement(value), size, source }
}

/// Ten proofs, 1,000 bytes, half of it for one source, one check at once.
fn small() -> Mempool {
    Mempool::new(Limits::new(10, 1_000, 1))
}

fn check(value: u64) -> Effect {
    Effect::Check { proof: id(value), urgent: false }
}

fn restarted<const N: usize>(held: [u64; N]) -> Effect {
    Effect::Restarted { held: held.map(id).to_vec() }
}

fn tell(value: u64, word: Word) -> Effect {
    Effect::Tell(Checked { proof: id(value), statement: statement(value), word })
}

fn judged(value: u64, word: Word) -> Input {
    Input::Judged { proof: id(value), judgement: Judgement::Word(word) }
}

/// Admits and stores a proof; the effects of its storing.
fn put(mempool: &mut Mempool, value: u64, size: u64, source: Source) -> Vec<Effect> {
    let mut effects = mempool.admit(NOW, candidate(value, size, source)).unwrap();
    effects.extend(mempool.step(NOW, Input::Stored(vec![id(value)])));
    effects
}

#[test]
fn a_proof_is_checked_once_it_is_durable_and_consensus_is_told() {
    let mut mempool = small();
    assert_eq!(mempool.admit(NOW, candidate(1, 10, ALICE)), Ok(vec![]));
    assert_eq!(mempool.find(&id(1)), Whereabouts::Waiting);
    assert_eq!(mempool.step(NOW, Input::Tick), [], "nothing happens before it is durable");
    assert_eq!(mempool.step(NOW, Input::Stored(vec![id(1)])), [check(1)]);
    assert_eq!(mempool.find(&id(1)), Whereabouts::Checking);
    assert_eq!((mempool.oldest(1), mempool.oldest(0)), (vec![id(1)], vec![]));
    assert_eq!(mempool.step(NOW, judged(1, CONFIRMED)), [tell(1, CONFIRMED)]);
    let pending = Whereabouts::Pending { mine: CONFIRMED, words: vec![], disputed: false };
    assert_eq!(mempool.find(&id(1)), pending);
    assert_eq!(mempool.step(NOW, Input::Final { sequence: Sequence(7), proofs: vec![id(1)] }), []);
    assert_eq!(mempool.find(&id(1)), Whereabouts::Final(Sequence(7)));
    assert_eq!(mempool.figures().proofs, 0);
}

#[test]
fn what_is_held_or_ended_is_not_admitted_again() {
    let mut mempool = small();
    put(&mut mempool, 1, 10, ALICE);
    assert_eq!(mempool.admit(NOW, candidate(1, 10, BOB)), Err(Whereabouts::Checking));
    mempool.step(NOW, Input::Final { sequence: Sequence(2), proofs: vec![id(3)] });
    assert_eq!(mempool.admit(NOW, candidate(3, 10, BOB)), Err(Whereabouts::Final(Sequence(2))));
    let refusal = Refusal::Malformed { line: 3, column: 9, text: "no check-sat".into() };
    mempool.step(NOW, Input::Malformed { proof: id(4), refusal: refusal.clone() });
    assert_eq!(mempool.admit(NOW, candidate(4, 10, BOB)), Err(Whereabouts::Refused(refusal)));
}

#[test]
fn a_statement_is_found_by_the_proof_that_is_held_and_then_by_the_one_that_was_refused() {
    let mut mempool = small();
    let again = Candidate { proof: id(2), ..candidate(1, 10, BOB) };
    assert_eq!(mempool.find_statement(&statement(1)), None);
    put(&mut mempool, 1, 10, ALICE);
    mempool.admit(NOW, again).unwrap();
    assert_eq!(mempool.find_statement(&statement(1)), Some((id(1), Whereabouts::Checking)), "the older of the two");
    mempool.step(NOW, judged(1, Word::Refuted));
    let words = vec![(P1, Word::Refuted)];
    mempool.step(NOW, Input::Refused { proof: id(1), words: words.clone() });
    assert_eq!(mempool.find_statement(&statement(1)), Some((id(2), Whereabouts::Waiting)), "it is checked again");
    mempool.step(NOW, Input::Stored(vec![id(2)]));
    mempool.step(NOW, Input::Refused { proof: id(2), words: words.clone() });
    let refused = Whereabouts::Refused(Refusal::Words { words });
    assert_eq!(mempool.find_statement(&statement(1)), Some((id(2), refused)));
    put(&mut mempool, 3, 10, ALICE);
    mempool.step(NOW, Input::Final { sequence: Sequence(7), proofs: vec![id(3)] });
    mempool.step(NOW, judged(3, CONFIRMED));
    assert_eq!(mempool.find_statement(&statement(3)), None, "what is final, the index knows");
}

#[test]
fn one_source_cannot_fill_it_and_is_told_why() {
    let mut mempool = small();
    (1..=5).for_each(|value| drop(put(&mut mempool, value, 10, ALICE)));
    let refused = mempool.admit(NOW, candidate(6, 10, ALICE));
    let Err(Whereabouts::Refused(refusal @ Refusal::SourceFull { proofs: 5, proofs_max: 5, bytes: 50, .. })) = refused
    else {
        panic!("{refused:?}")
    };
    assert!(alloc::format!("{refusal}").contains("already has 5 of 5 pending proofs"), "{refusal}");
    assert_eq!(mempool.find(&id(6)), Whereabouts::Unknown, "a want of room is not remembered against the proof");
    put(&mut mempool, 6, 10, BOB);
}

#[test]
fn who_finds_no_room_is_told_when_to_come_back_by_the_rate_at_which_proofs_end() {
    let mut mempool = Mempool::new(Limits::new(10, 1_000, 1));
    let end = |mempool: &mut Mempool, now, value| {
        mempool.step(now, judged(value, CONFIRMED));
        mempool.step(now, Input::Final { sequence: Sequence(value), proofs: vec![id(value)] });
    };
    for value in 0..20 {
        put(&mut mempool, value, 10, if value % 2 == 0 { ALICE } else { BOB });
        if value < 10 {
            end(&mut mempool, NOW.saturating_add(Millis(value * 2_000)), value);
        }
    }
    let now = NOW.saturating_add(Millis(19_999));
    let refused = |source| mempool.room(now, source, &id(99), 10).unwrap_err();
    let (source_full, full) = (refused(ALICE), refused(Source::Peer(P1)));
    assert!(matches!((&source_full, &full), (Refusal::SourceFull { .. }, Refusal::Full { .. })), "{full:?}");
    // Ten ended within twenty seconds: a place every two, and half of them are Alice's.
    assert_eq!(mempool.come_back(now, &source_full), Some(Millis(4_000)));
    assert_eq!(mempool.come_back(now, &full), Some(Millis(2_000)));
    assert_eq!(mempool.come_back(now, &full), Some(Millis(4_000)), "the next place was promised to the one before");
    let malformed = Refusal::Malformed { line: 1, column: 1, text: "no check-sat".into() };
    assert_eq!(mempool.come_back(now, &malformed), None);
}

#[test]
fn all_submitters_together_have_a_share_and_leave_room_for_what_others_took_in() {
    let mut mempool = Mempool::new(Limits::new(12, 1_000, 1).shared_by(4, 100));
    (1..=3).for_each(|value| drop(put(&mut mempool, value, 10, if value == 2 { BOB } else { ALICE })));
    let share = |proofs, size| Refusal::ShareFull { proofs, proofs_max: 3, bytes: 30, bytes_max: 250, size };
    assert_eq!(mempool.room(NOW, BOB, &id(4), 10), Err(share(3, 10)));
    assert_eq!(mempool.come_back(NOW, &share(3, 10)), Some(Millis(10_000)), "nothing has ended yet");
    (10..=15).for_each(|value| drop(put(&mut mempool, value, 10, Source::Peer(P1))));
    (20..=22).for_each(|value| drop(put(&mut mempool, value, 10, Source::Peer(P2))));
    assert!(matches!(mempool.room(NOW, Source::Peer(P2), &id(30), 10), Err(Refusal::Full { proofs: 12, .. })));
    // A disputed one of a submitter gives way to another submitter's.
    mempool.step(NOW, Input::Words { from: P1, words: vec![] });
    mempool.step(NOW, judged(1, Word::NoVerdict));
    assert_eq!(mempool.room(NOW, BOB, &id(4), 10), Ok(()));
    let alone = Limits::new(12, 1_000, 1).shared_by(1_000, 100);
    assert_eq!((alone.api_proofs_max, alone.api_bytes_max), (1, 100), "one of the longest scripts fits");
}

#[test]
fn bytes_are_bounded_too() {
    let mut mempool = small();
    put(&mut mempool, 1, 490, ALICE);
    let refused = mempool.admit(NOW, candidate(2, 11, ALICE));
    assert!(matches!(refused, Err(Whereabouts::Refused(Refusal::SourceFull { bytes: 490, size: 11, .. }))));
    put(&mut mempool, 2, 10, ALICE);
    put(&mut mempool, 3, 500, BOB);
    let refused = mempool.admit(NOW, candidate(4, 1, Source::Peer(P1)));
    let full = Refusal::Full { proofs: 3, proofs_max: 10, bytes: 1_000, bytes_max: 1_000, size: 1 };
    assert_eq!(refused, Err(Whereabouts::Refused(full)));
}

#[test]
fn the_oldest_disputed_proof_gives_way_by_name() {
    let mut mempool = Mempool::new(Limits::new(4, 1_000, 9));
    for value in 1..=4 {
        put(&mut mempool, value, 10, if value % 2 == 0 { ALICE } else { BOB });
        mempool.step(NOW, judged(value, if value == 1 { CONFIRMED } else { Word::NoVerdict }));
    }
    assert_eq!(mempool.figures().disputed, 3);
    let refuse = |value| Effect::Refuse { proof: id(value), refusal: Refusal::Displaced };
    assert_eq!(mempool.admit(NOW, candidate(5, 10, Source::Peer(P1))), Ok(vec![refuse(2)]));
    assert_eq!(mempool.find(&id(2)), Whereabouts::Refused(Refusal::Displaced));
    // Who had to go does not come back at another's cost.
    assert!(matches!(
        mempool.admit(NOW, candidate(2, 10, Source::Peer(P1))),
        Err(Whereabouts::Refused(Refusal::Full { .. }))
    ));
    mempool.step(NOW, Input::Final { sequence: Sequence(1), proofs: vec![id(1)] });
    assert_eq!(mempool.admit(NOW, candidate(2, 10, Source::Peer(P1))), Ok(vec![]));
}

#[test]
fn a_source_that_is_full_displaces_only_its_own() {
    let mut mempool = Mempool::new(Limits::new(4, 1_000, 9));
    for (value, source) in [(1, BOB), (2, ALICE), (3, ALICE)] {
        put(&mut mempool, value, 10, source);
        mempool.step(NOW, judged(value, Word::Refuted));
    }
    let refuse = Effect::Refuse { proof: id(2), refusal: Refusal::Displaced };
    assert_eq!(mempool.admit(NOW, candidate(4, 10, ALICE)), Ok(vec![refuse]));
}

#[test]
fn a_word_of_a_peer_that_differs_contests_until_its_session_ends() {
    let mut mempool = small();
    mempool.step(NOW, Input::SessionOpened(P1));
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, judged(1, CONFIRMED));
    let other = Word::Confirmed(ResourceCount(101));
    mempool.step(NOW, Input::Words { from: P1, words: vec![(id(1), other)] });
    let disputed = Whereabouts::Pending { mine: CONFIRMED, words: vec![(P1, other)], disputed: true };
    assert_eq!(mempool.find(&id(1)), disputed);
    mempool.step(NOW, Input::SessionClosed(P1));
    let pending = Whereabouts::Pending { mine: CONFIRMED, words: vec![], disputed: false };
    assert_eq!(mempool.find(&id(1)), pending);
}

#[test]
fn checks_are_handed_out_one_for_each_free_place() {
    let mut mempool = Mempool::new(Limits::new(10, 1_000, 2));
    for value in 1..=4 {
        mempool.admit(NOW, candidate(value, 100 - value, ALICE)).unwrap();
    }
    let stored = mempool.step(NOW, Input::Stored((1..=4).map(id).collect()));
    assert_eq!(stored, [check(4), check(3)], "the shortest first");
    assert_eq!(mempool.step(NOW, judged(3, CONFIRMED)), [tell(3, CONFIRMED), check(2)]);
    assert_eq!(mempool.step(NOW, judged(3, CONFIRMED)), [], "a verdict is taken once");
}

#[test]
fn a_check_that_was_ended_from_outside_is_tried_again_later() {
    let mut mempool = small();
    put(&mut mempool, 1, 10, ALICE);
    assert_eq!(mempool.step(NOW, Input::Judged { proof: id(1), judgement: Judgement::Again }), []);
    let due = NOW.saturating_add(RETRY_DELAY);
    assert_eq!(mempool.wakeup(), Some(due));
    assert_eq!(mempool.step(Millis(due.0 - 1), Input::Tick), []);
    assert_eq!(mempool.step(due, Input::Tick), [check(1)]);
}

#[test]
fn a_needed_proof_is_checked_before_all_others() {
    let mut mempool = small();
    for value in 1..=4 {
        put(&mut mempool, value, value, ALICE);
    }
    let need = |proofs| Input::Need { proofs, from: vec![P1] };
    let urgent = Effect::Check { proof: id(4), urgent: true };
    assert_eq!(mempool.step(NOW, need(vec![id(4)])), [urgent], "one beyond the usual places");
    assert_eq!(mempool.step(NOW, judged(4, CONFIRMED)), [tell(4, CONFIRMED)]);
    assert_eq!(mempool.step(NOW, need(vec![id(4)])), [tell(4, CONFIRMED)], "what is known is told again");
}

#[test]
fn a_refusal_by_others_word_names_them_and_final_overrides_it() {
    let mut mempool = small();
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, judged(1, Word::Refuted));
    let words = vec![(P1, Word::Refuted), (P2, Word::NoVerdict)];
    let refusal = Refusal::Words { words: words.clone() };
    let effect = Effect::Refuse { proof: id(1), refusal: refusal.clone() };
    assert_eq!(mempool.step(NOW, Input::Refused { proof: id(1), words }), [effect]);
    assert_eq!(mempool.find(&id(1)), Whereabouts::Refused(refusal.clone()));
    assert_eq!(mempool.statement(&id(1)), Some(statement(1)), "its report is still found");
    assert_eq!(mempool.admit(NOW, candidate(1, 10, ALICE)), Err(Whereabouts::Refused(refusal)));
    mempool.step(NOW, Input::Final { sequence: Sequence(9), proofs: vec![id(1)] });
    assert_eq!(mempool.find(&id(1)), Whereabouts::Final(Sequence(9)));
}

#[test]
fn a_rebuilt_consensus_hears_all_my_words_again() {
    let mut mempool = Mempool::new(Limits::new(10, 1_000, 9));
    for value in 1..=3 {
        put(&mut mempool, value, 10, ALICE);
    }
    mempool.step(NOW, judged(1, CONFIRMED));
    mempool.step(NOW, judged(3, Word::Refuted));
    assert_eq!(mempool.step(NOW, Input::ConsensusRestarted), [tell(1, CONFIRMED), tell(3, Word::Refuted)]);
}

#[test]
fn a_rebuilt_pool_is_asked_again() {
    let mut mempool = small();
    put(&mut mempool, 1, 10, ALICE);
    assert_eq!(mempool.step(NOW, Input::PoolRestarted), [check(1)]);
}

#[test]
fn what_was_accepted_is_checked_after_a_restart_even_above_lowered_limits() {
    let held = [(candidate(1, 10, ALICE), None), (candidate(2, 20, Source::Peer(P1)), None)];
    let mut mempool = Mempool::restored(Limits::new(1, 1_000, 9), &held);
    assert_eq!(mempool.step(NOW, Input::Tick), [restarted([1, 2]), check(1), check(2)]);
    assert_eq!(mempool.figures().proofs, 2);
    assert!(mempool.admit(NOW, candidate(3, 1, BOB)).is_err());
}

#[test]
fn what_was_checked_is_not_checked_again_after_a_restart_and_its_word_is_told() {
    let words = [Some(CONFIRMED), None, Some(Word::Refuted)];
    let held: Vec<_> = (1..).zip(words).map(|(value, word)| (candidate(value, 20, ALICE), word)).collect();
    let mut mempool = Mempool::restored(Limits::new(3, 60, 9), &held);
    assert_eq!(mempool.wakeup(), Some(Millis(0)), "it is due at once");
    let told = [restarted([1, 2, 3]), tell(1, CONFIRMED), tell(3, Word::Refuted), check(2)];
    assert_eq!(mempool.step(NOW, Input::Tick), told);
    assert_eq!((mempool.wakeup(), mempool.step(NOW, Input::Tick)), (None, vec![]), "once");
    assert_eq!((mempool.holdings().ready, mempool.figures().disputed), (1, 1));
    assert_eq!((mempool.figures().proofs, mempool.figures().bytes), (3, 60));
    // A disputed one makes room, the others do not.
    let made_room = mempool.admit(NOW, candidate(4, 20, BOB)).unwrap();
    assert_eq!(made_room, [Effect::Refuse { proof: id(3), refusal: Refusal::Displaced }]);
    assert!(mempool.admit(NOW, candidate(5, 20, BOB)).is_err());
}

/// A random case once found it waiting for ever.
#[test]
fn what_was_restored_unchecked_is_checked_without_a_further_input_although_it_is_admitted_again() {
    let mut mempool = Mempool::restored(Limits::new(20, 2_000, 3), &[(candidate(1, 10, ALICE), None)]);
    assert_eq!(mempool.admit(NOW, candidate(1, 10, ALICE)), Err(Whereabouts::Waiting));
    assert_eq!(mempool.wakeup(), Some(Millis(0)), "it is due at once");
    assert_eq!(mempool.step(NOW, Input::Tick), [restarted([1]), check(1)]);
    assert_eq!(mempool.wakeup(), None);
}

#[test]
fn a_check_that_a_displacement_freed_is_handed_out_without_a_further_input() {
    let mut mempool = Mempool::new(Limits::new(2, 1_000, 1));
    mempool.step(NOW, Input::SessionOpened(P1));
    mempool.step(NOW, Input::Tick);
    put(&mut mempool, 1, 10, ALICE);
    put(&mut mempool, 2, 20, BOB);
    mempool.step(NOW, Input::Words { from: P1, words: vec![(id(1), Word::Refuted)] });
    let displaced = vec![Effect::Refuse { proof: id(1), refusal: Refusal::Displaced }, Effect::Cancel(id(1))];
    assert_eq!(mempool.admit(NOW, candidate(3, 10, Source::Peer(P2))), Ok(displaced));
    assert_eq!(mempool.wakeup(), Some(Millis(0)));
    assert_eq!(mempool.step(NOW, Input::Tick), [check(2)]);
    assert_ne!(mempool.wakeup(), Some(Millis(0)));
}

#[test]
fn a_parked_check_does_not_put_off_the_scripts_that_are_wanted() {
    let mut mempool = small();
    mempool.step(NOW, Input::SessionOpened(P1));
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, Input::Tick);
    mempool.step(NOW, Input::Arrived { from: P1, proofs: vec![id(2)] });
    let looking = mempool.wakeup();
    mempool.step(NOW, Input::Judged { proof: id(1), judgement: Judgement::Again });
    assert_eq!(mempool.wakeup(), looking);
    assert!(looking.is_some_and(|at| at.since(NOW) < EXCHANGE_INTERVAL), "{looking:?}");
}

#[test]
fn a_proof_that_became_final_unchecked_is_checked_for_a_late_prepare_and_then_dropped() {
    let mut mempool = small();
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, Input::Final { sequence: Sequence(5), proofs: vec![id(1)] });
    assert_eq!(mempool.step(NOW, judged(1, CONFIRMED)), [tell(1, CONFIRMED), Effect::Delete(id(1))]);
    assert_eq!(mempool.figures().proofs, 0);
    assert_eq!(mempool.find(&id(1)), Whereabouts::Final(Sequence(5)));
}

#[test]
fn a_late_check_is_given_up_when_no_prepare_could_earn_any_more() {
    let mut mempool = small();
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, Input::Final { sequence: Sequence(5), proofs: vec![id(1)] });
    assert_eq!(mempool.step(NOW, Input::Final { sequence: Sequence(13), proofs: vec![] }), []);
    let over = mempool.step(NOW, Input::Final { sequence: Sequence(14), proofs: vec![] });
    assert_eq!(over, [Effect::Delete(id(1)), Effect::Cancel(id(1))]);
    assert_eq!(mempool.figures(), Figures { proofs_max: 10, bytes_max: 1_000, ..Figures::default() });
}

#[test]
fn what_ended_while_it_was_written_is_deleted_when_it_is() {
    let mut mempool = small();
    mempool.admit(NOW, candidate(1, 10, ALICE)).unwrap();
    mempool.step(NOW, Input::Missing(id(1)));
    assert_eq!(mempool.step(NOW, Input::Stored(vec![id(1)])), [Effect::Delete(id(1))]);
}

#[test]
fn final_overrides_a_displacement_of_a_late_proof() {
    let mut mempool = small();
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, Input::Final { sequence: Sequence(5), proofs: vec![id(1)] });
    let refused = Input::Refused { proof: id(1), words: vec![(P1, Word::Refuted)] };
    assert_eq!(mempool.step(NOW, refused), [Effect::Delete(id(1)), Effect::Cancel(id(1))]);
    assert_eq!(mempool.find(&id(1)), Whereabouts::Final(Sequence(5)));
}

#[test]
fn what_is_held_is_told_by_who_brought_it_how_far_it_has_come_and_since_when() {
    let mut mempool = Mempool::new(Limits::new(10, 1_000, 9));
    assert_eq!((mempool.holdings().submitted, mempool.holdings().oldest), (0, None));
    for (value, at, source) in [(1, 10, ALICE), (2, 20, Source::Peer(P1)), (3, 30, ALICE)] {
        mempool.admit(Millis(at), candidate(value, 10, source)).unwrap();
        mempool.step(Millis(at), Input::Stored(vec![id(value)]));
    }
    mempool.step(NOW, judged(1, CONFIRMED));
    mempool.step(NOW, judged(2, Word::Refuted));
    let Holdings { figures, submitted, submitted_bytes, ready, oldest } = mempool.holdings();
    assert_eq!((figures.proofs, submitted, submitted_bytes, ready), (3, 2, 20, 1));
    assert_eq!(oldest, Some(Millis(10)));
    mempool.step(NOW, Input::Final { sequence: Sequence(7), proofs: vec![id(1)] });
    assert_eq!((mempool.holdings().ready, mempool.holdings().oldest), (0, Some(Millis(20))));
}
