//! What names are printed as: their own, unless the solver would take that for something else.
//!
//! Must never: print two names of a script as one, or one that the script has as another.

use super::Normaliser;
use crate::lexer::LAMBDA;
use crate::result::NoteKind;
use crate::theories;
use crate::tree::Name;

impl Normaliser<'_> {
    /// What a function or variable of the script is printed as. Told once for each name.
    pub(super) fn printed(&mut self, name: Name, at: u32) -> Name {
        let text = self.tree.names.text(name);
        let tester = text.strip_prefix("is-").and_then(|rest| self.tree.names.find(rest));
        if !theories::is_taken(text)
            && text != LAMBDA
            && !tester.is_some_and(|constructor| self.constructors.contains(&constructor))
        {
            return name;
        }
        self.rename(name, at)
    }

    /// What a parameter of a sort is printed as: the solver takes the sort where one of its name is visible.
    pub(super) fn printed_parameter(&mut self, name: Name, at: u32) -> Name {
        if self.scope.sort(name).is_none() {
            return self.printed_sort(name, at);
        }
        if let Some(printed) = self.parameters.get(&name) {
            return *printed;
        }
        let printed = self.fresh(name);
        self.parameters.insert(name, printed);
        self.beside.push((printed, name));
        self.remark(at, NoteKind::Overloaded, self.clipped_name(name));
        printed
    }

    /// What a sort of the script is printed as.
    pub(super) fn printed_sort(&mut self, name: Name, at: u32) -> Name {
        if theories::is_taken_sort(self.tree.names.text(name)) { self.rename(name, at) } else { name }
    }

    pub(super) fn rename(&mut self, name: Name, at: u32) -> Name {
        if let Some(printed) = self.renamed.get(&name) {
            return *printed;
        }
        let printed = self.fresh(name);
        self.renamed.insert(name, printed);
        self.remark(at, NoteKind::Renamed, self.clipped_name(name));
        printed
    }

    /// What a function is printed as that stands beside another one of its name.
    pub(super) fn print_beside(&mut self, name: Name, at: u32) -> Name {
        let printed = self.fresh(name);
        self.beside.push((printed, name));
        self.remark(at, NoteKind::Overloaded, self.clipped_name(name));
        printed
    }

    /// A name like this one that the script does not have, and that is neither the tester of a name that it has, nor has its
    /// own tester there: the solver makes `is-c` for every constructor `c`.
    pub(super) fn fresh(&mut self, name: Name) -> Name {
        let mut number = self.fresh_from.get(&name).copied().unwrap_or(1);
        loop {
            let text = format!("{}~{number}", self.tree.names.text(name));
            number = number.saturating_add(1);
            let names = &self.tree.names;
            let tested = text.strip_prefix("is-").and_then(|constructor| names.find(constructor));
            if names.find(&text).is_none() && tested.is_none() && names.find(&format!("is-{text}")).is_none() {
                self.fresh_from.insert(name, number);
                return self.tree.names.intern(&text);
            }
        }
    }

    /// Names that are printed under another: the printed one, and the script's own.
    pub(super) fn take_renamed(&mut self) -> Vec<(Name, Name)> {
        let renamed: Vec<(Name, Name)> =
            self.renamed.drain().map(|(submitted, printed)| (printed, submitted)).collect();
        [renamed, std::mem::take(&mut self.beside)].concat()
    }
}
