//! One validator, one actor, one proof: everything that is known of it.

use super::lists::{actor_style, failure, state_style};
use super::{Theme, rule, wrap};
use crate::monitor::screen::{Detail, Screen};
use crate::monitor::shown::{ago, clock};
use crate::monitor::view::{ActorView, ValidatorView, View};
use crate::text::{grouped, span};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Lines that one long text may take.
const WRAP_MAX: usize = 12;

pub fn lines(
    view: &View,
    screen: &Screen,
    detail: &Detail,
    theme: Theme,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    let row = |node_id: &str| view.validators.iter().find(|row| row.node_id == node_id);
    let (title, all) = match detail {
        Detail::Validator(node_id) => {
            (format!("Validator {node_id}"), row(node_id).map(|row| validator(view, row, theme, width)))
        }
        Detail::Actor { node_id, actor } => {
            let found = row(node_id).and_then(|row| row.actors.iter().find(|one| one.name == *actor));
            (format!("Actor {actor} of {node_id}"), found.map(|actor| one_actor(view, actor, theme, width)))
        }
        Detail::Proof { id, lines } => (format!("Proof {id}"), Some(proof(lines.as_deref(), width, theme))),
    };
    let all = all.unwrap_or_else(|| vec![Line::styled("it is not there any more", theme.warn())]);
    let room = height.saturating_sub(1);
    let first = screen.scroll.min(all.len().saturating_sub(room));
    let more = if all.len() > room {
        format!(", lines {} to {} of {}", first + 1, (first + room).min(all.len()), all.len())
    } else {
        String::new()
    };
    let mut shown = vec![rule(&format!("{title}{more}"), theme, width)];
    shown.extend(all.into_iter().skip(first).take(room));
    shown
}

fn field(name: &str, value: impl Into<String>, style: Style, width: usize) -> Vec<Line<'static>> {
    let lines = wrap(&value.into(), width.saturating_sub(16).max(10), WRAP_MAX);
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    names
        .zip(lines)
        .map(|(name, line)| Line::from(vec![Span::raw(format!("{name:<15} ")), Span::styled(line, style)]))
        .collect()
}

fn validator(view: &View, row: &ValidatorView, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let plain = Style::new();
    let mut all = Vec::new();
    let why = row.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    all.extend(field("State", format!("{}{why}", row.state), state_style(row, theme), width));
    let answered = row.answered_ms.map(|at| format!("{} ({})", clock(at), ago(view.time_ms, at)));
    all.extend(field(
        "Last answer",
        answered.unwrap_or_else(|| "not monitored: seen by its peers only".into()),
        plain,
        width,
    ));
    let address = row.address.clone().unwrap_or_else(|| "unknown; --nodes adds it".into());
    all.extend(field("HTTP", address, plain, width));
    let share = match view.network.total_stake {
        0 => String::new(),
        total => format!(" of {} ({:.1}%)", grouped(total), row.stake as f64 * 100.0 / total as f64),
    };
    all.extend(field("Stake", format!("{}{share}", grouped(row.stake)), plain, width));
    let leads = if row.is_leader { ", which it leads" } else { "" };
    all.extend(field("Block, view", format!("{}, {}{leads}", number(row.sequence), number(row.view)), plain, width));
    all.extend(field("Rounds", format!("{}, rank {}", number(row.rounds), row.rank), plain, width));
    let accuracy = match (row.accuracy, row.checked) {
        (Some(accuracy), Some(checked)) => format!("{:.1}% of its last {checked} checks", accuracy * 100.0),
        (_, _) => "-".into(),
    };
    all.extend(field("Accuracy", accuracy, plain, width));
    let rewards = row.rewards_tokens.map_or_else(|| "-".into(), |tokens| format!("{tokens:.6} tokens"));
    all.extend(field("Rewards", rewards, plain, width));
    all.extend(field("Pending proofs", number(row.pending_proofs), plain, width));
    all.extend(actors(view, row, theme, width));
    all.extend(peers(row, theme, width));
    all
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "-".into(), grouped)
}

fn actors(view: &View, row: &ValidatorView, theme: Theme, width: usize) -> Vec<Line<'static>> {
    if row.actors.is_empty() {
        return Vec::new();
    }
    let title = format!("Actors, {} restarts since its process started", number(row.restarts));
    let mut all = vec![Line::default(), Line::styled(title, theme.title())];
    for actor in &row.actors {
        let text = format!(
            "{:<16} {:<8} {:>3} restarts, {} waiting  {}",
            actor.name,
            actor.state,
            actor.restarts,
            actor.waiting_messages,
            failure(actor, view.time_ms)
        );
        let style = actor_style(actor, view.time_ms, theme);
        all.extend(wrap(&text, width, 3).into_iter().map(|line| Line::from(Span::styled(line, style))));
    }
    all
}

fn peers(row: &ValidatorView, theme: Theme, width: usize) -> Vec<Line<'static>> {
    if row.peers.is_empty() {
        return Vec::new();
    }
    let connected = row.peers.iter().filter(|peer| peer.connected).count();
    let mut all = vec![
        Line::default(),
        Line::styled(format!("Peers: {connected} of {} connected", row.peers.len()), theme.title()),
    ];
    // The validator that is missing is looked for.
    let mut sorted: Vec<_> = row.peers.iter().collect();
    sorted.sort_by_key(|peer| peer.connected);
    for peer in sorted {
        let mut text = format!(
            "{:<16} {:<13} {}",
            peer.node_id,
            if peer.connected { "connected" } else { "not connected" },
            peer.address.as_deref().unwrap_or("-")
        );
        text.extend(peer.round_trip_ms.filter(|_| peer.connected).map(|ms| format!(", round trip {ms:.2} ms")));
        if peer.faults > 0 {
            text.push_str(&format!(", broke {} rules", peer.faults));
        }
        text.extend(peer.last_error.as_ref().map(|error| format!(", {error}")));
        let style = if peer.connected { Style::new() } else { theme.bad() };
        all.extend(wrap(&text, width, 3).into_iter().map(|line| Line::from(Span::styled(line, style))));
    }
    all
}

fn one_actor(view: &View, actor: &ActorView, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let plain = Style::new();
    let mut all = Vec::new();
    all.extend(field("State", actor.state.clone(), actor_style(actor, view.time_ms, theme), width));
    all.extend(field("Supervisor", actor.supervisor.clone(), plain, width));
    all.extend(field("Incarnation", actor.incarnation.to_string(), plain, width));
    let reasons =
        if actor.restarts_by_reason.is_empty() { String::new() } else { format!(": {}", actor.restarts_by_reason) };
    all.extend(field("Restarts", format!("{}{reasons}", actor.restarts), plain, width));
    let (waiting, most) = (actor.waiting_messages, actor.waiting_messages_max);
    all.extend(field("Mailbox", format!("{waiting} of at most {most} messages"), plain, width));
    all.extend(field("Handling", actor.handling.clone().unwrap_or_else(|| "nothing".into()), plain, width));
    all.extend(field("Up for", actor.uptime_ms.map_or_else(|| "-".into(), span), plain, width));
    let last = failure(actor, view.time_ms);
    all.extend(field("Last failure", if last.is_empty() { "none".into() } else { last }, plain, width));
    all
}

fn proof(lines: Option<&[String]>, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let Some(lines) = lines else { return vec![Line::styled("the node is asked where it is", theme.dim())] };
    lines.iter().flat_map(|line| wrap(line, width, WRAP_MAX)).map(Line::raw).collect()
}
