/* Classic: create returns NULL. */
#include "base.h"

static void *create_fails(void)
{
    return NULL;
}

kumo_storage_op kumo_storage_init(void)
{
    kumo_storage_op op = base_storage_init();
    op.create = create_fails;
    return op;
}
