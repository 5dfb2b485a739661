//! Joins what stands on the way of a vote: the network's gate, consensus, view change and leader election.
//!
//! The three actors share one arbiter, where a message between them costs half a microsecond; sessions run on the
//! arbiter that starts them. Other parts are reached through [`Routes`].

mod children;
mod config;

use crate::clock::Clock;
use crate::consensus::ConsensusActor;
use crate::leader_election::LeaderElection;
use crate::links::Links;
use crate::network::{Network, NetworkError};
use crate::outlet::Outlet;
use crate::peers::{Committed, Directory, Gate, Peers};
use crate::routes::Routes;
use crate::supervision::{
    Child, Handle, Intensity, OnBlock, Spec, SpecError, StartError, Supervisor, Thread, Tree, reserve,
};
use crate::tap::Observed;
use crate::view_change::ViewChange;
use children::Shared;
use protocol::consensus::recovery::Base;
use protocol::ledger::Branch;
use protocol::message::Message as PeerMessage;
use protocol::schedule::Schedule;
use std::sync::Arc;
use std::time::Duration;

pub use config::VotingConfig;

/// Reads the last final block, and a way to ask the database about what lies below it.
pub type HistoryReader = Arc<dyn Fn() -> Result<(Base, Box<dyn Branch + Send>), StartError> + Send + Sync>;

/// The actors of the vote path.
#[derive(Clone)]
pub struct Voting {
    pub network: Arc<Network<PeerMessage>>,
    pub peers: Handle<Peers<PeerMessage>>,
    pub consensus: Handle<ConsensusActor>,
    pub view_change: Handle<ViewChange>,
    pub leader_election: Handle<LeaderElection>,
    /// How every part of this validator is reached.
    pub routes: Routes,
    pub links: Links,
    /// What consensus is seen to do, for people.
    pub observed: Arc<Observed>,
}

/// What is started for the vote path, once the whole tree exists.
pub struct VotingParts {
    pub voting: Voting,
    /// Connects; on the thread of the sessions.
    pub peers: Child,
    /// The three that vote.
    pub votes: Supervisor,
}

/// Restarts within the window that the actors of the vote path may have together.
pub const VOTES_INTENSITY: Intensity = Intensity { restarts_max: 15, window: Duration::from_secs(10) };
/// For a question that shows that an actor serves.
pub(crate) const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// The thread of the actors that vote. It cannot be replaced: an actor that signs must not wake up beside its successor. It
/// syncs the vote log itself; a disk that does not answer for `DISK_DEADLINE` ends the process like any other block.
pub fn votes_thread() -> Thread {
    Thread::new("votes", OnBlock::ExitProcess)
}

/// Takes the port and prepares the actors: those that vote for `votes`, the sessions here. Starts none. `others` has the ways to
/// the parts that do not vote.
///
/// # Errors
/// A foreign key, or a port that is taken. A log that cannot be opened ends the process through the exit hook.
pub fn prepare(
    config: VotingConfig,
    others: Routes,
    history: HistoryReader,
    votes: &Thread,
) -> Result<VotingParts, NetworkError> {
    let set = Arc::new(config.genesis.validator_set());
    let schedule = Arc::new(Schedule::new(&set, &config.genesis.epoch_seed()));
    let spec = |name| Spec::new(name).on_thread(votes.clone());
    let (consensus, consensus_seat) = reserve::<ConsensusActor>(spec("consensus").mailbox_max(16_384));
    let (view_change, view_change_seat) = reserve::<ViewChange>(spec("view_change"));
    let (leader_election, leader_election_seat) = reserve::<LeaderElection>(spec("leader_election"));
    let routes = Routes {
        consensus: Outlet::to(&consensus),
        again: Outlet::to(&consensus),
        view_change: Outlet::to(&view_change),
        leader_election: Outlet::to(&leader_election),
        ..others
    };
    let committed = Arc::<Committed>::default();
    let genesis = config.genesis.genesis_block_hash();
    let gate = Gate::new(set.clone(), schedule.clone(), genesis, committed.clone(), routes.clone());
    let network = Network::bind(config.network(&set), Arc::new(gate))?;
    // Sessions are on this thread as well, and cannot be moved.
    let here = Thread::here("sessions", OnBlock::ExitProcess);
    let (peers, peers_seat) = reserve::<Peers<PeerMessage>>(Spec::new("peers").on_thread(here));
    let observed = Arc::new(Observed::new(set.clone(), schedule.clone(), config.me, config.pace.idle_block_interval));
    let links = Links::of(&network);
    let voting = Voting { peers, network, consensus, view_change, leader_election, routes, links, observed };
    let peers = Peers::factory(voting.network.clone());
    let peers = peers_seat.fill(peers).probed_with(&voting.peers, Directory, PROBE_DEADLINE);
    let (shared, clock) = (Shared { set, schedule, committed }, Clock::start());
    let Intensity { restarts_max, window } = VOTES_INTENSITY;
    let votes = Supervisor::new("votes")
        .intensity(restarts_max, window)
        // Started first: the others ask it where it is.
        .child(children::consensus(&voting, &config, &shared, history, consensus_seat))
        .child(children::view_change(&voting, &config, &shared, clock, view_change_seat))
        .child(children::leader_election(&voting, &config, &shared, clock, leader_election_seat));
    Ok(VotingParts { voting, peers, votes })
}

/// The vote path alone, without the actors of other parts, under a tree of its own.
///
/// # Errors
/// As [`prepare`].
///
/// # Panics
/// If the tree cannot work, which does not depend on what is given.
pub fn start(
    config: VotingConfig,
    others: Routes,
    history: HistoryReader,
    votes: &Thread,
) -> Result<(Voting, Tree), NetworkError> {
    let exit = config.exit.clone();
    let VotingParts { voting, peers, votes } = prepare(config, others, history, votes)?;
    let Intensity { restarts_max, window } = VOTES_INTENSITY;
    let root = Supervisor::new("voting").intensity(restarts_max, window);
    let tree: Result<Tree, SpecError> = root.child(peers).supervisor(votes).start(exit);
    Ok((voting, tree.expect("names are different and windows are not empty")))
}
