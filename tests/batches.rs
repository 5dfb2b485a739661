//! Many proofs in one request, and many obligations before a network of real validators: what is known is answered at once, what
//! is missing goes in once, and a node that goes away in the middle costs nothing that was done.

#[allow(dead_code)]
#[path = "../src/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "../src/exit.rs"]
mod exit;
mod network_support;
#[allow(dead_code)]
#[path = "../src/node_batch/mod.rs"]
mod node_batch;
#[allow(dead_code)]
#[path = "../src/text.rs"]
mod text;
#[allow(dead_code)]
#[path = "../src/utf8.rs"]
mod utf8;

use client::Client;
use ed25519_dalek::SigningKey;
use exit::{Exit, Failure};
use network_support::hostile::resident;
use network_support::proofs::{Submitter, script};
use network_support::{Network, say, until};
use node_batch::consent::Public;
use node_batch::{Asked, Caller, End, Event, Node, ScriptGone};
use protocol::types::Hash;
use protocol::verdict::{Claim, statement_id};
use serde_json::json;
use std::time::{Duration, Instant};

const FALSE: &str = "(declare-const p Bool)\n(assert (or p (not p)))\n(check-sat)\n";
/// Nothing instantiates its quantifier enough.
const UNDECIDED: &str = "(set-option :auto_config false)\n(set-option :smt.mbqi false)\n(declare-fun f (Int) Int)
(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))\n(check-sat)\n";

fn asked(script: &str) -> Asked {
    let normalised = smtlib::normalise(script.as_bytes(), &smtlib::Limits::default()).unwrap();
    Asked { statement: statement_id(&Hash(normalised.identity), Claim::Unsat), claim: Claim::Unsat }
}

/// What a run came to: none for what has not ended.
#[derive(Debug)]
struct Account {
    ends: Vec<Option<End>>,
    failure: Option<Failure>,
}

/// Has scripts, says yes or no, and counts.
struct Project {
    scripts: Vec<String>,
    ends: Vec<Option<End>>,
    yes: bool,
    /// Stops once so many have ended.
    stop_after: usize,
    ended: usize,
    known: usize,
    submitted: Vec<usize>,
    public: Vec<Public>,
    again: usize,
}

impl Project {
    fn new(scripts: Vec<String>) -> Project {
        Project {
            scripts,
            ends: vec![],
            yes: true,
            stop_after: usize::MAX,
            ended: 0,
            known: 0,
            submitted: vec![],
            public: vec![],
            again: 0,
        }
    }

    fn run(&mut self, node: &Node) -> Account {
        let asked: Vec<_> = self.scripts.iter().map(|script| asked(script)).collect();
        self.ask(node, &asked)
    }

    fn ask(&mut self, node: &Node, asked: &[Asked]) -> Account {
        self.ends = vec![None; asked.len()];
        let failure = node.run(asked, self).err();
        Account { ends: std::mem::take(&mut self.ends), failure }
    }
}

impl Caller for Project {
    fn script(&mut self, number: usize) -> Result<Vec<u8>, ScriptGone> {
        self.submitted.push(number);
        Ok(self.scripts[number].clone().into_bytes())
    }

    fn agree(&mut self, public: &Public) -> Result<(), Failure> {
        self.public.push(public.clone());
        if self.yes { Ok(()) } else { Err(Failure::new(Exit::Input, "no")) }
    }

    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Ended { numbers, known, end } => {
                numbers.iter().for_each(|number| self.ends[*number] = Some(end.clone()));
                self.ended += numbers.len();
                self.known += if known { numbers.len() } else { 0 };
            }
            Event::Waits { .. } | Event::Full => {}
            Event::Again { .. } => self.again += 1,
        }
    }

    fn is_over(&mut self) -> bool {
        self.ended >= self.stop_after
    }
}

fn node(network: &Network, at: usize) -> Node {
    let validator = &network.nodes[at];
    let client = Client::with_deadline(&validator.name, &validator.http.to_string(), Duration::from_secs(20));
    Node::with(client, SigningKey::from_bytes(&[78; 32])).unwrap_or_else(|failure| panic!("{}", failure.message))
}

fn holds(account: &Account) -> usize {
    account.ends.iter().filter(|end| matches!(end, Some(End::Holds { .. }))).count()
}

#[test]
fn a_project_is_submitted_once_and_known_ever_after() {
    let mut network = Network::running(4, json!({}));
    let mut scripts: Vec<String> = (0..150).map(|_| script()).collect();
    scripts.extend([FALSE.into(), UNDECIDED.into(), scripts[0].clone(), format!("; again\n{}", scripts[1])]);
    let mut project = Project { yes: false, ..Project::new(scripts) };
    let no = project.run(&node(&network, 0));
    assert!(no.failure.is_some_and(|failure| failure.exit == Exit::Input) && project.submitted.is_empty());
    assert_eq!((project.public[0].scripts, project.public[0].node.as_str()), (152, "node_1"));

    project.yes = true;
    let begun = Instant::now();
    let account = project.run(&node(&network, 0));
    say(format_args!("154 obligations were submitted and ended in {:?}", begun.elapsed()));
    assert!(account.failure.is_none() && account.ends.iter().all(Option::is_some), "{account:?}");
    assert_eq!((holds(&account), project.submitted.len(), project.known), (152, 152, 0));
    assert!(matches!(&account.ends[150], Some(End::Refuted { attestations, .. }) if attestations.refuted > 0));
    assert!(matches!(account.ends[151], Some(End::NoVerdict { .. })), "{:?}", account.ends[151]);

    // By whom it was submitted, and to whom, does not matter.
    network.settle();
    let (public, submitted) = (project.public.len(), project.submitted.len());
    let again = project.run(&node(&network, 2));
    assert!(again.failure.is_none() && holds(&again) == 152 && project.known >= 152, "{again:?}");
    assert_eq!(again.ends[..150], account.ends[..150]);
    let asked_again = project.submitted.len() - submitted;
    assert!(asked_again <= 2 && project.public.len() <= public + 1, "at most what another validator did not refuse");
    a_lookup_and_a_batch_are_as_documented(&network);
}

fn a_lookup_and_a_batch_are_as_documented(network: &Network) {
    let submitter = Submitter::new(network.chain());
    let ((good, id), (bad, _)) = (submitter.make(), submitter.sign("(assert true)\n(echo \"x\")\n"));
    let (status, answer) = network.nodes[1].post("/v1/proofs/batch", &json!({"submissions": [bad, good]})).unwrap();
    assert_eq!((status, &answer["submissions"][0]["error"]), (200, &json!("malformed")), "{answer}");
    assert_eq!(answer["submissions"][1], json!({"proof": id, "known": false, "state": "waiting"}));
    until("it is final by a look-up", || {
        let (status, answer) = network.nodes[1].post("/v1/proofs/lookup", &json!({"proofs": [id]})).unwrap();
        assert_eq!(status, 200, "{answer}");
        (answer["proofs"][0]["state"] == "final").then_some(())
    });
}

#[test]
fn a_node_that_goes_away_costs_nothing_that_was_done() {
    let mut network = Network::running(4, json!({}));
    let mut project = Project { stop_after: 30, ..Project::new((0..120).map(|_| script()).collect()) };
    let some = project.run(&node(&network, 3));
    assert!(some.failure.is_none() && holds(&some) >= 30, "it was stopped, and says what is done");
    let mut away = Node { patience: Duration::from_secs(1), ..node(&network, 3) };
    network.nodes[3].end(network_support::End::Kill);
    project.stop_after = usize::MAX;
    let failed = project.run(&away);
    let failure = failed.failure.expect("nobody answers");
    assert!(
        failure.exit == Exit::Unreachable && failure.message.contains("node_4 does not answer"),
        "{}",
        failure.message
    );
    assert!(project.again > 0, "it was asked again");

    // The node comes back while it is asked.
    away.patience = Duration::from_secs(60);
    let submitted = project.submitted.len();
    let account = std::thread::scope(|scope| {
        let running = scope.spawn(|| project.run(&away));
        network.nodes[3].start();
        running.join().unwrap()
    });
    assert!(account.failure.is_none(), "{account:?}");
    assert_eq!(holds(&account), 120);
    say(format_args!("{} of 120 were submitted again after the node had gone", project.submitted.len() - submitted));
}

/// `cargo test --release --test batches -- --ignored --nocapture ten_thousand`; the time is Node::run's, reading and
/// normalising apart.
#[test]
#[ignore = "a measurement"]
fn ten_thousand_that_four_validators_know_are_looked_up() {
    let network = Network::running(4, json!({}));
    let mut project = Project::new((0..10_000).map(|_| script()).collect());
    let asked: Vec<_> = project.scripts.iter().map(|script| asked(script)).collect();
    for (what, at) in [("submitted to node_1", 0), ("known, asked of node_1", 0), ("known, asked of node_2", 1)] {
        let node = node(&network, at);
        let begun = Instant::now();
        let account = project.ask(&node, &asked);
        say(format_args!("{} of 10,000 hold, {what}: {:.3} s", holds(&account), begun.elapsed().as_secs_f64()));
        assert!(account.failure.is_none() && holds(&account) == 10_000, "{:?}", account.failure);
    }
    let blocks = network.nodes[0].get("/v1/status")["current_sequence"].clone();
    say(format_args!(
        "they are in {blocks} blocks; node_1 has {:.0} MB",
        resident(network.nodes[0].pid()) as f64 / 1e6
    ));
}
