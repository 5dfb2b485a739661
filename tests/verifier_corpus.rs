//! Every script of the public corpus, through normaliser and worker, is answered as its manifest says.

mod verifier_support;

use protocol::verdict::{Answer, Claim, NoVerdict, Report, Verdict};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;
use verifier_support::{FALSE, Watched, corpus, job, say};

#[derive(Deserialize)]
struct Entry {
    file: PathBuf,
    expected: String,
}

/// A script that never ends by itself costs this much instead of the usual limit.
const ENDLESS_CPU_MS: u64 = 4_000;

#[test]
fn every_script_of_the_corpus_is_answered_as_its_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let manifest = std::fs::read(corpus.join("manifest.json")).unwrap();
    let entries: Vec<Entry> = serde_json::from_slice(&manifest).unwrap();
    let pool = Watched::with(2, |config| config.waiting_max = entries.len());
    let begun = Instant::now();
    let pending = entries.iter().map(|entry| {
        let script = std::fs::read_to_string(corpus.join(&entry.file)).unwrap();
        let claim: Option<Claim> = entry.expected.parse().ok();
        let mut job = job(&script, claim);
        if claim.is_none() {
            job.limits.hard.cpu_ms = ENDLESS_CPU_MS;
            job.limits.soft.cpu_ms = ENDLESS_CPU_MS / 4;
        }
        pool.inner().submit(&job).unwrap()
    });
    let pending: Vec<_> = pending.collect();
    let mut wrong = Vec::new();
    let mut counts = HashMap::new();
    for (entry, pending) in entries.iter().zip(pending) {
        let report = pending.blocking_recv().unwrap().unwrap();
        if !is_expected(entry, &report) {
            wrong.push(format!("{}: expected {}: {report:?}", entry.file.display(), entry.expected));
        }
        counts.insert(&entry.file, report.resource_count);
    }
    say(format_args!("corpus: {} scripts in {:.1} s", entries.len(), begun.elapsed().as_secs_f64()));
    assert!(wrong.is_empty(), "{} of {} scripts:\n{}", wrong.len(), entries.len(), wrong.join("\n"));
    the_counts_repeat(&corpus, &entries, &counts);
}

fn is_expected(entry: &Entry, report: &Report) -> bool {
    match entry.expected.as_str() {
        "sat" | "unsat" => {
            let answer = if entry.expected == "sat" { Answer::Sat } else { Answer::Unsat };
            matches!(report.verdict, Verdict::Confirmed { .. }) && report.answer == Some(answer)
        }
        _ => {
            let reason = NoVerdict::ProcessorTime { limit_ms: ENDLESS_CPU_MS };
            report.verdict == Verdict::NoVerdict { reason }
        }
    }
}

/// Again, in the opposite order and by other processes.
fn the_counts_repeat(
    corpus: &Path,
    entries: &[Entry],
    first: &HashMap<&PathBuf, Option<protocol::types::ResourceCount>>,
) {
    let pool = Watched::with(2, |config| config.waiting_max = entries.len());
    let again = entries.iter().rev().filter(|entry| entry.expected.parse::<Claim>().is_ok()).map(|entry| {
        let script = std::fs::read_to_string(corpus.join(&entry.file)).unwrap();
        (entry, pool.inner().submit(&job(&script, entry.expected.parse().ok())).unwrap())
    });
    for (entry, pending) in again.collect::<Vec<_>>() {
        let count = pending.blocking_recv().unwrap().unwrap().resource_count;
        assert_eq!(first[&entry.file], count, "{} was counted differently", entry.file.display());
    }
}

#[test]
fn an_endless_script_is_no_verdict_while_other_proofs_go_on() {
    let Some(corpus) = corpus() else { return };
    let script = std::fs::read_to_string(corpus.join("vcs/failedQueries-FStar.Math.Euclid-2.smt2")).unwrap();
    let pool = Watched::pool(2);
    let mut endless = job(&script, Some(Claim::Unsat));
    endless.limits.hard.cpu_ms = ENDLESS_CPU_MS;
    endless.limits.soft.cpu_ms = ENDLESS_CPU_MS / 4;
    let pending = pool.inner().submit(&endless).unwrap();
    let mut others = 0;
    while pending.is_empty() {
        assert!(matches!(pool.check(&job(FALSE, Some(Claim::Unsat))).verdict, Verdict::Confirmed { .. }));
        others += 1;
    }
    let report = pending.blocking_recv().unwrap().unwrap();
    assert_eq!(report.verdict, Verdict::NoVerdict { reason: NoVerdict::ProcessorTime { limit_ms: ENDLESS_CPU_MS } });
    assert!(others > 10, "only {others} other proofs were checked meanwhile");
}
