/* Described: every write fails for want of room; reads go on. */
#include "base.h"

static const kumo_host *the_host;

static bool full(void)
{
    the_host->set_error(KUMO_ERROR_FULL, "no space left");
    return false;
}

static bool set_fails(void *data, const char *key, uint32_t keylen, const char *val,
                      uint32_t vallen)
{
    (void)data, (void)key, (void)keylen, (void)val, (void)vallen;
    return full();
}

static bool update_fails(void *data, const char *key, uint32_t keylen, const char *val,
                         uint32_t vallen, kumo_storage_casproc proc, void *casdata)
{
    (void)data, (void)key, (void)keylen, (void)val, (void)vallen, (void)proc, (void)casdata;
    return full();
}

static bool del_fails(void *data, const char *key, uint32_t keylen, kumo_storage_casproc proc,
                      void *casdata)
{
    (void)data, (void)key, (void)keylen, (void)proc, (void)casdata;
    return full();
}

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    static kumo_plugin plugin;
    (void)host_abi;
    the_host = host;
    plugin = base_plugin("set_fails");
    plugin.op.set = set_fails;
    plugin.op.update = update_fails;
    plugin.op.del = del_fails;
    return &plugin;
}
