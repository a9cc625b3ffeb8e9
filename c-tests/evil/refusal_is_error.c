/* update reports an error where the casproc refuses. */
#include "base.h"

static bool update_complains(void *l, const char *key, uint32_t klen, const char *val,
                             uint32_t vlen, kumo_storage_casproc proc, void *arg)
{
    bool done = update(l, key, klen, val, vlen, proc, arg);
    if (!done) {
        base_host->set_error(KUMO_ERROR_OTHER, "refused");
    }
    return done;
}

SPOILED_PLUGIN("refusal_is_error", op->update = update_complains;)
