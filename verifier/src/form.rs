//! What the solver gets of a script: the normaliser's text and options, never the submitted bytes.
//!
//! Translates the normaliser's words into those that cross to the node, and cuts them to a report's bounds on the way.

use protocol::types::Hash;
use protocol::verdict::{Assumptions, Claim, Ignored, Note, Report, Verdict, VerifierParameters};

/// A script of the right form.
pub struct Form {
    pub text: String,
    /// Bytes at the beginning of the text that set its logic.
    pub logic_bytes: usize,
    /// The logic is that of constrained Horn clauses.
    pub is_horn: bool,
    pub options: Vec<(String, String)>,
    pub status: Option<Claim>,
    pub notes: Vec<Note>,
    pub notes_omitted: u32,
    pub ignored: Ignored,
    pub assumptions: Assumptions,
    /// A function is used that the solver knows only by bounds.
    pub approximated: bool,
    pub identity: Hash,
    /// Names that the text has under another: its own, and the script's.
    pub renamed: Vec<(String, String)>,
}

impl Form {
    /// The text without its logic.
    pub fn text_without_logic(&self) -> &str {
        &self.text[self.logic_bytes..]
    }

    /// The script without its goal, where that leaves something assumed.
    pub fn without_goal(self) -> Option<Form> {
        // The logic, first in the text, stays as it is.
        smtlib::without_goal(&self.text).map(|text| Form { text, ..self })
    }

    /// What the solver says, with the script's own names in the place of those that were printed under another.
    pub fn in_its_words(&self, text: &str) -> String {
        self.renamed.iter().fold(text.to_owned(), |text, (printed, own)| text.replace(printed.as_str(), own))
    }

    /// Whether the script has neither options nor a logic: then a second run would only repeat the first.
    pub fn is_plain(&self) -> bool {
        self.options.is_empty() && self.logic_bytes == 0
    }

    /// What a reader of the verdict should know whatever the answer is.
    pub fn warnings(&self, claim: Option<Claim>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let (Some(status), Some(claim)) = (self.status, claim)
            && status != claim
        {
            warnings.push(format!("the script says of itself that it is {status}, and the claim is {claim}"));
        }
        if self.assumptions.assertions == 0 {
            warnings.push("nothing is asserted".to_owned());
        }
        if self.assumptions.recursive_definitions > 0 {
            warnings
                .push("recursive definitions are taken for granted: a contradictory one proves anything".to_owned());
        }
        warnings
    }
}

/// Reads a script.
///
/// # Errors
/// With [`Verdict::Rejected`]: where and why the script is refused.
pub fn read(script: &[u8], parameters: &VerifierParameters) -> Result<Form, Verdict> {
    let normalised = smtlib::normalise(script, &limits(parameters)).map_err(|error| Verdict::Rejected {
        line: error.line,
        column: error.column,
        text: error.kind.to_string(),
    })?;
    let notes = normalised.notes.len();
    let omitted = normalised.notes_left_out.saturating_add(notes.saturating_sub(Report::NOTES_MAX) as u64);
    Ok(Form {
        logic_bytes: normalised.logic_bytes,
        is_horn: normalised.logic.as_deref() == Some("HORN"),
        options: normalised.options,
        status: match normalised.status {
            Some(smtlib::Status::Sat) => Some(Claim::Sat),
            Some(smtlib::Status::Unsat) => Some(Claim::Unsat),
            Some(smtlib::Status::Unknown) | None => None,
        },
        notes: normalised.notes.iter().take(Report::NOTES_MAX).map(note).collect(),
        notes_omitted: count(omitted),
        ignored: Ignored { commands: count(normalised.ignored.commands), options: count(normalised.ignored.options) },
        assumptions: Assumptions {
            assertions: count(normalised.assumptions.assertions),
            quantifiers: count(normalised.assumptions.quantifiers),
            uninterpreted_symbols: count(normalised.assumptions.uninterpreted),
            recursive_definitions: count(normalised.assumptions.recursive_definitions),
        },
        approximated: normalised.assumptions.approximated,
        identity: Hash(normalised.identity),
        renamed: normalised.renamed,
        text: normalised.text,
    })
}

/// The limits on a script's form: the genesis says how long it may be, the normaliser's version the rest.
pub fn limits(parameters: &VerifierParameters) -> smtlib::Limits {
    smtlib::Limits { bytes_max: parameters.script_bytes_max, ..smtlib::Limits::default() }
}

fn note(note: &smtlib::Note) -> Note {
    let text = note.to_string();
    // The place crosses by itself.
    let place = format!("line {}, column {}: ", note.line, note.column);
    let text = text.strip_prefix(&place).map_or(text.clone(), str::to_owned);
    Note { line: note.line, column: note.column, text }
}

fn count(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
