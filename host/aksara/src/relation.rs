//! Many-to-many relations: pairs of keys in a table of their own, and the signals around each change of them.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use sea_query::{Alias, Cond, Expr, ExprTrait, InsertStatement, OnConflict, Query as Sql};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::collect::{KEYS_MAX, Key};
use crate::column::Filter;
use crate::db::On;
use crate::instance::{AnyInstance, State};
use crate::lock::Lock;
use crate::meta::{JoinMeta, ModelMeta};
use crate::signals::{self, Details, Event, Operation, RelationAction, RelationChange, SignalKind, Subject};
use crate::transaction::Scope;
use crate::validate::validate_keys;
use crate::violation::{Pointing, missing_targets};
use crate::{Db, Error, FieldType, Fk, Instance, Model, Query, Value, save};

/// A field that stands for a many-to-many relation to `T`: `tags: ManyToMany<Tag>`. It holds nothing itself; the pairs
/// are rows of a table, and `Post::tags` is the way to them.
pub struct ManyToMany<T> {
    target: PhantomData<fn() -> T>,
}

/// A many-to-many relation from `M` to `T`: `Post::tags`.
pub struct Relation<M, T> {
    index: usize,
    models: PhantomData<fn() -> (M, T)>,
}

impl<M, T> Clone for Relation<M, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T> Copy for Relation<M, T> {}

impl<M: Model, T: Model> Relation<M, T> {
    /// The relation at this position; `derive(Model)` calls it.
    #[doc(hidden)]
    pub const fn new(index: usize) -> Self {
        Relation { index, models: PhantomData }
    }

    /// What is known of it.
    pub fn join(self) -> &'static JoinMeta {
        &M::meta().joins[self.index]
    }

    /// What is related to this instance.
    pub fn of<'a>(self, db: &Db, instance: &'a Instance<M>) -> Related<'a, T> {
        Related { db: db.clone(), instance, join: self.join(), reverse: false, model: PhantomData }
    }

    /// The same relation from the other side: what this instance is related to.
    pub fn to<'a>(self, db: &Db, instance: &'a Instance<T>) -> Related<'a, M> {
        Related { db: db.clone(), instance, join: self.join(), reverse: true, model: PhantomData }
    }

    /// The rows of `M` that are related to this one of `T`.
    pub fn contains(self, other: impl ToKey<T>) -> Filter<M> {
        let join = self.join();
        Filter::new(related_to(M::meta(), join, false, other.to_key()))
    }
}

impl<M: Model, T: Model> From<Relation<M, T>> for &'static JoinMeta {
    fn from(relation: Relation<M, T>) -> Self {
        relation.join()
    }
}

/// What names a row of `M`: an instance, a foreign key, a key.
pub trait ToKey<M: Model> {
    /// Returns the key.
    fn to_key(&self) -> Value;

    /// Returns whether this can be known to name no row: an instance that was not saved yet, or that was deleted.
    fn is_unsaved(&self) -> bool {
        false
    }
}

impl<M: Model> ToKey<M> for &Instance<M> {
    fn to_key(&self) -> Value {
        self.key().to_value()
    }

    fn is_unsaved(&self) -> bool {
        self.state() != State::Stored
    }
}

impl<M: Model> ToKey<M> for &Fk<M> {
    fn to_key(&self) -> Value {
        self.key().to_value()
    }
}

macro_rules! to_key {
    ($($type:ty),*) => {$(
        impl<M: Model<Key = $type>> ToKey<M> for $type {
            fn to_key(&self) -> Value {
                self.to_value()
            }
        }
    )*};
}
to_key!(i32, i64, Uuid, String);

/// Where a change is made, and what its events are a part of.
struct At {
    db: Db,
    operation: Operation,
}

impl At {
    fn new(db: &Db) -> Self {
        At { db: db.clone(), operation: Operation::new() }
    }
}

/// The rows of `K` that one instance is related to.
pub struct Related<'a, K> {
    db: Db,
    instance: &'a dyn AnyInstance,
    join: &'static JoinMeta,
    reverse: bool,
    model: PhantomData<fn() -> K>,
}

impl<K: Model> Related<'_, K> {
    /// The related rows, as a query.
    pub fn all(&self) -> Query<K> {
        K::objects(&self.db).filter(Filter::new(related_to(
            K::meta(),
            self.join,
            !self.reverse,
            self.instance.key(),
        )))
    }

    /// Relates these as well; those that are related already stay so. Returns how many are new.
    ///
    /// Sends `m2m_changed` with `pre_add` and `post_add`, and the keys that were not related yet. Nothing at all is
    /// sent when none are given.
    ///
    /// # Errors
    /// A handler's refusal or failure, [`Error::State`] before any signal for an instance without a row, on either
    /// side, [`Error::Validation`] for a key that no row can have, [`Error::Integrity`] for one that no row has,
    /// [`Error::Database`].
    pub async fn add<T: ToKey<K>>(&self, others: impl IntoIterator<Item = T>) -> Result<u64, Error> {
        let keys = keys(others)?;
        self.change(async |at| if keys.is_empty() { Ok(0) } else { self.added(at, keys).await }).await
    }

    /// Relates a new row: creates it, and adds it.
    ///
    /// # Errors
    /// As [`save`](Instance::save) and [`add`](Self::add).
    pub async fn create(&self, value: K) -> Result<Instance<K>, Error> {
        self.refuse_unsaved()?;
        let scope = Scope::enter(&self.db).await?;
        let created = async {
            let created = K::objects(scope.db()).create(value).await?;
            self.added(&At::new(scope.db()), vec![created.key().to_value()]).await?;
            Ok::<_, Error>(created)
        };
        let created = created.await;
        let (created, after) = scope.finish(created).await?;
        after.run().await;
        Ok(created)
    }

    /// Relates these no longer. Returns how many were related.
    ///
    /// Sends `m2m_changed` with `pre_remove` and `post_remove`, and the keys that were given. Nothing at all is sent
    /// when none are given.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn remove<T: ToKey<K>>(&self, others: impl IntoIterator<Item = T>) -> Result<u64, Error> {
        let keys = keys(others)?;
        self.change(async |at| if keys.is_empty() { Ok(0) } else { self.removed(at, keys).await }).await
    }

    /// Relates nothing any more. Returns how many were related.
    ///
    /// Sends `m2m_changed` with `pre_clear` and `post_clear`, and the keys that were related.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn clear(&self) -> Result<u64, Error> {
        self.change(async |at| self.cleared(at).await).await
    }

    /// Relates exactly these: removes those that are too many, then adds those that are missing; nothing when nothing
    /// differs. Returns how many were removed and added.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn set<T: ToKey<K>>(&self, others: impl IntoIterator<Item = T>) -> Result<u64, Error> {
        let wanted = keys(others)?;
        self.change(async |at| {
            self.lock(&at.db).await?;
            let related = self.related(&at.db).await?;
            let missing = without(&wanted, &related);
            let surplus = without(&related, &wanted);
            let mut changed = 0;
            if !surplus.is_empty() {
                changed += self.removed(at, surplus).await?;
            }
            if !missing.is_empty() {
                changed += self.added(at, missing).await?;
            }
            Ok(changed)
        })
        .await
    }

    /// Relates exactly these: clears, then adds all. Returns how many were removed and added.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn set_cleared<T: ToKey<K>>(&self, others: impl IntoIterator<Item = T>) -> Result<u64, Error> {
        let wanted = keys(others)?;
        self.change(async |at| {
            self.lock(&at.db).await?;
            let cleared = self.cleared(at).await?;
            if wanted.is_empty() { Ok(cleared) } else { Ok(cleared + self.added(at, wanted).await?) }
        })
        .await
    }

    /// Runs one change, wholly or not at all.
    async fn change(&self, change: impl AsyncFnOnce(&At) -> Result<u64, Error>) -> Result<u64, Error> {
        self.refuse_unsaved()?;
        let scope = Scope::enter(&self.db).await?;
        let changed = change(&At::new(scope.db())).await;
        let (changed, after) = scope.finish(changed).await?;
        after.run().await;
        Ok(changed)
    }

    fn refuse_unsaved(&self) -> Result<(), Error> {
        match self.instance.state() {
            State::Stored => Ok(()),
            State::New | State::Deleted => Err(without_row(self.instance.meta())),
        }
    }

    async fn added(&self, at: &At, keys: Vec<Value>) -> Result<u64, Error> {
        let db = &at.db;
        let [own, other] = self.columns();
        let is_unique = self.join.is_unique();
        if !is_unique {
            // Nothing else stands against a pair that another transaction adds meanwhile.
            self.lock(db).await?;
        }
        let mut keys = without(&keys, &self.related(db).await?);
        if self.send(at, RelationAction::PreAdd, &mut keys).await? {
            // Handlers may have put in what is related already, or the same twice.
            keys = without(&keys, &self.related(db).await?);
        }
        validate_keys(db.backend(), K::meta(), &keys)?;
        for keys in keys.chunks(KEYS_MAX) {
            let mut insert = self.pairs(keys);
            // A pair that another transaction has added meanwhile is as good as ours.
            if is_unique {
                insert.on_conflict(OnConflict::columns([own, other]).update_column(own).to_owned());
            }
            let (sql, values) = db.built(&insert);
            let written = db.execute(self.on("relating rows"), sql, values).await;
            let (table, target) = (self.join.table, K::meta());
            let pointing = || vec![Pointing { table, column: other, target, keys: keys.to_vec() }];
            missing_targets(db, written, pointing).await?;
        }
        let added = keys.len() as u64;
        self.send(at, RelationAction::PostAdd, &mut keys).await?;
        Ok(added)
    }

    /// Inserts pairs with these keys; the other fields of a model's table are those of a new instance.
    fn pairs(&self, keys: &[Value]) -> InsertStatement {
        let mut insert = Sql::insert();
        insert.into_table(self.join.table);
        let columns = self.columns();
        let Some(through) = self.join.through() else {
            insert.columns(columns);
            for key in keys {
                insert.values_panic([self.instance.key().into(), key.clone().into()]);
            }
            return insert;
        };
        let rows = keys.iter().map(|key| {
            let mut row = (through.new_instance)();
            for (column, value) in columns.into_iter().zip([self.instance.key(), key.clone()]) {
                if let Some(position) = through.position(column) {
                    save::set(&mut *row, position, value);
                }
            }
            save::fill_in_new(&mut *row);
            row
        });
        let rows: Vec<_> = rows.collect();
        let is_counted = rows.iter().any(|row| row.key_is_unassigned());
        let written: Vec<_> =
            (0..through.fields.len()).filter(|at| !is_counted || *at != through.key).collect();
        insert.columns(written.iter().map(|at| through.fields[*at].name));
        for row in rows {
            insert.values_panic(written.iter().map(|at| row.value(*at).into()));
        }
        insert
    }

    async fn removed(&self, at: &At, mut keys: Vec<Value>) -> Result<u64, Error> {
        self.send(at, RelationAction::PreRemove, &mut keys.clone()).await?;
        let mut removed = 0;
        for keys in keys.chunks(KEYS_MAX) {
            removed += self.delete(&at.db, Expr::col(self.columns()[1]).is_in(keys.iter().cloned())).await?;
        }
        self.send(at, RelationAction::PostRemove, &mut keys).await?;
        Ok(removed)
    }

    async fn cleared(&self, at: &At) -> Result<u64, Error> {
        let mut keys = self.related(&at.db).await?;
        self.send(at, RelationAction::PreClear, &mut keys.clone()).await?;
        let removed = self.delete(&at.db, Expr::val(1).eq(1)).await?;
        self.send(at, RelationAction::PostClear, &mut keys).await?;
        Ok(removed)
    }

    async fn delete(&self, db: &Db, condition: Expr) -> Result<u64, Error> {
        let mut delete = Sql::delete();
        let own = Expr::col(self.columns()[0]).eq(self.instance.key());
        delete.from_table(self.join.table).cond_where(Cond::all().add(own).add(condition));
        let (sql, values) = db.built(&delete);
        db.execute(self.on("relating rows no longer"), sql, values).await
    }

    /// Locks the instance's row: of several who set its relation, one comes after the other.
    async fn lock(&self, db: &Db) -> Result<(), Error> {
        let meta = self.instance.meta();
        let mut select = Sql::select();
        let key = Expr::col(meta.key_field().name).eq(self.instance.key());
        select.expr(Expr::cust("1")).from(meta.table).and_where(key);
        let (sql, values) = Lock::Update.statement(db, &mut select, meta.table);
        if db.fetch(self.on("locking the row of a relation"), sql, values).await?.is_empty() {
            let criterion = meta.key_field().named(&self.instance.key());
            return Err(Error::NotFound { model: meta.label, criterion });
        }
        Ok(())
    }

    /// The keys that are related now, in ascending order.
    async fn related(&self, db: &Db) -> Result<Vec<Value>, Error> {
        let [own, other] = self.columns();
        let mut select = Sql::select();
        select.from(self.join.table).column(other).and_where(Expr::col(own).eq(self.instance.key()));
        let (sql, values) = db.built(&select);
        let rows = db.fetch(self.on("reading related keys"), sql, values).await?;
        let kind = K::meta().key_field().kind;
        let keys = rows.iter().map(|row| row.value(0, kind).map(Key)).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(keys.into_iter().map(|Key(key)| key).collect())
    }

    /// Whether anybody heard it.
    async fn send(
        &self,
        At { db, operation }: &At,
        action: RelationAction,
        keys: &mut Vec<Value>,
    ) -> Result<bool, Error> {
        let plugins = db.plugin_set();
        let meta = (self.join.source.0)();
        let label = self.join.label;
        let by_plugins = plugins
            .as_ref()
            .is_some_and(|set| !set.handlers(SignalKind::M2mChanged.name(), label).is_empty());
        if !by_plugins && !signals::is_heard(SignalKind::M2mChanged, meta, None) {
            return Ok(false);
        }
        let mut instance = self.instance.snapshot();
        let change = RelationChange { join: self.join, action, reverse: self.reverse, keys };
        let subject = Subject::One(&mut *instance);
        let details = Details::Relation(change);
        let mut event =
            Event::new(SignalKind::M2mChanged, (db, operation), (label, Some(meta)), subject, details);
        signals::send(&mut event, plugins.as_ref()).await?;
        Ok(true)
    }

    /// The column with the key of our instance, and that of the others.
    fn columns(&self) -> [&'static str; 2] {
        match self.reverse {
            false => [self.join.source.1, self.join.target.1],
            true => [self.join.target.1, self.join.source.1],
        }
    }

    fn on(&self, doing: &'static str) -> On {
        On { meta: self.instance.meta(), doing }
    }
}

fn keys<M: Model, T: ToKey<M>>(others: impl IntoIterator<Item = T>) -> Result<Vec<Value>, Error> {
    let key = |other: T| match other.is_unsaved() {
        true => Err(without_row(M::meta())),
        false => Ok(other.to_key()),
    };
    others.into_iter().map(key).collect()
}

fn without_row(meta: &'static ModelMeta) -> Error {
    let reason = "it has no row yet, or none any more; save it first";
    Error::State { operation: "relate to", model: meta.label, reason }
}

/// Each of these keys once, but not those.
fn without(these: &[Value], those: &[Value]) -> Vec<Value> {
    let mut seen: BTreeSet<Key> = those.iter().cloned().map(Key).collect();
    these.iter().filter(|key| seen.insert(Key((*key).clone()))).cloned().collect()
}

/// The rows of a model that are related to the row with this key; `reverse` when the model is the other side.
fn related_to(meta: &'static ModelMeta, join: &JoinMeta, reverse: bool, key: Value) -> Expr {
    let [own, other] = if reverse { [join.target.1, join.source.1] } else { [join.source.1, join.target.1] };
    let mut pairs = Sql::select();
    pairs.column(own).from(join.table).and_where(Expr::col(other).eq(key));
    Expr::col((Alias::new(meta.table), Alias::new(meta.key_field().name))).in_subquery(pairs)
}

impl<T> Default for ManyToMany<T> {
    fn default() -> Self {
        ManyToMany { target: PhantomData }
    }
}

impl<T> Clone for ManyToMany<T> {
    fn clone(&self) -> Self {
        ManyToMany::default()
    }
}

impl<T> PartialEq for ManyToMany<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for ManyToMany<T> {}

impl<T> std::fmt::Debug for ManyToMany<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ManyToMany")
    }
}

impl<T> Serialize for ManyToMany<T> {
    /// As nothing: the pairs are not part of the row.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de, T> Deserialize<'de> for ManyToMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| ManyToMany::default())
    }
}
