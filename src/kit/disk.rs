//! A process whose disk fails: system calls that answer with EIO.
//!
//! A filter of the kernel's (seccomp) makes them fail, in all threads and for
//! good; so it is a process of its own, which tells what it has seen on its
//! standard output. Only calls with a descriptor above the standard ones fail.

mod role;

pub(super) use role::{DATABASE, RECORDS, change, play, record};

use super::{Outcome, Stop, context::Context, fail};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};
use std::{env::consts::ARCH, error::Error, fs};

/// The role of the process.
pub(super) const ROLE: &str = "role-disk";

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// What writes to files, or makes room in them.
    Writes,
    /// What brings them to the disk.
    Syncs,
    /// What reads from them.
    Reads,
}

impl Failing {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Writes, "writes"), (Self::Syncs, "syncs"), (Self::Reads, "reads")];

    fn calls(self) -> &'static [c_long] {
        match self {
            Self::Writes => &[
                libc::SYS_write,
                libc::SYS_pwrite64,
                libc::SYS_writev,
                libc::SYS_pwritev,
                libc::SYS_pwritev2,
                libc::SYS_ftruncate,
                libc::SYS_fallocate,
                libc::SYS_copy_file_range,
                libc::SYS_sendfile,
            ],
            Self::Syncs => &[libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_sync_file_range],
            Self::Reads => &[
                libc::SYS_read,
                libc::SYS_pread64,
                libc::SYS_readv,
                libc::SYS_preadv,
                libc::SYS_preadv2,
            ],
        }
    }

    /// Has the calls fail from now on.
    fn begin(self) -> Outcome {
        self.filter()
            .map_err(|error| Stop::Skipped(format!("no filter of system calls here: {error}")))
    }

    fn filter(self) -> Result<(), Box<dyn Error>> {
        let a_file = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Gt, 2)?;
        let rule = SeccompRule::new(vec![a_file])?;
        let mut rules: Vec<_> =
            self.calls().iter().map(|&call| (call, vec![rule.clone()])).collect();
        if self == Self::Syncs {
            // Its first argument is an address.
            rules.push((libc::SYS_msync, vec![]));
        }
        let fails = SeccompAction::Errno(libc::EIO as u32);
        let filter = SeccompFilter::new(
            rules.into_iter().collect(),
            SeccompAction::Allow,
            fails,
            ARCH.try_into()?,
        )?;
        apply_filter_all_threads(&BpfProgram::try_from(filter)?)?;
        Ok(())
    }
}

/// Runs the process. Of each change, whether it was acknowledged: `true`.
pub(super) fn run(context: &Context, failing: Failing) -> Outcome<Vec<String>> {
    const OUTPUT: &str = "disk";
    let Some((_, name)) = Failing::ALL.iter().find(|(each, _)| *each == failing) else {
        fail!("{failing:?} has no name")
    };
    let mut command = context.command(ROLE, &[name], OUTPUT)?;
    let status = command.status()?;
    let output = fs::read_to_string(context.path(OUTPUT))?;
    if let Some(reason) = output.lines().find_map(|line| line.strip_prefix(role::SKIPPED)) {
        return Err(Stop::Skipped(reason.to_owned()));
    }
    if !status.success() {
        fail!("with failing {name}: {}", output.lines().last().unwrap_or(&status.to_string()));
    }
    Ok(output
        .lines()
        .filter_map(|line| line.strip_prefix(role::CHANGE))
        .map(str::to_owned)
        .collect())
}
