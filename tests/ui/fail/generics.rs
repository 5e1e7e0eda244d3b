use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post<T> {
    id: i64,
    extra: T,
}

fn main() {}
