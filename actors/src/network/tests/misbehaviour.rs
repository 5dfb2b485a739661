//! Peers that break rules in a session: what each kind of bad input comes to.

use super::super::faults::FAULTS_MAX;
use super::super::frames::{BODY_BYTES_MAX, Control, WIRE_VERSION, part_head};
use super::super::handshake::{LinkError, Refusal};
use super::super::testing::{
    Event, LONG_BYTES_MAX, LONG_TALK, NOTE, NOTE_BYTES_MAX, PANIC, Raw, Talk, counted, key, metrics_here, node, pair,
};
use super::{frame, note};

/// Sends bytes in a session and expects the session to end with the named fault, the honest one beside it to go on.
async fn ends_the_session(bytes: &[u8], fault: &str) {
    let (_guard, metrics) = metrics_here();
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    raw.bytes(bytes).await;
    assert_eq!(raw.farewell().await, LinkError::RefusedByPeer(Refusal::BadFrame(fault.into())));
    a.sees(Event::Closed(2)).await;
    assert_eq!(a.faults(2), 1);
    assert_eq!(counted(&metrics, &format!("pop_network_misbehaviour_total{{rule=\"{fault}\"}}")), 1.0);
    a.talks_with(&mut b, 1).await;
    assert_eq!(a.faults(1), 0);
}

#[actix::test]
async fn a_frame_that_claims_too_much_ends_the_session_before_its_body_is_read() {
    ends_the_session(&[0xff, 0xff, 0xff, 0xff, WIRE_VERSION, NOTE], "frame_too_large").await;
    let length = u32::try_from(BODY_BYTES_MAX + 3).unwrap().to_be_bytes();
    ends_the_session(&[length.as_slice(), &[WIRE_VERSION, NOTE]].concat(), "frame_too_large").await;
}

#[actix::test]
async fn a_frame_without_a_head_ends_the_session() {
    ends_the_session(&[0, 0, 0, 1, WIRE_VERSION, NOTE], "frame_too_short").await;
}

#[actix::test]
async fn a_message_above_its_kinds_limit_ends_the_session() {
    ends_the_session(&frame(NOTE, &[0; NOTE_BYTES_MAX + 1]), "message_too_large").await;
    let body = [part_head(LONG_TALK, LONG_BYTES_MAX + 1).as_slice(), &[0; 10]].concat();
    ends_the_session(&frame(Control::Part as u8, &body), "message_too_large").await;
}

#[actix::test]
async fn parts_that_do_not_fit_together_end_the_session() {
    let part =
        |kind, total, bytes: &[u8]| frame(Control::Part as u8, &[part_head(kind, total).as_slice(), bytes].concat());
    let other_total = [part(LONG_TALK, 100, &[0; 10]), part(LONG_TALK, 101, &[0; 10])].concat();
    ends_the_session(&other_total, "part_out_of_order").await;
    ends_the_session(&part(LONG_TALK, 10, &[0; 11]), "part_out_of_order").await;
    ends_the_session(&part(LONG_TALK, 10, &[]), "part_out_of_order").await;
}

#[actix::test]
async fn a_handshake_frame_in_a_session_ends_it() {
    ends_the_session(&frame(Control::Open as u8, &[]), "out_of_place").await;
}

#[actix::test]
async fn a_message_that_cannot_be_read_costs_only_itself() {
    let (_guard, metrics) = metrics_here();
    let mut a = node(2, 0);
    let mut raw = Raw::session(1, &a).await;
    a.sees(Event::Opened(1)).await;
    let long = rmp_serde::to_vec(&Talk::Long("text".into())).unwrap();
    let wrong = rmp_serde::to_vec(&Talk::Wrong).unwrap();
    let trailing = [note(1).as_slice(), &[0]].concat();
    let nested = [0x91; NOTE_BYTES_MAX];
    let cases: [(u8, &[u8], &str); 8] = [
        (200, &[], "unknown_kind"),
        (0, &[], "unknown_kind"),
        (NOTE, &[], "malformed"),
        (NOTE, &[0xc1], "malformed"),
        (NOTE, &nested, "malformed"),
        (NOTE, &trailing, "trailing_bytes"),
        (NOTE, &long, "other_kind"),
        (NOTE, &wrong, "invalid"),
    ];
    for (kind, body, _) in &cases {
        raw.frame(*kind, body).await;
    }
    raw.frame(NOTE, &note(9)).await;
    assert_eq!(a.event().await, Event::Heard(1, Talk::Note(9)));
    assert_eq!(a.faults(1), cases.len() as u64);
    for (_, _, fault) in &cases {
        assert!(counted(&metrics, &format!("pop_network_misbehaviour_total{{rule=\"{fault}\"}}")) >= 1.0, "{fault}");
    }
}

#[actix::test]
async fn who_breaks_rules_again_and_again_is_banned_and_others_are_not() {
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    for _ in 0..=FAULTS_MAX {
        raw.frame(200, &[]).await;
    }
    let banned = raw.farewell().await;
    assert!(matches!(banned, LinkError::RefusedByPeer(Refusal::Banned { .. })), "{banned:?}");
    a.sees(Event::Closed(2)).await;
    let mut again = Raw::connect(&key(2), &a).await;
    let banned = again.hear_hello().await.unwrap_err();
    assert!(matches!(banned, LinkError::RefusedByPeer(Refusal::Banned { .. })), "{banned:?}");
    let report = a.network.peers().into_iter().find(|report| report.validator.0 == 2).unwrap();
    assert!(report.banned_ms.is_some());
    a.talks_with(&mut b, 1).await;
}

#[actix::test]
async fn a_panic_over_a_peers_message_costs_that_peers_session_and_nothing_else() {
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    raw.frame(NOTE, &note(PANIC)).await;
    a.sees(Event::Closed(2)).await;
    a.until_error(2, "panicked").await;
    a.talks_with(&mut b, 1).await;
    let _raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
}
