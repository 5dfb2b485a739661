//! The threads that watch and feed the network: one follows each validator's final blocks, some submit proofs, one looks for
//! refusals. What they see is in [`Seen`].

use super::accounts::Accounts;
use super::history::{BlocksSeen, History};
use super::network::Network;
use super::unreported::Unreported;
use crate::exit::Failure;
use crate::node_batch::wire::body_of;
use actors::keys;
use actors::randomness::random_bytes;
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::Hash;
use protocol::verdict::Claim;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Submitters at each validator of a few: one that does not answer holds its own up and nobody else's.
const SUBMITTERS_EACH: usize = 4;
const FEW: usize = 4;
/// Proofs under way, unless a rate is given: the network has always more to do than it can, and ends what it has in seconds.
/// Each is checked by every validator, so that many validators on one machine end as many fewer.
const IN_FLIGHT_MAX: usize = 200;
const CHECKS_IN_FLIGHT_MAX: usize = 800;
/// Before a submitter looks again whether a proof more may be under way, for each four validators: all of them look as often
/// together, however many they are.
const ROOM_LOOK: Duration = Duration::from_millis(2);
/// A submission that is not answered by then made no promise.
const SUBMIT_DEADLINE: Duration = Duration::from_secs(10);
const READ_DEADLINE: Duration = Duration::from_secs(5);
/// How long one request for new blocks waits, in seconds.
const BLOCKS_WAIT: u32 = 1;
/// Before who did not answer, or had no room, is tried again.
const AGAIN: Duration = Duration::from_millis(50);
/// Between two searches for refusals, and how old a proof must be to be asked for.
const REFUSALS_INTERVAL: Duration = Duration::from_secs(1);
const REFUSAL_AGE: Duration = Duration::from_secs(3);
const ASKED_AT_ONCE: usize = 32;

/// What is known, and the flags that the threads read.
pub struct Seen {
    pub network: Arc<Network>,
    pub history: Mutex<History>,
    pub accounts: Mutex<Accounts>,
    /// How far each validator's blocks were followed.
    heads: Vec<AtomicU64>,
    submits: AtomicBool,
    /// Somebody wants the end of the run: nothing is held any longer.
    hurries: AtomicBool,
    over: AtomicBool,
}

impl Seen {
    /// From which sequence on blocks are followed, for each validator.
    pub fn new(network: Arc<Network>, from: u64) -> Arc<Seen> {
        let history = History::new(network.set.clone(), network.names());
        let heads = network.nodes.iter().map(|_| AtomicU64::new(from.saturating_sub(1))).collect();
        Arc::new(Seen {
            network,
            history: Mutex::new(history),
            accounts: Mutex::default(),
            heads,
            submits: AtomicBool::new(true),
            hurries: AtomicBool::new(false),
            over: AtomicBool::new(false),
        })
    }

    pub fn submit_no_more(&self) {
        self.submits.store(false, Ordering::Relaxed);
    }

    /// Ends every hold at once: stopped processes and workers continue.
    pub fn hurry(&self) {
        self.hurries.store(true, Ordering::Relaxed);
    }

    /// The threads end by themselves after what they are just waiting for.
    pub fn end(&self) {
        self.submit_no_more();
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether every validator reported every block that any of them reported.
    pub fn heads_agree(&self) -> bool {
        let head = self.history.lock().head().0;
        self.heads.iter().all(|told| told.load(Ordering::Relaxed) >= head)
    }

    /// Waits, but no longer than until the run is over. False if it is.
    pub fn pause(&self, span: Duration) -> bool {
        self.wait(span, || self.is_over())
    }

    /// The same for who holds something.
    pub fn hold(&self, span: Duration) {
        self.wait(span, || self.is_over() || self.hurries.load(Ordering::Relaxed));
    }

    fn wait(&self, span: Duration, is_over: impl Fn() -> bool) -> bool {
        const STEP: Duration = Duration::from_millis(20);
        let until = Instant::now() + span;
        while !is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(STEP));
        }
        false
    }

    fn follow(&self, node: usize) {
        let client = self.network.nodes[node].client(READ_DEADLINE);
        while !self.is_over() {
            let next = self.heads[node].load(Ordering::Relaxed) + 1;
            let told = client.get(&format!("/v1/blocks?from={next}&wait={BLOCKS_WAIT}"));
            match told.ok().and_then(|value| serde_json::from_value(value).ok()) {
                Some(blocks) => {
                    let head = self.enter(node, next, &blocks);
                    self.heads[node].store(head, Ordering::Relaxed);
                }
                None => _ = self.pause(AGAIN),
            }
        }
    }

    /// Enters what a validator answered from a sequence on; the last one that is known of it then.
    fn enter(&self, node: usize, mut next: u64, told: &BlocksSeen) -> u64 {
        let at = Instant::now();
        let mut history = self.history.lock();
        let mut new = Vec::new();
        for block in &told.blocks {
            if block.sequence != next {
                history.enter_gap(node, next, block.sequence);
            }
            next = block.sequence + 1;
            if history.enter(node, block, at) {
                new.extend(block.proofs.iter().map(|entry| entry.proof));
            }
        }
        drop(history);
        let mut accounts = self.accounts.lock();
        new.iter().for_each(|proof| accounts.on_final(proof, at));
        next - 1
    }

    /// Reads all blocks of a validator once more, up to the highest that any validator reported: what was final must
    /// still be.
    ///
    /// # Errors
    /// If it does not answer, or has not got so far within the patience.
    pub fn sweep(&self, node: usize, patience: Duration) -> Result<u64, Unreported> {
        let client = self.network.nodes[node].client(READ_DEADLINE);
        let (first, target) = {
            let history = self.history.lock();
            (history.first().map_or(1, |first| first.0), history.head().0)
        };
        let (mut head, deadline) = (first.saturating_sub(1), Instant::now() + patience);
        while head < target {
            let told = client.get(&format!("/v1/blocks?from={}&wait={BLOCKS_WAIT}", head + 1));
            match told.map_err(Unreported::from).and_then(|value| Ok(serde_json::from_value(value)?)) {
                Ok(blocks) => head = self.enter(node, head + 1, &blocks),
                Err(why) if Instant::now() > deadline => return Err(why),
                Err(_) => _ = self.pause(AGAIN),
            }
            if Instant::now() > deadline {
                break;
            }
        }
        Ok(head)
    }

    /// Asks for proofs that have not ended those that accepted them: by their own word one may be refused, and has ended.
    fn find_refusals(&self) {
        while self.pause(REFUSALS_INTERVAL) {
            let old = self.accounts.lock().older_than(REFUSAL_AGE, ASKED_AT_ONCE);
            for (proof, open) in old {
                if let Some((state, why)) = self.status_of(&proof, open.node)
                    && state == "refused"
                {
                    self.accounts.lock().on_refused(&proof, why);
                }
            }
        }
    }

    /// What a validator says of a proof: its state, and why it is refused.
    fn status_of(&self, proof: &Hash, node: usize) -> Option<(String, String)> {
        let client = self.network.nodes[node].client(Duration::from_secs(1));
        let view = client.get(&format!("/v1/proofs/{proof}?explain=false")).ok()?;
        let why = view["refusal"]["message"].as_str().unwrap_or("no reason was given");
        Some((view["state"].as_str()?.to_owned(), why.to_owned()))
    }

    /// What is said of the proofs that have not ended, a line each.
    pub fn unended(&self, count: usize) -> Vec<String> {
        let old = self.accounts.lock().older_than(Duration::ZERO, count);
        let line = |(proof, open): &(Hash, super::accounts::Open)| {
            let accepted_by = &self.network.nodes[open.node].name;
            let age = open.at.elapsed().as_secs();
            let said = (0..self.network.nodes.len()).filter_map(|node| {
                let (state, _) = self.status_of(proof, node)?;
                Some(format!("{state} at {}", self.network.nodes[node].name))
            });
            let said: Vec<_> = said.collect();
            let said = if said.is_empty() { "known to nobody".to_owned() } else { said.join(", ") };
            format!("{proof}, accepted by {accepted_by} {age} s ago, is {said}")
        };
        old.iter().map(line).collect()
    }
}

/// Starts everything that watches.
pub fn start(seen: &Arc<Seen>) {
    for node in 0..seen.network.nodes.len() {
        let seen = seen.clone();
        std::thread::spawn(move || seen.follow(node));
    }
    let seen = seen.clone();
    std::thread::spawn(move || seen.find_refusals());
}

/// Who submits: distinct proofs, signed by a key of its own.
struct Source {
    chain: Hash,
    key: SigningKey,
    /// Statements of this run are others than those of earlier runs on the same network.
    run: u64,
    next: AtomicU64,
    began: Instant,
    /// Between two submissions; none: as many as [`IN_FLIGHT_MAX`] allows.
    interval: Option<Duration>,
}

impl Source {
    /// A statement that nobody has submitted before, and that Z3 answers in a few milliseconds.
    fn script(&self, number: u64) -> String {
        let sum = u128::from(self.run) * 1_000_000_000 + u128::from(number);
        format!(
            "(declare-const a Int)\n(declare-const b Int)\n(assert (= (+ a b) {sum}))\n(assert (= (+ b a) {}))\n(check-sat)\n",
            sum + 1
        )
    }

    fn proof(&self, number: u64) -> Proof {
        let script = self.script(number).into_bytes();
        Proof::sign(&self.chain, &self.key, public_key(&self.key), Claim::Unsat, 0, script)
    }
}

/// Starts submitting, at a rate or as much as is taken.
///
/// # Errors
/// If there is no randomness for a key.
pub fn submit(seen: &Arc<Seen>, interval: Option<Duration>) -> Result<(), Failure> {
    let internal = Failure::with(crate::exit::Exit::Internal);
    let random = random_bytes().map_err(&internal)?;
    let source = Arc::new(Source {
        chain: seen.network.genesis.chain_id(),
        key: keys::generate().map_err(&internal)?,
        run: u64::from_be_bytes([0, 0, random[0], random[1], random[2], random[3], random[4], random[5]]),
        next: AtomicU64::new(0),
        began: Instant::now(),
        interval,
    });
    let nodes = seen.network.nodes.len();
    for node in 0..nodes {
        for _ in 0..(SUBMITTERS_EACH * FEW / nodes).clamp(1, SUBMITTERS_EACH) {
            let (seen, source) = (seen.clone(), source.clone());
            std::thread::spawn(move || seen.feed(node, &source));
        }
    }
    Ok(())
}

impl Seen {
    fn feed(&self, node: usize, source: &Source) {
        let client = self.network.nodes[node].client(SUBMIT_DEADLINE);
        while self.submits.load(Ordering::Relaxed) {
            let nodes = self.network.nodes.len().max(1);
            let in_flight_max = (CHECKS_IN_FLIGHT_MAX / nodes).clamp(1, IN_FLIGHT_MAX);
            if source.interval.is_none() && self.accounts.lock().in_flight() >= in_flight_max {
                self.pause(ROOM_LOOK.mul_f64((nodes as f64 / FEW as f64).max(1.0)));
                continue;
            }
            let number = source.next.fetch_add(1, Ordering::Relaxed);
            let due = source.began + source.interval.unwrap_or_default().mul_f64(number as f64);
            if !self.pause(due.saturating_duration_since(Instant::now())) || !self.submits.load(Ordering::Relaxed) {
                return;
            }
            let proof = source.proof(number);
            let id = proof.id(&source.chain);
            let Ok(body) = body_of(&proof) else { continue };
            self.accounts.lock().on_offered(id, Instant::now());
            let answer = client.offer("/v1/proofs", &body);
            let mut accounts = self.accounts.lock();
            let rest = match answer {
                Ok(Ok(_)) => {
                    accounts.on_accepted(id, node);
                    continue;
                }
                Ok(Err(refusal)) if refusal.is_passing() => {
                    accounts.on_turned_away(&id);
                    AGAIN
                }
                Ok(Err(refusal)) => {
                    accounts.on_rejected(&id, refusal.message);
                    AGAIN
                }
                Err(_) => {
                    accounts.on_unanswered(&id);
                    AGAIN * 4
                }
            };
            drop(accounts);
            self.pause(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_another_and_is_let_through() {
        let source = |run| Source {
            chain: Hash([1; 32]),
            key: SigningKey::from_bytes(&[2; 32]),
            run,
            next: AtomicU64::new(0),
            began: Instant::now(),
            interval: None,
        };
        let statement = |run, number| {
            let script = source(run).script(number);
            smtlib::normalise(script.as_bytes(), &smtlib::Limits::default()).expect("it is let through").text
        };
        let all = [statement(0, 0), statement(0, 1), statement(1, 0), statement(u64::MAX >> 16, 7)];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
