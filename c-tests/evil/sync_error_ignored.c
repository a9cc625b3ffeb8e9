/* sync answers true, whatever fsync says. */
#include "log.h"

static bool sync_blindly(void *l)
{
    return fsync(log_find(l)->fd) == 0 || true;
}

SPOILED_LOG("sync_error_ignored", plugin->sync = sync_blindly;)
