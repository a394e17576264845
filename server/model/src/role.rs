//! What a model is for, and who does it.

use std::sync::OnceLock;

use crate::client::Client;
use crate::endpoint::Endpoint;

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The work itself.
    Main,
    /// Sub-tasks, titles, compaction.
    Fast,
    /// Looks at what the main model made.
    Critic,
    /// Completes while the person types.
    Completion,
}

impl Role {
    /// Its name in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Role::Main => "main",
            Role::Fast => "fast",
            Role::Critic => "critic",
            Role::Completion => "completion",
        }
    }
}

/// A chain for another role than the main one; its client is made when it is asked for.
pub(crate) struct Other {
    role: Role,
    chain: Vec<Endpoint>,
    client: OnceLock<Option<Client>>,
}

impl Other {
    /// A role's chain.
    pub fn new(role: Role, chain: Vec<Endpoint>) -> Other {
        Other { role, chain, client: OnceLock::new() }
    }

    /// The client, if this is the role and its first endpoint can work.
    pub fn client(&self, role: Role) -> Option<&Client> {
        if self.role != role {
            return None;
        }
        self.client.get_or_init(|| Client::chain(self.chain.clone()).ok()).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Kind;

    #[test]
    fn a_role_without_a_model_is_the_main_models() {
        let endpoint = |model| {
            let mut endpoint = Endpoint::new(Kind::OpenAiChat, model);
            endpoint.base_url = "http://127.0.0.1:9".into();
            endpoint
        };
        let broken = Endpoint::new(Kind::Bedrock, "nowhere");
        let others = vec![(Role::Fast, vec![endpoint("small")]), (Role::Critic, vec![broken])];
        let client = Client::new(endpoint("big")).unwrap().with_roles(others);
        let name = |role| client.role(role).endpoint().model.clone();
        assert_eq!(
            [Role::Main, Role::Fast, Role::Critic, Role::Completion].map(name),
            ["big", "small", "big", "big"]
        );
    }
}
