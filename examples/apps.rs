//! How does a tool show its result as an interactive page?
//!
//! `cargo run -p wharf-examples --bin apps`

use wharf::{App, Context, Json, Server, tool};

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Weather {
    city: String,
    /// In °C
    temperatures: Vec<i32>,
}

fn measure(city: &str) -> Weather {
    let seed = city.bytes().fold(0, |sum, byte| sum + i32::from(byte));
    Weather {
        city: city.to_owned(),
        temperatures: (0..7).map(|day| (seed + day * 5) % 20).collect(),
    }
}

/// The weather of the week. Hosts that show pages show a chart.
#[tool(read_only, ui = "ui://weather/chart")]
async fn weather(ctx: &Context, city: String) -> Json<Weather> {
    if !ctx.client_shows_apps() {
        ctx.info("this client shows the numbers only").await;
    }
    Json(measure(&city))
}

/// Measures anew: for the button in the page, not for the model.
#[tool(app_only)]
async fn refresh(city: String) -> Json<Weather> {
    Json(measure(&city))
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    let chart = App::new("ui://weather/chart", include_str!("apps.html"))
        .title("The week as a chart")
        .description("Bars for the temperatures of a week, with a button to measure anew.")
        .prefers_border(true);
    Server::new("Weather")
        .app(chart)
        .tool(weather)
        .tool(refresh)
        .run()
        .await
}
