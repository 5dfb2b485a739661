//! Directed cases: a world in which nothing happens by chance but delays, told step by step what goes wrong.

use super::World;
use super::queue::Event;
use crate::check::Broken;
use crate::random::Random;
use crate::scenario::Scenario;
use protocol::consensus::events::Record;
use protocol::consensus::view::Snapshot;
use protocol::message::Message;
use protocol::types::{Hash, Millis, ValidatorIndex};

/// Whether a message passes: from, to, and what it says.
pub type Filter = Box<dyn FnMut(ValidatorIndex, ValidatorIndex, &Message) -> bool>;

/// How long after the start the case begins: sessions are open and everybody signs.
const STARTED: Millis = Millis(1_500);

impl World {
    /// A network with these stakes, without losses, in which every validator has started.
    ///
    /// # Errors
    /// The rule that was broken meanwhile.
    pub fn directed(stakes: &[u64], seed: u64) -> Result<World, Broken> {
        Self::directed_with(stakes, seed, |_| {})
    }

    /// The same in a scenario that differs.
    ///
    /// # Errors
    /// The rule that was broken meanwhile.
    pub fn directed_with(stakes: &[u64], seed: u64, differs: impl FnOnce(&mut Scenario)) -> Result<World, Broken> {
        let mut world = Self::set_up(stakes, seed, differs);
        world.run_for(STARTED)?;
        Ok(world)
    }

    fn set_up(stakes: &[u64], seed: u64, differs: impl FnOnce(&mut Scenario)) -> World {
        let mut random = Random::new(seed);
        let mut scenario = Scenario::with_stakes(&mut random, stakes);
        (scenario.loss_per_mille, scenario.duplication_per_mille) = (0, 0);
        scenario.delay_ms.iter_mut().flatten().for_each(|delay| *delay = 5);
        scenario.jitter_ms = 1;
        scenario.pace.timeout_max = Millis(2_000);
        scenario.block_size_max = 10;
        differs(&mut scenario);
        World::with(scenario, random, false)
    }

    /// The same, but these have never started.
    ///
    /// # Errors
    /// The rule that was broken meanwhile.
    pub fn directed_without(absent: &[ValidatorIndex], stakes: &[u64], seed: u64) -> Result<World, Broken> {
        let mut world = Self::set_up(stakes, seed, |_| {});
        world.queue.retain(|queued| !matches!(&queued.event, Event::Start { node, .. } if absent.contains(node)));
        world.run_for(STARTED)?;
        Ok(world)
    }

    /// # Errors
    /// The first rule that was broken.
    pub fn run_for(&mut self, span: Millis) -> Result<(), Broken> {
        let end = self.now.saturating_add(span);
        while self.queue.peek().is_some_and(|next| next.at <= end) {
            self.step()?;
        }
        self.now = end;
        Ok(())
    }

    /// From here on only what passes this arrives.
    pub fn filter(&mut self, filter: Filter) {
        self.filter = Some(filter);
    }

    pub fn unfilter(&mut self) {
        self.filter = None;
    }

    /// Ends a validator, between two syncs or in one.
    pub fn down(&mut self, node: ValidatorIndex) {
        self.crash(node);
    }

    /// # Errors
    /// If its log lacks what it sent.
    pub fn up(&mut self, node: ValidatorIndex) -> Result<(), Broken> {
        self.start(node, false)
    }

    /// Changes the vote log of a validator that is down.
    pub fn edit_log(&mut self, node: ValidatorIndex, edit: impl FnOnce(&mut Vec<Record>)) {
        edit(&mut self.node_mut(node).disk.log);
    }

    /// How often vote logs were shortened.
    pub fn shortened(&self) -> u64 {
        self.figures.shortened
    }

    /// As if a validator's view timer had run out.
    ///
    /// # Errors
    /// The first rule that was broken.
    pub fn give_up(&mut self, node: ValidatorIndex) -> Result<(), Broken> {
        let now = self.now;
        self.node_mut(node).give_up(now);
        self.carry_out(node)
    }

    /// As if a validator that has just proposed voted ViewChange at once.
    ///
    /// # Errors
    /// The first rule that was broken.
    pub fn give_up_as_leader(&mut self, node: ValidatorIndex) -> Result<(), Broken> {
        let leads = {
            let now = self.at(node);
            now.leader == node && now.prepares.contains(&node)
        };
        if leads { self.give_up(node) } else { Ok(()) }
    }

    /// Hands the next proof that everybody confirms to a validator.
    ///
    /// # Errors
    /// The first rule that was broken.
    pub fn give(&mut self, node: ValidatorIndex) -> Result<Hash, Broken> {
        loop {
            let item = self.scenario.catalogue.at(self.submissions.next).ok_or("the catalogue has no more proofs")?;
            let (now, proof, uncontested) = (self.now, item.id, item.is_uncontested());
            self.submissions.next += 1;
            if uncontested {
                self.node_mut(node).submit(now, proof);
                self.carry_out(node)?;
                return Ok(proof);
            }
        }
    }

    pub fn is_final(&self, proof: &Hash) -> bool {
        self.chain.is_final(proof)
    }

    /// # Panics
    /// If it is down.
    pub fn at(&self, node: ValidatorIndex) -> Snapshot {
        self.node(node).running.as_ref().expect("it runs").consensus.snapshot_now()
    }
}
