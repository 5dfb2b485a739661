//! The form `(_ name index …)`: numbers, widths, characters, and functions as indices.
//!
//! Must never: let an index through that is neither bounded nor looked up.

use std::rc::Rc;

use super::Normaliser;
use super::callee::{Callee, Candidate, Candidates};
use super::identifiers::{Written, is_digits};
use super::scope::{Function, Origin};
use super::sorts::{Head, SortId};
use crate::error::{ErrorKind, Fault};
use crate::theories::{self, Indices};
use crate::tree::Kind;

impl Normaliser<'_> {
    /// Reads and writes what follows the underscore.
    pub(super) fn indexed(&mut self, name_at: u32, indices: &[u32], count: usize) -> Result<Callee, Fault> {
        let name = self.symbol(name_at, "a name")?;
        let text = self.tree.names.text(name);
        if let Some(digits) = text.strip_prefix("bv").filter(|digits| is_digits(digits)) {
            let digits = digits.to_owned();
            return self.bit_vector_value(name_at, &digits, indices, count);
        }
        let Some(function) = self.theory_function(name_at, name, Written::Indexed, count)? else {
            return Err(self.undeclared(name_at));
        };
        self.out.symbol(name);
        let mut widths = [0u32; 2];
        match function.indices {
            Indices::Widths(wanted) => {
                self.index_count(name_at, u64::from(wanted), indices.len())?;
                for (slot, index) in widths.iter_mut().zip(indices) {
                    *slot = self.width(*index)?;
                    self.out.copy(self.tree.node(*index));
                }
            }
            Indices::Numbers(arity) => {
                let got = indices.len() as u64;
                if !arity.allows(got) {
                    let takes = arity.to_string();
                    return Err(self.fault_of(name_at, |name| ErrorKind::Arity { name, takes, what: "indices", got }));
                }
                for index in indices {
                    self.number(*index, self.limits.index_max)?;
                    self.out.copy(self.tree.node(*index));
                }
            }
            Indices::Character | Indices::Code => {
                self.index_count(name_at, 1, indices.len())?;
                self.character(indices[0], function.indices == Indices::Code)?;
            }
            Indices::Function | Indices::Constructor | Indices::Selector => {
                self.index_count(name_at, 1, indices.len())?;
                self.function_index(function.indices, indices[0])?;
            }
            Indices::None => return Err(self.undeclared(name_at)),
        }
        Ok(Callee::Theory(function, widths))
    }

    fn index_count(&self, name: u32, takes: u64, got: usize) -> Result<(), Fault> {
        let got = got as u64;
        if takes == got {
            return Ok(());
        }
        let takes = takes.to_string();
        Err(self.fault_of(name, |name| ErrorKind::Arity { name, takes, what: "indices", got }))
    }

    /// `(_ char #x41)`, or `(_ Char 65)`, which may be decimal.
    fn character(&mut self, index: u32, decimal: bool) -> Result<(), Fault> {
        const CHARACTER_MAX: u32 = 0x2_FFFF;
        let node = self.tree.node(index);
        let radix = if node.kind == Kind::Numeral { 10 } else { 16 };
        let code = u32::from_str_radix(self.tree.text(index), radix).unwrap_or(u32::MAX);
        let literal = node.kind == Kind::Hexadecimal || (decimal && node.kind == Kind::Numeral);
        if !literal || code > CHARACTER_MAX {
            return Err(self.expected(index, "a character's code from #x0 to #x2FFFF"));
        }
        self.out.copy(node);
        Ok(())
    }

    /// Whether `(_ name index)` is the tester of a constructor that is not written with its signature.
    pub(super) fn is_tester(&self, name: u32, index: u32) -> bool {
        self.tree.text(name) == "is" && self.tree.node(index).kind == Kind::Symbol
    }

    /// `(_ is constructor)`, of which the argument tells the signature.
    pub(super) fn indexed_tester(&mut self, name_at: u32, index: u32, count: usize) -> Result<Callee, Fault> {
        let is = self.symbol(name_at, "a name")?;
        self.theory_function(name_at, is, Written::Indexed, count)?;
        let name = self.symbol(index, "a constructor")?;
        if self.scope.variable(name).is_some() {
            return Err(self.fault_of(index, |name| ErrorKind::VariableApplied { name }));
        }
        let functions = self.scope.functions(name);
        if functions.is_empty() {
            return Err(self.undeclared(index));
        }
        let constructors = functions.iter().filter(|function| function.origin == Origin::Constructor);
        let candidates: Candidates = constructors.cloned().map(Candidate::Tester).collect();
        let place = self.out.mark();
        match &candidates[..] {
            [] => Err(self.expected(index, "a constructor")),
            [Candidate::Tester(constructor)] => {
                let constructor = constructor.clone();
                self.out.symbol(name);
                Ok(Callee::Tester { constructor, place, argument: SortId::UNKNOWN })
            }
            _ => {
                self.out.symbol(name);
                Ok(Callee::Overloaded { name, candidates, place, ascribed: None })
            }
        }
    }

    /// A function as an index: `name`, or `(name (sorts) sort)` to tell it from others.
    fn function_index(&mut self, kind: Indices, index: u32) -> Result<(), Fault> {
        if self.tree.node(index).kind != Kind::Open {
            let place = self.out.mark();
            return self.function_index_name(kind, index, place, None);
        }
        let parts = self.children(index);
        let [name, sorts, result] = parts[..] else { return Err(self.expected(index, "(name (sorts) sort)")) };
        self.out.open();
        let place = self.out.mark();
        self.out.copy(self.tree.node(name));
        self.out.open();
        let mut parameters = Vec::new();
        for sort in self.list(sorts, "a list of sorts")? {
            parameters.push(self.sort(sort)?);
        }
        self.out.close();
        let result = self.sort(result)?;
        self.out.close();
        self.function_index_name(kind, name, place, Some((&parameters, result)))
    }

    /// Writes a function's name, or into the place that was left for it behind which its signature stands.
    fn function_index_name(
        &mut self,
        kind: Indices,
        index: u32,
        place: usize,
        signature: Option<(&[SortId], SortId)>,
    ) -> Result<(), Fault> {
        let name = self.symbol(index, "a function's name")?;
        if self.scope.variable(name).is_some() {
            return Err(self.fault_of(index, |name| ErrorKind::VariableApplied { name }));
        }
        let wanted = match kind {
            Indices::Constructor => Some(Origin::Constructor),
            Indices::Selector => Some(Origin::Selector),
            Indices::None
            | Indices::Widths(_)
            | Indices::Numbers(_)
            | Indices::Character
            | Indices::Code
            | Indices::Function => None,
        };
        let own = self.scope.functions(name);
        let is_own = !own.is_empty();
        let of_origin = own.iter().filter(|function| wanted.is_none_or(|origin| function.origin == origin));
        let fitting: Vec<Rc<Function>> =
            of_origin.filter(|function| self.has_signature(function, signature)).cloned().collect();
        let is_theory = !theories::functions(self.tree.names.text(name)).is_empty();
        let several = is_theory && signature.is_none() && !fitting.iter().any(|function| function.hides);
        let printed = match (&fitting[..], wanted) {
            ([function], _) if !several || wanted.is_some() => function.printed,
            ([], None) if is_theory => name,
            ([], Some(_)) if is_own => {
                return Err(self.expected(index, "a constructor (of is) or selector (of update-field)"));
            }
            ([], _) if !is_own => return Err(self.undeclared(index)),
            _ => {
                let why = "write (name (sorts) sort) for the one that is meant";
                return Err(self.fault_of(index, |name| ErrorKind::Ambiguous { name, why }));
            }
        };
        if place == self.out.mark() {
            self.out.symbol(printed);
        } else {
            self.out.set(place, Kind::Symbol, printed);
        }
        Ok(())
    }

    fn has_signature(&self, function: &Function, signature: Option<(&[SortId], SortId)>) -> bool {
        signature.is_none_or(|(parameters, result)| {
            function.generic || (*function.parameters == *parameters && function.result == result)
        })
    }

    /// The constructor that a pattern names, held against a term of this sort.
    pub(super) fn constructor(&self, index: u32, scrutinee: SortId) -> Result<Rc<Function>, Fault> {
        let name = self.symbol(index, "a constructor")?;
        if self.scope.functions(name).is_empty() {
            return Err(self.undeclared(index));
        }
        self.constructor_of(name, scrutinee).ok_or_else(|| self.expected(index, "a constructor"))
    }

    /// `(_ bvN width)`.
    fn bit_vector_value(&mut self, name: u32, digits: &str, indices: &[u32], count: usize) -> Result<Callee, Fault> {
        self.index_count(name, 1, indices.len())?;
        self.arity(name, 0, count)?;
        if digits.len() > 1 && digits.starts_with('0') {
            let text = self.clipped(name);
            return Err(self.fault(name, ErrorKind::Number { text, why: "leave out the leading zeros" }));
        }
        // Read in quadratic time, here as by the solver.
        let digit_count = digits.len() as u64;
        self.expand(self.at(name), digit_count.saturating_mul(digit_count) >> 14)?;
        let width = self.width(indices[0])?;
        if width == 0 {
            return Err(self.fault(indices[0], ErrorKind::ZeroBits));
        }
        if bits_of(digits) > u64::from(width) {
            let value = self.clipped(name);
            return Err(self.fault(name, ErrorKind::Fit { value, bits: u64::from(width) }));
        }
        self.out.copy(self.tree.node(name));
        self.out.copy(self.tree.node(indices[0]));
        Ok(Callee::Of(self.sorts.plain(Head::BitVector(width), &[])))
    }
}

/// How many bits a decimal number has; 0 for zero. Cost: quadratic in the digits, which are limited.
fn bits_of(digits: &str) -> u64 {
    let mut limbs: Vec<u32> = Vec::new();
    for chunk in digits.as_bytes().chunks(9) {
        let mut scale = 1u64;
        let mut carry = 0u64;
        for digit in chunk {
            scale *= 10;
            carry = carry * 10 + u64::from(digit - b'0');
        }
        for limb in &mut limbs {
            let sum = u64::from(*limb) * scale + carry;
            *limb = (sum & 0xFFFF_FFFF) as u32;
            carry = sum >> 32;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    match limbs.last() {
        Some(last) => (limbs.len() as u64) * 32 - u64::from(last.leading_zeros()),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::bits_of;

    #[test]
    fn the_bits_of_a_decimal_number_are_counted_exactly() {
        for value in [0u128, 1, 2, 3, 255, 256, 4_294_967_295, 4_294_967_296, 999_999_999, 1_000_000_000, u128::MAX] {
            assert_eq!(bits_of(&value.to_string()), u64::from(128 - value.leading_zeros()), "{value}");
        }
    }
}
