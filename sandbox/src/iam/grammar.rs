//! The parameters of IAM, as its model describes them.

use crate::checks::{Checks, Pattern, is_word};
use crate::refusal::Refusal;

const USER: Pattern = Pattern(r"[\w+=,.@-]+", |c| is_word(c) || "+=,.@-".contains(c));
const KEY: Pattern = Pattern(r"[\w]+", is_word);
const SERIAL: Pattern = Pattern(r"[\w+=/:,.@-]+", |c| is_word(c) || "+=/:,.@-".contains(c));
const DIGITS: Pattern = Pattern(r"[\d]+", |c| c.is_ascii_digit());
const MARKER: Pattern = Pattern(r"[\u0020-\u00FF]+", |c| (' '..='\u{ff}').contains(&c));
const PATH: Pattern = Pattern(r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", |c| ('\u{21}'..='\u{7e}').contains(&c));

impl<'a> Checks<'a> {
    pub(super) fn user_name(&mut self) -> Option<&'a str> {
        self.optional("UserName", "userName", 1, 128, USER)
    }

    pub(super) fn need_user_name(&mut self) -> &'a str {
        self.required("UserName", "userName", 1, 128, USER)
    }

    pub(super) fn access_key_id(&mut self) -> &'a str {
        self.required("AccessKeyId", "accessKeyId", 16, 128, KEY)
    }

    pub(super) fn status(&mut self) -> &'a str {
        self.one_of("Status", "status", &["Active", "Inactive", "Expired"], None)
    }

    pub(super) fn assignment(&mut self) -> &'a str {
        self.one_of("AssignmentStatus", "assignmentStatus", &["Assigned", "Unassigned", "Any"], Some("Any"))
    }

    pub(super) fn serial(&mut self) -> &'a str {
        self.required("SerialNumber", "serialNumber", 9, 256, SERIAL)
    }

    pub(super) fn codes(&mut self) -> [&'a str; 2] {
        [1, 2].map(|at| {
            let (name, member) = (format!("AuthenticationCode{at}"), format!("authenticationCode{at}"));
            self.required(&name, &member, 6, 6, DIGITS)
        })
    }

    pub(super) fn device_name(&mut self) -> &'a str {
        self.required("VirtualMFADeviceName", "virtualMFADeviceName", 1, usize::MAX, USER)
    }

    pub(super) fn path(&mut self) -> &'a str {
        let path = self.optional("Path", "path", 1, 512, PATH).unwrap_or("/");
        if !path.starts_with('/') || !path.ends_with('/') {
            let rule = format!("Member must satisfy regular expression pattern: {}", PATH.0);
            self.note(path, "path", &rule);
        }
        path
    }

    /// Returns where a list goes on, and how much of it is wanted at most.
    pub(super) fn page(&mut self) -> Result<Wanted<'a>, Refusal> {
        let marker = self.optional("Marker", "marker", 1, 320, MARKER);
        let most = self.number("MaxItems", "maxItems", 1, 1000)?;
        Ok(Wanted { marker, most: most.and_then(|most| usize::try_from(most).ok()) })
    }

    fn one_of(&mut self, name: &str, member: &str, all: &[&str], usual: Option<&'static str>) -> &'a str {
        match self.params.get(name).or(usual) {
            None => self.null(member),
            Some(text) if all.contains(&text) => return text,
            Some(text) => {
                self.note(text, member, &format!("Member must satisfy enum value set: [{}]", all.join(", ")));
            }
        }
        ""
    }
}

/// The part of a list that a call asks for.
pub(super) struct Wanted<'a> {
    pub marker: Option<&'a str>,
    pub most: Option<usize>,
}
