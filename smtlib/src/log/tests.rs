//! Logs in small: what each query's script is, what is no obligation, and where a log ends.

use super::*;
use crate::{Limits, normalise};

fn read(log: &str) -> Log<'_> {
    Log::read(log.as_bytes(), &LogLimits::default())
}

/// The scripts of a log, on one line each.
fn texts(log: &str) -> Vec<String> {
    let log = read(log);
    let text = |query| String::from_utf8(log.text(query)).unwrap().replace('\n', " ").trim_end().to_owned();
    log.queries().iter().map(text).collect()
}

fn lines(log: &str) -> Vec<u32> {
    read(log).queries().iter().map(|query| query.line).collect()
}

fn broken(log: &str) -> (usize, Option<String>) {
    let log = read(log);
    (log.queries().len(), log.summary().broken.as_ref().map(ToString::to_string))
}

#[test]
fn scopes_stand_where_they_were_opened_and_what_was_closed_is_gone() {
    let log = "(declare-const p Bool)\n(push 1)\n(assert p)\n(check-sat)\n(pop 1)\n(assert (not p))\n(push)\n(push 2)\n\
               (assert p)\n(check-sat)\n(pop 2)(pop)\n(check-sat)\n";
    assert_eq!(
        texts(log),
        [
            "(declare-const p Bool) (push 1) (assert p) (check-sat)",
            "(declare-const p Bool) (assert (not p)) (push) (push 1) (push 1) (assert p) (check-sat)",
            "(declare-const p Bool) (assert (not p)) (check-sat)",
        ]
    );
    assert_eq!(lines(log), [4, 10, 12]);
}

#[test]
fn output_commands_are_left_out_and_comments_stay_between_neighbours() {
    let log =
        "(get-info :version)(declare-const p Bool) ; about p\n(assert p)(echo \"(check-sat)\")(check-sat)(get-model)";
    let read = read(log);
    let text = String::from_utf8(read.text(&read.queries()[0])).unwrap();
    assert_eq!(text, "(declare-const p Bool) ; about p\n(assert p)\n(check-sat)\n");
    assert_eq!(read.text_bytes(&read.queries()[0]), text.len() as u64);
    assert_eq!(read.summary().outputs, 3);
}

#[test]
fn options_are_those_in_force_at_the_check() {
    let log = "(set-option :smt.mbqi false)(push)(set-option :smt.MBQI true)(assert true)(check-sat)(pop)\
               (set-option :auto_config false)(assert false)(check-sat)(set-option :smt.mbqi false)(check-sat)";
    assert_eq!(
        texts(log),
        [
            "(set-option :smt.MBQI true) (push) (assert true) (check-sat)",
            "(set-option :smt.MBQI true) (set-option :auto_config false) (assert false) (check-sat)",
            "(set-option :auto_config false) (set-option :smt.mbqi false) (assert false) (check-sat)",
        ]
    );
}

#[test]
fn a_reset_forgets_everything_but_the_options() {
    let log = "(set-option :smt.mbqi false)(set-logic HORN)(declare-const p Bool)(push)(check-sat)(reset)\
               (declare-const q Int)(check-sat)";
    let read = read(log);
    assert_eq!(texts(log)[1], "(set-option :smt.mbqi false) (declare-const q Int) (check-sat)");
    assert_eq!((read.queries()[0].horn, read.queries()[1].horn), (true, false));
}

#[test]
fn what_was_declared_before_reset_assertions_is_not_known_after_it() {
    let log = "(set-logic ALL)(declare-const p Bool)(assert p)(check-sat)\n(reset-assertions)(assert p)(check-sat)\
               (reset-assertions)(declare-const q Bool)(assert q)(check-sat)";
    let texts = texts(log);
    assert_eq!(texts[1], "(set-logic ALL) (reset-assertions) (assert p) (check-sat)");
    let error = normalise(texts[1].as_bytes(), &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("(reset-assertions)") && error.contains('p'), "{error}");
    assert!(normalise(texts[2].as_bytes(), &Limits::default()).is_ok());
    assert_eq!(read(log).queries()[1].forgot, Some(2));
}

#[test]
fn global_declarations_outlive_their_scope() {
    let log = "(set-option :global-declarations true)(push)(declare-const p Bool)(assert p)(push)(define-fun q () Bool p)\
               (pop)(check-sat)(pop)(assert (and q p))(check-sat)";
    let texts = texts(log);
    assert_eq!(
        texts[1],
        "(set-option :global-declarations true) (push 1) (declare-const p Bool) (push 1) (define-fun q () Bool p) (pop 1) \
         (pop 1) (assert (and q p)) (check-sat)"
    );
    for text in &texts {
        assert!(normalise(text.as_bytes(), &Limits::default()).is_ok(), "{text}");
    }
}

#[test]
fn global_declarations_that_mean_two_things_stay_refused() {
    for log in [
        "(set-option :global-declarations true)(declare-const p Bool)(reset)(declare-const p Bool)(check-sat)",
        "(set-option :global-declarations true)(declare-const p Bool)(reset-assertions)(check-sat)",
        "(declare-const p Bool)(push)(set-option :global-declarations true)(pop)(assert p)(check-sat)",
        "(set-option :global-declarations true)(push)(define-fun-rec f ((x Int)) Int x)(pop)(assert (= (f 1) 1))(check-sat)",
        "(set-option :Global-Declarations true)(check-sat)",
    ] {
        let text = texts(log).pop().unwrap();
        assert!(normalise(text.as_bytes(), &Limits::default()).is_err(), "{text}");
    }
}

#[test]
fn a_status_is_that_of_the_next_check_only() {
    let log = "(set-info :status sat)(set-info :status unsat)(assert false)(check-sat)(check-sat)\
               (set-info :status sat)(reset)(check-sat)";
    let statuses: Vec<Option<Status>> = read(log).queries().iter().map(|query| query.status).collect();
    assert_eq!(statuses, [Some(Status::Unsat), None, None]);
    assert_eq!(texts(log)[..2], ["(assert false) (set-info :status unsat) (check-sat)", "(assert false) (check-sat)"]);
}

#[test]
fn the_search_for_another_error_is_no_obligation() {
    let goal = "(declare-fun %lbl%@1 () Bool)(declare-fun %lbl%@2 () Bool)(declare-fun w () Bool)\
                (push 1)(set-info :boogie-vc-id P)(assert (not (and (! (or %lbl%@1 w) :lblneg @1) (! (or %lbl%@2 w) :lblneg @2))))";
    for (between, searches) in [
        ("(check-sat)(labels)(assert %lbl%@1)(check-sat)(labels)(assert %lbl%@2)(check-sat)", 2),
        ("(check-sat)(get-info :reason-unknown)(labels)(set-option :rlimit 0)(assert (not %lbl%@1))(check-sat)", 1),
        ("(check-sat)(push 1)(push 1)(assert %lbl%@1)(check-sat)(pop 1)(pop 1)(push 1)(assert %lbl%@2)(check-sat)", 2),
        ("(check-sat)(check-sat-assuming (%lbl%@1 (not %lbl%@2)))(check-sat (not %lbl%@1))", 2),
        ("(check-sat)(assert %lbl%@1)(check-sat)(get-model)(check-sat)", 2),
        ("(check-sat)(get-value ((ControlFlow 0 0)))(assert (not (= (ControlFlow 0 2) (- 1))))(check-sat)", 1),
        ("(check-sat-assuming (w))(assert (not %%location_label%%0))(check-sat-assuming (w))", 1),
    ] {
        let log = format!("{goal}{between}(pop 1)\n; Invalid\n");
        let read = read(&log);
        assert_eq!((read.queries().len(), read.summary().searches), (1, searches), "{between}");
        let query = &read.queries()[0];
        assert_eq!((query.name.as_deref(), query.logged), (Some("P"), Some(Status::Sat)));
    }
}

#[test]
fn other_checks_of_one_scope_are_obligations() {
    for log in [
        "(declare-const p Bool)(check-sat)(assert p)(check-sat)",
        "(declare-fun %lbl%1 () Bool)(assert %lbl%1)(check-sat)",
        "(declare-fun %lbl%1 () Bool)(declare-const p Bool)(check-sat)(assert %lbl%1)(assert p)(check-sat)",
        "(declare-fun %lbl%1 () Bool)(check-sat)(assert (or %lbl%1 false))(check-sat)",
        "(declare-const p Bool)(check-sat)(check-sat-assuming (p))(check-sat-assuming ((not p)))",
        "(declare-fun %lbl%1 () Bool)(push)(assert false)(check-sat)(pop)(assert %lbl%1)(check-sat)",
        "(assert true)(check-sat)(check-sat)",
    ] {
        let read = read(log);
        assert_eq!(read.summary().searches, 0, "{log}");
        assert_eq!(read.queries().len(), log.matches("(check-sat").count(), "{log}");
    }
}

#[test]
fn a_label_is_known_by_its_mark_as_well() {
    let log = "(declare-const a Bool)(declare-const b Bool)(assert (! (or a b) :lblneg x))(check-sat)(assert a)(check-sat)\
               (assert b)(check-sat)";
    let read = read(log);
    assert_eq!((read.queries().len(), read.summary().searches), (2, 1));
}

#[test]
fn a_log_s_own_answers_are_read() {
    let log = "(push)(check-sat)(pop)\n; Invalid\n(reset)\n; Invalid\n(check-sat)\n; Valid\n(check-sat)\nunsat\n(check-sat)\n\
               ; [12:00:01.5] Received: sat\n(check-sat)\n; the answer is sat\n";
    let logged: Vec<Option<Status>> = read(log).queries().iter().map(|query| query.logged).collect();
    let (sat, unsat) = (Some(Status::Sat), Some(Status::Unsat));
    assert_eq!(logged, [sat, unsat, unsat, sat, None]);
}

#[test]
fn a_goal_is_found_in_the_program_by_its_comment() {
    let log = ";; Function-Def m::f\n;; m.rs:17:1: 17:35 (#0)\n(get-info :version)\n(push)\n;; m.rs:99:1\n(check-sat)(pop)\n\
               ;; Goal g\n(check-sat)\n(check-sat)";
    let goals: Vec<_> = read(log).queries().iter().map(|query| (query.name.clone(), query.source.clone())).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(goals, [(text("m::f"), text("m.rs:17:1: 17:35 (#0)")), (text("g"), None), (None, None)]);
}

#[test]
fn a_log_that_breaks_off_has_what_came_before() {
    let good = "(assert true)\n(check-sat)\n";
    for (rest, message) in [
        ("", None),
        ("(assert (and", Some("line 3: the log breaks off in the command that begins here")),
        ("\n(assert \"open\n(check-sat)", Some("line 4: the log breaks off in the command that begins here")),
        ("(", Some("line 3: the log breaks off in the command that begins here")),
        ("(pop 1)(check-sat)", Some("line 3: pop of 1 with only 0 open")),
        ("(push -1)", Some("line 3: push has the form (push) or (push numeral)")),
        ("\n\nhello\n(check-sat)", Some("line 5: this is no command")),
        ("((check-sat))", Some("line 3: this is no command")),
        (")(check-sat)", Some("line 3: this parenthesis closes nothing")),
        ("(push 2000)", Some("line 3: more than 1024 scopes")),
        ("(exit)(check-sat)(check-sat)", None),
    ] {
        let (queries, told) = broken(&format!("{good}{rest}"));
        assert_eq!(queries, 1, "{rest}");
        match message {
            Some(message) => assert!(told.as_ref().is_some_and(|told| told.starts_with(message)), "{rest}: {told:?}"),
            None => assert_eq!(told, None, "{rest}"),
        }
    }
    assert_eq!(read("(check-sat)(exit)(check-sat)(pop)").summary().after_end, 2);
}

#[test]
fn places_of_a_script_are_found_in_the_log() {
    let log =
        "(set-option :smt.mbqi false)\n(push 2)\n  (declare-const p Bool)\n(get-model)\n  (assert\n  q)\n(check-sat)\n";
    let read = read(log);
    let query = &read.queries()[0];
    let text = String::from_utf8(read.text(query)).unwrap();
    for (words, place) in [
        ("(set-option", (1, 1)),
        ("(push", (2, 1)),
        ("(declare", (3, 3)),
        ("(assert", (5, 3)),
        ("q)", (6, 3)),
        ("(check", (7, 1)),
    ] {
        let at = crate::position(text.as_bytes(), text.find(words).unwrap() as u32);
        assert_eq!(read.place(query, at.0, at.1), place, "{words}");
    }
    assert_eq!(read.place(query, 100, 1).0, 7);
    let lines: Vec<u32> = (1..=text.lines().count() as u32).chain([100]).collect();
    let one_by_one: Vec<u32> = lines.iter().map(|line| read.place(query, *line, 1).0).collect();
    assert_eq!(read.lines(query, &lines), one_by_one);
}

#[test]
fn tools_are_recognised_by_what_only_they_write() {
    for (log, tool) in [
        ("; done setting options\n(declare-fun tickleBool (Bool) Bool)(check-sat)", Some(Tool::Boogie)),
        ("; done setting options\n(declare-fun $$Language$Dafny () Bool)(check-sat)", Some(Tool::Dafny)),
        (";; produced by local z3_471.drv ;;\n(check-sat)", Some(Tool::Why3)),
        ("(set-info :source \"Generated by CBMC 6.0\")(check-sat)", Some(Tool::Cbmc)),
        ("(set-logic HORN)(check-sat)", Some(Tool::Horn)),
        ("; Automatically generated by SBV. Do not edit.\n(check-sat)", Some(Tool::Sbv)),
        ("(declare-const p Bool)(assert p)(check-sat)", None),
    ] {
        assert_eq!(read(log).summary().tool.as_ref().map(|found| found.tool), tool, "{log}");
    }
}

#[test]
fn a_transcript_is_read_as_what_was_sent() {
    let log = "** Calling: z3 -nw -in -smt2\n[GOOD] ; Automatically generated by SBV. Do not edit.\n\
               [GOOD] (set-option :global-declarations true)\n[GOOD] (define-fun s0 () Bool\n              false)\n\
               [GOOD] (assert s0)\n[SEND] (check-sat)\n[RECV] unsat\n*** Solver   : Z3\n\
               ** Calling: z3 -nw -in -smt2\n[GOOD] (assert true)\n[SEND, TimeOut: 5ms] (check-sat)\n[RECV] sat\nQ.E.D.\n";
    let read = read(log);
    assert!(read.summary().transcript && read.summary().broken.is_none(), "{:?}", read.summary());
    let logged: Vec<_> = read.queries().iter().map(|query| (query.line, query.logged)).collect();
    assert_eq!(logged, [(7, Some(Status::Unsat)), (12, Some(Status::Sat))]);
    assert_eq!(texts(log)[1], "(assert true) (check-sat)", "another solver knows nothing of the first one");
    assert!(normalise(&read.text(&read.queries()[0]), &Limits::default()).is_ok());
}
