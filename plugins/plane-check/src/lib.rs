//! Links flights to the planes and airports that the database knows: `plane_id`, `origin_id` and `dest_id` are the
//! keys where there is such a row, and null where there is none. What the flight itself says stays as it came.

use aksara_guest::RequestError;
use aksara_guest::prelude::*;

#[derive(Serialize, Deserialize)]
struct Flight {
    tailnum: Option<String>,
    origin: Option<String>,
    dest: Option<String>,
    plane_id: Option<String>,
    origin_id: Option<String>,
    dest_id: Option<String>,
}

#[pre_save("Flight", writes("plane_id", "origin_id", "dest_id"))]
fn link(flight: &mut Flight) -> Result {
    flight.plane_id = known("Plane", flight.tailnum.as_deref())?;
    flight.origin_id = known("Airport", flight.origin.as_deref())?;
    flight.dest_id = known("Airport", flight.dest.as_deref())?;
    Ok(())
}

plugin! {
    handlers: [link],
    grants: { models: { "Plane": [get], "Airport": [get] } },
}

/// The key, if there is a row with it.
fn known(model: &str, key: Option<&str>) -> Result<Option<String>, RequestError> {
    match key {
        Some(key) if models::exists(model, key)? => Ok(Some(key.to_owned())),
        Some(key) => {
            log::debug!(key = key; "there is no such {model}");
            Ok(None)
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use aksara_guest::testing::Call;

    use super::*;

    fn flight(tailnum: Option<&str>, dest: &str) -> Map {
        map! {
            "tailnum": tailnum.map(str::to_owned),
            "origin": "JFK",
            "dest": dest,
            "plane_id": Value::Nil,
            "origin_id": Value::Nil,
            "dest_id": Value::Nil,
        }
    }

    fn save(flight: Map) -> Call<link> {
        Call::new(flight).row("Plane", "N14228", map! {}).row("Airport", "JFK", map! {}).row(
            "Airport",
            "IAH",
            map! {},
        )
    }

    #[test]
    fn what_is_known_is_linked() {
        let expected = map! { "plane_id": "N14228", "origin_id": "JFK", "dest_id": "IAH" };
        assert_eq!(save(flight(Some("N14228"), "IAH")).run().patch(), expected);
    }

    #[test]
    fn what_is_unknown_is_null() {
        assert_eq!(save(flight(Some("N0"), "BQN")).run().patch(), map! { "origin_id": "JFK" });
        let mut linked = flight(Some("N0"), "IAH");
        linked.insert("plane_id".into(), "N0".into());
        let patch = save(linked).run().patch();
        assert_eq!(patch, map! { "plane_id": Value::Nil, "origin_id": "JFK", "dest_id": "IAH" });
    }

    #[test]
    fn a_flight_without_a_tail_number_asks_for_no_plane() {
        let called = save(flight(None, "IAH")).run();
        assert_eq!(called.requests.len(), 2);
    }
}
