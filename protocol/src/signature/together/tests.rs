//! What holds alone holds together, and what does not hold alone never does; keys and commitments of small order included.

use super::*;
use crate::signature::{Ed25519, SignatureCheck, Signer, public_key};
use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// `count` messages, signed in turn by three keys.
fn messages(count: u8) -> Vec<(PublicKey, Vec<u8>, Signature)> {
    let message = |number: u8| {
        let (signer, bytes) = (key(number % 3), alloc::vec![number; 40]);
        let signature = Signer::sign(&signer, &bytes);
        (public_key(&signer), bytes, signature)
    };
    (0..count).map(message).collect()
}

fn together(messages: &[(PublicKey, Vec<u8>, Signature)]) -> Vec<bool> {
    let signed = |(key, bytes, signature): &(PublicKey, Vec<u8>, Signature)| (*key, bytes.clone(), *signature);
    let owned: Vec<_> = messages.iter().map(signed).collect();
    let signed: Vec<_> =
        owned.iter().map(|(key, bytes, signature)| Signed { key: *key, bytes, signature: *signature }).collect();
    hold(&signed)
}

/// A signature by a key with a part of order eight, over bytes for which the strict equation fails: only its own signer,
/// who knows the private key, can make one.
fn signed_with_torsion(number: u8) -> (PublicKey, Vec<u8>, Signature) {
    let secret = Scalar::from(u64::from(number) + 7);
    let public = EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[1];
    let key = PublicKey(public.compress().to_bytes());
    let nonce = Scalar::from(u64::from(number) + 1_000_003);
    let commitment = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
    let bytes = alloc::vec![number; 9];
    let hash = Sha512::new().chain_update(commitment).chain_update(key.0).chain_update(&bytes).finalize();
    let challenge = Scalar::from_bytes_mod_order_wide(&hash.into());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&commitment);
    signature[32..].copy_from_slice((nonce + challenge * secret).as_bytes());
    (key, bytes, Signature(signature))
}

#[test]
fn good_signatures_hold_alone_and_together() {
    assert!(hold(&[]).is_empty());
    for count in [1, 2, 3, 64] {
        assert_eq!(together(&messages(count)), alloc::vec![true; count.into()]);
    }
}

#[test]
fn a_bad_one_is_found_among_good_ones() {
    for bent in 0..5 {
        for byte in [0, 31, 32, 63] {
            let mut messages = messages(5);
            messages[bent].2.0[byte] ^= 1;
            let expected: Vec<bool> = (0..5).map(|index| index != bent).collect();
            assert_eq!(together(&messages), expected, "byte {byte} of {bent}");
        }
    }
}

#[test]
fn two_that_only_make_up_for_each_other_do_not_hold() {
    let mut messages = messages(4);
    // What is added to one response is taken from the other: the sum without weights would still hold.
    let response = |signature: &Signature| Scalar::from_canonical_bytes(halves(signature).1).unwrap();
    let (first, second) = (response(&messages[0].2) + Scalar::ONE, response(&messages[1].2) - Scalar::ONE);
    messages[0].2.0[32..].copy_from_slice(first.as_bytes());
    messages[1].2.0[32..].copy_from_slice(second.as_bytes());
    assert_eq!(together(&messages), [false, false, true, true]);
}

#[test]
fn keys_for_which_anybody_can_sign_are_no_keys() {
    for point in EIGHT_TORSION {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(point.compress().as_bytes());
        let forged = (PublicKey(point.compress().to_bytes()), b"anything".to_vec(), Signature(signature));
        assert_eq!(together(core::slice::from_ref(&forged)), [false]);
        assert_eq!(together(&[forged.clone(), forged]), [false, false]);
    }
}

#[test]
fn what_its_signer_made_to_differ_is_answered_alike_in_any_company() {
    let odd: Vec<_> = (0..16).map(signed_with_torsion).collect();
    let strict = |(key, bytes, signature): &(PublicKey, Vec<u8>, Signature)| Ed25519.verify(key, bytes, signature);
    assert!(odd.iter().any(|message| !strict(message)), "none of them differs");
    for message in &odd {
        assert_eq!(together(core::slice::from_ref(message)), [true]);
        let company: Vec<_> = messages(3).into_iter().chain([message.clone()]).collect();
        assert_eq!(together(&company), [true; 4]);
        let mut spoiled = company;
        spoiled[0].2.0[40] ^= 1;
        assert_eq!(together(&spoiled), [false, true, true, true]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn together_is_as_alone(bends in proptest::collection::vec(proptest::option::of((0usize..64, 0u8..8)), 1..12)) {
        let mut messages = messages(bends.len() as u8);
        for (message, bend) in messages.iter_mut().zip(&bends) {
            if let Some((byte, bit)) = bend {
                message.2.0[*byte] ^= 1 << bit;
            }
        }
        let alone: Vec<bool> = messages.iter().flat_map(|message| together(core::slice::from_ref(message))).collect();
        let expected: Vec<bool> = bends.iter().map(Option::is_none).collect();
        prop_assert_eq!(&alone, &expected);
        prop_assert_eq!(together(&messages), expected);
        let strict = |(key, bytes, signature): &(PublicKey, Vec<u8>, Signature)| Ed25519.verify(key, bytes, signature);
        prop_assert!(messages.iter().zip(&alone).all(|(message, held)| *held || !strict(message)));
    }
}
