//! What is kept of a frame when it has gone on to be told: enough to compare later ones with, and to point at it.
//!
//! A frame belongs to one exchange and goes where that goes. Whoever wants to know of it later keeps this. It is kept
//! whole as long as there is room for it; beyond, its payload is known by its length and a hash.

use super::exchange::{Payload, Sighting, last_of};
use super::memory::Memory;
use super::ordinary::Ordinary;
use crate::fingerprint::Fingerprint;
use crate::limits::REMEMBERED_FRAME_OVERHEAD;
use crate::loan::Loan;
use crate::packet::{ByteRange, PacketNumber};
use crate::short::Short;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::slice;

/// The trace of a frame.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) clock: Timestamp,
    /// Whether its CRC proves it.
    pub(super) crc_ok: bool,
    body: Body,
}

/// What it said, and where its bytes stand.
#[derive(Debug)]
enum Body {
    /// All of it fits in here, as nearly always.
    Short(Short, ByteRange),
    Long(Box<Long>),
    /// There was no room for it: where its last bytes stand.
    Recognised(Fingerprint, ByteRange),
}

#[derive(Debug)]
struct Long {
    payload: Payload,
    spans: SmallVec<[ByteRange; 1]>,
    _room: Loan,
}

impl Trace {
    #[inline]
    pub(super) fn of(frame: &Sighting, memory: &Memory) -> Self {
        Self { clock: frame.clock, crc_ok: frame.crc_ok(), body: Body::of(frame, memory) }
    }

    /// Becomes the trace of another frame, field by field where it stands.
    #[inline]
    pub(super) fn follow(&mut self, frame: &Sighting, memory: &Memory) {
        self.clock = frame.clock;
        self.crc_ok = frame.crc_ok();
        match (&mut self.body, &*frame.spans, Short::of(&frame.payload)) {
            (Body::Short(said, at), [span], Some(short)) => {
                *said = short;
                *at = *span;
            }
            _ => self.become_any(frame, memory),
        }
    }

    /// The trace of an ordinary frame.
    #[inline]
    pub(super) fn of_ordinary(frame: &Ordinary) -> Self {
        Self { clock: frame.ts(), crc_ok: true, body: Body::Short(frame.short(), frame.place()) }
    }

    /// Becomes the trace of an ordinary frame, field by field where it stands.
    #[inline]
    pub(super) fn follow_ordinary(&mut self, frame: &Ordinary) {
        let Body::Short(said, at) = &mut self.body else {
            return *self = Self::of_ordinary(frame);
        };
        *said = frame.short();
        *at = frame.place();
        self.clock = frame.ts();
        self.crc_ok = true;
    }

    #[cold]
    #[inline(never)]
    fn become_any(&mut self, frame: &Sighting, memory: &Memory) {
        // What the one before has of the room is there for this one.
        self.body = Body::nothing();
        self.body = Body::of(frame, memory);
    }

    /// Whether it said the same.
    #[inline]
    pub(super) fn says(&self, payload: &[u8], memory: &Memory) -> bool {
        match &self.body {
            Body::Short(said, _) => Short::of(payload) == Some(*said),
            Body::Long(long) => *long.payload == *payload,
            Body::Recognised(said, _) => memory.fingerprints.matches(*said, payload),
        }
    }

    /// What it said; where that is not known any more, how many bytes that took.
    pub(super) fn payload(&self) -> Result<&[u8], usize> {
        match &self.body {
            Body::Short(said, _) => Ok(said.bytes()),
            Body::Long(long) => Ok(&long.payload),
            Body::Recognised(said, _) => Err(said.length()),
        }
    }

    /// Where its bytes stand, as far as that is known.
    pub(super) fn spans(&self) -> &[ByteRange] {
        match &self.body {
            Body::Short(_, span) | Body::Recognised(_, span) => slice::from_ref(span),
            Body::Long(long) => &long.spans,
        }
    }

    /// The packet that completed the frame.
    pub(super) fn packet(&self) -> PacketNumber {
        last_of(self.spans()).packet
    }
}

impl Body {
    #[inline]
    fn of(frame: &Sighting, memory: &Memory) -> Self {
        match (&*frame.spans, Short::of(&frame.payload)) {
            ([span], Some(short)) => Self::Short(short, *span),
            _ => Self::long(frame, memory),
        }
    }

    #[cold]
    #[inline(never)]
    fn long(frame: &Sighting, memory: &Memory) -> Self {
        let bytes = frame.payload.len() + size_of_val(&*frame.spans) + REMEMBERED_FRAME_OVERHEAD;
        match memory.lend_bytes(bytes) {
            Some(room) => {
                let (payload, spans) = (frame.payload.clone(), frame.spans.clone());
                Self::Long(Box::new(Long { payload, spans, _room: room }))
            }
            None => Self::Recognised(memory.fingerprints.of(&frame.payload), last_of(&frame.spans)),
        }
    }

    fn nothing() -> Self {
        Self::Short(Short::default(), last_of(&[]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::Sender;
    use super::*;
    use crate::object::ObjectId;
    use crate::rct::Command;
    use proptest::prelude::*;

    fn frame(payload: &[u8], pieces: u32) -> Sighting {
        let span = |packet: u32| ByteRange { packet: PacketNumber(packet.into()), offset: 54, length: 9 };
        Sighting {
            payload: Payload::from_slice(payload),
            spans: (1..=pieces).map(span).collect(),
            ..Sighting::sample(Sender::Device, 0, Command::RESPONSE, ObjectId(1), Timestamp::EARLIEST)
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_known_again_all_the_same() {
        let memory = Memory::of(2 * (1_000 + size_of::<ByteRange>() + REMEMBERED_FRAME_OVERHEAD), 0);
        let long = [[1; 1_000], [2; 1_000], [3; 1_000]];
        let mut traces = long.each_ref().map(|payload| Trace::of(&frame(payload, 1), &memory));
        assert_eq!(traces.each_ref().map(|trace| trace.payload().is_ok()), [true, true, false]);
        assert_eq!((traces[2].payload(), traces[2].packet()), (Err(1_000), PacketNumber(1)));
        for (trace, said) in traces.iter().zip(&long) {
            assert!(long.iter().all(|payload| trace.says(payload, &memory) == (payload == said)));
        }
        traces[0].follow(&frame(&[4; 1_000], 1), &memory);
        assert!(traces[0].payload() == Ok(&[4; 1_000]), "it has the room of the one before");
        traces[0].follow(&frame(&[4; 4], 1), &memory);
        traces[2].follow(&frame(&long[2], 1), &memory);
        assert!(traces[2].payload() == Ok(&long[2]), "what one gives back is there for another");
        traces[0].follow(&frame(&[4; 4], 60_000), &memory);
        assert_eq!((traces[0].spans().len(), traces[0].packet()), (1, PacketNumber(60_000)), "pieces take room, too");
        drop(traces);
        assert_eq!(memory.lent_bytes(), 0);
    }

    proptest! {
        /// However little room there is, traces tell equal payloads from others, and take no more than that.
        #[test]
        fn traces_compare_as_payloads_do(
            frames in proptest::collection::vec((0..4_usize, 0..3_u8, 0..40_usize, 1..4_u32), 1..60),
            room in 0..1_000_usize,
        ) {
            let memory = Memory::of(room, 0);
            let mut places: [Option<(Trace, Sighting)>; 4] = [const { None }; 4];
            for (place, content, length, pieces) in frames {
                let frame = frame(&vec![content; length], pieces);
                for (trace, said) in places.iter().flatten() {
                    prop_assert_eq!(trace.says(&frame.payload, &memory), said.payload == frame.payload);
                    prop_assert_eq!(trace.packet(), said.packet());
                    prop_assert_eq!(trace.payload().map_or_else(|length| length, <[u8]>::len), said.payload.len());
                }
                match &mut places[place] {
                    Some((trace, said)) => {
                        trace.follow(&frame, &memory);
                        *said = frame;
                    }
                    empty => *empty = Some((Trace::of(&frame, &memory), frame)),
                }
                prop_assert!(memory.lent_bytes() <= u64::try_from(room).expect("little"));
            }
        }
    }
}
