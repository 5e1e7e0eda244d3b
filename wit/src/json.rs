//! The form in JSON of what MessagePack has and JSON has not: it is the same for every language.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use crate::{Timestamp, Value};

impl Value {
    /// Returns the text that stands for a time or for bytes inside a JSON document; `None` for every other value, which
    /// JSON has itself. A time is in RFC 3339, in UTC, with 0, 3, 6 or 9 digits behind the second; 16 bytes are a UUID,
    /// since the wire has one form for both; other bytes are hexadecimal digits.
    ///
    /// ```
    /// # use aksara_wire::{Timestamp, Value};
    /// let time = Timestamp::new(1, 500_000_000).map(Value::from);
    /// assert_eq!(time.and_then(|time| time.json_text()).as_deref(), Some("1970-01-01T00:00:01.500Z"));
    /// assert_eq!(Value::from(vec![0u8, 255]).json_text().as_deref(), Some("00ff"));
    /// ```
    pub fn json_text(&self) -> Option<String> {
        match self {
            Value::Timestamp(time) => Some(time_text(*time)),
            Value::Bin(bytes) => Some(bytes_text(bytes)),
            _ => None,
        }
    }
}

fn time_text(time: Timestamp) -> String {
    let nanoseconds = time.nanoseconds();
    let whole = Timestamp::new(time.seconds(), 0).unwrap_or(time);
    let text = format!("{whole}");
    let second = text.trim_end_matches('Z');
    match nanoseconds {
        0 => text,
        _ if nanoseconds.is_multiple_of(1_000_000) => format!("{second}.{:03}Z", nanoseconds / 1_000_000),
        _ if nanoseconds.is_multiple_of(1_000) => format!("{second}.{:06}Z", nanoseconds / 1_000),
        _ => format!("{second}.{nanoseconds:09}Z"),
    }
}

fn bytes_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 4);
    for (at, byte) in bytes.iter().enumerate() {
        let separator = if bytes.len() == 16 && matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        // Writing to text cannot fail.
        let _ = write!(text, "{separator}{byte:02x}");
    }
    text
}
