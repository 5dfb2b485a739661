//! Finding out which accepted proofs were refused: what became final is seen in blocks, what was refused is not.

use super::events::{Event, Pending};
use super::waiting::{AGAIN, pause};
use crate::client::Client;
use crate::refusal;
use protocol::types::Hash;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Proofs whose refusal is looked for at once.
const ASKED_AT_ONCE: usize = 64;
/// How long its counterexample is waited for.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(1);

/// Asks each proof's own node whether it has refused it. What became final is seen in blocks.
pub(super) fn find(nodes: &[Client], pending: &Pending, over: &Arc<AtomicBool>, events: &Sender<Event>) {
    let mut from = Hash::ZERO;
    while !pause(AGAIN, std::slice::from_ref(over)) {
        let asked: Vec<(Hash, usize)> =
            pending.lock().range(from..).take(ASKED_AT_ONCE).map(|(proof, node)| (*proof, *node)).collect();
        from = if asked.len() < ASKED_AT_ONCE { Hash::ZERO } else { asked[asked.len() - 1].0 };
        for (proof, node) in asked {
            // Its own node may be down; the others were told of it, too.
            let mut order = (0..nodes.len()).map(|turn| &nodes[(node + turn) % nodes.len()]);
            let Some(view) = order.find_map(|node| node.get(&format!("/v1/proofs/{proof}?explain=false")).ok()) else {
                continue;
            };
            if view["state"] == "refused" {
                // With its counterexample, if that is found at once: who has many proofs to check looks for it later.
                let (name, address) = nodes[node].place();
                let quick = Client::with_deadline(name, address, EXPLAINED_WITHIN);
                let explained = quick.get(&format!("/v1/proofs/{proof}")).ok();
                let why = refusal::of_view(&explained.filter(|view| view["state"] == "refused").unwrap_or(view));
                if events.send(Event::Refused { proof, why }).is_err() {
                    return;
                }
            }
        }
    }
}
