//! Joins what stands on the way of a vote: the network's gate, consensus, view change and leader election.
//!
//! The three actors share one arbiter, where a message between them costs half a microsecond; sessions run on the
//! arbiter that starts them. Other duties are reached through [`Duties`], by what they take.

use crate::clock::Clock;
use crate::consensus::{
    ConsensusActor, Finalized, Follow, Needed, Observed, Reach, RefusedByOthers, ServeBlocks, Step, TellAgain,
};
use crate::exit_code;
use crate::leader_election::LeaderElection;
use crate::network::{Member, Network, NetworkConfig, NetworkError};
use crate::outlet::Outlet;
use crate::peers::{Gate, Peers, Receiver};
use crate::storage::vote_log::{History, Identity, VoteLog, VoteLogError};
use crate::supervision::{ExitHook, Handle, Seat, Spec, StartError, reserve};
use crate::view_change::{Session, ViewChange};
use actix::ArbiterHandle;
use ed25519_dalek::SigningKey;
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
use protocol::verify::Verified;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What one validator's vote's way is made from.
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
    /// What consensus is seen to do, for people.
    pub observed: Arc<Observed>,
    pub exit: ExitHook,
}

/// Reads the last final block, and a way to ask the database about what lies below it.
pub type HistoryReader = Arc<dyn Fn() -> Result<(Base, Box<dyn Branch + Send>), StartError> + Send + Sync>;

/// The duties beside the vote's way.
#[derive(Clone)]
pub struct Duties {
    pub state: Outlet<Finalized>,
    pub serve: Outlet<ServeBlocks>,
    pub needed: Outlet<Needed>,
    pub refused: Outlet<RefusedByOthers>,
    /// What peers say about proofs and their scripts.
    pub gossip: Outlet<(ValidatorIndex, Verified<PeerMessage>)>,
    pub session: Outlet<Session>,
    pub history: HistoryReader,
}

/// The actors of the vote's way.
#[derive(Clone)]
pub struct Voting {
    pub network: Arc<Network<PeerMessage>>,
    pub peers: Handle<Peers<PeerMessage>>,
    pub consensus: Handle<ConsensusActor>,
    pub view_change: Handle<ViewChange>,
    pub leader_election: Handle<LeaderElection>,
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
        match &*message {
            PeerMessage::Pending(_) | PeerMessage::ProofRequest(_) | PeerMessage::Proofs(_) => {
                _ = self.gossip.send((from, message));
            }
            PeerMessage::Checked(_) => {
                _ = self.gossip.send((from, message.clone()));
                _ = self.consensus.send(Step(Input::Peer(from, message)));
            }
            PeerMessage::Proposal(_)
            | PeerMessage::Vote { .. }
            | PeerMessage::Certificate(_)
            | PeerMessage::Status(_)
            | PeerMessage::CertificateRequest { .. }
            | PeerMessage::Certificates(_)
            | PeerMessage::BlockRequest { .. }
            | PeerMessage::Blocks { .. }
            | PeerMessage::Testimony(_) => _ = self.consensus.send(Step(Input::Peer(from, message))),
        }
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
        if let Err(refused) = self.consensus.send(Step(input)) {
            // Consensus ends the process when it fails; until then it would be wrong about its sessions.
            tracing::error!(actor = refused.actor, why = ?refused.why, "a session's change was not taken");
        }
    }
}

/// Takes the port, opens the log and starts the actors: those that vote on `votes`, the sessions here.
///
/// # Errors
/// A foreign key, or a port that is taken. A log that cannot be opened ends the process through the exit hook.
pub fn start(config: VotingConfig, duties: Duties, votes: &ArbiterHandle) -> Result<Voting, NetworkError> {
    let set = Arc::new(config.genesis.validator_set());
    let schedule = Arc::new(Schedule::new(&set, &config.genesis.epoch_seed()));
    let exit = config.exit.clone();
    let spec = move |name| {
        let exit = exit.clone();
        Spec::new(name).on_handle(votes.clone()).exit(move |reason| exit(reason))
    };
    let (consensus, consensus_seat) =
        reserve::<ConsensusActor>(spec("consensus").mailbox_max(16_384).exit_on_failure());
    let (view_change, view_change_seat) = reserve::<ViewChange>(spec("view_change"));
    let (leader_election, leader_election_seat) = reserve::<LeaderElection>(spec("leader_election"));
    let receiver = ToActors {
        consensus: consensus.clone(),
        view_change: view_change.clone(),
        leader_election: leader_election.clone(),
        gossip: duties.gossip.clone(),
        session: duties.session.clone(),
    };
    let gate = Gate::new(set.clone(), schedule.clone(), config.genesis.genesis_block_hash(), receiver);
    let network = Network::bind(network_config(&config, &set), Arc::new(gate))?;
    let exit = config.exit.clone();
    let peers = Spec::new("peers").exit(move |reason| exit(reason));
    let voting = Voting {
        peers: crate::supervision::supervise(peers, Peers::factory(network.clone())),
        network,
        consensus,
        view_change,
        leader_election,
    };
    seat_followers(&voting, &config, &set, view_change_seat, leader_election_seat);
    seat_consensus(&voting, config, duties, set, schedule, consensus_seat);
    Ok(voting)
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

fn seat_followers(
    voting: &Voting,
    config: &VotingConfig,
    set: &Arc<ValidatorSet>,
    view_change: Seat<ViewChange>,
    leader_election: Seat<LeaderElection>,
) {
    let clock = Clock::start();
    let (me, pace) = (config.me, config.pace);
    let consensus = outlet(&voting.consensus);
    // A follower that was rebuilt knows neither view nor sessions: both are told again.
    let again = outlet_of::<_, TellAgain>(&voting.consensus);
    let once_more = again.clone();
    let (network, members, steps) = (voting.network.clone(), set.clone(), consensus.clone());
    view_change.start(move || {
        let pacemaker = Pacemaker::new(members.clone(), me, pace, clock.local());
        _ = again.send(TellAgain);
        Ok(ViewChange::new(pacemaker, steps.clone(), network.clone(), clock))
    });
    let (members, connected) = (set.clone(), voting.network.clone());
    leader_election.start(move || {
        let mut election = Election::new(members.clone(), me, clock.local());
        connected
            .peers()
            .iter()
            .filter(|peer| peer.connected)
            .for_each(|peer| election.on_session_opened(peer.validator));
        _ = once_more.send(TellAgain);
        Ok(LeaderElection::new(election, consensus.clone(), clock))
    });
}

fn seat_consensus(
    voting: &Voting,
    config: VotingConfig,
    duties: Duties,
    set: Arc<ValidatorSet>,
    schedule: Arc<Schedule>,
    seat: Seat<ConsensusActor>,
) {
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
        observed: config.observed.clone(),
        exit: config.exit.clone(),
    };
    let history = duties.history;
    let itself = outlet(&voting.consensus);
    seat.start(move || {
        let (base, branch) = history()?;
        let (log, records) = open_log(&config).map_err(|error| StartError::fatal(error.exit_code(), error))?;
        let clock = Clock::start();
        let signer = Box::new(config.key.clone());
        let (consensus, first) = Consensus::recover(settings.clone(), signer, branch, base, records, clock.now());
        if config.accept_unknown_history {
            _ = itself.send(Step(Input::AcceptUnknownHistory));
        }
        Ok(ConsensusActor::new(consensus, first, log, reach.clone(), clock))
    });
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

/// Opens the log. Whatever is not whole says so in its first new record, made durable before anything else (R12).
fn open_log(config: &VotingConfig) -> Result<(VoteLog, Vec<Record>), OpenLogError> {
    let identity = Identity { chain: config.genesis.chain_id(), key: protocol::signature::public_key(&config.key) };
    let (mut log, recovery) = VoteLog::open(&config.data_dir, &config.mark, identity)?;
    let mut records: Vec<Record> = Vec::with_capacity(recovery.records.len() + 1);
    for bytes in &recovery.records {
        // The batch's checksum held, so this program, or an older one, wrote it.
        records.push(rmp_serde::from_slice(bytes)?);
    }
    let kind = match recovery.history {
        // Every start says so by itself: nothing is written.
        History::Whole => {
            records.push(Record::Unknown(UnknownHistory::Unconfirmed));
            return Ok((log, records));
        }
        History::New => UnknownHistory::New,
        History::Lost | History::Outdated => UnknownHistory::Lost,
        History::Torn => UnknownHistory::Torn,
    };
    if recovery.history == History::Outdated {
        tracing::warn!(
            mark = %config.mark.display(),
            "the vote log is an older copy than the mark beside the key has seen, or the mark is damaged"
        );
    }
    tracing::warn!(
        ?kind,
        "the vote log is not known to be whole: nothing is signed before peers have told where they are"
    );
    let record = Record::Unknown(kind);
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
