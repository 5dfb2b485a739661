//! Many obligations before a node: looked up first, what is missing submitted, and all of them waited for.
//!
//! ```text
//!  look up by statement ──► known: ended
//!                       ├─► under way, whoever submitted it ──────► wait ──► ended
//!                       └─► missing ──► (consent) ──► submit ──► wait ──┘
//! ```
//! A node that goes away is asked again for [`PATIENCE`]; what has ended by then stands, and a second start continues,
//! since the node knows what was submitted. Must never: submit before the caller agreed, or report *holds* for what is
//! not final as exactly the statement that was asked about.

pub mod consent;
mod submitting;
#[cfg(test)]
mod tests;
pub mod wire;

use crate::client::{Client, Refusal};
use crate::exit::{Exit, Failure};
use consent::Public;
use ed25519_dalek::SigningKey;
use protocol::signature::public_key;
use protocol::types::Hash;
use protocol::verdict::Claim;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use submitting::Missing;
use wire::{Attestations, Found, LOOKUPS_MAX, Name, State};

/// How long a node that does not answer is asked again.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at what is waited for; it grows while nothing ends.
const LOOK_MIN: Duration = Duration::from_millis(50);
const LOOK_MAX: Duration = Duration::from_secs(1);
/// A pause is looked at in steps as long as this, for a caller that wants to stop.
const STEP: Duration = Duration::from_millis(50);
/// How often one that was lost at the node is submitted again.
const TRIES_MAX: u32 = 5;

/// An obligation, as the node knows it. Its script is asked for only if it is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub statement: Hash,
    pub claim: Claim,
}

/// The outcome of an obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Final in a block, with the resource count that it records.
    Holds { block: u64, resource_count: u64 },
    /// A validator at least found the claim false.
    Refuted { proof: Option<Hash>, attestations: Attestations, message: String },
    /// Validators have no verdict, or none that enough of them share.
    NoVerdict { proof: Option<Hash>, attestations: Attestations, message: String },
    /// The script does not have an accepted form.
    NotAccepted { line: Option<u32>, column: Option<u32>, message: String },
}

/// What happens meanwhile.
#[derive(Debug)]
pub enum Event<'a> {
    /// The obligations with these numbers have ended; `known` if they had before this run.
    Ended { numbers: &'a [usize], end: &'a End, known: bool },
    /// So many statements are still to be submitted, and so many are waited for.
    Waits { missing: usize, waiting: usize },
    /// The node does not answer: it is asked again.
    Again { message: &'a str },
    /// The node has no room now: what it did not take is offered again.
    Full,
}

/// Why a script cannot be had any more.
#[derive(Debug, thiserror::Error)]
pub enum ScriptGone {
    #[error("it changed while it was checked: run the same command again")]
    Changed,
    /// In the caller's words.
    #[error("{why}")]
    Unreadable { why: String },
}

/// Who has the obligations and looks on.
pub trait Caller {
    /// The script of an obligation, in bytes.
    ///
    /// # Errors
    /// If it cannot be had any more.
    fn script(&mut self, number: usize) -> Result<Vec<u8>, ScriptGone>;
    /// Asked once, before the first submission; see [`consent::ask`].
    ///
    /// # Errors
    /// If nothing may be submitted.
    fn agree(&mut self, public: &Public) -> Result<(), Failure>;
    fn on(&mut self, event: Event<'_>);
    /// Whether to stop now, by Ctrl-C or at a deadline.
    fn is_over(&mut self) -> bool;
}

/// A node, and the key that signs what it is given.
pub struct Node {
    pub client: Client,
    pub chain: Hash,
    pub key: SigningKey,
    pub patience: Duration,
}

impl Node {
    /// # Errors
    /// If the node is not reached, names no chain, or reads scripts otherwise than this program does: then no statement that is
    /// looked up would be known there.
    pub fn with(client: Client, key: SigningKey) -> Result<Node, Failure> {
        let status = client.get("/v1/status")?;
        let text = status["chain_id"].as_str().unwrap_or_default();
        let none = |_| Failure::new(Exit::Unreachable, format!("the node names no chain id, but {text:?}"));
        let chain = text.parse().map_err(none)?;
        let (here, there) = (u64::from(smtlib::VERSION), status["solver_pin"]["normaliser_version"].as_u64());
        if let Some(there) = there.filter(|there| *there != here) {
            let message = format!(
                "{} reads scripts by version {there} of the normaliser, this program by version {here}: use the version of pop that the \
                 network runs",
                client.place().0
            );
            return Err(Failure::new(Exit::Configuration, message));
        }
        Ok(Node { client, chain, key, patience: PATIENCE })
    }

    /// Waits until the network has an outcome for every obligation, and passes each to the caller. Blocks; cost: a
    /// request for each thousand that are known.
    ///
    /// # Errors
    /// Why not all of them have ended, unless the caller stopped it.
    pub fn run(&self, asked: &[Asked], caller: &mut dyn Caller) -> Result<(), Failure> {
        let mut run = Run {
            node: self,
            asked,
            caller,
            jobs: jobs(asked),
            missing: Missing::default(),
            agreed: false,
            waiting: Vec::new(),
        };
        run.work()
    }
}

/// A statement, and all obligations that make it: one of them is submitted.
#[derive(Debug)]
struct Job {
    statement: Hash,
    numbers: Vec<usize>,
    submitted: u32,
}

fn jobs(asked: &[Asked]) -> Vec<Job> {
    let (mut jobs, mut places) = (Vec::<Job>::new(), HashMap::new());
    for (number, Asked { statement, claim: _ }) in asked.iter().enumerate() {
        let place = *places.entry(*statement).or_insert(jobs.len());
        match jobs.get_mut(place) {
            Some(job) => job.numbers.push(number),
            None => jobs.push(Job { statement: *statement, numbers: vec![number], submitted: 0 }),
        }
    }
    jobs
}

struct Run<'a> {
    node: &'a Node,
    asked: &'a [Asked],
    caller: &'a mut dyn Caller,
    jobs: Vec<Job>,
    missing: Missing,
    /// Whether the caller agreed to submitting.
    agreed: bool,
    /// Jobs that are under way, each with the name by which it is looked up: what was submitted here by its id.
    waiting: Vec<(usize, Name)>,
}

/// The caller wants to stop, or the run has failed.
enum Stop {
    Over,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl Run<'_> {
    fn work(&mut self) -> Result<(), Failure> {
        match self.work_on() {
            Ok(()) | Err(Stop::Over) => Ok(()),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    fn work_on(&mut self) -> Result<(), Stop> {
        let all = (0..self.jobs.len()).map(|job| (job, Name::Statement(self.jobs[job].statement))).collect();
        self.look(all, true)?;
        let (mut interval, mut looked) = (LOOK_MIN, Instant::now());
        while !self.missing.is_empty() || !self.waiting.is_empty() {
            let submitted = self.submit_some()?;
            if !submitted {
                self.pause(interval.saturating_sub(looked.elapsed()))?;
            } else if looked.elapsed() < LOOK_MAX {
                continue;
            }
            let before = self.waiting.len();
            let waiting = std::mem::take(&mut self.waiting);
            self.look(waiting, false)?;
            looked = Instant::now();
            interval = if self.waiting.len() < before { LOOK_MIN } else { (interval * 3 / 2).min(LOOK_MAX) };
            self.caller.on(Event::Waits { missing: self.missing.len(), waiting: self.waiting.len() });
        }
        Ok(())
    }

    /// Looks jobs up, a thousand at a time. What fails puts nothing in doubt: those that are left stay waited for.
    fn look(&mut self, jobs: Vec<(usize, Name)>, first: bool) -> Result<(), Stop> {
        for some in jobs.chunks(LOOKUPS_MAX) {
            let names: Vec<_> = some.iter().map(|(_, name)| *name).collect();
            let found = self.patiently(|node| wire::look_up(&node.client, &names))?;
            for ((job, name), found) in some.iter().zip(found) {
                self.on_found(*job, *name, found, first);
            }
        }
        Ok(())
    }

    fn on_found(&mut self, job: usize, name: Name, found: Found, first: bool) {
        match found.state {
            State::Fetching | State::Waiting | State::Checking | State::Pending => self.waiting.push((job, name)),
            State::Unknown => self.submit_again(job),
            State::Final => {
                let end = final_end(&found, &self.jobs[job].statement);
                self.end(job, end, first);
            }
            State::Refused => match refused_end(&found) {
                Some(end) => self.end(job, end, first),
                None => self.submit_again(job),
            },
        }
    }

    fn submit_again(&mut self, job: usize) {
        if self.jobs[job].submitted < TRIES_MAX {
            return self.missing.push(job);
        }
        let message = format!("it was submitted {TRIES_MAX} times, and the node lost it each time");
        let attestations = Attestations::default();
        self.end(job, End::NoVerdict { proof: None, attestations, message }, false);
    }

    fn end(&mut self, job: usize, end: End, known: bool) {
        let numbers = &self.jobs[job].numbers;
        self.caller.on(Event::Ended { numbers, end: &end, known });
    }

    /// Before the first submission, and never again.
    fn agree(&mut self) -> Result<(), Failure> {
        if !self.agreed {
            let (node, address) = self.node.client.place();
            let (node, address, submitter) = (node.to_owned(), address.to_owned(), public_key(&self.node.key));
            self.caller.agree(&Public { scripts: self.missing.len(), node, address, submitter })?;
            self.agreed = true;
        }
        Ok(())
    }

    /// Asks until the node answers, or is away for too long.
    fn patiently<T>(&mut self, mut ask: impl FnMut(&Node) -> Result<Result<T, Refusal>, Failure>) -> Result<T, Stop> {
        let (begun, mut pause) = (Instant::now(), LOOK_MIN);
        loop {
            let (failure, retry_after) = match ask(self.node) {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(refusal)) if !refusal.is_passing() => {
                    return Err(Stop::Failed(Failure::new(refusal.exit(), refusal.message)));
                }
                Ok(Err(refusal)) => (Failure::new(Exit::Unreachable, refusal.message), refusal.retry_after),
                Err(failure) => (failure, None),
            };
            if begun.elapsed() >= self.node.patience {
                return Err(Stop::Failed(failure));
            }
            self.caller.on(Event::Again { message: &failure.message });
            // A node may name any time.
            self.pause(retry_after.unwrap_or(pause).min(self.node.patience))?;
            pause = (pause * 2).min(LOOK_MAX);
        }
    }

    fn pause(&mut self, span: Duration) -> Result<(), Stop> {
        let until = Instant::now() + span;
        loop {
            if self.caller.is_over() {
                return Err(Stop::Over);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(STEP));
        }
    }
}

/// A proof that became final as another statement says nothing of this one: the network reads the script otherwise than this
/// program does, or it changed before it was submitted.
fn final_end(found: &Found, statement: &Hash) -> End {
    match (found.block, found.difficulty) {
        (Some(block), Some(resource_count)) if found.statement == Some(*statement) => {
            End::Holds { block, resource_count }
        }
        _ => End::NoVerdict {
            proof: found.proof,
            attestations: Attestations::default(),
            message:
                "the network confirmed another statement than this script makes here: the script changed meanwhile, or \
                      the network's programs are of another version"
                    .into(),
        },
    }
}

/// None for what is no end: its place was needed, and it is submitted again.
fn refused_end(found: &Found) -> Option<End> {
    let (proof, attestations) = (found.proof, found.attestation_counts.unwrap_or_default());
    let why = found.refusal.as_ref();
    let message = why.map_or_else(|| "no reason was given".to_owned(), |why| why.message.clone());
    match why.map_or("", |why| why.reason.as_str()) {
        "displaced" | "full" => None,
        "malformed" => {
            let (line, column) = why.map_or((None, None), |why| (why.line, why.column));
            Some(End::NotAccepted { line, column, message })
        }
        "refuted" => Some(End::Refuted { proof, attestations, message }),
        _ => Some(End::NoVerdict { proof, attestations, message }),
    }
}
