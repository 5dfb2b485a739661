//! Joins what stands on the way of a vote: the network's gate, consensus, view change and leader election.
//!
//! The three actors share one arbiter, where a message between them costs half a microsecond; sessions run on the
//! arbiter that starts them. Other duties are reached through [`Duties`], by what they take.

use crate::clock::Clock;
use crate::consensus::{
    Ask, ConsensusActor, Finalized, Follow, Needed, Observed, Reach, Rebuilt, RefusedByOthers, Said, ServeBlocks, Step,
    TellAgain,
};
use crate::exit_code;
use crate::leader_election::LeaderElection;
use crate::network::{Member, Network, NetworkConfig, NetworkError};
use crate::outlet::Outlet;
use crate::peers::{Committed, Directory, Gate, Peers, Receiver};
use crate::storage::vote_log::{Identity, VoteLog, VoteLogError};
use crate::supervision::{
    Child, ExitHook, Handle, Intensity, OnBlock, Seat, Spec, SpecError, StartError, Supervisor, Thread, Tree, reserve,
};
use crate::view_change::{Session, ViewChange};
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::consensus::events::{Input, Record, UnknownHistory};
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
use protocol::validator::inbound::inbound;
use protocol::validator::startup::{LogState, Remembered, startup};
use protocol::verify::{LateCommit, Verified};
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

/// The outbound ports of the vote path.
#[derive(Clone)]
pub struct Duties {
    pub state: Outlet<Finalized>,
    pub serve: Outlet<ServeBlocks>,
    pub needed: Outlet<Needed>,
    pub refused: Outlet<RefusedByOthers>,
    pub rebuilt: Outlet<Rebuilt>,
    /// What peers say about proofs and their scripts.
    pub gossip: Outlet<(ValidatorIndex, Verified<PeerMessage>)>,
    pub session: Outlet<Session>,
    pub history: HistoryReader,
}

/// The actors of the vote path.
#[derive(Clone)]
pub struct Voting {
    pub network: Arc<Network<PeerMessage>>,
    pub peers: Handle<Peers<PeerMessage>>,
    pub consensus: Handle<ConsensusActor>,
    pub view_change: Handle<ViewChange>,
    pub leader_election: Handle<LeaderElection>,
    /// What consensus is seen to do, for people.
    pub observed: Arc<Observed>,
}

/// From the session's task to the actors. A message that an actor cannot take is dropped: peers repeat what matters.
struct ToActors {
    consensus: Handle<ConsensusActor>,
    view_change: Handle<ViewChange>,
    leader_election: Handle<LeaderElection>,
    gossip: Outlet<(ValidatorIndex, Verified<PeerMessage>)>,
    session: Outlet<Session>,
}

impl Receiver for ToActors {
    fn deliver(&self, from: ValidatorIndex, message: Verified<PeerMessage>) {
        let parts = inbound(&message);
        if !parts.consensus {
            // Scripts may be megabytes: they are not copied.
            _ = self.gossip.send((from, message));
            return;
        }
        if parts.mempool {
            _ = self.gossip.send((from, message.clone()));
        }
        _ = self.consensus.send(Said { from, message, since: Instant::now() });
    }

    fn late(&self, late: LateCommit) {
        _ = self.consensus.send(Step(Input::LateCommit(late)));
    }

    fn opened(&self, validator: ValidatorIndex, _: Duration) {
        self.tell(Session::Opened(validator), Input::SessionOpened(validator));
    }

    fn closed(&self, validator: ValidatorIndex) {
        self.tell(Session::Closed(validator), Input::SessionClosed(validator));
    }
}

impl ToActors {
    fn tell(&self, session: Session, input: Input) {
        _ = self.view_change.send(session);
        _ = self.leader_election.send(session);
        _ = self.session.send(session);
        // One that is being made anew looks at the sessions itself.
        _ = self.consensus.send(Step(input));
    }
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

/// Takes the port and prepares the actors: those that vote for `votes`, the sessions here. Starts none.
///
/// # Errors
/// A foreign key, or a port that is taken. A log that cannot be opened ends the process through the exit hook.
pub fn prepare(config: VotingConfig, duties: Duties, votes: &Thread) -> Result<VotingParts, NetworkError> {
    let set = Arc::new(config.genesis.validator_set());
    let schedule = Arc::new(Schedule::new(&set, &config.genesis.epoch_seed()));
    let spec = |name| Spec::new(name).on_thread(votes.clone());
    let (consensus, consensus_seat) = reserve::<ConsensusActor>(spec("consensus").mailbox_max(16_384));
    let (view_change, view_change_seat) = reserve::<ViewChange>(spec("view_change"));
    let (leader_election, leader_election_seat) = reserve::<LeaderElection>(spec("leader_election"));
    let receiver = ToActors {
        consensus: consensus.clone(),
        view_change: view_change.clone(),
        leader_election: leader_election.clone(),
        gossip: duties.gossip.clone(),
        session: duties.session.clone(),
    };
    let committed = Arc::<Committed>::default();
    let genesis = config.genesis.genesis_block_hash();
    let gate = Gate::new(set.clone(), schedule.clone(), genesis, committed.clone(), receiver);
    let network = Network::bind(network_config(&config, &set), Arc::new(gate))?;
    // Sessions are on this thread as well, and cannot be moved.
    let here = Thread::here("sessions", OnBlock::ExitProcess);
    let (peers, peers_seat) = reserve::<Peers<PeerMessage>>(Spec::new("peers").on_thread(here));
    let observed = Observed::new(set.clone(), schedule.clone(), config.me, config.pace.idle_block_interval);
    let voting = Voting { peers, network, consensus, view_change, leader_election, observed: Arc::new(observed) };
    let asked = voting.peers.clone();
    let peers = peers_seat.fill(Peers::factory(voting.network.clone())).probed_by(move || {
        let peers = asked.clone();
        async move { peers.ask(Directory, PROBE_DEADLINE).await.is_ok() }
    });
    let Intensity { restarts_max, window } = VOTES_INTENSITY;
    let votes = Supervisor::new("votes").intensity(restarts_max, window);
    // Started first: the others ask it where it is.
    let consensus = consensus_child(&voting, &config, duties, (set.clone(), schedule), committed, consensus_seat);
    let votes = votes.child(consensus);
    let votes = followers(&voting, &config, &set, view_change_seat, leader_election_seat)
        .into_iter()
        .fold(votes, Supervisor::child);
    Ok(VotingParts { voting, peers, votes })
}

/// The vote path alone, without its outbound ports' actors, under a tree of its own.
///
/// # Errors
/// As [`prepare`].
///
/// # Panics
/// If the tree cannot work, which does not depend on what is given.
pub fn start(config: VotingConfig, duties: Duties, votes: &Thread) -> Result<(Voting, Tree), NetworkError> {
    let exit = config.exit.clone();
    let VotingParts { voting, peers, votes } = prepare(config, duties, votes)?;
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
    let consensus = outlet(&voting.consensus);
    // A follower that was rebuilt knows neither view nor sessions: both are told again.
    let again = outlet_of::<_, TellAgain>(&voting.consensus);
    let once_more = again.clone();
    let (network, members, steps) = (voting.network.clone(), set.clone(), consensus.clone());
    let view_change = view_change.fill(move || {
        let pacemaker = Pacemaker::new(members.clone(), me, pace, clock.local());
        _ = again.send(TellAgain);
        Ok(ViewChange::new(pacemaker, steps.clone(), network.clone(), clock))
    });
    let (members, connected) = (set.clone(), voting.network.clone());
    let leader_election = leader_election.fill(move || {
        let mut election = Election::new(members.clone(), me, clock.local());
        connected
            .peers()
            .iter()
            .filter(|peer| peer.connected)
            .for_each(|peer| election.on_session_opened(peer.validator));
        _ = once_more.send(TellAgain);
        Ok(LeaderElection::new(election, consensus.clone(), clock))
    });
    [view_change, leader_election]
}

fn consensus_child(
    voting: &Voting,
    config: &VotingConfig,
    duties: Duties,
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
    let reach = Reach {
        network: voting.network.clone(),
        view_change: outlet_of::<_, Follow>(&voting.view_change),
        leader_election: outlet_of::<_, Follow>(&voting.leader_election),
        state: duties.state,
        serve: duties.serve,
        needed: duties.needed,
        refused: duties.refused,
        rebuilt: duties.rebuilt,
        witness: Arc::default(),
        committed,
        observed: voting.observed.clone(),
        exit: config.exit.clone(),
    };
    let (history, config) = (duties.history, config.clone());
    let (itself, asked) = (outlet(&voting.consensus), voting.consensus.clone());
    // The log outlives the actor, like the database: what this process made durable it need not read again.
    let mut kept: Option<Arc<Mutex<VoteLog>>> = None;
    let factory = move || {
        let began = Instant::now();
        let (base, branch) = history()?;
        let history_read = began.elapsed();
        let left = kept.take().and_then(take_over);
        let (log, records) =
            open_log(&config, &reach, left).map_err(|error| StartError::fatal(error.exit_code(), error))?;
        let log_read = began.elapsed();
        let clock = Clock::start();
        let signer = Box::new(config.key.clone());
        let count = records.len();
        let (consensus, first) = Consensus::recover(settings.clone(), signer, branch, base, records, clock.now());
        tracing::debug!(records = count, bytes = log.bytes(), ?history_read, ?log_read, recovered = ?began.elapsed(), "consensus knows its past");
        if config.accept_unknown_history {
            _ = itself.send(Step(Input::AcceptUnknownHistory));
        }
        let log = Arc::new(Mutex::new(log));
        kept = Some(log.clone());
        Ok(ConsensusActor::new(consensus, first, log, reach.clone(), clock))
    };
    seat.fill(factory).probed_by(move || {
        let consensus = asked.clone();
        async move { consensus.ask(Ask, PROBE_DEADLINE).await.is_ok() }
    })
}

/// Why the log's records cannot be used.
#[derive(Debug, thiserror::Error)]
enum OpenLogError {
    #[error(transparent)]
    Log(#[from] VoteLogError),
    #[error("a record of the vote log has a form that this program does not read: {0}; was it written by a newer one?")]
    Form(#[from] rmp_serde::decode::Error),
    #[error("a record cannot be encoded: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

impl OpenLogError {
    fn exit_code(&self) -> i32 {
        match self {
            OpenLogError::Log(error) => error.exit_code(),
            OpenLogError::Form(_) => exit_code::CONFIGURATION,
            OpenLogError::Encode(_) => exit_code::INTERNAL,
        }
    }
}

/// The log of the incarnation before, if that one is gone and nothing failed in it. One that is not gone was cut off, on the
/// only thread on which it could run, and writes no more.
fn take_over(kept: Arc<Mutex<VoteLog>>) -> Option<VoteLog> {
    Arc::into_inner(kept).map(Mutex::into_inner).filter(VoteLog::is_whole)
}

/// Takes the log that is left, or opens it. Whatever is not whole says so in its first new record, made durable before
/// anything else (R12).
fn open_log(
    config: &VotingConfig,
    reach: &Reach,
    left: Option<VoteLog>,
) -> Result<(VoteLog, Vec<Record>), OpenLogError> {
    let identity = Identity { chain: config.genesis.chain_id(), key: protocol::signature::public_key(&config.key) };
    let (mut log, state) = match left {
        Some(log) => (log, LogState::Whole),
        None => VoteLog::open(&config.data_dir, &config.mark, identity)?,
    };
    let mut records: Vec<Record> = Vec::with_capacity(log.records().len() + 1);
    for bytes in log.records() {
        // The batch's checksum held, so this program, or an older one, wrote it.
        records.push(rmp_serde::from_slice(bytes)?);
    }
    let is_first = reach.witness.begin();
    let remembered = reach.witness.remembers(log.next_batch());
    if let Remembered::Lacks { next_batch } = remembered {
        tracing::error!(durable = next_batch - 1, "the vote log has lost batches that this process made durable");
    }
    let begun = startup(state, remembered, is_first);
    let Some(unknown) = begun.unknown else { return Ok((log, records)) };
    if begun.reconnect {
        reach.network.reconnect();
    }
    let record = Record::Unknown(unknown);
    if !begun.recorded {
        records.push(record);
        return Ok((log, records));
    }
    if state == LogState::Outdated {
        tracing::warn!(
            mark = %config.mark.display(),
            "the vote log is an older copy than the mark beside the key has seen, or the mark is damaged"
        );
    }
    if unknown == UnknownHistory::New {
        tracing::info!("first start: signing begins once a quorum of peers is connected");
    } else {
        tracing::warn!(kind = ?unknown, "the vote log is not whole: signing begins once peers have reported their state");
    }
    let bytes = rmp_serde::to_vec(&record)?;
    log.append(&[bytes])?;
    records.push(record);
    Ok((log, records))
}

fn outlet(consensus: &Handle<ConsensusActor>) -> Outlet<Step> {
    outlet_of(consensus)
}

/// The way to an actor by one message that it takes.
pub fn outlet_of<A, M>(handle: &Handle<A>) -> Outlet<M>
where
    A: actix::Actor<Context = actix::Context<A>> + actix::Handler<M>,
    M: actix::Message + Send + 'static,
    M::Result: Send,
{
    let handle = handle.clone();
    Outlet::new(move |message| handle.send(message).err().map(|refused| refused.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::types::{Hash, PublicKey};

    /// R12: what is taken over must be what the disk holds, and nobody else's.
    #[test]
    fn a_log_is_taken_over_from_who_is_gone_and_only_whole() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { chain: Hash([1; 32]), key: PublicKey([2; 32]) };
        let mark = folder.path().join("mark");
        let open = || Arc::new(Mutex::new(VoteLog::open(folder.path(), &mark, identity).unwrap().0));
        let log = open();
        assert!(take_over(log).is_none(), "it has no file yet");
        let log = open();
        log.lock().append(&[b"a vote".to_vec()]).unwrap();
        let user = log.clone();
        assert!(take_over(log).is_none(), "somebody may still use it");
        let mut left = take_over(user).expect("it is whole, and nobody else has it");
        assert_eq!(left.records(), [b"a vote".to_vec()]);
        // The next mark cannot be written.
        std::fs::remove_file(&mark).unwrap();
        std::fs::create_dir_all(mark.join("in the way")).unwrap();
        let records = std::iter::repeat_with(|| left.append(&[b"another".to_vec()]));
        assert!(records.take(100).any(|appended| appended.is_err()));
        assert!(take_over(Arc::new(Mutex::new(left))).is_none(), "nobody knows what the disk holds");
    }
}
