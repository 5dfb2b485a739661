//! What is counted of views, blocks and votes, and whose votes count as missing.

use super::*;
use crate::metrics::{describe, recorder};
use metrics_exporter_prometheus::PrometheusRecorder;
use protocol::block::{Block, Body, Carried, CarriedVote, Header};
use protocol::certificate::Certificate;
use protocol::ledger::Ledger;
use protocol::quorum::Validator;
use protocol::types::{Amount, Epoch, Hash, NodeId, PublicKey, Signature};
use protocol::vote::{Ballot, Choice};

const ME: ValidatorIndex = ValidatorIndex(0);
const IDLE: Millis = Millis(1_000);

/// Four validators with 10 tokens each.
fn observed() -> Observed {
    observed_of(4)
}

fn observed_of(validators: u8) -> Observed {
    let validator = |number: u8| Validator {
        node_id: NodeId::new(&format!("node_{number}")).unwrap(),
        key: PublicKey([number; 32]),
        stake: Stake(10),
    };
    let set = ValidatorSet::new(Hash([1; 32]), Epoch(1), (1..=validators).map(validator).collect()).unwrap();
    let schedule = Schedule::new(&set, &Hash([2; 32]));
    Observed::new(Arc::new(set), Arc::new(schedule), ME, IDLE)
}

/// Runs with a page of its own, and gives both.
fn counted(run: impl FnOnce(&Observed)) -> String {
    let recorder: PrometheusRecorder = recorder().unwrap().build_recorder();
    ::metrics::with_local_recorder(&recorder, || {
        describe();
        run(&observed());
    });
    recorder.handle().render()
}

fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not on\n{page}")).parse().unwrap()
}

fn vote(voter: u16, choice: Choice) -> Vote {
    let ballot = Ballot { epoch: Epoch(1), view: View(1), choice };
    Vote { ballot, voter: ValidatorIndex(voter), signature: Signature([0; 64]) }
}

fn entered(view: u64, by: Option<VoteKind>) -> Notice {
    Notice::ViewEntered { view: View(view), leader: ValidatorIndex(3), by, fetched: false, doubles: false }
}

fn snapshot(view: u64, view_changes: &[u16]) -> Snapshot {
    Snapshot {
        view: View(view),
        leader: ValidatorIndex(1),
        sequence: Sequence(0),
        block: Hash::ZERO,
        commit_view: View(0),
        missing_final: None,
        unknown_endings: None,
        unknown_history: None,
        prepares: Vec::new(),
        view_changes: view_changes.iter().copied().map(ValidatorIndex).collect(),
        prepared: 0,
        halted: false,
    }
}

fn missing(observed: &Observed, now: Instant) -> [u64; 3] {
    observed.look(now).missing.map(|(_, stake)| stake.0)
}

#[test]
fn proposals_are_counted_by_leader_and_their_number_is_bounded() {
    let page = counted(|observed| {
        for view in 1..=OPEN_MAX as u64 + 10 {
            observed.notice(Instant::now(), &Notice::Proposed { view: View(view), leader: ValidatorIndex(2) });
        }
        assert_eq!(observed.counts().proposals, OPEN_MAX as u64 + 10);
        assert_eq!(observed.inner.lock().open.len(), OPEN_MAX);
    });
    let proposed = |name: &str| value(&page, &format!("pop_consensus_blocks_proposed_total{{validator=\"{name}\"}}"));
    assert_eq!((proposed("node_3"), proposed("node_1")), (OPEN_MAX as f64 + 10.0, 0.0));
}

#[test]
fn only_view_change_certificates_count_as_view_changes_by_the_own_reason_and_the_leader_that_failed() {
    let mut failed = None;
    let page = counted(|observed| {
        let now = Instant::now();
        for by in [None, Some(VoteKind::Prepare), Some(VoteKind::Commit)] {
            observed.notice(now, &entered(2, by));
        }
        observed.notice(now, &Notice::GaveUp { view: View(2), reason: GiveUpReason::SilentLeader });
        observed.notice(now, &entered(3, Some(VoteKind::ViewChange)));
        observed.notice(now, &entered(4, Some(VoteKind::ViewChange)));
        assert_eq!(observed.counts(), Counts { proposals: 0, view_changes: 2 });
        failed = observed.set.get(observed.schedule.leader(View(2))).map(|validator| validator.node_id.clone());
        assert_eq!((observed.look(now).view, observed.look(now).leader), (View(4), ValidatorIndex(3)));
    });
    let changes = |reason: &str| value(&page, &format!("pop_consensus_view_changes_total{{reason=\"{reason}\"}}"));
    assert_eq!((changes("silent_leader"), changes("others"), changes("timeout")), (1.0, 1.0, 0.0));
    assert_eq!(value(&page, "pop_consensus_view_change_votes_total{reason=\"silent_leader\"}"), 1.0);
    let missed = format!("pop_consensus_blocks_missed_total{{validator=\"{}\"}}", failed.unwrap());
    assert!(value(&page, &missed) >= 1.0, "{missed}");
}

#[test]
fn a_silent_validators_stake_is_missing_by_kind_but_not_at_the_start() {
    let observed = observed();
    let lately = LATELY_MIN;
    let later = observed.started + lately + Duration::from_secs(1);
    assert_eq!(missing(&observed, observed.started + lately), [0, 0, 0], "they had no time to vote");
    assert_eq!(missing(&observed, later), [40, 40, 0], "nobody was heard");
    for voter in 0..3 {
        observed.heard(later, &vote(voter, Choice::Prepare(Hash::ZERO)));
    }
    observed.heard(later, &vote(1, Choice::Commit(Hash::ZERO)));
    let soon = later + lately;
    assert_eq!(missing(&observed, soon), [10, 30, 0]);
    assert_eq!(observed.last_vote_age(ValidatorIndex(1), soon), lately);
    assert_eq!(observed.last_vote_age(ValidatorIndex(3), soon), soon - observed.started, "never heard");
    assert_eq!(missing(&observed, soon + Duration::from_secs(1)), [40, 40, 0]);
}

#[test]
fn a_slow_network_has_three_idle_intervals() {
    let Observed { set, schedule, .. } = observed();
    let observed = Observed::new(set, schedule, ME, Millis(60_000));
    assert_eq!(missing(&observed, observed.started + Duration::from_secs(180)), [0, 0, 0]);
    assert_eq!(missing(&observed, observed.started + Duration::from_secs(181)), [40, 40, 0]);
}

#[test]
fn votes_for_giving_up_are_missing_only_while_this_validator_has_given_up_itself() {
    let observed = observed();
    let now = Instant::now();
    observed.snapshot(&snapshot(5, &[1, 2]));
    assert!(!observed.has_given_up());
    assert_eq!(missing(&observed, now)[2], 0);
    observed.notice(now, &Notice::GaveUp { view: View(5), reason: GiveUpReason::Timeout });
    assert!(observed.has_given_up());
    observed.snapshot(&snapshot(5, &[0, 2]));
    assert_eq!(missing(&observed, now)[2], 20);
    observed.notice(now, &entered(6, Some(VoteKind::ViewChange)));
    assert!(!observed.has_given_up());
    assert_eq!(missing(&observed, now)[2], 0);
}

fn block(sequence: u64, certified: &[u16], carried: &[(u64, &[u16])]) -> FinalBlock {
    let id = |sequence: u64| Hash([sequence as u8; 32]);
    let vote = |voter: &u16| CarriedVote {
        voter: ValidatorIndex(*voter),
        epoch: Epoch(1),
        view: View(1),
        signature: Signature([0; 64]),
    };
    let carried = carried
        .iter()
        .map(|(sequence, voters)| Carried { block: id(*sequence), votes: voters.iter().map(vote).collect() });
    let body = Body { proofs: Vec::new(), carried: carried.collect() };
    let header = Header {
        chain: Hash::ZERO,
        epoch: Epoch(1),
        sequence: Sequence(sequence),
        parent: Hash::ZERO,
        time: Millis(0),
        body: Hash::ZERO,
        state: Hash::ZERO,
    };
    let ballot = Ballot { epoch: Epoch(1), view: View(sequence), choice: Choice::Prepare(id(sequence)) };
    let signatures = certified.iter().map(|voter| (ValidatorIndex(*voter), Signature([0; 64]))).collect();
    FinalBlock {
        id: id(sequence),
        block: Block { header, body },
        ledger: Ledger::genesis(&[], Amount(0), Millis(0)),
        prepare: (!certified.is_empty()).then_some(Certificate { ballot, signatures }),
    }
}

#[test]
fn who_took_part_in_a_block_counts_once_by_its_certificate_or_by_the_votes_carried_for_it() {
    let page = counted(|observed| {
        let now = Instant::now();
        observed.snapshot(&snapshot(1, &[]));
        // The block at 9 was final before the start: its votes were counted then.
        observed.inner.lock().place.sequence = Sequence(9);
        observed.finalized(now, &[block(10, &[0, 1, 2], &[(9, &[0, 1, 2, 3])])], View(10));
        observed.finalized(now, &[block(11, &[], &[(10, &[0, 1, 3])]), block(12, &[1, 2, 3], &[])], View(12));
        observed.finalized(now, &[block(13, &[], &[(11, &[0, 1, 2])])], View(13));
        // A consensus that was made anew tells again.
        observed.finalized(now, &[block(12, &[1, 2, 3], &[])], View(12));
        assert_eq!(observed.look(now).sequence, Sequence(13));
    });
    let rounds = |name: &str| value(&page, &format!("pop_consensus_rounds_total{{validator=\"{name}\"}}"));
    assert_eq!(["node_1", "node_2", "node_3", "node_4"].map(rounds), [2.0, 3.0, 3.0, 2.0]);
    assert_eq!(value(&page, "pop_consensus_blocks_final_total"), 4.0);
}

#[test]
fn times_are_measured_from_the_proposal_over_the_certificate_to_the_end() {
    let page = counted(|observed| {
        let began = Instant::now();
        let after = |ms| began + Duration::from_millis(ms);
        let leader = ValidatorIndex(0);
        observed.notice(began, &Notice::Proposed { view: View(1), leader });
        observed.notice(after(20), &Notice::Prepared { view: View(1), leader });
        observed.finalized(after(50), &[block(1, &[0, 1, 2], &[])], View(1));
        // Fetched: nobody saw its proposal.
        observed.finalized(after(60), &[block(2, &[0, 1, 2], &[])], View(2));
        assert_eq!(observed.proposal_to_final(Sequence(1)), Some(Duration::from_millis(50)));
        assert_eq!(observed.look(after(90)).last_final, Duration::from_millis(30));
        let took = Duration::from_millis(50);
        assert_eq!(observed.look(after(90)).proposed_to_final, Some(Extremes { min: took, max: took }));
    });
    for (name, seconds) in [("proposed_to_prepared", 0.02), ("prepared_to_final", 0.03), ("proposed_to_final", 0.05)] {
        assert_eq!(value(&page, &format!("pop_consensus_{name}_seconds_sum")), seconds, "{name}");
        assert_eq!(value(&page, &format!("pop_consensus_{name}_seconds_count")), 1.0, "{name}");
    }
}

/// Few of them are sent a vote itself; all see it in a certificate or a block.
#[test]
fn in_a_crowd_whose_vote_others_heard_is_not_missing() {
    let observed = observed_of(18);
    let later = observed.started + observed.lately() * 2;
    let voters = (1..18).map(ValidatorIndex).collect();
    assert_eq!(observed.last_vote_age(ValidatorIndex(5), later), observed.lately() * 2);
    observed.notice(later, &Notice::Heard { kind: VoteKind::Prepare, voters });
    observed.notice(later, &Notice::Heard { kind: VoteKind::Commit, voters: vec![ME] });
    observed.notice(later, &Notice::Heard { kind: VoteKind::Prepare, voters: vec![ME] });
    assert_eq!(observed.last_vote_age(ValidatorIndex(5), later), Duration::ZERO);
    let missing = observed.look(later).missing;
    assert_eq!(missing.map(|(_, stake)| stake), [Stake(0); 3], "a Commit's certificate holds a quorum of them only");
}
