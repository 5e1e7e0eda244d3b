//! Writing the data: each flight by one `save`, through its handlers, in a transaction of its own.

use std::collections::HashSet;
use std::fmt::Write;
use std::hash::Hash;
use std::time::{Duration, Instant};

use aksara::prelude::*;
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::data::Data;
use crate::models::{Airline, Airport, Flight, Plane};

/// How many flights were saved, and how long that took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Saved {
    pub(crate) flights: u64,
    pub(crate) time: Duration,
}

impl Saved {
    /// Flights per second; `None` when none was saved.
    pub(crate) fn per_second(self) -> Option<f64> {
        (self.flights > 0).then(|| self.flights as f64 / self.time.as_secs_f64())
    }
}

/// Makes the tables and fills the three small ones with what they lack.
pub(crate) async fn prepare(db: &Db, data: &Data) -> Result<()> {
    db.create_tables::<(Airline, Airport, Plane, Flight)>().await?;
    db.check_tables::<(Airline, Airport, Plane, Flight)>().await?;
    insert_missing(db, &data.airlines, |airline: &Airline| airline.carrier.clone()).await?;
    insert_missing(db, &data.airports, |airport: &Airport| airport.faa.clone()).await?;
    insert_missing(db, &data.planes, |plane: &Plane| plane.tailnum.clone()).await?;
    Ok(())
}

async fn insert_missing<M: Model, I: Eq + Hash>(
    db: &Db,
    rows: &[M],
    identity: impl Fn(&M) -> I,
) -> Result<()> {
    let rows = missing(db, rows, identity).await?;
    M::objects(db).bulk_create(rows).await?;
    Ok(())
}

/// The rows that the table does not have yet.
async fn missing<M: Model, I: Eq + Hash>(db: &Db, rows: &[M], identity: impl Fn(&M) -> I) -> Result<Vec<M>> {
    let there: HashSet<I> = M::objects(db).all().await?.iter().map(|row| identity(row)).collect();
    Ok(rows.iter().filter(|row| !there.contains(&identity(row))).cloned().collect())
}

/// Shows the rate without decimals, and the time left.
fn style() -> Result<ProgressStyle> {
    let style = ProgressStyle::with_template("{prefix:18} {wide_bar} {pos}/{len} {rate} {eta} left")?;
    let rate = |state: &ProgressState, out: &mut dyn Write| {
        // Nothing can be done about a terminal that takes no text.
        let _ = write!(out, "{:.0}/s", state.per_sec());
    };
    Ok(style.with_key("rate", rate))
}

/// Saves the flights that the table does not have yet.
pub(crate) async fn save_flights(db: &Db, data: &Data, limit: usize, title: &'static str) -> Result<Saved> {
    let airlines: HashSet<&str> = data.airlines.iter().map(|airline| airline.carrier.as_str()).collect();
    let mut flights = missing(db, &data.flights, Flight::identity).await?;
    flights.truncate(limit);
    let total = flights.len() as u64;
    let bar = ProgressBar::new(total).with_prefix(title);
    bar.set_style(style()?);
    let start = Instant::now();
    for (saved, mut flight) in flights.into_iter().enumerate() {
        if airlines.contains(flight.carrier.as_str()) {
            flight.airline = Some(Fk::new(flight.carrier.as_str()));
        }
        flight.instance().save(db).await.with_context(|| {
            format!("stopped after {saved} of {total} flights; those are stored, run again for the rest")
        })?;
        bar.inc(1);
    }
    bar.finish();
    Ok(Saved { flights: total, time: start.elapsed() })
}
