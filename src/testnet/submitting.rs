//! Submitting a testnet's proofs, each once and when it is due, to one node after the other until one takes it.

use super::asking::{self, PATIENCE};
use super::events::Event;
use super::site::Site;
use super::waiting::{AGAIN, pause};
use super::{Plan, Task, variants};
use crate::client::{Client, Refusal};
use crate::node_batch::wire::body_of;
use ed25519_dalek::SigningKey;
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Nodes that are offered a proof, one after the other, until it is put off, where proofs come at a rate: who waited for room
/// would come at a lower one.
const OFFERS_MAX: usize = 3;
/// Submissions that are under way at once, for each node and together: each waits for its node's disk, which takes many
/// together, and a node looks at 32 at once.
const SUBMITTERS_OF_ONE: usize = 28;
const SUBMITTERS_MAX: usize = 112;

/// Starts the submitters: they end when everything is submitted, or when one of these is set.
pub(super) fn start(plan: &Plan, site: &Site, over: Vec<Arc<AtomicBool>>, events: Sender<Event>) {
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
        over,
        events,
    });
    for _ in 0..submitters {
        let submitter = Submitter { nodes: asking::clients(site), queue: queue.clone() };
        std::thread::spawn(move || submitter.run());
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
            self.send(Event::SubmissionsOver);
        }
    }

    /// Offers a task to one node after the other until one takes or refuses it, or it is put off. False if the run is over
    /// before.
    fn submit(&self, task: &Task, nonce: u64, first: usize) -> bool {
        let Some(claim) = task.claim else {
            let why = "it claims no answer: write it into the manifest, or (set-info :status unsat) into the script";
            return self.send(Event::NotTaken { name: task.name.clone(), why: why.into() });
        };
        let Queue { chain, key, over, variants, .. } = &*self.queue;
        let varied = variants.and_then(|seed| variants::variant(&task.script, seed, nonce));
        let script = varied.unwrap_or_else(|| task.script.clone());
        let proof = Proof::sign(chain, key, public_key(key), claim, nonce, script);
        let body = match body_of(&proof) {
            Ok(body) => body,
            Err(error) => return self.send(Event::NotTaken { name: task.name.clone(), why: error.to_string() }),
        };
        let is_put_off = |offers: usize| self.queue.interval.is_some() && !self.queue.once && offers >= OFFERS_MAX;
        let mut full = 0;
        for node in (0..self.nodes.len()).cycle().skip(first) {
            let at = Instant::now();
            match self.nodes[node].offer("/v1/proofs", &body) {
                Ok(Ok(_)) => {
                    let proof = proof.id(chain);
                    return self.send(Event::Submitted { name: task.name.clone(), proof, node, at });
                }
                Ok(Err(refusal)) if !refusal.is_passing() => {
                    return self.send(Event::NotTaken { name: task.name.clone(), why: refusal.message });
                }
                // Full: the next one, and when all are, as late as the last of them said.
                Ok(Err(Refusal { retry_after: Some(retry_after), .. })) => {
                    full += 1;
                    if is_put_off(full) {
                        return self.send(Event::PutOff);
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
    fn send(&self, event: Event) -> bool {
        self.queue.events.send(event).is_ok()
    }
}
