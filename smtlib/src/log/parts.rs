//! The pieces that a query's text is made of: ranges of the log, each with the piece that stands before it in the text.
//!
//! Queries of one log share their beginnings, so a piece is kept once and every query names its last one.
//!
//! Must never: change a piece that a query may have named.

/// A range of the log, in bytes, and the line that it begins in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
    pub line: u32,
}

/// One piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Range(Span),
    /// A `push` of one scope, as it stands.
    Scope(Span),
    /// `(push 1)` where the log opens several scopes at once, at that line of the log.
    Push(u32),
    /// `(pop 1)`, likewise.
    Pop(u32),
}

impl Piece {
    pub(super) fn bytes(self, log: &[u8]) -> &[u8] {
        match self {
            Piece::Range(span) | Piece::Scope(span) => &log[span.start as usize..span.end as usize],
            Piece::Push(_) => b"(push 1)",
            Piece::Pop(_) => b"(pop 1)",
        }
    }

    pub(super) fn opens_a_scope(self) -> bool {
        matches!(self, Piece::Scope(_) | Piece::Push(_))
    }

    pub(super) fn line(self) -> u32 {
        match self {
            Piece::Range(span) | Piece::Scope(span) => span.line,
            Piece::Push(line) | Piece::Pop(line) => line,
        }
    }
}

/// The last piece of a text; none for the empty one.
pub(super) type Tip = Option<u32>;

#[derive(Clone, Copy, Debug)]
struct Link {
    piece: Piece,
    before: Tip,
    /// The number of the last command in it, to see whether another one follows at once.
    command: u64,
}

/// All pieces of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    links: Vec<Link>,
}

impl Parts {
    /// The text at `tip` and a piece behind it.
    pub(super) fn with(&mut self, tip: Tip, piece: Piece) -> Tip {
        self.join(tip, piece, u64::MAX)
    }

    /// The same for the command of that number. What follows the last piece at once, and nobody named, becomes part of it.
    pub(super) fn with_command(&mut self, tip: Tip, span: Span, number: u64) -> Tip {
        let last = self.links.len().checked_sub(1);
        if let (Some(tip), Some(last)) = (tip, last)
            && tip as usize == last
            && let Link { piece: Piece::Range(before), command, .. } = &mut self.links[last]
            && command.checked_add(1) == Some(number)
        {
            before.end = span.end;
            *command = number;
            return Some(tip);
        }
        self.join(tip, Piece::Range(span), number)
    }

    fn join(&mut self, before: Tip, piece: Piece, command: u64) -> Tip {
        let index = u32::try_from(self.links.len()).ok();
        self.links.push(Link { piece, before, command });
        index
    }

    /// The pieces of a text, in order.
    pub(super) fn text(&self, tip: Tip) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = tip;
        while let Some(link) = at.and_then(|index| self.links.get(index as usize)) {
            pieces.push(link.piece);
            at = link.before;
        }
        pieces.reverse();
        pieces
    }
}

/// How many lines end in `from..to`: at LF, CR or CR LF, as everywhere.
pub(super) fn line_ends(log: &[u8], from: usize, to: usize) -> u32 {
    let range = &log[from..to];
    let feeds = range.iter().filter(|byte| **byte == b'\n').count();
    let alone = |index: &usize| range[*index] == b'\r' && log.get(from + index + 1) != Some(&b'\n');
    // Hardly a log has one, and to look for one costs little.
    let returns = if range.contains(&b'\r') { (0..range.len()).filter(alone).count() } else { 0 };
    u32::try_from(feeds + returns).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { start, end, line: 1 }
    }

    #[test]
    fn commands_in_a_row_are_one_piece_and_others_share_their_beginning() {
        let mut parts = Parts::default();
        let base = parts.with_command(None, span(0, 4), 1);
        assert_eq!(parts.with_command(base, span(5, 9), 2), base);
        let (left, right) = (parts.with_command(base, span(12, 14), 4), parts.with_command(base, span(20, 24), 6));
        assert_eq!(parts.text(left), [Piece::Range(span(0, 9)), Piece::Range(span(12, 14))]);
        assert_eq!(parts.text(right), [Piece::Range(span(0, 9)), Piece::Range(span(20, 24))]);
        let more = parts.with_command(base, span(10, 11), 3);
        assert_ne!(more, base, "what others stand on stays as it is");
    }

    #[test]
    fn lines_end_as_they_do_in_errors() {
        for text in ["a\nb\r\nc\rd", "\r\r\n\n", "", "\r"] {
            let expected = crate::position(text.as_bytes(), text.len() as u32).0 - 1;
            assert_eq!(line_ends(text.as_bytes(), 0, text.len()), expected, "{text:?}");
        }
        assert_eq!(line_ends(b"a\r\nb", 0, 2), 0, "the end is counted where it ends");
    }
}
