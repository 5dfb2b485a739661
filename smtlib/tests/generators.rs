//! Scripts in the style of each generator of proofs: all are accepted. The words are this project's; the options, built-in
//! functions and forms are those that the tools write.
//!
//! What the solver answers is tested in `verifier/`, by the first word of each file.
//!
//! Must never: hold a script that no tool would write; that belongs to the refusals.

use smtlib::{Limits, normalise};

#[test]
fn what_the_generators_of_proofs_write_is_accepted() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generators");
    let mut faults = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is part of the project") {
        let path = entry.expect("its entries are readable").path();
        let script = std::fs::read(&path).expect("a file");
        assert!(
            script.starts_with(b"; unsat. ") || script.starts_with(b"; sat. "),
            "{} names no answer",
            path.display()
        );
        count += 1;
        if let Err(error) = normalise(&script, &Limits::default()) {
            faults.push(format!("{}: {error}", path.display()));
        }
    }
    assert!(count >= 22, "only {count} files");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn strategies_that_were_not_tried_are_left_out_and_told() {
    let script = b"(set-option :sat.euf true)(set-option :tactic.default_tactic sat)(set-option :pp.max-depth 9)
        (set-option :smtlib2_compliant true)(set-option :model_validate true)(assert true)(check-sat)";
    let normalised = normalise(script, &Limits::default()).expect("all are known");
    assert!(normalised.options.is_empty(), "{:?}", normalised.options);
    assert_eq!(normalised.notes.len(), 5);
}
