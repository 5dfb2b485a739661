//! The library's own answer to a script as it was written, beside the one that the worker gives.
//!
//! Both are asked for in a child process, since a script may end it: this test program starts itself again, as the one
//! ignored test [`child`], which answers over pipes. The library gets the original text, but for its `set-option`
//! commands: those the normaliser kept are set through the API, as the worker sets them (written inline they do not fully
//! work, and some are errors in the library), and those it ignored are dropped (some make the library answer falsely). Only
//! `:global-declarations`, which says what a script means, stays.
//!
//! Must never: link the library's answer to anything that the normaliser printed.
#![allow(dead_code)]

use protocol::verdict::{Answer, Job, Report, Task, Verdict, VerifierParameters};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Everything that one script may use, in either run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bounds {
    pub cpu_ms: u64,
    pub memory_bytes: u64,
    pub resource_count: u64,
    /// Leave the library's own answer out.
    pub only_ours: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { cpu_ms: 2_000, memory_bytes: 1 << 30, resource_count: 3_000_000, only_ours: false }
    }
}

#[derive(Serialize, Deserialize)]
struct Request {
    script: Vec<u8>,
    bounds: Bounds,
}

/// What the library says of the original text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Library {
    Answer(Answer),
    Unknown,
    /// It reported an error before it answered: what it answers then is no answer to the script.
    Error(String),
}

/// Both sides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Both {
    /// The report on the normalised script; none where the child ended on it.
    pub report: Option<Report>,
    /// None where the script was rejected, or the child ended on it.
    pub library: Option<Library>,
}

impl Both {
    /// The worker's definite answer.
    pub fn answer(&self) -> Option<Answer> {
        self.report.as_ref().and_then(|report| report.answer)
    }

    pub fn is_rejected(&self) -> bool {
        self.report.as_ref().is_some_and(|report| matches!(report.verdict, Verdict::Rejected { .. }))
    }

    /// Both are definite, and differ.
    pub fn contradict(&self) -> bool {
        matches!((self.answer(), &self.library), (Some(ours), Some(Library::Answer(theirs))) if ours != *theirs)
    }

    /// Both are definite, and agree.
    pub fn agree(&self) -> bool {
        matches!((self.answer(), &self.library), (Some(ours), Some(Library::Answer(theirs))) if ours == *theirs)
    }
}

/// A child process that is started again whenever a script ends it.
pub struct Asker {
    name: &'static str,
    child: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    /// Scripts that ended a child.
    pub ended: u64,
}

/// Comes before every line of the child's: the test harness prints to the same pipe before.
const MARK: &str = "\u{1}pop ";

impl Asker {
    /// `name` is the ignored test of this program that calls [`child`].
    pub fn new(name: &'static str) -> Asker {
        Asker { name, child: None, ended: 0 }
    }

    pub fn ask(&mut self, script: &[u8], bounds: Bounds) -> Both {
        let (_, stdin, stdout) = self.child.get_or_insert_with(|| start(self.name));
        let request = serde_json::to_string(&Request { script: script.to_vec(), bounds }).unwrap();
        let mut both = Both { report: None, library: None };
        // Each side is told as soon as it is known: the second may end the child.
        let asked = writeln!(stdin, "{request}").and_then(|()| stdin.flush());
        let answered = asked.is_ok()
            && next_line(stdout, |line| both.report = serde_json::from_str(line).unwrap())
            && next_line(stdout, |line| both.library = serde_json::from_str(line).unwrap());
        if !answered {
            self.ended += 1;
            self.stop();
        }
        both
    }

    fn stop(&mut self) {
        if let Some((mut child, stdin, _)) = self.child.take() {
            drop(stdin);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(name: &str) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    (child, stdin, BufReader::new(stdout))
}

/// Gives the next line that is the child's own; false at the end.
fn next_line(stdout: &mut BufReader<ChildStdout>, take: impl FnOnce(&str)) -> bool {
    let mut line = String::new();
    loop {
        line.clear();
        match stdout.read_line(&mut line) {
            Ok(count) if count > 0 => {}
            _ => return false,
        }
        if let Some((_, own)) = line.split_once(MARK) {
            take(own);
            return true;
        }
    }
}

/// The child's life. Does nothing when a person runs the ignored tests.
pub fn child() {
    let mut own = own_output();
    let mut checker = verifier::check::Checker::default();
    for line in std::io::stdin().lines() {
        let Ok(Request { script, bounds }) = serde_json::from_str(&line.unwrap()) else { return };
        limit(bounds);
        let report = checker.check(&job(&script, bounds));
        let line = serde_json::to_string(&report).unwrap();
        own.write_all(format!("{MARK}{line}\n").as_bytes()).unwrap();
        // The time is each run's own.
        limit(bounds);
        let library = smtlib::normalise(&script, &smtlib::Limits::default())
            .ok()
            .filter(|_| !bounds.only_ours)
            .map(|normalised| ask_library(&without_options(&script), &normalised.options, bounds));
        let line = serde_json::to_string(&library).unwrap();
        own.write_all(format!("{MARK}{line}\n").as_bytes()).unwrap();
    }
}

fn own_output() -> std::fs::File {
    // SAFETY: plain calls; standard output is moved away from whatever the library prints.
    unsafe {
        let moved = libc::dup(1);
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY);
        libc::dup2(null, 1);
        std::os::fd::FromRawFd::from_raw_fd(moved)
    }
}

pub fn job(script: &[u8], bounds: Bounds) -> Job {
    let mut limits = VerifierParameters::default();
    limits.hard.resource_count = bounds.resource_count;
    limits.soft.resource_count = bounds.resource_count;
    Job { script: script.to_vec(), claim: None, limits, task: Task::Check, seed: None }
}

/// Ends this process by a signal when a script takes too long, and makes allocations fail when it takes too much.
fn limit(bounds: Bounds) {
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let seconds = (bounds.cpu_ms / 1000) as libc::time_t;
    let value = libc::timeval { tv_sec: seconds, tv_usec: (bounds.cpu_ms % 1000 * 1000) as libc::suseconds_t };
    let memory = libc::rlimit { rlim_cur: bounds.memory_bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the structures are valid for the calls.
    unsafe {
        libc::signal(libc::SIGPROF, libc::SIG_DFL);
        let timer = libc::itimerval { it_interval: zero, it_value: value };
        libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut());
        if cfg!(target_os = "linux") {
            libc::setrlimit(libc::RLIMIT_AS, &memory);
        }
    }
}

/// The text with every `set-option` command blanked out, and nothing else changed.
fn without_options(script: &[u8]) -> Vec<u8> {
    let tree = smtlib::parse(script, &smtlib::Limits::default()).unwrap();
    let mut text = script.to_vec();
    for command in tree.top() {
        let node = tree.node(command);
        let mut words = tree.children(command).map(|part| tree.text(part));
        let is_option = words.next() == Some("set-option");
        if is_option && !words.next().is_some_and(|name| ["global-declarations", "global-decls"].contains(&name)) {
            let end = tree.node(node.end - 1).at as usize;
            text[node.at as usize..=end].fill(b' ');
        }
    }
    text
}

/// Runs a text as anybody would who does not normalise, and says what it prints: in a fresh context, after a reset of the
/// global parameters.
fn run_library(text: &[u8], options: &[(String, String)], bounds: Bounds) -> (String, String) {
    z3::reset_all_global_params();
    for (name, value) in options {
        z3::set_global_param(name, value);
    }
    let text = [format!("(set-option :rlimit {})\n", bounds.resource_count).as_bytes(), text].concat();
    let Ok(text) = std::ffi::CString::new(text) else { return (String::new(), "a NUL".to_owned()) };
    // SAFETY: the context is made and deleted here, and the strings are copied before the next call.
    unsafe {
        let configuration = z3_sys::Z3_mk_config().unwrap();
        let context = z3_sys::Z3_mk_context(configuration).unwrap();
        z3_sys::Z3_del_config(configuration);
        z3_sys::Z3_set_error_handler(context, None);
        let output = z3_sys::Z3_eval_smtlib2_string(context, text.as_ptr());
        let output = std::ffi::CStr::from_ptr(output).to_string_lossy().into_owned();
        let code = z3_sys::Z3_get_error_code(context);
        z3_sys::Z3_del_context(context);
        (output, format!("{code:?}"))
    }
}

/// The library's answer to a script.
pub fn ask_library(text: &[u8], options: &[(String, String)], bounds: Bounds) -> Library {
    let (output, code) = run_library(text, options, bounds);
    // An error after the answer is about something else: no model, no labels, another status. One before it may have left
    // out a part of the script.
    let answer = output.lines().position(|line| ["sat", "unsat", "unknown"].contains(&line));
    let before = output.lines().take(answer.unwrap_or(usize::MAX));
    let clean = before.clone().all(|line| !line.contains("(error ") && !line.contains("unsupported"));
    match answer.and_then(|index| output.lines().nth(index)).filter(|_| clean) {
        Some("sat") => Library::Answer(Answer::Sat),
        Some("unsat") => Library::Answer(Answer::Unsat),
        Some(_) => Library::Unknown,
        None => Library::Error(format!("{code}: {}", output.chars().take(300).collect::<String>())),
    }
}

/// A text of whatever bytes, for a message.
pub fn shown(script: &[u8]) -> String {
    let mut text = String::new();
    let _ = script.take(6_000).read_to_string(&mut text);
    text
}

/// A log and its scripts.
#[derive(Serialize, Deserialize)]
struct LogRequest {
    log: Vec<u8>,
    scripts: Vec<Vec<u8>>,
    bounds: Bounds,
}

/// The message of a script that was rejected.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NotAccepted(pub String);

/// What both say of a log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LogAnswers {
    /// The library's, one session for the whole log: in order, up to its first error.
    pub library: Vec<String>,
    /// The worker's on each script; the message where it was rejected.
    pub ours: Vec<Result<Option<Answer>, NotAccepted>>,
}

/// A child process that answers whole logs, started again whenever one ends it.
pub struct Sessions {
    name: &'static str,
    child: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl Sessions {
    /// `name` is the ignored test of this program that calls [`sessions`].
    pub fn new(name: &'static str) -> Sessions {
        Sessions { name, child: None }
    }

    /// None if the log ended the child.
    pub fn ask(&mut self, log: &[u8], scripts: &[Vec<u8>], bounds: Bounds) -> Option<LogAnswers> {
        let (_, stdin, stdout) = self.child.get_or_insert_with(|| start(self.name));
        let request = LogRequest { log: log.to_vec(), scripts: scripts.to_vec(), bounds };
        let request = serde_json::to_string(&request).unwrap();
        let mut answers = None;
        let asked = writeln!(stdin, "{request}").and_then(|()| stdin.flush());
        if asked.is_err() || !next_line(stdout, |line| answers = Some(serde_json::from_str(line).unwrap())) {
            self.stop();
        }
        answers
    }

    fn stop(&mut self) {
        if let Some((mut child, stdin, _)) = self.child.take() {
            drop(stdin);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The life of that child. Does nothing when a person runs the ignored tests.
pub fn sessions() {
    let mut own = own_output();
    let mut checker = verifier::check::Checker::default();
    for line in std::io::stdin().lines() {
        let Ok(LogRequest { log, scripts, bounds }) = serde_json::from_str(&line.unwrap()) else { return };
        limit(bounds);
        let output = run_library(&log, &[], bounds).0;
        let clean = output.lines().take_while(|line| !line.contains("(error ") && !line.contains("unsupported"));
        let answers = clean.filter(|line| ["sat", "unsat", "unknown"].contains(line));
        let mut both = LogAnswers { library: answers.map(str::to_owned).collect(), ours: Vec::new() };
        for script in &scripts {
            limit(bounds);
            let report = checker.check(&job(script, bounds));
            both.ours.push(match report.verdict {
                Verdict::Rejected { text, .. } => Err(NotAccepted(text)),
                _ => Ok(report.answer),
            });
        }
        let line = serde_json::to_string(&both).unwrap();
        own.write_all(format!("{MARK}{line}\n").as_bytes()).unwrap();
    }
}
