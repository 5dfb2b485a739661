//! Names that the pinned solver takes for its own whoever declares them, or refuses to see declared. Quoting does not
//! help, so a script's own function, sort or variable of such a name is printed under another.
//!
//! The list was made from the pinned version by declaring every symbol-like text of its library with eighteen signatures
//! and looking for those that did not stay uninterpreted, and completed with the names that its theories register.
//!
//! Must never: hold a name that scripts commonly declare and the solver leaves alone (`cons`, `nil`): what need not be
//! renamed keeps its name, since names sway how long the solver takes.

use super::{Standing, Theory, functions, sort};

/// Whether a script's own function or variable of this name must be printed under another.
pub(crate) fn is_taken(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok() || !functions(name).is_empty()
}

/// Whether the solver has a function of this name of its own datatype of lists, which it takes for a generic one of the
/// script's.
pub(crate) fn is_of_list(name: &str) -> bool {
    ["head", "insert", "nil", "tail"].contains(&name)
}

/// Whether it is a function of the core, whose name no script may give another meaning.
pub(crate) fn is_core(name: &str) -> bool {
    functions(name).iter().any(|form| form.standing == Standing::Standard && form.theory == Theory::Core)
}

/// Every name that is renamed when a script declares it as a function, for tests against the pinned solver.
pub fn names_taken() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain(super::names().filter(|name| !is_core(name)))
}

/// Whether a script's own sort of this name must be printed under another.
pub(crate) fn is_taken_sort(name: &str) -> bool {
    SORTS.binary_search(&name).is_ok() || sort(name).is_some()
}

/// Sorted. Functions and words of the solver that [`super::functions`] does not list.
const NAMES: [&str; 73] = [
    "&&",
    "->",
    "/0",
    "^0",
    "acos",
    "acosh",
    "arctan2",
    "array-ext",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bvsdiv0",
    "bvsmod0",
    "bvsrem0",
    "bvudiv0",
    "bvurem0",
    "case-def",
    "char.from_bv",
    "choice",
    "complex.imag",
    "complex.make",
    "complex.real",
    "const",
    "cosh",
    "default",
    "div0",
    "equals",
    "equiv",
    "fp.max_i",
    "fp.min_i",
    "fp.to_ieee_bv_I",
    "fp.to_real_I",
    "fp.to_sbv_I",
    "fp.to_ubv_I",
    "is",
    "ln",
    "log",
    "mkbv",
    "mod0",
    "piecewise-linear-order",
    "re.derivative",
    "re.empty",
    "re.of.pred",
    "re.reverse",
    "re.xor",
    "recfun-num-rounds",
    "root-obj",
    "select",
    "seq.last_indexof",
    "set-has-size",
    "set.diff",
    "set.difference",
    "set.empty",
    "set.filter",
    "set.in",
    "set.intersect",
    "set.map",
    "set.map.inverse",
    "set.range",
    "set.singleton",
    "set.size",
    "set.subset",
    "set.union",
    "set.unique",
    "sinh",
    "store",
    "tan",
    "tanh",
    "transitive-closure",
    "tree-order",
    "||",
];

/// Sorted. Sorts of the solver that [`super::sort`] does not list.
const SORTS: [&str; 8] = ["->", "FiniteSet", "List", "Proof", "StringSequence", "bool", "bv", "cell"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(NAMES.is_sorted_by(|left, right| left < right));
        assert!(SORTS.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn the_functions_that_were_found_to_answer_falsely_are_taken() {
        for name in [
            "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp",
            "log", "ln",
        ] {
            assert!(is_taken(name), "{name}");
        }
        assert!(names_taken().all(is_taken));
    }

    #[test]
    fn what_scripts_commonly_declare_keeps_its_name() {
        for name in ["cons", "nil", "head", "tail", "e", "x", "max", "min", "length", "sqrt", "pi"] {
            assert!(!is_taken(name), "{name}");
        }
    }
}
