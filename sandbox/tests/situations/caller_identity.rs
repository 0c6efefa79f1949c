//! `GetCallerIdentity` for everybody who can call.

use twolock_sandbox::{NewUser, Role};

use crate::wire::{ACCOUNT, Client, World};

#[test]
fn user_root_session_and_role_say_who_they_are() {
    let world = World::new();
    let arn = &world.alice.arn;
    let root = world.sandbox.add_root(ACCOUNT);
    let role = world.sandbox.add_role(Role { path: "/team/".to_owned(), ..Role::trusting(ACCOUNT, "dev", arn) });
    let root_client = Client::new(&world.sandbox, &root);
    let root_session = root_client.with(&root_client.get_session_token(&[]));
    let assumed = world.alice().assume_role(&role, &[]);
    let rows = [
        ("user", world.alice(), arn.clone(), world.alice.user_id.clone()),
        ("session", world.alice_with_mfa(), arn.clone(), world.alice.user_id.clone()),
        ("root", root_client, root.arn.clone(), ACCOUNT.to_owned()),
        ("root's session", root_session, root.arn.clone(), ACCOUNT.to_owned()),
        (
            "role",
            world.alice().with(&assumed),
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/dev/work"),
            assumed.need("AssumedRoleId"),
        ),
    ];
    for (situation, client, arn, id) in rows {
        let who = client.who();
        assert_eq!(who.need("Arn"), arn, "{situation}");
        assert_eq!(who.need("UserId"), id, "{situation}");
        assert_eq!(who.need("Account"), ACCOUNT, "{situation}");
    }
    assert_eq!(world.sandbox.count_by(arn), 4);
    assert_eq!(world.sandbox.count("GetCallerIdentity"), 5);
}

#[test]
fn names_keep_their_partition() {
    let world = World::new();
    let user = world
        .sandbox
        .add(NewUser { arn: format!("arn:aws-us-gov:iam::{ACCOUNT}:user/gale"), ..NewUser::default() })
        .unwrap();
    let device = world.sandbox.add_device(&user.arn, "phone");
    assert_eq!(device.serial, format!("arn:aws-us-gov:iam::{ACCOUNT}:mfa/phone"));
    let role = world.sandbox.add_role(Role {
        partition: "aws-us-gov".to_owned(),
        ..Role::trusting(ACCOUNT, "dev", &format!("arn:aws-us-gov:iam::{ACCOUNT}:root"))
    });
    let client = Client { region: "us-gov-west-1".to_owned(), ..Client::new(&world.sandbox, &user) };
    assert_eq!(client.who().need("Arn"), user.arn);
    let assumed = client.assume_role(&role, &[]);
    assert_eq!(client.with(&assumed).who().need("Arn"), format!("arn:aws-us-gov:sts::{ACCOUNT}:assumed-role/dev/work"));
}
