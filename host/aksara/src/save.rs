//! `save`: one instance on its way into the database, through its handlers. The line that everything else serves.

use std::sync::Arc;

use chrono::{SubsecRound, Utc};
use sea_query::{Expr, ExprTrait, Query, Values};
use uuid::Uuid;

use crate::db::On;
use crate::instance::{AnyInstance, State};
use crate::meta::{FieldKind, FieldMeta, KeySource, ModelMeta};
use crate::plugins::PluginSet;
use crate::signals::{self, Details, Event, Operation, SignalKind, UpdateFields, Written, written_changes};
use crate::transaction::Scope;
use crate::validate::validate;
use crate::violation::{Pointing, missing_targets};
use crate::{Db, Error, Instance, Model, Value, statements};

/// How to save, where a plain [`save`](Instance::save) will not do.
#[derive(Clone, Copy, Debug, Default)]
pub struct SaveOptions<'a> {
    /// Write these fields only, besides what pre-handlers add to them. An empty list does nothing at all.
    pub update_fields: Option<&'a [&'a str]>,
    /// Insert, even if the key exists already, which is then an integrity error.
    pub force_insert: bool,
    /// Update; it is an error when there is no row.
    pub force_update: bool,
    /// Fixtures are being loaded; handlers are told.
    pub raw: bool,
}

impl<M: Model> Instance<M> {
    /// Writes the instance: an INSERT when it is new, an UPDATE of all its fields otherwise. One whose key was changed is
    /// new. That the row is gone is an error; [`force_insert`](SaveOptions::force_insert) inserts it again.
    ///
    /// In this order: transaction or savepoint, automatic timestamps, `pre_save`, validation, SQL, values made by
    /// the database, `post_save`, release or commit. An error at any stage undoes everything, in the database and
    /// in this instance.
    ///
    /// # Errors
    /// A handler's refusal or failure, [`Error::Validation`], [`Error::Integrity`], [`Error::NotFound`] when the row is
    /// gone, [`Error::Database`].
    pub async fn save(&mut self, db: &Db) -> Result<(), Error> {
        self.save_with(db, SaveOptions::default()).await
    }

    /// Writes these fields only, besides what pre-handlers add to them. An empty list does nothing at all.
    ///
    /// # Errors
    /// As [`save`](Self::save); [`Error::UpdateField`] for an unknown name or the key, before any signal;
    /// [`Error::NotFound`] when the row is gone.
    pub async fn save_fields(&mut self, db: &Db, fields: &[&str]) -> Result<(), Error> {
        self.save_with(db, SaveOptions { update_fields: Some(fields), ..SaveOptions::default() }).await
    }

    /// Writes the instance as the options say.
    ///
    /// # Errors
    /// As [`save`](Self::save) and [`save_fields`](Self::save_fields).
    #[expect(
        clippy::manual_async_fn,
        reason = "handlers save: without `Send` said here, its inference is a cycle"
    )]
    pub fn save_with(
        &mut self,
        db: &Db,
        options: SaveOptions<'_>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        async move { save(self, db, options, &Operation::new()).await }
    }
}

pub(crate) async fn save(
    instance: &mut dyn AnyInstance,
    db: &Db,
    options: SaveOptions<'_>,
    operation: &Operation,
) -> Result<(), Error> {
    let meta = instance.meta();
    let mut update_fields = match options.update_fields {
        Some([]) => return Ok(()),
        Some(names) => Some(UpdateFields::new(meta, names.iter().copied())?),
        None => None,
    };
    if instance.state() == State::Deleted {
        let reason = "its row was deleted; make a new instance from its values to insert it again";
        return Err(Error::State { operation: "save", model: meta.label, reason });
    }
    if options.force_insert && (options.force_update || options.update_fields.is_some()) {
        let reason = "an insert writes every field; force an update, or name fields, or neither";
        return Err(Error::State { operation: "force an insert of", model: meta.label, reason });
    }
    let plugins = db.plugin_set();
    let heard = Heard::now(meta, plugins.as_ref());
    let is_renamed = is_renamed(instance, options);
    if heard.pre || heard.post || heard.end || is_renamed || db.needs_savepoint() {
        let before = Before::Everything(instance.snapshot());
        let mut undo = Undo { instance, before };
        if is_renamed {
            undo.instance.set_state(State::New);
            undo.instance.forget_loaded();
        }
        let scope = Scope::enter(db).await?;
        // What fails after the SQL has to undo it.
        let saved = with_signals(&mut undo, (&scope, operation), heard, options, &mut update_fields).await;
        let ((), after) = scope.finish(saved).await?;
        undo.keep(update_fields.as_ref());
        after.run().await;
    } else {
        let write = plan(instance, db, options).await?;
        let before = Before::Fields(fill_in(instance, write, update_fields.as_ref()));
        let undo = Undo { instance, before };
        check(db, undo.instance, update_fields.as_ref())?;
        write_row(undo.instance, db, write, update_fields.as_ref()).await?;
        undo.keep(update_fields.as_ref());
    }
    Ok(())
}

/// Whether the key of a stored instance was changed, which makes it another one: a new one, unless it is forced to be
/// an update.
fn is_renamed(instance: &dyn AnyInstance, options: SaveOptions<'_>) -> bool {
    let is_forced = options.force_update || options.update_fields.is_some();
    let key = instance.meta().key;
    !is_forced
        && instance.state() == State::Stored
        && instance.loaded_value(key).is_some_and(|loaded| loaded != instance.value(key))
}

/// Which signals of a save have handlers. Those connected by one signal's handlers hear the next one.
#[derive(Clone, Copy)]
struct Heard {
    pre: bool,
    post: bool,
    /// What is sent after the end of the transaction.
    end: bool,
}

impl Heard {
    fn now(meta: &ModelMeta, plugins: Option<&Arc<PluginSet>>) -> Self {
        let heard = |signal| signals::is_heard(signal, meta, plugins);
        Heard {
            pre: heard(SignalKind::PreSave),
            post: heard(SignalKind::PostSave),
            end: heard(SignalKind::AfterCommit) || heard(SignalKind::AfterRollback),
        }
    }
}

/// The stages of a save that somebody hears, inside its transaction or savepoint.
async fn with_signals(
    undo: &mut Undo<'_>,
    (scope, operation): (&Scope, &Operation),
    mut heard: Heard,
    options: SaveOptions<'_>,
    update_fields: &mut Option<UpdateFields>,
) -> Result<(), Error> {
    let db = scope.db();
    let plugins = db.plugin_set();
    let instance = &mut *undo.instance;
    let write = plan(instance, db, options).await?;
    fill_in(instance, write, update_fields.as_ref());
    if heard.pre {
        let created = write == Write::Insert;
        let details = Details::Save { created, update_fields: update_fields.as_mut(), raw: options.raw };
        let mut event = Event::one(SignalKind::PreSave, (db, operation), instance, details);
        signals::send(&mut event, plugins.as_ref()).await?;
        heard = Heard::now(instance.meta(), plugins.as_ref());
    }
    if let (Some(update_fields), Before::Everything(before)) = (&*update_fields, &undo.before) {
        tell_unwritten(instance, &**before, update_fields);
    }
    check(db, instance, update_fields.as_ref())?;
    if !heard.post && !heard.end {
        // Nothing that can fail comes after the SQL, which undoes itself when it fails.
        return write_row(instance, &scope.last(), write, update_fields.as_ref()).await;
    }
    write_row(instance, db, write, update_fields.as_ref()).await?;
    let created = write == Write::Insert;
    instance.set_state(State::Stored);
    if created {
        // A create changes every field, also where a row was there before.
        instance.forget_loaded();
    }
    if heard.end {
        let (key, changes) = (instance.key(), written_changes(instance, update_fields.as_ref()));
        let (meta, operation) = (instance.meta(), operation.id());
        db.wrote_instance(Written { meta, operation, key, created, deleted: false, changes });
    }
    if !heard.post {
        return Ok(());
    }
    let details = Details::Save { created, update_fields: update_fields.as_mut(), raw: options.raw };
    let mut event = Event::one(SignalKind::PostSave, (db, operation), instance, details);
    signals::send(&mut event, plugins.as_ref()).await
}

/// Puts the instance back to what it was, unless the save is kept: on errors and when the future is dropped.
struct Undo<'a> {
    instance: &'a mut dyn AnyInstance,
    before: Before,
}

/// What a save may have changed of its instance, as it was before.
enum Before {
    /// Handlers may change anything.
    Everything(Box<dyn AnyInstance>),
    /// Without handlers, only what is filled in.
    Fields(Vec<(usize, Value)>),
}

impl Undo<'_> {
    fn keep(mut self, update_fields: Option<&UpdateFields>) {
        self.before = Before::Fields(Vec::new());
        self.instance.set_state(State::Stored);
        self.instance.set_loaded(update_fields.map(UpdateFields::positions));
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.before, Before::Fields(Vec::new())) {
            Before::Everything(before) => self.instance.restore(before),
            Before::Fields(fields) => {
                fields.into_iter().for_each(|(index, value)| set(self.instance, index, value))
            }
        }
    }
}

/// What SQL a save comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    Insert,
    /// An update, which fails when the row is gone.
    Update,
}

async fn plan(instance: &dyn AnyInstance, db: &Db, options: SaveOptions<'_>) -> Result<Write, Error> {
    if options.force_insert {
        return Ok(Write::Insert);
    }
    if options.force_update || options.update_fields.is_some() || instance.state() == State::Stored {
        return Ok(Write::Update);
    }
    // A UUID that the client made exists already only by mistake. Other keys may have been given on purpose.
    let meta = instance.meta();
    let given = meta.key_source != KeySource::Client && !instance.key_is_unassigned();
    let exists = given && row_exists(db, meta, instance.key()).await?;
    Ok(if exists { Write::Update } else { Write::Insert })
}

async fn row_exists(db: &Db, meta: &'static ModelMeta, key: Value) -> Result<bool, Error> {
    let mut select = Query::select();
    select.expr(Expr::val(1)).from(meta.table).and_where(Expr::col(meta.key_field().name).eq(key));
    let (sql, values) = db.built(&select);
    Ok(!db.fetch(On { meta, doing: "looking for a row" }, sql, values).await?.is_empty())
}

/// Automatic timestamps, and the key that the client makes. Returns what was there before.
fn fill_in(
    instance: &mut dyn AnyInstance,
    write: Write,
    update_fields: Option<&UpdateFields>,
) -> Vec<(usize, Value)> {
    let meta = instance.meta();
    let mut before = Vec::new();
    let client = write == Write::Insert && meta.key_source == KeySource::Client;
    let makes_key = client && instance.key_is_unassigned();
    let mut fill = |index, value| {
        before.push((index, instance.value(index)));
        set(instance, index, value);
    };
    let mut now = None;
    for (index, field) in meta.fields.iter().enumerate() {
        let stamped = field.auto_now || (field.auto_now_add && write == Write::Insert);
        if stamped && is_written(field, update_fields) {
            // As exact as all databases keep it.
            let now = *now.get_or_insert_with(|| Utc::now().trunc_subsecs(6));
            fill(index, Value::ChronoDateTimeUtc(Some(now)));
        }
    }
    if makes_key {
        fill(meta.key, Value::Uuid(Some(Uuid::now_v7())));
    }
    before
}

/// Automatic timestamps, and the key, of a new instance that is inserted with others.
pub(crate) fn fill_in_new(instance: &mut dyn AnyInstance) {
    fill_in(instance, Write::Insert, None);
}

/// Automatic timestamps of an instance of which these fields are written with those of others.
pub(crate) fn stamp(instance: &mut dyn AnyInstance, fields: &UpdateFields) {
    fill_in(instance, Write::Update, Some(fields));
}

pub(crate) fn set(instance: &mut dyn AnyInstance, index: usize, value: Value) {
    if let Err(value) = instance.set_value(index, value) {
        unreachable!("the derive checks that this field can hold {value:?}");
    }
}

fn is_written(field: &FieldMeta, update_fields: Option<&UpdateFields>) -> bool {
    update_fields.is_none_or(|fields| fields.contains(field.name))
}

pub(crate) fn check(
    db: &Db,
    instance: &dyn AnyInstance,
    update_fields: Option<&UpdateFields>,
) -> Result<(), Error> {
    Ok(validate(db.backend(), instance, |field| is_written(field, update_fields))?)
}

/// Says at debug level which changes of handlers stay in memory.
fn tell_unwritten(instance: &dyn AnyInstance, before: &dyn AnyInstance, update_fields: &UpdateFields) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let meta = instance.meta();
    for (index, field) in meta.fields.iter().enumerate() {
        if !update_fields.contains(field.name) && instance.value(index) != before.value(index) {
            tracing::debug!(
                model = meta.label,
                field = field.name,
                "a handler changed a field that is not in update_fields; the change is not written"
            );
        }
    }
}

/// The SQL.
async fn write_row(
    instance: &mut dyn AnyInstance,
    db: &Db,
    write: Write,
    update_fields: Option<&UpdateFields>,
) -> Result<(), Error> {
    let meta = instance.meta();
    let written = match (write, update_fields) {
        (Write::Insert, _) => insert(instance, db).await.map(|()| 1),
        (Write::Update, Some(fields)) => {
            update_columns(instance, db, fields.positions().iter().copied()).await
        }
        (Write::Update, None) => update(instance, db).await,
    };
    let pointing = || {
        let fields = meta.fields.iter().enumerate();
        let written = fields.filter(|(_, field)| is_written(field, update_fields));
        Pointing::of(meta, written.map(|(index, field)| (field, vec![instance.value(index)])))
    };
    if missing_targets(db, written, pointing).await? > 0 {
        return Ok(());
    }
    Err(Error::NotFound { model: meta.label, criterion: meta.key_field().named(&instance.key()) })
}

pub(crate) async fn insert(instance: &mut dyn AnyInstance, db: &Db) -> Result<(), Error> {
    let meta = instance.meta();
    let on = On { meta, doing: "inserting a row" };
    if !instance.key_is_unassigned() {
        return db.execute(on, statements::insert(meta, db.backend()), all_values(instance)).await.map(drop);
    }
    let sql = statements::insert_generated(meta, db.backend());
    let values = values_without_key(instance);
    let key = if db.backend().tells_key() {
        made_key(meta, db.execute_done(on, sql, values).await?.key)?
    } else {
        let rows = db.fetch_written(on, sql, values).await?;
        let row = rows.first().ok_or_else(|| Error::database(on.doing, sqlx::Error::RowNotFound))?;
        row.value(0, meta.key_field().kind)?
    };
    set(instance, meta.key, key);
    Ok(())
}

/// A key that the database has counted, as a value of its field.
pub(crate) fn made_key(meta: &ModelMeta, key: i64) -> Result<Value, Error> {
    let FieldMeta { name, kind, .. } = meta.key_field();
    match kind {
        FieldKind::I32 => i32::try_from(key).map(|key| Value::Int(Some(key))).map_err(|_| Error::Decode {
            table: meta.table.to_owned(),
            key: None,
            column: (*name).to_owned(),
            expected: kind.words(),
            reason: format!("the database made the key {key}"),
        }),
        _ => Ok(Value::BigInt(Some(key))),
    }
}

async fn update(instance: &dyn AnyInstance, db: &Db) -> Result<u64, Error> {
    let meta = instance.meta();
    // An instance that was not loaded does not know when its row was inserted.
    let kept = |field: &FieldMeta| field.auto_now_add && instance.state() == State::New;
    if meta.fields.iter().any(kept) {
        let others = (0..meta.fields.len()).filter(|index| *index != meta.key && !kept(&meta.fields[*index]));
        return update_columns(instance, db, others).await;
    }
    if meta.fields.len() == 1 {
        // Nothing but the key: there is no column to write.
        return row_exists(db, meta, instance.key()).await.map(u64::from);
    }
    let mut values = values_without_key(instance);
    values.0.push(instance.key());
    db.execute(On { meta, doing: "updating a row" }, statements::update(meta, db.backend()), values).await
}

async fn update_columns(
    instance: &dyn AnyInstance,
    db: &Db,
    columns: impl Iterator<Item = usize>,
) -> Result<u64, Error> {
    let meta = instance.meta();
    let columns: Vec<_> =
        columns.map(|index| (meta.fields[index].name, instance.value(index).into())).collect();
    if columns.is_empty() {
        return row_exists(db, meta, instance.key()).await.map(u64::from);
    }
    let mut update = Query::update();
    update.table(meta.table).values(columns);
    update.and_where(Expr::col(meta.key_field().name).eq(instance.key()));
    let (sql, values) = db.built(&update);
    db.execute(On { meta, doing: "updating a row" }, sql, values).await
}

fn all_values(instance: &dyn AnyInstance) -> Values {
    Values((0..instance.meta().fields.len()).map(|index| instance.value(index)).collect())
}

fn values_without_key(instance: &dyn AnyInstance) -> Values {
    let meta = instance.meta();
    let others = (0..meta.fields.len()).filter(|index| *index != meta.key);
    Values(others.map(|index| instance.value(index)).collect())
}
