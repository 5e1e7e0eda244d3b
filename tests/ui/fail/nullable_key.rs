use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    #[field(primary_key)]
    id: Option<i64>,
}

fn main() {}
