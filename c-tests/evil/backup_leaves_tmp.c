/* backup leaves its .tmp behind. */
#include "log.h"

static bool backup_leaves(void *l, const char *dst)
{
    char tmp[4096];
    bool done = log_backup(l, dst);
    snprintf(tmp, sizeof tmp, "%s.tmp", dst);
    return done && link(dst, tmp) == 0;
}

SPOILED_LOG("backup_leaves_tmp", op->backup = backup_leaves;)
