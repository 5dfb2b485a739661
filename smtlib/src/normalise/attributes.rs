//! `(! term :attribute …)`: names, patterns and hints are kept, labels are taken off, anything else is refused.
//!
//! Must never: pass an attribute on that is not listed here. A label makes the solver answer falsely.

use smallvec::smallvec;

use super::Normaliser;
use super::terms::Task;
use crate::error::{ErrorKind, Fault};
use crate::result::NoteKind;
use crate::tree::Kind;

const FORM: &str = "(! term :attribute value …)";

impl Normaliser<'_> {
    pub(super) fn read_annotated(
        &mut self,
        index: u32,
        head: u32,
        arguments: &[u32],
        tasks: &mut Vec<Task>,
    ) -> Result<(), Fault> {
        let Some((term, attributes)) = arguments.split_first() else { return Err(self.form(head, FORM)) };
        if attributes.is_empty() || !attributes.len().is_multiple_of(2) {
            return Err(self.form(head, FORM));
        }
        let mut steps = Vec::new();
        for pair in attributes.chunks_exact(2) {
            self.read_attribute(index, pair[0], pair[1], &mut steps)?;
        }
        if steps.is_empty() {
            // Nothing but labels.
            tasks.push(Task::Term(*term));
            return Ok(());
        }
        let mut all = vec![Task::Open, Task::Copy(head), Task::Term(*term), Task::Fixed];
        all.extend(steps);
        all.push(Task::Close);
        tasks.extend(all.into_iter().rev());
        Ok(())
    }

    fn read_attribute(&mut self, index: u32, keyword: u32, value: u32, steps: &mut Vec<Task>) -> Result<(), Fault> {
        if self.tree.node(keyword).kind != Kind::Keyword {
            return Err(self.expected(keyword, "an attribute"));
        }
        match self.tree.text(keyword) {
            "named" => steps.extend([Task::Copy(keyword), Task::Named { name: value, command: index }]),
            "pattern" => {
                let mut terms = self.list(value, "a list of terms")?;
                if terms.first().is_some_and(|first| self.tree.node(*first).kind == Kind::Symbol) {
                    // One term without the list round it, as F* writes it. A list of constants would be no pattern.
                    terms = smallvec![value];
                }
                if terms.is_empty() {
                    return Err(self.expected(value, "a pattern with at least one term"));
                }
                steps.extend([Task::Copy(keyword), Task::Open]);
                steps.extend(terms.iter().map(|term| Task::Term(*term)));
                steps.push(Task::EndPattern { count: terms.len() });
            }
            "no-pattern" => {
                steps.extend([Task::Copy(keyword), Task::Term(value), Task::EndNoPattern]);
            }
            "weight" => {
                self.number(value, self.limits.index_max)?;
                steps.extend([Task::Copy(keyword), Task::Copy(value)]);
            }
            "qid" | "skolemid" => {
                self.symbol(value, "a symbol")?;
                steps.extend([Task::Copy(keyword), Task::Copy(value)]);
            }
            "lblpos" | "lblneg" => {
                self.symbol(value, "a symbol")?;
                let name = format!(":{}", self.clipped(keyword));
                self.remark(self.at(keyword), NoteKind::LabelIgnored, name);
            }
            _ => return Err(self.fault_of(keyword, |name| ErrorKind::Attribute { attribute: format!(":{name}") })),
        }
        Ok(())
    }
}
