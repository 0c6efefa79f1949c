//! What the errors of keyring-core's stores mean here. Some of them carry the raw secret, so none is ever printed.

use keyring_core::Error;

use super::StoreError;

/// Returns our outcome. `of_platform` gives meaning to the system's own error, boxed in two of the variants.
pub fn meaning(
    error: Error,
    written: usize,
    of_platform: fn(&(dyn std::error::Error + Send + Sync + 'static)) -> StoreError,
) -> StoreError {
    match error {
        Error::NoEntry => StoreError::Absent,
        Error::PlatformFailure(inner) | Error::NoStorageAccess(inner) => of_platform(inner.as_ref()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => StoreError::Damaged("it has another format".into()),
        Error::BadStoreFormat(_) => StoreError::Damaged("the store itself cannot be read".into()),
        Error::Ambiguous(entries) => StoreError::Damaged(format!("{} items with that name", entries.len())),
        Error::TooLong(..) => StoreError::TooLarge(written),
        Error::Invalid(what, _) => StoreError::Refused(format!("it does not accept this {what}")),
        Error::NotSupportedByStore(_) => StoreError::Refused("it does not support this".into()),
        _ => StoreError::Refused("no reason given".into()),
    }
}
