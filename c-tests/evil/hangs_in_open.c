/* open never returns. */
#include "base.h"

static bool open_hangs(void *l, const char *path)
{
    (void)l, (void)path;
    while (sleep(1000) <= 1000) {
    }
    return false;
}

SPOILED_PLUGIN("hangs_in_open", op->open = open_hangs;)
