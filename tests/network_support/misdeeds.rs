//! Every way to break a rule in a session, as bytes: by frames, and by messages whose frames are good.

use super::hostile::{Identity, frames};
use actors::network::frames::{Control, PeerMessage, WIRE_VERSION, part_head, write_frame};
use protocol::block::{Block, Body, Header};
use protocol::certificate::Certificate;
use protocol::message::{Message, Proposal};
use protocol::proof::Proof;
use protocol::types::{Epoch, Hash, Millis, Sequence, Signature, ValidatorIndex, View};
use protocol::verdict::Claim;
use protocol::vote::{Ballot, Choice, Vote};

/// One way to break a rule.
pub struct Misdeed {
    pub name: &'static str,
    /// What is sent in a session.
    pub bytes: Vec<u8>,
    /// How the metrics call it.
    pub fault: &'static str,
    /// A word of what `last_misbehaviour` says.
    pub word: &'static str,
    pub ends_session: bool,
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, kind, &[body]);
    bytes
}

pub fn ballot(identity: &Identity) -> Ballot {
    Ballot { epoch: identity.set.epoch(), view: View(1_000_000), choice: Choice::ViewChange }
}

pub fn sign(identity: &Identity, voter: u16, ballot: Ballot) -> Vote {
    Vote::sign(&identity.set, &identity.key, ValidatorIndex(voter), ballot)
}

/// A certificate that names these voters, each with a signature of the hostile key.
fn certificate(identity: &Identity, voters: &[u16], ballot: Ballot) -> Message {
    let signatures = voters.iter().map(|voter| (ValidatorIndex(*voter), sign(identity, *voter, ballot).signature));
    Message::Certificate(Certificate { ballot, signatures: signatures.collect() })
}

fn block(identity: &Identity, chain: Hash) -> Block {
    let body = Body::default();
    let header = Header {
        chain,
        epoch: identity.set.epoch(),
        sequence: Sequence(1),
        parent: identity.genesis.genesis_block_hash(),
        time: Millis(1),
        body: body.digest(),
        state: Hash::ZERO,
    };
    Block { header, body }
}

/// A proposal of a view that the hostile validator does not lead.
fn usurped(identity: &Identity) -> Message {
    let schedule = protocol::schedule::Schedule::new(&identity.set, &identity.genesis.epoch_seed());
    let view = (1_000_000..).map(View).find(|view| schedule.leader(*view) != identity.me).unwrap();
    let block = block(identity, identity.genesis.chain_id());
    let ballot = Ballot { view, choice: Choice::Prepare(block.id()), ..ballot(identity) };
    let vote = sign(identity, identity.me.0, ballot);
    Message::Proposal(Box::new(Proposal { block, parent: None, skipped: Vec::new(), vote }))
}

pub fn in_frames(identity: &Identity) -> Vec<Misdeed> {
    let vote = Message::Vote { vote: sign(identity, identity.me.0, ballot(identity)), reason: None };
    let body = rmp_serde::to_vec(&vote).unwrap();
    let vote_kind = vote.kind();
    let longest = Message::rule(vote_kind, 4).unwrap().body_bytes_max;
    let part = |total, bytes: &[u8]| frame(Control::Part as u8, &[part_head(23, total).as_slice(), bytes].concat());
    let case = |name, bytes, fault, word, ends_session| Misdeed { name, bytes, fault, word, ends_session };
    vec![
        case("a frame of 4 GiB", [&[0xff; 4], &[WIRE_VERSION, 17][..]].concat(), "frame_too_large", "at most", true),
        case("a frame without a head", vec![0, 0, 0, 1, WIRE_VERSION, 17], "frame_too_short", "too short", true),
        case("another version", vec![0, 0, 0, 2, WIRE_VERSION + 1, 17], "other_version", "wire version", true),
        case("an oversize vote", frame(vote_kind, &vec![0; longest + 1]), "message_too_large", "vote", true),
        case("parts that do not fit", [part(9, &[0; 4]), part(8, &[0; 4])].concat(), "part_out_of_order", "part", true),
        case("a second handshake", frame(Control::Open as u8, &[]), "out_of_place", "kind 3", true),
        case("an unknown kind", frame(200, &[]), "unknown_kind", "200", false),
        case("a truncated vote", frame(vote_kind, &body[..body.len() - 1]), "malformed", "vote", false),
        case("trailing bytes", frame(vote_kind, &[&body[..], &[0]].concat()), "trailing_bytes", "1 bytes after", false),
        case("a vote that calls itself a status", frame(19, &body), "other_kind", "holds", false),
    ]
}

pub fn in_messages(identity: &Identity) -> Vec<Misdeed> {
    let me = identity.me.0;
    let (mine, later) = (ballot(identity), Ballot { epoch: Epoch(identity.set.epoch().0 + 1), ..ballot(identity) });
    let foreign = block(identity, Hash([9; 32]));
    let key = protocol::signature::public_key(&identity.key);
    let unsigned =
        Proof { claim: Claim::Unsat, submitter: key, nonce: 0, script: b"x".to_vec(), signature: Signature([1; 64]) };
    let vote = |voter, ballot| Message::Vote { vote: sign(identity, voter, ballot), reason: None };
    let case = |name, message: Message, word| Misdeed {
        name,
        bytes: frames(&message),
        fault: if matches!(message, Message::Proofs(_)) { "unsigned_proof" } else { "invalid" },
        word,
        ends_session: false,
    };
    vec![
        case("a vote under another's key", vote(0, mine), "signature of voter 0"),
        case("a vote of nobody", vote(77, mine), "voter 77"),
        case("a vote for another epoch", vote(me, later), "epoch"),
        case("a vote of view 0", vote(me, Ballot { view: View(0), ..mine }), "view 0"),
        case("a certificate with too little stake", certificate(identity, &[me], mine), "no quorum"),
        case("a certificate with a voter twice", certificate(identity, &[0, me, me], mine), "no quorum"),
        case("a certificate for another epoch", certificate(identity, &[0, 1, me], later), "epoch"),
        case("a forged certificate", certificate(identity, &[0, 1, me], mine), "signature of voter 0"),
        case("a proposal in another's view", usurped(identity), "whose leader is"),
        case("a block of another chain", Message::Blocks { blocks: vec![foreign], commit: None }, "another chain"),
        case("a proof that nobody signed", Message::Proofs(vec![unsigned]), "did not sign"),
    ]
}
