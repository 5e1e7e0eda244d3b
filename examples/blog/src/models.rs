//! What the blog keeps.

use aksara::prelude::*;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Who writes posts and comments.
#[derive(Model, Clone, Debug)]
pub struct User {
    /// Its key.
    #[field(primary_key)]
    pub id: Uuid,
    /// How others call them.
    #[field(max_length = 100)]
    pub name: String,
}

/// A post. The plugin `slugify`, in any of its languages, fills in the slug, `timestamps` the times.
#[derive(Model, Clone, Debug)]
pub struct Post {
    /// Its key.
    #[field(primary_key)]
    pub id: Uuid,
    /// What it is called.
    #[field(max_length = 200)]
    pub title: String,
    /// How its address ends.
    #[field(max_length = 200)]
    pub slug: String,
    /// Who wrote it.
    pub author: Fk<User>,
    /// When it was first saved.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last saved.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What somebody says about a post. The plugin `notify` tells the post's author.
#[derive(Model, Clone, Debug)]
pub struct Comment {
    /// Its key.
    #[field(primary_key)]
    pub id: Uuid,
    /// What it is about.
    pub post: Fk<Post>,
    /// Who says it.
    pub author: Fk<User>,
    /// What they say.
    pub text: String,
}

/// What happened to a row, written by the plugin `audit` in the transaction in which it happened.
#[derive(Model, Clone, Debug)]
pub struct AuditLog {
    /// Its key.
    #[field(primary_key)]
    pub id: i64,
    /// The row's model.
    #[field(max_length = 100)]
    pub model_name: String,
    /// The row's key.
    #[field(max_length = 36)]
    pub record_id: String,
    /// `create`, `update` or `delete`.
    #[field(max_length = 20)]
    pub action: String,
    /// The row's fields.
    pub data: serde_json::Value,
}

/// A message to a user.
#[derive(Model, Clone, Debug)]
pub struct Notification {
    /// Its key.
    #[field(primary_key)]
    pub id: i64,
    /// Whom it is for.
    pub user: Fk<User>,
    /// What kind of news it is: `new_comment`.
    #[field(max_length = 50)]
    pub kind: String,
    /// The news.
    pub message: String,
    /// The keys of what it is about.
    pub data: serde_json::Value,
}
