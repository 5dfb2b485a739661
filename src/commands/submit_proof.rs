//! `pop submit-proof`: signs proof obligations and gives them to a node.

use crate::args::{seconds, whole};
use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::home;
use crate::node_batch::wire::body_of;
use crate::obligation::{self, Obligation, ObligationError, Reader};
use crate::say;
use crate::text::{counted, excerpt};
use crate::utf8::{self, Carried};
use ed25519_dalek::SigningKey;
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::Hash;
use protocol::verdict::Claim;
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The longest that one request waits; longer waits are several.
const WAIT_OF_ONE_REQUEST: Duration = Duration::from_secs(20);

/// Submit proofs to a node.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// SMT-LIB scripts, folders of them, or manifests.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The answer that is claimed [default: by manifest.json, or the script's (set-info :status …)].
    #[arg(long, value_name = "unsat|sat")]
    claim: Option<Claim>,
    /// The node that is given the proofs.
    #[arg(long, value_name = "NODE", default_value = "node_1")]
    node: String,
    /// The key that signs; made if there is none [default: submitter.submit-key in the user's own data directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Another number makes the same script another submission.
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = whole, allow_negative_numbers = true)]
    nonce: u64,
    /// Wait until every proof has ended, and for room if the node has none.
    #[arg(long)]
    wait: bool,
    /// Seconds to wait at most.
    #[arg(long, value_name = "S", default_value = "120", requires = "wait", value_parser = seconds, allow_negative_numbers = true)]
    timeout: Duration,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let obligations = self.read().map_err(Failure::with(Exit::Input))?;
        let client = Client::new(&self.node)?;
        let chain = chain_of(&client)?;
        let key = home::submitter_key(self.key.as_deref()).map_err(Failure::with(Exit::Configuration))?;
        let mut exit = Exit::Fine;
        let mut submitted = Vec::new();
        let deadline = Instant::now() + self.timeout;
        for obligation in &obligations {
            match self.submit(&client, &chain, &key, obligation, deadline) {
                Ok(named) => submitted.push(named),
                // One that is not taken does not keep the others back; a node that does not answer takes none.
                Err(failure) if matches!(failure.exit, Exit::Input | Exit::Refuted) => {
                    eprintln!("error: {}", failure.message);
                    exit = exit.worse(failure.exit);
                }
                Err(failure) => return Err(failure),
            }
        }
        if self.wait { self.await_all(&client, &submitted, deadline, exit) } else { Ok(exit) }
    }

    /// Tells what each proof came to, in the order of the files.
    fn await_all(&self, client: &Client, submitted: &[(String, Hash)], deadline: Instant, mut exit: Exit) -> Outcome {
        for (name, id) in submitted {
            let view = await_end(client, id, deadline)?;
            let line = super::proof::line(&view);
            if view["ended"] == true {
                say!("{name}: {line}");
            } else {
                say!("{name}: after {} s still {line}", self.timeout.as_secs_f64());
            }
            exit = exit.worse(match view["state"].as_str() {
                Some("final") => Exit::Fine,
                Some("refused") => Exit::Refuted,
                _ => Exit::NoVerdict,
            });
        }
        Ok(exit)
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

    fn submit(
        &self,
        client: &Client,
        chain: &Hash,
        key: &SigningKey,
        obligation: &Obligation,
        deadline: Instant,
    ) -> Result<(String, Hash), Failure> {
        let name = obligation.path.display().to_string();
        let (claim, source) = obligation.claim.ok_or_else(|| Failure::new(Exit::Input, no_claim(&name, obligation)))?;
        let script = carried(&name, &obligation.script)?;
        let proof = Proof::sign(chain, key, public_key(key), claim, self.nonce, script);
        let body =
            body_of(&proof).map_err(|error| Failure::new(Exit::Input, format!("{name} is not UTF-8: {error}")))?;
        let named = |failure: Failure| {
            Failure::new(failure.exit, format!("{name}: {}", with_place(failure.message, &proof.script)))
        };
        let answer = loop {
            let refusal = match client.offer("/v1/proofs", &body).map_err(named)? {
                Ok(answer) => break answer,
                Err(refusal) => refusal,
            };
            // Who waits for the proofs' ends also waits for room, as long as the node asks for and no longer than asked.
            let span = refusal.retry_after.filter(|span| self.wait && Instant::now() + *span < deadline);
            let Some(span) = span else { return Err(named(Failure::new(refusal.exit(), refusal.message))) };
            eprintln!("{name}: not taken yet: {}", refusal.message);
            std::thread::sleep(span);
        };
        let known = if answer["known"] == true { ", which was here already" } else { "" };
        let id = proof.id(chain);
        say!("{name}: submitted as {id}{known} (claims {claim}, {})", source.word());
        Ok((name, id))
    }
}

/// Why a script has no claim: one that is not let through says nothing of itself.
fn no_claim(name: &str, obligation: &Obligation) -> String {
    match smtlib::normalise(&obligation.script, &smtlib::Limits::default()) {
        Err(error) => format!("{name}: {}", with_place(error.to_string(), &obligation.script)),
        Ok(_) => format!("{name} claims no answer: give --claim, or write (set-info :status unsat) into it"),
    }
}

/// The script in UTF-8, and one line on what had to be replaced for that.
fn carried(name: &str, script: &[u8]) -> Result<Vec<u8>, Failure> {
    let refused = |message| Failure::new(Exit::Input, format!("{name}: {}", with_place(message, script)));
    let Carried { script: text, replaced } = utf8::carried(script).map_err(refused)?;
    if replaced > 0 {
        let bytes = counted(replaced as u64, "byte that is not UTF-8", "bytes that are not UTF-8");
        eprintln!("{name}: {bytes} replaced (in comments and ignored text)");
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

fn await_end(client: &Client, id: &Hash, deadline: Instant) -> Result<Value, Failure> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).min(WAIT_OF_ONE_REQUEST);
        let view = client.get(&format!("/v1/proofs/{id}?explain=false&wait={}", left.as_secs_f64()))?;
        if view["ended"] == true || left.is_zero() {
            return Ok(view);
        }
    }
}
