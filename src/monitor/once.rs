//! The guide's text screen: what a pipe gets, and `--once`.
//!
//! Its blocks and lines stand in the guide's order; what the guide does not have follows. Must never: use colours or move a
//! cursor; with `ascii` it is ASCII alone.

use super::graph::bars;
use super::shown::{ago, clock, days, milliseconds, seconds};
use super::view::{Health, View};
use crate::text::{grouped, span};
use std::fmt::Write;

const WIDTH: usize = 80;
const GRAPH_ROWS: usize = 4;
/// Of the lists that the guide does not have.
const LINES_MAX: usize = 10;

/// The screen, each line ended.
pub fn screen(view: &View, ascii: bool) -> String {
    let mut page = Page { text: String::new(), ascii };
    let double = "=".repeat(WIDTH);
    page.line(&view.sentence);
    page.line(&double);
    page.line(&format!("{:20}PROOF-OF-PROOF CONSENSUS NETWORK MONITOR", ""));
    page.line(&double);
    page.line(&format!("Timestamp: {}", days(view.time_ms)));
    page.line(&format!("Monitoring {} nodes", view.network.monitored_nodes));
    page.line(&double);
    health(view, &mut page);
    latency(view, &mut page);
    throughput(view, &mut page);
    leaderboard(view, &mut page);
    mempool(view, &mut page);
    actors(view, &mut page);
    lists(view, &mut page);
    page.text
}

struct Page {
    text: String,
    ascii: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        let line = if self.ascii { super::shown::ascii(line) } else { line.to_owned() };
        _ = writeln!(self.text, "{}", line.trim_end());
    }

    fn title(&mut self, picture: &str, title: &str) {
        self.line("");
        self.line(&if self.ascii { title.to_owned() } else { format!("{picture} {title}") });
        self.line(&"-".repeat(WIDTH));
    }
}

fn health(view: &View, page: &mut Page) {
    let network = &view.network;
    page.title("📊", "NETWORK HEALTH");
    let light = match view.health {
        Health::Healthy => "🟢 ",
        Health::Degraded | Health::Starting => "🟡 ",
        Health::Halted | Health::Unreachable => "🔴 ",
    };
    page.line(&format!("  Status: {}{}", if page.ascii { "" } else { light }, view.health.word()));
    page.line(&format!("  Active Nodes: {}/{}", network.active_nodes, network.monitored_nodes));
    page.line(&format!("  Total Consensus Rounds: {}", network.final_blocks));
    if network.total_stake == 0 {
        page.line("  Byzantine Fault Tolerance: unknown: no node has reported the validators");
    } else {
        let (tolerated, of) = (network.tolerated_faulty, network.validators);
        page.line(&format!("  Byzantine Fault Tolerance: Can tolerate {tolerated} faulty nodes (33% of {of})"));
    }
    if network.missing_stake > 0 {
        let (missing, stake) = (network.missing_validators, grouped(network.missing_stake));
        page.line(&format!(
            "  Missing: {missing} of {} validators, {stake} of {} stake",
            network.validators,
            grouped(network.total_stake)
        ));
    }
    if let Some(leader) = &network.leader {
        page.line(&format!("  View: {}, led by {leader}", network.view));
    }
    for alert in &view.alerts {
        page.line(&format!("  ALERT since {}: {}", clock(alert.since_ms), alert.text));
    }
    if let Some(what) = &view.what_to_do {
        page.line(&format!("  What to do: {what}"));
    }
    for row in view.validators.iter().filter(|row| row.state == "unknown") {
        page.line(&format!("  {}: has not answered yet", row.node_id));
    }
}

fn latency(view: &View, page: &mut Page) {
    page.title("⏱️ ", "CONSENSUS LATENCY");
    let Some(latency) = &view.latency else {
        return page.line("  No block's time from proposal to final is known yet");
    };
    page.line(&format!("  Average: {}", seconds(latency.average_ms)));
    page.line(&format!("  Minimum: {}", seconds(latency.minimum_ms)));
    page.line(&format!("  Maximum: {}", seconds(latency.maximum_ms)));
    page.line(&format!("  p50: {}, p99: {}", milliseconds(latency.p50_ms), milliseconds(latency.p99_ms)));
    let by = view.blocks_told_by.as_deref().unwrap_or("a node");
    page.line(&format!(
        "  From proposal to final, as {by} saw {} blocks since block {}, {}",
        latency.blocks,
        latency.first_block,
        days(latency.since_ms)
    ));
    bars(&view.latencies_ms, WIDTH - 2, GRAPH_ROWS, page.ascii, milliseconds).iter().for_each(|row| page.line(row));
}

fn throughput(view: &View, page: &mut Page) {
    page.title("📈", "PROOF THROUGHPUT");
    let r#final = view.proofs.r#final;
    let refused = view.proofs.refused_since_start;
    let total = r#final.saturating_add(refused.unwrap_or(0));
    let split = match (refused, &view.told_by) {
        (Some(refused), Some(by)) => format!(" ({final} final; {refused} refused since {by} started)"),
        (_, _) => " (final ones)".into(),
    };
    page.line(&format!("  Total Proofs Processed: {total}{split}"));
    let Some(throughput) = &view.throughput else { return };
    page.line(&format!(
        "  Current Throughput: {:.2} proofs/second ({})",
        throughput.current_per_second,
        View::current_span()
    ));
    let since = format!("{} blocks since {}", throughput.blocks, days(throughput.since_ms));
    page.line(&format!("  Average Throughput: {:.2} proofs/second ({since})", throughput.average_per_second));
    let columns = (WIDTH - 12).min(view.rates.len());
    let rates = &view.rates[view.rates.len() - columns..];
    if rates.iter().any(|rate| *rate > 0.0) {
        let rows = bars(rates, WIDTH - 2, GRAPH_ROWS, page.ascii, |top| format!("{top:.1}/s"));
        rows.iter().for_each(|row| page.line(row));
    }
}

fn leaderboard(view: &View, page: &mut Page) {
    page.title("🏆", "VALIDATOR PERFORMANCE LEADERBOARD");
    page.line("  Rank   Node ID         Rounds     Accuracy    Rewards");
    page.line(&format!("  {}", "-".repeat(72)));
    for row in &view.validators {
        let medal = match row.rank {
            _ if page.ascii || row.rounds.is_none() => "  ",
            1 => "🥇",
            2 => "🥈",
            3 => "🥉",
            _ => "  ",
        };
        let number = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        page.line(&format!(
            "  {medal} {:<3} {:<15} {:<10} {:<11} {:<10}{}",
            row.rank,
            row.node_id,
            number(row.rounds.map(|rounds| rounds.to_string())),
            number(row.accuracy.map(|accuracy| format!("{:.1}%", accuracy * 100.0))),
            number(row.rewards_tokens.map(|tokens| format!("{tokens:.2}"))),
            if matches!(row.state, "ok" | "connected") { String::new() } else { format!(" {}", row.state) },
        ));
    }
    if let (Some(since), Some(by)) = (view.rounds_since_ms, &view.told_by) {
        page.line(&format!("  Rounds: final blocks with its vote since {by} started, {}", days(since)));
        page.line("  Accuracy: its own last 1,000 checks at most. Rewards: tokens since the genesis");
    }
}

fn mempool(view: &View, page: &mut Page) {
    page.title("📬", "MEMPOOL STATUS");
    let Some(mempool) = &view.mempool else { return page.line("  No node says") };
    page.line(&format!(
        "  Pending Proofs: {} of at most {} at {}",
        mempool.proofs, mempool.proofs_max, mempool.node_id
    ));
    page.line(&format!(
        "  Processing Rate: {:.2} proofs/second ({})",
        mempool.processed_per_second,
        View::current_span()
    ));
    page.line(&format!(
        "  Of them: {} waiting for their check, {} being checked, {} disputed; {} being fetched",
        mempool.waiting, mempool.checking, mempool.disputed, mempool.fetching
    ));
    if let Some(oldest) = mempool.oldest_pending_ms.filter(|oldest| *oldest > 0) {
        page.line(&format!("  Oldest: pending for {}", span(oldest)));
    }
}

fn actors(view: &View, page: &mut Page) {
    if view.validators.iter().all(|row| row.actors.is_empty()) {
        return;
    }
    page.title("🔁", "ACTORS AND RESTARTS");
    for row in view.validators.iter().filter(|row| !row.actors.is_empty()) {
        let down: Vec<&str> = row
            .actors
            .iter()
            .filter(|actor| !matches!(actor.state.as_str(), "running" | "unknown"))
            .map(|actor| actor.name.as_str())
            .collect();
        let down = if down.is_empty() { String::new() } else { format!("; not running: {}", down.join(", ")) };
        let last =
            row.actors.iter().filter(|actor| actor.last_failure_ms.is_some()).max_by_key(|actor| actor.last_failure_ms);
        let last = last.map_or(String::new(), |actor| {
            let when = ago(view.time_ms, actor.last_failure_ms.unwrap_or(0));
            format!("; last: {} {when} ({})", actor.name, actor.last_failure.as_deref().unwrap_or("unknown"))
        });
        let restarts = row.restarts.unwrap_or(0);
        page.line(&format!("  {:<15} {} actors, {restarts} restarts{down}{last}", row.node_id, row.actors.len()));
    }
}

fn lists(view: &View, page: &mut Page) {
    page.title("📜", "LATEST PROOFS");
    if view.latest_proofs.is_empty() {
        page.line("  None has ended yet");
    }
    for proof in view.latest_proofs.iter().take(LINES_MAX) {
        let signed = match (proof.signed_stake, proof.total_stake) {
            (Some(signed), Some(total)) => format!(", signed by {} of {} stake", grouped(signed), grouped(total)),
            (_, _) => String::new(),
        };
        let how = match (&proof.refusal, proof.block) {
            (Some(why), _) => format!("REFUSED: {why}"),
            (None, block) => format!("final in block {}{signed}", block.unwrap_or(0)),
        };
        page.line(&format!("  {}  {}  {how}", clock(proof.ended_ms), super::shown::short(&proof.proof)));
    }
    if !view.events.is_empty() {
        page.title("🔔", "EVENTS");
        view.events
            .iter()
            .take(LINES_MAX)
            .for_each(|event| page.line(&format!("  {}  {}", clock(event.at_ms), event.text)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Answer, Block, Report, Trouble};
    use super::super::metrics::Metrics;
    use super::super::model::tests::{model, say, well};
    use super::*;
    use protocol::types::Millis;

    fn seen() -> View {
        let mut model = model();
        let begun = 1_770_733_800_000;
        well(&mut model, begun, 127);
        let page = "pop_consensus_rounds_total{validator=\"node_2\"} 35\npop_consensus_rounds_total{validator=\"node_1\"} 33\n\
                    pop_state_rewards_tokens{validator=\"node_2\"} 350\npop_verifier_accuracy_ratio 1\nprocess_start_time_seconds 1770733000\n";
        let report = |answer| Report { node: 0, at: Millis(begun), answer };
        model.take(report(Answer::Metrics(Metrics::read(page))));
        let block = |number: u64, ms| Block {
            sequence: number,
            time: Millis(begun - 9_000),
            latency_ms: Some(ms),
            ..Block::default()
        };
        let blocks = vec![block(125, 1_892.0), block(126, 1_576.0), block(127, 3_567.0)];
        model.take(report(Answer::Blocks { blocks, live: false }));
        say(&mut model, begun + 2_000, 4, Err(Trouble::Refused));
        model.tick(Millis(begun + 45_000));
        View::of(&model, Millis(begun + 45_000))
    }

    #[test]
    fn the_guides_screen_has_its_lines_in_its_order() {
        let text = screen(&seen(), false);
        let mut rest = text.as_str();
        for line in [
            "================================================================================\n                    PROOF-OF-PROOF CONSENSUS NETWORK MONITOR\n",
            "Timestamp: 2026-02-10 14:30:45",
            "Monitoring 4 nodes\n",
            "📊 NETWORK HEALTH\n-----",
            "  Status: 🟡 DEGRADED\n",
            "  Active Nodes: 3/4\n",
            "  Total Consensus Rounds: 127\n",
            "  Byzantine Fault Tolerance: Can tolerate 1 faulty nodes (33% of 4)\n",
            "  ALERT since 14:30:00: node_4 is missing (10,000 of 40,000 stake): not running: connection refused",
            "CONSENSUS LATENCY\n",
            "  Average: 2.345s\n  Minimum: 1.576s\n  Maximum: 3.567s\n",
            "📈 PROOF THROUGHPUT\n",
            "  Total Proofs Processed: 0",
            "  Current Throughput: 0.00 proofs/second",
            "  Average Throughput: 0.00 proofs/second",
            "🏆 VALIDATOR PERFORMANCE LEADERBOARD\n",
            "  Rank   Node ID         Rounds     Accuracy    Rewards\n",
            "  🥇 1   node_2          35         -           350.00\n",
            "  🥈 2   node_1          33         100.0%      -\n",
            "MEMPOOL STATUS\n",
        ] {
            let at = rest.find(line).unwrap_or_else(|| panic!("{line:?} does not follow in\n{text}"));
            rest = &rest[at..];
        }
        assert!(text.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn without_pictures_it_is_plain_ascii() {
        let text = screen(&seen(), true);
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("\nNETWORK HEALTH\n") && text.contains("  Status: DEGRADED\n"), "{text}");
        assert!(text.contains("     1   node_2          35 "), "{text}");
    }
}
