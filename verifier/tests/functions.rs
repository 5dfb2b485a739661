//! Every function that a script may use without declaring it: its row in `docs/VERIFIER.md`, and claims about it that hold
//! and that do not, through the worker's own checker and the pinned library.
//!
//! `functions/*.smt2` hold claims over the declarations that stand before them:
//! - `(holds F)`: a proof of F is confirmed, and F is not refuted as well;
//! - `(fails F)`: a proof of F is refuted, by a counterexample;
//! - `(unconfirmed F)`: F does not hold, and its proof gets no verdict.
//!
//! Must never: let a function pass that has no claim in both directions, or no row.

mod direct;

use direct::{Asker, Bounds};
use protocol::verdict::Answer;
use smtlib::{Kind, Limits, Tree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
#[ignore = "the child process of the tests beside it"]
fn child() {
    direct::child();
}

/// A function's name, and whether indices come with it.
type Form = (String, bool);

struct Claim {
    keyword: String,
    text: String,
    /// Everything before it that is no claim.
    declarations: String,
    uses: BTreeSet<Form>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/functions")
}

fn claims() -> Vec<Claim> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| claims_of(&std::fs::read_to_string(file).unwrap())).collect()
}

fn claims_of(text: &str) -> Vec<Claim> {
    let tree = smtlib::parse(text.as_bytes(), &Limits::default()).unwrap();
    let mut declarations = String::new();
    let mut claims = Vec::new();
    for command in tree.top() {
        let parts: Vec<u32> = tree.children(command).collect();
        let keyword = tree.text(parts[0]);
        if ["holds", "fails", "unconfirmed"].contains(&keyword) {
            claims.push(Claim {
                keyword: keyword.to_owned(),
                text: source(text, &tree, parts[1]).to_owned(),
                declarations: declarations.clone(),
                uses: uses(&tree, parts[1]),
            });
        } else {
            declarations.push_str(source(text, &tree, command));
            declarations.push('\n');
        }
    }
    claims
}

/// The text of an expression.
fn source<'a>(text: &'a str, tree: &Tree, index: u32) -> &'a str {
    let node = tree.node(index);
    let last = tree.node(node.end - 1);
    let end = if node.kind == Kind::Open { last.at as usize + 1 } else { last.at as usize + tree.text(index).len() };
    &text[node.at as usize..end]
}

/// The symbols in an expression, with whether each stands behind an underscore.
fn uses(tree: &Tree, index: u32) -> BTreeSet<Form> {
    let symbols = (index..tree.node(index).end).filter(|at| tree.node(*at).kind == Kind::Symbol);
    symbols.map(|at| (tree.text(at).to_owned(), at > 0 && tree.text(at - 1) == "_")).collect()
}

/// What is wrong with a claim, by the answers to its two scripts; none if nothing is.
fn fault_of(claim: &Claim, asker: &mut Asker) -> Option<String> {
    let Claim { keyword, text, declarations, .. } = claim;
    let mut answer_to = |assertion: &str| {
        let script = format!("{declarations}(assert {assertion})\n(check-sat)\n");
        let both = asker.ask(script.as_bytes(), Bounds { only_ours: true, ..Bounds::default() });
        (both.answer(), format!("{:?}", both.report.map(|report| report.verdict)))
    };
    let (answer, verdict) = answer_to(&format!("(not {text})"));
    let right = match keyword.as_str() {
        "holds" => answer == Some(Answer::Unsat) && answer_to(text).0 != Some(Answer::Unsat),
        "fails" => answer == Some(Answer::Sat),
        _ => answer.is_none() && verdict.contains("NoVerdict"),
    };
    (!right).then(|| format!("({keyword} {text}): {verdict}"))
}

#[test]
fn every_function_means_what_is_said_of_it() {
    const ASKERS: usize = 4;
    let claims = claims();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts = claims.chunks(claims.len().div_ceil(ASKERS));
        let threads: Vec<_> = parts
            .map(|part| {
                scope.spawn(|| {
                    let mut asker = Asker::new("child");
                    part.iter().filter_map(|claim| fault_of(claim, &mut asker)).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{} claims", claims.len());
    assert!(wrong.is_empty(), "{} claims:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_function_has_claims_in_both_directions() {
    let claims = claims();
    let about = |form: &Form, holds: bool| {
        claims.iter().any(|claim| (claim.keyword == "holds") == holds && claim.uses.contains(form))
    };
    let forms: BTreeSet<Form> = smtlib::functions_listed().map(|(name, indexed)| (name.to_owned(), indexed)).collect();
    let missing: Vec<_> = forms.iter().filter(|form| !(about(form, true) && about(form, false))).collect();
    assert!(missing.is_empty(), "claims that hold and that fail are missing for {missing:?}");
}

/// The first cells of the table under "Functions" in the document.
fn rows() -> Vec<(Form, String)> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/VERIFIER.md");
    let document = std::fs::read_to_string(document).unwrap();
    let section = document.split("\n## ").find(|section| section.starts_with("Functions\n")).unwrap();
    let mut rows = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "three cells: {line}");
        for name in cells[0].split('`').skip(1).step_by(2) {
            let form = match name.strip_prefix("(_ ") {
                Some(rest) => (rest.split([' ', ')']).next().unwrap().to_owned(), true),
                None => (name.to_owned(), false),
            };
            rows.push((form, line.to_owned()));
        }
    }
    rows
}

#[test]
fn every_function_has_a_row_in_the_document_and_every_row_a_function() {
    let listed: BTreeSet<Form> = smtlib::functions_listed().map(|(name, indexed)| (name.to_owned(), indexed)).collect();
    let rows = rows();
    let described: BTreeSet<Form> = rows.iter().map(|(form, _)| form.clone()).collect();
    let missing: Vec<_> = listed.difference(&described).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    let lists: BTreeSet<Form> = ["nil", "insert", "head", "tail"].map(|name| (name.to_owned(), false)).into();
    let unknown: Vec<_> = described.difference(&listed).filter(|form| !lists.contains(*form)).collect();
    assert!(unknown.is_empty(), "rows for {unknown:?}, which is not accepted");
    assert_eq!(described.len(), rows.len(), "a function has two rows");
}
