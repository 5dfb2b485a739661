//! From bytes to tokens, as the SMT-LIB standard has them: a comment ends at CR or LF, a numeral has no leading zero and
//! no sign, `#|` begins no comment. Looser than the standard where solvers read it in one way only: a byte order mark at
//! the beginning, `1.` for `1.0`.
//!
//! Bytes that no script should hold (control characters, ISO 8859-1) are let through in comments, and marked in strings
//! and quoted symbols: much of that is ignored anyway, and who reads it refuses the mark.
//!
//! Must never: accept what the solver would read otherwise, or look at a byte more than a constant number of times.

use std::borrow::Cow;

use crate::error::{ErrorKind, Fault, clip};
use crate::limits::Limits;
use crate::tree::{Foreign, Kind};

/// One token of a checked script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub kind: Kind,
    pub quoted: bool,
    /// Symbols without bars, keywords without colon, `#x` and `#b` without their mark, strings without quotation marks
    /// (a doubled one inside stays doubled), `1.0` for `1.`. What is not UTF-8 is replaced here.
    pub text: Cow<'a, str>,
    pub at: u32,
    /// The first byte of it that only ignored text may hold.
    pub foreign: Option<Foreign>,
}

/// Words that begin a term's syntax. Between bars the solver takes them for the same words, so they are no symbols there.
pub(crate) const RESERVED: [&str; 9] = ["!", "_", "as", "exists", "forall", "lambda", "let", "match", "par"];

/// The only one of them that a constant may be called: who reads a symbol decides.
pub(crate) const LAMBDA: &str = "lambda";

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads tokens one by one.
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    /// The same bytes, if all of them may stand anywhere.
    clean: Option<&'a str>,
    at: usize,
    tokens: u64,
    limits: &'a Limits,
}

impl<'a> Lexer<'a> {
    /// Checks the size and the encoding.
    pub(crate) fn new(script: &'a [u8], limits: &'a Limits) -> Result<Self, Fault> {
        const ADDRESSABLE_BYTES: u64 = 1 << 30;
        let limit = limits.bytes_max.min(ADDRESSABLE_BYTES);
        if script.len() as u64 > limit {
            return Err(Fault::new(0, ErrorKind::Bytes { bytes: script.len() as u64, limit }));
        }
        let at = if script.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        // By whole chunks, which the compiler turns into looking at many bytes at once.
        let has_control = |chunk: &[u8]| chunk.iter().fold(false, |found, byte| found | is_control(byte));
        let clean = std::str::from_utf8(script).ok().filter(|_| !script.chunks(1 << 10).any(has_control));
        Ok(Self { bytes: script, clean, at, tokens: 0, limits })
    }

    /// The next token, or none at the end.
    pub(crate) fn next_token(&mut self) -> Result<Option<Token<'a>>, Fault> {
        self.skip_blanks();
        let Some(first) = self.bytes.get(self.at).copied() else { return Ok(None) };
        self.tokens += 1;
        if self.tokens > self.limits.tokens_max {
            return Err(self.fault(ErrorKind::Tokens { limit: self.limits.tokens_max }));
        }
        let token = match first {
            b'(' => self.parenthesis(Kind::Open),
            b')' => self.parenthesis(Kind::Close),
            b'|' => self.quoted_symbol()?,
            b'"' => self.string()?,
            b'#' => self.bits()?,
            b':' => self.keyword()?,
            b'0'..=b'9' => self.number()?,
            byte if is_symbol_byte(byte) => {
                let length = self.symbol_length(self.at);
                self.atom(Kind::Symbol, false, self.at, self.at + length, self.at + length)?
            }
            _ => return Err(self.fault(self.misplaced(self.at))),
        };
        Ok(Some(token))
    }

    /// Where the last token ended.
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// Goes on behind a text, if that stands on the line that comes next, and nothing else does. Gives the place of its beginning.
    pub(crate) fn pass_line(&mut self, text: &str) -> Option<usize> {
        let start = self.at + self.bytes[self.at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
        let end = start + text.len();
        let ends = self.bytes.get(end).is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
        if ends && self.bytes[start..].starts_with(text.as_bytes()) {
            self.at = end;
            return Some(start);
        }
        None
    }

    /// Why what stands at `at` can stand there in no token.
    fn misplaced(&self, at: usize) -> ErrorKind {
        let rest = &self.bytes[at..];
        let character = match rest.utf8_chunks().next() {
            Some(chunk) => chunk.valid().chars().next(),
            None => None,
        };
        match character {
            Some(character) if character.is_control() => ErrorKind::ControlCharacter { code: character.into() },
            Some(character) if character.is_whitespace() => ErrorKind::Blank { code: character.into() },
            Some(character) => ErrorKind::Character { character },
            None => ErrorKind::NotUtf8,
        }
    }

    fn fault(&self, kind: ErrorKind) -> Fault {
        Fault::new(self.at as u32, kind)
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b';' => {
                    let rest = &self.bytes[self.at..];
                    let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                    self.at += length;
                }
                _ => return,
            }
        }
    }

    fn parenthesis(&mut self, kind: Kind) -> Token<'a> {
        let token = Token { kind, quoted: false, text: Cow::Borrowed(""), at: self.at as u32, foreign: None };
        self.at += 1;
        token
    }

    /// Makes the atom whose text is `start..end` and goes on at `next`.
    fn atom(&mut self, kind: Kind, quoted: bool, start: usize, end: usize, next: usize) -> Result<Token<'a>, Fault> {
        // A literal of bits may be as long as the widest bit-vector, and so may `bvN`.
        let is_value = matches!(self.bytes[start..end], [b'b', b'v', b'0'..=b'9', ..]);
        let limit = match kind {
            Kind::Hexadecimal | Kind::Binary => self.limits.atom_bytes_max.max(self.limits.bit_width_max),
            Kind::Symbol if is_value => self.limits.atom_bytes_max.max(self.limits.bit_width_max),
            _ => self.limits.atom_bytes_max,
        };
        if end - start > limit as usize {
            return Err(self.fault(ErrorKind::AtomBytes { limit }));
        }
        let follows = self.bytes.get(next).copied().unwrap_or(b' ');
        if !matches!(follows, b' ' | b'\t' | b'\n' | b'\r' | b'(' | b')' | b';') {
            self.at = next;
            let glued = matches!(follows, b'"' | b'|' | b'#' | b':') || is_symbol_byte(follows);
            return Err(self.fault(if glued { ErrorKind::Glued } else { self.misplaced(next) }));
        }
        let at = self.at as u32;
        self.at = next;
        let (text, foreign) = match self.clean {
            Some(clean) => (Cow::Borrowed(&clean[start..end]), None),
            None => {
                let bytes = &self.bytes[start..end];
                (String::from_utf8_lossy(bytes), foreign(bytes, start))
            }
        };
        Ok(Token { kind, quoted, text, at, foreign })
    }

    fn symbol_length(&self, start: usize) -> usize {
        let bytes = &self.bytes[start..];
        bytes.iter().position(|byte| !is_symbol_byte(*byte)).unwrap_or(bytes.len())
    }

    fn quoted_symbol(&mut self) -> Result<Token<'a>, Fault> {
        let start = self.at + 1;
        let rest = &self.bytes[start..];
        let Some(length) = rest.iter().position(|byte| matches!(byte, b'|' | b'\\')) else {
            return Err(self.fault(ErrorKind::OpenSymbol));
        };
        if rest[length] == b'\\' {
            self.at = start + length;
            return Err(self.fault(ErrorKind::Backslash));
        }
        let word = &rest[..length];
        if let Some(word) = RESERVED.iter().find(|reserved| reserved.as_bytes() == word && **reserved != LAMBDA) {
            return Err(self.fault(ErrorKind::QuotedWord { word: (*word).to_owned() }));
        }
        self.atom(Kind::Symbol, true, start, start + length, start + length + 1)
    }

    fn string(&mut self) -> Result<Token<'a>, Fault> {
        let start = self.at + 1;
        let bytes = self.bytes;
        let mut end = start;
        loop {
            match (bytes.get(end), bytes.get(end + 1)) {
                (None, _) => return Err(self.fault(ErrorKind::OpenString)),
                (Some(b'"'), Some(b'"')) => end += 2,
                (Some(b'"'), _) => return self.atom(Kind::String, false, start, end, end + 1),
                (Some(_), _) => end += 1,
            }
        }
    }

    fn keyword(&mut self) -> Result<Token<'a>, Fault> {
        let start = self.at + 1;
        let length = self.symbol_length(start);
        if length == 0 {
            return Err(self.fault(ErrorKind::Expected { what: "the name of a keyword" }));
        }
        self.atom(Kind::Keyword, false, start, start + length, start + length)
    }

    fn bits(&mut self) -> Result<Token<'a>, Fault> {
        let bytes = self.bytes;
        let start = self.at + 2;
        let (kind, is_digit): (_, fn(&u8) -> bool) = match bytes.get(self.at + 1) {
            Some(b'x') => (Kind::Hexadecimal, u8::is_ascii_hexdigit),
            Some(b'b') => (Kind::Binary, |byte| matches!(byte, b'0' | b'1')),
            _ => return Err(self.fault(ErrorKind::Character { character: '#' })),
        };
        let length = bytes[start..].iter().position(|byte| !is_digit(byte)).unwrap_or(bytes.len() - start);
        if length == 0 || bytes.get(start + length).copied().is_some_and(is_symbol_byte) {
            let text = self.clipped(self.at, start + self.symbol_length(start));
            return Err(self.fault(ErrorKind::Number { text, why: "digits are missing or wrong" }));
        }
        self.atom(kind, false, start, start + length, start + length)
    }

    fn number(&mut self) -> Result<Token<'a>, Fault> {
        let bytes = self.bytes;
        let start = self.at;
        let digits =
            |from: usize| bytes[from..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len() - from);
        let whole = digits(start);
        let mut end = start + whole;
        let mut kind = Kind::Numeral;
        let wrong = |why| {
            let text = self.clipped(start, start + self.symbol_length(start));
            Err(self.fault(ErrorKind::Number { text, why }))
        };
        if whole > 1 && bytes[start] == b'0' {
            return wrong("leave out the leading zeros");
        }
        if bytes.get(end) == Some(&b'.') {
            kind = Kind::Decimal;
            end += 1 + digits(end + 1);
        }
        if bytes.get(end).copied().is_some_and(is_symbol_byte) {
            return wrong("a symbol must not begin with a digit");
        }
        if end - start > self.limits.digits_max as usize {
            return Err(self.fault(ErrorKind::Digits { limit: self.limits.digits_max }));
        }
        let mut token = self.atom(kind, false, start, end, end)?;
        if token.text.ends_with('.') {
            token.text.to_mut().push('0');
        }
        Ok(token)
    }

    fn clipped(&self, start: usize, end: usize) -> String {
        clip(&String::from_utf8_lossy(&self.bytes[start..end]))
    }
}

fn is_control(byte: &u8) -> bool {
    (*byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0x7F
}

/// The first control character or byte that is not UTF-8; the bytes stand at `start`.
fn foreign(bytes: &[u8], start: usize) -> Option<Foreign> {
    let valid = bytes.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
    let control = bytes[..valid].iter().position(is_control);
    let at = control.or((valid < bytes.len()).then_some(valid))?;
    Some(Foreign { at: (start + at) as u32, byte: bytes[at] })
}

/// Whether a byte may stand in a simple symbol.
pub(crate) fn is_symbol_byte(byte: u8) -> bool {
    SYMBOL_BYTES[byte as usize]
}

/// Looked up once for nearly every byte of a script, and again for what is printed.
const SYMBOL_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"~!@$%^&*_-+=<>.?/";
    let mut index = 0;
    while index < others.len() {
        bytes[others[index] as usize] = true;
        index += 1;
    }
    bytes
};
