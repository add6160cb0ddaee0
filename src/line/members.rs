//! The connections of one device.
//!
//! Real devices have five at most, and every answer asks something of all of them: so they stand side by side, in the
//! order of their numbers.

use super::member::Member;
use crate::endpoint::ConnectionId;

/// Up to so many are looked through one by one.
const FEW: usize = 8;

/// Connections by number.
#[derive(Debug, Default)]
pub(super) struct Members(Vec<Member>);

impl Members {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Member> {
        self.0.get(self.index(id)?)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Member> {
        let index = self.index(id)?;
        self.0.get_mut(index)
    }

    /// Adds a connection, in place of the one with the same number.
    pub(super) fn insert(&mut self, member: Member) {
        match self.0.binary_search_by_key(&member.id, |known| known.id) {
            Ok(index) => self.0[index] = member,
            Err(index) => self.0.insert(index, member),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.0.iter_mut()
    }

    /// Keeps those that `keep` says yes to.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Member) -> bool) {
        self.0.retain(keep);
    }

    fn index(&self, id: ConnectionId) -> Option<usize> {
        if self.0.len() <= FEW {
            self.0.iter().position(|member| member.id == id)
        } else {
            self.0.binary_search_by_key(&id, |member| member.id).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn few_and_many_are_found_alike() {
        let member = |id| Member::new(ConnectionId(id), Timestamp::default(), Timestamp::default());
        let mut members = Members::default();
        for id in [5, 3, 9, 1, 7, 20, 11, 15, 13, 17, 3] {
            members.insert(member(id));
            assert!((0..30).all(|id| members.get(ConnectionId(id)).is_none_or(|found| found.id.0 == id)));
            assert!(members.get(ConnectionId(id)).is_some() && members.get_mut(ConnectionId(2)).is_none());
        }
        members.retain(|member| member.id.0 > 9);
        assert_eq!(members.iter().map(|member| member.id.0).collect::<Vec<_>>(), [11, 13, 15, 17, 20]);
    }
}
