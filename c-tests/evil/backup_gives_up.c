/* backup copies a database without records, and gives up on any other. */
#include "base.h"

static bool backup_gives_up(void *l, const char *dst)
{
    FILE *file = rnum(l) == 0 ? fopen(dst, "wx") : NULL;
    return file && fclose(file) == 0;
}

SPOILED(op->backup = backup_gives_up;)
