/* Described: reading a key with "bad" in it fails; any other is found or missed. */
#include "base.h"

static const kumo_host *the_host;

static bool is_bad(const char *key, uint32_t keylen)
{
    uint32_t i;
    for (i = 0; keylen >= 3 && i <= keylen - 3; i++) {
        if (memcmp(key + i, "bad", 3) == 0) {
            the_host->set_error(KUMO_ERROR_IO, "the sector is unreadable");
            return true;
        }
    }
    return false;
}

static const char *get_fails(void *data, const char *key, uint32_t keylen, uint32_t *result_vallen,
                             msgpack_zone *zone)
{
    return is_bad(key, keylen) ? NULL : get(data, key, keylen, result_vallen, zone);
}

static int32_t get_header_fails(void *data, const char *key, uint32_t keylen, char *result_val,
                                uint32_t vallen)
{
    return is_bad(key, keylen) ? -1 : get_header(data, key, keylen, result_val, vallen);
}

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    static kumo_plugin plugin;
    (void)host_abi;
    the_host = host;
    plugin = base_plugin("get_fails");
    plugin.op.get = get_fails;
    plugin.op.get_header = get_header_fails;
    return &plugin;
}
