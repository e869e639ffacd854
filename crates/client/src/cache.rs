//! Results that their server lets a client keep (spec 2026-07-28, server/utilities/caching).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::message::{Answer, Request};
use crate::notification::Notification;

/// What one client keeps in all, in bytes of results.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// The longest time that a result is believed, whatever its server says.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The results that one client keeps. It is never shared with another client, because another may
/// be another caller: what is `private` and what is `public` makes no difference then.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    results: HashMap<Key, Entry>,
    bytes: usize,
    /// Counts what made results stale, so that one asked for before is not kept after.
    generation: u64,
}

type Key = (&'static str, Box<[u8]>);

#[derive(Debug)]
struct Entry {
    answer: Arc<Answer>,
    until: Instant,
    bytes: usize,
}

/// The methods whose results may be kept.
const METHODS: [&str; 6] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

fn key(request: &Request) -> Option<Key> {
    let method = METHODS.into_iter().find(|it| *it == request.method)?;
    Some((method, request.params.as_bytes().into()))
}

impl Cache {
    /// Whether results of this method may be kept at all.
    pub(crate) fn is_for(request: &Request) -> bool {
        METHODS.iter().any(|it| *it == request.method)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of this very request, while it is fresh.
    pub(crate) fn get(&self, request: &Request) -> Option<Arc<Answer>> {
        let key = key(request)?;
        let kept = self.lock();
        let entry = kept.results.get(&key)?;
        (Instant::now() < entry.until).then(|| Arc::clone(&entry.answer))
    }

    /// To be given to [`put`](Self::put), and asked for before the request is sent.
    pub(crate) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Keeps a result, if it says that it may be kept. Not for results of further rounds: what
    /// was answered in them is not in the key.
    pub(crate) fn put(&self, request: &Request, answer: &Arc<Answer>, generation: u64) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Hint {
            ttl_ms: Option<f64>,
        }
        let Some(key) = key(request) else { return };
        let Ok(Hint {
            ttl_ms: Some(ttl @ 1.0..),
        }) = answer.result().read()
        else {
            return;
        };
        let ttl = Duration::try_from_secs_f64(ttl / 1000.0).map_or(LONGEST, |it| it.min(LONGEST));
        let bytes = answer.result().get().len() + key.1.len();
        let mut kept = self.lock();
        if bytes > MOST_BYTES / 8 || kept.generation != generation {
            return;
        }
        let now = Instant::now();
        if kept.bytes + bytes > MOST_BYTES {
            kept.retain(|_, entry| now < entry.until);
        }
        if kept.bytes + bytes > MOST_BYTES {
            kept.retain(|_, _| false);
        }
        let entry = Entry {
            answer: Arc::clone(answer),
            until: now + ttl,
            bytes,
        };
        kept.bytes += bytes;
        if let Some(old) = kept.results.insert(key, entry) {
            kept.bytes -= old.bytes;
        }
    }

    /// Forgets what a notification says is no longer so.
    pub(crate) fn heed(&self, notification: &Notification) {
        let stale: &[&str] = match notification {
            Notification::ToolsChanged => &["tools/list"],
            Notification::PromptsChanged => &["prompts/list"],
            Notification::ResourcesChanged => &["resources/list", "resources/templates/list"],
            // The URI may be that of a part of what was read.
            Notification::ResourceUpdated { .. } => &["resources/read"],
            Notification::Reconnected | Notification::Missed(_) => &METHODS,
            _ => return,
        };
        let mut kept = self.lock();
        kept.generation += 1;
        kept.retain(|(method, _), _| !stale.contains(method));
    }

    /// Forgets the pages of a list.
    pub(crate) fn forget(&self, method: &str) {
        let mut kept = self.lock();
        kept.generation += 1;
        kept.retain(|(kept, _), _| *kept != method);
    }
}

impl Kept {
    fn retain(&mut self, keep: impl Fn(&Key, &Entry) -> bool) {
        let bytes = &mut self.bytes;
        self.results.retain(|key, entry| {
            let keep = keep(key, entry);
            if !keep {
                *bytes -= entry.bytes;
            }
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::scan;

    fn answer(result: &str) -> Arc<Answer> {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let (_, parts) = scan(&text).expect("a message");
        Arc::new(Answer::of(text, &parts).expect("a result"))
    }

    fn list(cursor: &str) -> Request {
        Request::new("tools/list")
            .with("cursor", cursor)
            .expect("JSON")
    }

    #[test]
    fn results_are_kept_by_method_and_parameters_for_as_long_as_they_say() {
        let cache = Cache::default();
        for (result, kept) in [
            (r#"{"tools":[],"ttlMs":60000,"cacheScope":"private"}"#, true),
            (r#"{"tools":[],"ttlMs":1e30}"#, true),
            (r#"{"tools":[],"ttlMs":0}"#, false),
            (r#"{"tools":[],"ttlMs":-5}"#, false),
            (r#"{"tools":[],"ttlMs":"60000"}"#, false),
            (r#"{"tools":[]}"#, false),
        ] {
            cache.forget("tools/list");
            cache.put(&list("a"), &answer(result), cache.generation());
            assert_eq!(cache.get(&list("a")).is_some(), kept, "{result}");
            assert!(cache.get(&list("b")).is_none());
        }
    }

    #[test]
    fn a_notification_makes_stale_also_what_is_still_on_its_way() {
        let cache = Cache::default();
        let page = answer(r#"{"tools":[],"ttlMs":60000}"#);
        cache.put(&list("a"), &page, cache.generation());
        cache.heed(&Notification::PromptsChanged);
        assert!(cache.get(&list("a")).is_some());
        let before = cache.generation();
        cache.heed(&Notification::ToolsChanged);
        assert!(cache.get(&list("a")).is_none());
        cache.put(&list("a"), &page, before);
        assert!(cache.get(&list("a")).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let cache = Cache::default();
        let large = "x".repeat(MOST_BYTES / 10);
        let page = answer(&format!(r#"{{"tools":["{large}"],"ttlMs":60000}}"#));
        for cursor in 0..100 {
            cache.put(&list(&cursor.to_string()), &page, cache.generation());
            let kept = cache.lock();
            assert!(kept.bytes <= MOST_BYTES);
            assert_eq!(
                kept.bytes,
                kept.results.values().map(|it| it.bytes).sum::<usize>()
            );
        }
    }
}
