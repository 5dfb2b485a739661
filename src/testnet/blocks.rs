//! Following the final blocks, each once, from whichever node answers; and comparing the nodes' blocks at the end.

use super::asking;
use super::events::{BlockSeen, Event};
use super::site::Place;
use super::waiting::{AGAIN, pause};
use crate::client::Client;
use protocol::types::NodeId;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

/// How long one request for new blocks waits, in seconds; a stop is seen at least that soon.
const BLOCKS_WAIT: u32 = 1;

#[derive(Debug, Deserialize)]
struct BlocksSeen {
    blocks: Vec<BlockSeen>,
    next: u64,
}

/// Every final block once, in order, from whichever node answers.
pub(super) fn follow(nodes: &[Client], over: &Arc<AtomicBool>, events: &Sender<Event>) {
    let mut next = 1;
    for node in nodes.iter().cycle() {
        while !over.load(Ordering::Relaxed) {
            let answer = node.get(&format!("/v1/blocks?from={next}&wait={BLOCKS_WAIT}"));
            let Some(seen) = answer.ok().and_then(|value| serde_json::from_value::<BlocksSeen>(value).ok()) else {
                break;
            };
            next = seen.next;
            for block in seen.blocks {
                if events.send(Event::Block(block, Instant::now())).is_err() {
                    return;
                }
            }
        }
        if pause(AGAIN, std::slice::from_ref(over)) {
            return;
        }
    }
}

/// Each of these nodes' block at one sequence, of those that answer by then: they must be one and the same.
pub fn at_sequence(places: &[&Place], sequence: u64, until: Instant) -> Vec<(NodeId, String)> {
    let block = |place: &&Place, left| {
        let block = asking::client(place, left).get(&format!("/v1/blocks/{sequence}")).ok()?;
        Some((place.node_id.clone(), block["id"].as_str()?.to_owned()))
    };
    asking::each(places, until, block).into_iter().flatten().flatten().collect()
}
