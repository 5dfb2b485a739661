//! What a step asks its caller to do, in order.

use super::events::{Effect, Notice, To};
use crate::message::Message;
use crate::turns::Turn;
use alloc::vec::Vec;

/// The effects of the step that runs.
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    pub fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    pub fn send(&mut self, to: To, message: Message) {
        self.push(Effect::Send(to, message));
    }

    pub fn notice(&mut self, notice: Notice) {
        self.push(Effect::Notice(notice));
    }

    pub fn send_in_turn(&mut self, turn: Turn, message: Message) {
        match turn {
            Turn::Everybody => self.send(To::All, message),
            Turn::Some { peers, .. } => peers.into_iter().for_each(|peer| self.send(To::Peer(peer), message.clone())),
        }
    }

    /// Ends the step.
    pub fn take(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.0)
    }
}
