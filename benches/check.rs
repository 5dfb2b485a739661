//! `pop check` beside `z3` one file after another, on a log of many queries with and without `--incremental` beside `z3` on that
//! log, and its second run beside reading and hashing.
//!
//! The second run is measured before four validators that know every obligation, too. The log is Boogie's, of a program with as
//! many procedures over Dafny's prelude: both are Debian's packages of that name.
//!
//! `cargo bench --bench check`, a quarter of an hour: the validators check ten thousand scripts once. The environment variable `Z3` names the solver's program, or it is `z3` on the
//! PATH; one of another version than the pinned library is no measure. Runs are in turns, medians are printed; `POP_RUNS` says
//! how often (7). A first run has an empty cache each time.

#[path = "../tests/network_support/mod.rs"]
mod network_support;

use network_support::Network;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The corpus by `pop check` ÷ `z3` one file after another.
const FIRST_MAX: f64 = 0.5;
/// A second run ÷ reading and hashing the same files.
const SECOND_MAX: f64 = 1.2;
/// How much longer it may take with a network, in seconds.
const NETWORK_MORE_MAX: f64 = 2.0;
const OBLIGATIONS: usize = 10_000;
/// A log by `pop check --incremental` ÷ `z3` on the log.
const INCREMENTAL_MAX: f64 = 0.7;
const QUERIES: usize = 500;
/// What Dafny tells its solver about its own language, as a program for Boogie.
const PRELUDE: &str = "/usr/lib/dafny/DafnyPrelude.bpl";

struct User {
    folder: tempfile::TempDir,
    pop: PathBuf,
}

impl User {
    fn new() -> User {
        User { folder: tempfile::tempdir().expect("a temporary folder"), pop: PathBuf::from(env!("CARGO_BIN_EXE_pop")) }
    }

    fn forget(&self) {
        // There is none before the first run.
        let _ = fs::remove_dir_all(self.folder.path().join("cache"));
    }

    /// One run; what it printed, and how long it took.
    fn check(&self, arguments: &[&str], path: &Path) -> (Vec<u8>, Duration) {
        let mut command = Command::new(&self.pop);
        command.arg("check").args(arguments).arg(path).stdin(Stdio::null()).stderr(Stdio::inherit());
        command.env("XDG_CACHE_HOME", self.folder.path().join("cache"));
        command.env("XDG_DATA_HOME", self.folder.path().join("data"));
        let begun = Instant::now();
        let output = command.output().expect("the program runs");
        (output.stdout, begun.elapsed())
    }

    fn document(&self, path: &Path) -> Value {
        serde_json::from_slice(&self.check(&["--json"], path).0).expect("a document")
    }
}

fn median(mut spans: Vec<Duration>) -> f64 {
    spans.sort();
    spans[spans.len() / 2].as_secs_f64()
}

fn print(what: &str, mine: f64, other: f64, max: f64) {
    let factor = mine / other;
    let beyond = if factor > max { "  beyond" } else { "" };
    println!("{what:60} {mine:>8.3} s ÷ {other:>8.3} s = {factor:.2} (at most {max}){beyond}");
}

/// The first `1.2.3` of a text.
fn version(text: &str) -> Option<String> {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').find(|word| word.matches('.').count() >= 2)?;
    Some(numbers.split('.').take(3).collect::<Vec<_>>().join("."))
}

/// The solver's program, if it is of the pinned version.
fn solver(user: &User) -> Option<PathBuf> {
    let program = PathBuf::from(std::env::var_os("Z3").unwrap_or_else(|| "z3".into()));
    let Ok(output) = Command::new(&program).arg("--version").output() else {
        println!("NOT RUN: there is no {}; Z3 names the solver's program", program.display());
        return None;
    };
    let document =
        user.document(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/proofs/midpoint-without-overflow.smt2"));
    let pinned = version(document["solver"]["version"].as_str().unwrap_or_default());
    let found = version(&String::from_utf8_lossy(&output.stdout));
    if found.is_some() && found == pinned {
        return Some(program);
    }
    println!("NOT RUN: {} is version {found:?}, the pinned library {pinned:?}", program.display());
    None
}

fn corpus(user: &User, runs: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(manifest) = fs::read(folder.join("manifest.json")) else {
        return println!("NOT RUN: the corpus of public scripts is not at ../shared/corpus");
    };
    let Some(z3) = solver(user) else { return };
    let entries: Value = serde_json::from_slice(&manifest).expect("the corpus' manifest is well-formed");
    let files: Vec<PathBuf> = entries
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["file"].as_str())
        // The others set limits of their own in the solver's words, which z3 obeys and no network does.
        .filter(|file| file.starts_with("smt2/"))
        .map(|file| folder.join(file))
        .collect();
    let folder = folder.join("smt2");
    let one_after_another = || {
        let begun = Instant::now();
        for file in &files {
            let run = Command::new(&z3).arg("-T:20").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).status();
            run.expect("the solver runs");
        }
        begun.elapsed()
    };
    let first = || {
        user.forget();
        user.check(&[], &folder).1
    };
    let (mine, other) = (0..runs).map(|_| (first(), one_after_another())).unzip();
    user.forget();
    let counts = user.document(&folder)["counts"].clone();
    print(
        &format!("the corpus, {} files: pop check ÷ z3 one after another", files.len()),
        median(mine),
        median(other),
        FIRST_MAX,
    );
    println!("  {counts}");
}

/// A procedure over Dafny's prelude, each number another one.
fn procedure(number: usize) -> String {
    let times = number % 3 + 1;
    match number % 4 {
        0 => format!(
            "procedure Push{number}(s: Seq Box, x: Box) returns (t: Seq Box) ensures Seq#Length(t) == Seq#Length(s) + {times};
  ensures Seq#Index(t, Seq#Length(s)) == x; {{ var i: int; t := Seq#Build(s, x); i := 1; while (i < {times})
  invariant 1 <= i && i <= {times}; invariant Seq#Length(t) == Seq#Length(s) + i; invariant Seq#Index(t, Seq#Length(s)) == x;
  {{ t := Seq#Build(t, x); i := i + 1; }} }}\n"
        ),
        1 => format!(
            "procedure Find{number}(s: Seq Box, x: Box) returns (r: int)
  ensures r < 0 || (r < Seq#Length(s) && Seq#Index(s, r) == x);
  ensures r < 0 ==> (forall j: int :: {{ Seq#Index(s, j) }} 0 <= j && j < Seq#Length(s) - {number} ==> Seq#Index(s, j) != x);
  {{ r := 0; while (r < Seq#Length(s) - {number}) invariant 0 <= r;
  invariant (forall j: int :: {{ Seq#Index(s, j) }} 0 <= j && j < r ==> Seq#Index(s, j) != x);
  {{ if (Seq#Index(s, r) == x) {{ return; }} r := r + 1; }} r := -1; }}\n"
        ),
        2 => format!(
            "procedure Join{number}(s: Seq Box, t: Seq Box) returns (u: Seq Box)
  ensures Seq#Length(u) == Seq#Length(s) + Seq#Length(t);
  ensures (forall j: int :: {{ Seq#Index(u, j) }} 0 <= j && j < Seq#Length(s) ==> Seq#Index(u, j) == Seq#Index(s, j));
  {{ u := Seq#Append(s, t); assert Seq#Length(u) + {number} >= Seq#Length(s); }}\n"
        ),
        _ => format!(
            "procedure Count{number}(n: int) returns (c: int) requires n >= {number}; ensures c == n - {number};
  {{ var i: int; i := {number}; c := 0; while (i < n) invariant {number} <= i && i <= n; invariant c == i - {number};
  {{ c := c + 1; i := i + 1; }} }}\n"
        ),
    }
}

fn log_of_many(user: &User, runs: usize) {
    let Ok(prelude) = fs::read_to_string(PRELUDE) else {
        return println!("NOT RUN: a log of many queries: there is no {PRELUDE}");
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program: String = (0..QUERIES).map(procedure).collect();
    fs::write(folder.path().join("many.bpl"), prelude + &program).expect("a fresh folder");
    let mut boogie = Command::new("boogie");
    boogie.args(["/proverLog:many.smt2", "many.bpl"]).current_dir(folder.path()).stdin(Stdio::null());
    if boogie.stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return println!("NOT RUN: a log of many queries: there is no boogie");
    }
    let Some(z3) = solver(user) else { return };
    let log = folder.path().join("many.smt2");
    let by_z3 = || {
        let begun = Instant::now();
        let run = Command::new(&z3).arg(&log).stdin(Stdio::null()).stdout(Stdio::null()).status();
        run.expect("the solver runs");
        begun.elapsed()
    };
    let first = |arguments: &[&str]| {
        user.forget();
        user.check(arguments, &log).1
    };
    let (mut incremental, mut alone, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        incremental.push(first(&["--local", "--incremental"]));
        alone.push(first(&["--local"]));
        other.push(by_z3());
    }
    let bytes = log.metadata().map_or(0, |metadata| metadata.len());
    let other = median(other);
    print(
        &format!("a log of {QUERIES} queries and {} MB: --incremental ÷ z3", bytes >> 20),
        median(incremental),
        other,
        INCREMENTAL_MAX,
    );
    let alone = median(alone);
    println!("{:60} {alone:>8.3} s ÷ {other:>8.3} s = {:.2}", "  without --incremental", alone / other);
    user.forget();
    let (text, _) = user.check(&["--local", "--incremental"], &log);
    println!("  {}", String::from_utf8_lossy(&text).lines().last().unwrap_or_default());
}

/// Scripts of some kilobytes, each another one.
fn many(folder: &Path) {
    for number in 0..OBLIGATIONS {
        let mut text = format!("; obligation {number}\n(set-info :status unsat)\n(declare-const x{number} Int)\n");
        for line in 0..60 {
            text += &format!("(declare-fun f{line} (Int) Int)\n(assert (= (f{line} {number}) (+ x{number} {line})))\n");
        }
        text += &format!("(assert (distinct x{number} x{number}))\n(check-sat)\n");
        let place = folder.join(format!("{:03}", number / 100));
        fs::create_dir_all(&place).expect("a fresh folder");
        fs::write(place.join(format!("{number}.smt2")), text).expect("a fresh folder");
    }
}

/// Each file under a folder, read and hashed, by one thread.
fn read_and_hash(folder: &Path) -> Duration {
    let begun = Instant::now();
    let mut hashes = 0;
    for place in fs::read_dir(folder).expect("the folder is there").flatten() {
        for file in fs::read_dir(place.path()).expect("the folder is there").flatten() {
            let bytes = fs::read(file.path()).expect("the file is there");
            hashes += usize::from(blake3::hash(&bytes).as_bytes()[0] < u8::MAX);
        }
    }
    assert!(hashes > OBLIGATIONS / 2);
    begun.elapsed()
}

/// The same obligations before four validators that know them all: looked up by their statements, nothing remembered here.
fn network(user: &User, folder: &Path, runs: usize) {
    let network = Network::running(4, json!({}));
    let node = network.nodes[0].http.to_string();
    let ask = ["--node", node.as_str(), "--yes"];
    let (text, first) = user.check(&ask, folder);
    println!("{OBLIGATIONS} obligations before four validators, first run: {:.1} s", first.as_secs_f64());
    println!("  {}", String::from_utf8_lossy(&text).lines().last().unwrap_or_default());
    let (mine, other): (Vec<_>, Vec<_>) =
        (0..runs).map(|_| (user.check(&ask, folder).1, user.check(&[], folder).1)).unzip();
    let (mine, other) = (median(mine), median(other));
    let beyond = if mine - other > NETWORK_MORE_MAX { "  beyond" } else { "" };
    let what = "a run before validators that know all of it";
    println!(
        "{what:60} {mine:>8.3} s - {other:>8.3} s = {:.2} s more (at most {NETWORK_MORE_MAX}){beyond}",
        mine - other
    );
}

fn second_run(user: &User, folder: &Path, runs: usize) {
    user.forget();
    let (_, first) = user.check(&[], folder);
    println!("{OBLIGATIONS} obligations, first run: {:.1} s", first.as_secs_f64());
    let (mine, other) = (0..runs).map(|_| (user.check(&[], folder).1, read_and_hash(folder))).unzip();
    let (text, _) = user.check(&[], folder);
    print("second run ÷ reading and hashing on one thread", median(mine), median(other), SECOND_MAX);
    println!("  {}", String::from_utf8_lossy(&text).lines().last().unwrap_or_default());
}

fn main() {
    let user = User::new();
    let runs = std::env::var("POP_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(7usize).max(1);
    let folder = tempfile::tempdir().expect("a temporary folder");
    many(folder.path());
    second_run(&user, folder.path(), runs);
    network(&user, folder.path(), runs);
    corpus(&user, runs);
    log_of_many(&user, runs.min(3));
}
