//! The command: `choreo --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    choreo_command::main()
}
