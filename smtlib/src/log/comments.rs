//! What the comments between commands say: answers, names of goals, and the tools that wrote them.
//!
//! Must never: take a comment for an answer that is one only in part of its text.

use crate::result::Status;

/// An answer that stands in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A solver's, to the check before it.
    OfSolver(Status),
    /// A verifier's, on the whole obligation, whatever checks it took.
    OfVerifier(Status),
}

/// Calls `with` for the text of every comment in a stretch between commands, without its semicolons and blanks.
pub(super) fn each<'a>(gap: &'a [u8], mut with: impl FnMut(&'a [u8])) {
    let mut rest = gap;
    while let Some(begin) = rest.iter().position(|byte| *byte == b';') {
        let text = &rest[begin..];
        let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(text.len());
        let shown = text[..end].iter().position(|byte| *byte != b';').unwrap_or(end);
        with(text[shown..end].trim_ascii());
        rest = &text[end..];
    }
}

/// The answer that a comment is.
pub(super) fn answer(comment: &str) -> Option<Answer> {
    // SBV writes `; [12:34:56.78] Received: unsat`, F* `; STATUS: unsat`, Liquid Haskell `; SMT Says: Unsat`.
    let received = comment.split_once("] Received: ").filter(|(time, _)| time.starts_with('[')).map(|(_, rest)| rest);
    let status = comment.strip_prefix("STATUS: ").or_else(|| comment.strip_prefix("SMT Says: "));
    match received.or(status).unwrap_or(comment).trim() {
        "unsat" | "Unsat" => Some(Answer::OfSolver(Status::Unsat)),
        "sat" | "Sat" => Some(Answer::OfSolver(Status::Sat)),
        "unknown" | "Unknown" | "timeout" => Some(Answer::OfSolver(Status::Unknown)),
        // Boogie's words for the whole obligation.
        "Valid" => Some(Answer::OfVerifier(Status::Unsat)),
        "Invalid" => Some(Answer::OfVerifier(Status::Sat)),
        "TimeOut" | "OutOfMemory" | "OutOfResource" | "Undetermined" => Some(Answer::OfVerifier(Status::Unknown)),
        _ => None,
    }
}

/// The name of a goal, and whether it is that of the next check or of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    OfNext(&'a str),
    OfLast(&'a str),
}

/// The name that a comment gives a goal.
pub(super) fn name(comment: &str) -> Option<Name<'_>> {
    // F* writes what became of a query behind it.
    let last = comment.strip_prefix("QUERY ID: ").map(Name::OfLast);
    let next = || {
        // Verus.
        let function = comment.strip_prefix("Function-Def ").or_else(|| comment.strip_prefix("Function-Termination "));
        // Why3: `Goal two'vc`, also between quotation marks.
        let goal =
            || comment.strip_prefix("Goal ").map(|goal| goal.trim_matches('"')).filter(|goal| !goal.contains(' '));
        // Silicon: `---------- Cell.get ----------`.
        let member = || comment.strip_prefix("---------- ")?.strip_suffix(" ----------");
        function.or_else(goal).or_else(member).map(Name::OfNext)
    };
    last.or_else(next)
}

/// The place in the program that a comment behind a goal's name tells, as Verus (`main.rs:17:1: 17:35 (#0)`) and Why3
/// (`File "two.mlw", line 4, characters 6-9`) write it.
pub(super) fn source(comment: &str) -> Option<&str> {
    let is_file = comment.starts_with("File \"") && comment.contains(", line ");
    let has_line = || {
        let mut parts = comment.split(':').skip(1);
        comment.contains('.') && parts.next().is_some_and(|line| line.trim().parse::<u32>().is_ok())
    };
    (is_file || has_line()).then_some(comment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_found_one_by_one() {
        let mut found = Vec::new();
        each(b" ;; a ; b\n\n;\r\n;;; c\r; d", |text| found.push(String::from_utf8_lossy(text).into_owned()));
        assert_eq!(found, ["a ; b", "", "c", "d"]);
    }

    #[test]
    fn only_a_whole_comment_is_an_answer() {
        assert_eq!(answer("Valid"), Some(Answer::OfVerifier(Status::Unsat)));
        assert_eq!(answer("[12:34:56.7890] Received: unsat"), Some(Answer::OfSolver(Status::Unsat)));
        assert_eq!(answer("STATUS: unknown"), Some(Answer::OfSolver(Status::Unknown)));
        for text in ["unsat is expected", "Invalid argument", "not unsat", "", "Received: unsat"] {
            assert_eq!(answer(text), None, "{text}");
        }
    }

    #[test]
    fn places_in_the_program_are_known() {
        for (comment, is_place) in [
            ("/a b/test.rs:17:1: 17:35 (#0)", true),
            ("File \"two.mlw\", line 4, characters 6-9", true),
            ("postcondition not satisfied", false),
            ("see a.b: c", false),
        ] {
            assert_eq!(source(comment).is_some(), is_place, "{comment}");
        }
    }

    #[test]
    fn goals_are_named() {
        assert_eq!(name("Goal \"two'vc\""), Some(Name::OfNext("two'vc")));
        assert_eq!(name("Goal two'vc"), Some(Name::OfNext("two'vc")));
        assert_eq!(name("Function-Def main::f"), Some(Name::OfNext("main::f")));
        assert_eq!(name("---------- Cell.get ----------"), Some(Name::OfNext("Cell.get")));
        assert_eq!(name("QUERY ID: (A.f, 1)"), Some(Name::OfLast("(A.f, 1)")));
        assert_eq!(name("Goal of the day"), None);
    }
}
