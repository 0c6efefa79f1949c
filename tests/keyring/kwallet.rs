//! A real KWallet as the Secret Service.

use std::fs;
use std::process::Stdio;

use crate::desk::{Desk, USER, wait_for};
use crate::probe::{Which, need};

#[test]
#[ignore = "long: starts KWallet"]
fn a_fresh_one_lacks_a_default_wallet_and_says_so() {
    need("kwalletd5", "libkf5wallet-bin");
    let desk = Desk::with_bus_that_starts_nothing();
    fs::create_dir(desk.at("home/.config")).unwrap();
    let settings = "[Wallet]\nEnabled=true\nFirst Use=false\nDefault Wallet=kdewallet\n";
    fs::write(desk.at("home/.config/kwalletrc"), settings).unwrap();
    let mut program = desk.command("kwalletd5");
    program.env("QT_QPA_PLATFORM", "offscreen").stdout(Stdio::null()).stderr(Stdio::null());
    let mut kwallet = program.spawn().unwrap();
    let bus = ["call", "--session", "-d", "org.freedesktop.DBus", "-o", "/org/freedesktop/DBus", "-m"];
    let owned = ["org.freedesktop.DBus.NameHasOwner", "org.freedesktop.secrets"];
    wait_for("KWallet", || desk.run("gdbus", &[&bus[..], &owned].concat(), "").contains("true"));
    let answers = ["read", "write", "users"].map(|verb| desk.call(Which::Desktop, verb, USER, b"new").text);
    kwallet.kill().unwrap();
    kwallet.wait().unwrap();
    for answer in answers {
        assert!(answer.starts_with("NoService(") && answer.contains("KWalletManager"), "{answer}");
    }
}
