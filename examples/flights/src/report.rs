//! The summary at the end.

use std::collections::BTreeMap;

use aksara::Plugins;
use aksara::prelude::*;
use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};

use crate::import::Saved;
use crate::models::{Airline, Airport, Flight, Plane};

/// Rows by table, and how many flights are of a plane that is not known.
pub(crate) async fn rows(db: &Db) -> Result<Table> {
    let mut table = table(["table", "rows"]);
    table.add_row(["airline".to_owned(), Airline::objects(db).count().await?.to_string()]);
    table.add_row(["airport".to_owned(), Airport::objects(db).count().await?.to_string()]);
    table.add_row(["plane".to_owned(), Plane::objects(db).count().await?.to_string()]);
    table.add_row(["flight".to_owned(), Flight::objects(db).count().await?.to_string()]);
    let unknown = Flight::plane.is_null().and(Flight::tailnum.is_not_null());
    let unknown = Flight::objects(db).filter(unknown).count().await?;
    table.add_row(["flight with a tail number that no plane has".to_owned(), unknown.to_string()]);
    Ok(table)
}

/// Flights by delay class.
pub(crate) async fn classes(db: &Db) -> Result<Table> {
    let mut table = table(["delay class", "flights"]);
    for class in ["on_time", "late", "very_late", "cancelled"] {
        let flights = Flight::objects(db).filter(Flight::delay_class.eq(class)).count().await?;
        table.add_row([class.to_owned(), flights.to_string()]);
    }
    let none = Flight::objects(db).filter(Flight::delay_class.is_null()).count().await?;
    table.add_row(["without a class".to_owned(), none.to_string()]);
    Ok(table)
}

/// Rows per second with plugins and without.
pub(crate) fn speed(with: Saved, without: Saved) -> Table {
    let mut table = table(["saving flights", "flights", "rows per second"]);
    for (name, saved) in [("with plugins", with), ("without plugins", without)] {
        let rate = saved.per_second().map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
        table.add_row([name.to_owned(), saved.flights.to_string(), rate]);
    }
    table
}

/// Calls and mean time of each plugin that was called.
pub(crate) fn plugins(plugins: &Plugins) -> Table {
    let mut table = table(["plugin", "version", "calls", "mean µs", "faults"]);
    for status in plugins.status().into_iter().filter(|status| status.calls > 0) {
        let mean = status.duration.as_secs_f64() * 1e6 / status.calls as f64;
        let version = status.serving.map(|serving| serving.version).unwrap_or_default();
        table.add_row([
            status.name,
            version,
            status.calls.to_string(),
            format!("{mean:.1}"),
            status.faults.to_string(),
        ]);
    }
    table
}

/// What the native handler counted.
pub(crate) fn carriers(counts: &BTreeMap<String, u64>) -> Table {
    let mut table = table(["carrier", "flights saved"]);
    for (carrier, flights) in counts {
        table.add_row([carrier.clone(), flights.to_string()]);
    }
    table
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
