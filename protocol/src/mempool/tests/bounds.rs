//! Whatever comes in, in whatever order: nothing grows beyond its maximum, and the books are right.

use super::*;

const SOURCES: [Source; 4] = [ALICE, BOB, Source::Peer(P1), Source::Peer(P2)];

#[derive(Debug, Clone)]
enum Move {
    Admit(Candidate),
    Step(Input),
}

fn value() -> impl Strategy<Value = u64> {
    0..60u64
}

fn values() -> impl Strategy<Value = Vec<Hash>> {
    prop::collection::vec(value().prop_map(id), 0..80)
}

fn peer() -> impl Strategy<Value = ValidatorIndex> {
    (0..4u16).prop_map(ValidatorIndex)
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        Just(CONFIRMED),
        Just(Word::Confirmed(ResourceCount(1))),
        Just(Word::ConfirmedBeyondSoft(ResourceCount(1))),
        Just(Word::Refuted),
        Just(Word::NoVerdict)
    ]
}

fn step() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => Just(Input::Tick),
        1 => peer().prop_map(Input::SessionOpened),
        1 => peer().prop_map(Input::SessionClosed),
        3 => (peer(), values()).prop_map(|(from, proofs)| Input::Offered { from, proofs }),
        1 => (peer(), values()).prop_map(|(from, proofs)| Input::Asked { from, proofs }),
        1 => peer().prop_map(Input::Served),
        2 => (peer(), values()).prop_map(|(from, proofs)| Input::Arrived { from, proofs }),
        1 => (peer(), value()).prop_map(|(from, value)| Input::Spoiled { from, proof: id(value) }),
        1 => value().prop_map(|value| Input::Malformed {
            proof: id(value),
            refusal: Refusal::Malformed { line: 1, column: 1, text: "no".into() },
        }),
        4 => values().prop_map(Input::Stored),
        4 => (value(), word()).prop_map(|(value, word)| judged(value, word)),
        1 => value().prop_map(|value| Input::Judged { proof: id(value), judgement: Judgement::Again }),
        2 => (peer(), prop::collection::vec((value().prop_map(id), word()), 0..20))
            .prop_map(|(from, words)| Input::Words { from, words }),
        1 => (values(), prop::collection::vec(peer(), 0..3)).prop_map(|(proofs, from)| Input::Need { proofs, from }),
        1 => (value(), peer(), word())
            .prop_map(|(value, peer, word)| Input::Refused { proof: id(value), words: vec![(peer, word)] }),
        1 => (0..50u64, value())
            .prop_map(|(sequence, value)| Input::Final { sequence: Sequence(sequence), proofs: vec![id(value)] }),
        1 => value().prop_map(|value| Input::Missing(id(value))),
        1 => Just(Input::ConsensusRestarted),
        1 => Just(Input::PoolRestarted),
    ]
}

fn movement() -> impl Strategy<Value = Move> {
    let admit = (value(), 0..300u64, 0..4usize)
        .prop_map(|(value, size, source)| Move::Admit(candidate(value, size, SOURCES[source])));
    prop_oneof![2 => admit, 5 => step().prop_map(Move::Step)]
}

fn assert_books(mempool: &Mempool) {
    mempool.pending.assert_books();
    let mut bytes = 0;
    for source in SOURCES {
        let own = || mempool.pending.iter().filter(|entry| entry.source == source);
        let usage = mempool.pending.usage(source);
        assert_eq!((usage.proofs, usage.bytes), (own().count(), own().map(|entry| entry.size).sum()));
        bytes += usage.bytes;
    }
    assert_eq!(mempool.pending.total().bytes, bytes);
    assert_eq!(mempool.pending.total().proofs, mempool.pending.iter().count());
    let stage = |wanted: fn(&Stage) -> bool| mempool.pending.iter().filter(|entry| wanted(&entry.stage)).count();
    assert_eq!(mempool.order.len(), stage(|stage| *stage == Stage::Waiting));
    assert!(mempool.cancelled.is_empty());
    assert_eq!(mempool.checking.len(), stage(|stage| *stage == Stage::Checking));
    assert_eq!(mempool.parked.len(), stage(|stage| matches!(stage, Stage::Parked(_))));
    let late = mempool.pending.iter().filter(|entry| entry.final_in.is_some()).count();
    assert_eq!(mempool.late.len(), late);
    assert!(mempool.pending.iter().all(|entry| !mempool.fetch.contains(&entry.proof)));
}

fn assert_bounds(mempool: &Mempool, limits: Limits) {
    let total = mempool.pending.total();
    assert!(total.proofs <= limits.proofs_max + NEEDED_PROOFS_MAX);
    assert!(total.bytes <= limits.bytes_max + NEEDED_BYTES_MAX);
    assert!(mempool.checking.len() <= 2 * limits.checks_max);
    mempool.fetch.assert_bounds();
    let (judged, malformed) = mempool.ended.len();
    assert!(judged <= ENDED_MAX && malformed <= MALFORMED_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_grows_beyond_its_maximum(
        held in prop::collection::btree_map(value(), (0..50u64, 0..4usize, prop::option::of(word())), 0..5),
        moves in prop::collection::vec((0..700u64, movement()), 1..200),
        with_need in any::<bool>(),
    ) {
        let limits = Limits::new(20, 2_000, 3);
        let restored = |(value, (size, source, word))| (candidate(value, size, SOURCES[source]), word);
        let mut mempool = Mempool::restored(limits, &held.into_iter().map(restored).collect::<Vec<_>>());
        assert_books(&mempool);
        let mut now = NOW;
        for (later, movement) in moves {
            now = now.saturating_add(Millis(later));
            let effects = match movement {
                Move::Step(Input::Need { .. }) if !with_need => continue,
                Move::Step(input) => mempool.step(now, input),
                Move::Admit(candidate) => mempool.admit(now, candidate).unwrap_or_default(),
            };
            for effect in &effects {
                match effect {
                    Effect::Send(to, Message::Pending(ids)) => {
                        prop_assert!((1..=IDS_MAX).contains(&ids.len()) && mempool.sessions.contains_key(to));
                        prop_assert!(ids.iter().all(|id| mempool.pending.get(id).is_some_and(Entry::is_durable)));
                    }
                    Effect::Send(_, Message::ProofRequest(ids)) => prop_assert!((1..=PROOFS_MAX).contains(&ids.len())),
                    Effect::Send(_, Message::Checked(_)) => {}
                    Effect::Send(_, other) => prop_assert!(false, "{:?}", other),
                    Effect::Check { proof, .. } => prop_assert!(mempool.checking.contains(proof)),
                    Effect::Push { .. } | Effect::Serve { .. } | Effect::Tell(_) | Effect::Cancel(_) => {}
                    Effect::Restarted { held } => prop_assert!(held.iter().all(|id| mempool.pending.get(id).is_some())),
                    Effect::Refuse { proof, .. } | Effect::Delete(proof) => {
                        prop_assert!(mempool.pending.get(proof).is_none());
                    }
                }
            }
            assert_bounds(&mempool, limits);
            assert_books(&mempool);
            if mempool.has_check_to_hand_out() {
                prop_assert!(mempool.wakeup().is_some_and(|due| due <= now), "a check waits for an input that may never come");
            }
            if !with_need {
                let total = mempool.pending.total();
                prop_assert!(total.proofs <= limits.proofs_max && total.bytes <= limits.bytes_max);
                for source in SOURCES {
                    let usage = mempool.pending.usage(source);
                    prop_assert!(usage.proofs <= limits.source_proofs_max && usage.bytes <= limits.source_bytes_max);
                }
            }
        }
        // Everything durable is checked in the end, without any further input but verdicts and the ticks that are due.
        if mempool.wakeup().is_some_and(|due| due <= now) {
            mempool.step(now, Input::Tick);
        }
        while let Some(proof) = mempool.checking.first().copied() {
            mempool.step(now, Input::Judged { proof, judgement: Judgement::Word(CONFIRMED) });
        }
        prop_assert_eq!(mempool.order.len(), 0);
    }
}

#[test]
fn a_peer_that_offers_without_end_takes_its_share_and_no_more() {
    let mut mempool = small();
    mempool.step(NOW, Input::SessionOpened(P1));
    mempool.step(NOW, Input::SessionOpened(P2));
    for batch in 0..10u64 {
        let proofs = (0..IDS_MAX as u64).map(|value| id(1_000 + batch * 10_000 + value)).collect();
        mempool.step(NOW, Input::Offered { from: P1, proofs });
    }
    assert_eq!(mempool.figures().fetching, OFFERS_MAX);
    let asked = mempool.step(NOW, Input::Offered { from: P2, proofs: vec![id(1)] });
    assert_eq!(asked, [Effect::Send(P2, Message::ProofRequest(vec![id(1)]))], "others are served all the same");
    mempool.step(NOW, Input::SessionClosed(P1));
    assert_eq!(mempool.figures().fetching, 1);
}
