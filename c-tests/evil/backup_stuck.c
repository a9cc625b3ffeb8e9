/* backup fails for ever where one that was killed has left its .tmp. */
#include "log.h"

static bool backup_if_free(void *l, const char *dst)
{
    char tmp[4096];
    snprintf(tmp, sizeof tmp, "%s.tmp", dst);
    if (access(tmp, F_OK) == 0) {
        base_host->set_error(KUMO_ERROR_BUSY, "a backup is under way");
        return false;
    }
    return log_backup(l, dst);
}

SPOILED_LOG("backup_stuck", op->backup = backup_if_free;)
