//! Several queries in one script: each in the form that it has alone, and nothing let through that alone is refused.

use crate::{Limits, SeriesQuery, normalise, normalise_series};

fn queries(script: &str) -> Vec<SeriesQuery> {
    normalise_series(script.as_bytes(), &Limits::default()).unwrap().queries
}

fn refused(script: &str) -> String {
    normalise_series(script.as_bytes(), &Limits::default()).unwrap_err().to_string()
}

#[test]
fn each_query_is_printed_with_what_is_new_for_it() {
    let script = "(set-option :smt.mbqi false)(set-logic QF_UF)(declare-const p Bool)(push)(assert p)(check-sat)\
                  (pop)(push 1)(assert (not p))(check-sat)(check-sat)";
    let series = normalise_series(script.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(series.options, [("smt.mbqi".to_owned(), "false".to_owned())]);
    assert_eq!(series.logic.as_deref(), Some("QF_UF"));
    let texts: Vec<&str> = series.queries.iter().map(|query| query.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "(declare-fun p () Bool)\n(push 1)\n(assert p)\n(check-sat)\n",
            "(pop 1)\n(push 1)\n(assert (not p))\n(check-sat)\n",
            "(check-sat)\n",
        ]
    );
    assert!(series.queries.iter().all(|query| query.assumptions.assertions == 1));
}

#[test]
fn what_a_check_assumes_is_gone_behind_it() {
    let texts: Vec<String> = queries("(declare-const p Bool)(assert p)(check-sat-assuming ((not p)))(check-sat)")
        .into_iter()
        .map(|query| query.text)
        .collect();
    assert_eq!(texts[0], "(declare-fun p () Bool)\n(assert p)\n(push 1)\n(assert (not p))\n(check-sat)\n");
    assert_eq!(texts[1], "(pop 1)\n(check-sat)\n");
}

#[test]
fn names_that_any_query_makes_the_solvers_own_are_renamed_in_all() {
    let script = "(declare-fun is-c (Int) Bool)(push)(assert (is-c 1))(check-sat)(pop)\
                  (push)(declare-datatypes ((T 0)) (((c))))(assert (is-c 2))(check-sat)";
    let texts = queries(script);
    assert!(texts[0].text.contains("(assert (is-c~1 1))"), "{texts:?}");
    assert!(texts[1].text.contains("(assert (is-c~1 2))"), "{texts:?}");
}

#[test]
fn what_a_query_alone_is_refused_for_it_is_refused_for_here() {
    let base = "(declare-const p Bool)(push)(assert p)(check-sat)(pop)";
    for (rest, why) in [
        ("(assert q)(check-sat)", "q is not declared"),
        ("(push)(declare-const q Bool)(pop)(assert q)(check-sat)", "q is not declared"),
        ("(assert (= p 1))(check-sat)", "Bool"),
        ("(pop)(check-sat)", "pop"),
        ("(assert p)(include \"f\")(check-sat)", "include"),
        ("(check-sat-using smt)", "check-sat-using"),
    ] {
        let error = refused(&format!("{base}{rest}"));
        assert!(error.contains(why), "{rest}: {error}");
        let alone = normalise(format!("(declare-const p Bool){rest}").as_bytes(), &Limits::default());
        assert!(alone.is_err(), "{rest}");
    }
    assert!(refused("(declare-const p Bool)(assert p)").contains("no check-sat"));
}

#[test]
fn what_one_solver_may_not_forget_is_refused() {
    let base = "(declare-const p Bool)(push)(assert p)(check-sat)(pop)";
    for (rest, why) in [
        ("(reset)(check-sat)", "nothing is forgotten"),
        ("(reset-assertions)(check-sat)", "nothing is forgotten"),
        ("(set-option :smt.mbqi false)(check-sat)", "before the first query"),
        ("(define-fun-rec f ((x Int)) Int (f x))(check-sat)", "no recursive definitions"),
        (
            "(push)(declare-datatypes ((T 0)) (((c))))(check-sat)(pop)(push)(declare-datatypes ((T 0)) (((d))))(check-sat)",
            "made once",
        ),
        ("(push)(declare-sort T 0)(check-sat)(pop)(push)(declare-datatypes ((T 0)) (((d))))(check-sat)", "made once"),
    ] {
        let error = refused(&format!("{base}{rest}"));
        assert!(error.contains(why), "{rest}: {error}");
    }
    assert!(refused("(set-option :global-declarations true)(assert true)(check-sat)").contains("with their scope"));
    assert!(refused("(set-logic HORN)(assert true)(check-sat)").contains("Horn"));
    let sorts = "(push)(declare-sort T 0)(check-sat)(pop)(push)(declare-sort T 0)(check-sat)";
    assert_eq!(queries(sorts).len(), 2, "an uninterpreted sort is only its name");
}
