//! Skills of a server.

use wharf::Client;
use wharf::client::Result;

/// Loads every skill, with all of its files.
pub(crate) async fn load(client: &Client) -> Result<()> {
    for entry in client.skills().all().await? {
        let skill = client.load_skill(&entry).await?;
        for file in entry.resources.iter().flatten() {
            skill.read(&file.uri).await?;
        }
    }
    Ok(())
}
