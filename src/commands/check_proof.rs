//! `pop check-proof`: the check that every validator makes, on this machine alone.
//!
//! Decides nothing: the verdict is the verifier's, under the default limits of a genesis.

use crate::exit::{Exit, Failure, Outcome};
use crate::obligation::{self, ClaimSource, Obligation, Reader};
use crate::say;
use actors::verifier_pool::{Pending, PoolConfig, PoolError, VerifierPool, program_beside_this_one};
use clap::{Args, ValueEnum};
use protocol::verdict::{Answer, Claim, Job, Report, Verdict, VerifierParameters};
use protocol::worker::{SandboxMode, SandboxState};
use serde_json::json;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Check proofs with the pinned solver, without a network.
///
/// Exit code: 0 every claim holds (without a claim: was answered), 5 one is refuted, 6 one has no verdict, 2 one is bad
/// input; for several files 2 goes before 5 before 6.
#[derive(Debug, Args)]
pub struct Arguments {
    /// SMT-LIB 2 scripts, folders of them, or manifests that name them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The answer that is claimed; if not given, the manifest.json beside the file or the script's :status says it
    #[arg(long, value_parser = ["unsat", "sat"])]
    claim: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Whether the solver may run without Landlock and seccomp
    #[arg(long, value_enum, default_value_t = Sandbox::Required)]
    sandbox: Sandbox,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sandbox {
    Required,
    Off,
}

/// One file's way through: read and given to a worker, or not even that.
struct Step {
    path: PathBuf,
    result: Result<(Obligation, Pending), String>,
}

/// What one file came to.
struct Outcomes {
    results: Vec<serde_json::Value>,
    counts: [usize; 4],
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        // clap has let in nothing but the two words.
        let claim: Option<Claim> = self.claim.as_deref().and_then(|word| word.parse().ok());
        let files = self.scripts()?;
        let pool = self.start_pool(files.len())?;
        if !self.json && pool.hello().sandbox != SandboxState::Enforced {
            eprintln!("warning: the solver runs without a sandbox ({:?})", pool.hello().sandbox);
        }
        let mut reader = Reader::new(claim);
        let mut outcomes = Outcomes { results: Vec::new(), counts: [0; 4] };
        let mut waiting = VecDeque::new();
        for path in &files {
            if waiting.len() > pool.workers() {
                self.finish(&pool, waiting.pop_front(), &mut outcomes)?;
            }
            waiting.push_back(begin(&pool, &mut reader, path)?);
        }
        while !waiting.is_empty() {
            self.finish(&pool, waiting.pop_front(), &mut outcomes)?;
        }
        self.conclude(&pool, outcomes)
    }

    fn scripts(&self) -> Result<Vec<PathBuf>, Failure> {
        let found: Result<Vec<_>, _> = self.files.iter().map(|path| obligation::scripts(path)).collect();
        Ok(found.map_err(Failure::with(Exit::Input))?.concat())
    }

    fn start_pool(&self, files: usize) -> Result<VerifierPool, Failure> {
        let program = program_beside_this_one().map_err(Failure::with(Exit::Internal))?;
        let mut config = PoolConfig::new(program, VerifierParameters::default());
        config.workers = config.workers.min(files).max(1);
        config.spare = files > config.workers;
        config.sandbox = match self.sandbox {
            Sandbox::Required => SandboxMode::Required,
            Sandbox::Off => SandboxMode::Off,
        };
        VerifierPool::start(config).map_err(Failure::with(Exit::Configuration))
    }

    fn finish(&self, pool: &VerifierPool, step: Option<Step>, outcomes: &mut Outcomes) -> Result<(), Failure> {
        let Some(Step { path, result }) = step else { return Ok(()) };
        let name = path.display().to_string();
        let (exit, value) = match result {
            Ok((obligation, pending)) => {
                let report = pending.blocking_recv().unwrap_or(Err(PoolError::Closed));
                let mut report = report.map_err(Failure::with(Exit::Internal))?;
                report.warnings.extend(vacuity(pool, &obligation, &report));
                if !self.json {
                    print(&name, obligation.claim, &report);
                }
                (exit_of(&report.verdict), describe(&name, obligation.claim, &report))
            }
            Err(error) => {
                if !self.json {
                    say!("{name}: not read\n  {error}");
                }
                (Exit::Input, json!({ "file": name, "error": error }))
            }
        };
        outcomes.counts[rank(exit)] += 1;
        if self.json {
            outcomes.results.push(value);
        }
        Ok(())
    }

    fn conclude(&self, pool: &VerifierPool, outcomes: Outcomes) -> Outcome {
        let [bad, refuted, undecided, fine] = outcomes.counts;
        if self.json {
            let solver = json!({ "version": pool.hello().solver, "pin": pool.pin(), "sandbox": pool.hello().sandbox });
            let document = json!({ "solver": solver, "results": outcomes.results });
            say!("{document:#}");
        } else if outcomes.counts.iter().sum::<usize>() > 1 {
            let total: usize = outcomes.counts.iter().sum();
            say!("{total} files: {fine} hold, {refuted} refuted, {undecided} without a verdict, {bad} not accepted");
        }
        let worst = outcomes.counts.iter().position(|&count| count > 0).unwrap_or(3);
        Ok([Exit::Input, Exit::Refuted, Exit::NoVerdict, Exit::Fine][worst])
    }
}

/// Position in the order in which exit codes go before each other.
fn rank(exit: Exit) -> usize {
    match exit {
        Exit::Refuted => 1,
        Exit::NoVerdict => 2,
        Exit::Fine => 3,
        _ => 0,
    }
}

fn exit_of(verdict: &Verdict) -> Exit {
    match verdict {
        Verdict::Confirmed { .. } => Exit::Fine,
        Verdict::Refuted { .. } => Exit::Refuted,
        Verdict::NoVerdict { .. } => Exit::NoVerdict,
        Verdict::Rejected { .. } => Exit::Input,
    }
}

fn begin(pool: &VerifierPool, reader: &mut Reader, path: &Path) -> Result<Step, Failure> {
    let result = match reader.read(path) {
        Ok(obligation) => {
            let claim = obligation.claim.map(|(claim, _)| claim);
            let script = obligation.script.clone();
            let job = Job { script, claim, limits: VerifierParameters::default(), without_goal: false };
            let pending = pool.submit(&job).map_err(Failure::with(Exit::Internal))?;
            Ok((obligation, pending))
        }
        Err(error) => Err(error.to_string()),
    };
    Ok(Step { path: path.to_owned(), result })
}

/// Whether a theorem holds only because its assumptions contradict each other: a second check, for little more than the
/// first one cost. What it does not find out it does not say.
fn vacuity(pool: &VerifierPool, obligation: &Obligation, report: &Report) -> Option<String> {
    let count = report.resource_count.filter(|_| report.answer == Some(Answer::Unsat))?;
    let mut limits = VerifierParameters::default();
    limits.hard.resource_count = count.0.saturating_mul(4).clamp(10_000, limits.soft.resource_count);
    limits.hard.cpu_ms = report.cpu.0.saturating_mul(4).clamp(200, 2_000);
    let job = Job { script: obligation.script.clone(), claim: None, limits, without_goal: true };
    let answer = pool.check_blocking(&job).ok()?.answer;
    (answer == Some(Answer::Unsat)).then(|| {
        "the assertions before the last one contradict each other: what the last one says does not matter".to_owned()
    })
}

fn describe(name: &str, claim: Option<(Claim, ClaimSource)>, report: &Report) -> serde_json::Value {
    json!({
        "file": name,
        "claim": claim.map(|(claim, _)| claim),
        "claimed": claim.map(|(_, source)| source.word()),
        "report": report,
    })
}

/// What a person reads: the verdict first, then what it rests on, then what the solver was not shown.
fn print(name: &str, claim: Option<(Claim, ClaimSource)>, report: &Report) {
    match &report.verdict {
        Verdict::Confirmed { within_soft_limits, .. } => {
            let kind = if claim.is_some() { "holds" } else { "answered" };
            say!("{name}: {kind}");
            if !within_soft_limits {
                say!("  beyond the soft limits: a validator that finds this too will not announce it as ready");
            }
        }
        Verdict::Refuted { .. } => say!("{name}: refuted"),
        Verdict::NoVerdict { reason } => say!("{name}: no verdict\n  {reason}"),
        Verdict::Rejected { line, column, text } => {
            say!("{name}: not accepted\n  line {line}, column {column}: {text}")
        }
    }
    match (claim, report.answer) {
        (Some((claim, source)), Some(answer)) => say!("  claimed {claim} ({}), answered {answer}", source.word()),
        (Some((claim, source)), None) => say!("  claimed {claim} ({})", source.word()),
        (None, Some(answer)) => say!("  answered {answer}; nothing is claimed"),
        (None, None) => {}
    }
    if let Verdict::Rejected { .. } = report.verdict {
        return;
    }
    let count = report.resource_count.map_or_else(|| "none".to_owned(), |count| grouped(count.0));
    let mebibytes = report.peak_memory_bytes.div_ceil(1 << 20);
    say!("  resource count {count}, {} ms of processor time, {mebibytes} MiB at most", report.cpu);
    let assumed = &report.assumptions;
    say!(
        "  rests on {} assertions, {} quantifiers, {} uninterpreted symbols, {} recursive definitions",
        assumed.assertions,
        assumed.quantifiers,
        assumed.uninterpreted_symbols,
        assumed.recursive_definitions
    );
    report.notes.iter().for_each(|note| say!("  line {}, column {}: {}", note.line, note.column, note.text));
    if report.notes_omitted > 0 {
        say!("  and {} more of this kind", report.notes_omitted);
    }
    report.warnings.iter().for_each(|warning| say!("  warning: {warning}"));
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or("")).collect();
    groups.join(",")
}
