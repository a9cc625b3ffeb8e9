//! Makes a sequence that fails shorter, for as long as it fails.

use std::time::Instant;

/// The shortest part of `steps` that was found to fail, until `end`. Parts are
/// taken out, large ones first: what is left fails, and with any one step less
/// (if there was time) it does not.
pub(super) fn shrink<S: Clone>(
    mut steps: Vec<S>,
    end: Instant,
    fails: &mut dyn FnMut(&[S]) -> bool,
) -> Vec<S> {
    let mut size = steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        let mut has_shrunk = false;
        while at < steps.len() {
            if Instant::now() >= end {
                return steps;
            }
            let mut shorter = steps[..at].to_vec();
            shorter.extend_from_slice(&steps[(at + size).min(steps.len())..]);
            if fails(&shorter) {
                steps = shorter;
                has_shrunk = true;
            } else {
                at += size;
            }
        }
        // Steps that are needed by ones which have gone may go now.
        size = if size == 1 && has_shrunk { 1 } else { size / 2 };
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_not_needed_goes() {
        let end = Instant::now() + Duration::from_secs(10);
        let mut fails = |steps: &[u32]| {
            let at = |wanted| steps.iter().position(|step| *step == wanted);
            at(17).is_some_and(|first| at(83).is_some_and(|second| first < second))
        };
        assert_eq!(shrink((0..100).collect(), end, &mut fails), [17, 83]);
        assert_eq!(shrink(vec![17, 83], end, &mut fails), [17, 83]);
    }

    #[test]
    fn time_ends_it() {
        let mut asked = 0;
        let steps = shrink(vec![1, 2, 3], Instant::now(), &mut |_| {
            asked += 1;
            true
        });
        assert_eq!((steps.len(), asked), (3, 0));
    }
}
