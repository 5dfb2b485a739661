//! One validator, whole: the vote path and the proof path in one tree, every actor started in an order in which none misses
//! another.
//!
//! Handles are reserved first, so that actors that know each other can be built in any order. What is costly to make
//! again (database, worker processes, sessions) is made here and outlives the actors that use it.

use crate::config::NodeConfig;
use crate::consensus::{Ask, Snapshot};
use crate::network::NetworkError;
use crate::proofs::{Proofs, ProofsConfig, Seats};
use crate::scrape::Sources;
use crate::state::{self, Database};
use crate::supervision::{ExitHook, Intensity, Supervisor, Tree};
use crate::verifier_pool::VerifierPool;
use crate::voting::{self, Voting, VotingConfig, VotingParts};
use ed25519_dalek::SigningKey;
use protocol::genesis::Genesis;
use std::sync::Arc;
use std::time::Duration;

/// How long people wait for an actor's answer.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// Restarts within the window that a whole validator may have: one more, and the process ends with exit code 70.
pub const TREE_INTENSITY: Intensity = Intensity { restarts_max: 20, window: Duration::from_secs(10) };

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
    pub proofs: Proofs,
    pub database: Arc<Database>,
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
        let seats = Seats::reserve();
        let voting_config = VotingConfig::of(&genesis, &config, key, accept_unknown_history, exit.clone());
        let history = Arc::new(state::history(genesis.clone(), database.clone()));
        let routes = seats.routes(config.index);
        let VotingParts { voting, peers, votes } =
            voting::prepare(voting_config, routes, history, &voting::votes_thread())?;
        let proofs_config = ProofsConfig {
            genesis: genesis.clone(),
            mempool: config.mempool,
            database: database.clone(),
            pool: pool.clone(),
            exit: exit.clone(),
        };
        let (proofs, proofs_supervisor) = seats.fill(proofs_config, &voting);
        // First those whom others need; then those that vote; then the one that connects.
        let tree = Supervisor::new("validator")
            .intensity(TREE_INTENSITY.restarts_max, TREE_INTENSITY.window)
            .supervisor(proofs_supervisor)
            .supervisor(votes)
            .child(peers)
            .start(exit)
            .expect("names are different and every back-off can reach its limit, as a test shows");
        Ok(Node { genesis, config, voting, proofs, database, pool, tree })
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
            observed: self.voting.observed.clone(),
            accuracy: self.proofs.accuracy.clone(),
            figures: self.proofs.figures.clone(),
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
