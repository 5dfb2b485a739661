//! What each validator used, by its parts: processor time by thread, memory, disk and open files, as the system tells.
//!
//! Of a validator that was started again, what its earlier processes used up to the last look is counted too.

use super::account::Proofs;
use super::counted::Counted;
use super::growth::{Footprint, Growth, History};
use super::site::Place;
use super::validators::Running;
use protocol::types::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks.
pub const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// Nanoseconds.
type Spans = BTreeMap<&'static str, u64>;

/// One look at one process.
#[derive(Debug, Clone, Default)]
struct Sample {
    pid: u32,
    used: Spans,
    /// Its workers included.
    memory_kib: u64,
    open_files: u64,
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
    history: History,
    pub counted: Counted,
}

impl Usage {
    /// The first look at these, which are all.
    pub fn start(running: &[Running]) -> Usage {
        let counted = Counted::start(running);
        let (now, history) = (Instant::now(), History::new(LOOK_INTERVAL));
        let mut usage = Usage { began: now, looked: now, validators: BTreeMap::new(), history, counted };
        usage.sample(running, Proofs::default());
        usage
    }

    /// Looks, if it is time. So many proofs have ended by now.
    pub fn look(&mut self, running: &[Running], proofs: Proofs) {
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.sample(running, proofs);
        }
    }

    /// The last look; those that answer are asked for their counts, by then.
    pub fn end(&mut self, running: &[Running], proofs: Proofs, answers: impl Fn(&NodeId) -> bool, until: Instant) {
        self.sample(running, proofs);
        let answering: Vec<Running> = running.iter().filter(|one| answers(&one.place.node_id)).cloned().collect();
        self.counted.end(&answering, until);
    }

    fn sample(&mut self, running: &[Running], proofs: Proofs) {
        self.looked = Instant::now();
        let children = children();
        let (mut memory_kib, mut open_files) = (0, 0);
        for one in running {
            let workers = children.get(&one.pid).map_or(&[][..], Vec::as_slice);
            let Some(sample) = look_at(one.pid, workers) else { continue };
            memory_kib += sample.memory_kib;
            open_files += sample.open_files;
            self.validators.entry(one.place.node_id.clone()).or_default().on(sample);
        }
        let seconds = self.looked.saturating_duration_since(self.began).as_secs_f64();
        // While some are away less is used, which is not how it grows.
        if running.len() == self.validators.len() && self.history.wants(seconds) {
            let disk: u64 = running.iter().map(|one| disk_bytes(&one.place)).sum();
            self.history.keep(Footprint {
                seconds,
                memory_mib: memory_kib as f64 / 1_024.0,
                disk_mib: disk as f64 / f64::from(1 << 20),
                open_files: open_files as f64,
                proofs: (proofs.fin + proofs.refused) as f64,
            });
        }
    }

    /// None of a run that was too short to tell.
    pub fn growth(&self) -> Option<Growth> {
        self.history.growth()
    }

    /// The figures; those of a block are of the blocks that were final from the first look on.
    pub fn report(&self) -> (BTreeMap<&'static str, PartUsage>, Vec<ValidatorUsage>) {
        let blocks = self.counted.blocks();
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
    let open_files = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |files| files.count() as u64);
    Some(Sample { pid, used, memory_kib, open_files })
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

/// What a validator's data and log take of the disk.
fn disk_bytes(place: &Place) -> u64 {
    of_folder(&place.data_dir) + fs::metadata(&place.log).map_or(0, |log| log.blocks() * BLOCK_BYTES)
}

/// As the file system counts `blocks`, whatever its own are.
const BLOCK_BYTES: u64 = 512;

/// A file that goes away meanwhile takes nothing. Links are not followed.
fn of_folder(folder: &Path) -> u64 {
    let of_entry = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => of_folder(&entry.path()),
        Ok(metadata) => metadata.blocks() * BLOCK_BYTES,
        Err(_) => 0,
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(of_entry).sum()
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
    fn what_is_on_the_disk_is_counted_with_what_lies_deeper() {
        let folder = tempfile::tempdir().unwrap();
        let deeper = folder.path().join("deeper");
        fs::create_dir(&deeper).unwrap();
        let before = of_folder(folder.path());
        fs::write(deeper.join("file"), vec![1; 1 << 20]).unwrap();
        fs::File::open(deeper.join("file")).unwrap().sync_all().unwrap();
        let added = of_folder(folder.path()) - before;
        assert!((1 << 20..3 << 20).contains(&added), "{added}");
        assert_eq!(of_folder(&folder.path().join("nowhere")), 0);
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
                assert!(
                    sample.memory_kib > 0 && sample.open_files > 0 && sample.used.contains_key("sessions"),
                    "{sample:?}"
                );
                break votes;
            }
            std::thread::yield_now();
        };
        assert!(votes >= 5_000_000, "{votes} ns");
        drop(stop);
        busy.unwrap().join().unwrap();
    }
}
