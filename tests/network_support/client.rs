//! A validator's HTTP API, as tests ask it.

use serde_json::Value;
use std::time::Duration;

const REQUEST: Duration = Duration::from_secs(70);

/// A validator's HTTP API; it may be asked from any thread.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

/// Who asks; one for all validators of a network.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(REQUEST)).build().into()
}

impl Client {
    pub fn new(agent: &ureq::Agent, port: u16) -> Client {
        Client { agent: agent.clone(), base: format!("http://127.0.0.1:{port}") }
    }

    /// The answer of the API, unless nobody answers.
    pub fn try_get(&self, path: &str) -> Option<Value> {
        let mut answer = self.agent.get(format!("{}{path}", self.base)).call().ok()?;
        answer.status().is_success().then(|| answer.body_mut().read_json().unwrap())
    }

    pub fn get(&self, path: &str) -> Value {
        self.try_get(path).unwrap_or_else(|| panic!("{}{path} does not answer", self.base))
    }

    pub fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut answer = self.agent.post(format!("{}{path}", self.base)).send_json(body).ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_json().ok()?))
    }

    /// A counter of `/metrics`, 0 while it has not counted.
    pub fn metric(&self, name: &str) -> f64 {
        self.metric_with(name, "")
    }

    /// The same, of those series only that have this label.
    pub fn metric_with(&self, name: &str, label: &str) -> f64 {
        let mut answer = self.agent.get(format!("{}/metrics", self.base)).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}
