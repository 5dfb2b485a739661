//! Submitting a proof, and finding out where one is.

use super::body::{parse, read, script_too_large};
use super::error::{ApiError, ErrorBody};
use super::guard::Turn;
use super::limiter::Permit;
use super::proof_status::{no_verdict_from, state_name, why_not_confirmed};
use super::schemas::{ClaimSchema, ReportSchema};
use super::search::proof_named;
use super::{ANSWER_DEADLINE, Api, SUBMISSIONS_MAX, SUBMIT_DEADLINE, Shared, WAIT_MAX, responsive};
use crate::advice::{Advice, CounterModel, Ended};
use crate::obligation;
use crate::refusal;
use actors::mempool::{Accepted, Locate, Located, Submit};
use actors::state::BlockAt;
use actors::verifier_pool::{Explain, Explained, ReportOf};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use protocol::certificate::Certificate;
use protocol::genesis::Genesis;
use protocol::mempool::{Refusal, Whereabouts};
use protocol::message::Word;
use protocol::proof::Proof;
use protocol::types::{Hash, NodeId, PublicKey, ResourceCount, Sequence, Signature, Stake, ValidatorIndex};
use protocol::verdict::{Claim, NoVerdict, Report, Verdict};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;

/// While a proof is waited for, it is looked at this often besides after each block: verdicts come without one.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How long an explanation is waited for. It goes on, and who asks again later finds it.
const EXPLAIN_DEADLINE: Duration = Duration::from_secs(5);

/// A proof that its submitter signed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    script: String,
    /// If it is left out, the script's own `(set-info :status …)`. The signature covers it in any case.
    #[schema(value_type = Option<ClaimSchema>)]
    claim: Option<Claim>,
    #[schema(value_type = String)]
    submitter: PublicKey,
    #[serde(default)]
    nonce: u64,
    #[schema(value_type = String)]
    signature: Signature,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Submitted {
    #[schema(value_type = String)]
    proof: Hash,
    /// Whether it was here already; then nothing was changed.
    known: bool,
    state: &'static str,
}

impl Submitted {
    pub fn of(accepted: Accepted) -> Submitted {
        let Accepted { proof, known } = accepted;
        Submitted { proof, known: known.is_some(), state: known.as_ref().map_or("waiting", state_name) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Seconds to wait for the proof's end.
    #[serde(default)]
    wait: f64,
    /// Whether to find out why, if this validator's own check answered.
    #[serde(default = "yes")]
    explain: bool,
}

fn yes() -> bool {
    true
}

/// Where a proof is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProofView {
    #[schema(value_type = String)]
    proof: Hash,
    /// fetching, waiting, checking, pending, refused or final.
    state: &'static str,
    /// Whether it has ended here. *Final* overrides *refused*.
    ended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    block: Option<Sequence>,
    /// The resource count that the block records.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    difficulty: Option<ResourceCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stake: Option<StakeView>,
    /// What validators found of it, as far as this node knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attestations: Vec<AttestationView>,
    /// Whose attestations are missing, while it is pending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    missing: Vec<NodeId>,
    /// While pending: attestations differ, or one is beyond the soft limits or no confirmation.
    #[serde(skip_serializing_if = "Option::is_none")]
    disputed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalView>,
    /// All that this validator's own check found, while it is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReportSchema>)]
    report: Option<Report>,
    /// What ended that check, if it has no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_verdict: Option<Ended>,
    /// If that check refuted the claim: this validator's own, unsigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    counter_model: Option<CounterModel>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StakeView {
    /// Whole tokens of those whose Prepare votes are kept.
    #[schema(value_type = u64)]
    pub prepared: Stake,
    #[schema(value_type = u64)]
    pub total: Stake,
    #[schema(value_type = Vec<String>)]
    pub voters: Vec<NodeId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AttestationView {
    #[schema(value_type = String)]
    node_id: NodeId,
    /// confirmed, confirmed_beyond_soft_limits, refuted or no_verdict.
    attestation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    resource_count: Option<ResourceCount>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RefusalView {
    /// refuted (a validator at least found the claim false), no_verdict, disputed (all confirm it, at other counts), malformed,
    /// displaced, full, share_full or source_full.
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

impl RefusalView {
    /// Adds the place that this node's own solver refused, where it is why there is no verdict.
    fn point_at(&mut self, report: &Report) {
        if let Verdict::NoVerdict { reason: NoVerdict::IllSorted { line, column, .. } } = &report.verdict {
            (self.line, self.column) = (Some(*line), Some(*column));
        }
    }
}

/// Takes in a signed proof. Submitting again is harmless.
#[utoipa::path(
    post,
    path = "/v1/proofs",
    request_body = Submission,
    responses(
        (status = 202, description = "it is durable on this validator", body = Submitted),
        (status = 200, description = "it was here already", body = Submitted),
        (status = 429, description = "there is no room now; `Retry-After` says when to retry", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn submit(
    State(api): Shared,
    turn: Turn,
    request: Request,
) -> Result<(StatusCode, Json<Submitted>), ApiError> {
    actors::tap::proofs::submitted();
    let Some(permit) = api.submissions.take(turn.from) else {
        return Err(ApiError::busy(format!("{SUBMISSIONS_MAX} submissions are being looked at already")));
    };
    let body = read(&turn, &permit, request, script_too_large(&api)).await?;
    let submission: Submission = parse(&body, "submission")?;
    drop(body);
    let (_permit, mut proofs) = proofs_of(permit, vec![submission]).await?;
    let proof = proofs.pop().unwrap_or_else(|| Err(ApiError::no_claim()))?;
    let accepted = responsive(&api.node.mempool)?.ask(Submit(proof), SUBMIT_DEADLINE).await??;
    let status = if accepted.known.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(Submitted::of(accepted))))
}

/// The proofs that these submissions make, but for those without a claim. Reading a hostile script takes its time, and so has
/// a thread of its own; the permit is held until it ends, even if the client has gone.
pub async fn proofs_of(
    permit: Permit,
    submissions: Vec<Submission>,
) -> Result<(Permit, Vec<Result<Proof, ApiError>>), ApiError> {
    let claim_of =
        |submission: &Submission| submission.claim.or_else(|| obligation::status(submission.script.as_bytes()));
    let proof = move |submission: Submission| {
        let claim = claim_of(&submission).ok_or_else(ApiError::no_claim)?;
        let Submission { script, claim: _, submitter, nonce, signature } = submission;
        Ok(Proof { claim, submitter, nonce, script: script.into_bytes(), signature })
    };
    let all = move || (permit, submissions.into_iter().map(proof).collect());
    tokio::task::spawn_blocking(all).await.map_err(|_| ApiError::internal("reading a script failed here"))
}

/// Where a proof is.
#[utoipa::path(
    get,
    path = "/v1/proofs/{id}",
    params(
        ("id" = String, Path, description = "the proof's id, or six digits or more of it that no other proof here begins with"),
        ("wait" = Option<f64>, Query, description = "seconds, at most 60, to wait for its end"),
        ("explain" = Option<bool>, Query, description = "whether to find out why [default: true]"),
    ),
    responses(
        (status = 200, description = "how far it has come", body = ProofView),
        (status = 409, description = "several proofs begin so: `candidates`", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn find(
    State(api): Shared,
    turn: Turn,
    Path(id): Path<String>,
    wait: Result<Query<Wait>, QueryRejection>,
) -> Result<Json<ProofView>, ApiError> {
    let Query(Wait { wait, explain }) = wait.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
    let span = wait_span(wait)?;
    let id = proof_named(&api, turn.from, &id).await?;
    let until = Instant::now() + span;
    let mut heads = api.node.heads.clone();
    let mut lost = false;
    turn.waits();
    loop {
        let located = responsive(&api.node.mempool)?.ask(Locate(id), ANSWER_DEADLINE).await??;
        let ended = matches!(located.whereabouts, Whereabouts::Refused(_) | Whereabouts::Final(_));
        let over = lost || Instant::now() >= until;
        if ended || over {
            turn.works();
            if located.whereabouts == Whereabouts::Unknown {
                return Err(ApiError::not_found(format!(
                    "no proof {id} is known here: was it submitted to this network? Another node may know it"
                )));
            }
            return Ok(Json(view(&api, id, located, explain).await?));
        }
        let next = (Instant::now() + LOOK_INTERVAL).min(until);
        // Whatever ends the wait, the proof is looked at again; who lost its turn is answered with what there is.
        tokio::select! {
            _ = tokio::time::timeout_at(next, heads.changed()) => {}
            () = turn.lost() => lost = true,
        }
    }
}

/// Reads `?wait=`: seconds, at most [`WAIT_MAX`].
pub fn wait_span(seconds: f64) -> Result<Duration, ApiError> {
    if (0.0..=WAIT_MAX.as_secs_f64()).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(ApiError::bad_request(format!("wait is {seconds}: it must be 0 to {} seconds", WAIT_MAX.as_secs())))
    }
}

async fn view(api: &Api, proof: Hash, located: Located, explain: bool) -> Result<ProofView, ApiError> {
    let Located { whereabouts, statement } = located;
    let mut view = ProofView {
        proof,
        state: state_name(&whereabouts),
        ended: false,
        block: None,
        difficulty: None,
        stake: None,
        attestations: Vec::new(),
        missing: Vec::new(),
        disputed: None,
        refusal: None,
        report: None,
        no_verdict: None,
        counter_model: None,
    };
    if let Some(statement) = statement {
        view.show_own_check(api, statement, explain).await?;
    }
    match whereabouts {
        Whereabouts::Unknown | Whereabouts::Fetching | Whereabouts::Waiting | Whereabouts::Checking => {}
        Whereabouts::Pending { mine, words, disputed } => {
            view.show_pending(api, mine, words);
            view.disputed = Some(disputed);
        }
        Whereabouts::Refused(refusal) => view.show_refused(&api.node.genesis, &refusal),
        Whereabouts::Final(sequence) => view.show_final(api, sequence).await?,
    }
    Ok(view)
}

impl ProofView {
    /// Without the report, or an explanation of it, the rest of the answer is worth having all the same.
    async fn show_own_check(&mut self, api: &Api, statement: Hash, explain: bool) -> Result<(), ApiError> {
        let verifier = responsive(&api.node.verifier)?;
        let report = verifier.ask(ReportOf(statement), ANSWER_DEADLINE).await.ok().flatten();
        let Some(mut report) = report else { return Ok(()) };
        self.no_verdict = Ended::of(&report, &api.node.genesis.parameters().verifier);
        if explain {
            let explained = responsive(&api.node.verifier)?.ask(Explain(statement), EXPLAIN_DEADLINE).await;
            let Advice { counter_model, warning } = Advice::of(&report, explained.unwrap_or(Explained::Busy));
            self.counter_model = counter_model;
            report.warnings.extend(warning);
        }
        self.report = Some(report);
        Ok(())
    }

    fn show_pending(&mut self, api: &Api, mine: Word, others: Vec<(ValidatorIndex, Word)>) {
        let (genesis, me) = (&api.node.genesis, api.node.me);
        let mut all = vec![(me, mine)];
        all.extend(others.into_iter().filter(|(peer, _)| *peer != me));
        all.sort_by_key(|(validator, _)| *validator);
        self.missing = no_verdict_from(genesis, me, &all);
        self.attestations = attestation_views(genesis, &all);
    }

    fn show_refused(&mut self, genesis: &Genesis, refusal: &Refusal) {
        self.ended = true;
        let mut refused = refusal_view(refusal);
        if let Refusal::Words { words } = refusal {
            self.attestations = attestation_views(genesis, words);
            let words: Vec<Word> = words.iter().map(|(_, word)| *word).collect();
            refused.message = refusal::sentence(&words, genesis.validators().len(), self.report.as_ref());
        }
        self.report.iter().for_each(|report| refused.point_at(report));
        self.refusal = Some(refused);
    }

    async fn show_final(&mut self, api: &Api, sequence: Sequence) -> Result<(), ApiError> {
        self.ended = true;
        self.block = Some(sequence);
        let stored = responsive(&api.node.state)?.ask(BlockAt(sequence), ANSWER_DEADLINE).await?;
        let stored = stored.map_err(ApiError::internal)?;
        let mut entries = stored.iter().flat_map(|stored| &stored.block.body.proofs);
        self.difficulty = entries.find(|entry| entry.proof == self.proof).map(|entry| entry.difficulty);
        let certificate = stored.and_then(|stored| stored.prepare.or(stored.commit));
        self.stake = certificate.map(|certificate| stake_view(&api.node.genesis, &certificate));
        Ok(())
    }
}

pub fn stake_view(genesis: &Genesis, certificate: &Certificate) -> StakeView {
    let voters: Vec<_> = certificate.signers().filter_map(|voter| genesis.validator(voter)).collect();
    let prepared = voters.iter().fold(0u64, |sum, validator| sum.saturating_add(validator.stake.0));
    let voters = voters.iter().map(|validator| validator.node_id.clone()).collect();
    StakeView { prepared: Stake(prepared), total: genesis.total_stake(), voters }
}

fn attestation_views(genesis: &Genesis, words: &[(ValidatorIndex, Word)]) -> Vec<AttestationView> {
    let view = |(validator, word): &(ValidatorIndex, Word)| {
        let (attestation, resource_count) = match word {
            Word::Confirmed(count) => ("confirmed", Some(*count)),
            Word::ConfirmedBeyondSoft(count) => ("confirmed_beyond_soft_limits", Some(*count)),
            Word::Refuted => ("refuted", None),
            Word::NoVerdict => ("no_verdict", None),
        };
        let node_id = genesis.validator(*validator)?.node_id.clone();
        Some(AttestationView { node_id, attestation, resource_count })
    };
    words.iter().filter_map(view).collect()
}

fn refusal_view(refusal: &Refusal) -> RefusalView {
    let (reason, line, column) = match refusal {
        Refusal::Malformed { line, column, .. } => ("malformed", Some(*line), Some(*column)),
        Refusal::Words { words } => (why_not_confirmed(words), None, None),
        Refusal::Displaced => ("displaced", None, None),
        Refusal::Full { .. } => ("full", None, None),
        Refusal::SourceFull { .. } => ("source_full", None, None),
        Refusal::ShareFull { .. } => ("share_full", None, None),
    };
    RefusalView { reason, message: refusal.to_string(), line, column }
}
