//! The API over a real socket, before real actors: what is answered, refused and bounded.

use super::*;
use actors::links::Links;
use actors::mempool::{MempoolSettings, ProofStore};
use actors::outlet::Outlet;
use actors::routes::Routes;
use actors::state::{Database, StateSettings};
use actors::supervision::{ExitHook, Seat, Spec, Supervisor, reserve};
use ed25519_dalek::SigningKey;
use protocol::genesis::{GenesisContent, GenesisValidator};
use protocol::mempool::Limits;
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::{Epoch, Hash, Millis, NodeId, Stake, View};
use protocol::verdict::{Claim, SolverPin};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

mod admin;
mod batch;
mod document;
mod hostile;
mod ids;
mod readers;

const GOOD: &str = "(set-info :status unsat)(declare-const p Bool)(assert p)(assert (not p))(check-sat)";

pub(super) struct Bench {
    pub(super) address: SocketAddr,
    pub(super) api: Arc<Api>,
    genesis: Arc<Genesis>,
    state: Handle<StateActor>,
    pub(super) mempool: Handle<MempoolActor>,
    database: Arc<Database>,
    pub(super) requests: Arc<Limiter>,
    submissions: Arc<Limiter>,
    lookups: Arc<Limiter>,
    /// Keep the mailbox and the database's folder.
    _seat: Seat<VerifierPoolActor>,
    _directory: tempfile::TempDir,
}

fn genesis(script_bytes_max: u64) -> Genesis {
    let validator = |number: u8| GenesisValidator {
        node_id: NodeId::new(&format!("node_{number}")).unwrap(),
        public_key: public_key(&SigningKey::from_bytes(&[number; 32])),
        stake: Stake(10_000),
        initial_balance: Tokens(0),
    };
    let mut parameters = ConsensusParameters::new(SolverPin { library: Hash([3; 32]), normaliser_version: 1 });
    parameters.verifier.script_bytes_max = script_bytes_max;
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(1_000),
        epoch: Epoch(1),
        epoch_seed: Hash([7; 32]),
        validators: (1..=4).map(validator).collect(),
        parameters,
    })
    .unwrap()
}

fn snapshot(genesis: &Genesis) -> Snapshot {
    Snapshot {
        view: View(1),
        leader: ValidatorIndex(0),
        sequence: Sequence(0),
        block: genesis.genesis_block_hash(),
        commit_view: View(0),
        missing_final: None,
        unknown_endings: None,
        unknown_history: None,
        prepares: Vec::new(),
        view_changes: Vec::new(),
        prepared: 0,
        halted: false,
    }
}

fn observed(genesis: &Genesis) -> Observed {
    let set = Arc::new(genesis.validator_set());
    let schedule = Arc::new(Schedule::new(&set, &genesis.epoch_seed()));
    Observed::new(set, schedule, ValidatorIndex(0), Millis(10_000))
}

pub(super) async fn bench() -> Bench {
    bench_of(Settings::default()).await
}

async fn bench_with(limits: Limits) -> Bench {
    bench_of(Settings { limits, ..Settings::default() }).await
}

/// What tests have otherwise than most do.
struct Settings {
    limits: Limits,
    admin: Option<Token>,
    script_bytes_max: u64,
    /// Of what is written to a client, what the system keeps.
    send_buffer_bytes: Option<u32>,
    /// Called before consensus says where it is.
    consensus: Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::new(100, 1 << 20, 1),
            admin: None,
            script_bytes_max: 10_000,
            send_buffer_bytes: None,
            consensus: Arc::new(|| Box::pin(std::future::ready(()))),
        }
    }
}

fn listener(send_buffer_bytes: Option<u32>) -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    send_buffer_bytes.into_iter().for_each(|bytes| socket.set_send_buffer_size(bytes).unwrap());
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(1_024).unwrap()
}

async fn bench_of(settings: Settings) -> Bench {
    let Settings { limits, admin, script_bytes_max, send_buffer_bytes, consensus } = settings;
    let genesis = Arc::new(genesis(script_bytes_max));
    let directory = tempfile::tempdir().unwrap();
    let exit: ExitHook = Arc::new(|exit| panic!("{exit:?}"));
    let database = Arc::new(Database::open(directory.path(), &genesis.chain_id(), 1 << 20).unwrap());
    let (verifier, seat) = reserve::<VerifierPoolActor>(Spec::new("verifier_pool"));
    let (heads, watched) = watch::channel(Sequence(0));
    let settings = MempoolSettings {
        me: ValidatorIndex(0),
        chain: genesis.chain_id(),
        parameters: genesis.parameters().verifier,
        limits,
        store: Arc::clone(&database) as Arc<dyn ProofStore>,
        verdicts: Arc::default(),
        routes: Routes { verifier_pool: Outlet::to(&verifier), ..Routes::nowhere(ValidatorIndex(0)) },
        links: Links::none(),
        published: Arc::default(),
        exit: Arc::clone(&exit),
    };
    let (mempool, mempool_seat) = reserve(Spec::new("mempool"));
    let mempool_child = mempool_seat.fill(move || MempoolActor::new(settings.clone()));
    let settings = StateSettings {
        waiting: Default::default(),
        database: Arc::clone(&database),
        set: Arc::new(genesis.validator_set()),
        genesis: Arc::clone(&genesis),
        routes: Routes { mempool: Outlet::to(&mempool), ..Routes::nowhere(ValidatorIndex(0)) },
        links: Links::none(),
        heads: Arc::new(heads),
        accuracy: Arc::default(),
        published: Arc::default(),
        exit,
    };
    let (state, state_seat) = reserve(Spec::new("state"));
    let state_child = state_seat.fill(move || StateActor::new(settings.clone()));
    let tree = Supervisor::new("validator").child(mempool_child).child(state_child);
    let tree = tree.start(Arc::new(|exit| panic!("exit {}: {}", exit.code, exit.reason))).unwrap();
    let listener = listener(send_buffer_bytes);
    let address = listener.local_addr().unwrap();
    let about = Arc::clone(&genesis);
    let node = Node {
        genesis: Arc::clone(&genesis),
        me: ValidatorIndex(0),
        mempool: mempool.clone(),
        state: state.clone(),
        verifier,
        consensus: Arc::new(move || {
            let (snapshot, before) = (snapshot(&about), consensus());
            Box::pin(async move {
                before.await;
                Ok(snapshot)
            })
        }),
        peers: Arc::new(Vec::new),
        tree,
        admin,
        heads: watched,
        observed: Arc::new(observed(&genesis)),
        last_run: Some(LastRun::Ended { code: 70, reason: "supervision gave up".into(), at_ms: 1_000 }),
        metrics: None,
    };
    let api = api(node, address);
    let (requests, submissions, lookups) =
        (Arc::clone(&api.requests), Arc::clone(&api.submissions), Arc::clone(&api.lookups));
    actix::spawn(server::serve(router(Arc::clone(&api)), listener, server::Bounds::default(), std::future::pending()));
    Bench {
        address,
        api,
        genesis,
        state,
        mempool,
        database,
        requests,
        submissions,
        lookups,
        _seat: seat,
        _directory: directory,
    }
}

impl Bench {
    /// Sends bytes and reads the answer: its status and its JSON.
    async fn send(&self, request: &str) -> (u16, Value) {
        let answer = self.exchange(request).await;
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    async fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The whole answer, head and body.
    async fn text(&self, path: &str) -> String {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost:9001\r\nConnection: close\r\n\r\n")).await
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost:9001\r\nConnection: close\r\n\r\n")).await
    }

    pub(super) async fn post(&self, body: &str) -> (u16, Value) {
        self.post_to("/v1/proofs", body).await
    }

    async fn post_to(&self, path: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
        self.send(&format!("{head}Content-Length: {length}\r\n\r\n{body}")).await
    }

    pub(super) fn submission(&self, script: &str) -> (Hash, Value) {
        let key = SigningKey::from_bytes(&[9; 32]);
        let chain = self.genesis.chain_id();
        let proof = Proof::sign(&chain, &key, public_key(&key), Claim::Unsat, 0, script.into());
        let body = json!({
            "script": script, "claim": "unsat", "submitter": proof.submitter, "nonce": 0, "signature": proof.signature,
        });
        (proof.id(&chain), body)
    }
}

#[actix::test]
async fn a_submission_is_accepted_once_and_found() {
    let bench = bench().await;
    let (id, mut body) = bench.submission(GOOD);
    let (status, answer) = bench.post(&body.to_string()).await;
    assert_eq!((status, &answer), (202, &json!({"proof": id, "known": false, "state": "waiting"})));
    body.as_object_mut().unwrap().remove("claim");
    let (status, answer) = bench.post(&body.to_string()).await;
    assert_eq!((status, &answer["known"]), (200, &json!(true)), "the script's status is the claim: {answer}");
    let (status, answer) = bench.get(&format!("/v1/proofs/{id}?wait=0.2")).await;
    assert_eq!((status, answer), (200, json!({"proof": id, "state": "checking", "ended": false})));
}

#[actix::test]
async fn bad_submissions_have_names_and_places() {
    let bench = bench().await;
    let (id, body) = bench.submission("(assert true)\n(echo \"unsat\"\n");
    let (status, answer) = bench.post(&body.to_string()).await;
    assert_eq!((status, &answer["error"], &answer["line"]), (422, &json!("malformed"), &json!(2)), "{answer}");
    let (status, answer) = bench.get(&format!("/v1/proofs/{id}")).await;
    assert_eq!(
        (status, &answer["refusal"]["reason"], &answer["refusal"]["line"]),
        (200, &json!("malformed"), &json!(2))
    );
    let (_, mut forged) = bench.submission(GOOD);
    forged["nonce"] = json!(1);
    assert_eq!(bench.post(&forged.to_string()).await.1["error"], "bad_signature");
    let (_, mut unknown) = bench.submission(GOOD);
    unknown["priority"] = json!(1);
    let (status, answer) = bench.post(&unknown.to_string()).await;
    assert_eq!((status, &answer["error"]), (400, &json!("bad_request")));
    assert!(answer["message"].as_str().unwrap().contains("unknown field `priority`"), "{answer}");
    let (_, long) = bench.submission(&" ".repeat(10_001));
    assert_eq!(bench.post(&long.to_string()).await.0, 413);
    let head = "POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9999999\r\n\r\n";
    assert_eq!(bench.send(head).await.0, 413, "by its length alone");
}

#[actix::test]
async fn balances_stakes_and_pool_make_the_supply() {
    let bench = bench().await;
    let (status, ledger) = bench.get("/v1/ledger").await;
    assert_eq!((status, &ledger["sequence"]), (200, &json!(0)), "{ledger}");
    let accounts = ledger["accounts"].as_array().unwrap();
    let held = |name: &str| accounts.iter().map(|account| account[name].as_u64().unwrap()).sum::<u64>();
    let all = held("balance_micro_tokens")
        + held("stake_micro_tokens")
        + ledger["reward_pool_micro_tokens"].as_u64().unwrap();
    assert_eq!(Some(all), ledger["supply_micro_tokens"].as_u64());
    assert_eq!(u128::from(all), bench.genesis.supply().0);
    assert_eq!(ledger["state_root"], json!(bench.genesis.initial_state_root()));
}

#[actix::test]
async fn a_foreign_host_is_refused_on_loopback() {
    let bench = bench().await;
    for (host, expected) in [
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:9001", 403),
        ("localhost", 200),
        ("LOCALHOST:9001", 200),
        ("[::1]:9001", 200),
        ("127.0.0.1:9001", 200),
    ] {
        let request = format!("GET /v1/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(bench.send(&request).await.0, expected, "{host}");
    }
}

#[actix::test]
async fn blocks_and_unknown_things_are_told() {
    let bench = bench().await;
    let (status, genesis) = bench.get("/v1/blocks/0").await;
    assert_eq!((status, &genesis["id"]), (200, &json!(bench.genesis.genesis_block_hash())));
    assert_eq!(bench.get("/v1/blocks/1").await.0, 404);
    assert_eq!(bench.get("/v1/blocks?from=1&wait=0.1").await, (200, json!({"blocks": [], "next": 1})));
    assert_eq!(bench.get("/v1/blocks?from=1&wait=61").await.0, 400);
    assert_eq!(bench.get("/v1/blocks?since=1").await.0, 400);
    assert_eq!(bench.get("/v1/blocks/one").await.1["error"], "bad_request");
    assert_eq!(bench.get("/v1/blocks/latest").await, (200, genesis));
    assert_eq!(bench.get("/v1/proofs/xyz").await.1["error"], "bad_request");
    assert_eq!(bench.get(&format!("/v1/proofs/{}", Hash::ZERO)).await.1["error"], "not_found");
    assert_eq!(bench.get("/v2").await.1["error"], "not_found");
    assert_eq!(bench.get("/metrics").await.0, 404, "switched off");
    let wrong = "DELETE /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(bench.send(wrong).await.1["error"], "method_not_allowed");
}

#[actix::test]
async fn what_is_newest_is_listed_and_what_is_known_is_found_by_its_beginning() {
    let bench = bench().await;
    let (id, body) = bench.submission(GOOD);
    assert_eq!(bench.post(&body.to_string()).await.0, 202);
    let (malformed, body) = bench.submission("(assert true)\n(echo \"unsat\"\n");
    assert_eq!(bench.post(&body.to_string()).await.0, 422);
    let (status, newest) = bench.get("/v1/proofs?count=5").await;
    assert_eq!((status, &newest["under_way"][0]["proof"]), (200, &json!(id)), "{newest}");
    assert_eq!(newest["ended"][0]["proof"], json!(malformed), "{newest}");
    assert_eq!(newest["ended"][0]["refusal"]["reason"], "malformed", "{newest}");
    for (count, expected) in [("0", 400), ("101", 400), ("x", 400), ("100", 200)] {
        assert_eq!(bench.get(&format!("/v1/proofs?count={count}")).await.0, expected, "{count}");
    }
    let genesis = bench.genesis.genesis_block_hash().to_string();
    for (text, kind) in
        [(&id.to_string()[..6], "proof"), (&malformed.to_string()[..], "proof"), (&genesis[..9], "block")]
    {
        let (status, answer) = bench.get(&format!("/v1/search?q={text}")).await;
        assert_eq!((status, &answer["found"][0]["kind"]), (200, &json!(kind)), "{text}: {answer}");
        assert!(answer["found"][0]["id"].as_str().unwrap().starts_with(text), "{answer}");
    }
    assert_eq!(bench.get("/v1/search?q=0").await.1["found"], json!([{"kind": "block", "id": genesis, "sequence": 0}]));
    assert_eq!(bench.get("/v1/search?q=777777").await.1["found"], json!([]));
    assert_eq!(
        bench.get("/v1/search?q=777").await,
        (200, json!({"found": [], "more": false})),
        "a sequence all the same"
    );
    for wrong in ["", "q=", "q=abcde", "q=abcdeg", "q=%3Cscript%3E", &format!("q={}", "a".repeat(65)), "prefix=abcdef"]
    {
        let (status, answer) = bench.get(&format!("/v1/search?{wrong}")).await;
        assert_eq!((status, &answer["error"]), (400, &json!("bad_request")), "{wrong}: {answer}");
    }
}

#[actix::test]
async fn a_script_is_given_as_text_and_nothing_else() {
    let bench = bench().await;
    let (id, body) = bench.submission(GOOD);
    assert_eq!(bench.post(&body.to_string()).await.0, 202);
    let answer = bench.text(&format!("/v1/proofs/{id}/script")).await;
    assert!(answer.ends_with(GOOD) && answer.contains("content-type: text/plain"), "{answer}");
    assert!(answer.contains("x-content-type-options: nosniff") && answer.contains("sandbox"), "{answer}");
    assert_eq!(bench.get(&format!("/v1/proofs/{}/script", Hash::ZERO)).await.1["error"], "not_found");
    assert_eq!(bench.get("/v1/proofs/abc/script").await.1["error"], "bad_request");
}

#[actix::test]
async fn the_status_says_what_is_missing_and_an_actor_that_is_down_is_a_503() {
    let bench = bench().await;
    let (status, answer) = bench.get("/v1/status").await;
    assert_eq!((status, &answer["node_id"], &answer["current_view"]), (200, &json!("node_1"), &json!(1)));
    assert_eq!((&answer["has_quorum"], &answer["is_leader"]), (&json!(false), &json!(true)));
    assert_eq!(answer["reachable_stake_tokens"], 10_000);
    assert_eq!(answer["last_exit"], json!({"code": 70, "reason": "supervision gave up", "at_ms": 1_000}));
    assert!(bench.state.stop(Duration::from_secs(60)).await);
    let (status, answer) = bench.get("/v1/status").await;
    assert_eq!((status, &answer["error"]), (503, &json!("unavailable")));
    assert!(answer["message"].as_str().unwrap().contains("state did not take the message"), "{answer}");
    let (status, why) = bench.get("/v1/why").await;
    assert_eq!((status, &why["health"]["state"], &why["actors_down"]), (200, &json!("failing"), &json!(["state"])));
    assert_eq!(
        (why["pending"].is_array(), bench.get("/health").await.0, bench.get("/ready").await.0),
        (true, 503, 503)
    );
}
