//! How does a tool ask the person, and how does it go on when they refuse?
//!
//! `cargo run -p wharf-examples --bin elicitation`

use std::sync::atomic::{AtomicU32, Ordering};

use wharf::{Context, Result, Server, tool};

#[derive(Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Place {
    #[default]
    Inside,
    Terrace,
}

/// The fields of the form.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Booking {
    /// How many people
    #[schemars(range(min = 1, max = 12))]
    people: u32,
    /// Where to sit
    #[serde(default)]
    place: Place,
    /// Where to send the confirmation
    #[schemars(email)]
    email: Option<String>,
}

static BOOKED: AtomicU32 = AtomicU32::new(0);

/// Book a table.
#[tool]
async fn book(ctx: &Context, restaurant: String) -> Result<String> {
    let question = format!("A table at {restaurant}:");
    let booking: Booking = match ctx.elicit(question).await {
        Ok(booking) => booking,
        Err(error) if error.is_refused() => return Ok("No table was booked.".into()),
        Err(error) => return Err(error.into()),
    };
    // A client that comes back with answers makes the handler run again: this happens once.
    let number = ctx
        .once("book", async {
            Result::<_>::Ok(BOOKED.fetch_add(1, Ordering::Relaxed) + 1)
        })
        .await?;
    let Booking {
        people,
        place,
        email,
    } = booking;
    let mail = email.map_or_else(String::new, |email| format!(" Confirmed to {email}."));
    Ok(format!(
        "Booking {number}: {people} people, {place:?}.{mail}"
    ))
}

#[tokio::main]
async fn main() -> Result<()> {
    Server::new("Elicitation").tool(book).run().await
}
