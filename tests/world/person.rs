//! Somebody at a terminal who answers whatever is asked.

use std::time::{Duration, Instant};

use super::{Device, Ran, Terminal, World};

/// Generous: codes are waited for.
const HANG: Duration = Duration::from_secs(240);

/// One question again and again is no conversation.
const MOST: usize = 60;

/// How long a code is shown, in seconds.
const STEP: i64 = 30;

/// What to type when the terminal shows a text.
pub type Answer<'a> = (&'a str, Box<dyn FnMut() -> String + 'a>);

/// Always the same line.
pub fn line<'a>(asked: &'a str, typed: &'a str) -> Answer<'a> {
    (asked, Box::new(move || format!("{typed}\n")))
}

/// The codes that an enrollment asks for, and those of sessions, of the device that this user has or is getting.
pub fn codes<'a>(world: &'a World, user: &'a str) -> [Answer<'a>; 3] {
    let at = move |later: i64| {
        let code = getting(world).and_then(|serial| world.sandbox.code_at(&serial, world.sandbox.now() + later));
        code.unwrap_or_else(|| "000000".into()) + "\n"
    };
    let mut typed = String::new();
    let of_session = move || {
        let serial = world.sandbox.devices_of(user).into_iter().map(|device| device.serial).next();
        let serial = serial.expect("the user has a device");
        let (mut code, asked_in) = (world.code_of(&serial), world.sandbox.now() / STEP);
        // One that was refused, because AWS did not know the device yet, is not typed again. It may have been the code of
        // the next step, which would be the unused one for a minute.
        while code == typed {
            std::thread::sleep(Duration::from_millis(200));
            let now = world.sandbox.now();
            code = if now / STEP == asked_in {
                world.code_of(&serial)
            } else {
                world.sandbox.code_at(&serial, now + STEP).expect("the device exists")
            };
        }
        typed = code.clone();
        code + "\n"
    };
    [
        ("first code (", Box::new(move || at(0))),
        ("second code, the next one: ", Box::new(move || at(STEP))),
        ("MFA code for ", Box::new(of_session)),
    ]
}

/// The device that is being enrolled: the newest one that is not enabled.
fn getting(world: &World) -> Option<String> {
    let serial = |device: Device| device.owner.is_none().then_some(device.serial);
    world.sandbox.devices().into_iter().filter_map(serial).max()
}

/// Answers until the command ends; everything that was shown on the terminal, and what was printed.
#[track_caller]
pub fn answering(world: &World, mut terminal: Terminal, mut answers: Vec<Answer<'_>>) -> (String, Ran) {
    let (end, mut read, mut typed_lines) = (Instant::now() + HANG, 0, 0);
    while !terminal.has_ended() {
        let shown = terminal.shown();
        assert!(Instant::now() < end && typed_lines < MOST, "hangs: {shown}");
        let new = &shown[read..];
        let next = answers.iter_mut().filter_map(|(asked, typed)| Some((new.find(*asked)? + asked.len(), typed)));
        match next.min_by_key(|(at, _)| *at) {
            Some((at, typed)) => {
                (read, typed_lines) = (read + at, typed_lines + 1);
                let typed = typed();
                terminal.types(&typed);
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let (shown, ran) = terminal.shown_after_end();
    (shown, world.tidy(ran))
}
