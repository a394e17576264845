//! What models can do and what they cost.
//!
//! A table of facts (`models.toml`, with source and date) that the user's configuration can override. Decides
//! how a model's name is matched, and what holds for a model that nobody knows: the safe minimum, and a price
//! that is unknown, never zero.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::exchange::Usage;

static BUILT_IN: LazyLock<Table> = LazyLock::new(|| {
    // A fault in the built-in text is found by a test; here it only leaves the table empty.
    toml::from_str::<Written>(include_str!("models.toml")).map(Table::from_written).unwrap_or_default()
});

/// The form of edits that a model writes best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditFamily {
    /// The `*** Begin Patch` form.
    ApplyPatch,
    /// Old text and new text.
    Replace,
    /// Whole files.
    Whole,
}

/// USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Input that is neither read from nor written to a cache.
    pub input: f64,
    /// Output, reasoning included.
    pub output: f64,
    /// Input read from the cache; as `input` where not given.
    #[serde(default)]
    pub cached: Option<f64>,
    /// Input written to the cache; as `input` where not given.
    #[serde(default)]
    pub cache_write: Option<f64>,
}

impl Rates {
    fn cost(&self, usage: &Usage) -> f64 {
        let plain = usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_write);
        let usd = plain as f64 * self.input
            + usage.cached as f64 * self.cached.unwrap_or(self.input)
            + usage.cache_write as f64 * self.cache_write.unwrap_or(self.input)
            + usage.output as f64 * self.output;
        usd / 1e6
    }
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Prices {
    /// The ordinary rates.
    pub base: Rates,
    /// The rates of a whole request with more input tokens than the number given.
    pub step: Option<(u64, Rates)>,
    /// The rates of a service tier, by the provider's word for it.
    pub tiers: BTreeMap<String, Rates>,
}

impl Prices {
    /// USD for one reply that was served in a tier; one that is not known here counts as the ordinary.
    pub fn cost_in_tier(&self, usage: &Usage, tier: Option<&str>) -> f64 {
        match tier.and_then(|tier| self.tiers.get(tier)) {
            Some(rates) => rates.cost(usage),
            None => self.cost(usage),
        }
    }

    /// USD for one reply of the ordinary tier.
    pub fn cost(&self, usage: &Usage) -> f64 {
        match &self.step {
            Some((above, rates)) if usage.input > *above => rates.cost(usage),
            _ => self.base.cost(usage),
        }
    }
}

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Capabilities {
    /// The window in tokens.
    pub context: u64,
    /// The longest reply in tokens.
    pub max_output: u64,
    /// What it costs; `None` is unknown, not free.
    pub prices: Option<Prices>,
    /// The form of edits it writes best.
    pub edit_family: EditFamily,
    /// Reasoning is steered by effort alone (Anthropic's adaptive thinking).
    pub adaptive_thinking: bool,
    /// The shortest prefix that the provider caches, in tokens.
    pub cache_min: Option<u64>,
    /// Several calls in one reply are supported; `None` is unknown.
    pub parallel_calls: Option<bool>,
    /// A call can be forced; `None` is unknown, and nothing here relies on it.
    pub forced_calls: Option<bool>,
    /// Images are read; `None` is unknown.
    pub images: Option<bool>,
    /// Reasoning efforts that it refuses.
    pub without_efforts: Vec<String>,
    /// The day (`YYYY-MM-DD`) from which the provider no longer serves it.
    pub retired: Option<String>,
    /// The model is in the table; otherwise these are the safe minimum.
    pub known: bool,
}

impl Capabilities {
    /// USD for one reply; `None` where the price is unknown.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        self.prices.as_ref().map(|prices| prices.cost(usage))
    }

    /// The effort that comes nearest to the one asked for.
    pub fn effort<'a>(&self, asked: &'a str) -> &'a str {
        if !self.without_efforts.iter().any(|refused| refused == asked) {
            return asked;
        }
        match asked {
            "max" if !self.without_efforts.iter().any(|refused| refused == "xhigh") => "xhigh",
            "max" | "xhigh" => "high",
            _ => "low",
        }
    }
}

impl Default for Capabilities {
    /// The safe minimum: 32k window, 8k output, edits by replacement, price unknown.
    fn default() -> Capabilities {
        Capabilities {
            context: 32_768,
            max_output: 8_192,
            prices: None,
            edit_family: EditFamily::Replace,
            adaptive_thinking: false,
            cache_min: None,
            parallel_calls: None,
            forced_calls: None,
            images: None,
            without_efforts: Vec::new(),
            retired: None,
            known: false,
        }
    }
}

/// What the built-in table says of a model. Names may carry a provider (`openai/gpt-5.5`), a date or a tag
/// (`claude-haiku-4-5-20251001`, `…:free`, `…-latest`).
pub fn lookup(model: &str) -> Capabilities {
    BUILT_IN.lookup(model)
}

/// USD for one reply of a model by the built-in table; `None` where the price is unknown.
pub fn cost(usage: &Usage, model: &str) -> Option<f64> {
    lookup(model).cost(usage)
}

/// Models and what is known of them.
#[derive(Debug, Clone, Default)]
pub struct Table {
    models: BTreeMap<String, Capabilities>,
    source: String,
    date: String,
}

impl Table {
    /// The table that travels with Galley.
    pub fn built_in() -> Table {
        BUILT_IN.clone()
    }

    /// The built-in table with the user's entries over it, by the model's name or `provider/model`. What an entry
    /// leaves out stays as it was.
    pub fn with(overrides: &BTreeMap<String, Facts>) -> Table {
        let mut table = Table::built_in();
        for (name, entry) in overrides {
            let before = table.lookup(name);
            table.models.insert(name.clone(), entry.clone().over(before));
        }
        table
    }

    /// What the table says of a model; the safe minimum for an unknown one.
    pub fn lookup(&self, model: &str) -> Capabilities {
        self.find(model).cloned().unwrap_or_default()
    }

    /// Where the built-in facts come from, and the day they were read.
    pub fn source(&self) -> (&str, &str) {
        (&self.source, &self.date)
    }

    /// Every name in the table.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    fn find(&self, model: &str) -> Option<&Capabilities> {
        let last = model.rsplit('/').next().unwrap_or(model);
        [model, last, undated(model), undated(last)]
            .into_iter()
            .find_map(|name| self.models.get(name).or_else(|| self.models.get(&format!("gemini/{name}"))))
    }

    fn from_written(written: Written) -> Table {
        let models = written
            .models
            .into_iter()
            .map(|(name, entry)| (name, entry.over(Capabilities::default())))
            .collect();
        Table { models, source: written.source, date: written.date }
    }
}

/// The name without a tag (`:free`, `@date`), `-latest`, a version mark (`-v1`), or a date at its end.
fn undated(model: &str) -> &str {
    let name = model.split([':', '@']).next().unwrap_or(model);
    let name = name.strip_suffix("-latest").or_else(|| name.strip_suffix("-v1")).unwrap_or(name);
    for form in ["-dddd-dd-dd", "-dddddddd"] {
        if let Some(front) = without_ending(name, form) {
            return front;
        }
    }
    name
}

/// `name` without an ending of the given form, in which `d` stands for a digit.
fn without_ending<'a>(name: &'a str, form: &str) -> Option<&'a str> {
    let (front, end) = name.split_at_checked(name.len().checked_sub(form.len())?)?;
    let fits =
        end.bytes().zip(form.bytes()).all(|(c, f)| if f == b'd' { c.is_ascii_digit() } else { c == f });
    fits.then_some(front)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    source: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    models: BTreeMap<String, Facts>,
}

/// What is written of one model, in the built-in table and in the person's configuration. All of it may be left
/// out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The window in tokens.
    pub context: Option<u64>,
    /// The longest reply in tokens.
    pub max_output: Option<u64>,
    /// The form of edits it writes best.
    pub edit: Option<EditFamily>,
    /// How reasoning is steered.
    pub thinking: Option<Thinking>,
    /// The shortest prefix that is cached, in tokens.
    pub cache_min: Option<u64>,
    /// Several calls in one reply.
    pub parallel: Option<bool>,
    /// Forced calls.
    pub forced: Option<bool>,
    /// Images.
    pub images: Option<bool>,
    /// Efforts that it refuses.
    pub without_efforts: Option<Vec<String>>,
    /// The day (`YYYY-MM-DD`) from which it is no longer served.
    pub retired: Option<String>,
    /// USD per million tokens.
    pub prices: Option<PriceFacts>,
}

/// How reasoning is steered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thinking {
    /// By effort alone.
    Adaptive,
    /// By a number of thinking tokens.
    Budget,
}

/// What is written of prices, USD per million tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFacts {
    input: f64,
    output: f64,
    cached: Option<f64>,
    cache_write: Option<f64>,
    step: Option<StepFacts>,
    #[serde(default)]
    tiers: BTreeMap<String, Rates>,
}

/// The rates of a whole request above so many input tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFacts {
    above: u64,
    input: f64,
    output: f64,
    cached: Option<f64>,
    cache_write: Option<f64>,
}

impl Facts {
    fn over(self, before: Capabilities) -> Capabilities {
        Capabilities {
            context: self.context.unwrap_or(before.context),
            max_output: self.max_output.unwrap_or(before.max_output),
            prices: self.prices.map(PriceFacts::into_prices).or(before.prices),
            edit_family: self.edit.unwrap_or(before.edit_family),
            adaptive_thinking: self.thinking.map_or(before.adaptive_thinking, |it| it == Thinking::Adaptive),
            cache_min: self.cache_min.or(before.cache_min),
            parallel_calls: self.parallel.or(before.parallel_calls),
            forced_calls: self.forced.or(before.forced_calls),
            images: self.images.or(before.images),
            without_efforts: self.without_efforts.unwrap_or(before.without_efforts),
            retired: self.retired.or(before.retired),
            known: true,
        }
    }
}

impl PriceFacts {
    fn into_prices(self) -> Prices {
        let PriceFacts { input, output, cached, cache_write, step, tiers } = self;
        let step = step.map(|step| {
            let StepFacts { above, input, output, cached, cache_write } = step;
            (above, Rates { input, output, cached, cache_write })
        });
        Prices { base: Rates { input, output, cached, cache_write }, step, tiers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, cached: u64, cache_write: u64, output: u64) -> Usage {
        Usage { input, cached, cache_write, output, ..Usage::default() }
    }

    fn close(got: Option<f64>, want: f64) {
        assert!((got.unwrap() - want).abs() < 1e-9, "{got:?} instead of {want}");
    }

    #[test]
    fn the_built_in_table_parses_and_is_sane() {
        let written: Written = toml::from_str(include_str!("models.toml")).unwrap();
        assert!(!written.source.is_empty() && written.date.len() == 10);
        let table = Table::from_written(written);
        assert!(table.models.len() >= 50);
        for (name, model) in &table.models {
            assert!(model.known && model.context >= 100_000 && model.max_output >= 4_096, "{name}");
            let prices = model.prices.as_ref().unwrap();
            assert!(prices.base.output >= prices.base.input, "{name}");
            assert!(prices.base.cached.is_none_or(|cached| cached < prices.base.input), "{name}");
        }
    }

    #[test]
    fn cached_tokens_and_cache_writes_have_their_own_rates() {
        close(cost(&usage(1_000_000, 0, 0, 0), "gpt-5.4-mini"), 0.75);
        close(cost(&usage(100_000, 80_000, 0, 1_000), "claude-sonnet-5-5"), 0.04 + 0.008 + 0.01);
        close(cost(&usage(100_000, 0, 100_000, 0), "claude-sonnet-5-5"), 0.25);
        // No rate for writes is known: they cost as input.
        close(cost(&usage(100_000, 0, 100_000, 0), "gpt-5.5"), 0.5);
    }

    #[test]
    fn a_long_request_is_charged_by_its_step_as_a_whole() {
        close(cost(&usage(272_000, 0, 0, 0), "gpt-6-sol"), 0.544);
        close(cost(&usage(272_001, 0, 0, 0), "gpt-6-sol"), 272_001.0 * 4.0 / 1e6);
        close(cost(&usage(100_001, 0, 0, 1_000_000), "claude-haiku-5-5"), 100_001.0 * 0.5 / 1e6 + 2.5);
    }

    #[test]
    fn an_unknown_model_gets_the_safe_minimum_and_no_price() {
        let unknown = lookup("somebody/else:7b");
        assert_eq!(unknown, Capabilities::default());
        assert_eq!(
            (unknown.context, unknown.edit_family, unknown.known),
            (32_768, EditFamily::Replace, false)
        );
        assert_eq!(unknown.cost(&usage(1, 0, 0, 1)), None);
        assert_eq!(cost(&usage(0, 0, 0, 0), "nobody"), None);
    }

    #[test]
    fn names_with_provider_date_or_tag_are_found() {
        for (name, entry) in [
            ("openai/gpt-5.5", "gpt-5.5"),
            ("gpt-5.5-2026-04-23", "gpt-5.5"),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
            ("claude-opus-5-5-latest", "claude-opus-5-5"),
            ("anthropic/claude-sonnet-5-5@20260901", "claude-sonnet-5-5"),
            ("gemini-3.8-flash", "gemini/gemini-3.8-flash"),
            ("google/gemini-3.8-flash:free", "gemini/gemini-3.8-flash"),
        ] {
            assert!(lookup(name).known, "{name}");
            assert_eq!(lookup(name), BUILT_IN.models[entry], "{name}");
        }
        for stranger in ["gpt-5.5-nano-extra", "gpt-5-minimal", "claude-opus", ""] {
            assert!(!lookup(stranger).known, "{stranger}");
        }
    }

    #[test]
    fn overrides_change_only_what_they_name() {
        let written: Written = toml::from_str(
            "[models.\"gpt-5.5\"]\ncontext = 200000\n\n[models.\"local/qwen\"]\nprices = { input = 0, output = 0.0 }\nedit = \"whole\"\n",
        )
        .unwrap();
        let table = Table::with(&written.models);
        let changed = table.lookup("gpt-5.5");
        assert_eq!((changed.context, changed.prices), (200_000, lookup("gpt-5.5").prices));
        let own = table.lookup("local/qwen");
        assert_eq!((own.known, own.context, own.edit_family), (true, 32_768, EditFamily::Whole));
        close(own.cost(&usage(5, 0, 0, 5)), 0.0);
        let unknown = toml::from_str::<Written>("[models.x]\nwindow = 3\n").err().unwrap();
        assert!(unknown.to_string().contains("window"));
    }

    #[test]
    fn a_service_tier_has_its_own_rates_and_an_effort_that_is_refused_its_neighbour() {
        let model = lookup("gpt-6.1-sol");
        let prices = model.prices.clone().unwrap();
        let million = usage(1_000_000, 0, 0, 0);
        for (tier, usd) in [(Some("flex"), 1.0), (Some("priority"), 4.0)] {
            close(Some(prices.cost_in_tier(&million, tier)), usd);
        }
        let small = usage(100_000, 0, 0, 0);
        close(Some(prices.cost_in_tier(&small, Some("default"))), 0.2);
        assert_eq!((model.effort("minimal"), model.effort("max")), ("low", "max"));
        let own = Capabilities { without_efforts: vec!["max".into(), "xhigh".into()], ..model };
        assert_eq!((own.effort("max"), own.effort("high")), ("high", "high"));
    }
}
