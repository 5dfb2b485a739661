//! What a person sees of a run: a line for each block and verdict, a progress line, the report, and where to look next.

use super::account::Progress;
use super::machine::Needed;
use super::report::Report;
use super::site::Site;
use super::{Plan, Task};
use crate::args::program;
use crate::say;
use crate::text::{counted, rfc3339};
use actors::config::CROWD_MIN;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two progress lines where they cannot be overwritten.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// And while a network comes up.
const START_LINE_INTERVAL: Duration = Duration::from_secs(2);
/// Where they can.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// Longer runs are told of first, and so are crowds.
const DURATION_UNNOTED: Duration = Duration::from_secs(3_600);

pub struct Screen {
    terminal: bool,
    tasks: usize,
    until_done: bool,
    drawn: bool,
    last: Instant,
}

impl Screen {
    pub fn new(plan: &Plan) -> Screen {
        Screen {
            terminal: std::io::stdout().is_terminal(),
            tasks: plan.tasks.len(),
            until_done: plan.until_done,
            drawn: false,
            last: Instant::now(),
        }
    }

    pub fn starting(&mut self, plan: &Plan, site: &Site) {
        warnings(plan.nodes, plan.duration, plan.until_done).iter().for_each(|line| say!("Note: {line}"));
        let proofs = match plan.tasks.as_slice() {
            [] => "no proofs".to_owned(),
            [Task { name, .. }] => format!("1 proof ({name})"),
            tasks => format!("{} proofs", tasks.len()),
        };
        let until =
            if plan.until_done { "until each has ended".to_owned() } else { format!("for {}", span(plan.duration)) };
        say!("Testnet: {} validators, {} tokens of stake each, {proofs}, {until}", plan.nodes, plan.stake);
        if let Some(seed) = plan.variants {
            say!("Each submission is a new statement, a variant of one of them: seed {seed}");
        }
        say!("Data and logs: {}", site.folder.display());
    }

    /// Draws how far the start of a network has come, if it is worth a line.
    pub fn coming_up(&mut self, nodes: u16, started: usize, able: usize) {
        if usize::from(nodes) < CROWD_MIN {
            return;
        }
        let line = format!("… {started} of {nodes} validators are started, {able} sign");
        self.draw(line, START_LINE_INTERVAL);
    }

    pub fn started(&mut self, site: &Site, took: Duration, looks_on: Option<&str>) {
        self.clear();
        say!("A quorum is connected after {} ms. Chain {}", took.as_millis(), site.chain);
        if let Some(first) = site.places.first() {
            let pop = program();
            say!("Ask it anything meanwhile: {pop} status --node {}", first.http);
            say!("Or watch all of it: {pop} monitor-network --network {}", site.folder.display());
        }
        looks_on.iter().for_each(|line| say!("{line}"));
        say!();
    }

    pub fn tell(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.clear();
        }
        lines.iter().for_each(|line| say!("{line}"));
    }

    /// Draws the progress line, if it is time.
    pub fn progress(&mut self, progress: &Progress) {
        let line = self.line(progress);
        self.draw(line, LINE_INTERVAL);
    }

    /// Over the last one on a terminal; elsewhere as a line of its own, no more often than that.
    fn draw(&mut self, line: String, line_interval: Duration) {
        let interval = if self.terminal { REDRAW_INTERVAL } else { line_interval };
        if self.last.elapsed() < interval && (self.drawn || !self.terminal) {
            return;
        }
        self.last = Instant::now();
        if !self.terminal {
            return say!("{line}");
        }
        let mut out = std::io::stdout().lock();
        // A terminal that has gone is noticed by nobody else either.
        _ = write!(out, "\r\x1b[K{line}");
        _ = out.flush();
        self.drawn = true;
    }

    fn line(&self, progress: &Progress) -> String {
        let proofs = progress.proofs;
        let ended = proofs.fin + proofs.refused + proofs.not_taken;
        let of = if self.until_done { format!(" of {}", self.tasks) } else { String::new() };
        format!(
            "… {} · {} validators · view {} · block {} · {ended}{of} proofs ended ({} final, {} refused)",
            span(progress.elapsed),
            progress.running,
            progress.view,
            progress.block,
            proofs.fin,
            proofs.refused + proofs.not_taken,
        )
    }

    fn clear(&mut self) {
        if self.drawn {
            let mut out = std::io::stdout().lock();
            _ = write!(out, "\r\x1b[K");
            self.drawn = false;
        }
    }

    pub fn report(&mut self, plan: &Plan, site: &Site, report: &Report) {
        self.clear();
        say!();
        say!("{}", report.brief());
        say!();
        say!("The network is stopped. Where to look next:");
        say!("  {}  this report, with what each part used; docs/TESTNET.md defines each figure", plan.output.display());
        say!("  {}  what each validator logged", site.folder.join("logs").display());
        let pop = program();
        say!("  {pop} check-proof FILE  why a proof is refused, checked on this machine alone");
        say!("  {pop} demo  the same with a network that stays up, a page to look at, and three things to try");
        say!("  README.md, \"By hand\"  a network in terminals of your own, to submit, stop and kill");
    }
}

/// What a run will take that a first user may not have meant.
fn warnings(nodes: u16, duration: Duration, until_done: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if usize::from(nodes) >= CROWD_MIN {
        let memory = Needed::by(nodes).memory_mib.div_ceil(1_024);
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        lines.push(format!(
            "{nodes} validators on this machine take about {memory} GiB of memory and share {}; --nodes 4 is enough to try it",
            counted(processors as u64, "processor", "processors"),
        ));
    }
    if duration > DURATION_UNNOTED && !until_done {
        let ends = SystemTime::now().checked_add(duration).and_then(|end| end.duration_since(UNIX_EPOCH).ok());
        let ends = ends.map_or_else(String::new, |end| format!(", until {}", rfc3339(end.as_millis() as u64)));
        lines.push(format!(
            "it runs for {}{ends}; --duration 10m is shorter, and Ctrl-C ends it with a report",
            span(duration)
        ));
    }
    lines
}

/// A span as people say it.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{:.1} s", span.as_secs_f64()),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_much_is_said_and_what_does_not_is_not() {
        let said = |nodes, seconds, until_done| warnings(nodes, Duration::from_secs(seconds), until_done);
        assert!(said(16, 3_600, false).is_empty() && said(4, 86_400, true).is_empty());
        let lines = said(100, 86_400, false);
        assert!(lines[0].starts_with("100 validators on this machine take about 8 GiB"), "{lines:?}");
        assert!(lines[1].starts_with("it runs for 24 h 0 min, until "), "{lines:?}");
    }

    #[test]
    fn spans_read_well() {
        let said: Vec<String> = [1_500, 61_000, 5_400_000].map(|ms| span(Duration::from_millis(ms))).into();
        assert_eq!(said, ["1.5 s", "1 min 1 s", "1 h 30 min"]);
    }
}
