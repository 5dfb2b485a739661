//! What consensus asks for, carried out: once its records are durable, and in order.

use super::actor::ConsensusActor;
use super::log::encode;
use crate::delivery::deliver;
use crate::exit_code;
use crate::state::NotWritten;
use actix::Context;
use protocol::consensus::events::{Halt, Notice, Record, To};
use protocol::message::Message;
use protocol::validator::route::{Delivery, Io, StateInput};
use std::time::Instant;

impl ConsensusActor {
    /// Of a step that began then.
    pub(super) fn send(&mut self, delivery: Delivery, began: Instant, context: &mut Context<Self>) {
        match delivery {
            Delivery::Io(io) => self.io(io),
            Delivery::Followers(notice) => {
                self.tap.event(began, &notice);
                self.notice(notice);
            }
            Delivery::State(apply @ StateInput::Apply { .. }) => self.tell_final(apply),
            // Whoever asked asks again.
            Delivery::State(serve @ StateInput::Serve { .. }) => _ = self.reach.routes.state.send(serve),
            other @ (Delivery::Consensus(_) | Delivery::Mempool(_) | Delivery::VerifierPool(_)) => {
                deliver(self, other, context);
            }
        }
    }

    fn io(&mut self, io: Io) {
        match io {
            Io::Send(to, message) => self.send_message(to, message),
            Io::Shorten(records) => self.shorten(&records),
            Io::Reconnect => {
                let last = (self.reach.links.reconnect)();
                // Not within the effects of a step: those that are left come first.
                self.ended.extend(self.sessions.close_up_to(last));
            }
            Io::Halt(halt) => {
                if let Halt::Twin { .. } = halt
                    && let Err(error) = self.log.lock().mark_twin()
                {
                    tracing::error!(%error, "the next start will not know of the other process");
                }
                self.end(exit_code::of(&halt), halt.to_string());
            }
            Io::Push { .. } | Io::ServeScripts { .. } | Io::Remove(_) => {
                unreachable!("consensus asks for nothing of the pending proofs")
            }
        }
    }

    /// What a session does not take is repeated: everybody tells its status every 500 ms.
    fn send_message(&mut self, to: To, message: Message) {
        self.tap.sends(to, &message);
        _ = self.reach.links.send.send((to, message));
    }

    /// Final blocks may not be lost: if `state` cannot take them now, the process starts again from its log.
    fn tell_final(&mut self, apply: StateInput) {
        if let StateInput::Apply { blocks, commit } = &apply {
            self.tap.finalized(blocks, commit.view());
        }
        if self.reach.routes.state.send(apply).is_err() {
            self.end(exit_code::INTERNAL, NotWritten.to_string());
        }
    }

    fn shorten(&mut self, records: &[Record]) {
        let encoded = match encode(records) {
            Ok(encoded) => encoded,
            Err(error) => return self.end(exit_code::INTERNAL, format!("the vote log cannot be shortened: {error}")),
        };
        let began = Instant::now();
        let replaced = {
            let mut log = self.log.lock();
            log.replace(&encoded).map(|()| log.next_batch())
        };
        match replaced {
            Ok(next_batch) => {
                self.tap.synced(began.elapsed());
                self.reach.memory.lock().on_durable(next_batch);
            }
            Err(error) => self.end(error.exit_code(), format!("the vote log cannot be shortened: {error}")),
        }
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        if notice == Notice::Signing {
            tracing::info!("vote history confirmed: signing");
        }
        if let Notice::Contradiction(contradiction) = &notice {
            let voter = contradiction.first.voter;
            tracing::warn!(
                voter = self.reach.set.get(voter).map(|validator| validator.node_id.to_string()),
                view = contradiction.first.ballot.view.0,
                "two votes that contradict each other"
            );
        }
        // Both may be away for a moment: restarted, they ask where consensus is.
        _ = self.reach.routes.deliver(Delivery::Followers(notice));
    }
}
