//! The records of a store in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use crate::{Entry, Record, Scope, Table};

/// What a record takes beside its key, owner and value: its places in the maps below, with what
/// maps keep free.
const OVERHEAD: usize = 400;

/// What a record counts as.
pub(super) fn cost(key: &str, owner: &str, value: &[u8]) -> usize {
    OVERHEAD + key.len() + owner.len() + value.len()
}

#[derive(Debug, Default)]
pub(super) struct Rows {
    tables: HashMap<Table, Rack>,
    expiries: BTreeSet<(SystemTime, Table, u64)>,
    len: usize,
    bytes: usize,
}

/// One table.
#[derive(Debug, Default)]
struct Rack {
    /// From the key to its place.
    places: HashMap<Arc<str>, u64>,
    /// By place.
    rows: BTreeMap<u64, Row>,
    /// The places of each owner's, so that what others have costs nobody time.
    owners: HashMap<Arc<str>, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Row {
    key: Arc<str>,
    record: Record,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, table: Table, key: &str) -> Option<&Record> {
        let rack = self.tables.get(&table)?;
        let place = rack.places.get(key)?;
        rack.rows.get(place).map(|row| &row.record)
    }

    /// Writes what may be written. A new record's place is its first version.
    pub(super) fn put(&mut self, table: Table, key: &str, version: u64, entry: &Entry<'_>) {
        let rack = self.tables.entry(table).or_default();
        let old = rack
            .places
            .get(key)
            .and_then(|place| rack.rows.get_mut(place));
        let seq = if let Some(row) = old {
            let record = &mut row.record;
            self.bytes -= record.value.len();
            self.bytes += entry.value.len();
            if let Some(at) = record.expires {
                self.expiries.remove(&(at, table, record.seq));
            }
            record.value = entry.value.clone();
            record.version = version;
            record.expires = entry.expires;
            record.seq
        } else {
            self.bytes += cost(key, entry.owner, &entry.value);
            self.len += 1;
            rack.add(key, version, entry);
            version
        };
        if let Some(at) = entry.expires {
            self.expiries.insert((at, table, seq));
        }
    }

    pub(super) fn delete(&mut self, table: Table, scope: Scope<'_>, key: &str) -> bool {
        let Some(record) = self.get(table, key) else {
            return false;
        };
        let seq = record.seq;
        scope.covers(&record.owner) && self.remove(table, seq)
    }

    fn remove(&mut self, table: Table, seq: u64) -> bool {
        let Some(rack) = self.tables.get_mut(&table) else {
            return false;
        };
        let Some(Row { key, record }) = rack.rows.remove(&seq) else {
            return false;
        };
        rack.places.remove(&key);
        if let Some(places) = rack.owners.get_mut(&record.owner) {
            places.remove(&seq);
            if places.is_empty() {
                rack.owners.remove(&record.owner);
            }
        }
        if let Some(at) = record.expires {
            self.expiries.remove(&(at, table, seq));
        }
        self.len -= 1;
        self.bytes -= cost(&key, &record.owner, &record.value);
        true
    }

    pub(super) fn list(
        &self,
        table: Table,
        scope: Scope<'_>,
        after: u64,
        limit: usize,
    ) -> Vec<(String, Record)> {
        let Some(rack) = self.tables.get(&table) else {
            return Vec::new();
        };
        let Some(first) = after.checked_add(1) else {
            return Vec::new();
        };
        let copy = |row: &Row| (row.key.to_string(), row.record.clone());
        match scope {
            Scope::All => rack
                .rows
                .range(first..)
                .take(limit)
                .map(|(_, row)| copy(row))
                .collect(),
            Scope::Of(owner) => {
                let places = rack.owners.get(owner).into_iter();
                let places = places.flat_map(|places| places.range(first..)).take(limit);
                let rows = places.filter_map(|place| rack.rows.get(place));
                rows.map(copy).collect()
            }
        }
    }

    pub(super) fn count(&self, table: Table, scope: Scope<'_>) -> usize {
        let Some(rack) = self.tables.get(&table) else {
            return 0;
        };
        match scope {
            Scope::All => rack.rows.len(),
            Scope::Of(owner) => rack.owners.get(owner).map_or(0, BTreeSet::len),
        }
    }

    /// Removes what has expired, and says how many that were.
    pub(super) fn expire(&mut self, now: SystemTime) -> usize {
        let mut expired = 0;
        while let Some(&(at, table, seq)) = self.expiries.first() {
            if at > now {
                break;
            }
            self.expiries.pop_first();
            expired += usize::from(self.remove(table, seq));
        }
        expired
    }
}

impl Rack {
    fn add(&mut self, key: &str, seq: u64, entry: &Entry<'_>) {
        let owner = match self.owners.get_key_value(entry.owner) {
            Some((owner, _)) => Arc::clone(owner),
            None => Arc::from(entry.owner),
        };
        let key: Arc<str> = Arc::from(key);
        self.owners
            .entry(Arc::clone(&owner))
            .or_default()
            .insert(seq);
        self.places.insert(Arc::clone(&key), seq);
        let record = Record {
            value: entry.value.clone(),
            version: seq,
            seq,
            owner,
            expires: entry.expires,
        };
        self.rows.insert(seq, Row { key, record });
    }
}
