//! What of an object matters for every frame about it: looked up once, and small.
//!
//! Most values are plain numbers with nothing wrong. That is seen here without decoding them; whatever is not so is left
//! to `values`.

use crate::object::ObjectId;
use crate::rct::registry::{DataType, Object, Registry};
use crate::short::Short;

/// What of an object matters for every frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    pub(super) is_known: bool,
    pub(super) response_type: DataType,
    plain: Plain,
}

/// When there is nothing to say of a value: all of this has to be so.
#[derive(Clone, Copy, Debug)]
struct Plain {
    /// It has so many bytes. No value has as many as where it has to be looked at.
    size: u8,
    /// As a number, it has no bits but these.
    bits: u32,
    /// It is zero, or without its sign, if it has one, this or more …
    least: u32,
    /// … and this or less.
    most: u32,
    /// It is one of these, a bit for each, as far as six bits of it go.
    names: u64,
}

/// The bit that is the sign of a float.
const SIGN: u32 = 1 << 31;

impl Plain {
    /// Any number of so many bytes.
    const fn any(size: u8) -> Self {
        Self { size, bits: u32::MAX, least: 0, most: u32::MAX, names: u64::MAX }
    }

    /// It has to be looked at.
    const NEVER: Self = Self::any(u8::MAX);

    /// A float that is an ordinary number.
    const FLOAT: Self = Self { least: f32::MIN_POSITIVE.to_bits(), most: f32::MAX.to_bits(), ..Self::any(4) };

    /// One from 0 to 1.
    const RATIO: Self = Self { bits: !SIGN, most: 1.0_f32.to_bits(), ..Self::FLOAT };

    /// A number of so many bytes that is one of these.
    const fn named(size: u8, names: u64) -> Self {
        Self { bits: u64::BITS - 1, names, ..Self::any(size) }
    }

    /// A whole number of so many bytes, which may have names, or whose bits may.
    fn whole(registry: &Registry, object: &Object, size: u8) -> Self {
        let (names, bits) = (registry.enum_values(object.id), registry.bits(object.id));
        let is_flags = !bits.is_empty() && object.response_type != DataType::Enum;
        if is_flags {
            return Self { bits: bits.iter().fold(0, |known, (bit, _)| known | 1 << bit), ..Self::any(size) };
        }
        if names.is_empty() || object.flags.unix_time {
            return Self::any(size);
        }
        let name = |(number, _): &(u32, String)| 1_u64.checked_shl(*number).unwrap_or(0);
        Self::named(size, names.iter().fold(0, |known, named| known | name(named)))
    }

    /// All of it is looked at at once, since there is nothing to guess: hardly two values of one kind follow each other.
    #[expect(clippy::needless_bitwise_bool, reason = "a lazy `and` would be a guess each")]
    #[inline]
    fn is_so(&self, payload: &Short) -> bool {
        let number = payload.number();
        let size = number & !SIGN;
        (payload.length() == self.size)
            & (number & !self.bits == 0)
            & ((size == 0) | (self.least <= size) & (size <= self.most))
            & (self.names >> (number % u64::BITS) & 1 == 1)
    }
}

impl Nature {
    pub(super) const UNKNOWN: Self = Self { is_known: false, response_type: DataType::Unknown, plain: Plain::NEVER };

    pub(super) fn of(registry: &Registry, id: ObjectId) -> Self {
        let Some(object) = registry.get(id) else { return Self::UNKNOWN };
        let plain = match object.response_type {
            _ if object.flags.secret => Plain::NEVER,
            DataType::Float if object.flags.ratio => Plain::RATIO,
            DataType::Float => Plain::FLOAT,
            DataType::Bool => Plain::named(1, 0b11),
            DataType::Enum | DataType::Int8 | DataType::Uint8 => Plain::whole(registry, object, 1),
            DataType::Int16 | DataType::Uint16 => Plain::whole(registry, object, 2),
            DataType::Int32 | DataType::Uint32 => Plain::whole(registry, object, 4),
            _ => Plain::NEVER,
        };
        Self { is_known: true, response_type: object.response_type, plain }
    }

    /// Whether there is nothing to say of a value in a RESPONSE. It is only said of what certainly is so.
    #[inline]
    pub(super) fn is_plain(&self, payload: &Short) -> bool {
        self.plain.is_so(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rct::value::{Form, decode};
    use proptest::prelude::*;

    /// As a ratio it is looked at.
    const NEGATIVE_ZERO: [u8; 4] = (-0.0_f32).to_be_bytes();

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let float = prop_oneof![
            any::<f32>(),
            prop::sample::select(vec![0.0, -0.0, 1.0, 1.000_001, -0.1, 2.0, 3.0, f32::NAN, f32::INFINITY, 1e-40])
        ];
        prop_oneof![
            float.prop_map(|number| number.to_be_bytes().to_vec()),
            proptest::collection::vec(any::<u8>(), 0..6),
        ]
    }

    proptest! {
        /// What is called plain is what decoding finds nothing wrong with, and most ordinary values are.
        #[test]
        fn a_plain_value_has_no_problem(payload in payload()) {
            let registry = Registry::builtin();
            for object in registry.objects() {
                let nature = Nature::of(registry, object.id);
                let decoded = decode(registry, Some(object), Form::Response, &payload);
                if Short::of(&payload).is_some_and(|payload| nature.is_plain(&payload)) {
                    prop_assert!(decoded.problems.is_empty() && !object.flags.secret, "{}", object.name);
                    prop_assert!(!nature.response_type.is_table(), "{}", object.name);
                } else if matches!(object.response_type, DataType::Float | DataType::Int32) && payload != NEGATIVE_ZERO {
                    let named = !registry.enum_values(object.id).is_empty() || !registry.bits(object.id).is_empty();
                    prop_assert!(!decoded.problems.is_empty() || object.flags.secret || named, "{}", object.name);
                }
            }
        }
    }
}
