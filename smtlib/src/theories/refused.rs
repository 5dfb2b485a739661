//! Names that a script uses without declaring them and that are refused on purpose: the solver answers falsely about
//! them, or leaves open what they mean. Each with what to write instead.
//!
//! Must never: be asked about a name that the script declares; that one is the script's own.

/// What to do instead of using this name; none for a name that nobody knows.
pub(crate) fn advice_for(name: &str) -> Option<&'static str> {
    let exact = REFUSED.iter().find(|(names, _)| names.contains(&name)).map(|(_, advice)| *advice);
    exact.or_else(|| name.starts_with("set.").then_some(FINITE_SETS))
}

const FINITE_SETS: &str = "the solver answers falsely about finite sets: use (Set T), an array to Bool, with select, store, union, \
                           intersection, setminus, complement and subset";
const DECLARE: &str = "the solver answers falsely about it: declare it, as in (declare-fun f (Real) Real), and assert what the proof needs of it";
const RELATION: &str =
    "the solver answers falsely about it: declare a function to Bool and assert what the proof needs of it";
const DIVIDE: &str = "it is what the solver calls a division by zero: write the division";
const PLAIN: &str = "it is the solver's name for one of its own steps: write the function without its ending";
const DEFINE: &str =
    "no standard has it: define it with define-fun, or declare it and assert what the proof needs of it";
const REGULAR: &str = "no standard has it: write the regular expression with re.union, re.inter, re.comp and re.diff";

const REFUSED: &[(&[&str], &str)] = &[
    (&["transitive-closure", "tree-order", "piecewise-linear-order"], RELATION),
    (&["FiniteSet"], FINITE_SETS),
    (&["card", "choice", "set-has-size", "array-ext"], DEFINE),
    (
        &["acos", "acosh", "arctan2", "asin", "asinh", "atan", "atan2", "atanh", "cosh", "ln", "log", "sinh", "tanh"],
        DECLARE,
    ),
    (&["tan"], "write (/ (sin x) (cos x))"),
    (&["pi"], "declare it, as in (declare-const pi Real), and assert its bounds, as in (< 3.14 pi 3.15)"),
    (&["euler"], "write (exp 1.0)"),
    (&["sqrt", "pow"], "no standard has it: write (^ x 0.5) or (^ x y), or define it with define-fun"),
    (&["max", "min", "floor", "ceil", "sgn"], DEFINE),
    (&["/0", "^0", "div0", "mod0", "bvsdiv0", "bvsmod0", "bvsrem0", "bvudiv0", "bvurem0"], DIVIDE),
    (&["fp.max_i", "fp.min_i", "fp.to_ieee_bv_I", "fp.to_real_I", "fp.to_sbv_I", "fp.to_ubv_I"], PLAIN),
    (&["default"], "the solver answers falsely about it: name the element that is meant, as in (select a i)"),
    (
        &["seq.last_indexof", "str.last_indexof"],
        "the solver answers falsely about it: say of a number i that the part begins there, and that none begins later",
    ),
    (&["char.from_bv"], "the solver answers falsely about it: write (_ Char code), or str.from_code"),
    (&["re.derivative", "re.empty", "re.of.pred", "re.reverse", "re.xor"], REGULAR),
    (&["mkbv"], "write concat, with (ite p #b1 #b0) for each bit"),
    (&["&&"], "write and"),
    (&["equals", "equiv"], "write ="),
    (&["root-obj"], "it is how the solver prints a root of a polynomial: declare a constant and assert the polynomial"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theories::{functions, is_taken};

    #[test]
    fn what_is_refused_is_not_listed_and_has_advice() {
        for (names, advice) in REFUSED {
            for name in *names {
                assert!(functions(name).is_empty(), "{name}");
                assert_eq!(advice_for(name), Some(*advice), "{name}");
            }
        }
        assert_eq!(advice_for("set.union"), Some(FINITE_SETS));
        assert_eq!(advice_for("f"), None);
    }

    /// A script that declares what the solver answers falsely about must not get the solver's function.
    #[test]
    fn what_the_solver_answers_falsely_about_is_renamed_where_a_script_declares_it() {
        let false_answers = [DECLARE, RELATION, DIVIDE, PLAIN, REGULAR];
        let lists = REFUSED.iter().filter(|(_, advice)| false_answers.contains(advice));
        for name in lists.flat_map(|(names, _)| *names).chain(&["default", "seq.last_indexof", "char.from_bv"]) {
            assert!(is_taken(name), "{name}");
        }
    }
}
