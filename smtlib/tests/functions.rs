//! Functions that need no declaration: how many arguments they take, of which sorts, and what is refused on purpose. What they
//! mean is tried against the solver, in `verifier/tests/functions.rs`.
//!
//! Must never: check only that something was refused; a refusal in the wrong place hides another.

use smtlib::{Limits, Normalised, normalise};

const DECLARATIONS: &str = "(declare-const p Bool)(declare-const i Int)(declare-const x Real)(declare-const s String)\
    (declare-const b (_ BitVec 8))(declare-const f Float16)(declare-const q (Seq Int))(declare-const m (Array Int Int))\
    (declare-const n (Array Real Int))(declare-const a (Set Int))(declare-const g (Array Int Int Bool))\n";

fn read(term: &str) -> Result<Normalised, smtlib::Error> {
    normalise(format!("{DECLARATIONS}(assert {term})\n(check-sat)\n").as_bytes(), &Limits::default())
}

#[track_caller]
fn accepted(term: &str) -> Normalised {
    read(term).unwrap_or_else(|error| panic!("{error}\nin: {term}"))
}

#[track_caller]
fn refused(term: &str, words: &str) {
    match read(term) {
        Ok(normalised) => panic!("accepted: {term}\nas: {}", normalised.text),
        Err(error) => assert!(error.line == 2 && error.kind.to_string().contains(words), "{error}\nin: {term}"),
    }
}

#[test]
fn one_argument_is_enough_where_the_solver_takes_it() {
    for term in [
        "(= b (concat b))",
        "(= b (bvxnor b))",
        "(= b (bvadd b) (bvand b) (bvor b) (bvxor b) (bvmul b))",
        "(xor p)",
        "(= i (div i))",
        "(= x (/ x))",
        "(< i)",
        "(= a (union a) (intersection a))",
        "(str.in_re s (re.diff (str.to_re s)))",
        "(distinct i)",
    ] {
        accepted(term);
    }
    for name in ["=", "=>", "bvnand", "bvsub", "bvult", "bvcomp", "mod", "str.<", "fp.lt", "setminus"] {
        refused(&format!("({name} p)"), &format!("{name} takes 2"));
    }
    refused("(select m)", "select takes 2 or more arguments, not 1");
}

#[test]
fn more_arguments_are_taken_from_the_left_where_the_standard_or_the_solver_does() {
    for term in [
        "(= b (bvxnor b b b))",
        "(str.in_re s (re.diff re.all re.none re.all))",
        "(subset a (union a a a))",
        "(iff p p p)",
    ] {
        accepted(term);
    }
    refused("(= b (bvsub b b b))", "bvsub takes 2 arguments, not 3");
    refused("(bvult b b b)", "bvult takes 2 arguments, not 3");
    refused("(str.< s s s)", "str.< takes 2 arguments, not 3");
}

#[test]
fn a_real_is_not_cut_to_an_int_without_a_word() {
    refused("((_ divisible 2) x)", "argument 1 of divisible is of sort Real, not Int");
    refused("(= b ((_ int2bv 8) x))", "argument 1 of int2bv is of sort Real, not Int");
    refused("(= i (select m x))", "argument 2 of select is of sort Real, not Int");
    refused("(= m (store m 1.5 2))", "argument 2 of store is of sort Real, not Int");
    refused("(= m (store m 1 2.5))", "argument 3 of store is of sort Real, not Int");
    refused("(= i (select m p))", "argument 2 of select is of sort Bool, not Int");
    refused("(= i (select g i))", "argument 1 of select is of sort Array, not an array of 1 index");
    refused("(= i (select x 1))", "argument 1 of select is of sort Real, not an array");
}

#[test]
fn what_the_solver_coerces_with_a_meaning_is_left_to_it() {
    for term in [
        "(= i (select n i))",
        "(= n (store n 1 2))",
        "(= x (+ i x))",
        "(= i (mod (^ 2 i) 3))",
        // Public scripts do so, and the solver's meaning is said and tested.
        "(= i (div x 2) (mod 7.5 2) (rem x i))",
        "(= x (^ x i))",
        "(select (store g i i true) 1 2)",
        "(= i (abs i))",
    ] {
        accepted(term);
    }
}

#[test]
fn sorts_of_results_are_known() {
    refused("(= p (fp #b0 #b01111 #b0000000000))", "argument 2 of = is of sort (_ FloatingPoint 5 11), not Bool");
    refused("(= p (fp.to_ieee_bv f))", "is of sort (_ BitVec 16), not Bool");
    refused("(= p (_ Char 66))", "is of sort Char, not Bool");
    refused("(= p (char.to_bv (_ Char 66)))", "is of sort (_ BitVec 18), not Bool");
    refused("(= p (_ char #x42))", "is of sort String, not Bool");
    refused("(= p (seq.map (lambda ((k Int)) (+ k 1)) q))", "is of sort Seq, not Bool");
    refused("(= p (seq.to.re q))", "is of sort RegLan, not Bool");
    refused("(= p (seq.nth_i q 0))", "is of sort Int, not Bool");
    refused("(= p (^ x 2))", "is of sort Real, not Bool");
    refused("(= p (union a a))", "is of sort Array, not Bool");
    refused("(subset a m)", "argument 2 of subset");
}

#[test]
fn characters_have_codes_in_hexadecimal_or_decimal() {
    accepted("(= s (seq.unit (_ Char 66)) (seq.unit (_ Char #x42)) (_ char #x42))");
    refused("(= s (seq.unit (_ Char 196608)))", "a character's code");
    refused("(= s (_ char 66))", "a character's code");
}

#[test]
fn what_is_refused_on_purpose_says_what_to_write() {
    refused(
        "((_ transitive-closure r) i i)",
        "transitive-closure is not declared, and the solver's own is not accepted",
    );
    refused("((_ tree-order 0) i i)", "declare a function to Bool");
    refused("(set.in i a)", "use (Set T), an array to Bool");
    refused("(forall ((k (FiniteSet Int))) p)", "use (Set T), an array to Bool");
    refused("(= x (asin x))", "declare it, as in (declare-fun f (Real) Real)");
    refused("(= i (default m))", "as in (select a i)");
    refused("(= i (seq.last_indexof q q))", "answers falsely");
    refused("(= s (seq.unit (char.from_bv #b000000000001000010)))", "write (_ Char code)");
    refused("(= b (bvudiv0 b))", "write the division");
    refused("(= x pi)", "declare it, as in (declare-const pi Real)");
    refused("(= x (sqrt x))", "write (^ x 0.5)");
    refused("(= x (unknown-to-everybody x))", "unknown-to-everybody is not declared");
}

#[test]
fn where_the_solver_keeps_bounds_only_it_is_told() {
    for term in ["(= x (sin x))", "(< (cos 1) x)", "(= (exp x) 2.0)"] {
        assert!(accepted(term).assumptions.approximated, "{term}");
    }
    assert!(!accepted("(= x (^ x 2.0))").assumptions.approximated);
    let own = "(declare-fun sin (Real) Real)(assert (= (sin 0.0) 2.0))(check-sat)";
    let own = normalise(own.as_bytes(), &Limits::default()).unwrap();
    assert!(!own.assumptions.approximated && own.text.contains("sin~1"));
}

#[test]
fn lists_are_declared_where_the_script_does_not() {
    let of = |script: &str| normalise(script.as_bytes(), &Limits::default()).unwrap().text;
    let text = of("(set-logic ALL)(push)(declare-const l (List Int))(assert (= (head (insert 1 l)) 1))(check-sat)");
    let declared = text.find("(declare-datatypes ((List~1 1))").expect("declared");
    assert!(declared < text.find("(push").unwrap() && declared > text.find("(set-logic").unwrap(), "{text}");
    let own = of("(declare-datatypes ((List 1)) ((par (X) ((none) (more (first X) (rest (List X)))))))\
        (declare-const l (List Int))(assert (= (first (more 1 l)) 1))(check-sat)");
    assert!(!own.contains("insert") && own.contains("more"), "{own}");
    refused("(= i (head q))", "head is not declared");
}
