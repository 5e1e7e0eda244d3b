//! A blog, and what it offers to plugins: models, a search index, notifications, a cache of pages.

mod models;
mod notifications;
pub mod pages;
pub mod search;

use aksara::{Db, DbOptions};
use anyhow::Result;

pub use models::{AuditLog, Comment, Notification, Post, User};

/// The models of the blog, in the order in which their tables can be made.
pub type Models = (User, Post, Comment, AuditLog, Notification);

/// The services that plugins may call, if their grants say so.
pub fn services(options: DbOptions) -> DbOptions {
    options
        .service("notifications.send", async |db, it| Ok(notifications::send(db, it).await?))
        .service("search.index", async |db, it| Ok(search::index(db, it).await?))
        .service("search.remove", async |db, it| Ok(search::remove(db, it).await?))
}

/// Makes the tables, and the search index.
///
/// # Errors
/// Those of the database; on MySQL, which the search is not written for.
pub async fn create_tables(db: &Db) -> Result<()> {
    db.create_tables::<Models>().await?;
    db.check_tables::<Models>().await?;
    search::create_index(db).await
}
