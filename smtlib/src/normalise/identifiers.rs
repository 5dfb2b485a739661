//! What a symbol means where it stands: a variable, a function of the script, or one of a theory; and the forms
//! `(_ name index …)` and `(as name sort)`.
//!
//! Must never: pass a name on that nothing stands behind. The solver knows names that no standard has.

use std::rc::Rc;

use super::Normaliser;
use super::scope::{Function, Origin};
use super::sorts::{Head, SortId};
use super::terms::Value;
use crate::error::{ErrorKind, Fault};
use crate::result::NoteKind;
use crate::theories::{self, Indices};
use crate::tree::{Kind, Name};

/// What is applied.
pub(super) enum Callee {
    /// A function of the script.
    Script(Rc<Function>),
    /// A function of a theory, with its first two indices where they are widths.
    Theory(&'static theories::Function, [u32; 2]),
    /// `(as constructor sort)`, of a parametric datatype.
    Ascribed(Rc<Function>, SortId),
    /// `(as name sort)`, or `(_ bvN width)`: whatever it is, its result is of this sort.
    Of(SortId),
}

/// How a theory's function stands in the script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Plain,
    Indexed,
}

impl Normaliser<'_> {
    /// Reads and writes a symbol that stands alone as a term.
    pub(super) fn constant(&mut self, index: u32) -> Result<Value, Fault> {
        let name = self.symbol(index, "a term")?;
        if let Some(variable) = self.scope.variable(name) {
            self.out.symbol(variable.printed);
            return Ok(Value { sort: variable.sort, size: 1, lowest: variable.lowest });
        }
        if self.scope.function(name).is_none()
            && let Some(value) = self.negative_number(index)?
        {
            return Ok(value);
        }
        let callee = self.function(index, 0)?;
        self.apply(&callee, &[], index)
    }

    /// Reads and writes a symbol that is applied to so many arguments.
    pub(super) fn function(&mut self, index: u32, count: usize) -> Result<Callee, Fault> {
        let name = self.symbol(index, "a function")?;
        if self.scope.variable(name).is_some() {
            return Err(self.fault_of(index, |name| ErrorKind::VariableApplied { name }));
        }
        if let Some(function) = self.scope.function(name) {
            self.arity(index, function.parameters.len() as u64, count)?;
            self.out.symbol(function.printed);
            return Ok(Callee::Script(function));
        }
        if let Some(function) = self.theory_function(index, name, Written::Plain, count)? {
            self.out.symbol(name);
            return Ok(Callee::Theory(function, [0, 0]));
        }
        self.tester(index, name, count)
    }

    /// `is-<constructor>`, which is written in the standard's form.
    fn tester(&mut self, index: u32, name: Name, count: usize) -> Result<Callee, Fault> {
        let constructor = self
            .tree
            .names
            .text(name)
            .strip_prefix("is-")
            .and_then(|rest| self.tree.names.find(rest))
            .and_then(|constructor| self.scope.function(constructor))
            .filter(|function| function.origin == Origin::Constructor);
        let Some(constructor) = constructor else { return Err(self.undeclared(index)) };
        self.arity(index, 1, count)?;
        self.note_extension(index, name);
        let (underscore, is) = (self.tree.names.intern("_"), self.tree.names.intern("is"));
        self.out.open();
        self.out.symbol(underscore);
        self.out.symbol(is);
        self.out.symbol(constructor.printed);
        self.out.close();
        Ok(Callee::Of(SortId::BOOL))
    }

    fn undeclared(&self, index: u32) -> Fault {
        let advice = theories::advice_for(self.tree.text(index));
        self.fault_of(index, |name| match advice {
            Some(advice) => ErrorKind::NotAccepted { name, advice },
            None => ErrorKind::Undeclared { name },
        })
    }

    /// `-1`, which is a symbol by the standard, and a number to the tools that write it (F* does) and to the solver: where
    /// the script gives it no other meaning it is written `(- 1)`.
    fn negative_number(&mut self, index: u32) -> Result<Option<Value>, Fault> {
        let text = self.tree.text(index);
        let Some(digits) = text.strip_prefix('-') else { return Ok(None) };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if self.tree.node(index).quoted || !is_digits(whole) || !is_digits(fraction) || leading_zero {
            return Ok(None);
        }
        if digits.len() > self.limits.digits_max as usize {
            return Err(self.fault(index, ErrorKind::Digits { limit: self.limits.digits_max }));
        }
        let (kind, sort) = if whole == digits { (Kind::Numeral, SortId::INT) } else { (Kind::Decimal, SortId::REAL) };
        let digits = digits.to_owned();
        let (minus, digits) = (self.tree.names.intern("-"), self.tree.names.intern(&digits));
        self.out.open();
        self.out.symbol(minus);
        self.out.push(kind, digits);
        self.out.close();
        let clipped = self.clipped(index);
        self.remark(self.at(index), NoteKind::NegativeNumber, clipped);
        Ok(Some(Value::closed(sort)))
    }

    fn arity(&self, index: u32, takes: u64, got: usize) -> Result<(), Fault> {
        let got = got as u64;
        if takes == got {
            return Ok(());
        }
        let takes = takes.to_string();
        Err(self.fault_of(index, |name| ErrorKind::Arity { name, takes, what: "arguments", got }))
    }

    /// Notes the first use of a function that no standard has.
    fn note_extension(&mut self, index: u32, name: Name) {
        if self.extensions_used.insert(name) {
            let clipped = self.clipped_name(name);
            self.remark(self.at(index), NoteKind::Extension, clipped);
        }
    }

    /// The theory's function of this name in this form; none if no theory has the name.
    fn theory_function(
        &mut self,
        index: u32,
        name: Name,
        written: Written,
        count: usize,
    ) -> Result<Option<&'static theories::Function>, Fault> {
        let forms = theories::functions(self.tree.names.text(name));
        if forms.is_empty() {
            return Ok(None);
        }
        let form = forms.iter().find(|form| (form.indices == Indices::None) == (written == Written::Plain));
        let Some(form) = form else {
            let form = match written {
                Written::Plain => "(_ name index …)",
                Written::Indexed => "a name without indices",
            };
            return Err(self.fault_of(index, |command| ErrorKind::Form { command, form }));
        };
        let got = count as u64;
        if !form.arity.allows(got) {
            let takes = form.arity.to_string();
            return Err(self.fault_of(index, |name| ErrorKind::Arity { name, takes, what: "arguments", got }));
        }
        if form.standing == theories::Standing::Extension {
            self.note_extension(index, name);
            self.assumptions.approximated |= theories::is_approximated(self.tree.names.text(name));
        }
        Ok(Some(form))
    }

    /// Reads and writes `(_ name index …)` or `(as name sort)` that is applied to so many arguments.
    pub(super) fn qualified(&mut self, index: u32, count: usize) -> Result<Callee, Fault> {
        let parts = self.list(index, "a function")?;
        let head = parts.first().filter(|head| self.tree.node(**head).kind == Kind::Symbol);
        let word = head.map_or("", |head| self.tree.text(*head));
        match (word, &parts[..]) {
            ("_", [head, name, indices @ ..]) if !indices.is_empty() => {
                self.out.open();
                self.out.copy(self.tree.node(*head));
                let callee = self.indexed(*name, indices, count)?;
                self.out.close();
                Ok(callee)
            }
            ("as", [head, name, sort]) => {
                self.out.open();
                self.out.copy(self.tree.node(*head));
                let (declared, generic) = self.ascribed(*name, count)?;
                let of = self.sort(*sort)?;
                self.out.close();
                self.must_fit(*name, declared, of)?;
                Ok(generic.map_or(Callee::Of(of), |constructor| Callee::Ascribed(constructor, of)))
            }
            _ => Err(self.expected(index, "a function, (_ name index …) or (as name sort)")),
        }
    }

    /// Reads `(_ divisible n)` and writes nothing; none if something else stands there.
    pub(super) fn divisibility(&mut self, index: u32, count: usize) -> Result<Option<Callee>, Fault> {
        let parts = self.children(index);
        let [underscore, name_at, divisor] = parts[..] else { return Ok(None) };
        if self.tree.text(underscore) != "_" || self.tree.text(name_at) != "divisible" {
            return Ok(None);
        }
        let name = self.symbol(name_at, "a name")?;
        let Some(function) = self.theory_function(name_at, name, Written::Indexed, count)? else { return Ok(None) };
        if self.number(divisor, self.limits.index_max)? == 0 {
            return Err(self.expected(divisor, "a divisor of at least one"));
        }
        Ok(Some(Callee::Theory(function, [0, 0])))
    }

    /// Reads and writes the name in `(as name sort)`; gives the sort that it has by itself, and the function if that has
    /// parameters which the sort tells.
    fn ascribed(&mut self, index: u32, count: usize) -> Result<(SortId, Option<Rc<Function>>), Fault> {
        let name = self.symbol(index, "a name")?;
        if let Some(variable) = self.scope.variable(name) {
            self.arity(index, 0, count)?;
            self.out.symbol(variable.printed);
            return Ok((variable.sort, None));
        }
        if self.scope.function(name).is_none() && self.tree.names.text(name) == "const" {
            self.arity(index, 1, count)?;
            self.out.symbol(name);
            return Ok((SortId::UNKNOWN, None));
        }
        match self.function(index, count)? {
            Callee::Script(function) if !function.generic => Ok((function.result, None)),
            Callee::Script(function) if function.origin == Origin::Constructor => Ok((SortId::UNKNOWN, Some(function))),
            Callee::Script(_) | Callee::Theory(..) | Callee::Ascribed(..) | Callee::Of(_) => {
                Ok((SortId::UNKNOWN, None))
            }
        }
    }

    /// Reads and writes what follows the underscore.
    fn indexed(&mut self, name_at: u32, indices: &[u32], count: usize) -> Result<Callee, Fault> {
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

    /// A function as an index: `name`, or `(name (sorts) sort)` to tell it from others.
    fn function_index(&mut self, kind: Indices, index: u32) -> Result<(), Fault> {
        if self.tree.node(index).kind != Kind::Open {
            return self.function_index_name(kind, index);
        }
        let parts = self.children(index);
        let [name, sorts, result] = parts[..] else { return Err(self.expected(index, "(name (sorts) sort)")) };
        self.out.open();
        self.function_index_name(kind, name)?;
        self.out.open();
        for sort in self.list(sorts, "a list of sorts")? {
            self.sort(sort)?;
        }
        self.out.close();
        self.sort(result)?;
        self.out.close();
        Ok(())
    }

    fn function_index_name(&mut self, kind: Indices, index: u32) -> Result<(), Fault> {
        let name = self.symbol(index, "a function's name")?;
        if self.scope.variable(name).is_some() {
            return Err(self.fault_of(index, |name| ErrorKind::VariableApplied { name }));
        }
        let function = self.scope.function(name);
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
        match (function, wanted) {
            (Some(function), Some(origin)) if function.origin != origin => {
                Err(self.expected(index, "a constructor (of is) or selector (of update-field)"))
            }
            (Some(function), _) => {
                self.out.symbol(function.printed);
                Ok(())
            }
            (None, None) if !theories::functions(self.tree.names.text(name)).is_empty() => {
                self.out.symbol(name);
                Ok(())
            }
            (None, _) => Err(self.undeclared(index)),
        }
    }

    /// The constructor that a pattern names.
    pub(super) fn constructor(&self, index: u32) -> Result<Rc<Function>, Fault> {
        let name = self.symbol(index, "a constructor")?;
        let function = self.scope.function(name).ok_or_else(|| self.undeclared(index))?;
        match function.origin {
            Origin::Constructor => Ok(function),
            Origin::Declared | Origin::Defined | Origin::Recursive | Origin::Selector | Origin::Named => {
                Err(self.expected(index, "a constructor"))
            }
        }
    }

    /// `(_ bvN width)`.
    fn bit_vector_value(&mut self, name: u32, digits: &str, indices: &[u32], count: usize) -> Result<Callee, Fault> {
        self.index_count(name, 1, indices.len())?;
        self.arity(name, 0, count)?;
        if digits.len() > 1 && digits.starts_with('0') {
            let text = self.clipped(name);
            return Err(self.fault(name, ErrorKind::Number { text, why: "leave out the leading zeros" }));
        }
        if digits.len() > self.limits.digits_max as usize {
            return Err(self.fault(name, ErrorKind::Digits { limit: self.limits.digits_max }));
        }
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

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
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
