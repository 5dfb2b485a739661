//! Where the time of a proof and of a vote goes, on an idle network of four processes: how far a proof is how long after it came
//! to the first validator, and each step from a proposal to its block's Commit votes.
//!
//! `cargo bench --bench vote_way`. One small new proof every 0.2 s, with the marks of `actors/src/tap/vote_way.rs` on, which cost some
//! microseconds each; the marks of all four logs are laid side by side. Microseconds.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use support::{deploy, write_proofs};

const VALIDATORS: usize = 4;
const PROOFS: usize = 100;

/// When a message was first at a place of a validator. A message is `kind view by voter`.
#[derive(Default)]
struct Marks(BTreeMap<(usize, String, String), i64>);

impl Marks {
    fn read(folder: &Path) -> Marks {
        let mut marks = Marks::default();
        for validator in 0..VALIDATORS {
            let log = folder.join(format!("data/testnet/logs/node_{}.log", validator + 1));
            let log = std::fs::read_to_string(log).expect("each validator has a log");
            for (at, place, what) in log.lines().filter_map(mark) {
                marks.0.entry((validator, place.to_owned(), what.to_owned())).or_insert(at);
            }
        }
        marks
    }

    fn at(&self, validator: usize, place: &str, what: &str) -> Option<i64> {
        self.0.get(&(validator, place.to_owned(), what.to_owned())).copied()
    }

    /// What of each proof was marked where, and when: by place, each validator's time.
    fn proofs(&self) -> BTreeMap<&str, BTreeMap<&str, Vec<i64>>> {
        let mut proofs = BTreeMap::<&str, BTreeMap<&str, Vec<i64>>>::new();
        for ((_, place, what), at) in &self.0 {
            if let Some(proof) = what.strip_prefix("proof ") {
                proofs.entry(proof).or_default().entry(place).or_default().push(*at);
            }
        }
        proofs
    }

    /// Every view with a proposal, and who led it.
    fn proposals(&self) -> Vec<(String, usize)> {
        let sent = self.0.keys().filter(|(_, place, what)| place == "Sent" && what.starts_with("proposal "));
        let view = |what: &str| what.split_whitespace().nth(1).unwrap_or_default().to_owned();
        sent.map(|(leader, _, what)| (view(what), *leader)).collect()
    }
}

/// `… vote_way: at_us=1 place=Read what=prepare 7 by 2`
fn mark(line: &str) -> Option<(i64, &str, &str)> {
    let (_, rest) = line.split_once("at_us=")?;
    let (at, rest) = rest.split_once(" place=")?;
    let (place, what) = rest.split_once(" what=")?;
    Some((at.parse().ok()?, place, what.trim()))
}

/// Spans of each step, in the order of the way.
#[derive(Default)]
struct Steps(Vec<(String, Vec<i64>)>);

impl Steps {
    fn add(&mut self, step: impl Into<String>, from: Option<i64>, to: Option<i64>) {
        let (Some(from), Some(to), step) = (from, to, step.into()) else { return };
        match self.0.iter_mut().find(|(known, _)| *known == step) {
            Some((_, spans)) => spans.push(to - from),
            None => self.0.push((step, vec![to - from])),
        }
    }

    /// A message from where it was put into the outboxes to its step at a peer.
    fn hop(&mut self, marks: &Marks, what: &str, from: usize, to: usize, names: [&'static str; 3]) {
        let places = [marks.at(from, "Sent", what), marks.at(to, "Read", what), marks.at(to, "Verified", what)];
        self.add(names[0], places[0], places[1]);
        self.add(names[1], places[1], places[2]);
        self.add(names[2], places[2], marks.at(to, "Step", what));
    }

    fn print(mut self, what: &str) {
        println!("{what:<52} {:>6} {:>8} {:>8}", "count", "p50", "p90");
        for (step, spans) in &mut self.0 {
            spans.sort_unstable();
            let at = |percent: usize| spans[spans.len() * percent / 100];
            println!("{step:<52} {:>6} {:>8} {:>8}", spans.len(), at(50), at(90));
        }
    }
}

/// Each place on the way of a proof, from when it came to the first validator: at the first that reached it, and at the last.
fn proofs(marks: &Marks) -> Steps {
    let places = [
        ("Came", "came"),
        ("Examined", "admitted, to the worker and the disk"),
        ("Stored", "durable"),
        ("Judged", "durable and checked"),
        ("Proposed", "in a proposal"),
        ("Final", "final"),
        ("Applied", "its block is durable"),
    ];
    let mut steps = Steps::default();
    for (place, name) in places {
        for (which, pick) in [("first", <[i64]>::first as fn(&[i64]) -> Option<&i64>), ("last", <[i64]>::last)] {
            for reached in marks.proofs().values_mut() {
                let came = reached.get("Came").and_then(|all| all.iter().min()).copied();
                let Some(all) = reached.get_mut(place) else { continue };
                all.sort_unstable();
                steps.add(format!("{name}, {which}"), came, pick(all).copied());
            }
        }
    }
    steps
}

fn steps(marks: &Marks) -> Steps {
    let mut steps = Steps::default();
    let pairs = || (0..VALIDATORS).flat_map(|a| (0..VALIDATORS).map(move |b| (a, b))).filter(|(a, b)| a != b);
    for (view, leader) in marks.proposals() {
        let proposal = format!("proposal {view} by {leader}");
        for (_, peer) in pairs().filter(|(from, _)| *from == leader) {
            let names = ["proposal: outbox to decoded", "proposal: its signatures", "proposal: into its step"];
            steps.hop(marks, &proposal, leader, peer, names);
            let prepare = marks.at(peer, "Sent", &format!("prepare {view} by {peer}"));
            steps.add("judged, signed, on the disk, in the outboxes", marks.at(peer, "Step", &proposal), prepare);
        }
        for (from, to) in pairs().filter(|(from, _)| *from != leader) {
            let names = ["Prepare: outbox to decoded", "Prepare: its signature", "Prepare: into its step"];
            steps.hop(marks, &format!("prepare {view} by {from}"), from, to, names);
        }
        for validator in 0..VALIDATORS {
            let commit = marks.at(validator, "Sent", &format!("commit {view} by {validator}"));
            let prepares =
                (0..VALIDATORS).filter_map(|by| marks.at(validator, "Step", &format!("prepare {view} by {by}")));
            let last = prepares.filter(|at| commit.is_some_and(|commit| *at <= commit)).max();
            steps.add("certificate, Commit signed, on the disk, outboxes", last, commit);
        }
        for (from, to) in pairs() {
            let names = ["Commit: outbox to decoded", "Commit: its signature", "Commit: into its step"];
            steps.hop(marks, &format!("commit {view} by {from}"), from, to, names);
        }
    }
    steps
}

fn main() {
    if support::is_a_trial() {
        return;
    }
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let folder = folder.path();
    write_proofs(&folder.join("many"), PROOFS);
    let mut testnet = deploy(folder, &["--proofs", "many", "--until-done", "--duration", "0.1", "--rate", "5"]);
    let ended = testnet.env("RUST_LOG", "info,vote_way=trace").status().expect("pop was built beside this bench");
    assert!(ended.success(), "{ended}");
    let marks = Marks::read(folder);
    proofs(&marks).print("a proof, microseconds after it came first");
    steps(&marks).print("step, microseconds");
}
