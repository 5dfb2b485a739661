//! The actors that vote, and what each incarnation of them begins with.

use super::{HistoryReader, PROBE_DEADLINE, Voting, VotingConfig};
use crate::clock::Clock;
use crate::consensus::{Ask, ConsensusActor, Opened, Reach, VoteLogs};
use crate::leader_election::LeaderElection;
use crate::peers::Committed;
use crate::routes::Step;
use crate::storage::vote_log::Identity;
use crate::supervision::{Child, Seat, StartError};
use crate::view_change::ViewChange;
use ed25519_dalek::SigningKey;
use protocol::block::BlockLimits;
use protocol::consensus::events::Input;
use protocol::consensus::{Consensus, LOG_RECORDS_MAX, Settings};
use protocol::election::Election;
use protocol::pacemaker::Pacemaker;
use protocol::quorum::ValidatorSet;
use protocol::schedule::Schedule;
use protocol::types::Millis;
use protocol::validator::sessions::SessionNumber;
use std::sync::Arc;
use std::time::Instant;

/// What the gate and the actors that vote have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) set: Arc<ValidatorSet>,
    pub(super) schedule: Arc<Schedule>,
    pub(super) committed: Arc<Committed>,
}

pub(super) fn view_change(
    voting: &Voting,
    config: &VotingConfig,
    shared: &Shared,
    clock: Clock,
    seat: Seat<ViewChange>,
) -> Child {
    let (me, pace) = (config.me, config.pace);
    let (network, set, routes) = (voting.network.clone(), shared.set.clone(), voting.routes.clone());
    seat.fill(move || {
        let pacemaker = Pacemaker::new(set.clone(), me, pace, clock.local());
        Ok(ViewChange::new(pacemaker, routes.clone(), network.clone(), clock))
    })
}

pub(super) fn leader_election(
    voting: &Voting,
    config: &VotingConfig,
    shared: &Shared,
    clock: Clock,
    seat: Seat<LeaderElection>,
) -> Child {
    let me = config.me;
    let (links, set, routes) = (voting.links.clone(), shared.set.clone(), voting.routes.clone());
    seat.fill(move || {
        let election = Election::new(set.clone(), me, clock.local());
        Ok(LeaderElection::new(election, routes.clone(), links.clone(), clock))
    })
}

pub(super) fn consensus(
    voting: &Voting,
    config: &VotingConfig,
    shared: &Shared,
    history: HistoryReader,
    seat: Seat<ConsensusActor>,
) -> Child {
    let identity = Identity { chain: config.genesis.chain_id(), key: protocol::signature::public_key(&config.key) };
    let logs = VoteLogs::new(config.data_dir.clone(), config.beside_key.clone(), identity);
    let reach = Reach {
        routes: voting.routes.clone(),
        links: voting.links.clone(),
        set: shared.set.clone(),
        memory: logs.memory.clone(),
        committed: shared.committed.clone(),
        observed: voting.observed.clone(),
        exit: config.exit.clone(),
    };
    let mut factory = ConsensusFactory {
        settings: settings(config, shared),
        key: config.key.clone(),
        history,
        logs,
        reach,
        accept_unknown_history: config.accept_unknown_history,
    };
    seat.fill(move || factory.make()).probed_with(&voting.consensus, Ask, PROBE_DEADLINE)
}

fn settings(config: &VotingConfig, shared: &Shared) -> Settings {
    let parameters = config.genesis.parameters();
    Settings {
        set: shared.set.clone(),
        schedule: shared.schedule.clone(),
        me: config.me,
        genesis: config.genesis.genesis_block_hash(),
        block: BlockLimits {
            proofs_max: parameters.block.proofs_max as usize,
            bytes_max: parameters.block.bytes_max as usize,
        },
        block_size_max: config.block_size_max.min(parameters.block.proofs_max as usize),
        idle_block_interval: config.pace.idle_block_interval,
        clock_tolerance: Millis(parameters.clock_tolerance_ms.0),
        log_records_max: LOG_RECORDS_MAX,
    }
}

/// Makes each incarnation of consensus, from the database and the vote log.
struct ConsensusFactory {
    settings: Settings,
    key: SigningKey,
    history: HistoryReader,
    logs: VoteLogs,
    reach: Reach,
    accept_unknown_history: bool,
}

impl ConsensusFactory {
    fn make(&mut self) -> Result<ConsensusActor, StartError> {
        let began = Instant::now();
        let (base, branch) = (self.history)()?;
        let history_read = began.elapsed();
        let opened = self.logs.open().map_err(|error| StartError::fatal(error.exit_code(), error))?;
        let log_read = began.elapsed();
        let Opened { log, records, reconnect } = opened;
        // What peers said in the sessions so far is not about the votes that this log lacks.
        let all_over = if reconnect { (self.reach.links.reconnect)() } else { SessionNumber::default() };
        let clock = Clock::start();
        let (count, bytes) = (records.len(), log.lock().bytes());
        let signer = Box::new(self.key.clone());
        let recovered = Consensus::recover(self.settings.clone(), signer, branch, base, records, clock.now());
        tracing::debug!(records = count, bytes, ?history_read, ?log_read, recovered = ?began.elapsed(), "consensus knows its past");
        if self.accept_unknown_history {
            _ = self.reach.routes.consensus.send(Step::Input(Input::AcceptUnknownHistory));
        }
        Ok(ConsensusActor::new(recovered, log, all_over, self.reach.clone(), clock))
    }
}
