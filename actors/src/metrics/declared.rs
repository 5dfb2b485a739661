//! Every metric of the node: its name, kind, unit, labels, meaning and buckets. The only place.
//!
//! `docs/METRICS.md` is made from this file; a label's values are in `labels`.

use super::buckets::*;
use super::labels::*;
use super::metric::{Kind, Metric};
use metrics::Unit;

/// The page is shorter than this with a hundred validators and every series on it, whatever peers and submitters send.
pub const PAGE_BYTES_MAX: usize = 256 << 10;

macro_rules! declare {
    ($($group:literal { $(
        $constant:ident = $name:literal, $kind:expr, $unit:ident, [$($label:ident),*], $help:literal;
    )* })*) => {
        $($(#[doc = $help] pub const $constant: &str = $name;)*)*
        /// Every metric.
        pub const METRICS: &[Metric] = &[$($(Metric {
            group: $group, name: $name, kind: $kind, unit: Unit::$unit, labels: &[$($label),*], help: $help,
        }),*),*];
    };
}

use Kind::{Counter, CounterOfSeconds, Gauge, Histogram};

declare! {
    "Process" {
        BUILD_INFO = "pop_build_info", Gauge, Count, [VERSION, SOLVER, SOLVER_PIN],
            "1; the labels say which program this is, and which solver it has";
        VALIDATOR_INFO = "pop_validator_info", Gauge, Count, [VALIDATOR],
            "1; the label says which validator this process is";
        LAST_EXIT_CODE = "pop_last_exit_code", Gauge, Count, [],
            "exit code with which the process before this one ended; -1: it ended without saying why (killed or power lost); -2: none is known";
        PROCESS_START_TIME = "process_start_time_seconds", Gauge, Seconds, [],
            "when the process started, since the Unix epoch";
        PROCESS_CPU = "process_cpu_seconds_total", CounterOfSeconds, Seconds, [],
            "processor time of the process, its workers apart";
        PROCESS_RESIDENT_MEMORY = "process_resident_memory_bytes", Gauge, Bytes, [],
            "memory of the process, its workers apart";
        PROCESS_VIRTUAL_MEMORY = "process_virtual_memory_bytes", Gauge, Bytes, [],
            "address space of the process";
        PROCESS_OPEN_FDS = "process_open_fds", Gauge, Count, [],
            "open file descriptors";
        PROCESS_MAX_FDS = "process_max_fds", Gauge, Count, [],
            "file descriptors that may be open";
        PROCESS_THREADS = "process_threads", Gauge, Count, [],
            "threads of the process";
    }
    "Actors" {
        ACTOR_UP = "pop_actor_up", Gauge, Count, [ACTOR],
            "1 while the actor runs";
        ACTOR_MAILBOX = "pop_actor_mailbox_messages", Gauge, Count, [ACTOR],
            "messages that wait in the actor's mailbox";
        ACTOR_MAILBOX_LIMIT = "pop_actor_mailbox_limit", Gauge, Count, [ACTOR],
            "messages that may wait; further ones are rejected";
        ACTOR_MESSAGES = "pop_actor_messages_total", Counter, Count, [ACTOR],
            "messages that the actor has handled";
        ACTOR_REJECTED = "pop_actor_messages_rejected_total", Counter, Count, [ACTOR],
            "messages rejected because the mailbox was full or closed";
        ACTOR_LOST = "pop_actor_messages_lost_total", Counter, Count, [ACTOR],
            "messages that were accepted and not handled, or never answered";
        ACTOR_HANDLER = "pop_actor_handler_seconds_total", CounterOfSeconds, Seconds, [ACTOR],
            "time spent in the actor's handlers";
        ACTOR_HANDLING = "pop_actor_handling_seconds", Gauge, Seconds, [ACTOR],
            "how long the present message has been handled; 0 when idle";
        ACTOR_HEARTBEAT = "pop_actor_heartbeat_age_seconds", Gauge, Seconds, [ACTOR],
            "since the actor last looked into its mailbox, which it is asked to when it has not for a quarter of a second; while it is down, since it failed";
        ACTOR_RESTARTS = "pop_actor_restarts_total", Counter, Count, [ACTOR, RESTART],
            "incarnations that ended unasked, by reason; with_sibling: another one failed that it is restarted with";
        SUPERVISOR_ESCALATIONS = "pop_supervisor_escalations_total", Counter, Count, [SUPERVISOR],
            "how often a supervisor gave up and escalated to the one above";
        SUPERVISOR_THREADS_LEFT = "pop_supervisor_threads_left_behind", Gauge, Count, [],
            "blocked threads that were replaced and have not ended";
        THREAD_PROCESSOR_WAIT = "pop_thread_processor_wait_seconds_total", CounterOfSeconds, Seconds, [THREAD],
            "time in which the thread was ready to run and had no processor; 0 where the system does not count it (it is no Linux)";
        THREAD_WAITS = "pop_thread_waiting", Gauge, Count, [THREAD, WAIT],
            "1 while something other than its actors keeps the thread from going on: no processor (a tenth of the last 10 s and longer than it ran, or 1 s on end), or a disk that has not answered for 1 s";
    }
    "Consensus" {
        CONSENSUS_EPOCH = "pop_consensus_epoch", Gauge, Count, [],
            "the epoch that ballots name";
        CONSENSUS_VIEW = "pop_consensus_view", Gauge, Count, [],
            "the current view";
        CONSENSUS_SEQUENCE = "pop_consensus_sequence", Gauge, Count, [],
            "sequence of the last final block";
        CONSENSUS_IS_LEADER = "pop_consensus_is_leader", Gauge, Count, [],
            "1 while this validator leads the current view";
        CONSENSUS_LEADER = "pop_consensus_leader", Gauge, Count, [VALIDATOR],
            "1 for the leader of the current view, as this validator sees it";
        CONSENSUS_IS_SIGNING = "pop_consensus_is_signing", Gauge, Count, [],
            "0 while this validator recovers its vote history, and signs nothing";
        CONSENSUS_BLOCKS_FINAL = "pop_consensus_blocks_final_total", Counter, Count, [],
            "blocks that became final here";
        CONSENSUS_PROOFS_FINAL = "pop_consensus_proofs_final_total", Counter, Count, [],
            "proofs in blocks that became final here";
        CONSENSUS_PROPOSED_TO_PREPARED = "pop_consensus_proposed_to_prepared_seconds", Histogram(ROUND_SECONDS), Seconds, [],
            "from a proposal's arrival, or sending, to its Prepare certificate";
        CONSENSUS_PREPARED_TO_FINAL = "pop_consensus_prepared_to_final_seconds", Histogram(ROUND_SECONDS), Seconds, [],
            "from a block's Prepare certificate until it is final";
        CONSENSUS_PROPOSED_TO_FINAL = "pop_consensus_proposed_to_final_seconds", Histogram(ROUND_SECONDS), Seconds, [],
            "from a proposal's arrival, or sending, until its block is final here; fetched blocks are not in it";
        CONSENSUS_PROPOSED_TO_FINAL_MIN = "pop_consensus_proposed_to_final_min_seconds", Gauge, Seconds, [],
            "the least of the same, exactly, over the blocks of the last one to two minutes in which any became final; absent before the first";
        CONSENSUS_PROPOSED_TO_FINAL_MAX = "pop_consensus_proposed_to_final_max_seconds", Gauge, Seconds, [],
            "the most of the same";
        CONSENSUS_STEP = "pop_consensus_step_seconds", Histogram(STEP_SECONDS), Seconds, [STEP],
            "the vote path of peers' proposals and votes: verify (signatures), queue (until its step begins), decide (the step); and of what follows, which steps share: log (records to the disk), send (from durable until all effects are carried out)";
        CONSENSUS_VIEW_TIMER = "pop_consensus_view_timer_seconds", Gauge, Seconds, [],
            "how long the current view may last before this validator votes ViewChange";
        CONSENSUS_LAST_FINAL_AGE = "pop_consensus_last_final_age_seconds", Gauge, Seconds, [],
            "since a block last became final here; before the first, since the start";
        CONSENSUS_TOTAL_STAKE = "pop_consensus_total_stake_tokens", Gauge, Count, [],
            "stake of all validators";
        CONSENSUS_QUORUM_STAKE = "pop_consensus_quorum_stake_tokens", Gauge, Count, [],
            "the least stake that is a quorum";
        CONSENSUS_LARGEST_STAKE = "pop_consensus_largest_stake_tokens", Gauge, Count, [],
            "stake of the largest validator";
        CONSENSUS_REACHABLE_STAKE = "pop_consensus_reachable_stake_tokens", Gauge, Count, [],
            "stake of this validator and of those that it has a session with";
        CONSENSUS_MISSING_STAKE = "pop_consensus_missing_stake_tokens", Gauge, Count, [VOTE],
            "prepare, commit (of more than 17 validators, any vote): stake of validators of which no such vote was heard within 30 s or three idle block intervals, whichever is longer (0 for so long after the start); view_change: once this validator has voted ViewChange in the current view, stake whose ViewChange vote is not here, else 0";
        CONSENSUS_VIEW_CHANGE_VOTES = "pop_consensus_view_change_votes_total", Counter, Count, [VIEW_CHANGE_VOTE],
            "ViewChange votes of this validator, by reason; the same are in pop_consensus_votes_total";
        CONSENSUS_VIEW_CHANGES = "pop_consensus_view_changes_total", Counter, Count, [VIEW_CHANGE],
            "views that were left by a ViewChange certificate, by the reason of this validator's own ViewChange vote; others: it had cast none";
        CONSENSUS_BLOCKS_PROPOSED = "pop_consensus_blocks_proposed_total", Counter, Count, [VALIDATOR],
            "proposals that were seen, or sent, by who led";
        CONSENSUS_BLOCKS_MISSED = "pop_consensus_blocks_missed_total", Counter, Count, [VALIDATOR],
            "views that were left by a ViewChange certificate, by who led";
        CONSENSUS_VOTES = "pop_consensus_votes_total", Counter, Count, [VOTE],
            "votes of this validator that were made durable; the Prepare in a proposal of its own is not among them";
        CONSENSUS_LAST_VOTE_AGE = "pop_consensus_last_vote_age_seconds", Gauge, Seconds, [VALIDATOR],
            "since a vote of that validator was last heard, or cast; before the first, since the start";
        CONSENSUS_ROUNDS = "pop_consensus_rounds_total", Counter, Count, [VALIDATOR],
            "final blocks whose Prepare certificate, or the votes included for it, hold this validator's vote";
        CONSENSUS_RETRANSMISSIONS = "pop_consensus_retransmissions_total", Counter, Count, [RETRANSMITTED],
            "messages to one peer that lacked a proposal, vote or certificate; of more than 17 validators also each vote to one that collects them";
        CONSENSUS_RESOLVER_REQUESTS = "pop_consensus_resolver_requests_total", Counter, Count, [REQUESTED],
            "certificates and blocks requested from one peer";
        CONSENSUS_CONTRADICTIONS = "pop_consensus_contradictions_total", Counter, Count, [],
            "pairs of votes by one validator that contradict each other (equivocation)";
    }
    "Proofs" {
        PROOFS_SUBMITTED = "pop_proofs_submitted_total", Counter, Count, [],
            "submissions that reached the API";
        PROOFS_ACCEPTED = "pop_proofs_accepted_total", Counter, Count, [SOURCE],
            "proofs that were taken in and are durable";
        PROOFS_REFUSED = "pop_proofs_refused_total", Counter, Count, [REFUSED],
            "submissions that were refused, malformed proofs of peers, and pending proofs that ended unconfirmed (not_confirmed) or made room (displaced)";
        PROOFS_SUBMITTED_TO_FINAL = "pop_proofs_submitted_to_final_seconds", Histogram(PROOF_SECONDS), Seconds, [],
            "of proofs submitted here: until the block that holds it is in the database";
        PROOFS_DISAGREEMENTS = "pop_proofs_disagreements_total", Counter, Count, [],
            "proofs that are final although this validator's own check did not confirm them";
        PROOFS_READY = "pop_proofs_ready", Gauge, Count, [],
            "proofs that this validator announced Ready for and that have not ended";
        VERIFIER_ACCURACY = "pop_verifier_accuracy_ratio", Gauge, Count, [],
            "agreed / (agreed + refuted + no verdict) over the last 1,000 final proofs that this validator checked; 1 before the first";
        VERIFIER_ACCURACY_WINDOW = "pop_verifier_accuracy_window", Gauge, Count, [OUTCOME],
            "the proofs of that window; refuted: it got the other answer, or the same one at another resource count";
        VERIFIER_VERDICTS = "pop_verifier_verdicts_total", Counter, Count, [VERDICT],
            "checks that ended: confirmed, refuted, rejected, or why there is no verdict";
        VERIFIER_REMEMBERED = "pop_verifier_verdicts_remembered_total", Counter, Count, [],
            "proofs whose statement was checked before";
        VERIFIER_PROCESSOR_TIME = "pop_verifier_processor_seconds", Histogram(SOLVER_SECONDS), Seconds, [],
            "processor time of a check";
        VERIFIER_RESOURCE_COUNTS = "pop_verifier_resource_counts", Histogram(RESOURCE_COUNTS), Count, [],
            "the solver's resource count of a check that was answered";
        VERIFIER_WAITING = "pop_verifier_jobs_waiting", Gauge, Count, [],
            "statements that were handed to the verifier and wait for a worker; the mempool keeps the others";
        VERIFIER_OLDEST = "pop_verifier_oldest_job_age_seconds", Gauge, Seconds, [],
            "of the one among them that has waited longest; 0 if none waits";
        VERIFIER_WORKERS = "pop_verifier_workers", Gauge, Count, [WORKER],
            "worker processes that live";
        VERIFIER_WORKERS_MEMORY = "pop_verifier_workers_resident_bytes", Gauge, Bytes, [],
            "memory of all worker processes";
        VERIFIER_WORKERS_STARTED = "pop_verifier_workers_started_total", Counter, Count, [],
            "worker processes that were started";
        VERIFIER_WORKERS_NOT_STARTED = "pop_verifier_workers_not_started_total", Counter, Count, [],
            "worker processes that could not be started";
        VERIFIER_WORKERS_ENDED = "pop_verifier_workers_ended_total", Counter, Count, [WORKER_END],
            "worker processes that ended or were replaced";
    }
    "Mempool" {
        MEMPOOL_PROOFS = "pop_mempool_proofs", Gauge, Count, [SOURCE],
            "pending proofs";
        MEMPOOL_BYTES = "pop_mempool_bytes", Gauge, Bytes, [SOURCE],
            "bytes of their scripts";
        MEMPOOL_PROOFS_LIMIT = "pop_mempool_proofs_limit", Gauge, Count, [],
            "proofs that may be pending";
        MEMPOOL_BYTES_LIMIT = "pop_mempool_bytes_limit", Gauge, Bytes, [],
            "bytes of scripts that may be pending";
        MEMPOOL_WAITING = "pop_mempool_waiting", Gauge, Count, [],
            "proofs that wait for their check";
        MEMPOOL_CHECKING = "pop_mempool_checking", Gauge, Count, [],
            "proofs that are with the verifier";
        MEMPOOL_DISPUTED = "pop_mempool_disputed", Gauge, Count, [],
            "proofs on which attestations differ, or one is no confirmation within the soft limits";
        MEMPOOL_FETCHING = "pop_mempool_fetching", Gauge, Count, [],
            "proofs whose script is being fetched from peers";
        MEMPOOL_OLDEST = "pop_mempool_oldest_age_seconds", Gauge, Seconds, [],
            "of the pending proof that has been held longest, counted from the start of the actor at the most; 0 if none is";
    }
    "Network" {
        NETWORK_SESSIONS = "pop_network_sessions", Gauge, Count, [],
            "open sessions with peers";
        NETWORK_PEERS = "pop_network_peers", Gauge, Count, [],
            "validators other than this one";
        NETWORK_CONNECTED = "pop_network_connected", Gauge, Count, [VALIDATOR],
            "1 while a session with that validator is open, and for this one";
        NETWORK_SESSIONS_ENDED = "pop_network_sessions_ended_total", Counter, Count, [LINK_REASON],
            "sessions that ended";
        NETWORK_REFUSED = "pop_network_refused_total", Counter, Count, [LINK_REASON, SIDE],
            "connections that did not become a session";
        NETWORK_MISBEHAVIOUR = "pop_network_misbehaviour_total", Counter, Count, [FAULT],
            "rules that authenticated peers broke, by rule";
        NETWORK_BANS = "pop_network_bans_total", Counter, Count, [],
            "bans after repeated misbehaviour";
        NETWORK_BANNED = "pop_network_banned", Gauge, Count, [],
            "peers that are banned now";
        NETWORK_BYTES = "pop_network_bytes_total", Counter, Bytes, [DIRECTION, FRAME],
            "bytes of frames to (out) and from (in) peers, before TLS; session: those without a message";
        NETWORK_MESSAGES = "pop_network_messages_total", Counter, Count, [DIRECTION, MESSAGE],
            "messages to (out) and from (in) peers";
        NETWORK_DROPPED = "pop_network_dropped_total", Counter, Count, [LANE],
            "messages dropped because a peer reads too slowly";
        NETWORK_THROTTLED = "pop_network_throttled_total", Counter, Count, [],
            "pauses in reading from a peer beyond its rate";
        NETWORK_ROUND_TRIP = "pop_network_round_trip_seconds", Histogram(ROUND_TRIP_SECONDS), Seconds, [],
            "round trip of a session, from ping to pong";
        NETWORK_STEP_MAX = "pop_network_step_max_seconds", Gauge, Seconds, [SESSION_STEP],
            "the longest step since the start of what keeps the sessions' thread while peers connect, in processor time: look (at who is missing), dial, accept (each with its handshake), open (a session's first steps)";
        SIGNATURES_CHECKED = "pop_signatures_checked_total", Counter, Count, [SIGNED],
            "signatures that were calculated, by what they were of; what was checked before, and late Commit votes, are not. vote, view_change: a vote from its voter; relayed_vote: from another; proposal, block: with its certificates and included votes; recovery_response: the votes in it; submission: proofs, checked together; handshake: of TLS";
        NETWORK_CLOCK_AHEAD = "pop_network_clock_ahead_seconds", Gauge, Seconds, [],
            "how far this node's clock is ahead of the median of its peers' clocks; negative if it is behind";
    }
    "Storage" {
        STORAGE_SYNC = "pop_storage_sync_seconds", Histogram(DISK_SECONDS), Seconds, [FILE],
            "until what is written is on the disk, fsync included: a batch of the vote log, a transaction of the database";
        STORAGE_BYTES = "pop_storage_bytes", Gauge, Bytes, [FILE],
            "length of the file";
        STORAGE_FREE = "pop_storage_free_bytes", Gauge, Bytes, [],
            "room for this user in the file system of the data directory";
        STORAGE_SIZE = "pop_storage_size_bytes", Gauge, Bytes, [],
            "size of that file system";
        STORAGE_RECORDS = "pop_storage_vote_log_records_total", Counter, Count, [RECORD],
            "records written to the vote log";
    }
    "State and economics" {
        STATE_SUPPLY_DIFFERENCE = "pop_state_supply_difference_tokens", Gauge, Count, [],
            "balances, stakes and reward pool less what the genesis issued; anything but 0 is a fault";
        STATE_BALANCE = "pop_state_balance_tokens", Gauge, Count, [VALIDATOR],
            "balance after the last final block";
        STATE_STAKE = "pop_state_stake_tokens", Gauge, Count, [VALIDATOR],
            "stake after the last final block";
        STATE_REWARD_POOL = "pop_state_reward_pool_tokens", Gauge, Count, [],
            "what is left in the reward pool";
        STATE_REWARDS = "pop_state_rewards_tokens", Gauge, Count, [VALIDATOR],
            "balance earned since the genesis";
        STATE_FINAL_PROOFS = "pop_state_final_proofs", Gauge, Count, [],
            "proofs in the index of final proofs";
    }
    "API" {
        API_REQUESTS = "pop_api_requests_total", Counter, Count, [STATUS],
            "answers to requests, /metrics apart; 4xx without 429";
        API_REQUEST = "pop_api_request_seconds", Histogram(REQUEST_SECONDS), Seconds, [],
            "until the answer, /metrics apart; less the time in which a request waited for its client: for its body, or for ?wait=";
    }
}
