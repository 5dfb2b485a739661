//! The command blocks of README and docs, run from their text: each document's in order, in a folder as its reader has it, in
//! a network of its own, so that the ports that they name are free.
//!
//! What a document must say, so that this can be done:
//! - Commands are in a fenced block marked `sh`, one a line; with what they print, marked `console`, each after `$ `. There the
//!   output is compared, but for times and memory. Other blocks are marked `json` or `text`.
//! - A block that no test can run has the comment `<!-- not run by the tests: REASON -->` on the line before it.
//! - A command that does not end with 0 says so: `# ends with 5`.
//! - `ID` stands for the last identifier that was printed.
//! - `pop start-validator` is in a terminal of its own: the next command waits until it says that it runs, and it is stopped
//!   with SIGTERM at the end of the document.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const NOT_RUN: &str = "<!-- not run by the tests: ";
const DEADLINE: Duration = Duration::from_secs(100);
/// What begins a line of a shell. Outside of a marked block these words are code within a sentence, or forgotten.
const PROGRAMS: [&str; 12] =
    ["pop", "make", "cargo", "curl", "apt", "sudo", "systemctl", "install", "cp", "mkdir", "export", "journalctl"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Shell,
    Console,
}

struct Block {
    line: usize,
    kind: Kind,
    /// Why it is not run.
    skipped: Option<String>,
    lines: Vec<String>,
}

struct Document {
    name: String,
    blocks: Vec<Block>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<Document> {
    let mut paths = vec![root().join("README.md"), root().join("data/proofs/README.md")];
    let mut docs: Vec<PathBuf> =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    docs.sort();
    paths.extend(docs.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let document = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let blocks = blocks(&name, &fs::read_to_string(&path).unwrap());
        Document { name, blocks }
    };
    paths.into_iter().map(document).collect()
}

/// The command blocks of a text. Panics where one is not marked as they have to be.
fn blocks(name: &str, text: &str) -> Vec<Block> {
    let (mut blocks, mut before) = (Vec::new(), "");
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let at = format!("{name}:{}", index + 1);
        let first = line.split_whitespace().next().unwrap_or_default();
        if let Some(mark) = line.strip_prefix("```") {
            let content: Vec<String> =
                lines.by_ref().map(|(_, line)| line.to_owned()).take_while(|line| line != "```").collect();
            let kind = match mark {
                "sh" => Some(Kind::Shell),
                "console" => Some(Kind::Console),
                "json" | "text" => None,
                other => panic!("{at}: a block is marked `sh`, `console`, `json` or `text`, and not {other:?}"),
            };
            let reason = before.strip_prefix(NOT_RUN).map(|reason| reason.trim_end_matches("-->").trim().to_owned());
            assert!(kind.is_some() || reason.is_none(), "{at}: this is no block of commands");
            blocks.extend(kind.map(|kind| Block { line: index + 1, kind, skipped: reason, lines: content }));
        } else {
            let is_command = line.starts_with("    ") && PROGRAMS.contains(&first.trim_start_matches("$ "));
            assert!(!is_command, "{at}: commands are in a block marked `sh`: {line}");
        }
        before = line;
    }
    blocks
}

/// A shell's line, with what is expected of it.
struct Step {
    at: String,
    command: String,
    code: i32,
    /// What it prints, where the document shows that.
    output: Option<Vec<String>>,
}

fn steps(document: &str, block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (index, line) in block.lines.iter().enumerate() {
        let command = match block.kind {
            Kind::Shell => Some(line.as_str()).filter(|line| !line.trim().is_empty()),
            Kind::Console => line.strip_prefix("$ "),
        };
        let Some(command) = command else {
            if let Some(output) = steps.last_mut().and_then(|step| step.output.as_mut()) {
                output.push(line.clone());
            }
            continue;
        };
        let code = command.split_once("# ends with ").map_or(0, |(_, rest)| {
            rest.split(|letter: char| !letter.is_ascii_digit()).next().unwrap().parse().expect("a number follows")
        });
        let output = (block.kind == Kind::Console).then(Vec::new);
        steps.push(Step {
            at: format!("{document}:{}", block.line + 1 + index),
            command: command.into(),
            code,
            output,
        });
    }
    steps
}

/// Times and memory differ from run to run.
fn masked(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_measure =
        |index: usize| words.get(index + 1).is_some_and(|unit| ["ms", "MiB"].contains(&unit.trim_end_matches(',')));
    let mask = |(index, word): (usize, &&str)| if is_measure(index) { "…".to_owned() } else { (*word).to_owned() };
    words.iter().enumerate().map(mask).collect::<Vec<_>>().join(" ")
}

/// A reader at work: a folder like a fresh clone, the programs on the path, validators in terminals.
struct Reader {
    folder: tempfile::TempDir,
    terminals: Vec<(String, Child, PathBuf)>,
    /// The last identifier that was printed.
    id: Option<String>,
}

impl Reader {
    fn new() -> Reader {
        let folder = tempfile::tempdir().unwrap();
        for place in ["config", "data/proofs"] {
            fs::create_dir_all(folder.path().join(place)).unwrap();
            for entry in fs::read_dir(root().join(place)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), folder.path().join(place).join(entry.file_name())).unwrap();
                }
            }
        }
        Reader { folder, terminals: Vec::new(), id: None }
    }

    fn command(&self, program: &str) -> Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_pop")).parent().unwrap().as_os_str().to_owned();
        let path = [programs, std::env::var_os("PATH").unwrap_or_default()].join(std::ffi::OsStr::new(":"));
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("PATH", path).env("HOME", self.folder.path()).stdin(Stdio::null());
        command
    }

    fn take(&mut self, step: &Step) -> Result<(), String> {
        if step.command.starts_with("pop start-validator") {
            return self.open_terminal(step);
        }
        self.await_validators()?;
        let mut words: Vec<&str> = step.command.split(' ').collect();
        for word in words.iter_mut().filter(|word| **word == "ID") {
            *word = self.id.as_deref().ok_or_else(|| format!("{}: no ID was printed before", step.at))?;
        }
        let seconds = DEADLINE.as_secs().to_string();
        let output = self.command("timeout").args([&seconds, "bash", "-c", &words.join(" ")]).output().unwrap();
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.code() != Some(step.code) {
            return Err(format!("{}: {}\nended with {}:\n{out}{error}", step.at, step.command, output.status));
        }
        let is_id = |word: &&str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let printed = out.split(|letter: char| !letter.is_ascii_alphanumeric()).rfind(is_id);
        self.id = printed.map(str::to_owned).or(self.id.take());
        let expected = step.output.iter().flatten().map(|line| masked(line)).collect::<Vec<_>>();
        let printed: Vec<String> = out.lines().map(masked).collect();
        if step.output.is_some() && printed != expected {
            return Err(format!(
                "{}: {}\nprints something else than the document shows:\n{out}",
                step.at, step.command
            ));
        }
        Ok(())
    }

    fn open_terminal(&mut self, step: &Step) -> Result<(), String> {
        let path = self.folder.path().join(format!("terminal-{}", self.terminals.len() + 1));
        let file = File::create(&path).unwrap();
        let mut command = self.command("bash");
        // As it is typed, but the shell becomes the program, which so gets the signal.
        command.args(["-c", &format!("exec {}", step.command)]);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        self.terminals.push((step.at.clone(), command.spawn().unwrap(), path));
        Ok(())
    }

    /// As a reader does, who looks at the terminals.
    fn await_validators(&mut self) -> Result<(), String> {
        for (at, process, path) in &mut self.terminals {
            let end = Instant::now() + DEADLINE;
            loop {
                let said = fs::read_to_string(&path).unwrap();
                if said.contains("is now running") {
                    break;
                }
                if Instant::now() > end || process.try_wait().unwrap().is_some() {
                    return Err(format!("{at}: the validator does not run:\n{said}"));
                }
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    fn close_terminals(&mut self) -> Result<(), String> {
        self.await_validators()?;
        for (_, process, _) in &self.terminals {
            let pid = process.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        }
        for (at, mut process, path) in self.terminals.drain(..) {
            let status = process.wait().unwrap();
            if !status.success() {
                let said = fs::read_to_string(path).unwrap();
                return Err(format!("{at}: the validator that was asked to stop ended with {status}:\n{said}"));
            }
        }
        Ok(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for (_, process, _) in &mut self.terminals {
            // They may have ended.
            _ = process.kill();
            _ = process.wait();
        }
    }
}

/// The thread, and what it starts from now on, is in a network that has nothing but a loopback interface.
#[cfg(target_os = "linux")]
fn enter_own_network() -> Result<(), String> {
    let last = |what: &str| format!("{what}: {}", std::io::Error::last_os_error());
    // SAFETY: system calls that concern this thread and a structure that lives; the descriptor is closed.
    unsafe {
        if libc::unshare(libc::CLONE_NEWNET) != 0 {
            return Err(last("a network of its own is for root"));
        }
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        let up = libc::ioctl(socket, libc::SIOCSIFFLAGS, &request);
        let result = if up == 0 { Ok(()) } else { Err(last("the loopback interface stays down")) };
        libc::close(socket);
        result
    }
}

#[cfg(not(target_os = "linux"))]
fn enter_own_network() -> Result<(), String> {
    Err("a network of its own needs Linux".into())
}

/// Runs what can be run of a document. How many blocks that were, and how many seconds it took.
fn walk(document: &Document) -> Result<(usize, f64), String> {
    let (began, mut reader, mut ran) = (Instant::now(), Reader::new(), 0);
    for block in document.blocks.iter().filter(|block| block.skipped.is_none()) {
        for step in steps(&document.name, block) {
            reader.take(&step)?;
        }
        ran += 1;
    }
    reader.close_terminals()?;
    Ok((ran, began.elapsed().as_secs_f64()))
}

fn say(text: std::fmt::Arguments<'_>) {
    use std::io::Write;
    // Past the test harness, which keeps what a passing test prints.
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
}

#[test]
fn every_command_block_of_readme_and_docs_runs_as_it_is_written() {
    let documents = documents();
    let allowed = std::thread::spawn(enter_own_network).join().unwrap();
    if let Err(why) = allowed {
        return say(format_args!("NOT RUN: the command blocks of README and docs: {why}"));
    }
    let walked: Vec<&Document> =
        documents.iter().filter(|document| document.blocks.iter().any(|block| block.skipped.is_none())).collect();
    let (next, ran) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let walk_on = || {
        while let Some(document) = walked.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Each of these enters another network than the one before.
            enter_own_network().unwrap();
            let (blocks, seconds) = walk(document).unwrap_or_else(|why| panic!("{why}"));
            say(format_args!("{}: {blocks} blocks run in {seconds:.1} s", document.name));
            ran.fetch_add(blocks, Ordering::Relaxed);
        }
    };
    // Two at a time: much of a walk is waiting.
    std::thread::scope(|scope| [scope.spawn(walk_on), scope.spawn(walk_on)].map(|walker| walker.join().unwrap()));
    let ran = ran.into_inner();
    let mut skipped = 0;
    for document in &documents {
        for block in &document.blocks {
            let Some(reason) = &block.skipped else { continue };
            say(format_args!("{}:{}: a block that is not run: {reason}", document.name, block.line));
            skipped += 1;
        }
    }
    say(format_args!("{ran} command blocks were run, {skipped} not"));
    assert!(ran >= 6, "only {ran} command blocks were found");
}

#[test]
fn blocks_are_told_apart_by_their_marks() {
    let text = "```sh\npop a\n```\n<!-- not run by the tests: it is long -->\n```sh\nmake b\n```\n```json\n{}\n```\n";
    let found = blocks("text", text);
    let skipped: Vec<Option<&str>> = found.iter().map(|block| block.skipped.as_deref()).collect();
    assert_eq!(skipped, [None, Some("it is long")]);
    for wrong in ["```\npop a\n```\n", "    pop a\n", "<!-- not run by the tests: no -->\n```json\n{}\n```\n"] {
        assert!(std::panic::catch_unwind(|| blocks("text", wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_step_knows_how_it_ends_and_what_it_prints() {
    let lines = ["$ pop a    # ends with 5: it is false", "took 12 ms, 3 MiB", "$ pop b"].map(str::to_owned).to_vec();
    let block = Block { line: 7, kind: Kind::Console, skipped: None, lines };
    let steps = steps("text", &block);
    assert_eq!(steps.iter().map(|step| step.code).collect::<Vec<_>>(), [5, 0]);
    assert_eq!((steps[0].at.as_str(), steps[1].at.as_str()), ("text:8", "text:10"));
    assert_eq!(masked(&steps[0].output.as_ref().unwrap()[0]), "took … ms, … MiB");
}
