//! Scripts that say much in few bytes: what the normaliser makes of them stays in proportion, or they are refused.
//!
//! Each was found by looking for a token that is written more often than it is read. They matter more than a slow solver
//! does: the normaliser runs in the node.
//!
//! Must never: have a second test; it counts the program's memory.

#[path = "../fuzz/mod.rs"]
mod fuzz;

use smtlib::{Limits, normalise};

#[global_allocator]
static ALLOCATOR: fuzz::memory::Counting = fuzz::memory::Counting;

const CHECK: &str = "(assert true)(check-sat)";

fn numbered(count: usize, form: impl Fn(usize) -> String) -> String {
    (0..count).map(form).collect()
}

/// Thirty-two names of ten thousand characters.
fn long_parameters() -> String {
    numbered(32, |index| format!("{} ", char::from(b'A' + index as u8 % 26).to_string().repeat(10_000 + index)))
}

fn scripts() -> Vec<(&'static str, String)> {
    let wide = "Int ".repeat(20_000);
    vec![
        (
            "an abbreviation of twenty thousand sorts, with another argument each time",
            format!(
                "(define-sort P (X) (Array X {wide})){}{CHECK}",
                numbered(16_000, |i| format!("(declare-fun f{i} () (P (_ BitVec {})))\n", i + 1))
            ),
        ),
        (
            "an abbreviation of it within itself",
            format!(
                "(define-sort P (X) (Array X {wide}))(define-sort Q (X) (P (P (P X)))){}{CHECK}",
                numbered(8_000, |i| format!("(declare-fun f{i} () (Q (_ BitVec {})))\n", i + 1))
            ),
        ),
        (
            "long parameters that every mention of a datatype implies",
            format!(
                "(declare-datatypes ({}) ((L n (c {}))))\n{CHECK}",
                long_parameters(),
                numbered(30_000, |i| format!("(s{i} L)"))
            ),
        ),
        (
            "long parameters that are written for each of many datatypes",
            format!(
                "(declare-datatypes ({}) ({}))\n{CHECK}",
                long_parameters(),
                numbered(30_000, |i| format!("(L{i} n{i})"))
            ),
        ),
        (
            "a long name that is renamed",
            format!(
                "(declare-datatypes () ((D ({0}))))(declare-fun |is-{0}| (Int) Bool){1}{CHECK}",
                "n".repeat(65_000),
                numbered(60, |_| format!("(assert (|is-{}| 1))", "n".repeat(65_000)))
            ),
        ),
        (
            "testers with the signatures of sorts with long names",
            format!(
                "(declare-sort {0} 0)(declare-datatype O (par (T) ((n) (s (t T)))))(declare-const o (O {0})){1}{CHECK}",
                "S".repeat(60_000),
                numbered(2_000, |_| "(assert (is-s o))".to_owned())
            ),
        ),
        (
            "patterns with many variables",
            format!(
                "(declare-datatype W ((w {})))(declare-const x W)(assert (match x (((w {}) true)))){CHECK}",
                numbered(40_000, |i| format!("(f{i} Int)")),
                numbered(40_000, |i| format!("v{i} "))
            ),
        ),
        ("the same definition again and again", {
            let definition = format!("(define-fun f ((x Int)) Int (+ x {}))", "x ".repeat(5_000));
            format!("{}{CHECK}", definition.repeat(400))
        }),
        (
            "a name that is tried after many others",
            format!(
                "{}(declare-fun sin (Int) Int)(declare-fun cos (Int) Int){CHECK}",
                numbered(20_000, |i| format!("(declare-const sin~{i} Int)(declare-const cos~{i} Int)"))
            ),
        ),
    ]
}

#[test]
fn nothing_that_is_written_once_is_kept_a_million_times() {
    let limits = Limits::default();
    for (name, script) in scripts() {
        assert!(script.len() as u64 <= limits.bytes_max, "{name}: {} bytes", script.len());
        let begun = std::time::Instant::now();
        let (result, peak) = fuzz::memory::peak_of(|| normalise(script.as_bytes(), &limits));
        let took = begun.elapsed();
        let outcome =
            result.map_or_else(|error| error.to_string(), |normalised| format!("{} bytes", normalised.text.len()));
        println!("{name}: {} bytes in {took:?} with {peak} bytes of memory: {outcome}", script.len());
        assert!(peak < 400 << 20, "{name}: {peak} bytes of memory for {} bytes", script.len());
        assert!(took.as_secs() < 20, "{name}: {took:?}");
    }
}
