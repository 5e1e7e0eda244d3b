use aksara::prelude::*;
use chrono::{DateTime, Utc};

#[derive(Model, Clone)]
struct Author {
    id: i64,
}

#[derive(Model, Clone)]
struct Post {
    id: i64,
    #[field(maxlength = 200)]
    misspelt: String,
    #[field(max_length = 200)]
    max_length_of_a_number: i64,
    #[field(choices("a", "b"))]
    choices_of_a_number: i64,
    #[field(auto_now)]
    auto_now_of_a_text: String,
    #[field(auto_now_add)]
    auto_now_add_of_a_number: i64,
    #[field(auto_now, auto_now_add)]
    good: DateTime<Utc>,
    #[field(on_delete = "cascade")]
    on_delete_of_a_number: i64,
    #[field(on_delete = "set_null")]
    set_null_of_what_cannot_be_null: Fk<Author>,
    #[field(on_delete = "set_zero")]
    unknown_rule: Fk<Author>,
}

fn main() {}
