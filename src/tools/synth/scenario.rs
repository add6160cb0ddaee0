//! The list of scenarios: names, what happens, and what an analyzer has to find.

use super::hub::Recording;
use super::random::Random;
use super::stories::{clients, damage, dialogue, evening, series, transport};
use crate::anomaly::Code;
use std::fmt;

type Story = fn(Random) -> Recording;

macro_rules! scenarios {
    ($($variant:ident $name:literal $story:path, $description:literal, [$($code:ident)*];)*) => {
        /// A story that [`write`](super::write) can tell.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scenario {
            $(#[doc = $description] $variant,)*
        }

        impl Scenario {
            /// All scenarios.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What happens, in a line.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description),* }
            }

            /// The anomalies it is made to show. Others may come with them, except where the list is empty: then
            /// there is nothing to report.
            pub const fn anomalies(self) -> &'static [Code] {
                match self { $(Self::$variant => &[$(Code::$code),*]),* }
            }

            pub(super) fn story(self) -> Story {
                match self { $(Self::$variant => $story),* }
            }
        }
    };
}

scenarios! {
    Evening "evening" evening::evening,
        "a minute of two programs that poll one inverter, with a bit of everything that goes wrong",
        [ForeignResponse PayloadShort Unanswered Retry CrcMismatch SensitiveWrite LengthLie KeepAlive Gap UnknownObject];
    Normal "normal" dialogue::normal,
        "one client polls a few objects every ten seconds; nothing is wrong", [];
    AllTypes "all-types" dialogue::all_types,
        "every data type once", [Secret];
    Write "write" dialogue::write,
        "WRITEs that are confirmed, that take effect in silence, that do not; two hosts at odds",
        [WriteUnconfirmed CompetingWrites SensitiveWrite];
    Plant "plant" dialogue::plant,
        "frames with the address of a plant, short and long", [];
    Periodic "periodic" dialogue::periodic,
        "a client subscribes to three objects, another polls", [SensitiveWrite];
    EscapeHeavy "escape-heavy" dialogue::escape_heavy,
        "start and escape bytes in every part of a frame", [];
    LongResponse "long-response" series::long_response,
        "histories and event tables over several segments", [];
    InterruptedTable "interrupted-table" series::interrupted_table,
        "histories and event tables cut short by another client's request, CRC valid", [SeriesCut];
    LengthByte "length-byte" series::length_byte,
        "length fields too small and too large, CRC valid, other frames right behind", [LengthLie];
    TwoClients "two-clients" clients::two_clients,
        "two clients poll at the same time: each gets the other's answers while it waits", [ForeignResponse];
    Portal "portal" clients::portal,
        "the device dials out to the vendor's server, which asks and keeps the connection alive", [KeepAlive];
    Master "master" clients::master,
        "the device dials out to the master of its network, which asks it", [];
    Crowd "crowd" clients::crowd,
        "six clients at a time, one more than the bridge takes", [TooManyClients];
    Reconnect "reconnect" clients::reconnect,
        "idle connections are closed; a client comes back from the same port, and once by RST", [Reset];
    UnansweredRetry "unanswered-retry" clients::unanswered_retry,
        "answers that never come and one that is late; the client asks again",
        [Unanswered Retry LateResponse];
    NetPackage "net-package" clients::net_package,
        "networked inverters: the device sends WRITE net.package once a second", [DeviceWrite Secret];
    DuplicateAnswer "duplicate-answer" clients::duplicate_answer,
        "a master answers for its slave too: two values for one READ", [DuplicateResponse];
    Echo "echo" clients::echo,
        "the device sends READs back before it answers them", [Echo];
    MixedPorts "mixed-ports" clients::mixed_ports,
        "two devices, one of them on IPv6 and another port, among HTTP, TLS, DNS and ARP", [];
    CutAnswer "cut-answer" damage::cut_answer,
        "a second client's request cuts an answer short, CRC valid over what is left", [PayloadShort LengthLie];
    BadCrc "bad-crc" damage::bad_crc,
        "right payloads with a wrong CRC", [CrcMismatch];
    ForeignPayload "foreign-payload" damage::foreign_payload,
        "a piece of another client's request inside a payload", [ForeignPayload];
    StuckRemainder "stuck-remainder" damage::stuck_remainder,
        "the tail of an earlier answer in front of the next one", [StuckRemainder];
    RawCrc "raw-crc" damage::raw_crc,
        "a client that does not escape the CRC", [RawCrc];
    NoEscape "no-escape" damage::no_escape,
        "a client that escapes nothing", [];
    BridgeNoise "bridge-noise" damage::bridge_noise,
        "AT-mode noise of the network bridge between answers", [BridgeNoise];
    Bootloader "bootloader" damage::bootloader,
        "the device restarts: its bootloader announces itself, requests go unanswered",
        [Bootloader Unanswered SensitiveWrite];
    Gap "gap" transport::gap,
        "segments missing from the capture: some copied elsewhere, some not", [Gap];
    Reorder "reorder" transport::reorder,
        "segments overtake each other on the way; nothing is wrong", [];
    Retransmit "retransmit" transport::retransmit,
        "segments lost and sent again, alone or together with the one before", [Retransmission];
    Injection "injection" transport::injection,
        "someone else's segments in place of the device's, just before or just after them", [OverlapConflict];
}

impl Scenario {
    /// The scenario called `name`, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scenario| scenario.name() == name)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
