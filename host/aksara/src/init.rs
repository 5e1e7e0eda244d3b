//! `pre_init` and `post_init`: around the building of an instance, from code or from a row.

use crate::instance::{AnyInstance, State};
use crate::meta::ModelMeta;
use crate::signals::{self, Details, Event, Operation, SignalKind};
use crate::{Db, Error, Instance, Model};

/// Whether somebody hears that instances of this model are built.
pub(crate) fn is_heard(db: &Db, meta: &ModelMeta) -> bool {
    let plugins = db.plugin_set();
    let heard = |signal| signals::is_heard(signal, meta, plugins.as_ref());
    heard(SignalKind::PreInit) || heard(SignalKind::PostInit)
}

/// Sends both signals for an instance that has just been built. What handlers make of its fields is how it was loaded.
pub(crate) async fn send(
    db: &Db,
    operation: &Operation,
    instance: &mut dyn AnyInstance,
) -> Result<(), Error> {
    let plugins = db.plugin_set();
    let mut event = Event::one(SignalKind::PreInit, (db, operation), instance, Details::Init);
    signals::send(&mut event, plugins.as_ref()).await?;
    if instance.state() == State::Stored {
        instance.set_loaded(None);
    }
    let mut event = Event::one(SignalKind::PostInit, (db, operation), instance, Details::Init);
    signals::send(&mut event, plugins.as_ref()).await
}

/// Sends both signals for rows that were read, if there are handlers for them. Reading needs no transaction, and takes none for
/// them: a handler that writes begins its own.
pub(crate) async fn send_all<M: Model>(db: &Db, rows: &mut [Instance<M>]) -> Result<(), Error> {
    if is_heard(db, M::meta()) {
        let operation = Operation::new();
        for row in rows {
            send(db, &operation, row).await?;
        }
    }
    Ok(())
}
