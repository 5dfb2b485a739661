//! Scripts as JSON can carry them: bytes in ignored text that are not UTF-8 are replaced before a proof is signed.
//!
//! Must never: change what a script says. A replacement counts only if the normalised script stays the same.

use smtlib::{Limits, Normalised};
use std::borrow::Cow;

/// A script in UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub struct Carried<'a> {
    pub script: Cow<'a, [u8]>,
    /// Bytes that stand as `?` now. Each is one byte for one, so that lines and columns stay.
    pub replaced: usize,
}

/// Why a script cannot be made UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCarried {
    /// It has no accepted form, whatever its bytes are.
    #[error(transparent)]
    Form(#[from] smtlib::Error),
    #[error(
        "line {line}, column {column}: not UTF-8, and not in a comment or in ignored text: save the script as UTF-8"
    )]
    SaysSomething { line: u32, column: u32 },
}

/// Makes a script UTF-8.
///
/// # Errors
/// If it cannot be without saying something else; with the place.
pub fn carried(script: &[u8]) -> Result<Carried<'_>, NotCarried> {
    let Err(first) = std::str::from_utf8(script) else {
        return Ok(Carried { script: Cow::Borrowed(script), replaced: 0 });
    };
    let read = |script: &[u8]| smtlib::normalise(script, &Limits::default());
    let before = read(script)?;
    let (replacement, replaced) = replace(script);
    if !read(&replacement).is_ok_and(|after| is_the_same(&before, &after)) {
        let (line, column) = smtlib::position(script, u32::try_from(first.valid_up_to()).unwrap_or(u32::MAX));
        return Err(NotCarried::SaysSomething { line, column });
    }
    Ok(Carried { script: Cow::Owned(replacement), replaced })
}

fn is_the_same(before: &Normalised, after: &Normalised) -> bool {
    before.identity == after.identity && before.status == after.status
}

fn replace(script: &[u8]) -> (Vec<u8>, usize) {
    let (mut replacement, mut replaced) = (Vec::with_capacity(script.len()), 0);
    for chunk in script.utf8_chunks() {
        replacement.extend_from_slice(chunk.valid().as_bytes());
        replacement.extend(std::iter::repeat_n(b'?', chunk.invalid().len()));
        replaced += chunk.invalid().len();
    }
    (replacement, replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_stays_as_it_is() {
        let script = "; Jürgen\n(assert true)(check-sat)".as_bytes();
        assert_eq!(carried(script), Ok(Carried { script: Cow::Borrowed(script), replaced: 0 }));
        let broken = "(assert".as_bytes();
        assert_eq!(carried(broken), Ok(Carried { script: Cow::Borrowed(broken), replaced: 0 }), "the node says why");
    }

    #[test]
    fn other_bytes_become_question_marks_one_for_one() {
        assert_eq!(replace(b"J\xfcrgen \xe2\x82 \xff"), (b"J?rgen ?? ?".to_vec(), 4));
        assert_eq!(replace("Jürgen".as_bytes()), ("Jürgen".as_bytes().to_vec(), 0));
    }

    #[test]
    fn a_replacement_never_changes_what_is_said() {
        for script in [
            &b"(set-info :source |by J\xfcrgen|)\n(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n"[..],
            b"; J\xfcrgen\n(assert true)\n(check-sat)\n(get-value (|\xfc|))\n",
        ] {
            let before = smtlib::normalise(script, &Limits::default()).unwrap();
            let carried = carried(script).unwrap();
            assert!(carried.replaced > 0 && carried.script.len() == script.len());
            let after = smtlib::normalise(&carried.script, &Limits::default()).unwrap();
            assert!(is_the_same(&before, &after), "{}", String::from_utf8_lossy(script));
        }
    }

    #[test]
    fn what_says_something_is_refused_with_its_place() {
        for (script, place) in [
            (&b"(declare-const p Bool)\n(declare-const |J\xfc| Bool)\n(check-sat)\n"[..], "line 2, column "),
            (b"(assert (= \"\xfc\" \"\xe4\"))\n(check-sat)\n", "line 1, column 13: "),
            (b"; \xfc\n(assert x)\n(check-sat)\n", "line 2, column 9: x is not declared"),
        ] {
            let message = carried(script).unwrap_err().to_string();
            assert!(message.starts_with(place), "{message}");
        }
    }
}
