//! One node of four lies to whoever asks it: `pop monitor-network` and `pop why --network` go by what the other three say, and
//! show which one it is. The nodes are servers that answer as validators do; the programs are the real ones.

mod monitor_support;

use monitor_support::Terminal;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const CHAIN: &str = "c11a1d";
/// The last final block at first.
const HEAD: u64 = 40;
/// What a terminal would obey, or what would turn its lines round.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}\u{2066}\u{9b}5A";

/// How one of them lies. `Body` is all that it ever answers.
#[derive(Clone)]
enum Lie {
    /// Fields of its status, and of `/v1/why`.
    Fields(Value),
    Body(String),
    /// A byte now and then.
    Drips,
    /// Blocks that nobody else has, as many as are asked for.
    Blocks,
}

/// A server in a validator's place.
#[derive(Clone)]
struct Node {
    name: String,
    head: Arc<AtomicU64>,
    lie: Option<Lie>,
}

impl Node {
    fn fields(&self) -> Value {
        let head = self.head.load(Ordering::SeqCst);
        let peers: Vec<Value> = (1..=4)
            .map(|number| format!("node_{number}"))
            .filter(|name| *name != self.name)
            .map(|name| json!({"node_id": name, "connected": true}))
            .collect();
        json!({
            "node_id": self.name, "chain_id": CHAIN, "current_sequence": head, "current_view": head + 1, "leader": "node_2",
            "block": format!("{head:064x}"), "stake_tokens": 10_000, "total_stake_tokens": 40_000, "has_quorum": true,
            "reachable_stake_tokens": 40_000, "proofs_final": 7, "since_start": {"proposals": 1, "view_changes": 0},
            "peers": peers, "last_final_ms": 100, "uptime_ms": 60_000,
            "health": {"state": "ok", "sentence": format!("OK: block {head} final 0.1 s ago, 4 of 4 validators vote"),
                       "what_to_do": "nothing", "missing": []},
        })
    }

    fn blocks(&self, from: u64) -> Value {
        let (head, id) = match self.lie {
            Some(Lie::Blocks) => (from + 63, "f".repeat(64)),
            _ => (self.head.load(Ordering::SeqCst), String::new()),
        };
        let id = |sequence: u64| if id.is_empty() { format!("{sequence:064x}") } else { id.clone() };
        let block = |sequence| json!({"sequence": sequence, "id": id(sequence), "header": {"time": 0}, "proofs": []});
        let blocks: Vec<Value> = (from..=head).take(64).map(block).collect();
        json!({"next": from + blocks.len() as u64, "blocks": blocks})
    }

    fn answer(&self, path: &str) -> String {
        match &self.lie {
            Some(Lie::Body(body)) => return body.clone(),
            Some(Lie::Fields(lies)) if path == "/v1/status" || path == "/v1/why" => {
                let mut fields = self.fields();
                lies.as_object().unwrap().iter().for_each(|(name, lie)| fields[name] = lie.clone());
                return fields.to_string();
            }
            Some(Lie::Fields(_) | Lie::Drips | Lie::Blocks) | None => {}
        }
        let account = |number| json!({"node_id": format!("node_{number}"), "stake_micro_tokens": 10_000_000_000u64});
        let answer = match path.split('?').next().unwrap() {
            "/v1/status" | "/v1/why" => self.fields(),
            "/v1/ledger" => json!({"accounts": (1..=4).map(account).collect::<Vec<_>>()}),
            "/v1/blocks" => {
                let from = path.split("from=").nth(1).unwrap().split('&').next().unwrap();
                self.blocks(from.parse().unwrap())
            }
            _ => json!({}),
        };
        answer.to_string()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut request = [0; 4_096];
        let count = stream.read(&mut request).unwrap_or(0);
        let request = String::from_utf8_lossy(&request[..count]).into_owned();
        let Some(path) = request.split(' ').nth(1) else { return };
        let body = self.answer(path);
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        if let Some(Lie::Drips) = self.lie {
            for byte in (head + &body).bytes() {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::park_timeout(Duration::from_millis(50));
            }
            return;
        }
        // Who asked may have gone.
        _ = stream.write_all((head + &body).as_bytes());
    }

    /// Its port. It is served until the test ends.
    fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (node, stream) = (self.clone(), stream.unwrap());
                std::thread::spawn(move || node.serve(stream));
            }
        });
        port
    }
}

/// Four nodes of which the first one lies, as a folder of configurations, and their head.
fn network(folder: &Path, lie: Lie) -> Arc<AtomicU64> {
    let head = Arc::new(AtomicU64::new(HEAD));
    for number in 1..=4 {
        let name = format!("node_{number}");
        let node = Node { name: name.clone(), head: head.clone(), lie: (number == 1).then(|| lie.clone()) };
        let config = json!({"node_id": name, "http": {"port": node.start()}});
        std::fs::write(folder.join(format!("{name}.json")), config.to_string()).unwrap();
    }
    head
}

fn pop(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pop"));
    command.args(arguments).arg("--network").arg(folder).env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
    command.env_remove("NO_COLOR");
    command
}

fn printed(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    let obeyed =
        |character: char| character != '\n' && (character.is_control() || "\u{202e}\u{2066}".contains(character));
    assert!(!text.contains(obeyed), "{text:?}");
    (output.status.code(), text)
}

/// What the monitor and `pop why` say of a network whose first node lies.
fn told(what: &str, lie: Lie, state: &str) {
    let folder = tempfile::tempdir().unwrap();
    network(folder.path(), lie);
    let (code, text) = printed(pop(folder.path(), &["monitor-network", "--json"]));
    let view: Value = serde_json::from_str(&text).unwrap();
    let network = &view["network"];
    let figures = ["final_blocks", "view", "leader", "total_stake", "reachable_stake", "has_quorum"];
    let said = figures.map(|name| &network[name]);
    let expected = [json!(HEAD), json!(HEAD + 1), json!("node_2"), json!(40_000), json!(40_000), json!(true)];
    assert_eq!(said, expected.each_ref(), "{what}: {view:#}");
    assert_eq!((code, &view["proofs"]["final"]), (Some(0), &json!(7)), "{what}: {view:#}");
    assert!(view["sentence"].as_str().unwrap().starts_with("OK: block 40"), "{what}: {view:#}");
    assert_ne!(view["health"], "HALTED", "{what}: {view:#}");
    let rows = view["validators"].as_array().unwrap();
    let row = rows.iter().find(|row| row["node_id"] == "node_1").unwrap_or_else(|| panic!("{what}: {view:#}"));
    assert_eq!((rows.len(), row["state"].as_str()), (4, Some(state)), "{what}: {row:#}");
    let (code, text) = printed(pop(folder.path(), &["why"]));
    assert!(text.starts_with("OK: block 40 final 0.1 s ago, 4 of 4 validators vote"), "{what}: {text}");
    assert!(code == Some(0) && text.len() < 4_000, "{what}: {text}");
}

#[test]
fn whatever_one_node_says_the_figures_are_those_of_the_others() {
    let halted = json!({"state": "halted", "sentence": "HALTED: all is lost", "what_to_do": HOSTILE, "missing": [
        {"node_id": HOSTILE, "stake": 1, "since": HOSTILE, "how": "silent"}]});
    let fields = |fields: Value| Lie::Fields(fields);
    let lies = [
        ("huge numbers", fields(json!({"current_sequence": u64::MAX, "current_view": u64::MAX})), "invalid"),
        ("large ones", fields(json!({"current_sequence": 1u64 << 50, "current_view": 1u64 << 50})), "invalid"),
        ("beyond all numbers", Lie::Body(r#"{"node_id": "node_1", "current_sequence": 1e999}"#.into()), "silent"),
        ("no number", fields(json!({"current_sequence": "NaN", "proofs_final": "Infinity"})), "invalid"),
        ("negative ones", fields(json!({"current_sequence": -1, "total_stake_tokens": -5.5})), "invalid"),
        ("all stake", fields(json!({"stake_tokens": 1u64 << 50, "total_stake_tokens": 1u64 << 50})), "ok"),
        ("another genesis", fields(json!({"chain_id": "another", "current_sequence": 9_000})), "invalid"),
        ("another name", fields(json!({"node_id": "node_3"})), "invalid"),
        ("a name that a terminal obeys", fields(json!({"node_id": HOSTILE})), "invalid"),
        (
            "words that it obeys",
            fields(json!({"leader": HOSTILE, "waiting_for": HOSTILE, "health": halted})),
            "waiting",
        ),
        ("ten megabytes", Lie::Body(format!("[{}0]", "0,".repeat(5 << 20))), "silent"),
        ("nothing but brackets", Lie::Body("[".repeat(1 << 20)), "silent"),
        ("a drip", Lie::Drips, "silent"),
        ("blocks of its own", Lie::Blocks, "invalid"),
    ];
    for some in lies.chunks(4) {
        std::thread::scope(|scope| {
            for (what, lie, state) in some {
                scope.spawn(move || told(what, lie.clone(), state));
            }
        });
    }
}

#[test]
fn a_node_that_makes_blocks_up_freezes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let head = network(folder.path(), Lie::Blocks);
    let mut terminal = Terminal::start(pop(folder.path(), &["monitor-network", "--interval", "0.5"]), 30, 120);
    terminal.until_shows("node_1 told of a final block");
    head.store(HEAD + 7, Ordering::SeqCst);
    terminal.until("what the others have since then", |text| {
        text.contains("47 final") && text.contains("invalid") && text.matches(" ok ").count() == 3
    });
    terminal.keys("q");
    assert_eq!(terminal.is_left_as_it_was().code(), Some(0));
}
