//! What must hold for every input, whatever it is.
//!
//! - no panic, and no more processor time, memory and stack than its length allows;
//! - an error names a place inside the text, in few words;
//! - what is let through consists of the commands that a solver may see, one check among them;
//! - reading what was printed gives the same tree, and normalising it again changes nothing.
//!
//! Must never: use the normaliser's own words to decide whether its output is fit.

use smtlib::{Error, Kind, Limits, Normalised, Tree, normalise, parse, print};
use std::time::{Duration, Instant};

/// Whether the input was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    Refused,
}

/// What one input cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub time: Duration,
    pub bytes: usize,
}

/// What does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("it panicked")]
    Panicked,
    #[error("{length} bytes took {time:?}, more than {max:?}")]
    Slow { length: usize, time: Duration, max: Duration },
    #[error("{length} bytes took {bytes} bytes of memory, more than {max}")]
    Large { length: usize, bytes: usize, max: usize },
    #[error("an error in line {line}, of {lines} lines")]
    Line { line: u32, lines: usize },
    #[error("an error in column {column} of a line of {characters}")]
    Column { column: u32, characters: usize },
    #[error("an error that is no line for a person: {0:?}")]
    Words(String),
    #[error("{length} bytes are written as {written}")]
    Grown { length: usize, written: usize },
    #[error("its own text is no text: {error}\n{text}")]
    NoText { error: Error, text: String },
    #[error("its text is not printed from a tree:\n{text}")]
    NotPrinted { text: String },
    #[error("its own text is refused: {error}\n{text}")]
    RefusedAgain { error: Error, text: String },
    #[error("once:\n{once}\ntwice:\n{twice}")]
    Unstable { once: String, twice: String },
    #[error("not its logic: {logic:?}\n{text}")]
    OtherLogic { logic: String, text: String },
    #[error("{command} stands in the text that the solver is given")]
    Unfit { command: String },
    #[error("nothing is asked")]
    NothingAsked,
    #[error("read again it is another tree: {text:?}")]
    OtherTree { text: String },
    #[error("printed, it is no text: {error}: {text:?}")]
    Unreadable { error: Error, text: String },
}

/// A debug build takes some twenty times as long.
const SLOWNESS: u32 = if cfg!(debug_assertions) { 20 } else { 1 };

/// Checks one input.
///
/// # Errors
/// With what does not hold.
pub fn check(script: &[u8], limits: &Limits) -> Result<(Outcome, Cost), Broken> {
    let begun = Stopwatch::start();
    let (result, bytes) = super::memory::peak_of(|| normalise(script, limits));
    let cost = Cost { time: begun.elapsed(), bytes };
    within(script, cost)?;
    let outcome = match &result {
        Ok(normalised) => {
            accepted(script, normalised, limits)?;
            Outcome::Accepted
        }
        Err(error) => {
            refused(script, error)?;
            Outcome::Refused
        }
    };
    if let Ok(tree) = parse(script, limits) {
        identity(&tree, limits)?;
    }
    Ok((outcome, cost))
}

/// The bounds have room: most inputs take a hundredth of them.
fn within(script: &[u8], cost: Cost) -> Result<(), Broken> {
    let kilobytes = script.len() as u32 / 1_000;
    let time = (Duration::from_millis(100) + Duration::from_millis(1) * kilobytes) * SLOWNESS;
    if cost.time > time {
        return Err(Broken::Slow { length: script.len(), time: cost.time, max: time });
    }
    let bytes = (16 << 20) + 400 * script.len();
    if cost.bytes > bytes {
        return Err(Broken::Large { length: script.len(), bytes: cost.bytes, max: bytes });
    }
    Ok(())
}

fn refused(script: &[u8], error: &Error) -> Result<(), Broken> {
    // Split as the errors count: LF, CR, or CR LF end a line.
    let text = String::from_utf8_lossy(script).replace("\r\n", "\n").replace('\r', "\n");
    let Some(line) = text.split('\n').nth(error.line as usize - 1) else {
        return Err(Broken::Line { line: error.line, lines: text.split('\n').count() });
    };
    // A byte that is no text may stand for several characters here and for one there.
    if std::str::from_utf8(script).is_ok() && error.column as usize > line.chars().count() + 1 {
        return Err(Broken::Column { column: error.column, characters: line.chars().count() });
    }
    let words = error.to_string();
    if words.len() > 1_000 || words.chars().any(char::is_control) {
        return Err(Broken::Words(words));
    }
    Ok(())
}

fn accepted(script: &[u8], normalised: &Normalised, limits: &Limits) -> Result<(), Broken> {
    let text = &normalised.text;
    // A renamed name grows by a few characters, and names that are implied are paid for out of four million.
    if text.len() > 4_000_000 + 4 * script.len() {
        return Err(Broken::Grown { length: script.len(), written: text.len() });
    }
    let tree = parse(text.as_bytes(), limits).map_err(|error| Broken::NoText { error, text: text.clone() })?;
    fit_for_a_solver(&tree)?;
    identity(&tree, limits)?;
    if &print(&tree) != text {
        return Err(Broken::NotPrinted { text: text.clone() });
    }
    let again =
        normalise(text.as_bytes(), limits).map_err(|error| Broken::RefusedAgain { error, text: text.clone() })?;
    if &again.text != text || again.assumptions != normalised.assumptions || !again.options.is_empty() {
        return Err(Broken::Unstable { once: text.clone(), twice: again.text });
    }
    let logic = text.get(..normalised.logic_bytes).unwrap_or("?");
    let expected = normalised.logic.as_ref().map_or(String::new(), |logic| format!("(set-logic {logic})\n"));
    if logic != expected {
        return Err(Broken::OtherLogic { logic: logic.to_owned(), text: text.clone() });
    }
    Ok(())
}

/// Only commands that are known to give no output, change no option and read no file; one check, and that the last.
fn fit_for_a_solver(tree: &Tree) -> Result<(), Broken> {
    const COMMANDS: [&str; 10] = [
        "declare-datatypes",
        "assert",
        "push",
        "pop",
        "declare-sort",
        "define-sort",
        "declare-fun",
        "define-fun",
        "define-fun-rec",
        "define-funs-rec",
    ];
    let commands: Vec<u32> = tree.top().collect();
    for (index, command) in commands.iter().enumerate() {
        let head = tree.children(*command).next().filter(|head| tree.node(*head).kind == Kind::Symbol);
        let name = head.map_or("no command", |head| tree.text(head));
        let last = index + 1 == commands.len();
        let fit = match name {
            "check-sat" => last,
            "set-logic" => index == 0 && !last,
            name => COMMANDS.contains(&name) && !last,
        };
        if !fit {
            return Err(Broken::Unfit { command: name.to_owned() });
        }
    }
    if commands.is_empty() { Err(Broken::NothingAsked) } else { Ok(()) }
}

fn identity(tree: &Tree, limits: &Limits) -> Result<(), Broken> {
    let text = print(tree);
    // Printing may add a space where a comment or nothing stood, and with it bytes; nothing else that is counted.
    let limits = Limits { bytes_max: u64::MAX, ..limits.clone() };
    match parse(text.as_bytes(), &limits) {
        Ok(again) if again == *tree => Ok(()),
        Ok(_) => Err(Broken::OtherTree { text }),
        Err(error) => Err(Broken::Unreadable { error, text }),
    }
}

/// Processor time of this thread where the system tells it, so that a loaded machine makes nothing look slow.
struct Stopwatch {
    processor: Option<u64>,
    wall: Instant,
}

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch { processor: processor_nanoseconds(), wall: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        match (self.processor, processor_nanoseconds()) {
            (Some(before), Some(now)) => Duration::from_nanos(now.saturating_sub(before)),
            _ => self.wall.elapsed(),
        }
    }
}

fn processor_nanoseconds() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
