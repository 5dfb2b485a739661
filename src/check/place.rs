//! Where in the source an obligation comes from, as far as its script says so.
//!
//! | written by | what is read |
//! |---|---|
//! | Why3, and what follows OCaml | `;; File "a.mlw", line 6, characters 6-7` |
//! | F\*, Dafny's and Boogie's own comments | `; … a.fst(203,34-207,66)`, `; a.dfy(12,5)` |
//! | others | `; a.rs:12:5`, `; #line 12 "a.c"` |
//! | Boogie, Dafny | `:qid \|adfy.12:5\|` in the goal; `(set-info :boogie-vc-id NAME)` |
//! | anyone | `:named NAME` in the goal |
//!
//! Of several the last comment before the check counts, then the first quantifier of the goal. Must never: guess a place that
//! no one wrote down, or cost more than one look over the script.

use serde::Serialize;

/// A place in a source file, the name of what is proved there, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// A procedure or label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Lines count from 1; columns as the tool counts them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    pub file: String,
    pub line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// Longer names are no places.
const NAME_BYTES_MAX: usize = 512;
/// Files of the tools themselves, and what Boogie writes for no place.
const NOT_THE_USERS: [&str; 3] = ["unknown", "DafnyPre", "DafnyPrelude"];
/// Endings that Boogie glues to a file's name.
const GLUED: [&str; 2] = ["dfy", "bpl"];

impl Place {
    /// The place of the script's first check.
    pub fn find(script: &[u8]) -> Option<Place> {
        Place::before(&script[..end(script)])
    }

    /// The place of the check that follows a passage.
    pub fn before(passage: &[u8]) -> Option<Place> {
        let text = String::from_utf8_lossy(passage);
        let goal = &text[text.rfind("\n(assert").or_else(|| text.rfind("(assert")).unwrap_or(0)..];
        let place = Place {
            source: from_comments(&text).or_else(|| from_quantifiers(goal)),
            name: value_after(&text, ":boogie-vc-id").or_else(|| named(goal)),
        };
        (place != Place::default()).then_some(place)
    }

    /// `a.dfy:12:5, in NAME`.
    pub fn text(&self) -> String {
        match (&self.source, &self.name) {
            (Some(source), Some(name)) => format!("{}, in {name}", source.text()),
            (Some(source), None) => source.text(),
            (None, Some(name)) => name.clone(),
            (None, None) => String::new(),
        }
    }
}

impl Source {
    pub fn text(&self) -> String {
        match self.column {
            Some(column) => format!("{}:{}:{column}", self.file, self.line),
            None => format!("{}:{}", self.file, self.line),
        }
    }

    fn new(file: &str, line: &str, column: Option<&str>) -> Option<Source> {
        let line = line.parse().ok().filter(|line| *line > 0)?;
        let is_name = !file.is_empty() && file.len() <= NAME_BYTES_MAX && !file.contains("://");
        is_name.then(|| Source { file: file.to_owned(), line, column: column.and_then(|column| column.parse().ok()) })
    }
}

/// Where the first check begins: what comes behind it is about the solver's answer.
fn end(script: &[u8]) -> usize {
    let check = b"(check-sat";
    let is_first = |at: &usize| *at == 0 || matches!(script[at - 1], b'\n' | b' ' | b')' | b'\r' | b'\t');
    let mut places = script.windows(check.len()).enumerate().filter(|(_, window)| *window == check).map(|(at, _)| at);
    places.find(is_first).unwrap_or(script.len())
}

/// F* names the query's own place once, and then places of parts of it.
const WHOLE_QUERY: &str = "; Starting query at ";

fn from_comments(text: &str) -> Option<Source> {
    let comments = || text.lines().rev().map(str::trim_start).filter(|line| line.starts_with(';'));
    let mut whole = comments().filter(|line| line.starts_with(WHOLE_QUERY));
    whole.find_map(in_comment).or_else(|| comments().find_map(in_comment))
}

fn in_comment(line: &str) -> Option<Source> {
    ocaml(line).or_else(|| directive(line)).or_else(|| line.split([' ', '\t', '"', '\'', '`']).find_map(word))
}

/// `File "a.mlw", line 6, characters 6-7`
fn ocaml(line: &str) -> Option<Source> {
    let (file, rest) = line.split_once("File \"")?.1.split_once("\", line ")?;
    let (number, rest) = digits(rest)?;
    let column = rest.strip_prefix(", characters ").and_then(digits).map(|(column, _)| column);
    Source::new(file, number, column)
}

/// `#line 12 "a.c"`
fn directive(line: &str) -> Option<Source> {
    let (number, rest) = digits(line.split_once("#line ")?.1)?;
    let file = rest.trim_start().strip_prefix('"')?.split('"').next()?;
    Source::new(file, number, None)
}

/// `a.dfy(12,5)`, `a.dfy(12,5-13,7)`, `a.rs:12:5`, `a.rs:12`
fn word(word: &str) -> Option<Source> {
    let word = word.trim_start_matches([';', '(', '[', '<']);
    // `def=a.fst(1,2-3,4);use=…`
    let word = word.split_once('=').map_or(word, |(_, place)| place);
    let at = word.char_indices().find_map(|(at, letter)| {
        let is_mark = matches!(letter, '(' | ':') && has_ending(&word[..at]);
        (is_mark && word[at + 1..].starts_with(|next: char| next.is_ascii_digit())).then_some(at)
    })?;
    let (number, rest) = digits(&word[at + 1..])?;
    let column = rest.strip_prefix([',', ':']).and_then(digits).map(|(column, _)| column);
    let is_whole = word[at..].starts_with(':') || column.is_some() || rest.starts_with(')');
    Source::new(&word[..at], number, column).filter(|_| is_whole)
}

/// `a.dfy`: a file's name has an ending that begins with a letter.
fn has_ending(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let is_short = (1..=6).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    !stem.is_empty() && is_short && ending.starts_with(|letter: char| letter.is_ascii_alphabetic())
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `:qid |adfy.12:5|`: the first one that is the user's. Boogie leaves out the dot of the file's ending.
fn from_quantifiers(goal: &str) -> Option<Source> {
    goal.match_indices(":qid ").find_map(|(at, found)| {
        let name = symbol(&goal[at + found.len()..])?;
        let (file, rest) = name.rsplit_once(['.', ':']).and_then(|(left, column)| {
            let (file, line) = left.rsplit_once(['.', ':'])?;
            Some((file, (line, column)))
        })?;
        if NOT_THE_USERS.contains(&file) || file.is_empty() {
            return None;
        }
        Source::new(&with_dot(file), rest.0, Some(rest.1)).filter(|source| source.column.is_some())
    })
}

fn with_dot(file: &str) -> String {
    match GLUED.iter().find_map(|ending| Some((file.strip_suffix(ending)?, ending))) {
        Some((stem, ending)) if !stem.is_empty() && !stem.ends_with('.') => format!("{stem}.{ending}"),
        _ => file.to_owned(),
    }
}

/// The symbol after the last mention of a keyword.
fn value_after(text: &str, keyword: &str) -> Option<String> {
    let at = text.rfind(keyword)? + keyword.len();
    symbol(&text[at..]).map(str::to_owned)
}

/// The last name in the goal that says something.
fn named(goal: &str) -> Option<String> {
    value_after(goal, ":named ").filter(|name| !name.starts_with('@'))
}

/// The symbol that a text begins with.
fn symbol(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let name = match text.strip_prefix('|') {
        Some(quoted) => quoted.split('|').next()?,
        None => text.split(|letter: char| letter.is_whitespace() || "()\";".contains(letter)).next()?,
    };
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(script: &str) -> String {
        Place::find(script.as_bytes()).unwrap_or_default().text()
    }

    #[test]
    fn each_tools_way_to_name_a_place_is_read() {
        for (script, text) in [
            (";; Goal g'vc\n;; File \"c.mlw\", line 6, characters 6-7\n(assert x)\n(check-sat)\n", "c.mlw:6:6"),
            (
                "(push)\n; Starting query at A.B.fst(203,34-207,66)\n(assert (! x :named @query))\n(check-sat)",
                "A.B.fst:203:34",
            ),
            (
                "; Starting query at A.fst(1,2-3,4)\n(assert\n ;def=B.fst(5,6-5,7); use=A.fst(8,9-8,9)\n x)(check-sat)",
                "A.fst:1:2",
            ),
            (" ;def=B.fst(5,6-5,7); use=A.fst(8,9-8,9)\n(assert x)(check-sat)", "B.fst:5:6"),
            ("; file.dfy(12,5): a postcondition\n(assert x)(check-sat)", "file.dfy:12:5"),
            (";src/a-b.rs:7\n(assert x)(check-sat)", "src/a-b.rs:7"),
            (";src/a.rs:7:3\n(assert x)(check-sat)", "src/a.rs:7:3"),
            ("; #line 12 \"a b.c\"\n(assert x)(check-sat)", "a b.c:12"),
            (
                "(set-info :boogie-vc-id Impl$$M.Q)\n(assert (not (forall ((i Int)) (! true :qid |qdfy.3:18|))))\n(check-sat)",
                "q.dfy:3:18, in Impl$$M.Q",
            ),
            ("(assert (forall ((i Int)) (! true :qid |file.dfy:12:5|)))\n(check-sat)", "file.dfy:12:5"),
            ("(set-info :boogie-vc-id F)\n(assert x)\n(check-sat)", "F"),
            ("(assert (! x :named |the sum|))\n(check-sat)", "the sum"),
        ] {
            assert_eq!(found(script), text, "{script}");
        }
    }

    #[test]
    fn what_is_no_place_is_none() {
        for script in [
            "(assert x)\n(check-sat)",
            "; version 2.0:1, see https://example.org:80/a\n(assert x)\n(check-sat)",
            "(assert (forall ((i Int)) (! true :qid |unknown.0:0|)))\n(check-sat)",
            "(assert (forall ((i Int)) (! true :qid |DafnyPre.517:12|)))\n(check-sat)",
            "(assert (forall ((i Int)) (! true :qid bool_typing)))\n(check-sat)",
            "(assert (! x :named @query))\n(check-sat)",
            "(assert x)\n(check-sat)\n; a.dfy(1,2)\n",
            "; f(3,4) and a.b(c) and .(1,2)\n(check-sat)",
        ] {
            assert_eq!(found(script), "", "{script}");
        }
        assert_eq!(Place::find(b""), None);
        assert_eq!(found("(assert (! x :qid |.1:1|))"), "");
        assert!(Place::find(b"\xff(\xfe:qid |a.\xff:1|").is_none());
    }

    #[test]
    fn of_several_the_last_comment_before_the_check_counts() {
        let script = "; a.dfy(1,1)\n(assert x)\n; a.dfy(2,2)\n(assert y)\n(check-sat)\n; a.dfy(3,3)\n(check-sat)";
        assert_eq!(found(script), "a.dfy:2:2");
    }
}
