//! What a fault is done to, and what may be done to it. The names here are those of schedules and reports.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The actors of a validator, as `/v1/actors` and the administrator's route name them.
pub const ACTORS: [&str; 7] =
    ["peers", "leader_election", "view_change", "consensus", "mempool", "verifier_pool", "state"];

/// Those on threads that cannot be replaced, those of votes and of sessions: a blocked one ends the process, which is the
/// only safe answer.
const ON_A_THREAD_THAT_STAYS: [&str; 4] = ["peers", "leader_election", "view_change", "consensus"];

/// The actor in the messages' examples.
const EXAMPLE: &str = ACTORS[4];

/// What stands for the verifier's worker processes, of which one is taken.
const WORKER: &str = "worker";

/// A part of a validator, or all of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Process,
    Worker,
    Actor(String),
}

impl Part {
    /// Every part of a validator, actors first.
    pub fn all() -> Vec<Part> {
        let actors = ACTORS.iter().map(|name| Part::Actor((*name).to_owned()));
        actors.chain([Part::Worker, Part::Process]).collect()
    }

    /// How reports and `--targets` name it, whosever it is.
    pub fn name(&self) -> &str {
        match self {
            Part::Process => "process",
            Part::Worker => WORKER,
            Part::Actor(name) => name,
        }
    }

    pub fn named(name: &str) -> Option<Part> {
        Part::all().into_iter().find(|part| part.name() == name)
    }
}

/// A text that means no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error(
        "{name:?} is no target: there are the validators {validators}, their parts {parts}, and both as {first}/{actor}",
        validators = nodes.join(", "),
        parts = part_names(),
        first = nodes.first().map_or("node_1", String::as_str),
        actor = EXAMPLE
    )]
    Unknown { name: String, nodes: Vec<String> },
    #[error(
        "{text:?} has no such part: a part is {worker}, {actors}; without one the process is meant",
        worker = WORKER,
        actors = ACTORS.join(", ")
    )]
    NoPart { text: String },
    #[error(
        "{text:?} names no validator: write node_1, node_1/{worker} or node_1/{actor}",
        worker = WORKER,
        actor = EXAMPLE
    )]
    NoValidator { text: String },
}

fn part_names() -> String {
    Part::all().iter().map(Part::name).collect::<Vec<_>>().join(", ")
}

/// `node_1` is the process, `node_1/worker` one of its workers, `node_1/mempool` an actor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    pub node: String,
    pub part: Part,
}

impl Target {
    /// Every part of these validators.
    pub fn all(nodes: &[String]) -> Vec<Target> {
        let of =
            |node: &String| Part::all().into_iter().map(|part| Target { node: node.clone(), part }).collect::<Vec<_>>();
        nodes.iter().flat_map(of).collect()
    }

    /// Those that any of the names means: a validator (all of it), a part (everybody's), or one target.
    ///
    /// # Errors
    /// The first name that means nothing, with those that do.
    pub fn chosen(nodes: &[String], names: &[String]) -> Result<Vec<Target>, TargetError> {
        let means = |name: &String, target: &Target| {
            target.node == *name || target.part.name() == name || target.to_string() == *name
        };
        let all = Target::all(nodes);
        if let Some(name) = names.iter().find(|name| !all.iter().any(|target| means(name, target))) {
            return Err(TargetError::Unknown { name: name.clone(), nodes: nodes.to_vec() });
        }
        Ok(all.into_iter().filter(|target| names.iter().any(|name| means(name, target))).collect())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Part::Process => f.write_str(&self.node),
            Part::Worker | Part::Actor(_) => write!(f, "{}/{}", self.node, self.part.name()),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Target, TargetError> {
        let (node, part) = match text.split_once('/') {
            None => (text.as_str(), Part::Process),
            Some((node, part)) => {
                let known = Part::named(part).filter(|part| *part != Part::Process);
                (node, known.ok_or_else(|| TargetError::NoPart { text: text.clone() })?)
            }
        };
        if node.is_empty() {
            return Err(TargetError::NoValidator { text });
        }
        Ok(Target { node: node.to_owned(), part })
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Unwinds in a handler.
    Panic,
    /// Stops the actor.
    Terminate,
    /// Leaves a request unanswered while the actor yields.
    Hang,
    /// Occupies the actor's thread.
    Block,
    /// Fills the actor's mailbox as fast as a sender can.
    Flood,
    /// SIGKILL.
    Kill,
    /// SIGSTOP, and SIGCONT after the hold.
    Stop,
    /// SIGTERM, which a validator obeys in order.
    Restart,
}

impl Fault {
    pub const ALL: [Fault; 8] = [
        Fault::Panic,
        Fault::Terminate,
        Fault::Hang,
        Fault::Block,
        Fault::Flood,
        Fault::Kill,
        Fault::Stop,
        Fault::Restart,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fault::Panic => "panic",
            Fault::Terminate => "terminate",
            Fault::Hang => "hang",
            Fault::Block => "block",
            Fault::Flood => "flood",
            Fault::Kill => "kill",
            Fault::Stop => "stop",
            Fault::Restart => "restart",
        }
    }

    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// What can be done to a part.
    pub fn of(part: &Part) -> &'static [Fault] {
        match part {
            Part::Actor(_) => &[Fault::Panic, Fault::Terminate, Fault::Hang, Fault::Block, Fault::Flood],
            Part::Worker => &[Fault::Kill, Fault::Stop],
            Part::Process => &[Fault::Kill, Fault::Stop, Fault::Restart],
        }
    }

    /// Hangs and blocks: at most one in a network at a time.
    pub fn is_stall(self) -> bool {
        match self {
            Fault::Hang | Fault::Block => true,
            Fault::Panic | Fault::Terminate | Fault::Flood | Fault::Kill | Fault::Stop | Fault::Restart => false,
        }
    }

    /// Whether it takes the whole validator out: no more at a time than a quorum can miss.
    pub fn takes_the_process(self, part: &Part) -> bool {
        match part {
            Part::Process => true,
            Part::Worker => false,
            Part::Actor(name) => self == Fault::Block && ON_A_THREAD_THAT_STAYS.contains(&name.as_str()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The names in one line, for a message about one that is not among them.
pub fn fault_names(faults: &[Fault]) -> String {
    faults.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_written_as_it_is_read() {
        for text in ["node_1", "node_1/worker", "validator-of-alice/mempool"] {
            assert_eq!(Target::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for (text, word) in [
            ("", "names no validator"),
            ("/state", "names no validator"),
            ("a/b", "consensus"),
            ("a/process", "worker"),
        ] {
            let error = Target::try_from(text.to_owned()).unwrap_err().to_string();
            assert!(error.contains(word), "{text:?}: {error}");
        }
    }

    #[test]
    fn targets_are_chosen_by_validator_by_part_or_by_both() {
        let nodes = ["node_1", "node_2"].map(str::to_owned);
        let chosen = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Target::chosen(&nodes, &names).map(|all| all.iter().map(Target::to_string).collect::<Vec<_>>())
        };
        assert_eq!(chosen(&["worker"]).unwrap(), ["node_1/worker", "node_2/worker"]);
        assert_eq!(chosen(&["node_2/state", "process"]).unwrap(), ["node_1", "node_2/state", "node_2"]);
        assert_eq!(chosen(&["node_1"]).unwrap().len(), 9);
        let error = chosen(&["worker", "kitchen"]).unwrap_err().to_string();
        assert!(
            ["\"kitchen\"", "node_1, node_2", "mempool", "process"].iter().all(|word| error.contains(word)),
            "{error}"
        );
    }

    #[test]
    fn a_block_on_the_votes_way_takes_the_process_and_elsewhere_it_does_not() {
        let actor = |name: &str| Part::Actor(name.to_owned());
        assert!(Fault::Block.takes_the_process(&actor("consensus")));
        assert!(!Fault::Block.takes_the_process(&actor("mempool")));
        assert!(!Fault::Hang.takes_the_process(&actor("consensus")));
        assert!(Fault::Stop.takes_the_process(&Part::Process) && !Fault::Stop.takes_the_process(&Part::Worker));
    }
}
