//! An MCP server and its authorization server, who do as a test says.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wharf_auth::{
    Answer, Authorize, Error, MAX_ATTEMPTS, Next, OAuth, Outgoing, Refusal, Unattended,
};

/// A request that one of the servers got.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    /// Its query, or its form.
    pub(crate) params: HashMap<String, String>,
    pub(crate) body: String,
    pub(crate) headers: HeaderMap,
}

/// What the servers do.
pub(crate) struct Script {
    /// Members in place of the MCP server's own metadata; `null` removes one.
    pub(crate) resource: Value,
    /// Members in place of the authorization server's.
    pub(crate) metadata: Value,
    /// Parameters of the answer of a sign-in, in place of `code`, `state` and `iss`.
    pub(crate) answer: Vec<(&'static str, Option<String>)>,
    /// The next answers of the token endpoint: status, body, delay.
    pub(crate) tokens: VecDeque<(u16, Value, Duration)>,
    /// Paths that are not there.
    pub(crate) missing: Vec<&'static str>,
    /// The MCP server refuses all tokens.
    pub(crate) refuses: bool,
    pub(crate) revocation_status: u16,
    pub(crate) token_lifetime: Value,
    issued: u32,
    seen: Vec<Seen>,
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) issuer: String,
    pub(crate) server: String,
    script: Arc<Mutex<Script>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let script = Script {
            resource: json!({}),
            metadata: json!({}),
            answer: Vec::new(),
            tokens: VecDeque::new(),
            missing: Vec::new(),
            refuses: false,
            revocation_status: 200,
            token_lifetime: json!(3600),
            issued: 0,
            seen: Vec::new(),
        };
        let issuers = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let servers = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Self {
            issuer: format!("http://{}", issuers.local_addr().unwrap()),
            server: format!("http://{}/mcp", servers.local_addr().unwrap()),
            script: Arc::new(Mutex::new(script)),
        };
        for listener in [issuers, servers] {
            let world = world.clone();
            tokio::spawn(async move { world.serve(listener).await });
        }
        world
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// What was asked at a path.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        let script = self.script.lock().unwrap();
        script
            .seen
            .iter()
            .filter(|s| s.path == path)
            .cloned()
            .collect()
    }

    pub(crate) fn oauth(&self) -> OAuth {
        OAuth::new(&self.server)
            .unwrap()
            .interaction(Unattended)
            .patience(Duration::from_secs(20))
    }

    /// Sends requests as a client does, until one is accepted.
    pub(crate) async fn call(&self, oauth: &OAuth) -> Result<HeaderMap, Error> {
        let url: Uri = self.server.parse().unwrap();
        let request = Outgoing {
            method: &Method::POST,
            url: &url,
        };
        for _ in 0..MAX_ATTEMPTS {
            let sent = oauth.headers(request).await?;
            let (status, headers) = self.accepts(&sent);
            let headers = &headers;
            oauth.observed(Answer {
                request,
                sent: &sent,
                status,
                headers,
            });
            if status == StatusCode::OK {
                return Ok(sent);
            }
            let refusal = Refusal {
                request,
                sent: &sent,
                status,
                headers,
            };
            assert_eq!(oauth.refused(refusal).await?, Next::Again);
        }
        panic!("refused for ever");
    }

    /// What the MCP server says to headers.
    fn accepts(&self, sent: &HeaderMap) -> (StatusCode, HeaderMap) {
        let mut headers = HeaderMap::new();
        if sent.contains_key("authorization") && !self.script.lock().unwrap().refuses {
            return (StatusCode::OK, headers);
        }
        headers.insert("www-authenticate", "Bearer".parse().unwrap());
        (StatusCode::UNAUTHORIZED, headers)
    }

    async fn serve(&self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let world = self.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let world = world.clone();
                    async move { Ok::<_, Infallible>(world.answer(request).await) }
                });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let text = if body.is_empty() {
            head.uri.query().unwrap_or_default()
        } else {
            &body
        };
        let params = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        let seen = Seen {
            path: head.uri.path().to_owned(),
            params,
            body,
            headers: head.headers,
        };
        let (answer, delay) = {
            let mut script = self.script.lock().unwrap();
            script.seen.push(seen.clone());
            self.decide(&mut script, &seen)
        };
        tokio::time::sleep(delay).await;
        answer
    }

    fn decide(&self, script: &mut Script, seen: &Seen) -> (Response<Full<Bytes>>, Duration) {
        let now = Duration::ZERO;
        match seen.path.as_str() {
            path if script.missing.contains(&path) => (reply(404, &json!({})), now),
            "/.well-known/oauth-protected-resource/mcp" => {
                let own = json!({"resource": self.server, "authorization_servers": [self.issuer], "scopes_supported": ["read"]});
                (reply(200, &merged(own, &script.resource)), now)
            }
            "/.well-known/oauth-authorization-server" => {
                (reply(200, &merged(self.metadata(), &script.metadata)), now)
            }
            "/register" => (
                reply(
                    201,
                    &json!({"client_id": "dynamic", "client_secret": "registered-secret"}),
                ),
                now,
            ),
            "/authorize" => (self.signed_in(script, seen), now),
            "/token" => match script.tokens.pop_front() {
                Some((status, body, delay)) => (reply(status, &body), delay),
                None => {
                    script.issued += 1;
                    let body = json!({
                        "access_token": format!("access-token-{}", script.issued),
                        "refresh_token": format!("refresh-token-{}", script.issued),
                        "token_type": "Bearer",
                        "expires_in": script.token_lifetime,
                    });
                    (reply(200, &body), now)
                }
            },
            "/revoke" => (reply(script.revocation_status, &json!({})), now),
            _ => (reply(404, &json!({})), now),
        }
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "revocation_endpoint": at("/revoke"),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn signed_in(&self, script: &Script, seen: &Seen) -> Response<Full<Bytes>> {
        let mut answer: HashMap<&str, String> = HashMap::from([
            ("code", "the-code".to_owned()),
            ("state", seen.params["state"].clone()),
            ("iss", self.issuer.clone()),
        ]);
        for (name, value) in &script.answer {
            match value {
                Some(value) => answer.insert(name, value.clone()),
                None => answer.remove(name),
            };
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let to = format!(
            "{}?{}",
            seen.params["redirect_uri"],
            query.extend_pairs(answer).finish()
        );
        let mut response = reply(302, &json!({}));
        response
            .headers_mut()
            .insert("location", to.parse().unwrap());
        response
    }
}

fn reply(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    response.body(Full::new(body.to_string().into())).unwrap()
}

fn merged(mut own: Value, other: &Value) -> Value {
    for (name, value) in other.as_object().unwrap() {
        match value {
            Value::Null => own.as_object_mut().unwrap().remove(name),
            value => own
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    own
}
