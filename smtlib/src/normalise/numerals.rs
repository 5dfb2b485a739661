//! Numerals are printed by the sort that is wanted: `1.0` where a Real is, and everywhere under a logic with Reals and
//! no Ints. So a text means the same with its logic and without it.
//!
//! What is changed is a literal: a numeral, or a sum, product or difference of such. It stands in the output when its
//! neighbours tell what it should have been, and is changed there.
//!
//! Must never: change a decimal of the script's, or a number that is no term (an index, a weight).

use super::Normaliser;
use super::sorts::{Head, SortId};
use super::value::{Literal, Value};
use crate::theories::{Arity, Function, Gives, Indices, Standing, Takes};
use crate::tree::Kind;

impl Normaliser<'_> {
    /// Writes a numeral that stands for a term.
    pub(super) fn write_numeral(&mut self, digits: crate::tree::Name) -> Value {
        let start = self.out.mark();
        self.out.push(Kind::Numeral, digits);
        self.literal(start, SortId::INT)
    }

    /// A literal that was written as an Int from a mark on, as the script's logic has it.
    pub(super) fn literal(&mut self, start: usize, sort: SortId) -> Value {
        let literal = Literal { start: start as u32, end: self.out.mark() as u32 };
        let mut value = Value { literal: Some(literal), ..Value::closed(sort) };
        if self.real_numerals {
            self.adapt(&mut value, SortId::REAL);
        }
        value
    }

    /// Makes a literal of the other sort of number what is wanted.
    pub(super) fn adapt(&mut self, value: &mut Value, wanted: SortId) {
        let Some(Literal { start, end }) = value.literal else { return };
        if value.sort == wanted || !is_number(value.sort) || !is_number(wanted) {
            return;
        }
        let names = &mut self.tree.names;
        for node in self.out.between(start as usize, end as usize) {
            match node.kind {
                Kind::Numeral if wanted == SortId::REAL => {
                    let text = format!("{}.0", names.text(node.text));
                    (node.kind, node.text) = (Kind::Decimal, names.intern(&text));
                }
                Kind::Decimal if wanted == SortId::INT => {
                    let text = names.text(node.text).trim_end_matches(".0").to_owned();
                    (node.kind, node.text) = (Kind::Numeral, names.intern(&text));
                }
                _ => {}
            }
        }
        value.sort = wanted;
    }

    /// Makes the literals among the arguments of a theory's function what the function wants, or what the others are.
    pub(super) fn adapt_arguments(&mut self, function: &Function, arguments: &mut [Value]) {
        match function.takes {
            Takes::Numbers => {
                let wanted = wanted_by(function).or_else(|| number_among(arguments));
                self.adapt_all(arguments, wanted);
            }
            Takes::Ints => self.adapt_all(arguments, Some(SortId::INT)),
            Takes::Alike => self.adapt_all(arguments, number_among(arguments)),
            Takes::Choice => {
                let branches = arguments.get_mut(1..).unwrap_or_default();
                let wanted = number_among(branches);
                self.adapt_all(branches, wanted);
            }
            Takes::Anything | Takes::Place | Takes::Element => self.adapt_positions(arguments),
            Takes::Bools | Takes::BitVectors => {}
        }
    }

    /// Indices and elements of arrays are what the array says, positions in sequences Ints.
    fn adapt_positions(&mut self, arguments: &mut [Value]) {
        let Some((first, rest)) = arguments.split_first_mut() else { return };
        match self.sorts.head(first.sort) {
            Head::Array => {
                for (position, argument) in rest.iter_mut().enumerate() {
                    let wanted = self.sorts.arguments(first.sort).get(position).copied();
                    self.adapt(argument, wanted.unwrap_or(SortId::UNKNOWN));
                }
            }
            Head::Sequence | Head::RegularExpression => self.adapt_all(rest, Some(SortId::INT)),
            _ => {}
        }
    }

    fn adapt_all(&mut self, arguments: &mut [Value], wanted: Option<SortId>) {
        let Some(wanted) = wanted else { return };
        arguments.iter_mut().for_each(|argument| self.adapt(argument, wanted));
    }

    /// Whether a function of literals is one: its own value can be written as an Int or as a Real.
    pub(super) fn is_literal(&self, function: &Function, arguments: &[Value]) -> bool {
        function.gives == Gives::Number
            && matches!(function.arity, Arity::AtLeast(1))
            && arguments.iter().all(|argument| argument.literal.is_some())
    }
}

fn is_number(sort: SortId) -> bool {
    sort == SortId::INT || sort == SortId::REAL
}

/// The sort of the arguments that are no literals, if it is that of a number: Real if they are mixed.
fn number_among(arguments: &[Value]) -> Option<SortId> {
    let given = |sort| arguments.iter().any(|argument| argument.literal.is_none() && argument.sort == sort);
    if given(SortId::REAL) { Some(SortId::REAL) } else { given(SortId::INT).then_some(SortId::INT) }
}

/// What a function of numbers wants whatever it is given: `/` Reals, `div` Ints.
fn wanted_by(function: &Function) -> Option<SortId> {
    let one = function.arity == Arity::Exactly(1);
    match function.gives {
        // `to_real`; `/`, and `sin` and its kin.
        Gives::Real if one && function.standing == Standing::Standard => Some(SortId::INT),
        Gives::Real => Some(SortId::REAL),
        // `to_int`, and `div`, `mod`, `rem`.
        Gives::Int => Some(if one { SortId::REAL } else { SortId::INT }),
        // `is_int`.
        Gives::Bool if one && function.indices == Indices::None => Some(SortId::REAL),
        // `divisible`.
        Gives::Bool if one => Some(SortId::INT),
        // `int_to_bv`, `str.from_int`.
        Gives::Bits | Gives::String => Some(SortId::INT),
        _ => None,
    }
}
