//! The normaliser's lists against the pinned library: names that it takes for its own, options that it must know.
//!
//! Must never: believe a list because it was made from this library once.

mod direct;

use direct::{Asker, Bounds};
use protocol::verdict::Answer;

#[test]
#[ignore = "the child process of the tests beside it"]
fn child() {
    direct::child();
}

/// Declared with this signature and given an impossible meaning for any function that the library knows under the name:
/// two different results of two calls, or two results of one constant. Uninterpreted, it is satisfiable.
fn uninterpreted(name: &str) -> Vec<String> {
    let check = "(check-sat)\n";
    vec![
        format!(
            "(declare-fun |{name}| (Int) Int)\n(assert (= (|{name}| 0) 17))\n(assert (= (|{name}| 1) (- 18)))\n{check}"
        ),
        format!(
            "(declare-fun |{name}| (Real) Real)\n(assert (> (|{name}| 0.0) 5.0))\n(assert (< (|{name}| 1.0) (- 5.0)))\n{check}"
        ),
        format!(
            "(declare-fun |{name}| (Bool Bool) Bool)\n(assert (distinct (|{name}| true true) (|{name}| false false)))\n(assert (distinct (|{name}| true false) (|{name}| false true)))\n{check}"
        ),
        format!("(declare-const |{name}| Int)\n(assert (= |{name}| 17))\n{check}"),
        format!(
            "(declare-sort S 0)\n(declare-const a S)\n(declare-fun |{name}| (S) Bool)\n(assert (|{name}| a))\n{check}"
        ),
        format!("(assert (exists ((|{name}| Int)) (= |{name}| 17)))\n{check}"),
    ]
}

#[test]
fn every_name_that_the_library_takes_for_its_own_means_what_the_script_says() {
    let mut asker = Asker::new("child");
    let mut wrong = Vec::new();
    let mut asked = 0;
    let selectors = ["is-c", "is-nil"].map(|tester| format!("(declare-datatype D ((c) (nil)))\n(declare-fun {tester} (D) Bool)\n(assert (distinct ({tester} c) ({tester} nil)))\n(assert (or (not ({tester} c)) ({tester} nil)))\n(check-sat)\n"));
    let scripts = smtlib::names_taken().filter(|name| !name.contains('|')).flat_map(uninterpreted).chain(selectors);
    for script in scripts {
        asked += 1;
        let both = asker.ask(script.as_bytes(), Bounds { only_ours: true, ..Bounds::default() });
        if both.answer() != Some(Answer::Sat) && !both.is_rejected() {
            wrong.push(format!("{:?}\n{script}", both.report));
        }
    }
    println!("{asked} declarations");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_library_knows_every_accepted_option_and_answers_the_same_under_its_extremes() {
    let contradiction = "(declare-fun f (Int) Int)\n(assert (forall ((x Int)) (! (> (f x) x) :pattern ((f x)))))
        (assert (< (f 1) 0))\n(check-sat)\n";
    let reachable = "(declare-const x Int)\n(declare-const b (_ BitVec 8))\n(assert (> x 3))\n(assert (bvult b #x10))\n(check-sat)\n";
    let mut asker = Asker::new("child");
    for (name, values, tools) in smtlib::accepted_options() {
        assert!(!tools.is_empty());
        for value in values {
            for (body, answer) in [(contradiction, Answer::Unsat), (reachable, Answer::Sat)] {
                let value = if value.contains(' ') { format!("\"{value}\"") } else { value.clone() };
                let script = format!("(set-option :{name} {value})\n{body}");
                let both = asker.ask(script.as_bytes(), Bounds::default());
                let opposite = both.answer().is_some_and(|given| given != answer);
                assert!(!both.is_rejected() && !opposite && !both.contradict(), "{name} {value}: {both:?}");
                assert!(both.library.is_some(), "{name} {value} ended the process");
            }
        }
    }
    assert_eq!(asker.ended, 0);
}

/// What the library answers to an option that it does not know: nothing. So each is set and asked for.
#[test]
fn no_accepted_option_is_unknown_to_the_library() {
    for (name, values, _) in smtlib::accepted_options() {
        for value in values {
            z3::set_global_param(name, &value);
            let got = z3::get_global_param(name).unwrap_or_else(|| panic!("{name} is unknown"));
            // Decimals come back in another form.
            let same = got == value || got.parse::<f64>().is_ok_and(|got| value.parse() == Ok(got));
            assert!(same, "{name}: {got} instead of {value}");
        }
    }
    z3::reset_all_global_params();
}
