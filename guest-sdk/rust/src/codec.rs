//! Types of the plugin's own to MessagePack and back. Unlike the codec of `aksara-wire` it can fail on the way out:
//! what is encoded here is the author's type.

use aksara_wire::Value;
use rmp_serde::config::BytesMode;
use serde::Serialize;

use crate::Error;

/// Encodes a value, structs as maps and `Vec<u8>` as bytes.
pub(crate) fn to_bytes(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(128);
    let mut serializer =
        rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_bytes(BytesMode::ForceIterables);
    value.serialize(&mut serializer)?;
    Ok(bytes)
}

/// Decodes what was encoded here, or sent by the host.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Value, Error> {
    Ok(aksara_wire::decode_trusted(bytes)?)
}

/// Any value as one of the contract.
///
/// # Errors
/// When the type refuses to be serialised, or is none that MessagePack has a form for.
pub fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value, Error> {
    from_bytes(&to_bytes(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[derive(serde::Serialize)]
    struct Row {
        bytes: Vec<u8>,
        numbers: Vec<u16>,
        time: Option<Timestamp>,
        nothing: Option<u8>,
    }

    #[test]
    fn fields_have_the_form_of_the_contract() {
        let row = Row { bytes: vec![1, 2], numbers: vec![1, 2], time: Timestamp::new(1, 0), nothing: None };
        let expected = crate::map! {
            "bytes": Value::Bin(vec![1, 2]),
            "numbers": vec![Value::Int(1), Value::Int(2)],
            "time": Timestamp::new(1, 0),
            "nothing": Value::Nil,
        };
        assert_eq!(to_value(&row).unwrap(), Value::Map(expected));
    }

    #[test]
    fn what_cannot_be_sent_is_an_error() {
        let keyed_by_number = std::collections::BTreeMap::from([(1, "one")]);
        assert!(to_value(&keyed_by_number).is_err());
    }
}
