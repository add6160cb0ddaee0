//! The connections of one device.
//!
//! Every answer asks something of all of them: how many there are of each kind is counted, so that an attacker's many
//! cost no more than the five that real devices have.

use super::member::{Member, Standing};
use super::slab::{At, Slab};
use crate::endpoint::ConnectionId;
use crate::limits::COPIES;
use crate::time::Timestamp;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Connections, each in a place that it keeps.
#[derive(Debug, Default)]
pub(super) struct Members {
    slab: Slab<Member>,
    by_id: FxHashMap<ConnectionId, At>,
    alive: usize,
    /// How many were seen to get copies.
    proven: usize,
    /// Those that copies are to be waited for on, by when they were opened; at most [`COPIES`].
    expecting: BTreeSet<(Timestamp, At)>,
    /// One of those has left them since [`Members::take_relief`].
    relief: bool,
}

impl Members {
    /// How many there are, those included that have ended and are not forgotten yet.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many have not ended.
    pub(super) fn alive(&self) -> usize {
        self.alive
    }

    /// Whether any was seen to get copies.
    pub(super) fn any_proven(&self) -> bool {
        self.proven > 0
    }

    pub(super) fn place(&self, id: ConnectionId) -> Option<At> {
        self.by_id.get(&id).copied()
    }

    #[inline]
    pub(super) fn get(&self, place: At) -> Option<&Member> {
        self.slab.get(place)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: At) -> Option<&mut Member> {
        self.slab.get_mut(place)
    }

    /// Adds a connection, in place of the one with the same number.
    pub(super) fn insert(&mut self, member: Member) -> At {
        let (id, opened, standing) = (member.id, member.opened, member.standing());
        let known = self.place(id);
        let place = match known.and_then(|place| Some((place, self.slab.get_mut(place)?))) {
            Some((place, known)) => {
                let before = std::mem::replace(known, member);
                self.uncount(place, before.opened, before.standing());
                place
            }
            None => self.slab.insert(member),
        };
        self.by_id.insert(id, place);
        self.count(place, opened, standing);
        place
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, place: At) {
        if let Some(member) = self.slab.remove(place) {
            self.uncount(place, member.opened, member.standing());
            self.by_id.remove(&member.id);
        }
    }

    /// A connection has ended.
    pub(super) fn end(&mut self, place: At) {
        self.change(place, Member::end);
    }

    /// A copy has arrived.
    pub(super) fn got_copy(&mut self, place: At, asked_for_it_too: bool) {
        self.change(place, |member| member.got_copy(asked_for_it_too));
    }

    /// A copy has not arrived.
    pub(super) fn missed_copy(&mut self, place: At) {
        self.change(place, Member::missed_copy);
    }

    /// Whether any connection but this one expects copies.
    #[inline]
    pub(super) fn any_expecting_beside(&self, place: At) -> bool {
        let is_itself = || self.get(place).is_some_and(|member| member.standing().expecting);
        self.expecting.len() > 1 || (self.expecting.len() == 1 && !is_itself())
    }

    /// Those that expect copies and were opened before `ts`.
    pub(super) fn expecting_before(&self, ts: Timestamp) -> impl Iterator<Item = (At, &Member)> {
        let places = self.expecting.iter().take_while(move |(opened, _)| *opened < ts);
        places.filter_map(|(_, place)| Some((*place, self.slab.get(*place)?)))
    }

    /// Whether copies are not waited for any more on a connection where they were when this was asked last: what waited for
    /// one may be ready.
    pub(super) fn take_relief(&mut self) -> bool {
        std::mem::take(&mut self.relief)
    }

    fn change(&mut self, place: At, change: impl FnOnce(&mut Member)) {
        let Some(member) = self.slab.get_mut(place) else { return };
        let (opened, before) = (member.opened, member.standing());
        change(member);
        let after = member.standing();
        if after != before {
            self.uncount(place, opened, before);
            self.count(place, opened, after);
        }
    }

    fn count(&mut self, place: At, opened: Timestamp, standing: Standing) {
        self.alive += usize::from(standing.alive);
        self.proven += usize::from(standing.proven);
        if standing.expecting && self.expecting.len() < COPIES {
            self.expecting.insert((opened, place));
        }
    }

    fn uncount(&mut self, place: At, opened: Timestamp, standing: Standing) {
        self.alive -= usize::from(standing.alive);
        self.proven -= usize::from(standing.proven);
        // One that is beyond the bound was not waited for.
        self.relief |= standing.expecting && self.expecting.remove(&(opened, place));
    }
}

#[cfg(test)]
mod tests {
    use super::super::member::Ends;
    use super::*;
    use crate::endpoint::Endpoint;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    const NOWHERE: Endpoint = Endpoint::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8899);
    const ENDS: Ends = Ends { client: NOWHERE, device: NOWHERE };

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Join(u32, i64),
        End(u32),
        Copied(u32, bool),
        Missed(u32),
        Remove(u32),
    }

    fn act() -> impl Strategy<Value = Act> {
        let id = 0..6_u32;
        prop_oneof![
            (id.clone(), 0..4_i64).prop_map(|(id, opened)| Act::Join(id, opened)),
            id.clone().prop_map(Act::End),
            (id.clone(), any::<bool>()).prop_map(|(id, too)| Act::Copied(id, too)),
            id.clone().prop_map(Act::Missed),
            id.prop_map(Act::Remove),
        ]
    }

    /// A place that nobody has.
    fn nowhere() -> At {
        let mut slab = Slab::default();
        (0..100).map(|n| slab.insert(n)).last().expect("a hundred")
    }

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    proptest! {
        /// What is counted is what a look at each of them comes to.
        #[test]
        fn counts_are_those_of_a_look_at_all(acts in proptest::collection::vec(act(), 1..60)) {
            let (mut members, mut all) = (Members::default(), std::collections::BTreeMap::new());
            let nowhere = nowhere();
            let member = |id, opened| Member::new(ConnectionId(id), ENDS, at(opened), at(0));
            for act in acts {
                let place = |members: &Members, id| members.place(ConnectionId(id)).unwrap_or(nowhere);
                match act {
                    Act::Join(id, opened) => {
                        members.insert(member(id, opened));
                        all.insert(id, member(id, opened));
                    }
                    Act::End(id) => {
                        members.end(place(&members, id));
                        all.entry(id).and_modify(Member::end);
                    }
                    Act::Copied(id, too) => {
                        members.got_copy(place(&members, id), too);
                        all.entry(id).and_modify(|member| member.got_copy(too));
                    }
                    Act::Missed(id) => {
                        members.missed_copy(place(&members, id));
                        all.entry(id).and_modify(Member::missed_copy);
                    }
                    Act::Remove(id) => {
                        members.remove(place(&members, id));
                        all.remove(&id);
                    }
                }
                let count = |which: fn(Standing) -> bool| all.values().filter(|m| which(m.standing())).count();
                prop_assert_eq!(members.len(), all.len());
                prop_assert_eq!(members.alive(), count(|standing| standing.alive));
                prop_assert_eq!(members.any_proven(), count(|standing| standing.proven) > 0);
                for (id, known) in &all {
                    let place = place(&members, *id);
                    let standing = |member: &Member| member.standing();
                    prop_assert_eq!(members.get(place).map(standing), Some(known.standing()));
                    let others = all.iter().filter(|(other, _)| *other != id);
                    let expecting = others.filter(|(_, other)| other.standing().expecting).count();
                    prop_assert_eq!(members.any_expecting_beside(place), expecting > 0);
                }
                for ts in 0..5 {
                    let mut found: Vec<_> = members.expecting_before(at(ts)).map(|(_, m)| m.id.0).collect();
                    found.sort_unstable();
                    let expected = all.iter().filter(|(_, m)| m.standing().expecting && m.opened < at(ts));
                    prop_assert_eq!(found, expected.map(|(id, _)| *id).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn copies_are_waited_for_on_so_many_connections() {
        let mut members = Members::default();
        for id in 0..3 * u32::try_from(COPIES).expect("few") {
            members.insert(Member::new(ConnectionId(id), ENDS, at(1), at(0)));
        }
        assert_eq!(members.expecting_before(at(2)).count(), COPIES);
    }

    /// With 65,536 connections of one device, each that ended had all answers looked at that wait for copies.
    #[test]
    fn who_is_not_waited_for_is_no_relief() {
        let mut members = Members::default();
        let ids = 0..2 * u32::try_from(COPIES).expect("few");
        let places: Vec<_> = ids.map(|id| members.insert(Member::new(ConnectionId(id), ENDS, at(1), at(0)))).collect();
        members.end(places[COPIES]);
        assert!(!members.take_relief());
        members.end(places[0]);
        assert!(members.take_relief());
    }
}
