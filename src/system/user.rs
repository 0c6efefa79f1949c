//! Who runs us, where the environment does not say.

/// `uid-1000`: a name that is the same in every run of this user.
pub fn number() -> String {
    #[cfg(unix)]
    return format!("uid-{}", super::platform::effective_uid());
    #[cfg(not(unix))]
    return "user".into();
}
