//! Every label with its values.
//!
//! They are listed here, or are the validators of the genesis; nothing that a peer or a submitter sends ever becomes one.

use super::metric::{Label, Values};

const fn words(name: &'static str, words: &'static [&'static str]) -> Label {
    Label { name, values: Values::Words(words) }
}

const fn fact(name: &'static str, what: &'static str) -> Label {
    Label { name, values: Values::Fact(what) }
}

pub(super) const VALIDATOR: Label = Label { name: "validator", values: Values::Validator };

pub(super) const VERSION: Label = fact("version", "of the program");
pub(super) const SOLVER: Label = fact("solver", "name and version");
pub(super) const SOLVER_PIN: Label = fact("solver_pin", "fingerprint that the genesis pins");

pub(super) const ACTOR: Label =
    words("actor", &["peers", "leader_election", "view_change", "consensus", "mempool", "verifier_pool", "state"]);
pub(super) const SUPERVISOR: Label = words("supervisor", &["validator", "proofs", "votes"]);
pub(super) const THREAD: Label = words("thread", &["work", "votes", "sessions"]);
pub(super) const WAIT: Label = words("for", &["processor", "disk"]);
pub(super) const RESTART: Label =
    words("reason", &["panicked", "failed", "terminated", "start_failed", "hung", "blocked", "with_sibling"]);

pub(super) const STEP: Label = words("step", &["verify", "queue", "decide", "log", "send"]);
pub(super) const VOTE: Label = words("kind", &["prepare", "commit", "view_change"]);
pub(super) const VIEW_CHANGE_VOTE: Label = words(
    "reason",
    &[
        "timeout",
        "silent_leader",
        "invalid_proposal",
        "proof_not_confirmed",
        "two_proposals",
        "leader_view_change",
        "others_view_change",
    ],
);
pub(super) const VIEW_CHANGE: Label = words(
    "reason",
    &[
        "timeout",
        "silent_leader",
        "invalid_proposal",
        "proof_not_confirmed",
        "two_proposals",
        "leader_view_change",
        "others_view_change",
        "others",
    ],
);
pub(super) const RETRANSMITTED: Label = words("kind", &["proposal", "vote", "certificate"]);
pub(super) const REQUESTED: Label = words("kind", &["certificate", "block"]);
pub(super) const RECORD: Label = words("record", &["recovery", "floor", "certificate", "block", "proposal", "vote"]);

pub(super) const SOURCE: Label = words("source", &["submitter", "peer"]);
pub(super) const REFUSED: Label = words(
    "reason",
    &[
        "too_long",
        "bad_signature",
        "malformed",
        "not_confirmed",
        "displaced",
        "full",
        "share_full",
        "source_full",
        "busy",
        "failed",
    ],
);
pub(super) const OUTCOME: Label = words("outcome", &["agreed", "refuted", "no_verdict"]);
pub(super) const VERDICT: Label = words(
    "verdict",
    &[
        "confirmed",
        "refuted",
        "rejected",
        "unknown",
        "resource_limit",
        "processor_time",
        "deadline",
        "memory",
        "stack",
        "crashed",
        "solver_error",
        "ill_sorted",
        "sat_not_repeated",
        "sat_not_checked",
        "sat_with_recursion",
        "nothing_asked",
        "ended_from_outside",
    ],
);
pub(super) const WORKER: Label = words("state", &["busy", "idle", "spare"]);
pub(super) const WORKER_END: Label = words(
    "reason",
    &[
        "processor_time",
        "deadline",
        "nonsense",
        "not_wanted",
        "from_outside",
        "memory",
        "stack",
        "crashed",
        "recycled",
        "not_needed",
    ],
);

const LINK: &[&str] = &[
    "unreachable",
    "unknown_key",
    "key_refused",
    "tls",
    "other_version",
    "foreign_genesis",
    "other_solver",
    "other_role",
    "banned",
    "duplicate",
    "bad_frame",
    "stopping",
    "too_often",
    "key_in_use",
    "own_key_in_use",
    "frame_too_large",
    "frame_too_short",
    "message_too_large",
    "unknown_kind",
    "out_of_place",
    "part_out_of_order",
    "malformed",
    "trailing_bytes",
    "other_kind",
    "invalid",
    "handshake_deadline",
    "closed",
    "broken",
    "silent",
    "stalled",
    "replaced",
    "too_many_connections",
    "panicked",
];
pub(super) const LINK_REASON: Label = words("reason", LINK);
pub(super) const SIDE: Label = words("side", &["accepted", "dialled"]);
pub(super) const FAULT: Label = words(
    "rule",
    &[
        "other_version",
        "frame_too_large",
        "frame_too_short",
        "message_too_large",
        "unknown_kind",
        "out_of_place",
        "part_out_of_order",
        "malformed",
        "trailing_bytes",
        "other_kind",
        "invalid",
        "connects_too_often",
        "unsigned_proof",
        "script_too_long",
    ],
);
pub(super) const DIRECTION: Label = words("direction", &["in", "out"]);
pub(super) const MESSAGE: Label = words(
    "kind",
    &[
        "proposal",
        "vote",
        "certificate",
        "status",
        "certificate_request",
        "certificates",
        "block_request",
        "blocks",
        "recovery_response",
        "attestations",
        "pending",
        "proof_request",
        "proofs",
    ],
);
/// As [`MESSAGE`], and what belongs to no message: the session's own frames, and unknown ones.
pub(super) const FRAME: Label = words(
    "kind",
    &[
        "proposal",
        "vote",
        "certificate",
        "status",
        "certificate_request",
        "certificates",
        "block_request",
        "blocks",
        "recovery_response",
        "attestations",
        "pending",
        "proof_request",
        "proofs",
        SESSION_FRAME,
    ],
);
/// The kind of frames that hold no message.
pub(crate) const SESSION_FRAME: &str = "session";
pub(super) const SESSION_STEP: Label = words("step", &["look", "dial", "accept", "open"]);
/// What a signature is of.
pub(super) const SIGNED: Label = words(
    "kind",
    &[
        "vote",
        "view_change",
        "relayed_vote",
        "proposal",
        "certificate",
        "block",
        "recovery_response",
        "submission",
        "handshake",
    ],
);
pub(super) const LANE: Label = words("lane", &["urgent", "bulk"]);

pub(super) const FILE: Label = words("file", &["vote_log", "database"]);
pub(super) const STATUS: Label = words("status", &["2xx", "3xx", "4xx", "429", "5xx"]);
