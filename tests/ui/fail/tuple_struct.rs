use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post(i64, String);

fn main() {}
