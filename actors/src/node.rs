//! One validator, whole: every actor started in an order in which none misses another.
//!
//! Handles are reserved first, so that actors that know each other can be built in any order. What is costly to make
//! again (database, worker processes, sessions) is made here and outlives the actors that use it.

use crate::config::NodeConfig;
use crate::consensus::{Ask, Finalized, Needed, Observed, RefusedByOthers, ServeBlocks, Snapshot, Step};
use crate::fault_points::{self, Point};
use crate::mempool::{
    ConsensusRebuilt, MempoolActor, MempoolSettings, Need, PeerSaid, RefusedByWords, Session as MempoolSession,
    TellFigures,
};
use crate::metrics::{Published, Sources};
use crate::network::{Accuse, Network, NetworkError};
use crate::outlet::Outlet;
use crate::state::{self, Apply, ApplyWaiting, Below, Database, LedgerNow, Serve, StateActor, StateSettings, Waiting};
use crate::storage::vote_log::mark_path;
use crate::supervision::{
    Exit, ExitHook, Handle, Intensity, OnBlock, Spec, StartError, Supervisor, Thread, Tree, is_fenced, reserve,
};
use crate::verifier_pool::{
    Accuracy, Explanations, Judged, Rebuilt, ReportOf, Verdicts, VerifierPool, VerifierPoolActor, VerifierPoolSettings,
};
use crate::view_change::Session;
use crate::voting::{self, Duties, HistoryReader, PROBE_DEADLINE, Voting, VotingConfig, VotingParts, outlet_of};
use ed25519_dalek::SigningKey;
use protocol::consensus::events::Input;
use protocol::genesis::Genesis;
use protocol::ledger::Branch;
use protocol::mempool::Limits;
use protocol::message::Message as PeerMessage;
use protocol::pacemaker::PacemakerSettings;
use protocol::types::{Hash, Sequence, ValidatorIndex};
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
    /// What actors publish for others to read.
    pub published: Arc<Published>,
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
        let duties = duties(&mempool, &state, &waiting, history(&genesis, &database));
        let voting_config = voting_config(&genesis, &config, key, accept_unknown_history, exit.clone());
        let VotingParts { voting, peers, votes } = voting::prepare(voting_config, duties, &voting::votes_thread())?;

        let observed = voting.observed.clone();
        let verdicts = Arc::new(Verdicts::default());
        let accuracy = Arc::new(Accuracy::new(verdicts.clone()));
        let published = Arc::<Published>::default();
        let workers = pool.workers();
        let settings = VerifierPoolSettings {
            pool: pool.clone(),
            verdicts: verdicts.clone(),
            explanations: Arc::new(Explanations::default()),
            accuracy: accuracy.clone(),
            published: published.clone(),
            parameters: genesis.parameters().verifier,
            judged: judged(config.index, &mempool),
            rebuilt: outlet_of::<_, Rebuilt>(&mempool),
        };
        let asked = verifier_pool.clone();
        let verifier_pool_child =
            verifier_seat.fill(move || Ok(VerifierPoolActor::new(settings.clone()))).probed_by(move || {
                let pool = asked.clone();
                async move { pool.ask(ReportOf(Hash::ZERO), PROBE_DEADLINE).await.is_ok() }
            });

        let end = end_of(exit.clone());
        let proofs_max = config.mempool.proofs_max as usize;
        let settings = MempoolSettings {
            me: config.index,
            chain: genesis.chain_id(),
            parameters: genesis.parameters().verifier,
            limits: Limits::new(proofs_max, config.mempool.bytes_max, workers * CHECKS_PER_WORKER)
                .shared_by(genesis.validators().len(), genesis.parameters().verifier.script_bytes_max),
            store: database.clone(),
            verifier: verifier_pool.clone(),
            verdicts: verdicts.clone(),
            consensus: inputs(&voting),
            network: sender(&voting.network),
            sessions: sessions(&voting.network),
            accuse: accuser(&voting.network),
            published: published.clone(),
            exit: end.clone(),
        };
        let asked = mempool.clone();
        let mempool_child = mempool_seat.fill(move || MempoolActor::new(settings.clone())).probed_by(move || {
            let mempool = asked.clone();
            async move { mempool.ask(TellFigures, PROBE_DEADLINE).await.is_ok() }
        });

        let (heads, seen) = watch::channel(Sequence(0));
        let settings = StateSettings {
            database: database.clone(),
            waiting,
            set: Arc::new(genesis.validator_set()),
            genesis: genesis.clone(),
            mempool: mempool.clone(),
            consensus: applied(config.index, &voting),
            network: sender(&voting.network),
            heads: Arc::new(heads),
            accuracy: accuracy.clone(),
            published: published.clone(),
            exit: end,
        };
        let asked = state.clone();
        let state_child = state_seat.fill(move || StateActor::new(settings.clone())).probed_by(move || {
            let state = asked.clone();
            async move { state.ask(LedgerNow, PROBE_DEADLINE).await.is_ok() }
        });
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
            published,
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
            published: self.published.clone(),
        }
    }

    /// Where consensus is, if it answers.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        self.voting.consensus.ask(Ask, ANSWER_DEADLINE).await.ok()
    }

    /// Whether validators that with this one are a quorum have a session with it.
    pub fn is_quorum_connected(&self) -> bool {
        let set = self.genesis.validator_set();
        let connected = sessions(&self.voting.network)();
        set.is_quorum(set.stake_of(connected.into_iter().chain([self.config.index])))
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

/// What consensus tells, in the words of who takes it.
fn duties(
    mempool: &Handle<MempoolActor>,
    state: &Handle<StateActor>,
    waiting: &Waiting,
    history: HistoryReader,
) -> Duties {
    let (waiting, apply, serve) = (waiting.clone(), outlet_of::<_, ApplyWaiting>(state), outlet_of::<_, Serve>(state));
    let rebuilt = outlet_of::<_, ConsensusRebuilt>(mempool);
    let (need, refused) = (outlet_of::<_, Need>(mempool), outlet_of::<_, RefusedByWords>(mempool));
    let (said, session) = (outlet_of::<_, PeerSaid>(mempool), outlet_of::<_, MempoolSession>(mempool));
    Duties {
        state: Outlet::new(move |Finalized { blocks, commit }| {
            let kept = waiting.push(Apply { blocks: blocks.clone(), commit: commit.clone() });
            // One that is being made anew looks by itself.
            _ = apply.send(ApplyWaiting);
            kept.err().map(|_| Finalized { blocks, commit })
        }),
        rebuilt: Outlet::new(move |told| rebuilt.send(ConsensusRebuilt).err().map(|_| told)),
        serve: Outlet::new(move |asked: ServeBlocks| {
            serve.send(Serve { to: asked.to, above: asked.above }).err().map(|_| asked)
        }),
        needed: Outlet::new(move |Needed { proofs, from }| {
            need.send(Need { proofs, from }).err().map(|Need { proofs, from }| Needed { proofs, from })
        }),
        refused: Outlet::new(move |RefusedByOthers { proof, words }| {
            let back = |RefusedByWords { proof, words }| RefusedByOthers { proof, words };
            refused.send(RefusedByWords { proof, words }).err().map(back)
        }),
        // Not taken, it is lost: peers tell it again.
        gossip: Outlet::new(move |(from, message): (ValidatorIndex, protocol::verify::Verified<PeerMessage>)| {
            _ = said.send(PeerSaid { from, message: message.into_inner() });
            None
        }),
        session: Outlet::new(move |change: Session| {
            let (peer, open) = match change {
                Session::Opened(peer) => (peer, true),
                Session::Closed(peer) => (peer, false),
            };
            session.send(MempoolSession { peer, open }).err().map(|_| change)
        }),
        history,
    }
}

fn history(genesis: &Arc<Genesis>, database: &Arc<Database>) -> HistoryReader {
    let (genesis, database) = (genesis.clone(), database.clone());
    Arc::new(move || {
        let base = state::base(&database, &genesis).map_err(|error| StartError::fatal(error.exit_code(), error))?;
        let below = Below::new(database.clone(), base.ledger.sequence());
        Ok((base, Box::new(below) as Box<dyn Branch + Send>))
    })
}

fn inputs(voting: &Voting) -> Outlet<Input> {
    let consensus = outlet_of::<_, Step>(&voting.consensus);
    Outlet::new(move |input| consensus.send(Step(input)).err().map(|Step(input)| input))
}

/// As [`inputs`], for the state, which only tells what it has applied.
fn applied(me: ValidatorIndex, voting: &Voting) -> Outlet<Input> {
    let inputs = inputs(voting);
    Outlet::new(move |input| {
        fault_points::reach(me, Point::Applied);
        inputs.send(input).err()
    })
}

type End = Arc<dyn Fn(i32, String) + Send + Sync>;

/// Ends the process, for the actors that use the database. A replaced incarnation is not answered by the database, and must not
/// take that for the disk's failure.
fn end_of(hook: ExitHook) -> End {
    Arc::new(move |code, reason| {
        if !is_fenced() {
            hook(&Exit { code, reason });
        }
    })
}

fn judged(me: ValidatorIndex, mempool: &Handle<MempoolActor>) -> Outlet<Judged> {
    let mempool = outlet_of::<_, Judged>(mempool);
    Outlet::new(move |judged| {
        fault_points::reach(me, Point::Checked);
        mempool.send(judged).err()
    })
}

fn sender(network: &Arc<Network<PeerMessage>>) -> Outlet<(ValidatorIndex, PeerMessage)> {
    let network = network.clone();
    Outlet::new(move |(to, message): (ValidatorIndex, PeerMessage)| {
        // What an actor says that was given up counts for nothing.
        if is_fenced() {
            return None;
        }
        match network.send(to, &message) {
            Ok(true) => None,
            Ok(false) => Some((to, message)),
            Err(error) => {
                tracing::error!(%error, "a message of our own cannot be sent");
                None
            }
        }
    })
}

fn accuser(network: &Arc<Network<PeerMessage>>) -> Accuse {
    let network = network.clone();
    Arc::new(move |peer, fault| network.accuse(peer, fault))
}

fn sessions(network: &Arc<Network<PeerMessage>>) -> Arc<dyn Fn() -> Vec<ValidatorIndex> + Send + Sync> {
    let network = network.clone();
    Arc::new(move || {
        let others = network.roster().others().map(|(index, _)| index);
        others.filter(|index| network.is_connected(*index)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    struct Worker;

    impl actix::Actor for Worker {
        type Context = actix::Context<Self>;
    }

    #[derive(actix::Message)]
    #[rtype(result = "()")]
    struct Run(Box<dyn FnOnce() + Send>);

    impl actix::Handler<Run> for Worker {
        type Result = ();

        fn handle(&mut self, run: Run, _: &mut actix::Context<Self>) {
            (run.0)();
        }
    }

    /// Seen on a starved machine: *the database was closed*, exit code 70.
    #[test]
    fn a_replaced_incarnation_does_not_end_the_process() {
        actix::System::new().block_on(async {
            let thread = Thread::new("work", OnBlock::Replace).deadline(Duration::from_millis(100));
            let (worker, seat) = reserve::<Worker>(Spec::new("worker").on_thread(thread));
            let tree = Supervisor::new("root").child(seat.fill(|| Ok(Worker))).start(Arc::new(|_: &Exit| {})).unwrap();
            let ended = Arc::new(Mutex::new(Vec::new()));
            let seen = ended.clone();
            let end = end_of(Arc::new(move |exit: &Exit| seen.lock().push(exit.code)));

            let (of_fenced, (release, held), (done, over)) = (end.clone(), mpsc::channel::<()>(), mpsc::channel());
            let blocked = Run(Box::new(move || {
                _ = held.recv();
                of_fenced(70, "the database was closed".into());
                _ = done.send(());
            }));
            assert!(worker.send(blocked).is_ok());
            // It is the next incarnation that answers.
            worker.ask(Run(Box::new(|| {})), LONG).await.unwrap();
            assert_eq!(worker.report().restarts.total(), 1);
            release.send(()).unwrap();
            over.recv_timeout(LONG).unwrap();
            assert_eq!(*ended.lock(), [] as [i32; 0]);
            worker.ask(Run(Box::new(move || end(4, "the disk failed".into()))), LONG).await.unwrap();
            assert_eq!(*ended.lock(), [4], "one that serves does");
            tree.stop().await;
        });
    }
}
