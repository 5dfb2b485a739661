//! What a worker's end says about the proof it was checking. Pure.
//!
//! What ends a worker at one of its limits, or by a fault of its own, is "no verdict". What ends it from outside and
//! within its limits says nothing about the proof, which is tried again.

use protocol::types::Millis;
use protocol::verdict::{NoVerdict, Report, Verdict, VerifierParameters, exit_code};
use protocol::worker::STACK_BYTES;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// Why the node itself ended a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// Past its processor time, although its own timer should have ended it.
    ProcessorTime,
    /// Real time ran out.
    Deadline,
    /// It answered with something that is no report.
    Nonsense,
    /// Nobody waits for the answer any more.
    NotWanted,
}

/// How a worker ended, and what it had used for the job until then.
#[derive(Debug, Clone)]
pub struct Ending {
    pub status: ExitStatus,
    pub kill: Option<Kill>,
    pub cpu: Duration,
    pub wall: Duration,
    pub peak_memory_bytes: u64,
}

/// What follows from an ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    NoVerdict(NoVerdict),
    TryAgain,
    NotWanted,
}

impl Ending {
    /// Decides what the end means, under the limits of the job.
    pub fn consequence(&self, limits: &VerifierParameters) -> Consequence {
        let hard = &limits.hard;
        let processor_time = NoVerdict::ProcessorTime { limit_ms: hard.cpu_ms };
        let crashed = NoVerdict::Crashed { signal: self.status.signal(), code: self.status.code() };
        Consequence::NoVerdict(match (self.kill, self.status.signal(), self.status.code()) {
            (Some(Kill::NotWanted), ..) => return Consequence::NotWanted,
            (Some(Kill::ProcessorTime), ..) | (None, Some(libc::SIGPROF | libc::SIGXCPU), _) => processor_time,
            (Some(Kill::Deadline), ..) => NoVerdict::Deadline { wall_ms: millis(self.wall).0 },
            (Some(Kill::Nonsense), ..) => {
                NoVerdict::SolverError { text: "the worker answered with something that is no report".to_owned() }
            }
            (None, Some(signal), _) if comes_from_outside(signal) => {
                if millis(self.cpu).0 >= hard.cpu_ms {
                    processor_time
                } else if self.peak_memory_bytes >= hard.memory_bytes {
                    NoVerdict::Memory { limit_bytes: hard.memory_bytes }
                } else {
                    return Consequence::TryAgain;
                }
            }
            (None, None, Some(exit_code::MEMORY)) => NoVerdict::Memory { limit_bytes: hard.memory_bytes },
            // What it had needed was given back on the way to the exit.
            (None, None, Some(exit_code::SOLVER_EXIT)) if self.peak_memory_bytes >= hard.memory_bytes / 2 => {
                NoVerdict::Memory { limit_bytes: hard.memory_bytes }
            }
            (None, None, Some(exit_code::STACK)) => NoVerdict::Stack { limit_bytes: STACK_BYTES },
            (None, _, _) => crashed,
        })
    }

    /// A report for a job that has no verdict because of this end.
    pub fn report(&self, reason: NoVerdict) -> Report {
        Report {
            cpu: millis(self.cpu),
            peak_memory_bytes: self.peak_memory_bytes,
            ..Report::of(Verdict::NoVerdict { reason })
        }
    }

    /// A short fixed label for metrics.
    pub fn label(&self) -> &'static str {
        match (self.kill, self.status.signal(), self.status.code()) {
            (Some(Kill::ProcessorTime), ..) | (None, Some(libc::SIGPROF | libc::SIGXCPU), _) => "processor_time",
            (Some(Kill::Deadline), ..) => "deadline",
            (Some(Kill::Nonsense), ..) => "nonsense",
            (Some(Kill::NotWanted), ..) => "not_wanted",
            (None, Some(signal), _) if comes_from_outside(signal) => "from_outside",
            (None, None, Some(exit_code::MEMORY)) => "memory",
            (None, None, Some(exit_code::STACK)) => "stack",
            (None, _, _) => "crashed",
        }
    }
}

/// Signals that a solver does not bring upon itself.
fn comes_from_outside(signal: i32) -> bool {
    matches!(signal, libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP | libc::SIGQUIT)
}

fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(status: i32, kill: Option<Kill>) -> Ending {
        let status = ExitStatus::from_raw(status);
        Ending { status, kill, cpu: Duration::from_secs(1), wall: Duration::from_secs(2), peak_memory_bytes: 1 << 20 }
    }

    fn exited(code: i32) -> i32 {
        code << 8
    }

    fn consequence(ending: Ending) -> Consequence {
        ending.consequence(&VerifierParameters::default())
    }

    #[test]
    fn a_worker_that_is_killed_within_its_limits_says_nothing_about_the_proof() {
        for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGHUP] {
            assert_eq!(consequence(ending(signal, None)), Consequence::TryAgain);
        }
    }

    #[test]
    fn a_worker_that_is_killed_at_a_limit_does() {
        let late = Ending { cpu: Duration::from_secs(20), ..ending(libc::SIGKILL, None) };
        assert_eq!(consequence(late), Consequence::NoVerdict(NoVerdict::ProcessorTime { limit_ms: 20_000 }));
        let large = Ending { peak_memory_bytes: 1 << 30, ..ending(libc::SIGKILL, None) };
        assert_eq!(consequence(large), Consequence::NoVerdict(NoVerdict::Memory { limit_bytes: 1 << 30 }));
    }

    #[test]
    fn its_own_timer_is_the_limit_of_processor_time() {
        for signal in [libc::SIGPROF, libc::SIGXCPU] {
            let reason = NoVerdict::ProcessorTime { limit_ms: 20_000 };
            assert_eq!(consequence(ending(signal, None)), Consequence::NoVerdict(reason));
        }
    }

    #[test]
    fn a_fault_of_its_own_is_no_verdict_with_signal_or_code() {
        let crashed = |signal, code| Consequence::NoVerdict(NoVerdict::Crashed { signal, code });
        assert_eq!(consequence(ending(libc::SIGSEGV, None)), crashed(Some(libc::SIGSEGV), None));
        assert_eq!(consequence(ending(libc::SIGABRT, None)), crashed(Some(libc::SIGABRT), None));
        for code in [0, 101, exit_code::SOLVER_EXIT, exit_code::PANIC] {
            assert_eq!(consequence(ending(exited(code), None)), crashed(None, Some(code)));
        }
        let memory = NoVerdict::Memory { limit_bytes: 1 << 30 };
        assert_eq!(consequence(ending(exited(exit_code::MEMORY), None)), Consequence::NoVerdict(memory));
        let exit = Ending { peak_memory_bytes: 800 << 20, ..ending(exited(exit_code::SOLVER_EXIT), None) };
        let memory = NoVerdict::Memory { limit_bytes: 1 << 30 };
        assert_eq!(consequence(exit), Consequence::NoVerdict(memory));
        let stack = NoVerdict::Stack { limit_bytes: STACK_BYTES };
        assert_eq!(consequence(ending(exited(exit_code::STACK), None)), Consequence::NoVerdict(stack));
    }

    #[test]
    fn what_the_node_ended_is_named_by_its_reason() {
        assert_eq!(consequence(ending(libc::SIGKILL, Some(Kill::NotWanted))), Consequence::NotWanted);
        let deadline = Consequence::NoVerdict(NoVerdict::Deadline { wall_ms: 2000 });
        assert_eq!(consequence(ending(libc::SIGKILL, Some(Kill::Deadline))), deadline);
    }
}
