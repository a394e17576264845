//! Configuration: built-in, then the user's `config.toml`, the workspace's `galley.toml` (which may only tighten), the
//! editor's settings, `GALLEY_*`, flags. Later wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use galley_agent::Budget;
use galley_model::{Endpoint, Kind, Secret};
use serde::Deserialize;

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `provider/model`.
    pub model: Option<String>,
    /// Own providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// Limits of each task.
    pub budget: BudgetSettings,
    /// What may be done where no sandbox works.
    pub sandbox: SandboxSettings,
    /// How proposals are reviewed.
    pub review: ReviewSettings,
    /// The project's checks; read by the agent from `galley.toml` itself.
    pub checks: BTreeMap<String, toml::Value>,
}

/// A provider of the person's own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The API that it speaks.
    pub kind: String,
    /// Its address.
    pub base_url: Option<String>,
    /// Name of the variable with its key.
    pub key_variable: Option<String>,
    /// Headers to send along.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Seconds until the first byte of a reply; a slow local model needs more than the built-in 20.
    pub first_byte_seconds: Option<u64>,
    /// Seconds between two bytes of a reply; 20 where nothing is said.
    pub idle_seconds: Option<u64>,
}

/// What may be done where no sandbox works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxSettings {
    /// Run commands without one, unasked. Only the person's own file can say so.
    pub unsandboxed: bool,
}

/// How proposals are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewSettings {
    /// When exactly the accepted hunks are checked.
    pub check: CheckTime,
    /// Whether the checks of a proposal are run again in the background when the text under it changed and they are cheap.
    pub renew: bool,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        ReviewSettings { check: CheckTime::default(), renew: true }
    }
}

/// When exactly the accepted hunks are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckTime {
    /// Before they are applied; what fails is not applied.
    Before,
    /// Right after; the editor does not wait, and one undo takes the accept back.
    #[default]
    After,
    /// Not at all.
    Off,
}

/// Limits of each task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetSettings {
    /// US dollars.
    pub usd: Option<f64>,
    /// Input and output tokens.
    pub tokens: Option<u64>,
    /// Rounds.
    pub steps: Option<u32>,
    /// Seconds of wall time.
    pub seconds: Option<u64>,
}

/// Why a configuration does not serve. Its text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {reason}")]
    File {
        /// The file.
        path: String,
        /// Line and reason.
        reason: String,
    },
    /// No model is configured and none was found.
    #[error(
        "no model is configured. Three ways to get one:\n  1. export OPENAI_API_KEY=… (or ANTHROPIC_API_KEY, GEMINI_API_KEY)\n  2. a local server: --model openai-chat/NAME with GALLEY_BASE_URL=http://127.0.0.1:8080/v1\n  3. without any: galley demo"
    )]
    NoModel,
    /// A model was named that cannot be resolved.
    #[error("the model `{0}` is not of the form provider/model, for example openai-responses/gpt-6.1-sol")]
    ModelName(String),
    /// The provider is not known.
    #[error("there is no provider `{name}`; known: {known}")]
    UnknownProvider {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// The provider's API is not known.
    #[error("provider `{name}`: {reason}")]
    Provider {
        /// The provider.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no place for the state.
    #[error("there is no home directory to keep the state in; set GALLEY_STATE_DIR")]
    NoStateDir,
}

/// Models taken when nothing is configured but a key is there, in this order.
const BY_KEY: &[(&str, &str)] = &[
    ("OPENAI_API_KEY", "openai-responses/gpt-6.1-sol"),
    ("ANTHROPIC_API_KEY", "anthropic/claude-sonnet-5-5"),
    ("GEMINI_API_KEY", "gemini/gemini-3.8-flash"),
];

/// Reads the user's file and the workspace's.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn load(root: Option<&Path>) -> Result<Settings, ConfigError> {
    let mut settings = match user_file() {
        Some(path) => read(&path)?.unwrap_or_default(),
        None => Settings::default(),
    };
    if let Some(root) = root
        && let Some(workspace) = read(&root.join("galley.toml"))?
    {
        settings.tighten(&workspace);
    }
    Ok(settings)
}

fn user_file() -> Option<PathBuf> {
    if let Some(path) = variable("GALLEY_CONFIG") {
        return Some(PathBuf::from(path));
    }
    // With a state directory given, nothing else of the machine is looked at.
    if variable("GALLEY_STATE_DIR").is_some() {
        return None;
    }
    let folder = match variable("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(variable("HOME")?).join(".config"),
    };
    Some(folder.join("galley").join("config.toml"))
}

fn read(path: &Path) -> Result<Option<Settings>, ConfigError> {
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::File { path: shown, reason: error.to_string() }),
    };
    toml::from_str(&text)
        .map(Some)
        .map_err(|error| ConfigError::File { path: shown, reason: error.to_string() })
}

impl Settings {
    /// Takes limits of a workspace that are lower. Nothing else of an untrusted workspace is taken: neither a model nor a
    /// provider, which would send code elsewhere.
    fn tighten(&mut self, workspace: &Settings) {
        let (mine, theirs) = (&mut self.budget, workspace.budget);
        mine.usd = lower(mine.usd, theirs.usd);
        mine.tokens = lower(mine.tokens, theirs.tokens);
        mine.steps = lower(mine.steps, theirs.steps);
        mine.seconds = lower(mine.seconds, theirs.seconds);
    }

    /// Limits of a task: the built-in ones, overridden by those that are set.
    pub fn task_budget(&self) -> Budget {
        let built_in = Budget::default();
        Budget {
            usd: self.budget.usd.or(built_in.usd),
            tokens: self.budget.tokens.or(built_in.tokens),
            steps: self.budget.steps.or(built_in.steps),
            seconds: self.budget.seconds.or(built_in.seconds),
        }
    }

    /// The model to use: the flag, the environment, the settings, or the first for which there is a key.
    pub fn model_name(&self, flag: Option<&str>) -> Result<String, ConfigError> {
        flag.map(str::to_owned)
            .or_else(|| variable("GALLEY_MODEL"))
            .or_else(|| self.model.clone())
            .or_else(|| {
                BY_KEY.iter().find(|(key, _)| variable(key).is_some()).map(|(_, model)| (*model).to_owned())
            })
            .ok_or(ConfigError::NoModel)
    }

    /// Where the model is.
    ///
    /// # Errors
    /// No model, or a name that leads nowhere.
    pub fn endpoint(&self, flag: Option<&str>) -> Result<Endpoint, ConfigError> {
        let name = self.model_name(flag)?;
        let Some((provider, model)) = name.split_once('/').filter(|(_, model)| !model.is_empty()) else {
            return Err(ConfigError::ModelName(name));
        };
        let own = self.providers.get(provider);
        let kind_name = own.map_or(provider, |own| own.kind.as_str());
        let kind: Kind = kind_name.parse().map_err(|_| match own {
            Some(own) => ConfigError::Provider {
                name: provider.to_owned(),
                reason: format!("its kind `{}` is not one of {}", own.kind, kinds()),
            },
            None => ConfigError::UnknownProvider { name: provider.to_owned(), known: self.provider_names() },
        })?;
        let mut endpoint = Endpoint::new(kind, model);
        endpoint.provider = provider.to_owned();
        if let Some(url) = own.and_then(|own| own.base_url.clone()) {
            endpoint.base_url = url;
        }
        if let Some(own) = own {
            endpoint.headers = own.headers.clone().into_iter().collect();
            let limits = &mut endpoint.timeouts;
            limits.first_byte = own.first_byte_seconds.map_or(limits.first_byte, Duration::from_secs);
            limits.idle = own.idle_seconds.map_or(limits.idle, Duration::from_secs);
            // Waiting longer for a byte is of no use if the whole exchange is given up before.
            limits.total_retry = limits.total_retry.max(3 * limits.first_byte.max(limits.idle));
        }
        if let Some(url) = variable("GALLEY_BASE_URL") {
            endpoint.base_url = url;
        }
        let key_variable = variable("GALLEY_API_KEY_ENV")
            .or_else(|| own.and_then(|own| own.key_variable.clone()))
            .or_else(|| kind.default_key_variable().map(str::to_owned));
        endpoint.key = key_variable.as_deref().and_then(variable).map(Secret::new);
        endpoint.key_variable = key_variable;
        Ok(endpoint)
    }

    fn provider_names(&self) -> String {
        let own = self.providers.keys().map(String::as_str);
        let built_in = Kind::ALL.iter().map(|kind| kind.as_str());
        own.chain(built_in).collect::<Vec<_>>().join(", ")
    }
}

fn kinds() -> String {
    Kind::ALL.map(Kind::as_str).join(", ")
}

fn lower<T: PartialOrd>(mine: Option<T>, theirs: Option<T>) -> Option<T> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => Some(if theirs < mine { theirs } else { mine }),
        (mine, theirs) => mine.or(theirs),
    }
}

/// An environment variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where journal, caches and shadows live.
///
/// # Errors
/// When there is neither `GALLEY_STATE_DIR` nor a home directory.
pub fn state_dir() -> Result<PathBuf, ConfigError> {
    if let Some(folder) = variable("GALLEY_STATE_DIR") {
        return Ok(PathBuf::from(folder));
    }
    let folder = match variable("XDG_STATE_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(variable("HOME").ok_or(ConfigError::NoStateDir)?).join(".local/state"),
    };
    Ok(folder.join("galley"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_may_only_tighten() {
        let mut settings: Settings = toml::from_str("model = 'a/b'\n[budget]\nusd = 1.0").unwrap();
        let workspace: Settings = toml::from_str("model = 'evil/x'\n[budget]\nusd = 5.0\nsteps = 3").unwrap();
        settings.tighten(&workspace);
        assert_eq!(settings.model.as_deref(), Some("a/b"));
        assert_eq!((settings.budget.usd, settings.budget.steps), (Some(1.0), Some(3)));
    }

    #[test]
    fn names_lead_somewhere_or_say_why() {
        let settings: Settings = toml::from_str(
            "[providers.here]\nkind = 'openai-chat'\nbase_url = 'http://127.0.0.1:9/v1'\nfirst_byte_seconds = 90\n[providers.odd]\nkind = 'x'",
        )
        .unwrap();
        let endpoint = settings.endpoint(Some("here/small")).unwrap();
        assert_eq!((endpoint.provider.as_str(), endpoint.model.as_str()), ("here", "small"));
        assert_eq!(endpoint.timeouts.first_byte, Duration::from_secs(90));
        assert!(matches!(settings.endpoint(Some("nonsense")), Err(ConfigError::ModelName(_))));
        assert!(matches!(settings.endpoint(Some("odd/m")), Err(ConfigError::Provider { .. })));
        let unknown = settings.endpoint(Some("none/m")).unwrap_err().to_string();
        assert!(unknown.contains("here") && unknown.contains("anthropic"), "{unknown}");
    }

    #[test]
    fn a_typing_error_is_named() {
        let said = toml::from_str::<Settings>("modle = 'a/b'").unwrap_err().to_string();
        assert!(said.contains("modle"), "{said}");
    }
}
