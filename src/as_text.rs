//! Serde for parsed text in our own files.

/// Lets serde write a type by its `Display` and read it by its `parse`.
macro_rules! as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                let odd = |_| serde::de::Error::custom(concat!("not a valid ", stringify!($name)));
                $crate::as_text::Parsed::parsed($name::parse(&text)).map_err(odd)
            }
        }
    };
}
pub(crate) use as_text;

/// What a `parse` gives: a value, or why there is none.
pub(crate) trait Parsed<T> {
    fn parsed(self) -> Result<T, ()>;
}

impl<T> Parsed<T> for Option<T> {
    fn parsed(self) -> Result<T, ()> {
        self.ok_or(())
    }
}

impl<T, E> Parsed<T> for Result<T, E> {
    fn parsed(self) -> Result<T, ()> {
        self.map_err(drop)
    }
}
