//! Joins what stands on the way of a proof: mempool, verifier pool and state.
//!
//! The three share one arbiter. They are reserved before the vote path is prepared, which is given the ways to them, and
//! filled after it, whose ways they are given.

use crate::config::MempoolConfig;
use crate::exit_code::unless_replaced;
use crate::mempool::{Held, MempoolActor, MempoolSettings, TellFigures};
use crate::outlet::Outlet;
use crate::published::Published;
use crate::routes::Routes;
use crate::state::{Database, LedgerNow, Standing, StateActor, StateSettings, Waiting};
use crate::supervision::{ExitHook, Handle, Intensity, OnBlock, Seat, Spec, Supervisor, Thread, reserve};
use crate::verifier_pool::{
    Accuracy, Backlog, Explanations, ReportOf, Verdicts, VerifierPool, VerifierPoolActor, VerifierPoolSettings,
};
use crate::voting::{PROBE_DEADLINE, Voting};
use protocol::genesis::Genesis;
use protocol::mempool::Limits;
use protocol::types::{Hash, Sequence, ValidatorIndex};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Restarts within the window that the actors that hold, check and keep proofs may have together.
pub const PROOFS_INTENSITY: Intensity = Intensity { restarts_max: 15, window: Duration::from_secs(10) };
/// Checks that the mempool keeps under way for each worker: the next is at hand when one ends.
const CHECKS_PER_WORKER: usize = 2;

/// What the proof path is made from; all of it outlives the actors.
#[derive(Clone)]
pub struct ProofsConfig {
    pub genesis: Arc<Genesis>,
    pub mempool: MempoolConfig,
    pub database: Arc<Database>,
    pub pool: Arc<VerifierPool>,
    pub exit: ExitHook,
}

/// The actors of the proof path.
#[derive(Clone)]
pub struct Proofs {
    pub mempool: Handle<MempoolActor>,
    pub verifier_pool: Handle<VerifierPoolActor>,
    pub state: Handle<StateActor>,
    /// The last final sequence.
    pub heads: watch::Receiver<Sequence>,
    /// How often this validator's own checks agree with what becomes final.
    pub accuracy: Arc<Accuracy>,
    pub figures: Figures,
}

/// What these actors publish for others to read.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub mempool: Arc<Published<Held>>,
    pub verifier_pool: Arc<Published<Backlog>>,
    pub state: Arc<Published<Arc<Standing>>>,
}

/// Handles that can be sent to, and actors that are still to be made.
pub struct Seats {
    mempool: (Handle<MempoolActor>, Seat<MempoolActor>),
    verifier_pool: (Handle<VerifierPoolActor>, Seat<VerifierPoolActor>),
    state: (Handle<StateActor>, Seat<StateActor>),
    waiting: Waiting,
}

impl Seats {
    pub fn reserve() -> Seats {
        let work = Thread::new("work", OnBlock::Replace);
        let spec = |name| Spec::new(name).on_thread(work.clone());
        Seats {
            mempool: reserve(spec("mempool")),
            verifier_pool: reserve(spec("verifier_pool")),
            state: reserve(spec("state")),
            waiting: Waiting::default(),
        }
    }

    /// The ways to these three, and to nobody else.
    pub fn routes(&self, me: ValidatorIndex) -> Routes {
        Routes {
            mempool: Outlet::to(&self.mempool.0),
            verifier_pool: Outlet::to(&self.verifier_pool.0),
            state: self.waiting.before(&self.state.0),
            ..Routes::nowhere(me)
        }
    }

    /// Prepares the actors and starts none.
    pub fn fill(self, config: ProofsConfig, voting: &Voting) -> (Proofs, Supervisor) {
        let (heads, seen) = watch::channel(Sequence(0));
        let verdicts = Arc::new(Verdicts::default());
        let proofs = Proofs {
            mempool: self.mempool.0,
            verifier_pool: self.verifier_pool.0,
            state: self.state.0,
            heads: seen,
            accuracy: Arc::new(Accuracy::new(verdicts.clone())),
            figures: Figures::default(),
        };
        let pool = verifier_pool_settings(&config, voting, &proofs, verdicts.clone());
        let mempool = mempool_settings(&config, voting, &proofs, verdicts);
        let state = state_settings(config, voting, &proofs, self.waiting, heads);
        let pool = self.verifier_pool.1.fill(move || Ok(VerifierPoolActor::new(pool.clone())));
        let mempool = self.mempool.1.fill(move || MempoolActor::new(mempool.clone()));
        let state = self.state.1.fill(move || StateActor::new(state.clone()));
        let Intensity { restarts_max, window } = PROOFS_INTENSITY;
        // In the order in which they need each other: who checks, who holds proofs, who writes.
        let supervisor = Supervisor::new("proofs")
            .intensity(restarts_max, window)
            .child(pool.probed_with(&proofs.verifier_pool, ReportOf(Hash::ZERO), PROBE_DEADLINE))
            .child(mempool.probed_with(&proofs.mempool, TellFigures, PROBE_DEADLINE))
            .child(state.probed_with(&proofs.state, LedgerNow, PROBE_DEADLINE));
        (proofs, supervisor)
    }
}

fn verifier_pool_settings(
    config: &ProofsConfig,
    voting: &Voting,
    proofs: &Proofs,
    verdicts: Arc<Verdicts>,
) -> VerifierPoolSettings {
    VerifierPoolSettings {
        pool: config.pool.clone(),
        verdicts,
        explanations: Arc::new(Explanations::default()),
        accuracy: proofs.accuracy.clone(),
        published: proofs.figures.verifier_pool.clone(),
        parameters: config.genesis.parameters().verifier,
        routes: voting.routes.clone(),
    }
}

fn mempool_settings(
    config: &ProofsConfig,
    voting: &Voting,
    proofs: &Proofs,
    verdicts: Arc<Verdicts>,
) -> MempoolSettings {
    MempoolSettings {
        me: voting.routes.me,
        chain: config.genesis.chain_id(),
        parameters: config.genesis.parameters().verifier,
        limits: limits(config),
        store: config.database.clone(),
        verdicts,
        routes: voting.routes.clone(),
        links: voting.links.clone(),
        published: proofs.figures.mempool.clone(),
        exit: unless_replaced(config.exit.clone()),
    }
}

fn limits(config: &ProofsConfig) -> Limits {
    let checks_max = config.pool.workers() * CHECKS_PER_WORKER;
    Limits::new(config.mempool.proofs_max as usize, config.mempool.bytes_max, checks_max)
        .shared_by(config.genesis.validators().len(), config.genesis.parameters().verifier.script_bytes_max)
}

fn state_settings(
    config: ProofsConfig,
    voting: &Voting,
    proofs: &Proofs,
    waiting: Waiting,
    heads: watch::Sender<Sequence>,
) -> StateSettings {
    StateSettings {
        set: Arc::new(config.genesis.validator_set()),
        database: config.database,
        waiting,
        genesis: config.genesis,
        routes: voting.routes.clone(),
        links: voting.links.clone(),
        heads: Arc::new(heads),
        accuracy: proofs.accuracy.clone(),
        published: proofs.figures.state.clone(),
        exit: unless_replaced(config.exit),
    }
}
