/* Classic: a slot that must be there is NULL. */
#include "base.h"

kumo_storage_op kumo_storage_init(void)
{
    kumo_storage_op op = base_storage_init();
    op.del = NULL;
    return op;
}
