//! What a run has come to so far, and what it ends with.
//!
//! Must never: count an obligation twice, or none.

use super::outcome::{Checked, Kind, Outcome, Position, Subject};
use super::settings::VacuousMeans;
use super::stability::Brittle;
use super::steps::Remarks;
use crate::exit::{Exit, Failure};
use protocol::types::Hash;
use protocol::verdict::SolverPin;
use protocol::worker::Hello;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Whether an obligation without a verdict fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum NoVerdictMeans {
    Pass,
    Fail,
}

/// The account of a run.
pub struct Account {
    pub begun: Instant,
    pub elapsed: Duration,
    /// Obligations that there are, as far as the files were read.
    pub total: usize,
    /// Those that are done; in their order once the run is over and [`Account::sort`] was called.
    pub checked: Vec<Checked>,
    /// Those that a worker has.
    running: BTreeMap<Position, (String, Instant)>,
    /// Of files that are logs, what is to be said of each as a whole.
    pub logs: Vec<Remarks>,
    pub counts: Counts,
    pub interrupted: bool,
    /// What an obligation that holds with any goal comes to.
    pub vacuous: VacuousMeans,
    /// Whether each is checked again with other seeds: then nothing that is remembered answers.
    pub is_checked_again: bool,
    /// Why not everything is done, unless it was interrupted.
    pub failure: Option<Failure>,
    pub pin: Option<SolverPin>,
    /// What a worker said of itself, if one was needed.
    pub solver: Option<Hello>,
    /// Statements that are still to be submitted to a node, and those that are under way there.
    pub at_node: Option<(usize, usize)>,
    /// The node that was asked, if one was.
    pub node: Option<AskedNode>,
    /// Why nothing was read from the cache, or kept.
    pub trouble: Option<String>,
}

/// A node that was asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AskedNode {
    /// As the user named it.
    pub name: String,
    pub address: String,
    pub chain_id: Hash,
}

/// How many came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub hold: u64,
    /// Of those that hold.
    pub known_before: u64,
    /// Of those that hold, too: the solver had answered other queries of the log before.
    pub incremental: u64,
    /// Of those that hold: they would with any goal.
    pub hold_vacuous: u64,
    /// The same, where that fails the run.
    pub vacuous: u64,
    pub refuted: u64,
    pub no_verdict: u64,
    pub not_accepted: u64,
    pub nothing_claimed: u64,
    pub unread: u64,
}

impl Account {
    pub fn new(total: usize) -> Account {
        Account {
            begun: Instant::now(),
            elapsed: Duration::ZERO,
            total,
            checked: Vec::with_capacity(total),
            running: BTreeMap::new(),
            logs: Vec::new(),
            counts: Counts::default(),
            interrupted: false,
            vacuous: VacuousMeans::Pass,
            is_checked_again: false,
            failure: None,
            pin: None,
            solver: None,
            node: None,
            at_node: None,
            trouble: None,
        }
    }

    /// A file was counted as one obligation until it was known how many it holds.
    pub fn open(&mut self, remarks: Remarks) {
        self.total = self.total.saturating_sub(1) + remarks.obligations;
        if remarks.tool.is_some() || !remarks.lines.is_empty() {
            self.logs.push(remarks);
        }
    }

    /// A worker has it now.
    pub fn begin(&mut self, subject: &Subject) {
        self.running.insert(subject.position, (subject.name(), Instant::now()));
    }

    /// The one that has taken longest of those that are not done.
    pub fn longest(&self) -> Option<(&str, Duration)> {
        let (name, since) = self.running.values().min_by_key(|(_, since)| *since)?;
        Some((name, since.elapsed()))
    }

    pub fn add(&mut self, mut checked: Checked) {
        if self.vacuous == VacuousMeans::Fail && checked.is_vacuous() {
            checked.outcome = Outcome::Vacuous;
        }
        if let Some(outcome) = checked.contradiction() {
            checked.outcome = outcome;
        }
        self.running.remove(&checked.subject.position);
        self.counts.add(&checked);
        self.checked.push(checked);
    }

    /// Puts them into the order of the files, and of the queries in them.
    pub fn sort(&mut self) {
        self.checked.sort_by_key(|checked| checked.subject.position);
        self.logs.sort_by_key(|log| log.number);
    }

    /// Those of one outcome.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Checked> {
        self.checked.iter().filter(move |checked| checked.outcome.kind() == kind)
    }

    /// Obligations that other seeds of the solver came to something else for, or take much longer for, the worst first.
    pub fn brittle(&self) -> Vec<&Checked> {
        let is_brittle = |checked: &&Checked| checked.brittle().is_some();
        let mut brittle: Vec<&Checked> = self.checked.iter().filter(is_brittle).collect();
        brittle.sort_by_cached_key(|checked| checked.stability.as_ref().map(|stability| stability.badness()));
        brittle
    }

    /// What the command ends with: bad input goes before refuted and vacuous, and that before no verdict. Where the solver
    /// contradicts itself there is no verdict, whatever it says.
    pub fn exit(&self, no_verdict: NoVerdictMeans) -> Exit {
        let Counts { refuted, vacuous, no_verdict: undecided, not_accepted, nothing_claimed, unread, .. } = self.counts;
        if self.interrupted {
            Exit::Interrupted
        } else if let Some(failure) = &self.failure {
            failure.exit
        } else if not_accepted + nothing_claimed + unread > 0 {
            Exit::Input
        } else if refuted + vacuous > 0 {
            Exit::Refuted
        } else if (undecided > 0 && no_verdict == NoVerdictMeans::Fail)
            || self.checked.iter().any(|checked| checked.brittle() == Some(Brittle::Contradiction))
        {
            Exit::NoVerdict
        } else {
            Exit::Fine
        }
    }
}

impl Counts {
    fn add(&mut self, checked: &Checked) {
        let kind = checked.outcome.kind();
        let count = match kind {
            Kind::Holds => &mut self.hold,
            Kind::Vacuous => &mut self.vacuous,
            Kind::Refuted => &mut self.refuted,
            Kind::NoVerdict => &mut self.no_verdict,
            Kind::NotAccepted => &mut self.not_accepted,
            Kind::NothingClaimed => &mut self.nothing_claimed,
            Kind::Unread => &mut self.unread,
        };
        *count += 1;
        self.known_before += u64::from(checked.known && kind == Kind::Holds);
        self.incremental += u64::from(checked.incremental && kind == Kind::Holds);
        self.hold_vacuous += u64::from(checked.is_vacuous() && kind == Kind::Holds);
    }

    pub fn total(&self) -> u64 {
        let Counts {
            hold,
            known_before: _,
            incremental: _,
            hold_vacuous: _,
            vacuous,
            refuted,
            no_verdict,
            not_accepted,
            nothing_claimed,
            unread,
        } = self;
        hold + vacuous + refuted + no_verdict + not_accepted + nothing_claimed + unread
    }
}
