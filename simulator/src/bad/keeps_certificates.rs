//! Collects a crowd's votes in the views that it leads, and keeps the certificates to itself: those of every second view, of the
//! others the Commit certificates only. It proposes and votes as it should, so nobody has a reason to give its views up.

use super::{Behaviour, Hand};
use protocol::message::Message;
use protocol::types::ValidatorIndex;
use protocol::vote::VoteKind;

pub struct KeepsCertificates;

impl Behaviour for KeepsCertificates {
    fn say(&mut self, hand: &Hand, _to: ValidatorIndex, message: Message) -> Vec<Message> {
        let is_kept = matches!(&message, Message::Certificate(certificate)
            if hand.leads(certificate.view())
                && (certificate.kind() == VoteKind::Commit
                    || certificate.kind() == VoteKind::Prepare && certificate.view().0 % 2 == 0));
        if is_kept { Vec::new() } else { vec![message] }
    }
}
