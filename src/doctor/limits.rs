//! Descriptors: sessions, HTTP, workers and files share them, and a node without one is deaf.

use super::Finding;
use actors::config::NodeConfig;
use protocol::genesis::Genesis;
use std::fs;

/// The API's connections, which give way when they are all taken (`src/api/server.rs`).
const HTTP: u64 = 512;
/// Of a session with a peer: itself, and one that is becoming.
const EACH_PEER: u64 = 2;
/// Of a worker: its pipes and its handle, and those of one that takes its place.
const EACH_WORKER: u64 = 8;
/// Files, logs, threads' wakers.
const REST: u64 = 64;

/// Of the process that runs, else of this one: a node that is started from this terminal has the same.
pub(super) fn look(node: Option<(&NodeConfig, &Genesis)>, process: Option<i32>) -> Finding {
    let of_process = process.and_then(|pid| of_limits(&fs::read_to_string(format!("/proc/{pid}/limits")).ok()?));
    let (limit, whose) = match of_process {
        Some(limit) => (limit, "the running node"),
        None => (mine(), "this terminal"),
    };
    let needed = node.map_or(HTTP + REST, |(config, genesis)| {
        let peers = genesis.validators().len() as u64;
        HTTP + REST + EACH_PEER * peers + EACH_WORKER * u64::from(config.verifier.workers)
    });
    judge(limit, needed, whose)
}

fn mine() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call fills the structure.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0;
    if failed { u64::MAX } else { limit.rlim_cur }
}

/// `Max open files            1024                 524288               files`
fn of_limits(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(u64::MAX) } else { soft.parse().ok() }
}

fn judge(limit: u64, needed: u64, whose: &str) -> Finding {
    let count = if limit == u64::MAX { "any number of".to_owned() } else { limit.to_string() };
    let text = format!("{whose} may open {count} files; at most {needed} are needed");
    if limit >= needed {
        return Finding::ok("file limit", text);
    }
    let remedy =
        format!("`ulimit -n {0}` before the start, or LimitNOFILE={0} in its service unit", needed.next_power_of_two());
    if limit < needed.saturating_sub(HTTP) + 32 {
        Finding::failure("file limit", text, remedy)
    } else {
        Finding::warning("file limit", text, remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_limit_is_judged_by_what_is_needed() {
        let level = |limit| judge(limit, 700, "it").level;
        assert_eq!([700, u64::MAX].map(level), [Level::Ok; 2]);
        assert_eq!([699, 256].map(level), [Level::Warning; 2]);
        assert_eq!(level(100), Level::Failure);
        assert!(judge(256, 700, "it").remedy.unwrap().contains("ulimit -n 1024"));
    }

    #[test]
    fn a_process_limit_is_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max open files            1024                 524288               files\n";
        assert_eq!(of_limits(text), Some(1024));
        assert_eq!(of_limits("Max open files unlimited unlimited files"), Some(u64::MAX));
        assert_eq!(of_limits(""), None);
        assert!(mine() > 0);
    }
}
