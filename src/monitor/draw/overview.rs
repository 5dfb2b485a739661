//! The overview: the guide's five blocks, and beside or below them what happens.
//!
//! Narrow screens have one column and wide ones two. Every block gets what it needs first, then graphs and lists share the
//! rest.

use super::lists::{
    actor_style, event_line, failure, name_width, proof_columns, proof_style, state_style, validator_columns,
};
use super::table::{Rows, lines as table, range};
use super::{Theme, beside, cut, fit, rule, wrap};
use crate::monitor::alerts::{Alert, Severity};
use crate::monitor::graph::bars;
use crate::monitor::screen::Screen;
use crate::monitor::shown::{ago, clock, milliseconds};
use crate::monitor::view::{ActorView, RATE_STEP, View};
use crate::text::{grouped, span};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// From here on there are two columns.
const WIDE: usize = 110;
/// Rows of the first blocks: the rule and four or five lines.
const HEALTH_ROWS: usize = 5;
/// Rows of a graph's block without the graph: the rule and three lines.
const FIGURES_ROWS: usize = 4;
/// Taller graphs show nothing more.
const GRAPH_ROWS_MAX: usize = 9;

pub fn lines(
    view: &View,
    screen: &Screen,
    theme: Theme,
    interval: Duration,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    if width < WIDE {
        return narrow(view, screen, theme, interval, width, height);
    }
    let right_width = (width - 2) * 2 / 5;
    let left_width = width - 2 - right_width;
    let left = left(view, screen, theme, interval, left_width, height);
    beside(left, right(view, theme, right_width, height), left_width)
}

fn narrow(
    view: &View,
    screen: &Screen,
    theme: Theme,
    interval: Duration,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    let half = (width - 2) / 2;
    let rest = height.saturating_sub(HEALTH_ROWS);
    // Four validators are seen whole, and more of them as far as the screen goes.
    let happens = 1 + 2 * view.alerts.len() + view.events.len();
    let happening = (rest / 4).clamp(3, 12).min(happens.max(2));
    let board_max = (rest / 3 + (rest / 4).clamp(3, 12) - happening).max(6);
    let board = (view.validators.len() + 2).clamp(4, board_max);
    let graphs = rest.saturating_sub(board + happening);
    let mut all = first_blocks(view, theme, interval, width);
    let (latency, throughput) = (latency(view, theme, half, graphs), throughput(view, theme, width - 2 - half, graphs));
    all.extend(fit(beside(latency, throughput, half), graphs));
    all.extend(fit(leaderboard(view, screen, theme, width, board), board));
    all.extend(alerts_and_events(view, theme, width, height.saturating_sub(all.len())));
    all
}

fn left(
    view: &View,
    screen: &Screen,
    theme: Theme,
    interval: Duration,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    let mut all = first_blocks(view, theme, interval, width);
    let rest = height.saturating_sub(HEALTH_ROWS);
    let board = (view.validators.len() + 2).clamp(6, (rest / 2).max(6));
    let graphs = rest.saturating_sub(board).min(2 * (FIGURES_ROWS + GRAPH_ROWS_MAX));
    let one = graphs / 2;
    all.extend(fit(latency(view, theme, width, one), one));
    all.extend(fit(throughput(view, theme, width, graphs - one), graphs - one));
    all.extend(leaderboard(view, screen, theme, width, board));
    let left = height.saturating_sub(all.len());
    if is_tall(height) {
        all.extend(events(view, theme, width, left));
    }
    all
}

fn right(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut all = alerts(view, theme, width, height / 3);
    let rest = height.saturating_sub(all.len());
    all.extend(actors(view, theme, width, (rest / 3).max(3)));
    if is_tall(height) {
        let left = height.saturating_sub(all.len());
        all.extend(latest_proofs(view, theme, width, left));
    } else {
        all.extend(latest_proofs(view, theme, width, (rest / 3).max(3)));
        let left = height.saturating_sub(all.len());
        all.extend(events(view, theme, width, left));
    }
    all
}

/// Whether the left column has room for events, below everything else.
fn is_tall(height: usize) -> bool {
    height >= 48
}

fn first_blocks(view: &View, theme: Theme, interval: Duration, width: usize) -> Vec<Line<'static>> {
    // Where a half is little, health has more of it.
    let half = if width < 78 { (width - 2) * 11 / 20 } else { (width - 2) / 2 };
    fit(beside(health(view, theme, interval, half), mempool(view, theme, width - 2 - half), half), HEALTH_ROWS)
}

/// The first of these titles that fits.
fn longest<'a>(titles: &[&'a str], width: usize) -> &'a str {
    titles.iter().find(|title| title.len() + 6 <= width).or(titles.last()).copied().unwrap_or_default()
}

fn pair(name: &str, value: String, style: Style) -> Line<'static> {
    Line::from(vec![Span::raw(format!("{name} ")), Span::styled(value, style)])
}

fn health(view: &View, theme: Theme, interval: Duration, width: usize) -> Vec<Line<'static>> {
    let network = &view.network;
    let all_answer = network.active_nodes == network.monitored_nodes;
    let active = format!("{}/{} answer", network.active_nodes, network.monitored_nodes);
    let missing = match network.missing_stake {
        0 => String::new(),
        stake => {
            let words = [format!("; {} stake missing", grouped(stake)), format!("; {} missing", grouped(stake))];
            longest(&words.each_ref().map(String::as_str), width.saturating_sub("Nodes: ".len() + active.len()))
                .to_owned()
        }
    };
    let last = network.last_final_ms.map_or(String::new(), |at| format!(", last {}", ago(view.time_ms, at)));
    let leader = network.leader.as_ref().map_or(String::new(), |leader| format!(", view {} of {leader}", network.view));
    // The view is told whole or not at all.
    let has_room = "Status: ".len() + view.health.word().len() + leader.len() <= width;
    let seconds = format!("every {} s", interval.as_secs_f64());
    let tolerance = match network.total_stake {
        0 => "Tolerance: no node says who takes part".to_owned(),
        _ => format!("Tolerates {} faulty of {} validators", network.tolerated_faulty, network.validators),
    };
    vec![
        rule(&format!("Network health, {seconds}"), theme, width),
        Line::from(vec![
            Span::raw("Status: "),
            Span::styled(view.health.word(), theme.health(view.health)),
            Span::raw(if has_room { leader } else { String::new() }),
        ]),
        pair("Nodes:", format!("{active}{missing}"), if all_answer { Style::new() } else { theme.bad() }),
        pair("Rounds:", format!("{} final{last}", grouped(network.final_blocks)), Style::new()),
        Line::raw(cut(&tolerance, width)),
    ]
}

fn mempool(view: &View, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let by = view.told_by.as_deref().map_or(String::new(), |by| format!(" of {by}"));
    let mut all = vec![rule(&format!("Mempool{by}"), theme, width)];
    let Some(mempool) = &view.mempool else {
        all.push(Line::styled("no node says", theme.dim()));
        return all;
    };
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let nearly_full = mempool.proofs_max > 0 && mempool.proofs >= mempool.proofs_max / 10 * 9;
    let count = format!("{} of {} proofs", grouped(mempool.proofs), grouped(mempool.proofs_max));
    let with_bytes = format!("{count}, {:.1} MiB", mebibytes(mempool.bytes));
    let count = if "Pending: ".len() + with_bytes.len() <= width { with_bytes } else { count };
    all.push(pair("Pending:", count, if nearly_full { theme.bad() } else { Style::new() }));
    all.push(Line::raw(cut(&format!("{} waiting, {} being checked", mempool.waiting, mempool.checking), width)));
    all.push(Line::raw(cut(&format!("{} disputed, {} being fetched", mempool.disputed, mempool.fetching), width)));
    let oldest = mempool
        .oldest_pending_ms
        .filter(|oldest| *oldest > 0)
        .map_or(String::new(), |oldest| format!(", oldest {}", span(oldest)));
    all.push(Line::raw(cut(&format!("Processed: {:.2}/s{oldest}", mempool.processed_per_second), width)));
    all
}

fn latency(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let titles = ["Latency, proposal to final (a column is a block)", "Latency, proposal to final"];
    let mut all = vec![rule(longest(&titles, width), theme, width)];
    let Some(latency) = &view.latency else {
        all.push(Line::styled("no block's time is known yet", theme.dim()));
        return all;
    };
    let ms = milliseconds;
    all.push(Line::raw(cut(
        &format!("avg {}  min {}  max {}", ms(latency.average_ms), ms(latency.minimum_ms), ms(latency.maximum_ms)),
        width,
    )));
    all.push(Line::raw(cut(&format!("p50 {}  p99 {}", ms(latency.p50_ms), ms(latency.p99_ms)), width)));
    let by = view.blocks_told_by.as_deref().unwrap_or("a node");
    let over = format!("{} blocks since {}, by {by}", latency.blocks, clock(latency.since_ms));
    all.push(Line::styled(cut(&over, width), theme.dim()));
    let rows = bars(&view.latencies_ms, width, height.saturating_sub(FIGURES_ROWS), theme.ascii, ms);
    all.extend(rows.into_iter().map(|row| Line::styled(row, theme.graph())));
    all
}

fn throughput(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let column = format!("Throughput, proofs/s (a column is {} s)", RATE_STEP.0 / 1_000);
    let mut all = vec![rule(longest(&[&column, "Throughput, proofs/s"], width), theme, width)];
    let Some(throughput) = &view.throughput else {
        all.push(Line::styled("no block is known yet", theme.dim()));
        return all;
    };
    let refused =
        view.proofs.refused_since_start.map_or(String::new(), |count| format!(", {} refused", grouped(count)));
    all.push(Line::raw(cut(&format!("now {:.2} ({})", throughput.current_per_second, View::current_span()), width)));
    all.push(Line::raw(cut(
        &format!("avg {:.2} (since {})", throughput.average_per_second, clock(throughput.since_ms)),
        width,
    )));
    all.push(Line::raw(cut(&format!("{} proofs final{refused}", grouped(view.proofs.r#final)), width)));
    let columns = width.saturating_sub(10).min(view.rates.len());
    let rates = &view.rates[view.rates.len() - columns..];
    let rows = bars(rates, width, height.saturating_sub(FIGURES_ROWS), theme.ascii, |top| format!("{top:.1}/s"));
    all.extend(rows.into_iter().map(|row| Line::styled(row, theme.graph())));
    all
}

fn leaderboard(view: &View, screen: &Screen, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let since = view.rounds_since_ms.map_or(String::new(), |since| format!("; rounds since {}", clock(since)));
    let sorted = screen.validators(view);
    let range = range(sorted.len(), screen.selected(view), height.saturating_sub(1));
    let mut all = vec![rule(&format!("Validators by {}{range}{since}", screen.sort.title()), theme, width)];
    let rows = Rows {
        rows: &sorted,
        selected: Some(screen.selected(view)),
        style: |row, theme| state_style(row, theme),
        none: "none is known yet",
    };
    all.extend(table(validator_columns(name_width(view)), &rows, theme, width, height.saturating_sub(1)));
    all
}

fn alert_lines<'a>(
    alerts: impl Iterator<Item = &'a Alert>,
    theme: Theme,
    width: usize,
    lines_max: usize,
) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    for alert in alerts {
        let style = if alert.severity == Severity::Critical { theme.bad() } else { theme.warn() };
        let text = format!("{} {}", clock(alert.since_ms), alert.text);
        all.extend(wrap(&text, width, lines_max).into_iter().map(|line| Line::from(Span::styled(line, style))));
    }
    all
}

/// Where there is room for one list only.
fn alerts_and_events(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let title = match view.alerts.len() {
        0 => "Events, newest first".into(),
        count => format!("Alerts ({count}), since when; then events"),
    };
    let mut all = vec![rule(&title, theme, width)];
    let room = height.saturating_sub(1);
    // Something that happens is seen, however many alerts there are.
    let others = view.alerts.iter().filter(|alert| !alert.is_first_line);
    let mut alerts = alert_lines(others, theme, width, if room < 6 { 1 } else { 2 });
    alerts.truncate(room.saturating_sub(1).max(1));
    all.extend(alerts);
    if view.alerts.is_empty() && view.events.is_empty() {
        all.push(Line::styled("nothing has happened yet", theme.dim()));
    }
    let left = height.saturating_sub(all.len());
    all.extend(view.events.iter().take(left).map(|event| event_line(event, theme, width)));
    all
}

fn alerts(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut all = vec![rule(&format!("Alerts ({}), since when", view.alerts.len()), theme, width)];
    if view.alerts.is_empty() {
        all.push(Line::styled("none", theme.good()));
    }
    all.extend(alert_lines(view.alerts.iter(), theme, width, 2));
    all.truncate(height.max(3));
    all
}

/// A line for each node, and those of failures below, newest first.
fn actors(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let known = |(_, actor): &(_, &ActorView)| actor.state != "unknown";
    let every = || view.validators.iter().flat_map(|row| row.actors.iter().map(move |actor| (row, actor)));
    let all_of = || every().filter(known);
    let running = all_of().filter(|(_, actor)| actor.state == "running").count();
    let restarts: u64 = all_of().map(|(_, actor)| actor.restarts).fold(0, u64::saturating_add);
    let mut all =
        vec![rule(&format!("Actors: {running} of {} run, {restarts} restarts", all_of().count()), theme, width)];
    let mut failed: Vec<_> =
        all_of().filter(|(_, actor)| actor.last_failure.is_some() || actor.state != "running").collect();
    failed.sort_by_key(|(_, actor)| (actor.state == "running", std::cmp::Reverse(actor.last_failure_ms)));
    if failed.is_empty() {
        all.push(Line::styled("none was restarted since its process started", theme.dim()));
    }
    for (row, actor) in failed.into_iter().take(height.saturating_sub(2)) {
        let text = format!(
            "{} {} {}, {} restarts, {}",
            row.node_id,
            actor.name,
            actor.state,
            actor.restarts,
            failure(actor, view.time_ms)
        );
        all.push(Line::from(Span::styled(cut(&text, width), actor_style(actor, view.time_ms, theme))));
    }
    all
}

fn latest_proofs(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut all = vec![rule("Latest proofs", theme, width)];
    let rows = Rows {
        rows: &view.latest_proofs,
        selected: None,
        style: |row, theme| proof_style(row, theme),
        none: "none has ended yet",
    };
    all.extend(table(proof_columns(), &rows, theme, width, height.saturating_sub(1)));
    all
}

fn events(view: &View, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut all = vec![rule("Events, newest first", theme, width)];
    if view.events.is_empty() {
        all.push(Line::styled("nothing has happened yet", theme.dim()));
    }
    all.extend(view.events.iter().take(height.saturating_sub(1)).map(|event| event_line(event, theme, width)));
    all
}
