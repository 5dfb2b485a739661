//! Takes from the process everything a solver does not need: files, network, other programs, children.
//!
//! Two independent walls, because each has had holes: Landlock denies the file system and TCP, seccomp denies every
//! system call but a short list. Each is tried after it was applied, and a wall that does not hold is an error: a worker
//! without its sandbox must not start unless the operator switched it off. macOS has none of this, and says so.

use protocol::worker::SandboxState;
use std::io;

/// Why there is no sandbox where there should be one.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("Landlock cannot be applied: {0}")]
    Landlock(String),
    #[error("seccomp cannot be applied: {0}")]
    Seccomp(String),
    #[error("the sandbox was applied, but {0} still works")]
    Leaky(&'static str),
    #[error("the control thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Applies the sandbox. `start_threads` runs between the walls.
///
/// # Errors
/// If a wall is missing on this system or does not hold.
#[cfg(target_os = "linux")]
pub fn enter(start_threads: impl FnOnce() -> io::Result<()>) -> Result<SandboxState, SandboxError> {
    linux::deny_files()?;
    start_threads()?;
    linux::deny_calls()?;
    Ok(SandboxState::Enforced)
}

/// # Errors
/// If the threads cannot be started.
#[cfg(not(target_os = "linux"))]
pub fn enter(start_threads: impl FnOnce() -> io::Result<()>) -> Result<SandboxState, SandboxError> {
    start_threads()?;
    Ok(SandboxState::Unavailable)
}

#[cfg(target_os = "linux")]
mod linux {
    use super::SandboxError;
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };
    use std::collections::BTreeMap;
    use std::io;

    /// Denies every file, and what else of Landlock this kernel has.
    pub fn deny_files() -> Result<(), SandboxError> {
        let failed = |error: landlock::RulesetError| SandboxError::Landlock(error.to_string());
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))
            .map_err(failed)?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))
            .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V4)))
            .and_then(|rules| rules.scope(Scope::from_all(ABI::V6)))
            .and_then(|rules| rules.create())
            .and_then(|rules| rules.restrict_self())
            .map_err(failed)?;
        if status.ruleset == RulesetStatus::NotEnforced {
            return Err(SandboxError::Landlock("this kernel does not have it, or has it switched off".into()));
        }
        // SAFETY: opens a directory by a constant name, and closes what it should not have got.
        let opened = unsafe { libc::open(c"/".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) };
        if opened < 0 && errno() == libc::EACCES { Ok(()) } else { Err(SandboxError::Leaky("opening a directory")) }
    }

    /// Denies every system call but those that a solver needs which is already running.
    pub fn deny_calls() -> Result<(), SandboxError> {
        for program in [hide_clone3(), filter()] {
            let program = program.map_err(|error| SandboxError::Seccomp(error.to_string()))?;
            seccompiler::apply_filter_all_threads(&program)
                .map_err(|error| SandboxError::Seccomp(error.to_string()))?;
        }
        try_the_wall()
    }

    fn errno() -> i32 {
        io::Error::last_os_error().raw_os_error().unwrap_or(0)
    }

    /// Calls with senseless arguments: the filter answers `EPERM` before the kernel would find the fault in them.
    fn try_the_wall() -> Result<(), SandboxError> {
        // SAFETY: no call can have an effect: null paths, descriptors and numbers that cannot be, and (for `clone`)
        // CLONE_SIGHAND without CLONE_VM, which every kernel refuses.
        let attempts: [(&str, Attempt); 6] = unsafe {
            [
                ("opening a file", || libc::syscall(libc::SYS_openat, libc::AT_FDCWD, NOTHING, libc::O_RDONLY)),
                ("removing a file", || libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, NOTHING, 0)),
                ("making a socket", || libc::syscall(libc::SYS_socket, -1, -1, -1)),
                ("running a program", || libc::syscall(libc::SYS_execve, NOTHING, NOTHING, NOTHING)),
                ("making a process", || libc::syscall(libc::SYS_clone, libc::CLONE_SIGHAND, 0, 0, 0, 0)),
                ("tracing a process", || libc::syscall(libc::SYS_ptrace, -1, -1, 0, 0)),
            ]
        };
        let leaky = attempts.iter().find(|(_, attempt)| attempt() != -1 || errno() != libc::EPERM);
        leaky.map_or(Ok(()), |(name, _)| Err(SandboxError::Leaky(name)))
    }

    type Attempt = fn() -> libc::c_long;

    const NOTHING: *const libc::c_char = std::ptr::null();

    /// `clone3` has its flags where a filter cannot see them. As if this kernel did not know it, the library takes `clone`.
    /// Of two filters the stricter one holds, so the other one may let it pass.
    fn hide_clone3() -> Result<BpfProgram, seccompiler::BackendError> {
        let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
        let hidden = SeccompAction::Errno(libc::ENOSYS as u32);
        SeccompFilter::new(rules, SeccompAction::Allow, hidden, std::env::consts::ARCH.try_into()?)?.try_into()
    }

    fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|&call| (call, Vec::new())).collect();
        let equals = |argument, length, value| {
            SeccompCondition::new(argument, length, SeccompCmpOp::Eq, value)
                .and_then(|condition| SeccompRule::new(vec![condition]))
        };
        // Memory may be had, but never executed.
        let not_executable = || {
            SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0)
                .and_then(|condition| SeccompRule::new(vec![condition]))
        };
        rules.insert(libc::SYS_mmap, vec![not_executable()?]);
        rules.insert(libc::SYS_mprotect, vec![not_executable()?]);
        // Threads, since some of the solver's tactics time themselves with one; never a process.
        let thread = (libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND) as u64;
        let threads_only = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(thread), thread)
            .and_then(|condition| SeccompRule::new(vec![condition]))?;
        rules.insert(libc::SYS_clone, vec![threads_only]);
        // Signals and limits of this process only.
        let own = u64::from(std::process::id());
        rules.insert(libc::SYS_tgkill, vec![equals(0, SeccompCmpArgLen::Dword, own)?]);
        rules.insert(libc::SYS_prlimit64, vec![equals(0, SeccompCmpArgLen::Dword, 0)?]);
        // The standard library asks this of a descriptor before it closes it, in builds with debug assertions.
        rules.insert(libc::SYS_fcntl, vec![equals(1, SeccompCmpArgLen::Dword, libc::F_GETFD as u64)?]);
        let architecture = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, architecture)?
            .try_into()
    }

    /// Reading and writing what is open, memory, time, the own end.
    const ALLOWED: &[libc::c_long] = &[
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll,
        libc::SYS_ppoll,
        libc::SYS_read,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_clone3,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrusage,
        libc::SYS_setrlimit,
        libc::SYS_getrlimit,
        libc::SYS_setitimer,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
