use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    id: i64,
    title: String,
    subtitle: Option<String>,
    views: i64,
}

#[derive(Model, Clone)]
struct Tag {
    id: i64,
    name: String,
}

async fn read(db: &Db) {
    let posts = || Post::objects(db);
    // A column that the model does not have.
    let _ = posts().filter(Post::nope.eq(1));
    // A value of another type.
    let _ = posts().filter(Post::title.eq(3));
    let _ = posts().filter(Post::views.is_in(["many"]));
    let _ = posts().update([Post::views.set("many")]);
    let _ = posts().update([Post::views.set(F(Post::title))]);
    // A column of another model.
    let _ = posts().filter(Tag::name.eq("rust"));
    let _ = posts().order_by(Tag::name.asc());
    // Null where none can be, text where there is none.
    let _ = posts().filter(Post::title.is_null());
    let _ = posts().filter(Post::views.contains("1"));
    // A key of another type.
    let _ = posts().get("one");
}

fn main() {}
