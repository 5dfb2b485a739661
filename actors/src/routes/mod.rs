//! The ways between the parts of this validator: what is for a part goes into its mailbox.
//!
//! [`protocol::validator`] decides who is told what, and here is how they are reached. It must never wait, and never decide.

mod messages;

use crate::outlet::Outlet;
use crate::peers::Receiver;
use crate::tap;
use protocol::consensus::events::{Input, Notice};
use protocol::mempool;
use protocol::message::Message as PeerMessage;
use protocol::types::ValidatorIndex;
use protocol::validator::inbound::inbound;
use protocol::validator::restart::{AfterRestart, restart};
use protocol::validator::route::{self, Delivery, Effect, MempoolInput, Part, StateInput};
use protocol::validator::sessions::{Session, SessionEvent};
use protocol::verify::{LateCommit, Verified};
use std::time::Instant;

pub use messages::{Check, Foresee, PoolRequest, Step, TellAgain};

/// How each part is reached. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Routes {
    pub me: ValidatorIndex,
    pub consensus: Outlet<Step<Input>>,
    /// Asks consensus to report its view once more.
    pub again: Outlet<TellAgain>,
    pub view_change: Outlet<Step<Notice>>,
    pub leader_election: Outlet<Step<Notice>>,
    pub mempool: Outlet<Step<MempoolInput>>,
    /// A check goes with its script, which is read by who asks for it.
    pub verifier_pool: Outlet<PoolRequest>,
    pub state: Outlet<StateInput>,
}

impl Routes {
    /// Whatever is sent is taken, and reaches nobody. For parts that stand alone.
    pub fn nowhere(me: ValidatorIndex) -> Routes {
        Routes {
            me,
            consensus: Outlet::nowhere(),
            again: Outlet::nowhere(),
            view_change: Outlet::nowhere(),
            leader_election: Outlet::nowhere(),
            mempool: Outlet::nowhere(),
            verifier_pool: Outlet::nowhere(),
            state: Outlet::nowhere(),
        }
    }

    /// Puts what is for a part into its mailbox. What `view_change` and `leader_election` miss costs time alone: restarted, they
    /// ask again.
    ///
    /// # Errors
    /// What its part did not take; what only the sender can do, such as [`Delivery::Io`], and a check without its script.
    #[expect(clippy::result_large_err, reason = "what was not taken comes back as it was given")]
    pub fn deliver(&self, delivery: Delivery) -> Result<(), Delivery> {
        match delivery {
            Delivery::Consensus(input) => {
                self.consensus.send(Step::Input(input)).map_err(|step| Delivery::Consensus(step.into_input()))
            }
            Delivery::Mempool(input) => {
                self.mempool.send(Step::Input(input)).map_err(|step| Delivery::Mempool(step.into_input()))
            }
            Delivery::Followers(notice) => {
                _ = self.view_change.send(Step::Input(notice.clone()));
                _ = self.leader_election.send(Step::Input(notice));
                Ok(())
            }
            Delivery::State(input) => self.state.send(input).map_err(Delivery::State),
            Delivery::VerifierPool(route::PoolInput::Cancel(proof)) => {
                let sent = self.verifier_pool.send(PoolRequest::Cancel(proof));
                sent.map_err(|_| Delivery::VerifierPool(route::PoolInput::Cancel(proof)))
            }
            Delivery::VerifierPool(check @ route::PoolInput::Check { .. }) => Err(Delivery::VerifierPool(check)),
            Delivery::Io(io) => Err(Delivery::Io(io)),
        }
    }

    /// A message that is not taken is dropped: peers repeat what matters. Whether it is taken.
    fn heard(&self, session: Session, since: Instant, delivery: Delivery) -> bool {
        match delivery {
            Delivery::Consensus(input) => self.consensus.send(Step::Heard { session, input, since }).is_ok(),
            Delivery::Mempool(input) => self.mempool.send(Step::Heard { session, input, since }).is_ok(),
            other @ (Delivery::Followers(_) | Delivery::VerifierPool(_) | Delivery::State(_) | Delivery::Io(_)) => {
                self.deliver(other).is_ok()
            }
        }
    }

    /// Whoever misses it compares its sessions with the network's within a second.
    fn session(&self, event: SessionEvent) {
        _ = self.view_change.send(Step::Session(event));
        _ = self.leader_election.send(Step::Session(event));
        _ = self.mempool.send(Step::Session(event));
        _ = self.consensus.send(Step::Session(event));
    }
}

/// Whom an effect of a part of this validator is for, and what it is to them.
pub fn route(me: ValidatorIndex, effect: Effect, deliver: &mut impl FnMut(Delivery)) {
    tap::proofs::effect(me, &effect);
    route::route(effect, deliver);
}

/// What others are sent when a part was restarted; the rest of [`restart`] it does itself.
pub fn restarted(part: Part) -> impl Iterator<Item = Delivery> {
    let step = |input| Delivery::Mempool(MempoolInput::Step(input));
    restart(part).iter().filter_map(move |hears| match hears {
        AfterRestart::ConsensusRestarted => Some(step(mempool::Input::ConsensusRestarted)),
        AfterRestart::PoolRestarted => Some(step(mempool::Input::PoolRestarted)),
        AfterRestart::Sessions | AfterRestart::Again | AfterRestart::Waiting => None,
    })
}

/// From the session's task to the mailboxes.
impl Receiver for Routes {
    fn deliver(&self, session: Session, message: Verified<PeerMessage>) {
        let since = Instant::now();
        inbound(session.peer, message, &mut |delivery| self.heard(session, since, delivery));
    }

    fn late(&self, session: Session, late: LateCommit) {
        self.heard(session, Instant::now(), Delivery::Consensus(Input::LateCommit(late)));
    }

    fn opened(&self, session: Session) {
        self.session(SessionEvent::Opened(session));
    }

    fn closed(&self, session: Session) {
        self.session(SessionEvent::Closed(session));
    }
}
