//! What stands beside the key says whether a start is the first: R12.

use super::*;

#[test]
fn a_first_start_is_new_until_the_first_batch_and_whole_after() {
    let place = Place::new();
    assert_eq!(place.recover(), (LogState::New, vec![]));
    assert_eq!(place.recover(), (LogState::New, vec![]), "opening makes no log and no mark");
    assert!(!place.file().exists() && !place.mark().exists());
    let (mut log, _) = place.open();
    log.append(&[]).unwrap();
    assert!(!place.file().exists(), "an empty batch costs nothing");
    log.append(&[record(1, 10)]).unwrap();
    assert!(place.mark().exists(), "the mark is there before the first vote may be sent");
    assert!(!place.beside().is_born().unwrap(), "and nothing says any more that the key never signed");
    log.append(&[record(2, 10)]).unwrap();
    drop(log);
    assert_eq!(place.recover(), (LogState::Whole, vec![record(1, 10), record(2, 10)]));
}

#[test]
fn a_mark_without_a_log_is_lost_and_a_log_without_a_mark_may_be_an_old_copy() {
    let (place, ..) = three_batches();
    std::fs::remove_file(place.mark()).unwrap();
    assert_eq!(place.recover(), (LogState::Outdated, all_five()));
    let (mut log, _) = place.open();
    log.append(&[record(6, 10)]).unwrap();
    assert_eq!(place.recover().0, LogState::Whole);
    assert!(place.mark().exists());
    std::fs::remove_file(place.file()).unwrap();
    assert_eq!(place.recover(), (LogState::Lost, vec![]));
    let (mut log, _) = place.open();
    log.append(&[record(9, 10)]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, vec![record(9, 10)]));
}

/// R12: only what made the key says that it never signed. A copy of it, and one whose data was lost with its mark, may have.
#[test]
fn without_its_born_and_its_mark_a_key_is_no_new_one() {
    let place = Place::new();
    place.beside().consume_born().unwrap();
    assert_eq!(place.recover(), (LogState::Lost, vec![]));
    let (mut log, _) = place.open();
    log.append(&[record(1, 10)]).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, vec![record(1, 10)]));
}

/// The power may fail between any two of: log, mark, `.born`.
#[test]
fn a_first_start_that_was_ended_before_its_mark_goes_on_as_one() {
    let (place, ..) = three_batches();
    std::fs::remove_file(place.mark()).unwrap();
    bear(&place.key_file()).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, all_five()));
    assert!(place.mark().exists() && !place.beside().is_born().unwrap());
    // A key that came back with an old `.born` beside its mark.
    bear(&place.key_file()).unwrap();
    std::fs::remove_file(place.file()).unwrap();
    assert_eq!(place.recover().0, LogState::Lost);
    assert!(!place.beside().is_born().unwrap(), "beside a mark it means nothing");
}

#[test]
fn a_born_that_cannot_be_removed_ends_the_start_before_anything_is_signed() {
    let place = Place::new();
    let (mut log, state) = place.open();
    assert_eq!(state, LogState::New);
    std::fs::remove_file(place.beside().born).unwrap();
    std::fs::create_dir_all(place.beside().born.join("in the way")).unwrap();
    let error = log.append(&[record(1, 10)]).unwrap_err();
    assert_eq!(error.exit_code(), crate::exit_code::CONFIGURATION, "{error}");
    assert!(matches!(log.append(&[record(2, 10)]), Err(VoteLogError::FailedBefore { .. })));
}

#[test]
fn who_has_a_twin_does_not_start_until_the_operator_has_decided() {
    let (place, ..) = three_batches();
    place.open().0.mark_twin().unwrap();
    let error = place.try_open().unwrap_err();
    assert_eq!(error.exit_code(), crate::exit_code::TWIN, "{error}");
    std::fs::remove_file(place.beside().twin).unwrap();
    assert_eq!(place.recover(), (LogState::Whole, all_five()));
}
