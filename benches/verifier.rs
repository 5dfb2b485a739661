//! What a check costs: a small script in a warm worker, the start of a worker, and the public corpus in one worker.
//!
//! `cargo bench --bench verifier`. Without the corpus beside the project its part is not run.

use actors::verifier_pool::{PoolConfig, VerifierPool};
use criterion::{Criterion, criterion_group, criterion_main};
use protocol::verdict::{Claim, Job, Task, Verdict, VerifierParameters};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

const SMALL: &str = include_str!("../data/proofs/midpoint-without-overflow.smt2");
const SMALLEST: &str = "(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";

#[derive(Deserialize)]
struct Entry {
    file: PathBuf,
    expected: String,
}

fn pool() -> VerifierPool {
    let program = env!("CARGO_BIN_EXE_pop-verifier").into();
    let config = PoolConfig { workers: 1, spare: false, ..PoolConfig::new(program, VerifierParameters::default()) };
    VerifierPool::start(config).expect("the solver is set up")
}

fn job(script: Vec<u8>, claim: Claim) -> Job {
    Job { script, claim: Some(claim), limits: VerifierParameters::default(), task: Task::Check, seed: None }
}

fn check(pool: &VerifierPool, job: &Job) {
    let report = pool.check_blocking(job).expect("the pool works");
    assert!(matches!(report.verdict, Verdict::Confirmed { .. }), "{report:?}");
}

fn warm_worker(criterion: &mut Criterion) {
    let pool = pool();
    for (name, script) in [("smallest script, warm worker", SMALLEST), ("example proof, warm worker", SMALL)] {
        let job = job(script.as_bytes().to_vec(), Claim::Unsat);
        criterion.bench_function(name, |bencher| bencher.iter(|| check(&pool, &job)));
    }
}

fn worker_start(criterion: &mut Criterion) {
    criterion.bench_function("start of a worker, library hashed", |bencher| {
        bencher.iter_with_large_drop(pool);
    });
}

/// All scripts that end, one after the other.
fn corpus(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else {
        println!("NOT RUN: the corpus of public scripts is not at ../shared/corpus");
        return;
    };
    let entries: Vec<Entry> = serde_json::from_slice(&manifest).expect("the corpus' manifest is well-formed");
    let jobs = entries.iter().filter_map(|entry| {
        let claim = entry.expected.parse().ok()?;
        Some(job(std::fs::read(folder.join(&entry.file)).ok()?, claim))
    });
    let jobs: Vec<Job> = jobs.collect();
    let pool = pool();
    let mut group = criterion.benchmark_group("corpus");
    group.sample_size(10).measurement_time(Duration::from_secs(60));
    group.bench_function(format!("{} scripts, one worker", jobs.len()), |bencher| {
        bencher.iter(|| jobs.iter().for_each(|job| check(&pool, job)));
    });
    group.finish();
}

criterion_group!(benches, warm_worker, worker_start, corpus);
criterion_main!(benches);
