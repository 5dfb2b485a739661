//! Whether a fault that is due may be done now: pure. A schedule says when at the earliest; what is under way decides.

use super::schedule::Entry;
use super::target::Part;
use protocol::quorum::ValidatorSet;
use protocol::types::{Stake, ValidatorIndex};

/// What is to be done with a fault that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Now,
    /// As soon as what is in its way is over.
    Later,
    /// What it is meant for is not there to be hit.
    Never(String),
}

/// What is under way.
#[derive(Debug, Default)]
pub struct UnderWay<'a> {
    /// Faults that were done and are not over.
    pub faults: Vec<&'a Entry>,
    /// Validators whose process is out, for whatever reason.
    pub out: Vec<(&'a str, ValidatorIndex)>,
}

/// At most one hang or block in the network at a time; no more processes out than a quorum can miss; nothing is done to
/// what is out already.
pub fn decide(
    entry: &Entry,
    under_way: &UnderWay,
    set: &ValidatorSet,
    beyond_tolerance: bool,
    node: ValidatorIndex,
) -> Decision {
    let is_out = |name: &str| under_way.out.iter().any(|(out, _)| *out == name);
    let same_node = |other: &&&Entry| other.target.node == entry.target.node;
    if entry.fault.is_stall() && under_way.faults.iter().any(|other| other.fault.is_stall()) {
        return Decision::Later;
    }
    if entry.takes_the_process() && !beyond_tolerance {
        let missing = under_way.out.iter().map(|(_, index)| *index).chain([node]);
        let missing: std::collections::BTreeSet<_> = missing.collect();
        let left = Stake(set.total().0.saturating_sub(set.stake_of(missing).0));
        if !set.is_quorum(left) {
            return Decision::Later;
        }
    }
    match &entry.target.part {
        Part::Process if is_out(&entry.target.node) => Decision::Later,
        Part::Worker | Part::Actor(_) if is_out(&entry.target.node) => {
            Decision::Never(format!("the process of {} was out", entry.target.node))
        }
        // A fault that is cut short by the end of its process would look like one that ended it.
        Part::Process if under_way.faults.iter().any(|other| same_node(&other)) => Decision::Later,
        Part::Process => Decision::Now,
        Part::Worker | Part::Actor(_) => {
            let before = under_way.faults.iter().filter(same_node).find(|other| other.target.part == entry.target.part);
            before.map_or(Decision::Now, |other| Decision::Never(format!("the {} before was not over", other.fault)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::target::{Fault, Target};
    use protocol::quorum::Validator;
    use protocol::types::{Epoch, Hash, Millis, NodeId, PublicKey};

    fn set(count: u8) -> ValidatorSet {
        let validator = |number: u8| Validator {
            node_id: NodeId::new(&format!("node_{number}")).unwrap(),
            key: PublicKey([number; 32]),
            stake: Stake(1),
        };
        ValidatorSet::new(Hash([9; 32]), Epoch(0), (1..=count).map(validator).collect()).unwrap()
    }

    fn entry(target: &str, fault: Fault) -> Entry {
        Entry { at: Millis(0), target: Target::try_from(target.to_owned()).unwrap(), fault, hold: None }
    }

    fn decision(entry: &Entry, faults: &[&Entry], out: &[(&str, u16)], validators: u8, beyond: bool) -> Decision {
        let number: u16 = entry.target.node.strip_prefix("node_").unwrap().parse().unwrap();
        let out = out.iter().map(|(name, index)| (*name, ValidatorIndex(*index))).collect();
        let under_way = UnderWay { faults: faults.to_vec(), out };
        decide(entry, &under_way, &set(validators), beyond, ValidatorIndex(number - 1))
    }

    #[test]
    fn one_hang_or_block_at_a_time_in_the_whole_network() {
        let (hang, block) = (entry("node_1/state", Fault::Hang), entry("node_2/mempool", Fault::Block));
        let panic = entry("node_3/mempool", Fault::Panic);
        assert_eq!(decision(&block, &[&hang], &[], 4, false), Decision::Later);
        assert_eq!(decision(&block, &[&panic], &[], 4, false), Decision::Now);
        assert_eq!(decision(&panic, &[&hang], &[], 4, false), Decision::Now);
    }

    #[test]
    fn no_more_processes_are_out_than_a_quorum_can_miss() {
        let kill = entry("node_1", Fault::Kill);
        assert_eq!(decision(&kill, &[], &[], 4, false), Decision::Now);
        assert_eq!(decision(&kill, &[], &[("node_2", 1)], 4, false), Decision::Later);
        assert_eq!(decision(&kill, &[], &[("node_2", 1)], 7, false), Decision::Now);
        assert_eq!(decision(&kill, &[], &[("node_2", 1)], 4, true), Decision::Now, "the schedule says so");
        assert_eq!(decision(&kill, &[], &[("node_1", 0)], 4, true), Decision::Later, "it is out itself");
        assert_eq!(decision(&kill, &[], &[], 3, false), Decision::Later, "three tolerate none");
        let block = entry("node_1/consensus", Fault::Block);
        assert_eq!(decision(&block, &[], &[("node_2", 1)], 4, false), Decision::Later, "it takes its process");
    }

    #[test]
    fn a_process_is_not_hit_while_something_in_it_is_under_way() {
        let (kill, hang) = (entry("node_1", Fault::Kill), entry("node_1/state", Fault::Hang));
        assert_eq!(decision(&kill, &[&hang], &[], 4, false), Decision::Later);
        assert_eq!(decision(&kill, &[&entry("node_2/state", Fault::Hang)], &[], 4, false), Decision::Now);
    }

    #[test]
    fn what_is_out_is_not_hit_again() {
        let panic = entry("node_1/mempool", Fault::Panic);
        let never = |decision| matches!(decision, Decision::Never(_));
        assert!(never(decision(&panic, &[], &[("node_1", 0)], 4, false)));
        assert!(never(decision(&panic, &[&entry("node_1/mempool", Fault::Hang)], &[], 4, false)));
        assert_eq!(decision(&panic, &[&entry("node_1/state", Fault::Panic)], &[], 4, false), Decision::Now);
        assert_eq!(decision(&panic, &[&entry("node_2/mempool", Fault::Hang)], &[], 4, false), Decision::Now);
    }
}
