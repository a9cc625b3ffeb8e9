/* What is released is kept. */
#include "evil.h"

static void release(ENGINE_HANDLE *handle, const void *cookie, item *it)
{
    (void)handle;
    (void)cookie;
    (void)it;
}

EVIL(t->release = release;)
