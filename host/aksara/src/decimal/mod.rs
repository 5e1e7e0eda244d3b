//! Decimals where the database has none: how SQLite stores them, and in what order they are.
//!
//! A number that an integer or a float says exactly is stored as one, so that other programs sort, compare and compute with
//! it. The rest, of more than 15 digits, is a blob of its text, which no column changes. What SQLite would round is left to
//! functions of ours, in statements only: the file needs none of them.

#[cfg(feature = "sqlite")]
mod functions;

use rust_decimal::Decimal;

use crate::Value;

#[cfg(feature = "sqlite")]
pub(crate) use functions::register;

/// Functions of SQL that [`register`] adds to a connection.
pub(crate) const KEY: &str = "aksara_decimal_key";
pub(crate) const ADD: &str = "aksara_decimal_add";
pub(crate) const SUB: &str = "aksara_decimal_sub";
pub(crate) const MUL: &str = "aksara_decimal_mul";
pub(crate) const DIV: &str = "aksara_decimal_div";
pub(crate) const REM: &str = "aksara_decimal_rem";
pub(crate) const SUM: &str = "aksara_decimal_sum";
pub(crate) const AVG: &str = "aksara_decimal_avg";
pub(crate) const MIN: &str = "aksara_decimal_min";
pub(crate) const MAX: &str = "aksara_decimal_max";

/// The collation of decimals in files that an earlier version has made, where they are text.
#[cfg(feature = "sqlite")]
pub(crate) const COLLATION: &str = "AKSARA_DECIMAL";

/// Compares as [`COLLATION`] does.
#[cfg(feature = "sqlite")]
pub(crate) fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

/// A decimal in text, with all its digits; `None` for what would have to be rounded.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    // Zeros at the end of a fraction may be more than there is room for, and are not a loss.
    let shorter = || text.contains('.').then(|| text.trim_end_matches('0').trim_end_matches('.'));
    Decimal::from_str_exact(text).ok().or_else(|| Decimal::from_str_exact(shorter()?).ok()).or_else(|| {
        // What is in front of the exponent would be rounded.
        let (digits, _) = text.split_once(['e', 'E'])?;
        Decimal::from_str_exact(digits).ok().and_then(|_| Decimal::from_scientific(text).ok())
    })
}

/// A float gives back every number of so many digits.
#[cfg(feature = "sqlite")]
const FLOAT_DIGITS: usize = 15;

/// How SQLite stores a decimal: each in one form, so that equal ones are equal to it.
#[cfg(feature = "sqlite")]
pub(crate) fn stored(decimal: Decimal) -> Value {
    let decimal = decimal.normalize();
    if let Some(integer) = integral(decimal) {
        return Value::BigInt(Some(integer));
    }
    let text = decimal.to_string();
    let digits = decimal.mantissa().unsigned_abs().to_string().trim_end_matches('0').len();
    match text.parse() {
        Ok(float) if digits <= FLOAT_DIGITS => Value::Double(Some(float)),
        _ => Value::Bytes(Some(text.into_bytes())),
    }
}

/// The integer that a normalized decimal is.
fn integral(decimal: Decimal) -> Option<i64> {
    (decimal.scale() == 0).then(|| i64::try_from(decimal.mantissa()).ok())?
}

/// A number as SQLite compares it without us, on this side of the decimal if it is not the same: an index narrows by it
/// what is compared exactly.
pub(crate) fn beside(decimal: Decimal, above: bool) -> Value {
    /// From here on, floats are further apart than integers.
    const FLOAT_EXACT_MAX: i64 = 1 << 53;
    let nearest = if above { decimal.ceil() } else { decimal.floor() };
    match integral(nearest.normalize()) {
        Some(integer) if nearest == decimal || integer.saturating_abs() >= FLOAT_EXACT_MAX => {
            Value::BigInt(Some(integer))
        }
        _ => Value::Double(decimal.normalize().to_string().parse().ok()),
    }
}

/// Bytes that are in the order of the decimals and equal where they are equal: the sign, what is before the point, what is
/// behind it.
pub(crate) fn key(decimal: Decimal) -> Vec<u8> {
    let unit = 10_u128.pow(decimal.scale());
    let magnitude = decimal.mantissa().unsigned_abs();
    let fraction = magnitude % unit * 10_u128.pow(Decimal::MAX_SCALE - decimal.scale());
    let mut bytes = vec![1];
    for part in [magnitude / unit, fraction] {
        // Both are below 2 to the power of 96.
        bytes.extend_from_slice(&part.to_be_bytes()[4..]);
    }
    if decimal.is_sign_negative() && magnitude != 0 {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
        bytes[0] = 0;
    }
    bytes
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;

    fn samples() -> Vec<Decimal> {
        let mut samples: Vec<Decimal> = [
            "0",
            "0.0000000000000000000000000001",
            "0.1",
            "0.10000000000000000000000001",
            "1",
            "9.99",
            "123456789012.345",
            "9007199254740992.5",
            "9007199254740993",
            "9007199254740993.2",
            "1152921504606847076",
            "1152921504606847076.5",
            "9223372036854775807",
            "9223372036854775807.5",
            "9223372036854775808",
            "12345678901234567.89",
            "100000000000000000000",
            "79228162514264337593543950.335",
            "79228162514264337593543950335",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec();
        samples.extend(samples.clone().iter().map(|decimal| -decimal));
        samples.sort();
        samples.dedup();
        samples
    }

    fn number(value: &Value) -> f64 {
        match value {
            Value::BigInt(Some(integer)) => *integer as f64,
            Value::Double(Some(float)) => *float,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_decimal_is_stored_as_a_number_where_that_says_it_exactly() {
        for decimal in samples() {
            let read = match stored(decimal) {
                Value::BigInt(Some(integer)) => Decimal::from(integer),
                Value::Double(Some(float)) => parse(&float.to_string()).unwrap(),
                Value::Bytes(Some(text)) => parse(str::from_utf8(&text).unwrap()).unwrap(),
                other => panic!("{other:?}"),
            };
            assert_eq!(read, decimal);
        }
        let same = ["12.5", "12.50", "12.500000000000000000"].map(|text| stored(text.parse().unwrap()));
        assert!(same.iter().all(|value| *value == Value::Double(Some(12.5))), "{same:?}");
    }

    #[test]
    fn keys_are_in_the_order_of_the_decimals() {
        for pair in samples().windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(key("-0.00".parse().unwrap()), key(Decimal::ZERO));
        assert_eq!(key("1.500".parse().unwrap()), key("1.5".parse().unwrap()));
    }

    #[test]
    fn the_number_beside_a_decimal_is_on_the_side_that_it_should_be() {
        for decimal in samples() {
            let (below, above) = (beside(decimal, false), beside(decimal, true));
            assert!(number(&below) <= number(&above), "{decimal}");
            for other in samples() {
                if let Value::BigInt(Some(other_integer)) = stored(other) {
                    for (side, above) in [(&below, false), (&above, true)] {
                        if let Value::BigInt(Some(side)) = side {
                            assert!(if above {
                                other > decimal || other_integer <= *side
                            } else {
                                other < decimal || other_integer >= *side
                            });
                        }
                    }
                }
            }
        }
    }
}
