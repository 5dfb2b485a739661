//! What each validator used, by its parts: processor time by thread, memory, and what it sent, by kind.
//!
//! Read from the system and from the validators' own metrics. Of a validator that was started again, what its earlier
//! processes used up to the last look is counted too.

use super::validators::Running;
use crate::client::Client;
use protocol::types::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// Between two looks.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// Nanoseconds.
type Spans = BTreeMap<&'static str, u64>;
/// Messages and bytes, by kind.
type Sent = BTreeMap<String, (u64, u64)>;
/// The same of each process, by its number: one that was started again counts from nothing.
type SentBy = BTreeMap<u32, Sent>;

/// One look at one process.
#[derive(Debug, Clone, Default)]
struct Sample {
    pid: u32,
    used: Spans,
    /// Its workers included.
    memory_kib: u64,
}

#[derive(Debug, Default)]
struct Validator {
    /// Of processes that are gone.
    before: Spans,
    first: Option<Sample>,
    last: Sample,
    memory_peak_kib: u64,
}

impl Validator {
    fn on(&mut self, sample: Sample) {
        self.memory_peak_kib = self.memory_peak_kib.max(sample.memory_kib);
        if self.first.is_none() {
            self.first = Some(sample.clone());
        } else if sample.pid != self.last.pid {
            self.before = self.used();
            self.first = Some(Sample::default());
        }
        self.last = sample;
    }

    fn used(&self) -> Spans {
        let mut used = self.before.clone();
        for (part, span) in &self.last.used {
            let before = self.first.as_ref().and_then(|first| first.used.get(part)).copied().unwrap_or_default();
            *used.entry(part).or_default() += span.saturating_sub(before);
        }
        used
    }
}

/// What all of them used, from the first look on.
#[derive(Debug)]
pub struct Usage {
    began: Instant,
    looked: Instant,
    validators: BTreeMap<NodeId, Validator>,
    sent_before: SentBy,
    sent: SentBy,
}

impl Usage {
    /// The first look.
    pub fn start(running: &[Running]) -> Usage {
        let now = Instant::now();
        let sent_before = sent_by(running);
        let mut usage =
            Usage { began: now, looked: now, validators: BTreeMap::new(), sent_before, sent: SentBy::new() };
        usage.sample(running);
        usage.began = usage.looked;
        usage
    }

    /// Looks, if it is time.
    pub fn look(&mut self, running: &[Running]) {
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.sample(running);
        }
    }

    /// The last look.
    pub fn end(&mut self, running: &[Running]) {
        self.sample(running);
        self.sent = sent_by(running);
    }

    fn sample(&mut self, running: &[Running]) {
        self.looked = Instant::now();
        let children = children();
        for one in running {
            let workers = children.get(&one.pid).map_or(&[][..], Vec::as_slice);
            let Some(sample) = look_at(one.pid, workers) else { continue };
            self.validators.entry(one.place.node_id.clone()).or_default().on(sample);
        }
    }

    /// The figures, for so many final blocks.
    pub fn report(&self, blocks: u64) -> (BTreeMap<&'static str, PartUsage>, Vec<ValidatorUsage>) {
        let mut parts: Spans = Spans::new();
        let seconds = self.looked.saturating_duration_since(self.began).as_secs_f64().max(1e-9);
        let mut validators = Vec::new();
        for (node_id, validator) in &self.validators {
            let used = validator.used();
            used.iter().for_each(|(part, span)| *parts.entry(part).or_default() += span);
            validators.push(ValidatorUsage {
                node_id: node_id.clone(),
                cpu_seconds: round(used.values().sum::<u64>() as f64 / 1e9),
                memory_mib: validator.last.memory_kib / 1_024,
                memory_peak_mib: validator.memory_peak_kib / 1_024,
                cpu_seconds_by_part: used.iter().map(|(part, span)| (*part, round(*span as f64 / 1e9))).collect(),
            });
        }
        // node_2 comes before node_10.
        validators.sort_by_key(|validator| (validator.node_id.as_str().len(), validator.node_id.clone()));
        let of = |span: u64| PartUsage {
            cpu_seconds: round(span as f64 / 1e9),
            cores: round(span as f64 / 1e9 / seconds),
            cpu_ms_per_block: (blocks > 0).then(|| round(span as f64 / 1e6 / blocks as f64)),
        };
        let total = parts.values().sum();
        let by_part = parts.into_iter().chain([("total", total)]).map(|(part, span)| (part, of(span))).collect();
        (by_part, validators)
    }

    /// What validators that run at the end have sent to each other since the first look, by kind.
    pub fn sent(&self) -> BTreeMap<String, SentKind> {
        let mut sum = BTreeMap::<String, SentKind>::new();
        for (pid, sent) in &self.sent {
            let before = self.sent_before.get(pid);
            for (kind, (messages, bytes)) in sent {
                let (earlier, earlier_bytes) = before.and_then(|before| before.get(kind)).copied().unwrap_or_default();
                let of = sum.entry(kind.clone()).or_default();
                of.messages += messages.saturating_sub(earlier);
                of.bytes += bytes.saturating_sub(earlier_bytes);
            }
        }
        sum.retain(|_, sent| sent.bytes > 0);
        sum
    }
}

/// What one part of all validators together used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PartUsage {
    pub cpu_seconds: f64,
    /// Processors, on average over the run.
    pub cores: f64,
    /// Of all validators together.
    pub cpu_ms_per_block: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidatorUsage {
    pub node_id: NodeId,
    pub cpu_seconds: f64,
    /// At the end, workers included.
    pub memory_mib: u64,
    /// The most that was seen at a look.
    pub memory_peak_mib: u64,
    pub cpu_seconds_by_part: BTreeMap<&'static str, f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SentKind {
    pub messages: u64,
    /// Of frames, before TLS.
    pub bytes: u64,
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Every process's children.
fn children() -> BTreeMap<u32, Vec<u32>> {
    let mut children = BTreeMap::<u32, Vec<u32>>::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parent.into_iter().for_each(|parent| children.entry(parent).or_default().push(pid));
    }
    children
}

/// None if the process is gone, or the system does not tell.
fn look_at(pid: u32, workers: &[u32]) -> Option<Sample> {
    let mut used = Spans::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let folder = task.path();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let is_main = folder.file_name().is_some_and(|name| name.to_str() == Some(&pid.to_string()));
        let name = read("comm");
        *used.entry(part_of(name.trim(), is_main)).or_default() += on_processor(&read("schedstat"));
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let all = cpu_of(&stat)?;
    let known: u64 = used.values().sum();
    // Threads that have ended. The two clocks differ by less than a tick for each thread.
    *used.entry("other").or_default() += all.own.saturating_sub(known);
    let of_workers = workers.iter().map(|worker| {
        let stat = fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
        cpu_of(&stat).map_or(0, |cpu| cpu.own)
    });
    used.insert("workers", all.children + of_workers.sum::<u64>());
    let memory_kib = workers.iter().chain([&pid]).map(|pid| resident_kib(*pid)).sum();
    Some(Sample { pid, used, memory_kib })
}

/// 0 of a process that is gone.
fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default()
}

/// What a thread of a validator does, by its name.
fn part_of(thread: &str, is_main: bool) -> &'static str {
    match thread {
        _ if is_main => "sessions",
        "votes" => "votes",
        "work" => "proofs",
        "database" => "database",
        "supervision" => "supervision",
        name if name.starts_with("verifier-") => "verifier_pool",
        "api" => "api",
        _ => "other",
    }
}

/// The first number of `schedstat`: nanoseconds on a processor.
fn on_processor(schedstat: &str) -> u64 {
    schedstat.split_whitespace().next().and_then(|span| span.parse().ok()).unwrap_or_default()
}

/// Nanoseconds.
struct Cpu {
    own: u64,
    /// Children that have ended and were waited for.
    children: u64,
}

/// Of a line of `/proc/PID/stat`: its fields 14 to 17, in ticks of a hundredth of a second, as Linux shows them everywhere.
fn cpu_of(stat: &str) -> Option<Cpu> {
    const TICK_NS: u64 = 10_000_000;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Cpu { own: (field(14)? + field(15)?) * TICK_NS, children: (field(16)? + field(17)?) * TICK_NS })
}

fn sent_by(running: &[Running]) -> SentBy {
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut all = SentBy::new();
    for one in running {
        let client = Client::with_deadline(one.place.node_id.as_str(), &one.place.http, PATIENCE);
        // One that does not answer has sent nothing that is known.
        let page = client.page("/metrics").unwrap_or_default();
        let sent = all.entry(one.pid).or_default();
        page.lines().for_each(|line| count_line(line, sent));
    }
    all
}

/// Takes `pop_network_messages_total` and `pop_network_bytes_total` out of a page of metrics.
fn count_line(line: &str, sent: &mut Sent) {
    let Some(rest) = line.strip_prefix("pop_network_") else { return };
    let (is_bytes, rest) = match (rest.strip_prefix("messages_total{"), rest.strip_prefix("bytes_total{")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return,
    };
    let Some((labels, value)) = rest.split_once("} ") else { return };
    if !labels.contains("direction=\"out\"") {
        return;
    }
    let kind = labels.split_once("kind=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(kind, _)| kind);
    let (Some(kind), Ok(value)) = (kind, value.trim().parse::<f64>()) else { return };
    let entry = sent.entry(kind.to_owned()).or_default();
    *(if is_bytes { &mut entry.1 } else { &mut entry.0 }) += value as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_before_the_first_look_does_not_count_and_a_new_process_counts_whole() {
        let sample = |pid, votes| Sample { pid, used: [("votes", votes)].into(), ..Sample::default() };
        let mut validator = Validator::default();
        validator.on(sample(1, 100));
        validator.on(sample(1, 140));
        assert_eq!(validator.used()["votes"], 40);
        validator.on(sample(2, 7));
        assert_eq!(validator.used()["votes"], 47);
        validator.on(sample(2, 10));
        assert_eq!(validator.used()["votes"], 50);
    }

    #[test]
    fn a_page_of_metrics_tells_what_was_sent() {
        let mut sent = Sent::new();
        for line in [
            "pop_network_messages_total{direction=\"out\",kind=\"vote\"} 7",
            "pop_network_bytes_total{kind=\"vote\",direction=\"out\"} 700",
            "pop_network_bytes_total{direction=\"in\",kind=\"vote\"} 9",
            "pop_network_sessions_total 3",
            "# HELP pop_network_bytes_total bytes",
            "pop_network_bytes_total{direction=\"out\",kind=\"vote\"} x",
        ] {
            count_line(line, &mut sent);
        }
        assert_eq!(sent, Sent::from([("vote".to_owned(), (7, 700))]));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_looked_at_by_its_threads() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let busy = std::thread::Builder::new().name("votes".into()).spawn(move || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(30) {}
            _ = wait.recv();
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        let votes = loop {
            let sample = look_at(std::process::id(), &[]).expect("it runs");
            let votes = sample.used.get("votes").copied().unwrap_or_default();
            if votes >= 5_000_000 || Instant::now() > deadline {
                assert!(sample.memory_kib > 0 && sample.used.contains_key("sessions"), "{sample:?}");
                break votes;
            }
            std::thread::yield_now();
        };
        assert!(votes >= 5_000_000, "{votes} ns");
        drop(stop);
        busy.unwrap().join().unwrap();
    }
}
