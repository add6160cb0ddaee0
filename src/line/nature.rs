//! What of an object matters for every frame about it: looked up once, and small.
//!
//! Most values are plain numbers with nothing wrong. That is seen here without decoding them; whatever is not so is left
//! to `values`.

use crate::object::ObjectId;
use crate::rct::registry::{DataType, Object, Registry};

/// What of an object matters for every frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    pub(super) is_known: bool,
    pub(super) response_type: DataType,
    plain: Plain,
}

/// When there is nothing to say of a value.
#[derive(Clone, Copy, Debug)]
enum Plain {
    /// It has to be looked at.
    Never,
    /// It has so many bytes.
    Integer(usize),
    /// It has so many bytes, and the number they are is one of these, a bit for each.
    Named(usize, u64),
    /// It has so many bytes, and no bits of them are set but these.
    Bits(usize, u32),
    /// It is an ordinary number.
    Float,
    /// It is one from 0 to 1.
    Ratio,
}

impl Plain {
    /// Of a whole number of so many bytes, which may have names, or whose bits may.
    fn number(registry: &Registry, object: &Object, size: usize) -> Self {
        let (names, bits) = (registry.enum_values(object.id), registry.bits(object.id));
        let is_flags = !bits.is_empty() && object.response_type != DataType::Enum;
        if is_flags {
            return Self::Bits(size, bits.iter().fold(0, |known, (bit, _)| known | 1 << bit));
        }
        if names.is_empty() || object.flags.unix_time {
            return Self::Integer(size);
        }
        let name = |(number, _): &(u32, String)| 1_u64.checked_shl(*number).unwrap_or(0);
        Self::Named(size, names.iter().fold(0, |known, named| known | name(named)))
    }
}

impl Nature {
    pub(super) const UNKNOWN: Self = Self { is_known: false, response_type: DataType::Unknown, plain: Plain::Never };

    pub(super) fn of(registry: &Registry, id: ObjectId) -> Self {
        let Some(object) = registry.get(id) else { return Self::UNKNOWN };
        let plain = match object.response_type {
            _ if object.flags.secret => Plain::Never,
            DataType::Float if object.flags.ratio => Plain::Ratio,
            DataType::Float => Plain::Float,
            DataType::Bool => Plain::Named(1, 0b11),
            DataType::Enum => Plain::number(registry, object, 1),
            DataType::Int8
            | DataType::Uint8
            | DataType::Int16
            | DataType::Uint16
            | DataType::Int32
            | DataType::Uint32 => {
                object.response_type.size().map_or(Plain::Never, |size| Plain::number(registry, object, size))
            }
            _ => Plain::Never,
        };
        Self { is_known: true, response_type: object.response_type, plain }
    }

    /// Whether there is nothing to say of a value in a RESPONSE.
    pub(super) fn is_plain(&self, payload: &[u8]) -> bool {
        match (self.plain, payload) {
            (Plain::Integer(size), _) => payload.len() == size,
            (Plain::Named(size, names), _) => {
                payload.len() == size && 1_u64.checked_shl(number(payload)).is_some_and(|name| names & name != 0)
            }
            (Plain::Bits(size, known), _) => payload.len() == size && number(payload) & !known == 0,
            (Plain::Float, &[a, b, c, d]) => is_ordinary(f32::from_be_bytes([a, b, c, d])),
            (Plain::Ratio, &[a, b, c, d]) => {
                let number = f32::from_be_bytes([a, b, c, d]);
                is_ordinary(number) && (0.0..=1.0).contains(&number)
            }
            (Plain::Never | Plain::Float | Plain::Ratio, _) => false,
        }
    }
}

/// The number that up to four bytes are.
fn number(payload: &[u8]) -> u32 {
    payload.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn is_ordinary(number: f32) -> bool {
    number == 0.0 || number.is_normal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rct::value::{Form, decode};
    use proptest::prelude::*;

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
                if nature.is_plain(&payload) {
                    prop_assert!(decoded.problems.is_empty() && !object.flags.secret, "{}", object.name);
                    prop_assert!(!nature.response_type.is_table(), "{}", object.name);
                } else if matches!(object.response_type, DataType::Float | DataType::Int32) {
                    let named = !registry.enum_values(object.id).is_empty() || !registry.bits(object.id).is_empty();
                    prop_assert!(!decoded.problems.is_empty() || object.flags.secret || named, "{}", object.name);
                }
            }
        }
    }
}
