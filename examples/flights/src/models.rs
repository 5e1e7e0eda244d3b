//! The four tables of the data set. Keys and column names are those of its files.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aksara::prelude::*;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

/// An airline, by its two-letter code.
#[derive(Model, Clone, Debug, Deserialize)]
pub(crate) struct Airline {
    #[field(primary_key, max_length = 2)]
    pub(crate) carrier: String,
    #[field(max_length = 80)]
    pub(crate) name: String,
}

/// An airport, by its FAA code.
#[derive(Model, Clone, Debug, Deserialize)]
pub(crate) struct Airport {
    #[field(primary_key, max_length = 4)]
    pub(crate) faa: String,
    #[field(max_length = 120)]
    pub(crate) name: String,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    /// Feet above sea level.
    pub(crate) alt: i32,
    /// Hours from Greenwich.
    pub(crate) tz: i16,
    #[field(max_length = 1)]
    pub(crate) dst: String,
    #[field(max_length = 60)]
    #[serde(deserialize_with = "missing")]
    pub(crate) tzone: Option<String>,
}

/// A plane, by the number on its tail.
#[derive(Model, Clone, Debug, Deserialize)]
pub(crate) struct Plane {
    #[field(primary_key, max_length = 6)]
    pub(crate) tailnum: String,
    #[serde(deserialize_with = "missing")]
    pub(crate) year: Option<i16>,
    #[field(max_length = 40)]
    pub(crate) r#type: String,
    #[field(max_length = 40)]
    pub(crate) manufacturer: String,
    #[field(max_length = 40)]
    pub(crate) model: String,
    pub(crate) engines: i16,
    pub(crate) seats: i16,
    #[serde(deserialize_with = "missing")]
    pub(crate) speed: Option<i16>,
    #[field(max_length = 40)]
    pub(crate) engine: String,
}

/// A flight from one of New York City's airports. Times are local, `HMM`; delays are minutes.
#[derive(Model, Clone, Debug, Deserialize)]
#[model(unique(year, month, day, carrier, flight))]
pub(crate) struct Flight {
    #[field(primary_key)]
    #[serde(skip)]
    pub(crate) id: i64,
    pub(crate) year: i16,
    pub(crate) month: i16,
    pub(crate) day: i16,
    #[serde(deserialize_with = "missing")]
    pub(crate) dep_time: Option<i16>,
    pub(crate) sched_dep_time: i16,
    #[serde(deserialize_with = "missing")]
    pub(crate) dep_delay: Option<i32>,
    #[serde(deserialize_with = "missing")]
    pub(crate) arr_time: Option<i16>,
    pub(crate) sched_arr_time: i16,
    #[serde(deserialize_with = "missing")]
    pub(crate) arr_delay: Option<i32>,
    #[field(max_length = 2)]
    pub(crate) carrier: String,
    pub(crate) flight: i32,
    #[field(max_length = 6)]
    #[serde(deserialize_with = "missing")]
    pub(crate) tailnum: Option<String>,
    #[field(max_length = 4)]
    pub(crate) origin: String,
    #[field(max_length = 4)]
    pub(crate) dest: String,
    #[serde(deserialize_with = "missing")]
    pub(crate) air_time: Option<i32>,
    /// Miles.
    pub(crate) distance: i32,
    pub(crate) hour: i16,
    pub(crate) minute: i16,
    pub(crate) time_hour: DateTime<Utc>,
    /// Filled in by the plugin `flight-delay`.
    #[field(choices("cancelled", "on_time", "late", "very_late"), max_length = 10, index)]
    #[serde(skip)]
    pub(crate) delay_class: Option<String>,
    #[field(column = "carrier_id", on_delete = "protect")]
    #[serde(skip)]
    pub(crate) airline: Option<Fk<Airline>>,
    /// Filled in by the plugin `plane-check`, where the plane is known.
    #[field(on_delete = "set_null")]
    #[serde(skip)]
    pub(crate) plane: Option<Fk<Plane>>,
    /// Filled in by the plugin `plane-check`.
    #[field(column = "origin_id", on_delete = "protect")]
    #[serde(skip)]
    pub(crate) origin_airport: Option<Fk<Airport>>,
    /// Filled in by the plugin `plane-check`, where the airport is known.
    #[field(column = "dest_id", on_delete = "protect")]
    #[serde(skip)]
    pub(crate) dest_airport: Option<Fk<Airport>>,
}

/// What tells one flight from another in the data.
pub(crate) type FlightIdentity = (i16, i16, i16, String, i32);

impl Flight {
    /// Its date, carrier and number.
    pub(crate) fn identity(&self) -> FlightIdentity {
        (self.year, self.month, self.day, self.carrier.clone(), self.flight)
    }
}

/// A field in which `NA`, or nothing, stands for a missing value.
fn missing<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "" | "NA" => Ok(None),
        text => {
            text.parse().map(Some).map_err(|error| serde::de::Error::custom(format!("`{text}`: {error}")))
        }
    }
}

/// Flights saved by this run, by carrier.
static BY_CARRIER: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Counts per carrier: a native handler beside the plugins.
#[post_save(Flight)]
async fn count_carrier(event: PostSave<'_, Flight>) -> HandlerResult {
    let mut counts = BY_CARRIER.lock().unwrap_or_else(PoisonError::into_inner);
    *counts.entry(event.instance.carrier.clone()).or_default() += 1;
    Ok(())
}

/// What the native handler has counted since the last call.
pub(crate) fn take_carrier_counts() -> BTreeMap<String, u64> {
    std::mem::take(&mut *BY_CARRIER.lock().unwrap_or_else(PoisonError::into_inner))
}
