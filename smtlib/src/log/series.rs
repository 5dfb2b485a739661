//! Several queries of a log as one script: what they have in common stands in it once, and scopes that the log closed between
//! them are closed here, too.
//!
//! Every query finds in force exactly what stands in its own script, in the same scopes. Some tools (Dafny, Boogie) tell the
//! solver everything anew for each query, and then what is the query's own outside of any scope: then a scope is opened behind
//! what is the same for all. Where nothing helps (other options, nothing in common) the series ends.
//!
//! Must never: put a query into a series that would see more, or less, than its own script.

use super::command::{self, Item, Marks};
use super::parts::{Piece, Span, line_ends};
use super::{Log, Query};
use crate::lexer::Lexer;
use crate::limits::Limits;
use std::collections::VecDeque;

/// The script of some queries of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSeries {
    pub text: Vec<u8>,
    /// For each query that is in it the line of the text, counted from 1, with which what is its own begins.
    pub lines: Vec<u32>,
}

impl LogSeries {
    /// How many queries are in it.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The query in whose own part a line stands, counted from 0.
    pub fn query_at(&self, line: u32) -> usize {
        self.lines.partition_point(|first| *first <= line).saturating_sub(1)
    }
}

/// What has been written of a series.
struct Builder<'a> {
    log: &'a [u8],
    series: LogSeries,
    /// The line that is written next.
    line: u32,
    /// What is in force.
    pieces: Vec<Piece>,
    /// Where a scope is opened that the log does not have.
    split: Option<Split>,
}

/// What all queries have in common of a piece that is not the same for all.
#[derive(Clone, Copy)]
struct Split {
    /// Which of the pieces.
    index: usize,
    common: Span,
}

impl Log<'_> {
    /// The script of the first of these queries, and of as many behind it as one series can hold within so many bytes. The
    /// first one is taken whatever its length. They are numbers from 0, and go up; no more of them are looked at than are
    /// taken, but for a few.
    ///
    /// Cost: linear in the text, and in what the own scripts of the queries that are taken have in common outside of scopes.
    pub fn series(&self, queries: impl IntoIterator<Item = usize>, bytes_max: u64) -> LogSeries {
        let series = LogSeries { text: Vec::new(), lines: Vec::new() };
        let mut builder = Builder { log: &self.bytes, series, line: 1, pieces: Vec::new(), split: None };
        let mut queries = queries.into_iter().filter_map(|query| self.queries.get(query));
        let Some(first) = queries.next() else { return builder.series };
        let options = self.parts.text(first.options);
        let is_alike = |query: &&Query| {
            let same = || all_alike(&self.bytes, &self.parts.text(query.options), &options);
            first.may_be_in_series() && query.may_be_in_series() && (query.options == first.options || same())
        };
        let mut others = queries.take_while(is_alike);
        let mut looked_at = VecDeque::new();
        builder.split = self.split(first, &mut others, &mut looked_at, bytes_max);
        options.iter().for_each(|piece| builder.write(piece.bytes(&self.bytes)));
        builder.series.lines.push(1);
        let pieces = builder.divided(self.parts.text(first.tip)).unwrap_or_else(|| self.parts.text(first.tip));
        builder.ask(0, pieces, first);
        while let Some(query) = looked_at.pop_front().or_else(|| others.next()) {
            let Some(pieces) = builder.divided(self.parts.text(query.tip)) else { break };
            let Some(kept) = builder.common(&pieces) else { break };
            let bytes = cost(&self.bytes, &pieces[kept..]);
            if builder.series.text.len() as u64 + bytes + CHECK_BYTES > bytes_max {
                break;
            }
            builder.series.lines.push(builder.line);
            builder.ask(kept, pieces, query);
        }
        builder.series
    }

    /// Where a scope must be opened that the log does not have, if the first two queries need one: behind the last command
    /// that is the same for all, as long as that is a good part of what the first two have in common. What was looked at for
    /// that is kept: hardly more than a series with this scope can hold.
    fn split<'a>(
        &self,
        first: &Query,
        others: &mut impl Iterator<Item = &'a Query>,
        looked_at: &mut VecDeque<&'a Query>,
        bytes_max: u64,
    ) -> Option<Split> {
        let log: &[u8] = &self.bytes;
        let pieces = self.parts.text(first.tip);
        looked_at.extend(others.next());
        let second = self.parts.text(looked_at.front()?.tip);
        if common(log, &pieces, &second).is_some() {
            return None;
        }
        let index = alike(log, &pieces, &second);
        let Some(Piece::Range(span)) = pieces.get(index).copied() else { return None };
        let bytes = Piece::Range(span).bytes(log);
        // What all of them have in common, and what the others say besides.
        let (mut end, mut own, mut count) = (None, 0u64, 0u64);
        let mut next = looked_at.front().copied();
        while let Some(query) = next {
            let asked = self.parts.text(query.tip);
            let Some(Piece::Range(other)) = asked.get(index).copied() else { break };
            if asked.iter().any(|piece| closes(*piece)) || alike(log, &pieces[..index], &asked) < index {
                break;
            }
            let before = end.unwrap_or(bytes.len());
            let length = common_bytes(&bytes[..before], Piece::Range(other).bytes(log));
            let length = if end == Some(length) { length } else { last_command(&bytes[..length]) };
            // A small part of the first one would leave the rest to be said again by every query.
            if length < end.unwrap_or(bytes.len() / 2) / 2 || length == 0 {
                break;
            }
            // Where it gets shorter, every query before says the rest again.
            let again = end.map_or(0, |end| (end - length) as u64).saturating_mul(count);
            let rest = cost(log, &asked[index..]).saturating_sub(length as u64);
            let more = own.saturating_add(again).saturating_add(rest).saturating_add(CHECK_BYTES);
            if more > bytes_max {
                break;
            }
            (end, own, count) = (Some(length), more, count + 1);
            next = others.next();
            looked_at.extend(next);
        }
        let end = span.start.checked_add(u32::try_from(end?).ok()?)?;
        Some(Split { index, common: Span { end, ..span } })
    }
}

/// How many bytes pieces take in a text.
fn cost(log: &[u8], pieces: &[Piece]) -> u64 {
    pieces.iter().map(|piece| piece.bytes(log).len() as u64 + 1).sum()
}

/// What a check and the closing of scopes before it take at most, in bytes, but for what a check assumes.
const CHECK_BYTES: u64 = 64;

/// How many bytes two texts have in common at their beginning.
fn common_bytes(left: &[u8], right: &[u8]) -> usize {
    const BLOCK: usize = 4_096;
    let blocks = left.chunks_exact(BLOCK).zip(right.chunks_exact(BLOCK)).take_while(|(left, right)| left == right);
    let begin = blocks.count() * BLOCK;
    begin + left[begin..].iter().zip(&right[begin..]).take_while(|(left, right)| left == right).count()
}

/// Where the last command ends that stands whole in a text.
fn last_command(text: &[u8]) -> usize {
    let limits = Limits { bytes_max: u64::MAX, tokens_max: u64::MAX, atom_bytes_max: u32::MAX, ..Limits::default() };
    let Ok(mut lexer) = Lexer::new(text, &limits) else { return 0 };
    let (mut marks, mut end) = (Marks::default(), 0);
    // It breaks off somewhere.
    while let Ok(Item::Command(command)) = command::next(&mut lexer, &mut marks) {
        end = command.end;
    }
    end
}

fn closes(piece: Piece) -> bool {
    matches!(piece, Piece::Pop(_))
}

fn same(log: &[u8], left: Piece, right: Piece) -> bool {
    left == right || left.bytes(log) == right.bytes(log)
}

fn all_alike(log: &[u8], left: &[Piece], right: &[Piece]) -> bool {
    left.len() == right.len() && alike(log, left, right) == left.len()
}

/// How many pieces two texts have in common at their beginning.
fn alike(log: &[u8], left: &[Piece], right: &[Piece]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| same(log, **left, **right)).count()
}

/// How many of the pieces in force can stay for a query with others: those that both begin with, as far as the rest is gone
/// once some scopes are closed.
fn common(log: &[u8], in_force: &[Piece], pieces: &[Piece]) -> Option<usize> {
    if in_force.iter().chain(pieces).any(|piece| closes(*piece)) {
        return None;
    }
    let alike = alike(log, in_force, pieces);
    if alike == in_force.len() {
        return Some(alike);
    }
    // What goes must begin with a scope of its own.
    in_force[..=alike].iter().rposition(|piece| piece.opens_a_scope())
}

impl Query {
    /// Interpretations of Horn clauses are checked one by one, and what `reset-assertions` forgets is not for a solver to say
    /// that goes on.
    pub fn may_be_in_series(&self) -> bool {
        !self.horn && self.forgot.is_none()
    }
}

impl Builder<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.series.text.extend_from_slice(bytes);
        self.series.text.push(b'\n');
        self.line = self.line.saturating_add(line_ends(bytes, 0, bytes.len())).saturating_add(1);
    }

    fn common(&self, pieces: &[Piece]) -> Option<usize> {
        common(self.log, &self.pieces, pieces)
    }

    /// The same pieces with the scope of the series' own; none if they do not begin with what all have in common.
    fn divided(&self, mut pieces: Vec<Piece>) -> Option<Vec<Piece>> {
        let Some(Split { index, common }) = self.split else { return Some(pieces) };
        let Some(Piece::Range(span)) = pieces.get(index).copied() else { return None };
        let bytes = Piece::Range(span).bytes(self.log);
        let begin = Piece::Range(common).bytes(self.log);
        if !bytes.starts_with(begin) {
            return None;
        }
        let middle = span.start + (common.end - common.start);
        let line = span.line.saturating_add(line_ends(begin, 0, begin.len()));
        let rest = Piece::Range(Span { start: middle, line, ..span });
        pieces.splice(index..=index, [Piece::Range(common), Piece::Push(line), rest]);
        Some(pieces)
    }

    /// Closes what is not kept, and writes what is new, and the check.
    fn ask(&mut self, kept: usize, pieces: Vec<Piece>, query: &Query) {
        let closed = self.pieces[kept..].iter().filter(|piece| piece.opens_a_scope()).count();
        if closed > 0 {
            self.write(format!("(pop {closed})").as_bytes());
        }
        let log = self.log;
        pieces[kept..].iter().for_each(|piece| self.write(piece.bytes(log)));
        self.write(Piece::Range(query.check).bytes(log));
        self.pieces = pieces;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LogLimits;

    /// The series of all queries of a log from one on, on one line, and how many it holds.
    fn series(log: &str, from: usize) -> (String, usize) {
        let log = Log::read(log.as_bytes(), &LogLimits::default());
        let queries: Vec<usize> = (from..log.queries().len()).collect();
        let series = log.series(queries, 1 << 20);
        (String::from_utf8(series.text.clone()).unwrap().replace('\n', " ").trim_end().to_owned(), series.len())
    }

    #[test]
    fn what_queries_have_in_common_stands_once() {
        let log = "(set-option :smt.mbqi false)(declare-const p Bool)\n(push 1)\n(assert p)(check-sat)\n(pop 1)\n\
                   (push)\n(assert (not p))(push 2)(assert p)(check-sat)(pop 2)(check-sat)(assert p)(check-sat)(pop)\n\
                   (declare-const q Bool)(push)(assert q)(check-sat)";
        let text = "(set-option :smt.mbqi false) (declare-const p Bool) (push 1) (assert p) (check-sat) \
                    (pop 1) (push) (assert (not p)) (push 1) (push 1) (assert p) (check-sat) \
                    (pop 2) (check-sat) (assert p) (check-sat) \
                    (pop 1) (declare-const q Bool) (push) (assert q) (check-sat)";
        assert_eq!(series(log, 0), (text.to_owned(), 5));
        let later = "(set-option :smt.mbqi false) (declare-const p Bool) (push) (assert (not p)) (check-sat) \
                     (assert p) (check-sat) (pop 1) (declare-const q Bool) (push) (assert q) (check-sat)";
        assert_eq!(series(log, 2), (later.to_owned(), 3));
    }

    #[test]
    fn the_same_again_behind_a_reset_stands_once_too() {
        let base = "(declare-const p Bool)(assert p)";
        let log = format!("{base}(push)(assert p)(check-sat)(pop)(reset){base}(push)(assert (not p))(check-sat)(pop)");
        let text = "(declare-const p Bool)(assert p) (push) (assert p) (check-sat) (pop 1) (push) (assert (not p)) (check-sat)";
        assert_eq!(series(&log, 0), (text.to_owned(), 2));
    }

    #[test]
    fn behind_a_reset_what_is_a_querys_own_gets_a_scope_of_its_own() {
        let base = "(set-info :v 2.0)(set-option :auto_config false)(declare-const p Bool)(assert p)\n";
        let log = format!(
            "{base}(declare-const a Int)(push)(assert (> a 0))(check-sat)(pop)(reset){base}\n\
             (declare-const b Int)(push)(assert (> b 0))(check-sat)(pop)(reset){base}(declare-const a Bool)(push 1)\
             (assert a)(check-sat)(pop)(reset)(declare-const c Int)(push)(check-sat)"
        );
        let text = "(set-option :auto_config false) (set-info :v 2.0) (declare-const p Bool)(assert p) \
                    (push 1)  (declare-const a Int) (push) (assert (> a 0)) (check-sat) \
                    (pop 2) (push 1)   (declare-const b Int) (push) (assert (> b 0)) (check-sat) \
                    (pop 2) (push 1)  (declare-const a Bool) (push 1) (assert a) (check-sat)";
        assert_eq!(series(&log, 0), (text.to_owned(), 3));
        assert_eq!(last_command(b"(a) (b (c)) ; (d)\n(e"), 11);
        assert_eq!(last_command(b"(a) |x"), 3);
    }

    #[test]
    fn a_series_ends_where_something_would_stay_or_another_option_holds() {
        for (second, taken) in [
            ("(pop)(push)(assert p)(check-sat)", 2),
            ("(pop)(reset)(declare-const q Bool)(push)(assert q)(check-sat)", 1),
            ("(pop)(reset)(declare-const p Bool)(assert p)(push)(check-sat)", 2),
            ("(pop)(set-option :smt.mbqi true)(push)(assert p)(check-sat)", 1),
            ("(pop)(set-logic HORN)(check-sat)", 1),
            ("(reset-assertions)(declare-const p Bool)(assert p)(check-sat)", 1),
        ] {
            let log = format!("(set-option :smt.mbqi false)(declare-const p Bool)(push)(assert p)(check-sat){second}");
            assert_eq!(series(&log, 0).1, taken, "{second}");
        }
        let global = "(set-option :global-declarations true)(push)(declare-const p Bool)(assert p)(check-sat)(pop)\
                      (assert p)(check-sat)";
        assert_eq!(series(global, 0).1, 1);
    }

    /// How many queries are looked at until each was in a series, one series behind the other.
    fn looks(log: &str, bytes_max: u64) -> (usize, usize) {
        let log = Log::read(log.as_bytes(), &LogLimits::default());
        let (count, mut from, mut looks) = (log.queries().len(), 0, 0);
        while from < count {
            from += log.series((from..count).inspect(|_| looks += 1), bytes_max).len();
        }
        (count, looks)
    }

    #[test]
    fn no_more_queries_are_looked_at_than_are_taken_but_for_a_few() {
        let base = format!("(declare-const p Bool)(assert (or {}))", "p ".repeat(200));
        let with = |each: &dyn Fn(usize) -> String| (0..1_000).map(each).collect::<String>();
        let global = "(set-option :global-declarations true)(push)(declare-const g Bool)(pop)";
        for (name, log, bytes_max) in [
            ("nothing", with(&|n| format!("(reset)(declare-const x{n} Int)(assert (> x{n} 0))(check-sat)")), 1 << 20),
            ("other options", with(&|n| format!("(set-option :seed {n})(push)(check-sat)(pop)")), 1 << 20),
            ("too little room", with(&|n| format!("(push)(assert (> {n} 0))(check-sat)(pop)")), 200),
            ("a scope", with(&|n| format!("(reset){base}(declare-const x{n} Int)(check-sat)")), 4_000),
            (
                "less in one of a hundred",
                with(&|n| {
                    let (same, other) = if n % 100 == 99 { (310, 290) } else { (600, 0) };
                    let other = "(assert q)".repeat(other);
                    format!("(reset){}{other}(declare-const x{n} Int)(check-sat)", "(assert p)".repeat(same))
                }),
                1 << 16,
            ),
            (
                "a closed scope",
                with(&|n| format!("(reset){base}{}(assert p)(check-sat)", if n % 3 == 2 { global } else { "" })),
                1 << 20,
            ),
            (
                "another beginning",
                with(&|n| {
                    let other = if n % 3 == 2 { "q" } else { "r" };
                    format!("(reset)(declare-const {other} Bool)(push)(pop){base}(declare-const x{n} Int)(check-sat)")
                }),
                1 << 20,
            ),
        ] {
            let (count, looks) = looks(&log, bytes_max);
            assert!(count == 1_000 && looks <= 3 * count, "{name}: {looks} looks at {count} queries");
        }
    }

    #[test]
    fn a_line_belongs_to_the_query_that_brought_it() {
        let log = "(declare-const p Bool)\n(push)\n(assert\np)(check-sat)(pop)(push)(assert p)(check-sat)";
        let log = Log::read(log.as_bytes(), &LogLimits::default());
        let series = log.series([0, 1], 1 << 20);
        assert_eq!(series.lines, [1, 6]);
        assert_eq!([1, 5, 6, 9, 99].map(|line| series.query_at(line)), [0, 0, 1, 1, 1]);
        assert_eq!(log.series([0, 1], 10).len(), 1, "the first is taken whatever its length");
        assert!(log.series([], 10).is_empty());
    }
}
