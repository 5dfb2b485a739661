//! The worker as a process: its descriptors, limits, signals, and the codes with which it ends.
//!
//! Runs once, at start, before any script; only [`Limits`] works per job. Exit codes matter because Z3 calls
//! `exit(101)` when memory ends, which is also a Rust panic's code.

use protocol::types::Millis;
use protocol::verdict::SolverLimits;
use protocol::verdict::exit_code;
use protocol::worker::STACK_BYTES;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Priority below the node's, so that no vote waits behind a solver.
const NICE: i32 = 10;

/// What a worker computes for without another's turn, if nobody wakes up.
const TURN_NS: u64 = 20_000_000;

/// The two ends of the conversation, and the pipe that ends with the node.
pub struct Channels {
    pub requests: File,
    pub reports: File,
    pub control: OwnedFd,
    /// Where the reason of a failed start goes; closed before the first job.
    pub errors: File,
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Moves the conversation to descriptors of its own and points 0, 1 and 2 at the null device: the solver prints to
/// standard output under some options. Whatever else was inherited is closed.
///
/// # Errors
/// If a descriptor cannot be duplicated, or there is no null device.
pub fn take_channels(control: RawFd) -> io::Result<Channels> {
    // SAFETY: only descriptors that were just made are wrapped; the others are closed by number before anything in this
    // process could own them.
    unsafe {
        let requests = check(libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 64))?;
        let reports = check(libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 64))?;
        let control = check(libc::fcntl(control, libc::F_DUPFD_CLOEXEC, 64))?;
        let errors = check(libc::fcntl(2, libc::F_DUPFD_CLOEXEC, 64))?;
        for descriptor in (3..1024).filter(|number| ![requests, reports, control, errors].contains(number)) {
            libc::close(descriptor);
        }
        let null = check(libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC))?;
        check(libc::dup2(null, 0))?;
        check(libc::dup2(null, 1))?;
        check(libc::dup2(null, 2))?;
        libc::close(null);
        Ok(Channels {
            requests: File::from_raw_fd(requests),
            reports: File::from_raw_fd(reports),
            control: OwnedFd::from_raw_fd(control),
            errors: File::from_raw_fd(errors),
        })
    }
}

/// Gives every signal its default effect, and none is blocked: the node's own settings were inherited.
pub fn reset_signals() {
    // SAFETY: plain system calls on zero-initialised sets.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        for signal in [libc::SIGPROF, libc::SIGXCPU, libc::SIGXFSZ, libc::SIGTERM, libc::SIGALRM, libc::SIGCHLD] {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}

fn set_limit(kind: LimitKind, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft as libc::rlim_t, rlim_max: hard as libc::rlim_t };
    // SAFETY: the structure is valid for the call.
    unsafe { check(libc::setrlimit(kind, &limit)).map(|_| ()) }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
type LimitKind = libc::__rlimit_resource_t;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
type LimitKind = libc::c_int;

/// Sets what holds for the whole life of the process: no files can grow, no core is dumped, and no
/// job gets more address space than `memory_bytes_max`.
///
/// # Errors
/// If the system refuses one of them.
pub fn set_process_limits(memory_bytes_max: u64) -> io::Result<()> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: tuning calls. A second heap for the second thread would reserve 64 MiB of the limited address space. And the
    // solver takes and frees some megabytes for each script: [`trim_memory`] gives back what is too much.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 2 * FREE_BYTES_KEPT as libc::c_int);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TOP_PAD, 4 << 20);
    }
    // When the machine runs out of memory, the worker goes first and not the node. Not every system lets us say so.
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/oom_score_adj", "800");
    set_limit(libc::RLIMIT_CORE, 0, 0)?;
    set_limit(libc::RLIMIT_FSIZE, 0, 0)?;
    // A parent may have set a lower one, which is as good.
    let _ = set_limit(libc::RLIMIT_STACK, STACK_BYTES, STACK_BYTES);
    // macOS counts shared system images as address space and would refuse to run at all.
    #[cfg(target_os = "linux")]
    set_limit(libc::RLIMIT_AS, memory_bytes_max, memory_bytes_max)?;
    #[cfg(not(target_os = "linux"))]
    let _ = memory_bytes_max;
    Ok(())
}

/// Lets everything else on this machine go first. A priority that cannot be lowered is no reason not to work.
pub fn stand_back() {
    // SAFETY: a plain system call.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
    #[cfg(target_os = "linux")]
    take_long_turns();
}

/// Asks Linux (6.12 and newer) for longer turns than others have: whoever wakes up with a shorter one goes first, at once,
/// which a lower priority alone does not give. Older kernels ignore it.
#[cfg(target_os = "linux")]
fn take_long_turns() {
    /// `struct sched_attr` of sched_setattr(2).
    #[repr(C)]
    struct Attributes {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime_ns: u64,
        deadline_ns: u64,
        period_ns: u64,
    }
    let attributes = Attributes {
        size: size_of::<Attributes>() as u32,
        policy: libc::SCHED_OTHER as u32,
        flags: 0,
        nice: NICE,
        priority: 0,
        runtime_ns: TURN_NS,
        deadline_ns: 0,
        period_ns: 0,
    };
    // SAFETY: the structure is of the size that it says and valid for the call. A refusal changes nothing.
    unsafe {
        libc::syscall(libc::SYS_sched_setattr, 0, &attributes, 0);
    }
}

/// From here on no descriptor can be opened. Landlock needs one to be applied, so this comes after it.
///
/// # Errors
/// If the system refuses.
pub fn forbid_descriptors() -> io::Result<()> {
    set_limit(libc::RLIMIT_NOFILE, 0, 0)
}

/// The bounds of one job, while it runs.
pub struct Limits {
    started: Millis,
}

impl Limits {
    /// Bounds processor time to the millisecond (SIGPROF ends the process) and, should that fail, to the second
    /// (SIGXCPU), and address space.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(limits: &SolverLimits, memory_bytes_max: u64) -> io::Result<Limits> {
        let started = processor_time();
        MEMORY_BYTES.store(limits.memory_bytes.min(memory_bytes_max), Ordering::Relaxed);
        #[cfg(target_os = "linux")]
        set_limit(libc::RLIMIT_AS, limits.memory_bytes.min(memory_bytes_max), memory_bytes_max)?;
        let seconds = (started.0.saturating_add(limits.cpu_ms)).div_ceil(1000).saturating_add(1);
        set_limit(libc::RLIMIT_CPU, seconds, libc::RLIM_INFINITY)?;
        set_timer(limits.cpu_ms)?;
        IN_JOB.store(true, Ordering::Relaxed);
        Ok(Limits { started })
    }

    /// Processor time since the start.
    pub fn used(&self) -> Millis {
        processor_time().since(self.started)
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        IN_JOB.store(false, Ordering::Relaxed);
        // Nothing to be done if it fails: the next job sets it anew, or the process ends by it.
        let _ = set_timer(0);
    }
}

fn set_timer(cpu_ms: u64) -> io::Result<()> {
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let value = libc::timeval {
        tv_sec: libc::time_t::try_from(cpu_ms / 1000).unwrap_or(libc::time_t::MAX),
        tv_usec: (cpu_ms % 1000 * 1000) as libc::suseconds_t,
    };
    let timer = libc::itimerval { it_interval: zero, it_value: value };
    // SAFETY: the structure is valid for the call, and the old value is not asked for.
    unsafe { check(libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut())).map(|_| ()) }
}

fn processor_time() -> Millis {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is valid for the call, which cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Millis(time.tv_sec.unsigned_abs().saturating_mul(1000).saturating_add(time.tv_nsec.unsigned_abs() / 1_000_000))
}

/// Highest resident memory of this process, in bytes.
pub fn peak_memory_bytes() -> u64 {
    // SAFETY: the structure is plain data that the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    usage.ru_maxrss.unsigned_abs().saturating_mul(unit)
}

/// Starts the thread that ends the process with the node: it waits for the end of a pipe that only the node holds.
/// (A parent-death signal would fire when the node's spawning thread ends.)
///
/// # Errors
/// If no thread can be made.
pub fn watch_control(control: OwnedFd) -> io::Result<()> {
    let (ready, started) = std::sync::mpsc::channel();
    std::thread::Builder::new().name("control".into()).stack_size(128 << 10).spawn(move || {
        // The sandbox is applied once this thread runs: its start needs system calls that are denied later.
        let _ = ready.send(());
        let mut byte = 0u8;
        loop {
            // SAFETY: one byte of our own stack is written.
            let count = unsafe { libc::read(control.as_raw_fd(), (&raw mut byte).cast(), 1) };
            let interrupted = count < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
            if count <= 0 && !interrupted {
                // SAFETY: ends the process at once; destructors of the solver could block.
                unsafe { libc::_exit(0) }
            }
        }
    })?;
    started.recv().map_err(|_| io::Error::other("the control thread did not start"))
}

/// A job is being worked on.
static IN_JOB: AtomicBool = AtomicBool::new(false);
/// The limit of address space of the job.
static MEMORY_BYTES: AtomicU64 = AtomicU64::new(u64::MAX);
/// `/proc/self/statm`, opened before the sandbox: the only way to know how much memory is used when the end comes.
static STATM: AtomicI32 = AtomicI32::new(-1);

/// Where the stack of this thread, the first one, may not grow any further; 0 if it may.
static STACK_END: AtomicUsize = AtomicUsize::new(0);

/// How far from there an access beyond the stack may be: the frame that did not fit, and what lies above this process'
/// first frame.
const STACK_SLACK: usize = 1 << 20;

/// Keeps where the stack ends. Called from the thread that runs the solver, near the top of its stack.
fn find_the_stacks_end() {
    let here = 0u8;
    // SAFETY: the structure is valid for the call.
    let bytes = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_STACK, &mut limit) == 0 { limit.rlim_cur } else { libc::RLIM_INFINITY }
    };
    let end = usize::try_from(bytes).ok().and_then(|bytes| (&raw const here as usize).checked_sub(bytes));
    STACK_END.store(end.unwrap_or(0), Ordering::Relaxed);
}

/// Makes every way in which the solver can end this process tell which one it was.
pub fn name_the_end() {
    find_the_stacks_end();
    #[cfg(target_os = "linux")]
    // SAFETY: opens a file by a constant name; the descriptor stays open for the life of the process.
    STATM.store(
        unsafe { libc::open(c"/proc/self/statm".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) },
        Ordering::Relaxed,
    );
    // SAFETY: ends the process without running anything else of it.
    std::panic::set_hook(Box::new(|_| unsafe { libc::_exit(exit_code::PANIC) }));
    // SAFETY: the handlers only read atomics, read one open file, and end the process: all allowed in a signal handler.
    unsafe {
        libc::atexit(on_exit);
        for signal in [libc::SIGABRT, libc::SIGSEGV, libc::SIGBUS] {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction =
                on_fault as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) as usize;
            // After one call the default holds again, and the fault repeats with it.
            action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK | libc::SA_SIGINFO;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

extern "C" fn on_exit() {
    if IN_JOB.load(Ordering::Relaxed) {
        let code = if memory_is_short() { exit_code::MEMORY } else { exit_code::SOLVER_EXIT };
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(code) }
    }
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    if !IN_JOB.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: the system gives a valid structure, and for a bad access it holds the address.
    let address = if signal == libc::SIGABRT { 0 } else { unsafe { (*info).si_addr() as usize } };
    let end = STACK_END.load(Ordering::Relaxed);
    if end != 0 && address.abs_diff(end) < STACK_SLACK {
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(exit_code::STACK) }
    }
    if memory_is_short() {
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(exit_code::MEMORY) }
    }
}

/// Whether more than half of the limit is in use: what then fails is most likely a table that was to be doubled.
fn memory_is_short() -> bool {
    let mut text = [0u8; 32];
    // SAFETY: reads into our own buffer, from a descriptor that is open or -1.
    let count = unsafe { libc::pread(STATM.load(Ordering::Relaxed), text.as_mut_ptr().cast(), text.len(), 0) };
    let count = usize::try_from(count).unwrap_or(0);
    let digits = text[..count].iter().take_while(|byte| byte.is_ascii_digit());
    let pages = digits.fold(0u64, |sum, byte| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')));
    // SAFETY: a question to the system.
    let page_bytes = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    pages.saturating_mul(page_bytes) >= MEMORY_BYTES.load(Ordering::Relaxed) / 2
}

/// What the last proof freed may stay with the process up to this much, a context of the solver among it: giving that back
/// and taking it again costs a small script five times its check.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const FREE_BYTES_KEPT: usize = 48 << 20;

/// Gives memory that the last proof used back to the system, so that the next one's peak is its own, to within what is kept.
pub fn trim_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: a question to the allocator, and a tuning call of it.
    unsafe {
        if libc::mallinfo2().fordblks > FREE_BYTES_KEPT {
            libc::malloc_trim(1 << 20);
        }
    }
}

/// Waits until something can be read, its end included, or the time is over. A wait that fails counts as readable: reading
/// tells why.
pub fn is_readable_within(stream: &File, span: Duration) -> bool {
    let mut descriptor = libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = libc::c_int::try_from(span.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: one descriptor that is open for as long as `stream` is borrowed.
    unsafe { libc::poll(&mut descriptor, 1, milliseconds) != 0 }
}
