use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    #[field(primary_key)]
    id: i64,
    #[field(primary_key)]
    slug: String,
}

fn main() {}
