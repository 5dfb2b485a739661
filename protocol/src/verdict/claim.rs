//! The answer that is claimed, the answer that is given, and the statement that a script makes with a claim.

use crate::bytes::Layout;
use crate::types::Hash;
use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};

/// The answer a submitter claims: `Unsat` says the theorem holds, `Sat` that the state is reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    Unsat,
    Sat,
}

/// A definite answer of the solver. `unknown` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Sat,
    Unsat,
}

impl Claim {
    /// Whether the solver's answer is the claimed one.
    pub fn agrees(self, answer: Answer) -> bool {
        matches!((self, answer), (Claim::Sat, Answer::Sat) | (Claim::Unsat, Answer::Unsat))
    }

    /// The byte that stands for the claim in fixed layouts.
    pub fn tag(self) -> u8 {
        match self {
            Claim::Unsat => 0,
            Claim::Sat => 1,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Claim::Unsat => "unsat",
            Claim::Sat => "sat",
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Sat => "sat",
            Answer::Unsat => "unsat",
        })
    }
}

/// Text that is neither `sat` nor `unsat`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a claim: write sat or unsat")]
pub struct ClaimError(pub String);

impl core::str::FromStr for Claim {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        match text {
            "unsat" => Ok(Claim::Unsat),
            "sat" => Ok(Claim::Sat),
            other => Err(ClaimError(other.chars().take(40).collect())),
        }
    }
}

/// What a proof says, however it is written: the normalised script's identity with the claim.
///
/// Two submissions with one statement have one verdict, and only the first final one pays.
pub fn statement_id(identity: &Hash, claim: Claim) -> Hash {
    Layout::new("pop/statement/v1").hash(identity).u8(claim.tag()).digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn one_script_with_two_claims_makes_two_statements() {
        let identity = Hash([7; 32]);
        assert_ne!(statement_id(&identity, Claim::Sat), statement_id(&identity, Claim::Unsat));
        assert_ne!(statement_id(&identity, Claim::Sat), statement_id(&Hash([8; 32]), Claim::Sat));
    }

    #[test]
    fn a_claim_reads_back_as_it_is_written() {
        for claim in [Claim::Sat, Claim::Unsat] {
            assert_eq!(claim.to_string().parse(), Ok(claim));
        }
        assert!("UNSAT".parse::<Claim>().is_err());
    }
}
