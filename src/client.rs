//! The command line's way to a running node: its HTTP API, found by the node's name.
//!
//! A node may be hostile: what it answers has a bound and a deadline, and nothing of it moves a terminal's cursor once it is
//! here. Must never: hand on a text as it came.

use crate::exit::{Exit, Failure};
use crate::text::{cut, harmless_answer};
use actors::config::{self, ConfigError};
use serde::Serialize;
use serde_json::Value;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Error, Timeout};

/// Until a connection is there. Shorter than what follows, so that it is told which of the two took too long.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Until what only has to be read is answered. A node that is stopped takes connections and answers nothing.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Until what changes something is: a submission waits for the disk and for others, an administrator's for an actor.
const CHANGE_MAX: Duration = Duration::from_secs(40);
/// Of one answer. The longest of ours is a look-up of a thousand proofs, or a counterexample: some hundreds of kilobytes.
const ANSWER_BYTES_MAX: u64 = 8 << 20;
/// Characters of a message.
const MESSAGE_MAX: usize = 2_000;
/// The HTTP status of a proof that others do not confirm.
const CONFLICT: u16 = 409;
/// That of a node that has no room now.
const TOO_MANY: u16 = 429;

/// One node's API.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    node: String,
    answer_max: Duration,
    change_max: Duration,
}

impl Client {
    /// Finds a node by `config/<name>.json`, by the guide's convention, or by `HOST:PORT` with or without `http://`.
    ///
    /// # Errors
    /// If the name leads nowhere.
    pub fn new(node: &str) -> Result<Client, Failure> {
        Client::in_folder(node, Path::new(config::CONFIG_DIRECTORY))
    }

    /// The same with another folder of configurations.
    ///
    /// # Errors
    /// If the name leads nowhere.
    pub fn in_folder(node: &str, configs: &Path) -> Result<Client, Failure> {
        // As a browser shows it.
        let node = node.strip_prefix("http://").map_or(node, |rest| rest.trim_end_matches('/'));
        if node.starts_with("https://") {
            let text = format!("{node:?}: a node speaks plain HTTP, on its own machine; give http://HOST:PORT");
            return Err(Failure::new(Exit::Input, text));
        }
        let address = config::http_address(node, configs).map_err(|error| match error {
            ConfigError::NoNodeName { .. } => Failure::new(Exit::Input, error),
            error => Failure::new(Exit::Configuration, error),
        })?;
        Ok(Client::at(node, &address.to_string()))
    }

    /// A node whose HTTP address is known, as `HOST:PORT`.
    pub fn at(node: &str, address: &str) -> Client {
        Client::with_deadlines(node, address, ANSWER_MAX, CHANGE_MAX)
    }

    /// The same with one deadline for everything.
    pub fn with_deadline(node: &str, address: &str, deadline: Duration) -> Client {
        Client::with_deadlines(node, address, deadline, deadline)
    }

    fn with_deadlines(node: &str, address: &str, answer_max: Duration, change_max: Duration) -> Client {
        let connect_max = CONNECT_MAX.min(answer_max * 2 / 3);
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_connect(Some(connect_max)).build();
        let agent = ureq::Agent::with_parts(config, DefaultConnector::new(), Addresses::default());
        Client { agent, base: format!("http://{address}"), node: node.to_owned(), answer_max, change_max }
    }

    /// The same node with more time, or less, for what only has to be read.
    pub fn answering_within(self, answer_max: Duration) -> Client {
        Client { answer_max, ..self }
    }

    /// The node as the user named it, and its address.
    pub fn place(&self) -> (&str, &str) {
        (&self.node, self.base.trim_start_matches("http://"))
    }

    /// # Errors
    /// If the node is not reached, or answers with an error.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.get_after(path, Duration::ZERO)
    }

    /// As [`Client::get`], of what the node is asked to wait with for so long, or to find out first.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn get_after(&self, path: &str, wait: Duration) -> Result<Value, Failure> {
        self.fetch(path, wait)?.map_err(|refusal| Failure::new(refusal.exit(), refusal.message))
    }

    /// The same for who can do something about a refusal.
    ///
    /// # Errors
    /// If the node is not reached.
    pub fn fetch(&self, path: &str, wait: Duration) -> Result<Result<Value, Refusal>, Failure> {
        let within = self.answer_max + wait;
        let request = self.agent.get(format!("{}{path}", self.base)).config().timeout_global(Some(within)).build();
        self.answer(request.call(), within)
    }

    fn within(&self, path: &str) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        let request = self.agent.get(format!("{}{path}", self.base));
        request.config().timeout_global(Some(self.answer_max)).build()
    }

    /// The same for who shows what a silence means.
    ///
    /// # Errors
    /// If the node is not reached, or answers no JSON.
    pub fn ask(&self, path: &str) -> Result<Result<Value, Refusal>, Silence> {
        let silent = |error: ureq::Error| Silence::of(&error);
        let mut answer = self.within(path).call().map_err(silent)?;
        let value = read(&mut answer).map_err(silent)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Ok(value));
        }
        Ok(Err(Refusal { status: status.as_u16(), message: message(&value), retry_after: None }))
    }

    /// A page that is not JSON.
    ///
    /// # Errors
    /// If the node is not reached, or has no such page.
    pub fn page(&self, path: &str) -> Result<String, Silence> {
        let silent = |error: ureq::Error| Silence::of(&error);
        let mut answer = self.within(path).call().map_err(silent)?;
        match answer.status() {
            status if status.is_success() => {
                answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().map_err(silent)
            }
            status => Err(Silence::Failed(format!("it has no {path}: HTTP status {status}"))),
        }
    }

    /// Sends a body. A refusal comes back as such, for who can do something about it: come again, or go on with something
    /// else.
    ///
    /// # Errors
    /// If the node is not reached.
    pub fn offer(&self, path: &str, body: &impl Serialize) -> Result<Result<Value, Refusal>, Failure> {
        let request = self.agent.post(format!("{}{path}", self.base));
        self.answer(request.config().timeout_global(Some(self.change_max)).build().send_json(body), self.change_max)
    }

    /// An administrator's request.
    ///
    /// # Errors
    /// If the node is not reached, or goes away before it answers.
    pub fn command(&self, path: &str, token: &str, body: &impl Serialize) -> Result<Result<Value, Refusal>, Failure> {
        let request =
            self.agent.post(format!("{}{path}", self.base)).header("Authorization", format!("Bearer {token}"));
        self.answer(request.config().timeout_global(Some(self.change_max)).build().send_json(body), self.change_max)
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, Error>,
        within: Duration,
    ) -> Result<Result<Value, Refusal>, Failure> {
        let unreachable = |error: Error| Failure::new(Exit::Unreachable, self.unreachable(&error, within));
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status();
        let value = read(&mut answer).map_err(unreachable)?;
        if status.is_success() {
            return Ok(Ok(value));
        }
        let text = message(&value);
        let place = |name| value.get(name).and_then(Value::as_u64);
        let text = match (place("line"), place("column")) {
            (Some(line), Some(column)) => format!("line {line}, column {column}: {text}"),
            _ => text,
        };
        let text = match value["proof"].as_str().filter(|_| status.as_u16() == CONFLICT) {
            Some(proof) => {
                format!(
                    "refused: {text}; `pop proof {} --node {}` says who found that",
                    proof.get(..12).unwrap_or(proof),
                    self.node
                )
            }
            None => text,
        };
        let retry_after = value["retry_after"].as_u64();
        let text = match retry_after {
            Some(seconds) => format!("{text}; retry in {seconds} s"),
            None => text,
        };
        Ok(Err(Refusal { status: status.as_u16(), message: text, retry_after: retry_after.map(Duration::from_secs) }))
    }
}

impl Client {
    /// Why there is no answer, and what to do.
    fn unreachable(&self, error: &Error, within: Duration) -> String {
        let (node, base) = (&self.node, &self.base);
        match error {
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => format!(
                "{node} takes no connection at {base}: its machine is down or has another address, or a firewall is between"
            ),
            Error::Timeout(_) => format!(
                "{node} at {base} takes connections but does not answer within {} s: hung or stopped; on its machine \
                 `kill -CONT PID` wakes a process that was stopped, and its log says more",
                within.as_secs_f64()
            ),
            Error::BodyExceedsLimit(bytes) => format!(
                "{node} at {base} answers with more than {} MiB, which no validator does: another program has that port, or it \
                 is another one's address",
                bytes >> 20
            ),
            Error::Json(error) => format!(
                "{node} at {base} answers otherwise than a validator does ({error}): another program has that port, or it is \
                 another one's address"
            ),
            error => {
                let hint = if node.contains(':') {
                    "is a validator running there? This must be the address of its HTTP, not of its peers".to_owned()
                } else {
                    format!("is it running? `pop start-validator --node-id {node}` starts it")
                };
                let why = match error {
                    Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                        "nothing listens there (connection refused)".to_owned()
                    }
                    error => error.to_string(),
                };
                format!("{node} does not answer at {base}: {why}; {hint}")
            }
        }
    }
}

/// The JSON of an answer, harmless to a terminal.
fn read(answer: &mut ureq::http::Response<ureq::Body>) -> Result<Value, Error> {
    // Not by `read_json`: from a stream that parses byte by byte, and calls a body that is too long no JSON.
    let bytes = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
    let mut value = serde_json::from_slice(&bytes)?;
    harmless_answer(&mut value);
    Ok(value)
}

/// Why a request is refused, in the node's words.
fn message(value: &Value) -> String {
    cut(value["message"].as_str().unwrap_or("no reason was given"), MESSAGE_MAX)
}

/// Looks up names, and takes an address as it is: with a deadline, the usual look-up starts a thread for every request.
#[derive(Debug, Default)]
struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        let address = host.and_then(|host| host.parse::<IpAddr>().ok()).zip(uri.port_u16());
        let Some((address, port)) = address else { return self.0.resolve(uri, config, timeout) };
        let mut resolved = self.0.empty();
        resolved.push(SocketAddr::new(address, port));
        Ok(resolved)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// Nothing listens there.
    Refused,
    /// No connection within the deadline.
    NotReached,
    /// A connection, and no whole answer within the deadline.
    TimedOut,
    Failed(String),
}

impl Silence {
    fn of(error: &ureq::Error) -> Silence {
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => Silence::NotReached,
            ureq::Error::Timeout(_) => Silence::TimedOut,
            ureq::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused => Silence::Refused,
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Silence::NotReached,
                _ => Silence::Failed(error.to_string()),
            },
            error => Silence::Failed(error.to_string()),
        }
    }
}

/// An answer that is not a success.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    pub message: String,
    /// When the same request may be taken.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Whether the same request may succeed a little later.
    pub fn is_passing(&self) -> bool {
        self.status == TOO_MANY || self.status >= 500
    }

    pub fn exit(&self) -> Exit {
        match self.status {
            CONFLICT => Exit::Refuted,
            TOO_MANY => Exit::Unreachable,
            400..500 => Exit::Input,
            _ => Exit::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    /// A client of a server that answers the first request with these bytes; with `drips` one by one, until nobody reads.
    fn answered(answer: Vec<u8>, drips: bool) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            _ = stream.read(&mut [0; 4_096]);
            if !drips {
                _ = stream.write_all(&answer);
                return;
            }
            for byte in answer {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        Client::with_deadline("node_1", &address, Duration::from_millis(500))
    }

    fn response(status: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    }

    #[test]
    fn what_a_node_writes_moves_no_cursor_wherever_it_is_printed() {
        let body = r#"{"message": "no\u001b[2J\u202e", "proof": "\u001b]0;x", "line": 1, "column": 2}"#;
        let failure = answered(response("409 Conflict", body), false).get("/").unwrap_err();
        assert_eq!(failure.exit, Exit::Refuted);
        assert!(
            failure.message.starts_with("refused: line 1, column 2: no\\u{1b}[2J\\u{202e}; "),
            "{}",
            failure.message
        );
        assert!(!failure.message.contains('\u{1b}'), "{}", failure.message);
        let refusal = answered(response("503 Unavailable", body), false).ask("/").unwrap().unwrap_err();
        assert_eq!(refusal.message, "no\\u{1b}[2J\\u{202e}");
        let value = answered(response("200 OK", body), false).get("/").unwrap();
        assert_eq!(value["proof"], "\\u{1b}]0;x");
        let long = format!(r#"{{"message": "{}"}}"#, "x".repeat(100_000));
        assert!(answered(response("400 Bad Request", &long), false).get("/").unwrap_err().message.len() < 3_000);
    }

    #[test]
    fn an_answer_has_a_bound_and_a_deadline() {
        let huge = format!("[{}0]", "0,".repeat(5 << 20));
        let failure = answered(response("200 OK", &huge), false).get("/").unwrap_err();
        assert!(failure.message.contains("more than 8 MiB"), "{}", failure.message);
        let began = Instant::now();
        let dripping = answered(response("200 OK", &"[".repeat(10_000)), true);
        assert_eq!(dripping.ask("/").unwrap_err(), Silence::TimedOut);
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}; within half a second on a machine of its own",
            began.elapsed()
        );
        let deep = answered(response("200 OK", &"[".repeat(100_000)), false).get("/").unwrap_err();
        assert!(deep.message.contains("answers otherwise than a validator does"), "{}", deep.message);
    }
}
