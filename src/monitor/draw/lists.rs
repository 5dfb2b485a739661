//! The views that are a list each, and the keys.

use super::table::{Column, Rows, lines, range};
use super::{Theme, cut, rule, wrap};
use crate::monitor::alerts::Severity;
use crate::monitor::events::{Event, Kind};
use crate::monitor::screen::Screen;
use crate::monitor::shown::{ago, clock, days, short};
use crate::monitor::view::{ActorView, ProofView, ValidatorView, View};
use crate::text::{grouped, span};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "-".into())
}

pub fn state_style(row: &ValidatorView, theme: Theme) -> Style {
    match row.state {
        "ok" | "connected" => Style::new(),
        "silent" | "gone" | "invalid" => theme.bad(),
        _ => theme.warn(),
    }
}

type Row<'a> = &'a ValidatorView;

pub fn validator_columns<'a>(name_width: usize) -> Vec<Column<Row<'a>>> {
    let column = |title, width, right, spare, text: fn(&Row<'a>) -> String| Column { title, width, right, spare, text };
    vec![
        column("RANK", 4, true, 1, |row| row.rank.to_string()),
        column("NODE", name_width, false, 0, |row| {
            if row.is_leader { format!("{} *", row.node_id) } else { row.node_id.clone() }
        }),
        column("STATE", 9, false, 0, |row| row.state.to_owned()),
        column("ROUNDS", 8, true, 0, |row| or_dash(row.rounds.map(grouped))),
        column("ACCURACY", 8, true, 2, |row| or_dash(row.accuracy.map(|accuracy| format!("{:.1}%", accuracy * 100.0)))),
        column("REWARDS", 10, true, 3, |row| or_dash(row.rewards_tokens.map(|tokens| format!("{tokens:.2}")))),
        column("STAKE", 10, true, 6, |row| grouped(row.stake)),
        column("BLOCK", 9, true, 4, |row| or_dash(row.sequence.map(grouped))),
        column("VIEW", 9, true, 8, |row| or_dash(row.view.map(grouped))),
        column("PEERS", 5, true, 7, |row| or_dash(row.connected_peers.map(|count| count.to_string()))),
        column("PENDING", 7, true, 9, |row| or_dash(row.pending_proofs.map(grouped))),
        column("RESTARTS", 8, true, 5, |row| or_dash(row.restarts.map(grouped))),
        column("WHY", 20, false, 10, |row| row.why.clone().unwrap_or_default()),
    ]
}

/// Wide enough for the names there are, with the mark of the leader.
pub fn name_width(view: &View) -> usize {
    view.validators.iter().map(|row| row.node_id.len() + 2).max().unwrap_or(0).clamp(8, 24)
}

pub fn validators(view: &View, screen: &Screen, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let sorted = screen.validators(view);
    let accuracy = "Accuracy: of its own last 1,000 checks. Rewards: tokens since the genesis.";
    let notes = [rounds_note(view).as_str(), accuracy].map(|note| wrap(note, width, 2)).concat();
    let room = height.saturating_sub(notes.len() + 2);
    let range = range(sorted.len(), screen.selected(view), room);
    let title = format!("Validators by {}{range}; * leads the view", screen.sort.title());
    let mut all = vec![rule(&title, theme, width)];
    let rows = Rows {
        rows: &sorted,
        selected: Some(screen.selected(view)),
        style: |row, theme| state_style(row, theme),
        none: "none is known yet",
    };
    all.extend(lines(validator_columns(name_width(view)), &rows, theme, width, room));
    all.push(Line::default());
    all.extend(notes.into_iter().map(|line| Line::styled(line, theme.dim())));
    all
}

/// What the rounds are of.
pub fn rounds_note(view: &View) -> String {
    match (view.rounds_since_ms, &view.told_by) {
        (Some(since), Some(by)) => format!("Rounds: blocks with its vote since {by} started, {}.", days(since)),
        (_, _) => "Rounds: no node reports them (metrics.enabled).".into(),
    }
}

struct ActorRow<'a> {
    node: &'a ValidatorView,
    actor: &'a ActorView,
    now: u64,
}

pub fn actors(view: &View, screen: &Screen, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let column =
        |title, width, right, spare, text: fn(&ActorRow<'_>) -> String| Column { title, width, right, spare, text };
    let columns = vec![
        column("NODE", name_width(view), false, 0, |row| row.node.node_id.clone()),
        column("ACTOR", 16, false, 0, |row| row.actor.name.clone()),
        column("STATE", 8, false, 0, |row| row.actor.state.clone()),
        column("RESTARTS", 8, true, 0, |row| row.actor.restarts.to_string()),
        column("INCARNATION", 11, true, 4, |row| row.actor.incarnation.to_string()),
        column("MAILBOX", 12, true, 3, |row| {
            format!("{} of {}", row.actor.waiting_messages, row.actor.waiting_messages_max)
        }),
        column("UP", 7, true, 2, |row| or_dash(row.actor.uptime_ms.map(span))),
        column("LAST FAILURE", 16, false, 1, |row| failure(row.actor, row.now)),
    ];
    let order = if screen.failures_first { "the newest failure first" } else { "by validator" };
    let listed: Vec<ActorRow<'_>> = screen
        .actors(view)
        .into_iter()
        .map(|(node, index)| ActorRow { node, actor: &node.actors[index], now: view.time_ms })
        .collect();
    let range = range(listed.len(), screen.selected(view), height.saturating_sub(1));
    let title = format!("Actors, {order}{range}; counted since each process started");
    let mut all = vec![rule(&title, theme, width)];
    let style = |row: &ActorRow<'_>, theme: Theme| actor_style(row.actor, row.now, theme);
    let rows = Rows {
        rows: &listed,
        selected: Some(screen.selected(view)),
        style,
        none: "no node has reported its actors yet",
    };
    all.extend(lines(columns, &rows, theme, width, height.saturating_sub(1)));
    all
}

/// A restart is seen for ten seconds.
pub fn actor_style(actor: &ActorView, now: u64, theme: Theme) -> Style {
    if actor.state == "unknown" {
        theme.dim()
    } else if actor.state != "running" {
        theme.bad()
    } else if actor.seen_restarted_ms.is_some_and(|at| now.saturating_sub(at) < 10_000) {
        theme.warn()
    } else {
        Style::new()
    }
}

pub fn failure(actor: &ActorView, now: u64) -> String {
    match (&actor.last_failure, actor.last_failure_ms) {
        (Some(text), Some(at)) => format!("{}: {text}", ago(now, at)),
        (_, _) => String::new(),
    }
}

pub fn proof_columns() -> Vec<Column<ProofView>> {
    let column =
        |title, width, right, spare, text: fn(&ProofView) -> String| Column { title, width, right, spare, text };
    vec![
        column("AT", 8, false, 0, |row| clock(row.ended_ms)),
        column("PROOF", 12, false, 0, |row| short(&row.proof).to_owned()),
        column("BLOCK", 9, true, 0, |row| row.block.map_or_else(|| row.state.to_owned(), grouped)),
        column("DIFFICULTY", 12, true, 2, |row| or_dash(row.difficulty.map(grouped))),
        column("SIGNED BY STAKE, OR WHY REFUSED", 22, false, 1, |row| {
            match (&row.refusal, row.signed_stake, row.total_stake) {
                (Some(why), _, _) => why.clone(),
                (None, Some(signed), Some(total)) => format!("{} of {}", grouped(signed), grouped(total)),
                (None, _, _) => "-".into(),
            }
        }),
    ]
}

/// What is refused is seen.
pub fn proof_style(row: &ProofView, theme: Theme) -> Style {
    if row.refusal.is_some() { theme.warn() } else { Style::new() }
}

pub fn proofs(view: &View, screen: &Screen, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let by = view.blocks_told_by.as_ref().map_or(String::new(), |by| format!(", by {by}"));
    let range = range(view.latest_proofs.len(), screen.selected(view), height.saturating_sub(1));
    let titles =
        [format!("Final and refused proofs{range}{by}; Enter shows one in full"), format!("Latest proofs{range}")];
    let title = titles.iter().find(|title| title.len() + 6 <= width).unwrap_or(&titles[1]);
    let mut all = vec![rule(title, theme, width)];
    let rows = Rows {
        rows: &view.latest_proofs,
        selected: Some(screen.selected(view)),
        style: |row, theme| proof_style(row, theme),
        none: "none has ended yet; / looks any proof up by its id",
    };
    all.extend(lines(proof_columns(), &rows, theme, width, height.saturating_sub(1)));
    all
}

pub fn event_style(kind: Kind, theme: Theme) -> Style {
    match kind {
        Kind::Block => theme.dim(),
        Kind::Back => theme.good(),
        Kind::Notice => Style::new(),
        Kind::ViewChange | Kind::Restart | Kind::Refused => theme.warn(),
        Kind::Gone => theme.bad(),
    }
}

pub fn event_line(event: &Event, theme: Theme, width: usize) -> Line<'static> {
    let text = cut(&format!("{} {}", clock(event.at_ms), event.text), width);
    Line::from(Span::styled(text, event_style(event.kind, theme)))
}

pub fn events(view: &View, screen: &Screen, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let range = range(view.events.len(), screen.selected(view), height);
    let mut all = vec![rule(&format!("Events since the monitor started, newest first{range}"), theme, width)];
    if view.events.is_empty() {
        all.push(Line::styled("nothing has happened yet", theme.dim()));
    }
    let selected = screen.selected(view);
    let room = height.saturating_sub(1);
    let first = super::table::first_row(view.events.len(), selected, room);
    for (index, event) in view.events.iter().enumerate().skip(first).take(room) {
        let mut line = event_line(event, theme, width);
        if index == selected {
            line = line.patch_style(theme.selected());
        }
        all.push(line);
    }
    all
}

pub fn alerts(view: &View, screen: &Screen, theme: Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    let from = match (screen.selected(view), view.alerts.len()) {
        (0, _) => String::new(),
        (selected, count) => format!(", from {} of {count}", selected + 1),
    };
    let mut all = vec![rule(&format!("Alerts, the most severe first{from}"), theme, width)];
    if view.alerts.is_empty() {
        all.push(Line::styled("none: everything that is asked is well", theme.good()));
    }
    if let Some(what) = &view.what_to_do {
        let by = view.told_by.as_deref().unwrap_or("a node");
        all.extend(wrap(&format!("What to do, says {by}: {what}"), width, 4).into_iter().map(Line::raw));
        all.push(Line::default());
    }
    for (index, alert) in view.alerts.iter().enumerate().skip(screen.selected(view)) {
        let style = if alert.severity == Severity::Critical { theme.bad() } else { theme.warn() };
        let style = if index == screen.selected(view) { style.patch(theme.selected()) } else { style };
        let since = format!("since {} ({})", clock(alert.since_ms), ago(view.time_ms, alert.since_ms));
        // The whole text, on as many lines as it takes.
        let text = wrap(&format!("{since}: {}", alert.text), width.saturating_sub(2), 4);
        for (line, lead) in text.into_iter().zip(["", "  ", "  ", "  "]) {
            all.push(Line::from(Span::styled(format!("{lead}{line}"), style)));
        }
        if all.len() >= height {
            break;
        }
    }
    all
}

pub fn help(theme: Theme, width: usize) -> Vec<Line<'static>> {
    let mut all = vec![rule("Keys", theme, width)];
    for (keys, what) in [
        ("1 … 6, Tab", "the views: overview, validators, actors, proofs, events, alerts"),
        ("↑ ↓, j k", "select a row, or scroll what is looked into"),
        ("PgUp PgDn", "ten rows at once"),
        ("Home End, g G", "the first and the last row"),
        ("Enter", "look into a validator and its actors, an actor, a proof"),
        ("Esc", "back"),
        ("s", "sort by the next column: validators and actors"),
        ("r", "turn the order round"),
        ("/", "look a proof up by its id, final or refused; pasting it works, too"),
        ("Ctrl-L", "draw everything again"),
        ("Ctrl-Z", "stop; the shell's fg goes on"),
        ("?", "this list"),
        ("q, Ctrl-C", "quit"),
    ] {
        let line =
            vec![Span::styled(format!("  {keys:<14}"), theme.title()), Span::raw(cut(what, width.saturating_sub(16)))];
        all.push(Line::from(line));
    }
    all.push(Line::default());
    all.push(Line::styled("  Times are UTC. Colours: red is bad, yellow is to be looked at.", theme.dim()));
    all
}
