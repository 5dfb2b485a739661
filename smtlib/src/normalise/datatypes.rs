//! Datatypes, in the forms of SMT-LIB 2.6 and 2.5; both are written in the former.
//!
//! Must never: let a datatype's written-out size go uncounted.

use smallvec::smallvec;

use super::Normaliser;
use super::scope::{Function, Origin, SortDeclaration, SortMeaning};
use super::sort_terms::LocalSorts;
use super::sorts::{Head, Size, SortId};
use crate::error::{ErrorKind, Fault};
use crate::tree::{Kind, Name};

const FORM: &str = "(declare-datatypes ((name arity) …) ((constructor …) …))";

/// One datatype of a declaration, before its constructors are read.
struct Datatype {
    name_at: u32,
    name: Name,
    number: u32,
    /// The parameters' places in the script.
    parameters: Vec<u32>,
    constructors: Vec<u32>,
}

impl Normaliser<'_> {
    /// Finds the names of all constructors of the script: the solver gives each a tester `is-<name>`.
    pub(super) fn collect_constructors(&mut self) {
        let mut names = Vec::new();
        for command in self.tree.top() {
            let parts: Vec<u32> = self.tree.children(command).collect();
            let Some(head) = parts.first() else { continue };
            if self.tree.text(*head) != "declare-datatype" && self.tree.text(*head) != "declare-datatypes" {
                continue;
            }
            // Every symbol that could be a constructor: first in a list, or alone in one. Too many do no harm.
            for index in command..self.tree.node(command).end {
                let node = self.tree.node(index);
                if node.kind == Kind::Symbol {
                    names.push(node.text);
                }
            }
        }
        self.constructors.extend(names);
    }

    pub(super) fn declare_datatype(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [name, declaration] = arguments else {
            return Err(self.form(head, "(declare-datatype name ((constructor …) …))"));
        };
        let datatype = self.datatype(*name, None, *declaration)?;
        self.write_datatypes(index, vec![datatype], LocalSorts::default())
    }

    pub(super) fn declare_datatypes(&mut self, index: u32, head: u32, arguments: &[u32]) -> Result<(), Fault> {
        let [first, second] = arguments else { return Err(self.form(head, FORM)) };
        let left = self.list(*first, "a list of names with their arities")?;
        let right = self.list(*second, "a list of datatypes")?;
        let old_style = left.first().is_none_or(|first| self.tree.node(*first).kind == Kind::Symbol);
        let mut datatypes = Vec::new();
        let mut local = LocalSorts::default();
        if old_style {
            self.few_parameters(*first, left.len())?;
            for declaration in &right {
                let parts = self.list(*declaration, "a datatype")?;
                let Some((name, constructors)) = parts.split_first() else { return Err(self.form(head, FORM)) };
                let name_symbol = self.symbol(*name, "a datatype's name")?;
                datatypes.push(Datatype {
                    name_at: *name,
                    name: name_symbol,
                    number: 0,
                    parameters: left.to_vec(),
                    constructors: constructors.to_vec(),
                });
            }
            local = self.implied(&datatypes, &left)?;
        } else {
            if left.len() != right.len() {
                return Err(self.form(head, FORM));
            }
            for (pair, declaration) in left.iter().zip(&right) {
                let parts = self.list(*pair, "(name arity)")?;
                let [name, arity] = parts[..] else { return Err(self.expected(*pair, "(name arity)")) };
                datatypes.push(self.datatype(name, Some(arity), *declaration)?);
            }
        }
        if datatypes.is_empty() {
            return Err(self.form(head, FORM));
        }
        self.write_datatypes(index, datatypes, local)
    }

    /// In SMT-LIB 2.5 a datatype's own name stands in its fields without the parameters.
    fn implied(&mut self, datatypes: &[Datatype], parameters: &[u32]) -> Result<LocalSorts, Fault> {
        let mut local = LocalSorts::default();
        if !parameters.is_empty() {
            local.order = parameters.iter().map(|at| self.symbol(*at, "a sort parameter")).collect::<Result<_, _>>()?;
            local.implied = datatypes.iter().map(|datatype| datatype.name).collect();
        }
        Ok(local)
    }

    fn datatype(&mut self, name_at: u32, arity: Option<u32>, declaration: u32) -> Result<Datatype, Fault> {
        let name = self.symbol(name_at, "a datatype's name")?;
        let mut constructors = self.list(declaration, "a list of constructors")?;
        let mut parameters = Vec::new();
        let is_par = constructors
            .first()
            .is_some_and(|first| self.tree.node(*first).kind == Kind::Symbol && self.tree.text(*first) == "par");
        if is_par {
            let [_, names, list] = constructors[..] else {
                return Err(self.expected(declaration, "(par (parameter …) (constructor …))"));
            };
            parameters = self.list(names, "a list of sort parameters")?.to_vec();
            constructors = self.list(list, "a list of constructors")?;
        }
        if let Some(arity) = arity {
            let wanted = self.number(arity, self.limits.index_max)?;
            if wanted as usize != parameters.len() {
                let (takes, got) = (wanted.to_string(), parameters.len() as u64);
                return Err(self.fault_of(name_at, |name| ErrorKind::Arity { name, takes, what: "parameters", got }));
            }
        }
        Ok(Datatype { name_at, name, number: 0, parameters, constructors: constructors.to_vec() })
    }

    fn write_datatypes(
        &mut self,
        index: u32,
        mut datatypes: Vec<Datatype>,
        mut local: LocalSorts,
    ) -> Result<(), Fault> {
        let mark = self.out.mark();
        for datatype in &mut datatypes {
            let (name, before) = self.sort_name_free(datatype.name_at)?;
            if let Some(before) = before {
                return self.drop_duplicate(index, datatype.name_at, before, mark);
            }
            let printed = self.printed_sort(name, self.at(datatype.name_at));
            datatype.number = self.scope.next_sort_number();
            let meaning = SortMeaning::Datatype(Size { base: 1, of: Vec::new() });
            let (number, arity) = (datatype.number, datatype.parameters.len() as u32);
            self.scope.insert_sort(name, SortDeclaration { printed, number, arity, meaning, command: index });
        }
        let sorts_before = self.sorts.count();
        self.write_header(&datatypes);
        self.out.open();
        for datatype in &datatypes {
            self.write_datatype(index, datatype, &mut local)?;
        }
        self.out.close();
        self.out.close();
        self.complete_sizes(index, sorts_before)
    }

    fn write_header(&mut self, datatypes: &[Datatype]) {
        let command = self.tree.names.intern("declare-datatypes");
        self.out.open();
        self.out.symbol(command);
        self.out.open();
        for datatype in datatypes {
            let arity = self.tree.names.intern(&datatype.parameters.len().to_string());
            let printed = self.printed_sort(datatype.name, self.at(datatype.name_at));
            self.out.open();
            self.out.symbol(printed);
            self.out.push(Kind::Numeral, arity);
            self.out.close();
        }
        self.out.close();
    }

    /// Writes one datatype's constructors and makes their names.
    fn write_datatype(&mut self, index: u32, datatype: &Datatype, local: &mut LocalSorts) -> Result<(), Fault> {
        let generic = !datatype.parameters.is_empty();
        local.parameters.clear();
        if generic {
            // In the style of SMT-LIB 2.5 they were read once for all datatypes.
            self.expand(self.at(datatype.name_at), self.written(&local.order))?;
            let par = self.tree.names.intern("par");
            self.out.open();
            self.out.symbol(par);
            local.parameters = self.write_parameters(&datatype.parameters, datatype.name_at)?.parameters;
        }
        let own_arguments: Vec<SortId> =
            (0..datatype.parameters.len() as u32).map(|position| self.parameter(position)).collect();
        let own = self.sorts.plain(Head::Declared(datatype.number, datatype.name), &own_arguments);
        if datatype.constructors.is_empty() {
            return Err(self.expected(datatype.name_at, "a datatype with at least one constructor"));
        }
        self.out.open();
        let mut size = Size { base: 1, of: Vec::new() };
        for constructor in &datatype.constructors {
            size.base = size.base.saturating_add(1);
            let fields = self.write_constructor(index, *constructor, own, generic, local)?;
            for field in fields {
                size.add(1, self.sorts.size(field));
            }
        }
        self.out.close();
        if generic {
            self.out.close();
        }
        if let Some(declared) = self.scope.sort(datatype.name) {
            let meaning = SortMeaning::Datatype(size);
            self.scope.complete_sort(datatype.name, SortDeclaration { meaning, ..(*declared).clone() });
        }
        Ok(())
    }

    fn write_constructor(
        &mut self,
        index: u32,
        constructor: u32,
        own: SortId,
        generic: bool,
        local: &LocalSorts,
    ) -> Result<Vec<SortId>, Fault> {
        let parts = match self.tree.node(constructor).kind {
            Kind::Symbol => smallvec![constructor],
            _ => self.list(constructor, "a constructor")?,
        };
        let Some((name_at, fields)) = parts.split_first() else {
            return Err(self.expected(constructor, "a constructor"));
        };
        let name = self.function_name(*name_at)?;
        self.out.open();
        let place = self.out.mark();
        self.out.symbol(name);
        let mut sorts = Vec::new();
        let mut selectors = Vec::new();
        for field in fields {
            let pair = self.list(*field, "(selector sort)")?;
            let [selector_at, sort] = pair[..] else { return Err(self.expected(*field, "(selector sort)")) };
            let selector = self.function_name(selector_at)?;
            self.out.open();
            selectors.push((selector_at, selector, self.out.mark()));
            self.out.symbol(selector);
            sorts.push(self.sort_with(sort, local)?);
            self.out.close();
        }
        self.out.close();
        for ((at, selector, place), sort) in selectors.into_iter().zip(&sorts) {
            let function = Function::new(Origin::Selector, selector, index, vec![own], *sort);
            self.make_datatype_function(at, selector, place, Function { generic, ..function })?;
        }
        let function = Function::new(Origin::Constructor, name, index, sorts.clone(), own);
        self.make_datatype_function(*name_at, name, place, Function { generic, ..function })?;
        Ok(sorts)
    }

    fn make_datatype_function(
        &mut self,
        at: u32,
        name: Name,
        place: usize,
        mut function: Function,
    ) -> Result<(), Fault> {
        self.admit(at, name, &mut function)?;
        self.make_function(at, name, place, function);
        Ok(())
    }

    /// Recounts the sorts that were made while the sizes of these datatypes were not known.
    fn complete_sizes(&mut self, index: u32, from: usize) -> Result<(), Fault> {
        let scope = &self.scope;
        self.sorts.recount(from, &|head| match head {
            Head::Declared(_, name) => match &scope.sort(name)?.meaning {
                SortMeaning::Datatype(size) => Some(size.clone()),
                SortMeaning::Declared | SortMeaning::Abbreviation(_) | SortMeaning::NoSort(_) => None,
            },
            _ => None,
        });
        let limit = self.limits.expanded_size_max;
        if self.sorts.largest(from) > limit {
            return Err(self.fault(index, ErrorKind::ExpandedSize { limit }));
        }
        Ok(())
    }
}
