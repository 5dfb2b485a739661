//! The sorts of applications, as far as they can be told: what the solver would coerce without a word is refused here, and
//! widths are counted before the solver makes them.
//!
//! Must never: refuse what only cannot be told. An unknown sort fits, and the solver checks it.

use super::Normaliser;
use super::callee::Callee;
use super::scope::Function;
use super::sorts::{Head, SortId};
use super::value::{Literal, Value};
use crate::error::{ErrorKind, Fault};
use crate::theories::{self, Gives, Takes};

/// As many as the largest character's code takes.
const CHARACTER_BITS: u64 = 18;

impl Normaliser<'_> {
    /// What the application at `index` is, of which everything from the place `start` on is written.
    pub(super) fn apply(
        &mut self,
        callee: &Callee,
        arguments: &mut [Value],
        index: u32,
        start: usize,
    ) -> Result<Value, Fault> {
        let mut value = Value::closed(SortId::UNKNOWN);
        for argument in arguments.iter() {
            value.size = value.size.saturating_add(argument.size);
            value.lowest = value.lowest.min(argument.lowest);
        }
        match callee {
            Callee::Script(function, place) => {
                value.size = value.size.saturating_add(function.size);
                value.sort = self.apply_own(function, arguments, index)?;
                self.write_instance(function, *place, value.sort, index)?;
            }
            Callee::Theory(function, indices) => {
                self.adapt_arguments(function, arguments);
                self.check_arguments(function, arguments, index)?;
                value.sort = self.result(function, *indices, arguments, index)?;
                if self.is_literal(function, arguments) {
                    value.literal = Some(Literal { start: start as u32, end: self.out.mark() as u32 });
                }
            }
            Callee::Ascribed(function, sort) => {
                self.apply_ascribed(function, *sort, arguments, index)?;
                value.sort = *sort;
            }
            Callee::Filled(sort) => {
                let element = self.sorts.arguments(*sort).last().copied().filter(|_| !arguments.is_empty());
                if let (Some(element), Some(argument)) = (element, arguments.first_mut()) {
                    self.adapt(argument, element);
                }
                value.sort = *sort;
            }
            Callee::Of(sort) => value.sort = *sort,
            Callee::Tester { constructor, place, argument } => {
                let given = arguments.first().map_or(SortId::UNKNOWN, |argument| argument.sort);
                if *argument != SortId::UNKNOWN && !self.sorts.fits(given, *argument) {
                    let takes = self.sorts.describe(*argument, &self.tree.names);
                    return Err(self.argument_fault(index, 0, takes, given));
                }
                let known = if *argument == SortId::UNKNOWN { given } else { *argument };
                self.write_tester(index, constructor, *place, known)?;
                value.sort = SortId::BOOL;
            }
            Callee::Overloaded { name, candidates, place, ascribed } => {
                let chosen = self.resolve(*name, candidates, arguments, index)?;
                let callee = self.settle_candidate(index, *name, *place, chosen, SortId::UNKNOWN);
                value = self.apply(&callee, arguments, index, start)?;
                if let Some(sort) = ascribed {
                    self.must_fit(index, value.sort, *sort)?;
                    value = Value { sort: *sort, literal: None, ..value };
                }
            }
        }
        Ok(value)
    }

    fn apply_own(&mut self, function: &Function, arguments: &mut [Value], index: u32) -> Result<SortId, Fault> {
        if function.generic {
            return self.apply_generic(function, arguments, index);
        }
        for (position, (argument, wanted)) in arguments.iter_mut().zip(function.parameters.iter()).enumerate() {
            self.adapt(argument, *wanted);
            if !self.sorts.fits(argument.sort, *wanted) {
                let takes = self.sorts.describe(*wanted, &self.tree.names);
                return Err(self.argument_fault(index, position, takes, argument.sort));
            }
        }
        Ok(function.result)
    }

    pub(super) fn argument_fault(&self, index: u32, position: usize, takes: String, got: SortId) -> Fault {
        let mut parts = self.tree.children(index);
        let head = parts.next().unwrap_or(index);
        let at = parts.nth(position).unwrap_or(index);
        let got = self.sorts.describe(got, &self.tree.names);
        let name = match self.tree.node(head).kind {
            crate::tree::Kind::Open => self.tree.children(head).nth(1).map_or(String::new(), |name| self.clipped(name)),
            _ => self.clipped(head),
        };
        self.fault(at, ErrorKind::ArgumentSort { name, position: position as u64 + 1, takes, got })
    }

    pub(super) fn check_arguments(
        &self,
        function: &theories::Function,
        arguments: &[Value],
        index: u32,
    ) -> Result<(), Fault> {
        let (wanted, accepts): (&str, fn(Head) -> bool) = match function.takes {
            Takes::Anything => return Ok(()),
            Takes::Alike => return self.common_sort(arguments, 0, index).map(|_| ()),
            Takes::Choice => {
                if !self.sorts.fits(arguments[0].sort, SortId::BOOL) {
                    return Err(self.argument_fault(index, 0, "Bool".to_owned(), arguments[0].sort));
                }
                return self.common_sort(&arguments[1..], 1, index).map(|_| ());
            }
            Takes::Place => return self.check_places(arguments, arguments.len() - 1, index),
            Takes::Element => return self.check_places(arguments, arguments.len() - 2, index),
            Takes::Bools => ("Bool", |head| matches!(head, Head::Bool)),
            Takes::Numbers => ("Int or Real", |head| matches!(head, Head::Int | Head::Real)),
            Takes::Ints => ("Int", |head| matches!(head, Head::Int)),
            Takes::BitVectors => ("a bit-vector", |head| matches!(head, Head::BitVector(_))),
        };
        for (position, argument) in arguments.iter().enumerate() {
            let head = self.sorts.head(argument.sort);
            if !matches!(head, Head::Unknown | Head::Parameter(_)) && !accepts(head) {
                return Err(self.argument_fault(index, position, wanted.to_owned(), argument.sort));
            }
        }
        Ok(())
    }

    /// An array and what stands for its parts, of which so many are indices. The solver would cut a Real to an Int.
    fn check_places(&self, arguments: &[Value], indices: usize, index: u32) -> Result<(), Fault> {
        let array = arguments[0].sort;
        match self.sorts.head(array) {
            Head::Unknown | Head::Parameter(_) => return Ok(()),
            Head::Array => {}
            _ => return Err(self.argument_fault(index, 0, "an array".to_owned(), array)),
        }
        let parts = self.sorts.arguments(array);
        if parts.len() != indices + 1 {
            let takes = format!("an array of {indices} {}", if indices == 1 { "index" } else { "indices" });
            return Err(self.argument_fault(index, 0, takes, array));
        }
        for (position, (argument, wanted)) in arguments[1..].iter().zip(parts).enumerate() {
            if !self.sorts.fits(argument.sort, *wanted) {
                let takes = self.sorts.describe(*wanted, &self.tree.names);
                return Err(self.argument_fault(index, position + 1, takes, argument.sort));
            }
        }
        Ok(())
    }

    /// The sort that all arguments have; Real if Int and Real are mixed. `offset` is the first one's position.
    fn common_sort(&self, arguments: &[Value], offset: usize, index: u32) -> Result<SortId, Fault> {
        let mut common = SortId::UNKNOWN;
        for (position, argument) in arguments.iter().enumerate() {
            common = match self.join(common, argument.sort) {
                Some(joined) => joined,
                None => {
                    let takes = self.sorts.describe(common, &self.tree.names);
                    return Err(self.argument_fault(index, position + offset, takes, argument.sort));
                }
            };
        }
        Ok(common)
    }

    pub(super) fn join(&self, left: SortId, right: SortId) -> Option<SortId> {
        if left == SortId::UNKNOWN {
            Some(right)
        } else if self.sorts.fits(right, left) {
            Some(left)
        } else if self.sorts.fits(left, right) {
            Some(right)
        } else {
            None
        }
    }

    /// The sort that two branches have.
    pub(super) fn common(&self, index: u32, left: SortId, right: SortId) -> Result<SortId, Fault> {
        self.join(left, right).ok_or_else(|| {
            let takes = self.sorts.describe(left, &self.tree.names);
            let got = self.sorts.describe(right, &self.tree.names);
            self.fault(index, ErrorKind::TermSort { takes, got })
        })
    }

    fn result(
        &mut self,
        function: &theories::Function,
        indices: [u32; 2],
        arguments: &[Value],
        index: u32,
    ) -> Result<SortId, Fault> {
        let sort_of = |position: usize| arguments.get(position).map_or(SortId::UNKNOWN, |argument| argument.sort);
        Ok(match function.gives {
            Gives::Unknown => SortId::UNKNOWN,
            Gives::Bool => SortId::BOOL,
            Gives::Int => SortId::INT,
            Gives::Real => SortId::REAL,
            Gives::String => SortId::STRING,
            Gives::RegLan => SortId::REG_LAN,
            Gives::RoundingMode => SortId::ROUNDING_MODE,
            Gives::Character => SortId::CHARACTER,
            Gives::Argument(_) if function.takes == Takes::Choice => self.common_sort(&arguments[1..], 1, index)?,
            Gives::Argument(position) => sort_of(position),
            Gives::Number if arguments.iter().any(|argument| argument.sort == SortId::REAL) => SortId::REAL,
            Gives::Number if arguments.iter().all(|argument| argument.sort == SortId::INT) => SortId::INT,
            Gives::Number => SortId::UNKNOWN,
            Gives::Power if arguments.iter().any(|argument| argument.sort == SortId::REAL) => SortId::REAL,
            Gives::Power => SortId::UNKNOWN,
            Gives::Concatenation => {
                let widths: Option<Vec<u64>> = arguments.iter().map(|argument| self.bits(argument.sort)).collect();
                let Some(widths) = widths else { return Ok(SortId::UNKNOWN) };
                return self.bit_vector(index, widths.iter().sum());
            }
            Gives::Extraction => return self.extraction(index, indices, sort_of(0)),
            Gives::Extension => {
                let Some(width) = self.bits(sort_of(0)) else { return Ok(SortId::UNKNOWN) };
                return self.bit_vector(index, width + u64::from(indices[0]));
            }
            Gives::Repetition => {
                let width = self.bits(sort_of(0)).unwrap_or(1);
                let made = self.bit_vector(index, width * u64::from(indices[0]))?;
                if self.bits(sort_of(0)).is_some() { made } else { SortId::UNKNOWN }
            }
            Gives::Bits => return self.bit_vector(index, u64::from(indices[0])),
            Gives::OneBit => return self.bit_vector(index, 1),
            Gives::Float => {
                if indices.contains(&0) {
                    return Err(self.fault(index, ErrorKind::ZeroBits));
                }
                self.sorts.plain(Head::Float(indices[0], indices[1]), &[])
            }
            Gives::FloatOfParts => {
                let (Some(exponent), Some(fraction)) = (self.bits(sort_of(1)), self.bits(sort_of(2))) else {
                    return Ok(SortId::UNKNOWN);
                };
                // Widths are limited, so that one more fits.
                self.sorts.plain(Head::Float(exponent as u32, fraction as u32 + 1), &[])
            }
            Gives::FloatBits => match self.sorts.head(sort_of(0)) {
                Head::Float(exponent, significand) => {
                    return self.bit_vector(index, u64::from(exponent) + u64::from(significand));
                }
                _ => SortId::UNKNOWN,
            },
            Gives::CharacterBits => return self.bit_vector(index, CHARACTER_BITS),
            Gives::Element => match (self.sorts.head(sort_of(0)), self.sorts.arguments(sort_of(0))) {
                (Head::Array, [.., element]) | (Head::Sequence, [element]) => *element,
                _ => SortId::UNKNOWN,
            },
            Gives::Unit => self.sorts.plain(Head::Sequence, &[sort_of(0)]),
            Gives::Mapped { function } => {
                let element = match (self.sorts.head(sort_of(function)), self.sorts.arguments(sort_of(function))) {
                    (Head::Array, [.., element]) => *element,
                    _ => SortId::UNKNOWN,
                };
                self.sorts.plain(Head::Sequence, &[element])
            }
            Gives::Regex => self.sorts.plain(Head::RegularExpression, &[sort_of(0)]),
        })
    }

    fn bits(&self, sort: SortId) -> Option<u64> {
        match self.sorts.head(sort) {
            Head::BitVector(bits) => Some(u64::from(bits)),
            _ => None,
        }
    }

    fn bit_vector(&mut self, index: u32, bits: u64) -> Result<SortId, Fault> {
        let limit = self.limits.bit_width_max;
        match u32::try_from(bits) {
            Ok(0) => Err(self.fault(index, ErrorKind::ZeroBits)),
            Ok(width) if width <= limit => Ok(self.sorts.plain(Head::BitVector(width), &[])),
            _ => Err(self.fault(index, ErrorKind::BitWidth { bits, limit })),
        }
    }

    /// `((_ extract high low) term)`.
    fn extraction(&mut self, index: u32, [high, low]: [u32; 2], sort: SortId) -> Result<SortId, Fault> {
        let outside = self.bits(sort).is_some_and(|bits| u64::from(high) >= bits);
        if high < low || outside {
            let form = "(_ extract high low), with high at least low and below the width";
            return Err(self.fault(index, ErrorKind::Form { command: "extract".to_owned(), form }));
        }
        self.bit_vector(index, u64::from(high - low) + 1)
    }
}
