//! What nodes say of the chain: final blocks, proofs that ended, and who holds what.

use super::{VALIDATORS_MAX, list, name, number, sentence, word};
use protocol::types::{Hash, Millis};
use serde_json::Value;

/// Blocks in one answer; the API gives 64 at most.
const BLOCKS_MAX: usize = 64;
/// A day; a longer time from proposal to final is none.
const LATENCY_MS_MAX: f64 = 86_400_000.0;
/// Proofs of one block.
const PROOFS_MAX: usize = 4_096;
/// Newest proofs that ended, of one answer.
const ENDED_MAX: usize = 100;

/// What a validator holds, by the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub node_id: String,
    /// Micro-tokens.
    pub stake_micro: u64,
}

/// A final block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    pub sequence: u64,
    pub id: String,
    pub proposer: Option<String>,
    /// By the proposer's clock, since the Unix epoch.
    pub time: Millis,
    /// From its proposal, sent or first seen by the node that was asked, until it was final there.
    pub latency_ms: Option<f64>,
    pub proofs: Vec<Entry>,
    /// Stake whose Prepare votes are known, of all.
    pub signed: Option<(u64, u64)>,
}

/// A proof that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub proof: Hash,
    /// Why, if it is refused; else it is final.
    pub refusal: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub proof: Hash,
    pub difficulty: u64,
}

impl Account {
    pub fn read_all(value: &Value) -> Vec<Account> {
        let account = |value: &Value| {
            let node_id = name(&value["node_id"])?;
            Some(Account { node_id, stake_micro: number(&value["stake_micro_tokens"]) })
        };
        list(&value["accounts"], VALIDATORS_MAX).filter_map(account).collect()
    }
}

impl Block {
    /// The blocks of an answer; none if one of them is none.
    pub fn read_all(value: &Value) -> Option<Vec<Block>> {
        value["blocks"].as_array()?;
        list(&value["blocks"], BLOCKS_MAX).map(Block::read).collect()
    }

    fn read(value: &Value) -> Option<Block> {
        let certificate = [&value["prepare"], &value["commit"]].into_iter().find(|one| one.is_object());
        let signed = certificate.map(|one| (number(&one["prepared"]), number(&one["total"])));
        Some(Block {
            sequence: value["sequence"].as_u64()?,
            id: word(&value["id"], 64),
            proposer: name(&value["proposer"]),
            time: Millis(number(&value["header"]["time"])),
            latency_ms: value["proposal_to_final_ms"].as_f64().filter(|ms| (0.0..=LATENCY_MS_MAX).contains(ms)),
            proofs: list(&value["proofs"], PROOFS_MAX).filter_map(Entry::read).collect(),
            signed,
        })
    }
}

impl Entry {
    fn read(value: &Value) -> Option<Entry> {
        Some(Entry { proof: value["proof"].as_str()?.parse().ok()?, difficulty: number(&value["difficulty"]) })
    }
}

impl Ended {
    /// Those of a node's newest proofs; none of an answer that is no list of them.
    pub fn read_all(value: &Value) -> Vec<Ended> {
        let ended = |value: &Value| {
            let proof = value["proof"].as_str()?.parse().ok()?;
            let refusal = (value["state"] == "refused")
                .then(|| sentence(&value["refusal"]["message"]).unwrap_or_else(|| "no reason was given".into()));
            (refusal.is_some() || value["state"] == "final").then_some(Ended { proof, refusal })
        };
        list(&value["ended"], ENDED_MAX).filter_map(ended).collect()
    }
}
