//! The virtual clock, the queue of what is to happen, and the loop that lets it happen one by one.
//!
//! One seed decides everything: there is no thread, no clock and no hash order in here. Every step is checked before the
//! next one; the first rule that is broken ends the run.

mod actions;
pub mod deceit;
pub mod directed;
mod disruption;
mod ending;
mod queue;
mod sessions;

use crate::catalogue::Fate;
use crate::check::{Broken, Chain, LogView, Votes};
use crate::costs::Measured;
use crate::disk::Tail;
use crate::faults::{self, Fault, Kind};
use crate::network::Network;
use crate::node::Node;
use crate::random::Random;
use crate::scenario::Scenario;
use protocol::consensus::events::Record;
use protocol::types::{Hash, Millis, ValidatorIndex};
use protocol::validator::sessions::SessionEvent;
use queue::{Event, Happening, Queued};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub blocks: u64,
    pub faults: BTreeMap<Kind, u64>,
    pub messages: u64,
    pub lost: u64,
    pub votes: u64,
    pub view_changes: u64,
    pub torn: u64,
    pub shortened: u64,
    pub proofs_final: u64,
    pub proofs_refused: u64,
    /// Messages that a bad validator changed, dropped or added to.
    pub lies: u64,
    /// Contradictions that honest validators noticed (R11).
    pub contradictions: u64,
    /// How long the proofs that everybody confirms waited, from being handed in until they were final there.
    pub waits: Vec<Millis>,
    /// How much longer the proofs that everybody confirms waited than without the bad validator.
    pub extra_waits: Vec<Millis>,
    pub extra_wait: Millis,
    pub virtual_time: Millis,
    /// From the healing (or the proof's acceptance, if that was later) until the last proof ended, and the heads were one.
    pub settled: Millis,
}

/// One run.
pub struct World {
    scenario: Arc<Scenario>,
    random: Random,
    now: Millis,
    queue: BinaryHeap<Queued>,
    queued: u64,
    nodes: Vec<Node>,
    network: Network,
    votes: Votes,
    chain: Chain,
    logs: Vec<LogView>,
    /// Until when a disk is slow, and by how much at the most.
    slow_disks: Vec<(Millis, u64)>,
    /// Until when a validator's parts hear of sessions late.
    late_sessions: Vec<Millis>,
    /// Since when some part of a validator does not know who has a session.
    unaware: Vec<Option<Millis>>,
    heal_at: Millis,
    submissions: Submissions,
    /// Since when no proof is open and none will come.
    submissions_ended: Option<Millis>,
    /// Who is down and will find its log gone.
    losing: BTreeSet<ValidatorIndex>,
    /// Whose next sync ends in a crash, and how long it then is down.
    crash_in_sync: BTreeMap<ValidatorIndex, Millis>,
    /// How often each validator was woken in the present second.
    wakes: Vec<(Millis, u32)>,
    digest: blake3::Hasher,
    /// Of what became final in which view, and nothing else.
    finals: blake3::Hasher,
    trace: bool,
    filter: Option<directed::Filter>,
    liar: Option<deceit::Liar>,
    ending: ending::Ending,
    figures: Figures,
}

/// Proofs that were handed in, and those that have not ended.
#[derive(Default)]
struct Submissions {
    next: usize,
    over: bool,
    open: BTreeMap<Hash, Millis>,
    refused: BTreeSet<Hash>,
    /// To whom a proof was handed, and when.
    handed: BTreeMap<Hash, (ValidatorIndex, Millis)>,
    /// How long each proof that everybody confirms waited until it was final there.
    waits: BTreeMap<Hash, Millis>,
}

/// Wake-ups in one second of virtual time beyond which a validator spins.
const WAKES_MAX: u32 = 400;

impl World {
    /// A world with the faults that its seed draws.
    pub fn new(seed: u64, trace: bool) -> World {
        let mut random = Random::new(seed);
        Self::drawn(Scenario::new(&mut random), random, trace)
    }

    /// The same with so many equal validators, whatever else the seed draws.
    pub fn crowd(seed: u64, validators: usize, trace: bool) -> World {
        let mut random = Random::new(seed);
        let scenario = Scenario::with_stakes(&mut random, &vec![10; validators]);
        Self::drawn(scenario, random, trace)
    }

    /// The same, in which the steps of those that run to the end are measured.
    ///
    /// # Errors
    /// The first rule that was broken.
    pub fn measured(seed: u64) -> Result<Measured, Broken> {
        let mut random = Random::new(seed);
        let mut scenario = Scenario::new(&mut random);
        scenario.measures = true;
        let mut world = Self::drawn(scenario, random, false);
        world.run()?;
        let mut sum = Measured::new();
        let running = world.nodes.iter().filter_map(|node| node.running.as_ref());
        for (step, (count, took)) in running.flat_map(|running| &running.measured) {
            let (counts, tooks) = sum.entry(*step).or_default();
            *counts += count;
            *tooks += *took;
        }
        Ok(sum)
    }

    fn drawn(scenario: Scenario, mut random: Random, trace: bool) -> World {
        let faults = faults::schedule(&scenario, &mut random);
        let mut world = World::with(scenario, random, trace);
        world.schedule_faults(faults);
        world
    }

    fn schedule_faults(&mut self, faults: Vec<Fault>) {
        let last = faults.iter().map(|fault| fault.at.saturating_add(fault.span)).max().unwrap_or_default();
        self.heal_at = last.saturating_add(Millis(10));
        for fault in faults {
            self.schedule(fault.at, Event::Disrupt(fault));
        }
        self.schedule(self.heal_at, Event::Heal);
        self.schedule(Millis(100), Event::Submit);
    }

    /// A world in which nothing goes wrong yet, and nobody submits.
    pub fn with(scenario: Scenario, random: Random, trace: bool) -> World {
        let scenario = Arc::new(scenario);
        let count = scenario.set.len();
        let nodes = scenario.validators().map(|me| Node::new(me, scenario.clone())).collect();
        let mut world = World {
            network: Network::new(&scenario),
            votes: Votes::new(scenario.clone()),
            chain: Chain::new(scenario.clone()),
            logs: scenario.validators().map(LogView::new).collect(),
            scenario,
            random,
            now: Millis(0),
            queue: BinaryHeap::new(),
            queued: 0,
            nodes,
            slow_disks: vec![(Millis(0), 0); count],
            late_sessions: vec![Millis(0); count],
            unaware: vec![None; count],
            heal_at: Millis(0),
            submissions: Submissions::default(),
            submissions_ended: None,
            losing: BTreeSet::new(),
            crash_in_sync: BTreeMap::new(),
            wakes: vec![(Millis(0), 0); count],
            digest: blake3::Hasher::new(),
            finals: blake3::Hasher::new(),
            trace,
            filter: None,
            liar: None,
            ending: ending::Ending::Settled,
            figures: Figures::default(),
        };
        for node in world.scenario.validators() {
            // In a new network not everybody starts at once.
            let at = Millis(world.random.below(300));
            world.schedule(at, Event::Start { node, incarnation: 0, lost: false });
        }
        world
    }

    /// # Errors
    /// The first rule that was broken.
    pub fn run(&mut self) -> Result<Figures, Broken> {
        while !self.is_settled()? {
            self.step()?;
        }
        self.figures.virtual_time = self.now;
        self.figures.blocks = self.chain.height() as u64;
        Ok(self.figures.clone())
    }

    /// What the seed drew, for people.
    pub fn describe(&self) -> String {
        let stakes: Vec<u64> = self.scenario.set.iter().map(|(_, validator)| validator.stake.0).collect();
        let Scenario { driver, pace, ordered, log_records_max, .. } = &*self.scenario;
        format!("stakes {stakes:?}, {driver:?}, ordered: {ordered}, log of {log_records_max} records, {pace:?}")
    }

    /// The digest of everything that was sent, recorded and made final, in order.
    pub fn digest(&self) -> Hash {
        Hash(*self.digest.finalize().as_bytes())
    }

    /// The digest of what became final at whom and in which view: equal wherever behaviour is, whatever else was sent.
    pub fn finals(&self) -> Hash {
        Hash(*self.finals.finalize().as_bytes())
    }

    pub fn now(&self) -> Millis {
        self.now
    }

    fn schedule(&mut self, at: Millis, event: Event) {
        self.queued += 1;
        self.queue.push(Queued { at: at.max(self.now), number: self.queued, event });
    }

    fn schedule_at(&mut self, at: Millis, node: ValidatorIndex, what: Happening) {
        let incarnation = self.node(node).incarnation;
        self.schedule(at, Event::At { node, incarnation, what });
    }

    fn after(&mut self, range: std::ops::RangeInclusive<u64>) -> Millis {
        let span = self.random.within(range);
        self.now.saturating_add(Millis(span))
    }

    fn node(&self, index: ValidatorIndex) -> &Node {
        &self.nodes[index.as_usize()]
    }

    fn node_mut(&mut self, index: ValidatorIndex) -> &mut Node {
        &mut self.nodes[index.as_usize()]
    }

    fn is_running(&self, index: ValidatorIndex) -> bool {
        self.node(index).running.is_some()
    }

    /// The next event.
    fn step(&mut self) -> Result<(), Broken> {
        let Some(Queued { at, event, .. }) = self.queue.pop() else {
            return Err("nothing is left to happen".to_owned());
        };
        self.now = at;
        match event {
            Event::At { node, incarnation, what } => {
                if self.node(node).incarnation == incarnation && self.is_running(node) {
                    self.happen(node, what)?;
                    self.carry_out(node)?;
                }
                Ok(())
            }
            Event::Connect(a, b) => {
                self.connect(a, b);
                Ok(())
            }
            Event::Start { node, incarnation, lost } => {
                if self.node(node).incarnation == incarnation && !self.is_running(node) {
                    self.start(node, lost)?;
                }
                Ok(())
            }
            Event::Disrupt(fault) => self.disrupt(fault),
            Event::Heal => self.heal(),
            Event::Submit => self.submit(),
            Event::HandIn(node, number) => self.hand_in(node, number),
            Event::HandedIn => {
                self.submissions.over = true;
                Ok(())
            }
            Event::Look => self.look(),
        }
    }

    fn happen(&mut self, node: ValidatorIndex, what: Happening) -> Result<(), Broken> {
        let now = self.now;
        match what {
            Happening::Deliver { session, from, message } => {
                let open = self.node(node).running.as_ref().and_then(|running| running.sessions.get(&from));
                if open == Some(&session) {
                    let message = self.overheard(node, from, message);
                    self.node_mut(node).deliver(now, from, &message);
                } else {
                    self.figures.lost += 1;
                }
            }
            Happening::Wake => return self.wake(node),
            Happening::Synced(life) => self.node_mut(node).synced(now, life),
            Happening::Applied(life) => self.node_mut(node).applied(now, life),
            Happening::Stored(proof, life) => {
                let is_told = self.node(node).awaits_store(life) && !self.is_bad(node);
                let is_certain = self.scenario.catalogue.get(&proof).fate != Fate::Open && is_told;
                if is_certain && !self.chain.is_final(&proof) && !self.submissions.refused.contains(&proof) {
                    self.submissions.open.entry(proof).or_insert(now);
                }
                self.node_mut(node).stored(now, proof, life);
            }
            Happening::Judged(verdict) => self.node_mut(node).judged(now, verdict),
            Happening::ServeBlocks { to, above } => {
                if let Some(answer) = self.node(node).disk.database.answer(above) {
                    self.send(node, to, answer)?;
                }
            }
            Happening::ServeProofs { to, proofs } => self.node_mut(node).serve_proofs(now, to, &proofs),
            Happening::SessionOpened { peer, session } => {
                if self.network.session(node, peer) == Some(session) {
                    let opened = self.node_mut(node).session_opened(peer, session);
                    opened.into_iter().for_each(|session| self.tell_session(node, SessionEvent::Opened(session)));
                }
            }
            Happening::SessionClosed { peer, session } => {
                let closed = self.node_mut(node).session_closed(peer, Some(session));
                closed.into_iter().for_each(|session| self.tell_session(node, SessionEvent::Closed(session)));
            }
            Happening::SessionTold(part, event) => self.node_mut(node).tell_session(now, part, event),
        }
        Ok(())
    }

    /// Lets a validator tick, and notices one that asks for it without end.
    fn wake(&mut self, node: ValidatorIndex) -> Result<(), Broken> {
        let now = self.now;
        let Some(running) = &mut self.node_mut(node).running else { return Ok(()) };
        if running.wake != Some(now) {
            return Ok(());
        }
        running.wake = None;
        // One that has fallen behind works whenever its thread is free.
        if running.has_mail() {
            self.node_mut(node).tick(now);
            return Ok(());
        }
        let (second, count) = &mut self.wakes[node.as_usize()];
        if now.since(*second) >= Millis(1_000) {
            (*second, *count) = (now, 0);
        }
        *count += 1;
        if *count > WAKES_MAX {
            let due = self.node(node).describe_wakeup();
            return Err(format!("validator {node} asks to be woken without end: {due}"));
        }
        self.node_mut(node).tick(now);
        Ok(())
    }

    fn start(&mut self, node: ValidatorIndex, lost: bool) -> Result<(), Broken> {
        let now = self.now;
        if lost {
            self.losing.remove(&node);
            self.node_mut(node).disk.lose_log();
        }
        self.check_log_on_start(node, lost)?;
        let local = Millis(self.random.below(1_000_000));
        self.log(|| format!("{node} starts{}", if lost { " without its log" } else { "" }));
        self.node_mut(node).start(now, local);
        let head = self.node(node).disk.database.head();
        self.chain.restarted(node, head);
        for peer in self.scenario.validators() {
            self.begin_connecting(node, peer, 0..=200);
        }
        self.carry_out(node)
    }

    /// What was sent is in the log, or below its floor; unless the log is lost.
    fn check_log_on_start(&mut self, node: ValidatorIndex, lost: bool) -> Result<(), Broken> {
        let disk = &self.nodes[node.as_usize()].disk;
        let base = disk.database.base();
        let view = LogView::read(node, &disk.log, base.commit.as_ref());
        if !lost && !disk.is_lost() {
            self.everything_sent_is_in(node, &view)?;
        }
        self.logs[node.as_usize()] = view;
        Ok(())
    }

    fn everything_sent_is_in(&self, node: ValidatorIndex, log: &LogView) -> Result<(), Broken> {
        let mut above = self.votes.sent_above(node, log.floor());
        match above.find(|(view, choice)| !log.accounts_for(*view, *choice)) {
            Some((view, choice)) => {
                Err(format!("log: validator {node} sent {choice:?} of view {view}, not in its log"))
            }
            None => Ok(()),
        }
    }

    /// Ends a validator; its disk keeps what chance leaves it.
    fn crash(&mut self, node: ValidatorIndex) {
        let chance = self.random.number();
        let tail = self.node_mut(node).disk.crash(chance);
        self.figures.torn += u64::from(tail == Tail::Torn);
        self.log(|| format!("{node} crashes, last batch {tail:?}"));
        self.node_mut(node).stop();
        // Votes of a batch that reached the disk count as recorded, though nobody was told.
        self.node_mut(node).incarnation += 1;
        let durable: Vec<Record> = self.node(node).disk.log.clone();
        self.enter_durable_votes(node, &durable);
        self.lose_sessions(node);
    }

    /// A line of the trace; made only if somebody reads it.
    fn log(&self, line: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>8} {}", self.now.0, line());
        }
    }

    fn note(&mut self, words: &[u64]) {
        self.digest.update(&self.now.0.to_le_bytes());
        words.iter().for_each(|word| _ = self.digest.update(&word.to_le_bytes()));
    }
}
