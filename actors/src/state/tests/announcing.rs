//! The mempool hears of every final block, whenever the actor fails.

use super::*;
use crate::supervision::{Fault, Supervisor, Tree};
use protocol::mempool;
use protocol::validator::route::MempoolInput;
use std::sync::atomic::{AtomicBool, Ordering};

struct Announcing {
    genesis: Arc<Genesis>,
    database: Arc<Database>,
    way: Outlet<StateInput>,
    seat: Option<Seat<StateActor>>,
    settings: StateSettings,
    applied: UnboundedReceiver<Input>,
    finals: UnboundedReceiver<Sequence>,
    /// Whether the mempool is down.
    is_down: Arc<AtomicBool>,
}

fn announcing() -> Announcing {
    let genesis = Arc::new(genesis());
    let database = Arc::new(Database::in_memory(&genesis.chain_id()));
    let (tell, applied) = unbounded_channel();
    let (announce, finals) = unbounded_channel();
    let is_down = Arc::new(AtomicBool::new(false));
    let down = is_down.clone();
    let mempool = Outlet::new(move |step| match step {
        step if down.load(Ordering::SeqCst) => Some(step),
        Step::Input(MempoolInput::Step(mempool::Input::Final { sequence, .. })) => {
            announce.send(sequence).unwrap();
            None
        }
        other => panic!("{other:?}"),
    });
    let consensus = Outlet::new(move |step| match step {
        Step::Input(input) => tell.send(input).err().map(|error| Step::Input(error.0)),
        other => Some(other),
    });
    let waiting = Waiting::default();
    let (state, seat) = reserve::<StateActor>(Spec::new("state"));
    let way = waiting.before(&state);
    let settings = StateSettings {
        waiting,
        database: database.clone(),
        set: Arc::new(genesis.validator_set()),
        genesis: genesis.clone(),
        routes: Routes { mempool, consensus, ..Routes::nowhere(ValidatorIndex(0)) },
        links: Links::none(),
        heads: Arc::new(watch::channel(Sequence(0)).0),
        accuracy: Arc::default(),
        published: Arc::default(),
        exit: Arc::new(|exit| panic!("{}", exit.reason)),
    };
    Announcing { genesis, database, way, seat: Some(seat), settings, applied, finals, is_down }
}

impl Announcing {
    fn start(&mut self) -> Tree {
        let (seat, settings) = (self.seat.take().unwrap(), self.settings.clone());
        let child = seat.fill(move || StateActor::new(settings.clone()));
        Supervisor::new("root").child(child).start(Arc::new(|exit| panic!("{}", exit.reason))).unwrap()
    }

    fn apply(&self, blocks: &[FinalBlock]) {
        let commit = commit(blocks.last().unwrap());
        self.way.send(StateInput::Apply { blocks: blocks.to_vec(), commit }).unwrap();
    }

    async fn applied(&mut self, sequence: u64) {
        while self.applied.recv().await != Some(Input::Applied(Sequence(sequence))) {}
    }

    async fn finals(&mut self, expected: &[u64]) {
        for sequence in expected {
            let heard = tokio::time::timeout(LONG, self.finals.recv()).await;
            assert_eq!(heard.expect("the mempool hears of it"), Some(Sequence(*sequence)));
        }
    }
}

#[actix::test]
async fn what_the_mempool_did_not_take_is_announced_by_the_next_incarnation_and_then_no_more() {
    let mut bench = announcing();
    let blocks = chain(&bench.genesis, 4);
    let tree = bench.start();
    bench.applied(0).await;
    bench.apply(&blocks[..1]);
    bench.applied(1).await;
    bench.finals(&[1]).await;
    bench.is_down.store(true, Ordering::SeqCst);
    bench.apply(&blocks[1..3]);
    bench.applied(3).await;
    tree.inject("state", Fault::Panic, LONG).await.unwrap();
    bench.is_down.store(false, Ordering::SeqCst);
    bench.finals(&[2, 3]).await;
    tree.inject("state", Fault::Panic, LONG).await.unwrap();
    bench.apply(&blocks[3..]);
    bench.finals(&[4]).await;
    tree.stop().await;
}

/// The actor failed after the write that it had asked for was durable, and before it heard so.
#[actix::test]
async fn what_an_incarnation_wrote_and_did_not_come_to_announce_is_announced_by_the_next() {
    for (waiting, all) in [(2, [1, 2].as_slice()), (3, &[1, 2, 3])] {
        let mut bench = announcing();
        let blocks = chain(&bench.genesis, waiting);
        bench.apply(&blocks[..2]);
        append(&bench.database, blocks[..2].to_vec());
        if waiting == 3 {
            bench.apply(&blocks[2..]);
        }
        let tree = bench.start();
        bench.finals(all).await;
        bench.applied(waiting).await;
        tree.stop().await;
    }
}
