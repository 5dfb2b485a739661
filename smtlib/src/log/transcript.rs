//! Transcripts as SBV prints them when it is verbose: what it sent and what it received, line by line.
//!
//! ```text
//! ** Calling: z3 -nw -in -smt2
//! [GOOD] (define-fun s2 () Bool
//!               (= s0 s1))
//! [SEND] (check-sat)
//! [RECV] unsat
//! *** Solver   : Z3
//! ```
//!
//! A command stands behind `[GOOD]`, `[SEND]` (also with a time-out: `[SEND, TimeOut: 90000ms]`), `[FIRE]` or `[FAIL]`, and
//! goes on in lines that are indented by as much. An answer stands behind `[RECV]`. A new solver is called by `** Calling:`.
//! Everything else is what the program says besides.
//!
//! What comes out is an SMT-LIB log of the same length, in which every byte that was kept stands where it stood: the marks
//! and what is no command become blanks, an answer becomes a comment.
//!
//! Must never: move a command, or take what was received for one.

use std::borrow::Cow;

const COMMAND: [&[u8]; 4] = [b"[GOOD", b"[SEND", b"[FIRE", b"[FAIL"];
const ANSWER: &[u8] = b"[RECV] ";
const CALL: &[u8] = b"** Calling: ";

/// What a comment begins with where another solver is called, in what [`plain`] gives.
pub(super) const NEW_SOLVER: &str = "* Calling: ";

/// Whether these are the bytes of a transcript: a line begins with a mark before any command or comment does.
pub(super) fn is_transcript(log: &[u8]) -> bool {
    for line in log.split(|byte| *byte == b'\n') {
        if command_mark(line).is_some() || line.starts_with(CALL) {
            return true;
        }
        if matches!(line.trim_ascii_start().first(), Some(b'(' | b';')) {
            return false;
        }
    }
    false
}

/// The log that a transcript tells, byte for byte at the same places.
pub(super) fn plain(log: &[u8]) -> Cow<'_, [u8]> {
    if !is_transcript(log) {
        return Cow::Borrowed(log);
    }
    let mut out = log.to_vec();
    // By how much the lines of the open command are indented.
    let mut indent = None;
    for line in out.split_mut(|byte| *byte == b'\n') {
        if let Some(mark) = command_mark(line) {
            line[..mark].fill(b' ');
            indent = Some(mark);
        } else if line.starts_with(CALL) {
            line[0] = b';';
            indent = None;
        } else if line.starts_with(ANSWER) && is_answer(line[ANSWER.len()..].trim_ascii()) {
            line[..ANSWER.len()].fill(b' ');
            line[0] = b';';
            indent = None;
        } else if indent.is_none_or(|indent| !goes_on(line, indent)) {
            line.fill(b' ');
            indent = None;
        }
    }
    Cow::Owned(out)
}

/// How long the mark of a command is, with the blank behind it.
fn command_mark(line: &[u8]) -> Option<usize> {
    let mark = COMMAND.iter().find(|mark| line.starts_with(mark))?.len();
    let end = match line.get(mark)? {
        b']' => mark,
        b',' => mark + line[mark..].iter().position(|byte| *byte == b']')?,
        _ => return None,
    };
    (line.get(end + 1) == Some(&b' ')).then_some(end + 2)
}

fn goes_on(line: &[u8], indent: usize) -> bool {
    line.trim_ascii().is_empty() || line.get(..indent).is_some_and(|begin| begin.iter().all(|byte| *byte == b' '))
}

fn is_answer(text: &[u8]) -> bool {
    matches!(text, b"sat" | b"unsat" | b"unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_stands_where_it_stood() {
        let log = "Hello\n** Calling: z3 -in\n[GOOD] (assert\n          p)\n  s0 = 1 :: Integer\n[SEND, TimeOut: 9ms] (check-sat)\n\
                   [RECV] unsat\n[SEND] (get-value (x))\n[RECV] ((x\n        1))\n*** Exit code: 0\n[SKIP] ; sat\n";
        let plain = String::from_utf8(plain(log.as_bytes()).into_owned()).unwrap();
        assert_eq!(plain.len(), log.len());
        let lines: Vec<&str> = plain.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let expected = [";* Calling: z3 -in", "(assert", "p)", "(check-sat)", ";      unsat", "(get-value (x))"];
        assert_eq!(lines, expected);
        assert_eq!(plain.find("(check-sat)"), log.find("(check-sat)"));
    }

    #[test]
    fn other_logs_stay_as_they_are() {
        for log in ["(assert |\n[GOOD] (x)|)", "; a\n[SEND] (x)", "", "[SENDER] (x)", "[GOOD](x)"] {
            assert_eq!(plain(log.as_bytes()), Cow::Borrowed(log.as_bytes()), "{log}");
        }
    }
}
