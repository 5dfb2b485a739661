//! `pop monitor-network`: what a network's nodes say of themselves, gathered, judged and shown.
//!
//! Nothing here is part of the network: it asks what anybody may ask, and changes nothing. Must never: let a node that does
//! not answer hold up the others, or print what a node wrote without [`facts`] having bounded it.
//!
//! | file | owns |
//! |---|---|
//! | [`target`] | which nodes |
//! | [`asking`] | the threads that ask them; the only place with a network |
//! | [`facts`], [`metrics`] | what an answer says; hostile |
//! | [`model`], [`events`], [`alerts`], [`figures`] | what follows from the answers; pure |
//! | [`view`] | what is shown, in whatever form; pure |
//! | [`once`], [`graph`], [`shown`] | the text screen, and how values are written; pure |
//! | [`screen`], [`draw`] | what keys do, and how the terminal's screen is drawn; pure |
//! | [`live`], [`terminal`] | the loop over answers, keys and signals; the terminal, and that it is left as it was |

mod alerts;
mod asking;
mod draw;
mod events;
mod facts;
mod figures;
mod graph;
mod live;
mod metrics;
mod model;
mod once;
mod screen;
mod shown;
mod target;
mod terminal;
mod view;

pub use target::{Target, named, of_network};

use crate::exit::{Exit, Failure, Outcome};
use crate::say;
use asking::Clock;
use facts::{Answer, Report, Trouble};
use model::{Model, Reach};
use std::io::Write;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use view::View;

/// Until one look at all nodes is over, also if some have not answered.
const ONCE_DEADLINE: Duration = Duration::from_millis(2_800);

/// Nodes that one look asks for blocks, one after the other, if they turn out to lie.
const TELLERS_MAX: usize = 3;

/// In which form the network is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// On a terminal, until it is ended.
    Live,
    Text,
    Json,
}

#[derive(Debug)]
pub struct Plan {
    pub targets: Vec<Target>,
    pub interval: Duration,
    pub form: Form,
    pub ascii: bool,
}

/// # Errors
/// If there is no terminal to draw on.
pub fn run(plan: Plan) -> Outcome {
    let view = match plan.form {
        Form::Live => return live::run(plan),
        Form::Text | Form::Json => look(&plan.targets),
    };
    if plan.form == Form::Json {
        let json = serde_json::to_string_pretty(&view).map_err(Failure::with(Exit::Internal))?;
        say!("{json}");
    } else {
        // A reader that has gone is no fault.
        _ = std::io::stdout().lock().write_all(once::screen(&view, plan.ascii).as_bytes());
    }
    Ok(if view.network.active_nodes == 0 { Exit::Unreachable } else { Exit::Fine })
}

/// One look at every node.
fn look(targets: &[Target]) -> View {
    let clock = Clock::start();
    let mut model = Model::new(pairs(targets), clock.now());
    let (to, reports) = channel();
    asking::once(targets, clock, &to);
    drop(to);
    let until = Instant::now() + ONCE_DEADLINE;
    // Ends with the last thread, or when it is time.
    while let Ok(report) = reports.recv_timeout(until.saturating_duration_since(Instant::now())) {
        model.take(report);
    }
    for node in (0..targets.len()).filter(|node| model.nodes[*node].reach == Reach::Unasked).collect::<Vec<_>>() {
        let answer = Answer::Status(Box::new(Err(Trouble::NotReached)));
        model.take(Report { node, at: clock.now(), answer });
    }
    model.tick(clock.now());
    // One that tells other blocks than the others have is not asked again.
    for _ in 0..TELLERS_MAX {
        let lead = model.lead();
        let Some(node) = lead.node else { break };
        let target = &targets[node];
        let ended = std::thread::scope(|scope| {
            let ended = scope.spawn(|| asking::ended(target, node, clock));
            asking::history(target, node, lead.sequence, clock).into_iter().for_each(|report| model.take(report));
            ended.join().unwrap_or_default()
        });
        ended.into_iter().for_each(|report| model.take(report));
        model.tick(clock.now());
        if model.lead().generation == lead.generation {
            break;
        }
    }
    View::of(&model, clock.now())
}

fn pairs(targets: &[Target]) -> Vec<(String, String)> {
    targets.iter().map(|target| (target.name.clone(), target.address.clone())).collect()
}

/// Whether the terminal's locale, where one is set, takes more than ASCII.
pub fn is_utf8_locale() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
