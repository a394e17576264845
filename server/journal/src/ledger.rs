//! The ledger: what every call of a model cost, chained like the events, summed by task, model and day.

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use crate::event::{head, set_head, stored};
use crate::{Durability, Journal, JournalError, Result, Seq};

/// What one call of a model cost. Token counts are as the provider reported them; `input` holds `cached` and
/// `cache_write`, `output` holds `reasoning`, where the provider counts so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spend {
    /// Id of the task.
    pub task: String,
    /// `provider/model`.
    pub model: String,
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Tokens sent.
    pub input: u64,
    /// Of these, read from the provider's cache.
    pub cached: u64,
    /// Of these, written to the provider's cache.
    pub cache_write: u64,
    /// Tokens received.
    pub output: u64,
    /// Of these, spent on reasoning.
    pub reasoning: u64,
    /// US dollars, none if the price is unknown.
    pub usd: Option<f64>,
}

/// Sums over several calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Number of calls.
    pub calls: u64,
    /// Calls whose price is unknown; their dollars are missing in `usd`.
    pub unpriced: u64,
    /// Tokens sent.
    pub input: u64,
    /// Of these, read from the provider's cache.
    pub cached: u64,
    /// Of these, written to the provider's cache.
    pub cache_write: u64,
    /// Tokens received.
    pub output: u64,
    /// Of these, spent on reasoning.
    pub reasoning: u64,
    /// US dollars of the calls whose price is known.
    pub usd: f64,
}

/// What one task spent with one model on one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostRow {
    /// Id of the task.
    pub task: String,
    /// `provider/model`.
    pub model: String,
    /// The day in UTC, as `YYYY-MM-DD`.
    pub day: String,
    /// The sums.
    #[serde(flatten)]
    pub totals: Totals,
}

/// Name of the chain of spends in the table of heads.
pub(crate) const COSTS: &str = "costs";

const SUMS: &str = "count(*), count(*)-count(usd), total(input), total(cached), total(cache_write), \
    total(output), total(reasoning), total(usd)";

impl Journal {
    /// Enters one call of a model into the ledger; on the disk when the call returns.
    pub fn record_cost(&self, spend: &Spend) -> Result<Seq> {
        self.write(Durability::Synced, |transaction| self.enter(transaction, spend))
    }

    /// Chains one spend to the ledger, inside a write transaction.
    pub(crate) fn enter(&self, transaction: &Transaction<'_>, spend: &Spend) -> Result<Seq> {
        for tokens in [spend.input, spend.cached, spend.cache_write, spend.output, spend.reasoning] {
            if i64::try_from(tokens).is_err() {
                return Err(JournalError::Unstorable {
                    kind: COSTS.to_owned(),
                    detail: format!("{tokens} tokens are more than can be counted"),
                });
            }
        }
        enter(transaction, spend).map_err(|e| self.fault(e))
    }

    /// The ledger since `since_ms` (inclusive; none for all), one row per day, task and model, oldest day first.
    pub fn costs(&self, since_ms: Option<i64>) -> Result<Vec<CostRow>> {
        let query = format!(
            "SELECT task, model, date(at_ms/1000, 'unixepoch') AS day, {SUMS} FROM costs \
             WHERE at_ms>=?1 GROUP BY day, task, model ORDER BY day, task, model"
        );
        self.read(|transaction| {
            let rows = transaction.prepare_cached(&query).and_then(|mut statement| {
                let rows = statement.query_map([since_ms.unwrap_or(i64::MIN)], |row| {
                    let day: Option<String> = row.get(2)?;
                    Ok(CostRow {
                        task: row.get(0)?,
                        model: row.get(1)?,
                        day: day.unwrap_or_default(),
                        totals: totals_of_row(row, 3)?,
                    })
                })?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
            });
            rows.map_err(|e| self.fault(e))
        })
    }

    /// What was spent: by one task or by all, since `since_ms` (inclusive) or ever.
    pub fn spent(&self, task: Option<&str>, since_ms: Option<i64>) -> Result<Totals> {
        let query = format!("SELECT {SUMS} FROM costs WHERE (?1 IS NULL OR task=?1) AND at_ms>=?2");
        self.read(|transaction| {
            transaction
                .prepare_cached(&query)
                .and_then(|mut s| {
                    s.query_row(params![task, since_ms.unwrap_or(i64::MIN)], |row| totals_of_row(row, 0))
                })
                .map_err(|e| self.fault(e))
        })
    }
}

fn enter(transaction: &Transaction<'_>, spend: &Spend) -> rusqlite::Result<Seq> {
    let (last, previous) = head(transaction, COSTS)?;
    let seq = last + 1;
    let hash = spend_hash(&previous, seq, spend);
    transaction
        .prepare_cached(
            "INSERT INTO costs(seq, task, model, at_ms, input, cached, cache_write, output, reasoning, usd, hash) \
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            stored(seq),
            spend.task,
            spend.model,
            spend.at_ms,
            stored(spend.input),
            stored(spend.cached),
            stored(spend.cache_write),
            stored(spend.output),
            stored(spend.reasoning),
            spend.usd,
            hash
        ])?;
    set_head(transaction, COSTS, seq, &hash)?;
    Ok(seq)
}

pub(crate) fn spend_hash(previous: &[u8; 32], seq: Seq, spend: &Spend) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous).update(&seq.to_le_bytes()).update(&spend.at_ms.to_le_bytes());
    for text in [&spend.task, &spend.model] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    for tokens in [spend.input, spend.cached, spend.cache_write, spend.output, spend.reasoning] {
        hasher.update(&tokens.to_le_bytes());
    }
    match spend.usd {
        // SQLite keeps no NaN: it stores NULL, which reads back as none.
        Some(usd) if !usd.is_nan() => hasher.update(&[1]).update(&usd.to_bits().to_le_bytes()),
        _ => hasher.update(&[0]),
    };
    *hasher.finalize().as_bytes()
}

fn totals_of_row(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Totals> {
    // `total` answers with a float and so cannot overflow; token counts below 2^53 are exact.
    let tokens = |column: usize| row.get::<_, f64>(at + column).map(|sum| sum as u64);
    Ok(Totals {
        calls: row.get(at)?,
        unpriced: row.get(at + 1)?,
        input: tokens(2)?,
        cached: tokens(3)?,
        cache_write: tokens(4)?,
        output: tokens(5)?,
        reasoning: tokens(6)?,
        usd: row.get(at + 7)?,
    })
}
