use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    id: i64,
    views: u64,
}

fn main() {}
