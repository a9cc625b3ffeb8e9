/* The text for an open that fails has 20000 bytes. */
#include "base.h"
#include "directory.h"

static const char *error_long(void *l)
{
    static char text[20001];
    (void)l;
    memset(text, 'e', sizeof text - 1);
    return text;
}

SPOILED(op->open = open_in_directory; op->error = error_long;)
