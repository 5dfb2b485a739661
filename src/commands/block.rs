//! `pop block`: a final block with its proofs, votes and certificates.

use crate::args::{ValueError, whole};
use crate::exit::{Exit, Outcome};
use crate::ids;
use crate::nodes::Choice;
use crate::say;
use crate::text::{counted, names, short_id, utc, word};
use serde_json::Value;

/// Show a final block.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Its sequence, 0 for the genesis, latest for the last final one, or six digits or more of its id.
    #[arg(value_name = "SEQUENCE|latest|ID", value_parser = wanted, allow_negative_numbers = true)]
    block: Wanted,
    #[command(flatten)]
    nodes: Choice,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which block is asked for.
#[derive(Debug, Clone)]
enum Wanted {
    Sequence(u64),
    Latest,
    /// The beginning of its id.
    Id(String),
}

/// A text that names no block.
#[derive(Debug, thiserror::Error)]
#[error("{0}, latest, or six digits or more of a block's id")]
struct NoBlock(ValueError);

fn wanted(text: &str) -> Result<Wanted, NoBlock> {
    match text {
        "latest" => Ok(Wanted::Latest),
        digits if ids::is_beginning(digits) && !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Wanted::Id(digits.to_owned()))
        }
        number => whole(number).map(Wanted::Sequence).map_err(NoBlock),
    }
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let client = self.nodes.one()?;
        let block = match &self.block {
            Wanted::Sequence(sequence) => client.get(&format!("/v1/blocks/{sequence}"))?,
            Wanted::Latest => client.get("/v1/blocks/latest")?,
            Wanted::Id(digits) => {
                let found = ids::find(&client, ids::Kind::Block, digits)?;
                client.get(&format!("/v1/blocks/{}", found.sequence.unwrap_or_default()))?
            }
        };
        if self.json {
            say!("{block:#}");
        } else {
            screen(&block).iter().for_each(|line| say!("{line}"));
        }
        Ok(Exit::Fine)
    }
}

fn screen(block: &Value) -> Vec<String> {
    let header = &block["header"];
    let mut lines = vec![
        format!("Block {}", block["sequence"]),
        format!("  Id:         {}", short_id(word(&block["id"], "unknown"))),
        format!(
            "  Parent:     {}",
            if block["sequence"] == 0 { "none" } else { short_id(word(&header["parent"], "unknown")) }
        ),
        format!("  Time:       {}", header["time"].as_u64().map_or_else(|| "unknown".into(), utc)),
        format!("  State root: {}", short_id(word(&header["state"], "unknown"))),
    ];
    if let Some(proposer) = block["proposer"].as_str() {
        lines.push(format!("  Proposer:   {proposer}"));
    }
    if let Some(ms) = block["proposal_to_final_ms"].as_f64() {
        lines.push(format!("  Final here: {ms:.0} ms after its proposal"));
    }
    if block["sequence"] == 0 {
        lines.push("  It is the genesis: nobody voted on it, and it holds no proofs.".into());
        return lines;
    }
    let proofs = block["proofs"].as_array().map_or(&[][..], Vec::as_slice);
    lines.push(format!("Proofs: {}", proofs.len()));
    lines.extend(
        proofs.iter().map(|entry| {
            format!("  {}  difficulty {}", short_id(word(&entry["proof"], "unknown")), entry["difficulty"])
        }),
    );
    included_votes(&block["included_votes"], &mut lines);
    certificate("Prepare", &block["prepare"], "not held yet: it comes with the next block", &mut lines);
    let later = "none of its own: it became final with a later block";
    certificate("Commit", &block["commit"], later, &mut lines);
    lines
}

/// The votes that this block pays for.
fn included_votes(ancestors: &Value, lines: &mut Vec<String>) {
    let ancestors = ancestors.as_array().map_or(&[][..], Vec::as_slice);
    lines.push(format!(
        "Included votes: Prepare votes for {}",
        counted(ancestors.len() as u64, "earlier block", "earlier blocks")
    ));
    lines.extend(ancestors.iter().map(|ancestor| {
        format!("  {}  by {}", short_id(word(&ancestor["block"], "unknown")), names(&ancestor["voters"]))
    }));
}

fn certificate(kind: &str, certificate: &Value, absent: &str, lines: &mut Vec<String>) {
    if certificate.is_null() {
        lines.push(format!("{kind} certificate: {absent}"));
        return;
    }
    let (view, stake, total) = (&certificate["view"], &certificate["prepared"], &certificate["total"]);
    lines.push(format!("{kind} certificate: view {view}, {stake} of {total} stake"));
    lines.push(format!("  by {}", names(&certificate["voters"])));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_block_tells_who_proposed_it_what_it_holds_and_who_signed() {
        let certificate =
            json!({"view": 2, "prepared": 30000, "total": 40000, "voters": ["node_1", "node_2", "node_3"]});
        let block = json!({
            "sequence": 2, "id": "fc9b", "proposer": "node_3",
            "header": {"parent": "e091", "time": 1_795_580_155_888u64, "state": "9a86"},
            "proofs": [{"proof": "2e38", "difficulty": 164_109}],
            "included_votes": [{"block": "e091", "voters": ["node_1", "node_4"]}],
            "prepare": certificate, "commit": null, "proposal_to_final_ms": 12.3,
        });
        let text = screen(&block).join("\n");
        for line in [
            "Block 2",
            "  Parent:     e091",
            "  Time:       2026-11-25 04:15:55.888 UTC",
            "  Proposer:   node_3",
            "  Final here: 12 ms after its proposal",
            "  2e38  difficulty 164109",
            "  e091  by node_1, node_4",
            "Prepare certificate: view 2, 30000 of 40000 stake",
            "  by node_1, node_2, node_3",
            "Commit certificate: none of its own: it became final with a later block",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
    }

    #[test]
    fn the_genesis_has_neither_proofs_nor_votes() {
        let text = screen(&json!({"sequence": 0, "id": "19", "header": {"time": 0}})).join("\n");
        assert!(text.contains("genesis") && !text.contains("certificate"), "{text}");
    }
}
