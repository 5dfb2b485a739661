//! Nodes on loopback: what honest peers may rely on, and what each kind of bad input comes to.

use super::establish::DIALS_AT_ONCE;
use super::frames::{BODY_BYTES_MAX, Control, PART_BYTES_MAX, WIRE_VERSION, part_head};
use super::handshake::{HANDSHAKE_DEADLINE, LinkError, Refusal};
use super::outbox::{BULK_BYTES_MAX, URGENT_BYTES_MAX};
use super::pace::Pace;
use super::places::HANDSHAKES_MAX;
use super::table::{Network, NetworkError};
use super::testing::{
    Event, LONG, LONG_BYTES_MAX, LONG_TALK, NOTE, NOTE_BYTES_MAX, NOTES_BURST, Node, PANIC, Raw, Talk, chain, counted,
    key, metrics_here, node, pair, pin, setup,
};
use super::tls::{KeyError, TlsError};
use crate::peers::{Directory, Peers};
use actix::{Context, Handler, Message};
use protocol::signature::public_key;
use protocol::types::{Hash, ValidatorIndex};
use protocol::validator::sessions::Session;
use protocol::verdict::SolverPin;
use std::time::{Duration, Instant};

fn note(number: u64) -> Vec<u8> {
    rmp_serde::to_vec(&Talk::Note(number)).unwrap()
}

#[actix::test]
async fn two_nodes_find_each_other_and_talk_both_ways() {
    let (mut a, mut b) = pair(2, 0, 1).await;
    a.talks_with(&mut b, 1).await;
    assert!(a.network.round_trip(ValidatorIndex(1)).is_some());
    let report = a.peers.ask(Directory, LONG).await.unwrap();
    assert_eq!((report.len(), report[0].connected, report[0].misbehaviour), (1, true, 0));
}

#[actix::test]
async fn since_when_a_peer_is_missing_is_told_from_the_start_and_from_its_end() {
    let begun = crate::clock::wall().0;
    let lonely = node(2, 0);
    let report = &lonely.network.peers()[0];
    assert!(!report.ever_connected && report.missing_since_ms.unwrap() >= begun, "{report:?}");
    let (mut a, b) = pair(2, 0, 1).await;
    let report = &a.network.peers()[0];
    assert_eq!((report.missing_since_ms, report.ever_connected), (None, true));
    let ended = crate::clock::wall().0;
    b.stop().await;
    a.sees(Event::Closed(1)).await;
    let report = &a.network.peers()[0];
    assert!(report.ever_connected && report.missing_since_ms.unwrap() >= ended, "{report:?}");
}

#[actix::test]
async fn a_broadcast_reaches_everybody_else() {
    let mut nodes: Vec<Node> = (0..4).map(|me| node(4, me)).collect();
    for a in &nodes {
        for b in &nodes {
            a.knows(b);
        }
    }
    for node in &nodes {
        node.until("all connected", |network| network.connected() == 3).await;
    }
    assert_eq!(nodes[2].network.broadcast(&Talk::Note(5)).unwrap(), 3);
    for index in [0, 1, 3] {
        nodes[index].sees(Event::Heard(2, Talk::Note(5))).await;
    }
}

#[actix::test]
async fn long_messages_arrive_whole_and_in_order() {
    let (a, mut b) = pair(2, 0, 1).await;
    for number in 0..20 {
        let text = number.to_string().repeat(LONG_BYTES_MAX / 3);
        assert!(a.network.send(ValidatorIndex(1), &Talk::Long(text)).unwrap());
    }
    for number in 0..20 {
        let text = number.to_string().repeat(LONG_BYTES_MAX / 3);
        assert!(b.event().await == Event::Heard(0, Talk::Long(text)), "message {number}");
    }
    let too_long = Talk::Long("x".repeat(LONG_BYTES_MAX));
    assert!(a.network.send(ValidatorIndex(1), &too_long).is_err(), "our own code is told, not the peer");
}

#[actix::test]
async fn when_both_dial_at_once_one_session_remains() {
    for _ in 0..10 {
        let (mut a, mut b) = (node(2, 0), node(2, 1));
        a.knows(&b);
        b.knows(&a);
        a.sees(Event::Opened(1)).await;
        b.sees(Event::Opened(0)).await;
        a.until("settled", |network| network.connected() == 1).await;
        b.until("settled", |network| network.connected() == 1).await;
        a.talks_with(&mut b, 1).await;
        a.stop().await;
        b.stop().await;
    }
}

#[actix::test]
async fn a_node_that_starts_anew_is_connected_within_a_second() {
    let (mut a, b) = pair(2, 0, 1).await;
    let address = b.network.listen_address();
    b.stop().await;
    a.sees(Event::Closed(1)).await;
    // Long enough for the pauses between attempts to have grown.
    a.until_error(1, "cannot be reached").await;
    // On another port: the system may hold the old one for a while.
    let mut b = node(2, 1);
    assert_ne!(b.network.listen_address(), address);
    a.network.learn_address(ValidatorIndex(1), b.network.listen_address().to_string());
    let start = Instant::now();
    a.sees(Event::Opened(1)).await;
    let took = start.elapsed();
    assert!(took.as_millis() < 1_500, "connected again after {took:?}");
    b.sees(Event::Opened(0)).await;
    a.talks_with(&mut b, 2).await;
}

#[actix::test]
async fn another_run_of_a_peer_is_refused_while_the_session_answers_and_takes_its_place_when_it_is_silent() {
    let (_guard, metrics) = metrics_here();
    let mut a = node(2, 0);
    let first = Raw::session(1, &a).await;
    a.sees(Event::Opened(1)).await;
    // The first connection still stands on the node's side. It says nothing more: its process is gone, or another one was
    // started with its key, which nobody can tell so soon.
    let in_use = LinkError::RefusedByPeer(Refusal::KeyInUse);
    assert_eq!(another_run(&a).await.farewell().await, in_use);
    let series = "pop_network_refused_total{reason=\"key_in_use\",side=\"accepted\"}";
    a.until("counted", |_| counted(&metrics, series) == 1.0).await;
    // What a peer says of this one's key is another matter: nobody is woken on its word.
    assert_eq!((in_use.label(), LinkError::Refused(Refusal::KeyInUse).label()), ("own_key_in_use", "key_in_use"));
    let mut pause = tokio::time::interval(Duration::from_millis(250));
    let mut second = loop {
        pause.tick().await;
        let mut second = another_run(&a).await;
        tokio::select! {
            event = a.event() => {
                assert_eq!(event, Event::Closed(1), "the old one ends before the new one begins");
                break second;
            }
            reason = second.farewell() => assert_eq!(reason, in_use),
        }
    };
    assert_eq!(a.event().await, Event::Opened(1));
    second.frame(NOTE, &note(3)).await;
    assert_eq!(a.event().await, Event::Heard(1, Talk::Note(3)));
    drop(first);
}

/// Validator 1 with another boot than [`Raw::session`] has, as far as its own words of the handshake.
async fn another_run(a: &Node) -> Raw {
    let mut raw = Raw::connect(&key(1), a).await;
    let hello = super::Hello { chain: chain(), pin: pin(), role: super::Role::Validator, boot: 8 };
    super::handshake::send(&mut raw.stream, Control::Hello, &hello).await.unwrap();
    raw.hear_hello().await.unwrap();
    let node_chooses = a.network.roster().i_choose(ValidatorIndex(1));
    let control = if node_chooses { Control::Ready } else { Control::Open };
    // Refused already, it does not listen any more.
    _ = super::handshake::send(&mut raw.stream, control, &()).await;
    raw
}

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Handler<Crash> for Peers<Talk> {
    type Result = ();
    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("planted: in the directory");
    }
}

#[actix::test]
async fn sessions_go_on_while_the_directory_is_rebuilt() {
    let (mut a, mut b) = pair(3, 0, 1).await;
    a.peers.send(Crash).unwrap();
    a.talks_with(&mut b, 7).await;
    assert!(a.peers.ask(Directory, LONG).await.is_ok());
    assert_eq!(a.peers.report().incarnation, 2);
    let mut c = node(3, 2);
    c.knows(&a);
    a.sees(Event::Opened(2)).await;
    c.sees(Event::Opened(0)).await;
    a.talks_with(&mut b, 8).await;
}

#[actix::test]
async fn an_unknown_key_is_refused_and_counted_on_both_sides() {
    let (_guard, metrics) = metrics_here();
    let (mut a, mut b) = pair(2, 0, 1).await;
    let mut stranger = Raw::connect(&key(99), &a).await;
    let refused = stranger.hear_hello().await.unwrap_err();
    assert_eq!(refused, LinkError::Tls(TlsError::KeyRefused));
    let series = "pop_network_refused_total{reason=\"unknown_key\",side=\"accepted\"}";
    a.until("counted", |_| counted(&metrics, series) == 1.0).await;
    a.talks_with(&mut b, 1).await;
}

#[actix::test]
async fn a_dialled_node_with_another_key_is_refused_by_name() {
    let a = node(3, 0);
    let b = node(3, 1);
    // The address of node 2 leads to node 1.
    a.network.learn_address(ValidatorIndex(2), b.network.listen_address().to_string());
    let expected = KeyError::Other { expected: public_key(&key(2)), got: public_key(&key(1)) };
    a.until_error(2, &expected.to_string()).await;
}

/// Starts a pair that differs in something and waits until both know why they have no session.
async fn both_refuse(mut other: super::testing::Setup, reason: &str) {
    let a = node(2, 0);
    other.me = 1;
    let b = other.start();
    a.knows(&b);
    a.until_error(1, reason).await;
    b.until_error(0, reason).await;
    assert_eq!((a.network.connected(), b.network.connected()), (0, 0));
    assert_eq!((a.faults(1), b.faults(0)), (0, 0), "a disagreement is no fault");
}

#[actix::test]
async fn a_foreign_genesis_is_refused_by_name_on_both_sides() {
    let (_guard, metrics) = metrics_here();
    let mut other = setup(2, 1);
    other.chain = Hash([9; 32]);
    both_refuse(other, "a foreign genesis").await;
    assert!(metrics.render().contains("reason=\"foreign_genesis\""));
}

#[actix::test]
async fn another_solver_is_refused_by_name_on_both_sides() {
    let mut other = setup(2, 1);
    other.pin = SolverPin { library: Hash([9; 32]), normaliser_version: 1 };
    both_refuse(other, "another solver").await;
    let mut other = setup(2, 1);
    other.pin = SolverPin { normaliser_version: 2, ..pin() };
    both_refuse(other, "normaliser 2").await;
}

#[actix::test]
async fn an_observer_with_a_validators_key_is_refused() {
    let a = node(2, 0);
    let mut raw = Raw::connect(&key(1), &a).await;
    let hello = super::Hello { chain: chain(), pin: pin(), role: super::Role::Observer, boot: 1 };
    super::handshake::send(&mut raw.stream, Control::Hello, &hello).await.unwrap();
    raw.hear_hello().await.unwrap();
    assert_eq!(raw.farewell().await, LinkError::RefusedByPeer(Refusal::OtherRole(super::Role::Observer)));
}

#[actix::test]
async fn another_wire_version_is_refused_by_name_before_and_after_the_handshake() {
    let (_guard, metrics) = metrics_here();
    let mut a = node(2, 0);
    let mut raw = Raw::connect(&key(1), &a).await;
    raw.bytes(&[0, 0, 0, 2, WIRE_VERSION + 1, Control::Hello as u8]).await;
    raw.hear_hello().await.unwrap();
    let told = Refusal::OtherVersion { mine: WIRE_VERSION + 1, theirs: WIRE_VERSION };
    assert_eq!(raw.farewell().await, LinkError::RefusedByPeer(told.clone()));

    let mut raw = Raw::session(1, &a).await;
    a.sees(Event::Opened(1)).await;
    raw.bytes(&[0, 0, 0, 3, WIRE_VERSION + 1, NOTE, 0]).await;
    assert_eq!(raw.farewell().await, LinkError::RefusedByPeer(told));
    a.sees(Event::Closed(1)).await;
    assert_eq!(counted(&metrics, "pop_network_misbehaviour_total{rule=\"other_version\"}"), 2.0);
}

/// Sends bytes in a session and expects the session to end with the named fault, the honest one beside it to go on.
async fn ends_the_session(bytes: &[u8], fault: &str) {
    let (_guard, metrics) = metrics_here();
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    raw.bytes(bytes).await;
    assert_eq!(raw.farewell().await, LinkError::RefusedByPeer(Refusal::BadFrame(fault.into())));
    a.sees(Event::Closed(2)).await;
    assert_eq!(a.faults(2), 1);
    assert_eq!(counted(&metrics, &format!("pop_network_misbehaviour_total{{rule=\"{fault}\"}}")), 1.0);
    a.talks_with(&mut b, 1).await;
    assert_eq!(a.faults(1), 0);
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    super::frames::write_frame(&mut bytes, kind, &[body]);
    bytes
}

#[actix::test]
async fn a_frame_that_claims_too_much_ends_the_session_before_its_body_is_read() {
    ends_the_session(&[0xff, 0xff, 0xff, 0xff, WIRE_VERSION, NOTE], "frame_too_large").await;
    let length = u32::try_from(BODY_BYTES_MAX + 3).unwrap().to_be_bytes();
    ends_the_session(&[length.as_slice(), &[WIRE_VERSION, NOTE]].concat(), "frame_too_large").await;
}

#[actix::test]
async fn a_frame_without_a_head_ends_the_session() {
    ends_the_session(&[0, 0, 0, 1, WIRE_VERSION, NOTE], "frame_too_short").await;
}

#[actix::test]
async fn a_message_above_its_kinds_limit_ends_the_session() {
    ends_the_session(&frame(NOTE, &[0; NOTE_BYTES_MAX + 1]), "message_too_large").await;
    let body = [part_head(LONG_TALK, LONG_BYTES_MAX + 1).as_slice(), &[0; 10]].concat();
    ends_the_session(&frame(Control::Part as u8, &body), "message_too_large").await;
}

#[actix::test]
async fn parts_that_do_not_fit_together_end_the_session() {
    let part =
        |kind, total, bytes: &[u8]| frame(Control::Part as u8, &[part_head(kind, total).as_slice(), bytes].concat());
    let other_total = [part(LONG_TALK, 100, &[0; 10]), part(LONG_TALK, 101, &[0; 10])].concat();
    ends_the_session(&other_total, "part_out_of_order").await;
    ends_the_session(&part(LONG_TALK, 10, &[0; 11]), "part_out_of_order").await;
    ends_the_session(&part(LONG_TALK, 10, &[]), "part_out_of_order").await;
}

#[actix::test]
async fn a_handshake_frame_in_a_session_ends_it() {
    ends_the_session(&frame(Control::Open as u8, &[]), "out_of_place").await;
}

#[actix::test]
async fn a_message_that_cannot_be_read_costs_only_itself() {
    let (_guard, metrics) = metrics_here();
    let mut a = node(2, 0);
    let mut raw = Raw::session(1, &a).await;
    a.sees(Event::Opened(1)).await;
    let long = rmp_serde::to_vec(&Talk::Long("text".into())).unwrap();
    let wrong = rmp_serde::to_vec(&Talk::Wrong).unwrap();
    let trailing = [note(1).as_slice(), &[0]].concat();
    let nested = [0x91; NOTE_BYTES_MAX];
    let cases: [(u8, &[u8], &str); 8] = [
        (200, &[], "unknown_kind"),
        (0, &[], "unknown_kind"),
        (NOTE, &[], "malformed"),
        (NOTE, &[0xc1], "malformed"),
        (NOTE, &nested, "malformed"),
        (NOTE, &trailing, "trailing_bytes"),
        (NOTE, &long, "other_kind"),
        (NOTE, &wrong, "invalid"),
    ];
    for (kind, body, _) in &cases {
        raw.frame(*kind, body).await;
    }
    raw.frame(NOTE, &note(9)).await;
    assert_eq!(a.event().await, Event::Heard(1, Talk::Note(9)));
    assert_eq!(a.faults(1), cases.len() as u64);
    for (_, _, fault) in &cases {
        assert!(counted(&metrics, &format!("pop_network_misbehaviour_total{{rule=\"{fault}\"}}")) >= 1.0, "{fault}");
    }
}

#[actix::test]
async fn who_breaks_rules_again_and_again_is_banned_and_others_are_not() {
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    for _ in 0..=super::faults::FAULTS_MAX {
        raw.frame(200, &[]).await;
    }
    let banned = raw.farewell().await;
    assert!(matches!(banned, LinkError::RefusedByPeer(Refusal::Banned { .. })), "{banned:?}");
    a.sees(Event::Closed(2)).await;
    let mut again = Raw::connect(&key(2), &a).await;
    let banned = again.hear_hello().await.unwrap_err();
    assert!(matches!(banned, LinkError::RefusedByPeer(Refusal::Banned { .. })), "{banned:?}");
    let report = a.network.peers().into_iter().find(|report| report.validator.0 == 2).unwrap();
    assert!(report.banned_ms.is_some());
    a.talks_with(&mut b, 1).await;
}

#[actix::test]
async fn a_panic_over_a_peers_message_costs_that_peers_session_and_nothing_else() {
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    raw.frame(NOTE, &note(PANIC)).await;
    a.sees(Event::Closed(2)).await;
    a.until_error(2, "panicked").await;
    a.talks_with(&mut b, 1).await;
    let _raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
}

#[actix::test]
async fn a_node_that_stops_says_so_and_opens_no_other_session() {
    let (a, mut b) = pair(2, 0, 1).await;
    a.network.close();
    b.sees(Event::Closed(0)).await;
    b.until_error(0, "shutting down").await;
    let mut raw = Raw::connect(&key(1), &a).await;
    raw.hello(chain(), pin()).await;
    raw.hear_hello().await.unwrap();
    if !a.network.roster().i_choose(ValidatorIndex(1)) {
        super::handshake::send(&mut raw.stream, Control::Open, &()).await.unwrap();
    }
    assert_eq!(raw.farewell().await, LinkError::RefusedByPeer(Refusal::Stopping));
}

#[actix::test]
async fn garbage_instead_of_tls_harms_nobody() {
    use tokio::io::AsyncWriteExt;
    let (mut a, mut b) = pair(2, 0, 1).await;
    for _ in 0..20 {
        let mut stream = tokio::net::TcpStream::connect(a.network.listen_address()).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    }
    a.talks_with(&mut b, 1).await;
}

#[actix::test]
async fn strangers_that_hold_every_place_lose_them_at_the_deadline() {
    let (mut a, mut b) = (node(2, 0), node(2, 1));
    let mut held = Vec::new();
    for _ in 0..HANDSHAKES_MAX {
        held.push(tokio::net::TcpStream::connect(a.network.listen_address()).await.unwrap());
    }
    b.knows(&a);
    let start = Instant::now();
    a.sees(Event::Opened(1)).await;
    b.sees(Event::Opened(0)).await;
    a.talks_with(&mut b, 1).await;
    // Once the places are free, the next attempt of the peer succeeds; attempts are at most seconds apart.
    let took = start.elapsed();
    assert!(took < HANDSHAKE_DEADLINE * 6, "after {took:?}");
}

#[actix::test]
async fn a_flood_is_read_slowly_and_others_are_heard_meanwhile() {
    let (_guard, metrics) = metrics_here();
    let (mut a, mut b) = pair(3, 0, 1).await;
    let mut raw = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    let flood: Vec<u8> = (0..2 * u64::from(NOTES_BURST)).flat_map(|number| frame(NOTE, &note(number))).collect();
    raw.bytes(&flood).await;
    a.until("slowed", |_| counted(&metrics, "pop_network_throttled_total") > 0.0).await;
    a.talks_with(&mut b, 1).await;
    let heard = a.network.peers().into_iter().find(|report| report.validator.0 == 2).unwrap().messages_in;
    assert!(heard < 2 * u64::from(NOTES_BURST), "the flood was not slowed down: {heard}");
}

#[actix::test]
async fn a_peer_that_reads_nothing_costs_bounded_memory_and_delays_nobody() {
    let (mut a, mut b) = pair(3, 0, 1).await;
    let _deaf = Raw::session(2, &a).await;
    a.sees(Event::Opened(2)).await;
    let long = Talk::Long("x".repeat(LONG_BYTES_MAX / 2));
    for round in 0..200 {
        let _ = a.network.send(ValidatorIndex(2), &long).unwrap();
        let _ = a.network.send(ValidatorIndex(2), &Talk::Note(round)).unwrap();
        tokio::task::yield_now().await;
    }
    let report = a.network.peers().into_iter().find(|report| report.validator.0 == 2).unwrap();
    assert!(report.waiting_bytes <= BULK_BYTES_MAX + URGENT_BYTES_MAX, "{report:?}");
    assert!(report.dropped > 0, "{report:?}");
    a.talks_with(&mut b, 1).await;
}

#[actix::test]
async fn a_vote_overtakes_bulk_on_the_same_session() {
    let (a, mut b) = pair(2, 0, 1).await;
    for _ in 0..40 {
        a.network.send(ValidatorIndex(1), &Talk::Long("x".repeat(LONG_BYTES_MAX / 2))).unwrap();
    }
    a.network.send(ValidatorIndex(1), &Talk::Note(1)).unwrap();
    assert_eq!(
        b.event().await,
        Event::Heard(0, Talk::Note(1)),
        "the vote is first, {PART_BYTES_MAX} bytes at most before it"
    );
}

#[actix::test]
async fn a_silent_peer_loses_its_session() {
    let mut a = node(2, 0);
    let _mute = Raw::session(1, &a).await;
    a.sees(Event::Opened(1)).await;
    let start = Instant::now();
    a.sees(Event::Closed(1)).await;
    assert!(start.elapsed() >= Pace::of(4).silence_max);
    a.until_error(1, "nothing was heard").await;
}

/// Forty peers whose system accepts connections and whose process says nothing: at a start of a large network, everybody is
/// like that for a while.
#[actix::test]
async fn a_few_peers_are_dialled_at_a_time_and_each_in_its_turn() {
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let a = node(40, 0);
    (1..40).for_each(|peer| a.network.learn_address(ValidatorIndex(peer), address.clone()));
    let accept = || async { tokio::time::timeout(LONG, silent.accept()).await.expect("another is dialled").unwrap().0 };
    let mut open = std::collections::VecDeque::new();
    for _ in 0..DIALS_AT_ONCE {
        open.push_back(accept().await);
    }
    for _ in 0..2 * DIALS_AT_ONCE {
        open.pop_front();
        open.push_back(accept().await);
    }
    let another = std::pin::pin!(silent.accept());
    assert!(at_once(another).await.is_none(), "as many as ended were dialled");
    a.stop().await;
}

/// What a future gives at once, if it does.
async fn at_once<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[actix::test]
async fn a_port_that_is_taken_and_a_foreign_key_are_refused_by_name() {
    let a = node(2, 0);
    let bind = |setup: super::testing::Setup| {
        let config = super::NetworkConfig {
            members: setup.members,
            me: ValidatorIndex(setup.me),
            key: setup.key,
            chain: setup.chain,
            pin: setup.pin,
            listen: setup.listen,
            addresses: Vec::new(),
        };
        Network::<Talk>::bind(config, std::sync::Arc::new(Deaf))
    };
    let mut taken = setup(2, 1);
    taken.listen = a.network.listen_address();
    assert!(matches!(bind(taken), Err(NetworkError::Listen { .. })));
    let mut foreign = setup(2, 1);
    foreign.key = key(0);
    assert!(matches!(bind(foreign), Err(NetworkError::ForeignKey { .. })));
}

struct Deaf;

impl super::Sink<Talk> for Deaf {
    fn verify(&self, _: ValidatorIndex, message: Talk) -> Result<Talk, &'static str> {
        Ok(message)
    }
    fn deliver(&self, _: Session, _: Talk) {}
    fn opened(&self, _: Session, _: std::time::Duration) {}
    fn closed(&self, _: Session) {}
}
