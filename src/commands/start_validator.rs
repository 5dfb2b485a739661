//! `pop start-validator`: one validator, in the foreground, until Ctrl-C or SIGTERM.

use crate::api;
use crate::args::whole;
use crate::exit::{Exit, Failure, Outcome};
use crate::logging;
use crate::say;
use crate::watchdog::{self, Watchdog};
use actix::{Arbiter, System};
use actors::config::{self, Flags, NodeConfig};
use actors::consensus::Ask;
use actors::exit_code;
use actors::network::NetworkError;
use actors::node::{ANSWER_DEADLINE, Node, NodeParts};
use actors::scrape::Page;
use actors::state::{Database, DatabaseError};
use actors::storage::last_exit::{LastExit, LastRun};
use actors::storage::{files, genesis_file};
use actors::supervision;
use actors::verifier_pool::{PoolConfig, VerifierPool, program_beside_this_one};
use metrics_exporter_prometheus::PrometheusHandle;
use protocol::genesis::Genesis;
use protocol::types::{NodeId, Stake};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// The status is printed after this long, with the peers that there are.
const QUORUM_AWAITED: Duration = Duration::from_secs(3);
/// How long requests under way may take when the node stops.
const GRACE: Duration = Duration::from_millis(500);
/// Everybody tells its status every 500 ms.
const STATUSES_HEARD: Duration = Duration::from_millis(600);
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);
/// The same once the status is printed.
const LOOK_LATER: Duration = Duration::from_millis(250);

/// Start a validator.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The validator's name in the genesis.
    #[arg(long, value_name = "ID")]
    node_id: NodeId,
    /// Its configuration [default: config/<ID>.json, or ports by convention].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The genesis of the network.
    #[arg(long, value_name = "FILE", default_value = "data/genesis_state.json")]
    genesis: PathBuf,
    /// The stake that it validates with, in tokens; it must be the genesis'.
    #[arg(long, value_name = "TOKENS", value_parser = whole, allow_negative_numbers = true)]
    stake: Option<u64>,
    /// Where its data are [default: data/<ID>].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Its private key [default: what its configuration says, else data/keys/<ID>.key].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Sign although this validator's vote log is lost and too few others can report what it signed. It may then sign two
    /// things for one view, which costs a fifth of its stake.
    #[arg(long)]
    risk_double_signing: bool,
    /// Stop when standard input ends: whoever starts validators and is killed leaves none behind.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        logging::start();
        let system = System::new();
        system.block_on(async {
            // Caught from here on: opening the database and starting the workers takes a moment.
            let asked_to_stop = asked_to_stop(self.until_stdin_ends).map_err(Failure::with(Exit::Internal))?;
            let mut record = None;
            let served = match self.parts(&mut record) {
                Ok(begun) => serve(begun, asked_to_stop).await,
                Err(failure) => Err(failure),
            };
            record.iter().for_each(|record| match &served {
                Ok(why) => record.end(Exit::Fine as i32, why),
                Err(failure) => record.end(failure.exit as i32, &failure.message),
            });
            served.map(|_| Exit::Fine)
        })
    }

    /// Opens and checks everything; each failure is an error of its own. The record is this run's as soon as the data directory
    /// is.
    fn parts(&self, mine: &mut Option<Arc<LastExit>>) -> Result<Begun, Failure> {
        let genesis = genesis_file::read(&self.genesis).map_err(Failure::with(Exit::Configuration))?;
        let config = config::load(&self.flags(), &genesis).map_err(Failure::with(Exit::Configuration))?;
        let (key, _) = actors::keys::load_validator(&config.key_file, &config.node_id, &genesis)
            .map_err(Failure::with(Exit::Configuration))?;
        let in_use =
            actors::keys::take(&config.key_file, &config.node_id).map_err(Failure::with(Exit::Configuration))?;
        files::make_directory(&config.data_dir, 0o700).map_err(Failure::with(Exit::Configuration))?;
        let record = Arc::new(LastExit::of(&config.data_dir));
        let ending = Arc::clone(&record);
        let exit: supervision::ExitHook = Arc::new(move |exit: &supervision::Exit| end(&ending, exit));
        let cache = usize::try_from(config.storage.cache_bytes).unwrap_or(usize::MAX);
        let database = Database::open(&config.data_dir, &genesis.chain_id(), cache);
        if database.as_ref().err().is_none_or(is_mine) {
            *mine = Some(Arc::clone(&record));
        }
        let last = mine.as_ref().and_then(|record| record.begin());
        last.iter().for_each(say_last);
        let database = database.map_err(database_failure)?;
        // Before anything is made that counts: what is made earlier counts nowhere.
        let metrics = config.metrics.enabled.then(install_metrics).transpose()?;
        actors::tap::process::last_exit(last.as_ref());
        let pool = start_pool(&config, &genesis)?;
        let parts = NodeParts {
            genesis: Arc::new(genesis),
            config,
            key,
            database: Arc::new(database),
            pool: Arc::new(pool),
            accept_unknown_history: self.risk_double_signing,
            exit,
        };
        // Up to the end of the process, whatever ends it.
        std::mem::forget(in_use);
        Ok(Begun { parts, metrics, record, last })
    }

    fn flags(&self) -> Flags {
        Flags {
            node_id: self.node_id.clone(),
            config: self.config.clone(),
            stake: self.stake.map(Stake),
            data_dir: self.data_dir.clone(),
            key_file: self.key_file.clone(),
        }
    }
}

/// Whether a data directory whose database does not open is this validator's: what belongs to another process, network or
/// program is left as it is.
fn is_mine(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::InUse { .. } | DatabaseError::OtherChain { .. } | DatabaseError::Version { .. } => false,
        DatabaseError::Disk(_)
        | DatabaseError::Internal(_)
        | DatabaseError::Damaged { .. }
        | DatabaseError::Gap { .. } => true,
    }
}

/// A validator that has everything that it needs.
struct Begun {
    parts: NodeParts,
    metrics: Option<PrometheusHandle>,
    record: Arc<LastExit>,
    last: Option<LastRun>,
}

fn say_last(last: &LastRun) {
    let reason = last.reason();
    match last.code() {
        Some(0) => tracing::info!(reason, "the last run ended as it was asked to"),
        Some(code) => tracing::warn!(code, reason, "the last run ended by itself"),
        None => tracing::warn!("the last run {reason}"),
    }
}

fn end(record: &LastExit, supervision::Exit { code, reason }: &supervision::Exit) {
    record.end(*code, reason);
    // In one write: other threads go on printing until the process is gone.
    let line = format!("error: {reason}\n");
    _ = std::io::stderr().write_all(line.as_bytes());
    std::process::exit(*code);
}

fn database_failure(error: DatabaseError) -> Failure {
    let exit = match error.exit_code() {
        exit_code::CONFIGURATION => Exit::Configuration,
        exit_code::DAMAGED => Exit::Damaged,
        _ => Exit::Internal,
    };
    Failure::new(exit, error)
}

/// Starts the workers and compares their solver with the network's: another one counts otherwise.
fn start_pool(config: &NodeConfig, genesis: &Genesis) -> Result<VerifierPool, Failure> {
    let program = program_beside_this_one().map_err(Failure::with(Exit::Internal))?;
    let mut pool = PoolConfig::new(program, genesis.parameters().verifier);
    pool.workers = config.verifier.workers as usize;
    pool.sandbox = config.verifier.sandbox;
    pool.spare = config.verifier.spare;
    pool.observer = Arc::new(actors::tap::verifier::pool_event);
    let pool = VerifierPool::start(pool).map_err(Failure::with(Exit::Configuration))?;
    let (mine, theirs) = (pool.pin(), genesis.parameters().solver_pin);
    if mine != theirs {
        let message = format!(
            "the solver here is {mine}, the genesis pins {theirs}: install the release that the network was made with, \
             or make a new genesis"
        );
        return Err(Failure::new(Exit::Configuration, message));
    }
    Ok(pool)
}

/// Serves until it is asked to stop, and says how.
async fn serve(begun: Begun, asked_to_stop: impl Future<Output = &'static str>) -> Result<&'static str, Failure> {
    let Begun { parts, metrics, record, last } = begun;
    let http = parts.config.http;
    let busy = |error| {
        format!(
            "cannot listen for HTTP on {http}: {error}; stop the process that has the port, or set http.port (docs/CONFIGURATION.md)"
        )
    };
    let listener = api::listen(http).and_then(TcpListener::into_std);
    let listener = listener.map_err(busy).map_err(Failure::with(Exit::Configuration))?;
    let admin = parts.config.admin.enabled.then(|| api::Token::make(&parts.config.data_dir)).transpose();
    let admin = admin.map_err(Failure::with(Exit::Configuration))?;
    say_where(&parts.config, &listener, metrics.is_some());
    let node = Node::start(parts).map_err(network_failure)?;
    let (stopping, stop) = oneshot::channel();
    let page = metrics.map(|exporter| Arc::new(Page::new(node.sources(), exporter)));
    let (_api, serving) = start_api(api_node(&node, page.clone(), admin, last), listener, stop);
    page.into_iter().for_each(|page| drop(actix::spawn(keep_up(page))));
    let _watchdog =
        watchdog::span().map(|span| watch(&node, span, record)).transpose().map_err(Failure::with(Exit::Internal))?;
    let told = async {
        await_quorum(&node).await;
        print_status(&node).await;
        if !signs(&node).await {
            say!("No quorum is connected yet: `pop why --node {}` says who is missing", node.config.node_id);
            await_signing(&node).await;
            say!("A quorum is connected: {} signs from here on", node.config.node_id);
        }
        std::future::pending::<&'static str>().await
    };
    let why = tokio::select! {
        why = asked_to_stop => why,
        why = told => why,
    };
    say!("{why}: stopping");
    watchdog::stopping();
    node.stop().await;
    _ = stopping.send(());
    // Requests under way may end; who waits for a proof is not waited for.
    _ = tokio::time::timeout(GRACE, serving).await;
    say!("Validator node {} has stopped", node.config.node_id);
    Ok(why)
}

/// Signs of life for the service manager, as long as every actor shows its own or is being made anew. What it would end the
/// process for is noted first: afterwards there is no time.
fn watch(node: &Node, span: Duration, record: Arc<LastExit>) -> std::io::Result<Watchdog> {
    let tree = node.tree.clone();
    let mut noted = None;
    Watchdog::start(span, move || {
        let report = tree.report();
        let silent = report.actors().into_iter().find(|actor| !actor.is_alive(span / 2)).map(|actor| actor.name);
        if silent != noted {
            let note = silent.map(|name| format!("{name} did not respond, and the service manager was not notified"));
            record.note(note.as_deref());
            noted = silent;
        }
        silent.is_none()
    })
}

/// Serves HTTP on a thread of its own: whatever its clients do, the sessions with peers have theirs. What comes back is done
/// when the API has ended.
fn start_api(
    node: api::Node,
    listener: std::net::TcpListener,
    stop: oneshot::Receiver<()>,
) -> (Arbiter, oneshot::Receiver<()>) {
    let thread = Arbiter::new();
    thread.spawn_fn(|| supervision::name_this_thread("api"));
    let (ended, end) = oneshot::channel();
    thread.spawn(async move {
        let stop = async move {
            // An error is the sender's end, which is the node's.
            _ = stop.await;
        };
        let served = match TcpListener::from_std(listener) {
            Ok(listener) => api::serve(node, listener, stop).await,
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::error!(%error, "HTTP is not served");
        }
        // Nobody waits for it but who stops the node.
        _ = ended.send(());
    });
    (thread, end)
}

/// Waits until the status is worth printing: a quorum is connected, this validator's history is known, and peers
/// have had time to say where they are, so that view and leader are theirs too. At most [`QUORUM_AWAITED`].
async fn await_quorum(node: &Node) {
    let deadline = Instant::now() + QUORUM_AWAITED;
    let mut settled: Option<Instant> = None;
    while Instant::now() < deadline && settled.is_none_or(|since| since.elapsed() < STATUSES_HEARD) {
        tokio::time::sleep(LOOK).await;
        settled = if signs(node).await { settled.or_else(|| Some(Instant::now())) } else { None };
    }
}

/// Whether a quorum is connected, and this validator's history is known (R12).
async fn signs(node: &Node) -> bool {
    node.is_quorum_connected() && node.snapshot().await.is_some_and(|snapshot| snapshot.unknown_history.is_none())
}

async fn await_signing(node: &Node) {
    while !signs(node).await {
        tokio::time::sleep(LOOK_LATER).await;
    }
}

/// What this is and where it is reached, before anything is waited for.
fn say_where(config: &NodeConfig, listener: &std::net::TcpListener, has_metrics: bool) {
    // The port that it has, also where any free one was asked for.
    let http = listener.local_addr().unwrap_or(config.http);
    say!("pop {}: validator {}", env!("CARGO_PKG_VERSION"), config.node_id);
    say!("  Data:    {}", config.data_dir.display());
    say!("  Peers:   {}", config.network.listen);
    say!("  API:     http://{http}/v1/status");
    say!("  Page:    http://{http}/");
    say!("  Metrics: {}", if has_metrics { format!("http://{http}/metrics") } else { "off".into() });
}

/// What histograms hold is folded now and then, or it would pile up while nobody reads the page.
async fn keep_up(page: Arc<Page>) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        ticks.tick().await;
        page.keep_up();
    }
}

/// Done when somebody asks the validator to stop, with how. Signals are caught from the call on, not only from the first
/// wait.
fn asked_to_stop(until_stdin_ends: bool) -> std::io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "Ctrl-C",
            () = stdin_ended(until_stdin_ends) => "Standard input ended",
        }
    })
}

/// Done when standard input is at its end; never, if that is of no concern. A blocked read would keep a runtime from
/// ending, so it has a thread of its own, which ends with the process.
async fn stdin_ended(asked: bool) {
    let (ended, end) = oneshot::channel::<()>();
    if !asked {
        return std::future::pending().await;
    }
    std::thread::spawn(move || {
        _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(ended);
    });
    _ = end.await;
}

/// One recorder for the process; `/metrics` renders it.
fn install_metrics() -> Result<PrometheusHandle, Failure> {
    let recorder = actors::metrics::recorder().map_err(Failure::with(Exit::Internal))?;
    let handle = recorder.install_recorder().map_err(Failure::with(Exit::Internal))?;
    actors::metrics::describe();
    Ok(handle)
}

/// What the API reaches of the node.
fn api_node(
    node: &Node,
    metrics: Option<Arc<Page>>,
    admin: Option<api::Token>,
    last_run: Option<LastRun>,
) -> api::Node {
    let (consensus, network) = (node.voting.consensus.clone(), node.voting.network.clone());
    let tree = node.tree.clone();
    let ask: api::AskConsensus = Arc::new(move || {
        let consensus = consensus.clone();
        Box::pin(async move {
            let silence = consensus.silence();
            if silence > api::SILENCE_MAX {
                return Err(api::Unasked::Hangs(silence));
            }
            Ok(consensus.ask(Ask, ANSWER_DEADLINE).await?)
        })
    });
    api::Node {
        genesis: node.genesis.clone(),
        me: node.config.index,
        mempool: node.proofs.mempool.clone(),
        state: node.proofs.state.clone(),
        verifier: node.proofs.verifier_pool.clone(),
        consensus: ask,
        peers: Arc::new(move || network.peers()),
        tree,
        admin,
        heads: node.proofs.heads.clone(),
        observed: node.voting.observed.clone(),
        last_run,
        metrics,
    }
}

fn network_failure(error: NetworkError) -> Failure {
    Failure::new(Exit::Configuration, error)
}

async fn print_status(node: &Node) {
    // Without an answer it is about to end, and says why: its vote log could not be opened.
    let Some(snapshot) = node.snapshot().await else {
        tracing::warn!("consensus does not answer");
        return;
    };
    say!("Validator node {} is now running", node.config.node_id);
    let leads = snapshot.leader == node.config.index;
    let connected = node.voting.network.connected();
    let config = &node.config;
    super::status::head(&config.node_id, config.stake, connected, leads, snapshot.view, snapshot.sequence)
        .iter()
        .for_each(|line| say!("{line}"));
    watchdog::ready(&format!("{} runs, with {connected} peers connected", config.node_id));
}
