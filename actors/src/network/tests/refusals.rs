//! Peers that must not have a session, each refused by name.

use super::super::frames::{Control, WIRE_VERSION};
use super::super::handshake::{self, LinkError, Refusal};
use super::super::table::{Network, NetworkError};
use super::super::testing::{Event, NOTE, Raw, Setup, Talk, chain, counted, key, metrics_here, node, pair, pin, setup};
use super::super::tls::{KeyError, TlsError};
use super::super::{Hello, NetworkConfig, Role, Sink};
use protocol::signature::public_key;
use protocol::types::{Hash, ValidatorIndex};
use protocol::validator::sessions::Session;
use protocol::verdict::SolverPin;

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
async fn both_refuse(mut other: Setup, reason: &str) {
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
    let hello = Hello { chain: chain(), pin: pin(), role: Role::Observer, boot: 1 };
    handshake::send(&mut raw.stream, Control::Hello, &hello).await.unwrap();
    raw.hear_hello().await.unwrap();
    assert_eq!(raw.farewell().await, LinkError::RefusedByPeer(Refusal::OtherRole(Role::Observer)));
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

#[actix::test]
async fn a_port_that_is_taken_and_a_foreign_key_are_refused_by_name() {
    let a = node(2, 0);
    let bind = |setup: Setup| {
        let config = NetworkConfig {
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

impl Sink<Talk> for Deaf {
    fn verify(&self, _: ValidatorIndex, message: Talk) -> Result<Talk, &'static str> {
        Ok(message)
    }
    fn deliver(&self, _: Session, _: Talk) {}
    fn opened(&self, _: Session, _: std::time::Duration) {}
    fn closed(&self, _: Session) {}
}
