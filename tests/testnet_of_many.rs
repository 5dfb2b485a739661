//! Many validators on one machine: a crowd comes up, ends every proof, and survives what happens to a machine.
//!
//! The first test belongs to `make test`. The others take the machine for themselves and belong to `make test-long`:
//! `cargo test --release --test testnet_of_many -- --ignored --nocapture --test-threads 1`, with `POP_SECONDS` for the long one.

use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Until something that must happen is given up.
const DEADLINE: Duration = Duration::from_secs(300);

/// One at a time: each takes the machine.
static MACHINE: Mutex<()> = Mutex::new(());

struct Testnet {
    folder: tempfile::TempDir,
    process: Child,
    _machine: MutexGuard<'static, ()>,
}

impl Testnet {
    fn start(nodes: u16, rate: &str, seconds: u64) -> Testnet {
        // A test that failed has left nothing running.
        let machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.current_dir(folder.path()).args(["deploy-testnet", "--nodes", &nodes.to_string(), "--rate", rate]);
        command.args(["--duration", &format!("{seconds}s"), "--seed", "1", "--output", "report.json", "--proofs"]);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/proofs"));
        let log = std::fs::File::create(folder.path().join("screen.txt")).unwrap();
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Testnet { folder, process, _machine: machine }
    }

    fn screen(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("screen.txt")).unwrap()
    }

    /// One that has made five blocks.
    fn at_work(nodes: u16, seconds: u64) -> Testnet {
        let mut testnet = Testnet::start(nodes, "0.5", seconds);
        testnet.await_start();
        testnet.until("five blocks are final", |testnet| testnet.blocks() >= 5);
        testnet
    }

    fn await_start(&mut self) {
        self.until("a quorum is connected", |testnet| testnet.screen().contains("A quorum is connected"));
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut(&Testnet) -> bool) -> Duration {
        let begun = Instant::now();
        while !holds(self) {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "the testnet ended ({ended:?}) before {what}:\n{}", self.screen());
            assert!(begun.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}\n{}", self.screen());
            std::thread::park_timeout(Duration::from_millis(50));
        }
        begun.elapsed()
    }

    /// Final blocks that the screen tells of.
    fn blocks(&self) -> usize {
        self.screen().lines().filter(|line| line.starts_with("block ")).count()
    }

    /// Process numbers of the validators, by the lines that they were started with.
    fn validators(&self) -> Vec<u32> {
        let name = self.folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let is_one_of_ours = |process: &u32| {
            let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.contains("start-validator") && line.contains(&name)
        };
        let all =
            std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.filter(is_one_of_ours).collect()
    }

    fn signal(&self, processes: &[u32], signal: &str) {
        let numbers = processes.iter().map(u32::to_string);
        assert!(Command::new("kill").arg(signal).args(numbers).status().unwrap().success());
    }

    fn read_report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder.path().join("report.json")).unwrap()).unwrap()
    }

    /// Waits for the end, and reads the report.
    fn report(mut self) -> Value {
        let ended = self.process.wait().unwrap();
        assert!(ended.success(), "{ended}\n{}", self.screen());
        let report = self.read_report();
        println!("{}", summary(&report));
        report
    }
}

impl Drop for Testnet {
    fn drop(&mut self) {
        // Its validators end with it.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn summary(report: &Value) -> String {
    let figures = &report["figures"];
    format!(
        "{} nodes: {}; final {}; submitted to final {}; total {}; {} of {} ended; {}",
        report["deployment"]["num_nodes"],
        report["metrics"],
        figures["proposal_to_final_ms"],
        figures["submit_to_final_ms"],
        figures["by_part"]["total"],
        report["metrics"]["total_proofs_processed"],
        figures["proofs_submitted"],
        report["issues"]
    )
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn needs_proc() -> bool {
    if !cfg!(target_os = "linux") {
        println!("NOT RUN: testnets of many validators: finding their processes needs /proc");
    }
    cfg!(target_os = "linux")
}

#[test]
fn thirty_two_validators_come_up_and_end_every_proof() {
    let report = Testnet::start(32, "0.2", 40).report();
    assert_eq!(report["metrics"]["node_failures"], 0, "{}", report["issues"]);
    assert_eq!(report["figures"]["proofs_unended"], 0, "{}", summary(&report));
    assert!(number(&report["metrics"]["total_proofs_processed"]) >= 4.0, "{}", summary(&report));
    assert!(report["figures"]["reduced"].as_array().unwrap().len() > 2);
    keeps_no_session_waiting(&report);
}

/// No step of starting, dialling or shaking hands holds the sessions' thread for longer than 20 ms.
fn keeps_no_session_waiting(report: &Value) {
    let step_ms = number(&report["figures"]["session_step_max_ms"]);
    assert!((0.0..=20.0).contains(&step_ms) && step_ms > 0.0, "{step_ms} ms");
}

/// Offers a network ten proofs a second for each core, which is more than it can check: what it takes ends, and what it does not take is
/// told when to come back.
fn is_calm_under_more_than_it_checks(nodes: u16, seconds: u64) {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let rate = (10 * cores).max(20);
    let report = Testnet::start(nodes, &rate.to_string(), seconds).report();
    let (metrics, figures) = (&report["metrics"], &report["figures"]);
    let offered = number(&figures["proofs_submitted"]) + number(&figures["proofs_put_off"]);
    println!(
        "{offered} offered, {} put off, {} ended a second",
        figures["proofs_put_off"], metrics["proof_throughput"]
    );
    assert_eq!(metrics["node_failures"], 0, "{}", report["issues"]);
    assert_eq!(
        (&figures["proofs_unended"], &figures["proofs_not_taken"]),
        (&0.into(), &0.into()),
        "{}",
        report["issues"]
    );
    assert!(number(&figures["proofs_put_off"]) > 0.0, "nothing was put off: {}", summary(&report));
    assert!(offered >= rate as f64 / 2.0 * seconds as f64, "{offered} were offered in {seconds} s");
    assert_eq!(figures["proofs_submitted"], metrics["total_proofs_processed"]);
}

#[test]
fn a_crowd_that_is_offered_more_than_it_checks_ends_what_it_takes() {
    is_calm_under_more_than_it_checks(17, 10);
}

#[test]
#[ignore = "takes the machine for some minutes"]
fn thirty_two_validators_that_are_offered_more_than_they_check_end_what_they_take() {
    is_calm_under_more_than_it_checks(32, 60);
}

/// Whoever asks one validator after the other waits for each that does not answer.
#[test]
fn a_testnet_whose_validators_do_not_answer_is_stopped_within_ten_seconds() {
    if !needs_proc() {
        return;
    }
    let mut testnet = Testnet::start(8, "0.5", 600);
    testnet.await_start();
    let stopped: Vec<u32> = testnet.validators().into_iter().take(3).collect();
    assert_eq!(stopped.len(), 3);
    testnet.signal(&stopped, "-STOP");
    testnet.signal(&[testnet.process.id()], "-INT");
    let begun = Instant::now();
    let ended = testnet.process.wait().unwrap();
    let took = begun.elapsed();
    println!("stopped after {took:.1?}");
    assert!(ended.success(), "{ended}\n{}", testnet.screen());
    assert!(took < Duration::from_secs(10), "stopped after {took:?}");
    assert_eq!(testnet.validators(), [] as [u32; 0], "nothing is left running");
    let issues = testnet.read_report()["issues"].to_string();
    assert!(issues.contains("3 validators did not answer at the end"), "{issues}");
}

/// The guide's testnet, for an hour or as long as `POP_SECONDS` says.
#[test]
#[ignore = "takes the machine for an hour"]
fn a_hundred_validators_at_the_guides_pace() {
    let seconds = std::env::var("POP_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_600);
    let mut testnet = Testnet::start(100, "0.5", seconds);
    let begun = Instant::now();
    testnet.await_start();
    let up = begun.elapsed();
    println!("up after {up:.1?}");
    let report = testnet.report();
    assert!(up < Duration::from_secs(60), "up after {up:?}");
    assert_eq!(report["stability"]["network_health"], "HEALTHY", "{}", report["issues"]);
    assert_eq!((&report["metrics"]["node_failures"], &report["metrics"]["view_changes"]), (&0.into(), &0.into()));
    let (figures, validators) = (&report["figures"], report["figures"]["validators"].as_array().unwrap());
    assert!(number(&figures["proposal_to_final_ms"]["p50"]) <= 1_500.0, "{}", summary(&report));
    assert!(number(&figures["proposal_to_final_ms"]["p99"]) <= 3_000.0, "{}", summary(&report));
    assert!(number(&figures["submit_to_final_ms"]["p50"]) <= 6_000.0, "{}", summary(&report));
    let memory: f64 = validators.iter().map(|validator| number(&validator["memory_peak_mib"])).sum();
    assert!(memory <= 12_288.0, "{memory} MiB");
    keeps_no_session_waiting(&report);
}

#[test]
#[ignore = "takes the machine for some minutes"]
fn ten_of_a_hundred_are_killed_and_the_others_go_on() {
    if !needs_proc() {
        return;
    }
    let mut testnet = Testnet::at_work(100, 120);
    let ten = testnet.validators().into_iter().step_by(10).take(10).collect::<Vec<_>>();
    testnet.signal(&ten, "-KILL");
    let blocks = testnet.blocks();
    let next = testnet.until("a further block is final", |testnet| testnet.blocks() > blocks);
    assert!(next < Duration::from_secs(15), "the next block took {next:?}");
    let healed = testnet.until("all run again", |testnet| testnet.validators().len() == 100);
    println!("the next block after {next:.1?}, all run after {:.1?}", next + healed);
    assert!(next + healed < Duration::from_secs(30), "healed after {:?}", next + healed);
    let report = testnet.report();
    assert_eq!((&report["metrics"]["node_failures"], &report["figures"]["proofs_unended"]), (&10.into(), &0.into()));
}

#[test]
#[ignore = "takes the machine for some minutes"]
fn a_third_of_a_hundred_are_killed_and_the_network_heals() {
    if !needs_proc() {
        return;
    }
    let mut testnet = Testnet::at_work(100, 150);
    let third = testnet.validators().into_iter().step_by(3).take(33).collect::<Vec<_>>();
    testnet.signal(&third, "-KILL");
    let blocks = testnet.blocks();
    let healed = testnet.until("five further blocks are final", |testnet| testnet.blocks() >= blocks + 5);
    println!("five further blocks after {healed:.1?}");
    assert!(healed < Duration::from_secs(60), "healed after {healed:?}");
    let report = testnet.report();
    assert_eq!((&report["metrics"]["node_failures"], &report["figures"]["proofs_unended"]), (&33.into(), &0.into()));
}

#[test]
#[ignore = "takes the machine for some minutes"]
fn sixty_four_that_were_stopped_are_at_their_old_pace_within_half_a_minute() {
    if !needs_proc() {
        return;
    }
    let mut testnet = Testnet::at_work(64, 120);
    let blocks = testnet.blocks();
    let pace = testnet.until("ten further blocks are final", |testnet| testnet.blocks() >= blocks + 10);
    let all = testnet.validators();
    testnet.signal(&all, "-STOP");
    std::thread::sleep(Duration::from_secs(20));
    testnet.signal(&all, "-CONT");
    let blocks = testnet.blocks();
    let ten = testnet.until("ten further blocks are final", |testnet| testnet.blocks() >= blocks + 10);
    println!("ten further blocks in {pace:.1?}, and in {ten:.1?} from the end of the pause");
    assert!(ten < pace + Duration::from_secs(30), "{ten:?} against {pace:?} before");
    let report = testnet.report();
    assert_eq!((&report["metrics"]["node_failures"], &report["figures"]["proofs_unended"]), (&0.into(), &0.into()));
}
