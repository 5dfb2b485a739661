//! Answers of a solver between the commands of a random log change nothing of its obligations.
//!
//! `POP_SEED` repeats a run.

#[path = "../fuzz/mod.rs"]
mod fuzz;

use fuzz::random::{Seeded, seed};
use smtlib::{Limits, Log, LogLimits, Status, normalise};

/// What a solver answers to a command, if this one is of a kind that asks for something; some are long, some are empty.
fn answer(command: &str, random: &mut Seeded) -> &'static str {
    let asked: &[&str] = match command.trim_start_matches('(').split([' ', ')']).next().unwrap_or_default() {
        "check-sat" | "check-sat-assuming" => &["sat", "unsat", "unknown"],
        "get-model" => &["()", "(\n  ;; (check-sat)\n  (define-fun |a ) b| () Int\n    6)\n)", "(model)"],
        "get-value" | "get-assignment" => &["((x 1)\n ((f \")\") false))"],
        "get-info" => &["(:name \"(check-sat)\")", "(:rlimit 12)"],
        "get-option" => &["true", "7"],
        _ => &["success", "unsupported", "(error \"line 3: (check-sat) \"\"is\"\" not\")"],
    };
    random.of(asked)
}

#[test]
fn a_log_with_answers_between_its_commands_has_the_obligations_of_the_log_without_them() {
    let mut random = Seeded(seed(0x0915));
    let (mut answers, mut queries) = (0, 0);
    for _ in 0..200 {
        let log = fuzz::grammar::log(&mut random);
        let (mut answered, mut begun) = (String::new(), 0);
        let ends = log.match_indices('\n').map(|(at, _)| at + 1);
        for end in ends {
            answered.push_str(&log[begun..end]);
            begun = end;
            // In the middle of a command nothing is answered.
            if Log::read(&log.as_bytes()[..end], &LogLimits::default()).summary().broken.is_none() {
                let command = log[..end].trim_end().rsplit('\n').next().unwrap_or_default();
                answered.push_str(answer(command, &mut random));
                answered.push('\n');
            }
        }
        answered.push_str(&log[begun..]);
        let plain = Log::read(log.as_bytes(), &LogLimits::default());
        let read = Log::read(answered.as_bytes(), &LogLimits::default());
        assert_eq!(read.summary().broken, plain.summary().broken, "{answered}");
        assert_eq!(read.queries().len(), plain.queries().len(), "{answered}");
        answers += read.summary().answers;
        for (with, without) in read.queries().iter().zip(plain.queries()) {
            let text =
                |log: &Log, query| normalise(&log.text(query), &Limits::default()).map(|normalised| normalised.text);
            match (text(&read, with), text(&plain, without)) {
                (Ok(with), Ok(without)) => assert_eq!(with, without, "{answered}"),
                (with, without) => assert_eq!(with.is_err(), without.is_err(), "{answered}"),
            }
            queries += usize::from(matches!(with.logged, Some(Status::Sat | Status::Unsat | Status::Unknown)));
        }
    }
    assert!(answers > 1_000 && queries > 100, "this shows little: {answers} answers, {queries} of them to checks");
}
