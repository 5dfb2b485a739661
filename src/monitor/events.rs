//! What happens, newest last: found by comparing what a node says with what it said before.
//!
//! Bounded: blocks that follow each other closely are one event, and a block gives way before anything else does. Must never:
//! ask anything.

use super::facts::{Actor, Status};
use protocol::types::Millis;
use serde::Serialize;
use std::collections::VecDeque;

const EVENTS_MAX: usize = 500;
/// Blocks that come within this of the first are told in one line.
const BLOCKS_TOGETHER: Millis = Millis(10_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Block,
    ViewChange,
    /// Of an actor, or of a whole process.
    Restart,
    /// Of a proof.
    Refused,
    /// A node or a peer is not there any more.
    Gone,
    Back,
    Notice,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Since the Unix epoch; when the monitor saw it.
    pub at_ms: u64,
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug, Default)]
pub struct Events {
    list: VecDeque<Event>,
    /// Of the newest event, if that is blocks: the first sequence, and the proofs in all of them.
    blocks: Option<(u64, u64)>,
}

impl Events {
    pub fn add(&mut self, at: Millis, kind: Kind, text: String) {
        self.blocks = None;
        self.list.push_back(Event { at_ms: at.0, kind, text });
        if self.list.len() > EVENTS_MAX {
            let oldest = self.list.iter().position(|event| event.kind == Kind::Block).unwrap_or(0);
            self.list.remove(oldest);
        }
    }

    pub fn block(&mut self, at: Millis, sequence: u64, proofs: u64, how: &str) {
        let recent = self.list.back().is_some_and(|last| at.since(Millis(last.at_ms)) < BLOCKS_TOGETHER);
        if let (Some((first, before)), Some(last)) = (self.blocks.filter(|_| recent), self.list.back_mut()) {
            let all = before.saturating_add(proofs);
            last.text = format!("blocks {first} to {sequence} are final: {}", proofs_of(all));
            self.blocks = Some((first, all));
            return;
        }
        self.add(at, Kind::Block, format!("block {sequence} is final: {}{how}", proofs_of(proofs)));
        self.blocks = Some((sequence, proofs));
    }

    /// Newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Event> {
        self.list.iter().rev()
    }
}

fn proofs_of(count: u64) -> String {
    match count {
        0 => "no proofs".into(),
        1 => "1 proof".into(),
        count => format!("{count} proofs"),
    }
}

/// What two answers of a node, one after the other, say of what happened between them.
pub fn between(name: &str, before: &Status, now: &Status) -> Vec<(Kind, String)> {
    let mut events = Vec::new();
    if now.proposals < before.proposals || now.view_changes < before.view_changes {
        // Its counts begin anew; what they say is no difference.
        return vec![(Kind::Restart, format!("{name}: its process was started again"))];
    }
    match now.view_changes - before.view_changes {
        0 => {}
        1 => events.push((Kind::ViewChange, format!("view change: now in view {}, says {name}", now.view))),
        count => {
            events.push((Kind::ViewChange, format!("{count} view changes: now in view {}, says {name}", now.view)))
        }
    }
    // Where there is no quorum everybody waits for one; that is told of the network.
    if before.waiting_for != now.waiting_for && before.has_quorum && now.has_quorum {
        let text = match &now.waiting_for {
            Some(why) => format!("{name}: waits: {why}"),
            None => format!("{name}: waits no longer"),
        };
        events.push((Kind::Notice, text));
    }
    events
}

/// Restarts of actors between two trees of a node.
pub fn restarts<'a>(name: &'a str, before: &'a [Actor], now: &'a [Actor]) -> impl Iterator<Item = String> + 'a {
    now.iter().filter_map(move |actor| {
        let then = before.iter().find(|one| one.name == actor.name)?;
        let count = actor.restarts.checked_sub(then.restarts).filter(|count| *count > 0)?;
        let times = if count == 1 { String::new() } else { format!(" {count} times") };
        let why = actor.last_failure.as_ref().map_or(String::new(), |failure| format!(": {}", failure.text));
        Some(format!("{name}: {} restarted{times}, incarnation {}{why}", actor.name, actor.incarnation))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_follow_closely_are_one_line_and_give_way_first() {
        let mut events = Events::default();
        events.add(Millis(0), Kind::Gone, "node_3 is gone".into());
        events.block(Millis(1_000), 7, 2, ", 12 ms");
        events.block(Millis(1_500), 8, 3, "");
        assert_eq!(events.newest().next().unwrap().text, "blocks 7 to 8 are final: 5 proofs");
        events.block(Millis(11_000), 9, 0, ", 12 ms");
        assert_eq!(events.newest().next().unwrap().text, "block 9 is final: no proofs, 12 ms");
        (10..2_000).for_each(|number| events.block(Millis(number * 20_000), number, 1, ""));
        assert_eq!(events.newest().count(), EVENTS_MAX);
        assert_eq!(events.newest().last().unwrap().text, "node_3 is gone", "it outlives the blocks");
    }

    #[test]
    fn what_changed_between_two_answers_is_told_once() {
        let before = Status { proposals: 9, view_changes: 2, view: 11, has_quorum: true, ..Status::default() };
        let same = between("node_1", &before, &before);
        assert!(same.is_empty(), "{same:?}");
        let now = Status { view_changes: 3, view: 12, waiting_for: Some("its history".into()), ..before.clone() };
        let texts: Vec<_> = between("node_1", &before, &now).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["view change: now in view 12, says node_1", "node_1: waits: its history"]);
        let started = between("node_1", &now, &Status::default());
        assert_eq!(started[0].1, "node_1: its process was started again");
    }

    #[test]
    fn a_restart_says_which_actor_and_why() {
        let actor = |restarts, incarnation| Actor {
            name: "mempool".into(),
            restarts,
            incarnation,
            last_failure: Some(super::super::facts::Failure { text: "it panicked: planted".into(), ago_ms: 3 }),
            ..Actor::default()
        };
        let told: Vec<_> = restarts("node_2", &[actor(1, 2)], &[actor(3, 4)]).collect();
        assert_eq!(told, ["node_2: mempool restarted 2 times, incarnation 4: it panicked: planted"]);
        assert_eq!(restarts("node_2", &[actor(1, 2)], &[actor(0, 1)]).count(), 0, "a new process");
        assert_eq!(restarts("node_2", &[], &[actor(3, 4)]).count(), 0, "nothing to compare with");
    }
}
