//! `get_or_create` and `update_or_create`: a row is read, or inserted, also while others insert and change it.

use crate::lock::Lock;
use crate::transaction::{Scope, backoff};
use crate::{Backend, Db, Error, Instance, Model, Query};

/// How often a row is read again that could not be locked for what another transaction did.
const RETRIES_MAX: u32 = 5;

impl<M: Model> Query<M> {
    /// Reads the only row there is, or inserts one; whether it was inserted. Sends what the save does that it ends up
    /// doing. Where another transaction inserts the row meanwhile, and a unique constraint says so, that one is read.
    ///
    /// # Errors
    /// [`Error::MultipleFound`], and as [`save`](Instance::save).
    pub async fn get_or_create(self, make: impl FnOnce() -> M) -> Result<(Instance<M>, bool), Error> {
        self.or_create(None::<fn(&mut M)>, make).await
    }

    /// Changes and saves the only row there is, or inserts one; whether it was inserted. Sends what the save does that
    /// it ends up doing. The row is locked before `change` sees it, so that no change of another is lost.
    ///
    /// ```no_run
    /// # use aksara::prelude::*;
    /// # #[derive(Model, Clone)]
    /// # struct Tag { #[field(primary_key)] id: i64, #[field(unique, max_length = 50)] name: String, uses: i64 }
    /// # async fn example(db: Db) -> Result<(), aksara::Error> {
    /// let rust = || Tag { name: "rust".into(), uses: 1, ..Default::default() };
    /// let (tag, created) =
    ///     Tag::objects(&db).filter(Tag::name.eq("rust")).update_or_create(|tag| tag.uses += 1, rust).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::MultipleFound`], and as [`save`](Instance::save).
    pub async fn update_or_create(
        self,
        change: impl FnOnce(&mut M),
        make: impl FnOnce() -> M,
    ) -> Result<(Instance<M>, bool), Error> {
        self.or_create(Some(change), make).await
    }

    async fn or_create<C: FnOnce(&mut M)>(
        self,
        change: Option<C>,
        make: impl FnOnce() -> M,
    ) -> Result<(Instance<M>, bool), Error> {
        // On SQLite a transaction is alone in writing. A caller's transaction goes on in any case.
        if self.db().in_transaction() || self.db().backend() == Backend::Sqlite {
            let scope = Scope::enter(self.db()).await?;
            let found = self.clone().on(scope.db()).within(change, make).await;
            let (found, after) = scope.finish(found).await?;
            after.run().await;
            return Ok(found);
        }
        // A row that is not there is not looked for with a lock: the locks of several who do so stand against the insert
        // of each. Nor is anything of a failed insert kept: its lock would stand against reading the row with one.
        let missing = match self.clone().exists().await? {
            true => self.clone().changed(change).await?,
            false => Err(change),
        };
        let change = match missing {
            Ok(found) => return Ok((found, false)),
            Err(change) => change,
        };
        match M::objects(self.db()).create(make()).await {
            Err(error) if error.is_unique_violation() => match self.changed(change).await? {
                Ok(found) => Ok((found, false)),
                Err(_) => Err(error),
            },
            created => created.map(|created| (created, true)),
        }
    }

    /// Reads the row, changes it and saves it, in a transaction of its own; gives `change` back where there is no row.
    async fn changed<C: FnOnce(&mut M)>(
        self,
        change: Option<C>,
    ) -> Result<Result<Instance<M>, Option<C>>, Error> {
        let mut retries = 0;
        loop {
            let scope = Scope::enter(self.db()).await?;
            let query = self.clone().on(scope.db());
            let query = if change.is_some() { query.locked(Lock::Update) } else { query };
            let error = match query.one().await {
                Ok(instance) => {
                    let saved = save_changed(instance, change, scope.db()).await;
                    let (instance, after) = scope.finish(saved).await?;
                    after.run().await;
                    return Ok(Ok(instance));
                }
                Err(error) => error,
            };
            scope.undo().await?;
            match error {
                error if error.is_not_found() => return Ok(Err(change)),
                error if error.is_conflict() && retries < RETRIES_MAX => {
                    retries += 1;
                    tokio::time::sleep(backoff(retries)).await;
                }
                error => return Err(error),
            }
        }
    }

    /// The same in the transaction of the query.
    async fn within<C: FnOnce(&mut M)>(
        self,
        change: Option<C>,
        make: impl FnOnce() -> M,
    ) -> Result<(Instance<M>, bool), Error> {
        let db = self.db().clone();
        // The first look may be at rows as they were when the transaction began; one with a lock is at those of now.
        let lock = if change.is_some() { Lock::Update } else { Lock::Share };
        let found = match change.is_some() {
            // What is found without a lock may be changed by others before it is changed here.
            true if self.clone().exists().await? => Some(self.clone().locked(lock).one().await),
            true => None,
            false => Some(self.clone().one().await),
        };
        match found {
            Some(Ok(instance)) => {
                return save_changed(instance, change, &db).await.map(|instance| (instance, false));
            }
            Some(Err(error)) if !error.is_not_found() => return Err(error),
            Some(Err(_)) | None => {}
        }
        let error = match M::objects(&db).create(make()).await {
            Err(error) if error.is_unique_violation() => error,
            created => return created.map(|created| (created, true)),
        };
        match self.locked(lock).one().await {
            Ok(instance) => save_changed(instance, change, &db).await.map(|instance| (instance, false)),
            Err(missing) if missing.is_not_found() => Err(error),
            Err(failed) => Err(failed),
        }
    }
}

async fn save_changed<M: Model>(
    mut instance: Instance<M>,
    change: Option<impl FnOnce(&mut M)>,
    db: &Db,
) -> Result<Instance<M>, Error> {
    if let Some(change) = change {
        change(&mut instance);
        instance.save(db).await?;
    }
    Ok(instance)
}
