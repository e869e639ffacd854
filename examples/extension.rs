//! How is the protocol extended with methods of one's own?
//!
//! `cargo run -p wharf-examples --bin extension`

use wharf::{Context, Error, Extension, ExtensionMethod, Server};

const ID: &str = "com.example/maps";

#[derive(serde::Deserialize)]
struct Find {
    place: String,
}

#[derive(serde::Serialize)]
struct Found {
    place: String,
    latitude: f64,
    longitude: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tile: Option<String>,
}

/// What a client may declare.
#[derive(serde::Deserialize)]
struct ClientSettings {
    zoom: u8,
}

async fn find(params: Find, ctx: Context) -> Result<Found, Error> {
    let (latitude, longitude) = match params.place.as_str() {
        "Oslo" => (59.91, 10.75),
        "Lima" => (-12.05, -77.04),
        other => return Err(Error::invalid_params(format!("no place {other:?}"))),
    };
    let client: Option<ClientSettings> = ctx.client_extension(ID);
    let tile = client.map(|client| format!("{}/{}", client.zoom, params.place));
    Ok(Found {
        place: params.place,
        latitude,
        longitude,
        tile,
    })
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    let maps = Extension::new(ID)
        .setting("maxZoom", 12)
        .with(ExtensionMethod::new("maps/find", find).named_by("place"));
    Server::new("Maps").extension(maps).run().await
}
