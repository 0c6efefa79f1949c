//! The one MFA device of a chain, and the command that prints its codes.

use crate::arn::MfaSerial;
use crate::error::{Failure, Kind, Place, Result};
use crate::hint::{CommandLine, Verb};
use crate::names::ProfileName;
use crate::origin::Sourced;
use crate::profile::chain::{Chain, Hop};

/// The command that prints codes, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaProcess {
    /// The profile that names it.
    pub profile: ProfileName,
    pub line: String,
    pub place: Place,
}

pub(super) type Device<'a> = (&'a Hop, Sourced<MfaSerial>);

/// The first `mfa_serial` from the first role above the base up to the asked profile, else that of the base's profile.
/// Temporary credentials take no code: beside them a device is refused, and their own profile's is not used.
pub(super) fn device_of(chain: &Chain) -> Result<Option<Device<'_>>> {
    let mut first: Option<Device<'_>> = None;
    for hop in chain.hops.iter().rev() {
        let Some(serial) = hop.settings().mfa_serial()? else { continue };
        match &first {
            Some((_, known)) if known.value != serial.value => {
                let cause = format!(
                    "mfa_serial {} differs from {} ({}), which the chain already uses; a chain can have only one device",
                    serial.value, known.value, known.origin
                );
                return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(serial.place()));
            }
            Some(_) => {}
            None => first = Some((hop, serial)),
        }
    }
    if let (Some((hop, serial)), true) = (&first, chain.base.is_temporary()) {
        let cause = format!(
            "mfa_serial {} cannot be used: AWS accepts a code only with a long-term access key, and these credentials come from {}",
            serial.value,
            chain.base.origin()
        );
        let unset = CommandLine::of(Verb::Unset, &hop.name).with("mfa_serial").to("to assume the role without a code");
        return Err(Failure::new(Kind::Config, cause).of_profile(&hop.name).at(serial.place()).hint(unset));
    }
    if first.is_none() && !chain.base.is_temporary() {
        first = chain.owner().settings().mfa_serial()?.map(|serial| (chain.owner(), serial));
    }
    first.map(must_show_codes).transpose()
}

fn must_show_codes((hop, serial): Device<'_>) -> Result<Device<'_>> {
    hop.settings().must_show_codes(&serial).map(|()| (hop, serial))
}

/// `mfa_process` of the profile whose `mfa_serial` is used, else of the base's. Also where no device is named yet, because
/// it prints the codes of one that is enrolled.
pub(super) fn mfa_process_of(chain: &Chain, device: Option<&Device<'_>>) -> Option<MfaProcess> {
    device.map(|(hop, _)| *hop).into_iter().chain(chain.base_profiles()).find_map(|hop| {
        let process = hop.settings().mfa_process()?;
        Some(MfaProcess { profile: hop.name.clone(), line: process.value.clone(), place: process.place.clone() })
    })
}
