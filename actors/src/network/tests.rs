//! Nodes on loopback: what honest peers may rely on.

mod load;
mod misbehaviour;
mod refusals;

use super::frames::Control;
use super::handshake::{LinkError, Refusal};
use super::testing::{
    Event, LONG, LONG_BYTES_MAX, NOTE, Node, Raw, Talk, chain, counted, key, metrics_here, node, pair, pin,
};
use crate::peers::{Directory, Peers};
use actix::{Context, Handler, Message};
use protocol::types::ValidatorIndex;
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

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    super::frames::write_frame(&mut bytes, kind, &[body]);
    bytes
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
