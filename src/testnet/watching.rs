//! The threads that wait: submitting proofs, following blocks, polling statuses, awaiting a signal.
//!
//! Each asks the nodes what any operator could ask, moves to the next node where one does not answer, and ends soon
//! after it is told to stop.

use super::site::{Place, Site};
use super::{Plan, Task, asking, variants};
use crate::client::{Client, Refusal};
use crate::node_batch::wire::body_of;
use crate::refusal;
use crate::why::{self, Health};
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::{Hash, NodeId, ValidatorIndex};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Between two looks at nodes' statuses, of [`asking::AT_ONCE`] each. Each answer takes its node's threads out of their sleep: at four a second
/// that was a third of what an idle network of sixteen used.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The same while one of them cannot make blocks: when that is over is told to a quarter of a second.
const LOOK_INTERVAL_UNABLE: Duration = Duration::from_millis(250);
/// How long one request for new blocks waits, in seconds; a stop is seen at least that soon.
const BLOCKS_WAIT: u32 = 1;
/// Until a node answers: many validators on one machine take their time.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while they start: who waits for them listens for Ctrl-C, too.
const PATIENCE_AT_START: Duration = Duration::from_secs(2);
/// Nodes that are offered a proof, one after the other, until it is put off, where proofs come at a rate: who waited for room
/// would come at a lower one.
const OFFERS_MAX: usize = 3;
/// Before what was not taken is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// Submissions that are under way at once, for each node and together: each waits for its node's disk, which takes many
/// together, and a node looks at 32 at once.
const SUBMITTERS_OF_ONE: usize = 28;
const SUBMITTERS_MAX: usize = 112;
/// Proofs whose refusal is looked for at once.
const ASKED_AT_ONCE: usize = 64;
/// How long its counterexample is waited for.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(1);

/// Proofs that have not ended, with the node that each was given to.
pub type Pending = Arc<Mutex<BTreeMap<Hash, usize>>>;

/// A final block, as far as it is of interest here.
#[derive(Debug, Clone, Deserialize)]
pub struct BlockSeen {
    pub sequence: u64,
    pub proofs: Vec<EntrySeen>,
    pub prepare: Option<CertificateSeen>,
    pub commit: Option<CertificateSeen>,
    pub proposal_to_final_ms: Option<f64>,
}

impl BlockSeen {
    /// The view in which it was voted on, and by how much stake, as far as a certificate of it is kept.
    pub fn certificate(&self) -> Option<&CertificateSeen> {
        self.commit.as_ref().or(self.prepare.as_ref())
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct EntrySeen {
    pub proof: Hash,
    pub difficulty: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CertificateSeen {
    pub view: u64,
    pub prepared: u64,
    pub total: u64,
}

#[derive(Debug, Deserialize)]
struct BlocksSeen {
    blocks: Vec<BlockSeen>,
    next: u64,
}

/// One node's status, as far as it is of interest here.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub answers: bool,
    /// It is connected to a quorum, signs, and waits for nothing.
    pub is_able: bool,
    pub view: u64,
    pub sequence: u64,
    pub proposals: u64,
    pub view_changes: u64,
    /// Micro-tokens that are still to be paid as rewards.
    pub reward_pool: u64,
    /// Its word on itself and on the network.
    pub health: Option<Health>,
}

/// What the threads see.
#[derive(Debug)]
pub enum Event {
    Submitted {
        name: String,
        proof: Hash,
        node: usize,
        at: Instant,
    },
    /// The node did not take it, for a reason that will not pass.
    NotTaken {
        name: String,
        why: String,
    },
    /// Nodes had no room for it and told when to come back: the run goes on with the next one.
    PutOff,
    /// Nothing more is submitted.
    SubmissionsOver,
    Block(BlockSeen, Instant),
    Refused {
        proof: Hash,
        why: String,
    },
    Looked(Vec<Look>, Instant),
}

/// The running threads.
pub struct Watch {
    stop: Arc<AtomicBool>,
    submit_no_more: Arc<AtomicBool>,
}

impl Watch {
    pub fn start(plan: &Plan, site: &Site, pending: Pending) -> (Watch, Receiver<Event>) {
        let (events, inbox) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let submit_no_more = Arc::new(AtomicBool::new(false));
        let submitters = (SUBMITTERS_OF_ONE * site.places.len()).min(SUBMITTERS_MAX);
        // Who submits slowly has few under way, and each submitter keeps connections to every node.
        let submitters = plan.interval.map_or(submitters, |interval| {
            submitters.min((PATIENCE.as_secs_f64() / interval.as_secs_f64().max(1e-9)).ceil() as usize).max(1)
        });
        let queue = Arc::new(Queue {
            chain: site.chain,
            key: site.submitter.clone(),
            tasks: plan.tasks.clone(),
            variants: plan.variants,
            once: plan.until_done,
            interval: plan.interval,
            began: Instant::now(),
            next: AtomicU64::new(0),
            working: AtomicUsize::new(submitters),
            over: vec![stop.clone(), submit_no_more.clone()],
            events: events.clone(),
        });
        for _ in 0..submitters {
            let submitter = Submitter { nodes: clients(site), queue: queue.clone() };
            std::thread::spawn(move || submitter.run());
        }
        let (nodes, over, told) = (clients(site), stop.clone(), events.clone());
        std::thread::spawn(move || follow_blocks(&nodes, &over, &told));
        let (nodes, over, told) = (clients(site), stop.clone(), events.clone());
        std::thread::spawn(move || look_again_and_again(nodes, &over, &told));
        let (nodes, over, told) = (clients(site), stop.clone(), events.clone());
        std::thread::spawn(move || find_refusals(&nodes, &pending, &over, &told));
        (Watch { stop, submit_no_more }, inbox)
    }

    pub fn submit_no_more(&self) {
        self.submit_no_more.store(true, Ordering::Relaxed);
    }

    /// The threads end by themselves after what they are just waiting for.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn clients(site: &Site) -> Vec<Client> {
    site.places.iter().map(|place| client(place, PATIENCE)).collect()
}

fn client(place: &Place, patience: Duration) -> Client {
    Client::at(place.node_id.as_str(), &place.http).answering_within(patience)
}

/// Waits, but no longer than until one of these is set. Tells whether one is.
fn pause(span: Duration, over: &[Arc<AtomicBool>]) -> bool {
    const STEP: Duration = Duration::from_millis(50);
    let until = Instant::now() + span;
    loop {
        if over.iter().any(|over| over.load(Ordering::Relaxed)) {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(left.min(STEP));
    }
}

/// What the submitters take from, each submission once and when it is due.
struct Queue {
    chain: Hash,
    key: SigningKey,
    tasks: Vec<Task>,
    /// The seed of which each submission is a variant of its task.
    variants: Option<u64>,
    /// Each task once; else in turn, each round with a nonce of its own, which makes it another submission.
    once: bool,
    interval: Option<Duration>,
    began: Instant,
    next: AtomicU64,
    /// Submitters that have not ended.
    working: AtomicUsize,
    over: Vec<Arc<AtomicBool>>,
    events: Sender<Event>,
}

impl Queue {
    /// The number of the next submission, once it is due; none when there is no further one or the run is over.
    fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if self.once && number >= self.tasks.len() as u64 {
            return None;
        }
        let due = self.began + self.interval.unwrap_or_default().mul_f64(number as f64);
        (!pause(due.saturating_duration_since(Instant::now()), &self.over)).then_some(number)
    }
}

struct Submitter {
    nodes: Vec<Client>,
    queue: Arc<Queue>,
}

impl Submitter {
    fn run(self) {
        while !self.queue.tasks.is_empty()
            && let Some(number) = self.queue.take()
        {
            let (round, index) = (number / self.queue.tasks.len() as u64, number as usize % self.queue.tasks.len());
            if !self.submit(&self.queue.tasks[index], round, number as usize % self.nodes.len()) {
                break;
            }
        }
        if self.queue.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.tell(Event::SubmissionsOver);
        }
    }

    /// Offers a task to one node after the other until one takes or refuses it, or it is put off. False if the run is over
    /// before.
    fn submit(&self, task: &Task, nonce: u64, first: usize) -> bool {
        let Some(claim) = task.claim else {
            let why = "it claims no answer: write it into the manifest, or (set-info :status unsat) into the script";
            return self.tell(Event::NotTaken { name: task.name.clone(), why: why.into() });
        };
        let Queue { chain, key, over, variants, .. } = &*self.queue;
        let varied = variants.and_then(|seed| variants::variant(&task.script, seed, nonce));
        let script = varied.unwrap_or_else(|| task.script.clone());
        let proof = Proof::sign(chain, key, public_key(key), claim, nonce, script);
        let body = match body_of(&proof) {
            Ok(body) => body,
            Err(error) => return self.tell(Event::NotTaken { name: task.name.clone(), why: error.to_string() }),
        };
        let is_put_off = |offers: usize| self.queue.interval.is_some() && !self.queue.once && offers >= OFFERS_MAX;
        let mut full = 0;
        for node in (0..self.nodes.len()).cycle().skip(first) {
            let at = Instant::now();
            match self.nodes[node].offer("/v1/proofs", &body) {
                Ok(Ok(_)) => {
                    let proof = proof.id(chain);
                    return self.tell(Event::Submitted { name: task.name.clone(), proof, node, at });
                }
                Ok(Err(refusal)) if !refusal.is_passing() => {
                    return self.tell(Event::NotTaken { name: task.name.clone(), why: refusal.message });
                }
                // Full: the next one, and when all are, as late as the last of them said.
                Ok(Err(Refusal { retry_after: Some(retry_after), .. })) => {
                    full += 1;
                    if is_put_off(full) {
                        return self.tell(Event::PutOff);
                    }
                    if full % self.nodes.len() == 0 && pause(retry_after, over) {
                        return false;
                    }
                }
                // In trouble, or down: the next one, a little later.
                Ok(Err(_)) | Err(_) => {}
            }
            if pause(AGAIN, over) {
                return false;
            }
        }
        false
    }

    /// False if nobody listens any more.
    fn tell(&self, event: Event) -> bool {
        self.queue.events.send(event).is_ok()
    }
}

/// Every final block once, in order, from whichever node answers.
fn follow_blocks(nodes: &[Client], over: &Arc<AtomicBool>, events: &Sender<Event>) {
    let mut next = 1;
    for node in nodes.iter().cycle() {
        while !over.load(Ordering::Relaxed) {
            let answer = node.get(&format!("/v1/blocks?from={next}&wait={BLOCKS_WAIT}"));
            let Some(seen) = answer.ok().and_then(|value| serde_json::from_value::<BlocksSeen>(value).ok()) else {
                break;
            };
            next = seen.next;
            for block in seen.blocks {
                if events.send(Event::Block(block, Instant::now())).is_err() {
                    return;
                }
            }
        }
        if pause(AGAIN, std::slice::from_ref(over)) {
            return;
        }
    }
}

/// The newest status of each node, in the validators' order. A crowd is looked at in turn: each answer costs its node.
pub struct Looks {
    nodes: Vec<Client>,
    seen: Vec<Look>,
    next: usize,
}

impl Looks {
    pub fn new(site: &Site) -> Looks {
        Looks::of(clients(site))
    }

    fn of(nodes: Vec<Client>) -> Looks {
        let seen = vec![Look::default(); nodes.len()];
        Looks { nodes, seen, next: 0 }
    }

    pub fn seen(&self) -> &[Look] {
        &self.seen
    }

    fn interval(&self) -> Duration {
        if able(&self.seen).count() < self.seen.len() { LOOK_INTERVAL_UNABLE } else { LOOK_INTERVAL }
    }

    /// Looks at so many, who come after those of the last time.
    fn look(&mut self, count: usize) {
        let turns = 0..count.min(self.nodes.len());
        self.look_at(&turns.map(|turn| (self.next + turn) % self.nodes.len()).collect::<Vec<_>>(), PATIENCE);
    }

    /// Looks at some of those that could not make blocks when they were last looked at.
    pub fn look_at_unable(&mut self) {
        let order = (0..self.nodes.len()).map(|turn| (self.next + turn) % self.nodes.len());
        let unable: Vec<usize> = order.filter(|node| !self.seen[*node].is_able).take(asking::AT_ONCE).collect();
        self.look_at(&unable, PATIENCE_AT_START);
    }

    fn look_at(&mut self, places: &[usize], patience: Duration) {
        // Each client has a deadline of its own, and there is one for each at a time.
        let looks = asking::each(places, Instant::now() + patience, |place, _| look_at(&self.nodes[*place]));
        for (place, look) in places.iter().zip(looks) {
            self.seen[*place] = look.unwrap_or_default();
            self.next = (place + 1) % self.nodes.len();
        }
    }
}

fn look_again_and_again(nodes: Vec<Client>, over: &Arc<AtomicBool>, events: &Sender<Event>) {
    let mut looks = Looks::of(nodes);
    // One whole round first: who was not looked at yet is not to count as silent.
    looks.look(usize::MAX);
    loop {
        looks.look(asking::AT_ONCE);
        if events.send(Event::Looked(looks.seen().to_vec(), Instant::now())).is_err()
            || pause(looks.interval(), std::slice::from_ref(over))
        {
            return;
        }
    }
}

/// The nodes that can make blocks with others, of looks in the validators' order.
pub fn able(looks: &[Look]) -> impl Iterator<Item = ValidatorIndex> + '_ {
    (0u16..).map(ValidatorIndex).zip(looks).filter(|(_, look)| look.is_able).map(|(index, _)| index)
}

/// Every node's status now; one that is not asked or does not answer by then is silent.
pub fn look(site: &Site, until: Instant) -> Vec<Look> {
    let look = |place: &Place, left| look_at(&client(place, left));
    asking::each(&site.places, until, look).into_iter().map(Option::unwrap_or_default).collect()
}

fn look_at(node: &Client) -> Look {
    let Ok(status) = node.get("/v1/status") else { return Look::default() };
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    Look {
        answers: true,
        is_able: status["has_quorum"] == true && status["waiting_for"].is_null(),
        view: number(&status["current_view"]),
        sequence: number(&status["current_sequence"]),
        proposals: number(&status["since_start"]["proposals"]),
        view_changes: number(&status["since_start"]["view_changes"]),
        health: why::of_answer(&status),
        reward_pool: number(&status["reward_pool_micro_tokens"]),
    }
}

/// Each of these nodes' block at one sequence, of those that answer by then: they must be one and the same.
pub fn blocks_at(places: &[&Place], sequence: u64, until: Instant) -> Vec<(NodeId, String)> {
    let block = |place: &&Place, left| {
        let block = client(place, left).get(&format!("/v1/blocks/{sequence}")).ok()?;
        Some((place.node_id.clone(), block["id"].as_str()?.to_owned()))
    };
    asking::each(places, until, block).into_iter().flatten().flatten().collect()
}

/// Asks each proof's own node whether it has refused it. What became final is seen in blocks.
fn find_refusals(nodes: &[Client], pending: &Pending, over: &Arc<AtomicBool>, events: &Sender<Event>) {
    let mut from = Hash::ZERO;
    while !pause(AGAIN, std::slice::from_ref(over)) {
        let asked: Vec<(Hash, usize)> =
            pending.lock().range(from..).take(ASKED_AT_ONCE).map(|(proof, node)| (*proof, *node)).collect();
        from = if asked.len() < ASKED_AT_ONCE { Hash::ZERO } else { asked[asked.len() - 1].0 };
        for (proof, node) in asked {
            // Its own node may be down; the others were told of it, too.
            let mut order = (0..nodes.len()).map(|turn| &nodes[(node + turn) % nodes.len()]);
            let Some(view) = order.find_map(|node| node.get(&format!("/v1/proofs/{proof}?explain=false")).ok()) else {
                continue;
            };
            if view["state"] == "refused" {
                // With its counterexample, if that is found at once: who has many proofs to check looks for it later.
                let (name, address) = nodes[node].place();
                let quick = Client::with_deadline(name, address, EXPLAINED_WITHIN);
                let explained = quick.get(&format!("/v1/proofs/{proof}")).ok();
                let why = refusal::of_view(&explained.filter(|view| view["state"] == "refused").unwrap_or(view));
                if events.send(Event::Refused { proof, why }).is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether this program is asked to end, from now on.
pub fn interruption() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let caught = interrupted.clone();
    std::thread::spawn(move || on_signal(|| caught.store(true, Ordering::Relaxed)));
    interrupted
}

/// Waits until this program is asked to end, and does that.
pub fn on_signal(then: impl FnOnce()) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        let hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        let (Ok(mut terminate), Ok(mut hangup)) = (terminate, hangup) else { return };
        tokio::select! {
            _ = terminate.recv() => {}
            // The terminal has gone.
            _ = hangup.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    });
    then();
}
