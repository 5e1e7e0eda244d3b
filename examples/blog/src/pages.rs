//! Pages that are kept in a cache. The plugin `invalidate-cache` deletes those that a save has made wrong.

use aksara::KeyValue;
use aksara::prelude::*;
use anyhow::{Result, anyhow};

use crate::Post;

/// The bucket that the pages are in.
pub const BUCKET: &str = "cache";

/// The list of all posts, and whether it was in the cache.
///
/// # Errors
/// Those of the database, and of the cache.
pub async fn all_posts(db: &Db, cache: &dyn KeyValue) -> Result<(String, bool)> {
    const KEY: &str = "posts:all";
    if let Some(page) = cache.get(BUCKET, KEY).await.map_err(|error| anyhow!(error))? {
        return Ok((String::from_utf8(page)?, true));
    }
    let posts = Post::objects(db).order_by(Post::title.asc()).all().await?;
    let page: String = posts.iter().map(|post| format!("{} /{}\n", post.title, post.slug)).collect();
    cache.set(BUCKET, KEY, page.clone().into_bytes()).await.map_err(|error| anyhow!(error))?;
    Ok((page, false))
}
