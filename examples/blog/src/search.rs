//! The full-text index of posts: FTS5 on SQLite, `tsvector` on PostgreSQL. Plugins keep it by two services, which run
//! in the transaction of the save; it holds what the table holds, whatever is rolled back.

use aksara::{Backend, Db, Error, Instance};
use serde::Deserialize;
use uuid::Uuid;

use crate::Post;

/// What the service `search.index` is given.
#[derive(Debug, Deserialize)]
pub struct Document {
    id: Uuid,
    text: String,
}

/// What the service `search.remove` is given.
#[derive(Debug, Deserialize)]
pub struct Removal {
    id: Uuid,
}

/// Makes the index where it is not there yet.
///
/// # Errors
/// Those of the database; on MySQL, which it is not written for.
pub async fn create_index(db: &Db) -> anyhow::Result<()> {
    let statements: &[&str] = match db.backend() {
        Backend::Sqlite => &["CREATE VIRTUAL TABLE IF NOT EXISTS post_search USING fts5(id UNINDEXED, text)"],
        Backend::Postgres => &[
            "CREATE TABLE IF NOT EXISTS post_search (id uuid PRIMARY KEY, text tsvector NOT NULL)",
            "CREATE INDEX IF NOT EXISTS post_search_text ON post_search USING gin (text)",
        ],
        Backend::MySql => anyhow::bail!("the blog's search is written for SQLite and PostgreSQL"),
    };
    for statement in statements {
        db.execute_raw(statement, Vec::new()).await?;
    }
    Ok(())
}

/// Puts a post into the index, in place of what is there of it.
pub(crate) async fn index(db: Db, Document { id, text }: Document) -> Result<(), Error> {
    remove(db.clone(), Removal { id }).await?;
    let statement = match db.backend() {
        Backend::Postgres => "INSERT INTO post_search (id, text) VALUES ($1, to_tsvector('simple', $2))",
        _ => "INSERT INTO post_search (id, text) VALUES (?, ?)",
    };
    db.execute_raw(statement, vec![id.into(), text.into()]).await?;
    Ok(())
}

/// Takes a post out of the index.
pub(crate) async fn remove(db: Db, Removal { id }: Removal) -> Result<(), Error> {
    let statement = match db.backend() {
        Backend::Postgres => "DELETE FROM post_search WHERE id = $1",
        _ => "DELETE FROM post_search WHERE id = ?",
    };
    db.execute_raw(statement, vec![id.into()]).await?;
    Ok(())
}

/// The posts that have all these words, the best first.
///
/// # Errors
/// As for [`Db::query_raw`].
pub async fn find(db: &Db, words: &str) -> Result<Vec<Instance<Post>>, Error> {
    let (query, words) = match db.backend() {
        Backend::Postgres => (
            "SELECT post.* FROM post JOIN post_search ON post_search.id = post.id, \
             plainto_tsquery('simple', $1) AS query WHERE post_search.text @@ query \
             ORDER BY ts_rank(post_search.text, query) DESC",
            words.to_owned(),
        ),
        // Each word in quotes, so that none of them is an operator.
        _ => (
            "SELECT post.* FROM post_search JOIN post ON post.id = post_search.id \
             WHERE post_search MATCH ? ORDER BY post_search.rank",
            words.split_whitespace().map(|word| format!("\"{}\" ", word.replace('"', "\"\""))).collect(),
        ),
    };
    db.query_raw(query, vec![words.into()]).await
}
