//! What peers are told and asked, message by message.

use super::*;

fn pending(to: ValidatorIndex, values: &[u64]) -> Effect {
    Effect::Send(to, Message::Pending(values.iter().copied().map(id).collect()))
}

fn request(to: ValidatorIndex, values: impl IntoIterator<Item = u64>) -> Effect {
    Effect::Send(to, Message::ProofRequest(values.into_iter().map(id).collect()))
}

fn offered(from: ValidatorIndex, values: impl IntoIterator<Item = u64>) -> Input {
    Input::Offered { from, proofs: values.into_iter().map(id).collect() }
}

fn arrived(from: ValidatorIndex, values: &[u64]) -> Input {
    Input::Arrived { from, proofs: values.iter().copied().map(id).collect() }
}

fn at(millis: u64) -> Millis {
    NOW.saturating_add(Millis(millis))
}

/// With room for 1,000 proofs, sessions with P1 and P2, at a time when everything was just exchanged.
fn connected() -> Mempool {
    let mut mempool = Mempool::new(Limits::new(1_000, 1 << 30, 1));
    mempool.step(NOW, Input::SessionOpened(P1));
    mempool.step(NOW, Input::SessionOpened(P2));
    mempool.step(NOW, Input::Tick);
    mempool
}

#[test]
fn a_new_session_hears_every_durable_proof() {
    let mut mempool = small();
    put(&mut mempool, 2, 10, ALICE);
    put(&mut mempool, 1, 10, Source::Peer(P2));
    mempool.admit(NOW, candidate(3, 10, ALICE)).unwrap();
    mempool.step(NOW, Input::Tick);
    for session in 1..=2 {
        assert_eq!(mempool.step(NOW, Input::SessionOpened(P1)), [], "other things come first");
        assert_eq!(mempool.wakeup(), Some(Millis(0)), "but it is due at once");
        assert_eq!(mempool.step(NOW, Input::Tick), [pending(P1, &[2, 1])], "oldest first, in session {session}");
        assert_eq!(mempool.step(NOW, Input::Tick), [], "once");
    }
    mempool.step(NOW, Input::SessionOpened(P1));
    mempool.step(NOW, Input::SessionClosed(P1));
    assert_eq!(mempool.step(NOW, Input::Tick), [], "whoever is gone is told nothing");
}

#[test]
fn a_small_script_from_the_api_is_pushed_and_a_long_one_is_named() {
    let mut mempool = connected();
    let push = Effect::Push { proof: id(1), to: vec![P1, P2] };
    assert_eq!(put(&mut mempool, 1, PUSH_BYTES_MAX, ALICE), [push, check(1)]);
    let named = put(&mut mempool, 2, PUSH_BYTES_MAX + 1, ALICE);
    assert_eq!(named, [pending(P1, &[2]), pending(P2, &[2])]);
}

#[test]
fn a_proof_from_a_peer_is_told_to_all_a_little_later_and_its_sender_learns_that_it_came() {
    let mut mempool = connected();
    assert_eq!(put(&mut mempool, 1, 10, Source::Peer(P1)), [check(1)]);
    assert_eq!(mempool.wakeup(), Some(NOW.saturating_add(RELAY_DELAY)));
    assert_eq!(mempool.step(at(100), Input::Tick), [pending(P1, &[1]), pending(P2, &[1])]);
}

#[test]
fn ids_are_told_again_every_second_until_the_peer_is_known_to_have_them() {
    let mut mempool = connected();
    put(&mut mempool, 1, 10, ALICE);
    assert_eq!(mempool.step(at(999), Input::Tick), []);
    assert_eq!(mempool.step(at(1_000), Input::Tick), [pending(P1, &[1]), pending(P2, &[1])]);
    mempool.step(at(1_000), offered(P1, [1]));
    mempool.step(at(1_000), Input::Words { from: P2, words: vec![(id(1), CONFIRMED)] });
    assert_eq!(mempool.step(at(2_000), Input::Tick), [], "an offer or a word shows that it is there");
}

/// Found by the simulated network: two that answered each other's offers with offers never stopped.
#[test]
fn an_offer_of_what_is_held_is_not_answered_by_an_offer() {
    let mut mempool = connected();
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, offered(P1, [1]));
    mempool.step(NOW, offered(P2, [1]));
    mempool.step(at(1_000), offered(P1, [1]));
    assert_eq!(mempool.step(at(1_100), Input::Tick), []);
    assert_eq!(mempool.step(at(2_000), Input::Tick), []);
}

/// Found by the simulated network: the one message with the word of a peer that had refused the proof was lost, and the
/// proof never ended here.
#[test]
fn a_checked_proof_is_named_again_to_who_has_no_word_on_it() {
    let mut mempool = connected();
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, offered(P1, [1]));
    mempool.step(NOW, Input::Judged { proof: id(1), judgement: Judgement::Word(CONFIRMED) });
    mempool.step(NOW, Input::Words { from: P2, words: vec![(id(1), CONFIRMED)] });
    assert_eq!(mempool.step(at(1_000), Input::Tick), [pending(P1, &[1])]);
    mempool.step(at(1_500), Input::Words { from: P1, words: vec![(id(1), CONFIRMED)] });
    assert_eq!(mempool.step(at(2_000), Input::Tick), []);
}

#[test]
fn many_ids_are_told_in_turns() {
    let count = IDS_MAX as u64 + 5;
    let held: Vec<_> = (0..count).map(|value| (candidate(value, 1, ALICE), None)).collect();
    let mut mempool = Mempool::restored(Limits::new(20_000, 1 << 30, 1), &held);
    mempool.step(NOW, Input::Tick);
    let first: Vec<u64> = (0..IDS_MAX as u64).collect();
    mempool.step(NOW, Input::SessionOpened(P1));
    assert_eq!(mempool.step(NOW, Input::Tick), [pending(P1, &first)]);
    let second = mempool.step(at(1_000), Input::Tick);
    let Some(Effect::Send(P1, Message::Pending(ids))) = second.first() else { panic!("{second:?}") };
    assert_eq!(ids.len(), IDS_MAX);
    assert_eq!(ids[..5], (count - 5..count).map(id).collect::<Vec<_>>(), "it goes on where it ended");
}

#[test]
fn what_a_peer_offers_is_asked_for_once() {
    let mut mempool = connected();
    assert_eq!(mempool.step(NOW, offered(P1, [1, 2])), [request(P1, [1, 2])]);
    assert_eq!(mempool.find(&id(1)), Whereabouts::Fetching);
    assert_eq!(mempool.step(NOW, offered(P2, [1, 2])), [], "it is under way");
    assert_eq!(mempool.step(NOW, arrived(P1, &[1, 2])), []);
    mempool.admit(NOW, candidate(1, 10, Source::Peer(P1))).unwrap();
    let refusal = Refusal::Malformed { line: 1, column: 1, text: "no".into() };
    mempool.step(NOW, Input::Malformed { proof: id(2), refusal });
    assert_eq!(mempool.figures().fetching, 0);
    assert_eq!(mempool.step(NOW, offered(P2, [1, 2])), []);
}

#[test]
fn an_answer_that_was_cut_off_is_followed_by_a_request_for_the_rest() {
    let mut mempool = connected();
    mempool.step(NOW, offered(P1, [1, 2, 3]));
    assert_eq!(mempool.step(NOW, arrived(P1, &[1])), [request(P1, [2, 3])]);
}

#[test]
fn an_empty_answer_turns_to_another_peer() {
    let mut mempool = connected();
    mempool.step(NOW, offered(P1, [1]));
    mempool.step(NOW, offered(P2, [1]));
    assert_eq!(mempool.step(NOW, arrived(P1, &[])), [request(P2, [1])]);
    assert_eq!(mempool.step(NOW, arrived(P2, &[])), []);
    assert_eq!(mempool.find(&id(1)), Whereabouts::Unknown, "nobody has it");
}

#[test]
fn after_the_deadline_another_peer_is_asked_and_the_silent_one_rests() {
    let mut mempool = connected();
    mempool.step(NOW, offered(P1, [1]));
    mempool.step(NOW, offered(P2, [1]));
    assert_eq!(mempool.wakeup(), Some(at(200)), "wants are looked at now and then");
    assert_eq!(mempool.step(at(1_999), Input::Tick), []);
    assert_eq!(mempool.step(at(2_000), Input::Tick), [request(P2, [1])]);
    assert_eq!(mempool.step(at(2_000), offered(P1, [2])), [], "it let a request lapse");
    assert_eq!(mempool.step(at(3_000), Input::Tick), [request(P1, [2])]);
}

#[test]
fn what_a_closed_session_was_asked_for_is_asked_of_another() {
    let mut mempool = connected();
    mempool.step(NOW, offered(P1, [1]));
    mempool.step(NOW, offered(P2, [1]));
    assert_eq!(mempool.step(NOW, Input::SessionClosed(P1)), [request(P2, [1])]);
}

#[test]
fn a_proof_that_came_with_a_bad_signature_is_fetched_elsewhere() {
    let mut mempool = connected();
    mempool.step(NOW, offered(P1, [1]));
    mempool.step(NOW, offered(P2, [1]));
    mempool.step(NOW, arrived(P1, &[1]));
    assert_eq!(mempool.step(NOW, Input::Spoiled { from: P1, proof: id(1) }), [request(P2, [1])]);
}

#[test]
fn a_needed_script_is_asked_of_the_named_peers_first_two_at_once() {
    let mut mempool = connected();
    let need = Input::Need { proofs: vec![id(1)], from: vec![P2] };
    assert_eq!(mempool.step(NOW, need), [request(P2, [1])]);
    let need = Input::Need { proofs: vec![id(2)], from: vec![P2, P1] };
    assert_eq!(mempool.step(NOW, need), [request(P1, [2]), request(P2, [2])]);
    let again = mempool.step(at(500), Input::Tick);
    assert_eq!(again, [request(P1, [2]), request(P2, [1, 2])], "each again after all, while it is needed");
    assert_eq!(mempool.step(at(60_500), Input::Tick), []);
    assert_eq!(mempool.figures().fetching, 0);
}

#[test]
fn a_needed_proof_is_admitted_and_checked_although_the_mempool_is_full() {
    let mut mempool = small();
    mempool.step(NOW, Input::SessionOpened(P1));
    mempool.step(NOW, Input::Tick);
    for value in 1..=10 {
        put(&mut mempool, value, 1, if value % 2 == 0 { ALICE } else { BOB });
    }
    assert_eq!(mempool.step(NOW, offered(P1, [20])), [], "there is no room for what is merely offered");
    let need = Input::Need { proofs: vec![id(21)], from: vec![P1] };
    assert_eq!(mempool.step(NOW, need), [request(P1, [21])]);
    mempool.step(NOW, arrived(P1, &[21]));
    assert_eq!(mempool.admit(NOW, candidate(21, 5_000, Source::Peer(P1))), Ok(vec![]));
    let urgent = Effect::Check { proof: id(21), urgent: true };
    assert_eq!(mempool.step(NOW, Input::Stored(vec![id(21)])), [urgent]);
}

#[test]
fn a_script_that_came_unasked_is_asked_of_nobody_while_it_is_looked_at() {
    let mut mempool = connected();
    assert_eq!(mempool.step(NOW, arrived(P1, &[1])), []);
    assert_eq!(mempool.step(NOW, offered(P2, [1])), []);
    assert_eq!(mempool.step(at(4_999), Input::Tick), []);
    assert_eq!(mempool.step(at(5_000), Input::Tick), [request(P1, [1])], "it was lost on the way");
}

#[test]
fn a_peer_that_still_holds_what_i_refused_hears_my_word() {
    let mut mempool = connected();
    put(&mut mempool, 1, 10, ALICE);
    mempool.step(NOW, judged(1, Word::Refuted));
    mempool.step(NOW, Input::Refused { proof: id(1), words: vec![(P1, Word::Refuted)] });
    let word = Message::Checked(vec![(id(1), Word::Refuted)]);
    assert_eq!(mempool.step(NOW, offered(P2, [1])), [Effect::Send(P2, word)]);
}

#[test]
fn scripts_are_served_and_no_peer_has_more_than_its_share_read_at_once() {
    let mut mempool = connected();
    let asked = |from| Input::Asked { from, proofs: (0..100).map(id).collect() };
    let serve = |to| Effect::Serve { to, proofs: (0..PROOFS_MAX as u64).map(id).collect() };
    for _ in 0..SERVING_MAX {
        assert_eq!(mempool.step(NOW, asked(P1)), [serve(P1)]);
    }
    assert_eq!(mempool.step(NOW, asked(P1)), []);
    assert_eq!(mempool.step(NOW, asked(P2)), [serve(P2)]);
    mempool.step(NOW, Input::Served(P1));
    assert_eq!(mempool.step(NOW, asked(P1)), [serve(P1)]);
}

#[test]
fn requests_are_bounded_and_go_on_as_answers_come() {
    let mut mempool = connected();
    let first = mempool.step(NOW, offered(P1, 0..200));
    assert_eq!(first, [request(P1, 0..64)], "one request to a peer at once");
    let answer: Vec<u64> = (0..64).collect();
    assert_eq!(mempool.step(NOW, arrived(P1, &answer)), [request(P1, 64..128)]);
}

#[test]
fn strangers_without_a_session_are_not_listened_to() {
    let mut mempool = small();
    assert_eq!(mempool.step(NOW, offered(P1, [1])), []);
    assert_eq!(mempool.step(NOW, Input::Asked { from: P1, proofs: vec![id(1)] }), []);
    assert_eq!(mempool.figures().fetching, 0);
}

/// Two mempools that exchange everything they say come to rest holding the same.
#[test]
fn two_mempools_become_equal_and_then_silent() {
    let mut sides = [connected(), connected()];
    for side in &mut sides {
        side.step(NOW, Input::SessionClosed(P2));
    }
    for value in 0..300 {
        put(&mut sides[(value % 2) as usize], value, 20_000, ALICE);
    }
    let mut quiet = 0;
    for round in 0..200 {
        let now = at(round * 100);
        let mut said = [sides[0].step(now, Input::Tick), sides[1].step(now, Input::Tick)];
        quiet = if said.iter().all(Vec::is_empty) { quiet + 1 } else { 0 };
        while said.iter().any(|effects| !effects.is_empty()) {
            for side in 0..2 {
                for effect in core::mem::take(&mut said[side]) {
                    let (to, input) = match effect {
                        Effect::Send(P1, Message::Pending(ids)) => (1 - side, Input::Offered { from: P1, proofs: ids }),
                        Effect::Send(P1, Message::ProofRequest(ids)) => {
                            (1 - side, Input::Asked { from: P1, proofs: ids })
                        }
                        Effect::Serve { proofs, .. } => (1 - side, Input::Arrived { from: P1, proofs }),
                        Effect::Check { proof, .. } => {
                            (side, Input::Judged { proof, judgement: Judgement::Word(CONFIRMED) })
                        }
                        Effect::Tell(_) => continue,
                        other => panic!("{other:?}"),
                    };
                    if let Input::Arrived { proofs, .. } = &input {
                        said[side].extend(sides[side].step(now, Input::Served(P1)));
                        for proof in proofs.clone() {
                            let candidate = Candidate { proof, statement: proof, size: 9, source: Source::Peer(P1) };
                            let after = sides[to].step(now, input.clone());
                            said[to].extend(after);
                            sides[to].admit(now, candidate).unwrap();
                            let after = sides[to].step(now, Input::Stored(vec![proof]));
                            said[to].extend(after);
                        }
                    } else {
                        let after = sides[to].step(now, input);
                        said[to].extend(after);
                    }
                }
            }
        }
    }
    assert!(quiet > 50, "they still talk");
    assert_eq!(sides[0].figures().proofs, 300);
    assert_eq!(sides[1].figures().proofs, 300);
}

/// Peers 0 to 99 but 50, which is me, at a time when nothing is pending.
fn crowd() -> Mempool {
    let mut mempool = Mempool::new(Limits::new(1_000, 1 << 30, 1)).of(ValidatorIndex(50));
    for peer in (0..100).filter(|peer| *peer != 50) {
        mempool.step(NOW, Input::SessionOpened(ValidatorIndex(peer)));
    }
    mempool.step(NOW, Input::Tick);
    mempool
}

/// Whom these effects tell of proofs.
fn told(effects: &[Effect]) -> Vec<ValidatorIndex> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Send(to, Message::Pending(_)) => Some(*to),
        _ => None,
    });
    told.collect()
}

/// T1: with many peers ids are announced to those that follow me, and exchanged with everybody in turn.
#[test]
fn with_many_peers_ids_go_to_a_few_at_a_time_and_to_all_within_a_round() {
    let mut mempool = crowd();
    put(&mut mempool, 1, 10, Source::Peer(ValidatorIndex(0)));
    let mut met: BTreeSet<_> = told(&mempool.step(NOW.saturating_add(RELAY_DELAY), Input::Tick)).into_iter().collect();
    assert_eq!(met, (51..55).map(ValidatorIndex).collect());
    for round in 1..=25 {
        let now = told(&mempool.step(at(round * EXCHANGE_INTERVAL.0 + 10), Input::Tick));
        assert!(now.len() <= 4, "{now:?}");
        met.extend(now);
    }
    assert_eq!(met.len(), 99);
}

/// Small scripts are pushed to all, and each of a hundred would tell each that it has it.
#[test]
fn in_a_crowd_nobody_is_told_of_what_it_has_and_nobody_twice_until_it_is_overdue() {
    let mut mempool = crowd();
    put(&mut mempool, 1, 10, Source::Peer(ValidatorIndex(0)));
    // Half of the others have said that they have it.
    for peer in (60..100).chain(1..10).map(ValidatorIndex) {
        mempool.step(NOW, offered(peer, [1]));
    }
    mempool.step(NOW, Input::Judged { proof: id(1), judgement: Judgement::Word(CONFIRMED) });
    let mut met = told(&mempool.step(NOW.saturating_add(RELAY_DELAY), Input::Tick));
    for round in 1..=9 {
        met.extend(told(&mempool.step(at(round * EXCHANGE_INTERVAL.0 + 10), Input::Tick)));
    }
    assert_eq!(met, (51..60).map(ValidatorIndex).collect::<Vec<_>>(), "each once");
    // Whoever refused it meanwhile answers with its word.
    let overdue = (10..=35).flat_map(|round| told(&mempool.step(at(round * EXCHANGE_INTERVAL.0 + 10), Input::Tick)));
    assert_eq!(overdue.collect::<BTreeSet<_>>().len(), 99);
}

#[test]
fn in_a_crowd_whoever_brought_a_proof_is_sent_my_attestation() {
    let from = ValidatorIndex(7);
    let at_relay = NOW.saturating_add(RELAY_DELAY);
    let words = Effect::Send(from, Message::Checked(vec![(id(1), CONFIRMED), (id(2), CONFIRMED)]));
    let mut mempool = crowd();
    (1..=2).for_each(|value| drop(put(&mut mempool, value, 10, Source::Peer(from))));
    mempool.step(NOW, judged(1, CONFIRMED));
    mempool.step(NOW, judged(2, CONFIRMED));
    assert!(mempool.wakeup().is_some_and(|at| at <= at_relay));
    assert!(mempool.step(at_relay, Input::Tick).contains(&words), "together");
    assert!(!mempool.step(at_relay, Input::Tick).contains(&words), "once");
    // Few are all sent it by consensus.
    let mut mempool = connected();
    mempool.step(NOW, Input::SessionOpened(from));
    put(&mut mempool, 1, 10, Source::Peer(from));
    put(&mut mempool, 2, 10, Source::Peer(from));
    mempool.step(NOW, judged(1, CONFIRMED));
    mempool.step(NOW, judged(2, CONFIRMED));
    assert!(!mempool.step(at_relay, Input::Tick).contains(&words));
}
