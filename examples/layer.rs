//! How do tower layers go around a server?
//!
//! `cargo run -p wharf-examples --bin layer [ADDRESS]`, by default `127.0.0.1:8000`

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use tower::ServiceBuilder;
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use wharf::{Context, Principal, Server, tool};

/// Say who is calling.
#[tool(read_only)]
fn whoami(ctx: &Context) -> String {
    match ctx.principal() {
        Some(principal) => principal.subject.clone(),
        None => "nobody".into(),
    }
}

/// Takes over the name that a proxy in front of us has checked. Whoever has no principal in the
/// request is nobody to the server.
fn authenticated(mut request: Request) -> Request {
    let name = request.headers().get("x-authenticated-user");
    if let Some(subject) = name.and_then(|name| name.to_str().ok()) {
        let principal = Principal {
            issuer: "the proxy".into(),
            subject: subject.into(),
            client: None,
        };
        request.extensions_mut().insert(Arc::new(principal));
    }
    request
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    let mcp = Server::new("Layered").tool(whoami).into_service().await?;
    let layered = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        // Which pages may read answers; which may call is decided by `allowed_origins`.
        .layer(CorsLayer::new().allow_origin(Any))
        // Until the answer begins: streams last as long as they last.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            Duration::from_secs(60),
        ))
        .map_request(authenticated)
        .service(mcp);
    let app = Router::new().nest_service("/mcp", layered);

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");
    let listener = tokio::net::TcpListener::bind(address).await?;
    #[allow(clippy::print_stderr, reason = "a program says where it is")]
    {
        eprintln!("http://{}/mcp", listener.local_addr()?);
    }
    axum::serve(listener, app).await?;
    Ok(())
}
