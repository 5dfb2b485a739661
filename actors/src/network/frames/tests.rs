//! Bytes from outside never panic, and what is written is read again.

use super::*;
use crate::network::testing::{LONG_BYTES_MAX, LONG_TALK, NOTE, Talk};
use proptest::prelude::*;

#[test]
fn a_frame_is_these_bytes() {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, 17, &[b"ab", b"c"]);
    assert_eq!(bytes, [0, 0, 0, 5, 2, 17, b'a', b'b', b'c']);
    assert_eq!(Header::parse([0, 0, 0, 5, 2, 17]), Ok(Header { kind: 17, body_bytes: 3 }));
}

#[test]
fn kinds_of_the_session_and_of_messages_do_not_meet() {
    for kind in 0..=u8::MAX {
        assert!(Control::of(kind).is_none() || kind < MESSAGE_KIND_MIN);
    }
}

#[test]
fn the_two_lanes_are_put_together_apart() {
    let mut assembler = Assembler::default();
    let part = |kind, total, bytes: &[u8]| [part_head(kind, total).as_slice(), bytes].concat();
    assert_eq!(assembler.part::<Talk>(&part(LONG_TALK, 4, b"ab"), 4), Ok(None));
    let note = assembler.part::<Talk>(&part(NOTE, 2, b"xy"), 4).unwrap().unwrap();
    assert_eq!((note.kind, note.body.as_slice()), (NOTE, b"xy".as_slice()));
    let long = assembler.part::<Talk>(&part(LONG_TALK, 4, b"cd"), 4).unwrap().unwrap();
    assert_eq!((long.kind, long.body.as_slice()), (LONG_TALK, b"abcd".as_slice()));
}

#[test]
fn a_length_that_is_merely_claimed_allocates_nothing() {
    let mut assembler = Assembler::default();
    let body = [part_head(LONG_TALK, LONG_BYTES_MAX).as_slice(), b"x"].concat();
    assert_eq!(assembler.part::<Talk>(&body, 4), Ok(None));
    assert!(assembler.bulk.unwrap().bytes.capacity() < 1024);
    // A string that claims 4 GiB.
    let claims = [0x81, 0xa4, b'L', b'o', b'n', b'g', 0xdb, 0xff, 0xff, 0xff, 0xff];
    let rule = Talk::rule(LONG_TALK, 4).unwrap();
    assert!(matches!(decode::<Talk>(LONG_TALK, &rule, &claims), Err(FrameError::Malformed { .. })));
}

#[test]
fn a_reason_repeats_little_of_what_the_peer_sent() {
    // A variant's name of a megabyte, with a line break that would make a log line of its own.
    let mut body = vec![0x81, 0xdb];
    body.extend_from_slice(&(1u32 << 20).to_be_bytes());
    body.extend(std::iter::repeat_n(b'\n', 1 << 20));
    body.push(0xc0);
    let rule = Talk::rule(LONG_TALK, 4).unwrap();
    let error = decode::<Talk>(LONG_TALK, &rule, &body).unwrap_err().to_string();
    assert!(error.len() < 1_000 && !error.contains('\n'), "{} bytes: {error:.300}", error.len());
}

proptest! {
    #[test]
    fn any_bytes_give_an_error_or_a_message_and_never_a_panic(
        head in any::<[u8; HEADER_BYTES]>(),
        kind in any::<u8>(),
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = Header::parse(head);
        let _ = Assembler::default().part::<Talk>(&body, 4);
        if let Some(rule) = Talk::rule(kind, 4) {
            let _ = decode::<Talk>(kind, &rule, &body);
        }
        let _ = decode_body::<protocol::message::Message>("message", &body);
    }

    #[test]
    fn a_damaged_message_never_panics(text in ".{0,100}", position in any::<usize>(), bits in 1u8..) {
        let mut body = rmp_serde::to_vec(&Talk::Long(text)).unwrap();
        let position = position % body.len();
        body[position] ^= bits;
        let rule = Talk::rule(LONG_TALK, 4).unwrap();
        let _ = decode::<Talk>(LONG_TALK, &rule, &body);
    }

    #[test]
    fn what_is_cut_in_parts_is_put_together_again(length in 1usize..LONG_BYTES_MAX, step in 1usize..PART_BYTES_MAX) {
        let message: Vec<u8> = (0..length).map(|index| index as u8).collect();
        let step = step.max(length / 100);
        let mut assembler = Assembler::default();
        let head = part_head(LONG_TALK, length);
        let mut whole = None;
        for chunk in message.chunks(step) {
            prop_assert!(whole.is_none());
            whole = assembler.part::<Talk>(&[head.as_slice(), chunk].concat(), 4).unwrap();
        }
        prop_assert_eq!(whole.unwrap().body, message);
    }
}
