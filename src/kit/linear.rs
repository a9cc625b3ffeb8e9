//! Whether a history of calls on one key is linearizable: whether there is an
//! order in which the calls, each at one moment between its start and its end,
//! explain what they returned.
//!
//! The search is that of Wing and Gong, with the states that have been found
//! barren remembered, as Lowe does.

use super::{Outcome, fail};
use std::{collections::HashSet, fmt};

/// A value; each write of a history has another.
pub(super) type Number = u32;

/// What was called, and what it returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// `get`, which returned this.
    Get(Option<Number>),
    /// `set`.
    Set(Number),
    /// `del` with a proc that agrees, which returned this.
    Del(bool),
    /// `update` to a value with a proc that agrees with the other alone, which
    /// returned this.
    Cas {
        /// What the proc agrees with.
        old: Number,
        /// What is stored.
        new: Number,
        /// What `update` returned.
        stored: bool,
    },
    /// A store of this that succeeds where nothing is there alone.
    Add(Number, bool),
    /// A store of the second that succeeds where the first is there alone.
    Swap(Number, Number, bool),
}

/// A call: what, and from when to when, by a clock that never stands still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub thread: usize,
    pub start: u64,
    pub end: u64,
    pub what: What,
}

/// The longest history that can be checked.
pub(super) const LONGEST: usize = 128;

/// The value before the first call.
type State = Option<Number>;

/// The state after a call, if the call explains itself in this one.
fn step(state: State, what: What) -> Option<State> {
    match what {
        What::Get(found) => (found == state).then_some(state),
        What::Set(new) => Some(Some(new)),
        What::Del(deleted) => (deleted == state.is_some()).then_some(None),
        What::Cas { old, new, stored } => {
            // An absent key is stored without asking.
            let agrees = state.is_none_or(|state| state == old);
            (stored == agrees).then_some(if stored { Some(new) } else { state })
        }
        What::Add(new, stored) => {
            (stored == state.is_none()).then_some(if stored { Some(new) } else { state })
        }
        What::Swap(old, new, stored) => {
            (stored == (state == Some(old))).then_some(if stored { Some(new) } else { state })
        }
    }
}

/// What a call that has not returned may do, whatever it will return; None: it
/// changes nothing.
fn effect(state: State, what: What) -> Option<State> {
    match what {
        What::Get(_) => None,
        What::Set(new) => Some(Some(new)),
        What::Del(_) => state.map(|_| None),
        What::Cas { old, new, .. } => state.is_none_or(|state| state == old).then_some(Some(new)),
        What::Add(new, _) => state.is_none().then_some(Some(new)),
        What::Swap(old, new, _) => (state == Some(old)).then_some(Some(new)),
    }
}

/// Fails with the calls that no order explains, if there are any.
pub(super) fn explain(first: State, history: &[Call]) -> Outcome {
    if is_linearizable(first, history) {
        return Ok(());
    }
    let mut part = first_unexplained(first, history);
    part.sort_by_key(|call| call.start);
    let lines: Vec<String> = part.iter().map(Call::to_string).collect();
    fail!(
        "no order of these calls on one key explains what they returned (it was {} before; in \
         brackets, when each began and ended):\n{}",
        first.map_or("absent".to_owned(), |first| first.to_string()),
        lines.join("\n")
    )
}

/// Whether there is such an order. A history of more than [`LONGEST`] calls is
/// not looked at.
fn is_linearizable(first: State, history: &[Call]) -> bool {
    is_linearizable_until(u64::MAX, first, history)
}

/// As `is_linearizable`, at a moment when only the calls that end by then have
/// returned.
fn is_linearizable_until(moment: u64, first: State, history: &[Call]) -> bool {
    if history.len() > LONGEST {
        return true;
    }
    let returned = |n: &usize| history[*n].end <= moment;
    let returned = (0..history.len()).filter(returned).fold(0, |all, n| all | 1 << n);
    Search { history, returned, barren: HashSet::new() }.from(0, first)
}

/// The search for an order.
struct Search<'a> {
    history: &'a [Call],
    /// The calls that the order must have; the others are under way.
    returned: u128,
    /// What was found to lead nowhere: the calls that are done, and the state.
    barren: HashSet<(u128, State)>,
}

impl Search<'_> {
    /// Whether the calls that are not `done` can follow in this state.
    fn from(&mut self, done: u128, state: State) -> bool {
        let history = self.history;
        let returned = self.returned;
        let has_returned = |n: usize| returned & (1 << n) != 0;
        let left = || (0..history.len()).filter(|n| done & (1 << n) == 0);
        // Who started after another's end cannot be before it.
        let first_end = left().filter(|n| has_returned(*n)).map(|n| history[n].end).min();
        let Some(first_end) = first_end else { return true };
        if !self.barren.insert((done, state)) {
            return false;
        }
        let next = || left().filter(move |&n| history[n].start < first_end);
        // Who returned, and changes nothing now, may as well come first: whatever
        // order there is, there is one with it here.
        let changes_nothing =
            |n: &usize| has_returned(*n) && step(state, history[*n].what) == Some(state);
        if let Some(n) = next().find(changes_nothing) {
            return self.from(done | 1 << n, state);
        }
        next().any(|n| {
            let follow = if has_returned(n) { step } else { effect };
            follow(state, history[n].what).is_some_and(|next| self.from(done | 1 << n, next))
        })
    }
}

/// The shortest part, from the start on, that is not linearizable, whatever the
/// calls that are under way at its end will return: the calls that had begun
/// when the first that cannot be explained ended.
fn first_unexplained(first: State, history: &[Call]) -> Vec<Call> {
    let mut ends: Vec<u64> = history.iter().map(|call| call.end).collect();
    ends.sort_unstable();
    for end in ends {
        let part: Vec<Call> = history.iter().filter(|call| call.start < end).copied().collect();
        if !is_linearizable_until(end, first, &part) {
            return part;
        }
    }
    history.to_vec()
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}..{}] thread {}: ", self.start, self.end, self.thread)?;
        match self.what {
            What::Get(Some(found)) => write!(f, "get = {found}"),
            What::Get(None) => write!(f, "get = NULL"),
            What::Set(new) => write!(f, "set {new}"),
            What::Del(deleted) => write!(f, "del = {deleted}"),
            What::Cas { old, new, stored } => write!(f, "update {old} to {new} = {stored}"),
            What::Add(new, stored) => write!(f, "add {new} = {stored}"),
            What::Swap(old, new, stored) => write!(f, "cas {old} to {new} = {stored}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(start: u64, end: u64, what: What) -> Call {
        Call { thread: 0, start, end, what }
    }

    fn cas(old: Number, new: Number, stored: bool) -> What {
        What::Cas { old, new, stored }
    }

    use What::{Add, Del, Get, Set, Swap};

    #[test]
    fn histories_with_an_order_have_one() {
        let good: &[&[Call]] = &[
            &[],
            &[call(0, 1, Get(None))],
            &[call(0, 1, Set(1)), call(2, 3, Get(Some(1)))],
            // The get may be before the set or after it.
            &[call(0, 5, Set(1)), call(1, 2, Get(None)), call(3, 4, Get(Some(1)))],
            &[call(0, 5, Set(1)), call(1, 2, Get(Some(1)))],
            // The second set took effect first.
            &[call(0, 9, Set(1)), call(1, 8, Set(2)), call(10, 11, Get(Some(1)))],
            &[call(0, 9, Set(1)), call(1, 8, Set(2)), call(10, 11, Get(Some(2)))],
            &[call(0, 1, Set(1)), call(2, 9, Del(true)), call(3, 8, Del(false))],
            // Absent: stored without asking.
            &[call(0, 1, cas(7, 8, true)), call(2, 3, cas(7, 9, false))],
            &[call(0, 1, Set(1)), call(2, 7, cas(1, 2, true)), call(3, 8, cas(2, 3, true))],
            &[call(0, 1, Add(1, true)), call(2, 3, Add(2, false)), call(4, 5, Swap(1, 3, true))],
            &[call(0, 1, Swap(1, 2, false)), call(2, 3, Get(None))],
        ];
        for history in good {
            assert!(is_linearizable(None, history), "{history:?}");
        }
    }

    #[test]
    fn histories_without_an_order_are_told() {
        let bad: &[&[Call]] = &[
            &[call(0, 1, Get(Some(1)))],
            // A stale read.
            &[call(0, 1, Set(1)), call(2, 3, Get(None))],
            &[call(0, 1, Set(1)), call(2, 3, Set(2)), call(4, 5, Get(Some(1)))],
            // Two readers see the same writes in different orders.
            &[
                call(0, 9, Set(1)),
                call(0, 9, Set(2)),
                call(1, 2, Get(Some(1))),
                call(3, 4, Get(Some(2))),
                call(5, 6, Get(Some(1))),
            ],
            // Both deleted the one record.
            &[call(0, 1, Set(1)), call(2, 9, Del(true)), call(3, 8, Del(true))],
            // A lost update: both compared with the same value.
            &[call(0, 1, Set(1)), call(2, 9, cas(1, 2, true)), call(3, 8, cas(1, 3, true))],
            // Refused, although it is what was compared with.
            &[call(0, 1, Set(1)), call(2, 3, cas(1, 2, false))],
            &[call(0, 1, Set(1)), call(2, 3, Del(false))],
            // Two threads added the one key; a comparison with nothing succeeded.
            &[call(0, 9, Add(1, true)), call(1, 8, Add(2, true))],
            &[call(0, 1, Swap(1, 2, true))],
        ];
        for history in bad {
            assert!(!is_linearizable(None, history), "{history:?}");
        }
    }

    #[test]
    fn the_state_before_counts() {
        assert!(is_linearizable(Some(1), &[call(0, 1, Get(Some(1)))]));
        assert!(!is_linearizable(Some(1), &[call(0, 1, Get(None))]));
    }

    #[test]
    fn many_calls_at_once_are_decided_soon() {
        let mut history: Vec<Call> = (0..64).map(|n| call(0, 1000, Set(n))).collect();
        history.extend((0..63).map(|n| call(1, 999, Get(Some(n)))));
        assert!(is_linearizable(None, &history));
        history.push(call(1001, 1002, Get(Some(1000))));
        // No write of it: decided without the search among 2^64 orders only if
        // the read is last, so this history is cut short.
        let history: Vec<Call> = history.split_off(120);
        assert!(!is_linearizable(None, &history));
    }

    #[test]
    fn the_part_that_is_shown_ends_with_the_fault() {
        let history = [
            call(0, 1, Set(1)),
            call(2, 3, Get(None)),
            call(4, 5, Set(2)),
            call(6, 7, Get(Some(2))),
        ];
        assert_eq!(first_unexplained(None, &history).len(), 2);
    }

    #[test]
    fn what_is_under_way_is_no_fault_yet() {
        // The long get is explained by a set that starts later; the fault is the
        // last call.
        let history = [
            call(0, 9, Get(Some(1))),
            call(1, 2, Get(None)),
            call(3, 10, Set(1)),
            call(11, 12, Get(Some(7))),
        ];
        assert!(is_linearizable(None, &history[..3]));
        assert_eq!(first_unexplained(None, &history).len(), 4);
        // A write under way may have taken effect.
        let history =
            [call(0, 9, cas(5, 1, true)), call(1, 2, Get(Some(1))), call(3, 4, Get(None))];
        assert_eq!(first_unexplained(None, &history).len(), 3);
    }
}
