//! Sets of views that mostly follow each other, as runs: how long one is costs nothing.

use crate::types::View;
use alloc::collections::BTreeMap;

/// The first and the last view of each run; no two touch each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs(BTreeMap<View, View>);

impl Runs {
    /// Cost: O(log runs).
    pub fn insert(&mut self, view: View) {
        if self.around(view).is_some() {
            return;
        }
        let before = self.around(view.previous()).filter(|(_, last)| *last < view);
        let after = view.0.checked_add(1).and_then(|next| self.around(View(next)));
        let first = before.map_or(view, |(first, _)| first);
        let last = after.map_or(view, |(_, last)| last);
        if let Some((start, _)) = after {
            self.0.remove(&start);
        }
        self.0.insert(first, last);
    }

    /// Forgets everything at or below a view.
    pub fn forget_through(&mut self, view: View) {
        let cut = self.around(view);
        self.0 = self.0.split_off(&view.next());
        if let Some((_, last)) = cut.filter(|(_, last)| *last > view) {
            self.0.insert(view.next(), last);
        }
    }

    /// The run that holds a view.
    pub fn around(&self, view: View) -> Option<(View, View)> {
        let (first, last) = self.0.range(..=view).next_back()?;
        (*last >= view).then_some((*first, *last))
    }

    /// The lowest view from `first` to `last` that is missing.
    pub fn first_missing(&self, first: View, last: View) -> Option<View> {
        let missing = match self.around(first) {
            Some((_, end)) => View(end.0.checked_add(1)?),
            None => first,
        };
        (missing <= last).then_some(missing)
    }

    /// The highest view from `first` to `last` that is missing.
    pub fn last_missing(&self, first: View, last: View) -> Option<View> {
        let missing = match self.around(last) {
            Some((start, _)) => View(start.0.checked_sub(1)?),
            None => last,
        };
        (first <= missing && missing <= last).then_some(missing)
    }

    /// All that are missing from `first` to `last`, ascending. Cost: O(log runs) for each.
    pub fn missing(&self, first: View, last: View) -> impl Iterator<Item = View> + '_ {
        let mut from = Some(first);
        core::iter::from_fn(move || {
            let missing = self.first_missing(from?, last)?;
            from = missing.0.checked_add(1).map(View);
            Some(missing)
        })
    }

    /// The highest view below one that is in here.
    pub fn last_below(&self, view: View) -> Option<View> {
        let (_, last) = self.0.range(..view).next_back()?;
        Some((*last).min(view.previous()))
    }

    /// The lowest view above one that is in here.
    pub fn next_above(&self, view: View) -> Option<View> {
        if let Some((_, last)) = self.around(view).filter(|(_, last)| *last > view) {
            return Some(View(view.0 + 1)).filter(|next| *next <= last);
        }
        let above = view.0.checked_add(1).map(View)?;
        self.0.range(above..).next().map(|(first, _)| *first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    /// Whatever order views come in, and wherever they are cut off, it answers as a plain set does.
    #[test]
    fn runs_are_the_set_that_they_stand_for() {
        for seed in 0..200u64 {
            let mut seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut next = |below: u64| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 33) % below
            };
            let (mut runs, mut plain) = (Runs::default(), BTreeSet::new());
            for _ in 0..60 {
                if next(12) == 0 {
                    let cut = View(next(40));
                    runs.forget_through(cut);
                    plain = plain.split_off(&View(cut.0 + 1));
                } else {
                    let view = View(next(40));
                    runs.insert(view);
                    plain.insert(view);
                }
                let (first, last) = (View(next(40)), View(next(40)));
                let missing: Vec<View> = (first.0..=last.0).map(View).filter(|view| !plain.contains(view)).collect();
                assert_eq!(runs.first_missing(first, last), missing.first().copied(), "{runs:?}");
                assert_eq!(runs.last_missing(first, last), missing.last().copied(), "{runs:?} {first} {last}");
                assert_eq!(runs.missing(first, last).collect::<Vec<_>>(), missing);
                let above = plain.range(View(first.0 + 1)..).next().copied();
                assert_eq!(runs.next_above(first), above, "{runs:?} {first}");
                assert_eq!(runs.last_below(first), plain.range(..first).next_back().copied(), "{runs:?} {first}");
                let touching =
                    runs.0.iter().zip(runs.0.iter().skip(1)).any(|((_, last), (first, _))| last.0 + 1 >= first.0);
                assert!(!touching, "{runs:?}");
            }
        }
    }
}
