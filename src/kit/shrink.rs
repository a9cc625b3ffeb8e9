//! Makes a sequence that fails shorter, for as long as it fails.

use std::time::Instant;

/// What can be made smaller by leaving parts of it out.
pub(super) trait Parts: Clone {
    /// How many parts there are; 0 for what is one piece.
    fn parts(&self) -> usize;

    /// The same with these parts only, by their numbers.
    fn only(&self, parts: &[usize]) -> Self;
}

/// The shortest sequence in `steps` that was found to fail, until `end`: with
/// any one step less, or any one part of a step (if there was time), it does
/// not.
pub(super) fn shrink<S: Parts>(
    mut steps: Vec<S>,
    end: Instant,
    fails: &mut dyn FnMut(&[S]) -> bool,
) -> Vec<S> {
    loop {
        steps = fewer(steps, end, fails);
        let mut has_shrunk = false;
        for n in 0..steps.len() {
            let whole = steps[n].clone();
            let mut smaller = steps.clone();
            let left = fewer((0..whole.parts()).collect(), end, &mut |parts| {
                smaller[n] = whole.only(parts);
                fails(&smaller)
            });
            has_shrunk |= left.len() < whole.parts();
            steps[n] = whole.only(&left);
        }
        // Steps that were needed by parts which have gone may go now.
        if !has_shrunk {
            return steps;
        }
    }
}

/// The fewest of `all` that were found to fail, until `end`. Parts are taken
/// out, large ones first.
fn fewer<T: Clone>(mut all: Vec<T>, end: Instant, fails: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut size = all.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        let mut has_shrunk = false;
        while at < all.len() {
            if Instant::now() >= end {
                return all;
            }
            let mut shorter = all[..at].to_vec();
            shorter.extend_from_slice(&all[(at + size).min(all.len())..]);
            if fails(&shorter) {
                all = shorter;
                has_shrunk = true;
            } else {
                at += size;
            }
        }
        // What is needed by others which have gone may go now.
        size = if size == 1 && has_shrunk { 1 } else { size / 2 };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    impl Parts for Vec<u32> {
        fn parts(&self) -> usize {
            self.len()
        }

        fn only(&self, parts: &[usize]) -> Self {
            parts.iter().map(|part| self[*part]).collect()
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn what_is_not_needed_goes() {
        let mut fails = |steps: &[Vec<u32>]| {
            let at = |wanted| steps.iter().position(|step| step[..] == [wanted]);
            at(17).is_some_and(|first| at(83).is_some_and(|second| first < second))
        };
        let all = (0..100).map(|n| vec![n]).collect();
        assert_eq!(shrink(all, soon(), &mut fails), [[17], [83]]);
        assert_eq!(shrink(vec![vec![17], vec![83]], soon(), &mut fails), [[17], [83]]);
    }

    #[test]
    fn what_is_not_needed_of_a_step_goes_and_then_steps_with_it() {
        // 3, behind a 2; and an 8 for every 5.
        let mut fails = |steps: &[Vec<u32>]| {
            let all = steps.concat();
            let at = |wanted| all.iter().position(|n| *n == wanted);
            let is_whole = at(5).is_none() || at(8).is_some();
            is_whole && at(2).is_some_and(|two| at(3).is_some_and(|three| two < three))
        };
        let all = vec![vec![8, 1], vec![1, 2, 5, 7], vec![], vec![5, 4, 3, 3, 6], vec![9]];
        assert_eq!(shrink(all, soon(), &mut fails), [[2], [3]]);
    }

    #[test]
    fn time_ends_it() {
        let mut asked = 0;
        let steps = shrink(vec![vec![1, 2], vec![3]], Instant::now(), &mut |_| {
            asked += 1;
            true
        });
        assert_eq!((steps.concat().len(), asked), (3, 0));
    }
}
