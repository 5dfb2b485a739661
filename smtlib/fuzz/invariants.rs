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

/// A debug build takes some twenty times as long.
const SLOWNESS: u32 = if cfg!(debug_assertions) { 20 } else { 1 };

/// Checks one input.
///
/// # Errors
/// With what does not hold, for a person.
pub fn check(script: &[u8], limits: &Limits) -> Result<(Outcome, Cost), String> {
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
fn within(script: &[u8], cost: Cost) -> Result<(), String> {
    let kilobytes = script.len() as u32 / 1_000;
    let time = (Duration::from_millis(100) + Duration::from_millis(1) * kilobytes) * SLOWNESS;
    if cost.time > time {
        return Err(format!("{} bytes took {:?}, more than {time:?}", script.len(), cost.time));
    }
    let bytes = (16 << 20) + 400 * script.len();
    if cost.bytes > bytes {
        return Err(format!("{} bytes took {} bytes of memory, more than {bytes}", script.len(), cost.bytes));
    }
    Ok(())
}

fn refused(script: &[u8], error: &Error) -> Result<(), String> {
    // Split as the errors count: LF, CR, or CR LF end a line.
    let text = String::from_utf8_lossy(script).replace("\r\n", "\n").replace('\r', "\n");
    let Some(line) = text.split('\n').nth(error.line as usize - 1) else {
        return Err(format!("an error in line {}, of {} lines", error.line, text.split('\n').count()));
    };
    // A byte that is no text may stand for several characters here and for one there.
    if std::str::from_utf8(script).is_ok() && error.column as usize > line.chars().count() + 1 {
        return Err(format!("an error in column {} of a line of {}", error.column, line.chars().count()));
    }
    let words = error.to_string();
    if words.len() > 1_000 || words.chars().any(char::is_control) {
        return Err(format!("an error that is no line for a person: {words:?}"));
    }
    Ok(())
}

fn accepted(script: &[u8], normalised: &Normalised, limits: &Limits) -> Result<(), String> {
    let text = &normalised.text;
    // A renamed name grows by a few characters, and names that are implied are paid for out of four million.
    if text.len() > 4_000_000 + 4 * script.len() {
        return Err(format!("{} bytes are written as {}", script.len(), text.len()));
    }
    let tree = parse(text.as_bytes(), limits).map_err(|error| format!("its own text is no text: {error}\n{text}"))?;
    fit_for_a_solver(&tree)?;
    identity(&tree, limits)?;
    if &print(&tree) != text {
        return Err(format!("its text is not printed from a tree:\n{text}"));
    }
    let again =
        normalise(text.as_bytes(), limits).map_err(|error| format!("its own text is refused: {error}\n{text}"))?;
    if &again.text != text || again.assumptions != normalised.assumptions || !again.options.is_empty() {
        return Err(format!("once:\n{text}\ntwice:\n{}", again.text));
    }
    let logic = text.get(..normalised.logic_bytes).unwrap_or("?");
    let expected = normalised.logic.as_ref().map_or(String::new(), |logic| format!("(set-logic {logic})\n"));
    if logic != expected {
        return Err(format!("not its logic: {logic:?}\n{text}"));
    }
    Ok(())
}

/// Only commands that are known to give no output, change no option and read no file; one check, and that the last.
fn fit_for_a_solver(tree: &Tree) -> Result<(), String> {
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
            return Err(format!("{name} stands in the text that the solver is given"));
        }
    }
    if commands.is_empty() { Err("nothing is asked".to_owned()) } else { Ok(()) }
}

fn identity(tree: &Tree, limits: &Limits) -> Result<(), String> {
    let text = print(tree);
    // Printing may add a space where a comment or nothing stood, and with it bytes; nothing else that is counted.
    let limits = Limits { bytes_max: u64::MAX, ..limits.clone() };
    match parse(text.as_bytes(), &limits) {
        Ok(again) if again == *tree => Ok(()),
        Ok(_) => Err(format!("read again it is another tree: {text:?}")),
        Err(error) => Err(format!("printed, it is no text: {error}: {text:?}")),
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
