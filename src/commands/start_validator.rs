//! `pop start-validator`: one validator, in the foreground, until Ctrl-C or SIGTERM.

use crate::api;
use crate::exit::{Exit, Failure, Outcome};
use crate::say;
use actix::System;
use actors::config::{self, Flags, NodeConfig};
use actors::consensus::Ask;
use actors::exit_code;
use actors::network::NetworkError;
use actors::node::{ANSWER_DEADLINE, Node, NodeParts};
use actors::state::{Database, DatabaseError};
use actors::storage::{files, genesis_file};
use actors::supervision;
use actors::verifier_pool::{PoolConfig, VerifierPool, program_beside_this_one};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use protocol::genesis::Genesis;
use protocol::types::{NodeId, Stake};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The status is printed after this long, with the peers that there are.
const QUORUM_AWAITED: Duration = Duration::from_secs(3);
/// How long requests under way may take when the node stops.
const GRACE: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(20);

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
    #[arg(long, value_name = "TOKENS")]
    stake: Option<u64>,
    /// Where its data are [default: data/<ID>].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Sign although this validator's vote log is lost and too few others can tell what it signed. It may then sign two
    /// things for one view, which costs a fifth of its stake.
    #[arg(long)]
    risk_double_signing: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        start_logging();
        let parts = self.parts()?;
        let system = System::new();
        system.block_on(serve(parts))
    }

    /// Opens and checks everything; each failure is an error of its own.
    fn parts(&self) -> Result<NodeParts, Failure> {
        let genesis = genesis_file::read(&self.genesis).map_err(Failure::with(Exit::Configuration))?;
        let flags = Flags {
            node_id: self.node_id.clone(),
            config: self.config.clone(),
            stake: self.stake.map(Stake),
            data_dir: self.data_dir.clone(),
        };
        let config = config::load(&flags, &genesis).map_err(Failure::with(Exit::Configuration))?;
        let (key, _) = actors::keys::load_validator(&config.key_file, &config.node_id, &genesis)
            .map_err(Failure::with(Exit::Configuration))?;
        files::make_directory(&config.data_dir, 0o700).map_err(Failure::with(Exit::Configuration))?;
        let end = Arc::new(|code, reason: String| end(code, &reason));
        let cache = usize::try_from(config.storage.cache_bytes).unwrap_or(usize::MAX);
        let database = Database::open(&config.data_dir, &genesis.chain_id(), cache, end).map_err(database_failure)?;
        let pool = start_pool(&config, &genesis)?;
        Ok(NodeParts {
            genesis: Arc::new(genesis),
            config,
            key,
            database: Arc::new(database),
            pool: Arc::new(pool),
            accept_unknown_history: self.risk_double_signing,
            exit: Arc::new(|exit: &supervision::Exit| end_with(exit)),
        })
    }
}

fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A second subscriber in one process would be a fault of a test.
    _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

fn end(code: i32, reason: &str) {
    // In one write: other threads go on printing until the process is gone.
    let line = format!("error: {reason}\n");
    _ = std::io::stderr().write_all(line.as_bytes());
    std::process::exit(code);
}

fn end_with(exit: &supervision::Exit) {
    end(exit.code, &exit.reason);
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

async fn serve(parts: NodeParts) -> Outcome {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::with(Exit::Internal))?;
    let metrics = parts.config.metrics.enabled.then(install_metrics).transpose()?;
    let http = parts.config.http;
    let busy = |error| format!("cannot listen for HTTP on {http}: {error}; is another process using the port?");
    let listener = TcpListener::bind(http).await.map_err(busy).map_err(Failure::with(Exit::Configuration))?;
    let node = Node::start(parts).map_err(network_failure)?;
    let (stopping, stop) = tokio::sync::oneshot::channel::<()>();
    let serving = actix::spawn(api::serve(api_node(&node, metrics), listener, async move {
        // An error is the sender's end, which is the node's.
        _ = stop.await;
    }));
    let started = Instant::now();
    while !node.is_quorum_connected() && started.elapsed() < QUORUM_AWAITED {
        tokio::time::sleep(LOOK).await;
    }
    print_status(&node).await;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    node.stop();
    _ = stopping.send(());
    // Requests under way may end; who waits for a proof is not waited for.
    _ = tokio::time::timeout(GRACE, serving).await;
    say!("Validator node {} has stopped", node.config.node_id);
    Ok(Exit::Fine)
}

/// One recorder for the process; `/metrics` renders it.
fn install_metrics() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new().install_recorder().map_err(Failure::with(Exit::Internal))?;
    actors::metrics::describe();
    Ok(handle)
}

/// What the API reaches of the node.
fn api_node(node: &Node, metrics: Option<PrometheusHandle>) -> api::Node {
    let (consensus, network) = (node.voting.consensus.clone(), node.voting.network.clone());
    let ask: api::AskConsensus = Arc::new(move || {
        let consensus = consensus.clone();
        Box::pin(async move { consensus.ask(Ask, ANSWER_DEADLINE).await.map_err(|error| error.to_string()) })
    });
    api::Node {
        genesis: node.genesis.clone(),
        me: node.config.index,
        mempool: node.mempool.clone(),
        state: node.state.clone(),
        verifier: node.verifier_pool.clone(),
        consensus: ask,
        peers: Arc::new(move || network.peers()),
        heads: node.heads.clone(),
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
    say!("Node status:");
    say!("  Node ID: {}", node.config.node_id);
    say!("  Stake: {}", node.config.stake);
    say!("  Connected peers: {}", node.voting.network.connected());
    say!("  Is leader: {}", if snapshot.leader == node.config.index { "True" } else { "False" });
    say!("  Current view: {}", snapshot.view);
    say!("  Current sequence: {}", snapshot.sequence);
}
