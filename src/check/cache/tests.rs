//! Bounds, damage and several writers, on real files.

use super::*;
use crate::obligation::ClaimSource;
use protocol::types::ResourceCount;
use protocol::verdict::{Claim, Verdict};
use std::path::Path;

fn home(folder: &Path) -> Home {
    Home { segments: folder.join("cache"), key: folder.join("data/key") }
}

fn open(folder: &Path) -> (Cache, Known) {
    let home = home(folder);
    let key = home.key().unwrap();
    Cache::at(&home, key)
}

fn key(number: u64) -> Key {
    Key(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn finding(count: u64) -> Finding {
    let verdict = Verdict::Confirmed { resource_count: ResourceCount(count), within_soft_limits: true };
    Finding {
        claim: Claim::Unsat,
        source: ClaimSource::Script,
        verdict,
        cpu_ms: 1,
        counter_model: None,
        progress: None,
        incremental: false,
        explained: None,
        stability: None,
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder.join("cache")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "segment")).collect();
    files.sort();
    files
}

#[test]
fn what_one_run_found_the_next_one_knows_by_both_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, known) = open(folder.path());
    assert!(known.is_empty() && known.get(&key(1)).is_none());
    cache.put(key(1), Some(key(2)), &finding(7));
    cache.put(key(3), None, &finding(8));
    // As after kill -9: nothing is closed.
    std::mem::forget(cache);
    let (_, known) = open(folder.path());
    assert_eq!(
        [1, 2, 3, 4].map(|number| known.get(&key(number))),
        [Some(finding(7)), Some(finding(7)), Some(finding(8)), None]
    );
}

#[test]
fn of_two_findings_the_newer_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, _) = open(folder.path());
    cache.put(key(1), None, &finding(1));
    cache.put(key(1), None, &finding(2));
    cache.close();
    assert_eq!(open(folder.path()).1.get(&key(1)), Some(finding(2)));
}

#[test]
fn several_writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                for round in 0..20 {
                    let (mut cache, _) = open(folder);
                    (0..25).for_each(|n| cache.put(key(writer * 10_000 + round * 100 + n), None, &finding(n)));
                    cache.close();
                }
            });
        }
    });
    let (_, known) = open(folder.path());
    for (writer, round) in (0..4).flat_map(|writer| (0..20).map(move |round| (writer, round))) {
        for n in 0..25 {
            assert_eq!(known.get(&key(writer * 10_000 + round * 100 + n)), Some(finding(n)), "{writer} {round} {n}");
        }
    }
    let count = files(folder.path()).len();
    assert!(count <= SEGMENTS_MAX + 8, "{count} segments: small ones are put together");
}

/// Every cut and many flipped bits of a segment: what is given back is what was written, or nothing.
#[test]
fn damage_makes_findings_unknown_and_never_other_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, _) = open(folder.path());
    (0..8).for_each(|n| cache.put(key(n), Some(key(100 + n)), &finding(n)));
    cache.close();
    let [path] = files(folder.path()).try_into().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        let (_, known) = open(folder.path());
        let found = (0..8).filter(|n| {
            let by_both = [known.get(&key(*n)), known.get(&key(100 + n))];
            assert!(by_both.iter().flatten().all(|other| *other == finding(*n)), "{what}: {n}");
            by_both[0].is_some()
        });
        found.count()
    };
    assert_eq!(check(&whole, "whole"), 8);
    for cut in (0..whole.len()).step_by(37) {
        assert!(check(&whole[..cut], &format!("cut at {cut}")) < 8);
    }
    for bit in (0..whole.len() * 8).step_by(101) {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(check(&damaged, &format!("bit {bit}")) < 8);
    }
    assert_eq!(check(&vec![b'x'; whole.len()], "another file"), 0);
}

#[test]
fn findings_that_another_key_marked_are_not_known() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut cache, _) = open(folder.path());
    cache.put(key(1), None, &finding(1));
    cache.close();
    std::fs::create_dir_all(other.path().join("cache")).unwrap();
    for path in files(folder.path()) {
        std::fs::copy(&path, other.path().join("cache").join(path.file_name().unwrap())).unwrap();
    }
    let (mut cache, known) = open(other.path());
    assert!(known.get(&key(1)).is_none(), "it came with a stranger's files");
    cache.put(key(1), None, &finding(2));
    cache.close();
    assert_eq!(open(other.path()).1.get(&key(1)), Some(finding(2)));
}

#[test]
fn the_oldest_segments_are_removed_beyond_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, _) = open(folder.path());
    let mut large = finding(0);
    large.progress = Some("x".repeat(100_000));
    let records = (CACHE_BYTES_MAX + 3 * SEGMENT_BYTES_MAX) / 100_000;
    (0..records).for_each(|n| cache.put(key(n), None, &large));
    cache.close();
    let bytes: u64 = files(folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes <= CACHE_BYTES_MAX, "{bytes}");
    let (_, known) = open(folder.path());
    assert!(known.get(&key(0)).is_none() && known.get(&key(records - 1)).is_some());
}

#[test]
fn a_segment_that_is_written_to_is_neither_removed_nor_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let (mut held, _) = open(folder.path());
    held.put(key(1), None, &finding(1));
    let path = files(folder.path()).remove(0);
    for n in 0..=SEGMENTS_MAX as u64 {
        let (mut cache, _) = open(folder.path());
        cache.put(key(100 + n), None, &finding(n));
        cache.close();
    }
    assert!(path.exists() && files(folder.path()).len() <= 3, "{:?}", files(folder.path()));
    held.put(key(2), None, &finding(2));
    held.close();
    let (_, known) = open(folder.path());
    assert!([1, 2, 100, 100 + SEGMENTS_MAX as u64].iter().all(|n| known.get(&key(*n)).is_some()));
}

#[test]
fn what_does_not_last_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cache, _) = open(folder.path());
    let reason = protocol::verdict::NoVerdict::ProcessorTime { limit_ms: 1 };
    cache.put(key(1), None, &Finding { verdict: Verdict::NoVerdict { reason }, ..finding(1) });
    cache.close();
    assert!(open(folder.path()).1.is_empty());
}

#[test]
fn where_nothing_can_be_written_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    // A file where the directory should be: also for root, whom no mode stops.
    std::fs::write(folder.path().join("cache"), "").unwrap();
    let (mut cache, known) = open(folder.path());
    assert!(known.is_empty());
    cache.put(key(1), None, &finding(1));
    assert!(cache.trouble.as_ref().is_some_and(|why| why.starts_with("what is found is not remembered")));
    cache.close();
}
