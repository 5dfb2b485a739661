//! The live screen: first line, views and the keys below, laid out for the size that there is.
//!
//! Pure: a view and what is looked at become a frame. Must never: show a part of a number; what has no room is left out whole,
//! or its row is cut with a mark.

mod detail;
mod lists;
mod overview;
mod table;

use super::screen::{Screen, Tab};
use super::shown::{ascii, clock};
use super::view::{Health, View};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use std::time::Duration;

/// A smaller screen shows the first line alone.
const WIDTH_MIN: u16 = 40;
const HEIGHT_MIN: u16 = 10;
/// From here on there is room for advice.
const TALL: u16 = 30;

/// How things are drawn on this terminal.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    colours: bool,
    pub ascii: bool,
}

impl Theme {
    /// Without colours if `NO_COLOR` is set to something.
    pub fn of_environment(ascii: bool) -> Theme {
        Theme { colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()), ascii }
    }

    fn colour(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    pub fn warn(self) -> Style {
        self.colour(Color::Yellow).add_modifier(if self.colours { Modifier::empty() } else { Modifier::BOLD })
    }

    pub fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub fn graph(self) -> Style {
        self.colour(Color::Cyan)
    }

    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub fn dim(self) -> Style {
        // Dim text is unreadable on some terminals without colours.
        if self.colours { Style::new().fg(Color::DarkGray) } else { Style::new() }
    }

    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub fn health(self, health: Health) -> Style {
        match health {
            Health::Healthy => self.good().add_modifier(Modifier::BOLD),
            Health::Degraded | Health::Starting => self.warn().add_modifier(Modifier::BOLD),
            Health::Halted | Health::Unreachable => self.bad(),
        }
    }
}

pub fn draw(frame: &mut Frame<'_>, view: &View, screen: &Screen, theme: Theme, interval: Duration) {
    let area = frame.area();
    let rows_max = if area.height >= TALL { 3 } else { 2 };
    let sentence = wrap(&view.sentence, area.width.into(), rows_max);
    let mut first: Vec<Line<'static>> =
        sentence.into_iter().map(|line| Line::styled(line, theme.health(view.health))).collect();
    // A small screen has room for it when there is little else to show; the alerts have it, too.
    let has_room = area.height >= TALL || view.health == Health::Unreachable && area.height >= 20;
    if let Some(what) = view.what_to_do.as_ref().filter(|_| has_room) {
        first.extend(wrap(&format!("What to do: {what}"), area.width.into(), 2).into_iter().map(Line::raw));
    }
    let head = u16::try_from(first.len()).unwrap_or(1);
    put(frame, area, first);
    if area.width >= WIDTH_MIN && area.height >= HEIGHT_MIN {
        let rest = below(area, head);
        put(frame, rest, vec![tabs(view, screen, theme, rest.width)]);
        let body = Rect { height: rest.height.saturating_sub(2), ..below(rest, 1) };
        let lines = body_of(view, screen, theme, interval, body);
        put(frame, body, lines);
        let foot = Rect { y: area.bottom() - 1, height: 1, ..area };
        put(frame, foot, vec![footer(screen, theme, area.width.into())]);
    } else {
        let rest = below(area, head);
        put(frame, rest, vec![Line::raw(format!("{WIDTH_MIN} x {HEIGHT_MIN} at least, for more"))]);
    }
    if theme.ascii {
        plain_cells(frame);
    }
}

fn body_of(view: &View, screen: &Screen, theme: Theme, interval: Duration, body: Rect) -> Vec<Line<'static>> {
    let (width, height) = (usize::from(body.width), usize::from(body.height));
    if screen.help {
        return lists::help(theme, width);
    }
    if let Some(looked_into) = &screen.detail {
        return detail::lines(view, screen, looked_into, theme, width, height);
    }
    match screen.tab {
        Tab::Overview => overview::lines(view, screen, theme, interval, width, height),
        Tab::Validators => lists::validators(view, screen, theme, width, height),
        Tab::Actors => lists::actors(view, screen, theme, width, height),
        Tab::Proofs => lists::proofs(view, screen, theme, width, height),
        Tab::Events => lists::events(view, screen, theme, width, height),
        Tab::Alerts => lists::alerts(view, screen, theme, width, height),
    }
}

fn tabs(view: &View, screen: &Screen, theme: Theme, width: u16) -> Line<'static> {
    let mut spans = Vec::new();
    for (tab, number) in Tab::ALL.into_iter().zip(1..) {
        let count = match view.alerts.len() {
            0 => String::new(),
            count => format!(" ({count})"),
        };
        let count = if tab == Tab::Alerts { count } else { String::new() };
        let style = match tab {
            _ if tab == screen.tab => theme.selected(),
            Tab::Alerts if !view.alerts.is_empty() => theme.bad(),
            _ => Style::new(),
        };
        if number > 1 {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(format!("{number} {}{count}", tab.title()), style));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let time = clock(view.time_ms);
    let room = usize::from(width).saturating_sub(used);
    if let Some(time) = [format!("{time} UTC"), time].into_iter().find(|time| time.len() + 2 <= room) {
        spans.push(Span::raw(" ".repeat(room - time.len())));
        spans.push(Span::styled(time, theme.dim()));
    }
    Line::from(spans)
}

fn footer(screen: &Screen, theme: Theme, width: usize) -> Line<'static> {
    if let Some(typed) = &screen.typed {
        let note = screen.note.as_deref().unwrap_or("Enter looks it up, Esc cancels");
        return Line::styled(cut(&format!("Id of a proof: {typed}_  ({note})"), width), theme.title());
    }
    if let Some(note) = &screen.note {
        return Line::styled(cut(note, width), theme.title());
    }
    let keys = match (screen.help, &screen.detail) {
        (true, _) => "any key: back  q quit",
        (_, Some(_)) => "Esc back  ↑↓ scroll  1-6 views  / proof by id  ? keys  q quit",
        (_, None) => "? keys  1-6 views  ↑↓ select  Enter look into  s sort  / proof by id  q quit",
    };
    Line::styled(cut(keys, width), theme.dim())
}

/// What cannot be drawn in ASCII becomes what can.
fn plain_cells(frame: &mut Frame<'_>) {
    for cell in &mut frame.buffer_mut().content {
        if !cell.symbol().is_ascii() {
            let plain = ascii(cell.symbol());
            cell.set_symbol(plain.get(..1).unwrap_or(" "));
        }
    }
}

fn put(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    for (line, row) in lines.into_iter().zip(area.top()..area.bottom()) {
        frame.render_widget(line, Rect { y: row, height: 1, ..area });
    }
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// A block's first line: its title in a rule.
fn rule(title: &str, theme: Theme, width: usize) -> Line<'static> {
    let title = cut(title, width.saturating_sub(6));
    let rest = width.saturating_sub(title.chars().count() + 4);
    Line::from(vec![
        Span::styled("── ", theme.dim()),
        Span::styled(title, theme.title()),
        Span::styled(format!(" {}", "─".repeat(rest)), theme.dim()),
    ])
}

/// At most so many characters; a mark stands for the rest.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(width.saturating_sub(1)).collect();
    shown.push('…');
    shown
}

/// Lines of at most so many characters, broken between words; the last one is cut if there are too many.
fn wrap(text: &str, width: usize, lines_max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let length = lines[last].chars().count();
        if length > 0 && length + 1 + word.chars().count() > width && lines.len() < lines_max {
            lines.push(word.to_owned());
        } else {
            if length > 0 {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines.iter().map(|line| cut(line, width)).collect()
}

/// Two blocks beside each other, with a gap of two.
fn beside(left: Vec<Line<'static>>, right: Vec<Line<'static>>, left_width: usize) -> Vec<Line<'static>> {
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    (0..rows)
        .map(|_| {
            let mut spans = clip(left.next().unwrap_or_default(), left_width);
            let used: usize = spans.iter().map(Span::width).sum();
            spans.push(Span::raw(" ".repeat(left_width.saturating_sub(used) + 2)));
            let right = right.next().unwrap_or_default();
            let style = right.style;
            spans.extend(right.spans.into_iter().map(|span| Span::styled(span.content, style.patch(span.style))));
            Line::from(spans)
        })
        .collect()
}

/// The spans of a line, as far as they have room.
fn clip(line: Line<'static>, width: usize) -> Vec<Span<'static>> {
    let style = line.style;
    let mut room = width;
    let mut spans = Vec::new();
    for span in line.spans {
        let text: String = if span.width() <= room { span.content.into_owned() } else { cut(&span.content, room) };
        let span = Span::styled(text, style.patch(span.style));
        room = room.saturating_sub(span.width());
        spans.push(span);
        if room == 0 {
            break;
        }
    }
    spans
}

/// Exactly so many rows.
fn fit(mut lines: Vec<Line<'static>>, rows: usize) -> Vec<Line<'static>> {
    lines.resize(rows, Line::default());
    lines
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Actor, Answer, Block, Entry, Mempool, Peer, Report, Status, Trouble};
    use super::super::model::Model;
    use super::super::screen::Detail;
    use super::*;
    use protocol::types::{Hash, Millis};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    /// A network of a hundred of which some are gone, with actors, alerts and events.
    fn crowd() -> View {
        let names = (1..=100).map(|number| (format!("validator-number_{number}"), format!("127.0.0.1:{number}")));
        let mut model = Model::new(names.collect(), Millis(0));
        let peers: Vec<Peer> = (1..=100)
            .map(|number| Peer {
                node_id: format!("validator-number_{number}"),
                connected: number < 70,
                ..Peer::default()
            })
            .collect();
        for node in 0..60 {
            let status = Status {
                node_id: format!("validator-number_{}", node + 1),
                stake: u64::MAX,
                total_stake: u64::MAX,
                sequence: u64::MAX,
                peers: peers.clone(),
                mempool: Some(Mempool::default()),
                waiting_for: Some("a long reason ".repeat(30)),
                ..Status::default()
            };
            let actor =
                Actor { name: "view_change".into(), state: "down".into(), restarts: u64::MAX, ..Actor::default() };
            for answer in [Answer::Status(Box::new(Ok(status))), Answer::Actors(vec![actor; 7])] {
                model.take(Report { node, at: Millis(5), answer });
            }
        }
        for node in 60..100 {
            model.take(Report { node, at: Millis(9), answer: Answer::Status(Box::new(Err(Trouble::TimedOut))) });
        }
        let entries = vec![Entry { proof: Hash::ZERO, difficulty: u64::MAX }; 300];
        let block = |sequence| Block { sequence, latency_ms: Some(1e12), proofs: entries.clone(), ..Block::default() };
        let blocks = (1..50).map(block).collect();
        model.take(Report { node: 0, at: Millis(9), answer: Answer::Blocks { blocks, live: true } });
        model.tick(Millis(u64::MAX));
        View::of(&model, Millis(u64::MAX))
    }

    #[test]
    fn every_view_is_drawn_at_every_size() {
        let view = crowd();
        let details = [
            None,
            Some(Detail::Validator("validator-number_7".into())),
            Some(Detail::Actor { node_id: "validator-number_7".into(), actor: "view_change".into() }),
            Some(Detail::Proof { id: "ab".repeat(32), lines: Some(vec!["x".repeat(5_000); 50]) }),
        ];
        for (width, height) in [1, 2, 10, 39, 40, 41, 79, 80, 109, 110, 200, 400]
            .into_iter()
            .flat_map(|width| [1, 2, 9, 10, 11, 13, 24, 29, 40, 50, 60, 120].map(|height| (width, height)))
        {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            for detail in &details {
                for tab in Tab::ALL {
                    let screen =
                        Screen { tab, detail: detail.clone(), help: width == 79, scroll: 3, ..Screen::default() };
                    let theme = Theme { colours: width % 2 == 0, ascii: true };
                    let drawn =
                        terminal.draw(|frame| draw(frame, &view, &screen, theme, Duration::from_secs(2))).unwrap();
                    let is_plain = drawn.buffer.content.iter().all(|cell| cell.symbol().is_ascii());
                    assert!(is_plain, "{tab:?} {detail:?} at {width} x {height}");
                }
            }
        }
    }

    #[test]
    fn text_is_broken_between_words_and_cut_at_the_end() {
        assert_eq!(wrap("one two three", 8, 2), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 8, 2), ["one two", "three f…"]);
        assert_eq!(wrap("", 8, 2), [""]);
        assert_eq!(wrap("immeasurable", 5, 3), ["imme…"]);
        assert_eq!((cut("four", 4), cut("fives", 4), cut("x", 0)), ("four".into(), "fiv…".into(), "…".into()));
    }
}
