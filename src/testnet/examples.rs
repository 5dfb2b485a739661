//! The example proofs of data/proofs, built into the program: a demo works wherever the program was installed.

use std::fs;
use std::io;
use std::path::Path;

macro_rules! carried {
    ($($name:literal,)*) => {
        &[$(($name, include_bytes!(concat!("../../data/proofs/", $name)))),*]
    };
}

/// Each file's name with its content; the manifest is one of them.
const FILES: &[(&str, &[u8])] = carried![
    "append-adds-lengths.smt2",
    "binary-search-invariant.smt2",
    "binary-search-loses-element.smt2",
    "braking-distance-suffices.smt2",
    "checksum-misses-a-change.smt2",
    "clamped-share-stays-in-range.smt2",
    "compiled-sum-runs-right.smt2",
    "count-bits-in-parallel.smt2",
    "deadlock-is-reachable.smt2",
    "divide-by-three-by-multiplying.smt2",
    "every-amount-is-payable.smt2",
    "file-stays-in-folder.smt2",
    "halve-by-shifting.smt2",
    "lease-ends-before-it-is-given-on.smt2",
    "lock-is-entered-twice.smt2",
    "manifest.json",
    "midpoint-overflow.smt2",
    "midpoint-without-overflow.smt2",
    "packet-length-check-overflows.smt2",
    "peterson-mutual-exclusion.smt2",
    "priority-inversion-is-reachable.smt2",
    "queue-is-first-in-first-out.smt2",
    "quorums-intersect.smt2",
    "quote-survives-replacing.smt2",
    "reverse-keeps-length.smt2",
    "revoked-role-grants-nothing.smt2",
    "ring-buffer-stays-in-bounds.smt2",
    "scheduler-one-thread-per-core.smt2",
    "selection-sort-postcondition.smt2",
    "self-transfer-mints.smt2",
    "sensor-offset-cancels.smt2",
    "sum-of-first-numbers.smt2",
    "swap-keeps-elements.smt2",
    "ticket-lock-excludes.smt2",
    "timetable-meets-deadline.smt2",
    "token-transfer-conserves-supply.smt2",
    "transfer-conserves-money.smt2",
    "tree-rotation-keeps-order.smt2",
    "two-phase-commit-agrees.smt2",
    "withdrawal-frames-other-accounts.smt2",
    "write-barrier-hides-no-object.smt2",
];

/// Writes them into a folder that is there.
///
/// # Errors
/// If one cannot be written.
pub fn write(folder: &Path) -> io::Result<()> {
    FILES.iter().try_for_each(|(name, content)| fs::write(folder.join(name), content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_of_the_folder_is_carried() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/proofs");
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let expected: BTreeSet<_> = names.filter(|name| name != "README.md").collect();
        assert_eq!(FILES.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), expected);
        let copy = tempfile::tempdir().unwrap();
        write(copy.path()).unwrap();
        assert_eq!(crate::obligation::scripts(copy.path()).unwrap().len(), expected.len() - 1);
    }
}
