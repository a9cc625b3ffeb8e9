//! What an author can get wrong in the constants of an engine: it does not
//! compile.

use crate::{
    describe::Caps,
    param::{self, is_name},
    storage::Storage,
};

/// Fails to compile where an engine's constants contradict each other.
pub(super) const fn check<S: Storage>() {
    assert!(
        is_name(S::NAME.to_bytes(), b"_-"),
        "NAME: it must have letters, digits, _ and - only, and at least one"
    );
    param::check(S::PARAMS);
    let (caps, has) = (S::CAPS, S::OPTIONAL);
    assert!(
        !caps.has(Caps::DURABLE_SYNC) || has.sync.is_some(),
        "CAPS: DURABLE_SYNC is a promise about sync, which OPTIONAL does not name"
    );
    assert!(
        !caps.has(Caps::BACKUP_BLOCKS) || has.backup.is_some(),
        "CAPS: BACKUP_BLOCKS is about backup, which OPTIONAL does not name"
    );
    assert!(
        has.seek.is_none() || caps.has(Caps::ORDERED),
        "OPTIONAL: seek shows keys in their order, so CAPS must have ORDERED"
    );
    assert!(
        !caps.has(Caps::VOLATILE) || !caps.has(Caps::DURABLE_SYNC),
        "CAPS: data in memory (VOLATILE) does not survive a loss of power (DURABLE_SYNC)"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasProc, Error, Location, Optional, Param, Value, Visit};
    use std::{ffi::CStr, panic::catch_unwind};

    /// Why an engine with these constants does not compile.
    macro_rules! refused {
        ($($name:ident: $type:ty = $value:expr;)*) => {{
            struct Bad;
            impl Storage for Bad {
                $(const $name: $type = $value;)*
                const VERSION: &'static CStr = c"0";
                const DESCRIPTION: &'static CStr = c"";
                fn open(_: &Location) -> Result<Self, Error> {
                    Ok(Self)
                }
                fn get(&self, _: &[u8]) -> Result<Option<Value<'_>>, Error> {
                    Ok(None)
                }
                fn set(&self, _: &[u8], _: &[u8]) -> Result<(), Error> {
                    Ok(())
                }
                fn del(&self, _: &[u8], _: CasProc<'_>) -> Result<bool, Error> {
                    Ok(false)
                }
                fn update(&self, _: &[u8], _: &[u8], _: CasProc<'_>) -> Result<bool, Error> {
                    Ok(true)
                }
                fn for_each(&self, _: Visit<'_>) -> Result<(), Error> {
                    Ok(())
                }
            }
            let checked = catch_unwind(check::<Bad>);
            checked.err().map_or("", |said| said.downcast_ref::<&str>().copied().unwrap_or("?"))
        }};
    }

    type Name = &'static CStr;
    type Params = &'static [Param];

    #[test]
    fn contradictions_are_named() {
        assert_eq!(refused! { NAME: Name = c"good_1-2"; }, "");
        assert!(refused! { NAME: Name = c""; }.starts_with("NAME"));
        assert!(refused! { NAME: Name = c"a b"; }.starts_with("NAME"));
        let said = refused! {
            NAME: Name = c"x";
            PARAMS: Params = &[Param::size(c"a", c"").or(c"1x")];
        };
        assert!(said.starts_with("PARAMS"), "{said}");
        let said = refused! { NAME: Name = c"x"; CAPS: Caps = Caps::DURABLE_SYNC; };
        assert!(said.contains("a promise about sync"), "{said}");
        let said = refused! { NAME: Name = c"x"; CAPS: Caps = Caps::BACKUP_BLOCKS; };
        assert!(said.contains("about backup"), "{said}");
        let said = refused! {
            NAME: Name = c"x";
            OPTIONAL: Optional<Self> = Optional { seek: Some(|_, _, _| Ok(())), ..Optional::NONE };
        };
        assert!(said.contains("CAPS must have ORDERED"), "{said}");
        let said = refused! {
            NAME: Name = c"x";
            CAPS: Caps = Caps::DURABLE_SYNC.and(Caps::VOLATILE);
            OPTIONAL: Optional<Self> = Optional { sync: Some(|_| Ok(())), ..Optional::NONE };
        };
        assert!(said.contains("does not survive"), "{said}");
    }
}
