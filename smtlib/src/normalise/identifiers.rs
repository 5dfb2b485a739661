//! What a symbol means where it stands: a variable, a function of the script, or one of a theory; and the form
//! `(as name sort)`. The form with indices is in `indexed`, the choice between functions of one name in `overloads`.
//!
//! Must never: pass a name on that nothing stands behind. The solver knows names that no standard has.

use super::Normaliser;
use super::callee::{Callee, Candidate, Candidates};
use super::scope::Origin;
use super::sorts::SortId;
use super::value::Value;
use crate::error::{ErrorKind, Fault};
use crate::result::NoteKind;
use crate::theories::{self, Indices};
use crate::tree::{Kind, Name};

/// How a theory's function stands in the script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Plain,
    Indexed,
}

impl Normaliser<'_> {
    /// Reads and writes a symbol that stands alone as a term.
    pub(super) fn constant(&mut self, index: u32) -> Result<Value, Fault> {
        let name = self.symbol(index, "a term")?;
        if let Some(variable) = self.scope.variable(name) {
            self.out.symbol(variable.printed);
            return Ok(Value { lowest: variable.lowest, ..Value::closed(variable.sort) });
        }
        if self.scope.functions(name).is_empty()
            && let Some(value) = self.negative_number(index)?
        {
            return Ok(value);
        }
        let start = self.out.mark();
        let callee = self.function(index, 0)?;
        self.apply(&callee, &mut [], index, start)
    }

    /// Reads and writes a symbol that is applied to so many arguments.
    pub(super) fn function(&mut self, index: u32, count: usize) -> Result<Callee, Fault> {
        let name = self.symbol(index, "a function")?;
        if self.scope.variable(name).is_some() {
            return Err(self.fault_of(index, |name| ErrorKind::VariableApplied { name }));
        }
        if self.scope.is_closed(name) {
            return Err(self.fault_of(index, |name| ErrorKind::NamedClosed { name }));
        }
        let candidates = self.candidates(name, count);
        if candidates.is_empty() {
            return Err(self.no_candidate(index, name, count));
        }
        let own = |candidate: &Candidate| matches!(candidate, Candidate::Own(_));
        if count > 0 && !candidates.iter().any(own) && self.may_be_an_array(name) {
            let why = "one of them may be an array, of which this is an element to the solver";
            return Err(self.fault_of(index, |name| ErrorKind::Ambiguous { name, why }));
        }
        Ok(self.write_candidates(index, name, candidates))
    }

    /// Why a name can't be applied to so many arguments.
    fn no_candidate(&mut self, index: u32, name: Name, count: usize) -> Fault {
        let text = self.tree.names.text(name);
        let tested = text.strip_prefix("is-").and_then(|rest| self.tree.names.find(rest));
        let is_tester = tested.is_some_and(|constructor| {
            self.scope.functions(constructor).iter().any(|function| function.origin == Origin::Constructor)
        });
        let takes = match self.scope.functions(name) {
            [function, ..] => function.parameters.len() as u64,
            [] if is_tester => 1,
            [] => match self.theory_function(index, name, Written::Plain, count) {
                Err(fault) => return fault,
                Ok(_) => return self.undeclared(index),
            },
        };
        let (takes, got) = (takes.to_string(), count as u64);
        self.fault_of(index, |name| ErrorKind::Arity { name, takes, what: "arguments", got })
    }

    pub(super) fn undeclared(&self, index: u32) -> Fault {
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
        let is_whole = whole == digits;
        let digits = digits.to_owned();
        let (minus, digits) = (self.tree.names.intern("-"), self.tree.names.intern(&digits));
        let start = self.out.mark();
        self.out.open();
        self.out.symbol(minus);
        self.out.push(if is_whole { Kind::Numeral } else { Kind::Decimal }, digits);
        self.out.close();
        let clipped = self.clipped(index);
        self.remark(self.at(index), NoteKind::NegativeNumber, clipped);
        Ok(Some(if is_whole { self.literal(start, SortId::INT) } else { Value::closed(SortId::REAL) }))
    }

    pub(super) fn arity(&self, index: u32, takes: u64, got: usize) -> Result<(), Fault> {
        let got = got as u64;
        if takes == got {
            return Ok(());
        }
        let takes = takes.to_string();
        Err(self.fault_of(index, |name| ErrorKind::Arity { name, takes, what: "arguments", got }))
    }

    /// Notes the first use of a function that no standard has.
    pub(super) fn note_extension(&mut self, index: u32, name: Name) {
        if self.extensions_used.insert(name) {
            let clipped = self.clipped_name(name);
            self.remark(self.at(index), NoteKind::Extension, clipped);
        }
    }

    /// The theory's function of this name in this form; none if no theory has the name.
    pub(super) fn theory_function(
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
            ("_", [_, name, constructor]) if self.is_tester(*name, *constructor) => {
                self.indexed_tester(*name, *constructor, count)
            }
            ("_", [head, name, indices @ ..]) if !indices.is_empty() => {
                self.out.open();
                self.out.copy(self.tree.node(*head));
                let callee = self.indexed(*name, indices, count)?;
                self.out.close();
                Ok(callee)
            }
            ("as", [head, name, sort]) => self.ascribed(*head, *name, *sort, count),
            _ => Err(self.expected(index, "a function, (_ name index …) or (as name sort)")),
        }
    }

    /// Reads `(_ divisible n)` and writes nothing; none if something else stands there.
    pub(super) fn divisibility(&mut self, index: u32, count: usize) -> Result<Option<Callee>, Fault> {
        let parts = self.children(index);
        let [underscore, name_at, divisor] = parts[..] else { return Ok(None) };
        if self.tree.node(underscore).kind != Kind::Symbol {
            return Ok(None);
        }
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

    /// `(as name sort)`: of the functions of this name, the one with a result of this sort.
    fn ascribed(&mut self, head: u32, name_at: u32, sort: u32, count: usize) -> Result<Callee, Fault> {
        let name = self.symbol(name_at, "a name")?;
        let candidates = self.candidates(name, count);
        let variable = self.scope.variable(name);
        if let (None, [Candidate::Tester(_), ..]) = (variable, &candidates[..]) {
            return self.ascribed_tester(name_at, name, &candidates, sort);
        }
        self.out.open();
        self.out.copy(self.tree.node(head));
        let place = self.out.mark();
        self.out.symbol(name);
        let of = self.sort(sort)?;
        self.out.close();
        if let Some(variable) = variable {
            self.arity(name_at, 0, count)?;
            self.out.set(place, Kind::Symbol, variable.printed);
            self.must_fit(name_at, variable.sort, of)?;
            return Ok(Callee::Of(of));
        }
        if candidates.is_empty() && self.tree.names.text(name) == "const" {
            self.arity(name_at, 1, count)?;
            return Ok(Callee::Filled(of));
        }
        self.choose_ascribed(name_at, name, candidates, place, of, count)
    }

    fn choose_ascribed(
        &mut self,
        name_at: u32,
        name: Name,
        mut candidates: Candidates,
        place: usize,
        of: SortId,
        count: usize,
    ) -> Result<Callee, Fault> {
        if self.scope.is_closed(name) {
            return Err(self.fault_of(name_at, |name| ErrorKind::NamedClosed { name }));
        }
        if candidates.is_empty() {
            return Err(self.no_candidate(name_at, name, count));
        }
        let several = candidates.len() > 1;
        if several {
            candidates.retain(|candidate| match candidate {
                Candidate::Own(function) if function.generic => self.sorts.head(function.result) == self.sorts.head(of),
                Candidate::Own(function) => function.result == of,
                Candidate::Theory(_) => true,
                Candidate::Tester(_) => of == SortId::BOOL,
            });
        }
        match &candidates[..] {
            [] => {
                let why = "none of them gives this sort";
                Err(self.fault_of(name_at, |name| ErrorKind::Ambiguous { name, why }))
            }
            [Candidate::Own(function)] => {
                let function = function.clone();
                self.out.set(place, Kind::Symbol, function.printed);
                if !function.generic {
                    self.must_fit(name_at, function.result, of)?;
                }
                Ok(match function.origin {
                    Origin::Constructor if function.generic => Callee::Ascribed(function, of),
                    _ if function.generic => Callee::Of(of),
                    _ => Callee::Script(function, place),
                })
            }
            _ => Ok(Callee::Overloaded { name, candidates, place, ascribed: Some(of) }),
        }
    }

    /// `(as is-constructor sort)`: Z3 says the tester's own sort there, others the datatype's.
    fn ascribed_tester(
        &mut self,
        name_at: u32,
        name: Name,
        candidates: &[Candidate],
        sort: u32,
    ) -> Result<Callee, Fault> {
        let mark = self.out.mark();
        let of = self.sort(sort)?;
        self.out.forget(mark);
        if of == SortId::BOOL {
            return Ok(self.write_candidates(name_at, name, candidates.iter().cloned().collect()));
        }
        let constructors = candidates.iter().filter_map(|candidate| match candidate {
            Candidate::Tester(constructor) => Some(constructor),
            Candidate::Own(_) | Candidate::Theory(_) => None,
        });
        let head = self.sorts.head(of);
        let found = constructors.clone().find(|constructor| self.sorts.head(constructor.result) == head).cloned();
        let Some(constructor) = found else {
            let why = "none of them is of this sort";
            return Err(self.fault_of(name_at, |name| ErrorKind::Ambiguous { name, why }));
        };
        self.out.symbol(name);
        Ok(self.settle_candidate(name_at, name, mark, Candidate::Tester(constructor), of))
    }
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
