//! Consensus: what to vote for, what to propose, what is final.
//!
//! A Simplex-family protocol; `docs/CONSENSUS_PROTOCOL.md` states the rules R1 to R12 that the code is tagged with.
//! [`Consensus::step`] is the only way in. It never waits, and it decides by its own state alone: the contract with the
//! caller is in [`events`].
//!
//! | file | owns |
//! |---|---|
//! | [`safety`] | R3 to R6, R12: the only place that signs and records votes |
//! | [`votes`] | R1, R11: votes until they form a certificate, certificates, votes for inclusion |
//! | [`voting`] | R10: sending votes, counting those of others |
//! | [`moving`] | R7: certificates, view transitions, what a failed view teaches |
//! | [`leading`] | R3, R8: choosing a parent, building a proposal |
//! | [`judging`] | R4: validating a proposal |
//! | [`finality`] | R9: final blocks, shortening the log |
//! | [`recovery`] | replaying the log, recovery responses |
//! | [`relaying`], [`retransmission`] | certificates for peers that may lack them; Status, and what a peer lacks |
//! | [`pacing`] | work, clocks |
//! | [`attesting`] | who is sent this validator's attestations, and when |

mod attesting;
mod doubt;
mod effects;
pub mod events;
mod finality;
mod judging;
mod leading;
mod moving;
mod pacing;
pub mod recovery;
mod relaying;
mod resolver;
mod retransmission;
mod safety;
mod tree;
pub mod view;
mod votes;
mod voting;

#[cfg(test)]
mod tests;

use crate::certificate::Certificate;
use crate::message::{GiveUpReason, Message, Proposal, Status};
use crate::quorum::ValidatorSet;
use crate::ready::{Number, Ready};
use crate::schedule::Schedule;
use crate::turns::Turns;
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::verify::Verified;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use events::{Effect, Input, Output, Time, To};
use votes::Origin;

/// What a validator's consensus is given once, at its start.
#[derive(Clone)]
pub struct Settings {
    pub set: Arc<ValidatorSet>,
    pub schedule: Arc<Schedule>,
    pub me: ValidatorIndex,
    /// Id of the genesis block.
    pub genesis: Hash,
    /// Proofs that a block may have (the genesis' bound).
    pub proofs_max: usize,
    /// Proofs that my own proposals have at the most (the operator's choice).
    pub block_size_max: usize,
    /// A leader without work proposes an empty block after this long.
    pub idle_block_interval: Millis,
    /// How far a block's time may be ahead of my clock.
    pub clock_tolerance: Millis,
    /// Records after which the log is shortened: [`LOG_RECORDS_MAX`], but where shortening itself is tested.
    pub log_records_max: usize,
}

/// A proposal that is kept: of this view, a little ahead, or past and perhaps still worth a late Prepare.
#[derive(Debug, Clone)]
struct Kept {
    id: Hash,
    proposal: Proposal,
    /// I hold, or held, the Prepare certificate of exactly this view and block.
    prepared: bool,
}

/// What is known of a peer with a session.
#[derive(Debug, Clone, Default)]
struct Peer {
    opened: Millis,
    /// When it was last told my status in turn.
    told: Millis,
    /// The last of my attestations that it was sent in this session.
    attested: Number,
    status: Option<Status>,
    /// The highest view that its votes or status show it to be in.
    view: View,
    /// When a vote of its for an old view was last answered.
    answered: Millis,
    /// Statuses in a row by which it came no further.
    stuck: u32,
}

/// My current view.
#[derive(Debug, Clone)]
struct Round {
    entered: Millis,
    /// The proposal was decided upon: voted for, or found invalid.
    judged: bool,
    proposed: bool,
    clock_started: bool,
    work_told: bool,
    /// Since when something happens in it that is not over.
    under_way: Option<Millis>,
    needed: BTreeSet<Hash>,
}

impl Round {
    fn new(entered: Millis) -> Self {
        Round {
            entered,
            judged: false,
            proposed: false,
            clock_started: false,
            work_told: false,
            under_way: None,
            needed: BTreeSet::new(),
        }
    }
}

/// One validator's consensus.
pub struct Consensus {
    settings: Settings,
    safety: safety::Safety,
    now: Time,
    votes: votes::Votes,
    tree: tree::Tree,
    ready: Ready,
    /// My verdicts on final proofs whose block may still get my late Prepare.
    late_verdicts: BTreeMap<Hash, events::Checked>,
    doubts: doubt::Doubts,
    /// While it lasts, contested proofs are no reason for my timer.
    contested_pause: doubt::Pause,
    /// My own blocks since the last one of contested proofs.
    blocks_since_contested: u64,
    resolver: resolver::Resolver,
    view: View,
    /// The certificate by which I entered my view.
    entry: Option<Certificate>,
    round: Round,
    round_time: Millis,
    proposals: BTreeMap<View, Kept>,
    peers: BTreeMap<ValidatorIndex, Peer>,
    relays: relaying::Relays,
    attesting: attesting::Attesting,
    status_due: Millis,
    status_turns: Turns,
    effects: effects::Effects,
}

/// Records after which the log is worth shortening. A restarted consensus replays all of them before it serves.
pub const LOG_RECORDS_MAX: usize = 128;

/// Views of past proposals that are kept for late Prepares, and by which the floor stays behind.
const PAST_VIEWS_KEPT: u64 = 16;

impl Consensus {
    /// One step: a pure function of the state, the time and the input.
    pub fn step(&mut self, now: Time, input: Input) -> Output {
        self.now = now;
        if !self.safety.is_halted() {
            self.take(input);
            self.settle();
        }
        self.end_step()
    }

    fn end_step(&mut self) -> Output {
        Output { records: self.safety.take_records(), effects: self.effects.take() }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::SessionOpened(peer) => self.on_session_opened(peer),
            Input::SessionClosed(peer) => {
                self.peers.remove(&peer);
                self.ready.session_closed(&self.settings.set, peer);
            }
            Input::Peer(from, message) => self.on_message(from, message),
            Input::LateCommit(late) => self.on_late_commit(late),
            Input::Checked(checked) => checked.into_iter().for_each(|checked| self.on_checked(checked)),
            Input::Forgotten(proof) => self.ready.forget(&proof),
            Input::GiveUp { view, reason } => {
                if view == self.view {
                    self.give_up(reason);
                }
            }
            Input::RoundTime(span) => self.round_time = span,
            Input::Applied(sequence) => self.on_applied(sequence),
            Input::AcceptUnknownHistory => self.accept_unknown_history(),
        }
    }

    fn on_message(&mut self, from: ValidatorIndex, message: Verified<Message>) {
        if !self.peers.contains_key(&from) {
            return;
        }
        match message.into_inner() {
            Message::Proposal(proposal) => self.on_proposal(from, *proposal),
            Message::Vote { vote, .. } => self.on_vote(from, vote),
            Message::Certificate(certificate) => {
                let origin = if certificate.view() > self.view { Origin::Fetched } else { Origin::Current };
                self.votes.wait(certificate, origin);
            }
            Message::Certificates(certificates) => {
                certificates.into_iter().for_each(|certificate| self.votes.wait(certificate, Origin::Fetched));
            }
            Message::Status(status) => self.on_status(from, status),
            Message::CertificateRequest { kind, from: first, to } => self.answer_certificates(from, kind, first, to),
            Message::BlockRequest { block, above } => self.answer_blocks(from, block, above),
            Message::Blocks { blocks, commit } => self.on_blocks(blocks, commit),
            Message::Testimony(testimony) => self.on_testimony(from, testimony),
            Message::Checked(words) => self.on_words(from, words),
            // The mempool's.
            Message::Pending(_) | Message::ProofRequest(_) | Message::Proofs(_) => {}
        }
    }

    /// Does everything that the state now allows, until nothing more follows.
    fn settle(&mut self) {
        self.resolver.begin();
        loop {
            let before = (self.view, self.effects.len());
            self.drain();
            self.consider_giving_up();
            self.judge_current();
            self.lead();
            self.judge_late();
            self.finalize();
            if self.safety.is_halted() {
                return;
            }
            if !self.votes.is_any_waiting() && before == (self.view, self.effects.len()) {
                break;
            }
        }
        self.keep_pace();
        self.shorten();
        self.ask();
        self.announce();
    }

    /// When the next [`Input::Tick`] is due, on the local clock.
    pub fn wakeup(&self) -> Millis {
        let now = self.now.local;
        let idle = self.round.entered.saturating_add(self.settings.idle_block_interval);
        let stranded = self.round.entered.saturating_add(self.round_time);
        let pause = self.contested_pause.until();
        let grace = self.round.entered.saturating_add(pacing::LEADER_GRACE);
        let attesting = self.attesting.wakeup(!self.ready.is_empty());
        let optional = [self.resolver.wakeup(), self.doubts.wakeup(now), self.relays.wakeup(), attesting];
        [idle, stranded, pause, grace]
            .into_iter()
            .filter(|at| *at > now)
            .chain(optional.into_iter().flatten())
            .chain([self.status_due])
            .min()
            .unwrap_or(self.status_due)
    }

    fn set(&self) -> &ValidatorSet {
        &self.settings.set
    }

    fn leader(&self, view: View) -> ValidatorIndex {
        self.settings.schedule.leader(view)
    }

    fn halt(&mut self, halt: events::Halt) {
        self.safety.halt();
        self.effects.push(Effect::Halt(halt));
    }

    /// Asks for what the settled state still misses.
    fn ask(&mut self) {
        if self.resolver.is_idle() {
            return;
        }
        let sessions: BTreeSet<ValidatorIndex> = self.peers.keys().copied().collect();
        for (peer, request) in self.resolver.ask(self.now.local, self.settings.me, &sessions) {
            self.effects.send(To::Peer(peer), request);
        }
    }
}

/// Why a proposal does not get a Prepare, or not yet.
enum Judgement {
    Valid,
    Wait,
    Invalid(GiveUpReason),
}
