//! Scripts that were read, and let go, are read once more: those that a node is given, and those of which something is told.
//!
//! Must never: give out other bytes than those of which the node was asked. A file may have changed meanwhile.

use super::findings::located;
use super::keys::hash_of;
use super::outcome::Checked;
use super::steps::{ForNode, Origin};
use crate::logs::{ClaimRule, LogFile, LogObligation};
use crate::node_batch::ScriptGone;
use crate::obligation::Reader;
use std::path::PathBuf;

/// Reads them, and keeps the last log: the next script is mostly from the same.
pub struct Again {
    rule: ClaimRule,
    claims: Reader,
    last: Option<(PathBuf, LogFile)>,
}

impl Again {
    pub fn new(rule: ClaimRule) -> Again {
        Again { rule, claims: Reader::new(None), last: None }
    }

    /// The script's bytes.
    ///
    /// # Errors
    /// If they are not to be had any more; with the reason.
    pub fn script(&mut self, asked: &ForNode) -> Result<Vec<u8>, ScriptGone> {
        self.with(asked, |_, script| script.to_owned())
    }

    /// Adds to what does not hold where it stands. Without the script it stands as it is.
    pub fn locate(&mut self, asked: &ForNode, checked: Checked) -> Checked {
        let as_it_is = checked.clone();
        self.with(asked, |obligation, script| located(checked, script, Some(obligation))).unwrap_or(as_it_is)
    }

    fn with<T>(&mut self, asked: &ForNode, read: impl FnOnce(LogObligation<'_>, &[u8]) -> T) -> Result<T, ScriptGone> {
        let (log, index) = match &asked.origin {
            Origin::Kept(log, index) => (&log.file, *index),
            Origin::File => (self.open(asked)?, asked.subject.position.query as usize),
        };
        let obligation = log.obligation(index).ok_or(ScriptGone::Changed)?;
        let script = obligation.script();
        if hash_of(&script) != asked.script {
            return Err(ScriptGone::Changed);
        }
        Ok(read(obligation, &script))
    }

    fn open(&mut self, asked: &ForNode) -> Result<&LogFile, ScriptGone> {
        let path = &asked.subject.path;
        let last = self.last.take().filter(|(known, _)| known == path);
        let log = match last {
            Some((_, log)) => log,
            None => LogFile::open(path, self.rule, &mut self.claims)
                .map_err(|error| ScriptGone::Unreadable { why: error.why() })?,
        };
        Ok(&self.last.insert((path.clone(), log)).1)
    }
}
