/* What comes back after a restart has lost its flags. */
#include "disk.h"

static void destroy(ENGINE_HANDLE *handle, const bool force)
{
    memory *m = memory_of(handle);
    size_t i;
    entry *e;
    for (i = 0; i < BUCKETS; i++) {
        for (e = m->buckets[i]; e != NULL; e = e->next) {
            e->flags = 0;
        }
    }
    disk_destroy(handle, force);
}

EVIL(t->get_info = disk_info; t->initialize = disk_load; t->destroy = destroy;)
