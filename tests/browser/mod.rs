//! A real Chromium, for tests and benches of the page: started without a screen, driven over two pipes by its own protocol.
//!
//! Must never: leave a process or a folder behind, or pass where there is no browser: whoever uses it prints *NOT RUN*.
#![allow(dead_code)]

use super::network_support::until;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// As Debian and others name it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// For one answer of the browser.
const LONG: Duration = Duration::from_secs(60);

/// The name of a browser that is installed here.
pub fn installed() -> Option<&'static str> {
    let path = std::env::var_os("PATH")?;
    let is_there = |name: &&&str| std::env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file());
    NAMES.iter().find(is_there).copied()
}

/// A browser with one page; it ends with the test.
pub struct Browser {
    process: Child,
    commands: std::io::PipeWriter,
    messages: Receiver<Value>,
    session: String,
    next: u64,
    /// What it told unasked.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // With its whole group: a browser is many processes.
        // SAFETY: a plain system call; the group is that of our child, which is not reaped yet.
        _ = unsafe { libc::kill(-i32::try_from(self.process.id()).unwrap_or(i32::MAX), libc::SIGKILL) };
        _ = self.process.wait();
    }
}

impl Browser {
    pub fn start(name: &str) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let (theirs_in, commands) = std::io::pipe().unwrap();
        let (answers, theirs_out) = std::io::pipe().unwrap();
        let mut command = Command::new(name);
        // Its own sandbox needs rights that a container may not have; it sees nothing but this project's page.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--remote-debugging-pipe", "--disable-background-networking", "--disable-extensions"]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let (read, write) = (theirs_in.as_raw_fd(), theirs_out.as_raw_fd());
        // SAFETY: between fork and exec, only calls that are safe there. The copies are above 3 and 4, whatever the pipes are.
        unsafe {
            command.pre_exec(move || {
                let (read, write) = (libc::fcntl(read, libc::F_DUPFD, 10), libc::fcntl(write, libc::F_DUPFD, 10));
                if read < 0 || write < 0 || libc::dup2(read, 3) < 0 || libc::dup2(write, 4) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                libc::close(read);
                libc::close(write);
                Ok(())
            });
        }
        let process = command.spawn().unwrap();
        drop((theirs_in, theirs_out));
        let (tell, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(answers).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if tell.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Browser {
            process,
            commands,
            messages,
            session: String::new(),
            next: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let targets = browser.call("Target.getTargets", json!({}));
        let targets = targets["targetInfos"].as_array().unwrap().iter();
        let page = targets.clone().find(|target| target["type"] == "page").expect("a page")["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({"targetId": page, "flatten": true}));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        ["Page.enable", "Runtime.enable", "Log.enable"].iter().for_each(|method| _ = browser.call(method, json!({})));
        browser
    }

    /// One command of the protocol, and its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut message = json!({"id": self.next, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        let deadline = Instant::now() + LONG;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer =
                self.messages.recv_timeout(left).unwrap_or_else(|_| panic!("the browser does not answer {method}"));
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    pub fn size(&mut self, width: u32, height: u32) {
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    pub fn dark(&mut self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    pub fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({"url": address}));
    }

    /// What a script's expression comes to in the page.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The text of what a selector finds first; empty if there is none.
    pub fn text(&mut self, selector: &str) -> String {
        let found = self.value(&format!("document.querySelector({})?.textContent ?? ''", json!(selector)));
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a text stands in what a selector finds, and says how long that took.
    pub fn await_text(&mut self, selector: &str, text: &str) -> Duration {
        let begun = Instant::now();
        until(&format!("{selector} of the page says {text:?}"), || self.text(selector).contains(text).then_some(()));
        begun.elapsed()
    }

    /// Everything that went wrong in the page: errors on the console, exceptions, what the policy forbade, failed requests.
    pub fn problems(&mut self) -> Vec<String> {
        // What it told until now has come before this answer.
        self.value("0");
        let is_problem = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            Some("Runtime.consoleAPICalled") => matches!(event["params"]["type"].as_str(), Some("error" | "assert")),
            _ => false,
        };
        self.events.iter().filter(is_problem).map(|event| event["params"].to_string()).collect()
    }
}
