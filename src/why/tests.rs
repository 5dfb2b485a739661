//! What a set of facts comes to, sentence by sentence.

use super::*;

/// 2026-11-30 14:05:31 UTC.
const NOW_MS: u64 = 1_796_047_531_000;

fn peer(number: u64) -> Peer {
    Peer {
        node_id: format!("node_{number}"),
        stake: 10_000,
        is_connected: true,
        missing_since_ms: None,
        ever_connected: true,
        silent_ms: Some(500),
    }
}

/// Gone for so many seconds.
fn gone(number: u64, seconds: u64) -> Peer {
    Peer { is_connected: false, missing_since_ms: Some(NOW_MS - seconds * 1_000), ..peer(number) }
}

/// Node_1 of four, a minute after its start, with all well.
fn well() -> Facts {
    Facts {
        node_id: "node_1".into(),
        stake: 10_000,
        total_stake: 40_000,
        peers: vec![peer(2), peer(3), peer(4)],
        now_ms: NOW_MS,
        uptime_ms: 600_000,
        view: 1_240,
        leader: "node_3".into(),
        sequence: 1_234,
        last_final_ms: Some(800),
        patience_ms: 30_000,
        missing_final: None,
        unknown_endings: None,
        signing: Some(Signing::Yes),
        is_consensus_halted: false,
        actors_down: Vec::new(),
    }
}

fn starting() -> Facts {
    let never = |number| Peer { ever_connected: false, ..gone(number, 3) };
    let signing = Some(Signing::FirstStart { reported: 0 });
    Facts {
        uptime_ms: 3_000,
        sequence: 0,
        last_final_ms: None,
        signing,
        peers: vec![peer(2), never(3), never(4)],
        ..well()
    }
}

#[test]
fn each_set_of_facts_has_its_sentence() {
    let table = [
        (well(), "OK: block 1234 final 0.8 s ago, 4 of 4 validators vote"),
        (
            Facts { peers: vec![peer(2), peer(3), gone(4, 200)], ..well() },
            "DEGRADED: block 1234 final 0.8 s ago, 3 of 4 validators vote; missing node_4 (since 14:02:11 UTC); one more \
             lost halts the network",
        ),
        (
            Facts { peers: vec![peer(2), gone(4, 80), gone(3, 200)], last_final_ms: Some(81_000), ..well() },
            "HALTED: 20000 of 40000 stake votes; missing node_3 (since 14:02:11 UTC), node_4 (since 14:04:11 UTC); last \
             final block 1234, 81 s ago",
        ),
        (
            Facts { peers: vec![gone(2, 100_000), gone(3, 200), peer(4)], last_final_ms: None, ..well() },
            "HALTED: 20000 of 40000 stake votes; missing node_2 (since 2026-11-29 10:18:51 UTC), node_3 (since 14:02:11 \
             UTC); last final block 1234",
        ),
        (
            Facts {
                peers: vec![peer(2), Peer { silent_ms: Some(40_000), ..peer(3) }, gone(4, 1)],
                last_final_ms: Some(39_000),
                ..well()
            },
            "HALTED: 20000 of 40000 stake votes; missing node_3 (connected, no vote since 14:04:51 UTC), node_4 (since \
             14:05:30 UTC); last final block 1234, 39 s ago",
        ),
        (
            Facts { last_final_ms: Some(45_000), ..well() },
            "HALTED: no block final for 45 s, although 40000 of 40000 stake votes; view 1240, leader node_3",
        ),
        (
            Facts { signing: Some(Signing::Yes), ..starting() },
            "HALTED: 20000 of 40000 stake votes; missing node_3 (never seen, since 14:05:28 UTC), node_4 (never seen, since \
             14:05:28 UTC); no block is final yet",
        ),
        (
            Facts { uptime_ms: 61_000, sequence: 7, ..starting() },
            "HALTED: 20000 of 40000 stake votes; missing node_3 (never seen, since 14:05:28 UTC), node_4 (never seen, since \
             14:05:28 UTC); last final block 7",
        ),
        (
            starting(),
            "WAITING: 20000 of 40000 stake is here, a quorum is 26667; missing node_3 (never seen, since 14:05:28 UTC), \
             node_4 (never seen, since 14:05:28 UTC)",
        ),
        (
            Facts { peers: vec![peer(2), peer(3), peer(4)], ..starting() },
            "WAITING: node_1 does not sign yet (first start): it begins once a quorum of peers has reported; 0 peers have",
        ),
        (
            Facts { signing: Some(Signing::LostLog { reported: 1 }), ..well() },
            "WAITING: node_1 does not sign yet (its vote log is lost or an old copy): it begins once a quorum of peers \
             has reported; 1 peer has",
        ),
        (
            Facts {
                signing: Some(Signing::LostLog { reported: 1 }),
                peers: vec![peer(2), peer(3), gone(4, 200)],
                ..well()
            },
            "HALTED: 20000 of 40000 stake votes; missing node_1 itself (does not sign), node_4 (since 14:02:11 UTC); last \
             final block 1234, 0.8 s ago",
        ),
        (
            Facts { missing_final: Some("0123456789abcdef".into()), last_final_ms: Some(9_000), ..well() },
            "BEHIND: block 1234 is the last one here; final block 0123456789ab is being fetched",
        ),
        (
            Facts { missing_final: Some("0123456789abcdef".into()), ..well() },
            "OK: block 1234 final 0.8 s ago, 4 of 4 validators vote",
        ),
        (
            Facts { unknown_endings: Some((1_200, 1_239)), last_final_ms: Some(125_000), ..well() },
            "HALTED: no block final for 2 min, although 40000 of 40000 stake votes; view 1240, leader node_3; how views 1200 \
             to 1239 ended is not known here, and without it nothing is proposed: peers are asked for their votes",
        ),
        (
            Facts { unknown_endings: Some((1_239, 1_239)), ..well() },
            "OK: block 1234 final 0.8 s ago, 4 of 4 validators vote",
        ),
        (Facts { signing: None, ..well() }, "FAILING: consensus of node_1 does not answer"),
        (
            Facts { actors_down: vec!["mempool".into(), "state".into()], ..well() },
            "FAILING: the actors mempool, state of node_1 are down",
        ),
        (
            Facts { is_consensus_halted: true, ..well() },
            "FAILING: consensus of node_1 has stopped for a fault of its own",
        ),
        (
            Facts { last_final_ms: None, uptime_ms: 4_000, ..well() },
            "OK: block 1234 is the last final one, the next is due, 4 of 4 validators vote",
        ),
    ];
    for (facts, sentence) in table {
        let health = health(&facts);
        assert_eq!(health.sentence, sentence, "{facts:?}");
        assert!(health.sentence.starts_with(health.state.word()));
        assert!(!health.what_to_do.is_empty());
        assert_eq!(health.what_to_do == "nothing", health.state == State::Ok, "{health:?}");
    }
}

#[test]
fn who_is_missing_is_told_with_stake_and_moment() {
    let facts = Facts { peers: vec![peer(2), gone(3, 80), gone(4, 200)], ..well() };
    let health = health(&facts);
    let missing = |node_id: &str, since: &str| Missing {
        node_id: node_id.into(),
        stake: 10_000,
        since: since.into(),
        how: How::Disconnected,
    };
    let longest_first = [missing("node_4", "2026-11-30T14:02:11Z"), missing("node_3", "2026-11-30T14:04:11Z")];
    assert_eq!((health.state, health.missing.as_slice()), (State::Halted, longest_first.as_slice()));
    assert!(health.what_to_do.contains("pop start-validator --node-id node_4"), "{}", health.what_to_do);
}

#[test]
fn a_long_list_is_cut_and_a_hundred_validators_may_lose_some() {
    let peers = |gone_to| (2..=100).map(move |number| if number <= gone_to { gone(number, 200) } else { peer(number) });
    let of = |gone_to| health(&Facts { total_stake: 1_000_000, peers: peers(gone_to).collect(), ..well() });
    let ok = of(9);
    assert_eq!((ok.state, ok.missing.len()), (State::Ok, 8));
    assert!(ok.sentence.ends_with("node_6 (since 14:02:11 UTC) and 3 more"), "{}", ok.sentence);
    assert_ne!(ok.what_to_do, "nothing");
    assert_eq!((of(33).state, of(34).state, of(35).state), (State::Ok, State::Degraded, State::Halted));
}

#[test]
fn a_network_of_one_is_well_without_others() {
    let alone = Facts { total_stake: 10_000, peers: Vec::new(), ..well() };
    assert_eq!(health(&alone).sentence, "OK: block 1234 final 0.8 s ago, 1 of 1 validators vote");
}
