//! Deliveries: another part's mailbox, or the world.

use super::mail::Mail;
use super::{Action, Node, Sight};
use protocol::consensus::events::{self, Notice, To};
use protocol::mempool;
use protocol::types::Millis;
use protocol::validator::route::{Delivery, Effect, Io, MempoolInput, PoolInput, StateInput};

impl Node {
    pub(super) fn take(&mut self, now: Millis, delivery: Delivery) {
        let Some(running) = &mut self.running else { return };
        match delivery {
            Delivery::Consensus(input) => running.mailboxes.consensus.own(input),
            Delivery::Followers(notice) => {
                // The process does not try again: restarted, they ask.
                running.mailboxes.view_change.put(now, Mail::Own(notice.clone()));
                running.mailboxes.leader_election.put(now, Mail::Own(notice));
            }
            Delivery::Mempool(input @ (MempoolInput::Step(_) | MempoolInput::Scripts { .. })) => {
                running.mailboxes.mempool.own(input);
            }
            Delivery::VerifierPool(PoolInput::Check { proof, .. }) => {
                self.actions.push(Action::Check(proof, running.lives.verifier_pool));
            }
            // Its verdict will come, and the mempool will not look at it.
            Delivery::VerifierPool(PoolInput::Cancel(_)) => {}
            Delivery::State(StateInput::Apply { blocks, commit }) => {
                running.finals.push_back((blocks, commit));
                self.actions.push(Action::Apply(running.lives.state));
            }
            Delivery::State(StateInput::Serve { to, above }) => self.actions.push(Action::ServeBlocks { to, above }),
            Delivery::Io(io) => self.io(io),
        }
    }

    fn io(&mut self, io: Io) {
        match io {
            Io::Send(to, message) => self.actions.push(Action::Send(to, message)),
            Io::Push { proof, to } => {
                let proof = self.scenario.catalogue.get(&proof).proof.clone();
                for peer in to {
                    let message = protocol::message::Message::Proofs(vec![proof.clone()]);
                    self.actions.push(Action::Send(To::Peer(peer), message));
                }
            }
            Io::ServeScripts { to, proofs } => self.actions.push(Action::ServeProofs { to, proofs }),
            Io::Remove(proof) => self.disk.pending.retain(|pending| *pending != proof),
            Io::Shorten(records) => self.shorten(records),
            Io::Reconnect => {
                self.reconnects = true;
                self.actions.push(Action::Reconnect);
            }
            Io::Halt(halt) => self.actions.push(Action::Saw(Sight::Halt(halt))),
        }
    }

    /// What the checks look at.
    pub(super) fn look_at(&mut self, effect: &Effect) {
        match effect {
            Effect::Consensus(events::Effect::Final { blocks, commit }) => {
                self.actions.push(Action::Saw(Sight::Final { blocks: blocks.clone(), commit: commit.clone() }));
            }
            Effect::Consensus(events::Effect::Notice(notice)) => self.look_at_notice(notice),
            Effect::Mempool(mempool::Effect::Refuse { proof, .. }) => {
                self.actions.push(Action::Saw(Sight::Refused(*proof)));
            }
            Effect::Mempool(mempool::Effect::Tell(checked)) => {
                if let Some(running) = &mut self.running {
                    running.noted.insert(checked.proof, checked.word);
                }
            }
            Effect::Consensus(_)
            | Effect::Follower(_)
            | Effect::Mempool(_)
            | Effect::VerifierPool(_)
            | Effect::State(_) => {}
        }
    }

    fn look_at_notice(&mut self, notice: &Notice) {
        match notice {
            Notice::GaveUp { view, reason } => {
                self.actions.push(Action::Saw(Sight::GaveUp { view: *view, reason: reason.clone() }));
            }
            Notice::Contradiction(both) => self.actions.push(Action::Saw(Sight::Contradiction(both.clone()))),
            Notice::Signing
            | Notice::ViewEntered { .. }
            | Notice::CurrentView { .. }
            | Notice::ClockStarted { .. }
            | Notice::Work { .. }
            | Notice::Proposed { .. }
            | Notice::Prepared { .. }
            | Notice::Heard { .. }
            | Notice::WorkGone { .. } => {}
        }
    }

    pub(super) fn fault(&mut self, what: String) {
        self.actions.push(Action::Saw(Sight::Fault(what)));
    }
}
