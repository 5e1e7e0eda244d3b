//! The commands that ask the host for something.

use aksara_guest::models::field;
use aksara_guest::prelude::*;

use super::{Conform, document};

#[derive(Deserialize)]
struct Note {
    title: String,
}

#[derive(Deserialize)]
struct Key {
    id: i64,
}

/// Carries out a command; an unknown one does nothing.
pub(super) fn ask(it: &mut Conform) -> Result {
    let (integer, text) = (it.integer(), it.text().to_owned());
    match it.command.as_str() {
        "get" => {
            let note = models::get::<Note>("Note", integer)?;
            it.text_out = Some(note.map_or("none".to_owned(), |note| note.title));
        }
        "find" => {
            let many = field("stars").ge(integer);
            let notes = models::find::<Note>("Note").filter(many).order_by("-stars").limit(2).rows()?;
            it.text_out = Some(notes.into_iter().map(|note| note.title).collect::<Vec<_>>().join(","));
        }
        "count" => {
            let filter = field("stars").ge(integer) & field("title").starts_with(text);
            it.integer_out = Some(models::count("Note", filter)? as i64);
        }
        "create" => {
            let key: Key = models::create("Note", map! { "title": text, "stars": 1i64 })?;
            it.integer_out = Some(key.id);
        }
        "update" => {
            let updated = models::update("Note", integer, map! { "title": text })?;
            it.integer_out = Some(updated.into());
        }
        "increment" => {
            models::get::<Map>("Note", integer)?;
            it.integer_out = Some(models::update("Note", integer, [field("stars") + 1i64])?.into());
        }
        "bump" => {
            let few = field("stars").lt(integer);
            it.integer_out = Some(models::update_rows("Note", few, [field("stars") + 1i64])? as i64);
        }
        "delete" => it.integer_out = Some(models::delete("Note", integer)? as i64),
        "taken" => {
            let refused = models::create::<Map>("Note", map! { "id": integer }).err();
            it.text_out = refused.and_then(|error| error.violation).map(|violation| {
                format!("{} {} {}", violation.kind, violation.model, violation.fields.join(","))
            });
        }
        "denied" => {
            it.text_out = models::get::<Map>("Secret", 1i64).err().map(|error| error.to_string());
        }
        "send" => bus::send("conform.happened", &map! { "number": integer, "text": text })?,
        "send_wrong" => bus::send("conform.happened", &map! { "number": integer })?,
        "service" => it.text_out = services::call("conform.reverse", &text)?,
        "keep" => it.text_out = services::call("conform.keep", &document(it))?,
        "config" => it.text_out = Some(config::get("greeting")?.unwrap_or("none".to_owned())),
        "cache" => {
            let bucket = cache::bucket("conform");
            bucket.set("key", &text)?;
            it.text_out = bucket.get("key")?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            bucket.delete("key")?;
            it.boolean_out = Some(bucket.exists("key")?);
        }
        _ => {}
    }
    Ok(())
}
