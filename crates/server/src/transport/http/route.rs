//! Which transport a path belongs to.

use super::HttpOptions;
use crate::error::{Error, Result};

/// What is served at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Streamable HTTP.
    Endpoint,
    /// HTTP+SSE: GET opens the stream; POST with a `sessionId` is taken here too.
    Events,
    /// HTTP+SSE: where the client posts its messages.
    Messages,
    #[cfg(feature = "websocket")]
    WebSocket,
}

/// The paths of a server.
#[derive(Debug)]
pub(super) struct Routes {
    endpoint: String,
    sse: Option<String>,
    messages: String,
    #[cfg(feature = "websocket")]
    websocket: Option<String>,
    /// What the client's path begins with is not known: only its end is looked at, and whatever
    /// is not another place is the endpoint.
    mounted: bool,
}

impl Routes {
    /// The paths of our own listener.
    pub(super) fn listening(options: &HttpOptions) -> Result<Self> {
        Self::new(options, false)
    }

    /// The paths below wherever the service is mounted.
    pub(super) fn mounted(options: &HttpOptions) -> Result<Self> {
        Self::new(options, true)
    }

    fn new(options: &HttpOptions, mounted: bool) -> Result<Self> {
        let mut paths = vec![("path", &options.path)];
        if let Some(sse) = &options.sse {
            paths.push(("sse", sse));
            if *sse != options.messages {
                paths.push(("messages", &options.messages));
            }
        }
        paths.extend(options.websocket.iter().map(|path| ("websocket", path)));
        for (place, (name, path)) in paths.iter().enumerate() {
            if !path.starts_with('/') || path.contains(['?', '#']) {
                return Err(Error::new(format!(
                    "`{name}` of the HTTP options is {path:?}: a path begins with / and has no query"
                )));
            }
            if let Some((other, _)) = paths[..place].iter().find(|(_, known)| known == path) {
                return Err(Error::new(format!(
                    "`{other}` and `{name}` of the HTTP options are both {path:?}"
                )));
            }
        }
        Ok(Self {
            endpoint: options.path.clone(),
            sse: options.sse.clone(),
            messages: options.messages.clone(),
            #[cfg(feature = "websocket")]
            websocket: options.websocket.clone(),
            mounted,
        })
    }

    pub(super) fn is_mounted(&self) -> bool {
        self.mounted
    }

    /// What is at this path, if there is anything.
    pub(super) fn find(&self, path: &str) -> Option<Place> {
        // What is called most comes first.
        if path == self.endpoint {
            return Some(Place::Endpoint);
        }
        let is = |place: &str| {
            if self.mounted {
                path.ends_with(place)
            } else {
                path == place
            }
        };
        if let Some(sse) = &self.sse {
            if is(sse) {
                return Some(Place::Events);
            }
            if is(&self.messages) {
                return Some(Place::Messages);
            }
        }
        #[cfg(feature = "websocket")]
        if self.websocket.as_deref().is_some_and(is) {
            return Some(Place::WebSocket);
        }
        self.mounted.then_some(Place::Endpoint)
    }

    /// The URI of an `endpoint` event, without its query, for a client that has opened the
    /// stream.
    ///
    /// Our own listener knows the whole path. A mounted service does not, for its host may have
    /// cut off what the path begins with, so there it is relative to the address of the stream,
    /// which the client knows.
    pub(super) fn messages(&self) -> String {
        let sse = self.sse.as_deref().unwrap_or_default();
        if !self.mounted {
            return self.messages.clone();
        }
        if sse == self.messages {
            return String::new();
        }
        let up = sse.matches('/').count().saturating_sub(1);
        "../".repeat(up) + self.messages.trim_start_matches('/')
    }

    /// The paths, for a message to who looks for them.
    pub(super) fn known(&self) -> String {
        let mut known = self.endpoint.clone();
        let others = [&self.sse];
        #[cfg(feature = "websocket")]
        let others = [others[0], &self.websocket];
        for path in others.into_iter().flatten() {
            known.push_str(", ");
            known.push_str(path);
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_knows_its_paths_exactly() {
        let routes = Routes::listening(&HttpOptions::default()).unwrap();
        assert_eq!(routes.find("/mcp"), Some(Place::Endpoint));
        assert_eq!(routes.find("/sse"), Some(Place::Events));
        assert_eq!(routes.find("/messages"), Some(Place::Messages));
        for path in ["/", "", "/mcp/", "/x/sse", "/sse/", "/MCP", "/messages/1"] {
            assert_eq!(routes.find(path), None, "{path}");
        }
        assert_eq!(routes.messages(), "/messages");
    }

    #[test]
    fn a_mounted_service_looks_at_the_end() {
        let routes = Routes::mounted(&HttpOptions::default()).unwrap();
        for path in ["/", "/mcp", "/a/b", "/nosse", "/sse/"] {
            assert_eq!(routes.find(path), Some(Place::Endpoint), "{path}");
        }
        assert_eq!(routes.find("/sse"), Some(Place::Events));
        assert_eq!(routes.find("/a/b/sse"), Some(Place::Events));
        assert_eq!(routes.find("/a/b/messages"), Some(Place::Messages));
        assert_eq!(routes.messages(), "messages");
    }

    #[test]
    fn what_is_switched_off_is_not_there() {
        let options = HttpOptions {
            sse: None,
            websocket: None,
            ..HttpOptions::default()
        };
        let routes = Routes::listening(&options).unwrap();
        for path in ["/sse", "/messages", "/ws"] {
            assert_eq!(routes.find(path), None, "{path}");
        }
        assert_eq!(routes.known(), "/mcp");
    }

    #[test]
    fn a_relative_endpoint_leads_from_the_stream_to_the_messages() {
        let relative = |sse: &str, messages: &str| {
            let options = HttpOptions {
                sse: Some(sse.into()),
                messages: messages.into(),
                ..HttpOptions::default()
            };
            Routes::mounted(&options).unwrap().messages()
        };
        assert_eq!(relative("/sse", "/sse"), "");
        assert_eq!(relative("/old/sse", "/old/post"), "../old/post");
        assert_eq!(relative("/a/b/sse", "/post"), "../../post");
    }

    #[test]
    fn one_path_is_one_place() {
        let refused = |options: HttpOptions| Routes::listening(&options).unwrap_err().to_string();
        let same = refused(HttpOptions {
            sse: Some("/mcp".into()),
            ..HttpOptions::default()
        });
        assert!(same.contains("`path` and `sse`"), "{same}");
        let relative = refused(HttpOptions {
            path: "mcp".into(),
            ..HttpOptions::default()
        });
        assert!(relative.contains("begins with /"), "{relative}");
    }
}
