//! The log through crashes at every byte, flipped bits in every region, and disks that fail.

use super::*;
use crate::storage::beside_key::bear;
use proptest::prelude::*;
use std::collections::BTreeSet;

mod first_start;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("data")).unwrap();
        let place = Place { directory };
        bear(&place.key_file()).unwrap();
        place
    }

    fn key_file(&self) -> PathBuf {
        self.directory.path().join("node_1.key")
    }

    fn beside(&self) -> BesideKey {
        BesideKey::of(&self.key_file(), &identity().chain)
    }

    fn file(&self) -> PathBuf {
        self.data().join(FILE_NAME)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn mark(&self) -> PathBuf {
        self.beside().mark
    }

    fn try_open(&self) -> Result<(VoteLog, LogState), VoteLogError> {
        VoteLog::open(&self.data(), &self.beside(), identity())
    }

    fn open(&self) -> (VoteLog, LogState) {
        self.try_open().unwrap()
    }

    /// What a restart would find.
    fn recover(&self) -> (LogState, Vec<Vec<u8>>) {
        let (log, history) = self.open();
        (history, log.records().to_vec())
    }
}

fn identity() -> Identity {
    Identity { chain: Hash([1; 32]), key: PublicKey([2; 32]) }
}

fn record(number: u32, length: usize) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(length.max(4), number as u8);
    bytes
}

/// A log of three batches; the file's bytes before and after the third, and where each batch begins and ends.
fn three_batches() -> (Place, Vec<u8>, Vec<u8>, [usize; 4]) {
    let place = Place::new();
    let (mut log, _) = place.open();
    let mut ends = [SECTOR; 4];
    let batches = [vec![record(1, 100)], vec![record(2, 5_000), record(3, 10)], vec![record(4, 300), record(5, 3_900)]];
    let mut before = Vec::new();
    for (index, batch) in batches.iter().enumerate() {
        before = std::fs::read(place.file()).unwrap_or_default();
        log.append(batch).unwrap();
        ends[index + 1] = log.bytes() as usize;
    }
    let after = std::fs::read(place.file()).unwrap();
    assert_eq!(before.len(), after.len(), "space was made beforehand");
    (place, before, after, ends)
}

fn first_three() -> Vec<Vec<u8>> {
    vec![record(1, 100), record(2, 5_000), record(3, 10)]
}

fn all_five() -> Vec<Vec<u8>> {
    [first_three(), vec![record(4, 300), record(5, 3_900)]].concat()
}

#[test]
fn an_older_copy_of_the_log_is_outdated_until_its_first_batch_and_whole_after() {
    let place = Place::new();
    let copy = |place: &Place| std::fs::read(place.file()).unwrap();
    let (mut log, _) = place.open();
    log.append(&[record(1, 10)]).unwrap();
    log.append(&[record(2, 10)]).unwrap();
    let old = copy(&place);
    drop(log);
    // One batch after the next start is enough.
    let (mut log, _) = place.open();
    log.append(&[record(3, 10)]).unwrap();
    drop(log);
    std::fs::write(place.file(), &old).unwrap();
    assert_eq!(place.recover(), (LogState::Outdated, vec![record(1, 10), record(2, 10)]));
    assert_eq!(copy(&place), old, "opening it changes nothing");
    let (mut log, _) = place.open();
    log.append(&[record(9, 10)]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, vec![record(1, 10), record(2, 10), record(9, 10)]));
    // In one run, so many batches are; and those of a log that was written anew count on.
    let old = copy(&place);
    log.replace(&[record(10, 10)]).unwrap();
    (0..mark::BATCHES_UNMARKED_MAX as u32).for_each(|number| log.append(&[record(number, 10)]).unwrap());
    std::fs::write(place.file(), &old).unwrap();
    assert_eq!(place.recover().0, LogState::Outdated);
    std::fs::remove_file(place.file()).unwrap();
    let (mut log, history) = place.open();
    assert_eq!(history, LogState::Lost);
    log.append(&[record(11, 10)]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, vec![record(11, 10)]));
    std::fs::write(place.file(), &old).unwrap();
    assert_eq!(place.recover().0, LogState::Outdated);
}

#[test]
fn the_mark_is_never_ahead_of_the_log() {
    let place = Place::new();
    for start in 0..3 {
        let (mut log, history) = place.open();
        assert!(matches!(history, LogState::New | LogState::Whole), "start {start}: {history:?}");
        for number in 0..2 * mark::BATCHES_UNMARKED_MAX as u32 {
            log.append(&[record(number, 10)]).unwrap();
            let marked = mark::read(&place.mark()).unwrap();
            let lags = |reached| reached <= log.next && log.next - reached < mark::BATCHES_UNMARKED_MAX;
            assert!(matches!(marked, Mark::Reached(reached) if lags(reached)), "{marked:?}, next {}", log.next);
        }
    }
}

#[test]
fn a_damaged_mark_is_an_unknown_history_that_ends_with_the_first_batch() {
    for with_log in [true, false] {
        let (place, ..) = three_batches();
        let mut bytes = std::fs::read(place.mark()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(place.mark(), bytes).unwrap();
        if !with_log {
            std::fs::remove_file(place.file()).unwrap();
        }
        let (mut log, history) = place.open();
        assert_eq!(history, if with_log { LogState::Outdated } else { LogState::Lost });
        log.append(&[record(6, 10)]).unwrap();
        assert_eq!(place.recover().0, LogState::Whole);
    }
}

#[test]
fn another_chain_has_another_mark_and_another_log_is_foreign() {
    let (place, ..) = three_batches();
    let mark = |chain| BesideKey::of(&place.key_file(), &Hash([chain; 32])).mark;
    assert_ne!(mark(1), mark(9));
    for other in [Identity { chain: Hash([9; 32]), ..identity() }, Identity { key: PublicKey([9; 32]), ..identity() }] {
        let error = VoteLog::open(&place.data(), &place.beside(), other).unwrap_err();
        assert!(matches!(error, VoteLogError::Foreign { .. }), "{error}");
    }
}

#[test]
fn a_crash_at_every_byte_of_the_last_batch_loses_that_batch_and_nothing_else() {
    let (place, before, after, ends) = three_batches();
    let mut seen = BTreeSet::new();
    for cut in ends[2]..=ends[3] {
        let mut bytes = before.clone();
        bytes[..cut].copy_from_slice(&after[..cut]);
        std::fs::write(place.file(), &bytes).unwrap();
        let (history, records) = place.recover();
        let expected = match history {
            LogState::Whole if records.len() == 5 => all_five(),
            LogState::Whole | LogState::Torn => first_three(),
            LogState::New | LogState::Lost | LogState::Outdated => panic!("cut at {cut}: {history:?}"),
        };
        assert_eq!(records, expected, "cut at {cut}");
        // Beyond the batch's last byte that is not zero, all of it is there.
        assert_eq!(records.len() == 5, bytes == after, "cut at {cut}");
        seen.insert((format!("{history:?}"), records.len()));
    }
    let all = [("Torn", 3), ("Whole", 3), ("Whole", 5)].map(|(history, count)| (history.to_owned(), count));
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn a_torn_batch_stays_evidence_until_the_next_append_and_is_gone_after() {
    let (place, before, after, ends) = three_batches();
    let mut bytes = before;
    bytes[ends[2]..ends[2] + 500].copy_from_slice(&after[ends[2]..ends[2] + 500]);
    std::fs::write(place.file(), &bytes).unwrap();
    assert_eq!(place.recover(), (LogState::Torn, first_three()));
    assert_eq!(place.recover(), (LogState::Torn, first_three()), "opening it changes nothing");
    assert_eq!(std::fs::read(place.file()).unwrap(), bytes);
    let (mut log, _) = place.open();
    log.append(&[record(7, 10)]).unwrap();
    log.append(&[record(8, 10)]).unwrap();
    let expected = [first_three(), vec![record(7, 10), record(8, 10)]].concat();
    assert_eq!(place.recover(), (LogState::Whole, expected));
}

/// One flipped bit, anywhere: never a wrong record, and never a loss that is not told.
#[test]
fn a_flipped_bit_is_damage_before_the_last_batch_and_torn_in_or_behind_it() {
    let (place, _, after, ends) = three_batches();
    let places = (0..ends[3]).step_by(7).chain((ends[3]..after.len()).step_by(4_099)).chain(ends);
    for at in places {
        let mut bytes = after.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(place.file(), &bytes).unwrap();
        match place.try_open() {
            Err(VoteLogError::Damaged { .. } | VoteLogError::Version { .. }) => {
                assert!(at < ends[2], "byte {at} is in the last batch or behind it");
                assert_eq!(std::fs::read(place.file()).unwrap(), bytes, "damage is never touched");
            }
            Ok((log, history)) => {
                assert!(at >= ends[2], "byte {at} is before the last batch");
                assert_eq!(history, LogState::Torn, "byte {at}");
                let expected = if at < ends[3] { first_three() } else { all_five() };
                assert_eq!(log.records(), expected, "byte {at}");
            }
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
}

#[test]
fn a_zeroed_sector_in_the_middle_is_damage() {
    let (place, _, after, ends) = three_batches();
    for at in (0..ends[2]).step_by(SECTOR) {
        let mut bytes = after.clone();
        bytes[at..at + SECTOR].fill(0);
        std::fs::write(place.file(), &bytes).unwrap();
        let error = place.try_open().unwrap_err();
        assert!(error.exit_code() == exit_code::DAMAGED, "sector at {at}: {error}");
    }
}

#[test]
fn a_file_that_lost_its_end_is_never_called_whole() {
    let (place, _, after, ends) = three_batches();
    for length in (0..after.len()).step_by(997).chain(ends) {
        std::fs::write(place.file(), &after[..length]).unwrap();
        match place.try_open() {
            // Without a byte it holds as much as a missing one.
            Ok((_, history)) if length == 0 => assert_eq!(history, LogState::Lost),
            // More than a batch is gone, and the mark knows it.
            Ok((_, history)) if length < ends[1] => assert_eq!(history, LogState::Outdated, "{length} bytes"),
            Ok((_, history)) => assert_eq!(history, LogState::Torn, "{length} bytes"),
            Err(error) => {
                assert!(length < SECTOR && error.exit_code() == exit_code::DAMAGED, "{length} bytes: {error}")
            }
        }
    }
}

#[test]
fn a_replacement_is_the_old_log_or_the_new_one() {
    let (place, _, old, _) = three_batches();
    // A crash before the rename leaves the replacement beside the log.
    let beside = replacement_path(&place.file());
    std::fs::write(&beside, &old[..5_000]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, all_five()));
    assert!(!beside.exists());
    let (mut log, _) = place.open();
    log.replace(&[record(6, 10)]).unwrap();
    log.append(&[record(7, 10)]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, vec![record(6, 10), record(7, 10)]));
    log.replace(&[]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, vec![]));
    log.append(&[record(8, 10)]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, vec![record(8, 10)]));
}

/// Whoever takes over an open log relies on it.
#[test]
fn an_open_log_knows_what_the_file_holds() {
    let place = Place::new();
    let check = |log: &VoteLog, history| {
        assert!(log.is_whole());
        assert_eq!(place.recover(), (history, log.records().to_vec()));
    };
    let (mut log, _) = place.open();
    assert!(!log.is_whole(), "there is no file yet");
    log.append(&[record(1, 10), record(2, 10)]).unwrap();
    check(&log, LogState::Whole);
    log.append(&[record(3, 10)]).unwrap();
    check(&log, LogState::Whole);
    log.replace(&[record(3, 10)]).unwrap();
    check(&log, LogState::Whole);
    let torn = [std::fs::read(place.file()).unwrap(), vec![1]].concat();
    std::fs::write(place.file(), torn).unwrap();
    let (mut log, history) = place.open();
    assert!(history == LogState::Torn && !log.is_whole());
    log.append(&[record(4, 10)]).unwrap();
    check(&log, LogState::Whole);
    log.append(&[vec![0; BATCH_BYTES_MAX]]).unwrap_err();
    assert!(!log.is_whole(), "after a failure nobody takes it over");
}

#[test]
fn space_grows_and_batches_of_any_size_come_back() {
    let place = Place::new();
    let (mut log, _) = place.open();
    let sizes = [10, SECTOR - format::HEAD - 4, SECTOR, 3 * CHUNK as usize, CHUNK as usize - format::HEAD - 4, 1];
    let records: Vec<_> = (0..).zip(sizes).map(|(number, size)| record(number, size)).collect();
    for record in &records {
        log.append(std::slice::from_ref(record)).unwrap();
        assert!(std::fs::metadata(place.file()).unwrap().len().is_multiple_of(CHUNK));
    }
    assert_eq!(place.recover(), (LogState::Whole, records));
}

#[test]
fn a_replacement_larger_than_a_batch_is_split_and_a_record_larger_than_one_refused() {
    let records = vec![vec![1; BATCH_BYTES_MAX / 2]; 3];
    assert_eq!(batches(&records).map(<[_]>::len).collect::<Vec<_>>(), [1, 1, 1]);
    let small = vec![vec![1; BATCH_BYTES_MAX / 4]; 5];
    assert_eq!(batches(&small).map(<[_]>::len).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(batches(&[]).count(), 0);
    let place = Place::new();
    let (mut log, _) = place.open();
    let error = log.append(&[vec![0; BATCH_BYTES_MAX]]).unwrap_err();
    assert!(matches!(error, VoteLogError::BatchTooLarge { .. }), "{error}");
    assert!(matches!(log.append(&[vec![1]]), Err(VoteLogError::FailedBefore { .. })));
    assert_eq!(place.recover(), (LogState::New, vec![]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_after_which_the_log_is_not_used_any_more() {
    let (place, _, after, _) = three_batches();
    let (mut log, _) = place.open();
    let State::Open(open) = &mut log.state else { panic!("the log is open") };
    // The device on which every write fails for want of space.
    open.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    match log.append(&[record(6, 10)]) {
        Err(VoteLogError::Disk(error)) => assert_eq!(error.kind(), std::io::ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
    assert!(matches!(log.append(&[record(6, 10)]), Err(VoteLogError::FailedBefore { .. })));
    assert!(matches!(log.replace(&[record(6, 10)]), Err(VoteLogError::FailedBefore { .. })));
    assert_eq!(std::fs::read(place.file()).unwrap(), after);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After a power failure any of the sectors in flight may be old or new.
    #[test]
    fn any_subset_of_the_last_batchs_sectors_loses_at_most_that_batch(
        lengths in prop::collection::vec(0usize..20_000, 1..4),
        written in prop::collection::vec(any::<bool>(), 20),
    ) {
        let place = Place::new();
        let (mut log, _) = place.open();
        log.append(&first_three()).unwrap();
        let before = std::fs::read(place.file()).unwrap();
        let start = log.bytes() as usize;
        let batch: Vec<_> = (10..).zip(&lengths).map(|(number, length)| record(number, *length)).collect();
        log.append(&batch).unwrap();
        let end = log.bytes() as usize;
        let mut bytes = std::fs::read(place.file()).unwrap();
        for (index, at) in (start..end).step_by(SECTOR).enumerate() {
            if !written[index] {
                bytes[at..at + SECTOR].copy_from_slice(&before[at..at + SECTOR]);
            }
        }
        std::fs::write(place.file(), &bytes).unwrap();
        let (history, records) = place.recover();
        let all = [first_three(), batch].concat();
        prop_assert!(records == first_three() || (records == all && history == LogState::Whole));
        let (mut log, _) = place.open();
        log.append(&[record(99, 10)]).unwrap();
        let (history, after) = place.recover();
        prop_assert_eq!((history, after), (LogState::Whole, [records, vec![record(99, 10)]].concat()));
    }
}

/// Not a test of behaviour: prints what one append costs on this disk. `cargo test -p actors cost_of -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn the_cost_of_an_append() {
    let place = Place { directory: tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap() };
    std::fs::create_dir(place.data()).unwrap();
    let (mut log, _) = place.open();
    for (size, count) in [(300, 1_000), (10_000, 500), (1 << 20, 50)] {
        let mut times: Vec<_> = (0..count)
            .map(|number| {
                let record = record(number, size);
                let start = std::time::Instant::now();
                log.append(&[record]).unwrap();
                start.elapsed()
            })
            .collect();
        times.sort();
        let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize];
        println!("append of {size} bytes: p50 {:?}, p99 {:?}, worst {:?}", at(0.5), at(0.99), at(1.0));
        let start = std::time::Instant::now();
        log.replace(&[record(1, 1_000)]).unwrap();
        println!("replace: {:?}", start.elapsed());
    }
}
