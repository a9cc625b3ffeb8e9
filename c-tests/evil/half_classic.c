/*
 * Both kinds at once: beside its description, which may leave slots NULL, it exports a
 * classic table that leaves the same ones NULL, which no classic table may.
 */
#include "base.h"

SPOILED_PLUGIN("half_classic", op->rnum = NULL; op->iterator_del_force = NULL;)

kumo_storage_op kumo_storage_init(void)
{
    return kumo_plugin_init(KUMO_ABI_VERSION, base_host)->op;
}
