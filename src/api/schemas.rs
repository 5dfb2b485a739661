//! What other crates own and answers hold, described once more for the API's document alone.

use utoipa::ToSchema;

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)]
pub enum ClaimSchema {
    Unsat,
    Sat,
}

/// What a block's id covers.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct HeaderSchema {
    chain: String,
    epoch: u64,
    sequence: u64,
    parent: String,
    /// Milliseconds since the Unix epoch, by the proposer's clock.
    time: u64,
    body: String,
    state: String,
}

/// A proof as a block carries it.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct EntrySchema {
    proof: String,
    statement: String,
    difficulty: u64,
}

/// All that a validator's own check of a proof found.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct ReportSchema {
    /// `kind` (confirmed, refuted, no_verdict or rejected) and its facts.
    #[schema(value_type = Object)]
    verdict: (),
    answer: Option<ClaimSchema>,
    resource_count: Option<u64>,
    /// Milliseconds of processor time.
    cpu: u64,
    peak_memory_bytes: u64,
    statement: Option<String>,
    status: Option<ClaimSchema>,
    notes: Vec<NoteSchema>,
    notes_omitted: u32,
    ignored: IgnoredSchema,
    assumptions: AssumptionsSchema,
    warnings: Vec<String>,
    /// Only with a check that was asked for a model.
    #[schema(value_type = Option<Object>)]
    model: Option<()>,
}

#[derive(ToSchema)]
#[allow(dead_code)]
pub struct NoteSchema {
    line: u32,
    column: u32,
    text: String,
}

/// How much of a script the solver was not shown.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct IgnoredSchema {
    commands: u32,
    options: u32,
}

/// What a script takes for granted.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct AssumptionsSchema {
    assertions: u32,
    quantifiers: u32,
    uninterpreted_symbols: u32,
    recursive_definitions: u32,
}

/// Which solver's library, by its hash, and which version of the normaliser.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct SolverPinSchema {
    library: String,
    normaliser_version: u32,
}

/// What was seen since the process started.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CountsSchema {
    proposals: u64,
    view_changes: u64,
}

/// What the mempool holds.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct FiguresSchema {
    proofs: u64,
    proofs_max: u64,
    bytes: u64,
    bytes_max: u64,
    /// Waiting for their check.
    waiting: u64,
    checking: u64,
    /// Attestations differ, or one is beyond the soft limits or no confirmation.
    disputed: u64,
    /// Their scripts are being fetched from peers.
    fetching: u64,
}

/// Another validator, as this one sees it.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct PeerSchema {
    validator: u16,
    node_id: String,
    address: Option<String>,
    connected: bool,
    connected_ms: Option<u64>,
    /// Since when there is no session, in milliseconds since the Unix epoch; null while there is one. Before the first
    /// session, since this node's start.
    missing_since_ms: Option<u64>,
    /// Whether there was a session since this node's start.
    ever_connected: bool,
    round_trip_ms: Option<f64>,
    /// By how much its clock is ahead of this node's; negative if it is behind.
    clock_ahead_ms: Option<i64>,
    bytes_in: u64,
    bytes_out: u64,
    messages_in: u64,
    messages_out: u64,
    /// Messages to it that were dropped because it took too little.
    dropped: u64,
    /// Pauses in reading from it because it sent more than its rate.
    throttled: u64,
    waiting_messages: u64,
    waiting_bytes: u64,
    /// Rules that it broke.
    misbehaviour: u64,
    /// The newest of them, as text.
    last_misbehaviour: Option<String>,
    /// How much longer it is banned.
    banned_ms: Option<u64>,
    last_error: Option<String>,
}
