//! Changes that belong together, and how they are written down as one record.
//!
//! ```text
//! keylen 4 | key | 0                     a delete
//! keylen 4 | key | 1 | vallen 4 | value  a put
//! ```

use crate::record::{self, Space};
use kumo::host::{Change, ErrorCode, Failure};

/// Puts and deletes, to be carried out in order, all or none.
#[derive(Default, Debug, PartialEq)]
pub struct Changes(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Changes {
    /// Stores data under a key.
    pub fn put(&mut self, space: Space, key: &[u8], order: u64, data: &[u8]) {
        let key = record::key(space, key);
        let value = record::value(&key, order, data);
        self.0.push((key, Some(value)));
    }

    /// Deletes a key, if it is there.
    pub fn delete(&mut self, space: Space, key: &[u8]) {
        self.0.push((record::key(space, key), None));
    }

    /// As the host takes them.
    pub fn as_host(&self) -> Vec<Change<'_>> {
        fn change(it: &(Vec<u8>, Option<Vec<u8>>)) -> Change<'_> {
            match it {
                (key, Some(value)) => Change::Put(key, value),
                (key, None) => Change::Delete(key),
            }
        }
        self.0.iter().map(change).collect()
    }

    /// As the data of one record.
    pub fn encode(&self) -> Result<Vec<u8>, Failure> {
        let mut data = Vec::new();
        let bytes = |data: &mut Vec<u8>, bytes: &[u8]| {
            let len = u32::try_from(bytes.len()).map_err(|_| {
                Failure::new(ErrorCode::Invalid, "keys and values have at most 4 GiB - 1")
            })?;
            data.extend_from_slice(&len.to_be_bytes());
            data.extend_from_slice(bytes);
            Ok::<_, Failure>(())
        };
        for (key, value) in &self.0 {
            bytes(&mut data, key)?;
            data.push(u8::from(value.is_some()));
            if let Some(value) = value {
                bytes(&mut data, value)?;
            }
        }
        Ok(data)
    }

    /// From the data of one record.
    pub fn decode(mut data: &[u8]) -> Result<Self, Failure> {
        let mut changes = Vec::new();
        while !data.is_empty() {
            let change = (|| {
                let key = take(&mut data)?;
                let (put, rest) = data.split_first()?;
                data = rest;
                let value = if *put == 1 { Some(take(&mut data)?) } else { None };
                Some((key, value))
            })();
            changes.push(change.ok_or_else(|| {
                Failure::new(ErrorCode::Corrupt, "the commit record ends within a change")
            })?);
        }
        Ok(Self(changes))
    }
}

fn take(data: &mut &[u8]) -> Option<Vec<u8>> {
    let (len, rest) = data.split_first_chunk()?;
    let (bytes, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
    *data = rest;
    Some(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut changes = Changes::default();
        changes.put(Space::Data, b"a", 1, b"value");
        changes.delete(Space::Data, b"b");
        changes.put(Space::Data, b"", 2, b"");
        let data = changes.encode().unwrap();
        assert_eq!(Changes::decode(&data).unwrap(), changes);
        assert!(Changes::decode(&data[..data.len() - 1]).is_err());
        assert_eq!(Changes::decode(&[]).unwrap(), Changes::default());
    }
}
