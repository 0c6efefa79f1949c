//! The setting `prompt`: which programs may show a dialog for a code where there is no terminal, and in which order. How
//! each is talked to is in `prompt/dialog`.

/// A program that shows a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogProgram {
    /// That of GnuPG, in any of its flavours with a window.
    Pinentry,
    /// That of GNOME.
    Zenity,
    /// That of KDE.
    Kdialog,
    /// That of macOS.
    Osascript,
    /// That of Windows.
    Powershell,
}

/// Every program that is there, in the order of [`DialogProgram::ALL`].
const AUTO: &str = "auto";
/// No dialog.
const OFF: &str = "off";

impl DialogProgram {
    /// Every program, in the order in which they are tried.
    pub const ALL: [Self; 5] = [Self::Pinentry, Self::Zenity, Self::Kdialog, Self::Osascript, Self::Powershell];

    /// The program as it is written in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pinentry => "pinentry",
            Self::Zenity => "zenity",
            Self::Kdialog => "kdialog",
            Self::Osascript => "osascript",
            Self::Powershell => "powershell",
        }
    }

    /// Reads the setting: `auto`, `off`, or names in an order, separated by commas. An error says what is allowed.
    pub fn order(text: &str) -> Result<Vec<Self>, String> {
        let by_name = |name: &str| Self::ALL.into_iter().find(|program| program.name() == name);
        let allowed = || format!("allowed: {AUTO}, {OFF}, or a list of {}", Self::ALL.map(Self::name).join(", "));
        match text.trim() {
            AUTO => Ok(Self::ALL.into()),
            OFF => Ok(Vec::new()),
            list => list.split(',').map(|name| by_name(name.trim()).ok_or_else(allowed)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_an_order_or_one_of_two_words() {
        use DialogProgram::*;
        for (text, order) in [
            ("auto", DialogProgram::ALL.to_vec()),
            ("off", vec![]),
            ("zenity", vec![Zenity]),
            ("kdialog, pinentry", vec![Kdialog, Pinentry]),
            (" zenity,osascript , powershell", vec![Zenity, Osascript, Powershell]),
        ] {
            assert_eq!(DialogProgram::order(text), Ok(order), "{text}");
        }
        for wrong in ["", "Off", "none", "zenity,", "zenity off", "zenity, off", "auto,zenity", "/usr/bin/zenity"] {
            let why = DialogProgram::order(wrong).unwrap_err();
            assert_eq!(
                why, "allowed: auto, off, or a list of pinentry, zenity, kdialog, osascript, powershell",
                "{wrong}"
            );
        }
    }
}
