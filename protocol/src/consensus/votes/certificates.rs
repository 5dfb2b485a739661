//! The certificates that still matter: Prepare and ViewChange above the last commit, and the highest Commit.

use super::runs::Runs;
use crate::certificate::Certificate;
use crate::types::{Hash, View};
use crate::vote::VoteKind;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A view may have both a Prepare and a ViewChange certificate; a later leader may build on its block or pass over it.
#[derive(Debug, Default)]
pub struct Certificates {
    prepares: BTreeMap<View, Certificate>,
    view_changes: BTreeMap<View, Certificate>,
    commit: Option<Certificate>,
    /// The views above the highest Commit's of which it is known how they ended; and those of them with a ViewChange certificate.
    ended: Runs,
    given_up: Runs,
}

impl Certificates {
    /// Whether it is new and still matters. Prepare certificates are kept from the highest Commit's own view on, since
    /// the child of its block includes those votes.
    pub fn insert(&mut self, certificate: &Certificate) -> bool {
        let view = certificate.view();
        let places = match certificate.kind() {
            VoteKind::Prepare if view >= self.commit_view() => &mut self.prepares,
            VoteKind::ViewChange if view > self.commit_view() => &mut self.view_changes,
            VoteKind::Commit if view > self.commit_view() => {
                self.commit = Some(certificate.clone());
                self.prepares = self.prepares.split_off(&view);
                self.view_changes = self.view_changes.split_off(&view.next());
                self.ended.forget_through(view);
                self.given_up.forget_through(view);
                return true;
            }
            VoteKind::Prepare | VoteKind::ViewChange | VoteKind::Commit => return false,
        };
        if places.contains_key(&view) {
            return false;
        }
        places.insert(view, certificate.clone());
        if view > self.commit_view() {
            self.ended.insert(view);
            if certificate.kind() == VoteKind::ViewChange {
                self.given_up.insert(view);
            }
        }
        true
    }

    /// The lowest views above the highest Commit's, and below this one, of which it is not known how they ended: the first and the
    /// last of them.
    pub fn gap(&self, below: View) -> Option<(View, View)> {
        let first = self.ended.first_missing(self.commit_view().next(), below.previous())?;
        let end = self.ended.next_above(first).map_or(below, |end| end.min(below));
        Some((first, end.previous()))
    }

    /// The first and the last view above one and below another that have no ViewChange certificate here.
    pub fn not_given_up(&self, above: View, below: View) -> Option<(View, View)> {
        let (first, last) = (View(above.0.saturating_add(1)), below.previous());
        Some((self.given_up.first_missing(first, last)?, self.given_up.last_missing(first, last)?))
    }

    /// The highest view below one that has no ViewChange certificate; every view between has.
    pub fn last_not_given_up(&self, below: View) -> View {
        let last = below.previous();
        self.given_up.around(last).map_or(last, |(first, _)| first.previous())
    }

    /// The highest view below one of which it is known how it ended, the highest Commit's own at least.
    pub fn last_ended(&self, below: View) -> View {
        self.ended.last_below(below).unwrap_or(View(0)).max(self.commit_view())
    }

    /// Views in a row without a Prepare certificate, up to the one before this one.
    pub fn failures(&self, below: View) -> u64 {
        let prepared = self.highest_prepare().map_or(View(0), Certificate::view).max(self.commit_view());
        below.previous().0.saturating_sub(prepared.0)
    }

    /// Prepare certificates of the views from `first` to `last`, the highest first.
    pub fn prepares_down(&self, first: View, last: View) -> impl Iterator<Item = &Certificate> {
        let range = (first <= last).then(|| self.prepares.range(first..=last));
        range.into_iter().flatten().rev().map(|(_, certificate)| certificate)
    }

    /// How many blocks are prepared above the highest Commit.
    pub fn prepared_count(&self) -> usize {
        self.prepares.len() - usize::from(self.prepares.contains_key(&self.commit_view()))
    }

    pub fn commit(&self) -> Option<&Certificate> {
        self.commit.as_ref()
    }

    pub fn commit_view(&self) -> View {
        self.commit.as_ref().map_or(View(0), Certificate::view)
    }

    pub fn prepare(&self, view: View) -> Option<&Certificate> {
        self.prepares.get(&view)
    }

    /// The highest Prepare certificate above the highest Commit's view.
    pub fn highest_prepare(&self) -> Option<&Certificate> {
        let highest = self.prepares.last_key_value().map(|(_, certificate)| certificate);
        highest.filter(|certificate| certificate.view() > self.commit_view())
    }

    pub fn prepares_above_commit(&self) -> impl Iterator<Item = &Certificate> {
        self.prepares.range(self.commit_view().next()..).map(|(_, certificate)| certificate)
    }

    pub fn view_changes(&self) -> impl Iterator<Item = &Certificate> {
        self.view_changes.values()
    }

    pub fn view_change(&self, view: View) -> Option<&Certificate> {
        self.view_changes.get(&view)
    }

    pub fn highest_view_change(&self) -> View {
        self.view_changes.last_key_value().map_or(View(0), |(view, _)| *view)
    }

    /// Whether this exact block was prepared in this view, as far as I know.
    pub fn is_prepared(&self, view: View, block: &Hash) -> bool {
        self.prepare(view).is_some_and(|certificate| certificate.block() == Some(*block))
    }

    /// Any certificate that ends this view.
    pub fn ending(&self, view: View) -> Option<&Certificate> {
        self.commit()
            .filter(|commit| commit.view() == view)
            .or_else(|| self.prepare(view))
            .or_else(|| self.view_change(view))
    }

    /// Those of one kind in a range of views, ascending, at most `max`.
    pub fn range(&self, kind: VoteKind, from: View, to: View, max: usize) -> Vec<Certificate> {
        if from > to {
            return Vec::new();
        }
        match kind {
            VoteKind::Prepare => self.prepares.range(from..=to).take(max).map(|(_, one)| one.clone()).collect(),
            VoteKind::ViewChange => self.view_changes.range(from..=to).take(max).map(|(_, one)| one.clone()).collect(),
            VoteKind::Commit => {
                self.commit.iter().filter(|commit| (from..=to).contains(&commit.view())).cloned().collect()
            }
        }
    }
}
