//! How the last run of this validator's process ended, for the next one to say.
//!
//! One small file in the data directory. A run that begins writes that it runs, and at its end with which code and why. What is
//! found as *running* ended without saying why: it was killed or aborted, or the power failed. Nothing else depends on it: a file that
//! is damaged, or that somebody else wrote, is ignored. Must never: keep a process from starting or ending.

use super::files::{self, Existing, FileError};
use crate::clock;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// The file's name in the data directory.
pub const FILE_NAME: &str = "last-exit";
/// It is far shorter.
const BYTES_MAX: u64 = 4 << 10;
const REASON_CHARS_MAX: usize = 300;
/// A process that ends does not wait longer for its disk, which may be why it ends.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);
/// The end of the year 9999.
const UNIX_MS_MAX: u64 = 253_402_300_799_999;

/// How a run ended. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastRun {
    /// It said so itself.
    Ended { code: u8, reason: String, at_ms: u64 },
    /// Without a word.
    Killed {
        since_ms: u64,
        /// What was wrong with it, if it knew.
        note: Option<String>,
    },
}

impl LastRun {
    /// Its exit code; none if it ended without saying why.
    pub fn code(&self) -> Option<u8> {
        match self {
            LastRun::Ended { code, .. } => Some(*code),
            LastRun::Killed { .. } => None,
        }
    }

    /// When it ended, if that is known.
    pub fn at_ms(&self) -> Option<u64> {
        match self {
            LastRun::Ended { at_ms, .. } => Some(*at_ms),
            LastRun::Killed { .. } => None,
        }
    }

    /// Why, without control characters.
    pub fn reason(&self) -> String {
        match self {
            LastRun::Ended { reason, .. } => reason.clone(),
            LastRun::Killed { note: None, .. } => "ended without saying why (killed or power lost)".into(),
            LastRun::Killed { note: Some(note), .. } => {
                format!("ended without saying why (killed or power lost), after this: {note}")
            }
        }
    }
}

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase", deny_unknown_fields)]
enum Stored {
    Running {
        since_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    Ended {
        code: u8,
        reason: String,
        at_ms: u64,
    },
}

/// This run's record.
#[derive(Debug)]
pub struct LastExit {
    path: PathBuf,
    /// Since when this run writes; none before it has begun, and after it has said its end.
    running_since_ms: Mutex<Option<u64>>,
}

impl LastExit {
    /// The record of a data directory. Nothing is read or written yet.
    pub fn of(data_dir: &Path) -> LastExit {
        LastExit { path: data_dir.join(FILE_NAME), running_since_ms: Mutex::new(None) }
    }

    /// Says that a run has begun, and gives what the last one left. To be called once the directory is this process' own: what
    /// another one says of itself must stay.
    pub fn begin(&self) -> Option<LastRun> {
        let last = self.read();
        let since_ms = clock::wall().0;
        *self.running_since_ms.lock() = Some(since_ms);
        self.write(Stored::Running { since_ms, note: None });
        last
    }

    /// Says what is wrong with this run, in case that ends it from outside; or that nothing is any more. Durable when it comes
    /// back, unless the disk takes longer than a second.
    pub fn note(&self, note: Option<&str>) {
        if let Some(running) = self.running_since_ms.try_lock_for(WRITTEN_WITHIN)
            && let Some(since_ms) = *running
        {
            self.write(Stored::Running { since_ms, note: note.map(tame) });
        }
    }

    /// Says how this run ends; the first word counts. Durable when it comes back, unless the disk takes longer than a second.
    pub fn end(&self, code: i32, reason: &str) {
        if let Some(mut running) = self.running_since_ms.try_lock_for(WRITTEN_WITHIN)
            && running.take().is_some()
        {
            // What the system tells of a code has a byte.
            let code = (code & 0xff) as u8;
            self.write(Stored::Ended { code, reason: tame(reason), at_ms: clock::wall().0 });
        }
    }

    fn read(&self) -> Option<LastRun> {
        let ignored =
            |why: String| tracing::warn!(file = %self.path.display(), why, "how the last run ended is ignored");
        let bytes = match files::read_bounded(&self.path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                ignored(error.to_string());
                return None;
            }
        };
        let last = match serde_json::from_slice(&bytes) {
            Ok(Stored::Running { since_ms, note }) if since_ms <= UNIX_MS_MAX => {
                Some(LastRun::Killed { since_ms, note: note.as_deref().map(tame) })
            }
            Ok(Stored::Ended { code, reason, at_ms }) if at_ms <= UNIX_MS_MAX => {
                Some(LastRun::Ended { code, reason: tame(&reason), at_ms })
            }
            Ok(Stored::Running { .. } | Stored::Ended { .. }) | Err(_) => None,
        };
        if last.is_none() {
            ignored("it is damaged, or of another program".into());
        }
        last
    }

    /// Writes on a thread of its own: a disk that hangs keeps nobody.
    fn write(&self, stored: Stored) {
        let path = self.path.clone();
        let (told, written) = mpsc::channel();
        let write = move || _ = told.send(store(&path, &stored));
        let failed = match std::thread::Builder::new().name("last-exit".into()).spawn(write) {
            Ok(_) => written
                .recv_timeout(WRITTEN_WITHIN)
                .map_or(Some("the disk is slow".into()), |written| written.err().map(|error| error.to_string())),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = failed {
            tracing::warn!(file = %self.path.display(), why, "how this run ends cannot be written");
        }
    }
}

fn store(path: &Path, stored: &Stored) -> Result<(), FileError> {
    // Numbers and texts, which JSON has.
    let text = format!("{}\n", serde_json::to_string(stored).unwrap_or_default());
    files::write_whole(path, text.as_bytes(), 0o600, Existing::Replace).or_else(|error| {
        // A full disk, which may be why the process ends, has room where the record was. Torn, it is ignored.
        overwrite(path, text.as_bytes()).map_err(|_| error)
    })
}

fn overwrite(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

/// Of one line and bounded: it is shown on screens, and may be anybody's.
fn tame(text: &str) -> String {
    let plain = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    plain.take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_run_hears_how_the_last_one_ended() {
        let directory = tempfile::tempdir().unwrap();
        let of = || LastExit::of(directory.path());
        let first = of();
        assert_eq!(first.begin(), None, "there was no run before");
        first.end(70, "supervision gave up\n\u{1b}[2J");
        first.end(0, "the first word counts");
        first.note(Some("nor is it taken back"));
        let second = of();
        let last = second.begin().expect("how the first ended");
        assert_eq!((last.code(), last.reason().as_str()), (Some(70), "supervision gave up  [2J"));
        assert!(last.at_ms().is_some_and(|at| clock::wall().0 - at < 3_600_000));
        drop(second);
        let third = of();
        let last = third.begin().expect("the second is known to have run");
        assert_eq!((last.code(), last.at_ms()), (None, None));
        assert_eq!(last.reason(), "ended without saying why (killed or power lost)");
        third.note(Some("state does not respond"));
        let last = of().begin().unwrap();
        assert!(last.reason().ends_with("after this: state does not respond"), "{}", last.reason());
        let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left, [FILE_NAME]);
    }

    #[test]
    fn a_run_that_has_not_begun_leaves_what_another_says() {
        let directory = tempfile::tempdir().unwrap();
        let other = LastExit::of(directory.path());
        other.begin();
        LastExit::of(directory.path()).end(3, "the directory is in use");
        other.end(0, "SIGTERM");
        assert_eq!(LastExit::of(directory.path()).begin().unwrap().code(), Some(0));
    }

    #[test]
    fn what_nobody_of_ours_wrote_is_ignored_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        let cases = [
            String::new(),
            "\u{0}".repeat(100),
            "{".into(),
            "null".into(),
            r#"{"state":"ended","code":256,"reason":"","at_ms":1}"#.into(),
            r#"{"state":"ended","code":-1,"reason":"","at_ms":1}"#.into(),
            r#"{"state":"ended","code":0,"reason":"","at_ms":18446744073709551615}"#.into(),
            r#"{"state":"ended","code":0,"reason":"","at_ms":1,"run":"me"}"#.into(),
            format!(r#"{{"state":"ended","code":0,"reason":"{}","at_ms":1}}"#, "x".repeat(5_000)),
            "[".repeat(4_000),
        ];
        for text in cases {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(LastExit::of(directory.path()).begin(), None, "{text:.80}");
            let found = LastExit::of(directory.path()).begin();
            assert!(matches!(found, Some(LastRun::Killed { note: None, .. })), "{text:.80}: {found:?}");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let record = LastExit::of(directory.path());
        assert_eq!(record.begin(), None, "a folder in its place");
        record.end(0, "and the process ends all the same");
    }
}
