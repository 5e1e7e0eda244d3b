//! What `docs/databases.md` promises of failures: tasks work on a database while their process is killed, connections are
//! cut or the disk is full. Afterwards all that was acknowledged is there, and each operation is there wholly or not at all.

mod checked;
mod child;
mod cut;
mod full;
mod killed;
mod work;
