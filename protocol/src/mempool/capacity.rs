//! What each source takes of the mempool's capacity, and who must give way to whom.
//!
//! Must never: let a source, all submitters together or the whole pass its limit, but for what consensus needs, which has a
//! bounded reserve of its own.

use super::events::{Limits, Refusal, Source};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;

/// Above the limits there is room for this much that a proposal needs.
pub const NEEDED_PROOFS_MAX: usize = 1_000;
pub const NEEDED_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub proofs: usize,
    pub bytes: u64,
}

impl Usage {
    fn with(self, size: u64) -> Usage {
        Usage { proofs: self.proofs + 1, bytes: self.bytes.saturating_add(size) }
    }

    fn without(self, size: u64) -> Usage {
        Usage { proofs: self.proofs.saturating_sub(1), bytes: self.bytes.saturating_sub(size) }
    }

    fn within(self, proofs_max: usize, bytes_max: u64) -> bool {
        self.proofs <= proofs_max && self.bytes <= bytes_max
    }
}

/// What is bounded: one source, all submitters together, everything.
#[derive(Debug, Clone, Copy)]
enum Bound {
    Source(Source),
    Api,
    All,
}

impl Bound {
    fn covers(self, other: Source) -> bool {
        match (self, other) {
            (Bound::Source(source), other) => source == other,
            (Bound::Api, Source::Submitter(_)) | (Bound::All, Source::Submitter(_) | Source::Peer(_)) => true,
            (Bound::Api, Source::Peer(_)) => false,
        }
    }
}

/// A held proof that may be displaced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Displaceable {
    pub arrival: u64,
    pub source: Source,
    pub size: u64,
}

/// The limits, and what is taken of them.
#[derive(Debug, Clone)]
pub(super) struct Capacity {
    limits: Limits,
    by_source: BTreeMap<Source, Usage>,
    /// Of all submitters together.
    api: Usage,
    total: Usage,
}

impl Capacity {
    pub(super) fn new(limits: Limits) -> Capacity {
        Capacity { limits, by_source: BTreeMap::new(), api: Usage::default(), total: Usage::default() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn total(&self) -> Usage {
        self.total
    }

    /// Of all submitters together.
    pub(super) fn api(&self) -> Usage {
        self.api
    }

    pub(super) fn of(&self, source: Source) -> Usage {
        self.by_source.get(&source).copied().unwrap_or_default()
    }

    /// Counts a proof in, whatever the limits are.
    pub(super) fn take(&mut self, source: Source, size: u64) {
        let usage = self.by_source.entry(source).or_default();
        *usage = usage.with(size);
        if Bound::Api.covers(source) {
            self.api = self.api.with(size);
        }
        self.total = self.total.with(size);
    }

    /// Counts out one that was counted in.
    pub(super) fn free(&mut self, source: Source, size: u64) {
        if Bound::Api.covers(source) {
            self.api = self.api.without(size);
        }
        self.total = self.total.without(size);
        if let Some(usage) = self.by_source.get_mut(&source) {
            *usage = usage.without(size);
            if usage.proofs == 0 {
                self.by_source.remove(&source);
            }
        }
    }

    /// The arrivals of those that must go so that one more of this size from this source fits: the oldest, of which
    /// `displaceable` gives them first. It is read only as far as that takes.
    ///
    /// # Errors
    /// [`Refusal::SourceFull`], [`Refusal::ShareFull`] or [`Refusal::Full`] if even that does not free enough capacity.
    pub(super) fn displaced_by(
        &self,
        source: Source,
        size: u64,
        needed: bool,
        displaceable: impl Iterator<Item = Displaceable> + Clone,
    ) -> Result<BTreeSet<u64>, Refusal> {
        let bounds = [Bound::Source(source), Bound::Api, Bound::All];
        let mut usages = bounds.map(|bound| {
            let usage = self.within(bound);
            if bound.covers(source) { usage.with(size) } else { usage }
        });
        let fits = |bound: Bound, usage: Usage| !bound.covers(source) || self.fits(bound, usage);
        let mut gone = BTreeSet::new();
        for turn in 0..bounds.len() {
            let mut next = displaceable.clone();
            while !fits(bounds[turn], usages[turn]) {
                let Some(one) = next.next() else { break };
                if !bounds[turn].covers(one.source) || !gone.insert(one.arrival) {
                    continue;
                }
                for (bound, usage) in bounds.iter().zip(&mut usages) {
                    if bound.covers(one.source) {
                        *usage = usage.without(one.size);
                    }
                }
            }
        }
        let broken = bounds.into_iter().zip(usages).find(|(bound, usage)| !fits(*bound, *usage));
        let [.., total] = usages;
        match broken {
            Some((bound, _)) if !(needed && self.has_reserve(total)) => Err(self.refusal(bound, size)),
            Some(_) | None => Ok(gone),
        }
    }

    /// Whether what consensus needs still has its place.
    fn has_reserve(&self, total: Usage) -> bool {
        let Limits { proofs_max, bytes_max, .. } = self.limits;
        total.within(proofs_max + NEEDED_PROOFS_MAX, bytes_max.saturating_add(NEEDED_BYTES_MAX))
    }

    fn within(&self, bound: Bound) -> Usage {
        match bound {
            Bound::Source(source) => self.of(source),
            Bound::Api => self.api,
            Bound::All => self.total,
        }
    }

    fn fits(&self, bound: Bound, usage: Usage) -> bool {
        let limits = &self.limits;
        match bound {
            Bound::Source(_) => usage.within(limits.source_proofs_max, limits.source_bytes_max),
            Bound::Api => usage.within(limits.api_proofs_max, limits.api_bytes_max),
            Bound::All => usage.within(limits.proofs_max, limits.bytes_max),
        }
    }

    fn refusal(&self, bound: Bound, size: u64) -> Refusal {
        let Usage { proofs, bytes } = self.within(bound);
        let Limits { proofs_max, bytes_max, .. } = self.limits;
        match bound {
            Bound::Source(source) => Refusal::SourceFull {
                from: source.to_string(),
                proofs,
                proofs_max: self.limits.source_proofs_max,
                bytes,
                bytes_max: self.limits.source_bytes_max,
                size,
            },
            Bound::Api => Refusal::ShareFull {
                proofs,
                proofs_max: self.limits.api_proofs_max,
                bytes,
                bytes_max: self.limits.api_bytes_max,
                size,
            },
            Bound::All => Refusal::Full { proofs, proofs_max, bytes, bytes_max, size },
        }
    }

    /// What is counted is what is there.
    #[cfg(test)]
    pub(super) fn assert_books(&self, held: &[(Source, u64)]) {
        let sum = |bound: Bound| {
            let covered = held.iter().filter(|(source, _)| bound.covers(*source));
            covered.fold(Usage::default(), |usage, (_, size)| usage.with(*size))
        };
        assert_eq!((self.api, self.total), (sum(Bound::Api), sum(Bound::All)));
        assert!(self.by_source.iter().all(|(source, usage)| *usage == sum(Bound::Source(*source))));
    }
}
