/* Classic: open fails, and error says why. */
#include "base.h"

static bool open_fails(void *data, const char *path)
{
    (void)data;
    (void)path;
    return false;
}

static const char *why(void *data)
{
    (void)data;
    return "the moon is in the wrong phase";
}

kumo_storage_op kumo_storage_init(void)
{
    kumo_storage_op op = base_storage_init();
    op.open = open_fails;
    op.error = why;
    return op;
}
