//! `# CPU`

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::unistd::{SysconfVar, sysconf};

use super::Fields;
use crate::command::Ctx;

/// `# CPU`: seconds of processor time, in the kernel and out of it.
pub(super) fn print(_: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let mut put = |name: &str, time: Option<TimeVal>| {
        let time = time.unwrap_or_else(|| TimeVal::new(0, 0));
        out.put(
            name,
            format_args!("{}.{:06}", time.tv_sec(), time.tv_usec()),
        );
    };
    let own = getrusage(UsageWho::RUSAGE_SELF).ok();
    put("used_cpu_sys", own.as_ref().map(Usage::system_time));
    put("used_cpu_user", own.as_ref().map(Usage::user_time));
    let children = getrusage(UsageWho::RUSAGE_CHILDREN).ok();
    put(
        "used_cpu_sys_children",
        children.as_ref().map(Usage::system_time),
    );
    put(
        "used_cpu_user_children",
        children.as_ref().map(Usage::user_time),
    );
    let (system, user) = main_thread().unwrap_or_default();
    out.put("used_cpu_sys_main_thread", format_args!("{system:.6}"));
    out.put("used_cpu_user_main_thread", format_args!("{user:.6}"));
}

/// Seconds of the thread that accepts connections, as the system counts them (proc(5)).
fn main_thread() -> Option<(f64, f64)> {
    let id = std::process::id();
    let text = std::fs::read_to_string(format!("/proc/self/task/{id}/stat")).ok()?;
    // The name in parentheses may hold anything: counted from behind it, user time is the 12th field.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / ticks_per_second());
    let user = seconds()?;
    Some((seconds()?, user))
}

fn ticks_per_second() -> f64 {
    sysconf(SysconfVar::CLK_TCK)
        .ok()
        .flatten()
        .map_or(100.0, |ticks| ticks as f64)
}
