//! Ids as people give them: six digits or more of one that is unique at the node that is asked.
//!
//! Must never: take one of several for the one that was meant.

use crate::client::Client;
use crate::exit::{Exit, Failure};
use protocol::types::Hash;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// Fewer digits are met by chance.
const DIGITS_MIN: usize = 6;
const DIGITS_MAX: usize = 64;
/// Digits of each of several that begin alike.
const SHOWN_DIGITS: usize = 20;

/// What an id is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Block,
    Proof,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Block => "block",
            Kind::Proof => "proof",
        })
    }
}

/// A whole id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Found {
    kind: String,
    pub id: Hash,
    /// Of a block its own, of a proof that of the block which has it.
    pub sequence: Option<u64>,
}

/// Whether it is six to 64 hexadecimal digits.
pub fn is_beginning(text: &str) -> bool {
    (DIGITS_MIN..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The only object of its kind whose id begins with these digits.
///
/// # Errors
/// If no id or more than one begins so, or the node does not answer.
pub fn find(client: &Client, kind: Kind, digits: &str) -> Result<Found, Failure> {
    let answer = client.get(&format!("/v1/search?q={digits}"))?;
    one(&answer, kind, digits, client.place().0)
}

fn one(answer: &Value, kind: Kind, digits: &str, node: &str) -> Result<Found, Failure> {
    let other = |error| Failure::new(Exit::Unreachable, format!("the answer of {node} is not understood: {error}"));
    let mut found = Vec::<Found>::deserialize(&answer["found"]).map_err(other)?;
    found.retain(|found| found.kind == kind.to_string());
    // A number is a block's sequence as well.
    found.retain(|found| found.id.to_string().starts_with(&digits.to_ascii_lowercase()));
    let text = match found.as_slice() {
        [one] => return Ok(one.clone()),
        [] => format!("no {kind} whose id begins with {digits} is known to {node}: another node may know it"),
        several => {
            let ids: Vec<String> =
                several.iter().map(|found| found.id.to_string().chars().take(SHOWN_DIGITS).collect()).collect();
            format!("several {kind}s begin with {digits}: {}; give more digits", ids.join(", "))
        }
    };
    Err(Failure::new(Exit::Input, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_beginning_leads_to_one_thing_of_its_kind_or_to_none() {
        let (first, second) = (format!("abcdef1{}", "0".repeat(57)), format!("abcdef2{}", "0".repeat(57)));
        let answer = json!({"found": [
            {"kind": "block", "id": first, "sequence": 3},
            {"kind": "proof", "id": first, "state": "final", "sequence": 4}, {"kind": "proof", "id": second},
        ]});
        let find = |kind, digits: &str| one(&answer, kind, digits, "node_1");
        assert_eq!(find(Kind::Block, "ABCDEF").unwrap().sequence, Some(3));
        assert_eq!(find(Kind::Proof, "abcdef2").unwrap().id.to_string(), second);
        let several = find(Kind::Proof, "abcdef").unwrap_err().message;
        assert!(several.contains("abcdef1") && several.contains("more digits"), "{several}");
        assert!(find(Kind::Block, "abcdef2").unwrap_err().message.starts_with("no block"));
        assert!(one(&json!({"found": 1}), Kind::Block, "abcdef", "node_1").is_err());
        assert!(is_beginning("00abCD") && !is_beginning("00abc") && !is_beginning("ghijkl"));
        assert!(is_beginning(&first) && !is_beginning(&format!("{first}0")));
    }
}
