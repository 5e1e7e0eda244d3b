//! What holds for any value, and for any bytes.

use aksara_wire::{
    DecodeLimits, Description, Event, Failure, Map, ModelRequest, Reply, RequestError, Timestamp, Value,
    decode, encode,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (any::<i64>(), 0..1_000_000_000u32)
        .prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).unwrap())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("equal to itself", |value| !value.is_nan()).prop_map(Value::from),
        ".*".prop_map(Value::Str),
        vec(any::<u8>(), 0..40).prop_map(Value::Bin),
        timestamp().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::Array),
            btree_map(".{0,8}", inner, 0..8).prop_map(Value::Map),
        ]
    })
}

/// Bytes that look like MessagePack more often than chance would have it.
fn almost() -> impl Strategy<Value = Vec<u8>> {
    let markers = prop_oneof![
        Just(0x81u8),
        Just(0x91),
        Just(0xa1),
        Just(0xc1),
        Just(0xc7),
        Just(0xd6),
        Just(0xde),
        any::<u8>()
    ];
    prop_oneof![
        vec(any::<u8>(), 0..64),
        vec(markers, 0..64),
        (value(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut bytes = encode(&value);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

proptest! {
    #[test]
    fn a_value_comes_back(value in value()) {
        let bytes = encode(&value);
        prop_assert_eq!(decode(&bytes, &DecodeLimits::default()), Ok(value.clone()));
        prop_assert_eq!(value.encode(), bytes);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in almost()) {
        let limits = DecodeLimits { depth_max: 8, ..DecodeLimits::default() };
        let _ = Reply::decode(&bytes, &limits);
        let _ = Failure::decode(&bytes, &limits);
        let _ = Description::decode(&bytes, &limits);
        let _ = ModelRequest::decode(&bytes, &limits);
        let _ = RequestError::decode(&bytes, &limits);
        let _ = rmp_serde::from_slice::<Event>(&bytes);
        if let Ok(value) = decode(&bytes, &limits) {
            let again = decode(&encode(&value), &limits);
            // NaN is the one value that does not equal itself.
            prop_assert_eq!(format!("{:?}", again), format!("{:?}", Ok::<_, ()>(value)));
        }
    }

    #[test]
    fn a_cut_value_is_refused(value in value(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&value);
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert!(decode(cut, &DecodeLimits::default()).is_err());
    }

    #[test]
    fn bytes_are_decoded_within_the_limit_of_values(bytes in almost(), values_max in 1..20usize) {
        fn count(value: &Value) -> usize {
            1 + match value {
                Value::Array(values) => values.iter().map(count).sum(),
                Value::Map(map) => map.values().map(count).sum(),
                _ => 0,
            }
        }
        let limits = DecodeLimits { values_max, ..DecodeLimits::default() };
        if let Ok(value) = decode(&bytes, &limits) {
            prop_assert!(count(&value) <= values_max);
        }
    }

    #[test]
    fn a_time_comes_back_from_its_text(seconds in -400_000_000_000i64..400_000_000_000, nanoseconds in 0..1_000_000_000u32) {
        let time = Timestamp::new(seconds, nanoseconds).unwrap();
        prop_assert_eq!(time.to_string().parse(), Ok(time));
    }

    #[test]
    fn a_patch_comes_back(fields in btree_map(".{0,8}", value(), 0..8), update_fields in vec(".{0,8}", 0..4)) {
        let patch = aksara_wire::Patch { fields: fields as Map, update_fields, ..Default::default() };
        let reply = if patch.is_empty() { Reply::Unchanged } else { Reply::Patch(patch) };
        prop_assert_eq!(Reply::decode(&reply.encode(), &DecodeLimits::default()), Ok(reply));
    }
}
