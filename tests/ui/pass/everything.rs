//! A model with every option, and every form of handler.

use aksara::prelude::*;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "people.Author", table = "writers", index(name, born), unique(name))]
struct Author {
    #[field(primary_key)]
    id: Uuid,
    #[field(max_length = 100, index)]
    name: String,
    born: Option<NaiveDate>,
}

#[derive(Model, Clone, Debug)]
pub struct Post {
    #[field(primary_key, given)]
    id: i64,
    #[field(max_length = 200, unique, column = "headline")]
    title: String,
    #[field(choices("draft", "published"), default = "draft")]
    status: String,
    #[field(default = 1)]
    views: i32,
    #[field(auto_now_add)]
    created_at: DateTime<Utc>,
    #[field(auto_now)]
    updated_at: DateTime<Utc>,
    author: Fk<Author>,
    #[field(on_delete = "set_null")]
    editor: Option<Fk<Author>>,
    #[field(on_delete = "protect")]
    reviewer: Option<Fk<Author>>,
    r#type: String,
    cover: Vec<u8>,
    extra: serde_json::Value,
}

#[pre_save(Post)]
async fn one_model(event: PreSave<'_, Post>) -> HandlerResult {
    event.instance.views += 1;
    Ok(())
}

#[post_save(Post, Author, priority = 3, dispatch_uid = "several")]
async fn several_models(event: PostSave<'_, AnyModel>) -> HandlerResult {
    assert!(!event.sender.label.is_empty());
    Ok(())
}

#[pre_delete]
async fn every_model(event: PreDelete<'_, AnyModel>) -> HandlerResult {
    let _ = event.instance.key();
    Ok(())
}

#[post_delete(Author)]
async fn after_delete(_: PostDelete<'_, Author>) -> HandlerResult {
    Err(reject("no"))
}

#[handler]
async fn by_hand(_event: PreSave<'_, Post>) -> HandlerResult {
    Err(invalid("title", "is taken"))
}

fn main() {
    aksara::signals::pre_save::<Post>().connect(by_hand).disconnect();
    assert_eq!(Post::default().status, "draft");
    assert_eq!(Post::default().views, 1);
    assert_eq!((Post::meta().table, Author::meta().table), ("post", "writers"));
    assert_eq!(Post::title.field().name, "headline");
    assert_eq!(Post::author.field().name, "author_id");
}
