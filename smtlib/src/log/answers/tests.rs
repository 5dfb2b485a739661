//! Answers between commands: what solvers print is left out, and what they could take for a command never is.

use super::super::{Log, LogLimits};
use crate::result::Status;

fn read(log: &str) -> Log<'_> {
    Log::read(log.as_bytes(), &LogLimits::default())
}

/// The script of the last query, on one line.
fn last_text(log: &Log) -> String {
    let text = String::from_utf8(log.text(log.queries().last().unwrap())).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What `z3 -in` (5.4.1) printed behind each command, and cvc5 1.4.2 where it writes it otherwise.
const TRANSCRIPT: &str = "(set-option :print-success true)\nsuccess\n(declare-sort U 0)\nsuccess\n(declare-const a U)\nsuccess\n\
    (declare-const x Int)\nsuccess\n(push 1)\nsuccess\n(assert (! (> x 5) :named big))\nsuccess\n(check-sat)\nsat\n\
    (get-model)\n(\n  ;; universe for U:\n  ;;   U!val!0 \n  (declare-fun U!val!0 () U)\n  ;; cardinality constraint:\n  \
    (forall ((x U)) (= x U!val!0))\n  (define-fun x () Int\n    6)\n)\n(get-value (x (+ x 1)))\n((x 6)\n ((+ x 1) 7))\n\
    (get-assignment)\n((big true))\n(get-info :name)\n(:name \"Z3\")\n(get-info :all-statistics)\n(:memory 17.11\n :time 0.00)\n\
    (get-option :produce-models)\ntrue\n(get-assertions)\n((> x 5)\n big)\n(help-tactic)\nunsupported\n; help-tactic line: 24 position: 4\n\
    (echo \"<<< step 1: done >>>\")\n<<< step 1: done >>>\n(echo \"cvc5\")\n\"cvc5\"\n(simplify (+ 1 2))\n3\n\
    (assert (! (< x 3) :named |too small|))\nsuccess\n(check-sat)\nunsat\n(get-unsat-core)\n(big |too small|)\n\
    (get-proof)\n((set-logic ALL)\n(proof\n(let (($x33 (= a a)))\n(asserted $x33))))\n\
    (get-model)\n(error \"line 23 column 10: model is not available\")\n(pop 1)\nsuccess\n\
    (check-sat-assuming ((= x 2)))\nunknown (INCOMPLETE)\n(get-model)\n(model (define-fun x () Int 2))\n(exit)\nsuccess\n";

#[test]
fn a_transcript_of_a_solver_is_the_log_without_its_answers() {
    let log = read(TRANSCRIPT);
    let summary = log.summary();
    assert_eq!(summary.broken, None);
    let logged: Vec<_> = log.queries().iter().map(|query| query.logged).collect();
    assert_eq!(logged, [Some(Status::Sat), Some(Status::Unsat), Some(Status::Unknown)]);
    assert_eq!((summary.first_answer, summary.errors, summary.first_error), (Some(2), 1, Some(61)));
    let text = "(set-option :print-success true) (declare-sort U 0) (declare-const a U) (declare-const x Int) \
                (check-sat-assuming ((= x 2)))";
    assert_eq!(last_text(&log), text);
    let passage = std::str::from_utf8(log.passage(&log.queries()[1])).unwrap();
    assert!(passage.contains("(get-option") && !passage.contains("define-fun"), "{passage}");
}

#[test]
fn each_answer_stands_only_where_it_was_asked_for_once() {
    let good = "(declare-const p Bool)(assert (! p :named n))(check-sat)\nsat\n";
    for (ask, answer) in [
        ("(get-model)", "((define-fun p () Bool true))"),
        ("(get-value (p))", "((p true))"),
        ("(get-assertions)", "((or p p))"),
        ("(get-proof)", "((proof p))"),
        ("(get-info :name)", "(:name \"Z3\")"),
        ("(get-option :random-seed)", "0"),
        ("(get-unsat-core)", "()"),
    ] {
        let last = "(assert p)(check-sat)";
        assert_eq!(read(&format!("{good}{ask}\n{answer}\n{last}")).summary().broken, None, "{answer}");
        for bad in [format!("{good}{answer}\n{last}"), format!("{good}{ask}\n{answer}\n{answer}\n{last}")] {
            let log = read(&bad);
            assert!(log.summary().broken.is_some() && log.queries().len() == 1, "{bad}");
        }
    }
    // What begins with a name is a command unless the name is a term's, and stays for the normaliser to refuse.
    for (ask, list) in [("(get-unsat-core)", "(n m)"), ("", "(n)"), ("", "(model)"), ("(get-model)", "(model p)")] {
        let log = format!("{good}{ask}{list}(check-sat)");
        assert!(last_text(&read(&log)).contains(list), "{log}");
    }
}

#[test]
fn nothing_that_a_solver_could_take_for_a_command_is_left_out() {
    let good = "(declare-const p Bool)(assert (! p :named n))(assert (! p :named push))(assert (! p :named minimize))\
                (check-sat)\nunsat\n";
    let asks = "(get-model)(get-value (p))(get-assertions)(get-proof)(get-info :name)(get-unsat-core)(get-assignment)";
    for (hidden, is_kept) in [
        ("((check-sat))", false),
        ("((assert false) (check-sat))", false),
        ("((assert p))", false),
        ("((p true) (check-sat))", false),
        ("((define-fun f () Bool true) (check-sat))", false),
        ("((define-fun f () Bool true)", false),
        ("(\"(check-sat)\")", false),
        ("(model (check-sat))", true),
        ("(error (check-sat))", true),
        ("(error \"no\" (check-sat))", true),
        ("(minimize n)", true),
        ("(|minimize| n)", false),
        ("(include \"a\")", true),
        ("(set-simplifier n)", true),
    ] {
        let log = format!("{good}{asks}{hidden}\n(check-sat)");
        let log = read(&log);
        let is_refused = log.summary().broken.is_some();
        assert_eq!((is_refused, log.queries().len()), (!is_kept, if is_kept { 2 } else { 1 }), "{hidden}");
        assert!(is_refused || last_text(&log).contains(hidden), "{hidden}");
    }
    for command in ["(check-sat)", "(push)", "(assert false)", "(reset)", "(pop 0)", "(declare-const q Bool)"] {
        let log = format!("{good}{asks}(echo \"{command}\")\n{command}\n(check-sat)");
        let log = read(&log);
        assert_eq!(log.summary().answers, 1, "what echo would print is what the log tells the solver: {command}");
    }
    let core = format!("{good}(get-unsat-core)(push)(check-sat)");
    assert!(last_text(&read(&core)).contains("(push)"));
}

#[test]
fn words_that_no_check_waits_for_answer_none() {
    let log = |between: &str, after: &str| format!("(check-sat)\n{between}(assert false)(check-sat)\n{after}");
    let logged = |text: &str| {
        let log = read(text);
        (log.queries().iter().map(|query| query.logged).collect::<Vec<_>>(), log.summary().stray_answer)
    };
    let (sat, unsat) = (Some(Status::Sat), Some(Status::Unsat));
    assert_eq!(logged(&log("sat\n", "unsat\n")), (vec![sat, unsat], None));
    assert_eq!(logged(&log("", "unsat\n")), (vec![None, unsat], None));
    // All output behind all input: the first word would be the last check's.
    assert_eq!(logged(&log("", "sat\nunsat\n")), (vec![None, None], Some(4)));
    assert_eq!(logged(&format!("sat\n{}", log("", ""))), (vec![None, None], Some(1)));
    assert_eq!(logged(&log("; Valid\n", "sat\nsat\n")), (vec![unsat, None], Some(5)), "comments stand at their checks");
}

#[test]
fn a_long_answer_costs_what_its_bytes_do() {
    let parts = 200_000;
    let pairs = "(x 1)".repeat(parts);
    let depth = format!("((x {}1{}))", "(- ".repeat(parts), ")".repeat(parts));
    let assumed = format!("(check-sat-assuming ({}))", "p ".repeat(parts));
    let cores = "(get-unsat-core)(p)".repeat(2_000);
    let log = format!("(check-sat)(get-value (x))({pairs})(get-value (x)){depth}{assumed}{cores}(check-sat)");
    let log = read(&log);
    assert_eq!((log.summary().answers, &log.summary().broken), (2_002, &None));
    assert_eq!(log.text_bytes(&log.queries()[2]), "(check-sat)\n".len() as u64);
}
