/* open fails where there is no directory, and error has an empty text for it. */
#include "base.h"
#include "directory.h"

static const char *error_empty(void *l)
{
    (void)l;
    return "";
}

SPOILED(op->open = open_in_directory; op->error = error_empty;)
