//! Muting: no signals of certain models inside a scope, and only there.

use std::sync::Arc;

use crate::Model;

tokio::task_local! {
    /// What is silent in this code.
    static MUTED: Arc<Muted>;
}

/// A scope that silences models, and the one around it.
pub(super) struct Muted {
    context: SignalContext,
    around: Option<Arc<Muted>>,
}

/// Silences the signals of models inside a scope. Other tasks and other models are untouched, scopes nest, and leaving
/// one by an error or by cancellation ends it. The SQL still runs, and what is silenced is not delivered later.
///
/// ```
/// # use aksara::prelude::*;
/// # use aksara::signals::SignalContext;
/// # #[derive(Model, Clone)] struct Post { #[field(primary_key)] id: i64 }
/// # async fn example(db: &Db, mut post: Instance<Post>) -> Result<(), aksara::Error> {
/// SignalContext::disable_for::<Post>().scope(async { post.save(db).await }).await
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalContext {
    /// Labels of the silent models; `None` for every sender.
    labels: Option<Vec<&'static str>>,
}

impl SignalContext {
    /// Silences this model.
    pub fn disable_for<M: Model>() -> Self {
        SignalContext { labels: Some(vec![M::meta().label]) }
    }

    /// Silences every model, and custom signals.
    pub fn disable_all() -> Self {
        SignalContext { labels: None }
    }

    /// Silences this model as well.
    pub fn and<M: Model>(mut self) -> Self {
        if let Some(labels) = &mut self.labels {
            labels.push(M::meta().label);
        }
        self
    }

    /// Runs what is to be silent.
    pub async fn scope<F: Future>(self, silent: F) -> F::Output {
        let around = muted();
        MUTED.scope(Arc::new(Muted { context: self, around }), silent).await
    }

    fn silences(&self, label: Option<&str>) -> bool {
        match (&self.labels, label) {
            (None, _) => true,
            (Some(labels), Some(label)) => labels.contains(&label),
            (Some(_), None) => false,
        }
    }
}

/// What is silent here; `None` when nothing is.
pub(super) fn muted() -> Option<Arc<Muted>> {
    MUTED.try_with(Arc::clone).ok()
}

/// Runs what is to be silent as it was there.
pub(super) async fn as_muted<F: Future>(muted: Option<Arc<Muted>>, run: F) -> F::Output {
    match muted {
        Some(muted) => MUTED.scope(muted, run).await,
        None => run.await,
    }
}

/// Whether the signals of the model with this label are silent here; `None` for a custom signal without a model.
pub(super) fn is_muted(label: Option<&str>) -> bool {
    let muted = MUTED.try_with(|muted| {
        let mut scopes = std::iter::successors(Some(&**muted), |muted| muted.around.as_deref());
        scopes.any(|muted| muted.context.silences(label))
    });
    muted.unwrap_or(false)
}
