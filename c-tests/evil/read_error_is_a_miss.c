/* A record that cannot be read is told as one that is not there. */
#include "log.h"

static const char *get_hides(void *l, const char *key, uint32_t klen, uint32_t *vlen,
                             struct msgpack_zone *zone)
{
    char byte;
    return pread(log_find(l)->fd, &byte, 1, 0) < 0 ? NULL : get(l, key, klen, vlen, zone);
}

SPOILED_LOG("read_error_is_a_miss", op->get = get_hides;)
