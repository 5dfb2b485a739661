//! The way to a validator's actors: `GET /v1/actors`, and `POST /v1/admin/kill` with the token that only this machine's
//! user can read.

use super::unreported::Unreported;
use crate::api;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The validator's own limit on waiting is 30 s.
const KILL_DEADLINE: Duration = Duration::from_secs(35);
const TREE_DEADLINE: Duration = Duration::from_secs(5);
const ACTORS: &str = "/v1/actors";

/// The answer of `GET /v1/actors`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Actors {
    pub tree: Branch,
    #[serde(default)]
    pub zombies: u64,
}

/// A supervisor or an actor.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Branch {
    pub name: String,
    pub kind: String,
    pub state: String,
    /// Of supervisors.
    #[serde(default)]
    pub strategy: Option<String>,
    /// When it is started again; of actors.
    #[serde(default)]
    pub restart: Option<String>,
    #[serde(default)]
    pub children: Vec<Branch>,
}

impl Branch {
    /// What must not change: names, kinds, policies and their order, a line each.
    pub fn shape(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.walk(&mut Vec::new(), &mut |path, branch| {
            let policy = branch.strategy.as_deref().or(branch.restart.as_deref()).unwrap_or("-");
            lines.push(format!("{} ({}, {policy})", path.join("/"), branch.kind));
        });
        lines
    }

    /// The actors that do not run, with their state.
    pub fn not_running(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.walk(&mut Vec::new(), &mut |path, branch| {
            if branch.state != "running" {
                names.push(format!("{} is {}", path.join("/"), branch.state));
            }
        });
        names
    }

    /// The names of the actors.
    pub fn actors(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.walk(&mut Vec::new(), &mut |_, branch| {
            if branch.kind == "actor" {
                names.push(branch.name.clone());
            }
        });
        names
    }

    fn walk<'a>(&'a self, path: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&str], &'a Branch)) {
        path.push(&self.name);
        visit(path, self);
        self.children.iter().for_each(|child| child.walk(path, visit));
        path.pop();
    }
}

/// What became of a kill, by the validator's own clock; none of what did not happen while it waited.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Killed {
    pub detected_ms: Option<f64>,
    pub up_ms: Option<f64>,
    pub serving_ms: Option<f64>,
    #[serde(default)]
    pub lost: u64,
    #[serde(default)]
    pub rejected: u64,
}

/// Why there is no such answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KillError {
    /// Nothing was sent.
    #[error("it was not there: {0}")]
    Absent(String),
    /// After the request was sent: the process has ended, as it must when the arbiter of the votes is blocked or a tree
    /// failed.
    #[error("the connection broke: {0}")]
    Broke(String),
    #[error("it did not answer within {} s", KILL_DEADLINE.as_secs())]
    Silent,
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    NoToken(String),
}

/// One validator's administrator.
#[derive(Debug, Clone)]
pub struct Admin {
    base: String,
    token: PathBuf,
    agent: ureq::Agent,
    quick: ureq::Agent,
}

impl Admin {
    pub fn new(http: &str, data_dir: &Path) -> Admin {
        let agent = |deadline| -> ureq::Agent {
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(deadline)).build().into()
        };
        Admin {
            base: format!("http://{http}"),
            token: api::token_path(data_dir),
            agent: agent(KILL_DEADLINE),
            quick: agent(TREE_DEADLINE),
        }
    }

    /// # Errors
    /// If it does not answer, or has no such route.
    pub fn actors(&self) -> Result<Actors, Unreported> {
        let mut answer = self.quick.get(format!("{}{ACTORS}", self.base)).call()?;
        match answer.status() {
            status if status.is_success() => {
                answer.body_mut().read_json().map_err(|error| Unreported::Unread { path: ACTORS, error })
            }
            status => Err(Unreported::Status { path: ACTORS, status }),
        }
    }

    /// Read again each time: a restarted validator has another one.
    ///
    /// # Errors
    /// Where it was looked for.
    pub fn token(&self) -> Result<String, KillError> {
        let read = std::fs::read_to_string(&self.token).map(|text| text.trim().to_owned());
        read.map_err(|error| {
            KillError::NoToken(format!(
                "there is no token at {} ({error}): a validator whose configuration has \"admin\": {{\"enabled\": true}} writes \
                 it there at its start, for its own user",
                self.token.display()
            ))
        })
    }

    /// Waits until the actor serves again, at most as long as the validator does.
    ///
    /// # Errors
    /// [`KillError`]
    pub fn kill(&self, actor: &str, how: &str) -> Result<Killed, KillError> {
        let token = self.token()?;
        let request = self.agent.post(format!("{}/v1/admin/kill", self.base));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let broke = |error: ureq::Error| match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                KillError::Absent(error.to_string())
            }
            ureq::Error::Timeout(_) => KillError::Silent,
            error => KillError::Broke(error.to_string()),
        };
        let mut answer = request.send_json(json!({"actor": actor, "how": how})).map_err(broke)?;
        let status = answer.status();
        let body: Value = answer.body_mut().read_json().map_err(broke)?;
        if status.is_success() {
            return serde_json::from_value(body)
                .map_err(|error| KillError::Refused(format!("the answer is invalid: {error}")));
        }
        let said = body["message"].as_str().unwrap_or("no reason was given");
        Err(KillError::Refused(match status.as_u16() {
            401 => format!("the token at {} is not the validator's: {said}", self.token.display()),
            403 => format!("{said}; set \"admin\": {{\"enabled\": true}} in its configuration and start it again"),
            _ => said.to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests;
