//! What is mapped otherwise, where its words are a model's.

use std::io;

pub(crate) struct Words<T>(Box<[T]>);

impl<T: Default> Words<T> {
    pub fn reserve(len: usize) -> io::Result<Self> {
        Ok(Self((0..len).map(|_| T::default()).collect()))
    }

    #[allow(dead_code)]
    pub fn prefetch(&self, _at: usize) {}

    pub fn all(&self) -> &[T] {
        &self.0
    }
}
