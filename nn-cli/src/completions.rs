//! `completions`: what a shell needs to complete this program's arguments.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::Output;

/// Print what makes a shell complete this program's commands and options
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "Examples:
  nn-train completions bash > ~/.local/share/bash-completion/completions/nn-train
  nn-train completions zsh > ~/.zfunc/_nn-train
  nn-train completions fish > ~/.config/fish/completions/nn-train.fish";

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "nn-train", &mut script);
    if arguments.shell == Shell::Bash {
        script = mended(&script);
    }
    if output.is_json() {
        let script = String::from_utf8_lossy(&script);
        let value = serde_json::json!({ "shell": arguments.shell.to_string(), "script": script });
        return output.result(&value, "");
    }
    output.write(|out| out.write_all(&script))
}

/// The script for bash as clap_complete means it. Of the name of this program and that of its first command, `nn-train train`, it
/// makes labels of cases, `nn__subcmd__train`, that are not what the script looks for, `nn__train`.
fn mended(script: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(script).replace("nn__subcmd__train", "nn__train").into_bytes()
}
