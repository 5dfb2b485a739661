//! `pop submit-proof`: signs proof obligations and gives them to a node.
//!
//! Must never: end with 0 while a proof is refused, or not taken.

mod results;
mod waiting;

use crate::args::{seconds, whole};
use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::home;
use crate::node_batch::wire::body_of;
use crate::nodes::Choice;
use crate::obligation::{self, Obligation, ObligationError, Reader};
use crate::text::{counted, excerpt};
use crate::utf8::{self, Carried, NotCarried};
use ed25519_dalek::SigningKey;
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::Hash;
use protocol::verdict::Claim;
use results::{Entry, Results, Taken};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use waiting::{ASKED_AGAIN, Waiting};

/// Submit proofs to a node.
///
/// Exit code: 0 everything was taken (with --wait: is final), 5 a proof is refused, 6 one has not ended in time, 2 one is bad
/// input, 4 the node does not answer; for several files 2 goes before 5 before 6.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// SMT-LIB scripts, folders of them, or manifests; - is the standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The answer that is claimed [default: by manifest.json, or the script's (set-info :status …)].
    #[arg(long, value_name = "unsat|sat")]
    claim: Option<Claim>,
    #[command(flatten)]
    nodes: Choice,
    /// The key that signs; made if there is none [default: submitter.submit-key in the user's own data directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Another number makes the same script another submission.
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = whole, allow_negative_numbers = true)]
    nonce: u64,
    /// Wait until every proof has ended, for room if the node has none, and for the node if it does not answer yet.
    #[arg(long)]
    wait: bool,
    /// Seconds to wait at most.
    #[arg(long, value_name = "S", default_value = "120", requires = "wait", value_parser = seconds, allow_negative_numbers = true)]
    timeout: Duration,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let obligations = self.read().map_err(Failure::with(Exit::Input))?;
        let mut waiting = Waiting::new(self.wait.then_some(self.timeout), obligations.len());
        let (client, chain) = waiting.patiently(|| {
            let client = self.nodes.one()?;
            chain_of(&client).map(|chain| (client, chain))
        })?;
        let key = home::submitter_key(self.key.as_deref()).map_err(Failure::with(Exit::Configuration))?;
        let mut results = Results::new(self.json, self.wait, obligations.len());
        let ended = self.submit_all(&client, &chain, &key, &obligations, &mut waiting, &mut results);
        let ended = ended.and_then(|()| results.await_all(&client, &mut waiting));
        waiting.clear();
        // What is done is told, whatever came afterwards.
        let exit = results.conclude(&client, &chain, ended.as_ref().err());
        ended.map(|()| exit)
    }

    /// Every script of the files, folders and manifests, with its claim.
    fn read(&self) -> Result<Vec<Obligation>, ObligationError> {
        let mut reader = Reader::new(self.claim);
        let mut obligations = Vec::new();
        for path in &self.files {
            for script in obligation::scripts(path)? {
                obligations.push(reader.read(&script)?);
            }
        }
        Ok(obligations)
    }

    /// One that is not taken does not keep the others back; a node that does not answer takes none.
    fn submit_all(
        &self,
        client: &Client,
        chain: &Hash,
        key: &SigningKey,
        obligations: &[Obligation],
        waiting: &mut Waiting,
        results: &mut Results,
    ) -> Result<(), Failure> {
        for obligation in obligations {
            let name = obligation.path.display().to_string();
            let entry = match self.submit(client, chain, key, obligation, waiting) {
                Ok(taken) => Entry::taken(name, taken),
                Err(failure) if failure.exit == Exit::Input => Entry::not_taken(name, failure),
                Err(failure) => return Err(Failure::new(failure.exit, format!("{name}: {}", failure.message))),
            };
            waiting.clear();
            results.add(entry, client, waiting)?;
            waiting.draw(results.missing(), results.in_network());
        }
        Ok(())
    }

    fn submit(
        &self,
        client: &Client,
        chain: &Hash,
        key: &SigningKey,
        obligation: &Obligation,
        waiting: &mut Waiting,
    ) -> Result<Taken, Failure> {
        let name = obligation.path.display().to_string();
        let bad = |message| Failure::new(Exit::Input, message);
        let (claim, source) = obligation.claim.ok_or_else(|| bad(no_claim(obligation)))?;
        let script = carried(&name, &obligation.script, waiting)?;
        let proof = Proof::sign(chain, key, public_key(key), claim, self.nonce, script);
        let body = body_of(&proof).map_err(|error| bad(format!("not UTF-8: {error}")))?;
        let id = proof.id(chain);
        let answer = loop {
            let refusal = match waiting.patiently(|| client.offer("/v1/proofs", &body))? {
                Ok(answer) => break answer,
                // Others did not confirm it: a proof that has ended, and is told as one.
                Err(refusal) if refusal.exit() == Exit::Refuted => break json!({"known": true, "state": "refused"}),
                Err(refusal) => refusal,
            };
            // Who waits for the proofs' ends also waits for room, as long as the node asks for and no longer than asked.
            let span = refusal.retry_after.map(|span| span.max(ASKED_AGAIN)).filter(|span| waiting.has_left(*span));
            let Some(span) = span else {
                return Err(Failure::new(refusal.exit(), with_place(refusal.message, &proof.script)));
            };
            waiting.note(&format!("{name}: not taken yet: {}", refusal.message));
            std::thread::sleep(span);
        };
        let state = answer["state"].as_str().unwrap_or("waiting").to_owned();
        Ok(Taken { id, claim, source, known: answer["known"] == true, state })
    }
}

/// Why a script has no claim: one that is not let through says nothing of itself.
fn no_claim(obligation: &Obligation) -> String {
    match smtlib::normalise(&obligation.script, &smtlib::Limits::default()) {
        Err(error) => with_place(error.to_string(), &obligation.script),
        Ok(_) => "it claims no answer: give --claim, or write (set-info :status unsat) into it".to_owned(),
    }
}

/// The script in UTF-8, and one line on what had to be replaced for that.
fn carried(name: &str, script: &[u8], waiting: &mut Waiting) -> Result<Vec<u8>, Failure> {
    let refused = |error: NotCarried| Failure::new(Exit::Input, with_place(error.to_string(), script));
    let Carried { script: text, replaced } = utf8::carried(script).map_err(refused)?;
    if replaced > 0 {
        let bytes = counted(replaced as u64, "byte that is not UTF-8", "bytes that are not UTF-8");
        waiting.note(&format!("{name}: {bytes} replaced (in comments and ignored text)"));
    }
    Ok(text.into_owned())
}

/// An error with the line that it is about, if it begins with a place in the script.
fn with_place(message: String, script: &[u8]) -> String {
    let place = || {
        let (line, rest) = message.strip_prefix("line ")?.split_once(", column ")?;
        let (column, _) = rest.split_once(':')?;
        excerpt(script, line.parse().ok()?, column.parse().ok()?)
    };
    match place() {
        Some([text, caret]) => format!("{message}\n  {text}\n  {caret}"),
        None => message,
    }
}

/// The network that the node is part of: signatures are for one chain.
fn chain_of(client: &Client) -> Result<Hash, Failure> {
    let status = client.get("/v1/status")?;
    let text = status["chain_id"].as_str().unwrap_or_default();
    text.parse().map_err(|_| Failure::new(Exit::Unreachable, format!("the node names no chain id, but {text:?}")))
}
