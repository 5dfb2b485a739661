//! New statements out of given ones: as many as a network is to check, each as hard as the one that it comes from.
//!
//! A network remembers what it has checked, so a script that is submitted again costs it nearly nothing. A variant says one
//! thing more, of a constant that the script does not have; whether the rest can be satisfied does not depend on it.

use smtlib::{Kind, Limits, Tree};

/// The script with one more constant, which it asserts, in front of its first check. The same seed and number give the same
/// variant. None if the script has no check that can be found: it is refused as it stands.
pub fn variant(script: &[u8], seed: u64, number: u64) -> Option<Vec<u8>> {
    let tree = smtlib::parse(script, &Limits::default()).ok()?;
    let check = tree.top().find(|list| is_check(&tree, *list))?;
    let (before, after) = script.split_at(tree.node(check).at as usize);
    let name = format!("pop.variant.{seed}.{number}");
    let mut varied = before.to_vec();
    varied.extend_from_slice(format!("(declare-const {name} Bool)\n(assert {name})\n").as_bytes());
    varied.extend_from_slice(after);
    Some(varied)
}

fn is_check(tree: &Tree, list: u32) -> bool {
    let is_head = |head: u32| tree.node(head).kind == Kind::Symbol && !tree.node(head).quoted;
    let head = tree.children(list).next().filter(|head| is_head(*head));
    head.is_some_and(|head| matches!(tree.text(head), "check-sat" | "check-sat-assuming"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn normalised(script: &[u8]) -> String {
        smtlib::normalise(script, &Limits::default()).expect("a script that is taken").text
    }

    #[test]
    fn each_variant_is_a_statement_of_its_own_and_a_seed_repeats_it() {
        // A comment and a text that look like a check are none.
        let script =
            b"; (check-sat)\n(set-info :source |(check-sat)|)\n(declare-const x Int)\n(assert (> x 0))\n(check-sat)\n";
        let varied = |seed, number| variant(script, seed, number).unwrap();
        let all: BTreeSet<String> =
            [(1, 0), (1, 1), (2, 0)].map(|(seed, number)| normalised(&varied(seed, number))).into();
        assert_eq!(all.len(), 3);
        assert!(!all.contains(&normalised(script)));
        assert_eq!(varied(7, 7), varied(7, 7));
        assert!(varied(7, 7).ends_with(b"(assert pop.variant.7.7)\n(check-sat)\n"));
        assert_eq!(variant(b"(assert true)", 1, 1), None);
    }

    #[test]
    fn every_example_has_variants() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/proofs");
        for task in crate::testnet::tasks(&folder).unwrap() {
            let varied = variant(&task.script, 1, 2).unwrap_or_else(|| panic!("{} has no variant", task.name));
            assert_ne!(normalised(&varied), normalised(&task.script), "{}", task.name);
        }
    }
}
