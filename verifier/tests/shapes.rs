//! What verifiers and people write, kind by kind, with the right answer: through the normaliser and the solver, and never
//! the opposite of what the library says of the original text.
//!
//! Every kind has the traps that were found in it: scripts that a simpler reading answers falsely.
//!
//! Must never: take the solver's word for what is right; each answer here follows from the script.

mod direct;

use direct::{Asker, Both, Bounds};
use protocol::verdict::{Answer, Verdict};

#[test]
#[ignore = "the child process of the tests beside it"]
fn child() {
    direct::child();
}

/// What is right for a script.
#[derive(Clone, Copy, Debug)]
enum Right {
    Sat,
    Unsat,
    /// Refused with these words in the message.
    Refused(&'static str),
    /// Read, and the solver has no answer that counts.
    Open,
}
use Right::{Open, Refused, Sat, Unsat};

/// The library takes names of the script for its own: then its answer to the original is none.
fn takes_names(both: &Both) -> bool {
    let mut notes = both.report.iter().flat_map(|report| &report.notes);
    notes.any(|note| note.text.starts_with("renamed, the solver would take it for its own"))
}

fn all_are_right(scripts: &[(Right, &str)]) {
    let mut asker = Asker::new("child");
    let mut wrong = Vec::new();
    for (right, script) in scripts {
        let both = asker.ask(script.as_bytes(), Bounds::default());
        let is_right = match (right, both.report.as_ref().map(|report| (&report.verdict, report.answer))) {
            (Sat, Some((_, Some(Answer::Sat)))) | (Unsat, Some((_, Some(Answer::Unsat)))) => {
                !both.contradict() || takes_names(&both)
            }
            (Refused(words), Some((Verdict::Rejected { text, .. }, _))) => text.contains(words),
            (Open, Some((Verdict::NoVerdict { .. }, None))) => true,
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{right:?}: {}\n{both:#?}", script.chars().take(2_000).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), scripts.len(), wrong.join("\n\n"));
}

#[test]
fn what_stands_round_the_query() {
    all_are_right(&[
        (
            Unsat,
            "(declare-const p Bool)(push)(assert (and p (not p)))(check-sat)(pop)(reset)(set-option :foo 1)(reset)",
        ),
        (Unsat, "(assert false)(check-sat)(reset-assertions)(exit)"),
        (Unsat, "(reset)(set-logic QF_LIA)(declare-const x Int)(assert (< x x))(check-sat)(get-model)(exit)"),
        // A preamble before the reset says nothing any more, its logic least of all.
        (
            Unsat,
            "(set-logic QF_BV)(declare-const x (_ BitVec 8))(assert (= x x))(reset)(declare-const x Int)(assert (< x x))(check-sat)",
        ),
        (Sat, "(declare-const x Int)(assert (< x x))(reset)(declare-const x Int)(assert (< x 1))(check-sat)"),
        (
            Unsat,
            "(declare-const p Bool)(assert p)(simplify (+ 1 2))(dbg-lemmas x)(display p)(get-interpolant A B)(check-sat (not p))",
        ),
        (Sat, "(declare-const p Bool)(declare-const q Bool)(assert (or p q))(check-sat-assuming ((not p) q))"),
        (Unsat, "(declare-const p Bool)(declare-const q Bool)(assert (or p q))(check-sat-assuming ((not p) (not q)))"),
        (
            Refused("2 queries"),
            "(declare-const p Bool)(push)(assert p)(check-sat)(pop)(push)(assert (not p))(check-sat)(pop)",
        ),
        (
            Refused("as a script of its own"),
            "(declare-const p Bool)(assert p)(reset-assertions)(assert (not p))(check-sat)",
        ),
        (Refused("sat then says that it is safe"), "(declare-rel q ())(rule q)(query q)"),
        (Refused("assert the bound"), "(declare-const x Int)(minimize x)(assert (> x 1))(check-sat)"),
    ]);
}

#[test]
fn global_declarations() {
    const ON: &str = "(set-option :global-declarations true)";
    let on = |script: &str| format!("{ON}{script}(check-sat)");
    let cases = [
        (Unsat, on("(push)(declare-const p Bool)(pop)(assert (and p (not p)))")),
        (Sat, on("(push)(declare-const p Bool)(assert (not p))(pop)(push)(assert p)")),
        (Unsat, on("(push)(declare-datatype D ((a) (b)))(define-fun f ((d D)) Bool (not ((_ is a) d)))(pop)(declare-const d D)(assert (and (f d) (not (= d b))))")),
        (Unsat, on("(set-logic QF_UF)(push)(declare-sort S 0)(pop)(push)(declare-const s S)(pop)(assert (distinct s s))")),
        // To the solver f is there twice, and the two uses are of different ones.
        (Refused("f is declared again"), on("(push)(declare-fun f (Int) Bool)(pop)(push)(declare-fun f (Real) Bool)(assert (f 1))(assert (not (f 1.0)))")),
        (Refused("f is declared again"), on("(push)(define-fun f ((x Real)) Bool (> x 0.0))(pop)(declare-fun f (Int) Bool)(assert (not (f 1)))")),
        (Refused("set it once"), "(push)(set-option :global-declarations true)(declare-const p Bool)(pop)(assert p)(check-sat)".to_owned()),
        (Refused("use no reset"), on("(declare-const p Bool)(reset)(assert p)")),
        (Sat, "(set-option :global-declarations false)(push)(declare-const p Bool)(pop)(declare-const p Int)(assert (= p 1))(check-sat)".to_owned()),
    ];
    let cases: Vec<(Right, &str)> = cases.iter().map(|(right, script)| (*right, script.as_str())).collect();
    all_are_right(&cases);
}

#[test]
fn numerals() {
    const F: &str =
        "(declare-fun f (Int) Bool)(declare-fun f (Real) Bool)(assert (f 1))(assert (not (f 1.0)))(check-sat)";
    let under = |logic: &str| format!("(set-logic {logic}){F}");
    let [lra, nra, odd] = ["UFLRA", "AUFNRA", "AUFLRA"].map(under);
    all_are_right(&[
        // Under a logic with Reals and no Ints both uses are of the second f, listed logic or not.
        (Unsat, &lra),
        (Unsat, &nra),
        (Unsat, &odd),
        (Refused("more than one of them takes"), F),
        (Sat, "(set-logic QF_LRA)(declare-const x Real)(define-fun limit () Real 5)(assert (< x limit))(check-sat)"),
        (
            Sat,
            "(set-logic QF_LRA)(declare-const x Real)(define-fun limit () Real (- 5))(assert (< x limit (* 2 3)))(check-sat)",
        ),
        (
            Unsat,
            "(declare-const x Real)(define-fun half () Real (/ 1 2))(assert (distinct (+ half half) 1))(check-sat)",
        ),
        (
            Unsat,
            "(define-fun two () Real 2)(define-fun minus () Real (- (+ 1 1)))(assert (distinct (+ two minus) 0))(check-sat)",
        ),
        (Unsat, "(declare-const a (Array Int Real))(assert (distinct (select (store a 1 2) 1) 2))(check-sat)"),
        (Unsat, "(assert (distinct (select ((as const (Array Int Real)) 7) 3) 7))(check-sat)"),
        (Unsat, "(declare-datatype P ((mk (v Real))))(assert (distinct (v (mk 1)) 1))(check-sat)"),
        (Unsat, "(declare-fun f (Real) Int)(assert (distinct (f 1) (f 1.0)))(check-sat)"),
        // Indices and positions stay what they are.
        (Unsat, "(set-logic AUFLRA)(declare-const b (_ BitVec 8))(assert (distinct ((_ extract 7 0) b) b))(check-sat)"),
        (Unsat, "(set-logic QF_LRA)(declare-const x Real)(assert (and (= x 1.) (distinct x 1)))(check-sat)"),
        (Sat, "(assert (= (div 7 2) 3))(check-sat)"),
        (Unsat, "(assert (distinct (mod (- 7) 2) 1))(check-sat)"),
    ]);
}

#[test]
fn names_of_theories_and_of_the_solver() {
    all_are_right(&[
        (
            Unsat,
            "(declare-const a Int)(declare-const b Int)(assert (> b 0))(define-fun mod () Int (mod a b))(assert (>= mod b))(check-sat)",
        ),
        (
            Unsat,
            "(set-logic QF_BV)(declare-const x (_ BitVec 8))(define-fun abs ((v (_ BitVec 8))) (_ BitVec 8) (ite (bvslt v #x00) (bvneg v) v))(assert (not (= (abs x) (abs (bvneg x)))))(check-sat)",
        ),
        // The script's abs at one sort, the theory's at another.
        (
            Unsat,
            "(declare-fun abs (Bool) Int)(assert (= (abs true) 7))(assert (distinct (abs (- 7)) (abs true)))(check-sat)",
        ),
        (Sat, "(declare-fun abs (Bool) Int)(assert (= (abs true) (- 7)))(check-sat)"),
        (
            Sat,
            "(declare-sort S 0)(declare-fun + (S S) S)(declare-const s S)(assert (distinct (+ s s) s))(assert (= (+ 1 1) 2))(check-sat)",
        ),
        (Sat, "(declare-fun sqrt (Real) Real)(assert (= (sqrt 4.0) 7.0))(check-sat)"),
        (Sat, "(declare-fun fp (Int) Int)(assert (= (fp 3) 4))(check-sat)"),
        (
            Sat,
            "(set-logic QF_BV)(declare-fun fp ((_ BitVec 1) (_ BitVec 8) (_ BitVec 23)) Bool)(declare-const x (_ BitVec 1))(define-fun same () Bool (= (fp x #x00 ((_ zero_extend 22) x)) (fp x #x01 ((_ zero_extend 22) x))))(assert (not same))(check-sat)",
        ),
        (Sat, "(declare-const RNE Int)(assert (= RNE 7))(check-sat)"),
        (
            Unsat,
            "(set-logic QF_LRA)(declare-fun lambda () Real)(assert (< lambda 0.0))(assert (> lambda 1.0))(check-sat)",
        ),
        (
            Refused("reserved word"),
            "(declare-fun lambda () Int)(assert (= lambda (select (lambda ((x Int)) x) 1)))(check-sat)",
        ),
        (Refused("choose another name"), "(declare-fun abs (Int) Int)(assert (= (abs (- 1)) 7))(check-sat)"),
        (
            Refused("choose another name"),
            "(declare-const a (Array Int Bool))(assert (let ((not a)) (not 1)))(check-sat)",
        ),
        (
            Refused("variable, not a function"),
            "(declare-const a (Array Int Int))(assert (let ((abs a)) (= 1 (abs 1))))(check-sat)",
        ),
        // An application of a constant array is an element of it to the solver.
        (Refused("may be an array"), "(declare-const mod (Array Int Int Int))(assert (= 7 (mod 5 3)))(check-sat)"),
        (Sat, "(assert (forall ((mod Int)) (exists ((div Int)) (> div mod))))(check-sat)"),
        (Unsat, "(assert (exists ((store Int) (exp Int)) (and (< store exp) (< exp store))))(check-sat)"),
    ]);
}

#[test]
fn one_name_for_several_functions() {
    const E: &str = "(declare-datatypes () ((E0 (Air) (Ground) (None))))(declare-datatypes () ((E1 (Yes) (No) (None))))(declare-const v E0)(declare-const w E1)";
    let e = |script: &str| format!("{E}{script}(check-sat)");
    const D: &str = "(declare-datatype A ((mk (val Int))))(declare-datatype B ((wrap (val Bool) (more A))))(declare-const a A)(declare-const b B)";
    let d = |script: &str| format!("{D}{script}(check-sat)");
    let cases = [
        (Unsat, e("(assert (= v (as None E0)))(assert (= w (as None E1)))(assert (= v (as Air E0)))")),
        (Sat, e("(assert (= v (as None E0)))(assert (= w (as None E1)))")),
        (Unsat, e("(assert ((_ is None) w))(assert (distinct w (as None E1)))")),
        (Unsat, e("(assert (is-None v))(assert (distinct v (as None E0)))")),
        (Unsat, e("(assert (match v ((None false) (Air true) (Ground true))))(assert (= v (as None E0)))")),
        (Refused("None has several meanings"), e("(assert (= v None))")),
        (Unsat, d("(assert (val b))(assert (= (val a) 3))(assert (= b (wrap false (mk 3))))")),
        (Sat, d("(assert (val b))(assert (= (val (more b)) 3))")),
        (Unsat, "(declare-fun f (Int) Int)(declare-fun f (Bool) Int)(assert (= (f 1) 1))(assert (= (f true) 2))(assert (= (f 1) (f (= 1 1))))(check-sat)".to_owned()),
        (Unsat, "(declare-fun c () Int)(declare-fun c () Bool)(assert (= (as c Int) 1))(assert (as c Bool))(assert (or (not (as c Bool)) (> (as c Int) 1)))(check-sat)".to_owned()),
        (Refused("more than one of them takes"), "(declare-fun c () Int)(declare-fun c () Bool)(assert c)(check-sat)".to_owned()),
        // The solver takes the first that an Int can be made to fit.
        (Refused("more than one of them takes"), "(declare-fun g (Real Int) Bool)(declare-fun g (Int Real) Bool)(assert (g 1 1))(check-sat)".to_owned()),
        (Refused("more than one of them takes"), "(declare-fun g (Real) Bool)(define-fun g ((x Int)) Bool false)(declare-const x Int)(assert (g x))(check-sat)".to_owned()),
        (Unsat, "(declare-fun g (Real) Bool)(define-fun g ((x Int)) Bool false)(declare-const x Real)(assert (g x))(assert (not (g x)))(check-sat)".to_owned()),
        // The sort of a default is not known, so nothing is chosen.
        (Refused("cannot be told"), "(declare-fun g (Int) Bool)(declare-fun g (Bool) Bool)(declare-fun h (Int) Int)(assert (g (select (_ as-array h) 1)))(check-sat)".to_owned()),
        // A scope's end ends the second meaning.
        (Unsat, "(declare-fun f (Int) Bool)(push)(declare-fun f (Bool) Bool)(assert (f true))(pop)(assert (f 1))(assert (not (f 1)))(check-sat)".to_owned()),
    ];
    let cases: Vec<(Right, &str)> = cases.iter().map(|(right, script)| (*right, script.as_str())).collect();
    all_are_right(&cases);
}

#[test]
fn testers_of_generic_datatypes() {
    const OPT: &str = "(declare-datatype Opt (par (T) ((none) (some (the T)))))(declare-const a (Opt Int))(declare-const b (Opt Bool))(declare-const c (Opt (Opt Int)))";
    let opt = |script: &str| format!("{OPT}{script}(check-sat)");
    let cases = [
        (Unsat, opt("(assert (is-some a))(assert (not (or (is-some a) (is-some b))))")),
        (Unsat, opt("(assert ((_ is some) a))(assert (not (or ((_ is some) a) ((_ is some) b))))")),
        (Unsat, opt("(assert ((as is-some Bool) a))(assert (not (or ((as is-some (Opt Int)) a) ((_ is none) b))))")),
        (Sat, opt("(assert (and (is-some a) (is-none b) (is-some c) (is-none (the c))))")),
        (Unsat, opt("(assert (is-some c))(assert (not (or (is-some (the c)) (is-none (the c)))))")),
        (Unsat, opt("(assert ((_ is (some (Int) (Opt Int))) a))(assert ((_ is none) a))")),
        (Sat, opt("(assert (and (is-some b) (the b) (is-some a)))")),
        (Refused("is of sort (Opt Bool), not (Opt Int)"), opt("(assert ((as is-some (Opt Int)) b))")),
        (Unsat, "(declare-datatypes ((S 1)) ((par (T) ((X (getX T))))))(declare-fun x () (S Int))(define-fun y () (S (S Int)) (X x))(assert (not (is-X y)))(check-sat)".to_owned()),
        (Unsat, "(declare-datatypes ((P 2)) ((par (A B) ((pair (l A) (r B)) (nothing)))))(declare-const p (P (Array Int Real) (_ BitVec 8)))(declare-const q (P String (Seq Int)))(assert (not (or (is-pair p) (is-nothing p) (is-pair q))))(check-sat)".to_owned()),
        // Its own head and tail, which the solver takes for those of its own lists.
        (Sat, "(declare-datatypes ((Tree 1) (TreeList 1)) ((par (X) ((node (value X) (children (TreeList X))))) (par (Y) ((empty) (more (head (Tree Y)) (tail (TreeList Y)))))))(declare-fun y () (Tree Int))(assert (= (value (head (children y))) 7))(check-sat)".to_owned()),
        (Unsat, "(declare-datatype L (par (T) ((nil) (insert (head T) (tail (L T))))))(declare-const l (L Int))(assert (= l (insert 1 (as nil (L Int)))))(assert (not (and (= (head l) 1) (is-insert l) (is-nil (tail l)))))(check-sat)".to_owned()),
    ];
    let cases: Vec<(Right, &str)> = cases.iter().map(|(right, script)| (*right, script.as_str())).collect();
    all_are_right(&cases);
}

/// Found by reading the normaliser as an opponent would.
#[test]
fn what_the_solver_makes_of_names_beside_those_that_are_written() {
    const TWO: &str =
        "(declare-datatype A ((c) (d)))(declare-datatype B ((c) (e)))(declare-const a A)(declare-const b B)";
    let two = |script: &str| format!("{TWO}{script}(check-sat)");
    let cases = [
        // The second c is printed under another name, of which the solver makes a tester: not the script's own is-c.
        (Sat, two("(declare-fun is-c (Int) Bool)(assert (is-c 1))(assert (not (is-c 2)))(assert (is-c a))(assert (not (is-c b)))")),
        (Sat, "(declare-datatype A ((union) (d)))(declare-fun is-union (A) Bool)(assert (is-union d))(assert (not (is-union union)))(check-sat)".to_owned()),
        (Sat, "(declare-fun |is-c~1| (Int) Bool)(declare-datatype A ((c) (d)))(declare-datatype B ((c) (e)))(assert (|is-c~1| 1))(assert (not (|is-c~1| 2)))(check-sat)".to_owned()),
        // A pattern that would be a variable to one reader, and a constructor to another.
        (Unsat, two("(assert (match a ((c false) (d true))))(assert (= a (as c A)))")),
        (Refused("a pattern's variable, and a constructor"), two("(declare-fun f (Int) A)(assert (match (select (_ as-array f) 1) ((c true) (d false))))")),
        (Refused("a pattern's variable, and a constructor"), "(declare-datatype L ((nil) (cons (hd Int) (tl L))))(declare-const l L)(assert (match l ((nil true) ((cons x nil) (= x 1)))))(check-sat)".to_owned()),
        // A parameter of a sort is not the sort of its name.
        (Unsat, "(declare-sort T 0)(define-sort F (T) (Array Int T))(declare-const f (F Int))(assert (distinct (select (store f 1 2) 1) 2))(check-sat)".to_owned()),
        (Unsat, "(declare-sort T 0)(declare-datatypes ((P 1)) ((par (T) ((mk (v T))))))(declare-const p (P Int))(assert (= p (mk 3)))(assert (distinct (v p) 3))(check-sat)".to_owned()),
        (Unsat, "(declare-sort T 0)(declare-datatypes (T) ((P (mk (v T)))))(declare-const p (P Int))(assert (= p (mk 3)))(assert (distinct (v p) 3))(check-sat)".to_owned()),
        (Refused("is of sort Bool, not Int or Real"), "(assert (= 2 ((as + Int) true 1)))(check-sat)".to_owned()),
    ];
    let cases: Vec<(Right, &str)> = cases.iter().map(|(right, script)| (*right, script.as_str())).collect();
    all_are_right(&cases);
}

#[test]
fn loose_forms_and_bytes() {
    let nested = format!(
        "(declare-const p Bool)(assert {}p{})(assert (not p))(check-sat)",
        "(not (not ".repeat(20_000),
        "))".repeat(20_000)
    );
    let wide = "(declare-const x (_ BitVec 524288))(declare-const y (_ BitVec 524288))(assert (= x y))(assert (distinct ((_ extract 7 0) x) ((_ extract 7 0) y)))(check-sat)";
    let literal = format!(
        "(declare-const x (_ BitVec 131072))(assert (= x #x{}))(assert (= ((_ extract 3 0) x) #x0))(check-sat)",
        "f".repeat(32_768)
    );
    all_are_right(&[
        (Unsat, "\u{feff}(assert false)(check-sat)"),
        (Unsat, "(set-info :source |J\u{1}rgen\0|) ; \u{7f}\n(assert (if_then_else true false true))(check-sat)"),
        (Unsat, "(declare-const s String)(assert (= s \"a\tb\nc\r\"))(assert (distinct (str.len s) 6))(check-sat)"),
        // A backslash before a tab, and an escape with a tab in it, are what they are.
        (Unsat, "(assert (distinct (str.len \"\\\tx\") 3))(check-sat)"),
        (Unsat, "(assert (distinct (str.len \"\\u{\t41}\") 7))(check-sat)"),
        (Unsat, "(assert (distinct \"\t\" \"\\u{9}\"))(check-sat)"),
        (Refused("\\u{e9}"), "(assert (= (str.len \"é\") 1))(check-sat)"),
        (Refused("no-break space"), "(declare-const p\u{a0}Bool)(check-sat)"),
        (Refused("control character U+0001"), "(declare-const |p\u{1}| Bool)(check-sat)"),
        (
            Unsat,
            "(declare-datatypes (T) ((Lst nl (cns (hd T) (tl Lst)))))(declare-const l (Lst Int))(assert (distinct l l))(check-sat)",
        ),
        (Unsat, &nested),
        (Unsat, wide),
        (Unsat, &literal),
    ]);
}

#[test]
fn options_and_logics_that_say_nothing() {
    all_are_right(&[
        (
            Unsat,
            "(set-option :model_compress false)(set-option :MODEL.V2 true)(set-option :AUTO_CONFIG false)(set-option :smt.RESTART_FACTOR |1.5|)(declare-const p Bool)(assert (and p (not p)))(check-sat)",
        ),
        (
            Unsat,
            "(set-option :regular-output-channel \"stdout\")(set-option :sat.drat.file \"x\")(set-logic ALL_SUPPORTED)(assert false)(check-sat)",
        ),
        // Left in, each of these makes the solver answer falsely.
        (
            Unsat,
            "(set-option :smt.array.extensional false)(declare-const a (Array Int Int))(declare-const b (Array Int Int))(assert (distinct a b))(assert (forall ((i Int)) (= (select a i) (select b i))))(check-sat)",
        ),
        (Unsat, "(set-option :encoding ascii)(assert (distinct (str.to_code \"\\u{100}\") 256))(check-sat)"),
        (Unsat, "(set-option :rewriter.hi_div0 false)(assert (distinct (bvudiv #x01 #x00) #xff))(check-sat)"),
        (Unsat, "(set-logic AUFBVFPDTNIRA)(declare-const p Bool)(assert (and p (not p)))(check-sat)"),
        (Unsat, "(set-logic QF_BOOL)(declare-const p Bool)(assert (and p (not p)))(check-sat)"),
        (Sat, "(set-logic SMTFD)(declare-const x Int)(assert (> x 3))(check-sat)"),
        (Sat, "(set-logic HO_ALL)(declare-const x Int)(assert (> x 3))(check-sat)"),
        // Definitions that contradict prove anything, and a sat of them is none.
        (Open, "(define-fun-rec f ((x Int)) Int (+ 1 (f x)))(declare-const p Bool)(assert p)(check-sat)"),
    ]);
}
