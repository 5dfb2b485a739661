//! One validator: the real parts, joined by the router that the process runs ([`protocol::validator`]), with virtual I/O.
//!
//! Nothing random happens here, and no time passes: what takes time leaves as an [`Action`] and comes back by a call of the
//! world's. Each part has a mailbox; a step takes processor time ([`crate::costs`]), so that a validator can fall behind.

mod effects;
mod mail;
mod proofs;
mod restarts;
mod steps;
mod sync;

use crate::costs::Measured;
use crate::disk::Disk;
use crate::scenario::{Driver, Scenario};
use mail::Mailboxes;
use protocol::certificate::Certificate;
use protocol::consensus::Consensus;
use protocol::consensus::events::{Contradiction, FinalBlock, Halt, Record, Time, To};
use protocol::election::Election;
use protocol::mempool::{Judgement, Mempool};
use protocol::message::{GiveUpReason, Message, Word};
use protocol::pacemaker::Pacemaker;
use protocol::types::{Hash, Millis, Sequence, ValidatorIndex, View};
use protocol::validator::durable_first::DurableFirst;
use protocol::validator::route::Part;
use protocol::validator::sessions::{Session, SessionNumber, Sessions};
use protocol::validator::startup::Memory;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Names a session; a message of another one is never delivered. Rises, over all validators.
pub type SessionId = u64;

/// Counts the lives of a part: what an earlier one began is answered to nobody.
pub type Life = u64;

/// What a node asks of the world. The world answers what takes time by a call of the method named.
pub enum Action {
    Send(To, Message),
    /// Sync the batch in flight, then [`Node::synced`].
    Sync(Life),
    /// Write the oldest final blocks into the database, then [`Node::applied`].
    Apply(Life),
    /// Write an admitted proof, then [`Node::stored`].
    Store(Hash, Life),
    /// Run the solver, then [`Node::judged`].
    Check(Hash, Life),
    /// Read final blocks, and send them.
    ServeBlocks {
        to: ValidatorIndex,
        above: Sequence,
    },
    /// Read scripts, then [`Node::serve_proofs`].
    ServeProofs {
        to: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    /// Close every session.
    Reconnect,
    /// Something that is checked.
    Saw(Sight),
}

/// What the checks look at, beside everything that is sent.
pub enum Sight {
    /// These records became durable.
    Recorded(Vec<Record>),
    /// The log was replaced by these.
    Replaced,
    Final {
        blocks: Vec<FinalBlock>,
        commit: Certificate,
    },
    Refused(Hash),
    GaveUp {
        view: View,
        reason: GiveUpReason,
    },
    Contradiction(Box<Contradiction>),
    Halt(Halt),
    /// Something that the driver's own parts refuse.
    Fault(String),
}

/// A validator and its disk.
pub struct Node {
    pub me: ValidatorIndex,
    pub disk: Disk,
    pub running: Option<Running>,
    /// Counts starts: what was begun before a crash is not delivered after it.
    pub incarnation: u64,
    /// What it asks for, to be carried out by the world after every call.
    pub actions: Vec<Action>,
    /// Consensus has just asked for new sessions.
    reconnects: bool,
    scenario: Arc<Scenario>,
}

/// What a crash ends.
pub struct Running {
    pub consensus: Consensus,
    pacemaker: Pacemaker,
    election: Election,
    pub mempool: Mempool,
    /// The network's table: it outlives every part.
    pub sessions: BTreeMap<ValidatorIndex, SessionId>,
    /// As the process numbers them, in the order in which it opened them.
    numbers: BTreeMap<ValidatorIndex, SessionNumber>,
    newest: SessionNumber,
    /// What each part knows of it.
    heard: Heard,
    mailboxes: Mailboxes,
    tick_waits: bool,
    outputs: DurableFirst<()>,
    memory: Memory,
    /// Batches that are durable, of this process.
    batches: u64,
    /// Final blocks that wait for the database; they outlive the state.
    finals: VecDeque<(Vec<FinalBlock>, Certificate)>,
    lives: Lives,
    /// Admitted proofs on their way to the disk.
    storing: Vec<Hash>,
    /// What the mempool attested, which outlives it.
    noted: BTreeMap<Hash, Word>,
    /// Until when each thread is busy, in microseconds of virtual time.
    busy_until: [u64; 2],
    /// How many times longer than usual every step takes, and until when.
    slowness: (Millis, u64),
    pub measured: Measured,
    compare_due: Millis,
    /// Virtual time less local time.
    origin: i64,
    /// When the world was asked to wake it.
    pub wake: Option<Millis>,
}

#[derive(Default)]
struct Heard {
    consensus: Sessions,
    view_change: Sessions,
    leader_election: Sessions,
    mempool: Sessions,
}

#[derive(Default)]
struct Lives {
    consensus: Life,
    mempool: Life,
    verifier_pool: Life,
    state: Life,
}

/// The true time of a run's start on the wall.
const WALL: u64 = 1_000_000_000;

/// Each part that follows sessions compares what it heard with the network's table this often.
const COMPARE_INTERVAL: Millis = Millis(1_000);

impl Node {
    pub fn new(me: ValidatorIndex, scenario: Arc<Scenario>) -> Self {
        let genesis = protocol::consensus::recovery::Base {
            id: scenario.genesis,
            ledger: scenario.ledger.clone(),
            commit: None,
            prepare: None,
        };
        Node {
            me,
            disk: Disk::new(genesis),
            running: None,
            incarnation: 0,
            actions: Vec::new(),
            reconnects: false,
            scenario,
        }
    }

    /// Starts from what is on the disk. The local clock reads `local` now.
    pub fn start(&mut self, now: Millis, local: Millis) {
        self.incarnation += 1;
        let origin = now.0 as i64 - local.0 as i64;
        let (consensus, output) = self.recover(self.disk.read_log(), self.time(now, origin));
        let mut memory = Memory::default();
        memory.begin();
        let mut running = Running {
            consensus,
            pacemaker: Pacemaker::new(self.scenario.set.clone(), self.me, self.scenario.pace, local),
            election: Election::new(self.scenario.set.clone(), self.me, local),
            mempool: self.restored_mempool(),
            sessions: BTreeMap::new(),
            numbers: BTreeMap::new(),
            newest: SessionNumber::default(),
            heard: Heard::default(),
            mailboxes: Mailboxes::default(),
            tick_waits: false,
            outputs: DurableFirst::default(),
            memory,
            batches: 0,
            finals: VecDeque::new(),
            lives: Lives::default(),
            storing: Vec::new(),
            noted: BTreeMap::new(),
            busy_until: [0; 2],
            slowness: (Millis(0), 1),
            measured: Measured::default(),
            compare_due: now.saturating_add(COMPARE_INTERVAL),
            origin,
            wake: None,
        };
        running.memory.on_output(&output);
        running.outputs.push((), output);
        self.running = Some(running);
        self.begin_batch(now);
        self.tell_consensus(protocol::consensus::events::Input::Applied(self.disk.database.head()));
        self.tell_mempool(protocol::mempool::Input::Tick);
        self.pump(now);
    }

    /// Ends it; what its disk keeps is the caller's to decide.
    pub fn stop(&mut self) {
        self.running = None;
        self.actions.clear();
    }

    fn time(&self, now: Millis, origin: i64) -> Time {
        let wall = (WALL + now.0) as i64 + self.scenario.skew_ms(now, self.me);
        Time { local: local(now, origin), wall: Millis(wall as u64) }
    }

    /// Lets everything tick that is due.
    pub fn tick(&mut self, now: Millis) {
        let Some(running) = &mut self.running else { return };
        let local = local(now, running.origin);
        let asked = running.election.tick(local).into_iter().chain(running.pacemaker.tick(local));
        let asked: Vec<_> = asked.collect();
        if !running.tick_waits && running.consensus.wakeup() <= local {
            running.tick_waits = true;
            running.mailboxes.consensus.own(protocol::consensus::events::Input::Tick);
        }
        if running.mempool.wakeup().is_some_and(|at| at <= local) && !running.mailboxes.mempool_ticks {
            running.mailboxes.mempool_ticks = true;
            self.tell_mempool(protocol::mempool::Input::Tick);
        }
        asked.into_iter().for_each(|input| self.tell_consensus(input));
        self.compare_sessions(now);
        self.pump(now);
    }

    /// When [`Node::tick`] is due.
    pub fn wakeup(&self) -> Option<Millis> {
        let running = self.running.as_ref()?;
        let consensus = (!running.tick_waits).then(|| running.consensus.wakeup());
        let mempool = running.mempool.wakeup().filter(|_| !running.mailboxes.mempool_ticks);
        let followers = [running.election.wakeup(), running.pacemaker.wakeup()];
        let due = followers.into_iter().chain(consensus).chain(mempool).min()?;
        let due = Millis((due.0.min(i64::MAX as u64 / 2) as i64 + running.origin).max(0) as u64);
        // A mailbox that waits for its thread.
        let waits_for_disk = !running.outputs.is_empty() && !self.takes_steps_while_syncing();
        Some(due.min(running.compare_due).min(running.free_at(waits_for_disk).unwrap_or(due)))
    }

    /// What is due when, in local time, for people.
    pub fn describe_wakeup(&self) -> String {
        let Some(running) = &self.running else { return "it is down".to_owned() };
        let Running { consensus, election, pacemaker, mempool, .. } = running;
        let (consensus, election, pacemaker) = (consensus.wakeup(), election.wakeup(), pacemaker.wakeup());
        let (mempool, free) = (mempool.wakeup(), running.free_at(false));
        format!(
            "consensus {consensus}, its tick waits: {}, election {election}, pacemaker {pacemaker}, mempool {mempool:?}, thread \
             {free:?}, origin {}",
            running.tick_waits, running.origin
        )
    }

    /// The network opened a session.
    pub fn session_opened(&mut self, peer: ValidatorIndex, session: SessionId) -> Option<Session> {
        let running = self.running.as_mut()?;
        running.sessions.insert(peer, session);
        running.newest = SessionNumber(running.newest.0 + 1);
        running.numbers.insert(peer, running.newest);
        Some(Session { peer, number: running.newest })
    }

    /// The network closed this session with a peer, or whichever there is. Tells which, if there was.
    pub fn session_closed(&mut self, peer: ValidatorIndex, session: Option<SessionId>) -> Option<Session> {
        let running = self.running.as_mut()?;
        let open = running.sessions.get(&peer).copied()?;
        if session.is_some_and(|session| open != session) {
            return None;
        }
        running.sessions.remove(&peer);
        running.numbers.remove(&peer).map(|number| Session { peer, number })
    }

    /// Whether it runs, and so has a mailbox.
    pub fn fill_mailbox(&mut self, part: Part, until: Millis) -> bool {
        self.running.as_mut().is_some_and(|running| {
            running.mailboxes.fill(part, until);
            true
        })
    }

    pub fn slow_down(&mut self, until: Millis, factor: u64) -> bool {
        self.running.as_mut().is_some_and(|running| {
            running.slowness = (until, factor);
            true
        })
    }

    fn takes_steps_while_syncing(&self) -> bool {
        self.scenario.driver == Driver::Pipelined
    }
}

impl Running {
    fn table(&self) -> Vec<Session> {
        self.numbers.iter().map(|(peer, number)| Session { peer: *peer, number: *number }).collect()
    }
}

fn local(now: Millis, origin: i64) -> Millis {
    Millis((now.0 as i64 - origin) as u64)
}

/// What a check came to, of whichever life of the pool began it.
pub type Verdict = (Hash, Judgement, Life);
