//! What is refused, where, and with which words.
//!
//! Must never: check only that something was refused; a refusal in the wrong place hides another.

use smtlib::{Error, Limits, normalise};

fn refusal(script: &str) -> Error {
    match normalise(script.as_bytes(), &Limits::default()) {
        Ok(normalised) => panic!("accepted: {script}\nas: {}", normalised.text),
        Err(error) => error,
    }
}

/// The script is refused at this line and column with these words in the message.
#[track_caller]
fn refused(script: &str, line: u32, column: u32, words: &str) {
    let error = refusal(script);
    assert_eq!((error.line, error.column), (line, column), "{error}\nin: {script}");
    assert!(error.kind.to_string().contains(words), "{error}\nwanted: {words}\nin: {script}");
}

/// A declared Bool, and a check at the end.
#[track_caller]
fn refused_in(middle: &str, line: u32, column: u32, words: &str) {
    refused(&format!("(declare-const p Bool) (declare-const x Int)\n{middle}\n(check-sat)\n"), line, column, words);
}

#[test]
fn commands_that_are_not_understood_are_refused_by_name() {
    refused_in("(|check-sat|)", 2, 2, "a command's name stands without bars");
    refused_in("(assert p) (check-sat) ; twice", 3, 1, "2 queries, and a proof asks exactly once: `pop check FILE`");
    refused("(assert true)\n", 2, 1, "no check-sat");
    refused_in("(assert p)\n(check-sat (not q))", 3, 17, "q is not declared");
    refused_in("(check-sat x)", 2, 12, "a term of sort Int stands where Bool is needed");
    refused_in("(check-sat-assuming p)", 2, 21, "a list of literals was expected");
    refused_in("(check-sat-assuming (p) (p))", 2, 2, "check-sat-assuming has the form");
    refused_in("(include \"/etc/passwd\")", 2, 2, "include is not accepted");
    refused_in("(assert p)(exit)", 2, 12, "exit is not accepted");
    refused_in("(reset 1)", 2, 2, "reset has the form (reset)");
    refused_in("(reset-assertions)", 2, 2, "as a script of its own, with its declarations");
    refused_in("(minimize x)", 2, 2, "minimize is not accepted");
    refused_in("(declare-type-var A)", 2, 2, "declare-type-var is not accepted");
    refused_in("(check-sat-using psmt)", 2, 2, "check-sat-using is not accepted; write (check-sat)");
    refused_in("(rule (=> p p))", 2, 2, "write (set-logic HORN)");
    refused_in("(declare-rel r (Int))", 2, 2, "write (set-logic HORN)");
    refused_in("(model-add m () Int 1)", 2, 2, "model-add is not accepted");
    refused_in("p", 2, 1, "a command was expected");
    refused_in("()", 2, 1, "a command was expected");
    refused_in("((assert) p)", 2, 2, "a command was expected");
}

#[test]
fn a_further_query_is_not_overlooked() {
    refused("(assert true)(check-sat)\n(check-sat)", 2, 1, "2 queries");
    refused("(assert true)(check-sat)\n(reset)(foo)\n(check-sat-assuming (p))(check-sat)", 3, 1, "3 queries");
    refused("(assert true)(check-sat)\n(check-sat-using smt)", 2, 1, "2 queries");
    refused("(assert true)(check-sat)\n(|check-sat|)", 2, 2, "a command's name stands without bars");
    refused("(assert true)(check-sat)\n(pop", 2, 1, "never closed");
    refused("(assert true)(check-sat)\npop", 2, 1, "a command was expected");
}

#[test]
fn bytes_that_the_solver_might_read_otherwise_are_refused() {
    refused("(assert true)\0(check-sat)", 1, 14, "control character U+0000");
    refused("(assert \u{7F})", 1, 9, "control character U+007F");
    refused("(declare-const |a\u{1}| Bool)(check-sat)", 1, 18, "control character U+0001");
    refused("(assert (= \"a\u{1}\" \"\"))(check-sat)", 1, 14, "write this character as \\u{1}");
    refused("(assert\u{A0}true)", 1, 8, "U+00A0 looks like a space and is not one (no-break space)");
    refused("\u{2003}(assert true)", 1, 1, "U+2003 looks like a space");
    refused("(assert é)", 1, 9, "'é' cannot stand here");
    refused("(assert #| |#)", 1, 9, "'#' cannot stand here");
    refused("(assert [p])", 1, 9, "'[' cannot stand here");
    refused("(assert |a\\|)", 1, 11, "backslash");
    refused("(assert |p)", 1, 9, "no closing bar");
    refused("\n(set-info :a \"p)", 2, 14, "no closing quotation mark");
    refused("(assert (= \"é\" \"\"))(check-sat)", 1, 12, "write this character as \\u{e9}");
    let error = normalise(b"(assert\n \xFF)", &Limits::default()).expect_err("not UTF-8");
    assert_eq!((error.line, error.column), (2, 2));
    assert!(error.kind.to_string().contains("not UTF-8"));
    let error = normalise(b"(assert (= \"J\xF6\" \"\"))(check-sat)", &Limits::default()).expect_err("ISO 8859-1");
    assert_eq!((error.line, error.column), (1, 14));
    assert!(error.kind.to_string().contains("write this character as \\u{f6}"), "{error}");
    let error = normalise(b"(declare-const |J\xF6| Int)(check-sat)", &Limits::default()).expect_err("ISO 8859-1");
    assert!(error.kind.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn a_comment_ends_at_a_carriage_return_too() {
    // The solver would go on to the line feed and miss the assertion.
    let normalised = normalise(b"(assert true) ; note\r(assert false)\r(check-sat)", &Limits::default());
    assert_eq!(normalised.expect("three commands").text, "(assert true)\n(assert false)\n(check-sat)\n");
    refused("(assert true)\r\n\r; c\r(assert q)\n(check-sat)", 4, 9, "q is not declared");
}

#[test]
fn numbers_have_one_form() {
    refused_in("(assert (= x 007))", 2, 14, "leading zeros");
    refused_in("(assert (= x 1a))", 2, 14, "must not begin with a digit");
    refused_in("(assert (= x +1))", 2, 14, "+1 is not declared");
    refused_in("(assert (= x -01))", 2, 14, "-01 is not declared");
    refused_in("(assert (= x |-1|))", 2, 14, "-1 is not declared");
    refused_in("(assert (= x #xG))", 2, 14, "digits are missing or wrong");
    refused_in("(assert (= x #b2))", 2, 14, "digits are missing or wrong");
    refused_in("(assert (= x #b))", 2, 14, "digits are missing or wrong");
    refused_in("(assert (= x 1\"a\"))", 2, 15, "without a space");
    refused_in("(assert (= x 1/2))", 2, 14, "must not begin with a digit");
    let digits = "9".repeat(100_000);
    refused_in(&format!("(assert (= x {digits}))"), 2, 14, "more than 4096 digits");
    refused_in(&format!("(assert (= x -{digits}))"), 2, 14, "longer than 65536 bytes");
    refused_in(&format!("(assert (= x -{}))", &digits[..5_000]), 2, 14, "more than 4096 digits");
    refused_in(&format!("(assert (= (_ bv0 8) (_ bv{} 8)))", &digits[..5_000]), 2, 25, "does not fit into 8 bits");
    refused_in("(assert (= (_ bv0 8) (_ bv256 8)))", 2, 25, "bv256 does not fit into 8 bits");
    refused_in("(assert (= (_ bv0 8) (_ bv01 8)))", 2, 25, "leading zeros");
}

#[test]
fn reserved_words_are_no_names_with_or_without_bars() {
    refused_in("(assert (|let| ((y 1)) p))", 2, 10, "|let| between bars");
    refused_in("(assert (|forall| ((y Int)) p))", 2, 10, "|forall| between bars");
    refused_in("(declare-const |_| Int)", 2, 16, "|_| between bars");
    refused_in("(declare-const let Int)", 2, 16, "let is a reserved word");
    refused_in("(assert forall)", 2, 9, "forall is a reserved word");
}

#[test]
fn names_are_bound_once() {
    refused_in("(define-fun f ((a Int) (a Int)) Int a)", 2, 25, "a is bound twice");
    refused_in("(assert (let ((a 1) (b 2) (a 3)) p))", 2, 28, "a is bound twice");
    refused_in("(assert (forall ((a Int) (a Bool)) p))", 2, 27, "a is bound twice");
    refused_in("(define-sort S (X X) Int)", 2, 19, "X is bound twice");
    refused_in("(declare-datatypes ((T 0)) (((a (f Int) (f Int)))))", 2, 42, "f is declared again");
    refused_in("(declare-datatypes ((T 0) (T 0)) (((a)) ((b))))", 2, 28, "T is declared again");
    refused_in("(declare-datatypes ((T 0)) (((a) (a))))", 2, 35, "a is declared again");
}

#[test]
fn a_second_declaration_for_the_same_sorts_is_refused() {
    refused_in("(define-fun x () Int 3)", 2, 13, "x is declared again, and differently");
    refused_in("(define-fun x () Real 3)", 2, 13, "x is declared again, and differently");
    refused_in("(declare-sort S 0)\n(declare-sort S 1)", 3, 15, "S is declared again");
    refused_in("(define-fun f () Int 1)\n(define-fun f () Int 2)", 3, 13, "f is declared again");
    refused_in("(assert (! p :named x))", 2, 21, "x is declared again");
    refused_in("(define-fun-rec f ((a Int)) Int a)(define-fun-rec f ((a Int)) Int x)", 2, 51, "f is declared again");
}

#[test]
fn a_use_that_several_functions_fit_is_refused() {
    refused_in("(declare-fun x () Real)(assert (= x x))", 2, 35, "x has several meanings here: more than one");
    let two = "(declare-fun f (Int) Bool)(declare-fun f (Real) Bool)";
    refused_in(&format!("{two}(assert (f 1))"), 2, 62, "f has several meanings here: more than one");
    refused_in(&format!("{two}(assert (f p))"), 2, 62, "f has several meanings here: none of them takes");
    refused_in(&format!("{two}(assert ((_ map f) x))"), 2, 70, "write (name (sorts) sort)");
}

#[test]
fn a_standards_function_is_not_shadowed() {
    refused_in("(declare-fun and (Bool) Bool)", 2, 14, "choose another name");
    refused_in("(declare-const not Int)", 2, 16, "choose another name");
    refused_in("(define-fun abs ((a Int)) Int a)", 2, 13, "choose another name");
    refused_in("(declare-fun mod (Int Int) Int)", 2, 14, "choose another name");
    refused_in("(assert (let ((true false)) true))", 2, 16, "choose another name");
    refused_in("(assert (let ((not x)) (not 1)))", 2, 16, "choose another name");
    refused_in("(assert (let ((mod x)) (= 1 (mod 1))))", 2, 30, "mod is a variable");
    refused_in("(assert (forall ((ite Int)) p))", 2, 19, "choose another name");
    refused_in("(declare-sort Int 0)", 2, 15, "choose another name");
    refused_in("(define-sort Array (X Y) X)", 2, 14, "choose another name");
    refused_in("(declare-datatype L ((not)))", 2, 23, "choose another name");
    refused_in("(assert (implies p p))(declare-fun implies (Bool Bool) Bool)", 2, 36, "after it was used");
    // The solver reads an element of the array there.
    refused_in("(declare-const mod (Array Int Int Int))(assert (= 1 (mod 1 2)))", 2, 54, "may be an array");
    refused_in(
        "(declare-const lambda Int)(assert (select (lambda ((y Int)) p) 1))",
        2,
        16,
        "lambda is a reserved word",
    );
}

#[test]
fn global_declarations_are_honoured_or_refused() {
    let on = "(set-option :global-declarations true)";
    refused_in(on, 2, 13, "set it once, before everything");
    refused(&format!("{on}{on}(check-sat)"), 1, 51, "set it once");
    refused(&format!("{on}(reset)(check-sat)"), 1, 39, "use no reset");
    refused("(set-option :GLOBAL-DECLARATIONS true)(check-sat)", 1, 13, "write it so, or leave it out");
    refused("(set-option :global_decls true)(check-sat)", 1, 13, "write it so, or leave it out");
    let popped = "(push)(declare-fun f (Int) Bool)(pop)(push)(declare-fun f (Real) Bool)";
    refused(&format!("{on}{popped}(assert (f 1))(check-sat)"), 1, 95, "f is declared again");
    let defined = "(push)(define-fun f ((x Real)) Bool true)(pop)(declare-fun f (Int) Bool)";
    refused(&format!("{on}{defined}(check-sat)"), 1, 98, "f is declared again");
    refused(&format!("{on}(push)(declare-sort S 0)(pop)(declare-sort S 0)(check-sat)"), 1, 82, "S is declared again");
    let named = "(push)(assert (! true :named n))(pop)(assert n)";
    refused(&format!("{on}{named}(check-sat)"), 1, 84, "n names a term that is asserted elsewhere");
    let used = "(assert (! true :named n))(define-fun f () Bool n)(assert f)";
    refused(&format!("{on}{used}(check-sat)"), 1, 87, "n names a term that is asserted elsewhere");
    let recursive = "(push)(define-fun-rec f ((x Int)) Int (f x))(pop)";
    refused(&format!("{on}{recursive}(check-sat)"), 1, 61, "recursive definition in an open scope");
}

#[test]
fn every_symbol_is_known() {
    refused_in("(assert q)", 2, 9, "q is not declared");
    refused_in("(assert (q p))", 2, 10, "q is not declared");
    refused_in(
        "(assert (= x (log x)))",
        2,
        15,
        "log is not declared, and the solver's own is not accepted: the solver answers",
    );
    refused_in("(assert (is-cons x))", 2, 10, "is-cons is not declared");
    refused_in("(declare-const y U)", 2, 18, "the sort U is not declared");
    refused_in("(assert ((_ foo 3) p))", 2, 13, "foo is not declared");
    refused_in("(assert ((_ is cons) p))", 2, 16, "cons is not declared");
    refused_in("(push)(declare-const y Int)(pop)(assert (= y 1))", 2, 44, "y is not declared");
    refused_in("(assert (forall ((y Int)) (y 1)))", 2, 28, "y is a variable");
    refused_in("(assert (and (let ((y 1)) p) (= y 1)))", 2, 33, "y is not declared");
    refused_in("(assert (let ((y 1) (z y)) p))", 2, 24, "y is not declared");
    refused_in("(define-fun f ((a Int)) Int (f a))", 2, 30, "f is not declared");
}

#[test]
fn arguments_are_counted() {
    refused_in("(assert (not p p))", 2, 10, "not takes 1 arguments, not 2");
    refused_in("(assert (and))", 2, 9, "an argument");
    refused_in("(assert (p))", 2, 9, "an argument");
    refused_in("(declare-fun f (Int) Bool)(assert (f x x))", 2, 36, "f takes 1 arguments, not 2");
    refused_in("(declare-fun f (Int) Bool)(assert f)", 2, 35, "f takes 1 arguments, not 0");
    refused_in("(assert extract)", 2, 9, "extract has the form (_ name index …)");
    refused_in("(assert (= #b1 ((_ extract 0) #b1)))", 2, 20, "extract takes 2 indices, not 1");
    refused_in("(assert ((_ divisible 0) x))", 2, 23, "a divisor of at least one");
    refused_in("(assert ((_ divisible 2) p))", 2, 26, "argument 1 of divisible is of sort Bool, not Int");
    refused_in("(assert ((_ divisible 2) x x))", 2, 13, "divisible takes 1 arguments, not 2");
    refused_in("(assert p p)", 2, 2, "assert has the form (assert term)");
    refused_in("(assert)", 2, 2, "assert has the form (assert term)");
    refused_in("(declare-sort S 0 0)", 2, 2, "declare-sort has the form");
    refused_in("(declare-const y (Array Int))", 2, 19, "Array takes 2 or more sorts, not 1");
    refused_in("(declare-const y (Int Int))", 2, 19, "Int takes 0 sorts, not 1");
    refused_in("(declare-datatypes ((T 1)) (((a))))", 2, 22, "T takes 1 parameters, not 0");
}

#[test]
fn what_the_solver_would_coerce_is_refused() {
    refused_in("(assert (= x (+ 1 true)))", 2, 19, "argument 2 of + is of sort Bool, not Int or Real");
    refused_in("(assert (= x p))", 2, 14, "argument 2 of = is of sort Bool, not Int");
    refused_in("(assert x)", 2, 9, "a term of sort Int stands where Bool is needed");
    refused_in("(assert (and p x))", 2, 16, "argument 2 of and is of sort Int, not Bool");
    refused_in("(declare-fun f (Int) Int)(assert (= x (f p)))", 2, 42, "argument 1 of f is of sort Bool, not Int");
    refused_in("(define-fun f () Int p)", 2, 22, "a term of sort Bool stands where Int is needed");
    refused_in("(assert (ite x p p))", 2, 14, "argument 1 of ite is of sort Int, not Bool");
    refused_in("(assert (forall ((y Int)) y))", 2, 9, "a term of sort Int stands where Bool is needed");
}

#[test]
fn attributes_that_are_not_known_are_refused() {
    refused_in("(assert (! p :foo 1))", 2, 14, ":foo is not accepted");
    refused_in("(assert (! p :named))", 2, 10, "! has the form");
    refused_in("(assert (! p))", 2, 10, "! has the form");
    refused_in("(assert (forall ((y Int)) (! (= y y) :named n)))", 2, 45, "without free variables");
    refused_in("(assert (forall ((y Int)) (! p :weight 9999999999)))", 2, 40, "above the limit");
    refused_in("(assert (forall ((y Int)) (! p :pattern ())))", 2, 41, "at least one term");
    refused_in("(assert (forall ((y Int)) (! p :pattern ((g y)))))", 2, 43, "g is not declared");
}

#[test]
fn an_option_has_a_keyword() {
    refused("(set-option)", 1, 2, "(set-option :name value)");
    refused("(set-option smt.mbqi false)", 1, 2, "(set-option :name value)");
}

#[test]
fn logics_come_first() {
    refused("(set-logic ALL)(set-logic ALL)", 1, 17, "only once");
    refused("(declare-sort S 0)(set-logic ALL)", 1, 20, "must come before");
    refused("(set-info :status maybe)", 1, 19, "sat, unsat or unknown, not maybe");
}

#[test]
fn limits_hold_for_every_way_to_grow() {
    refused_in("(declare-const y (_ BitVec 2147483648))", 2, 28, "2147483648 bits are more than the limit");
    refused_in("(declare-const y (_ BitVec 0))", 2, 28, "zero bits");
    refused_in("(assert (= #b1 ((_ zero_extend 99999999) #b1)))", 2, 32, "more than the limit");
    refused_in("(assert (= #b1 ((_ repeat 0) #b1)))", 2, 16, "zero bits");
    refused_in("(push 4000000000)", 2, 2, "more than 1024 scopes");
    refused_in("(push 99999999999999999999999)", 2, 2, "more than 1024 scopes");
    refused_in("(pop)", 2, 2, "pop of 1 with only 0 open");
    refused_in("(push 2)(pop 3)", 2, 10, "pop of 3 with only 2 open");
    refused_in("(declare-sort S 99999)", 2, 17, "above the limit");
}

#[test]
fn doubling_definitions_are_refused() {
    let mut script = String::from("(define-fun f0 ((a Int)) Int (+ a a))\n");
    for level in 1..40 {
        script += &format!("(define-fun f{level} ((a Int)) Int (f{0} (f{0} a)))\n", level - 1);
    }
    let error = refusal(&script);
    assert!(error.kind.to_string().contains("nodes when definitions"), "{error}");
    assert!((15..30).contains(&error.line), "{error}");
}

#[test]
fn doubling_datatypes_are_refused() {
    let mut script = String::from("(declare-datatypes ((T0 0)) (((c0 (l0 Int) (r0 Int) (s0 T0)) (n0))))\n");
    for level in 1..40 {
        script +=
            &format!("(declare-datatypes ((T{level} 0)) (((c{level} (l{level} T{0}) (r{level} T{0}))))) \n", level - 1);
    }
    let error = refusal(&script);
    assert!(error.kind.to_string().contains("fields of datatypes"), "{error}");
    assert!((15..30).contains(&error.line), "{error}");
}

#[test]
fn doubling_sorts_and_widths_are_refused() {
    let mut sorts = String::from("(define-sort S0 (X) (Array X X))\n");
    let mut widths = String::from("(declare-const b0 (_ BitVec 64))(assert ");
    for level in 1..40 {
        sorts += &format!("(define-sort S{level} (X) (S{0} (S{0} X)))\n", level - 1);
        widths += &format!("(let ((b{level} (concat b{0} b{0})))\n", level - 1);
    }
    let error = refusal(&sorts);
    assert!(error.kind.to_string().contains("nodes when"), "{error}");
    let error = refusal(&format!("{widths} (= b39 b39){}(check-sat)", ")".repeat(40)));
    assert!(error.kind.to_string().contains("bits are more than the limit"), "{error}");
}

#[test]
fn limits_are_the_callers() {
    let tight = Limits { bytes_max: 30, ..Limits::default() };
    let error = normalise(b"(assert (and true true true))(check-sat)", &tight).expect_err("too long");
    assert_eq!(error.to_string(), "line 1, column 1: the script has 40 bytes, the limit is 30");
    let tight = Limits { tokens_max: 5, ..Limits::default() };
    let error = normalise(b"(assert (and true true))(check-sat)", &tight).expect_err("too many tokens");
    assert_eq!(error.to_string(), "line 1, column 19: the script has more than 5 tokens");
    let tight = Limits { depth_max: 2, ..Limits::default() };
    let error = normalise(b"(assert (and (not true) true))(check-sat)", &tight).expect_err("too deep");
    assert_eq!(error.to_string(), "line 1, column 14: more than 2 parentheses are open at once");
}

#[test]
fn parentheses_match() {
    refused("(assert true", 1, 1, "never closed");
    refused("(assert (not true)\n(check-sat)", 1, 1, "never closed");
    refused("(assert true))\n(check-sat)", 1, 14, "closes nothing");
}

#[test]
fn limits_are_read_strictly_from_json() {
    let limits: Limits = serde_json::from_str("{\"bytes_max\": 100}").expect("the rest has defaults");
    assert_eq!(limits, Limits { bytes_max: 100, ..Limits::default() });
    assert!(serde_json::from_str::<Limits>("{\"byte_max\": 100}").is_err());
    let text = serde_json::to_string(&limits).expect("limits are plain numbers");
    assert_eq!(serde_json::from_str::<Limits>(&text).expect("what was written"), limits);
}

/// Datatypes with parameters, and constants of them, in the first line.
#[track_caller]
fn refused_of_parametric(middle: &str, column: u32, words: &str) {
    refused(&format!("{PARAMETRIC}\n{middle}\n(check-sat)\n"), 2, column, words);
}

const PARAMETRIC: &str = "(declare-datatypes ((Pair 2)) ((par (A B) ((mk (first A) (second B)))))) \
    (declare-datatypes ((L 1)) ((par (T) ((nil) (cons (hd T) (tl (L T))))))) \
    (declare-const p (Pair Bool Int)) (declare-const r (Pair Real Bool)) (declare-const li (L Int)) \
    (declare-const lr (L Real)) (declare-fun f (Int) Bool) (declare-const lp (L (Pair Bool Int)))";

#[test]
fn what_a_parametric_datatype_holds_has_its_sort() {
    refused_of_parametric("(assert (= 3 (+ 1 (first p))))", 19, "is of sort Bool, not Int or Real");
    refused_of_parametric("(assert (f (first r)))", 12, "is of sort Real, not Int");
    refused_of_parametric("(assert (= (hd li) true))", 20, "is of sort Bool, not Int");
    refused_of_parametric("(assert (= 3 (+ 1 (first (hd (tl lp))))))", 19, "is of sort Bool, not Int or Real");
    refused_of_parametric("(assert (hd (tl li)))", 9, "a term of sort Int stands where Bool is needed");
    refused_of_parametric("(assert (= 3 (first 3)))", 21, "is of sort Int, not Pair");
    refused_of_parametric("(assert (= 3 (hd p)))", 18, "is of sort (Pair Bool Int), not L");
    refused_of_parametric("(assert (match p (((mk a b) (= 1 (+ a b))))))", 37, "is of sort Bool, not Int or Real");
    refused_of_parametric(
        "(assert (match lp ((nil true) ((cons x y) (= 1 (+ 1 (first x)))))))",
        53,
        "is of sort Bool, not Int or Real",
    );
}

#[test]
fn what_a_parametric_datatype_is_made_of_fits_together() {
    // The solver would cut 1.5 to 1.
    refused_of_parametric("(assert (= li (cons 1.5 (as nil (L Int)))))", 21, "is of sort Real, not Int");
    refused_of_parametric("(assert (= li ((as cons (L Int)) 1.5 (as nil (L Int)))))", 34, "is of sort Real, not Int");
    refused_of_parametric("(assert (= li (cons true li)))", 21, "is of sort Bool, not Int");
    refused_of_parametric("(assert (= lp (cons (mk 1 2) lp)))", 21, "is of sort (Pair Int Int), not (Pair Bool Int)");
    refused_of_parametric("(assert (= li (cons 1 3)))", 23, "is of sort Int, not L");
    refused_of_parametric("(assert (= 1 (+ 1 (second (mk 1 true)))))", 19, "is of sort Bool, not Int or Real");
    refused_of_parametric("(assert (= p (mk 1 2)))", 14, "is of sort (Pair Int Int), not (Pair Bool Int)");
}
