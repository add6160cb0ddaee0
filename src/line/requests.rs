//! The requests of one line that are not done yet: those of the whole line, those of one connection, and those for one
//! object whose answer has not been seen where it was asked for, each in the order in which they were made, whenever they
//! are put here. (Those of a connection are sorted by their clocks: packets that changed places may make them go back a
//! little.)
//!
//! Each request is part of three chains, so that none of the questions about it takes a look at all the others. Which
//! answer belongs to which request is asked here as well, where several could be meant.

use super::contests::Contest;
use super::exchange::ExchangeId;
use super::request::{Handle, Kind, Request};
use super::slab::{At, Slab};
use crate::endpoint::ConnectionId;
use crate::time::{Span, Timestamp};
use smallvec::SmallVec;
use std::time::Duration;

/// How long the line may still be busy with what a client has stopped waiting for.
const SERVED_LATER: Duration = Duration::from_secs(1);

/// A chain that a request is part of.
type Chain = usize;
const LINE: Chain = 0;
const MEMBER: Chain = 1;
const SUBJECT: Chain = 2;

/// The neighbours of a request in a chain.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    before: Option<At>,
    behind: Option<At>,
}

/// Where a chain begins and ends.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    first: Option<At>,
    last: Option<At>,
}

/// The requests of one connection.
#[derive(Clone, Copy, Debug, Default)]
struct OfMember {
    ends: Ends,
    /// The first that is not passed over yet: of those behind it hardly any is.
    fresh: Option<At>,
}

/// The requests for one object.
#[derive(Debug, Default)]
struct OfSubject {
    /// Those that are unseen.
    ends: Ends,
    /// How many there are in all.
    count: usize,
}

/// The requests of a line.
#[derive(Debug, Default)]
pub(super) struct Requests {
    slab: Slab<Request>,
    /// The links of each, by the index of its place.
    links: Vec<[Link; 3]>,
    line: Ends,
    /// By the index of the member's place.
    members: Vec<OfMember>,
    /// By the index of the subject's place.
    subjects: Vec<OfSubject>,
    count: usize,
    /// How many of them are owed an answer.
    owed: usize,
    /// How many of them have one.
    answered: usize,
}

impl Requests {
    /// What the next request to be pushed will be known by.
    pub(super) fn next_handle(&self, id: ExchangeId) -> Handle {
        Handle { id, at: self.slab.next_place() }
    }

    /// Puts a request that nothing has happened to where it belongs, behind all others as a rule. Its handle is [`Self::next_handle`].
    #[inline]
    pub(super) fn push(&mut self, make: impl FnOnce() -> Request) {
        let at = self.slab.insert_with(make);
        if let Some(&Request { handle, clock, member, subject, .. }) = self.slab.get(at) {
            self.enchain(at, (handle.id, clock), (member, subject));
        }
    }

    /// Makes a request a part of its chains.
    fn enchain(&mut self, at: At, (id, clock): (ExchangeId, Timestamp), (member, subject): (At, At)) {
        self.count += 1;
        self.owed += 1;
        grow(&mut self.links, at);
        grow(&mut self.members, member);
        grow(&mut self.subjects, subject);
        let before = self.last_before::<LINE>(self.line.last, |other| other.handle.id > id);
        self.insert::<LINE>(at, (member, subject), before);
        let asked = &mut self.subjects[subject.index()];
        asked.count += 1;
        let last = asked.ends.last;
        let before = self.last_before::<SUBJECT>(last, |other| other.handle.id > id);
        self.insert::<SUBJECT>(at, (member, subject), before);
        let OfMember { ends, fresh } = self.members[member.index()];
        let mut is_first_fresh = fresh.is_none();
        let before = self.last_before::<MEMBER>(ends.last, |other| {
            let is_later = (other.clock, other.handle.id) > (clock, id);
            is_first_fresh |= is_later && fresh == Some(other.handle.at);
            is_later
        });
        self.insert::<MEMBER>(at, (member, subject), before);
        if is_first_fresh {
            self.members[member.index()].fresh = Some(at);
        }
    }

    /// The last of a chain that is not later. Hardly any is.
    #[inline]
    fn last_before<const CHAIN: Chain>(
        &self,
        last: Option<At>,
        mut is_later: impl FnMut(&Request) -> bool,
    ) -> Option<At> {
        let mut before = last;
        while let Some(later) = before.filter(|before| self.slab.get(*before).is_some_and(&mut is_later)) {
            before = self.links[later.index()][CHAIN].before;
        }
        before
    }

    /// Makes a request a part of a chain, behind `before`.
    #[inline]
    fn insert<const CHAIN: Chain>(&mut self, at: At, of: (At, At), before: Option<At>) {
        let behind = match before {
            Some(before) => self.links[before.index()][CHAIN].behind.replace(at),
            None => self.ends(CHAIN, of).first.replace(at),
        };
        match behind {
            Some(behind) => self.links[behind.index()][CHAIN].before = Some(at),
            None => self.ends(CHAIN, of).last = Some(at),
        }
        self.links[at.index()][CHAIN] = Link { before, behind };
    }

    /// Takes a request out of a chain.
    #[inline]
    fn remove<const CHAIN: Chain>(&mut self, at: At, of: (At, At)) {
        let Link { before, behind } = self.links[at.index()][CHAIN];
        match before {
            Some(before) => self.links[before.index()][CHAIN].behind = behind,
            None => self.ends(CHAIN, of).first = behind,
        }
        match behind {
            Some(behind) => self.links[behind.index()][CHAIN].before = before,
            None => self.ends(CHAIN, of).last = before,
        }
    }

    #[inline]
    fn ends(&mut self, chain: Chain, (member, subject): (At, At)) -> &mut Ends {
        match chain {
            LINE => &mut self.line,
            MEMBER => &mut self.members[member.index()].ends,
            _ => &mut self.subjects[subject.index()].ends,
        }
    }

    /// Takes a request out, for its exchange to be told.
    #[expect(clippy::inline_always, reason = "who takes one needs little of it")]
    #[inline(always)]
    pub(super) fn take(&mut self, handle: Handle) -> Option<Request> {
        let request = self.get(handle)?;
        let of = (request.member, request.subject);
        let (owed, open, unseen) = (request.is_owed(), request.is_open(), request.is_unseen());
        self.count -= 1;
        self.owed -= usize::from(owed);
        self.answered -= usize::from(!open);
        let behind = self.links[handle.at.index()][MEMBER].behind;
        let fresh = &mut self.members[of.0.index()].fresh;
        if *fresh == Some(handle.at) {
            *fresh = behind;
        }
        self.remove::<LINE>(handle.at, of);
        self.remove::<MEMBER>(handle.at, of);
        if unseen {
            self.remove::<SUBJECT>(handle.at, of);
        }
        self.subjects[of.1.index()].count -= 1;
        self.slab.remove(handle.at)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// How many are owed an answer.
    pub(super) fn owed(&self) -> usize {
        self.owed
    }

    /// Whether any has an answer and is not told yet.
    pub(super) fn any_answered(&self) -> bool {
        self.answered > 0
    }

    #[inline]
    pub(super) fn get(&self, handle: Handle) -> Option<&Request> {
        self.slab.get(handle.at).filter(|request| request.handle == handle)
    }

    /// Changes a request.
    #[inline]
    pub(super) fn change<R>(&mut self, handle: Handle, change: impl FnOnce(&mut Request) -> R) -> Option<R> {
        self.get(handle)?;
        self.change_at(handle.at, change)
    }

    /// Changes the request kept at some place, and counts what it is from then on.
    #[inline]
    fn change_at<R>(&mut self, at: At, change: impl FnOnce(&mut Request) -> R) -> Option<R> {
        let request = self.slab.get_mut(at)?;
        let (owed, open, unseen) = (request.is_owed(), request.is_open(), request.is_unseen());
        let result = change(request);
        self.owed = self.owed + usize::from(request.is_owed()) - usize::from(owed);
        self.answered = self.answered + usize::from(open) - usize::from(request.is_open());
        if unseen && !request.is_unseen() {
            let of = (request.member, request.subject);
            self.remove::<SUBJECT>(at, of);
        }
        Some(result)
    }

    /// Changes all requests of a connection.
    pub(super) fn change_of_member(&mut self, member: At, mut change: impl FnMut(&mut Request)) {
        let mut next = self.members.get(member.index()).and_then(|member| member.ends.first);
        while let Some(at) = next {
            self.change_at(at, &mut change);
            next = self.links[at.index()][MEMBER].behind;
        }
    }

    /// All requests.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.chain(LINE, self.line.first)
    }

    /// Those of a connection.
    pub(super) fn of_member(&self, member: At) -> impl Iterator<Item = &Request> {
        self.chain(MEMBER, self.members.get(member.index()).and_then(|member| member.ends.first))
    }

    /// The open ones for an object.
    #[inline]
    pub(super) fn open_for(&self, subject: At) -> impl Iterator<Item = &Request> {
        self.unseen_for(subject).filter(|request| request.is_open())
    }

    /// Those for an object whose answer has not been seen where it was asked for.
    #[inline]
    pub(super) fn unseen_for(&self, subject: At) -> impl Iterator<Item = &Request> {
        self.chain(SUBJECT, self.subjects.get(subject.index()).and_then(|asked| asked.ends.first))
    }

    /// Whether there are any for an object, seen or not.
    pub(super) fn any_for(&self, subject: At) -> bool {
        self.subjects.get(subject.index()).is_some_and(|asked| asked.count > 0)
    }

    #[inline]
    fn chain(&self, chain: Chain, first: Option<At>) -> impl Iterator<Item = &Request> {
        let mut next = first;
        std::iter::from_fn(move || {
            let at = next?;
            next = self.links[at.index()][chain].behind;
            self.slab.get(at)
        })
    }

    /// The latest requests first.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Request> {
        let mut next = self.line.last;
        std::iter::from_fn(move || {
            let at = next?;
            next = self.links[at.index()][LINE].before;
            self.slab.get(at)
        })
    }

    pub(super) fn oldest(&self) -> Option<&Request> {
        self.iter().next()
    }

    /// A client has asked at `clock` for something else than what it waits for. `one_go`: requests so close together
    /// were sent in one go.
    pub(super) fn pass_over(&mut self, member: At, clock: Timestamp, one_go: Span) {
        let Some(OfMember { fresh, .. }) = self.members.get_mut(member.index()) else { return };
        let this_go = clock.saturating_sub(one_go);
        while let Some(request) = fresh.and_then(|at| self.slab.get_mut(at)).filter(|other| other.clock < this_go) {
            request.passed_over_at.get_or_insert(clock);
            *fresh = self.links[request.handle.at.index()][MEMBER].behind;
        }
    }

    /// An answer for a subject has reached a connection. (A request whose own answer has reached it was served by that.)
    pub(super) fn serve(&mut self, connection: ConnectionId, subject: At) {
        let mut next = self.subjects.get(subject.index()).and_then(|asked| asked.ends.first);
        while let Some(request) = next.and_then(|at| self.slab.get_mut(at)) {
            request.served |= request.passed_over_at.is_none() && request.connection == connection;
            next = self.links[request.handle.at.index()][SUBJECT].behind;
        }
    }

    /// The only open request of a contest about `subject`, if there are not several.
    #[inline]
    pub(super) fn only_candidate(&self, contest: Contest, subject: At) -> Option<&Request> {
        let mut candidates = self.open(contest, subject);
        let first = candidates.next()?;
        candidates.next().is_none().then_some(first)
    }

    /// The open requests of a contest about `subject`, in order. READs and queries go before WRITEs when this device is
    /// not known to confirm those.
    pub(super) fn candidates(&self, contest: Contest, subject: At, confirms_writes: bool) -> SmallVec<[Handle; 4]> {
        let reads: SmallVec<_> = self
            .open(contest, subject)
            .filter(|request| confirms_writes || request.kind != Kind::Write)
            .map(|request| request.handle)
            .collect();
        if reads.is_empty() { self.open(contest, subject).map(|request| request.handle).collect() } else { reads }
    }

    #[inline]
    fn open(&self, contest: Contest, subject: At) -> impl Iterator<Item = &Request> {
        self.open_for(subject).filter(move |request| contest.within.is_none_or(|within| within == request.connection))
    }

    /// Which of `candidates` an answer at `ts` belongs to when fewer answers came than requests were made. The line serves
    /// one after the other, so it is the first whose client had not given it up by then: who got no answer asks again, or
    /// for something else. Who got another's answer for the same object asks for something else, too, and its own comes
    /// soon.
    pub(super) fn in_turn(&self, candidates: &[Handle], ts: Timestamp, needs: Span) -> Option<Handle> {
        let waits = |request: &Request| {
            let soon = ts.is_within(SERVED_LATER, request.clock);
            request.clock.saturating_add(needs) <= ts
                && (request.passed_over_at.is_none_or(|at| at > ts) || (request.served && soon))
        };
        let first = candidates.iter().find(|handle| self.get(**handle).is_some_and(waits));
        first.copied().or_else(|| self.latest_before(candidates, ts, needs))
    }

    /// The latest of `candidates` that the line had time to answer before `ts`, else the first.
    #[inline]
    pub(super) fn latest_before(&self, candidates: &[Handle], ts: Timestamp, needs: Span) -> Option<Handle> {
        let asked = |handle: &&Handle| self.get(**handle).map(|request| request.clock);
        candidates
            .iter()
            .rfind(|handle| asked(handle).is_some_and(|asked| asked.saturating_add(needs) <= ts))
            .or_else(|| candidates.iter().find(|handle| asked(handle).is_some_and(|asked| asked <= ts)))
            .copied()
    }
}

/// Makes room for what belongs to a place.
pub(super) fn grow<T: Default>(by_place: &mut Vec<T>, at: At) {
    if by_place.len() <= at.index() {
        by_place.resize_with(at.index() + 1, T::default);
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::{Exchange, Pairing, Sender, Sighting};
    use super::super::request::{Answer, Key, Ordinal};
    use super::*;

    use crate::object::ObjectId;
    use crate::rct::Command;
    use proptest::prelude::*;

    const ONE_GO: Duration = Duration::from_nanos(3);

    fn frame(connection: u32, object: u32, clock: i64) -> Box<Sighting> {
        Box::new(Sighting::sample(
            Sender::Client,
            connection,
            Command::READ,
            ObjectId(object),
            Timestamp::from_nanos(clock),
        ))
    }

    /// Who has seen an answer.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum SeenBy {
        WhoAsked,
        Others,
    }

    /// What a plain list knows of a request.
    #[derive(Clone, Debug, PartialEq)]
    struct Known {
        handle: Handle,
        connection: u32,
        object: u32,
        clock: i64,
        kind: Kind,
        answer: Option<SeenBy>,
        blind: bool,
        served: bool,
        passed_over_at: Option<i64>,
    }

    fn known(request: &Request) -> Known {
        Known {
            handle: request.handle,
            connection: request.connection.0,
            object: request.frame().object_id.0,
            clock: request.clock.nanos(),
            kind: request.kind,
            answer: request.given.as_ref().map(|given| if given.is_own() { SeenBy::WhoAsked } else { SeenBy::Others }),
            blind: request.blind,
            served: request.served,
            passed_over_at: request.passed_over_at.map(Timestamp::nanos),
        }
    }

    #[derive(Clone, Debug)]
    enum Act {
        /// `late`: many others that were made later are there already.
        Ask {
            connection: u32,
            object: u32,
            back: i64,
            late: bool,
            kind: Kind,
        },
        Answer(usize, SeenBy),
        Take(usize),
        Serve(u32, u32),
        Lose(u32),
    }

    fn act() -> impl Strategy<Value = Act> {
        let (connection, object) = (0..3_u32, 0..3_u32);
        prop_oneof![
            4 => (connection.clone(), object.clone(), 0..6_i64, any::<bool>(), prop_oneof![Just(Kind::Read), Just(Kind::Write)])
                .prop_map(|(connection, object, back, late, kind)| Act::Ask { connection, object, back, late, kind }),
            2 => (any::<usize>(), prop_oneof![Just(SeenBy::WhoAsked), Just(SeenBy::Others)])
                .prop_map(|(n, by)| Act::Answer(n, by)),
            3 => any::<usize>().prop_map(Act::Take),
            1 => (connection.clone(), object).prop_map(|(connection, object)| Act::Serve(connection, object)),
            1 => connection.prop_map(Act::Lose),
        ]
    }

    /// The number of a request made by an act; that of each is its own.
    fn number(act: &Act, now: i64) -> ExchangeId {
        let back = if matches!(act, Act::Ask { late: true, .. }) { 1001 } else { 0 };
        ExchangeId(u64::try_from((now + 100) * 100 - back).expect("late"))
    }

    /// Does the same to a plain list, looking at all of it each time.
    fn imitate(list: &mut Vec<Known>, act: &Act, handle: Handle, now: i64) {
        match *act {
            Act::Ask { connection, object, back, kind, .. } => {
                let clock = now - back;
                for known in list.iter_mut().filter(|known| known.connection == connection) {
                    if clock - known.clock > 3 {
                        known.passed_over_at.get_or_insert(clock);
                    }
                }
                let (answer, blind, served, passed_over_at) = (None, false, false, None);
                list.push(Known { handle, connection, object, clock, kind, answer, blind, served, passed_over_at });
                list.sort_by_key(|known| known.handle.id);
            }
            Act::Answer(n, by) if !list.is_empty() => {
                let n = n % list.len();
                list[n].answer.get_or_insert(by);
            }
            Act::Take(n) if !list.is_empty() => {
                list.remove(n % list.len());
            }
            Act::Serve(connection, object) => {
                let asked = (connection, object);
                let unseen = list.iter_mut().filter(|known| known.answer != Some(SeenBy::WhoAsked));
                for known in unseen.filter(|known| (known.connection, known.object) == asked) {
                    known.served |= known.passed_over_at.is_none();
                }
            }
            Act::Lose(connection) => {
                for known in list.iter_mut().filter(|known| known.connection == connection && known.answer.is_none()) {
                    known.blind = true;
                }
            }
            Act::Answer(..) | Act::Take(_) => {}
        }
    }

    fn perform(requests: &mut Requests, list: &[Known], act: &Act, places: &[At], now: i64) {
        match *act {
            Act::Ask { connection, object, back, kind, .. } => {
                let frame = frame(connection, object, now - back);
                let (member, handle) = (places[connection as usize], requests.next_handle(number(act, now)));
                requests.pass_over(member, frame.clock, ONE_GO.into());
                let (at, due) = ((member, places[object as usize]), (kind, Timestamp::LATEST));
                let exchange = Box::new(Exchange::asking(*frame));
                requests.push(|| Request::new(handle, exchange, at, due, Ordinal::NONE, None, None));
            }
            Act::Answer(n, by) if !list.is_empty() => {
                let Known { handle, connection, .. } = list[n % list.len()];
                let (copies, line_free) = (SmallVec::new(), Timestamp::EARLIEST);
                let first = frame(if by == SeenBy::WhoAsked { connection } else { 9 }, 0, now);
                let (pairing, anomalies) = (Pairing::Certain, Vec::new());
                let answer = Answer { first, copies, pairing, line_free, anomalies };
                let given = requests.get(handle).expect("it is there").given(answer, &[]);
                requests.change(handle, |request| request.given.get_or_insert_with(|| Box::new(given)).clock);
            }
            Act::Take(n) if !list.is_empty() => {
                let handle = list[n % list.len()].handle;
                assert_eq!(requests.take(handle).map(|request| request.handle), Some(handle));
                assert!(requests.get(handle).is_none() && requests.take(handle).is_none());
            }
            Act::Serve(connection, object) => requests.serve(ConnectionId(connection), places[object as usize]),
            Act::Lose(connection) => {
                requests.change_of_member(places[connection as usize], |request| request.blind |= request.is_open());
            }
            Act::Answer(..) | Act::Take(_) => {}
        }
    }

    proptest! {
        /// Chains and counts come to what a look at all of them comes to.
        #[test]
        fn requests_are_those_of_a_plain_list(acts in proptest::collection::vec(act(), 1..80)) {
            let mut places = Slab::default();
            let places = [0, 1, 2].map(|n| places.insert(n));
            let (mut requests, mut list) = (Requests::default(), Vec::new());
            for (now, act) in (10..).zip(&acts) {
                let handle = requests.next_handle(number(act, now));
                perform(&mut requests, &list, act, &places, now);
                imitate(&mut list, act, handle, now);
                prop_assert_eq!(requests.iter().map(known).collect::<Vec<_>>(), list.clone());
                prop_assert!(requests.latest().map(known).eq(list.iter().rev().cloned()));
                prop_assert_eq!(requests.len(), list.len());
                prop_assert_eq!(requests.owed(), list.iter().filter(|known| known.answer.is_none() && !known.blind).count());
                prop_assert_eq!(requests.any_answered(), list.iter().any(|known| known.answer.is_some()));
                for n in 0..3_u32 {
                    let at = places[n as usize];
                    let mut of_member: Vec<_> = list.iter().filter(|known| known.connection == n).cloned().collect();
                    of_member.sort_by_key(|known| known.clock);
                    prop_assert_eq!(requests.of_member(at).map(known).collect::<Vec<_>>(), of_member);
                    prop_assert_eq!(requests.any_for(at), list.iter().any(|known| known.object == n));
                    let unseen = list.iter().filter(|known| known.object == n && known.answer != Some(SeenBy::WhoAsked)).cloned();
                    prop_assert!(requests.unseen_for(at).map(known).eq(unseen));
                    for within in [None, Some(ConnectionId(1))] {
                        let contest = Contest { key: Key { object_id: ObjectId(n), address: None }, within };
                        let open = |known: &&Known| {
                            known.object == n && known.answer.is_none() && within.is_none_or(|id| id.0 == known.connection)
                        };
                        let all: Vec<_> = list.iter().filter(open).collect();
                        let reads: Vec<_> = all.iter().filter(|known| known.kind != Kind::Write).copied().collect();
                        let due = if reads.is_empty() { &all } else { &reads };
                        let handles = |of: &[&Known]| of.iter().map(|known| known.handle).collect::<Vec<_>>();
                        prop_assert_eq!(requests.candidates(contest, at, false).to_vec(), handles(due));
                        prop_assert_eq!(requests.candidates(contest, at, true).to_vec(), handles(&all));
                        let only = requests.only_candidate(contest, at).map(|only| vec![only.handle]);
                        prop_assert_eq!(only, (all.len() == 1).then(|| handles(&all)));
                    }
                }
            }
        }
    }
}
