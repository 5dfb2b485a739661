//! What the node gives to the process that runs the solver.

use super::claim::Claim;
use super::limits::VerifierParameters;
use crate::seed::Seed;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One script to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    #[serde(with = "byte_string")]
    pub script: Vec<u8>,
    /// Without a claim any definite answer confirms, and the report has no statement.
    pub claim: Option<Claim>,
    pub limits: VerifierParameters,
    pub task: Task,
    /// Sends the solver's search another way. A verdict that counts is one without: no node ever sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
}

/// What is to be done with a job's script. Verdicts are made by checks alone; the others are advice for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Check,
    /// Find a model of the script, as the solver has it without the script's options and logic.
    Model,
    /// Check the script without its goal: `unsat` then says that what is assumed is contradictory, and that an answer to
    /// the whole script proves nothing. What the goal is, `smtlib::without_goal` says.
    Vacuity,
    /// Find assertions on which an answer `unsat` rests.
    Core,
    /// The script is several queries of a log: answer the first, and keep the solver for the others. Such a report has no
    /// statement, and nothing but this machine's own user may rely on it.
    Series,
    /// Answer the next query of the series that came last; the job's script is empty.
    Next,
}

/// A byte string on the wire: serde alone would write a list of numbers, half as long again.
mod byte_string {
    use alloc::vec::Vec;
    use serde::{Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}
