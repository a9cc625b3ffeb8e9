/* open opens a file that close does not close. */
#include "base.h"

#include <fcntl.h>

static bool open_more(void *l, const char *path)
{
    return open_(l, path) && open("/dev/null", O_RDONLY) >= 0;
}

SPOILED_PLUGIN("leaks_descriptor", op->open = open_more;)
