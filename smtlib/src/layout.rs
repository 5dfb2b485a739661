//! A tree for people: what fits stands on one line, what does not is broken before its parts and indented.
//!
//! Iterative, and bounded by the caller: it stops at the end of a line. Must never: print a character that a terminal
//! obeys, or a line without bound.

use crate::print::{needs_bars, print_expression};
use crate::tree::{Kind, Tree};

/// Columns of a line, as far as atoms let it be.
const WIDTH: usize = 100;
/// Further in than this nothing is indented: deep terms would be mostly blanks.
const INDENT_MAX: usize = 16;
/// An atom or a value that is longer is cut and says so.
const ATOM_CHARS_MAX: usize = 400;

/// Stands for the rest of an expression.
const CUT: &str = "  ; cut here: this definition is longer\n";

/// A list that is being printed over several lines.
struct Broken {
    indent: usize,
    /// Parts that still follow on the first line.
    inline: usize,
}

/// Prints expressions and keeps count of what was left out.
pub(crate) struct Layout<'a> {
    tree: &'a Tree,
    /// Bytes that each node and all before it take on one line.
    ends: Vec<usize>,
    text: String,
    bytes_max: usize,
    cut: bool,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(tree: &'a Tree, bytes_max: usize) -> Self {
        let mut at = 0usize;
        let ends = tree.nodes.iter().map(|node| {
            let mark = match node.kind {
                Kind::Symbol if needs_bars(tree.names.text(node.text)) => 3,
                Kind::Open | Kind::Close | Kind::Symbol | Kind::Numeral | Kind::Decimal => 1,
                Kind::Keyword => 2,
                Kind::Hexadecimal | Kind::Binary | Kind::String => 3,
            };
            at = at.saturating_add(tree.names.text(node.text).len() + mark);
            at
        });
        Self { tree, ends: ends.collect(), text: String::new(), bytes_max, cut: false }
    }

    /// Appends a line of text; a long one is cut.
    pub(crate) fn line(&mut self, text: &str) {
        let begin = self.text.len();
        self.clipped(text);
        self.text.push('\n');
        if self.text.len() > self.bytes_max {
            self.text.truncate(begin);
            self.cut = true;
        }
    }

    /// Whether there is no room for more; who asks leaves something out then.
    pub(crate) fn is_full(&mut self) -> bool {
        let is_full = self.text.len() + 2 * CUT.len() >= self.bytes_max;
        self.cut |= is_full;
        is_full
    }

    /// About how many bytes an expression takes on one line, at most.
    fn width(&self, index: u32) -> usize {
        let before = (index as usize).checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends[self.tree.node(index).end as usize - 1] - before
    }

    /// Appends an expression of its own, the first `inline` parts of it on its first line. Cost: O(what is printed).
    pub(crate) fn expression(&mut self, index: u32, inline: usize) {
        let begin = self.text.len();
        // One function with a long table must not hide all the others.
        let most = self.bytes_max.min(begin + self.bytes_max / 4);
        let end = self.tree.node(index).end;
        let mut broken: Vec<Broken> = Vec::new();
        let mut next = index;
        while next < end {
            if self.text.len() + CUT.len() > most {
                return self.cut_back(begin, most);
            }
            let node = self.tree.node(next);
            if node.kind == Kind::Close {
                self.text.push(')');
                broken.pop();
                next += 1;
                continue;
            }
            if let Some(list) = broken.last_mut() {
                if list.inline > 0 {
                    list.inline -= 1;
                    if !self.text.ends_with('(') {
                        self.text.push(' ');
                    }
                } else {
                    self.text.push('\n');
                    self.text.extend(std::iter::repeat_n(' ', list.indent));
                }
            }
            let column = self.text.len() - self.text.rfind('\n').map_or(0, |at| at + 1);
            if node.kind == Kind::Open && column + self.width(next) > WIDTH && node.end > next + 3 {
                self.text.push('(');
                let indent = broken.last().map_or(2, |list| list.indent + 2).min(INDENT_MAX);
                let inline = if next == index { inline } else { self.inline(next) };
                broken.push(Broken { indent, inline });
                next += 1;
            } else {
                self.atoms(next);
                next = node.end;
            }
        }
        self.text.push('\n');
    }

    /// How many parts of a list stay on its first line: of a choice, condition and value, so that a table reads as one.
    fn inline(&self, list: u32) -> usize {
        let is_choice = self.tree.children(list).next().is_some_and(|head| self.tree.text(head) == "ite");
        if is_choice { 3 } else { 2 }
    }

    /// Takes back what is too much of an expression that began here, to the end of a line, and says so.
    fn cut_back(&mut self, begin: usize, most: usize) {
        self.cut = true;
        let room = most.saturating_sub(CUT.len());
        let lines = self.text.as_bytes()[begin..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let end = lines.map(|(at, _)| begin + at + 1).take_while(|end| *end <= room).last();
        self.text.truncate(end.unwrap_or(begin));
        if self.text.len() + CUT.len() <= self.bytes_max {
            self.text.push_str(CUT);
        }
    }

    /// Appends an expression that stays on its line; too long atoms in it are cut.
    fn atoms(&mut self, index: u32) {
        let mut flat = String::new();
        print_expression(self.tree, index, &mut flat);
        self.clipped(&flat);
    }

    fn clipped(&mut self, text: &str) {
        let flat = harmless(text);
        match flat.char_indices().nth(ATOM_CHARS_MAX) {
            Some((at, _)) => {
                self.cut = true;
                self.text.push_str(&flat[..at]);
                self.text.push('…');
            }
            None => self.text.push_str(&flat),
        }
    }

    /// The text, and whether something was left out.
    pub(crate) fn finish(self) -> (String, bool) {
        (self.text, self.cut)
    }
}

/// Line ends and control characters stand in quoted symbols; here they would make lines of their own.
fn harmless(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            result.extend(character.escape_unicode());
        } else {
            result.push(character);
        }
    }
    result
}
