//! A bad validator: the real code of `protocol/`, and between it and the network something that lies with its real key.
//!
//! A [`Behaviour`] sees every message that the real code sends to a peer, and says what that peer is sent in its place. It
//! must never forge another's signature, and never touch an honest validator. One small file each:
//!
//! | file | it |
//! |---|---|
//! | `silent_leader` | never proposes, and never says that it will not |
//! | `one_peer` | proposes to one peer only |
//! | `two_proposals` | proposes different valid blocks to different peers |
//! | `two_prepares` | prepares different blocks in one view |
//! | `commit_and_view_change` | commits and gives up in one view, both without a reason |
//! | `withholds` | announces Ready for whatever anybody confirms, and never prepares |
//! | `never_announces` | tells no word on any proof |
//! | `false_views` | says that it is far behind or far ahead, in statuses, testimonies, votes, proposals and requests |
//! | `keeps_certificates` | collects a crowd's votes, and sends nobody the certificates |
//! | `old_votes` | sends everybody's old votes, certificates and proposals again |

mod commit_and_view_change;
mod false_views;
mod hand;
mod keeps_certificates;
mod never_announces;
mod old_votes;
mod one_peer;
mod silent_leader;
mod two_prepares;
mod two_proposals;
mod withholds;

pub use hand::Hand;

use protocol::message::Message;
use protocol::types::ValidatorIndex;
use protocol::vote::Vote;
use std::fmt;
use std::str::FromStr;

/// What stands between a bad validator's real code and the network.
pub trait Behaviour {
    /// What a peer is sent in place of one message of the real code, in order.
    fn say(&mut self, hand: &Hand, to: ValidatorIndex, message: Message) -> Vec<Message>;

    /// What a peer said, before the real code hears it.
    fn hear(&mut self, _from: ValidatorIndex, _message: &Message) {}
}

/// The vote in a message of its own: a proposal is one, too.
fn vote_in(message: &Message) -> Option<Vote> {
    if let Message::Proposal(proposal) = message {
        Some(proposal.vote)
    } else if let Message::Vote { vote, .. } = message {
        Some(*vote)
    } else {
        None
    }
}

/// The ways of being bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bad {
    SilentLeader,
    OnePeer,
    TwoProposals,
    TwoPrepares,
    CommitAndViewChange,
    Withholds,
    NeverAnnounces,
    FalseViews,
    OldVotes,
    /// In a crowd only: few validators need no collector.
    KeepsCertificates,
}

impl Bad {
    /// Those that are bad among four, too.
    pub const ALL: [Bad; 9] = [
        Bad::SilentLeader,
        Bad::OnePeer,
        Bad::TwoProposals,
        Bad::TwoPrepares,
        Bad::CommitAndViewChange,
        Bad::Withholds,
        Bad::NeverAnnounces,
        Bad::FalseViews,
        Bad::OldVotes,
    ];

    /// All of them.
    pub fn in_a_crowd() -> impl Iterator<Item = Bad> {
        Bad::ALL.into_iter().chain([Bad::KeepsCertificates])
    }

    pub fn behaviour(self) -> Box<dyn Behaviour> {
        match self {
            Bad::SilentLeader => Box::new(silent_leader::SilentLeader),
            Bad::OnePeer => Box::new(one_peer::OnePeer),
            Bad::TwoProposals => Box::new(two_proposals::TwoProposals::default()),
            Bad::TwoPrepares => Box::new(two_prepares::TwoPrepares),
            Bad::CommitAndViewChange => Box::new(commit_and_view_change::CommitAndViewChange::default()),
            Bad::Withholds => Box::new(withholds::Withholds::default()),
            Bad::NeverAnnounces => Box::new(never_announces::NeverAnnounces),
            Bad::FalseViews => Box::new(false_views::FalseViews::default()),
            Bad::OldVotes => Box::new(old_votes::OldVotes::default()),
            Bad::KeepsCertificates => Box::new(keeps_certificates::KeepsCertificates),
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bad::SilentLeader => "silent-leader",
            Bad::OnePeer => "one-peer",
            Bad::TwoProposals => "two-proposals",
            Bad::TwoPrepares => "two-prepares",
            Bad::CommitAndViewChange => "commit-and-view-change",
            Bad::Withholds => "withholds",
            Bad::NeverAnnounces => "never-announces",
            Bad::FalseViews => "false-views",
            Bad::OldVotes => "old-votes",
            Bad::KeepsCertificates => "keeps-certificates",
        })
    }
}

/// A name that no bad validator has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no bad validator is called {0}; there are: all, {names}", names = Bad::in_a_crowd().map(|bad| bad.to_string()).collect::<Vec<_>>().join(", "))]
pub struct UnknownBad(String);

impl FromStr for Bad {
    type Err = UnknownBad;

    fn from_str(name: &str) -> Result<Self, UnknownBad> {
        Bad::in_a_crowd().find(|bad| bad.to_string() == name).ok_or_else(|| UnknownBad(name.to_owned()))
    }
}
