//! Several queries in a row in one worker process: an answer for each, and what a lost worker costs.

mod verifier_support;

use actors::verifier_pool::PoolEvent;
use protocol::verdict::{Claim, Job, NoVerdict, Report, Task, Verdict, VerifierParameters};
use tokio::sync::mpsc::error::TryRecvError;
use verifier_support::{ENDLESS, FALSE, Watched, is_running, job, wait_until};

const BASE: &str = "(declare-fun f (Int) Int)\n(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))\n";
const QUERY: &str = "(push)(assert (< (f 1) 1))(check-sat)(pop)\n";

fn series(script: &str, queries: usize, limits: VerifierParameters) -> Vec<Job> {
    let job = |script: &str, task| Job { task, limits, ..job(script, Some(Claim::Unsat)) };
    let first = job(script, Task::Series);
    std::iter::once(first).chain((1..queries).map(|_| job("", Task::Next))).collect()
}

fn reports(pool: &Watched, jobs: &[Job]) -> Vec<Report> {
    let mut pending = pool.inner().submit_series(jobs).unwrap();
    std::iter::from_fn(|| pending.blocking_recv()).map(Result::unwrap).collect()
}

#[test]
fn every_query_has_its_report_in_one_worker() {
    let pool = Watched::pool(1);
    let script = format!("{BASE}{}", QUERY.repeat(50));
    let reports = reports(&pool, &series(&script, 50, VerifierParameters::default()));
    assert_eq!(reports.len(), 50);
    assert!(reports.iter().all(|report| matches!(report.verdict, Verdict::Confirmed { .. })), "{reports:?}");
    assert!(reports.iter().all(|report| report.statement.is_none() && report.peak_memory_bytes > 0));
    let ended = |event: &PoolEvent| matches!(event, PoolEvent::WorkerEnded { .. });
    assert!(!pool.events().iter().any(ended), "one worker did all of it");
    assert!(matches!(pool.check(&job(FALSE, Some(Claim::Unsat))).verdict, Verdict::Confirmed { .. }));
    assert_eq!(self::reports(&pool, &[]).len(), 0);
}

#[test]
fn the_time_is_each_querys_own_and_ends_the_series_where_it_runs_out() {
    let pool = Watched::pool(1);
    let mut limits = VerifierParameters::default();
    limits.hard.cpu_ms = 1_000;
    limits.soft.cpu_ms = 250;
    let endless = ENDLESS.replacen("(declare", "(push)(declare", 1);
    let script = format!("{BASE}{}{endless}(pop){QUERY}", QUERY.repeat(2));
    let reports = reports(&pool, &series(&script, 4, limits));
    let [first, second, third] = &reports[..] else { panic!("{reports:?}") };
    assert!(matches!((&first.verdict, &second.verdict), (Verdict::Confirmed { .. }, Verdict::Confirmed { .. })));
    assert_eq!(third.verdict, Verdict::NoVerdict { reason: NoVerdict::ProcessorTime { limit_ms: 1_000 } });
    assert!((900..=3_000).contains(&third.cpu.0), "its own time alone: {:?}", third.cpu);
    assert!(matches!(pool.check(&job(FALSE, Some(Claim::Unsat))).verdict, Verdict::Confirmed { .. }));
}

#[test]
fn a_series_that_nobody_waits_for_ends() {
    let pool = Watched::pool(1);
    let endless = ENDLESS.replacen("(declare", "(push)(declare", 1);
    let script = format!("{BASE}{QUERY}{endless}(pop){QUERY}");
    let mut limits = VerifierParameters::default();
    limits.hard.cpu_ms = 600_000;
    let mut pending = pool.inner().submit_series(&series(&script, 3, limits)).unwrap();
    assert!(matches!(pending.blocking_recv().unwrap().unwrap().verdict, Verdict::Confirmed { .. }));
    let busy = wait_until("its second query", || pool.busy_worker());
    assert!(matches!(pending.try_recv(), Err(TryRecvError::Empty)), "the second query has no end of its own");
    drop(pending);
    wait_until("its end", || (pool.ended("not_wanted") == 1).then_some(()));
    wait_until("its worker's end", || (!is_running(busy)).then_some(()));
    // The only place is free, and the third query takes it no more.
    assert!(matches!(pool.check(&job(FALSE, Some(Claim::Unsat))).verdict, Verdict::Confirmed { .. }));
    let causes: Vec<_> =
        pool.events().into_iter().filter(|event| matches!(event, PoolEvent::WorkerEnded { .. })).collect();
    assert_eq!(causes.len(), 1, "{causes:?}");
}
