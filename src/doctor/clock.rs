//! The clock: compared with the peers' while the node runs, which measures it; else what the system's own
//! synchronisation reports.

use super::Finding;
use actors::network::skew;
use serde_json::Value;

/// What the system says of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    /// Kept by NTP or the like; at most so many microseconds off.
    Kept {
        error_us: i64,
    },
    Free,
    Unknown,
}

/// `status` is the running node's own status.
pub(super) fn look(status: Option<&Value>) -> Finding {
    let ahead = status.and_then(|status| status["clock_ahead_ms"].as_i64());
    let peers = status.map_or(0, |status| status["connected_peers"].as_u64().unwrap_or(0));
    judge(ahead, peers, system())
}

#[cfg(target_os = "linux")]
fn system() -> System {
    // SAFETY: plain data; with no mode set nothing is changed.
    let (state, clock) = unsafe {
        let mut clock = std::mem::zeroed::<libc::timex>();
        let state = libc::adjtimex(&mut clock);
        (state, clock)
    };
    match state {
        ..0 => System::Unknown,
        libc::TIME_ERROR => System::Free,
        _ if clock.status & libc::STA_UNSYNC != 0 => System::Free,
        #[allow(clippy::unnecessary_cast)] // Its width differs between systems.
        _ => System::Kept { error_us: clock.maxerror as i64 },
    }
}

#[cfg(not(target_os = "linux"))]
fn system() -> System {
    System::Unknown
}

fn judge(ahead_ms: Option<i64>, peers: u64, system: System) -> Finding {
    if let Some(ahead) = ahead_ms {
        if skew::is_told(ahead) {
            let remedy = "set it right and keep it so by NTP: 10 s off costs this validator's own turns or votes";
            return Finding::warning("clock", skew::words(ahead, "the peers' median"), remedy);
        }
        return Finding::ok("clock", format!("{} ms from the median of {peers} peers' clocks", ahead.unsigned_abs()));
    }
    let later = "the peers' clocks are known while the node runs";
    match system {
        System::Kept { error_us } => Finding::ok(
            "clock",
            format!("kept by NTP, at most {} ms off by its own estimate; {later}", error_us / 1_000),
        ),
        System::Free => Finding::warning(
            "clock",
            format!("nothing keeps it (the system says it is not synchronised); {later}"),
            "turn NTP on, as `timedatectl set-ntp true` does",
        ),
        System::Unknown => Finding::ok("clock", format!("this system does not say who keeps it; {later}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use serde_json::json;

    #[test]
    fn peers_go_before_the_systems_own_word() {
        assert_eq!(judge(Some(-20), 3, System::Free).text, "20 ms from the median of 3 peers' clocks");
        let wrong = judge(Some(-3_600_000), 3, System::Kept { error_us: 5_000 });
        assert_eq!((wrong.level, wrong.text.as_str()), (Level::Warning, "3600 s behind the peers' median"));
        assert_eq!(judge(None, 0, System::Free).level, Level::Warning);
        assert!(judge(None, 0, System::Kept { error_us: 5_000 }).text.contains("at most 5 ms off"));
        assert_eq!(judge(None, 0, System::Unknown).level, Level::Ok);
        assert_eq!(look(Some(&json!({"clock_ahead_ms": 1, "connected_peers": 2}))).level, Level::Ok);
    }
}
