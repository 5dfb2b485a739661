//! Reading, on several threads: each file's bytes, its queries and their claims, and whether they were checked before.
//!
//! A file is looked up by the hash of its bytes first, before anything in it is read; then each query by the bytes of its
//! script, then by the statement that it makes, if there are any findings to be found so: that costs the normaliser's reading.
//! If a node is to be asked, every query is read for its statement, and its script is let go ([`super::again`]).

use super::cache::Known;
use super::findings::{definite, located, not_accepted, subject, told};
use super::keys::{Claimed, Keys, hash_of};
use super::outcome::{Checked, Finding, Outcome, Subject};
use super::paths::Found;
use super::settings::{Besides, Settings};
use super::steps::{ForNode, Missing, Origin, Outbox, Remarks, Step, send};
use super::work::{OpenLog, Task, Work};
use crate::logs::{ClaimRule, LOG_BYTES_MAX, LogFile, LogObligation};
use crate::obligation::{ClaimSource, ObligationError, Reader};
use crate::unpack::{self, Unpacked};
use crate::utf8;
use protocol::types::Hash;
use protocol::verdict::{Claim, VerifierParameters, statement_id};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc::Sender;

/// Who is asked about what was read.
pub enum Asked {
    /// What earlier runs found, and then this machine's solver.
    ThisMachine(Known, Besides),
    Node,
}

/// What the reading threads share.
pub struct Reading {
    files: Vec<Found>,
    rule: ClaimRule,
    limits: VerifierParameters,
    asked: Asked,
    incremental: bool,
    work: Work,
    /// Set once the solver's pin is known. None: it never will be.
    keys: OnceLock<Option<Keys>>,
}

impl Reading {
    pub fn new(files: Vec<Found>, settings: &Settings, asked: Asked) -> Reading {
        let work = Work::new(files.len());
        let Settings { rule, limits, incremental, .. } = *settings;
        Reading { files, rule, limits, asked, incremental, work, keys: OnceLock::new() }
    }

    /// Lets the threads look up what they have read.
    pub fn set_keys(&self, keys: Keys) {
        // The first word counts.
        let _ = self.keys.set(Some(keys));
    }

    /// Starts the reading threads.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn start(self: &Arc<Self>, threads: usize, steps: &Sender<Vec<Step>>) -> std::io::Result<()> {
        for number in 0..threads {
            let (reading, steps) = (Arc::clone(self), steps.clone());
            std::thread::Builder::new().name(format!("reader-{number}")).spawn(move || reading.work(&steps))?;
        }
        Ok(())
    }

    /// Ends the threads at their next step.
    pub fn end(&self) {
        let _ = self.keys.set(None);
        self.work.end();
    }

    /// A thread's work, until there is none left, or nobody listens.
    pub fn work(&self, steps: &Sender<Vec<Step>>) {
        let mut claims = Reader::new(None);
        let steps = &mut Outbox { sender: steps, held: Vec::new() };
        while let Some(task) = self.work.next(|| _ = steps.flush()) {
            let went_on = match task {
                Task::Files(mut numbers) => {
                    let went_on = numbers.try_for_each(|number| self.file(number, &mut claims, steps));
                    self.work.opened();
                    went_on
                }
                Task::Query(log, index) => self.query(&log, index, steps),
            };
            if went_on.is_none() {
                return;
            }
        }
        steps.flush();
    }

    /// Reads a file; if it is a log, its queries are for all threads. None at the end of everything.
    fn file(&self, number: usize, claims: &mut Reader, steps: &mut Outbox<'_>) -> Option<()> {
        let path = match &self.files[number] {
            Ok(path) => path,
            Err((path, why)) => {
                let unread = Checked::unread(Subject::file(number, path), why.clone());
                return send(steps, Step::Done(Box::new(unread)));
            }
        };
        match self.open(number, path, claims, steps)? {
            Ok(Opened::Known(checked)) => send(steps, Step::Done(checked)),
            Ok(Opened::Log(file)) => {
                let log = Arc::new(OpenLog { number, file: *file });
                self.remark(&log, steps)?;
                self.work.share(log);
                Some(())
            }
            Err(error) => {
                let unread = Checked::unread(Subject::file(number, path), error.why());
                send(steps, Step::Done(Box::new(unread)))
            }
        }
    }

    /// The first look, by the whole file's bytes.
    fn open(
        &self,
        number: usize,
        path: &Path,
        claims: &mut Reader,
        steps: &mut Outbox<'_>,
    ) -> Option<Result<Opened, ObligationError>> {
        if path == Path::new(unpack::STANDARD_INPUT) {
            // It may take forever.
            steps.flush()?;
        }
        let unpacked = match unpack::read(path, LOG_BYTES_MAX) {
            Ok(unpacked) => unpacked,
            Err(error) if path == Path::new(unpack::STANDARD_INPUT) => {
                return Some(Err(ObligationError::Input { error }));
            }
            Err(error) => return Some(Err(ObligationError::Read { path: path.to_owned(), error })),
        };
        if let (Unpacked::Whole(script), Asked::ThisMachine(known, besides)) = (&unpacked, &self.asked) {
            let hash = hash_of(script);
            let claimed = match self.claimed(path, claims) {
                Ok(claimed) => claimed,
                Err(error) => return Some(Err(error)),
            };
            let keys = self.keys.wait().as_ref()?;
            if let Some((claimed, source)) = claimed
                && let Some(finding) = known.answer(&keys.of_bytes(&hash, claimed), *besides)
            {
                let source = source.unwrap_or(finding.source);
                let checked = told(Subject::file(number, path), script, source, finding, true, None);
                return Some(Ok(Opened::Known(Box::new(checked))));
            }
        }
        Some(LogFile::of(path, unpacked, self.rule, claims).map(|file| Opened::Log(Box::new(file))))
    }

    /// The claim of a whole file, as far as it is known before that is read, and who makes it.
    fn claimed(
        &self,
        path: &Path,
        claims: &mut Reader,
    ) -> Result<Option<(Claimed, Option<ClaimSource>)>, ObligationError> {
        Ok(match self.rule {
            ClaimRule::Given(claim) => Some((Claimed::Given(claim), Some(ClaimSource::User))),
            ClaimRule::Logged => None,
            ClaimRule::Found => Some(match claims.manifest_claim(path)? {
                Some(claim) => (Claimed::Given(claim), Some(ClaimSource::Manifest)),
                None => (Claimed::ByScript, None),
            }),
        })
    }

    /// Says what a log is, before its queries are looked at. One that breaks off is an obligation that cannot be met.
    fn remark(&self, log: &OpenLog, steps: &mut Outbox<'_>) -> Option<()> {
        let file = &log.file;
        let mut lines = file.remarks();
        let mut obligations = file.len();
        if file.is_broken() {
            obligations += 1;
            // The last remark is why.
            let why = lines.pop().unwrap_or_default();
            let unread = Checked::unread(Subject::file(log.number, file.path()), why);
            send(steps, Step::Done(Box::new(unread)))?;
        }
        let tool = file.tool().map(|found| found.tool.name());
        let path = file.path().to_owned();
        let queries = file.len();
        send(steps, Step::Log(Remarks { number: log.number, path, obligations, queries, tool, lines }))
    }

    /// The further looks at one query: by the bytes of its script, and by what it says.
    fn query(&self, log: &Arc<OpenLog>, index: usize, steps: &mut Outbox<'_>) -> Option<()> {
        let obligation = log.file.obligation(index)?;
        let subject = subject(log, index, &obligation);
        let script = obligation.script().into_owned();
        let Some((claim, source)) = obligation.claim() else {
            return send(steps, Step::Done(Box::new(self.without_claim(subject, &script, &obligation))));
        };
        let (known, besides) = match &self.asked {
            Asked::ThisMachine(known, besides) => (known, *besides),
            Asked::Node => return send(steps, self.for_node(log, index, subject, &script, (claim, source))),
        };
        let keys = self.keys.wait().as_ref()?;
        // What a log's tool hopes for is not in the script that was cut out of it.
        let is_its_own = obligation.is_whole_file() && matches!(source, ClaimSource::Script | ClaimSource::Tool);
        let claimed = if is_its_own { Claimed::ByScript } else { Claimed::Given(claim) };
        let hash = hash_of(&script);
        let key = keys.of_bytes(&hash, claimed);
        let may_be_in_series = self.incremental && log.file.len() > 1 && obligation.may_be_in_series();
        let in_series = may_be_in_series.then(|| keys.of_query_in_series(&hash, claim));
        // What was checked alone goes first. To look for the statement costs nearly what a query in a series does.
        let finding = known.answer(&key, besides).or_else(|| match in_series {
            Some(key) => known.answer(&key, besides),
            None => self.by_statement(known, besides, keys, &script, claim),
        });
        let step = match finding {
            Some(finding) => Step::Done(Box::new(told(subject, &script, source, finding, true, Some(obligation)))),
            None => Step::Missing(Box::new(match (in_series, Arc::clone(log)) {
                (Some(in_series), log) => Missing::of_log(subject, (claim, source), (key, in_series), (log, index)),
                (None, log) => Missing {
                    subject,
                    script: Some(script),
                    claim: (claim, source),
                    key,
                    in_series: None,
                    incremental_answer: None,
                    log: (!obligation.is_whole_file()).then_some((log, index)),
                },
            })),
        };
        send(steps, step)
    }

    fn by_statement(
        &self,
        known: &Known,
        besides: Besides,
        keys: &Keys,
        script: &[u8],
        claim: Claim,
    ) -> Option<Finding> {
        // Where nothing that is known can be an answer, looking for it would only cost time.
        if known.is_empty() || besides.seeds > 0 {
            return None;
        }
        let normalised = smtlib::normalise(script, &self.form()).ok()?;
        known.answer(&keys.of_statement(&statement_id(&Hash(normalised.identity), claim)), besides)
    }

    /// What a node is asked about a query: nothing, if no network lets its script in.
    fn for_node(
        &self,
        log: &Arc<OpenLog>,
        index: usize,
        subject: Subject,
        script: &[u8],
        claim: (Claim, ClaimSource),
    ) -> Step {
        let obligation = log.file.obligation(index);
        let logged = obligation.and_then(|obligation| obligation.logged()).and_then(definite);
        // The script as it is submitted.
        let carried = match utf8::carried(script) {
            Ok(carried) => carried.script,
            Err(error) => {
                let outcome = Outcome::NotAccepted { at: None, text: error.to_string(), excerpt: None };
                let checked = Checked { claim: Some(claim), ..Checked::without(subject, outcome) };
                return Step::Done(Box::new(located(checked, script, obligation)));
            }
        };
        match smtlib::normalise(&carried, &self.form()) {
            Ok(normalised) => {
                let once = log.file.path() == Path::new(unpack::STANDARD_INPUT);
                let origin = if once { Origin::Kept(Arc::clone(log), index) } else { Origin::File };
                let statement = statement_id(&Hash(normalised.identity), claim.0);
                let script = hash_of(script);
                Step::ForNode(Box::new(ForNode { subject, claim, statement, script, logged, origin }))
            }
            Err(error) => {
                let checked = Checked { claim: Some(claim), ..Checked::without(subject, not_accepted(script, &error)) };
                Step::Done(Box::new(located(checked, script, obligation)))
            }
        }
    }

    /// The limits on a script's form, as the workers have them.
    fn form(&self) -> smtlib::Limits {
        smtlib::Limits { bytes_max: self.limits.script_bytes_max, ..smtlib::Limits::default() }
    }

    /// A script that is not let through says nothing of itself: then that is what is told.
    fn without_claim(&self, subject: Subject, script: &[u8], obligation: &LogObligation<'_>) -> Checked {
        let outcome = match smtlib::normalise(script, &self.form()) {
            Ok(_) => return Checked::without(subject, Outcome::NothingClaimed { why: obligation.why_no_claim() }),
            Err(error) => not_accepted(script, &error),
        };
        located(Checked::without(subject, outcome), script, Some(*obligation))
    }
}

enum Opened {
    /// A whole file that is one script, known from before.
    Known(Box<Checked>),
    Log(Box<LogFile>),
}
