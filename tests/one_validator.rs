//! A network of one validator, which is a quorum by itself, and every command that asks it: what people and programs see.

use actors::metrics::{Kind, METRICS};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TRUE: &str = "(set-info :status unsat)\n(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";
/// Contradictory before the last assertion.
const VACUOUS: &str =
    "(declare-const x Int)\n(assert (< x 0))\n(assert (> x 0))\n(assert (not (= x 7)))\n(check-sat)\n";
/// Nothing instantiates its quantifier enough.
const UNDECIDED: &str = "(set-option :auto_config false)\n(set-option :smt.mbqi false)\n(declare-fun f (Int) Int)
(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))\n(check-sat)\n";
const FALSE: &str = "(set-info :status unsat)\n(declare-const p Bool)\n(assert (or p (not p)))\n(check-sat)\n";
/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(90);

/// The folder of the network, and its validator, which ends with it.
struct Network {
    folder: TempDir,
    validator: Option<Child>,
    http: u16,
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(mut validator) = self.validator.take() {
            _ = validator.kill();
            _ = validator.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The system gives a port out again that nobody listens on any more.
fn free_port_but(other: u16) -> u16 {
    std::iter::repeat_with(free_port).find(|port| *port != other).unwrap()
}

impl Network {
    fn start() -> Network {
        Network::start_with("")
    }

    /// With more of the configuration.
    fn start_with(more: &str) -> Network {
        let folder = tempfile::tempdir().unwrap();
        let mut network = Network { folder, validator: None, http: free_port() };
        fs::create_dir(network.path().join("config")).unwrap();
        network.write("config/validators.json", r#"{"validators": [{"node_id": "node_1", "stake": 10000}]}"#);
        let (port, http) = (free_port_but(network.http), network.http);
        let config = format!(
            r#"{{"node_id": "node_1", "network": {{"listen_port": {port}}}, "http": {{"port": {http}}},
                "consensus": {{"idle_block_interval": 600}}{more}}}"#
        );
        network.write("config/node_1.json", &config);
        network.write("true.smt2", TRUE);
        network.write("false.smt2", FALSE);
        network.write("broken.smt2", "(set-info :status unsat)\n(assert (= x y))\n(check-sat)\n");
        let written = network.pop(&["init-genesis-state"]);
        assert!(written.status.success(), "{written:?}");
        network.run();
        network
    }

    /// Starts the validator, for the first time or again, with an empty log.
    fn run(&mut self) {
        let log = File::create(self.path().join("log")).unwrap();
        let out = File::create(self.path().join("out")).unwrap();
        let validator = self.command(&["start-validator", "--node-id", "node_1"]).stderr(log).stdout(out).spawn();
        self.validator = Some(validator.unwrap());
        self.until("it runs", |network| network.read("out").contains("Current sequence"));
    }

    /// Sends a signal, and gives the exit code; none if the signal ended it.
    fn end(&mut self, signal: libc::c_int) -> Option<i32> {
        let mut validator = self.validator.take().unwrap();
        // SAFETY: it sends a signal to a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(validator.id() as libc::pid_t, signal) }, 0);
        validator.wait().unwrap().code()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null()).env_remove("RUST_LOG");
        command
    }

    fn pop(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it, expects this exit code, and gives what it printed, both ways.
    fn says(&self, arguments: &[&str], code: i32) -> String {
        let output = self.pop(arguments);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        text
    }

    fn until(&self, what: &str, condition: impl Fn(&Network) -> bool) {
        let deadline = Instant::now() + LONG;
        while !condition(self) {
            assert!(Instant::now() < deadline, "{what}: {}\n{}", self.read("out"), self.read("log"));
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn id_in(text: &str) -> &str {
    let is_id = |word: &&str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split([' ', ',', ':']).find(is_id).unwrap_or_else(|| panic!("no id in {text}"))
}

#[test]
fn people_and_programs_see_where_the_node_and_its_proofs_are() {
    let network = Network::start();
    assert!(network.read("out").contains("Connected peers: 0\n  Is leader: True\n  Current view: 1\n"));
    let said = network.says(&["submit-proof", "true.smt2", "--wait"], 0);
    assert!(said.contains("final in block 1, signed by 10000 of 10000 stake"), "{said}");
    let id = id_in(&said).to_owned();
    let again = network.says(&["submit-proof", "true.smt2"], 0);
    assert!(again.contains(&id) && again.contains("already known: "), "{again}");
    let shown = network.says(&["proof", &id], 0);
    for words in ["final in block 1", "signed by: node_1", "resource count: "] {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    let block = network.says(&["block", "1"], 0);
    for words in ["Block 1\n", "Proposer:   node_1", &id, "Prepare certificate: view 1, 10000 of 10000 stake", " UTC\n"]
    {
        assert!(block.contains(words), "{words:?} is not in\n{block}");
    }
    let raw: Value = serde_json::from_str(&network.says(&["block", "1", "--json"], 0)).unwrap();
    assert!(raw["proofs"][0]["proof"].as_str().is_some_and(|whole| whole.starts_with(&id)), "{raw}");
    let genesis = network.says(&["block", "0"], 0);
    assert!(genesis.contains("It is the genesis"), "{genesis}");
    let future = network.says(&["block", "1000"], 2);
    assert!(future.contains("block 1000 is not final here; the last one is"), "{future}");
    let unknown = network.says(&["proof", &"0".repeat(64)], 2);
    assert!(unknown.contains("is known here"), "{unknown}");
    let status = network.says(&["status"], 0);
    assert!(status.starts_with("OK: block ") && status.contains(", 1 of 1 validators vote\n"), "{status}");
    for line in ["Node status:", "  Node ID: node_1", "  Proofs final: 1"] {
        assert!(status.lines().any(|found| found == line), "{line:?} is not in\n{status}");
    }
    let raw: Value = serde_json::from_str(&network.says(&["status", "--json"], 0)).unwrap();
    assert_eq!((&raw["node_id"], raw["actors"].as_array().map(Vec::len)), (&"node_1".into(), Some(7)));
}

#[test]
fn one_proof_that_is_not_taken_does_not_keep_the_others_back() {
    let network = Network::start();
    let said = network.says(&["submit-proof", "broken.smt2", "false.smt2", "true.smt2", "--wait"], 2);
    for words in [
        "broken.smt2: line 2, column 12: x is not declared\n  (assert (= x y))\n             ^\n",
        "REFUSED false.smt2: false. 1 of 1 validators found a counterexample",
        "true.smt2: final in block",
        "1 final, 1 refused, 1 not taken in ",
        " s (exit 2: 1 not taken)\n",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    let again = network.says(&["submit-proof", "false.smt2"], 5);
    assert!(again.starts_with("REFUSED false.smt2: false. 1 of 1 validators found a counterexample"), "{again}");
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_where_they_say_nothing() {
    let network = Network::start();
    let script = b"(set-info :source |by J\xfcrgen|)\n(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";
    fs::write(network.path().join("latin.smt2"), script).unwrap();
    let said = network.says(&["submit-proof", "latin.smt2", "--claim", "unsat", "--wait"], 0);
    let replaced = "latin.smt2: 1 byte that is not UTF-8 replaced (in comments and ignored text)\n";
    assert!(said.contains(replaced) && said.contains("latin.smt2: final in block"), "{said}");
    fs::write(network.path().join("name.smt2"), b"(declare-const |J\xfc| Bool)\n(assert |J\xfc|)\n(check-sat)\n")
        .unwrap();
    let said = network.says(&["submit-proof", "name.smt2", "--claim", "sat"], 2);
    assert!(said.contains("name.smt2: line 1, column 18: this is not UTF-8"), "{said}");
}

#[test]
fn a_proof_comes_with_what_its_own_node_found_out_about_it() {
    let network = Network::start();
    network.write("counter.smt2", "(declare-const sin Int)\n(assert (= (* 2 sin) 84))\n(check-sat)\n");
    network.write("vacuous.smt2", VACUOUS);
    network.write("undecided.smt2", UNDECIDED);
    let ended = |file: &str, claim: &str, code: i32| {
        let said = network.says(&["submit-proof", file, "--claim", claim, "--wait"], code);
        id_in(&said).to_owned()
    };
    let refuted = ended("counter.smt2", "unsat", 5);
    let shown = network.says(&["proof", &refuted], 0);
    for words in
        ["own check: refuted, answered sat", "counter-model (unsigned advice", "    (define-fun sin () Int 42)\n"]
    {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    let view: Value = serde_json::from_str(&network.says(&["proof", &refuted, "--json"], 0)).unwrap();
    assert_eq!(view["counter_model"]["text"], "(define-fun sin () Int 42)\n");
    assert_eq!(view["counter_model"]["truncated"], false);
    assert!(view["counter_model"]["note"].as_str().unwrap().starts_with("unsigned advice"), "{view}");
    let bare = network.get(&format!("/v1/proofs/{}?explain=false", view["proof"].as_str().unwrap()));
    assert!(bare.contains("\"refuted\"") && !bare.contains("counter_model"), "{bare}");
    let unreachable = ended("true.smt2", "sat", 5);
    let shown = network.says(&["proof", &unreachable], 0);
    assert!(shown.contains("counter-model: there is none: the solver found that nothing satisfies"), "{shown}");
    let vacuous = ended("vacuous.smt2", "unsat", 0);
    let shown = network.says(&["proof", &vacuous], 0);
    assert!(shown.contains("warning: what is assumed contradicts itself: it would hold with any goal"), "{shown}");
    let undecided = ended("undecided.smt2", "unsat", 5);
    let shown = network.says(&["proof", &undecided], 0);
    for words in
        ["own check: no verdict, the solver answered unknown (", "got as far as resource count ", " of 200,000,000, "]
    {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    let view: Value = serde_json::from_str(&network.says(&["proof", &undecided, "--json"], 0)).unwrap();
    assert_eq!(
        (&view["no_verdict"]["reason"], &view["no_verdict"]["limits"]["cpu_ms"]),
        (&"unknown".into(), &20_000.into())
    );
}

#[test]
fn every_metric_without_labels_is_on_the_page_and_the_log_is_plain() {
    let network = Network::start();
    network.says(&["submit-proof", "true.smt2", "--wait"], 0);
    let page = network.get("/metrics");
    for metric in METRICS.iter().filter(|metric| metric.labels.is_empty()) {
        let expected = match metric.kind {
            Kind::Histogram(_) => format!("\n{}_count ", metric.name),
            Kind::Counter | Kind::CounterOfSeconds | Kind::Gauge => format!("\n{} ", metric.name),
        };
        assert!(page.contains(&expected), "{} is not on\n{page}", metric.name);
    }
    for metric in METRICS {
        assert!(page.contains(&format!("\n# TYPE {} ", metric.name)), "{} is not on\n{page}", metric.name);
    }
    assert!(page.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{page}");
    for sample in [
        "pop_consensus_proofs_final_total 1\n",
        "pop_consensus_sequence 1\n",
        "pop_consensus_is_leader 1\n",
        "pop_consensus_is_signing 1\n",
        "pop_consensus_blocks_proposed_total{validator=\"node_1\"} 1\n",
        "pop_consensus_rounds_total{validator=\"node_1\"} 1\n",
        "pop_consensus_proposed_to_final_seconds_count 1\n",
        "pop_proofs_submitted_total 1\n",
        "pop_proofs_accepted_total{source=\"submitter\"} 1\n",
        "pop_proofs_submitted_to_final_seconds_count 1\n",
        "pop_verifier_verdicts_total{verdict=\"confirmed\"} 1\n",
        "pop_verifier_accuracy_window{outcome=\"agreed\"} 1\n",
        "pop_verifier_accuracy_ratio 1\n",
        "pop_state_supply_difference_tokens 0\n",
        "pop_state_final_proofs 1\n",
        "pop_actor_up{actor=\"consensus\"} 1\n",
        "pop_validator_info{validator=\"node_1\"} 1\n",
    ] {
        assert!(page.contains(sample), "{sample:?} is not on\n{page}");
    }
    let log = network.read("log");
    assert!(log.contains(" INFO block final sequence=1 view=1 proofs=1 took_ms="), "{log}");
    assert!(!log.contains('\u{1b}'), "no colours but on a terminal: {log}");
}

/// The program's own judge of a page: names, units, types and explanations.
#[test]
fn promtool_finds_nothing_wrong_with_the_page() {
    let network = Network::start();
    network.says(&["submit-proof", "true.smt2", "--wait"], 0);
    let answer = network.get("/metrics");
    let page = answer.split_once("\r\n\r\n").expect("a head and a body").1;
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join(".prometheus/bin/promtool");
    let program = if fetched.is_file() { fetched } else { "promtool".into() };
    let promtool =
        Command::new(program).args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut promtool) = promtool else {
        // Past the test harness, which keeps what a passing test prints.
        _ = std::io::stdout().write_all(b"NOT RUN: promtool check metrics: there is no promtool here\n");
        return;
    };
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && text.trim().is_empty(), "{text}");
}

#[test]
fn a_page_is_answered_while_an_actor_hangs() {
    let network = Network::start_with(r#", "admin": {"enabled": true}"#);
    let token = network.read("data/node_1/admin_token");
    let kill = |how: &str| {
        let body = format!(r#"{{"actor": "mempool", "how": "{how}"}}"#);
        let mut stream = TcpStream::connect(("127.0.0.1", network.http)).unwrap();
        let head = format!("Authorization: Bearer {}\r\nContent-Type: application/json", token.trim());
        let length = body.len();
        write!(
            stream,
            "POST /v1/admin/kill HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\nContent-Length: \
             {length}\r\n\r\n{body}"
        )
        .unwrap();
        stream
    };
    let mut answer = kill("block");
    // As long as it blocks its thread, pages say so; they come all the same.
    network.until("a page tells that the mempool hangs", |network| {
        let page = network.get("/metrics");
        let age = "pop_actor_heartbeat_age_seconds{actor=\"mempool\"} ";
        let line = page.lines().find_map(|line| line.strip_prefix(age));
        line.and_then(|seconds| seconds.parse::<f64>().ok()).is_some_and(|seconds| seconds > 0.5)
    });
    answer.read_to_string(&mut String::new()).unwrap();
    network.until("its restart is counted", |network| {
        network.get("/metrics").contains("\npop_actor_restarts_total{actor=\"mempool\",reason=\"blocked\"} 1\n")
    });
}

#[test]
fn a_second_process_and_a_taken_port_are_refused_by_name() {
    let mut network = Network::start();
    let second = network.says(&["start-validator", "--node-id", "node_1"], 3);
    assert!(second.contains("another process (") && second.contains(") uses node_1's key"), "{second}");
    let mut validator = network.validator.take().unwrap();
    validator.kill().unwrap();
    validator.wait().unwrap();
    let config: Value = serde_json::from_str(&network.read("config/node_1.json")).unwrap();
    let start = ["start-validator", "--node-id", "node_1"];
    let other = TcpListener::bind(("127.0.0.1", network.http)).unwrap();
    let taken = network.says(&start, 3);
    assert!(taken.contains(&format!("127.0.0.1:{}", network.http)) && taken.contains("set http.port"), "{taken}");
    drop(other);
    let port = u16::try_from(config["network"]["listen_port"].as_u64().unwrap()).unwrap();
    let _other = TcpListener::bind(("0.0.0.0", port)).unwrap();
    let taken = network.says(&start, 3);
    assert!(taken.contains("cannot listen for peers on") && taken.contains("set network.listen_port"), "{taken}");
}

#[test]
fn the_next_start_says_how_the_last_run_ended() {
    let mut network = Network::start_with(r#", "admin": {"enabled": true}"#);
    let last = |network: &Network, metric: &str, line: Option<&str>| {
        let page = network.get("/metrics");
        assert!(page.contains(&format!("\npop_last_exit_code {metric}\n")), "{metric}: {page}");
        let status = network.says(&["status"], 0);
        let found = status.lines().find_map(|line| line.trim_start().strip_prefix("Last exit: "));
        match (line, found) {
            (Some(line), Some(found)) => assert!(found.contains(line), "{line:?} is not in {found:?}"),
            (None, None) => {}
            (line, found) => panic!("{line:?} and not {found:?}"),
        }
        let status: Value = serde_json::from_str(&network.says(&["status", "--json"], 0)).unwrap();
        status["last_exit"].clone()
    };
    assert!(last(&network, "-2", None).is_null(), "there was no run before");
    assert_eq!(network.end(libc::SIGTERM), Some(0));
    network.run();
    let exit = last(&network, "0", Some(" UTC (SIGTERM)"));
    assert_eq!((&exit["code"], &exit["reason"], exit["at_ms"].is_u64()), (&0.into(), &"SIGTERM".into(), true));
    assert!(!network.read("log").contains("WARN"), "{}", network.read("log"));
    assert_eq!(network.end(libc::SIGKILL), None);
    network.run();
    let exit = last(&network, "-1", Some("ended without saying why (killed or power lost)"));
    assert!(exit["code"].is_null() && exit["at_ms"].is_null(), "{exit}");
    assert!(network.read("log").contains("the last run ended without saying why"), "{}", network.read("log"));
    // The thread that votes is not replaced: the hook ends the process from below.
    let killed = network.pop(&["kill-actor", "--actor", "consensus", "--how", "block"]);
    assert!(!killed.status.success(), "{killed:?}");
    let code = network.validator.take().unwrap().wait().unwrap().code();
    assert_eq!(code, Some(70), "{}", network.read("log"));
    let recorded = network.read("data/node_1/last-exit");
    network.run();
    let exit = last(&network, "70", Some("code 70 at "));
    assert!(
        recorded.contains(r#""code":70"#) && exit["reason"].as_str().is_some_and(|why| !why.is_empty()),
        "{recorded}"
    );
    // A start that fails is a run as well; one that meets another process' data says nothing there.
    network.says(&["start-validator", "--node-id", "node_1"], 3);
    assert_eq!(network.end(libc::SIGINT), Some(0));
    let taken = TcpListener::bind(("127.0.0.1", network.http)).unwrap();
    network.says(&["start-validator", "--node-id", "node_1"], 3);
    drop(taken);
    network.write("data/node_1/last-exit.0.0.new", "half of it");
    network.run();
    assert!(last(&network, "3", Some("cannot listen for HTTP"))["code"] == 3);
    // What somebody else put there is ignored.
    assert_eq!(network.end(libc::SIGTERM), Some(0));
    network.write("data/node_1/last-exit", "\u{1b}[2J{\"state\":");
    network.run();
    assert!(last(&network, "-2", None).is_null());
}

#[test]
fn the_data_of_another_network_are_not_touched() {
    let mut network = Network::start();
    let mut validator = network.validator.take().unwrap();
    validator.kill().unwrap();
    validator.wait().unwrap();
    let other = network.pop(&["init-genesis-state", "--output", "other.json"]);
    assert!(other.status.success(), "{other:?}");
    let refused = network.says(&["start-validator", "--node-id", "node_1", "--genesis", "other.json"], 3);
    assert!(refused.contains("belongs to the network") && refused.contains("--data-dir"), "{refused}");
    assert!(network.read("data/node_1/last-exit").contains("running"), "{}", network.read("data/node_1/last-exit"));
}
