//! Each invariant is shown to hold for sound data, and to be broken by what breaks it.

use super::*;
use crate::chaos::history::tests::{block, history};
use crate::exit::{Exit, Failure};
use serde_json::json;
use std::time::Instant;

fn names() -> [String; 4] {
    [1, 2, 3, 4].map(|number| format!("node_{number}"))
}

fn silent() -> Unreported {
    Unreported::Unanswered(Failure::new(Exit::Unreachable, "no answer"))
}

#[track_caller]
fn broken(invariant: &Invariant, words: &[&str]) {
    assert_eq!(invariant.held, Some(false), "{invariant:?}");
    words.iter().for_each(|word| assert!(invariant.detail.contains(word), "{word:?} is not in: {}", invariant.detail));
}

#[track_caller]
fn held(invariant: &Invariant) {
    assert_eq!(invariant.held, Some(true), "{invariant:?}");
}

#[test]
fn two_blocks_at_one_sequence_or_a_shorter_chain_break_the_history() {
    let mut history = history();
    for sequence in 1..=3 {
        history.enter(0, &block(sequence, 1, sequence, &[]), Instant::now());
    }
    let swept = |third| {
        let mut swept: Vec<_> = names().into_iter().map(|name| (name, Ok(3))).collect();
        swept[2].1 = third;
        swept
    };
    held(&one_history(&history, &swept(Ok(3))));
    broken(&one_history(&history, &swept(Ok(2))), &["node_3", "up to 2", "have 3"]);
    broken(&one_history(&history, &swept(Err(silent()))), &["node_3", "no answer"]);
    history.enter(3, &block(2, 9, 2, &[]), Instant::now());
    broken(&one_history(&history, &swept(Ok(3))), &["sequence 2", "node_1", "node_4"]);
}

#[test]
fn a_double_sign_is_found_in_certificates_logs_and_what_validators_have_seen() {
    let clean = || vec![("node_1".to_owned(), Audited::Clean(7)), ("node_2".to_owned(), Audited::Clean(5))];
    held(&no_double_sign(&mut history(), &clean(), &[("node_1".into(), 0.0)]));
    broken(&no_double_sign(&mut history(), &clean(), &[("node_1".into(), 2.0)]), &["node_1 has seen 2 votes"]);
    let mut logs = clean();
    logs[1].1 = Audited::Contradicts("validator 1 signed two Prepare votes in view 5".into());
    broken(&no_double_sign(&mut history(), &logs, &[]), &["node_2", "two Prepare votes in view 5"]);
    logs[1].1 = Audited::Unreadable("damaged".into());
    broken(&no_double_sign(&mut history(), &logs, &[]), &["node_2", "damaged"]);
    let mut twice = history();
    twice.enter(0, &block(7, 1, 5, &["node_4"]), Instant::now());
    twice.enter(0, &block(8, 2, 5, &["node_4"]), Instant::now());
    broken(&no_double_sign(&mut twice, &clean(), &[]), &["validator 3", "view 5"]);
}

#[test]
fn logs_on_other_machines_are_said_not_to_be_read() {
    let far = || Audited::OutOfReach("on another machine".into());
    let some = no_double_sign(&mut history(), &[("node_1".into(), Audited::Clean(7)), ("node_2".into(), far())], &[]);
    held(&some);
    assert!(some.detail.contains("not read: the logs of node_2"), "{some:?}");
    let none = no_double_sign(&mut history(), &[("node_1".into(), far())], &[]);
    assert_eq!((none.held, none.word()), (None, "unknown"));
}

#[test]
fn a_lost_proof_breaks_the_account() {
    let counts = Counts { accepted: 3, r#final: 2, refused: 1, ..Counts::default() };
    held(&accepted_proofs_end(&counts, &[], &[]));
    let lost = Counts { r#final: 1, unended: 1, ..counts };
    broken(
        &accepted_proofs_end(&lost, &["ab12 of node_1 is known to nobody".into()], &[]),
        &["ab12", "known to nobody"],
    );
    let wrong = Counts { r#final: 1, ..counts };
    broken(&accepted_proofs_end(&wrong, &[], &[]), &["3 were accepted, but 2 ended"]);
    broken(&accepted_proofs_end(&Counts::default(), &[], &[]), &["no proof was accepted"]);
    broken(&accepted_proofs_end(&counts, &[], &["malformed".into()]), &["turned away: malformed"]);
}

fn ledger(sequence: u64, balance: u64, pool: u64) -> LedgerSeen {
    let value = json!({"sequence": sequence, "state_root": format!("{balance}"), "reward_pool_micro_tokens": pool, "supply_micro_tokens": 100,
        "accounts": [{"node_id": "node_1", "balance_micro_tokens": balance, "stake_micro_tokens": 50}], "block": "",
        "rewards_paid_micro_tokens": 0, "proofs_final": 0});
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_token_that_appears_or_another_state_breaks_conservation() {
    let told = |one: LedgerSeen, other| [("node_1".to_owned(), Ok(one)), ("node_2".to_owned(), other)];
    held(&tokens_conserved(&told(ledger(7, 10, 40), Ok(ledger(8, 20, 30))), 100));
    broken(&tokens_conserved(&told(ledger(7, 11, 40), Ok(ledger(8, 20, 30))), 100), &["node_1", "101"]);
    broken(&tokens_conserved(&told(ledger(7, 10, 40), Ok(ledger(7, 20, 30))), 100), &["node_1 and node_2", "block 7"]);
    broken(&tokens_conserved(&told(ledger(7, 10, 40), Err(silent())), 100), &["node_2", "no answer"]);
    broken(&tokens_conserved(&told(ledger(7, 10, 40), Ok(ledger(8, 20, 30))), 99), &["genesis' 99"]);
}

fn told(name: &str, actors: &[(&str, &str)]) -> ReportedTree {
    let actor =
        |(name, state): &(&str, &str)| json!({"name": name, "kind": "actor", "restart": "permanent", "state": state});
    let children: Vec<_> = actors.iter().map(actor).collect();
    let tree = json!({"name": "validator", "kind": "supervisor", "strategy": "one_for_one", "state": "running", "children": children});
    (name.to_owned(), Ok(serde_json::from_value(json!({"tree": tree, "zombies": 0})).unwrap()))
}

#[test]
fn a_missing_a_new_or_a_silent_actor_breaks_the_tree() {
    let before = [told("node_1", &[("peers", "running"), ("state", "running")])];
    let after = |actors| [told("node_1", actors)];
    let same = after(&[("peers", "running"), ("state", "running")]);
    held(&tree_as_before(&before, &same));
    held(&actors_back(&same));
    broken(&tree_as_before(&before, &after(&[("peers", "running")])), &["node_1", "missing: validator/state"]);
    let swapped = after(&[("state", "running"), ("peers", "running")]);
    broken(&tree_as_before(&before, &swapped), &["another order"]);
    let more = after(&[("peers", "running"), ("state", "running"), ("ghost", "running")]);
    broken(&tree_as_before(&before, &more), &["new: validator/ghost"]);
    let down = after(&[("peers", "running"), ("state", "down")]);
    broken(&actors_back(&down), &["node_1", "validator/state is down"]);
    let silent = [("node_1".to_owned(), Err(silent()))];
    broken(&actors_back(&silent), &["no answer"]);
    broken(&tree_as_before(&before, &silent), &["no answer"]);
}

#[test]
fn what_has_not_healed_in_the_quiet_period_is_broken() {
    let quiet = Duration::from_secs(60);
    held(&everything_heals(Some(Duration::from_secs(7)), quiet));
    broken(&everything_heals(None, quiet), &["60 s"]);
}

#[test]
fn a_process_may_end_by_a_fault_or_with_70_and_in_no_other_way() {
    let end = |status: &str, asked, gave_up| ProcessEnd {
        node: "node_1".into(),
        at: "1.5".into(),
        status: status.into(),
        asked,
        gave_up,
    };
    let legal = [end("signal: 9", true, false), end("exit status: 70", false, true)];
    held(&processes_end_as_they_may(Some(&legal)));
    broken(&processes_end_as_they_may(Some(&[end("exit status: 8", false, false)])), &["node_1", "exit status: 8"]);
    assert_eq!(processes_end_as_they_may(None).held, None);
}
