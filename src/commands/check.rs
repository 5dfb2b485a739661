//! `pop check`: looks up and checks the obligations of files, folders and logs.

use crate::args::seconds;
use crate::check::account::{Account, NoVerdictMeans};
use crate::check::glob::Glob;
use crate::check::paths::Filter;
use crate::check::report::{self, annotations, json, junit, sarif, text};
use crate::check::settings::{self, Settings};
use crate::exit::{Exit, Failure, Outcome};
use crate::logs::ClaimRule;
use crate::say;
use clap::{Args, ValueEnum};
use protocol::verdict::VerifierParameters;
use protocol::worker::SandboxMode;
use std::path::PathBuf;
use std::time::Duration;

/// Check everything that a project's verifier wrote; what was checked before is known at once.
///
/// Exit code: 0 every claim holds, 5 one is refuted, 6 one has no verdict, 2 one is bad input or claims nothing, 130 after
/// Ctrl-C; 2 goes before 5 before 6.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Logs of verifiers and SMT-LIB 2 scripts, plain or gzipped, folders with all that is below them, or manifests; - is the
    /// standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Check on this machine, without a network [default if no node is named]
    #[arg(long, conflicts_with = "node")]
    local: bool,
    /// Not there: a node is not asked yet
    #[arg(long, value_name = "NODE", hide = true)]
    node: Option<String>,
    /// The answer that is claimed of every obligation; logged takes each log's own answers. If not given, the manifest.json
    /// beside a file, an obligation's :status or the tool that wrote the log says it
    #[arg(long, value_parser = ["unsat", "sat", "logged"])]
    claim: Option<String>,
    /// Scripts that are checked at once [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Take only files that fit the pattern: * and ? within a name, ** for folders; without / it is about the name alone
    #[arg(long, value_name = "GLOB")]
    include: Vec<Glob>,
    /// Leave out files that fit the pattern
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Glob>,
    /// Seconds of processor time for each check; nothing but time and memory limits it then [default: 20, and 200,000,000
    /// of the solver's steps]
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    time: Option<Duration>,
    /// Memory of each check, in MiB, from 256 on [default: 1024]
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,
    /// Keep what the queries of a log have in common asserted between them, as the tool did. What holds so is marked, and
    /// remembered apart; everything else is checked again by itself
    #[arg(long, conflicts_with = "node")]
    incremental: bool,
    /// Whether an obligation without a verdict fails the run
    #[arg(long, value_enum, default_value_t = NoVerdictMeans::Fail)]
    no_verdict: NoVerdictMeans,
    /// List what holds, too
    #[arg(long)]
    verbose: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Write a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a SARIF 2.1.0 report to this file
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Whether the solver may run without Landlock and seccomp
    #[arg(long, value_enum, default_value_t = Sandbox::Required)]
    sandbox: Sandbox,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sandbox {
    Required,
    Off,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        if let Some(node) = &self.node {
            let message = format!("pop check does not ask a node ({node}): without --node it checks on this machine");
            return Err(Failure::new(Exit::Input, message));
        }
        let mut account = crate::check::run(&self.settings()?)?;
        account.sort();
        let exit = account.exit(self.no_verdict);
        self.print(&account);
        self.write_reports(&account, exit)?;
        Ok(exit)
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let limits = settings::limits(self.time, self.memory.map(|mebibytes| mebibytes.saturating_mul(1 << 20)));
        let in_words = |error| Failure::new(Exit::Input, self.wrong_limit(&error));
        limits.check().map_err(in_words)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Settings {
            paths: self.paths.clone(),
            filter: Filter { include: self.include.clone(), exclude: self.exclude.clone() },
            rule: match self.claim.as_deref() {
                None => ClaimRule::Found,
                // clap has let in nothing but the two words besides.
                Some(word) => word.parse().map_or(ClaimRule::Logged, ClaimRule::Given),
            },
            jobs: self.jobs.map_or(cores, usize::from),
            limits,
            sandbox: match self.sandbox {
                Sandbox::Required => SandboxMode::Required,
                Sandbox::Off => SandboxMode::Off,
            },
            incremental: self.incremental,
        })
    }

    /// What is wrong, in the units of the options.
    fn wrong_limit(&self, error: &impl std::fmt::Display) -> String {
        let seconds_max = VerifierParameters::CPU_MS_MAX / 1_000;
        let (min, max) = (VerifierParameters::MEMORY_BYTES_MIN >> 20, VerifierParameters::MEMORY_BYTES_MAX >> 20);
        match (self.memory, self.time) {
            (Some(memory), _) if !(min..=max).contains(&memory) => {
                format!("--memory {memory}: it must be from {min} to {max} MiB")
            }
            (_, Some(time)) => format!("--time {}: it must be from 0.001 to {seconds_max} seconds", time.as_secs_f64()),
            _ => error.to_string(),
        }
    }

    fn print(&self, account: &Account) {
        if let Some(trouble) = &account.trouble {
            eprintln!("warning: {}", crate::text::plain(trouble));
        }
        let annotations =
            if annotations::are_wanted() { annotations::lines(account, self.no_verdict) } else { Vec::new() };
        if self.json {
            // The standard output is one document; the runner reads commands from both.
            annotations.iter().for_each(|line| eprintln!("{line}"));
            say!("{:#}", json::document(account));
        } else {
            annotations.iter().for_each(|line| say!("{line}"));
            text::print(account, text::Style::new(self.verbose));
        }
    }

    fn write_reports(&self, account: &Account, exit: Exit) -> Result<(), Failure> {
        if let Some(path) = &self.junit {
            report::write(path, &junit::document(account, self.no_verdict)).map_err(Failure::with(Exit::Input))?;
        }
        if let Some(path) = &self.sarif {
            let document = sarif::document(account, self.no_verdict, exit as u8);
            report::write(path, &format!("{document:#}\n")).map_err(Failure::with(Exit::Input))?;
        }
        Ok(())
    }
}
