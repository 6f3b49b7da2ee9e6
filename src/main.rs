//! Parses, runs, prints the error, chooses the exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use sessionize::cli::Cli;
use sessionize::commands::{self, Ending};
use sessionize::error::text::{self, ErrorFormat};
use sessionize::error::{self, Failure, Family};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(say_bug));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return end_usage(&usage),
    };
    if let Err(cause) = sessionize::signals::install() {
        let failure = Failure::new(error::READ, format!("cannot listen for signals: {cause}"));
        return end(&failure, cli.flags.error_format);
    }
    let clock = chrono::Utc::now().timestamp_micros();
    match std::panic::catch_unwind(|| commands::run(&cli, clock)) {
        Ok(Ok(Ending::Whole)) => ExitCode::SUCCESS,
        Ok(Ok(Ending::Partial)) => ExitCode::from(3),
        Ok(Err(failure)) => end(&failure, cli.flags.error_format),
        Err(_) => ExitCode::from(101),
    }
}

/// The exit code of a failure: small numbers by cause, never used again for another.
fn exit_code(family: Family) -> u8 {
    match family {
        Family::Config => 2,
        Family::Input | Family::Time => 4,
        Family::Database => 5,
        Family::Output => 6,
        Family::Lock => 8,
        Family::Limit => 9,
    }
}

fn end(failure: &Failure, format: ErrorFormat) -> ExitCode {
    let code = exit_code(failure.id.family);
    // Where standard error cannot be written to, the exit code alone has to tell.
    let _ = text::write(failure, code, format, &mut std::io::stderr());
    ExitCode::from(code)
}

/// Help and version go to standard output; anything else is a failure with the parser's words.
fn end_usage(usage: &clap::Error) -> ExitCode {
    if !usage.use_stderr() {
        let _ = write!(std::io::stdout(), "{usage}");
        return ExitCode::SUCCESS;
    }
    let words = usage.to_string();
    let words = words.strip_prefix("error: ").unwrap_or(&words);
    let as_json = std::env::args().any(|argument| argument == "--error-format=json")
        || std::env::args()
            .zip(std::env::args().skip(1))
            .any(|pair| pair == ("--error-format".into(), "json".into()));
    if as_json {
        let first = words.lines().next().unwrap_or_default();
        return end(&Failure::new(error::USAGE, first), ErrorFormat::Json);
    }
    let _ = write!(std::io::stderr(), "error[{}]: {words}", error::USAGE.id);
    ExitCode::from(exit_code(Family::Config))
}

/// Says that a bug ended the run: where, and nothing of the data.
fn say_bug(panic: &std::panic::PanicHookInfo<'_>) {
    if sessionize::import::parquet::is_decoding() {
        return;
    }
    let place = panic.location().map_or(String::new(), |at| {
        format!(" at {}:{}", at.file(), at.line())
    });
    let _ = writeln!(
        std::io::stderr(),
        "error[BUG]: internal error{place}, sessionize {}; nothing was published\n  help: please report it with this line and the command",
        env!("CARGO_PKG_VERSION")
    );
}
