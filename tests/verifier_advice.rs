//! Advice on verdicts, by real workers: counter-models, vacuity, and that neither reaches a verdict or holds up a check.

mod verifier_support;

use actors::outlet::Outlet;
use actors::routes::{Check, PoolRequest, Routes, Step};
use actors::supervision::{Handle, Spec, supervise};
use actors::verifier_pool::{
    Explain, Explained, Explanations, Verdicts, VerifierPool, VerifierPoolActor, VerifierPoolSettings,
};
use protocol::explanation::Explanation;
use protocol::mempool::{Input, Judgement};
use protocol::message::Word;
use protocol::types::{Hash, ValidatorIndex};
use protocol::validator::route::MempoolInput;
use protocol::verdict::{Answer, Claim, Job, Model, Report, Task, VerifierParameters};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use verifier_support::{FALSE, Watched, job};

/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(90);

/// Refuted, with names that are printed under others.
const RENAMED: &str = "(declare-sort List 0)\n(declare-fun sin (List) Int)\n(declare-const few List)
(declare-const |a \u{1b}[31mb| Int)\n(assert (and (> (sin few) 5) (= |a \u{1b}[31mb| 7)))\n(check-sat)\n";
const VACUOUS: &str =
    "(declare-const x Int)\n(assert (< x 0))\n(assert (> x 0))\n(assert (not (= x 7)))\n(check-sat)\n";

/// Refuted, with a function whose table has so many lines.
fn table(lines: usize) -> String {
    let rows: String = (0..lines).map(|n| format!("(assert (= (f {n}) {}))\n", n * 7 % 1_000)).collect();
    format!("(declare-fun f (Int) Int)\n(declare-const x Int)\n{rows}(assert (= x 3))\n(check-sat)\n")
}

fn explained(pool: &Watched, script: &str) -> (Report, Explanation) {
    let report = pool.check(&job(script, Some(Claim::Unsat)));
    let found = match Explanation::sought(&report).expect("something to explain") {
        Ok(explanation) => explanation,
        Err(task) => {
            let parameters = VerifierParameters::default();
            Explanation::found(task, pool.check(&Explanation::job(task, script.into(), &report, &parameters)))
        }
    };
    (report, found)
}

fn model(pool: &Watched, script: &str) -> Model {
    match explained(pool, script) {
        (_, Explanation::CounterModel(model)) => model,
        (report, other) => panic!("no model but {other:?} of {report:?}"),
    }
}

#[test]
fn a_counter_model_speaks_the_scripts_own_names() {
    let pool = Watched::pool(1);
    let script = RENAMED.replace('\u{1b}', "");
    let text = model(&pool, &script).text;
    for line in ["(define-fun few () List List!val!0)", "(define-fun |a [31mb| () Int 7)"] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
    assert!(text.contains("(define-fun sin ((x!0 List)) Int ") && !text.contains('~'), "{text}");
    let escape = pool.check(&job(RENAMED, None));
    assert!(matches!(escape.verdict, protocol::verdict::Verdict::Rejected { .. }), "no escape gets as far: {escape:?}");
}

#[test]
fn a_counter_model_is_of_the_run_without_logic_and_options() {
    let pool = Watched::pool(1);
    let script = "(set-option :model.v2 true)\n(set-option :model false)\n(set-logic QF_LIA)\n(declare-const x Int)
(define-fun twice () Int (* 2 x))\n(assert (= twice 84))\n(check-sat)\n";
    assert_eq!(model(&pool, script).text, "(define-fun x () Int 42)\n; twice is 84\n");
}

#[test]
fn a_long_counter_model_is_cut_visibly_and_still_tells_the_rest() {
    let pool = Watched::pool(1);
    let Model { text, truncated } = model(&pool, &table(2_000));
    assert!(truncated && text.len() <= Model::TEXT_BYTES_MAX, "{} bytes", text.len());
    assert!(text.contains("; cut here: this definition is longer\n"), "{text}");
    assert!(text.ends_with("(define-fun x () Int 3)\n"), "{text}");
}

#[test]
fn advice_changes_no_verdict_and_no_count() {
    let pool = Watched::pool(1);
    let check = |script: &str| {
        let Report { verdict, answer, resource_count, statement, .. } = pool.check(&job(script, Some(Claim::Unsat)));
        (verdict, answer, resource_count, statement)
    };
    let scripts = [RENAMED.replace('\u{1b}', ""), table(50), VACUOUS.to_owned(), FALSE.to_owned()];
    let before = scripts.each_ref().map(|script| check(script));
    for task in [Task::Model, Task::Vacuity, Task::Core] {
        for script in &scripts {
            pool.check(&Job { task, ..job(script, None) });
        }
    }
    assert_eq!(scripts.each_ref().map(|script| check(script)), before);
    let counted =
        |event: &&actors::verifier_pool::PoolEvent| matches!(event, actors::verifier_pool::PoolEvent::Checked { .. });
    assert_eq!(pool.events().iter().filter(counted).count(), 2 * scripts.len(), "advice is counted as no verdict");
}

#[test]
fn a_vacuous_theorem_is_told_from_a_sound_one() {
    let pool = Watched::pool(1);
    assert_eq!(explained(&pool, VACUOUS).1, Explanation::Vacuous);
    let sound = "(declare-const x Int)\n(assert (< x 0))\n(assert (not (< x 1)))\n(check-sat)\n";
    assert_eq!(explained(&pool, sound).1, Explanation::Sound);
    let report = pool.check(&job(sound, Some(Claim::Sat)));
    assert_eq!(Explanation::sought(&report), Some(Ok(Explanation::Unreachable)));
    assert_eq!(report.answer, Some(Answer::Unsat));
}

/// An actor before a pool of one worker.
struct Bench {
    actor: Handle<VerifierPoolActor>,
    judged: UnboundedReceiver<(Hash, Judgement)>,
}

fn bench() -> Bench {
    let config = verifier_support::config(1, env!("CARGO_BIN_EXE_pop-verifier").into());
    let (tell, judged) = unbounded_channel();
    let mempool = Outlet::new(move |step| {
        if let Step::Input(MempoolInput::Step(Input::Judged { proof, judgement })) = step {
            tell.send((proof, judgement)).unwrap();
        }
        None
    });
    let settings = VerifierPoolSettings {
        pool: Arc::new(VerifierPool::start(config).unwrap()),
        verdicts: Arc::new(Verdicts::default()),
        explanations: Arc::new(Explanations::default()),
        accuracy: Arc::default(),
        published: Arc::default(),
        parameters: VerifierParameters::default(),
        routes: Routes { mempool, ..Routes::nowhere(ValidatorIndex(0)) },
    };
    Bench { actor: supervise(Spec::new("verifier_pool"), move || Ok(VerifierPoolActor::new(settings.clone()))), judged }
}

impl Bench {
    /// Has a script checked under its number, which stands for its proof, and gives its statement.
    fn begin(&self, number: u8, script: &str) -> Hash {
        let normalised = smtlib::normalise(script.as_bytes(), &smtlib::Limits::default()).unwrap();
        let statement = protocol::verdict::statement_id(&Hash(normalised.identity), Claim::Unsat);
        let (proof, script) = (Hash([number; 32]), script.as_bytes().to_vec());
        let check = Check { proof, statement, claim: Claim::Unsat, script, urgent: false };
        self.actor.send(PoolRequest::Check(check)).unwrap();
        statement
    }

    async fn word(&mut self, number: u8) -> Word {
        let (proof, judgement) = tokio::time::timeout(LONG, self.judged.recv()).await.expect("in time").unwrap();
        assert_eq!(proof, Hash([number; 32]));
        match judgement {
            Judgement::Word(word) => word,
            Judgement::Again => panic!("not judged"),
        }
    }

    async fn why(&self, statement: Hash) -> Explained {
        self.actor.ask(Explain(statement), LONG).await.unwrap()
    }
}

#[actix::test]
async fn who_asks_is_told_why_and_it_is_found_out_once() {
    let mut bench = bench();
    let refuted = bench.begin(1, &table(3));
    assert_eq!(bench.word(1).await, Word::Refuted);
    let first = bench.why(refuted).await;
    let Explained::Found(Explanation::CounterModel(model)) = &first else { panic!("{first:?}") };
    assert!(model.text.contains("(define-fun x () Int 3)"), "{model:?}");
    assert_eq!(bench.why(refuted).await, first);
    let vacuous = bench.begin(2, VACUOUS);
    assert!(matches!(bench.word(2).await, Word::Confirmed(_)));
    assert_eq!(bench.why(vacuous).await, Explained::Found(Explanation::Vacuous));
    assert_eq!(bench.why(Hash([9; 32])).await, Explained::Nothing, "a statement that nobody checked");
}

#[actix::test]
async fn a_check_does_not_wait_for_an_explanation() {
    let mut bench = bench();
    // Its model takes the solver longer to write down than a check of another script takes altogether.
    let refuted = bench.begin(1, &table(3_000));
    assert_eq!(bench.word(1).await, Word::Refuted);
    // The check is behind the question in the actor's mailbox, so the search has begun when it comes.
    let (why, _) = tokio::join!(bench.actor.ask(Explain(refuted), LONG), async { bench.begin(2, FALSE) });
    assert!(matches!(bench.word(2).await, Word::Confirmed(_)));
    assert_eq!(why.unwrap(), Explained::Busy, "the check ended the search, and who asked is told");
    let again = bench.why(refuted).await;
    assert!(matches!(again, Explained::Found(Explanation::CounterModel(_))), "nothing is in its way now: {again:?}");
}
