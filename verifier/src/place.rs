//! Where in the submitted script lies what the solver refuses in it: a term whose sorts do not fit, a name that it does not
//! know.
//!
//! The solver says `(error "line L column C: …")` of the whole text that it was given. Found by trying, and held to by the
//! tests of `check`: lines count from 1, so that the first of the script's is the second, behind the limit that is put in front;
//! columns count from 0, in bytes, and from 1 in a line that begins inside a quoted symbol or a string. The place is that
//! of an unknown symbol, or else of the closing parenthesis of what does not fit: an application, or a whole command.
//!
//! This is for people. The network's word on such a script stays that there is no verdict.
//!
//! Must never: take what the solver ran out of for a fault of the script, or look for an answer.

use crate::form::{self, Form};
use protocol::verdict::{Job, NoVerdict, Task};
use smtlib::{Kind, Limits, Tree};

/// Lines in front of the script's text.
const LINES_IN_FRONT: u32 = 1;

/// An error of the solver's as it reports it: lines from 1, columns from 0.
struct Complaint<'a> {
    line: u32,
    column: u32,
    message: &'a str,
}

/// What the solver reported of a script's first run, with its place in the submitted script where it has one.
pub fn located(reason: NoVerdict, form: &Form, job: &Job) -> NoVerdict {
    match &reason {
        // The other tasks run other texts.
        NoVerdict::SolverError { text } if job.task == Task::Check => ill_sorted(text, form, job).unwrap_or(reason),
        _ => reason,
    }
}

fn ill_sorted(reported: &str, form: &Form, job: &Job) -> Option<NoVerdict> {
    let (line, column, message) = in_text(reported, &form.text)?;
    let (line, column) = smtlib::locate(&job.script, &form::limits(&job.limits), line, column)?;
    Some(NoVerdict::IllSorted { line, column, text: form.in_its_words(message) })
}

/// Line and column of a text, from 1, where what the solver refuses in it begins, and what it says of it.
pub fn in_text<'a>(reported: &'a str, text: &str) -> Option<(u32, u32, &'a str)> {
    let complaint = Complaint::read(reported).filter(|complaint| !ran_out(complaint.message))?;
    let line = complaint.line.checked_sub(LINES_IN_FRONT).filter(|line| *line > 0)?;
    let at = offset(text, line, complaint.column)?;
    let tree = smtlib::parse(text.as_bytes(), &limits()).ok()?;
    let (line, column) = position(text, beginning(&tree, at)?);
    Some((line, column, complaint.message))
}

impl<'a> Complaint<'a> {
    /// Reads the first error of a report.
    fn read(reported: &'a str) -> Option<Self> {
        let rest = reported.strip_prefix("(error \"line ")?;
        let (line, rest) = rest.split_once(" column ")?;
        let (column, rest) = rest.split_once(": ")?;
        let message = rest.split_once("\")\n").map_or(rest, |(message, _)| message);
        Some(Self { line: line.parse().ok()?, column: column.parse().ok()?, message: message.trim() })
    }
}

/// Whether a message, which may have a place too, says that the solver came to an end of something.
fn ran_out(message: &str) -> bool {
    const ENDS: [&str; 7] =
        ["canceled", "cancelled", "memory", "max. steps", "max. resource limit", "timeout", "overflow encountered"];
    let message = message.to_ascii_lowercase();
    ENDS.iter().any(|end| message.contains(end))
}

/// The byte at a place as the solver counts: it forgets to begin at 0 behind a line end that is part of an atom.
fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let (mut at_line, mut at_column, mut within) = (1u32, 0u32, None);
    for (at, byte) in text.bytes().enumerate() {
        if (at_line, at_column) >= (line, column) {
            return Some(at);
        }
        within = match (within, byte) {
            (None, b'|' | b'"') => Some(byte),
            (Some(mark), _) if mark == byte => None,
            _ => within,
        };
        (at_line, at_column) = match (byte, within) {
            (b'\n', Some(_)) => (at_line + 1, 1),
            (b'\n', None) => (at_line + 1, 0),
            _ => (at_line, at_column + 1),
        };
    }
    None
}

/// Where the expression begins that ends or stands at a place. Nothing that a check-sat is told of is the script's fault.
fn beginning(tree: &Tree, at: usize) -> Option<usize> {
    let behind = tree.nodes.partition_point(|node| node.at as usize <= at);
    let index = behind.checked_sub(1)?;
    let command = tree.top().take_while(|command| *command as usize <= index).last()?;
    if tree.children(command).next().is_none_or(|head| tree.text(head) == "check-sat") {
        return None;
    }
    let begins = |node: &&smtlib::Node| node.kind == Kind::Open && node.end as usize == behind;
    let node = match tree.nodes[index].kind {
        Kind::Close => tree.nodes[..index].iter().rev().find(begins)?,
        _ => &tree.nodes[index],
    };
    Some(node.at as usize)
}

/// Line and column, from 1 and in characters, of a byte.
fn position(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or(text);
    let (lines, last) = before.rsplit_once('\n').map_or(("", before), |(lines, last)| (lines, last));
    let line = if last.len() == before.len() { 1 } else { lines.matches('\n').count() + 2 };
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (count(line), count(last.chars().count() + 1))
}

/// The normaliser's own text is read as long and deep as it is.
fn limits() -> Limits {
    Limits {
        bytes_max: u64::from(u32::MAX),
        tokens_max: u64::from(u32::MAX),
        depth_max: u32::MAX,
        digits_max: u32::MAX,
        atom_bytes_max: u32::MAX,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_with_its_place_and_without_what_follows() {
        let complaint =
            Complaint::read("(error \"line 9 column 31: Sorts Int and \nBool are incompatible \")\nsat\n").unwrap();
        assert_eq!((complaint.line, complaint.column), (9, 31));
        assert_eq!(complaint.message, "Sorts Int and \nBool are incompatible");
        for other in ["(error \"no place\")\n", "sat\n", "(error \"line x column 3: y\")\n", "not an answer: \"sat\""] {
            assert!(Complaint::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_the_solver_ran_out_of_is_no_fault_of_the_scripts() {
        for message in ["canceled", "out of memory", "max. memory exceeded", "max. resource limit exceeded"] {
            assert!(ran_out(message), "{message}");
        }
        assert!(!ran_out("Sorts Int and Bool are incompatible"));
    }

    #[test]
    fn places_are_counted_as_the_solver_counts_them() {
        let text = "(assert (= |a\nb| \"\n\" q))\n(assert r)\n";
        let found = |line, column| offset(text, line, column).map(|at| &text[at..=at]);
        // Behind the line end in the string: 1 for the mark, 2 for the space.
        assert_eq!(found(3, 3), Some("q"));
        assert_eq!(found(4, 8), Some("r"));
        assert_eq!(found(9, 0), None);
    }

    #[test]
    fn a_closing_parenthesis_stands_for_what_it_closes() {
        let text = "(assert (f (g x) y))\n(check-sat)\n";
        let tree = smtlib::parse(text.as_bytes(), &limits()).unwrap();
        let begin = |at| beginning(&tree, at).map(|at| position(text, at));
        assert_eq!(begin(15), Some((1, 12)), "of (g x)");
        assert_eq!(begin(18), Some((1, 9)), "of (f …)");
        assert_eq!(begin(19), Some((1, 1)), "of the command");
        assert_eq!(begin(17), Some((1, 18)), "of y");
        assert_eq!(begin(30), None, "of the check");
        assert_eq!(position("a\né\nbc", 6), (3, 2));
    }
}
