//! The requests and answers of the batch routes, as this program reads them.
//!
//! Must never: accept an answer that does not answer every question, each in its place.

use crate::client::{Client, Refusal};
use crate::exit::{Exit, Failure};
use protocol::proof::Proof;
use protocol::types::Hash;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Names in one look-up; the API answers no more.
pub const LOOKUPS_MAX: usize = 1_000;
/// Submissions in one request; the API takes no more.
pub const SUBMISSIONS_MAX: usize = 100;

/// Where a proof or a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Unknown,
    Fetching,
    Waiting,
    Checking,
    Pending,
    Refused,
    Final,
}

/// The answer to one look-up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Found {
    pub state: State,
    pub proof: Option<Hash>,
    pub statement: Option<Hash>,
    pub block: Option<u64>,
    /// The solver's resource count, as the block records it.
    pub difficulty: Option<u64>,
    pub refusal: Option<Why>,
    pub attestation_counts: Option<Attestations>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Why {
    pub reason: String,
    pub message: String,
    pub line: Option<u32>,
    pub column: Option<u32>,
}

/// How many validators attest what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestations {
    pub confirmed: u32,
    pub confirmed_beyond_soft_limits: u32,
    pub refuted: u32,
    pub no_verdict: u32,
}

/// The answer to one submission.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    Taken { proof: Hash, known: bool },
    Refused(Refused),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refused {
    pub error: String,
    pub message: String,
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// Seconds.
    pub retry_after: Option<u64>,
}

/// What is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Proof(Hash),
    Statement(Hash),
}

/// Looks up at most [`LOOKUPS_MAX`] names; the answers are in their order.
///
/// # Errors
/// If the node is not reached, or answers something else.
pub fn look_up(client: &Client, names: &[Name]) -> Result<Result<Vec<Found>, Refusal>, Failure> {
    let (mut proofs, mut statements) = (Vec::new(), Vec::new());
    for name in names {
        match name {
            Name::Proof(proof) => proofs.push(*proof),
            Name::Statement(statement) => statements.push(*statement),
        }
    }
    let answer = match client.offer("/v1/proofs/lookup", &json!({"proofs": proofs, "statements": statements}))? {
        Ok(answer) => answer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut of_proofs = list::<Found>(&answer, "proofs", proofs.len())?.into_iter();
    let mut of_statements = list::<Found>(&answer, "statements", statements.len())?.into_iter();
    let next = |name: &Name| match name {
        Name::Proof(_) => of_proofs.next(),
        Name::Statement(_) => of_statements.next(),
    };
    Ok(Ok(names.iter().filter_map(next).collect()))
}

/// Submits at most [`SUBMISSIONS_MAX`] proofs; the answers are in their order.
///
/// # Errors
/// If the node is not reached, or answers something else.
pub fn submit(client: &Client, submissions: &[Value]) -> Result<Result<Vec<Answer>, Refusal>, Failure> {
    match client.offer("/v1/proofs/batch", &json!({"submissions": submissions}))? {
        Ok(answer) => list(&answer, "submissions", submissions.len()).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// A submission, as the API takes it.
///
/// # Errors
/// If the script is not UTF-8, which JSON cannot carry.
pub fn body_of(proof: &Proof) -> Result<Value, std::str::Utf8Error> {
    let script = std::str::from_utf8(&proof.script)?;
    Ok(json!({
        "script": script, "claim": proof.claim, "submitter": proof.submitter, "nonce": proof.nonce,
        "signature": proof.signature,
    }))
}

/// One answer for each question, or none of them is believed.
fn list<T: DeserializeOwned>(answer: &Value, name: &str, count: usize) -> Result<Vec<T>, Failure> {
    let other = |why: String| Failure::new(Exit::Unreachable, format!("the node's answer is not understood: {why}"));
    let list = Vec::<T>::deserialize(&answer[name]).map_err(|error| other(format!("{name}: {error}")))?;
    if list.len() != count {
        return Err(other(format!("{} answers to {count} {name}", list.len())));
    }
    Ok(list)
}
