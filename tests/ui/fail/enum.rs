use aksara::prelude::*;

#[derive(Model, Clone)]
enum Post {
    Draft,
    Published,
}

fn main() {}
