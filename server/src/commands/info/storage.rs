//! `# Storage`: what Redis has no word for.

use storage::compress;

use super::Fields;
use crate::command::Ctx;

/// `# Storage`
pub(super) fn print(cx: &mut Ctx<'_>, out: &mut Fields<'_>) {
    let compression = compress::stats();
    out.put("compressed_keys", compression.keys);
    out.ratio("compression_ratio", compression.ratio());
    out.put("compression_saved_bytes", compression.saved_bytes());
    out.put("active_expire_lag_ms", cx.server.stats.expire_lag_ms.get());
}
