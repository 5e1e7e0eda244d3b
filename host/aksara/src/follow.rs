//! Following foreign keys for many rows at once: by a join, or by one more query.

use std::collections::BTreeMap;

use sea_query::{Alias, Expr, ExprTrait, JoinType};

use crate::collect::KEYS_MAX;
use crate::column::{Column, Filter};
use crate::db::On;
use crate::query::Query;
use crate::signals::Operation;
use crate::{Db, Error, FieldType, Fk, Instance, Model, Operand, init};

/// What the joined model is called in a statement, also where it is the same.
const RELATED: &str = "related";

/// A field that points to a row of another model: `Fk<T>` or `Option<Fk<T>>`.
pub trait Follow: FieldType {
    /// The model that it points to.
    type Target: Model;
    /// An instance of it; an option where the field is one.
    type Related;

    /// The key that it holds.
    fn target_key(&self) -> Option<&<Self::Target as Model>::Key>;

    #[doc(hidden)]
    fn related(instance: Option<Instance<Self::Target>>) -> Option<Self::Related>;
}

impl<T: Model> Follow for Fk<T> {
    type Target = T;
    type Related = Instance<T>;

    fn target_key(&self) -> Option<&T::Key> {
        Some(self.key())
    }

    fn related(instance: Option<Instance<T>>) -> Option<Instance<T>> {
        instance
    }
}

impl<T: Model> Follow for Option<Fk<T>> {
    type Target = T;
    type Related = Option<Instance<T>>;

    fn target_key(&self) -> Option<&T::Key> {
        self.as_ref().map(Fk::key)
    }

    fn related(instance: Option<Instance<T>>) -> Option<Option<Instance<T>>> {
        Some(instance)
    }
}

impl<M: Model> Query<M> {
    /// Reads the rows, each with the row that its foreign key points to, in one statement:
    /// `posts.select_related(Post::author)`.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn select_related<F: Follow>(
        self,
        column: Column<M, F>,
    ) -> Result<Vec<(Instance<M>, F::Related)>, Error> {
        let (meta, target) = (M::meta(), F::Target::meta());
        let join = if F::NULLABLE { JoinType::LeftJoin } else { JoinType::InnerJoin };
        let key = (Alias::new(RELATED), Alias::new(target.key_field().name));
        let mut select = self.select();
        select.columns(target.fields.iter().map(|field| (Alias::new(RELATED), Alias::new(field.name))));
        select.join_as(join, target.table, RELATED, column.expr().eq(Expr::col(key)));
        let (sql, values) = self.statement(self.db(), select)?;
        let rows = self.db().fetch(On { meta, doing: "reading rows with related ones" }, sql, values).await?;
        let mut instances = Vec::with_capacity(rows.len());
        let mut others = Vec::with_capacity(rows.len());
        for mut row in rows {
            let instance = Instance::stored(M::from_row(&row)?);
            row.go_on_to(target);
            let points = column.value_of(&instance).target_key().is_some();
            let related = points.then(|| F::Target::from_row(&row).map(Instance::stored)).transpose()?;
            instances.push(instance);
            others.push(related);
        }
        init::send_all(self.db(), &mut instances).await?;
        if init::is_heard(self.db(), target) {
            let operation = Operation::new();
            for other in others.iter_mut().flatten() {
                init::send(self.db(), &operation, other).await?;
            }
        }
        let read = instances.into_iter().zip(others);
        Ok(read.filter_map(|(instance, other)| Some((instance, F::related(other)?))).collect())
    }
}

/// Reads the rows that the foreign keys of these instances point to, by key: in one more statement, whatever their
/// number (for each 1,000 keys).
///
/// # Errors
/// As [`Query::all`].
pub async fn prefetch<M: Model, F: Follow>(
    db: &Db,
    instances: &[Instance<M>],
    column: Column<M, F>,
) -> Result<BTreeMap<<F::Target as Model>::Key, Instance<F::Target>>, Error> {
    let mut keys: Vec<_> =
        instances.iter().filter_map(|instance| column.value_of(instance).target_key().cloned()).collect();
    keys.sort();
    keys.dedup();
    let mut found = BTreeMap::new();
    for keys in keys.chunks(KEYS_MAX) {
        let values: Vec<_> = keys.iter().map(FieldType::to_value).collect();
        let rows = F::Target::objects(db).filter(Filter::key_in(values)).all().await?;
        found.extend(rows.into_iter().map(|row| (row.key().clone(), row)));
    }
    Ok(found)
}

/// Reads the rows whose foreign keys point to these instances, by the key of each: in one more statement, whatever
/// their number (for each 1,000 instances).
///
/// # Errors
/// As [`Query::all`].
pub async fn prefetch_related<M: Model, F: Follow>(
    db: &Db,
    instances: &[Instance<F::Target>],
    column: Column<M, F>,
) -> Result<BTreeMap<<F::Target as Model>::Key, Vec<Instance<M>>>, Error> {
    let mut found: BTreeMap<_, Vec<Instance<M>>> =
        instances.iter().map(|instance| (instance.key().clone(), Vec::new())).collect();
    for instances in instances.chunks(KEYS_MAX) {
        let keys = instances.iter().map(|instance| Expr::val(instance.key().to_value()));
        let pointing = Filter::new(column.expr().is_in(keys));
        for row in M::objects(db).filter(pointing).all().await? {
            let key = column.value_of(&row).target_key().cloned();
            if let Some(rows) = key.and_then(|key| found.get_mut(&key)) {
                rows.push(row);
            }
        }
    }
    Ok(found)
}

impl<T: Model> Instance<T> {
    /// The rows whose foreign key points to this one: `author.related(&db, Post::author)`.
    pub fn related<M: Model, F: Follow<Target = T, Base = T::Key>>(
        &self,
        db: &Db,
        column: Column<M, F>,
    ) -> Query<M>
    where
        for<'a> &'a Instance<T>: Operand<M, T::Key>,
    {
        M::objects(db).filter(column.eq(self))
    }
}
