//! Reading, on several threads: each file's bytes, its claim, and whether it was checked before.
//!
//! A file is looked up by the hash of its bytes first, before anything in it is read; then by the statement that it makes, if
//! there are any findings to be found so: that costs the normaliser's reading.

use super::cache::Known;
use super::keys::{Claimed, Key, Keys, hash_of};
use super::outcome::{Checked, Outcome, Position, Subject};
use super::paths::Found;
use crate::obligation::{self, ClaimSource, Reader};
use protocol::types::Hash;
use protocol::verdict::{Claim, VerifierParameters, statement_id};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::Sender;

/// What became of a file while it was read.
pub enum Step {
    Done(Checked),
    Missing(Missing),
}

/// An obligation of which nothing is known.
pub struct Missing {
    pub subject: Subject,
    pub script: Vec<u8>,
    pub claim: Claim,
    pub source: ClaimSource,
    /// The key by the script's bytes.
    pub key: Key,
}

/// What the reading threads share.
pub struct Reading {
    files: Vec<Found>,
    claim: Option<Claim>,
    limits: VerifierParameters,
    known: Known,
    /// Set once the solver's pin is known. None: it never will be.
    keys: OnceLock<Option<Keys>>,
    next: AtomicUsize,
}

impl Reading {
    pub fn new(files: Vec<Found>, claim: Option<Claim>, limits: VerifierParameters, known: Known) -> Reading {
        Reading { files, claim, limits, known, keys: OnceLock::new(), next: AtomicUsize::new(0) }
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Lets the threads look up what they have read.
    pub fn set_keys(&self, keys: Option<Keys>) {
        // The first word counts.
        let _ = self.keys.set(keys);
    }

    /// A thread's work: takes the next file until there is none, or nobody listens.
    pub fn work(&self, steps: &Sender<Step>) {
        let mut claims = Reader::new(self.claim);
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(found) = self.files.get(number) else { return };
            let Some(step) = self.read(number, found, &mut claims) else { return };
            if steps.blocking_send(step).is_err() {
                return;
            }
        }
    }

    fn read(&self, number: usize, found: &Found, claims: &mut Reader) -> Option<Step> {
        let subject = |path: &Path| {
            let position = Position { file: number, query: 0 };
            Subject { position, path: path.to_owned(), query: None }
        };
        let path: &PathBuf = match found {
            Ok(path) => path,
            Err((path, why)) => return Some(Step::Done(Checked::unread(subject(path), why.clone()))),
        };
        let unread = |error: obligation::ObligationError| Some(Step::Done(Checked::unread(subject(path), error.why())));
        let script = match obligation::read_bounded(path, VerifierParameters::SCRIPT_BYTES_MAX) {
            Ok(script) => script,
            Err(error) => return unread(error),
        };
        let given = match claims.given(path) {
            Ok(given) => given,
            Err(error) => return unread(error),
        };
        let hash = hash_of(&script);
        let keys = self.keys.wait().as_ref()?;
        let claimed = given.map_or(Claimed::ByScript, |(claim, _)| Claimed::Given(claim));
        let key = keys.of_bytes(&hash, claimed);
        if let Some(finding) = self.known.get(&key) {
            let source = given.map_or(ClaimSource::Script, |(_, source)| source);
            return Some(Step::Done(Checked::of(subject(path), &script, source, finding, true)));
        }
        Some(self.by_statement(keys, subject(path), script, given, key))
    }

    /// The second look, by what the script says.
    fn by_statement(
        &self,
        keys: &Keys,
        subject: Subject,
        script: Vec<u8>,
        given: Option<(Claim, ClaimSource)>,
        key: Key,
    ) -> Step {
        let claim = given.or_else(|| obligation::status(&script).map(|claim| (claim, ClaimSource::Script)));
        let Some((claim, source)) = claim else {
            return Step::Done(self.without_claim(subject, &script));
        };
        if !self.known.is_empty()
            && let Some(statement) = self.statement(&script, claim)
            && let Some(finding) = self.known.get(&keys.of_statement(&statement))
        {
            return Step::Done(Checked::of(subject, &script, source, finding, true));
        }
        Step::Missing(Missing { subject, script, claim, source, key })
    }

    fn statement(&self, script: &[u8], claim: Claim) -> Option<Hash> {
        let normalised = smtlib::normalise(script, &self.form()).ok()?;
        Some(statement_id(&Hash(normalised.identity), claim))
    }

    /// The limits on a script's form, as the workers have them.
    fn form(&self) -> smtlib::Limits {
        smtlib::Limits { bytes_max: self.limits.script_bytes_max, ..smtlib::Limits::default() }
    }

    /// A script that is not let through says nothing of itself: then that is what is told.
    fn without_claim(&self, subject: Subject, script: &[u8]) -> Checked {
        let outcome = match smtlib::normalise(script, &self.form()) {
            Ok(_) => Outcome::NothingClaimed,
            Err(error) => {
                let excerpt = crate::text::excerpt(script, error.line, error.column);
                Outcome::NotAccepted { line: error.line, column: error.column, text: error.kind.to_string(), excerpt }
            }
        };
        Checked { subject, claim: None, outcome, known: false, cpu_ms: None, place: None }
    }
}
