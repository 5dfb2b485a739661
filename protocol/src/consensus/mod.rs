//! Consensus: what to vote for, what to propose, what is final.
//!
//! A Simplex-family protocol; `docs/CONSENSUS_PROTOCOL.md` states the rules R1 to R12 that the code is tagged with.
//! [`Consensus::step`] is the only way in. It never waits, and it decides by its own state alone: the contract with the
//! caller is in [`events`].
//!
//! Owners keep their fields to themselves:
//!
//! | owner | of |
//! |---|---|
//! | [`safety`] | R3 to R6, R12: the key, what was signed, the vote log. Nothing else can sign, or record a vote |
//! | [`votes`] | R1, R11: votes until they form a certificate, the certificates that matter, votes for inclusion |
//! | [`tree`] | blocks above the last final one, and their execution |
//! | [`proofs`] | attestations on pending proofs, suspicions, who is sent my attestations |
//! | [`proposals`], [`round`] | the proposals that are kept; my current view |
//! | [`sync`] | peers with a session: status, certificates that they may lack, requests for what I lack |
//! | [`effects`] | what the step asks for |
//!
//! Decisions borrow the owners that they name:
//!
//! | file | decides |
//! |---|---|
//! | [`validation`] | R4: whether a proposal is valid |
//! | [`proposer`] | R8: which block to extend, what to propose |
//! | [`finality`] | R9: what is final, and what may be forgotten then |
//! | [`timers`] | R10: what work there is, and which clock runs for it |
//!
//! `impl Consensus` stands in three files: this one, [`transitions`] (what a proposal, vote or certificate causes) and
//! [`recovery`] (from the log to a running consensus and back, R12's questions to peers, catching up).

mod effects;
pub mod events;
mod finality;
mod proofs;
mod proposals;
mod proposer;
pub mod recovery;
mod round;
mod safety;
mod sync;
mod timers;
mod transitions;
mod tree;
mod validation;
pub mod view;
mod votes;

#[cfg(test)]
mod tests;

use crate::block::BlockLimits;
use crate::ledger::BranchError;
use crate::message::{Message, Status, Word};
use crate::quorum::ValidatorSet;
use crate::ready::{Refusal, Standing};
use crate::schedule::Schedule;
use crate::types::{Hash, Millis, ValidatorIndex, View};
use crate::verify::Verified;
use crate::vote::VoteKind;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use effects::Effects;
use events::{Checked, Effect, Halt, Input, Output, Time, To};
use proofs::Proofs;
use proposals::Proposals;
use proposer::Proposer;
use round::Round;
use safety::Safety;
use sync::{Collectors, Givers, Here, Peers, Relays, Resolver, Statuses, Supply, Uncertified};
use timers::{Scene, Timers};
use tree::Tree;
use view::Snapshot;
use votes::{Origin, Votes};

/// What a validator's consensus is given once, at its start.
#[derive(Clone)]
pub struct Settings {
    pub set: Arc<ValidatorSet>,
    pub schedule: Arc<Schedule>,
    pub me: ValidatorIndex,
    /// Id of the genesis block.
    pub genesis: Hash,
    /// What a block may hold (the genesis' bound).
    pub block: BlockLimits,
    /// Proofs that my own proposals have at the most (the operator's choice).
    pub block_size_max: usize,
    /// A leader without work proposes an empty block after this long.
    pub idle_block_interval: Millis,
    /// How far a block's time may be ahead of my clock.
    pub clock_tolerance: Millis,
    /// Records after which the log is shortened: [`LOG_RECORDS_MAX`], but where shortening itself is tested.
    pub log_records_max: usize,
}

impl Settings {
    fn givers(&self) -> Givers {
        Givers(self.collectors())
    }

    fn collectors(&self) -> Collectors {
        Collectors { schedule: self.schedule.clone(), me: self.me, validators: self.set.len() }
    }
}

/// One validator's consensus.
pub struct Consensus {
    settings: Settings,
    now: Time,
    safety: Safety,
    votes: Votes,
    tree: Tree,
    proofs: Proofs,
    proposals: Proposals,
    round: Round,
    timers: Timers,
    proposer: Proposer,
    peers: Peers,
    statuses: Statuses,
    relays: Relays,
    uncertified: Uncertified,
    resolver: Resolver,
    effects: Effects,
}

/// Records after which the log is worth shortening. A restarted consensus replays all of them before it serves.
pub const LOG_RECORDS_MAX: usize = 128;

/// Views of past proposals that are kept for late Prepares, and by which the floor stays behind.
const PAST_VIEWS_KEPT: u64 = 16;

/// Whether something was done from which more may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    None,
    Made,
}

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
                self.peers.close(peer);
                self.proofs.session_closed(peer);
            }
            Input::Peer(from, message) => self.on_message(from, message),
            Input::LateCommit(late) => self.on_late_commit(late),
            Input::Checked(checked) => checked.into_iter().for_each(|checked| self.on_checked(checked)),
            Input::Forgotten(proof) => self.proofs.forget(&proof),
            Input::MempoolRestarted { held } => self.proofs.retain_mine(&held),
            Input::GiveUp { view, reason } if view == self.round.view() => _ = self.give_up(reason),
            // Who asks for another view has missed its end, or is about to hear of it: else it would ask for that one for ever.
            Input::GiveUp { .. } => self.notices_again().into_iter().for_each(|notice| self.effects.notice(notice)),
            Input::RoundTime(span) => self.timers.set_round_time(span),
            Input::Applied(sequence) => self.tree.applied(sequence),
            Input::AcceptUnknownHistory => self.accept_unknown_history(),
        }
    }

    fn on_message(&mut self, from: ValidatorIndex, message: Verified<Message>) {
        if !self.peers.has(from) {
            return;
        }
        match message.into_inner() {
            Message::Proposal(proposal) => self.on_proposal(from, *proposal),
            Message::Vote { vote, .. } => self.on_vote(from, vote),
            Message::Certificate(certificate) => {
                let origin = if certificate.view() > self.round.view() { Origin::Fetched } else { Origin::Current };
                let (kind, view) = (certificate.kind(), certificate.view());
                self.votes.wait(certificate, origin);
                self.drain();
                self.relays.sent(from, kind, view);
            }
            Message::Certificates(certificates) => {
                certificates.into_iter().for_each(|certificate| self.votes.wait(certificate, Origin::Fetched));
            }
            Message::Status(status) => self.on_status(from, status),
            Message::CertificateRequest { kind, from: first, to } => {
                for answer in self.supply().certificates(kind, first, to) {
                    self.effects.send(To::Peer(from), answer);
                }
            }
            Message::BlockRequest { block, above } => {
                if let Some(answer) = self.supply().blocks(from, block, above) {
                    self.effects.push(answer);
                }
            }
            Message::Blocks { blocks, commit } => self.on_blocks(blocks, commit),
            Message::Testimony(testimony) => self.on_testimony(from, testimony),
            Message::Checked(words) => self.on_words(from, words),
            // The mempool's.
            Message::Pending(_) | Message::ProofRequest(_) | Message::Proofs(_) => {}
        }
    }

    fn on_status(&mut self, from: ValidatorIndex, status: Status) {
        let lacks_nothing = self.supply().is_held_by(&status);
        let Some(stuck) = self.peers.learn_status(from, &status, lacks_nothing) else { return };
        if status.recovering {
            let testimony = self.supply().testimony(from);
            self.effects.send(To::Peer(from), testimony);
        }
        for message in self.supply().lacking(from, &status, stuck) {
            self.effects.send(To::Peer(from), message);
        }
    }

    fn on_checked(&mut self, checked: Checked) {
        match self.is_final(&checked.proof) {
            Ok(false) => {
                let refusal = self.proofs.checked(self.now.local, checked);
                self.refuse(refusal);
            }
            Ok(true) if self.proposals.awaited(&self.safety).contains(&checked.proof) => {
                self.proofs.checked_late(checked)
            }
            Ok(true) => {}
            Err(error) => _ = self.halt(Halt::Database(error)),
        }
    }

    fn on_words(&mut self, from: ValidatorIndex, words: Vec<(Hash, Word)>) {
        for (proof, word) in words {
            match self.is_final(&proof) {
                Ok(false) => {
                    let refusal = self.proofs.told(self.now.local, from, proof, word);
                    self.refuse(refusal);
                }
                Ok(true) => {}
                Err(error) => {
                    self.halt(Halt::Database(error));
                    return;
                }
            }
        }
    }

    /// What is in the table is not final: with its end it left the table.
    fn is_final(&self, proof: &Hash) -> Result<bool, BranchError> {
        Ok(!self.proofs.ready().has(proof) && self.tree.is_final(proof)?)
    }

    fn refuse(&mut self, refusal: Option<Refusal>) {
        if let Some(Refusal { proof, words }) = refusal {
            self.effects.push(Effect::Refused { proof, words });
        }
    }

    /// Does everything that the state now allows, until nothing more follows.
    fn settle(&mut self) {
        const STEPS: [fn(&mut Consensus) -> Progress; 6] = [
            Consensus::drain,
            Consensus::consider_giving_up,
            Consensus::judge,
            Consensus::lead,
            Consensus::judge_late,
            Consensus::finalize,
        ];
        self.resolver.begin();
        self.resolve_history();
        loop {
            // All of them, each time: an earlier one may follow from a later one.
            let made = STEPS.iter().filter(|step| step(self) == Progress::Made).count();
            if self.safety.is_halted() {
                return;
            }
            if made == 0 {
                break;
            }
        }
        debug_assert!(!self.votes.is_any_waiting(), "what waits was acted upon");
        self.keep_pace();
        self.shorten();
        self.ask();
        self.proofs.announce(self.now.local, self.round.view(), &mut self.peers, &mut self.effects);
    }

    /// Starts clocks, sends statuses, relays and attestations that are due.
    fn keep_pace(&mut self) {
        let (now, view) = (self.now.local, self.round.view());
        self.proofs.lapse_doubts(now);
        let is_proposed = self.proposals.at(view).is_some();
        let is_settled = is_proposed && self.round.is_work_told() && self.round.is_clock_started();
        if !is_settled && !self.scene().is_paused() {
            let work = self.timers.work(&self.scene());
            self.round.keep_clock(work, is_proposed, &mut self.effects);
        }
        self.relays.send_due(now, &self.peers, &mut self.effects);
        self.uncertified.send_due(now, self.votes.certificates(), &mut self.effects);
        let is_under_way = self.is_under_way();
        self.round.note_under_way(now, is_under_way);
        if now >= self.statuses.due() {
            let status = self.supply().status();
            let here = Here { now, round: &self.round, usual_round: self.timers.usual_round() };
            self.statuses.tell(status, here, &mut self.peers, &mut self.effects);
        }
        self.proofs.rebroadcast(now, view, &mut self.peers, &mut self.effects);
    }

    /// Whether something is under way in my view: work, a proposal, votes, a prepared block, its end.
    fn is_under_way(&self) -> bool {
        let (view, tally) = (self.round.view(), self.votes.tally());
        self.round.is_clock_started()
            || self.proposals.at(view).is_some()
            || self.votes.certificates().highest_prepare().is_some()
            || tally.has(view, VoteKind::ViewChange, self.settings.me)
            || tally.voters(view, VoteKind::Prepare).next().is_some()
    }

    /// Asks for what the settled state still misses.
    fn ask(&mut self) {
        self.want_endings();
        if self.resolver.is_idle() {
            return;
        }
        let sessions: BTreeSet<ValidatorIndex> = self.peers.indices().collect();
        for (peer, request) in self.resolver.ask(self.now.local, self.settings.me, &sessions) {
            self.effects.send(To::Peer(peer), request);
        }
    }

    /// When the next [`Input::Tick`] is due, on the local clock.
    pub fn wakeup(&self) -> Millis {
        if self.safety.is_halted() {
            return Millis(u64::MAX);
        }
        let now = self.now.local;
        let paused = Some(self.scene().paused_until()).filter(|until| *until > now);
        let due = [
            paused,
            self.timers.wakeup(now, &self.round),
            self.proofs.wakeup(now),
            self.resolver.wakeup(),
            self.relays.wakeup(),
            self.uncertified.wakeup(),
            self.safety.wakeup(),
        ];
        due.into_iter().flatten().fold(self.statuses.due(), Millis::min)
    }

    /// The view of the highest Commit certificate; 0 before the first. Commit votes up to it are late (T3).
    pub fn committed_view(&self) -> View {
        self.votes.certificates().commit_view()
    }

    /// Whether a certificate of this kind and view is of no use here any more: a session may drop it unchecked.
    pub fn is_stale(&self, kind: VoteKind, view: View) -> bool {
        match kind {
            VoteKind::Prepare | VoteKind::ViewChange => view < self.committed_view(),
            VoteKind::Commit => view <= self.committed_view(),
        }
    }

    /// What everybody said about a pending proof, and how it stands.
    pub fn words(&self, proof: &Hash) -> (Standing, Vec<(ValidatorIndex, Word)>) {
        (self.proofs.ready().standing(proof), self.proofs.ready().words(proof))
    }

    pub fn snapshot_now(&self) -> Snapshot {
        let leader = self.leader(self.round.view());
        Snapshot::of(&self.round, leader, &self.safety, &self.votes, &self.tree)
    }

    fn set(&self) -> &ValidatorSet {
        &self.settings.set
    }

    fn leader(&self, view: View) -> ValidatorIndex {
        self.settings.schedule.leader(view)
    }

    fn supply(&self) -> Supply<'_> {
        Supply {
            settings: &self.settings,
            round: &self.round,
            safety: &self.safety,
            votes: &self.votes,
            tree: &self.tree,
            proposals: &self.proposals,
            uncertified: &self.uncertified,
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            now: self.now.local,
            round: &self.round,
            leader: self.leader(self.round.view()),
            votes: &self.votes,
            tree: &self.tree,
            proofs: &self.proofs,
        }
    }
}
