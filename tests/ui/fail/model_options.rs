use aksara::prelude::*;

#[derive(Model, Clone)]
#[model(tabel = "posts")]
struct Post {
    id: i64,
}

#[derive(Model, Clone)]
#[model(index(title, nope))]
struct Page {
    id: i64,
    title: String,
}

fn main() {}
