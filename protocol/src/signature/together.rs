//! Many signatures at once, at a fraction of the cost: for submitters' signatures and nothing else.
//!
//! No certificate and no block depends on a submitter's signature; it only opens the mempool. But relaying an unsigned
//! proof counts as misbehaviour, so all validators must answer alike whatever else they verified a signature together
//! with. Therefore one signature is verified by the same equation as many: the one with the cofactor, which a sum of
//! signatures fulfils exactly if each of them does. It accepts what `verify_strict` accepts, and in addition only what
//! a submitter made to differ with its own private key.
//!
//! Source: RFC 8032, §5.1.7 (the equation); Chalkias, Garillot, Nikolaenko, *Taming the many EdDSAs*, 2020, §4
//! (batches).

use crate::types::{PublicKey, Signature};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use ed25519_dalek::{Digest, Sha512};

/// A signature to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub key: PublicKey,
    pub bytes: &'a [u8],
    pub signature: Signature,
}

/// `8 s B = 8 R + 8 k A`, with the key's number in place of A.
struct Equation {
    key: usize,
    commitment: EdwardsPoint,
    response: Scalar,
    challenge: Scalar,
}

/// Which of these signatures hold. One that does not hold changes nothing for the others.
///
/// Costs a fraction of a check for each if there are many and all hold; otherwise that, and a whole check for each.
pub fn hold(signed: &[Signed<'_>]) -> Vec<bool> {
    let mut keys = Keys::default();
    let equations: Vec<Option<Equation>> = signed.iter().map(|signed| equation(&mut keys, signed)).collect();
    let formed: Vec<&Equation> = equations.iter().flatten().collect();
    let all = formed.len() > 1 && sum_holds(&keys.points, &formed, &weights(signed));
    let holds = |equation: &Equation| all || one_holds(&keys.points, equation);
    equations.iter().map(|equation| equation.as_ref().is_some_and(holds)).collect()
}

/// The keys that occur, each once.
#[derive(Default)]
struct Keys {
    numbers: BTreeMap<PublicKey, Option<usize>>,
    points: Vec<EdwardsPoint>,
}

impl Keys {
    /// None for what is no key, or one for which anybody can sign.
    fn number(&mut self, key: &PublicKey) -> Option<usize> {
        let Keys { numbers, points } = self;
        *numbers.entry(*key).or_insert_with(|| {
            let point = CompressedEdwardsY(key.0).decompress().filter(|point| !point.is_small_order())?;
            points.push(point);
            Some(points.len() - 1)
        })
    }
}

fn halves(signature: &Signature) -> ([u8; 32], [u8; 32]) {
    let (mut commitment, mut response) = ([0; 32], [0; 32]);
    commitment.copy_from_slice(&signature.0[..32]);
    response.copy_from_slice(&signature.0[32..]);
    (commitment, response)
}

/// None for what cannot be a signature by its form.
fn equation(keys: &mut Keys, signed: &Signed<'_>) -> Option<Equation> {
    let key = keys.number(&signed.key)?;
    let (commitment, response) = halves(&signed.signature);
    let response = Option::from(Scalar::from_canonical_bytes(response))?;
    let hash = Sha512::new().chain_update(commitment).chain_update(signed.key.0).chain_update(signed.bytes).finalize();
    let challenge = Scalar::from_bytes_mod_order_wide(&hash.into());
    Some(Equation { key, commitment: CompressedEdwardsY(commitment).decompress()?, response, challenge })
}

fn one_holds(keys: &[EdwardsPoint], equation: &Equation) -> bool {
    let Equation { key, commitment, response, challenge } = equation;
    let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(challenge, &-keys[*key], response);
    (expected - commitment).mul_by_cofactor().is_identity()
}

/// Of the equations' sum, each with a weight of its own: without weights two false ones could make up for each other.
fn sum_holds(keys: &[EdwardsPoint], equations: &[&Equation], weights: &[Scalar]) -> bool {
    let mut of_base = Scalar::ZERO;
    let mut of_keys = alloc::vec![Scalar::ZERO; keys.len()];
    for (equation, weight) in equations.iter().zip(weights) {
        of_base -= weight * equation.response;
        of_keys[equation.key] += weight * equation.challenge;
    }
    let scalars = core::iter::once(&of_base).chain(&of_keys).chain(weights).take(1 + keys.len() + equations.len());
    let commitments = equations.iter().map(|equation| &equation.commitment);
    let points = core::iter::once(&ED25519_BASEPOINT_POINT).chain(keys).chain(commitments);
    // An exact length is asked for on both sides.
    let (scalars, points): (Vec<_>, Vec<_>) = (scalars.collect(), points.collect());
    EdwardsPoint::vartime_multiscalar_mul(scalars, points).mul_by_cofactor().is_identity()
}

/// A number of 128 bits for each: a hash of all that is checked, so that nobody can choose signatures by the weights
/// that they will have.
fn weights(signed: &[Signed<'_>]) -> Vec<Scalar> {
    let mut hasher = blake3::Hasher::new();
    for Signed { key, bytes, signature } in signed {
        hasher.update(&key.0).update(&signature.0).update(blake3::hash(bytes).as_bytes());
    }
    let mut numbers = hasher.finalize_xof();
    let mut next = || {
        let mut bytes = [0; 16];
        numbers.fill(&mut bytes);
        Scalar::from(u128::from_be_bytes(bytes))
    };
    signed.iter().map(|_| next()).collect()
}

#[cfg(test)]
mod tests;
