//! Skills from a directory, over both transports in both eras.

use std::fs;

use wharf::{Server, Skill};

use crate::wire::{Kind, Peer, Value, json};

#[tokio::test]
async fn a_directory_of_skills_is_served() {
    let root = std::env::temp_dir().join(format!("wharf-skills-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    for name in ["tea", "coffee"] {
        let skill = root.join(name);
        fs::create_dir_all(skill.join("recipes")).unwrap();
        let text = format!("---\nname: {name}\ndescription: Make {name}.\n---\n\n# {name}\n");
        fs::write(skill.join("SKILL.md"), text).unwrap();
        fs::write(skill.join("recipes/hot.md"), format!("Hot {name}.")).unwrap();
    }
    fs::create_dir(root.join("no-skill")).unwrap();
    for kind in Kind::ALL {
        let server = Server::new("Test").skills(Skill::all_in(&root).unwrap());
        let mut peer = Peer::open(kind, server).await;
        let reply = peer.request("skills/list", json!({})).await;
        let skills = reply.result()["skills"].as_array().unwrap().clone();
        let uris: Vec<_> = skills.iter().map(|skill| &skill["uri"]).collect();
        assert_eq!(uris, ["skill://coffee/SKILL.md", "skill://tea/SKILL.md"]);
        let reply = peer
            .request(
                "resources/read",
                json!({"uri": "skill://tea/recipes/hot.md"}),
            )
            .await;
        assert_eq!(reply.result()["contents"][0]["text"], "Hot tea.");
        assert_eq!(reply.result()["contents"][0]["mimeType"], "text/markdown");
        let reply = peer
            .request("resources/directory/read", json!({"uri": "skill://tea"}))
            .await;
        assert_eq!(
            reply.result()["resources"].as_array().map(Vec::len),
            Some(2)
        );
        let digest = |skill: &Value| skill["resources"][1]["digest"].as_str().unwrap().to_owned();
        assert!(digest(&skills[0]).starts_with("sha256:"));
        assert_ne!(digest(&skills[0]), digest(&skills[1]));
    }
    fs::remove_dir_all(&root).unwrap();
    assert!(Skill::all_in(&root).is_err());
}
