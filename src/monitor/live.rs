//! The loop of the live screen: answers, keys and signals come in through one channel, and a frame goes out when something
//! changed.
//!
//! Must never: ask a node on this thread, or keep the terminal after a signal.

use super::asking::{self, Clock};
use super::draw::{self, Theme};
use super::facts::{Report, cut};
use super::model::Model;
use super::screen::{Action, Screen};
use super::target::Target;
use super::terminal::{self, Terminal};
use super::view::View;
use super::{Plan, pairs};
use crate::client::{Client, Silence};
use crate::exit::{Exit, Failure, Outcome};
use crate::proof_view;
use crate::text::short_id;
use protocol::types::Millis;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// At least so long between two frames that nobody asked for by a key.
const FRAME_MIN: Duration = Duration::from_millis(200);
/// At least so often, for what follows from the time alone.
const FRAME_MAX: Duration = Duration::from_secs(1);
/// How long a proof's place is waited for.
const PROOF_DEADLINE: Duration = Duration::from_secs(10);
/// After a signal, for a loop that hangs on a terminal that takes nothing.
const FAREWELL: Duration = Duration::from_secs(2);
/// Lines of what a node says of a proof, and characters in each.
const PROOF_LINES_MAX: usize = 200;
const PROOF_LINE_MAX: usize = 300;

enum Message {
    Report(Report),
    Input(Event),
    /// What a node said of a proof.
    Proof {
        id: String,
        lines: Vec<String>,
    },
    /// A signal, or a terminal that has gone.
    End,
}

impl From<Report> for Message {
    fn from(report: Report) -> Message {
        Message::Report(report)
    }
}

pub fn run(plan: Plan) -> Outcome {
    let clock = Clock::start();
    let (to, messages) = channel();
    let theme = Theme::of_environment(plan.ascii);
    hear_signals(to.clone())?;
    let terminal = Terminal::enter()?;
    let keys = to.clone();
    std::thread::spawn(move || read_keys(&keys));
    let lead = asking::start(&plan.targets, plan.interval, clock, &to);
    let interval = Millis(u64::try_from(plan.interval.as_millis()).unwrap_or(u64::MAX));
    let model = Model::new(pairs(&plan.targets), clock.now()).looking_every(interval);
    let mut live = Live { plan, clock, theme, terminal, lead, to, model, screen: Screen::default() };
    let ended = live.run(&messages);
    // Before anything is printed.
    drop(live);
    ended.map_err(|error| Failure::new(Exit::Internal, format!("the terminal has gone: {error}")))
}

struct Live {
    plan: Plan,
    clock: Clock,
    theme: Theme,
    terminal: Terminal,
    lead: asking::SharedLead,
    to: Sender<Message>,
    model: Model,
    screen: Screen,
}

impl Live {
    fn run(&mut self, messages: &Receiver<Message>) -> io::Result<Exit> {
        let mut view = self.draw()?;
        let (mut drawn, mut changed) = (Instant::now(), false);
        while terminal::is_ours() {
            let until = drawn + if changed { FRAME_MIN } else { FRAME_MAX };
            match messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Report(report)) => {
                    self.model.take(report);
                    changed = true;
                    if drawn.elapsed() < FRAME_MIN {
                        continue;
                    }
                }
                Ok(Message::Input(input)) => match self.on_input(&input, &view) {
                    Action::Quit => return Ok(Exit::Fine),
                    Action::Suspend => self.terminal.suspend()?,
                    Action::Redraw => self.terminal.redraw()?,
                    Action::Ask(id) => self.ask_proof(id),
                    Action::Nothing => {}
                },
                Ok(Message::Proof { id, lines }) => self.screen.on_proof(&id, lines),
                Ok(Message::End) => return Ok(Exit::Fine),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            view = self.draw()?;
            (drawn, changed) = (Instant::now(), false);
        }
        // A thread panicked, and its message stands on the terminal.
        Ok(Exit::Internal)
    }

    fn draw(&mut self) -> io::Result<View> {
        let now = self.clock.now();
        self.model.tick(now);
        *self.lead.lock() = self.model.lead();
        let view = View::of(&self.model, now);
        let (screen, theme, interval) = (&self.screen, self.theme, self.plan.interval);
        self.terminal.screen.draw(|frame| draw::draw(frame, &view, screen, theme, interval))?;
        Ok(view)
    }

    fn on_input(&mut self, input: &Event, view: &View) -> Action {
        match input {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.screen.on_key(*key, view),
            Event::Paste(text) => self.screen.on_paste(text),
            // The next frame has the new size.
            _ => Action::Nothing,
        }
    }

    /// Asks the node that speaks for all, else any one.
    fn ask_proof(&self, id: String) {
        let any = self.model.nodes.iter().position(|node| node.answers());
        let target = self.plan.targets[self.model.primary.or(any).unwrap_or(0)].clone();
        let name = self.model.nodes[self.model.primary.or(any).unwrap_or(0)].name.clone();
        let to = self.to.clone();
        std::thread::spawn(move || {
            let lines = proof_lines(&target, &name, &id);
            // The program may have ended.
            _ = to.send(Message::Proof { id, lines });
        });
    }
}

fn proof_lines(target: &Target, name: &str, id: &str) -> Vec<String> {
    let client = Client::with_deadline(name, &target.address, PROOF_DEADLINE);
    let lines = match client.ask(&format!("/v1/proofs/{id}")) {
        Ok(Ok(value)) => {
            let mut lines = vec![proof_view::line(&format!("{} at {name}", short_id(id)), &value), String::new()];
            lines.extend(proof_view::details(&value, name));
            lines
        }
        Ok(Err(refusal)) => vec![format!("{name}: {}", refusal.message)],
        Err(Silence::Refused) => vec![format!("{name} does not run")],
        Err(_) => vec![format!("{name} does not answer")],
    };
    let lines = lines.iter().flat_map(|line| line.split('\n')).take(PROOF_LINES_MAX);
    lines.map(|line| cut(line, PROOF_LINE_MAX)).collect()
}

fn read_keys(to: &Sender<Message>) {
    while let Ok(input) = event::read() {
        if to.send(Message::Input(input)).is_err() {
            return;
        }
    }
    _ = to.send(Message::End);
}

/// Ends the loop at SIGTERM, SIGINT and SIGHUP, and the process soon after, should the loop hang.
fn hear_signals(to: Sender<Message>) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::new(Exit::Internal, format!("cannot hear signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failure)?;
    let signals = {
        let _inside = runtime.enter();
        [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal)
    };
    let [terminate, interrupt, hangup] = signals;
    let (mut terminate, mut interrupt, mut hangup) =
        (terminate.map_err(failure)?, interrupt.map_err(failure)?, hangup.map_err(failure)?);
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        _ = to.send(Message::End);
        std::thread::sleep(FAREWELL);
        terminal::give_back_modes();
        std::process::exit(Exit::Fine as i32);
    });
    Ok(())
}
