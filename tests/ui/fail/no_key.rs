use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    title: String,
}

fn main() {}
