use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    id: i64,
    objects: String,
    #[field(column = "title")]
    name: String,
    title: String,
}

fn main() {}
