//! `pop monitor-network`, as an operator has it: the real program on a terminal, whose screen is read cell by cell, beside a
//! network of which nodes are killed and stopped.

mod monitor_support;
mod network_support;

use monitor_support::Terminal;
use network_support::proofs::Submitter;
use network_support::{End, Network, say};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Within which a node that does not answer is shown as such. A loaded machine gets some more.
const SILENCE_SHOWN: Duration = Duration::from_secs(3);
const LOADED: Duration = Duration::from_secs(7);

const NODES: &str = "node_1,node_2,node_3,node_4";

fn monitor(network: &Network, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.arg("monitor-network").args(arguments).current_dir(network.path("."));
    command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
    command
}

fn output(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// What every screen shows, however small.
const BLOCKS: [&str; 5] = ["Network health", "Mempool", "Latency", "Throughput", "Validators"];

#[test]
fn a_network_at_a_glance_at_three_sizes_with_nodes_stopped_and_killed() {
    let mut network = Network::running(4, json!({}));
    let submitter = Submitter::new(network.chain());
    let mut proof = submitter.submit(&network.nodes[0]);
    network.nodes[0].await_final(&proof);

    let mut small = Terminal::start(monitor(&network, &["--nodes", NODES, "--interval", "1"]), 24, 80);
    let mut plain = monitor(&network, &["--network", "config", "--ascii"]);
    plain.env("NO_COLOR", "1");
    let mut plain = Terminal::start(plain, 40, 120);
    let mut large = Terminal::start(monitor(&network, &["--nodes", NODES]), 60, 200);
    for terminal in [&small, &plain, &large] {
        let text = terminal.until("everybody is well", |text| {
            text.contains("Status: HEALTHY")
                && text.contains("4/4 answer")
                && text.matches(" ok ").count() == 4
                && text.contains("p99")
        });
        BLOCKS.iter().for_each(|block| assert!(text.contains(block), "{block} is not in\n{text}"));
        let own = network.nodes[0].status()["health"]["sentence"].as_str().unwrap().to_owned();
        let begin = own.split(':').next().unwrap();
        assert!(text.starts_with(begin), "{own}\n{text}");
    }
    let wide = large.until_shows("Latest proofs");
    assert!(wide.contains(&proof.to_string()[..12]) && wide.contains("Actors: 28 of 28 run"), "{wide}");
    assert_ne!(small.cell_of("HEALTHY").fgcolor(), vt100::Color::Default);
    plain.look(|screen| {
        for (row, column) in (0..40).flat_map(|row| (0..120).map(move |column| (row, column))) {
            let cell = screen.cell(row, column).unwrap();
            assert!(cell.contents().is_ascii(), "{:?} at {row}, {column}", cell.contents());
            assert_eq!(
                (cell.fgcolor(), cell.bgcolor()),
                (vt100::Color::Default, vt100::Color::Default),
                "at {row}, {column}"
            );
        }
    });

    // What becomes final is there without being asked for.
    proof = submitter.submit(&network.nodes[1]);
    large.until_shows(&proof.to_string()[..12]);
    keys_lead_everywhere(&mut small, &proof.to_string());
    a_refused_proof_is_seen(&network, &submitter, &mut small, &mut large);

    network.nodes[2].freeze();
    let began = Instant::now();
    for terminal in [&small, &plain, &large] {
        terminal
            .until("node_3 is silent, with why", |text| text.contains("silent") && text.contains("hung or stopped"));
        terminal.until("and the others go on", |text| text.contains("3/4 answer") && text.matches(" ok ").count() == 3);
    }
    let took = began.elapsed();
    say(format_args!("a stopped node is shown after {} ms, by three monitors", took.as_millis()));
    assert!(took < LOADED, "{took:?}; {SILENCE_SHOWN:?} on a machine of its own");
    network.nodes[2].thaw();
    for terminal in [&small, &plain, &large] {
        terminal.until_shows("4/4 answer");
    }
    network.nodes[3].end(End::Kill);
    small.until_shows("node_4 is missing (10,000 of 40,000 stake): not running");
    network.nodes[2].end(End::Kill);
    for terminal in [&small, &plain, &large] {
        let text = terminal.until("it halts", |text| text.starts_with("HALTED"));
        assert!(text.contains("2/4 answer"), "{text}");
    }
    large.until("who is missing, with how much stake", |text| {
        text.contains("node_3 is missing (10,000 of 40,000 stake): not running")
            && text.contains("node_4 is missing (10,000 of 40,000 stake)")
    });
    network.start_all();
    large.until("it goes on by itself", |text| text.contains("Status: HEALTHY") && text.contains("4/4 answer"));

    small.resize(40, 120);
    small.until("the larger screen has more", |text| {
        text.contains("Latest proofs") && text.lines().last().unwrap().contains("? keys")
    });
    small.resize(8, 30);
    small.until_shows("40 x 10 at least");

    small.keys("\u{3}");
    assert_eq!(small.is_left_as_it_was().code(), Some(0), "Ctrl-C");
    plain.signal(libc::SIGTERM);
    assert_eq!(plain.is_left_as_it_was().code(), Some(0), "SIGTERM");
    large.signal(libc::SIGHUP);
    assert_eq!(large.is_left_as_it_was().code(), Some(0), "SIGHUP");
    as_text_and_as_data(&network);
}

fn keys_lead_everywhere(terminal: &mut Terminal, proof: &str) {
    terminal.keys("?");
    terminal.until_shows("look a proof up by its id");
    terminal.keys("x2");
    terminal.until_shows("Validators by rounds");
    terminal.keys("sj\r");
    terminal.until("all of a validator", |text| {
        text.contains("Validator node_2") && text.contains("Peers: 3 of 3 connected")
    });
    terminal.keys("\u{1b}");
    terminal.until_shows("Validators by name");
    terminal.keys("3\r");
    terminal.until("an actor", |text| text.contains("Actor ") && text.contains("Supervisor"));
    terminal.keys(&format!("/{proof}\r"));
    terminal.until("where the proof is", |text| text.contains("final in block"));
    terminal.keys("51");
    terminal.until_shows("Network health");
}

/// Among the latest proofs, with its counterexample, without anybody asking for it.
fn a_refused_proof_is_seen(network: &Network, submitter: &Submitter, small: &mut Terminal, large: &mut Terminal) {
    let script = "(declare-const low Int)\n(assert (> low 3))\n(assert (< low 5))\n(check-sat)\n";
    let id = submitter.submit_script(&network.nodes[1], script).to_string();
    large.until("why it is refused", |text| {
        text.lines().any(|line| line.contains(&format!("{}   refused", &id[..12])) && line.contains("false."))
    });
    small.keys("4");
    small.until("it is the first of the list", |text| text.contains(&id[..12]) && text.contains("refused"));
    small.keys("\r");
    small.until("all of it", |text| {
        ["found a counterexample", "low = 4", "node_1: refuted"].iter().all(|words| text.contains(words))
    });
    small.keys("\u{1b}1");
    small.until_shows("Network health");
    let (_, text, _) = output(monitor(network, &["--nodes", NODES]));
    assert!(
        text.lines()
            .any(|line| line.contains(&id[..12]) && line.contains("REFUSED: false.") && line.contains("low = 4")),
        "{text}"
    );
}

/// What a pipe gets, and `--json`.
fn as_text_and_as_data(network: &Network) {
    let (code, text, errors) = output(monitor(network, &["--nodes", NODES]));
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{text}");
    for line in [
        "                    PROOF-OF-PROOF CONSENSUS NETWORK MONITOR",
        "Monitoring 4 nodes",
        "  Status: 🟢 HEALTHY",
        "  Active Nodes: 4/4",
        "  Byzantine Fault Tolerance: Can tolerate 1 faulty nodes (33% of 4)",
        "  Rank   Node ID         Rounds     Accuracy    Rewards",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
    let (code, text, _) = output(monitor(network, &["--nodes", NODES, "--json"]));
    let view: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &view["health"], &view["network"]["active_nodes"]),
        (Some(0), &"HEALTHY".into(), &4.into()),
        "{view:#}"
    );
    assert_eq!(view["validators"].as_array().unwrap().len(), 4);
    assert!(view["latency"]["p99_ms"].as_f64().unwrap() >= view["latency"]["p50_ms"].as_f64().unwrap());
}

#[test]
fn when_nobody_answers_it_says_so_and_goes_on_asking() {
    let network = Network::new(4);
    let mut terminal = Terminal::start(monitor(&network, &["--nodes", NODES, "--interval", "0.5"]), 24, 80);
    let text = terminal.until_shows("UNREACHABLE: none of the 4 nodes answers");
    terminal.until("everybody's trouble", |text| text.contains("0/4 answer") && text.matches("silent").count() >= 4);
    assert!(text.contains("quit"), "{text}");
    terminal.keys("q");
    assert_eq!(terminal.is_left_as_it_was().code(), Some(0));

    let (code, text, _) = output(monitor(&network, &["--nodes", NODES, "--once"]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("  Status: 🔴 UNREACHABLE\n  Active Nodes: 0/4\n"), "{text}");
    // Takes connections, and says nothing: as a process that is stopped.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let began = Instant::now();
    let (code, text, _) = output(monitor(&network, &["--nodes", &address, "--once"]));
    assert!(began.elapsed() < LOADED, "{:?}", began.elapsed());
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("hung or stopped: takes connections but does not answer"), "{text}");

    drop(silent);
    what_a_node_writes_moves_no_cursor(&network);
    for (arguments, words) in [
        (&["--nodes", "node_1,node_1"][..], "given twice"),
        (&["--nodes", "node_1", "--interval", "0"], "from 0.2 to 3600"),
        (&["--network", "nowhere"], "--network takes a folder of configurations"),
        (&[], "give --nodes node_1,node_2"),
    ] {
        let (code, text, errors) = output(monitor(&network, arguments));
        assert!(matches!(code, Some(2 | 3)) && text.is_empty(), "{arguments:?}: {code:?} {text}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
    }
}

/// A node that is an enemy: what it says of itself would clear the screen and set the window's title.
fn what_a_node_writes_moves_no_cursor(network: &Network) {
    let enemy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = enemy.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let hostile = "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}\u{9b}5A".repeat(50);
        let peers: Vec<Value> = (0..3_000).map(|number| json!({"node_id": format!("peer_{number}")})).collect();
        let body = json!({
            "node_id": "enemy", "health": {"sentence": hostile, "state": hostile, "what_to_do": hostile},
            "total_stake_tokens": 1u64 << 50, "current_sequence": 1u64 << 50, "waiting_for": hostile, "peers": peers, "leader": hostile,
            "tree": {"name": hostile, "children": [{"name": hostile, "state": hostile, "last_failure": {"text": hostile}}]},
            "chain_id": hostile, "blocks": [{"sequence": (1u64 << 50) - 511, "proposal_to_final_ms": 5e6, "proofs": [{"proof": hostile}]}], "accounts": hostile,
        });
        let body = body.to_string();
        for stream in enemy.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            // A request that is not whole, or an answer that nobody reads, is no matter here.
            _ = stream.read(&mut request);
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            _ = stream.write_all((head + &body).as_bytes());
        }
    });
    let mut terminal = Terminal::start(monitor(network, &["--nodes", &address]), 24, 80);
    let text =
        terminal.until("its words, written out", |text| text.contains("1/1 answer") && text.starts_with("\\u{1b}[2J"));
    assert!(text.lines().last().unwrap().contains("? keys"), "{text}");
    terminal.until_shows("p99");
    for key in ["2", "\r", "3", "\r", "4", "5", "6"] {
        terminal.keys(key);
    }
    terminal.until_shows("Alerts, the most severe first");
    terminal.look(|screen| assert!(screen.alternate_screen() && screen.hide_cursor()));
    terminal.keys("q");
    assert_eq!(terminal.is_left_as_it_was().code(), Some(0));
}
