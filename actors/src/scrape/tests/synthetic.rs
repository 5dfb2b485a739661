//! A network of any size without its actors: what a page looks at, and one event of every kind that is counted.

use super::super::{Page, Sources};
use crate::mempool::{Held, SubmitError};
use crate::metrics::*;
use crate::network::frames::FrameError;
use crate::network::tls::{KeyError, TlsError};
use crate::network::{Fault, Lane, LinkError, PeerMessage, PeerReport, Refusal as LinkRefusal, Role};
use crate::proofs::Figures;
use crate::state::Standing;
use crate::supervision::{
    ActorReport, MemberReport, Phase, Restart, Restarts, Strategy, SupervisorReport, ThreadReport, TreeReport, WaitsFor,
};
use crate::tap::consensus::{ConsensusTap, view_timer};
use crate::tap::network::{self, GateTap, SessionStep, Traffic};
use crate::tap::process::{api_request, database_synced, last_exit};
use crate::tap::{Observed, proofs, verifier};
use crate::verifier_pool::{Accuracy, Backlog, Ending, Kill, PoolEvent, Workers, verdict_label};
use ::metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::PrometheusRecorder;
use protocol::consensus::events::{Contradiction, Notice, Record, To, UnknownHistory};
use protocol::genesis::{Genesis, GenesisContent, GenesisValidator};
use protocol::mempool::{self, Holdings, Refusal, Source};
use protocol::message::{GiveUpReason, Message};
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::schedule::Schedule;
use protocol::types::{
    Epoch, Hash, Millis, NodeId, PublicKey, ResourceCount, Sequence, Signature, Stake, ValidatorIndex, View,
};
use protocol::verdict::exit_code;
use protocol::verdict::{Answer, NoVerdict, SolverPin, Verdict};
use protocol::vote::{Ballot, Choice, Vote};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a peer or a submitter might send in the hope that it comes to the page.
const HOSTILE: &str = "x\"} 1\npop_forged_total{a=\"b";
const SECOND: Duration = Duration::from_secs(1);

pub(super) struct World {
    genesis: Arc<Genesis>,
    figures: Figures,
    recorder: PrometheusRecorder,
}

fn genesis(validators: u16) -> Genesis {
    let name = |number: u16| match validators {
        0..=9 => format!("node_{number}"),
        // The longest names there are.
        _ => format!("{number:_>width$}", width = NodeId::LENGTH_MAX),
    };
    let key = |number: u16| {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        protocol::signature::public_key(&ed25519_dalek::SigningKey::from_bytes(&seed))
    };
    let validator = |number: u16| GenesisValidator {
        node_id: NodeId::new(&name(number)).unwrap(),
        public_key: key(number),
        stake: Stake(10_000),
        initial_balance: Tokens(5),
    };
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(1_000),
        epoch: Epoch(1),
        epoch_seed: Hash([7; 32]),
        validators: (1..=validators).map(validator).collect(),
        parameters: ConsensusParameters::new(SolverPin { library: Hash([3; 32]), normaliser_version: 1 }),
    })
    .unwrap()
}

fn observed(genesis: &Genesis) -> Observed {
    let set = Arc::new(genesis.validator_set());
    let schedule = Arc::new(Schedule::new(&set, &genesis.epoch_seed()));
    Observed::new(set, schedule, ValidatorIndex(0), Millis(10_000))
}

fn actor(name: &'static str) -> MemberReport {
    MemberReport::Actor(Box::new(ActorReport {
        name,
        restart: Restart::Permanent,
        phase: Phase::Down,
        incarnation: 3,
        restarts: Restarts::default(),
        last_failure: None,
        waiting: 0,
        mailbox_max: 1_024,
        handling: Some(("Step", SECOND)),
        heartbeat_age: Some(SECOND),
        waits_for: None,
        uptime: None,
        handled: 123_456_789_012,
        handler_time: Duration::from_nanos(1_234_567_890_123),
        refused: 1,
        lost: 1,
        at: Instant::now(),
    }))
}

fn supervisor(name: &'static str, members: Vec<MemberReport>) -> SupervisorReport {
    let (restarts_max, window) = (20, SECOND);
    SupervisorReport { name, strategy: Strategy::OneForOne, restarts_max, window, restarts: 1, escalations: 2, members }
}

fn tree() -> TreeReport {
    let proofs = supervisor("proofs", ["verifier_pool", "mempool", "state"].map(actor).into());
    let votes = supervisor("votes", ["consensus", "view_change", "leader_election"].map(actor).into());
    let below = [proofs, votes].map(MemberReport::Supervisor).into_iter().chain([actor("peers")]);
    let thread = |name| ThreadReport {
        name,
        waits_for: Some(WaitsFor::Processor),
        processor_wait: Duration::from_nanos(123_456_789_012),
    };
    let threads = ["work", "votes", "sessions"].map(thread).into();
    TreeReport { root: supervisor("validator", below.collect()), threads, zombies: 1 }
}

/// All but the first; the second is connected, the third banned.
fn peers(genesis: &Genesis) -> Vec<PeerReport> {
    let peer = |(index, validator): (usize, &GenesisValidator)| PeerReport {
        validator: ValidatorIndex(index as u16),
        node_id: validator.node_id.clone(),
        address: Some(HOSTILE.into()),
        connected: index == 1,
        connected_ms: None,
        missing_since_ms: None,
        ever_connected: true,
        round_trip_ms: None,
        clock_ahead_ms: None,
        bytes_in: 0,
        bytes_out: 0,
        messages_in: 0,
        messages_out: 0,
        dropped: 0,
        throttled: 0,
        waiting_messages: 0,
        waiting_bytes: 0,
        misbehaviour: 0,
        last_misbehaviour: Some(HOSTILE.into()),
        banned_ms: (index == 2).then_some(1_000),
        last_error: Some(HOSTILE.into()),
    };
    genesis.validators().iter().enumerate().skip(1).map(peer).collect()
}

impl World {
    pub(super) fn new(validators: u16) -> World {
        let recorder = recorder().unwrap().build_recorder();
        World { genesis: Arc::new(genesis(validators)), figures: Figures::default(), recorder }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.genesis.validators().iter().map(|validator| validator.node_id.as_str())
    }

    /// Records, and makes the page.
    pub(super) fn page(&self, record: impl FnOnce()) -> String {
        ::metrics::with_local_recorder(&self.recorder, || {
            describe();
            let genesis = Arc::clone(&self.genesis);
            let sources = Sources {
                genesis: Arc::clone(&genesis),
                me: ValidatorIndex(0),
                data_dir: "/".into(),
                solver: "Z3 4.16.0".into(),
                tree: Arc::new(tree),
                peers: Arc::new(move || peers(&genesis)),
                workers: Arc::new(|| Workers { busy: 2, idle: 0, spare: 1, resident_bytes: 1 << 27 }),
                observed: Arc::new(observed(&self.genesis)),
                accuracy: Arc::new(Accuracy::default()),
                figures: self.figures.clone(),
            };
            let page = Page::new(sources, self.recorder.handle());
            last_exit(None);
            record();
            self.publish();
            page.keep_up();
            page.render()
        })
    }

    fn publish(&self) {
        let figures = mempool::Figures { proofs: 5, bytes: 50, ..mempool::Figures::default() };
        let holdings = Holdings { figures, submitted: 2, submitted_bytes: 20, ready: 4, oldest: None };
        let since = Instant::now().checked_sub(SECOND);
        self.figures.mempool.set(Held { holdings, oldest: since });
        self.figures.verifier_pool.set(Backlog { statements: 1, oldest: since });
        let block = self.genesis.genesis_block_hash();
        let standing = Standing { sequence: Sequence(0), block, ledger: self.genesis.ledger() };
        self.figures.state.set(Arc::new(standing));
    }
}

/// One event of every kind, with hostile texts in it, and then a large value in every series there may be.
pub(super) fn every_word(validators: u16) {
    of_network();
    of_consensus(validators);
    of_proofs();
    of_verifier();
    (100..600).for_each(|status| api_request(status, SECOND));
    database_synced(SECOND);
    for metric in METRICS {
        for labels in combinations(metric.labels) {
            match metric.kind {
                Kind::Counter => counter!(metric.name, labels).increment(123_456_789_012),
                Kind::Gauge => gauge!(metric.name, labels).set(123_456_789.123_456),
                Kind::Histogram(buckets) => {
                    let histogram = histogram!(metric.name, labels);
                    buckets.iter().for_each(|bound| histogram.record(*bound));
                }
                Kind::CounterOfSeconds => {}
            }
        }
    }
}

fn frame_errors() -> Vec<FrameError> {
    let (name, reason) = ("vote", HOSTILE.to_owned());
    vec![
        FrameError::OtherVersion { expected: 1, got: 2 },
        FrameError::FrameTooLarge { max: 1, got: 2 },
        FrameError::FrameTooShort { got: 1 },
        FrameError::MessageTooLarge { name, max: 1, got: 2 },
        FrameError::UnknownKind(200),
        FrameError::OutOfPlace(1),
        FrameError::PartOutOfOrder,
        FrameError::Malformed { name, reason: reason.clone() },
        FrameError::TrailingBytes { name, bytes: 1 },
        FrameError::Invalid { name, reason },
        FrameError::OtherKind { stated: 1, held: 2 },
    ]
}

fn refusals() -> Vec<LinkRefusal> {
    let pin = SolverPin { library: Hash::ZERO, normaliser_version: 1 };
    vec![
        LinkRefusal::OtherVersion { mine: 1, theirs: 2 },
        LinkRefusal::ForeignGenesis { mine: Hash::ZERO, theirs: Hash::ZERO },
        LinkRefusal::OtherSolver { mine: pin, theirs: pin },
        LinkRefusal::OtherRole(Role::Observer),
        LinkRefusal::Banned { left_ms: 1 },
        LinkRefusal::Duplicate,
        LinkRefusal::BadFrame(HOSTILE.into()),
        LinkRefusal::Stopping,
        LinkRefusal::TooOften,
    ]
}

fn link_errors() -> Vec<LinkError> {
    let named = [
        LinkError::Unreachable { address: HOSTILE.into(), reason: HOSTILE.into() },
        LinkError::Tls(TlsError::Key(KeyError::Mine)),
        LinkError::Tls(TlsError::KeyRefused),
        LinkError::Tls(TlsError::Other(HOSTILE.into())),
        LinkError::HandshakeDeadline,
        LinkError::Closed,
        LinkError::Broken(HOSTILE.into()),
        LinkError::Silent(SECOND),
        LinkError::Stalled(SECOND),
        LinkError::Replaced,
        LinkError::TooManyConnections,
        LinkError::Panicked,
    ];
    let refused =
        refusals().into_iter().flat_map(|why| [LinkError::Refused(why.clone()), LinkError::RefusedByPeer(why)]);
    named.into_iter().chain(refused).chain(frame_errors().into_iter().map(LinkError::Frame)).collect()
}

fn of_network() {
    network::session_opened();
    for error in link_errors() {
        network::session_closed(error.label());
        network::refused(error.label(), "accepted");
        network::refused(error.label(), "dialled");
    }
    let others = [Fault::ConnectsTooOften, Fault::UnsignedProof(Hash::ZERO), Fault::ScriptTooLong { got: 2, max: 1 }];
    for fault in frame_errors().into_iter().map(Fault::Frame).chain(others) {
        network::misbehaved(fault.label());
    }
    network::banned();
    let traffic = Traffic::default();
    for kind in (0..=u8::MAX).filter_map(|kind| Message::rule(kind, 4)) {
        traffic.frame_in(Some(kind.name), 1);
        traffic.message_in(kind.name);
        traffic.frame_out(Some(kind.name), 1, true);
        assert!(is_declared(NETWORK_MESSAGES, kind.name), "{} is counted nowhere", kind.name);
    }
    traffic.frame_in(None, 1);
    traffic.frame_out(None, 1, false);
    [Lane::Urgent, Lane::Bulk].into_iter().for_each(|lane| network::dropped(lane.label(), 1));
    for step in [SessionStep::Look, SessionStep::Dial, SessionStep::Accept, SessionStep::Open] {
        traffic.step(step, SECOND);
    }
    proofs::signatures_checked(1);
    network::handshake_checked();
    network::throttled();
    network::round_trip(SECOND);
    network::clock_ahead(-1);
}

fn is_declared(name: &str, word: &str) -> bool {
    let labels = declared(name).labels;
    labels.iter().any(|label| matches!(label.values, Values::Words(words) if words.contains(&word)))
}

fn vote(choice: Choice) -> Vote {
    let ballot = Ballot { epoch: Epoch(1), view: View(1), choice };
    Vote { ballot, voter: ValidatorIndex(0), signature: Signature([0; 64]) }
}

fn of_consensus(validators: u16) {
    let votes = [Choice::Prepare(Hash::ZERO), Choice::Commit(Hash::ZERO), Choice::ViewChange].map(vote);
    let records: Vec<Record> = votes.map(Record::Vote).into_iter().chain([Record::Floor(View(1))]).collect();
    let message = Message::Vote { vote: votes[0], reason: None };
    let gate = GateTap::default();
    let verifying = gate.begins(ValidatorIndex(0), &message);
    gate.calculated(&verifying, 1);
    gate.verified(&verifying, &message);
    let tap = ConsensusTap::new(ValidatorIndex(0), Arc::new(observed(&genesis(validators))));
    tap.recorded(Instant::now(), &records);
    tap.recorded(Instant::now(), &[Record::Unknown(UnknownHistory::New)]);
    tap.durable(1, SECOND);
    tap.carried_out(Instant::now());
    tap.sends(To::Peer(ValidatorIndex(1)), &message);
    view_timer(Millis(300));
    for reason in [
        GiveUpReason::Timeout,
        GiveUpReason::SilentLeader,
        GiveUpReason::InvalidProposal,
        GiveUpReason::ProofNotConfirmed(Hash::ZERO),
        GiveUpReason::TwoProposals,
        GiveUpReason::LeaderGaveUp,
        GiveUpReason::OthersGaveUp,
    ] {
        tap.event(Instant::now(), &Notice::GaveUp { view: View(2), reason });
    }
    let contradiction = Contradiction { first: votes[0], second: votes[1] };
    tap.event(Instant::now(), &Notice::Contradiction(Box::new(contradiction)));
}

fn of_proofs() {
    proofs::submitted();
    [Source::Submitter(PublicKey([0; 32])), Source::Peer(ValidatorIndex(1))]
        .into_iter()
        .for_each(|source| proofs::accepted(&Hash::ZERO, source));
    let (proof, come_back) = (Hash::ZERO, None);
    let full = || Refusal::Full { proofs: 1, proofs_max: 1, bytes: 1, bytes_max: 1, size: 1 };
    let refused = |refusal| SubmitError::Refused { proof, refusal, come_back };
    let errors = [
        SubmitError::TooLong { bytes: 2, max: 1 },
        SubmitError::BadSignature,
        refused(full()),
        refused(Refusal::SourceFull {
            from: HOSTILE.into(),
            proofs: 1,
            proofs_max: 1,
            bytes: 1,
            bytes_max: 1,
            size: 1,
        }),
        refused(Refusal::ShareFull { proofs: 1, proofs_max: 1, bytes: 1, bytes_max: 1, size: 1 }),
        refused(Refusal::Displaced),
        refused(Refusal::Malformed { line: 1, column: 1, text: HOSTILE.into() }),
        refused(Refusal::Words { words: Vec::new() }),
        SubmitError::Busy { examined: 1 },
        SubmitError::Failed(HOSTILE.into()),
    ];
    errors.iter().for_each(|error| proofs::refused(error.label()));
    proofs::became_final(SECOND);
    proofs::disagreed();
    proofs::verdict_remembered();
}

fn of_verifier() {
    let why = || HOSTILE.to_owned();
    let reasons = [
        NoVerdict::Unknown { why: why() },
        NoVerdict::ResourceLimit { limit: 1 },
        NoVerdict::ProcessorTime { limit_ms: 1 },
        NoVerdict::Deadline { wall_ms: 1 },
        NoVerdict::Memory { limit_bytes: 1 },
        NoVerdict::Stack { limit_bytes: 1 },
        NoVerdict::Crashed { signal: None, code: None },
        NoVerdict::SolverError { text: why() },
        NoVerdict::IllSorted { line: 1, column: 1, text: why() },
        NoVerdict::SatNotRepeated,
        NoVerdict::SatNotChecked { why: why() },
        NoVerdict::SatWithRecursion,
        NoVerdict::NothingAsked,
        NoVerdict::EndedFromOutside { attempts: 3 },
    ];
    let resource_count = ResourceCount(164_109);
    let answered = [
        Verdict::Confirmed { resource_count, within_soft_limits: true },
        Verdict::Refuted { answer: Answer::Sat, resource_count },
        Verdict::Rejected { line: 1, column: 1, text: why() },
    ];
    for verdict in reasons.into_iter().map(|reason| Verdict::NoVerdict { reason }).chain(answered) {
        let (verdict, resource_count) = (verdict_label(&verdict), Some(resource_count));
        verifier::pool_event(&PoolEvent::Checked { verdict, cpu: SECOND, wall: SECOND, resource_count, attempts: 1 });
    }
    verifier::pool_event(&PoolEvent::WorkerStarted { pid: 1 });
    verifier::pool_event(&PoolEvent::WorkerNotStarted { error: why() });
    let kills = [Kill::ProcessorTime, Kill::Deadline, Kill::Nonsense, Kill::NotWanted].map(|kill| (0, Some(kill)));
    let ended = [libc::SIGKILL, libc::SIGSEGV, libc::SIGPROF, exit_code::MEMORY << 8, exit_code::STACK << 8];
    for (status, kill) in kills.into_iter().chain(ended.map(|status| (status, None))) {
        let status = ExitStatus::from_raw(status);
        let ending = Ending { status, kill, cpu: SECOND, wall: SECOND, peak_memory_bytes: 1 };
        verifier::pool_event(&PoolEvent::WorkerEnded { pid: 1, cause: ending.label() });
    }
    for cause in ["memory", "recycled", "not_needed"] {
        verifier::pool_event(&PoolEvent::WorkerEnded { pid: 1, cause });
    }
}
