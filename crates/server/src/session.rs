//! Sessions of the handshake revisions.
//!
//! A session is small while nobody uses it: everything that a stream, a subscription, an ask or
//! a running call needs comes to life with the first of them.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use wharf_protocol::capabilities::ClientCapabilities;
use wharf_protocol::envelope::IdBuf;
use wharf_protocol::error::ErrorObject;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::revision::Revision;

use crate::calls::Calls;
use crate::hub::Listener;
use crate::interpret::Interpretation;
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::principal::Principal;
use crate::quota::Quota;

/// 128 random bits, or fewer never.
pub(crate) fn random_id() -> u128 {
    let mut bytes = [0; 16];
    // The operating system's generator does not fail on any platform we run on; an id that can
    // be guessed would be worse than none, so a failure must not pass.
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system's random generator works");
    u128::from_be_bytes(bytes)
}

/// What a session knows of its client.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// `clientInfo`, as sent.
    pub(crate) info: Option<Box<RawValue>>,
    pub(crate) capabilities: ClientCapabilities,
    /// What stands between the server and a client with words of its own.
    pub(crate) interpretation: Option<Arc<dyn Interpretation>>,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: u128,
    pub(crate) revision: Revision,
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) client: Box<Client>,
    level: AtomicU8,
    used: AtomicBool,
    /// Seconds since the start of the server's clock.
    last_seen: AtomicU32,
    /// Until when a durable store keeps it, by the same clock; 0 if none does.
    kept_until: AtomicU32,
    ended: AtomicBool,
    live: OnceLock<Box<Live>>,
}

/// What only a session in use needs.
#[derive(Debug, Default)]
struct Live {
    calls: Calls,
    asks: Mutex<HashMap<IdBuf, oneshot::Sender<Answer>>>,
    streams: Mutex<Streams>,
    listener: OnceLock<Arc<Listener>>,
}

#[derive(Debug, Default)]
struct Streams {
    next: u64,
    open: Vec<(u64, Arc<Outbox>)>,
    /// The stream that carries notices, of those in `open`.
    notices: Option<u64>,
    /// What was said before there was a stream for it.
    unheard: VecDeque<Bytes>,
}

/// A stream that is kept now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub(crate) number: u64,
    /// The finished stream that is no longer kept for it.
    pub(crate) forgotten: Option<u64>,
}

/// What the client answered to an ask.
pub(crate) type Answer = Result<Box<RawValue>, ErrorObject>;

impl Session {
    pub(crate) fn new(
        revision: Revision,
        principal: Option<Arc<Principal>>,
        client: Client,
    ) -> Arc<Self> {
        Self::with_id(random_id(), revision, principal, client)
    }

    /// A session that was there before; `generation` is how often it came back, and keeps the
    /// numbers of its streams apart from those of before.
    pub(crate) fn restored(
        id: u128,
        revision: Revision,
        principal: Option<Arc<Principal>>,
        client: Client,
        generation: u32,
    ) -> Arc<Self> {
        let session = Self::with_id(id, revision, principal, client);
        lock(&session.live().streams).next = u64::from(generation) << 32;
        session
    }

    fn with_id(
        id: u128,
        revision: Revision,
        principal: Option<Arc<Principal>>,
        client: Client,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            revision,
            principal,
            client: Box::new(client),
            level: AtomicU8::new(LoggingLevel::Info as u8),
            used: AtomicBool::new(false),
            last_seen: AtomicU32::new(0),
            kept_until: AtomicU32::new(0),
            ended: AtomicBool::new(false),
            live: OnceLock::new(),
        })
    }

    fn live(&self) -> &Live {
        self.live.get_or_init(Box::default)
    }

    /// The id as the `Mcp-Session-Id` header carries it.
    pub(crate) fn header(&self) -> String {
        format!("{:032x}", self.id)
    }

    pub(crate) fn set_level(&self, level: LoggingLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// The least level of log messages that the client wants, as [`LoggingLevel::ALL`] counts.
    pub(crate) fn level(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }

    /// Whether a durable store has it.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept_until.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn wants(&self, level: LoggingLevel) -> bool {
        level as u8 >= self.level.load(Ordering::Relaxed)
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whether any call runs.
    pub(crate) fn is_calling(&self) -> bool {
        self.live.get().is_some_and(|live| live.calls.running() > 0)
    }

    /// The calls that run in this session.
    pub(crate) fn calls(&self) -> &Calls {
        &self.live().calls
    }

    // --- asks --------------------------------------------------------------------------------

    /// Opens an ask: an unguessable id, and the answer to wait for.
    pub(crate) fn open_ask(self: &Arc<Self>) -> OpenAsk {
        let id = IdBuf::string(&format!("{:032x}", random_id()));
        let (sender, receiver) = oneshot::channel();
        lock(&self.live().asks).insert(id.clone(), sender);
        OpenAsk {
            session: Arc::clone(self),
            id,
            receiver,
        }
    }

    /// Hands an answer to the ask of this id; `false` if there is none.
    pub(crate) fn answer(&self, id: &IdBuf, answer: Answer) -> bool {
        let waiting = self.live.get().and_then(|live| lock(&live.asks).remove(id));
        waiting.is_some_and(|sender| sender.send(answer).is_ok())
    }

    // --- streams -----------------------------------------------------------------------------

    /// Forgets all open asks: nobody can answer them any more.
    pub(crate) fn close_asks(&self) {
        if let Some(live) = self.live.get() {
            lock(&live.asks).clear();
        }
    }

    /// Keeps a resumable stream and gives it its number; `None` if there are too many.
    pub(crate) fn add_stream(&self, outbox: &Arc<Outbox>, limit: usize) -> Option<Added> {
        let mut streams = lock(&self.live().streams);
        let mut forgotten = None;
        if streams.open.len() >= limit {
            let oldest_done = streams
                .open
                .iter()
                .position(|(_, stream)| stream.is_closed())?;
            forgotten = Some(streams.open.remove(oldest_done).0);
        }
        streams.next += 1;
        let number = streams.next;
        streams.open.push((number, Arc::clone(outbox)));
        Some(Added { number, forgotten })
    }

    /// Makes a stream of before the restart the one that carries notices, unless there is one.
    pub(crate) fn adopt_notice_stream(&self, number: u64, outbox: &Arc<Outbox>) -> bool {
        let mut streams = lock(&self.live().streams);
        if streams.notices.is_some() {
            return false;
        }
        streams.notices = Some(number);
        streams.open.push((number, Arc::clone(outbox)));
        true
    }

    /// Whether the stream of this number was opened before the last restart.
    pub(crate) fn is_of_before(&self, number: u64) -> bool {
        let live = self.live.get();
        live.is_some_and(|live| lock(&live.streams).next >> 32 > number >> 32)
    }

    /// Makes a stream the one that carries notices; the one of before ends.
    pub(crate) fn set_notice_stream(&self, number: u64) {
        let mut streams = lock(&self.live().streams);
        if let Some(old) = streams.notices.replace(number)
            && let Some(place) = streams.open.iter().position(|(n, _)| *n == old)
        {
            streams.open.remove(place).1.finish(None);
        }
        let unheard = std::mem::take(&mut streams.unheard);
        if let Some((_, outbox)) = streams.open.iter().find(|(n, _)| *n == number) {
            unheard
                .into_iter()
                .for_each(|message| outbox.append(message));
        }
    }

    /// The stream that carries notices, if there is one.
    pub(crate) fn notice_stream(&self) -> Option<Arc<Outbox>> {
        let streams = lock(&self.live.get()?.streams);
        let (_, outbox) = streams
            .open
            .iter()
            .find(|(number, _)| streams.notices == Some(*number))?;
        Some(Arc::clone(outbox))
    }

    /// Says something on the stream that carries notices, or keeps it for the first one to come:
    /// not more than `most` messages, of which the oldest go first. Waits while a reader is
    /// behind; cancel safe.
    pub(crate) async fn say(&self, message: Bytes, most: usize) {
        if let Some(stream) = self.notice_stream() {
            // A stream that has just ended has lost its reader.
            let _ = stream.send(message).await;
            return;
        }
        let mut streams = lock(&self.live().streams);
        while streams.unheard.len() >= most.max(1) {
            streams.unheard.pop_front();
        }
        streams.unheard.push_back(message);
    }

    pub(crate) fn is_notice_stream(&self, number: u64) -> bool {
        self.live
            .get()
            .is_some_and(|live| lock(&live.streams).notices == Some(number))
    }

    pub(crate) fn stream(&self, number: u64) -> Option<Arc<Outbox>> {
        let streams = lock(&self.live.get()?.streams);
        streams
            .open
            .iter()
            .find(|(n, _)| *n == number)
            .map(|(_, outbox)| Arc::clone(outbox))
    }

    // --- notices -----------------------------------------------------------------------------

    /// The session's listener; made at its first use by `make`.
    pub(crate) fn listener(&self, make: impl FnOnce() -> Arc<Listener>) -> &Arc<Listener> {
        self.live().listener.get_or_init(make)
    }

    /// The listener, if there ever was need of it.
    pub(crate) fn known_listener(&self) -> Option<&Arc<Listener>> {
        self.live.get()?.listener.get()
    }

    /// Ends everything that belongs to the session.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        if let Some(interpretation) = &self.client.interpretation {
            interpretation.end();
        }
        let Some(live) = self.live.get() else { return };
        live.calls.cancel_all();
        lock(&live.asks).clear();
        for (_, outbox) in lock(&live.streams).open.drain(..) {
            outbox.finish(None);
        }
        if let Some(listener) = live.listener.get() {
            listener.end();
        }
    }

    /// Whether a call runs, or somebody reads a stream. One that was left by its reader does not
    /// count, although it can be resumed: many readers never come back.
    fn is_in_use(&self) -> bool {
        let interpretation = self.client.interpretation.as_ref();
        if interpretation.is_some_and(|interpretation| interpretation.is_busy()) {
            return true;
        }
        self.live.get().is_some_and(|live| {
            live.calls.running() > 0
                || lock(&live.streams)
                    .open
                    .iter()
                    .any(|(_, stream)| stream.is_read())
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An ask on its way. Dropping it forgets it: a late answer is then nobody's.
#[derive(Debug)]
pub(crate) struct OpenAsk {
    session: Arc<Session>,
    pub(crate) id: IdBuf,
    receiver: oneshot::Receiver<Answer>,
}

impl OpenAsk {
    /// The answer; `None` if the session ended first.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for OpenAsk {
    fn drop(&mut self) {
        if let Some(live) = self.session.live.get() {
            lock(&live.asks).remove(&self.id);
        }
    }
}

const SHARDS: usize = 64;

type Shard = HashMap<u128, Arc<Session>, BuildHasherDefault<RandomBits>>;

/// The hash of an id is a part of it: ids are random, and nobody but us chooses those that are
/// stored.
#[derive(Default)]
struct RandomBits(u64);

impl Hasher for RandomBits {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, id: u128) {
        self.0 = id as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// All sessions of a server, by id.
#[derive(Debug)]
pub(crate) struct Sessions {
    shards: Box<[RwLock<Shard>]>,
    quota: Quota,
    /// Seconds as of the last sweep: exact enough for idle times, and free to read.
    clock: AtomicU32,
    started: Instant,
    /// Whether sessions are also in a durable store: then only [`Core::sweep_sessions`] may end
    /// those whose time is over.
    ///
    /// [`Core::sweep_sessions`]: crate::core::Core::sweep_sessions
    pub(crate) durable: bool,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            quota: Quota::default(),
            clock: AtomicU32::new(0),
            started: Instant::now(),
            durable: false,
        }
    }
}

impl Sessions {
    fn shard(&self, id: u128) -> &RwLock<Shard> {
        // Other bits than those that the shard's own table uses.
        &self.shards[(id >> 64) as usize % SHARDS]
    }

    fn now(&self) -> u32 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Looks at the real clock.
    fn set_clock(&self) -> u32 {
        let now = self.started.elapsed().as_secs() as u32;
        self.clock.store(now, Ordering::Relaxed);
        now
    }

    /// Ends the sessions whose time is over, if nobody has looked for long. Who mounts the service
    /// into an application has no task of ours that sweeps, so its requests do.
    pub(crate) fn sweep_if_due(&self, limits: &Limits) {
        if !self.durable && self.is_sweep_due(limits) {
            self.sweep(limits);
        }
    }

    /// Keeps a session; `false` if there are too many.
    pub(crate) fn insert(&self, session: &Arc<Session>, limits: &Limits) -> bool {
        self.sweep_if_due(limits);
        let (in_all, each) = (limits.sessions, limits.sessions_per_principal);
        if !self.quota.take(session.principal.as_ref(), in_all, each) {
            return false;
        }
        session.last_seen.store(self.now(), Ordering::Relaxed);
        write(self.shard(session.id)).insert(session.id, Arc::clone(session));
        true
    }

    /// The session of this header value, if it is this principal's. A foreign one and an
    /// unknown one are alike.
    pub(crate) fn get(&self, header: &str, principal: Option<&Principal>) -> Option<Arc<Session>> {
        let id = parse_id(header)?;
        let session = {
            let shard = self
                .shard(id)
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            Arc::clone(shard.get(&id)?)
        };
        if session.principal.as_deref() != principal {
            return None;
        }
        session.last_seen.store(self.now(), Ordering::Relaxed);
        if !session.used.load(Ordering::Relaxed) {
            session.used.store(true, Ordering::Relaxed);
        }
        Some(session)
    }

    /// Whether there is a session of this id, whosever it is.
    pub(crate) fn contains(&self, id: u128) -> bool {
        let shard = self.shard(id).read();
        shard
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&id)
    }

    /// Whether the last sweep is so long ago that there should be another.
    pub(crate) fn is_sweep_due(&self, limits: &Limits) -> bool {
        let since = self.started.elapsed().as_secs();
        // Another thread may set the clock just now.
        let since = since.saturating_sub(u64::from(self.now()));
        let shortest = limits.session_unused.min(limits.session_idle);
        since >= shortest.as_secs().max(1)
    }

    /// Notes that a durable store keeps a session for so long from now.
    pub(crate) fn set_kept(&self, session: &Session, time: Duration) {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let until = self.now().saturating_add(seconds).max(1);
        session.kept_until.store(until, Ordering::Relaxed);
    }

    /// Ends a session; it cannot come back.
    pub(crate) fn remove(&self, session: &Session) {
        if write(self.shard(session.id)).remove(&session.id).is_some() {
            self.quota.give_back(session.principal.as_ref());
        }
        session.end();
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.quota.taken()
    }

    /// Ends the sessions whose time is over.
    pub(crate) fn sweep(&self, limits: &Limits) {
        self.set_clock();
        self.remove_all(|session| self.is_over(session, limits));
    }

    /// Whether a session's time was over at the last sweep. One that is in use begins its time
    /// anew.
    pub(crate) fn is_over(&self, session: &Session, limits: &Limits) -> bool {
        let used = session.used.load(Ordering::Relaxed);
        let allowed = if used {
            limits.session_idle
        } else {
            limits.session_unused
        };
        if session.is_in_use() {
            session.last_seen.store(self.now(), Ordering::Relaxed);
            return false;
        }
        let last_seen = session.last_seen.load(Ordering::Relaxed);
        let idle = self.now().saturating_sub(last_seen);
        Duration::from_secs(idle.into()) >= allowed
    }

    /// Looks at the clock, and gives the sessions whose time is over, and those that a durable
    /// store would keep for less than `least`.
    pub(crate) fn due(
        &self,
        limits: &Limits,
        least: Duration,
    ) -> (Vec<Arc<Session>>, Vec<Arc<Session>>) {
        let now = self.set_clock();
        let least = u32::try_from(least.as_secs()).unwrap_or(u32::MAX);
        let fades = |session: &Session| {
            let until = session.kept_until.load(Ordering::Relaxed);
            until > 0 && until.saturating_sub(now) < least
        };
        let over = self.all(|session| self.is_over(session, limits));
        let fading = self.all(|session| fades(session) && !self.is_over(session, limits));
        (over, fading)
    }

    /// Ends every session.
    pub(crate) fn clear(&self) {
        self.remove_all(|_| true);
    }

    fn remove_all(&self, which: impl Fn(&Session) -> bool) {
        for session in self.all(which) {
            self.remove(&session);
        }
    }

    fn all(&self, which: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.values().filter(|session| which(session)).cloned());
        }
        all
    }
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Reads an id exactly as [`Session::header`] writes it.
pub(crate) fn parse_id(text: &str) -> Option<u128> {
    let canonical = text.len() == 32
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    canonical.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(principal: Option<&Arc<Principal>>) -> Arc<Session> {
        Session::new(Revision::V2025_11_25, principal.cloned(), Client::default())
    }

    fn principal(subject: &str) -> Arc<Principal> {
        Arc::new(Principal {
            issuer: "i".into(),
            subject: subject.into(),
            client: None,
        })
    }

    #[test]
    fn a_session_is_its_principals_only() {
        let sessions = Sessions::default();
        let (ada, eve) = (principal("ada"), principal("eve"));
        let session = session(Some(&ada));
        assert!(sessions.insert(&session, &Limits::default()));
        assert!(sessions.get(&session.header(), Some(&ada)).is_some());
        assert!(sessions.get(&session.header(), Some(&eve)).is_none());
        assert!(sessions.get(&session.header(), None).is_none());
        assert!(
            sessions
                .get(&session.header().to_uppercase(), Some(&ada))
                .is_none()
        );
    }

    #[test]
    fn a_removed_session_does_not_come_back() {
        let sessions = Sessions::default();
        let session = session(None);
        assert!(sessions.insert(&session, &Limits::default()));
        sessions.remove(&session);
        sessions.remove(&session);
        assert_eq!(sessions.len(), 0);
        assert!(sessions.get(&session.header(), None).is_none() && session.is_ended());
    }

    #[test]
    fn sessions_are_bounded_in_all_and_per_principal() {
        let limits = Limits {
            sessions: 3,
            sessions_per_principal: 1,
            ..Limits::default()
        };
        let sessions = Sessions::default();
        let ada = principal("ada");
        let first = session(Some(&ada));
        assert!(sessions.insert(&first, &limits));
        assert!(!sessions.insert(&session(Some(&ada)), &limits));
        assert!(sessions.insert(&session(None), &limits));
        assert!(sessions.insert(&session(None), &limits));
        assert!(!sessions.insert(&session(None), &limits));
        sessions.remove(&first);
        assert!(sessions.insert(&session(Some(&ada)), &limits));
    }

    #[test]
    fn unused_sessions_end_first() {
        let limits = Limits {
            session_unused: Duration::ZERO,
            ..Limits::default()
        };
        let sessions = Sessions::default();
        let (unused, used) = (session(None), session(None));
        assert!(sessions.insert(&unused, &limits) && sessions.insert(&used, &limits));
        sessions.get(&used.header(), None);
        sessions.sweep(&limits);
        assert!(unused.is_ended() && !used.is_ended());
    }

    #[test]
    fn a_session_lives_for_as_long_as_somebody_reads_its_stream() {
        let limits = Limits {
            session_idle: Duration::ZERO,
            ..Limits::default()
        };
        let sessions = Sessions::default();
        let session = session(None);
        assert!(sessions.insert(&session, &limits));
        sessions.get(&session.header(), None);
        let outbox = Outbox::new(crate::outbox::Bounds {
            unread: 1,
            unread_bytes: 1,
            kept: 1,
            kept_bytes: 1,
        });
        session.add_stream(&outbox, 1);
        let reader = outbox.attach(None).unwrap();
        sessions.sweep(&limits);
        assert!(!session.is_ended());
        // It could be resumed, but nobody says that it will be.
        drop(reader);
        assert!(!outbox.is_closed());
        sessions.sweep(&limits);
        assert!(session.is_ended());
    }

    #[test]
    fn the_time_of_a_session_begins_when_it_is_left() {
        let sessions = Sessions::default();
        let session = session(None);
        assert!(sessions.insert(&session, &Limits::default()));
        let outbox = Outbox::new(crate::outbox::Bounds {
            unread: 1,
            unread_bytes: 1,
            kept: 1,
            kept_bytes: 1,
        });
        session.add_stream(&outbox, 1);
        let reader = outbox.attach(None).unwrap();
        // Two hours with no request.
        sessions.clock.store(7200, Ordering::Relaxed);
        assert!(!sessions.is_over(&session, &Limits::default()));
        drop(reader);
        assert!(!sessions.is_over(&session, &Limits::default()));
        sessions.clock.store(7200 + 3600, Ordering::Relaxed);
        assert!(sessions.is_over(&session, &Limits::default()));
    }

    #[test]
    fn an_idle_session_is_small() {
        // What the map's entry and the allocator add stays well below a kilobyte with it.
        assert!(size_of::<Session>() <= 160, "{}", size_of::<Session>());
        assert!(size_of::<Client>() <= 400, "{}", size_of::<Client>());
    }

    #[tokio::test]
    async fn an_answer_reaches_its_ask_once() {
        let session = session(None);
        let mut ask = session.open_ask();
        let id = ask.id.clone();
        let null = || RawValue::from_string("null".into()).unwrap();
        assert!(!session.answer(&IdBuf::number(1), Ok(null())));
        assert!(session.answer(&id, Ok(null())));
        assert!(!session.answer(&id, Ok(null())));
        assert!(matches!(ask.answer().await, Some(Ok(_))));
    }
}
