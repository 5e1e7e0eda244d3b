//! What a delete takes with it: the rows that depend on the deleted ones, model by model.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use sea_query::{Cond, Expr, ExprTrait};

use crate::db::On;
use crate::delete::{compare_keys, is_plain};
use crate::instance::AnyInstance;
use crate::meta::{FieldMeta, ModelMeta, OnDelete};
use crate::query::select_dynamic;
use crate::signals::Operation;
use crate::{Db, Error, Value, init};

/// At most so many keys in one statement.
pub(crate) const KEYS_MAX: usize = 1_000;

/// A foreign key that points to a model, seen from there.
#[derive(Clone, Copy)]
pub(crate) struct Relation {
    pub(crate) meta: &'static ModelMeta,
    pub(crate) field: &'static FieldMeta,
    on_delete: OnDelete,
}

/// The foreign keys that point to this model and that a delete has to mind.
pub(crate) fn relations(target: &'static ModelMeta) -> impl Iterator<Item = Relation> {
    ModelMeta::all().flat_map(move |meta| {
        meta.fields.iter().filter_map(move |field| {
            let on_delete = field.reference.filter(|_| field.points_to(target))?.on_delete;
            (on_delete != OnDelete::DoNothing).then_some(Relation { meta, field, on_delete })
        })
    })
}

/// Whether a row of this model may stand against a delete, unless it goes as well: so that it has to be known.
fn restricts(meta: &ModelMeta) -> bool {
    meta.fields
        .iter()
        .filter_map(|field| field.reference)
        .any(|reference| reference.on_delete == OnDelete::Restrict)
}

/// An instance to be deleted.
pub(crate) struct Doomed<'a> {
    instance: Whose<'a>,
    /// Whether its `pre_delete` was sent.
    pub(crate) is_told: bool,
}

/// The caller's own instance, or one that was read for its signals.
enum Whose<'a> {
    Callers(&'a mut dyn AnyInstance),
    Read(Box<dyn AnyInstance>),
}

impl<'a> Doomed<'a> {
    fn new(instance: Whose<'a>) -> Self {
        Doomed { instance, is_told: false }
    }

    pub(crate) fn get(&self) -> &dyn AnyInstance {
        match &self.instance {
            Whose::Callers(instance) => &**instance,
            Whose::Read(instance) => &**instance,
        }
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn AnyInstance {
        match &mut self.instance {
            Whose::Callers(instance) => &mut **instance,
            Whose::Read(instance) => &mut **instance,
        }
    }
}

/// A key in the order of [`compare_keys`].
pub(crate) struct Key(pub(crate) Value);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_keys(&self.0, &other.0)
    }
}

/// The instances of one model that are to be deleted.
pub(crate) struct Group<'a> {
    pub(crate) meta: &'static ModelMeta,
    pub(crate) instances: Vec<Doomed<'a>>,
}

impl<'a> Group<'a> {
    pub(crate) fn one(instance: &'a mut dyn AnyInstance) -> Self {
        Group { meta: instance.meta(), instances: vec![Doomed::new(Whose::Callers(instance))] }
    }

    pub(crate) async fn read(
        db: &Db,
        operation: &Operation,
        meta: &'static ModelMeta,
        condition: Cond,
    ) -> Result<Group<'static>, Error> {
        let (sql, values) = db.built(&select_dynamic(meta, condition));
        let rows = db.fetch(On { meta, doing: "reading rows to delete" }, sql, values).await?;
        let mut instances = Vec::with_capacity(rows.len());
        let is_heard = init::is_heard(db, meta);
        for row in &rows {
            let mut instance = (meta.instance_from_row)(row)?;
            if is_heard {
                init::send(db, operation, &mut *instance).await?;
            }
            instances.push(Doomed::new(Whose::Read(instance)));
        }
        Ok(Group { meta, instances })
    }

    pub(crate) fn keys(&self) -> Vec<Value> {
        self.instances.iter().map(|instance| instance.get().key()).collect()
    }

    fn key_set(&self) -> BTreeSet<Key> {
        self.instances.iter().map(|instance| Key(instance.get().key())).collect()
    }
}

/// Everything that one delete touches. Groups are in order of deletion: dependents before what they depend on.
pub(crate) struct Collection<'a> {
    pub(crate) groups: Vec<Group<'a>>,
    /// Foreign keys to set to null, and the keys that they hold now.
    pub(crate) set_null: Vec<(Relation, Vec<Value>)>,
    /// Rows to delete without reading them, by the keys that their foreign keys hold.
    pub(crate) unread: Vec<(Relation, Vec<Value>)>,
    /// Rows that forbid the delete unless they go as well.
    guards: Vec<(Relation, &'static ModelMeta, Vec<Value>)>,
}

impl<'a> Collection<'a> {
    pub(crate) async fn of(db: &Db, operation: &Operation, roots: Group<'a>) -> Result<Self, Error> {
        let mut collection =
            Collection { groups: Vec::new(), set_null: Vec::new(), unread: Vec::new(), guards: Vec::new() };
        collection.groups.push(roots);
        collection.collect(db, operation).await?;
        Ok(collection)
    }

    /// Finds what depends on the rows that are doomed already; returns whether any row is new among them.
    pub(crate) async fn collect(&mut self, db: &Db, operation: &Operation) -> Result<bool, Error> {
        let collection = self;
        let count = |collection: &Self| -> usize {
            collection.groups.iter().map(|group| group.instances.len()).sum()
        };
        let before = count(collection);
        collection.set_null.clear();
        collection.unread.clear();
        collection.guards.clear();
        let mut pending: Vec<_> = collection.groups.iter().map(|group| (group.meta, group.keys())).collect();
        while let Some((target, keys)) = pending.pop() {
            for relation in relations(target) {
                for keys in keys.chunks(KEYS_MAX) {
                    if let Some(found) = collection.follow((db, operation), target, relation, keys).await? {
                        pending.push(found);
                    }
                }
            }
        }
        collection.groups.retain(|group| !group.instances.is_empty());
        collection.sort();
        for group in &mut collection.groups {
            group.instances.sort_by(|a, b| compare_keys(&a.get().key(), &b.get().key()));
        }
        Ok(count(collection) > before)
    }

    /// Minds one foreign key; returns the keys of rows that it dooms and that were not doomed before.
    async fn follow(
        &mut self,
        (db, operation): (&Db, &Operation),
        target: &'static ModelMeta,
        relation: Relation,
        keys: &[Value],
    ) -> Result<Option<(&'static ModelMeta, Vec<Value>)>, Error> {
        let points = || Cond::all().add(Expr::col(relation.field.name).is_in(keys.iter().cloned()));
        match relation.on_delete {
            OnDelete::DoNothing => {}
            OnDelete::SetNull => self.set_null.push((relation, keys.to_vec())),
            OnDelete::Protect | OnDelete::Restrict => {
                let rows = Group::read(db, operation, relation.meta, points()).await?.keys();
                if !rows.is_empty() {
                    self.guards.push((relation, target, rows));
                }
            }
            OnDelete::Cascade if is_plain(db, relation.meta) && !restricts(relation.meta) => {
                self.unread.push((relation, keys.to_vec()))
            }
            OnDelete::Cascade => {
                let mut found = Group::read(db, operation, relation.meta, points()).await?;
                let group = self.group(relation.meta);
                let known = group.key_set();
                found.instances.retain(|instance| !known.contains(&Key(instance.get().key())));
                let keys = found.keys();
                group.instances.append(&mut found.instances);
                return Ok((!keys.is_empty()).then_some((relation.meta, keys)));
            }
        }
        Ok(None)
    }

    fn group(&mut self, meta: &'static ModelMeta) -> &mut Group<'a> {
        let position = self.groups.iter().position(|group| std::ptr::eq(group.meta, meta));
        let position = position.unwrap_or_else(|| {
            self.groups.push(Group { meta, instances: Vec::new() });
            self.groups.len() - 1
        });
        &mut self.groups[position]
    }

    /// Puts dependents before what they depend on; models that depend on each other stay as they were found.
    fn sort(&mut self) {
        let mut left = std::mem::take(&mut self.groups);
        while !left.is_empty() {
            let metas: Vec<_> = left.iter().map(|group| group.meta).collect();
            let is_free = |group: &Group<'_>| {
                relations(group.meta).all(|relation| {
                    std::ptr::eq(relation.meta, group.meta)
                        || !metas.iter().any(|meta| std::ptr::eq(*meta, relation.meta))
                })
            };
            let next = left.iter().position(is_free).unwrap_or(left.len() - 1);
            self.groups.push(left.remove(next));
        }
    }

    /// The foreign keys that would stand against deleting group by group, a statement at a time: those inside one model,
    /// and those from a model to another that goes before it, which only a circle of models has. They may be null, or
    /// no row of the circle could have been the first.
    pub(crate) fn knots(&self) -> Vec<(&'static FieldMeta, &Group<'a>)> {
        let mut knots = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            for (position, field) in group.meta.fields.iter().enumerate().filter(|(_, field)| field.nullable)
            {
                let Some(reference) = field.reference else { continue };
                let target = (reference.model)();
                // To MySQL, a row that points at itself stands against its own delete.
                let own = |instance: &Doomed<'_>| instance.get().value(position) == instance.get().key();
                let itself = std::ptr::eq(target, group.meta)
                    && (group.instances.len() > 1 || group.instances.iter().any(own));
                let earlier = self.groups[..index].iter().any(|earlier| std::ptr::eq(earlier.meta, target));
                if itself || earlier {
                    knots.push((field, group));
                }
            }
        }
        knots
    }

    /// # Errors
    /// [`Error::Protected`] for the first row that forbids the delete.
    pub(crate) fn check_protection(&self) -> Result<(), Error> {
        for (relation, target, rows) in &self.guards {
            let doomed = self.groups.iter().find(|group| std::ptr::eq(group.meta, relation.meta));
            let (rule, standing) = match relation.on_delete {
                OnDelete::Restrict => {
                    let doomed = doomed.map(Group::key_set).unwrap_or_default();
                    ("restrict", rows.iter().filter(|key| !doomed.contains(&Key((*key).clone()))).count())
                }
                _ => ("protect", rows.len()),
            };
            if standing > 0 {
                return Err(Error::Protected {
                    model: target.label,
                    by: relation.meta.label,
                    field: relation.field.name,
                    rule,
                    rows: standing as u64,
                });
            }
        }
        Ok(())
    }
}
