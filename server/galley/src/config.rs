//! Configuration: built-in, then the user's `config.toml`, the workspace's `galley.toml` (which may only tighten), the
//! editor's settings, `GALLEY_*`, flags. Later wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use galley_agent::critic::When;
use galley_agent::{Budget, Planning, Purse};
use galley_exec::{Host, Network};
use galley_model::{Client, Role};
use serde::Deserialize;

mod aws;
mod models;

pub use models::{ModelFacts, Provider, Roles};

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `provider/model` of the main role; several, with commas between, are a chain.
    pub model: Option<String>,
    /// The models by role.
    pub roles: Roles,
    /// What the person knows of models, over the built-in table.
    pub models: ModelFacts,
    /// Own providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// Limits of each task.
    pub budget: BudgetSettings,
    /// What commands may do.
    pub sandbox: SandboxSettings,
    /// Whether a task plans before it changes anything.
    pub plan: Planning,
    /// The window of the model in tokens, where it is smaller or larger than known.
    pub context_tokens: Option<u64>,
    /// What becomes of a model's questions that nobody answers.
    pub questions: QuestionSettings,
    /// How proposals are reviewed.
    pub review: ReviewSettings,
    /// What the language server answers from its index.
    pub index: IndexSettings,
    /// The project's checks; read by the agent from `galley.toml` itself.
    pub checks: BTreeMap<String, toml::Value>,
}

/// What the language server says that it answers from its index.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexSettings {
    /// Announced to the editor when it starts; none where nothing is said, because most projects have a language server
    /// that knows more. Requests are answered in any case.
    pub capabilities: Vec<IndexCapability>,
}

/// A standard request that the index can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IndexCapability {
    /// `textDocument/documentSymbol`
    DocumentSymbol,
    /// `workspace/symbol`
    WorkspaceSymbol,
    /// `textDocument/foldingRange`
    FoldingRange,
    /// `textDocument/selectionRange`
    SelectionRange,
    /// `textDocument/definition`
    Definition,
    /// `textDocument/references`
    References,
}

/// What commands may do. Only the person's own file can say so, not a workspace's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxSettings {
    /// Where no sandbox works: run commands without one, unasked.
    pub unsandboxed: bool,
    /// What they may reach unasked.
    pub network: NetworkSetting,
}

/// What commands may reach unasked: `"none"`, `"all"`, or a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"none\", \"all\" or a list of hosts: NAME, NAME:PORT, *.NAME or an address"
)]
pub enum NetworkSetting {
    /// Nothing, or all.
    Word(NetworkWord),
    /// These, through the sandbox's proxy.
    Hosts(Vec<Host>),
}

/// See [`NetworkSetting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkWord {
    /// Nothing.
    None,
    /// The network of the machine.
    All,
}

impl Default for NetworkSetting {
    fn default() -> Self {
        NetworkSetting::Word(NetworkWord::None)
    }
}

impl NetworkSetting {
    /// As the sandbox understands it.
    pub fn granted(&self) -> Network {
        match self {
            NetworkSetting::Word(NetworkWord::None) => Network::None,
            NetworkSetting::Word(NetworkWord::All) => Network::All,
            NetworkSetting::Hosts(hosts) => Network::Hosts(hosts.clone()),
        }
    }
}

/// What becomes of a model's questions that nobody answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionSettings {
    /// After so many seconds the task goes on with what the model assumes; absent: it waits.
    pub seconds: Option<u64>,
}

impl QuestionSettings {
    /// The same as a duration.
    pub fn patience(self) -> Option<std::time::Duration> {
        self.seconds.map(std::time::Duration::from_secs)
    }
}

/// How proposals are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewSettings {
    /// When exactly the accepted hunks are checked.
    pub check: CheckTime,
    /// Whether the checks of a proposal are run again in the background when the text under it changed and they are cheap.
    pub renew: bool,
    /// Whether a critic, a model with fresh eyes, looks at finished changes: `auto`, `on` or `off`.
    pub critic: When,
}

impl Default for ReviewSettings {
    fn default() -> Self {
        ReviewSettings { check: CheckTime::default(), renew: true, critic: When::default() }
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

/// Limits of each task, and over all of them.
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
    /// US dollars of all tasks in 24 hours.
    pub day_usd: Option<f64>,
    /// Tokens of all tasks in 24 hours.
    pub day_tokens: Option<u64>,
    /// Calls of a model by all tasks in 24 hours.
    pub day_steps: Option<u32>,
    /// Seconds that all tasks run in 24 hours.
    pub day_seconds: Option<u64>,
    /// US dollars of all tasks of a workspace.
    pub workspace_usd: Option<f64>,
    /// Tokens of all tasks of a workspace.
    pub workspace_tokens: Option<u64>,
    /// Calls of a model by all tasks of a workspace.
    pub workspace_steps: Option<u32>,
    /// Seconds that all tasks of a workspace run.
    pub workspace_seconds: Option<u64>,
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
        mine.day_usd = lower(mine.day_usd, theirs.day_usd);
        mine.day_tokens = lower(mine.day_tokens, theirs.day_tokens);
        mine.day_steps = lower(mine.day_steps, theirs.day_steps);
        mine.day_seconds = lower(mine.day_seconds, theirs.day_seconds);
        mine.workspace_usd = lower(mine.workspace_usd, theirs.workspace_usd);
        mine.workspace_tokens = lower(mine.workspace_tokens, theirs.workspace_tokens);
        mine.workspace_steps = lower(mine.workspace_steps, theirs.workspace_steps);
        mine.workspace_seconds = lower(mine.workspace_seconds, theirs.workspace_seconds);
        if workspace.review.check == CheckTime::Before {
            self.review.check = CheckTime::Before;
        }
        if workspace.plan == Planning::Ask {
            self.plan = Planning::Ask;
        }
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

    /// Limits over all tasks.
    pub fn purse(&self) -> Purse {
        let all = &self.budget;
        Purse {
            day: Budget {
                usd: all.day_usd,
                tokens: all.day_tokens,
                steps: all.day_steps,
                seconds: all.day_seconds,
            },
            workspace: Budget {
                usd: all.workspace_usd,
                tokens: all.workspace_tokens,
                steps: all.workspace_steps,
                seconds: all.workspace_seconds,
            },
        }
    }

    /// A client for `provider/model` and those that take over from it. The error is for the person.
    pub fn client(&self, model: &str) -> Result<Arc<Client>, String> {
        let chain = self.chain(Some(model)).map_err(|error| error.to_string())?;
        Client::chain(chain).map(Arc::new).map_err(|error| error.to_string())
    }

    /// A client for a role other than the main one; `None` where nobody is named for it. The error is for the person.
    pub fn role_client(&self, role: Role) -> Result<Option<Arc<Client>>, String> {
        let roles = self.other_roles().map_err(|error| error.to_string())?;
        let Some((_, chain)) = roles.into_iter().find(|(known, _)| *known == role) else { return Ok(None) };
        Client::chain(chain).map(|client| Some(Arc::new(client))).map_err(|error| error.to_string())
    }
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
    fn the_network_is_the_persons_to_open() {
        let read = |text: &str| toml::from_str::<Settings>(text);
        let mut settings =
            read("[sandbox]\nnetwork = ['crates.io', '*.npmjs.org', 'nexus.corp:8081 private']").unwrap();
        let Network::Hosts(hosts) = settings.sandbox.network.granted() else { panic!("{settings:?}") };
        assert_eq!(hosts.len(), 3);
        assert_eq!(read("[sandbox]\nnetwork = 'all'").unwrap().sandbox.network.granted(), Network::All);
        assert_eq!(read("").unwrap().sandbox.network.granted(), Network::None);
        for wrong in ["'some'", "['http://a.b']", "['*']", "7"] {
            let said = read(&format!("[sandbox]\nnetwork = {wrong}")).unwrap_err().to_string();
            assert!(said.contains("list of hosts"), "{said}");
        }
        settings.tighten(&read("[sandbox]\nnetwork = 'all'").unwrap());
        assert_eq!(settings.sandbox.network.granted(), Network::Hosts(hosts));
    }

    #[test]
    fn a_typing_error_is_named() {
        let said = toml::from_str::<Settings>("modle = 'a/b'").unwrap_err().to_string();
        assert!(said.contains("modle"), "{said}");
    }
}
