//! `pop check-proof FILE` beside `z3 FILE`: one file, whole processes, in turns in one run.
//!
//! `cargo bench --bench check_proof`, a few minutes. The environment variable `Z3` names the solver's program, or it is `z3` on
//! the PATH; one of another version than the pinned library is no measure. Dafny's files are made when it is installed, and cut
//! behind their query: what the solver refuses of them it would have to print. `POP_RUNS` says how often (21), `POP_FILES` adds a folder.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What `pop check-proof` may take: so many times what `z3` does, and this much.
const FACTOR: f64 = 1.2;
const EXTRA: Duration = Duration::from_millis(25);

/// Files of the public corpus from here on are measured.
const CORPUS_BYTES_MIN: u64 = 100_000;
/// What takes longer than this says nothing of the way to the solver.
const LONGEST: Duration = Duration::from_secs(10);

const SMALL: &str = "data/proofs/midpoint-without-overflow.smt2";

/// A search with its invariants: one query of a quarter of a megabyte, most of it Dafny's own axioms.
const SEARCH: &str = "method Search(a: array<int>, key: int) returns (r: int)
  requires forall i, j :: 0 <= i < j < a.Length ==> a[i] <= a[j]
  ensures 0 <= r ==> r < a.Length && a[r] == key
  ensures r < 0 ==> forall k :: 0 <= k < a.Length ==> a[k] != key
{
  var lo, hi := 0, a.Length;
  while lo < hi
    invariant 0 <= lo <= hi <= a.Length
    invariant forall i :: 0 <= i < a.Length && !(lo <= i < hi) ==> a[i] != key
  {
    var m := (lo + hi) / 2;
    if key < a[m] { hi := m; } else if a[m] < key { lo := m + 1; } else { return m; }
  }
  return -1;
}
";

/// A program with many functions, each of which is an axiom in every query: two and a half megabytes.
fn many_functions() -> String {
    let mut program = "function f0(x: int, s: seq<int>): int { if x < 0 then 0 else x }\n".to_owned();
    for n in 1..400 {
        program += &format!(
            "function f{n}(x: int, s: seq<int>): int requires x >= {n} ensures f{n}(x, s) >= 0
{{ if |s| > {n} && s[{n}] > x then {n} else if x > 2 * {n} then f{}(x, s[..|s| / 2]) + {n} else x }}\n",
            n - 1
        );
    }
    program + "lemma Search(x: int, s: seq<int>) requires x >= 400 ensures f399(x, s) + f398(x, s) >= 0 { }\n"
}

/// The query of the program's one obligation that is called `Search`, or none without Dafny.
fn dafny(folder: &Path, name: &str, program: &str) -> Option<PathBuf> {
    let place = folder.join(name);
    std::fs::create_dir(&place).expect("a fresh folder");
    std::fs::write(place.join("p.dfy"), program).expect("a fresh folder");
    let arguments = ["/compile:0", "/proverLog:@PROC@.out", "/proc:Impl*Search*", "p.dfy"];
    Command::new("dafny").args(arguments).current_dir(&place).stdin(Stdio::null()).output().ok()?;
    let written = std::fs::read_dir(&place).expect("a fresh folder").flatten().map(|entry| entry.path());
    let query = written.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "out"))?;
    let text = std::fs::read_to_string(query).expect("Dafny writes text");
    let end = text.find("(check-sat)").expect("Dafny asks");
    let file = folder.join(format!("{name}.smt2"));
    let kept = text[..end].lines().filter(|line| !line.contains(":model_compress"));
    std::fs::write(&file, kept.chain(["(check-sat)\n"]).collect::<Vec<_>>().join("\n")).expect("a fresh folder");
    Some(file)
}

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else {
        println!("NOT RUN: the corpus of public scripts is not at ../shared/corpus");
        return Vec::new();
    };
    let entries: Value = serde_json::from_slice(&manifest).expect("the corpus' manifest is well-formed");
    let large = entries.as_array().into_iter().flatten().filter(|entry| {
        entry["expected"] != "unknown" && entry["bytes"].as_u64().is_some_and(|bytes| bytes >= CORPUS_BYTES_MIN)
    });
    large.filter_map(|entry| Some(folder.join(entry["file"].as_str()?))).collect()
}

fn run(program: &Path, arguments: &[&str], file: &Path) -> (Output, Duration) {
    let begun = Instant::now();
    let output = Command::new(program).args(arguments).arg(file).stdin(Stdio::null()).output();
    (output.expect("the program runs"), begun.elapsed())
}

/// The last line that is an answer.
fn answer(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let words = text.lines().rev().filter_map(|line| line.split("answered ").last()?.split(';').next());
    words.map(str::trim).find(|word| matches!(*word, "sat" | "unsat")).unwrap_or("none").to_owned()
}

/// The first `1.2.3` of a text.
fn version(text: &str) -> Option<String> {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').find(|word| word.matches('.').count() >= 2)?;
    Some(numbers.split('.').take(3).collect::<Vec<_>>().join("."))
}

/// The solver's program, if it is of the pinned version.
fn solver(pop: &Path) -> Option<PathBuf> {
    let program = PathBuf::from(std::env::var_os("Z3").unwrap_or_else(|| "z3".into()));
    let Ok(output) = Command::new(&program).arg("--version").output() else {
        println!("NOT RUN: there is no {}; Z3 names the solver's program", program.display());
        return None;
    };
    let document: Value =
        serde_json::from_slice(&run(pop, &["check-proof", "--json"], Path::new(SMALL)).0.stdout).ok()?;
    let (pinned, found) =
        (version(document["solver"]["version"].as_str()?)?, version(&String::from_utf8_lossy(&output.stdout)));
    if found.as_ref() == Some(&pinned) {
        return Some(program);
    }
    println!("NOT RUN: {} is version {}, the pinned library {pinned}", program.display(), found.unwrap_or_default());
    None
}

fn middle(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Measures one file and prints its line.
fn measure(z3: &Path, pop: &Path, file: &Path, runs: usize) {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let (first, span) = run(z3, &[], file);
    if span > LONGEST {
        return println!("{name:40} NOT RUN: z3 alone takes {:.1} s", span.as_secs_f64());
    }
    let (second, _) = run(pop, &["check-proof"], file);
    if answer(&first) != answer(&second) {
        return println!("{name:40} NOT RUN: z3 answers {}, pop {}", answer(&first), answer(&second));
    }
    let (mut alone, mut checked): (Vec<_>, Vec<_>) =
        (0..runs).map(|_| (run(z3, &[], file).1, run(pop, &["check-proof"], file).1)).unzip();
    let (alone_middle, checked_middle) = (middle(&mut alone), middle(&mut checked));
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    let spare = ms(alone_middle) * FACTOR + ms(EXTRA) - ms(checked_middle);
    println!(
        "{name:40} {bytes:>9} {:>5} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>6.2} {:>8.1}{}",
        answer(&first),
        ms(alone[0]),
        ms(alone_middle),
        ms(checked[0]),
        ms(checked_middle),
        ms(checked_middle) / ms(alone_middle),
        spare,
        if spare < 0.0 { "  beyond" } else { "" }
    );
}

fn main() {
    let pop = PathBuf::from(env!("CARGO_BIN_EXE_pop"));
    let Some(z3) = solver(&pop) else { return };
    let runs = std::env::var("POP_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(21usize).max(1);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut files = vec![PathBuf::from(SMALL)];
    for (name, program) in [("dafny-search", SEARCH.to_owned()), ("dafny-400-functions", many_functions())] {
        match dafny(folder.path(), name, &program) {
            Some(file) => files.push(file),
            None => println!("NOT RUN: {name}, since there is no dafny"),
        }
    }
    files.extend(corpus());
    if let Some(more) = std::env::var_os("POP_FILES") {
        let entries = std::fs::read_dir(more).expect("POP_FILES names a folder").flatten();
        files
            .extend(entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "smt2")));
    }
    println!(
        "{runs} runs of each in turns; milliseconds of real time; at most {FACTOR} × z3 + {} ms (medians)",
        EXTRA.as_millis()
    );
    println!(
        "{:40} {:>9} {:>5} {:>8} {:>8} {:>8} {:>8} {:>6} {:>8}",
        "file", "bytes", "", "z3 min", "median", "pop min", "median", "÷", "left"
    );
    files.iter().for_each(|file| measure(&z3, &pop, file, runs));
}
