//! Entity tags, and the conditions that requests make of them.

use axum::http::{HeaderMap, HeaderName, header};
use kumo_files::Condition;

/// The tags of a header; None where there is no such header.
#[derive(Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`
    Any,
    /// `"a", W/"b"`: what stands in the quotes, and whether it is weak.
    These(Vec<(String, bool)>),
}

impl Tags {
    pub fn of(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let mut tags = Vec::new();
        let mut any = false;
        let mut present = false;
        for value in headers.get_all(name) {
            present = true;
            let mut rest = value.to_str().unwrap_or_default().trim();
            any |= rest == "*";
            while let Some((weak, tag, behind)) = next(rest) {
                tags.push((tag.to_owned(), weak));
                rest = behind;
            }
        }
        present.then_some(if any { Self::Any } else { Self::These(tags) })
    }

    /// As If-None-Match compares: weak tags match too.
    pub fn weakly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|(other, _)| other == tag),
        }
    }

    /// As If-Match compares.
    pub fn strongly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|(other, weak)| !weak && other == tag),
        }
    }
}

/// The first tag of a list, and what follows it.
fn next(list: &str) -> Option<(bool, &str, &str)> {
    let list = list.trim_start_matches([' ', '\t', ',']);
    let (weak, list) = match list.strip_prefix("W/") {
        Some(list) => (true, list),
        None => (false, list),
    };
    let (tag, rest) = list.strip_prefix('"')?.split_once('"')?;
    Some((weak, tag, rest))
}

/// What a PUT or a DELETE asks of the file that is there.
pub fn condition(headers: &HeaderMap) -> Condition {
    match Tags::of(headers, header::IF_MATCH) {
        Some(Tags::Any) => return Condition::Present,
        Some(Tags::These(tags)) => {
            let strong = tags.into_iter().filter(|(_, weak)| !weak).map(|(tag, _)| tag);
            return Condition::OneOf(strong.collect());
        }
        None => {}
    }
    match Tags::of(headers, header::IF_NONE_MATCH) {
        Some(Tags::Any) => Condition::New,
        _ => Condition::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(value: &str) -> Option<Tags> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, value.parse().unwrap());
        Tags::of(&headers, header::IF_MATCH)
    }

    #[test]
    fn lists_of_tags() {
        let list = tags(r#""a", W/"b","c d""#).unwrap();
        assert!(list.strongly("a") && list.strongly("c d") && !list.strongly("b"));
        assert!(list.weakly("b") && !list.weakly("d"));
        assert_eq!(tags("*"), Some(Tags::Any));
        for none in ["", "a", "\"a", "W/", ",,", "W/a\""] {
            assert_eq!(tags(none), Some(Tags::These(vec![])), "{none}");
        }
        assert_eq!(Tags::of(&HeaderMap::new(), header::IF_MATCH), None);
    }

    #[test]
    fn conditions() {
        let of = |name, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert::<HeaderName>(name, value.parse().unwrap());
            condition(&headers)
        };
        assert_eq!(of(header::IF_MATCH, "*"), Condition::Present);
        assert_eq!(of(header::IF_MATCH, "\"a\""), Condition::OneOf(vec!["a".to_owned()]));
        assert_eq!(of(header::IF_MATCH, "W/\"a\""), Condition::OneOf(vec![]));
        assert_eq!(of(header::IF_NONE_MATCH, "*"), Condition::New);
        assert_eq!(of(header::IF_NONE_MATCH, "\"a\""), Condition::Any);
    }
}
