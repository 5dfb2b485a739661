//! The vote log from one incarnation of consensus to the next, and how the vote history stands when one starts (R12).
//!
//! The log outlives the actor, like the database: what this process made durable it need not read again.

use crate::exit_code;
use crate::storage::beside_key::BesideKey;
use crate::storage::vote_log::{Identity, VoteLog, VoteLogError};
use parking_lot::Mutex;
use protocol::consensus::events::{Record, UnknownHistory};
use protocol::validator::startup::{LogState, Memory, Remembered, Startup, startup};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the log is, and what this process remembers of it.
pub struct VoteLogs {
    /// The caller holds its lock.
    pub data_dir: PathBuf,
    pub beside_key: BesideKey,
    pub identity: Identity,
    pub memory: Arc<Mutex<Memory>>,
    left: Option<Arc<Mutex<VoteLog>>>,
}

/// A log that is ready for what comes next.
pub struct Opened {
    pub log: Arc<Mutex<VoteLog>>,
    /// All of it. One on unknown history that holds for every start is not written.
    pub records: Vec<Record>,
    /// Whether every session is to be closed.
    pub reconnect: bool,
}

/// Why the log's records cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    #[error(transparent)]
    Log(#[from] VoteLogError),
    #[error("a record of the vote log has a form that this program does not read: {0}; was it written by a newer one?")]
    Form(#[from] rmp_serde::decode::Error),
    #[error("a record cannot be encoded: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

impl OpenLogError {
    pub fn exit_code(&self) -> i32 {
        match self {
            OpenLogError::Log(error) => error.exit_code(),
            OpenLogError::Form(_) => exit_code::CONFIGURATION,
            OpenLogError::Encode(_) => exit_code::INTERNAL,
        }
    }
}

impl VoteLogs {
    pub fn new(data_dir: PathBuf, beside_key: BesideKey, identity: Identity) -> VoteLogs {
        VoteLogs { data_dir, beside_key, identity, memory: Arc::default(), left: None }
    }

    /// Takes the log that the incarnation before left, or opens it. Whatever is not whole says so in its first new record, made
    /// durable before anything else.
    ///
    /// # Errors
    /// If the log cannot be read or written.
    pub fn open(&mut self) -> Result<Opened, OpenLogError> {
        let (mut log, state) = match self.left.take().and_then(take_over) {
            Some(log) => (log, LogState::Whole),
            None => VoteLog::open(&self.data_dir, &self.beside_key, self.identity)?,
        };
        let mut records: Vec<Record> = Vec::with_capacity(log.records().len() + 1);
        for bytes in log.records() {
            // The batch's checksum held, so this program, or an older one, wrote it.
            records.push(rmp_serde::from_slice(bytes)?);
        }
        let Startup { unknown, recorded, reconnect } = self.startup(&log, &records, state);
        if let Some(unknown) = unknown {
            let record = Record::Unknown(unknown);
            if recorded {
                log.append(&encode(std::slice::from_ref(&record))?)?;
            }
            records.push(record);
        }
        let log = Arc::new(Mutex::new(log));
        self.left = Some(log.clone());
        Ok(Opened { log, records, reconnect })
    }

    fn startup(&self, log: &VoteLog, records: &[Record], state: LogState) -> Startup {
        let (remembered, is_first) = {
            let mut memory = self.memory.lock();
            (memory.remembers(log.next_batch()), memory.begin())
        };
        if let Remembered::Lacks { next_batch } = remembered {
            tracing::error!(durable = next_batch - 1, "the vote log has lost batches that this process made durable");
        }
        let startup = startup(state, remembered, records, is_first);
        if state == LogState::Outdated {
            tracing::warn!(
                mark = %self.beside_key.mark.display(),
                "the vote log is an older copy than the mark beside the key has seen, or the mark is damaged or missing"
            );
        }
        if state == LogState::Lost && !self.beside_key.mark.exists() {
            tracing::warn!(
                born = %self.beside_key.born.display(),
                "there is no vote log, and nothing beside the key says that it has never signed: it may have, elsewhere"
            );
        }
        match startup.unknown {
            None | Some(UnknownHistory::Unconfirmed) => {}
            Some(UnknownHistory::New) => {
                tracing::info!("first start: signing begins once a quorum of peers is connected");
            }
            Some(unknown @ (UnknownHistory::Lost | UnknownHistory::Torn)) => tracing::warn!(
                kind = ?unknown,
                "the vote log is not whole: signing begins once peers have reported their state"
            ),
        }
        startup
    }
}

/// As the log holds records.
///
/// # Errors
/// None that is known.
pub(super) fn encode(records: &[Record]) -> Result<Vec<Vec<u8>>, rmp_serde::encode::Error> {
    records.iter().map(rmp_serde::to_vec).collect()
}

/// The log of the incarnation before, if that one is gone and nothing failed in it. One that is not gone was cut off, on the
/// only thread on which it could run, and writes no more.
fn take_over(left: Arc<Mutex<VoteLog>>) -> Option<VoteLog> {
    Arc::into_inner(left).map(Mutex::into_inner).filter(VoteLog::is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::beside_key::bear;
    use protocol::consensus::events::{Effect, Notice, Output};
    use protocol::types::{Hash, PublicKey, View};

    /// R12: the incarnation that recorded a loss died before it closed the sessions, in which peers have said all that they say.
    #[test]
    fn a_log_that_ends_in_a_loss_closes_every_session_for_the_next_incarnation() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { chain: Hash([1; 32]), key: PublicKey([2; 32]) };
        let beside = BesideKey::of(&folder.path().join("key"), &identity.chain);
        bear(&folder.path().join("key")).unwrap();
        let mut logs = VoteLogs::new(folder.path().to_owned(), beside, identity);
        let signing = Output { records: Vec::new(), effects: vec![Effect::Notice(Notice::Signing)] };
        let records = [Record::Floor(View(3)), Record::Unknown(UnknownHistory::Lost), Record::Floor(View(9))];
        for (record, reconnect) in records.into_iter().zip([false, true, false]) {
            let Opened { log, .. } = logs.open().unwrap();
            log.lock().append(&encode(&[record]).unwrap()).unwrap();
            logs.memory.lock().on_durable(log.lock().next_batch());
            logs.memory.lock().on_output(&signing);
            drop(log);
            let opened = logs.open().unwrap();
            assert_eq!(opened.reconnect, reconnect, "{:?}", opened.records);
        }
    }

    /// R12: what is taken over must be what the disk holds, and nobody else's.
    #[test]
    fn a_log_is_taken_over_from_who_is_gone_and_only_whole() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { chain: Hash([1; 32]), key: PublicKey([2; 32]) };
        let beside = BesideKey::of(&folder.path().join("key"), &identity.chain);
        bear(&folder.path().join("key")).unwrap();
        let open = || Arc::new(Mutex::new(VoteLog::open(folder.path(), &beside, identity).unwrap().0));
        let log = open();
        assert!(take_over(log).is_none(), "it has no file yet");
        let log = open();
        log.lock().append(&[b"a vote".to_vec()]).unwrap();
        let user = log.clone();
        assert!(take_over(log).is_none(), "somebody may still use it");
        let mut left = take_over(user).expect("it is whole, and nobody else has it");
        assert_eq!(left.records(), [b"a vote".to_vec()]);
        // The next mark cannot be written.
        std::fs::remove_file(&beside.mark).unwrap();
        std::fs::create_dir_all(beside.mark.join("in the way")).unwrap();
        let records = std::iter::repeat_with(|| left.append(&[b"another".to_vec()]));
        assert!(records.take(100).any(|appended| appended.is_err()));
        assert!(take_over(Arc::new(Mutex::new(left))).is_none(), "nobody knows what the disk holds");
    }
}
