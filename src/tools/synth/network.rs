//! TCP conversations as a tap beside them sees them: handshakes, segments, acknowledgments, and mishaps on the way.
//!
//! Stories put acts on an agenda, in any order; [`Network::record`] plays them in order of time. Knows nothing of what
//! the bytes mean. The tap is close to both ends, so a segment arrives when it is captured, unless its [`Carriage`]
//! says otherwise.

use super::random::Random;
use super::wire::{ACK, FIN, PSH, RST, SEGMENT_BYTES, SYN, SYN_OPTIONS, Station, TcpPacket};
use crate::endpoint::Direction;
use crate::net::Seq;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// A captured packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Captured {
    pub ts: Timestamp,
    pub data: Vec<u8>,
}

/// A connection of a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(usize);

/// What happens to the segment that carries some bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Carriage {
    /// Nothing.
    #[default]
    Plain,
    /// It arrived, but the tap missed it.
    Uncaptured,
    /// It is late: later ones overtake it.
    Late(Duration),
    /// It was lost behind the tap and sent again after this time, from so many bytes before its start on.
    Resent { after: Duration, reach_back: usize },
    /// It is sent as two segments, cut here.
    Cut(usize),
    /// It is sent as two segments, cut here, and the second overtakes the first.
    Swapped(usize),
    /// Someone else's segment with these bytes stands in its place just before it: the receiver takes that one.
    ForgedBefore(Vec<u8>),
    /// Someone else's segment with these bytes stands in its place just after it.
    ForgedAfter(Vec<u8>),
}

/// The time between segments sent in one go.
const SEGMENT_GAP: Duration = Duration::from_micros(120);
/// From a SYN to its answer, and from there to the acknowledgment.
const HANDSHAKE: [Duration; 2] = [Duration::from_micros(350), Duration::from_micros(520)];
/// How long after the SYN of a connection data can be sent.
pub(super) const SETTLED: Duration = Duration::from_millis(1);

enum Act {
    Syn,
    SynAck,
    Send(Vec<u8>, Carriage),
    Pass(Passing),
    /// An acknowledgment that is sent only when it says something new.
    Acknowledge,
    /// An acknowledgment that is sent in any case.
    AcknowledgeAnyway,
    Fin,
    Reset,
}

/// A segment on its way past the tap. Its number, acknowledgment and time are those of the moment it passes.
struct Passing {
    offset: usize,
    bytes: Vec<u8>,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    CapturedAndArrives,
    ArrivesOnly,
    CapturedOnly,
}

struct Entry {
    link: Link,
    direction: Direction,
    act: Act,
}

/// One end of a conversation.
struct End {
    station: Station,
    first: Seq,
    ip_id: u16,
    window: u16,
    /// Every data byte it has sent.
    sent: Vec<u8>,
    /// It sends nothing new before this time, so that what it sends stays in order.
    busy_until: Timestamp,
    /// SYN and FIN: numbers used up beside data.
    control: u32,
    /// Data bytes received in order; `early` holds what came before its turn: first offset to end.
    received: usize,
    early: BTreeMap<usize, usize>,
    peer_control: u32,
    /// The last acknowledgment sent.
    acknowledged: Option<Seq>,
}

/// All conversations of a story.
pub(super) struct Network {
    random: Random,
    agenda: BTreeMap<(Timestamp, u64), Entry>,
    entries: u64,
    conversations: Vec<[End; 2]>,
    captured: Vec<Captured>,
}

impl Network {
    pub(super) fn new(random: Random) -> Self {
        Self { random, agenda: BTreeMap::new(), entries: 0, conversations: Vec::new(), captured: Vec::new() }
    }

    /// Connections so far.
    pub(super) fn connection_count(&self) -> u64 {
        u64::try_from(self.conversations.len()).unwrap_or(u64::MAX)
    }

    /// `client` opens a connection to `server`: the SYN goes at `at`.
    pub(super) fn open(&mut self, at: Timestamp, client: Station, server: Station) -> Link {
        let link = Link(self.conversations.len());
        let ends = [client, server].map(|station| End::new(station, &mut self.random));
        self.conversations.push(ends);
        let [to_syn_ack, to_established] = HANDSHAKE;
        self.plan(at, link, Direction::ToServer, Act::Syn);
        self.plan(at.saturating_add(to_syn_ack), link, Direction::ToClient, Act::SynAck);
        self.plan(at.saturating_add(to_established), link, Direction::ToServer, Act::AcknowledgeAnyway);
        link
    }

    /// Data goes at `at`.
    pub(super) fn send(&mut self, at: Timestamp, link: Link, direction: Direction, bytes: &[u8], carriage: Carriage) {
        self.plan(at, link, direction, Act::Send(bytes.to_vec(), carriage));
    }

    /// The sender of `direction` closes at `at`, the other side at once after it.
    pub(super) fn close(&mut self, at: Timestamp, link: Link, direction: Direction) {
        self.plan(at, link, direction, Act::Fin);
        self.plan(at.saturating_add(Duration::from_micros(400)), link, direction.reversed(), Act::Fin);
    }

    /// The sender of `direction` gives the connection up at `at`.
    pub(super) fn reset(&mut self, at: Timestamp, link: Link, direction: Direction) {
        self.plan(at, link, direction, Act::Reset);
    }

    /// Plays the agenda to its end: all packets in order of time.
    pub(super) fn record(mut self) -> Vec<Captured> {
        while let Some(((now, _), entry)) = self.agenda.pop_first() {
            self.play(now, entry);
        }
        self.captured
    }

    fn plan(&mut self, at: Timestamp, link: Link, direction: Direction, act: Act) {
        self.agenda.insert((at, self.entries), Entry { link, direction, act });
        self.entries += 1;
    }

    fn play(&mut self, now: Timestamp, Entry { link, direction, act }: Entry) {
        let busy_until = self.sender(link, direction).busy_until;
        match act {
            // In order behind what is still being sent; the agenda keeps entries of one moment in their order.
            act @ (Act::Send(..) | Act::Fin) if now < busy_until => self.plan(busy_until, link, direction, act),
            Act::Syn => self.control(now, link, direction, SYN),
            Act::SynAck => self.control(now, link, direction, SYN | ACK),
            Act::AcknowledgeAnyway => self.acknowledge(now, link, direction),
            Act::Send(bytes, carriage) => self.start_sending(now, link, direction, &bytes, &carriage),
            Act::Pass(passing) => self.pass(now, link, direction, passing),
            Act::Acknowledge => {
                let end = self.sender(link, direction);
                if end.acknowledged != Some(end.next_expected(Seq(0))) {
                    self.acknowledge(now, link, direction);
                }
            }
            Act::Fin => {
                self.control(now, link, direction, FIN | ACK);
                self.plan(now.saturating_add(Duration::from_micros(150)), link, direction.reversed(), Act::Acknowledge);
            }
            Act::Reset => self.emit(now, link, direction, RST | ACK, None, &[]),
        }
    }

    fn start_sending(&mut self, now: Timestamp, link: Link, direction: Direction, bytes: &[u8], carriage: &Carriage) {
        let end = self.sender(link, direction);
        let mut offset = end.sent.len();
        end.sent.extend_from_slice(bytes);
        let first_bytes = match carriage {
            Carriage::Cut(at) | Carriage::Swapped(at) => *at,
            _ => SEGMENT_BYTES,
        };
        let (first, rest) = bytes.split_at(first_bytes.min(bytes.len()));
        let mut pieces = Vec::new();
        for piece in std::iter::once(first).chain(rest.chunks(SEGMENT_BYTES)) {
            pieces.push(Passing { offset, bytes: piece.to_vec(), fate: Fate::CapturedAndArrives });
            offset += piece.len();
        }
        if matches!(carriage, Carriage::Swapped(_)) {
            pieces.reverse();
        }
        let mut when = now;
        for piece in pieces {
            self.send_piece(when, link, direction, piece, carriage);
            when = when.saturating_add(SEGMENT_GAP);
        }
        self.sender(link, direction).busy_until = when;
    }

    /// Plans the passings of one segment.
    fn send_piece(&mut self, at: Timestamp, link: Link, way: Direction, piece: Passing, carriage: &Carriage) {
        let offset = piece.offset;
        let forged = |bytes: &[u8]| Passing { offset, bytes: bytes.to_vec(), fate: Fate::CapturedOnly };
        let a_moment = Duration::from_micros(60);
        match carriage {
            Carriage::Plain | Carriage::Cut(_) | Carriage::Swapped(_) => self.plan(at, link, way, Act::Pass(piece)),
            Carriage::Uncaptured => {
                self.plan(at, link, way, Act::Pass(Passing { fate: Fate::ArrivesOnly, ..piece }));
            }
            Carriage::Late(by) => self.plan(at.saturating_add(*by), link, way, Act::Pass(piece)),
            Carriage::Resent { after, reach_back } => {
                let start = offset.saturating_sub(*reach_back);
                let bytes = self.sender(link, way).sent[start..offset + piece.bytes.len()].to_vec();
                self.plan(at, link, way, Act::Pass(Passing { fate: Fate::CapturedOnly, ..piece }));
                let again = Passing { offset: start, bytes, fate: Fate::CapturedAndArrives };
                self.plan(at.saturating_add(*after), link, way, Act::Pass(again));
            }
            Carriage::ForgedBefore(bytes) => {
                self.plan(at, link, way, Act::Pass(forged(bytes)));
                self.plan(at.saturating_add(a_moment), link, way, Act::Pass(piece));
            }
            Carriage::ForgedAfter(bytes) => {
                self.plan(at, link, way, Act::Pass(piece));
                self.plan(at.saturating_add(a_moment), link, way, Act::Pass(forged(bytes)));
            }
        }
    }

    fn pass(&mut self, now: Timestamp, link: Link, way: Direction, Passing { offset, bytes, fate }: Passing) {
        if fate != Fate::ArrivesOnly {
            self.emit(now, link, way, PSH | ACK, Some(offset), &bytes);
        }
        if fate == Fate::CapturedOnly {
            return;
        }
        let receiver = self.sender(link, way.reversed());
        if receiver.receive(offset, bytes.len()) {
            let pause = self.random.span(Duration::from_micros(80), Duration::from_micros(900));
            self.plan(now.saturating_add(pause), link, way.reversed(), Act::Acknowledge);
        } else {
            // Out of order: the receiver says at once what it is missing.
            self.plan(now.saturating_add(Duration::from_micros(30)), link, way.reversed(), Act::AcknowledgeAnyway);
        }
    }

    /// A SYN or FIN.
    fn control(&mut self, now: Timestamp, link: Link, direction: Direction, flags: u8) {
        self.emit(now, link, direction, flags, None, &[]);
        self.sender(link, direction).control += 1;
        self.sender(link, direction.reversed()).peer_control += 1;
    }

    fn acknowledge(&mut self, now: Timestamp, link: Link, direction: Direction) {
        self.emit(now, link, direction, ACK, None, &[]);
    }

    /// Captures a segment; `offset` is that of its data in the stream, the end of the stream when not given.
    fn emit(&mut self, ts: Timestamp, link: Link, way: Direction, flags: u8, offset: Option<usize>, payload: &[u8]) {
        let Link(index) = link;
        let [client, server] = &mut self.conversations[index];
        let (from, to) = match way {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let ack = if flags & ACK == 0 { Seq(0) } else { from.next_expected(to.first) };
        let seq = match offset {
            Some(offset) => from.first.advanced(1).advanced(wrapping_u32(offset)),
            None => from.first.advanced(from.control).advanced(wrapping_u32(from.sent.len())),
        };
        from.ip_id = from.ip_id.wrapping_add(1);
        let options: &[u8] = if flags & SYN == 0 { &[] } else { &SYN_OPTIONS };
        let mut data = Vec::with_capacity(60 + payload.len());
        let (ip_id, window) = (from.ip_id, from.window);
        TcpPacket { src: from.station, dst: to.station, seq, ack, flags, window, options, ip_id, payload }
            .append(&mut data);
        if flags & ACK != 0 {
            from.acknowledged = Some(from.next_expected(Seq(0)));
        }
        self.captured.push(Captured { ts, data });
    }

    fn sender(&mut self, Link(index): Link, direction: Direction) -> &mut End {
        &mut self.conversations[index][direction.index()]
    }
}

impl End {
    fn new(station: Station, random: &mut Random) -> Self {
        Self {
            station,
            first: Seq(random.word()),
            ip_id: u16::from(random.byte()) << 8,
            window: 0x4000 | u16::from(random.byte()),
            sent: Vec::new(),
            busy_until: Timestamp::default(),
            control: 0,
            received: 0,
            early: BTreeMap::new(),
            peer_control: 0,
            acknowledged: None,
        }
    }

    /// Takes `length` bytes that arrived; false when something before them is still missing.
    fn receive(&mut self, offset: usize, length: usize) -> bool {
        let end = self.early.entry(offset).or_default();
        *end = (*end).max(offset + length);
        while let Some((&first, &end)) = self.early.first_key_value().filter(|(first, _)| **first <= self.received) {
            self.early.remove(&first);
            self.received = self.received.max(end);
        }
        self.early.is_empty()
    }

    /// The number of the byte it waits for, when the other side began at `first`.
    fn next_expected(&self, first: Seq) -> Seq {
        first.advanced(self.peer_control).advanced(wrapping_u32(self.received))
    }
}

/// Sequence numbers wrap, so only the low 32 bits of an offset matter.
fn wrapping_u32(offset: usize) -> u32 {
    let low = offset & 0xffff_ffff;
    u32::try_from(low).unwrap_or(0)
}
