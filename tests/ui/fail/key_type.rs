use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    #[field(primary_key)]
    id: f64,
}

fn main() {}
