/* backup replaces what stands at its name. */
#include "log.h"

static bool backup_over(void *l, const char *dst)
{
    unlink(dst);
    return log_backup(l, dst);
}

SPOILED_LOG("backup_replaces", op->backup = backup_over;)
