//! Whether this machine can hold a network: what it would take, against what there is.
//!
//! Figures of a validator are measured (docs/PERFORMANCE.md); each is rounded up, so that what passes here fits.

use std::fs;

/// Of a validator, its worker included, when it has checked some proofs.
const MEMORY_MIB: u64 = 100;
/// The same where it keeps no spare worker and a smaller cache, as in a crowd.
const MEMORY_CROWDED_MIB: u64 = 80;
/// Descriptors that a validator has open besides those of its peers: files, pipes of its workers, clients of its API.
const DESCRIPTORS_BASE: u64 = 64;
/// For each peer: a session, and what takes its place meanwhile.
const DESCRIPTORS_PER_PEER: u64 = 4;
/// Threads of a validator and of its workers.
const THREADS: u64 = 32;

/// What a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    pub memory_mib: u64,
    /// By each process.
    pub descriptors: u64,
    /// Threads, which Linux counts as processes.
    pub threads: u64,
}

impl Needed {
    pub fn by(nodes: u16) -> Needed {
        let nodes = u64::from(nodes);
        let each = if nodes as usize >= actors::config::CROWD_MIN { MEMORY_CROWDED_MIB } else { MEMORY_MIB };
        Needed {
            memory_mib: nodes * each,
            descriptors: nodes * DESCRIPTORS_PER_PEER + DESCRIPTORS_BASE,
            threads: nodes * THREADS,
        }
    }
}

/// What there is; nothing of what the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    pub memory_mib: Option<u64>,
    pub descriptors: Option<u64>,
    /// Threads that may still be made.
    pub threads: Option<u64>,
}

impl Machine {
    /// Looks, and takes as many descriptors and threads as this process may have: its children inherit the limits.
    pub fn look() -> Machine {
        Machine { memory_mib: memory_mib(), descriptors: raise(libc::RLIMIT_NOFILE), threads: threads() }
    }
}

/// What is missing, each with what to do about it.
pub fn missing(needed: &Needed, machine: &Machine, nodes: u16) -> Vec<String> {
    let short = |there: Option<u64>, needed| there.filter(|there| *there < needed);
    let mut lines = Vec::new();
    if let Some(there) = short(machine.memory_mib, needed.memory_mib) {
        let fits = (1..nodes).rev().find(|fewer| Needed::by(*fewer).memory_mib <= there);
        let remedy = fits.map_or("free some".to_owned(), |fewer| format!("give --nodes {fewer} or fewer"));
        lines.push(format!(
            "{nodes} validators take about {} MiB of memory and {there} MiB are available: {remedy}",
            needed.memory_mib
        ));
    }
    if let Some(there) = short(machine.descriptors, needed.descriptors) {
        lines.push(format!(
            "each validator needs up to {} open files and the limit is {there}: `ulimit -n {}` first, or give fewer --nodes",
            needed.descriptors, needed.descriptors
        ));
    }
    if let Some(there) = short(machine.threads, needed.threads) {
        lines.push(format!(
            "{nodes} validators run up to {} threads and {there} more may be made: raise `ulimit -u`, the service's TasksMax \
             or kernel.threads-max, or give fewer --nodes",
            needed.threads
        ));
    }
    lines
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
type Resource = libc::c_int;

/// Takes as much as this process may have, and tells how much that is. None if the system does not tell.
fn raise(resource: Resource) -> Option<libc::rlim_t> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call fills the structure.
    if unsafe { libc::getrlimit(resource, &mut limit) } != 0 {
        return None;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // SAFETY: the structure is valid for the call. macOS refuses what is above its own bound; then the limit stays.
    let is_raised = unsafe { libc::setrlimit(resource, &raised) } == 0;
    Some(if is_raised { raised.rlim_cur } else { limit.rlim_cur })
}

/// The least of what the machine has and what the control group still allows.
fn memory_mib() -> Option<u64> {
    let free = number_in("/proc/meminfo", "MemAvailable:")? / 1_024;
    let Some((limit, used)) = group_limit("memory.max", "memory.current") else { return Some(free) };
    // What files have in memory counts as used and is given back when it is needed: after a build that is most of it.
    let cached = own_group().map(|group| {
        let of = |key| number_in(&format!("{group}/memory.stat"), key).unwrap_or_default();
        of("inactive_file ") + of("active_file ") + of("slab_reclaimable ")
    });
    Some(free.min(limit.saturating_sub(used.saturating_sub(cached.unwrap_or_default())) >> 20))
}

/// The least of what the system, the control group and the user's limit still allow.
fn threads() -> Option<u64> {
    let of_system = number("/proc/sys/kernel/threads-max")?.min(number("/proc/sys/kernel/pid_max")?);
    let used = fs::read_to_string("/proc/loadavg").ok()?;
    let used = used.split_whitespace().nth(3)?.split_once('/')?.1.parse::<u64>().ok()?;
    let free = of_system.saturating_sub(used);
    let left = |(limit, used): (u64, u64)| limit.saturating_sub(used);
    let of_others = [group_limit("pids.max", "pids.current"), user_limit()].into_iter().flatten().map(left);
    of_others.chain([free]).min()
}

/// How many threads this user may have (`ulimit -u`), and has. None without a limit, and of root, which has none.
fn user_limit() -> Option<(u64, u64)> {
    let limit = raise(libc::RLIMIT_NPROC).filter(|limit| *limit != libc::RLIM_INFINITY)?;
    // SAFETY: plain questions.
    let (user, is_root) = unsafe { (libc::getuid(), libc::geteuid() == 0) };
    (!is_root).then(|| (limit, threads_of(user)))
}

/// Threads of all processes of a user.
fn threads_of(user: libc::uid_t) -> u64 {
    let of_process = |entry: fs::DirEntry| {
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let field = |name| status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next();
        let is_theirs = field("Uid:")?.parse() == Ok(user);
        field("Threads:")?.parse::<u64>().ok().filter(|_| is_theirs)
    };
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(of_process).sum::<u64>()
}

/// The folder of this process's control group, version 2.
fn own_group() -> Option<String> {
    let group = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = group.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(format!("/sys/fs/cgroup{}", group.trim_end_matches('/')))
}

/// Of this process's control group: what it may have and what it has.
fn group_limit(most: &str, now: &str) -> Option<(u64, u64)> {
    let folder = own_group()?;
    Some((number(&format!("{folder}/{most}"))?, number(&format!("{folder}/{now}"))?))
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn number_in(path: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_what_is_needed() {
        let needed = Needed::by(100);
        assert_eq!(needed, Needed { memory_mib: 8_000, descriptors: 464, threads: 3_200 });
        let plenty = Machine { memory_mib: Some(8_000), descriptors: Some(464), threads: Some(3_200) };
        assert!(missing(&needed, &plenty, 100).is_empty());
        assert!(missing(&needed, &Machine::default(), 100).is_empty());
        let little = Machine { memory_mib: Some(7_999), descriptors: Some(463), threads: Some(3_199) };
        let lines = missing(&needed, &little, 100);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("8000 MiB") && lines[0].contains("7999 MiB"), "{lines:?}");
        assert!(lines[0].ends_with("give --nodes 99 or fewer"), "{lines:?}");
        let advice = |there, nodes| missing(&Needed::by(nodes), &Machine { memory_mib: Some(there), ..plenty }, nodes);
        assert!(advice(1_300, 17)[0].ends_with("give --nodes 13 or fewer"), "few need more each");
        assert!(advice(50, 4)[0].ends_with("free some"));
        assert!(lines[1].contains("`ulimit -n 464`") && lines[1].contains("limit is 463"), "{lines:?}");
        assert!(lines[2].contains("3200 threads and 3199"), "{lines:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_can_be_looked_at() {
        let machine = Machine::look();
        // SAFETY: a plain question.
        let user = unsafe { libc::getuid() };
        let before = threads_of(user);
        assert!(before >= 1 && threads_of(libc::uid_t::MAX - 1) == 0, "{before}");
        assert!(machine.memory_mib > Some(100) && machine.descriptors >= Some(64) && machine.threads.is_some());
    }
}
