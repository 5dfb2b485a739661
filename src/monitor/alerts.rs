//! What an operator must know now, each with since when: how urgent it is decides its place.
//!
//! What raises an alert is decided by the model ([`super::model`]); this must not know it.

use protocol::types::Millis;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The network or its safety.
    Critical,
    /// One validator.
    Warning,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    pub severity: Severity,
    /// Since the Unix epoch.
    pub since_ms: u64,
    pub text: String,
    /// Whether the screen's first line says it, with more.
    #[serde(skip)]
    pub is_first_line: bool,
    /// Whether nothing becomes final, or what does cannot be relied on.
    #[serde(skip)]
    pub is_halt: bool,
}

/// An alert that holds now. Its key stays the same while its text follows the figures.
#[derive(Debug)]
pub struct Raised {
    key: String,
    severity: Severity,
    /// Where the facts know better than the first look.
    since: Option<Millis>,
    text: String,
}

impl Raised {
    pub fn critical(key: &str, since: Option<Millis>, text: String) -> Raised {
        Raised { key: key.into(), severity: Severity::Critical, since, text }
    }

    pub fn warning(key: String, since: Option<Millis>, text: String) -> Raised {
        Raised { key, severity: Severity::Warning, since, text }
    }
}

/// The present alerts, which remember since when they are.
#[derive(Debug, Default)]
pub struct Alerts {
    since: BTreeMap<String, Millis>,
    list: Vec<Alert>,
}

impl Alerts {
    pub fn renew(&mut self, raised: Vec<Raised>, now: Millis) {
        let mut since = BTreeMap::new();
        self.list = Vec::new();
        for Raised { key, severity, since: known, text } in raised {
            let first = known.or(self.since.get(&key).copied()).unwrap_or(now);
            let is_first_line = matches!(key.as_str(), "halted" | "unreachable");
            let is_halt = matches!(key.as_str(), "halted" | "stalled" | "fork");
            self.list.push(Alert { severity, since_ms: first.0, text, is_first_line, is_halt });
            since.insert(key, first);
        }
        self.since = since;
        self.list.sort_by_key(|alert| (alert.severity, alert.since_ms));
    }

    pub fn list(&self) -> &[Alert] {
        &self.list
    }
}

/// Why a validator that is not asked itself counts as gone.
pub fn too_few(sessions: usize) -> String {
    match sessions {
        0 => "no answering node has a session with it".into(),
        1 => "only one of the answering nodes says that it has a session with it".into(),
        few => format!("only {few} of the answering nodes say that they have a session with it"),
    }
}
