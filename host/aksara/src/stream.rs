//! Streams: the rows of a query, a batch at a time.

use futures_util::stream::{self, Stream, TryStreamExt};
use sea_query::ExprTrait;

use crate::column::{Filter, Order, qualified};
use crate::query::reading;
use crate::signals::Operation;
use crate::{Error, Instance, Model, Query, Value, init};

/// How far a stream has come.
#[derive(Default)]
struct Place {
    /// The key of the last row whose key could be read.
    after: Option<Value>,
    /// How many rows came behind it, whose keys could not.
    beyond: u64,
    /// What the events of all batches are a part of.
    operation: Operation,
}

impl<M: Model> Query<M> {
    /// Reads the rows one after the other, in ascending order of their keys and so many at a time: between two batches
    /// no connection is held, and memory holds one batch. A row that cannot be decoded is an error in its place, and the
    /// rows behind it follow.
    ///
    /// # Errors
    /// [`Error::Sliced`] at once for a query that is ordered or sliced; each item can be what [`all`](Self::all) fails
    /// with.
    pub fn stream(self, batch: u64) -> Result<impl Stream<Item = Result<Instance<M>, Error>> + Send, Error> {
        if !self.orders.is_empty() {
            return Err(Error::Sliced { operation: "stream", model: M::meta().label });
        }
        self.refuse_slice("stream")?;
        let batch = Ord::max(batch, 1);
        let batches = stream::try_unfold(Some(Place::default()), move |place| {
            let query = self.clone();
            async move {
                let Some(place) = place else { return Ok(None) };
                let (rows, next) = query.batch(place, batch).await?;
                Ok::<_, Error>((!rows.is_empty()).then_some((rows, next)))
            }
        });
        Ok(batches.map_ok(stream::iter).try_flatten())
    }

    /// Reads the rows behind this place, and says where the next batch begins, if there is one.
    async fn batch(
        self,
        place: Place,
        rows_max: u64,
    ) -> Result<(Vec<Result<Instance<M>, Error>>, Option<Place>), Error> {
        let (db, meta) = (self.db().clone(), M::meta());
        // Each batch has the filter of the first and one key, so that the last costs what the first did.
        let mut query = match place.after.clone() {
            Some(key) => self.filter(Filter::new(qualified(meta, meta.key_field()).gt(key))),
            None => self,
        };
        query = query.order_by(Order::by(meta.key_field())).limit(rows_max);
        if place.beyond > 0 {
            query = query.offset(place.beyond);
        }
        let (sql, values) = query.statement(&db, query.select())?;
        let read = db.fetch(reading::<M>(), sql, values).await?;
        let mut next = place;
        let mut rows = Vec::with_capacity(read.len());
        let is_heard = init::is_heard(&db, meta);
        for row in &read {
            match row.cursor(meta) {
                Ok(key) => (next.after, next.beyond) = (Some(key), 0),
                Err(_) => next.beyond += 1,
            }
            let mut built = M::from_row(row).map(Instance::stored);
            if let (Ok(instance), true) = (&mut built, is_heard) {
                let told = init::send(&db, &next.operation, instance).await;
                built = told.and(built);
            }
            rows.push(built);
        }
        // A batch that is not full was the last.
        let next = (read.len() as u64 == rows_max).then_some(next);
        Ok((rows, next))
    }
}
