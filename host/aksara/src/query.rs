//! Queries: the rows of a model, narrowed, ordered, read, changed.

use sea_query::{
    BinOper, Cond, Expr, ExprTrait, Func, Order as Direction, Query as Sql, SelectStatement, Values,
};
use sqlx::SqlStr;

use crate::bulk;
use crate::column::{Assignment, Column, Filter, Order, qualified};
use crate::db::On;
use crate::delete::{self, Deleted};
use crate::expression::{Term, sorted};
use crate::instance::State;
use crate::lock::Lock;
use crate::meta::{FieldKind, FieldMeta, ModelMeta};
use crate::save::{SaveOptions, save};
use crate::signals::{Operation, Origin, UpdateFields};
use crate::transaction::Scope;
use crate::{Db, Error, FieldType, Instance, Model, Value, init, update};

/// The rows of a model: `Post::objects(&db)`. Lazy: nothing is read before one of the async methods.
#[derive(Clone, Debug)]
#[must_use = "a query reads nothing before one of its async methods is called"]
pub struct Query<M: Model> {
    db: Db,
    filter: Option<Filter<M>>,
    pub(crate) orders: Vec<Order<M>>,
    limit: Option<u64>,
    offset: Option<u64>,
    distinct: bool,
    groups: Vec<&'static FieldMeta>,
    lock: Option<Lock>,
}

impl<M: Model> Query<M> {
    pub(crate) fn new(db: &Db) -> Self {
        Query {
            db: db.clone(),
            filter: None,
            orders: Vec::new(),
            limit: None,
            offset: None,
            distinct: false,
            groups: Vec::new(),
            lock: None,
        }
    }

    /// Only the rows for which this holds, besides the filters before it.
    pub fn filter(mut self, filter: Filter<M>) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(before) => before.and(filter),
            None => filter,
        });
        self
    }

    /// In this order; a further call breaks ties.
    pub fn order_by(mut self, order: Order<M>) -> Self {
        self.orders.push(order);
        self
    }

    /// At most so many rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Without the first so many rows.
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = Some(rows);
        self
    }

    /// Equal rows once.
    pub fn distinct(mut self) -> Self {
        self.distinct = true;
        self
    }

    /// One row for each value of this column, for [`values`](Self::values) with aggregates; a further call groups by
    /// that as well.
    pub fn group_by<T: FieldType>(mut self, column: Column<M, T>) -> Self {
        self.groups.push(column.field());
        self
    }

    /// Locks the rows that are read until the transaction ends, so that what is changed and saved in it is based on what
    /// is stored: others who write to these rows, or lock them, wait. It means something to what reads whole rows, in a
    /// transaction. On SQLite a transaction is alone in writing, and nothing is locked in addition.
    ///
    /// ```no_run
    /// # use aksara::prelude::*;
    /// # #[derive(Model, Clone)] struct Stock { #[field(primary_key)] id: i64, units: i64 }
    /// # async fn example(db: Db, id: i64) -> Result<(), aksara::Error> {
    /// db.transaction(async |tx| {
    ///     let mut stock = Stock::objects(&tx).select_for_update().get(id).await?;
    ///     stock.units -= 1;
    ///     stock.save(&tx).await
    /// })
    /// .await
    /// # }
    /// ```
    pub fn select_for_update(self) -> Self {
        self.locked(Lock::Update)
    }

    pub(crate) fn locked(mut self, lock: Lock) -> Self {
        self.lock = Some(lock);
        self
    }

    pub(crate) fn on(mut self, db: &Db) -> Self {
        self.db = db.clone();
        self
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Reads the rows.
    ///
    /// # Errors
    /// [`Error::Database`], and [`Error::Decode`] for a row that does not fit the model.
    pub async fn all(self) -> Result<Vec<Instance<M>>, Error> {
        let mut rows = self.read(&self.db).await?;
        init::send_all(&self.db, &mut rows).await?;
        Ok(rows)
    }

    async fn read(&self, db: &Db) -> Result<Vec<Instance<M>>, Error> {
        let (sql, values) = self.statement(db, self.select())?;
        let rows = db.fetch(reading::<M>(), sql, values).await?;
        rows.iter().map(|row| M::from_row(row).map(Instance::stored)).collect()
    }

    /// Reads the first row; by ascending key, unless ordered.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn first(mut self) -> Result<Option<Instance<M>>, Error> {
        self.at_most(1);
        if self.orders.is_empty() {
            self.orders.push(Order::by(M::meta().key_field()));
        }
        Ok(self.all().await?.pop())
    }

    /// Reads the only row there is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::MultipleFound`], and as [`all`](Self::all).
    pub async fn one(mut self) -> Result<Instance<M>, Error> {
        self.at_most(2);
        let mut rows = self.all().await?;
        let model = M::meta().label;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            (Some(_), false) => Err(Error::MultipleFound { model }),
            (None, _) => Err(Error::NotFound { model, criterion: "the filter".to_owned() }),
        }
    }

    /// Reads the row with this key, if it is among those of the query.
    ///
    /// # Errors
    /// [`Error::NotFound`], and as [`all`](Self::all).
    pub async fn get(self, key: impl Into<M::Key>) -> Result<Instance<M>, Error> {
        let key = key.into().to_value();
        let row = self.unsliced().filter(Filter::key_is(key.clone())).all().await?.pop();
        row.ok_or_else(|| Error::NotFound {
            model: M::meta().label,
            criterion: M::meta().key_field().named(&key),
        })
    }

    /// Counts the rows.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count(self) -> Result<u64, Error> {
        let mut rows = if self.distinct { self.select() } else { self.narrowed() };
        if !self.distinct {
            rows.expr(Expr::cust("1"));
        }
        let mut count = Sql::select();
        count.expr(Func::count(Expr::cust("*"))).from_subquery(rows, "rows");
        let (sql, values) = self.db.built(&count);
        let counted = self.db.fetch(On { meta: M::meta(), doing: "counting rows" }, sql, values).await?;
        match counted.first().map(|row| row.value(0, FieldKind::I64)).transpose()? {
            Some(Value::BigInt(Some(count))) => Ok(count.unsigned_abs()),
            _ => Ok(0),
        }
    }

    /// Whether there is any row.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn exists(mut self) -> Result<bool, Error> {
        self.at_most(1);
        // Rows differ by their keys, and there is one in any order.
        self.distinct = false;
        let query = self.unordered();
        let mut rows = query.narrowed();
        rows.expr(Expr::cust("1"));
        let (sql, values) = query.db.built(&rows);
        Ok(!query.db.fetch(reading::<M>(), sql, values).await?.is_empty())
    }

    /// Inserts a row: [`save`](Instance::save) of a new instance, with its signals. A key that exists already is an
    /// integrity error.
    ///
    /// # Errors
    /// As [`save`](Instance::save).
    #[expect(
        clippy::manual_async_fn,
        reason = "handlers save: without `Send` said here, its inference is a cycle"
    )]
    pub fn create(self, value: M) -> impl Future<Output = Result<Instance<M>, Error>> + Send {
        async move {
            let operation = Operation::new();
            let mut instance = self.built(value, &operation).await?;
            let options = SaveOptions { force_insert: true, ..SaveOptions::default() };
            save(&mut instance, &self.db, options, &operation).await?;
            Ok(instance)
        }
    }

    /// Builds a new instance, which `save` will insert: with `pre_init` and `post_init`, where
    /// [`Model::instance`] sends nothing.
    ///
    /// # Errors
    /// A handler's refusal or failure.
    pub async fn build(&self, value: M) -> Result<Instance<M>, Error> {
        self.built(value, &Operation::new()).await
    }

    async fn built(&self, value: M, operation: &Operation) -> Result<Instance<M>, Error> {
        let mut instance = value.instance();
        if init::is_heard(&self.db, M::meta()) {
            let scope = Scope::enter(&self.db).await?;
            let told = init::send(scope.db(), operation, &mut instance).await;
            let ((), after) = scope.finish(told).await?;
            after.run().await;
        }
        Ok(instance)
    }

    /// Writes these fields of many instances in few statements, all or none. Sets automatic timestamps among them and
    /// validates like a save, but sends `pre_bulk_update` and `post_bulk_update`, once for the call, in place of
    /// `pre_save` and `post_save`. No instances, or no fields, do nothing. Of two instances of one row the last is written.
    /// Returns how many rows were changed.
    ///
    /// # Errors
    /// A handler's refusal or failure, [`Error::UpdateField`], [`Error::State`] for an instance without a row,
    /// [`Error::NotFound`] when a row is gone, [`Error::Validation`], [`Error::Integrity`], [`Error::Database`].
    pub async fn bulk_update(self, instances: &mut Vec<Instance<M>>, fields: &[&str]) -> Result<u64, Error> {
        let fields = UpdateFields::new(M::meta(), fields.iter().copied())?;
        bulk::update(&self.db, instances, fields).await
    }

    /// Inserts many rows in few statements, all or none. Validates and fills in timestamps and keys like a save, but
    /// sends `pre_bulk_create` and `post_bulk_create`, once for the call, in place of `pre_save` and `post_save`. An
    /// empty list does nothing.
    ///
    /// # Errors
    /// A handler's refusal or failure, [`Error::Validation`], [`Error::Integrity`], [`Error::Database`].
    pub async fn bulk_create(self, values: Vec<M>) -> Result<Vec<Instance<M>>, Error> {
        bulk::create(&self.db, values).await
    }

    /// Changes columns of all rows of the query in one statement; returns how many.
    ///
    /// This is the documented bypass: it sends no signal, and sets no automatic timestamp. The values that it is given are
    /// validated as those of a save; what the database computes is not.
    ///
    /// # Errors
    /// [`Error::Validation`], [`Error::Integrity`], [`Error::Database`], and [`Error::Sliced`] after `limit` or `offset`.
    pub async fn update(self, assignments: impl IntoIterator<Item = Assignment<M>>) -> Result<u64, Error> {
        self.refuse_slice("update")?;
        let assignments =
            assignments.into_iter().map(|Assignment { field, value, .. }| (field, value)).collect();
        update::by_filter(&self.db, M::meta(), assignments, self.condition()).await
    }

    /// Deletes the rows of the query and what depends on them, with `pre_delete` and `post_delete` for each instance
    /// whose model somebody listens to.
    ///
    /// # Errors
    /// As [`Instance::delete`], and [`Error::Sliced`] after `limit` or `offset`.
    pub async fn delete(self) -> Result<Deleted, Error> {
        self.refuse_slice("delete")?;
        delete::by_filter(&self.db, M::meta(), self.condition(), Origin::Query).await
    }

    /// The same rows in no order, for what their order means nothing to.
    pub(crate) fn unordered(mut self) -> Self {
        self.orders.clear();
        self
    }

    /// The same rows by a filter, to which more can be added.
    fn unsliced(mut self) -> Self {
        if self.limit.is_none() && self.offset.is_none() {
            return self;
        }
        let key = qualified(M::meta(), M::meta().key_field());
        // Rows differ by their keys.
        self.distinct = false;
        let mut sliced = self.narrowed();
        sliced.expr_as(key.clone(), "key");
        // MySQL takes no slice in the subquery of an IN, but in a table that it is made of.
        let mut keys = Sql::select();
        keys.column("key").from_subquery(sliced, "sliced");
        Query::new(&self.db).filter(Filter::new(key.in_subquery(keys)))
    }

    fn at_most(&mut self, rows: u64) {
        self.limit = Some(self.limit.map_or(rows, |limit| Ord::min(limit, rows)));
    }

    pub(crate) fn refuse_slice(&self, operation: &'static str) -> Result<(), Error> {
        match (self.limit, self.offset) {
            (None, None) => Ok(()),
            _ => Err(Error::Sliced { operation, model: M::meta().label }),
        }
    }

    fn condition(&self) -> Cond {
        let filter = self.filter.as_ref();
        filter.map_or_else(Cond::all, |filter| filter.condition.clone().render(self.db.backend()))
    }

    /// The text of a statement that reads the rows, and locks them if they are to be locked.
    ///
    /// # Errors
    /// [`Error::Transaction`] when there is no transaction to lock them for.
    pub(crate) fn statement(&self, db: &Db, mut select: SelectStatement) -> Result<(SqlStr, Values), Error> {
        let Some(lock) = self.lock else { return Ok(db.built(&select)) };
        if !db.in_transaction() {
            return Err(Error::Transaction(NOTHING_TO_LOCK_FOR));
        }
        Ok(lock.statement(db, &mut select, M::meta().table))
    }

    pub(crate) fn select(&self) -> SelectStatement {
        let mut select = self.narrowed();
        select.exprs(M::meta().fields.iter().map(|field| qualified(M::meta(), field)));
        select
    }

    /// The rows of the query, without what is to be read of them.
    pub(crate) fn narrowed(&self) -> SelectStatement {
        let mut select = Sql::select();
        select.from(M::meta().table).cond_where(self.condition());
        // Rows that are locked are whole rows, which differ by their keys.
        if self.distinct && self.lock.is_none() {
            select.distinct();
        }
        for field in &self.groups {
            select.add_group_by([sorted(self.db.backend(), M::meta(), field)]);
        }
        for order in &self.orders {
            let by = sorted(self.db.backend(), M::meta(), order.field);
            select.order_by_expr(by, order.direction.clone());
        }
        page(&mut select, self.limit, self.offset);
        select
    }
}

const NOTHING_TO_LOCK_FOR: &str =
    "`select_for_update` locks rows until a transaction ends, and this handle is none; begin one";

/// SQLite and MySQL have no OFFSET without a LIMIT.
fn page(select: &mut SelectStatement, limit: Option<u64>, offset: Option<u64>) {
    if let Some(limit) = limit.or(offset.map(|_| i64::MAX.unsigned_abs())) {
        select.limit(limit);
    }
    if let Some(offset) = offset {
        select.offset(offset);
    }
}

pub(crate) fn reading<M: Model>() -> On {
    On { meta: M::meta(), doing: "reading rows" }
}

impl<M: Model> Filter<M> {
    /// The row with this key.
    pub(crate) fn key_is(key: Value) -> Self {
        Filter::new(Term::of_field(M::meta(), M::meta().key_field(), BinOper::Equal, vec![key]))
    }

    /// The rows with these keys.
    pub(crate) fn key_in(keys: Vec<Value>) -> Self {
        Filter::new(Term::of_field(M::meta(), M::meta().key_field(), BinOper::In, keys))
    }
}

impl<M: Model> Instance<M> {
    /// Reads the row again; whatever was changed in memory is lost.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the row is gone, [`Error::State`] for an instance that has none.
    pub async fn refresh(&mut self, db: &Db) -> Result<(), Error> {
        let reason = match self.state() {
            State::Stored => None,
            State::New => Some("it was never saved"),
            State::Deleted => Some("its row was deleted"),
        };
        if let Some(reason) = reason {
            return Err(Error::State { operation: "refresh", model: M::meta().label, reason });
        }
        *self = M::objects(db).get(self.key().clone()).await?;
        Ok(())
    }
}

/// A row as an instance of whatever model.
pub(crate) fn select_dynamic(meta: &'static ModelMeta, condition: Cond) -> SelectStatement {
    let mut select = Sql::select();
    select
        .from(meta.table)
        .columns(meta.fields.iter().map(|field| field.name))
        .cond_where(condition)
        .order_by(meta.key_field().name, Direction::Asc);
    select
}
