//! `pop check-proof`: the check that every validator makes, on this machine alone.
//!
//! Decides nothing: the verdict is the verifier's, under the default limits of a genesis. What is printed is in `screen`.

mod screen;

use crate::advice::{Advice, Ended};
use crate::exit::{Exit, Failure, Outcome};
use crate::obligation::{self, Obligation, ObligationError, Reader};
use actors::verifier_pool::{Explained, Pending, PoolConfig, PoolError, VerifierPool, program_beside_this_one};
use clap::{Args, ValueEnum};
use protocol::explanation::Explanation;
use protocol::verdict::{Claim, Job, Note, Report, Task, Verdict, VerifierParameters};
use protocol::worker::{Priority, SandboxMode, SandboxState};
use screen::Tally;
use serde_json::json;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Check proofs with the pinned solver, without a network.
///
/// Exit code: 0 every claim holds (without a claim: was answered), 5 one is refuted, 6 one has no verdict, 2 one is bad
/// input; for several files 2 goes before 5 before 6.
#[derive(Debug, Args)]
pub struct Arguments {
    /// SMT-LIB 2 scripts, folders of them, or manifests that name them; - is the standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The answer that is claimed; if not given, the manifest.json beside the file or the script's :status says it
    #[arg(long, value_parser = ["unsat", "sat"])]
    claim: Option<String>,
    /// List everything that was ignored or rewritten, with its line and column
    #[arg(long)]
    verbose: bool,
    /// For a theorem that holds, check also whether its assumptions contradict each other: a second run of the solver
    #[arg(long)]
    explain: bool,
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
    result: Result<(Obligation, Pending), ObligationError>,
}

/// What the files came to so far.
#[derive(Default)]
struct Results {
    documents: Vec<serde_json::Value>,
    tally: Tally,
    exit: Option<Exit>,
}

/// A checked file, with what was found out besides its verdict.
struct Checked {
    name: String,
    obligation: Obligation,
    report: Report,
    advice: Advice,
    /// Of a theorem that holds, if it was asked for.
    vacuity: Option<Explanation>,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        // clap has let in nothing but the two words.
        let claim: Option<Claim> = self.claim.as_deref().and_then(|word| word.parse().ok());
        let files = self.scripts()?;
        let mut reader = Reader::new(claim);
        // A worker takes some milliseconds to start, in which the first script is read.
        let (pool, mut first) = std::thread::scope(|scope| {
            let starting = scope.spawn(|| self.start_pool(files.len()));
            let first = files.first().map(|path| reader.read(path));
            let panicked = |_| Err(Failure::new(Exit::Internal, "the start of the verifier pool panicked"));
            (starting.join().unwrap_or_else(panicked), first)
        });
        let pool = pool?;
        if !self.json && pool.hello().sandbox != SandboxState::Enforced {
            eprintln!("warning: the solver runs without a sandbox ({:?})", pool.hello().sandbox);
        }
        let mut results = Results::default();
        let mut waiting = VecDeque::new();
        for path in &files {
            if waiting.len() > pool.workers() {
                self.finish(&pool, waiting.pop_front(), &mut results)?;
            }
            let obligation = first.take().unwrap_or_else(|| reader.read(path));
            waiting.push_back(begin(&pool, path, obligation)?);
        }
        while !waiting.is_empty() {
            self.finish(&pool, waiting.pop_front(), &mut results)?;
        }
        Ok(self.conclude(&pool, results))
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
        config.priority = Priority::Foreground;
        config.sandbox = match self.sandbox {
            Sandbox::Required => SandboxMode::Required,
            Sandbox::Off => SandboxMode::Off,
        };
        VerifierPool::start(config).map_err(Failure::with(Exit::Configuration))
    }

    fn finish(&self, pool: &VerifierPool, step: Option<Step>, results: &mut Results) -> Result<(), Failure> {
        let Some(Step { path, result }) = step else { return Ok(()) };
        let name = path.display().to_string();
        let exit = match result {
            Ok((obligation, pending)) => {
                let report = pending.blocking_recv().unwrap_or(Err(PoolError::Closed));
                let report = report.map_err(Failure::with(Exit::Internal))?;
                let checked = self.look_closer(pool, name, obligation, report);
                if self.json {
                    results.documents.push(checked.document());
                } else {
                    screen::print(&checked, self.verbose);
                }
                results.tally.add(&checked);
                exit_of(&checked.report.verdict)
            }
            Err(error) => {
                if self.json {
                    results.documents.push(json!({ "file": name, "error": error.to_string() }));
                } else {
                    screen::print_unread(&name, &error);
                }
                results.tally.unread += 1;
                Exit::Input
            }
        };
        results.exit = Some(results.exit.map_or(exit, |worst| worst.worse(exit)));
        Ok(())
    }

    /// What is said besides the verdict: why a claim is refuted and, only if it was asked for, since that may cost as much as
    /// the check, whether a theorem holds only because its assumptions contradict each other.
    fn look_closer(&self, pool: &VerifierPool, name: String, obligation: Obligation, mut report: Report) -> Checked {
        let found = match Explanation::sought(&report) {
            Some(Err(Task::Vacuity)) if !self.explain => None,
            None => None,
            Some(Ok(explanation)) => Some(explanation),
            Some(Err(task)) => Some(ask(pool, task, &obligation, &report)),
        };
        let is_theorem = matches!(report.verdict, Verdict::Confirmed { .. });
        let vacuity = found.clone().filter(|_| is_theorem);
        let mut advice = Advice::of(&report, found.map_or(Explained::Nothing, Explained::Found));
        report.warnings.extend(advice.warning.take());
        if (self.json || self.verbose) && report.notes_omitted > 0 {
            list_all_notes(&mut report, &obligation.script);
        }
        Checked { name, obligation, report, advice, vacuity }
    }

    fn conclude(&self, pool: &VerifierPool, results: Results) -> Exit {
        if self.json {
            let solver = json!({ "version": pool.hello().solver, "pin": pool.pin(), "sandbox": pool.hello().sandbox });
            screen::print_document(&json!({ "solver": solver, "results": results.documents }));
        } else {
            results.tally.print();
        }
        results.exit.unwrap_or(Exit::Fine)
    }
}

impl Checked {
    /// Of a check without verdict, how it ended.
    fn ended(&self) -> Option<Ended> {
        Ended::of(&self.report, &VerifierParameters::default())
    }

    fn document(&self) -> serde_json::Value {
        let vacuous = match self.vacuity {
            Some(Explanation::Vacuous) => Some(true),
            Some(Explanation::Sound) => Some(false),
            _ => None,
        };
        json!({
            "file": self.name,
            "claim": self.obligation.claim.map(|(claim, _)| claim),
            "claimed": self.obligation.claim.map(|(_, source)| source.word()),
            "report": self.report,
            "counter_model": self.advice.counter_model,
            "no_verdict": self.ended(),
            "vacuous": vacuous,
        })
    }
}

fn exit_of(verdict: &Verdict) -> Exit {
    match verdict {
        _ if screen::refusal(verdict).is_some() => Exit::Input,
        Verdict::Confirmed { .. } => Exit::Fine,
        Verdict::Refuted { .. } => Exit::Refuted,
        Verdict::NoVerdict { .. } => Exit::NoVerdict,
        Verdict::Rejected { .. } => Exit::Input,
    }
}

fn begin(pool: &VerifierPool, path: &Path, read: Result<Obligation, ObligationError>) -> Result<Step, Failure> {
    let result = match read {
        Ok(obligation) => {
            let claim = obligation.claim.map(|(claim, _)| claim);
            let script = obligation.script.clone();
            let job = Job { script, claim, limits: VerifierParameters::default(), task: Task::Check, seed: None };
            let pending = pool.submit(&job).map_err(Failure::with(Exit::Internal))?;
            Ok((obligation, pending))
        }
        Err(error) => Err(error),
    };
    Ok(Step { path: path.to_owned(), result })
}

fn ask(pool: &VerifierPool, task: Task, obligation: &Obligation, report: &Report) -> Explanation {
    let job = Explanation::job(task, obligation.script.clone(), report, &VerifierParameters::default());
    match pool.check_blocking(&job) {
        Ok(found) => Explanation::found(task, found),
        Err(error) => Explanation::Unknown { why: error.to_string() },
    }
}

/// A report has room for the first notes only. Who asks for all of them gets them from the same normaliser, in this process.
fn list_all_notes(report: &mut Report, script: &[u8]) {
    let limits = smtlib::Limits { notes_max: u32::MAX, ..smtlib::Limits::default() };
    let Ok(normalised) = smtlib::normalise(script, &limits) else { return };
    let note = |note: &smtlib::Note| Note { line: note.line, column: note.column, text: note.what() };
    report.notes = normalised.notes.iter().map(note).collect();
    report.notes_omitted = 0;
}
