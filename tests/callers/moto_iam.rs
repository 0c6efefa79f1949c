//! Our requests to IAM as moto's IAM reads them, and its answers as we do. It checks neither codes nor secrets.

use twolock::internals::{
    AccessKey, AccessKeyId, Bounds, DeviceKind, DeviceName, EndpointRequest, HttpSettings, Iam, IamClient, KeyStatus,
    MfaCode, Origin, Partition, Region, Secret, Service, Signer, Sourced, UserName, resolve,
};

use crate::adopted::run_aws;
use crate::moto::Moto;
use crate::world::World;

fn client(url: &str) -> IamClient {
    let request = EndpointRequest {
        service: Service::Iam,
        partition: Partition::Aws,
        region: Region::parse("eu-west-1").unwrap(),
        fips: false,
        dualstack: false,
        given: Some(Sourced { value: url.into(), origin: Origin::Variable("AWS_ENDPOINT_URL_IAM") }),
    };
    IamClient::new(resolve(&request, &[]).unwrap(), HttpSettings::default())
}

#[test]
fn keys_and_devices_of_a_foreign_iam_are_created_listed_and_removed() {
    let moto = Moto::start();
    let world = World::new();
    world.write(".aws/config", "[default]\nregion = us-east-1\n");
    world.write(".aws/credentials", "[default]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = x\n");
    let made = run_aws(&world, &["iam", "create-user", "--user-name", "ana", "--endpoint-url", moto.url()]);
    assert_eq!(made.code, 0, "{made:?}");
    let iam = client(moto.url());
    let key = AccessKey { id: AccessKeyId::parse("AKIAI44QH8DHBEXAMPLE").unwrap(), secret: Secret::new("x".into()) };
    let (signer, user, bounds) = (Signer::Key(&key), UserName::parse("ana").unwrap(), Bounds::CALL);

    let new = iam.create_access_key(signer, &user, bounds).unwrap();
    assert_eq!(iam.access_key_last_used(signer, &new.id, bounds).unwrap(), None);
    iam.set_access_key_active(signer, &user, &new.id, false, bounds).unwrap();
    let listed = iam.list_access_keys(signer, &user, bounds).unwrap();
    assert_eq!(listed.iter().map(|key| (&key.id, key.status)).collect::<Vec<_>>(), [(&new.id, KeyStatus::Inactive)]);
    iam.delete_access_key(signer, &user, &new.id, bounds).unwrap();
    assert_eq!(iam.list_access_keys(signer, &user, bounds).unwrap(), []);

    let device = iam.create_virtual_mfa_device(signer, &DeviceName::parse("ana").unwrap(), bounds).unwrap();
    let codes = ["123456", "234567"].map(|digits| MfaCode::parse(digits).unwrap());
    let codes = [&codes[0], &codes[1]];
    iam.enable_mfa_device(signer, &user, &device.serial, codes, bounds).unwrap();
    let listed = iam.list_mfa_devices(signer, &user, bounds).unwrap();
    assert_eq!(
        listed.iter().map(|it| (&it.serial, it.kind)).collect::<Vec<_>>(),
        [(&device.serial, DeviceKind::Virtual)]
    );
    iam.deactivate_mfa_device(signer, &user, &device.serial, bounds).unwrap();
    iam.delete_virtual_mfa_device(signer, &device.serial, bounds).unwrap();
    assert_eq!(iam.list_mfa_devices(signer, &user, bounds).unwrap(), []);

    assert_eq!(iam.list_account_aliases(signer, bounds).unwrap(), Vec::<String>::new());
    let gone = iam.list_access_keys(signer, &UserName::parse("nobody").unwrap(), bounds).unwrap_err();
    assert!(gone.cause.starts_with("user 'nobody' does not exist (IAM at 127.0.0.1:"), "{}", gone.cause);
}
