//! The trait [`Iam`] over the query protocol: each request signed by itself, each answer read strictly.

use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::HttpConnector;

use super::answer;
use super::meaning::IamCall;
use super::operations::{Iam, KeyInfo, LastUsed, MfaDevice, VirtualDevice};
use super::request::{Parameter, signed};
use super::xml::{self, Element};
use crate::arn::MfaSerial;
use crate::aws::call::{Bounds, Signer};
use crate::aws::client::{service_client, with_retries};
use crate::aws::error::AwsError;
use crate::aws::failure::Outcome;
use crate::aws::wire::Wire;
use crate::credentials::{AccessKey, AccessKeyId};
use crate::names::{DeviceName, MfaCode, UserName};
use crate::system::log;

/// A user has 2 keys and 8 devices at most, and a page has 100 entries; a list that is longer is no list of IAM.
const MOST_PAGES: usize = 20;

service_client! {
    /// IAM at one endpoint. Nothing is built or connected before the first call.
    IamClient
}

impl IamClient {
    fn call<'a>(
        &'a self,
        action: &'static str,
        signer: Signer<'a>,
        parameters: impl Into<Vec<Parameter<'a>>>,
    ) -> IamCall<'a> {
        IamCall { common: self.0.call(action, signer), parameters: parameters.into() }
    }

    /// Makes one call, and has the result in its answer read by `read`.
    fn run<T>(
        &self,
        call: &IamCall<'_>,
        bounds: Bounds,
        read: impl Fn(&Element<'_>) -> Result<T, String>,
    ) -> Result<T, AwsError> {
        self.within(call, bounds, async |wire| self.send(&wire, call, &[], &read).await)
    }

    /// Makes a call that changes something; its answer says only that it is done.
    fn change(&self, call: &IamCall<'_>, bounds: Bounds) -> Result<(), AwsError> {
        self.run(call, bounds, |_| Ok(()))
    }

    /// Makes calls until a list is whole, all of them within the bounds.
    fn list<T>(
        &self,
        call: &IamCall<'_>,
        name: &str,
        bounds: Bounds,
        read: impl Fn(&Element<'_>) -> Result<T, String>,
    ) -> Result<Vec<T>, AwsError> {
        let read = |result: &Element<'_>| answer::page(result, name, &read);
        self.within(call, bounds, async |wire| {
            let (mut entries, mut marker) = (Vec::new(), None::<String>);
            for _ in 0..MOST_PAGES {
                let further: Vec<_> = marker.iter().map(|marker| ("Marker", marker.as_str())).collect();
                let answer::Page { entries: more, next } = match self.send(&wire, call, &further, &read).await? {
                    Ok(page) => page,
                    Err(why) => return Ok(Err(why)),
                };
                entries.extend(more);
                if next.is_none() {
                    return Ok(Ok(entries));
                }
                marker = next;
            }
            Ok(Err("it does not end".into()))
        })
    }

    fn within<T>(
        &self,
        call: &IamCall<'_>,
        bounds: Bounds,
        send: impl AsyncFnOnce(Wire) -> Result<Result<T, String>, Outcome>,
    ) -> Result<T, AwsError> {
        let action = call.common.action;
        log::step(format_args!("call {} for {action}", self.endpoint()));
        let ended = self.0.run(call, bounds, send, |read, _| read);
        match &ended {
            Ok(_) => log::step(format_args!("IAM answered {action}")),
            Err(e) => log::step(format_args!("IAM did not answer {action} ({:?}): {}", e.kind, e.cause)),
        }
        ended
    }

    /// Sends a call, and again where that is allowed and may help.
    async fn send<T>(
        &self,
        wire: &Wire,
        call: &IamCall<'_>,
        further: &[Parameter<'_>],
        read: &impl Fn(&Element<'_>) -> Result<T, String>,
    ) -> Result<Result<T, String>, Outcome> {
        let parameters = [&call.parameters, further].concat();
        with_retries(&call.common, wire, async || self.attempt(wire, call, &parameters, read).await).await
    }

    async fn attempt<T>(
        &self,
        wire: &Wire,
        call: &IamCall<'_>,
        parameters: &[Parameter<'_>],
        read: &impl Fn(&Element<'_>) -> Result<T, String>,
    ) -> Result<Result<T, String>, Outcome> {
        let request = signed(&call.common, parameters, self.0.clock().now());
        let request = request.map_err(|why| Outcome::NotBuilt(why.to_string()))?;
        // What went wrong on the way, the wire has seen.
        let response = wire.call(request).await.map_err(|_| Outcome::Wordless)?;
        let root = xml::parse(response.body().bytes().unwrap_or_default()).map_err(|_| Outcome::Wordless)?;
        if !response.status().is_success() {
            return Err(answer::error(&root).unwrap_or(Outcome::Wordless));
        }
        let action = call.common.action;
        if !root.is(&format!("{action}Response")) {
            return Err(Outcome::Wordless);
        }
        Ok(root.find(&format!("{action}Result")).and_then(|result| read(result.unwrap_or(&root))))
    }
}

impl Iam for IamClient {
    fn list_access_keys(&self, signer: Signer<'_>, user: &UserName, bounds: Bounds) -> Result<Vec<KeyInfo>, AwsError> {
        let call = self.call("ListAccessKeys", signer, [of_user(user)]);
        self.list(&call, "AccessKeyMetadata", bounds, |entry| answer::key_info(entry, user))
    }

    fn create_access_key(&self, signer: Signer<'_>, user: &UserName, bounds: Bounds) -> Result<AccessKey, AwsError> {
        let call = self.call("CreateAccessKey", signer, [of_user(user)]).once();
        self.run(&call, bounds, |result| answer::new_key(result, user))
    }

    fn set_access_key_active(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        id: &AccessKeyId,
        active: bool,
        bounds: Bounds,
    ) -> Result<(), AwsError> {
        let status = if active { "Active" } else { "Inactive" };
        let parameters = [of_user(user), ("AccessKeyId", id.as_str()), ("Status", status)];
        self.change(&self.call("UpdateAccessKey", signer, parameters), bounds)
    }

    fn delete_access_key(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        id: &AccessKeyId,
        bounds: Bounds,
    ) -> Result<(), AwsError> {
        let call = self.call("DeleteAccessKey", signer, [of_user(user), ("AccessKeyId", id.as_str())]);
        self.change(&call.once(), bounds)
    }

    fn access_key_last_used(
        &self,
        signer: Signer<'_>,
        id: &AccessKeyId,
        bounds: Bounds,
    ) -> Result<Option<LastUsed>, AwsError> {
        let call = self.call("GetAccessKeyLastUsed", signer, [("AccessKeyId", id.as_str())]);
        self.run(&call, bounds, answer::last_used)
    }

    fn list_mfa_devices(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        bounds: Bounds,
    ) -> Result<Vec<MfaDevice>, AwsError> {
        let call = self.call("ListMFADevices", signer, [of_user(user)]);
        self.list(&call, "MFADevices", bounds, |entry| answer::device(entry, user, signer))
    }

    fn create_virtual_mfa_device(
        &self,
        signer: Signer<'_>,
        name: &DeviceName,
        bounds: Bounds,
    ) -> Result<VirtualDevice, AwsError> {
        let call = self.call("CreateVirtualMFADevice", signer, [("VirtualMFADeviceName", name.as_str())]).once();
        self.run(&call, bounds, |result| answer::virtual_device(result, name, signer))
    }

    fn enable_mfa_device(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        serial: &MfaSerial,
        codes: [&MfaCode; 2],
        bounds: Bounds,
    ) -> Result<(), AwsError> {
        self.change(&self.call("EnableMFADevice", signer, of_device(user, serial)).carrying(codes), bounds)
    }

    fn resync_mfa_device(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        serial: &MfaSerial,
        codes: [&MfaCode; 2],
        bounds: Bounds,
    ) -> Result<(), AwsError> {
        self.change(&self.call("ResyncMFADevice", signer, of_device(user, serial)).carrying(codes), bounds)
    }

    fn deactivate_mfa_device(
        &self,
        signer: Signer<'_>,
        user: &UserName,
        serial: &MfaSerial,
        bounds: Bounds,
    ) -> Result<(), AwsError> {
        self.change(&self.call("DeactivateMFADevice", signer, of_device(user, serial)).once(), bounds)
    }

    fn delete_virtual_mfa_device(
        &self,
        signer: Signer<'_>,
        serial: &MfaSerial,
        bounds: Bounds,
    ) -> Result<(), AwsError> {
        let call = self.call("DeleteVirtualMFADevice", signer, [("SerialNumber", serial.as_str())]);
        self.change(&call.once(), bounds)
    }

    fn list_account_aliases(&self, signer: Signer<'_>, bounds: Bounds) -> Result<Vec<String>, AwsError> {
        self.list(&self.call("ListAccountAliases", signer, []), "AccountAliases", bounds, answer::alias)
    }
}

fn of_user(user: &UserName) -> Parameter<'_> {
    ("UserName", user.as_str())
}

fn of_device<'a>(user: &'a UserName, serial: &'a MfaSerial) -> [Parameter<'a>; 2] {
    [of_user(user), ("SerialNumber", serial.as_str())]
}
