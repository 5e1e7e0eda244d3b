//! Keeps the times of every model that has them: `created_at` is set when the row is inserted, `updated_at` by every
//! save, also by one that names its fields. Fixtures keep the times that they come with.

use aksara_guest::prelude::*;

// Models differ in which of the fields they have: a map is sent those that are there.
#[pre_save(reads("created_at", "updated_at"), writes("created_at", "updated_at"))]
fn stamp(fields: &mut Map, event: &Event) {
    if event.raw() {
        return;
    }
    let now = Value::from(event.time());
    if let Some(created_at) = fields.get_mut("created_at")
        && event.created()
    {
        *created_at = now.clone();
    }
    if let Some(updated_at) = fields.get_mut("updated_at") {
        *updated_at = now;
        event.add_update_field("updated_at");
    }
}

plugin!(stamp);

#[cfg(test)]
mod tests {
    use aksara_guest::testing::Call;

    use super::*;

    fn now() -> Value {
        "2026-03-01T12:00:00.125Z".parse::<Timestamp>().unwrap().into()
    }

    fn save(fields: Map) -> Call<stamp> {
        Call::new(fields).at("2026-03-01T12:00:00.125Z".parse().unwrap())
    }

    fn both() -> Map {
        map! { "title": "Hello", "created_at": Value::Nil, "updated_at": Value::Nil }
    }

    #[test]
    fn a_create_sets_both() {
        assert_eq!(save(both()).run().patch(), map! { "created_at": now(), "updated_at": now() });
    }

    #[test]
    fn an_update_sets_one() {
        assert_eq!(save(both()).updated().run().patch(), map! { "updated_at": now() });
    }

    #[test]
    fn an_update_of_named_fields_writes_the_time_too() {
        let called = save(both()).update_fields(["title"]).run();
        assert_eq!(called.patch(), map! { "updated_at": now() });
        assert_eq!(called.update_fields(), ["updated_at"]);
    }

    #[test]
    fn models_without_the_fields_are_left_alone() {
        assert_eq!(save(map! { "title": "Hello" }).run().patch(), map! {});
        assert_eq!(save(map! { "created_at": Value::Nil }).run().patch(), map! { "created_at": now() });
    }

    #[test]
    fn fixtures_keep_their_times() {
        assert_eq!(save(both()).raw().run().patch(), map! {});
    }
}
