//! A script without its goal: the question whether what it assumes contradicts itself.
//!
//! The goal is in the last assertion that is in force at the check. Where that is `(not F)`, as verifiers write it, F's
//! conclusions are replaced by `false`: what stands to the right of `=>` (`implies`), in all branches of `and` and `ite`,
//! behind `forall`, and in what a `let` names, if nothing but conclusions uses the name. Everything that leads to a
//! conclusion (preconditions, path conditions, facts proved on the way) stays. A conclusion that has a name (`:named`) is a
//! condition as well where that name is used: it keeps its meaning, and `false` stands beside it, in `(and F false)`. Any other
//! last assertion is left out whole.
//!
//! Why `unsat` to that makes the script vacuous: F with smaller conclusions is smaller, so `(not F)` is stronger than what
//! is asked here; whatever the conclusions say, the answer is `unsat`.
//!
//! Must never: change anything but the last assertion, or recurse on input.

use crate::assertions::{Asserted, asserted};
use crate::hashing::IdMap;
use crate::limits::Limits;
use crate::parser::parse;
use crate::print::{print_expression, print_node};
use crate::tree::{Kind, Name, Tree};

/// A normalised text without its goal. None if it then assumes nothing, so that nothing can contradict itself, or if it is no
/// text of the normaliser's.
///
/// Cost: linear in the text.
pub fn without_goal(text: &str) -> Option<String> {
    let tree = parse(text.as_bytes(), &Limits::unbounded()).ok()?;
    let Asserted { commands, .. } = asserted(&tree).ok()?;
    let last = *commands.last()?;
    let conclusions = Conclusions::of(&tree, tree.children(last).nth(1)?);
    if commands.len() == 1 && !conclusions.as_ref().is_some_and(|conclusions| conclusions.are_conditional) {
        return None;
    }
    let mut without = String::with_capacity(text.len());
    for command in tree.top() {
        match &conclusions {
            _ if command != last => print_expression(&tree, command, &mut without),
            Some(conclusions) => conclusions.print(&tree, command, &mut without),
            None => continue,
        }
        without.push('\n');
    }
    Some(without)
}

/// The conclusions of a goal.
struct Conclusions {
    /// Indices of the expressions that are replaced, in their order.
    replaced: Vec<u32>,
    /// Those of them that stay, beside `false`: they give names that are used.
    naming: Vec<u32>,
    /// Something leads to one of them.
    are_conditional: bool,
}

/// What is to be looked at.
enum Look {
    /// A conclusion, or what leads to one.
    Conclusion(u32),
    /// The end of a `let`, with what it bound: names are looked up in it no longer.
    Leave(Vec<(Name, u32)>),
}

/// A name that a `let` has bound, and where conclusions use it.
#[derive(Default)]
struct Uses(Vec<u32>);

struct Search<'a> {
    tree: &'a Tree,
    looks: Vec<Look>,
    /// How often each symbol stands in the assertion.
    counts: IdMap<Name, usize>,
    /// The `:named` of the goal whose names stand somewhere else, too: where each begins, in order.
    used_names: Vec<u32>,
    bound: IdMap<Name, Uses>,
    found: Conclusions,
}

impl Conclusions {
    /// Of an asserted term. None if it is no negation.
    fn of(tree: &Tree, term: u32) -> Option<Conclusions> {
        let goal = negated(tree, term)?;
        let mut counts: IdMap<Name, usize> = IdMap::default();
        for node in &tree.nodes[goal as usize..tree.node(goal).end as usize] {
            if node.kind == Kind::Symbol {
                *counts.entry(node.text).or_default() += 1;
            }
        }
        let used_names = used_names(tree, goal);
        let found = Conclusions { replaced: Vec::new(), naming: Vec::new(), are_conditional: false };
        let looks = vec![Look::Conclusion(goal)];
        let mut search = Search { tree, looks, counts, used_names, bound: IdMap::default(), found };
        while let Some(look) = search.looks.pop() {
            match look {
                Look::Conclusion(index) => search.conclusion(index),
                Look::Leave(bindings) => search.leave(bindings),
            }
        }
        let mut replaced = std::mem::take(&mut search.found.replaced);
        replaced.sort_unstable();
        let naming = replaced.iter().copied().filter(|index| search.gives_a_used_name(*index)).collect();
        Some(Conclusions { replaced, naming, ..search.found })
    }

    /// Prints the command with `false` for each conclusion.
    fn print(&self, tree: &Tree, command: u32, text: &mut String) {
        let end = tree.node(command).end;
        let mut replaced = self.replaced.iter().peekable();
        let (mut next, mut space) = (command, false);
        while next < end {
            let node = tree.node(next);
            if space && node.kind != Kind::Close {
                text.push(' ');
            }
            space = node.kind != Kind::Open;
            if replaced.next_if_eq(&&next).is_some() {
                if self.naming.binary_search(&next).is_ok() {
                    text.push_str("(and ");
                    print_expression(tree, next, text);
                    text.push_str(" false)");
                } else {
                    text.push_str("false");
                }
                (next, space) = (node.end, true);
            } else {
                print_node(tree, &node, text);
                next += 1;
            }
        }
    }
}

/// F, of `(not F)` and of the same with attributes.
fn negated(tree: &Tree, mut term: u32) -> Option<u32> {
    loop {
        let mut parts = tree.children(term);
        let head = parts.next()?;
        let first = parts.next()?;
        match tree.text(head) {
            "!" => term = first,
            "not" => return Some(first),
            _ => return None,
        }
    }
}

/// Where a goal gives names that are used in it, or behind it.
fn used_names(tree: &Tree, goal: u32) -> Vec<u32> {
    let is_named = |index: &u32| tree.node(*index).kind == Kind::Keyword && tree.text(*index) == "named";
    let given: Vec<u32> = (goal..tree.node(goal).end).filter(is_named).collect();
    if given.is_empty() {
        return given;
    }
    // Nothing before a name is given can use it.
    let mut counts: IdMap<Name, usize> = given.iter().map(|keyword| (tree.node(keyword + 1).text, 0)).collect();
    for node in &tree.nodes[goal as usize..] {
        if node.kind == Kind::Symbol
            && let Some(count) = counts.get_mut(&node.text)
        {
            *count += 1;
        }
    }
    given.into_iter().filter(|keyword| counts[&tree.node(keyword + 1).text] > 1).collect()
}

impl Search<'_> {
    fn gives_a_used_name(&self, index: u32) -> bool {
        let next = self.used_names.partition_point(|keyword| *keyword < index);
        self.used_names.get(next).is_some_and(|keyword| *keyword < self.tree.node(index).end)
    }

    /// Whether one of these attributes of a term, which stand in a list that ends there, is a name that is used.
    fn is_used(&self, term: u32, end: u32) -> bool {
        let next = self.used_names.partition_point(|keyword| *keyword < self.tree.node(term).end);
        self.used_names.get(next).is_some_and(|keyword| *keyword < end)
    }

    fn conclusion(&mut self, index: u32) {
        let parts: Vec<u32> = self.tree.children(index).collect();
        let head = parts.first().filter(|head| self.tree.node(**head).kind == Kind::Symbol);
        match (head.map(|head| self.tree.text(*head)), parts.get(1..).unwrap_or_default()) {
            (Some("=>" | "implies"), [_, .., conclusion]) => {
                self.found.are_conditional = true;
                self.looks.push(Look::Conclusion(*conclusion));
            }
            (Some("ite"), [_, one, other]) => {
                self.found.are_conditional = true;
                self.looks.extend([Look::Conclusion(*other), Look::Conclusion(*one)]);
            }
            (Some("and"), branches @ [_, ..]) => {
                self.looks.extend(branches.iter().rev().map(|branch| Look::Conclusion(*branch)));
            }
            (Some("!"), [term, ..]) if !self.is_used(*term, self.tree.node(index).end) => {
                self.looks.push(Look::Conclusion(*term));
            }
            (Some("forall"), [_, term]) => self.looks.push(Look::Conclusion(*term)),
            (Some("let"), [bindings, body]) => self.enter(*bindings, *body),
            (None, []) if self.tree.node(index).kind == Kind::Symbol => self.name(index),
            _ => self.found.replaced.push(index),
        }
    }

    fn name(&mut self, index: u32) {
        match self.bound.get_mut(&self.tree.node(index).text) {
            Some(uses) => uses.0.push(index),
            None => self.found.replaced.push(index),
        }
    }

    fn enter(&mut self, bindings: u32, body: u32) {
        let pair = |binding: u32| {
            let mut parts = self.tree.children(binding);
            Some((self.tree.node(parts.next()?).text, parts.next()?))
        };
        let bindings: Vec<(Name, u32)> = self.tree.children(bindings).filter_map(pair).collect();
        for (name, _) in &bindings {
            if let Some(Uses(uses)) = self.bound.insert(*name, Uses::default()) {
                // Bound twice: neither is followed.
                self.found.replaced.extend(uses);
            }
        }
        self.looks.extend([Look::Leave(bindings), Look::Conclusion(body)]);
    }

    /// A name that stands nowhere but where it is bound and in conclusions is one itself. For any other one, `false` stands in
    /// the conclusions: also where a second one of that name may be meant.
    fn leave(&mut self, bindings: Vec<(Name, u32)>) {
        for (name, term) in bindings.into_iter().rev() {
            let Some(Uses(uses)) = self.bound.remove(&name) else { continue };
            let count = self.counts.get(&name).copied().unwrap_or_default();
            if !uses.is_empty() && count == uses.len() + 1 {
                self.looks.push(Look::Conclusion(term));
            } else {
                self.found.replaced.extend(uses);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise;

    const DECLARED: &str = "(declare-const a Bool)\n(declare-const b Bool)\n(declare-const c Bool)\n";

    fn goal(asserted: &str) -> Option<String> {
        let text = normalise(format!("{DECLARED}(assert {asserted})(check-sat)").as_bytes(), &Limits::default());
        let without = without_goal(&text.unwrap().text)?;
        let again = normalise(without.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(again.text, without, "it is a script, printed as every other");
        let line = without.lines().find(|line| line.starts_with("(assert "))?;
        Some(line["(assert ".len()..line.len() - 1].to_owned())
    }

    #[test]
    fn a_goals_conclusions_are_replaced_and_what_leads_to_them_stays() {
        for (asserted, expected) in [
            ("(not (=> a b))", "(not (=> a false))"),
            ("(not (=> a b (and (=> c a) b)))", "(not (=> a b (and (=> c false) false)))"),
            (
                "(! (not (! (forall ((x Int)) (! (=> (< x 0) a) :qid q)) :named g)) :named h)",
                "(! (not (! (forall ((x Int)) (! (=> (< x 0) false) :qid q)) :named g)) :named h)",
            ),
            ("(not (ite a b (=> b c)))", "(not (ite a false (=> b false)))"),
            ("(not (=> a (or b c)))", "(not (=> a false))"),
            // As Boogie writes it: blocks that refer to one another.
            (
                "(not (let ((end (=> b (and c (=> c a))))) (let ((then (=> a end)) (else (=> c end))) (=> b (and then else)))))",
                "(not (let ((end (=> b (and false (=> c false))))) (let ((then (=> a end)) (else (=> c end))) (=> b (and then else)))))",
            ),
            // A name that is a condition as well.
            ("(not (let ((x (=> a b))) (=> x x)))", "(not (let ((x (=> a b))) (=> x false)))"),
            // Names that are bound twice, and a constant of a bound name.
            (
                "(not (=> c (let ((x (=> a b))) (and x (let ((x (=> b c))) x)))))",
                "(not (=> c (let ((x (=> a b))) (and false (let ((x (=> b c))) false)))))",
            ),
            ("(not (=> c (and (let ((a b)) a) a)))", "(not (=> c (and (let ((a b)) false) false)))"),
            // A conclusion whose name is a condition as well.
            (
                "(not (and (! (=> a b) :named g) (=> g c)))",
                "(not (and (and (! (=> a b) :named g) false) (=> g false)))",
            ),
            (
                "(not (and (=> a (or b (! c :named g))) (=> a g b)))",
                "(not (and (=> a (and (or b (! c :named g)) false)) (=> a g false)))",
            ),
            ("(not (=> a (! b :named g) c))", "(not (=> a (! b :named g) false))"),
        ] {
            assert_eq!(goal(asserted).as_deref(), Some(expected), "{asserted}");
        }
    }

    #[test]
    fn without_anything_assumed_there_is_no_question() {
        for asserted in ["(and a (not a))", "(not (and a b))", "(not a)", "a", "(not (let ((x a)) x))"] {
            assert_eq!(goal(asserted), None, "{asserted}");
        }
        for text in ["(check-sat)\n", "(assert a)\n", "(((", "", "(push 1)\n(assert true)\n(pop 1)\n(check-sat)\n"] {
            assert_eq!(without_goal(text), None, "{text}");
        }
    }

    #[test]
    fn the_goal_is_in_the_last_assertion_in_force() {
        let text = "(assert a)\n(push 1)\n(assert b)\n(pop 1)\n(assert c)\n(push 1)\n(check-sat)\n";
        let without = without_goal(text).unwrap();
        assert_eq!(without, text.replace("(assert c)\n", ""));
        // An assertion's text within a string ends nothing.
        let text = "(declare-fun s () String)\n(assert (= s \"\n(assert \"))\n(assert a)\n(check-sat)\n";
        assert_eq!(without_goal(text).unwrap(), text.replace("(assert a)\n", ""));
    }

    #[test]
    fn depth_costs_no_stack() {
        let depth = 100_000;
        let text =
            format!("(assert (not {}b{}))\n(check-sat)\n", "(=> a (let ((x c)) ".repeat(depth), "))".repeat(depth));
        assert!(without_goal(&text).unwrap().contains("false)))"));
    }
}
