//! `pop check`: looks up and checks the obligations of files, folders and logs.

use crate::args::seconds;
use crate::check::account::{Account, NoVerdictMeans};
use crate::check::glob::Glob;
use crate::check::paths::Filter;
use crate::check::report::{self, annotations, json, junit, sarif, text};
use crate::check::settings::{self, Besides, ByNode, Settings, VacuousMeans};
use crate::exit::{Exit, Failure, Outcome};
use crate::logs::ClaimRule;
use crate::say;
use clap::{Args, ValueEnum};
use protocol::seed::Seed;
use protocol::verdict::VerifierParameters;
use protocol::worker::SandboxMode;
use std::path::PathBuf;
use std::time::Duration;

/// Names the node that is asked if no option does.
const NODE_VARIABLE: &str = "POP_NODE";

/// Check everything that a project's verifier wrote; what was checked before is known at once.
///
/// Exit code: 0 every claim holds, 5 one is refuted (or vacuous, with --deny-vacuous), 6 one has no verdict, 2 one is bad
/// input or claims nothing, 130 after Ctrl-C; 2 goes before 5 before 6.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Logs of verifiers and SMT-LIB 2 scripts, plain or gzipped, folders with all that is below them, or manifests; - is the
    /// standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Check on this machine, without a network [default if no node is named]
    #[arg(long, conflicts_with_all = ["node", "key", "yes"])]
    local: bool,
    /// Ask a network, by this node of it: a node id, or HOST:PORT of its HTTP. What it does not know is submitted, and becomes
    /// public [default: what the environment variable POP_NODE names]
    #[arg(long, value_name = "NODE", conflicts_with_all = ["time", "memory", "sandbox"])]
    node: Option<String>,
    /// Submit without asking
    #[arg(long)]
    yes: bool,
    /// The key that signs submissions; made if there is none [default: submitter.submit-key in the user's own data directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
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
    #[arg(long, conflicts_with_all = ["node", "explain", "deny_vacuous", "stability"])]
    incremental: bool,
    /// Whether an obligation without a verdict fails the run
    #[arg(long, value_enum, default_value_t = NoVerdictMeans::Fail)]
    no_verdict: NoVerdictMeans,
    /// Find out also why each theorem holds: whether what it assumes contradicts itself, and which assertions it does not
    /// need. Two more runs of the solver for each
    #[arg(long, conflicts_with = "node")]
    explain: bool,
    /// Explain, and fail if a theorem holds only because what it assumes contradicts itself
    #[arg(long, conflicts_with = "node")]
    deny_vacuous: bool,
    /// Check everything again with the solver's seeds from 1 to K (at most 100), and list what is brittle, the worst first
    #[arg(long, value_name = "K", conflicts_with = "node")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(Seed::MAX)))]
    stability: Option<u32>,
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
        let mut account = crate::check::run(&self.settings()?)?;
        account.sort();
        let exit = account.exit(self.no_verdict);
        self.print(&account);
        self.write_reports(&account, exit)?;
        match account.failure {
            Some(failure) if !account.interrupted => Err(failure),
            _ => Ok(exit),
        }
    }

    /// The node that is asked: the one that was named here, or in the environment.
    fn node(&self) -> Result<Option<ByNode>, Failure> {
        let by_environment = || std::env::var(NODE_VARIABLE).ok().filter(|node| !node.is_empty() && !self.local);
        let node = match (&self.node, by_environment()) {
            (Some(node), _) => node.clone(),
            (None, Some(_)) if self.time.is_some() || self.memory.is_some() => {
                let message = format!(
                    "{NODE_VARIABLE} names a node, whose network has limits of its own: --time and --memory go with --local"
                );
                return Err(Failure::new(Exit::Input, message));
            }
            (None, Some(_)) if self.explain || self.deny_vacuous || self.stability.is_some() || self.incremental => {
                let message = format!(
                    "{NODE_VARIABLE} names a node, and no network explains or checks again: --explain, --deny-vacuous, --stability and --incremental go with --local"
                );
                return Err(Failure::new(Exit::Input, message));
            }
            (None, Some(node)) => node,
            (None, None) if self.yes || self.key.is_some() => {
                return Err(Failure::new(Exit::Input, "--yes and --key are for submitting: name a node with --node"));
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(ByNode { node, key: self.key.clone(), yes: self.yes }))
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
            node: self.node()?,
            besides: Besides { explain: self.explain || self.deny_vacuous, seeds: self.stability.unwrap_or(0) },
            vacuous: if self.deny_vacuous { VacuousMeans::Fail } else { VacuousMeans::Pass },
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
