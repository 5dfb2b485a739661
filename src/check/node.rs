//! Checking by a network: one of its nodes is asked about everything, is given what it does not know, and says what came of it.
//!
//! Files are read on several threads; what a node is to be asked is put together first. Then one thread asks, submits and
//! waits ([`crate::node_batch`]), while this one draws and listens for Ctrl-C. What holds is what is final in the network, of
//! the very statement that the script makes. A counterexample is the node's advice, and asked for last.

use super::account::{Account, AskedNode};
use super::again::Again;
use super::interrupt::Interrupt;
use super::outcome::{Checked, OfNetwork, Outcome};
use super::paths;
use super::progress::{Progress, REDRAW};
use super::reader::{Asked, Reading};
use super::settings::{ByNode, Settings};
use super::steps::{ForNode, Step};
use crate::advice::CounterModel;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::home;
use crate::node_batch::consent::{self, Public};
use crate::node_batch::{self, Caller, End, Event, Node, ScriptGone};
use crate::text::plain;
use parking_lot::Mutex;
use protocol::types::Hash;
use protocol::verdict::{Answer, Claim};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::channel;

/// Steps that wait to be taken.
const STEPS_MAX: usize = 64;
/// For one request: a node that is stopped takes connections, and answers nothing.
const REQUEST_DEADLINE: Duration = Duration::from_secs(20);
/// After Ctrl-C, for the request that is under way.
const LAST_REQUEST: Duration = Duration::from_secs(1);
/// For the counterexamples of a run: each takes the node up to five seconds.
const COUNTEREXAMPLES: Duration = Duration::from_secs(30);

/// What the drawing thread and the asking one share.
struct Shown {
    account: Account,
    progress: Progress,
    /// The user is being asked something: nothing is drawn.
    asks: bool,
}

/// Runs everything and gives the account.
///
/// # Errors
/// If the node is not reached at first, or there is no key.
pub async fn run(settings: &Settings, by: &ByNode, mut interrupt: Interrupt) -> Result<Account, Failure> {
    let files = paths::find(&settings.paths, &settings.filter);
    if files.is_empty() {
        return Err(Failure::new(Exit::Input, paths::NONE_LEFT));
    }
    let key = home::submitter_key(by.key.as_deref()).map_err(Failure::with(Exit::Configuration))?;
    let name = by.node.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let client = Client::new(&name)?;
        let (node, address) = client.place();
        let client = Client::with_deadline(node, address, REQUEST_DEADLINE);
        Node::with(client, key)
    });
    let node = tokio::select! {
        opened = opened => opened.map_err(Failure::with(Exit::Internal))??,
        () = interrupt.wait() => return Err(Failure::new(Exit::Interrupted, "interrupted before the node answered")),
    };
    let mut account = Account::new(files.len());
    account.node = Some(asked_node(&node));
    let shown = Shown { account, progress: Progress::new(), asks: false };
    let shown = Arc::new(Mutex::new(shown));
    let reading = Arc::new(Reading::new(files, settings, Asked::Node));
    let asked = read(settings, &reading, &shown, &mut interrupt).await;
    reading.end();
    if let Some(asked) = asked.map_err(Failure::with(Exit::Internal))? {
        ask(settings, by.yes, node, asked, &shown, &mut interrupt).await;
    }
    let mut shown = shown.lock();
    shown.progress.clear();
    let mut account = std::mem::replace(&mut shown.account, Account::new(0));
    account.elapsed = account.begun.elapsed();
    Ok(account)
}

/// Reads every file. None after Ctrl-C.
async fn read(
    settings: &Settings,
    reading: &Arc<Reading>,
    shown: &Mutex<Shown>,
    interrupt: &mut Interrupt,
) -> std::io::Result<Option<Vec<ForNode>>> {
    let (steps, mut receiver) = channel(STEPS_MAX);
    reading.start(settings.jobs, &steps)?;
    drop(steps);
    let (mut asked, mut batch) = (Vec::new(), Vec::with_capacity(STEPS_MAX));
    let mut redraw = tokio::time::interval(REDRAW);
    loop {
        tokio::select! {
            count = receiver.recv_many(&mut batch, STEPS_MAX) => {
                if count == 0 {
                    return Ok(Some(asked));
                }
                let account = &mut shown.lock().account;
                for step in batch.drain(..).flatten() {
                    match step {
                        Step::Log(remarks) => account.open(remarks),
                        Step::Done(checked) => account.add(*checked),
                        Step::ForNode(for_node) => asked.push(*for_node),
                        // Of the other way of checking.
                        Step::Missing(_) => {}
                    }
                }
            }
            _ = redraw.tick() => shown.lock().draw(),
            () = interrupt.wait() => {
                shown.lock().account.interrupted = true;
                return Ok(None);
            }
        }
    }
}

/// Asks on a thread of its own, and draws meanwhile.
async fn ask(
    settings: &Settings,
    yes: bool,
    node: Node,
    mut asked: Vec<ForNode>,
    shown: &Arc<Mutex<Shown>>,
    interrupt: &mut Interrupt,
) {
    asked.sort_by_key(|asked| asked.subject.position);
    let over = Arc::new(AtomicBool::new(false));
    let (again, caller_shown, caller_over) = (Again::new(settings.rule), Arc::clone(shown), Arc::clone(&over));
    let mut asking = tokio::task::spawn_blocking(move || {
        let mut asker = Asker { asked, again, yes, shown: caller_shown, over: caller_over, is_away: false };
        asker.run(&node);
    });
    let mut redraw = tokio::time::interval(REDRAW);
    loop {
        tokio::select! {
            ended = &mut asking => {
                if let Err(error) = ended {
                    shown.lock().account.failure = Some(Failure::new(Exit::Internal, error));
                }
                return;
            }
            _ = redraw.tick() => shown.lock().draw(),
            () = interrupt.wait() => break,
        }
    }
    over.store(true, Ordering::Relaxed);
    shown.lock().account.interrupted = true;
    // One that is not answered is left behind; what ended before is in the account.
    _ = tokio::time::timeout(LAST_REQUEST, asking).await;
}

impl Shown {
    fn draw(&mut self) {
        if !self.asks {
            self.progress.draw(&self.account);
        }
    }
}

/// Has the obligations, and writes the account.
struct Asker {
    asked: Vec<ForNode>,
    again: Again,
    yes: bool,
    shown: Arc<Mutex<Shown>>,
    over: Arc<AtomicBool>,
    /// The node did not answer when it was asked last.
    is_away: bool,
}

impl Asker {
    fn run(&mut self, node: &Node) {
        let questions: Vec<_> = self.asked.iter().map(question).collect();
        let failure = node.run(&questions, self).err();
        self.shown.lock().account.failure = failure;
        self.find_counterexamples(node);
    }

    /// Of what is refuted, while there is time: the node's solver looks for them.
    fn find_counterexamples(&mut self, node: &Node) {
        let begun = Instant::now();
        let refuted: Vec<(usize, Hash)> = {
            let shown = self.shown.lock();
            let of = |(at, checked): (usize, &Checked)| match (&checked.outcome, &checked.network) {
                (Outcome::Refuted { .. }, Some(network)) => Some((at, network.proof?)),
                _ => None,
            };
            shown.account.checked.iter().enumerate().filter_map(of).collect()
        };
        for (at, proof) in refuted {
            if begun.elapsed() >= COUNTEREXAMPLES || self.is_over() {
                return;
            }
            let Ok(view) = node.client.get(&format!("/v1/proofs/{proof}")) else { return };
            let found = CounterModel::deserialize(&view["counter_model"]).ok();
            if let Some(Checked { outcome: Outcome::Refuted { counter_model, .. }, .. }) =
                self.shown.lock().account.checked.get_mut(at)
            {
                *counter_model = found;
            }
        }
    }

    /// What is told of an obligation that has ended.
    fn checked(&mut self, number: usize, end: &End, known: bool) -> Checked {
        let asked = &self.asked[number];
        let (outcome, network) = outcome(asked.claim.0, end);
        let checked =
            Checked { claim: Some(asked.claim), known, network, ..Checked::without(asked.subject.clone(), outcome) };
        self.again.locate(asked, checked.with_log(asked.logged))
    }
}

fn asked_node(node: &Node) -> AskedNode {
    let (name, address) = node.client.place();
    AskedNode { name: name.to_owned(), address: address.to_owned(), chain_id: node.chain }
}

fn question(asked: &ForNode) -> node_batch::Asked {
    node_batch::Asked { statement: asked.statement, claim: asked.claim.0 }
}

/// What a network's end of a proof means for the obligation.
fn outcome(claim: Claim, end: &End) -> (Outcome, Option<OfNetwork>) {
    let mut network = OfNetwork { proof: None, block: None, resource_count: None, attestations: None };
    let outcome = match end {
        End::Holds { block, resource_count } => {
            (network.block, network.resource_count) = (Some(*block), Some(*resource_count));
            Outcome::Holds
        }
        End::Refuted { proof, attestations, .. } => {
            (network.proof, network.attestations) = (*proof, Some(*attestations));
            let answer = match claim {
                Claim::Sat => Answer::Unsat,
                Claim::Unsat => Answer::Sat,
            };
            Outcome::Refuted { answer, counter_model: None }
        }
        End::NoVerdict { proof, attestations, message } => {
            (network.proof, network.attestations) = (*proof, Some(*attestations));
            Outcome::NoVerdict { reason: "network", message: message.clone(), progress: None }
        }
        End::NotAccepted { line, column, message } => {
            let at = line.zip(*column);
            return (Outcome::NotAccepted { at, text: message.clone(), excerpt: None }, None);
        }
    };
    (outcome, Some(network))
}

impl Caller for Asker {
    fn script(&mut self, number: usize) -> Result<Vec<u8>, ScriptGone> {
        let asked = &self.asked[number];
        self.shown.lock().account.begin(&asked.subject);
        self.again.script(asked)
    }

    fn agree(&mut self, public: &Public) -> Result<(), Failure> {
        {
            let mut shown = self.shown.lock();
            shown.asks = true;
            shown.progress.clear();
        }
        let agreed = consent::ask(public, self.yes);
        self.shown.lock().asks = false;
        agreed
    }

    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Ended { numbers, end, known } => {
                for number in numbers {
                    let checked = self.checked(*number, end, known);
                    self.shown.lock().account.add(checked);
                }
                self.is_away = false;
            }
            Event::Waits { missing, waiting } => {
                self.is_away = false;
                self.shown.lock().account.at_node = Some((missing, waiting));
            }
            // The progress line shows how many wait for it.
            Event::Full => self.is_away = false,
            Event::Again { message } => {
                if !std::mem::replace(&mut self.is_away, true) {
                    let mut shown = self.shown.lock();
                    shown.progress.clear();
                    eprintln!("{}; asking again", plain(message));
                }
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::outcome::Kind;
    use crate::node_batch::wire::Attestations;

    #[test]
    fn only_what_is_final_holds() {
        let (attestations, message) = (Attestations::default(), "why".to_owned());
        let ends = [
            (End::Holds { block: 3, resource_count: 7 }, Kind::Holds),
            (End::Refuted { proof: None, attestations, message: message.clone() }, Kind::Refuted),
            (End::NoVerdict { proof: None, attestations, message: message.clone() }, Kind::NoVerdict),
            (End::NotAccepted { line: None, column: None, message }, Kind::NotAccepted),
        ];
        for (end, kind) in ends {
            assert_eq!(outcome(Claim::Unsat, &end).0.kind(), kind, "{end:?}");
        }
    }
}
