//! The gate between sessions and actors: a peer's message passes it only as `Verified`, or as the late Commit that it is.
//!
//! It runs on the sessions' own threads, so that one peer's signatures never hold up another actor.

use super::remembered::{Counting, Remembered};
use crate::network::Sink;
use crate::tap::network::GateTap;
use protocol::message::Message;
use protocol::quorum::ValidatorSet;
use protocol::schedule::Schedule;
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::validator::sessions::Session;
use protocol::verify::{Checker, Fault, LateCommit, Verified};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What passed the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    Verified(Verified<Message>),
    /// T3: nothing depends on its signature, which is not checked.
    Late(LateCommit),
}

/// Up to which view Commit votes are late: consensus raises it, the gate looks. One that lags costs signatures, and nothing
/// else; so does one that consensus, restarted, has set back.
#[derive(Debug, Default)]
pub struct Committed(AtomicU64);

impl Committed {
    pub fn set(&self, view: View) {
        self.0.store(view.0, Ordering::Relaxed);
    }

    pub fn view(&self) -> View {
        View(self.0.load(Ordering::Relaxed))
    }
}

/// Where verified messages go: to the actors that want them. Must not block.
pub trait Receiver: Send + Sync + 'static {
    /// May drop the message when its actor is full or down: peers repeat what matters.
    fn deliver(&self, session: Session, message: Verified<Message>);

    fn late(&self, session: Session, late: LateCommit);

    fn opened(&self, session: Session);

    fn closed(&self, session: Session);
}

/// Verifies with the set and schedule of one epoch.
pub struct Gate<R> {
    set: Arc<ValidatorSet>,
    schedule: Arc<Schedule>,
    genesis: Hash,
    committed: Arc<Committed>,
    signatures: Remembered,
    /// Of each validator, the newest view of a late Commit that passed.
    late: Box<[AtomicU64]>,
    tap: GateTap,
    receiver: R,
}

impl<R: Receiver> Gate<R> {
    /// `genesis` is the hash of block 0.
    pub fn new(
        set: Arc<ValidatorSet>,
        schedule: Arc<Schedule>,
        genesis: Hash,
        committed: Arc<Committed>,
        receiver: R,
    ) -> Self {
        let signatures = Remembered::new(set.len());
        let late = (0..set.len()).map(|_| AtomicU64::new(0)).collect();
        Gate { set, schedule, genesis, committed, signatures, late, tap: GateTap::default(), receiver }
    }

    /// A voter is heard once for each view: what costs it no signature to send again must not fill a mailbox.
    fn is_news(&self, late: &LateCommit) -> bool {
        let newest = self.late.get(late.voter().as_usize());
        newest.is_some_and(|newest| newest.fetch_max(late.view().0, Ordering::Relaxed) < late.view().0)
    }
}

impl<R: Receiver> Sink<Message> for Gate<R> {
    fn verify(&self, from: ValidatorIndex, message: Message) -> Result<Admitted, Fault> {
        let Gate { set, schedule, genesis, signatures, tap, .. } = self;
        let counting = Counting::new(signatures);
        let checker = Checker { set, schedule, genesis: *genesis, signatures: &counting };
        tap.read(&message);
        if let Message::Vote { vote, .. } = &message
            && let Some(late) = LateCommit::of(set, from, vote, self.committed.view())
        {
            return Ok(Admitted::Late(late));
        }
        let verifying = tap.begins(from, &message);
        let verified = checker.message(message);
        tap.calculated(&verifying, counting.calculated());
        let verified = verified?;
        tap.verified(&verifying, &verified);
        Ok(Admitted::Verified(verified))
    }

    fn deliver(&self, session: Session, admitted: Admitted) {
        match admitted {
            Admitted::Verified(message) => self.receiver.deliver(session, message),
            Admitted::Late(late) if self.is_news(&late) => self.receiver.late(session, late),
            Admitted::Late(_) => {}
        }
    }

    fn opened(&self, session: Session, _: Duration) {
        self.receiver.opened(session);
    }

    fn closed(&self, session: Session) {
        self.receiver.closed(session);
    }
}
