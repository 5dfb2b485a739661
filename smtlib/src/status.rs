//! The answer that a script announces, found by reading its tokens only: a twentieth of what normalising it costs.
//!
//! Must never: decide whether a script is accepted. Of one that is, it says what [`crate::normalise`] says.

use crate::lexer::Lexer;
use crate::limits::Limits;
use crate::result::Status;
use crate::tree::Kind;

/// How far an outermost command was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// Of `set-info`: the keyword comes next.
    Keyword,
    /// Of `(set-info :status`: the answer comes next.
    Answer,
    /// Of any other command.
    Rest,
}

/// The answer of the last `(set-info :status …)` before the check. What is no SMT-LIB script announces none.
pub fn announced_status(script: &[u8], limits: &Limits) -> Option<Status> {
    let mut lexer = Lexer::new(script, limits).ok()?;
    let (mut depth, mut part, mut status) = (0u32, Part::Rest, None);
    while let Some(token) = lexer.next_token().ok()? {
        match token.kind {
            Kind::Open => {
                depth += 1;
                part = if depth == 1 { Part::Head } else { Part::Rest };
            }
            Kind::Close => depth = depth.checked_sub(1)?,
            _ if depth != 1 => {}
            kind => {
                let is_head = part == Part::Head && kind == Kind::Symbol && !token.quoted;
                part = match (part, &*token.text) {
                    (Part::Head, "check-sat" | "check-sat-assuming") if is_head => return status,
                    (Part::Head, "reset") if is_head => {
                        status = None;
                        Part::Rest
                    }
                    (Part::Head, "set-info") if is_head => Part::Keyword,
                    (Part::Keyword, "status") if kind == Kind::Keyword => Part::Answer,
                    (Part::Answer, answer) => {
                        status = Some(Status::of(kind, answer)?);
                        Part::Rest
                    }
                    (Part::Head | Part::Keyword | Part::Rest, _) => Part::Rest,
                };
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise;

    fn announced(script: &str) -> Option<Status> {
        announced_status(script.as_bytes(), &Limits::default())
    }

    #[test]
    fn the_last_status_before_the_check_is_announced() {
        for (script, status) in [
            ("(set-info :status sat)(assert true)(check-sat)", Some(Status::Sat)),
            ("(set-info :status sat)(set-info :status unsat)(assert true)(check-sat)", Some(Status::Unsat)),
            ("(set-info :status sat)(assert true)(check-sat)(set-info :status unsat)", Some(Status::Sat)),
            ("(set-info :status |unknown|)(assert true)(check-sat)", Some(Status::Unknown)),
            ("(set-info :source |(set-info :status sat)|)(assert true)(check-sat)", None),
            ("; (set-info :status sat)\n(assert true)(check-sat)", None),
            ("(assert true)(check-sat)(set-info :status unsat)", None),
            ("(set-info :status sat)(reset)(assert true)(check-sat)", None),
            ("(reset)(set-info :status sat)(assert true)(check-sat true)", Some(Status::Sat)),
            ("\u{feff}(set-info :status sat)(assert true)(check-sat-assuming (true))", Some(Status::Sat)),
            ("(set-info :name \"status\")(set-info :statuses sat)(assert true)(check-sat)", None),
        ] {
            assert_eq!(announced(script), status, "{script}");
            assert_eq!(normalise(script.as_bytes(), &Limits::default()).unwrap().status, status, "{script}");
        }
    }

    #[test]
    fn what_is_no_script_announces_nothing() {
        for script in [
            "",
            "(set-info :status sat)",
            "(set-info :status maybe)(check-sat)",
            ")",
            "(set-info :status sat)(assert |",
        ] {
            assert_eq!(announced(script), None, "{script:?}");
        }
        let deep = "(".repeat(1 << 20);
        assert_eq!(announced(&deep), None);
    }
}
