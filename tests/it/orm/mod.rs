//! What must hold on every database: `cargo xtask test` runs these on SQLite, PostgreSQL and MariaDB.

mod delete;
mod dispatch;
mod query;
mod save;
mod transactions;
mod validation;
mod values;
