//! Who is sent my Prepare and Commit votes, and who passes on the certificates that they make.
//!
//! Few validators send each other all of them: a block is final three message delays after it was proposed. In a crowd that
//! would be the square of their number, twice for each block, and nearly all of a block's cost. There the leaders of a view
//! and of the next ones collect its votes, and the leader sends everybody the certificate: two delays more, and a few hundred
//! messages instead of twenty thousand (with 100 validators). Collectors, and more than one of them, are those of SBFT (Golan
//! Gueta et al., *SBFT: A Scalable and Decentralized Trust Infrastructure*, DSN 2019, section V).
//!
//! Nobody trusts a collector. A certificate is verified by whoever gets it, so one that is bad can only withhold, and the next
//! collector gives what the leader does not. A vote whose certificate does not come goes to everybody, when half of the view
//! timer's base is over at the latest.

use crate::certificate::Certificate;
use crate::consensus::effects::Effects;
use crate::consensus::events::To;
use crate::consensus::votes::Certificates;
use crate::message::Message;
use crate::schedule::Schedule;
use crate::turns::is_crowd;
use crate::types::{Millis, ValidatorIndex, View};
use crate::vote::{Vote, VoteKind};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Leaders from a view on that are sent its votes: the next is to include the Prepares in its block, and the one after it
/// those that come late.
pub const COLLECTORS: u64 = 3;

/// Votes that wait for their certificate; the oldest make room.
const WAITING_MAX: usize = 64;

/// Who collects votes.
#[derive(Clone)]
pub struct Collectors {
    pub schedule: Arc<Schedule>,
    pub me: ValidatorIndex,
    pub validators: usize,
}

impl Collectors {
    /// Those who are sent a vote of one who is in the view `current`; none where everybody is. A late Prepare also goes to who
    /// may still include it.
    pub fn of(&self, vote: &Vote, current: View) -> Option<BTreeSet<ValidatorIndex>> {
        let collects = match vote.ballot.choice.kind() {
            VoteKind::Prepare | VoteKind::Commit => is_crowd(self.validators),
            // Timers run out at different times: whoever sees a third give up gives up, too.
            VoteKind::ViewChange => false,
        };
        let later = if vote.ballot.choice.kind() == VoteKind::Prepare { current } else { vote.view() };
        collects.then(|| self.leaders(vote.view()).chain(self.leaders(later)).collect())
    }

    /// Whether a peer is sent the votes of a view at once.
    pub fn has(&self, view: View, peer: ValidatorIndex) -> bool {
        !is_crowd(self.validators) || self.leaders(view).any(|leader| leader == peer)
    }

    /// Whether I collect the votes of a view, where not everybody does: whether I may hold a certificate alone.
    pub fn am_one(&self, view: View) -> bool {
        self.my_place(view).is_some()
    }

    /// My place among those who send everybody the certificate of a view: its leader is 0.
    pub fn my_place(&self, view: View) -> Option<u64> {
        let place = self.leaders(view).position(|leader| leader == self.me)?;
        is_crowd(self.validators).then_some(place as u64)
    }

    /// Whether a peer is the one who sends everybody the certificate of a view at once.
    pub fn is_first(&self, view: View, peer: ValidatorIndex) -> bool {
        self.schedule.leader(view) == peer
    }

    fn leaders(&self, view: View) -> impl Iterator<Item = ValidatorIndex> + '_ {
        (0..COLLECTORS).map(move |ahead| self.schedule.leader(View(view.0.saturating_add(ahead))))
    }
}

/// My votes that went to few, until their certificate is here.
#[derive(Debug, Default)]
pub struct Uncertified(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    vote: Vote,
    /// When it goes to everybody; none once it did.
    due: Option<Millis>,
}

impl Uncertified {
    /// A vote that goes to everybody at `due`, if there is no certificate by then.
    pub fn wait(&mut self, vote: Vote, due: Millis) {
        if self.0.len() >= WAITING_MAX {
            self.0.remove(0);
        }
        self.0.push(Waiting { vote, due: Some(due) });
    }

    /// Sends everybody those whose time has come. What a higher Commit certificate covers needs none of its own.
    pub fn send_due(&mut self, now: Millis, certificates: &Certificates, effects: &mut Effects) {
        self.0.retain(|waiting| lacks_certificate(&waiting.vote, certificates));
        for waiting in &mut self.0 {
            if waiting.due.take_if(|due| *due <= now).is_some() {
                effects.send(To::All, Message::Vote { vote: waiting.vote, reason: None });
            }
        }
    }

    /// Whether a vote of this view went to everybody, and still has no certificate: who lacks it is sent it again.
    pub fn is_overdue(&self, view: View) -> bool {
        self.0.iter().any(|waiting| waiting.due.is_none() && waiting.vote.view() == view)
    }

    pub fn wakeup(&self) -> Option<Millis> {
        self.0.iter().filter_map(|waiting| waiting.due).min()
    }
}

fn lacks_certificate(vote: &Vote, certificates: &Certificates) -> bool {
    let view = vote.view();
    let is_prepared = || certificates.prepare(view).and_then(Certificate::block) == vote.ballot.choice.block();
    view > certificates.commit_view() && (vote.ballot.choice.kind() == VoteKind::Commit || !is_prepared())
}
