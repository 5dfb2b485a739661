//! Worlds with a bad validator in them: what it says passes through its behaviour, and the others are held to the rules.

use super::ending::Ending;
use super::{Event, World};
use crate::bad::{Bad, Behaviour, Hand};
use crate::check::Broken;
use crate::clocks::WrongClock;
use crate::faults;
use crate::random::Random;
use crate::scenario::Scenario;
use protocol::message::{Message, Testimony};
use protocol::types::{Hash, Millis, ValidatorIndex};
use protocol::verify::Verified;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is wrong with one validator of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Bad(Bad),
    /// It is honest, and its wall clock is wrong.
    Clock(WrongClock),
}

/// The bad validator of a run.
pub(super) struct Liar {
    hand: Hand,
    behaviour: Box<dyn Behaviour>,
}

/// As few as can do with a bad one.
pub const FEW: usize = 4;

/// Proofs are handed in from here to there, to honest validators only.
const HANDED_IN_MS: std::ops::RangeInclusive<u64> = 1_000..=21_000;

/// When a lossy network loses no more: proofs that everybody confirms have long ended, the others may wait for it.
const HEALED: Millis = Millis(40_000);

/// Of a thousand proofs, how many more are contested by one honest validator.
const CONTESTED_PER_MILLE: u64 = 150;

impl World {
    /// So many validators at loopback latencies, without faults, and something wrong with one of them, which the seed chooses.
    /// What is handed in, when and to whom does not depend on it.
    pub fn at_loopback(seed: u64, validators: usize, wrong: Option<Wrong>, trace: bool) -> World {
        let mut random = Random::new(seed);
        let (mut scenario, who) = scenario(&mut random, validators);
        let bad = match wrong {
            Some(Wrong::Bad(bad)) => Some(bad),
            Some(Wrong::Clock(clock)) => {
                scenario.jumps = clock.jumps(who);
                // Its vote may be missing, as that of a bad one.
                let set = scenario.set.clone();
                scenario.catalogue.distrust(&set, who);
                None
            }
            None => None,
        };
        let mut world = World::deceived(scenario.at_loopback(), random, who, bad, trace);
        let others = world.scenario.validators().filter(|index| *index != who).collect();
        world.hand_in_for_a_while(seed, others);
        world
    }

    /// So many equal validators at loopback latencies, of whose messages so many in a thousand are lost until [`HEALED`], long
    /// after the last proof was handed in.
    pub fn lossy(seed: u64, validators: usize, per_mille: u64, trace: bool) -> World {
        let mut random = Random::new(seed);
        let mut scenario = Scenario::with_stakes(&mut random, &vec![10; validators]).at_loopback();
        scenario.loss_per_mille = per_mille;
        let mut world = World::with(scenario, random, trace);
        world.heal_at = HEALED;
        world.schedule(HEALED, Event::Heal);
        let everybody = world.scenario.validators().collect();
        world.hand_in_for_a_while(seed, everybody);
        world
    }

    /// Plans which proof is handed to whom, and when: by the seed alone.
    fn hand_in_for_a_while(&mut self, seed: u64, to: Vec<ValidatorIndex>) {
        let mut random = Random::new(!seed);
        let mut at = *HANDED_IN_MS.start();
        for number in 0.. {
            at += random.within(self.scenario.submission_ms.clone());
            if at > *HANDED_IN_MS.end() {
                break;
            }
            self.schedule(Millis(at), Event::HandIn(*random.pick(&to), number));
        }
        self.schedule(Millis(at), Event::HandedIn);
        self.schedule(Millis(at), Event::Look);
    }

    /// The usual faults beside a bad validator among four. Whatever is left of the network, no rule may be broken.
    pub fn with_bad_and_faults(seed: u64, bad: Bad, trace: bool) -> World {
        let mut random = Random::new(seed);
        let (scenario, who) = scenario(&mut random, FEW);
        let faults = faults::schedule(&scenario, &mut random);
        let mut world = World::deceived(scenario, random, who, Some(bad), trace);
        world.ending = Ending::Whatever;
        world.schedule_faults(faults);
        world
    }

    fn deceived(scenario: Scenario, random: Random, who: ValidatorIndex, bad: Option<Bad>, trace: bool) -> World {
        let scenario = if bad.is_some() { scenario.with_bad(who) } else { scenario };
        let mut world = World::with(scenario, random, trace);
        world.liar = bad.map(|bad| Liar {
            hand: Hand::new(who, world.scenario.clone(), world.node(who).disk.database.clone()),
            behaviour: bad.behaviour(),
        });
        world
    }

    pub(super) fn is_bad(&self, node: ValidatorIndex) -> bool {
        self.scenario.bad == Some(node)
    }

    /// How long each proof that everybody confirms waited, from when it was handed to an honest validator until it was
    /// final there.
    pub fn waits(&self) -> &BTreeMap<Hash, Millis> {
        &self.submissions.waits
    }

    /// Sends what the bad validator says in place of a message. What nobody would accept is not sent: it would be
    /// dropped where it arrives, and the session with it.
    pub(super) fn lie(&mut self, to: ValidatorIndex, message: Message) -> Result<(), Broken> {
        let Some(liar) = &mut self.liar else { return Ok(()) };
        liar.hand.note(&message);
        let said = liar.behaviour.say(&liar.hand, to, message.clone());
        let from = liar.hand.me;
        self.figures.lies += u64::from(said != [message]);
        for message in said {
            let Ok(verified) = self.verify(message) else { continue };
            // A certificate is none of its own: whoever sends it, it has to hold.
            self.votes.sending(from, &verified)?;
            self.under_way(from, to, &Arc::new(verified));
        }
        Ok(())
    }

    /// What a validator hears: the real code of a bad one never hears of votes in its name that it does not know, or it
    /// would stop to vote, as R12 says.
    pub(super) fn overheard(
        &mut self,
        node: ValidatorIndex,
        from: ValidatorIndex,
        message: Arc<Verified<Message>>,
    ) -> Arc<Verified<Message>> {
        let Some(liar) = self.liar.as_mut().filter(|liar| liar.hand.me == node) else { return message };
        liar.hand.note(&message);
        liar.behaviour.hear(from, &message);
        if let Message::Testimony(testimony) = &**message {
            let deaf = Message::Testimony(Testimony { yours: Vec::new(), ..testimony.clone() });
            return self.verify(deaf).map_or(message.clone(), Arc::new);
        }
        message
    }

    pub(super) fn hand_in(&mut self, node: ValidatorIndex, number: usize) -> Result<(), Broken> {
        let Some(item) = self.scenario.catalogue.at(number) else { return Ok(()) };
        let (now, proof) = (self.now, item.id);
        if item.is_uncontested() {
            self.submissions.handed.insert(proof, (node, now));
        }
        self.log(|| format!("{node} is given proof {proof:?}"));
        self.node_mut(node).submit(now, proof);
        self.carry_out(node)
    }

    /// A proof is final at a validator: who handed it in there has waited long enough.
    pub(super) fn answered(&mut self, by: ValidatorIndex, proof: Hash) {
        if let Some((_, since)) = self.submissions.handed.get(&proof).filter(|(at, _)| *at == by) {
            self.submissions.waits.insert(proof, self.now.since(*since));
        }
    }
}

fn scenario(random: &mut Random, validators: usize) -> (Scenario, ValidatorIndex) {
    let mut scenario = Scenario::with_stakes(random, &vec![10; validators]);
    let who = ValidatorIndex(random.below(validators as u64) as u16);
    let set = scenario.set.clone();
    scenario.catalogue.contest(&set, random, CONTESTED_PER_MILLE, who);
    (scenario, who)
}
