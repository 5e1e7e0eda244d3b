//! What must hold on every database: `cargo xtask test` runs these on SQLite, PostgreSQL and MariaDB.

mod agree;
mod bulk;
mod commit;
mod cost;
mod custom;
mod delete;
mod dispatch;
mod edges;
mod every_way;
mod failing;
mod helpers;
mod large;
mod machine;
mod page;
mod query;
mod racing;
mod reading;
mod relations;
mod save;
mod sound;
mod stored;
mod transactions;
mod truth;
mod validation;
mod values;
mod violations;
