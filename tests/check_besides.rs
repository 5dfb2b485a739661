//! `pop check --explain`, `--deny-vacuous` and `--stability` as a user meets them.

mod check_support;

use check_support::{Place, ended};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const VACUOUS: &str = "(set-info :status unsat)\n(declare-const x Int)\n(assert (! (< x 0) :named low))
(assert (> x 0))\n(assert (not (= x 7)))\n(check-sat)\n";
const UNNEEDED: &str =
    "(set-info :status unsat)\n(declare-const x Int)\n(declare-const y Int)\n(assert (! (< x 0) :named low))
(assert (! (> y 0) :named |the other|))\n(assert (not (< x 1)))\n(check-sat)\n";
/// As Boogie writes procedures whose `requires` contradict each other, and do not: what is assumed stands in the goal.
const BOOGIE: &str = "(set-option :smt.MBQI false)\n; done setting options\n(declare-fun tickleBool (Bool) Bool)
(assert (and (tickleBool true) (tickleBool false)))\n(declare-fun %lbl%+0 () Bool)\n(declare-fun %lbl%@1 () Bool)
(declare-fun %lbl%@2 () Bool)\n(declare-fun x () Int)\n(declare-fun y () Int)
(push 1)\n(set-info :boogie-vc-id Empty)\n(assert (not
(let ((anon0_correct (=> (! (and %lbl%+0 true) :lblpos +0) (=> (= y (- x 1)) (and (! (or %lbl%@1 (= y 7)) :lblneg @1) (=> (= y 7) (! (or %lbl%@2 (> y x)) :lblneg @2)))))))
(let ((PreconditionGeneratedEntry_correct (=> (and (> x 3) (< x 2)) anon0_correct)))
PreconditionGeneratedEntry_correct))\n))\n(check-sat)\n(pop 1)\n; Valid
(push 1)\n(set-info :boogie-vc-id Good)\n(assert (not
(let ((anon0_correct (=> (! (and %lbl%+0 true) :lblpos +0) (=> (= y (+ x 1)) (! (or %lbl%@1 (> y x)) :lblneg @1)))))
(let ((PreconditionGeneratedEntry_correct (=> (> x 3) anon0_correct)))
PreconditionGeneratedEntry_correct))\n))\n(check-sat)\n(pop 1)\n; Valid\n";

/// With a node that the environment names.
fn with_node(place: &Place, arguments: &[&str]) -> (i32, String, String) {
    ended(place.command(arguments).env("POP_NODE", "127.0.0.1:1").output().unwrap())
}

#[test]
fn what_is_vacuous_and_what_is_not_needed_is_told_and_remembered() {
    let place = Place::new(&[("v.smt2", VACUOUS), ("u.smt2", UNNEEDED)]);
    assert_eq!(place.check(&["."]).0, 0);
    let shown = "./u.smt2: holds\n  not needed: 1 of 3 assertions: the other (line 5)
./v.smt2: holds\n  vacuous: what is assumed contradicts itself, so it holds with any goal and proves nothing
  contradict one another: low (line 3), line 4\n";
    let (code, text, error) = place.check(&[".", "--explain"]);
    assert!(
        code == 0 && error.is_empty() && text.starts_with(shown),
        "what was known before was not explained: {text}"
    );
    assert!(text[shown.len()..].starts_with("2 obligations: 2 hold (1 vacuous), in "), "{text}");
    let (code, text, _) = place.check(&[".", "--explain"]);
    assert!(code == 0 && text.ends_with(" s\n") && text.contains("2 hold (2 known before, 1 vacuous)"), "{text}");
    assert!(text.contains("./v.smt2: holds (known before)\n  vacuous: "), "{text}");
    let (code, text, _) = place.check(&[".", "--deny-vacuous"]);
    assert!(code == 5 && text.contains("./v.smt2: vacuous\n  what is assumed contradicts itself"), "{text}");
    assert!(text.contains("2 obligations: 1 holds (1 known before), 1 vacuous, in "), "{text}");
    // The same statement, written in other lines.
    fs::write(place.project().join("u.smt2"), format!("\n\n; moved\n{UNNEEDED}")).unwrap();
    let moved = &place.json(&["u.smt2", "--explain"])["obligations"][0];
    let unneeded = serde_json::json!([{ "line": 8, "name": "the other" }]);
    assert_eq!((&moved["known"], &moved["explained"]["unneeded"]), (&true.into(), &unneeded), "{moved}");
}

#[test]
fn a_procedure_whose_preconditions_contradict_each_other_is_vacuous() {
    let place = Place::new(&[("a.log", BOOGIE)]);
    let (code, text, _) = place.check(&["a.log", "--deny-vacuous"]);
    let shown = "a.log#1 (line 17, Empty): vacuous\n  in Empty\n  what is assumed contradicts itself";
    assert!(code == 5 && text.contains(shown), "{text}");
    assert!(text.contains("2 obligations: 1 holds, 1 vacuous, in "), "{text}");
    let document = place.json(&["a.log", "--explain"]);
    assert_eq!(document["obligations"][1]["explained"]["vacuous"], false, "{document:#}");
    assert_eq!(document["obligations"][1]["explained"]["unneeded"], serde_json::json!([{ "line": 4 }]));
}

/// Runs a tool of the system's, where there is one.
fn made(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    let status =
        Command::new(program).args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if let Err(error) = &status {
        println!("NOT RUN: {program}: {error}");
    }
    status.is_ok()
}

#[test]
fn dafny_s_and_boogie_s_contradictory_preconditions_are_found() {
    let dafny = "method Empty(x: int) returns (y: int) requires x > 3 requires x < 2 ensures y > x { y := x - 1; assert y == 7; }
method Good(x: int) returns (y: int) requires x > 0 ensures y > x { if x > 5 { y := x + 1; assert y > 6; } else { y := x + 2; } }\n";
    let boogie = "procedure Empty(x: int) returns (y: int) requires x > 3; requires x < 2; ensures y > x; { y := x - 1; assert y == 7; }
procedure Good(x: int) returns (y: int) requires x > 0; ensures y > x; { y := x + 1; assert y > 1; }\n";
    for (tool, file, source, log) in
        [("dafny", "a.dfy", dafny, "/proverLog:@PROC@.smt2"), ("boogie", "a.bpl", boogie, "/proverLog:@PROC@.smt2")]
    {
        let place = Place::new(&[(file, source)]);
        let arguments: &[&str] = if tool == "dafny" { &["/compile:0", log, file] } else { &[log, file] };
        if !made(&place.project(), tool, arguments) {
            continue;
        }
        let document = place.json(&[".", "--deny-vacuous"]);
        for one in document["obligations"].as_array().unwrap() {
            let is_empty =
                one["query"]["label"].as_str().or(one["file"].as_str()).is_some_and(|name| name.contains("Empty"));
            let expected = if is_empty { "vacuous" } else { "holds" };
            assert_eq!(one["outcome"], expected, "{tool}: {one:#}");
        }
        assert_eq!(document["counts"]["vacuous"], 1, "{tool}: {document:#}");
    }
}

/// Clauses of three literals near the number at which a solver needs luck. Chosen by trying.
fn lucky() -> String {
    let (variables, clauses, mut state) = (230u64, 954, 5u64);
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text = String::from("(set-info :status sat)\n");
    (0..variables).for_each(|number| text += &format!("(declare-const v{number} Bool)\n"));
    for _ in 0..clauses {
        let literals: Vec<String> = (0..3)
            .map(|_| {
                let variable = random(variables);
                if random(2) == 1 { format!("(not v{variable})") } else { format!("v{variable}") }
            })
            .collect();
        text += &format!("(assert (or {}))\n", literals.join(" "));
    }
    text + "(check-sat)\n"
}

#[test]
fn what_depends_on_the_seed_is_listed_and_changes_no_outcome() {
    let place = Place::new(&[("lucky.smt2", &lucky()), ("u.smt2", UNNEEDED)]);
    let (code, text, _) = place.check(&[".", "--stability", "5"]);
    let shown = "checked again with 5 seeds: 1 is brittle\n  ./lucky.smt2: 5 of 5 hold; processor time from ";
    assert!(code == 0 && text.starts_with(shown) && text.contains("2 obligations: 2 hold, in "), "{text}");
    let document = place.json(&["u.smt2", "--stability", "2"]);
    let steady = &document["obligations"][0];
    assert_eq!((&steady["known"], &document["brittle"]), (&false.into(), &serde_json::json!([])), "{document:#}");
    assert_eq!((&steady["stability"]["hold"], &steady["stability"]["brittle"]), (&2.into(), &Value::Null));
    let document = place.json(&["."]);
    assert_eq!(document["counts"]["known_before"], 2, "what it came to without a seed is known: {document:#}");
    assert!(document["obligations"].as_array().unwrap().iter().all(|one| one.get("stability").is_none()));
}

#[test]
fn wrong_use_is_refused_before_anything_is_checked() {
    let place = Place::new(&[("u.smt2", UNNEEDED)]);
    for (arguments, words) in [
        (&["--node", "127.0.0.1:1", "--explain"][..], "--explain"),
        (&["--node", "127.0.0.1:1", "--deny-vacuous"], "--deny-vacuous"),
        (&["--node", "127.0.0.1:1", "--stability", "2"], "--stability"),
        (&["--stability", "0"], "100"),
        (&["--stability", "101"], "100"),
        (&["--stability", "many"], "--stability"),
    ] {
        let (code, out, error) = place.check(&[&["u.smt2"], arguments].concat());
        assert!(code == 2 && out.is_empty() && error.contains(words), "{arguments:?}: {code} {out}{error}");
    }
    for option in ["--explain", "--deny-vacuous", "--stability=2"] {
        let (code, out, error) = with_node(&place, &["u.smt2", option]);
        assert!(code == 2 && out.is_empty() && error.contains("go with --local"), "{option}: {code} {out}{error}");
        assert_eq!(with_node(&place, &["u.smt2", option, "--local"]).0, 0, "{option}");
    }
}
