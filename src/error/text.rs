//! How a failure is printed: for people, or as one line of JSON. The forms are those of
//! `docs/errors.md`; which exit code a failure gets is `main`'s affair.

use std::io::{self, Write};

use crate::error::Failure;
use crate::visible::{visible, without_passwords};

/// How errors are printed on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ErrorFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object as the last line, for programs.
    Json,
}

/// Writes `failure`, which ends the run with exit code `code`, in the form asked for.
pub fn write(
    failure: &Failure,
    code: u8,
    format: ErrorFormat,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        ErrorFormat::Text => write_text(failure, out),
        ErrorFormat::Json => write_json(failure, code, out),
    }
}

/// Writes `error[ID]: source: what`, then details, what is kept and the next step, indented by
/// two spaces, a line each. Nothing in it can move a terminal's cursor or begin a new line.
pub fn write_text(failure: &Failure, out: &mut dyn Write) -> io::Result<()> {
    let mut text = format!(
        "error[{}]: {}\n",
        failure.id.id,
        shown(&failure.to_string())
    );
    for detail in &failure.details {
        text += &format!("  {}\n", shown(detail));
    }
    if let Some(kept) = &failure.kept {
        text += &format!("  kept: {}\n", shown(kept));
    }
    if let Some(help) = &failure.help {
        text += &format!("  help: {}\n", shown(help));
    }
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Text of a failure as it is printed.
fn shown(text: &str) -> String {
    visible(&without_passwords(text))
}

/// Writes one line of JSON: `type`, `code`, `id`, `source`, `line`, `byte`, `message`, `kept`,
/// `help`, in this order, null where unknown. `message` is the first line of the text form without
/// its `error[ID]: `.
pub fn write_json(failure: &Failure, code: u8, out: &mut dyn Write) -> io::Result<()> {
    #[derive(serde::Serialize)]
    struct ExitError {
        r#type: &'static str,
        code: u8,
        id: &'static str,
        source: Option<String>,
        line: Option<u64>,
        byte: Option<u64>,
        message: String,
        kept: Option<String>,
        help: Option<String>,
    }
    let error = ExitError {
        r#type: "exit_error",
        code,
        id: failure.id.id,
        source: failure.source.as_ref().map(|source| shown(&source.name)),
        line: failure.line,
        byte: failure.byte,
        message: shown(&failure.to_string()),
        kept: failure.kept.as_deref().map(shown),
        help: failure.help.as_deref().map(shown),
    };
    let mut line = serde_json::to_vec(&error)?;
    line.push(b'\n');
    out.write_all(&line)?;
    out.flush()
}
