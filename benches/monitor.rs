//! What `pop monitor-network` costs a validator that works, and how soon a stranger sees the first proof become final.
//!
//! `cargo bench --bench monitor`, five minutes. Four validator processes on this machine with 20 proofs a second; monitors are
//! the real program, each on a terminal of its own. Without any, with one and with ten are measured in turns, so that what
//! else the machine does falls on all of them.

#[path = "../tests/monitor_support/mod.rs"]
mod monitor_support;
#[path = "../tests/network_support/mod.rs"]
mod network_support;

use monitor_support::Terminal;
use network_support::proofs::Submitter;
use network_support::{Network, processor_ticks, say};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const NODES: &str = "node_1,node_2,node_3,node_4";
/// As many monitors, in turns.
const MONITORS: [usize; 3] = [0, 1, 10];
const TURNS: usize = 5;
/// How long the processor's time is measured in a turn.
const MEASURED: Duration = Duration::from_secs(15);
/// From one submission to the next.
const BETWEEN_PROOFS: Duration = Duration::from_millis(50);
/// Hundredths of a second in a second: what the system counts a process' time in.
const TICKS: f64 = 100.0;
/// Commands that are typed.
const TYPED: usize = 5;

fn pause(span: Duration) {
    let until = Instant::now() + span;
    while Instant::now() < until {
        std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The shares of a core that a validator, and each of so many monitors of all four, take.
fn shares(network: &Network, count: usize) -> (f64, f64) {
    let start = |_| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.args(["monitor-network", "--nodes", NODES, "--interval", "2"]).current_dir(network.path("."));
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
        Terminal::start(command, 60, 200)
    };
    let monitors: Vec<Terminal> = (0..count).map(start).collect();
    for monitor in &monitors {
        monitor
            .until("all four are seen, with their blocks", |text| text.contains("4/4 answer") && text.contains("p99"));
    }
    let node = network.nodes[0].pid();
    let ticks = || {
        let own = monitors.iter().map(|monitor| processor_ticks(i32::try_from(monitor.program.id()).expect("a pid")));
        (processor_ticks(node).expect("it runs"), own.map(|ticks| ticks.expect("it runs")).sum::<u64>())
    };
    let (before, begun) = (ticks(), Instant::now());
    pause(MEASURED);
    let (after, seconds) = (ticks(), begun.elapsed().as_secs_f64());
    let share = |before: u64, after: u64| (after - before) as f64 / TICKS / seconds;
    (share(before.0, after.0), share(before.1, after.1) / count.max(1) as f64)
}

/// Whatever happens meanwhile, who submits stops.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn cost() {
    let network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let over = AtomicBool::new(false);
    let mut all: Vec<Vec<(f64, f64)>> = vec![Vec::new(); MONITORS.len()];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // One that is not taken on a loaded machine is no matter here.
                _ = network.nodes[1].post("/v1/proofs", &submitter.make().0);
                pause(BETWEEN_PROOFS);
            }
        });
        let _stop = Stop(&over);
        for _ in 0..TURNS {
            for (place, count) in MONITORS.iter().enumerate() {
                all[place].push(shares(&network, *count));
            }
        }
    });
    let without = median(all[0].iter().map(|(node, _)| *node).collect());
    for (turns, count) in all.iter().zip(MONITORS) {
        // Each beside the turn without any that was right before it.
        let more = median(turns.iter().zip(&all[0]).map(|((with, _), (without, _))| with - without).collect());
        let own = median(turns.iter().map(|(_, own)| *own).collect());
        say(format_args!(
            "{count} monitors: a validator takes {:.2}% of a core more ({:.1}% without), each monitor {:.1}%; median of {TURNS} turns",
            100.0 * more,
            100.0 * without,
            100.0 * own
        ));
    }
}

/// From the typed command to its first line that says that a proof is final.
fn first_final(arguments: &[&str]) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.args(arguments).env("TMPDIR", folder.path()).current_dir(folder.path()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut program = command.spawn().expect("it starts");
    let lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
    let mut lines = lines.map_while(Result::ok);
    lines.find(|line| line.starts_with("final ")).expect("a proof becomes final");
    let took = begun.elapsed().as_secs_f64();
    // SAFETY: a plain system call; the process is our child and not reaped yet.
    unsafe { libc::kill(i32::try_from(program.id()).expect("a pid"), libc::SIGINT) };
    // Until it has ended, so that it writes to nobody who is gone.
    lines.for_each(drop);
    program.wait().expect("it ends");
    took
}

fn main() {
    let proofs = concat!(env!("CARGO_MANIFEST_DIR"), "/data/proofs");
    let run = ["deploy-testnet", "--nodes", "4", "--until-done", "--duration", "1h", "--proofs", proofs];
    for (what, arguments) in [("pop demo", &["demo", "--any-ports"][..]), ("what make run runs", &run)] {
        let mut times: Vec<f64> = (0..TYPED).map(|_| first_final(arguments)).collect();
        times.sort_unstable_by(f64::total_cmp);
        let (middle, longest) = (times[TYPED / 2], times[TYPED - 1]);
        say(format_args!("{what}: the first final proof after {middle:.2} s, longest {longest:.2} s of {TYPED}"));
    }
    cost();
}
