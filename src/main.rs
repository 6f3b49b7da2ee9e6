//! Parses, runs, prints the error, chooses the exit code.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use sessionize::cli::Cli;
use sessionize::commands::{self, Ending};
use sessionize::error::text::{self, ErrorFormat};
use sessionize::error::{self, Failure, Family};
use sessionize::visible::{visible, without_passwords};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code of a report that lacks a source; it wins over that of a failed check.
const PARTIAL: u8 = 3;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(say_bug));
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(usage) => return end_usage(&usage),
    };
    let code = match std::panic::catch_unwind(|| run(&cli)) {
        Ok(Ok(Ending::Whole)) => ExitCode::SUCCESS,
        Ok(Ok(Ending::Partial)) => ExitCode::from(PARTIAL),
        Ok(Ok(Ending::CheckFailed {
            failure,
            is_partial,
        })) => match is_partial {
            true => end_with(&failure, PARTIAL, cli.flags.error_format),
            false => end(&failure, cli.flags.error_format),
        },
        Ok(Err(cause)) => end(&failure_of(cause), cli.flags.error_format),
        Err(_) => ExitCode::from(exit_code(Family::Bug)),
    };
    sessionize::signals::settle();
    code
}

fn run(cli: &Cli) -> anyhow::Result<Ending> {
    sessionize::signals::install().context("cannot listen for signals")?;
    let clock = chrono::Utc::now().timestamp_micros();
    Ok(commands::run(cli, clock)?)
}

/// The failure that a user can do something about; anything else is a bug, or a system as good as
/// broken, told with its whole chain.
fn failure_of(cause: anyhow::Error) -> Failure {
    cause
        .downcast::<Failure>()
        .unwrap_or_else(|other| Failure::new(error::BUG, format!("{other:#}")))
}

/// The exit code of a failure: small numbers by cause, never used again for another.
fn exit_code(family: Family) -> u8 {
    match family {
        Family::Check => 1,
        Family::Config => 2,
        Family::Input | Family::Time => 4,
        Family::Database => 5,
        Family::Output => 6,
        Family::Lock => 8,
        Family::Limit => 9,
        Family::Bug => 101,
    }
}

fn end(failure: &Failure, format: ErrorFormat) -> ExitCode {
    end_with(failure, exit_code(failure.id.family), format)
}

fn end_with(failure: &Failure, code: u8, format: ErrorFormat) -> ExitCode {
    // Where standard error cannot be written to, the exit code alone has to tell.
    let _ = text::write(failure, code, format, &mut std::io::stderr());
    ExitCode::from(code)
}

/// Help and version go to standard output; anything else is a failure with the parser's words.
fn end_usage(usage: &clap::Error) -> ExitCode {
    let words = usage.to_string();
    if !usage.use_stderr() {
        let mut out = std::io::stdout();
        let written = out.write_all(words.as_bytes()).and_then(|()| out.flush());
        return match written {
            Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
                let message = format!("cannot write to standard output: {cause}");
                end(&Failure::new(error::WRITE, message), asked_error_format())
            }
            _ => ExitCode::SUCCESS,
        };
    }
    let words = without_typed_passwords(words);
    let words = words.strip_prefix("error: ").unwrap_or(&words);
    let mut lines = words.lines().map(|line| visible(&without_passwords(line)));
    let first = lines.next().unwrap_or_default();
    let rest: Vec<String> = lines.collect();
    if asked_error_format() == ErrorFormat::Json {
        let first = match first.ends_with(':') {
            true => {
                let named = rest.iter().map(|line| line.trim());
                let named: Vec<&str> = named.take_while(|line| !line.is_empty()).collect();
                format!("{first} {}", named.join(", "))
            }
            false => first,
        };
        let failure = Failure::new(error::USAGE, first);
        let hint = rest.iter().map(|line| line.trim());
        let hint = hint
            .filter(|line| line.starts_with("tip: ") || line.starts_with("[possible values: "))
            .map(|line| line.trim_start_matches("tip: ").to_owned())
            .next();
        return end(
            &Failure {
                help: hint,
                ..failure
            },
            ErrorFormat::Json,
        );
    }
    let text = format!("error[{}]: {first}\n{}\n", error::USAGE.id, rest.join("\n"));
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(exit_code(Family::Config))
}

/// The parser's words, which repeat an argument that it does not know, without one that may hold a
/// password: `--passwordsecret`, `--ro:secret@host`.
fn without_typed_passwords(mut words: String) -> String {
    for argument in std::env::args_os()
        .skip(1)
        .filter_map(|argument| argument.into_string().ok())
    {
        let glued = argument.strip_prefix("--password");
        let is_glued = glued.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['-', '=']));
        let after = argument.split_once(':').map_or("", |(_, after)| after);
        if is_glued || after.contains('@') {
            words = words.replace(&argument, "--…");
        }
    }
    words
}

/// The form of errors that was asked for, where the arguments as a whole could not be read.
fn asked_error_format() -> ErrorFormat {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let typed = args.iter().enumerate().rev().find_map(|(place, arg)| {
        let arg = arg.to_str()?;
        match arg.strip_prefix("--error-format")? {
            "" => args.get(place + 1)?.to_str(),
            value => value.strip_prefix('='),
        }
    });
    let by_environment = std::env::var("SESSIONIZE_ERROR_FORMAT").ok();
    match typed.or(by_environment.as_deref()) {
        Some("json") => ErrorFormat::Json,
        _ => ErrorFormat::Text,
    }
}

/// Says that a bug ended the run: where, and nothing of the data.
fn say_bug(panic: &std::panic::PanicHookInfo<'_>) {
    if sessionize::import::parquet::is_decoding() {
        return;
    }
    let place = panic.location().map_or(String::new(), |at| {
        format!(" at {}:{}", at.file(), at.line())
    });
    let message = format!(
        "internal error{place}, sessionize {}; nothing was published",
        env!("CARGO_PKG_VERSION")
    );
    let failure =
        Failure::new(error::BUG, message).help("please report it with this line and the command");
    end(&failure, asked_error_format());
}
