//! The command byte of a frame.

use std::fmt;

/// A command byte, known or not: unknown ones survive as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command(pub u8);

impl Command {
    /// A client asks for a value.
    pub const READ: Self = Self(0x01);
    /// A client sets a value of up to 251 bytes.
    pub const WRITE: Self = Self(0x02);
    /// A client sets a longer value.
    pub const LONG_WRITE: Self = Self(0x03);
    /// The device answers.
    pub const RESPONSE: Self = Self(0x05);
    /// The device answers with a history or the event table.
    pub const LONG_RESPONSE: Self = Self(0x06);
    /// A client subscribes to a value.
    pub const READ_PERIODICALLY: Self = Self(0x08);
    /// The app's protocol switch; no frame follows.
    pub const EXTENSION: Self = Self(0x3c);
    /// This bit set: the plant form, with an address before the object id.
    const PLANT: u8 = 0x40;

    /// Whether an address stands before the object id.
    pub const fn is_plant(self) -> bool {
        self.0 & Self::PLANT != 0
    }

    /// The command without its plant bit.
    #[must_use]
    pub const fn base(self) -> Self {
        Self(self.0 & !Self::PLANT)
    }

    /// Whether the length field has two bytes.
    pub const fn is_long(self) -> bool {
        self.is_among(&[Self::LONG_WRITE, Self::LONG_RESPONSE])
    }

    /// Whether the command is one of the table in use (plant forms included).
    pub const fn is_known(self) -> bool {
        self.is_among(&[
            Self::READ,
            Self::WRITE,
            Self::LONG_WRITE,
            Self::RESPONSE,
            Self::LONG_RESPONSE,
            Self::READ_PERIODICALLY,
        ])
    }

    /// Whether only the device sends it.
    pub const fn is_response(self) -> bool {
        self.is_among(&[Self::RESPONSE, Self::LONG_RESPONSE])
    }

    /// Whether it sets a value.
    pub const fn is_write(self) -> bool {
        self.is_among(&[Self::WRITE, Self::LONG_WRITE])
    }

    /// Whether it is one of these, plant form or not.
    ///
    /// They are the bits of a number: which of them a frame has cannot be guessed, and nothing here tries to.
    #[expect(clippy::inline_always, reason = "the number is a constant where it is inlined")]
    #[inline(always)]
    const fn is_among(self, commands: &[Self]) -> bool {
        let (mut bits, mut n) = (0_u64, 0);
        while n < commands.len() {
            bits |= 1 << commands[n].0;
            n += 1;
        }
        let base = self.base().0;
        base < 64 && bits >> base & 1 == 1
    }

    /// The name of a known command: `READ`, `PLANT_LONG_RESPONSE` …
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x01 => "READ",
            0x02 => "WRITE",
            0x03 => "LONG_WRITE",
            0x05 => "RESPONSE",
            0x06 => "LONG_RESPONSE",
            0x08 => "READ_PERIODICALLY",
            0x3c => "EXTENSION",
            0x41 => "PLANT_READ",
            0x42 => "PLANT_WRITE",
            0x43 => "PLANT_LONG_WRITE",
            0x45 => "PLANT_RESPONSE",
            0x46 => "PLANT_LONG_RESPONSE",
            0x48 => "PLANT_READ_PERIODICALLY",
            _ => return None,
        })
    }

    /// The command with this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        (0..=0x7f).map(Self).find(|command| command.name().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Bytes of the length field.
    pub const fn length_bytes(self) -> usize {
        if self.is_long() { 2 } else { 1 }
    }

    /// Bytes between the length field and the payload: object id, and address in plant forms.
    pub const fn id_bytes(self) -> usize {
        if self.is_plant() { 8 } else { 4 }
    }
}

impl fmt::Display for Command {
    /// The name, or `0x2D` when unknown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:02X}", self.0),
        }
    }
}
