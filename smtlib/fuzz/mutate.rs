//! Damage to scripts: bytes, tokens and whole expressions, put where they do not belong.
//!
//! Must never: need its input to be a script; the scanner here is another one than the normaliser's, and forgives.

use super::random::Seeded;
use std::ops::Range;

/// Scripts in pieces: what damage is made of.
pub struct Stock {
    scripts: Vec<(Vec<u8>, Vec<Range<usize>>)>,
    words: Vec<&'static str>,
}

impl Stock {
    pub fn new(scripts: Vec<Vec<u8>>) -> Stock {
        let scripts = scripts.into_iter().map(|script| {
            let pieces = pieces(&script);
            (script, pieces)
        });
        let words = WORDS.iter().copied().chain(smtlib::names_taken()).collect();
        Stock { scripts: scripts.collect(), words }
    }

    pub fn len(&self) -> usize {
        self.scripts.len()
    }

    pub fn script(&self, index: usize) -> &[u8] {
        &self.scripts[index].0
    }

    fn expression(&self, random: &mut Seeded) -> &[u8] {
        let (script, pieces) = &self.scripts[random.next(self.scripts.len())];
        pieces.get(random.next(pieces.len())).map_or(b"()", |piece| &script[piece.clone()])
    }

    /// A script of the stock with up to so many places damaged, of at most so many bytes.
    pub fn damaged(&self, random: &mut Seeded, damages: usize, bytes_max: usize) -> Vec<u8> {
        let mut script = self.script(random.next(self.len())).to_vec();
        for _ in 0..=random.next(damages) {
            self.damage(&mut script, random);
        }
        script.truncate(bytes_max);
        script
    }

    /// Damages one place.
    pub fn damage(&self, script: &mut Vec<u8>, random: &mut Seeded) {
        if random.once_in(4) {
            damage_bytes(script, random);
            return;
        }
        let pieces = pieces(script);
        if pieces.is_empty() {
            return damage_bytes(script, random);
        }
        let here = pieces[random.next(pieces.len())].clone();
        let other = script[pieces[random.next(pieces.len())].clone()].to_vec();
        let word = self.words[random.next(self.words.len())];
        let text = script[here.clone()].to_vec();
        let wrapped = |before: &[u8], after: &[u8]| [before, &text, after].concat();
        let new = match random.next(16) {
            0 => word.as_bytes().to_vec(),
            1 => format!("|{word}|").into_bytes(),
            2 => other,
            3 => self.expression(random).to_vec(),
            4 => Vec::new(),
            5 => wrapped(&text.repeat(random.next(3)), b""),
            6 => wrapped(b"(not ", b")"),
            7 => wrapped(b"(! ", b" :named fuzz)"),
            8 => wrapped(b"(let ((fuzz ", b")) fuzz)"),
            9 => wrapped(format!("({word} ").as_bytes(), b")"),
            10 => wrapped(format!("((_ {word} {}) ", number(random)).as_bytes(), b")"),
            11 => {
                let times = random.next(40);
                wrapped(&b"(and ".repeat(times), &b")".repeat(times))
            }
            12 => number(random).into_bytes(),
            // What is written many times more than it is read is found by much of it.
            13 if text.len() < 200 => numbered(&text, random.next(600)),
            14 if random.once_in(4) => word.repeat(random.next(3_000)).into_bytes(),
            _ => wrapped(b"(", b")"),
        };
        script.splice(here, [b" ".as_slice(), &new, b" "].concat());
    }
}

fn damage_bytes(script: &mut Vec<u8>, random: &mut Seeded) {
    let at = random.next(script.len() + 1);
    match random.next(6) {
        0 if at < script.len() => script[at] = random.word() as u8,
        1 if at < script.len() => {
            script.remove(at);
        }
        2 => script.truncate(at),
        3 => {
            let end = at + random.next(40).min(script.len() - at);
            let piece = script[at..end].to_vec();
            let to = random.next(script.len() + 1);
            script.splice(to..to, piece);
        }
        _ => script.insert(at, b"()|\"; \r\n0-a:#!_\\\0\xE9"[random.next(18)]),
    }
}

/// The same again and again, each time with a number behind its first word.
fn numbered(text: &[u8], times: usize) -> Vec<u8> {
    let word = |byte: &u8| !byte.is_ascii_whitespace() && !b"()|\"".contains(byte);
    let start = text.iter().position(word).unwrap_or(text.len());
    let end = text[start..].iter().position(|byte| !word(byte)).map_or(text.len(), |length| start + length);
    (0..times).flat_map(|time| [&text[..end], time.to_string().as_bytes(), &text[end..], b" "].concat()).collect()
}

/// Numbers round every limit that there is.
fn number(random: &mut Seeded) -> String {
    const NUMBERS: [&str; 16] = [
        "0",
        "1",
        "2",
        "7",
        "8",
        "31",
        "32",
        "64",
        "1024",
        "65536",
        "65537",
        "1000000",
        "1000001",
        "4294967296",
        "18446744073709551616",
        "007",
    ];
    match random.next(20) {
        0 => "9".repeat(random.next(5_000)),
        1 => format!("-{}", random.next(100)),
        2 => format!("{}.{}", random.next(100), random.next(100)),
        3 => format!("#x{:x}", random.word()),
        _ => random.of(&NUMBERS).to_owned(),
    }
}

/// Every atom and every list of a text, as far as its parentheses match.
pub fn pieces(script: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    let mut at = 0;
    while at < script.len() {
        let start = at;
        let until = |end: &dyn Fn(u8) -> bool, from: usize| {
            script[from..].iter().position(|byte| end(*byte)).map_or(script.len(), |length| from + length)
        };
        at += 1;
        match script[start] {
            b'(' => open.push(start),
            b')' => found.extend(open.pop().map(|opened| opened..at)),
            b'|' => {
                at = (until(&|byte| byte == b'|', at) + 1).min(script.len());
                found.push(start..at);
            }
            b'"' => {
                at = (until(&|byte| byte == b'"', at) + 1).min(script.len());
                found.push(start..at);
            }
            b';' => at = until(&|byte| matches!(byte, b'\n' | b'\r'), at),
            byte if byte.is_ascii_whitespace() => {}
            _ => {
                at = until(&|byte| byte.is_ascii_whitespace() || b"()|\";".contains(&byte), at);
                found.push(start..at);
            }
        }
    }
    found
}

/// Pieces that grammar and semantics hang on.
const WORDS: &[&str] = &[
    "assert",
    "check-sat",
    "(check-sat)",
    "(assert false)",
    "(assert true)",
    "declare-fun",
    "declare-const",
    "define-fun",
    "define-const",
    "declare-datatypes",
    "declare-datatype",
    "declare-sort",
    "define-sort",
    "define-fun-rec",
    "define-funs-rec",
    "push",
    "pop",
    "(push 1)",
    "(pop 1)",
    "(push 1024)",
    "set-logic",
    "set-option",
    "set-info",
    "(set-logic ALL)",
    "(set-logic QF_BV)",
    "(set-info :status sat)",
    "(set-info :status unsat)",
    "(set-option :smt.mbqi false)",
    "(set-option :rlimit 0)",
    "(set-option :auto_config false)",
    "(echo \"unsat\")",
    "(get-model)",
    "(exit)",
    "(reset)",
    "(include \"x\")",
    "let",
    "forall",
    "exists",
    "match",
    "lambda",
    "par",
    "!",
    "_",
    "as",
    "is",
    "bv3",
    "BitVec",
    "FloatingPoint",
    "Int",
    "Bool",
    "Real",
    "Array",
    "Seq",
    "String",
    "RegLan",
    "x",
    "y",
    "f",
    "T",
    ":named",
    ":pattern",
    ":no-pattern",
    ":weight",
    ":qid",
    ":skolemid",
    ":lblpos",
    ":lblneg",
    "true",
    "false",
    "and",
    "or",
    "not",
    "=>",
    "xor",
    "ite",
    "=",
    "distinct",
    "+",
    "-",
    "*",
    "/",
    "div",
    "mod",
    "abs",
    "<",
    "<=",
    "to_real",
    "to_int",
    "is_int",
    "divisible",
    "concat",
    "extract",
    "repeat",
    "zero_extend",
    "sign_extend",
    "rotate_left",
    "bvadd",
    "bvmul",
    "bvudiv",
    "bvult",
    "bvcomp",
    "int_to_bv",
    "select",
    "store",
    "const",
    "fp",
    "fp.add",
    "to_fp",
    "+oo",
    "NaN",
    "RNE",
    "str.++",
    "str.len",
    "str.in_re",
    "re.*",
    "re.loop",
    "char",
    "0",
    "1",
    "8",
    "4000000000",
    "1.5",
    "#xAB",
    "#b1",
    "\"s\"",
    "\"a\"\"b\"",
    "|q|",
    "||",
    "-1",
    "()",
    "((x Int))",
    "(x Int)",
    "(_ BitVec 8)",
    "(Array Int Int)",
    "(as x Int)",
    ";",
    "; note\r",
    "\r",
    "is-x",
    "|is-x|",
    "k!0",
    "x!1",
    "sin~1",
];
