//! The anomaly catalogue: every code, its severity and the rule it stands for, in this one place.
//!
//! Codes are `layer.event` and stable. Which stage finds an anomaly is written in that stage; what it is called, how
//! bad it is and what it means is written here and nowhere else.

use crate::endpoint::ConnectionId;
use crate::object::ObjectId;
use crate::packet::ByteRange;
use crate::time::Timestamp;
use smallvec::SmallVec;
use std::fmt;

/// How bad an anomaly is. Ordered: a note is less than a warning is less than an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing, nothing wrong.
    Note,
    /// Something did not go as it should; the data is complete.
    Warning,
    /// Data is wrong, missing or lost.
    Error,
}

impl Severity {
    /// All severities, the mildest first.
    pub const ALL: [Self; 3] = [Self::Note, Self::Warning, Self::Error];

    /// `note`, `warning` or `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! catalogue {
    ($($variant:ident $code:literal $severity:ident $fires:literal;)*) => {
        /// The code of an anomaly.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $fires] $variant,)*
        }

        impl Code {
            /// The whole catalogue, in the order of the layers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, `layer.event`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }

            /// When it fires, in one clause.
            pub const fn fires_when(self) -> &'static str {
                match self { $(Self::$variant => $fires),* }
            }
        }
    };
}

catalogue! {
    TruncatedFile "capture.truncated_file" Warning
        "the file ends inside a record; all whole records are used";
    SnaplenCut "capture.snaplen_cut" Warning
        "a packet of the protocol was captured shorter than it was";
    ClockBackwards "capture.clock_backwards" Note
        "a packet's time is before its predecessor's (once per interface, with the largest step)";
    PacketsDropped "capture.packets_dropped" Warning
        "the file's own statistics say the capturer dropped packets";
    UnsupportedLinkType "capture.unsupported_link_type" Warning
        "packets of a link type that cannot be read were skipped (count)";
    CorruptRecord "capture.corrupt_record" Warning
        "a record of the file makes no sense; it was skipped, or reading stopped there";
    Midstream "tcp.midstream" Note
        "the connection began before the capture";
    Gap "tcp.gap" Warning
        "bytes are missing from a stream (never captured); with count and whether a copy elsewhere filled it";
    Retransmission "tcp.retransmission" Note
        "bytes sent again with the same content (counted per connection)";
    OverlapConflict "tcp.overlap_conflict" Error
        "bytes sent again with different content: corruption or injection";
    OneSided "tcp.one_sided" Warning
        "only one direction was captured";
    Reset "tcp.reset" Note
        "RST while requests were open";
    SuspiciousReset "tcp.suspicious_reset" Warning
        "RST far outside the window: forged, and ignored";
    DataAfterReset "tcp.data_after_reset" Warning
        "the connection went on after an RST that looked valid";
    StraySegment "tcp.stray_segment" Note
        "data outside what the stream can hold (far ahead, after the end, or for bytes already given up); dropped";
    BadChecksum "tcp.bad_checksum" Warning
        "a segment whose TCP checksum is wrong in a stream where others are right; its data was dropped";
    Limit "tcp.limit" Warning
        "a bound of memory was reached: connections or held bytes were given up";
    CrcMismatch "frame.crc_mismatch" Error
        "no reading of the frame fits its CRC; both values shown; value untrusted";
    LengthLie "frame.length_lie" Warning
        "CRC fits over a body that is not as long as declared";
    Truncated "frame.truncated" Error
        "a new frame starts, or the stream ends, inside a frame";
    UnknownCommand "frame.unknown_command" Warning
        "command byte outside the table";
    Junk "frame.junk" Warning
        "bytes between frames that are none of the known ones (count, hex)";
    StuckRemainder "frame.stuck_remainder" Warning
        "device bytes that are the tail of an earlier answer in front of a new one";
    RawCrc "frame.raw_crc" Note
        "the CRC fits only with its `2b`/`2d` taken unescaped (names the sending client)";
    BadEscape "frame.bad_escape" Warning
        "`2d` followed by neither `2b` nor `2d`";
    BridgeNoise "frame.bridge_noise" Note
        "AT-mode noise of the network bridge, runs of `2b`";
    Bootloader "frame.bootloader" Warning
        "the device's bootloader announces itself (`50 f7 05 ab`)";
    KeepAlive "frame.keep_alive" Note
        "the keep-alive of the vendor's server (`AT+` and a carriage return)";
    ProtocolSwitch "frame.protocol_switch" Note
        "the app switches the device to this protocol (`2b 3c e1`)";
    Unanswered "exchange.unanswered" Error
        "no answer on any connection of the device within the time-out, none of it lost by the capture";
    Retry "exchange.retry" Note
        "the same request again while, or soon after, the first went unanswered or was damaged";
    LateResponse "exchange.late_response" Warning
        "the answer came after the client had asked again or the time-out had passed";
    DuplicateResponse "exchange.duplicate_response" Warning
        "two different answers to one request (a master answering for its slave)";
    ForeignResponse "exchange.foreign_response" Warning
        "an answer reached a connection that was waiting for another object and had not asked for this one";
    Unsolicited "exchange.unsolicited" Note
        "a device frame nobody asked for, and no periodic registration explains it";
    Echo "exchange.echo" Note
        "the device sent a READ back";
    DeviceWrite "exchange.device_write" Note
        "the device sent a WRITE (`net.package` in networked systems)";
    WrongCommand "exchange.wrong_command" Warning
        "RESPONSE where LONG_RESPONSE was due, or the reverse";
    WriteUnconfirmed "exchange.write_unconfirmed" Note
        "no RESPONSE to a WRITE; says what a READ of that object within the time-out showed";
    CompetingWrites "exchange.competing_writes" Warning
        "different hosts wrote different values to one object";
    SensitiveWrite "exchange.sensitive_write" Warning
        "a write to an object marked `sensitive_write` (who, old value if known, new value)";
    Overload "exchange.overload" Warning
        "sustained request rate or batch depth beyond what the line answered";
    TooManyClients "exchange.too_many_clients" Note
        "more than five connections to one device at a time";
    PayloadShort "value.payload_short" Error
        "fewer bytes than the type needs, CRC valid";
    PayloadLong "value.payload_long" Warning
        "more bytes than the type needs";
    MalformedWrite "value.malformed_write" Error
        "a client wrote a payload of the wrong size for the object's type";
    ForeignPayload "value.foreign_payload" Error
        "a request frame of another client inside a payload";
    SeriesCut "value.series_cut" Warning
        "a table with far fewer rows than its neighbours, ending where the line was interrupted";
    SeriesMismatch "value.series_mismatch" Warning
        "the echoed time is not the one asked for";
    SeriesDisorder "value.series_disorder" Note
        "rows not in descending time";
    UnknownObject "value.unknown_object" Note
        "the CRC is valid, but the registry has no such object";
    UnknownEnum "value.unknown_enum" Note
        "an enum value that has no name";
    UnknownBit "value.unknown_bit" Note
        "a set bit that has no name";
    NotFinite "value.not_finite" Warning
        "NaN, infinity or a denormal float";
    OutOfRange "value.out_of_range" Warning
        "a ratio below -2 or above 2: no share of anything, rather a percentage or garbage";
    RatioExceeded "value.ratio_exceeded" Note
        "a ratio a little outside 0..1, down to -2 and up to 2";
    StringTail "value.string_tail" Note
        "bytes other than `00` after the end of a string";
    Secret "value.secret" Note
        "an object marked `secret` crossed the wire in clear (once per object and capture)";
}

impl Code {
    /// The code called `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// The part behind the dot: `crc_mismatch` of `frame.crc_mismatch`.
    pub fn event(self) -> &'static str {
        self.name().split_once('.').map_or(self.name(), |(_, event)| event)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The number of an anomaly in a session, shown as `A7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnomalyId(pub u64);

impl fmt::Display for AnomalyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{}", self.0)
    }
}

/// One anomaly of a session, with what proves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// Its number in the session.
    pub id: AnomalyId,
    /// What it is.
    pub code: Code,
    /// When it happened.
    pub ts: Timestamp,
    /// The connection it happened on, where it belongs to one.
    pub connection: Option<ConnectionId>,
    /// The object it is about, where there is one.
    pub object_id: Option<ObjectId>,
    /// What happened, in a sentence without a full stop.
    pub message: String,
    /// The bytes that prove it; the first is the one to look at. Empty only where nothing in the capture shows it.
    pub evidence: SmallVec<[ByteRange; 2]>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_named_by_layer() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let (layer, event) = code.name().split_once('.').expect("a dot");
            assert!(["capture", "tcp", "frame", "exchange", "value"].contains(&layer), "{code}");
            assert!(event.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert_eq!(Code::from_name(code.name()), Some(*code));
        }
    }

    #[test]
    fn severities_are_ordered() {
        assert!(Severity::Note < Severity::Warning && Severity::Warning < Severity::Error);
    }
}
