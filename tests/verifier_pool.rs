//! The pool and real worker processes: what is answered, what a lost worker costs, and what outlives whom.

mod verifier_support;

use actors::verifier_pool::{PoolError, PoolEvent, StartError};
use protocol::verdict::{Answer, Claim, NoVerdict, Verdict};
use protocol::worker::{SandboxMode, SandboxState};
use std::time::Duration;
use verifier_support::{BOMB, ENDLESS, FALSE, TRUE, Watched, job, wait_until};

#[test]
fn a_proof_is_confirmed_or_refuted_with_a_repeatable_count() {
    let pool = Watched::pool(1);
    let first = pool.check(&job(FALSE, Some(Claim::Unsat)));
    let Verdict::Confirmed { resource_count, within_soft_limits: true } = first.verdict else { panic!("{first:?}") };
    assert!(first.statement.is_some() && first.answer == Some(Answer::Unsat));
    for _ in 0..3 {
        assert_eq!(pool.check(&job(FALSE, Some(Claim::Unsat))).resource_count, Some(resource_count));
    }
    let refuted = pool.check(&job(TRUE, Some(Claim::Unsat)));
    assert!(matches!(refuted.verdict, Verdict::Refuted { answer: Answer::Sat, .. }), "{refuted:?}");
}

#[test]
fn two_processes_count_alike() {
    let count = || {
        let pool = Watched::pool(1);
        let report = pool.check(&job(TRUE, None));
        (pool.inner().pin(), report.resource_count, report.statement)
    };
    assert_eq!(count(), count());
}

#[test]
fn an_endless_proof_ends_at_its_processor_time_while_others_go_on() {
    let pool = Watched::pool(2);
    let mut endless = job(ENDLESS, Some(Claim::Unsat));
    endless.limits.hard.cpu_ms = 2_000;
    endless.limits.soft.cpu_ms = 500;
    let pending = pool.inner().submit(&endless).unwrap();
    let mut others = 0;
    while pending.is_empty() {
        assert!(matches!(pool.check(&job(FALSE, None)).verdict, Verdict::Confirmed { .. }));
        others += 1;
    }
    let report = pending.blocking_recv().unwrap().unwrap();
    assert_eq!(report.verdict, Verdict::NoVerdict { reason: NoVerdict::ProcessorTime { limit_ms: 2_000 } });
    assert!((1_500..=4_000).contains(&report.cpu.0), "measured {:?}", report.cpu);
    assert!(others > 0, "nothing else was checked meanwhile");
    assert!(matches!(pool.check(&job(FALSE, None)).verdict, Verdict::Confirmed { .. }), "the pool is one worker short");
}

#[test]
fn a_memory_bomb_costs_one_worker() {
    let pool = Watched::pool(1);
    let report = pool.check(&job(BOMB, None));
    let expected = matches!(
        report.verdict,
        Verdict::NoVerdict {
            reason: NoVerdict::Memory { .. } | NoVerdict::Crashed { .. } | NoVerdict::ProcessorTime { .. }
        } | Verdict::Rejected { .. }
    );
    assert!(expected, "{report:?}");
    assert!(report.peak_memory_bytes <= job(BOMB, None).limits.hard.memory_bytes, "{report:?}");
    assert!(matches!(pool.check(&job(FALSE, None)).verdict, Verdict::Confirmed { .. }));
}

#[test]
fn a_worker_that_is_killed_from_outside_is_replaced_and_its_proof_tried_again() {
    let pool = Watched::pool(1);
    let mut endless = job(ENDLESS, None);
    endless.limits.hard.cpu_ms = 60_000;
    let pending = pool.inner().submit(&endless).unwrap();
    for killed in 0..3 {
        let pid = wait_until("a busy worker", || pool.busy_worker());
        // SAFETY: a worker of this test's own pool.
        unsafe { libc::kill(pid, libc::SIGKILL) };
        wait_until("its end", || (pool.ended("from_outside") > killed).then_some(()));
    }
    let report = pending.blocking_recv().unwrap().unwrap();
    assert_eq!(report.verdict, Verdict::NoVerdict { reason: NoVerdict::EndedFromOutside { attempts: 3 } });
    assert!(matches!(pool.check(&job(FALSE, None)).verdict, Verdict::Confirmed { .. }));
}

#[test]
fn an_idle_worker_that_is_killed_costs_no_verdict() {
    let pool = Watched::pool(1);
    pool.check(&job(FALSE, None));
    for pid in pool.living() {
        // SAFETY: a worker of this test's own pool.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    let report = pool.check(&job(FALSE, Some(Claim::Unsat)));
    assert!(matches!(report.verdict, Verdict::Confirmed { .. }), "{report:?}");
}

#[test]
fn a_job_that_nobody_waits_for_any_more_is_ended() {
    let pool = Watched::pool(1);
    let mut endless = job(ENDLESS, None);
    endless.limits.hard.cpu_ms = 600_000;
    drop(pool.inner().submit(&endless).unwrap());
    let pending = pool.inner().submit(&endless).unwrap();
    wait_until("a busy worker", || pool.busy_worker());
    drop(pending);
    wait_until("its end", || (pool.ended("not_wanted") == 1).then_some(()));
}

#[test]
fn a_full_queue_gives_the_job_back() {
    let pool = Watched::with(1, |config| config.waiting_max = 2);
    let mut endless = job(ENDLESS, None);
    endless.limits.hard.cpu_ms = 600_000;
    let running = pool.inner().submit(&endless).unwrap();
    wait_until("a busy worker", || pool.busy_worker());
    let waiting = [pool.inner().submit(&endless).unwrap(), pool.inner().submit(&endless).unwrap()];
    assert!(matches!(pool.inner().submit(&endless), Err(PoolError::Full { waiting: 2 })));
    drop((running, waiting));
}

#[test]
fn a_closed_pool_leaves_no_process() {
    let pool = Watched::pool(2);
    let mut endless = job(ENDLESS, None);
    endless.limits.hard.cpu_ms = 600_000;
    let pending = pool.inner().submit(&endless).unwrap();
    wait_until("a busy worker", || pool.busy_worker());
    let workers = pool.living();
    assert!(workers.len() >= 2, "{workers:?}");
    pool.close();
    assert!(matches!(pending.blocking_recv().unwrap_or(Err(PoolError::Closed)), Err(PoolError::Closed)));
    for pid in workers {
        // SAFETY: signal 0 only asks.
        assert_eq!(unsafe { libc::kill(pid, 0) }, -1, "worker {pid} is still there");
    }
}

#[test]
fn a_worker_says_in_which_sandbox_it_runs() {
    let pool = Watched::pool(1);
    let expected = if cfg!(target_os = "linux") { SandboxState::Enforced } else { SandboxState::Unavailable };
    assert_eq!(pool.inner().hello().sandbox, expected);
    let open = Watched::with(1, |config| config.sandbox = SandboxMode::Off);
    assert_eq!(open.inner().hello().sandbox, SandboxState::Off);
}

#[test]
fn a_program_that_is_no_worker_is_named_with_its_own_words() {
    let config = verifier_support::config(1, "/nonexistent/pop-verifier".into());
    let error = actors::verifier_pool::VerifierPool::start(config).map(drop).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/pop-verifier"), "{error}");
    let config = verifier_support::config(1, "/bin/cat".into());
    let error = actors::verifier_pool::VerifierPool::start(config).map(drop).unwrap_err();
    assert!(matches!(&error, PoolError::Start(start) if matches!(**start, StartError::Ended { .. })), "{error}");
}

#[test]
fn a_verdict_is_waited_for_from_any_runtime() {
    let pool = Watched::pool(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(pool.inner().check(&job(FALSE, Some(Claim::Unsat)))).unwrap();
    assert!(matches!(report.verdict, Verdict::Confirmed { .. }));
    let told = |event: &PoolEvent| matches!(event, PoolEvent::Checked { verdict: "confirmed", attempts: 1, .. });
    assert!(pool.events().iter().any(told));
    assert!(
        pool.events()
            .iter()
            .all(|event| !matches!(event, PoolEvent::Checked { wall, .. } if *wall > Duration::from_secs(60)))
    );
}
