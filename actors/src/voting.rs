//! Joins what stands on the way of a vote: the network's gate, consensus, view change and leader election.
//!
//! The three actors share one arbiter, where a message between them costs half a microsecond; sessions run on the
//! arbiter that starts them. Other parts are reached through [`Routes`].

use crate::clock::Clock;
use crate::consensus::{Ask, ConsensusActor, Opened, Reach, VoteLogs};
use crate::leader_election::LeaderElection;
use crate::links::Links;
use crate::network::{Member, Network, NetworkConfig, NetworkError};
use crate::outlet::Outlet;
use crate::peers::{Committed, Directory, Gate, Peers};
use crate::routes::{Routes, Step};
use crate::storage::vote_log::Identity;
use crate::supervision::{
    Child, ExitHook, Handle, Intensity, OnBlock, Seat, Spec, SpecError, StartError, Supervisor, Thread, Tree, reserve,
};
use crate::tap::Observed;
use crate::view_change::ViewChange;
use ed25519_dalek::SigningKey;
use protocol::consensus::events::Input;
use protocol::consensus::recovery::Base;
use protocol::consensus::{Consensus, LOG_RECORDS_MAX, Settings};
use protocol::election::Election;
use protocol::genesis::Genesis;
use protocol::ledger::Branch;
use protocol::message::Message as PeerMessage;
use protocol::pacemaker::{Pacemaker, PacemakerSettings};
use protocol::quorum::ValidatorSet;
use protocol::schedule::Schedule;
use protocol::types::{Millis, ValidatorIndex};
use protocol::validator::sessions::SessionNumber;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one validator's vote path is made from.
#[derive(Clone)]
pub struct VotingConfig {
    pub genesis: Arc<Genesis>,
    pub me: ValidatorIndex,
    pub key: SigningKey,
    pub listen: SocketAddr,
    /// Where peers are reached, `host:port`.
    pub addresses: Vec<(ValidatorIndex, String)>,
    /// The vote log's folder; the caller holds its lock.
    pub data_dir: PathBuf,
    /// The mark beside the key that a log was made (R12).
    pub mark: PathBuf,
    pub block_size_max: usize,
    pub pace: PacemakerSettings,
    /// The operator takes the risk that R12 names.
    pub accept_unknown_history: bool,
    pub exit: ExitHook,
}

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
    let network = Network::bind(network_config(&config, &set), Arc::new(gate))?;
    // Sessions are on this thread as well, and cannot be moved.
    let here = Thread::here("sessions", OnBlock::ExitProcess);
    let (peers, peers_seat) = reserve::<Peers<PeerMessage>>(Spec::new("peers").on_thread(here));
    let observed = Arc::new(Observed::new(set.clone(), schedule.clone(), config.me, config.pace.idle_block_interval));
    let links = Links::of(&network);
    let voting = Voting { peers, network, consensus, view_change, leader_election, routes, links, observed };
    let asked = voting.peers.clone();
    let peers = peers_seat.fill(Peers::factory(voting.network.clone())).probed_by(move || {
        let peers = asked.clone();
        async move { peers.ask(Directory, PROBE_DEADLINE).await.is_ok() }
    });
    let Intensity { restarts_max, window } = VOTES_INTENSITY;
    let votes = Supervisor::new("votes").intensity(restarts_max, window);
    // Started first: the others ask it where it is.
    let consensus = consensus_child(&voting, &config, history, (set.clone(), schedule), committed, consensus_seat);
    let votes = votes.child(consensus);
    let votes = followers(&voting, &config, &set, view_change_seat, leader_election_seat)
        .into_iter()
        .fold(votes, Supervisor::child);
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

fn network_config(config: &VotingConfig, set: &ValidatorSet) -> NetworkConfig {
    let member =
        |validator: &protocol::quorum::Validator| Member { node_id: validator.node_id.clone(), key: validator.key };
    NetworkConfig {
        members: set.iter().map(|(_, validator)| member(validator)).collect(),
        me: config.me,
        key: config.key.clone(),
        chain: config.genesis.chain_id(),
        pin: config.genesis.parameters().solver_pin,
        listen: config.listen,
        addresses: config.addresses.clone(),
    }
}

fn followers(
    voting: &Voting,
    config: &VotingConfig,
    set: &Arc<ValidatorSet>,
    view_change: Seat<ViewChange>,
    leader_election: Seat<LeaderElection>,
) -> [Child; 2] {
    let clock = Clock::start();
    let (me, pace) = (config.me, config.pace);
    let (network, members, routes) = (voting.network.clone(), set.clone(), voting.routes.clone());
    let view_change = view_change.fill(move || {
        let pacemaker = Pacemaker::new(members.clone(), me, pace, clock.local());
        Ok(ViewChange::new(pacemaker, routes.clone(), network.clone(), clock))
    });
    let (links, members, routes) = (voting.links.clone(), set.clone(), voting.routes.clone());
    let leader_election = leader_election.fill(move || {
        let election = Election::new(members.clone(), me, clock.local());
        Ok(LeaderElection::new(election, routes.clone(), links.clone(), clock))
    });
    [view_change, leader_election]
}

fn consensus_child(
    voting: &Voting,
    config: &VotingConfig,
    history: HistoryReader,
    (set, schedule): (Arc<ValidatorSet>, Arc<Schedule>),
    committed: Arc<Committed>,
    seat: Seat<ConsensusActor>,
) -> Child {
    let parameters = config.genesis.parameters();
    let settings = Settings {
        set,
        schedule,
        me: config.me,
        genesis: config.genesis.genesis_block_hash(),
        proofs_max: parameters.block.proofs_max as usize,
        block_size_max: config.block_size_max.min(parameters.block.proofs_max as usize),
        idle_block_interval: config.pace.idle_block_interval,
        clock_tolerance: Millis(parameters.clock_tolerance_ms.0),
        log_records_max: LOG_RECORDS_MAX,
    };
    let identity = Identity { chain: config.genesis.chain_id(), key: protocol::signature::public_key(&config.key) };
    let mut logs = VoteLogs::new(config.data_dir.clone(), config.mark.clone(), identity);
    let reach = Reach {
        routes: voting.routes.clone(),
        links: voting.links.clone(),
        set: settings.set.clone(),
        memory: logs.memory.clone(),
        committed,
        observed: voting.observed.clone(),
        exit: config.exit.clone(),
    };
    let (key, accept_unknown_history) = (config.key.clone(), config.accept_unknown_history);
    let factory = move || {
        let began = Instant::now();
        let (base, branch) = history()?;
        let history_read = began.elapsed();
        let opened = logs.open().map_err(|error| StartError::fatal(error.exit_code(), error))?;
        let log_read = began.elapsed();
        let Opened { log, records, reconnect } = opened;
        // What peers said in the sessions so far is not about the votes that this log lacks.
        let all_over = if reconnect { (reach.links.reconnect)() } else { SessionNumber::default() };
        let clock = Clock::start();
        let (count, bytes) = (records.len(), log.lock().bytes());
        let signer = Box::new(key.clone());
        let recovered = Consensus::recover(settings.clone(), signer, branch, base, records, clock.now());
        tracing::debug!(records = count, bytes, ?history_read, ?log_read, recovered = ?began.elapsed(), "consensus knows its past");
        if accept_unknown_history {
            _ = reach.routes.consensus.send(Step::Input(Input::AcceptUnknownHistory));
        }
        Ok(ConsensusActor::new(recovered, log, all_over, reach.clone(), clock))
    };
    let asked = voting.consensus.clone();
    seat.fill(factory).probed_by(move || {
        let consensus = asked.clone();
        async move { consensus.ask(Ask, PROBE_DEADLINE).await.is_ok() }
    })
}
