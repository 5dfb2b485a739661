//! The messages between the node and its worker process other than jobs and reports.
//!
//! Each message is one frame: its length as `u32`, big-endian, then MessagePack. The node speaks first ([`Settings`]),
//! the worker answers once with [`Hello`], and from then on every `Job` gets exactly one `Report`, or the worker ends.

use crate::types::Hash;
use crate::verdict::{Report, SolverPin, VerifierParameters};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Both ends are one build; another version means that the two programs beside each other do not belong together.
pub const WORKER_VERSION: u32 = 4;

/// Longest frame to a worker: the longest script and room for what goes with it.
pub const JOB_FRAME_BYTES_MAX: usize = VerifierParameters::SCRIPT_BYTES_MAX as usize + 4096;

/// Longest frame from a worker.
pub const REPORT_FRAME_BYTES_MAX: usize = Report::ENCODED_BYTES_MAX;

/// Stack of the worker's thread that runs the solver, whatever the shell's `ulimit` says: deep terms cost stack, and the
/// same script must come to the same end everywhere.
pub const STACK_BYTES: u64 = 64 << 20;

/// Whether a worker may run without a sandbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxMode {
    /// The worker refuses to start where the system has a sandbox but it cannot be had.
    #[default]
    Required,
    /// No sandbox at all: for debugging on machines without one.
    Off,
}

/// Who waits for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// A node, whose votes must not wait behind a solver.
    Background,
    /// A person, and nothing else.
    Foreground,
}

/// What keeps the solver from files, network and other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxState {
    /// Landlock and seccomp, each tried after it was applied.
    Enforced,
    /// Switched off by configuration.
    Off,
    /// This system has none.
    Unavailable,
}

/// Identity of a file that was hashed once, so that the next worker need not read 28 MB again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileIdentity {
    pub device: u64,
    pub inode: u64,
    pub bytes: u64,
    pub modified_ns: i64,
}

/// The solver library as one worker found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    pub file: FileIdentity,
    pub hash: Hash,
}

/// The first frame to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub version: u32,
    pub sandbox: SandboxMode,
    pub priority: Priority,
    /// No job gets more address space than this, whatever it says.
    pub memory_bytes_max: u64,
    /// What an earlier worker found; believed only of the very same file.
    pub known_library: Option<Library>,
}

/// The first frame from a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    pub version: u32,
    pub pin: SolverPin,
    pub library: Library,
    /// What the library says of itself; for people only.
    pub solver: String,
    pub sandbox: SandboxState,
    /// Peak memory before the first job: what the system may have inherited from the parent.
    pub peak_memory_bytes: u64,
}
