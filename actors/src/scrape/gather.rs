//! What is read when a page is made. No actor is asked.

use super::page::{Fractions, Page};
use super::process::{self, Process};
use crate::metrics::*;
use crate::state;
use crate::storage::vote_log;
use crate::supervision::{ActorReport, MemberReport, Phase, SupervisorReport, ThreadReport, TreeReport, WaitsFor};
use crate::verifier_pool::{Shares, Workers};
use metrics::{counter, gauge};
use protocol::consensus::events::EPOCH;
use protocol::types::{Amount, Stake};
use protocol::vote::VoteKind;
use std::time::{Duration, Instant};

/// What never changes.
pub(super) fn constants(page: &Page) {
    let sources = &page.sources;
    let pin = sources.genesis.parameters().solver_pin.to_string();
    let (version, solver) = (env!("CARGO_PKG_VERSION"), sources.solver.clone());
    gauge!(BUILD_INFO, "version" => version, "solver" => solver, "solver_pin" => pin).set(1.0);
    if let Some(me) = page.set.get(sources.me) {
        gauge!(VALIDATOR_INFO, "validator" => me.node_id.as_str().to_owned()).set(1.0);
    }
    let stakes = || page.set.iter().map(|(_, validator)| validator.stake.0);
    gauge!(CONSENSUS_EPOCH).set(EPOCH.0 as f64);
    gauge!(CONSENSUS_TOTAL_STAKE).set(page.set.total().0 as f64);
    gauge!(CONSENSUS_LARGEST_STAKE).set(stakes().max().unwrap_or(0) as f64);
    gauge!(CONSENSUS_QUORUM_STAKE).set(least_quorum(page).0 as f64);
    gauge!(NETWORK_PEERS).set(page.set.len().saturating_sub(1) as f64);
}

/// By halving, so that what a quorum is stays said in one place.
fn least_quorum(page: &Page) -> Stake {
    let (mut none, mut quorum) = (0, page.set.total().0);
    while none + 1 < quorum {
        let middle = none + (quorum - none) / 2;
        if page.set.is_quorum(Stake(middle)) { quorum = middle } else { none = middle }
    }
    Stake(quorum)
}

pub(super) fn everything(page: &Page, now: Instant, beside: &mut Fractions) {
    this_process(beside);
    actors(&(page.sources.tree)(), beside);
    consensus(page, now);
    peers(page);
    mempool(page, now);
    verifier(page, now);
    storage(page);
    economics(page);
}

fn this_process(beside: &mut Fractions) {
    let look = Process::look();
    if let Some(seconds) = look.cpu_seconds {
        beside.counter(PROCESS_CPU, std::iter::once((None, seconds)));
    }
    let whole = [
        (PROCESS_RESIDENT_MEMORY, look.resident_bytes),
        (PROCESS_VIRTUAL_MEMORY, look.virtual_bytes),
        (PROCESS_OPEN_FDS, look.open_fds),
        (PROCESS_MAX_FDS, look.max_fds),
        (PROCESS_THREADS, look.threads),
    ];
    for (name, value) in whole {
        value.into_iter().for_each(|value| gauge!(name).set(value as f64));
    }
    look.start_seconds.into_iter().for_each(|at| gauge!(PROCESS_START_TIME).set(at));
}

fn actors(tree: &TreeReport, beside: &mut Fractions) {
    let actors = tree.actors();
    for actor in &actors {
        let name = actor.name;
        let seconds = |span: Option<Duration>| span.unwrap_or_default().as_secs_f64();
        gauge!(ACTOR_UP, "actor" => name).set(f64::from(u8::from(actor.phase == Phase::Running)));
        gauge!(ACTOR_MAILBOX, "actor" => name).set(actor.waiting as f64);
        gauge!(ACTOR_MAILBOX_LIMIT, "actor" => name).set(actor.mailbox_max as f64);
        gauge!(ACTOR_HANDLING, "actor" => name).set(seconds(actor.handling.map(|(_, span)| span)));
        gauge!(ACTOR_HEARTBEAT, "actor" => name).set(seconds(heartbeat_age(actor)));
        counter!(ACTOR_MESSAGES, "actor" => name).absolute(actor.handled);
        counter!(ACTOR_REJECTED, "actor" => name).absolute(actor.refused);
        counter!(ACTOR_LOST, "actor" => name).absolute(actor.lost);
        for (reason, count) in restarts(actor) {
            counter!(ACTOR_RESTARTS, "actor" => name, "reason" => reason).absolute(count);
        }
    }
    let handlers = actors.iter().map(|actor| (Some(("actor", actor.name)), actor.handler_time.as_secs_f64()));
    beside.counter(ACTOR_HANDLER, handlers);
    threads(&tree.threads, beside);
    supervisors(&tree.root);
    gauge!(SUPERVISOR_THREADS_LEFT).set(tree.zombies as f64);
}

fn threads(threads: &[ThreadReport], beside: &mut Fractions) {
    for thread in threads {
        for (name, what) in [("processor", WaitsFor::Processor), ("disk", WaitsFor::Disk)] {
            let waits = f64::from(u8::from(thread.waits_for == Some(what)));
            gauge!(THREAD_WAITS, "thread" => thread.name, "for" => name).set(waits);
        }
    }
    let waited = threads.iter().map(|thread| (Some(("thread", thread.name)), thread.processor_wait.as_secs_f64()));
    beside.counter(THREAD_PROCESSOR_WAIT, waited);
}

/// One that is down shows none: it is as old as its failure.
fn heartbeat_age(actor: &ActorReport) -> Option<Duration> {
    let failed = || Some(actor.at.saturating_duration_since(actor.last_failure.as_ref()?.at));
    match actor.phase {
        Phase::Running => actor.heartbeat_age,
        Phase::Down | Phase::Ended => failed(),
        Phase::Reserved => None,
    }
}

fn restarts(actor: &ActorReport) -> [(&'static str, u64); 7] {
    let restarts = &actor.restarts;
    [
        ("panicked", restarts.panicked),
        ("failed", restarts.failed),
        ("terminated", restarts.terminated),
        ("start_failed", restarts.start_failed),
        ("hung", restarts.hung),
        ("blocked", restarts.blocked),
        ("with_sibling", restarts.with_sibling),
    ]
}

fn supervisors(supervisor: &SupervisorReport) {
    counter!(SUPERVISOR_ESCALATIONS, "supervisor" => supervisor.name).absolute(supervisor.escalations);
    for member in &supervisor.members {
        if let MemberReport::Supervisor(below) = member {
            supervisors(below);
        }
    }
}

fn consensus(page: &Page, now: Instant) {
    let observed = &page.sources.observed;
    let sight = observed.look(now);
    gauge!(CONSENSUS_VIEW).set(sight.view.0 as f64);
    gauge!(CONSENSUS_SEQUENCE).set(sight.sequence.0 as f64);
    gauge!(CONSENSUS_IS_LEADER).set(one_if(sight.leader == page.sources.me));
    gauge!(CONSENSUS_IS_SIGNING).set(one_if(sight.signing));
    gauge!(CONSENSUS_LAST_FINAL_AGE).set(sight.last_final.as_secs_f64());
    // Absent until there is one: 0 would be a block that took no time.
    if let Some(times) = sight.proposed_to_final {
        gauge!(CONSENSUS_PROPOSED_TO_FINAL_MIN).set(times.min.as_secs_f64());
        gauge!(CONSENSUS_PROPOSED_TO_FINAL_MAX).set(times.max.as_secs_f64());
    }
    for (kind, stake) in sight.missing {
        let kind = match kind {
            VoteKind::Prepare => "prepare",
            VoteKind::Commit => "commit",
            VoteKind::ViewChange => "view_change",
        };
        gauge!(CONSENSUS_MISSING_STAKE, "kind" => kind).set(stake.0 as f64);
    }
    for one in &page.validators {
        one.leads.set(one_if(one.index == sight.leader));
        one.last_vote_age.set(observed.last_vote_age(one.index, now).as_secs_f64());
    }
}

fn peers(page: &Page) {
    let me = page.sources.me;
    let peers = (page.sources.peers)();
    let connected = || peers.iter().filter(|peer| peer.connected).map(|peer| peer.validator);
    let reachable = page.set.stake_of(connected().chain([me]));
    gauge!(CONSENSUS_REACHABLE_STAKE).set(reachable.0 as f64);
    gauge!(NETWORK_BANNED).set(peers.iter().filter(|peer| peer.banned_ms.is_some()).count() as f64);
    // All but this one, in the set's order.
    let mut others = peers.iter().peekable();
    for one in &page.validators {
        let report = others.next_if(|peer| peer.validator == one.index);
        one.connected.set(one_if(one.index == me || report.is_some_and(|peer| peer.connected)));
    }
}

fn mempool(page: &Page, now: Instant) {
    let Some(held) = page.sources.figures.mempool.get() else { return };
    let (figures, holdings) = (held.holdings.figures, held.holdings);
    let submitted = (holdings.submitted, holdings.submitted_bytes);
    let of_peers = (figures.proofs.saturating_sub(submitted.0), figures.bytes.saturating_sub(submitted.1));
    for (source, (proofs, bytes)) in [("submitter", submitted), ("peer", of_peers)] {
        gauge!(MEMPOOL_PROOFS, "source" => source).set(proofs as f64);
        gauge!(MEMPOOL_BYTES, "source" => source).set(bytes as f64);
    }
    gauge!(MEMPOOL_PROOFS_LIMIT).set(figures.proofs_max as f64);
    gauge!(MEMPOOL_BYTES_LIMIT).set(figures.bytes_max as f64);
    gauge!(MEMPOOL_WAITING).set(figures.waiting as f64);
    gauge!(MEMPOOL_CHECKING).set(figures.checking as f64);
    gauge!(MEMPOOL_DISPUTED).set(figures.disputed as f64);
    gauge!(MEMPOOL_FETCHING).set(figures.fetching as f64);
    gauge!(MEMPOOL_OLDEST).set(age(held.oldest, now));
    gauge!(PROOFS_READY).set(holdings.ready as f64);
}

fn verifier(page: &Page, now: Instant) {
    let waiting = page.sources.figures.verifier_pool.get().unwrap_or_default();
    gauge!(VERIFIER_WAITING).set(waiting.statements as f64);
    gauge!(VERIFIER_OLDEST).set(age(waiting.oldest, now));
    let Workers { busy, idle, spare, resident_bytes } = (page.sources.workers)();
    for (state, count) in [("busy", busy), ("idle", idle), ("spare", spare)] {
        gauge!(VERIFIER_WORKERS, "state" => state).set(count as f64);
    }
    gauge!(VERIFIER_WORKERS_MEMORY).set(resident_bytes as f64);
    let shares = page.sources.accuracy.shares();
    let Shares { agreed, refuted, no_verdict } = shares;
    for (outcome, count) in [("agreed", agreed), ("refuted", refuted), ("no_verdict", no_verdict)] {
        gauge!(VERIFIER_ACCURACY_WINDOW, "outcome" => outcome).set(count as f64);
    }
    gauge!(VERIFIER_ACCURACY).set(shares.ratio());
}

fn storage(page: &Page) {
    let directory = &page.sources.data_dir;
    for (file, name) in [("vote_log", vote_log::FILE_NAME), ("database", state::FILE_NAME)] {
        let bytes = std::fs::metadata(directory.join(name)).map_or(0, |about| about.len());
        gauge!(STORAGE_BYTES, "file" => file).set(bytes as f64);
    }
    if let Some(room) = process::room(directory) {
        gauge!(STORAGE_FREE).set(room.free_bytes as f64);
        gauge!(STORAGE_SIZE).set(room.size_bytes as f64);
    }
}

fn economics(page: &Page) {
    let Some(standing) = page.sources.figures.state.get() else { return };
    let (genesis, ledger) = (&page.sources.genesis, &standing.ledger);
    let held: u128 = ledger.accounts().iter().map(|account| account.balance.0 + account.stake.0).sum();
    let (now, issued) = (signed(held) + signed(ledger.pool().0), signed(genesis.supply().0));
    gauge!(STATE_SUPPLY_DIFFERENCE).set(tokens(now - issued));
    gauge!(STATE_REWARD_POOL).set(tokens(signed(ledger.pool().0)));
    gauge!(STATE_FINAL_PROOFS).set(ledger.proofs().count() as f64);
    for (one, account) in page.validators.iter().zip(ledger.accounts()) {
        one.balance.set(tokens(signed(account.balance.0)));
        one.stake.set(tokens(signed(account.stake.0)));
        let first = genesis.validator(one.index).map_or(Amount(0), |validator| validator.initial_balance.amount());
        one.rewards.set(tokens(signed(account.balance.0) - signed(first.0)));
    }
}

/// Micro-tokens as a number that may be negative.
fn signed(amount: u128) -> i128 {
    i128::try_from(amount).unwrap_or(i128::MAX)
}

fn tokens(micro: i128) -> f64 {
    micro as f64 / Amount::MICRO_PER_TOKEN as f64
}

fn age(since: Option<Instant>, now: Instant) -> f64 {
    since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)).as_secs_f64()
}

fn one_if(it_is_so: bool) -> f64 {
    f64::from(u8::from(it_is_so))
}
