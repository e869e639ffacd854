//! How a server is run: its certificate, who may call it how often, and what is written down about
//! that.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wharf::http::{HttpOptions, MetricsOptions, MetricsServer, Tls, Tokens};
use wharf::{AuditLog, CatalogHandle, Metrics, Server};
use wharf_ready::Surroundings;
use wharf_ready::config::{Settings, form};

use crate::failure::Failure;

/// The longest file of tokens that is read, in bytes.
const MAX_TOKENS: u64 = 1024 * 1024;

/// What the arguments say about it; each wins over the file.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Operation")]
#[group(id = "operation")]
pub(crate) struct Args {
    /// Speak HTTPS with this certificate chain (PEM); read again when it changes
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "stdio"
    )]
    tls_cert: Option<PathBuf>,

    /// The private key of the certificate (PEM)
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        conflicts_with = "stdio"
    )]
    tls_key: Option<PathBuf>,

    /// Only callers with a token from this file may call: a name and a token a line
    #[arg(long, value_name = "FILE", conflicts_with = "stdio")]
    auth_token_file: Option<PathBuf>,

    /// Append a line of JSON for each request: who did what, and what came of it
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,

    /// Show numbers for Prometheus at /metrics of this address
    #[arg(long, value_name = "HOST:PORT", value_parser = form::address)]
    metrics_addr: Option<String>,
}

/// What runs beside a server.
#[derive(Debug)]
pub(crate) struct Operation {
    base: PathBuf,
    /// Files of the arguments, which a new configuration does not change.
    token_file: Option<PathBuf>,
    tls: Option<Tls>,
    tokens: Option<Tokens>,
    audit: Vec<AuditLog>,
    metrics: Option<Metrics>,
    metrics_server: Mutex<Option<MetricsServer>>,
    /// Those of now.
    settings: Mutex<Settings>,
}

impl Operation {
    /// Opens everything that the arguments and the file ask for. `base` is where the relative paths
    /// of the file begin; those of the arguments begin at the working directory.
    pub(crate) async fn open(
        args: &Args,
        settings: &Settings,
        base: &Path,
    ) -> Result<Self, Failure> {
        let mut this = Self {
            base: base.to_owned(),
            token_file: args.auth_token_file.clone(),
            tls: None,
            tokens: None,
            audit: Vec::new(),
            metrics: None,
            metrics_server: Mutex::default(),
            settings: Mutex::new(settings.clone()),
        };
        let from_file = settings.tls.as_ref();
        let from_file = from_file.map(|tls| (this.path(&tls.cert), this.path(&tls.key)));
        let given = args.tls_cert.clone().zip(args.tls_key.clone());
        if let Some((cert, key)) = given.or(from_file) {
            this.tls = Some(Tls::from_files(cert, key).map_err(|error| failed("TLS", &error))?);
        }
        if this.wants_tokens(settings) {
            let tokens = Tokens::new();
            this.set_tokens(&tokens, settings)?;
            this.tokens = Some(tokens);
        }
        let path = settings.audit.path.as_deref().map(|path| this.path(path));
        if let Some(path) = args.audit_log.clone().or(path) {
            let log = AuditLog::to_file(path);
            this.audit
                .push(log.map_err(|error| failed("the audit log", &error))?);
        }
        if settings.audit.log {
            let log = AuditLog::to_tracing();
            this.audit
                .push(log.map_err(|error| failed("the audit log", &error))?);
        }
        let address = args.metrics_addr.clone();
        if let Some(address) = address.or_else(|| settings.metrics.addr.clone()) {
            this.open_metrics(address, settings).await?;
        }
        Ok(this)
    }

    async fn open_metrics(&mut self, address: String, settings: &Settings) -> Result<(), Failure> {
        let metrics = Metrics::new();
        if let Some(log) = self.audit.first() {
            metrics.watch_audit(log);
        }
        let defaults = MetricsOptions::default();
        let options = MetricsOptions {
            address,
            path: settings.metrics.path.clone().unwrap_or(defaults.path),
            allowed_hosts: settings.metrics.allow_host.clone(),
            allow_public: settings.metrics.allow_public,
        };
        let server = MetricsServer::bind(&metrics, options).await;
        let server = server.map_err(|error| match error.source() {
            Some(_) => Failure::unreachable(error.to_string()),
            None => failed("metrics", &error),
        })?;
        self.metrics = Some(metrics);
        self.metrics_server = Mutex::new(Some(server));
        Ok(())
    }

    fn path(&self, path: &Path) -> PathBuf {
        let at = Surroundings {
            catalog: CatalogHandle::default(),
            base: self.base.clone(),
        };
        at.path(path)
    }

    fn wants_tokens(&self, settings: &Settings) -> bool {
        let auth = &settings.auth;
        self.token_file.is_some() || auth.token_file.is_some() || !auth.tokens.is_empty()
    }

    /// Whether callers must say who they are.
    pub(crate) fn knows_callers(&self) -> bool {
        self.tokens.is_some()
    }

    fn set_tokens(&self, tokens: &Tokens, settings: &Settings) -> Result<(), Failure> {
        let auth = &settings.auth;
        let of_settings = auth.token_file.as_deref().map(|path| self.path(path));
        let mut files = Vec::new();
        for path in self.token_file.iter().chain(&of_settings) {
            files.push((path, read(path)?));
        }
        let mut known: Vec<(&str, &str)> = Vec::new();
        known.extend(
            auth.tokens
                .iter()
                .map(|token| (token.name.as_str(), token.token.expose())),
        );
        for (path, text) in &files {
            for (number, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let mut words = line.split_whitespace();
                match (words.next(), words.next(), words.next()) {
                    (Some(name), Some(token), None) => known.push((name, token)),
                    // The line is not shown: there is a token in it.
                    _ => {
                        let (path, number) = (path.display(), number + 1);
                        let why = format!("{path}, line {number}: a name and a token are expected");
                        return Err(Failure::new(why));
                    }
                }
            }
        }
        tokens.set(known).map_err(|error| failed("auth", &error))
    }

    /// The options of HTTP with this in them. `is_public`: others can reach the address.
    pub(crate) fn http(
        &self,
        settings: &Settings,
        is_public: bool,
        http: HttpOptions,
    ) -> HttpOptions {
        HttpOptions {
            authenticate: self.tokens.as_ref().map(Tokens::authenticate),
            tls: self.tls.clone(),
            rate: settings.limits.rate(is_public || self.knows_callers()),
            ..http
        }
    }

    /// Has a server watched.
    pub(crate) fn watch(&self, server: Server) -> Server {
        let server = match &self.metrics {
            Some(metrics) => server.observe(metrics.clone()),
            None => server,
        };
        let observe = |server: Server, log: &AuditLog| server.observe(log.clone());
        self.audit.iter().fold(server, observe)
    }

    /// Where the numbers are shown.
    pub(crate) fn metrics_url(&self) -> Option<String> {
        lock(&self.metrics_server).as_ref()?.url().ok()
    }

    /// Shows the numbers, and reads everything again on SIGHUP, for as long as the process runs.
    pub(crate) fn start(self: &Arc<Self>) {
        if let Some(server) = lock(&self.metrics_server).take() {
            tokio::spawn(server.serve_until(std::future::pending()));
        }
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let this = Arc::clone(self);
            match signal(SignalKind::hangup()) {
                Ok(mut hangup) => drop(tokio::spawn(async move {
                    while hangup.recv().await.is_some() {
                        let this = Arc::clone(&this);
                        let read = tokio::task::spawn_blocking(move || this.reload(None)).await;
                        if let Ok(Err(error)) = read {
                            tracing::error!(%error, "this stays as it was");
                        }
                    }
                })),
                Err(error) => tracing::error!(%error, "cannot wait for SIGHUP"),
            }
        }
    }

    /// Reads again what a signal or a changed configuration may mean: the certificate, tokens; and
    /// opens the audit log again. What cannot be read stays as it was. Blocks: it reads files.
    pub(crate) fn reload(&self, settings: Option<&Settings>) -> Result<(), Failure> {
        let mut current = lock(&self.settings);
        if let Some(settings) = settings {
            *current = settings.clone();
        }
        self.audit.iter().for_each(AuditLog::reopen);
        let tls = self.tls.as_ref().map_or(Ok(()), Tls::reload);
        match &self.tokens {
            Some(tokens) => self.set_tokens(tokens, &current)?,
            None if self.wants_tokens(&current) => {
                let why = "auth: the first tokens need a new start of the server";
                return Err(Failure::new(why));
            }
            None => {}
        }
        tls.map_err(|error| failed("TLS", &error))
    }

    /// Counts a reload of the configuration.
    pub(crate) fn reloaded(&self, ok: bool) {
        if let Some(metrics) = &self.metrics {
            metrics.reloaded(ok);
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(what: &str, error: &wharf::Error) -> Failure {
    Failure::new(format!("{what}: {error}"))
}

fn read(path: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let shown = path.display();
    let failed =
        |error: std::io::Error| Failure::new(format!("cannot read the tokens in {shown}: {error}"));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    let length = file
        .take(MAX_TOKENS + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if length as u64 > MAX_TOKENS {
        return Err(Failure::new(format!("{shown} is larger than 1 MiB")));
    }
    Ok(text)
}
