//! `update`: columns of many rows in one statement, past all signals.

use sea_query::{Cond, Expr, Query};

use crate::db::On;
use crate::expression::Side;
use crate::meta::{FieldMeta, ModelMeta};
use crate::signals::{self, SignalKind};
use crate::transaction::Scope;
use crate::validate::validate_assignments;
use crate::violation::{Pointing, missing_targets};
use crate::{Db, Error};

/// Changes columns of the rows that the condition selects; returns how many.
pub(crate) async fn by_filter(
    db: &Db,
    meta: &'static ModelMeta,
    assignments: Vec<(&'static FieldMeta, Side)>,
    condition: Cond,
) -> Result<u64, Error> {
    if assignments.is_empty() {
        return Ok(0);
    }
    validate_assignments(db.backend(), meta, assignments.iter().map(|(field, new)| (*field, new)))?;
    tell_bypass(db, meta);
    let mut update = Query::update();
    update.table(meta.table).cond_where(condition);
    let mut given = Vec::new();
    for (field, new) in assignments {
        if let (Some(_), Side::Plain(Expr::Value(value))) = (field.reference, &new) {
            given.push((field, vec![value.clone()]));
        }
        update.value(field.name, new.stored_on(db.backend()));
    }
    let (sql, values) = db.built(&update);
    let on = On { meta, doing: "updating rows" };
    if !db.needs_savepoint() {
        let updated = db.execute(on, sql, values).await;
        return missing_targets(db, updated, || Pointing::of(meta, given.into_iter())).await;
    }
    let scope = Scope::enter(db).await?;
    let updated = scope.db().execute(on, sql, values).await;
    scope.finish(updated).await.map(|(rows, _)| rows)
}

/// Says at debug level that handlers are connected that hear nothing of this.
fn tell_bypass(db: &Db, meta: &'static ModelMeta) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let plugins = db.plugin_set();
    let heard = |signal| signals::is_heard(signal, meta, plugins.as_ref());
    if heard(SignalKind::PreSave) || heard(SignalKind::PostSave) {
        let model = meta.label;
        tracing::debug!(model, "a query's update bypasses the handlers of pre_save and post_save");
    }
}
