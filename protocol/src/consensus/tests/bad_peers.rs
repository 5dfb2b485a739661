//! What one peer can say to harm the others: found by reading, and by the bad validators of the simulated network.

use super::*;
use crate::block::{Block, Body, Header};
use crate::verify::LateCommit;

const BAD: usize = 3;

/// Three honest validators; the fourth hears them, and says only what a test says in its name.
fn three_and_a_bad_one() -> Network {
    let mut network = Network::new(&[10; 4]);
    network.run(20);
    network.cut = (0..BAD).map(|to| (BAD, to)).collect();
    network
}

impl Network {
    fn signed_by_bad(&self, view: u64, choice: Choice) -> Vote {
        let settings = &self.settings[BAD];
        let key = settings.set.get(settings.me).unwrap().key;
        let ballot = Ballot { epoch: Epoch(1), view: View(view), choice };
        Vote::sign(&settings.set, &key, settings.me, ballot)
    }

    fn bad_says(&mut self, message: Message) {
        (0..BAD).for_each(|to| self.deliver(BAD, to, message.clone()));
    }

    /// A block on the genesis, of any sequence.
    fn bad_proposal(&self, view: u64, sequence: u64) -> Message {
        let body = Body::default();
        let header = Header {
            chain: *self.settings[BAD].set.chain(),
            epoch: Epoch(1),
            sequence: Sequence(sequence),
            parent: self.base.id,
            time: Millis(view),
            body: body.digest(),
            state: Hash::ZERO,
        };
        let vote = self.signed_by_bad(view, Choice::Prepare(header.id()));
        let block = Block { header, body };
        Message::Proposal(Box::new(Proposal { block, parent: None, skipped: Vec::new(), vote }))
    }

    fn last_view_led_by_bad(&self) -> u64 {
        let settings = &self.settings[BAD];
        (0..u64::MAX).rev().find(|view| settings.schedule.leader(View(*view)) == settings.me).unwrap()
    }

    fn the_others_go_on(&mut self, proof: u8) {
        self.confirm_everywhere(proof);
        self.run(3_000);
        assert!(self.is_final_everywhere(proof), "proof {proof}");
        self.assert_agreement();
    }
}

/// Found by the simulated network: the Commit panicked whoever heard it.
#[test]
fn votes_and_proposals_of_the_last_views_are_ignored() {
    let mut network = three_and_a_bad_one();
    for choice in [Choice::Commit(Hash::ZERO), Choice::Prepare(Hash::ZERO), Choice::ViewChange] {
        let vote = network.signed_by_bad(u64::MAX, choice);
        network.bad_says(Message::Vote { vote, reason: None });
    }
    let proposal = network.bad_proposal(network.last_view_led_by_bad(), u64::MAX);
    network.bad_says(proposal);
    network.the_others_go_on(1);
}

/// Votes for blocks that nobody has took the places of the votes that the next block has to carry, and nobody could lead.
#[test]
fn a_flood_of_prepares_takes_no_places_from_the_votes_that_count() {
    let mut network = three_and_a_bad_one();
    let view = network.node(0).consensus.round.view().0;
    for number in 0..5_000u64 {
        let mut block = [0; 32];
        block[..8].copy_from_slice(&number.to_be_bytes());
        let vote = network.signed_by_bad(view, Choice::Prepare(Hash(block)));
        network.bad_says(Message::Vote { vote, reason: None });
    }
    (1..=3).for_each(|proof| network.the_others_go_on(proof));
}

/// Blocks that no final block leads to stayed for ever: one more in each of a bad leader's views.
#[test]
fn blocks_that_no_final_block_leads_to_are_forgotten() {
    let mut network = three_and_a_bad_one();
    for proof in 1..=100 {
        let view = network.node(0).consensus.round.view().0;
        let mut ahead = view..=view + VIEWS_AHEAD_MAX;
        if let Some(view) = ahead.find(|view| network.settings[0].schedule.leader(View(*view)).as_usize() == BAD) {
            let proposal = network.bad_proposal(view, u64::MAX - view);
            network.bad_says(proposal);
        }
        network.the_others_go_on(proof);
    }
    for index in 0..BAD {
        let held = network.node(index).consensus.tree.above().count();
        assert!(held <= 12, "validator {index} holds {held} blocks above the last final one");
    }
}

/// T3: its signature was not checked, so whatever it says must come to nothing but that its voter is there.
#[test]
fn a_late_commit_is_heard_and_nothing_else() {
    let mut network = three_and_a_bad_one();
    network.the_others_go_on(1);
    let set = network.settings[0].set.clone();
    let committed = network.node(0).consensus.committed_view();
    let before = network.node(0).consensus.snapshot_now();
    let told = network.node(0).consensus.supply().testimony(ValidatorIndex(BAD as u16));
    for (view, block) in (1..=committed.0).flat_map(|view| [(view, 1), (view, 2)]) {
        // Two Commits for different blocks in each view, and neither is signed.
        let ballot = Ballot { epoch: Epoch(1), view: View(view), choice: Choice::Commit(Hash([block; 32])) };
        let vote = Vote { ballot, voter: ValidatorIndex(BAD as u16), signature: Signature([0; 64]) };
        let late = LateCommit::of(&set, vote.voter, &vote, committed).expect("it is late");
        let now = network.time();
        let output = network.nodes[0].as_mut().unwrap().consensus.step(now, Input::LateCommit(late));
        let heard = Effect::Notice(Notice::Heard { kind: VoteKind::Commit, voters: vec![vote.voter] });
        let spoken: Vec<_> = output.effects.iter().filter(|effect| !is_status(effect)).collect();
        assert_eq!((output.records, spoken), (vec![], vec![&heard]), "view {view}");
    }
    assert_eq!(network.node(0).consensus.snapshot_now(), before);
    assert_eq!(
        network.node(0).consensus.supply().testimony(ValidatorIndex(BAD as u16)),
        told,
        "R12 hears of checked votes only"
    );
    network.the_others_go_on(2);
}

fn is_status(effect: &Effect) -> bool {
    matches!(effect, Effect::Send(_, Message::Status(_)))
}
