//! Timestamps as text: RFC 3339, for tools, tests and plugins that show or read a time.
//!
//! On the wire a timestamp is the MessagePack extension; nothing in the contract sends this text in its place.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::Timestamp;

const DAY_SECONDS: i64 = 86_400;
/// Days from 0000-03-01, where the arithmetic below starts its years, to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Text that is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampError(String);

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no RFC 3339 time; write it like `2026-03-01T12:00:00Z`", self.0)
    }
}

impl core::error::Error for TimestampError {}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many digits behind the second as are needed: `2026-03-01T12:00:00.25Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds().div_euclid(DAY_SECONDS), self.seconds().rem_euclid(DAY_SECONDS));
        let (year, month, day) = date(days);
        let sign = if year < 0 { "-" } else { "" };
        write!(f, "{sign}{:04}-{month:02}-{day:02}", year.abs())?;
        write!(f, "T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
        if self.nanoseconds() != 0 {
            let fraction = format!("{:09}", self.nanoseconds());
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text).ok_or_else(|| TimestampError(text.to_owned()))
    }
}

/// Year, month and day of a day counted from the epoch.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // Years start in March, so that the leap day is their last.
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// The day counted from the epoch; `None` where there is no such date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted_year = year - i64::from(month <= 2);
    let (era, of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
    (date(days) == (year, month, day)).then_some(days)
}

fn parse(text: &str) -> Option<Timestamp> {
    let (digits, negative) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let (year, rest) = number(digits, 4..=12)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2..=2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2..=2)?;
    let (hour, rest) = number(rest.strip_prefix(['T', 't', ' '])?, 2..=2)?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 2..=2)?;
    let (second, mut rest) = number(rest.strip_prefix(':')?, 2..=2)?;
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let (value, after) = number(fraction, 1..=9)?;
        nanoseconds = value * 10_i64.pow(9 - u32::try_from(fraction.len() - after.len()).ok()?);
        rest = after;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days(if negative { -year } else { year }, month, day)?;
    let of_day = hour * 3600 + minute * 60 + second - offset(rest)?;
    let seconds = days.checked_mul(DAY_SECONDS)?.checked_add(of_day)?;
    Timestamp::new(seconds, u32::try_from(nanoseconds).ok()?)
}

/// The zone at the end, in seconds east of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (rest, sign) = match text.strip_prefix('+') {
        Some(rest) => (rest, 1),
        None => (text.strip_prefix('-')?, -1),
    };
    let (hours, rest) = number(rest, 2..=2)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?, 2..=2)?;
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// A number of so many digits at the start of the text, and what follows it.
fn number(text: &str, digits: core::ops::RangeInclusive<usize>) -> Option<(i64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    digits.contains(&end).then_some((number.parse().ok()?, rest))
}
