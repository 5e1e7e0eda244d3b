//! Maps and sets made entry by entry: `collect` and `from` sort first, by code that would be a fifth of a small plugin.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

/// A map of these entries; of equal keys, the last.
pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

/// A set of these.
pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// A set of these names.
pub fn names(list: &[&str]) -> BTreeSet<String> {
    set(list.iter().map(|name| (*name).to_owned()))
}
