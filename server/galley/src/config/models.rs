//! Models of the configuration: roles with their chains, providers, what is known of a model.
//!
//! Decides which endpoints a role has, in which order they take over from each other, and where each one's
//! address, key and facts come from.

use std::collections::BTreeMap;
use std::time::Duration;

use galley_model::capability::{Facts, Table};
use galley_model::record::Redaction;
use galley_model::{Endpoint, Kind, Role, Secret};
use serde::Deserialize;

use super::{ConfigError, Settings, aws, variable};

/// A provider of the person's own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The API that it speaks; that of its name where nothing is said.
    pub kind: Option<String>,
    /// Its address.
    pub base_url: Option<String>,
    /// Name of the variable with its key.
    pub key_variable: Option<String>,
    /// Headers to send along.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The service tier to ask for, such as `flex`.
    pub service_tier: Option<String>,
    /// Seconds until the first byte of a reply; a slow local model needs more than the built-in 20.
    pub first_byte_seconds: Option<u64>,
    /// Seconds between two bytes of a reply; 20 where nothing is said.
    pub idle_seconds: Option<u64>,
    /// Attempts in all for one turn; 6 where nothing is said.
    pub max_attempts: Option<u32>,
    /// Requests under way at once; 8 where nothing is said.
    pub max_concurrent: Option<usize>,
    /// Limit of a reply in tokens.
    pub max_output: Option<u32>,
}

/// The models by role, each as one name or as a chain of names: the first answers, the others take over.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// The work itself.
    pub main: Chain,
    /// Sub-tasks, titles, compaction.
    pub fast: Chain,
    /// Looks at what the main model made.
    pub critic: Chain,
    /// Completes while the person types.
    pub completion: Chain,
}

/// Names of models, `provider/model` each.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct Chain(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Chain {
    fn from(names: OneOrMore) -> Chain {
        match names {
            // Several names fit into one variable or flag.
            // The name of a recording is a file's, and may hold anything.
            OneOrMore::One(name) if name.starts_with("replay/") => Chain(vec![name]),
            OneOrMore::One(names) => Chain(
                names.split(',').map(|name| name.trim().to_owned()).filter(|it| !it.is_empty()).collect(),
            ),
            OneOrMore::More(names) => Chain(names),
        }
    }
}

impl Roles {
    fn of(&self, role: Role) -> &Chain {
        match role {
            Role::Main => &self.main,
            Role::Fast => &self.fast,
            Role::Critic => &self.critic,
            Role::Completion => &self.completion,
        }
    }
}

/// Models taken when nothing is configured but a key is there, in this order.
const BY_KEY: &[(&str, &str)] = &[
    ("OPENAI_API_KEY", "openai-responses/gpt-6.1-sol"),
    ("ANTHROPIC_API_KEY", "anthropic/claude-sonnet-5-5"),
    ("GEMINI_API_KEY", "gemini/gemini-3.8-flash"),
    ("AWS_BEARER_TOKEN_BEDROCK", "bedrock/us.anthropic.claude-sonnet-5-5"),
];

impl Settings {
    /// The names of the main model and those that take over from it: the flag, the environment, the settings, or
    /// the first for which there is a key.
    ///
    /// # Errors
    /// No model is named anywhere.
    pub fn model_names(&self, flag: Option<&str>) -> Result<Vec<String>, ConfigError> {
        let asked = flag.map(str::to_owned).or_else(|| variable("GALLEY_MODEL"));
        let asked = asked.map(|names| Chain::from(OneOrMore::One(names)).0).filter(|names| !names.is_empty());
        let configured = || Some(self.roles.main.0.clone()).filter(|names| !names.is_empty());
        let single = || self.model.clone().map(|names| Chain::from(OneOrMore::One(names)).0);
        let by_key = || {
            let found = BY_KEY.iter().find(|(key, _)| variable(key).is_some());
            found.map(|(_, model)| vec![(*model).to_owned()])
        };
        asked.or_else(configured).or_else(single).or_else(by_key).ok_or(ConfigError::NoModel)
    }

    /// The main model's endpoint.
    ///
    /// # Errors
    /// As [`Settings::chain`].
    pub fn endpoint(&self, flag: Option<&str>) -> Result<Endpoint, ConfigError> {
        let names = self.model_names(flag)?;
        self.endpoint_of(names.first().map_or("", String::as_str), true)
    }

    /// The main model's endpoint, and those that take over from it.
    ///
    /// # Errors
    /// No model, or a name that leads nowhere.
    pub fn chain(&self, flag: Option<&str>) -> Result<Vec<Endpoint>, ConfigError> {
        let names = self.model_names(flag)?;
        names.iter().enumerate().map(|(at, name)| self.endpoint_of(name, at == 0)).collect()
    }

    /// The chain of a task that goes on: what is asked for, else its recorded model first and, where that one is
    /// of the configured chain, those that take over from it.
    ///
    /// # Errors
    /// As [`Settings::chain`].
    pub fn chain_from(
        &self,
        flag: Option<&str>,
        recorded: Option<&str>,
    ) -> Result<Vec<Endpoint>, ConfigError> {
        let (None, Some(recorded)) = (flag, recorded) else { return self.chain(flag) };
        let names = self.model_names(None).unwrap_or_default();
        match names.first().is_some_and(|first| first == recorded) {
            true => self.chain(None),
            false => Ok(vec![self.endpoint_of(recorded, true)?]),
        }
    }

    /// The chains of the other roles that are configured.
    ///
    /// # Errors
    /// A name that leads nowhere.
    pub fn other_roles(&self) -> Result<Vec<(Role, Vec<Endpoint>)>, ConfigError> {
        let mut roles = Vec::new();
        for role in [Role::Fast, Role::Critic, Role::Completion] {
            let names = &self.roles.of(role).0;
            if !names.is_empty() {
                let chain = names.iter().map(|name| self.endpoint_of(name, false));
                roles.push((role, chain.collect::<Result<_, _>>()?));
            }
        }
        Ok(roles)
    }

    /// What must not leave the machine in a recording: the keys that are set, and the home directory.
    pub fn redaction(&self) -> Redaction {
        let own = self.providers.values().filter_map(|own| own.key_variable.clone());
        let usual = Kind::ALL.iter().filter_map(|kind| kind.default_key_variable().map(str::to_owned));
        let aws = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(str::to_owned);
        let named = variable("GALLEY_API_KEY_ENV");
        let names = own.chain(usual).chain(aws).chain(named);
        let secrets = names.filter_map(|name| variable(&name)).map(Secret::new).collect();
        Redaction { secrets, home: variable("HOME") }
    }

    /// The endpoint of a name. What the environment says of address and key is meant for the main model.
    fn endpoint_of(&self, name: &str, main: bool) -> Result<Endpoint, ConfigError> {
        let Some((provider, model)) = name.split_once('/').filter(|(_, model)| !model.is_empty()) else {
            return Err(ConfigError::ModelName(name.to_owned()));
        };
        let own = self.providers.get(provider);
        let kind_name = own.and_then(|own| own.kind.as_deref()).unwrap_or(provider);
        let kind: Kind = kind_name.parse().map_err(|_| match own {
            Some(own) => ConfigError::Provider {
                name: provider.to_owned(),
                reason: match &own.kind {
                    Some(kind) => format!("its kind `{kind}` is not one of {}", kinds()),
                    None => format!("it has no kind; say one of {}: kind = \"openai-chat\"", kinds()),
                },
            },
            None => ConfigError::UnknownProvider { name: provider.to_owned(), known: self.provider_names() },
        })?;
        let mut endpoint = Endpoint::new(kind, model);
        endpoint.provider = provider.to_owned();
        if let Some(own) = own {
            own.apply_to(&mut endpoint);
        }
        let meant = |name: &str| variable(name).filter(|_| main);
        if let Some(url) = meant("GALLEY_BASE_URL") {
            endpoint.base_url = url;
        }
        let key_variable = meant("GALLEY_API_KEY_ENV")
            .or_else(|| own.and_then(|own| own.key_variable.clone()))
            .or_else(|| kind.default_key_variable().map(str::to_owned));
        endpoint.key = key_variable.as_deref().and_then(variable).map(Secret::new);
        endpoint.key_variable = key_variable;
        if kind == Kind::Bedrock {
            with_aws(&mut endpoint);
        }
        if !self.models.is_empty() {
            endpoint.known = Some(Table::with(&self.models).lookup(&endpoint.name()));
        }
        Ok(endpoint)
    }

    fn provider_names(&self) -> String {
        let own = self.providers.keys().map(String::as_str);
        let built_in = Kind::ALL.iter().map(|kind| kind.as_str());
        own.chain(built_in).collect::<Vec<_>>().join(", ")
    }
}

impl Provider {
    fn apply_to(&self, endpoint: &mut Endpoint) {
        if let Some(url) = &self.base_url {
            endpoint.base_url.clone_from(url);
        }
        endpoint.headers = self.headers.clone().into_iter().collect();
        endpoint.service_tier.clone_from(&self.service_tier);
        endpoint.max_output = self.max_output;
        endpoint.max_concurrent = self.max_concurrent.unwrap_or(endpoint.max_concurrent);
        endpoint.max_attempts = self.max_attempts.unwrap_or(endpoint.max_attempts).clamp(1, 6);
        let limits = &mut endpoint.timeouts;
        limits.first_byte = self.first_byte_seconds.map_or(limits.first_byte, Duration::from_secs);
        limits.idle = self.idle_seconds.map_or(limits.idle, Duration::from_secs);
        // Waiting longer for a byte is of no use if the whole exchange is given up before.
        limits.total_retry = limits.total_retry.max(3 * limits.first_byte.max(limits.idle));
    }
}

/// The address of the region, and credentials where there is no key.
fn with_aws(endpoint: &mut Endpoint) {
    let region = aws::region();
    if let (true, Some(region)) = (endpoint.base_url.is_empty(), &region) {
        endpoint.base_url = format!("https://bedrock-runtime.{region}.amazonaws.com");
    }
    if endpoint.key.is_none() {
        // The region of a person's own address stands in it.
        let host =
            endpoint.base_url.split('.').nth(1).filter(|_| endpoint.base_url.contains("amazonaws.com"));
        let region = host.map(str::to_owned).or(region).unwrap_or_else(|| "us-east-1".to_owned());
        endpoint.aws = aws::credentials(&region);
    }
}

fn kinds() -> String {
    Kind::ALL.map(Kind::as_str).join(", ")
}

/// The person's facts of models, by the model's name or `provider/model`.
pub type ModelFacts = BTreeMap<String, Facts>;

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn names_lead_somewhere_or_say_why() {
        let settings = settings(
            "[providers.here]\nkind = 'openai-chat'\nbase_url = 'http://127.0.0.1:9/v1'\nfirst_byte_seconds = 90\n[providers.odd]\nkind = 'x'\n[providers.vague]\n[providers.gemini]\nidle_seconds = 40",
        );
        let endpoint = settings.endpoint(Some("here/small")).unwrap();
        assert_eq!((endpoint.provider.as_str(), endpoint.model.as_str()), ("here", "small"));
        assert_eq!(endpoint.timeouts.first_byte, Duration::from_secs(90));
        assert!(matches!(settings.endpoint(Some("nonsense")), Err(ConfigError::ModelName(_))));
        assert!(matches!(settings.endpoint(Some("odd/m")), Err(ConfigError::Provider { .. })));
        let vague = settings.endpoint(Some("vague/m")).unwrap_err().to_string();
        assert!(vague.contains("kind = \"openai-chat\""), "{vague}");
        let built_in = settings.endpoint(Some("gemini/m")).unwrap();
        assert_eq!((built_in.kind, built_in.timeouts.idle), (Kind::Gemini, Duration::from_secs(40)));
        let unknown = settings.endpoint(Some("none/m")).unwrap_err().to_string();
        assert!(unknown.contains("here") && unknown.contains("anthropic"), "{unknown}");
    }

    #[test]
    fn roles_are_one_name_or_a_chain() {
        let settings = settings(
            "[roles]\nmain = ['anthropic/claude-opus-5-5', 'gemini/gemini-3.8-flash']\nfast = 'openai-chat/small'",
        );
        let names = |chain: Vec<Endpoint>| chain.iter().map(Endpoint::name).collect::<Vec<_>>();
        assert_eq!(
            names(settings.chain(None).unwrap()),
            ["anthropic/claude-opus-5-5", "gemini/gemini-3.8-flash"]
        );
        assert_eq!(
            names(settings.chain(Some("openai-chat/a, gemini/b")).unwrap()),
            ["openai-chat/a", "gemini/b"]
        );
        let others = settings.other_roles().unwrap();
        assert_eq!((others.len(), others[0].0), (1, Role::Fast));
        let wrong = toml::from_str::<Settings>("[roles]\ndraft = 'a/b'").unwrap_err().to_string();
        assert!(wrong.contains("draft"), "{wrong}");
    }

    #[test]
    fn what_the_person_says_of_a_model_holds() {
        let settings = settings(
            "[models.\"here/qwen\"]\ncontext = 131072\nprices = { input = 0.0, output = 0.0 }\n[models.\"gpt-5.5\"]\ncontext = 200000\n[providers.here]\nkind = 'openai-chat'",
        );
        let known = |name| settings.endpoint(Some(name)).unwrap().capabilities();
        assert_eq!((known("here/qwen").context, known("openai-chat/gpt-5.5").context), (131_072, 200_000));
        assert!(!known("here/other").known && known("here/other").prices.is_none());
        let wrong = toml::from_str::<Settings>("[models.x]\nwindow = 3").unwrap_err().to_string();
        assert!(wrong.contains("window"), "{wrong}");
    }
}
