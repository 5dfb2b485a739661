//! Everything that is ever sent, over all incarnations.

use super::Broken;
use super::chain::is_quorum;
use crate::scenario::Scenario;
use protocol::certificate::Certificate;
use protocol::message::{Message, Proposal};
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::vote::{Ballot, Choice, Vote, VoteKind};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// What one validator sent in one view.
#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    prepare: Option<Hash>,
    commit: Option<Hash>,
    view_change: bool,
}

/// The votes, proposals and certificates of a run.
pub struct Votes {
    scenario: Arc<Scenario>,
    sent: BTreeMap<(ValidatorIndex, View), Sent>,
    /// Every vote that was durable at its voter at some time.
    durable: HashSet<(ValidatorIndex, Ballot)>,
    proposals: HashMap<(ValidatorIndex, View), Proposal>,
    /// By view: what was prepared, what was committed, whether it was given up.
    certified: BTreeMap<View, Sent>,
    seen: HashSet<(Ballot, Vec<ValidatorIndex>)>,
}

impl Votes {
    pub fn new(scenario: Arc<Scenario>) -> Self {
        Votes {
            scenario,
            sent: BTreeMap::new(),
            durable: HashSet::new(),
            proposals: HashMap::new(),
            certified: BTreeMap::new(),
            seen: HashSet::new(),
        }
    }

    pub fn became_durable(&mut self, vote: &Vote) {
        self.durable.insert((vote.voter, vote.ballot));
    }

    /// The votes that a validator ever sent above a view.
    pub fn sent_above(&self, by: ValidatorIndex, view: View) -> impl Iterator<Item = (View, Choice)> + '_ {
        self.sent.range((by, view.next())..=(by, View(u64::MAX))).flat_map(|((_, view), sent)| {
            let prepare = sent.prepare.map(Choice::Prepare);
            let commit = sent.commit.map(Choice::Commit);
            let view_change = sent.view_change.then_some(Choice::ViewChange);
            prepare.into_iter().chain(commit).chain(view_change).map(|choice| (*view, choice))
        })
    }

    /// A message leaves. New votes in it come back, for the digest.
    ///
    /// # Errors
    /// The rule that sending it breaks.
    pub fn sending(&mut self, by: ValidatorIndex, message: &Message) -> Result<Option<Vote>, Broken> {
        match message {
            Message::Vote { vote, .. } => return self.vote(by, vote),
            Message::Proposal(proposal) => {
                proposal
                    .parent
                    .iter()
                    .chain(&proposal.skipped)
                    .try_for_each(|certificate| self.certificate(certificate))?;
                return self.proposal(by, proposal);
            }
            Message::Certificate(certificate) => self.certificate(certificate)?,
            Message::Certificates(all) => all.iter().try_for_each(|certificate| self.certificate(certificate))?,
            Message::Blocks { commit, .. } => {
                commit.iter().try_for_each(|certificate| self.certificate(certificate))?
            }
            Message::Testimony(testimony) => {
                testimony.entry.iter().try_for_each(|certificate| self.certificate(certificate))?;
            }
            Message::Status(_)
            | Message::CertificateRequest { .. }
            | Message::BlockRequest { .. }
            | Message::Checked(_)
            | Message::Pending(_)
            | Message::ProofRequest(_)
            | Message::Proofs(_) => {}
        }
        Ok(None)
    }

    fn vote(&mut self, by: ValidatorIndex, vote: &Vote) -> Result<Option<Vote>, Broken> {
        let view = vote.view();
        if vote.voter != by || self.scenario.bad == Some(by) {
            return Ok(None);
        }
        let choice = vote.ballot.choice;
        if !self.durable.contains(&(by, vote.ballot)) {
            return Err(format!(
                "durable before sent: validator {by} sends {choice:?} of view {view} without its record"
            ));
        }
        let sent = self.sent.entry((by, view)).or_default();
        let before = *sent;
        match choice {
            Choice::Prepare(block) => {
                if before.prepare.is_some_and(|other| other != block) {
                    return Err(format!("double vote (R11): validator {by} prepares two blocks in view {view}"));
                }
                sent.prepare = Some(block);
            }
            Choice::Commit(block) => {
                if before.commit.is_some_and(|other| other != block) {
                    return Err(format!("double vote (R11): validator {by} commits two blocks in view {view}"));
                }
                sent.commit = Some(block);
            }
            Choice::ViewChange => sent.view_change = true,
        }
        if sent.commit.is_some() && sent.view_change {
            return Err(format!("double vote (R5, R6): validator {by} sends Commit and ViewChange of view {view}"));
        }
        let new = match choice.kind() {
            VoteKind::Prepare => before.prepare.is_none(),
            VoteKind::Commit => before.commit.is_none(),
            VoteKind::ViewChange => !before.view_change,
        };
        Ok(new.then_some(*vote))
    }

    /// R3: a leader's proposal is one, for ever.
    fn proposal(&mut self, by: ValidatorIndex, proposal: &Proposal) -> Result<Option<Vote>, Broken> {
        if proposal.vote.voter == by && self.scenario.bad != Some(by) {
            let view = proposal.view();
            let first = self.proposals.entry((by, view)).or_insert_with(|| proposal.clone());
            if first != proposal {
                return Err(format!("proposal (R3): validator {by} sends two different ones in view {view}"));
            }
        }
        self.vote(by, &proposal.vote)
    }

    /// R1 by this module's own count; every vote in it was durable; no view has what excludes another.
    pub fn certificate(&mut self, certificate: &Certificate) -> Result<(), Broken> {
        let signers: Vec<ValidatorIndex> = certificate.signers().collect();
        let view = certificate.view();
        let choice = certificate.ballot.choice;
        if self.seen.contains(&(certificate.ballot, signers.clone())) {
            return Ok(());
        }
        if !is_quorum(&self.scenario, signers.iter().copied()) {
            return Err(format!("quorum (R1): a certificate for {choice:?} in view {view} by {signers:?}"));
        }
        let has_no_record = |by: &&ValidatorIndex| !self.durable.contains(&(**by, certificate.ballot));
        if let Some(by) = signers.iter().filter(|by| self.scenario.bad != Some(**by)).find(has_no_record) {
            return Err(format!("durable before sent: {choice:?} of view {view} is certified without {by}'s record"));
        }
        let certified = self.certified.entry(view).or_default();
        match choice {
            Choice::Prepare(block) => {
                if certified.prepare.replace(block).is_some_and(|other| other != block) {
                    return Err(format!("agreement: two blocks are prepared in view {view}"));
                }
            }
            Choice::Commit(block) => {
                if certified.commit.replace(block).is_some_and(|other| other != block) {
                    return Err(format!("agreement: two blocks are committed in view {view}"));
                }
            }
            Choice::ViewChange => certified.view_change = true,
        }
        if certified.commit.is_some() && certified.view_change {
            return Err(format!("agreement (R5, R6): view {view} has a Commit and a ViewChange certificate"));
        }
        self.seen.insert((certificate.ballot, signers));
        Ok(())
    }
}
