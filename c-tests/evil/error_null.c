/* open fails where there is no directory, and error has no text for it. */
#include "base.h"
#include "directory.h"

static const char *error_null(void *l)
{
    (void)l;
    return NULL;
}

SPOILED(op->open = open_in_directory; op->error = error_null;)
