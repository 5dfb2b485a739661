//! Random scripts that are well-sorted: truth values, integers, reals, bit-vectors, arrays, datatypes, strings,
//! sequences, floating point; quantifiers, lets, definitions, scopes and names; several functions of one name, generic
//! datatypes at two sorts, declarations that live to the end, loose forms, and what tools write round a query.
//!
//! Small on purpose: a solver should answer most of them at once, or nothing can be compared.
//!
//! Must never: write what the normaliser refuses; that would leave its refusals untested and its answers too.

mod terms;

use super::random::Seeded;

/// The sorts of the generated terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Bool,
    Int,
    Real,
    Bits(u32),
    Own,
    Array,
    List,
    Pair,
    Other,
    Text,
    Sequence,
    Float,
}

const SORTS: [Sort; 13] = [
    Sort::Bool,
    Sort::Int,
    Sort::Real,
    Sort::Bits(4),
    Sort::Bits(8),
    Sort::Own,
    Sort::Array,
    Sort::List,
    Sort::Pair,
    Sort::Other,
    Sort::Text,
    Sort::Sequence,
    Sort::Float,
];

impl Sort {
    fn text(self) -> String {
        match self {
            Sort::Bool => "Bool".to_owned(),
            Sort::Int => "Int".to_owned(),
            Sort::Real => "Real".to_owned(),
            Sort::Bits(bits) => format!("(_ BitVec {bits})"),
            Sort::Own => "S".to_owned(),
            Sort::Array => "(Array Int Int)".to_owned(),
            Sort::List => "L".to_owned(),
            Sort::Pair => "(P Int Bool)".to_owned(),
            Sort::Other => "(P Real (P Int Bool))".to_owned(),
            Sort::Text => "String".to_owned(),
            Sort::Sequence => "(Seq Int)".to_owned(),
            Sort::Float => "(_ FloatingPoint 3 5)".to_owned(),
        }
    }
}

struct Function {
    name: String,
    parameters: Vec<Sort>,
    result: Sort,
    /// It names a term, and is gone with its scope in any case.
    is_term: bool,
}

struct Writer<'a> {
    random: &'a mut Seeded,
    /// The sorts of this script: few, so that its terms meet.
    sorts: Vec<Sort>,
    functions: Vec<Function>,
    /// Functions that were visible before each open scope.
    scopes: Vec<usize>,
    variables: Vec<(String, Sort)>,
    names: usize,
    /// Declarations live to the end of the script.
    global: bool,
    text: String,
}

const DATATYPES: [&str; 3] = [
    "(declare-datatypes ((L 0) (P 2)) (((nil) (cons (head Int) (tail L))) (par (X Y) ((pair (first X) (second Y))))))",
    "(declare-datatypes () ((L nil (cons (head Int) (tail L)))))\n(declare-datatypes (X Y) ((P (pair (first X) (second Y)))))",
    "(declare-datatype L ((nil) (cons (head Int) (tail L))))\n(declare-datatype P (par (X Y) ((pair (first X) (second Y)))))",
];

/// A script with one check.
pub fn script(random: &mut Seeded) -> String {
    let mut writer = Writer::new(random);
    writer.before();
    writer.header();
    for _ in 0..2 + writer.random.next(3) {
        writer.declaration();
    }
    for _ in 0..2 + writer.random.next(6) {
        writer.command();
    }
    let goal = writer.term(Sort::Bool, 4);
    writer.line(&format!("(assert (not {goal}))"));
    writer.check();
    writer.after();
    writer.text
}

/// A log with several checks: scopes that open and close between them, resets, questions of all kinds.
pub fn log(random: &mut Seeded) -> String {
    let mut writer = Writer::new(random);
    if writer.random.once_in(4) {
        writer.line("(set-option :global-declarations true)");
        writer.global = true;
    }
    writer.begin_session();
    for _ in 0..2 + writer.random.next(4) {
        writer.part_of_log();
    }
    writer.text
}

impl<'a> Writer<'a> {
    fn new(random: &'a mut Seeded) -> Writer<'a> {
        let mut sorts = vec![Sort::Bool, Sort::Int];
        for _ in 0..=random.next(3) {
            sorts.push(SORTS[random.next(SORTS.len())]);
        }
        Writer {
            random,
            sorts,
            functions: Vec::new(),
            scopes: Vec::new(),
            variables: Vec::new(),
            names: 0,
            global: false,
            text: String::new(),
        }
    }
}

impl Writer<'_> {
    fn begin_session(&mut self) {
        self.line("(declare-sort S 0)");
        self.line("(declare-fun choose (Bool) S)");
        let datatypes = DATATYPES[self.random.next(DATATYPES.len())];
        self.line(datatypes);
        for _ in 0..2 + self.random.next(3) {
            self.declaration();
        }
    }

    /// Some commands, a goal that is checked, often in a scope of its own, and what a tool asks for then.
    fn part_of_log(&mut self) {
        for _ in 0..self.random.next(5) {
            self.command();
        }
        let scopes = self.random.next(3);
        if scopes > 0 {
            self.line(&format!("(push {scopes})"));
        }
        // Terms may name terms of this scope only here.
        let before = self.functions.len();
        let goal = self.term(Sort::Bool, 3);
        self.line(&format!("(assert (not {goal}))"));
        self.check();
        if self.random.once_in(4) {
            let question =
                self.random.of(&["(get-info :reason-unknown)", "(echo \"(check-sat)\")", "(get-option :verbosity)"]);
            self.line(question);
        }
        if self.random.once_in(4) {
            self.check();
        }
        self.functions.truncate(before);
        if scopes > 0 {
            self.line(&format!("(pop {scopes})"));
        }
        if !self.global && self.random.once_in(8) {
            self.line("(reset)");
            self.functions.clear();
            self.scopes.clear();
            self.begin_session();
        }
    }

    fn line(&mut self, command: &str) {
        self.text.push_str(command);
        self.text.push_str(match self.random.next(12) {
            0 => " ; a note (assert false)\n",
            1 => "\r\n",
            2 => " ",
            _ => "\n",
        });
    }

    /// What some tools write first.
    fn before(&mut self) {
        match self.random.next(12) {
            0 => self.line("(reset)"),
            1 => self.line("(declare-fun x () Bool)(push 2)(assert x)(reset)"),
            2 => {
                let name = self.random.of(&["global-declarations", "global-decls"]);
                self.line(&format!("(set-option :{name} true)"));
                self.global = true;
            }
            3 => {
                let option = self.random.of(&[
                    "model_compress false",
                    "MODEL_HIDE_UNUSED_PARTITIONS false",
                    "smt.mbqi.max_iterations 10000000",
                    "diagnostic-output-channel \"stdout\"",
                    "produce-models true",
                    "tlimit-per 1000",
                ]);
                self.line(&format!("(set-option :{option})"));
            }
            _ => {}
        }
    }

    fn check(&mut self) {
        match self.random.next(8) {
            0 => {
                let assumed = self.term(Sort::Bool, 1);
                self.line(&format!("(check-sat {assumed})"));
            }
            1 => {
                let assumed = self.term(Sort::Bool, 1);
                self.line(&format!("(check-sat-assuming ({assumed} true))"));
            }
            _ => self.line("(check-sat)"),
        }
    }

    /// What some tools write last.
    fn after(&mut self) {
        match self.random.next(12) {
            0 | 1 => self.line("(get-model)\n(exit)"),
            2 => self.line("(get-info :rlimit)\n(pop 1)\n(reset)\n(declare-sort S 0)\n(assert q)"),
            3 => self.line("(reset-assertions)"),
            _ => {}
        }
    }

    fn header(&mut self) {
        if self.random.once_in(4) {
            let option = self.random.of(&[
                "auto_config false",
                "smt.mbqi false",
                "smt.relevancy 0",
                "smt.case_split 3",
                "smt.arith.solver 2",
                "smt.phase_selection 0",
                "smt.qi.eager_threshold 100",
                "rewriter.sort_disjunctions false",
                "smt.delay_units true",
                "smt.restart_factor |1.5|",
                "nnf.sk_hack true",
                "smt.macro_finder true",
            ]);
            self.line(&format!("(set-option :{option})"));
        }
        if self.random.once_in(3) {
            let logic = self.random.of(&["ALL", "ALL", "ALL", "HO_ALL", "ALL_SUPPORTED", "AUFBVFPDTNIRA"]);
            self.line(&format!("(set-logic {logic})"));
        }
        self.line("(declare-sort S 0)");
        self.line("(declare-fun choose (Bool) S)");
        let datatypes = DATATYPES[self.random.next(DATATYPES.len())];
        self.line(datatypes);
    }

    fn fresh(&mut self) -> String {
        const STEMS: [&str; 10] = ["x", "y", "f", "a.b", "k!0", "x!1", "|a b|", "$v@1", "bv1", "q~1"];
        // The library refuses these, or takes them for its own.
        const TAKEN: [&str; 4] = ["sin", "log", "union", "is-cons"];
        let stem = if self.random.once_in(60) { self.random.of(&TAKEN) } else { self.random.of(&STEMS) }.to_owned();
        let taken = self.functions.iter().any(|function| function.name == stem)
            || self.variables.iter().any(|(name, _)| *name == stem);
        if !taken {
            return stem;
        }
        self.names += 1;
        format!("v{}", self.names)
    }

    fn sort(&mut self) -> Sort {
        self.sorts[self.random.next(self.sorts.len())]
    }

    /// A name of a theory that no form here uses.
    fn of_a_theory(&mut self) -> Option<String> {
        const NAMES: [&str; 5] = ["rem", "bvxor", "fp.sub", "str.<", "re.comp"];
        let name = self.random.of(&NAMES);
        let taken = self.functions.iter().any(|function| function.name == name)
            || self.variables.iter().any(|(other, _)| other == name);
        (!taken && self.random.once_in(8)).then(|| name.to_owned())
    }

    /// The name of another function that no argument fits which fits this one.
    fn shared(&mut self, parameters: &[Sort]) -> Option<String> {
        if self.global || !self.random.once_in(2) {
            return None;
        }
        let number = |sort: Sort| matches!(sort, Sort::Int | Sort::Real);
        let apart = |left: Sort, right: Sort| left != right && !(number(left) && number(right));
        let one = self.functions.iter().map(|function| function.name.clone()).find(|name| {
            self.functions.iter().filter(|other| other.name == *name).all(|other| {
                other.parameters.len() == parameters.len()
                    && parameters.iter().zip(&other.parameters).any(|(left, right)| apart(*left, *right))
            })
        });
        one.filter(|name| !self.variables.iter().any(|(other, _)| other == name))
    }

    fn declaration(&mut self) {
        let result = self.sort();
        let parameters: Vec<Sort> = (0..self.random.next(3)).map(|_| self.sort()).collect();
        let constant = parameters.is_empty();
        let other = if constant { self.of_a_theory() } else { self.shared(&parameters) };
        let name = other.unwrap_or_else(|| self.fresh());
        if self.random.once_in(3) {
            let mark = self.variables.len();
            let mut list = Vec::new();
            for sort in &parameters {
                self.names += 1;
                let variable = format!("p{}", self.names);
                list.push(format!("({variable} {})", sort.text()));
                self.variables.push((variable, *sort));
            }
            // A definition that lives to the end knows no terms of assertions.
            let known = std::mem::take(&mut self.functions);
            let (named, known) = known.into_iter().partition(|function| self.global && function.is_term);
            self.functions = known;
            let body = self.term(result, 2);
            self.functions.extend::<Vec<Function>>(named);
            self.variables.truncate(mark);
            let list = list.join(" ");
            self.line(&format!("(define-fun {name} ({list}) {} {body})", result.text()));
        } else if constant && self.random.once_in(2) {
            self.line(&format!("(declare-const {name} {})", result.text()));
        } else {
            let list: Vec<String> = parameters.iter().map(|sort| sort.text()).collect();
            self.line(&format!("(declare-fun {name} ({}) {})", list.join(" "), result.text()));
        }
        self.functions.push(Function { name, parameters, result, is_term: false });
    }

    fn command(&mut self) {
        match self.random.next(9) {
            0 => self.declaration(),
            1 if self.scopes.len() < 3 => {
                self.scopes.push(self.functions.len());
                self.line("(push 1)");
            }
            2 => {
                if let Some(count) = self.scopes.pop() {
                    let made = self.functions.split_off(count);
                    let kept = made.into_iter().filter(|function| self.global && !function.is_term);
                    self.functions.extend(kept);
                    self.line("(pop 1)");
                }
            }
            3 => {
                let term = self.term(Sort::Bool, 3);
                self.names += 1;
                let name = format!("n{}", self.names);
                self.line(&format!("(assert (! {term} :named {name}))"));
                self.functions.push(Function { name, parameters: Vec::new(), result: Sort::Bool, is_term: true });
            }
            _ => {
                let term = self.term(Sort::Bool, 3);
                self.line(&format!("(assert {term})"));
            }
        }
    }
}
