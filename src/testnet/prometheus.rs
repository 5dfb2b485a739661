//! A Prometheus beside the testnet: what it scrapes and by which rules, as files, and its process where it is
//! installed.
//!
//! It only observes, and nothing depends on it: one that ends early is reported, once, and the network continues.

use super::failure;
use super::site::Site;
use crate::exit::{Exit, Failure};
use actors::storage::files::{self, Existing};
use serde_json::json;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the project keeps a Prometheus of its own, and its rules; both below the working directory.
const OWN_PROGRAM: &str = ".prometheus/bin/prometheus";
const RULES: [&str; 2] = ["grafana/prometheus/recording.yml", "grafana/prometheus/alerts.yml"];
/// The name that dashboards and rules expect.
const JOB: &str = "pop";
/// Between two looks at a validator: short, so that a person sees things happen, as long as the machine can afford it.
const SCRAPE_SECONDS: u32 = 1;
const SCRAPE_SECONDS_OF_MANY: u32 = 5;
const MANY: usize = 16;
/// How long it may take until it answers, and until it has ended when it is asked to.
const START_DEADLINE: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// How long one question whether it is ready may take.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Lines of its log that are shown when it does not start.
const LOG_LINES: usize = 4;

/// What was found before anything was made.
pub struct Wanted {
    port: u16,
    program: Option<PathBuf>,
}

impl Wanted {
    /// # Errors
    /// If the port is taken. Where there is no program, nobody will listen on it.
    pub fn look(port: u16) -> Result<Wanted, Failure> {
        let program = program();
        if program.is_some() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            let text = format!("port {port} of 127.0.0.1 is taken: give Prometheus another one by --prometheus-port");
            return Err(Failure::new(Exit::Configuration, text));
        }
        Ok(Wanted { port, program })
    }

    /// Writes its files into the testnet's folder, and starts it if there is a program.
    ///
    /// # Errors
    /// If a file cannot be written or the program cannot be started.
    pub fn start(self, site: &Site) -> Result<Prometheus, Failure> {
        let folder = site.folder.join("prometheus");
        let config = folder.join("prometheus.yml");
        files::make_directory(&folder, 0o755).map_err(failure)?;
        let write = |path: &Path, text: &str| files::write_whole(path, text.as_bytes(), 0o644, Existing::Keep);
        write(&folder.join("targets.json"), &targets(site)).map_err(failure)?;
        write(&config, &configuration(site.places.len(), &rules())).map_err(failure)?;
        let log = folder.join("prometheus.log");
        let mut process = None;
        if let Some(program) = &self.program {
            let started = spawn(program, &config, &folder.join("data"), self.port, &log);
            let started = started.map_err(|error| failure(format!("{} does not start: {error}", program.display())))?;
            process = Some(started);
        }
        Ok(Prometheus { process, config, log, url: format!("http://127.0.0.1:{}", self.port) })
    }
}

/// The program that is found, and the process while it runs.
pub struct Prometheus {
    process: Option<Child>,
    config: PathBuf,
    log: PathBuf,
    url: String,
}

impl Prometheus {
    /// Waits until it answers, while `goes_on` says so. Returns the line that tells the user where to look.
    ///
    /// # Errors
    /// If it ends instead, with what its log says went wrong, is not ready in time, or is not waited for any longer.
    pub fn await_ready(&mut self, goes_on: impl Fn() -> bool) -> Result<String, Failure> {
        let config = self.config.display();
        let Some(process) = &mut self.process else {
            return Ok(format!(
                "There is no Prometheus here (no {OWN_PROGRAM}, none on the PATH; make setup fetches one on Debian and Ubuntu); \
                 its configuration is {config}"
            ));
        };
        let deadline = Instant::now() + START_DEADLINE;
        let is_ready = || {
            let request = ureq::get(format!("{}/-/ready", self.url)).config().timeout_global(Some(ANSWER_MAX));
            request.build().call().is_ok()
        };
        while !is_ready() {
            if !goes_on() {
                return Err(Failure::new(
                    Exit::Interrupted,
                    "interrupted while Prometheus started; the network is stopped",
                ));
            }
            let ended = process.try_wait().map_err(failure)?;
            let how = match ended {
                Some(status) => format!("ended at its start ({status})"),
                None if Instant::now() > deadline => format!("is not ready within {} s", START_DEADLINE.as_secs()),
                None => {
                    std::thread::sleep(LOOK);
                    continue;
                }
            };
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            // What went wrong is told before everything else is closed.
            let wrong: Vec<&str> =
                log.lines().filter(|line| line.contains("level=error") || line.contains("err=")).collect();
            let lines = if wrong.is_empty() { log.lines().collect() } else { wrong };
            let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
            return Err(failure(format!("Prometheus {how}:\n  {tail}")));
        }
        Ok(format!("Prometheus: {} ({config})", self.url))
    }

    /// A message if it has ended although nobody asked it to.
    pub fn look(&mut self) -> Option<String> {
        let status = self.process.as_mut()?.try_wait().ok()??;
        self.process = None;
        Some(format!("Prometheus has ended: {status}; its log is {}", self.log.display()))
    }

    /// Asks it to end, so that it leaves its data in order, and ends it if it has not by then.
    pub fn stop(&mut self, until: Instant) {
        let Some(mut process) = self.process.take() else { return };
        if let Ok(pid) = i32::try_from(process.id()) {
            // SAFETY: a plain system call; the process is our child and not reaped yet.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        while !matches!(process.try_wait(), Ok(Some(_))) && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        // It may have ended just now.
        _ = process.kill();
        _ = process.wait();
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.stop(Instant::now() + GRACE);
    }
}

/// The project's own, or else the first one on the path.
fn program() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).map(|folder| folder.join("prometheus")).collect::<Vec<_>>();
    std::iter::once(PathBuf::from(OWN_PROGRAM)).chain(on_path).find(|path| path.is_file())
}

/// Those of the project's rule files that are there.
fn rules() -> Vec<PathBuf> {
    RULES.iter().filter_map(|path| Path::new(path).canonicalize().ok()).collect()
}

/// For service discovery by files: who takes part is read anew whenever the file changes.
fn targets(site: &Site) -> String {
    let targets: Vec<&str> = site.places.iter().map(|place| place.http.as_str()).collect();
    format!("{:#}\n", json!([{ "targets": targets }]))
}

fn configuration(validators: usize, rules: &[PathBuf]) -> String {
    let seconds = if validators > MANY { SCRAPE_SECONDS_OF_MANY } else { SCRAPE_SECONDS };
    // A string in the way of JSON is one in YAML, too.
    let rules: String = rules.iter().map(|path| format!("  - {}\n", json!(path))).collect();
    let rules = if rules.is_empty() { String::new() } else { format!("rule_files:\n{rules}\n") };
    format!(
        "global:
  scrape_interval: {seconds}s
  scrape_timeout: {seconds}s
  evaluation_interval: {seconds}s

{rules}scrape_configs:
  - job_name: {JOB}
    file_sd_configs:
      - files: [targets.json]
"
    )
}

fn spawn(program: &Path, config: &Path, data: &Path, port: u16, log: &Path) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", data.display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // A Ctrl-C in the terminal is for this process, which then stops it.
    command.process_group(0);
    #[cfg(target_os = "linux")]
    end_with_this_program(&mut command);
    command.spawn()
}

/// The kernel asks it to end when this program has ended, however that was. Elsewhere one that is killed leaves its
/// Prometheus behind: it has no standard input by which it could notice.
#[cfg(target_os = "linux")]
fn end_with_this_program(command: &mut Command) {
    let parent = std::process::id();
    // SAFETY: between fork and exec, system calls that are safe there.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) != 0 {
                return Err(io::Error::last_os_error());
            }
            // It may have ended before.
            let is_there = u32::try_from(libc::getppid()) == Ok(parent);
            is_there.then_some(()).ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_validators_are_looked_at_each_second_and_many_less_often() {
        let few = configuration(4, &[]);
        assert!(few.contains("scrape_interval: 1s") && !few.contains("rule_files"), "{few}");
        assert!(configuration(100, &[]).contains("scrape_interval: 5s"));
    }

    #[test]
    fn a_rule_file_in_an_odd_place_is_found() {
        let text = configuration(4, &[PathBuf::from("/a \"b\": c/alerts.yml")]);
        assert!(text.contains("rule_files:\n  - \"/a \\\"b\\\": c/alerts.yml\"\n\nscrape_configs:"), "{text}");
    }
}
