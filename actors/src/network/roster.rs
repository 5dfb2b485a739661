//! Who may connect: the validators of the epoch and which of them this node is.
//!
//! Plain data, fixed when the node starts.

use protocol::types::{NodeId, PublicKey, ValidatorIndex};
use std::collections::BTreeMap;

/// One validator that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub node_id: NodeId,
    pub key: PublicKey,
}

#[derive(Debug)]
pub struct Roster {
    members: Vec<Member>,
    by_key: BTreeMap<PublicKey, ValidatorIndex>,
    me: ValidatorIndex,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    #[error("validator {me} is not one of the {members} in the set")]
    NotAMember { me: ValidatorIndex, members: usize },
    #[error("the key {0} occurs twice in the validator set")]
    DuplicateKey(PublicKey),
    #[error("{0} validators are more than an index can name")]
    TooMany(usize),
}

impl Roster {
    /// # Errors
    /// If this node is not in it, or two have one key.
    pub fn new(members: Vec<Member>, me: ValidatorIndex) -> Result<Roster, RosterError> {
        if members.len() > usize::from(u16::MAX) {
            return Err(RosterError::TooMany(members.len()));
        }
        if me.as_usize() >= members.len() {
            return Err(RosterError::NotAMember { me, members: members.len() });
        }
        let mut by_key = BTreeMap::new();
        for (index, member) in (0u16..).zip(&members) {
            if by_key.insert(member.key, ValidatorIndex(index)).is_some() {
                return Err(RosterError::DuplicateKey(member.key));
            }
        }
        Ok(Roster { members, by_key, me })
    }

    pub fn me(&self) -> ValidatorIndex {
        self.me
    }

    pub fn my_key(&self) -> PublicKey {
        self.members[self.me.as_usize()].key
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never: this node is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn get(&self, index: ValidatorIndex) -> Option<&Member> {
        self.members.get(index.as_usize())
    }

    /// A validator's node id, for people.
    pub fn name(&self, index: ValidatorIndex) -> &str {
        self.get(index).map_or("a stranger", |member| member.node_id.as_str())
    }

    pub fn index_of(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        self.by_key.get(key).copied()
    }

    pub fn others(&self) -> impl Iterator<Item = (ValidatorIndex, &Member)> {
        (0u16..).map(ValidatorIndex).zip(&self.members).filter(|(index, _)| *index != self.me)
    }

    /// Of a pair, the one with the smaller key says which of their connections is the session.
    pub fn i_choose(&self, peer: ValidatorIndex) -> bool {
        self.get(peer).is_some_and(|peer| self.my_key() < peer.key)
    }
}
