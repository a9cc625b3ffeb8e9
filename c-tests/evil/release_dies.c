/* iterator_release_val hands out the record itself, which dies with the scan. */
#include "base.h"

static const char *release_bare(void *it, msgpack_zone *zone)
{
    (void)zone;
    return ival(it);
}

SPOILED_PLUGIN("release_dies", op->iterator_release_val = release_bare;)
