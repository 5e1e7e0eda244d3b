//! The program `aksara`: builds plugins, shows what is in one, calls one outside any database, lists what a folder of
//! them hears, and approves of one.
//!
//! Each command is a module; this one reads the command line and turns what came of it into an exit code.

mod allow;
mod build;
mod call;
mod inspect;
mod json;
mod load;
mod output;
mod sections;
mod signals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, inspects, calls, lists and approves of Aksara plugins.
///
/// Exit codes: 0 done; 1 the handler refused; 2 a fault of the plugin; 3 wrong usage, or a file that is missing or
/// malformed.
#[derive(Parser)]
#[command(name = "aksara", version, verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Build(build::Arguments),
    Inspect(inspect::Arguments),
    Call(call::Arguments),
    Signals(signals::Arguments),
    Allow(allow::Arguments),
}

/// How a command ended, when it could be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It did what it was asked for.
    Done,
    /// The handler refused the operation.
    Refused,
    /// The plugin failed.
    Fault,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors, and go to standard output; that a closed pipe loses them is no news.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 3 } else { 0 });
        }
    };
    log_to_stderr();
    let ended = match arguments.command {
        Command::Build(arguments) => build::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Call(arguments) => call::run(&arguments),
        Command::Signals(arguments) => signals::run(&arguments),
        Command::Allow(arguments) => allow::run(&arguments),
    };
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Refused) => ExitCode::from(1),
        Ok(Ended::Fault) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// What plugins log goes to standard error, so that standard output is the command's own. `RUST_LOG` chooses.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,aksara::plugin=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
