//! The worker's life: take the descriptors, lock the doors, say hello, then one report for every job until the node
//! closes the pipe.
//!
//! Nothing here decides about a proof. The order of the start matters: the library is opened while files can still be
//! opened, its hash is there before the hello, and no byte of a script is read before the sandbox holds.

use crate::check::Checker;
use crate::process::Channels;
use crate::{pin, process, sandbox, solver};
use protocol::verdict::{Job, Report, SolverPin, exit_code};
use protocol::worker::{
    Hello, JOB_FRAME_BYTES_MAX, Priority, REPORT_FRAME_BYTES_MAX, SandboxMode, SandboxState, Settings, WORKER_VERSION,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::Duration;

/// A worker that has been idle for so long prepares for the next proof.
const PREPARE_AFTER: Duration = Duration::from_millis(20);

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("this program is started by `pop`, with --control and the number of a descriptor")]
    Usage,
    #[error("cannot set up the process: {0}")]
    Process(#[from] io::Error),
    #[error("cannot read the solver library: {0}")]
    Library(io::Error),
    #[error("{0}; to run without protection set verifier.sandbox to \"off\"")]
    Sandbox(#[from] sandbox::SandboxError),
    #[error(
        "pop speaks version {got} with its worker, and this pop-verifier version {expected}: install both from one build"
    )]
    Version { expected: u32, got: u32 },
    #[error("the node ended before it said anything")]
    NoSettings,
}

/// Runs one worker process, to its end.
pub fn main() -> ExitCode {
    let channels = match take_channels() {
        Ok(channels) => channels,
        Err(error) => {
            eprintln!("pop-verifier: {error}");
            return ExitCode::from(exit_code::CANNOT_START as u8);
        }
    };
    let Channels { mut requests, mut reports, control, mut errors } = channels;
    match start(&mut requests, &mut reports, control) {
        Ok((settings, checker)) => {
            drop(errors);
            serve(&mut requests, &mut reports, &settings, checker)
        }
        Err(error) => {
            // Without a reader the exit code must do.
            let _ = writeln!(errors, "pop-verifier: {error}");
            ExitCode::from(exit_code::CANNOT_START as u8)
        }
    }
}

fn take_channels() -> Result<Channels, StartError> {
    let control = control_descriptor().ok_or(StartError::Usage)?;
    process::reset_signals();
    Ok(process::take_channels(control)?)
}

/// Everything up to the hello: from here on the process may meet scripts.
fn start(requests: &mut File, reports: &mut File, control: OwnedFd) -> Result<(Settings, Checker), StartError> {
    let settings: Settings = read_frame(requests)?.ok_or(StartError::NoSettings)?;
    if settings.version != WORKER_VERSION {
        return Err(StartError::Version { expected: WORKER_VERSION, got: settings.version });
    }
    let library = pin::Loaded::find(settings.known_library.as_ref()).map_err(StartError::Library)?;
    match settings.priority {
        Priority::Background => process::stand_back(),
        Priority::Foreground => {}
    }
    process::set_process_limits(settings.memory_bytes_max)?;
    process::name_the_end();
    let mut hashing = None;
    let start_threads = || {
        process::watch_control(control)?;
        hashing = Some(library.hash()?);
        process::forbid_descriptors()
    };
    let sandbox = match settings.sandbox {
        SandboxMode::Required => sandbox::enter(start_threads)?,
        SandboxMode::Off => start_threads().map(|()| SandboxState::Off)?,
    };
    // The first context takes about as long as the hash: side by side. The thread is gone before the first job.
    let mut checker = Checker::default();
    checker.prepare();
    let library = hashing.map_or_else(|| Err(io::Error::other("it was not hashed")), pin::Hashing::finish);
    let library = library.map_err(StartError::Library)?;
    let hello = Hello {
        version: WORKER_VERSION,
        pin: SolverPin { library: library.hash, normaliser_version: smtlib::VERSION },
        library,
        solver: solver::version(),
        sandbox,
        peak_memory_bytes: process::peak_memory_bytes(),
    };
    write_frame(reports, &hello)?;
    Ok((settings, checker))
}

/// `--control N`: an option parser would be the larger part of this program.
fn control_descriptor() -> Option<i32> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some("--control"), Some(number), None) => number.parse().ok().filter(|&number| number > 2),
        _ => None,
    }
}

fn serve(requests: &mut File, reports: &mut File, settings: &Settings, mut checker: Checker) -> ExitCode {
    loop {
        // While it waits, a worker makes what the next proof needs; but not at once: validators that share a machine check
        // the same proof just now, and each has to before the network goes on.
        if !process::is_readable_within(requests, PREPARE_AFTER) {
            checker.prepare();
        }
        let job = match read_frame::<Job>(requests) {
            Ok(Some(job)) => job,
            Ok(None) => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::from(exit_code::BAD_FRAME as u8),
        };
        let report = check_within_limits(&mut checker, &job, settings);
        if write_frame(reports, &report).is_err() {
            return ExitCode::from(exit_code::BAD_FRAME as u8);
        }
        checker.tidy();
        process::trim_memory();
    }
}

fn check_within_limits(checker: &mut Checker, job: &Job, settings: &Settings) -> Report {
    match process::Limits::start(&job.limits.hard, settings.memory_bytes_max) {
        Ok(limits) => {
            let report = checker.check(job);
            Report { cpu: limits.used(), ..report }.bounded()
        }
        // Without its limits no script may run.
        Err(_) => std::process::exit(exit_code::CANNOT_START),
    }
}

/// Reads one frame; `None` at the end of the stream.
fn read_frame<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > JOB_FRAME_BYTES_MAX {
        return Err(io::Error::other(format!("a frame of {length} bytes, at most {JOB_FRAME_BYTES_MAX} are allowed")));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    rmp_serde::from_slice(&bytes).map(Some).map_err(io::Error::other)
}

/// Writes one frame.
fn write_frame(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = rmp_serde::to_vec_named(message).map_err(io::Error::other)?;
    if bytes.len() > REPORT_FRAME_BYTES_MAX {
        return Err(io::Error::other(format!("a frame of {} bytes, at most {REPORT_FRAME_BYTES_MAX}", bytes.len())));
    }
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), bytes.as_slice()].concat())
}
