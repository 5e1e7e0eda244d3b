//! Sorts flights by how late they left: `cancelled`, `on_time`, `late` from 15 minutes, `very_late` from 60.

use aksara_guest::prelude::*;

const LATE_FROM_MINUTES: i64 = 15;
const VERY_LATE_FROM_MINUTES: i64 = 60;

#[derive(Serialize, Deserialize)]
struct Flight {
    dep_time: Option<i64>,
    dep_delay: Option<i64>,
    delay_class: Option<String>,
}

#[pre_save("Flight", writes("delay_class"))]
fn classify(flight: &mut Flight) {
    flight.delay_class = class(flight).map(str::to_owned);
}

plugin!(classify);

/// `None` for a flight that left, nobody knows how late.
fn class(flight: &Flight) -> Option<&'static str> {
    if flight.dep_time.is_none() {
        return Some("cancelled");
    }
    Some(match flight.dep_delay? {
        ..LATE_FROM_MINUTES => "on_time",
        LATE_FROM_MINUTES..VERY_LATE_FROM_MINUTES => "late",
        VERY_LATE_FROM_MINUTES.. => "very_late",
    })
}

#[cfg(test)]
mod tests {
    use aksara_guest::testing::Call;

    use super::*;

    fn check(dep_time: Option<i64>, dep_delay: Option<i64>, expected: Option<&str>) {
        let flight = Flight { dep_time, dep_delay, delay_class: Some("stale".into()) };
        let expected = map! { "delay_class": expected.map(str::to_owned) };
        assert_eq!(Call::<classify>::new(flight).run().patch(), expected, "{dep_time:?}, {dep_delay:?}");
    }

    #[test]
    fn flights_are_sorted_by_delay() {
        check(None, None, Some("cancelled"));
        check(None, Some(3), Some("cancelled"));
        check(Some(517), Some(-12), Some("on_time"));
        check(Some(517), Some(14), Some("on_time"));
        check(Some(517), Some(15), Some("late"));
        check(Some(517), Some(59), Some("late"));
        check(Some(517), Some(60), Some("very_late"));
        check(Some(517), None, None);
    }

    #[test]
    fn a_flight_that_is_sorted_already_stays_as_it_is() {
        let flight = Flight { dep_time: Some(517), dep_delay: Some(2), delay_class: Some("on_time".into()) };
        assert_eq!(Call::<classify>::new(flight).run().patch(), map! {});
    }
}
