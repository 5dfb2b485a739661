//! The threads that ask: one for each node, so that none waits for another, and one that follows final blocks.
//!
//! Every request has a deadline, every thread ends when nobody listens any more. Must never: ask for anything that changes a
//! node, or interpret what it says (`facts` does).

use super::facts::{Account, Actor, Answer, Block, Report, Status, Trouble, cut};
use super::metrics::Metrics;
use super::target::Target;
use crate::client::{Client, Silence};
use parking_lot::Mutex;
use protocol::types::Millis;
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
/// Blocks of the past that are asked for at the start.
const HISTORY: u64 = 512;
/// For all of them, where one look is all.
const HISTORY_DEADLINE: Duration = Duration::from_secs(2);
/// How long the follower waits for a block, in seconds, and for the answer after that.
const BLOCKS_WAIT: u32 = 1;
const BLOCKS_DEADLINE: Duration = Duration::from_secs(3);
/// Before it asks again after a silence.
const AGAIN: Duration = Duration::from_millis(500);

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

/// Which node is asked for blocks, from where on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lead {
    pub node: Option<usize>,
    pub chain: String,
    pub sequence: u64,
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
        let asker = Asker { node, client: client(target, DEADLINE), clock, lead: lead.clone(), to: to.clone() };
        std::thread::spawn(move || asker.run(interval));
    }
    let clients: Vec<Client> = targets.iter().map(|target| client(target, BLOCKS_DEADLINE)).collect();
    let (shared, to) = (lead.clone(), to.clone());
    std::thread::spawn(move || follow(&clients, clock, &shared, &to));
    lead
}

/// Asks every node once, at the same time, and tells when each is done by dropping its sender.
pub fn once(targets: &[Target], clock: Clock, to: &Sender<Report>) {
    for (node, target) in targets.iter().enumerate() {
        let asker =
            Asker { node, client: client(target, DEADLINE), clock, lead: SharedLead::default(), to: to.clone() };
        // A single look needs everything of every node.
        asker.lead.lock().node = Some(node);
        std::thread::spawn(move || _ = asker.status() && asker.rest() && asker.slow());
    }
}

/// The past blocks of one node, up to a sequence.
pub fn history(target: &Target, node: usize, sequence: u64, clock: Clock) -> Vec<Report> {
    let client = client(target, DEADLINE);
    let mut reports = Vec::new();
    let mut next = first_of(sequence);
    let until = Instant::now() + HISTORY_DEADLINE;
    while Instant::now() < until
        && let Some((blocks, after)) = blocks(&client, next, 0).filter(|(blocks, _)| !blocks.is_empty())
    {
        reports.push(Report { node, at: clock.now(), answer: Answer::Blocks { blocks, live: false } });
        if after <= next || after > sequence {
            break;
        }
        next = after;
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
    lead: SharedLead,
    to: Sender<M>,
}

impl<M: From<Report>> Asker<M> {
    fn run(self, interval: Duration) {
        let pause = if interval >= GENTLE { interval } else { interval.min(PAUSE) };
        let (mut rest_due, mut slow_due) = (Instant::now(), Instant::now());
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
            Ok(Ok(value)) => {
                Status::read(&value).ok_or_else(|| Trouble::Failed("its answer is no validator's status".into()))
            }
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
        let heard = match self.client.page("/metrics") {
            Ok(page) => self.tell(Answer::Metrics(Metrics::read(&page))).is_ok(),
            // They may be switched off.
            Err(_) => true,
        };
        if !heard || self.lead.lock().node != Some(self.node) {
            return heard;
        }
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

fn blocks(client: &Client, from: u64, wait: u32) -> Option<(Vec<Block>, u64)> {
    let answer = client.ask(&format!("/v1/blocks?from={from}&wait={wait}")).ok()?.ok()?;
    Block::read_all(&answer)
}

/// Every final block of the chain once, in order, as soon as it is final; first those of the recent past.
fn follow<M: From<Report>>(clients: &[Client], clock: Clock, lead: &SharedLead, to: &Sender<M>) {
    let mut chain = String::new();
    let (mut next, mut past) = (1, 0);
    loop {
        let Lead { node, chain: now, sequence } = lead.lock().clone();
        if node.is_some() && (now != chain || next > sequence.saturating_add(HISTORY)) {
            (chain, next, past) = (now, first_of(sequence), sequence);
        }
        let asked = Instant::now();
        let answer = node.and_then(|node| Some((node, blocks(&clients[node], next, BLOCKS_WAIT)?)));
        let Some((node, (blocks, after))) = answer else {
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
        // An answer that leads back would be asked for forever.
        next = after.max(next);
        if to.send(M::from(Report { node, at: clock.now(), answer: Answer::Blocks { blocks, live } })).is_err() {
            return;
        }
    }
}
