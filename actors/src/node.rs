//! One validator, whole: every actor started in an order in which none misses another.
//!
//! Handles are reserved first, so that actors that know each other can be built in any order. What is costly to make
//! again (database, worker processes, sessions) is made here and outlives the actors that use it.

use crate::config::NodeConfig;
use crate::consensus::{Ask, Snapshot};
use crate::exit_code::unless_replaced;
use crate::mempool::{MempoolActor, MempoolSettings, TellFigures};
use crate::network::NetworkError;
use crate::outlet::Outlet;
use crate::routes::Routes;
use crate::scrape::{Figures, Sources};
use crate::state::{self, Below, Database, LedgerNow, StateActor, StateSettings, Waiting};
use crate::storage::vote_log::mark_path;
use crate::supervision::{
    Child, ExitHook, Handle, Intensity, OnBlock, Seat, Spec, StartError, Supervisor, Thread, Tree, reserve,
};
use crate::tap::Observed;
use crate::verifier_pool::{
    Accuracy, Explanations, ReportOf, Verdicts, VerifierPool, VerifierPoolActor, VerifierPoolSettings,
};
use crate::voting::{self, HistoryReader, PROBE_DEADLINE, Voting, VotingConfig, VotingParts};
use ed25519_dalek::SigningKey;
use protocol::genesis::Genesis;
use protocol::ledger::Branch;
use protocol::mempool::Limits;
use protocol::pacemaker::PacemakerSettings;
use protocol::types::{Hash, Sequence};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long people wait for an actor's answer.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(2);
/// Checks that the mempool keeps under way for each worker: the next is at hand when one ends.
const CHECKS_PER_WORKER: usize = 2;

/// Restarts within the window that a whole validator may have: one more, and the process ends with exit code 70.
pub const TREE_INTENSITY: Intensity = Intensity { restarts_max: 20, window: Duration::from_secs(10) };
/// Of the actors that hold, check and keep proofs, together.
pub const PROOFS_INTENSITY: Intensity = Intensity { restarts_max: 15, window: Duration::from_secs(10) };

/// What a node is made from; everything was opened and checked by the caller.
pub struct NodeParts {
    pub genesis: Arc<Genesis>,
    pub config: NodeConfig,
    pub key: SigningKey,
    pub database: Arc<Database>,
    pub pool: Arc<VerifierPool>,
    pub accept_unknown_history: bool,
    pub exit: ExitHook,
}

/// The running actors of one validator.
pub struct Node {
    pub genesis: Arc<Genesis>,
    pub config: NodeConfig,
    pub voting: Voting,
    pub mempool: Handle<MempoolActor>,
    pub verifier_pool: Handle<VerifierPoolActor>,
    pub state: Handle<StateActor>,
    /// The last final sequence.
    pub heads: watch::Receiver<Sequence>,
    /// What consensus was seen to do since the start.
    pub observed: Arc<Observed>,
    pub database: Arc<Database>,
    pub verdicts: Arc<Verdicts>,
    /// How often its own checks agree with what becomes final.
    pub accuracy: Arc<Accuracy>,
    /// What parts publish for others to read.
    pub figures: Figures,
    pub pool: Arc<VerifierPool>,
    /// The supervision tree.
    pub tree: Tree,
}

impl Node {
    /// Starts every actor. Must run in an actix system; sessions run on its arbiter.
    ///
    /// # Errors
    /// If the port cannot be taken, or the key is not this validator's.
    pub fn start(parts: NodeParts) -> Result<Node, NetworkError> {
        let NodeParts { genesis, config, key, database, pool, accept_unknown_history, exit } = parts;
        let work = Thread::new("work", OnBlock::Replace);
        let spec = |name| Spec::new(name).on_thread(work.clone());
        let (mempool, mempool_seat) = reserve::<MempoolActor>(spec("mempool"));
        let (verifier_pool, verifier_seat) = reserve::<VerifierPoolActor>(spec("verifier_pool"));
        let (state, state_seat) = reserve::<StateActor>(spec("state"));

        let waiting = Waiting::default();
        let routes = Routes {
            mempool: Outlet::to(&mempool),
            verifier_pool: Outlet::to(&verifier_pool),
            state: waiting.before(&state),
            ..Routes::nowhere(config.index)
        };
        let voting_config = voting_config(&genesis, &config, key, accept_unknown_history, exit.clone());
        let history = history(&genesis, &database);
        let VotingParts { voting, peers, votes } =
            voting::prepare(voting_config, routes, history, &voting::votes_thread())?;

        let observed = voting.observed.clone();
        let verdicts = Arc::new(Verdicts::default());
        let accuracy = Arc::new(Accuracy::new(verdicts.clone()));
        let figures = Figures::default();
        let (heads, seen) = watch::channel(Sequence(0));
        let settings = VerifierPoolSettings {
            pool: pool.clone(),
            verdicts: verdicts.clone(),
            explanations: Arc::new(Explanations::default()),
            accuracy: accuracy.clone(),
            published: figures.verifier_pool.clone(),
            parameters: genesis.parameters().verifier,
            routes: voting.routes.clone(),
        };
        let verifier_pool_child = verifier_pool_child(verifier_seat, &verifier_pool, settings);
        let settings = MempoolSettings {
            me: config.index,
            chain: genesis.chain_id(),
            parameters: genesis.parameters().verifier,
            limits: limits(&genesis, &config, pool.workers()),
            store: database.clone(),
            verdicts: verdicts.clone(),
            routes: voting.routes.clone(),
            links: voting.links.clone(),
            published: figures.mempool.clone(),
            exit: unless_replaced(exit.clone()),
        };
        let mempool_child = mempool_child(mempool_seat, &mempool, settings);
        let settings = StateSettings {
            database: database.clone(),
            waiting,
            set: Arc::new(genesis.validator_set()),
            genesis: genesis.clone(),
            routes: voting.routes.clone(),
            links: voting.links.clone(),
            heads: Arc::new(heads),
            accuracy: accuracy.clone(),
            published: figures.state.clone(),
            exit: unless_replaced(exit.clone()),
        };
        let state_child = state_child(state_seat, &state, settings);
        // Started before those that need them: who checks, who holds proofs, who writes; then who votes; then who connects.
        let proofs = Supervisor::new("proofs")
            .intensity(PROOFS_INTENSITY.restarts_max, PROOFS_INTENSITY.window)
            .child(verifier_pool_child)
            .child(mempool_child)
            .child(state_child);
        let tree = Supervisor::new("validator")
            .intensity(TREE_INTENSITY.restarts_max, TREE_INTENSITY.window)
            .supervisor(proofs)
            .supervisor(votes)
            .child(peers)
            .start(exit)
            .expect("names are different and every back-off can reach its limit, as a test shows");

        Ok(Node {
            genesis,
            config,
            voting,
            mempool,
            verifier_pool,
            state,
            heads: seen,
            observed,
            database,
            verdicts,
            accuracy,
            figures,
            pool,
            tree,
        })
    }

    /// Where a page of metrics looks.
    pub fn sources(&self) -> Sources {
        let (tree, network) = (self.tree.clone(), self.voting.network.clone());
        // Whoever looks does not keep the workers alive.
        let pool = Arc::downgrade(&self.pool);
        Sources {
            genesis: self.genesis.clone(),
            me: self.config.index,
            data_dir: self.config.data_dir.clone(),
            solver: self.pool.hello().solver.clone(),
            tree: Arc::new(move || tree.report()),
            peers: Arc::new(move || network.peers()),
            workers: Arc::new(move || pool.upgrade().map(|pool| pool.report()).unwrap_or_default()),
            observed: self.observed.clone(),
            accuracy: self.accuracy.clone(),
            figures: self.figures.clone(),
        }
    }

    /// Where consensus is, if it answers.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        self.voting.consensus.ask(Ask, ANSWER_DEADLINE).await.ok()
    }

    /// Whether validators that with this one are a quorum have a session with it.
    pub fn is_quorum_connected(&self) -> bool {
        let set = self.genesis.validator_set();
        let connected = self.voting.network.sessions().into_iter().map(|session| session.peer);
        set.is_quorum(set.stake_of(connected.chain([self.config.index])))
    }

    /// Ends every session, lets none begin, and stops the actors in reverse order of their start. Everything that was
    /// promised is durable already.
    pub async fn stop(&self) {
        self.voting.network.close();
        self.tree.stop().await;
    }
}

fn voting_config(
    genesis: &Arc<Genesis>,
    config: &NodeConfig,
    key: SigningKey,
    accept_unknown_history: bool,
    exit: ExitHook,
) -> VotingConfig {
    let peers = config.network.bootstrap_peers.iter();
    let addresses = peers.filter_map(|peer| Some((genesis.index_of(&peer.node_id)?, peer.address.to_string())));
    VotingConfig {
        me: config.index,
        key,
        listen: config.network.listen,
        addresses: addresses.collect(),
        data_dir: config.data_dir.clone(),
        mark: mark_path(&config.key_file, &genesis.chain_id()),
        block_size_max: config.consensus.block_size_max as usize,
        pace: PacemakerSettings {
            timeout_max: config.consensus.timeout,
            view_change_timeout: config.consensus.view_change_timeout,
            idle_block_interval: config.consensus.idle_block_interval,
        },
        accept_unknown_history,
        exit,
        genesis: genesis.clone(),
    }
}

fn limits(genesis: &Genesis, config: &NodeConfig, workers: usize) -> Limits {
    let proofs_max = config.mempool.proofs_max as usize;
    Limits::new(proofs_max, config.mempool.bytes_max, workers * CHECKS_PER_WORKER)
        .shared_by(genesis.validators().len(), genesis.parameters().verifier.script_bytes_max)
}

fn verifier_pool_child(
    seat: Seat<VerifierPoolActor>,
    handle: &Handle<VerifierPoolActor>,
    settings: VerifierPoolSettings,
) -> Child {
    let asked = handle.clone();
    seat.fill(move || Ok(VerifierPoolActor::new(settings.clone()))).probed_by(move || {
        let pool = asked.clone();
        async move { pool.ask(ReportOf(Hash::ZERO), PROBE_DEADLINE).await.is_ok() }
    })
}

fn mempool_child(seat: Seat<MempoolActor>, handle: &Handle<MempoolActor>, settings: MempoolSettings) -> Child {
    let asked = handle.clone();
    seat.fill(move || MempoolActor::new(settings.clone())).probed_by(move || {
        let mempool = asked.clone();
        async move { mempool.ask(TellFigures, PROBE_DEADLINE).await.is_ok() }
    })
}

fn state_child(seat: Seat<StateActor>, handle: &Handle<StateActor>, settings: StateSettings) -> Child {
    let asked = handle.clone();
    seat.fill(move || StateActor::new(settings.clone())).probed_by(move || {
        let state = asked.clone();
        async move { state.ask(LedgerNow, PROBE_DEADLINE).await.is_ok() }
    })
}

fn history(genesis: &Arc<Genesis>, database: &Arc<Database>) -> HistoryReader {
    let (genesis, database) = (genesis.clone(), database.clone());
    Arc::new(move || {
        let base = state::base(&database, &genesis).map_err(|error| StartError::fatal(error.exit_code(), error))?;
        let below = Below::new(database.clone(), base.ledger.sequence());
        Ok((base, Box::new(below) as Box<dyn Branch + Send>))
    })
}
