//! The threads that ask: one for each node, so that none waits for another, one that follows final blocks, and one for the
//! proofs that ended.
//!
//! Every request has a deadline, every thread ends when nobody listens any more. Must never: ask for anything that changes a
//! node, or interpret what it says (`facts` does).

use super::facts::{Account, Actor, Answer, Block, Ended, Report, Status, Trouble, cut};
use super::metrics::Metrics;
use super::model::Lead;
use super::target::Target;
use crate::client::{Client, Silence};
use crate::refusal;
use parking_lot::Mutex;
use protocol::types::{Hash, Millis};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A node that takes longer counts as silent. With the pause before it, this keeps below three seconds from the moment at
/// which a node stops to the one at which that is seen.
const DEADLINE: Duration = Duration::from_millis(1_500);
/// The longest pause between two looks at a node's status, unless the user asks for a longer one.
const PAUSE: Duration = Duration::from_secs(1);
/// An interval from here on is a wish to be asked less.
const GENTLE: Duration = Duration::from_secs(3);
/// What changes slowly is asked for less often.
const SLOW: Duration = Duration::from_secs(5);
/// What hardly ever changes.
const RARE: Duration = Duration::from_secs(60);
/// Blocks of the past that are asked for at the start.
const HISTORY: u64 = 512;
/// For all of them, where one look is all.
const HISTORY_DEADLINE: Duration = Duration::from_secs(2);
/// How long the follower waits for a block, in seconds, and for the answer after that.
const BLOCKS_WAIT: u32 = 1;
const BLOCKS_DEADLINE: Duration = Duration::from_secs(3);
/// Before it asks again after a silence.
const AGAIN: Duration = Duration::from_millis(500);
/// The node looks for a counterexample first.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(8);
/// Refused proofs that are asked about after one look: each may cost the node a run of the solver.
const EXPLAINED_AT_ONCE: usize = 3;
/// Characters of a reason with its counterexample.
const EXPLAINED_CHARS: usize = 500;
/// Refused proofs whose reason is known already; a node tells no more than these.
const EXPLAINED_MAX: usize = 256;

/// This machine's clock, which never goes back.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    begun: Instant,
    then: Millis,
}

impl Clock {
    pub fn start() -> Clock {
        let then = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { begun: Instant::now(), then: millis(then) }
    }

    /// Since the Unix epoch.
    pub fn now(&self) -> Millis {
        self.then.saturating_add(millis(self.begun.elapsed()))
    }
}

fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// What the threads share with their receiver.
pub type SharedLead = Arc<Mutex<Lead>>;

/// Starts the threads. They send until the receiver is gone.
pub fn start<M: From<Report> + Send + 'static>(
    targets: &[Target],
    interval: Duration,
    clock: Clock,
    to: &Sender<M>,
) -> SharedLead {
    let lead = SharedLead::default();
    for (node, target) in targets.iter().enumerate() {
        let asker = Asker { node, client: client(target, DEADLINE), clock, to: to.clone() };
        std::thread::spawn(move || asker.run(interval));
    }
    let clients: Vec<Client> = targets.iter().map(|target| client(target, BLOCKS_DEADLINE)).collect();
    let (shared, sender) = (lead.clone(), to.clone());
    std::thread::spawn(move || follow(&clients, clock, &shared, &sender));
    let (targets, shared, sender) = (targets.to_vec(), lead.clone(), to.clone());
    std::thread::spawn(move || follow_ended(&targets, interval, clock, &shared, &sender));
    lead
}

/// Asks every node once, at the same time, and tells when each is done by dropping its sender.
pub fn once(targets: &[Target], clock: Clock, to: &Sender<Report>) {
    for (node, target) in targets.iter().enumerate() {
        let asker = Asker { node, client: client(target, DEADLINE), clock, to: to.clone() };
        // A single look needs everything of every node.
        std::thread::spawn(move || _ = asker.status() && asker.rest() && asker.slow() && asker.ledger());
    }
}

/// The past blocks of one node, up to a sequence.
pub fn history(target: &Target, node: usize, sequence: u64, clock: Clock) -> Vec<Report> {
    let client = client(target, DEADLINE);
    let mut reports = Vec::new();
    let mut next = first_of(sequence);
    let until = Instant::now() + HISTORY_DEADLINE;
    while Instant::now() < until
        && next <= sequence
        && let Some(blocks) = blocks(&client, next, 0).filter(|blocks| !blocks.is_empty())
    {
        next = next.saturating_add(blocks.len() as u64);
        // What is newer is of after the look.
        let blocks = blocks.into_iter().filter(|block| block.sequence <= sequence).collect();
        reports.push(Report { node, at: clock.now(), answer: Answer::Blocks { blocks, live: false } });
    }
    reports
}

/// The proofs that ended at one node, and why the newest of them are refused.
pub fn ended(target: &Target, node: usize, clock: Clock) -> Vec<Report> {
    let until = Instant::now() + HISTORY_DEADLINE;
    let report = |answer| Report { node, at: clock.now(), answer };
    let Some(ended) = newest(&client(target, DEADLINE)) else { return Vec::new() };
    let refused: Vec<Hash> = ended.iter().filter(|one| one.refusal.is_some()).map(|one| one.proof).collect();
    let mut reports = vec![report(Answer::Ended(ended))];
    for proof in refused.into_iter().take(EXPLAINED_AT_ONCE) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        reports.extend(explained(&client(target, left), proof).map(report));
    }
    reports
}

fn client(target: &Target, deadline: Duration) -> Client {
    Client::with_deadline(&target.name, &target.address, deadline)
}

fn first_of(sequence: u64) -> u64 {
    sequence.saturating_sub(HISTORY - 1).max(1)
}

struct Asker<M> {
    node: usize,
    client: Client,
    clock: Clock,
    to: Sender<M>,
}

impl<M: From<Report>> Asker<M> {
    fn run(self, interval: Duration) {
        let pause = if interval >= GENTLE { interval } else { interval.min(PAUSE) };
        let (mut rest_due, mut slow_due, mut rare_due) = (Instant::now(), Instant::now(), Instant::now());
        loop {
            let began = Instant::now();
            let answers = match self.told_status() {
                Ok(answers) => answers,
                Err(Gone) => return,
            };
            let mut heard = true;
            if answers && began >= rest_due {
                heard = self.rest();
                rest_due = began + interval;
            }
            if heard && answers && began >= slow_due {
                heard = self.slow();
                slow_due = began + interval.max(SLOW);
            }
            if heard && answers && began >= rare_due {
                heard = self.ledger();
                rare_due = began + interval.max(RARE);
            }
            if !answers {
                // Another network may be there when it answers again.
                rare_due = Instant::now();
            }
            if !heard {
                return;
            }
            std::thread::sleep(pause.saturating_sub(began.elapsed()));
        }
    }

    fn tell(&self, answer: Answer) -> Result<(), Gone> {
        let report = Report { node: self.node, at: self.clock.now(), answer };
        self.to.send(M::from(report)).map_err(|_| Gone)
    }

    /// Whether it says how it is.
    fn told_status(&self) -> Result<bool, Gone> {
        let again = |silence: Silence| match silence {
            // A connection that was kept, and that the node has closed meanwhile, is no sign of anything.
            Silence::Failed(_) => self.client.ask("/v1/status"),
            Silence::Refused | Silence::NotReached | Silence::TimedOut => Err(silence),
        };
        let status = match self.client.ask("/v1/status").or_else(again) {
            Ok(Ok(value)) => Status::read(&value).map_err(Trouble::Invalid),
            Ok(Err(refusal)) => Err(Trouble::Unavailable(cut(&refusal.message, 200))),
            Err(silence) => Err(trouble(silence)),
        };
        // What cannot say how consensus is may well say how its actors are.
        let answers = matches!(status, Ok(_) | Err(Trouble::Unavailable(_)));
        self.tell(Answer::Status(Box::new(status)))?;
        Ok(answers)
    }

    fn status(&self) -> bool {
        self.told_status().unwrap_or(false)
    }

    /// False if nobody listens any more.
    fn rest(&self) -> bool {
        match self.client.ask("/v1/actors") {
            Ok(Ok(value)) => self.tell(Answer::Actors(Actor::read_all(&value))).is_ok(),
            Ok(Err(_)) | Err(_) => true,
        }
    }

    /// False if nobody listens any more.
    fn slow(&self) -> bool {
        match self.client.page("/metrics") {
            Ok(page) => self.tell(Answer::Metrics(Metrics::read(&page))).is_ok(),
            // They may be switched off.
            Err(_) => true,
        }
    }

    /// False if nobody listens any more.
    fn ledger(&self) -> bool {
        match self.client.ask("/v1/ledger") {
            Ok(Ok(value)) => self.tell(Answer::Ledger(Account::read_all(&value))).is_ok(),
            Ok(Err(_)) | Err(_) => true,
        }
    }
}

/// Nobody listens any more.
struct Gone;

fn trouble(silence: Silence) -> Trouble {
    match silence {
        Silence::Refused => Trouble::Refused,
        Silence::NotReached => Trouble::NotReached,
        Silence::TimedOut => Trouble::TimedOut,
        Silence::Failed(why) => Trouble::Failed(cut(&why, 200)),
    }
}

/// Final blocks from a sequence on. None if there is no answer, or one that is not what was asked for: a node that leaps to
/// another sequence would leave the others' blocks out.
fn blocks(client: &Client, from: u64, wait: u32) -> Option<Vec<Block>> {
    let answer = client.ask(&format!("/v1/blocks?from={from}&wait={wait}")).ok()?.ok()?;
    let blocks = Block::read_all(&answer)?;
    blocks.iter().zip(from..).all(|(block, sequence)| block.sequence == sequence).then_some(blocks)
}

/// Every final block of the chain once, in order, as soon as it is final; first those of the recent past.
fn follow<M: From<Report>>(clients: &[Client], clock: Clock, lead: &SharedLead, to: &Sender<M>) {
    let mut of = (String::new(), 0);
    let (mut next, mut past) = (1, 0);
    loop {
        let Lead { node, chain, sequence, generation, next: wanted } = lead.lock().clone();
        let now = (chain, generation);
        if node.is_some() && (now != of || next > sequence.saturating_add(HISTORY)) {
            let is_new = now.0 != of.0;
            next =
                if is_new { first_of(sequence) } else { wanted.clamp(first_of(sequence), sequence.saturating_add(1)) };
            past = if is_new { sequence } else { past };
            of = now;
        }
        let asked = Instant::now();
        let answer = node.and_then(|node| Some((node, blocks(&clients[node], next, BLOCKS_WAIT)?)));
        let Some((node, blocks)) = answer else {
            // To nobody this is a report without blocks, which says nothing; the channel says whether anybody listens.
            let nothing =
                Report { node: 0, at: clock.now(), answer: Answer::Blocks { blocks: Vec::new(), live: true } };
            if to.send(M::from(nothing)).is_err() {
                return;
            }
            std::thread::sleep(AGAIN);
            continue;
        };
        if blocks.is_empty() && asked.elapsed() < AGAIN {
            // It did not wait, as it was asked to: others needed the place.
            std::thread::sleep(AGAIN);
        }
        let live = next > past;
        next = next.saturating_add(blocks.len() as u64);
        if to.send(M::from(Report { node, at: clock.now(), answer: Answer::Blocks { blocks, live } })).is_err() {
            return;
        }
    }
}

/// The proofs that ended last at the node that is asked for blocks, and why those that are new among them are refused.
fn follow_ended<M: From<Report>>(
    targets: &[Target],
    interval: Duration,
    clock: Clock,
    lead: &SharedLead,
    to: &Sender<M>,
) {
    let mut known: VecDeque<Hash> = VecDeque::new();
    let mut has_begun = false;
    loop {
        let began = Instant::now();
        let Lead { node, next, sequence, .. } = lead.lock().clone();
        // A list is put among the blocks of the past, so these come first.
        has_begun = has_begun || node.is_some() && next > sequence;
        let node = node.filter(|_| has_begun);
        let ended = node.and_then(|node| newest(&client(&targets[node], DEADLINE)));
        let tell = |answer| to.send(M::from(Report { node: node.unwrap_or(0), at: clock.now(), answer })).is_ok();
        let is_new = |one: &&Ended| one.refusal.is_some() && !known.contains(&one.proof);
        let new: Vec<Hash> = ended.iter().flatten().filter(is_new).map(|one| one.proof).collect();
        // Without an answer this says nothing, but for whether anybody listens.
        if !tell(Answer::Ended(ended.unwrap_or_default())) {
            return;
        }
        for proof in new.into_iter().take(EXPLAINED_AT_ONCE) {
            known.push_back(proof);
            if known.len() > EXPLAINED_MAX {
                known.pop_front();
            }
            let Some(node) = node else { break };
            if explained(&client(&targets[node], EXPLAINED_WITHIN), proof).is_some_and(|answer| !tell(answer)) {
                return;
            }
        }
        // Until then there is nobody to ask.
        let pause = if node.is_some() { interval } else { AGAIN };
        std::thread::sleep(pause.saturating_sub(began.elapsed()));
    }
}

/// As the page has them: a node makes this once a second at most, however many ask.
fn newest(client: &Client) -> Option<Vec<Ended>> {
    let overview = client.ask("/v1/overview").ok()?.ok()?;
    Some(Ended::read_all(&overview["proofs"]))
}

fn explained(client: &Client, proof: Hash) -> Option<Answer> {
    let view = client.ask(&format!("/v1/proofs/{proof}")).ok()?.ok()?;
    (view["state"] == "refused")
        .then(|| Answer::Explained { proof, why: cut(&refusal::of_view(&view), EXPLAINED_CHARS) })
}
