//! How a command ends on the change and on the base: what a claim about the change is judged by.

use std::time::Duration;

use galley_exec::Status;
use galley_workspace::Overlay;
use tokio_util::sync::CancellationToken;

use super::{Call, Verifier, VerifyError, tail, told};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its exit code; none where it did not end by itself.
    pub code: Option<i32>,
    /// The end of what it printed, without what differs from run to run.
    pub tail: String,
}

/// Wall time of such a command.
const WALL: Duration = Duration::from_secs(120);

impl Verifier {
    /// Runs a shell command on exactly the content of `overlay`.
    ///
    /// # Errors
    /// When the shadow or the process could not be made.
    pub async fn end_on(
        &mut self,
        overlay: &Overlay,
        command: &str,
        cancel: &CancellationToken,
    ) -> Result<End, VerifyError> {
        let argv = vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()];
        let call = Call { argv, wall: WALL, ..Call::default() };
        let ran = self.call(overlay, call, &mut |_| {}, cancel).await?;
        let code = match ran.outcome.status {
            Status::Exited(code) => Some(code),
            _ => None,
        };
        Ok(End { code, tail: told::lasting(&tail(&ran.printed)).into_owned() })
    }

    /// The same on the content that the task began with.
    ///
    /// # Errors
    /// As [`Verifier::end_on`].
    pub async fn end_on_base(
        &mut self,
        command: &str,
        cancel: &CancellationToken,
    ) -> Result<End, VerifyError> {
        let base = Overlay::new(self.base.clone());
        self.end_on(&base, command, cancel).await
    }
}
