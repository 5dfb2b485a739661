//! From bytes to tokens, as the SMT-LIB standard has them: a comment ends at CR or LF, a numeral has no leading zero and
//! no sign, `#|` begins no comment.
//!
//! Must never: accept what the solver would read otherwise, or look at a byte more than a constant number of times.

use crate::error::{ErrorKind, Fault, clip};
use crate::limits::Limits;
use crate::tree::Kind;

/// One token of a checked script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    pub quoted: bool,
    /// Symbols without bars, keywords without colon, `#x` and `#b` without their mark, strings without quotation marks
    /// (a doubled one inside stays doubled).
    pub text: &'a str,
    pub at: u32,
}

/// Words that begin a term's syntax. Between bars the solver takes them for the same words, so they are no symbols there.
pub const RESERVED: [&str; 9] = ["!", "_", "as", "exists", "forall", "lambda", "let", "match", "par"];

/// Reads tokens one by one.
pub struct Lexer<'a> {
    text: &'a str,
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
        let text =
            std::str::from_utf8(script).map_err(|error| Fault::new(error.valid_up_to() as u32, ErrorKind::NotUtf8))?;
        let control = |byte: &u8| (*byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0x7F;
        if let Some(at) = script.iter().position(control) {
            return Err(Fault::new(at as u32, ErrorKind::ControlCharacter { code: u32::from(script[at]) }));
        }
        Ok(Self { text, at: 0, tokens: 0, limits })
    }

    /// The next token, or none at the end.
    pub(crate) fn next_token(&mut self) -> Result<Option<Token<'a>>, Fault> {
        self.skip_blanks();
        let Some(first) = self.text.as_bytes().get(self.at).copied() else { return Ok(None) };
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
            _ => {
                let character = self.text[self.at..].chars().next().unwrap_or('?');
                return Err(self.fault(ErrorKind::Character { character }));
            }
        };
        Ok(Some(token))
    }

    fn fault(&self, kind: ErrorKind) -> Fault {
        Fault::new(self.at as u32, kind)
    }

    fn skip_blanks(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b';' => {
                    let rest = &bytes[self.at..];
                    let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                    self.at += length;
                }
                _ => return,
            }
        }
    }

    fn parenthesis(&mut self, kind: Kind) -> Token<'a> {
        let token = Token { kind, quoted: false, text: "", at: self.at as u32 };
        self.at += 1;
        token
    }

    /// Makes the atom whose text is `start..end` and goes on at `next`.
    fn atom(&mut self, kind: Kind, quoted: bool, start: usize, end: usize, next: usize) -> Result<Token<'a>, Fault> {
        if end - start > self.limits.atom_bytes_max as usize {
            return Err(self.fault(ErrorKind::AtomBytes { limit: self.limits.atom_bytes_max }));
        }
        let follows = self.text.as_bytes().get(next).copied().unwrap_or(b' ');
        if !matches!(follows, b' ' | b'\t' | b'\n' | b'\r' | b'(' | b')' | b';') {
            self.at = next;
            return Err(self.fault(match self.text[next..].chars().next() {
                Some('"' | '|' | '#' | ':') | None => ErrorKind::Glued,
                Some(character) if character.is_ascii() && is_symbol_byte(follows) => {
                    let _ = character;
                    ErrorKind::Glued
                }
                Some(character) => ErrorKind::Character { character },
            }));
        }
        let token = Token { kind, quoted, text: &self.text[start..end], at: self.at as u32 };
        self.at = next;
        Ok(token)
    }

    fn symbol_length(&self, start: usize) -> usize {
        let bytes = &self.text.as_bytes()[start..];
        bytes.iter().position(|byte| !is_symbol_byte(*byte)).unwrap_or(bytes.len())
    }

    fn quoted_symbol(&mut self) -> Result<Token<'a>, Fault> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let Some(length) = rest.iter().position(|byte| matches!(byte, b'|' | b'\\')) else {
            return Err(self.fault(ErrorKind::OpenSymbol));
        };
        if rest[length] == b'\\' {
            self.at = start + length;
            return Err(self.fault(ErrorKind::Backslash));
        }
        let word = &self.text[start..start + length];
        if RESERVED.contains(&word) {
            return Err(self.fault(ErrorKind::QuotedWord { word: word.to_owned() }));
        }
        self.atom(Kind::Symbol, true, start, start + length, start + length + 1)
    }

    fn string(&mut self) -> Result<Token<'a>, Fault> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
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
        let bytes = self.text.as_bytes();
        let start = self.at + 2;
        let (kind, is_digit): (_, fn(&u8) -> bool) = match bytes.get(self.at + 1) {
            Some(b'x') => (Kind::Hexadecimal, u8::is_ascii_hexdigit),
            Some(b'b') => (Kind::Binary, |byte| matches!(byte, b'0' | b'1')),
            _ => return Err(self.fault(ErrorKind::Character { character: '#' })),
        };
        let length = bytes[start..].iter().position(|byte| !is_digit(byte)).unwrap_or(bytes.len() - start);
        if length == 0 || bytes.get(start + length).copied().is_some_and(is_symbol_byte) {
            let text = clip(&self.text[self.at..start + self.symbol_length(start)]);
            return Err(self.fault(ErrorKind::Number { text, why: "digits are missing or wrong" }));
        }
        self.atom(kind, false, start, start + length, start + length)
    }

    fn number(&mut self) -> Result<Token<'a>, Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let digits =
            |from: usize| bytes[from..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len() - from);
        let whole = digits(start);
        let mut end = start + whole;
        let mut kind = Kind::Numeral;
        let wrong = |why| {
            let text = clip(&self.text[start..start + self.symbol_length(start)]);
            Err(self.fault(ErrorKind::Number { text, why }))
        };
        if whole > 1 && bytes[start] == b'0' {
            return wrong("leave out the leading zeros");
        }
        if bytes.get(end) == Some(&b'.') {
            kind = Kind::Decimal;
            let fraction = digits(end + 1);
            if fraction == 0 {
                return wrong("digits must follow the point");
            }
            end += 1 + fraction;
        }
        if bytes.get(end).copied().is_some_and(is_symbol_byte) {
            return wrong("a symbol must not begin with a digit");
        }
        if end - start > self.limits.digits_max as usize {
            return Err(self.fault(ErrorKind::Digits { limit: self.limits.digits_max }));
        }
        self.atom(kind, false, start, end, end)
    }
}

/// The bytes of a simple symbol.
pub(crate) fn is_symbol_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'~' | b'!'
                | b'@'
                | b'$'
                | b'%'
                | b'^'
                | b'&'
                | b'*'
                | b'_'
                | b'-'
                | b'+'
                | b'='
                | b'<'
                | b'>'
                | b'.'
                | b'?'
                | b'/'
        )
}
