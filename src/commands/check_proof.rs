//! `pop check-proof`: the check that every validator makes, on this machine alone.
//!
//! Decides nothing: the verdict is the verifier's, under the default limits of a genesis.

use crate::advice::{self, Advice, Ended};
use crate::exit::{Exit, Failure, Outcome};
use crate::obligation::{self, ClaimSource, Obligation, Reader};
use crate::say;
use crate::text::{counted, grouped, plain};
use actors::verifier_pool::{Explained, Pending, PoolConfig, PoolError, VerifierPool, program_beside_this_one};
use clap::{Args, ValueEnum};
use protocol::explanation::Explanation;
use protocol::verdict::{Assumptions, Claim, Job, NoVerdict, Report, Task, Verdict, VerifierParameters};
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
                let Advice { counter_model, warning } = explain(pool, &obligation, &report);
                report.warnings.extend(warning);
                let value = json!({
                    "file": name,
                    "claim": obligation.claim.map(|(claim, _)| claim),
                    "claimed": obligation.claim.map(|(_, source)| source.word()),
                    "report": report,
                    "counter_model": counter_model,
                    "no_verdict": Ended::of(&report, &VerifierParameters::default()),
                });
                if !self.json {
                    print(&name, obligation.claim, &report, &value);
                }
                (exit_of(&report.verdict), value)
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
        Verdict::NoVerdict { reason: NoVerdict::IllSorted { .. } } | Verdict::Rejected { .. } => Exit::Input,
        Verdict::NoVerdict { .. } => Exit::NoVerdict,
    }
}

fn begin(pool: &VerifierPool, reader: &mut Reader, path: &Path) -> Result<Step, Failure> {
    let result = match reader.read(path) {
        Ok(obligation) => {
            let claim = obligation.claim.map(|(claim, _)| claim);
            let script = obligation.script.clone();
            let job = Job { script, claim, limits: VerifierParameters::default(), task: Task::Check };
            let pending = pool.submit(&job).map_err(Failure::with(Exit::Internal))?;
            Ok((obligation, pending))
        }
        Err(error) => Err(error.to_string()),
    };
    Ok(Step { path: path.to_owned(), result })
}

/// Why a claim is refuted, and whether a theorem holds only because its assumptions contradict each other: a second check,
/// for little more than the first one cost.
fn explain(pool: &VerifierPool, obligation: &Obligation, report: &Report) -> Advice {
    let explained = match Explanation::sought(report) {
        None => Explained::Nothing,
        Some(Ok(explanation)) => Explained::Found(explanation),
        Some(Err(task)) => {
            let job = Explanation::job(task, obligation.script.clone(), report, &VerifierParameters::default());
            Explained::Found(match pool.check_blocking(&job) {
                Ok(found) => Explanation::found(task, found),
                Err(error) => Explanation::Unknown { why: error.to_string() },
            })
        }
    };
    Advice::of(report, explained)
}

/// What a person reads: the verdict first, then what it rests on, then what the solver was not shown.
fn print(name: &str, claim: Option<(Claim, ClaimSource)>, report: &Report, value: &serde_json::Value) {
    match &report.verdict {
        Verdict::Confirmed { within_soft_limits, .. } => {
            let kind = if claim.is_some() { "holds" } else { "answered" };
            say!("{name}: {kind}");
            if !within_soft_limits {
                say!("  beyond the soft limits: a validator that finds this too will not announce it as ready");
            }
        }
        Verdict::Refuted { .. } => say!("{name}: refuted"),
        Verdict::NoVerdict { reason: reason @ NoVerdict::IllSorted { .. } } => say!("{name}: not accepted\n  {reason}"),
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
    if exit_of(&report.verdict) == Exit::Input {
        return;
    }
    match (advice::progress(&value["report"], &value["no_verdict"]), report.resource_count) {
        (Some(progress), _) => say!("  {progress}"),
        (None, count) => {
            let count = count.map_or_else(|| "none".to_owned(), |count| grouped(count.0));
            let mebibytes = report.peak_memory_bytes.div_ceil(1 << 20);
            say!("  resource count {count}, {} ms of processor time, {mebibytes} MiB at most", report.cpu);
        }
    }
    // A check that its worker did not live to tell of rests on nothing that is known here.
    if report.answer.is_some() {
        let Assumptions { assertions, quantifiers, uninterpreted_symbols, recursive_definitions } = report.assumptions;
        say!(
            "  rests on {}, {}, {}, {}",
            counted(assertions.into(), "assertion", "assertions"),
            counted(quantifiers.into(), "quantifier", "quantifiers"),
            counted(uninterpreted_symbols.into(), "uninterpreted symbol", "uninterpreted symbols"),
            counted(recursive_definitions.into(), "recursive definition", "recursive definitions")
        );
    }
    report.notes.iter().for_each(|note| say!("  line {}, column {}: {}", note.line, note.column, note.text));
    if report.notes_omitted > 0 {
        say!("  and {} more of this kind", report.notes_omitted);
    }
    report.warnings.iter().for_each(|warning| say!("  warning: {}", plain(warning)));
    advice::counter_model(value).iter().for_each(|line| say!("  {line}"));
}
