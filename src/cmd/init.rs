//! `init`: prints the integration of a shell, a file in `shell/`.

use crate::error::Result;
use crate::output::to_stdout;
use crate::shell::Integration;

pub fn run(integration: Integration) -> Result<u8> {
    to_stdout(integration.text.as_bytes()).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use crate::output::exports::{MARKS, MIXING, OURS};
    use crate::shell::Shell;
    use crate::system::env::HANDABLE;

    /// Other tests need the shells; this one runs everywhere.
    #[test]
    fn each_file_knows_every_variable_that_env_sets_or_removes() {
        let names: Vec<&str> = OURS.into_iter().chain(MIXING).chain(HANDABLE).chain(MARKS).collect();
        assert_eq!(names.len(), 32);
        for shell in Shell::ALL {
            let Some(integration) = shell.integration() else { continue };
            let words: Vec<&str> = integration.text.split([' ', '\n', '(', ')', '\'', ',']).collect();
            for name in &names {
                assert!(words.contains(name), "{shell:?} {name}");
            }
        }
    }
}
